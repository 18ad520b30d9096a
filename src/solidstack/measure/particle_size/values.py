"""Percentiles, means, the log-normal fit and the modes of a distribution by volume."""

import numpy as np
from scipy.signal import find_peaks
from scipy.special import ndtr

from ...units import M2_CM3, ONE, PERCENT, UM
from ..result import Fitted
from ..statistics import least_squares, quantile
from .tables import FALL, POINTS, Floats

MISFIT = 0.05
"""Largest distance between two cumulative distributions that count as equal."""
MODE = 0.1
"""Prominence of a maximum, relative to the highest, from which it counts as a mode."""


def percentile_of(edges: Floats, cumulative: Floats, share: float) -> tuple[float, float, float]:
    """Diameter below which a share lies, and the edges of its class (of both classes at an edge), m."""
    at = int(np.searchsorted(cumulative, share).clip(1, len(cumulative) - 1))
    below, above = float(cumulative[at - 1]), float(cumulative[at])
    part = (share - below) / (above - below) if above > below else 0.5
    value = float(np.exp(np.log(edges[at - 1]) + part * np.log(edges[at] / edges[at - 1])))
    last = len(cumulative) - 1
    low = edges[int((np.searchsorted(cumulative, share - FALL) - 1).clip(0, last))]
    high = edges[int(np.searchsorted(cumulative, share + FALL, side="right").clip(0, last))]
    return value, min(float(low), value), max(float(high), value)


def values_of(edges: Floats, cumulative: Floats, warnings: list[str]) -> tuple[dict[str, Fitted], float, float]:
    """Values by name, and median and deviation of the log-normal fit."""
    values: dict[str, Fitted] = {}
    points = {share: percentile_of(edges, cumulative, share / 100.0) for share in (10, 50, 90)}
    for name in (50, 10, 90):
        values[f"d{name}"] = Fitted(f"D{name} by volume", *points[name], UM)
    (d10, l10, h10), (d50, l50, h50), (d90, l90, h90) = (points[share] for share in (10, 50, 90))
    values["span"] = Fitted("Span", (d90 - d10) / d50, max(l90 - h10, 0.0) / h50, (h90 - l10) / l50, ONE)
    share = np.diff(cumulative)
    low, high = edges[:-1], edges[1:]
    # means over a class in which the volume is uniform over the logarithm
    wide = np.log(high / low)
    mean, inverse = (high - low) / wide, (1.0 / low - 1.0 / high) / wide
    values["d43"] = Fitted("D[4,3], mean by volume", float(share @ mean), float(share @ low), float(share @ high), UM)
    values["d32"] = Fitted(
        "D[3,2], mean by surface (Sauter)",
        1.0 / float(share @ inverse), 1.0 / float(share @ (1.0 / low)), 1.0 / float(share @ (1.0 / high)), UM,
    )  # fmt: skip
    sauter = values["d32"]
    values["specific_surface"] = Fitted(
        "Surface per volume of the particles", 6.0 / sauter.value, 6.0 / sauter.high, 6.0 / sauter.low, M2_CM3
    )
    median, deviation = _log_normal(edges, cumulative, values, warnings)
    _modes(edges, cumulative, warnings)
    coarse = (h50 - l50) / d50
    if coarse > 0.5:
        warnings.append(
            f"the width of the class of D50 is {100.0 * coarse:.3g} % of D50: the table is coarse; export the finest "
            "channels"
        )
    return values, median, deviation


def _log_normal(
    edges: Floats, cumulative: Floats, values: dict[str, Fitted], warnings: list[str]
) -> tuple[float, float]:
    """Fit a log-normal distribution to the shares of the classes, with a warning where it does not hold."""
    logarithm, share = np.log(edges), np.diff(cumulative)
    low, high = (float(np.interp(at, cumulative, logarithm)) for at in (ndtr(-1.0), ndtr(1.0)))
    start = np.array([float(np.interp(0.5, cumulative, logarithm)), max(0.5 * (high - low), 1e-3)])
    inner = (cumulative[1:] > 0.0) & (cumulative[:-1] < 1.0)

    def residual(p: Floats) -> Floats:
        left: Floats = (np.diff(ndtr((logarithm - p[0]) / p[1])) - share)[inner]
        return left

    half = [np.nan, np.nan]
    median, deviation = float(start[0]), float(start[1])
    if int(inner.sum()) > POINTS:
        try:
            fit = least_squares(residual, start, lower=[-np.inf, 1e-4], upper=[np.inf, 10.0])
            median, deviation = (float(value) for value in fit.values)
            half = [quantile(fit.degrees) * fit.propagate(at)[1] for at in (0, 1)]
        except RuntimeError:
            warnings.append(
                "no log-normal distribution could be fitted; its parameters are taken from D16, D50 and D84"
            )
    for name, label, value, spread, unit in (
        ("log_normal_median", "Median of the log-normal fit", median, half[0], UM),
        ("log_normal_deviation", "Geometric standard deviation of the log-normal fit", deviation, half[1], ONE),
    ):
        ends = [float(np.exp(value + sign * spread)) for sign in (0.0, -1.0, 1.0)]
        values[name] = Fitted(label, ends[0] if np.isfinite(spread) else float(np.exp(value)), ends[1], ends[2], unit)
    distance = float(np.max(np.abs(ndtr((logarithm - median) / deviation) - cumulative)))
    values["log_normal_distance"] = Fitted(
        "Largest distance of the cumulative distribution from the log-normal fit", distance, np.nan, np.nan, PERCENT
    )
    if distance > MISFIT:
        warnings.append(
            f"the distribution is not log-normal (up to {100.0 * distance:.3g} % of the volume apart): use D10, D50 "
            "and D90, not the fit"
        )
    return float(np.exp(median)), deviation


def _modes(edges: Floats, cumulative: Floats, warnings: list[str]) -> None:
    density = np.diff(cumulative) / np.diff(np.log(edges))
    padded = np.concatenate([[0.0], density, [0.0]])
    places, _ = find_peaks(padded, prominence=MODE * float(density.max()))
    if len(places) > 1:
        middle = np.sqrt(edges[1:] * edges[:-1])[places - 1]
        sizes = ", ".join(f"{UM.of(diameter):.3g} um" for diameter in middle)
        warnings.append(f"the distribution has {len(places)} modes, at {sizes}: agglomerates, fines, or two powders")
