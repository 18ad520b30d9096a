r"""Contacts: grains of a phase, and the conductance per area of the faces between grains and between phases.

A face between the voxels of two grains, or of two phases, conducts as two half voxels and the contact in series,

.. math:: \frac{1}{g} = \frac{h}{2 \sigma_1} + \frac{h}{2 \sigma_2} + \frac{1}{G},

so that the contact with conductance G per area counts in full however fine the voxels are.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StructureError
from .structure.voxels import Structure

MOST_GRAINS = 200_000
COLOURS = 60
"""Of grains, so that neighbours differ; a plane packing needs 4, a foam about 10."""

Grains = NDArray[np.int32]


@dataclass(frozen=True)
class Contact:
    """The contact between two phases, or between the grains of one.

    Attributes
    ----------
    first, second : str
        Names of the phases; the same name twice is the boundary between its grains.
    conductance : float
        S/m2, above 0.

    Raises
    ------
    StructureError
        A conductance that is not a number above 0.
    """

    first: str
    second: str
    conductance: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.conductance) and self.conductance > 0.0):
            msg = (
                f"contact of {self.first} and {self.second}: {self.conductance:g} S/m2 must be a number above 0; "
                "leave the contact out where it does not resist"
            )
            raise StructureError(msg)


def divided(structure: Structure, diameter: float, *, seed: int = 0) -> Grains:
    """Divide the space of a structure into grains: each voxel belongs to the nearest of random points (Voronoi).

    Parameters
    ----------
    structure : Structure
    diameter : float
        Of a sphere with the mean volume of a grain, m, above 0.
    seed : int

    Returns
    -------
    array of int32, shape of the structure
        Number of the grain, from 0. Periodic where the structure is.

    Raises
    ------
    StructureError
        A diameter that is none, or too many grains.

    Examples
    --------
    >>> from solidstack.twin.structure.voxels import Structure
    >>> whole = Structure(np.ones((8, 8, 8)), {}, (1e-6, 1e-6, 1e-6))
    >>> grains = divided(whole, 4e-6)
    >>> grains.shape, int(grains.max()) + 1
    ((8, 8, 8), 15)
    """
    from scipy.spatial import cKDTree

    if not (math.isfinite(diameter) and diameter > 0.0):
        msg = f"grains: a diameter of {diameter:g} m must be a length above 0"
        raise StructureError(msg)
    size = np.array(structure.size)
    count = max(1, round(float(size.prod()) / (math.pi / 6.0 * diameter**3)))
    if count > MOST_GRAINS:
        msg = f"grains of {1e6 * diameter:.3g} um: {count} are more than {MOST_GRAINS}; take larger ones or less volume"
        raise StructureError(msg)
    points = np.random.default_rng(seed).uniform(size=(count, 3)) * size
    images, own = [points], [np.arange(count)]
    for axis, wraps in enumerate(structure.periodic):
        if wraps:
            shift = np.zeros(3)
            shift[axis] = size[axis]
            images, own = (
                [np.concatenate([part + sign * shift for sign in (-1, 0, 1)]) for part in images],
                [np.tile(part, 3) for part in own],
            )
    tree, number = cKDTree(images[0]), own[0]
    axes = [(np.arange(n) + 0.5) * edge for n, edge in zip(structure.shape, structure.voxel, strict=True)]
    grains = np.empty(structure.shape, np.int32)
    plane = np.stack(np.meshgrid(axes[1], axes[2], indexing="ij"), axis=-1).reshape(-1, 2)
    for index, x in enumerate(axes[0]):
        places = np.column_stack([np.full(len(plane), x), plane])
        grains[index] = number[tree.query(places, workers=-1)[1]].reshape(structure.shape[1:])
    return grains


def coloured(grains: Grains, periodic: Sequence[bool]) -> NDArray[np.uint8]:
    """Colour grains so that those that share a face differ, the largest first, each with the first colour that is free.

    Raises
    ------
    StructureError
        More than `COLOURS` are needed.
    """
    _, compact = np.unique(grains, return_inverse=True)
    numbers = compact.reshape(grains.shape)
    pairs = []
    for axis, wraps in enumerate(periodic):
        ends = np.moveaxis(numbers, axis, 0)
        faces = [(ends[:-1], ends[1:])] + ([(ends[-1], ends[0])] if wraps else [])
        for here, there in faces:
            differ = here != there
            pairs.append(np.unique(np.stack([here[differ], there[differ]]), axis=1))
    edges = np.concatenate(pairs, axis=1)
    count = int(numbers.max()) + 1
    neighbours: list[set[int]] = [set() for _ in range(count)]
    for a, b in edges.T.tolist():
        neighbours[a].add(b)
        neighbours[b].add(a)
    colour = np.full(count, -1)
    for grain in sorted(range(count), key=lambda number: -len(neighbours[number])):
        taken = {int(colour[other]) for other in neighbours[grain]}
        colour[grain] = next(free for free in range(count + 1) if free not in taken)
    if colour.max() >= COLOURS:
        msg = f"grains: they touch so many others that {COLOURS} colours do not tell them apart; take smaller grains"
        raise StructureError(msg)
    return np.asarray(colour[numbers], np.uint8)


def checked_contacts(structure: Structure, contacts: Sequence[Contact], grains: Any) -> dict[frozenset[str], float]:
    """Conductance per area by pair of phases, S/m2; a pair of one phase needs grains.

    Raises
    ------
    StructureError
        An unknown phase, a pair twice, a grain boundary without grains, grains of another shape.
    """
    found: dict[frozenset[str], float] = {}
    for contact in contacts:
        pair = frozenset(structure.name(structure.label(name)) for name in (contact.first, contact.second))
        if pair in found:
            msg = f"contact of {contact.first} and {contact.second} is given twice; leave one out"
            raise StructureError(msg)
        if len(pair) == 1 and grains is None:
            msg = (
                f"contact of {contact.first} with itself is the boundary of its grains, and there are none; give their "
                "size (--grains), or the number of the grain of every voxel"
            )
            raise StructureError(msg)
        found[pair] = contact.conductance
    if grains is not None and np.shape(grains) != structure.shape:
        msg = f"grains have shape {np.shape(grains)}, the structure {structure.shape}; give one number for each voxel"
        raise StructureError(msg)
    return found


def contact_share(relative_density: float, loosest: float = 0.64) -> float:
    r"""Share of the cross-section of pressed spheres that is contact.

    Spheres that touch at a relative density :math:`D_0` and flatten where they meet as they are pressed evenly to D
    are nearer by :math:`(D_0/D)^{1/3}`; the contact is the circle in which the sphere meets the plane there,
    :math:`1 - (D_0/D)^{2/3}` of its cross-section. Its one parameter is random close packing, 0.64 (O'Hern et al.,
    Phys. Rev. E 68, 011306 (2003)).

    Parameters
    ----------
    relative_density : float
        D, 0 to 1.
    loosest : float
        :math:`D_0`, above 0, below 1.

    Examples
    --------
    >>> round(contact_share(0.88), 3), contact_share(0.6)
    (0.191, 0.0)
    """
    if not 0.0 <= relative_density <= 1.0 or not 0.0 < loosest < 1.0:
        msg = f"relative density {relative_density:g} and its loosest {loosest:g} must be between 0 and 1"
        raise StructureError(msg)
    if relative_density <= loosest:
        return 0.0
    return float(1.0 - (loosest / relative_density) ** (2.0 / 3.0))


def contact_factor(electrolyte: float, pore: float, reference_density: float, loosest: float = 0.64) -> float:
    """Conductivity that pressed grains of electrolyte keep in a composite, over that of a pellet of them.

    The pores of the composite lie between the grains of its electrolyte, so that these are pressed to the local density
    of electrolyte and pore alone; conductivity goes with the share of the cross-section that is contact.

    Parameters
    ----------
    electrolyte, pore : float
        Volume fractions of the composite.
    reference_density : float
        Relative density of the pellet of which the conductivity is known, above `loosest`.
    loosest : float
        See `contact_share`.

    Raises
    ------
    StructureError
        No electrolyte, or a pellet in which the grains do not touch.

    Examples
    --------
    A pellet of 88 % conducts as it was measured; with as much pore as electrolyte the grains are apart.

    >>> contact_factor(0.88, 0.12, 0.88), contact_factor(0.2, 0.2, 0.88)
    (1.0, 0.0)
    """
    if electrolyte <= 0.0:
        msg = f"contact factor: a share of electrolyte of {electrolyte:g} must be above 0"
        raise StructureError(msg)
    reference = contact_share(reference_density, loosest)
    if reference == 0.0:
        msg = f"contact factor: a pellet of relative density {reference_density:g} is no denser than {loosest:g}"
        raise StructureError(msg)
    return contact_share(electrolyte / (electrolyte + pore), loosest) / reference


def by_class(
    mean: NDArray[np.float64],
    names: Sequence[str],
    largest: float,
    edges: Mapping[int, float],
    contacts: Mapping[frozenset[str], float],
) -> NDArray[np.float64]:
    """Conductances of faces with their contacts in series, by axis, class and class.

    Parameters
    ----------
    mean : array, shape (n, n)
        Without contacts, over the largest conductivity.
    names : sequence of str
        Phase of each class; the empty text for what does not conduct.
    largest : float
        S/m.
    edges : mapping of int to float
        Edge of a voxel along each axis, m.
    contacts : mapping
        S/m2, by pair of phases.
    """
    result = np.repeat(mean[None], 3, axis=0)
    for a, first in enumerate(names):
        for b, second in enumerate(names):
            conductance = contacts.get(frozenset((first, second))) if first and second and a != b else None
            if conductance is None or mean[a, b] == 0.0:
                continue
            for axis in range(3):
                result[axis, a, b] = 1.0 / (1.0 / mean[a, b] + largest / (conductance * edges[axis]))
    return result
