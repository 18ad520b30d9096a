"""Tables of text and Excel: Arbin, Neware, Maccor, Landt, Novonix, PEC, Basytec, Battery Data Format, Zview, others.

Remarks may stand above the header and a line of units or other words below it. The header is the line whose cells are
known names of columns, or else the last line of words before the numbers with as many cells.
"""

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import MeasurementError
from ..records import CURRENT, FREQUENCY, REAL, TIME, VOLTAGE, Record
from . import layered
from .finish import Raw, clock, finish, no_known_column, no_points, numbers, technique
from .lines import Layout, Progress, table
from .names import DATE, MODULUS, STATE, STEP_TIME, Source, assign, known_unit, label_of

HEAD = 200_000
"""Bytes in which the header is looked for."""
MOST_REMARKS = 2000
BELOW = 10
"""Lines below a header in which its first row of numbers is looked for."""
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_MAKERS = (
    (r"test_time.*step_index|data_point.*test_time|data point.*test time", "Arbin"),
    (r"cyc#|rec#|watt-hr|amp-hr|\brec cycle [cp]\b", "Maccor"),
    (r"novonix", "Novonix"),
    (r"basytec", "Basytec"),
    (r"jumpto.*cur\(ma\)", "Landt"),
    (r"rack,shelf,position|rack shelf position", "PEC"),
    (r"chg\. cap|cycle id.*step id|record id|dchg|cycle index.*step type.*datapoint", "Neware"),
    (r"zplot|z'\(a\)", "Zview"),
    (r"we\(1\)\.", "Autolab"),
    (r"test time / s|test_time_second|ambient_temperature_celsius", "Battery Data Format"),
    (r"frequency_hz.*ohm_cm2", "solidstack"),
)
_CYCLERS = ("Arbin", "Maccor", "Neware", "Novonix", "Basytec", "Landt", "PEC")
DATED = 500
"""Rows in which the unit of time is told by dates."""
SURE = 20.0
"""Seconds by dates, which have whole seconds, above which they tell a unit."""
LONG = 300
"""Letters above which a remark is no name of a technique, but a protocol or a list."""


@dataclass(frozen=True)
class Header:
    """Where the table begins and what its columns are.

    Attributes
    ----------
    names, units : list of str
        By column; units where a line of them follows.
    mark, decimal : str
    line : int
        Line of the first row of numbers, from 1.
    above : str
        All text above.
    lost : tuple of int
        Lines between the names and the numbers that have digits in them.
    """

    names: list[str]
    units: list[str]
    mark: str
    decimal: str
    line: int
    above: str
    lost: tuple[int, ...] = ()


def read(
    path: str,
    stream: BinaryIO,
    size: int,
    columns: Mapping[str, str] | None,
    sha: str,
    progress: Progress | None = None,
) -> Record:
    """Read a table of text of `size` bytes, in pieces.

    Raises
    ------
    MeasurementError
        It has no table with known columns, or a line in it is wrong.
    """
    start = stream.read(HEAD)
    stream.seek(0)
    encoding = _encoding(start, path)
    text = start.decode(encoding, errors="replace").lstrip("﻿").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if len(start) == HEAD and len(lines) > 1:
        lines.pop()
    layers = layered.levels(lines)
    header = find_header(lines, columns, path) if layers is None else _flat(lines, layers, path)
    chosen = assign(header.names, columns, source=path, units=header.units)
    _refuse_unknown(header, chosen, path)
    wanted, labels, texts = _wanted(header, chosen)
    dated = _by_dates(header, chosen, (_cells(line, header.mark) for line in lines[header.line - 1 :]))
    warnings: list[str] = []
    layout = Layout(header.names, labels, wanted, texts, header.mark, header.decimal, header.line)
    if encoding == "utf-16":
        stream = io.BytesIO(stream.read().decode("utf-16", errors="replace").encode())
    _skip(stream, header.line - 1)
    points = stream if layers is None else layered.Flat(stream, layers, path)
    found, places = table(points, layout, path, warnings, size=size, progress=progress)
    raw = Raw(found, path, lines=places, units=[header.units[index] for index in wanted] if header.units else [])
    raw.warnings += warnings
    _leave_out_empty(raw)
    _scale(raw, dated)
    _dates(raw, chosen)
    describe(raw, header)
    return finish(raw, columns, sha)


def _flat(lines: Sequence[str], layers: layered.Levels, source: str) -> Header:
    """The header of a layered table, whose points begin below its last line of names."""
    names = _cells(layered.flat_names(lines, layers), layers.mark)
    points = [line for line in lines[layers.line :] if line.startswith(2 * layers.mark)]
    if not points:
        raise no_points(source)
    decimal = _decimal(points[:50], layers.mark)
    above = "\n".join(lines[: layers.line])
    return Header(_distinct(_named(names)), [], layers.mark, decimal, layers.line + 1, above)


def _refuse_unknown(header: Header, chosen: Mapping[str, Source], source: str) -> None:
    if not {VOLTAGE, CURRENT, REAL, FREQUENCY, TIME, STEP_TIME, DATE, MODULUS} & set(chosen):
        raise no_known_column(header.names, source)


def _by_dates(
    header: Header, chosen: Mapping[str, Source], rows: Iterable[Sequence[str]]
) -> tuple[str, float, str] | None:
    """Column of time that names no unit, seconds in its unit, and the unit, told by the dates beside it."""
    one = chosen.get(TIME) or chosen.get(STEP_TIME)
    if one is None or one.unit or DATE not in chosen:
        return None
    time, date = header.names.index(one.name), header.names.index(chosen[DATE].name)
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
        # a pause between steps is in the dates alone
        good &= seconds <= 3.0 * max(float(np.median(seconds[good] / step[good])), 1.0) * step + 1.0
    if not good.any() or seconds[good].sum() < SURE:
        return None
    ratio = float(seconds[good].sum() / step[good].sum())
    said = [(size, unit) for size, unit in ((60.0, "minutes"), (3600.0, "hours")) if abs(ratio / size - 1.0) < 0.03]
    return (one.name, *said[0]) if said else None


def _leave_out_empty(raw: Raw) -> None:
    """Rows without a number in them: exports may end with lines of marks alone."""
    empty: NDArray[np.bool_] | None = None
    for values in raw.columns.values():
        if values.dtype.kind == "f":
            empty = np.isnan(values) if empty is None else empty & np.isnan(values)
            if not empty.any():
                return
    if empty is not None and raw.lines is not None:
        raw.columns = {name: values[~empty] for name, values in raw.columns.items()}
        raw.lines = raw.lines[~empty]


def _scale(raw: Raw, dated: tuple[str, float, str] | None) -> None:
    if dated is not None and dated[0] in raw.columns:
        name, size, unit = dated
        raw.columns[name] = raw.columns[name] * size
        raw.warnings.append(f'"{name}" names no unit; by the dates of the points it is in {unit}')


def describe(raw: Raw, header: Header) -> None:
    """Maker, technique and temperature from the header and the text above."""
    if header.lost:
        which = ", ".join(map(str, header.lost[:5]))
        raw.warnings.append(f"left out between the names and the numbers: line {which}")
    words = " ".join(header.names).casefold()
    whole = f"{header.above} {words}".casefold()
    raw.instrument = next((name for pattern, name in _MAKERS if re.search(pattern, whole)), "")
    raw.remarks(header.above)
    if raw.instrument in _CYCLERS:
        raw.technique = "cycling"
    else:
        remarks = (line for line in header.above.split("\n") if len(line) < LONG)
        raw.technique = next((name for line in remarks if (name := technique(line))), "")


def _encoding(start: bytes, source: str) -> str:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if b"\0" in start:
        msg = "is neither a table of text nor a known instrument file; export it as CSV or Excel"
        raise MeasurementError(msg, source=source)
    try:
        start[: len(start) - 4].decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _skip(stream: BinaryIO, lines: int) -> None:
    """Go to a line, whatever its ends are."""
    if not lines:
        if stream.read(3) != b"\xef\xbb\xbf":
            stream.seek(0)
        return
    start = stream.read(HEAD * 4)
    ends = [match.end() for match, _ in zip(re.finditer(rb"\r\n|\n|\r", start), range(lines), strict=False)]
    stream.seek(ends[lines - 1])


def _cells(line: str, mark: str) -> list[str]:
    if mark == " ":
        return line.split()
    if '"' not in line or mark not in line:
        return [cell.strip().strip('"') for cell in line.split(mark)]
    return [cell.strip() for cell in next(csv.reader([line], delimiter=mark), [])]


def _is_value(cell: str) -> bool:
    match = _NUMBER.match(cell)
    if match:
        rest = cell[match.end() :]
        return (
            not rest
            or ((rest[0] in " µΩ" or rest[0].isalpha()) and known_unit(rest) is not None)
            or clock(cell) is not None
        )
    return cell.casefold() in ("nan", "inf")


def _is_row(cells: Sequence[str]) -> bool:
    values = sum(map(_is_value, cells))
    return values >= 1 and 2 * values >= sum(1 for cell in cells if cell)


def find_header(lines: Sequence[str], columns: Mapping[str, str] | None, source: str) -> Header:
    """Find the header of a table in lines of text.

    Raises
    ------
    MeasurementError
        There is no table with a header in the lines.
    """
    best: tuple[tuple[int, int], Header] | None = None
    asked = {name.strip().lstrip("-").casefold() for name in (columns or {}).values()}
    for mark in ("\t", ";", ",", " "):
        found = _header_with(lines[:MOST_REMARKS], mark, asked)
        if found is None:
            continue
        score = _known(found.names, found.units, asked), len(found.names)
        if mark == " ":
            score = score[0], -1
        if best is None or score > best[0]:
            best = score, found
    if best is None:
        msg = (
            "holds no table: wanted are a line with the columns' names and lines of numbers below it, parted by tab, "
            'semicolon, comma or blanks. Where it has no names, give their places, as in --column "voltage=column 2"'
        )
        raise MeasurementError(msg, source=source)
    return best[1]


def _known(names: Sequence[str], units: Sequence[str], asked: set[str]) -> int:
    full = [
        f"{name} ({unit})" if unit and known_unit(unit) else name
        for name, unit in itertools.zip_longest(names, units[: len(names)], fillvalue="")
    ]
    return sum(label_of(name) is not None or name.casefold() in asked for name in full)


def _header_with(lines: Sequence[str], mark: str, asked: set[str], begin: int = 0) -> Header | None:
    found, index = _first_header(lines, mark, asked, begin)
    known = _known(found.names, found.units, asked) if found else 0
    if known >= 2 or index is None:
        return found
    # remarks above may look like names and numbers: a line of known names further below is the better header
    for at in range(index, len(lines)):
        if not re.search(r"[a-zA-Z]", lines[at]):
            continue
        cells = _cells(lines[at], mark)
        if len(cells) < 3 or _is_row(cells) or _known(cells, [], asked) <= max(known, 1):
            continue
        below = (_cells(line, mark) for line in itertools.islice(lines, at + 1, at + 1 + BELOW))
        if any(_fits(cells, row) and _is_row(row) for row in below):
            return _first_header(lines, mark, asked, at)[0] or found
    return found


def _first_header(lines: Sequence[str], mark: str, asked: set[str], begin: int) -> tuple[Header | None, int | None]:
    """The header of the first rows of numbers from a line on, and the first of these rows; None where there is none."""
    split: list[list[str]] = [[] for _ in range(begin)]
    for index, text in itertools.islice(enumerate(lines), begin, None):
        cells = _cells(text, mark)
        split.append(cells)
        if len(cells) < 2 or not _is_row(cells) or not _is_row(_next(lines, index, mark)):
            continue
        above = [at for at in range(begin, index) if any(split[at]) and _fits(split[at], cells)]
        named = [at for at in above if not _is_row(split[at])]
        named = named or _otherwise_parted(lines, split, index, len(cells) - (not cells[-1]))
        if not named:
            if above:
                continue
            numbered = [f"column {number + 1}" for number in range(len(cells))]
            if not asked & set(numbered):
                return None, index
            decimal = _decimal(lines[index : index + 50], mark)
            return Header(numbered, [], mark, decimal, index + 1, "\n".join(lines[:index])), index
        at = max(named, key=lambda one: (_known(split[one], [], asked), one))
        names = _named(split[at])
        width = len(names)
        units: list[str] = []
        for below in range(at + 1, index):
            line = split[below][:width]
            if sum(1 for cell in line if known_unit(cell.strip("()[]"))) >= max(1, sum(map(bool, line)) // 2):
                units = [cell.strip("()[]") for cell in line] + [""] * (width - len(line))
        decimal = _decimal(lines[index : index + 50], mark)
        lost = tuple(below + 1 for below in range(at + 1, index) if re.search(r"\d", lines[below]))
        return Header(_distinct(names), units, mark, decimal, index + 1, "\n".join(lines[:at]), lost), index
    return None, None


def _named(cells: list[str]) -> list[str]:
    """Cells without the empty one that a mark at the end of the line makes."""
    return cells if cells[-1] else cells[:-1]


def _fits(names: list[str], cells: list[str]) -> bool:
    count = len(_named(names))
    return len(cells) == count or (len(cells) == count + 1 and not cells[-1])


def _next(lines: Sequence[str], index: int, mark: str) -> Sequence[str]:
    """Cells of the next line that has some, or of the line itself at the end."""
    after = (_cells(line, mark) for line in itertools.islice(lines, index + 1, None))
    return next((cells for cells in after if any(cells)), _cells(lines[index], mark))


def _otherwise_parted(lines: Sequence[str], split: list[list[str]], index: int, width: int) -> list[int]:
    """The line of names where it is parted by another mark than the numbers."""
    for at in range(index - 1, max(-1, index - 6), -1):
        for pattern in (r"\t+", r"\s{2,}", r"[,;]\s*"):
            cells = [cell.strip() for cell in re.split(pattern, lines[at].strip()) if cell.strip()]
            if len(cells) == width and not _is_row(cells) and _known(cells, [], set()) >= min(2, width):
                split[at] = cells
                return [at]
    return []


def _decimal(lines: Sequence[str], mark: str) -> str:
    cells = [cell for line in lines for cell in _cells(line, mark) if _NUMBER.fullmatch(cell)]
    comma = any("," in cell for cell in cells) and not any("." in cell for cell in cells)
    return "," if comma else "."


def _distinct(names: Sequence[str]) -> list[str]:
    """Names without repetition of the empty ones."""
    return [name or f"column {index + 1}" for index, name in enumerate(names)]


def _wanted(header: Header, chosen: Mapping[str, Any]) -> tuple[list[int], list[str | None], frozenset[int]]:
    by_name = {one.name: label for label, one in chosen.items()}
    labels = [by_name.get(name) for name in header.names]
    wanted = [index for index, label in enumerate(labels) if label is not None]
    if TIME in by_name.values():
        wanted = [index for index in wanted if labels[index] not in (DATE, STEP_TIME)]
    texts = frozenset(index for index in wanted if labels[index] in (STATE, DATE))
    return wanted or list(range(len(labels))), labels, texts


def _dates(raw: Raw, chosen: Mapping[str, Any]) -> None:
    """Time from dates, where the table has no other."""
    if TIME in chosen or DATE not in chosen or chosen[DATE].name not in raw.columns:
        return
    seconds = from_dates(raw.columns.pop(chosen[DATE].name))
    if seconds is not None:
        raw.columns[TIME] = seconds
        raw.warnings.append("time is counted from the dates of the points")


def from_dates(cells: NDArray[Any]) -> NDArray[np.float64] | None:
    """Seconds from the first of dates, or of numbers of seconds; None where they are neither."""
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


def read_excel(path: str, columns: Mapping[str, str] | None, sha: str) -> Record:
    """Read the sheets of an Excel file that hold the points.

    Raises
    ------
    MeasurementError
        The reader of Excel files is not installed, the file is damaged, or no sheet has known columns.
    """
    try:
        import python_calamine
    except ImportError:
        msg = 'Excel files need an extra: pip install "solidstack[instruments]"; or save the sheet as CSV'
        raise MeasurementError(msg, source=path) from None
    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
        sheets = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except KeyboardInterrupt:
        raise
    except BaseException as reason:  # a damaged file makes the library panic, which is no Exception
        msg = f"cannot be read as an Excel file ({reason}); open it and save it as .xlsx or CSV"
        raise MeasurementError(msg, source=path) from None
    found: list[tuple[int, int, str, Header, list[list[Any]]]] = []
    for name, rows in sheets.items():
        lines = ["\t".join(_plain(cell) for cell in row) for row in rows[:MOST_REMARKS]]
        with contextlib.suppress(MeasurementError):
            header = find_header(lines, columns, path)
            if header.mark == "\t":
                asked = {one.casefold() for one in (columns or {}).values()}
                found.append((_known(header.names, header.units, asked), len(rows), name, header, rows))
    if not found:
        msg = (
            f"has no sheet with a table of numbers under names; it has {', '.join(sheets) or 'no sheets'}. Export the "
            "measured points, not the list of tests"
        )
        raise MeasurementError(msg, source=path)
    best = max(found, key=lambda one: (min(one[0], 3), one[1]))
    # Arbin begins a new sheet when one is full
    same = [one for one in found if one[3].names == best[3].names]
    header = best[3]
    chosen = assign(header.names, columns, source=path, units=header.units)
    _refuse_unknown(header, chosen, path)
    wanted, labels, texts = _wanted(header, chosen)
    raw = Raw({}, path, units=[header.units[index] for index in wanted] if header.units else [])
    places = np.concatenate([np.arange(one[3].line, len(one[4]) + 1) for one in same])
    rows = [row for one in same for row in one[4][one[3].line - 1 :]]
    full = np.array([any(cell not in ("", None) for cell in row) for row in rows], bool)
    rows, places = [row for row, some in zip(rows, full, strict=True) if some], places[full]
    for index in wanted:
        cells = np.array([_plain(row[index]) if index < len(row) else "" for row in rows], object)
        name = header.names[index]
        raw.columns[name] = cells if index in texts else numbers(cells, labels[index], name, places, path)
    raw.lines = places
    _scale(raw, _by_dates(header, chosen, ([_plain(cell) for cell in row] for row in rows)))
    if len(same) > 1:
        raw.warnings.append(f"the sheets {', '.join(one[2] for one in same)} follow one another")
    _dates(raw, chosen)
    describe(raw, header)
    return finish(raw, columns, sha)


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
