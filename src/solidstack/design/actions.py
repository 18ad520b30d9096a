"""What a solver does one after the other: the steps of a protocol without repetitions, and how each ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..outcomes import End, Outcome
from .rate import Rate

Limit = Literal["voltage", "current", "capacity", "time"]


@dataclass(frozen=True)
class Action:
    """One thing that a solver does: a step of a protocol without repetitions.

    Attributes
    ----------
    kind : str
        charge, discharge, hold or rest.
    where : str
        Its place in the protocol, as in ``steps.2``, ``steps.4, pulse 3`` or ``steps.0, cycle 2`` (steps are
        counted from 0 as in the keys of a design, pulses and cycles from 1).
    rate : Rate or None
        Of a charge or discharge.
    voltage : float or None
        Of a hold, V.
    voltage_limit : float or None
        A charge ends at or above it, a discharge at or below, V.
    current_limit : Rate or None
        A hold ends when the current, of either sign, is at or below it.
    time_limit : float or None
        s.
    capacity_limit : float or None
        Charge in this action per mass of active material, A s/kg.
    temperature : float or None
        K; None: the design's.
    train : int
        Number that the actions of one step of the protocol share; see `following`.
    """

    kind: Literal["charge", "discharge", "hold", "rest"]
    where: str
    rate: Rate | None = None
    voltage: float | None = None
    voltage_limit: float | None = None
    current_limit: Rate | None = None
    time_limit: float | None = None
    capacity_limit: float | None = None
    temperature: float | None = None
    train: int = 0

    @property
    def sign(self) -> float:
        """Sign of the current: 1 charges, -1 discharges; 0 where the kind does not say."""
        return {"charge": 1.0, "discharge": -1.0}.get(self.kind, 0.0)

    def ended(self, limit: Limit) -> End:
        """Return the end of an action that reached one of its limits.

        Examples
        --------
        >>> end = Action("charge", "steps.0", voltage_limit=4.3, time_limit=1200.0).ended("time")
        >>> end.outcome.value, end.reason
        ('time', 'time over (20 min)')
        """
        match limit:
            case "voltage":
                return End(Outcome.VOLTAGE, f"reached {self.voltage_limit:g} V")
            case "current":
                return End(Outcome.CURRENT, f"reached {self.current_limit}")
            case "capacity":
                assert self.capacity_limit is not None
                return End(Outcome.CAPACITY, f"reached {self.capacity_limit / 3600.0:g} mAh/g")
            case "time":
                assert self.time_limit is not None
                return End(Outcome.TIME, f"time over ({_duration(self.time_limit)})")

    def already_beyond(self, voltage: float) -> End:
        """Return the end of an action that did nothing, because its first voltage is beyond the limit already."""
        return End(
            Outcome.VOLTAGE,
            f"the first instant is already at {voltage:.4g} V, beyond the limit of {self.voltage_limit:g} V",
        )


def _duration(seconds: float) -> str:
    for unit, factor in (("h", 3600.0), ("min", 60.0)):
        if seconds >= factor:
            return f"{seconds / factor:.4g} {unit}"
    return f"{seconds:.4g} s"


def following(actions: Sequence[Action], index: int, *, at_voltage: bool) -> int:
    """Return the index of the action that comes next.

    Parameters
    ----------
    actions : sequence of Action
    index : int
        Of the action that has ended.
    at_voltage : bool
        Whether it ended at its voltage limit: a pulse that does is the last one of its train, so that the rests and
        pulses behind it are left out.

    Returns
    -------
    int
        An index; ``len(actions)`` at the end.
    """
    after = index + 1
    while at_voltage and after < len(actions) and actions[after].train == actions[index].train:
        after += 1
    return after


def first_charge(actions: Sequence[Action]) -> int:
    """Return the number of actions, from the first one on, that make up the first charge.

    It lasts until something discharges; rests and holds on the way belong to it. 0 where nothing charges before.
    """
    until = next((index for index, action in enumerate(actions) if action.sign < 0.0), len(actions))
    return until if any(action.sign > 0.0 for action in actions[:until]) else 0
