"""What a run starts from, checked before any work: the design, the limits, the state of charge, the device."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from ...design import Action, Design
from ...errors import DesignError, StructureError
from ...kinetics import CellParameters
from ..domain import Domain
from ..structure.voxels import Structure


def design_of(structure: Structure) -> Design:
    """Return the design that a structure was built from.

    Raises
    ------
    StructureError
        It was not built from one, or by an older version.
    """
    inputs = structure.provenance.get("inputs")
    if not isinstance(inputs, Mapping):
        msg = "does not record the design it was built from; give the design, which has the materials and conditions"
        raise StructureError(msg)
    return Design.from_dict(dict(inputs), source="the structure's design")


def check_limits(actions: Sequence[Action], parameters: CellParameters) -> None:
    """Refuse voltages that the active material never reaches.

    Raises
    ------
    DesignError
    """
    ranges = []
    for material in parameters.active.values():
        low, high = material.stoichiometry_range
        at = [float(np.asarray(material.open_circuit_potential(x, parameters.temperature))) for x in (high, low)]
        ranges.append(at)
    least, most = min(low for low, _ in ranges), max(high for _, high in ranges)
    for action in actions:
        for key, value in (("until.voltage", action.voltage_limit), ("voltage", action.voltage)):
            if value is not None and not least <= value <= most:
                msg = (
                    f"{value:g} V is outside the open-circuit potential of {' and '.join(parameters.active)}, "
                    f"{least:.3g} to {most:.3g} V; change the cut-off, or give a wider table in a material file"
                )
                raise DesignError(msg, source=f"protocol, {action.where}.{key}")


def check_start(start: Mapping[str, float], parameters: CellParameters) -> None:
    """Refuse an initial stoichiometry at which the active material's potential is not known.

    Raises
    ------
    DesignError
    """
    for name, value in start.items():
        material = parameters.active.get(name) or next(iter(parameters.active.values()))
        low, high = material.stoichiometry_range
        if not low <= value <= high:
            msg = (
                f"initial_stoichiometry: {value:g} is outside {low:.4g} to {high:.4g}, where the open-circuit "
                f"potential of {material.name} is known; give a value in this range"
            )
            raise DesignError(msg)


def check_accuracy(accuracy: float) -> None:
    """Refuse a factor that no run needs.

    Raises
    ------
    StructureError
    """
    if not 0.01 <= accuracy <= 10.0:
        msg = f"accuracy: {accuracy:g} must be between 0.01 and 10 (1 is usual; a smaller value takes more time steps)"
        raise StructureError(msg)


def loops_for(device: str) -> tuple[ModuleType, str]:
    """Return the loops of charge and discharge for a device, and its name.

    Raises
    ------
    StructureError
        An unknown device, or no CUDA where it is asked for.
    """
    from ...kernels.electrochemistry import cpu

    if device not in ("auto", "cpu", "cuda"):
        msg = f'device: "{device}" is not recognised; choose auto, cpu or cuda'
        raise StructureError(msg)
    if device != "cpu":
        from ...kernels.conduction import cuda as device_cuda

        if device_cuda.is_available():
            from ...kernels.electrochemistry import cuda  # type: ignore[attr-defined,unused-ignore]

            return cuda, "cuda"
        if device == "cuda":
            msg = (
                "device: no CUDA device was found; choose cpu, or install the driver and "
                '`pip install "solidstack[gpu]"`'
            )
            raise StructureError(msg)
    return cpu, "cpu"


def active_materials(domain: Domain, parameters: CellParameters) -> dict[str, Any]:
    """Return the properties of each active phase of a domain, by the phase's name."""
    names = [name for name in domain.structure.with_role("active-material") if name in domain.materials]
    return {name: parameters.active.get(name) or next(iter(parameters.active.values())) for name in names}
