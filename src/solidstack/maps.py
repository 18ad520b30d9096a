"""Maps: the whole design sheet over a grid of two keys, as an xarray.Dataset in SI with units and provenance.

Units in which people read are applied at the edge only: `as_csv` and the figures convert with `shown`.
"""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_origin

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from . import units
from .design import Design, key_path
from .electrode import ROUNDING, rated_one_c, raw_porosity
from .errors import DesignError, OutputError, Problem, UnitError
from .files import write_atomic, write_with
from .quantities import Measure, measures, models
from .sheet import HEADINGS, JSON_NAMES, Sheet, evaluate
from .units import Unit, si_symbol, unit_named
from .version import __version__

if TYPE_CHECKING:
    import xarray as xr


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
        attributes = {**_units(self.unit), "long_name": self.label, "scale": "log" if self.log else "linear"}
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


POINTS = 1_000_000
"""Most points of a map: each has about 75 numbers, so a million take 0.6 GB."""

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
class Kind:
    """A named map: what is drawn, and the axes unless others are given.

    Parameters
    ----------
    figure : str
        Name of the number drawn, as in ``cell.specific_energy``.
    title : str
        What the figure shows.
    x, y : function of a Design
        The axes for a design: wide enough for what is built, and for the design itself.
    """

    figure: str
    title: str
    x: Callable[[Design], Axis]
    y: Callable[[Design], Axis]


def _shares(design: Design) -> Axis:
    name = design.positive_materials("active-material")[0]
    path = ("positive", "composition", name)
    top = min(0.985, _room(design, path) - 0.005)
    own = float(design.positive.composition.shares[name])
    balance = float(evaluate(design).thresholds.balance_am_mass_fraction)
    return Axis(path, np.linspace(max(min(0.7, own - 0.05, balance - 0.15), 0.05), max(top, own), 121))


def _densities(design: Design) -> Axis:
    active, electrolyte = (
        max(design.density_of(name) for name in design.positive_materials(role))
        for role in ("active-material", "solid-electrolyte")
    )
    return Axis(("positive", "density"), np.linspace(0.4, 1.0, 121) * max(active, electrolyte))


def _loadings(design: Design) -> Axis:
    return Axis(("positive", "loading"), np.linspace(0.03, max(0.5, 1.5 * float(design.positive.loading)), 97))


def _conductivities(design: Design) -> Axis:
    own = own_value(design, ("positive", "ionic_conductivity")) or 0.1
    return Axis(("positive", "ionic_conductivity"), np.geomspace(min(0.01, own / 4), max(1.0, own * 4), 97), log=True)


def _membranes(design: Design) -> Axis:
    return Axis(("membrane", "thickness"), np.linspace(5e-6, max(150e-6, 1.5 * float(design.membrane.thickness)), 97))


def _bilayers(design: Design) -> Axis:
    return Axis(("stack", "bilayers"), np.arange(1.0, max(20.0, 2.0 * float(design.stack.bilayers)) + 1.0))


KINDS: dict[str, Kind] = {
    "porosity": Kind("positive.porosity", "Porosity and the four regimes", _shares, _densities),
    "ir-drop": Kind(
        "positive.ir_drop",
        "Ionic IR drop of the positive electrode at the rated current",
        _loadings,
        _conductivities,
    ),
    "electrode-energy": Kind(
        "electrode_energy.positive_only",
        "Specific energy of the positive electrode",
        _shares,
        _loadings,
    ),
    "membrane": Kind(
        "electrode_energy.with_negative_and_membrane",
        "Specific energy of both electrodes and the membrane",
        _loadings,
        _membranes,
    ),
    "stack": Kind("cell.specific_energy", "Specific energy of the pouch cell", _loadings, _bilayers),
}

_AXIS = re.compile(r"\s*([A-Za-z_][^=]*?)\s*=(.*)", re.DOTALL)


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
    room = _room(design, path) if path[1:2] == ("composition",) else 1.0
    top = {units.SHARE: room, units.POROSITY: 0.95, units.FRACTION: 1.0}
    return Axis(path, _whole(path, np.linspace(0.5 * own, min(2.0 * own, top.get(kind, np.inf)), 61)))


def _axis_between(path: tuple[str, ...], text: str) -> Axis:
    """Span a range given as text."""
    name = ".".join(path)
    try:
        span = units.parse_range(text.strip(), kind_of(path))
    except UnitError as error:
        raise DesignError(Problem(error.problems[0].message, name)) from None
    if not 2 <= span.count <= LONGEST:
        msg = f"an axis must have 2 to {LONGEST} points, not {span.count}"
        raise DesignError(Problem(msg, name))
    if span.low == span.high:
        msg = f'"{text.strip()}" starts and ends at the same value; write LO:HI:N with LO below HI'
        raise DesignError(Problem(msg, name))
    return Axis(path, _whole(path, span.values), span.log)


def design_map(
    design: Design,
    x: "str | tuple[str, Any] | Axis | None" = None,
    y: "str | tuple[str, Any] | Axis | None" = None,
    *,
    kind: str | None = None,
) -> "xr.Dataset":
    """Evaluate a design over a grid of two keys.

    Designs on the grid that cannot exist (denser than dense) are NaN, and so is what is infinite, such as the
    ionic resistance below percolation.

    Parameters
    ----------
    design : Design
        A single design; its other keys stay.
    x, y : axis
        What `axis` reads. Needed unless `kind` is given.
    kind : str, optional
        One of `KINDS`: porosity, ir-drop, electrode-energy, membrane, stack. It sets the axes that are not
        given, and which number is drawn (``attrs["figure"]``).

    Returns
    -------
    xarray.Dataset
        Every number of the sheet, dimensions (y, x), named as in the sheet, ``group.name``, in SI (attribute
        ``units``); ``shown_units`` is the unit it is read in and ``key`` its name in JSON and CSV. Where an axis has
        the same name, the number of the sheet is ``sheet.group.name``. ``regime.*`` is -1 below a threshold and 1
        above it. The attributes have the version, the design and its fingerprint.

    Raises
    ------
    DesignError
        Unknown kind, key or unit; an array design.

    Examples
    --------
    >>> import solidstack as ss
    >>> design = ss.load("examples/pouch-0.16Ah.toml")
    >>> grid = ss.map(design, x="positive.loading=10:40 mg/cm^2:4", y="membrane.thickness=20:80 um:3")
    >>> dict(grid.sizes), grid["cell.specific_energy"].attrs["units"]
    ({'membrane.thickness': 3, 'positive.loading': 4}, 'J/kg')
    """
    import xarray as xr

    if not design.is_single:
        msg = f"has arrays of shape {design.shape}; a map starts from a single design"
        raise DesignError(msg)
    if kind is not None and design.positive.thickness is not None:
        # a named map varies loading and composition at the design's density, not at a fixed thickness
        design = design.with_(positive__density=evaluate(design).positive.density)
    x_axis, y_axis = axes(design, x, y, kind=kind)
    if x_axis.path == y_axis.path:
        msg = "is on both axes; use two different keys"
        raise DesignError(Problem(msg, x_axis.name))
    points = x_axis.values.size * y_axis.values.size
    if points > POINTS:
        msg = f"a map has at most {POINTS} points, not {points}; put fewer on an axis"
        raise DesignError(msg)
    grid = design.replaced({x_axis.path: x_axis.values[None, :], y_axis.path: y_axis.values[:, None]})
    data = _variables(grid, x_axis, y_axis)
    attributes = {
        "title": KINDS[kind].title if kind else design.name,
        "kind": kind or "",
        "design": design.to_toml(),
        "fingerprint": design.fingerprint(),
        "source": f"solidstack {__version__}",
        "x": x_axis.name,
        "y": y_axis.name,
    }
    dataset = xr.Dataset(data, {each.name: each.coordinate for each in (x_axis, y_axis)}, attributes)
    dataset.attrs["figure"] = variable(dataset, KINDS[kind].figure if kind else "cell.specific_energy")
    return dataset


def _variables(grid: Design, x_axis: Axis, y_axis: Axis) -> dict[str, Any]:
    """Evaluate the designs of a grid; return the variables of its dataset."""
    sheet = evaluate(grid, mask_infeasible=True)
    shape = (len(y_axis.values), len(x_axis.values))
    dims = (y_axis.name, x_axis.name)
    margin = np.broadcast_to(raw_porosity(grid, grid.dense_density()), shape)
    impossible = margin < -ROUNDING
    data: dict[str, Any] = {}
    for figure in sheet.figures():
        values = np.broadcast_to(figure.value, shape)
        values = np.where(impossible | ~np.isfinite(values), np.nan, values)
        key = f"{JSON_NAMES.get(figure.group, figure.group)}.{figure.key}"
        words = f"{HEADINGS[figure.group]}: {figure.label}"
        name = f"{figure.group}.{figure.name}"
        if key not in dims:  # a ratio on an axis is its own column
            variable_name = f"sheet.{name}" if name in dims else name
            data[variable_name] = (dims, values, {**_units(figure.unit), "long_name": words, "key": key})
    for name, distance in _distances(sheet).items():
        codes = np.where(impossible, np.nan, np.broadcast_to(np.sign(distance), shape))
        data[f"regime.{name}"] = (dims, codes, {"units": "", "long_name": f"{name}: -1 below its threshold, 1 above"})
    words = "1 - density / dense density; below 0 where a design cannot exist"
    data["porosity_or_less"] = (dims, margin.copy(), {"units": "", "long_name": words})
    return data


def _distances(sheet: Sheet) -> dict[str, units.Values]:
    thresholds = sheet.thresholds
    return {
        "composition": thresholds.composition_distance,
        "density": thresholds.density_distance,
        "loading": thresholds.loading_distance,
    }


def _units(unit: Unit) -> dict[str, str]:
    """Attributes of a variable: the SI unit that its values are in, and the one that they are shown in."""
    return {"units": si_symbol(unit), "shown_units": unit.symbol, "unit_label": unit.label}


def shown(array: "xr.DataArray") -> Any:
    """Return the values of a map's variable or coordinate in the unit that people read them in."""
    return unit_named(array.attrs.get("shown_units", "")).of(array.values)


def variable(dataset: "xr.Dataset", name: str) -> str:
    """Find a variable of a map by its name (``cell.mass``) or by its key in JSON and CSV (``cell.mass_g``).

    Raises
    ------
    DesignError
        There is no such number.
    """
    if f"sheet.{name}" in dataset:
        return f"sheet.{name}"
    if name in dataset.data_vars:
        return name
    names = {str(array.attrs.get("key", other)): str(other) for other, array in dataset.data_vars.items()}
    if name not in names:
        close = units.nearest(name, list(names))
        hint = f"did you mean {close}?" if close else "write GROUP.KEY, as in cell.mass_g"
        msg = f'"{name}" is not a number of the sheet; {hint}'
        raise DesignError(msg)
    return names[name]


def axes(design: Design, x: Any, y: Any, *, kind: str | None) -> tuple[Axis, Axis]:
    """Return the axes of a map: those given, and those of the kind for the rest."""
    if kind is not None and kind not in KINDS:
        close = units.nearest(kind, list(KINDS))
        hint = f"did you mean {close}? " if close else ""
        msg = f'"{kind}" is not a kind of map; {hint}Choose from {", ".join(KINDS)}'
        raise DesignError(msg)
    if kind is None and (x is None or y is None):
        msg = "a map needs two keys, x and y, or a kind"
        raise DesignError(msg)
    if kind is not None:
        x = KINDS[kind].x(design) if x is None else x
        y = KINDS[kind].y(design) if y is None else y
    pair = axis(x, design), axis(y, design)
    for each in pair:
        if each.path[1:2] == ("composition",):
            _check_shares(design, each)
    return pair


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


def save(dataset: "xr.Dataset", path: str | os.PathLike[str]) -> Path:
    """Write a map as netCDF (``.nc``, SI) or as a table of its points (``.csv``, units shown), whole or not at all.

    Raises
    ------
    OutputError
        Another ending, or a place that cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".nc":
        return write_with(path, lambda target: dataset.to_netcdf(target, engine="scipy"))
    if suffix == ".csv":
        return write_atomic(path, as_csv(dataset))
    msg = "has no known ending for a map; use .nc or .csv (or .png, .svg, .pdf for a figure)"
    raise OutputError(msg, source=os.fspath(path))


def as_csv(dataset: "xr.Dataset") -> str:
    """Return a map as a table, one row a point, in the units shown, which are in the names of the columns."""
    converted = dataset.copy()
    headings: dict[str, str] = {}
    for name, array in dataset.variables.items():
        unit = unit_named(array.attrs.get("shown_units", ""))
        converted[name] = (array.dims, unit.of(array.values))
        key = array.attrs.get("key", name)
        headings[str(name)] = f"{key} [{unit.symbol}]" if unit.symbol else key
    frame = converted.to_dataframe().reset_index()
    frame.columns = [headings[name] for name in frame.columns]
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text


def _check_shares(design: Design, share: Axis) -> None:
    """Refuse a range of a share that is more than the other components leave room for."""
    room = _room(design, share.path)
    if share.values.max() > room + 1e-9:
        msg = (
            f"goes up to {100 * share.values.max():.4g} wt%, but the components that stay leave {100 * room:.4g} wt%; "
            "lower the end of the range"
        )
        raise DesignError(Problem(msg, share.name))


def _room(design: Design, path: Sequence[str]) -> float:
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
