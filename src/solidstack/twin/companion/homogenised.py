r"""The same electrode as a porous-electrode half-cell in PyBaMM: the companion of the 3D model.

A lithium electrode, the membrane and the positive electrode as a homogeneous medium (`solidstack.twin.effective`) are
PyBaMM's half-cell, model DFN (or SPMe), with a solid electrolyte in the place of the liquid: its volume fraction is
the "porosity", and a transference number of 1 is a single-ion conductor.

What the companion leaves out: blends of active materials, salt in a membrane of another electrolyte, and that the
electronic conductivity of a medium is not linear in that of its active material.
"""

import itertools
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...design import Action, Design, Protocol, Rate, default_protocol, following
from ...design.protocol import Limit
from ...electrode import loading_threshold, positive_electrode, rated_one_c
from ...errors import DesignError, SolverError, StructureError
from ...kinetics import CellParameters, cell_parameters
from ...version import __version__
from ..effective import Effective, only_active
from ..results import SPLIT, Run, Step
from .halfcell import (
    AT_ONCE,
    CONTROLS,
    DEPLETED,
    EDGE,
    FAR,
    FREE,
    INSTANT,
    MODELS,
    OUTPUTS,
    Array,
    Cell,
    HalfCell,
    Inputs,
    Mesh,
    Model,
    Piece,
    load_pybamm,
    parts,
)

if TYPE_CHECKING:
    import xarray as xr

LONGEST_HOLD = 1e7
"""s; a hold without a time limit whose current does not fall ends then."""
NEAR_VOLTAGE = 0.05
"""V; a hold is approached in steps of this where it cannot be reached at once."""


def simulate(
    design: Design,
    protocol: Protocol | None = None,
    *,
    effective: Effective | None = None,
    parameters: CellParameters | None = None,
    model: Model = "DFN",
    mesh: Mesh | None = None,
    initial_stoichiometry: float | None = None,
    companion: "Companion | None" = None,
) -> Run:
    """Run a protocol with the homogenised model of a design.

    Parameters
    ----------
    design : Design
        A single one.
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
    companion : Companion, optional
        Models that were built before; `model` and `mesh` are then its own.

    Returns
    -------
    Run

    Raises
    ------
    DesignError, MaterialError, StructureError
        Something that the companion cannot do, or a missing property.

    Examples
    --------
    >>> import solidstack as ss
    >>> run = simulate(ss.load("examples/pouch-0.16Ah.toml"))
    >>> [(step.kind, step.end_reason) for step in run.steps]
    [('charge', 'reached 4.3 V'), ('discharge', 'reached 2.7 V')]
    """
    companion = companion or Companion(model, mesh)
    return companion.run(
        design, protocol, effective=effective, parameters=parameters, initial_stoichiometry=initial_stoichiometry
    )


def simulate_many(
    designs: Iterable[Design],
    protocol: Protocol | None = None,
    *,
    effectives: Iterable[Effective | None] | None = None,
    model: Model = "DFN",
    mesh: Mesh | None = None,
    companion: "Companion | None" = None,
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
    model, mesh, companion
        See `simulate`.

    Yields
    ------
    Run
        In the order of the designs.
    """
    companion = companion or Companion(model, mesh)
    for design, effective in zip(designs, itertools.repeat(None) if effectives is None else effectives, strict=False):
        yield companion.run(design, protocol, effective=effective)


def spread(design: Design) -> Iterator[Design]:
    """Give the single designs of one with arrays, in the order of its flattened shape.

    Examples
    --------
    >>> import numpy as np, solidstack as ss
    >>> designs = ss.load("examples/pouch-0.16Ah.toml").with_(positive__loading=np.array([0.1, 0.2]))
    >>> [one.positive.loading for one in spread(designs)]
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


def rate_capability(
    design: Design,
    c_rates: Sequence[float] | Array,
    loadings: Sequence[float] | Array | None = None,
    *,
    effective: Effective | None = None,
    parameters: CellParameters | None = None,
    model: Model = "DFN",
    mesh: Mesh | None = None,
    companion: "Companion | None" = None,
) -> "xr.Dataset":
    """Discharge capacity over C-rate and loading, and beside it the loading threshold of the closed form.

    Every discharge starts in equilibrium at the upper voltage of the usual window and ends at the lower one. At the
    loading threshold the ionic drop of a positive electrode reaches the design's limit (`rating.ir_drop_limit`).

    Parameters
    ----------
    design : Design
        A single one.
    c_rates : array, shape (n,)
        Above 0; in units of the design's 1C.
    loadings : array, shape (m,), optional
        Of the coating, one side, kg/m2; default: the design's.
    effective : Effective, optional
        Of the design's loading; another one makes the same medium thicker or thinner.
    parameters, model, mesh, companion
        See `simulate`.

    Returns
    -------
    xarray.Dataset
        Over `loading` and `c_rate`: discharge_capacity (A s per kg of active material), capacity_kept (over that at
        the lowest C-rate), average_voltage (V), end_reason. Over `c_rate`: loading_threshold (kg/m2).

    Raises
    ------
    DesignError
        A C-rate or a loading that is not above 0.
    """
    import xarray as xr

    rates = np.atleast_1d(np.asarray(c_rates, dtype=float))
    own = float(design.positive.loading) if design.is_single else math.nan
    coatings = np.atleast_1d(np.asarray([own] if loadings is None else loadings, dtype=float))
    for name, values in (("c_rates", rates), ("loadings", coatings)):
        if values.ndim != 1 or not values.size or not (np.isfinite(values) & (values > 0.0)).all():
            msg = f"{name}: {values.tolist()} is wanted to be a list of numbers above 0"
            raise DesignError(msg)
    companion = companion or Companion(model, mesh)
    parameters = parameters or cell_parameters(design)
    low, high = parameters.voltage_window
    start = only_active(parameters).stoichiometry(high, parameters.temperature)
    base = effective or Effective.from_design(design, parameters)
    capacity, voltage = np.empty((2, coatings.size, rates.size))
    reason = np.empty((coatings.size, rates.size), dtype=object)
    for row, coating in enumerate(coatings):
        medium = base.with_loading(base.active_loading * coating / own)
        for column, rate in enumerate(rates):
            step = {"kind": "discharge", "current": Rate(float(rate), "C"), "until": {"voltage": low}}
            run = companion.run(
                design,
                Protocol.from_dict({"steps": [step]}),
                effective=medium,
                parameters=parameters,
                initial_stoichiometry=start,
            )
            found = run.steps[0]
            capacity[row, column], voltage[row, column] = found.capacity, found.average_voltage
            reason[row, column] = found.end_reason
    _, positive = positive_electrode(design)
    conductivity = parameters.electrolyte.conductivity(parameters.temperature)
    threshold = loading_threshold(
        design.rating.ir_drop_limit,
        conductivity,
        own / base.thickness,
        conductivity / base.ionic_conductivity,
        rates,
        rated_one_c(design),
        positive.am_mass_fraction,
    )
    slowest = capacity[:, [int(np.argmin(rates))]]
    with np.errstate(invalid="ignore", divide="ignore"):
        kept = capacity / slowest
    return xr.Dataset(
        {
            "discharge_capacity": (("loading", "c_rate"), capacity, {"units": "A s/kg"}),
            "capacity_kept": (("loading", "c_rate"), kept, {"units": ""}),
            "average_voltage": (("loading", "c_rate"), voltage, {"units": "V"}),
            "end_reason": (("loading", "c_rate"), reason.astype(str)),
            "loading_threshold": (("c_rate",), np.asarray(threshold), {"units": "kg/m^2"}),
        },
        coords={
            "loading": ("loading", coatings, {"units": "kg/m^2"}),
            "c_rate": ("c_rate", rates, {"units": ""}),
        },
        attrs={
            "design": design.name,
            "fingerprint": design.fingerprint(),
            "version": __version__,
            "model": f"PyBaMM {companion.model}",
            "effective": base.source,
            "upper_voltage_V": high,
            "lower_voltage_V": low,
            "ir_drop_limit_V": float(design.rating.ir_drop_limit),
        },
    )


class Companion:
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
            msg = f'model "{model}" is unknown; known are {", ".join(MODELS)}'
            raise StructureError(msg)
        if not 1e-10 <= tolerance <= 1e-2:
            msg = f"tolerance: {tolerance:g} is out of bounds: 1e-10 to 1e-2 (1e-5 is usual)"
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
    ) -> Run:
        """Run a protocol; see `simulate`."""
        if not design.is_single:
            msg = f"has arrays of shape {design.shape}; give single designs, as `spread` makes them"
            raise DesignError(msg)
        parameters = parameters or cell_parameters(design)
        active = only_active(parameters)
        effective = effective or Effective.from_design(design, parameters)
        protocol = protocol or design.protocol or default_protocol(parameters.voltage_window)
        start = active.as_made_stoichiometry if initial_stoichiometry is None else initial_stoichiometry
        if not EDGE < start < 1.0 - EDGE:
            msg = f"initial_stoichiometry is {start:g}, out of bounds: between {EDGE:g} and {1.0 - EDGE:g}"
            raise StructureError(msg)
        cell = Cell(effective, parameters, active, start, float(rated_one_c(design)))
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
        return _Course(self, cell, protocol.actions()).run(notes)

    def built(self, cell: "Cell", temperature: float) -> "HalfCell":
        """Give the model for a cell, built before or now."""
        content = cell.content(temperature)
        key = (content.key, self.model, self.mesh, self.tolerance)
        if key not in self._built:
            self._built[key] = HalfCell(self.model, self.mesh, self.tolerance, content)
        return self._built[key]


class _Course:
    """The actions of a protocol, one after the other."""

    def __init__(self, companion: Companion, cell: Cell, actions: Sequence[Action]) -> None:
        self.companion, self.cell, self.actions = companion, cell, actions
        self.state: Any = None
        self.ends = {"charge": 0.0, "least surface": 0.5, "most surface": 0.5, "salt": 1.0}
        self.now = 0.0
        self.pieces: list[tuple[Array, Mapping[str, Array], float, float]] = []
        self.steps: list[Step] = []
        self.outcome = "complete"

    def run(self, notes: Mapping[str, Any]) -> Run:
        index = 0
        while index < len(self.actions):
            action = self.actions[index]
            began = time.perf_counter()
            try:
                piece, reason, at_limit = self.act(action)
            except load_pybamm().SolverError as error:
                self.outcome = f"stopped in {action.where} ({action.kind}): PyBaMM found no solution: {error}"
                break
            self.record(action, piece, reason, time.perf_counter() - began)
            index = following(self.actions, index, at_voltage=at_limit)
        if not self.steps:
            msg = f"{self.outcome}. Check the numbers of the electrode; a smaller current may do"
            raise SolverError(msg)
        return self.result(notes)

    def temperature(self, action: Action) -> float:
        return self.cell.parameters.temperature if action.temperature is None else action.temperature

    def current(self, rate: Rate) -> float:
        return rate.current_density(self.cell.effective.active_loading, self.cell.one_c)

    def controls(self, action: Action) -> tuple[Inputs, float, Limit | None]:
        """Inputs of an action, its longest duration, and the limit that this duration stands for."""
        loading = self.cell.effective.active_loading
        found = dict.fromkeys(CONTROLS, 0.0) | {
            "lowest voltage": -FAR,
            "highest voltage": FAR,
            "least current": -1.0,
            "most charge": FAR * FAR,
            "charge before": self.ends["charge"],
            # where an action before has ended at an edge, this one goes on from there
            "least surface": min(EDGE, 0.5 * self.ends["least surface"]),
            "most surface": max(1.0 - EDGE, 0.5 + 0.5 * self.ends["most surface"]),
            # at rest nothing uses the salt up, but it may fall further for a moment
            "least salt": -1.0 if action.kind == "rest" else min(DEPLETED, 0.5 * self.ends["salt"]),
        }
        longest = math.inf if action.time_limit is None else action.time_limit
        limit: Limit | None = "time"
        if action.kind == "hold":
            assert action.voltage is not None
            found["applied voltage"] = action.voltage
            if action.current_limit is not None:
                found["least current"] = self.current(action.current_limit)
            if action.capacity_limit is not None:
                found["most charge"] = action.capacity_limit * loading
            return (found, longest, limit) if math.isfinite(longest) else (found, LONGEST_HOLD, None)
        found["by current"] = 1.0
        if action.rate is None:
            return found, longest, limit
        current = self.current(action.rate)
        found["applied current"] = -action.sign * current
        if action.voltage_limit is not None:
            found["highest voltage" if action.sign > 0.0 else "lowest voltage"] = action.voltage_limit
        if action.capacity_limit is not None and (until := action.capacity_limit * loading / current) < longest:
            longest, limit = until, "capacity"
        everything = 1.1 * self.cell.area_charge / current
        return (found, longest, limit) if longest <= everything else (found, everything, None)

    def act(self, action: Action) -> tuple[Piece, str, bool]:
        """Carry an action out; gives its rows, why it ended, and whether that was a limit of the cell."""
        temperature = self.temperature(action)
        built = self.companion.built(self.cell, temperature)
        controls, duration, limit = self.controls(action)
        inputs = self.cell.inputs(temperature) | controls
        try:
            try:
                piece = built.advance(self.state, inputs, duration)
            except load_pybamm().SolverError as error:
                if AT_ONCE in str(error) and action.kind != "hold":
                    raise
                # PyBaMM may take the current of the state before for that of a hold
                piece = built.advance(self.approach(built, inputs), inputs, duration)
        except load_pybamm().SolverError as error:
            if AT_ONCE not in str(error):
                raise
            return self.first_instant(action, built, inputs)
        match piece.why:
            case "":
                return piece, self.finished(action, limit), False
            case "lowest voltage" | "highest voltage":
                return piece, action.ended("voltage"), True
            case "least current":
                return piece, action.ended("current"), False
            case "most charge":
                return piece, action.ended("capacity"), False
            case "depleted":
                limiting = self.cell.limiting_current(temperature, charge=piece.rows["current"][-1] < 0.0)
                reason = f"salt depleted; the limiting current is about {limiting / 10.0:.3g} mA/cm^2"
                return piece, reason, True
            case edge:
                return piece, f"the active material is {edge} at its surface", True

    def approach(self, built: HalfCell, inputs: Inputs) -> Any:
        """Give a state near the first one of an action, which is too far from the last one to be found at once."""
        now = inputs | FREE | {"by current": 1.0, "applied current": 0.0}
        at_rest = built.advance(self.state, now, INSTANT)
        state = at_rest.state
        if inputs["by current"]:
            # an overpotential grows with the logarithm of the current
            name, values = "applied current", inputs["applied current"] * np.geomspace(1e-6, 1.0, 25)[:-1]
        else:
            name, voltage = "applied voltage", float(at_rest.rows["voltage"][-1])
            count = max(2, math.ceil(abs(inputs[name] - voltage) / NEAR_VOLTAGE))
            values = np.linspace(voltage, inputs[name], count + 1)[1:-1]
        for value in values:
            state = built.advance(state, inputs | FREE | {name: float(value)}, INSTANT).state
        return state

    def finished(self, action: Action, limit: Limit | None) -> str:
        if limit is not None:
            return action.ended(limit)
        if action.kind == "hold":
            return f"the current is still above {action.current_limit} after {LONGEST_HOLD / 3600.0:.0f} h"
        return "all lithium has moved"

    def first_instant(self, action: Action, built: HalfCell, inputs: Inputs) -> tuple[Piece, str, bool]:
        """Give the first row of an action that passes a limit at once; the state stays as it was."""
        try:
            found = built.advance(self.state, inputs | FREE, INSTANT)
        except load_pybamm().SolverError:
            found = built.advance(self.approach(built, inputs), inputs | FREE, INSTANT)
        rows = {name: values[:1] for name, values in found.rows.items()}
        piece = Piece(self.state, found.time[:1], rows, "first instant")
        first = {name: float(values[0]) for name, values in rows.items()}
        if not inputs["lowest voltage"] < first["voltage"] < inputs["highest voltage"]:
            return piece, action.already_beyond(first["voltage"]), True
        current = f"{abs(first['current']) / 10.0:.3g} mA/cm^2"
        if abs(first["current"]) <= inputs["least current"]:
            return (
                piece,
                f"the first instant is already at {current}, within the limit of {action.current_limit}",
                False,
            )
        for edge, passed in (
            ("empty", first["least surface"] <= inputs["least surface"]),
            ("full", first["most surface"] >= inputs["most surface"]),
        ):
            if passed:
                return piece, f"at {current} the active material is {edge} at its surface at once", True
        return piece, f"at {current} the salt is depleted at once", True

    def record(self, action: Action, piece: Piece, reason: str, seconds: float) -> None:
        """Keep the rows of an action and what it gave."""
        rows, cell = piece.rows, self.cell
        moved = piece.state is not self.state
        temperature = self.temperature(action)
        first = sum(len(times) for times, *_ in self.pieces)
        passed = abs(float(rows["charge"][-1]) - self.ends["charge"]) if moved else 0.0
        energy = abs(float(np.trapezoid(rows["voltage"], rows["charge"]))) if moved else 0.0
        self.steps.append(
            Step(
                kind=action.kind,
                where=action.where,
                first=first,
                last=first + len(piece.time) - 1,
                capacity=passed / cell.effective.active_loading,
                areal_capacity=passed,
                energy=energy,
                average_voltage=energy / passed if passed > 0.0 else math.nan,
                duration=float(piece.time[-1]) - self.now if moved else 0.0,
                end_reason=reason,
                seconds=seconds,
            )
        )
        self.pieces.append((piece.time, rows, self.ends["charge"], temperature))
        if moved:
            self.now = float(piece.time[-1])
            self.ends = {name: float(rows[name][-1]) for name in self.ends}
            self.state = piece.state

    def result(self, notes: Mapping[str, Any]) -> Run:
        cell = self.cell
        times = np.concatenate([times for times, *_ in self.pieces])
        rows = {name: np.concatenate([rows[name] for _, rows, *_ in self.pieces]) for name in OUTPUTS}
        splits = [parts(rows, cell, kelvin) for _, rows, _, kelvin in self.pieces]
        split = {name: np.concatenate([one[name] for one in splits]) for name in SPLIT}
        capacity = np.concatenate([np.abs(rows["charge"] - before) for _, rows, before, _ in self.pieces])
        temperature = np.concatenate([np.full(len(times), kelvin) for times, _, _, kelvin in self.pieces])
        taken = (rows["stoichiometry"] - cell.start) * cell.area_charge
        most = float(np.max(np.abs(rows["charge"])))
        # in the mean over the charge: at an instant, kinetics that are fast magnify what is left of an error
        passed = float(np.trapezoid(np.abs(rows["current"]), times))
        off = float(np.trapezoid(np.abs(rows["reaction"] + rows["current"]), times))
        return Run(
            model=f"PyBaMM {self.companion.model}",
            time=times,
            voltage=rows["voltage"],
            current_density=-rows["current"],
            capacity=capacity / cell.effective.active_loading,
            stoichiometry=rows["stoichiometry"],
            temperature=temperature,
            split=split,
            steps=tuple(self.steps),
            active_loading=cell.effective.active_loading,
            inactive_fraction=cell.effective.inactive_fraction,
            outcome=self.outcome,
            balance={
                "lithium": float(np.max(np.abs(taken - rows["charge"]))) / most if most > 0.0 else 0.0,
                "current": off / passed if passed > 0.0 else 0.0,
            },
            provenance=dict(notes),
        )
