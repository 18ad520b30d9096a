"""Audit of published figures: which of them cannot all be true, and what would reconcile them.

A stated figure represents all values that round to its digits. The figures obey products such as
energy = capacity x voltage, which are linear in logarithms, so whether all can be true is the feasibility of
a small linear program; leaving one figure free shows whether that one alone explains the contradiction.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from . import units
from .design import Design
from .design.schema import Published, Stated
from .errors import DesignError
from .quantities import annotations, measures
from .sheet import Sheet, evaluate

DESIGN_TOLERANCE = 0.03
"""Relative difference between a published figure, with its rounding, and the design that is worth reporting."""


SEARCHED = 300
"""Most sets of figures that are searched for contradictions."""


@dataclass(frozen=True)
class Relation:
    """A product of figures that lies between two numbers, mostly 1 and 1: a line of a linear program in logarithms."""

    text: str
    powers: Mapping[str, int]
    low: float = 1.0
    high: float = 1.0


def relations(series_cells: float = 1.0, delivered: float = 1.0) -> tuple[Relation, ...]:
    """Return the relations that the figures obey.

    Parameters
    ----------
    series_cells : float
        In a bipolar stack a side has several coatings in series.
    delivered : float
        Share of the positive's capacity that the negative lets the cell deliver. A stated areal capacity may be
        the positive's or the delivered one.
    """
    return (
        Relation("energy = capacity x average voltage", {"energy": -1, "capacity": 1, "average_voltage": 1}),
        Relation("specific energy = energy / mass", {"specific_energy": -1, "energy": 1, "mass": -1}),
        Relation("energy density = energy / volume", {"energy_density": -1, "energy": 1, "volume": -1}),
        Relation(
            "capacity = areal capacity x area x coated sides",
            {"capacity": -1, "areal_capacity": 1, "positive_area": 1, "coated_sides": 1},
            series_cells,
            series_cells / delivered,
        ),
        Relation(
            "areal capacity = loading x active share x specific capacity",
            {"areal_capacity": -1, "loading": 1, "active_share": 1, "specific_capacity": 1},
            1.0,
            1.0 / delivered,
        ),
        Relation("coated sides = 2 x bilayers", {"coated_sides": 1, "bilayers": -1}, *(2.0 * series_cells,) * 2),
    )


@dataclass(frozen=True)
class Claim:
    """A stated figure: the interval, SI, that its digits represent."""

    name: str
    text: str
    low: float
    high: float
    kind: units.Kind | None

    def show(self, value: float) -> str:
        """Return a value as text in the unit of the figure."""
        return f"{value:.4g}" if self.kind is None else f"{self.kind.shown.of(value):.4g} {self.kind.shown.symbol}"


@dataclass(frozen=True)
class Conflict:
    """Figures that cannot all be true, and what one of them would have to be.

    `settles` is whether each of the cures is compatible with all other stated figures, or only with those of this
    contradiction.
    """

    claims: tuple[Claim, ...]
    relations: tuple[str, ...]
    cures: tuple[str, ...]
    settles: bool

    def __str__(self) -> str:
        names = ", ".join(f"{claim.name.replace('_', ' ')} {claim.text}" for claim in self.claims)
        cure = f" Either {', or '.join(self.cures)}" if self.cures else " No single figure explains it"
        cure += "." if self.settles or not self.cures else " (which settles this contradiction but not the others)."
        return f"cannot all be true: {names} ({'; '.join(self.relations)}).{cure}"


@dataclass(frozen=True)
class Comparison:
    """A stated figure and the design's own."""

    claim: Claim
    design: float
    deviation: float

    @property
    def differs(self) -> bool:
        """Whether the design differs by more than rounding and `DESIGN_TOLERANCE`."""
        return abs(self.deviation) > DESIGN_TOLERANCE

    def __str__(self) -> str:
        words = f"{100 * self.deviation:+.1f} % beyond rounding" if abs(self.deviation) > 5e-4 else "agrees"
        name = self.claim.name.replace("_", " ")
        return f"{name}: stated {self.claim.text}, the design has {self.claim.show(self.design)} ({words})"


@dataclass(frozen=True)
class Audit:
    """Result of an audit."""

    source: str
    conflicts: tuple[Conflict, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def agrees(self) -> bool:
        """Whether there is no contradiction and no difference from the design."""
        return not self.conflicts and not any(item.differs for item in self.comparisons)

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as plain data."""
        return {
            "source": self.source,
            "agrees": self.agrees,
            "conflicts": [
                {
                    "claims": {claim.name: claim.text for claim in item.claims},
                    "relations": list(item.relations),
                    "cures": list(item.cures),
                    "settles_all": item.settles,
                }
                for item in self.conflicts
            ],
            "comparisons": [
                {
                    "name": item.claim.name,
                    "stated": item.claim.text,
                    "design": item.claim.show(item.design),
                    "deviation_pct": 100.0 * item.deviation,
                    "differs": item.differs,
                }
                for item in self.comparisons
            ],
        }


def audit(design: Design) -> Audit | None:
    """Compare the design's ``[published]`` figures with each other and with the design.

    Returns
    -------
    Audit or None
        None if the design has no such table.

    Examples
    --------
    >>> import solidstack as ss
    >>> ss.audit(ss.load("examples/pouch-0.16Ah.toml")).agrees
    True
    """
    if design.published is None:
        return None
    if not design.is_single:
        msg = f"has arrays of shape {design.shape}; an audit is of a single design"
        raise DesignError(msg)
    stated = claims(design.published)
    sheet = evaluate(design)
    rules = relations(float(design.stack.series_cells), float(sheet.unit.side.capacity_share))
    return Audit(design.published.source, tuple(_conflicts(stated, rules)), tuple(_compare(stated, sheet)))


def claims(published: Published) -> dict[str, Claim]:
    """Read the stated figures as intervals."""
    stated = {}
    for name, kind in _kinds().items():
        value = getattr(published, name)
        if value is None:
            continue
        if kind is None:
            stated[name] = Claim(name, f"{value:g}", value, value, None)
            continue
        half = units.parse(_half_digit(value), kind)
        middle = units.parse(value, kind)
        stated[name] = Claim(name, value, middle - half, middle + half, kind)
    return stated


@cache
def _kinds() -> dict[str, units.Kind | None]:
    kinds: dict[str, units.Kind | None] = {}
    for name, info in Published.model_fields.items():
        stated = [item for item in annotations(info) if isinstance(item, Stated)]
        if stated or measures(info):
            kinds[name] = stated[0].kind if stated else None
    return kinds


def _half_digit(text: str) -> str:
    """Return half a unit of the last digit of a figure: "0.16 Ah" gives "0.005 Ah"."""
    match = re.match(r"\s*[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?(.*)", text, re.DOTALL)
    assert match is not None
    digits, decimals, exponent = f"{match[1]}{match[2]}", len(match[2]), int(match[3] or 0)
    half = 0.5 * 10.0 ** (exponent - decimals)
    if "." not in match[0] and exponent == 0 and digits.endswith("0"):
        # "200" may stand for two digits or three: trailing zeros count as rounded, to the ten and 2.5 % at most
        half = max(half, min(5.0, 0.025 * float(digits)))
    return f"{half:.3g}{match[4]}"


def _conflicts(stated: Mapping[str, Claim], rules: Sequence[Relation]) -> list[Conflict]:
    """Find the smallest contradictory sets of figures.

    Each further set is without one figure of every set before it, so sets that share figures are found as well.
    """
    cores: list[frozenset[str]] = []
    seen: set[frozenset[str]] = set()
    open_sets = [frozenset(stated)]
    while open_sets and len(seen) < SEARCHED:
        names = open_sets.pop(0)
        if names in seen:
            continue
        seen.add(names)
        core = next((core for core in cores if core <= names), None) or _core(stated, names, rules)
        if core is None:
            continue
        if core not in cores:
            cores.append(core)
        open_sets += [names - {name} for name in stated if name in core]
    return [_conflict({name: stated[name] for name in stated if name in core}, stated, rules) for core in cores]


def _core(stated: Mapping[str, Claim], names: frozenset[str], rules: Sequence[Relation]) -> frozenset[str] | None:
    """Leave out what is not needed for a contradiction; None if there is no contradiction."""
    left = {name: stated[name] for name in stated if name in names}
    if _feasible(left, rules):
        return None
    for name in tuple(left):
        smaller = {key: claim for key, claim in left.items() if key != name}
        if not _feasible(smaller, rules):
            left = smaller
    return frozenset(left)


def _conflict(core: Mapping[str, Claim], stated: Mapping[str, Claim], rules: Sequence[Relation]) -> Conflict:
    """Return the relations behind a contradiction, and what each of its figures would have to be."""
    needed = tuple(rule.text for rule in rules if _feasible(core, [other for other in rules if other is not rule]))
    for everything, settles in ((stated, True), (core, False)):
        cures = tuple(_cures(core, everything, rules))
        if cures:
            return Conflict(tuple(core.values()), needed, cures, settles)
    return Conflict(tuple(core.values()), needed, (), settles=False)


def _cures(core: Mapping[str, Claim], everything: Mapping[str, Claim], rules: Sequence[Relation]) -> Iterator[str]:
    """Yield what each figure of a contradiction would have to be for all others in `everything` to be true."""
    for name, claim in core.items():
        bounds = _range(name, {key: item for key, item in everything.items() if key != name}, rules)
        if bounds is None:
            continue
        low, high = bounds
        if claim.kind is None:
            low, high = math.ceil(low - 1e-6), math.floor(high + 1e-6)
        elif claim.kind is units.MASS_SHARE:
            high = min(high, 1.0)
        if low > high:
            continue  # no such count, or a share above 1
        shown = claim.show(low) if high - low < 1e-6 * high else f"{claim.show(low)} to {claim.show(high)}"
        yield f"{name.replace('_', ' ')} is {shown}"


def _solve(stated: Mapping[str, Claim], rules: Sequence[Relation], name: str = "", sign: float = 0.0) -> Any:
    """Solve the linear program in the logarithms of the figures: minimise sign times one of them."""
    from scipy.optimize import linprog

    names = sorted({figure for rule in rules for figure in rule.powers} | set(stated))
    rows = [[rule.powers.get(figure, 0) for figure in names] for rule in rules]
    return linprog(
        [sign * (figure == name) for figure in names],
        A_ub=[*rows, *([-power for power in row] for row in rows)] or None,
        b_ub=[*(math.log(rule.high) for rule in rules), *(-math.log(rule.low) for rule in rules)] or None,
        bounds=[(math.log(stated[n].low), math.log(stated[n].high)) if n in stated else (None, None) for n in names],
    )


def _feasible(stated: Mapping[str, Claim], rules: Sequence[Relation]) -> bool:
    return bool(_solve(stated, rules).status == 0)


def _range(name: str, others: Mapping[str, Claim], rules: Sequence[Relation]) -> tuple[float, float] | None:
    """Return the range of a figure that the others allow; None if they allow none or any."""
    lowest, highest = _solve(others, rules, name, 1.0), _solve(others, rules, name, -1.0)
    if lowest.status != 0 or highest.status != 0:
        return None
    return math.exp(lowest.fun), math.exp(-highest.fun)


def _compare(stated: Mapping[str, Claim], sheet: Sheet) -> list[Comparison]:
    own = {
        "mass": sheet.cell.mass,
        "volume": sheet.cell.volume,
        "capacity": sheet.cell.capacity,
        "energy": sheet.cell.energy,
        "average_voltage": sheet.cell.average_voltage,
        "specific_energy": sheet.cell.specific_energy,
        "energy_density": sheet.cell.energy_density,
        "areal_capacity": sheet.positive.areal_capacity,
        "loading": sheet.positive.loading,
        "specific_capacity": sheet.positive.specific_capacity,
        "active_share": sheet.positive.am_mass_fraction,
        "positive_area": sheet.cell.positive_area,
        "loading_threshold": sheet.thresholds.loading_threshold,
        "loading_threshold_thickness": sheet.thresholds.loading_threshold_thickness,
        "bilayers": sheet.design.stack.bilayers,
        "coated_sides": sheet.cell.coated_sides,
    }
    result = []
    for name, claim in stated.items():
        value = float(own[name])
        nearest = min(max(value, claim.low), claim.high)
        deviation = (
            0.0 if claim.low <= value * (1 + 1e-9) and value * (1 - 1e-9) <= claim.high else value / nearest - 1.0
        )
        result.append(Comparison(claim, value, deviation))
    return result
