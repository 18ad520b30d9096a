"""From a design to a structure: the same composition, density and thickness, voxel by voxel."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import units
from ...design import Design
from ...electrode import electrolyte_conductivity, positive_electrode
from ...errors import DesignError, StructureError
from ...particle import CLOSE_PACKING
from ...version import __version__
from ..memory import require_memory
from .additives import AtSurfaces, Dispersed
from .coating import Free, Necks, Particles, Placement, Shell, Surroundings, distances
from .densify import press
from .metrics import connected_share, coverage, specific_interface
from .packing import (
    Isostatic,
    LogNormal,
    Monodisperse,
    Packing,
    Pressing,
    Progress,
    SizeDistribution,
    Uniaxial,
    close_packing,
    random_packing,
    say,
)
from .voxels import AXES, PORE, Phase, Structure, Vector

BYTES_PER_VOXEL = 26.0
"""Peak of `build` with every kind of placement, measured."""
LARGEST_VOXEL_COUNT = 2**31
USUAL_VOXELS = 3e6
"""Voxels of a structure whose size is not given."""
LARGEST_USUAL_EDGE = 40e-6
SMALLEST_USUAL_VOXEL, LARGEST_USUAL_VOXEL = 0.05e-6, 0.4e-6
FILM_VOXELS = 2.0
"""Voxels on the solid electrolyte's film below which its conduction is not resolved."""
MUCH_OVERLAP = 0.02
"""Share of the particles' volume in overlaps from which on it is warned."""
ACTIVE, ELECTROLYTE, ADDITIVE, BINDER = "active-material", "solid-electrolyte", "conductive-additive", "binder"

Length = str | float


def build(
    design: Design,
    *,
    size: Length | Sequence[Length] | None = None,
    voxel: Length | None = None,
    thickness: Length | None = None,
    seed: int | None = None,
    arrangement: str | None = None,
    pressing: str | None = None,
    sizes: SizeDistribution | None = None,
    electrolyte: Placement | None = None,
    additive: Placement | None = None,
    progress: Progress | None = None,
) -> Structure:
    """Build the positive electrode of a design as a 3D structure.

    Every phase gets the volume that the design gives it, to a voxel (of a blend, the active materials together:
    each gets whole particles): a placement orders the voxels, and as many as the volume takes are filled. The
    particles of the active material come from a packing that covers their share; the carbon and binder are placed
    next, then the solid electrolyte; what remains is pore. The structure is a cut through a larger electrode: it
    is periodic along all axes, so particles continue at the opposite face.

    Parameters
    ----------
    design : Design
        A single one; its [twin] table holds the default of every parameter below.
    size : length or three lengths
        Edge in the plane, or edges along x (through the plane), y and z. Text with a unit, or m.
    voxel : length
        Edge of a voxel.
    thickness : length
        Along x; default: the thickness of the coating.
    seed : int
        The same seed gives the same structure.
    arrangement : str
        random or close-packed. Close packing takes whole cells, about 12 um each, as near as possible to the size
        asked for, and adapts the edges of a voxel to them.
    pressing : str
        isostatic or uniaxial, from the percolation threshold to the density of the design.
    sizes : SizeDistribution
        Of the active material's particles.
    electrolyte, additive : Placement
        `solidstack.twin.Shell`, `Necks`, `Particles`; `AtSurfaces`, `Dispersed`.
    progress : callable, optional
        See `solidstack.twin.structure.packing.Progress`.

    Returns
    -------
    Structure
        Labels 0 (pore), 1, 2, ... in the order of the composition; conductivities and densities come with the phases.

    Raises
    ------
    StructureError
        A volume too large for the memory, a share of active material that particles cannot reach, voxels too large.
    DesignError
        A design with arrays, or one that cannot exist.

    Examples
    --------
    >>> import solidstack as ss
    >>> structure = ss.twin.build(ss.load("examples/pouch-0.16Ah.toml"), size="16 um", voxel="1 um", thickness="16 um")
    >>> structure.shape, round(100 * structure.porosity, 1)
    ((16, 16, 16), 18.4)
    """
    if not design.is_single:
        msg = f"a structure is built from one design; this one has arrays of shape {design.shape}"
        raise DesignError(msg)
    wanted = _wanted(design, size, voxel, thickness, seed, arrangement, pressing, sizes, electrolyte, additive)
    require_memory(BYTES_PER_VOXEL, wanted.shape, "Building the structure")
    phases = design_phases(design)
    packing = _packing(wanted, phases, progress)
    rng = np.random.default_rng(wanted.seed)
    notes = {
        "version": __version__,
        "design": design.name,
        "fingerprint": design.fingerprint(),
        "inputs": design.to_dict(),
        "seed": wanted.seed,
        "arrangement": wanted.arrangement,
        "pressing": type(wanted.pressing).__name__.lower(),
        "sizes": repr(wanted.sizes),
        "electrolyte": repr(wanted.electrolyte),
        "additive": repr(wanted.additive),
        "target_thickness_m": wanted.size[0],
    }
    return assemble(packing, wanted.voxel, phases, wanted.electrolyte, wanted.additive, rng, notes, progress)


def assemble(
    packing: Packing,
    voxel: float,
    phases: Mapping[str, Phase],
    electrolyte: Placement,
    additive: Placement,
    rng: np.random.Generator,
    notes: Mapping[str, Any],
    progress: Progress | None = None,
) -> Structure:
    """Put a packing and what lies around it on voxels: every phase gets the volume of its target.

    Parameters
    ----------
    packing : Packing
        Of the active material.
    voxel : float
        Edge, m; adapted along each axis so that a whole number fills the box.
    phases : mapping of str to Phase
        With targets; particles are dealt out to the active materials among them by volume.
    electrolyte, additive : Placement
    rng : numpy.random.Generator
    notes : mapping
        Provenance.
    progress : callable, optional
    """
    shape = tuple(max(1, round(edge / voxel)) for edge in packing.box)
    edges = _vector([edge / count for edge, count in zip(packing.box, shape, strict=True)])
    fractions = {name: phase.target or 0.0 for name, phase in phases.items()}
    active = [name for name in _of(phases, ACTIVE) if fractions[name] > 0.0]

    say(progress, "placing particles on voxels", 0, 1)
    second = electrolyte.needs_second or additive.needs_second
    kinds = _kinds(packing, [fractions[name] for name in active], rng)
    around = Surroundings(packing, edges, *distances(packing, edges, shape, kinds, second=second))
    total = around.nearest.size
    inside = _lowest(around.nearest, np.ones(shape, bool), round(sum(fractions[n] for n in active) * total), rng)
    shift = float(around.nearest[inside].max()) if inside.any() else 0.0
    labels = np.zeros(shape, np.uint8)
    labels[inside] = np.array([phases[name].label for name in active], np.uint8)[around.kind[inside]]
    free = ~inside
    del inside
    for role, placement in ((BINDER, additive), (ADDITIVE, additive), (ELECTROLYTE, electrolyte)):
        for name in _of(phases, role):
            left = int(np.count_nonzero(free))
            count = min(round(fractions[name] * total), left)
            if not count:
                continue
            say(progress, f"placing {name}", 0, 1)
            filled = _lowest(placement.field(around, free, count / left, rng), free, count, rng)
            labels[filled] = phases[name].label
            free &= ~filled
            del filled
    own = {
        "particles": len(packing),
        "overlap_volume_fraction": packing.overlap_volume_fraction,
        "worst_overlap": packing.worst_overlap,
        "surface_shift_m": shift,
        "target_density_kg_m3": sum((phase.target or 0.0) * (phase.density or 0.0) for phase in phases.values()),
    }
    return Structure(labels, phases, edges, packing.periodic, {**notes, **own})


@dataclass(frozen=True)
class BuildReport:
    """What was asked for and what the structure has."""

    structure: Structure

    @cached_property
    def film(self) -> float:
        """Volume of the solid electrolyte over the surface of the active material, m; NaN without either."""
        structure = self.structure
        roles = [role for role in (PORE, ELECTROLYTE, ADDITIVE, BINDER) if structure.with_role(role)]
        surface = sum(specific_interface(structure, ACTIVE, role) for role in roles)
        volume = structure.fraction(*structure.with_role(ELECTROLYTE))
        return volume / surface if surface > 0.0 and volume > 0.0 else math.nan

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What an expert would point out."""
        found = []
        film, edge = self.film, max(self.structure.voxel)
        if film < FILM_VOXELS * edge:
            found.append(
                f"the solid electrolyte is a film of {film * 1e6:.2g} um on the particles, {film / edge:.1f} voxels: "
                f"its conduction is not resolved; take voxels of at most {film / FILM_VOXELS * 1e6:.2g} um"
            )
        overlap = self.structure.provenance.get("overlap_volume_fraction", 0.0)
        if overlap > MUCH_OVERLAP:
            found.append(
                f"{100 * overlap:.1f} % of the particles' volume overlaps: so much active material does not fit "
                f"without deformed particles; take a wider size distribution"
            )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain data, with units in the keys; percentages are of the whole volume."""
        structure = self.structure
        notes = structure.provenance
        return {
            "phases": {
                name: {
                    "target_vol_pct": None if phase.target is None else 100.0 * phase.target,
                    "reached_vol_pct": 100.0 * structure.fraction(name),
                    "connected_pct": {
                        axis: 100.0 * connected_share(structure, name, index) for index, axis in enumerate(AXES)
                    },
                }
                for name, phase in structure.phases.items()
            },
            "porosity_pct": 100.0 * structure.porosity,
            "density_g_cm3": _finite(structure.density / 1e3),
            "target_density_g_cm3": notes["target_density_kg_m3"] / 1e3,
            "thickness_um": structure.size[0] * 1e6,
            "target_thickness_um": notes["target_thickness_m"] * 1e6,
            "size_um": [edge * 1e6 for edge in structure.size],
            "particles": notes["particles"],
            "overlap_vol_pct": 100.0 * notes["overlap_volume_fraction"],
            "worst_overlap_pct_of_diameter": 100.0 * notes["worst_overlap"],
            "am_se_interface_m2_per_m3": _finite(specific_interface(structure, ACTIVE, ELECTROLYTE)),
            "electrolyte_film_um": _finite(self.film * 1e6),
            "am_coverage_pct": _finite(100.0 * coverage(structure)),
            "shape": list(structure.shape),
            "voxel_um": [edge * 1e6 for edge in structure.voxel],
            "seed": notes["seed"],
            "warnings": list(self.warnings),
        }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


@dataclass(frozen=True)
class _Wanted:
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
        return tuple(round(edge / self.voxel) for edge in self.size)


def _film_voxel(design: Design) -> float:
    """Voxel that puts two on the film of solid electrolyte on a particle, m."""
    _, positive = positive_electrode(design)
    film = 0.5 * float(design.twin.particle_diameter) * (float(positive.core_fraction) ** (-1.0 / 3.0) - 1.0)
    return float(np.clip(film / FILM_VOXELS, SMALLEST_USUAL_VOXEL, LARGEST_USUAL_VOXEL))


PRESSINGS: Mapping[str, Pressing] = {"isostatic": Isostatic(), "uniaxial": Uniaxial()}


def _wanted(
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
) -> _Wanted:
    """Take each parameter as given, else from the design's [twin] table."""
    own = design.twin
    _, positive = positive_electrode(design)
    step = None if voxel is None and own.voxel is None else _length("voxel", own.voxel if voxel is None else voxel)
    if size is not None and not isinstance(size, (str, float, int)):
        edges = [_length("size", edge) for edge in size]
        if len(edges) != 3:
            msg = f"size: one edge or three (x, y, z) are wanted; received {len(edges)}"
            raise StructureError(msg)
    else:
        across = size if size is not None else own.size
        through = thickness if thickness is not None else own.thickness
        if across is None:
            across = max(2.0 * float(own.particle_diameter), (step or _film_voxel(design)) * USUAL_VOXELS ** (1 / 3))
            across = min(across, LARGEST_USUAL_EDGE)
            through = min(float(positive.thickness), across) if through is None else through
        across = _length("size", across)
        edges = [_length("thickness", positive.thickness if through is None else through), across, across]
    if step is None:
        # fine enough for the film, unless that takes too many voxels
        most = USUAL_VOXELS if size is None and own.size is None else 8 * USUAL_VOXELS
        step = max(_film_voxel(design), (math.prod(edges) / most) ** (1 / 3))
    counts = [round(edge / step) for edge in edges]
    if min(counts) < 1:
        msg = f"voxel: {step * 1e6:.4g} um is larger than the volume, {min(edges) * 1e6:.4g} um; take a smaller one"
        raise StructureError(msg)
    if math.prod(counts) > LARGEST_VOXEL_COUNT:
        listed = " x ".join(map(str, counts))
        msg = f"voxel: {listed} voxels are more than {LARGEST_VOXEL_COUNT}; take larger voxels or a smaller size"
        raise StructureError(msg)
    chosen = arrangement or own.arrangement
    if chosen not in ("random", "close-packed"):
        msg = f'arrangement: "{chosen}" is unknown; known are random, close-packed'
        raise StructureError(msg)
    pressed = pressing or own.pressing
    if pressed not in PRESSINGS:
        msg = f'pressing: "{pressed}" is unknown; known are {", ".join(PRESSINGS)}'
        raise StructureError(msg)
    diameter = float(own.particle_diameter)
    if sizes is None:
        ends = own.particle_d10, own.particle_d90
        if ends == (None, None):
            sizes = Monodisperse(diameter)
        elif None in ends:
            msg = "twin: particle_d10 and particle_d90 are given together, or neither"
            raise DesignError(msg)
        else:
            sizes = LogNormal(float(ends[0]), diameter, float(ends[1]))  # type: ignore[arg-type]
    if electrolyte is None:
        match own.electrolyte:
            case "particles":
                electrolyte = Particles(float(own.electrolyte_diameter))
            case "necks":
                electrolyte = Necks()
            case _:
                electrolyte = Shell()
    if additive is None:
        cluster = max(float(own.additive_size), step)
        additive = Dispersed(cluster) if own.additive == "dispersed" else AtSurfaces(cluster)
    number = int(own.seed) if seed is None else seed
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        msg = f"seed: {seed} is no whole number from 0 on"
        raise StructureError(msg)
    return _Wanted(
        _vector([count * step for count in counts]),
        step,
        number,
        chosen,
        PRESSINGS[pressed],
        sizes,
        electrolyte,
        additive,
    )


def _length(name: str, value: Any) -> float:
    """Read a length: text with a unit, or m."""
    length = units.parse(value, units.THICKNESS) if isinstance(value, str) else value
    if isinstance(length, bool) or not isinstance(length, (int, float)) or not 0.0 < length < math.inf:
        msg = f'{name}: {value} is no length above 0; write for example "40 um"'
        raise StructureError(msg)
    return float(length)


def _vector(edges: Sequence[float]) -> Vector:
    x, y, z = (float(edge) for edge in edges)
    return x, y, z


def design_phases(design: Design) -> dict[str, Phase]:
    """Phases of the positive electrode of a design, pore first, with their target volume fractions."""
    _, positive = positive_electrode(design)
    density = float(positive.density)
    phases = {PORE: Phase(0, PORE, 0.0, None, None, float(positive.porosity))}
    for name, share in design.positive.composition.shares.items():
        material = design.material(name)
        true_density = float(design.density_of(name))
        electronic = material.default("electronic_conductivity")
        phases[name] = Phase(
            label=len(phases),
            role=material.role,
            density=true_density,
            ionic_conductivity=(
                float(electrolyte_conductivity(design)) if material.role == ELECTROLYTE and share > 0.0 else None
            ),
            electronic_conductivity=None if electronic is None else float(electronic.at(design.temperature)),
            target=float(share) * density / true_density,
        )
    return phases


def _of(phases: Mapping[str, Phase], role: str) -> list[str]:
    return [name for name, phase in phases.items() if phase.role == role]


def _packing(wanted: _Wanted, phases: Mapping[str, Phase], progress: Progress | None) -> Packing:
    """Pack the particles of the active material so that they cover their share of the box."""
    core, film = (sum(phases[name].target or 0.0 for name in _of(phases, role)) for role in (ACTIVE, ELECTROLYTE))
    if wanted.arrangement == "close-packed":
        if not isinstance(wanted.sizes, Monodisperse):
            msg = "arrangement: close packing is of equal spheres; leave the size distribution out, or take random"
            raise StructureError(msg)
        return close_packed(wanted.sizes.diameter, wanted.size, core, film, wanted.pressing)
    start = pressing_start(core, film)
    if isinstance(wanted.pressing, Isostatic) or start >= core:
        return random_packing(wanted.sizes, wanted.size, core, seed=wanted.seed, progress=progress)
    loose = np.array(wanted.size) / wanted.pressing.stretch(start / core)
    packing = random_packing(wanted.sizes, tuple(loose), start, seed=wanted.seed, progress=progress)
    return press(packing, core, wanted.pressing, progress=progress)


def pressing_start(core: float, film: float) -> float:
    """Share of the box that the cores cover where core-shell building blocks in close packing begin to touch."""
    return min(core, core / (core + film) * CLOSE_PACKING)


def close_packed(diameter: float, size: Sequence[float], core: float, film: float, pressing: Pressing) -> Packing:
    """Close packing of building blocks, pressed from where they touch to the share ``core`` of their cores."""
    return close_packing(diameter, size, core, start_fraction=pressing_start(core, film), pressing=pressing)


def _kinds(packing: Packing, shares: Sequence[float], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Deal the particles out to the active materials by their volumes."""
    kinds = np.zeros(len(packing), np.uint8)
    if len(shares) < 2:
        return kinds
    order = rng.permutation(len(packing))
    volume = np.cumsum(packing.radii[order] ** 3)
    ends = np.cumsum(shares)[:-1] / sum(shares) * volume[-1]
    kinds[order] = np.searchsorted(ends, volume, side="left").astype(np.uint8)
    return kinds


def _lowest(field: NDArray[np.float32], free: Free, count: int, rng: np.random.Generator) -> Free:
    """Mark the ``count`` free voxels of lowest field; among equal ones (close packings have many) at random."""
    values = field[free]
    if count >= values.size:
        return free.copy()
    if count <= 0:
        return np.zeros_like(free)
    edge = np.partition(values, count - 1)[count - 1]
    chosen = values < edge
    equal = np.flatnonzero(values == edge)
    chosen[rng.choice(equal, size=count - int(np.count_nonzero(chosen)), replace=False)] = True
    marked = np.zeros_like(free)
    marked[free] = chosen
    return marked
