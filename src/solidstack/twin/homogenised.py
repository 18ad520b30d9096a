r"""The same electrode as a porous-electrode half-cell in PyBaMM: the companion of the 3D model.

A lithium electrode, the membrane and the positive electrode as a homogeneous medium (`solidstack.twin.effective`) are
PyBaMM's half-cell, model DFN (or SPMe), with a solid electrolyte in the place of the liquid: its volume fraction is
the "porosity", and a transference number of 1 is a single-ion conductor.

**One model for all thicknesses.** Geometry is fixed when PyBaMM discretises, everything else may be an input. So the
model is built once, for a thickness :math:`L_0` and a particle radius :math:`R_0`, and an electrode of thickness
:math:`L = sL_0` is solved in the coordinate :math:`X = x/s`. The equations keep their form with

.. math::

    \sigma' = \sigma/s, \quad \kappa' = \kappa/s, \quad D_e' = D_e/s, \quad
    a' = sa, \quad \varepsilon_{AM}' = s\varepsilon_{AM}, \quad \varepsilon_e' = s\varepsilon_e,

currents, potentials and concentrations being the same: :math:`\partial_x(\kappa\,\partial_x\phi) = aj` becomes
:math:`\partial_X(\kappa/s\,\partial_X\phi) = saj`, and a flux :math:`-\kappa\,\partial_x\phi` is
:math:`-\kappa/s\,\partial_X\phi`. This is exact, with salt as well. The membrane is scaled in the same way by its own
thickness. Within the particles :math:`D_s' = D_s(R_0/R)^2`, and as PyBaMM takes the interface as
:math:`3\varepsilon_{AM}'/R_0`, the exchange current density is multiplied by :math:`g = saR_0/3\varepsilon_{AM}'` and
the resistance of the interface divided by it.

What the companion leaves out: blends of active materials, salt in a membrane of another electrolyte, and that the
electronic conductivity of a medium is not linear in that of its active material.
"""

import itertools
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..constants import FARADAY, GAS
from ..design import Action, Design, Protocol, Rate, default_protocol, following
from ..design.protocol import Limit
from ..electrode import rated_one_c
from ..errors import DesignError, SolverError, StructureError
from ..version import __version__
from .effective import Effective, only_active
from .formats import need
from .parameters import ActiveMaterial, CellParameters
from .parameters import parameters as collect
from .results import SPLIT, Run, Step

Array = NDArray[np.float64]
Inputs = dict[str, float]
Model = Literal["DFN", "SPMe"]
MODELS = ("DFN", "SPMe")

L0, R0 = 50e-6, 5e-6
"""Thickness of electrode and membrane and radius of the particles for which the model is built, m."""
C0 = 1000.0
"""Salt concentration of the built model, mol/m3; another one is scaled to it."""
LITHIUM_CONDUCTIVITY = 1e10
"""S/m; the lithium has no ohmic drop."""

TABLE_TOLERANCE = 1e-4
"""V; distance of the tables from the curve of the potential. Diffusivities and conductivities: as a ratio, times 10."""
EDGE = 1e-4
"""Stoichiometry from 0 and 1 at which the surface of a particle counts as empty or full."""
DEPLETED = 1e-3
"""Salt concentration over the nominal one that counts as depleted."""
LONGEST_HOLD = 1e7
"""s; a hold without a time limit whose current does not fall ends then."""
FAR = 1e6
"""Stands for no limit."""
NEAR_VOLTAGE = 0.05
"""V; a hold is approached in steps of this where it cannot be reached at once."""
INSTANT = 1e-6
"""s; as long as the first instant is looked at."""


@dataclass(frozen=True)
class Mesh:
    """Numbers of finite volumes.

    Attributes
    ----------
    electrode, membrane : int
        Through the thickness. The membrane matters with salt only.
    particle : int
        Along the radius.
    """

    electrode: int = 20
    membrane: int = 10
    particle: int = 20

    def __post_init__(self) -> None:
        for name in ("electrode", "membrane", "particle"):
            value = getattr(self, name)
            if not (isinstance(value, int) and 2 <= value <= 1000):
                msg = f"mesh: {name} is {value}, out of bounds: a whole number from 2 to 1000 (20 is usual)"
                raise StructureError(msg)


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
        self._built: dict[Any, _Built] = {}

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
            msg = f"has arrays of shape {design.shape}; give single designs, as solidstack.twin.homogenised.spread does"
            raise DesignError(msg)
        parameters = parameters or collect(design)
        active = only_active(parameters)
        effective = effective or Effective.from_design(design, parameters)
        protocol = protocol or design.protocol or default_protocol(parameters.voltage_window)
        start = active.as_made_stoichiometry if initial_stoichiometry is None else initial_stoichiometry
        if not EDGE < start < 1.0 - EDGE:
            msg = f"initial_stoichiometry is {start:g}, out of bounds: between {EDGE:g} and {1.0 - EDGE:g}"
            raise StructureError(msg)
        cell = _Cell(effective, parameters, active, start, float(rated_one_c(design)))
        notes = {
            "version": __version__,
            "design": design.name,
            "fingerprint": design.fingerprint(),
            "model": f"PyBaMM {_pybamm().__version__} {self.model}",
            "mesh": [self.mesh.electrode, self.mesh.membrane, self.mesh.particle],
            "tolerance": self.tolerance,
            "effective": effective.to_dict(),
            "initial_stoichiometry": start,
            "warnings": [*parameters.warnings, *cell.warnings],
        }
        return _Course(self, cell, protocol.actions()).run(notes)

    def built(self, cell: "_Cell", temperature: float) -> "_Built":
        """Give the model for a cell, built before or now."""
        content = cell.content(temperature)
        key = (content.key, self.model, self.mesh, self.tolerance)
        if key not in self._built:
            self._built[key] = _Built(self.model, self.mesh, self.tolerance, content)
        return self._built[key]


def _pybamm() -> Any:
    """Import PyBaMM, which then reports nothing to anyone."""
    os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")
    return need("pybamm", "companion")


@dataclass(frozen=True)
class _Content:
    """What is fixed in a built model."""

    salt: bool
    film: bool
    transfer: float
    sites: float
    potential: tuple[Array, Array]
    diffusivity: tuple[Array, Array] | None
    conductivity: tuple[Array, Array] | None

    @property
    def key(self) -> Any:
        tables = [self.potential, self.diffusivity, self.conductivity]
        parts = [None if table is None else (table[0].tobytes(), table[1].tobytes()) for table in tables]
        return (self.salt, self.film, self.transfer, self.sites, *parts)


@dataclass
class _Cell:
    """An electrode, a membrane and lithium, as numbers for a built model."""

    effective: Effective
    parameters: CellParameters
    active: ActiveMaterial
    start: float
    one_c: float

    def __post_init__(self) -> None:
        self._contents: dict[float, _Content] = {}
        electrolyte, membrane = self.parameters.electrolyte, self.parameters.membrane
        self.salt = not electrolyte.is_single_ion
        self.warnings: list[str] = []
        same = membrane.name == electrolyte.name
        if self.salt and not same:
            msg = (
                f"{electrolyte.name} of the positive has salt and the membrane is of {membrane.name}; the homogenised "
                "model has one salt all through. Take kinetics.transference_number = 1, or the 3D model"
            )
            raise DesignError(msg)
        if not self.salt and not membrane.is_single_ion:
            self.warnings.append(
                f"the salt in the membrane of {membrane.name} is not solved for: the homogenised model has one "
                "electrolyte all through, and that of the positive is a single-ion conductor"
            )

    @property
    def transference(self) -> float:
        return self.parameters.electrolyte.transference_number if self.salt else 1.0

    @property
    def area_charge(self) -> float:
        """Charge of all sites that take part, per area, A s/m2."""
        return FARADAY * self.active.site_concentration * self.effective.active_fraction * self.effective.thickness

    def content(self, temperature: float) -> _Content:
        """Curves of the active material at a temperature."""
        if temperature not in self._contents:
            active = self.active
            conductivity = None
            if self.effective.electronic_share > 0.0:
                conductivity = _table(lambda x: active.electronic_conductivity(x, temperature), ratio=True)
            self._contents[temperature] = _Content(
                self.salt,
                self.parameters.interface_resistance > 0.0,
                active.transfer_coefficient,
                active.site_concentration,
                _table(lambda x: active.open_circuit_potential(x, temperature)),
                _table(lambda x: active.diffusivity(x, temperature), ratio=True),
                conductivity,
            )
        return self._contents[temperature]

    def inputs(self, temperature: float) -> Inputs:
        """Inputs of the built model; the scaling is derived at the top of this module."""
        effective, cell, active = self.effective, self.parameters, self.active
        kappa = cell.electrolyte.conductivity(temperature)
        membrane = cell.membrane.conductivity(temperature)
        by, across = effective.thickness / L0, cell.membrane_thickness / L0
        through = effective.ionic_conductivity / cell.electrolyte.conductivity(effective.temperature) / by
        porosity, membrane_porosity, diffusivity = 0.5, 0.5, 1e-12
        series = cell.lithium_resistance
        if self.salt:
            concentration = cell.electrolyte.salt_concentration
            found = cell.electrolyte.salt_diffusivity(temperature)
            assert concentration is not None
            assert found is not None
            diffusivity = found * concentration / C0
            porosity = by * effective.electrolyte_fraction * concentration / C0
            if abs(1.0 - porosity) < 1e-6:
                porosity += 2e-6  # PyBaMM divides by 1 - porosity for the electrons
            membrane_porosity = across * concentration / C0
            beyond = 1.0 / across
            # the salt goes through the membrane as through the electrolyte; the rest of its resistance is in series
            series += cell.membrane_thickness * (1.0 / membrane - 1.0 / kappa)
        else:
            beyond = membrane / kappa / across
        interface = by * effective.specific_interface * R0 / (3.0 * by * effective.active_fraction)
        content = self.content(temperature)
        own = 1.0 if content.conductivity else float(active.electronic_conductivity(0.5, temperature))
        share = effective.electronic_share * (own if effective.electronic_share > 0.0 else 0.0)
        same = 1.0 if content.diffusivity else float(active.diffusivity(0.5, temperature))
        return {
            "temperature": temperature,
            "active fraction": by * effective.active_fraction,
            "porosity": porosity,
            "membrane porosity": membrane_porosity,
            "tortuosity": porosity / through,
            "membrane tortuosity": membrane_porosity / beyond,
            "electronic tortuosity": (1.0 - porosity) * by,
            "electronic conductivity": effective.electronic_conductivity,
            "electronic share": share,
            "ionic conductivity": kappa,
            "salt diffusivity": diffusivity,
            "transference number": self.transference,
            "thermodynamic factor": cell.electrolyte.thermodynamic_factor if self.salt else 1.0,
            "diffusivity": same * (R0 / effective.radius) ** 2,
            "exchange current density": active.exchange_current_density(temperature) * interface,
            "interface resistance": cell.interface_resistance / interface,
            "lithium exchange current density": cell.lithium.exchange_current_density(temperature),
            "series resistance": series,
            "start": self.start,
        }

    def limiting_current(self, temperature: float, *, charge: bool) -> float:
        r"""Current density at which the salt is used up somewhere in the steady state, A/m2.

        With the reaction even through the thickness L, the concentration falls along the membrane of thickness M by
        :math:`gM`, :math:`g = (1-t_+)i/FD_e`, and in the electrode by :math:`h/2`,
        :math:`h = (1-t_+)iL/FD_{eff}`; the salt of the whole cell stays.
        """
        effective, cell = self.effective, self.parameters
        concentration = cell.electrolyte.salt_concentration
        diffusivity = cell.electrolyte.salt_diffusivity(temperature)
        assert concentration is not None
        assert diffusivity is not None
        per = (1.0 - self.transference) / (FARADAY * diffusivity)
        through = effective.ionic_conductivity / cell.electrolyte.conductivity(effective.temperature)
        membrane, salt = cell.membrane_thickness, effective.electrolyte_fraction * effective.thickness
        drop = per * membrane
        inside = per * effective.thickness / through
        # concentration where membrane and electrode meet, per current of a discharge, over the mean
        meeting = (salt * inside / 3.0 - membrane * drop / 2.0) / (membrane + salt)
        fall = drop + meeting if charge else inside / 2.0 - meeting
        return concentration / fall if fall > 0.0 else math.inf


def _table(curve: Callable[[Any], Any], *, ratio: bool = False) -> Any:
    """Sample a curve over 0 to 1 so that straight lines between the points are near enough.

    With `ratio` the curve is positive and nearness is relative; one that is constant gives None.
    """
    view = np.log if ratio else np.asarray
    tolerance = 10.0 * TABLE_TOLERANCE if ratio else TABLE_TOLERANCE
    x = np.linspace(0.0, 1.0, 65)
    values = np.asarray(curve(x), dtype=float)
    if ratio and np.ptp(view(values)) < 1e-12:
        return None
    for _ in range(10):
        middle = 0.5 * (x[1:] + x[:-1])
        between = np.asarray(curve(middle), dtype=float)
        off = np.abs(view(between) - view(0.5 * (values[1:] + values[:-1]))) > tolerance
        if not off.any():
            break
        x = np.concatenate([x, middle[off]])
        values = np.concatenate([values, between[off]])
        order = np.argsort(x)
        x, values = x[order], values[order]
    return x, values


_OUTPUTS = (
    "voltage", "current", "charge", "stoichiometry", "least surface", "most surface", "salt", "reaction",
    *SPLIT,
)  # fmt: skip


class _Built:
    """A discretised PyBaMM model with everything but the geometry and the curves as inputs."""

    def __init__(self, model: Model, mesh: Mesh, tolerance: float, content: _Content) -> None:
        pybamm = _pybamm()
        self.pybamm = pybamm
        self.content = content
        source = _model(model, content, _control)
        values = pybamm.ParameterValues(_values(content, {name: pybamm.InputParameter(name) for name in INPUTS}))
        outputs, source.events = _outputs(source)
        processed = values.process_model(source, inplace=False)
        geometry = source.default_geometry
        values.process_geometry(geometry)
        points = {"x_n": 1, "x_s": mesh.membrane, "x_p": mesh.electrode, "r_n": 1, "r_p": mesh.particle}
        grid = pybamm.Mesh(geometry, source.default_submesh_types, points)
        discretisation = pybamm.Discretisation(grid, source.default_spatial_methods)
        self.model = discretisation.process_model(processed, inplace=False)
        # With a film the current of the interface is a state, to resolve which takes thousands of steps; voltages are
        # then right to 0.3 mV, else to 0.1 mV (at 1e-5, against 1e-6).
        self.solver = pybamm.IDAKLUSolver(
            rtol=tolerance,
            atol=(0.1 if content.film else 1.0) * tolerance,
            options={"suppress_algebraic_error": content.film, "silence_sundials_errors": True},
        )
        self._observe = self._function(
            [discretisation.process_symbol(values.process_symbol(outputs[name])) for name in _OUTPUTS]
        )

    def _function(self, symbols: list[Any]) -> Callable[[Any, Inputs], Array]:
        """Compile the outputs into one function of the states."""
        import casadi

        size = self.model.len_rhs_and_alg
        names = (*INPUTS, *CONTROLS)
        t, y = casadi.MX.sym("t"), casadi.MX.sym("y", size)
        p = {name: casadi.MX.sym(f"p{number}") for number, name in enumerate(names)}
        rows = casadi.vertcat(*(symbol.to_casadi(t, y, inputs=p) for symbol in symbols))
        function = casadi.Function("outputs", [t, y, casadi.vertcat(*p.values())], [rows])

        def observe(solution: Any, inputs: Inputs) -> Array:
            stacked = np.array([inputs[name] for name in names])
            states = solution.y.full() if hasattr(solution.y, "full") else np.asarray(solution.y)
            found = function(solution.t[None, :], states, np.repeat(stacked[:, None], states.shape[1], axis=1))
            return np.asarray(found.full())

        return observe

    def advance(self, state: Any, inputs: Inputs, duration: float) -> "_Piece":
        """Integrate from a state until an event or to the end.

        Raises
        ------
        pybamm.SolverError
            A limit is passed at the first instant, or there is no solution.
        """
        solution = self.solver.step(state, self.model, duration, inputs=inputs, save=False)
        why = solution.termination.removeprefix("event: ") if "event" in solution.termination else ""
        # a state at which an event was found is not stepped on otherwise
        solution.termination = "final time"
        rows = dict(zip(_OUTPUTS, self._observe(solution, inputs), strict=True))
        return _Piece(solution, np.asarray(solution.t), rows, why)


@dataclass(frozen=True)
class _Piece:
    """Rows of one action, and the state at its end."""

    state: Any
    time: Array
    rows: Mapping[str, Array]
    why: str


INPUTS = (
    "temperature", "active fraction", "porosity", "membrane porosity", "tortuosity", "membrane tortuosity",
    "electronic tortuosity", "electronic conductivity", "electronic share", "ionic conductivity", "salt diffusivity",
    "transference number", "thermodynamic factor", "diffusivity", "exchange current density", "interface resistance",
    "lithium exchange current density", "series resistance", "start",
)  # fmt: skip
CONTROLS = (
    "by current", "applied current", "applied voltage", "lowest voltage", "highest voltage", "least current",
    "most charge", "charge before", "least surface", "most surface", "least salt",
)  # fmt: skip


def _control(variables: Mapping[str, Any]) -> Any:
    """Residual that sets the current, or the voltage."""
    given = _pybamm().InputParameter
    by_current = given("by current")
    current = variables["Current [A]"] - given("applied current")
    return by_current * current + (1.0 - by_current) * (variables["Voltage [V]"] - given("applied voltage"))


def options(content: _Content, control: Any) -> dict[str, Any]:
    """Options of PyBaMM's models."""
    found: dict[str, Any] = {
        "working electrode": "positive",
        "operating mode": control,
        "transport efficiency": "tortuosity factor",
        "contact resistance": "true",
    }
    if content.transfer != 0.5:
        found["intercalation kinetics"] = ("symmetric Butler-Volmer", "asymmetric Butler-Volmer")
    if content.film:
        found |= {"SEI": ("none", "constant"), "SEI film resistance": "distributed"}
    return found


def _model(model: Model, content: _Content, control: Any) -> Any:
    pybamm = _pybamm()
    if model == "SPMe":
        if content.film:
            msg = "SPMe has no resistance of the interface (kinetics.interface_resistance); take model DFN"
            raise StructureError(msg)
        return pybamm.lithium_ion.SPMe(options(content, control))
    if content.salt:
        return pybamm.lithium_ion.DFN(options(content, control))

    class SingleIon(pybamm.lithium_ion.DFN):  # type: ignore[misc, name-defined]
        """DFN without the equation of the salt, whose concentration does not change when only lithium moves."""

        def set_electrolyte_concentration_submodel(self) -> None:
            self.submodels["electrolyte diffusion"] = pybamm.electrolyte_diffusion.ConstantConcentration(
                self.param, self.options
            )

    return SingleIon(options(content, control))


def _values(content: _Content, given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameter values of PyBaMM's models for the built geometry; `given` holds the inputs or numbers."""
    pybamm = _pybamm()
    transfer = content.transfer

    def curve(table: tuple[Array, Array] | None, name: str) -> Callable[[Any], Any]:
        if table is None:
            return lambda _: pybamm.Scalar(1.0)
        return lambda sto: pybamm.Interpolant(*table, sto, name=name, interpolator="linear")

    potential, diffusivity, conductivity = (
        curve(content.potential, "potential"),
        curve(content.diffusivity, "diffusivity"),
        curve(content.conductivity, "conductivity"),
    )
    values = {
        "Ambient temperature [K]": given["temperature"],
        "Initial temperature [K]": given["temperature"],
        "Reference temperature [K]": 298.15,
        "Electrode height [m]": 1.0,
        "Electrode width [m]": 1.0,
        "Nominal cell capacity [A.h]": 10.0,
        "Number of cells connected in series to make a battery": 1.0,
        "Number of electrodes connected in parallel to make a cell": 1.0,
        "Lower voltage cut-off [V]": -FAR,
        "Upper voltage cut-off [V]": FAR,
        "Contact resistance [Ohm]": given["series resistance"],
        "Negative electrode thickness [m]": 1e-4,
        "Negative electrode conductivity [S.m-1]": LITHIUM_CONDUCTIVITY,
        "Negative electrode OCP [V]": 0.0,
        "Negative electrode OCP entropic change [V.K-1]": 0.0,
        "Exchange-current density for lithium metal electrode [A.m-2]": given["lithium exchange current density"],
        "Separator thickness [m]": L0,
        "Separator porosity": given["membrane porosity"],
        "Separator tortuosity factor (electrolyte)": given["membrane tortuosity"],
        "Electrolyte conductivity [S.m-1]": given["ionic conductivity"],
        "Electrolyte diffusivity [m2.s-1]": given["salt diffusivity"],
        "Cation transference number": given["transference number"],
        "Thermodynamic factor": given["thermodynamic factor"],
        "Initial concentration in electrolyte [mol.m-3]": C0,
        "Positive electrode thickness [m]": L0,
        "Positive electrode porosity": given["porosity"],
        "Positive electrode tortuosity factor (electrolyte)": given["tortuosity"],
        "Positive electrode tortuosity factor (electrode)": given["electronic tortuosity"],
        "Positive electrode active material volume fraction": given["active fraction"],
        "Positive electrode conductivity [S.m-1]": (
            lambda sto, _: given["electronic conductivity"] + given["electronic share"] * conductivity(sto)
        ),
        "Positive electrode OCP [V]": potential,
        "Positive electrode OCP entropic change [V.K-1]": 0.0,
        "Positive electrode exchange-current density [A.m-2]": (
            lambda _, c, most, __: (
                2.0 * given["exchange current density"] * (c / most) ** transfer * (1.0 - c / most) ** (1.0 - transfer)
            )
        ),
        "Positive electrode Butler-Volmer transfer coefficient": transfer,
        "Positive particle radius [m]": R0,
        "Positive particle diffusivity [m2.s-1]": lambda sto, _: given["diffusivity"] * diffusivity(sto),
        "Maximum concentration in positive electrode [mol.m-3]": content.sites,
        "Initial concentration in positive electrode [mol.m-3]": given["start"] * content.sites,
    }
    if content.film:
        # a film of thickness 1 m, so that its resistivity is the resistance of the interface
        film = {"Initial SEI thickness [m]": 1.0, "SEI resistivity [Ohm.m]": given["interface resistance"]}
        values |= {f"{prefix}{name}": value for name, value in film.items() for prefix in ("", "Positive ")}
        values |= {"SEI partial molar volume [m3.mol-1]": 1e-5, "Ratio of lithium moles to SEI moles": 2.0}
    return values


_FREE = {
    "lowest voltage": -FAR, "highest voltage": FAR, "least current": -1.0, "most charge": FAR * FAR,
    "least surface": -1.0, "most surface": 2.0, "least salt": -1.0,
}  # fmt: skip
"""Controls without a limit."""

_AT_ONCE = "non-positive at initial"
"""What PyBaMM says of a limit that is passed at the first instant."""

_REACTION = "volumetric interfacial current density [A.m-3]"


def _outputs(model: Any) -> tuple[dict[str, Any], list[Any]]:
    """Symbols of the outputs, and the events that end an action."""
    pybamm = _pybamm()
    variables, parameters, given = model.variables, model.param, pybamm.InputParameter
    positive = parameters.p.prim
    temperature = variables["X-averaged cell temperature [K]"]
    current, voltage = variables["Current [A]"], variables["Voltage [V]"]
    charge = variables["Discharge capacity [A.h]"] * 3600.0
    stoichiometry = variables["Average positive particle stoichiometry"]
    surface = variables["Positive particle surface stoichiometry"]
    salt = variables["Electrolyte concentration [mol.m-3]"] / C0
    inside, membrane = (variables[f"{name} electrolyte concentration [mol.m-3]"] for name in ("Positive", "Separator"))
    electrons, ions = (variables[f"Positive {name} potential [V]"] for name in ("electrode", "electrolyte"))
    lithium = variables["Lithium metal interface electrolyte potential [V]"]
    mean_potential = pybamm.x_average(variables["Positive electrode open-circuit potential [V]"])
    equilibrium = positive.U(stoichiometry, temperature)
    electron_mean, ion_mean = pybamm.x_average(electrons), pybamm.x_average(ions)
    meeting = pybamm.boundary_value(ions, "left")
    factor = 2.0 * (1.0 - given("transference number")) * given("thermodynamic factor") * GAS * temperature / FARADAY
    where = pybamm.log(pybamm.boundary_value(inside, "left"))
    by_salt = factor * (pybamm.x_average(pybamm.log(inside)) - where)
    by_membrane_salt = factor * (where - pybamm.log(pybamm.boundary_value(membrane, "left")))
    series = voltage - pybamm.boundary_value(electrons, "right")
    found = {
        "voltage": voltage,
        "current": current,
        "charge": charge,
        "stoichiometry": stoichiometry,
        "least surface": pybamm.min(surface),
        "most surface": pybamm.max(surface),
        "salt": pybamm.min(salt),
        "reaction": L0 * pybamm.x_average(variables[f"Positive electrode {_REACTION}"]),
        "equilibrium": equilibrium,
        "diffusion": mean_potential - equilibrium,
        "charge_transfer": electron_mean - ion_mean - mean_potential,
        "ionic": ion_mean - meeting - by_salt,
        "concentration": by_salt + by_membrane_salt,
        "electronic": pybamm.boundary_value(electrons, "right") - electron_mean,
        "membrane": meeting - lithium - by_membrane_salt,
        "lithium": lithium + series,
    }
    event = pybamm.Event
    events = [
        event("lowest voltage", voltage - given("lowest voltage")),
        event("highest voltage", given("highest voltage") - voltage),
        event("least current", pybamm.AbsoluteValue(current) - given("least current")),
        event("most charge", given("most charge") - pybamm.AbsoluteValue(charge - given("charge before"))),
        event("empty", pybamm.min(surface) - given("least surface")),
        event("full", given("most surface") - pybamm.max(surface)),
        event("depleted", pybamm.min(salt) - given("least salt")),
    ]
    return found, events


class _Course:
    """The actions of a protocol, one after the other."""

    def __init__(self, companion: Companion, cell: _Cell, actions: Sequence[Action]) -> None:
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
            except _pybamm().SolverError as error:
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

    def act(self, action: Action) -> tuple[_Piece, str, bool]:
        """Carry an action out; gives its rows, why it ended, and whether that was a limit of the cell."""
        temperature = self.temperature(action)
        built = self.companion.built(self.cell, temperature)
        controls, duration, limit = self.controls(action)
        inputs = self.cell.inputs(temperature) | controls
        try:
            try:
                piece = built.advance(self.state, inputs, duration)
            except _pybamm().SolverError as error:
                if _AT_ONCE in str(error) and action.kind != "hold":
                    raise
                # PyBaMM may take the current of the state before for that of a hold
                piece = built.advance(self.approach(built, inputs), inputs, duration)
        except _pybamm().SolverError as error:
            if _AT_ONCE not in str(error):
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
                reason = f"the salt is used up (the limiting current is about {limiting / 10.0:.3g} mA/cm^2)"
                return piece, reason, True
            case edge:
                return piece, f"the active material is {edge} at its surface", True

    def approach(self, built: _Built, inputs: Inputs) -> Any:
        """Give a state near the first one of an action, which is too far from the last one to be found at once."""
        now = inputs | _FREE | {"by current": 1.0, "applied current": 0.0}
        at_rest = built.advance(self.state, now, INSTANT)
        state = at_rest.state
        name = "applied current" if inputs["by current"] else "applied voltage"
        start = 0.0 if inputs["by current"] else float(at_rest.rows["voltage"][-1])
        count = 8 if inputs["by current"] else max(2, math.ceil(abs(inputs[name] - start) / NEAR_VOLTAGE))
        for value in np.linspace(start, inputs[name], count + 1)[1:-1]:
            state = built.advance(state, inputs | _FREE | {name: float(value)}, INSTANT).state
        return state

    def finished(self, action: Action, limit: Limit | None) -> str:
        if limit is not None:
            return action.ended(limit)
        if action.kind == "hold":
            return f"the current is still above {action.current_limit} after {LONGEST_HOLD / 3600.0:.0f} h"
        return "all lithium has moved"

    def first_instant(self, action: Action, built: _Built, inputs: Inputs) -> tuple[_Piece, str, bool]:
        """Give the first row of an action that passes a limit at once; the state stays as it was."""
        try:
            found = built.advance(self.state, inputs | _FREE, INSTANT)
        except _pybamm().SolverError:
            found = built.advance(self.approach(built, inputs), inputs | _FREE, INSTANT)
        rows = {name: values[:1] for name, values in found.rows.items()}
        piece = _Piece(self.state, found.time[:1], rows, "first instant")
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
        return piece, f"at {current} the salt is used up at once", True

    def record(self, action: Action, piece: _Piece, reason: str, seconds: float) -> None:
        """Keep the rows of an action and what it gave."""
        rows, cell = dict(piece.rows), self.cell
        moved = piece.state is not self.state
        temperature = self.temperature(action)
        if cell.salt:
            # the membrane's resistance in excess of its salt's is in series in the model, but no part of the lithium
            own = 1.0 / cell.parameters.membrane.conductivity(temperature)
            excess = own - 1.0 / cell.parameters.electrolyte.conductivity(temperature)
            part = -rows["current"] * cell.parameters.membrane_thickness * excess
            rows["membrane"], rows["lithium"] = rows["membrane"] + part, rows["lithium"] - part
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
        rows = {name: np.concatenate([rows[name] for _, rows, *_ in self.pieces]) for name in _OUTPUTS}
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
            split={name: rows[name] for name in SPLIT},
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
