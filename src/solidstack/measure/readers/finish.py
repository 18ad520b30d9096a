"""Columns as the file has them to a record: labels, SI units, and the checks that every format shares."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
from .names import AREAL, MODULUS, PHASE, SHORT, STATE, STEP_TIME, Source, assign, factor, known_unit, split

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]
"""Numbers, or text as objects, by name."""

ORDER = (
    TIME, VOLTAGE, CURRENT, FREQUENCY, REAL, IMAGINARY, SPECTRUM, CYCLE, STEP, CHAMBER, CHARGING_CAPACITY,
    DISCHARGING_CAPACITY,
)  # fmt: skip
LIMITS = {TIME: 1e11, VOLTAGE: 1e3, CURRENT: 1e4, FREQUENCY: 1e12, REAL: 1e15, IMAGINARY: 1e15, CHAMBER: 2e3}
"""Beyond these no cell is; such a number is damage."""
AGREEMENT = 2e-3
"""Relative difference between numbers that say the same, above which one of them is wrong: files round to 4 digits."""
MOST = 0.1
"""Share of rows that may be wrong before the file is refused."""
BACK = 0.3
"""Share of steps that time may go back before it is no time."""

MINUS = 0.8
"""Share of a spectrum's points with a positive imaginary part above which a warning asks for the sign."""
TOLD = 3
"""Points of which the capacities must tell the sign of the current."""
AGAINST = 0.95
"""Share of them above which the current has the other sign."""
STEADY = 2.0
"""K: a column of temperatures that stays within it is the temperature of the measurement."""

TECHNIQUES = (
    (r"impedance|\bp?g?eis\b|eispot|eisgalv|eismon|hybrideis", "impedance"),
    (r"cyclic volta|\bcva?\b|multi.?cv", "cyclic-voltammetry"),
    (r"linear sweep|\blsv\b|linear polarization", "linear-sweep"),
    (r"galvanostatic cycling|modulo bat|\bgcpl|pwrcharge|pwrdischarge|pwr800|battery capacity", "cycling"),
    (r"chronoampero|\bca\b|chronoa", "chronoamperometry"),
    (r"chronopotentio|\bcp\b|chronop", "chronopotentiometry"),
    (r"open circuit|\bocv\b|corpot", "open-circuit"),
)


@dataclass
class Raw:
    """What a reader found: columns under the names of the file, and what it says of the sample (SI).

    `lines` are the rows' lines in the file, and `units` a line of units, where there are such.
    """

    columns: Columns
    source: str
    technique: str = ""
    instrument: str = ""
    area: float | None = None
    thickness: float | None = None
    mass: float | None = None
    temperature: float | None = None
    warnings: list[str] = field(default_factory=list)
    lines: NDArray[np.int64] | None = None
    units: list[str] = field(default_factory=list)
    keep: bool = True

    def remarks(self, text: str) -> None:
        """Take the temperature that remarks state, and say so: they may mean another step than the measurement."""
        self.temperature = temperature_in(text)
        if self.temperature is not None:
            self.warnings.append(
                f"temperature {self.temperature - 273.15:.4g} °C is taken from the remarks in the file"
            )

    def at(self, row: int) -> str:
        """Where a row is, in words."""
        return f"line {int(self.lines[row])}" if self.lines is not None else f"point {row + 1}"


def technique(text: str) -> str:
    """The technique that a program's name of it means.

    Examples
    --------
    >>> technique("Galvano Electrochemical Impedance Spectroscopy"), technique("CHRONOA"), technique("Wait")
    ('impedance', 'chronoamperometry', '')
    """
    return next((name for pattern, name in TECHNIQUES if re.search(pattern, text.casefold())), "")


def temperature_in(text: str) -> float | None:
    """The temperature that a remark states, K; None unless it is one.

    Examples
    --------
    >>> temperature_in("cell 4, 25 °C"), temperature_in("dried at 80 °C, measured at 25 °C")
    (298.15, None)
    """
    found = set(re.findall(r"(-?\d+(?:[.,]\d+)?)\s*(?:°|º|deg\.?\s?)\s*C\b", text))
    if len(found) != 1:
        return None
    kelvin = float(found.pop().replace(",", ".")) + 273.15
    return round(kelvin, 6) if 100.0 < kelvin < 2000.0 else None


def no_points(source: str) -> MeasurementError:
    """A table without a row."""
    msg = "has no measured points in it; export it again from the instrument's program"
    return MeasurementError(msg, source=source)


def no_known_column(names: Sequence[str], source: str) -> MeasurementError:
    """A table whose columns are none of those that a measurement has."""
    there = ", ".join(f'"{name}"' for name in names[:20])
    msg = (
        f'has no column that is known; it has {there}. Name its columns, as in --column "Voltage / V=Ewe" '
        'or --column "Real Impedance / ohm=R"'
    )
    return MeasurementError(msg, source=source)


def finish(raw: Raw, columns: Mapping[str, str] | None, sha: str) -> Record:
    """Make the record.

    Raises
    ------
    MeasurementError
        No column is known, no row is left, two columns that say the same do not agree, or time runs back.
    """
    names = list(raw.columns)
    if not names or not len(raw.columns[names[0]]):
        raise no_points(raw.source)
    chosen = assign(names, columns, source=raw.source, units=raw.units)
    table = _labelled(raw, chosen)
    _complete(raw, chosen, table)
    if raw.keep:
        used = {one.name for label, one in chosen.items() if label in table}
        table |= {name: values for name, values in raw.columns.items() if name not in used and name not in table}
    if not any(label in table for label in (VOLTAGE, CURRENT, REAL, TIME, FREQUENCY)):
        raise no_known_column(names, raw.source)
    own = not {REAL, IMAGINARY} & {SHORT.get(name.casefold().strip(), name) for name in columns or {}}
    ordered = {**{label: table[label] for label in ORDER if label in table}, **table}
    table = _sound(raw, ordered, chosen if own else {})
    table = _unique(raw, table)
    _in_order(raw, table)
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
    for label, one in chosen.items():
        values = raw.columns[one.name]
        if label not in ORDER or values.dtype == object:
            continue
        if label == CHAMBER and one.unit.casefold() in ("k", "kelvin"):
            table[label] = values - 273.15
        elif label == STEP:
            back = bool(np.any(values[1:] < values[:-1]))
            table[label] = 1.0 + np.concatenate([[0.0], np.cumsum(values[1:] != values[:-1])]) if back else values
        else:
            table[label] = values if one.factor == 1.0 else values * one.factor
    areal = [label for label in (REAL, IMAGINARY) if label in chosen and chosen[label].unit in AREAL]
    if areal:
        if len(areal) != 2:
            msg = f"{areal[0]} is in ohm cm2 and the other part is not; give both in one unit"
            raise MeasurementError(msg, source=raw.source)
        raw.area = 1e-4
        raw.warnings.append("impedance is in ohm cm2: resistance and area are those of 1 cm2")
    return table


def _complete(raw: Raw, chosen: Mapping[str, Source], table: Columns) -> None:
    """Make what the file has otherwise: parts from modulus and phase, time from step times, signs from states."""
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
    """Turn a current that is positive in discharge, told by the capacities beside it."""
    if not {CURRENT, CHARGING_CAPACITY, DISCHARGING_CAPACITY} <= set(table):
        return
    current = np.asarray(table[CURRENT], float)[1:]
    with np.errstate(invalid="ignore"):
        flows = np.abs(current) > 0.01 * np.nanmax(np.abs(current), initial=0.0)
        up, down = (np.diff(table[label]) > 0.0 for label in (CHARGING_CAPACITY, DISCHARGING_CAPACITY))
        told = flows & (up != down)
        against = int(np.count_nonzero(told & (up == (current < 0.0))))
    count = int(np.count_nonzero(told))
    if count >= TOLD and against > AGAINST * count:
        table[CURRENT] = -np.asarray(table[CURRENT], float)
        raw.warnings.append(
            "current is positive in the file where the discharging capacity rises; its sign is turned, so that it is "
            "positive in charge"
        )
    elif against >= TOLD and not bool(np.any(current < 0.0)):
        raw.warnings.append(
            "current has no sign in the file, though the discharging capacity rises in it; give a column of states "
            "(discharge) or of signed current"
        )


def _added_up(raw: Raw, time: Floats) -> Floats:
    step = np.diff(time)
    raw.warnings.append("time counts from the beginning of each step; the steps are added up")
    back = step < 0.0
    # a step begins with its first interval: what its first point says
    return np.concatenate([time[:1], time[0] + np.cumsum(np.where(back, time[1:], step))])


def _sound(raw: Raw, table: Columns, chosen: Mapping[str, Source]) -> Columns:
    """Leave out rows that cannot be: not finite, beyond all cells, or at odds with |Z| and phase."""
    count = len(next(iter(table.values())))
    bad = np.zeros(count, bool)
    for label, limit in LIMITS.items():
        if label not in table:
            continue
        values, absent = table[label], np.isnan(table[label])
        wrong = ~(np.abs(values) <= limit) & ~absent
        if label == TIME:
            wrong |= absent
        if label == FREQUENCY:
            wrong |= values < 0.0
            wrong |= absent & ~np.isnan(table[REAL]) if REAL in table else absent
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raw.warnings.append(
                f'{_rows(int(wrong.sum()))} left out where "{label}" is not a number that can be '
                f"({values[row]:.4g}, {raw.at(row)})"
            )
        bad |= wrong
        if absent.all():
            del table[label]
    bad |= _at_odds(raw, table, chosen)
    if not bad.any():
        return table
    if bad.sum() > max(2, MOST * count) or bad.all():
        row = int(np.flatnonzero(bad)[0])
        msg = (
            f"{int(bad.sum())} of {count} points are damaged or the columns are shifted, the first at {raw.at(row)}: "
            f'{raw.warnings[-1]}. Export the file again, or name the unit of the column, as in --column "voltage=E/mV"'
        )
        raise MeasurementError(msg, source=raw.source)
    return _kept(raw, table, ~bad)


def _remarks(raw: Raw, table: Columns, chosen: Mapping[str, Source]) -> None:
    """Spectra by their cycle, the temperature where its column is steady, and a sign that is probably the other."""
    if {REAL, IMAGINARY, FREQUENCY} <= set(table):
        if SPECTRUM not in table and CYCLE in table and np.ptp(table[CYCLE]) > 0.0:
            table[SPECTRUM] = table[CYCLE]
        above = table[IMAGINARY][table[FREQUENCY] > 0.0] > 0.0
        if IMAGINARY in chosen and chosen[IMAGINARY].factor > 0.0 and above.sum() > MINUS * len(above):
            name = chosen[IMAGINARY].name
            raw.warnings.append(
                f'the imaginary part is above 0 at most points, as if inductive; if "{name}" holds -Im, say so with '
                f'--column "imaginary impedance=-{name}"'
            )
    if raw.temperature is None and CHAMBER in table and np.any(table[CHAMBER] != 0.0):
        low, high = np.nanmin(table[CHAMBER]), np.nanmax(table[CHAMBER])
        if high - low < STEADY:
            raw.temperature = round(float(np.nanmean(table[CHAMBER])) + 273.15, 6)


def _kept(raw: Raw, table: Columns, rows: NDArray[np.bool_]) -> Columns:
    if raw.lines is not None:
        raw.lines = raw.lines[rows]
    return {name: values[rows] for name, values in table.items()}


def _rows(count: int) -> str:
    return f"{count} row{'s' if count > 1 else ''}"


def _at_odds(raw: Raw, table: Columns, chosen: Mapping[str, Source]) -> NDArray[np.bool_]:
    bad = np.zeros(len(next(iter(table.values()))), bool)
    if not {REAL, IMAGINARY, FREQUENCY} <= set(table):
        return bad
    spectrum = table[FREQUENCY] > 0.0
    real, imaginary = table[REAL], table[IMAGINARY]
    size = np.hypot(real, imaginary)
    with np.errstate(all="ignore"):
        for label in (MODULUS, PHASE):
            if label not in chosen or raw.columns[chosen[label].name].dtype == object:
                continue
            said = raw.columns[chosen[label].name] * chosen[label].factor
            if label == MODULUS:
                off = ~(np.abs(said - size) <= AGREEMENT * size)
            else:
                turn = np.angle(np.exp(1j * np.deg2rad(said)) * (real - 1j * imaginary) / size)
                off = ~(np.abs(turn) <= np.deg2rad(0.2))
            off &= spectrum & (size > 0.0)
            if off.any():
                row = int(np.flatnonzero(off)[0])
                what = "modulus" if label == MODULUS else "phase"
                raw.warnings.append(
                    f"{_rows(int(off.sum()))} left out where the {what} is not that of real and imaginary part "
                    f"({raw.at(row)}: {chosen[label].name} {said[row]:.6g}, parts {real[row]:.6g} and "
                    f"{imaginary[row]:.6g})"
                )
            bad |= off
    return bad


def _unique(raw: Raw, table: Columns) -> Columns:
    key = TIME if TIME in table else FREQUENCY if FREQUENCY in table else None
    if key is None or (key == TIME and bool((table[key][1:] > table[key][:-1]).all())):
        return table
    again = pd.DataFrame(table, copy=False).duplicated().to_numpy()
    if not again.any():
        return table
    row = int(np.flatnonzero(again)[0])
    raw.warnings.append(f"{_rows(int(again.sum()))} left out that an earlier row already is (first {raw.at(row)})")
    return _kept(raw, table, ~again)


def _in_order(raw: Raw, table: Columns) -> None:
    if TIME not in table:
        return
    time = table[TIME]
    back = np.flatnonzero(time[1:] < time[:-1])
    if not back.size:
        return
    row = int(back[0])
    where = f"first from {time[row]:.6g} s to {time[row + 1]:.6g} s ({raw.at(row + 1)})"
    if back.size > max(3, BACK * len(time)):
        msg = (
            f"time goes back at {back.size} of {len(time)} points, {where}; that is no time of a measurement. Name the "
            'right column, as in --column "time=Total Time"'
        )
        raise MeasurementError(msg, source=raw.source)
    raw.warnings.append(f"time goes back at {back.size} point{'s' if back.size > 1 else ''}, {where}")


_VALUE = re.compile(r"\s*([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?)\s*([^\d\s].*)?")
_CLOCK = re.compile(
    r"\s*(-)?(?:(\d+)\s*(?:d|days?)?[\s-]+)?(\d+):(\d{1,2})(?::(\d{1,2}(?:[.,]\d+)?))?\s*"
)  # days hours:minutes:seconds


def clock(text: str) -> float | None:
    """Seconds of ``h:m:s``, with days before it or not; None where it is not that.

    Examples
    --------
    >>> clock("0:00:30.5"), clock("2-01:00:00"), clock("1d 02:00:00"), clock("10:15")
    (30.5, 176400.0, 93600.0, None)
    """
    match = _CLOCK.fullmatch(text)
    if not match or match[5] is None:
        return None
    seconds = 86400.0 * int(match[2] or 0) + 3600.0 * int(match[3]) + 60.0 * int(match[4])
    return (-1.0 if match[1] else 1.0) * (seconds + float(match[5].replace(",", ".")))


def numbers(cells: NDArray[np.object_], label: str | None, name: str, lines: NDArray[np.int64], source: str) -> Floats:
    """Cells of text to numbers: decimal comma, h:m:s, and a unit in the cell where all cells have the same.

    Raises
    ------
    MeasurementError
        Text that is no number, and cells of different units; each names the line.
    """
    values = np.full(len(cells), np.nan)
    units: dict[str, int] = {}
    for row, cell in enumerate(cells):
        if not isinstance(cell, str):
            values[row] = float(cell) if cell is not None else np.nan
            continue
        text = cell.strip().strip('"')
        if text.casefold() in ("", "nan", "na", "n/a", "-", "none", "null"):
            continue
        seconds = clock(text) if label in (TIME, STEP_TIME) else None
        if seconds is not None:
            values[row] = seconds
            continue
        match = _VALUE.fullmatch(text)
        unit = (match[2] or "").strip() if match else ""
        if match is None or (unit and (label is None or known_unit(unit, label) is None)):
            msg = f'line {int(lines[row])}: {name}: "{text[:40]}" is not a number; mend the line or leave it out'
            raise MeasurementError(msg, source=source)
        values[row] = float(match[1].replace(",", "."))
        units.setdefault(unit, row)
    if len(units) > 1:
        (one, first), (other, second) = list(units.items())[:2]
        msg = (
            f'line {int(lines[second])}: {name}: unit "{other or "none"}", but line {int(lines[first])} has '
            f'"{one or "none"}"; write the column in one unit'
        )
        raise MeasurementError(msg, source=source)
    unit = next(iter(units), "")
    if unit and label is not None:
        own = split(name)[1]
        values = values * factor(label, known_unit(unit, label) or "") / factor(label, known_unit(own, label) or "")
    return values
