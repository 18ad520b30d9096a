"""Dynamic mechanical analysis: storage and loss modulus over temperature or frequency."""

import os
import re
from typing import Any

import numpy as np

from ...errors import MeasurementError, Problem
from ...tables import Table
from ...units import (
    DEG_C,
    GPA,
    MPA,
    ONE,
    PRESSURE,
    TEMPERATURE,
)
from ..result import Fitted
from ..statistics import quantile
from .columns import RATE, Floats, named, record_of, refuse_larger, values_in
from .result import NAN, Modulus

SOFTEST = 1e-3
"""Pa; no solid is softer."""
LARGE_TANGENT = 1e3
ROOM = 298.15
SLOW = 1.0
"""Hz."""
NEAR_TEMPERATURE, NEAR_FREQUENCY = 3.0, 1.6
"""K, and ratio, within which a value counts as one at `ROOM` and `SLOW`."""
AROUND = 12.0
"""K about `ROOM` within which ln E' over temperature is fitted."""


def dynamic(table: Table, storage: int, path: str | os.PathLike[str]) -> Modulus:
    """Analyse the storage modulus over temperature or frequency."""
    warnings: list[str] = []
    shear = bool(re.search(r"\bg\s*['’′]|shear", table.name(storage).casefold()))
    temperature = named(table, r"temp|^\s*t\b|°c", r"time")
    frequency = named(table, r"freq|^\s*f\b|\bhz\b|omega|ω")
    if temperature is None and frequency is None:
        there = ", ".join(f'"{name}"' for name in table.header)
        msg = f"has a storage modulus, but no column of temperature or frequency; it has {there}"
        raise MeasurementError(msg, source=table.source)
    modulus = values_in(table, storage, PRESSURE)
    wrong = np.flatnonzero(~(modulus > SOFTEST))
    if len(wrong):
        at = int(wrong[0])
        least = "0" if modulus[at] <= 0.0 else f"{MPA.of(SOFTEST):g} MPa; check the unit"
        msg = f"{table.name(storage)}: {MPA.of(modulus[at]):g} MPa is not above {least}"
        raise MeasurementError(Problem(msg, line=table.rows[at][0]), source=table.source)
    T = None if temperature is None else values_in(table, temperature, TEMPERATURE)
    f = None if frequency is None else values_in(table, frequency, RATE)
    at_loss = named(table, r"loss\s*mod|\be\s*(''|\"|″|”)|\bg\s*(''|\"|″|”)|^\s*loss\b(?!\s*(fact|tan))")
    at_tangent = named(table, r"tan")
    loss = None if at_loss is None else values_in(table, at_loss, PRESSURE)
    tangent: Floats | None = None
    if loss is not None:
        tangent = loss / modulus
    elif at_tangent is not None:
        tangent = np.array([table.number(row, at_tangent) for row in table.rows])
        refuse_larger(table, at_tangent, tangent, LARGE_TANGENT, "; check the column")
    axis, x, rows = _axis(table, T, f, warnings)
    modulus = modulus[rows]
    loss, tangent = (None if values is None else values[rows] for values in (loss, tangent))
    if loss is None and tangent is not None:
        loss = tangent * modulus
    if len(x) < 2:
        msg = f"has {len(x)} points over {axis}; at least 2 are needed"
        raise MeasurementError(msg, source=table.source)
    values, window = _dma_values(x, modulus, loss, tangent, axis, shear, warnings)
    if axis == "temperature" and f is not None:
        window["frequency_Hz"] = float(f"{np.median(f[rows]):.4g}")
    if axis == "frequency" and T is not None:
        window["temperature_degC"] = float(f"{DEG_C.of(float(np.median(T[rows]))):.4g}")
        if abs(float(np.median(T[rows])) - ROOM) > NEAR_TEMPERATURE:
            values["storage_modulus"] = values.pop("storage_modulus_25")
            warnings.append(
                f"measured at {window['temperature_degC']:g} °C, not at 25 °C: it is not saved as a material property"
            )
    window["columns"] = f"{table.name(storage)} over {axis}"
    columns = {axis: x, "Storage Modulus / Pa": modulus}
    return Modulus(
        records=(record_of(path, table, columns, "dynamic mechanical analysis"),),
        values=values,
        model=f"dynamic mechanical analysis, {'shear' if shear else 'storage'} modulus over {axis}",
        window=window,
        warnings=tuple(warnings),
        form="dma",
        x=x,
        y=modulus,
        axis=axis,
        loss=loss,
        tangent=tangent,
    )


def _axis(table: Table, T: Floats | None, f: Floats | None, warnings: list[str]) -> tuple[str, Floats, Any]:
    """The axis: temperature (at the frequency nearest to 1 Hz) or frequency (at the temperature nearest to 25 degC)."""
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
            warnings.append(f"several frequencies: {nearest:.4g} Hz is used, the nearest to {SLOW:g} Hz")
        elif f is not None and abs(np.log(float(f[0]) / SLOW)) > np.log(NEAR_FREQUENCY):
            warnings.append(f"measured at {float(f[0]):.4g} Hz and not at {SLOW:g} Hz")
        rows = rows[np.argsort(T[rows], kind="stable")]
        return "temperature", T[rows], rows
    assert f is not None
    if T is not None and steps_of_temperature > 1:
        nearest = float(T[np.argmin(np.abs(T - ROOM))])
        rows = np.flatnonzero(np.abs(T - nearest) < 1.0)
        warnings.append(f"several temperatures: {DEG_C.of(nearest):.4g} °C is used, the nearest to 25 °C")
    elif T is None:
        warnings.append("the table has no temperature; 25 °C is assumed")
    rows = rows[np.argsort(f[rows], kind="stable")]
    return "frequency", f[rows], rows


def _dma_values(
    x: Floats, modulus: Floats, loss: Floats | None, tangent: Floats | None, axis: str, shear: bool, warnings: list[str]
) -> tuple[dict[str, Fitted], dict[str, Any]]:
    """Moduli at 25 degC or 1 Hz, or at the nearest end."""
    over = x if axis == "temperature" else np.log(x)
    target = ROOM if axis == "temperature" else float(np.log(SLOW))
    near = NEAR_TEMPERATURE if axis == "temperature" else float(np.log(NEAR_FREQUENCY))
    at = float(np.clip(target, over.min(), over.max()))
    reached = abs(at - target) <= near
    shown = f"{DEG_C.of(at):.4g} °C" if axis == "temperature" else f"{np.exp(at):.3g} Hz"
    words = "shear storage modulus" if shear else "storage modulus"
    label = f"{words.capitalize()} at {shown}"
    if axis == "temperature" and not reached:
        warnings.append(
            f"25 °C is outside the measured range: the {words} is that at {shown}, and is not saved as a material "
            "property"
        )
    if axis == "frequency" and not reached:
        warnings.append(f"{SLOW:g} Hz is outside the measured range: the {words} is that at {shown}")
    if shear:
        warnings.append("a shear modulus is not Young's modulus; it is not saved as a material property")
    whole = not shear and (reached or axis == "frequency")
    name = ("shear_" if shear else "") + ("storage_modulus_25" if whole else "storage_modulus")
    value, low, high = _local(over, np.log(modulus), at, AROUND if axis == "temperature" else 2.5)
    values = {name: Fitted(label, float(np.exp(value)), float(np.exp(low)), float(np.exp(high)), GPA)}
    if loss is not None and (loss > 0.0).all():
        logarithms = _local(over, np.log(loss), at, AROUND if axis == "temperature" else 2.5)
        value, low, high = (float(np.exp(logarithm)) for logarithm in logarithms)
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
    """Value at a place by a parabola through nearby points, with its interval; interpolated where there are few."""
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
