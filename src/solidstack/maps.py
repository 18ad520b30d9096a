"""Maps: the whole design sheet over a grid of two keys, as an xarray.Dataset in SI with units and provenance.

Units in which people read are applied at the edge only: `as_csv` and the figures convert with `shown`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import units
from .axes import Axis, axis, check_shares, own_value, room_for, units_of
from .design import Design
from .electrode import ROUNDING, raw_porosity
from .errors import DesignError, OutputError, Problem
from .files import write_atomic, write_with
from .sheet import HEADINGS, JSON_NAMES, Sheet, evaluate
from .units import unit_named
from .version import __version__

if TYPE_CHECKING:
    import xarray as xr


POINTS = 1_000_000
"""Most points of a map: each has about 75 numbers, so a million take 0.6 GB."""


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
    top = min(0.985, room_for(design, path) - 0.005)
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
    x_axis, y_axis = axes_of(design, x, y, kind=kind)
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
            data[variable_name] = (dims, values, {**units_of(figure.unit), "long_name": words, "key": key})
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


def axes_of(design: Design, x: Any, y: Any, *, kind: str | None) -> tuple[Axis, Axis]:
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
            check_shares(design, each)
    return pair


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


map = design_map  # noqa: A001
"""Its name in the package: `solidstack.map`."""
