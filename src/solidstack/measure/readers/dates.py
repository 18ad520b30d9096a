"""Time from dates, and the unit of time deduced from dates."""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..records import TIME
from .header import Header
from .names import DATE, STEP_TIME, Source
from .raw import Raw

DATED = 500
"""Rows from which the unit of time is deduced by their dates."""
SURE = 20.0
"""Seconds by dates, which are whole seconds, above which they determine the unit."""


def by_dates(
    header: Header, chosen: Mapping[str, Source], rows: Iterable[Sequence[str]]
) -> tuple[str, float, str] | None:
    """Column of time without a unit, seconds per unit, and the unit, deduced from the dates in the same rows."""
    column = chosen.get(TIME) or chosen.get(STEP_TIME)
    if column is None or column.unit or DATE not in chosen:
        return None
    time, date = header.names.index(column.name), header.names.index(chosen[DATE].name)
    cells = [(row[time], row[date]) for row in itertools.islice(rows, DATED) if len(row) > max(time, date)]
    values = pd.to_numeric(pd.Series([cell.replace(",", ".") for cell, _ in cells], dtype=object), errors="coerce")
    if values.isna().all() or not re.search(r"\d\D+\d+\D+\d", cells[0][1]):
        return None
    dates = from_dates(np.array([cell for _, cell in cells], object))
    if dates is None:
        return None
    step, seconds = np.diff(values.to_numpy(float)), np.diff(dates)
    good = (step > 0.0) & (seconds >= 0.0)
    if good.any():
        # only the dates include a pause between steps
        good &= seconds <= 3.0 * max(float(np.median(seconds[good] / step[good])), 1.0) * step + 1.0
    if not good.any() or seconds[good].sum() < SURE:
        return None
    ratio = float(seconds[good].sum() / step[good].sum())
    units = [(size, unit) for size, unit in ((60.0, "minutes"), (3600.0, "hours")) if abs(ratio / size - 1.0) < 0.03]
    return (column.name, *units[0]) if units else None


def scale(raw: Raw, dated: tuple[str, float, str] | None) -> None:
    """Convert a column of time whose unit the dates determine."""
    if dated is not None and dated[0] in raw.columns:
        name, size, unit = dated
        raw.columns[name] = raw.columns[name] * size
        raw.warnings.append(f'"{name}" has no unit; according to the dates of the points it is in {unit}')


def time_from_dates(raw: Raw, chosen: Mapping[str, Any]) -> None:
    """Take the time from dates, if the table has no other."""
    if TIME in chosen or DATE not in chosen or chosen[DATE].name not in raw.columns:
        return
    seconds = from_dates(raw.columns.pop(chosen[DATE].name))
    if seconds is not None:
        raw.columns[TIME] = seconds
        raw.warnings.append("time is counted from the dates of the points")


def from_dates(cells: NDArray[Any]) -> NDArray[np.float64] | None:
    """Seconds since the first of some dates, or numbers of seconds; None where they are neither."""
    texts = pd.Series(cells)
    seconds = pd.to_numeric(texts, errors="coerce")
    if seconds.isna().any():
        try:
            stamps = pd.to_datetime(texts, format="mixed", dayfirst=False)
            seconds = (stamps - stamps.iloc[0]).dt.total_seconds()
        except (ValueError, OverflowError, TypeError):
            return None
    if not len(seconds) or seconds.isna().any():
        return None
    return np.asarray(seconds.to_numpy(float) - float(seconds.iloc[0]), np.float64)
