"""The part of a spectrum that a passive cell can have, found from the spectrum alone, and why it ends where it does."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..errors import MeasurementError
from . import relaxation

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
Flags = NDArray[np.bool_]

LEAST_POINTS = 6
NOISE = 0.01
"""Accuracy of an impedance meter over most of its range; less is no reason to leave a point out."""
SCATTER = 0.2
"""Deviation from that of a passive cell beyond which a spectrum says nothing."""
CUT = float(stats.chi2.ppf(1.0 - 1e-4, 2))
"""Rise of the sum of squares, in variances, that one point in ten thousand exceeds."""
LONE = 30.0
"""The same for a point between others that fit."""


@dataclass(frozen=True)
class Window:
    """What of a spectrum is used.

    Attributes
    ----------
    used : array of bool, shape (n,)
    high, low : str
        Why it ends there; empty where the spectrum itself does.
    inductive : bool
        Whether the leads' inductance is part of what is used.
    lone : array of bool, shape (n,)
        Points left out between others.
    """

    used: Flags
    high: str
    low: str
    inductive: bool
    lone: Flags


def select(
    frequency: Floats,
    impedance: Complex,
    *,
    low: float | None = None,
    high: float | None = None,
    inductive: bool = False,
    source: str = "",
) -> Window:
    """Find the part of a spectrum that a passive cell can have.

    Parameters
    ----------
    frequency : array, shape (n,)
        Hz, falling.
    impedance : array of complex, shape (n,)
        ohm.
    low, high : float, optional
        Ends that are given, Hz.
    inductive : bool
        Whether the leads may have an inductance.
    source : str
        The file, for errors.

    Raises
    ------
    MeasurementError
        Too few points are left.
    """
    inside = np.ones(frequency.size, bool)
    if low is not None:
        inside &= frequency >= low * (1.0 - 1e-9)
    if high is not None:
        inside &= frequency <= high * (1.0 + 1e-9)
    if inside.sum() < LEAST_POINTS:
        msg = (
            f"{int(inside.sum())} points are within the window given; at least {LEAST_POINTS} are needed. The spectrum "
            f"is from {hertz(frequency[-1])} to {hertz(frequency[0])}"
        )
        raise MeasurementError(msg, source=source)
    first = int(np.flatnonzero(inside)[0])
    f, z = frequency[inside], impedance[inside]
    grown = _Growth(f, z, inductive).grow(fixed_high=high is not None, fixed_low=low is not None)
    kept = np.flatnonzero(grown)
    scatter = float(np.sqrt(_Growth(f, z, inductive).squares(grown)[1]))
    if scatter > SCATTER and (low is None or high is None):
        msg = (
            f"no part of the spectrum is that of a passive cell: the nearest deviates by {100.0 * scatter:.0f} % "
            f"(allowed are {100.0 * SCATTER:.0f} %). Check the leads and the sign of the imaginary part (below 0 where "
            "the cell is capacitive)"
        )
        raise MeasurementError(msg, source=source)
    if kept.size < LEAST_POINTS:
        msg = (
            f"{kept.size} of {f.size} points are those of a passive cell, at least {LEAST_POINTS} are needed: "
            f"{_high_reason(f, z, int(kept[0]) if kept.size else f.size) or 'the others scatter'}. Check the leads and "
            "the amplitude, or give the window, as in --low 1 --high 1e5"
        )
        raise MeasurementError(msg, source=source)
    used = np.zeros(frequency.size, bool)
    used[first + kept] = True
    lone = np.zeros(frequency.size, bool)
    lone[first + kept[0] : first + kept[-1] + 1] = ~used[first + kept[0] : first + kept[-1] + 1]
    ends = (
        "given" if high is not None else _high_reason(f, z, int(kept[0])),
        "given" if low is not None else _low_reason(f, z, int(kept[-1])),
    )
    return Window(used, *ends, inductive, lone)


@dataclass(frozen=True)
class _Growth:
    """The window that grows from the best part of a spectrum."""

    frequency: Floats
    impedance: Complex
    inductive: bool

    def squares(self, used: Flags) -> tuple[float, float]:
        """Sum of squares that the best passive cell leaves, and variance of a residual."""
        found = relaxation.passive(self.frequency[used], self.impedance[used], inductive=self.inductive)
        degrees = max(2 * int(used.sum()) - found.used, 1)
        return found.sum_of_squares, max(NOISE**2, found.sum_of_squares / degrees)

    def grow(self, *, fixed_high: bool, fixed_low: bool) -> Flags:
        n = self.frequency.size
        every = np.ones(n, bool)
        whole = relaxation.passive(self.frequency, self.impedance, inductive=self.inductive)
        if (fixed_high and fixed_low) or float(np.abs(whole.residuals).max()) ** 2 < CUT * NOISE**2:
            return every
        start, stop = self.core()
        used = np.zeros(n, bool)
        used[start:stop] = True
        if fixed_high:
            used[:start] = True
        else:
            used = self.extend(used, range(start - 1, -1, -1))
        if fixed_low:
            used[stop:] = True
        else:
            used = self.extend(used, range(stop, n))
        return self.readmit(used)

    def core(self) -> tuple[int, int]:
        """Part of a third of the points that a passive cell fits best; of equally good ones the middle."""
        n = self.frequency.size
        length = min(n, max(8, n // 3))
        best, found = np.inf, (0, length)
        for start in range(0, n - length + 1, max(1, length // 3)):
            used = np.zeros(n, bool)
            used[start : start + length] = True
            score = self.squares(used)[1] * (1.0 + 1e-3 * abs(start + length / 2 - n / 2) / n)
            if score < best:
                best, found = score, (start, start + length)
        return found

    def extend(self, used: Flags, order: Iterable[int]) -> Flags:
        used, refused = used.copy(), 0
        squares, variance = self.squares(used)
        for at in order:
            used[at] = True
            more, wider = self.squares(used)
            if more - squares < CUT * variance:
                squares, variance, refused = more, wider, 0
                continue
            used[at] = False
            refused += 1
            if refused == 2:
                break
        return used

    def readmit(self, used: Flags) -> Flags:
        """Take back lone points that the noise of the whole window allows."""
        kept = np.flatnonzero(used)
        squares, variance = self.squares(used)
        for at in range(int(kept[0]), int(kept[-1]) + 1):
            if used[at]:
                continue
            used = used.copy()
            used[at] = True
            more, wider = self.squares(used)
            if more - squares < LONE * variance:
                squares, variance = more, wider
            else:
                used[at] = False
        return used


def _high_reason(f: Floats, z: Complex, first: int) -> str:
    """What is wrong with the points before the first of the window."""
    if first == 0:
        return ""
    out, edge = z[:first], z[first] if first < z.size else z[-1]
    said = []
    negative = np.flatnonzero(out.real <= 0.0)
    if negative.size:
        said.append(f"the real part is below 0 at {hertz(f[negative[-1]])} and above")
    inductive = np.flatnonzero(out.imag > NOISE * np.abs(out))
    if inductive.size:
        said.append(f"the cell is inductive at {hertz(f[inductive[-1]])} (imaginary part above 0)")
    if out[-1].real > edge.real * (1.0 + NOISE) or (out.size > 1 and out[-2].real > edge.real * (1.0 + NOISE)):
        said.append("the real part rises with frequency, which that of a passive cell does not")
    if not said:
        said.append("the spectrum deviates from that of every passive cell by more than noise")
    return "; ".join(said)


def _low_reason(f: Floats, z: Complex, last: int) -> str:
    """What is wrong with the points after the last of the window."""
    if last == f.size - 1:
        return ""
    out, edge = z[last + 1 :], z[last]
    if (out[:2].real < edge.real * (1.0 - NOISE)).any():
        return "the real part falls towards low frequency, which that of a passive cell does not: the cell drifted"
    if (out[:2].imag > NOISE * np.abs(out[:2])).any():
        return "the imaginary part is above 0 at low frequency: the cell drifted"
    return "the spectrum deviates from that of every passive cell by more than noise: the cell drifted"


def hertz(f: float) -> str:
    """Frequency in words, as 45.7 kHz."""
    for factor, prefix in ((1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m")):
        if f >= 0.9995 * factor:
            return f"{f / factor:.3g} {prefix}Hz"
    return f"{f:.3g} Hz"
