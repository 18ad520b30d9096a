"""The part of a spectrum that is consistent with a passive cell, found from the spectrum alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

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
"""Accuracy of an impedance meter over most of its range; a smaller deviation is no reason to leave a point out."""
SCATTER = 0.2
"""Deviation from a passive cell above which a spectrum is not usable."""
CUT = float(stats.chi2.ppf(1.0 - 1e-4, 2))
"""Increase of the sum of squares, in variances, that one point in ten thousand exceeds."""
LONE = 30.0
"""The same for a point between others that fit."""


class Cause(StrEnum):
    """Why a window ends."""

    GIVEN = "given"
    NEGATIVE = "negative real part"
    INDUCTIVE = "positive imaginary part"
    RISING = "real part that rises with frequency"
    FALLING = "real part that falls towards low frequency"
    NOISE = "deviation above noise"


@dataclass(frozen=True)
class Edge:
    """One end of a window.

    Attributes
    ----------
    causes : tuple of Cause
        Why it ends there; empty where the spectrum itself ends.
    words : str
        The same for people to read.
    """

    causes: tuple[Cause, ...] = ()
    words: str = ""

    def __str__(self) -> str:
        return self.words

    @property
    def is_cut(self) -> bool:
        """Whether points beyond it were cut, and not by the user."""
        return bool(self.causes) and Cause.GIVEN not in self.causes


GIVEN = Edge((Cause.GIVEN,), "given")


@dataclass(frozen=True)
class Window:
    """The part of a spectrum that is used.

    Attributes
    ----------
    used : array of bool, shape (n,)
    high, low : Edge
        Why it ends there.
    inductive : bool
        Whether the inductance of the leads is part of it.
    lone : array of bool, shape (n,)
        Single points left out between others.
    """

    used: Flags
    high: Edge
    low: Edge
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
    """Find the part of a spectrum that is consistent with a passive cell.

    Parameters
    ----------
    frequency : array, shape (n,)
        Hz, falling.
    impedance : array of complex, shape (n,)
        ohm.
    low, high : float, optional
        Ends set by the user, Hz.
    inductive : bool
        Whether the leads may have an inductance.
    source : str
        The file, named in errors.

    Raises
    ------
    MeasurementError
        Too few points remain.
    """
    inside = np.ones(frequency.size, bool)
    if low is not None:
        inside &= frequency >= low * (1.0 - 1e-9)
    if high is not None:
        inside &= frequency <= high * (1.0 + 1e-9)
    if inside.sum() < LEAST_POINTS:
        msg = (
            f"the window contains {int(inside.sum())} points; at least {LEAST_POINTS} are needed. The spectrum "
            f"runs from {hertz(frequency[-1])} to {hertz(frequency[0])}"
        )
        raise MeasurementError(msg, source=source)
    first = int(np.flatnonzero(inside)[0])
    f, z = frequency[inside], impedance[inside]
    grown = _Growth(f, z, inductive).grow(fixed_high=high is not None, fixed_low=low is not None)
    kept = np.flatnonzero(grown)
    scatter = float(np.sqrt(_Growth(f, z, inductive).squares(grown)[1]))
    if scatter > SCATTER and (low is None or high is None):
        msg = (
            "no part of the spectrum is consistent with a passive cell: the best one deviates by "
            f"{100.0 * scatter:.0f} % (at most {100.0 * SCATTER:.0f} % is allowed). Check the leads and the sign of "
            "the imaginary part (negative where the cell is capacitive)"
        )
        raise MeasurementError(msg, source=source)
    if kept.size < LEAST_POINTS:
        msg = (
            f"{kept.size} of {f.size} points are consistent with a passive cell; at least {LEAST_POINTS} are needed: "
            f"{str(_high_edge(f, z, int(kept[0]) if kept.size else f.size)) or 'the others scatter'}. Check the leads "
            "and the amplitude, or set the window, as in --low 1 --high 1e5"
        )
        raise MeasurementError(msg, source=source)
    used = np.zeros(frequency.size, bool)
    used[first + kept] = True
    lone = np.zeros(frequency.size, bool)
    lone[first + kept[0] : first + kept[-1] + 1] = ~used[first + kept[0] : first + kept[-1] + 1]
    ends = (
        GIVEN if high is not None else _high_edge(f, z, int(kept[0])),
        GIVEN if low is not None else _low_edge(f, z, int(kept[-1])),
    )
    return Window(used, *ends, inductive, lone)


@dataclass(frozen=True)
class _Growth:
    """The window that grows from the best part of a spectrum."""

    frequency: Floats
    impedance: Complex
    inductive: bool

    def squares(self, used: Flags) -> tuple[float, float]:
        """Sum of squares left by the best passive cell, and variance of a residual."""
        cell = relaxation.passive(self.frequency[used], self.impedance[used], inductive=self.inductive)
        degrees = max(2 * int(used.sum()) - cell.used, 1)
        return cell.sum_of_squares, max(NOISE**2, cell.sum_of_squares / degrees)

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
        """Range of a third of the points that a passive cell fits best; the middle one among equally good ones."""
        n = self.frequency.size
        length = min(n, max(8, n // 3))
        best, ends = np.inf, (0, length)
        for start in range(0, n - length + 1, max(1, length // 3)):
            used = np.zeros(n, bool)
            used[start : start + length] = True
            score = self.squares(used)[1] * (1.0 + 1e-3 * abs(start + length / 2 - n / 2) / n)
            if score < best:
                best, ends = score, (start, start + length)
        return ends

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
        """Take back single points that the noise of the whole window allows."""
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


def _high_edge(f: Floats, z: Complex, first: int) -> Edge:
    """What is wrong with the points before the first of the window."""
    if first == 0:
        return Edge()
    out, edge = z[:first], z[first] if first < z.size else z[-1]
    causes: dict[Cause, str] = {}
    negative = np.flatnonzero(out.real <= 0.0)
    if negative.size:
        causes[Cause.NEGATIVE] = f"the real part is below 0 at {hertz(f[negative[-1]])} and above"
    inductive = np.flatnonzero(out.imag > NOISE * np.abs(out))
    if inductive.size:
        causes[Cause.INDUCTIVE] = f"the cell is inductive at {hertz(f[inductive[-1]])} (imaginary part above 0)"
    if out[-1].real > edge.real * (1.0 + NOISE) or (out.size > 1 and out[-2].real > edge.real * (1.0 + NOISE)):
        causes[Cause.RISING] = "the real part rises with frequency, which a passive cell does not show"
    if not causes:
        causes[Cause.NOISE] = "the spectrum deviates from any passive cell by more than noise"
    return Edge(tuple(causes), "; ".join(causes.values()))


def _low_edge(f: Floats, z: Complex, last: int) -> Edge:
    """What is wrong with the points after the last of the window."""
    if last == f.size - 1:
        return Edge()
    out, edge = z[last + 1 :], z[last]
    if (out[:2].real < edge.real * (1.0 - NOISE)).any():
        words = "the real part falls towards low frequency, which a passive cell does not show: the cell drifted"
        return Edge((Cause.FALLING,), words)
    if (out[:2].imag > NOISE * np.abs(out[:2])).any():
        return Edge((Cause.INDUCTIVE,), "the imaginary part is above 0 at low frequency: the cell drifted")
    return Edge((Cause.NOISE,), "the spectrum deviates from any passive cell by more than noise: the cell drifted")


def hertz(f: float) -> str:
    """Frequency in words, as 45.7 kHz."""
    for factor, prefix in ((1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m")):
        if f >= 0.9995 * factor:
            return f"{f / factor:.3g} {prefix}Hz"
    return f"{f:.3g} Hz"
