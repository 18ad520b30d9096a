"""What a reader returns: columns under the names in the file, and what the file says about the sample."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import MeasurementError

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]
"""Numbers, or text as objects, by name."""
TECHNIQUES = (
    (r"impedance|\bp?g?eis\b|eispot|eisgalv|eismon|hybrideis", "impedance"),
    (r"cyclic volta|\bcva?\b|multi.?cv", "cyclic-voltammetry"),
    (r"linear sweep|\blsv\b|linear polarization", "linear-sweep"),
    (r"galvanostatic cycling|modulo bat|\bgcpl|pwrcharge|pwrdischarge|pwr800|battery capacity", "cycling"),
    (r"chronoampero|\bca\b|chronoa", "chronoamperometry"),
    (r"chronopotentio|\bcp\b|chronop", "chronopotentiometry"),
    (r"open circuit|\bocv\b|corpot", "open-circuit"),
)


@dataclass
class Raw:
    """Columns under the names in the file, and what it says about the sample (SI).

    `lines` are the line numbers of the rows in the file, and `units` a line of units, if there are any.
    """

    columns: Columns
    source: str
    technique: str = ""
    instrument: str = ""
    area: float | None = None
    thickness: float | None = None
    mass: float | None = None
    temperature: float | None = None
    warnings: list[str] = field(default_factory=list)
    lines: NDArray[np.int64] | None = None
    units: list[str] = field(default_factory=list)
    keep: bool = True

    def remarks(self, text: str) -> None:
        """Take the temperature from remarks, with a warning: they may refer to another step than the measurement."""
        self.temperature = temperature_in(text)
        if self.temperature is not None:
            self.warnings.append(
                f"temperature {self.temperature - 273.15:.4g} °C is taken from the remarks in the file"
            )

    def at(self, row: int) -> str:
        """The place of a row in words."""
        return f"line {int(self.lines[row])}" if self.lines is not None else f"point {row + 1}"


def technique(text: str) -> str:
    """The technique behind the name that a program gives it.

    Examples
    --------
    >>> technique("Galvano Electrochemical Impedance Spectroscopy"), technique("CHRONOA"), technique("Wait")
    ('impedance', 'chronoamperometry', '')
    """
    return next((name for pattern, name in TECHNIQUES if re.search(pattern, text.casefold())), "")


def temperature_in(text: str) -> float | None:
    """The temperature in a remark, K; None unless there is exactly one.

    Examples
    --------
    >>> temperature_in("cell 4, 25 °C"), temperature_in("dried at 80 °C, measured at 25 °C")
    (298.15, None)
    """
    degrees = set(re.findall(r"(-?\d+(?:[.,]\d+)?)\s*(?:°|º|deg\.?\s?)\s*C\b", text))
    if len(degrees) != 1:
        return None
    kelvin = float(degrees.pop().replace(",", ".")) + 273.15
    return round(kelvin, 6) if 100.0 < kelvin < 2000.0 else None


def no_points(source: str) -> MeasurementError:
    """The error for a table without a row."""
    msg = "contains no measured points; export it again from the software of the instrument"
    return MeasurementError(msg, source=source)


def no_known_column(names: Sequence[str], source: str) -> MeasurementError:
    """The error for a table without any column that a measurement has."""
    there = ", ".join(f'"{name}"' for name in names[:20])
    msg = (
        f'has no known column; it has {there}. Name the columns, as in --column "Voltage / V=Ewe" '
        'or --column "Real Impedance / ohm=R"'
    )
    return MeasurementError(msg, source=source)
