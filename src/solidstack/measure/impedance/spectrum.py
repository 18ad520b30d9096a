"""The input of an analysis: its options, and the points of a spectrum in order of falling frequency."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import MeasurementError
from ...units import CONDUCTIVITY, text
from ..records import FREQUENCY, IMAGINARY, REAL, Record
from ..window import LEAST_POINTS, select
from .cautions import Caution, Concern

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
Flags = NDArray[np.bool_]
FREQUENCIES, SIZES = (1e-7, 1e12), (1e-9, 1e15)
"""Hz and ohm: values beyond are not a measurement."""
REVERSED = 0.5, 1.2
"""Share of points with a positive imaginary part from which the sign may be reversed, and the factor by which more
points then have to be consistent with a passive cell."""


@dataclass(frozen=True)
class Options:
    """Options of `analyse`."""

    circuit: str | None
    thickness_uncertainty: float
    area_uncertainty: float
    low: float | None
    high: float | None
    electrolyte_conductivity: float | None
    electrolyte_fraction: float | None


def require(options: Options, source: str) -> None:
    """Refuse options that are out of bounds."""
    for name in ("thickness_uncertainty", "area_uncertainty"):
        value = getattr(options, name)
        if not 0.0 <= value < 1.0:
            msg = f"{name}: {100.0 * value:.4g} % must be between 0 and 100 %: half the 95 % interval over the value"
            raise MeasurementError(msg, source=source)
    for name in ("low", "high"):
        value = getattr(options, name)
        if value is not None and not (np.isfinite(value) and value > 0.0):
            msg = f"{name}: {value:.4g} Hz is not above 0; write for example 1e5"
            raise MeasurementError(msg, source=source)
    if options.low is not None and options.high is not None and options.low >= options.high:
        msg = f"low: {options.low:.4g} Hz is not below high, {options.high:.4g} Hz; swap them"
        raise MeasurementError(msg, source=source)
    sigma, fraction = options.electrolyte_conductivity, options.electrolyte_fraction
    if sigma is not None and not (np.isfinite(sigma) and sigma > 0.0):
        msg = f"electrolyte_conductivity: {text(sigma, CONDUCTIVITY)} is not above 0; write for example 1 mS/cm"
        raise MeasurementError(msg, source=source)
    if fraction is not None and not 0.0 < fraction <= 1.0:
        msg = f"electrolyte_fraction: {100.0 * fraction:.4g} % must be a volume fraction above 0 and up to 100 %"
        raise MeasurementError(msg, source=source)


def points(record: Record) -> tuple[Floats, Complex, tuple[Caution, ...]]:
    """Frequencies in falling order, impedances, and what was wrong with them."""
    record.require(FREQUENCY, REAL, IMAGINARY)
    frequency, z = record.values(FREQUENCY), record.impedance
    cautions = []
    size = np.maximum(np.abs(z.real), np.abs(z.imag))
    sound = (frequency >= FREQUENCIES[0]) & (frequency <= FREQUENCIES[1]) & (size >= SIZES[0]) & (size <= SIZES[1])
    sound &= np.isfinite(z)
    if not sound.all():
        words = f"{int((~sound).sum())} of {sound.size} rows have no frequency or no impedance and were left out"
        cautions.append(Caution(Concern.ROWS, words))
    rows = np.unique(np.column_stack([frequency, z.real, z.imag])[sound], axis=0)[::-1]
    if len(rows) < sound.sum():
        words = f"{int(sound.sum()) - len(rows)} rows repeat others and were left out"
        cautions.append(Caution(Concern.REPEATED, words))
    distinct = np.unique(rows[:, 0]).size
    if distinct < LEAST_POINTS:
        msg = (
            f"has {distinct} different frequenc{'y' if distinct == 1 else 'ies'} with an impedance; a spectrum needs "
            f"at least {LEAST_POINTS}. Measure five points per decade or more"
        )
        raise MeasurementError(msg, source=record.source)
    if distinct < len(rows):
        words = f"{len(rows) - distinct} frequencies were measured more than once; all are used"
        cautions.append(Caution(Concern.FREQUENCIES, words))
    return rows[:, 0], rows[:, 1] + 1j * rows[:, 2], tuple(cautions)


def require_sign(frequency: Floats, measured: Complex, options: Options, source: str) -> None:
    """Refuse a spectrum that is consistent with a passive cell only if its imaginary part is reversed."""
    inside = (frequency >= (options.low or 0.0)) & (frequency <= (options.high or np.inf))
    f, z = frequency[inside], measured[inside]
    above = z.imag > 0.0
    if f.size < LEAST_POINTS or above.mean() <= REVERSED[0]:
        return
    conjugated, *unchanged = (
        _passive_points(f, impedance, inductive=inductive)
        for impedance, inductive in ((z.conj(), False), (z, False), (z, True))
    )
    if conjugated > REVERSED[1] * max(unchanged):
        msg = (
            f"the imaginary part is above 0 at {int(above.sum())} of {f.size} points; {conjugated} points are "
            f"consistent with a passive cell if the sign is reversed, {max(unchanged)} as it is. The column probably "
            'contains -Im: reverse it with --column "Imaginary Impedance / ohm=-NAME", with NAME as in the file'
        )
        raise MeasurementError(msg, source=source)


def _passive_points(frequency: Floats, measured: Complex, *, inductive: bool) -> int:
    try:
        return int(select(frequency, measured, inductive=inductive).used.sum())
    except MeasurementError:
        return 0
