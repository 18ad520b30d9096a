"""Where a run stands: one frozen state, replaced after each time step, and the rows that it leaves behind."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class State:
    """Where a run stands between two time steps; what the voxels hold is in `Equations`.

    Attributes
    ----------
    action : int
        The action under way, counted from 0.
    first : int
        First row of the action.
    rows : int
        Rows so far.
    time : float
        s, from the start of the protocol.
    passed, passed_before : float
        Charge that has passed, now and one time step ago, A s/m2; positive charges.
    absolute : float
        Charge that has passed in either direction, A s/m2.
    last : float or None
        The last time step, s; None at the start of an action, where the backward formula is of first order.
    next : float
        The time step to try next, s.
    start : (float, float)
        Time and charge passed at the start of the action.
    time_steps, newton, linear : int
        Counts of accepted time steps and of all iterations.
    seconds : float
        Computing time of the action before the last interruption.
    lithium : float
        Charge of the active material's lithium at the start, less what the first charge has lost, A s/m2.
    lithium_error, current_error : float
        Largest relative differences so far: of lithium and charge, and of the two currents.
    """

    action: int = 0
    first: int = 0
    rows: int = 0
    time: float = 0.0
    passed: float = 0.0
    passed_before: float = 0.0
    absolute: float = 0.0
    last: float | None = None
    next: float = 0.0
    start: tuple[float, float] = (0.0, 0.0)
    time_steps: int = 0
    newton: int = 0
    linear: int = 0
    seconds: float = 0.0
    lithium: float = 0.0
    lithium_error: float = 0.0
    current_error: float = 0.0

    @property
    def is_first(self) -> bool:
        """Whether the action has no time step yet."""
        return self.rows == self.first

    @property
    def is_fresh(self) -> bool:
        """Whether the action has not been started."""
        return self.last is None and self.is_first

    @property
    def moved(self) -> float:
        """Charge that has passed in the action, A s/m2; not negative."""
        return abs(self.passed - self.start[1])


@dataclass(frozen=True)
class Row:
    """What is kept of a time step; units as in `solidstack.twin.results.Run`."""

    time: float
    voltage: float
    current: float
    passed: float
    stoichiometry: float
    temperature: float
    split: dict[str, float]
    contents: NDArray[np.float64]
    reaction: NDArray[np.float64]
