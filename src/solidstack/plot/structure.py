"""A 3D structure: three orthogonal slices, and a view of the volume with a corner cut out.

A phase has the same colour in both. Length is in um; x is the through-plane direction.
"""

import math
import os
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.offsetbox import AnchoredOffsetbox, AuxTransformBox, TextArea, VPacker
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from ..errors import StructureError
from ..twin.structure.voxels import AXES, LARGEST_LABEL, Labels, Structure
from .style import PAGE, save, style

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

UM = 1e6
FINEST = 256
"""Voxels along the longest edge that a picture of the volume shows; a finer structure is thinned out for it."""

PIXELS = 1800
"""Height of that picture."""

HAZE = 0.5
"""How far surfaces below the walls of the volume fade into the colour of a pore, so that the walls read as slices."""

VIEW = np.array([1.0, -1.15, 0.75])
"""Towards the eye: faces +x, -y and +z are seen, x runs to the right, z up."""

ROLE_COLOURS = {
    "pore": ("#F4F1EA", "#DAD4C6"),
    "active-material": ("#0072B2", "#56B4E9", "#003A5C"),
    "solid-electrolyte": ("#E69F00", "#F0E442"),
    "conductive-additive": ("#1A1A1A", "#5A5A5A"),
    "binder": ("#CC79A7", "#8C3F6B"),
}
"""Colours by role, the first ones most apart for colour-blind readers and in grey."""

OTHERS = ("#56B4E9", "#8C3F6B", "#F0E442", "#009E73", "#D55E00", "#CC79A7", "#5A5A5A")


def phase_colours(structure: Structure) -> dict[str, str]:
    """Return the colour of each phase of a structure, by its role; no two phases share one."""
    colours: dict[str, str] = {}
    # roles first: a phase without one takes what is left
    for name, phase in sorted(structure.phases.items(), key=lambda item: (not item[1].role, item[1].label)):
        count = len(colours)
        more = [to_hex(mpl.colormaps["turbo"]((0.618034 * count) % 1.0)), f"#{0x777777 + count:06x}"]
        choice = [*ROLE_COLOURS.get(phase.role, ()), *OTHERS, *more]
        colours[name] = next(colour for colour in choice if colour not in colours.values())
    return {name: colours[name] for name in structure.phases}


def _colour_table(structure: Structure) -> Labels:
    """Red, green, blue of each label."""
    table = np.zeros((LARGEST_LABEL + 1, 3), np.uint8)
    for name, colour in phase_colours(structure).items():
        table[structure.phases[name].label] = np.round(255.0 * np.array(to_rgb(colour)))
    return table


def draw_slice(axes: Axes, structure: Structure, axis: int, index: int | None = None) -> None:
    """Draw one slice into axes, with a scale bar.

    Parameters
    ----------
    axes : matplotlib Axes
    structure : Structure
    axis : int
        Normal of the slice: 0, 1 or 2 for x, y, z. Of the two others the earlier one runs to the right.
    index : int or None
        Voxel along the axis; None is the middle.

    Raises
    ------
    StructureError
        The index is outside the volume.
    """
    count = structure.shape[axis]
    index = count // 2 if index is None else index
    if not 0 <= index < count:
        msg = f"there is no slice {index} along {AXES[axis]}; the structure has 0 to {count - 1}"
        raise StructureError(msg)
    right, up = (other for other in range(3) if other != axis)
    plane = np.take(structure.labels, index, axis=axis).T
    width, height = (structure.size[other] * UM for other in (right, up))
    axes.imshow(_colour_table(structure)[plane], origin="lower", extent=(0.0, width, 0.0, height), aspect="equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(f"{AXES[right]} \N{RIGHTWARDS ARROW}", labelpad=2)
    axes.set_ylabel(f"{AXES[up]} \N{RIGHTWARDS ARROW}", labelpad=2)
    axes.set_title(f"{AXES[axis]} = {(index + 0.5) * structure.voxel[axis] * UM:.3g} µm")
    if 0.15 < width / height < 6.0:  # it would cover a strip
        _add_bar(axes, width)


def _add_bar(axes: Axes, width: float) -> None:
    """Add a scale bar of 1, 2 or 5 times a power of ten, at most a third of the width."""
    power = 10.0 ** math.floor(math.log10(width / 3.0))
    # the smallest step has to pass in spite of rounding
    length = max(step * power for step in (1.0, 2.0, 5.0) if step == 1.0 or step * power <= width / 3.0)
    line = AuxTransformBox(axes.transData)
    line.add_artist(Rectangle((0.0, 0.0), length, 0.0, linewidth=1.5, edgecolor="black"))
    words = TextArea(f"{length:g} µm")
    packed = VPacker(children=[line, words], align="center", pad=0.0, sep=2.0)
    bar = AnchoredOffsetbox("lower right", child=packed, pad=0.3, borderpad=0.4)
    bar.patch.set(alpha=0.85, linewidth=0)
    axes.add_artist(bar)


def _legend(structure: Structure, names: Sequence[str] | None = None) -> list[Patch]:
    """Handles of the phases that are present, with their volume shares."""
    return [
        Patch(facecolor=colour, edgecolor="0.3", linewidth=0.4, label=f"{name}, {100.0 * share:.3g} vol%")
        for name, colour in phase_colours(structure).items()
        if (share := structure.fraction(name)) and (names is None or name in names)
    ]


def slices(structure: Structure, at: tuple[int, int, int] | None = None) -> Figure:
    """Draw three orthogonal slices with a legend.

    Parameters
    ----------
    structure : Structure
    at : (int, int, int) or None
        Voxel through which the slices go; None is the middle.
    """
    places = at or (None, None, None)
    x, y, z = structure.size
    longest = max(x, y, z)
    # a thin volume's strip still has room for its title
    widths = [max(side, 0.3 * longest) for side in (y, x, x)]
    panel = (PAGE - 1.0) * max(z, y, 0.3 * longest) / sum(widths)
    with style():
        handles = _legend(structure)
        columns = min(4, len(handles))
        rows = -(-len(handles) // columns)
        figure = Figure(figsize=(PAGE, min(8.5, panel + 0.65 + 0.16 * rows)), layout="constrained")
        for axis, axes in enumerate(figure.subplots(1, 3, width_ratios=widths)):
            draw_slice(axes, structure, axis, places[axis])
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, handlelength=1.2)
    return figure


def render(
    structure: Structure,
    path: str | os.PathLike[str],
    *,
    phases: Sequence[str | int] | None = None,
    cut: bool = True,
) -> Path:
    """Draw the volume in 3D and write it as a figure; needs no screen.

    Parameters
    ----------
    structure : Structure
    path : path
        PNG, SVG or PDF by its ending.
    phases : sequence of names or labels, or None
        What to draw; None draws all but the pores. The others are transparent.
    cut : bool
        Cut out the octant that is nearest to the eye.

    Raises
    ------
    StructureError
        pyvista is not installed, a phase is unknown, or none of the phases is present.
    OutputError
        Another ending, or a path that cannot be written.
    """
    shown = [name for name in structure.phases if structure.phases[name].role != "pore"] if phases is None else phases
    labels = {structure.label(name) for name in shown}
    names = [name for name, phase in structure.phases.items() if phase.label in labels]
    if not any(structure.counts[label] for label in labels):
        msg = f"has no voxel of {', '.join(map(str, shown)) or 'any phase'}; there is nothing to draw"
        raise StructureError(msg)
    step = -(-max(structure.shape) // FINEST)
    thin = structure.labels[::step, ::step, ::step]
    body = np.ones(thin.shape, bool)
    if cut:
        nx, ny, nz = thin.shape
        body[nx - nx // 2 :, : ny // 2, nz - nz // 2 :] = False
    drawn = np.isin(thin, sorted(labels)) & body
    points, quads, fills, normals, (light, haze) = _surface(drawn, thin, body)
    size = np.array(structure.size) * UM
    points *= size / drawn.shape
    normals /= np.array(structure.voxel) / min(structure.voxel)
    right, up = _screen()
    corners = _corners(size)
    centre = corners.mean(axis=0)
    across, high = np.ptp((corners - centre) @ np.stack([right, up], axis=1), axis=0) * 1.01
    solid = _colour_table(structure)[fills] * light[:, None]
    air = 255.0 * np.array(to_rgb(ROLE_COLOURS["pore"][0]))
    colours = (solid + haze[:, None] * (air - solid)).astype(np.uint8)
    picture = _picture(points, quads, colours, normals, centre, up, across, high)

    width = 0.62 * PAGE
    height = min((width - 0.7) * float(high / across), 1.1 * PAGE)
    with style():
        figure = Figure(figsize=(width, height + 0.5), layout=ConstrainedLayoutEngine(w_pad=0.08))
        axes = figure.subplots()
        axes.imshow(picture, extent=(-across / 2, across / 2, -high / 2, high / 2))
        _draw_frame(axes, corners - centre, right, up, cut=cut)
        _name_edges(axes, size, right, up)
        axes.set_axis_off()
        handles = _legend(structure, names)
        figure.legend(handles=handles, loc="outside lower center", ncols=min(3, len(handles)), handlelength=1.2)
    return save(figure, path)


def _corners(size: Floats) -> Floats:
    return np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * size


def _screen() -> tuple[Floats, Floats]:
    """Unit vectors to the right and up in the picture's plane."""
    right = np.cross([0.0, 0.0, 1.0], VIEW)
    right /= np.linalg.norm(right)
    up = np.cross(VIEW, right)
    return right, up / np.linalg.norm(up)


def _surface(drawn: Mask, labels: Labels, body: Mask) -> tuple[Floats, NDArray[np.int64], Labels, Floats, Floats]:
    """Faces of the drawn voxels that look towards the eye.

    Returns
    -------
    points : array, shape (n, 3)
        Corners, voxels.
    quads : array of int, shape (m, 4)
    fills : array of uint8, shape (m,)
        Label of each face.
    normals : array, shape (n, 3)
        Of the smoothed surface, so that a sphere is shaded as one.
    light, haze : array, shape (2, m)
        Less than 1 where solid lies all around; more than 0 below the walls of the body. They let depth be seen.
    """
    from scipy.ndimage import gaussian_filter

    padded, outside = np.pad(drawn, 1), ~np.pad(body, 1)
    grid = np.array(drawn.shape) + 1
    corners, fills, walls = [], [], []
    for axis, towards in enumerate(np.sign(VIEW).astype(int)):
        voxels = np.argwhere(drawn & ~np.roll(padded, -towards, axis=axis)[1:-1, 1:-1, 1:-1])
        fills.append(labels[tuple(voxels.T)])
        walls.append(np.roll(outside, -towards, axis=axis)[tuple(voxels.T + 1)])
        voxels[:, axis] += towards > 0
        first, second = (np.eye(3, dtype=int)[other] for other in range(3) if other != axis)
        turn = [voxels, voxels + first, voxels + first + second, voxels + second]
        corners.append(np.stack([np.ravel_multi_index(tuple(corner.T), tuple(grid)) for corner in turn], axis=1))
    used, flat = np.unique(np.concatenate(corners), return_inverse=True)
    points = np.stack(np.unravel_index(used, tuple(grid)), axis=1)
    at = tuple(points.T)
    solid = padded.astype(np.float32)
    smooth = gaussian_filter(solid, 1.2, mode="constant")
    steps = np.ndindex(2, 2, 2)
    corner = np.array([smooth[tuple(points.T + np.array(step)[:, None])] for step in steps]).reshape(2, 2, 2, -1)
    normals = np.stack([(corner.take(0, axis) - corner.take(1, axis)).sum(axis=(0, 1)) for axis in range(3)], axis=1)
    # on a flat wall a half of the surroundings is solid; deep in a pore nearly all is, and all is within the body
    around = gaussian_filter(solid, 4.0, mode="constant")[at]
    within = gaussian_filter((~outside).astype(np.float32), 4.0, mode="constant")[at]
    quads = flat.reshape(-1, 4)
    light = np.clip(1.5 - around, 0.0, 1.0)[quads].mean(axis=1)
    haze = np.where(np.concatenate(walls), 0.0, HAZE * np.clip(2.0 * within - 1.0, 0.0, 1.0)[quads].mean(axis=1))
    return points.astype(float), quads, np.concatenate(fills), normals.astype(float), np.stack([light, haze])


def _picture(
    points: Floats,
    quads: NDArray[np.int64],
    colours: Labels,
    normals: Floats,
    centre: Floats,
    up: Floats,
    across: float,
    high: float,
) -> Labels:
    """Render quads in parallel projection; pixels (rows, columns, 3)."""
    try:
        import pyvista
    except ImportError:
        msg = 'a 3D picture needs pyvista; install it with: pip install "solidstack[view]"'
        raise StructureError(msg) from None
    from vtkmodules.vtkCommonCore import vtkLogger

    mesh: Any = pyvista.PolyData.from_regular_faces(points, quads.astype(int))
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    mesh.point_data["Normals"] = normals / np.where(lengths > 0.0, lengths, 1.0)
    mesh.point_data.active_normals_name = "Normals"
    mesh.cell_data["colour"] = colours
    before = vtkLogger.GetCurrentVerbosityCutoff()
    # without a screen vtk complains about it before it draws into memory all the same
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    try:
        plotter: Any = pyvista.Plotter(off_screen=True, window_size=[round(PIXELS * across / high), PIXELS])
        plotter.set_background("white")
        plotter.enable_parallel_projection()
        actor = plotter.add_mesh(mesh, scalars="colour", rgb=True, ambient=0.4, diffuse=0.75, specular=0.0)
        actor.prop.interpolation = "gouraud"
        plotter.camera.focal_point = centre
        plotter.camera.position = centre + VIEW / np.linalg.norm(VIEW) * 3.0 * (across + high)
        plotter.camera.up = up
        plotter.camera.parallel_scale = high / 2.0
        plotter.camera.clipping_range = (0.1 * (across + high), 6.0 * (across + high))
        picture: Labels = np.asarray(plotter.screenshot(return_img=True))[..., :3]
        plotter.close()
    finally:
        vtkLogger.SetStderrVerbosity(before)
    return picture


def _draw_frame(axes: Axes, corners: Floats, right: Floats, up: Floats, *, cut: bool) -> None:
    """Draw the visible edges of the volume; those of the corner cut out are dotted."""
    places = corners @ np.stack([right, up], axis=1)
    bits = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    near = (VIEW > 0).astype(int)
    for i, j in combinations(range(8), 2):
        if np.abs(bits[i] - bits[j]).sum() != 1 or not (bits[i] == near).any() or not (bits[j] == near).any():
            continue
        ends = [places[i], places[j]]
        if cut and any((bits[k] == near).all() for k in (i, j)):
            if (bits[j] == near).all():
                ends.reverse()
            middle = (ends[0] + ends[1]) / 2
            axes.plot(*np.array([ends[0], middle]).T, color="0.35", linewidth=0.5, linestyle=":")
            ends[0] = middle
        axes.plot(*np.array(ends).T, color="0.35", linewidth=0.5)


def _name_edges(axes: Axes, size: Floats, right: Floats, up: Floats) -> None:
    """Write each edge's name and length beside it: x and y along the bottom, z at the left."""
    x, y, z = size
    half = size / 2
    edges = [((x / 2, 0.0, 0.0), 0), ((x, y / 2, 0.0), 1), ((0.0, 0.0, z / 2), 2)]
    for place, axis in edges:
        at = (float((np.array(place) - half) @ right), float((np.array(place) - half) @ up))
        words = f"{AXES[axis]} {size[axis]:.3g} µm"
        spot = {0: (-4, -4, "right", "top"), 1: (4, -4, "left", "top"), 2: (-4, 0, "right", "center")}[axis]
        axes.annotate(words, at, xytext=spot[:2], textcoords="offset points", ha=spot[2], va=spot[3])
