"""Currents at constant voltage: where the voltage is constant, and what the current falls to."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..errors import MeasurementError
from .records import VOLTAGE, Record
from .statistics import line, robust_deviation

Floats = NDArray[np.float64]
LEAST = 20
"""Points of a polarisation."""
TAIL = 0.1
"""Share of the time whose mean is the steady current."""
STEADY, FALLING = 0.01, 0.10
"""Change of the current over that share from which it is doubtful, and from which it is refused."""
LEFT = 0.005
"""Share of the current that it will still lose, from which that is worth a remark."""
LATE = 0.6
"""Share of the time, at its end, through which an exponential is fitted: it gives what the current will still lose."""
RATES = 1.0, 30.0
"""Exponents of it over that time. Slower ones are a line and have no visible end. Faster ones leave nothing to lose."""
BLOCKS = 50
"""Medians that it is fitted to."""
CERTAIN = 0.995
"""Level at which a constant is rejected for it."""
CONSTANT = 0.10
"""Share of the voltage within which it counts as constant."""
SPIKE = 5.0
"""Standard deviations from a line at which a point of the tail is a spike."""
WAVY = 1.0
"""Squared difference of neighbours over the variance, 2 for scatter, below which points swing about the curve."""
OUTLIER = 4.5
"""Standard deviations from the curve of later points at which an early point is capacitive or of the instrument."""


@dataclass(frozen=True)
class Steady:
    """The end of a current at constant voltage.

    Attributes
    ----------
    value, deviation : float
        Mean of the last tenth of the time, and its standard deviation as a steady current (with `left`), A.
    left, left_deviation : float
        What that mean will still lose, by an exponential through the last 60 % of the time, A; below 0 where the
        current rises, 0 where the scatter shows none. Its standard deviation is half of it at least: the approach may
        be slower than an exponential.
    begin : float
        Where the tail begins, s.
    points : int
        In it.
    drift : float
        Change of the current over the tail, over its mean; below 0 where its size falls.
    drift_deviation : float
        Standard deviation of that.
    per_hour : float
        Relative change per time, 1/s.
    scatter : float
        Standard deviation of a point, A.
    """

    value: float
    deviation: float
    left: float
    left_deviation: float
    begin: float
    points: int
    drift: float
    drift_deviation: float
    per_hour: float
    scatter: float

    @property
    def certain(self) -> float:
        """Size of the drift that is beyond its own 95 % interval."""
        return max(0.0, abs(self.drift) - 1.96 * self.drift_deviation)

    @property
    def limit(self) -> float:
        """Current that it approaches, A."""
        return self.value - self.left

    @property
    def limit_deviation(self) -> float:
        """Standard deviation of `limit`, A."""
        return float(np.hypot(self.scatter / np.sqrt(self.points), self.left_deviation))


def steady(time: Floats, current: Floats, source: str = "") -> Steady:
    """Mean current of the last tenth of the time, and how much it still changes there.

    Parameters
    ----------
    time, current : array, shape (n,)
        s and A; at least 5 points in the last tenth, or else the last 5 are taken.
    source : str
        The file, for an error.

    Raises
    ------
    MeasurementError
        Time stands still there.
    """
    begin = min(time[-1] - TAIL * (time[-1] - time[0]), time[-5])
    tail = time >= begin
    t, values = time[tail], current[tail]
    if np.unique(t).size < 3:
        msg = f"time stands still at {t[-1]:g} s in the last tenth of the current; give the times of the points"
        raise MeasurementError(msg, source=source)
    kept = _with_others(t, values)
    t, values = t[kept], values[kept]
    mean = float(values.mean())
    fitted = line(t, values)
    slope, slope_deviation = fitted.propagate(1)
    scatter = float(np.sqrt(fitted.sum_of_squares / fitted.degrees))
    span = float(t[-1] - t[0])
    size = abs(mean) or float("nan")
    drift = slope * span / size * np.sign(mean)
    left, left_deviation = _still_to_lose(time, current, float(begin))
    lost = max(0.0, abs(slope) - 1.96 * slope_deviation) * span / np.sqrt(3.0)
    left_deviation = max(left_deviation, 0.5 * abs(left), lost)
    deviation = float(np.linalg.norm([scatter / np.sqrt(len(t)), left, left_deviation]))
    return Steady(
        mean, deviation, left, left_deviation, float(begin), len(t), float(drift), slope_deviation * span / size,
        float(drift / span) if span else float("nan"), scatter,
    )  # fmt: skip


def _still_to_lose(time: Floats, current: Floats, begin: float) -> tuple[float, float]:
    r"""What the mean from `begin` on is above the end of an exponential, and its standard deviation, A.

    Late in a polarisation its slowest term is left: :math:`I = I_\infty + C \exp(-kt)`, fitted to medians of the last
    60 % of the time. A loss L within the tail of length s leaves L/ks above the end, several times L where k s is
    small. Over k, which the scatter may leave open, the fits are averaged by their likelihood.
    """
    late = time >= time[-1] - LATE * (time[-1] - time[0])
    t, values = time[late], current[late]
    count = min(BLOCKS, len(t))
    t, values = (np.array([np.median(part) for part in np.array_split(of, count)]) for of in (t, values))
    degrees = count - 3.0
    first, span = t[0], t[-1] - t[0]
    if degrees < 2.0 or np.unique(t).size < 5:
        return 0.0, 0.0
    rates = np.geomspace(*RATES, 200)[:, None]
    decay = np.exp(-rates * (t - first) / span)
    above = decay - decay.mean(axis=1, keepdims=True)
    centred = values - values.mean()
    squared = np.sum(above**2, axis=1)
    size = above @ centred / squared
    squares = np.sum((centred - size[:, None] * above) ** 2, axis=1)
    # rounding is not scatter
    floor = (1e-9 * float(np.max(np.abs(values)))) ** 2
    variance = float(squares.min()) / degrees + floor
    if (float(centred @ centred) - float(squares.min())) / (2.0 * variance) < stats.f.ppf(CERTAIN, 2.0, degrees):
        return 0.0, 0.0
    ends = np.exp(-rates * (np.array([begin, time[-1]]) - first) / span)
    mean = (ends[:, 0] - ends[:, 1]) / (rates[:, 0] * (time[-1] - begin) / span)
    likely = np.exp(-0.5 * (squares - squares.min()) / variance)
    likely /= likely.sum()
    left = float(likely @ (size * mean))
    return left, float(np.sqrt(likely @ ((size * mean - left) ** 2 + variance / squared * mean**2)))


def _with_others(t: Floats, values: Floats) -> Any:
    """Return which points lie with the others about a line: spikes of the instrument hide a drift."""
    kept = np.ones(len(t), bool)
    for _ in range(3):
        if kept.sum() < 5 or np.unique(t[kept]).size < 3:
            return np.ones(len(t), bool)
        intercept, slope = line(t[kept], values[kept]).values
        off = np.abs(values - intercept - slope * t)
        scatter = robust_deviation(off[kept])
        kept = off <= SPIKE * max(scatter, 1e-6 * float(np.max(np.abs(values))))
    return kept if kept.sum() >= 5 and np.unique(t[kept]).size >= 3 else np.ones(len(t), bool)


def constant_voltage(record: Record) -> tuple[int, int, float]:
    """Find the first and last point at constant voltage, and what was applied (less the rest before), V.

    Raises
    ------
    MeasurementError
        The voltage is not constant.
    """
    E = record.values(VOLTAGE)
    high = np.abs(E) > 0.5 * np.max(np.abs(E))
    level = float(np.median(E[high])) if high.any() else 0.0
    if level == 0.0:
        msg = "the voltage is 0 throughout; expected a polarisation at constant voltage"
        raise MeasurementError(msg, source=record.source)
    constant = np.abs(E - level) <= CONSTANT * abs(level)
    first, last = int(np.argmax(constant)), len(E) - 1 - int(np.argmax(constant[::-1]))
    share = float(np.mean(constant[first : last + 1]))
    if share < 0.9 or np.sum(constant) < 0.5 * np.sum(high):
        inside = E[first : last + 1]
        msg = (
            f"the voltage is not constant: {1e3 * inside.min():.4g} to {1e3 * inside.max():.4g} mV. Expected a "
            "polarisation at constant voltage (chronoamperometry)"
        )
        raise MeasurementError(msg, source=record.source)
    before = E[:first]
    quiet = before[np.abs(before) < 0.1 * abs(level)]
    return first, last, float(level - (np.median(quiet) if len(quiet) >= 3 else 0.0))
