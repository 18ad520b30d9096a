"""Predicted against achieved: the curves, and the reasons from designed to measured specific energy."""

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from ..units import AH, WH_KG
from .style import PAGE, style

if TYPE_CHECKING:
    from ..study.achieved import Achieved

MEASURED, SIMULATED, DESIGNED = "#000000", "#0072b2", "#d55e00"
LOST, GAINED = "#d55e00", "#009e73"


def draw_achieved(result: "Achieved") -> Figure:
    """Draw measured, simulated and designed discharge, and the reasons between designed and measured.

    Parameters
    ----------
    result : Achieved

    Returns
    -------
    Figure
    """
    with style():
        figure = Figure(figsize=(PAGE, 0.45 * PAGE), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.15))
        small = result.designed_capacity < 0.1 * AH.factor
        factor, unit = (AH.factor / 1e3, "mAh") if small else (AH.factor, "Ah")
        for curve, colour, dashes, label in (
            (result.measured_charge, MEASURED, (0, (3, 2)), "measured charge"),
            (result.measured_discharge, MEASURED, "-", "measured discharge"),
            (result.simulated_discharge, SIMULATED, "-", "simulated discharge"),
        ):
            if curve is not None:
                left.plot(curve.capacity / factor, curve.voltage, color=colour, linestyle=dashes, label=label)
        capacity, voltage = result.designed_capacity / factor, result.designed_voltage
        left.plot([capacity], [voltage], marker="*", color=DESIGNED, linestyle="", markersize=9, label="designed")
        left.axvline(capacity, color=DESIGNED, linewidth=0.6, linestyle=":")
        left.axhline(voltage, color=DESIGNED, linewidth=0.6, linestyle=":")
        left.set_xlabel(f"Capacity, {unit}")
        left.set_ylabel("Voltage, V")
        left.set_xlim(left=0.0)
        left.legend(loc="lower left")

        begin = WH_KG.of(result.designed)
        levels = begin * np.cumprod([1.0, *(reason.factor for reason in result.reasons)])
        names = ["designed", *(textwrap.fill(reason.words, 34) for reason in result.reasons), "measured"]
        rows = np.arange(len(names))
        right.barh(rows[[0, -1]], [levels[0], levels[-1]], color=["#9a9a9a", MEASURED], height=0.62)
        for row, before, after in zip(rows[1:-1], levels[:-1], levels[1:], strict=True):
            right.barh(row, after - before, left=before, color=LOST if after < before else GAINED, height=0.62)
            right.annotate(
                f"{100.0 * (after / before - 1.0):+.1f} %".replace("-", "−"),
                (max(before, after), row),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
            )
        for row, level in ((rows[0], levels[0]), (rows[-1], levels[-1])):
            right.annotate(
                f"{level:.4g}", (level, row), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7
            )
        right.set_yticks(rows, names, fontsize=6.5)
        right.invert_yaxis()
        right.set_xlim(0.0, 1.28 * max(levels))
        right.set_xlabel("Specific energy, Wh kg⁻¹")
    return figure
