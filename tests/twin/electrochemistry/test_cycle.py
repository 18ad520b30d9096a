"""Protocols of charge and discharge: what ends a step, checkpoints, fields, failures that say so, bad input."""

import errno
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

import solidstack as ss
from solidstack.errors import DesignError, OutputError, SolverError, StructureError
from solidstack.kernels.electrochemistry import multigrid as coupled_multigrid
from solidstack.kinetics import CellParameters
from solidstack.outcomes import Outcome
from solidstack.progress import Listener, Progress
from solidstack.twin.electrochemistry.cycle import discharge as simulate
from solidstack.twin.electrochemistry.equations import Equations
from solidstack.twin.electrochemistry.fields import Fields, Particles, Snapshot, particles
from solidstack.twin.results import Run
from solidstack.twin.structure.voxels import Structure
from tests.cells import (
    AM,
    CA,
    DENSITY,
    OTHER,
    PORE,
    SE,
    TEMPERATURE,
    UM,
    cell,
    charge,
    columns,
    discharge,
    electrolyte,
    hold,
    host,
    layers,
    mixed,
    protocol,
    rest,
    salted,
    structure,
)

module_of_discharge = sys.modules["solidstack.twin.electrochemistry.cycle"]
VOLTAGE_LIMIT = 3e-4
"""V, at which a step ends beside its limit."""
EXACT = 1e-6
"""Relative, of time and capacity where they end a step."""
ONE_C = 180.0
"""A/kg, of the example."""
HOUR = 3600.0
CLOSED = (False, False, False)
COARSE = 6.0
"""Accuracy where the size of the time steps does not matter."""

Simulate = Callable[..., Run]


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No result depends on the number of threads, and cells this small are fastest with one."""
    monkeypatch.setattr(coupled_multigrid, "COARSEST", 16)  # solves the same, faster where cells are this few
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


@pytest.fixture
def run_of(design: ss.Design) -> Simulate:
    """Run steps on a small cell."""

    def call(
        *steps: dict[str, Any], made: Structure | None = None, given: CellParameters | None = None, **options: Any
    ) -> Run:
        fields = {key: options.pop(key) for key in ("repeat", "temperature") if key in options}
        return simulate(
            made or columns(6),
            design,
            parameters=given or cell(),
            **{"accuracy": COARSE, "protocol": protocol(*steps, **fields)} | options,
        )

    return call


def same(one: Run, other: Run) -> None:
    """Bit by bit, but for the computing time."""
    for name in ("time", "voltage", "current_density", "capacity", "stoichiometry", "temperature", "depth"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name, part in one.split.items():
        np.testing.assert_array_equal(part, other.split[name], err_msg=name)
    for name, profile in one.profiles.items():
        np.testing.assert_array_equal(profile, other.profiles[name], err_msg=name)
    plain = [[{**step.__dict__, "seconds": 0.0} for step in run.steps] for run in (one, other)]
    assert plain[0] == plain[1]
    assert one.balance == other.balance
    assert (one.outcome, one.end_reason) == (other.outcome, other.end_reason)
    for name in ("time_steps", "newton_iterations", "linear_iterations"):
        assert one.provenance[name] == other.provenance[name], name


# what ends a step


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
    given = cell(host(activation_energy=5e4, entropic=entropic), electrolyte=electrolyte(0.005, activation_energy=3e4))
    steps = [{**charge("1C", time=2.0), "temperature": kelvin} for kelvin in (298.15, 333.15, 298.15)]
    resting = [{**rest(2000.0), "temperature": kelvin} for kelvin in (298.15, 333.15)]
    run = run_of(*steps, *resting, given=given)
    ends = [run.voltage[step.last] for step in run.steps]
    assert [run.temperature[step.last] for step in run.steps] == [298.15, 333.15, 298.15, 298.15, 333.15]
    overs = [run.voltage[step.last] - run.split["equilibrium"][step.last] for step in run.steps]
    assert 0.0 < overs[1] < 0.6 * overs[0]
    assert overs[2] == pytest.approx(overs[0], rel=0.1)
    assert ends[4] - ends[3] == pytest.approx(entropic * 35.0, abs=1e-4)


def test_temperature_of_the_design_and_of_the_protocol(run_of: Simulate) -> None:
    assert run_of(rest(1.0)).temperature[-1] == TEMPERATURE
    assert run_of(rest(1.0), temperature=320.0).temperature[-1] == 320.0


# time steps


def test_tighter_accuracy_converges(run_of: Simulate) -> None:
    """The curve depends on the time steps by a millivolt; a tenth of the error takes some three times as many."""
    steps = charge("1C", capacity=60.0 * HOUR), rest(300.0), discharge("2C", capacity=30.0 * HOUR)
    runs = {accuracy: run_of(*steps, accuracy=accuracy) for accuracy in (0.1, 1.0, 10.0)}
    ends = {accuracy: np.array([run.voltage[step.last] for step in run.steps]) for accuracy, run in runs.items()}
    assert np.abs(ends[10.0] - ends[0.1]).max() < 4e-3
    assert np.abs(ends[1.0] - ends[0.1]).max() < 1e-3
    counts = [len(run.time) for run in runs.values()]
    assert counts[2] < counts[1] < 0.6 * counts[0]


def test_results_do_not_depend_on_the_number_of_threads(run_of: Simulate) -> None:
    made = mixed(3, (7, 6, 5))
    given = cell(electrolyte=salted())
    steps = charge("1C", time=300.0), discharge("1C", time=100.0)
    single = run_of(*steps, made=made, given=given)
    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    same(single, run_of(*steps, made=made, given=given))


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
    run = run_of(*steps, given=cell(membrane_thickness=2e-3))
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

    def fail(self: Equations, *given: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        found = solve(self, *given, **options)
        return found if calls <= after else type(found)(False, 1.0, 12, 0, found.current, found.interface)

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


# bad input


def test_cut_off_that_the_active_material_never_has(run_of: Simulate) -> None:
    expected = (
        "protocol, steps.1.until.voltage: 2.5 V is outside the open-circuit potential of AM, 2.6 to 4.6 V; change the "
        "cut-off, or give a wider table in a material file"
    )
    with pytest.raises(DesignError) as caught:
        run_of(charge("1C", voltage=4.3), discharge("1C", voltage=2.5))
    assert str(caught.value) == expected
    with pytest.raises(DesignError, match=r"protocol, steps.0.voltage: 4.7 V is outside the open-circuit potential"):
        run_of(hold(4.7, time=1.0))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"accuracy": 0.0}, StructureError, "accuracy: 0 must be between 0.01 and 10"),
        ({"accuracy": 100.0}, StructureError, "accuracy: 100 must be between 0.01 and 10"),
        ({"accuracy": math.nan}, StructureError, "accuracy: nan must be between 0.01 and 10"),
        ({"device": "tpu"}, StructureError, 'device: "tpu" is not recognised; choose auto, cpu or cuda'),
        ({"initial_stoichiometry": 1.2}, DesignError, r"initial_stoichiometry: 1.2 is outside 0 to 1"),
        ({"initial_stoichiometry": math.nan}, DesignError, "initial_stoichiometry: nan is outside"),
        ({"contact": np.ones((2, 2, 2), bool)}, StructureError, r"contact has shape \(2, 2, 2\)"),
        ({"made": structure(np.full((3, 3, 3), SE))}, StructureError, "has no active material, so it stores no charge"),
        ({"made": structure(np.full((3, 3, 3), AM))}, StructureError, "has no solid electrolyte"),
        ({"made": Structure(mixed(0).labels, {}, (UM,) * 3)}, StructureError, "Name the phase with --phases"),
    ],
)
def test_bad_input(run_of: Simulate, options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        run_of(rest(1.0), **options)


def test_device_that_is_not_there(run_of: Simulate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solidstack.kernels.conduction.cuda.is_available", lambda: False)
    with pytest.raises(StructureError, match="device: no CUDA device was found; choose cpu"):
        run_of(rest(1.0), device="cuda")


def test_structure_knows_its_design(design: ss.Design) -> None:
    plan = protocol(rest(1.0))
    with pytest.raises(StructureError, match="does not record the design it was built from; give the design"):
        simulate(columns(4), protocol=plan)
    made = columns(4).changed(provenance={"inputs": design.to_dict()})
    run = simulate(made, protocol=plan)
    assert run.provenance["fingerprint"] == design.fingerprint()
    assert "inputs" not in run.provenance["structure"]
    assert run.temperature[-1] == pytest.approx(318.15)
    assert run.stoichiometry[-1] == pytest.approx(0.995)


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


# checkpoints


PLAN = (
    charge("1C", voltage=4.1),
    {**hold(4.1, current="C/5"), "temperature": 310.0},
    rest(30.0),
    {**discharge("2C", voltage=3.6), "temperature": 290.0},
)
BLEND = cell(host(), host("other AM", exchange=0.5), electrolyte=salted())
CHECKED = {"made": mixed(5, (5, 4, 3), shares=(0.0, 0.3, 0.4, 0.1, 0.2)), "given": BLEND}


class KilledError(Exception):
    pass


def killer(after: int) -> Listener:
    """Progress that ends the run after some time steps, as a kill would."""
    calls = 0

    def listener(_: Progress) -> None:
        nonlocal calls
        calls += 1
        if calls == after:
            raise KilledError

    return listener


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the checkpoint after every time step."""
    monkeypatch.setattr(module_of_discharge, "CHECKPOINT_SECONDS", 0.0)


@pytest.mark.usefixtures("every_step")
def test_run_that_was_killed_goes_on_to_the_same_result(run_of: Simulate, tmp_path: Path) -> None:
    whole = run_of(*PLAN, **CHECKED)
    assert whole.is_complete
    path = tmp_path / "run.npz"
    ends = [step.last + 1 for step in whole.steps]
    total = len(whole.time)
    done = 0
    # within steps, on their first time step, on their last; each kill goes on from the one before
    for at in (1, 2, ends[0] // 2, ends[0], ends[0] + 1, ends[1] + 2, ends[2] - 1, (ends[2] + total) // 2):
        if at - done < 1:
            continue
        with pytest.raises(KilledError):
            run_of(*PLAN, checkpoint=path, progress=killer(max(1, at - done)), **CHECKED)
        with np.load(path) as file:
            done = json.loads(bytes(file["content"]).decode())["state"]["time_steps"]
        assert done >= at - 2
    resumed = run_of(*PLAN, checkpoint=path, **CHECKED)
    same(whole, resumed)
    same(whole, run_of(*PLAN, checkpoint=path, progress=killer(1), **CHECKED))  # it is over: no step is taken


def test_checkpoint_is_written_after_each_step_of_the_protocol_and_seldom_between(
    run_of: Simulate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    savez, written = np.savez, []

    def count(stream: Any, **arrays: Any) -> None:
        written.append(json.loads(bytes(arrays["content"]).decode())["state"]["action"])
        savez(stream, **arrays)

    monkeypatch.setattr(np, "savez", count)
    run_of(charge("1C", time=20.0), rest(10.0), rest(10.0), checkpoint=tmp_path / "run.npz")
    assert written == [0, 1, 2, 3]


SCRIPT = """
import os, signal, sys
import numba
import solidstack as ss
from tests.twin.electrochemistry import test_cycle as test

test.module_of_discharge.CHECKPOINT_SECONDS = 0.0
test.coupled_multigrid.COARSEST = 16
numba.set_num_threads(1)
calls = 0

def listener(state):
    global calls
    calls += 1
    if calls == 12:
        os.kill(os.getpid(), signal.SIGKILL)

test.simulate(
    test.CHECKED["made"], ss.load("examples/pouch-0.16Ah.toml"), parameters=test.CHECKED["given"],
    protocol=test.protocol(*test.PLAN), accuracy=test.COARSE, checkpoint=sys.argv[1], progress=listener,
)
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_process_that_was_killed_goes_on_to_the_same_result(run_of: Simulate, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, path], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert path.exists()
    same(run_of(*PLAN, **CHECKED), run_of(*PLAN, checkpoint=path, **CHECKED))


OTHER_RUN = "belongs to another structure, design or protocol, or to another version; remove it to start over"


@pytest.mark.parametrize(
    "other",
    [
        {"given": cell(host(), host("other AM", exchange=0.6), electrolyte=salted())},
        {"given": cell(host(), host("other AM", exchange=0.5), electrolyte=salted(number=0.51))},
        {"made": mixed(6, (5, 4, 3), shares=(0.0, 0.3, 0.4, 0.1, 0.2))},
        {"made": CHECKED["made"].changed(voxel=(UM, UM, 1.01 * UM))},
        {"made": CHECKED["made"].changed(periodic=CLOSED)},
        {"initial_stoichiometry": 0.8},
        {"accuracy": 5.0},
        {"contact": CHECKED["made"].labels != OTHER},
    ],
    ids=["kinetics", "salt", "image", "voxel", "periodic", "start", "accuracy", "contact"],
)
def test_checkpoint_of_another_run_is_refused(run_of: Simulate, tmp_path: Path, other: dict[str, Any]) -> None:
    path = tmp_path / "run.npz"
    run_of(rest(1.0), checkpoint=path, **CHECKED)
    kept = path.read_bytes()
    with pytest.raises(OutputError, match=OTHER_RUN):
        run_of(rest(1.0), checkpoint=path, **CHECKED | other)
    assert path.read_bytes() == kept


def test_checkpoint_of_another_protocol_is_refused(run_of: Simulate, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    run_of(rest(1.0), checkpoint=path)
    for other in (rest(2.0), {**rest(1.0), "temperature": 310.0}, hold(3.7, time=1.0)):
        with pytest.raises(OutputError, match=OTHER_RUN):
            run_of(other, checkpoint=path)


@pytest.mark.parametrize("damage", ["empty", "head", "cut", "flipped", "text", "array", "other"])
def test_torn_checkpoint_is_refused(run_of: Simulate, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "run.npz"
    run_of(rest(1.0), checkpoint=path)
    whole = path.read_bytes()
    match damage:
        case "array":
            with path.open("wb") as stream:
                np.save(stream, np.ones(3))
        case "other":
            np.savez(path, labels=np.ones(3))
        case _:
            place = whole.index(b"\x93NUMPY") + 140  # in the first array; a date of the zip's own would do no harm
            flipped = whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :]
            torn = {"empty": b"", "head": whole[:10], "cut": whole[:-5], "flipped": flipped, "text": b"soon"}
            path.write_bytes(torn[damage])
    with pytest.raises(
        OutputError, match=r"run.npz: is not a checkpoint file of this version \(.*\); remove it, or name another file"
    ):
        run_of(rest(1.0), checkpoint=path)


def test_place_that_cannot_be_written_is_said_before_the_work(run_of: Simulate, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    heard: list[Progress] = []
    with pytest.raises(OutputError, match="the checkpoint cannot be written .*; make room or name another file"):
        run_of(rest(1.0), checkpoint=tmp_path / "file" / "run.npz", progress=heard.append)
    assert heard == []
    with pytest.raises(OutputError, match="is not a checkpoint file of this version"):
        run_of(rest(1.0), checkpoint=tmp_path)


@pytest.mark.usefixtures("every_step")
def test_full_disk_leaves_the_checkpoint_before(
    run_of: Simulate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.npz"
    savez, calls = np.savez, 0
    last = b""

    def full(stream: Any, **arrays: Any) -> None:
        nonlocal calls, last
        calls += 1
        if calls > 9:
            last = path.read_bytes()
            stream.write(b"half of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        savez(stream, **arrays)

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OutputError, match=r"run.npz: the checkpoint cannot be written \(No space left on device\)"):
        run_of(*PLAN, checkpoint=path, **CHECKED)
    assert path.read_bytes() == last
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.npz"]
    monkeypatch.setattr(np, "savez", savez)
    same(run_of(*PLAN, **CHECKED), run_of(*PLAN, checkpoint=path, **CHECKED))


# fields


def test_fields_of_a_run(run_of: Simulate) -> None:
    """At the wished times, the ends of steps; NaN where a quantity does not exist; potentials that fit the voltage."""
    labels = columns(6).labels.copy()
    labels[4, 0] = CA
    made = columns(6).changed(labels=labels)
    given = cell(electrolyte=salted(0.01), membrane_thickness=20 * UM)
    kept = Fields(times=(10.0, 40.0), step_ends=True)
    run = run_of(charge("1C", time=60.0), rest(30.0), made=made, given=given, fields=kept)
    times = [snapshot.time for snapshot in kept.taken]
    assert times[0] >= 10.0
    assert times[1] >= 40.0
    assert times[2:] == pytest.approx([60.0, 90.0])
    rows = [int(np.argmin(np.abs(run.time - time))) for time in times]
    assert rows[0] == int(np.argmax(run.time >= 10.0)), "the first state at or after"
    for row, snapshot in zip(rows, kept.taken, strict=True):
        assert snapshot.voltage == run.voltage[row]
        assert set(snapshot.fields()) == {
            "stoichiometry",
            "electronic potential (V)",
            "ionic potential (V)",
            "salt concentration",
        }
        for name, labels_with in (
            ("stoichiometry", (AM,)),
            ("electronic_potential", (AM, CA)),
            ("ionic_potential", (SE,)),
            ("salt", (SE,)),
        ):
            found = getattr(snapshot, name)
            np.testing.assert_array_equal(np.isfinite(found), np.isin(made.labels, labels_with), err_msg=name)
        assert np.nanmean(snapshot.stoichiometry) == pytest.approx(run.stoichiometry[row], abs=1e-6)
    during, after = kept.taken[2], kept.taken[3]
    # electrons leave through the collector, ions through the membrane
    assert (np.diff(during.electronic_potential[:, 0, 0]) > 0.0).all()
    assert during.electronic_potential[-1, 0, 0] == pytest.approx(during.voltage, abs=1e-3)
    assert (np.diff(during.ionic_potential[:, 1, 0]) > 0.0).all()
    assert during.salt is not None
    assert (np.diff(during.salt[:, 1, 0]) > 0.0).all()
    assert np.nanmax(during.salt) > 1.0
    assert np.nanmax(np.abs(after.electronic_potential - after.voltage)) < 1e-3


def test_single_ion_has_no_salt(run_of: Simulate) -> None:
    kept = Fields()
    run_of(rest(1.0), fields=kept)
    assert kept.taken[0].salt is None
    assert "salt concentration" not in kept.taken[0].fields()


def test_fields_in_a_folder(run_of: Simulate, tmp_path: Path) -> None:
    made = columns(6)
    kept = Fields(times=(5.0,), folder=tmp_path / "fields", structure=made, ending=".npz")
    run_of(charge("1C", time=20.0), made=made, fields=kept)
    assert kept.taken == []
    assert [path.name for path in kept.paths] == sorted(path.name for path in (tmp_path / "fields").iterdir())
    assert kept.paths[-1].name == "fields-000000020s.npz"
    with pytest.raises(StructureError, match="a folder for fields needs the structure"):
        Fields(folder=tmp_path)


def test_particles_of_a_packing() -> None:
    """Two spheres that touch: two particles, with their centres, volumes and means; one of them takes no part."""
    x, y, z = np.indices((40, 24, 24)) + 0.5
    first = (x - 11) ** 2 + (y - 12) ** 2 + (z - 12) ** 2 < 9.5**2
    second = (x - 28) ** 2 + (y - 12) ** 2 + (z - 12) ** 2 < 8.0**2
    assert (first[:-1] & second[1:]).any(), "they touch"
    made = structure(np.where(first | second, AM, SE), (UM, UM, UM), CLOSED)
    content = np.where(first, 0.3 + 0.002 * (x - 11), np.where(second, 0.8, np.nan)).astype(np.float32)
    nothing = np.full_like(content, np.nan)
    found = particles(made, Snapshot(0.0, 4.0, content, nothing, nothing))
    order = np.argsort(found.depth)
    np.testing.assert_allclose(found.depth[order], [11 * UM, 28 * UM], atol=0.2 * UM)
    np.testing.assert_allclose(found.volume[order], [first.sum() * UM**3, second.sum() * UM**3], rtol=0.01)
    np.testing.assert_allclose(found.stoichiometry[order], [0.3, 0.8], atol=2e-3)
    bare = np.where(first, content, np.nan).astype(np.float32)
    lone = particles(made, Snapshot(0.0, 4.0, bare - 0.1, nothing, nothing))
    order = np.argsort(lone.depth)
    assert math.isnan(lone.stoichiometry[order][1])
    np.testing.assert_allclose(lone.utilisation(found)[order], [0.1, 0.0], atol=2e-3)
    assert isinstance(lone, Particles)
