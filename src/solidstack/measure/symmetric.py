"""Symmetric cell: resistance, overpotential and critical current, from voltage or current steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MeasurementError
from ..units import (
    CONDUCTIVITY,
    HOUR,
    MA,
    MA_CM2,
    MAH_CM2,
    MV,
    MV_HOUR,
    OHM,
    OHM_CM2,
    PERCENT,
    PERCENT_HOUR,
    S_CM,
    TEMPERATURE,
    UA,
    UA_CM2,
    Unit,
    text,
)
from .polarity import LEAST_HALF, LEVELS, ROUGH, SAME, Polarity, split
from .records import CURRENT, TIME, VOLTAGE, Record
from .result import Fitted, Property, Result, Series
from .statistics import interval, line
from .steady import CONSTANT, FALLING, STEADY, Steady, constant_voltage, steady

Floats = NDArray[np.float64]
LEAST = 10
"""Points of a measurement."""
SOFT = 0.20
"""Fall of the overpotential within a half cycle of constant current that speaks of a soft short."""
UNSEEN = 0.05
"""Uncertainty of the change over the last tenth of the time that is worth a remark."""
DIVERGED = 5.0
"""Resistance (mean or at the end) over that of the first half cycles from which contact is taken to be lost."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Symmetric(Result):
    """A symmetric cell under current, or at constant voltage.

    Attributes
    ----------
    time, voltage, current : array, shape (n,)
        s, V, A.
    half_cycles : tuple of Polarity
        Empty where the voltage was constant.
    failed : int or None
        Half cycle in which the cell shorted or lost contact.
    area : float or None
        m2.
    tail : Steady or None
        Of a polarisation at constant voltage.
    """

    time: Floats
    voltage: Floats
    current: Floats
    half_cycles: tuple[Polarity, ...]
    failed: int | None
    area: float | None
    tail: Steady | None

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "symmetric"

    def properties(self) -> list[Property]:
        """Electronic conductivity, of a polarisation at constant voltage that reached a steady state."""
        conductivity = self.values.get("electronic_conductivity")
        temperature = self.records[0].temperature
        if conductivity is None or temperature is None or not conductivity.value > 0.0:
            return []
        value = text(float(f"{conductivity.value:.4g}"), CONDUCTIVITY)
        entry = {"value": value, "temperature": text(round(temperature, 2), TEMPERATURE)}
        return [Property("electronic_conductivity", entry, conductivity.uncertainty)]

    def data(self) -> Mapping[str, Series]:
        """The record, as drawn."""
        columns: dict[str, Any] = {"time_s": self.time, "voltage": self.voltage, "current": self.current}
        return {"record": Series("Voltage and current", columns, {"voltage": MV, "current": MA})}


def analyse(
    record: Record,
    *,
    area: float | None = None,
    thickness: float | None = None,
    short_drop: float = 0.5,
) -> Symmetric:
    r"""Analyse a symmetric cell: plating and stripping under current, or polarisation at constant voltage.

    Under current the half cycles are found by the sign and size of the current. The overpotential of a sound cell
    stays or rises at constant current: a sudden drop to less than half is a short, a slow fall or a rough voltage
    speaks of a soft one. With rising currents the critical one lies between the last level without a short and the
    first with one (or with a resistance that diverges, where contact is lost).

    At constant voltage the steady current of a cell whose electrodes block ions is electronic (Hebb and Wagner), and

    .. math::
        \sigma_e = I_\infty L / (A \Delta V)

    is the mean over the potentials within the electrolyte. With lithium electrodes the current is that of ions.

    Parameters
    ----------
    record : Record
        Time, voltage and current.
    area, thickness : float, optional
        Of the electrode and of the electrolyte, m2 and m; default: those of the record.
    short_drop : float
        Share of the overpotential (or of the areal resistance, from level to level) whose loss is a short.

    Returns
    -------
    Symmetric
        Under current: `areal_resistance` (`resistance` without area), `overpotential` of the first level or of the
        last half cycles, `growth`, `asymmetry`, `arcing`, `critical_current`. At constant voltage: `steady_current`,
        `electronic_conductivity`, `drift`.

    Raises
    ------
    MeasurementError
        Missing columns, time that goes back, too few points, no current, neither current nor voltage constant, no
        steady state.

    Notes
    -----
    A stepped test gives the critical current between two of its steps and no closer.
    """
    if not 0.0 < short_drop < 1.0:
        msg = f"short_drop: {short_drop:g} is not between 0 and 1; write for example 0.5"
        raise MeasurementError(msg, source=record.source)
    checked = record.in_order(TIME, VOLTAGE, CURRENT, least=LEAST)
    known = record.with_sample(area=area, thickness=thickness)
    time, voltage, current = (checked.values(name) for name in (TIME, VOLTAGE, CURRENT))
    if not np.max(np.abs(current)) > 0.0:
        msg = "the current is 0 throughout; expected a symmetric cell under current or at constant voltage"
        raise MeasurementError(msg, source=record.source)
    warnings = [text for text in checked.warnings if text not in record.warnings]
    if _is_potentiostatic(checked):
        return _polarisation(record, known, checked, warnings)
    return _galvanostatic(record, known, (time, voltage, current), short_drop, warnings)


def _is_potentiostatic(record: Record) -> bool:
    """Return whether the voltage was held constant: it varies less than the current."""
    if record.technique == "chronoamperometry":
        return True
    if record.technique in ("chronopotentiometry", "cycling"):
        return False
    voltage, current = np.abs(record.values(VOLTAGE)), np.abs(record.values(CURRENT))
    one_sign = float(np.mean(np.sign(record.values(VOLTAGE)) == np.sign(np.median(record.values(VOLTAGE))))) > 0.95
    if not one_sign:
        return False

    def spread(values: Floats) -> float:
        low, middle, high = np.percentile(values, [5.0, 50.0, 95.0])
        return float((high - low) / middle) if middle > 0.0 else float("inf")

    return spread(voltage) < CONSTANT and spread(voltage) < 0.5 * spread(current)


def _polarisation(record: Record, known: Record, checked: Record, warnings: list[str]) -> Symmetric:
    first, last, applied = constant_voltage(checked)
    kept = slice(first, last + 1)
    time, voltage, current = (checked.values(name)[kept] for name in (TIME, VOLTAGE, CURRENT))
    if len(time) < LEAST:
        msg = f"has {len(time)} points at constant voltage; at least {LEAST} are needed. Record more often"
        raise MeasurementError(msg, source=record.source)
    begin = float(checked.values(TIME)[max(first - 1, 0)]) if first else float(time[0])
    time = time - begin
    along = current * np.sign(applied)
    tail = steady(time, along, record.source)
    warnings += _doubts(tail)
    sparse = float(np.median(np.diff(time)))
    if first or np.abs(voltage[0] - np.median(voltage)) > CONSTANT * abs(float(np.median(voltage))):
        warnings.append("points before the voltage was reached were left out")
    area = known.area
    factor, unit, label = (
        (1.0, UA, "Steady current") if area is None else (1.0 / area, UA_CM2, "Steady current density")
    )
    values = {
        "steady_current": interval(tail.value * factor, tail.deviation * factor, label, unit, tail.points - 1.0),
        "voltage": Fitted("Applied voltage", abs(applied), float("nan"), float("nan"), MV),
        "resistance": _inverse(abs(applied), tail, "Resistance in the steady state", OHM),
    }
    conductivity, remarks = _conductivity(known, tail, abs(applied))
    values |= conductivity
    warnings += remarks
    spread = tail.drift_deviation * abs(tail.per_hour / tail.drift) if tail.drift else float("nan")
    values["drift"] = interval(tail.per_hour, spread, "Change of the steady current", PERCENT_HOUR, tail.points - 2.0)
    return Symmetric(
        records=(record,),
        values=values,
        model="steady current at constant voltage",
        window={
            "applied_mV": 1e3 * applied,
            "steady_from_s": tail.begin,
            "steady_to_s": float(time[-1]),
            "left_out": first,
        },
        warnings=tuple(warnings),
        series={"current": _times(time, along, factor, unit, sparse)},
        time=time,
        voltage=voltage,
        current=along,
        half_cycles=(),
        failed=None,
        area=area,
        tail=tail,
    )


def _conductivity(known: Record, tail: Steady, applied: float) -> tuple[dict[str, Fitted], list[str]]:
    """Electronic conductivity from the steady current, where the geometry is known, and what to know of it."""
    area, thickness = known.area, known.thickness
    if area is None or thickness is None or tail.certain > FALLING:
        missing = [name for name, value in (("area", area), ("thickness", thickness)) if value is None]
        if not missing:
            return {}, []
        verb = "is" if len(missing) == 1 else "are"
        options = " ".join(f"--{name}" for name in missing)
        return {}, [f"no conductivity: {' and '.join(missing)} {verb} not known; give {options}"]
    scale = thickness / (area * applied)
    conductivity = interval(
        tail.value * scale, tail.deviation * scale, "Electronic conductivity (blocking electrodes)", S_CM,
        tail.points - 1.0,
    )  # fmt: skip
    blocking = (
        "the conductivity is electronic if the electrodes block ions (steel, Mo, C); with lithium electrodes the "
        "current is carried by ions"
    )
    remarks = [blocking]
    if known.temperature is None:
        remarks.append(
            "the temperature is not known, so the conductivity is not saved to a material; give --temperature"
        )
    return {"electronic_conductivity": conductivity}, remarks


def _doubts(tail: Steady) -> list[str]:
    """Explain what makes the steady current doubtful."""
    doubts = []
    if tail.certain > STEADY:
        way = "falls" if tail.drift < 0.0 else "rises"
        if tail.certain > FALLING:
            doubts.append(
                f"no steady state: the current still {way} by {100.0 * abs(tail.drift):.3g} % over the last tenth of "
                "the time; the steady current is an upper bound, and no conductivity is given"
            )
        else:
            doubts.append(
                f"the current still {way} by {100.0 * abs(tail.drift):.2g} % over the last tenth of the time: the "
                "steady state is doubtful"
            )
    elif 1.96 * tail.drift_deviation > UNSEEN:
        doubts.append(
            f"the scatter hides a change of up to {100.0 * (abs(tail.drift) + 1.96 * tail.drift_deviation):.2g} % over "
            "the last tenth of the time: it is not certain that the state is steady"
        )
    if tail.value <= 1.96 * tail.deviation:
        doubts.append("the steady current is within its own uncertainty: it is an upper bound")
    return doubts


def _inverse(voltage: float, tail: Steady, label: str, unit: Unit) -> Fitted:
    low, high = tail.value - 1.96 * tail.deviation, tail.value + 1.96 * tail.deviation
    if tail.value <= 0.0:
        return Fitted(label, float("nan"), float("nan"), float("nan"), unit)
    return Fitted(label, voltage / tail.value, voltage / high, voltage / low if low > 0.0 else float("nan"), unit)


def _times(time: Floats, current: Floats, factor: float, unit: Unit, step: float) -> Series:
    """Current after a minute, an hour and at the end, where they were recorded."""
    times = [("1 min", 60.0), ("10 min", 600.0), ("1 h", 3600.0), ("10 h", 36000.0)]
    rows = [(name, at) for name, at in times if time[0] - 0.5 * step <= at < time[-1]]
    rows.append(("end", float(time[-1])))
    means = [_about(at, time, current) * factor for _, at in rows]
    columns: dict[str, Any] = {"after": [name for name, _ in rows], "time": [at for _, at in rows], "current": means}
    return Series("Current over time", columns, {"time": HOUR, "current": unit})


def _about(at: float, time: Floats, current: Floats) -> float:
    """Current at a time: the median of the points within a twentieth of it, or between the two next to it."""
    near = np.abs(time - at) <= 0.05 * at
    return float(np.median(current[near]) if near.sum() >= 5 else np.interp(at, time, current))


def _galvanostatic(
    record: Record, known: Record, columns: tuple[Floats, Floats, Floats], short_drop: float, warnings: list[str]
) -> Symmetric:
    time, voltage, current = columns
    halves, remarks = split(time, voltage, current)
    warnings += remarks
    if not halves:
        msg = (
            f"has no stretch of constant current with {LEAST_HALF} points; expected plating and stripping at constant "
            "current, or a polarisation at constant voltage"
        )
        raise MeasurementError(msg, source=record.source)
    uneven = [float(np.std(np.abs(current[half.first : half.last + 1]))) / half.current for half in halves]
    if np.median(uneven) > 2.0 * SAME:
        msg = (
            f"neither current nor voltage is constant: the current varies by {100.0 * float(np.median(uneven)):.3g} % "
            "within a half cycle. Expected plating and stripping at constant current, or constant voltage"
        )
        raise MeasurementError(msg, source=record.source)
    area = known.area
    opposite = [number for number, half in enumerate(halves, 1) if half.mean < 0.0]
    if opposite:
        warnings.append(
            f"half cycles {_some(opposite)}: the mean voltage has the sign against the current (mixed signs): an "
            "offset of the voltage, or a dead short"
        )
    failed, reason = _failure(halves, short_drop)
    sound = halves if failed is None else halves[:failed]
    levels = _level_of(halves)
    rising = len(np.unique(levels)) >= LEVELS and bool(np.all(np.diff(levels) >= 0))
    values = _values_of(halves, sound, levels, area)
    if rising or failed is not None:
        values["critical_current"] = _critical(halves, failed, area)
    if reason:
        warnings.append(reason)
    elif rising:
        unit, factor = _density(area)
        most = unit.of(halves[-1].current * factor)
        warnings.append(f"no short up to {most:.4g} {unit.symbol}: the critical current is above that")
    warnings += _remarks(halves, failed, levels, area)
    return Symmetric(
        records=(record,),
        values=values,
        model="constant current, half cycle by half cycle"
        + (
            f"; short where the overpotential drops by {100.0 * short_drop:g} %" if failed is not None or rising else ""
        ),
        window={
            "half_cycles": len(halves),
            "used": len(sound),
            "currents": len(np.unique(levels)),
            "rising": rising,
        },
        warnings=tuple(warnings),
        series={"half_cycles": _table(halves, area)},
        time=time,
        voltage=voltage,
        current=current,
        half_cycles=tuple(halves),
        failed=failed,
        area=area,
        tail=None,
    )


def _some(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:5])
    return f"{shown} and {len(numbers) - 5} more" if len(numbers) > 5 else shown


def _density(area: float | None) -> tuple[Unit, float]:
    """Unit and factor of a current: its density where the area is known."""
    return (MA, 1.0) if area is None else (MA_CM2, 1.0 / area)


def _level_of(halves: Sequence[Polarity]) -> Any:
    """Rank of each half cycle's current among the levels that there are."""
    currents = np.array([half.current for half in halves])
    order = np.argsort(currents)
    rank = np.zeros(len(halves), int)
    level = 0
    begin = currents[order[0]]
    for place in order:
        if currents[place] > begin * (1.0 + SAME):
            level, begin = level + 1, currents[place]
        rank[place] = level
    return rank


def _failure(halves: Sequence[Polarity], short_drop: float) -> tuple[int | None, str]:
    """First half cycle with a short or without contact, and in words why."""
    resistances = [half.mean / half.current for half in halves]
    for number, half in enumerate(halves):
        if half.drop >= short_drop:
            return number, (
                f"short in half cycle {number + 1}: the overpotential drops suddenly by {100.0 * half.drop:.3g} % at "
                "constant current"
            )
        if number == 0:
            continue
        before = float(np.median(resistances[max(0, number - 4) : number]))
        if before > 0.0 and resistances[number] < (1.0 - short_drop) * before:
            lost = 100.0 * (1.0 - resistances[number] / before)
            return number, f"short in half cycle {number + 1}: the resistance is {lost:.3g} % less than in those before"
        first = float(np.median(resistances[: min(number, 4)]))
        worst = max(half.mean, half.end) / half.current
        if first > 0.0 and worst > DIVERGED * first:
            return number, (
                f"no contact from half cycle {number + 1} on: the resistance is {worst / first:.3g} "
                "times that at the start; the current is limited by lost contact, not by a short"
            )
    return None, ""


def _critical(halves: Sequence[Polarity], failed: int | None, area: float | None) -> Fitted:
    """Between the largest current before the failure and that of the failure; the former is the value."""
    unit, factor = _density(area)
    label = "Critical current density (last good to first bad)" if area else "Critical current (last good to first bad)"
    nothing = float("nan")
    if failed is None:
        return Fitted(label, nothing, nothing, nothing, unit)
    bad = halves[failed].current * factor
    good = max((half.current * factor for half in halves[:failed]), default=nothing)
    if not good < bad * (1.0 - SAME):
        # a short after many cycles at one current is of the charge that passed, not of the current
        lower = [half.current * factor for half in halves[:failed] if half.current * factor < bad * (1.0 - SAME)]
        good = max(lower, default=nothing)
    return Fitted(label, good, good, bad, unit)


def _values_of(
    halves: Sequence[Polarity], sound: Sequence[Polarity], levels: Any, area: float | None
) -> dict[str, Fitted]:
    used = sound or halves[:1]
    # one level: that of most half cycles, the lowest of those
    ranks, counts = np.unique(levels[: len(used)], return_counts=True)
    level = int(ranks[np.argmax(counts)])
    same = [half for half, rank in zip(used, levels, strict=False) if rank == level]
    mean = np.array([half.mean for half in same])
    unit, factor = _density(area)
    scale = 1.0 if area is None else area
    resistance = mean / np.array([half.current for half in same]) * scale
    what = "Resistance" if area is None else "Areal resistance"
    shown = OHM if area is None else OHM_CM2
    current = float(np.mean([half.current for half in same])) * factor
    values = {
        "resistance" if area is None else "areal_resistance": _mean(resistance, what, shown),
        "overpotential": _mean(mean, f"Mean overpotential at {unit.of(current):.4g} {unit.label}", MV),
        "current": Fitted("At this current", current, float("nan"), float("nan"), unit),
    }
    if len(same) >= 4:
        when = np.array([half.time for half in same])
        slope = line(when, mean)
        values["growth"] = slope.fitted(1, "Growth of the overpotential", MV_HOUR)
    signs = np.array([half.sign for half in same])
    if (signs > 0).any() and (signs < 0).any():
        up, down = float(mean[signs > 0].mean()), float(mean[signs < 0].mean())
        asymmetry = 2.0 * (up - down) / (up + down) if up + down else float("nan")
        label = "Difference of the directions over their mean"
        values["asymmetry"] = Fitted(label, asymmetry, float("nan"), float("nan"), PERCENT)
    arcing = np.array([half.arcing for half in same])
    values["arcing"] = _mean(arcing[np.isfinite(arcing)], "Rise from the lowest to the end of a half cycle", PERCENT)
    return values


def _mean(values: Floats, label: str, unit: Unit) -> Fitted:
    if not len(values):
        nothing = float("nan")
        return Fitted(label, nothing, nothing, nothing, unit)
    deviation = float(np.std(values, ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return interval(float(np.mean(values)), deviation, label, unit, len(values) - 1.0)


def _remarks(halves: Sequence[Polarity], failed: int | None, levels: Any, area: float | None) -> list[str]:
    remarks = []
    before = halves if failed is None else halves[:failed]
    soft = [number for number, half in enumerate(before, 1) if half.slide > SOFT]
    if soft:
        remarks.append(
            f"half cycles {_some(soft)}: the overpotential falls by more than {100.0 * SOFT:g} % at constant current, "
            "which speaks of a soft short (or of a contact that improves)"
        )
    noises = np.array([half.noise for half in halves])
    usual = float(np.median(noises))
    floor = 1e-4 * float(np.median([abs(half.mean) for half in halves]))
    rough = [number for number, half in enumerate(halves, 1) if half.noise > ROUGH * max(usual, floor)]
    if rough:
        remarks.append(
            f"half cycles {_some(rough)}: the voltage is more than {ROUGH:g} times as rough as usual, as of contacts "
            "or filaments that come and go"
        )
    if failed is not None and len(before) and np.ptp(levels[: failed + 1]) == 0:
        remarks.append(
            "the cell failed at the current at which it had cycled: the cause is the charge passed, so "
            "this is not a critical current"
        )
    if area is None:
        remarks.append("the area is not known, so currents and resistances are those of the whole cell; give --area")
    if len(halves) == 1:
        remarks.append("one half cycle only: neither growth nor asymmetry")
    if len(before) >= 4:
        pairs = np.array([half.mean / half.current for half in before])
        if pairs[-1] < 0.7 * pairs[0]:
            remarks.append(
                f"the resistance falls by {100.0 * (1.0 - pairs[-1] / pairs[0]):.3g} % over the half cycles: wetting "
                "of the interface, or a soft short that grows"
            )
    few = float(np.median([half.last - half.first + 1 for half in halves]))
    if few < 20.0:
        remarks.append(f"a half cycle has {few:.0f} points: a short within it may go unnoticed; record more often")
    return remarks


def _table(halves: Sequence[Polarity], area: float | None) -> Series:
    unit, factor = _density(area)
    scale = 1.0 if area is None else area
    columns: dict[str, Any] = {
        "half_cycle": list(range(1, len(halves) + 1)),
        "begin": [half.time for half in halves],
        "duration": [half.duration for half in halves],
        "current": [half.sign * half.current * factor for half in halves],
        "start": [half.start for half in halves],
        "mean": [half.mean for half in halves],
        "end": [half.end for half in halves],
        "highest": [half.highest for half in halves],
        "resistance": [half.mean / half.current * scale for half in halves],
        "sudden_drop": [half.drop for half in halves],
        "arcing": [half.arcing for half in halves],
        "noise": [half.noise for half in halves],
    }
    units = {
        "begin": HOUR, "duration": HOUR, "current": unit, "start": MV, "mean": MV, "end": MV, "highest": MV,
        "resistance": OHM if area is None else OHM_CM2, "sudden_drop": PERCENT, "arcing": PERCENT, "noise": MV,
    }  # fmt: skip
    if area is not None:
        columns["areal_charge"] = [half.charge / area for half in halves]
        units["areal_charge"] = MAH_CM2
    return Series("Overpotential of each half cycle", columns, units)
