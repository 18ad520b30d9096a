"""A structure from a file."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from ....errors import StructureError
from ..voxels import Structure, Vector
from .naming import ASSUMED_VOXEL, MOST_PHASES, Naming, VoxelSize, as_phases, as_voxel
from .opening import open_volume
from .volume import Volume, named


def read(path: str | os.PathLike[str], *, voxel: VoxelSize | None = None, phases: Naming | None = None) -> Structure:
    """Read a structure or an image of labels: .zarr, .npz, .npy, .tif (also OME, ImageJ, BigTIFF) or .vti.

    Parameters
    ----------
    path : path
        The file, or the folder of a zarr store.
    voxel : str, float or sequence, optional
        Edges of a voxel (see `as_voxel`), in place of those in the file. Where neither gives them 1 um is assumed, and
        `assumes_voxel` is true.
    phases : str or mapping, optional
        What the labels stand for (see `as_phases`), in place of those in the file.

    Returns
    -------
    Structure

    Raises
    ------
    StructureError
        No such file, another kind of file, a damaged one, not three axes, a grey image, or too large for the memory.
    """
    volume = open_volume(path)
    with named(path):
        known = as_phases(phases) if phases is not None else volume.meta.get("phases", {})
        edges, notes = origin(volume, voxel, path)
        structure = Structure(volume.values, known, edges, volume.meta.get("periodic", (False, False, False)), notes)
        if not known and (count := np.count_nonzero(structure.counts)) > MOST_PHASES:
            msg = (
                f"holds {count} different values and no phase names: it is a grey image, not labels. "
                f"Segment it first (solidstack image segment), or name its phases"
            )
            raise StructureError(msg)
    return structure


def origin(volume: Volume, voxel: VoxelSize | None, path: str | os.PathLike[str]) -> tuple[Vector, dict[str, Any]]:
    """Edges of a voxel, m, from the user, the file or an assumption; and provenance that records which."""
    notes = dict(volume.meta.get("provenance", {})) or {"origin": "image", "file": Path(path).name}
    if voxel is not None:
        notes.pop("voxel_assumed", None)
        return as_voxel(voxel), notes
    if volume.voxel is not None:
        return volume.voxel, notes
    return ASSUMED_VOXEL, {**notes, "voxel_assumed": True}
