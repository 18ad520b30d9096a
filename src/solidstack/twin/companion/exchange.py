"""The homogenised half-cell for other programs: a file in the Battery Parameter eXchange format (BPX)."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...constants import FARADAY
from ...design import Design
from ...electrode import rated_one_c
from ...errors import OutputError
from ...files import write_atomic
from ...kinetics import CellParameters, cell_parameters
from ...version import __version__
from ..effective import Effective, only_active
from .scaling import Cell, Content

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
    without a negative one. What the format has no key for is in its section "User-defined": the lithium,
    resistances of interfaces, and how the electronic conductivity depends on the stoichiometry. Every value is at the
    design's temperature. BPX fixes the transfer coefficient at 1/2, and multiplies the exchange current density by the
    root of the relative salt concentration, on which it does not depend here.

    Parameters
    ----------
    design : Design
        A single design (no arrays).
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
    check_ending(path, ".json")
    cell, content = exported_cell(design, effective, parameters)
    data = {
        "Header": _header(design, cell),
        "Parameterisation": {
            "Cell": _cell(design, cell),
            "Electrolyte": _electrolyte(cell),
            "Positive electrode": _positive(cell, content),
            "Separator": _separator(cell),
            "User-defined": _user_defined(cell, content),
        },
        "State": _state(cell),
    }
    return write_atomic(path, json.dumps(data, indent=2, allow_nan=False) + "\n")


def check_ending(path: str | os.PathLike[str], ending: str) -> None:
    """Refuse a file of another ending.

    Raises
    ------
    OutputError
    """
    if Path(path).suffix.lower() != ending:
        msg = f'does not end in {ending}; give it that ending, as in "cell{ending}"'
        raise OutputError(msg, source=os.fspath(path))


def exported_cell(
    design: Design,
    effective: Effective | None,
    parameters: CellParameters | None,
    temperature: float | None = None,
) -> tuple[Cell, Content]:
    """Return the cell of a design, and its curves at a temperature (K; default: the design's)."""
    parameters = parameters or cell_parameters(design)
    active = only_active(parameters)
    medium = effective or Effective.from_design(design, parameters)
    cell = Cell(medium, parameters, active, active.as_made_stoichiometry, float(rated_one_c(design)))
    return cell, cell.content(parameters.temperature if temperature is None else temperature)


def interface_ratio(medium: Effective) -> float:
    """Area of the interface over the surface of the spheres into which lithium diffuses."""
    return medium.specific_interface * medium.radius / (3.0 * medium.active_fraction)


def _header(design: Design, cell: Cell) -> dict[str, Any]:
    notes = [
        "Half-cell: lithium metal against the positive electrode; the porosity is the share of solid electrolyte.",
        f"Written by solidstack {__version__}; effective properties: {cell.effective.source}.",
    ]
    if not cell.salt:
        notes.append("Only lithium moves in the electrolyte: its diffusivity and concentration have no effect.")
    if cell.active.transfer_coefficient != 0.5:
        notes.append(f"The transfer coefficient is {cell.active.transfer_coefficient:g}; BPX takes 0.5.")
    references = sorted({f"{sourced.what}: {sourced.source}" for sourced in cell.parameters.sources})
    return {
        "BPX": BPX_VERSION,
        "Title": design.name,
        "Description": " ".join(notes),
        "References": " | ".join(references),
        "Model": "Partial",
    }


def _cell(design: Design, cell: Cell) -> dict[str, Any]:
    low, high = cell.parameters.voltage_window
    width, height = (float(edge) for edge in design.stack.positive_size)
    return {
        "Electrode area [m2]": width * height,
        "Number of electrode pairs connected in parallel to make a cell": 1,
        "Lower voltage cut-off [V]": low,
        "Upper voltage cut-off [V]": high,
        "Nominal cell capacity [A.h]": cell.one_c * cell.effective.active_loading * width * height,
        "Reference temperature [K]": cell.parameters.temperature,
    }


def _electrolyte(cell: Cell) -> dict[str, Any]:
    parameters = cell.parameters
    diffusivity = parameters.electrolyte.salt_diffusivity(parameters.temperature) if cell.salt else None
    kappa, concentration = (
        parameters.electrolyte.conductivity(parameters.temperature),
        parameters.electrolyte.salt_concentration,
    )
    return {
        "Cation transference number": cell.transference,
        "Conductivity [S.m-1]": f"{kappa / concentration!r} * x" if cell.salt and concentration else kappa,
        "Diffusivity [m2.s-1]": 1e-12 if diffusivity is None else diffusivity,
    }


def _stoichiometries(cell: Cell) -> tuple[float, float]:
    """Least and most stoichiometry, at the upper and the lower voltage."""
    low, high = cell.parameters.voltage_window
    charged, discharged = (cell.active.stoichiometry(voltage, cell.parameters.temperature) for voltage in (high, low))
    return charged, discharged


def _positive(cell: Cell, content: Content) -> dict[str, Any]:
    medium, active, temperature = cell.effective, cell.active, cell.parameters.temperature
    charged, discharged = _stoichiometries(cell)
    middle = 0.5 * (charged + discharged)
    own = active.electronic_conductivity(middle, temperature) if medium.electronic_share > 0.0 else 0.0
    kappa = cell.parameters.electrolyte.conductivity(medium.temperature)
    constant = content.diffusivity is None
    return {
        "Thickness [m]": medium.thickness,
        "Porosity": medium.electrolyte_fraction,
        "Transport efficiency": medium.ionic_conductivity / kappa,
        "Conductivity [S.m-1]": float(medium.electronic_conductivity + medium.electronic_share * own),
        "Minimum stoichiometry": charged,
        "Maximum stoichiometry": discharged,
        "Maximum concentration [mol.m-3]": active.site_concentration,
        "Particle radius [m]": medium.radius,
        "Surface area per unit volume [m-1]": 3.0 * medium.active_fraction / medium.radius,
        "Diffusivity [m2.s-1]": (
            float(active.diffusivity(0.5, temperature)) if constant else _curve(content.diffusivity)
        ),
        "OCP [V]": _curve(content.potential),
        "Reaction rate constant [mol.m-2.s-1]": (
            2.0 * active.exchange_current_density(temperature) * interface_ratio(medium) / FARADAY
        ),
    }


def _separator(cell: Cell) -> dict[str, Any]:
    parameters = cell.parameters
    membrane = parameters.membrane.conductivity(parameters.temperature)
    return {
        "Thickness [m]": parameters.membrane_thickness,
        "Porosity": 1.0,
        "Transport efficiency": membrane / parameters.electrolyte.conductivity(parameters.temperature),
    }


def _user_defined(cell: Cell, content: Content) -> dict[str, Any]:
    parameters, medium = cell.parameters, cell.effective
    values: dict[str, Any] = {
        "description": "of the half-cell; SI units",
        "Lithium exchange-current density [A.m-2]": parameters.lithium.exchange_current_density(parameters.temperature),
        "Lithium interface resistance [Ohm.m2]": parameters.lithium_resistance,
        "Positive interface resistance [Ohm.m2]": parameters.interface_resistance,
        "Positive transfer coefficient": cell.active.transfer_coefficient,
        "Positive inactive fraction of active material": medium.inactive_fraction,
        "Thermodynamic factor": parameters.electrolyte.thermodynamic_factor if cell.salt else 1.0,
    }
    if content.conductivity is not None:
        x, conductivity = content.conductivity
        whole = medium.electronic_conductivity + medium.electronic_share * conductivity
        values["Positive effective electronic conductivity [S.m-1]"] = {"x": x.tolist(), "y": whole.tolist()}
    return values


def _state(cell: Cell) -> dict[str, Any]:
    temperature = cell.parameters.temperature
    concentration = cell.parameters.electrolyte.salt_concentration if cell.salt else 1000.0
    return {
        "Initial conditions": {
            "Initial temperature [K]": temperature,
            "Initial electrolyte concentration [mol.m-3]": concentration,
        },
        "Thermal environment": {"Ambient temperature [K]": temperature},
    }


def _curve(table: tuple[Array, Array] | None) -> dict[str, list[float]]:
    assert table is not None
    return {"x": table[0].tolist(), "y": table[1].tolist()}
