"""Ranges of values as text, ``LO:HI:N``: axes of maps and options of commands."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import UnitError
from .units import NUMBER, Kind, parse

RANGE_FORM = 'LO:HI:N, as in "10:40 mg/cm^2:61"'
"""How a range is written."""

_RANGE = re.compile(r"\s*([^:]+):([^:]+):\s*(\d{1,9})\s*(?::\s*(log|lin))?\s*")


@dataclass(frozen=True)
class Range:
    """Equally spaced values between two ends that belong to it.

    Attributes
    ----------
    low, high : float
        SI; low is at most high.
    count : int
        How many values, at least 1.
    log : bool
        Whether their logarithms are equally spaced.
    """

    low: float
    high: float
    count: int
    log: bool = False

    @property
    def values(self) -> NDArray[np.float64]:
        """The values, shape (count,), SI."""
        return (np.geomspace if self.log else np.linspace)(self.low, self.high, self.count)


def parse_range(text: str, kind: Kind, unit: str = "") -> Range:
    """Read a range such as ``"10:40 mg/cm^2:61"``, with ``:log`` at the end for logarithmic spacing.

    Parameters
    ----------
    text : str
        Both ends and the number of values. The unit of the first end may be left out.
    kind : Kind
        What is expected.
    unit : str
        Unit of ends without one; default: a unit is required, as in `parse`.

    Raises
    ------
    UnitError
        Not a range, an end that `parse` refuses, the first above the second, or no value at all.

    Examples
    --------
    >>> from solidstack.units import AREAL_MASS
    >>> parse_range("10:40 mg/cm^2:4", AREAL_MASS).values.round(3).tolist()
    [0.1, 0.2, 0.3, 0.4]
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        msg = f'"{text}" is not a range; write {RANGE_FORM}'
        raise UnitError(msg)
    first, last, count = match[1].strip(), match[2].strip(), int(match[3])
    unit = re.sub(rf"^{NUMBER}\s*", "", last) or unit
    first, last = (f"{end} {unit}".strip() if re.fullmatch(NUMBER, end) else end for end in (first, last))
    low, high, log = parse(first, kind), parse(last, kind), match[4] == "log"
    if low > high or (log and low <= 0.0):
        msg = f'"{first}" to "{last}": the first value must be below the second{" and above 0" if log else ""}'
        raise UnitError(msg)
    if count < 1:
        msg = f'"{text}" has no values; write {RANGE_FORM}'
        raise UnitError(msg)
    return Range(low, high, count, log)
