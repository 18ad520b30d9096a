"""Half cycles of a symmetric cell: constant current of one sign, its voltage, noise and drops."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .signal import Floats
from .statistics import noise_of

LEAST_HALF = 5
"""Points of a half cycle."""
REST = 0.02
"""Share of the largest current below which the cell rests."""
SAME = 0.05
"""Share by which the currents of one level differ at most."""
SETTLING = 0.02
"""Share of a half cycle at its start in which the interfaces charge."""
SUDDEN = 0.02
"""Share of a half cycle within which a drop is sudden."""
ROUGH = 5.0
"""Noise of a half cycle over the usual one that speaks of contacts that come and go."""
LEVELS = 3
"""Rising currents that make a test of the critical current."""


@dataclass(frozen=True, eq=False)
class Polarity:
    """A stretch of one sign and one size of the current.

    Attributes
    ----------
    first, last : int
        Points of the record.
    sign : int
        Of the current.
    time, duration : float
        Start and length, s.
    current : float
        Mean size, A.
    charge : float
        Size, C.
    start, mean, end, lowest, highest : float
        Overpotential along the current, V: after the interfaces are charged, over time, of the last points; extremes.
    drop : float
        Largest sudden fall that lasts, over the overpotential before it.
    slide : float
        Fall from the highest in the first half to the end, over the former: slow where `drop` is small.
    noise : float
        Standard deviation of a point about its neighbours, V.
    """

    first: int
    last: int
    sign: int
    time: float
    duration: float
    current: float
    charge: float
    start: float
    mean: float
    end: float
    lowest: float
    highest: float
    drop: float
    slide: float
    noise: float

    @property
    def arcing(self) -> float:
        """How far the overpotential rises from its lowest value to the end, over the lowest."""
        return self.end / self.lowest - 1.0 if self.lowest > 0.0 else float("nan")


def split(time: Floats, voltage: Floats, current: Floats) -> tuple[list[Polarity], list[str]]:
    """Find the half cycles: stretches of one sign and one size of the current; and what was reversed or left out."""
    size = np.abs(current)
    limit = REST * float(np.percentile(size, 99.0))
    # the sign where the cell is loaded, 0 at rest; a new stretch also where the size steps and stays
    sign = np.where(size > limit, np.sign(current), 0.0)
    edges = np.flatnonzero(np.diff(sign) != 0.0) + 1
    stretches: list[tuple[int, int]] = []
    for part in np.split(np.arange(len(time)), edges):
        if sign[part[0]] == 0.0:
            continue
        stretches += _levels(part, size)
    halves = [
        _half_cycle(first, last, time, voltage, current) for first, last in stretches if last - first + 1 >= LEAST_HALF
    ]
    warnings = []
    few = len(stretches) - len(halves)
    if few:
        warnings.append(f"{few} stretches of current with fewer than {LEAST_HALF} points were left out")
    against = [half.mean < 0.0 for half in halves]
    if halves and np.mean(against) > 0.5:
        warnings.append("the voltage has the sign against the current throughout; its sign was reversed")
        return split(time, -voltage, current)[0], warnings
    return halves, warnings


def _levels(part: Any, size: Floats) -> list[tuple[int, int]]:
    """Split points of one sign where the current steps to another level."""
    begin, stretches = int(part[0]), []
    level = float(np.median(size[part[:3]]))
    # only where it jumps from one point to the next
    jumps = np.abs(np.diff(size[part])) > 0.5 * SAME * size[part[1:]]
    for at in part[1:][jumps]:
        ahead = size[at : min(at + 3, int(part[-1]) + 1)]
        if np.all(np.abs(ahead - level) > SAME * level) and np.ptp(ahead) <= SAME * float(np.median(ahead)):
            stretches.append((begin, int(at) - 1))
            begin, level = int(at), float(np.median(ahead))
    stretches.append((begin, int(part[-1])))
    return stretches


def _half_cycle(first: int, last: int, time: Floats, voltage: Floats, current: Floats) -> Polarity:
    kept = slice(first, last + 1)
    t, i = time[kept], current[kept]
    sign = int(np.sign(np.median(i)))
    eta = sign * voltage[kept]
    count = len(eta)
    settled = min(max(1, int(SETTLING * count)), count - 3)
    later, when = eta[settled:], t[settled:]
    ends = max(1, count // 20)
    smooth = _median(later, 5)
    drop = _drop(smooth)
    half = smooth[: max(len(smooth) // 2, 1)]
    highest = float(np.max(half))
    end = float(np.median(eta[-ends:]))
    noise = noise_of(later) if len(later) > 4 else 0.0
    duration = float(t[-1] - t[0])
    mean = float(np.trapezoid(later, when) / (when[-1] - when[0])) if when[-1] > when[0] else float(later.mean())
    return Polarity(
        first, last, sign, float(t[0]), duration, float(np.mean(np.abs(i))), float(np.trapezoid(np.abs(i), t)),
        float(np.median(smooth[: max(1, len(smooth) // 20)])), mean, end, float(smooth.min()), float(smooth.max()),
        drop, 1.0 - end / highest if highest > 0.0 else float("nan"), noise,
    )  # fmt: skip


def _drop(smooth: Floats) -> float:
    """Largest fall within a fiftieth of the half cycle that lasts to its end, over the value before."""
    # a long half cycle by medians of blocks: a drop is as large in them
    width = len(smooth) // 500
    if width > 1:
        smooth = np.median(smooth[: len(smooth) // width * width].reshape(-1, width), axis=1)
    reach = max(3, int(SUDDEN * len(smooth)))
    if len(smooth) < 2 * reach:
        return 0.0
    medians = np.median(np.lib.stride_tricks.sliding_window_view(smooth, reach), axis=1)
    before, after = medians[:-reach], medians[reach:]
    fall = np.where(before > 0.0, 1.0 - after / np.where(before > 0.0, before, 1.0), 0.0)
    drop = 0.0
    for at in np.argsort(fall)[::-1][:20]:
        if fall[at] > drop:
            rest = float(np.median(smooth[at + reach :]))
            drop = max(drop, min(float(fall[at]), 1.0 - rest / float(before[at])))
    return drop


def _median(values: Floats, width: int) -> Floats:
    if len(values) < width:
        return values
    padded = np.pad(values, width // 2, mode="edge")
    medians: Floats = np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
    return medians
