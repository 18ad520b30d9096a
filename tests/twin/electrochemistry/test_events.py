"""What ends an action: voltage, time, capacity, current, whichever comes first."""

import json
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from solidstack.design import Action, Rate
from solidstack.outcomes import Outcome
from solidstack.twin.electrochemistry.equations import Solution
from solidstack.twin.electrochemistry.events import Locator
from solidstack.twin.electrochemistry.state import State
from tests.cells import (
    charge,
    discharge,
    hold,
    rest,
)

from .helpers import EXACT, HOUR, ONE_C, VOLTAGE_LIMIT, Simulate

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("accuracy", [0.3, 1.0, 10.0])
@pytest.mark.parametrize("limit", [3.9, 4.3])
def test_voltage_limits_are_met(run_of: Simulate, limit: float, accuracy: float) -> None:
    run = run_of(charge("1C", voltage=limit), discharge("2C", voltage=3.55), accuracy=accuracy)
    up, down = run.steps
    for step, wanted, sign in ((up, limit, 1.0), (down, 3.55, -1.0)):
        volts = sign * run.voltage[run.rows(step)]
        assert volts[-1] == pytest.approx(sign * wanted, abs=VOLTAGE_LIMIT)
        assert (volts[:-1] < sign * wanted).all()
        assert step.end_reason == f"reached {wanted:g} V"
    assert run.is_complete


@pytest.mark.parametrize("time", [50.0, 333.3, 1041.0])
def test_time_ends_a_step_exactly(run_of: Simulate, time: float) -> None:
    run = run_of(charge("C/2", time=time), rest(time), hold(3.9, time=time))
    for number, step in enumerate(run.steps, start=1):
        assert step.duration == pytest.approx(time, rel=EXACT)
        assert run.time[step.last] == pytest.approx(number * time, rel=EXACT)
        assert step.end_reason.startswith("time over (")
    assert run.steps[0].capacity == pytest.approx(0.5 * ONE_C * time, rel=EXACT)
    assert run.steps[0].areal_capacity == pytest.approx(0.5 * ONE_C * time * run.active_loading, rel=EXACT)


@pytest.mark.parametrize("spare", [1.01, 1.03, 1.04, 1.1, 1.4, math.inf])
def test_capacity_ends_a_step_exactly(run_of: Simulate, spare: float) -> None:
    """Also where a time limit a little later shortens the steps before."""
    limit = 50.0 * HOUR
    time = {} if spare == math.inf else {"time": spare * limit / ONE_C}
    run = run_of(charge("1C", capacity=limit, **time), accuracy=3.0)
    (step,) = run.steps
    assert step.end_reason == "reached 50 mAh/g"
    assert step.capacity == pytest.approx(limit, rel=EXACT)
    assert step.duration == pytest.approx(limit / ONE_C, rel=EXACT)


def test_the_first_limit_ends_a_step(run_of: Simulate) -> None:
    run = run_of(
        charge("1C", voltage=4.5, time=100.0, capacity=100.0 * HOUR),
        charge("1C", voltage=4.5, time="1 h", capacity=5.0 * HOUR),
        charge("1C", voltage=3.9, time="10 h", capacity=200.0 * HOUR),
    )
    assert [step.end_reason for step in run.steps] == ["time over (1.667 min)", "reached 5 mAh/g", "reached 3.9 V"]


@pytest.mark.parametrize("voltage", [4.25, 4.0])
def test_hold_ends_at_its_current(run_of: Simulate, voltage: float) -> None:
    """Of either sign: 4.0 V after a charge to 4.25 V discharges."""
    run = run_of(charge("1C", voltage=4.25), rest(1.0), hold(voltage, current="C/10"), accuracy=0.3)
    step = run.steps[-1]
    rows = run.rows(step)
    np.testing.assert_allclose(run.voltage[rows], voltage, atol=1e-12)
    loading = ONE_C * run.active_loading
    sign = 1.0 if voltage == 4.25 else -1.0
    assert (sign * run.current_density[rows] > 0.0).all()
    assert sign * run.current_density[step.last] == pytest.approx(loading / 10.0, rel=0.01)
    assert (np.abs(run.current_density[rows][:-1]) > loading / 10.0).all()
    assert step.end_reason == "reached C/10"


def test_hold_ends_at_its_capacity_and_time(run_of: Simulate) -> None:
    run = run_of(charge("1C", voltage=4.1), hold(4.2, capacity=5.0 * HOUR, time="5 h"), hold(4.2, time=77.0))
    assert run.steps[1].capacity == pytest.approx(5.0 * HOUR, rel=1e-4)
    assert run.steps[1].end_reason == "reached 5 mAh/g"
    assert run.steps[2].duration == pytest.approx(77.0, rel=EXACT)


def test_first_instant_beyond_the_limit_gives_no_capacity_and_says_so(run_of: Simulate) -> None:
    run = run_of(charge("1C", voltage=3.4), discharge("1C", time=10.0))
    step, after = run.steps
    assert (step.capacity, step.duration, step.energy) == (0.0, 0.0, 0.0)
    assert math.isnan(step.average_voltage)
    found = f"the first instant is already at {run.voltage[0]:.4g} V, beyond the limit of 3.4 V"
    assert step.end_reason == found
    assert run.voltage[0] > 3.4
    assert run.current_density[0] == 0.0
    assert run.stoichiometry[0] == pytest.approx(0.9)
    assert after.capacity == pytest.approx(ONE_C * 10.0, rel=EXACT)
    assert run.is_complete
    json.dumps(run.to_dict())


# the limits of one action, without a solver


class AtVoltage:
    """In place of a stepper: the collector's potential is all that a limit asks for."""

    def __init__(self, plate: float) -> None:
        self.equations = SimpleNamespace(plate=plate)


def locator(action: Action, plate: float = 4.0) -> Locator:
    """An electrode of 0.1 kg/m2 whose 1C is 180 A/kg."""
    return Locator(AtVoltage(plate), action, 0.1, ONE_C)  # type: ignore[arg-type]


def solution(current: float) -> Solution:
    return Solution(True, 0.0, 1, 1, current, current)


def test_time_and_charge_left_of_an_action() -> None:
    limits = locator(Action("charge", "steps.0", rate=Rate(1.0, "C"), time_limit=100.0, capacity_limit=50.0 * HOUR))
    state = State(time=30.0, start=(10.0, 2.0), passed=HOUR + 2.0)
    assert limits.time_left(state) == pytest.approx(80.0)
    assert limits.charge_left(state) == pytest.approx(4.0 * HOUR)
    assert limits.time_left(State(time=110.0 - 1e-8, start=(10.0, 0.0))) == 0.0
    assert limits.charge_left(State(passed=-5.0 * HOUR)) == 0.0
    free = locator(Action("rest", "steps.0"))
    assert (free.time_left(state), free.charge_left(state)) == (math.inf, math.inf)
    assert free.beyond(solution(1.0)) is None


@pytest.mark.parametrize(("kind", "beyond"), [("charge", -0.3), ("discharge", 0.3)])
def test_a_voltage_limit_counts_in_the_direction_of_the_current(kind: Any, beyond: float) -> None:
    limits = locator(Action(kind, "steps.0", rate=Rate(1.0, "C"), voltage_limit=4.3))
    assert limits.beyond(solution(1.0)) == pytest.approx(beyond)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_current_limit_counts_in_either_direction(sign: float) -> None:
    limits = locator(Action("hold", "steps.0", voltage=4.0, current_limit=Rate(0.1, "C")))
    assert limits.current_limit == pytest.approx(1.8)
    assert limits.beyond(solution(3.6 * sign)) == pytest.approx(-math.log(2.0))
    assert limits.beyond(solution(0.9 * sign)) == pytest.approx(math.log(2.0))


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (charge("1C", voltage=3.9), Outcome.VOLTAGE),
        (charge("1C", time=20.0), Outcome.TIME),
        (charge("1C", capacity=2.0 * HOUR), Outcome.CAPACITY),
        (hold(3.75, current="C/2"), Outcome.CURRENT),
    ],
    ids=["voltage", "time", "capacity", "current"],
)
def test_outcome_names_the_limit(run_of: Simulate, step: dict[str, Any], outcome: Outcome) -> None:
    run = run_of(step)
    assert [step.outcome for step in run.steps] == [outcome]
    assert run.outcome is Outcome.COMPLETE
