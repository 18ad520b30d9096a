"""Charge and discharge as a protocol says: repetitions, temperatures, failures, provenance."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from solidstack.errors import SolverError
from solidstack.outcomes import Outcome
from solidstack.progress import Progress
from solidstack.twin.electrochemistry.equations import Equations
from tests.cells import (
    AM,
    DENSITY,
    PORE,
    SE,
    TEMPERATURE,
    UM,
    cell,
    charge,
    columns,
    discharge,
    electrolyte,
    host,
    layers,
    mixed,
    rest,
    structure,
)

from .helpers import CLOSED, EXACT, ONE_C, Simulate

pytestmark = pytest.mark.usefixtures("one_thread")


def test_energy_and_average_voltage(run_of: Simulate) -> None:
    """Between the open-circuit voltages at both ends, and the integral of the curve."""
    run = run_of(charge("C/5", voltage=4.0), discharge("C/5", voltage=3.6), accuracy=1.0)
    for step in run.steps:
        rows = run.rows(step)
        energy = np.trapezoid(run.voltage[rows], run.capacity[rows]) * run.active_loading
        assert step.energy == pytest.approx(energy, rel=1e-3)
        assert step.average_voltage == pytest.approx(step.energy / step.areal_capacity)
        assert run.voltage[rows].min() < step.average_voltage < run.voltage[rows].max()
    up, down = run.steps
    assert run.coulombic_efficiency == pytest.approx(down.capacity / up.capacity)
    assert run.energy_efficiency == pytest.approx(down.energy / up.energy)


# pulses and repetitions


def train(**fields: Any) -> dict[str, Any]:
    return {"kind": "pulses", "direction": "charge", "current": "1C", "pulse": 60.0, "rest": 30.0, **fields}


def test_pulse_train(run_of: Simulate) -> None:
    run = run_of(train(count=3))
    assert [step.kind for step in run.steps] == ["charge", "rest"] * 3
    assert [step.where for step in run.steps[::2]] == [f"steps.0, pulse {number}" for number in (1, 2, 3)]
    for step in run.steps[::2]:
        assert step.capacity == pytest.approx(ONE_C * 60.0, rel=EXACT)
    for step in run.steps[1::2]:
        assert step.capacity == pytest.approx(0.0, abs=1e-6 * ONE_C * 60.0)
        rows = run.rows(step)
        assert run.capacity[rows] == pytest.approx(0.0, abs=1e-6 * ONE_C * 60.0)
        assert run.voltage[rows][-1] < run.voltage[step.first - 1] - 0.005
        assert (np.diff(run.voltage[rows]) < 1e-6).all(), "relaxes"
    firsts = [step.first for step in run.steps]
    lasts = [step.last for step in run.steps]
    assert firsts == [0, *(last + 1 for last in lasts[:-1])]
    assert lasts[-1] == len(run.time) - 1
    assert (np.diff(run.time) > 0.0).all()


def test_pulse_that_reaches_the_voltage_ends_its_train(run_of: Simulate) -> None:
    run = run_of(train(count=50, pulse=600.0, until={"voltage": 3.8}), rest(5.0))
    assert run.steps[-1].where == "steps.1"
    last = run.steps[-2]
    assert last.kind == "charge"
    assert last.end_reason == "reached 3.8 V"
    assert len(run.steps) < 20


def test_repeat_runs_the_steps_again(run_of: Simulate) -> None:
    run = run_of(charge("2C", voltage=4.0), discharge("2C", voltage=3.6), repeat=3)
    assert [step.where for step in run.steps] == [
        f"steps.{step}, cycle {cycle}" for cycle in (1, 2, 3) for step in (0, 1)
    ]
    charges = [step.capacity for step in run.steps if step.kind == "charge"]
    assert charges[0] > 1.03 * charges[1], "the first one from the state as made"
    assert charges[2] == pytest.approx(charges[1], rel=0.02)


# temperature


def test_temperature_of_a_step(run_of: Simulate) -> None:
    """Warmer: less overpotential; and the entropic part of the potential at rest."""
    entropic = -2e-4
    parameters = cell(
        host(activation_energy=5e4, entropic=entropic), electrolyte=electrolyte(0.005, activation_energy=3e4)
    )
    steps = [{**charge("1C", time=2.0), "temperature": kelvin} for kelvin in (298.15, 333.15, 298.15)]
    resting = [{**rest(2000.0), "temperature": kelvin} for kelvin in (298.15, 333.15)]
    run = run_of(*steps, *resting, parameters=parameters)
    ends = [run.voltage[step.last] for step in run.steps]
    assert [run.temperature[step.last] for step in run.steps] == [298.15, 333.15, 298.15, 298.15, 333.15]
    overs = [run.voltage[step.last] - run.split["equilibrium"][step.last] for step in run.steps]
    assert 0.0 < overs[1] < 0.6 * overs[0]
    assert overs[2] == pytest.approx(overs[0], rel=0.1)
    assert ends[4] - ends[3] == pytest.approx(entropic * 35.0, abs=1e-4)


def test_temperature_of_the_design_and_of_the_protocol(run_of: Simulate) -> None:
    assert run_of(rest(1.0)).temperature[-1] == TEMPERATURE
    assert run_of(rest(1.0), temperature=320.0).temperature[-1] == 320.0


def test_contact_that_is_lost_costs_voltage(run_of: Simulate) -> None:
    made = columns(8)
    contact = np.ones(made.shape, bool)
    contact[2:6, 0] = False
    step = charge("1C", time=60.0)
    whole, lost = run_of(step, made=made), run_of(step, made=made, contact=contact)
    assert lost.split["charge_transfer"][-1] > 1.5 * whole.split["charge_transfer"][-1]
    assert lost.inactive_fraction == 0.0
    np.testing.assert_allclose(lost.profiles["reaction"][-1][3:5], 0.0)
    assert (whole.profiles["reaction"][-1] > 0.0).all()


# electrodes and cells that cannot be charged


def test_electrode_that_is_not_wired_stores_nothing_and_says_so(run_of: Simulate) -> None:
    run = run_of(charge("1C"), discharge("1C"), made=layers((SE, 2), (AM, 3), (SE, 1)))
    assert run.outcome is Outcome.DISCONNECTED
    assert run.end_reason == (
        "the electrode stores no charge: of the active material 100 % has no electronic path to the collector"
    )
    assert run.inactive_fraction == 1.0
    assert run.provenance["inactive"] == {
        "no electronic path to the collector": 1.0,
        "no face on connected solid electrolyte": 0.0,
    }
    (step,) = run.steps
    assert (step.capacity, step.outcome, step.end_reason) == (0.0, run.outcome, run.end_reason)
    assert len(run.time) == 1
    assert math.isnan(run.voltage[0])
    assert not run.is_complete
    json.dumps(run.to_dict())


def test_share_that_takes_no_part_lowers_the_capacity(run_of: Simulate) -> None:
    """Per gram of all active material: what is dry gives nothing."""
    labels = np.full((6, 4, 1), SE)
    labels[:, 0] = AM
    labels[:, 2:] = PORE
    labels[1:, 3] = AM
    made = structure(labels, periodic=CLOSED)
    run = run_of(charge("C/5", voltage=4.3), made=made)
    assert run.inactive_fraction == pytest.approx(5 / 11)
    whole = run_of(charge("C/5", voltage=4.3), made=structure(labels[:, :2], periodic=CLOSED))
    assert whole.inactive_fraction == 0.0
    assert run.steps[0].capacity == pytest.approx(6 / 11 * whole.steps[0].capacity, rel=0.03)
    assert run.active_loading == pytest.approx(11 / 24 * DENSITY * 6 * UM)


@pytest.mark.parametrize("current", ["10000C", "1000C"])
def test_absurd_current_ends_at_once(run_of: Simulate, current: str) -> None:
    run = run_of(charge("1C", time=20.0), charge(current, voltage=4.5))
    assert run.is_complete
    assert run.steps[0].capacity == pytest.approx(ONE_C * 20.0, rel=EXACT)
    assert run.steps[1].capacity == 0.0
    assert run.steps[1].outcome is Outcome.VOLTAGE
    assert "the first instant is already at" in run.steps[1].end_reason


def test_current_that_no_voltage_ends_keeps_what_was_found(run_of: Simulate) -> None:
    steps = charge("1C", time=20.0), charge("1000C", time="1 h"), rest(10.0)
    run = run_of(*steps, parameters=cell(membrane_thickness=2e-3))
    assert (run.outcome, run.steps[-1].outcome) == (Outcome.NO_SOLUTION, Outcome.NO_SOLUTION)
    assert run.end_reason.startswith("charge (steps.1): the voltage is beyond 10 V; give a voltage limit")
    assert "The results up to here are kept" in run.end_reason
    assert [step.where for step in run.steps] == ["steps.0", "steps.1"]
    assert run.steps[0].capacity == pytest.approx(ONE_C * 20.0, rel=EXACT)
    assert run.balance["lithium"] < 1e-6


def failing(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every solution after some fail."""
    solve = Equations.solve
    calls = 0

    def fail(self: Equations, *arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        solution = solve(self, *arguments, **options)
        return solution if calls <= after else replace(solution, converged=False)

    monkeypatch.setattr(Equations, "solve", fail)


def test_time_step_that_cannot_be_solved_ends_the_run_with_what_was_found(
    run_of: Simulate, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(7, monkeypatch)
    run = run_of(charge("1C"), discharge("1C"))
    assert run.outcome is Outcome.NO_SOLUTION
    assert run.end_reason == (
        "charge (steps.0): no time step of 1e-07 s or more could be solved; lower the current, or check the exchange "
        "current density and conductivities ([kinetics]). The results up to here are kept"
    )
    assert len(run.time) == 7
    (step,) = run.steps
    assert step.capacity == pytest.approx(ONE_C * run.time[-1], rel=EXACT)
    assert run.provenance["time_steps"] == 7


def test_first_time_step_that_cannot_be_solved_is_an_error(run_of: Simulate, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(0, monkeypatch)
    with pytest.raises(
        SolverError, match="the first time step could not be solved, not even one of 1e-07 s; lower the current"
    ):
        run_of(charge("1C"))


def test_provenance(run_of: Simulate) -> None:
    heard: list[Progress] = []
    made = mixed(0, (6, 5, 5))
    run = run_of(charge("1C", time=30.0), rest(10.0), made=made, progress=heard.append)
    notes = json.loads(json.dumps(run.provenance))
    assert notes["voxels"] == 150
    assert notes["device"] == "cpu"
    assert notes["time_steps"] == len(run.time) == len(heard)
    assert notes["newton_iterations"] >= notes["time_steps"] - 15
    assert 100.0 < notes["bytes_per_voxel"] < 2000.0
    assert notes["protocol"]["steps"][0]["kind"] == "charge"
    assert heard[0].what.startswith("charge, 3.")
    assert heard[-1].what.startswith("rest, 3.")
    assert (heard[0].share, heard[-1].share) == (0.0, 0.5)
    assert run.model == "twin"
    assert run.depth == pytest.approx((np.arange(6) + 0.5) * UM)
