"""What to know before a fitted spectrum is trusted: its window, its circuit, its arcs, its conductivity."""

from ..circuits import Fit
from ..result import Fitted
from ..window import NOISE, hertz
from .assignment import Assignment, is_unknown
from .cautions import Caution, Concern
from .choice import BARE, has_line, is_determined
from .prepared import Prepared
from .spectrum import Floats

LEADS = 1.0
"""ohm, the size of leads and contacts."""
MISFIT = 1.3
"""Ratio of the deviation of a circuit to that of the Kramers-Kronig relations (each with its degrees of freedom) above
which another circuit may be closer."""


def review(prepared: Prepared, fit: Fit, parts: Assignment, values: dict[str, Fitted]) -> tuple[Caution, ...]:
    """Everything to know before the values are trusted, from the points to the conductivity."""
    return (
        *prepared.cautions,
        *_of_window(prepared),
        *_of_fit(prepared, fit),
        *_of_line(prepared, fit),
        *_of_arcs(fit, parts, values, prepared.inside[0]),
        *parts.doubts,
        *_of_values(prepared, fit, parts, values),
    )


def _of_window(prepared: Prepared) -> list[Caution]:
    window, frequency = prepared.window, prepared.frequency
    f, _ = prepared.inside
    cautions = []
    for side, edge, cut in (("above", window.high, frequency > f.max()), ("below", window.low, frequency < f.min())):
        if edge.is_cut:
            end = hertz(f.max() if side == "above" else f.min())
            words = f"{int(cut.sum())} points {side} {end} were cut: {edge}"
            cautions.append(Caution(Concern.CUT, words, f"{side}: {', '.join(edge.causes)}"))
    if window.lone.any():
        lone = ", ".join(hertz(value) for value in frequency[window.lone])
        words = f"left out, because they deviate from their neighbours by more than noise: {lone}"
        cautions.append(Caution(Concern.LONE, words, str(int(window.lone.sum()))))
    if window.inductive:
        cautions.append(Caution(Concern.INDUCTANCE, "the inductance of the leads is part of the circuit (L0)"))
    return cautions


def _of_fit(prepared: Prepared, fit: Fit) -> list[Caution]:
    check = prepared.check
    cautions = []
    if check.breach is not None:
        cautions.append(Caution(Concern.KRAMERS_KRONIG, check.verdict, check.breach))
    if fit.deviation > max(MISFIT * check.scatter, NOISE):
        words = (
            f"the circuit {fit.circuit} deviates from the spectrum by {100.0 * fit.deviation:.1f} %, the "
            f"Kramers-Kronig relations by {100.0 * check.scatter:.1f} %: another circuit may be closer"
        )
        cautions.append(Caution(Concern.MISFIT, words, str(fit.circuit)))
    if fit.undetermined or fit.at_bound:
        names = ", ".join(dict.fromkeys([*fit.undetermined, *fit.at_bound]))
        words = f"the spectrum does not determine {names}; use a simpler circuit or a wider frequency range"
        cautions.append(Caution(Concern.UNDETERMINED, words, names))
    return cautions


def _of_line(prepared: Prepared, fit: Fit) -> list[Caution]:
    """Where the kind of cell was taken from the spectrum: how it compares with a transmission line."""
    others = [other for other in prepared.fits if has_line(other) != has_line(fit) and is_determined(other)]
    if not prepared.automatic or not others:
        return []
    other = min(others, key=lambda candidate: candidate.bic)
    subject = f"{fit.circuit}, {other.circuit}"
    if has_line(fit):
        words = (
            f"the spectrum looks like the transmission line of a composite: the information criterion of "
            f"{fit.circuit} is {other.bic - fit.bic:.0f} lower than that of {other.circuit}. Confirm with --circuit "
            "composite, or use --circuit blocking if it is an electrolyte between blocking electrodes"
        )
        return [Caution(Concern.LINE, words, subject)]
    words = (
        f"the spectrum looks somewhat more like the transmission line of a composite, {other.circuit}, than like "
        f"{fit.circuit}; if it is a composite, use --circuit composite"
    )
    return [Caution(Concern.LINE, words, subject)] if other.bic < fit.bic - BARE else []


def _of_arcs(fit: Fit, parts: Assignment, values: dict[str, Fitted], f: Floats) -> list[Caution]:
    """Arcs whose top is outside the window, among those that the spectrum determines."""
    cautions = []
    if parts.together:
        arcs = " and ".join(name for name in parts.together if name in dict(parts.arcs))
        whole = " and ".join(parts.together)
        known = f"only the sum of {whole} is known" if len(parts.together) > 1 else "it may include the interfaces"
        words = (
            f"the arc of {arcs} relaxes above {hertz(f.max())}, the end of the window: {known}, so neither resistance "
            "nor conductivity of the electrolyte can be determined; measure to higher frequency"
        )
        cautions.append(Caution(Concern.SUM, words, f"{arcs}, {whole}"))
    for arc in parts.arcs:
        top = values[f"frequency_{arc[0].removeprefix('R')}"].value
        if arc[0] not in parts.together and not is_unknown(fit, arc) and not f.min() <= top <= f.max():
            side = "above" if top > f.max() else "below"
            words = f"the arc of {arc[0]} has its top at {hertz(top)}, {side} the window: it is extrapolated"
            cautions.append(Caution(Concern.BEYOND, words, f"{arc[0]} {side}"))
    return cautions


def _of_values(prepared: Prepared, fit: Fit, parts: Assignment, values: dict[str, Fitted]) -> list[Caution]:
    _, z = prepared.inside
    in_series = [child.name for child in fit.circuit.root.children]
    first = [] if parts.together else [name for name in parts.electrolyte if name in in_series]
    cautions = []
    if first and z.real.min() > 1.5 * fit[first[0]]:
        words = (
            f"{first[0]} is extrapolated: the smallest real part in the window is {z.real.min():.3g} ohm; measure to "
            "higher frequency"
        )
        cautions.append(Caution(Concern.EXTRAPOLATED, words, first[0]))
    if parts.family == "blocking":
        if "resistance" in values and values["resistance"].value < LEADS:
            words = (
                f"{values['resistance'].value:.2g} ohm is about the resistance of leads and contacts; subtract that of "
                "a short circuit"
            )
            cautions.append(Caution(Concern.LEADS, words))
        if "conductivity" in values and prepared.record.temperature is None:
            words = "the temperature is not known: a conductivity without it is not a material property"
            cautions.append(Caution(Concern.TEMPERATURE, words))
    if "tortuosity_factor" in values and values["tortuosity_factor"].high < 1.0:
        words = (
            "the tortuosity factor is below 1, which no structure has: check thickness, area, volume fraction and the "
            "conductivity of the electrolyte"
        )
        cautions.append(Caution(Concern.TORTUOSITY, words))
    return cautions
