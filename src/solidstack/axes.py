"""Axes of maps: a key of a design and the values that it takes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, get_origin

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from . import units
from .design import Design, key_path
from .electrode import rated_one_c
from .errors import DesignError, Problem, UnitError
from .quantities import Measure, measures, models
from .ranges import parse_range
from .sheet import evaluate
from .units import Unit, si_symbol

_AXIS = re.compile(r"\s*([A-Za-z_][^=]*?)\s*=(.*)", re.DOTALL)

LONGEST = 10_000
"""Most points of an axis."""

LABELS = {
    "positive.loading": "Loading, one side",
    "positive.density": "Density of the positive electrode",
    "positive.porosity": "Porosity of the positive electrode",
    "positive.ionic_conductivity": "Conductivity of the solid electrolyte",
    "membrane.thickness": "Membrane thickness",
    "stack.bilayers": "Bilayers",
    "rating.c_rate": "C-rate",
    "temperature": "Temperature",
}


@dataclass(frozen=True)
class Axis:
    """One axis of a map: a key of the design and its values.

    Parameters
    ----------
    path : tuple of str
        Key, as in ``("positive", "loading")``.
    values : array, shape (n,)
        SI.
    log : bool
        Whether the axis is drawn logarithmically.
    """

    path: tuple[str, ...]
    values: NDArray[np.float64]
    log: bool = False

    @property
    def name(self) -> str:
        """Dotted key."""
        return ".".join(self.path)

    @property
    def unit(self) -> Unit:
        """Unit shown."""
        return kind_of(self.path).shown

    @property
    def coordinate(self) -> tuple[str, NDArray[np.float64], dict[str, str]]:
        """Coordinate of a dataset: dimension, values, attributes."""
        attributes = {**units_of(self.unit), "long_name": self.label, "scale": "log" if self.log else "linear"}
        return self.name, self.values, attributes

    @property
    def label(self) -> str:
        """Words for a figure, with the unit."""
        words = LABELS.get(self.name)
        if words is None and self.path[1:2] == ("composition",):
            words = f"{self.path[2]} in the {self.path[0]}"
        if words is None:
            words = f"{self.path[-1].replace('_', ' ')} ({self.path[0]})"
        return f"{words}, {self.unit.label}" if self.unit.label else words


def kind_of(path: Sequence[str]) -> units.Kind:
    """Return what a key measures.

    Raises
    ------
    DesignError
        There is no such key, or it is not a number.
    """
    if len(path) == 3 and path[0] in ("positive", "negative") and path[1] == "composition":
        return units.SHARE
    kinds = _numbers()
    name = ".".join(path)
    if name not in kinds:
        close = units.nearest(name, list(kinds))
        hint = f"did you mean {close}?" if close else f"choose from {', '.join(kinds)}"
        msg = f"is not a number of a design; {hint}"
        raise DesignError(Problem(msg, name))
    return kinds[name]


def axis(spec: Any, design: Design) -> Axis:
    """Read an axis of a map.

    Parameters
    ----------
    spec : str or (str, array) or Axis
        ``"positive.loading=10 mg/cm^2:40 mg/cm^2:61"``, with ``:log`` at the end for a logarithmic one; the
        first unit may be left out. A key alone spans half to twice the design's own value. Or a key and an
        SI array.
    design : Design
        Whose key it is.

    Raises
    ------
    DesignError
        Unknown key, wrong unit, no range.
    """
    if isinstance(spec, Axis):
        return spec
    if not isinstance(spec, (str, tuple)) or (isinstance(spec, tuple) and len(spec) != 2):
        msg = (
            f'{spec!r} is not an axis; write text such as "positive.loading=10:40 mg/cm^2:61", or a key and an SI array'
        )
        raise DesignError(msg)
    if not isinstance(spec, str):
        return _axis_of_values(_path(spec[0], design), spec[1])
    if "=" not in spec:
        return _axis_around(_path(spec, design), design)
    match = _AXIS.fullmatch(spec)
    if match is None:
        msg = f'"{spec}" is not an axis; write KEY=LO:HI:N, as in "positive.loading=10:40 mg/cm^2:61"'
        raise DesignError(msg)
    return _axis_between(_path(match[1], design), match[2])


def _axis_of_values(path: tuple[str, ...], numbers: Any) -> Axis:
    kind = kind_of(path)
    try:
        values = np.atleast_1d(np.asarray(numbers, dtype=float))
    except (TypeError, ValueError):
        values = np.array([[]])
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        msg = f"{numbers!r} is not an axis; expected a row of numbers in SI ({kind.si or 'a ratio'})"
        raise DesignError(Problem(msg, ".".join(path)))
    return Axis(path, values)


def _axis_around(path: tuple[str, ...], design: Design) -> Axis:
    """Span half to twice the design's own value, within its bounds."""
    kind = kind_of(path)
    own = own_value(design, path)
    name = ".".join(path)
    if own is None:
        msg = f'has no value in the design; write a range, as in "{name}=LO:HI:N"'
        raise DesignError(Problem(msg, name))
    room = room_for(design, path) if path[1:2] == ("composition",) else 1.0
    top = {units.SHARE: room, units.POROSITY: 0.95, units.FRACTION: 1.0}
    return Axis(path, _whole(path, np.linspace(0.5 * own, min(2.0 * own, top.get(kind, np.inf)), 61)))


def _axis_between(path: tuple[str, ...], text: str) -> Axis:
    """Span a range given as text."""
    name = ".".join(path)
    try:
        span = parse_range(text.strip(), kind_of(path))
    except UnitError as error:
        raise DesignError(Problem(error.problems[0].message, name)) from None
    if not 2 <= span.count <= LONGEST:
        msg = f"an axis must have 2 to {LONGEST} points, not {span.count}"
        raise DesignError(Problem(msg, name))
    if span.low == span.high:
        msg = f'"{text.strip()}" starts and ends at the same value; write LO:HI:N with LO below HI'
        raise DesignError(Problem(msg, name))
    return Axis(path, _whole(path, span.values), span.log)


def units_of(unit: Unit) -> dict[str, str]:
    """Attributes of a variable: the SI unit that its values are in, and the one that they are shown in."""
    return {"units": si_symbol(unit), "shown_units": unit.symbol, "unit_label": unit.label}


def own_value(design: Design, path: Sequence[str]) -> float | None:
    """Return the design's own value of a key, SI, also where it follows from others; None where it has none."""
    if len(path) == 3 and path[1] == "composition":
        composition = getattr(getattr(design, path[0], None), "composition", None)
        value = None if composition is None else composition.shares.get(path[2])
        return None if value is None else float(value)
    value = design
    for key in path:
        value = getattr(value, key, None)
    if value is None and path[0] in ("positive", "rating"):
        sheet = evaluate(design)
        value = rated_one_c(design) if path[-1] == "one_c" else getattr(sheet.positive, path[-1], None)
    return None if value is None else float(np.asarray(value))


def check_shares(design: Design, share: Axis) -> None:
    """Refuse a range of a share that is more than the other components leave room for."""
    room = room_for(design, share.path)
    if share.values.max() > room + 1e-9:
        msg = (
            f"goes up to {100 * share.values.max():.4g} wt%, but the components that stay leave {100 * room:.4g} wt%; "
            "lower the end of the range"
        )
        raise DesignError(Problem(msg, share.name))


def room_for(design: Design, path: Sequence[str]) -> float:
    """Return the largest mass fraction that a component can have: its own and that of its partner."""
    shares = getattr(design, path[0]).composition.shares
    partner = design.partner(path[0], {path[2]})
    return float(sum(share for name, share in shares.items() if name in (path[2], partner)))


@cache
def _numbers() -> dict[str, units.Kind]:
    """Map every key of a design that is a number to what it measures."""
    kinds: dict[str, units.Kind] = {}

    def walk(model: type[BaseModel], path: tuple[str, ...]) -> None:
        for name, info in model.model_fields.items():
            here = (*path, name)
            for measure in measures(info):
                kinds[".".join(here)] = measure.kind if isinstance(measure, Measure) else units.RATIO
            for inner in models(info.annotation):
                walk(inner, here)
            if get_origin(info.annotation) in (tuple, dict):
                kinds.pop(".".join(here), None)  # a pair of lengths or a table of densities is not one number

    walk(Design, ())
    return {name: kind for name, kind in kinds.items() if not name.startswith(("published", "protocol"))}


def _whole(path: Sequence[str], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.unique(np.round(values)) if tuple(path) in _COUNTS else values


_COUNTS = {("stack", "bilayers"), ("stack", "series_cells")}


def _path(text: str, design: Design) -> tuple[str, ...]:
    """Split a key; a share has to be one of the design's composition, and gets the name of its material."""
    path = key_path(text)
    if path[1:2] != ("composition",) or len(path) != 3:
        return path
    head, _, rest = path
    composition = getattr(getattr(design, head, None), "composition", None)
    if composition is None:
        msg = f"there is no {head}.composition in this design to change a share of"
        raise DesignError(Problem(msg, text.strip()))
    if rest not in design.library:
        raise DesignError(Problem(design.library.unknown(rest), text.strip()))
    name = design.library[rest].name
    if name not in composition.shares:
        msg = f"is not in the composition, which has {', '.join(composition.shares)}"
        raise DesignError(Problem(msg, text.strip()))
    return (head, "composition", name)
