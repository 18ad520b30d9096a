"""Neware's layered export: lines of cycles, of steps and of points in one table, told apart by empty cells before them.

Three lines of names stand above, one for each layer. A step may stand in the line of its cycle, behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from ...errors import MeasurementError
from ..records import CYCLE, STEP
from .names import STATE, label_of

NAMES = ("Cycle Index", "Step Index", "Step Type")
"""Of the columns that the points get from the lines above them."""
MOST = 50
"""Lines in which the names of the layers are looked for."""


@dataclass(frozen=True)
class Levels:
    """Where the layers' names are, and what of the upper ones is wanted.

    Attributes
    ----------
    mark : str
        What parts cells.
    line : int
        Line of the points' names, from 1.
    width : int
        Cells of a cycle, behind which its first step may stand.
    cycle, step, state : int
        Place of a cycle's number in its line, and of a step's number and kind in its line without the empty cell;
        -1 where the kind is not there.
    """

    mark: str
    line: int
    width: int
    cycle: int
    step: int
    state: int


def levels(lines: Sequence[str]) -> Levels | None:
    """Find the layers of a table; None where it has no such.

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
    said = [(found[1], at) for at, name in enumerate(names) if (found := label_of(name)) and found[0] == label]
    return min(said)[1] if said else -1


def flat_names(lines: Sequence[str], layers: Levels) -> str:
    """The line of names of the table that `Flat` makes."""
    names = lines[layers.line - 1].removeprefix(2 * layers.mark)
    return layers.mark.join((*NAMES, names))


@dataclass
class Flat:
    """The points of a layered table with cycle and step before each; the lines of cycles and steps become empty.

    Line numbers stay those of the file. The stream begins at the line below the names.
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
        """Bytes of the file that are read."""
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
        """Take cycle and step from a line; a last line without its end may be cut off."""
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
            msg = f'line {line}: "{text[:40]}" is no number of a {what}; mend the line'
            raise MeasurementError(msg, source=self.source)
        return text
