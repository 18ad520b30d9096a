"""Tables of laser diffraction: which column is what, and the classes and cumulative volume it gives."""

import re

import numpy as np
from numpy.typing import NDArray

from ...errors import MeasurementError, Problem, UnitError
from ...tables import Table, unit_of
from ...units import THICKNESS, UM, parse

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
SUM = 0.01
"""Deviation of the total volume from 100 % that is accepted silently: tables are rounded."""
LEFT = 0.05
"""Deviation up to which it is scaled to 100 %, with a warning."""
LARGEST = 1e-2
"""m; larger diameters are in the wrong unit."""
FALL = 1e-3
"""Decrease of a cumulative share from one diameter to the next that counts as rounding."""
POINTS = 3
_SIZE = r"diam|(?<!over)(?<!under)(?<!pass )\bsize|channel|particle|^\s*[xd][0oum]?\b|[µμ]m|\bum\b|\bnm\b|\bmm\b"
_OVER = r"over|retain|coarser|>|^\s*1\s*-"
_CUMULATIVE = r"cum|under|pass|finer|<|" + _OVER
_SHARE = r"vol|diff|freq|chan|%|\bin\b|hist|^\s*q\b|dens|distr"
_MIDDLE = r"mid|cent(er|re)|mean|^\s*[xd]_?m\b"
_NUMBER = r"\bnumber\b|\bq0"


def read_distribution(table: Table, warnings: list[str]) -> tuple[Floats, Floats, str]:
    """Edges of the classes, cumulative volume below them, and the names of the columns used."""
    sizes = _size_columns(table)
    column, form = _share_column(table, sizes)
    size = sizes[0]
    if form == "density" and len(sizes) > 1:
        # x0 is an edge and xm the midpoint of a class (Sympatec)
        size = next((at for at in sizes if re.search(r"^\s*[xd]_?m\b", table.name(at).casefold())), size)
    first = table.rows[0][0]
    whole_rows = [row for row in table.rows if len(row[1]) > size and row[1][size] != ""]
    rows = [row for row in whole_rows if len(row[1]) > column and row[1][column] != ""]
    bare = [row for row in whole_rows if row not in rows]
    if len(rows) < POINTS:
        msg = f"has {len(rows)} diameters; a distribution needs {POINTS} or more. Export all channels"
        raise MeasurementError(Problem(msg, line=first), source=table.source)
    diameter = _diameters(table, rows, size, warnings)
    share = np.array([table.number(row, column) for row in rows])
    lines = np.array([row[0] for row in rows])
    order = np.argsort(diameter, kind="stable")
    diameter, share, lines = diameter[order], share[order], lines[order]
    diameter, share, lines = _without_repeats(table, column, diameter, share, lines, warnings)
    name = f"{table.name(size)}, {table.name(column)}"
    rises = bool(np.all(np.diff(share) >= 0.0)) and share[-1] > 0.0
    whole = min(abs(float(share.max()) / full - 1.0) for full in (1.0, 100.0)) < SUM
    if form == "over" or form == "cumulative":
        return *_cumulative(table, diameter, share, lines, form == "over", warnings), name
    if form == "" and rises and whole:
        return *_cumulative(table, diameter, share, lines, False, warnings), name
    upper = None
    if len(sizes) > 1 and form != "density":
        other = np.array([_diameter(table, row, sizes[1]) for row in rows])[order]
        if len(other) == len(diameter) and np.allclose(other[:-1], diameter[1:], rtol=1e-3):
            upper = other
    elif form != "density" and len(bare) == 1 and _diameter(table, bare[0], size) > diameter[-1]:
        # one diameter more than channels: the diameters are the edges (Malvern)
        upper = np.append(diameter[1:], _diameter(table, bare[0], size))
    edges, cumulative = _classes(table, diameter, share, form, table.name(column), upper, warnings)
    if upper is None and form != "density" and not re.search(_MIDDLE, table.name(size).casefold()):
        at = int(np.searchsorted(cumulative, 0.5).clip(1, len(edges) - 1))
        half = 100.0 * (float(np.sqrt(edges[at] / edges[at - 1])) - 1.0)
        warnings.append(
            f"the sizes are taken as the midpoints of their channels: if they are lower edges, all sizes are "
            f"{half:.2g} % larger, and if they are upper edges, as much smaller. Export both edges, or name the "
            'column "middle (um)" if it contains the midpoints'
        )
    return edges, cumulative, name


def _without_repeats(
    table: Table, column: int, diameter: Floats, share: Floats, lines: Indices, warnings: list[str]
) -> tuple[Floats, Floats, Indices]:
    """Leave out repeated rows, and refuse different volumes for a diameter and volumes that cannot be."""
    again = np.flatnonzero(np.diff(diameter) <= 1e-9 * diameter[1:])
    same = again[share[again] == share[again + 1]]
    if len(same) and len(same) == len(again):
        warnings.append(f"{len(same)} repeated row{'s' if len(same) > 1 else ''} left out")
        diameter, share, lines = np.delete(diameter, same), np.delete(share, same), np.delete(lines, same)
    elif len(again):
        at = int(again[0])
        msg = (
            f"diameter {UM.of(diameter[at]):.6g} um occurs twice with different volume ({share[at]:g} and "
            f"{share[at + 1]:g}); keep one distribution in the file"
        )
        raise MeasurementError(Problem(msg, line=int(lines[at + 1])), source=table.source)
    wrong = np.flatnonzero(~(np.isfinite(share) & (share >= 0.0)))
    if len(wrong):
        at = int(wrong[0])
        msg = f"{table.name(column)}: {share[at]:g} is negative; volume must be 0 or more"
        raise MeasurementError(Problem(msg, line=int(lines[at])), source=table.source)
    return diameter, share, lines


def _size_columns(table: Table) -> list[int]:
    if not table.header:
        return [0]
    sizes = [
        at
        for at, name in enumerate(table.header)
        if re.search(_SIZE, name.casefold())
        and not re.search(r"under|over|pass|cum|%|\bq[0-3]|dens|1\s*/", name.casefold())
    ]
    if not sizes:
        there = ", ".join(f'"{name}"' for name in table.header)
        msg = f'has no column of diameters; it has {there}. Name it with its unit, as in "size (um)"'
        raise MeasurementError(msg, source=table.source)
    return sizes


def _share_column(table: Table, sizes: list[int]) -> tuple[int, str]:
    """Column of the volume, and what it is: ``cumulative``, ``over``, ``density``, ``class``, or empty for unknown."""
    others = [at for at in range(len(table.rows[0][1])) if at not in sizes]
    if not others:
        msg = 'has no column of volume besides the diameters; name it, as in "volume (%)"'
        raise MeasurementError(msg, source=table.source)
    names = {at: table.header[at] for at in others if at < len(table.header)}
    by_number = [at for at, name in names.items() if re.search(_NUMBER, name.casefold())]
    usable = {at: name for at, name in names.items() if at not in by_number}
    if by_number and not usable:
        msg = (
            f'column "{names[by_number[0]]}" is by number; a powder is described by volume. Export the volume '
            "distribution"
        )
        raise MeasurementError(msg, source=table.source)
    # Q3 is the cumulative and q3 the density of a distribution: the case of the letter decides
    for at, name in usable.items():
        if re.search(r"\bQ3?\b|\bQ\s*\(", name) or re.search(_CUMULATIVE, name.casefold()):
            return at, "over" if re.search(_OVER, name.casefold()) else "cumulative"
    for at, name in usable.items():
        words = re.search(r"dens|distr", name.casefold()) and "%" not in unit_of(name, THICKNESS)
        if words or re.search(r"\bq3|lg\b", name):
            return at, "density"
    for at, name in usable.items():
        if re.search(_SHARE, name.casefold()):
            return at, "" if re.fullmatch(r"\s*%?\s*", name) else "class"
    return next(iter(usable), others[0]), ""


def _diameter(table: Table, row: tuple[int, list[str]], column: int, unit: str = "um") -> float:
    name = table.name(column)
    written = re.search(r"\b(nm|um|mm|[µμ]m|micron|microns|micrometers?)\b", name.casefold())
    unit = unit_of(name, THICKNESS) or (written[1] if written else unit)
    unit = "um" if unit.casefold().startswith("micro") else unit.replace("μ", "µ")
    number = table.number(row, column)
    try:
        return parse(f"{number!r} {unit}", THICKNESS)
    except UnitError as reason:
        raise MeasurementError(Problem(f"{name}: {reason}", line=row[0]), source=table.source) from None


def _diameters(table: Table, rows: list[tuple[int, list[str]]], column: int, warnings: list[str]) -> Floats:
    name = table.name(column)
    if not unit_of(name, THICKNESS) and not re.search(r"nm|[uµμ]m|mm|micro", name.casefold()):
        warnings.append(f'column "{name}" has no unit; um is assumed. Write for example "size (um)"')
    diameters = np.array([_diameter(table, row, column) for row in rows])
    wrong = np.flatnonzero(~((diameters > 0.0) & (diameters <= LARGEST)))
    if len(wrong) == 1 and diameters[wrong[0]] == 0.0 and len(diameters) > POINTS:
        # the lowest edge of a table of channels may be 0, which has no logarithm
        diameters[wrong[0]] = 0.5 * float(np.min(diameters[diameters > 0.0]))
        return diameters
    if len(wrong):
        at = int(wrong[0])
        msg = f"{name}: {UM.of(diameters[at]):g} um is not a particle diameter (above 0, up to 1 cm); check the unit"
        raise MeasurementError(Problem(msg, line=rows[at][0]), source=table.source)
    return diameters


def _cumulative(
    table: Table, diameter: Floats, share: Floats, lines: Indices, over: bool, warnings: list[str]
) -> tuple[Floats, Floats]:
    """Edges and cumulative volume from a column that is already cumulative."""
    full = 100.0 if share.max() > 1.0 + SUM else 1.0
    below = share / full
    if over:
        below = 1.0 - below
    fall = np.flatnonzero(np.diff(below) < -FALL)
    if len(fall):
        at = int(fall[0])
        msg = (
            f"cumulative volume {'rises' if over else 'falls'} from {share[at]:g} to {share[at + 1]:g} at "
            f"{UM.of(diameter[at + 1]):.5g} um, but should only {'fall' if over else 'rise'} with the diameter. If "
            'the column contains the volume in each channel, name it "volume (%)"'
        )
        raise MeasurementError(Problem(msg, line=int(lines[at + 1])), source=table.source)
    below = np.maximum.accumulate(below)
    miss = abs(float(below[-1]) - 1.0)
    if miss > LEFT:
        msg = f"cumulative volume ends at {100.0 * float(below[-1]):.4g} % and not at 100 %; export the whole range"
        raise MeasurementError(msg, source=table.source)
    if miss > SUM:
        warnings.append(f"cumulative volume ends at {100.0 * float(below[-1]):.4g} %; scaled to 100 %")
    below = below / below[-1]
    if below[0] > SUM:
        warnings.append(
            f"{100.0 * float(below[0]):.3g} % of the volume lies below the smallest diameter of the table; it is "
            "placed just below that"
        )
    if below[0] > 0.0:
        diameter = np.concatenate([[diameter[0] ** 2 / diameter[1]], diameter])
        below = np.concatenate([[0.0], below])
    return diameter, below


def _classes(
    table: Table, diameter: Floats, share: Floats, form: str, name: str, upper: Floats | None, warnings: list[str]
) -> tuple[Floats, Floats]:
    """Edges and cumulative volume from the shares in channels, or from a density."""
    logarithm = np.log(diameter)
    if upper is not None:
        edges = np.concatenate([diameter, upper[-1:]])
    else:
        middles = 0.5 * (logarithm[1:] + logarithm[:-1])
        edges = np.exp(
            np.concatenate([[2.0 * logarithm[0] - middles[0]], middles, [2.0 * logarithm[-1] - middles[-1]]])
        )
    if form == "density":
        over_logarithm = bool(re.search(r"lg|log", name.casefold()))
        part = share * (np.diff(np.log10(edges)) if over_logarithm else np.diff(UM.of(edges)))
        total = float(part.sum())
        if not any(abs(total / full - 1.0) < 2.0 * LEFT for full in (1.0, 100.0)):
            over = "logarithm" if over_logarithm else "diameter"
            warnings.append(f'the density "{name}" adds up to {total:.4g} over the {over}; scaled to 100 %')
    else:
        part, total = share, float(share.sum())
        full = 100.0 if total > 1.0 + LEFT else 1.0
        miss = abs(total / full - 1.0)
        if not total > 0.0 or miss > LEFT:
            msg = (
                f'volume in the channels ("{name}") adds up to {total:.4g} and not to 100 % (or 1); export all '
                "channels, or give the column the name of what it contains"
            )
            raise MeasurementError(msg, source=table.source)
        if miss > SUM:
            warnings.append(f"volume in the channels adds up to {100.0 * total / full:.4g} %; scaled to 100 %")
    if not total > 0.0:
        msg = f'column "{name}" contains no volume'
        raise MeasurementError(msg, source=table.source)
    return edges, np.concatenate([[0.0], np.cumsum(part)]) / total
