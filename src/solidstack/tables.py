"""Tables as instruments and people write them: any delimiter, decimal comma, lines of remarks above the header."""

import csv
import os
import re
from dataclasses import dataclass

from .errors import InputError, Problem, StructureError, UnitError
from .files import open_input
from .units import Kind, parse

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_UNIT = re.compile(r"[(\[]([^)\]]*)[)\]]|[/,]\s*(\S+)\s*$")
SIZE_LIMIT = 10_000_000
"""Bytes. A table of sizes or pressures has some kB; a larger file is something else."""
LONGEST_LINE = 100_000


@dataclass(frozen=True)
class Table:
    """Header and rows of a text file.

    Parameters
    ----------
    source : str
        The file.
    header : tuple of str
        Names of the columns; empty where the file has none.
    rows : list of (int, list of str)
        Line in the file, from 1, and its cells.
    error : type of InputError
        What to raise for a problem in it.
    """

    source: str
    header: tuple[str, ...]
    rows: list[tuple[int, list[str]]]
    error: type[InputError] = StructureError

    def column(self, pattern: str, *, besides: int | None = None) -> int | None:
        """Return the first column whose name (in lower case) matches the regular expression; None if none does."""
        for index, name in enumerate(self.header):
            if index != besides and re.search(pattern, name.casefold()):
                return index
        return None

    def number(self, row: tuple[int, list[str]], column: int) -> float:
        """Read a cell as a plain number."""
        line, cells = row
        text = cells[column] if column < len(cells) else ""
        if not _is_number(text):
            msg = f'{self.name(column)}: "{text}" is not a number'
            raise self.error(Problem(msg, line=line), source=self.source)
        return float(text.replace(",", "."))

    def value(self, row: tuple[int, list[str]], column: int, kind: Kind, unit: str = "") -> float:
        """Read a cell in SI, with the unit of the column's name or else `unit`."""
        number = self.number(row, column)
        try:
            return parse(f"{number!r} {unit_of(self.name(column), kind) or unit}".strip(), kind)
        except UnitError as reason:
            raise self.error(Problem(f"{self.name(column)}: {reason}", line=row[0]), source=self.source) from None

    def name(self, column: int) -> str:
        """Name of a column, or its number if it has none."""
        return self.header[column] if column < len(self.header) else f"column {column + 1}"


def unit_of(name: str, kind: Kind) -> str:
    """Return the unit in a column's name: ``pressure (MPa)``, ``pressure [MPa]``, ``pressure / MPa``, ``pressure_MPa``.

    Examples
    --------
    >>> from solidstack.units import PRESSURE
    >>> unit_of("pressure (MPa)", PRESSURE), unit_of("pressure_MPa", PRESSURE), unit_of("pressure", PRESSURE)
    ('MPa', 'MPa', '')
    """
    if name.casefold().endswith(f"_{kind.shown.suffix}".casefold()) and kind.shown.suffix:
        return kind.shown.symbol
    match = _UNIT.search(name)
    return (match[1] or match[2] or "").strip() if match else ""


def read_table(path: str | os.PathLike[str], numbers: int, error: type[InputError] = StructureError) -> Table:
    """Read a CSV or TXT file whose rows have at least some numbers.

    The delimiter (tab, semicolon, comma, spaces) is the one that makes the most cells numbers. A comma is a decimal
    comma where it is not the delimiter. The header is the last line of as many cells before the first row.

    Parameters
    ----------
    path : path
        The file, in UTF-8, UTF-16 with a mark, or Latin-1.
    numbers : int
        Least number of numbers in a row.
    error : type of InputError
        What to raise.

    Raises
    ------
    InputError
        Of the type in `error`: no such file, or no row of numbers in it.
    """
    source = os.fspath(path)
    lines = _text(path, error).splitlines()
    splits = [[_cells(line, mark) for line in lines] for mark in ("\t", ";", ",", None)]
    cells = max(splits, key=_score)
    numeric = [(at, row) for at, row in enumerate(cells, 1) if sum(map(_is_number, row)) >= numbers and len(row) > 1]
    if not numeric:
        plural = "s" if numbers > 1 else ""
        msg = f"has no row with {numbers} number{plural}; expected a table with one row per line"
        raise error(msg, source=source)
    first = numeric[0][0]
    above = [row for row in cells[: first - 1] if len(row) >= len(numeric[0][1]) and any(row)]
    rows = [(at, row) for at, row in enumerate(cells, 1) if at >= first and any(row)]
    return Table(source, tuple(above[-1]) if above else (), rows, error)


def _text(path: str | os.PathLike[str], error: type[InputError]) -> str:
    source = os.fspath(path)
    with open_input(path, error) as stream:
        raw = stream.read(SIZE_LIMIT + 1)
    if len(raw) > SIZE_LIMIT or (b"\0" in raw and raw[:2] not in (b"\xff\xfe", b"\xfe\xff")):
        msg = "is not a text table; export it as CSV or TXT"
        raise error(msg, source=source)
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _cells(line: str, mark: str | None) -> list[str]:
    if mark is None:
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line[:LONGEST_LINE]], delimiter=mark), [])]


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def _score(rows: list[list[str]]) -> tuple[int, int]:
    """Cells that are numbers, then minus those that are not; a line of a single cell is ignored."""
    cells = [cell for row in rows if len(row) > 1 for cell in row if cell]
    numbers = sum(map(_is_number, cells))
    return numbers, numbers - len(cells)
