"""Random and close packings of spheres in a box, periodic or with walls."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ....errors import StructureError
from ....particle import CLOSE_PACKING
from ....progress import Listener, Teller
from ..voxels import Vector
from .relaxation import STEPS, as_vector, check_room, overlaps, relaxed, settled, total_volume, wrapped
from .sizes import MOST_SPHERES, Floats, SizeDistribution, check_above_zero

LOOSEST = 0.64
"""Share that equal spheres cover in random close packing."""
JAMMED = 0.66
"""Share that random spheres cover where they are all in touch: random close packing, 0.64, and a little more."""
_STIRRED = 0.25  # of the diameter, by which spheres are displaced after they were jammed
_START = 0.5  # random spheres are pushed apart here within some 100 steps, whatever their sizes
_GROWTH = 0.02  # of the volume fraction; ten times smaller steps reach no denser packing


class Pressing(ABC):
    """How a volume shrinks when it is pressed."""

    @abstractmethod
    def stretch(self, ratio: float) -> Floats:
        """Factors of the lengths along x, y, z for a volume that changes by the factor `ratio`, shape (3,)."""


@dataclass(frozen=True)
class Uniaxial(Pressing):
    """Rolls or plates: only the thickness (x) shrinks."""

    def stretch(self, ratio: float) -> Floats:
        """All of it along x."""
        return np.array([ratio, 1.0, 1.0])


@dataclass(frozen=True)
class Isostatic(Pressing):
    """A fluid around it: all directions shrink alike."""

    def stretch(self, ratio: float) -> Floats:
        """A third along each direction."""
        return np.full(3, ratio ** (1.0 / 3.0))


@dataclass(frozen=True, eq=False)
class Packing:
    """Spheres in a box, and how much they overlap.

    Parameters
    ----------
    centres : array, shape (n, 3)
        m; within the box (brought there along periodic axes).
    radii : array, shape (n,)
        m, above 0.
    box : (float, float, float)
        Edge lengths along x, y, z, m.
    periodic : (bool, bool, bool)
        Axes along which the packing goes on at the opposite face. Along the others spheres stay within the walls.
    seed : int or None
        Of the random packing that it came from.
    """

    centres: Floats
    radii: Floats
    box: Vector
    periodic: tuple[bool, bool, bool] = (True, True, True)
    seed: int | None = None

    def __post_init__(self) -> None:
        box, periodic = _checked_box(self.box), np.array(self.periodic, bool)
        centres, radii = np.array(self.centres, float), np.array(self.radii, float)
        if radii.ndim != 1 or centres.shape != (len(radii), 3) or not len(radii) or not (radii > 0.0).all():
            msg = f"a packing needs n centres (n, 3) and n radii above 0; received {centres.shape} and {radii.shape}"
            raise StructureError(msg)
        centres = wrapped(centres, box, periodic)
        if not ((centres >= 0.0) & (centres <= box)).all():
            msg = "a centre lies outside the box along an axis that is not periodic; move it, or enlarge the box"
            raise StructureError(msg)
        object.__setattr__(self, "centres", centres)
        object.__setattr__(self, "radii", radii)

    def __len__(self) -> int:
        return len(self.radii)

    @property
    def sphere_volume(self) -> float:
        """Sum of the sphere volumes, m3."""
        return total_volume(self.radii)

    @property
    def volume_fraction(self) -> float:
        """Sum of the sphere volumes over the box: what overlaps is counted twice."""
        return self.sphere_volume / math.prod(self.box)

    @property
    def covered_fraction(self) -> float:
        """Share of the box that the spheres cover: `volume_fraction` less the lenses of all pairs.

        Exact while no three spheres overlap; beyond, a lower bound.
        """
        return self.volume_fraction * (1.0 - self.overlap_volume_fraction)

    @property
    def overlap_volume_fraction(self) -> float:
        """Volume of the lenses of all pairs over the volume of the spheres."""
        return self._overlaps[0] / self.sphere_volume

    @property
    def worst_overlap(self) -> float:
        """Largest (r1 + r2 - distance) / (r1 + r2) of a pair; 0 where none overlap."""
        return self._overlaps[1]

    @property
    def worst_pair(self) -> tuple[int, int] | None:
        """Indices of that pair (a sphere may meet its own image); None where none overlap."""
        _, worst, first, second = self._overlaps
        return (first, second) if worst > 0.0 else None

    @cached_property
    def _overlaps(self) -> tuple[float, float, int, int]:
        return overlaps(self.centres, self.radii, np.array(self.box), np.array(self.periodic, bool))


def random_packing(
    sizes: SizeDistribution,
    box: Sequence[float],
    volume_fraction: float,
    *,
    block_fraction: float | None = None,
    periodic: tuple[bool, bool, bool] = (True, True, True),
    seed: int = 0,
    progress: Listener | None = None,
) -> Packing:
    """Pack spheres at random so that they cover a share of the box.

    Spheres start at random places, grow in steps and push each other apart between the steps: first to where they jam
    (`JAMMED`), which leaves no cracks however few they are; then they are displaced by a quarter of their diameter and
    pushed apart again at their own size, or as blocks with a shell, so that they are as near to each other as chance
    has it. Merely grown to a share of 0.45, spheres left planes of which they covered less than half as much. Up to
    random close packing (0.64 for equal spheres, more for a distribution) no overlap is left but in the last
    thousandths; above, it is spread over all contacts and reported. The volume in the lenses is made up for by
    growth of all spheres alike (0.14 % of the diameter at 0.71 for equal spheres, 0.9 % at 0.80), as a particle that
    flattens keeps its volume.

    Parameters
    ----------
    sizes : SizeDistribution
        Of the particles.
    box : (float, float, float)
        Edge lengths along x, y, z, m; each at least the largest diameter.
    volume_fraction : float
        Share of the box that the union of the spheres covers, 0 to 1, as far as `LARGEST_OVERLAP` allows.
    block_fraction : float, optional
        Share of the box that the spheres cover with their shells, at least `volume_fraction`: they keep apart by their
        shells as far as they can. Default: no shells.
    periodic : (bool, bool, bool)
        Along the axes that are not, spheres stay within the walls.
    seed : int
        The same seed gives the same packing.
    progress : callable, optional
        Progress callback.

    Raises
    ------
    StructureError
        A box below the largest particle, or a share that spheres reach only with too much overlap.

    Notes
    -----
    Soft spheres at zero temperature: O'Hern et al., Phys. Rev. E 68, 011306 (2003); the steps by FIRE, Bitzek et al.,
    Phys. Rev. Lett. 97, 170201 (2006).
    """
    edges = _checked_box(box)
    _check_fraction(volume_fraction)
    rng = np.random.default_rng(seed)
    wraps = np.array(periodic, bool)
    radii = sizes.draw(volume_fraction * float(edges.prod()), rng)
    check_room(radii, edges)
    own = max(volume_fraction, min(block_fraction or volume_fraction, JAMMED))
    packed = max(own, JAMMED)
    fractions = np.append(np.arange(min(_START, packed), packed, _GROWTH), packed)
    centres = rng.uniform(size=(len(radii), 3)) * edges
    tell = Teller(progress, of=2 * len(fractions), what="growing spheres")
    for stage, fraction in enumerate(fractions):
        tell(stage)
        size = radii * (fraction / volume_fraction) ** (1.0 / 3.0)
        centres, _ = relaxed(centres, np.minimum(size, 0.5 * edges.min()), edges, wraps, STEPS)
    if own < JAMMED:
        centres = centres + rng.normal(scale=_STIRRED, size=centres.shape) * 2.0 * radii[:, None]
        size = radii * (own / volume_fraction) ** (1.0 / 3.0)
        centres, _ = relaxed(centres, np.minimum(size, 0.5 * edges.min()), edges, wraps, 10 * STEPS)
    settling = tell.part(len(fractions), len(fractions))
    centres, radii = settled(centres, radii, edges, wraps, volume_fraction, settling)
    return Packing(centres, radii, as_vector(edges), periodic, seed)


def close_packing(
    diameter: float,
    box: Sequence[float],
    volume_fraction: float,
    *,
    start_fraction: float | None = None,
    pressing: Pressing | None = None,
) -> Packing:
    """Cubic close packing, pressed: 4 spheres in a unit cell, in a periodic box of whole unit cells.

    Unpressed, the unit cells are cubes in which the spheres cover `start_fraction`; the pressing shrinks them until
    they cover `volume_fraction`. Cores of building blocks in contact start at s CLOSE_PACKING, with s the volume of the
    core over that of the block. Spheres that overlap once pressed grow, as in `random_packing`.

    Parameters
    ----------
    diameter : float
        m, above 0.
    box : (float, float, float)
        Desired edge lengths along x, y, z, m; the box has the nearest whole number of unit cells along each.
    volume_fraction : float
        Share of the box that the spheres cover, 0 to 1.
    start_fraction : float, optional
        Share at which the pressing starts, up to `volume_fraction` and to close packing, 0.7405. Default: the smaller
        of these two, which is no pressing below close packing.
    pressing : Pressing
        Default: `Isostatic`.

    Raises
    ------
    StructureError
        A start above the goal or above close packing, or a share that needs too much overlap.

    Examples
    --------
    Touching spheres of 8.55 um: a unit cell of 8.55 sqrt(2) = 12.09 um, 3 of them in about 40 um.

    >>> packing = close_packing(8.55e-6, (40e-6, 40e-6, 40e-6), CLOSE_PACKING)
    >>> len(packing), f"{1e6 * packing.box[0]:.2f} um"
    (108, '36.27 um')
    """
    check_above_zero("diameter", diameter)
    _check_fraction(volume_fraction)
    goal = _checked_box(box)
    start = min(volume_fraction, CLOSE_PACKING) if start_fraction is None else start_fraction
    if not 0.0 < start <= min(volume_fraction, CLOSE_PACKING) * (1.0 + 1e-12):
        msg = (
            f"start_fraction must be above 0 and at most the share to reach, {volume_fraction:.4g}, and close packing, "
            f"{CLOSE_PACKING:.4g}; received {start:.4g}. Lower it"
        )
        raise StructureError(msg)
    edge = diameter * (4.0 * math.pi / 6.0 / start) ** (1.0 / 3.0)
    cell = edge * (pressing or Isostatic()).stretch(start / volume_fraction)
    counts = np.maximum(1, np.rint(goal / cell)).astype(int)
    _check_count(4 * int(counts.prod()))
    corners = np.indices(tuple(counts)).reshape(3, -1).T
    basis = np.array([[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])
    centres = (corners[:, None, :] + 0.25 + basis).reshape(-1, 3) * cell
    radii = np.full(len(centres), 0.5 * diameter)
    edges, wraps = counts * cell, np.ones(3, bool)
    centres, radii = settled(centres, radii, edges, wraps, volume_fraction, None)
    return Packing(centres, radii, as_vector(edges))


def with_vacancies(
    diameter: float, box: Sequence[float], volume_fraction: float, shell_fraction: float, *, seed: int = 0
) -> Packing:
    """Close packing of building blocks looser than where its lattice falls apart: blocks that touch, and vacancies.

    A lattice of blocks that cover less than `CLOSE_PACKING` has all of them apart. A coating that is pressed less has
    voids between blocks that touch instead. Here as many sites are occupied as random close packing (0.64) has blocks
    in the room of close packing; the lattice is pressed until the blocks cover their share. Blocks that cover less than
    0.64 are apart here too.

    Parameters
    ----------
    diameter : float
        Of a core, m.
    box : (float, float, float)
        Desired edge lengths, m; as in `close_packing`.
    volume_fraction, shell_fraction : float
        Shares of the box that the cores and their shells cover.
    seed : int
        Of the vacancies.
    """
    occupied = LOOSEST / CLOSE_PACKING
    core = volume_fraction / (volume_fraction + shell_fraction)
    whole = close_packing(diameter, box, volume_fraction / occupied, start_fraction=min(
        volume_fraction / occupied, core * CLOSE_PACKING
    ))  # fmt: skip
    count = len(whole) - max(1, round(occupied * len(whole)))
    rng = np.random.default_rng(seed)
    # one in each slab of as many blocks, so that no plane loses all of its blocks
    order = np.lexsort((rng.uniform(size=len(whole)), whole.centres[:, 0]))
    vacant = [rng.choice(slab) for slab in np.array_split(order, count)] if count else []
    kept = np.setdiff1d(np.arange(len(whole)), np.array(vacant, int))
    radii = whole.radii[kept]
    edges, wraps = np.array(whole.box), np.ones(3, bool)
    covered = volume_fraction * float(edges.prod())
    radii = radii * (covered / total_volume(radii)) ** (1.0 / 3.0)  # a whole number of blocks
    lenses = overlaps(whole.centres[kept], radii, edges, wraps)[0]
    radii = radii * (covered / (covered - lenses)) ** (1.0 / 3.0)
    return Packing(whole.centres[kept], radii, whole.box, seed=seed)


def _checked_box(box: Sequence[float]) -> Floats:
    edges = np.array(box, float)
    if edges.shape != (3,) or not (np.isfinite(edges).all() and (edges > 0.0).all()):
        msg = f"a box needs 3 edge lengths above 0 (m); received {tuple(np.ravel(edges).tolist())}"
        raise StructureError(msg)
    return edges


def _check_fraction(volume_fraction: float) -> None:
    if not 0.0 < volume_fraction < 1.0:
        msg = f"a volume fraction must be between 0 and 1; received {volume_fraction:g}"
        raise StructureError(msg)


def _check_count(count: int) -> None:
    if count > MOST_SPHERES:
        msg = f"the box would hold {count:.2g} spheres, more than {MOST_SPHERES:.2g}; make it smaller"
        raise StructureError(msg)
