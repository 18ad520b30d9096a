"""Cycling of a cell: capacities, efficiencies, mean voltages, differential capacity, loss per cycle."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import MeasurementError
from ..units import (
    FRACTION,
    HOUR,
    MA,
    MAH,
    MAH_CM2,
    MAH_G,
    MAH_V,
    MASS,
    MV,
    MWH,
    PERCENT,
    SPECIFIC_CAPACITY,
    VOLTAGE,
    WH_KG,
    Unit,
    V,
    text,
)
from .cycling_doubts import doubts, reversed_current_reason
from .differential import Differential, differentials, peak_table
from .half_cycles import NAN, Cycle, HalfCycle, cut, joint_uncertainty, pair_cycles, relative_uncertainty
from .records import Record
from .result import Fitted, Property, Result, Series
from .signal import Floats, signal, thinned
from .statistics import interval, line

SAME_RATE = 0.1
"""Relative difference of currents up to which cycles are of one rate."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cycling(Result):
    """Cycles of a cell.

    Attributes
    ----------
    cycles : tuple of Cycle
    differential : tuple of Differential
        Of the first, the second and the last complete cycle.
    mass, area, cell_mass : float or None
        kg (of `mass_basis`), m2, kg.
    mass_basis : str
    fade : tuple of (array, array, array), or None
        Numbers of the cycles of the fitted line, their discharge capacity and the line, A s.
    reversed_current : bool
        Whether the sign of the current looks reversed.
    """

    cycles: tuple[Cycle, ...]
    differential: tuple[Differential, ...]
    mass: float | None
    area: float | None
    cell_mass: float | None
    mass_basis: str
    fade: tuple[Floats, Floats, Floats] | None
    reversed_current: bool = False

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "cycling"

    def properties(self) -> list[Property]:
        """Specific capacity and mean voltage of the first discharge, first-cycle efficiency; of the active material.

        Nothing where no cycle is complete, the cell broke down or the sign of the current looks reversed.
        """
        properties = []
        sound = any(cycle.complete for cycle in self.cycles) and not any(
            half.breakdown for cycle in self.cycles for half in cycle.halves
        )
        if sound and not self.reversed_current and self.mass is not None and self.mass_basis == "active material":
            for name, key, kind in (
                ("specific_capacity", "specific_capacity", SPECIFIC_CAPACITY),
                ("average_voltage", "average_voltage", VOLTAGE),
                ("first_cycle_efficiency", "first_cycle_efficiency", FRACTION),
            ):
                value = self.values.get(key)
                if value is None or not np.isfinite(value.value) or (kind is FRACTION and not 0.0 < value.value <= 1.0):
                    continue
                properties.append(Property(name, {"value": text(float(f"{value.value:.6g}"), kind)}, value.uncertainty))
        return properties

    def data(self) -> dict[str, Series]:
        """Voltage over capacity of the drawn cycles, and differential capacity."""
        drawn = {curve.cycle for curve in self.differential} or {cycle.number for cycle in self.cycles[:3]}
        curves: dict[str, list[Any]] = {"cycle": [], "half_cycle": [], "capacity": [], "voltage": []}
        for cycle in self.cycles:
            for half in cycle.halves if cycle.number in drawn else ():
                at = thinned(len(half.capacity))
                curves["cycle"] += [cycle.number] * len(at)
                curves["half_cycle"] += [half.kind] * len(at)
                curves["capacity"] += half.capacity[at].tolist()
                curves["voltage"] += half.voltage[at].tolist()
        density: dict[str, list[Any]] = {"cycle": [], "half_cycle": [], "voltage": [], "differential_capacity": []}
        for curve in self.differential:
            density["cycle"] += [curve.cycle] * len(curve.voltage)
            density["half_cycle"] += [curve.kind] * len(curve.voltage)
            density["voltage"] += curve.voltage.tolist()
            density["differential_capacity"] += curve.density.tolist()
        return {
            "curves": Series("Voltage over capacity", curves, {"capacity": MAH, "voltage": V}),
            "differential-capacity": Series(
                "Differential capacity", density, {"voltage": V, "differential_capacity": MAH_V}
            ),
        }


def analyse(
    record: Record,
    *,
    mass: float | None = None,
    area: float | None = None,
    cell_mass: float | None = None,
    mass_basis: str = "active material",
) -> Cycling:
    r"""Charge and discharge capacities, efficiencies, mean voltages, differential capacity and loss per cycle.

    .. math::
        Q = \int |I| dt, \qquad E = \int V dQ, \qquad \bar V = E/Q, \qquad
        \eta_Q = Q_2/Q_1, \qquad \eta_E = E_{discharge}/E_{charge}

    Half cycles are found from the sign of the current; the instrument's own numbers of cycles are taken where they fit
    that. The efficiency of a cycle is the charge of its second half cycle over that of the first: discharge over
    charge of a cell that begins with a charge. Its intervals are of what the points leave open (intervals in
    which the current was switched, steps of the current, the instrument's own counter where it differs), not of the
    calibration of the current, nor of mass and area.

    Parameters
    ----------
    record : Record
        Time, voltage and current; positive current charges.
    mass : float, optional
        Of `mass_basis`, kg; default: what the record says.
    area : float, optional
        Of the electrode, m2; default: what the record says.
    cell_mass : float, optional
        Of the whole cell, kg: for the specific energy of the cell.
    mass_basis : str
        What `mass` is of. Only that of the active material gives material properties.

    Returns
    -------
    Cycling
        Values are of the first complete cycle unless they say otherwise.

    Raises
    ------
    MeasurementError
        Another technique, a missing column, no current, time that goes back, a mass or area that is not above 0.
    """
    record = record.with_sample(mass=mass, area=area)
    if cell_mass is not None and not (np.isfinite(cell_mass) and cell_mass > 0.0):
        msg = f"cell mass: {text(cell_mass, MASS)} is not above 0; write for example {MASS.example}"
        raise MeasurementError(msg, source=record.source)
    trace = signal(record, "cycling")
    halves, blips = cut(record, trace)
    if not halves:
        msg = "has no charge or discharge: current flows at single points only. Use a file with all of its points"
        raise MeasurementError(msg, source=record.source)
    warnings = list(trace.warnings)
    cycles = pair_cycles(halves, warnings)
    reference = next((cycle for cycle in cycles if cycle.complete), cycles[0])
    differential = differentials(cycles)
    values, fade = _values(cycles, reference, record, cell_mass, mass_basis, warnings)
    window = {
        "cycles": len(cycles),
        "complete": sum(cycle.complete for cycle in cycles),
        "rest_below_mA": float(f"{MA.of(trace.resting):.4g}"),
        "short_pulses_left_out": blips,
        "lowest_V": round(min(float(half.voltage.min()) for half in halves), 4),
        "highest_V": round(max(float(half.voltage.max()) for half in halves), 4),
    }
    if differential:
        step = float(np.median(np.diff(differential[0].voltage)))
        window["differential_capacity_step_mV"] = round(float(MV.of(step)), 2)
    turned = reversed_current_reason(cycles, halves)
    if turned:
        warnings.append(
            f"the sign of the current looks reversed: {turned}. Positive current has to charge the cell; turn it with "
            '--column "Current / A=-NAME". No material property is saved'
        )
    doubts(cycles, halves, record, warnings)
    return Cycling(
        records=(record,),
        values=values,
        model="charge by integrating the current over time; half cycles by its sign",
        window=window,
        warnings=tuple(dict.fromkeys(warnings)),
        series={"cycles": _table(cycles, record, cell_mass), "peaks": peak_table(differential)},
        cycles=tuple(cycles),
        differential=tuple(differential),
        mass=record.mass,
        area=record.area,
        cell_mass=cell_mass,
        mass_basis=mass_basis,
        fade=fade,
        reversed_current=bool(turned),
    )


def _around(value: float, relative: float, label: str, unit: Unit) -> Fitted:
    half = abs(value) * relative
    return Fitted(label, value, value - half, value + half, unit)


def _values(
    cycles: list[Cycle],
    reference: Cycle,
    record: Record,
    cell_mass: float | None,
    mass_basis: str,
    warnings: list[str],
) -> tuple[dict[str, Fitted], tuple[Floats, Floats, Floats] | None]:
    values: dict[str, Fitted] = {}
    where = "first" if reference.number == cycles[0].number else f"cycle {reference.number}"
    discharge, charge = reference.of("discharge"), reference.of("charge")
    main = discharge or charge
    assert main is not None
    spread = relative_uncertainty(main)
    if record.mass is not None:
        label = f"Specific {main.kind} capacity ({where}, per {mass_basis})"
        values["specific_capacity" if discharge else "specific_charge_capacity"] = _around(
            main.charge / record.mass, spread, label, MAH_G
        )
    for half in (discharge, charge):
        if half is not None:
            label = f"{half.kind.capitalize()} capacity ({where})"
            values[f"{half.kind}_capacity"] = _around(half.charge, relative_uncertainty(half), label, MAH)
    if record.area is not None:
        values["areal_capacity"] = _around(
            main.charge / record.area, spread, f"Areal {main.kind} capacity ({where})", MAH_CM2
        )
    for half in (discharge, charge):
        if half is not None:
            name = "average_voltage" if half is discharge else "average_charge_voltage"
            values[name] = _mean_voltage(half, f"Average {half.kind} voltage ({where})")
    if reference.complete and reference is cycles[0]:
        both = joint_uncertainty(*reference.halves)
        values["first_cycle_efficiency"] = _around(reference.efficiency, both, "First-cycle efficiency", PERCENT)
    values["energy_efficiency"] = _around(
        reference.energy_efficiency,
        joint_uncertainty(*reference.halves) if reference.complete else NAN,
        f"Energy efficiency ({where})",
        PERCENT,
    )
    if not reference.complete:
        del values["energy_efficiency"]
    if discharge is not None:
        values["discharge_energy"] = _around(discharge.energy, spread, f"Discharge energy ({where})", MWH)
        for mass, name, basis in (
            (record.mass, "specific_energy", mass_basis),
            (cell_mass, "specific_energy_of_cell", "cell"),
        ):
            if mass is not None:
                values[name] = _around(
                    discharge.energy / mass, spread, f"Specific energy ({where}, per {basis})", WH_KG
                )
    later = np.array([cycle.efficiency for cycle in cycles if cycle.complete and cycle is not cycles[0]])
    if len(later):
        deviation = float(np.std(later, ddof=1) / np.sqrt(len(later))) if len(later) > 1 else NAN
        values["coulombic_efficiency"] = interval(
            float(later.mean()), deviation, "Coulombic efficiency, mean after the first cycle", PERCENT, len(later) - 1
        )
    fade = _fade(cycles, values, warnings)
    return values, fade


def _mean_voltage(half: HalfCycle, label: str) -> Fitted:
    """Energy over charge; the interval is of the steps of voltage between points."""
    step = 0.5 * abs(float(np.sum(np.diff(half.voltage) * np.diff(half.capacity)))) / half.charge
    return Fitted(label, half.mean_voltage, half.mean_voltage - step, half.mean_voltage + step, V)


def _fade(cycles: list[Cycle], values: dict[str, Fitted], warnings: list[str]) -> tuple[Floats, Floats, Floats] | None:
    """Retention, and the line through the discharge capacities of one rate after the first cycle."""
    complete = [
        (cycle.number, half) for cycle in cycles if cycle.complete and (half := cycle.of("discharge")) is not None
    ]
    if len(complete) >= 4:
        complete = complete[1:]
    if len(complete) < 2:
        return None
    rates = np.array([abs(half.current) for _, half in complete])
    usual = _usual(rates)
    same = np.abs(rates / usual - 1.0) <= SAME_RATE
    if not same.all():
        warnings.append(
            f"cycles have different currents: retention and loss per cycle are of the {int(same.sum())} at about "
            f"{MA.of(usual):.4g} mA"
        )
    number = np.array([at for at, _ in complete], float)[same]
    capacity = np.array([half.charge for _, half in complete])[same]
    if len(number) < 2:
        return None
    first, last = int(number[0]), int(number[-1])
    ends = [half for (at, half), kept in zip(complete, same, strict=True) if kept and at in (first, last)]
    values["retention"] = _around(
        float(capacity[-1] / capacity[0]),
        joint_uncertainty(ends[0], ends[-1]),
        f"Discharge capacity of cycle {last} over that of cycle {first}",
        PERCENT,
    )
    if len(number) < 3:
        return None
    fit = line(number, capacity)
    values["loss_per_cycle"] = fit.fitted(
        lambda p: -p[1] / (p[0] + p[1] * first), f"Loss per cycle, of the fitted capacity of cycle {first}", PERCENT
    )
    fitted = fit.values[0] + fit.values[1] * number
    _bend(number, capacity, fit.sum_of_squares, warnings)
    return number, capacity, fitted


def _usual(rates: Floats) -> float:
    """The current that most cycles are near."""
    near = [int(np.sum(np.abs(rates / rate - 1.0) <= SAME_RATE)) for rate in rates]
    return float(rates[int(np.argmax(near))])


def _bend(number: Floats, capacity: Floats, squares: float, warnings: list[str]) -> None:
    """Warn where the loss slows down or speeds up: a parabola that leaves half the scatter of the line."""
    if len(number) < 8:
        return
    x = (number - number.mean()) / np.ptp(number)
    bent = np.polynomial.Polynomial.fit(x, capacity, 2)
    left = float(np.sum((capacity - bent(x)) ** 2))
    if left < 0.5 * squares:
        slopes = bent.deriv()(x[[0, -1]])
        what = "speeds up" if slopes[1] < slopes[0] else "slows down"
        warnings.append(
            f"the loss of capacity {what} over the cycles: the loss per cycle is a mean, and does not predict the "
            "lifetime"
        )


def _table(cycles: list[Cycle], record: Record, cell_mass: float | None) -> Series:
    def of(kind: str, name: str) -> list[float]:
        return [NAN if (half := cycle.of(kind)) is None else float(getattr(half, name)) for cycle in cycles]

    charge, discharge, energy = of("charge", "charge"), of("discharge", "charge"), of("discharge", "energy")
    capacities: list[tuple[str, list[Any], Unit | None]] = [
        ("charge_capacity", charge, MAH), ("discharge_capacity", discharge, MAH)
    ]  # fmt: skip
    specific: list[tuple[str, list[Any], Unit | None]] = []
    if record.mass is not None:
        specific = [
            (f"specific_{name}", [value / record.mass for value in values], MAH_G) for name, values, _ in capacities
        ]
    # a table on a page shows its first columns
    columns: list[tuple[str, list[Any], Unit | None]] = [
        ("cycle", [cycle.number for cycle in cycles], None),
        *(specific or capacities),
        ("coulombic_efficiency", [cycle.efficiency for cycle in cycles], PERCENT),
        ("energy_efficiency", [cycle.energy_efficiency for cycle in cycles], PERCENT),
        ("discharge_voltage", of("discharge", "mean_voltage"), V),
        ("charge_voltage", of("charge", "mean_voltage"), V),
        ("discharge_energy", energy, MWH),
        *(capacities if specific else []),
    ]
    if record.area is not None:
        columns.append(("areal_capacity", [value / record.area for value in discharge], MAH_CM2))
    for mass, name in ((record.mass, "specific_energy"), (cell_mass, "specific_energy_of_cell")):
        if mass is not None:
            columns.append((name, [value / mass for value in energy], WH_KG))
    columns += [
        ("charge_current", of("charge", "current"), MA),
        ("discharge_current", of("discharge", "current"), MA),
        ("charge_time", of("charge", "duration"), HOUR),
        ("discharge_time", of("discharge", "duration"), HOUR),
        ("complete", [cycle.complete for cycle in cycles], None),
    ]
    kept = [cycle for cycle in columns if cycle[2] is None or bool(np.isfinite(cycle[1]).any())]
    return Series(
        "Cycles",
        {name: values for name, values, _ in kept},
        {name: unit for name, _, unit in kept if unit is not None},
    )
