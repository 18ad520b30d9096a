"""Particle sizes: a table of laser diffraction to percentiles, means and a log-normal distribution."""

import os
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks
from scipy.special import ndtr

from ..errors import MeasurementError, Problem, UnitError
from ..tables import Table, read_table, unit_of
from ..units import M2_CM3, ONE, PERCENT, THICKNESS, UM, parse, text
from .records import Record, sha256
from .result import Fitted, Property, Result, Series
from .statistics import least_squares, quantile

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

SUM = 0.01
"""By how much the volume may miss 100 % as it stands: tables are rounded."""
LEFT = 0.05
"""By how much it may miss it and be scaled to it, which is then said."""
LARGEST = 1e-2
"""m; larger diameters are a wrong unit."""
FALL = 1e-3
"""By how much a cumulative share may fall from one diameter to the next: rounding."""
MISFIT = 0.05
"""Largest distance of two cumulative distributions from which the one is not the other."""
MODE = 0.1
"""Prominence of a maximum of the distribution, over the highest, from which it is a mode."""
POINTS = 3

_SIZE = r"diam|(?<!over)(?<!under)(?<!pass )\bsize|channel|particle|^\s*[xd][0oum]?\b|[µμ]m|\bum\b|\bnm\b|\bmm\b"
_OVER = r"over|retain|coarser|>|^\s*1\s*-"
_CUMULATIVE = r"cum|under|pass|finer|<|" + _OVER
_SHARE = r"vol|diff|freq|chan|%|\bin\b|hist|^\s*q\b|dens|distr"
_MIDDLE = r"mid|cent(er|re)|mean|^\s*[xd]_?m\b"
_NUMBER = r"\bnumber\b|\bq0"


@dataclass(frozen=True, kw_only=True, eq=False)
class ParticleSize(Result):
    """Sizes of a powder by volume.

    Attributes
    ----------
    edges : array, shape (n + 1,)
        Diameters between the classes, m, rising.
    cumulative : array, shape (n + 1,)
        Share of the volume below each, 0 to 1.
    median, deviation : float
        Of the fitted log-normal distribution: diameter, m, and standard deviation of its logarithm.
    """

    edges: Floats
    cumulative: Floats
    median: float
    deviation: float

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "particle-size"

    @property
    def density(self) -> Floats:
        """Share of the volume per natural logarithm of the diameter in each class, shape (n,)."""
        found: Floats = np.diff(self.cumulative) / np.diff(np.log(self.edges))
        return found

    def percentile(self, share: float) -> float:
        """Diameter below which a share of the volume lies, linear in its logarithm between the edges, m."""
        return _percentile(self.edges, self.cumulative, share)[0]

    def properties(self) -> list[Property]:
        """Diameter: D50."""
        found = self.values["d50"]
        value = text(float(f"{found.value:.6g}"), THICKNESS)
        return [Property("particle_diameter", {"value": value}, found.uncertainty)]

    def data(self) -> dict[str, Series]:
        """The distribution as it is drawn."""
        columns: dict[str, Any] = {
            "from": self.edges[:-1],
            "to": self.edges[1:],
            "volume": np.diff(self.cumulative),
            "cumulative": self.cumulative[1:],
            "log_normal": np.diff(ndtr(np.log(self.edges / self.median) / self.deviation)),
        }
        units = {"from": UM, "to": UM, "volume": PERCENT, "cumulative": PERCENT, "log_normal": PERCENT}
        return {"classes": Series("Classes", columns, units)}


def analyse(path: str | os.PathLike[str]) -> ParticleSize:
    r"""Percentiles, means and a log-normal fit of a size distribution by volume.

    The table is the export of a laser-diffraction instrument, or any of a diameter and one of: cumulative share below
    (or above: "oversize"), share in each channel, density over the diameter (q3) or over its decimal logarithm (q3lg).
    Names of the columns say which; without them it is diameter and share, cumulative where it rises to 100 %.
    A channel lies around its diameter, half-way to its neighbours in the logarithm; two columns of diameters are
    the lower and upper edges.

    .. math::
        D_{4,3} = \sum_i p_i \bar d_i, \qquad D_{3,2} = 1 \Big/ \sum_i p_i / \bar d_i, \qquad
        \frac{S}{V} = \frac{6}{D_{3,2}}, \qquad \mathrm{span} = \frac{D_{90} - D_{10}}{D_{50}}

    with the share p of each class and its mean diameters, volume even over the logarithm in a class. Intervals of
    percentiles and means are those of the classes: where in its class the volume lies is not in the table. They are
    not of the instrument (sampling, optical model), and spheres are assumed. Those of the log-normal distribution are
    of the scatter of the classes about it.

    Parameters
    ----------
    path : path
        CSV or TXT of any delimiter, with decimal points or commas; lines above the header are passed over. Diameters
        have the unit of their header (um, nm, mm).

    Returns
    -------
    ParticleSize
        Values: `d10`, `d50`, `d90`, `span`, `d43`, `d32`, `specific_surface`, `log_normal_median`,
        `log_normal_deviation` (geometric).

    Raises
    ------
    MeasurementError
        No such file, no diameter, sizes by number, a cumulative share that falls, or volume that is not 100 %.

    Notes
    -----
    Means: ISO 9276-2. For a log-normal distribution D[4,3] = D50 exp(s2/2) and D[3,2] = D50 exp(-s2/2).
    """
    table = read_table(path, 2, MeasurementError)
    said: list[str] = []
    edges, cumulative, form = _distribution(table, said)
    record = Record(_frame(edges, cumulative), source=table.source, technique="particle size", sha256=sha256(path))
    values, median, deviation = _values(edges, cumulative, said)
    inner = np.flatnonzero((cumulative > 1e-6) & (cumulative < 1.0 - 1e-6))
    window = {
        "columns": form,
        "classes": len(edges) - 1,
        "smallest_um": float(f"{UM.of(edges[max(int(inner[0]) - 1, 0)] if len(inner) else edges[0]):.5g}"),
        "largest_um": float(f"{UM.of(edges[int(inner[-1]) + 1] if len(inner) else edges[-1]):.5g}"),
    }
    return ParticleSize(
        records=(record,),
        values=values,
        model="distribution by volume, even over the logarithm of the diameter within a class",
        window=window,
        warnings=tuple(said),
        series={"percentiles": _table(edges, cumulative)},
        edges=edges,
        cumulative=cumulative,
        median=median,
        deviation=deviation,
    )


def _frame(edges: Floats, cumulative: Floats) -> Any:
    import pandas as pd

    return pd.DataFrame({"Diameter / m": edges, "Cumulative Volume / 1": cumulative})


def _table(edges: Floats, cumulative: Floats) -> Series:
    shares = (0.05, 0.10, 0.16, 0.25, 0.50, 0.75, 0.84, 0.90, 0.95)
    rows = [_percentile(edges, cumulative, share) for share in shares]
    columns: dict[str, Any] = {"volume_below": list(shares)}
    columns |= {name: [row[at] for row in rows] for at, name in enumerate(("diameter", "low", "high"))}
    return Series("Percentiles by volume", columns, {"volume_below": PERCENT, "diameter": UM, "low": UM, "high": UM})


def _distribution(table: Table, said: list[str]) -> tuple[Floats, Floats, str]:
    """Edges of the classes, cumulative volume below them, and in words what it is from."""
    sizes = _size_columns(table)
    column, form = _share_column(table, sizes)
    size = sizes[0]
    if form == "density" and len(sizes) > 1:
        # x0 is an edge and xm the middle of a class (Sympatec)
        size = next((at for at in sizes if re.search(r"^\s*[xd]_?m\b", table.name(at).casefold())), size)
    first = table.rows[0][0]
    whole_rows = [row for row in table.rows if len(row[1]) > size and row[1][size] != ""]
    rows = [row for row in whole_rows if len(row[1]) > column and row[1][column] != ""]
    bare = [row for row in whole_rows if row not in rows]
    if len(rows) < POINTS:
        msg = f"has {len(rows)} diameters; a distribution has {POINTS} or more. Export all channels"
        raise MeasurementError(Problem(msg, line=first), source=table.source)
    diameter = _diameters(table, rows, size, said)
    share = np.array([table.number(row, column) for row in rows])
    lines = np.array([row[0] for row in rows])
    order = np.argsort(diameter, kind="stable")
    diameter, share, lines = diameter[order], share[order], lines[order]
    again = np.flatnonzero(np.diff(diameter) <= 1e-9 * diameter[1:])
    same = again[share[again] == share[again + 1]]
    if len(same) and len(same) == len(again):
        said.append(f"{len(same)} repeated row{'s' if len(same) > 1 else ''} left out")
        diameter, share, lines = (np.delete(values, same) for values in (diameter, share, lines))
    elif len(again):
        at = int(again[0])
        msg = (
            f"diameter {UM.of(diameter[at]):.6g} um is there twice with different volume ({share[at]:g} and "
            f"{share[at + 1]:g}); leave one distribution in the file"
        )
        raise MeasurementError(Problem(msg, line=int(lines[at + 1])), source=table.source)
    wrong = np.flatnonzero(~(np.isfinite(share) & (share >= 0.0)))
    if len(wrong):
        at = int(wrong[0])
        msg = f"{table.name(column)}: {share[at]:g} is below 0; volume is 0 or more"
        raise MeasurementError(Problem(msg, line=int(lines[at])), source=table.source)
    name = f"{table.name(size)}, {table.name(column)}"
    rises = bool(np.all(np.diff(share) >= 0.0)) and share[-1] > 0.0
    whole = min(abs(float(share.max()) / full - 1.0) for full in (1.0, 100.0)) < SUM
    if form == "over" or form == "cumulative":
        return *_cumulative(table, diameter, share, lines, form == "over", said), name
    if form == "" and rises and whole:
        return *_cumulative(table, diameter, share, lines, False, said), name
    upper = None
    if len(sizes) > 1 and form != "density":
        other = np.array([_diameter(table, row, sizes[1]) for row in rows])[order]
        if len(other) == len(diameter) and np.allclose(other[:-1], diameter[1:], rtol=1e-3):
            upper = other
    elif form != "density" and len(bare) == 1 and _diameter(table, bare[0], size) > diameter[-1]:
        # one diameter more than there are channels: the diameters are the edges (Malvern)
        upper = np.append(diameter[1:], _diameter(table, bare[0], size))
    edges, cumulative = _classes(table, diameter, share, form, table.name(column), upper, said)
    if upper is None and form != "density" and not re.search(_MIDDLE, table.name(size).casefold()):
        at = int(np.searchsorted(cumulative, 0.5).clip(1, len(edges) - 1))
        half = 100.0 * (float(np.sqrt(edges[at] / edges[at - 1])) - 1.0)
        said.append(
            f"the sizes are taken as the middles of their channels: where they are lower edges, all of them are "
            f"{half:.2g} % larger, and where they are upper edges, as much smaller. Export both edges, or name the "
            'column "middle (um)" where it has the middles'
        )
    return edges, cumulative, name


def _size_columns(table: Table) -> list[int]:
    if not table.header:
        return [0]
    found = [
        at
        for at, name in enumerate(table.header)
        if re.search(_SIZE, name.casefold())
        and not re.search(r"under|over|pass|cum|%|\bq[0-3]|dens|1\s*/", name.casefold())
    ]
    if not found:
        there = ", ".join(f'"{name}"' for name in table.header)
        msg = f'has no column of diameters; it has {there}. Name it with its unit, as in "size (um)"'
        raise MeasurementError(msg, source=table.source)
    return found


def _share_column(table: Table, sizes: list[int]) -> tuple[int, str]:
    """Column of the volume, and what it is: ``cumulative``, ``over``, ``density``, ``class``, or empty for unknown."""
    others = [at for at in range(len(table.rows[0][1])) if at not in sizes]
    if not others:
        msg = 'has no column of volume beside the diameters; name it, as in "volume (%)"'
        raise MeasurementError(msg, source=table.source)
    names = {at: table.header[at] for at in others if at < len(table.header)}
    by_number = [at for at, name in names.items() if re.search(_NUMBER, name.casefold())]
    usable = {at: name for at, name in names.items() if at not in by_number}
    if by_number and not usable:
        msg = (
            f'column "{names[by_number[0]]}" is by number; sizes of a powder are by volume. Export the volume '
            "distribution"
        )
        raise MeasurementError(msg, source=table.source)
    # Q3 is the cumulative and q3 the density of one distribution: the case of the letter tells
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


def _diameters(table: Table, rows: list[tuple[int, list[str]]], column: int, said: list[str]) -> Floats:
    name = table.name(column)
    if not unit_of(name, THICKNESS) and not re.search(r"nm|[uµμ]m|mm|micro", name.casefold()):
        said.append(f'column "{name}" has no unit; taken as um. Write for example "size (um)"')
    found = np.array([_diameter(table, row, column) for row in rows])
    wrong = np.flatnonzero(~((found > 0.0) & (found <= LARGEST)))
    if len(wrong) == 1 and found[wrong[0]] == 0.0 and len(found) > POINTS:
        # the lowest edge of a table of channels may be 0: nothing can be said of a logarithm there
        found[wrong[0]] = 0.5 * float(np.min(found[found > 0.0]))
        return found
    if len(wrong):
        at = int(wrong[0])
        msg = f"{name}: {UM.of(found[at]):g} um is not a diameter of a powder (above 0, up to 1 cm); check the unit"
        raise MeasurementError(Problem(msg, line=rows[at][0]), source=table.source)
    return found


def _cumulative(
    table: Table, diameter: Floats, share: Floats, lines: Indices, over: bool, said: list[str]
) -> tuple[Floats, Floats]:
    """Edges and cumulative volume of a column that is cumulative already."""
    full = 100.0 if share.max() > 1.0 + SUM else 1.0
    below = share / full
    if over:
        below = 1.0 - below
    fall = np.flatnonzero(np.diff(below) < -FALL)
    if len(fall):
        at = int(fall[0])
        msg = (
            f"cumulative volume {'rises' if over else 'falls'} from {share[at]:g} to {share[at + 1]:g} at "
            f"{UM.of(diameter[at + 1]):.5g} um; it only {'falls' if over else 'rises'} with the diameter. Is the "
            'column that of the channels? Then name it "volume (%)"'
        )
        raise MeasurementError(Problem(msg, line=int(lines[at + 1])), source=table.source)
    below = np.maximum.accumulate(below)
    miss = abs(float(below[-1]) - 1.0)
    if miss > LEFT:
        msg = f"cumulative volume ends at {100.0 * float(below[-1]):.4g} % and not at 100 %; export the whole range"
        raise MeasurementError(msg, source=table.source)
    if miss > SUM:
        said.append(f"cumulative volume ends at {100.0 * float(below[-1]):.4g} %; scaled to 100 %")
    below = below / below[-1]
    if below[0] > SUM:
        said.append(
            f"{100.0 * float(below[0]):.3g} % of the volume lies below the smallest diameter of the table; it is "
            "put just below that"
        )
    if below[0] > 0.0:
        diameter = np.concatenate([[diameter[0] ** 2 / diameter[1]], diameter])
        below = np.concatenate([[0.0], below])
    return diameter, below


def _classes(
    table: Table, diameter: Floats, share: Floats, form: str, name: str, upper: Floats | None, said: list[str]
) -> tuple[Floats, Floats]:
    """Edges and cumulative volume of shares in channels, or of a density."""
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
            said.append(f'the density "{name}" adds up to {total:.4g} over the {over}; scaled to 100 %')
    else:
        part, total = share, float(share.sum())
        full = 100.0 if total > 1.0 + LEFT else 1.0
        miss = abs(total / full - 1.0)
        if not total > 0.0 or miss > LEFT:
            msg = (
                f'volume in the channels ("{name}") adds up to {total:.4g} and not to 100 % (or 1); export all '
                "channels, or name the column for what it is"
            )
            raise MeasurementError(msg, source=table.source)
        if miss > SUM:
            said.append(f"volume in the channels adds up to {100.0 * total / full:.4g} %; scaled to 100 %")
    if not total > 0.0:
        msg = f'column "{name}" has no volume in it'
        raise MeasurementError(msg, source=table.source)
    return edges, np.concatenate([[0.0], np.cumsum(part)]) / total


def _percentile(edges: Floats, cumulative: Floats, share: float) -> tuple[float, float, float]:
    """Diameter below which a share lies, and the edges of its class (of both classes at an edge), m."""
    at = int(np.searchsorted(cumulative, share).clip(1, len(cumulative) - 1))
    below, above = float(cumulative[at - 1]), float(cumulative[at])
    part = (share - below) / (above - below) if above > below else 0.5
    value = float(np.exp(np.log(edges[at - 1]) + part * np.log(edges[at] / edges[at - 1])))
    last = len(cumulative) - 1
    low = edges[int((np.searchsorted(cumulative, share - FALL) - 1).clip(0, last))]
    high = edges[int(np.searchsorted(cumulative, share + FALL, side="right").clip(0, last))]
    return value, min(float(low), value), max(float(high), value)


def _values(edges: Floats, cumulative: Floats, said: list[str]) -> tuple[dict[str, Fitted], float, float]:
    values: dict[str, Fitted] = {}
    points = {share: _percentile(edges, cumulative, share / 100.0) for share in (10, 50, 90)}
    for name in (50, 10, 90):
        values[f"d{name}"] = Fitted(f"D{name} by volume", *points[name], UM)
    (d10, l10, h10), (d50, l50, h50), (d90, l90, h90) = (points[share] for share in (10, 50, 90))
    values["span"] = Fitted("Span", (d90 - d10) / d50, max(l90 - h10, 0.0) / h50, (h90 - l10) / l50, ONE)
    share = np.diff(cumulative)
    low, high = edges[:-1], edges[1:]
    # means over a class in which the volume is even over the logarithm
    wide = np.log(high / low)
    mean, inverse = (high - low) / wide, (1.0 / low - 1.0 / high) / wide
    values["d43"] = Fitted("D[4,3], mean by volume", float(share @ mean), float(share @ low), float(share @ high), UM)
    values["d32"] = Fitted(
        "D[3,2], mean by surface (Sauter)",
        1.0 / float(share @ inverse), 1.0 / float(share @ (1.0 / low)), 1.0 / float(share @ (1.0 / high)), UM,
    )  # fmt: skip
    sauter = values["d32"]
    values["specific_surface"] = Fitted(
        "Surface per volume of the particles", 6.0 / sauter.value, 6.0 / sauter.high, 6.0 / sauter.low, M2_CM3
    )
    median, deviation = _log_normal(edges, cumulative, values, said)
    _modes(edges, cumulative, said)
    coarse = (h50 - l50) / d50
    if coarse > 0.5:
        said.append(
            f"the class of D50 is {100.0 * coarse:.3g} % of it wide: the table is coarse; export the finest channels"
        )
    return values, median, deviation


def _log_normal(edges: Floats, cumulative: Floats, values: dict[str, Fitted], said: list[str]) -> tuple[float, float]:
    """Fit the shares of the classes, and say where the distribution is another."""
    logarithm, share = np.log(edges), np.diff(cumulative)
    low, high = (float(np.interp(at, cumulative, logarithm)) for at in (ndtr(-1.0), ndtr(1.0)))
    start = np.array([float(np.interp(0.5, cumulative, logarithm)), max(0.5 * (high - low), 1e-3)])
    inner = (cumulative[1:] > 0.0) & (cumulative[:-1] < 1.0)

    def residual(p: Floats) -> Floats:
        left: Floats = (np.diff(ndtr((logarithm - p[0]) / p[1])) - share)[inner]
        return left

    half = [np.nan, np.nan]
    median, deviation = float(start[0]), float(start[1])
    if int(inner.sum()) > POINTS:
        try:
            found = least_squares(residual, start, lower=[-np.inf, 1e-4], upper=[np.inf, 10.0])
            median, deviation = (float(value) for value in found.values)
            half = [quantile(found.degrees) * found.propagate(at)[1] for at in (0, 1)]
        except RuntimeError:
            said.append("no log-normal distribution could be fitted; its numbers are those of D16, D50 and D84")
    for name, label, value, spread, unit in (
        ("log_normal_median", "Median of the log-normal fit", median, half[0], UM),
        ("log_normal_deviation", "Geometric standard deviation of the log-normal fit", deviation, half[1], ONE),
    ):
        ends = [float(np.exp(value + sign * spread)) for sign in (0.0, -1.0, 1.0)]
        values[name] = Fitted(label, ends[0] if np.isfinite(spread) else float(np.exp(value)), ends[1], ends[2], unit)
    distance = float(np.max(np.abs(ndtr((logarithm - median) / deviation) - cumulative)))
    values["log_normal_distance"] = Fitted(
        "Largest distance of the cumulative distribution from it", distance, np.nan, np.nan, PERCENT
    )
    if distance > MISFIT:
        said.append(
            f"the distribution is not log-normal (up to {100.0 * distance:.3g} % of the volume apart): take D10, D50 "
            "and D90, not the fit"
        )
    return float(np.exp(median)), deviation


def _modes(edges: Floats, cumulative: Floats, said: list[str]) -> None:
    density = np.diff(cumulative) / np.diff(np.log(edges))
    padded = np.concatenate([[0.0], density, [0.0]])
    places, _ = find_peaks(padded, prominence=MODE * float(density.max()))
    if len(places) > 1:
        middle = np.sqrt(edges[1:] * edges[:-1])[places - 1]
        found = ", ".join(f"{UM.of(one):.3g} um" for one in middle)
        said.append(f"the distribution has {len(places)} modes, at {found}: agglomerates, fines, or two powders")
