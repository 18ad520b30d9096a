"""A spectrum with everything that does not depend on the circuit: window, candidate fits, Kramers-Kronig check."""

from dataclasses import dataclass

from ..circuits import Circuit, Fit
from ..kramers_kronig import Check
from ..kramers_kronig import check as check_kramers_kronig
from ..records import Record
from ..window import Window, select
from .cautions import Caution
from .choice import candidates, fit_all, parsed, proposed
from .spectrum import Complex, Floats, Options, points, require, require_sign


@dataclass(frozen=True)
class Prepared:
    """A spectrum with everything that does not depend on the circuit that is chosen.

    Attributes
    ----------
    record : Record
    options : Options
    frequency, measured : array, shape (n,)
        Hz, falling; ohm.
    window : Window
    fits : tuple of Fit
        The best first.
    cautions : tuple of Caution
        What was wrong with the points.
    check : Check
    automatic : bool
        Whether the kind of cell was taken from the spectrum.
    """

    record: Record
    options: Options
    frequency: Floats
    measured: Complex
    window: Window
    fits: tuple[Fit, ...]
    cautions: tuple[Caution, ...]
    check: Check
    automatic: bool

    @property
    def inside(self) -> tuple[Floats, Complex]:
        """Frequencies and impedances of the window."""
        return self.frequency[self.window.used], self.measured[self.window.used]


def prepare(record: Record, options: Options) -> Prepared:
    """Find the window, and fit every circuit that may describe the spectrum.

    Raises
    ------
    MeasurementError
        As `solidstack.measure.impedance.analyse`.
    """
    require(options, record.source)
    frequency, measured, cautions = points(record)
    require_sign(frequency, measured, options, record.source)
    names = candidates(options)
    circuits = parsed(names)
    inductive = len(circuits) == 1 and any(element.kind == "L" for element in circuits[0].root.elements())
    window = _window(record, options, frequency, measured, circuits, inductive=inductive)
    f, z = frequency[window.used], measured[window.used]
    automatic = not circuits
    if automatic:
        names = proposed(f, z)
    leads = window.inductive and not inductive
    fits = fit_all(parsed(names, leads=leads), f, z, automatic=automatic, source=record.source)
    check = check_kramers_kronig(f, z)
    return Prepared(record, options, frequency, measured, window, tuple(fits), cautions, check, automatic)


def _window(
    record: Record, options: Options, frequency: Floats, measured: Complex, circuits: tuple[Circuit, ...], *,
    inductive: bool,
) -> Window:  # fmt: skip
    ends = {"low": options.low, "high": options.high}
    window = select(frequency, measured, **ends, inductive=inductive, source=record.source)
    if not inductive and window.high.causes and len(circuits) != 1:
        # more points with an inductance than without: it is that of the leads
        other = select(frequency, measured, **ends, inductive=True, source=record.source)
        if other.used.sum() >= window.used.sum() + 3:
            return other
    return window
