"""The closed form of the core-shell building block compared with the full-field solution of the same close packing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..design import Design
from ..electrode import positive_electrode
from ..errors import StructureError
from ..particle import CLOSE_PACKING, resistance_factor
from ..progress import Listener, Teller
from ..twin.conduction import TOLERANCE, transport
from ..twin.structure.additives import Dispersed
from ..twin.structure.build import assemble, close_packed
from ..twin.structure.coating import Shell
from ..twin.structure.packing import Isostatic, Pressing, Uniaxial
from ..twin.structure.targets import ACTIVE, ELECTROLYTE
from ..twin.structure.voxels import PORE, Phase, Structure
from ..version import __version__

BRUGGEMAN = 1.5
UNIT_CELL_VOXELS = 128
"""Voxels along the edge of a unit cell of the close packing; see `packing_unit_cell` for what that resolves."""


@dataclass(frozen=True)
class Point:
    """One composition and porosity: effective over true conductivity of the solid electrolyte.

    Attributes
    ----------
    core_fraction : float
        Active material over active material and solid electrolyte, by volume.
    porosity : float
    closed_form : float
        1/f of `solidstack.particle.resistance_factor`.
    bruggeman : float
        Volume fraction of the solid electrolyte to the power 1.5.
    uniaxial, isostatic : float
        Of the close packing pressed either way, full field, through the plane.
    """

    core_fraction: float
    porosity: float
    closed_form: float
    bruggeman: float
    uniaxial: float
    isostatic: float

    def to_dict(self) -> dict[str, float | None]:
        """Return the point as plain data: relative conductivities, and deviations of the closed form from them."""
        return {
            "core_vol_pct": 100.0 * self.core_fraction,
            "porosity_pct": 100.0 * self.porosity,
            "closed_form": self.closed_form,
            "bruggeman": self.bruggeman,
            "twin_uniaxial": self.uniaxial,
            "twin_isostatic": self.isostatic,
            "closed_form_deviation_pct": _deviation(self.closed_form, self.uniaxial),
            "bruggeman_deviation_pct": _deviation(self.bruggeman, self.uniaxial),
        }


def _deviation(value: float, reference: float) -> float | None:
    return 100.0 * (value / reference - 1.0) if reference > 0.0 else None


def packing_unit_cell(
    core_fraction: float, porosity: float, pressing: Pressing, *, voxels: int = UNIT_CELL_VOXELS
) -> Structure:
    """One unit cell of the cubic close packing of core-shell building blocks, pressed to a porosity.

    Parameters
    ----------
    core_fraction : float
        s, 0 to 1.
    porosity : float
        0 to 1.
    pressing : Pressing
    voxels : int
        Along the edge of the unit cell before pressing, at least 16. A shell needs about two to be resolved: at
        s = 0.74 it is 3.4 % of that edge, at s = 0.9 only 1.2 %.

    Returns
    -------
    Structure
        Periodic; phases pore, core and shell, of which the shell conducts 1 S/m. Sizes are relative (in m).
    """
    for name, value in (("core_fraction", core_fraction), ("porosity", porosity)):
        if not 0.0 < value < 1.0:
            msg = f"{name}: must be above 0 and below 1, not {value:g}"
            raise StructureError(msg)
    if voxels < 16:
        msg = f"voxels: {voxels} along a unit cell are too few; choose at least 16"
        raise StructureError(msg)
    core, shell = core_fraction * (1.0 - porosity), (1.0 - core_fraction) * (1.0 - porosity)
    # one unit cell along each axis, whatever the pressing makes of its edges
    packing = close_packed(1.0, (1e-9, 1e-9, 1e-9), core, shell, pressing)
    loose = (4.0 * np.pi / 6.0 / (core_fraction * CLOSE_PACKING)) ** (1.0 / 3.0)
    phases = {
        PORE: Phase(0, PORE, target=porosity),
        "core": Phase(1, ACTIVE, target=core),
        "shell": Phase(2, ELECTROLYTE, ionic_conductivity=1.0, target=shell),
    }
    notes = {"version": __version__, "pressing": type(pressing).__name__.lower()}
    rng = np.random.default_rng(0)
    return assemble(packing, loose / voxels, phases, Shell(), Dispersed(1.0), rng, notes)


def compare(
    design: Design,
    porosities: Sequence[float] | None = None,
    core_fractions: Sequence[float] | None = None,
    *,
    voxels: int = UNIT_CELL_VOXELS,
    tolerance: float = TOLERANCE,
    progress: Listener | None = None,
) -> list[Point]:
    """Compare the closed form with the full field over density and composition.

    Both leave out carbon and binder, as the closed form does; for the effect of a random packing, resolved carbon and
    a real thickness see `solidstack.twin.structure.build` and `solidstack.twin.conduction`.

    Parameters
    ----------
    design : Design
        A single one; its composition is the default.
    porosities : sequence of float, optional
        Default: 0.02 to 0.26.
    core_fractions : sequence of float, optional
        Default: that of the design and of the balance threshold.
    voxels : int
        Along the edge of a unit cell.
    tolerance : float
        Of the flux.
    progress : callable, optional
        Progress callback; counts structures.
    """
    _, positive = positive_electrode(design)
    if core_fractions is None:
        core_fractions = sorted({round(float(positive.core_fraction), 4), round(CLOSE_PACKING, 4)})
    if porosities is None:
        porosities = [*np.arange(0.02, 0.25, 0.03), 0.25, 0.255, 0.26]
    points = []
    cases = [(float(core), float(porosity)) for core in core_fractions for porosity in porosities]
    pressings: tuple[Pressing, ...] = (Uniaxial(), Isostatic())
    tell = Teller(progress, of=len(pressings) * len(cases))
    for number, (core, porosity) in enumerate(cases):
        full_field = []
        for at, pressing in enumerate(pressings, len(pressings) * number):
            tell(at, f"core {core:.3f}, porosity {porosity:.3f}, {type(pressing).__name__.lower()}")
            structure = packing_unit_cell(core, porosity, pressing, voxels=voxels)
            full_field.append(transport(structure, direction="x", tolerance=tolerance).x.relative_conductivity)
        shell = (1.0 - core) * (1.0 - porosity)
        factor: Any = resistance_factor(core, porosity)
        points.append(Point(core, porosity, float(1.0 / factor), shell**BRUGGEMAN, *full_field))
    return points
