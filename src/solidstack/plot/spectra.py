"""Figures of impedance: the spectrum with its fit, the residuals, and the relaxation times."""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ..measure.impedance import Impedance, Spectra
from ..measure.records import TIME
from .style import PAGE, style

# Okabe-Ito
_BLUE, _ORANGE, _GREEN = "#0072b2", "#d55e00", "#009e73"
OUTSIDE = 1.0
"""How far points that were cut may widen the Nyquist plot, in ranges of the points used."""


def draw_spectrum(result: Impedance) -> Figure:
    """Draw a spectrum: Nyquist plot, modulus and phase, residuals, distribution of relaxation times.

    Parameters
    ----------
    result : Impedance
    """
    with style():
        figure = Figure(figsize=(PAGE, 6.2), layout="constrained")
        figure.suptitle(f"{result.records[0].name}: {result.model}", fontsize=8)
        grid = figure.add_gridspec(3, 2, height_ratios=(0.62, 0.62, 1.0))
        _nyquist(figure.add_subplot(grid[:2, 0]), result)
        modulus = figure.add_subplot(grid[0, 1])
        _bode(modulus, figure.add_subplot(grid[1, 1], sharex=modulus), result)
        _residuals(figure.add_subplot(grid[2, 0]), result)
        _relaxations(figure.add_subplot(grid[2, 1]), result)
    return figure


def draw_over_time(spectra: Spectra) -> Figure:
    """Draw several spectra: Nyquist plot of what was used, and the resistances one after the other.

    Parameters
    ----------
    spectra : Spectra
    """
    results = spectra.results
    with style():
        figure = Figure(figsize=(PAGE, 3.1), layout="constrained")
        left, right = figure.subplots(1, 2)
        largest = max(float(np.abs(one.measured[one.used]).max()) for one in results)
        unit, scale = _ohm(largest)
        firsts = [one.records[0] for one in results]
        hours = np.array([float(one.values(TIME).min()) if one.has(TIME) else np.nan for one in firsts])
        timed = bool(np.isfinite(hours).all()) and bool(np.ptp(hours) > 0.0)
        place = (hours - hours[0]) / 3600.0 if timed else np.arange(1.0, len(results) + 1.0)
        words = "Time, h" if timed else "Spectrum"
        shades = ListedColormap(mpl.colormaps["viridis"](np.linspace(0.0, 0.92, 256)))
        scale_of = ScalarMappable(Normalize(float(place.min()), float(place.max())), shades)
        for one, at in zip(results, place, strict=True):
            z = one.measured[one.used] / scale
            left.plot(z.real, -z.imag, color=scale_of.to_rgba(at), lw=0.8)
        if len(results) > 1:
            whole = None if timed else MaxNLocator(6, integer=True)
            figure.colorbar(scale_of, ax=left, label=words, ticks=whole, aspect=30, pad=0.02)
        left.set_aspect("equal", adjustable="datalim")
        left.set_xlabel(f"Real part, {unit}")
        left.set_ylabel(f"−Imaginary part, {unit}")
        names = [
            name
            for name in dict.fromkeys(name for one in results for name in one.values)
            if name
            in ("conductivity", "resistance", "interface_resistance", "resistance_sum", "effective_conductivity")
        ]
        shown = [name for name in names if "resistance" in name] or names
        for name, colour, marker in zip(shown, (_BLUE, _ORANGE, _GREEN), "os^", strict=False):
            have = [(at, one.values[name]) for at, one in zip(place, results, strict=True) if name in one.values]
            at = np.array([one for one, _ in have])
            low, value, high = (
                np.array([float(one.unit.of(getattr(one, part))) for _, one in have])
                for part in ("low", "value", "high")
            )
            right.errorbar(
                at, value, [value - low, high - value], fmt=marker, ms=2.5, color=colour, elinewidth=0.6,
                label=f"{have[0][1].label}, {have[0][1].unit.label}",
            )  # fmt: skip
        right.set_xlabel(words)
        if not timed:
            right.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        right.set_ylabel("Resistance, Ω" if shown and "resistance" in shown[0] else "Conductivity, mS cm⁻¹")
        right.set_ylim(bottom=0.0)
        right.legend()
    return figure


def _nyquist(axes: Axes, result: Impedance) -> None:
    z, used = result.measured, result.used
    inner = z[used]
    fine = np.geomspace(result.frequency[used].min(), result.frequency[used].max(), 400)
    model = result.fit.impedance(fine)
    unit, scale = _ohm(float(np.abs(np.concatenate([inner, model])).max()))
    if not used.all():
        cut = z[~used] / scale
        axes.plot(cut.real, -cut.imag, "o", mfc="none", color=_ORANGE, ms=3.5, mew=0.8, label="Cut")
    axes.plot(inner.real / scale, -inner.imag / scale, "o", color=_BLUE, ms=3.0, label="Measured")
    axes.plot(model.real / scale, -model.imag / scale, color="black", lw=1.0, label="Circuit")
    _limits(axes, inner / scale, z[~used] / scale)
    axes.axhline(0.0, color="0.6", lw=0.6, zorder=0)
    axes.set_aspect("equal", adjustable="box")
    axes.set_xlabel(f"Real part, {unit}")
    axes.set_ylabel(f"−Imaginary part, {unit}")
    for setter in (axes.xaxis, axes.yaxis):
        setter.set_major_locator(MaxNLocator(5))
    _label_decades(axes, result, scale)
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, 1.0), handlelength=1.2, borderpad=0.2)
    _closer(axes, result, fine, model)


def _closer(axes: Axes, result: Impedance, fine: Any, model: Any) -> None:
    """Where a tail makes the rest small, show the rest again in the free corner."""
    z = result.measured[result.used]
    size = 2.0 * (_before_the_tail(fine, model) - min(0.0, float(z.real.min())))
    if not 0.0 < size < 0.35 * float(np.abs(z).max()):
        return
    unit, scale = _ohm(size)
    inset = axes.inset_axes((0.5, 0.1, 0.47, 0.6))
    inset.plot(z.real / scale, -z.imag / scale, "o", color=_BLUE, ms=2.5)
    inset.plot(model.real / scale, -model.imag / scale, color="black", lw=0.8)
    low = min(0.0, float((-z.imag[np.abs(z) < size]).min(initial=0.0)))
    inset.set_xlim(min(0.0, float(z.real.min())) / scale, size / scale)
    inset.set_ylim(low / scale, (low + size) / scale)
    inset.set_aspect("equal", adjustable="box")
    inset.axhline(0.0, color="0.6", lw=0.6, zorder=0)
    inset.tick_params(labelsize=6)
    inset.set_title(unit, fontsize=6, loc="right", pad=2)
    for setter in (inset.xaxis, inset.yaxis):
        setter.set_major_locator(MaxNLocator(4))


def _before_the_tail(fine: Any, model: Any) -> float:
    """Real part at the lowest frequency at which resistance outweighs storage; 0 where there is no tail."""
    falling = np.argsort(-fine)
    height, real = -model.imag[falling], model.real[falling]
    resistive = np.flatnonzero(height < real)
    if not resistive.size or height[-1] < 0.999 * height.max():
        return 0.0
    return float(real[resistive[-1]])


def _limits(axes: Axes, inner: Any, outer: Any) -> None:
    """Limits of the points used and of nearby ones that were cut, with a strip for the legend above."""
    ends = []
    for of_inner, of_outer in ((inner.real, outer.real), (-inner.imag, -outer.imag)):
        low, high = float(of_inner.min()), float(of_inner.max())
        low = min(0.0, low) if low < 0.6 * (high - low) else low
        reach = OUTSIDE * 0.35 * max(high - low, 1e-30)
        near = of_outer[(of_outer > low - reach) & (of_outer < high + reach)]
        ends.append((min([low, *near]), max([high, *near])))
    (left, right), (bottom, top) = ends
    size = max(right - left, (top - bottom) * 1.25, 1e-12)
    height = max(top - bottom, 0.6 * size)
    axes.set_xlim(left - 0.05 * size, left + 1.06 * size)
    axes.set_ylim(bottom - 0.05 * size, bottom + height * 1.22 + 0.02 * size)


def _label_decades(axes: Axes, result: Impedance, scale: float) -> None:
    """Write the frequency at the points nearest to decades, where there is room."""
    used = np.flatnonzero(result.used)
    f, z = result.frequency[used], result.measured[used] / scale
    taken: list[complex] = []
    extent = axes.get_xlim()[1] - axes.get_xlim()[0]
    # prominent points first: the tops of arcs matter most
    decades = sorted(range(-6, 10), key=lambda power: -float(-z.imag[np.argmin(np.abs(np.log10(f) - power))]))
    for power in decades:
        at = int(np.argmin(np.abs(np.log10(f) - power)))
        if abs(np.log10(f[at]) - power) > 0.15 or any(abs(z[at] - other) < 0.13 * extent for other in taken):
            continue
        taken.append(z[at])
        offset, side = _beside(z, at, axes)
        axes.annotate(
            _prefixed(10.0**power) + "Hz", (z[at].real, -z[at].imag), xytext=offset, textcoords="offset points",
            fontsize=6, color="0.25", ha=side, va="center", annotation_clip=True,
        )  # fmt: skip
        axes.plot(z[at].real, -z[at].imag, "o", mfc="none", color="0.25", ms=5.0, mew=0.6)


def _beside(z: Any, at: int, axes: Axes) -> tuple[tuple[int, int], str]:
    """Place of a label clear of the curve: inside an arc, above its top, left of a tail."""
    left, right = axes.get_xlim()
    step = z[min(at + 1, z.size - 1)] - z[max(at - 1, 0)]
    slope = -step.imag / max(abs(step), 1e-30) * (1.0 if step.real >= 0.0 else -1.0)
    if slope > 0.3:
        return ((-6, 2), "right") if z[at].real > left + 0.72 * (right - left) else ((6, -5), "left")
    return ((-6, -5), "right") if slope < -0.3 else ((0, 8), "center")


def _bode(modulus: Axes, angle: Axes, result: Impedance) -> None:
    f, z, used = result.frequency, result.measured, result.used
    fine = np.geomspace(f.min(), f.max(), 400)
    model = result.fit.impedance(fine)
    inside = (fine >= f[used].min() * 0.999) & (fine <= f[used].max() * 1.001)
    low, high = np.log10(np.abs(z[used]).min()), np.log10(np.abs(z[used]).max())
    for axes, values, curve, colour in (
        (modulus, np.abs(z), np.abs(model), _BLUE),
        (angle, -np.degrees(np.angle(z)), -np.degrees(np.angle(model)), _GREEN),
    ):
        axes.semilogx(f[~used], values[~used], "o", mfc="none", color=_ORANGE, ms=3.5, mew=0.8)
        axes.semilogx(f[used], values[used], "o", color=colour, ms=3.0)
        axes.plot(fine[inside], curve[inside], color="black", lw=1.0)
        axes.plot(fine, curve, color="black", lw=0.8, ls=":")
    modulus.set_yscale("log")
    reach = max(high - low, 0.3)
    modulus.set_ylim(10.0 ** (low - 0.12 * reach), 10.0 ** (low + 1.15 * reach))
    subs = (1.0, 2.0, 3.0, 5.0, 7.0) if reach < 0.8 else (1.0, 2.0, 5.0) if reach < 1.6 else (1.0,)
    modulus.yaxis.set_major_locator(LogLocator(10.0, subs, numticks=9))
    modulus.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    modulus.yaxis.set_minor_formatter(NullFormatter())
    modulus.set_ylabel("Modulus, Ω")
    modulus.tick_params(labelbottom=False)
    inner = -np.degrees(np.angle(z[used]))
    bottom, top = min(0.0, float(inner.min())), max(float(inner.max()), 5.0)
    angle.set_ylim(bottom - 0.08 * (top - bottom), top + 0.12 * (top - bottom))
    angle.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 1.5, 2, 3, 5, 10]))
    angle.set_ylabel("−Phase, °")
    angle.set_xlabel("Frequency, Hz")
    _plain(angle, f)


def _residuals(axes: Axes, result: Impedance) -> None:
    f, used = result.frequency, result.used
    fit, check = 100.0 * result.residuals[used], -100.0 * result.check.residuals
    axes.axhline(0.0, color="0.5", lw=0.6)
    for values, colour, marks, name in (
        (fit, _BLUE, ("o-", "o--"), "Circuit"),
        (check, _ORANGE, ("^-", "^--"), "Kramers-Kronig"),
    ):
        for part, mark, words, fill in (
            (values.real, marks[0], "real", colour),
            (values.imag, marks[1], "imaginary", "none"),
        ):
            axes.plot(f[used], part, mark, color=colour, mfc=fill, ms=2.8, mew=0.7, lw=0.7, label=f"{name}, {words}")
    axes.set_xscale("log")
    _plain(axes, f)
    size = max(1.0, float(np.abs(np.concatenate([fit.real, fit.imag, check.real, check.imag])).max()))
    axes.set_ylim(-1.15 * size, 1.15 * size)
    axes.set_xlabel("Frequency, Hz")
    axes.set_ylabel("Model less measured, % of modulus")
    for which in ((f > f[used].max()), (f < f[used].min())):
        if which.any():
            low, high = f[which].min() / 1.1, f[which].max() * 1.1
            axes.axvspan(low, high, color="0.92", zorder=0)
            axes.text(np.sqrt(low * high), 1.06 * size, "cut", ha="center", va="top", color="0.35", fontsize=7)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, handlelength=2.2)


def _relaxations(axes: Axes, result: Impedance) -> None:
    distribution = result.distribution
    f = 0.5 / np.pi / distribution.tau
    ends = result.frequency[result.used].min(), result.frequency[result.used].max()
    shown = (f >= ends[0]) & (f <= ends[1])
    unit, scale = _ohm(float(distribution.gamma[shown].max()) if shown.any() else 1.0)
    axes.fill_between(f[shown], distribution.gamma[shown] / scale, color=_BLUE, alpha=0.2, lw=0)
    axes.plot(f[shown], distribution.gamma[shown] / scale, color=_BLUE)
    axes.set_xscale("log")
    _plain(axes, result.frequency)
    axes.set_xlabel("Frequency of relaxation, Hz")
    axes.set_ylabel(f"Distribution of relaxation times, {unit}")
    top = max(float(distribution.gamma[shown].max()) / scale if shown.any() else 0.0, 1e-12)
    # what is small against the resistance is noise, and should look like it
    least = 0.03 * result.values["resistance"].value / scale if "resistance" in result.values else 0.0
    top = max(top, least)
    axes.set_ylim(0.0, 1.22 * top)
    placed: list[tuple[float, float]] = []
    for peak in sorted(distribution.peaks, key=lambda one: -one.resistance)[:6]:
        near = np.abs(np.log10(distribution.tau / peak.tau)) < 0.4
        height = float(distribution.gamma[near].max()) / scale
        spot = (np.log10(peak.frequency), height / top)
        crowded = any(abs(spot[0] - x) < 0.9 and abs(spot[1] - y) < 0.12 for x, y in placed)
        if crowded or not ends[0] <= peak.frequency <= ends[1]:
            continue
        placed.append(spot)
        axes.annotate(
            f"{_prefixed(peak.resistance)}Ω\n{_prefixed(peak.frequency)}Hz", (peak.frequency, height), xytext=(0, 3),
            textcoords="offset points", ha="center", va="bottom", fontsize=6, color="0.25",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
        )  # fmt: skip


def _plain(axes: Axes, frequency: Any) -> None:
    """A logarithmic frequency axis, the same for all panels, with plain numbers."""
    axes.set_xlim(frequency.min() / 1.8, frequency.max() * 1.8)
    decades = np.log10(frequency.max() / frequency.min())
    axes.xaxis.set_major_locator(LogLocator(100.0 if decades > 5.0 else 10.0, numticks=12))
    axes.xaxis.set_minor_locator(LogLocator(10.0, numticks=20))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _short(value: float) -> str:
    for factor, letter in ((1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * factor:
            return f"{value / factor:.3g}{letter}"
    return f"{value:.3g}"


def _prefixed(value: float) -> str:
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m")):
        if value >= 0.9995 * factor:
            return f"{value / factor:.3g} {prefix}"
    return f"{value:.2g} "


def _ohm(most: float) -> tuple[str, float]:
    """A suitable unit, and its size in ohm."""
    for factor, unit in ((1e9, "GΩ"), (1e6, "MΩ"), (1e4, "kΩ")):
        if most >= factor:
            return unit, min(factor, 1e3) if unit == "kΩ" else factor
    return "Ω", 1.0
