"""Tensile and compressive tests: Young's modulus, yield strength and strength."""

import os

import numpy as np

from ...errors import MeasurementError
from ...tables import Table
from ...units import (
    GPA,
    LENGTH,
    MPA,
    PERCENT,
    PRESSURE,
)
from ..result import Fitted
from ..statistics import quantile
from .columns import FORCE, HARDEST, STRAIN, Floats, named, record_of, refuse_larger, values_in
from .linear_part import POINTS, change_of_slope, linear_part
from .result import NAN, Modulus

OFFSET = 0.002
"""Strain of the offset yield point."""
BREAK = 0.02
"""Share by which the stress has to fall from its maximum for that to be the strength."""
LARGE_STRAIN = 20.0


def tensile(table: Table, path: str | os.PathLike[str], area: float | None, gauge_length: float | None) -> Modulus:
    """Analyse stress over strain."""
    warnings: list[str] = []
    strain, stress, columns = _stress_strain(table, area, gauge_length, warnings)
    strain, stress = _loading(table, strain, stress, warnings)
    begin, end, fit, bent = linear_part(table, strain, stress, warnings)
    intercept, slope = (float(value) for value in fit.values)
    toe = -intercept / slope
    # the change of slope within the part adds to its uncertainty as the scatter does
    half = float(
        np.hypot(quantile(fit.degrees) * fit.propagate(1)[1], change_of_slope(strain, stress, begin, end, slope))
    )
    values = {"youngs_modulus": Fitted("Young's modulus", slope, slope - half, slope + half, GPA)}
    if not bent and slope <= half:
        warnings.append(
            "the interval of the modulus includes 0: the curve does not determine it, and it is not saved as a "
            "material property"
        )
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
        warnings.append(f"the toe is {100.0 * toe:.3g} % of strain: the sample was slack or not straight in the clamps")
    if int(inside.sum()) < 2 * POINTS:
        warnings.append(f"the linear part has only {int(inside.sum())} points; record more often at the beginning")
    return Modulus(
        records=(record_of(path, table, {"Strain / 1": strain, "Stress / Pa": stress}, "tensile test"),),
        values=values,
        model="slope of the linear part of stress over strain",
        window=window,
        warnings=tuple(warnings),
        form="stress-strain",
        x=strain,
        y=stress,
        axis="strain",
        straight=(float(strain[begin]), float(strain[end]), intercept, slope),
        offset_yield=offset,
        strength=strength,
        bent=bent,
    )


def _stress_strain(
    table: Table, area: float | None, gauge_length: float | None, warnings: list[str]
) -> tuple[Floats, Floats, str]:
    stress = named(table, r"stress|σ|sigma|spannung", r"strain")
    strain = named(table, r"strain|ε|epsilon|elongation|dehnung", r"stress|rate")
    force = named(table, r"force|load|kraft|^\s*f\b")
    way = named(table, r"displac|extension|crosshead|stroke|travel|position|weg\b|^\s*δ?l\b|deformation", r"rate|time")
    there = ", ".join(f'"{name}"' for name in table.header)
    if (stress is None and force is None) or (strain is None and way is None):
        what = "stress or force" if stress is None and force is None else "strain or displacement"
        msg = f'has no column of {what}; it has {there}. Name the columns, as in "strain (%), stress (MPa)"'
        raise MeasurementError(msg, source=table.source)
    if stress is not None:
        y, used = values_in(table, stress, PRESSURE), stress
    else:
        assert force is not None
        if area is None:
            msg = 'has forces: stress needs the cross-section; give it, as in --area "0.6 mm^2"'
            raise MeasurementError(msg, source=table.source)
        y, used = values_in(table, force, FORCE) / area, force
        refuse_larger(table, force, y, HARDEST, "Pa over the cross-section; check the unit and --area")
    if strain is not None:
        x, other = values_in(table, strain, STRAIN), strain
    else:
        assert way is not None
        if gauge_length is None:
            msg = 'has displacements: strain needs the length between the clamps; give it, as in --gauge-length "20 mm"'
            raise MeasurementError(msg, source=table.source)
        x, other = values_in(table, way, LENGTH) / gauge_length, way
        warnings.append(
            "strain is from the displacement of the machine, which includes its compliance and slip in the clamps: the "
            "modulus is a lower bound"
        )
    return x, y, f"{table.name(other)}, {table.name(used)}"


def _loading(table: Table, strain: Floats, stress: Floats, warnings: list[str]) -> tuple[Floats, Floats]:
    """The first loading, up to the largest strain, in order and positive."""
    if float(strain[np.argmax(np.abs(strain))]) < 0.0:
        strain = -strain
        warnings.append("strain is negative: compression, counted as positive")
    if float(stress[np.argmax(np.abs(stress))]) < 0.0:
        stress = -stress
    pairs = np.column_stack([strain, stress])
    again = np.flatnonzero((np.diff(pairs, axis=0) == 0.0).all(axis=1)) + 1
    if len(again):
        warnings.append(f"{len(again)} repeated row{'s' if len(again) > 1 else ''} left out")
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
        msg = "has a single strain; a modulus needs a rising strain"
        raise MeasurementError(msg, source=table.source)
    back = np.flatnonzero(running - strain > 0.02 * span)
    if len(back):
        last = int(np.argmax(strain[: int(back[0])]))
        warnings.append(
            f"strain reverses at {100.0 * float(strain[last]):.3g} %: the first loading is used, unloading and "
            "everything after it are left out"
        )
        strain, stress = strain[: last + 1], stress[: last + 1]
        if len(strain) < POINTS:
            msg = f"strain reverses after {len(strain)} points; the linear part needs {POINTS} or more"
            raise MeasurementError(msg, source=table.source)
    order = np.argsort(strain, kind="stable")
    return strain[order], stress[order]


def _offset(strain: Floats, stress: Floats, slope: float, toe: float) -> tuple[float, float] | None:
    """Strain and stress where the curve crosses the line of the modulus shifted by 0.2 % of strain."""
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
    stresses = [end[1] for end in ends if end is not None]
    return (min(stresses), max(stresses)) if len(stresses) == 3 else (NAN, NAN)


def _strength(strain: Floats, stress: Floats) -> tuple[float, float] | None:
    top = int(np.argmax(stress))
    after = stress[top:]
    if float(stress[top]) - float(after.min()) < BREAK * float(stress[top]):
        return None
    return float(strain[top]), float(stress[top])
