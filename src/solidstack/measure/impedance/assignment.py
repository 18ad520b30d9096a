"""Which resistances belong to the electrolyte, which to the interfaces, and where that is in doubt."""

from dataclasses import dataclass

import numpy as np

from ..circuits import Fit, Node
from .cautions import Caution, Concern
from .spectrum import Complex, Floats

BULK_CAPACITANCE = 1e-7 / 1e-4
"""F/m2. An arc of less belongs to the electrolyte (grains have 1e-12 F/cm, their boundaries 1e-11 to 1e-8 F/cm, in a
pellet of 1 mm), one of more to an interface (1e-7 to 1e-5 F/cm2; Irvine, Sinclair and West 1990,
doi:10.1002/adma.19900020304)."""
MOST_INTERFACE = 1e-3 / 1e-4
"""F/m2. An arc of more is not a double layer but storage, such as an electrode or diffusion."""
NEAR = 10.0
"""Factor about the limit between electrolyte and interface within which an arc may be either."""


def is_open(node: Node) -> bool:
    """Whether no direct current passes."""
    if node.kind == "series":
        return any(map(is_open, node.children))
    if node.kind == "parallel":
        return all(map(is_open, node.children))
    return node.kind in ("C", "CPE", "Wo", "TL")


def blocking(fit: Fit, frequency: Floats) -> Complex:
    """Impedance of the blocking elements in series, which no sum of resistances approaches at low frequency."""
    root, values = fit.circuit.root, fit.values
    s = 2j * np.pi * frequency
    total = np.zeros(frequency.size, complex)
    for child in root.children if root.kind == "series" else (root,):
        if child.kind == "C":
            total += 1.0 / (s * values[child.name])
        elif child.kind in ("CPE", "TL"):
            total += 1.0 / (values[f"{child.name}_Q"] * s ** values[f"{child.name}_alpha"])
        elif child.kind == "Wo":
            total += values[f"{child.name}_R"] / (s * values[f"{child.name}_tau"])
    return total


@dataclass(frozen=True)
class Assignment:
    """What the resistances of a circuit belong to.

    Slow arcs belong to neither electrolyte nor interface: storage, and those whose top is below the window.

    Attributes
    ----------
    electrolyte, interface : list of str
        Names of resistances.
    arcs : list of (str, str)
        Names of resistance and capacitive element.
    rail : str
        Name of the transmission line, or empty.
    family : str
        Kind of cell.
    together : list of str
        Resistances of which only the sum is known.
    doubts : list of Caution
        Arcs that may belong to something else.
    """

    electrolyte: list[str]
    interface: list[str]
    arcs: list[tuple[str, str]]
    rail: str
    family: str
    together: list[str]
    doubts: list[Caution]


def assign(fit: Fit, area: float | None, frequency: Floats, kind: str | None) -> Assignment:
    """Assign the resistances of a fitted circuit.

    Parameters
    ----------
    fit : Fit
    area : float or None
        m2.
    frequency : array, shape (n,)
        Of the window, Hz.
    kind : str or None
        Circuit or kind of cell that the user asked for.
    """
    root = fit.circuit.root
    children = root.children if root.kind == "series" else (root,)
    rails = [child.name for child in children if child.kind in ("TL", "TLR")]
    plain = [child.name for child in children if child.kind == "R"]
    electrolyte, interface = list(plain), list[str]()
    together: dict[str, list[Caution]] = {}
    doubts: list[Caution] = []
    arcs = []
    limit = BULK_CAPACITANCE * (area or 1e-4)
    for child in children:
        resistors = [element for element in child.elements() if element.kind == "R"] if child.kind == "parallel" else []
        stores = [element for element in child.elements() if element.kind in ("C", "CPE")] if resistors else []
        if len(resistors) != 1 or len(stores) != 1:
            interface += [element.name for element in resistors]
            continue
        arc = resistors[0].name, stores[0].name
        arcs.append(arc)
        capacitance = _capacitance(fit, *arc)
        top = 0.5 / np.pi / (capacitance * fit[arc[0]])
        # the fastest process is that of the electrolyte
        fastest = not electrolyte
        if capacitance < limit or fastest:
            electrolyte.append(arc[0])
        elif (area is None or capacitance < MOST_INTERFACE * area) and top >= frequency.min():
            interface.append(arc[0])
        else:
            continue
        clear = not is_unknown(fit, arc) and capacitance < limit / NEAR
        doubt = _doubt(arc[0], capacitance, area, interface=arc[0] in interface, fastest=fastest)
        if top > frequency.max() and not clear:
            # what relaxes above the window appears as a resistance there, whatever it belongs to
            together[arc[0]] = doubt * (not is_unknown(fit, arc))
        elif not is_unknown(fit, arc):
            doubts += doubt
    seen = sum(fit[name] for name in interface if name not in together)
    if len(together) == 1 and not plain and seen >= sum(fit[name] for name in together):
        # the interfaces are in the window, so what precedes them is the electrolyte, as if it were a resistance alone
        doubts += next(iter(together.values()))
        together = {}
    family = "composite" if rails else "blocking" if is_open(root) else "interface"
    if family == "blocking" and kind is None and not {resistance for resistance, _ in arcs} <= set(electrolyte):
        family = "electrode"
    sums = [*plain, *together] if together else []
    return Assignment(electrolyte, interface, arcs, rails[0] if rails else "", family, sums, doubts)


def is_unknown(fit: Fit, arc: tuple[str, str]) -> bool:
    """Whether the spectrum does not determine an arc."""
    return any(name.split("_")[0] in arc for name in (*fit.undetermined, *fit.at_bound))


def _doubt(resistance: str, capacitance: float, area: float | None, *, interface: bool, fastest: bool) -> list[Caution]:
    """A caution where the capacitance of an arc is near the limit, or its area is not known."""
    assigned, other = ("the interfaces", "the electrolyte")[:: 1 if interface else -1]
    limit = f"{_farad(BULK_CAPACITANCE * 1e-4)}/cm2"
    if area is None:
        words = (
            f"the arc of {resistance} is assigned to {assigned} by its capacitance, {_farad(capacitance)}, as if the "
            f"area were 1 cm2 (the limit is {limit}), since the area is not known; give it with --area"
        )
        return [] if fastest else [Caution(Concern.ASSIGNMENT, words, f"{resistance}: {assigned}, no area")]
    own = capacitance / area
    if own <= BULK_CAPACITANCE / NEAR or (own >= BULK_CAPACITANCE * NEAR and not fastest):
        return []
    where = "near" if own < BULK_CAPACITANCE * NEAR else "far above"
    words = (
        f"the arc of {resistance} is assigned to {assigned}, but its capacitance, {_farad(own * 1e-4)}/cm2, is {where} "
        f"the limit between electrolyte and interfaces, {limit}: it may belong to {other}"
    )
    return [Caution(Concern.ASSIGNMENT, words, f"{resistance}: {assigned}, {where}")]


def _farad(capacitance: float) -> str:
    """Capacitance in words, as 45 uF."""
    for factor, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n")):
        if capacitance >= 0.9995 * factor:
            return f"{capacitance / factor:.3g} {prefix}F"
    return f"{capacitance * 1e12:.3g} pF"


def _capacitance(fit: Fit, resistance: str, store: str) -> float:
    r"""Capacitance of an arc, :math:`Q^{1/\alpha} R^{1/\alpha-1}` (Hsu and Mansfeld 2001, doi:10.5006/1.3280607)."""
    if store in fit.circuit.names:
        return fit[store]
    q, alpha = fit[f"{store}_Q"], fit[f"{store}_alpha"]
    return float(q ** (1.0 / alpha) * fit[resistance] ** (1.0 / alpha - 1.0))
