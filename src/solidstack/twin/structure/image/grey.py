"""Grey images: what a file holds, checked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import StructureError
from ..formats import VoxelSize, as_voxel, named, open_volume, origin
from ..voxels import Vector, cut, with_step


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
            hint = ", which is already segmented" if self.values.dtype == bool else ""
            msg = f"grey values must be numbers; received an array of {self.values.dtype}{hint}"
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


def read_grey(path: str | os.PathLike[str], *, voxel: VoxelSize | None = None) -> GreyImage:
    """Read a grey image (.tif, .npy, .npz, .zarr, .vti); .npy and uncompressed TIFF stay on the disk until used.

    Parameters
    ----------
    path : path
    voxel : str, float or sequence, optional
        Edges of a voxel (see `formats.as_voxel`), in place of those in the file; where neither
        gives them 1 um is assumed.

    Raises
    ------
    StructureError
        No such file, another kind of file, a damaged one, not three axes, or too large for the memory.
    """
    volume = open_volume(path, mapped=True)
    with named(path):
        return GreyImage(volume.values, *origin(volume, voxel, path))


def require_finite(values: NDArray[Any]) -> None:
    """Refuse NaN and infinite grey values, which make every filter and threshold meaningless."""
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
            f"replace them (numpy.nan_to_num), or crop that region away"
        )
        raise StructureError(msg)
