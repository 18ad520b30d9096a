"""Elastic modulus: tensile or compressive tests, and dynamic mechanical analysis."""

import os
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MeasurementError, Problem, UnitError
from ..tables import Table, read_table, unit_of
from ..units import (
    AREA,
    DEG_C,
    GPA,
    HERTZ,
    LENGTH,
    MODULUS,
    MPA,
    ONE,
    PERCENT,
    PRESSURE,
    TEMPERATURE,
    Kind,
    Unit,
    parse,
    text,
)
from .records import Record, sha256
from .result import Fitted, Property, Result, Series
from .statistics import Estimate, line, quantile

Floats = NDArray[np.float64]

LINEAR = 0.03
"""Relative difference of the slopes of its ends (a third each) to its own up to which a part is straight."""
STEEP = 0.9
"""Share of the steepest slope that the linear part has: leaves out the toe, and hardening after the yield."""
PART = 0.1
"""Share of the largest stress that a part spans at least."""
POINTS = 8
"""Of a linear part at least, and of a table."""
BLOCKS = 240
"""Points that a curve is averaged to before its linear part is looked for."""
OFFSET = 0.002
"""Strain of the offset yield point."""
BREAK = 0.02
"""Share by which the stress has to fall from its largest for that to be the strength."""
LARGE_STRAIN = 20.0
HARDEST = 1e13
"""Pa; ten times diamond: larger numbers are a wrong unit."""
SOFTEST = 1e-3
"""Pa; below it nothing is a solid."""
LARGE_TANGENT = 1e3
ROOM = 298.15
SLOW = 1.0
"""Hz."""
NEAR_TEMPERATURE, NEAR_FREQUENCY = 3.0, 1.6
"""K and ratio within which a value of DMA is one at `ROOM` and `SLOW`."""
AROUND = 12.0
"""K about `ROOM` in which ln E' over the temperature is taken as a straight line."""
NAN = float("nan")

_STRAIN = Kind("strain", "", PERCENT, "1 %", ("%",), bare=True)
_FORCE = Kind("force", "N", Unit("N", 1.0, "N", "N"), "10 N")
_FREQUENCY = Kind("frequency", "1/s", HERTZ, "1 Hz")


@dataclass(frozen=True, kw_only=True, eq=False)
class Modulus(Result):
    """Modulus of a solid.

    Attributes
    ----------
    form : str
        ``stress-strain`` or ``dma``.
    x : array, shape (n,)
        Strain; of DMA temperature, K, or frequency, Hz, as `axis` says.
    y : array, shape (n,)
        Stress, or storage modulus, Pa.
    axis : str
        ``strain``, ``temperature`` or ``frequency``.
    loss, tangent : array, shape (n,), or None
        Of DMA: loss modulus, Pa; tan delta.
    straight : (float, float, float, float), or None
        Of stress and strain: begin and end of the linear part, its intercept, Pa, and its slope, Pa.
    offset_yield : (float, float), or None
        Strain and stress.
    strength : (float, float), or None
        Strain and stress of the maximum, where one is reached.
    bent : bool
        Whether no part of the curve is straight.
    """

    form: str
    x: Floats
    y: Floats
    axis: str
    loss: Floats | None = None
    tangent: Floats | None = None
    straight: tuple[float, float, float, float] | None = None
    offset_yield: tuple[float, float] | None = None
    strength: tuple[float, float] | None = None
    bent: bool = False

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "modulus"

    def properties(self) -> list[Property]:
        """Young's modulus: of the linear part, or the storage modulus where it was measured at room temperature.

        Nothing where no part is straight or the interval holds 0.
        """
        found = self.values.get("youngs_modulus") or self.values.get("storage_modulus_25")
        # the ends are nan where no interval can be given
        if found is None or self.bent or not found.value > 0.0 or found.low <= 0.0:
            return []
        value = text(float(f"{found.value:.6g}"), MODULUS)
        return [Property("youngs_modulus", {"value": value}, found.uncertainty)]

    def data(self) -> dict[str, Series]:
        """The curve as drawn."""
        units: dict[str, Unit] = {"strain": PERCENT, "temperature": DEG_C, "frequency": HERTZ}
        columns: dict[str, Any] = {self.axis: self.x}
        name = "stress" if self.form == "stress-strain" else "storage_modulus"
        columns[name] = self.y
        if self.loss is not None:
            columns["loss_modulus"] = self.loss
        if self.tangent is not None:
            columns["tan_delta"] = self.tangent
        shown = {self.axis: units[self.axis], name: MPA, "loss_modulus": MPA}
        return {"curve": Series("Curve", columns, {key: unit for key, unit in shown.items() if key in columns})}


def analyse(path: str | os.PathLike[str], *, area: float | None = None, gauge_length: float | None = None) -> Modulus:
    r"""Young's modulus from stress and strain, or moduli from dynamic mechanical analysis.

    A table with a storage modulus is DMA: its value at 25 degC and 1 Hz is taken where it was measured. Any other
    table has stress and strain, or force and displacement, which need `area` and `gauge_length`

    .. math::
        \sigma = F/A, \qquad \epsilon = \Delta l/l_0, \qquad E = d\sigma/d\epsilon .

    The linear part is the longest in strain whose ends (a third each) have its slope within 3 % or their scatter,
    among those with at least 90 % of the steepest slope and a tenth of the largest stress: the toe, in which the sample
    is pulled straight, and the hardening after yield are left out. The interval is of the scatter about the line
    and of the change of the slope to those ends, not of the cross-section nor of the compliance of the machine.

    Parameters
    ----------
    path : path
        CSV or TXT; columns with their units: stress (MPa), strain (%) or (-), force (N), displacement (mm),
        storage modulus (MPa), loss modulus (MPa), tan delta, temperature (degC), frequency (Hz). Compression may be
        below 0.
    area : float, optional
        Cross-section, m2.
    gauge_length : float, optional
        Between the clamps, m.

    Returns
    -------
    Modulus
        Values of stress and strain: `youngs_modulus`, and where reached `yield_strength` (0.2 % offset), `strength`,
        `strain_at_strength`. Of DMA: `storage_modulus_25` (or that of the nearest temperature), `loss_modulus`,
        `tan_delta`, `peak_temperature` (of tan delta or loss).

    Raises
    ------
    MeasurementError
        A column or its unit lacks, area or gauge length lacks, too few points, no rise of the stress.

    Notes
    -----
    Offset yield and slope of the linear part: as in ISO 527-1 and ASTM D638.
    """
    table = read_table(path, 2, MeasurementError)
    if not table.header:
        msg = 'has no line of names above the numbers; wanted is for example "strain (%), stress (MPa)"'
        raise MeasurementError(msg, source=table.source)
    for name, value, kind in (("area", area, AREA), ("gauge length", gauge_length, LENGTH)):
        if value is not None and not (np.isfinite(value) and value > 0.0):
            msg = f"{name}: {text(value, kind) if np.isfinite(value) else value} is not above 0"
            raise MeasurementError(msg, source=table.source)
    storage = _named(table, r"storage|\be\s*['’′](?!['’′])|\be_?prime\b|\bg\s*['’′](?!['’′])")
    if storage is not None:
        return _dma(table, storage, path)
    return _tensile(table, path, area, gauge_length)


def _named(table: Table, pattern: str, besides: str = r"(?!)") -> int | None:
    for at, name in enumerate(table.header):
        folded = name.casefold()
        if re.search(pattern, folded) and not re.search(besides, folded):
            return at
    return None


def _column(table: Table, column: int, kind: Kind) -> Floats:
    """Read a column in SI; its name has to have the unit."""
    name = table.name(column)
    unit = unit_of(name, kind)
    if not unit:
        whole = re.search(r"[_\s](MPa|GPa|kPa|Pa|N|kN|mN|mm|um|µm|m|%|degC|°C|C|K|Hz|rad/s)\s*$", name)
        unit = whole[1] if whole else ""
    if kind is _STRAIN and unit.casefold().replace(" ", "") in ("-", "1", "mm/mm", "m/m", "um/um", "abs", "mmmm-1"):
        unit = "1"
    if kind is TEMPERATURE and unit in ("C", "°C", "ºC", "deg C", "Celsius"):
        unit = "degC"
    if not unit:
        also = ' or "strain (-)"' if kind is _STRAIN else ""
        msg = f'column "{name}" has no unit; write for example "{name.strip()} ({kind.shown.symbol})"{also}'
        raise MeasurementError(msg, source=table.source)
    found = np.empty(len(table.rows))
    for at, row in enumerate(table.rows):
        number = table.number(row, column)
        if kind is _FREQUENCY and unit in ("Hz", "rad/s"):
            found[at] = number / (1.0 if unit == "Hz" else 2.0 * np.pi)
            continue
        try:
            found[at] = parse(f"{number!r} {'' if unit == '1' else unit}".strip(), kind)
        except UnitError as reason:
            raise MeasurementError(Problem(f"{name}: {reason}", line=row[0]), source=table.source) from None
    if kind is PRESSURE:
        _refuse_larger(table, column, found, HARDEST, "Pa; check the unit")
    return found


def _refuse_larger(table: Table, column: int, values: Floats, most: float, words: str) -> None:
    large = np.flatnonzero(~(np.abs(values) <= most))
    if len(large):
        at = int(large[0])
        msg = f"{table.name(column)}: {values[at]:.4g} is more than {most:g} {words}"
        raise MeasurementError(Problem(msg, line=table.rows[at][0]), source=table.source)


def _tensile(table: Table, path: str | os.PathLike[str], area: float | None, gauge_length: float | None) -> Modulus:
    said: list[str] = []
    strain, stress, columns = _stress_strain(table, area, gauge_length, said)
    strain, stress = _loading(table, strain, stress, said)
    begin, end, fit, bent = _linear_part(table, strain, stress, said)
    intercept, slope = (float(value) for value in fit.values)
    toe = -intercept / slope
    # how the slope changes within the part is as much of its uncertainty as the scatter
    half = float(np.hypot(quantile(fit.degrees) * fit.propagate(1)[1], _change(strain, stress, begin, end, slope)))
    values = {"youngs_modulus": Fitted("Young's modulus", slope, slope - half, slope + half, GPA)}
    if not bent and slope <= half:
        said.append("the interval of the modulus holds 0: the curve does not say it, and no material property is made")
    offset = _offset(strain, stress, slope, toe)
    if offset is not None:
        label = "Yield strength (0.2 % offset)"
        values["yield_strength"] = Fitted(label, offset[1], *_at_offset(strain, stress, slope, half, toe), MPA)
    strength = _strength(strain, stress)
    if strength is not None:
        values["strength"] = Fitted("Strength", strength[1], NAN, NAN, MPA)
        values["strain_at_strength"] = Fitted("Strain at the strength", strength[0] - toe, NAN, NAN, PERCENT)
    inside = (strain >= strain[begin]) & (strain <= strain[end])
    left = stress[inside] - intercept - slope * strain[inside]
    total = float(np.sum((stress[inside] - stress[inside].mean()) ** 2))
    window = {
        "columns": columns,
        "from_strain_pct": round(float(PERCENT.of(strain[begin])), 4),
        "to_strain_pct": round(float(PERCENT.of(strain[end])), 4),
        "from_stress_MPa": float(f"{MPA.of(intercept + slope * strain[begin]):.4g}"),
        "to_stress_MPa": float(f"{MPA.of(intercept + slope * strain[end]):.4g}"),
        "points": int(inside.sum()),
        "linearity": float(f"{1.0 - float(left @ left) / total:.6g}") if total > 0.0 else None,
        "toe_strain_pct": round(float(PERCENT.of(toe)), 4),
    }
    if toe > 0.02:
        said.append(f"the toe is {100.0 * toe:.3g} % of strain: the sample was slack or not straight in the clamps")
    if int(inside.sum()) < 2 * POINTS:
        said.append(f"the linear part has {int(inside.sum())} points only; record more often at the beginning")
    return Modulus(
        records=(_record(path, table, {"Strain / 1": strain, "Stress / Pa": stress}, "tensile test"),),
        values=values,
        model="slope of the linear part of stress over strain",
        window=window,
        warnings=tuple(said),
        form="stress-strain",
        x=strain,
        y=stress,
        axis="strain",
        straight=(float(strain[begin]), float(strain[end]), intercept, slope),
        offset_yield=offset,
        strength=strength,
        bent=bent,
    )


def _record(path: str | os.PathLike[str], table: Table, columns: dict[str, Any], technique: str) -> Record:
    import pandas as pd

    return Record(pd.DataFrame(columns), source=table.source, technique=technique, sha256=sha256(path))


def _stress_strain(
    table: Table, area: float | None, gauge_length: float | None, said: list[str]
) -> tuple[Floats, Floats, str]:
    stress = _named(table, r"stress|σ|sigma|spannung", r"strain")
    strain = _named(table, r"strain|ε|epsilon|elongation|dehnung", r"stress|rate")
    force = _named(table, r"force|load|kraft|^\s*f\b")
    way = _named(table, r"displac|extension|crosshead|stroke|travel|position|weg\b|^\s*δ?l\b|deformation", r"rate|time")
    there = ", ".join(f'"{name}"' for name in table.header)
    if (stress is None and force is None) or (strain is None and way is None):
        what = "stress or force" if stress is None and force is None else "strain or displacement"
        msg = f'has no column of {what}; it has {there}. Name the columns, as in "strain (%), stress (MPa)"'
        raise MeasurementError(msg, source=table.source)
    if stress is not None:
        y, used = _column(table, stress, PRESSURE), stress
    else:
        assert force is not None
        if area is None:
            msg = 'has forces: stress needs the cross-section; give it, as in --area "0.6 mm^2"'
            raise MeasurementError(msg, source=table.source)
        y, used = _column(table, force, _FORCE) / area, force
        _refuse_larger(table, force, y, HARDEST, "Pa over the cross-section; check the unit and --area")
    if strain is not None:
        x, other = _column(table, strain, _STRAIN), strain
    else:
        assert way is not None
        if gauge_length is None:
            msg = 'has displacements: strain needs the length between the clamps; give it, as in --gauge-length "20 mm"'
            raise MeasurementError(msg, source=table.source)
        x, other = _column(table, way, LENGTH) / gauge_length, way
        said.append(
            "strain is from the displacement of the machine, whose own give and slip in the clamps are in it: the "
            "modulus is a lower bound"
        )
    return x, y, f"{table.name(other)}, {table.name(used)}"


def _loading(table: Table, strain: Floats, stress: Floats, said: list[str]) -> tuple[Floats, Floats]:
    """The first loading: to the largest strain, in its order, above 0."""
    if float(strain[np.argmax(np.abs(strain))]) < 0.0:
        strain = -strain
        said.append("strain is below 0: compression, taken as above 0")
    if float(stress[np.argmax(np.abs(stress))]) < 0.0:
        stress = -stress
    pairs = np.column_stack([strain, stress])
    again = np.flatnonzero((np.diff(pairs, axis=0) == 0.0).all(axis=1)) + 1
    if len(again):
        said.append(f"{len(again)} repeated row{'s' if len(again) > 1 else ''} left out")
        strain, stress = np.delete(strain, again), np.delete(stress, again)
    if len(strain) < POINTS:
        msg = f"has {len(strain)} points; the linear part needs {POINTS} or more"
        raise MeasurementError(msg, source=table.source)
    if float(np.max(np.abs(strain))) > LARGE_STRAIN:
        msg = f"strain reaches {100.0 * float(np.max(np.abs(strain))):.4g} %; check its unit"
        raise MeasurementError(msg, source=table.source)
    running = np.maximum.accumulate(strain)
    span = float(np.ptp(strain))
    if not span > 0.0:
        msg = "has one strain only; a modulus needs a rising strain"
        raise MeasurementError(msg, source=table.source)
    back = np.flatnonzero(running - strain > 0.02 * span)
    if len(back):
        last = int(np.argmax(strain[: int(back[0])]))
        said.append(
            f"strain goes back at {100.0 * float(strain[last]):.3g} %: unloading and what follows are left out, the "
            "first loading is used"
        )
        strain, stress = strain[: last + 1], stress[: last + 1]
        if len(strain) < POINTS:
            msg = f"strain goes back after {len(strain)} points; the linear part needs {POINTS} or more"
            raise MeasurementError(msg, source=table.source)
    order = np.argsort(strain, kind="stable")
    return strain[order], stress[order]


def _linear_part(table: Table, strain: Floats, stress: Floats, said: list[str]) -> tuple[int, int, Estimate, bool]:
    """First and last point of the linear part, the line through it, and whether there is none."""
    top = int(np.argmax(stress))
    if top < POINTS - 1 or not float(stress[top]) > float(stress[0]):
        msg = f"stress does not rise over {POINTS} points; take a loading from 0 on, with stress above 0"
        raise MeasurementError(msg, source=table.source)
    least, until = PART * float(np.ptp(stress[: top + 1])), top
    found = _longest(strain[: until + 1], stress[: until + 1], least)
    for _ in range(6):
        # of a curve that goes far beyond its linear part, again with the points closer to it
        if found is None or found[1] - found[0] <= BLOCKS // 4 or found[1] * 3 >= until:
            break
        until = min(until, found[1] * 2)
        found = _longest(strain[: until + 1], stress[: until + 1], least)
    if found is None:
        msg = "stress does not rise with strain; take a loading from 0 on, with stress above 0"
        raise MeasurementError(msg, source=table.source)
    begin, end, tolerance = found
    if tolerance > LINEAR:
        said.append(
            f"no part is straight within {100 * LINEAR:g} %: the one taken changes its slope by up to "
            f"{100 * tolerance:g} %; the modulus is a mean over it"
            if np.isfinite(tolerance)
            else "no part of the curve is straight: the modulus is that of the steepest part, and no material property "
            "is made"
        )
    bent = not np.isfinite(tolerance)
    return begin, end, line(strain[begin : end + 1], stress[begin : end + 1]), bent


def _longest(strain: Floats, stress: Floats, least: float) -> tuple[int, int, float] | None:
    """First and last point of the longest straight part that spans a stress, and its tolerance; None without a rise."""
    places = np.unique(np.linspace(0, len(strain), min(len(strain), BLOCKS) + 1).astype(np.int64))
    width = np.diff(places)
    x, y = (np.add.reduceat(values, places[:-1]) / width for values in (strain, stress))
    scatter = _scatter(x, y)
    sums = [np.concatenate([[0.0], np.cumsum(values)]) for values in (np.ones_like(x), x, y, x * x, x * y)]

    def slopes(first: Any, last: Any) -> tuple[Any, Any]:
        """Slope of the blocks from first to before last, and the sum of squares of strain about its mean."""
        n, sx, sy, sxx, sxy = (total[last] - total[first] for total in sums)
        with np.errstate(divide="ignore", invalid="ignore"):
            about = sxx - sx * sx / n
            return np.where(about > 0.0, (sxy - sx * sy / n) / about, 0.0), about

    first, last = np.triu_indices(len(x) + 1, min(POINTS, max(len(x) // 2, 3)))
    slope, about = slopes(first, last)
    wide = (slope * (x[last - 1] - x[first]) >= least) & (slope > 0.0)
    if not wide.any():
        wide = slope > 0.0
    if not wide.any():
        return None
    first, last, slope, about = first[wide], last[wide], slope[wide], about[wide]
    # the steepest slope of a noisy curve is its noise: its deviation is taken off
    steepest = float(np.max(slope - 2.0 * scatter / np.sqrt(np.maximum(about, 1e-300))))
    third = np.maximum((last - first) // 3, 2)
    apart, spread = np.zeros(len(slope)), np.zeros(len(slope))
    for begin, end in ((first, first + third), (last - third, last)):
        part, size = slopes(begin, end)
        with np.errstate(divide="ignore", invalid="ignore"):
            deviation = np.where(size > 0.0, scatter / np.sqrt(size), np.inf)
        off = np.abs(part - slope)
        # within the tolerance, or within the scatter where that is wider
        apart = np.maximum(apart, off)
        spread = np.maximum(spread, deviation)
    for tolerance in (LINEAR, 0.1, 0.3):
        straight = (apart <= tolerance * slope) | (apart <= spread)
        found = np.flatnonzero(straight & (slope >= STEEP * steepest))
        if len(found):
            best = found[int(np.argmax(x[last[found] - 1] - x[first[found]]))]
            return int(places[first[best]]), int(places[last[best]]) - 1, tolerance
    best = int(np.argmax(slope))
    return int(places[first[best]]), int(places[last[best]]) - 1, float("inf")


def _scatter(x: Floats, y: Floats) -> float:
    """Standard deviation of a point about its neighbours' line."""
    if len(x) < 5:
        return 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(x[2:] > x[:-2], (x[1:-1] - x[:-2]) / (x[2:] - x[:-2]), 0.5)
    left = y[1:-1] - (1.0 - part) * y[:-2] - part * y[2:]
    return float(1.4826 * np.median(np.abs(left) / np.sqrt(1.0 + (1.0 - part) ** 2 + part**2)))


def _offset(strain: Floats, stress: Floats, slope: float, toe: float) -> tuple[float, float] | None:
    """Where the curve crosses the line of the modulus moved by 0.2 % of strain."""
    above = stress - slope * (strain - toe - OFFSET)
    later = np.flatnonzero((strain[1:] > toe + OFFSET) & (above[1:] <= 0.0) & (above[:-1] > 0.0))
    if not len(later):
        return None
    at = int(later[0])
    part = float(above[at] / (above[at] - above[at + 1]))
    return (
        float(strain[at] + part * (strain[at + 1] - strain[at])),
        float(stress[at] + part * (stress[at + 1] - stress[at])),
    )


def _at_offset(strain: Floats, stress: Floats, slope: float, half: float, toe: float) -> tuple[float, float]:
    """Offset yield at both ends of the interval of the slope."""
    ends = [_offset(strain, stress, slope + sign * half, toe) for sign in (-1.0, 0.0, 1.0)]
    found = [one[1] for one in ends if one is not None]
    return (min(found), max(found)) if len(found) == 3 else (NAN, NAN)


def _change(strain: Floats, stress: Floats, begin: int, end: int, slope: float) -> float:
    """Largest difference of the slope of an end (a third) of the linear part from its own, Pa."""
    third = max((end + 1 - begin) // 3, 2)
    ends = [slice(begin, begin + third), slice(end + 1 - third, end + 1)]
    return max(
        abs(float(line(strain[one], stress[one]).values[1]) - slope) for one in ends if np.ptp(strain[one]) > 0.0
    )


def _strength(strain: Floats, stress: Floats) -> tuple[float, float] | None:
    top = int(np.argmax(stress))
    after = stress[top:]
    if float(stress[top]) - float(after.min()) < BREAK * float(stress[top]):
        return None
    return float(strain[top]), float(stress[top])


def _dma(table: Table, storage: int, path: str | os.PathLike[str]) -> Modulus:
    said: list[str] = []
    shear = bool(re.search(r"\bg\s*['’′]|shear", table.name(storage).casefold()))
    temperature = _named(table, r"temp|^\s*t\b|°c", r"time")
    frequency = _named(table, r"freq|^\s*f\b|\bhz\b|omega|ω")
    if temperature is None and frequency is None:
        there = ", ".join(f'"{name}"' for name in table.header)
        msg = f"has a storage modulus, but no column of temperature or frequency; it has {there}"
        raise MeasurementError(msg, source=table.source)
    modulus = _column(table, storage, PRESSURE)
    wrong = np.flatnonzero(~(modulus > SOFTEST))
    if len(wrong):
        at = int(wrong[0])
        least = "0" if modulus[at] <= 0.0 else f"{MPA.of(SOFTEST):g} MPa; check the unit"
        msg = f"{table.name(storage)}: {MPA.of(modulus[at]):g} MPa is not above {least}"
        raise MeasurementError(Problem(msg, line=table.rows[at][0]), source=table.source)
    T = None if temperature is None else _column(table, temperature, TEMPERATURE)
    f = None if frequency is None else _column(table, frequency, _FREQUENCY)
    at_loss = _named(table, r"loss\s*mod|\be\s*(''|\"|″|”)|\bg\s*(''|\"|″|”)|^\s*loss\b(?!\s*(fact|tan))")
    at_tangent = _named(table, r"tan")
    loss = None if at_loss is None else _column(table, at_loss, PRESSURE)
    tangent: Floats | None = None
    if loss is not None:
        tangent = loss / modulus
    elif at_tangent is not None:
        tangent = np.array([table.number(row, at_tangent) for row in table.rows])
        _refuse_larger(table, at_tangent, tangent, LARGE_TANGENT, "; check the column")
    axis, x, rows = _axis(table, T, f, said)
    modulus = modulus[rows]
    loss, tangent = (None if one is None else one[rows] for one in (loss, tangent))
    if loss is None and tangent is not None:
        loss = tangent * modulus
    if len(x) < 2:
        msg = f"has {len(x)} points of one {'frequency' if axis == 'temperature' else 'temperature'}; 2 or more wanted"
        raise MeasurementError(msg, source=table.source)
    values, window = _dma_values(x, modulus, loss, tangent, axis, shear, said)
    if axis == "temperature" and f is not None:
        window["frequency_Hz"] = float(f"{np.median(f[rows]):.4g}")
    if axis == "frequency" and T is not None:
        window["temperature_degC"] = float(f"{DEG_C.of(float(np.median(T[rows]))):.4g}")
        if abs(float(np.median(T[rows])) - ROOM) > NEAR_TEMPERATURE:
            values["storage_modulus"] = values.pop("storage_modulus_25")
            said.append(f"measured at {window['temperature_degC']:g} °C and not at 25 °C: no material property is made")
    window["columns"] = f"{table.name(storage)} over {axis}"
    columns = {axis: x, "Storage Modulus / Pa": modulus}
    return Modulus(
        records=(_record(path, table, columns, "dynamic mechanical analysis"),),
        values=values,
        model=f"dynamic mechanical analysis, {'shear' if shear else 'storage'} modulus over {axis}",
        window=window,
        warnings=tuple(said),
        form="dma",
        x=x,
        y=modulus,
        axis=axis,
        loss=loss,
        tangent=tangent,
    )


def _axis(table: Table, T: Floats | None, f: Floats | None, said: list[str]) -> tuple[str, Floats, Any]:
    """What the modulus is over: temperature (at the frequency nearest to 1 Hz) or frequency (nearest to 25 degC)."""
    rows = np.arange(len(table.rows))
    steps_of_temperature = 0 if T is None else len(np.unique(np.round(T / 2.0)))
    steps_of_frequency = 0 if f is None else len(np.unique(np.round(np.log(np.maximum(f, 1e-12)), 2)))
    if f is not None and not (f > 0.0).all():
        at = int(np.flatnonzero(~(f > 0.0))[0])
        msg = f"frequency: {f[at]:g} Hz is not above 0"
        raise MeasurementError(Problem(msg, line=table.rows[at][0]), source=table.source)
    if T is not None and (f is None or steps_of_temperature > 2):
        if f is not None and steps_of_frequency > 1:
            nearest = float(f[np.argmin(np.abs(np.log(f / SLOW)))])
            rows = np.flatnonzero(np.abs(np.log(f / nearest)) < 0.02)
            said.append(f"several frequencies: those at {nearest:.4g} Hz are taken, the nearest to {SLOW:g} Hz")
        elif f is not None and abs(np.log(float(f[0]) / SLOW)) > np.log(NEAR_FREQUENCY):
            said.append(f"measured at {float(f[0]):.4g} Hz and not at {SLOW:g} Hz")
        rows = rows[np.argsort(T[rows], kind="stable")]
        return "temperature", T[rows], rows
    assert f is not None
    if T is not None and steps_of_temperature > 1:
        nearest = float(T[np.argmin(np.abs(T - ROOM))])
        rows = np.flatnonzero(np.abs(T - nearest) < 1.0)
        said.append(f"several temperatures: those at {DEG_C.of(nearest):.4g} °C are taken, the nearest to 25 °C")
    elif T is None:
        said.append("the temperature is not in the table; taken as 25 °C")
    rows = rows[np.argsort(f[rows], kind="stable")]
    return "frequency", f[rows], rows


def _dma_values(
    x: Floats, modulus: Floats, loss: Floats | None, tangent: Floats | None, axis: str, shear: bool, said: list[str]
) -> tuple[dict[str, Fitted], dict[str, Any]]:
    """Moduli at 25 degC or 1 Hz, or at the nearest end."""
    over = x if axis == "temperature" else np.log(x)
    wanted = ROOM if axis == "temperature" else float(np.log(SLOW))
    near = NEAR_TEMPERATURE if axis == "temperature" else float(np.log(NEAR_FREQUENCY))
    at = float(np.clip(wanted, over.min(), over.max()))
    reached = abs(at - wanted) <= near
    shown = f"{DEG_C.of(at):.4g} °C" if axis == "temperature" else f"{np.exp(at):.3g} Hz"
    words = "shear storage modulus" if shear else "storage modulus"
    label = f"{words.capitalize()} at {shown}"
    if axis == "temperature" and not reached:
        said.append(
            f"25 °C is not in the range measured: the {words} is that at {shown}, and no material property is made"
        )
    if axis == "frequency" and not reached:
        said.append(f"{SLOW:g} Hz is not in the range measured: the {words} is that at {shown}")
    if shear:
        said.append("a shear modulus is not Young's modulus; no material property is made")
    whole = not shear and (reached or axis == "frequency")
    name = ("shear_" if shear else "") + ("storage_modulus_25" if whole else "storage_modulus")
    value, low, high = _local(over, np.log(modulus), at, AROUND if axis == "temperature" else 2.5)
    values = {name: Fitted(label, float(np.exp(value)), float(np.exp(low)), float(np.exp(high)), GPA)}
    if loss is not None and (loss > 0.0).all():
        found = _local(over, np.log(loss), at, AROUND if axis == "temperature" else 2.5)
        value, low, high = (float(np.exp(one)) for one in found)
        values["loss_modulus"] = Fitted(f"Loss modulus at {shown}", value, low, high, MPA)
    if tangent is not None:
        values["tan_delta"] = Fitted(f"tan δ at {shown}", float(np.interp(at, over, tangent)), NAN, NAN, ONE)
        if axis == "temperature":
            top = int(np.argmax(tangent))
            if 0 < top < len(x) - 1:
                values["peak_temperature"] = Fitted(
                    "Peak of tan δ", float(x[top]), float(x[top - 1]), float(x[top + 1]), DEG_C
                )
    window: dict[str, Any] = {"points": len(x)}
    if axis == "temperature":
        window |= {"lowest_degC": round(float(DEG_C.of(x[0])), 2), "highest_degC": round(float(DEG_C.of(x[-1])), 2)}
    else:
        window |= {"lowest_Hz": float(f"{x[0]:.4g}"), "highest_Hz": float(f"{x[-1]:.4g}")}
    return values, window


def _local(x: Floats, y: Floats, at: float, around: float) -> tuple[float, float, float]:
    """Value at a place by a parabola or line through what is near, with its interval; of few points interpolated."""
    near = np.abs(x - at) <= around
    if int(near.sum()) < 5 or np.unique(x[near]).size < 4:
        return float(np.interp(at, x, y)), NAN, NAN
    design = np.vander((x[near] - at) / around, 3, increasing=True)
    solution, *_ = np.linalg.lstsq(design, y[near], rcond=None)
    left = y[near] - design @ solution
    degrees = int(near.sum()) - 3
    variance = float(left @ left) / degrees * float(np.linalg.pinv(design.T @ design)[0, 0])
    half = quantile(float(degrees)) * float(np.sqrt(variance))
    return float(solution[0]), float(solution[0]) - half, float(solution[0]) + half
