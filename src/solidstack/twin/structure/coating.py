"""Where solid phases lie around the particles: each placement is a field, filled from its lowest values."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import StructureError
from ...kernels.geometry.distance import FAR, sphere_distance
from .packing import Monodisperse, Packing
from .voxels import Vector

Field = NDArray[np.float32]
Free = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Voxels around the particles of a packing.

    Attributes
    ----------
    packing : Packing
    voxel : (float, float, float)
        m.
    nearest : array of float32, shape (nx, ny, nz)
        Distance to the nearest particle surface, m; below 0 inside.
    second : array of float32
        Distance to the second nearest one; shape (1, 1, 1) where no placement needs it.
    kind : array of uint8
        Of the nearest particle.
    """

    packing: Packing
    voxel: Vector
    nearest: Field
    second: Field
    kind: NDArray[np.uint8]


class Placement(ABC):
    """Where a phase goes: the voxels with the lowest values of a field, as many as its volume takes."""

    needs_second = False

    @abstractmethod
    def field(self, around: Surroundings, free: Free, share: float, rng: np.random.Generator) -> Field:
        """Field, shape of the voxels; ``free`` marks the empty voxels, of which a ``share`` is to be filled."""


@dataclass(frozen=True)
class Shell(Placement):
    """A conformal shell on the particles: the voxels nearest to a particle's surface."""

    def field(self, around: Surroundings, free: Free, share: float, rng: np.random.Generator) -> Field:  # noqa: ARG002
        """Distance to the nearest surface."""
        return around.nearest


@dataclass(frozen=True)
class Necks(Placement):
    """Necks between particles first: the voxels where the gap between two surfaces is narrowest."""

    needs_second = True

    def field(self, around: Surroundings, free: Free, share: float, rng: np.random.Generator) -> Field:  # noqa: ARG002
        """Distance to the nearest surface plus that to the second nearest one."""
        return around.nearest + around.second


@dataclass(frozen=True)
class Particles(Placement):
    """Separate particles: spheres of one diameter at random places in the free voxels; they may overlap.

    Parameters
    ----------
    diameter : float
        m, above 0.
    """

    diameter: float

    def __post_init__(self) -> None:
        Monodisperse(self.diameter)

    def field(self, around: Surroundings, free: Free, share: float, rng: np.random.Generator) -> Field:
        """Distance to the nearest of as many spheres as cover the share, by the law of overlapping spheres."""
        sphere = np.pi / 6.0 * self.diameter**3
        volume = float(np.count_nonzero(free)) * float(np.prod(around.voxel))
        count = max(1, round(-np.log1p(-min(share, 0.999)) * volume / sphere))
        if count > MOST_PARTICLES:
            msg = (
                f"solid electrolyte particles of {self.diameter * 1e6:.3g} um: {count} would be needed, but at most "
                f"{MOST_PARTICLES} are placed; take larger ones, or a smaller volume"
            )
            raise StructureError(msg)
        sites = rng.choice(np.flatnonzero(free), size=count)
        centres = (np.stack(np.unravel_index(sites, free.shape), axis=1) + rng.uniform(size=(count, 3))) * around.voxel
        packing = Packing(centres, np.full(count, self.diameter / 2.0), around.packing.box, around.packing.periodic)
        return distances(packing, around.voxel, free.shape)[0]


MOST_PARTICLES = 2_000_000


def distances(
    packing: Packing,
    voxel: Vector,
    shape: tuple[int, ...],
    kinds: NDArray[np.uint8] | None = None,
    *,
    second: bool = False,
) -> tuple[Field, Field, NDArray[np.uint8]]:
    """Distance to the nearest and second nearest particle surface (m), and the kind of the nearest particle.

    Parameters
    ----------
    packing : Packing
    voxel : (float, float, float)
        m.
    shape : (int, int, int)
        Voxels that fill the box of the packing.
    kinds : array of uint8, shape (n,), optional
        Of the particles; default 0.
    second : bool
        Whether the second nearest one is needed; else that array has one element.
    """
    kind_of = np.zeros(len(packing), np.uint8) if kinds is None else kinds
    kind = np.zeros(shape, np.uint8)
    box, wraps = np.array(packing.box), np.array(packing.periodic)
    reach = float(packing.radii.mean())
    while True:
        nearest = np.full(shape, FAR, np.float32)
        farther = np.full(shape if second else (1, 1, 1), FAR, np.float32)
        sphere_distance(
            packing.centres, packing.radii, kind_of, reach, np.array(voxel), box, wraps, nearest, farther, kind
        )
        # single spheres in a large box, and walls: look further until every voxel has its nearest spheres
        if (farther if second and len(packing) > 1 else nearest).max() < FAR or reach > box.max():
            return nearest, farther, kind
        reach *= 2.0
