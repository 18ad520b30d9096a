"""Charges and discharges of a record: half cycles cut by the sign of the current, and cycles of two."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .records import CHARGING_CAPACITY, CYCLE, DISCHARGING_CAPACITY, Record
from .signal import Floats, Indices, Signal, signal

BLIP = 5e-3
"""Share of the charge around it below which current of the other sign is a pulse, not a half cycle."""
CUT_OFF = 0.05
"""Share of the voltage window by which the last half cycle may miss the end of the others."""
STEADY_CURRENT = 0.2
"""Relative change of the current up to which a jump of the voltage is not caused by the current."""
BREAKDOWN = 0.25
"""Share of the range of voltage by which it jumps against the current where a cell breaks down."""
NAN = float("nan")


@dataclass(frozen=True, eq=False)
class HalfCycle:
    """A charge or a discharge: all current of one sign until that of the other begins, rests between left out.

    Attributes
    ----------
    kind : str
        ``charge`` or ``discharge``.
    capacity : array, shape (n,)
        Charge since its beginning, A s: from 0, not falling.
    voltage : array, shape (n,)
        V.
    duration : float
        Time under current, s.
    current : float
        Mean over that time, A; below 0 of a discharge.
    amperes : array, shape (n,)
        Current of each point, A.
    first, last : int
        Rows of the record.
    slack : float
        By how much the charge may be wrong for the intervals between points, A s.
    gap : float
        Part of the charge that is half of what may have flowed between the switch and the first point, A s.
    counter : float
        The instrument's own capacity, A s; nan where it has none.
    cycle : float
        The instrument's number of the cycle; nan where it has none.
    breakdown : (float, float, float), or None
        Where the voltage jumped against the current from one point to the next: charge, A s, and both voltages.
    """

    kind: str
    capacity: Floats
    voltage: Floats
    duration: float
    current: float
    amperes: Floats
    first: int = 0
    last: int = 0
    slack: float = 0.0
    gap: float = 0.0
    counter: float = NAN
    cycle: float = NAN
    breakdown: tuple[float, float, float] | None = None

    @property
    def charge(self) -> float:
        """Capacity at its end, A s."""
        return float(self.capacity[-1])

    @property
    def energy(self) -> float:
        """Integral of the voltage over the charge, J."""
        return float(np.trapezoid(self.voltage, self.capacity))

    @property
    def mean_voltage(self) -> float:
        """Energy over charge, V."""
        return self.energy / self.charge if self.charge > 0.0 else NAN

    @property
    def hold_begin(self) -> int:
        """Point from which the voltage is held at its end while the current falls; the number of points if never."""
        near = np.abs(self.voltage - self.voltage[-1]) <= 1.5e-3
        away = np.flatnonzero(~near)
        begin = int(away[-1]) + 1 if len(away) else 0
        falls = abs(self.amperes[-1]) < 0.9 * abs(self.amperes[min(begin, len(self.amperes) - 1)])
        return begin if falls else len(self.voltage)


def half_cycles(record: Record) -> list[HalfCycle]:
    """Cut a record into charges and discharges by the sign of its current.

    Rests and the tail at constant voltage belong to their half cycle. Pulses of the other sign of less than
    `BLIP` of the charge around them are left out.

    Parameters
    ----------
    record : Record
        With time, voltage and current.

    Returns
    -------
    list of HalfCycle
        In order of time.

    Raises
    ------
    MeasurementError
        Another technique, a missing column, no current, time that goes back.

    Examples
    --------
    >>> from solidstack.measure.records import CURRENT, TIME, VOLTAGE, record
    >>> columns = {TIME: [0, 10, 20, 20, 30, 40], VOLTAGE: [3, 4, 5, 4, 3, 2.0], CURRENT: [1, 1, 1, -1, -1, -1.0]}
    >>> [(half.kind, half.charge, half.mean_voltage) for half in half_cycles(record(columns))]
    [('charge', 20.0, 4.0), ('discharge', 20.0, 3.0)]
    """
    return cut(record, signal(record, "cycling"))[0]


def cut(record: Record, signal: Signal) -> tuple[list[HalfCycle], int]:
    """Half cycles, and how many short pulses were left out."""
    (passed, gaps), sign = signal.charge(), signal.sign
    edges = np.flatnonzero(np.diff(sign)) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(sign)]])
    under = sign[starts] != 0
    starts, ends = starts[under], ends[under]
    size = np.abs(np.add.reduceat(passed, np.column_stack([starts, ends]).ravel()[: 2 * len(starts) - 1])[::2])
    groups, blips = _grouped(sign[starts], size, ends - starts)
    counters, counted = _counters(record, signal), _numbers(record, signal)
    halves = [_half(signal, passed, gaps, starts[half], ends[half], counters, counted) for half in groups]
    return [half for half in halves if half.charge > 0.0], blips


def _grouped(sign: NDArray[np.int8], size: Floats, points: Indices) -> tuple[list[Indices], int]:
    """Runs of each half cycle: neighbours of one sign together, without short pulses between."""
    kept = np.flatnonzero((points > 1) & (size > 0.0))
    blips = 0
    while len(kept):
        begin = np.flatnonzero(np.concatenate([[True], sign[kept][1:] != sign[kept][:-1]]))
        charge = np.add.reduceat(size[kept], begin)
        around = np.maximum(np.concatenate([[0.0], charge[:-1]]), np.concatenate([charge[1:], [0.0]]))
        small = charge < BLIP * around
        if not small.any():
            return np.split(kept, begin[1:]), blips
        blips += int(small.sum())
        kept = kept[~np.repeat(small, np.diff(np.concatenate([begin, [len(kept)]])))]
    return [], blips


def _half(
    signal: Signal,
    passed: Floats,
    gaps: Floats,
    starts: Indices,
    ends: Indices,
    counters: list[Any],
    counted: Floats | None,
) -> HalfCycle:
    at = np.concatenate([np.arange(start, end) for start, end in zip(starts, ends, strict=True)])
    sign = float(signal.sign[at[0]])
    charge = sign * passed[at]
    capacity, voltage, amperes = np.cumsum(charge), signal.voltage[at], signal.current[at]
    if charge[0] > 0.0:
        # the interval before the first point is of its voltage
        capacity, voltage, amperes = (
            np.concatenate([head, values])
            for head, values in (([0.0], capacity), (voltage[:1], voltage), (amperes[:1], amperes))
        )
    time = signal.time
    dt = np.where(charge > 0.0, time[at] - time[np.maximum(at - 1, 0)], 0.0)
    between = np.abs(gaps[at])
    duration = float(np.where(between > 0.0, 0.5 * dt, dt).sum())
    first, last = int(at[0]), int(at[-1])
    total = float(capacity[-1])
    counter = NAN
    for cumulative, only in counters:
        if only in (0.0, sign):
            before = cumulative[first - 1] if first and charge[0] > 0.0 else cumulative[first]
            counter = abs(float(cumulative[last] - before))
    return HalfCycle(
        kind="charge" if sign > 0.0 else "discharge",
        capacity=capacity,
        voltage=voltage,
        duration=duration,
        current=sign * total / duration if duration > 0.0 else NAN,
        amperes=amperes,
        first=int(signal.rows[first]),
        last=int(signal.rows[last]),
        slack=_slack(signal, starts, ends, dt, between),
        gap=float(between.sum()),
        counter=counter,
        cycle=float(counted[first + (last - first) // 2]) if counted is not None else NAN,
        breakdown=_breakdown(signal, at, np.cumsum(charge)),
    )


def _breakdown(signal: Signal, at: Indices, capacity: Floats) -> tuple[float, float, float] | None:
    """The largest jump of the voltage against a steady current, where it is a large part of the range."""
    voltage, current = signal.voltage[at], signal.current[at]
    if len(at) < 3:
        return None
    steady = (np.diff(at) == 1) & (np.abs(np.diff(current)) <= STEADY_CURRENT * np.abs(current[1:]))
    jump = np.where(steady, -np.sign(current[1:]) * np.diff(voltage), 0.0)
    worst = int(np.argmax(jump))
    if jump[worst] <= max(BREAKDOWN * float(np.ptp(voltage)), 0.05):
        return None
    return float(capacity[worst]), float(voltage[worst]), float(voltage[worst + 1])


def _slack(signal: Signal, starts: Indices, ends: Indices, dt: Floats, between: Floats) -> float:
    """Charge that the points leave open: steps of the current, and the intervals in which it was switched."""
    time, current = signal.time, signal.current
    total = float(between.sum())
    for start, end in zip(starts, ends, strict=True):
        total += 0.5 * abs(float(np.diff(current[start:end]) @ np.diff(time[start:end])))
    usual = float(np.median(dt[dt > 0.0])) if np.any(dt > 0.0) else 0.0
    for row, place in ((int(starts[0]), -1), (int(ends[-1]) - 1, 1)):
        other = row + place
        if 0 <= other < len(time) and not (place < 0 and between[0] > 0.0):
            # an interval that is counted is wrong by a half of it at most as a rule, one that is not by all of it
            share = 1.0 if place < 0 and dt[0] == 0.0 else 0.5
            total += share * min(abs(float(time[other] - time[row])), usual) * abs(float(current[row]))
    return total


def _counters(record: Record, signal: Signal) -> list[Any]:
    """Capacity as the instrument counted it, A s, without its resets, and of which sign of current (0: of both)."""
    counters: list[Any] = []
    for name, sign in ((CHARGING_CAPACITY, 1.0), (DISCHARGING_CAPACITY, -1.0)):
        if record.has(name):
            values = np.abs(np.nan_to_num(record.values(name)[signal.rows])) * 3600.0
            step = np.diff(values, prepend=values[:1])
            counters.append((np.cumsum(np.where(step < 0.0, values, step)), sign))
    if counters:
        return counters
    for name in map(str, record.table.columns):
        match = re.fullmatch(r"\(?Q-Qo\)?/(mA\.h|C)", name)
        if match and record.has(name):
            factor = 3.6 if match[1] == "mA.h" else 1.0
            return [(np.nan_to_num(record.values(name)[signal.rows]) * factor, 0.0)]
    return []


def _numbers(record: Record, signal: Signal) -> Floats | None:
    """The instrument's numbers of the cycles."""
    if not record.has(CYCLE):
        return None
    values = record.values(CYCLE)[signal.rows]
    return values if np.isfinite(values).all() else None


@dataclass(frozen=True, eq=False)
class Cycle:
    """A charge and a discharge that belong together, or one of them.

    Attributes
    ----------
    number : int
    halves : tuple of HalfCycle
        In order of time; one or two.
    complete : bool
        Whether it has both, and the last one ended where the others do.
    """

    number: int
    halves: tuple[HalfCycle, ...]
    complete: bool

    def of(self, kind: str) -> HalfCycle | None:
        """Its charge or its discharge."""
        return next((half for half in self.halves if half.kind == kind), None)

    @property
    def efficiency(self) -> float:
        """Charge of the second half cycle over that of the first; nan unless complete."""
        return self.halves[1].charge / self.halves[0].charge if self.complete else NAN

    @property
    def energy_efficiency(self) -> float:
        """Energy of the discharge over that of the charge; nan unless complete."""
        charge, discharge = self.of("charge"), self.of("discharge")
        if not self.complete or charge is None or discharge is None or charge.energy <= 0.0:
            return NAN
        return discharge.energy / charge.energy


def pair_cycles(halves: list[HalfCycle], warnings: list[str]) -> list[Cycle]:
    """Half cycles in pairs, by the instrument's numbers where those fit the current."""
    numbers = [half.cycle for half in halves]
    pairs: list[tuple[int, tuple[HalfCycle, ...]]] = []
    if all(np.isfinite(numbers)):
        by_number: dict[int, list[HalfCycle]] = {}
        for half in halves:
            by_number.setdefault(int(half.cycle), []).append(half)
        wrong = next((number for number, group in by_number.items() if len(group) > 2), None)
        if wrong is None and list(by_number) == sorted(by_number) and not _all_single(by_number):
            pairs = [(number, tuple(group)) for number, group in by_number.items()]
        elif wrong is not None:
            warnings.append(
                f"the file's cycle number {wrong} has {len(by_number[wrong])} half cycles by the sign of the current; "
                "cycles are counted from the current instead"
            )
        else:
            warnings.append(
                "the file's cycle numbers do not have a charge and a discharge each; counted from the current"
            )
    if not pairs:
        pairs = [(at, pair) for at, pair in enumerate(_paired(halves), 1)]
    unfinished = _unfinished(halves)
    return [
        Cycle(number, pair, len(pair) == 2 and not (unfinished and pair[-1] is halves[-1])) for number, pair in pairs
    ]


def _all_single(by_number: dict[int, list[HalfCycle]]) -> bool:
    """Whether the instrument counts half cycles."""
    return len(by_number) > 2 and all(len(group) == 1 for group in by_number.values())


def _paired(halves: list[HalfCycle]) -> list[tuple[HalfCycle, ...]]:
    """Pairs in order; a short discharge before the first charge stands alone (a cell that comes partly charged)."""
    alone = int(len(halves) > 2 and halves[0].kind == "discharge" and halves[0].charge < 0.5 * halves[1].charge)
    pairs: list[tuple[HalfCycle, ...]] = [(halves[0],)] if alone else []
    return pairs + [tuple(halves[at : at + 2]) for at in range(alone, len(halves), 2)]


def _unfinished(halves: list[HalfCycle]) -> bool:
    """Whether the last half cycle stopped before the voltage at which the others of its kind end."""
    last = halves[-1]
    earlier = [half for half in halves[:-1] if half.kind == last.kind]
    if not earlier:
        return False
    ends = np.array([half.voltage[-1] for half in earlier])
    window = max(float(np.ptp(half.voltage)) for half in halves)
    short = float(np.median(ends)) - float(last.voltage[-1])
    if last.kind == "discharge":
        short = -short
    return short > CUT_OFF * window and last.charge < float(np.median([half.charge for half in earlier]))


def relative_uncertainty(half: HalfCycle) -> float:
    """Half the interval of its charge over the charge."""
    apart = abs(half.counter - half.charge) if np.isfinite(half.counter) else 0.0
    return max(half.slack, apart) / half.charge


def joint_uncertainty(*halves: HalfCycle) -> float:
    """Half the relative interval of a ratio of charges."""
    return float(np.sqrt(sum(relative_uncertainty(half) ** 2 for half in halves)))
