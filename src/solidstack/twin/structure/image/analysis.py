"""What a segmented image consists of: profiles, connectivity, representative volume."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import StructureError
from ....progress import Listener, Teller
from ..formats import assumes_voxel
from ..voxels import AXES, Structure

LEAST_EDGE = 4
"""Edge of the smallest sub-volume, voxels."""
LEAST_COUNT = 4
"""Sub-volumes that a standard deviation needs."""


@dataclass(frozen=True)
class Profile:
    """Volume fractions of the phases in the slices along one axis.

    Parameters
    ----------
    position : array, shape (n,)
        Centres of the slices, m.
    fractions : dict of str to array, shape (n,)
        By phase.
    """

    position: NDArray[Any]
    fractions: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class RepresentativeVolume:
    """How much a phase's fraction differs between sub-volumes, against their size.

    Parameters
    ----------
    phase : str
    edge : array, shape (n,)
        Edges of the cubic sub-volumes, m, ascending.
    mean, standard_deviation : array, shape (n,)
        Of the fraction over the sub-volumes of a size.
    count : array of int, shape (n,)
        Sub-volumes of a size; they do not overlap.
    tolerance : float
        Standard deviation over mean that is allowed.
    sufficient_edge : float
        Edge from which on the spread is below the tolerance, m; NaN where no size of this volume reaches it.
    """

    phase: str
    edge: NDArray[np.float64]
    mean: NDArray[np.float64]
    standard_deviation: NDArray[np.float64]
    count: NDArray[np.int64]
    tolerance: float
    sufficient_edge: float


@dataclass(frozen=True)
class ImageAnalysis:
    """What is known of a segmented volume.

    Parameters
    ----------
    structure : Structure
    porosity : float
        NaN where no phase is named a pore.
    density : float
        By the true densities of the phases, kg/m3; NaN where one of them is unknown.
    connected : dict
        By phase: share of it that connects both faces along x, y, z.
    profiles : dict of str to Profile
        Along x, y, z.
    representative_volume : dict of str to RepresentativeVolume
        By phase; empty where the volume is too small.
    warnings : tuple of str
        What limits the figures.
    """

    structure: Structure
    porosity: float
    density: float
    connected: dict[str, tuple[float, float, float]]
    profiles: dict[str, Profile]
    representative_volume: dict[str, RepresentativeVolume]
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data in the units of the keys; null where undefined."""
        structure = self.structure
        return {
            "phases": {
                name: {
                    "label": phase.label,
                    "role": phase.role,
                    "vol_pct": _shown(structure.fraction(name), 0.01),
                    "density_g_cm3": _shown(phase.density, 1e3),
                }
                for name, phase in structure.phases.items()
            },
            "porosity_pct": _shown(self.porosity, 0.01),
            "density_g_cm3": _shown(self.density, 1e3),
            "shape": list(structure.shape),
            "voxel_um": [_shown(edge, 1e-6) for edge in structure.voxel],
            "voxel_assumed": assumes_voxel(structure),
            "size_um": [_shown(edge, 1e-6) for edge in structure.size],
            "connected_pct": {
                name: {axis: _shown(share, 0.01) for axis, share in zip(AXES, shares, strict=True)}
                for name, shares in self.connected.items()
            },
            "profiles": {
                axis: {
                    "position_um": _shown(profile.position, 1e-6),
                    "vol_pct": {name: _shown(values, 0.01) for name, values in profile.fractions.items()},
                }
                for axis, profile in self.profiles.items()
            },
            "representative_volume": {
                name: {
                    "edge_um": _shown(volume.edge, 1e-6),
                    "mean_vol_pct": _shown(volume.mean, 0.01),
                    "standard_deviation_vol_pct": _shown(volume.standard_deviation, 0.01),
                    "count": volume.count.tolist(),
                    "tolerance_pct": _shown(volume.tolerance, 0.01),
                    "sufficient_edge_um": _shown(volume.sufficient_edge, 1e-6),
                }
                for name, volume in self.representative_volume.items()
            },
            "segmentation": next(
                (step for step in structure.provenance.get("history", []) if step["step"] == "segment"), None
            ),
            "warnings": list(self.warnings),
        }


def _shown(value: Any, unit: float) -> Any:
    """Number or list in a unit, with the noise of the last digits rounded away; None where undefined."""
    if value is None or isinstance(value, np.ndarray):
        return None if value is None else [_shown(element, unit) for element in value]
    return float(f"{value / unit:.12g}") if math.isfinite(value) else None


def profile(structure: Structure, axis: int) -> Profile:
    """Volume fractions of the phases in the slices along an axis (0, 1, 2 for x, y, z)."""
    fractions = {}
    for name, phase in structure.phases.items():
        if axis == 0:
            counts = np.array([np.count_nonzero(plane == phase.label) for plane in structure.labels])
        else:
            counts = np.sum([np.count_nonzero(plane == phase.label, axis=2 - axis) for plane in structure.labels], 0)
        fractions[name] = counts * structure.shape[axis] / structure.labels.size
    return Profile((np.arange(structure.shape[axis]) + 0.5) * structure.voxel[axis], fractions)


def representative_volume(
    structure: Structure, phase: str, *, n_sizes: int = 8, seed: int = 0, tolerance: float = 0.05
) -> RepresentativeVolume:
    """Fraction of a phase in sub-volumes of growing size, and the size at which it no longer varies much.

    The volume is cut into as many cubes of a size as fit, side by side, from a random corner. Of a structure without
    order the standard deviation falls with the edge to the power -3/2.

    Parameters
    ----------
    structure : Structure
    phase : str
    n_sizes : int
        Sizes, from 4 voxels to the largest of which 4 fit; at least 2.
    seed : int
        Of the corner.
    tolerance : float
        Allowed standard deviation over mean, above 0.

    Raises
    ------
    StructureError
        An unknown or absent phase, fewer than 2 sizes, a tolerance not above 0, or a volume that is too small.
    """
    label = structure.label(phase)
    if not structure.fraction(phase):
        msg = f'there is no voxel of the phase "{phase}"'
        raise StructureError(msg)
    if n_sizes < 2 or not tolerance > 0.0:
        msg = (
            f"a representative volume needs at least 2 sizes and a tolerance above 0; received {n_sizes}, {tolerance:g}"
        )
        raise StructureError(msg)
    edges = _edges(structure, n_sizes)
    random = np.random.default_rng(seed)
    means, spreads, counts = [], [], []
    for edge in edges:
        cube = [max(1, round(edge / own)) for own in structure.voxel]
        fits = [count // side for count, side in zip(structure.shape, cube, strict=True)]
        starts = [
            int(random.integers(count - fit * side + 1))
            for count, fit, side in zip(structure.shape, fits, cube, strict=True)
        ]
        window = tuple(slice(start, start + fit * side) for start, fit, side in zip(starts, fits, cube, strict=True))
        inside = structure.labels[window]
        sums = np.zeros(fits)
        for x, plane in enumerate(inside):
            blocks = (plane == label).reshape(fits[1], cube[1], fits[2], cube[2])
            sums[x // cube[0]] += np.count_nonzero(blocks, axis=(1, 3))
        fractions = sums / math.prod(cube)
        means.append(fractions.mean())
        spreads.append(fractions.std(ddof=1))
        counts.append(fractions.size)
    mean, spread = np.array(means), np.array(spreads)
    enough = _first_below(edges, spread / np.maximum(mean, 1e-300), tolerance)
    return RepresentativeVolume(phase, edges, mean, spread, np.array(counts), tolerance, enough)


def _edges(structure: Structure, count: int) -> NDArray[np.float64]:
    """Edges of sub-volumes, m: geometric from 4 voxels to the largest of which 4 fit."""
    step = max(structure.voxel)

    def fits(edge: float) -> int:
        return math.prod(
            n // max(1, round(edge / own)) for n, own in zip(structure.shape, structure.voxel, strict=True)
        )

    sizes = [n for n in range(LEAST_EDGE, max(structure.shape) + 1) if fits(n * step) >= LEAST_COUNT]
    if len(sizes) < 2:
        listed = " x ".join(str(n) for n in structure.shape)
        msg = (
            f"a volume of {listed} voxels is too small for a representative volume: "
            f"{LEAST_COUNT} cubes of {LEAST_EDGE + 1} voxels must fit"
        )
        raise StructureError(msg)
    return np.unique(np.rint(np.geomspace(sizes[0], sizes[-1], count))) * step


def _first_below(edges: NDArray[np.float64], spread: NDArray[np.float64], tolerance: float) -> float:
    """Edge from which on the relative spread is below the tolerance; between two sizes by their power law."""
    above = np.flatnonzero(spread >= tolerance)
    if not len(above):
        return float(edges[0])
    last = int(above[-1])
    if last == len(edges) - 1:
        return math.nan
    if spread[last + 1] <= 0.0:
        return float(edges[last + 1])
    place = math.log(spread[last] / tolerance) / math.log(spread[last] / spread[last + 1])
    return float(edges[last] * (edges[last + 1] / edges[last]) ** place)


def analyse(
    structure: Structure, *, seed: int = 0, tolerance: float = 0.05, progress: Listener | None = None
) -> ImageAnalysis:
    """Fractions, porosity, density, profiles with depth, connected shares and representative volumes.

    Parameters
    ----------
    structure : Structure
        Segmented from an image, or generated.
    seed : int
        Of the representative volumes.
    tolerance : float
        Of the representative volumes: allowed standard deviation over mean.
    progress : callable, optional
        Progress callback.
    """
    from ..connectivity import connected_share

    present = [name for name in structure.phases if structure.fraction(name)]
    parts = 2 * len(present) + 1
    warnings = []
    if assumes_voxel(structure):
        warnings.append("the voxel size is not known; 1 um is assumed, and lengths scale with it. State the voxel size")
    if not structure.with_role("pore"):
        warnings.append("no phase is named a pore, so the porosity is not known. Name the phases")

    tell = Teller(progress, of=parts, what="analyse")
    profiles = {axis: profile(structure, index) for index, axis in enumerate(AXES)}
    tell(1)
    connected: dict[str, tuple[float, float, float]] = {}
    volumes: dict[str, RepresentativeVolume] = {}
    for index, name in enumerate(present):
        x, y, z = (connected_share(structure, name, axis) for axis in range(3))
        connected[name] = x, y, z
        tell(2 * index + 2)
        try:
            volumes[name] = representative_volume(structure, name, seed=seed, tolerance=tolerance)
        except StructureError as error:  # the volume is too small, which all phases share
            warnings = list(dict.fromkeys([*warnings, str(error)]))
        tell(2 * index + 3)
    porosity = structure.porosity if structure.with_role("pore") else math.nan
    return ImageAnalysis(structure, porosity, structure.density, connected, profiles, volumes, tuple(warnings))
