"""Parameters of a simulation, collected from the materials and the [kinetics] table of a design."""

import math
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import solidstack as ss
from solidstack import units
from solidstack.constants import FARADAY, GAS
from solidstack.electrode import electrolyte_conductivity, material_conductivity
from solidstack.errors import DesignError, MaterialError
from solidstack.kinetics import SENSITIVE, CellParameters, Electrolyte, cell_parameters

ROOM = 298.15


@pytest.fixture
def parameters(design: ss.Design) -> CellParameters:
    return cell_parameters(design)


def test_active_material(parameters: CellParameters) -> None:
    (active,) = parameters.active.values()
    assert active.name == "NCM622"
    assert active.specific_charge / 3600 == pytest.approx(276.5, abs=0.2)
    x = np.linspace(*active.stoichiometry_range, 1001)
    volts = active.open_circuit_potential(x, parameters.temperature)
    assert np.diff(volts).max() < 0.0
    assert volts[-1] < parameters.voltage_window[0] < parameters.voltage_window[1] < volts[0]
    assert parameters.voltage_window == (2.7, 4.3)
    assert active.as_made_stoichiometry == 0.995
    assert isinstance(active.open_circuit_potential(0.5, ROOM), float)
    assert active.diffusivity(np.full((2, 3), 0.5), ROOM).shape == (2, 3)
    np.testing.assert_allclose(active.diffusivity(x, ROOM), 1e-13, rtol=1e-12)


def test_stoichiometry_inverts_the_potential(parameters: CellParameters) -> None:
    active = parameters.active["NCM622"]
    assert active.stoichiometry(4.30, ROOM) == pytest.approx(0.30, abs=0.005)
    for volts in (4.7, 4.3, 3.8, 3.55, 2.7):
        x = active.stoichiometry(volts, ROOM)
        assert active.open_circuit_potential(x, ROOM) == pytest.approx(volts, abs=1e-9)
    low, high = active.stoichiometry_range
    assert (active.stoichiometry(6.0, ROOM), active.stoichiometry(1.0, ROOM)) == (low, high)


def test_first_charge_to_4_3_volts_is_near_what_cells_take_up(parameters: CellParameters) -> None:
    """173 to 187 mAh/g discharged at 87 to 90 % first-cycle efficiency are 192 to 215 mAh/g charged."""
    active = parameters.active["NCM622"]
    charge = (active.as_made_stoichiometry - active.stoichiometry(4.3, ROOM)) * active.specific_charge
    assert charge / 3600 == pytest.approx(192.9, abs=0.5)


def test_rates_rise_with_temperature_by_their_activation_energy(parameters: CellParameters) -> None:
    active = parameters.active["NCM622"]

    def slope(rate: Callable[[float], float]) -> float:
        return -GAS * (np.log(rate(330.0)) - np.log(rate(300.0))) / (1 / 330.0 - 1 / 300.0)

    assert slope(active.exchange_current_density) == pytest.approx(24010.0, rel=1e-9)
    assert slope(lambda t: parameters.electrolyte.conductivity(t) * t) == pytest.approx(0.10 * FARADAY, rel=1e-9)
    # the salt's diffusivity follows from the conductivity times T
    assert slope(lambda t: parameters.electrolyte.salt_diffusivity(t) or 0.0) == pytest.approx(0.10 * FARADAY, rel=1e-9)
    # without one the value stays, with a warning
    assert parameters.lithium.exchange_current_density(330.0) == parameters.lithium.exchange_current_density(300.0)
    (warning,) = parameters.warnings
    assert warning.startswith("no activation energy is known, so the value at another temperature is used: ")
    assert "lithium, exchange current density (80 degC)" in warning


def test_conductivities_are_those_of_the_sheet(design: ss.Design, parameters: CellParameters) -> None:
    assert parameters.electrolyte.conductivity(parameters.temperature) == electrolyte_conductivity(design)
    assert parameters.membrane.conductivity(parameters.temperature) == material_conductivity(design, "SPE")
    replaced = cell_parameters(
        design.with_(positive__ionic_conductivity="2 mS/cm", membrane__ionic_conductivity="3 mS/cm")
    )
    assert replaced.electrolyte.conductivity(parameters.temperature) == pytest.approx(0.2)
    assert replaced.membrane.conductivity(parameters.temperature) == pytest.approx(0.3)
    # away from the design's temperature a replaced value changes as the material's own
    for electrolyte, own in ((replaced.electrolyte, 0.2), (replaced.membrane, 0.3)):
        ratio = parameters.electrolyte.conductivity(350.0) / parameters.electrolyte.conductivity(parameters.temperature)
        assert electrolyte.conductivity(350.0) == pytest.approx(own * ratio, rel=1e-12)


def test_salt(parameters: CellParameters) -> None:
    assert not parameters.electrolyte.is_single_ion
    assert parameters.electrolyte.current_fraction == 0.9
    assert parameters.electrolyte.transference_number == 0.4
    assert parameters.electrolyte.transference_range == (0.2, 0.7)
    assert parameters.electrolyte.salt_concentration == 1200.0
    # 2 sigma R T (1 - t0)^2 Theta rho / (F^2 c (1 - rho))
    derived = 2.0 * 0.108 * GAS * 303.15 * 0.36 * 9.0 / (FARADAY**2 * 1200.0)
    assert parameters.electrolyte.salt_diffusivity(303.15) == pytest.approx(derived, rel=1e-12, abs=0.0)
    assert parameters.membrane_thickness == pytest.approx(82e-6)


def test_single_ion_conductors(design: ss.Design) -> None:
    sulfide = cell_parameters(design.with_material("SPE", "Li6PS5Cl"))
    assert sulfide.electrolyte.is_single_ion
    assert sulfide.electrolyte.salt_diffusivity(ROOM) is None
    single = cell_parameters(design.with_(kinetics__transference_number=1.0))
    assert single.electrolyte.is_single_ion
    assert single.membrane.is_single_ion


def test_a_salt_without_its_concentration_is_treated_as_single_ion_with_a_warning(
    design: ss.Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (Path(ss.__file__).parent / "materials" / "data" / "spe.toml").read_text(encoding="utf-8")
    head, _, _ = text.partition("[[salt_concentration]]")
    (tmp_path / "spe.toml").write_text(head, encoding="utf-8")
    monkeypatch.setenv("SOLIDSTACK_MATERIALS", str(tmp_path))
    bare = ss.Design.from_toml(design.to_toml())
    parameters = cell_parameters(bare)
    assert parameters.electrolyte.is_single_ion
    assert (
        "SPE (positive) has no salt concentration: it is treated as if only lithium moved; give "
        "kinetics.salt_concentration or [[salt_concentration]] in its material file"
    ) in parameters.warnings
    replaced = cell_parameters(bare.with_(kinetics__salt_concentration=1000.0))
    assert not replaced.electrolyte.is_single_ion
    assert replaced.electrolyte.current_fraction == 0.9


def _salt(design: ss.Design, **given: float) -> Electrolyte:
    return cell_parameters(design.with_(**{f"kinetics__{key}": value for key, value in given.items()})).electrolyte


def test_what_is_derived_of_a_salt_follows_its_parents(design: ss.Design, parameters: CellParameters) -> None:
    """Newman's number stays (1 - rho)/rho whatever is changed but the diffusivity itself; that is (1 - t0)^2 of it."""
    own = parameters.electrolyte
    for name, expected in (
        ("transference_number", (1.0 - 0.6) ** 2 / (1.0 - 0.4) ** 2),
        ("conductivity", 1.5),
        ("salt_concentration", 1.0 / 1.5),
        ("thermodynamic_factor", 1.5),
    ):
        changed = own.scaled(name, 1.5)
        assert changed.current_fraction == 0.9
        ratio = (changed.salt_diffusivity(ROOM) or 0.0) / (own.salt_diffusivity(ROOM) or 1.0)
        assert ratio == pytest.approx(expected, rel=1e-12)
    doubled = own.scaled("salt_diffusivity", 2.0)
    assert doubled.transference_number == own.transference_number
    # Ne = 1/9 halves
    assert doubled.current_fraction == pytest.approx(1.0 / (1.0 + 1.0 / 18.0))


def test_an_ideal_salt_has_its_transference_number_as_current_fraction(design: ss.Design) -> None:
    """Nernst and Einstein: D = 2 R T sigma t (1 - t)/(F^2 c)."""
    ideal = _salt(design, transference_number=0.9)
    at = float(design.temperature)
    expected = 2.0 * GAS * at * ideal.conductivity(at) * 0.9 * 0.1 / (FARADAY**2 * 1200.0)
    assert ideal.salt_diffusivity(at) == pytest.approx(expected, rel=1e-12, abs=0.0)


def test_the_number_that_nobody_measured_makes_room(design: ss.Design) -> None:
    at = float(design.temperature)
    given = 2.0 * (_salt(design).salt_diffusivity(at) or 0.0)
    # rho is measured, the ideal solution and t0 are assumed: D fixes t0, 2 (1 - 0.4)^2 = (1 - t0)^2
    free = _salt(design, salt_diffusivity=given)
    assert free.derived == "transference_number"
    assert free.transference_number == pytest.approx(1.0 - math.sqrt(2.0) * 0.6)
    # with t0 given as well, the thermodynamic factor makes room
    both = _salt(design, salt_diffusivity=given, transference_number=0.4)
    assert both.derived == "thermodynamic_factor"
    assert both.thermodynamic_factor == pytest.approx(2.0)
    # three that the design gives stand, and the material's own goes
    three = _salt(design, salt_diffusivity=given, transference_number=0.4, thermodynamic_factor=1.0)
    assert three.derived == "current_fraction"
    assert three.current_fraction == pytest.approx(1.0 / (1.0 + 1.0 / 18.0))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"salt_diffusivity": 1e-8},
            "positive: SPE: current fraction 0.9, salt diffusivity 0.0001 cm^2/s and thermodynamic factor 1 contradict "
            "each other: from the others follows a current fraction of 0.994 even with a transference number of 0 (rho "
            "= 1/(1 + Ne)). Leave one of them out, and it follows from the rest",
        ),
        (
            {
                "salt_diffusivity": 1e-12,
                "transference_number": 0.4,
                "thermodynamic_factor": 1.0,
                "current_fraction": 0.9,
            },
            "positive: SPE: transference number 0.4, current fraction 0.9, salt diffusivity 1e-08 cm^2/s and "
            "thermodynamic factor 1 contradict each other: from the others follows a current fraction of 0.0454",
        ),
        (
            {"current_fraction": 1.0},
            "positive: SPE: a current fraction of 1 is that of a single-ion conductor, in which no salt moves; set "
            "kinetics.single_ion = true, or give the measured fraction below 1",
        ),
    ],
)
def test_contradicting_salt_is_told(design: ss.Design, given: dict[str, float], message: str) -> None:
    with pytest.raises(MaterialError) as error:
        _salt(design, **given)
    assert message in str(error.value)


@pytest.mark.parametrize("key", ["transference_number", "current_fraction"])
@pytest.mark.parametrize("value", [0.0, 1.5, -0.2])
def test_a_transference_number_or_current_fraction_out_of_bounds_is_refused(
    design: ss.Design, key: str, value: float
) -> None:
    with pytest.raises(DesignError, match=f"kinetics.{key}"):
        design.with_(**{f"kinetics__{key}": value})


def test_single_ion_is_a_choice_of_the_design(design: ss.Design) -> None:
    chosen = cell_parameters(design.with_(kinetics__single_ion=True, membrane__material="PEO-LiTFSI"))
    assert chosen.electrolyte.is_single_ion
    assert chosen.membrane.is_single_ion


def test_values_of_the_design_take_precedence_over_those_of_the_material(design: ss.Design) -> None:
    parameters = cell_parameters(
        design.with_(
            kinetics={
                "exchange_current_density": "1 A/m^2",
                "diffusivity": "3e-10 cm^2/s",
                "electronic_conductivity": "5 mS/cm",
                "additive_conductivity": "20 S/cm",
                "interface_resistance": "5 ohm cm^2",
                "lithium_exchange_current_density": "2 mA/cm^2",
                "transference_number": 0.5,
                "salt_concentration": "0.8 mol/L",
                "salt_diffusivity": "1e-8 cm^2/s",
                "thermodynamic_factor": 1.5,
                "initial_stoichiometry": 0.9,
            },
            negative__interface_resistance="12 ohm cm^2",
        )
    )
    at = parameters.temperature
    active = parameters.active["NCM622"]
    assert active.exchange_current_density(at) == 1.0
    assert active.exchange_current_density(at + 10) > 1.1
    np.testing.assert_allclose(active.diffusivity(np.array([0.3, 0.9]), at), 3e-14)
    np.testing.assert_allclose(active.electronic_conductivity(np.array([0.3, 0.9]), at), 0.5)
    assert parameters.additive_conductivity == {"carbon black": pytest.approx(2000.0)}
    assert parameters.interface_resistance == pytest.approx(5e-4)
    assert parameters.lithium_resistance == pytest.approx(12e-4)
    assert parameters.lithium.exchange_current_density(at) == pytest.approx(20.0)
    for electrolyte in (parameters.electrolyte, parameters.membrane):
        assert electrolyte.transference_number == 0.5
        assert electrolyte.salt_concentration == pytest.approx(800.0)
        assert electrolyte.salt_diffusivity(at) == pytest.approx(1e-12, abs=0.0)
        assert electrolyte.thermodynamic_factor == 1.5
    assert active.as_made_stoichiometry == 0.9
    quality = {row.what: row.quality for row in parameters.sources}
    assert quality["NCM622, diffusivity"] == quality["lithium, interface resistance"] == "given"
    assert quality["NCM622, open-circuit potential"] == "derived"


def test_the_membrane_keeps_its_own_salt(design: ss.Design) -> None:
    other = design.with_(membrane__material="PEO-LiTFSI", kinetics__transference_number=0.5)
    parameters = cell_parameters(other)
    assert (parameters.electrolyte.transference_number, parameters.membrane.transference_number) == (0.5, 0.2)
    assert parameters.membrane.salt_concentration == pytest.approx(1030.0)
    changed = parameters.changed("salt_concentration", 2.0)
    assert changed.electrolyte.salt_concentration == pytest.approx(2400.0)
    assert changed.membrane == parameters.membrane


def test_density_of_the_design_takes_the_sites_along(design: ss.Design, parameters: CellParameters) -> None:
    light = cell_parameters(design.with_(densities={"NCM622": 4600.0})).active["NCM622"]
    assert light.density == 4600.0
    assert light.specific_charge == pytest.approx(parameters.active["NCM622"].specific_charge, rel=1e-12)


def test_every_value_has_a_source(parameters: CellParameters) -> None:
    assert {row.quality for row in parameters.sources} <= {"measured", "derived", "assumed", "given"}
    for row in parameters.sources:
        assert len(row.source) > 3
        assert np.isfinite(row.value)
    shown = {row.what: row.text for row in parameters.sources}
    assert shown["NCM622, diffusivity"] == "1e-09 cm² s⁻¹"
    assert shown["positive: SPE, ionic conductivity"] == "1.233 mS cm⁻¹"
    assert shown["positive: SPE, current fraction"] == "0.9"
    quality = {row.what: row.quality for row in parameters.sources}
    assert quality["positive: SPE, transference number"] == "assumed"
    assert quality["positive: SPE, salt diffusivity"] == "derived"
    doubtful = {row.parameter: row.factors for row in parameters.doubtful}
    assert doubtful["transference_number"] == (0.5, pytest.approx(1.75))
    assert "diffusivity" not in doubtful


def test_other_negatives_are_replaced_by_lithium_with_a_warning(design: ss.Design) -> None:
    parameters = cell_parameters(design.with_(negative={"kind": "graphite", "interface_resistance": "10 ohm cm^2"}))
    assert any("the counter electrode here is lithium" in warning for warning in parameters.warnings)
    assert parameters.lithium_resistance == 0.0


def test_ideal_electronics_need_no_conductivity(design: ss.Design) -> None:
    parameters = cell_parameters(design.with_(kinetics__ideal_electronics=True))
    assert parameters.ideal_electronics
    assert parameters.active["NCM622"].electronic_conductivity(0.5, ROOM) == np.inf
    assert np.all(np.isinf(parameters.active["NCM622"].electronic_conductivity(np.array([0.3, 0.5]), ROOM)))


@pytest.mark.parametrize("factor", [0.5, 1.5])
@pytest.mark.parametrize("name", SENSITIVE)
def test_one_parameter_at_a_time(parameters: CellParameters, name: str, factor: float) -> None:
    """Each name changes its own figure by the factor, and no other but what follows from it."""
    start = replace(parameters, interface_resistance=1e-4, lithium_resistance=2e-4).changed("current_fraction", 0.5)

    def figures(parameters: CellParameters) -> dict[str, Any]:
        (active,) = parameters.active.values()
        return {
            "exchange_current_density": active.exchange_current_density(ROOM),
            "diffusivity": active.diffusivity(0.5, ROOM),
            "electronic_conductivity": active.electronic_conductivity(0.5, ROOM),
            "irreversible_share": 1.0 - active.reversible_share,
            "additive_conductivity": parameters.additive_conductivity["carbon black"],
            "percolation_content": parameters.percolation["carbon black"].content,
            "ionic_conductivity": parameters.electrolyte.conductivity(ROOM),
            "membrane_conductivity": parameters.membrane.conductivity(ROOM),
            "transference_number": parameters.electrolyte.transference_number,
            "current_fraction": parameters.electrolyte.current_fraction,
            "salt_diffusivity": parameters.electrolyte.salt_diffusivity(ROOM),
            "salt_concentration": parameters.electrolyte.salt_concentration,
            "thermodynamic_factor": parameters.electrolyte.thermodynamic_factor,
            "lithium_exchange_current_density": parameters.lithium.exchange_current_density(ROOM),
            "interface_resistance": parameters.interface_resistance,
            "lithium_resistance": parameters.lithium_resistance,
        }

    before, after = figures(start), figures(start.changed(name, factor))
    expected = {key: value * (factor if key == name else 1.0) for key, value in before.items()}
    # the salt's diffusivity follows from its parents, and the current fraction from a diffusivity
    follows = {"ionic_conductivity", "transference_number", "current_fraction", "salt_concentration"}
    if name in follows | {"thermodynamic_factor"}:
        assert after.pop("salt_diffusivity") != pytest.approx(expected.pop("salt_diffusivity"), rel=1e-3)
    if name == "salt_diffusivity":
        assert after.pop("current_fraction") != pytest.approx(expected.pop("current_fraction"), rel=1e-3)
    assert after == pytest.approx(expected, rel=1e-12, abs=0.0)
    # and twice is the product
    back = figures(start.changed(name, factor).changed(name, 1.0 / factor))
    assert back == pytest.approx(before, rel=1e-12, abs=0.0)


def test_a_resistance_of_zero_is_raised_by_that_of_the_charge_transfer(parameters: CellParameters) -> None:
    at = parameters.temperature
    beside = GAS * at / (FARADAY * parameters.active["NCM622"].exchange_current_density(at))
    assert parameters.changed("interface_resistance", 3.0).interface_resistance == pytest.approx(2.0 * beside)
    assert parameters.changed("interface_resistance", 0.5).interface_resistance == 0.0
    lithium = GAS * at / (FARADAY * parameters.lithium.exchange_current_density(at))
    assert parameters.changed("lithium_resistance", 2.0).lithium_resistance == pytest.approx(lithium)


@pytest.mark.parametrize(
    ("name", "factor", "message"),
    [
        ("diffusion", 2.0, 'parameter "diffusion" is not recognised; did you mean "diffusivity"'),
        ("diffusivity", 0.0, "diffusivity: a factor of 0 is not possible; it must be a number above 0"),
        ("diffusivity", float("nan"), "diffusivity: a factor of nan is not possible"),
        (
            "transference_number",
            3.0,
            "transference_number: 3 times 0.4 of SPE is 1.2, which must be below 1; choose a factor of at most 2.475",
        ),
    ],
)
def test_a_wrong_change_is_refused(parameters: CellParameters, name: str, factor: float, message: str) -> None:
    with pytest.raises(MaterialError) as error:
        parameters.changed(name, factor)
    assert message in str(error.value)


def test_a_missing_value_is_refused_with_its_cure(design: ss.Design) -> None:
    other = design.with_material("NCM622", "LCO")
    with pytest.raises(MaterialError) as error:
        cell_parameters(other)
    assert str(error.value) == (
        "open_circuit_potential: LCO has no open circuit potential, which charge and discharge need; give a material "
        'file with [[open_circuit_potential]], see "solidstack materials add"'
    )
    shares = {"NCM622": "90 wt%", "SPE": "8 wt%", "PTFE": "2 wt%"}
    assert cell_parameters(design.with_(positive__composition=shares)).additive_conductivity == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positive__loading": np.array([0.1, 0.2])}, "charge and discharge take a single design"),
        (
            {"kinetics__initial_stoichiometry": 0.1},
            "kinetics.initial_stoichiometry: 0.1 is outside the range 0.1998 to 1 in which the open-circuit potential "
            "of NCM622 is known; give a value inside it",
        ),
    ],
)
def test_what_cannot_be_run_is_refused(design: ss.Design, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DesignError) as error:
        cell_parameters(design.with_(**changes))
    assert message in str(error.value)


def test_a_temperature_outside_the_measured_range_is_warned_of(design: ss.Design) -> None:
    parameters = cell_parameters(design.with_(temperature=units.parse("120 degC", units.TEMPERATURE)))
    assert "positive: SPE, ionic conductivity is known at 20 to 80 degC, not at 120 degC" in parameters.warnings


def test_two_active_materials_share_a_window(design: ss.Design) -> None:
    shares = {"NCM622": "50 wt%", "NCM811": "43 wt%", "SPE": "5 wt%", "carbon black": "2 wt%"}
    parameters = cell_parameters(design.with_(positive__composition=shares))
    assert list(parameters.active) == ["NCM622", "NCM811"]
    assert parameters.voltage_window == (2.7, 4.3)


def test_parameters_can_be_sent_to_another_process(parameters: CellParameters) -> None:
    assert pickle.loads(pickle.dumps(parameters)) == parameters
