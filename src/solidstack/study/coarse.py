"""A structure of a design that is small enough to be cycled in half a minute."""

from ..design import Design
from ..electrode import positive_electrode
from ..errors import StructureError
from ..progress import Listener
from ..twin.structure.build import build
from ..twin.structure.build_report import BuildReport
from ..twin.structure.voxels import Structure
from ..units import THICKNESS, parse

USUAL_VOXELS = 50_000
"""Of a structure that is only cycled for comparison."""
MOST_VOXELS = 150_000
"""Of such a structure where a thin film of electrolyte needs more."""
FILM = 0.8
"""Voxels across the film of electrolyte that suffice for it to connect (98 % of it in the worked example)."""
WIDTH = 1.42
"""Edge in the plane over the diameter of a particle: a unit cell of the close packing (4 particles)."""
BLOCK = 1.2
"""Edge in the plane of a random packing over the diameter of a building block; narrower ones crack."""


def coarse_structure(
    design: Design,
    *,
    size: str | float | None = None,
    voxel: str | float | None = None,
    seed: int | None = None,
    arrangement: str | None = None,
    progress: Listener | None = None,
) -> tuple[Structure, tuple[str, ...]]:
    """Build a structure that is small enough to be cycled in half a minute, with notes on what it leaves out.

    It is one unit cell of the packing wide and as thick as the coating, in about 50,000 voxels. Where the film of
    electrolyte on the particles would be too thin for its voxels to connect, the voxels are smaller, 0.8 to the film,
    and the structure is a section of the coating, as thick as 50,000 voxels or one unit cell allow.

    Parameters
    ----------
    design : Design
    size, voxel, seed, arrangement
        See `solidstack.twin.structure.build`; with a voxel size the structure is as thick as the coating.
    progress : callable, optional
        Progress callback.

    Raises
    ------
    StructureError
        A film so thin that it needs more than 150,000 voxels.
    """
    _, positive = positive_electrode(design)
    coating = thickness = float(positive.thickness)
    diameter = float(design.twin.particle_diameter)
    film = 0.5 * diameter * (float(positive.core_fraction) ** (-1.0 / 3.0) - 1.0)
    close = (arrangement or design.twin.arrangement) == "close-packed"
    edge = (WIDTH * diameter if close else BLOCK * (diameter + 2.0 * film)) if size is None else _metres(size)
    notes: list[str] = []
    step = (thickness * edge**2 / USUAL_VOXELS) ** (1.0 / 3.0) if voxel is None else _metres(voxel)
    if voxel is None and step > film / FILM > 0.0:
        step = film / FILM
        thickness = min(coating, max(edge, USUAL_VOXELS * step**3 / edge**2))
        count = thickness * edge**2 / step**3
        if count > MOST_VOXELS:
            msg = (
                f"the electrolyte is a film of {1e6 * film:.2g} um on the particles: a structure that resolves it has "
                f"{count:.2g} voxels, more than {MOST_VOXELS}; build one with `solidstack twin build` and cycle it "
                f"with `solidstack twin discharge`, or choose a voxel size"
            )
            raise StructureError(msg)
        if thickness < coating:
            notes.append(
                f"a section of {1e6 * thickness:.3g} um of the {1e6 * coating:.3g} um coating, so that the voxels are "
                f"small enough for the {1e6 * film:.2g} um film of electrolyte to connect"
            )
    structure = build(
        design, size=edge, voxel=step, thickness=thickness, seed=seed, arrangement=arrangement, progress=progress
    )
    return structure, (*notes, *BuildReport(structure).warnings)


def _metres(length: str | float) -> float:
    return float(parse(length, THICKNESS)) if isinstance(length, str) else float(length)
