"""What a model of a coating is made of: the whole coating where its voxels can be cycled, else a fine piece."""

from dataclasses import dataclass
from typing import Any

from ..design import Design
from ..electrode import positive_electrode
from ..particle import CLOSE_PACKING
from ..progress import Listener
from ..twin.structure.build import build
from ..twin.structure.voxels import Structure
from ..units import THICKNESS, parse
from .coarse import WIDTH

CYCLED = 110_000
"""Voxels of a whole coating that is cycled, at most: about a minute."""
WHOLE_FILM = 1.5
"""Voxels across the film of electrolyte on the particles from which a whole coating is cycled."""
PIECE = 8_000_000
"""Voxels of a piece of which only the medium is taken, at most: ten seconds."""
PIECE_FILM = 2.0
"""Voxels across the film of electrolyte of such a piece, where that many voxels suffice."""
RANDOM = 1.7
"""Edge of a piece of a random packing over the diameter of a particle."""


@dataclass(frozen=True)
class Plan:
    """What a model of a design is made of.

    Attributes
    ----------
    arrangement : str
    edge, thickness : float
        In the plane and through it, m.
    coating : float
        Thickness of the whole coating, m.
    voxel : float
        Edge, m.
    film : float
        Thickness of the electrolyte on the particles, m.
    """

    arrangement: str
    edge: float
    thickness: float
    coating: float
    voxel: float
    film: float

    @property
    def is_whole(self) -> bool:
        """Whether it is as thick as the coating, and can be cycled voxel by voxel."""
        return self.thickness == self.coating

    @property
    def words(self) -> str:
        """What the model is made of."""
        cells = f"voxels of {1e6 * self.voxel:.3g} um, {self.film / self.voxel:.2g} to the film of electrolyte"
        if self.is_whole:
            return f"cycled voxel by voxel, the whole coating of {1e6 * self.coating:.3g} um in {cells}"
        return (
            f"the medium of a piece of {1e6 * self.thickness:.3g} um in {cells}, scaled to the whole coating of "
            f"{1e6 * self.coating:.3g} um"
        )

    def build(
        self, design: Design, seed: int | None, *, fine: float = 1.0, progress: Listener | None = None
    ) -> Structure:
        """Build the structure; ``fine`` multiplies the edge of its voxels."""
        options: dict[str, Any] = {}
        if self.arrangement == "close-packed" and is_loose(design):
            options["vacancies"] = True
        return build(
            design, size=self.edge, voxel=self.voxel * fine, thickness=self.thickness, seed=seed,
            arrangement=self.arrangement, progress=progress, **options,
        )  # fmt: skip


def is_loose(design: Design) -> bool:
    """Whether the design is below its percolation threshold, where a lattice of building blocks falls apart."""
    _, positive = positive_electrode(design)
    return float(positive.porosity) >= 1.0 - CLOSE_PACKING


def plan(
    design: Design, arrangement: str, *, size: str | float | None = None, voxel: str | float | None = None
) -> Plan:
    """Choose what a model of a design is made of.

    Parameters
    ----------
    design : Design
    arrangement : str
        close-packed or random.
    size, voxel : length, optional
        Edge in the plane, and of a voxel, with which the whole coating is taken; default: a unit cell of the packing
        wide, and the coating is whole where about 110,000 voxels resolve its film of electrolyte.
    """
    _, positive = positive_electrode(design)
    coating, diameter = float(positive.thickness), float(design.twin.particle_diameter)
    edge = WIDTH * diameter if size is None else _metres(size)
    film = 0.5 * diameter * (float(positive.core_fraction) ** (-1.0 / 3.0) - 1.0)
    if voxel is not None:
        return Plan(arrangement, edge, coating, coating, _metres(voxel), film)
    step = (coating * edge**2 / CYCLED) ** (1.0 / 3.0)
    if film >= WHOLE_FILM * step:
        return Plan(arrangement, edge, coating, coating, step, film)
    if size is None and arrangement == "random":
        edge = RANDOM * diameter
    # two cells with vacancies: one of 8 blocks is missing
    cells = 2.0 if arrangement == "close-packed" and is_loose(design) else 1.0
    thickness = min(cells * edge, coating)
    step = max(film / PIECE_FILM, (thickness * edge**2 / PIECE) ** (1.0 / 3.0))
    return Plan(arrangement, edge, thickness, coating, step, film)


def _metres(length: str | float) -> float:
    return float(parse(length, THICKNESS)) if isinstance(length, str) else float(length)
