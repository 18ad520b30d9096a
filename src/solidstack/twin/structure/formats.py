"""Files of structures and images: zarr, NumPy, TIFF, VTK, and surfaces as STL.

Axis order is the same in every file: axis 0 of the array is x, the through-plane direction. The pages of a TIFF stack
are axis 0 (rows are axis 1, columns axis 2), so the spacing of pages is the edge of a voxel along x; x, y, z of a VTK
image are axes 0, 1, 2. A NumPy array has no voxel size, and many TIFF stacks have none: 1 um is then assumed and noted.
"""

import contextlib
import json
import logging
import os
import re
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from ... import units
from ...errors import InputError, OutputError, StructureError
from ...files import missing, write_with
from ...materials import default_library
from ...version import __version__
from ..memory import require_memory
from .voxels import LARGEST_LABEL, PORE, Phase, Structure, Vector

SAVED = (".zarr", ".npz")
"""Endings of a structure with phases and provenance."""

EXPORTED = (".tif", ".tiff", ".vti", ".npy", ".stl")

ASSUMED_VOXEL = (1e-6, 1e-6, 1e-6)
"""Edges of a voxel where neither the file nor the user says any, m."""

MOST_PHASES = 32
"""An image of more labels, none of them named, is a grey image."""

LARGEST_META = 16_000_000
"""Bytes of the description in a file."""

CHUNK = 128
FORMAT = "solidstack structure"
ROLES = ("active-material", "solid-electrolyte", "conductive-additive", "binder")
PORES = (PORE, "pores", "void", "voids")
CARBON_BINDERS = ("carbon-binder", "carbon binder", "carbon-binder domain", "carbon binder domain", "cbd")
"""The mixture that tomography cannot part; it conducts electrons."""

VoxelSize = str | float | Sequence[float]
Naming = str | Mapping[str, Phase] | Mapping[int, str]


@dataclass(frozen=True)
class Volume:
    """What an image file holds, before it is a structure or a grey image.

    Parameters
    ----------
    values : array of three axes
        Possibly mapped from the file.
    voxel : (float, float, float) or None
        Edges of a voxel, m, where the file says them.
    meta : mapping
        Phases, periodicity and provenance, of files that solidstack wrote.
    """

    values: NDArray[Any]
    voxel: Vector | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


def need(module: str, extra: str) -> Any:
    """Import a package of an extra, or say how to install it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as reason:
        msg = f'this wants the package {reason.name}, which is not installed; pip install "solidstack[{extra}]"'
        raise StructureError(msg) from None


def as_voxel(size: VoxelSize) -> Vector:
    """Read the edges of a voxel: one for all axes, or three for x, y, z.

    Parameters
    ----------
    size : str, float, or sequence of float
        Text with units, as in ``"0.4 um"`` or ``"1 um, 0.4 um, 0.4 um"``; numbers are metres.

    Raises
    ------
    StructureError
        Neither one nor three edges, or one that is not above 0.

    Examples
    --------
    >>> as_voxel("0.4 um")
    (4e-07, 4e-07, 4e-07)
    """
    if isinstance(size, str):
        edges = [units.parse(part, units.THICKNESS) for part in size.split(",")]
    else:
        edges = [float(edge) for edge in np.atleast_1d(np.asarray(size, float))]
    if len(edges) == 1:
        edges *= 3
    if len(edges) != 3 or not all(0.0 < edge < np.inf for edge in edges):
        msg = (
            f'voxel size "{size}" is not one edge or three edges (x, y, z) above 0; '
            f'write "0.4 um" or "1 um, 0.4 um, 0.4 um"'
        )
        raise StructureError(msg)
    return edges[0], edges[1], edges[2]


def as_phases(names: Naming) -> dict[str, Phase]:
    """Read what labels stand for; role and density come from the materials where a name is one.

    Parameters
    ----------
    names : str or mapping
        ``"pore, NCM622, binder"`` names the labels 0, 1, 2; ``"0=pore, 2=NCM622"`` names some; or a mapping of labels
        to names, or of names to phases.

    Raises
    ------
    StructureError
        A label or name that occurs twice, a label out of 0 to 255, or no name.

    Examples
    --------
    >>> phase = as_phases("0=pore, 1=NCM622")["NCM622"]
    >>> phase.label, phase.role, phase.density
    (1, 'active-material', 4760.0)
    """
    pairs: list[tuple[Any, Any]]
    if isinstance(names, str):
        parts = [part.strip() for part in names.split(",")]
        named = ["=" in part for part in parts]
        if any(named) and not all(named):
            msg = (
                f'phases "{names}" mix LABEL=NAME with bare names; write "0=pore, 1=NCM622", or "pore, NCM622" for 0, 1'
            )
            raise StructureError(msg)
        pairs = (
            [(a, b) for a, _, b in (part.partition("=") for part in parts)] if all(named) else list(enumerate(parts))
        )
    else:
        pairs = list(names.items())
    found: dict[str, Phase] = {}
    for key, value in pairs:
        name, phase = (key, value) if isinstance(value, Phase) else (str(value).strip(), None)
        if phase is None:
            text = str(key).strip()
            if not text.isdecimal():
                msg = f'label "{text}" of phase "{name}" is no whole number from 0 to {LARGEST_LABEL}'
                raise StructureError(msg)
            phase = _phase(int(text), name)
        if not name:
            msg = f'label {phase.label} has an empty name; write for example "0=pore, 1=NCM622"'
            raise StructureError(msg)
        if name in found:
            msg = f'phase "{name}" is given twice; a name stands for one label'
            raise StructureError(msg)
        found[name] = phase
    _check_phases(found)
    return found


def _phase(label: int, name: str) -> Phase:
    """Fill a phase from its name: a pore, a role, carbon with binder, or a material."""
    word = name.casefold()
    if word in PORES:
        return Phase(label, PORE)
    if word in ROLES or word in CARBON_BINDERS:
        return Phase(label, word if word in ROLES else "conductive-additive")
    library = default_library()
    if name not in library:
        return Phase(label)
    material = library[name]
    role = material.role if material.role in ROLES else ""
    return Phase(label, role, float(material.default("density").value))


def _check_phases(phases: Mapping[str, Phase]) -> None:
    by_label: dict[int, str] = {}
    for name, phase in phases.items():
        if not 0 <= phase.label <= LARGEST_LABEL:
            msg = f'label {phase.label} of phase "{name}" is not within 0 to {LARGEST_LABEL}'
            raise StructureError(msg)
        if phase.label in by_label:
            msg = f'label {phase.label} has two names, "{by_label[phase.label]}" and "{name}"; leave one out'
            raise StructureError(msg)
        by_label[phase.label] = name


def assumes_voxel(structure: Any) -> bool:
    """Whether the voxel size of a structure or grey image is an assumption, because nobody gave it."""
    return bool(structure.provenance.get("voxel_assumed", False))


# ---- reading


def read(path: str | os.PathLike[str], *, voxel: VoxelSize | None = None, phases: Naming | None = None) -> Structure:
    """Read a structure or an image of labels: .zarr, .npz, .npy, .tif (also OME, ImageJ, BigTIFF) or .vti.

    Parameters
    ----------
    path : path
        The file, or the folder of a zarr store.
    voxel : str, float or sequence, optional
        Edges of a voxel (see `as_voxel`), in place of those in the file. Where nobody says them 1 um is assumed, and
        `assumes_voxel` is true.
    phases : str or mapping, optional
        What the labels stand for (see `as_phases`), in place of what the file says.

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
                f"holds {count} different values and no names of phases: a grey image, not one of labels. "
                f"Segment it first (solidstack image segment), or name its phases"
            )
            raise StructureError(msg)
    return structure


def origin(volume: Volume, voxel: VoxelSize | None, path: str | os.PathLike[str]) -> tuple[Vector, dict[str, Any]]:
    """Edges of a voxel, m, by the user, the file or assumption; and provenance that says which."""
    notes = dict(volume.meta.get("provenance", {})) or {"origin": "image", "file": Path(path).name}
    if voxel is not None:
        notes.pop("voxel_assumed", None)
        return as_voxel(voxel), notes
    if volume.voxel is not None:
        return volume.voxel, notes
    return ASSUMED_VOXEL, {**notes, "voxel_assumed": True}


@contextlib.contextmanager
def named(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the file before an error that does not name one."""
    try:
        yield
    except InputError as error:
        if error.source:
            raise
        raise type(error)(error.problems, source=os.fspath(path)) from None


def open_volume(path: str | os.PathLike[str], *, mapped: bool = False) -> Volume:
    """Read the array of an image file, its voxel size and its description.

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
            what = "is a folder" if place.is_dir() else f'has the unknown ending "{place.suffix}"'
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
        except Exception as reason:  # damage shows in many ways: struct, zlib, index, value and codec errors
            why = str(reason).strip().partition("\n")[0] or type(reason).__name__
            msg = f"is no {kind} that can be read, or is cut short ({why})"
            if isinstance(reason, OSError) and reason.strerror:
                msg = f"cannot be read ({reason.strerror})"
            raise StructureError(msg) from None
        if volume.values.ndim == 2:
            height, width = volume.values.shape
            msg = f"is a single slice ({height} x {width}); a structure has three axes. Give a stack of slices"
            raise StructureError(msg)
        if volume.values.ndim != 3:
            listed = " x ".join(str(count) for count in volume.values.shape)
            msg = (
                f"has {volume.values.ndim} axes ({listed}); a structure has three. Take one channel and one time of it"
            )
            raise StructureError(msg)
    return volume


def _meta_of(text: str) -> dict[str, Any]:
    """Read the description that `save` and `export` write; empty where the text is another one."""
    if FORMAT not in text:
        return {}
    try:
        raw = json.loads(text)
        phases = {str(name): Phase(**values) for name, values in raw["phases"].items()}
        _check_phases(phases)
        periodic = tuple(bool(flag) for flag in raw["periodic"])
        voxel = as_voxel(raw["voxel_m"])
        provenance = dict(raw["provenance"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as reason:
        msg = f"its description of phases is damaged ({type(reason).__name__}: {reason}); write the structure again"
        raise StructureError(msg) from None
    if len(periodic) != 3:
        msg = f"its description of phases is damaged (periodic along {len(periodic)} axes); write the structure again"
        raise StructureError(msg)
    return {"phases": phases, "periodic": periodic, "voxel": voxel, "provenance": provenance}


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
        msg = "holds Python objects, which could run code when they are read; save the array as numbers"
        raise StructureError(msg)
    require_memory(kind.itemsize + (kind != np.uint8), shape, f"Reading {name}")


def _read_npz(path: Path, mapped: bool) -> Volume:  # noqa: ARG001 nothing to map in an archive
    with zipfile.ZipFile(path) as archive:
        names = [info.filename.removesuffix(".npy") for info in archive.infolist()]
        arrays = [name for name in names if name != "meta"]
        if "labels" not in arrays and len(arrays) != 1:
            msg = f'holds {len(arrays)} arrays ({", ".join(arrays[:5])}); name the one of the voxels "labels"'
            raise StructureError(msg)
        key = "labels" if "labels" in arrays else arrays[0]
        with archive.open(f"{key}.npy") as stream:
            _check_header(stream, path.name)
        if "meta" in names and archive.getinfo("meta.npy").file_size > LARGEST_META:
            msg = f"its description is larger than {LARGEST_META / 1e6:g} MB, so solidstack did not write it"
            raise StructureError(msg)
    with np.load(path, allow_pickle=False) as data:
        meta = _meta_of(str(data["meta"])) if "meta" in names else {}
        return Volume(data[key], meta.get("voxel"), meta)


def _read_zarr(path: Path, mapped: bool) -> Volume:  # noqa: ARG001 nothing to map in compressed chunks
    zarr = need("zarr", "twin")
    store = zarr.open(str(path), mode="r")
    notes = store.attrs.asdict().get("solidstack", {})
    if not isinstance(store, zarr.Array):
        arrays = dict(store.arrays())
        if "labels" not in arrays and len(arrays) != 1:
            msg = f'holds {len(arrays)} arrays ({", ".join(list(arrays)[:5])}); name the one of the voxels "labels"'
            raise StructureError(msg)
        store = arrays.get("labels", next(iter(arrays.values())))
    require_memory(store.dtype.itemsize + (store.dtype != np.uint8), store.shape, f"Reading {path.name}")
    meta = _meta_of(json.dumps(notes))
    if isinstance(notes, dict) and notes.get("every_chunk") and (lost := store.nchunks - store.nchunks_initialized):
        msg = f"lacks {lost} of its {store.nchunks} chunks; copy it again"
        raise StructureError(msg)
    return Volume(np.asarray(store[...]), meta.get("voxel"), meta)


class _Complaints(logging.Handler):
    """Keep what a reader logs: tifffile reads on where a file is cut short."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@contextlib.contextmanager
def _heard(logger: str | None) -> Iterator[list[str]]:
    log, listener = logging.getLogger(logger), _Complaints()
    before = log.propagate
    log.addHandler(listener)
    log.propagate = False
    try:
        yield listener.texts
    finally:
        log.removeHandler(listener)
        log.propagate = before


def _read_tiff(path: Path, mapped: bool) -> Volume:
    tifffile = need("tifffile", "twin")
    with _heard("tifffile") as complaints, tifffile.TiffFile(path) as tiff:
        series = tiff.series[0]
        loose = len(tiff.series) > 1 and len(series.shape) == 2  # pages that were written one by one
        _check_tiff(tiff, series, loose, path.name)
        voxel, meta = _tiff_notes(tiff)
        on_disk = mapped and series.dataoffset is not None  # one piece, not compressed
        if loose:
            values = tiff.asarray(key=slice(None))
        else:
            values = tifffile.memmap(path, series=0, mode="r") if on_disk else series.asarray()
        if complaints:
            raise ValueError(complaints[0])
    return Volume(values, voxel, meta)


def _check_tiff(tiff: Any, series: Any, loose: bool, name: str) -> None:
    """Refuse what is no stack of grey or label pages, before its data are read."""
    page = series.keyframe
    if "S" in series.axes:
        msg = (
            f"has {page.samplesperpixel} colour channels; make it one grey channel first (ImageJ: Image > Type > 8-bit)"
        )
        raise StructureError(msg)
    sizes = sorted({" x ".join(str(count) for count in one.shape) for one in tiff.series})
    if loose and len(sizes) > 1:
        msg = f"has pages of different sizes ({', '.join(sizes[:3])}); a stack has pages of one size"
        raise StructureError(msg)
    if page.compression.name in ("LZW", "JPEG", "LERC", "ZSTD", "LZMA", "WEBP", "PNG") or page.compression > 32946:
        try:
            import_module("imagecodecs")
        except ModuleNotFoundError:
            msg = (
                f"is compressed by {page.compression.name}, which wants the package imagecodecs: "
                f"pip install imagecodecs, or save it without compression"
            )
            raise StructureError(msg) from None
    shape = (len(tiff.pages), *series.shape) if loose else series.shape
    require_memory(series.dtype.itemsize + (series.dtype != np.uint8), shape, f"Reading {name}")


def _tiff_notes(tiff: Any) -> tuple[Vector | None, dict[str, Any]]:
    """Edges of a voxel by OME or ImageJ metadata (resolutions in dpi are those of a printer), and our description."""
    if tiff.is_ome:
        root = ElementTree.fromstring(tiff.ome_metadata)
        tag = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
        pixels = root.find(f"{tag}Image/{tag}Pixels")
        description = root.findtext(f"{tag}Image/{tag}Description") or ""
        sizes = (
            []
            if pixels is None
            else [(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "um")) for axis in "ZYX"]
        )
        return _edges(sizes), _meta_of(description)
    if tiff.is_imagej:
        notes, tags = tiff.imagej_metadata, tiff.pages[0].tags
        unit = str(notes.get("unit", "")).replace("\\u00B5", "u")
        pitches = []
        for key in ("YResolution", "XResolution"):
            over, under = tags[key].value if key in tags else (0, 1)
            pitches.append(str(under / over) if over else None)
        return _edges([(text, unit) for text in (str(notes.get("spacing", 1.0)), *pitches)]), {}
    return None, {}


def _edges(sizes: Sequence[tuple[str | None, str]]) -> Vector | None:
    """Turn numbers with units into metres; None where one lacks or is no length."""
    try:
        return as_voxel([units.parse(f"{float(text or 0.0)!r} {unit}", units.THICKNESS) for text, unit in sizes])
    except (InputError, ValueError):
        return None


def _read_vti(path: Path, mapped: bool) -> Volume:  # noqa: ARG001 VTK reads it whole
    pyvista = need("pyvista", "view")
    with path.open("rb") as stream:
        head = stream.read(100_000)
    extent = re.search(rb'WholeExtent="([-\d\s]+)"', head)
    if b"ImageData" not in head or extent is None or len(ends := [int(end) for end in extent[1].split()]) != 6:
        msg = "is no VTK image (.vti): it has no ImageData with an extent"
        raise StructureError(msg)
    shape = tuple(last - first for first, last in zip(ends[::2], ends[1::2], strict=True))
    require_memory(2.0, shape, f"Reading {path.name}")
    with _heard(None), pyvista.vtk_verbosity("off"):
        grid = pyvista.read(path)
    # values of cells are those of voxels; older tools write them at points
    values, counts = (grid.cell_data, shape) if len(grid.cell_data) else (grid.point_data, grid.dimensions)
    if not len(values):
        msg = "holds no values"
        raise StructureError(msg)
    name = "labels" if "labels" in values else values.active_scalars_name or values.keys()[0]
    array = np.asarray(values[name])
    if array.ndim != 1:
        msg = f'its values "{name}" have {array.shape[1]} components; wanted is one number per voxel'
        raise StructureError(msg)
    fields = grid.field_data
    meta = _meta_of(str(fields["solidstack"][0])) if "solidstack" in fields else {}
    cube = np.ascontiguousarray(array.reshape(counts, order="F"))
    x, y, z = (float(edge) for edge in grid.spacing)
    # 1 is what an image has of which nobody gave a spacing
    voxel = None if (x, y, z) == (1.0, 1.0, 1.0) else (x, y, z)
    return Volume(cube, meta.get("voxel", voxel), meta)


READERS: dict[str, tuple[Callable[[Path, bool], Volume], str]] = {
    ".zarr": (_read_zarr, "zarr store"),
    ".npz": (_read_npz, "NumPy archive"),
    ".npy": (_read_npy, "NumPy array"),
    ".tif": (_read_tiff, "TIFF file"),
    ".tiff": (_read_tiff, "TIFF file"),
    ".vti": (_read_vti, "VTK image"),
}
"""How each ending is read, and what such a file is."""


# ---- writing


def check_ending(path: str | os.PathLike[str], *, phase: str | None = None) -> str:
    """Give the ending of a place to write to, or say which ones are known.

    Raises
    ------
    OutputError
        Another ending.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (*SAVED, *EXPORTED):
        msg = f"has no known ending for a structure; take {', '.join((*SAVED, *EXPORTED))}"
        raise OutputError(msg, source=os.fspath(path))
    if suffix == ".stl" and phase is None:
        msg = "is a surface of one phase; say of which"
        raise OutputError(msg, source=os.fspath(path))
    return suffix


def write(structure: Structure, path: str | os.PathLike[str], *, phase: str | None = None) -> Path:
    """Save or export a structure, by the ending."""
    if check_ending(path, phase=phase) in SAVED:
        return save(structure, path)
    return export(structure, path, phase=phase)


def save(structure: Structure, path: str | os.PathLike[str]) -> Path:
    """Write a structure with phases and provenance, as a zarr store (.zarr) or compressed NumPy archive (.npz).

    It appears whole or not at all.

    Parameters
    ----------
    structure : Structure
    path : path
        A zarr store that is there is replaced, another folder is not.

    Raises
    ------
    StructureError
        Another ending.
    OutputError
        The place cannot be written.
    """
    target = Path(path)
    text = _describe(structure)
    match target.suffix.lower():
        case ".npz":

            def fill(temporary: Path) -> None:
                with temporary.open("wb") as stream:
                    np.savez_compressed(stream, labels=structure.labels, meta=np.array(text))

            return write_with(target, fill)
        case ".zarr":
            return _write_zarr(structure.labels, text, target)
        case _:
            msg = f'"{target.name}" ends in neither .zarr nor .npz; choose one of them'
            raise StructureError(msg)


def _describe(structure: Structure) -> str:
    meta = {
        "format": FORMAT,
        "version": __version__,
        "phases": {name: vars(phase) for name, phase in structure.phases.items()},
        "voxel_m": list(structure.voxel),
        "periodic": list(structure.periodic),
        "provenance": dict(structure.provenance),
    }
    # VTK takes ASCII only; numbers of NumPy are no JSON of themselves
    return json.dumps(meta, default=lambda value: value.tolist())


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
            # every chunk is there, so that a lost one shows
            config={"write_empty_chunks": True},
        )

    return _write_folder(target, fill)


def _write_folder(target: Path, writer: Callable[[Path], object]) -> Path:
    """Let `writer` fill a temporary folder beside `target`, then rename it; a store that was there goes away."""
    if target.exists() and not any((target / name).exists() for name in ("zarr.json", ".zarray", ".zgroup")):
        what = "is a folder that is no zarr store" if target.is_dir() else "is a file, no zarr store"
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
        voxels, which takes the steps of the voxels away.

    Raises
    ------
    OutputError
        Another ending, no phase for .stl, or a place that cannot be written.
    StructureError
        The phase is unknown or absent, or a package is not installed.
    """
    suffix = check_ending(path, phase=phase)
    if suffix in SAVED:
        msg = f"a {suffix} keeps everything of a structure; use save"
        raise OutputError(msg, source=os.fspath(path))
    target = Path(path)
    if suffix == ".npy":

        def fill(temporary: Path) -> None:
            with temporary.open("wb") as stream:
                np.save(stream, structure.labels, allow_pickle=False)

        return write_with(target, fill)
    if suffix == ".vti":
        return _write_vti(structure, target)
    if suffix == ".stl":
        triangles = surface(structure, str(phase))
        return write_with(target, lambda temporary: temporary.write_bytes(_stl(triangles * 1e6)))
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
            metadata={"axes": "ZYX", "Description": _describe(structure), **sizes},
        ),
    )


FIELDS = (".vti", ".zarr", ".npz")
"""Endings of fields on the voxels of a structure."""


def check_field_ending(path: str | os.PathLike[str]) -> str:
    """Give the ending of a place for fields, or say which ones are known."""
    suffix = Path(path).suffix.lower()
    if suffix not in FIELDS:
        msg = f"has no known ending for a field; take {', '.join(FIELDS)}"
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
        Another ending, or a place that cannot be written.
    """
    suffix, target = check_field_ending(path), Path(path)
    if suffix == ".vti":
        return _write_vti(structure, target, fields)
    if suffix == ".npz":

        def fill(temporary: Path) -> None:
            named_fields: Any = {name.replace(" ", "_"): values for name, values in fields.items()}
            with temporary.open("wb") as stream:
                np.savez_compressed(
                    stream, labels=structure.labels, meta=np.array(_describe(structure)), **named_fields
                )

        return write_with(target, fill)
    zarr = need("zarr", "twin")

    def fill_group(folder: Path) -> None:
        group = zarr.create_group(str(folder), attributes={"solidstack": json.loads(_describe(structure))})
        arrays: dict[str, NDArray[Any]] = {"labels": structure.labels, **fields}
        for name, values in arrays.items():
            group.create_array(
                name.replace(" ", "_"), data=values, chunks=tuple(min(CHUNK, count) for count in values.shape)
            )

    return _write_folder(target, fill_group)


def _write_vti(structure: Structure, target: Path, fields: Mapping[str, NDArray[np.float32]] | None = None) -> Path:
    pyvista = need("pyvista", "view")
    grid = pyvista.ImageData(dimensions=[count + 1 for count in structure.shape], spacing=structure.voxel)
    grid.cell_data["labels"] = structure.labels.ravel(order="F")
    for name, values in (fields or {}).items():
        grid.cell_data[name] = values.ravel(order="F")
    grid.add_field_data([_describe(structure)], "solidstack")
    return write_with(target, lambda temporary: grid.save(temporary))


def surface(structure: Structure, phase: str) -> NDArray[np.float32]:
    """Triangles around a phase, m, shape (n, 3, 3): the level 1/2 of the phase smoothed by 0.7 voxels.

    Marching cubes; closed at the faces of the volume, normals outwards. A particle of 20 voxels across loses about
    2 % of its volume, one of 40 voxels 0.5 %.

    Raises
    ------
    StructureError
        The phase is unknown or absent, or too large for the memory.
    """
    from scipy.ndimage import gaussian_filter

    measure = need("skimage.measure", "twin")
    if not structure.fraction(phase):
        msg = f'there is no voxel of the phase "{phase}", so it has no surface'
        raise StructureError(msg)
    require_memory(24.0, structure.shape, "The surface of a phase")
    smooth = gaussian_filter(structure.mask(phase).astype(np.float32), 0.7, mode="nearest")
    closed = np.pad(smooth, 1)
    points, faces, _, _ = measure.marching_cubes(closed, 0.5, gradient_direction="ascent")
    # the centre of the first voxel is at half an edge; the padding adds one voxel before it
    return np.asarray(((points - 0.5) * structure.voxel)[faces], np.float32)


def _stl(triangles: NDArray[np.float32]) -> bytes:
    """Binary STL of triangles, shape (n, 3, 3)."""
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    facets = np.zeros(len(triangles), record)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    facets["normal"] = normals / np.where(lengths > 0.0, lengths, 1.0)
    facets["corners"] = triangles
    return b"solidstack, um".ljust(80) + len(triangles).to_bytes(4, "little") + facets.tobytes()
