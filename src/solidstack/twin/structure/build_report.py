"""What a built structure was meant to be, and what it is."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .connectivity import connected_share
from .interfaces import coverage, specific_interface
from .targets import ACTIVE, ADDITIVE, BINDER, ELECTROLYTE, FILM_VOXELS
from .voxels import AXES, PORE, Structure

MUCH_OVERLAP = 0.02
"""Share of the particles' volume in overlaps above which the report warns."""


@dataclass(frozen=True)
class BuildReport:
    """What was asked for and what the structure has."""

    structure: Structure

    @cached_property
    def film(self) -> float:
        """Volume of the solid electrolyte over the surface of the active material, m; NaN without either."""
        structure = self.structure
        roles = [role for role in (PORE, ELECTROLYTE, ADDITIVE, BINDER) if structure.with_role(role)]
        surface = sum(specific_interface(structure, ACTIVE, role) for role in roles)
        volume = structure.fraction(*structure.with_role(ELECTROLYTE))
        return volume / surface if surface > 0.0 and volume > 0.0 else math.nan

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What an expert would point out."""
        warnings = []
        film, edge = self.film, max(self.structure.voxel)
        if film < FILM_VOXELS * edge:
            warnings.append(
                f"the solid electrolyte is a film of {film * 1e6:.2g} um on the particles, {film / edge:.1f} voxels: "
                f"its conduction is not resolved; use voxels of at most {film / FILM_VOXELS * 1e6:.2g} um"
            )
        overlap = self.structure.provenance.get("overlap_volume_fraction", 0.0)
        if overlap > MUCH_OVERLAP:
            warnings.append(
                f"{100 * overlap:.1f} % of the particles' volume overlaps: this much active material fits only with "
                f"deformed particles; use a wider size distribution"
            )
        return tuple(warnings)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, with units in the keys; percentages are of the whole volume."""
        structure = self.structure
        notes = structure.provenance
        return {
            "phases": {
                name: {
                    "target_vol_pct": None if phase.target is None else 100.0 * phase.target,
                    "reached_vol_pct": 100.0 * structure.fraction(name),
                    "connected_pct": {
                        axis: 100.0 * connected_share(structure, name, index) for index, axis in enumerate(AXES)
                    },
                }
                for name, phase in structure.phases.items()
            },
            "porosity_pct": 100.0 * structure.porosity,
            "density_g_cm3": finite(structure.density / 1e3),
            "target_density_g_cm3": notes["target_density_kg_m3"] / 1e3,
            "thickness_um": structure.size[0] * 1e6,
            "target_thickness_um": notes["target_thickness_m"] * 1e6,
            "size_um": [edge * 1e6 for edge in structure.size],
            "particles": notes["particles"],
            "overlap_vol_pct": 100.0 * notes["overlap_volume_fraction"],
            "worst_overlap_pct_of_diameter": 100.0 * notes["worst_overlap"],
            "am_se_interface_m2_per_m3": finite(specific_interface(structure, ACTIVE, ELECTROLYTE)),
            "electrolyte_film_um": finite(self.film * 1e6),
            "am_coverage_pct": finite(100.0 * coverage(structure)),
            "shape": list(structure.shape),
            "voxel_um": [edge * 1e6 for edge in structure.voxel],
            "seed": notes["seed"],
            "warnings": list(self.warnings),
        }


def finite(value: float) -> float | None:
    """Return a finite number, or None."""
    return value if math.isfinite(value) else None
