"""Neware's layered export: lines of cycles, of steps and of points in one table, distinguished by leading empty cells.

Three lines of names are above, one for each layer. A step may follow its cycle in the same line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from ...errors import MeasurementError
from ..records import CYCLE, STEP
from .names import STATE, label_of

NAMES = ("Cycle Index", "Step Index", "Step Type")
"""Names of the columns that the points take from the lines above them."""
MOST = 50
"""Lines within which the names of the layers are searched."""


@dataclass(frozen=True)
class Levels:
    """Where the names of the layers are, and the cells to read from the upper ones.

    Attributes
    ----------
    mark : str
        Separator of cells.
    line : int
        Line of the names of the points, counted from 1.
    width : int
        Cells of a cycle, after which its first step may follow.
    cycle, step, state : int
        Place of the number of a cycle in its line, and of the number and kind of a step in its line without the empty
        cell; -1 where there is no kind.
    """

    mark: str
    line: int
    width: int
    cycle: int
    step: int
    state: int


def levels(lines: Sequence[str]) -> Levels | None:
    """Find the layers of a table; None if it has none.

    Examples
    --------
    >>> levels(["Cycle ID,Cap(Ah)", ",Step ID,Step Name", ",,Record ID,Time(s),Voltage(V)"])
    Levels(mark=',', line=3, width=2, cycle=0, step=0, state=1)
    """
    for at in range(min(MOST, len(lines) - 2)):
        for mark in (",", "\t", ";"):
            if not lines[at + 2].startswith(2 * mark):
                continue
            upper, middle, lower = ([cell.strip() for cell in line.split(mark)] for line in lines[at : at + 3])
            cycle, step, state = _place(upper, CYCLE), _place(middle[1:], STEP), _place(middle[1:], STATE)
            points = sum(label_of(name) is not None for name in lower[2:])
            if upper[0] and not middle[0] and cycle >= 0 and step >= 0 and points >= 2:
                return Levels(mark, at + 3, len(upper) - (not upper[-1]), cycle, step, state)
    return None


def _place(names: Sequence[str], label: str) -> int:
    places = [(match[1], at) for at, name in enumerate(names) if (match := label_of(name)) and match[0] == label]
    return min(places)[1] if places else -1


def flat_names(lines: Sequence[str], layers: Levels) -> str:
    """The line of names of the table that `Flat` makes."""
    names = lines[layers.line - 1].removeprefix(2 * layers.mark)
    return layers.mark.join((*NAMES, names))


@dataclass
class Flat:
    """The points of a layered table with cycle and step before each; the lines of cycles and steps become empty.

    Line numbers remain those of the file. The stream starts at the line below the names.
    """

    stream: BinaryIO
    layers: Levels
    source: str
    prefix: bytes = field(default=b"", init=False)
    cycle: str = field(default="", init=False)
    line: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.line = self.layers.line
        self.prefix = 2 * self.layers.mark.encode()

    def tell(self) -> int:
        """Number of bytes read so far."""
        return self.stream.tell()

    def read(self, count: int = -1) -> bytes:
        """Whole lines of about `count` bytes."""
        block = self.stream.read(count) + self.stream.readline()
        below = 2 * self.layers.mark.encode()
        lines = block.split(b"\n")
        for at, text in enumerate(lines):
            if text.startswith(below):
                lines[at] = self.prefix + text[len(below) :]
            elif text.strip():
                last = at == len(lines) - 1
                self._enter(text.decode("utf-8", errors="replace").strip("\r"), self.line + at + 1, last=last)
                lines[at] = b""
            elif text:
                lines[at] = b""
        self.line += len(lines) - 1
        return b"\n".join(lines)

    def _enter(self, text: str, line: int, *, last: bool) -> None:
        """Take cycle and step from a line; a last line without a line end may be truncated."""
        layers = self.layers
        cells = [cell.strip() for cell in text.split(layers.mark)]
        if cells[0]:
            self.cycle = self._number(cells, layers.cycle, "cycle", line)
            cells = ["", *cells[layers.width :]]
            while len(cells) > 1 and not cells[1]:
                cells.pop(1)
            if len(cells) == 1:
                return
        if last and len(cells) <= 1 + max(layers.step, layers.state):
            return
        step = self._number(cells, layers.step + 1, "step", line)
        state = cells[layers.state + 1] if 0 <= layers.state < len(cells) - 1 else ""
        self.prefix = (layers.mark.join((self.cycle, step, state)) + layers.mark).encode()

    def _number(self, cells: Sequence[str], at: int, what: str, line: int) -> str:
        text = cells[at] if at < len(cells) else ""
        if not text.isdigit():
            msg = f'line {line}: "{text[:40]}" is not the number of a {what}; correct the line'
            raise MeasurementError(msg, source=self.source)
        return text
