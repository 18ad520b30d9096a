"""Figures of a solid's measurements: particle sizes and modulus."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from scipy.special import ndtr

from ..measure.modulus import Modulus
from ..measure.particle_size import ParticleSize
from ..units import DEG_C, GPA, MPA, PERCENT, UM
from .style import PAGE, style

# Okabe-Ito
_BLUE, _ORANGE, _GREEN, _SKY, _GREY = "#0072b2", "#d55e00", "#009e73", "#56b4e9", "#59636e"


def _plain(axis: Any, low: float, high: float) -> None:
    """Plain numbers on a logarithmic axis."""
    decades = np.log10(high / low)
    axis.set_major_locator(LogLocator(subs=(1.0,) if decades > 3.0 else (1.0, 2.0, 5.0), numticks=30))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.12g}"))
    axis.set_minor_formatter(NullFormatter())


def draw_particle_size(result: ParticleSize) -> Figure:
    """Draw the distribution by volume, its cumulative share, and the fitted log-normal distribution.

    Parameters
    ----------
    result : ParticleSize
    """
    share = np.diff(result.cumulative)
    inner = np.flatnonzero(share > 1e-4)
    first, last = max(int(inner[0]) - 1, 0), min(int(inner[-1]) + 2, len(share))
    edges = UM.of(result.edges)
    low, high = float(edges[first]), float(edges[last])
    grid = np.geomspace(low, high, 400)
    deviate = np.log(grid / UM.of(result.median)) / result.deviation
    with style():
        figure = Figure(figsize=(PAGE, 3.0), layout="constrained")
        axes = figure.add_subplot()
        # per decimal logarithm, so that the area of a bar is its volume on the axis that is drawn
        scale = 100.0 * np.log(10.0)
        axes.stairs(result.density * scale, edges, fill=True, color=_SKY, alpha=0.6, label="measured")
        normal = np.exp(-0.5 * deviate**2) / (result.deviation * np.sqrt(2.0 * np.pi))
        axes.plot(grid, normal * scale, color=_BLUE, label="log-normal fit")
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        _plain(axes.xaxis, low, high)
        axes.set_ylim(0.0, 1.3 * axes.get_ylim()[1])
        axes.set_xlabel(f"Diameter, {UM.label}")
        axes.set_ylabel("Volume per decade, %")
        other = axes.twinx()
        other.plot(edges, 100.0 * result.cumulative, color=_ORANGE, label="cumulative")
        other.plot(grid, 100.0 * ndtr(deviate), color=_ORANGE, linestyle=":", linewidth=0.9)
        other.set_ylim(0.0, 130.0)
        other.set_yticks([0, 20, 40, 60, 80, 100])
        other.set_ylabel("Cumulative volume, %", color=_ORANGE)
        other.tick_params(axis="y", colors=_ORANGE)
        for name in ("d10", "d50", "d90"):
            value = result.values[name]
            share_below = float(name[1:])
            at = float(UM.of(value.value))
            other.plot([at, at], [0.0, share_below], color=_GREY, linewidth=0.7, linestyle="--")
            other.plot([at], [share_below], "o", color=_ORANGE, markersize=3.5)
            other.annotate(
                f"D{name[1:]} {at:.3g} {UM.label}", (at, share_below), xytext=(-5, 3), textcoords="offset points",
                ha="right", va="bottom",
            )  # fmt: skip
        handles, names = axes.get_legend_handles_labels()
        more, others = other.get_legend_handles_labels()
        other.legend([*handles, *more], [*names, *others], loc="upper left", ncols=3)
    return figure


def draw_modulus(result: Modulus) -> Figure:
    """Draw stress over strain with the linear part, or the moduli of dynamic mechanical analysis.

    Parameters
    ----------
    result : Modulus
    """
    return _draw_dma(result) if result.form == "dma" else _draw_tensile(result)


def _draw_tensile(result: Modulus) -> Figure:
    assert result.straight is not None
    begin, end, intercept, slope = result.straight
    toe = -intercept / slope
    strain, stress = PERCENT.of(result.x), MPA.of(result.y)
    modulus = result.values["youngs_modulus"]
    with style():
        figure = Figure(figsize=(PAGE, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        for axes, until in ((left, None), (right, toe + 2.2 * (end - toe))):
            shown = slice(None) if until is None else result.x <= until
            axes.plot(strain[shown], stress[shown], color=_BLUE, label="measured", linewidth=1.0)
            inside = (result.x >= begin) & (result.x <= end)
            axes.plot(strain[inside], stress[inside], color=_ORANGE, linewidth=2.6, alpha=0.7, label="linear part")
            top = float(np.max(result.y[shown]))
            reach = min(toe + 1.1 * top / slope, float(result.x[shown][-1]))
            line = np.array([toe, reach])
            axes.plot(
                PERCENT.of(line), MPA.of(intercept + slope * line), "--", color=_GREY, linewidth=0.9,
                label=f"E = {_modulus(modulus)}",
            )  # fmt: skip
            if result.offset_yield is not None and (until is None or result.offset_yield[0] <= until):
                at, level = result.offset_yield
                parallel = np.array([toe + 0.002, at])
                axes.plot(PERCENT.of(parallel), MPA.of(slope * (parallel - toe - 0.002)), ":", color=_GREEN)
                axes.plot([PERCENT.of(at)], [MPA.of(level)], "s", color=_GREEN, markersize=4, label="0.2 % offset")
            axes.set_xlabel("Strain, %")
            axes.set_ylabel("Stress, MPa")
            axes.set_ylim(bottom=min(0.0, float(np.min(stress[shown]))))
        if result.strength is not None:
            at, level = result.strength
            left.plot([PERCENT.of(at)], [MPA.of(level)], "^", color=_BLUE, markersize=5, label="strength")
        left.set_title("whole curve")
        right.set_title("beginning")
        left.legend(loc="lower right")
    return figure


def _modulus(value: Any) -> str:
    unit = GPA if value.value >= 0.1 * GPA.factor else MPA
    half = 0.5 * (value.high - value.low)
    words = f"{unit.of(value.value):.3g}"
    if np.isfinite(half):
        words += f" ± {unit.of(half):.1g}"
    return f"{words} {unit.label}"


def _draw_dma(result: Modulus) -> Figure:
    x = DEG_C.of(result.x) if result.axis == "temperature" else result.x
    with style():
        figure = Figure(figsize=(PAGE, 3.0), layout="constrained")
        axes = figure.add_subplot()
        axes.plot(x, MPA.of(result.y), "o-", color=_BLUE, markersize=2.5, label="storage modulus")
        curves = [MPA.of(result.y)]
        if result.loss is not None and (result.loss > 1e-9 * result.y.max()).all():
            axes.plot(x, MPA.of(result.loss), "s-", color=_GREEN, markersize=2.5, label="loss modulus")
            curves.append(MPA.of(result.loss))
        axes.set_yscale("log")
        low, high = min(map(np.min, curves)), max(map(np.max, curves))
        if high / low < 4.0:
            low, high = low / 2.0, high * 2.0
        low, high = low / 1.3, high * (high / low) ** 0.15
        axes.set_ylim(low, high)
        _plain(axes.yaxis, low, high)
        if result.axis == "frequency":
            axes.set_xscale("log")
            _plain(axes.xaxis, float(x.min()), float(x.max()))
        axes.set_xlabel("Temperature, °C" if result.axis == "temperature" else "Frequency, Hz")
        axes.set_ylabel("Modulus, MPa")
        at = 25.0 if result.axis == "temperature" else 1.0
        if float(x.min()) <= at <= float(x.max()):
            axes.axvline(at, color=_GREY, linewidth=0.7, linestyle="--")
        handles, names = axes.get_legend_handles_labels()
        if result.tangent is not None:
            other = axes.twinx()
            other.plot(x, result.tangent, "^-", color=_ORANGE, markersize=2.5, label="tan δ", linewidth=0.9)
            other.set_ylim(0.0, 1.25 * float(np.max(result.tangent)))
            other.set_ylabel("tan δ", color=_ORANGE)
            other.tick_params(axis="y", colors=_ORANGE)
            more, others = other.get_legend_handles_labels()
            handles, names = [*handles, *more], [*names, *others]
        axes.legend(handles, names, loc="upper right", ncols=3)
    return figure
