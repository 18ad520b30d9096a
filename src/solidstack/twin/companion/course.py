"""The actions of a protocol carried out by the half-cell, one after the other, and the run that they make."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...design import Action, first_charge, following
from ...errors import SolverError
from ...outcomes import End, Outcome
from ...progress import Listener, Teller
from ..results import SPLIT, Run, Step
from .control import LIMITS, Before, control, ended, ended_at_once
from .half_cell import INSTANT, HalfCell, NoSolutionError, PassedAtOnceError, Section
from .half_cell_equations import FREE, OUTPUTS
from .scaling import Array, Cell, Inputs
from .split import split_voltage

NEAR_VOLTAGE = 0.05
"""V; a hold is approached in steps of this where it cannot be reached at once."""


@dataclass(frozen=True)
class Recorded:
    """An action that was carried out.

    Its rows, its temperature (K), the charge before it (A s/m2), and what of its charge is lithium that goes back in.
    """

    section: Section
    temperature: float
    charge_before: float
    reversible_share: float


class Course:
    """The actions of a protocol, one after the other.

    Parameters
    ----------
    built : callable
        Returns the half-cell for a temperature (K).
    cell : Cell
    actions : sequence of Action
    interval : float or None
        Longest between two rows, s.
    """

    def __init__(
        self,
        built: Callable[[float], HalfCell],
        cell: Cell,
        actions: Sequence[Action],
        interval: float | None = None,
    ) -> None:
        self.built, self.cell, self.actions, self.interval = built, cell, actions, interval
        self.state: Any = None
        self.before = Before()
        self.now = 0.0
        self.recorded: list[Recorded] = []
        self.steps: list[Step] = []
        self.end = End(Outcome.COMPLETE, "complete")
        self.first_charge = first_charge(actions)
        self.index = 0

    def run(self, name: str, notes: Mapping[str, Any], progress: Listener | None = None) -> Run:
        """Carry out all actions, or those before the first without a solution.

        Raises
        ------
        SolverError
            The first action has no solution.
        """
        tell = Teller(progress, of=len(self.actions))
        while self.index < len(self.actions):
            action = self.actions[self.index]
            tell(self.index, f"{action.where}: {action.kind}")
            began = time.perf_counter()
            try:
                section, end = self.act(action)
            except NoSolutionError as error:
                reason = f"stopped in {action.where} ({action.kind}): PyBaMM found no solution: {error}"
                self.end = End(Outcome.NO_SOLUTION, reason)
                break
            self.record(action, section, end, time.perf_counter() - began)
            self.index = following(self.actions, self.index, at_voltage=end.outcome in LIMITS)
        if not self.steps:
            msg = f"{self.end.reason}. Check the numbers of the electrode, or try a smaller current"
            raise SolverError(msg)
        tell(self.index, self.end.reason)
        return self.result(name, notes)

    def temperature(self, action: Action) -> float:
        """Temperature of an action, K."""
        return self.cell.parameters.temperature if action.temperature is None else action.temperature

    @property
    def is_first(self) -> bool:
        """Whether the action under way belongs to the first charge."""
        return self.index < self.first_charge

    def act(self, action: Action) -> tuple[Section, End]:
        """Carry out an action."""
        temperature = self.temperature(action)
        built = self.built(temperature)
        asked = control(action, self.cell, self.before)
        inputs = self.cell.inputs(temperature, first=self.is_first) | asked.inputs
        try:
            section = self.integrate(action, built, inputs, asked.duration)
        except PassedAtOnceError:
            return self.first_instant(action, built, inputs)
        return section, ended(action, section, asked.limit, self.cell, temperature)

    def integrate(self, action: Action, built: HalfCell, inputs: Inputs, duration: float) -> Section:
        """Integrate an action from the state before, which is approached where it is too far away."""
        try:
            return built.advance(self.state, inputs, duration, self.interval)
        except PassedAtOnceError:
            # PyBaMM may take the current of the state before for that of a hold
            if action.kind != "hold":
                raise
        except NoSolutionError:
            pass
        return built.advance(self.approach(built, inputs), inputs, duration, self.interval)

    def approach(self, built: HalfCell, inputs: Inputs) -> Any:
        """Return a state near the first one of an action, which is too far from the last one to be solved at once."""
        now = inputs | FREE | {"by current": 1.0, "applied current": 0.0}
        at_rest = built.advance(self.state, now, INSTANT)
        state = at_rest.state
        if inputs["by current"]:
            # an overpotential grows with the logarithm of the current
            name, values = "applied current", inputs["applied current"] * np.geomspace(1e-6, 1.0, 25)[:-1]
        else:
            name, voltage = "applied voltage", float(at_rest.rows["voltage"][-1])
            count = max(2, math.ceil(abs(inputs[name] - voltage) / NEAR_VOLTAGE))
            values = np.linspace(voltage, inputs[name], count + 1)[1:-1]
        for value in values:
            state = built.moved(state, inputs | FREE | {name: float(value)}, INSTANT)
        return state

    def first_instant(self, action: Action, built: HalfCell, inputs: Inputs) -> tuple[Section, End]:
        """Return the first row of an action that passes a limit at once; the state stays as it was."""
        try:
            section = built.advance(self.state, inputs | FREE, INSTANT)
        except NoSolutionError:
            section = built.advance(self.approach(built, inputs), inputs | FREE, INSTANT)
        rows = {name: values[:1] for name, values in section.rows.items()}
        first = {name: float(values[0]) for name, values in rows.items()}
        only = replace(section, state=self.state, time=section.time[:1], rows=rows)
        return only, ended_at_once(action, inputs, first)

    def record(self, action: Action, section: Section, end: End, seconds: float) -> None:
        """Keep the rows of an action and what it gave."""
        rows, cell = section.rows, self.cell
        moved = section.state is not self.state
        first = sum(len(recorded.section.time) for recorded in self.recorded)
        passed = abs(float(rows["charge"][-1]) - self.before.charge) if moved else 0.0
        energy = abs(float(np.trapezoid(rows["voltage"], rows["charge"]))) if moved else 0.0
        self.steps.append(
            Step(
                kind=action.kind,
                where=action.where,
                first=first,
                last=first + len(section.time) - 1,
                capacity=passed / cell.effective.active_loading,
                areal_capacity=passed,
                energy=energy,
                average_voltage=energy / passed if passed > 0.0 else math.nan,
                duration=float(section.time[-1]) - self.now if moved else 0.0,
                outcome=end.outcome,
                end_reason=end.reason,
                seconds=seconds,
            )
        )
        share = cell.reversible_share if self.is_first else 1.0
        self.recorded.append(Recorded(section, self.temperature(action), self.before.charge, share))
        if moved:
            self.now = float(section.time[-1])
            last = {name: float(rows[name][-1]) for name in ("charge", "least surface", "most surface", "salt")}
            self.before = Before(last["charge"], last["least surface"], last["most surface"], last["salt"])
            self.state = section.state

    def lithium(self) -> Array:
        """Charge of the lithium that the active material has taken up since the start, and of what was lost."""
        start, before, parts = self.cell.start, 0.0, []
        for recorded in self.recorded:
            x = recorded.section.rows["stoichiometry"]
            parts.append(before + (x - start) * self.cell.area_charge / recorded.reversible_share)
            start, before = float(x[-1]), float(parts[-1][-1])
        return np.concatenate(parts)

    def result(self, name: str, notes: Mapping[str, Any]) -> Run:
        """Put the rows of all actions together."""
        cell = self.cell
        times = np.concatenate([recorded.section.time for recorded in self.recorded])
        rows = {
            output: np.concatenate([recorded.section.rows[output] for recorded in self.recorded]) for output in OUTPUTS
        }
        splits = [split_voltage(recorded.section.rows, cell, recorded.temperature) for recorded in self.recorded]
        capacities = [np.abs(recorded.section.rows["charge"] - recorded.charge_before) for recorded in self.recorded]
        temperatures = [np.full(len(recorded.section.time), recorded.temperature) for recorded in self.recorded]
        lithium = self.lithium()
        most = float(np.max(np.abs(rows["charge"])))
        # in the mean over the charge: at an instant, kinetics that are fast magnify what is left of an error
        passed = float(np.trapezoid(np.abs(rows["current"]), times))
        off = float(np.trapezoid(np.abs(rows["reaction"] + rows["current"]), times))
        return Run(
            model=name,
            time=times,
            voltage=rows["voltage"],
            current_density=-rows["current"],
            capacity=np.concatenate(capacities) / cell.effective.active_loading,
            stoichiometry=rows["stoichiometry"],
            temperature=np.concatenate(temperatures),
            split={part: np.concatenate([split[part] for split in splits]) for part in SPLIT},
            steps=tuple(self.steps),
            active_loading=cell.effective.active_loading,
            inactive_fraction=cell.effective.inactive_fraction,
            outcome=self.end.outcome,
            end_reason=self.end.reason,
            balance={
                "lithium": float(np.max(np.abs(lithium - rows["charge"]))) / most if most > 0.0 else 0.0,
                "current": off / passed if passed > 0.0 else 0.0,
            },
            provenance={**notes, "least_salt": float(np.min(rows["salt"]))},
        )
