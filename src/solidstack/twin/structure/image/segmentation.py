"""Grey values to phases: thresholds, watershed."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ....errors import StructureError
from ....extras import need
from ....progress import Listener, Teller
from ...memory import require_memory
from ..formats import Naming, as_phases
from ..voxels import LARGEST_LABEL, Structure
from .filters import Function, tiled
from .grey import GreyImage, require_finite

SEGMENTATION = ("multi-otsu", "watershed", "thresholds")
FLOOD_RIM = 8
"""Rim for the watershed, voxels. Boundaries between phases are a few voxels wide, so floods end within it."""
MOST_CLASSES = 5
BINS = 256
OUTLIERS = 1e-4
"""Share of voxels at each end of the grey values that the histogram leaves out: hot and dead pixels."""
EDGE_GRADIENT = 0.2
"""A voxel whose gradient is above this share of the smallest step between classes lies on a boundary.

A sharp step of height 1, smoothed by a Gaussian of 1 voxel, has the gradient 0.4 per voxel at the step and 0.24 one
voxel beside it.
"""


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
    """Grey values that split the histogram into classes of least variance within each (multi-Otsu).

    Phases of very different volume, or with as much noise as contrast, need thresholds by hand.

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
        msg = f"classes: {classes} must be 2 to {MOST_CLASSES}; for more, give thresholds"
        raise StructureError(msg)
    require_finite(image.values)
    counts, edges = _histogram(image.values)
    filled = int(np.count_nonzero(counts))
    if filled < classes:
        msg = f"the image has {filled} different grey value{'s'[: filled > 1]}; {classes} classes need at least as many"
        raise StructureError(msg)
    # scikit-image gives the last bin of the lower class: the threshold is its upper edge
    thresholds = need("skimage.filters", "twin").threshold_multiotsu(hist=(counts, edges[1:]), classes=classes)
    return tuple(float(threshold) for threshold in thresholds)


def segment(
    image: GreyImage,
    *,
    method: str = "multi-otsu",
    classes: int = 3,
    thresholds: Sequence[float] = (),
    phases: Naming | None = None,
    progress: Listener | None = None,
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
        Progress callback.

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
        msg = f'method "{method}" is not recognised; choose from {", ".join(SEGMENTATION)}'
        raise StructureError(msg)
    if method == "thresholds" and not thresholds:
        msg = "segmenting by thresholds needs at least one, as in --threshold 80"
        raise StructureError(msg)
    if method == "multi-otsu" and thresholds:
        msg = "multi-otsu finds the thresholds itself; leave them out, or segment by thresholds or watershed"
        raise StructureError(msg)
    require_memory(1.0 + 0.8 * values.itemsize * (method == "watershed"), image.shape, "Segmenting")
    require_finite(values)
    limits = _checked(thresholds, values) if thresholds else otsu_thresholds(image, classes)
    named_phases = as_phases(phases) if phases is not None else {}
    if named_phases and sorted(phase.label for phase in named_phases.values()) != list(range(len(limits) + 1)):
        listed = ", ".join(named_phases)
        msg = f"{len(limits) + 1} classes need as many names, from dark to bright (labels from 0); received {listed}"
        raise StructureError(msg)
    labels = np.empty(image.shape, np.uint8)
    if method == "watershed":
        tiled(_flooded(image, limits), values, labels, FLOOD_RIM, 80.0, Teller(progress, what="segment"))
    else:
        tell = Teller(progress, of=len(values), what="segment")
        for done, plane in enumerate(values, start=1):
            labels[done - 1] = np.digitize(plane, limits)
            tell(done)
    notes = image.noted("segment", method=method, thresholds=list(limits))
    return Structure(labels, named_phases, image.voxel, provenance=notes)


def _checked(thresholds: Sequence[float], values: NDArray[Any]) -> tuple[float, ...]:
    limits = tuple(float(threshold) for threshold in thresholds)
    low, high = float(values.min()), float(values.max())
    listed = ", ".join(f"{limit:g}" for limit in limits)
    if not all(lower < upper for lower, upper in itertools.pairwise(limits)) or len(limits) > LARGEST_LABEL:
        msg = f"thresholds {listed} must ascend; give each once, from dark to bright"
        raise StructureError(msg)
    if not all(low < limit <= high for limit in limits):
        msg = f"thresholds {listed} leave a class empty: grey values range over {low:g} to {high:g}"
        raise StructureError(msg)
    return limits


def _flooded(image: GreyImage, limits: Sequence[float]) -> Function:
    """Watershed of a tile: markers where the gradient is small, flooded up the gradient."""
    watershed = need("skimage.segmentation", "twin").watershed
    counts, edges = _histogram(image.values)
    centres = 0.5 * (edges[1:] + edges[:-1])
    kind = np.digitize(centres, limits)
    means = [np.average(centres[kind == index], weights=counts[kind == index]) for index in np.unique(kind[counts > 0])]
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
