"""Linear sweep voltammetry: the stability window, by tangents and by a threshold of the current."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import signal

from ..errors import MeasurementError
from ..units import CURRENT_DENSITY, MA, MV_S, UA_CM2, V, text
from ..units import VOLTAGE as VOLTAGE_KIND
from .records import Record
from .result import Fitted, Property, Result, Series
from .statistics import Estimate, line
from .sweeps import NOISE, SETTLING, SIDES, Floats, Sweep, between, scan_rate, sweeps_of

FLAT = 0.002
"""Share of the range of current by which a baseline may leave its line, beside the noise."""
STEEP = 0.9
"""Share of the steepest slope that belongs to the tangent."""


@dataclass(frozen=True, eq=False)
class Onset:
    """Where a current begins in a sweep.

    Attributes
    ----------
    sweep : Sweep
    baseline : Estimate or None
        Line before it: current over potential, both in the direction of the sweep. None where there is none.
    flat : tuple of float
        Start and end of the baseline, V.
    tangent : Estimate or None
        Line at the steepest rise; None where there is no onset.
    steep : tuple of float
        Start and end of the points of the tangent, V.
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
        properties = []
        for onset in self.onsets:
            limit = _limit(onset)
            # the library takes potentials against lithium only
            if np.isfinite(limit.value) and -1.0 <= limit.value <= 10.0:
                name = f"{SIDES[onset.sweep.direction]}_limit"
                entry = {"value": text(round(limit.value, 4), VOLTAGE_KIND)}
                properties.append(Property(name, entry, limit.uncertainty))
        return properties

    def data(self) -> Mapping[str, Series]:
        """The sweeps, as drawn."""
        shown = {}
        for onset in self.onsets:
            sweep = onset.sweep
            columns: dict[str, Any] = {"potential": sweep.potential, "current": sweep.current}
            shown[SIDES[sweep.direction]] = Series(
                f"Sweep of {SIDES[sweep.direction]}", columns, {"potential": V, "current": MA}
            )
        return shown


def _limit(onset: Onset) -> Fitted:
    return onset.by_threshold if np.isfinite(onset.by_threshold.value) else onset.by_tangent


def analyse(record: Record, *, area: float | None = None, threshold: float = 0.1) -> LinearSweep:
    """Find where oxidation and reduction begin in a linear sweep of potential.

    One onset is where the tangent at the steepest rise of the current meets the baseline before the rise, the other
    where the current above the baseline reaches a threshold. Neither is a thermodynamic limit: both depend on scan
    rate, on the electrode's surface and on the threshold. A sweep without onset says that the limit is beyond its end.

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
    checked, sweeps = sweeps_of(record)
    warnings = [text for text in checked.warnings if text not in record.warnings]
    if area is None:
        warnings.append("the area is not known, so there is no onset at a current density; give --area")
    onsets: dict[int, Onset] = {}
    for sweep in sweeps:
        if sweep.direction not in onsets:
            onsets[sweep.direction] = _onset(sweep, area, threshold)
    again = len(sweeps) - len(onsets)
    if again:
        warnings.append(f"{again} later sweeps in the same directions were not analysed; cv analyses cycles")
    values: dict[str, Fitted] = {}
    for direction, onset in onsets.items():
        name = SIDES[direction]
        values[f"{name}_onset"] = onset.by_tangent
        if area is not None:
            values[f"{name}_threshold"] = onset.by_threshold
        warnings += _doubts(onset, area, threshold)
    if len(onsets) == 2:
        values["window"] = _window(_limit(onsets[1]), _limit(onsets[-1]))
    rate, deviation = scan_rate(sweeps[0])
    values["scan_rate"] = Fitted("Scan rate", rate, rate - 1.96 * deviation, rate + 1.96 * deviation, MV_S)
    if not np.isfinite(rate):
        warnings.append("the file has no time, so the scan rate is not known")
    window: dict[str, Any] = {}
    for direction, onset in onsets.items():
        sweep, name = onset.sweep, SIDES[direction]
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
        warnings=tuple(warnings),
        onsets=tuple(onsets.values()),
        area=area,
        threshold=threshold,
    )


def _window(oxidation: Fitted, reduction: Fitted) -> Fitted:
    value = oxidation.value - reduction.value
    half = float(np.hypot(oxidation.high - oxidation.low, reduction.high - reduction.low)) / 2.0
    return Fitted("Width of the window", value, value - half, value + half, V)


def _baseline(sweep: Sweep) -> tuple[int, int]:
    """First and last place on the grid of the longest line from the start."""
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


def _onset(sweep: Sweep, area: float | None, threshold: float) -> Onset:
    name = SIDES[sweep.direction]
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
    x, y = between(sweep, *flat)
    if np.unique(x).size < 3:
        return Onset(sweep, None, (nothing, nothing), None, (nothing, nothing), none[0], none[1])
    baseline = line(x, y)
    if baseline.values[1] * np.ptp(grid) > 1.5 * np.ptp(sweep.smooth):
        # the start is the steepest part: the reaction is already running
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
    x, y = between(sweep, grid[low], grid[high])
    while len(x) < 5 and (low > 0 or high < len(grid) - 1):
        low, high = max(low - 1, 0), min(high + 1, len(grid) - 1)
        x, y = between(sweep, grid[low], grid[high])
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
    x, y = between(sweep, sweep.grid[low], sweep.grid[high])
    if np.unique(x).size < 3:
        return None
    crossing = _cut(baseline, line(x, y), current, label, sweep.direction)
    # a line through a flat stretch cuts far away; the smoothed curve is then better
    inside = sweep.grid[low] <= sweep.direction * crossing.value <= sweep.grid[high]
    if not inside:
        value = sweep.direction * float(
            np.interp(current, above[max(at - 1, 0) : at + 1], sweep.grid[max(at - 1, 0) : at + 1])
        )
        return Fitted(label, value, float("nan"), float("nan"), V)
    return crossing


def _cut(baseline: Estimate, other: Estimate, offset: float, label: str, direction: int) -> Fitted:
    """Potential at which a line is by `offset` above the baseline, with the interval of both lines."""
    covariance = np.zeros((4, 4))
    covariance[:2, :2], covariance[2:, 2:] = baseline.covariance, other.covariance
    both = Estimate(
        np.concatenate([baseline.values, other.values]), covariance, min(baseline.degrees, other.degrees)
    )  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):  # parallel lines cut nowhere
        crossing = both.fitted(lambda p: float((offset + p[0] - p[2]) / np.float64(p[3] - p[1])), label, V)
    low, high = sorted((direction * crossing.low, direction * crossing.high))
    return Fitted(label, direction * crossing.value, low, high, V)


def _doubts(onset: Onset, area: float | None, threshold: float) -> list[str]:
    sweep, name = onset.sweep, SIDES[onset.sweep.direction]
    first, last = float(sweep.potential[0]), float(sweep.potential[-1])
    doubts = []
    if onset.baseline is None:
        doubts.append(
            f"no baseline before the {name}: the current bends from the start at {first:.3g} V on, so there is no "
            "onset. Begin the sweep nearer to the open-circuit voltage"
        )
        return doubts
    if area is not None and threshold * area <= 3.0 * sweep.smooth_noise:
        doubts.append(
            f"{UA_CM2.of(threshold):g} uA/cm^2 is within the noise of the current ({UA_CM2.of(sweep.noise / area):.3g} "
            f"uA/cm^2 a point): no onset of {name} at that current; give a higher --threshold"
        )
    highest = float(np.max(sweep.smooth - (onset.baseline.values[0] + onset.baseline.values[1] * sweep.grid)))
    side = "above" if sweep.direction > 0 else "below"
    if onset.tangent is None and not np.isfinite(onset.by_threshold.value):
        how = f" ({UA_CM2.of(max(highest, 0.0) / area):.3g} uA/cm^2 over the baseline at most)" if area else ""
        doubts.append(f"no onset of {name} up to {last:.4g} V{how}: the limit is {side} {last:.4g} V")
        if float(np.max(-(sweep.smooth - onset.baseline.values[0] - onset.baseline.values[1] * sweep.grid))) > max(
            NOISE * sweep.smooth_noise, 0.3 * float(np.ptp(sweep.smooth))
        ):
            doubts.append(
                f"the current of the {name} sweep goes the other way: is a current of oxidation above 0 in this file?"
            )
    elif area is not None and not np.isfinite(onset.by_threshold.value) and highest < threshold * area:
        doubts.append(
            f"the current stays below {UA_CM2.of(threshold):g} uA/cm^2 over the baseline up to {last:.4g} V "
            f"({UA_CM2.of(highest / area):.3g} at most): by that measure the limit is {side} {last:.4g} V"
        )
    if (
        onset.tangent is not None
        and abs(onset.steep[1] - last) < 0.02 * abs(last - first)
        and abs(onset.steep[1] - onset.steep[0]) < 0.25 * abs(last - onset.by_tangent.value)
    ):
        doubts.append(
            f"the current of {name} is steepest at the end of the sweep: the tangent's onset depends on where the "
            "sweep ends; the onset at a current density does not"
        )
    if min(first, last) < -1.0:
        doubts.append(
            f"potentials to {min(first, last):.3g} V are not against lithium: the values are not limits of a material"
        )
    if (
        np.isfinite(onset.by_tangent.value)
        and np.isfinite(onset.by_threshold.value)
        and abs(onset.by_tangent.value - onset.by_threshold.value) > 0.3
    ):
        doubts.append(
            f"tangent and threshold differ by {abs(onset.by_tangent.value - onset.by_threshold.value):.2g} V for the "
            f"{name}: a slow rise precedes the steep one"
        )
    return doubts
