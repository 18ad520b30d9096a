"""How sure a simulated figure is: its range over the one value that nobody measured on which it hangs most."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import SolidstackError
from ..kinetics import LEAST_NUMBER, CellParameters, Sourced
from ..progress import Listener, Teller
from ..uncertain import Uncertain

Figures = Mapping[str, float]
BELOW_ONE = ("transference_number", "current_fraction")
"""Parameters that stay below 1."""


@dataclass(frozen=True)
class Swing:
    """Figures at both ends of the range of one value that nobody measured.

    Attributes
    ----------
    doubt : Sourced
    ends : two mappings of str to float
        Figures by name, SI.
    """

    doubt: Sourced
    ends: tuple[Figures, Figures]

    @property
    def words(self) -> str:
        """The value with its range."""
        doubt = self.doubt
        if doubt.between is None:
            span = "from half to twice"
        else:
            span = " to ".join(f"{doubt.unit.of(end):.3g}" for end in doubt.between)
        return f"{doubt.what} ({doubt.quality}: {doubt.text}; {span})"


@dataclass(frozen=True)
class Certainty:
    """Figures of a simulation, and how they swing with what nobody measured.

    Attributes
    ----------
    base : mapping of str to float
        Figures by name, SI, nothing changed.
    swings : tuple of Swing
    """

    base: Figures
    swings: tuple[Swing, ...]

    def of(self, name: str, value: float | None = None, end_reason: str = "", *, error: float = 0.0) -> Uncertain:
        """Return a figure with the widest range that one value gives it.

        Parameters
        ----------
        name : str
            Of the figures.
        value : float, optional
            In place of the base's, which the ranges are related to; SI.
        end_reason : str
        error : float
            Of the value itself (size of voxels, spread over seeds), SI, by which the range is wider.
        """
        base = self.base[name]
        value = base if value is None else value
        widest, ends = None, (base, base)
        for swing in self.swings:
            found = [base, *(figures[name] for figures in swing.ends if name in figures)]
            if max(found) - min(found) > ends[1] - ends[0]:
                widest, ends = swing, (min(found), max(found))
        scale = value / base if base else 1.0
        low, high = ends[0] * scale - error, ends[1] * scale + error
        matters = widest is not None and ends[1] - ends[0] > 1e-3 * abs(base)
        words = widest.words if widest is not None and matters else ""
        return Uncertain(value, max(low, 0.0), high, end_reason, words)


def ranged(doubt: Sourced, parameters: CellParameters) -> tuple[float, float]:
    """Factors from a value to the ends of its range; a number below 1 stays there."""
    low, high = doubt.factors
    if doubt.parameter in BELOW_ONE:
        high = min(high, (1.0 - LEAST_NUMBER) / float(getattr(parameters.electrolyte, doubt.parameter)))
    return low, high


def certainty(
    figures: Callable[[CellParameters], Figures], parameters: CellParameters, progress: Listener | None = None
) -> Certainty:
    """Compute figures, and again at both ends of the range of every value that nobody measured.

    Parameters
    ----------
    figures : callable
        Computes figures by name, SI, from parameters.
    parameters : CellParameters
        Where a value has no stated range, it is halved and doubled.
    progress : callable, optional
        Counts simulations.
    """
    doubts = parameters.doubtful
    tell = Teller(progress, of=1 + len(doubts))
    tell(0, "nothing changed")
    base = figures(parameters)
    swings = []
    for number, doubt in enumerate(doubts, 1):
        tell(number, doubt.what)
        ends = [_or_none(figures, parameters, doubt.parameter, factor) for factor in ranged(doubt, parameters)]
        swings.append(Swing(doubt, (ends[0], ends[1])))
    return Certainty(base, tuple(swings))


def _or_none(
    figures: Callable[[CellParameters], Figures], parameters: CellParameters, name: str, factor: float
) -> Figures:
    """Figures with one parameter multiplied; none where that cannot be simulated."""
    try:
        return figures(parameters.changed(name, factor))
    except SolidstackError:
        return {}
