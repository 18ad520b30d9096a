"""A number that says how sure it is: its range, what the range hangs on, and why the computation ended."""

import math
from dataclasses import dataclass
from typing import Any

from .units import Unit


@dataclass(frozen=True)
class Uncertain:
    """A simulated figure with its range.

    Attributes
    ----------
    value : float
        SI.
    low, high : float
        Ends of its range, SI, which holds the value.
    end_reason : str
        Why what it was read off ended.
    hinges_on : str
        The one value that nobody measured on which it hangs most, with the range of that; empty without one.
    """

    value: float
    low: float
    high: float
    end_reason: str = ""
    hinges_on: str = ""

    @classmethod
    def sure(cls, value: float, end_reason: str = "") -> "Uncertain":
        """A figure that hangs on no assumption."""
        return cls(value, value, value, end_reason)

    def to_dict(self, unit: Unit) -> dict[str, Any]:
        """Return plain data in a unit; None where undefined."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        shown = {key: float(unit.of(number)) if math.isfinite(number) else None for key, number in numbers.items()}
        return {**shown, "end_reason": self.end_reason, "hinges_on": self.hinges_on}

    def text(self, unit: Unit, digits: str = ".3g") -> str:
        """Return the value with its range in a unit, as in ``187 (156 to 189)``.

        Examples
        --------
        >>> from solidstack.units import MAH_G
        >>> Uncertain(187 * 3600.0, 156 * 3600.0, 189 * 3600.0).text(MAH_G)
        '187 (156 to 189)'
        """
        low, value, high = (f"{unit.of(number):{digits}}" for number in (self.low, self.value, self.high))
        return value if low == value == high else f"{value} ({low} to {high})"
