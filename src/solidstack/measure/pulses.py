"""Pulses of a titration: finding them and the rests around them, and what earlier ones have left."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import MeasurementError
from .records import Record
from .signal import EDGE, Floats, Signal
from .sphere import surface, surface_rate

POINTS = 8
"""Least points of a pulse; fewer are a spike or too coarse for a line."""
RESTED = 3
"""Points of a rest."""
LATER = 5.0
"""Current that flows this many times longer than the usual pulse is not a pulse."""
REMEMBERED = 20
"""Runs of current before a pulse whose relaxation is in its fit; what older ones have left is a constant."""
NEXT = 0.2
"""Share of its step by which a pulse may begin off the end of the one before it and still be next to it."""
NODES = 48
"""Points of the pulse at which that relaxation is worked out."""
END = 0.1
"""Share of a rest, at its end, over which the potential is taken."""


@dataclass(frozen=True)
class Piece:
    """Places of a pulse and of the rests around it: first and one after the last."""

    rest: tuple[int, int]
    pulse: tuple[int, int]
    after: tuple[int, int]
    begin: float


def find_pulses(signal: Signal, record: Record) -> tuple[list[Piece], list[str]]:
    """Find the pulses: current of one sign between two rests."""
    sign, time = signal.sign, signal.time
    edges = np.flatnonzero(np.diff(sign)) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(sign)]])
    runs = list(zip(starts.tolist(), ends.tolist(), sign[starts].tolist(), strict=True))
    pieces, loose, coarse = [], 0, 0
    for at, (start, end, kind) in enumerate(runs):
        if kind == 0 or end - start < 2:
            continue
        before = runs[at - 1] if at else None
        after = runs[at + 1] if at + 1 < len(runs) else None
        if before is None or before[2] != 0 or after is None or after[2] != 0 or after[1] - after[0] < RESTED:
            loose += 1
            continue
        if end - start < POINTS or not time[end - 1] > time[start]:
            coarse += 1
            continue
        gap, step = time[start] - time[start - 1], time[start + 1] - time[start]
        begin = float(time[start - 1] if gap <= EDGE * step else time[start] - step)
        pieces.append(Piece((before[0], before[1]), (start, end), (after[0], after[1]), begin))
    if not pieces:
        _no_pulses(record, loose, coarse)
    length = np.array([time[piece.pulse[1] - 1] - piece.begin for piece in pieces])
    usual = float(np.median(length))
    longer = length > LATER * usual
    warnings = []
    if longer.any():
        warnings.append(
            f"current that flows {LATER:g} times longer than the usual pulse ({usual:.4g} s) was left out "
            f"{int(longer.sum())} time{'s' if longer.sum() > 1 else ''}"
        )
        pieces = [piece for piece, wrong in zip(pieces, longer, strict=True) if not wrong]
    if loose:
        warnings.append(f"{loose} pulse{'s' if loose > 1 else ''} without a rest on both sides left out")
    if coarse:
        warnings.append(f"{coarse} pulse{'s' if coarse > 1 else ''} of fewer than {POINTS} points left out")
    return pieces, warnings


def _no_pulses(record: Record, loose: int, coarse: int) -> None:
    if coarse:
        msg = (
            f"has {coarse} pulse{'s' if coarse > 1 else ''}, none of {POINTS} points or more; record the potential in "
            "a pulse more often"
        )
    elif loose:
        msg = (
            "has current but no rest after it: a titration is pulses of current, each with a rest before and after it. "
            "For charges and discharges use solidstack measure cycling"
        )
    else:
        msg = "has no pulse of current that lasts longer than one point; use a file with all of its points"
    raise MeasurementError(msg, source=record.source)


def end_of_rest(signal: Signal, rest: tuple[int, int]) -> slice:
    """Return the points at the end of a rest."""
    time = signal.time[rest[0] : rest[1]]
    begin = time[-1] - END * (time[-1] - time[0])
    return slice(rest[0] + int(np.searchsorted(time, begin)), rest[1])


def rest_noise(signal: Signal, pieces: Sequence[Piece]) -> float:
    """Standard deviation of a reading of the potential, from the ends of all rests; nan where they have few points."""
    squares, degrees = 0.0, 0
    for rest in [pieces[0].rest, *(piece.after for piece in pieces)]:
        part = end_of_rest(signal, rest)
        x, y = signal.time[part], signal.voltage[part]
        if len(x) < 4 or x[-1] <= x[0]:
            continue
        x = x - x.mean()
        left = y - y.mean() - x * (x @ y) / (x @ x)
        squares += float(left @ left)
        degrees += len(x) - 2
    return math.sqrt(squares / degrees) if degrees else math.nan


@dataclass(frozen=True, eq=False)
class Switches:
    """Every switch of the current up to the end of a rest, relative to one pulse.

    Attributes
    ----------
    time : array, shape (n,)
        s.
    change : array, shape (n,)
        Change of the current over that of the pulse.
    begin, duration : float
        Of the pulse, s.
    """

    time: Floats
    change: Floats
    begin: float
    duration: float

    def earlier(self) -> "Switches":
        """Return those before the pulse."""
        return Switches(self.time[:-2], self.change[:-2], self.begin, self.duration)

    def _since(self, time: Floats) -> Floats:
        """Time since each switch over that of the pulse, shape (m, n)."""
        since: Floats = np.maximum((time[:, None] - self.time) / self.duration, 1e-12)
        return since

    def potential(self, T: float, time: Floats) -> Floats:
        """Potential in units of the pulse's own step at full rest, shape (m,).

        Diffusion in a sphere is linear: the answers to all switches add up, so that what earlier pulses have left to
        relax is in it. The slope of the rest potential is that of this pulse.
        """
        potential: Floats = surface(T * self._since(time)) / (3.0 * T) @ self.change
        return potential

    def answer(self, T: float, time: Floats) -> tuple[Floats, Floats]:
        """That potential and its derivative after ln T, each of shape (m,)."""
        since = self._since(time)
        value = surface(T * since) / (3.0 * T)
        return value @ self.change, (since * surface_rate(T * since) / 3.0 - value) @ self.change


def switches_of(signal: Signal, pieces: Sequence[Piece]) -> list[Switches]:
    """For each pulse the switches of the current before and in it; of the last `REMEMBERED` runs of current."""
    sign, time, current = signal.sign, signal.time, signal.current
    edges = np.flatnonzero(np.diff(sign)) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(sign)]])
    known = {piece.pulse: piece.begin for piece in pieces}
    runs = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if sign[start] == 0 or end - start < 2 or not time[end - 1] > time[start]:
            continue
        begin, last = known.get((start, end), float(time[start])), float(time[end - 1])
        amps = float(np.trapezoid(current[start:end], time[start:end])) / (last - float(time[start]))
        runs.append((start, begin, last, amps))
    places = {start: at for at, (start, *_) in enumerate(runs)}
    switches = []
    for piece in pieces:
        at = places[piece.pulse[0]]
        _, begin, end, amps = runs[at]
        kept = runs[max(at - REMEMBERED, 0) : at + 1]
        times = np.array([[run[1], run[2]] for run in kept]).ravel()
        changes = np.array([[run[3], -run[3]] for run in kept]).ravel() / amps
        switches.append(Switches(times, changes, begin, end - begin))
    return switches


def charge_of(signal: Signal, piece: Piece) -> float:
    """Charge of a pulse, A s, from where it begins."""
    first, last = piece.pulse
    time, current = signal.time[first:last], signal.current[first:last]
    return float(np.trapezoid(current, time)) + float(current[0]) * float(time[0] - piece.begin)
