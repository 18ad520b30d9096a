"""Result of a charge or discharge, whichever model ran it: curves, voltage contributions, what each step yields."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..html import table
from ..outcomes import Outcome

Array = NDArray[np.float64]

SPLIT = {
    "equilibrium": "equilibrium at the mean stoichiometry",
    "diffusion": "diffusion in the active material",
    "charge_transfer": "charge transfer at the active material",
    "ionic": "ions in the positive electrode",
    "concentration": "salt concentration",
    "electronic": "electrons in the positive electrode",
    "membrane": "membrane",
    "lithium": "lithium",
}
"""Contributions to the cell's voltage; they sum to it. All but the first are negative on discharge."""


@dataclass(frozen=True)
class Step:
    """Result of one step of the protocol.

    Attributes
    ----------
    kind : str
        charge, discharge, hold or rest.
    where : str
        The step of the protocol.
    first, last : int
        Rows of the run's arrays that belong to it, both inclusive.
    capacity : float
        Charge that passed, per mass of active material, A s/kg; not negative.
    areal_capacity : float
        Per area of the electrode, A s/m2.
    energy : float
        Taken up or given, per area, J/m2; not negative.
    average_voltage : float
        Energy over charge, V; NaN where none passed.
    duration : float
        Of the cell's time, s.
    outcome : Outcome
        Which limit ended it, or what went wrong.
    end_reason : str
        The same in words.
    seconds : float
        Computing time.
    """

    kind: str
    where: str
    first: int
    last: int
    capacity: float
    areal_capacity: float
    energy: float
    average_voltage: float
    duration: float
    outcome: Outcome
    end_reason: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain data, with units in the keys."""
        return {
            "kind": self.kind,
            "step": self.where,
            "capacity_mAh_g": self.capacity / 3600.0,
            "areal_capacity_mAh_cm2": self.areal_capacity / 36000.0,
            "energy_mWh_cm2": self.energy / 36000.0,
            "average_voltage_V": self.average_voltage if math.isfinite(self.average_voltage) else None,
            "duration_h": self.duration / 3600.0,
            "outcome": self.outcome.value,
            "end_reason": self.end_reason,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Run:
    """A protocol as a model ran it.

    Attributes
    ----------
    model : str
        "twin", or the name of the homogenised model.
    time : array, shape (n,)
        s, from the start of the protocol.
    voltage : array, shape (n,)
        Of the cell, V.
    current_density : array, shape (n,)
        Per area of the electrode, A/m2; positive charges.
    capacity : array, shape (n,)
        Charge since the beginning of the step, per mass of active material, A s/kg; not negative.
    stoichiometry : array, shape (n,)
        Mean over the active material that is connected.
    temperature : array, shape (n,)
        K.
    split : mapping of str to array, shape (n,)
        Contributions to the voltage by the keys of `SPLIT`; they sum to it. May be empty for a homogenised model.
    steps : tuple of Step
    active_loading : float
        Active material per area of the electrode, inactive material included, kg/m2.
    inactive_fraction : float
        Share of the active material that is inactive.
    outcome : Outcome
        `Outcome.COMPLETE`, or what stopped it before the end of the protocol.
    end_reason : str
        The same in words.
    balance : mapping of str to float
        ``lithium``: largest relative difference of the active material's lithium and the charge that passed;
        ``current``: of the interface's current and the applied one.
    depth : array, shape (planes,)
        Distance from the membrane, m; empty for a model without profiles.
    profiles : mapping of str to array, shape (n, planes)
        Over depth: ``stoichiometry``, mean over the active material that is connected (NaN where there is none), and
        ``reaction``, current from active material to electrolyte per volume of the electrode, A/m3.
    provenance : mapping
        Plain data (JSON).
    """

    model: str
    time: Array
    voltage: Array
    current_density: Array
    capacity: Array
    stoichiometry: Array
    temperature: Array
    split: Mapping[str, Array]
    steps: tuple[Step, ...]
    active_loading: float
    inactive_fraction: float = 0.0
    outcome: Outcome = Outcome.COMPLETE
    end_reason: str = "complete"
    balance: Mapping[str, float] = field(default_factory=dict)
    depth: Array = field(default_factory=lambda: np.zeros(0))
    profiles: Mapping[str, Array] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether the whole protocol was run."""
        return self.outcome is Outcome.COMPLETE

    def of(self, kind: str) -> Step | None:
        """Return the last step of a kind (charge, discharge, ...), or None."""
        return next((step for step in reversed(self.steps) if step.kind == kind), None)

    @property
    def coulombic_efficiency(self) -> float:
        """Charge given over charge taken up; NaN where nothing was taken up."""
        return self._efficiency("capacity")

    @property
    def energy_efficiency(self) -> float:
        """Energy given over energy taken up; NaN where nothing was taken up."""
        return self._efficiency("energy")

    def _efficiency(self, name: str) -> float:
        """Discharge over charge, of all steps with current; holds count by the side on which they lie."""
        taken = sum(getattr(step, name) for step in self.steps if self._charges(step))
        given = sum(getattr(step, name) for step in self.steps if not self._charges(step))
        return given / taken if taken > 0.0 and given > 0.0 else math.nan

    def _charges(self, step: Step) -> bool:
        return float(np.sum(self.current_density[step.first : step.last + 1])) > 0.0

    def rows(self, step: Step) -> slice:
        """Rows of the arrays that belong to a step."""
        return slice(step.first, step.last + 1)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain data, with units in the keys."""
        efficiencies = {
            "coulombic_efficiency_pct": 100.0 * self.coulombic_efficiency,
            "energy_efficiency_pct": 100.0 * self.energy_efficiency,
        }
        return {
            "model": self.model,
            "outcome": self.outcome.value,
            "end_reason": self.end_reason,
            "steps": [step.to_dict() for step in self.steps],
            **{key: value if math.isfinite(value) else None for key, value in efficiencies.items()},
            "inactive_am_pct": 100.0 * self.inactive_fraction,
            "lithium_balance_error": self.balance.get("lithium"),
            "current_balance_error": self.balance.get("current"),
        }

    def _repr_html_(self) -> str:
        rows = [
            (
                step.kind,
                f"{step.capacity / 3600:.4g} mAh/g",
                f"{step.areal_capacity / 36000:.4g} mAh/cm²",
                f"{step.average_voltage:.4g} V",
                step.end_reason,
            )
            for step in self.steps
        ]
        return table(f"{self.model}: {self.end_reason}", ("step", "", "", "mean", "ended by"), rows)
