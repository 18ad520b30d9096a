"""An array from a file, with what the file records of its voxels and phases."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from ....errors import InputError, StructureError
from ....version import __version__
from ..voxels import Phase, Structure, Vector
from .naming import as_voxel, check_phases

SAVED = (".zarr", ".npz")
"""Endings of a structure with phases and provenance."""
LARGEST_META = 16_000_000
"""Bytes of the description in a file."""
CHUNK = 128
FORMAT = "solidstack structure"


@dataclass(frozen=True)
class Volume:
    """What an image file holds, before it is a structure or a grey image.

    Parameters
    ----------
    values : array of three axes
        Possibly mapped from the file.
    voxel : (float, float, float) or None
        Edges of a voxel, m, where the file gives them.
    meta : mapping
        Phases, periodicity and provenance, of files that solidstack wrote.
    """

    values: NDArray[Any]
    voxel: Vector | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def named(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the file before an error that does not name one."""
    try:
        yield
    except InputError as error:
        if error.source:
            raise
        raise type(error)(error.problems, source=os.fspath(path)) from None


def meta_of(text: str) -> dict[str, Any]:
    """Read the description that `save` and `export` write; empty for any other text."""
    if FORMAT not in text:
        return {}
    try:
        raw = json.loads(text)
        phases = {str(name): Phase(**values) for name, values in raw["phases"].items()}
        check_phases(phases)
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


def description(structure: Structure) -> str:
    """Return phases, voxel and provenance of a structure as JSON text."""
    meta = {
        "format": FORMAT,
        "version": __version__,
        "phases": {name: vars(phase) for name, phase in structure.phases.items()},
        "voxel_m": list(structure.voxel),
        "periodic": list(structure.periodic),
        "provenance": dict(structure.provenance),
    }
    # VTK takes ASCII only; NumPy numbers are not JSON by themselves
    return json.dumps(meta, default=lambda value: value.tolist())
