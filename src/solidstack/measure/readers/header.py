"""The header of a table of text: where it begins, what separates its cells, and the names and units of its columns.

Remarks may stand above the header and a line of units or other words below it. The header is the line whose cells are
known names of columns, or else the last line of words before the numbers with as many cells.
"""

import csv
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import MeasurementError
from ..records import CURRENT, FREQUENCY, REAL, TIME, VOLTAGE
from .cells import clock
from .names import DATE, MODULUS, STATE, STEP_TIME, Source, known_unit, label_of
from .raw import Raw, no_known_column, technique

MOST_REMARKS = 2000
BELOW = 10
"""Lines below a header within which its first row of numbers is searched."""
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
LONG = 300
"""Characters above which a remark is not the name of a technique but a protocol or a list."""


@dataclass(frozen=True)
class Header:
    """Where the table begins and what its columns are.

    Attributes
    ----------
    names, units : list of str
        By column; units if a line of them follows.
    mark, decimal : str
    line : int
        Line of the first row of numbers, counted from 1.
    above : str
        All text above.
    lost : tuple of int
        Lines between names and numbers that contain digits.
    """

    names: list[str]
    units: list[str]
    mark: str
    decimal: str
    line: int
    above: str
    lost: tuple[int, ...] = ()


def refuse_unknown(header: Header, chosen: Mapping[str, Source], source: str) -> None:
    """Refuse a table without a column that a measurement needs."""
    if not {VOLTAGE, CURRENT, REAL, FREQUENCY, TIME, STEP_TIME, DATE, MODULUS} & set(chosen):
        raise no_known_column(header.names, source)


def describe(raw: Raw, header: Header) -> None:
    """Take manufacturer, technique and temperature from the header and the text above it."""
    if header.lost:
        which = ", ".join(map(str, header.lost[:5]))
        raw.warnings.append(f"left out between names and numbers: line {which}")
    words = " ".join(header.names).casefold()
    whole = f"{header.above} {words}".casefold()
    raw.instrument = next((name for pattern, name in _MAKERS if re.search(pattern, whole)), "")
    raw.remarks(header.above)
    if raw.instrument in _CYCLERS:
        raw.technique = "cycling"
    else:
        remarks = (line for line in header.above.split("\n") if len(line) < LONG)
        raw.technique = next((name for line in remarks if (name := technique(line))), "")


def cells_of(line: str, mark: str) -> list[str]:
    """Cells of a line, without blanks and quotation marks around them."""
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
        header = _header_with(lines[:MOST_REMARKS], mark, asked)
        if header is None:
            continue
        score = known_names(header.names, header.units, asked), len(header.names)
        if mark == " ":
            score = score[0], -1
        if best is None or score > best[0]:
            best = score, header
    if best is None:
        msg = (
            "contains no table: expected a line of column names with lines of numbers below it, separated by tabs, "
            'semicolons, commas or blanks. If it has no names, number the columns, as in --column "voltage=column 2"'
        )
        raise MeasurementError(msg, source=source)
    return best[1]


def known_names(names: Sequence[str], units: Sequence[str], asked: set[str]) -> int:
    """Number of columns whose names are known or were asked for."""
    full = [
        f"{name} ({unit})" if unit and known_unit(unit) else name
        for name, unit in itertools.zip_longest(names, units[: len(names)], fillvalue="")
    ]
    return sum(label_of(name) is not None or name.casefold() in asked for name in full)


def _header_with(lines: Sequence[str], mark: str, asked: set[str], begin: int = 0) -> Header | None:
    header, index = _first_header(lines, mark, asked, begin)
    known = known_names(header.names, header.units, asked) if header else 0
    if known >= 2 or index is None:
        return header
    # remarks above may look like names and numbers: a line of known names further down is the better header
    for at in range(index, len(lines)):
        if not re.search(r"[a-zA-Z]", lines[at]):
            continue
        cells = cells_of(lines[at], mark)
        if len(cells) < 3 or _is_row(cells) or known_names(cells, [], asked) <= max(known, 1):
            continue
        below = (cells_of(line, mark) for line in itertools.islice(lines, at + 1, at + 1 + BELOW))
        if any(_fits(cells, row) and _is_row(row) for row in below):
            return _first_header(lines, mark, asked, at)[0] or header
    return header


def _first_header(lines: Sequence[str], mark: str, asked: set[str], begin: int) -> tuple[Header | None, int | None]:
    """Header above the first rows of numbers from a line on, and the first of these rows; None where there is none."""
    split: list[list[str]] = [[] for _ in range(begin)]
    for index, text in itertools.islice(enumerate(lines), begin, None):
        cells = cells_of(text, mark)
        split.append(cells)
        if len(cells) < 2 or not _is_row(cells) or not _is_row(_next(lines, index, mark)):
            continue
        above = [at for at in range(begin, index) if any(split[at]) and _fits(split[at], cells)]
        named = [at for at in above if not _is_row(split[at])]
        named = named or _separated_otherwise(lines, split, index, len(cells) - (not cells[-1]))
        if not named:
            if above:
                continue
            numbered = [f"column {number + 1}" for number in range(len(cells))]
            if not asked & set(numbered):
                return None, index
            decimal = decimal_of(lines[index : index + 50], mark)
            return Header(numbered, [], mark, decimal, index + 1, "\n".join(lines[:index])), index
        at = max(named, key=lambda row: (known_names(split[row], [], asked), row))
        names = trimmed(split[at])
        width = len(names)
        units: list[str] = []
        for below in range(at + 1, index):
            line = split[below][:width]
            if sum(1 for cell in line if known_unit(cell.strip("()[]"))) >= max(1, sum(map(bool, line)) // 2):
                units = [cell.strip("()[]") for cell in line] + [""] * (width - len(line))
        decimal = decimal_of(lines[index : index + 50], mark)
        lost = tuple(below + 1 for below in range(at + 1, index) if re.search(r"\d", lines[below]))
        return Header(distinct(names), units, mark, decimal, index + 1, "\n".join(lines[:at]), lost), index
    return None, None


def trimmed(cells: list[str]) -> list[str]:
    """Cells without the empty one that a separator at the end of the line produces."""
    return cells if cells[-1] else cells[:-1]


def _fits(names: list[str], cells: list[str]) -> bool:
    count = len(trimmed(names))
    return len(cells) == count or (len(cells) == count + 1 and not cells[-1])


def _next(lines: Sequence[str], index: int, mark: str) -> Sequence[str]:
    """Cells of the next line that is not empty, or of the line itself at the end."""
    after = (cells_of(line, mark) for line in itertools.islice(lines, index + 1, None))
    return next((cells for cells in after if any(cells)), cells_of(lines[index], mark))


def _separated_otherwise(lines: Sequence[str], split: list[list[str]], index: int, width: int) -> list[int]:
    """The line of names where it has another separator than the numbers."""
    for at in range(index - 1, max(-1, index - 6), -1):
        for pattern in (r"\t+", r"\s{2,}", r"[,;]\s*"):
            cells = [cell.strip() for cell in re.split(pattern, lines[at].strip()) if cell.strip()]
            if len(cells) == width and not _is_row(cells) and known_names(cells, [], set()) >= min(2, width):
                split[at] = cells
                return [at]
    return []


def decimal_of(lines: Sequence[str], mark: str) -> str:
    """Decimal point or comma."""
    cells = [cell for line in lines for cell in cells_of(line, mark) if _NUMBER.fullmatch(cell)]
    comma = any("," in cell for cell in cells) and not any("." in cell for cell in cells)
    return "," if comma else "."


def distinct(names: Sequence[str]) -> list[str]:
    """Names, with a number in place of empty ones."""
    return [name or f"column {index + 1}" for index, name in enumerate(names)]


def columns_to_read(header: Header, chosen: Mapping[str, Any]) -> tuple[list[int], list[str | None], frozenset[int]]:
    """Columns to read, the label of every column, and which of the columns to read contain text."""
    by_name = {column.name: label for label, column in chosen.items()}
    labels = [by_name.get(name) for name in header.names]
    kept = [index for index, label in enumerate(labels) if label is not None]
    if TIME in by_name.values():
        kept = [index for index in kept if labels[index] not in (DATE, STEP_TIME)]
    texts = frozenset(index for index in kept if labels[index] in (STATE, DATE))
    return kept or list(range(len(labels))), labels, texts
