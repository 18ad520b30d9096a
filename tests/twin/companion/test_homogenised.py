"""The companion in PyBaMM: closed forms, limits, conservation, scaling against true geometry, protocol, exports."""

import csv
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import solidstack as ss
from solidstack.constants import FARADAY, GAS
from solidstack.design import Protocol
from solidstack.errors import DesignError, OutputError, SolverError, StructureError
from solidstack.kinetics import ActiveMaterial, CellParameters, cell_parameters
from solidstack.materials import OpenCircuitPotential
from solidstack.twin.companion import halfcell
from solidstack.twin.companion.exchange import export_bpx, export_script
from solidstack.twin.companion.homogenised import Companion, Mesh, rate_capability, simulate, simulate_many, spread
from solidstack.twin.effective import Effective, surface_diameter
from solidstack.twin.results import SPLIT, Run
from solidstack.twin.structure.voxels import Phase, Structure

ASR = 0.01
"""Of the resistance against the closed form."""
SAME = 2e-4
"""V, of voltages that two discretisations in time give."""
LOW, HIGH = 2.7, 4.3


def steps(*given: dict[str, Any], **fields: Any) -> Protocol:
    return Protocol.from_dict({"steps": list(given), **fields})


def charge(current: str = "C/10", **until: Any) -> dict[str, Any]:
    return {"kind": "charge", "current": current, "until": until or {"voltage": HIGH}}


def discharge(current: str = "C/5", **until: Any) -> dict[str, Any]:
    return {"kind": "discharge", "current": current, "until": until or {"voltage": LOW}}


def rest(time: float) -> dict[str, Any]:
    return {"kind": "rest", "until": {"time": time}}


def hold(voltage: float, **until: Any) -> dict[str, Any]:
    return {"kind": "hold", "voltage": voltage, "until": until}


@pytest.fixture(scope="module")
def companion() -> Companion:
    return Companion()


@pytest.fixture
def single(design: ss.Design) -> ss.Design:
    """The worked example with a single-ion conductor."""
    return design.with_(kinetics__transference_number=1.0)


@pytest.fixture
def medium() -> Effective:
    return Effective(
        thickness=50e-6,
        active_loading=0.17,
        active_fraction=0.6,
        electrolyte_fraction=0.2,
        specific_interface=4e5,
        ionic_conductivity=0.01,
        electronic_conductivity=1e3,
        temperature=318.15,
    )


def active_of(found: CellParameters) -> ActiveMaterial:
    return found.active["NCM622"]


def with_flat_potential(found: CellParameters, exchange: float) -> CellParameters:
    """Nearly the same potential at any stoichiometry, and an exchange current density."""
    active = active_of(found)
    table = {"table": [(0.0, 3.8001), (1.0, 3.8)], "quality": "assumed", "source": "test"}
    factor = exchange / active.exchange_current_density(found.temperature)
    changed = replace(
        active,
        potential=OpenCircuitPotential.model_validate(table),
        factors={"exchange_current_density": factor},
    )
    return replace(found, active={"NCM622": changed})


@pytest.mark.parametrize(
    ("thickness", "exchange", "interface_resistance"),
    [(50e-6, 2.5, 0.0), (100e-6, 8.0, 0.0), (100e-6, 8.0, 5e-3), (20e-6, 30.0, 0.0)],
)
def test_resistance_is_the_closed_form(
    companion: Companion,
    single: ss.Design,
    medium: Effective,
    thickness: float,
    exchange: float,
    interface_resistance: float,
) -> None:
    """Linear kinetics, one mobile ion, good electronic conductor: sqrt(R_ion R_ct) coth sqrt(R_ion/R_ct) and so on."""
    found = replace(
        with_flat_potential(cell_parameters(single), exchange),
        interface_resistance=interface_resistance,
        lithium_resistance=1e-3,
    )
    temperature = found.temperature
    medium = medium.changed(thickness=thickness)
    thermal = GAS * temperature / FARADAY
    ionic = thickness / medium.ionic_conductivity
    transfer = (thermal / exchange + interface_resistance) / (medium.specific_interface * thickness)
    membrane = found.membrane_thickness / found.membrane.conductivity(temperature)
    lithium = thermal / found.lithium.exchange_current_density(temperature) + found.lithium_resistance
    s = math.sqrt(ionic / transfer)
    closed = math.sqrt(ionic * transfer) / math.tanh(s) + membrane + lithium
    # the reaction goes as cosh s(1 - x/L); its power is that part of the resistance
    reacting = transfer * s**2 / math.sinh(s) ** 2 * (0.5 + math.sinh(2.0 * s) / (4.0 * s))
    current = 0.5
    run = companion.run(
        single,
        steps(charge(f"{current / 10} mA/cm^2", time=1.0)),
        effective=medium,
        parameters=found,
        initial_stoichiometry=0.5,
    )
    resting = active_of(found).open_circuit_potential(0.5, temperature)
    assert (run.voltage[0] - resting) / current == pytest.approx(closed, rel=ASR)
    split = {name: values[0] / current for name, values in run.split.items() if name != "equilibrium"}
    assert split["membrane"] == pytest.approx(membrane, rel=ASR)
    assert split["lithium"] == pytest.approx(lithium, rel=ASR)
    assert split["charge_transfer"] == pytest.approx(reacting, abs=ASR * closed)
    assert split["ionic"] == pytest.approx(closed - membrane - lithium - reacting, abs=ASR * closed)
    assert split["concentration"] == 0.0


def test_electrons_are_the_mirror_of_ions(companion: Companion, single: ss.Design, medium: Effective) -> None:
    """Exchanging the two conductivities changes no resistance: the reaction starts at the other face."""
    found = with_flat_potential(cell_parameters(single), 5.0)
    drops = []
    for ions, electrons in ((0.01, 0.2), (0.2, 0.01)):
        run = companion.run(
            single,
            steps(charge("0.05 mA/cm^2", time=1.0)),
            effective=medium.changed(thickness=80e-6, ionic_conductivity=ions, electronic_conductivity=electrons),
            parameters=found,
            initial_stoichiometry=0.5,
        )
        drops.append(sum(run.split[name][0] for name in ("ionic", "electronic", "charge_transfer")))
    assert drops[0] == pytest.approx(drops[1], rel=2e-3)


def test_fast_kinetics_follow_the_transfer_coefficient(
    companion: Companion, single: ss.Design, medium: Effective
) -> None:
    """Far from equilibrium (Tafel) an e-fold of the current takes RT/aF on charge and RT/(1-a)F on discharge."""
    found = with_flat_potential(cell_parameters(single), 1e-4)
    active = active_of(found)
    exchange = active.exchange.model_copy(update={"transfer_coefficient": 0.3})
    found = replace(found, active={"NCM622": replace(active, exchange=exchange)})
    medium = medium.changed(ionic_conductivity=10.0)  # so that the reaction is even
    thermal = GAS * found.temperature / FARADAY
    slopes = []
    for step, sign in ((charge, 1.0), (discharge, -1.0)):
        drops = [
            companion.run(
                single,
                steps(step(f"{milliampere} mA/cm^2", time=0.1)),
                effective=medium,
                parameters=found,
                initial_stoichiometry=0.5,
            ).split["charge_transfer"][0]
            for milliampere in (1.0, math.e)
        ]
        slopes.append(sign * (drops[1] - drops[0]))
    assert slopes == pytest.approx([thermal / 0.3, thermal / 0.7], rel=0.01)
    emptier = companion.run(
        single,
        steps(charge("1 mA/cm^2", time=0.1)),
        effective=medium,
        parameters=found,
        initial_stoichiometry=0.2,
    )
    exchanged = 2e-4 * 0.2**0.3 * 0.8**0.7
    flux = 10.0 / (medium.specific_interface * medium.thickness)
    expected = thermal / 0.3 * math.log(flux / exchanged)
    assert emptier.split["charge_transfer"][0] == pytest.approx(expected, rel=0.01)


def test_diffusion_in_the_particles_is_the_closed_form(
    companion: Companion, single: ss.Design, medium: Effective
) -> None:
    """A sphere at constant flux j: the surface differs from the mean by j R / (5 F D); of the charge it is V per x."""
    found = with_flat_potential(cell_parameters(single), 1.0)
    table = {"table": [(0.0, 4.5), (1.0, 3.5)], "quality": "assumed", "source": "test"}
    active = replace(active_of(found), potential=OpenCircuitPotential.model_validate(table))
    found = replace(found, active={"NCM622": active})
    medium = medium.changed(ionic_conductivity=10.0, particle_radius=8e-6, thickness=70e-6)
    diffusivity = active.diffusivity(0.5, found.temperature)
    current = 5.0
    seconds = 3.0 * medium.radius**2 / diffusivity / 10.0
    run = companion.run(
        single,
        steps(charge(f"{current / 10} mA/cm^2", time=seconds)),
        effective=medium,
        parameters=found,
        initial_stoichiometry=0.6,
    )
    flux = current / (3.0 * medium.active_fraction / medium.radius * medium.thickness)
    sites = active.site_concentration
    off = flux * medium.radius / (5.0 * FARADAY * diffusivity * sites)
    assert run.split["diffusion"][-1] == pytest.approx(1.0 * off, rel=0.02)


def test_membrane_of_another_conductivity(companion: Companion, design: ss.Design) -> None:
    """With salt as well, before it has moved, the membrane is a resistance of its own conductivity."""
    given = design.with_(membrane__ionic_conductivity=0.02)
    run = companion.run(given, steps(charge("C/10", time=1e-3)))
    resistance = 82e-6 / 0.02
    assert run.split["membrane"][0] / run.current_density[0] == pytest.approx(resistance, rel=2e-3)
    found = cell_parameters(given)
    exchange = found.lithium.exchange_current_density(found.temperature)
    lithium = 2.0 * GAS * found.temperature / FARADAY * math.asinh(run.current_density[0] / 2.0 / exchange)
    assert run.split["lithium"][0] == pytest.approx(lithium, rel=2e-3)
    np.testing.assert_allclose(sum(run.split.values()), run.voltage, atol=1e-9)


def test_slow_discharge_follows_the_potential(companion: Companion, single: ss.Design) -> None:
    run = companion.run(single, steps(discharge("C/1000", time=1000 * 3600.0)), initial_stoichiometry=0.3)
    found = cell_parameters(single)
    inside = run.stoichiometry < 0.97
    expected = active_of(found).open_circuit_potential(run.stoichiometry[inside], found.temperature)
    assert run.stoichiometry.max() > 0.95
    np.testing.assert_allclose(run.voltage[inside], expected, atol=1e-3)


def test_after_a_rest_the_cell_is_in_equilibrium(companion: Companion, single: ss.Design) -> None:
    run = companion.run(single, steps(charge("1C", capacity=100 * 3600.0), rest(48 * 3600.0)))
    found = cell_parameters(single)
    expected = active_of(found).open_circuit_potential(run.stoichiometry[-1], found.temperature)
    assert run.voltage[-1] == pytest.approx(expected, abs=1e-4)
    assert run.steps[1].end_reason == "time over (48 h)"
    assert run.stoichiometry[run.rows(run.steps[1])] == pytest.approx(run.stoichiometry[-1], abs=1e-9)


@pytest.mark.parametrize("salt", [False, True])
def test_scaled_model_is_the_true_geometry(
    monkeypatch: pytest.MonkeyPatch, companion: Companion, design: ss.Design, single: ss.Design, salt: bool
) -> None:
    """Thickness, membrane and radius far from those of the built model, against a model that is built for them."""
    given = (design if salt else single).with_(positive__loading=0.3, membrane__thickness=20e-6)
    medium = Effective.from_design(given).changed(particle_radius=9e-6)
    protocol = steps(charge("C/8"), rest(600.0), discharge("C/8", capacity=30 * 3600.0))
    scaled = companion.run(given, protocol, effective=medium)
    monkeypatch.setattr(halfcell, "L0", medium.thickness)
    monkeypatch.setattr(halfcell, "R0", 9e-6)
    true = Companion().run(given, protocol, effective=medium)
    assert [step.end_reason for step in scaled.steps] == [step.end_reason for step in true.steps]
    for one, other in zip(scaled.steps, true.steps, strict=True):
        assert one.capacity == pytest.approx(other.capacity, rel=2e-4)
        rows, others = scaled.rows(one), true.rows(other)
        inside = scaled.time[rows] < 0.98 * (scaled.time[rows][-1] - scaled.time[rows][0]) + scaled.time[rows][0]
        voltage = np.interp(scaled.time[rows], true.time[others], true.voltage[others])
        np.testing.assert_allclose(scaled.voltage[rows][inside], voltage[inside], atol=3 * SAME)


def test_conservation_and_parts_of_the_voltage(companion: Companion, design: ss.Design) -> None:
    run = companion.run(design, steps(charge(), hold(HIGH, current="C/50"), rest(600.0), discharge()))
    assert run.is_complete
    assert run.balance["lithium"] < 1e-6
    assert run.balance["current"] < 0.01
    assert set(run.split) == set(SPLIT)
    np.testing.assert_allclose(sum(run.split.values()), run.voltage, atol=1e-9)
    charging, discharging = (run.rows(run.steps[index]) for index in (0, 3))
    for name in ("charge_transfer", "ionic", "electronic", "membrane", "lithium"):
        assert (run.split[name][charging] > 0.0).all(), name
        assert (run.split[name][discharging] < 0.0).all(), name
    assert (run.current_density[charging] > 0.0).all()
    assert (np.diff(run.time) >= 0.0).all()
    assert (run.capacity >= 0.0).all()


def test_capacity_energy_and_time_of_a_step(companion: Companion, single: ss.Design) -> None:
    """C/5 of 180 mA/g is 36 mA/g, and the example has 0.93 x 19.09 mg/cm2 of active material."""
    run = companion.run(single, steps(charge("36 mA/g", capacity=90 * 3600.0)))
    (step,) = run.steps
    loading = 0.93 * 0.1909
    assert run.active_loading == pytest.approx(loading, rel=1e-12)
    assert run.current_density == pytest.approx(36.0 * loading, rel=1e-9)
    assert step.capacity == pytest.approx(90 * 3600.0, rel=1e-6)
    assert step.duration == pytest.approx(2.5 * 3600.0, rel=1e-6)
    assert step.areal_capacity == pytest.approx(90 * 3600.0 * loading, rel=1e-6)
    assert step.energy == pytest.approx(step.areal_capacity * step.average_voltage, rel=1e-12)
    mean = np.trapezoid(run.voltage, run.time) / step.duration
    assert step.average_voltage == pytest.approx(mean, rel=1e-6)
    sites = FARADAY * 49100.0 / 4760.0
    assert run.stoichiometry[0] - run.stoichiometry[-1] == pytest.approx(90 * 3600.0 / sites, rel=2e-3)


def test_inactive_material_counts_in_the_loading(companion: Companion, single: ss.Design) -> None:
    """Half of the active material taking part gives half of the capacity per mass of all of it."""
    whole = Effective.from_design(single)
    half = whole.changed(
        active_fraction=0.5 * whole.active_fraction,
        specific_interface=0.5 * whole.specific_interface,
        inactive_fraction=0.5,
    )
    found = [
        companion.run(single, steps(charge("C/50"), discharge("C/50")), effective=medium).of("discharge")
        for medium in (whole, half)
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert found[1].capacity == pytest.approx(0.5 * found[0].capacity, rel=0.01)


def test_every_end_has_its_words(companion: Companion, single: ss.Design) -> None:
    protocol = steps(
        charge("C/2", time=600.0),
        charge("C/2", capacity=50 * 3600.0),
        charge("C/2"),
        hold(HIGH, current="C/20", time=36000.0),
        hold(HIGH, capacity=0.1 * 3600.0, time=36000.0),
        rest(60.0),
        discharge("80C"),
        discharge("C/2"),
        hold(LOW, time=90.0),
    )
    run = companion.run(single, protocol)
    assert run.outcome == "complete"
    assert [step.end_reason for step in run.steps] == [
        "time over (10 min)",
        "reached 50 mAh/g",
        "reached 4.3 V",
        "reached C/20",
        "reached 0.1 mAh/g",
        "time over (1 min)",
        f"the first instant is already at {run.voltage[run.steps[6].first]:.4g} V, beyond the limit of 2.7 V",
        "reached 2.7 V",
        "time over (1.5 min)",
    ]
    at_once = run.steps[6]
    assert (at_once.capacity, at_once.duration, at_once.first) == (0.0, 0.0, at_once.last)
    assert math.isnan(at_once.average_voltage)
    assert run.voltage[at_once.first] < LOW
    limit = 0.05 * 180.0 * run.active_loading
    assert run.current_density[run.steps[3].last] == pytest.approx(limit, rel=1e-3)
    assert run.voltage[run.rows(run.steps[3])] == pytest.approx(HIGH, abs=1e-6)
    assert run.voltage[run.steps[2].last] == pytest.approx(HIGH, abs=1e-6)


def test_pulses_end_at_their_voltage(companion: Companion, single: ss.Design) -> None:
    pulses = {
        "kind": "pulses", "direction": "discharge", "current": "C/2", "pulse": 1200.0, "rest": 600.0, "count": 9,
        "until": {"voltage": 3.7},
    }  # fmt: skip
    run = companion.run(single, steps(charge("C/2"), pulses, charge("C/2", time=60.0)))
    kinds = [step.kind for step in run.steps]
    assert kinds[1:-1] == ["discharge", "rest"] * (len(kinds[1:-1]) // 2) + ["discharge"]
    assert run.steps[-2].end_reason == "reached 3.7 V"
    assert run.steps[-1].where == "steps.2"
    assert 5 < len(kinds) < 18
    assert run.steps[1].capacity == pytest.approx(30 * 3600.0, rel=1e-6)


def test_repetitions_and_temperatures(companion: Companion, single: ss.Design) -> None:
    cold = {**charge("1C", time=300.0), "temperature": 298.15}
    run = companion.run(single, steps(cold, discharge("1C", time=300.0), repeat=2, temperature=333.15))
    assert [step.where for step in run.steps] == [
        "steps.0, cycle 1",
        "steps.1, cycle 1",
        "steps.0, cycle 2",
        "steps.1, cycle 2",
    ]
    assert [run.temperature[step.first] for step in run.steps] == [298.15, 333.15, 298.15, 333.15]
    # the membrane's resistance is that of its conductivity at each temperature
    found = cell_parameters(single)
    for step in run.steps[:2]:
        resistance = found.membrane_thickness / found.membrane.conductivity(run.temperature[step.first])
        drop = run.split["membrane"][step.last] / run.current_density[step.last]
        assert drop == pytest.approx(resistance, rel=1e-3)


def test_full_and_empty_surfaces_end_a_step(companion: Companion, single: ss.Design) -> None:
    run = companion.run(
        single, steps(charge("C/5", time=30 * 3600.0), rest(60.0), discharge("C/5", time=30 * 3600.0), rest(60.0))
    )
    assert [step.end_reason for step in run.steps] == [
        "the active material is empty at its surface",
        "time over (1 min)",
        "the active material is full at its surface",
        "time over (1 min)",
    ]


def test_salt_runs_out_beyond_the_limiting_current(companion: Companion, design: ss.Design) -> None:
    start = active_of(cell_parameters(design)).stoichiometry(HIGH, 318.15)
    reasons = {}
    for current in ("0.9 mA/cm^2", "2 mA/cm^2"):
        run = companion.run(design, steps(discharge(current)), initial_stoichiometry=start)
        reasons[current] = run.steps[0].end_reason
    assert reasons["0.9 mA/cm^2"] == "reached 2.7 V"
    assert reasons["2 mA/cm^2"] == "salt depleted; the limiting current is about 1.41 mA/cm^2"


def test_salt_profile_of_the_steady_state(companion: Companion, design: ss.Design, medium: Effective) -> None:
    """The drop of the salt's potential over the membrane, g M = (1 - t) i M / (F D), with little current."""
    found = with_flat_potential(cell_parameters(design), 0.05)  # slow kinetics, so that the reaction is even
    electrolyte = found.electrolyte
    current = 0.2
    run = companion.run(
        design, steps(charge(f"{current / 10} mA/cm^2", time=20 * 3600.0)), effective=medium, parameters=found
    )
    t, kelvin = electrolyte.transference_number, found.temperature
    salt, diffusivity = electrolyte.salt_concentration, electrolyte.salt_diffusivity(kelvin)
    assert salt is not None
    assert diffusivity is not None
    through = medium.ionic_conductivity / electrolyte.conductivity(kelvin)
    gradient = (1 - t) * current / (FARADAY * diffusivity)
    fall = gradient * found.membrane_thickness + gradient * medium.thickness / through / 3.0
    potential = 2.0 * (1 - t) * electrolyte.thermodynamic_factor * GAS * kelvin / FARADAY * fall / salt
    assert run.split["concentration"][-1] == pytest.approx(potential, rel=0.05)


def test_single_particles_agree_where_the_reaction_is_even(companion: Companion, single: ss.Design) -> None:
    medium = Effective.from_design(single.with_(positive__loading=0.02))
    protocol = steps(charge("C/5"), discharge("C/5"))
    runs = [
        companion.run(single, protocol, effective=medium),
        simulate(single, protocol, effective=medium, model="SPMe"),
    ]
    assert runs[1].model == "PyBaMM SPMe"
    for one, other in zip(runs[0].steps, runs[1].steps, strict=True):
        assert one.capacity == pytest.approx(other.capacity, rel=1e-3)
        assert one.average_voltage == pytest.approx(other.average_voltage, abs=1e-3)
    np.testing.assert_allclose(sum(runs[1].split.values()), runs[1].voltage, atol=1e-9)


def test_finer_mesh_and_tolerance_change_little(companion: Companion, single: ss.Design) -> None:
    fine = Companion(mesh=Mesh(40, 10, 40), tolerance=1e-6)
    runs = [one.run(single, steps(charge("C/2"), discharge("C/2"))) for one in (companion, fine)]
    for one, other in zip(runs[0].steps, runs[1].steps, strict=True):
        assert one.capacity == pytest.approx(other.capacity, rel=1e-3)
        assert one.average_voltage == pytest.approx(other.average_voltage, abs=1e-3)


def test_many_designs_share_one_model(single: ss.Design) -> None:
    shared = Companion("SPMe")
    designs = single.with_(
        positive__loading=np.array([0.1, 0.2])[:, None], positive__composition__NCM622=np.array([0.9, 0.92, 0.93])
    )
    runs = list(simulate_many(spread(designs), steps(discharge("C/2")), companion=shared))
    assert len(runs) == 6
    assert shared.models == 1
    alone = simulate(
        single.with_(positive__loading=0.2, positive__composition__NCM622=0.9), steps(discharge("C/2")), model="SPMe"
    )
    np.testing.assert_allclose(runs[3].voltage, alone.voltage, atol=1e-9)
    assert [one.positive.loading for one in spread(designs)] == [0.1] * 3 + [0.2] * 3


def test_default_protocol_and_that_of_the_design(companion: Companion, single: ss.Design) -> None:
    run = companion.run(single)
    assert [(step.kind, step.end_reason) for step in run.steps] == [
        ("charge", "reached 4.3 V"),
        ("discharge", "reached 2.7 V"),
    ]
    own = companion.run(single.with_(protocol={"steps": [charge("1C", time=60.0)]}))
    assert [step.end_reason for step in own.steps] == ["time over (1 min)"]
    assert json.dumps(own.provenance)
    assert own.provenance["effective"]["source"] == "closed form"
    assert os.environ["PYBAMM_DISABLE_TELEMETRY"] == "true"


def test_rate_capability(companion: Companion, single: ss.Design) -> None:
    found = rate_capability(single, [0.1, 1.0, 4.0], [0.1, 0.4], companion=companion)
    assert dict(found.sizes) == {"loading": 2, "c_rate": 3}
    assert found.capacity_kept.values[:, 0] == pytest.approx(1.0)
    assert (np.diff(found.capacity_kept.values, axis=1) < 0.0).all()
    assert (np.diff(found.capacity_kept.values, axis=0)[:, 1:] < 0.0).all()
    assert found.capacity_kept.values[1, 2] < 0.6
    for rate, threshold in zip(found.c_rate.values, found.loading_threshold.values, strict=True):
        expected = ss.evaluate(single.with_(rating__c_rate=float(rate))).thresholds.loading_threshold
        assert threshold == pytest.approx(expected, rel=1e-9)
    assert found.discharge_capacity.attrs["units"] == "A s/kg"
    with pytest.raises(DesignError, match="c_rates: .* is wanted to be a list of numbers above 0"):
        rate_capability(single, [0.0, 1.0], companion=companion)


def test_medium_of_the_closed_form(design: ss.Design) -> None:
    sheet = ss.evaluate(design)
    medium = Effective.from_design(design)
    solid = 1.0 - float(sheet.positive.porosity)
    assert medium.thickness == pytest.approx(sheet.positive.thickness)
    assert medium.ionic_conductivity == pytest.approx(sheet.positive.effective_conductivity)
    assert medium.active_fraction == pytest.approx(0.93 * 3500.0 / 4760.0)
    assert medium.electrolyte_fraction == pytest.approx(sheet.positive.se_volume_fraction * solid)
    assert medium.specific_interface == pytest.approx(6.0 * medium.active_fraction / 8.55e-6)
    assert medium.radius == pytest.approx(8.55e-6 / 2.0)
    assert medium.electronic_share == pytest.approx(medium.active_fraction**1.5)
    changed = Effective.from_design(design, cell_parameters(design).changed("ionic_conductivity", 2.0))
    assert changed.ionic_conductivity == pytest.approx(2.0 * medium.ionic_conductivity)
    twice = medium.with_loading(2.0 * medium.active_loading)
    assert twice.thickness == pytest.approx(2.0 * medium.thickness)
    ideal = Effective.from_design(design.with_(kinetics__ideal_electronics=True))
    assert (ideal.electronic_conductivity, ideal.electronic_share) == (1e4, 0.0)


def test_surface_diameter_is_that_of_the_distribution(design: ss.Design) -> None:
    wide = design.with_(twin__particle_d10="5 um", twin__particle_d90="14.6 um")
    spread_of = math.log(14.6 / 5.0) / 2.0 / 1.2815515655
    rng = np.random.default_rng(0)
    by_volume = 8.55e-6 * np.exp(spread_of * rng.standard_normal(400_000))
    assert surface_diameter(wide) == pytest.approx(1.0 / np.mean(1.0 / by_volume), rel=3e-3)


def test_medium_of_a_structure(single: ss.Design) -> None:
    """Sheets along the current: conductivities are shares of the materials', the interface is counted by hand."""
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[:, :4] = 1
    labels[:, 4:7] = 2
    phases = {
        "pore": Phase(0, "pore"),
        "NCM622": Phase(1, "active-material"),
        "SPE": Phase(2, "solid-electrolyte"),
    }
    structure = Structure(labels, phases, (1e-6, 1e-6, 1e-6))
    found = cell_parameters(single)
    medium = Effective.from_structure(structure, found, device="cpu")
    kappa = found.electrolyte.conductivity(found.temperature)
    assert medium.ionic_conductivity == pytest.approx(3 / 8 * kappa, rel=1e-3)
    assert medium.active_fraction == pytest.approx(0.5)
    assert medium.electrolyte_fraction == pytest.approx(3 / 8)
    assert medium.thickness == pytest.approx(8e-6)
    assert medium.specific_interface == pytest.approx(1.0 / 8e-6, rel=0.02)
    assert medium.electronic_share == pytest.approx(0.5, rel=1e-3)
    assert medium.electronic_conductivity == pytest.approx(0.0, abs=1e-9)
    assert medium.active_loading == pytest.approx(0.5 * 8e-6 * 4760.0)
    assert medium.inactive_fraction == 0.0
    labels[3] = np.where(labels[3] == 2, 0, labels[3])
    with pytest.raises(StructureError, match="no solid electrolyte connects the membrane with the collector"):
        Effective.from_structure(Structure(labels, phases, (1e-6, 1e-6, 1e-6)), found, device="cpu")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"thickness": 0.0}, "thickness is 0; a finite number above 0 is wanted"),
        ({"ionic_conductivity": 0.0}, "ionic_conductivity is 0; .*; with none no lithium gets through"),
        ({"specific_interface": math.nan}, "specific_interface is nan; .*; with none nothing reacts"),
        ({"active_fraction": 0.9}, "active_fraction and electrolyte_fraction sum to 1.1; they are volume fractions"),
        ({"electronic_conductivity": 0.0}, "electrons do not get through"),
        ({"electronic_conductivity": -1.0}, "electronic_conductivity -1 .* out of bounds: at least 0"),
        ({"inactive_fraction": 1.0}, "inactive_fraction is 1, out of bounds: 0 to below 1"),
        ({"particle_radius": -1.0}, "particle_radius is -1; a finite number above 0"),
    ],
)
def test_a_medium_that_cannot_be(medium: Effective, values: dict[str, float], words: str) -> None:
    with pytest.raises(StructureError, match=words):
        medium.changed(**values)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda d: Companion("P2D"), 'model "P2D" is unknown; known are DFN, SPMe'),
        (lambda d: Companion(tolerance=0.5), "tolerance: 0.5 is out of bounds: 1e-10 to 1e-2"),
        (lambda d: Mesh(electrode=1), "mesh: electrode is 1, out of bounds: a whole number from 2 to 1000"),
        (lambda d: simulate(d, initial_stoichiometry=1.0), "initial_stoichiometry is 1, out of bounds"),
        (lambda d: simulate(d.with_(positive__loading=np.array([0.1, 0.2]))), "has arrays of shape"),
        (
            lambda d: simulate(d.with_(kinetics__interface_resistance="5 ohm cm^2"), model="SPMe"),
            "SPMe has no resistance of the interface",
        ),
        (
            lambda d: simulate(d.with_(membrane__material="Li6PS5Cl")),
            "SPE of the positive has salt and the membrane is of Li6PS5Cl",
        ),
        (
            lambda d: simulate(
                d.with_(positive__composition={"NCM622": 0.4, "NCM811": 0.53, "SPE": 0.05, "carbon black": 0.02})
            ),
            "the homogenised model takes one active material; this electrode has NCM",
        ),
    ],
)
def test_bad_input(design: ss.Design, call: Callable[[ss.Design], Any], words: str) -> None:
    with pytest.raises((DesignError, StructureError), match=words):
        call(design)


def test_no_solution_is_told(monkeypatch: pytest.MonkeyPatch, companion: Companion, single: ss.Design) -> None:
    import pybamm

    real = halfcell.HalfCell.advance
    calls: Iterator[int] = iter(range(100))

    def fail(self: Any, *arguments: Any) -> Any:
        if next(calls):
            msg = "no convergence"
            raise pybamm.SolverError(msg)
        return real(self, *arguments)

    monkeypatch.setattr(halfcell.HalfCell, "advance", fail)
    run = companion.run(single, steps(charge(time=60.0), rest(60.0)))
    assert run.outcome == "stopped in steps.1 (rest): PyBaMM found no solution: no convergence"
    assert len(run.steps) == 1
    with pytest.raises(SolverError, match="stopped in steps.0 .*Check the numbers of the electrode"):
        companion.run(single, steps(charge(time=60.0)))


def compared(run: Run, path: Path) -> None:
    """Compare a run with the curve of a script, but for the last percent of a step, where the voltage plunges."""
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for step in run.steps:
        own = [row for row in rows if row["step"] == step.where]
        time, voltage = (np.array([float(row[key]) for row in own]) for key in ("time_s", "voltage_V"))
        mine = run.rows(step)
        inside = run.time[mine] < run.time[mine][0] + 0.99 * step.duration
        np.testing.assert_allclose(
            np.interp(run.time[mine], time, voltage)[inside], run.voltage[mine][inside], atol=5 * SAME
        )
        assert time[-1] == pytest.approx(run.time[step.last], rel=5e-4)


@pytest.mark.parametrize("resistance", [0.0, 2e-3])
def test_script_stands_alone_and_gives_the_same(
    tmp_path: Path, companion: Companion, design: ss.Design, resistance: float
) -> None:
    given = design.with_(kinetics__interface_resistance=resistance, name='a "name"\\')
    protocol = steps(charge("C/3"), hold(HIGH, current="C/20"), rest(600.0), discharge("C/10"))
    script = export_script(given, tmp_path / "cell.py", protocol)
    assert "solidstack" not in "".join(
        line for line in script.read_text().splitlines() if line.startswith(("import", "from"))
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", script, tmp_path / "curve.csv"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "steps.3 ended by: event: lowest voltage"
    compared(companion.run(given, protocol), tmp_path / "curve.csv")


def test_script_has_one_temperature(tmp_path: Path, single: ss.Design) -> None:
    protocol = steps({**charge(), "temperature": 298.15}, discharge())
    with pytest.raises(DesignError, match=r"several temperatures \(25, 45 degC\); the script has one"):
        export_script(single, tmp_path / "cell.py", protocol)
    with pytest.raises(OutputError, match="does not end in .py"):
        export_script(single, tmp_path / "cell.txt")
    with pytest.raises(OutputError, match="does not end in .json"):
        export_bpx(single, tmp_path / "cell.toml")


def test_bpx_file_is_valid_and_means_the_cell(tmp_path: Path, design: ss.Design) -> None:
    bpx = pytest.importorskip("bpx")
    path = export_bpx(design, tmp_path / "cell.json")
    read = bpx.parse_bpx_file(path)
    positive = read.parameterisation.positive_electrode
    medium, found = Effective.from_design(design), cell_parameters(design)
    active = active_of(found)
    assert read.header.model == "Partial"
    assert positive.thickness == medium.thickness
    assert positive.transport_efficiency * read.parameterisation.electrolyte.conductivity == pytest.approx(
        medium.ionic_conductivity
    )
    # BPX: j0 = F K sqrt(x (1 - x)), of sites with a surface of 3 eps / R
    assert positive.surface_area_per_unit_volume == pytest.approx(medium.specific_interface)
    assert FARADAY * positive.reaction_rate_constant * 0.5 == pytest.approx(
        active.exchange_current_density(found.temperature)
    )
    table = positive.ocp
    assert np.interp(0.5, table.x, table.y) == pytest.approx(
        active.open_circuit_potential(0.5, found.temperature), abs=2e-4
    )
    assert positive.minimum_stoichiometry == pytest.approx(active.stoichiometry(HIGH, found.temperature))
    whole = positive.maximum_concentration * medium.active_fraction * medium.thickness * FARADAY
    assert whole == pytest.approx(active.specific_charge * medium.active_loading, rel=2e-3)
