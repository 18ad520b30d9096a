"""Which voxels of a structure take part in charge and discharge, through which faces they react, and why others do not.

The collector lies behind the last plane of x, the membrane before the first one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StructureError
from ..kernels.geometry.flood import touching_face
from ..kinetics import BRUGGEMAN, CellParameters
from ..materials import default_library
from .structure.interfaces import face_weights
from .structure.voxels import Structure

ACTIVE, ELECTROLYTE, ADDITIVE = "active-material", "solid-electrolyte", "conductive-additive"
BINDER, CARBON_BINDER = "binder", "carbon-binder"

Mask = NDArray[np.bool_]
Areas = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class Participation:
    """What takes part in charge and discharge.

    Active material without an electronic path to the collector (through active material and additive) or without a
    face on solid electrolyte that is connected to the membrane is inactive, as are solid electrolyte that is not
    connected and additive that touches nothing: the equations have no solution there.

    Attributes
    ----------
    structure : Structure
    phases : mapping of str to list of str
        Names of the phases that have voxels, by role.
    ionic, electronic, reacting : arrays of bool, shape of the structure
        Solid electrolyte that is connected to the membrane; active material and additive that are connected to the
        collector; active material that takes up lithium.
    areas : three arrays of float32, shape of the structure
        Area of the interface in the face behind each voxel, along each axis, m2.
    membrane_areas : array of float32, shape (y, z)
        Area of the interface between the membrane and each voxel of the first plane, m2.
    active_loading : float
        Active material per area, inactive material included, kg/m2.
    reasons : mapping of str to float
        Why material is inactive: share of the active material by reason.
    inactive_fraction : float
        Share of the active material that is inactive.
    network : float
        Conductivity of the additives' network, S/m: finer than a voxel, it reaches all active material. 0: there is
        none, and electrons go through voxels of active material and additive. Infinite: ideal electronics.
    additives : mapping of str to float
        Volume of the additives of that network, per volume of the structure; empty without one.
    matrix : float
        Volume of additives, solid electrolyte and binder, per volume of the structure.
    """

    structure: Structure
    phases: Mapping[str, list[str]]
    ionic: Mask
    electronic: Mask
    reacting: Mask
    areas: Areas
    membrane_areas: NDArray[np.float32]
    active_loading: float
    reasons: Mapping[str, float]
    inactive_fraction: float
    network: float = 0.0
    additives: Mapping[str, float] = field(default_factory=dict)
    matrix: float = 0.0

    @classmethod
    def of(cls, structure: Structure, parameters: CellParameters, *, contact: Mask | None = None) -> "Participation":
        """Find what takes part.

        Parameters
        ----------
        structure : Structure
            With phases named after the materials of the parameters, or with one phase of each role.
        parameters : CellParameters
        contact : array of bool, shape of the structure, optional
            False where a voxel has lost its contact: no face of it reacts.

        Raises
        ------
        StructureError
            No active material or no solid electrolyte, or a contact of another shape.
        """
        phases = _phases(structure, parameters)
        if contact is not None:
            if np.shape(contact) != structure.shape:
                msg = (
                    f"contact has shape {np.shape(contact)}, the structure {structure.shape}; "
                    "give one value for each voxel"
                )
                raise StructureError(msg)
            contact = np.asarray(contact).astype(bool)
        periodic = structure.periodic[1:]
        active = structure.mask(*phases[ACTIVE])
        electrolyte = structure.mask(*phases[ELECTROLYTE], *phases[CARBON_BINDER])
        wires = [*phases[ADDITIVE], *phases[CARBON_BINDER]]
        additive = structure.mask(*wires) if wires else np.zeros(structure.shape, bool)
        ionic = electrolyte & touching_face(electrolyte, *periodic, first=True).view(np.bool_)
        additives, matrix = network_volumes(structure, parameters)
        network = parameters.network(additives, matrix)
        mixed = carbon_binder_network(structure, parameters, phases[CARBON_BINDER])
        if network > 0.0:
            electronic = active | additive
        else:
            electronic = touching_face(active | additive, *periodic, first=False).view(np.bool_)
        network += mixed
        reacting = _reacting(structure, active & electronic, ionic, contact)
        total = int(np.count_nonzero(active))
        unwired = int(np.count_nonzero(active & ~electronic))
        dry = int(np.count_nonzero(active & electronic & ~reacting))
        areas, membrane_areas = _areas(structure, phases, reacting, ionic, contact)
        return cls(
            structure=structure,
            phases=phases,
            ionic=ionic,
            electronic=electronic,
            reacting=reacting,
            areas=areas,
            membrane_areas=membrane_areas,
            active_loading=_loading(structure, parameters, phases[ACTIVE]),
            reasons={
                "no electronic path to the collector": unwired / total,
                "no face on connected solid electrolyte": dry / total,
            },
            inactive_fraction=(unwired + dry) / total,
            network=network,
            additives=additives if network > mixed else {},
            matrix=matrix,
        )

    @property
    def interface(self) -> float:
        """Area of the interface that takes part, that on the membrane included, per volume of electrode, m2/m3."""
        x, y, z = self.structure.size
        return (sum(float(area.sum(dtype=float)) for area in self.areas) + self._on_membrane) / (x * y * z)

    @property
    def inner_interface(self) -> float:
        """The same without that on the membrane, which is not an interface within the electrode, m2/m3."""
        return self.interface - self._on_membrane / float(np.prod(self.structure.size))

    @property
    def _on_membrane(self) -> float:
        return float(self.membrane_areas.sum(dtype=float))


def carbon_binder_network(structure: Structure, parameters: CellParameters, names: list[str]) -> float:
    """Effective electronic conductivity of the porous mixture of carbon and binder of a structure, S/m.

    By its volume, where it connects the membrane's side with the collector, alone or through active material; else 0.
    """
    if not names or parameters.carbon_binder is None:
        return 0.0
    mask = structure.mask(*names)
    through = mask & touching_face(mask, *structure.periodic[1:], first=False).view(np.bool_)
    if not through[0].any():
        return 0.0
    share = float(np.count_nonzero(through)) / structure.labels.size
    return float(parameters.carbon_binder.electronic_conductivity * share**BRUGGEMAN)


def network_volumes(structure: Structure, parameters: CellParameters) -> tuple[dict[str, float], float]:
    """Volume of each conductive additive, by its name among the parameters, and of the matrix, per volume."""
    phases = structure.with_role(ADDITIVE)
    known = parameters.additive_conductivity
    volumes: dict[str, float] = {}
    for phase in phases:
        name = phase if phase in known else next(iter(known), "")
        volumes[name] = volumes.get(name, 0.0) + structure.fraction(phase)
    names = [*phases, *structure.with_role(ELECTROLYTE), *structure.with_role(BINDER)]
    return volumes, structure.fraction(*names) if names else 0.0


def joined(mask: Mask, wrap_y: bool, wrap_z: bool) -> NDArray[np.int64]:
    """Number the clusters of a mask from 1, joined across the wrapped axes; 0 outside the mask."""
    from scipy import ndimage, sparse

    clusters, count = ndimage.label(mask)
    pairs = []
    for axis, wraps in ((1, wrap_y), (2, wrap_z)):
        if wraps:
            ends = np.moveaxis(clusters, axis, 0)
            both = (ends[0] > 0) & (ends[-1] > 0)
            pairs.append(np.unique(np.stack([ends[0][both], ends[-1][both]]), axis=1))
    if not pairs:
        return np.asarray(clusters, np.int64)
    edges = np.concatenate(pairs, axis=1)
    graph = sparse.coo_matrix((np.ones(edges.shape[1]), tuple(edges)), shape=(count + 1, count + 1))
    _, group = sparse.csgraph.connected_components(graph, directed=False)
    _, compact = np.unique(group, return_inverse=True)
    return np.asarray(compact[clusters], np.int64)


def active_properties(parameters: CellParameters, name: str) -> Any:
    """Return the properties of an active phase: by its name, or those of the only active material."""
    return parameters.active.get(name) or next(iter(parameters.active.values()))


def _phases(structure: Structure, parameters: CellParameters) -> dict[str, list[str]]:
    """Phases by role, those without voxels left out."""
    phases = {
        role: [name for name in structure.with_role(role) if structure.fraction(name) > 0.0]
        for role in (ACTIVE, ELECTROLYTE, ADDITIVE, CARBON_BINDER)
    }
    for role, words in ((ACTIVE, "active material"), (ELECTROLYTE, "solid electrolyte")):
        if not phases[role]:
            listed = ", ".join(f"{phase.label} ({name})" for name, phase in structure.phases.items())
            msg = f"has no {words}, so it stores no charge; its phases are {listed}. Name the phase with --phases"
            raise StructureError(msg)
    _refuse_unknown(structure, parameters, phases)
    return phases


def _refuse_unknown(structure: Structure, parameters: CellParameters, phases: Mapping[str, list[str]]) -> None:
    """Refuse a phase that no material of the design stands for."""
    table = phase_table(structure, parameters)
    listed = ", ".join(f"{structure.phases[name].label} ({name})" for name in phases[CARBON_BINDER] or phases[ADDITIVE])
    for name, material in table.items():
        if material is not None:
            continue
        phase = structure.phases[name]
        words = {ADDITIVE: "conductive additive", CARBON_BINDER: "carbon"}.get(phase.role)
        if words is None:
            msg = (
                f'phase {phase.label} ("{name}") stands for no material of the design, which has '
                f"{_known(parameters)}; name it after one of them (--phases), or pore"
            )
        else:
            msg = (
                f"phase {listed} conducts electrons, but the design has no {words}; add it to positive.composition, or "
                "name the phase binder or pore (--phases)"
            )
        raise StructureError(msg)


def _known(parameters: CellParameters) -> str:
    names = [*parameters.active, parameters.electrolyte.name, *parameters.additive_conductivity]
    return ", ".join(dict.fromkeys(names))


def phase_table(structure: Structure, parameters: CellParameters) -> dict[str, str | None]:
    """Return which material of the design each phase with voxels stands for; None where there is none.

    A phase that has a material's name stands for that material. One with another name (as of a role, or of another
    material) stands for the only material of its role, if the phase is the only one of its role too. Pores and inert
    phases are left out.
    """
    of = {
        ACTIVE: list(parameters.active),
        ELECTROLYTE: [parameters.electrolyte.name],
        ADDITIVE: list(parameters.additive_conductivity),
        CARBON_BINDER: [] if parameters.carbon_binder is None else ["carbon with binder"],
    }
    inert = ("pore", BINDER)
    found: dict[str, str | None] = {}
    for name, phase in structure.phases.items():
        if structure.fraction(name) == 0.0 or phase.role in inert:
            continue
        materials = of.get(phase.role, [])
        alone = sum(structure.fraction(other) > 0.0 for other in structure.with_role(phase.role)) == 1
        if name in materials:
            found[name] = name
        elif len(materials) == 1 and alone and not _is_other(name, phase.role):
            found[name] = materials[0]
        else:
            found[name] = None
    return found


def _is_other(name: str, role: str) -> bool:
    """Whether a phase is named after a known material, which then is another one than the design's."""
    library = default_library()
    return name in library and library[name].role == role


def _loading(structure: Structure, parameters: CellParameters, names: list[str]) -> float:
    """Active material per area, kg/m2."""
    _, y, z = structure.size
    volume = float(np.prod(structure.voxel))
    masses = (structure.counts[structure.label(name)] * volume * active_properties(parameters, name).density
              for name in names)  # fmt: skip
    return float(sum(masses) / (y * z))


def _reacting(structure: Structure, active: Mask, ionic: Mask, contact: Mask | None) -> Mask:
    """Active material whose cluster has a face on connected solid electrolyte, or on the membrane."""
    clusters = joined(active, *structure.periodic[1:])
    touches = np.zeros(int(clusters.max()) + 1, bool)
    free = np.ones(active.shape, bool) if contact is None else contact
    wetted = free & ionic
    own = np.where(free, clusters, 0)
    for axis, periodic in enumerate((False, *structure.periodic[1:])):
        for sides in ((own, wetted), (np.flip(own, axis), np.flip(wetted, axis))):
            here, there = (np.moveaxis(side, axis, 0) for side in sides)
            touches[np.unique(here[:-1][there[1:]])] = True
            if periodic:
                touches[np.unique(here[-1][there[0]])] = True
    touches[np.unique(own[0])] = True  # on the membrane
    touches[0] = False
    return np.asarray(touches[clusters])


def _areas(
    structure: Structure, phases: Mapping[str, list[str]], reacting: Mask, ionic: Mask, contact: Mask | None
) -> tuple[Areas, NDArray[np.float32]]:
    """Area of the interface in the face behind each voxel, and on the membrane, where both sides take part."""
    if contact is not None:
        reacting, ionic = reacting & contact, ionic & contact
    areas = []
    for axis, faces in enumerate(
        face_weights(structure, phases[ACTIVE], [*phases[ELECTROLYTE], *phases[CARBON_BINDER]])
    ):
        flat = np.zeros(structure.labels.size, np.float32)
        flat[faces.voxel] = faces.area
        area = flat.reshape(structure.shape)
        area[~((reacting & np.roll(ionic, -1, axis)) | (ionic & np.roll(reacting, -1, axis)))] = 0.0
        if axis == 0 or not structure.periodic[axis]:  # nothing follows the last plane; behind x lies the collector
            np.moveaxis(area, axis, 0)[-1] = 0.0
        areas.append(area)
    x, y, z = areas
    face = np.float32(structure.voxel[1] * structure.voxel[2])
    return (x, y, z), np.where(reacting[0], face, np.float32(0.0))
