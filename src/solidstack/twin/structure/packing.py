"""Particle packings: sizes from a distribution, spheres in a box at random or in cubic close packing.

Axis 0 is x, through-plane. The volume that spheres share where they overlap is counted once: a packing is made to
*cover* a share of its box. Real particles flatten where they touch and keep their volume; so do these, as a sphere
whose lens is cut off grows by as much.
"""

import math
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ... import units
from ...errors import StructureError
from ...particle import CLOSE_PACKING
from ...tables import read_table
from .voxels import AXES, Vector

Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], object]
"""Called as ``progress(words, done, total)`` between short compiled steps; what it raises ends the work."""

TAILS = 0.005
"""Share of the volume at either end of a distribution that is left out: no instrument resolves it, and the finest
spheres would be the most numerous by far."""

LARGEST_OVERLAP = 0.05
"""Volume of all lenses over the volume of the spheres. Beyond it spheres are no longer a picture of particles: the
worst pairs overlap by a quarter of their distance and lenses overlap each other. Equal spheres reach it when they
cover about 0.85 of the box."""

MOST_SPHERES = 2_000_000
"""A packing of that many takes an hour: 50,000 equal spheres at 0.64 took 90 s, in proportion to their number."""

COVERED_WITHIN = 1e-6
"""Relative error of the covered share of a finished packing."""

_START = 0.5  # random spheres are pushed apart here within some 100 steps, whatever their sizes
_GROWTH = 0.02  # of the volume fraction; ten times smaller steps reach no denser packing
STEPS = 100
"""Of relaxation between two stages of growth or pressing, and in one compiled call at most."""

_ROUND, _ROUNDS = 500, 20  # steps to settle; ended before when a round takes less than a tenth of the overlap
_REGROWN = 3  # growths that are relaxed; what is then left to grow is below 1e-4 of the diameter
_MARGIN = 5e-4  # radii are relaxed this much larger, so that touching is reached and not approached for ever


class SizeDistribution(ABC):
    """How the volume of particles is spread over their diameters.

    Attributes
    ----------
    d50 : float
        Median diameter by volume, m.
    """

    d50: float

    @abstractmethod
    def percentile(self, share: Any) -> Floats:
        """Diameter below which a share (0 to 1, array) of the volume lies, m."""

    def draw(self, volume: float, rng: np.random.Generator) -> Floats:
        """Take spheres of a total volume from the distribution.

        The count is the whole number nearest to what the distribution asks for. Sizes are not random: the spheres are
        sorted into as many equally numerous classes as there are spheres, and each has the mean volume of its class.
        A box holds few large particles, and their random number would scatter its volume.

        Parameters
        ----------
        volume : float
            Sum of the sphere volumes, m3, above 0.
        rng : numpy.random.Generator
            Shuffles the order.

        Returns
        -------
        array, shape (n,)
            Radii, m. The sum of the volumes is `volume` to rounding.

        Raises
        ------
        StructureError
            More than `MOST_SPHERES`.
        """
        edges = np.linspace(TAILS, 1.0 - TAILS, 4097)
        by_volume = (edges - TAILS) / (1.0 - 2.0 * TAILS)
        mean = np.asarray(self.percentile(0.5 * (edges[1:] + edges[:-1])), float)
        by_number = np.concatenate(([0.0], np.cumsum(mean**-3.0)))
        expected = volume / (math.pi / 6.0) * by_number[-1] / len(mean)
        if expected > MOST_SPHERES:
            msg = (
                f"the box would hold {expected:.2g} spheres, more than {MOST_SPHERES:.2g}; "
                f"make it smaller, or cut the fines off the size distribution"
            )
            raise StructureError(msg)
        count = max(1, round(expected))
        volumes = volume * np.diff(np.interp(np.arange(count + 1) / count, by_number / by_number[-1], by_volume))
        return rng.permutation((volumes * 0.75 / math.pi) ** (1.0 / 3.0))


@dataclass(frozen=True)
class Monodisperse(SizeDistribution):
    """Spheres of one diameter.

    In a small box the diameter is adjusted so that a whole number of spheres has the volume asked for.

    Parameters
    ----------
    diameter : float
        m, above 0.
    """

    diameter: float
    d50: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _check_above_zero("diameter", self.diameter)
        object.__setattr__(self, "d50", self.diameter)

    def percentile(self, share: Any) -> Floats:
        """Return the one diameter, in the shape of `share`."""
        return np.full(np.shape(share), self.diameter)


@dataclass(frozen=True)
class LogNormal(SizeDistribution):
    """Log-normal by the volume-weighted percentiles D10, D50, D90.

    A log-normal has D50/D10 = D90/D50. Measured percentiles rarely do: below D50 the width is then that of D10 and
    above D50 that of D90, so that all three percentiles are met.

    Parameters
    ----------
    d10, d50, d90 : float
        Diameters, m, 0 < d10 < d50 < d90.
    """

    d10: float
    d50: float
    d90: float

    def __post_init__(self) -> None:
        for name, value in (("D10", self.d10), ("D50", self.d50), ("D90", self.d90)):
            _check_above_zero(name, value)
        if not self.d10 < self.d50 < self.d90:
            given = ", ".join(f"{units.UM.of(value):g}" for value in (self.d10, self.d50, self.d90))
            msg = f"percentiles rise: D10 < D50 < D90; received {given} um. For one diameter take Monodisperse"
            raise StructureError(msg)

    def percentile(self, share: Any) -> Floats:
        """Diameter below which a share of the volume lies, m."""
        from scipy.special import ndtri

        deviation = ndtri(share) / ndtri(0.9)
        width = np.where(deviation < 0.0, math.log(self.d50 / self.d10), math.log(self.d90 / self.d50))
        return cast(Floats, self.d50 * np.exp(deviation * width))


@dataclass(frozen=True, eq=False)
class SizeTable(SizeDistribution):
    """Cumulative distribution as a laser-diffraction instrument exports it, linear in log diameter between points.

    Parameters
    ----------
    diameters : array, shape (n,)
        m, above 0, rising, at least 2.
    cumulative_volume : array, shape (n,)
        Share of the volume below each diameter, 0 to 1, not falling, 1 at the end. What lies below the first diameter
        is given that diameter.
    """

    diameters: Sequence[float] | Floats
    cumulative_volume: Sequence[float] | Floats
    d50: float = field(init=False)

    def __post_init__(self) -> None:
        sizes, shares = np.array(self.diameters, float), np.array(self.cumulative_volume, float)
        if sizes.ndim != 1 or sizes.shape != shares.shape or len(sizes) < 2:
            msg = f"a size table has 2 or more diameters and as many shares; received {sizes.shape} and {shares.shape}"
            raise StructureError(msg)
        if not (np.isfinite(sizes).all() and sizes[0] > 0.0 and (np.diff(sizes) > 0.0).all()):
            msg = "diameters of a size table rise and are above 0; sort it, and take out rows that are there twice"
            raise StructureError(msg)
        if not (shares[0] >= 0.0 and (np.diff(shares) >= 0.0).all() and abs(shares[-1] - 1.0) <= 1e-6):
            msg = (
                f"cumulative volume rises from 0 or more to 1; received {shares[0]:g} to {shares[-1]:g}. "
                f"Give shares below each diameter, as fractions"
            )
            raise StructureError(msg)
        object.__setattr__(self, "diameters", sizes)
        object.__setattr__(self, "cumulative_volume", shares)
        object.__setattr__(self, "d50", float(self.percentile(0.5)))

    def percentile(self, share: Any) -> Floats:
        """Diameter below which a share of the volume lies, m."""
        return cast(Floats, np.exp(np.interp(share, self.cumulative_volume, np.log(self.diameters))))


def read_size_table(path: str | os.PathLike[str]) -> SizeTable:
    """Read the export of a laser-diffraction instrument.

    Two columns are used, diameter and volume share; the header tells which, or else they are the first two. Diameters
    are in um unless the header has a unit. Shares are cumulative (below, or above where the header says "oversize")
    or by class; without a header they are cumulative if they rise to 100 % (or 1). A class lies around its diameter,
    half-way to its neighbours in the logarithm.

    Parameters
    ----------
    path : path
        CSV or TXT of any delimiter, with decimal points or commas; lines above the header are passed over.

    Raises
    ------
    StructureError
        With the line, where it has one.
    """
    table = read_table(path, 2)
    at = table.column(r"diam|(?<!over)(?<!under)size|channel|[µμ]m|\bum\b") or 0
    cumulative = table.column("cum|under|pass|finer|over|retain|coarser|<|>", besides=at)
    share = cumulative
    if share is None:
        share = table.column("vol|diff|freq|dens|%", besides=at)
    if share is None:
        share = 1 if at == 0 else 0
    named = table.header[share].casefold() if share < len(table.header) else ""
    sizes = np.array([table.value(row, at, units.THICKNESS, "um") for row in table.rows])
    shares = np.array([table.number(row, share) for row in table.rows])
    order = np.argsort(sizes, kind="stable")
    sizes, shares = sizes[order], shares[order]
    if (shares < 0.0).any() or shares.max() <= 0.0:
        msg = "volume shares are 0 or more, and some are above 0; give the column of volume in per cent"
        raise StructureError(msg, source=table.source)
    if re.search("over|retain|coarser|>", named):
        shares = (100.0 if shares.max() > 1.0 else 1.0) - shares
    rising = bool((np.diff(shares) >= 0.0).all()) and min(abs(shares[-1] / whole - 1.0) for whole in (1, 100)) < 0.01
    try:
        if cumulative is None and (not rising or re.search("diff|freq|dens", named)):
            return _from_classes(sizes, shares)
        if not rising:
            msg = f"cumulative volume rises to 100 % (or 1); this column ends at {shares[-1]:g}. Export the whole range"
            raise StructureError(msg)
        return SizeTable(sizes, shares / shares[-1])
    except StructureError as error:
        raise StructureError(error.problems, source=table.source) from None


def _from_classes(sizes: Floats, shares: Floats) -> SizeTable:
    if len(sizes) < 2 or sizes[0] <= 0.0 or not (np.diff(sizes) > 0.0).all():
        return SizeTable(sizes, np.linspace(0.0, 1.0, len(sizes)))  # says what is wrong with the diameters
    logarithm = np.log(sizes)
    middles = 0.5 * (logarithm[1:] + logarithm[:-1])
    edges = np.concatenate(([2.0 * logarithm[0] - middles[0]], middles, [2.0 * logarithm[-1] - middles[-1]]))
    total = np.concatenate(([0.0], np.cumsum(shares)))
    return SizeTable(np.exp(edges), total / total[-1])


def _check_above_zero(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0.0):
        msg = f"{name} is above 0 (m); received {value:g}"
        raise StructureError(msg)


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
        """Give a third to each direction."""
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
            msg = f"a packing has n centres (n, 3) and n radii above 0; received {centres.shape} and {radii.shape}"
            raise StructureError(msg)
        centres = _wrapped(centres, box, periodic)
        if not ((centres >= 0.0) & (centres <= box)).all():
            msg = "a centre lies outside of the box along an axis that is not periodic; move it, or make the box larger"
            raise StructureError(msg)
        object.__setattr__(self, "centres", centres)
        object.__setattr__(self, "radii", radii)

    def __len__(self) -> int:
        return len(self.radii)

    @property
    def sphere_volume(self) -> float:
        """Sum of the sphere volumes, m3."""
        return _volume(self.radii)

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
        return _overlaps(self.centres, self.radii, np.array(self.box), np.array(self.periodic, bool))


def random_packing(
    sizes: SizeDistribution,
    box: Sequence[float],
    volume_fraction: float,
    *,
    periodic: tuple[bool, bool, bool] = (True, True, True),
    seed: int = 0,
    progress: Progress | None = None,
) -> Packing:
    """Pack spheres at random so that they cover a share of the box.

    Spheres start at random places, grow in steps to their size and push each other apart between the steps. Up to
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
    periodic : (bool, bool, bool)
        Along the axes that are not, spheres stay within the walls.
    seed : int
        The same seed gives the same packing.
    progress : callable, optional
        See `Progress`.

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
    fractions = np.append(np.arange(min(_START, volume_fraction), volume_fraction, _GROWTH), volume_fraction)
    centres = rng.uniform(size=(len(radii), 3)) * edges
    for stage, fraction in enumerate(fractions):
        say(progress, "growing spheres", stage, len(fractions))
        size = radii * (fraction / volume_fraction) ** (1.0 / 3.0)
        centres, _ = relaxed(centres, size, edges, wraps, STEPS)
    centres, radii = settled(centres, radii, edges, wraps, volume_fraction, progress)
    return Packing(centres, radii, as_vector(edges), periodic, seed)


def close_packing(
    diameter: float,
    box: Sequence[float],
    volume_fraction: float,
    *,
    start_fraction: float | None = None,
    pressing: Pressing | None = None,
) -> Packing:
    """Cubic close packing, pressed: 4 spheres in a cell, in a periodic box of whole cells.

    Unpressed, the cells are cubes in which the spheres cover `start_fraction`; the pressing shrinks them until they
    cover `volume_fraction`. Cores of building blocks in contact start at s CLOSE_PACKING, with s the volume of the core
    over that of the block. Spheres that overlap once pressed grow, as in `random_packing`.

    Parameters
    ----------
    diameter : float
        m, above 0.
    box : (float, float, float)
        Edge lengths wanted along x, y, z, m; the box has the nearest number of whole cells along each, at least 1.
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
    Touching spheres of 8.55 um: a cell of 8.55 sqrt(2) = 12.09 um, 3 of them in about 40 um.

    >>> packing = close_packing(8.55e-6, (40e-6, 40e-6, 40e-6), CLOSE_PACKING)
    >>> len(packing), f"{1e6 * packing.box[0]:.2f} um"
    (108, '36.27 um')
    """
    _check_above_zero("diameter", diameter)
    _check_fraction(volume_fraction)
    wanted = _checked_box(box)
    start = min(volume_fraction, CLOSE_PACKING) if start_fraction is None else start_fraction
    if not 0.0 < start <= min(volume_fraction, CLOSE_PACKING) * (1.0 + 1e-12):
        msg = (
            f"pressing starts above 0 and at most at the share to reach, {volume_fraction:.4g}, and at close packing, "
            f"{CLOSE_PACKING:.4g}; received start_fraction {start:.4g}. Lower it"
        )
        raise StructureError(msg)
    edge = diameter * (4.0 * math.pi / 6.0 / start) ** (1.0 / 3.0)
    cell = edge * (pressing or Isostatic()).stretch(start / volume_fraction)
    counts = np.maximum(1, np.rint(wanted / cell)).astype(int)
    _check_count(4 * int(counts.prod()))
    corners = np.indices(tuple(counts)).reshape(3, -1).T
    basis = np.array([[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])
    centres = (corners[:, None, :] + 0.25 + basis).reshape(-1, 3) * cell
    radii = np.full(len(centres), 0.5 * diameter)
    edges, wraps = counts * cell, np.ones(3, bool)
    centres, radii = settled(centres, radii, edges, wraps, volume_fraction, None)
    return Packing(centres, radii, as_vector(edges))


def relaxed(
    centres: Floats,
    radii: Floats,
    box: Floats,
    periodic: NDArray[np.bool_],
    steps: int,
    progress: Progress | None = None,
) -> tuple[Floats, bool]:
    """Push overlapping spheres apart for some steps.

    The list of neighbours is made anew whenever spheres may have met others.

    Returns
    -------
    centres : array, shape (n, 3)
        m, within the box.
    at_rest : bool
        No spheres overlap, or the forces balance.
    """
    from ...kernels.geometry import spheres

    centres = _wrapped(_within_walls(centres, radii, box, periodic), box, periodic)
    velocities = np.zeros_like(centres)
    state = np.array([0.1, 0.25, 0.0])
    skin = 0.7 * float(np.mean(radii))  # of 0.3 to 1.0, least time for neighbours and forces together
    done, at_rest = 0, False
    while done < steps and not at_rest:
        say(progress, "relaxing spheres", done, steps)
        pairs, shifts = spheres.near_pairs(centres, radii, box, periodic, skin + 2.0 * _MARGIN * radii.max())
        count, worst, force = spheres.relax(
            centres, velocities, radii, box, periodic, pairs, shifts, state, _MARGIN, min(STEPS, steps - done), skin / 2
        )
        centres = _wrapped(centres, box, periodic)
        done += max(count, 1)
        at_rest = worst <= 0.0 or force < spheres.BALANCED
    return centres, at_rest


def settled(
    centres: Floats,
    radii: Floats,
    box: Floats,
    periodic: NDArray[np.bool_],
    fraction: float,
    progress: Progress | None,
) -> tuple[Floats, Floats]:
    """Relax to the end, and grow the spheres until they cover the fraction of the box.

    Returns
    -------
    centres : array, shape (n, 3)
    radii : array, shape (n,)
    """
    goal = fraction * float(box.prod())
    lenses = math.inf
    for step in range(_ROUNDS):
        say(progress, "settling spheres", step, _ROUNDS)
        before = lenses
        centres, at_rest = relaxed(centres, radii, box, periodic, _ROUND, progress)
        lenses = _overlaps(centres, radii, box, periodic)[0]
        if at_rest or lenses > 0.9 * before:
            break
    for step in range(_ROUNDS):
        volume = _volume(radii)
        if lenses > LARGEST_OVERLAP * volume:
            msg = (
                f"spheres that cover {fraction:.3g} of the box would have {100.0 * lenses / volume:.1f} % of their "
                f"volume in overlaps; up to {100.0 * LARGEST_OVERLAP:g} % is allowed. Lower the volume fraction, or "
                f"take a wider size distribution"
            )
            raise StructureError(msg)
        covered = volume - lenses
        if abs(covered / goal - 1.0) < COVERED_WITHIN:
            break
        radii = radii * (goal / covered) ** (1.0 / 3.0)
        if step < _REGROWN:
            centres, _ = relaxed(centres, radii, box, periodic, _ROUND, progress)
        centres = _within_walls(centres, radii, box, periodic)
        lenses = _overlaps(centres, radii, box, periodic)[0]
    say(progress, "settling spheres", _ROUNDS, _ROUNDS)
    return centres, radii


def _within_walls(centres: Floats, radii: Floats, box: Floats, periodic: NDArray[np.bool_]) -> Floats:
    return np.where(periodic, centres, np.clip(centres, radii[:, None], box - radii[:, None]))


def _overlaps(
    centres: Floats, radii: Floats, box: Floats, periodic: NDArray[np.bool_]
) -> tuple[float, float, int, int]:
    from ...kernels.geometry import spheres

    pairs, shifts = spheres.near_pairs(centres, radii, box, periodic, 0.0)
    return cast(tuple[float, float, int, int], spheres.overlaps(centres, radii, box, pairs, shifts))


def _wrapped(centres: Floats, box: Floats, periodic: NDArray[np.bool_]) -> Floats:
    """Bring centres into the box along periodic axes."""
    inside = centres - np.floor(centres / box) * box
    inside = np.where(inside >= box, 0.0, inside)  # what lies below 0 by less than rounding
    return np.where(periodic, inside, centres)


def _volume(radii: Floats) -> float:
    return 4.0 / 3.0 * math.pi * float(np.sum(radii**3))


def as_vector(edges: Floats) -> Vector:
    """Edge lengths as plain floats."""
    x, y, z = edges.tolist()
    return x, y, z


def say(progress: Progress | None, words: str, done: int, total: int) -> None:
    """Report to whoever listens."""
    if progress is not None:
        progress(words, done, total)


def _checked_box(box: Sequence[float]) -> Floats:
    edges = np.array(box, float)
    if edges.shape != (3,) or not (np.isfinite(edges).all() and (edges > 0.0).all()):
        msg = f"a box has 3 edge lengths above 0 (m); received {tuple(np.ravel(edges).tolist())}"
        raise StructureError(msg)
    return edges


def _check_fraction(volume_fraction: float) -> None:
    if not 0.0 < volume_fraction < 1.0:
        msg = f"a volume fraction is between 0 and 1; received {volume_fraction:g}"
        raise StructureError(msg)


def check_room(radii: Floats, edges: Floats) -> None:
    """Refuse a box that is smaller than a sphere: it would overlap its own image, or both walls."""
    largest = 2.0 * float(radii.max())
    for axis, edge in zip(AXES, edges, strict=True):
        if edge < largest:
            msg = (
                f"the box has {units.UM.of(edge):.3g} um along {axis}, less than the largest particle, "
                f"{units.UM.of(largest):.3g} um; make it larger"
            )
            raise StructureError(msg)


def _check_count(count: int) -> None:
    if count > MOST_SPHERES:
        msg = f"the box would hold {count:.2g} spheres, more than {MOST_SPHERES:.2g}; make it smaller"
        raise StructureError(msg)
