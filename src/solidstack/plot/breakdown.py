"""Shares of mass, volume and cost: stacked bars."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .. import units
from ..sheet import Sheet
from ..units import Values
from .style import PAGE, style

PACKAGE = {"laminate": "#4D4D4D", "tabs": "#999999", "tab sealant": "#CCCCCC", "space at the edges": "#F0F0F0"}


def colours(sheet: Sheet) -> dict[str, str]:
    """Return a colour for each component: blues for the positive, oranges for the negative, green for the membrane."""
    families = {
        "positive": ["#0072B2", "#56B4E9", "#003A5C", "#A9D5F0", "#3D93C7", "#CFE8F7"],
        "negative": ["#D55E00", "#E69F00", "#8A3D00", "#F5C98A", "#B87333"],
    }
    chosen = {}
    for name in sheet.pouch.components:
        family = families.get(name.split(" ")[0])
        if name.endswith("collector") or name == "bipolar foil":
            chosen[name] = {"positive collector": "#B0A8B9", "negative collector": "#B87333"}.get(name, "#6B6275")
        elif name.endswith("pores"):
            chosen[name] = "#FFFFFF"
        elif family is not None:
            chosen[name] = family.pop(0) if family else "#777777"
        else:
            chosen[name] = PACKAGE.get(name, "#009E73")
    return chosen


def draw_breakdown(sheet: Sheet) -> Figure:
    """Draw mass, volume on the stack's footprint, and material cost as stacked bars of 100 %.

    Parameters
    ----------
    sheet : Sheet
        Of a single design.

    Returns
    -------
    Figure
        The cost is left out where a price is unknown.
    """
    bars: list[tuple[str, Mapping[str, Values]]] = [
        (f"Mass\n{units.G.of(sheet.cell.mass):.3g} g", sheet.mass_breakdown),
        (f"Volume\n{units.CM3.of(sheet.cell.volume):.3g} cm³", sheet.volume_breakdown),
    ]
    cost = sum(sheet.cost_breakdown.values())
    if np.isfinite(cost):
        without = "" if sheet.design.pouch.laminate.price is not None else "\nwithout laminate"
        bars.append((f"Material cost\n{cost:.3g} USD{without}", sheet.cost_breakdown))
    colour = colours(sheet)
    with style():
        figure = Figure(figsize=(PAGE, 1.05 + 0.62 * len(bars)), layout="constrained")
        panel = figure.subplots()
        for row, (_, parts) in enumerate(bars):
            total = sum(parts.values())
            left = 0.0
            for name, value in parts.items():
                share = 100.0 * float(value / total)
                hatch = "////" if name.endswith("pores") else None
                panel.barh(
                    row, share, left=left, height=0.62, color=colour[name], edgecolor="0.35", linewidth=0.4, hatch=hatch
                )
                if share >= 4.0:
                    dark = _luminance(colour[name]) < 0.5
                    panel.text(
                        left + share / 2,
                        row,
                        f"{share:.0f} %",
                        ha="center",
                        va="center",
                        color="white" if dark else "black",
                        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8} if hatch else None,
                    )
                left += share
        panel.set_yticks(range(len(bars)), [label for label, _ in bars])
        panel.invert_yaxis()
        panel.set_xlim(0, 100)
        panel.set_xlabel("Share, %")
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.tick_params(axis="y", length=0)
        shown = [name for name in colour if any(name in parts for _, parts in bars)]
        handles = [
            Patch(
                facecolor=colour[name],
                edgecolor="0.35",
                linewidth=0.4,
                hatch="////" if name.endswith("pores") else None,
                label=name,
            )
            for name in shown
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=5, handlelength=1.2, columnspacing=1.2)
    return figure


def _luminance(colour: str) -> float:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue
