"""Protocols, a medium and parameters for the tests of the homogenised model."""

from dataclasses import replace
from typing import Any

from solidstack.design import Protocol
from solidstack.kinetics import ActiveMaterial, CellParameters
from solidstack.materials import OpenCircuitPotential
from solidstack.twin.effective import Effective

SAME = 2e-4
"""V, of voltages that two discretisations in time give."""
LOW, HIGH = 2.7, 4.3


def steps(*each: dict[str, Any], **fields: Any) -> Protocol:
    return Protocol.from_dict({"steps": list(each), **fields})


def charge(current: str = "C/10", **until: Any) -> dict[str, Any]:
    return {"kind": "charge", "current": current, "until": until or {"voltage": HIGH}}


def discharge(current: str = "C/5", **until: Any) -> dict[str, Any]:
    return {"kind": "discharge", "current": current, "until": until or {"voltage": LOW}}


def rest(time: float) -> dict[str, Any]:
    return {"kind": "rest", "until": {"time": time}}


def hold(voltage: float, **until: Any) -> dict[str, Any]:
    return {"kind": "hold", "voltage": voltage, "until": until}


def some_medium() -> Effective:
    return Effective(
        thickness=50e-6,
        active_loading=0.17,
        active_fraction=0.6,
        electrolyte_fraction=0.2,
        specific_interface=4e5,
        ionic_conductivity=0.01,
        electronic_conductivity=1e3,
        temperature=318.15,
    )


def active_of(parameters: CellParameters) -> ActiveMaterial:
    return parameters.active["NCM622"]


def with_flat_potential(parameters: CellParameters, exchange: float) -> CellParameters:
    """Nearly the same potential at any stoichiometry, and an exchange current density."""
    active = active_of(parameters)
    table = {"table": [(0.0, 3.8001), (1.0, 3.8)], "quality": "assumed", "source": "test"}
    factor = exchange / active.exchange_current_density(parameters.temperature)
    changed = replace(
        active,
        potential=OpenCircuitPotential.model_validate(table),
        factors={"exchange_current_density": factor},
    )
    return replace(parameters, active={"NCM622": changed})
