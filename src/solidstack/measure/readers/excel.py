"""Excel files, through python-calamine."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import MeasurementError
from ..records import Record
from .cells import numbers
from .dates import by_dates, scale, time_from_dates
from .finish import finish
from .header import MOST_REMARKS, Header, columns_to_read, describe, find_header, known_names, refuse_unknown
from .names import assign
from .raw import Raw


def read(path: str, columns: Mapping[str, str] | None, sha: str) -> Record:
    """Read the sheets of an Excel file that contain the points.

    Raises
    ------
    MeasurementError
        python-calamine is not installed, the file is damaged, or no sheet has known columns.
    """
    sheets = _sheets(path)
    tables: list[_Sheet] = []
    for name, rows in sheets.items():
        lines = ["\t".join(_plain(cell) for cell in row) for row in rows[:MOST_REMARKS]]
        with contextlib.suppress(MeasurementError):
            header = find_header(lines, columns, path)
            if header.mark == "\t":
                asked = {column.casefold() for column in (columns or {}).values()}
                tables.append(_Sheet(name, known_names(header.names, header.units, asked), header, rows))
    if not tables:
        msg = (
            f"has no sheet with column names above numbers; it has {', '.join(sheets) or 'no sheets'}. Export the "
            "measured points, not the list of tests"
        )
        raise MeasurementError(msg, source=path)
    header = max(tables, key=lambda sheet: (min(sheet.known, 3), len(sheet.rows))).header
    # Arbin starts a new sheet when one is full
    same = [sheet for sheet in tables if sheet.header.names == header.names]
    raw = _joined(same, header, columns, path)
    if len(same) > 1:
        raw.warnings.append(f"the sheets {', '.join(sheet.name for sheet in same)} were joined in this order")
    time_from_dates(raw, assign(header.names, columns, source=path, units=header.units))
    describe(raw, header)
    return finish(raw, columns, sha)


@dataclass(frozen=True)
class _Sheet:
    """A sheet with a table in it, and how many of its columns are known."""

    name: str
    known: int
    header: Header
    rows: list[list[Any]]


def _sheets(path: str) -> dict[str, list[list[Any]]]:
    """The cells of all sheets by name."""
    try:
        import python_calamine
    except ImportError:
        msg = 'Excel files need an extra: pip install "solidstack[instruments]"; or save the sheet as CSV'
        raise MeasurementError(msg, source=path) from None
    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
        return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except KeyboardInterrupt:
        raise
    except BaseException as reason:  # a damaged file makes the library panic, which is not an Exception
        msg = f"cannot be read as an Excel file ({reason}); open it and save it as .xlsx or CSV"
        raise MeasurementError(msg, source=path) from None


def _joined(same: Sequence[_Sheet], header: Header, columns: Mapping[str, str] | None, path: str) -> Raw:
    """The columns of sheets with the same header, one sheet after the other."""
    chosen = assign(header.names, columns, source=path, units=header.units)
    refuse_unknown(header, chosen, path)
    kept, labels, texts = columns_to_read(header, chosen)
    raw = Raw({}, path, units=[header.units[index] for index in kept] if header.units else [])
    places = np.concatenate([np.arange(sheet.header.line, len(sheet.rows) + 1) for sheet in same])
    rows = [row for sheet in same for row in sheet.rows[sheet.header.line - 1 :]]
    full = np.array([any(cell not in ("", None) for cell in row) for row in rows], bool)
    rows, places = [row for row, some in zip(rows, full, strict=True) if some], places[full]
    for index in kept:
        cells = np.array([_plain(row[index]) if index < len(row) else "" for row in rows], object)
        name = header.names[index]
        raw.columns[name] = cells if index in texts else numbers(cells, labels[index], name, places, path)
    raw.lines = places
    scale(raw, by_dates(header, chosen, ([_plain(cell) for cell in row] for row in rows)))
    return raw


def _plain(cell: Any) -> str:
    """A cell as text; times as h:m:s."""
    if cell is None:
        return ""
    if hasattr(cell, "total_seconds"):
        return f"0:00:{0:02d}" if not cell.total_seconds() else _clock(cell.total_seconds())
    if hasattr(cell, "hour") and not hasattr(cell, "year"):
        return _clock(3600 * cell.hour + 60 * cell.minute + cell.second + 1e-6 * cell.microsecond)
    if isinstance(cell, float):
        return repr(cell)
    return str(cell).replace("\t", " ").replace("\n", " ").strip()


def _clock(seconds: float) -> str:
    hours, rest = divmod(seconds, 3600.0)
    minutes, seconds = divmod(rest, 60.0)
    return f"{int(hours)}:{int(minutes):02d}:{seconds:09.6f}"
