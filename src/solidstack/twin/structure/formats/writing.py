"""A structure, or fields on it, to a file."""

import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import OutputError, StructureError
from ....extras import need
from ....files import write_with
from ..voxels import Structure
from .volume import CHUNK, SAVED, description
from .vtk import stl, surface, write_vti

EXPORTED = (".tif", ".tiff", ".vti", ".npy", ".stl")


def check_ending(path: str | os.PathLike[str], *, phase: str | None = None) -> str:
    """Return the ending of a path to write to; refuse an unknown one.

    Raises
    ------
    OutputError
        Another ending.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (*SAVED, *EXPORTED):
        msg = f"has an unsupported ending for a structure; choose from {', '.join((*SAVED, *EXPORTED))}"
        raise OutputError(msg, source=os.fspath(path))
    if suffix == ".stl" and phase is None:
        msg = "is the surface of one phase; name it with --phase (phase= in Python)"
        raise OutputError(msg, source=os.fspath(path))
    return suffix


def write(structure: Structure, path: str | os.PathLike[str], *, phase: str | None = None) -> Path:
    """Save or export a structure, by the ending."""
    if check_ending(path, phase=phase) in SAVED:
        return save(structure, path)
    return export(structure, path, phase=phase)


def save(structure: Structure, path: str | os.PathLike[str]) -> Path:
    """Write a structure with phases and provenance, as a zarr store (.zarr) or compressed NumPy archive (.npz).

    The file is written whole or not at all.

    Parameters
    ----------
    structure : Structure
    path : path
        An existing zarr store is replaced, any other folder is not.

    Raises
    ------
    StructureError
        Another ending.
    OutputError
        The path cannot be written.
    """
    target = Path(path)
    text = description(structure)
    match target.suffix.lower():
        case ".npz":

            def fill(temporary: Path) -> None:
                with temporary.open("wb") as stream:
                    np.savez_compressed(stream, labels=structure.labels, meta=np.array(text))

            return write_with(target, fill)
        case ".zarr":
            return _write_zarr(structure.labels, text, target)
        case _:
            msg = f'"{target.name}" ends in neither .zarr nor .npz; use one of these'
            raise StructureError(msg)


def _write_zarr(labels: NDArray[np.uint8], text: str, target: Path) -> Path:
    zarr = need("zarr", "twin")
    codec = zarr.codecs.ZstdCodec(level=3, checksum=True)

    def fill(folder: Path) -> None:
        zarr.create_array(
            str(folder),
            data=labels,
            chunks=tuple(min(CHUNK, count) for count in labels.shape),
            compressors=codec,
            attributes={"solidstack": {**json.loads(text), "every_chunk": True}},
            dimension_names=("x", "y", "z"),
            # every chunk is written, so that a lost one is noticed
            config={"write_empty_chunks": True},
        )

    return _write_folder(target, fill)


def _write_folder(target: Path, writer: Callable[[Path], object]) -> Path:
    """Let `writer` fill a temporary folder beside `target`, then rename it; an earlier store is removed."""
    if target.exists() and not any((target / name).exists() for name in ("zarr.json", ".zarray", ".zgroup")):
        what = "is a folder, not a zarr store" if target.is_dir() else "is a file, not a zarr store"
        msg = f"{what}, so it is not replaced; choose another place with -o"
        raise OutputError(msg, source=str(target))
    mark = secrets.token_hex(4)
    fresh, old = (target.with_name(f".{target.stem}-{mark}{kind}.zarr") for kind in ("", "-old"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh.mkdir()
        try:
            writer(fresh)
            if target.exists():
                target.rename(old)
            fresh.rename(target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            if old.exists() and not target.exists():
                old.rename(target)
            shutil.rmtree(old, ignore_errors=True)
    except OSError as reason:
        msg = f"cannot be written ({reason.strerror}); choose another place with -o"
        raise OutputError(msg, source=str(target)) from reason
    return target


def export(structure: Structure, path: str | os.PathLike[str], *, phase: str | None = None) -> Path:
    """Write the labels for other programs: OME-TIFF (.tif), VTK image (.vti), NumPy (.npy), or a surface (.stl).

    TIFF and VTK files carry the voxel size, and the phases and provenance as a description that `read` understands.

    Parameters
    ----------
    structure : Structure
    path : path
    phase : str, optional
        For .stl: whose surface is written, in um, closed at the faces of the volume and smoothed by a Gaussian of 0.7
        voxels, which removes the steps between voxels.

    Raises
    ------
    OutputError
        Another ending, no phase for .stl, or a path that cannot be written.
    StructureError
        The phase is unknown or absent, or a package is not installed.
    """
    suffix = check_ending(path, phase=phase)
    if suffix in SAVED:
        msg = f"{suffix} keeps all of a structure; use save"
        raise OutputError(msg, source=os.fspath(path))
    target = Path(path)
    if suffix == ".npy":

        def fill(temporary: Path) -> None:
            with temporary.open("wb") as stream:
                np.save(stream, structure.labels, allow_pickle=False)

        return write_with(target, fill)
    if suffix == ".vti":
        return write_vti(structure, target)
    if suffix == ".stl":
        triangles = surface(structure, str(phase))
        return write_with(target, lambda temporary: temporary.write_bytes(stl(triangles * 1e6)))
    tifffile = need("tifffile", "twin")
    sizes = {
        f"PhysicalSize{axis}{key}": value
        for axis, edge in zip("ZYX", structure.voxel, strict=True)
        for key, value in (("", edge * 1e6), ("Unit", "µm"))
    }
    return write_with(
        target,
        lambda temporary: tifffile.imwrite(
            temporary,
            structure.labels,
            ome=True,
            bigtiff=structure.labels.nbytes > 3_900_000_000,  # offsets of a plain TIFF end at 4 GB
            photometric="minisblack",
            compression="zlib",
            metadata={"axes": "ZYX", "Description": description(structure), **sizes},
        ),
    )


FIELDS = (".vti", ".zarr", ".npz")
"""Endings of fields on the voxels of a structure."""


def check_field_ending(path: str | os.PathLike[str]) -> str:
    """Return the ending of a path for fields; refuse an unknown one."""
    suffix = Path(path).suffix.lower()
    if suffix not in FIELDS:
        msg = f"has an unsupported ending for a field; choose from {', '.join(FIELDS)}"
        raise OutputError(msg, source=os.fspath(path))
    return suffix


def write_field(structure: Structure, fields: Mapping[str, NDArray[np.float32]], path: str | os.PathLike[str]) -> Path:
    """Write fields on the voxels beside the labels: VTK image (.vti), zarr group (.zarr) or NumPy archive (.npz).

    Parameters
    ----------
    structure : Structure
    fields : mapping of str to array
        Shape of the labels.
    path : path

    Raises
    ------
    OutputError
        Another ending, or a path that cannot be written.
    """
    suffix, target = check_field_ending(path), Path(path)
    if suffix == ".vti":
        return write_vti(structure, target, fields)
    if suffix == ".npz":

        def fill(temporary: Path) -> None:
            named_fields: Any = {name.replace(" ", "_"): values for name, values in fields.items()}
            with temporary.open("wb") as stream:
                np.savez_compressed(
                    stream, labels=structure.labels, meta=np.array(description(structure)), **named_fields
                )

        return write_with(target, fill)
    zarr = need("zarr", "twin")

    def fill_group(folder: Path) -> None:
        group = zarr.create_group(str(folder), attributes={"solidstack": json.loads(description(structure))})
        arrays: dict[str, NDArray[Any]] = {"labels": structure.labels, **fields}
        for name, values in arrays.items():
            group.create_array(
                name.replace(" ", "_"), data=values, chunks=tuple(min(CHUNK, count) for count in values.shape)
            )

    return _write_folder(target, fill_group)
