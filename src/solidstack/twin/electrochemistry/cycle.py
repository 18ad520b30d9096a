r"""Charge and discharge of a structure: lithium, electrons and ions on every voxel, against a lithium electrode.

.. math::

    \partial_t c = \nabla \cdot (D \nabla c), \quad \nabla \cdot (\sigma \nabla \varphi_s) = 0, \quad
    \nabla \cdot i_e = 0, \quad i_e = -\kappa \nabla \varphi_e + 2 \kappa (RT/F) (1 - t_+) \chi \nabla \ln c_e

in the active material, in it and the additive, and in the solid electrolyte; with Butler-Volmer kinetics on the
area-weighted faces between them, a membrane and a lithium plane before the first plane of x and the collector behind
the last one. Time is stepped by the second-order backward formula with adaptive steps (`stepping`); the step in which
a limit of the protocol is passed is shortened until it ends there (`events`).

Sources: Newman and Thomas-Alyea, Electrochemical Systems (2004), chapters 8, 12 and 22;
`solidstack.kernels.electrochemistry.voxel` for the discretisation.
"""

import math
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from ...design import Action, Design, Protocol, default_protocol, first_charge, following
from ...electrode import rated_one_c
from ...errors import SolverError
from ...kinetics import CellParameters, cell_parameters
from ...outcomes import End, Outcome
from ...progress import Listener, Teller
from ..memory import require_memory
from ..results import SPLIT, Run, Step
from ..rows import check_interval
from ..structure.voxels import Structure
from .checkpoint import Checkpoint, key_of
from .conditions import (
    active_materials,
    check_accuracy,
    check_limits,
    check_start,
    design_of,
    loops_for,
)
from .domain import Domain, prepare
from .equations import Equations
from .events import CAPACITY_ACCURACY, Locator
from .fields import Snapshot
from .run import disconnected, provenance, result
from .split import contributions, mean_stoichiometry
from .state import Row, State
from .stepping import LEAST_CURRENT, LEAST_STEP, Control, Signal, Stepper, Trial

BYTES_PER_VOXEL = 200.0
"""What a run takes beside the structure; the provenance of a run records what it took."""
DEPLETED = 0.02
"""Relative concentration of the salt at which a step that fails is called depletion."""
MOST_VOLTAGE = 10.0
"""V, beyond which a step that no voltage ends is ended: nothing of the cell is described there."""
PULSE = 0.1
"""Of the lithium that all sites hold: an action that is to move less is a pulse, and its transient is resolved."""
CHECKPOINT_SECONDS = 30.0
MOST_STEPS = 20_000
"""Time steps of one step of a protocol."""
FAILURES = (Outcome.DEPLETED, Outcome.NO_SOLUTION)
"""Outcomes of an action that end the run."""


class FieldTaker(Interface):
    """Takes the state at chosen times; `solidstack.twin.electrochemistry.fields.Fields` is one."""

    def is_due(self, time: float, *, ended: bool) -> bool:
        """Return whether to take the state at a time."""

    def take(self, snapshot: Snapshot) -> None:
        """Keep a state."""


def discharge(
    structure: Structure,
    design: Design | None = None,
    *,
    protocol: Protocol | None = None,
    parameters: CellParameters | None = None,
    contact: NDArray[np.bool_] | None = None,
    initial_stoichiometry: float | None = None,
    device: str = "auto",
    accuracy: float = 1.0,
    output_interval: float | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    fields: FieldTaker | None = None,
    progress: Listener | None = None,
) -> Run:
    """Charge and discharge a structure.

    Parameters
    ----------
    structure : Structure
        Its phases have roles; active materials are named as in the design, or there is one of each.
    design : Design, optional
        Materials, temperature, membrane and rate; default: the one that the structure was built from.
    protocol : Protocol, optional
        Default: the design's, else a charge at C/10 and a discharge at C/5 between the usual voltages.
    parameters : CellParameters, optional
        Default: those of the design.
    contact : array of bool, shape of the structure, optional
        False where a voxel has lost its contact: none of its faces reacts.
    initial_stoichiometry : float, optional
        Default: as made.
    device : str
        auto (CUDA where there is a device, else the CPU), cpu or cuda.
    accuracy : float
        Factor on the allowed error of a time step, 0.01 to 10; less takes more steps.
    output_interval : float, optional
        s; time steps then end at its multiples, from the start of each action, besides those that accuracy asks for.
    checkpoint : path, optional
        File that the state is written to, every half minute and after each step of the protocol. Where it exists and
        belongs to the same run, the run goes on from it, and to the same result.
    fields : FieldTaker, optional
        See `solidstack.twin.electrochemistry.fields.Fields`.
    progress : callable, optional
        Callback; what is done is the number of the protocol's steps.

    Returns
    -------
    Run
        A time step that could not be solved, or depleted salt, ends the run with its outcome and keeps the results.

    Raises
    ------
    StructureError
        No active material, no electrolyte, too little memory, no design.
    DesignError
        A cut-off outside the potential of the active material.
    SolverError
        The very first time step could not be solved.
    OutputError
        The checkpoint cannot be written, or belongs to another run.
    """
    design = design_of(structure) if design is None else design
    parameters = cell_parameters(design) if parameters is None else parameters
    plan = protocol or design.protocol or default_protocol(parameters.voltage_window)
    actions = plan.actions()
    check_limits(actions, parameters)
    check_accuracy(accuracy)
    require_memory(BYTES_PER_VOXEL, structure.shape, "Charge and discharge")
    loops, where = loops_for(device)
    begun = time.perf_counter()
    domain = prepare(structure, parameters, contact=contact)
    one_c = float(np.asarray(rated_one_c(design)))
    start = {
        name: initial_stoichiometry if initial_stoichiometry is not None else material.as_made_stoichiometry
        for name, material in active_materials(domain, parameters).items()
    }
    check_start(start, parameters)
    equations = Equations(domain, parameters, loops, actions[0].temperature or parameters.temperature)
    equations.start(start)
    sites = equations.charge(dict.fromkeys(equations.contents()[0], 1.0))
    state = State()
    if sites == 0.0:
        run = disconnected(domain, actions[0], equations.temperature)
    else:
        stepper = Stepper(equations, accuracy, sites, LEAST_CURRENT * one_c * domain.active_loading)
        as_made = initial_stoichiometry is None
        check_interval(output_interval, actions, sites, domain.active_loading, one_c)
        cycler = Cycler(
            domain,
            parameters,
            stepper,
            actions,
            one_c,
            as_made=as_made,
            interval=output_interval,
            fields=fields,
            progress=progress,
        )
        if checkpoint is not None:
            key = key_of(domain, parameters, actions, one_c=one_c, accuracy=accuracy, lithium=cycler.lithium)
            cycler.checkpoint = Checkpoint(Path(checkpoint), key)
        run, state = cycler.run(), cycler.state
    seconds = time.perf_counter() - begun
    notes = provenance(structure, design, plan, parameters, equations, state, device=where, seconds=seconds)
    return replace(run, provenance=notes)


class Cycler:
    """A protocol under way.

    Parameters
    ----------
    domain : Domain
    parameters : CellParameters
    stepper : Stepper
    actions : sequence of Action
    one_c : float
        Current per mass of active material at 1C, A/kg.
    as_made : bool
        Whether the active material starts fresh, and loses charge in its first charge.
    interval : float or None
        Of the output, s.
    checkpoint : Checkpoint or None
    fields : FieldTaker or None
    progress : callable or None
    """

    def __init__(
        self,
        domain: Domain,
        parameters: CellParameters,
        stepper: Stepper,
        actions: Sequence[Action],
        one_c: float,
        *,
        as_made: bool = True,
        interval: float | None = None,
        checkpoint: Checkpoint | None = None,
        fields: FieldTaker | None = None,
        progress: Listener | None = None,
    ) -> None:
        self.domain, self.parameters, self.stepper, self.actions = domain, parameters, stepper, actions
        self.one_c, self.checkpoint, self.fields, self.interval = one_c, checkpoint, fields, interval
        self.tell = Teller(progress, of=len(actions))
        self.equations = stepper.equations
        self.loading = domain.active_loading
        self.first_charge = first_charge(actions) if as_made else 0
        self.equations.set_first_charge(self.first_charge > 0)
        self.lithium = self.equations.charge(self.equations.contents()[0])
        self.state = State(lithium=self.lithium)
        self.rows: list[Row] = []
        self.steps: list[Step] = []
        self.wrote = time.perf_counter()

    def run(self) -> Run:
        """Run all actions, or go on from the checkpoint."""
        if self.checkpoint is not None and self.checkpoint.exists:
            self.state, self.steps, self.rows = self.checkpoint.load(self.equations)
            # a fresh action has not been turned to yet
            under_way = self.state.action - (1 if self.state.is_fresh and self.state.action else 0)
            self.equations.set_first_charge(under_way < self.first_charge)
        else:
            self._save()  # a place that cannot be written is reported before the work is done
        end = End(Outcome.COMPLETE, "complete")
        while self.state.action < len(self.actions):
            action = self.actions[self.state.action]
            self.begun = time.perf_counter()
            if self.state.is_fresh:
                self.state = replace(self.state, seconds=0.0)
            reached = self._act(action)
            self._finish(action, reached)
            if reached.outcome in FAILURES:
                end = End(reached.outcome, f"{action.kind} ({action.where}): {reached.reason}")
                break
            at_voltage = reached.outcome is Outcome.VOLTAGE
            following_action = following(self.actions, self.state.action, at_voltage=at_voltage)
            self.state = replace(self.state, action=following_action, first=len(self.rows), last=None, seconds=0.0)
            self._save()
        return self._result(end)

    def _act(self, action: Action) -> End:
        """Run one action until it ends."""
        equations = self.equations
        temperature = action.temperature or self.parameters.temperature
        if temperature != equations.temperature:
            equations.set_temperature(temperature)
        self._turn()
        control = self._control(action)
        locator = Locator(self.stepper, action, self.loading, self.one_c)
        if self.state.is_fresh:
            start = (self.state.time, self.state.passed)
            self.state = replace(self.state, start=start, next=self.stepper.first(control.current))
        for _ in range(MOST_STEPS):
            end = self._step(action, control, locator)
            if end is not None:
                return end
            self._tell(action)
            self._save_now_and_then()
        reason = f"not ended after {MOST_STEPS} time steps; raise the accuracy's factor or shorten the step"
        return End(Outcome.NO_SOLUTION, reason)

    def _turn(self) -> None:
        """Leave the first charge where it is over: what it has lost is lost."""
        equations = self.equations
        equations.predict(0.0)
        contents, _ = equations.contents()
        before = equations.charge(contents)
        if equations.set_first_charge(self.state.action < self.first_charge):
            lithium = self.state.lithium + equations.charge(contents) - before
            self.state = replace(self.state, lithium=lithium)

    def _control(self, action: Action) -> Control:
        if action.kind == "rest":
            return Control(current=0.0)
        if action.rate is not None:
            return Control(action.sign * action.rate.current_density(self.loading, self.one_c), action.voltage)
        return Control(voltage=action.voltage)

    def _until_output(self) -> float:
        """Time to the next multiple of the interval of output, s."""
        if self.interval is None:
            return math.inf
        passed = self.state.time - self.state.start[0]
        return self.interval * (math.floor(passed / self.interval + 1e-9) + 1.0) - passed

    def _signal(self, action: Action) -> Signal | None:
        """How much a hold, a rest or a pulse has changed so far; None of an action that goes through a whole range."""
        voltage = content = math.inf
        if action.kind == "hold":
            content = self.state.moved / self.stepper.sites
        elif action.kind == "rest" or self._is_pulse(action):
            rows = self.rows[self.state.first :]
            voltage = abs(rows[-1].voltage - rows[0].voltage) if rows else 0.0
        else:
            return None
        return Signal(voltage, content)

    def _is_pulse(self, action: Action) -> bool:
        """Whether an action with current is to end before it has moved much of the lithium."""
        if action.rate is None or (action.time_limit is None and action.capacity_limit is None):
            return False
        current = action.rate.current_density(self.loading, self.one_c)
        by_time = math.inf if action.time_limit is None else current * action.time_limit
        by_charge = math.inf if action.capacity_limit is None else action.capacity_limit * self.loading
        return min(by_time, by_charge) < PULSE * self.stepper.sites

    def _step(self, action: Action, control: Control, locator: Locator) -> End | None:
        """Do one time step of an action; return how the action ended, None where it goes on."""
        state, stepper = self.state, self.stepper
        stepper.signal = self._signal(action)
        time_left = locator.time_left(state)
        if time_left == 0.0:
            return action.ended("time")
        step = min(state.next, time_left, self._until_output())
        to_capacity = math.inf
        if action.capacity_limit is not None and control.current:
            left = locator.charge_left(state)
            if left == 0.0:
                return action.ended("capacity")
            to_capacity = left / abs(control.current)
            step = min(step, to_capacity)
        if step < state.next and time_left < math.inf and 0.3 * time_left < time_left - step < step:
            step = 0.5 * time_left
        trial = stepper.advance(state, step, control)
        if trial.solution is None:
            return self._failure(control, trial)
        beyond = locator.beyond(trial.solution)
        if beyond is not None and beyond >= 0.0:
            return self._at_limit(action, control, locator, trial)
        holds_capacity = action.capacity_limit is not None and not control.current
        if holds_capacity:
            trial = locator.to_capacity(state, trial, control)
            if trial.solution is None:
                return self._failure(control, trial)
        error = stepper.error(state, trial.step)
        self._accept(trial)
        if not abs(self.rows[-1].voltage) <= MOST_VOLTAGE:
            return self._failure(control)
        if holds_capacity:
            moved = self.state.moved / self.loading
            if moved >= (1.0 - CAPACITY_ACCURACY) * (action.capacity_limit or 0.0):
                return action.ended("capacity")
        if trial.step >= to_capacity:
            return action.ended("capacity")
        self.state = replace(self.state, next=stepper.following(trial, error))
        return None

    def _at_limit(self, action: Action, control: Control, locator: Locator, trial: Trial) -> End:
        """End an action whose last time step went beyond its limit."""
        hold = action.kind == "hold"
        if self.state.is_first:
            if not hold:
                self._count(trial)
                return action.already_beyond(self.equations.plate)
        else:
            trial = locator.locate(self.state, trial, control, self.rows[-1])
            if trial.solution is None:
                return self._failure(control, trial)
        self._accept(trial)
        return action.ended("current" if hold else "voltage")

    def _count(self, trial: Trial) -> None:
        self.state = replace(
            self.state, newton=self.state.newton + trial.newton, linear=self.state.linear + trial.linear
        )

    def _accept(self, trial: Trial) -> None:
        """Keep the state of the voxels and a row of it."""
        self._count(trial)
        state, equations, solution = self.state, self.equations, trial.solution
        assert solution is not None
        passed = self.stepper.passed(state, trial)
        absolute = state.absolute + abs(passed - state.passed)
        contents, _ = equations.contents()
        mean, equilibrium = mean_stoichiometry(equations, contents)
        lithium_error = state.lithium_error
        if absolute > 0.0:
            taken = state.lithium - equations.charge(contents)
            lithium_error = max(lithium_error, abs(taken - passed) / absolute)
        least = self.stepper.least
        flowing = abs(solution.current)
        if flowing < least:  # a rest: related to what flowed before
            flowing = max([least, *(abs(row.current) for row in self.rows)])
        current_error = max(state.current_error, abs(solution.current - solution.interface) / flowing)
        now = state.time + trial.step
        split = contributions(equations, solution.interface, equilibrium, least)
        self._keep(now, equations.plate, solution.interface, passed, mean, split, equations.reactions())
        equations.accept()
        self.state = replace(
            state,
            rows=len(self.rows),
            time=now,
            passed=passed,
            passed_before=state.passed,
            absolute=absolute,
            last=trial.step,
            time_steps=state.time_steps + 1,
            lithium_error=lithium_error,
            current_error=current_error,
        )
        self._take_fields(ended=False)

    def _keep(
        self,
        now: float,
        voltage: float,
        current: float,
        passed: float,
        mean: float,
        split: dict[str, float],
        reactions: NDArray[np.float64],
    ) -> None:
        """Append a row; profiles are those of the electrode, without the membrane."""
        planes = self.domain.structure.shape[0]
        profile, temperature = self.equations.profile()[-planes:], self.equations.temperature
        self.rows.append(Row(now, voltage, current, passed, mean, temperature, split, profile, reactions[-planes:]))

    def _failure(self, control: Control, trial: Trial | None = None) -> End:
        """Return why no time step could be solved, which ends the run."""
        if trial is not None:
            self._count(trial)
        self.equations.predict(0.0)
        _, salt = self.equations.contents()
        if salt < DEPLETED:
            flow, left = abs(control.current or 0.0), 100.0 * max(salt, 0.0)
            reason = (
                f"salt depleted (down to {left:.2g} % of its nominal concentration); the limiting current "
                f"is below {flow / 10.0:.3g} mA/cm^2. Lower the current, the loading or the membrane's thickness"
            )
            return End(Outcome.DEPLETED, reason)
        if not self.rows:
            msg = (
                f"the first time step could not be solved, not even one of {LEAST_STEP:g} s; "
                f"lower the current, or check the exchange current density and conductivities ([kinetics])"
            )
            raise SolverError(msg)
        if not abs(self.rows[-1].voltage) <= MOST_VOLTAGE:
            reason = (
                f"the voltage is beyond {MOST_VOLTAGE:g} V; give a voltage limit or lower the current. The results "
                "up to here are kept"
            )
        else:
            reason = (
                f"no time step of {LEAST_STEP:g} s or more could be solved; lower the current, or check the exchange "
                f"current density and conductivities ([kinetics]). The results up to here are kept"
            )
        return End(Outcome.NO_SOLUTION, reason)

    def _finish(self, action: Action, end: End) -> None:
        """Sum up an action."""
        state = self.state
        rows = self.rows[state.first :]
        passed = [state.start[1], *(row.passed for row in rows)]
        volts = [row.voltage for row in rows[:1] + rows]
        moved = abs(passed[-1] - passed[0])
        energy = abs(float(np.trapezoid(volts, passed))) if rows else 0.0
        if not rows:
            self._keep_still(action)
        self.steps.append(
            Step(
                kind=action.kind,
                where=action.where,
                first=state.first,
                last=len(self.rows) - 1,
                capacity=moved / self.loading,
                areal_capacity=moved,
                energy=energy,
                average_voltage=energy / moved if moved > 0.0 else math.nan,
                duration=state.time - state.start[0],
                outcome=end.outcome,
                end_reason=end.reason,
                seconds=state.seconds + time.perf_counter() - self.begun,
            )
        )
        self.state = replace(state, rows=len(self.rows))
        self._take_fields(ended=True)

    def _keep_still(self, action: Action) -> None:
        """Keep a row of an action in which nothing passed: the voltage of its first instant, which is what ended it."""
        equations = self.equations
        voltage = equations.plate if action.voltage is None else action.voltage
        equations.predict(0.0)
        contents, _ = equations.contents()
        mean, equilibrium = mean_stoichiometry(equations, contents)
        split = {**dict.fromkeys(SPLIT, 0.0), "equilibrium": equilibrium, "diffusion": voltage - equilibrium}
        nothing = np.zeros(self.domain.structure.shape[0])
        self._keep(self.state.time, voltage, 0.0, self.state.passed, mean, split, nothing)

    def _take_fields(self, *, ended: bool) -> None:
        if self.fields is not None and self.fields.is_due(self.state.time, ended=ended):
            self.fields.take(self.equations.snapshot(self.state.time))

    def _tell(self, action: Action) -> None:
        words = f"{action.kind}, {self.equations.plate1:.3f} V, {self.state.moved / self.loading / 3600.0:.1f} mAh/g"
        self.tell(self.state.action, words)

    def _save_now_and_then(self) -> None:
        if self.checkpoint is not None and time.perf_counter() - self.wrote > CHECKPOINT_SECONDS:
            seconds = self.state.seconds + time.perf_counter() - self.begun
            self.begun = time.perf_counter()
            self.state = replace(self.state, seconds=seconds)
            self._save()

    def _save(self) -> None:
        self.wrote = time.perf_counter()
        if self.checkpoint is not None:
            self.checkpoint.save(self.state, self.steps, self.rows, self.equations)

    def _result(self, end: End) -> Run:
        errors = {"lithium": self.state.lithium_error, "current": self.state.current_error}
        return result(self.domain, self.rows, self.steps, end, errors)
