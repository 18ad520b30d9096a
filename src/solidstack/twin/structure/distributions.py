"""Distributions of lengths in a phase: chords and sizes."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...kernels.geometry import surface
from .connectivity import Which, label_table, labels_of, voxel_count
from .interfaces import ratio
from .voxels import Structure

PERCENTILES = (10.0, 50.0, 90.0)


@dataclass(frozen=True)
class Chords:
    """Lengths of straight lines through a phase along one axis.

    Parameters
    ----------
    length : array, shape (n,)
        Lengths that occur, m.
    count : array of int64, shape (n,)
        How often, chords with both ends inside the volume.
    mean : float
        Twice the length within the phase per end of a chord, m: unbiased by the chords that the volume's faces cut.
        NaN where no chord ends.
    """

    length: NDArray[np.float64]
    count: NDArray[np.int64]
    mean: float


def chord_lengths(structure: Structure, phase: Which, axis: int) -> Chords:
    """Measure the chords of a phase along an axis, through every row of voxels.

    The mean of a random arrangement is 4 V / S of the phase (Cauchy), of a single sphere 2/3 of its diameter. A line
    that never leaves the phase has no chord.
    """
    labels = labels_of(structure, phase)
    edge = structure.voxel[axis]
    view = np.moveaxis(structure.labels, axis, 0)
    counts, ends = surface.chords(view, label_table(labels), structure.periodic[axis])
    by_length = counts.sum(axis=0)
    lengths = np.flatnonzero(by_length)
    mean = ratio(2.0 * voxel_count(structure, labels) * edge, float(ends.sum()))
    return Chords(lengths * np.float64(edge), by_length[lengths], mean)


@dataclass(frozen=True)
class Sizes:
    """How thick a phase is locally.

    Parameters
    ----------
    diameter : array, shape (n,)
        Increasing, m.
    finer : array, shape (n,)
        Share of the phase's volume that is locally thinner than the diameter, 0 to 1.
    d10, d50, d90 : float
        Diameters at 10, 50 and 90 % of the volume, m; NaN where the phase is empty or fills the whole volume.
    """

    diameter: NDArray[np.float64]
    finer: NDArray[np.float64]
    d10: float
    d50: float
    d90: float


def size_distribution(structure: Structure, phase: Which) -> Sizes:
    """Continuous size distribution by openings: a point is as thick as the largest ball within the phase that holds it.

    The share finer than a diameter is what an opening with a ball of that diameter removes. For one sphere this is the
    sphere; of touching or overlapping spheres the necks count with the spheres; of a sheet it is the thickness.
    Distances are Euclidean, between voxel centres, and balls are centred on voxels: a diameter is at most 2 voxels too
    low (a sphere centred on a corner) and 1 too high (a sheet of odd thickness). Beyond the volume's faces (where it is
    not periodic) the phase is taken to go on.

    Takes 8 bytes per voxel. Openings are computed where the three percentiles are, to half a voxel or 2 %.

    References
    ----------
    B. Muench, L. Holzer, J. Am. Ceram. Soc. 91 (2008) 4059: continuous pore size distribution.
    """
    chosen = label_table(labels_of(structure, phase))
    total = int(structure.counts[chosen].sum())
    nothing = np.empty(0)
    if total in (0, structure.labels.size):
        return Sizes(nothing, nothing, math.nan, math.nan, math.nan)
    edge = min(structure.voxel)
    longest = np.float32(4.0 * sum((size / edge) ** 2 for size in structure.size))
    inside = np.empty(structure.shape, np.float32)
    for plane, labels in zip(inside, structure.labels, strict=True):
        plane[...] = chosen[labels] * longest
    _distances(structure, inside)
    highest = inside.max()
    largest = math.sqrt(float(highest))
    work = np.empty_like(inside)

    def finer(radius: float) -> float:
        """Share that no ball of at least this radius holds: min over its centres p of |x - p|^2 - r(p)^2 is not < 0."""
        for plane, depth in zip(work, inside, strict=True):
            plane[...] = np.where(depth >= radius * radius, highest - depth, highest)
        _distances(structure, work)
        # rounding must not let a ball hold what it only touches
        pairs = zip(work, inside, strict=True)
        return 1.0 - sum(int(np.count_nonzero((plane < highest) & (depth > 0))) for plane, depth in pairs) / total

    # at half a voxel nothing is finer (a lone voxel holds its ball); beyond the largest ball everything is
    known = {0.5: 0.0, largest * (1.0 + 1e-6): 1.0}
    for percent in PERCENTILES:
        while True:
            low = max(radius for radius, share in known.items() if share < percent / 100.0)
            high = min(radius for radius, share in known.items() if share >= percent / 100.0)
            if high - low <= max(0.25, 0.02 * high):
                break
            middle = 0.5 * (low + high)
            known[middle] = finer(middle)
    radii = np.array(sorted(known))
    shares = np.array([known[radius] for radius in radii])
    d10, d50, d90 = (2.0 * edge * _crossing(radii, shares, percent / 100.0) for percent in PERCENTILES)
    return Sizes(2.0 * edge * radii, shares, d10, d50, d90)


def _crossing(radii: NDArray[np.float64], shares: NDArray[np.float64], level: float) -> float:
    """Radius at which the shares reach a level, linear between the two points around it."""
    after = int(np.argmax(shares >= level))
    low, high = shares[after - 1], shares[after]
    return float(radii[after - 1] + (radii[after] - radii[after - 1]) * (level - low) / (high - low))


def _distances(structure: Structure, squared: NDArray[np.float32]) -> None:
    """Squared Euclidean distance to the nearest 0, in place, in shortest edges of a voxel."""
    shortest = min(structure.voxel)
    for axis in (2, 1, 0):
        view = np.moveaxis(squared, axis, 0)
        surface.nearer(view, structure.voxel[axis] / shortest, structure.periodic[axis])
