"""The current at the instant at which a voltage is applied, extrapolated from its fall."""

from typing import Any

import numpy as np
from scipy import optimize, special

from ..errors import MeasurementError
from ..units import UA
from .records import Record
from .statistics import Estimate, quantile
from .steady import OUTLIER, WAVY, Floats, Steady

LEAST_EARLY = 5
"""Points of it before half of the fall."""
FASTEST = 1.0 / 1000.0
"""Share of the time before which no half of the fall is sought: hours of polarisation, seconds of charging."""
EARLY = 0.5
"""Share of the fall of the current within which it follows the square root of time."""
LATEST = 0.65
"""The same where the electrolyte takes so much of the voltage at last that the current falls before that."""
REACH = 0.2
"""Share of the diffusion time (square of half the thickness over the diffusivity) up to which a half space holds: the
other electrode then changes the current by exp(-1/0.2), under 1 %."""
SHARE = 0.8
"""Of the voltage that the interfaces may take: beyond it a small error of their resistance is a large one of t."""
GROWTH = 0.05
"""Relative change of the interfaces during the polarisation that is worth a remark."""
GROWN = 0.1
"""Standard deviation of the initial current, as a share of what the growth of the interfaces takes off the current. An
exact cell whose interfaces grow in 1/30 to 3 times the diffusion time has errors of 0 to 0.19."""


def ampere(value: float) -> str:
    """Write a current in microamperes."""
    return f"{UA.of(value):.4g} {UA.symbol}"


def initial(t: Floats, current: Floats, tail: Steady, record: Record) -> tuple[Estimate, Any]:
    r"""Find the current at time 0 of the polarisation of concentrations.

    A resistance in series with diffusion into a half space takes the current

    .. math::
        I(t) = I_0 \exp(a^2 t) \operatorname{erfc}(a \sqrt t)

    which is fitted to the first half of the fall, before the other electrode is felt. From later points to earlier
    ones, the first that lies off the curve ends it (charging of the interfaces, range of the instrument), and as much
    time again is left out, for what is left of it within the scatter.

    Returns
    -------
    Estimate
        I_0 in A and a in s^-1/2.
    array of int
        Which points were taken.

    Raises
    ------
    MeasurementError
        Too few points before half of the fall.
    """
    root = np.sqrt(np.maximum(t, 0.0))
    times, means, level = _smoothed(t, current)
    guess, deviation = _guess(times, means, level, tail)
    fit: tuple[Estimate, Any] | None = None
    last = float("inf")
    count = 0
    for _ in range(8):
        end = _fallen(times, level, guess, deviation, tail, EARLY)
        count = int(np.searchsorted(t, end, side="right"))
        if count < LEAST_EARLY + 1:
            # few points: as many as it takes, if they are not too late
            count = LEAST_EARLY + 1
            if t[count] > _fallen(times, level, guess, deviation, tail, LATEST):
                fit = None
                break
        fit = _backwards(root[:count], current[:count])
        again, deviation = fit[0].propagate(0)
        change, guess = abs(again - guess), again
        if change < 1e-3 * abs(again) or change >= last:
            break
        last = change
    if fit is not None and guess > tail.limit:
        # the other electrode is felt from a fifth of the diffusion time on, also where that is later
        reached = REACH * ((guess / tail.limit - 1.0) / max(float(fit[0].values[1]), 1e-12)) ** 2
        end = min(reached, _fallen(times, level, guess, deviation, tail, LATEST))
        longer = int(np.searchsorted(t, end, side="right"))
        if longer > count:
            fit = _backwards(root[:longer], current[:longer])
    while fit is not None and is_wavy(root, current, fit):
        # the curve does not hold as long as that
        count = int(0.7 * (fit[1][-1] + 1))
        if count < LEAST_EARLY + 1:
            break
        fit = _backwards(root[:count], current[:count])
    if fit is None or not fit[0].values[0] > 0.0:
        msg = (
            "has too few points before half of the fall of the current to find the initial current from; record the "
            "first minutes more often, or give it, as dV/(R_0 + R_bulk) of the spectrum before"
        )
        raise MeasurementError(msg, source=record.source)
    return fit


def is_wavy(root: Floats, current: Floats, fit: tuple[Estimate, Any]) -> bool:
    """Whether neighbours lie off the curve on the same side."""
    fitted, used = fit
    left = current[used] - half_space(root[used], float(fitted.values[0]), float(fitted.values[1]))
    return len(left) >= 8 and bool(np.mean(np.diff(left) ** 2) < WAVY * np.var(left))


def lack_of_fit(root: Floats, current: Floats, fit: tuple[Estimate, Any]) -> float:
    """How far the current at time 0 by the first third of the points is from that by all, beyond the scatter."""
    fitted, used = fit
    first = used[: max(int(np.searchsorted(root[used], root[used[-1]] / np.sqrt(3.0))), LEAST_EARLY)]
    if len(first) >= len(used):
        return 0.0
    other, deviation = _fit(root[first], current[first]).propagate(0)
    value, known = fitted.propagate(0)
    # of one part of the points and all of them, the difference has the difference of the variances
    scatter = quantile(len(first) - 2.0) * np.sqrt(max(deviation**2 - known**2, 0.0))
    return max(0.0, abs(other - value) - float(scatter))


def _smoothed(t: Floats, current: Floats) -> tuple[Floats, Floats, Floats]:
    """Times that are even in the logarithm, means about them, and the nearest curve that never rises."""
    edges = np.geomspace(max(t[-1] * FASTEST / 10.0, 0.5 * float(t[t > 0.0][0])), t[-1], 150)
    begin = np.flatnonzero(np.diff(np.searchsorted(edges, t), prepend=-1))
    counts = np.diff(begin, append=len(t))
    times, means = np.add.reduceat(t, begin) / counts, np.add.reduceat(current, begin) / counts
    return times, means, np.asarray(optimize.isotonic_regression(means, weights=counts, increasing=False).x)


def _guess(times: Floats, means: Floats, level: Floats, tail: Steady) -> tuple[float, float]:
    """Find about where the last fall of the current begins: from later times to earlier ones; and how well."""
    root = np.sqrt(np.maximum(times, 0.0))
    end = float(times[-1])
    while end > times[-1] * FASTEST:
        count = int(np.searchsorted(times, end))
        if count < LEAST_EARLY + 2:
            break
        fitted, _ = _backwards(root[:count], means[:count], 4)
        value, deviation = fitted.propagate(0)
        fall = value - tail.limit
        if (
            fall > 4.0 * np.hypot(deviation, tail.limit_deviation)
            and level[count - 1] - tail.limit >= (1.0 - EARLY) * fall
        ):
            return value, deviation
        end /= 1.8
    return tail.limit, tail.limit_deviation


def _fallen(times: Floats, level: Floats, initial: float, deviation: float, tail: Steady, share: float) -> float:
    """Time at which the current has lost a share of what it loses."""
    fall = initial - tail.limit
    if fall < 3.0 * np.hypot(deviation, tail.limit_deviation):
        return float(times[-1]) / 10.0  # no fall to speak of
    below = level < tail.limit + (1.0 - share) * fall
    return float(times[np.argmax(below)] if below.any() else times[-1])


def half_space(root: Floats, initial: float, rate: float) -> Floats:
    """Current over the root of time (s^1/2): I_0 (A) times exp(a^2 t) erfc(a t^1/2), a in s^-1/2."""
    values: Floats = initial * special.erfcx(rate * root)
    return values


def _backwards(root: Floats, current: Floats, most: int = 12) -> tuple[Estimate, Any]:
    """Fit the later points, then take earlier ones (in `most` steps) as long as they lie on the curve."""
    # the very first point is taken only where it lies on the curve of the others
    begin = max(1, min(int(np.searchsorted(root, root[-1] / 3.0)), len(root) - LEAST_EARLY))
    blocks = np.array_split(np.arange(begin), min(begin, most))
    fitted = _fit(root[begin:], current[begin:])
    for block in reversed(blocks):
        predicted, spread = _predicted(fitted, root[block])
        off = float(np.max(np.abs(current[block] - predicted) / spread))
        if off > OUTLIER * (1.0 + 2.0 / fitted.degrees):
            last = int(block[np.flatnonzero(np.abs(current[block] - predicted) / spread > OUTLIER)[-1]])
            begin = max(last + 2, int(np.searchsorted(root, np.sqrt(2.0) * root[last])))
            begin = min(begin, len(root) - LEAST_EARLY)
            fitted = _fit(root[begin:], current[begin:])
            break
        begin = int(block[0])
        fitted = _fit(root[begin:], current[begin:], fitted)
    return fitted, np.arange(begin, len(root))


def _slopes(p: Floats, root: Floats) -> Floats:
    """Derivatives of the curve by I_0 and a."""
    z = p[1] * root
    curve = special.erfcx(z)
    slopes: Floats = np.column_stack([curve, p[0] * root * (2.0 * z * curve - 2.0 / np.sqrt(np.pi))])
    return slopes


def _fit(root: Floats, current: Floats, start: Estimate | None = None) -> Estimate:
    """Least squares by Gauss and Newton: the curve is nearly a line in the root of time."""
    if start is None:
        x, y = root - root.mean(), current - current.mean()
        slope = float(x @ y) / (float(x @ x) or 1.0)
        intercept = float(current.mean()) - slope * float(root.mean())
        p = np.array([intercept, max(-0.5 * np.sqrt(np.pi) * slope / intercept, 0.0) if intercept > 0.0 else 0.0])
    else:
        p = start.values.copy()
    for _ in range(20):
        slopes = _slopes(p, root)
        scale = np.sqrt(np.einsum("ij,ij->j", slopes, slopes))
        scale[scale == 0.0] = 1.0
        slopes = slopes / scale
        # with a trifle on the diagonal, for two directions that are one
        square = slopes.T @ slopes + 1e-15 * np.eye(2)
        change = np.linalg.solve(square, slopes.T @ (current - half_space(root, p[0], p[1]))) / scale
        # far below 0 the curve grows without bound
        change[1] = max(change[1], -0.5 * abs(p[1]) - 0.05 / root[-1])
        p = p + change
        p[1] = min(max(p[1], -0.5 / root[-1]), 1e3 / root[-1])
        if np.all(np.abs(change) <= 1e-7 * np.abs(p)):
            break
    left = current - half_space(root, p[0], p[1])
    degrees = len(root) - 2.0
    squares = float(left @ left)
    slopes = _slopes(p, root)
    scale = np.linalg.norm(slopes, axis=0)
    scale[scale == 0.0] = 1.0
    square = (slopes / scale).T @ (slopes / scale) + 1e-15 * np.eye(2)
    inverse = np.linalg.inv(square) / np.outer(scale, scale)
    return Estimate(p, inverse * squares / degrees, degrees, squares)


def _predicted(fitted: Estimate, root: Floats) -> tuple[Floats, Floats]:
    """Curve and the standard deviation of a new point about it."""
    p = fitted.values
    slopes = _slopes(p, root)
    variance = np.einsum("ij,jk,ik->i", slopes, fitted.covariance, slopes) + fitted.sum_of_squares / fitted.degrees
    predicted = half_space(root, float(p[0]), float(p[1]))
    # rounding of numbers without scatter is not an outlier
    return predicted, np.maximum(np.sqrt(variance), 1e-4 * np.abs(predicted))
