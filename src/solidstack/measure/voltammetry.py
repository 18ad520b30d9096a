"""Linear sweeps and cyclic voltammetry: limits of stability, peaks and what their size follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, signal

from ..errors import MeasurementError
from ..units import (
    CURRENT_DENSITY,
    MA,
    MA_ROOT,
    MILLICOULOMB,
    MV,
    MV_S,
    ONE,
    UA_CM2,
    Unit,
    V,
    text,
)
from ..units import (
    VOLTAGE as VOLTAGE_KIND,
)
from .records import CURRENT, TIME, VOLTAGE, Record
from .result import Fitted, Property, Result, Series
from .statistics import Estimate, line

Floats = NDArray[np.float64]

LEAST = 20
"""Points of a sweep."""
GRID = 400
"""Potentials at which a sweep is smoothed."""
TURN = 0.02
"""Share of the range of potential by which it has to go back to be a turn."""
SHORT = 0.10
"""Share of the range that a sweep has at least: less is the jump to its begin."""
SETTLING = 0.03
"""Share of a sweep at its begin that charges the interface."""
FLAT = 0.002
"""Share of the range of current by which a baseline may leave its line, beside the noise."""
STEEP = 0.9
"""Share of the steepest slope that belongs to the tangent."""
PROMINENT = 0.05
"""Share of the range of current by which a peak stands out."""
NOISE = 6.0
"""Standard deviations by which anything stands out of the noise."""
LEAST_RATE = 2.0
"""Ratio of scan rates from which their exponent means something."""

_SIDES = {1: "oxidation", -1: "reduction"}


@dataclass(frozen=True, eq=False)
class Sweep:
    """A stretch of one direction, turned so that potential and the wanted current rise.

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
        """Current that is above 0 for the reaction wanted."""
        return self.direction * self.current


def turns(potential: Floats) -> list[tuple[int, int, int]]:
    """Split a potential into stretches of one direction: first and last point, and 1 where it rises or -1.

    Examples
    --------
    >>> turns(np.array([0.0, 1.0, 2.0, 1.0, 0.0]))
    [(0, 2, 1), (2, 4, -1)]
    """
    back = TURN * float(np.ptp(potential))
    found: list[tuple[int, int, int]] = []
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
            found.append((begin, extreme, direction))
            begin, extreme, direction = extreme, at, -direction
    if direction:
        found.append((begin, extreme, direction))
    least = SHORT * float(np.ptp(potential))
    return [one for one in found if abs(potential[one[1]] - potential[one[0]]) >= least]


def _sweeps(record: Record) -> tuple[Record, list[Sweep]]:
    """Sweeps of a record, in order."""
    columns = (VOLTAGE, CURRENT, *((TIME,) if record.has(TIME) else ()))
    checked = record.in_order(*columns, least=LEAST)
    E, current = checked.values(VOLTAGE), checked.values(CURRENT)
    time = checked.values(TIME) if TIME in columns else np.full(len(E), np.nan)
    if not np.ptp(E) > 1e-3:
        msg = (
            f"the potential stays within {1e3 * np.ptp(E):.3g} mV; wanted is a sweep of potential (linear sweep or "
            "cyclic voltammetry)"
        )
        raise MeasurementError(msg, source=record.source)
    found = []
    for first, last, direction in turns(E):
        kept = slice(first, last + 1)
        if last + 1 - first >= LEAST:
            found.append(_sweep(direction, time[kept], E[kept], current[kept]))
    if not found:
        msg = (
            f"has no sweep of {LEAST} points in one direction; wanted is a potential that changes steadily. Record "
            "more often"
        )
        raise MeasurementError(msg, source=record.source)
    swept = sum(abs(one.potential[-1] - one.potential[0]) for one in found)
    travelled = float(np.abs(np.diff(E)).sum())
    steps = np.abs(np.diff(E))
    if swept < 0.5 * travelled or np.max(steps) > 0.5 * np.ptp(E):
        msg = (
            "the potential jumps instead of changing steadily; wanted is a sweep (linear sweep or cyclic voltammetry), "
            "not steps or constant current"
        )
        raise MeasurementError(msg, source=record.source)
    return checked, found


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
    third = np.diff(y, 3)
    noise = 1.4826 * float(np.median(np.abs(third))) / np.sqrt(20.0) if len(third) else 0.0
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


def _rate(sweep: Sweep) -> tuple[float, float]:
    """Scan rate and its standard deviation, V/s; nan without time."""
    good = np.isfinite(sweep.time)
    if good.sum() < 3 or np.unique(sweep.time[good]).size < 3:
        return float("nan"), float("nan")
    value, deviation = line(sweep.time[good], sweep.potential[good]).propagate(1)
    return abs(value), deviation


@dataclass(frozen=True, eq=False)
class Onset:
    """Where a current begins in a sweep.

    Attributes
    ----------
    sweep : Sweep
    baseline : Estimate or None
        Line before it: current over potential, both in the direction of the sweep. None where there is none.
    flat : tuple of float
        Begin and end of the baseline, V.
    tangent : Estimate or None
        Line at the steepest rise; None where there is no onset.
    steep : tuple of float
        Begin and end of the points of the tangent, V.
    by_tangent, by_threshold : Fitted
        Potentials, V; nan where there is none.
    """

    sweep: Sweep
    baseline: Estimate | None
    flat: tuple[float, float]
    tangent: Estimate | None
    steep: tuple[float, float]
    by_tangent: Fitted
    by_threshold: Fitted


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearSweep(Result):
    """Limits of stability from a linear sweep.

    Attributes
    ----------
    onsets : tuple of Onset
        One for each direction.
    area : float or None
        m2.
    threshold : float
        A/m2.
    """

    onsets: tuple[Onset, ...]
    area: float | None
    threshold: float

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "lsv"

    def properties(self) -> list[Property]:
        """Limits of oxidation and reduction that were reached, by the threshold or else by the tangent."""
        found = []
        for onset in self.onsets:
            limit = _limit(onset)
            # the library takes potentials against lithium only
            if np.isfinite(limit.value) and -1.0 <= limit.value <= 10.0:
                name = f"{_SIDES[onset.sweep.direction]}_limit"
                found.append(Property(name, {"value": text(round(limit.value, 4), VOLTAGE_KIND)}, limit.uncertainty))
        return found

    def data(self) -> Mapping[str, Series]:
        """The sweeps, as drawn."""
        shown = {}
        for onset in self.onsets:
            sweep = onset.sweep
            columns: dict[str, Any] = {"potential": sweep.potential, "current": sweep.current}
            shown[_SIDES[sweep.direction]] = Series(
                f"Sweep of {_SIDES[sweep.direction]}", columns, {"potential": V, "current": MA}
            )
        return shown


def _limit(onset: Onset) -> Fitted:
    return onset.by_threshold if np.isfinite(onset.by_threshold.value) else onset.by_tangent


def lsv(record: Record, *, area: float | None = None, threshold: float = 0.1) -> LinearSweep:
    """Find where oxidation and reduction begin in a linear sweep of potential.

    The tangent at the steepest rise of the current is cut with the baseline before the rise; and the current above
    the baseline reaches a threshold. Neither is a thermodynamic limit: both depend on scan rate, on the electrode's
    surface and on the threshold. A sweep without onset says that the limit is beyond its end.

    Parameters
    ----------
    record : Record
        Potential and current (above 0 for oxidation); of one direction or both. The first sweep of each is taken.
        Potentials are against the reference of the file.
    area : float, optional
        Of the electrode, m2; default: that of the record. Without one there is no threshold.
    threshold : float
        Current density above the baseline at the onset, A/m2; default 10 uA/cm2.

    Returns
    -------
    LinearSweep
        Values: `oxidation_onset`, `reduction_onset` (tangent), `oxidation_threshold`, `reduction_threshold`,
        `window` where both are known, `scan_rate`. A value is nan where there is no onset.

    Raises
    ------
    MeasurementError
        No sweep, missing columns, too few points, time that goes back.
    """
    area = record.area if area is None else record.with_sample(area=area).area
    if not (np.isfinite(threshold) and threshold > 0.0):
        msg = f"threshold: {text(float(threshold), CURRENT_DENSITY)} is not above 0; write for example 0.01 mA/cm^2"
        raise MeasurementError(msg, source=record.source)
    checked, sweeps = _sweeps(record)
    said = [said for said in checked.warnings if said not in record.warnings]
    if area is None:
        said.append("the area is not known, so the onset at a current density is not either; give --area")
    onsets: dict[int, Onset] = {}
    for sweep in sweeps:
        if sweep.direction not in onsets:
            onsets[sweep.direction] = _onset(sweep, area, threshold)
    again = len(sweeps) - len(onsets)
    if again:
        said.append(f"{again} later sweeps in the same directions were not analysed; cv analyses cycles")
    values: dict[str, Fitted] = {}
    for direction, onset in onsets.items():
        name = _SIDES[direction]
        values[f"{name}_onset"] = onset.by_tangent
        if area is not None:
            values[f"{name}_threshold"] = onset.by_threshold
        said += _said(onset, area, threshold)
    if len(onsets) == 2:
        values["window"] = _window(_limit(onsets[1]), _limit(onsets[-1]))
    rate, deviation = _rate(sweeps[0])
    values["scan_rate"] = Fitted("Scan rate", rate, rate - 1.96 * deviation, rate + 1.96 * deviation, MV_S)
    if not np.isfinite(rate):
        said.append("the file has no time, so the scan rate is not known")
    window: dict[str, Any] = {}
    for direction, onset in onsets.items():
        sweep, name = onset.sweep, _SIDES[direction]
        window[f"{name}_sweep_V"] = [round(float(end), 4) for end in (sweep.potential[0], sweep.potential[-1])]
        if onset.baseline is not None:
            window[f"{name}_baseline_V"] = [round(float(end), 4) for end in onset.flat]
    if area is not None:
        window["threshold_uA_cm2"] = float(UA_CM2.of(threshold))
    return LinearSweep(
        records=(record,),
        values=values,
        model="tangent at the steepest rise cut with the baseline"
        + (f"; {UA_CM2.of(threshold):g} uA/cm^2 above the baseline" if area is not None else ""),
        window=window,
        warnings=tuple(said),
        onsets=tuple(onsets.values()),
        area=area,
        threshold=threshold,
    )


def _window(oxidation: Fitted, reduction: Fitted) -> Fitted:
    value = oxidation.value - reduction.value
    half = float(np.hypot(oxidation.high - oxidation.low, reduction.high - reduction.low)) / 2.0
    return Fitted("Width of the window", value, value - half, value + half, V)


def _baseline(sweep: Sweep) -> tuple[int, int]:
    """First and last place on the grid of the longest line from the begin."""
    count = len(sweep.grid)
    first = max(1, int(SETTLING * count))
    allowed = float(np.hypot(1.5 * sweep.smooth_noise, FLAT * np.ptp(sweep.smooth)))
    for last in np.unique(np.geomspace(first + max(6, count // 25), count - 1, 60).astype(int))[::-1]:
        x, y = sweep.grid[first : last + 1], sweep.smooth[first : last + 1]
        centred = x - x.mean()
        left = y - y.mean() - centred * (centred @ y) / (centred @ centred)
        if np.sqrt(np.mean(left**2)) <= allowed and np.max(np.abs(left)) <= 4.0 * allowed:
            return first, int(last)
    return first, first


def _between(sweep: Sweep, low: float, high: float) -> tuple[Floats, Floats]:
    inside = (sweep.x >= low) & (sweep.x <= high)
    return sweep.x[inside], sweep.y[inside]


def _onset(sweep: Sweep, area: float | None, threshold: float) -> Onset:
    name = _SIDES[sweep.direction]
    nothing = float("nan")
    labels = (
        f"Onset of {name} by tangent",
        f"{name.capitalize()} at {UA_CM2.of(threshold):g} {UA_CM2.label}",
    )
    none = tuple(Fitted(label, nothing, nothing, nothing, V) for label in labels)
    grid = sweep.grid
    first, last = _baseline(sweep)
    if last - first < 5:
        return Onset(sweep, None, (nothing, nothing), None, (nothing, nothing), none[0], none[1])
    flat = (float(grid[first]), float(grid[last]))
    x, y = _between(sweep, *flat)
    if np.unique(x).size < 3:
        return Onset(sweep, None, (nothing, nothing), None, (nothing, nothing), none[0], none[1])
    baseline = line(x, y)
    if baseline.values[1] * np.ptp(grid) > 1.5 * np.ptp(sweep.smooth):
        # the begin is the steepest part: the reaction runs already
        return Onset(sweep, None, (nothing, nothing), None, (nothing, nothing), none[0], none[1])
    ends = (sweep.direction * flat[0], sweep.direction * flat[1])
    above = sweep.smooth - (baseline.values[0] + baseline.values[1] * grid)
    beyond = np.arange(len(grid)) >= last
    rise = float(np.max(above[beyond]))
    tangent, steep = None, (nothing, nothing)
    by_tangent, by_threshold = none
    if last < len(grid) - 2 and rise > max(NOISE * sweep.smooth_noise, 3.0 * FLAT * float(np.ptp(sweep.smooth))):
        tangent, steep, by_tangent = _tangent(sweep, baseline, above, last, labels[0])
    # a threshold within the noise is crossed anywhere
    clear = area is not None and threshold * area > 3.0 * sweep.smooth_noise
    if area is not None and clear and np.max(above[first:]) > threshold * area:
        by_threshold = _crossing(sweep, baseline, above, first, threshold * area, labels[1]) or none[1]
    return Onset(sweep, baseline, ends, tangent, steep, by_tangent, by_threshold)


def _tangent(
    sweep: Sweep, baseline: Estimate, above: Floats, last: int, label: str
) -> tuple[Estimate | None, tuple[float, float], Fitted]:
    """Line at the steepest rise before the first peak, and where it cuts the baseline."""
    grid, nothing = sweep.grid, float("nan")
    end = len(grid) - 1
    peaks, _ = signal.find_peaks(above[last:], prominence=0.2 * float(np.max(above[last:])))
    if len(peaks):
        end = last + int(peaks[0])
    steepest = last + int(np.argmax(sweep.slope[last : end + 1]))
    # the highest slope is high by chance, too: less by as much as that may be
    limit = STEEP * sweep.slope[steepest] - 4.0 * sweep.slope_noise
    low = high = steepest
    while low > last and sweep.slope[low - 1] >= limit:
        low -= 1
    while high < end and sweep.slope[high + 1] >= limit:
        high += 1
    x, y = _between(sweep, grid[low], grid[high])
    while len(x) < 5 and (low > 0 or high < len(grid) - 1):
        low, high = max(low - 1, 0), min(high + 1, len(grid) - 1)
        x, y = _between(sweep, grid[low], grid[high])
    if np.unique(x).size < 3:
        return None, (nothing, nothing), Fitted(label, nothing, nothing, nothing, V)
    tangent = line(x, y)
    steep = (sweep.direction * float(grid[low]), sweep.direction * float(grid[high]))
    return tangent, steep, _cut(baseline, tangent, 0.0, label, sweep.direction)


def _crossing(sweep: Sweep, baseline: Estimate, above: Floats, first: int, current: float, label: str) -> Fitted | None:
    """Potential at which the current is by that much above the baseline, and stays there."""
    over = above >= current
    stays = over & np.append(over[1:], True) & np.append(over[2:], [True, True])
    places = np.flatnonzero(stays[first:])
    if not len(places):
        return None
    at = first + int(places[0])
    low, high = max(at - 4, 0), min(at + 3, len(sweep.grid) - 1)
    x, y = _between(sweep, sweep.grid[low], sweep.grid[high])
    if np.unique(x).size < 3:
        return None
    found = _cut(baseline, line(x, y), current, label, sweep.direction)
    # a line through a flat stretch cuts far away; the smoothed curve is then better
    inside = sweep.grid[low] <= sweep.direction * found.value <= sweep.grid[high]
    if not inside:
        value = sweep.direction * float(
            np.interp(current, above[max(at - 1, 0) : at + 1], sweep.grid[max(at - 1, 0) : at + 1])
        )
        return Fitted(label, value, float("nan"), float("nan"), V)
    return found


def _cut(baseline: Estimate, other: Estimate, offset: float, label: str, direction: int) -> Fitted:
    """Potential at which a line is by `offset` above the baseline, with the interval of both lines."""
    covariance = np.zeros((4, 4))
    covariance[:2, :2], covariance[2:, 2:] = baseline.covariance, other.covariance
    both = Estimate(
        np.concatenate([baseline.values, other.values]), covariance, min(baseline.degrees, other.degrees)
    )  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):  # parallel lines cut nowhere
        found = both.fitted(lambda p: float((offset + p[0] - p[2]) / np.float64(p[3] - p[1])), label, V)
    low, high = sorted((direction * found.low, direction * found.high))
    return Fitted(label, direction * found.value, low, high, V)


def _said(onset: Onset, area: float | None, threshold: float) -> list[str]:
    sweep, name = onset.sweep, _SIDES[onset.sweep.direction]
    first, last = float(sweep.potential[0]), float(sweep.potential[-1])
    said = []
    if onset.baseline is None:
        said.append(
            f"no baseline before the {name}: the current bends from the begin at {first:.3g} V on, so there is no "
            "onset. Begin the sweep nearer to the open-circuit voltage"
        )
        return said
    if area is not None and threshold * area <= 3.0 * sweep.smooth_noise:
        said.append(
            f"{UA_CM2.of(threshold):g} uA/cm^2 is within the noise of the current ({UA_CM2.of(sweep.noise / area):.3g} "
            f"uA/cm^2 a point): no onset of {name} at that current; give a higher --threshold"
        )
    highest = float(np.max(sweep.smooth - (onset.baseline.values[0] + onset.baseline.values[1] * sweep.grid)))
    side = "above" if sweep.direction > 0 else "below"
    if onset.tangent is None and not np.isfinite(onset.by_threshold.value):
        how = f" ({UA_CM2.of(max(highest, 0.0) / area):.3g} uA/cm^2 over the baseline at most)" if area else ""
        said.append(f"no onset of {name} up to {last:.4g} V{how}: the limit is {side} {last:.4g} V")
        if float(np.max(-(sweep.smooth - onset.baseline.values[0] - onset.baseline.values[1] * sweep.grid))) > max(
            NOISE * sweep.smooth_noise, 0.3 * float(np.ptp(sweep.smooth))
        ):
            said.append(
                f"the current of the {name} sweep goes the other way: is a current of oxidation above 0 in this file?"
            )
    elif area is not None and not np.isfinite(onset.by_threshold.value) and highest < threshold * area:
        said.append(
            f"the current stays below {UA_CM2.of(threshold):g} uA/cm^2 over the baseline up to {last:.4g} V "
            f"({UA_CM2.of(highest / area):.3g} at most): by that measure the limit is {side} {last:.4g} V"
        )
    if (
        onset.tangent is not None
        and abs(onset.steep[1] - last) < 0.02 * abs(last - first)
        and abs(onset.steep[1] - onset.steep[0]) < 0.25 * abs(last - onset.by_tangent.value)
    ):
        said.append(
            f"the current of {name} is steepest at the end of the sweep: the tangent's onset moves with where the "
            "sweep ends; the one at a current density does not"
        )
    if min(first, last) < -1.0:
        said.append(
            f"potentials to {min(first, last):.3g} V are not against lithium: the values are no material's limits"
        )
    if (
        np.isfinite(onset.by_tangent.value)
        and np.isfinite(onset.by_threshold.value)
        and abs(onset.by_tangent.value - onset.by_threshold.value) > 0.3
    ):
        said.append(
            f"tangent and threshold differ by {abs(onset.by_tangent.value - onset.by_threshold.value):.2g} V for the "
            f"{name}: a slow rise precedes the steep one"
        )
    return said


@dataclass(frozen=True)
class Peak:
    """A peak of a sweep.

    Attributes
    ----------
    potential, current : Fitted
        V; A over the baseline, with its sign.
    baseline : tuple of float
        Intercept and slope of the line before it, current over potential as recorded, A and A/V.
    height : float
        Of the current itself, A.
    """

    potential: Fitted
    current: Fitted
    baseline: tuple[float, float]
    height: float


@dataclass(frozen=True, eq=False)
class Cycle:
    """Two sweeps that follow each other, with the highest peak of each.

    Attributes
    ----------
    record : int
        Place of its record.
    first, second : Sweep
    peaks : mapping of int to Peak
        By direction: 1 anodic, -1 cathodic.
    charges : mapping of int to float
        C; nan without time.
    rate, rate_deviation : float
        V/s.
    """

    record: int
    first: Sweep
    second: Sweep | None
    peaks: Mapping[int, Peak]
    charges: Mapping[int, float]
    rate: float
    rate_deviation: float

    def ratio(self) -> float:
        """Currents of reverse over forward peak, after Nicholson (doi 10.1021/ac60242a030)."""
        forward, reverse = self.first.direction, -self.first.direction
        if forward not in self.peaks or reverse not in self.peaks:
            return float("nan")
        over = abs(self.peaks[forward].current.value)
        switching = abs(float(np.median(self.first.y[-3:])) - self._line(self.first, self.peaks[forward]))
        back = abs(self.peaks[reverse].height)
        return float(back / over + 0.485 * switching / over + 0.086)

    @staticmethod
    def _line(sweep: Sweep, peak: Peak) -> float:
        intercept, slope = peak.baseline
        return sweep.direction * (intercept + slope * float(sweep.potential[-1]))


@dataclass(frozen=True, kw_only=True, eq=False)
class CyclicVoltammetry(Result):
    """Peaks of cyclic voltammetry.

    Attributes
    ----------
    cycles : tuple of Cycle
        In order, of all records.
    exponents : mapping of int to Estimate
        By direction: logarithm of the peak current over that of the scan rate; with several rates.
    """

    cycles: tuple[Cycle, ...]
    exponents: Mapping[int, Estimate]

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "cv"


def cv(record: Record | Sequence[Record], *, area: float | None = None) -> CyclicVoltammetry:
    r"""Find the peaks of cyclic voltammetry, cycle by cycle, and how they grow with the scan rate.

    A peak's current is over the line through the flattest stretch before it. The mid-point potential is the formal
    one where the couple is reversible (separation of 57 mV per electron at 25 degC, ratio of currents of 1) and its
    two diffusivities are alike. With several scan rates the exponent of the peak current tells diffusion (0.5,
    :math:`i_p \propto v^{1/2}` after Randles and Sevcik) from a surface that fills (1).

    Parameters
    ----------
    record : Record or sequence of Record
        One file, or one a scan rate.
    area : float, optional
        Of the electrode, m2; default: that of the record. With one, currents are given by area, too.

    Returns
    -------
    CyclicVoltammetry
        Values of the last cycle with both peaks: potentials, separation, mid-point, currents, ratio (after
        Nicholson), charges; `anodic_exponent`, `cathodic_exponent` and the slopes over the root of the scan rate with
        several.

    Raises
    ------
    MeasurementError
        No cycle, missing columns, too few points, time that goes back.

    Notes
    -----
    Nicholson, Anal. Chem. 38 (1966) 1406, doi 10.1021/ac60242a030; Nicholson and Shain, Anal. Chem. 36 (1964) 706,
    doi 10.1021/ac60210a007.
    """
    records = (record,) if isinstance(record, Record) else tuple(record)
    if not records:
        msg = "cv takes one file or several; none was given"
        raise MeasurementError(msg)
    said: list[str] = []
    cycles: list[Cycle] = []
    for place, one in enumerate(records):
        checked, sweeps = _sweeps(one)
        said += [text for text in checked.warnings if text not in one.warnings]
        if len(sweeps) < 2:
            msg = (
                f"the potential turns nowhere: it goes from {sweeps[0].potential[0]:.4g} to "
                f"{sweeps[0].potential[-1]:.4g} V. That is a linear sweep; analyse it with solidstack measure lsv"
            )
            raise MeasurementError(msg, source=one.source)
        cycles += _cycles(place, sweeps)
    area = records[0].area if area is None else records[0].with_sample(area=area).area
    both = [one for one in cycles if len(one.peaks) == 2]
    shown = both[-1] if both else next((one for one in reversed(cycles) if one.peaks), cycles[-1])
    values = _values_of(shown, area)
    exponents, more, remarks = _exponents(cycles, records)
    said += [*_said_of(shown, both, cycles), *remarks]
    return CyclicVoltammetry(
        records=records,
        values=values | more,
        model="peaks over the line through the flattest stretch before them",
        window={
            "cycles": len(cycles),
            "cycle_of_values": 1 + cycles.index(shown),
            "lowest_V": round(float(min(one.first.potential.min() for one in cycles)), 4),
            "highest_V": round(float(max(one.first.potential.max() for one in cycles)), 4),
        },
        warnings=tuple(dict.fromkeys(said)),
        series={"cycles": _table(cycles, records)},
        cycles=tuple(cycles),
        exponents=exponents,
    )


def _cycles(place: int, sweeps: Sequence[Sweep]) -> list[Cycle]:
    # a shorter first sweep, from the open-circuit voltage, is no half of a cycle
    full = float(np.median([abs(one.potential[-1] - one.potential[0]) for one in sweeps]))
    begin = 1 if len(sweeps) > 2 and abs(sweeps[0].potential[-1] - sweeps[0].potential[0]) < 0.9 * full else 0
    found: list[Cycle] = []
    for at in range(begin, len(sweeps), 2):
        pair = sweeps[at : at + 2]
        if len(pair) < 2 and found:
            break
        peaks, charges = {}, {}
        for one in pair:
            peak = _peak(one)
            if peak is not None:
                peaks[one.direction] = peak
            charges[one.direction] = (
                float(integrate.trapezoid(one.current, one.time)) if np.isfinite(one.time).all() else float("nan")
            )
        rate, deviation = _rate(pair[0])
        found.append(Cycle(place, pair[0], pair[1] if len(pair) > 1 else None, peaks, charges, rate, deviation))
    return found


def _peak(sweep: Sweep) -> Peak | None:
    """Find the highest peak within a sweep."""
    grid, smooth = sweep.grid, sweep.smooth
    least = max(PROMINENT * float(np.ptp(smooth)), NOISE * sweep.smooth_noise)
    places, found = signal.find_peaks(smooth, prominence=least)
    kept = [(at, height) for at, height in zip(places, found["prominences"], strict=True) if 3 <= at < len(grid) - 3]
    if not kept:
        return None
    at = int(max(kept, key=lambda one: one[1])[0])
    intercept, slope = _before(sweep, at)
    height = float(smooth[at]) - (intercept + slope * float(grid[at]))
    low = high = at
    limit = smooth[at] - 0.12 * max(height, least)
    while low > 0 and smooth[low - 1] >= limit:
        low -= 1
    while high < len(grid) - 1 and smooth[high + 1] >= limit:
        high += 1
    low, high = min(low, at - 3), max(high, at + 3)
    x, y = _between(sweep, grid[low], grid[high])
    if np.unique(x).size < 6:
        return None
    estimate, centre, scale = _cubic(x, y)

    def top(p: Floats) -> float:
        # where the slope of the cubic is 0; written so that it holds for a parabola, too
        inside = p[2] ** 2 - 3.0 * p[1] * p[3]
        return float(-p[1] / (p[2] - np.sqrt(max(inside, 0.0))))

    def potential(p: Floats) -> float:
        return centre + scale * top(p)

    def current(p: Floats) -> float:
        z = top(p)
        return float(p[0] + p[1] * z + p[2] * z**2 + p[3] * z**3 - intercept - slope * (centre + scale * z))

    if not -1.5 <= top(estimate.values) <= 1.5:
        return None
    way = "Anodic" if sweep.direction > 0 else "Cathodic"
    E = _turned(estimate.fitted(potential, f"{way} peak", V), sweep.direction)
    I = _turned(estimate.fitted(current, f"{way} peak current", MA), sweep.direction)  # noqa: E741
    top_current = I.value + sweep.direction * (intercept + slope * sweep.direction * E.value)
    return Peak(E, I, (sweep.direction * intercept, slope), top_current)


def _turned(found: Fitted, direction: int) -> Fitted:
    low, high = sorted((direction * found.low, direction * found.high))
    return Fitted(found.label, direction * found.value, low, high, found.unit)


def _cubic(x: Floats, y: Floats) -> tuple[Estimate, float, float]:
    """Fit a cubic about the middle; potentials over half their range."""
    centre, scale = 0.5 * float(x.min() + x.max()), 0.5 * float(np.ptp(x))
    design = np.vander((x - centre) / scale, 4, increasing=True)
    solution, *_ = np.linalg.lstsq(design, y, rcond=None)
    left = y - design @ solution
    degrees = max(len(x) - 4.0, 1.0)
    covariance = np.asarray(np.linalg.pinv(design.T @ design) * float(left @ left) / degrees, np.float64)
    return Estimate(np.asarray(solution, np.float64), covariance, degrees), centre, scale


def _before(sweep: Sweep, at: int) -> tuple[float, float]:
    """Line through the flattest stretch before a peak: intercept and slope, in the direction of the sweep."""
    count = len(sweep.grid)
    width = max(5, count // 12)
    first = max(1, int(SETTLING * count))
    if at - width <= first:
        return float(sweep.smooth[first]), 0.0
    # as flat as the flattest, and of those the nearest
    starts = np.arange(first, at - width)
    steep = np.array([abs(float(np.mean(sweep.slope[one : one + width]))) for one in starts])
    begin = int(starts[np.argmin(steep)])
    values = line(sweep.grid[begin : begin + width], sweep.smooth[begin : begin + width]).values
    return float(values[0]), float(values[1])


def _difference(high: Fitted, low: Fitted, label: str, unit: Unit, factor: float, sign: float) -> Fitted:
    value = factor * (high.value + sign * low.value)
    half = 0.5 * factor * float(np.hypot(high.high - high.low, low.high - low.low))
    return Fitted(label, value, value - half, value + half, unit)


def _values_of(cycle: Cycle, area: float | None) -> dict[str, Fitted]:
    nothing = float("nan")
    anodic, cathodic = cycle.peaks.get(1), cycle.peaks.get(-1)
    values: dict[str, Fitted] = {}
    if anodic is not None and cathodic is not None:
        values["midpoint"] = _difference(anodic.potential, cathodic.potential, "Mid-point potential", V, 0.5, 1.0)
        values["separation"] = _difference(anodic.potential, cathodic.potential, "Separation of peaks", MV, 1.0, -1.0)
    for name, peak in (("anodic", anodic), ("cathodic", cathodic)):
        none = Fitted(f"{name.capitalize()} peak", nothing, nothing, nothing, V)
        values[f"{name}_peak"] = peak.potential if peak else none
        if peak:
            values[f"{name}_current"] = peak.current
            if area is not None:
                low, value, high = (one / area for one in (peak.current.low, peak.current.value, peak.current.high))
                label = f"{name.capitalize()} peak current density"
                values[f"{name}_current_density"] = Fitted(label, value, low, high, CURRENT_DENSITY.shown)
    ratio = cycle.ratio()
    if np.isfinite(ratio):
        values["current_ratio"] = Fitted("Reverse over forward peak current (Nicholson)", ratio, nothing, nothing, ONE)
    for direction, name in ((1, "anodic"), (-1, "cathodic")):
        charge = cycle.charges.get(direction, nothing)
        if np.isfinite(charge):
            label = f"Charge of the {name} sweep"
            values[f"{name}_charge"] = Fitted(label, charge, nothing, nothing, MILLICOULOMB)
    rate, half = cycle.rate, 1.96 * cycle.rate_deviation
    values["scan_rate"] = Fitted("Scan rate", rate, rate - half, rate + half, MV_S)
    return values


def _exponents(
    cycles: Sequence[Cycle], records: Sequence[Record]
) -> tuple[dict[int, Estimate], dict[str, Fitted], list[str]]:
    """Peak current over scan rate, of the last cycle of each record that has the peak."""
    found: dict[int, Estimate] = {}
    values: dict[str, Fitted] = {}
    said: list[str] = []
    if len(records) < 2:
        return found, values, said
    for direction, name in ((1, "anodic"), (-1, "cathodic")):
        last = {one.record: one for one in cycles if direction in one.peaks and np.isfinite(one.rate)}
        rates = np.array([one.rate for one in last.values()])
        currents = np.array([abs(one.peaks[direction].current.value) for one in last.values()])
        good = currents > 0.0
        rates, currents = rates[good], currents[good]
        if len(rates) < 2 or rates.max() / rates.min() < LEAST_RATE:
            said.append(
                f"{name}: {len(rates)} scan rates with a peak, fewer than two or within a factor of {LEAST_RATE:g}: "
                "no exponent"
            )
            continue
        found[direction] = line(np.log(rates), np.log(currents))
        values[f"{name}_exponent"] = found[direction].fitted(1, f"Exponent of the {name} peak current")
        root = line(np.sqrt(rates), currents)
        label = f"{name.capitalize()} peak current over root of scan rate"
        values[f"{name}_slope"] = root.fitted(1, label, MA_ROOT)
        if len(rates) == 2:
            said.append(f"{name}: two scan rates, so the exponent has no interval")
    return found, values, said


def _said_of(shown: Cycle, both: Sequence[Cycle], cycles: Sequence[Cycle]) -> list[str]:
    said = []
    if not shown.peaks:
        said.append("no peak stands out of the current by a twentieth of its range: neither potentials nor currents")
    elif not both:
        way = "anodic" if 1 in shown.peaks else "cathodic"
        said.append(f"only {way} peaks were found: the reaction does not run back within this window, or beyond it")
    if both:
        first, last = both[0], both[-1]
        gap = last.peaks[1].potential.value - last.peaks[-1].potential.value
        if gap < 0.0:
            said.append("the anodic peak lies below the cathodic one: they are not of one couple")
        elif gap > 0.2:
            said.append(
                f"the peaks are {1e3 * gap:.3g} mV apart: a slow reaction or ohmic drop; the mid-point is then the "
                "formal potential only if both branches are alike"
            )
        if len(both) > 1:
            change = last.peaks[1].current.value / first.peaks[1].current.value - 1.0
            if first.record == last.record and abs(change) > 0.2:
                said.append(f"the anodic peak changes by {100.0 * change:+.3g} % from the first to the last cycle")
    if not np.isfinite(cycles[0].rate):
        said.append("the file has no time, so scan rate and charges are not known")
    return said


def _table(cycles: Sequence[Cycle], records: Sequence[Record]) -> Series:
    nothing = float("nan")

    def peak(cycle: Cycle, direction: int, what: str) -> float:
        one = cycle.peaks.get(direction)
        return float(getattr(one, what).value) if one else nothing

    anodic, cathodic = (np.array([peak(one, way, "potential") for one in cycles]) for way in (1, -1))
    columns: dict[str, Any] = {
        "cycle": list(range(1, len(cycles) + 1)),
        "file": [records[one.record].name for one in cycles],
        "scan_rate": [one.rate for one in cycles],
        "anodic_peak": anodic,
        "cathodic_peak": cathodic,
        "midpoint": 0.5 * (anodic + cathodic),
        "separation": anodic - cathodic,
        "anodic_current": [peak(one, 1, "current") for one in cycles],
        "cathodic_current": [peak(one, -1, "current") for one in cycles],
        "current_ratio": [one.ratio() for one in cycles],
        "anodic_charge": [one.charges.get(1, nothing) for one in cycles],
        "cathodic_charge": [one.charges.get(-1, nothing) for one in cycles],
    }
    units = {
        "scan_rate": MV_S, "anodic_peak": V, "cathodic_peak": V, "midpoint": V, "separation": MV,
        "anodic_current": MA, "cathodic_current": MA, "anodic_charge": MILLICOULOMB, "cathodic_charge": MILLICOULOMB,
    }  # fmt: skip
    return Series("Peaks of each cycle", columns, units)
