"""Everything that is measured of the phases of a structure."""

import math
from dataclasses import dataclass
from typing import Any

from ...kernels.geometry import surface
from .connectivity import ROLES, connected_share, isolated_share
from .distributions import Sizes, chord_lengths, size_distribution
from .interfaces import areas_of, kinds_of, ratio, volume_of
from .voxels import AXES, Structure, Vector


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
    areas = areas_of(structure, kinds_of(*labels, rest=surface.IGNORED), len(present)) / volume_of(structure)
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
    return Metrics(phases, interfaces, am_se, ratio(am_se, touching("active-material")), isolated_share(structure))
