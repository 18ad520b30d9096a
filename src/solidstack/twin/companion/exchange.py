"""The homogenised half-cell for other programs: a BPX file, and a PyBaMM script that stands alone."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from pprint import pformat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...constants import FARADAY
from ...design import Action, Design, Protocol, default_protocol
from ...electrode import rated_one_c
from ...errors import DesignError, OutputError
from ...files import write_atomic
from ...kinetics import CellParameters, cell_parameters
from ...version import __version__
from ..effective import Effective, only_active
from .halfcell import EDGE, LITHIUM_CONDUCTIVITY, Cell, Content, Mesh
from .homogenised import LONGEST_HOLD

BPX_VERSION = "1.1.0"

Array = NDArray[np.float64]


def export_bpx(
    design: Design,
    path: str | os.PathLike[str],
    *,
    effective: Effective | None = None,
    parameters: CellParameters | None = None,
) -> Path:
    """Write the homogenised half-cell in the Battery Parameter eXchange format (BPX 1.1).

    BPX has no half-cell; the file is of its kind "Partial": cell, electrolyte, positive electrode and separator,
    without a negative one. What the format has no key for stands in its section "User-defined": the lithium,
    resistances of interfaces, and how the electronic conductivity depends on the stoichiometry. Every value is at the
    design's temperature. BPX fixes the transfer coefficient at 1/2, and multiplies the exchange current density by the
    root of the relative salt concentration, of which it does not depend here.

    Parameters
    ----------
    design : Design
        A single one.
    path : path
        A file that ends in .json.
    effective : Effective, optional
        Default: the closed form.
    parameters : CellParameters, optional
        Default: those of the design.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        Another ending, or a place that cannot be written.
    DesignError
        Salt in the positive and a membrane of another electrolyte.
    """
    _check_ending(path, ".json")
    cell, content = _cell(design, effective, parameters)
    return write_atomic(path, json.dumps(_bpx(design, cell, content), indent=2, allow_nan=False) + "\n")


def _bpx(design: Design, cell: Cell, content: Content) -> dict[str, Any]:
    found, medium, active = cell.parameters, cell.effective, cell.active
    temperature = found.temperature
    kappa = found.electrolyte.conductivity(temperature)
    low, high = found.voltage_window
    full, empty = (active.stoichiometry(voltage, temperature) for voltage in (high, low))
    width, height = (float(edge) for edge in design.stack.positive_size)
    middle = 0.5 * (full + empty)
    own = active.electronic_conductivity(middle, temperature) if medium.electronic_share > 0.0 else 0.0
    diffusivity = content.diffusivity
    interface = medium.specific_interface * medium.radius / (3.0 * medium.active_fraction)
    salt = found.electrolyte.salt_diffusivity(temperature) if cell.salt else None
    membrane = found.membrane.conductivity(temperature)
    notes = [
        "Half-cell: lithium metal against the positive electrode; the porosity is the share of solid electrolyte.",
        f"Written by solidstack {__version__}; effective properties: {medium.source}.",
    ]
    if not cell.salt:
        notes.append("Only lithium moves in the electrolyte: its diffusivity and concentration have no effect.")
    if active.transfer_coefficient != 0.5:
        notes.append(f"The transfer coefficient is {active.transfer_coefficient:g}; BPX takes 0.5.")
    user = {
        "description": "of the half-cell; SI units",
        "Lithium exchange-current density [A.m-2]": found.lithium.exchange_current_density(temperature),
        "Lithium interface resistance [Ohm.m2]": found.lithium_resistance,
        "Positive interface resistance [Ohm.m2]": found.interface_resistance,
        "Positive transfer coefficient": active.transfer_coefficient,
        "Positive inactive fraction of active material": medium.inactive_fraction,
        "Thermodynamic factor": found.electrolyte.thermodynamic_factor if cell.salt else 1.0,
    }
    if content.conductivity is not None:
        x, conductivity = content.conductivity
        whole = medium.electronic_conductivity + medium.electronic_share * conductivity
        user["Positive effective electronic conductivity [S.m-1]"] = {"x": x.tolist(), "y": whole.tolist()}
    return {
        "Header": {
            "BPX": BPX_VERSION,
            "Title": design.name,
            "Description": " ".join(notes),
            "References": " | ".join(sorted({f"{one.what}: {one.source}" for one in found.sources})),
            "Model": "Partial",
        },
        "Parameterisation": {
            "Cell": {
                "Electrode area [m2]": width * height,
                "Number of electrode pairs connected in parallel to make a cell": 1,
                "Lower voltage cut-off [V]": low,
                "Upper voltage cut-off [V]": high,
                "Nominal cell capacity [A.h]": cell.one_c * medium.active_loading * width * height,
                "Reference temperature [K]": temperature,
            },
            "Electrolyte": {
                "Cation transference number": cell.transference,
                "Conductivity [S.m-1]": kappa,
                "Diffusivity [m2.s-1]": 1e-12 if salt is None else salt,
            },
            "Positive electrode": {
                "Thickness [m]": medium.thickness,
                "Porosity": medium.electrolyte_fraction,
                "Transport efficiency": medium.ionic_conductivity / found.electrolyte.conductivity(medium.temperature),
                "Conductivity [S.m-1]": float(medium.electronic_conductivity + medium.electronic_share * own),
                "Minimum stoichiometry": full,
                "Maximum stoichiometry": empty,
                "Maximum concentration [mol.m-3]": active.site_concentration,
                "Particle radius [m]": medium.radius,
                "Surface area per unit volume [m-1]": 3.0 * medium.active_fraction / medium.radius,
                "Diffusivity [m2.s-1]": (
                    float(active.diffusivity(0.5, temperature)) if diffusivity is None else _curve(diffusivity)
                ),
                "OCP [V]": _curve(content.potential),
                "Reaction rate constant [mol.m-2.s-1]": (
                    2.0 * active.exchange_current_density(temperature) * interface / FARADAY
                ),
            },
            "Separator": {
                "Thickness [m]": found.membrane_thickness,
                "Porosity": 1.0,
                "Transport efficiency": membrane / kappa,
            },
            "User-defined": user,
        },
        "State": {
            "Initial conditions": {
                "Initial temperature [K]": temperature,
                "Initial electrolyte concentration [mol.m-3]": (
                    found.electrolyte.salt_concentration if cell.salt else 1000.0
                ),
            },
            "Thermal environment": {"Ambient temperature [K]": temperature},
        },
    }


def _curve(table: tuple[Array, Array]) -> dict[str, list[float]]:
    return {"x": table[0].tolist(), "y": table[1].tolist()}


def export_script(
    design: Design,
    path: str | os.PathLike[str],
    protocol: Protocol | None = None,
    *,
    effective: Effective | None = None,
    parameters: CellParameters | None = None,
    mesh: Mesh | None = None,
    tolerance: float = 1e-5,
) -> Path:
    """Write a script that runs the protocol with PyBaMM alone, and writes the curve to a CSV file.

    It has the true thicknesses and radius and every number of the electrode, so that it can be read, changed and
    published. ``python SCRIPT [CURVE.csv]`` runs it.

    Parameters
    ----------
    design : Design
        A single one.
    path : path
        A file that ends in .py.
    protocol : Protocol, optional
        Default: the design's, else charge and discharge; see `solidstack.twin.companion.homogenised.simulate`.
    effective, parameters, mesh
        See `solidstack.twin.companion.homogenised.simulate`.
    tolerance : float
        Relative, of the integration in time.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        Another ending, or a place that cannot be written.
    DesignError
        A protocol with several temperatures.
    """
    _check_ending(path, ".py")
    found = parameters or cell_parameters(design)
    protocol = protocol or design.protocol or default_protocol(found.voltage_window)
    actions = protocol.actions()
    temperatures = {found.temperature if one.temperature is None else one.temperature for one in actions}
    if len(temperatures) > 1:
        listed = ", ".join(f"{kelvin - 273.15:g}" for kelvin in sorted(temperatures))
        msg = f"the protocol has several temperatures ({listed} degC); the script has one. Write a script for each"
        raise DesignError(msg)
    cell, content = _cell(design, effective, found, temperatures.pop())
    return write_atomic(path, _script(design, cell, content, actions, mesh or Mesh(), tolerance))


def _check_ending(path: str | os.PathLike[str], ending: str) -> None:
    if Path(path).suffix.lower() != ending:
        msg = f'does not end in {ending}; give it that ending, as in "cell{ending}"'
        raise OutputError(msg, source=os.fspath(path))


def _cell(
    design: Design,
    effective: Effective | None,
    parameters: CellParameters | None,
    temperature: float | None = None,
) -> tuple[Cell, Content]:
    parameters = parameters or cell_parameters(design)
    active = only_active(parameters)
    medium = effective or Effective.from_design(design, parameters)
    cell = Cell(medium, parameters, active, active.as_made_stoichiometry, float(rated_one_c(design)))
    return cell, cell.content(parameters.temperature if temperature is None else temperature)


def _literal(values: Sequence[float] | Array) -> str:
    rows = [", ".join(f"{value:.10g}" for value in values[start : start + 8]) for start in range(0, len(values), 8)]
    return "[\n    " + ",\n    ".join(rows) + ",\n]"


def _numbers(cell: Cell, temperature: float) -> dict[str, float]:
    """Parameters of PyBaMM's half-cell that are numbers, with the true geometry."""
    found, medium, active = cell.parameters, cell.effective, cell.active
    kappa, membrane = (one.conductivity(temperature) for one in (found.electrolyte, found.membrane))
    through = medium.ionic_conductivity / found.electrolyte.conductivity(medium.temperature)
    series = found.lithium_resistance
    beyond = membrane / kappa
    concentration, salt = 1000.0, 1e-12
    if cell.salt:
        salt = found.electrolyte.salt_diffusivity(temperature) or salt
        concentration = found.electrolyte.salt_concentration or concentration
        series += found.membrane_thickness * (1.0 / membrane - 1.0 / kappa)
        beyond = 1.0
    porosity = medium.electrolyte_fraction
    return {
        "Ambient temperature [K]": temperature,
        "Initial temperature [K]": temperature,
        "Reference temperature [K]": temperature,
        "Electrode height [m]": 1.0,
        "Electrode width [m]": 1.0,
        "Nominal cell capacity [A.h]": cell.one_c * medium.active_loading,
        "Number of cells connected in series to make a battery": 1.0,
        "Number of electrodes connected in parallel to make a cell": 1.0,
        "Lower voltage cut-off [V]": -1e6,
        "Upper voltage cut-off [V]": 1e6,
        "Contact resistance [Ohm]": series,
        "Negative electrode thickness [m]": 1e-4,
        "Negative electrode conductivity [S.m-1]": LITHIUM_CONDUCTIVITY,
        "Negative electrode OCP [V]": 0.0,
        "Negative electrode OCP entropic change [V.K-1]": 0.0,
        "Exchange-current density for lithium metal electrode [A.m-2]": found.lithium.exchange_current_density(
            temperature
        ),
        "Separator thickness [m]": found.membrane_thickness,
        "Separator porosity": 1.0,
        "Separator tortuosity factor (electrolyte)": 1.0 / beyond,
        "Electrolyte conductivity [S.m-1]": kappa,
        "Electrolyte diffusivity [m2.s-1]": salt,
        "Cation transference number": cell.transference,
        "Thermodynamic factor": found.electrolyte.thermodynamic_factor if cell.salt else 1.0,
        "Initial concentration in electrolyte [mol.m-3]": concentration,
        "Positive electrode thickness [m]": medium.thickness,
        "Positive electrode porosity": porosity,
        "Positive electrode tortuosity factor (electrolyte)": porosity / through,
        "Positive electrode tortuosity factor (electrode)": 1.0 - porosity,
        "Positive electrode active material volume fraction": medium.active_fraction,
        "Positive electrode OCP entropic change [V.K-1]": 0.0,
        "Positive electrode Butler-Volmer transfer coefficient": active.transfer_coefficient,
        "Positive particle radius [m]": medium.radius,
        "Maximum concentration in positive electrode [mol.m-3]": active.site_concentration,
        "Initial concentration in positive electrode [mol.m-3]": cell.start * active.site_concentration,
    }


def _rows(cell: Cell, actions: Sequence[Action]) -> list[tuple[Any, ...]]:
    """Actions as plain rows: SI, current of PyBaMM's sign, None without a limit."""
    loading = cell.effective.active_loading
    rows = []
    for one in actions:
        current = None
        duration = one.time_limit
        if one.kind != "hold":
            rate = 0.0 if one.rate is None else one.rate.current_density(loading, cell.one_c)
            current = -one.sign * rate
            if one.capacity_limit is not None:
                duration = min(one.capacity_limit * loading / rate, math.inf if duration is None else duration)
            if duration is None:
                duration = 1.1 * cell.area_charge / rate
        least = None if one.current_limit is None else one.current_limit.current_density(loading, cell.one_c)
        most = one.capacity_limit * loading if one.kind == "hold" and one.capacity_limit is not None else None
        low = one.voltage_limit if one.kind == "discharge" else None
        high = one.voltage_limit if one.kind == "charge" else None
        longest = LONGEST_HOLD if duration is None else duration
        rows.append((one.where, one.train, current, one.voltage, longest, low, high, least, most))
    return rows


def _script(
    design: Design, cell: Cell, content: Content, actions: Sequence[Action], mesh: Mesh, tolerance: float
) -> str:
    temperature = cell.parameters.temperature if actions[0].temperature is None else actions[0].temperature
    medium, active = cell.effective, cell.active
    interface = medium.specific_interface * medium.radius / (3.0 * medium.active_fraction)
    tables: Mapping[str, tuple[Array, Array] | None] = {
        "POTENTIAL": content.potential,
        "DIFFUSIVITY": content.diffusivity,
        "CONDUCTIVITY": content.conductivity,
    }
    written = []
    for name, table in tables.items():
        if table is not None:
            written += [f"{name}_X = {_literal(table[0])}", f"{name} = {_literal(table[1])}"]
    diffusivity = (
        f"{float(active.diffusivity(0.5, temperature))!r}"
        if content.diffusivity is None
        else "curve(DIFFUSIVITY_X, DIFFUSIVITY)"
    )
    electronic = f"lambda sto, _: {medium.electronic_conductivity!r}"
    if medium.electronic_share > 0.0:
        own = (
            f"{float(active.electronic_conductivity(0.5, temperature))!r}"
            if content.conductivity is None
            else "curve(CONDUCTIVITY_X, CONDUCTIVITY)(sto)"
        )
        electronic += f" + {medium.electronic_share!r} * {own}"
    options: dict[str, Any] = {
        "working electrode": "positive",
        "transport efficiency": "tortuosity factor",
        "contact resistance": "true",
    }
    film = ""
    if content.transfer != 0.5:
        options["intercalation kinetics"] = ("symmetric Butler-Volmer", "asymmetric Butler-Volmer")
    if content.film:
        options |= {"SEI": ("none", "constant"), "SEI film resistance": "distributed"}
        film = f"INTERFACE_RESISTANCE = {cell.parameters.interface_resistance / interface!r}  # ohm m2\n"
    return _TEMPLATE.format(
        name=design.name.replace("\\", "/").replace('"', "'"),
        version=__version__,
        source=medium.source,
        tables="\n".join(written),
        values=pformat(_numbers(cell, temperature), sort_dicts=False, width=110),
        actions="[\n" + "".join(f"    {row!r},\n" for row in _rows(cell, actions)) + "]",
        options=pformat(options, sort_dicts=False, width=110),
        film=film,
        diffusivity=diffusivity,
        electronic=electronic,
        exchange=f"{2.0 * active.exchange_current_density(temperature) * interface!r}",
        transfer=f"{content.transfer!r}",
        salt=content.salt,
        has_film=content.film,
        electrode=mesh.electrode,
        membrane=mesh.membrane,
        particle=mesh.particle,
        tolerance=tolerance,
        absolute=(0.1 if content.film else 1.0) * tolerance,
        edge=EDGE,
    )


_TEMPLATE = '''"""{name}: the positive electrode against lithium as a homogeneous medium, in PyBaMM.

Written by solidstack {version}; effective properties: {source}. SI units throughout, per m2 of electrode.
It needs PyBaMM 26.10 or newer and writes a CSV file: python SCRIPT [CURVE.csv]
"""

import csv
import os
import sys

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

import numpy as np
import pybamm

# Of the active material, over its lithium stoichiometry (1: full)
{tables}

VALUES = {values}

# place, number of the step, current (positive discharges; None: hold), voltage of a hold, longest duration,
# lowest and highest voltage, least current, most charge
ACTIONS = {actions}

OPTIONS = {options}
{film}
SALT = {salt}
FILM = {has_film}


def curve(x, y):
    return lambda sto: pybamm.Interpolant(np.array(x), np.array(y), sto, interpolator="linear")


def exchange_current_density(_, c, most, __):
    return {exchange} * (c / most) ** {transfer} * (1.0 - c / most) ** (1.0 - {transfer})


def given(name):
    return pybamm.InputParameter(name)


def control(variables):
    """Residual that sets the current or the voltage."""
    by_current = given("by current")
    current = variables["Current [A]"] - given("applied current")
    return by_current * current + (1.0 - by_current) * (variables["Voltage [V]"] - given("applied voltage"))


class Conduction(pybamm.electrolyte_conductivity.Full):
    """With a harmonic mean of the conductivity where it jumps, between membrane and electrode."""

    def get_coupled_variables(self, variables):
        temperature, c = variables["Cell temperature [K]"], variables["Electrolyte concentration [mol.m-3]"]
        kappa = self.param.kappa_e(c, temperature) * variables["Electrolyte transport efficiency"]
        by_salt = (kappa * self.param.chiRT_over_Fc(c, temperature)) * pybamm.grad(c)
        current = by_salt - kappa * pybamm.grad(variables["Electrolyte potential [V]"])
        variables.update(self._get_standard_current_variables(current))
        variables.update(self._get_electrolyte_overpotentials(variables))
        return variables


class HalfCell(pybamm.lithium_ion.DFN):
    def set_electrolyte_potential_submodel(self):
        super().set_electrolyte_potential_submodel()
        self.submodels["electrolyte conductivity"] = Conduction(self.param, self.options)

    def set_electrolyte_concentration_submodel(self):
        super().set_electrolyte_concentration_submodel()
        if not SALT:  # only lithium moves
            diffusion = pybamm.electrolyte_diffusion.ConstantConcentration(self.param, self.options)
            self.submodels["electrolyte diffusion"] = diffusion


def build():
    model = HalfCell({{**OPTIONS, "operating mode": control}})
    values = dict(VALUES)
    values["Positive electrode OCP [V]"] = curve(POTENTIAL_X, POTENTIAL)
    values["Positive particle diffusivity [m2.s-1]"] = {diffusivity}
    values["Positive electrode conductivity [S.m-1]"] = {electronic}
    values["Positive electrode exchange-current density [A.m-2]"] = exchange_current_density
    if FILM:
        for prefix in ("", "Positive "):
            values[prefix + "Initial SEI thickness [m]"] = 1.0
            values[prefix + "SEI resistivity [Ohm.m]"] = INTERFACE_RESISTANCE
        values["SEI partial molar volume [m3.mol-1]"] = 1e-5
        values["Ratio of lithium moles to SEI moles"] = 2.0
    values = pybamm.ParameterValues(values)
    voltage, current = model.variables["Voltage [V]"], model.variables["Current [A]"]
    charge = model.variables["Discharge capacity [A.h]"] * 3600.0 - given("charge before")
    surface = model.variables["Positive particle surface stoichiometry"]
    nominal = VALUES["Initial concentration in electrolyte [mol.m-3]"]
    salt = model.variables["Electrolyte concentration [mol.m-3]"] / nominal
    model.events = [
        pybamm.Event("lowest voltage", voltage - given("lowest voltage")),
        pybamm.Event("highest voltage", given("highest voltage") - voltage),
        pybamm.Event("least current", pybamm.AbsoluteValue(current) - given("least current")),
        pybamm.Event("most charge", given("most charge") - pybamm.AbsoluteValue(charge)),
        pybamm.Event("empty", pybamm.min(surface) - {edge}),
        pybamm.Event("full", 1.0 - {edge} - pybamm.max(surface)),
        pybamm.Event("salt used up", pybamm.min(salt) - given("least salt")),
    ]
    geometry = model.default_geometry
    processed = values.process_model(model, inplace=False)
    values.process_geometry(geometry)
    kinds = {{**model.default_submesh_types, "positive electrode": pybamm.Chebyshev1DSubMesh}}
    points = {{"x_n": 1, "x_s": {membrane}, "x_p": {electrode}, "r_n": 1, "r_p": {particle}}}
    mesh = pybamm.Mesh(geometry, kinds, points)
    discretised = pybamm.Discretisation(mesh, model.default_spatial_methods).process_model(processed, inplace=False)
    options = {{"suppress_algebraic_error": FILM, "silence_sundials_errors": True}}
    return discretised, pybamm.IDAKLUSolver(rtol={tolerance}, atol={absolute}, options=options)


def main(path):
    model, solver = build()
    state, charge, index = None, 0.0, 0
    with open(path, "w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["step", "time_s", "current_density_A_m2", "voltage_V"])
        while index < len(ACTIONS):
            where, step, current, voltage, longest, low, high, least, most = ACTIONS[index]
            inputs = {{
                "by current": float(current is not None),
                "applied current": current or 0.0,
                "applied voltage": voltage or 0.0,
                "lowest voltage": -1e6 if low is None else low,
                "highest voltage": 1e6 if high is None else high,
                "least current": -1.0 if least is None else least,
                "most charge": 1e12 if most is None else most,
                "charge before": charge,
                "least salt": -1.0 if current == 0.0 else 1e-3,
            }}
            try:
                state = solver.step(state, model, longest, inputs=inputs, save=False)
                reason = state.termination
            except pybamm.SolverError as error:
                if "non-positive at initial" not in str(error):
                    raise
                reason = "event at the first instant"
            print(where, "ended by:", reason)
            if "first instant" not in reason:
                state.termination = "final time"
                names = ("Current [A]", "Voltage [V]", "Discharge capacity [A.h]")
                found = [state[name].entries for name in names]
                charge = 3600.0 * found[2][-1]
                for t, i, v in zip(state.t, found[0], found[1]):
                    table.writerow([where, repr(float(t)), repr(float(-i)), repr(float(v))])
            index += 1
            if "event" in reason and "least current" not in reason and "most charge" not in reason:
                while index < len(ACTIONS) and ACTIONS[index][1] == step:
                    index += 1  # the rest of a train of pulses


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "curve.csv")
'''
