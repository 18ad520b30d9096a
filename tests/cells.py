"""Small cells for the tests of charge and discharge: materials of plain numbers, structures of few voxels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from solidstack.constants import FARADAY, GAS
from solidstack.design import Protocol
from solidstack.kernels.electrochemistry import cpu as coupled_cpu
from solidstack.kinetics import ActiveMaterial, CellParameters, Electrolyte, Lithium
from solidstack.kinetics.salt import newman_number
from solidstack.materials import (
    Conductivity,
    Diffusivity,
    ElectronicConductivity,
    ExchangeCurrentDensity,
    OpenCircuitPotential,
    SaltDiffusivity,
)
from solidstack.twin.electrochemistry.domain import Domain, prepare
from solidstack.twin.electrochemistry.equations import Equations
from solidstack.twin.structure.voxels import Phase, Structure

UM = 1e-6
TEMPERATURE = 298.15
THERMAL = GAS * TEMPERATURE / FARADAY
"""RT/F, V."""
SITES = 49_100.0
"""mol/m3."""
DENSITY = 4760.0
CURVED = ((0.0, 4.6), (0.25, 4.3), (0.5, 3.95), (0.75, 3.7), (0.95, 3.5), (1.0, 2.6))
"""Stoichiometry and potential, V, roughly those of a layered oxide."""
PORE, AM, SE, CA, OTHER = range(5)
PHASES = {
    "pore": Phase(PORE, "pore"),
    "AM": Phase(AM, "active-material"),
    "SE": Phase(SE, "solid-electrolyte"),
    "CA": Phase(CA, "conductive-additive"),
    "other AM": Phase(OTHER, "active-material"),
}
SOURCE: dict[str, Any] = {"quality": "assumed", "source": "test", "temperature": TEMPERATURE}


def straight(middle: float, slope: float) -> tuple[tuple[float, float], ...]:
    """Potential that falls linearly, by ``slope`` from x = 0 to 1."""
    return tuple((x, middle - slope * (x - 0.5)) for x in (0.0, 0.5, 1.0))


def host(
    name: str = "AM",
    *,
    potential: Sequence[tuple[float, float]] = CURVED,
    diffusivity: float | Sequence[tuple[float, float]] = 1e-14,
    exchange: float = 2.0,
    electronic: float = 1.0,
    as_made: float = 0.9,
    entropic: float | None = None,
    transfer: float = 0.5,
    activation_energy: float | None = None,
    density: float = DENSITY,
) -> ActiveMaterial:
    """An active material; SI."""
    warm = {**SOURCE, "activation_energy": activation_energy}
    spread = {"value": diffusivity} if isinstance(diffusivity, float) else {"table": diffusivity}
    return ActiveMaterial(
        name,
        SITES,
        density,
        as_made,
        OpenCircuitPotential.model_validate({**SOURCE, "table": potential, "entropic_coefficient": entropic}),
        Diffusivity.model_validate({**warm, **spread}),
        ExchangeCurrentDensity.model_validate({**warm, "value": exchange, "transfer_coefficient": transfer}),
        ElectronicConductivity.model_validate({**SOURCE, "value": electronic}),
    )


def electrolyte(
    conductivity: float = 0.1,
    *,
    number: float = 1.0,
    salt: float | None = None,
    diffusivity: float | None = None,
    factor: float = 1.0,
    activation_energy: float | None = None,
    name: str = "SE",
) -> Electrolyte:
    """A solid electrolyte; SI. Of one mobile ion unless it has a salt, whose current fraction then follows."""
    ionic = Conductivity.model_validate({**SOURCE, "activation_energy": activation_energy, "value": conductivity})
    if number == 1.0 or salt is None or diffusivity is None:
        return Electrolyte(name, ionic)
    fraction = 1.0 / (1.0 + newman_number(conductivity, TEMPERATURE, number, factor, diffusivity, salt))
    diffusion = SaltDiffusivity.model_validate({**SOURCE, "value": diffusivity})
    return Electrolyte(
        name, ionic, number, fraction, salt, diffusion, factor, derived="current_fraction", reference=TEMPERATURE
    )


def salted(
    conductivity: float = 0.1, *, number: float = 0.5, salt: float = 1000.0, diffusivity: float = 1e-11, **more: Any
) -> Electrolyte:
    """An electrolyte with a binary salt."""
    return electrolyte(conductivity, number=number, salt=salt, diffusivity=diffusivity, **more)


def cell(*active: ActiveMaterial, **fields: Any) -> CellParameters:
    """What charge and discharge take, for active materials (default: one)."""
    by_name = {material.name: material for material in active or (host(),)}
    solid = fields.pop("electrolyte", electrolyte())
    metal = ExchangeCurrentDensity.model_validate({**SOURCE, "value": fields.pop("lithium_exchange", 10.0)})
    defaults: dict[str, Any] = {
        "membrane": solid,
        "membrane_thickness": 6 * UM,
        "lithium_resistance": 0.0,
        "interface_resistance": 0.0,
        "additive_conductivity": {"CA": 1e3},
        "voltage_window": (2.7, 4.3),
        "ideal_electronics": False,
        "temperature": TEMPERATURE,
    }
    return CellParameters(active=by_name, electrolyte=solid, lithium=Lithium(metal), **(defaults | fields))


def structure(
    labels: Any,
    voxel: tuple[float, float, float] = (UM, UM, UM),
    periodic: tuple[bool, bool, bool] = (False, True, True),
    phases: dict[str, Phase] = PHASES,
) -> Structure:
    """A structure of the phases above."""
    return Structure(np.asarray(labels, np.uint8), phases, voxel, periodic)


def columns(planes: int, edge: float = 0.5 * UM) -> Structure:
    """Columns of active material and electrolyte in turn, one voxel wide: a homogeneous electrode."""
    labels = np.full((planes, 2, 1), SE)
    labels[:, 0] = AM
    return structure(labels, (edge, 0.5 * UM, 0.5 * UM))


def mixed(
    seed: int,
    shape: tuple[int, int, int] = (7, 6, 5),
    shares: Sequence[float] = (0.05, 0.45, 0.4, 0.1, 0.0),
    **fields: Any,
) -> Structure:
    """Voxels at random, by shares of pore, AM, SE, additive and the other AM."""
    return structure(np.random.default_rng(seed).choice(5, shape, p=shares), **fields)


def layers(*parts: tuple[int, int], edge: float = UM) -> Structure:
    """Layers across x, from the membrane on: label and planes of each. One-dimensional."""
    labels = np.concatenate([np.full(count, label) for label, count in parts])
    return structure(labels[:, None, None], (edge, UM, UM))


def charge(current: str = "1C", **until: Any) -> dict[str, Any]:
    return {"kind": "charge", "current": current, "until": until or {"voltage": 4.3}}


def discharge(current: str = "1C", **until: Any) -> dict[str, Any]:
    return {"kind": "discharge", "current": current, "until": until or {"voltage": 3.0}}


def hold(voltage: float, **until: Any) -> dict[str, Any]:
    return {"kind": "hold", "voltage": voltage, "until": until}


def rest(time: float) -> dict[str, Any]:
    return {"kind": "rest", "until": {"time": time}}


def protocol(*steps: dict[str, Any], **fields: Any) -> Protocol:
    return Protocol.from_dict({"steps": list(steps), **fields})


def equations(domain: Domain, parameters: CellParameters, temperature: float = TEMPERATURE) -> Equations:
    """The solver of a domain at the materials' own start."""
    made = Equations(domain, parameters, coupled_cpu, temperature)
    made.start(
        {
            name: material.as_made_stoichiometry
            for name, material in parameters.active.items()
            if name in domain.materials
        }
    )
    return made


def solver(made: Structure, parameters: CellParameters, **options: Any) -> Equations:
    """The same for a structure."""
    return equations(prepare(made, parameters, **options), parameters)
