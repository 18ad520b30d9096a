"""The exception tree.

::

    SolidstackError
    ├── SolverError                      a solver did not reach its tolerance
    └── InputError (also a ValueError)   the input is wrong; exit code 2
        ├── UnitError                    a quantity's text: unit, dimension, number
        ├── MaterialError                a material file or name
        ├── DesignError                  a design file or a value in it
        ├── StructureError               a 3D structure or image, or a request about it
        ├── MeasurementError             a measured file, or a request about it
        ├── LiteratureError              a table of published or measured cells, or a request about it
        └── OutputError                  a place that cannot be written

Every error says where it is, the rule, the received value and the likely cure. An `InputError` carries all
problems of the input, not only the first.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input.

    Parameters
    ----------
    message : str
        Rule, received value and cure, in one sentence or two.
    key : str
        Dotted key, as in ``positive.loading``; empty for a problem of the whole input.
    line : int or None
        Line in the file, from 1.
    """

    message: str
    key: str = ""
    line: int | None = None

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line is not None else ""
        key = f"{self.key}: " if self.key else ""
        return f"{where}{key}{self.message}"


class SolidstackError(Exception):
    """Base class of all errors that solidstack raises deliberately."""


class InputError(SolidstackError, ValueError):
    """The user's input is wrong.

    Parameters
    ----------
    problems : str, Problem, or an iterable of Problem
        What is wrong.
    source : str
        The file, or a description of where the input came from.
    """

    def __init__(self, problems: str | Problem | Iterable[Problem], *, source: str = "") -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.source = source
        super().__init__(self._text())

    def _text(self) -> str:
        lines = [str(problem) for problem in self.problems]
        if not self.source:
            return "\n".join(lines)
        if len(lines) == 1:
            return f"{self.source}: {lines[0]}"
        return "\n".join([f"{self.source}: {len(lines)} problems", *(f"  {line}" for line in lines)])


class UnitError(InputError):
    """The text of a quantity has a missing, unknown or wrong unit, or no finite number."""


class MaterialError(InputError):
    """A material file is wrong, or a material is unknown."""


class DesignError(InputError):
    """A design file or a value in a design is wrong."""


class StructureError(InputError):
    """A 3D structure or image is wrong, or a request about it."""


class MeasurementError(InputError):
    """A measured file is wrong, or a request about it."""


class LiteratureError(InputError):
    """A table of published or measured cells is wrong, or a request about it."""


class OutputError(InputError):
    """A result cannot be written to the given place."""


class SolverError(SolidstackError):
    """A solver did not reach its tolerance; the message names what to change."""
