"""A structure prepared for charge and discharge: what takes part, which faces react, the membrane in front.

The collector lies behind the last plane of x, the membrane and the lithium before the first one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StructureError
from ..kernels.electrochemistry.multigrid import Geometry
from ..kernels.electrochemistry.voxel import ELECTRONIC, SHIFT, STORES
from ..kernels.geometry.flood import touching_face
from ..kinetics import CellParameters
from .structure.interfaces import face_weights
from .structure.voxels import Structure

ACTIVE, ELECTROLYTE, ADDITIVE = "active-material", "solid-electrolyte", "conductive-additive"
MEMBRANE = "the membrane"
"""Among the materials of a domain: the membrane's electrolyte, which a design may give properties of its own."""

MEMBRANE_VOXELS = 4
"""Planes of the membrane with the structure's voxels, where the current evens out. The rest of a single-ion membrane is
a resistance in series; that of one with salt has longer voxels."""
MEMBRANE_GROWTH = 1.5
"""Ratio of the lengths of neighbouring planes of a membrane with salt, whose profile has to be resolved."""

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Domain:
    """The network of a structure, without the state.

    Attributes
    ----------
    materials : tuple of str
        Names of the materials, in the order of their numbers in ``kind``; `MEMBRANE` is the last.
    kind : array of uint8, shape (padded)
        See `solidstack.kernels.electrochemistry.voxel`.
    areas : three arrays of float32, shape (padded)
        Area of the interface in the face behind each voxel, m2.
    lengths : array, shape (padded planes,)
        Edge of the voxels of each plane along x, m.
    edges : (float, float)
        Edges of a voxel along y and z, m.
    membrane_planes : int
        Planes of the membrane, after the first (padding) one.
    membrane_rest : float
        Thickness of the membrane that has no voxels, m.
    area : float
        Of the electrode, m2.
    active_loading : float
        Active material per area, inactive material included, kg/m2.
    inactive_fraction : float
        Share of its volume that takes no part.
    interface : float
        Area of the interface that takes part, per volume of the electrode, m2/m3.
    reasons : mapping of str to float
        Why material is inactive: share of the active material by reason.
    """

    structure: Structure
    materials: tuple[str, ...]
    kind: Bytes
    areas: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
    lengths: NDArray[np.float64]
    edges: tuple[float, float]
    membrane_planes: int
    membrane_rest: float
    area: float
    active_loading: float
    inactive_fraction: float
    interface: float
    reasons: Mapping[str, float] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Padded shape."""
        x, y, z = self.kind.shape
        return x, y, z

    @property
    def composite(self) -> tuple[slice, slice, slice]:
        """Where the structure's voxels are in a padded array."""
        return slice(1 + self.membrane_planes, -1), slice(1, -1), slice(1, -1)

    def geometry(self, scale: float) -> Geometry:
        """Give the geometry over a scale of conductance times length, for the loops."""
        hy, hz = self.edges
        # as `kernels.electrochemistry.reaction.beside`
        sides = np.where(self.lengths <= 1.001 * self.lengths[-1], self.lengths, 0.0)
        between = 0.5 * (self.lengths + np.append(self.lengths[1:], self.lengths[-1]))
        return Geometry(
            self.shape,
            self.structure.voxel,
            0.5 * hy * hz / between / scale,
            0.5 * sides * hz / hy / scale,
            0.5 * sides * hy / hz / scale,
            self.lengths * hy * hz / scale,
            *self.structure.periodic[1:],
        )


def prepare(structure: Structure, parameters: CellParameters, *, contact: NDArray[np.bool_] | None = None) -> Domain:
    """Find what takes part, and put the membrane in front.

    Active material without an electronic path to the collector (through active material and additive) or without a
    face on solid electrolyte that is connected to the membrane is left out, as are solid electrolyte that is not
    connected and additive that touches nothing: the equations have no solution there.

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
    names = _materials(structure, parameters)
    labels = structure.labels
    if contact is not None:
        if np.shape(contact) != labels.shape:
            msg = f"contact has shape {np.shape(contact)}, the structure {labels.shape}; give one value for each voxel"
            raise StructureError(msg)
        contact = np.asarray(contact).astype(bool)
    periodic = structure.periodic[1:]
    active = structure.mask(*names[ACTIVE])
    electrolyte = structure.mask(*names[ELECTROLYTE])
    additive = structure.mask(*names[ADDITIVE]) if names[ADDITIVE] else np.zeros(labels.shape, bool)
    total = int(np.count_nonzero(active))

    ionic = electrolyte & touching_face(electrolyte, *periodic, first=True).view(np.bool_)
    if parameters.ideal_electronics:
        electronic = active | additive
    else:
        electronic = touching_face(active | additive, *periodic, first=False).view(np.bool_)
    unwired = int(np.count_nonzero(active & ~electronic))
    reacting = _reacting(structure, active & electronic, ionic, contact)
    dry = int(np.count_nonzero(active & electronic & ~reacting))

    materials = (*names[ACTIVE], *names[ADDITIVE], *names[ELECTROLYTE], MEMBRANE)
    inner = np.zeros(labels.shape, np.uint8)
    for name in names[ACTIVE]:
        here = structure.mask(name)
        inner[here & electronic] = _kind(materials.index(name), ELECTRONIC)
        inner[here & reacting] = _kind(materials.index(name), ELECTRONIC | STORES)
    if not parameters.ideal_electronics:
        for name in names[ADDITIVE]:
            inner[structure.mask(name) & electronic] = _kind(materials.index(name), ELECTRONIC)
    else:
        inner[active & ~reacting] = 0
    salt = np.uint8(0) if parameters.electrolyte.is_single_ion else STORES
    for name in names[ELECTROLYTE]:
        inner[structure.mask(name) & ionic] = _kind(materials.index(name), salt)

    planes, rest = _membrane(parameters, structure.voxel[0])
    salt = np.uint8(0) if parameters.membrane.is_single_ion else STORES
    kind = np.zeros(tuple(count + 2 for count in (labels.shape[0] + len(planes), *labels.shape[1:])), np.uint8)
    kind[1 + len(planes) : -1, 1:-1, 1:-1] = inner
    kind[1 : 1 + len(planes), 1:-1, 1:-1] = _kind(materials.index(MEMBRANE), salt)
    kind[0] = kind[-1] = ELECTRONIC
    wrap(kind, *periodic)
    lengths = np.concatenate([planes[:1], planes, np.full(labels.shape[0] + 1, structure.voxel[0])])
    areas = _areas(structure, names, kind, len(planes), contact)
    x, y, z = structure.size
    volume = float(np.prod(structure.voxel))
    loading = sum(
        structure.counts[structure.label(name)] * volume * _active(parameters, name).density for name in names[ACTIVE]
    ) / (y * z)
    inside = [part[1:-1, 1:-1, 1:-1] for part in areas]
    reacting_area = sum(float(part.sum(dtype=float)) for part in inside)
    return Domain(
        structure, materials, kind, areas, lengths, (structure.voxel[1], structure.voxel[2]), len(planes), rest,
        y * z, loading, (unwired + dry) / total, reacting_area / (x * y * z),
        {"no electronic path to the collector": unwired / total, "no face on connected solid electrolyte": dry / total},
    )  # fmt: skip


def wrap(padded: NDArray[Any], wrap_y: bool, wrap_z: bool) -> None:
    """Renew the ghosts of the wrapped axes of a padded array."""
    if wrap_y:
        padded[:, 0], padded[:, -1] = padded[:, -2], padded[:, 1]
    if wrap_z:
        padded[:, :, 0], padded[:, :, -1] = padded[:, :, -2], padded[:, :, 1]


def _kind(number: int, bits: Any) -> np.uint8:
    return np.uint8((number + 1) << SHIFT | int(bits))


def _active(parameters: CellParameters, name: str) -> Any:
    """Properties of an active material: by name, or the only one."""
    return parameters.active.get(name) or next(iter(parameters.active.values()))


def _materials(structure: Structure, parameters: CellParameters) -> dict[str, list[str]]:
    """Phases by role, those without voxels left out."""
    found = {
        role: [name for name in structure.with_role(role) if structure.fraction(name) > 0.0]
        for role in (ACTIVE, ELECTROLYTE, ADDITIVE)
    }
    for role, words in ((ACTIVE, "active material"), (ELECTROLYTE, "solid electrolyte")):
        if not found[role]:
            listed = ", ".join(f"{phase.label} ({name})" for name, phase in structure.phases.items())
            msg = f"has no {words}, so it stores no charge; its phases are {listed}. Say which one it is (--phases)"
            raise StructureError(msg)
    strange = [name for name in found[ACTIVE] if name not in parameters.active]
    if strange and len(found[ACTIVE]) + len(parameters.active) > 2:
        listed = ", ".join(parameters.active)
        msg = f"{', '.join(strange)}: no active material of the design, which has {listed}; rename the phase"
        raise StructureError(msg)
    return found


def joined(mask: NDArray[np.bool_], wrap_y: bool, wrap_z: bool) -> NDArray[np.int64]:
    """Number the clusters of a mask from 1, joined across the wrapped axes; 0 where there is none."""
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


def _reacting(
    structure: Structure, active: NDArray[np.bool_], ionic: NDArray[np.bool_], contact: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Active material whose cluster has a face on connected solid electrolyte, or on the membrane."""
    clusters = joined(active, *structure.periodic[1:])
    touches = np.zeros(int(clusters.max()) + 1, bool)
    free = np.ones(active.shape, bool) if contact is None else contact
    touched = free & ionic
    own = np.where(free, clusters, 0)
    for axis, periodic in enumerate((False, *structure.periodic[1:])):
        for one, other in ((own, touched), (np.flip(own, axis), np.flip(touched, axis))):
            here, there = np.moveaxis(one, axis, 0), np.moveaxis(other, axis, 0)
            touches[np.unique(here[:-1][there[1:]])] = True
            if periodic:
                touches[np.unique(here[-1][there[0]])] = True
    touches[np.unique(own[0])] = True  # on the membrane
    touches[0] = False
    return np.asarray(touches[clusters])


def _membrane(parameters: CellParameters, edge: float) -> tuple[NDArray[np.float64], float]:
    """Lengths of the membrane's planes, from the lithium on, and what is left to a resistance in series, m."""
    whole = parameters.membrane_thickness
    if parameters.membrane.is_single_ion:
        count = min(MEMBRANE_VOXELS, max(1, int(whole / edge)))
        if count * edge >= whole:
            return np.full(count, whole / count), 0.0
        return np.full(count, edge), whole - count * edge
    if whole <= 2 * MEMBRANE_VOXELS * edge:
        count = max(1, math.ceil(whole / edge))
        return np.full(count, whole / count), 0.0
    # fine at both ends, where the salt's profile bends; voxels like those of the structure where the current evens out
    middle = whole - MEMBRANE_VOXELS * edge
    half: list[float] = []
    while sum(half) < 0.5 * middle:
        half.append(edge * MEMBRANE_GROWTH ** len(half))
    lengths = np.array(half) * (0.5 * middle / sum(half))
    return np.concatenate([lengths, lengths[::-1], np.full(MEMBRANE_VOXELS, edge)]), 0.0


def _areas(
    structure: Structure, names: Mapping[str, list[str]], kind: Bytes, planes: int, contact: NDArray[np.bool_] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Area of the interface in the face behind each voxel, padded."""
    x, y, z = (np.zeros(kind.shape, np.float32) for _ in range(3))
    found = (x, y, z)
    inner = (slice(1 + planes, -1), slice(1, -1), slice(1, -1))
    for faces, area in zip(face_weights(structure, names[ACTIVE], names[ELECTROLYTE]), found, strict=True):
        flat = np.zeros(structure.labels.size, np.float32)
        flat[faces.voxel] = faces.area
        area[inner] = flat.reshape(structure.shape)
    x[-2] = 0.0  # behind it is the collector
    face = structure.voxel[1] * structure.voxel[2]
    x[planes, 1:-1, 1:-1] = face  # from the membrane to what lies on it
    x[0, 1:-1, 1:-1] = face  # from the lithium to the membrane
    if contact is not None:
        lost = np.zeros(kind.shape, bool)
        lost[inner] = ~contact
        wrap(lost, *structure.periodic[1:])
        for axis, area in enumerate(found):
            area[lost] = 0.0
            before = [slice(None)] * 3
            after = [slice(None)] * 3
            before[axis], after[axis] = slice(None, -1), slice(1, None)
            area[tuple(before)][lost[tuple(after)]] = 0.0
    for axis, area in enumerate(found):
        # only where the two sides are an electronic and an ionic conductor that take part
        here, there = kind[_cut(axis, None, -1)], kind[_cut(axis, 1, None)]
        reacts = (here > 0) & (there > 0) & (((here ^ there) & ELECTRONIC) > 0)
        host = np.where(here & ELECTRONIC, here, there) & STORES > 0
        if axis == 0:
            host[0] = True  # the lithium
        area[_cut(axis, None, -1)][~(reacts & host)] = 0.0
        wrap(area, *structure.periodic[1:])
    return found


def _cut(axis: int, first: int | None, end: int | None) -> tuple[slice, slice, slice]:
    x, y, z = (slice(first, end) if axis == other else slice(None) for other in range(3))
    return x, y, z
