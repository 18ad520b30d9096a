"""Cycling of a cell: capacities, efficiencies, mean voltages, differential capacity, loss per cycle."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ..errors import MeasurementError
from ..units import (
    FRACTION,
    HOUR,
    MA,
    MAH,
    MAH_CM2,
    MAH_G,
    MAH_V,
    MASS,
    MV,
    MWH,
    PERCENT,
    SPECIFIC_CAPACITY,
    VOLTAGE,
    WH_KG,
    Unit,
    V,
    text,
)
from .records import CHARGING_CAPACITY, CURRENT, CYCLE, DISCHARGING_CAPACITY, STEP, TIME, Record
from .records import VOLTAGE as POTENTIAL
from .result import Fitted, Property, Result, Series
from .statistics import interval, line

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

RESTING = 1e-3
"""Share of the largest current up to which a cell is at rest: offsets of instruments are of that size."""
LONGEST, HIGHEST, STRONGEST = 1e11, 1e3, 1e4
"""s, V, A: beyond these no cell is."""
SHORTEST, WEAKEST = 1e-6, 1e-15
"""s, A: below these nothing is measured."""
SMALL = 2e-2
"""Share of the largest current in which the noise of a resting one is looked for."""
BLIP = 5e-3
"""Share of the charge around it below which current of the other sign is a pulse and no half cycle."""
EDGE = 2.0
"""A first point under current that is at most this many intervals after the switch stands for its interval."""
UNSEEN = 0.2
"""Share of the time under current above which a gap before it is rest that was not recorded."""
UNSETTLED = 5e-3
"""Share of its charge that lies in gaps from which a half cycle is told."""
AGAINST = 0.02
"""Share of the voltage window by which a half cycle moves against its current where its sign may be reversed."""
COUNTER = 0.01
"""Relative difference to the instrument's own capacity from which it is told."""
SAME_RATE = 0.1
"""Relative difference of currents up to which cycles are of one rate."""
CUT_OFF = 0.05
"""Share of the voltage window by which the last half cycle may miss the end of the others."""
STEADY = 0.2
"""Relative change of the current up to which a jump of the voltage is not of the current's making."""
BREAKDOWN = 0.25
"""Share of the range of voltage by which it jumps against the current where a cell breaks down."""
GRID = 250
"""Voltage steps of the differential capacity."""
SMOOTHED, WIDEST = 25.0, 3.0
"""Width of its smoothing over the noise of the voltage; at least one step of the grid, and this many at most."""
OUTSTANDING = 6.0
"""Prominence of a peak over the noise of the differential capacity."""
PROMINENCE = 0.05
"""Of a peak in the differential capacity, as a share of the largest value."""
BLOCKS = 4000
"""Points that a half cycle is averaged to before its differential capacity is taken."""
NAN = float("nan")
NOT_CYCLING = {
    "impedance": "eis",
    "linear-sweep": "lsv",
    "cyclic-voltammetry": "cv",
}
"""Techniques that have a current, but another analysis."""


@dataclass(frozen=True, eq=False)
class Signal:
    """Time, voltage and current of a record without what cannot be used.

    Attributes
    ----------
    time, voltage, current : array, shape (n,)
        s (not falling), V, A (positive where the cell is charged).
    rows : array, shape (n,)
        Row of the record that each point is.
    sign : array, shape (n,)
        1 where the cell is charged, -1 where it is discharged, 0 at rest.
    resting : float
        Current up to which it is at rest, A.
    warnings : tuple of str
    """

    time: Floats
    voltage: Floats
    current: Floats
    rows: Indices
    sign: NDArray[np.int8]
    resting: float
    warnings: tuple[str, ...]

    def charge(self) -> tuple[Floats, Floats]:
        """Charge that came with each point since the one before, A s, 0 at rest, and that in gaps; shape (n,).

        Trapezoids within a run of one sign. The first point of a run stands for the interval before it (instruments
        write a point at the end of a step), unless that is longer than the next interval by far. Then the current
        may have flowed in all of that gap or in nothing of it: half is counted, which is what the second array has. A
        gap like the intervals of the rest before it is of that rest, and one that is a large part of the run is a rest
        that was not recorded.
        """
        dt = np.diff(self.time)
        same = (self.sign[1:] == self.sign[:-1]) & (self.sign[1:] != 0)
        passed, gaps = np.zeros(len(self.time)), np.zeros(len(self.time))
        np.multiply(0.5 * (self.current[1:] + self.current[:-1]), dt, out=passed[1:], where=same)
        begin = np.flatnonzero(~same & (self.sign[1:] != 0)) + 1
        begin = begin[begin < len(self.time) - 1]
        begin = begin[same[begin]]
        short = dt[begin - 1] <= EDGE * dt[begin]
        passed[begin[short]] = self.current[begin[short]] * dt[begin[short] - 1]
        # a single point at rest before does not tell the intervals of its rest
        resting = (self.sign[begin - 1] == 0) & (self.sign[begin - 2] == 0) & (begin > 1)
        begin = begin[~short & ~(resting & (dt[begin - 1] <= EDGE * dt[begin - 2]))]
        edges = np.append(np.flatnonzero(np.diff(self.sign)), len(self.time) - 1)
        run = self.time[edges[np.searchsorted(edges, begin)]] - self.time[begin]
        begin = begin[dt[begin - 1] <= UNSEEN * run]
        gaps[begin] = 0.5 * self.current[begin] * dt[begin - 1]
        passed[begin] = gaps[begin]
        return passed, gaps


def signal(record: Record, analysis: str) -> Signal:
    """Take time, voltage and current of a record under current.

    Parameters
    ----------
    record : Record
    analysis : str
        Its name, for the words of errors.

    Raises
    ------
    MeasurementError
        Another technique, a column that lacks, no current at all, or time that goes back.
    """
    if record.technique in NOT_CYCLING:
        msg = (
            f"is a measurement of {record.technique.replace('-', ' ')}; {analysis} is of cells under constant current. "
            f"Take it with solidstack measure {NOT_CYCLING[record.technique]}"
        )
        raise MeasurementError(msg, source=record.source)
    record.require(TIME, POTENTIAL, CURRENT)
    time, voltage, current = (record.values(name) for name in (TIME, POTENTIAL, CURRENT))
    said = []
    # comparisons are false where there is no number
    good = (np.abs(time) <= LONGEST) & (np.abs(voltage) <= HIGHEST) & (np.abs(current) <= STRONGEST)
    if not good.all():
        count = int(np.sum(~good))
        said.append(f"{count} row{'s' if count > 1 else ''} without a time, voltage and current of a cell left out")
    rows = np.flatnonzero(good)
    time, voltage, current = time[rows], voltage[rows], current[rows]
    again = (np.diff(time) == 0.0) & (np.diff(voltage) == 0.0) & (np.diff(current) == 0.0)
    if again.any():
        count = int(again.sum())
        said.append(f"{count} row{'s' if count > 1 else ''} left out that the row before already is")
        kept = np.concatenate([[True], ~again])
        rows, time, voltage, current = rows[kept], time[kept], voltage[kept], current[kept]
    time = _forward(record, rows, time, said)
    if len(time) < 2 or not time[-1] - time[0] > SHORTEST:
        msg = f"has {len(time)} points with time, voltage and current, which cover no time; take the whole file"
        raise MeasurementError(msg, source=record.source)
    size = np.abs(current)
    # a single point can be a spike of switching: the largest of two neighbours counts
    largest = float(np.minimum(size[1:], size[:-1]).max()) if len(size) > 1 else 0.0
    if not largest > WEAKEST:
        msg = (
            f"has no current: all of its {len(size)} points are at rest. {analysis[0].upper()}{analysis[1:]} needs the "
            "part of the test in which the cell is charged or discharged"
        )
        raise MeasurementError(msg, source=record.source)
    resting = max(RESTING * largest, _noise(current, SMALL * largest))
    sign = (current > resting).astype(np.int8) - (current < -resting).astype(np.int8)
    return Signal(time, voltage, current, rows, sign, resting, tuple(said))


def _noise(current: Floats, small: float) -> float:
    """Level that the noise of a resting current stays below; 0 where there is none: noise changes its sign."""
    around = current[np.abs(current) < small]
    flips = around[1:] * around[:-1] < 0.0
    if len(around) < 10 or float(flips.mean()) < 0.1:
        return 0.0
    return min(5.0 * 1.4826 * float(np.median(np.abs(around))), small)


def _forward(record: Record, rows: Indices, time: Floats, said: list[str]) -> Floats:
    """Refuse time that goes back by more than a reading apart; smaller steps back are no step."""
    step = np.diff(time)
    back = np.flatnonzero(step < 0.0)
    if not len(back):
        return time
    usual = float(np.median(step[step > 0.0])) if np.any(step > 0.0) else 0.0
    worst = int(back[np.argmin(step[back])])
    if -step[worst] > usual:
        msg = (
            f"time goes back from {time[worst]:.6g} s to {time[worst + 1]:.6g} s at row {rows[worst + 1] + 1}; put "
            "the rows in order, or give each test its own file"
        )
        raise MeasurementError(msg, source=record.source)
    said.append(
        f"time goes back at {len(back)} point{'s' if len(back) > 1 else ''} by {-step[worst]:.3g} s or less, within "
        "the interval of the points; taken as no step"
    )
    return np.maximum.accumulate(time)


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
    def held(self) -> int:
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
        Another technique, a column that lacks, no current, time that goes back.

    Examples
    --------
    >>> from solidstack.measure.records import record
    >>> columns = {TIME: [0, 10, 20, 20, 30, 40], POTENTIAL: [3, 4, 5, 4, 3, 2.0], CURRENT: [1, 1, 1, -1, -1, -1.0]}
    >>> [(half.kind, half.charge, half.mean_voltage) for half in half_cycles(record(columns))]
    [('charge', 20.0, 4.0), ('discharge', 20.0, 3.0)]
    """
    return _cut(record, signal(record, "cycling"))[0]


def _cut(record: Record, found: Signal) -> tuple[list[HalfCycle], int]:
    """Half cycles, and how many short pulses were left out."""
    (passed, gaps), sign = found.charge(), found.sign
    edges = np.flatnonzero(np.diff(sign)) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(sign)]])
    under = sign[starts] != 0
    starts, ends = starts[under], ends[under]
    size = np.abs(np.add.reduceat(passed, np.column_stack([starts, ends]).ravel()[: 2 * len(starts) - 1])[::2])
    groups, blips = _grouped(sign[starts], size, ends - starts)
    said, counted = _counters(record, found), _numbers(record, found)
    half = [_half(found, passed, gaps, starts[one], ends[one], said, counted) for one in groups]
    return [one for one in half if one.charge > 0.0], blips


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
    found: Signal,
    passed: Floats,
    gaps: Floats,
    starts: Indices,
    ends: Indices,
    said: list[Any],
    counted: Floats | None,
) -> HalfCycle:
    at = np.concatenate([np.arange(start, end) for start, end in zip(starts, ends, strict=True)])
    sign = float(found.sign[at[0]])
    charge = sign * passed[at]
    capacity, voltage, amperes = np.cumsum(charge), found.voltage[at], found.current[at]
    if charge[0] > 0.0:
        # the interval before the first point is of its voltage
        capacity, voltage, amperes = (
            np.concatenate([head, values])
            for head, values in (([0.0], capacity), (voltage[:1], voltage), (amperes[:1], amperes))
        )
    time = found.time
    dt = np.where(charge > 0.0, time[at] - time[np.maximum(at - 1, 0)], 0.0)
    between = np.abs(gaps[at])
    duration = float(np.where(between > 0.0, 0.5 * dt, dt).sum())
    first, last = int(at[0]), int(at[-1])
    total = float(capacity[-1])
    counter = NAN
    for cumulative, only in said:
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
        first=int(found.rows[first]),
        last=int(found.rows[last]),
        slack=_slack(found, starts, ends, dt, between),
        gap=float(between.sum()),
        counter=counter,
        cycle=float(counted[first + (last - first) // 2]) if counted is not None else NAN,
        breakdown=_breakdown(found, at, np.cumsum(charge)),
    )


def _breakdown(found: Signal, at: Indices, capacity: Floats) -> tuple[float, float, float] | None:
    """The largest jump of the voltage against a steady current, where it is a large part of the range."""
    voltage, current = found.voltage[at], found.current[at]
    if len(at) < 3:
        return None
    steady = (np.diff(at) == 1) & (np.abs(np.diff(current)) <= STEADY * np.abs(current[1:]))
    jump = np.where(steady, -np.sign(current[1:]) * np.diff(voltage), 0.0)
    worst = int(np.argmax(jump))
    if jump[worst] <= max(BREAKDOWN * float(np.ptp(voltage)), 0.05):
        return None
    return float(capacity[worst]), float(voltage[worst]), float(voltage[worst + 1])


def _slack(found: Signal, starts: Indices, ends: Indices, dt: Floats, between: Floats) -> float:
    """Charge that the points do not settle: steps of the current, and the intervals in which it was switched."""
    time, current = found.time, found.current
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


def _counters(record: Record, found: Signal) -> list[Any]:
    """Capacity as the instrument counted it, A s, without its resets, and of which sign of current (0: of both)."""
    kept: list[Any] = []
    for name, sign in ((CHARGING_CAPACITY, 1.0), (DISCHARGING_CAPACITY, -1.0)):
        if record.has(name):
            values = np.abs(np.nan_to_num(record.values(name)[found.rows])) * 3600.0
            step = np.diff(values, prepend=values[:1])
            kept.append((np.cumsum(np.where(step < 0.0, values, step)), sign))
    if kept:
        return kept
    for name in map(str, record.table.columns):
        match = re.fullmatch(r"\(?Q-Qo\)?/(mA\.h|C)", name)
        if match and record.has(name):
            factor = 3.6 if match[1] == "mA.h" else 1.0
            return [(np.nan_to_num(record.values(name)[found.rows]) * factor, 0.0)]
    return []


def _numbers(record: Record, found: Signal) -> Floats | None:
    """The instrument's numbers of the cycles."""
    if not record.has(CYCLE):
        return None
    values = record.values(CYCLE)[found.rows]
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


@dataclass(frozen=True, eq=False)
class Differential:
    """Differential capacity of a half cycle.

    Attributes
    ----------
    cycle : int
    kind : str
        ``charge`` or ``discharge``.
    voltage, density : array, shape (n,)
        V, A s/V (above 0 for both kinds). Its integral is the charge outside of the hold.
    peaks : tuple of (float, float)
        Voltage and density of each.
    """

    cycle: int
    kind: str
    voltage: Floats
    density: Floats
    peaks: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Cycling(Result):
    """Cycles of a cell.

    Attributes
    ----------
    cycles : tuple of Cycle
    differential : tuple of Differential
        Of the first, the second and the last complete cycle.
    mass, area, cell_mass : float or None
        kg (of `mass_basis`), m2, kg.
    mass_basis : str
    fade : tuple of (array, array, array), or None
        Numbers of the cycles of the fitted line, their discharge capacity and the line, A s.
    reversed_current : bool
        Whether the sign of the current looks reversed.
    """

    cycles: tuple[Cycle, ...]
    differential: tuple[Differential, ...]
    mass: float | None
    area: float | None
    cell_mass: float | None
    mass_basis: str
    fade: tuple[Floats, Floats, Floats] | None
    reversed_current: bool = False

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "cycling"

    def properties(self) -> list[Property]:
        """Specific capacity and mean voltage of the first discharge, first-cycle efficiency; of the active material.

        Nothing where no cycle is complete, the cell broke down or the sign of the current looks reversed.
        """
        found = []
        sound = any(one.complete for one in self.cycles) and not any(
            half.breakdown for one in self.cycles for half in one.halves
        )
        if sound and not self.reversed_current and self.mass is not None and self.mass_basis == "active material":
            for name, key, kind in (
                ("specific_capacity", "specific_capacity", SPECIFIC_CAPACITY),
                ("average_voltage", "average_voltage", VOLTAGE),
                ("first_cycle_efficiency", "first_cycle_efficiency", FRACTION),
            ):
                value = self.values.get(key)
                if value is None or not np.isfinite(value.value) or (kind is FRACTION and not 0.0 < value.value <= 1.0):
                    continue
                found.append(Property(name, {"value": text(float(f"{value.value:.6g}"), kind)}, value.uncertainty))
        return found

    def data(self) -> dict[str, Series]:
        """Voltage over capacity of the drawn cycles, and differential capacity."""
        drawn = {one.cycle for one in self.differential} or {cycle.number for cycle in self.cycles[:3]}
        curves: dict[str, list[Any]] = {"cycle": [], "half_cycle": [], "capacity": [], "voltage": []}
        for cycle in self.cycles:
            for half in cycle.halves if cycle.number in drawn else ():
                at = thinned(len(half.capacity))
                curves["cycle"] += [cycle.number] * len(at)
                curves["half_cycle"] += [half.kind] * len(at)
                curves["capacity"] += half.capacity[at].tolist()
                curves["voltage"] += half.voltage[at].tolist()
        density: dict[str, list[Any]] = {"cycle": [], "half_cycle": [], "voltage": [], "differential_capacity": []}
        for one in self.differential:
            density["cycle"] += [one.cycle] * len(one.voltage)
            density["half_cycle"] += [one.kind] * len(one.voltage)
            density["voltage"] += one.voltage.tolist()
            density["differential_capacity"] += one.density.tolist()
        return {
            "curves": Series("Voltage over capacity", curves, {"capacity": MAH, "voltage": V}),
            "differential-capacity": Series(
                "Differential capacity", density, {"voltage": V, "differential_capacity": MAH_V}
            ),
        }


def thinned(count: int, most: int = 500) -> Indices:
    """Places of at most about `most` points of many, with the first and the last.

    Examples
    --------
    >>> thinned(5, 3).tolist()
    [0, 2, 4]
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def analyse(
    record: Record,
    *,
    mass: float | None = None,
    area: float | None = None,
    cell_mass: float | None = None,
    mass_basis: str = "active material",
) -> Cycling:
    r"""Charge and discharge capacities, efficiencies, mean voltages, differential capacity and loss per cycle.

    .. math::
        Q = \int |I| dt, \qquad E = \int V dQ, \qquad \bar V = E/Q, \qquad
        \eta_Q = Q_2/Q_1, \qquad \eta_E = E_{discharge}/E_{charge}

    Half cycles are told from the sign of the current; the instrument's own numbers of cycles are taken where they fit
    that. The efficiency of a cycle is the charge of its second half cycle over that of the first: discharge over
    charge of a cell that begins with a charge. Its intervals are of what the points do not settle (intervals in
    which the current was switched, steps of the current, the instrument's own counter where it differs), not of the
    calibration of the current, nor of mass and area.

    Parameters
    ----------
    record : Record
        Time, voltage and current; positive current charges.
    mass : float, optional
        Of `mass_basis`, kg; default: what the record says.
    area : float, optional
        Of the electrode, m2; default: what the record says.
    cell_mass : float, optional
        Of the whole cell, kg: for the specific energy of the cell.
    mass_basis : str
        What `mass` is of. Only that of the active material gives material properties.

    Returns
    -------
    Cycling
        Values are of the first complete cycle unless they say otherwise.

    Raises
    ------
    MeasurementError
        Another technique, a column that lacks, no current, time that goes back, a mass or area that is not above 0.
    """
    record = record.with_sample(mass=mass, area=area)
    if cell_mass is not None and not (np.isfinite(cell_mass) and cell_mass > 0.0):
        msg = f"cell mass: {text(cell_mass, MASS)} is not above 0; write for example {MASS.example}"
        raise MeasurementError(msg, source=record.source)
    found = signal(record, "cycling")
    halves, blips = _cut(record, found)
    if not halves:
        msg = "has no charge or discharge: current flows at single points only. Take the file with all of its points"
        raise MeasurementError(msg, source=record.source)
    said = list(found.warnings)
    cycles = _cycles(halves, said)
    reference = next((one for one in cycles if one.complete), cycles[0])
    differential = _differentials(cycles)
    values, fade = _values(cycles, reference, record, cell_mass, mass_basis, said)
    window = {
        "cycles": len(cycles),
        "complete": sum(one.complete for one in cycles),
        "rest_below_mA": float(f"{MA.of(found.resting):.4g}"),
        "short_pulses_left_out": blips,
        "lowest_V": round(min(float(one.voltage.min()) for one in halves), 4),
        "highest_V": round(max(float(one.voltage.max()) for one in halves), 4),
    }
    if differential:
        step = float(np.median(np.diff(differential[0].voltage)))
        window["differential_capacity_step_mV"] = round(float(MV.of(step)), 2)
    turned = _reversed(cycles, halves)
    if turned:
        said.append(
            f"the sign of the current looks reversed: {turned}. Positive current has to charge the cell; turn it with "
            '--column "Current / A=-NAME". No material property is made'
        )
    _doubts(cycles, halves, record, said)
    return Cycling(
        records=(record,),
        values=values,
        model="charge by integrating the current over time; half cycles by its sign",
        window=window,
        warnings=tuple(dict.fromkeys(said)),
        series={"cycles": _table(cycles, record, cell_mass), "peaks": _peaks(differential)},
        cycles=tuple(cycles),
        differential=tuple(differential),
        mass=record.mass,
        area=record.area,
        cell_mass=cell_mass,
        mass_basis=mass_basis,
        fade=fade,
        reversed_current=bool(turned),
    )


def _cycles(halves: list[HalfCycle], said: list[str]) -> list[Cycle]:
    """Half cycles in pairs, by the instrument's numbers where those fit the current."""
    numbers = [half.cycle for half in halves]
    pairs: list[tuple[int, tuple[HalfCycle, ...]]] = []
    if all(np.isfinite(numbers)):
        by_number: dict[int, list[HalfCycle]] = {}
        for half in halves:
            by_number.setdefault(int(half.cycle), []).append(half)
        wrong = next((number for number, found in by_number.items() if len(found) > 2), None)
        if wrong is None and list(by_number) == sorted(by_number) and not _all_single(by_number):
            pairs = [(number, tuple(found)) for number, found in by_number.items()]
        elif wrong is not None:
            said.append(
                f"the file's cycle number {wrong} has {len(by_number[wrong])} half cycles by the sign of the current; "
                "cycles are counted from the current instead"
            )
        else:
            said.append("the file's cycle numbers do not hold a charge and a discharge each; counted from the current")
    if not pairs:
        pairs = [(at, pair) for at, pair in enumerate(_paired(halves), 1)]
    unfinished = _unfinished(halves)
    return [
        Cycle(number, pair, len(pair) == 2 and not (unfinished and pair[-1] is halves[-1])) for number, pair in pairs
    ]


def _all_single(by_number: dict[int, list[HalfCycle]]) -> bool:
    """Whether the instrument counts half cycles."""
    return len(by_number) > 2 and all(len(found) == 1 for found in by_number.values())


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


def _relative(half: HalfCycle) -> float:
    """Half the interval of its charge over the charge."""
    apart = abs(half.counter - half.charge) if np.isfinite(half.counter) else 0.0
    return max(half.slack, apart) / half.charge


def _together(*halves: HalfCycle) -> float:
    """Half the relative interval of a ratio of charges."""
    return float(np.sqrt(sum(_relative(half) ** 2 for half in halves)))


def _around(value: float, relative: float, label: str, unit: Unit) -> Fitted:
    half = abs(value) * relative
    return Fitted(label, value, value - half, value + half, unit)


def _values(
    cycles: list[Cycle],
    reference: Cycle,
    record: Record,
    cell_mass: float | None,
    mass_basis: str,
    said: list[str],
) -> tuple[dict[str, Fitted], tuple[Floats, Floats, Floats] | None]:
    values: dict[str, Fitted] = {}
    where = "first" if reference.number == cycles[0].number else f"cycle {reference.number}"
    discharge, charge = reference.of("discharge"), reference.of("charge")
    main = discharge or charge
    assert main is not None
    spread = _relative(main)
    if record.mass is not None:
        label = f"Specific {main.kind} capacity ({where}, per {mass_basis})"
        values["specific_capacity" if discharge else "specific_charge_capacity"] = _around(
            main.charge / record.mass, spread, label, MAH_G
        )
    for half in (discharge, charge):
        if half is not None:
            label = f"{half.kind.capitalize()} capacity ({where})"
            values[f"{half.kind}_capacity"] = _around(half.charge, _relative(half), label, MAH)
    if record.area is not None:
        values["areal_capacity"] = _around(
            main.charge / record.area, spread, f"Areal {main.kind} capacity ({where})", MAH_CM2
        )
    for half in (discharge, charge):
        if half is not None:
            name = "average_voltage" if half is discharge else "average_charge_voltage"
            values[name] = _mean_voltage(half, f"Average {half.kind} voltage ({where})")
    if reference.complete and reference is cycles[0]:
        both = _together(*reference.halves)
        values["first_cycle_efficiency"] = _around(reference.efficiency, both, "First-cycle efficiency", PERCENT)
    values["energy_efficiency"] = _around(
        reference.energy_efficiency,
        _together(*reference.halves) if reference.complete else NAN,
        f"Energy efficiency ({where})",
        PERCENT,
    )
    if not reference.complete:
        del values["energy_efficiency"]
    if discharge is not None:
        values["discharge_energy"] = _around(discharge.energy, spread, f"Discharge energy ({where})", MWH)
        for mass, name, basis in (
            (record.mass, "specific_energy", mass_basis),
            (cell_mass, "specific_energy_of_cell", "cell"),
        ):
            if mass is not None:
                values[name] = _around(
                    discharge.energy / mass, spread, f"Specific energy ({where}, per {basis})", WH_KG
                )
    later = np.array([one.efficiency for one in cycles if one.complete and one is not cycles[0]])
    if len(later):
        deviation = float(np.std(later, ddof=1) / np.sqrt(len(later))) if len(later) > 1 else NAN
        values["coulombic_efficiency"] = interval(
            float(later.mean()), deviation, "Coulombic efficiency, mean after the first cycle", PERCENT, len(later) - 1
        )
    fade = _fade(cycles, values, said)
    return values, fade


def _mean_voltage(half: HalfCycle, label: str) -> Fitted:
    """Energy over charge; the interval is of the steps of voltage between points."""
    step = 0.5 * abs(float(np.sum(np.diff(half.voltage) * np.diff(half.capacity)))) / half.charge
    return Fitted(label, half.mean_voltage, half.mean_voltage - step, half.mean_voltage + step, V)


def _fade(cycles: list[Cycle], values: dict[str, Fitted], said: list[str]) -> tuple[Floats, Floats, Floats] | None:
    """Retention, and the line through the discharge capacities of one rate after the first cycle."""
    complete = [(one.number, half) for one in cycles if one.complete and (half := one.of("discharge")) is not None]
    if len(complete) >= 4:
        complete = complete[1:]
    if len(complete) < 2:
        return None
    rates = np.array([abs(half.current) for _, half in complete])
    usual = _usual(rates)
    same = np.abs(rates / usual - 1.0) <= SAME_RATE
    if not same.all():
        said.append(
            f"cycles have different currents: retention and loss per cycle are of the {int(same.sum())} at about "
            f"{MA.of(usual):.4g} mA"
        )
    number = np.array([at for at, _ in complete], float)[same]
    capacity = np.array([half.charge for _, half in complete])[same]
    if len(number) < 2:
        return None
    first, last = int(number[0]), int(number[-1])
    ends = [half for (at, half), kept in zip(complete, same, strict=True) if kept and at in (first, last)]
    values["retention"] = _around(
        float(capacity[-1] / capacity[0]),
        _together(ends[0], ends[-1]),
        f"Discharge capacity of cycle {last} over that of cycle {first}",
        PERCENT,
    )
    if len(number) < 3:
        return None
    fit = line(number, capacity)
    values["loss_per_cycle"] = fit.fitted(
        lambda p: -p[1] / (p[0] + p[1] * first), f"Loss per cycle, of the fitted capacity of cycle {first}", PERCENT
    )
    fitted = fit.values[0] + fit.values[1] * number
    _bend(number, capacity, fit.sum_of_squares, said)
    return number, capacity, fitted


def _usual(rates: Floats) -> float:
    """The current that most cycles are near."""
    near = [int(np.sum(np.abs(rates / one - 1.0) <= SAME_RATE)) for one in rates]
    return float(rates[int(np.argmax(near))])


def _bend(number: Floats, capacity: Floats, squares: float, said: list[str]) -> None:
    """Say so where the loss slows down or speeds up: a parabola that leaves half the scatter of the line."""
    if len(number) < 8:
        return
    x = (number - number.mean()) / np.ptp(number)
    bent = np.polynomial.Polynomial.fit(x, capacity, 2)
    left = float(np.sum((capacity - bent(x)) ** 2))
    if left < 0.5 * squares:
        slopes = bent.deriv()(x[[0, -1]])
        what = "speeds up" if slopes[1] < slopes[0] else "slows down"
        said.append(
            f"the loss of capacity {what} over the cycles: the loss per cycle is a mean, and does not foretell the life"
        )


def _differentials(cycles: list[Cycle]) -> list[Differential]:
    complete = [one for one in cycles if one.complete] or cycles[:1]
    drawn = dict.fromkeys([*complete[:2], complete[-1]])
    found = []
    for cycle in drawn:
        for half in cycle.halves:
            one = differential_capacity(half)
            if one is not None:
                found.append(Differential(cycle.number, half.kind, *one))
    return found


def differential_capacity(half: HalfCycle) -> tuple[Floats, Floats, tuple[tuple[float, float], ...]] | None:
    """Charge per voltage on an even grid of voltages, and its peaks.

    The charge between two points is spread evenly over the voltages between them, whichever way the voltage went, so
    that noise does not divide by zero and the integral is the charge. What passes while the voltage is held at the end
    or after a breakdown is left out. `GRID` steps, smoothed by a Gaussian whose standard deviation is a step, or up to
    `WIDEST` steps where the voltage is noisy. Peaks stand out of the noise.

    Returns
    -------
    (array, array, tuple of (float, float)) or None
        Voltage, V; charge per voltage, A s/V, above 0; voltage and height of each peak. None where the half cycle has
        too few points or no range of voltage.
    """
    count = half.held
    if half.breakdown is not None:
        count = min(count, int(np.searchsorted(half.capacity, half.breakdown[0], side="right")))
    voltage, capacity = half.voltage[:count], half.capacity[:count]
    if count > BLOCKS:
        begins = np.linspace(0, count, BLOCKS + 1).astype(np.int64)[:-1]
        points = np.diff(np.concatenate([begins, [count]]))
        voltage = np.add.reduceat(voltage, begins) / points
        capacity = np.add.reduceat(capacity, begins) / points
    if len(voltage) < 10 or np.ptp(voltage) < 1e-3:
        return None
    edges: Floats = np.linspace(float(voltage.min()), float(voltage.max()), GRID + 1)
    low, high = np.minimum(voltage[1:], voltage[:-1]), np.maximum(voltage[1:], voltage[:-1])
    charge = np.diff(capacity)
    width = np.maximum(high - low, 1e-9)
    below = np.array([float(charge @ np.clip((edge - low) / width, 0.0, 1.0)) for edge in edges])
    step = float(edges[1] - edges[0])
    middle: Floats = 0.5 * (edges[1:] + edges[:-1])
    noise = 1.4826 * float(np.median(np.abs(np.diff(voltage, 2)))) / np.sqrt(6.0)
    smoothing = float(np.clip(SMOOTHED * noise / step, 1.0, WIDEST))
    density: Floats = gaussian_filter1d(np.diff(below) / step, smoothing, mode="nearest")
    rest = density - gaussian_filter1d(density, 4.0 * smoothing, mode="nearest")
    least = max(PROMINENCE * float(density.max()), OUTSTANDING * 1.4826 * float(np.median(np.abs(rest))))
    places, _ = find_peaks(density, prominence=least)
    return middle, density, tuple((float(middle[at]), float(density[at])) for at in places)


def _peaks(found: Sequence[Differential]) -> Series:
    rows = [(one.cycle, one.kind, volts, height) for one in found for volts, height in one.peaks]
    columns: dict[str, Any] = {
        name: [row[at] for row in rows] for at, name in enumerate(("cycle", "half_cycle", "voltage", "height"))
    }
    return Series("Peaks of the differential capacity", columns, {"voltage": V, "height": MAH_V})


def _table(cycles: list[Cycle], record: Record, cell_mass: float | None) -> Series:
    def of(kind: str, name: str) -> list[float]:
        return [NAN if (half := one.of(kind)) is None else float(getattr(half, name)) for one in cycles]

    charge, discharge, energy = of("charge", "charge"), of("discharge", "charge"), of("discharge", "energy")
    capacities: list[tuple[str, list[Any], Unit | None]] = [
        ("charge_capacity", charge, MAH), ("discharge_capacity", discharge, MAH)
    ]  # fmt: skip
    specific: list[tuple[str, list[Any], Unit | None]] = []
    if record.mass is not None:
        specific = [
            (f"specific_{name}", [value / record.mass for value in values], MAH_G) for name, values, _ in capacities
        ]
    # a table on a page shows its first columns
    wanted: list[tuple[str, list[Any], Unit | None]] = [
        ("cycle", [one.number for one in cycles], None),
        *(specific or capacities),
        ("coulombic_efficiency", [one.efficiency for one in cycles], PERCENT),
        ("energy_efficiency", [one.energy_efficiency for one in cycles], PERCENT),
        ("discharge_voltage", of("discharge", "mean_voltage"), V),
        ("charge_voltage", of("charge", "mean_voltage"), V),
        ("discharge_energy", energy, MWH),
        *(capacities if specific else []),
    ]
    if record.area is not None:
        wanted.append(("areal_capacity", [value / record.area for value in discharge], MAH_CM2))
    for mass, name in ((record.mass, "specific_energy"), (cell_mass, "specific_energy_of_cell")):
        if mass is not None:
            wanted.append((name, [value / mass for value in energy], WH_KG))
    wanted += [
        ("charge_current", of("charge", "current"), MA),
        ("discharge_current", of("discharge", "current"), MA),
        ("charge_time", of("charge", "duration"), HOUR),
        ("discharge_time", of("discharge", "duration"), HOUR),
        ("complete", [one.complete for one in cycles], None),
    ]
    kept = [one for one in wanted if one[2] is None or bool(np.isfinite(one[1]).any())]
    return Series(
        "Cycles",
        {name: values for name, values, _ in kept},
        {name: unit for name, _, unit in kept if unit is not None},
    )


def _reversed(cycles: list[Cycle], halves: list[HalfCycle]) -> str:
    """Why the sign of the current looks reversed; empty where it does not.

    A cell gives back its charge at a lower voltage than it took it, and its voltage rises while it is charged.
    """
    means: dict[str, list[float]] = {"charge": [], "discharge": []}
    above = 0
    for cycle in cycles:
        charge, discharge = cycle.of("charge"), cycle.of("discharge")
        # of much different charges the voltages are of different states
        if charge is None or discharge is None or not 0.5 < discharge.charge / charge.charge < 2.0:
            continue
        for half in (charge, discharge):
            means[half.kind].append(half.mean_voltage)
        above += discharge.mean_voltage > charge.mean_voltage
    if above > 0.5 * len(means["charge"]):
        high, low = (float(np.median(means[kind])) for kind in ("discharge", "charge"))
        return f"the mean voltage of the discharges ({high:.4g} V) is above that of the charges ({low:.4g} V)"
    # the voltage of a symmetric cell is of the current alone, and falls as contacts form
    seen = [half for half in halves if half.breakdown is None]
    if not seen or not all(half.mean_voltage > 0.0 for half in seen):
        return ""
    window = max(float(half.voltage.max()) for half in seen) - min(float(half.voltage.min()) for half in seen)
    against = sum(_trend(half) < -AGAINST * window for half in seen)
    if against <= 0.5 * len(seen):
        return ""
    return f"the voltage moves against it in {against} of {len(seen)} half cycles"


def _trend(half: HalfCycle) -> float:
    """Change of the voltage with its current over a half cycle by a line over the charge, V."""
    even = np.linspace(0.0, 1.0, 51)[1:] - 0.5
    voltage = np.interp((even + 0.5) * half.charge, half.capacity, half.voltage)
    slope = float(even @ (voltage - voltage.mean())) / float(even @ even)
    return slope if half.kind == "charge" else -slope


def _doubts(cycles: list[Cycle], halves: list[HalfCycle], record: Record, said: list[str]) -> None:
    """Say what makes the numbers doubtful."""
    apart = [(abs(half.counter / half.charge - 1.0), half) for half in halves if np.isfinite(half.counter)]
    off = [(size, half) for size, half in apart if size > COUNTER]
    if off:
        size, half = max(off, key=lambda one: one[0])
        said.append(
            f"the instrument's own capacity differs from current over time by more than {100 * COUNTER:g} % in "
            f"{len(off)} of {len(apart)} half cycles, by {100 * size:.3g} % in the {half.kind} of rows "
            f"{half.first + 1} to {half.last + 1} ({MAH.of(half.counter):.4g} mAh and {MAH.of(half.charge):.4g} mAh): "
            "points are too far apart, or the file is a part of the test"
        )
    late = [half for half in halves if half.gap > UNSETTLED * half.charge]
    if late:
        worst = max(late, key=lambda half: half.gap / half.charge)
        said.append(
            f"the first point under current comes late after the switch in {len(late)} of {len(halves)} half cycles: "
            "half of the current times that gap is counted as charge, which may be wrong by as much, "
            f"{100.0 * worst.gap / worst.charge:.2g} % in the {worst.kind} of rows {worst.first + 1} to "
            f"{worst.last + 1}; record a point at each switch, and the rests"
        )
    complete = [one for one in cycles if one.complete]
    if len(halves) == 1:
        said.append(f"one {halves[0].kind} only: no efficiency and no retention can be given")
    elif not cycles[-1].complete:
        missing = len(cycles[-1].halves) == 1
        why = f"it has a {cycles[-1].halves[0].kind} only" if missing else "it stops before the voltage of the others"
        said.append(f"cycle {cycles[-1].number} is incomplete, {why}; it is left out of efficiency and retention")
    if complete and complete[0].halves[0].kind == "discharge":
        said.append("cycles begin with a discharge: the efficiency is that of the charge over the discharge before it")
    many = [one.number for one in complete if one.efficiency * min(1.0 - _together(*one.halves), 1.0 / 1.005) > 1.0]
    if many:
        first = ", ".join(map(str, many[:5]))
        said.append(
            f"more charge comes out than went in (cycle {first}{', ...' if len(many) > 5 else ''}): a cell that was "
            "charged before, a drift of the current, or cycles that are cut wrongly"
        )
    broken = [half for half in halves if half.breakdown is not None]
    if broken:
        charge, before, after = broken[0].breakdown or (NAN, NAN, NAN)
        said.append(
            f"the voltage jumps from {before:.3g} V to {after:.3g} V under steady current, {MAH.of(charge):.3g} mAh "
            f"into the {broken[0].kind} of rows {broken[0].first + 1} to {broken[0].last + 1}"
            f"{f' (and in {len(broken) - 1} more)' if len(broken) > 1 else ''}: a short circuit or a lost contact; "
            "what follows is no capacity"
        )
    if record.has(STEP) and not record.has(CYCLE):
        _steps(record, halves, said)
    if min(float(half.mean_voltage) for half in halves) < 0.0:
        said.append("the mean voltage is below 0 in a half cycle: a symmetric cell, or leads the wrong way round")


def _steps(record: Record, halves: list[HalfCycle], said: list[str]) -> None:
    """See that no step of the instrument has current of both signs."""
    step = record.values(STEP)
    ends = [(step[before.last], step[after.first]) for before, after in itertools.pairwise(halves)]
    same = sum(bool(one == other) for one, other in ends)
    if same:
        said.append(
            f"the current changes its sign within a step of the instrument {same} time{'s' if same > 1 else ''}: half "
            "cycles are cut there all the same"
        )
