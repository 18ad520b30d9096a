"""What a built cell achieved, next to its design and the simulated curve, and why they differ."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import units
from ..design import Design
from ..errors import MeasurementError
from ..measure.cycling import analyse
from ..measure.records import Record
from ..measure.result import Fitted, Result, Series
from ..progress import Listener
from ..sheet import Sheet, evaluate
from .curves import Curve, Pair
from .reasons import Reason, ranked, reasons_alone, reasons_beyond, series_resistance
from .repeat import MeasuredCycle, current, repeat

NAN = math.nan


@dataclass(frozen=True, kw_only=True)
class Achieved(Result):
    """Predicted, simulated and measured figures of a cell, with the reasons of their difference by size.

    Attributes
    ----------
    designed, measured : float
        Specific energy, J/kg.
    reasons : tuple of Reason
        The largest first.
    measured_charge, measured_discharge, simulated_discharge : Curve or None
    designed_capacity, designed_voltage : float
        A s, V.
    """

    designed: float
    measured: float
    reasons: tuple[Reason, ...]
    measured_discharge: Curve
    designed_capacity: float
    designed_voltage: float
    measured_charge: Curve | None = None
    simulated_discharge: Curve | None = None
    name: str = field(default="")

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "achieved"

    def data(self) -> dict[str, Series]:
        """Return the curves."""
        named = {
            "measured-charge": self.measured_charge,
            "measured-discharge": self.measured_discharge,
            "simulated-discharge": self.simulated_discharge,
        }
        return {
            name: Series(
                name.replace("-", " "),
                {"capacity": curve.capacity.tolist(), "voltage": curve.voltage.tolist()},
                {"capacity": units.AH, "voltage": units.V},
            )
            for name, curve in named.items()
            if curve is not None
        }


def active_mass(design: Design) -> float:
    """Active material in the cell of a design, kg."""
    return _active(evaluate(design))


def _active(sheet: Sheet) -> float:
    return float(sheet.cell.am_mass_fraction * sheet.cell.mass)


def compare_with_measured(
    design: Design,
    record: Record,
    *,
    cell_mass: float | None = None,
    cycle: int | None = None,
    simulated: bool = True,
    progress: Listener | None = None,
) -> Achieved:
    r"""Compare a design, and its homogenised model, with a measured cycle of the built cell.

    The specific energy is capacity times mean voltage over mass, so that its ratio to the designed one is a product of
    ratios. Each is a reason. Where there is a simulation at the measured current, capacity and voltage are each divided
    into what the simulation has as well and what it has not. The gap between charge and discharge beyond the simulated
    one, over the sum of both currents, is a resistance in series that the simulation does not have. It also ends charge
    and discharge earlier, which is one share of the lost capacity. The rest of that is active material that is missing
    or inactive.

    Parameters
    ----------
    design : Design
        A single one, of the cell that was measured.
    record : Record
        Its cycling; the active mass is that of the design where the record has none.
    cell_mass : float, optional
        Of the built cell, kg; without it the designed mass is used, with a warning.
    cycle : int, optional
        From 1; default: the one whose discharge gives the most energy.
    simulated : bool
        Whether to run the homogenised model; it needs PyBaMM and a lithium negative.
    progress : callable, optional
        Progress callback.

    Returns
    -------
    Achieved

    Raises
    ------
    MeasurementError
        No discharge, no such cycle, or a mass that is not above 0.
    """
    if not design.is_single:
        msg = "the comparison is with a single design; this one has arrays"
        raise MeasurementError(msg)
    if cell_mass is not None and not (math.isfinite(cell_mass) and cell_mass > 0.0):
        msg = f"cell mass: {units.text(cell_mass, units.MASS)} is not above 0"
        raise MeasurementError(msg)
    sheet = evaluate(design)
    weighed = record if record.mass is not None else record.with_sample(mass=_active(sheet))
    cycled = analyse(weighed, cell_mass=cell_mass)
    halves = [half for part in cycled.cycles for half in part.halves]
    measured = MeasuredCycle.pick(halves, record.source, cycle)
    area = float(sheet.cell.positive_area * 2.0 * design.stack.bilayers)
    model, reason = None, ""
    if simulated:
        model, reason = repeat(design, measured, area=area, active_mass=_active(sheet), progress=progress)
    comparison = _Comparison(sheet, measured, model, cell_mass, area)
    return _result(comparison, record, cycled, (reason,) if reason else ())


@dataclass(frozen=True)
class _Comparison:
    """A designed, a measured and (if there is one) a simulated cycle of the same cell."""

    sheet: Sheet
    cycle: MeasuredCycle
    model: Pair | None
    cell_mass: float | None
    area: float

    @property
    def mass(self) -> float:
        """Of the cell: as built, else as designed, kg."""
        return float(self.sheet.cell.mass) if self.cell_mass is None else self.cell_mass

    @property
    def simulated(self) -> Curve | None:
        """Simulated discharge."""
        return None if self.model is None else self.model.discharge

    def resistance(self) -> float:
        """Resistance in series beyond the simulation's, ohm; NaN where it is not known."""
        pair, charge = self.cycle.pair, self.cycle.charge
        if self.model is None or pair is None or charge is None:
            return NAN
        return series_resistance(pair, self.model, current(charge) + current(self.cycle.discharge))

    def shifts(self, ohm: float) -> tuple[float, float]:
        """By which a resistance moves the charge up and the discharge down, V; a held end is not moved."""
        if not math.isfinite(ohm) or self.cycle.charge is None:
            return 0.0, 0.0
        up = 0.0 if self.cycle.charge_is_held else ohm * current(self.cycle.charge)
        return up, ohm * current(self.cycle.discharge)

    def reasons(self) -> tuple[list[Reason], tuple[str, ...]]:
        """Return the reasons, and warnings about them."""
        cell, discharge = self.sheet.cell, self.cycle.discharge_curve
        capacity, voltage = float(cell.capacity), float(cell.average_voltage)
        reasons = list[Reason]()
        warnings: tuple[str, ...] = ()
        if self.model is not None:
            ohm = self.resistance()
            reasons = reasons_beyond(capacity, voltage, discharge, self.model, self.shifts(ohm), ohm * self.area)
            if not reasons:
                text = (
                    "the resistance in series would end the simulated discharge before half of it: the differences in "
                    "capacity and voltage are not divided further"
                )
                warnings = (text,)
        reasons = reasons or reasons_alone(capacity, voltage, discharge)
        if self.mass != float(cell.mass):
            lighter = float(cell.mass) / self.mass
            word = "heavier" if lighter < 1.0 else "lighter"
            reasons.append(Reason(f"the cell is {word} than designed", lighter))
        return reasons, warnings

    def warnings(self) -> tuple[str, ...]:
        """What the comparison lacks."""
        texts = []
        if self.cell_mass is None:
            texts.append(
                "no cell mass was given: the designed mass is used, so that mass is not among the reasons; weigh the "
                "cell"
            )
        if self.model is not None and self.cycle.charge is None:
            texts.append("no charge before the discharge: the resistance in series and its effect are not known")
        return tuple(texts)

    def values(self) -> dict[str, Fitted]:
        """Measured figures."""
        discharge = self.cycle.discharge_curve
        values = {
            "specific_energy": _value("Specific energy", discharge.energy / self.mass, units.WH_KG),
            "capacity": _value("Discharge capacity", discharge.total, units.AH),
            "average_voltage": _value("Average discharge voltage", discharge.mean_voltage, units.V),
            "energy": _value("Discharge energy", discharge.energy, units.WH),
            "mass": _value("Mass" if self.cell_mass else "Mass (designed)", self.mass, units.G),
        }
        resistance = self.resistance() * self.area
        if math.isfinite(resistance):
            values["extra_resistance"] = _value("Resistance beyond the simulation's", resistance, units.OHM_CM2)
        return values

    def table(self) -> Series:
        """Designed, simulated and measured figures in columns."""
        cell, measured, model = self.sheet.cell, self.cycle.discharge_curve, self.simulated
        charge = self.cycle.charge_curve
        designed_mass = float(cell.mass)
        efficiency = NAN if charge is None else measured.total / charge.total
        built = NAN if self.cell_mass is None else self.mass
        total, voltage, energy = (NAN, NAN, NAN) if model is None else (model.total, model.mean_voltage, model.energy)
        per_mass = float(cell.energy) / designed_mass, energy / designed_mass, measured.energy / self.mass
        lines: Sequence[tuple[str, units.Unit, float, float, float]] = (
            ("mass", units.G, designed_mass, NAN, built),
            ("capacity", units.AH, float(cell.capacity), total, measured.total),
            ("average voltage", units.V, float(cell.average_voltage), voltage, measured.mean_voltage),
            ("energy", units.WH, float(cell.energy), energy, measured.energy),
            ("specific energy", units.WH_KG, *per_mass),
            ("discharge over charge", units.PERCENT, float(cell.capacity / cell.charge_capacity), NAN, efficiency),
        )
        columns: dict[str, list[Any]] = {
            "quantity": [f"{label}, {unit.label}" for label, unit, *_ in lines],
            "designed": [float(unit.of(designed)) for _, unit, designed, _, _ in lines],
            "simulated": [float(unit.of(simulated)) for _, unit, _, simulated, _ in lines],
            "measured": [float(unit.of(value)) for _, unit, _, _, value in lines],
            "deviation": [value / designed - 1.0 for _, _, designed, _, value in lines],
        }
        return Series("Predicted and achieved", columns, {"deviation": units.PERCENT})


def _value(label: str, value: float, unit: units.Unit) -> Fitted:
    return Fitted(label, value, NAN, NAN, unit)


def _result(comparison: _Comparison, record: Record, cycled: Result, notes: tuple[str, ...]) -> Achieved:
    reasons, doubts = comparison.reasons()
    sorted_reasons = ranked(reasons)
    cell, cycle = comparison.sheet.cell, comparison.cycle
    discharge = cycle.discharge_curve
    missing = comparison.warnings()
    simulated = comparison.model is not None
    return Achieved(
        records=(record,),
        values=comparison.values(),
        model="design sheet" + (", homogenised model at the measured current" if simulated else ""),
        window={
            "cycle": cycle.number,
            "current_mA_cm2": current(cycle.discharge) / comparison.area / 10.0,
            "end_of_discharge_V": float(discharge.voltage[-1]),
        },
        warnings=(*missing, *notes, *doubts, *cycled.warnings),
        series={
            "comparison": comparison.table(),
            "reasons": Series(
                "Why specific energy differs, largest first",
                {
                    "reason": [reason.words for reason in sorted_reasons],
                    "effect": [reason.factor - 1.0 for reason in sorted_reasons],
                },
                {"effect": units.PERCENT},
            ),
            "cycles": cycled.series["cycles"],
        },
        designed=float(cell.specific_energy),
        measured=discharge.energy / comparison.mass,
        reasons=sorted_reasons,
        measured_discharge=discharge,
        measured_charge=cycle.charge_curve,
        simulated_discharge=comparison.simulated,
        designed_capacity=float(cell.capacity),
        designed_voltage=float(cell.average_voltage),
        name=comparison.sheet.design.name,
    )
