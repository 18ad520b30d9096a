"""What a built cell achieved, beside its design and the simulated curve, and why they differ."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import units
from ..design import Design
from ..design.protocol import Protocol, Rate
from ..errors import MeasurementError, SolidstackError
from ..measure.cycling import analyse
from ..measure.half_cycles import HalfCycle
from ..measure.records import Record
from ..measure.result import Fitted, Result, Series
from ..sheet import Sheet, evaluate

Floats = NDArray[np.float64]

NAN = math.nan
BEGIN, END = 0.2, 0.8
"""Share of the charge over which the distance of charge and discharge is taken: its ends are left to capacity."""
LEAST_LEFT = 0.5
"""Share of the simulated discharge that a resistance in series leaves at least."""
LITHIUM = ("lithium-foil", "lithium-on-collector", "anode-free")
"""Negatives that the companion stands for."""


@dataclass(frozen=True)
class Curve:
    """Voltage of a discharge or charge over the charge of the cell.

    Attributes
    ----------
    capacity : array, shape (n,)
        A s of the whole cell, from 0.
    voltage : array, shape (n,)
        V.
    """

    capacity: Floats
    voltage: Floats

    @property
    def total(self) -> float:
        """Capacity, A s."""
        return float(self.capacity[-1])

    @property
    def mean_voltage(self) -> float:
        """Energy over capacity, V."""
        return float(np.trapezoid(self.voltage, self.capacity)) / self.total


@dataclass(frozen=True)
class Reason:
    """A part of the difference between designed and achieved specific energy.

    Attributes
    ----------
    words : str
    factor : float
        By which it multiplies the specific energy; the factors of all reasons multiply to achieved over designed.
    """

    words: str
    factor: float


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
        """The curves."""
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


def compare(
    design: Design, record: Record, *, cell_mass: float | None = None, cycle: int | None = None, simulated: bool = True
) -> Achieved:
    r"""Compare a measured cycle of a built cell with its design and with the homogenised model.

    The specific energy is capacity times mean voltage over mass, so that its ratio to the designed one is a product of
    ratios. Each is a reason; where there is a simulation at the measured current, capacity and voltage each part into
    what the simulation has already and what it has not. By as much as charge and discharge are farther apart than
    simulated, over the currents of both, there is a resistance in series that the simulation does not have. It also
    ends charge and discharge earlier, which is one part of the lost capacity. The rest of that is active material that
    is missing or takes no part.

    Parameters
    ----------
    design : Design
        A single one, of the cell that was measured.
    record : Record
        Its cycling; the active mass is that of the design where the record does not say it.
    cell_mass : float, optional
        Of the built cell, kg; without it the designed mass is taken, and said so.
    cycle : int, optional
        From 1; default: the one whose discharge gives the most energy.
    simulated : bool
        Whether to run the homogenised model; it needs PyBaMM and a lithium negative.

    Returns
    -------
    Achieved

    Raises
    ------
    MeasurementError
        No discharge, no such cycle, or a mass that is not above 0.
    """
    if not design.is_single:
        msg = "the comparison is with one design; this one has arrays"
        raise MeasurementError(msg)
    if cell_mass is not None and not (math.isfinite(cell_mass) and cell_mass > 0.0):
        msg = f"cell mass: {units.text(cell_mass, units.MASS)} is not above 0"
        raise MeasurementError(msg)
    sheet = evaluate(design)
    weighed = record if record.mass is not None else record.with_sample(mass=_active(sheet))
    cycled = analyse(weighed, cell_mass=cell_mass)
    halves = [half for one in cycled.cycles for half in one.halves]
    charge, discharge, number = _pick(halves, record.source, cycle)
    measured = _curve(discharge)
    mass = float(sheet.cell.mass) if cell_mass is None else cell_mass
    area = float(sheet.cell.positive_area * 2.0 * design.stack.bilayers)
    density = _amperes(discharge) / area
    taken = None if charge is None else _curve(charge)
    warnings = list[str]()
    if cell_mass is None:
        warnings.append("no cell mass was given: the designed one is taken, so mass is no reason; weigh the cell")
    model, said = None, ""
    if simulated:
        model, said = _simulated(design, sheet, charge, discharge, area)
        warnings += [said] if said else []
    if model is not None and taken is None:
        warnings.append("no charge before the discharge: the resistance in series cannot be told, nor what it costs")
    capacity, voltage = float(sheet.cell.capacity), float(sheet.cell.average_voltage)
    resistance, reasons = NAN, list[Reason]()
    if model is not None:
        shifts = 0.0, 0.0
        if charge is not None and taken is not None:
            steady = _before(charge), _before(discharge)
            ohm = _resistance(_Pair(taken, measured, steady), model, _amperes(charge) + _amperes(discharge))
            resistance = ohm * area
            held = charge.held < len(charge.capacity)
            shifts = 0.0 if held else ohm * _amperes(charge), ohm * _amperes(discharge)
        reasons = _reasons(capacity, voltage, measured, model, shifts, resistance)
        if not reasons:
            warnings.append(
                "the resistance in series would end the simulated discharge before half of it: capacity and voltage "
                "are not parted further"
            )
    if not reasons:
        reasons = [
            Reason("capacity: active material, loading and current together", measured.total / capacity),
            Reason("average voltage", measured.mean_voltage / voltage),
        ]
    if mass != float(sheet.cell.mass):
        lighter = float(sheet.cell.mass) / mass
        reasons.append(Reason(f"the cell is {'heavier' if lighter < 1.0 else 'lighter'} than designed", lighter))
    energy = measured.total * measured.mean_voltage
    rows = _rows(sheet, measured, taken, None if model is None else model.discharge, cell_mass, mass)
    values = {
        "specific_energy": _value("Specific energy", energy / mass, units.WH_KG),
        "capacity": _value("Discharge capacity", measured.total, units.AH),
        "average_voltage": _value("Average discharge voltage", measured.mean_voltage, units.V),
        "energy": _value("Discharge energy", energy, units.WH),
        "mass": _value("Mass" if cell_mass else "Mass (designed)", mass, units.G),
    }
    if math.isfinite(resistance):
        values["extra_resistance"] = _value("Resistance beyond the simulation's", resistance, units.OHM_CM2)
    ranked = sorted(reasons, key=lambda one: -abs(math.log(one.factor)))
    return Achieved(
        records=(record,),
        values=values,
        model="design sheet" + ("" if model is None else ", homogenised model at the measured current"),
        window={
            "cycle": number,
            "current_mA_cm2": density / 10.0,
            "end_of_discharge_V": float(measured.voltage[-1]),
        },
        warnings=(*warnings, *cycled.warnings),
        series={
            "comparison": rows,
            "reasons": Series(
                "Why specific energy differs, largest first",
                {
                    "reason": [one.words for one in ranked],
                    "effect": [one.factor - 1.0 for one in ranked],
                },
                {"effect": units.PERCENT},
            ),
            "cycles": cycled.series["cycles"],
        },
        designed=float(sheet.cell.specific_energy),
        measured=energy / mass,
        reasons=tuple(ranked),
        measured_discharge=measured,
        measured_charge=taken,
        simulated_discharge=None if model is None else model.discharge,
        designed_capacity=capacity,
        designed_voltage=voltage,
        name=design.name,
    )


def _value(label: str, value: float, unit: units.Unit) -> Fitted:
    return Fitted(label, value, NAN, NAN, unit)


def _pick(halves: Sequence[HalfCycle], source: str, cycle: int | None) -> tuple[HalfCycle | None, HalfCycle, int]:
    """The discharge to compare, the charge before it, and its number."""
    pairs: list[tuple[HalfCycle | None, HalfCycle]] = []
    for at, half in enumerate(halves):
        if half.kind == "discharge" and half.capacity[-1] > 0.0:
            before = halves[at - 1] if at and halves[at - 1].kind == "charge" else None
            pairs.append((before, half))
    if not pairs:
        msg = "has no discharge, and the comparison is of one; give the file of a whole cycle"
        raise MeasurementError(msg, source=source)
    if cycle is None:
        energies = [float(np.trapezoid(half.voltage, half.capacity)) for _, half in pairs]
        return *pairs[int(np.argmax(energies))], int(np.argmax(energies)) + 1
    if not 1 <= cycle <= len(pairs):
        msg = f"has {len(pairs)} discharges; --cycle {cycle} is none of them"
        raise MeasurementError(msg, source=source)
    return *pairs[cycle - 1], cycle


def _curve(half: HalfCycle) -> Curve:
    return Curve(np.asarray(half.capacity, float), np.asarray(half.voltage, float))


def _amperes(half: HalfCycle) -> float:
    """Current before the voltage is held, A."""
    return float(np.median(np.abs(half.amperes[: max(half.held, 1)])))


@dataclass(frozen=True)
class _Pair:
    """Charge and discharge, with the charge that passes before the voltage of each is held."""

    charge: Curve
    discharge: Curve
    steady: tuple[float, float]

    def apart(self, state: Floats) -> Floats:
        """Distance of charge and discharge, V, at charges since the charge began."""
        up, down = self.charge, self.discharge
        return np.interp(state, up.capacity, up.voltage) - np.interp(up.total - state, down.capacity, down.voltage)

    def shared(self) -> tuple[float, float]:
        """Between which states both are at steady current."""
        return self.charge.total - self.steady[1], self.steady[0]


def _simulated(
    design: Design, sheet: Sheet, charge: HalfCycle | None, discharge: HalfCycle, area: float
) -> tuple[_Pair | None, str]:
    """Charge and discharge of the homogenised model, cycled as the cell was; None and the reason where it cannot be."""
    if find_spec("pybamm") is None:
        return None, 'no simulation: it needs PyBaMM, `pip install "solidstack[companion]"`'
    if design.negative.kind not in LITHIUM:
        return None, f"no simulation: it is against lithium, and this cell's negative is {design.negative.kind}"
    from ..twin.companion.homogenised import simulate

    series = float(design.stack.series_cells)
    first = discharge if charge is None else charge
    steps: list[dict[str, Any]] = []
    for kind, half, edge in (("charge", first, float(np.max(first.voltage))), ("discharge", discharge, NAN)):
        volts = (float(discharge.voltage[-1]) if kind == "discharge" else edge) / series
        steps.append({"kind": kind, "current": Rate(_amperes(half) / area, "A/m^2"), "until": {"voltage": volts}})
        if half.kind == kind and half.held < len(half.capacity):
            least = max(abs(float(half.amperes[-1])), 1e-3 * _amperes(half)) / area
            steps.append({"kind": "hold", "voltage": volts, "until": {"current": Rate(least, "A/m^2")}})
    try:
        run = simulate(design, Protocol.from_dict({"steps": steps}))
    except SolidstackError as error:
        return None, f"no simulation: {error}"
    active = _active(sheet) / series
    parts: dict[str, list[Curve]] = {"charge": [], "discharge": []}
    side = "charge"
    for step in run.steps:
        side = side if step.kind == "hold" else step.kind
        rows = run.rows(step)
        parts[side].append(Curve(run.capacity[rows] * active, run.voltage[rows] * series))
    if not parts["discharge"] or not all(side[0].total > 0.0 for side in parts.values()):
        return None, f"no simulation: {run.outcome}"
    joined = {side: _joined(curves) for side, curves in parts.items()}
    steady = parts["charge"][0].total, parts["discharge"][0].total
    return _Pair(joined["charge"], joined["discharge"], steady), ""


def _joined(curves: Sequence[Curve]) -> Curve:
    """One curve of several that follow each other."""
    begin = np.cumsum([0.0, *(curve.total for curve in curves[:-1])])
    capacity = np.concatenate([curve.capacity + at for curve, at in zip(curves, begin, strict=True)])
    return Curve(capacity, np.concatenate([curve.voltage for curve in curves]))


def _before(half: HalfCycle) -> float:
    """Charge that passes before the voltage is held, A s."""
    return float(half.capacity[min(half.held, len(half.capacity)) - 1])


def _resistance(measured: _Pair, model: _Pair, currents: float) -> float:
    """Resistance of the cell beyond the simulation's, ohm: charge and discharge at the same state are farther apart."""
    share = np.linspace(BEGIN, END, 100)
    gaps = []
    for pair in (measured, model):
        low, high = pair.shared()
        gaps.append(pair.apart(low + share * (high - low)))
    return float(np.median(gaps[0] - gaps[1])) / currents


def _reasons(
    capacity: float,
    voltage: float,
    measured: Curve,
    model: _Pair,
    shifts: tuple[float, float],
    resistance: float,
) -> list[Reason]:
    """Factors from designed to measured capacity and voltage; `shifts` are V by which both curves are moved apart.

    None where hardly a discharge would be left.
    """
    up, down = model.charge, model.discharge
    # moved apart, the simulated curves meet the ends of charge and discharge earlier
    charged = up.total - _until(up, float(up.voltage[-1]) - shifts[0]) if shifts[0] else 0.0
    ended = _until(down, float(down.voltage[-1]) + shifts[1]) - charged
    ended = min(ended, down.total)
    if ended < LEAST_LEFT * down.total:
        return []
    what = f"{abs(resistance) * 1e4:.3g} ohm cm2 {'more' if resistance > 0.0 else 'less'} in series than simulated"
    reasons = [
        _reason(
            down.total / capacity,
            "capacity that the simulation does not reach at this current either",
            "capacity that the simulation, too, has beyond the design",
        ),
        _reason(
            measured.total / ended,
            "active material that is missing or takes no part: loading, contact, losses of the first cycles",
            "more active material than simulated: loading, specific capacity",
        ),
        _reason(
            down.mean_voltage / voltage,
            "voltage that the simulation does not reach at this current either",
            "voltage that the simulation, too, has beyond the design",
        ),
    ]
    if math.isfinite(resistance):
        reasons.append(Reason(f"charge and discharge end earlier: {what}", ended / down.total))
    side = measured.mean_voltage / down.mean_voltage
    if not math.isfinite(resistance) or (resistance > 0.0) != (side < 1.0):
        what = "another state of charge, or hysteresis"
    return [*reasons, _reason(side, f"lower voltage than simulated: {what}", f"higher voltage than simulated: {what}")]


def _reason(factor: float, less: str, more: str) -> Reason:
    """Say a factor by whether it is a loss."""
    return Reason(less if factor <= 1.0 else more, factor)


def _until(curve: Curve, voltage: float) -> float:
    """Charge at which a curve last crosses a voltage on its way to its end, A s; its whole where it does not."""
    rising = curve.voltage[-1] > curve.voltage[0]
    inside = curve.voltage < voltage if rising else curve.voltage > voltage
    at = np.flatnonzero(inside)
    if len(at) == 0:
        return 0.0
    if at[-1] + 1 >= len(curve.voltage):
        return curve.total
    v0, v1 = curve.voltage[at[-1] : at[-1] + 2]
    q0, q1 = curve.capacity[at[-1] : at[-1] + 2]
    return float(q0 + (q1 - q0) * (voltage - v0) / (v1 - v0))


def _rows(
    sheet: Sheet, measured: Curve, charge: Curve | None, model: Curve | None, cell_mass: float | None, mass: float
) -> Series:
    """Designed, simulated and measured side by side."""
    designed_mass = float(sheet.cell.mass)
    first = float(sheet.cell.capacity / sheet.cell.charge_capacity)
    efficiency = NAN if charge is None else measured.total / charge.total
    energies = (
        float(sheet.cell.energy),
        NAN if model is None else model.total * model.mean_voltage,
        measured.total * measured.mean_voltage,
    )
    lines: Sequence[tuple[str, units.Unit, float, float, float]] = (
        ("mass", units.G, designed_mass, NAN, NAN if cell_mass is None else mass),
        ("capacity", units.AH, float(sheet.cell.capacity), NAN if model is None else model.total, measured.total),
        (
            "average voltage",
            units.V,
            float(sheet.cell.average_voltage),
            NAN if model is None else model.mean_voltage,
            measured.mean_voltage,
        ),
        ("energy", units.WH, *energies),
        (
            "specific energy",
            units.WH_KG,
            energies[0] / designed_mass,
            energies[1] / designed_mass,
            energies[2] / mass,
        ),
        ("discharge over charge", units.PERCENT, first, NAN, efficiency),
    )
    columns: dict[str, list[Any]] = {"quantity": [], "designed": [], "simulated": [], "measured": [], "deviation": []}
    for label, unit, designed, simulated, found in lines:
        row = (designed, simulated, found)
        columns["quantity"].append(f"{label}, {unit.label}")
        for name, value in zip(("designed", "simulated", "measured"), row, strict=True):
            columns[name].append(float(unit.of(value)))
        columns["deviation"].append(found / designed - 1.0)
    return Series("Predicted and achieved", columns, {"deviation": units.PERCENT})
