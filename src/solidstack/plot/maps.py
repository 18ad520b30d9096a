"""Maps with contours, the thresholds, and the design's own point."""

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from ..axes import kind_of, own_value
from ..design import Design, key_path
from ..maps import shown
from .style import PAGE, style

THRESHOLDS: tuple[tuple[str, str, str, Any], ...] = (
    ("composition", "thresholds.composition_distance", "balance threshold", "--"),
    ("density", "thresholds.density_distance", "percolation threshold", "-."),
    ("loading", "thresholds.loading_distance", "loading threshold", "-"),
)
COLOURS = "viridis"
IMPOSSIBLE = "0.88"


def draw_maps(maps: Sequence[xr.Dataset], designs: Sequence[Design], titles: Sequence[str] | None = None) -> Figure:
    """Draw maps side by side on one colour scale, in the units that people read.

    Parameters
    ----------
    maps : sequence of Dataset
        Of `solidstack.map`, of the same kind; ``attrs["figure"]`` names what is drawn.
    designs : sequence of Design
        Whose point is drawn on each map.
    titles : sequence of str, optional
        Over each panel; default: the title of the map.

    Returns
    -------
    Figure
    """
    name = maps[0].attrs["figure"]
    fields = [_finite(shown(dataset[name])) for dataset in maps]
    norm, levels, lines = _levels(fields, logarithmic=name.endswith("ir_drop"))
    with style():
        count = len(maps)
        columns = min(count, 2)
        rows = -(-count // columns)
        width = 4.1 if count == 1 else PAGE
        figure = Figure(figsize=(width, 3.3 if count == 1 else 2.65 * rows + 0.5), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        filled: Any = None
        handles: dict[str, Any] = {}
        for panel, dataset, field, design, index in zip(panels, maps, fields, designs, range(count), strict=False):
            filled = _panel(panel, dataset, field, norm, levels, lines) or filled
            handles |= _thresholds(panel, dataset)
            handles |= _own_point(panel, dataset, design)
            handles |= _impossible(panel, dataset, name)
            title = titles[index] if titles else dataset.attrs["title"]
            panel.set_title(fill(title if count == 1 else f"({chr(97 + index)}) {title}", 60 if count == 1 else 48))
        for panel in panels[count:]:
            panel.set_visible(False)
        first = maps[0][name]
        if len(lines):  # else no number has a colour
            bar = figure.colorbar(filled, ax=list(panels[:count]), shrink=0.95, pad=0.02)
            bar.set_ticks([level for level in lines if levels[0] <= level <= levels[-1]])
            bar.ax.yaxis.set_major_formatter(FuncFormatter(_plain))
            bar.ax.minorticks_off()
            words = str(first.attrs["long_name"]).partition(": ")[2]
            if name.startswith("electrode_energy"):
                words = "Specific energy"  # the title says of what
            bar.set_label(", ".join(filter(None, (words, first.attrs["unit_label"]))))
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2 if count == 1 else 3)
    return figure


def _finite(values: Any) -> Any:
    return np.where(np.isfinite(values), values, np.nan)


def _levels(fields: Sequence[Any], *, logarithmic: bool) -> tuple[Any, Any, Any]:
    """Colour scale, filled levels and labelled lines common to all panels."""
    if all(np.isnan(field).all() for field in fields):
        return Normalize(0.0, 1.0), np.array([0.0, 1.0]), np.array([])
    low, high = min(np.nanmin(f) for f in fields), max(np.nanmax(f) for f in fields)
    if logarithmic and low > 0.0:
        lines = LogLocator(subs=(1.0, 2.0, 5.0)).tick_values(max(low, high * 1e-4), high)
        lines = lines[(lines > max(low, high * 1e-4)) & (lines < high)]
        if len(lines) > 1:
            return LogNorm(lines[0], lines[-1]), np.geomspace(lines[0], lines[-1], 33), lines
    if high - low < 1e-9 * max(abs(high), 1e-300):
        low, high = low - 0.5 * abs(low) - 1e-12, high + 0.5 * abs(high) + 1e-12
    lines = MaxNLocator(9).tick_values(low, high)
    return Normalize(lines[0], lines[-1]), np.linspace(lines[0], lines[-1], 4 * (len(lines) - 1) + 1), lines


def _panel(panel: Axes, dataset: xr.Dataset, field: Any, norm: Any, levels: Any, lines: Any) -> Any:
    x, y = _axes(dataset)
    filled = None
    if np.isfinite(field).any():
        whole = _extended(field, dataset["porosity_or_less"].values)
        beyond = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
        extend: Any = beyond[bool(np.nanmin(field) < levels[0]), bool(np.nanmax(field) > levels[-1])]
        filled = panel.contourf(x, y, whole, levels=levels, norm=norm, cmap=COLOURS, extend=extend)
        filled.set_edgecolor("face")  # else viewers of SVG and PDF show seams between the levels
        filled.set_linewidth(0.3)
        drawn = panel.contour(x, y, field, levels=lines, colors="white", linewidths=0.5)
        for label in panel.clabel(drawn, fontsize=6, fmt=_plain):
            label.set_path_effects([patheffects.withStroke(linewidth=1.2, foreground="0.2")])
    panel.set_xlim(x[0], x[-1])
    panel.set_ylim(y[0], y[-1])
    coordinates = dataset[dataset.attrs["x"]], dataset[dataset.attrs["y"]]
    labels: Any = (panel.set_xlabel, panel.set_xscale), (panel.set_ylabel, panel.set_yscale)
    for (set_label, set_scale), axis, coordinate in zip(labels, (panel.xaxis, panel.yaxis), coordinates, strict=True):
        set_label(str(coordinate.attrs["long_name"]))
        if coordinate.attrs.get("scale") == "log":
            set_scale("log")
            axis.set_major_formatter(FuncFormatter(_plain))
        elif not coordinate.attrs["shown_units"] and np.all(coordinate.values == np.round(coordinate.values)):
            axis.set_major_locator(MaxNLocator(integer=True))
    return filled


def _axes(dataset: xr.Dataset) -> tuple[Any, Any]:
    """Values of both axes in the units shown."""
    return shown(dataset[dataset.attrs["x"]]), shown(dataset[dataset.attrs["y"]])


def _plain(value: float, _: Any = None) -> str:
    return f"{value:g}"


def _extended(field: Any, margin: Any) -> Any:
    """Continue a field a few points beyond the dense line, which then covers the steps of the grid."""
    whole = field.copy()
    for _ in range(3):
        for axis in (0, 1):
            for step in (1, -1):
                neighbour = np.roll(whole, step, axis)
                edge = [slice(None), slice(None)]
                edge[axis] = slice(0, 1) if step == 1 else slice(-1, None)
                neighbour[tuple(edge)] = np.nan
                whole = np.where(np.isnan(whole) & (margin < 0.0), neighbour, whole)
    return whole


def _thresholds(panel: Axes, dataset: xr.Dataset) -> dict[str, Any]:
    """Draw each threshold where it crosses the map."""
    x, y = _axes(dataset)
    handles: dict[str, Any] = {}
    percolated = dataset["thresholds.density_distance"].values > 0.0
    for key, name, words, line in THRESHOLDS:
        distance = _finite(shown(dataset[name]))
        if key == "loading":
            # below percolation the threshold is 0 by definition; the percolation line stands for it there
            distance = np.where(percolated, distance, np.nan)
        if np.isnan(distance).all() or not (np.nanmin(distance) < 0.0 < np.nanmax(distance)):
            continue
        drawn = panel.contour(x, y, distance, levels=[0.0], colors="black", linestyles=[line], linewidths=1.4)
        drawn.set_path_effects([patheffects.withStroke(linewidth=2.8, foreground="white")])
        handles[words] = Line2D([], [], color="black", linestyle=line, linewidth=1.4)
    return handles


def _own_point(panel: Axes, dataset: xr.Dataset, design: Design) -> dict[str, Any]:
    point = []
    for key in ("x", "y"):
        path = key_path(dataset.attrs[key])
        value = own_value(design, path)
        if value is None:
            return {}
        point.append(kind_of(path).shown.of(value))
    limits = panel.get_xlim(), panel.get_ylim()
    if not all(low <= value <= high for value, (low, high) in zip(point, limits, strict=True)):
        return {}
    mark: dict[str, Any] = {
        "marker": "*",
        "markersize": 11,
        "color": "#D55E00",
        "markeredgecolor": "white",
        "markeredgewidth": 0.9,
    }
    panel.plot(*point, linestyle="none", zorder=5, **mark)
    return {"this design": Line2D([], [], linestyle="none", **mark)}


def _impossible(panel: Axes, dataset: xr.Dataset, name: str) -> dict[str, Any]:
    """Shade designs that cannot exist, and hatch those whose number is undefined."""
    x, y = _axes(dataset)
    margin = dataset["porosity_or_less"].values
    cannot = margin < 0.0
    undefined = ~np.isfinite(dataset[name].values) & ~cannot
    handles: dict[str, Any] = {}
    panel.set_facecolor(IMPOSSIBLE)
    if cannot.any():
        panel.contourf(x, y, margin, levels=[-1e9, 0.0], colors=[IMPOSSIBLE])
        if (~cannot).any():
            panel.contour(x, y, margin, levels=[0.0], colors="0.5", linewidths=0.5)
        handles["denser than dense"] = Patch(facecolor=IMPOSSIBLE, edgecolor="0.5", linewidth=0.5)
    if undefined.any():
        panel.contourf(x, y, undefined.astype(float), levels=[0.5, 1.5], colors=["white"], hatches=["////"])
        handles["no ionic path"] = Patch(facecolor="white", edgecolor="0.3", hatch="////", linewidth=0.5)
    if dataset.attrs["kind"] == "porosity":
        _name_regimes(panel, dataset, cannot)
    return handles


def _name_regimes(panel: Axes, dataset: xr.Dataset, cannot: Any) -> None:
    """Write the four regimes into their regions of the plane of composition and density."""
    x, y = np.meshgrid(*_axes(dataset))
    rich = dataset["regime.composition"].values > 0
    percolated = dataset["regime.density"].values > 0
    for composition, composed in (("AM-rich", rich), ("AM-poor", ~rich)):
        for density, dense in (("percolated", percolated), ("not percolated", ~percolated)):
            region = composed & dense & ~cannot
            if not region.any() or np.ptp(x[region]) < 0.25 * np.ptp(x) or np.ptp(y[region]) < 0.1 * np.ptp(y):
                continue  # the words would not fit
            panel.text(
                x[region].mean(),
                y[region].mean(),
                f"{composition}\n{density}",
                ha="center",
                va="center",
                fontsize=6.5,
                fontweight="bold",
                color="white",
                zorder=4,  # over the labels of contours, under the design's own point
                bbox={"boxstyle": "round,pad=0.25", "facecolor": "0.15", "alpha": 0.6, "edgecolor": "none"},
            )
