"""Figures of a cell's measurements: titration and cycling."""

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ..measure.cycling import Cycling
from ..measure.gitt import Gitt
from ..measure.half_cycles import Cycle
from ..measure.signal import thinned
from ..units import AH, AH_V, CM2_S, HOUR, MAH, MAH_CM2, MAH_G, MV, Unit
from .style import PAGE, style

# Okabe-Ito
_BLUE, _ORANGE, _GREEN, _PURPLE, _SKY, _GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#59636e"
_COLOURS = (_BLUE, _ORANGE, _GREEN)
_UAH = Unit("uAh", 3.6e-3, "uAh", "µAh")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _power(value: float, _: Any = None) -> str:
    """A number on a logarithmic axis, as 2 × 10⁻¹²."""
    if not value > 0.0:
        return ""
    exponent = math.floor(math.log10(value) + 1e-9)
    digits = value / 10.0**exponent
    raised = f"10{str(exponent).translate(_RAISED)}"
    return raised if abs(digits - 1.0) < 1e-6 else f"{digits:.0f} × {raised}"


def draw_gitt(result: Gitt) -> Figure:
    """Draw potential over time with the pulses, the diffusivity over the rest potential, and one pulse with its fit.

    Pulses that are not valid are open.

    Parameters
    ----------
    result : Gitt
    """
    pulses = result.pulses
    with style():
        figure = Figure(figsize=(PAGE, 4.6), layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=(1.35, 1.0), height_ratios=(1.0, 1.1))
        above, left, right = (figure.add_subplot(place) for place in (grid[0, :], grid[1, 0], grid[1, 1]))

        above.plot(HOUR.of(result.time), result.voltage, color=_BLUE, linewidth=0.8)
        for one in pulses:
            colour = _ORANGE if one.valid else _GREY
            above.axvspan(HOUR.of(one.begin), HOUR.of(one.end), color=colour, alpha=0.35, linewidth=0.6)
        for valid, colour in ((True, _ORANGE), (False, _GREY)):
            # of the end of the rest
            chosen = [one for one in pulses if one.valid == valid]
            if chosen:
                above.plot(
                    [HOUR.of(one.rested) for one in chosen],
                    [one.after for one in chosen],
                    "o",
                    color=colour,
                    markersize=3.0,
                    markerfacecolor=colour if valid else "white",
                    label=f"rest potential after a {'valid' if valid else 'doubtful'} pulse",
                )
        above.set_xlabel("Time, h")
        above.set_ylabel("Potential, V")
        above.legend(loc="best", frameon=True, edgecolor="none", framealpha=0.9)
        above.margins(x=0.01)

        _diffusivities(left, result)
        _example(right, result)
    return figure


def _diffusivities(axes: Any, result: Gitt) -> None:
    shown = [one for one in result.pulses if math.isfinite(one.diffusivity)]
    for valid in (True, False):
        chosen = [one for one in shown if one.valid == valid]
        if not chosen:
            continue
        value = np.array([CM2_S.of(one.diffusivity) for one in chosen])
        ends = np.array([[CM2_S.of(one.low), CM2_S.of(one.high)] for one in chosen])
        ends = np.where(np.isfinite(ends), ends, value[:, None]).clip(value[:, None] / 30.0, value[:, None] * 30.0)
        colour = _ORANGE if valid else _GREY
        axes.errorbar(
            [one.after for one in chosen], value, np.abs(ends.T - value), fmt="o", color=colour, markersize=4,
            markerfacecolor=colour if valid else "white", capsize=2, linewidth=0.8,
            label="sphere, 95 % interval" if valid else "doubtful",
        )  # fmt: skip
    simple = [one for one in shown if math.isfinite(one.simple)]
    axes.plot(
        [one.after for one in simple], [CM2_S.of(one.simple) for one in simple], "x", color=_SKY, markersize=4,
        label="line over √t", zorder=1,
    )  # fmt: skip
    median = result.values["diffusivity"]
    if math.isfinite(median.value):
        axes.axhline(CM2_S.of(median.value), color=_BLUE, linewidth=0.8, label="median")
        if math.isfinite(median.low) and median.low > 0.0 and math.isfinite(median.high):
            axes.axhspan(CM2_S.of(median.low), CM2_S.of(median.high), color=_BLUE, alpha=0.15, linewidth=0)
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        if high / low < 10.0:
            middle = math.sqrt(low * high)
            low, high = min(low, middle / 4.0), max(high, middle * 4.0)
        axes.set_ylim(low, high * (high / low) ** 0.25)
        decades = math.log10(high / low)
        subs = (1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)
        axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=12))
        axes.yaxis.set_major_formatter(FuncFormatter(_power))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.legend(loc="upper right", ncols=2)
    axes.set_xlabel("Rest potential, V")
    axes.set_ylabel(f"Diffusivity, {CM2_S.label}")


def _example(axes: Any, result: Gitt) -> None:
    """The pulse in the middle, over the root of time."""
    shown = [one for one in result.pulses if one.valid] or [
        one for one in result.pulses if math.isfinite(one.diffusivity)
    ]
    if shown:
        one = shown[len(shown) // 2]
        root = np.sqrt(one.time)
        base = one.before + one.drop
        at = thinned(len(root), 60)
        colour = _ORANGE if one.valid else _GREY
        axes.plot(root[at], MV.of(one.voltage[at] - base), "o", color=colour, markersize=2.5, label="measured")
        axes.plot(root, MV.of(one.fitted - base), color=_BLUE, label="sphere")
        axes.legend(loc="best")
        axes.set_title(f"pulse {one.number}, without its jump of {abs(MV.of(one.drop)):.3g} mV")
        axes.set_xlim(left=0.0)
    axes.set_xlabel("√time, s⁰·⁵")
    axes.set_ylabel("Change of potential, mV")


def draw_cycling(result: Cycling) -> Figure:
    """Draw voltage over capacity, capacity and efficiency over cycles, and differential capacity.

    Parameters
    ----------
    result : Cycling
    """
    drawn = _drawn(result)
    largest = max(half.charge for cycle in result.cycles for half in cycle.halves)
    factor, unit, words = _capacity(result, largest)
    with style():
        rows = 2 if len(result.cycles) > 1 else 1
        figure = Figure(figsize=(PAGE, 4.8 if rows == 2 else 2.7), layout="constrained")
        grid = figure.add_gridspec(rows, 2)
        curves, density = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
        for cycle, colour in zip(drawn, _COLOURS, strict=False):
            for half in cycle.halves:
                at = thinned(len(half.capacity), 1000)
                dashes: Any = "-" if half.kind == "discharge" else (0, (4, 1.5))
                curves.plot(half.capacity[at] / factor, half.voltage[at], color=colour, linestyle=dashes, linewidth=1.0)
        handles = [
            Line2D([], [], color=colour, label=f"cycle {cycle.number}")
            for cycle, colour in zip(drawn, _COLOURS, strict=False)
        ]
        kinds = {half.kind for cycle in drawn for half in cycle.halves}
        if "charge" in kinds:
            handles.append(Line2D([], [], color=_GREY, linestyle=(0, (4, 1.5)), label="charge"))
        if "discharge" in kinds:
            handles.append(Line2D([], [], color=_GREY, linestyle="-", label="discharge"))
        curves.legend(handles=handles, loc="best")
        curves.set_xlabel(f"{words}, {unit}")
        curves.set_ylabel("Voltage, V")
        curves.set_xlim(left=0.0)
        _differential(density, result, drawn)
        if rows == 2:
            _cycles(figure.add_subplot(grid[1, :]), result, factor, f"{words}, {unit}")
    return figure


def _drawn(result: Cycling) -> list[Cycle]:
    numbers = list(dict.fromkeys(one.cycle for one in result.differential))
    found = [cycle for number in numbers for cycle in result.cycles if cycle.number == number]
    return (found or list(result.cycles[:3]))[:3]


def _capacity(result: Cycling, largest: float) -> tuple[float, str, str]:
    """Charge in one unit of the axis, A s, and its words."""
    if result.mass is not None:
        return result.mass * MAH_G.factor, MAH_G.label, "Specific capacity"
    if result.area is not None:
        return result.area * MAH_CM2.factor, MAH_CM2.label, "Areal capacity"
    unit = AH if largest > AH.factor else MAH if largest > MAH.factor else _UAH
    return unit.factor, unit.label, "Capacity"


def _differential(axes: Any, result: Cycling, drawn: list[Cycle]) -> None:
    largest = max((float(one.density.max()) for one in result.differential), default=0.0)
    if result.mass is not None:
        factor, unit = result.mass * MAH_G.factor, f"{MAH_G.label} V⁻¹"
    elif largest > 0.1 * AH_V.factor:
        factor, unit = AH_V.factor, AH_V.label
    else:
        small = largest < 1e-4 * AH_V.factor
        factor, unit = (AH_V.factor / 1e6, "µAh V⁻¹") if small else (AH_V.factor / 1e3, "mAh V⁻¹")
    colours = {cycle.number: colour for cycle, colour in zip(drawn, _COLOURS, strict=False)}
    for one in result.differential:
        sign = 1.0 if one.kind == "charge" else -1.0
        colour = colours.get(one.cycle, _GREY)
        axes.plot(one.voltage, sign * one.density / factor, color=colour, linewidth=0.9)
        for volts, height in one.peaks:
            axes.plot([volts], [sign * height / factor], marker="o", color=colour, markersize=2.5)
    axes.axhline(0.0, color=_GREY, linewidth=0.5)
    axes.set_xlabel("Voltage, V")
    axes.set_ylabel(f"dQ/dV, {unit}")


def _cycles(axes: Any, result: Cycling, factor: float, words: str) -> None:
    number = np.array([one.number for one in result.cycles])
    size = max(1.5, min(4.0, 120.0 / len(number)))
    for kind, colour, mark in (("charge", _SKY, "s"), ("discharge", _BLUE, "o")):
        halves = [(one.number, half.charge, one.complete) for one in result.cycles if (half := one.of(kind))]
        for whole in (True, False):
            chosen = [(at, charge / factor) for at, charge, complete in halves if complete == whole]
            if chosen:
                x, y = zip(*chosen, strict=True)
                axes.plot(
                    x, y, mark, color=colour, markersize=size, markerfacecolor=colour if whole else "white",
                    label=kind if whole else f"{kind}, cycle incomplete",
                )  # fmt: skip
    if result.fade is not None:
        at, _, line = result.fade
        axes.plot(at, line / factor, color=_BLUE, linewidth=0.8, label="line of the loss")
    axes.set_ylim(0.0, 1.45 * axes.get_ylim()[1])
    axes.set_xlabel("Cycle")
    axes.set_ylabel(words)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    efficiency = np.array([one.efficiency for one in result.cycles])
    handles, names = axes.get_legend_handles_labels()
    if np.isfinite(efficiency).any():
        other = axes.twinx()
        line = other.plot(number, 100.0 * efficiency, "^", color=_ORANGE, markersize=size, markerfacecolor="none")
        other.set_ylabel("Coulombic efficiency, %", color=_ORANGE)
        other.tick_params(axis="y", colors=_ORANGE)
        found = 100.0 * efficiency[np.isfinite(efficiency)]
        low = max(min(float(found.min()) - 2.0, 90.0), 0.0)
        other.set_ylim(low, max(102.0, float(found.max()) + 0.1 * (float(found.max()) - low)))
        handles, names = [*handles, line[0]], [*names, "coulombic efficiency"]
    axes.legend(handles, names, loc="upper center", ncols=len(names))
