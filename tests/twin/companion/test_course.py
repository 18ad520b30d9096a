"""Protocols in the homogenised model: ends of steps, pulses, temperatures, conservation."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import solidstack as ss
from solidstack.constants import FARADAY
from solidstack.errors import SolverError
from solidstack.kinetics import cell_parameters
from solidstack.outcomes import Outcome
from solidstack.progress import Progress
from solidstack.twin.companion.homogenised import HomogenisedModel
from solidstack.twin.effective import Effective
from solidstack.twin.results import SPLIT

from .helpers import HIGH, LOW, active_of, charge, discharge, hold, rest, steps


def test_conservation_and_contributions_to_the_voltage(model: HomogenisedModel, design: ss.Design) -> None:
    run = model.run(design, steps(charge(), hold(HIGH, current="C/50"), rest(600.0), discharge()))
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


def test_capacity_energy_and_time_of_a_step(model: HomogenisedModel, single: ss.Design) -> None:
    """C/5 of 180 mA/g is 36 mA/g, and the example has 0.93 x 19.09 mg/cm2 of active material."""
    run = model.run(single, steps(charge("36 mA/g", capacity=90 * 3600.0)))
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
    # 92 % of the first charge is lithium that goes back in
    assert run.stoichiometry[0] - run.stoichiometry[-1] == pytest.approx(0.92 * 90 * 3600.0 / sites, rel=2e-3)


def test_inactive_material_counts_in_the_loading(model: HomogenisedModel, single: ss.Design) -> None:
    """Half of the active material taking part gives half of the capacity per mass of all of it."""
    whole = Effective.from_design(single)
    half = whole.changed(
        active_fraction=0.5 * whole.active_fraction,
        specific_interface=0.5 * whole.specific_interface,
        inactive_fraction=0.5,
    )
    discharges = [
        model.run(single, steps(charge("C/50"), discharge("C/50")), effective=medium).of("discharge")
        for medium in (whole, half)
    ]
    assert discharges[0] is not None
    assert discharges[1] is not None
    assert discharges[1].capacity == pytest.approx(0.5 * discharges[0].capacity, rel=0.01)


def test_every_end_has_its_outcome_and_words(model: HomogenisedModel, single: ss.Design) -> None:
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
    run = model.run(single, protocol)
    assert (run.outcome, run.end_reason) == (Outcome.COMPLETE, "complete")
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
    assert [step.outcome for step in run.steps] == [
        Outcome.TIME,
        Outcome.CAPACITY,
        Outcome.VOLTAGE,
        Outcome.CURRENT,
        Outcome.CAPACITY,
        Outcome.TIME,
        Outcome.VOLTAGE,
        Outcome.VOLTAGE,
        Outcome.TIME,
    ]
    at_once = run.steps[6]
    assert (at_once.capacity, at_once.duration, at_once.first) == (0.0, 0.0, at_once.last)
    assert math.isnan(at_once.average_voltage)
    assert run.voltage[at_once.first] < LOW
    limit = 0.05 * 180.0 * run.active_loading
    assert run.current_density[run.steps[3].last] == pytest.approx(limit, rel=1e-3)
    assert run.voltage[run.rows(run.steps[3])] == pytest.approx(HIGH, abs=1e-6)
    assert run.voltage[run.steps[2].last] == pytest.approx(HIGH, abs=1e-6)


def test_pulses_end_at_their_voltage(model: HomogenisedModel, single: ss.Design) -> None:
    pulses = {
        "kind": "pulses", "direction": "discharge", "current": "C/2", "pulse": 1200.0, "rest": 600.0, "count": 9,
        "until": {"voltage": 3.7},
    }  # fmt: skip
    run = model.run(single, steps(charge("C/2"), pulses, charge("C/2", time=60.0)))
    kinds = [step.kind for step in run.steps]
    assert kinds[1:-1] == ["discharge", "rest"] * (len(kinds[1:-1]) // 2) + ["discharge"]
    assert run.steps[-2].end_reason == "reached 3.7 V"
    assert run.steps[-1].where == "steps.2"
    assert 5 < len(kinds) < 18
    assert run.steps[1].capacity == pytest.approx(30 * 3600.0, rel=1e-6)


def test_repetitions_and_temperatures(model: HomogenisedModel, single: ss.Design) -> None:
    cold = {**charge("1C", time=300.0), "temperature": 298.15}
    run = model.run(single, steps(cold, discharge("1C", time=300.0), repeat=2, temperature=333.15))
    assert [step.where for step in run.steps] == [
        "steps.0, cycle 1",
        "steps.1, cycle 1",
        "steps.0, cycle 2",
        "steps.1, cycle 2",
    ]
    assert [run.temperature[step.first] for step in run.steps] == [298.15, 333.15, 298.15, 333.15]
    # the membrane's resistance is that of its conductivity at each temperature
    parameters = cell_parameters(single)
    for step in run.steps[:2]:
        resistance = parameters.membrane_thickness / parameters.membrane.conductivity(run.temperature[step.first])
        drop = run.split["membrane"][step.last] / run.current_density[step.last]
        assert drop == pytest.approx(resistance, rel=1e-3)


def test_full_and_empty_surfaces_end_a_step(model: HomogenisedModel, single: ss.Design) -> None:
    run = model.run(
        single, steps(charge("C/5", time=30 * 3600.0), rest(60.0), discharge("C/5", time=30 * 3600.0), rest(60.0))
    )
    assert [step.end_reason for step in run.steps] == [
        "the active material is empty at its surface",
        "time over (1 min)",
        "the active material is full at its surface",
        "time over (1 min)",
    ]
    assert [step.outcome for step in run.steps] == [Outcome.SATURATED, Outcome.TIME] * 2


def test_salt_runs_out_beyond_the_limiting_current(model: HomogenisedModel, design: ss.Design) -> None:
    worst = design.with_(kinetics__transference_number=0.9)  # as an ideal salt's of this current fraction
    start = active_of(cell_parameters(design)).stoichiometry(HIGH, 318.15)
    ends = {}
    for current in ("0.9 mA/cm^2", "2 mA/cm^2"):
        run = model.run(worst, steps(discharge(current)), initial_stoichiometry=start)
        ends[current] = (run.steps[0].outcome, run.steps[0].end_reason)
    assert ends["0.9 mA/cm^2"] == (Outcome.VOLTAGE, "reached 2.7 V")
    reason = "salt depleted; the limiting current is about 1.41 mA/cm^2"
    assert ends["2 mA/cm^2"] == (Outcome.DEPLETED, reason)


def test_a_step_without_a_solution_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, model: HomogenisedModel, single: ss.Design
) -> None:
    pybamm = pytest.importorskip("pybamm")
    real = pybamm.IDAKLUSolver.step
    calls: Iterator[int] = iter(range(100))

    def fail(self: Any, *arguments: Any, **options: Any) -> Any:
        if next(calls):
            msg = "no convergence"
            raise pybamm.SolverError(msg)
        return real(self, *arguments, **options)

    monkeypatch.setattr(pybamm.IDAKLUSolver, "step", fail)
    run = model.run(single, steps(charge(time=60.0), rest(60.0)))
    assert run.outcome is Outcome.NO_SOLUTION
    assert not run.is_complete
    assert run.end_reason == "stopped in steps.1 (rest): PyBaMM found no solution: no convergence"
    assert len(run.steps) == 1
    with pytest.raises(
        SolverError, match="stopped in steps.0 .*Check the numbers of the electrode, or try a smaller current"
    ):
        model.run(single, steps(charge(time=60.0)))


def test_progress_counts_actions(model: HomogenisedModel, single: ss.Design) -> None:
    seen: list[Progress] = []
    protocol = steps(charge("1C", time=60.0), rest(60.0))
    model.run(single, protocol, progress=seen.append)
    assert [(state.what, state.done, state.of) for state in seen] == [
        ("steps.0: charge", 0, 2),
        ("steps.1: rest", 1, 2),
        ("complete", 2, 2),
    ]
