"""The homogenised half-cell as a PyBaMM script that stands alone."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from pprint import pformat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...design import Action, Design, Protocol, default_protocol, first_charge
from ...errors import DesignError
from ...files import write_atomic
from ...kinetics import CellParameters, cell_parameters
from ...version import __version__
from ..effective import Effective
from .control import EDGE, LONGEST_HOLD
from .exchange import check_ending, exported_cell, interface_ratio
from .half_cell import Mesh
from .half_cell_equations import options, square_metre
from .scaling import Cell, Content
from .script_template import TEMPLATE

Array = NDArray[np.float64]


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
        A single design (no arrays).
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
    check_ending(path, ".py")
    parameters = parameters or cell_parameters(design)
    protocol = protocol or design.protocol or default_protocol(parameters.voltage_window)
    actions = protocol.actions()
    own = parameters.temperature
    temperatures = {own if action.temperature is None else action.temperature for action in actions}
    if len(temperatures) > 1:
        listed = ", ".join(f"{kelvin - 273.15:g}" for kelvin in sorted(temperatures))
        msg = f"the protocol has several temperatures ({listed} degC); the script has one. Write a script for each"
        raise DesignError(msg)
    (temperature,) = temperatures
    cell, content = exported_cell(design, effective, parameters, temperature)
    text = TEMPLATE.format(
        name=design.name.replace("\\", "/").replace('"', "'"),
        version=__version__,
        actions="[\n" + "".join(f"    {row!r},\n" for row in _rows(cell, actions)) + "]",
        **_electrode(cell, content, temperature),
        **_numerics(content, mesh or Mesh(), tolerance),
    )
    return write_atomic(path, text)


def _electrode(cell: Cell, content: Content, temperature: float) -> dict[str, Any]:
    """What the script has of the electrode: numbers, curves, kinetics."""
    medium, active = cell.effective, cell.active
    tables = {
        "POTENTIAL": content.potential,
        "DIFFUSIVITY": content.diffusivity,
        "CONDUCTIVITY": content.conductivity,
    }
    written = []
    for name, table in tables.items():
        if table is not None:
            written += [f"{name}_X = {_literal(table[0])}", f"{name} = {_literal(table[1])}"]
    diffusivity = "curve(DIFFUSIVITY_X, DIFFUSIVITY)"
    if content.diffusivity is None:
        diffusivity = f"{float(active.diffusivity(0.5, temperature))!r}"
    electronic = f"lambda sto, _: {medium.electronic_conductivity!r}"
    if medium.electronic_share > 0.0:
        own = "curve(CONDUCTIVITY_X, CONDUCTIVITY)(sto)"
        if content.conductivity is None:
            own = f"{float(active.electronic_conductivity(0.5, temperature))!r}"
        electronic += f" + {medium.electronic_share!r} * {own}"
    ratio = interface_ratio(medium)
    film = ""
    if content.film:
        film = f"INTERFACE_RESISTANCE = {cell.parameters.interface_resistance / ratio!r}  # ohm m2\n"
    return {
        "source": medium.source,
        "tables": "\n".join(written),
        "values": pformat(_numbers(cell, temperature), sort_dicts=False, width=110),
        "film": film,
        "diffusivity": diffusivity,
        "electronic": electronic,
        "active_fraction": f"{medium.active_fraction!r}",
        "exchange": f"{2.0 * active.exchange_current_density(temperature) * ratio!r}",
        "transfer": f"{content.transfer!r}",
    }


def _numerics(content: Content, mesh: Mesh, tolerance: float) -> dict[str, Any]:
    """What the script has of the model: options, mesh, tolerances."""
    return {
        "options": pformat(options(content), sort_dicts=False, width=110),
        "salt": content.salt,
        "has_film": content.film,
        "electrode": mesh.electrode,
        "membrane": mesh.membrane,
        "particle": mesh.particle,
        "tolerance": tolerance,
        "absolute": (0.1 if content.film else 1.0) * tolerance,
        "edge": EDGE,
    }


def _literal(values: Sequence[float] | Array) -> str:
    rows = [", ".join(f"{value:.10g}" for value in values[start : start + 8]) for start in range(0, len(values), 8)]
    return "[\n    " + ",\n    ".join(rows) + ",\n]"


def _numbers(cell: Cell, temperature: float) -> dict[str, float]:
    """Parameters of PyBaMM's half-cell that are numbers, with the true geometry."""
    parameters, medium, active = cell.parameters, cell.effective, cell.active
    kappa = parameters.electrolyte.conductivity(temperature)
    membrane = parameters.membrane.conductivity(temperature)
    through = medium.ionic_conductivity / parameters.electrolyte.conductivity(medium.temperature)
    series = parameters.lithium_resistance
    beyond = membrane / kappa
    concentration, salt = 1000.0, 1e-12
    if cell.salt:
        salt = parameters.electrolyte.salt_diffusivity(temperature) or salt
        concentration = parameters.electrolyte.salt_concentration or concentration
        beyond = cell.membrane_ease(temperature)
        series += parameters.membrane_thickness * (1.0 / membrane - 1.0 / (beyond * kappa))
    porosity = medium.electrolyte_fraction
    exchange = parameters.lithium.exchange_current_density(temperature)
    return square_metre(temperature, temperature, cell.one_c * medium.active_loading, series) | {
        "Exchange-current density for lithium metal electrode [A.m-2]": exchange,
        "Separator thickness [m]": parameters.membrane_thickness,
        "Separator porosity": 1.0,
        "Separator tortuosity factor (electrolyte)": 1.0 / beyond,
        "Electrolyte conductivity [S.m-1]": kappa,
        "Electrolyte diffusivity [m2.s-1]": salt,
        "Cation transference number": cell.transference,
        "Thermodynamic factor": parameters.electrolyte.thermodynamic_factor if cell.salt else 1.0,
        "Initial concentration in electrolyte [mol.m-3]": concentration,
        "Positive electrode thickness [m]": medium.thickness,
        "Positive electrode porosity": porosity,
        "Positive electrode tortuosity factor (electrolyte)": porosity / through,
        "Positive electrode tortuosity factor (electrode)": 1.0 - porosity,
        "Positive electrode OCP entropic change [V.K-1]": 0.0,
        "Positive electrode Butler-Volmer transfer coefficient": active.transfer_coefficient,
        "Positive particle radius [m]": medium.radius,
        "Maximum concentration in positive electrode [mol.m-3]": active.site_concentration,
        "Initial concentration in positive electrode [mol.m-3]": cell.start * active.site_concentration,
    }


def _rows(cell: Cell, actions: Sequence[Action]) -> list[tuple[Any, ...]]:
    """Actions as plain rows: SI, current of PyBaMM's sign, None without a limit."""
    loading = cell.effective.active_loading
    first = first_charge(actions)
    rows = []
    for number, action in enumerate(actions):
        current = None
        duration = action.time_limit
        if action.kind != "hold":
            rate = 0.0 if action.rate is None else action.rate.current_density(loading, cell.one_c)
            current = -action.sign * rate
            if action.capacity_limit is not None:
                duration = min(action.capacity_limit * loading / rate, math.inf if duration is None else duration)
            if duration is None:
                duration = 1.1 * cell.area_charge / rate
        limit = action.current_limit
        least = None if limit is None else limit.current_density(loading, cell.one_c)
        most = None
        if action.kind == "hold" and action.capacity_limit is not None:
            most = action.capacity_limit * loading
        low = action.voltage_limit if action.kind == "discharge" else None
        high = action.voltage_limit if action.kind == "charge" else None
        longest = LONGEST_HOLD if duration is None else duration
        share = cell.reversible_share if number < first else 1.0
        rows.append((action.where, action.train, current, action.voltage, longest, low, high, least, most, share))
    return rows
