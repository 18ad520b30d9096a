"""The run that the rows and steps of a protocol make, and its provenance."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...design import Action, Design, Protocol
from ...kinetics import CellParameters
from ...outcomes import End, Outcome
from ...version import __version__
from ..participation import phase_table
from ..results import SPLIT, Run, Step
from ..structure.voxels import Structure
from .domain import Domain
from .equations import Equations
from .state import Row, State


def disconnected(domain: Domain, action: Action, temperature: float) -> Run:
    """Return the run of an electrode whose active material is all out of reach: no capacity."""
    reasons = [f"{100 * share:.3g} % has {words}" for words, share in domain.reasons.items() if share > 0.0]
    end = End(Outcome.DISCONNECTED, f"the electrode stores no charge: of the active material {', '.join(reasons)}")
    planes = domain.structure.shape[0]
    empty, nothing = np.full(planes, np.nan), np.zeros(planes)
    row = Row(0.0, math.nan, 0.0, 0.0, math.nan, temperature, dict.fromkeys(SPLIT, math.nan), empty, nothing)
    step = Step(action.kind, action.where, 0, 0, 0.0, 0.0, 0.0, math.nan, 0.0, end.outcome, end.reason, 0.0)
    return result(domain, [row], [step], end, {"lithium": 0.0, "current": 0.0})


def result(domain: Domain, rows: Sequence[Row], steps: Sequence[Step], end: End, errors: Mapping[str, float]) -> Run:
    """Put rows and steps together as a run, without its provenance."""
    starts = np.zeros(len(rows))
    for number, step in enumerate(steps):
        before = rows[steps[number - 1].last].passed if number else 0.0
        starts[step.first : step.last + 1] = before
    passed = np.array([row.passed for row in rows])
    edge, count = domain.structure.voxel[0], domain.structure.shape[0]
    return Run(
        model="twin",
        time=np.array([row.time for row in rows]),
        voltage=np.array([row.voltage for row in rows]),
        current_density=np.array([row.current for row in rows]),
        capacity=np.abs(passed - starts) / domain.active_loading,
        stoichiometry=np.array([row.stoichiometry for row in rows]),
        temperature=np.array([row.temperature for row in rows]),
        split={name: np.array([row.split[name] for row in rows]) for name in SPLIT},
        steps=tuple(steps),
        active_loading=domain.active_loading,
        inactive_fraction=domain.inactive_fraction,
        outcome=end.outcome,
        end_reason=end.reason,
        balance=dict(errors),
        depth=(np.arange(count, dtype=float) + 0.5) * edge,
        profiles={
            "stoichiometry": np.array([row.contents for row in rows]),
            "reaction": np.array([row.reaction for row in rows]),
        },
    )


def finite_network(network: float) -> float | None:
    """Conductivity of the additives' network; None with ideal electronics."""
    return network if math.isfinite(network) else None


def provenance(
    structure: Structure,
    design: Design,
    plan: Protocol,
    parameters: CellParameters,
    equations: Equations,
    state: State,
    *,
    device: str,
    seconds: float,
) -> dict[str, Any]:
    """Return what a run came from and what it took; computing time in seconds."""
    return {
        "version": __version__,
        "design": design.name,
        "fingerprint": design.fingerprint(),
        "structure": {key: value for key, value in structure.provenance.items() if key != "inputs"},
        "voxels": int(structure.labels.size),
        "device": device,
        "seconds": seconds,
        "time_steps": state.time_steps,
        "newton_iterations": state.newton,
        "linear_iterations": state.linear,
        "bytes_per_voxel": equations.bytes / structure.labels.size,
        "inactive": dict(equations.domain.reasons),
        "phases": phase_table(structure, parameters),
        "electronic_network_S_m": finite_network(equations.domain.network),
        "interface_m2_per_m3": equations.domain.interface,
        "warnings": list(parameters.warnings),
        "parameters": [
            {"what": row.what, "value": row.text, "quality": row.quality, "source": row.source}
            for row in parameters.sources
        ],
        "protocol": plan.model_dump(mode="json", exclude_none=True),
    }
