"""The half-cell in PyBaMM: closed forms of resistance, kinetics, diffusion and salt; scaling and the true geometry."""

import math
from dataclasses import replace

import numpy as np
import pytest

import solidstack as ss
from solidstack.constants import FARADAY, GAS
from solidstack.kinetics import cell_parameters
from solidstack.materials import OpenCircuitPotential
from solidstack.twin.companion import scaling
from solidstack.twin.companion.half_cell import PassedAtOnceError
from solidstack.twin.companion.half_cell_equations import CONTROLS, FREE
from solidstack.twin.companion.homogenised import HomogenisedModel
from solidstack.twin.effective import Effective

from .helpers import SAME, active_of, charge, discharge, rest, steps, with_flat_potential

ASR = 0.01
"""Of the resistance against the closed form."""


@pytest.mark.parametrize(
    ("thickness", "exchange", "interface_resistance"),
    [(50e-6, 2.5, 0.0), (100e-6, 8.0, 0.0), (100e-6, 8.0, 5e-3), (20e-6, 30.0, 0.0)],
)
def test_resistance_is_the_closed_form(
    model: HomogenisedModel,
    single: ss.Design,
    medium: Effective,
    thickness: float,
    exchange: float,
    interface_resistance: float,
) -> None:
    """Linear kinetics, one mobile ion, good electronic conductor: sqrt(R_ion R_ct) coth sqrt(R_ion/R_ct) and so on."""
    parameters = replace(
        with_flat_potential(cell_parameters(single), exchange),
        interface_resistance=interface_resistance,
        lithium_resistance=1e-3,
    )
    temperature = parameters.temperature
    medium = medium.changed(thickness=thickness)
    thermal = GAS * temperature / FARADAY
    ionic = thickness / medium.ionic_conductivity
    transfer = (thermal / exchange + interface_resistance) / (medium.specific_interface * thickness)
    membrane = parameters.membrane_thickness / parameters.membrane.conductivity(temperature)
    lithium = thermal / parameters.lithium.exchange_current_density(temperature) + parameters.lithium_resistance
    s = math.sqrt(ionic / transfer)
    closed = math.sqrt(ionic * transfer) / math.tanh(s) + membrane + lithium
    # the reaction goes as cosh s(1 - x/L); its power is that part of the resistance
    reacting = transfer * s**2 / math.sinh(s) ** 2 * (0.5 + math.sinh(2.0 * s) / (4.0 * s))
    current = 0.5
    run = model.run(
        single,
        steps(charge(f"{current / 10} mA/cm^2", time=1.0)),
        effective=medium,
        parameters=parameters,
        initial_stoichiometry=0.5,
    )
    resting = active_of(parameters).open_circuit_potential(0.5, temperature)
    assert (run.voltage[0] - resting) / current == pytest.approx(closed, rel=ASR)
    split = {name: values[0] / current for name, values in run.split.items() if name != "equilibrium"}
    assert split["membrane"] == pytest.approx(membrane, rel=ASR)
    assert split["lithium"] == pytest.approx(lithium, rel=ASR)
    assert split["charge_transfer"] == pytest.approx(reacting, abs=ASR * closed)
    assert split["ionic"] == pytest.approx(closed - membrane - lithium - reacting, abs=ASR * closed)
    assert split["concentration"] == 0.0


def test_electrons_are_the_mirror_of_ions(model: HomogenisedModel, single: ss.Design, medium: Effective) -> None:
    """Exchanging the two conductivities changes no resistance: the reaction starts at the other face."""
    parameters = with_flat_potential(cell_parameters(single), 5.0)
    drops = []
    for ions, electrons in ((0.01, 0.2), (0.2, 0.01)):
        run = model.run(
            single,
            steps(charge("0.05 mA/cm^2", time=1.0)),
            effective=medium.changed(thickness=80e-6, ionic_conductivity=ions, electronic_conductivity=electrons),
            parameters=parameters,
            initial_stoichiometry=0.5,
        )
        drops.append(sum(run.split[name][0] for name in ("ionic", "electronic", "charge_transfer")))
    assert drops[0] == pytest.approx(drops[1], rel=2e-3)


def test_fast_kinetics_follow_the_transfer_coefficient(
    model: HomogenisedModel, single: ss.Design, medium: Effective
) -> None:
    """Far from equilibrium (Tafel) an e-fold of the current takes RT/aF on charge and RT/(1-a)F on discharge."""
    parameters = with_flat_potential(cell_parameters(single), 1e-4)
    active = active_of(parameters)
    exchange = active.exchange.model_copy(update={"transfer_coefficient": 0.3})
    parameters = replace(parameters, active={"NCM622": replace(active, exchange=exchange)})
    medium = medium.changed(ionic_conductivity=10.0)  # so that the reaction is even
    thermal = GAS * parameters.temperature / FARADAY
    slopes = []
    for step, sign in ((charge, 1.0), (discharge, -1.0)):
        drops = [
            model.run(
                single,
                steps(step(f"{milliampere} mA/cm^2", time=0.1)),
                effective=medium,
                parameters=parameters,
                initial_stoichiometry=0.5,
            ).split["charge_transfer"][0]
            for milliampere in (1.0, math.e)
        ]
        slopes.append(sign * (drops[1] - drops[0]))
    assert slopes == pytest.approx([thermal / 0.3, thermal / 0.7], rel=0.01)
    emptier = model.run(
        single,
        steps(charge("1 mA/cm^2", time=0.1)),
        effective=medium,
        parameters=parameters,
        initial_stoichiometry=0.2,
    )
    exchanged = 2e-4 * 0.2**0.3 * 0.8**0.7
    flux = 10.0 / (medium.specific_interface * medium.thickness)
    expected = thermal / 0.3 * math.log(flux / exchanged)
    assert emptier.split["charge_transfer"][0] == pytest.approx(expected, rel=0.01)


def test_diffusion_in_the_particles_is_the_closed_form(
    model: HomogenisedModel, single: ss.Design, medium: Effective
) -> None:
    """A sphere at constant flux j: the surface differs from the mean by j R / (5 F D); of the charge it is V per x."""
    parameters = with_flat_potential(cell_parameters(single), 1.0)
    table = {"table": [(0.0, 4.5), (1.0, 3.5)], "quality": "assumed", "source": "test"}
    active = replace(active_of(parameters), potential=OpenCircuitPotential.model_validate(table))
    parameters = replace(parameters, active={"NCM622": active})
    medium = medium.changed(ionic_conductivity=10.0, particle_radius=8e-6, thickness=70e-6)
    diffusivity = active.diffusivity(0.5, parameters.temperature)
    current = 5.0
    seconds = 3.0 * medium.radius**2 / diffusivity / 10.0
    run = model.run(
        single,
        steps(charge(f"{current / 10} mA/cm^2", time=seconds)),
        effective=medium,
        parameters=parameters,
        initial_stoichiometry=0.6,
    )
    flux = current / (3.0 * medium.active_fraction / medium.radius * medium.thickness)
    sites = active.site_concentration
    off = flux * medium.radius / (5.0 * FARADAY * diffusivity * sites)
    assert run.split["diffusion"][-1] == pytest.approx(1.0 * off, rel=0.02)


def test_membrane_of_another_conductivity(model: HomogenisedModel, design: ss.Design) -> None:
    """With salt as well, before it has moved, the membrane is a resistance of its own conductivity."""
    changed = design.with_(membrane__ionic_conductivity=0.02)
    run = model.run(changed, steps(charge("C/10", time=1e-3)))
    resistance = 82e-6 / 0.02
    assert cell_parameters(changed).membrane.current_fraction == 0.9
    # the potential at its edge is extrapolated from half a cell away, where the conductivity is another one
    assert run.split["membrane"][0] / run.current_density[0] == pytest.approx(resistance, rel=6e-3)
    parameters = cell_parameters(changed)
    exchange = parameters.lithium.exchange_current_density(parameters.temperature)
    lithium = 2.0 * GAS * parameters.temperature / FARADAY * math.asinh(run.current_density[0] / 2.0 / exchange)
    assert run.split["lithium"][0] == pytest.approx(lithium, rel=2e-3)
    np.testing.assert_allclose(sum(run.split.values()), run.voltage, atol=1e-9)


def test_slow_discharge_follows_the_potential(model: HomogenisedModel, single: ss.Design) -> None:
    run = model.run(single, steps(discharge("C/1000", time=1000 * 3600.0)), initial_stoichiometry=0.3)
    parameters = cell_parameters(single)
    inside = run.stoichiometry < 0.97
    expected = active_of(parameters).open_circuit_potential(run.stoichiometry[inside], parameters.temperature)
    assert run.stoichiometry.max() > 0.95
    np.testing.assert_allclose(run.voltage[inside], expected, atol=1e-3)


def test_after_a_rest_the_cell_is_in_equilibrium(model: HomogenisedModel, single: ss.Design) -> None:
    run = model.run(single, steps(charge("1C", capacity=100 * 3600.0), rest(48 * 3600.0)))
    parameters = cell_parameters(single)
    expected = active_of(parameters).open_circuit_potential(run.stoichiometry[-1], parameters.temperature)
    assert run.voltage[-1] == pytest.approx(expected, abs=1e-4)
    assert run.steps[1].end_reason == "time over (48 h)"
    assert run.stoichiometry[run.rows(run.steps[1])] == pytest.approx(run.stoichiometry[-1], abs=1e-9)


@pytest.mark.parametrize("salt", [False, True])
def test_scaled_model_is_the_true_geometry(
    monkeypatch: pytest.MonkeyPatch, model: HomogenisedModel, design: ss.Design, single: ss.Design, salt: bool
) -> None:
    """Thickness, membrane and radius far from those of the built model, against a model that is built for them."""
    changed = (design if salt else single).with_(positive__loading=0.3, membrane__thickness=20e-6)
    medium = Effective.from_design(changed).changed(particle_radius=9e-6)
    protocol = steps(charge("C/8"), rest(600.0), discharge("C/8", capacity=30 * 3600.0))
    scaled = model.run(changed, protocol, effective=medium)
    monkeypatch.setattr(scaling, "L0", medium.thickness)
    monkeypatch.setattr(scaling, "R0", 9e-6)
    true = HomogenisedModel().run(changed, protocol, effective=medium)
    assert [step.end_reason for step in scaled.steps] == [step.end_reason for step in true.steps]
    for first, other in zip(scaled.steps, true.steps, strict=True):
        assert first.capacity == pytest.approx(other.capacity, rel=2e-4)
        rows, others = scaled.rows(first), true.rows(other)
        inside = scaled.time[rows] < 0.98 * (scaled.time[rows][-1] - scaled.time[rows][0]) + scaled.time[rows][0]
        voltage = np.interp(scaled.time[rows], true.time[others], true.voltage[others])
        np.testing.assert_allclose(scaled.voltage[rows][inside], voltage[inside], atol=3 * SAME)


def test_salt_profile_of_the_steady_state(model: HomogenisedModel, design: ss.Design, medium: Effective) -> None:
    """The drop of the salt's potential over the membrane, g M = (1 - t) i M / (F D), with little current."""
    parameters = with_flat_potential(cell_parameters(design), 0.05)  # slow kinetics, so that the reaction is even
    electrolyte = parameters.electrolyte
    current = 0.2
    run = model.run(
        design, steps(charge(f"{current / 10} mA/cm^2", time=20 * 3600.0)), effective=medium, parameters=parameters
    )
    t, kelvin = electrolyte.transference_number, parameters.temperature
    salt, diffusivity = electrolyte.salt_concentration, electrolyte.salt_diffusivity(kelvin)
    assert salt is not None
    assert diffusivity is not None
    through = medium.ionic_conductivity / electrolyte.conductivity(kelvin)
    gradient = (1 - t) * current / (FARADAY * diffusivity)
    fall = gradient * parameters.membrane_thickness + gradient * medium.thickness / through / 3.0
    potential = 2.0 * (1 - t) * electrolyte.thermodynamic_factor * GAS * kelvin / FARADAY * fall / salt
    assert run.split["concentration"][-1] == pytest.approx(potential, rel=0.05)


def test_a_limit_that_is_passed_at_once_has_its_own_error(model: HomogenisedModel, single: ss.Design) -> None:
    """PyBaMM tells it by a sentence; should that change, this test fails."""
    parameters = cell_parameters(single)
    medium = Effective.from_design(single, parameters)
    cell = scaling.Cell(medium, parameters, active_of(parameters), 0.5, 180.0)
    built = model.built(cell, parameters.temperature)
    inputs = cell.inputs(parameters.temperature) | dict.fromkeys(CONTROLS, 0.0) | FREE | {"by current": 1.0}
    resting = built.advance(None, inputs, 1.0)
    assert resting.stop is None
    with pytest.raises(PassedAtOnceError):
        built.advance(None, inputs | {"lowest voltage": float(resting.rows["voltage"][0]) + 0.1}, 1.0)
