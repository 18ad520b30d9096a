"""Which circuits are tried on a spectrum, which of them is chosen, and why."""

from collections.abc import Sequence

import numpy as np

from ...errors import MeasurementError
from ..circuits import Circuit, Fit, parse_circuit
from ..circuits import fit as fit_circuit
from .spectrum import Complex, Floats, Options

BARE, VERY_STRONG = 2.0, 10.0
"""Differences of the Bayesian information criterion that are not worth more than a bare mention, and that are very
strong evidence (Kass and Raftery 1995, doi:10.1080/01621459.1995.10476572). Below the first, the circuit with fewer
parameters is chosen; a circuit with parameters that the data do not determine has to be better by the second."""
FAMILIES: dict[str, tuple[str, ...]] = {
    "blocking": ("R0-CPE1", "p(R0,CPE0)-CPE1", "R0-p(R1,CPE1)-CPE2", "p(R0,CPE0)-p(R1,CPE1)-CPE2"),
    "interface": (
        "R0-p(R1,CPE1)", "R0-p(R1,CPE1)-W2", "R0-p(R1,CPE1)-Ws2", "R0-p(R1,CPE1)-p(R2,CPE2)",
        "p(R0,CPE0)-p(R1,CPE1)", "p(R0,CPE0)-p(R1,CPE1)-Ws2", "R0-p(R1,CPE1)-p(R2,CPE2)-W3",
        "R0-p(R1,CPE1)-p(R2,CPE2)-Ws3",
    ),
    "electrode": (
        "R0-p(R1,CPE1)-CPE2", "R0-p(R1,CPE1)-W2", "R0-p(R1,CPE1)-p(R2,CPE2)-W3", "R0-p(R1,CPE1)-p(R2,CPE2)-CPE3",
        "R0-p(R1,CPE1)-p(R2,CPE2)-p(R3,CPE3)-CPE4",
    ),
    "composite": ("TL1", "R0-TL1", "p(R0,CPE0)-TL1", "R0-p(R1,CPE1)-TL2", "R0-TLR1", "p(R0,CPE0)-TLR1"),
}  # fmt: skip
"""Circuits that are tried, by kind of cell: SS|SE|SS, Li|SE|Li, a cell with a storage electrode, a composite."""
LINES = ("R0-TL1", "p(R0,CPE0)-TL1")
"""Circuits of a composite that are tried with the others where the kind of cell is not given."""


def candidates(options: Options) -> tuple[str, ...]:
    """Circuits to try; none where the kind of cell has to be taken from the spectrum."""
    if options.circuit is None:
        is_composite = options.electrolyte_conductivity is not None or options.electrolyte_fraction is not None
        return FAMILIES["composite"] if is_composite else ()
    return FAMILIES.get(options.circuit.strip(), (options.circuit,))


def proposed(frequency: Floats, z: Complex) -> tuple[str, ...]:
    """Circuits proposed by the low frequencies: capacitive, blocking or composite; resistive, lithium electrodes."""
    last = np.argsort(frequency)[: max(3, z.size // 12)]
    phase = -float(np.degrees(np.angle(z[last]).mean()))
    if phase > 60.0:
        return (*FAMILIES["blocking"], *LINES)
    if phase < 20.0:
        return FAMILIES["interface"]
    return tuple(dict.fromkeys([*FAMILIES["interface"][:4], *FAMILIES["blocking"], *FAMILIES["electrode"], *LINES]))


def parsed(names: Sequence[str], *, leads: bool = False) -> tuple[Circuit, ...]:
    """The circuits of some names, with the inductance of the leads in series or not."""
    return tuple(parse_circuit(f"L0-{name}" if leads else name) for name in names)


def fit_all(circuits: Sequence[Circuit], frequency: Floats, z: Complex, *, automatic: bool, source: str) -> list[Fit]:
    """Fit every circuit that has fewer parameters than the points determine; the best first."""
    fits: list[Fit] = []
    for circuit in circuits:
        if len(circuit.names) + 2 <= 2 * frequency.size:
            # a circuit that contains another starts from its fit, and so is no worse
            inner = [fit for fit in fits if set(fit.circuit.names) < set(circuit.names)]
            start = min(inner, key=lambda fit: fit.bic).values if inner else None
            fits.append(fit_circuit(circuit, frequency, z, start=start))
    if not fits:
        msg = (
            f"the window contains {frequency.size} points, too few for {circuits[0]}; widen the window or choose a "
            "circuit with fewer elements"
        )
        raise MeasurementError(msg, source=source)
    return sorted(fits, key=lambda fit: rank(fit, automatic=automatic))


def is_determined(fit: Fit) -> bool:
    """Whether the data determine all parameters."""
    return not fit.undetermined and not fit.at_bound


def rank(fit: Fit, *, automatic: bool) -> float:
    """Information criterion, with a penalty on circuits that need strong evidence.

    These are the undetermined ones, and transmission lines where nobody said that the cell is a composite.
    """
    unasked = automatic and has_line(fit)
    return fit.bic + VERY_STRONG * ((not is_determined(fit)) + unasked)


def has_line(fit: Fit) -> bool:
    """Whether the circuit contains a transmission line."""
    return any(element.kind in ("TL", "TLR") for element in fit.circuit.root.elements())


def choose(fits: Sequence[Fit], *, automatic: bool) -> Fit:
    """The circuit with the fewest parameters among those that are about as good as the best."""
    ranks = [rank(fit, automatic=automatic) for fit in fits]
    near = [(len(fit.circuit.names), own, at) for at, (fit, own) in enumerate(zip(fits, ranks, strict=True))]
    return fits[min(entry for entry in near if entry[1] <= min(ranks) + BARE)[2]]
