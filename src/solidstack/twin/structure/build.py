"""From a design to a structure of voxels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...design import Design
from ...electrode import electrolyte_conductivity, positive_electrode
from ...errors import DesignError, Problem, StructureError
from ...particle import CLOSE_PACKING
from ...progress import Listener, Teller
from ...version import __version__
from ..memory import require_memory
from .build_report import BuildReport
from .coating import Free, Placement, Shell, Surroundings, distances
from .densify import press
from .packing import (
    Isostatic,
    Monodisperse,
    Packing,
    Pressing,
    SizeDistribution,
    close_packing,
    random_packing,
    with_vacancies,
)
from .targets import ACTIVE, ADDITIVE, BINDER, ELECTROLYTE, Length, Targets, targets_of, vector_of
from .uneven import Uneven
from .voxels import PORE, Phase, Structure

CARBON_BINDER = "carbon-binder"
BYTES_PER_VOXEL = 26.0
"""Peak of `build` with every kind of placement, measured."""


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
    vacancies: bool = False,
    progress: Listener | None = None,
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
        `solidstack.twin.Shell`, `Necks`, `Particles`, `Uneven`; `AtSurfaces`, `Dispersed`.
    vacancies : bool
        Whether a close packing below the percolation threshold has vacancies between blocks that touch, in place of
        blocks that are all apart; see `solidstack.twin.structure.packing.with_vacancies`.
    progress : callable, optional
        Progress callback.

    Returns
    -------
    Structure
        Labels 0 (pore), 1, 2, ... in the order of the composition; conductivities and densities come with the phases.

    Raises
    ------
    StructureError
        A volume too large for the memory, a share of active material that particles cannot reach, voxels too large, a
        random packing with an empty plane or with electrolyte that is cut although it should connect.
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
        msg = f"a structure is built from a single design; this one has arrays of shape {design.shape}"
        raise DesignError(msg)
    targets = targets_of(design, size, voxel, thickness, seed, arrangement, pressing, sizes, electrolyte, additive)
    require_memory(BYTES_PER_VOXEL, targets.shape, "Building the structure")
    phases = design_phases(design)
    tell = Teller(progress)
    packing = _packing(targets, phases, tell.part(0.0, 0.8), vacancies=vacancies)
    rng = np.random.default_rng(targets.seed)
    notes = {
        "version": __version__,
        "design": design.name,
        "fingerprint": design.fingerprint(),
        "inputs": design.to_dict(),
        "seed": targets.seed,
        "arrangement": targets.arrangement,
        "pressing": type(targets.pressing).__name__.lower(),
        "sizes": repr(targets.sizes),
        "electrolyte": repr(targets.electrolyte),
        "additive": repr(targets.additive),
        "target_thickness_m": targets.size[0],
    }
    placing = tell.part(0.8, 0.2)
    structure = assemble(packing, targets.voxel, phases, targets.electrolyte, targets.additive, rng, notes, placing)
    if targets.arrangement == "random":
        BuildReport(structure).refuse_cracks()
    return structure


def assemble(
    packing: Packing,
    voxel: float,
    phases: Mapping[str, Phase],
    electrolyte: Placement,
    additive: Placement,
    rng: np.random.Generator,
    notes: Mapping[str, Any],
    progress: Listener | None = None,
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
    edges = vector_of([edge / count for edge, count in zip(packing.box, shape, strict=True)])
    fractions = {name: phase.target or 0.0 for name, phase in phases.items()}
    active = [name for name in _of(phases, ACTIVE) if fractions[name] > 0.0]

    tell = Teller(progress, of=1 + len(fractions))
    tell(0, "placing particles on voxels")
    placed = 0
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
    for role, placement in (
        (BINDER, additive), (ADDITIVE, additive), (CARBON_BINDER, additive), (ELECTROLYTE, electrolyte),
    ):  # fmt: skip
        for name in _of(phases, role):
            left = int(np.count_nonzero(free))
            count = min(round(fractions[name] * total), left)
            if not count:
                continue
            placed += 1
            tell(placed, f"placing {name}")
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
    return with_carbon_binder(design, phases) if design.twin.carbon_binder else phases


def with_carbon_binder(design: Design, phases: Mapping[str, Phase]) -> dict[str, Phase]:
    """Merge carbon and binder into one porous phase whose pores are full of solid electrolyte.

    Raises
    ------
    DesignError
        No carbon, or less electrolyte than its pores hold.
    """
    solid = [phase for phase in phases.values() if phase.role in (ADDITIVE, BINDER)]
    volume = sum(phase.target or 0.0 for phase in solid)
    if not any(phase.role == ADDITIVE and phase.target for phase in solid):
        msg = "is true, but the positive has no carbon; add a conductive additive to positive.composition, or set false"
        raise DesignError(Problem(msg, "twin.carbon_binder"))
    whole = volume / float(design.kinetics.carbon_binder_solid_fraction)
    name, electrolyte = next((name, phase) for name, phase in phases.items() if phase.role == ELECTROLYTE)
    left = (electrolyte.target or 0.0) - (whole - volume)
    if left < 0.0:
        msg = (
            f"the pores of carbon and binder take {100 * (whole - volume):.3g} vol% of solid electrolyte, and the "
            f"coating has {100 * (electrolyte.target or 0.0):.3g}; raise kinetics.carbon_binder_solid_fraction"
        )
        raise DesignError(Problem(msg, "twin.carbon_binder"))
    mass = sum((phase.target or 0.0) * (phase.density or 0.0) for phase in solid)
    mass += (whole - volume) * (electrolyte.density or 0.0)
    kept = [(key, phase) for key, phase in phases.items() if phase.role not in (ADDITIVE, BINDER)]
    merged = {key: replace(phase, label=label) for label, (key, phase) in enumerate(kept)}
    merged[name] = replace(merged[name], target=left)
    merged["carbon-binder"] = Phase(len(merged), CARBON_BINDER, mass / whole, target=whole)
    return merged


def _of(phases: Mapping[str, Phase], role: str) -> list[str]:
    return [name for name, phase in phases.items() if phase.role == role]


def _packing(targets: Targets, phases: Mapping[str, Phase], progress: Listener | None, *, vacancies: bool) -> Packing:
    """Pack the particles of the active material so that they cover their share of the box."""
    core, film = (sum(phases[name].target or 0.0 for name in _of(phases, role)) for role in (ACTIVE, ELECTROLYTE))
    if targets.arrangement == "close-packed":
        if not isinstance(targets.sizes, Monodisperse):
            msg = "arrangement: close packing needs equal spheres; leave out the size distribution, or choose random"
            raise StructureError(msg)
        if vacancies and core + film < CLOSE_PACKING:
            return with_vacancies(targets.sizes.diameter, targets.size, core, film, seed=targets.seed)
        return close_packed(targets.sizes.diameter, targets.size, core, film, targets.pressing)
    start = pressing_start(core, film)
    if isinstance(targets.pressing, Isostatic) or start >= core:
        block = core + film if isinstance(targets.electrolyte, (Shell, Uneven)) else core
        return random_packing(
            targets.sizes, targets.size, core, block_fraction=block, seed=targets.seed, progress=progress
        )
    loose = np.array(targets.size) / targets.pressing.stretch(start / core)
    tell = Teller(progress)
    packing = random_packing(targets.sizes, tuple(loose), start, seed=targets.seed, progress=tell.part(0.0, 0.7))
    return press(packing, core, targets.pressing, progress=tell.part(0.7, 0.3))


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
