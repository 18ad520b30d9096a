"""Cyclic voltammetry: peaks, mid-point potential, and how the peak current goes with the scan rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import integrate, signal

from ..errors import MeasurementError
from ..units import CURRENT_DENSITY, MA, MA_ROOT, MILLICOULOMB, MV, MV_S, ONE, Unit, V
from .records import Record
from .result import Fitted, Result, Series
from .statistics import Estimate, line
from .sweeps import LEAST_RATE, NOISE, SETTLING, Floats, Sweep, between, scan_rate, sweeps_of

PROMINENT = 0.05
"""Share of the range of current by which a peak stands out."""


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


def analyse(record: Record | Sequence[Record], *, area: float | None = None) -> CyclicVoltammetry:
    r"""Find the peaks of cyclic voltammetry, cycle by cycle, and how they grow with the scan rate.

    A peak's current is over the line through the flattest stretch before it. The mid-point potential is the formal
    one where the couple is reversible (separation of 57 mV per electron at 25 degC, ratio of currents of 1) and its
    two diffusivities are alike. With several scan rates the exponent of the peak current distinguishes diffusion (0.5,
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
        msg = "cv needs one file or several; none was given"
        raise MeasurementError(msg)
    warnings: list[str] = []
    cycles: list[Cycle] = []
    for place, item in enumerate(records):
        checked, sweeps = sweeps_of(item)
        warnings += [text for text in checked.warnings if text not in item.warnings]
        if len(sweeps) < 2:
            msg = (
                f"the potential never reverses: it goes from {sweeps[0].potential[0]:.4g} to "
                f"{sweeps[0].potential[-1]:.4g} V. That is a linear sweep; analyse it with solidstack measure lsv"
            )
            raise MeasurementError(msg, source=item.source)
        cycles += _cycles(place, sweeps)
    area = records[0].area if area is None else records[0].with_sample(area=area).area
    both = [cycle for cycle in cycles if len(cycle.peaks) == 2]
    shown = both[-1] if both else next((cycle for cycle in reversed(cycles) if cycle.peaks), cycles[-1])
    values = _values_of(shown, area)
    exponents, more, remarks = _exponents(cycles, records)
    warnings += [*_doubts(shown, both, cycles), *remarks]
    return CyclicVoltammetry(
        records=records,
        values=values | more,
        model="peaks over the line through the flattest stretch before them",
        window={
            "cycles": len(cycles),
            "cycle_of_values": 1 + cycles.index(shown),
            "lowest_V": round(float(min(cycle.first.potential.min() for cycle in cycles)), 4),
            "highest_V": round(float(max(cycle.first.potential.max() for cycle in cycles)), 4),
        },
        warnings=tuple(dict.fromkeys(warnings)),
        series={"cycles": _table(cycles, records)},
        cycles=tuple(cycles),
        exponents=exponents,
    )


def _cycles(place: int, sweeps: Sequence[Sweep]) -> list[Cycle]:
    # a shorter first sweep, from the open-circuit voltage, is not half of a cycle
    full = float(np.median([abs(sweep.potential[-1] - sweep.potential[0]) for sweep in sweeps]))
    begin = 1 if len(sweeps) > 2 and abs(sweeps[0].potential[-1] - sweeps[0].potential[0]) < 0.9 * full else 0
    cycles: list[Cycle] = []
    for at in range(begin, len(sweeps), 2):
        pair = sweeps[at : at + 2]
        if len(pair) < 2 and cycles:
            break
        peaks, charges = {}, {}
        for sweep in pair:
            peak = _peak(sweep)
            if peak is not None:
                peaks[sweep.direction] = peak
            charges[sweep.direction] = (
                float(integrate.trapezoid(sweep.current, sweep.time)) if np.isfinite(sweep.time).all() else float("nan")
            )
        rate, deviation = scan_rate(pair[0])
        cycles.append(Cycle(place, pair[0], pair[1] if len(pair) > 1 else None, peaks, charges, rate, deviation))
    return cycles


def _peak(sweep: Sweep) -> Peak | None:
    """Find the highest peak within a sweep."""
    grid, smooth = sweep.grid, sweep.smooth
    least = max(PROMINENT * float(np.ptp(smooth)), NOISE * sweep.smooth_noise)
    places, details = signal.find_peaks(smooth, prominence=least)
    kept = [(at, height) for at, height in zip(places, details["prominences"], strict=True) if 3 <= at < len(grid) - 3]
    if not kept:
        return None
    at = int(max(kept, key=lambda peak: peak[1])[0])
    intercept, slope = _before(sweep, at)
    height = float(smooth[at]) - (intercept + slope * float(grid[at]))
    low = high = at
    limit = smooth[at] - 0.12 * max(height, least)
    while low > 0 and smooth[low - 1] >= limit:
        low -= 1
    while high < len(grid) - 1 and smooth[high + 1] >= limit:
        high += 1
    low, high = min(low, at - 3), max(high, at + 3)
    x, y = between(sweep, grid[low], grid[high])
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


def _turned(fitted: Fitted, direction: int) -> Fitted:
    low, high = sorted((direction * fitted.low, direction * fitted.high))
    return Fitted(fitted.label, direction * fitted.value, low, high, fitted.unit)


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
    steep = np.array([abs(float(np.mean(sweep.slope[start : start + width]))) for start in starts])
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
                low, value, high = (part / area for part in (peak.current.low, peak.current.value, peak.current.high))
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
    exponents: dict[int, Estimate] = {}
    values: dict[str, Fitted] = {}
    warnings: list[str] = []
    if len(records) < 2:
        return exponents, values, warnings
    for direction, name in ((1, "anodic"), (-1, "cathodic")):
        last = {cycle.record: cycle for cycle in cycles if direction in cycle.peaks and np.isfinite(cycle.rate)}
        rates = np.array([cycle.rate for cycle in last.values()])
        currents = np.array([abs(cycle.peaks[direction].current.value) for cycle in last.values()])
        good = currents > 0.0
        rates, currents = rates[good], currents[good]
        if len(rates) < 2 or rates.max() / rates.min() < LEAST_RATE:
            warnings.append(
                f"{name}: {len(rates)} scan rates with a peak, fewer than two or within a factor of {LEAST_RATE:g}: "
                "no exponent"
            )
            continue
        exponents[direction] = line(np.log(rates), np.log(currents))
        values[f"{name}_exponent"] = exponents[direction].fitted(1, f"Exponent of the {name} peak current")
        root = line(np.sqrt(rates), currents)
        label = f"{name.capitalize()} peak current over root of scan rate"
        values[f"{name}_slope"] = root.fitted(1, label, MA_ROOT)
        if len(rates) == 2:
            warnings.append(f"{name}: two scan rates, so the exponent has no interval")
    return exponents, values, warnings


def _doubts(shown: Cycle, both: Sequence[Cycle], cycles: Sequence[Cycle]) -> list[str]:
    doubts = []
    if not shown.peaks:
        doubts.append("no peak stands out of the current by a twentieth of its range: neither potentials nor currents")
    elif not both:
        way = "anodic" if 1 in shown.peaks else "cathodic"
        doubts.append(f"only {way} peaks were found: the reaction does not run back within this window, or beyond it")
    if both:
        first, last = both[0], both[-1]
        gap = last.peaks[1].potential.value - last.peaks[-1].potential.value
        if gap < 0.0:
            doubts.append("the anodic peak lies below the cathodic one: they do not belong to one couple")
        elif gap > 0.2:
            doubts.append(
                f"the peaks are {1e3 * gap:.3g} mV apart: a slow reaction or ohmic drop; the mid-point is then the "
                "formal potential only if both branches are alike"
            )
        if len(both) > 1:
            change = last.peaks[1].current.value / first.peaks[1].current.value - 1.0
            if first.record == last.record and abs(change) > 0.2:
                doubts.append(f"the anodic peak changes by {100.0 * change:+.3g} % from the first to the last cycle")
    if not np.isfinite(cycles[0].rate):
        doubts.append("the file has no time, so scan rate and charges are not known")
    return doubts


def _table(cycles: Sequence[Cycle], records: Sequence[Record]) -> Series:
    nothing = float("nan")

    def peak(cycle: Cycle, direction: int, what: str) -> float:
        top = cycle.peaks.get(direction)
        return float(getattr(top, what).value) if top else nothing

    anodic, cathodic = (np.array([peak(cycle, way, "potential") for cycle in cycles]) for way in (1, -1))
    columns: dict[str, Any] = {
        "cycle": list(range(1, len(cycles) + 1)),
        "file": [records[cycle.record].name for cycle in cycles],
        "scan_rate": [cycle.rate for cycle in cycles],
        "anodic_peak": anodic,
        "cathodic_peak": cathodic,
        "midpoint": 0.5 * (anodic + cathodic),
        "separation": anodic - cathodic,
        "anodic_current": [peak(cycle, 1, "current") for cycle in cycles],
        "cathodic_current": [peak(cycle, -1, "current") for cycle in cycles],
        "current_ratio": [cycle.ratio() for cycle in cycles],
        "anodic_charge": [cycle.charges.get(1, nothing) for cycle in cycles],
        "cathodic_charge": [cycle.charges.get(-1, nothing) for cycle in cycles],
    }
    units = {
        "scan_rate": MV_S, "anodic_peak": V, "cathodic_peak": V, "midpoint": V, "separation": MV,
        "anodic_current": MA, "cathodic_current": MA, "anodic_charge": MILLICOULOMB, "cathodic_charge": MILLICOULOMB,
    }  # fmt: skip
    return Series("Peaks of each cycle", columns, units)
