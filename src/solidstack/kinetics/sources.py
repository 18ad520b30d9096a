"""Where the parameters of a simulation are from, and what is doubtful about them."""

from dataclasses import dataclass
from typing import Any

from ..constants import ZERO_CELSIUS
from ..materials import Conductivity, Entry
from ..units import Unit

NEAR = 10.0
"""Temperature, K, from that of a value within which it is used without an activation energy and without a warning."""

UNKNOWN = (0.5, 2.0)
"""Factors on a value that was not measured and of which no range is known."""

GIVEN = "given in the design"
"""Source of a value of the design file."""


@dataclass(frozen=True)
class Sourced:
    """A parameter as it is used, with its source.

    Attributes
    ----------
    what : str
        Material and property.
    value : float
        SI, at the design's temperature; a curve's at the stoichiometry 1/2.
    unit : Unit
        To show it in.
    quality : str
        measured, derived, assumed, or given (in the design).
    source, note : str
    parameter : str
        Of `solidstack.kinetics.SENSITIVE`, which scales it; empty where none does.
    between : (float, float) or None
        What a value that was not measured may lie between.
    """

    what: str
    value: float
    unit: Unit
    quality: str
    source: str
    note: str = ""
    parameter: str = ""
    between: tuple[float, float] | None = None

    @property
    def is_doubtful(self) -> bool:
        """Whether nobody measured it."""
        return bool(self.parameter) and self.quality in ("assumed", "derived")

    @property
    def factors(self) -> tuple[float, float]:
        """Ends of its range over the value; half and twice where no range is known."""
        if self.between is None:
            return UNKNOWN
        return self.between[0] / self.value, self.between[1] / self.value

    @property
    def text(self) -> str:
        """The value with its unit."""
        return f"{self.unit.of(self.value):.4g} {self.unit.label}".strip()


class Ledger:
    """Keeps where each parameter is from, and the warnings.

    Parameters
    ----------
    temperature : float
        Of the design, K.

    Attributes
    ----------
    sources : list of Sourced
    warnings : list of str
    far : list of str
        What has no activation energy although its value is of another temperature.
    """

    def __init__(self, temperature: float) -> None:
        self.temperature = temperature
        self.sources: list[Sourced] = []
        self.warnings: list[str] = []
        self.far: list[str] = []

    def entry(self, what: str, value: float, unit: Unit, entry: Entry, more: str = "", *, parameter: str = "") -> None:
        """Note a value that an entry of a material gives, and warn where its temperature is far."""
        quality = "given" if entry.source == GIVEN else entry.quality
        text = "; ".join(filter(None, (more, entry.note)))
        between = getattr(entry, "between", None)
        self.sources.append(Sourced(what, float(value), unit, quality, entry.source, text, parameter, between))
        reference = getattr(entry, "temperature", None)
        curve = getattr(entry, "curve", None)
        if reference is None or entry.source == GIVEN or getattr(curve, "depends_on_temperature", False):
            return
        if isinstance(entry, Conductivity) and entry.range is not None:
            if not entry.covers(self.temperature):
                here = f"{self.temperature - ZERO_CELSIUS:g} degC"
                self.warnings.append(f"{what} is known at {entry.range_text()}, not at {here}")
        elif getattr(entry, "activation_energy", 0.0) is None and abs(reference - self.temperature) > NEAR:
            self.far.append(f"{what} ({reference - ZERO_CELSIUS:g} degC)")

    def design(self, what: str, value: Any, unit: Unit) -> None:
        """Note a value that the design gives; None: it gives none."""
        if value is not None:
            self.sources.append(Sourced(what, float(value), unit, "given", GIVEN))
