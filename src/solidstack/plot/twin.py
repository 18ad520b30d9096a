"""Figures of the digital twin: the closed form next to the full field."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..particle import CLOSE_PACKING, resistance_factor
from ..study.comparison import BRUGGEMAN, Point
from .style import PAGE, style

# Okabe-Ito
_BLUE, _ORANGE, _GREEN, _GREY = "#0072b2", "#d55e00", "#009e73", "#59636e"


def draw_comparison(points: Sequence[Point]) -> Figure:
    """Draw the relative ionic conductivity against porosity, a panel for each composition, and the deviations below.

    Parameters
    ----------
    points : sequence of Point
    """
    cores = sorted({point.core_fraction for point in points})
    with style():
        figure = Figure(figsize=(PAGE, 4.6), layout="constrained")
        grid = figure.subplots(2, len(cores), sharex=True, squeeze=False, height_ratios=(2, 1), sharey="row")
        for column, core in enumerate(cores):
            row = sorted((point for point in points if point.core_fraction == core), key=lambda point: point.porosity)
            porosity = [100.0 * point.porosity for point in row]
            above, below = grid[0][column], grid[1][column]
            lines: tuple[tuple[str, Any, str, str], ...] = (
                ("Full field, pressed uniaxially", [p.uniaxial for p in row], _BLUE, "o-"),
                ("Full field, pressed isostatically", [p.isostatic for p in row], _GREEN, "s-"),
            )
            for name, values, colour, mark in lines:
                above.plot(porosity, values, mark, color=colour, label=name, markersize=3.5)
            # formulas on a fine grid: between points the closed form falls to 0 at the threshold at once
            fine = np.linspace(min(porosity), max(porosity), 400) / 100.0
            formulas: tuple[tuple[str, Any, str, str], ...] = (
                ("Closed form (slices in series)", 1.0 / resistance_factor(core, fine), _ORANGE, "--"),
                (f"Bruggeman, exponent {BRUGGEMAN}", ((1.0 - core) * (1.0 - fine)) ** BRUGGEMAN, _GREY, ":"),
            )
            for name, formula, colour, mark in formulas:
                above.plot(100.0 * fine, formula, mark, color=colour, label=name)
            # from the threshold on the closed form is 0 and the full field the voxels of touching points
            solid = [point for point in row if point.uniaxial > 0.0 and point.porosity < 1.0 - CLOSE_PACKING]
            for name, colour, mark in (("closed_form", _ORANGE, "--"), ("bruggeman", _GREY, ":")):
                deviation = [100.0 * (getattr(p, name) / p.uniaxial - 1.0) for p in solid]
                below.plot([100.0 * p.porosity for p in solid], deviation, mark, color=colour)
            below.axhline(0.0, color=_BLUE, linewidth=0.7)
            for panel in (above, below):
                panel.axvline(100.0 * (1.0 - CLOSE_PACKING), color="0.4", linewidth=0.7, linestyle="-.")
            above.set_title(f"{100 * core:.1f} vol% active material of solid")
            below.set_xlabel("Porosity, %")
        grid[0][0].set_ylabel("Effective / true ionic conductivity")
        grid[0][0].set_ylim(bottom=0.0)
        grid[1][0].set_ylabel("Deviation from\nuniaxial full field, %")
        grid[1][0].set_ylim(-100.0, 100.0)
        grid[0][-1].annotate(
            "percolation\nthreshold",
            (100.0 * (1.0 - CLOSE_PACKING), grid[0][0].get_ylim()[1]),
            xytext=(-4, -3),
            textcoords="offset points",
            ha="right",
            va="top",
            color="0.3",
        )
        handles, names = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=2)
    return figure
