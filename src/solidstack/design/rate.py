"""Currents as text: C-rates, per mass of active material, per area of electrode."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from .. import units
from ..errors import UnitError
from ..quantities import reject

Basis = Literal["C", "A/kg", "A/m^2"]

_RATE_EXAMPLES = '"C/10", "0.1C", "18 mA/g" (of active material) or "0.3 mA/cm^2" (of electrode)'
_C_RATE = re.compile(rf"\s*({units.NUMBER})?\s*C\s*(?:/\s*({units.NUMBER}))?\s*")
_BOUNDS: dict[Basis, tuple[float, units.Kind | None]] = {
    "C": (1e4, None),
    "A/kg": (1e6, units.SPECIFIC_CURRENT),
    "A/m^2": (1e6, units.CURRENT_DENSITY),
}


@dataclass(frozen=True)
class Rate:
    """A current, never negative: the kind of step decides whether it charges.

    Parameters
    ----------
    value : float
        In units of the basis; above 0, up to 1e4 (C) or 1e6 (A/kg, A/m^2).
    basis : str
        "C" (1C is a current per mass of active material, see `solidstack.electrode.rated_one_c`), "A/kg" of active
        material, or "A/m^2" of electrode.

    Raises
    ------
    ValueError
        Out of bounds, or another basis.
    """

    value: float
    basis: Basis

    def __post_init__(self) -> None:
        if self.basis not in _BOUNDS:
            msg = f'basis "{self.basis}" is not recognised; choose one of {", ".join(_BOUNDS)}'
            raise ValueError(msg)
        most, _ = _BOUNDS[self.basis]
        if not 0.0 < self.value <= most:  # also refuses what is not finite
            msg = f"a current has to be above 0 and at most {most:g} {self.basis}; its direction is the step's kind"
            raise ValueError(msg)

    def current_density(self, active_loading: float, one_c: float) -> float:
        """Current per area of electrode, A/m2.

        Parameters
        ----------
        active_loading : float
            Active material per area of electrode, kg/m2.
        one_c : float
            Current per mass of active material at 1C, A/kg.

        Examples
        --------
        C/10 of 180 mA/g with 20 mg/cm2 of active material is 0.36 mA/cm2.

        >>> round(Rate(0.1, "C").current_density(0.2, 180.0), 6)
        3.6
        """
        per = {"C": one_c * active_loading, "A/kg": active_loading, "A/m^2": 1.0}
        return self.value * per[self.basis]

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read text such as "C/10", "0.1C", "18 mA/g" or "0.3 mA/cm^2".

        C alone is a C-rate here, never a coulomb.

        Raises
        ------
        UnitError
            Another unit, no number, or out of bounds.

        Examples
        --------
        >>> Rate.parse("C/10"), Rate.parse("0.3 mA/cm^2")
        (Rate(value=0.1, basis='C'), Rate(value=3.0, basis='A/m^2'))
        """
        try:
            return cls(*_rate(text))
        except UnitError:
            raise
        except (ValueError, OverflowError) as error:
            msg = f'"{text}" is out of bounds: {error}'
            raise UnitError(msg) from None

    def __str__(self) -> str:
        """Write it as text that `parse` reads back to the very same rate."""
        _, kind = _BOUNDS[self.basis]
        if kind is not None:
            return units.text(self.value, kind)
        whole = round(1.0 / self.value)
        return f"C/{whole}" if 1 < whole < 10_000 and 1.0 / whole == self.value else f"{self.value!r}C"


def _rate(text: str) -> tuple[float, Basis]:
    match = _C_RATE.fullmatch(text)
    if match is not None:
        number, divisor = float(match[1] or 1.0), float(match[2] or 1.0)
        if divisor == 0.0:
            msg = f'"{text}" divides by 0; write for example "C/10"'
            raise UnitError(msg)
        return number / divisor, "C"
    if (close := _C_RATE.fullmatch(text.replace("c", "C"))) and ("cm" not in text) and close:
        msg = f'"{text}" is not a current; a C-rate has a capital C, as in "{text.replace("c", "C").strip()}"'
        raise UnitError(msg)
    try:
        return units.parse(text, units.SPECIFIC_CURRENT), "A/kg"
    except UnitError as error:
        try:
            return units.parse(text, units.CURRENT_DENSITY), "A/m^2"
        except UnitError:
            # the first error knows the number and the unit; only the expected units are more here
            reason = error.problems[0].message
    for cut in ("; expected ", " (expected ", "; write "):
        reason = reason.partition(cut)[0]
    msg = f"{reason}; write a current such as {_RATE_EXAMPLES}"
    raise UnitError(msg) from None


@dataclass(frozen=True)
class _RateText:
    """A field whose value is a `Rate`; text is accepted in files and in Python."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.validate,
            # as text in Python as well, where pydantic would take the dataclass apart
            serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="unless-none"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        text = "current: a C-rate, per mass of active material, or per area of electrode; above 0"
        return {"type": "string", "description": text, "examples": ["C/10", "18 mA/g", "0.3 mA/cm^2"]}

    def example(self) -> str:
        """Return an example as it is written in a file."""
        return '"C/10"'

    @staticmethod
    def validate(value: Any) -> Rate:
        if isinstance(value, Rate):
            return value
        if not isinstance(value, str):
            msg = f"is {value!r}, a number without a basis; write text such as {_RATE_EXAMPLES}"
            raise reject(msg)
        try:
            return Rate.parse(value)
        except UnitError as error:
            raise reject(error.problems[0].message) from None


Current = Annotated[Rate, _RateText()]
