"""Tables of temperature and conductivity (or resistance), as people write them."""

import os
import re

import numpy as np

from ...errors import MeasurementError, Problem, UnitError
from ...tables import Table, read_table, unit_of
from ...units import (
    CONDUCTIVITY,
    DEG_C,
    PERCENT,
    RESISTANCE,
    TEMPERATURE,
    Kind,
    parse,
    text,
)
from .laws import Floats

KELVIN_READ, KELVIN_SPAN = (250.0, 420.0), 150.0
"""degC, and K: temperatures that all lie in it are more likely K (-23 to 147 degC) than those of a furnace."""
RELATIVE = Kind("relative deviation", "", PERCENT, "2 %", ("%",), bare=True)


def read_points(
    path: str | os.PathLike[str], *, area: float | None = None, thickness: float | None = None
) -> tuple[Floats, Floats, Floats | None]:
    """Read temperatures and conductivities from a CSV or text file.

    Parameters
    ----------
    path : path
        One row per temperature. Columns are found by name, with the unit: temperature (degC or K) and
        conductivity (as in ``conductivity (mS/cm)``), or resistance (as in ``R / ohm``), and perhaps a standard
        deviation (in %, or in the unit of the column it belongs to).
    area, thickness : float, optional
        Of the electrolyte, m2 and m: with a resistance only.

    Returns
    -------
    temperature, conductivity : array
        K, S/m.
    deviations : array or None
        Relative standard deviations.

    Raises
    ------
    MeasurementError
        A column is missing, has no unit or the wrong one, a cell is not a number, or area or thickness is missing.
    """
    T, sigma, deviations, _ = read_table_of_points(path, area, thickness)
    return T, sigma, deviations


def read_table_of_points(
    path: str | os.PathLike[str], area: float | None, thickness: float | None
) -> tuple[Floats, Floats, Floats | None, list[str]]:
    """Read the points, and the warnings about them."""
    table = read_table(path, 2, MeasurementError)
    temperature, measured, kind = _columns(table)
    T, values = _column(table, temperature, TEMPERATURE), _column(table, measured, kind)
    wrong = np.flatnonzero(~(values > 0.0))
    if len(wrong):
        line_number = table.rows[wrong[0]][0]
        msg = f"{table.name(measured)}: {text(float(values[wrong[0]]), kind)} is not above 0"
        raise MeasurementError(Problem(msg, line=line_number), source=table.source)
    deviations = _deviations(table, measured, values, kind)
    if kind is RESISTANCE:
        for name, value, example in (("area", area, "1.13 cm^2"), ("thickness", thickness, "100 um")):
            if value is None:
                msg = f'has resistances: conductivity needs the {name}; give it, as in --{name} "{example}"'
                raise MeasurementError(msg, source=table.source)
            if not (np.isfinite(value) and value > 0.0):
                msg = f"{name}: {value:g} is not above 0; write for example {example}"
                raise MeasurementError(msg, source=table.source)
        assert area is not None
        assert thickness is not None
        values = thickness / (values * area)
    warnings = []
    celsius = DEG_C.of(T)
    low, high = KELVIN_READ
    read_as_celsius = _unit(table.name(temperature), TEMPERATURE) == "degC"
    if read_as_celsius and low <= celsius.min() and celsius.max() <= high and np.ptp(T) < KELVIN_SPAN:
        warnings.append(
            f'are the temperatures in K? Column "{table.name(temperature)}" is read as degC and ranges from '
            f'{celsius.min():.4g} to {celsius.max():.4g}; if these are K, name it "temperature (K)": the activation '
            "energy is several times too large otherwise"
        )
    return T, values, deviations, warnings


def _columns(table: Table) -> tuple[int, int, Kind]:
    """Columns of temperature and of conductivity or resistance, and which of the two it is."""
    if not table.header:
        msg = 'has no column names above the numbers; write for example "temperature (degC), conductivity (mS/cm)"'
        raise MeasurementError(msg, source=table.source)
    temperature = table.column(r"temp|^\s*t\b|^\s*°c|^\s*degc|^\s*k\s*$")
    inverse = table.column(r"^\s*1000?\s*/\s*t|1/t\b|inverse|reciprocal")
    sigma = table.column(r"conductiv|sigma|σ|κ|kappa")
    resistance = table.column(r"resist|^\s*r\b|^\s*r_|ohm")
    if temperature is None and inverse is not None:
        msg = f'column "{table.name(inverse)}" is 1/T; give the temperature itself, as in "temperature (degC)"'
        raise MeasurementError(msg, source=table.source)
    measured = sigma if sigma is not None else resistance
    if temperature is None or measured is None:
        missing = "temperature" if temperature is None else "conductivity or resistance"
        there = ", ".join(f'"{name}"' for name in table.header)
        msg = (
            f"has no column of {missing}; it has {there}. Name the columns with their units, as in "
            '"temperature (degC), conductivity (mS/cm)"'
        )
        raise MeasurementError(msg, source=table.source)
    if re.match(r"\s*(log|lg|ln)", table.name(measured).casefold()):
        msg = f'column "{table.name(measured)}" is a logarithm; give the conductivity itself, as in "sigma (S/cm)"'
        raise MeasurementError(msg, source=table.source)
    return temperature, measured, CONDUCTIVITY if sigma is not None else RESISTANCE


def _unit(name: str, kind: Kind) -> str:
    """Unit in the name of a column, also of several words as in ``conductivity / S cm-1``, and C or °C for degC."""
    several = re.search(r"\s/\s+(\S.*?)\s*$", name)
    unit = several[1] if several else unit_of(name, kind)
    if not unit and kind is TEMPERATURE:
        whole = re.fullmatch(r"(?:.*[_\s])?(°?C|degC|K)", name.strip())
        unit = whole[1] if whole else ""
    if kind is TEMPERATURE and unit.casefold() in ("c", "deg c", "°c", "celsius"):
        return "degC"
    return unit


def _column(table: Table, column: int, kind: Kind, unit: str | None = None) -> Floats:
    """Read a column in SI."""
    name = table.name(column)
    unit = _unit(name, kind) if unit is None else unit
    if kind is TEMPERATURE and unit.casefold() in ("f", "°f", "deg f", "fahrenheit"):
        msg = (
            f'column "{name}": "{unit}" is not read as a temperature; write degC or K, as in "temperature (degC)", '
            'or "temperature (degF)" if it is Fahrenheit'
        )
        raise MeasurementError(msg, source=table.source)
    values = np.empty(len(table.rows))
    for at, row in enumerate(table.rows):
        try:
            values[at] = parse(f"{table.number(row, column)!r} {unit}".strip(), kind)
        except UnitError as reason:
            raise MeasurementError(Problem(f"{name}: {reason}", line=row[0]), source=table.source) from None
    return values


def _deviations(table: Table, measured: int, values: Floats, kind: Kind) -> Floats | None:
    column = table.column(r"deviat|\bstd|error|uncert|±|\bsd\b", besides=measured)
    if column is None:
        return None
    unit = _unit(table.name(column), RELATIVE)
    if unit in ("", "%"):
        if not unit and not re.search("rel", table.name(column).casefold()):
            unit = _unit(table.name(measured), kind)
        else:
            return _column(table, column, RELATIVE, unit)
    return _column(table, column, kind, unit) / values
