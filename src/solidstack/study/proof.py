"""The proof of a design: its sheet, maps, digital twin, and simulated charge and discharge."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..design import Design
from ..maps import KINDS, design_map
from ..progress import Listener, Teller
from ..sheet import Sheet, evaluate
from .extrapolation import COARSER, Extrapolated, extrapolated

if TYPE_CHECKING:  # numba and xarray
    import xarray as xr

    from ..twin.conduction import Transport
    from ..twin.structure.build_report import BuildReport
    from ..twin.structure.voxels import Structure
    from .simulation import Cycle


@dataclass(frozen=True)
class Twin:
    """The digital twin of a design.

    Attributes
    ----------
    structure : Structure
    report : BuildReport
        Fractions reached, connection, density.
    transport : Transport
        Ionic conduction along x (through-plane), y and z.
    conductivity : Extrapolated
        Effective, through the plane, at vanishing voxels, S/m.
    """

    structure: "Structure"
    report: "BuildReport"
    transport: "Transport"
    conductivity: Extrapolated


@dataclass(frozen=True)
class Proof:
    """What is known of a design: what `solidstack run` computes and a report shows.

    Attributes
    ----------
    sheet : Sheet
        With the figures of the twin and of the simulated discharge, where there are any.
    maps : mapping of str to xarray.Dataset
        By the kinds of `solidstack.maps.KINDS`; empty where not asked for.
    twin : Twin or None
    cycle : Cycle or None
    """

    sheet: Sheet
    maps: Mapping[str, "xr.Dataset"] = field(default_factory=dict)
    twin: Twin | None = None
    cycle: "Cycle | None" = None

    @property
    def design(self) -> Design:
        """The design."""
        return self.sheet.design

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of the sheet and of the twin's structure."""
        return (*self.sheet.warnings, *(() if self.twin is None else self.twin.report.warnings))


def prove(
    design: Design,
    *,
    size: str | None = None,
    voxel: str | None = None,
    twin: bool = True,
    cycle: bool = True,
    maps: bool = True,
    progress: Listener | None = None,
) -> Proof:
    """Evaluate a design, map it, build its digital twin, and charge and discharge it.

    Parameters
    ----------
    design : Design
        A single design.
    size, voxel : str, optional
        Of the twin, as in `solidstack.twin.structure.build`; default: what the design's [twin] table says, else a few
        million voxels.
    twin : bool
        Whether to build the digital twin; it needs Numba.
    cycle : bool
        Whether to charge and discharge it; without a twin there is no cycle.
    maps : bool
        Whether to compute the maps.
    progress : callable, optional
        Progress callback.

    Returns
    -------
    Proof

    Raises
    ------
    SolidstackError
        The design cannot be evaluated, or its twin cannot be built. Where only the cycle is not possible, its notes
        give the reason.
    """
    tell = Teller(progress)
    tell(0.0, "design sheet")
    sheet, built, cycled = evaluate(design), None, None
    if twin:
        built = build_twin(design, size=size, voxel=voxel, progress=tell.part(0.0, 0.3, "digital twin: "))
        if cycle:
            from .simulation import simulated_cycle

            cycled = simulated_cycle(
                design, built.structure, conductivity=built.conductivity, progress=tell.part(0.3, 0.65)
            )
        sheet = evaluate(
            design,
            effective_conductivity=built.conductivity.value,
            conductivity_error=built.conductivity.error,
            simulated=None if cycled is None else cycled.simulated,
        )
    start = 0.95 if twin else 0.0
    grids = {}
    for number, kind in enumerate(KINDS if maps else ()):
        tell(start + (1.0 - start) * number / len(KINDS), f"map: {kind}")
        grids[kind] = design_map(design, kind=kind)
    return Proof(sheet, grids, built, cycled)


def build_twin(
    design: Design, *, size: str | None = None, voxel: str | None = None, progress: Listener | None = None
) -> Twin:
    """Build the twin of a design and solve for its ionic conduction in all directions.

    Parameters
    ----------
    design, size, voxel
        See `prove`.
    progress : callable, optional
        Progress callback.
    """
    from ..twin import BuildReport, build, transport

    tell = Teller(progress)
    structure = build(design, size=size, voxel=voxel, progress=tell.part(0.0, 0.6))
    conduction = transport(structure, progress=tell.part(0.6, 0.2, what="conduction"))
    edge = COARSER * max(structure.voxel)
    coarse = build(design, size=size, voxel=edge, progress=tell.part(0.8, 0.1, what="coarser voxels"))
    through = transport(coarse, direction="x", progress=tell.part(0.9, 0.1, what="conduction, coarser voxels"))
    found = extrapolated(conduction.x.conductivity, through.x.conductivity, COARSER)
    return Twin(structure, BuildReport(structure), conduction, found)
