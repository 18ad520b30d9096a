"""Files to arrays, behind one guarded opener."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ....errors import InputError, StructureError
from ....extras import need
from ....files import missing
from ...memory import require_memory
from .tiff import read_tiff
from .volume import LARGEST_META, Volume, meta_of, named
from .vtk import read_vti


def open_volume(path: str | os.PathLike[str], *, mapped: bool = False) -> Volume:
    """Read the array, voxel size and description of an image file.

    Parameters
    ----------
    path : path
        As for `read`.
    mapped : bool
        Leave the values on the disk where the file allows it (.npy, uncompressed TIFF).

    Raises
    ------
    StructureError
        As for `read`.
    """
    place = Path(path)
    suffix = place.suffix.lower()
    with named(path):
        if not place.exists():
            raise missing(path, StructureError)
        if suffix not in READERS:
            what = "is a folder" if place.is_dir() else f'has the unsupported ending "{place.suffix}"'
            msg = f"{what}; give a file that ends in {', '.join(READERS)} (slices: make one TIFF stack of them)"
            raise StructureError(msg)
        if place.is_dir() != (suffix == ".zarr"):
            msg = "is a folder; give a file" if place.is_dir() else "is a file; a zarr store is a folder"
            raise StructureError(msg)
        reader, kind = READERS[suffix]
        try:
            volume = reader(place, mapped)
        except InputError:
            raise
        except MemoryError:
            msg = "does not fit into memory"
            raise StructureError(msg) from None
        except Exception as reason:  # damage shows up in many ways: struct, zlib, index, value and codec errors
            why = str(reason).strip().partition("\n")[0] or type(reason).__name__
            msg = f"is not a readable {kind}, or is cut short ({why})"
            if isinstance(reason, OSError) and reason.strerror:
                msg = f"cannot be read ({reason.strerror})"
            raise StructureError(msg) from None
        if volume.values.ndim == 2:
            height, width = volume.values.shape
            msg = f"is a single slice ({height} x {width}); a structure has three axes. Use a stack of slices"
            raise StructureError(msg)
        if volume.values.ndim != 3:
            listed = " x ".join(str(count) for count in volume.values.shape)
            msg = f"has {volume.values.ndim} axes ({listed}); a structure has three. Extract one channel at one time"
            raise StructureError(msg)
    return volume


def _read_npy(path: Path, mapped: bool) -> Volume:
    with path.open("rb") as stream:
        _check_header(stream, path.name)
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    return Volume(values if mapped else np.array(values))


def _check_header(stream: Any, name: str) -> None:
    """Read the head of a NumPy array: no Python objects, and not too large."""
    version = np.lib.format.read_magic(stream)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = reader(stream)
    if kind.hasobject:
        msg = "holds Python objects, which could run code when read; save the array as numbers"
        raise StructureError(msg)
    require_memory(kind.itemsize + (kind != np.uint8), shape, f"Reading {name}")


def _read_npz(path: Path, mapped: bool) -> Volume:  # noqa: ARG001 nothing to map in an archive
    with zipfile.ZipFile(path) as archive:
        names = [info.filename.removesuffix(".npy") for info in archive.infolist()]
        arrays = [name for name in names if name != "meta"]
        if "labels" not in arrays and len(arrays) != 1:
            msg = f'has {len(arrays)} arrays ({", ".join(arrays[:5])}); call the array of the voxels "labels"'
            raise StructureError(msg)
        key = "labels" if "labels" in arrays else arrays[0]
        with archive.open(f"{key}.npy") as stream:
            _check_header(stream, path.name)
        if "meta" in names and archive.getinfo("meta.npy").file_size > LARGEST_META:
            msg = f"its description is larger than {LARGEST_META / 1e6:g} MB, so it was not written by solidstack"
            raise StructureError(msg)
    with np.load(path, allow_pickle=False) as data:
        meta = meta_of(str(data["meta"])) if "meta" in names else {}
        return Volume(data[key], meta.get("voxel"), meta)


def _read_zarr(path: Path, mapped: bool) -> Volume:  # noqa: ARG001 nothing to map in compressed chunks
    zarr = need("zarr", "twin")
    store = zarr.open(str(path), mode="r")
    notes = store.attrs.asdict().get("solidstack", {})
    if not isinstance(store, zarr.Array):
        arrays = dict(store.arrays())
        if "labels" not in arrays and len(arrays) != 1:
            msg = f'has {len(arrays)} arrays ({", ".join(list(arrays)[:5])}); call the array of the voxels "labels"'
            raise StructureError(msg)
        store = arrays.get("labels", next(iter(arrays.values())))
    require_memory(store.dtype.itemsize + (store.dtype != np.uint8), store.shape, f"Reading {path.name}")
    meta = meta_of(json.dumps(notes))
    if isinstance(notes, dict) and notes.get("every_chunk") and (lost := store.nchunks - store.nchunks_initialized):
        msg = f"is missing {lost} of its {store.nchunks} chunks; copy it again"
        raise StructureError(msg)
    return Volume(np.asarray(store[...]), meta.get("voxel"), meta)


READERS: dict[str, tuple[Callable[[Path, bool], Volume], str]] = {
    ".zarr": (_read_zarr, "zarr store"),
    ".npz": (_read_npz, "NumPy archive"),
    ".npy": (_read_npy, "NumPy array"),
    ".tif": (read_tiff, "TIFF file"),
    ".tiff": (read_tiff, "TIFF file"),
    ".vti": (read_vti, "VTK image"),
}
"""How each ending is read, and what such a file is."""
