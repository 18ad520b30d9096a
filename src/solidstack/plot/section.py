"""The stack in cross-section: widths to scale, thicknesses enlarged by a stated factor."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ..design import Design
from ..sheet import Sheet
from .style import PAGE, style

COLOURS = {
    "positive": "#0072B2",
    "positive collector": "#B0A8B9",
    "membrane": "#009E73",
    "negative coating": "#E69F00",
    "negative lithium": "#D55E00",
    "negative collector": "#B87333",
    "bipolar foil": "#6B6275",
    "laminate": "#4D4D4D",
}
FRAME = 0.85
"""Height of what surrounds the panels, inches."""

LABEL = 0.125
"""Height of a label, inches."""

WORDS = {"positive": "positive coating"}


def layers(sheet: Sheet) -> list[tuple[str, float, float]]:
    """Return the layers from bottom to top: name, thickness, m, and width across the positive's length, m."""
    design = sheet.design
    length = float(design.stack.positive_size[1])
    negative = length + 2.0 * float(design.stack.negative_overhang)
    membrane = negative + 2.0 * float(design.stack.membrane_overhang)
    side = sheet.unit.side
    positive = ("positive", float(sheet.positive.thickness), length)
    collector = ("positive collector", float(design.positive.collector.thickness), length)
    separator = ("membrane", float(design.membrane.thickness), membrane)
    foil = (side.foil.name, float(side.foil.thickness), negative)
    coat = [] if side.coating is None else [(side.coating.name, float(side.coating.thickness), negative)]
    cell = [positive, separator, *coat]
    series = int(design.stack.series_cells)
    joint: list[tuple[str, float, float]] = []
    if series > 1:
        bipolar: Any = design.stack.bipolar_foil
        extra = [] if side.on_bipolar is None else [(side.on_bipolar.name, float(side.on_bipolar.thickness), negative)]
        joint = [*extra, ("bipolar foil", float(bipolar.thickness), negative)]
    upward = [*(cell + joint) * (series - 1), *cell]
    bilayer = [*reversed(upward), collector, *upward]
    stack = [foil]
    for _ in range(int(design.stack.bilayers)):
        stack += [*bilayer, foil]
    return stack


def draw_section(sheet: Sheet) -> Figure:
    """Draw the whole cell, and one repeating unit with its thicknesses.

    Parameters
    ----------
    sheet : Sheet
        Of a single design.

    Returns
    -------
    Figure
        In the left panel widths are to scale and thicknesses enlarged by the factor written there.
    """
    stack = layers(sheet)
    with style():
        part = repeating_unit(sheet, stack)
        height = max(2.7, FRAME + len(part) * LABEL)
        figure = Figure(figsize=(PAGE, height), layout="constrained")
        whole, unit = figure.subplots(1, 2, width_ratios=[1.9, 1.0])
        _whole(whole, sheet.design, stack)
        _unit(unit, part, gap=1.07 * LABEL / (height - FRAME))
        names = [name for name in COLOURS if name == "laminate" or any(layer[0] == name for layer in stack)]
        handles = [Patch(facecolor=COLOURS[n], edgecolor="0.3", linewidth=0.4, label=WORDS.get(n, n)) for n in names]
        figure.legend(handles=handles, loc="outside lower center", ncols=6, handlelength=1.2)
    return figure


def _whole(panel: Axes, design: Design, stack: list[tuple[str, float, float]]) -> None:
    laminate = float(design.pouch.laminate.thickness)
    height = sum(thickness for _, thickness, _ in stack) + 2.0 * laminate
    widest = max(width for _, _, width in stack)
    clear, seal = float(design.pouch.clearance), float(design.pouch.seal_width)
    outer = widest + 2.0 * (clear + seal)
    exaggeration = _round_factor(0.42 * outer / height)
    mm = 1e3

    boxes = []
    y = laminate
    for _, thickness, width in stack:
        low, high, half = y * mm * exaggeration, (y + thickness) * mm * exaggeration, width / 2 * mm
        boxes.append([(-half, low), (half, low), (half, high), (-half, high)])
        y += thickness
    fills = [COLOURS[name] for name, _, _ in stack]
    # white edges separate a few layers; they would hide many thin ones
    few = len(stack) <= 15
    panel.add_collection(
        PolyCollection(boxes, facecolors=fills, edgecolors="white" if few else "none", linewidths=0.5 if few else 0.0)
    )
    half, rim = widest / 2 + clear, height / 2
    for sign, base in ((1, 0.0), (-1, height)):
        # the laminate runs over the stack, down to the seal at mid-height, and out to the flange
        path = np.array(
            [
                (-half - seal, rim - sign * laminate),
                (-half - 0.15 * seal, rim - sign * laminate),
                (-half, base),
                (half, base),
                (half + 0.15 * seal, rim - sign * laminate),
                (half + seal, rim - sign * laminate),
                (half + seal, rim),
                (half + 0.15 * seal, rim),
                (half, base + sign * laminate),
                (-half, base + sign * laminate),
                (-half - 0.15 * seal, rim),
                (-half - seal, rim),
            ]
        )
        panel.fill(
            path[:, 0] * mm, path[:, 1] * mm * exaggeration, facecolor=COLOURS["laminate"], linewidth=0, zorder=0
        )
    panel.set_xlim(-outer / 2 * mm * 1.04, outer / 2 * mm * 1.04)
    panel.set_ylim(-0.06 * height * mm * exaggeration, 1.06 * height * mm * exaggeration)
    panel.set_aspect("equal")
    panel.set_xlabel("Position along the positive's length, mm")
    ticks = np.linspace(0.0, height, 5)
    panel.set_yticks(ticks * mm * exaggeration, [f"{tick * mm:.2f}" for tick in ticks])
    panel.set_ylabel("Thickness, mm")
    panel.set_title(f"(a) Cell: widths to scale, thickness x {exaggeration:g}")
    panel.spines[["top", "right"]].set_visible(False)


def repeating_unit(sheet: Sheet, stack: list[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    """Return the layers from one positive collector to the next negative foil."""
    start = next(index for index, layer in enumerate(stack) if layer[0] == "positive collector")
    stop = next(i for i in range(start + 1, len(stack)) if stack[i][0] == sheet.unit.side.foil.name and _ends(stack, i))
    return stack[start : stop + 1]


def _unit(panel: Axes, part: list[tuple[str, float, float]], *, gap: float) -> None:
    """Draw the repeating unit, thicknesses to scale; labels are at least a gap apart, as a share of the height."""
    total = sum(thickness for _, thickness, _ in part) * 1e6
    places = []
    y = 0.0
    for name, thickness, _ in part:
        shown = thickness * 1e6
        panel.add_patch(Rectangle((0, y), 1, shown, facecolor=COLOURS[name], edgecolor="white", linewidth=0.6))
        places.append((y + shown / 2, f"{WORDS.get(name, name)}, {shown:.3g} µm"))
        y += shown
    for (middle, words), label in zip(places, _spread([p for p, _ in places], gap * total), strict=True):
        panel.plot([1.0, 1.12, 1.2], [middle, label, label], color="0.4", linewidth=0.6)
        panel.text(1.24, label, words, va="center", fontsize=6.5)
    panel.set_xlim(0, 3.4)
    panel.set_ylim(-0.02 * total, 1.05 * total)
    panel.set_xticks([])
    panel.set_ylabel("Height, µm")
    panel.set_title("(b) Repeating unit")
    panel.spines[["top", "right", "bottom"]].set_visible(False)


def _ends(stack: list[tuple[str, float, float]], index: int) -> bool:
    """Return whether the negative foil at an index ends a string of unit cells (is not part of a bipolar joint)."""
    return index + 1 == len(stack) or stack[index + 1][0] != "bipolar foil"


def _spread(places: list[float], gap: float) -> list[float]:
    """Move labels apart until neighbours are a gap apart, keeping their order."""
    moved = list(places)
    for _ in range(200):
        for i in range(len(moved) - 1):
            overlap = gap - (moved[i + 1] - moved[i])
            if overlap > 0:
                moved[i] -= overlap / 2
                moved[i + 1] += overlap / 2
    shift = max(0.0, -min(moved))
    return [place + shift for place in moved]


def _round_factor(value: float) -> float:
    """Round down to a plain number with one digit, at least 1."""
    power = 10.0 ** np.floor(np.log10(max(value, 1.0)))
    return float(max(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8) if step * power <= max(value, 1.0)))
