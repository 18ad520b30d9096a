"""What to know before a spectrum is trusted, as values: of what kind, about what, and in words."""

from dataclasses import dataclass
from enum import StrEnum


class Concern(StrEnum):
    """What a caution is about."""

    ROWS = "rows without a number"
    REPEATED = "repeated rows"
    FREQUENCIES = "frequencies measured more than once"
    CUT = "end of the window"
    LONE = "single points left out"
    INDUCTANCE = "inductance of the leads"
    KRAMERS_KRONIG = "Kramers-Kronig relations"
    MISFIT = "deviation of the circuit"
    UNDETERMINED = "undetermined parameters"
    LINE = "transmission line of a composite"
    SUM = "only a sum is known"
    BEYOND = "arc with its top outside the window"
    ASSIGNMENT = "electrolyte or interface"
    EXTRAPOLATED = "resistance beyond the window"
    LEADS = "resistance of the leads"
    TEMPERATURE = "no temperature"
    TORTUOSITY = "tortuosity factor below 1"


@dataclass(frozen=True)
class Caution:
    """A caution of an analysis.

    Attributes
    ----------
    concern : Concern
    words : str
        What people read.
    subject : str
        What it is about, as an arc or a circuit. Cautions of the same concern and subject differ in their numbers only.
    """

    concern: Concern
    words: str
    subject: str = ""
