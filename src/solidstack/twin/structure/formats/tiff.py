"""TIFF stacks: plain, OME and ImageJ, with the edges of their voxels."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from .... import units
from ....errors import InputError, StructureError
from ....extras import need
from ...memory import require_memory
from ..voxels import Vector
from .naming import as_voxel
from .volume import Volume, meta_of


class _Complaints(logging.Handler):
    """Keep what a reader logs: tifffile reads on where a file is cut short."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@contextlib.contextmanager
def heard(logger: str | None) -> Iterator[list[str]]:
    """Collect what a library logs within a block, instead of printing it."""
    log, listener = logging.getLogger(logger), _Complaints()
    before = log.propagate
    log.addHandler(listener)
    log.propagate = False
    try:
        yield listener.texts
    finally:
        log.removeHandler(listener)
        log.propagate = before


def read_tiff(path: Path, mapped: bool) -> Volume:
    """Read a stack of pages, with the edges of its voxels where the file has them."""
    tifffile = need("tifffile", "twin")
    with heard("tifffile") as complaints, tifffile.TiffFile(path) as tiff:
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
    """Refuse anything but a stack of grey or label pages, before its data are read."""
    page = series.keyframe
    if "S" in series.axes:
        msg = (
            f"has {page.samplesperpixel} colour channels; make it one grey channel first (ImageJ: Image > Type > 8-bit)"
        )
        raise StructureError(msg)
    sizes = sorted({" x ".join(str(count) for count in other.shape) for other in tiff.series})
    if loose and len(sizes) > 1:
        msg = f"has pages of different sizes ({', '.join(sizes[:3])}); a stack has pages of one size"
        raise StructureError(msg)
    if page.compression.name in ("LZW", "JPEG", "LERC", "ZSTD", "LZMA", "WEBP", "PNG") or page.compression > 32946:
        try:
            import_module("imagecodecs")
        except ModuleNotFoundError:
            msg = (
                f"is compressed by {page.compression.name}, which needs the package imagecodecs: "
                f"pip install imagecodecs, or save it without compression"
            )
            raise StructureError(msg) from None
    shape = (len(tiff.pages), *series.shape) if loose else series.shape
    require_memory(series.dtype.itemsize + (series.dtype != np.uint8), shape, f"Reading {name}")


def _tiff_notes(tiff: Any) -> tuple[Vector | None, dict[str, Any]]:
    """Edges of a voxel by OME or ImageJ metadata (resolutions in dpi are for a printer), and our description."""
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
        return _edges(sizes), meta_of(description)
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
    """Turn numbers with units into metres; None where one is missing or is not a length."""
    try:
        return as_voxel([units.parse(f"{float(text or 0.0)!r} {unit}", units.THICKNESS) for text, unit in sizes])
    except (InputError, ValueError):
        return None
