"""What a built structure was meant to be, and what it is."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import StructureError
from ...particle import CLOSE_PACKING
from .connectivity import connected_share
from .interfaces import coverage, specific_interface
from .targets import ACTIVE, ADDITIVE, BINDER, ELECTROLYTE, FILM_VOXELS
from .voxels import AXES, PORE, Structure

SLAB = 5e-6
"""Thickness of the slabs over which shares are compared, m."""
MARGIN = 0.03
"""Of the porosity, to that of the percolation threshold: nearer to it, contacts of blocks are smaller than a voxel."""
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
    def variation(self) -> dict[str, dict[str, float]]:
        """Standard deviation of each phase's share over the planes along x, y and z, and over slabs of 5 um along x."""
        structure = self.structure
        count = max(1, round(SLAB / structure.voxel[0]))
        found = {}
        for name, phase in structure.phases.items():
            mask = structure.labels == phase.label
            planes = [mask.mean(axis=tuple(other for other in range(3) if other != axis)) for axis in range(3)]
            whole = len(planes[0]) // count * count
            slabs = planes[0][:whole].reshape(-1, count).mean(axis=1) if whole else planes[0]
            found[name] = {axis: float(np.std(planes[index])) for index, axis in enumerate(AXES)}
            found[name]["slabs"] = float(np.std(slabs))
        return found

    def refuse_cracks(self) -> None:
        """Refuse a structure with an empty plane, or whose electrolyte is cut although it should connect.

        It should where the building blocks of the design touch (beyond the percolation threshold by a margin), and
        where its film is resolved by two voxels; below, `warnings` tells.

        Raises
        ------
        StructureError
        """
        structure = self.structure
        for index, axis in enumerate(AXES):
            solid = (structure.labels != structure.label(PORE)).any(axis=tuple(i for i in range(3) if i != index))
            if not solid.all():
                place = (int(np.argmin(solid)) + 0.5) * structure.voxel[index]
                msg = (
                    f"the plane at {axis} = {1e6 * place:.3g} um is empty: the packing has a crack; nothing conducts "
                    "through it. Make it wider (--size, several particles), or take another seed"
                )
                raise StructureError(msg)
        electrolyte = structure.with_role(ELECTROLYTE)
        should = structure.porosity < 1.0 - CLOSE_PACKING - MARGIN and self.film >= FILM_VOXELS * max(structure.voxel)
        if electrolyte and should and connected_share(structure, tuple(electrolyte), 0) == 0.0:
            msg = (
                "the solid electrolyte does not connect from the membrane to the collector, although the density is "
                "beyond the percolation threshold: a gap in the packing cuts it. Make the structure wider (--size, "
                "several particles), or take another seed"
            )
            raise StructureError(msg)

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
                    "standard_deviation_vol_pct": {
                        where: 100.0 * share for where, share in self.variation[name].items()
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
