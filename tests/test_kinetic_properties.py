"""Properties of the material files that charge and discharge take: against their sources, and their checks."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from solidstack import materials, units
from solidstack.constants import FARADAY, GAS
from solidstack.errors import MaterialError

from .conftest import SHARED

LIBRARY = materials.default_library()
HOSTS = ("NCM622", "NCM811", "NCM83", "graphite")

HEAD = """name = "my host"
role = "active-material"
[[density]]
value = "4.7 g/cm^3"
quality = "measured"
source = "lab book 7"
[[specific_capacity]]
value = "180 mAh/g"
quality = "measured"
source = "lab book 7"
[[average_voltage]]
value = "3.8 V"
quality = "measured"
source = "lab book 7"
"""
TAIL = """quality = "measured"
source = "lab book 7"
"""


def read(tmp_path: Path, text: str) -> materials.Material:
    path = tmp_path / "m.toml"
    path.write_text(HEAD + text + TAIL, encoding="utf-8")
    return materials.read(path)


def potential(name: str) -> Any:
    return LIBRARY[name].default("open_circuit_potential")


@pytest.mark.parametrize("name", HOSTS)
def test_potentials_fall_and_cover_the_cut_offs(name: str) -> None:
    entry = potential(name)
    low, high = entry.range
    x = np.linspace(low, high, 4001)
    assert np.diff(entry.at(x, 298.15)).max() < 0.0
    window = LIBRARY[name].default("voltage_window")
    assert entry.at(high, 298.15) < window.lower < window.upper < entry.at(low, 298.15)
    assert low <= LIBRARY[name].value("as_made_stoichiometry") <= high


def test_stoichiometry_of_the_charged_ncm622() -> None:
    """x(4.30 V) is 0.30, and 4.3 V to 2.7 V is 0.70 of 276.5 mAh/g, as charged there in the first cycle."""
    entry = potential("NCM622")
    x = np.linspace(*entry.range, 200_001)
    charged, discharged = np.interp([-4.30, -2.70], -entry.at(x, 298.15), x)
    assert charged == pytest.approx(0.30, abs=0.005)
    host = LIBRARY["NCM622"]
    capacity = (discharged - charged) * FARADAY * host.value("site_concentration") / host.value("density")
    assert capacity / 3600 == pytest.approx(193.8, abs=0.5)
    # what the cells of the reference take up in the first charge: 173 to 187 mAh/g over 87 to 90 %
    assert 0.90 < capacity / 3600 / (187 / 0.90) < 1.0 < capacity / 3600 / (173 / 0.90) < 1.02


def test_potential_of_ncm622_is_that_of_its_source() -> None:
    """The potential is recomputed from the occupancies of the sites, doi 10.1149/2.0341708jes, Table 1."""
    volts = np.linspace(3.51, 4.80, 400)
    sites = [
        (3.62274, 0.13442, 0.96710),
        (3.72645, 0.32460, 1.39712),
        (3.90575, 0.21118, 3.50500),
        (4.22955, 0.32980, 5.52757),
    ]
    occupancy = sum(
        share / (1.0 + np.exp(FARADAY / (GAS * 298.15) * (volts - standard) / width))
        for standard, share, width in sites
    )
    x = 0.9970 - 0.8019 * (1.0 - occupancy)
    np.testing.assert_allclose(potential("NCM622").at(x, 298.15), volts, atol=2e-4)


def test_potential_of_ncm622_against_measurements() -> None:
    path = SHARED / "ocp" / "nmc622_hanyang_subsample.csv"
    if not path.exists():
        pytest.skip("the shared measurements are not on this machine")
    x, volts = np.loadtxt(path, delimiter=",", comments="#").T
    off = potential("NCM622").at(x, 298.15) - volts
    inside = x < 0.979
    assert np.sqrt(np.mean(off[inside] ** 2)) < 6e-3
    assert np.abs(off[inside]).max() < 15e-3
    # where the potential drops, the stoichiometry agrees to 0.012
    steep = volts < 3.5
    entry = potential("NCM622")
    fine = np.linspace(*entry.range, 100_001)
    inverse = np.interp(-volts[steep], -entry.at(fine, 298.15), fine)
    assert np.abs(inverse - x[steep]).max() < 0.012


def test_potential_of_ncm811_is_that_of_its_source() -> None:
    """Fit of doi 10.1149/1945-7111/ab9050."""
    x = np.linspace(0.16, 0.969, 300)
    fit = (
        4.4875
        - 0.8090 * x
        - 0.0428 * np.tanh(18.5138 * (x - 0.5542))
        - 17.7326 * np.tanh(15.7890 * (x - 0.3117))
        + 17.5842 * np.tanh(15.9308 * (x - 0.3120))
    )
    np.testing.assert_allclose(potential("NCM811").at(x, 298.15), fit, atol=2e-4)
    np.testing.assert_array_equal(potential("NCM83").at(x, 298.15), potential("NCM811").at(x, 298.15))


def test_potential_of_graphite_is_that_of_its_source() -> None:
    volts = np.concatenate([np.linspace(0.01, 0.3, 300), np.linspace(0.3, 1.1, 50)])
    sites = [
        (0.08843, 0.43336, 0.08611),
        (0.12799, 0.23963, 0.08009),
        (0.14331, 0.15018, 0.72469),
        (0.16984, 0.05462, 2.53277),
        (0.21446, 0.06744, 0.09470),
        (0.36325, 0.05476, 5.97354),
    ]
    x = sum(
        share / (1.0 + np.exp(FARADAY / (GAS * 298.15) * (volts - standard) / width))
        for standard, share, width in sites
    )
    np.testing.assert_allclose(potential("graphite").at(x, 298.15), volts, atol=2e-3)


def test_a_potential_goes_on_falling_beyond_its_range() -> None:
    entry = potential("NCM622")
    low, high = entry.range
    x = np.array([low - 0.05, low - 0.01, low, high, high + 0.01, high + 0.05])
    assert np.all(np.diff(entry.at(x, 298.15)) < 0.0)
    assert entry.at(high + 0.01, 298.15) == pytest.approx(2.5 - 1.3, abs=1e-6)


def test_entropy_shifts_the_potential() -> None:
    made = {"quality": "assumed", "source": "test", "table": [(0.2, 4.5), (1.0, 2.5)]}
    number = materials.OpenCircuitPotential(**made, entropic_coefficient=-1e-4)
    assert number.at(0.6, 318.15) - number.at(0.6, 298.15) == pytest.approx(-2e-3)
    assert number.at(0.6, 298.15) == pytest.approx(3.5)
    curve = materials.OpenCircuitPotential(**made, entropic_table=[(0.0, 0.0), (1.0, 2e-4)])
    assert curve.at(1.0, 308.15) - curve.at(1.0, 298.15) == pytest.approx(2e-3)
    assert curve.at(0.0, 308.15) == pytest.approx(curve.at(0.0, 298.15))


def test_diffusivity_of_ncm811_is_that_of_its_source() -> None:
    """At x = 0.5 the three dips of the fit give 2.7 x 10^-13.96 times 10^-0.5895 m2/s (by hand)."""
    entry = LIBRARY["NCM811"].default("diffusivity")
    by_hand = -13.96 - 0.9231 * np.exp(-12.560) - 0.4066 * np.exp(-0.5578) - 0.993 * np.exp(-0.9671)
    assert entry.at(0.5, 298.15) == pytest.approx(2.7 * 10**by_hand, rel=1e-3, abs=0.0)
    assert entry.at(0.5, 318.15) / entry.at(0.5, 298.15) == pytest.approx(
        np.exp(12050 / GAS * (1 / 298.15 - 1 / 318.15)), rel=1e-12
    )


def test_electronic_conductivity_rises_as_lithium_leaves() -> None:
    entry = LIBRARY["NCM622"].default("electronic_conductivity")
    values = entry.at_stoichiometry(np.array([1.0, 0.25]), 298.15)
    np.testing.assert_allclose(values, [2.7e-4, 1.0], rtol=0.01)
    assert entry.value == pytest.approx(2.7e-4)
    single = LIBRARY["NCM83"].default("electronic_conductivity")
    np.testing.assert_array_equal(single.at_stoichiometry(np.array([0.3, 0.9]), 298.15), [0.522, 0.522])


def test_salt_concentration_follows_from_the_composition() -> None:
    salt = 1.0 / (1.0 + 2.0 + 8.0 * 80.09 / 287.09)
    assert LIBRARY["SPE"].value("salt_concentration") == pytest.approx(salt * 1800.0 / 0.28709, rel=0.01)
    assert LIBRARY["PEO-LiTFSI"].value("salt_concentration") == pytest.approx(1200 / (20 * 0.04405 + 0.28709), rel=0.01)


def test_lithium_follows_from_its_resistance() -> None:
    entry = LIBRARY["Li"].default("exchange_current_density")
    assert GAS * 353.15 / (FARADAY * entry.at(353.15)) == pytest.approx(67e-4, rel=0.02, abs=0.0)


POTENTIAL = "[[open_circuit_potential]]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            POTENTIAL + "table = [[0.2, 4.5], [0.5, 3.9], [0.7, 3.95], [1.0, 2.5]]\n",
            "line 15: open_circuit_potential.0: does not fall from x = 0.5 (3.9 V) to x = 0.7 (3.95 V); a potential "
            "falls as the host fills: smooth the data, or check that x is 1 when it is full",
        ),
        (
            POTENTIAL + "table = [[0.5, 3.9], [0.2, 4.5]]\n",
            "table: row 2 has stoichiometry 0.2, not above 0.5 of the row before",
        ),
        (POTENTIAL + "table = [[0.2, 4.5], [1.2, 2.5]]\n", "row 2 has stoichiometry 1.2; it must be between 0 and 1"),
        (
            POTENTIAL + 'table = [[0.2, "4.5 V"], [1.0, 2.5]]\n',
            "line 16: open_circuit_potential.0.table.0.1: is '4.5 V'; the rows of a table are numbers without units: "
            "x, and the value in SI",
        ),
        (POTENTIAL + "table = [[0.2], [1.0, 2.5]]\n", "table.0.1: value 2 of the list is missing"),
        (
            POTENTIAL + "table = [[0.2, 450], [1.0, 2.5]]\n",
            "is 450 V at x = 0.2; a potential must be between -10 and 10 V",
        ),
        (
            POTENTIAL + "expression = \"__import__('os')\"\nx_range = [0.1, 1]\n",
            "expression: \"__import__('os')\" at position 1 cannot be used; use only x, T, numbers",
        ),
        (
            POTENTIAL + 'expression = "3 + x"\nx_range = [0.1, 1]\n',
            "does not fall from x = 0.1 (3.1 V) to x = 0.10045",
        ),
        (POTENTIAL + 'expression = "3 - x"\n', "expression and x_range = [low, high] belong together"),
        (POTENTIAL + 'expression = "3 - x"\nx_range = [1, 0.1]\n', "x_range: the first value must be below the second"),
        (POTENTIAL, "table or expression is missing; write for example table = [[0.2, 4.6], [1.0, 2.5]]"),
        (
            POTENTIAL + 'expression = "3 - x"\nx_range = [0, 1]\ntable = [[0.2, 4.5], [1.0, 2.5]]\n',
            "has both table and expression; remove one",
        ),
        (
            POTENTIAL + 'expression = "3 - x + 1e-4*T"\nx_range = [0, 1]\nentropic_coefficient = "0.1 mV/K"\n',
            "contains T, and there is an entropic coefficient too; remove one of the two",
        ),
        (
            '[[diffusivity]]\nvalue = "1e-9"\ntemperature = "25 degC"\n',
            'line 16: diffusivity.0.value: "1e-9" has no unit; write for example "1e-9 cm^2/s"',
        ),
        (
            '[[diffusivity]]\ntemperature = "25 degC"\n',
            'needs exactly one of value, table and expression, for example value = "1e-9 cm^2/s"',
        ),
        (
            '[[diffusivity]]\ntable = [[0.2, 1e-14], [0.8, -1e-14]]\ntemperature = "25 degC"\n',
            "is -1e-14 at x = 0.8; every value must be above 0",
        ),
        (
            '[[exchange_current_density]]\nvalue = "3 mA/cm^2"\ntemperature = "25 degC"\ntransfer_coefficient = 1.0\n',
            "exchange_current_density.0.transfer_coefficient: 1 is out of bounds: ratio must be below 1",
        ),
        ('[[voltage_window]]\nlower = "4.3 V"\nupper = "2.7 V"\n', "lower (4.3 V) must be below upper (2.7 V)"),
        (
            "[[transference_number]]\nvalue = 0.0\n",
            "transference_number.0.value: 0 is out of bounds: ratio must be above 0",
        ),
        ("[[transference_number]]\nvalue = 1.2\n", "1.2 is out of bounds: ratio must be at most 1"),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MaterialError) as error:
        read(tmp_path, text)
    assert message in str(error.value)


def test_entries_of_a_file_are_read(tmp_path: Path) -> None:
    material = read(
        tmp_path,
        '[[diffusivity]]\ntable = [[0.2, 1e-14], [0.8, 3e-14]]\ntemperature = "25 degC"\n'
        'activation_energy = "30 kJ/mol"\n',
    )
    entry = material.default("diffusivity")
    np.testing.assert_allclose(entry.at(np.array([0.1, 0.2, 0.8, 1.0]), 298.15), [1e-14, 1e-14, 3e-14, 3e-14])
    assert entry.activation_energy == pytest.approx(30e3)


def test_curves_are_shown_by_range_and_number_of_points(run: Callable[..., Any]) -> None:
    result = run("materials", "show", "NCM622")
    assert result.code == 0
    text = re.sub(r"\s+", " ", result.out)
    for words in (
        "4.8 V to 2.5 V",
        "75 points",
        "2.7 V to 4.3 V",
        "1e-09 cm^2/s at 25 degC",
        "Ea 24.01 kJ/mol, a = 0.5",
    ):
        assert words in text
    assert "4.6304" not in result.out
    assert '"table"' in run("materials", "show", "NCM622", "--json").out


def test_units_of_kinetic_properties() -> None:
    assert units.parse("1e-9 cm^2/s", units.DIFFUSIVITY) == 1e-13
    assert units.parse("1 A/m^2", units.CURRENT_DENSITY) == 1.0
    assert units.parse("0.1 mA/cm^2", units.CURRENT_DENSITY) == 1.0
    assert units.parse("-0.1 mV/K", units.ENTROPIC) == -1e-4
    assert units.parse("1.2 mol/L", units.CONCENTRATION) == 1200.0
    assert units.parse("24 kJ/mol", units.MOLAR_ENERGY) == 24e3
