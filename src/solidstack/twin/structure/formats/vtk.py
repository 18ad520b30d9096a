"""VTK image data and surfaces: reading, writing, triangles."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....errors import StructureError
from ....extras import need
from ....files import write_with
from ...memory import require_memory
from ..voxels import Structure
from .tiff import heard
from .volume import Volume, description, meta_of


def read_vti(path: Path, mapped: bool) -> Volume:  # noqa: ARG001 VTK reads it whole
    """Read VTK image data."""
    pyvista = need("pyvista", "view")
    with path.open("rb") as stream:
        head = stream.read(100_000)
    extent = re.search(rb'WholeExtent="([-\d\s]+)"', head)
    if b"ImageData" not in head or extent is None or len(ends := [int(end) for end in extent[1].split()]) != 6:
        msg = "is not a VTK image (.vti): it has no ImageData with an extent"
        raise StructureError(msg)
    shape = tuple(last - first for first, last in zip(ends[::2], ends[1::2], strict=True))
    require_memory(2.0, shape, f"Reading {path.name}")
    with heard(None), pyvista.vtk_verbosity("off"):
        grid = pyvista.read(path)
    # values of cells are those of voxels; older tools write them at points
    values, counts = (grid.cell_data, shape) if len(grid.cell_data) else (grid.point_data, grid.dimensions)
    if not len(values):
        msg = "holds no values"
        raise StructureError(msg)
    name = "labels" if "labels" in values else values.active_scalars_name or values.keys()[0]
    array = np.asarray(values[name])
    if array.ndim != 1:
        msg = f'its values "{name}" have {array.shape[1]} components; expected one number per voxel'
        raise StructureError(msg)
    fields = grid.field_data
    meta = meta_of(str(fields["solidstack"][0])) if "solidstack" in fields else {}
    cube = np.ascontiguousarray(array.reshape(counts, order="F"))
    x, y, z = (float(edge) for edge in grid.spacing)
    # 1 is the spacing of an image for which none was set
    voxel = None if (x, y, z) == (1.0, 1.0, 1.0) else (x, y, z)
    return Volume(cube, meta.get("voxel", voxel), meta)


def write_vti(structure: Structure, target: Path, fields: Mapping[str, NDArray[np.float32]] | None = None) -> Path:
    """Write labels, or fields, as VTK image data."""
    pyvista = need("pyvista", "view")
    grid = pyvista.ImageData(dimensions=[count + 1 for count in structure.shape], spacing=structure.voxel)
    grid.cell_data["labels"] = structure.labels.ravel(order="F")
    for name, values in (fields or {}).items():
        grid.cell_data[name] = values.ravel(order="F")
    grid.add_field_data([description(structure)], "solidstack")
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


def stl(triangles: NDArray[np.float32]) -> bytes:
    """Binary STL of triangles, shape (n, 3, 3)."""
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    facets = np.zeros(len(triangles), record)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    facets["normal"] = normals / np.where(lengths > 0.0, lengths, 1.0)
    facets["corners"] = triangles
    return b"solidstack, um".ljust(80) + len(triangles).to_bytes(4, "little") + facets.tobytes()
