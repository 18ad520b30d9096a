"""Grey images of an electrode: filter, segment, and what a segmented volume says.

A segmented image is a `Structure` and enters every later step like a generated one. Large stacks are worked on in
tiles, each with a rim as wide as the filter reaches, so that the memory beside the image and the result stays below one
more volume; the result does not depend on the number of threads.
"""

import itertools
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from ...errors import StructureError
from ..memory import require_memory
from .formats import Naming, VoxelSize, as_phases, as_voxel, assumes_voxel, named, need, open_volume, origin
from .voxels import AXES, LARGEST_LABEL, Structure, Vector, cut, with_step

Progress = Callable[[int, int], object]
"""Called with the parts done and the parts in all."""

Function = Callable[[NDArray[Any]], NDArray[Any]]
DENOISING = ("median", "gaussian", "non-local-means")
SEGMENTATION = ("multi-otsu", "watershed", "thresholds")

TILE = 64
"""Edge of a tile, voxels: with a rim of 8 on each side twice as much is read as is written."""

FLOOD_RIM = 8
"""Rim for the watershed, voxels. Boundaries between phases are a few voxels wide, so floods end within it."""

TILE_MEMORY = 5e7
"""Bytes that tiles may take whatever the size of the volume."""

MOST_CLASSES = 5
BINS = 256
OUTLIERS = 1e-4
"""Share of voxels at each end of the grey values that the histogram leaves out: hot and dead pixels."""

EDGE_GRADIENT = 0.2
"""A voxel whose gradient is above this share of the smallest step between classes lies on a boundary.

A sharp step of height 1, smoothed by a Gaussian of 1 voxel, has the gradient 0.4 per voxel at the step and 0.24 one
voxel beside it.
"""

LEAST_EDGE = 4
"""Edge of the smallest sub-volume, voxels."""

LEAST_COUNT = 4
"""Sub-volumes that a standard deviation wants."""


@dataclass(frozen=True)
class GreyImage:
    """A volume of grey values.

    Parameters
    ----------
    values : array of numbers, shape (nx, ny, nz)
        Axis 0 is x, through-plane; the pages of a TIFF stack. May be mapped from a file.
    voxel : (float, float, float)
        Edge lengths of a voxel, m.
    provenance : mapping
        Plain data (JSON): where it is from and what was done.
    """

    values: NDArray[Any]
    voxel: Vector
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or not self.values.size:
            msg = f"a grey image has 3 axes (x, y, z) and voxels; this array has shape {self.values.shape}"
            raise StructureError(msg)
        if self.values.dtype.kind not in "iuf":
            hint = ", so it is segmented already" if self.values.dtype == bool else ""
            msg = f"grey values are numbers; received an array of {self.values.dtype}{hint}"
            raise StructureError(msg)
        object.__setattr__(self, "voxel", as_voxel(self.voxel))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along x, y, z."""
        nx, ny, nz = self.values.shape
        return nx, ny, nz

    def noted(self, step: str, **details: Any) -> dict[str, Any]:
        """Provenance with one more step of the history."""
        return with_step(self.provenance, step, **details)

    def crop(self, *ranges: tuple[int, int]) -> "GreyImage":
        """Cut out a part by voxel ranges (first, end) along x, y, z."""
        part = self.values[cut(ranges, self.shape)]
        return GreyImage(part, self.voxel, self.noted("crop", ranges=[list(pair) for pair in ranges]))


Image = TypeVar("Image", GreyImage, Structure)


def read_grey(path: str | os.PathLike[str], *, voxel: VoxelSize | None = None) -> GreyImage:
    """Read a grey image (.tif, .npy, .npz, .zarr, .vti); .npy and uncompressed TIFF stay on the disk until used.

    Parameters
    ----------
    path : path
    voxel : str, float or sequence, optional
        Edges of a voxel (see `formats.as_voxel`), in place of those in the file; where nobody
        says them 1 um is assumed.

    Raises
    ------
    StructureError
        No such file, another kind of file, a damaged one, not three axes, or too large for the memory.
    """
    volume = open_volume(path, mapped=True)
    with named(path):
        return GreyImage(volume.values, *origin(volume, voxel, path))


def _require_finite(values: NDArray[Any]) -> None:
    """Refuse NaN and infinite grey values, for no filter or threshold means anything with them."""
    if values.dtype.kind != "f":
        return
    count, first = 0, (0, 0, 0)
    for x, plane in enumerate(values):
        bad = ~np.isfinite(plane)
        here = int(np.count_nonzero(bad))
        if here and not count:
            y, z = (int(place) for place in np.argwhere(bad)[0])
            first = (x, y, z)
        count += here
    if count:
        msg = (
            f"{count} of {values.size} grey values are NaN or infinite, the first at voxel (x, y, z) = {first}; "
            f"replace them (numpy.nan_to_num), or crop that part away"
        )
        raise StructureError(msg)


# ---- filters, in tiles


def _tiles(shape: Sequence[int]) -> list[tuple[slice, ...]]:
    """Cut a volume into tiles."""
    axes = [[slice(first, min(first + TILE, count)) for first in range(0, count, TILE)] for count in shape]
    return list(itertools.product(*axes))


def _tiled(
    function: Function,
    values: NDArray[Any],
    result: NDArray[Any],
    rim: int,
    bytes_per_voxel: float,
    progress: Progress | None,
) -> None:
    """Fill `result` tile by tile with what `function` makes of the tile and its rim."""
    tiles = _tiles(values.shape)

    def work(tile: tuple[slice, ...]) -> None:
        outer = tuple(slice(max(part.start - rim, 0), part.stop + rim) for part in tile)
        inner = tuple(
            slice(part.start - whole.start, part.stop - whole.start) for part, whole in zip(tile, outer, strict=True)
        )
        result[tile] = function(values[outer])[inner]

    # as many threads as keep the tiles below 0.8 of a volume
    fit = int(max(0.8 * values.nbytes, TILE_MEMORY) / (bytes_per_voxel * (TILE + 2 * rim) ** 3))
    with ThreadPoolExecutor(max(1, min(fit, os.cpu_count() or 1, len(tiles)))) as threads:
        try:
            for done, _ in enumerate(threads.map(work, tiles), start=1):
                if progress:
                    progress(done, len(tiles))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise


def denoise(
    image: GreyImage, method: str = "median", *, scale: float = 1.0, progress: Progress | None = None
) -> GreyImage:
    """Take noise away.

    Parameters
    ----------
    image : GreyImage
    method : str
        ``median``: of the cube of 2 scale + 1 voxels; keeps edges, takes salt and pepper.
        ``gaussian``: weighted mean with a standard deviation of `scale` voxels; fast, blurs edges.
        ``non-local-means``: mean over similar patches of 3 x 3 x 3 voxels up to 2 voxels away; keeps edges best
        and takes longest. Filter strength 0.8 scale times the noise, which is estimated.
    scale : float
        Above 0; whole for the median, and at most 5 voxels.
    progress : callable, optional
        Receives the tiles done and in all.

    Returns
    -------
    GreyImage
        Of the same type of numbers.

    Raises
    ------
    StructureError
        A method or scale that there is not, grey values that are not finite, or too large for the memory.
    """
    values = image.values
    if not 0.0 < scale <= 5.0 or (method == "median" and scale != round(scale)):
        rule = "1, 2, 3, 4 or 5" if method == "median" else "above 0 and at most 5"
        msg = f"scale {scale:g} of the filter is not {rule}"
        raise StructureError(msg)
    require_memory(1.8 * values.itemsize, image.shape, "Filtering")
    _require_finite(values)
    match method:
        case "median":
            size = 2 * int(scale) + 1
            function, rim, bytes_per_voxel = _median(size), int(scale), 8.0
        case "gaussian":
            function, rim, bytes_per_voxel = _gaussian(scale), math.ceil(4.0 * scale), 16.0
        case "non-local-means":
            function, rim, bytes_per_voxel = _non_local_means(noise_level(image), scale), 4, 48.0
        case _:
            msg = f'there is no filter "{method}"; take {", ".join(DENOISING)}'
            raise StructureError(msg)
    native = values.dtype.newbyteorder("=")

    def apply(part: NDArray[Any]) -> NDArray[Any]:
        made = function(part.astype(native, copy=False))
        return made if native.kind == "f" else np.asarray(np.rint(made))

    result = np.empty(image.shape, native)
    _tiled(apply, values, result, rim, bytes_per_voxel, progress)
    return GreyImage(result, image.voxel, image.noted("denoise", method=method, scale=scale))


def _median(size: int) -> Function:
    return lambda part: np.asarray(ndimage.median_filter(part, size))


def _gaussian(scale: float) -> Function:
    return lambda part: np.asarray(ndimage.gaussian_filter(part.astype(np.float32), scale))


def _non_local_means(noise: float, scale: float) -> Function:
    filtered = need("skimage.restoration", "twin").denoise_nl_means
    strength = 0.8 * scale * noise
    return lambda part: np.asarray(
        filtered(part.astype(np.float32), 3, 2, h=strength, sigma=noise, preserve_range=True) if noise else part
    )


def noise_level(image: GreyImage) -> float:
    """Standard deviation of the noise, grey values: from second differences, which edges hardly change.

    The median over up to 16 slices of the absolute response to a kernel that cancels planes and edges.

    Source: Immerkaer, Comput. Vis. Image Underst. 64 (1996) 300, doi:10.1006/cviu.1996.0060; with the median in
    place of the mean.
    """
    kernel = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]], np.float32)
    planes = image.values[:: max(1, image.shape[0] // 16)]
    steps = [np.abs(ndimage.convolve(plane.astype(np.float32), kernel)) for plane in planes]
    if min(image.shape[1:]) > 2:  # at the rim the kernel sees mirrored voxels, and less noise
        steps = [step[1:-1, 1:-1] for step in steps]
    # 6 is the root of the sum of squares of the kernel, 0.6745 the median of |noise| at a standard deviation of 1
    return float(np.median(np.stack(steps)) / 6.0 / 0.6745)


# ---- segmentation


def _histogram(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Voxels in at most 256 bins, and the edges of the bins; the rarest values at both ends join the outer bins."""
    low, high = float(values.min()), float(values.max())
    whole = values.dtype.kind in "iu" and high - low < 65536
    count = int(high - low) + 1 if whole else 65536
    edges = low - 0.5 + np.arange(count + 1) if whole else np.linspace(low, high, count + 1)
    fine = np.zeros(count, np.int64)
    for plane in values:
        if whole:
            fine += np.bincount(plane.ravel().astype(np.int64) - int(low), minlength=count)
        else:
            fine += np.histogram(plane, count, (low, high))[0]
    share = np.cumsum(fine) / values.size
    first, last = (int(place) for place in np.searchsorted(share, [OUTLIERS, 1.0 - OUTLIERS]))
    inner = np.unique(np.linspace(first, last + 1, min(BINS, last + 1 - first) + 1).astype(int))
    return np.add.reduceat(fine, [0, *inner[1:-1]]), edges[[0, *inner[1:-1], count]]


def otsu_thresholds(image: GreyImage, classes: int = 3) -> tuple[float, ...]:
    """Grey values that part the histogram into classes of the least variance within (multi-Otsu).

    Phases of very different volume, or with as much noise as contrast, want thresholds by hand.

    Parameters
    ----------
    image : GreyImage
    classes : int
        2 to 5.

    Returns
    -------
    tuple of float
        One less than the classes, ascending.

    Raises
    ------
    StructureError
        Another number of classes, or fewer grey values than classes.
    """
    if not 2 <= classes <= MOST_CLASSES:
        msg = f"{classes} classes are not within 2 to {MOST_CLASSES}; for more give thresholds"
        raise StructureError(msg)
    _require_finite(image.values)
    counts, edges = _histogram(image.values)
    filled = int(np.count_nonzero(counts))
    if filled < classes:
        msg = f"the image has {filled} different grey value{'s'[: filled > 1]}; {classes} classes want as many or more"
        raise StructureError(msg)
    # scikit-image gives the last bin of the lower class: the threshold is its upper edge
    found = need("skimage.filters", "twin").threshold_multiotsu(hist=(counts, edges[1:]), classes=classes)
    return tuple(float(threshold) for threshold in found)


def segment(
    image: GreyImage,
    *,
    method: str = "multi-otsu",
    classes: int = 3,
    thresholds: Sequence[float] = (),
    phases: Naming | None = None,
    progress: Progress | None = None,
) -> Structure:
    """Turn grey values into phases: label 0 is the darkest.

    Parameters
    ----------
    image : GreyImage
    method : str
        ``thresholds``: by those given, a voxel at a threshold belongs to the brighter class. ``multi-otsu``: by
        `otsu_thresholds`. ``watershed``: voxels away from boundaries are classed by the thresholds given or those of
        multi-Otsu, and from them the classes grow up the gradient until they meet: blurred boundaries between dark and
        bright get no seam of the class between. With thresholds given, multi-otsu is not used.
    classes : int
        2 to 5, where no thresholds are given.
    thresholds : sequence of float
        Ascending, within the grey values.
    phases : str or mapping, optional
        Names from dark to bright (see `formats.as_phases`); default: by label.
    progress : callable, optional
        Receives the parts done and in all.

    Returns
    -------
    Structure
        Thresholds are in its provenance.

    Raises
    ------
    StructureError
        Wrong thresholds, classes or number of names; grey values that are not finite; or too large for the memory.
    """
    values = image.values
    if method not in SEGMENTATION:
        msg = f'there is no way "{method}" to segment; take {", ".join(SEGMENTATION)}'
        raise StructureError(msg)
    if method == "thresholds" and not thresholds:
        msg = "segmenting by thresholds wants at least one, as in --threshold 80"
        raise StructureError(msg)
    if method == "multi-otsu" and thresholds:
        msg = "multi-otsu finds its thresholds; leave them out, or segment by thresholds or watershed"
        raise StructureError(msg)
    require_memory(1.0 + 0.8 * values.itemsize * (method == "watershed"), image.shape, "Segmenting")
    _require_finite(values)
    limits = _checked(thresholds, values) if thresholds else otsu_thresholds(image, classes)
    named_phases = as_phases(phases) if phases is not None else {}
    if named_phases and sorted(phase.label for phase in named_phases.values()) != list(range(len(limits) + 1)):
        listed = ", ".join(named_phases)
        msg = f"{len(limits) + 1} classes want as many names, from dark to bright (labels from 0); received {listed}"
        raise StructureError(msg)
    labels = np.empty(image.shape, np.uint8)
    if method == "watershed":
        _tiled(_flooded(image, limits), values, labels, FLOOD_RIM, 80.0, progress)
    else:
        for done, plane in enumerate(values, start=1):
            labels[done - 1] = np.digitize(plane, limits)
            if progress:
                progress(done, len(values))
    notes = image.noted("segment", method=method, thresholds=list(limits))
    return Structure(labels, named_phases, image.voxel, provenance=notes)


def _checked(thresholds: Sequence[float], values: NDArray[Any]) -> tuple[float, ...]:
    limits = tuple(float(threshold) for threshold in thresholds)
    low, high = float(values.min()), float(values.max())
    listed = ", ".join(f"{limit:g}" for limit in limits)
    if not all(one < other for one, other in itertools.pairwise(limits)) or len(limits) > LARGEST_LABEL:
        msg = f"thresholds {listed} do not ascend; give each once, from dark to bright"
        raise StructureError(msg)
    if not all(low < limit <= high for limit in limits):
        msg = f"thresholds {listed} leave a class empty: grey values are {low:g} to {high:g}"
        raise StructureError(msg)
    return limits


def _flooded(image: GreyImage, limits: Sequence[float]) -> Function:
    """Watershed of a tile: markers where the gradient is small, flooded up the gradient."""
    watershed = need("skimage.segmentation", "twin").watershed
    counts, edges = _histogram(image.values)
    centres = 0.5 * (edges[1:] + edges[:-1])
    kind = np.digitize(centres, limits)
    means = [np.average(centres[kind == one], weights=counts[kind == one]) for one in np.unique(kind[counts > 0])]
    steep = EDGE_GRADIENT * min(np.diff(means), default=math.inf)

    def function(part: NDArray[Any]) -> NDArray[Any]:
        grey = part.astype(np.float32)
        gradient = ndimage.gaussian_gradient_magnitude(grey, 1.0)
        classes = np.digitize(grey, limits).astype(np.int32) + 1
        markers = np.where(gradient < steep, classes, 0)
        if not markers.any():  # all boundary: nothing to grow from
            return classes - 1
        return np.asarray(watershed(gradient, markers)) - 1

    return function


# ---- another voxel size


def resample(image: Image, voxel: VoxelSize) -> Image:
    """Bring an image to another voxel size; the volume stays, to half a voxel.

    Larger voxels are the mean of those they cover; smaller ones are interpolated between centres. Of labels a voxel
    gets the one that covers most of it, and of equals the one nearest to its centre.

    Parameters
    ----------
    image : GreyImage or Structure
    voxel : str, float or sequence
        Edges of the new voxels (see `formats.as_voxel`).

    Raises
    ------
    StructureError
        A voxel larger than the image, or too large for the memory.
    """
    edges = as_voxel(voxel)
    labelled = isinstance(image, Structure)
    values: NDArray[Any] = image.labels if isinstance(image, Structure) else image.values
    shape = tuple(round(count * old / new) for count, old, new in zip(image.shape, image.voxel, edges, strict=True))
    if not all(shape):
        sizes, wanted = (" x ".join(f"{edge * 1e6:.4g}" for edge in three) for three in (_size(image), edges))
        msg = f"voxels of {wanted} um are larger than the image of {sizes} um"
        raise StructureError(msg)
    require_memory(values.itemsize, shape, "Resampling")
    if not labelled:
        _require_finite(values)
    along = [
        _weights(count, old, wanted, new, linear=not labelled)
        for count, old, wanted, new in zip(image.shape, image.voxel, shape, edges, strict=True)
    ]
    result = np.empty(shape, values.dtype.newbyteorder("="))
    # the voxel in which the new centre lies
    nearest = [
        np.minimum(((np.arange(wanted) + 0.5) * new / old).astype(int), count - 1)
        for count, old, wanted, new in zip(image.shape, image.voxel, shape, edges, strict=True)
    ]
    present = np.flatnonzero(image.counts) if isinstance(image, Structure) else np.array([])
    for x in range(shape[0]):
        row = along[0][x].tocoo()
        planes = list(zip(row.col, row.data, strict=True))
        if not labelled:
            plane = sum(weight * values[index].astype(np.float64) for index, weight in planes)
            mean = along[1] @ (along[2] @ plane.T).T
            result[x] = mean if result.dtype.kind == "f" else np.rint(mean)
            continue
        centre = values[nearest[0][x]][np.ix_(nearest[1], nearest[2])]
        most = np.full(centre.shape, -1.0)
        for label in present:
            plane = sum(weight * (values[index] == label) for index, weight in planes)
            # of equal shares the label at the centre wins
            share = along[1] @ (along[2] @ plane.T).T + 1e-6 * (centre == label)
            result[x][share > most] = label
            most = np.maximum(most, share)
    notes = image.noted("resample", voxel_m=list(edges))
    if isinstance(image, Structure):
        return image.changed(labels=result, voxel=edges, provenance=notes)
    return GreyImage(result, edges, notes)


def _size(image: GreyImage | Structure) -> list[float]:
    return [count * edge for count, edge in zip(image.shape, image.voxel, strict=True)]


def _weights(count: int, old: float, wanted: int, new: float, *, linear: bool) -> sparse.csr_array:
    """Weights of `count` voxels for `wanted` others along one axis, shape (wanted, count), rows summing to 1.

    By the length that a new voxel shares with each old one; or, if `linear` and voxels get smaller, between the two
    nearest centres.
    """
    scale = new / old
    if linear and scale < 1.0:
        place = np.clip((np.arange(wanted) + 0.5) * scale - 0.5, 0.0, count - 1.0)
        lower = np.minimum(place.astype(int), max(count - 2, 0))
        part = place - lower
        rows = np.repeat(np.arange(wanted), 2)
        columns = np.stack([lower, np.minimum(lower + 1, count - 1)], axis=1).ravel()
        return sparse.csr_array((np.stack([1.0 - part, part], axis=1).ravel(), (rows, columns)), (wanted, count))
    starts = np.minimum(np.arange(wanted) * scale, count - min(scale, 1.0))
    ends = np.minimum(starts + scale, count)
    first = (starts + 1e-9).astype(int)
    reach = math.ceil(scale) + 1
    columns = first[:, None] + np.arange(reach)
    overlap = np.minimum(columns + 1.0, ends[:, None]) - np.maximum(columns, starts[:, None])
    keep = (overlap > 1e-9) & (columns < count)
    rows = np.broadcast_to(np.arange(wanted)[:, None], columns.shape)[keep]
    shares = overlap[keep] / np.bincount(rows, overlap[keep])[rows]
    return sparse.csr_array((shares, (rows, columns[keep])), (wanted, count))


# ---- what a segmented volume says


@dataclass(frozen=True)
class Profile:
    """Volume fractions of the phases in the slices along one axis.

    Parameters
    ----------
    position : array, shape (n,)
        Centres of the slices, m.
    fractions : dict of str to array, shape (n,)
        By phase.
    """

    position: NDArray[Any]
    fractions: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class RepresentativeVolume:
    """How much a phase's fraction differs between sub-volumes, against their size.

    Parameters
    ----------
    phase : str
    edge : array, shape (n,)
        Edges of the cubic sub-volumes, m, ascending.
    mean, standard_deviation : array, shape (n,)
        Of the fraction over the sub-volumes of a size.
    count : array of int, shape (n,)
        Sub-volumes of a size; they do not overlap.
    tolerance : float
        Standard deviation over mean that is allowed.
    sufficient_edge : float
        Edge from which on the spread is below the tolerance, m; NaN where no size of this volume reaches it.
    """

    phase: str
    edge: NDArray[np.float64]
    mean: NDArray[np.float64]
    standard_deviation: NDArray[np.float64]
    count: NDArray[np.int64]
    tolerance: float
    sufficient_edge: float


@dataclass(frozen=True)
class ImageAnalysis:
    """What a segmented volume says.

    Parameters
    ----------
    structure : Structure
    porosity : float
        NaN where no phase is named a pore.
    density : float
        By the true densities of the phases, kg/m3; NaN where one of them is unknown.
    connected : dict
        By phase: share of it that connects both faces along x, y, z.
    profiles : dict of str to Profile
        Along x, y, z.
    representative_volume : dict of str to RepresentativeVolume
        By phase; empty where the volume is too small.
    warnings : tuple of str
        What limits the figures.
    """

    structure: Structure
    porosity: float
    density: float
    connected: dict[str, tuple[float, float, float]]
    profiles: dict[str, Profile]
    representative_volume: dict[str, RepresentativeVolume]
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data in the units of the keys; null where undefined."""
        structure = self.structure
        return {
            "phases": {
                name: {
                    "label": phase.label,
                    "role": phase.role,
                    "vol_pct": _shown(structure.fraction(name), 0.01),
                    "density_g_cm3": _shown(phase.density, 1e3),
                }
                for name, phase in structure.phases.items()
            },
            "porosity_pct": _shown(self.porosity, 0.01),
            "density_g_cm3": _shown(self.density, 1e3),
            "shape": list(structure.shape),
            "voxel_um": [_shown(edge, 1e-6) for edge in structure.voxel],
            "voxel_assumed": assumes_voxel(structure),
            "size_um": [_shown(edge, 1e-6) for edge in structure.size],
            "connected_pct": {
                name: {axis: _shown(share, 0.01) for axis, share in zip(AXES, shares, strict=True)}
                for name, shares in self.connected.items()
            },
            "profiles": {
                axis: {
                    "position_um": _shown(profile.position, 1e-6),
                    "vol_pct": {name: _shown(values, 0.01) for name, values in profile.fractions.items()},
                }
                for axis, profile in self.profiles.items()
            },
            "representative_volume": {
                name: {
                    "edge_um": _shown(found.edge, 1e-6),
                    "mean_vol_pct": _shown(found.mean, 0.01),
                    "standard_deviation_vol_pct": _shown(found.standard_deviation, 0.01),
                    "count": found.count.tolist(),
                    "tolerance_pct": _shown(found.tolerance, 0.01),
                    "sufficient_edge_um": _shown(found.sufficient_edge, 1e-6),
                }
                for name, found in self.representative_volume.items()
            },
            "segmentation": next(
                (step for step in structure.provenance.get("history", []) if step["step"] == "segment"), None
            ),
            "warnings": list(self.warnings),
        }


def _shown(value: Any, unit: float) -> Any:
    """Number or list in a unit, with the noise of the last digits rounded away; None where undefined."""
    if value is None or isinstance(value, np.ndarray):
        return None if value is None else [_shown(one, unit) for one in value]
    return float(f"{value / unit:.12g}") if math.isfinite(value) else None


def profile(structure: Structure, axis: int) -> Profile:
    """Volume fractions of the phases in the slices along an axis (0, 1, 2 for x, y, z)."""
    found = {}
    for name, phase in structure.phases.items():
        if axis == 0:
            counts = np.array([np.count_nonzero(plane == phase.label) for plane in structure.labels])
        else:
            counts = np.sum([np.count_nonzero(plane == phase.label, axis=2 - axis) for plane in structure.labels], 0)
        found[name] = counts * structure.shape[axis] / structure.labels.size
    return Profile((np.arange(structure.shape[axis]) + 0.5) * structure.voxel[axis], found)


def representative_volume(
    structure: Structure, phase: str, *, n_sizes: int = 8, seed: int = 0, tolerance: float = 0.05
) -> RepresentativeVolume:
    """Fraction of a phase in sub-volumes of growing size, and the size at which it hardly differs any more.

    The volume is cut into as many cubes of a size as fit, side by side, from a random corner. Of a structure without
    order the standard deviation falls with the edge to the power -3/2.

    Parameters
    ----------
    structure : Structure
    phase : str
    n_sizes : int
        Sizes, from 4 voxels to the largest of which 4 fit; at least 2.
    seed : int
        Of the corner.
    tolerance : float
        Allowed standard deviation over mean, above 0.

    Raises
    ------
    StructureError
        An unknown or absent phase, fewer than 2 sizes, a tolerance not above 0, or a volume that is too small.
    """
    label = structure.label(phase)
    if not structure.fraction(phase):
        msg = f'there is no voxel of the phase "{phase}"'
        raise StructureError(msg)
    if n_sizes < 2 or not tolerance > 0.0:
        msg = (
            f"a representative volume wants 2 sizes or more and a tolerance above 0; received {n_sizes}, {tolerance:g}"
        )
        raise StructureError(msg)
    edges = _edges(structure, n_sizes)
    random = np.random.default_rng(seed)
    means, spreads, counts = [], [], []
    for edge in edges:
        cube = [max(1, round(edge / own)) for own in structure.voxel]
        fits = [count // side for count, side in zip(structure.shape, cube, strict=True)]
        starts = [
            int(random.integers(count - fit * side + 1))
            for count, fit, side in zip(structure.shape, fits, cube, strict=True)
        ]
        window = tuple(slice(start, start + fit * side) for start, fit, side in zip(starts, fits, cube, strict=True))
        inside = structure.labels[window]
        sums = np.zeros(fits)
        for x, plane in enumerate(inside):
            blocks = (plane == label).reshape(fits[1], cube[1], fits[2], cube[2])
            sums[x // cube[0]] += np.count_nonzero(blocks, axis=(1, 3))
        fractions = sums / math.prod(cube)
        means.append(fractions.mean())
        spreads.append(fractions.std(ddof=1))
        counts.append(fractions.size)
    mean, spread = np.array(means), np.array(spreads)
    enough = _first_below(edges, spread / np.maximum(mean, 1e-300), tolerance)
    return RepresentativeVolume(phase, edges, mean, spread, np.array(counts), tolerance, enough)


def _edges(structure: Structure, count: int) -> NDArray[np.float64]:
    """Edges of sub-volumes, m: geometric from 4 voxels to the largest of which 4 fit."""
    step = max(structure.voxel)

    def fits(edge: float) -> int:
        return math.prod(
            n // max(1, round(edge / own)) for n, own in zip(structure.shape, structure.voxel, strict=True)
        )

    sizes = [n for n in range(LEAST_EDGE, max(structure.shape) + 1) if fits(n * step) >= LEAST_COUNT]
    if len(sizes) < 2:
        listed = " x ".join(str(n) for n in structure.shape)
        msg = (
            f"a volume of {listed} voxels is too small for a representative volume: "
            f"{LEAST_COUNT} cubes of {LEAST_EDGE + 1} voxels have to fit in"
        )
        raise StructureError(msg)
    return np.unique(np.rint(np.geomspace(sizes[0], sizes[-1], count))) * step


def _first_below(edges: NDArray[np.float64], spread: NDArray[np.float64], tolerance: float) -> float:
    """Edge from which on the relative spread is below the tolerance; between two sizes by their power law."""
    above = np.flatnonzero(spread >= tolerance)
    if not len(above):
        return float(edges[0])
    last = int(above[-1])
    if last == len(edges) - 1:
        return math.nan
    if spread[last + 1] <= 0.0:
        return float(edges[last + 1])
    place = math.log(spread[last] / tolerance) / math.log(spread[last] / spread[last + 1])
    return float(edges[last] * (edges[last + 1] / edges[last]) ** place)


def analyse(
    structure: Structure, *, seed: int = 0, tolerance: float = 0.05, progress: Progress | None = None
) -> ImageAnalysis:
    """Fractions, porosity, density, profiles with depth, connected shares and representative volumes.

    Parameters
    ----------
    structure : Structure
        Segmented from an image, or generated.
    seed : int
        Of the representative volumes.
    tolerance : float
        Of the representative volumes: allowed standard deviation over mean.
    progress : callable, optional
        Receives the parts done and in all.
    """
    from .metrics import connected_share

    present = [name for name in structure.phases if structure.fraction(name)]
    parts = 2 * len(present) + 1
    warnings = []
    if assumes_voxel(structure):
        warnings.append(
            "nobody says how large a voxel is; 1 um is assumed, and lengths scale with it. Give the voxel size"
        )
    if not structure.with_role("pore"):
        warnings.append("no phase is named a pore, so there is no porosity. Name the phases")

    def told(done: int) -> None:
        if progress:
            progress(done, parts)

    profiles = {axis: profile(structure, index) for index, axis in enumerate(AXES)}
    told(1)
    connected: dict[str, tuple[float, float, float]] = {}
    volumes: dict[str, RepresentativeVolume] = {}
    for index, name in enumerate(present):
        x, y, z = (connected_share(structure, name, axis) for axis in range(3))
        connected[name] = x, y, z
        told(2 * index + 2)
        try:
            volumes[name] = representative_volume(structure, name, seed=seed, tolerance=tolerance)
        except StructureError as error:  # the volume is too small, which all phases share
            warnings = list(dict.fromkeys([*warnings, str(error)]))
        told(2 * index + 3)
    porosity = structure.porosity if structure.with_role("pore") else math.nan
    return ImageAnalysis(structure, porosity, structure.density, connected, profiles, volumes, tuple(warnings))
