"""Time, voltage and current of a cell under current: the rows that can be used, and the charge between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import MeasurementError
from .records import CURRENT, TIME, Record
from .records import VOLTAGE as POTENTIAL
from .statistics import robust_deviation

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
RESTING = 1e-3
"""Share of the largest current up to which a cell is at rest: offsets of instruments are of that size."""
LONGEST, HIGHEST, STRONGEST = 1e11, 1e3, 1e4
"""s, V, A: no cell goes beyond these."""
SHORTEST, WEAKEST = 1e-6, 1e-15
"""s, A: below these nothing is measured."""
SMALL = 2e-2
"""Share of the largest current below which the noise of a resting cell is sought."""
EDGE = 2.0
"""A first point under current that is at most this many intervals after the switch stands for its interval."""
UNSEEN = 0.2
"""Share of the time under current above which a gap before it is rest that was not recorded."""
NOT_CYCLING = {
    "impedance": "eis",
    "linear-sweep": "lsv",
    "cyclic-voltammetry": "cv",
}
"""Techniques that have a current, but another analysis."""


@dataclass(frozen=True, eq=False)
class Signal:
    """Time, voltage and current of a record without unusable points.

    Attributes
    ----------
    time, voltage, current : array, shape (n,)
        s (not falling), V, A (positive where the cell is charged).
    rows : array, shape (n,)
        Row of the record of each point.
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
        # a single point at rest before does not show the intervals of its rest
        resting = (self.sign[begin - 1] == 0) & (self.sign[begin - 2] == 0) & (begin > 1)
        begin = begin[~short & ~(resting & (dt[begin - 1] <= EDGE * dt[begin - 2]))]
        edges = np.append(np.flatnonzero(np.diff(self.sign)), len(self.time) - 1)
        run = self.time[edges[np.searchsorted(edges, begin)]] - self.time[begin]
        begin = begin[dt[begin - 1] <= UNSEEN * run]
        gaps[begin] = 0.5 * self.current[begin] * dt[begin - 1]
        passed[begin] = gaps[begin]
        return passed, gaps


def signal(record: Record, analysis: str) -> Signal:
    """Return the usable time, voltage and current of a record under current.

    Parameters
    ----------
    record : Record
    analysis : str
        Its name, for error messages.

    Raises
    ------
    MeasurementError
        Another technique, a missing column, no current at all, or time that goes back.
    """
    if record.technique in NOT_CYCLING:
        msg = (
            f"is a measurement of {record.technique.replace('-', ' ')}; {analysis} needs a cell under constant "
            f"current. Use solidstack measure {NOT_CYCLING[record.technique]}"
        )
        raise MeasurementError(msg, source=record.source)
    record.require(TIME, POTENTIAL, CURRENT)
    time, voltage, current = (record.values(name) for name in (TIME, POTENTIAL, CURRENT))
    warnings = []
    # comparisons are false where there is no number
    good = (np.abs(time) <= LONGEST) & (np.abs(voltage) <= HIGHEST) & (np.abs(current) <= STRONGEST)
    if not good.all():
        count = int(np.sum(~good))
        warnings.append(f"{count} row{'s' if count > 1 else ''} without a plausible time, voltage and current left out")
    rows = np.flatnonzero(good)
    time, voltage, current = time[rows], voltage[rows], current[rows]
    again = (np.diff(time) == 0.0) & (np.diff(voltage) == 0.0) & (np.diff(current) == 0.0)
    if again.any():
        count = int(again.sum())
        warnings.append(f"{count} row{'s' if count > 1 else ''} left out as a repeat of the row before")
        kept = np.concatenate([[True], ~again])
        rows, time, voltage, current = rows[kept], time[kept], voltage[kept], current[kept]
    time = _forward(record, rows, time, warnings)
    if len(time) < 2 or not time[-1] - time[0] > SHORTEST:
        msg = f"has {len(time)} points with time, voltage and current, which span no time; use the whole file"
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
    return Signal(time, voltage, current, rows, sign, resting, tuple(warnings))


def _noise(current: Floats, small: float) -> float:
    """Level that the noise of a resting current stays below; 0 where there is none: noise changes its sign."""
    around = current[np.abs(current) < small]
    flips = around[1:] * around[:-1] < 0.0
    if len(around) < 10 or float(flips.mean()) < 0.1:
        return 0.0
    return min(5.0 * robust_deviation(around), small)


def _forward(record: Record, rows: Indices, time: Floats, warnings: list[str]) -> Floats:
    """Refuse time that goes back by more than the usual interval; smaller steps back count as none."""
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
    warnings.append(
        f"time goes back at {len(back)} point{'s' if len(back) > 1 else ''} by {-step[worst]:.3g} s or less, within "
        "the interval of the points; counted as no time"
    )
    return np.maximum.accumulate(time)


def thinned(count: int, most: int = 500) -> Indices:
    """Places of at most about `most` points of many, with the first and the last.

    Examples
    --------
    >>> thinned(5, 3).tolist()
    [0, 2, 4]
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))
