"""What one model makes of a design: its run, and where the cell's resistance comes from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..kinetics import CellParameters
from ..outcomes import Outcome
from ..twin.effective import Effective
from ..twin.measured_curves import Measured
from ..twin.results import Run, Step
from ..uncertain import Uncertain
from ..units import MAH_G, V

UNITS = {"charge_mAh_g": MAH_G, "discharge_mAh_g": MAH_G, "average_voltage_V": V}
"""Of the figures of a model that carry their range."""


@dataclass(frozen=True)
class Model:
    """What one model makes of a design.

    Attributes
    ----------
    name : str
    run : Run or None
        None where the model could not be run; the reason is among the notes.
    resistance : mapping of str to float
        Contributions to the cell's resistance at half of the last discharge, ohm m2.
    notes : tuple of str
        What to know: voxels across the film, inactive material, why it stopped.
    seconds : float
        Computing time, the structure and its medium included.
    effective : Effective or None
        The structure as a medium; for the homogenised model the one that it used. None where nothing conducts.
    connected : float
        Share of the solid electrolyte that connects membrane and collector; NaN without a structure.
    own_conductivity : float
        Electronic, of the active material itself at half fill, S/m.
    basis : str
        What the model is made of: voxels of the whole coating, or a medium of a piece that was scaled.
    others : tuple of Run
        The same with other seeds.
    sure : mapping of str to Uncertain
        Capacity of the last charge and discharge (A s/kg), and mean voltage of the discharge (V): mean over the seeds,
        extrapolated over the size of the voxels, with the range over what nobody measured.
    """

    name: str
    run: Run | None
    resistance: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    effective: Effective | None = None
    connected: float = math.nan
    own_conductivity: float = 0.0
    basis: str = ""
    others: tuple[Run, ...] = ()
    sure: Mapping[str, Uncertain] = field(default_factory=dict)

    @property
    def runs(self) -> tuple[Run, ...]:
        """Of all seeds."""
        return () if self.run is None else (self.run, *self.others)

    def spread(self, kind: str) -> float:
        """Standard deviation over the seeds of the capacity of the last step of a kind, A s/kg; NaN of one seed."""
        steps = [run.of(kind) for run in self.runs]
        capacities = [step.capacity for step in steps if step is not None]
        return float(np.std(capacities, ddof=1)) if len(capacities) > 1 else math.nan

    @property
    def outcome(self) -> Outcome:
        """How the run ended; `Outcome.NO_SOLUTION` where the model could not be run."""
        return Outcome.NO_SOLUTION if self.run is None else self.run.outcome

    def capacity(self, kind: str) -> float:
        """Charge of the last step of a kind per mass of active material, A s/kg; NaN without one."""
        step = self.last(kind)
        return math.nan if step is None else step.capacity

    def last(self, kind: str) -> Step | None:
        """Last step of a kind (charge, discharge, ...)."""
        return None if self.run is None else self.run.of(kind)

    @property
    def average_voltage(self) -> float:
        """Of the last discharge, V; NaN without one."""
        step = self.last("discharge")
        return math.nan if step is None else step.average_voltage

    @property
    def current(self) -> float:
        """Current density at the end of the last discharge, else of the last charge, A/m2; 0 without either."""
        step = self.last("discharge") or self.last("charge")
        return 0.0 if self.run is None or step is None else float(np.abs(self.run.current_density[step.last]))

    @property
    def area_resistance(self) -> float:
        """Sum of the contributions, ohm m2; NaN without them."""
        return sum(self.resistance.values()) if self.resistance else math.nan

    @property
    def electronic_conductivity(self) -> float:
        """Effective, with the active material half full, S/m; NaN without a medium."""
        if self.effective is None:
            return math.nan
        return self.effective.electronic_conductivity + self.effective.electronic_share * self.own_conductivity

    def curve(self, kind: str) -> Measured | None:
        """Voltage over capacity of the last step of a kind, as a curve to compare with; None where no charge passed."""
        step = self.last(kind)
        if self.run is None or step is None or step.capacity == 0.0:
            return None
        rows = self.run.rows(step)
        return Measured(self.name, kind, self.run.capacity[rows], self.run.voltage[rows])

    def to_dict(self) -> dict[str, Any]:
        """Return plain data with units in the keys."""
        medium = self.effective
        return {
            **({} if self.run is None else self.run.to_dict()),
            "outcome": self.outcome.value,
            "basis": self.basis,
            **{key: sure.to_dict(UNITS[key]) for key, sure in self.sure.items()},
            "seeds": [[step.to_dict() for step in run.steps] for run in self.runs],
            "spread_over_seeds_mAh_g": {kind: finite(self.spread(kind) / 3600.0) for kind in ("charge", "discharge")},
            "asr_ohm_cm2": None if not self.resistance else 1e4 * self.area_resistance,
            "asr_parts_ohm_cm2": {name: 1e4 * value for name, value in self.resistance.items()},
            "effective_ionic_conductivity_mS_cm": None if medium is None else 10.0 * medium.ionic_conductivity,
            "effective_electronic_conductivity_mS_cm": None if medium is None else 10.0 * self.electronic_conductivity,
            "am_se_interface_m2_per_m3": None if medium is None else medium.specific_interface,
            "connected_se_pct": finite(100.0 * self.connected),
            "voxels": None if self.run is None else self.run.provenance.get("voxels"),
            "notes": list(self.notes),
            "seconds": self.seconds,
        }


def resistance(run: Run) -> dict[str, float]:
    """Contributions to the cell's resistance at half of the last discharge (else charge), ohm m2; empty without one."""
    step = run.of("discharge") or run.of("charge")
    if step is None or step.capacity == 0.0 or not run.split:
        return {}
    rows = run.rows(step)
    half = 0.5 * step.capacity
    current = float(np.interp(half, run.capacity[rows], run.current_density[rows]))
    parts = {name: float(np.interp(half, run.capacity[rows], values[rows])) for name, values in run.split.items()}
    return {name: value / current for name, value in parts.items() if name != "equilibrium"} if current else {}


def own_conductivity(parameters: CellParameters) -> float:
    """Electronic conductivity of the (first) active material at half fill, S/m; 0 where it is ideal."""
    first = next(iter(parameters.active.values()))
    value = float(first.electronic_conductivity(0.5, parameters.temperature))
    return value if math.isfinite(value) else 0.0


def finite(value: float) -> float | None:
    """Return a number as JSON has it: None where it is undefined."""
    return value if math.isfinite(value) else None
