"""A measured cycle: picked from its half cycles, and repeated with the homogenised model."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..design import Design, Protocol, Rate
from ..errors import MeasurementError, SolidstackError
from ..measure.half_cycles import HalfCycle
from ..progress import Listener
from .curves import Curve, Pair, joined

LITHIUM = ("lithium-foil", "lithium-on-collector", "anode-free")
"""Negative electrodes that the homogenised model represents."""


@dataclass(frozen=True)
class MeasuredCycle:
    """A measured discharge and the charge before it, if there is one.

    Attributes
    ----------
    number : int
        Of the cycle, from 1.
    discharge : HalfCycle
    charge : HalfCycle or None
    """

    number: int
    discharge: HalfCycle
    charge: HalfCycle | None = None

    @classmethod
    def pick(cls, halves: Sequence[HalfCycle], source: str, cycle: int | None) -> "MeasuredCycle":
        """Choose a cycle by its number; by default the one whose discharge gives the most energy.

        Raises
        ------
        MeasurementError
            No discharge, or no such cycle.
        """
        pairs: list[tuple[HalfCycle, HalfCycle | None]] = []
        for at, half in enumerate(halves):
            if half.kind == "discharge" and half.capacity[-1] > 0.0:
                before = halves[at - 1] if at and halves[at - 1].kind == "charge" else None
                pairs.append((half, before))
        if not pairs:
            msg = "has no discharge to compare with the design; give the file of a whole cycle"
            raise MeasurementError(msg, source=source)
        if cycle is None:
            energies = [float(np.trapezoid(half.voltage, half.capacity)) for half, _ in pairs]
            cycle = int(np.argmax(energies)) + 1
        if not 1 <= cycle <= len(pairs):
            count = f"{len(pairs)} discharge{'' if len(pairs) == 1 else 's'}"
            msg = f"has {count}; there is no cycle {cycle}; choose --cycle from 1 to {len(pairs)}"
            raise MeasurementError(msg, source=source)
        return cls(cycle, *pairs[cycle - 1])

    @property
    def discharge_curve(self) -> Curve:
        """Of the whole cell."""
        return _curve(self.discharge)

    @property
    def charge_curve(self) -> Curve | None:
        """Of the whole cell."""
        return None if self.charge is None else _curve(self.charge)

    @property
    def pair(self) -> Pair | None:
        """Charge and discharge; None without a charge."""
        if self.charge is None:
            return None
        return Pair(_curve(self.charge), _curve(self.discharge), (_steady(self.charge), _steady(self.discharge)))

    @property
    def charge_is_held(self) -> bool:
        """Whether the charge ends with a held voltage."""
        return self.charge is not None and self.charge.hold_begin < len(self.charge.capacity)


def current(half: HalfCycle) -> float:
    """Current before the voltage is held, A."""
    return float(np.median(np.abs(half.amperes[: max(half.hold_begin, 1)])))


def _curve(half: HalfCycle) -> Curve:
    return Curve(np.asarray(half.capacity, float), np.asarray(half.voltage, float))


def _steady(half: HalfCycle) -> float:
    """Charge that passes before the voltage is held, A s."""
    return float(half.capacity[min(half.hold_begin, len(half.capacity)) - 1])


def repeat(
    design: Design, cycle: MeasuredCycle, *, area: float, active_mass: float, progress: Listener | None = None
) -> tuple[Pair | None, str]:
    """Cycle the homogenised model as the cell was cycled.

    Parameters
    ----------
    design : Design
    cycle : MeasuredCycle
    area : float
        Of the positive electrode of the cell, m2.
    active_mass : float
        Of the cell, kg.
    progress : callable, optional
        Progress callback.

    Returns
    -------
    pair : Pair or None
        Of the whole cell; None where there is no simulation.
    reason : str
        Why there is none.
    """
    if find_spec("pybamm") is None:
        return None, 'no simulation: it needs PyBaMM, `pip install "solidstack[companion]"`'
    if design.negative.kind not in LITHIUM:
        return None, f"no simulation: it is against lithium, and this cell's negative is {design.negative.kind}"
    from ..twin.companion.homogenised import simulate

    series = float(design.stack.series_cells)
    try:
        run = simulate(design, _protocol(cycle, area, series), progress=progress)
    except SolidstackError as error:
        return None, f"no simulation: {error}"
    active = active_mass / series
    parts: dict[str, list[Curve]] = {"charge": [], "discharge": []}
    side = "charge"
    for step in run.steps:
        side = side if step.kind == "hold" else step.kind
        rows = run.rows(step)
        parts[side].append(Curve(run.capacity[rows] * active, run.voltage[rows] * series))
    if not parts["discharge"] or not all(curves[0].total > 0.0 for curves in parts.values()):
        return None, f"no simulation: {run.end_reason}"
    steady = parts["charge"][0].total, parts["discharge"][0].total
    return Pair(joined(parts["charge"]), joined(parts["discharge"]), steady), ""


def _protocol(cycle: MeasuredCycle, area: float, series: float) -> Protocol:
    """Charge and discharge at the measured currents between the measured voltages, held where they were held."""
    discharge = cycle.discharge
    first = cycle.charge or discharge
    steps: list[dict[str, Any]] = []
    for kind, half, edge in (
        ("charge", first, float(np.max(first.voltage))),
        ("discharge", discharge, float(discharge.voltage[-1])),
    ):
        volts = edge / series
        steps.append({"kind": kind, "current": Rate(current(half) / area, "A/m^2"), "until": {"voltage": volts}})
        if half.kind == kind and half.hold_begin < len(half.capacity):
            least = max(abs(float(half.amperes[-1])), 1e-3 * current(half)) / area
            steps.append({"kind": "hold", "voltage": volts, "until": {"current": Rate(least, "A/m^2")}})
    return Protocol.from_dict({"steps": steps})
