"""Columns of a table of a mechanical test, in SI."""

import os
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import MeasurementError, Problem, UnitError
from ...tables import Table, unit_of
from ...units import (
    HERTZ,
    PERCENT,
    PRESSURE,
    TEMPERATURE,
    Kind,
    Unit,
    parse,
)
from ..records import Record, sha256

Floats = NDArray[np.float64]
HARDEST = 1e13
"""Pa; ten times diamond: larger numbers are in the wrong unit."""
STRAIN = Kind("strain", "", PERCENT, "1 %", ("%",), bare=True)
FORCE = Kind("force", "N", Unit("N", 1.0, "N", "N"), "10 N")
RATE = Kind("frequency", "1/s", HERTZ, "1 Hz")


def named(table: Table, pattern: str, besides: str = r"(?!)") -> int | None:
    """First column whose name matches a pattern and not another."""
    for at, name in enumerate(table.header):
        folded = name.casefold()
        if re.search(pattern, folded) and not re.search(besides, folded):
            return at
    return None


def values_in(table: Table, column: int, kind: Kind) -> Floats:
    """Read a column in SI; its name has to contain the unit."""
    name = table.name(column)
    unit = unit_of(name, kind)
    if not unit:
        whole = re.search(r"[_\s](MPa|GPa|kPa|Pa|N|kN|mN|mm|um|µm|m|%|degC|°C|C|K|Hz|rad/s)\s*$", name)
        unit = whole[1] if whole else ""
    if kind is STRAIN and unit.casefold().replace(" ", "") in ("-", "1", "mm/mm", "m/m", "um/um", "abs", "mmmm-1"):
        unit = "1"
    if kind is TEMPERATURE and unit in ("C", "°C", "ºC", "deg C", "Celsius"):
        unit = "degC"
    if not unit:
        also = ' or "strain (-)"' if kind is STRAIN else ""
        msg = f'column "{name}" has no unit; write for example "{name.strip()} ({kind.shown.symbol})"{also}'
        raise MeasurementError(msg, source=table.source)
    values = np.empty(len(table.rows))
    for at, row in enumerate(table.rows):
        number = table.number(row, column)
        if kind is RATE and unit in ("Hz", "rad/s"):
            values[at] = number / (1.0 if unit == "Hz" else 2.0 * np.pi)
            continue
        try:
            values[at] = parse(f"{number!r} {'' if unit == '1' else unit}".strip(), kind)
        except UnitError as reason:
            raise MeasurementError(Problem(f"{name}: {reason}", line=row[0]), source=table.source) from None
    if kind is PRESSURE:
        refuse_larger(table, column, values, HARDEST, "Pa; check the unit")
    return values


def refuse_larger(table: Table, column: int, values: Floats, most: float, words: str) -> None:
    """Refuse a column with a value that no material has."""
    large = np.flatnonzero(~(np.abs(values) <= most))
    if len(large):
        at = int(large[0])
        msg = f"{table.name(column)}: {values[at]:.4g} is more than {most:g} {words}"
        raise MeasurementError(Problem(msg, line=table.rows[at][0]), source=table.source)


def record_of(path: str | os.PathLike[str], table: Table, columns: dict[str, Any], technique: str) -> Record:
    """A record of the columns that are analysed."""
    import pandas as pd

    return Record(pd.DataFrame(columns), source=table.source, technique=technique, sha256=sha256(path))
