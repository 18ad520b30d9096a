"""A segmented image: profiles of its phases with depth, and how large a volume is representative.

The three orthogonal slices are those of any structure (`structure.slices`); a phase has the same colour everywhere.
"""

import math
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ..twin.structure.image import ImageAnalysis
from .structure import UM, phase_colours
from .style import PAGE, style

EDGE = 2.4
"""Width of the dark rim that keeps a pale colour readable on white, points."""

BARS: Any = {"fmt": "none", "ecolor": "0.25", "elinewidth": 0.8, "capsize": 2.5, "zorder": 1}


def draw_image_profiles(analysis: ImageAnalysis) -> Figure:
    """Draw the volume fractions of the phases against depth along x, y and z.

    Parameters
    ----------
    analysis : ImageAnalysis
    """
    colours = phase_colours(analysis.structure)
    with style():
        figure = Figure(figsize=(PAGE, 2.5), layout="constrained")
        panels = figure.subplots(1, 3, sharey=True)
        for panel, (axis, profile) in zip(panels, analysis.profiles.items(), strict=True):
            for name, values in profile.fractions.items():
                if values.any():
                    _line(panel, profile.position * UM, 100.0 * values, colours[name], name)
            panel.set_xlabel(f"{axis}, µm" + (" (through-plane)" if axis == "x" else ""))
            panel.set_xlim(0.0, len(profile.position) * 2.0 * profile.position[0] * UM)
        panels[0].set_ylabel("Volume fraction, %")
        panels[0].set_ylim(bottom=0.0)
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=min(6, max(1, len(names))))
    return figure


def draw_representative_volume(analysis: ImageAnalysis) -> Figure:
    """Draw each phase's fraction with its standard deviation, and the relative spread, against the edge of sub-volumes.

    Parameters
    ----------
    analysis : ImageAnalysis
        Of a volume that is large enough.
    """
    colours = phase_colours(analysis.structure)
    with style():
        figure = Figure(figsize=(PAGE, 2.9), layout="constrained")
        means, spreads = figure.subplots(1, 2)
        for index, (name, volume) in enumerate(analysis.representative_volume.items()):
            edge, colour = volume.edge * UM, colours[name]
            beside = edge * 1.05**index  # bars beside each other, not over each other
            means.errorbar(beside, 100.0 * volume.mean, 100.0 * volume.standard_deviation, **BARS)
            _line(means, beside, 100.0 * volume.mean, colour, name, marker="o")
            relative = np.where(volume.mean > 0.0, volume.standard_deviation / np.maximum(volume.mean, 1e-300), np.nan)
            shown = relative > 0.0
            _line(spreads, edge[shown], 100.0 * relative[shown], colour, name, marker="o")
            if math.isfinite(volume.sufficient_edge):
                spreads.plot(
                    volume.sufficient_edge * UM, 100.0 * volume.tolerance, "D", color=colour, mec="black", ms=6
                )
            tolerance = volume.tolerance
        if analysis.representative_volume:
            spreads.axhline(100.0 * tolerance, color="0.4", linestyle="--", linewidth=0.9)
            spreads.annotate(
                f"allowed {100.0 * tolerance:g} %",
                (0.01, 100.0 * tolerance),
                (0, 2),
                ha="left",
                fontsize=6.5,
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
            )
        means.set_ylabel("Volume fraction, %")
        means.set_title("(a) Mean and standard deviation over sub-volumes")
        means.set_ylim(bottom=0.0)
        spreads.set_ylabel("Standard deviation / mean, %")
        spreads.set_title("(b) Relative spread")
        spreads.set_yscale("log")
        for panel in (means, spreads):
            panel.set_xscale("log")
            panel.set_xlabel("Edge of the sub-volume, µm")
            panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            panel.xaxis.set_minor_locator(NullLocator())
            panel.xaxis.set_major_formatter(FuncFormatter(_plain))
        spreads.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        spreads.yaxis.set_minor_locator(NullLocator())
        spreads.yaxis.set_major_formatter(FuncFormatter(_plain))
        handles, names = means.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=min(6, max(1, len(names))))
    return figure


def _line(panel: Axes, x: Any, y: Any, colour: str, name: str, marker: str = "") -> None:
    rim = [patheffects.withStroke(linewidth=EDGE, foreground="0.35")]
    panel.plot(x, y, color=colour, label=name, marker=marker, markersize=3.5, path_effects=rim)


def _plain(value: float, _: Any = None) -> str:
    return f"{value:g}"
