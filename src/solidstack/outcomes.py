"""How a piece of work ended: a value that a program can test, with words for people beside it."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a step of a protocol, a run of it, or a solver ended."""

    COMPLETE = "complete"
    """All that was asked for is done; of a solver: it converged."""
    VOLTAGE = "voltage"
    """A voltage limit was reached."""
    TIME = "time"
    """A time limit was reached."""
    CAPACITY = "capacity"
    """A capacity limit was reached."""
    CURRENT = "current"
    """A current limit was reached."""
    DEPLETED = "depleted"
    """The salt is used up somewhere in the electrolyte."""
    SATURATED = "saturated"
    """The active material is full or empty at its surface."""
    DISCONNECTED = "disconnected"
    """Nothing conducts from one side to the other, or no active material is within reach of ions and electrons."""
    NO_SOLUTION = "no solution"
    """The equations could not be solved."""
    INTERRUPTED = "interrupted"
    """Someone asked to stop."""


@dataclass(frozen=True)
class End:
    """How and why something ended.

    Attributes
    ----------
    outcome : Outcome
        What programs decide by.
    reason : str
        What people read.

    Examples
    --------
    >>> end = End(Outcome.VOLTAGE, "reached 2.7 V")
    >>> end.outcome == "voltage", str(end)
    (True, 'reached 2.7 V')
    """

    outcome: Outcome
    reason: str

    def __str__(self) -> str:
        return self.reason
