"""Figures of an electrolyte's measurements: conductivity, transference number, stability, symmetric cells."""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ..measure.arrhenius import Arrhenius, Law
from ..measure.cv import CyclicVoltammetry
from ..measure.initial_current import half_space
from ..measure.lsv import LinearSweep, Onset
from ..measure.symmetric import Symmetric
from ..measure.transference import Transference
from ..units import DEG_C, MA, MA_CM2, MS_CM, UA, UA_CM2, Unit
from .style import PAGE, style

# Okabe-Ito
_BLUE, _ORANGE, _GREEN, _PURPLE, _SKY, _GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#59636e"


def _plain_logarithmic(axis: Any, low: float, high: float) -> None:
    """Plain numbers on a logarithmic axis: at 1, 2, 5 where it spans less than two decades."""
    decades = np.log10(high / low)
    places: tuple[float, ...] = (1.0,) if decades > 3.0 else (1.0, 3.0) if decades > 2.0 else (1.0, 2.0, 5.0)
    if decades < 0.5:
        places = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
    axis.set_major_locator(LogLocator(subs=places))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}" if value >= 1e-3 else f"{value:.0e}"))
    axis.set_minor_formatter(NullFormatter())


def draw_arrhenius(result: Arrhenius) -> Figure:
    """Draw conductivity over inverse temperature with the chosen model and its interval, and the deviations from it.

    Parameters
    ----------
    result : Arrhenius
    """
    T, sigma = result.temperature, MS_CM.of(result.conductivity)
    margin = 0.04 * (T.max() - T.min())
    grid = np.linspace(min(T.min() - margin, 298.15), T.max() + margin, 200)
    with style():
        figure = Figure(figsize=(PAGE, 3.3), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.7, 1.0))
        value, low, high = MS_CM.of(np.array([result.at(float(at)) for at in grid])).T
        band = "95 % interval, with geometry" if result.common > 0.0 else "95 % interval"
        if np.isfinite(low).all() and np.isfinite(high).all():
            left.fill_between(1e3 / grid, low, high, color=_SKY, alpha=0.35, linewidth=0, label=band)
        name = {Law.ARRHENIUS: "σT = A exp(−Eₐ/RT)", Law.VOGEL: "Vogel-Tammann-Fulcher"}
        left.plot(1e3 / grid, value, color=_BLUE, label=name.get(result.chosen.name, "Two lines"))
        if result.chosen is not result.candidates[0]:
            straight = [MS_CM.of(result.candidates[0].at(float(at))[0]) for at in grid]
            left.plot(1e3 / grid, straight, "--", color=_GREY, label=name[Law.ARRHENIUS])
        errors = None if result.deviations is None else 1.96 * result.deviations * sigma
        if errors is not None:
            errors = np.array([np.minimum(errors, 0.99 * sigma), errors])
        left.errorbar(
            1e3 / T, sigma, errors, fmt="o", color=_ORANGE, markersize=4, capsize=2, label="Measured", zorder=3
        )
        left.set_yscale("log")
        bottom, top = left.get_ylim()
        _plain_logarithmic(left.yaxis, bottom, top)
        left.set_xlabel("1000 / temperature, K⁻¹")
        left.set_ylabel(f"Ionic conductivity, {MS_CM.label}")
        upper = left.secondary_xaxis("top", functions=(_celsius, _inverse))
        upper.set_xlabel("Temperature, °C")
        upper.set_xticks(_even(DEG_C.of(grid.min()), DEG_C.of(grid.max())))
        left.text(
            0.03, 0.04, "\n".join(_energies(result)), transform=left.transAxes, ha="left", va="bottom"
        )  # fmt: skip
        left.legend(loc="upper right")
        fitted = np.array([MS_CM.of(result.chosen.at(float(at))[0]) for at in T])
        right.axhline(0.0, color=_BLUE, linewidth=0.8)
        bars = None if result.deviations is None else 196.0 * result.deviations
        right.errorbar(
            DEG_C.of(T), 100.0 * (sigma / fitted - 1.0), bars, fmt="o", color=_ORANGE, markersize=4, capsize=2
        )
        limit = max(1.0, 1.15 * float(np.abs(right.get_ylim()).max()))
        right.set_ylim(-limit, limit)
        right.set_xlabel("Temperature, °C")
        right.set_ylabel("Measured against fitted, %")
    return figure


def _celsius(inverse: Any) -> Any:
    return 1e3 / np.maximum(inverse, 1e-3) - 273.15


def _inverse(celsius: Any) -> Any:
    return 1e3 / np.maximum(celsius + 273.15, 1.0)


def _even(low: float, high: float) -> Any:
    """Round ticks, seven at most."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if (high - low) / step <= 7)
    return np.arange(np.ceil(low / step) * step, high, step)


def _energies(result: Arrhenius) -> list[str]:
    names = {
        "activation_energy": "Eₐ (σT)",
        "activation_energy_sigma": "Eₐ (σ)",
        "activation_energy_below": "below the change",
        "activation_energy_above": "above it",
    }
    return [f"{name}  {result.values[key]}" for key, name in names.items() if key in result.values]


def draw_transference(result: Transference) -> Figure:
    """Draw the current of the polarisation, its start over the square root of time, and the two currents.

    Parameters
    ----------
    result : Transference
    """
    t, current = result.time, UA.of(result.current)
    first, last = (float(UA.of(result.values[name].value)) for name in ("initial_current", "steady_current"))
    hours = t[-1] > 7200.0
    scale, unit = (3600.0, "h") if hours else (60.0, "min")
    # the current that charges the interfaces is off the scale: the rest determines the number
    top = first + 0.6 * max(first - last, 0.05 * first)
    bottom = max(0.0, last - 0.35 * max(first - last, 0.05 * first))
    with style():
        figure = Figure(figsize=(PAGE, 3.1), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.5, 1.0), sharey=True)
        left.plot(t / scale, current, ".", color=_ORANGE, markersize=3, label="Measured", rasterized=len(t) > 5000)
        left.axvspan(result.tail.begin / scale, t[-1] / scale, color=_GREEN, alpha=0.12, linewidth=0)
        left.axhline(last, color=_GREEN, label=f"Steady current {result.values['steady_current']}")
        left.axhline(first, color=_BLUE, linestyle="--", label=f"Initial current {result.values['initial_current']}")
        left.set_xlabel(f"Time, {unit}")
        left.set_ylabel(f"Current, {UA.label}")
        left.set_ylim(bottom, top)
        left.set_title(f"Current fraction (Bruce-Vincent) {result.values['transference_number']}")
        left.legend(loc="upper right", framealpha=0.9, frameon=True, edgecolor="none")
        root = np.sqrt(t)
        if result.early is not None:
            rate = float(result.early.values[1])
            begin, end = np.sqrt(result.window["initial_from_s"]), np.sqrt(result.window["initial_to_s"])
            shown = root <= 2.0 * end
            used = shown & (root >= begin) & (root <= end)
            right.plot(root[shown & ~used], current[shown & ~used], ".", color=_GREY, markersize=3, label="Left out")
            right.plot(root[used], current[used], ".", color=_ORANGE, markersize=4, label="Used")
            curve = np.linspace(0.0, end, 100)
            right.plot(curve, UA.of(half_space(curve, float(result.early.values[0]), rate)), color=_BLUE)
            right.plot([0.0], [first], "o", color=_BLUE, markersize=5, label="Initial current", clip_on=False, zorder=5)
            right.set_xlim(0.0, 2.0 * end)
            right.legend(loc="upper right")
        else:
            right.plot(root, current, ".", color=_ORANGE, markersize=3)
            right.axhline(first, color=_BLUE, linestyle="--")
        right.set_xlabel("Square root of time, √s")
    return figure


def draw_lsv(result: LinearSweep) -> Figure:
    """Draw current over potential, with baseline, tangent and threshold: whole, and near the onset.

    Parameters
    ----------
    result : LinearSweep
    """
    with style():
        figure = Figure(figsize=(PAGE, 3.1), layout="constrained")
        left, right = figure.subplots(1, 2)
        most = max(float(np.abs(one.sweep.current).max()) for one in result.onsets)
        scale, label = _current_scale(result.area, most)
        for onset, colour in zip(result.onsets, (_ORANGE, _PURPLE), strict=False):
            _draw_onset(left, right, onset, result, scale, colour)
        for panel in (left, right):
            panel.axhline(0.0, color="0.7", linewidth=0.6, zorder=0)
            panel.set_xlabel("Potential, V")
            panel.set_ylabel(label)
        left.set_title("Whole sweep")
        right.set_title("Near the baseline")
        handles, names = left.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure


def _current_scale(area: float | None, most: float) -> tuple[float, str]:
    """Unit in SI and label of a current or its density, that of the largest."""
    if area is None:
        return (1e-3, "Current, mA") if most >= 1e-4 else (1e-6, "Current, µA")
    unit = MA_CM2 if most / area >= 1.0 else UA_CM2
    return unit.factor * area, f"Current density, {unit.label}"


def _draw_onset(left: Any, right: Any, onset: Onset, result: LinearSweep, scale: float, colour: str) -> None:
    sweep = onset.sweep
    name = "Oxidation" if sweep.direction > 0 else "Reduction"
    E, current = sweep.potential, sweep.current / scale
    for panel in (left, right):
        panel.plot(E, current, ".", color=colour, markersize=2.5, label=f"{name}: measured", rasterized=len(E) > 5000)
    if onset.baseline is None:
        return
    ends = np.array([E[0], E[-1]])

    def on(estimate: Any, potential: Any) -> Any:
        a, b = estimate.values
        return sweep.direction * (a + b * sweep.direction * potential) / scale

    for panel in (left, right):
        panel.plot(ends, on(onset.baseline, ends), "--", color=_GREY, linewidth=1.0, label="Baseline")
    if onset.tangent is not None:
        begin, value = onset.by_tangent.value, float(on(onset.baseline, onset.by_tangent.value))
        top = np.array([begin, onset.steep[1]])
        left.plot(top, on(onset.tangent, top), color=_BLUE, label="Tangent at the steepest rise")
        words = f"{name} by tangent: {onset.by_tangent}"
        for panel in (left, right):
            panel.plot([begin], [value], "o", color=_BLUE, markersize=5, label=words, zorder=5)
    above = sweep.direction * (current - on(onset.baseline, E))
    shown = 8.0 * max(float(np.std(above[: max(len(above) // 5, 5)])), 1e-12)
    if np.isfinite(onset.by_threshold.value) and result.area is not None:
        at = onset.by_threshold.value
        step = result.threshold * result.area / scale
        place = float(on(onset.baseline, at)) + sweep.direction * step
        shown = max(shown, 3.0 * step)
        for panel in (left, right):
            words = f"{onset.by_threshold.label}: {onset.by_threshold}"
            panel.plot([at], [place], "D", color=_GREEN, markersize=4.5, label=words, zorder=5)
    if onset.tangent is not None:
        shown = max(shown, 0.12 * float(np.max(above)))
    level = on(onset.baseline, ends)
    low, high = float(level.min()) - shown, float(level.max()) + shown
    previous = right.get_ylim() if right.get_autoscaley_on() is False else (low, high)
    right.set_ylim(min(low, previous[0]), max(high, previous[1]))


def draw_cv(result: CyclicVoltammetry) -> Figure:
    """Draw the cycles with their peaks and baselines, and peak current over scan rate or over the cycles.

    Parameters
    ----------
    result : CyclicVoltammetry
    """
    several = len(result.records) > 1
    area = result.records[0].area if all(one.area == result.records[0].area for one in result.records) else None
    most = max(float(np.abs(one.first.current).max()) for one in result.cycles)
    scale, label = _current_scale(area, most)
    with style():
        figure = Figure(figsize=(PAGE, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.5, 1.0))
        shown = _cycles_shown(result, several)
        colours = mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(shown)))
        for cycle, colour in zip(shown, colours, strict=True):
            number = result.cycles.index(cycle)
            rate = f"{1e3 * cycle.rate:.3g} mV/s" if np.isfinite(cycle.rate) else f"file {cycle.record + 1}"
            words = rate if several else f"Cycle {number + 1}"
            for sweep, name in ((cycle.first, words), (cycle.second, None)):
                if sweep is None:
                    continue
                left.plot(sweep.potential, sweep.current / scale, color=colour, label=name, linewidth=1.0)
                peak = cycle.peaks.get(sweep.direction)
                if peak is None:
                    continue
                intercept, slope = peak.baseline
                E = peak.potential.value
                foot = (intercept + slope * E) / scale
                left.plot([E, E], [foot, peak.height / scale], ":", color=_GREY, linewidth=0.9)
                if cycle is shown[-1]:
                    begin = float(sweep.potential[0])
                    left.plot([begin, E], [(intercept + slope * begin) / scale, foot], "--", color=_GREY, linewidth=0.8)
                left.plot([E], [peak.height / scale], "o", color=_ORANGE, markersize=4, zorder=5)
        left.axhline(0.0, color="0.7", linewidth=0.6, zorder=0)
        left.set_xlabel("Potential, V")
        left.set_ylabel(label)
        left.legend(loc="best")
        _draw_growth(right, result, scale, label) if several else _draw_course(right, result)
    return figure


def _cycles_shown(result: CyclicVoltammetry, several: bool) -> list[Any]:
    """The last cycle of each file, or up to six of one."""
    if several:
        return list({one.record: one for one in result.cycles}.values())[:8]
    places = np.unique(np.linspace(0, len(result.cycles) - 1, 6).astype(int))
    return [result.cycles[place] for place in places]


def _draw_growth(panel: Any, result: CyclicVoltammetry, scale: float, label: str) -> None:
    for direction, colour, name, mark in ((1, _ORANGE, "Anodic", "o"), (-1, _BLUE, "Cathodic", "s")):
        last = {one.record: one for one in result.cycles if direction in one.peaks and np.isfinite(one.rate)}
        if not last:
            continue
        rates = np.array([one.rate for one in last.values()])
        currents = np.abs([one.peaks[direction].current.value for one in last.values()])
        exponent = result.values.get(f"{name.lower()}_exponent")
        words = f"{name}: exponent {exponent}" if exponent is not None else name
        panel.plot(1e3 * rates, currents / scale, mark, color=colour, markersize=4, label=words)
        if direction in result.exponents:
            a, b = result.exponents[direction].values
            grid = np.geomspace(rates.min() / 1.2, rates.max() * 1.2, 20)
            panel.plot(1e3 * grid, np.exp(a + b * np.log(grid)) / scale, color=colour, linewidth=0.9)
    panel.set_xscale("log")
    panel.set_yscale("log")
    for axis, limits in ((panel.xaxis, panel.get_xlim()), (panel.yaxis, panel.get_ylim())):
        _plain_logarithmic(axis, *limits)
    panel.set_xlabel("Scan rate, mV s⁻¹")
    panel.set_ylabel(label.replace("Current", "Peak current"))
    panel.legend(loc="upper left")


def _draw_course(panel: Any, result: CyclicVoltammetry) -> None:
    """Peak potentials over the cycles."""
    number = np.arange(1, len(result.cycles) + 1)
    for direction, colour, name, mark in ((1, _ORANGE, "Anodic peak", "o"), (-1, _BLUE, "Cathodic peak", "s")):
        E = [one.peaks[direction].potential.value if direction in one.peaks else np.nan for one in result.cycles]
        panel.plot(number, E, mark, color=colour, markersize=4, label=name)
    both = [
        0.5 * (one.peaks[1].potential.value + one.peaks[-1].potential.value) if len(one.peaks) == 2 else np.nan
        for one in result.cycles
    ]
    panel.plot(number, both, "D", color=_GREEN, markersize=3.5, label="Mid-point")
    panel.set_xlim(0.5, len(result.cycles) + 0.5)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    panel.set_xlabel("Cycle")
    panel.set_ylabel("Potential, V")
    panel.margins(y=0.4)
    panel.legend(loc="upper right")


def draw_symmetric(result: Symmetric) -> Figure:
    """Draw a symmetric cell: voltage with current and overpotential by half cycle, or the current of a polarisation.

    Parameters
    ----------
    result : Symmetric
    """
    return _draw_polarisation(result) if result.tail is not None else _draw_half_cycles(result)


def _draw_half_cycles(result: Symmetric) -> Figure:
    unit, factor = (MA, 1.0) if result.area is None else (MA_CM2, 1.0 / result.area)
    name = "Current" if result.area is None else "Current density"
    with style():
        figure = Figure(figsize=(PAGE, 4.4), layout="constrained")
        parts: Any = figure.subfigures(2, 1, height_ratios=(1.25, 1.0))
        above, below = parts
        first, second = above.subplots(2, 1, sharex=True, height_ratios=(2.4, 1.0))
        _draw_voltage(first, second, result, factor, unit)
        second.set_ylabel(f"{name},\n{unit.label}")
        left, right = below.subplots(1, 2)
        _draw_overpotential(left, result)
        _draw_resistance(right, result, factor, unit, name)
    return figure


def _draw_voltage(first: Any, second: Any, result: Symmetric, factor: float, unit: Unit) -> None:
    """Voltage and current over time, with the failure."""
    hours = result.time / 3600.0
    first.plot(hours, 1e3 * result.voltage, color=_BLUE, linewidth=0.7, rasterized=len(hours) > 20000)
    first.set_ylabel("Voltage, mV")
    second.plot(hours, unit.of(result.current * factor), color=_GREY, linewidth=0.7, rasterized=len(hours) > 20000)
    second.set_xlabel("Time, h")
    for panel in (first, second):
        panel.axhline(0.0, color="0.8", linewidth=0.6, zorder=0)
        panel.set_xlim(hours[0], hours[-1])
    if result.failed is not None:
        begin = result.half_cycles[result.failed].time / 3600.0
        for panel in (first, second):
            panel.axvspan(begin, hours[-1], color=_ORANGE, alpha=0.12, linewidth=0)
        first.annotate(
            "failed", (begin, 0.0), xycoords=("data", "axes fraction"), xytext=(3, 3), textcoords="offset points",
            va="bottom", color=_ORANGE,
        )  # fmt: skip


def _draw_overpotential(panel: Any, result: Symmetric) -> None:
    halves = result.half_cycles
    number = np.arange(1, len(halves) + 1)
    signs = np.array([half.sign for half in halves])
    for sign, colour, words in ((1, _ORANGE, "Positive current"), (-1, _BLUE, "Negative current")):
        chosen = signs == sign
        mean = 1e3 * np.array([half.mean for half in halves])[chosen]
        ends = 1e3 * np.array([[half.lowest for half in halves], [half.highest for half in halves]])[:, chosen]
        if chosen.any():
            spread = np.abs(ends - mean)
            panel.errorbar(
                number[chosen], mean, spread, fmt="o", color=colour, markersize=3, linewidth=0.7, label=words
            )  # fmt: skip
    panel.set_xlabel("Half cycle")
    panel.set_ylabel("Overpotential, mV\n(mean, lowest to highest)")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    panel.set_ylim(bottom=min(0.0, panel.get_ylim()[0]))
    panel.margins(y=0.25)
    panel.legend(loc="best")


def _draw_resistance(panel: Any, result: Symmetric, factor: float, unit: Unit, name: str) -> None:
    """Resistance over the current where it was stepped, else over the half cycles."""
    halves = result.half_cycles
    number = np.arange(1, len(halves) + 1)
    size = unit.of(np.array([half.current for half in halves]) * factor)
    scale, label = (1.0, "Resistance, Ω") if result.area is None else (1e4 * result.area, "Areal resistance, Ω cm²")
    resistance = np.array([half.mean / half.current for half in halves]) * scale
    stepped = bool(np.ptp(size) > 0.1 * size.mean())
    good = np.ones(len(halves), bool)
    if result.failed is not None:
        good[result.failed :] = False
    place = size if stepped else number
    panel.plot(place[good], resistance[good], "o", color=_GREEN, markersize=4, label="Sound")
    if not good.all():
        panel.plot(place[~good], resistance[~good], "x", color=_ORANGE, markersize=5, label="From the failure on")
    critical = result.values.get("critical_current")
    if stepped and critical is not None and np.isfinite(critical.low):
        panel.axvspan(unit.of(critical.low), unit.of(critical.high), color=_ORANGE, alpha=0.15, linewidth=0)
        panel.set_title(f"Critical current: {unit.of(critical.low):.4g} to {unit.of(critical.high):.4g} {unit.label}")
    panel.set_xlabel(f"{name}, {unit.label}" if stepped else "Half cycle")
    panel.set_ylabel(label)
    panel.set_ylim(bottom=0.0, top=1.3 * max(float(np.max(resistance)), 1e-12))
    panel.legend(loc="best")


def _draw_polarisation(result: Symmetric) -> Figure:
    tail = result.tail
    assert tail is not None
    later = result.time > 0.0
    hours = result.time[later] / 3600.0
    size = np.abs(result.current[later])
    name = "Current" if result.area is None else "Current density"
    unit, factor = (UA, 1.0) if result.area is None else (UA_CM2, 1.0 / result.area)
    steady = unit.of(tail.value * factor)
    with style():
        figure = Figure(figsize=(PAGE, 3.1), layout="constrained")
        left, right = figure.subplots(1, 2)
        for panel in (left, right):
            panel.plot(hours, unit.of(size * factor), ".", color=_ORANGE, markersize=3, label="Measured")
            panel.axvspan(tail.begin / 3600.0, hours[-1], color=_GREEN, alpha=0.12, linewidth=0)
            panel.axhline(steady, color=_GREEN, label=f"Steady: {result.values['steady_current']}")
            panel.set_xlabel("Time, h")
            panel.set_ylabel(f"{name}, {unit.label}")
        left.set_xscale("log")
        left.set_yscale("log")
        _plain_logarithmic(left.xaxis, *left.get_xlim())
        _plain_logarithmic(left.yaxis, *left.get_ylim())
        # the end, where the first current is off the scale
        late = hours > 0.3 * hours[-1]
        right.set_ylim(0.0, 1.4 * float(np.max(unit.of(size[late] * factor))))
        conductivity = result.values.get("electronic_conductivity")
        if conductivity is not None:
            right.set_title(f"{conductivity.label}:\n{conductivity}")
        left.legend(loc="best")
    return figure
