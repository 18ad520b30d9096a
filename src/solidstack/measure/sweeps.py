"""Sweeps of the potential in one direction: finding them, and a smooth current over an even grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ..errors import MeasurementError
from .records import CURRENT, TIME, VOLTAGE, Record
from .statistics import line, noise_of

Floats = NDArray[np.float64]
LEAST = 20
"""Points of a sweep."""
GRID = 400
"""Potentials at which a sweep is smoothed."""
TURN = 0.02
"""Share of the range of potential by which it has to go back to count as a turn."""
SHORT = 0.10
"""Share of the range that a sweep has at least: less is the jump to its start."""
SETTLING = 0.03
"""Share of a sweep at its start that charges the interface."""
NOISE = 6.0
"""Standard deviations by which anything stands out of the noise."""
LEAST_RATE = 2.0
"""Ratio of scan rates from which their exponent means something."""
SIDES = {1: "oxidation", -1: "reduction"}


@dataclass(frozen=True, eq=False)
class Sweep:
    """A stretch of one direction, turned so that potential and current of the reaction rise.

    Attributes
    ----------
    direction : int
        1 where the potential rises, -1 where it falls.
    time, potential, current : array, shape (n,)
        s, V and A as recorded; the time is nan where there is none.
    grid, smooth, slope : array, shape (m,)
        Potential in its direction, V (falling potentials below 0 of it), current in that direction and its slope,
        smoothed.
    noise, smooth_noise, slope_noise : float
        Standard deviation of a point and of the smoothed current, A, and of the slope, A/V.
    """

    direction: int
    time: Floats
    potential: Floats
    current: Floats
    grid: Floats
    smooth: Floats
    slope: Floats
    noise: float
    smooth_noise: float
    slope_noise: float

    @property
    def x(self) -> Floats:
        """Potential that rises."""
        return self.direction * self.potential

    @property
    def y(self) -> Floats:
        """Current, above 0 for the reaction of this direction."""
        return self.direction * self.current


def turns(potential: Floats) -> list[tuple[int, int, int]]:
    """Split a potential into stretches of one direction: first and last point, and 1 where it rises or -1.

    Examples
    --------
    >>> turns(np.array([0.0, 1.0, 2.0, 1.0, 0.0]))
    [(0, 2, 1), (2, 4, -1)]
    """
    back = TURN * float(np.ptp(potential))
    stretches: list[tuple[int, int, int]] = []
    begin = extreme = 0
    direction = 0
    for at in range(1, len(potential)):
        ahead = potential[at] - potential[extreme]
        if direction == 0:
            if abs(potential[at] - potential[begin]) > back:
                direction, extreme = int(np.sign(potential[at] - potential[begin])), at
        elif ahead * direction >= 0.0:
            extreme = at
        elif -ahead * direction > back:
            stretches.append((begin, extreme, direction))
            begin, extreme, direction = extreme, at, -direction
    if direction:
        stretches.append((begin, extreme, direction))
    least = SHORT * float(np.ptp(potential))
    return [stretch for stretch in stretches if abs(potential[stretch[1]] - potential[stretch[0]]) >= least]


def sweeps_of(record: Record) -> tuple[Record, list[Sweep]]:
    """Return the sweeps of a record, in order."""
    columns = (VOLTAGE, CURRENT, *((TIME,) if record.has(TIME) else ()))
    checked = record.in_order(*columns, least=LEAST)
    E, current = checked.values(VOLTAGE), checked.values(CURRENT)
    time = checked.values(TIME) if TIME in columns else np.full(len(E), np.nan)
    if not np.ptp(E) > 1e-3:
        msg = (
            f"the potential stays within {1e3 * np.ptp(E):.3g} mV; expected a sweep of potential (linear sweep or "
            "cyclic voltammetry)"
        )
        raise MeasurementError(msg, source=record.source)
    sweeps = []
    for first, last, direction in turns(E):
        kept = slice(first, last + 1)
        if last + 1 - first >= LEAST:
            sweeps.append(_sweep(direction, time[kept], E[kept], current[kept]))
    if not sweeps:
        msg = (
            f"has no sweep of {LEAST} points in one direction; expected a potential that changes steadily. Record "
            "more often"
        )
        raise MeasurementError(msg, source=record.source)
    swept = sum(abs(sweep.potential[-1] - sweep.potential[0]) for sweep in sweeps)
    travelled = float(np.abs(np.diff(E)).sum())
    steps = np.abs(np.diff(E))
    if swept < 0.5 * travelled or np.max(steps) > 0.5 * np.ptp(E):
        msg = (
            "the potential jumps instead of changing steadily; expected a sweep (linear sweep or cyclic voltammetry), "
            "not steps or constant current"
        )
        raise MeasurementError(msg, source=record.source)
    return checked, sweeps


def _sweep(direction: int, time: Floats, potential: Floats, current: Floats) -> Sweep:
    x, y = direction * potential, direction * current
    # points of a staircase and of noise in the potential are averaged in equal steps of potential
    count = int(min(GRID, max(LEAST, len(x) // 2)))
    edges = np.linspace(x.min(), x.max(), count + 1)
    place = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, count - 1)
    number = np.bincount(place, minlength=count)
    filled = number > 0
    centres = np.bincount(place, x, count)[filled] / number[filled]
    means = np.bincount(place, y, count)[filled] / number[filled]
    grid = np.linspace(centres[0], centres[-1], count)
    level = np.interp(grid, centres, means)
    # of third differences, to which a curve adds little
    noise = noise_of(y, order=3)
    each = noise / np.sqrt(max(1.0, len(x) / count))
    step = float(grid[1] - grid[0])
    width = max(7, 2 * (count // 60) + 1)
    while True:
        smooth = signal.savgol_filter(level, width, 2)
        slope = signal.savgol_filter(level, width, 2, deriv=1, delta=step)
        # the slope is known to a thirtieth, or else smoothed over more, to an eighth of the sweep
        slope_noise = float(np.sqrt(12.0 / width**3) * each / step)
        if width >= count // 8 or slope_noise < 0.03 * float(np.max(slope)):
            break
        width = 2 * (width // 2 + width // 4) + 1
    return Sweep(
        direction, time, potential, current, grid, smooth, slope, noise, 1.5 * each / np.sqrt(width), slope_noise
    )


def scan_rate(sweep: Sweep) -> tuple[float, float]:
    """Scan rate and its standard deviation, V/s; nan without time."""
    good = np.isfinite(sweep.time)
    if good.sum() < 3 or np.unique(sweep.time[good]).size < 3:
        return float("nan"), float("nan")
    value, deviation = line(sweep.time[good], sweep.potential[good]).propagate(1)
    return abs(value), deviation


def between(sweep: Sweep, low: float, high: float) -> tuple[Floats, Floats]:
    """Points of a sweep between two potentials, in its own direction."""
    inside = (sweep.x >= low) & (sweep.x <= high)
    return sweep.x[inside], sweep.y[inside]
