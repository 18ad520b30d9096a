"""The input of an analysis: temperatures and conductivities, checked, in order, without repeated rows."""

import numpy as np
from numpy.typing import ArrayLike

from ...errors import MeasurementError
from ...units import (
    CONDUCTIVITY,
    DEG_C,
    TEMPERATURE,
    text,
)
from .laws import ONE_TEMPERATURE, Floats
from .tables import RELATIVE

SPAN = 20.0
"""K that a line should cover: an error of 1 K in a temperature then changes the slope by up to 5 %."""
COLDEST = 150.0
"""K: lower values are more likely degC than a measurement of an ion conductor."""
LIMITS = {"temperature": (1.0, 5000.0), "conductivity": (1e-30, 1e10), "relative deviation": (1e-12, 1e6)}
"""SI; values beyond are a mistake."""


def checked(
    temperature: ArrayLike, conductivity: ArrayLike, deviations: ArrayLike | None, source: str
) -> tuple[Floats, Floats, Floats | None, list[str]]:
    """Arrays in order of temperature without repeated rows, and the warnings about them."""
    T, sigma = (np.atleast_1d(np.asarray(values, np.float64)) for values in (temperature, conductivity))
    spread = None if deviations is None else np.atleast_1d(np.asarray(deviations, np.float64))
    if T.ndim != 1 or T.shape != sigma.shape or (spread is not None and spread.shape != T.shape):
        msg = f"{T.size} temperatures and {sigma.size} conductivities do not match; give as many of each"
        raise MeasurementError(msg, source=source)
    columns = (
        ("temperature", T, TEMPERATURE),
        ("conductivity", sigma, CONDUCTIVITY),
        *((("deviation", spread, RELATIVE),) if spread is not None else ()),
    )
    for name, values, kind in columns:
        wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0.0)))
        if len(wrong):
            value = float(values[wrong[0]])
            rule = "0 K" if kind is TEMPERATURE else "0"
            words = f"{text(value, kind)} is not above {rule}" if np.isfinite(value) else "not a number"
            msg = f"{name} of point {wrong[0] + 1}: {words}; leave the point out or correct it"
            raise MeasurementError(msg, source=source)
    for name, values, kind in columns:
        low, high = LIMITS[kind.name]
        wrong = np.flatnonzero((values < low) | (values > high))
        if len(wrong):
            shown = f"{kind.shown.of(float(values[wrong[0]])):.4g} {kind.shown.symbol}"
            msg = f"{name} of point {wrong[0] + 1}: {shown} is not a plausible measurement; check number and unit"
            raise MeasurementError(msg, source=source)
    warnings = []
    rows = np.column_stack([T, sigma])
    _, first = np.unique(rows, axis=0, return_index=True)
    if len(first) < len(T):
        warnings.append(
            f"{len(T) - len(first)} repeated rows were left out: the same temperature and conductivity twice"
        )
    order = first[np.argsort(T[first], kind="stable")]
    T, sigma, spread = T[order], sigma[order], None if spread is None else spread[order]
    if not len(T) or T[-1] - T[0] < ONE_TEMPERATURE:
        where = f"{DEG_C.of(T[0]):.1f} degC" if len(T) else "none"
        msg = (
            f"has a single temperature ({where}); an activation energy needs conductivities at two temperatures or "
            f"more, better at five over {SPAN:g} K or more"
        )
        raise MeasurementError(msg, source=source)
    if T[0] < COLDEST:
        warnings.append(
            f"the lowest temperature is {T[0]:.4g} K, unusually low for an ion conductor: are the temperatures in degC "
            "rather than K?"
        )
    return T, sigma, spread, warnings
