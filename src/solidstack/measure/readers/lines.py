"""Lines of cells to columns of numbers, in blocks, so that memory holds the selected numbers and one block.

Every line must have as many cells as the first: a line that lost or gained a cell would shift its columns. The C parser
of pandas reads the cells; text in a column of numbers is then read cell by cell, so that an error names its line.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import MeasurementError
from ...progress import Listener, Teller
from .cells import numbers
from .raw import Columns

PIECE = 8_000_000
"""Bytes read at once."""
LONGEST = 1_000_000
"""Bytes of a line; a longer one is not a line of a table."""


class Stream(Protocol):
    """A source of bytes."""

    def read(self, count: int = ..., /) -> bytes:
        """Return at most about `count` bytes."""

    def tell(self) -> int:
        """Number of bytes read so far."""


@dataclass(frozen=True)
class Layout:
    """How to read the lines of a table.

    Attributes
    ----------
    names : sequence of str
        Names of all columns.
    labels : sequence of (str or None)
        Label of each column, for the units that a cell may have.
    kept : sequence of int
        Columns to keep.
    texts : set of int
        Columns among them that contain text.
    mark : str
        Separator of cells; a space stands for any blanks.
    decimal : str
        Point or comma.
    first : int
        Line, counted from 1, of the first byte.
    strict : bool
        Whether to leave out a last line without a line end if its last number has another form than that above.
    """

    names: Sequence[str]
    labels: Sequence[str | None]
    kept: Sequence[int]
    texts: frozenset[int]
    mark: str
    decimal: str
    first: int
    strict: bool = False


def table(
    stream: Stream,
    layout: Layout,
    source: str,
    warnings: list[str],
    *,
    size: int = 0,
    progress: Listener | None = None,
) -> tuple[Columns, NDArray[np.int64]]:
    """Read all lines from the position of the stream.

    Returns
    -------
    columns : dict
        By name; numbers, or objects for texts.
    lines : array of int
        Line number of each row in the file.

    Raises
    ------
    MeasurementError
        A line with fewer or more cells, or text where a number is expected; the message names the line.
    """
    rows = _Rows(layout)
    tell = Teller(progress, of=size, what="reading")
    line, rest, above, done = layout.first, b"", b"", False
    while not done:
        block = stream.read(PIECE)
        done = not block
        if b"\0" in block:
            msg = "contains bytes that are not text; it is damaged, or not a table"
            raise MeasurementError(msg, source=source)
        block = rest + block
        if b"\r" in block:
            tail = b"\r" if block.endswith(b"\r") and not done else b""
            block = block[: len(block) - len(tail)].replace(b"\r\n", b"\n").replace(b"\r", b"\n") + tail
        if done:
            rest = b""
            if block and not block.endswith(b"\n"):
                block = _last(block, above, layout, warnings)
        else:
            cut = block.rfind(b"\n") + 1
            block, rest = block[:cut], block[cut:]
            if len(rest) > LONGEST:
                msg = f"line {line + block.count(10)}: is longer than {LONGEST} bytes; the file is not a text table"
                raise MeasurementError(msg, source=source)
        if block:
            above = block[-LONGEST:].rstrip(b"\n").rpartition(b"\n")[2]
            columns, at = _block(block, layout, line, source)
            rows.append(columns, at, size / len(block) if size else 1.0)
            line += block.count(b"\n")
        if size:
            tell(min(stream.tell(), size))
    return rows.columns(), rows.lines[: rows.count]


def _longer(values: NDArray[Any], count: int) -> NDArray[Any]:
    longer = np.empty(count, values.dtype)
    longer[: len(values)] = values
    return longer


class _Rows:
    """Rows of the blocks, in arrays allocated once for the whole file, so that no number is stored twice."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.count = 0
        self.lines = np.zeros(0, np.int64)
        self.values: dict[int, NDArray[Any]] = {
            index: np.zeros(0, object if index in layout.texts else np.float64) for index in layout.kept
        }

    def append(self, columns: dict[int, NDArray[Any]], lines: NDArray[np.int64], share: float) -> None:
        """Add a block; the whole file is about `share` times as long."""
        begin, self.count = self.count, self.count + len(lines)
        if self.count > len(self.lines):
            room = max(self.count, int(1.05 * share * len(lines)) if not begin else int(1.3 * self.count))
            self.lines = _longer(self.lines, room)
            for index in self.values:
                self.values[index] = _longer(self.values[index], room)
        self.lines[begin : self.count] = lines
        for index in columns:
            self.values[index][begin : self.count] = columns[index]

    def columns(self) -> Columns:
        """All rows, by name."""
        return {self.layout.names[index]: values[: self.count] for index, values in self.values.items()}


def _last(block: bytes, above: bytes, layout: Layout, warnings: list[str]) -> bytes:
    """A last line without a line end: it may be truncated, even within its last number."""
    begin = block.rfind(b"\n") + 1
    last = block[begin:]
    if not last.strip():
        return block[:begin]
    above = block[:begin].rstrip(b"\n").rpartition(b"\n")[2] or above
    whole = _count(last, layout) >= len(layout.names)
    if whole and above and _form(last, layout) == _form(above, layout):
        return block + b"\n"
    if layout.strict or not whole:
        warnings.append("the last line is truncated and left out")
        return block[:begin]
    warnings.append("the last line has no line end; its last number may be truncated")
    return block + b"\n"


def _form(line: bytes, layout: Layout) -> str:
    """The end of a line with all digits alike: a truncated number has another form than that above it."""
    cells = line.decode("latin-1").rstrip(" ").split(None if layout.mark == " " else layout.mark)
    text = cells[-2] if len(cells) == len(layout.names) + 1 and not cells[-1] else cells[-1]
    return re.sub(r"[+-]", "+", re.sub(r"\d", "0", text.lstrip(" +-")))


def _count(line: bytes, layout: Layout) -> int:
    text = line.decode("latin-1")
    if layout.mark == " ":
        return len(text.split())
    cells = next(csv.reader([text], delimiter=layout.mark), [])
    return len(cells)


def _block(block: bytes, layout: Layout, line: int, source: str) -> tuple[dict[int, NDArray[Any]], NDArray[np.int64]]:
    count = len(layout.names)
    if layout.mark == " " or b'"' in block:
        return _slowly(block, layout, line, source)
    raw = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(raw == 10)
    starts = np.concatenate([[0], ends[:-1] + 1])
    cells = np.add.reduceat(raw == ord(layout.mark), starts, dtype=np.int64) + 1
    blank = ends == starts
    trailing = (raw[np.maximum(ends - 1, 0)] == ord(layout.mark)) & ~blank
    alike = blank | (cells == count) | ((cells == count + 1) & trailing)
    if not alike.all():
        row = int(np.flatnonzero(~alike)[0])
        text = block[starts[row] : ends[row]]
        if text.strip(b" \t;,"):
            raise _unlike(line + row, int(cells[row]), count, source)
        return _slowly(block, layout, line, source)
    at = line + np.flatnonzero(~blank)
    if not len(at):
        return {}, at
    frame = pd.read_csv(
        io.BytesIO(block), sep=layout.mark, header=None, names=range(count + bool((cells > count).any())),
        usecols=list(layout.kept),
        index_col=False,
        decimal=layout.decimal, quoting=csv.QUOTE_NONE, skip_blank_lines=True, engine="c", low_memory=False,
        encoding="utf-8", encoding_errors="replace", skipinitialspace=True,
        dtype={index: str for index in layout.texts if index in layout.kept},
    )  # fmt: skip
    if len(frame) != len(at):
        msg = f"lines {line} to {line + len(ends)}: cannot be separated into lines; the file is damaged"
        raise MeasurementError(msg, source=source)
    return {index: _column(frame[index].to_numpy(), index, layout, at, source) for index in layout.kept}, at


def _unlike(line: int, cells: int, count: int, source: str) -> MeasurementError:
    msg = f"line {line}: has {cells} cells where the table has {count}; correct or delete the line"
    return MeasurementError(msg, source=source)


def _slowly(block: bytes, layout: Layout, line: int, source: str) -> tuple[dict[int, NDArray[Any]], NDArray[np.int64]]:
    """Read lines with quotation marks, or separated by blanks."""
    count = len(layout.names)
    rows, at = [], []
    for offset, text in enumerate(block.decode("utf-8", errors="replace").splitlines()):
        if layout.mark == " ":
            cells = text.split()
        else:
            cells = [cell.strip() for cell in next(csv.reader([text], delimiter=layout.mark), [])]
        if not any(cells):
            continue
        if len(cells) == count + 1 and not cells[-1]:
            cells.pop()
        if len(cells) != count:
            raise _unlike(line + offset, len(cells), count, source)
        rows.append(cells)
        at.append(line + offset)
    places = np.asarray(at, np.int64)
    if not rows:
        return {}, places
    columns = {}
    for index in layout.kept:
        columns[index] = _column(np.array([row[index] for row in rows], object), index, layout, places, source)
    return columns, places


def _column(values: NDArray[Any], index: int, layout: Layout, at: NDArray[np.int64], source: str) -> NDArray[Any]:
    if index in layout.texts:
        return values.astype(object)
    if values.dtype.kind in "iuf":
        return values.astype(np.float64)
    return numbers(values.astype(object), layout.labels[index], layout.names[index], at, source)
