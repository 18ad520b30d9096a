"""Checks of the rows: impossible values, contradictions, repetitions, and time that runs backwards."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import MeasurementError
from ..records import (
    CHAMBER,
    CURRENT,
    FREQUENCY,
    IMAGINARY,
    REAL,
    TIME,
    VOLTAGE,
)
from .names import MODULUS, PHASE, Source
from .raw import Columns, Raw

LIMITS = {TIME: 1e11, VOLTAGE: 1e3, CURRENT: 1e4, FREQUENCY: 1e12, REAL: 1e15, IMAGINARY: 1e15, CHAMBER: 2e3}
"""No cell exceeds these; a larger number is damage."""
AGREEMENT = 2e-3
"""Relative difference between two records of the same quantity above which one is wrong: files round to 4 digits."""
MOST = 0.1
"""Share of rows that may be wrong before the file is refused."""
BACK = 0.3
"""Share of intervals in which time may run backwards before it cannot be the time."""


def sound(raw: Raw, table: Columns, chosen: Mapping[str, Source]) -> Columns:
    """Leave out impossible rows: not finite, beyond the limits of any cell, or inconsistent with |Z| and phase."""
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
                f'{_rows(int(wrong.sum()))} left out because "{label}" is not a possible value '
                f"({values[row]:.4g}, {raw.at(row)})"
            )
        bad |= wrong
        if absent.all():
            del table[label]
    bad |= _inconsistent(raw, table, chosen)
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


def _kept(raw: Raw, table: Columns, rows: NDArray[np.bool_]) -> Columns:
    if raw.lines is not None:
        raw.lines = raw.lines[rows]
    return {name: values[rows] for name, values in table.items()}


def _rows(count: int) -> str:
    return f"{count} row{'s' if count > 1 else ''}"


def _inconsistent(raw: Raw, table: Columns, chosen: Mapping[str, Source]) -> NDArray[np.bool_]:
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
            stated = raw.columns[chosen[label].name] * chosen[label].factor
            if label == MODULUS:
                off = ~(np.abs(stated - size) <= AGREEMENT * size)
            else:
                turn = np.angle(np.exp(1j * np.deg2rad(stated)) * (real - 1j * imaginary) / size)
                off = ~(np.abs(turn) <= np.deg2rad(0.2))
            off &= spectrum & (size > 0.0)
            if off.any():
                row = int(np.flatnonzero(off)[0])
                what = "modulus" if label == MODULUS else "phase"
                raw.warnings.append(
                    f"{_rows(int(off.sum()))} left out because the {what} does not match real and imaginary part "
                    f"({raw.at(row)}: {chosen[label].name} {stated[row]:.6g}, parts {real[row]:.6g} and "
                    f"{imaginary[row]:.6g})"
                )
            bad |= off
    return bad


def unique(raw: Raw, table: Columns) -> Columns:
    """Leave out rows that repeat an earlier one."""
    key = TIME if TIME in table else FREQUENCY if FREQUENCY in table else None
    if key is None or (key == TIME and bool((table[key][1:] > table[key][:-1]).all())):
        return table
    again = pd.DataFrame(table, copy=False).duplicated().to_numpy()
    if not again.any():
        return table
    row = int(np.flatnonzero(again)[0])
    raw.warnings.append(f"{_rows(int(again.sum()))} left out that repeat an earlier row (first {raw.at(row)})")
    return _kept(raw, table, ~again)


def in_order(raw: Raw, table: Columns) -> None:
    """Refuse time that often runs backwards; warn where it does so rarely."""
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
            f"time runs backwards at {back.size} of {len(time)} points, {where}; this cannot be the time of a "
            'measurement. Name the right column, as in --column "time=Total Time"'
        )
        raise MeasurementError(msg, source=raw.source)
    raw.warnings.append(f"time runs backwards at {back.size} point{'s' if back.size > 1 else ''}, {where}")
