"""Cells that the user measured, from a table, to be placed among the published ones."""

import math
import os
from dataclasses import dataclass

from .. import units
from ..errors import LiteratureError, Problem
from ..tables import read_table
from ..units import Kind

COLUMNS: dict[str, tuple[str, str, Kind, str]] = {
    "active_share": ("active.?(material)?.?share|am.?wt|wt.?%", "active share (wt%)", units.MASS_SHARE, "wt%"),
    "coating_loading": ("loading", "loading (mg/cm^2)", units.AREAL_MASS, "mg/cm^2"),
    "areal_capacity": ("areal.?capacity", "areal capacity (mAh/cm^2)", units.AREAL_CAPACITY, "mAh/cm^2"),
    "specific_energy": ("energy", "specific energy (Wh/kg)", units.SPECIFIC_ENERGY, "Wh/kg"),
}
"""Columns of a table of measured cells: pattern, how to write it, what it is, unit if the name has none."""

NEEDED = ("active_share", "coating_loading", "areal_capacity")


@dataclass(frozen=True)
class MeasuredCell:
    """A cell that the user measured.

    Attributes
    ----------
    name : str
        As in the table.
    active_share : float
        Mass fraction of active material in the dry positive coating.
    coating_loading : float
        kg/m2, one coated side.
    areal_capacity : float
        Discharge, A s/m2.
    specific_energy : float
        Over positive coating and membrane, J/kg; NaN if the table does not have it.
    """

    name: str
    active_share: float
    coating_loading: float
    areal_capacity: float
    specific_energy: float = math.nan


def read_measured(path: str | os.PathLike[str]) -> tuple[MeasuredCell, ...]:
    """Read a CSV table of measured cells.

    Columns, with units in the names: ``name``, ``active share (wt%)``, ``loading (mg/cm^2)`` of the dry coating,
    ``areal capacity (mAh/cm^2)`` and, if known, ``specific energy (Wh/kg)`` over positive coating and membrane.

    Raises
    ------
    LiteratureError
        No such table, a missing column, or an impossible value.
    """
    table = read_table(path, 3, LiteratureError)
    name = table.column("name|cell")
    columns: dict[str, int] = {}
    for key, (pattern, _, _, _) in COLUMNS.items():
        at = table.column(pattern, besides=name)
        if at is not None and at not in columns.values():
            columns[key] = at
    missing = [f'"{COLUMNS[key][1]}"' for key in NEEDED if key not in columns]
    if missing:
        header = ", ".join(table.header) or "none"
        msg = f"has no column {' and '.join(missing)}; its columns are: {header}. Name them in the first line"
        raise LiteratureError(msg, source=table.source)
    cells: list[MeasuredCell] = []
    for row in table.rows:
        line, texts = row
        values = {}
        for key, at in columns.items():
            if key not in NEEDED and (at >= len(texts) or not texts[at]):
                continue
            _, words, kind, unit = COLUMNS[key]
            value = table.value(row, at, kind, unit)
            if not (value > 0.0 and math.isfinite(value)) or (key == "active_share" and value > 1.0):
                shown = f"{kind.shown.of(value):.6g} {kind.shown.symbol}"
                limit = "above 0 wt% and at most 100 wt%" if key == "active_share" else "above 0"
                msg = f"{words}: {shown} is impossible; it must be {limit}"
                raise LiteratureError(Problem(msg, line=line), source=table.source)
            values[key] = value
        label = texts[name] if name is not None and name < len(texts) else ""
        cells.append(MeasuredCell(label or f"cell {len(cells) + 1}", **values))
    return tuple(cells)
