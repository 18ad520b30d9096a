r"""The half-cell that PyBaMM solves: what is fixed when it is built, and what stays an input.

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
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...constants import FARADAY, GAS
from ...errors import DesignError, StructureError
from ...kinetics import ActiveMaterial, CellParameters
from ..effective import Effective
from ..results import SPLIT
from ..structure.formats import need

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
LEAST_ROWS = 300
"""Rows of an action that are even in time, at least; see `_refined`."""
INSTANT = 1e-6
"""s; as long as the first instant is looked at."""
FAR = 1e6
"""Stands for no limit."""


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


def load_pybamm() -> Any:
    """Import PyBaMM, which then reports nothing to anyone."""
    os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")
    return need("pybamm", "companion")


@dataclass(frozen=True)
class Content:
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
        """What tells contents apart."""
        tables = [self.potential, self.diffusivity, self.conductivity]
        parts = [None if table is None else (table[0].tobytes(), table[1].tobytes()) for table in tables]
        return (self.salt, self.film, self.transfer, self.sites, *parts)


@dataclass
class Cell:
    """An electrode, a membrane and lithium, as numbers for a built model."""

    effective: Effective
    parameters: CellParameters
    active: ActiveMaterial
    start: float
    one_c: float

    def __post_init__(self) -> None:
        self._contents: dict[float, Content] = {}
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
        """Transference number of the electrolyte that is solved for."""
        return self.parameters.electrolyte.transference_number if self.salt else 1.0

    @property
    def area_charge(self) -> float:
        """Charge of all sites that take part, per area, A s/m2."""
        return FARADAY * self.active.site_concentration * self.effective.active_fraction * self.effective.thickness

    def content(self, temperature: float) -> Content:
        """Curves of the active material at a temperature."""
        if temperature not in self._contents:
            active = self.active
            conductivity = None
            if self.effective.electronic_share > 0.0:
                conductivity = table(lambda x: active.electronic_conductivity(x, temperature), ratio=True)
            self._contents[temperature] = Content(
                self.salt,
                self.parameters.interface_resistance > 0.0,
                active.transfer_coefficient,
                active.site_concentration,
                table(lambda x: active.open_circuit_potential(x, temperature)),
                table(lambda x: active.diffusivity(x, temperature), ratio=True),
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


def table(curve: Callable[[Any], Any], *, ratio: bool = False) -> Any:
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


OUTPUTS = (
    "voltage", "current", "charge", "stoichiometry", "least surface", "most surface", "salt", "reaction",
    "equilibrium", "host", "electrons", "ions", "electrons at collector", "ions at membrane", "ions at lithium",
    "salt inside", "salt at membrane", "salt at lithium",
)  # fmt: skip
"""Rows of a solution: "host", "electrons", "ions" and "salt inside" (the potential of the host, of electrons and ions,
and the logarithm of the salt concentration) are means over the reaction, the others are what they say."""

NO_CURRENT = 1e-9
"""A/m2; below it is rest."""


def parts(rows: Mapping[str, Array], cell: "Cell", temperature: float) -> dict[str, Array]:
    """Split the voltage into the parts of `SPLIT`: power over current, part by part.

    Integrated by parts, the power that is lost in electrons, ions and salt is the reaction times the distance of their
    potential from its value at the end where all of the current flows. At rest there is no current to divide by, and
    what the voltage differs from the equilibrium is called diffusion.
    """
    found, current = cell.parameters, -rows["current"]
    factor = 0.0
    excess = 0.0
    if cell.salt:
        thermal = GAS * temperature / FARADAY
        factor = 2.0 * (1.0 - cell.transference) * found.electrolyte.thermodynamic_factor * thermal
        # the membrane's resistance in excess of its salt's is in series in the model, but no part of the lithium
        own, other = (one.conductivity(temperature) for one in (found.membrane, found.electrolyte))
        excess = found.membrane_thickness * (1.0 / own - 1.0 / other)
    inside = factor * (rows["salt inside"] - rows["salt at membrane"])
    within = factor * (rows["salt at membrane"] - rows["salt at lithium"])
    split = {
        "equilibrium": rows["equilibrium"],
        "diffusion": rows["host"] - rows["equilibrium"],
        "charge_transfer": rows["electrons"] - rows["ions"] - rows["host"],
        "ionic": rows["ions"] - rows["ions at membrane"] - inside,
        "concentration": inside + within,
        "electronic": rows["electrons at collector"] - rows["electrons"],
        "membrane": rows["ions at membrane"] - rows["ions at lithium"] - within + current * excess,
        "lithium": rows["ions at lithium"] + rows["voltage"] - rows["electrons at collector"] - current * excess,
    }
    still = np.abs(current) < NO_CURRENT
    whole = rows["voltage"] - rows["equilibrium"]
    at_rest = {"equilibrium": rows["equilibrium"], "diffusion": whole}
    return {name: np.where(still, at_rest.get(name, 0.0), split[name]) for name in SPLIT}


class HalfCell:
    """A discretised PyBaMM model with everything but the geometry and the curves as inputs."""

    def __init__(self, model: Model, mesh: Mesh, tolerance: float, content: Content) -> None:
        pybamm = load_pybamm()
        self.pybamm = pybamm
        self.content = content
        source = _model(model, content, _control)
        values = pybamm.ParameterValues(_values(content, {name: pybamm.InputParameter(name) for name in INPUTS}))
        outputs, source.events = _outputs(source)
        processed = values.process_model(source, inplace=False)
        geometry = source.default_geometry
        values.process_geometry(geometry)
        points = {"x_n": 1, "x_s": mesh.membrane, "x_p": mesh.electrode, "r_n": 1, "r_p": mesh.particle}
        # finer at the two faces, where the reaction starts and where salt runs out: 20 cells are then as good as 40
        kinds = {**source.default_submesh_types, "positive electrode": pybamm.Chebyshev1DSubMesh}
        grid = pybamm.Mesh(geometry, kinds, points)
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
            [discretisation.process_symbol(values.process_symbol(outputs[name])) for name in OUTPUTS]
        )

    def _function(self, symbols: list[Any]) -> Callable[[Array, Array, Inputs], Array]:
        """Compile the outputs into one function of the states."""
        import casadi

        size = self.model.len_rhs_and_alg
        names = (*INPUTS, *CONTROLS)
        t, y = casadi.MX.sym("t"), casadi.MX.sym("y", size)
        p = {name: casadi.MX.sym(f"p{number}") for number, name in enumerate(names)}
        rows = casadi.vertcat(*(symbol.to_casadi(t, y, inputs=p) for symbol in symbols))
        function = casadi.Function("outputs", [t, y, casadi.vertcat(*p.values())], [rows])

        def observe(times: Array, states: Array, inputs: Inputs) -> Array:
            stacked = np.array([inputs[name] for name in names])
            found = function(times[None, :], states, np.repeat(stacked[:, None], times.size, axis=1))
            return np.asarray(found.full())

        return observe

    def advance(self, state: Any, inputs: Inputs, duration: float) -> "Piece":
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
        times, states = _refined(solution)
        rows = dict(zip(OUTPUTS, self._observe(times, states, inputs), strict=True))
        return Piece(solution, times, rows, why)


def _refined(solution: Any) -> tuple[Array, Array]:
    """Times and states of a solution; within long steps, states on the cubics through values and slopes.

    The integrator takes long steps where all is smooth, too long for an energy by the trapezoidal rule: the mean
    voltage of a discharge came out 12 mV off.
    """
    times = np.asarray(solution.t, dtype=float)
    states = solution.y.full() if hasattr(solution.y, "full") else np.asarray(solution.y)
    width = np.diff(times)
    parts = np.ceil(width * (LEAST_ROWS / max(float(times[-1] - times[0]), INSTANT))).astype(int)
    if times.size < 2 or solution.all_yps is None or solution.all_yps[0] is None or parts.max() < 2:
        return times, states
    slopes = np.concatenate([np.asarray(piece) for piece in solution.all_yps], axis=1)
    if slopes.shape != states.shape:
        return times, states
    parts = np.maximum(parts, 1)
    index = np.repeat(np.arange(parts.size), parts)
    first = np.repeat(np.cumsum(parts) - parts, parts)
    u = (np.arange(index.size) - first) / parts[index]
    between = (
        states[:, index] * ((1.0 + 2.0 * u) * (1.0 - u) ** 2)
        + slopes[:, index] * (width[index] * u * (1.0 - u) ** 2)
        + states[:, index + 1] * (u**2 * (3.0 - 2.0 * u))
        + slopes[:, index + 1] * (width[index] * u**2 * (u - 1.0))
    )
    return np.append(times[index] + width[index] * u, times[-1]), np.append(between, states[:, -1:], axis=1)


@dataclass(frozen=True)
class Piece:
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
    given = load_pybamm().InputParameter
    by_current = given("by current")
    current = variables["Current [A]"] - given("applied current")
    return by_current * current + (1.0 - by_current) * (variables["Voltage [V]"] - given("applied voltage"))


def options(content: Content, control: Any) -> dict[str, Any]:
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


def _model(model: Model, content: Content, control: Any) -> Any:
    pybamm = load_pybamm()
    if model == "SPMe":
        if content.film:
            msg = "SPMe has no resistance of the interface (kinetics.interface_resistance); take model DFN"
            raise StructureError(msg)
        return pybamm.lithium_ion.SPMe(options(content, control))
    conductivity = pybamm.electrolyte_conductivity.Full

    class Conduction(conductivity):  # type: ignore[misc, valid-type]
        """PyBaMM's Ohm's law of the electrolyte, with a sharp edge between membrane and electrode.

        PyBaMM multiplies the conductivity with the sum of the two gradients and then takes its arithmetic mean at the
        edge, where it jumps by an order of magnitude: an error of the first order in the mesh, 10 % of the membrane's
        resistance at 20 cells. With each gradient for itself it takes the harmonic mean, which is right.
        """

        def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
            # not on top of the parent's: PyBaMM may call this twice and hand the current of the first call on
            temperature, c = variables["Cell temperature [K]"], variables["Electrolyte concentration [mol.m-3]"]
            kappa = self.param.kappa_e(c, temperature) * variables["Electrolyte transport efficiency"]
            by_salt = (kappa * self.param.chiRT_over_Fc(c, temperature)) * pybamm.grad(c)
            current = by_salt - kappa * pybamm.grad(variables["Electrolyte potential [V]"])
            variables.update(self._get_standard_current_variables(current))
            variables.update(self._get_electrolyte_overpotentials(variables))
            return variables

    class SolidHalfCell(pybamm.lithium_ion.DFN):  # type: ignore[misc, name-defined]
        def set_electrolyte_potential_submodel(self) -> None:
            super().set_electrolyte_potential_submodel()
            self.submodels["electrolyte conductivity"] = Conduction(self.param, self.options)

        def set_electrolyte_concentration_submodel(self) -> None:
            super().set_electrolyte_concentration_submodel()
            if not content.salt:
                # when only lithium moves, the concentration does not change
                name, diffusion = "electrolyte diffusion", pybamm.electrolyte_diffusion
                self.submodels[name] = diffusion.ConstantConcentration(self.param, self.options)

    return SolidHalfCell(options(content, control))


def _values(content: Content, given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameter values of PyBaMM's models for the built geometry; `given` holds the inputs or numbers."""
    pybamm = load_pybamm()
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


FREE = {
    "lowest voltage": -FAR, "highest voltage": FAR, "least current": -1.0, "most charge": FAR * FAR,
    "least surface": -1.0, "most surface": 2.0, "least salt": -1.0,
}  # fmt: skip
"""Controls without a limit."""

AT_ONCE = "non-positive at initial"
"""What PyBaMM says of a limit that is passed at the first instant."""


def _outputs(model: Any) -> tuple[dict[str, Any], list[Any]]:
    """Symbols of the outputs, and the events that end an action."""
    pybamm = load_pybamm()
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
    reaction = variables["Positive electrode volumetric interfacial current density [A.m-3]"]
    # a little is added, so that there is a mean at rest as well, of no use as it is
    total = pybamm.x_average(reaction) + 1e-12

    def mean(symbol: Any) -> Any:
        return pybamm.x_average(reaction * symbol) / total

    def at_left(symbol: Any) -> Any:
        # extrapolated to a face, the concentration may be below 0 where the salt has run out
        return pybamm.log(pybamm.maximum(pybamm.boundary_value(symbol, "left"), DEPLETED * C0))

    found = {
        "voltage": voltage,
        "current": current,
        "charge": charge,
        "stoichiometry": stoichiometry,
        "least surface": pybamm.min(surface),
        "most surface": pybamm.max(surface),
        "salt": pybamm.min(salt),
        "reaction": L0 * pybamm.x_average(reaction),
        "equilibrium": positive.U(stoichiometry, temperature),
        "host": mean(variables["Positive electrode open-circuit potential [V]"]),
        "electrons": mean(electrons),
        "ions": mean(ions),
        "electrons at collector": pybamm.boundary_value(electrons, "right"),
        "ions at membrane": pybamm.boundary_value(ions, "left"),
        "ions at lithium": variables["Lithium metal interface electrolyte potential [V]"],
        "salt inside": mean(pybamm.log(inside)),
        "salt at membrane": at_left(inside),
        "salt at lithium": at_left(membrane),
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
