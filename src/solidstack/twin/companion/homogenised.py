"""The homogenised model: the same electrode as a porous-electrode half-cell in PyBaMM.

A lithium electrode, the membrane and the positive electrode as a homogeneous medium (`solidstack.twin.effective`) are
PyBaMM's half-cell, model DFN (or SPMe), with a solid electrolyte in the place of the liquid: its volume fraction is
the "porosity", and a transference number of 1 is a single-ion conductor.

What the homogenised model leaves out: blends of active materials, salt in a membrane of another electrolyte, and that
the electronic conductivity of a medium is not linear in that of its active material.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ...design import Design, Protocol, default_protocol
from ...electrode import rated_one_c
from ...errors import DesignError, StructureError
from ...kinetics import CellParameters, cell_parameters
from ...progress import Listener
from ...version import __version__
from ..effective import Effective, only_active
from ..results import Run
from ..rows import check_interval
from .control import EDGE
from .course import Course
from .half_cell import HalfCell, Mesh
from .half_cell_equations import MODELS, Model, load_pybamm
from .scaling import Cell


class HomogenisedModel:
    """PyBaMM models, built when first needed and then used again.

    A model holds for any thickness, loading, composition, conductivity, exchange current, current and temperature.
    Another curve of the active material, another kind of electrolyte (with or without salt), or a resistance at the
    interface where there was none make another one.

    Parameters
    ----------
    model : str
        DFN or SPMe.
    mesh : Mesh, optional
    tolerance : float
        Relative, of the integration in time; 1e-10 to 1e-2.

    Raises
    ------
    StructureError
        Unknown model or tolerance out of bounds, or PyBaMM is not installed.
    """

    def __init__(self, model: Model = "DFN", mesh: Mesh | None = None, tolerance: float = 1e-5) -> None:
        if model not in MODELS:
            msg = f'model "{model}" is not recognised; choose from {", ".join(MODELS)}'
            raise StructureError(msg)
        if not 1e-10 <= tolerance <= 1e-2:
            msg = f"tolerance: {tolerance:g} must be between 1e-10 and 1e-2 (1e-5 is usual)"
            raise StructureError(msg)
        self.model: Model = model
        self.mesh = mesh or Mesh()
        self.tolerance = tolerance
        self._built: dict[Any, HalfCell] = {}

    @property
    def models(self) -> int:
        """Number of models that were built."""
        return len(self._built)

    def run(
        self,
        design: Design,
        protocol: Protocol | None = None,
        *,
        effective: Effective | None = None,
        parameters: CellParameters | None = None,
        initial_stoichiometry: float | None = None,
        output_interval: float | None = None,
        progress: Listener | None = None,
    ) -> Run:
        """Run a protocol; see `simulate`."""
        if not design.is_single:
            msg = f"has arrays of shape {design.shape}; pass single designs, which `spread` makes of it"
            raise DesignError(msg)
        parameters = parameters or cell_parameters(design)
        active = only_active(parameters)
        effective = effective or Effective.from_design(design, parameters)
        protocol = protocol or design.protocol or default_protocol(parameters.voltage_window)
        start = active.as_made_stoichiometry if initial_stoichiometry is None else initial_stoichiometry
        if not EDGE < start < 1.0 - EDGE:
            msg = f"initial_stoichiometry is {start:g}; it must be between {EDGE:g} and {1.0 - EDGE:g}"
            raise StructureError(msg)
        as_made = initial_stoichiometry is None
        cell = Cell(effective, parameters, active, start, float(rated_one_c(design)), as_made)
        notes = {
            "version": __version__,
            "design": design.name,
            "fingerprint": design.fingerprint(),
            "model": f"PyBaMM {load_pybamm().__version__} {self.model}",
            "mesh": [self.mesh.electrode, self.mesh.membrane, self.mesh.particle],
            "tolerance": self.tolerance,
            "effective": effective.to_dict(),
            "initial_stoichiometry": start,
            "warnings": [*parameters.warnings, *cell.warnings],
        }
        actions = protocol.actions()
        check_interval(output_interval, actions, cell.area_charge, effective.active_loading, cell.one_c)
        course = Course(lambda temperature: self.built(cell, temperature), cell, actions, output_interval)
        return course.run(f"PyBaMM {self.model}", notes, progress)

    def built(self, cell: Cell, temperature: float) -> HalfCell:
        """Return the half-cell of PyBaMM for a cell, built before or now."""
        content = cell.content(temperature)
        if content.key not in self._built:
            self._built[content.key] = HalfCell(self.model, self.mesh, self.tolerance, content)
        return self._built[content.key]


def simulate(
    design: Design,
    protocol: Protocol | None = None,
    *,
    effective: Effective | None = None,
    parameters: CellParameters | None = None,
    model: Model = "DFN",
    mesh: Mesh | None = None,
    initial_stoichiometry: float | None = None,
    output_interval: float | None = None,
    shared: HomogenisedModel | None = None,
    progress: Listener | None = None,
) -> Run:
    """Run a protocol with the homogenised model of a design.

    Parameters
    ----------
    design : Design
        A single design (no arrays).
    protocol : Protocol, optional
        Default: the design's, else a charge at C/10 and a discharge at C/5 between the usual voltages.
    effective : Effective, optional
        The electrode as a medium; default: the closed form, `Effective.from_design`.
    parameters : CellParameters, optional
        Default: those of the design.
    model : str
        DFN, or SPMe, which takes the reaction as even through the thickness: right for small currents and thin
        electrodes.
    mesh : Mesh, optional
    initial_stoichiometry : float, optional
        Default: as made.
    output_interval : float, optional
        Longest between two rows of the result, s; between the integrator's steps they lie on its cubics.
    shared : HomogenisedModel, optional
        To use models again that were built before; `model` and `mesh` are then its own.
    progress : callable, optional
        Progress callback, see `solidstack.progress`.

    Returns
    -------
    Run

    Raises
    ------
    DesignError, MaterialError, StructureError
        Something that the homogenised model cannot do, or a missing property.
    SolverError
        The first step has no solution.

    Examples
    --------
    >>> import solidstack as ss
    >>> run = simulate(ss.load("examples/pouch-0.16Ah.toml"))
    >>> [(step.kind, step.end_reason) for step in run.steps]
    [('charge', 'reached 4.3 V'), ('discharge', 'reached 2.7 V')]
    """
    return (shared or HomogenisedModel(model, mesh)).run(
        design,
        protocol,
        effective=effective,
        parameters=parameters,
        initial_stoichiometry=initial_stoichiometry,
        output_interval=output_interval,
        progress=progress,
    )


def simulate_many(
    designs: Iterable[Design],
    protocol: Protocol | None = None,
    *,
    effectives: Iterable[Effective | None] | None = None,
    model: Model = "DFN",
    mesh: Mesh | None = None,
    shared: HomogenisedModel | None = None,
) -> Iterator[Run]:
    """Run a protocol for many designs with a model that is built once for each active material.

    Parameters
    ----------
    designs : iterable of Design
        Single ones; `spread` makes them of a design with arrays.
    protocol : Protocol, optional
        See `simulate`.
    effectives : iterable of Effective or None, optional
        One for each design.
    model, mesh, shared
        See `simulate`.

    Yields
    ------
    Run
        In the order of the designs.
    """
    shared = shared or HomogenisedModel(model, mesh)
    for design, effective in zip(designs, itertools.repeat(None) if effectives is None else effectives, strict=False):
        yield shared.run(design, protocol, effective=effective)


def spread(design: Design) -> Iterator[Design]:
    """Yield the single designs of one with arrays, in the order of its flattened shape.

    Examples
    --------
    >>> import numpy as np, solidstack as ss
    >>> designs = ss.load("examples/pouch-0.16Ah.toml").with_(positive__loading=np.array([0.1, 0.2]))
    >>> [single.positive.loading for single in spread(designs)]
    [0.1, 0.2]
    """
    shape = design.shape

    def pick(value: Any, index: tuple[int, ...]) -> Any:
        if isinstance(value, dict):
            return {key: pick(item, index) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(pick(item, index) for item in value)
        return float(np.broadcast_to(value, shape)[index]) if isinstance(value, np.ndarray) else value

    data = design.model_dump(exclude_none=True)
    for index in np.ndindex(*shape):
        yield Design.model_validate(pick(data, index), context={"library": design.library})
