"""Spheres that push each other apart until they touch and do not overlap."""

import math
from typing import cast

import numpy as np
from numpy.typing import NDArray

from .... import units
from ....errors import StructureError
from ....progress import Listener, Teller
from ..voxels import AXES, Vector
from .sizes import Floats

LARGEST_OVERLAP = 0.05
"""Volume of all lenses over the volume of the spheres. Beyond it spheres are no longer a picture of particles: the
worst pairs overlap by a quarter of their distance and lenses overlap each other. Equal spheres reach it when they
cover about 0.85 of the box."""
COVERED_WITHIN = 1e-6
"""Relative error of the covered share of a finished packing."""
STEPS = 100
"""Of relaxation between two stages of growth or pressing, and in one compiled call at most."""
_ROUND, _ROUNDS = 500, 20  # steps to settle; ended before when a round takes less than a tenth of the overlap
_REGROWN = 3  # growths that are relaxed; what is then left to grow is below 1e-4 of the diameter
_MARGIN = 5e-4  # radii are relaxed this much larger, so that touching is reached and not approached for ever


def relaxed(
    centres: Floats,
    radii: Floats,
    box: Floats,
    periodic: NDArray[np.bool_],
    steps: int,
    progress: Listener | None = None,
) -> tuple[Floats, bool]:
    """Push overlapping spheres apart for some steps.

    The list of neighbours is rebuilt whenever spheres may have met others.

    Returns
    -------
    centres : array, shape (n, 3)
        m, within the box.
    at_rest : bool
        No spheres overlap, or the forces balance.
    """
    from ....kernels.geometry import spheres

    centres = wrapped(within_walls(centres, radii, box, periodic), box, periodic)
    velocities = np.zeros_like(centres)
    state = np.array([0.1, 0.25, 0.0])
    skin = 0.7 * float(np.mean(radii))  # of 0.3 to 1.0, least time for neighbours and forces together
    done, at_rest = 0, False
    tell = Teller(progress, of=steps, what="relaxing spheres")
    while done < steps and not at_rest:
        tell(done)
        pairs, shifts = spheres.near_pairs(centres, radii, box, periodic, skin + 2.0 * _MARGIN * radii.max())
        count, worst, force = spheres.relax(
            centres, velocities, radii, box, periodic, pairs, shifts, state, _MARGIN, min(STEPS, steps - done), skin / 2
        )
        centres = wrapped(centres, box, periodic)
        done += max(count, 1)
        at_rest = worst <= 0.0 or force < spheres.BALANCED
    return centres, at_rest


def settled(
    centres: Floats,
    radii: Floats,
    box: Floats,
    periodic: NDArray[np.bool_],
    fraction: float,
    progress: Listener | None,
) -> tuple[Floats, Floats]:
    """Relax to the end, and grow the spheres until they cover the fraction of the box.

    Returns
    -------
    centres : array, shape (n, 3)
    radii : array, shape (n,)
    """
    goal = fraction * float(box.prod())
    lenses = math.inf
    tell = Teller(progress, of=_ROUNDS, what="settling spheres")
    for step in range(_ROUNDS):
        tell(step)
        before = lenses
        centres, at_rest = relaxed(centres, radii, box, periodic, _ROUND, tell.part(step, 0.5))
        lenses = overlaps(centres, radii, box, periodic)[0]
        if at_rest or lenses > 0.9 * before:
            break
    for step in range(_ROUNDS):
        volume = total_volume(radii)
        if lenses > LARGEST_OVERLAP * volume:
            msg = (
                f"spheres that cover {fraction:.3g} of the box would have {100.0 * lenses / volume:.1f} % of their "
                f"volume in overlaps; up to {100.0 * LARGEST_OVERLAP:g} % is allowed. Lower the volume fraction, or "
                f"use a wider size distribution"
            )
            raise StructureError(msg)
        covered = volume - lenses
        if abs(covered / goal - 1.0) < COVERED_WITHIN:
            break
        radii = radii * (goal / covered) ** (1.0 / 3.0)
        if step < _REGROWN:
            centres, _ = relaxed(centres, radii, box, periodic, _ROUND, tell.part(step + 0.5, 0.5))
        centres = within_walls(centres, radii, box, periodic)
        lenses = overlaps(centres, radii, box, periodic)[0]
    tell(_ROUNDS)
    return centres, radii


def within_walls(centres: Floats, radii: Floats, box: Floats, periodic: NDArray[np.bool_]) -> Floats:
    """Move spheres back inside the walls of the axes that are not periodic."""
    return np.where(periodic, centres, np.clip(centres, radii[:, None], box - radii[:, None]))


def overlaps(centres: Floats, radii: Floats, box: Floats, periodic: NDArray[np.bool_]) -> tuple[float, float, int, int]:
    """Return the share of the volume in overlaps, the worst overlap over a diameter, and the pair concerned."""
    from ....kernels.geometry import spheres

    pairs, shifts = spheres.near_pairs(centres, radii, box, periodic, 0.0)
    return cast(tuple[float, float, int, int], spheres.overlaps(centres, radii, box, pairs, shifts))


def wrapped(centres: Floats, box: Floats, periodic: NDArray[np.bool_]) -> Floats:
    """Bring centres into the box along periodic axes."""
    inside = centres - np.floor(centres / box) * box
    inside = np.where(inside >= box, 0.0, inside)  # what lies below 0 by less than rounding
    return np.where(periodic, inside, centres)


def total_volume(radii: Floats) -> float:
    """Return the volume of spheres, overlaps counted twice, m3."""
    return 4.0 / 3.0 * math.pi * float(np.sum(radii**3))


def as_vector(edges: Floats) -> Vector:
    """Edge lengths as plain floats."""
    x, y, z = edges.tolist()
    return x, y, z


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
