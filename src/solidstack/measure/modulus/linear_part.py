"""The linear part of stress over strain."""

from typing import Any

import numpy as np

from ...errors import MeasurementError
from ...tables import Table
from ..statistics import Estimate, line
from .columns import Floats

LINEAR = 0.03
"""Relative difference between the slope of either end (a third each) and the whole, up to which a part is straight."""
STEEP = 0.9
"""Share of the steepest slope that the linear part must reach: excludes the toe, and hardening after yield."""
PART = 0.1
"""Share of the largest stress that a linear part must span."""
POINTS = 8
"""Fewest points of a linear part and of a table."""
BLOCKS = 240
"""Points to which a curve is averaged before its linear part is searched."""


def linear_part(table: Table, strain: Floats, stress: Floats, warnings: list[str]) -> tuple[int, int, Estimate, bool]:
    """First and last point of the linear part, the line through it, and whether no part is straight."""
    top = int(np.argmax(stress))
    if top < POINTS - 1 or not float(stress[top]) > float(stress[0]):
        msg = f"stress does not rise over {POINTS} points; use a loading curve from 0, with positive stress"
        raise MeasurementError(msg, source=table.source)
    least, until = PART * float(np.ptp(stress[: top + 1])), top
    longest = _longest(strain[: until + 1], stress[: until + 1], least)
    for _ in range(6):
        # where the curve extends far beyond its linear part, search again with finer points around it
        if longest is None or longest[1] - longest[0] <= BLOCKS // 4 or longest[1] * 3 >= until:
            break
        until = min(until, longest[1] * 2)
        longest = _longest(strain[: until + 1], stress[: until + 1], least)
    if longest is None:
        msg = "stress does not rise with strain; use a loading curve from 0, with positive stress"
        raise MeasurementError(msg, source=table.source)
    begin, end, tolerance = longest
    if tolerance > LINEAR:
        warnings.append(
            f"no part is straight within {100 * LINEAR:g} %: the slope of the one used changes by up to "
            f"{100 * tolerance:g} %; the modulus is a mean over it"
            if np.isfinite(tolerance)
            else "no part of the curve is straight: the modulus is that of the steepest part, and is not saved as a "
            "material property"
        )
    bent = not np.isfinite(tolerance)
    return begin, end, line(strain[begin : end + 1], stress[begin : end + 1]), bent


def _longest(strain: Floats, stress: Floats, least: float) -> tuple[int, int, float] | None:
    """First and last point of the longest straight part that spans a stress, and its tolerance; None without a rise."""
    places = np.unique(np.linspace(0, len(strain), min(len(strain), BLOCKS) + 1).astype(np.int64))
    width = np.diff(places)
    x, y = (np.add.reduceat(values, places[:-1]) / width for values in (strain, stress))
    scatter = _scatter(x, y)
    sums = [np.concatenate([[0.0], np.cumsum(values)]) for values in (np.ones_like(x), x, y, x * x, x * y)]

    def slopes(first: Any, last: Any) -> tuple[Any, Any]:
        """Slope of the blocks from first up to last, and the sum of squares of strain about its mean."""
        n, sx, sy, sxx, sxy = (total[last] - total[first] for total in sums)
        with np.errstate(divide="ignore", invalid="ignore"):
            about = sxx - sx * sx / n
            return np.where(about > 0.0, (sxy - sx * sy / n) / about, 0.0), about

    first, last = np.triu_indices(len(x) + 1, min(POINTS, max(len(x) // 2, 3)))
    slope, about = slopes(first, last)
    wide = (slope * (x[last - 1] - x[first]) >= least) & (slope > 0.0)
    if not wide.any():
        wide = slope > 0.0
    if not wide.any():
        return None
    first, last, slope, about = first[wide], last[wide], slope[wide], about[wide]
    # the steepest slope of a noisy curve is noise: its deviation is subtracted
    steepest = float(np.max(slope - 2.0 * scatter / np.sqrt(np.maximum(about, 1e-300))))
    third = np.maximum((last - first) // 3, 2)
    apart, spread = np.zeros(len(slope)), np.zeros(len(slope))
    for begin, end in ((first, first + third), (last - third, last)):
        part, size = slopes(begin, end)
        with np.errstate(divide="ignore", invalid="ignore"):
            deviation = np.where(size > 0.0, scatter / np.sqrt(size), np.inf)
        off = np.abs(part - slope)
        # within the tolerance, or within the scatter where that is wider
        apart = np.maximum(apart, off)
        spread = np.maximum(spread, deviation)
    for tolerance in (LINEAR, 0.1, 0.3):
        straight = (apart <= tolerance * slope) | (apart <= spread)
        fit = np.flatnonzero(straight & (slope >= STEEP * steepest))
        if len(fit):
            best = fit[int(np.argmax(x[last[fit] - 1] - x[first[fit]]))]
            return int(places[first[best]]), int(places[last[best]]) - 1, tolerance
    best = int(np.argmax(slope))
    return int(places[first[best]]), int(places[last[best]]) - 1, float("inf")


def _scatter(x: Floats, y: Floats) -> float:
    """Standard deviation of a point about its neighbours' line."""
    if len(x) < 5:
        return 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(x[2:] > x[:-2], (x[1:-1] - x[:-2]) / (x[2:] - x[:-2]), 0.5)
    left = y[1:-1] - (1.0 - part) * y[:-2] - part * y[2:]
    return float(1.4826 * np.median(np.abs(left) / np.sqrt(1.0 + (1.0 - part) ** 2 + part**2)))


def change_of_slope(strain: Floats, stress: Floats, begin: int, end: int, slope: float) -> float:
    """Largest difference between the slope of an end (a third) of the linear part and the whole, Pa."""
    third = max((end + 1 - begin) // 3, 2)
    ends = [slice(begin, begin + third), slice(end + 1 - third, end + 1)]
    return max(
        abs(float(line(strain[end], stress[end]).values[1]) - slope) for end in ends if np.ptp(strain[end]) > 0.0
    )
