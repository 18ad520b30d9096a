"""Images and structures resampled to another voxel size."""

import math
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ....errors import StructureError
from ...memory import require_memory
from ..formats import VoxelSize, as_voxel
from ..voxels import Structure
from .grey import GreyImage, require_finite

Image = TypeVar("Image", GreyImage, Structure)


def resample(image: Image, voxel: VoxelSize) -> Image:
    """Bring an image to another voxel size; the volume stays, to half a voxel.

    Larger voxels are the mean of those they cover; smaller ones are interpolated between centres. A labelled
    voxel gets the label that covers most of it; of equal ones, the label at its centre.

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
        sizes, listed = (" x ".join(f"{edge * 1e6:.4g}" for edge in three) for three in (_size(image), edges))
        msg = f"voxels of {listed} um are larger than the image of {sizes} um"
        raise StructureError(msg)
    require_memory(values.itemsize, shape, "Resampling")
    if not labelled:
        require_finite(values)
    along = [
        _weights(count, old, target, new, linear=not labelled)
        for count, old, target, new in zip(image.shape, image.voxel, shape, edges, strict=True)
    ]
    result = np.empty(shape, values.dtype.newbyteorder("="))
    # the voxel in which the new centre lies
    nearest = [
        np.minimum(((np.arange(target) + 0.5) * new / old).astype(int), count - 1)
        for count, old, target, new in zip(image.shape, image.voxel, shape, edges, strict=True)
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


def _weights(count: int, old: float, target: int, new: float, *, linear: bool) -> sparse.csr_array:
    """Weights of `count` voxels for `target` others along one axis, shape (target, count), rows summing to 1.

    By the length that a new voxel shares with each old one; or, if `linear` and voxels get smaller, between the two
    nearest centres.
    """
    scale = new / old
    if linear and scale < 1.0:
        place = np.clip((np.arange(target) + 0.5) * scale - 0.5, 0.0, count - 1.0)
        lower = np.minimum(place.astype(int), max(count - 2, 0))
        part = place - lower
        rows = np.repeat(np.arange(target), 2)
        columns = np.stack([lower, np.minimum(lower + 1, count - 1)], axis=1).ravel()
        return sparse.csr_array((np.stack([1.0 - part, part], axis=1).ravel(), (rows, columns)), (target, count))
    starts = np.minimum(np.arange(target) * scale, count - min(scale, 1.0))
    ends = np.minimum(starts + scale, count)
    first = (starts + 1e-9).astype(int)
    reach = math.ceil(scale) + 1
    columns = first[:, None] + np.arange(reach)
    overlap = np.minimum(columns + 1.0, ends[:, None]) - np.maximum(columns, starts[:, None])
    keep = (overlap > 1e-9) & (columns < count)
    rows = np.broadcast_to(np.arange(target)[:, None], columns.shape)[keep]
    shares = overlap[keep] / np.bincount(rows, overlap[keep])[rows]
    return sparse.csr_array((shares, (rows, columns[keep])), (target, count))
