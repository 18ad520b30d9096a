r"""Time steps: the second-order backward formula with steps that adapt to the error.

.. math::

    \partial_t c \approx \frac{1}{\tau} \left[ \frac{1 + 2r}{1 + r} c - (1 + r) c_1 + \frac{r^2}{1 + r} c_2 \right],
    \quad r = \tau / \tau_1

of first order in the first step after a change of current, where no second state is smooth enough to lean on.
"""

import math
from dataclasses import dataclass, replace

from .equations import Equations, Solution
from .state import State

CONTENT_ACCURACY = 4e-3
"""Distance of the contents (root mean square) from their extrapolation that a time step may have."""
VOLTAGE_ACCURACY = 20e-3
"""V, likewise for the voltage."""
RELATIVE_ACCURACY = 0.02
"""Distance from the extrapolation over the size of a signal: what a hold, a rest or a pulse has changed so far."""
LEAST_VOLTAGE = 2e-4
"""V, and"""
LEAST_CONTENT = 1e-5
"""of the stoichiometry: size of a signal at its beginning."""
FIRST_STEP = 2e-5
"""Of the stoichiometry, at the current's start or change."""
LARGEST_STEP = 0.02
"""Of the stoichiometry."""
FIRST_REST = 1e-2
"""s, first step of a rest or a hold."""
GROWTH = 2.0
LEAST_STEP = 1e-7
"""s."""
LEAST_CURRENT = 1e-3
"""C-rate to which the residual of the equations is related at smaller currents."""


@dataclass(frozen=True)
class Control:
    """What is applied: a current, A/m2 (positive charges), or a voltage, V."""

    current: float | None = None
    voltage: float | None = None


@dataclass(frozen=True)
class Trial:
    """A time step that was tried.

    Attributes
    ----------
    step : float
        s.
    solution : Solution or None
        None where no step could be solved.
    newton, linear : int
        Iterations, those of earlier tries of the same step included.
    """

    step: float
    solution: Solution | None
    newton: int = 0
    linear: int = 0

    @property
    def failed(self) -> "Trial":
        """The same without a solution."""
        return replace(self, solution=None)


@dataclass(frozen=True)
class Signal:
    """How much an action of small amplitude has changed so far.

    Attributes
    ----------
    voltage : float
        Since its first time step, V; infinite where it is given.
    content : float
        Mean, of the stoichiometry; infinite where the current is given.
    """

    voltage: float
    content: float


class Stepper:
    """Solves time steps of one domain.

    Parameters
    ----------
    equations : Equations
    accuracy : float
        Factor on the allowed error.
    sites : float
        Charge of all sites that are connected, per area, A s/m2.
    least : float
        Current to which residuals are related at least, A/m2.
    """

    def __init__(self, equations: Equations, accuracy: float, sites: float, least: float) -> None:
        self.equations, self.accuracy, self.sites, self.least = equations, accuracy, sites, least
        self.signal: Signal | None = None

    @property
    def allowed(self) -> tuple[float, float]:
        """Distances of contents and voltage (V) from their extrapolation that a time step may have."""
        content, voltage = CONTENT_ACCURACY, VOLTAGE_ACCURACY
        if self.signal is not None:
            content = min(content, RELATIVE_ACCURACY * max(self.signal.content, LEAST_CONTENT))
            voltage = min(voltage, RELATIVE_ACCURACY * max(self.signal.voltage, LEAST_VOLTAGE))
        return content * self.accuracy, voltage * self.accuracy

    def weights(self, state: State, step: float) -> tuple[tuple[float, float, float], float]:
        """Weights of the backward formula, 1/s, and the ratio to the last step (0: first order, no extrapolation)."""
        if state.last is None:
            return (1.0 / step, -1.0 / step, 0.0), 0.0
        ratio = step / state.last
        return (
            (1.0 + 2.0 * ratio) / (1.0 + ratio) / step,
            -(1.0 + ratio) / step,
            ratio**2 / (1.0 + ratio) / step,
        ), ratio

    def attempt(self, state: State, step: float, control: Control, before: Trial | None = None) -> Trial:
        """Solve one time step of this length; iterations of an earlier trial are counted on."""
        weights, ratio = self.weights(state, step)
        self.equations.predict(ratio)
        solution = self.equations.solve(
            weights, current=control.current, voltage=control.voltage, least_current=self.least
        )
        newton, linear = (0, 0) if before is None else (before.newton, before.linear)
        return Trial(step, solution, newton + solution.newton, linear + solution.linear)

    def advance(self, state: State, step: float, control: Control) -> Trial:
        """Solve one time step, a shorter one where it fails or is not accurate; without a solution at the least."""
        trial: Trial | None = None
        while step >= LEAST_STEP:
            trial = self.attempt(state, step, control, trial)
            assert trial.solution is not None
            if not trial.solution.converged:
                step *= 0.25
                continue
            error = self.error(state, step)
            if error > 4.0 and step > 1e3 * LEAST_STEP and state.last is not None:
                step *= max(0.2, 0.9 / math.sqrt(error))
                continue
            return trial
        return Trial(step, None) if trial is None else trial.failed

    def error(self, state: State, step: float) -> float:
        """Distance of the voxels' state from its extrapolation, relative to what is allowed.

        A time step goes with its root.
        """
        if state.last is None:
            return 1e-6 if state.is_first else 0.25
        equations = self.equations
        ratio = step / state.last
        content, voltage = self.allowed
        guess = equations.plate1 + ratio * (equations.plate1 - equations.plate2)
        return max(equations.deviation(ratio) / content, abs(equations.plate - guess) / voltage)

    def passed(self, state: State, trial: Trial) -> float:
        """Charge that has passed at the end of a time step, by the formula that the contents follow, A s/m2."""
        assert trial.solution is not None
        weights, _ = self.weights(state, trial.step)
        return (trial.solution.interface - weights[1] * state.passed - weights[2] * state.passed_before) / weights[0]

    def first(self, current: float | None) -> float:
        """First time step of an action, s."""
        if not current:
            return FIRST_REST
        return FIRST_STEP * self.sites / abs(current)

    def following(self, trial: Trial, error: float) -> float:
        """Time step to try after one that was accepted with this error, s."""
        assert trial.solution is not None
        growth = min(GROWTH, max(0.3, 0.9 / math.sqrt(max(error, 1e-6))))
        largest = LARGEST_STEP * math.sqrt(self.accuracy) * self.sites / max(abs(trial.solution.current), self.least)
        return min(trial.step * growth, largest)
