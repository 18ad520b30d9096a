"""From the columns of a file to a record: labels, SI units, and the checks that all formats share."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ...errors import MeasurementError
from ..records import (
    CHAMBER,
    CHARGING_CAPACITY,
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    FREQUENCY,
    IMAGINARY,
    REAL,
    SPECTRUM,
    STEP,
    TIME,
    VOLTAGE,
    Record,
)
from .names import AREAL, MODULUS, PHASE, SHORT, STATE, STEP_TIME, Source, assign
from .raw import Columns, Floats, Raw, no_known_column, no_points
from .soundness import in_order, sound, unique

ORDER = (
    TIME, VOLTAGE, CURRENT, FREQUENCY, REAL, IMAGINARY, SPECTRUM, CYCLE, STEP, CHAMBER, CHARGING_CAPACITY,
    DISCHARGING_CAPACITY,
)  # fmt: skip
MINUS = 0.8
"""Share of points with a positive imaginary part above which a warning asks about the sign."""
TOLD = 3
"""Fewest points at which the capacities determine the sign of the current."""
AGAINST = 0.95
"""Share of them above which the current has the opposite sign."""
STEADY = 2.0
"""K: a temperature column that varies by less gives the temperature of the measurement."""


def finish(raw: Raw, columns: Mapping[str, str] | None, sha: str) -> Record:
    """Make the record.

    Raises
    ------
    MeasurementError
        No column is known, no row remains, columns of the same quantity disagree, or time runs backwards.
    """
    names = list(raw.columns)
    if not names or not len(raw.columns[names[0]]):
        raise no_points(raw.source)
    chosen = assign(names, columns, source=raw.source, units=raw.units)
    table = _labelled(raw, chosen)
    _complete(raw, chosen, table)
    if raw.keep:
        used = {column.name for label, column in chosen.items() if label in table}
        table |= {name: values for name, values in raw.columns.items() if name not in used and name not in table}
    if not any(label in table for label in (VOLTAGE, CURRENT, REAL, TIME, FREQUENCY)):
        raise no_known_column(names, raw.source)
    own = not {REAL, IMAGINARY} & {SHORT.get(name.casefold().strip(), name) for name in columns or {}}
    ordered = {**{label: table[label] for label in ORDER if label in table}, **table}
    table = sound(raw, ordered, chosen if own else {})
    table = unique(raw, table)
    in_order(raw, table)
    _remarks(raw, table, chosen)
    name = raw.technique or ("impedance" if {REAL, IMAGINARY, FREQUENCY} <= set(table) else "")
    return Record(
        pd.DataFrame(table, copy=False),
        source=raw.source,
        technique=name,
        instrument=raw.instrument,
        area=raw.area,
        thickness=raw.thickness,
        mass=raw.mass,
        temperature=raw.temperature,
        sha256=sha,
        warnings=tuple(dict.fromkeys(raw.warnings)),
    )


def _labelled(raw: Raw, chosen: Mapping[str, Source]) -> Columns:
    table: Columns = {}
    for label, column in chosen.items():
        values = raw.columns[column.name]
        if label not in ORDER or values.dtype == object:
            continue
        if label == CHAMBER and column.unit.casefold() in ("k", "kelvin"):
            table[label] = values - 273.15
        elif label == STEP:
            back = bool(np.any(values[1:] < values[:-1]))
            table[label] = 1.0 + np.concatenate([[0.0], np.cumsum(values[1:] != values[:-1])]) if back else values
        else:
            table[label] = values if column.factor == 1.0 else values * column.factor
    areal = [label for label in (REAL, IMAGINARY) if label in chosen and chosen[label].unit in AREAL]
    if areal:
        if len(areal) != 2:
            msg = f"{areal[0]} is in ohm cm2 and the other part is not; give both in the same unit"
            raise MeasurementError(msg, source=raw.source)
        raw.area = 1e-4
        raw.warnings.append("impedance is in ohm cm2: resistance and area refer to 1 cm2")
    return table


def _complete(raw: Raw, chosen: Mapping[str, Source], table: Columns) -> None:
    """Derive columns: real and imaginary part from modulus and phase, time from step times, signs from states."""
    if MODULUS in chosen and PHASE in chosen and FREQUENCY in table:
        modulus = raw.columns[chosen[MODULUS].name] * chosen[MODULUS].factor
        angle = np.deg2rad(raw.columns[chosen[PHASE].name] * chosen[PHASE].factor)
        if REAL not in table and IMAGINARY not in table:
            table[REAL], table[IMAGINARY] = modulus * np.cos(angle), modulus * np.sin(angle)
    if STEP_TIME in chosen and TIME not in table:
        table[TIME] = _added_up(raw, raw.columns[chosen[STEP_TIME].name] * chosen[STEP_TIME].factor)
    elif TIME in table and STEP in table and chosen[TIME].name.split("(")[0].strip().casefold() == "time":
        time, step = table[TIME], np.diff(table[STEP])
        back = np.diff(time) < 0.0
        if back.any() and bool(np.all(step[back] != 0.0)):
            table[TIME] = _added_up(raw, time)
    if STATE in chosen and CURRENT in table:
        state = pd.Series(raw.columns[chosen[STATE].name]).astype(str).str.strip().str.casefold()
        discharge = state.str.fullmatch(r"d|.*d(is)?ch.*").to_numpy(bool)
        current = np.asarray(table[CURRENT], float)
        if discharge.any() and not bool(np.any(current < 0.0)):
            table[CURRENT] = np.where(discharge, -current, current)
            raw.warnings.append("current has no sign in the file; it is taken as negative where the state is discharge")
    _direction(raw, table)


def _direction(raw: Raw, table: Columns) -> None:
    """Reverse a current that is positive in discharge according to the capacities."""
    if not {CURRENT, CHARGING_CAPACITY, DISCHARGING_CAPACITY} <= set(table):
        return
    current = np.asarray(table[CURRENT], float)[1:]
    with np.errstate(invalid="ignore"):
        flows = np.abs(current) > 0.01 * np.nanmax(np.abs(current), initial=0.0)
        up, down = (np.diff(table[label]) > 0.0 for label in (CHARGING_CAPACITY, DISCHARGING_CAPACITY))
        clear = flows & (up != down)
        against = int(np.count_nonzero(clear & (up == (current < 0.0))))
    count = int(np.count_nonzero(clear))
    if count >= TOLD and against > AGAINST * count:
        table[CURRENT] = -np.asarray(table[CURRENT], float)
        raw.warnings.append(
            "current is positive in the file where the discharging capacity rises; its sign was reversed, so that "
            "it is positive in charge"
        )
    elif against >= TOLD and not bool(np.any(current < 0.0)):
        raw.warnings.append(
            "current has no sign in the file, although the discharging capacity rises; export a column of states "
            "(discharge) or a signed current"
        )


def _added_up(raw: Raw, time: Floats) -> Floats:
    step = np.diff(time)
    raw.warnings.append("time restarts in each step; the steps were added up")
    back = step < 0.0
    # a step starts with the interval before its first point
    return np.concatenate([time[:1], time[0] + np.cumsum(np.where(back, time[1:], step))])


def _remarks(raw: Raw, table: Columns, chosen: Mapping[str, Source]) -> None:
    """Number spectra by cycle, take a steady temperature, and warn about a sign that is probably reversed."""
    if {REAL, IMAGINARY, FREQUENCY} <= set(table):
        if SPECTRUM not in table and CYCLE in table and np.ptp(table[CYCLE]) > 0.0:
            table[SPECTRUM] = table[CYCLE]
        above = table[IMAGINARY][table[FREQUENCY] > 0.0] > 0.0
        if IMAGINARY in chosen and chosen[IMAGINARY].factor > 0.0 and above.sum() > MINUS * len(above):
            name = chosen[IMAGINARY].name
            raw.warnings.append(
                f'the imaginary part is above 0 at most points, as if inductive; if "{name}" contains -Im, reverse it '
                f'with --column "imaginary impedance=-{name}"'
            )
    if raw.temperature is None and CHAMBER in table and np.any(table[CHAMBER] != 0.0):
        low, high = np.nanmin(table[CHAMBER]), np.nanmax(table[CHAMBER])
        if high - low < STEADY:
            raw.temperature = round(float(np.nanmean(table[CHAMBER])) + 273.15, 6)
