"""Published cells as bubbles over share of active material and loading, with designs and measured cells."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from .. import units
from ..literature import BASES, Basis, MeasuredCell, PublishedCell, find, normalised
from ..sheet import Sheet
from .style import PAGE, style

MARKERS = {"sulfide": "o", "halide": "s", "oxide": "^", "polymer": "D", "other": "P"}
"""Shape for each family of solid electrolytes."""

COLOURS = "viridis"
_NO_ENERGY = "#f1f1f1"
_DESIGN, _MEASURED = "#d55e00", "#cc79a7"  # Okabe-Ito
_AREA = 34.0
"""Square points for each mAh/cm2."""
_SMALLEST = 14.0
_LINES = (1, 2, 5, 10, 20, 50, 100, 200)
RINGS = (1.5, 5.0, 10.0, 18.0, 28.0, 40.0)
"""Distances of a label from its mark, points; numbers stay near, names may be further away, on a line."""
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class Point:
    """The place and look of a cell in the figure, in the units shown.

    Attributes
    ----------
    name : str
        Key of a published cell, or the name of a design or measured cell.
    share : float
        Active material of the dry coating, wt%.
    loading : float
        Dry coating, mg/cm2.
    capacity : float
        mAh/cm2; NaN if unknown, drawn in the smallest size.
    energy : float
        Wh/kg; NaN if unknown, drawn in grey.
    marker : str
        Shape.
    assumed : bool
        Whether the voltage is not from the source.
    """

    name: str
    share: float
    loading: float
    capacity: float
    energy: float
    marker: str
    assumed: bool = False


def points(
    cells: Sequence[PublishedCell],
    *,
    basis: Basis = "coating-membrane",
    library_voltage: bool = False,
    membrane_thickness: float | None = None,
) -> list[Point]:
    """Return the points of published cells with a share of active material and a loading; others are left out."""
    result = []
    for cell in cells:
        share, loading, capacity = (find(cell, name) for name in ("active_share", "coating_loading", "areal_capacity"))
        if share is None or loading is None:
            continue
        energy = normalised(cell, basis, library_voltage=library_voltage, membrane_thickness=membrane_thickness)
        result.append(
            Point(
                cell.key,
                units.WT_PERCENT.of(share.value),
                units.MG_CM2.of(loading.value),
                math.nan if capacity is None else units.MAH_CM2.of(capacity.value),
                units.WH_KG.of(energy.value),
                MARKERS[cell.family],
                assumed=energy.assumed and math.isfinite(energy.value),
            )
        )
    return result


def design_point(sheet: Sheet, basis: Basis = "coating-membrane") -> Point:
    """Return the point of a design."""
    energy = {
        "coating-membrane": sheet.normalised.coating_and_membrane,
        "with-lithium": sheet.normalised.coating_membrane_and_lithium,
        "with-electrodes": sheet.electrode_energy.with_negative_and_membrane,
    }[basis]
    return Point(
        sheet.design.name,
        units.WT_PERCENT.of(float(sheet.positive.am_mass_fraction)),
        units.MG_CM2.of(float(sheet.positive.loading)),
        units.MAH_CM2.of(float(sheet.positive.areal_capacity)),
        units.WH_KG.of(float(energy)),
        "*",
    )


def measured_point(cell: MeasuredCell, basis: Basis = "coating-membrane") -> Point:
    """Return the point of a measured cell; its specific energy is over positive coating and membrane."""
    return Point(
        cell.name,
        units.WT_PERCENT.of(cell.active_share),
        units.MG_CM2.of(cell.coating_loading),
        units.MAH_CM2.of(cell.areal_capacity),
        units.WH_KG.of(cell.specific_energy) if basis == "coating-membrane" else math.nan,
        "X",
    )


def draw_literature(
    cells: Sequence[PublishedCell],
    designs: Sequence[Sheet] = (),
    measured: Sequence[MeasuredCell] = (),
    *,
    basis: Basis = "coating-membrane",
    library_voltage: bool = False,
    membrane_thickness: float | None = None,
) -> Figure:
    """Draw loading over active-material share; area is areal capacity, colour specific energy, shape the electrolyte.

    Lines join equal loadings of active material. Cells without a share of active material or a loading are left out
    and counted; cells without a specific energy are grey. Numbers refer to the key below the figure.

    Parameters
    ----------
    cells : sequence of PublishedCell
        Of `solidstack.literature.load`.
    designs : sequence of Sheet
        Drawn as stars, with their names.
    measured : sequence of MeasuredCell
        Drawn as crosses, with their names.
    basis : str
        Mass basis of the specific energy.
    library_voltage : bool
        If a source has no voltage, use that of the active material in the material library; such cells have a
        dashed outline.
    membrane_thickness : float, optional
        m, for cells without a membrane thickness.

    Returns
    -------
    Figure
    """
    published = points(cells, basis=basis, library_voltage=library_voltage, membrane_thickness=membrane_thickness)
    stars = [design_point(sheet, basis) for sheet in designs]
    crosses = [measured_point(cell, basis) for cell in measured]
    everything = [*published, *stars, *crosses]
    by_key = {cell.key: cell for cell in cells}
    numbers = {point.name: str(number) for number, point in enumerate(published, 1)}
    rows = max(1, math.ceil(len(published) / 2))
    height = 0.3 + 0.115 * rows
    with style():
        figure = Figure(figsize=(PAGE, 4.75 + height), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.03, wspace=0.02, hspace=0.02)  # type: ignore[union-attr, call-arg]
        grid = figure.add_gridspec(3, 2, width_ratios=(4.6, 1.0), height_ratios=(1.75, 3.0, height))
        axes = figure.add_subplot(grid[:2, 0])
        bar = figure.add_subplot(grid[0, 1])
        side = figure.add_subplot(grid[1, 1])
        key = figure.add_subplot(grid[2, :])
        norm = _norm([point.energy for point in everything])
        _frame(axes, everything)
        for point in sorted(published, key=lambda p: -_area(p)):
            _scatter(axes, point, norm, edge="0.15", zorder=3)
        for point in stars:
            _scatter(axes, point, norm, edge=_DESIGN, zorder=6, width=1.3, area=150.0)
        for point in crosses:
            _scatter(axes, point, norm, edge=_MEASURED, zorder=5, width=1.1, area=75.0)
        _colour_bar(figure, bar, norm, basis)
        _legend(side, published, stars, crosses, everything)
        left_out = len(cells) - len(published)
        _key(key, [(numbers[p.name], by_key[p.name]) for p in published], left_out, len(cells), published)
        _number(figure, axes, published, numbers, stars, crosses)
    return figure


def _area(point: Point) -> float:
    return max(_SMALLEST, _AREA * point.capacity) if math.isfinite(point.capacity) else _SMALLEST


def _norm(energies: Sequence[float]) -> LogNorm:
    """Return the logarithmic colour scale: a thick pellet and a thin membrane are a decade apart."""
    known = [energy for energy in energies if math.isfinite(energy) and energy > 0.0]
    if not known:
        return LogNorm(10.0, 500.0)
    low, high = min(known), max(known)
    return LogNorm(low / 1.1, high * 1.1)


def _scatter(
    axes: Axes,
    point: Point,
    norm: LogNorm,
    *,
    edge: str,
    zorder: float,
    width: float = 0.6,
    area: float | None = None,
) -> None:
    known = math.isfinite(point.energy)
    axes.scatter(
        [point.share],
        [point.loading],
        s=_area(point) if area is None else area,
        c=[mpl.colormaps[COLOURS](norm(point.energy)) if known else _NO_ENERGY],
        marker=point.marker,
        edgecolors=edge,
        linewidths=width,
        linestyles="--" if point.assumed else "-",
        alpha=0.92,
        zorder=zorder,
        label=point.name,
        clip_on=False,
    )


def _frame(axes: Axes, everything: Sequence[Point]) -> None:
    """Axes, ticks as plain numbers, and lines of equal loading of active material with their labels on them."""
    shares = [point.share for point in everything] or [50.0, 95.0]
    loadings = [point.loading for point in everything] or [5.0, 50.0]
    left = max(5.0, 5.0 * math.floor((min(shares) - 5.0) / 5.0))
    low, high = min(loadings) / 1.7, max(loadings) * 1.8
    axes.set(xlim=(left, 100.0), ylim=(low, high), yscale="log")
    axes.set_xlabel("Active material in the dry positive coating, wt%")
    axes.set_ylabel("Loading of the dry positive coating, mg cm⁻²")
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in _TICKS if low <= tick <= high]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_locator(NullLocator())
    share = np.linspace(left, 100.0, 200)
    for active in _LINES:
        line = 100.0 * active / share
        if line[-1] > high or line[0] < low:
            continue
        axes.plot(share, line, color="0.72", linewidth=0.7, zorder=1)
        span = math.log(high / low)
        spots = [((p.share - left) / (100.0 - left), math.log(p.loading / low) / span) for p in everything]
        best = max(
            (_free(spots, active, place, left, low, high), -order, place, side)
            for order, (place, side) in enumerate(((0.985, "right"), (0.02, "left"), (0.36, "left"), (0.66, "right")))
        )
        room, _, place, side = best
        # by the slope at the middle of the label: the line bends away from both of its ends
        at = left + (place + (0.066 if side == "left" else -0.066)) * (100.0 - left)
        y = 100.0 * active / at
        if room < 0.0:
            continue
        axes.text(
            at,
            y * 1.012,
            f"{active} mg cm⁻² active",
            fontsize=6,
            color="0.4",
            ha="center",
            va="bottom",
            rotation=math.degrees(math.atan2(-y / at, 1.0)),
            rotation_mode="anchor",
            transform_rotates_text=True,
            zorder=2,
        )


def _free(
    spots: Sequence[tuple[float, float]], active: float, place: float, left: float, low: float, high: float
) -> float:
    """Return the room around a label on a line, in widths of the axes; negative if it would be outside them."""
    length = 0.16 if place < 0.5 else -0.16
    nearest = 0.12
    for step in range(5):
        x = place + length * step / 4.0
        share = left + x * (100.0 - left)
        y = math.log(100.0 * active / share / low) / math.log(high / low)
        if not 0.01 < y < 0.96:
            return -1.0
        for a, b in spots:
            nearest = min(nearest, math.hypot(x - a, 0.8 * (y + 0.012 - b)))
    return nearest


def _colour_bar(figure: Figure, axes: Axes, norm: LogNorm, basis: Basis) -> None:
    axes.axis("off")
    inset = axes.inset_axes((0.04, 0.02, 0.16, 0.82))
    mappable = mpl.cm.ScalarMappable(norm=norm, cmap=COLOURS)
    bar = figure.colorbar(mappable, cax=inset)
    low, high = float(norm.vmin or 1.0), float(norm.vmax or 1.0)
    ticks = [tick for tick in (5, 10, 20, 50, 100, 200, 300, 500, 1000) if low <= tick <= high]
    bar.ax.yaxis.set_major_locator(FixedLocator(ticks))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.outline.set_linewidth(0.6)
    words = {
        "coating-membrane": "of positive coating\nand membrane",
        "with-lithium": "of coating, membrane\nand lithium",
        "with-electrodes": "of electrodes\nand membrane",
    }[basis]
    axes.text(0.0, 1.0, f"Wh kg⁻¹ {words}", transform=axes.transAxes, va="top", fontsize=6.5, linespacing=1.15)


def _legend(
    axes: Axes,
    published: Sequence[Point],
    stars: Sequence[Point],
    crosses: Sequence[Point],
    everything: Sequence[Point],
) -> None:
    axes.axis("off")
    dot: dict[str, Any] = {"linestyle": "", "markeredgecolor": "0.15", "markeredgewidth": 0.6}
    families = [name for name, marker in MARKERS.items() if any(point.marker == marker for point in published)]
    handles: list[Line2D] = [
        Line2D([], [], marker=MARKERS[name], markersize=5.5, color="0.85", label=name, **dot) for name in families
    ]
    if stars:
        edge = {**dot, "markeredgecolor": _DESIGN, "markeredgewidth": 1.2}
        handles.append(Line2D([], [], marker="*", markersize=9, color="w", label="design", **edge))
    if crosses:
        edge = {**dot, "markeredgecolor": _MEASURED, "markeredgewidth": 1.0}
        handles.append(Line2D([], [], marker="X", markersize=7, color="w", label="measured", **edge))
    if any(not math.isfinite(point.energy) for point in everything):
        handles.append(Line2D([], [], marker="o", markersize=5.5, color=_NO_ENERGY, label="energy not\nknown", **dot))
    first = axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(-0.06, 1.02),
        title="Catholyte",
        alignment="left",
        fontsize=6.5,
        title_fontsize=6.5,
        handletextpad=0.4,
        labelspacing=0.45,
        borderpad=0.0,
    )
    axes.add_artist(first)
    sizes = [
        Line2D([], [], marker="o", markersize=math.sqrt(_AREA * q), color="0.93", label=f"{q}", **dot)
        for q in (1, 3, 10)
    ]
    axes.legend(
        handles=sizes,
        loc="lower left",
        bbox_to_anchor=(-0.06, -0.03),
        title="Areal capacity,\nmAh cm⁻²",
        alignment="left",
        fontsize=6.5,
        title_fontsize=6.5,
        handletextpad=1.0,
        labelspacing=1.0,
        borderpad=0.0,
        handlelength=1.9,
    )


def _key(
    axes: Axes,
    entries: Sequence[tuple[str, PublishedCell]],
    left_out: int,
    total: int,
    published: Sequence[Point],
) -> None:
    """Write which cell each number is, in two columns, and what is not in the figure."""
    axes.axis("off")
    rows = max(1, math.ceil(len(entries) / 2))
    step = 1.0 / (rows + 2.4)
    for index, (number, cell) in enumerate(entries):
        column, row = divmod(index, rows)
        words = f"{cell.authors} {cell.year}: {cell.title}" if cell.authors else cell.label
        words = words if len(words) <= 78 else words[:76].rstrip(" ,") + " …"
        place: dict[str, Any] = {"transform": axes.transAxes, "va": "top", "fontsize": 5.8, "in_layout": False}
        axes.text(0.505 * column + 0.018, 1.0 - step * row, number, ha="right", color="0.35", **place)
        axes.text(0.505 * column + 0.026, 1.0 - step * row, words, ha="left", **place)
    notes = []
    if left_out:
        notes.append(
            f"{left_out} of {total} published cells are left out: no active-material share or no loading is known."
        )
    if any(point.assumed for point in published):
        notes.append("Dashed outline: voltage of the material library.")
    if any(not math.isfinite(point.capacity) for point in published):
        without = sum(not math.isfinite(point.capacity) for point in published)
        notes.append(f"{without} without areal capacity {'is' if without == 1 else 'are'} in the smallest size.")
    axes.text(
        0.0, 0.0, _lines(notes), transform=axes.transAxes, va="bottom", fontsize=5.8, color="0.35", in_layout=False
    )


def _lines(notes: Sequence[str]) -> str:
    """Arrange sentences in lines of the width of the page."""
    lines = [""]
    for note in notes:
        if lines[-1] and len(lines[-1]) + len(note) > 150:
            lines.append("")
        lines[-1] = f"{lines[-1]} {note}".strip()
    return "\n".join(lines)


def _number(
    figure: Figure,
    axes: Axes,
    published: Sequence[Point],
    numbers: dict[str, str],
    stars: Sequence[Point],
    crosses: Sequence[Point],
) -> None:
    """Write the number of each bubble inside it or beside it, and names of designs, where they cover least."""
    figure.draw_without_rendering()
    scale = 72.0 / figure.dpi
    box = axes.get_window_extent()

    def place(point: Point) -> tuple[float, float]:
        x, y = axes.transData.transform((point.share, point.loading))
        return x * scale, y * scale

    discs = [(*place(p), math.sqrt(_area(p)) / 2.0) for p in published]
    discs += [(*place(p), 6.0) for p in stars] + [(*place(p), 4.5) for p in crosses]
    labels = _Labels(axes, (box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale), discs)
    # names first: they are longest
    for offset, point in enumerate(stars):
        labels.write(len(published) + offset, _short(point.name), 6.8, _DESIGN, "bold")
    for offset, point in enumerate(crosses):
        labels.write(len(published) + len(stars) + offset, _short(point.name), 6.5, "#8c3a68", "bold")
    # crowded bubbles choose before those with room
    for index in sorted(range(len(published)), key=lambda i: -_crowd(discs, i)):
        labels.write(index, numbers[published[index].name], 6.3, "0.1", "normal")


_Rectangle = tuple[float, float, float, float]
"""Left, bottom, right, top, points."""


class _Labels:
    """Labels of marks, each written where it covers the least of the marks and of the labels before it.

    Parameters
    ----------
    axes : Axes
    frame : rectangle
        Of the axes, points.
    discs : list of (float, float, float)
        Centre and radius of each mark, points.
    """

    def __init__(self, axes: Axes, frame: _Rectangle, discs: list[tuple[float, float, float]]) -> None:
        self.axes, self.frame, self.discs = axes, frame, discs
        self.taken: list[_Rectangle] = []

    def cost(self, rectangle: _Rectangle, own: int) -> float:
        """Return how much a label of mark `own` would cover."""
        x0, y0, x1, y1 = rectangle
        frame = self.frame
        total = 0.0
        for index, (x, y, r) in enumerate(self.discs):
            dx, dy = max(x0 - x, 0.0, x - x1), max(y0 - y, 0.0, y - y1)
            overlap = r + 0.5 - math.hypot(dx, dy)
            if overlap > 0.0:
                total += (0.6 if index == own else 1.0) * overlap
        for a0, b0, a1, b1 in self.taken:
            wide, high = min(x1, a1) - max(x0, a0), min(y1, b1) - max(y0, b0)
            if wide > -1.0 and high > -0.5:
                total += 6.0 + max(wide, 0.0) * max(high, 0.0)
        total += 4.0 * sum(max(0.0, v) for v in (frame[0] - x0, frame[1] - y0, x1 - frame[2], y1 - frame[3]))
        return float(total)

    def write(self, own: int, text: str, size: float, colour: str, weight: str) -> None:
        """Write the label of a mark, with a line to it if it is a name that is apart."""
        x, y, r = self.discs[own]
        wide, high = 0.6 * size * len(text), 0.8 * size
        options = []
        for ring in RINGS if weight == "bold" else RINGS[:3]:
            for step in range(16):
                angle = 2.0 * math.pi * step / 16.0
                cx = x + (r + ring + wide / 2.0 * abs(math.cos(angle)) + 0.3) * math.cos(angle)
                cy = y + (r + ring + high / 2.0 * abs(math.sin(angle)) + 0.3) * math.sin(angle)
                rectangle = (cx - wide / 2.0, cy - high / 2.0, cx + wide / 2.0, cy + high / 2.0)
                # near and to the upper right where all is free
                cost = self.cost(rectangle, own) + 0.15 * ring - 0.05 * math.cos(angle - 0.8)
                options.append((cost, cx, cy, rectangle))
        _, cx, cy, rectangle = min(options)
        self.taken.append(rectangle)
        frame = self.frame
        if weight == "bold":
            _lead(self.axes, frame, (x, y, r), rectangle, colour)
        self.axes.annotate(
            text,
            ((cx - frame[0]) / (frame[2] - frame[0]), (cy - frame[1]) / (frame[3] - frame[1])),
            xycoords="axes fraction",
            ha="center",
            va="center",
            fontsize=size,
            color=colour,
            fontweight=weight,
            zorder=8,
            annotation_clip=False,
            path_effects=[withStroke(linewidth=1.4, foreground="w")],
        )


def _lead(
    axes: Axes,
    frame: _Rectangle,
    disc: tuple[float, float, float],
    rectangle: _Rectangle,
    colour: str,
) -> None:
    """Draw a thin line from a mark to its name if they are apart."""
    x, y, r = disc
    x0, y0, x1, y1 = rectangle
    to = (min(max(x, x0), x1), min(max(y, y0), y1))
    length = math.hypot(to[0] - x, to[1] - y)
    if length < r + 3.0:
        return
    start = (x + (to[0] - x) * r / length, y + (to[1] - y) * r / length)
    places = [((a - frame[0]) / (frame[2] - frame[0]), (b - frame[1]) / (frame[3] - frame[1])) for a, b in (start, to)]
    axes.annotate(
        "",
        places[1],
        places[0],
        xycoords="axes fraction",
        textcoords="axes fraction",
        arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 0.0, "shrinkB": 0.0},
        zorder=7,
        annotation_clip=False,
    )


def _crowd(discs: Sequence[tuple[float, float, float]], own: int) -> float:
    x, y, _ = discs[own]
    near = [1.0 / (5.0 + math.hypot(x - a, y - b)) for i, (a, b, _) in enumerate(discs) if i != own]
    return float(sum(near))


def _short(name: str) -> str:
    return name if len(name) <= 34 else name[:32].rstrip() + " …"


__all__ = ["BASES", "Point", "design_point", "draw_literature", "measured_point", "points"]
