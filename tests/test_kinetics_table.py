"""The table [kinetics] of a design: its values, their units and bounds."""

import numpy as np
import pytest

import solidstack as ss
from solidstack.errors import DesignError

from .conftest import EXAMPLE


def test_values_and_what_a_change_of_material_keeps() -> None:
    design = ss.load(EXAMPLE)
    assert design.kinetics.diffusivity is None
    assert design.kinetics.interface_resistance == 0.0
    changed = design.with_(kinetics__diffusivity="2e-10 cm^2/s", kinetics__exchange_current_density=np.float64(3.0))
    assert changed.kinetics.diffusivity == 2e-14
    assert ss.Design.from_toml(changed.to_toml()) == changed
    # a material takes its own values along
    assert changed.with_material("NCM622", "NCM811").kinetics.diffusivity is None
    salt = design.with_(kinetics__transference_number=0.4, kinetics__diffusivity="2e-10 cm^2/s")
    other = salt.with_material("SPE", "Li6PS5Cl").kinetics
    assert (other.transference_number, other.diffusivity) == (None, salt.kinetics.diffusivity)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("transference_number", "0.0", "kinetics.transference_number: 0 is out of bounds: ratio must be above 0"),
        ("transference_number", "1.2", "kinetics.transference_number: 1.2 is out of bounds: ratio must be at most 1"),
        (
            "diffusivity",
            '"1e-9 cm/s"',
            'kinetics.diffusivity: "1e-9 cm/s" is of dimension length / time; expected a diffusivity, for example '
            '"1e-9 cm^2/s"',
        ),
        ("initial_stoichiometry", "1.0", "kinetics.initial_stoichiometry: 1 is out of bounds: ratio must be below 1"),
        ("interface_resistance", '"-1 ohm cm^2"', "resistance times area must be at least 0 ohm cm^2"),
        ("ideal_electronics", '"yes"', "kinetics.ideal_electronics: "),
        ("exchange_current", "1", 'kinetics.exchange_current: unknown key; did you mean "exchange_current_density"'),
    ],
)
def test_wrong_values_are_refused(key: str, value: str, message: str) -> None:
    text = f"{EXAMPLE.read_text(encoding='utf-8')}\n[kinetics]\n{key} = {value}\n"
    with pytest.raises(DesignError) as error:
        ss.Design.from_toml(text)
    assert message in str(error.value)
