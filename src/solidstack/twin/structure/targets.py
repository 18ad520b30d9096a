"""What a structure should be, from a design and options: size, voxels, packing, placements."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import units
from ...design import Design
from ...electrode import positive_electrode
from ...errors import DesignError, StructureError
from .additives import AtSurfaces, Dispersed
from .coating import Necks, Particles, Placement, Shell
from .packing import Isostatic, LogNormal, Monodisperse, Pressing, SizeDistribution, Uniaxial
from .uneven import Uneven
from .voxels import Vector

Length = str | float

LARGEST_VOXEL_COUNT = 2**31
USUAL_VOXELS = 3e6
"""Voxels of a structure whose size is not given."""
LARGEST_USUAL_EDGE = 40e-6
SMALLEST_USUAL_VOXEL, LARGEST_USUAL_VOXEL = 0.05e-6, 0.4e-6
FILM_VOXELS = 2.0
"""Voxels on the solid electrolyte's film below which its conduction is not resolved."""
ACTIVE, ELECTROLYTE, ADDITIVE, BINDER = "active-material", "solid-electrolyte", "conductive-additive", "binder"


@dataclass(frozen=True)
class Targets:
    """What a structure should be, in SI."""

    size: Vector
    voxel: float
    seed: int
    arrangement: str
    pressing: Pressing
    sizes: SizeDistribution
    electrolyte: Placement
    additive: Placement

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along x, y, z."""
        return tuple(round(edge / self.voxel) for edge in self.size)


def film_voxel(design: Design) -> float:
    """Voxel that puts two on the film of solid electrolyte on a particle, m."""
    _, positive = positive_electrode(design)
    film = 0.5 * float(design.twin.particle_diameter) * (float(positive.core_fraction) ** (-1.0 / 3.0) - 1.0)
    return float(np.clip(film / FILM_VOXELS, SMALLEST_USUAL_VOXEL, LARGEST_USUAL_VOXEL))


ARRANGEMENTS = ("random", "close-packed")
PRESSINGS: Mapping[str, Pressing] = {"isostatic": Isostatic(), "uniaxial": Uniaxial()}


def targets_of(
    design: Design,
    size: Length | Sequence[Length] | None,
    voxel: Length | None,
    thickness: Length | None,
    seed: int | None,
    arrangement: str | None,
    pressing: str | None,
    sizes: SizeDistribution | None,
    electrolyte: Placement | None,
    additive: Placement | None,
) -> Targets:
    """Return the targets: each parameter as passed, else from the design's [twin] table."""
    own = design.twin
    step = None if voxel is None and own.voxel is None else length_of("voxel", own.voxel if voxel is None else voxel)
    edges = _edges(design, size, thickness, step)
    if step is None:
        # fine enough for the film, unless that takes too many voxels
        most = USUAL_VOXELS if size is None and own.size is None else 8 * USUAL_VOXELS
        step = max(film_voxel(design), (math.prod(edges) / most) ** (1 / 3))
    counts = _counts(edges, step)
    arrangement = arrangement or own.arrangement
    if arrangement not in ARRANGEMENTS:
        msg = f'arrangement: "{arrangement}" is not recognised; choose {" or ".join(ARRANGEMENTS)}'
        raise StructureError(msg)
    pressing = pressing or own.pressing
    if pressing not in PRESSINGS:
        msg = f'pressing: "{pressing}" is not recognised; choose {" or ".join(PRESSINGS)}'
        raise StructureError(msg)
    number = int(own.seed) if seed is None else seed
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        msg = f"seed: {seed} is not a whole number of 0 or more"
        raise StructureError(msg)
    return Targets(
        size=vector_of([count * step for count in counts]),
        voxel=step,
        seed=number,
        arrangement=arrangement,
        pressing=PRESSINGS[pressing],
        sizes=_sizes(design) if sizes is None else sizes,
        electrolyte=_electrolyte(design) if electrolyte is None else electrolyte,
        additive=_additive(design, step) if additive is None else additive,
    )


def _edges(
    design: Design, size: Length | Sequence[Length] | None, thickness: Length | None, voxel: float | None
) -> list[float]:
    """Return the edges of the volume along x, y, z, m, before they are made whole voxels."""
    if size is not None and not isinstance(size, (str, float, int)):
        edges = [length_of("size", edge) for edge in size]
        if len(edges) != 3:
            msg = f"size: expected one edge or three (x, y, z); received {len(edges)}"
            raise StructureError(msg)
        return edges
    own = design.twin
    _, positive = positive_electrode(design)
    across = size if size is not None else own.size
    through = thickness if thickness is not None else own.thickness
    if across is None:
        across = max(2.0 * float(own.particle_diameter), (voxel or film_voxel(design)) * USUAL_VOXELS ** (1 / 3))
        across = min(across, LARGEST_USUAL_EDGE)
        through = min(float(positive.thickness), across) if through is None else through
    across = length_of("size", across)
    return [length_of("thickness", positive.thickness if through is None else through), across, across]


def _counts(edges: Sequence[float], voxel: float) -> list[int]:
    """Return the voxels along each edge; refuse none, and too many."""
    counts = [round(edge / voxel) for edge in edges]
    if min(counts) < 1:
        msg = f"voxel: {voxel * 1e6:.4g} um is larger than the volume, {min(edges) * 1e6:.4g} um; choose a smaller one"
        raise StructureError(msg)
    if math.prod(counts) > LARGEST_VOXEL_COUNT:
        listed = " x ".join(map(str, counts))
        msg = f"voxel: {listed} voxels are more than {LARGEST_VOXEL_COUNT}; choose larger voxels or a smaller size"
        raise StructureError(msg)
    return counts


def _sizes(design: Design) -> SizeDistribution:
    """Return the sizes of the active particles by the design's [twin] table."""
    own = design.twin
    diameter = float(own.particle_diameter)
    if own.particle_d10 is None and own.particle_d90 is None:
        return Monodisperse(diameter)
    if own.particle_d10 is None or own.particle_d90 is None:
        msg = "twin: give particle_d10 and particle_d90 together, or neither"
        raise DesignError(msg)
    return LogNormal(float(own.particle_d10), diameter, float(own.particle_d90))


def _electrolyte(design: Design) -> Placement:
    """Return the placement of the solid electrolyte by the design's [twin] table."""
    match design.twin.electrolyte:
        case "particles":
            return Particles(float(design.twin.electrolyte_diameter))
        case "necks":
            return Necks()
        case "uneven":
            return Uneven(float(design.twin.electrolyte_coverage), float(design.twin.electrolyte_patch))
        case _:
            return Shell()


def _additive(design: Design, voxel: float) -> Placement:
    """Return the placement of carbon and binder by the design's [twin] table; clusters of at least a voxel."""
    cluster = max(float(design.twin.additive_size), voxel)
    return Dispersed(cluster) if design.twin.additive == "dispersed" else AtSurfaces(cluster)


def length_of(name: str, value: Any) -> float:
    """Read a length: text with a unit, or m."""
    length = units.parse(value, units.THICKNESS) if isinstance(value, str) else value
    if isinstance(length, bool) or not isinstance(length, (int, float)) or not 0.0 < length < math.inf:
        msg = f'{name}: {value} is not a length above 0; write for example "40 um"'
        raise StructureError(msg)
    return float(length)


def vector_of(edges: Sequence[float]) -> Vector:
    """Return three floats."""
    x, y, z = (float(edge) for edge in edges)
    return x, y, z
