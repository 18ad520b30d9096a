"""Limits of an action, and the time step that ends where one is reached."""

import math
from dataclasses import dataclass

from ...design import Action
from .equations import Solution
from .state import Row, State
from .stepping import Control, Stepper, Trial

EVENT_ACCURACY = 2e-4
"""V, at a voltage limit."""
CURRENT_ACCURACY = 0.01
"""Relative, at a current limit."""
CAPACITY_ACCURACY = 1e-5
"""Relative, at the capacity limit of a hold."""
MOST_TRIALS = 12


@dataclass(frozen=True)
class Locator:
    """Finds where the limits of one action are reached.

    Attributes
    ----------
    stepper : Stepper
    action : Action
    loading : float
        Active material per area, kg/m2.
    one_c : float
        Current per mass of active material at 1C, A/kg.
    """

    stepper: Stepper
    action: Action
    loading: float
    one_c: float

    @property
    def current_limit(self) -> float:
        """A/m2."""
        assert self.action.current_limit is not None
        return self.action.current_limit.current_density(self.loading, self.one_c)

    @property
    def capacity_limit(self) -> float:
        """Charge in this action, A s/m2; infinite without a limit."""
        return math.inf if self.action.capacity_limit is None else self.action.capacity_limit * self.loading

    def time_left(self, state: State) -> float:
        """Until the time limit, s; 0 where it is reached, infinite without one."""
        limit = self.action.time_limit
        if limit is None:
            return math.inf
        left = limit - (state.time - state.start[0])
        return 0.0 if left <= 1e-9 * max(1.0, limit or 0.0) else left

    def charge_left(self, state: State) -> float:
        """Until the capacity limit, A s/m2; 0 where it is reached, infinite without one."""
        left = self.capacity_limit - state.moved
        return 0.0 if math.isfinite(left) and left <= 1e-9 * self.capacity_limit else left

    def beyond(self, solution: Solution) -> float | None:
        """How far the state is beyond the limit that ends the action: V, or a ratio; None without one."""
        if self.action.voltage_limit is not None:
            return self.action.sign * (self.stepper.equations.plate - self.action.voltage_limit)
        if self.action.current_limit is not None:
            limit = self.current_limit
            return math.log(limit / max(abs(solution.interface), 1e-12 * limit))
        return None

    def _beyond_before(self, row: Row) -> float:
        """How far the state was beyond the limit at the last row."""
        if self.action.voltage_limit is not None:
            return self.action.sign * (row.voltage - self.action.voltage_limit)
        return math.log(self.current_limit / max(abs(row.current), 1e-300))

    def locate(self, state: State, trial: Trial, control: Control, row: Row) -> Trial:
        """Find the time step at whose end the limit is reached (Illinois variant of the false position).

        Parameters
        ----------
        state : State
            Before the step.
        trial : Trial
            A step that ends beyond the limit.
        control : Control
        row : Row
            The last one, within the limit.
        """
        assert trial.solution is not None
        width = EVENT_ACCURACY if self.action.kind != "hold" else CURRENT_ACCURACY
        step, best = trial.step, trial
        low, high = 0.0, step
        at_high = float(self.beyond(trial.solution) or 0.0)
        at_low = self._beyond_before(row)
        side = 0
        for _ in range(MOST_TRIALS):
            if abs(at_high) <= width or high - low < 1e-6 * step:
                break
            middle = (low * at_high - high * at_low) / (at_high - at_low)
            middle = min(max(middle, low + 0.02 * (high - low)), high - 0.02 * (high - low))
            best = self.stepper.attempt(state, middle, control, best)
            assert best.solution is not None
            if not best.solution.converged:
                return best.failed
            value = float(self.beyond(best.solution) or 0.0)
            if abs(value) <= width:
                return best
            if value > 0.0:
                high, at_high = middle, value
                at_low *= 0.5 if side > 0 else 1.0
                side = 1
            else:
                low, at_low = middle, value
                at_high *= 0.5 if side < 0 else 1.0
                side = -1
        return self.stepper.attempt(state, high, control, best)

    def to_capacity(self, state: State, trial: Trial, control: Control) -> Trial:
        """Shorten the step of a hold that goes beyond its capacity limit until it ends there."""
        limit = self.capacity_limit
        before = state.moved
        for _ in range(MOST_TRIALS):
            after = abs(self.stepper.passed(state, trial) - state.start[1])
            if after <= (1.0 + CAPACITY_ACCURACY) * limit:
                break
            step = trial.step * ((limit - before) / (after - before))
            trial = self.stepper.attempt(state, step, control, trial)
            assert trial.solution is not None
            if not trial.solution.converged:
                return trial.failed
        return trial
