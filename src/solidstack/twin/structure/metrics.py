"""What a structure is like inside: connected shares, interfaces, coverage, chords, sizes.

A phase is given by its name, its label, or a role, which stands for all phases that have it. Where there is nothing to
measure (an empty phase, no interface), the value is NaN, and null in JSON. x = 0 is the membrane's side of an electrode
and its other end is the collector's.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import StructureError
from ...kernels.geometry import flood, surface
from .voxels import AXES, LARGEST_LABEL, Structure, Vector

Which = str | int | Sequence[str | int]
ROLES = ("active-material", "conductive-additive", "binder", "solid-electrolyte", "", "pore")
"""Whose surface gives the normal where two phases meet: the earlier one's, for particles are smooth."""

PERCENTILES = (10.0, 50.0, 90.0)


def labels_of(structure: Structure, which: Which) -> list[int]:
    """Labels of a phase, of a role (which no phase may have), or of several of them."""
    if isinstance(which, str) and which in ROLES and which not in structure.phases:
        return sorted(structure.phases[name].label for name in structure.with_role(which))
    if isinstance(which, str | int):
        return [structure.label(which)]
    return sorted({label for one in which for label in labels_of(structure, one)})


def _table(labels: Sequence[int]) -> NDArray[np.bool_]:
    """Look-up table: which labels are meant."""
    table = np.zeros(LARGEST_LABEL + 1, np.bool_)
    table[list(labels)] = True
    return table


def _count(structure: Structure, labels: Sequence[int]) -> int:
    return int(structure.counts[list(labels)].sum())


def connected_share(structure: Structure, phase: Which, axis: int) -> float:
    """Share of a phase's voxels in clusters that connect both faces along an axis.

    Voxels are neighbours through faces. Across the other two axes a cluster goes on where the structure is periodic.

    Parameters
    ----------
    structure : Structure
    phase : name, label, role or several
        Taken together: a cluster may use all of them.
    axis : int
        0, 1 or 2 for x, y, z.

    Returns
    -------
    float
        0 to 1; NaN where there is no such voxel.

    Examples
    --------
    >>> import numpy as np
    >>> from solidstack.twin.structure.voxels import Phase, Structure
    >>> labels = np.zeros((4, 4, 4)); labels[:, :2, :] = 1
    >>> half = Structure(labels, {"pore": Phase(0, "pore"), "SE": Phase(1)}, voxel=(1e-6, 1e-6, 1e-6))
    >>> [connected_share(half, "SE", axis) for axis in range(3)]
    [1.0, 0.0, 1.0]
    """
    labels = labels_of(structure, phase)
    total = _count(structure, labels)
    if not total:
        return math.nan
    y, z = (index for index in range(3) if index != axis)
    active = np.moveaxis(_table(labels)[structure.labels], axis, 0)
    reached = flood.connected_through(active, structure.periodic[y], structure.periodic[z])
    return float(np.count_nonzero(reached) / total)


def isolated_share(
    structure: Structure,
    phase: Which = "active-material",
    *,
    through: Which = ("active-material", "conductive-additive"),
) -> float:
    """Share of a phase without a path to the collector (the last plane of x).

    Parameters
    ----------
    structure : Structure
    phase : name, label, role or several
    through : name, label, role or several
        What a path may use besides the phase: for electrons the active material and the conductive additive.

    Returns
    -------
    float
        0 to 1; NaN where there is no such voxel.
    """
    labels = labels_of(structure, phase)
    total = _count(structure, labels)
    if not total:
        return math.nan
    active = _table([*labels, *labels_of(structure, through)])[structure.labels]
    reached = flood.touching_face(active, structure.periodic[1], structure.periodic[2], False)
    # plane by plane: the joint mask of a whole volume is not needed
    own = _table(labels)
    planes = zip(structure.labels, reached.view(np.bool_), strict=True)
    joined = sum(int(np.count_nonzero(own[plane] & there)) for plane, there in planes)
    return float(1.0 - joined / total)


def _kinds(*groups: Sequence[int], rest: int) -> NDArray[np.uint8]:
    """Class of each label: that of its group, else `rest`."""
    table = np.full(LARGEST_LABEL + 1, rest, np.uint8)
    for kind, labels in enumerate(groups):
        table[list(labels)] = kind
    return table


def _windows(structure: Structure, axis: int) -> tuple[NDArray[Any], ...]:
    """Windows along x, y, z for faces along an axis, in arrays of one length, and the voxel's edges."""
    tables = [
        surface.windows(count, periodic, here == axis)
        for here, (count, periodic) in enumerate(zip(structure.shape, structure.periodic, strict=True))
    ]
    longest = max(structure.shape)
    joined = (
        np.stack([np.pad(table, ((0, longest - len(table)), (0, 0))) for table in column])
        for column in zip(*tables, strict=True)
    )
    return *joined, np.array(structure.voxel) / min(structure.voxel)


def _face(voxel: Vector, axis: int) -> float:
    """Area of a voxel's face along an axis, m2."""
    return math.prod(voxel) / voxel[axis]


def _areas(structure: Structure, kind: NDArray[np.uint8], kinds: int) -> NDArray[np.float64]:
    """Area between each pair of classes, m2, at [lower, higher]."""
    total = np.zeros((kinds, kinds))
    for axis, periodic in enumerate(structure.periodic):
        found = surface.interface(structure.labels, kind, kinds, axis, periodic, *_windows(structure, axis))
        total += found * _face(structure.voxel, axis)
    return total


def _volume(structure: Structure) -> float:
    return math.prod(structure.size)


def _two(structure: Structure, a: Which, b: Which) -> tuple[list[int], list[int]]:
    first, second = labels_of(structure, a), labels_of(structure, b)
    both = sorted(set(first) & set(second))
    if both:
        msg = f"an interface lies between different phases; {structure.name(both[0])} is on both sides of this one"
        raise StructureError(msg)
    return first, second


def specific_interface(structure: Structure, a: Which, b: Which) -> float:
    """Area of the interface between two phases per volume.

    Every voxel face between them counts with |n . e| of its area: e is the direction of the face, n the normal of the
    surface of `a` there, smoothed over 3 voxels to either side (`solidstack.kernels.geometry.surface`). A plain count
    of the
    faces of a sphere gives 3/2 of its area; this is 0.4 % high at a radius of 20 voxels, 1 % at 8, 2.4 % at 5 (cubes;
    0.9 % at 20 where one edge is twice the others). A tilted plane is up to 1.8 % high, or 6 % where the edges differ
    by a factor of 4. Name the phase with the smooth surface first: where three phases meet, its normal is right and
    that of the others is not.

    What is sharper or thinner than the smoothing comes out low: a cube of 40 voxels along the axes, whose plain count
    is exact, by 2.5 %, one of 10 voxels by 10 %; sheets of `a` 2 voxels thick and as strongly curved by 10 %. The
    volume's own faces are no interface, except between opposite sides that a periodic structure joins.

    Parameters
    ----------
    structure : Structure
    a, b : name, label, role or several
        Without a phase in common.

    Returns
    -------
    float
        m2 per m3 of the whole volume.

    Raises
    ------
    StructureError
        A phase is unknown, or on both sides.
    """
    first, second = _two(structure, a, b)
    kind = _kinds(first, second, rest=surface.IGNORED)
    return float(_areas(structure, kind, 2)[0, 1] / _volume(structure))


@dataclass(frozen=True)
class Faces:
    """Voxel faces along one axis between two phases a and b.

    Parameters
    ----------
    axis : int
    voxel : array of int64, shape (n,)
        Flat index of the voxel before the face; the other one is next along the axis, or first at a periodic end.
    a_before : array of bool, shape (n,)
        Whether the voxel before the face is the one of phase a.
    area : array of float32, shape (n,)
        m2; over all axes they sum to the area of the interface.
    """

    axis: int
    voxel: NDArray[np.int64]
    a_before: NDArray[np.bool_]
    area: NDArray[np.float32]


def face_weights(structure: Structure, a: Which, b: Which) -> tuple[Faces, Faces, Faces]:
    """List the faces between two phases along x, y, z with their areas; see `specific_interface`.

    Takes 13 bytes for each face. Ordered by the voxel before the face.
    """
    first, second = _two(structure, a, b)
    kind = _kinds(first, second, rest=surface.IGNORED)

    def along(axis: int) -> Faces:
        given = (structure.labels, kind, axis, structure.periodic[axis], *_windows(structure, axis))
        lists: tuple[Any, ...] = (np.empty(0, np.int64), np.empty(0, np.bool_), np.empty(0, np.float32))
        listed: Any = surface.faces
        count = listed(*given, np.zeros(structure.shape[0], np.int64), *lists)
        total = int(count.sum())
        voxel, before, share = (np.empty(total, part.dtype) for part in lists)
        if total:
            listed(*given, np.cumsum(count) - count, voxel, before, share)
        return Faces(axis, voxel, before, share * np.float32(_face(structure.voxel, axis)))

    x, y, z = (along(axis) for axis in range(3))
    return x, y, z


def coverage(structure: Structure, of: Which = "active-material", by: Which = "solid-electrolyte") -> float:
    """Share of a phase's surface that touches another, 0 to 1; NaN where the phase has no surface."""
    first, second = _two(structure, of, by)
    areas = _areas(structure, _kinds(first, second, rest=2), 3)
    return _ratio(float(areas[0, 1]), float(areas[0, 1] + areas[0, 2]))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


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
    counts, ends = surface.chords(view, _table(labels), structure.periodic[axis])
    by_length = counts.sum(axis=0)
    lengths = np.flatnonzero(by_length)
    mean = _ratio(2.0 * _count(structure, labels) * edge, float(ends.sum()))
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
    wanted = _table(labels_of(structure, phase))
    total = int(structure.counts[wanted].sum())
    nothing = np.empty(0)
    if total in (0, structure.labels.size):
        return Sizes(nothing, nothing, math.nan, math.nan, math.nan)
    edge = min(structure.voxel)
    longest = np.float32(4.0 * sum((size / edge) ** 2 for size in structure.size))
    inside = np.empty(structure.shape, np.float32)
    for plane, labels in zip(inside, structure.labels, strict=True):
        plane[...] = wanted[labels] * longest
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


@dataclass(frozen=True)
class PhaseMetrics:
    """What is measured of one phase; values as from the functions of this module, SI, NaN where undefined.

    Parameters
    ----------
    volume : float
        Volume fraction.
    connected : (float, float, float)
        `connected_share` along x, y, z.
    mean_chord : (float, float, float)
        Of `chord_lengths`, m.
    sizes : Sizes or None
        None where it was not asked for.
    """

    volume: float
    connected: Vector
    mean_chord: Vector
    sizes: Sizes | None


@dataclass(frozen=True)
class Metrics:
    """What is measured of a structure; SI, NaN where undefined.

    Parameters
    ----------
    phases : dict of str to PhaseMetrics
    interfaces : dict of (str, str) to float
        `specific_interface` of each pair of phases, 1/m.
    am_se_interface : float
        Between all active material and all solid electrolyte, 1/m.
    am_coverage : float
        `coverage` of the active material by the solid electrolyte.
    isolated_am : float
        `isolated_share` of the active material.
    """

    phases: dict[str, PhaseMetrics]
    interfaces: dict[tuple[str, str], float]
    am_se_interface: float
    am_coverage: float
    isolated_am: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: each number in the unit of its key's suffix, None where undefined."""

        def each(values: Vector, factor: float) -> dict[str, float | None]:
            return {axis: _shown(value, factor) for axis, value in zip(AXES, values, strict=True)}

        def of(phase: PhaseMetrics) -> dict[str, Any]:
            shown: dict[str, Any] = {
                "volume_pct": _shown(phase.volume, 100.0),
                "connected_pct": each(phase.connected, 100.0),
                "mean_chord_um": each(phase.mean_chord, 1e6),
            }
            if phase.sizes is not None:
                percentiles = ("d10", "d50", "d90")
                shown["size_um"] = {name: _shown(getattr(phase.sizes, name), 1e6) for name in percentiles}
            return shown

        return {
            "phases": {name: of(phase) for name, phase in self.phases.items()},
            "interfaces_m2_per_m3": {" | ".join(pair): _shown(area, 1.0) for pair, area in self.interfaces.items()},
            "am_se_interface_m2_per_m3": _shown(self.am_se_interface, 1.0),
            "am_coverage_pct": _shown(self.am_coverage, 100.0),
            "isolated_am_pct": _shown(self.isolated_am, 100.0),
        }


def _shown(value: float, factor: float) -> float | None:
    return value * factor if math.isfinite(value) else None


def measure(structure: Structure, *, sizes: bool = True) -> Metrics:
    """Measure every phase in every direction, and every interface.

    Parameters
    ----------
    structure : Structure
    sizes : bool
        Measure `size_distribution` too, which takes most of the time.

    Returns
    -------
    Metrics
        An empty phase has zero volume and interface, and NaN elsewhere.
    """
    rank = {role: place for place, role in enumerate(ROLES)}
    names = sorted(structure.phases, key=lambda name: rank.get(structure.phases[name].role, rank[""]))
    present = [name for name in names if structure.fraction(name)]
    labels = [[structure.label(name)] for name in present]
    areas = _areas(structure, _kinds(*labels, rest=surface.IGNORED), len(present)) / _volume(structure)
    interfaces = {
        (present[low], present[high]): float(areas[low, high])
        for low in range(len(present))
        for high in range(low + 1, len(present))
    }

    def touching(role: str, other: str | None = None) -> float:
        """Sum the interfaces of a role with another role, or with all that is not of it."""
        own = set(structure.with_role(role))
        rest = set(present) - own if other is None else set(structure.with_role(other))
        return sum(area for pair, area in interfaces.items() if len(own & set(pair)) == 1 and rest & set(pair))

    am_se = touching("active-material", "solid-electrolyte")
    phases = {}
    for name in structure.phases:
        x, y, z = (connected_share(structure, name, axis) for axis in range(3))
        chords = [chord_lengths(structure, name, axis).mean for axis in range(3)]
        phases[name] = PhaseMetrics(
            structure.fraction(name),
            (x, y, z),
            (chords[0], chords[1], chords[2]),
            size_distribution(structure, name) if sizes else None,
        )
    return Metrics(phases, interfaces, am_se, _ratio(am_se, touching("active-material")), isolated_share(structure))
