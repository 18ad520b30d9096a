"""A structure prepared for charge and discharge: numbered voxels, reacting faces, the membrane in front.

The collector lies behind the last plane of x, the membrane and the lithium before the first one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.electrochemistry.multigrid import Geometry
from ...kernels.electrochemistry.voxel import ELECTRONIC, SHIFT, STORES
from ...kinetics import CellParameters
from ..participation import ACTIVE, ADDITIVE, CARBON_BINDER, ELECTROLYTE, Areas, Participation
from ..structure.voxels import Structure

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
        Share of its volume that is inactive.
    interface : float
        Area of the interface that takes part, per volume of the electrode, m2/m3.
    reasons : mapping of str to float
        Why material is inactive: share of the active material by reason.
    network : float
        Conductivity of the additives' network, S/m; see `solidstack.twin.participation.Participation`.
    """

    structure: Structure
    materials: tuple[str, ...]
    kind: Bytes
    areas: Areas
    lengths: NDArray[np.float64]
    edges: tuple[float, float]
    membrane_planes: int
    membrane_rest: float
    area: float
    active_loading: float
    inactive_fraction: float
    interface: float
    reasons: Mapping[str, float] = field(default_factory=dict)
    network: float = 0.0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Padded shape."""
        x, y, z = self.kind.shape
        return x, y, z

    @property
    def composite(self) -> tuple[slice, slice, slice]:
        """Where the structure's voxels are in a padded array."""
        return slice(1 + self.membrane_planes, -1), slice(1, -1), slice(1, -1)

    def chain(self, scale: float) -> NDArray[np.float64] | None:
        """Conductance of the additives' network from each plane to the next one, over a scale; None without one."""
        if not 0.0 < self.network < math.inf:
            return None
        chain = np.zeros(self.shape[0])
        first = 1 + self.membrane_planes
        chain[first:-1] = self.network * self.area / self.lengths[first:-1] / scale
        chain[-2] *= 2.0  # the collector lies at the end of the last plane
        return chain

    def geometry(self, scale: float) -> Geometry:
        """Return the geometry over a scale of conductance times length, for the loops."""
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
    """Number what takes part, and put the membrane in front.

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
    part = Participation.of(structure, parameters, contact=contact)
    phases, periodic = part.phases, structure.periodic[1:]
    materials = (*phases[ACTIVE], *phases[ADDITIVE], *phases[ELECTROLYTE], *phases[CARBON_BINDER], MEMBRANE)
    planes, rest = _membrane(parameters, structure.voxel[0])
    salt = np.uint8(0) if parameters.membrane.is_single_ion else STORES
    x, y, z = structure.shape
    kind = np.zeros((x + len(planes) + 2, y + 2, z + 2), np.uint8)
    kind[1 + len(planes) : -1, 1:-1, 1:-1] = _kinds(part, parameters, materials)
    kind[1 : 1 + len(planes), 1:-1, 1:-1] = _kind(materials.index(MEMBRANE), salt)
    kind[0] = kind[-1] = ELECTRONIC
    wrap(kind, *periodic)
    _, width, height = structure.size
    return Domain(
        structure=structure,
        materials=materials,
        kind=kind,
        areas=_areas(part, kind.shape, len(planes)),
        lengths=np.concatenate([planes[:1], planes, np.full(x + 1, structure.voxel[0])]),
        edges=(structure.voxel[1], structure.voxel[2]),
        membrane_planes=len(planes),
        membrane_rest=rest,
        area=width * height,
        active_loading=part.active_loading,
        inactive_fraction=part.inactive_fraction,
        interface=part.interface,
        reasons=part.reasons,
        network=part.network,
    )


def wrap(padded: NDArray[Any], wrap_y: bool, wrap_z: bool) -> None:
    """Renew the ghosts of the wrapped axes of a padded array."""
    if wrap_y:
        padded[:, 0], padded[:, -1] = padded[:, -2], padded[:, 1]
    if wrap_z:
        padded[:, :, 0], padded[:, :, -1] = padded[:, :, -2], padded[:, :, 1]


def _kind(number: int, bits: Any) -> np.uint8:
    return np.uint8((number + 1) << SHIFT | int(bits))


def _kinds(part: Participation, parameters: CellParameters, materials: tuple[str, ...]) -> Bytes:
    """Numbers of the structure's voxels; 0 where a voxel is inactive."""
    structure, phases = part.structure, part.phases
    kind = np.zeros(structure.shape, np.uint8)
    for name in phases[ACTIVE]:
        here = structure.mask(name)
        if part.network == 0.0:
            kind[here & part.electronic] = _kind(materials.index(name), ELECTRONIC)
        kind[here & part.reacting] = _kind(materials.index(name), ELECTRONIC | STORES)
    if part.network == 0.0:
        for name in phases[ADDITIVE]:
            kind[structure.mask(name) & part.electronic] = _kind(materials.index(name), ELECTRONIC)
    salt = np.uint8(0) if parameters.electrolyte.is_single_ion else STORES
    for name in (*phases[ELECTROLYTE], *phases[CARBON_BINDER]):
        kind[structure.mask(name) & part.ionic] = _kind(materials.index(name), salt)
    return kind


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


def _areas(part: Participation, shape: tuple[int, ...], planes: int) -> Areas:
    """Area of the interface in the face behind each voxel, padded, with the faces of the membrane and the lithium."""
    structure = part.structure
    x, y, z = (np.zeros(shape, np.float32) for _ in range(3))
    for padded, area in zip((x, y, z), part.areas, strict=True):
        padded[1 + planes : -1, 1:-1, 1:-1] = area
    x[planes, 1:-1, 1:-1] = part.membrane_areas
    x[0, 1:-1, 1:-1] = structure.voxel[1] * structure.voxel[2]  # from the lithium to the membrane
    for padded in (x, y, z):
        wrap(padded, *structure.periodic[1:])
    return x, y, z
