"""Figures of an electrolyte's measurements: conductivity, transference number, stability, symmetric cells."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ..measure.arrhenius import Arrhenius
from ..measure.transference import Transference, half_space
from ..units import DEG_C, MS_CM, UA
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
        value, low, high = MS_CM.of(np.array([result.chosen.at(float(at)) for at in grid])).T
        if np.isfinite(low).all() and np.isfinite(high).all():
            left.fill_between(1e3 / grid, low, high, color=_SKY, alpha=0.35, linewidth=0, label="95 % interval")
        name = {"arrhenius": "σT = A exp(−Eₐ/RT)", "vogel-tammann-fulcher": "Vogel-Tammann-Fulcher"}
        left.plot(1e3 / grid, value, color=_BLUE, label=name.get(result.chosen.name, "Two lines"))
        if result.chosen is not result.candidates[0]:
            straight = [MS_CM.of(result.candidates[0].at(float(at))[0]) for at in grid]
            left.plot(1e3 / grid, straight, "--", color=_GREY, label=name["arrhenius"])
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
    """Draw the current of the polarisation, its begin over the square root of time, and the two currents.

    Parameters
    ----------
    result : Transference
    """
    t, current = result.time, UA.of(result.current)
    first, last = (float(UA.of(result.values[name].value)) for name in ("initial_current", "steady_current"))
    hours = t[-1] > 7200.0
    scale, unit = (3600.0, "h") if hours else (60.0, "min")
    # what charges the interfaces is off the scale: the rest is what the number is of
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
        found = result.values["transference_number"]
        left.set_title(f"Transference number {found}")
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
