"""Cells of text to numbers."""

import re

import numpy as np
from numpy.typing import NDArray

from ...errors import MeasurementError
from ..records import (
    TIME,
)
from .names import STEP_TIME, factor, known_unit, split
from .raw import Floats

_VALUE = re.compile(r"\s*([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?)\s*([^\d\s].*)?")
_CLOCK = re.compile(
    r"\s*(-)?(?:(\d+)\s*(?:d|days?)?[\s-]+)?(\d+):(\d{1,2})(?::(\d{1,2}(?:[.,]\d+)?))?\s*"
)  # days hours:minutes:seconds


def clock(text: str) -> float | None:
    """Seconds of ``h:m:s``, with or without days; None where it is something else.

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
    """Convert cells of text to numbers: decimal comma, h:m:s, and a unit in the cell if all cells have the same.

    Raises
    ------
    MeasurementError
        Text that is not a number, or cells with different units; the message names the line.
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
            msg = f'line {int(lines[row])}: {name}: "{text[:40]}" is not a number; correct the line or leave it out'
            raise MeasurementError(msg, source=source)
        values[row] = float(match[1].replace(",", "."))
        units.setdefault(unit, row)
    if len(units) > 1:
        (unit, first), (other, second) = list(units.items())[:2]
        msg = (
            f'line {int(lines[second])}: {name}: unit "{other or "none"}", but line {int(lines[first])} has '
            f'"{unit or "none"}"; write the column in a single unit'
        )
        raise MeasurementError(msg, source=source)
    unit = next(iter(units), "")
    if unit and label is not None:
        own = split(name)[1]
        values = values * factor(label, known_unit(unit, label) or "") / factor(label, known_unit(own, label) or "")
    return values
