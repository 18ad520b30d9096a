"""Fit of the diffusion in a sphere to the potential of each pulse, with the bend of the rest potential."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .pulses import NEXT, NODES, POINTS, Piece, Switches, charge_of, end_of_rest
from .signal import Floats, Signal, thinned
from .sphere import surface, surface_rate
from .statistics import noise_of

TURNS, SETTLED = 5, 1e-3
"""Most fits of all pulses with the bend of the rest potential; relative change of the steps at which they end."""
STEEPER = 2.0
"""Relative change of the slope of the rest potential over a pulse beyond which it is a step or a plateau."""
SKIPPED = 0.05
"""Share of the pulse that is left out at its beginning: double layers and charge transfer settle."""


@dataclass(frozen=True)
class Fit:
    """Potential of a pulse: level, V; logarithm of the pulse time over R2/D, with its deviation; slope, V a pulse.

    `bend` is the relative change of that slope over the pulse, `relaxed` the step of the rest potential over the
    measured one when all has relaxed.
    """

    level: float
    logarithm: float
    deviation: float
    degrees: float
    step: float
    bend: float
    relaxed: float
    residual: Floats


@dataclass(frozen=True)
class _Curve:
    """Potential of a pulse as diffusion in a sphere makes it, for any diffusivity, in units of the step at rest.

    What earlier pulses have left, and the ends of the rests, are so smooth that a few points of time suffice.
    """

    s: Floats
    switches: Switches
    earlier: Switches
    nodes: Floats
    before: Floats
    after: Floats

    @classmethod
    def of(cls, s: Floats, switches: Switches, rests: tuple[Floats, Floats]) -> "_Curve":
        nodes = np.linspace(float(s[0]), float(s[-1]), NODES)
        before, after = (times[thinned(len(times), NODES // 4)] for times in rests)
        return cls(s, switches, switches.earlier(), nodes, before, after)

    def at(self, T: float) -> tuple[Floats, Floats, float, float]:
        """Potential in the pulse above the rest before it, its derivative, and both of the measured step."""
        s, switches = self.s, self.switches
        value = surface(T * s) / (3.0 * T)
        curves = [value, s * surface_rate(T * s) / 3.0 - value]
        steps = []
        for place, (left, start, end) in enumerate(
            zip(
                self.earlier.answer(T, switches.begin + self.nodes * switches.duration),
                self.earlier.answer(T, self.before),
                switches.answer(T, self.after),
                strict=True,
            )
        ):
            curves[place] = curves[place] + np.interp(s, self.nodes, left) - float(start.mean())
            steps.append(float(end.mean() - start.mean()))
        return curves[0], curves[1], steps[0], steps[1]


@dataclass(frozen=True)
class _Solved:
    """Parameters of a fitted pulse, and the linear equations of the last turn."""

    level: float
    logarithm: float
    change: float
    bend: float
    design: Floats
    constraints: Floats


def _fit(
    s: Floats,
    voltage: Floats,
    step: float,
    deviation: float,
    switches: Switches,
    rests: tuple[Floats, Floats],
    curvature: tuple[float, float, float],
) -> Fit | None:
    """Fit a pulse.

    Parameters
    ----------
    s : array, shape (n,)
        Time over pulse time.
    voltage : array, shape (n,)
        V.
    step, deviation : float
        Of the rest potential, as measured, V.
    switches : Switches
    rests : (array, array)
        Times over which the rest potential before and after is taken, s.
    curvature : (float, float, float)
        Relative change of the slope of the rest potential over the pulse, its deviation at a given step, and by how
        much it goes with the reading of the step, 1/V.

    Returns
    -------
    Fit or None
        None where the potential does not rise with the step.
    """
    start = weppner_huggins(s, voltage, step)
    if not start > 0.0:
        return None
    curve = _Curve.of(s, switches, rests)
    solved = _solve(curve, voltage, step, deviation, curvature, start)
    if solved is None:
        return None
    bend, change = solved.bend, solved.change
    shape, _, share, _ = curve.at(math.exp(solved.logarithm))
    if not share > 0.0:
        return None
    relaxed = (1.0 + 0.5 * bend) / (share + 0.5 * bend * share**2)
    if not 0.0 < relaxed < math.inf:
        return None
    shape = shape + 0.5 * bend * shape**2
    residual = voltage - solved.level - change * shape
    spread = _spread(solved, residual, step, deviation, curvature[1])
    if spread is None:
        return None
    return Fit(solved.level, solved.logarithm, spread, float(len(s) - 2), change, bend, relaxed, residual)


def _solve(
    curve: _Curve, voltage: Floats, step: float, deviation: float, curvature: tuple[float, float, float], start: float
) -> _Solved | None:
    """Find level, diffusivity, slope and bend by Gauss and Newton; None where the diffusivity runs away.

    The slope and its change are parameters too, constrained by what is measured, so that their uncertainty goes into
    the interval.
    """
    level, logarithm, bend = float(voltage[0]), math.log(min(max(start, 1e-8), 10.0)), curvature[0]
    change = step / (1.0 + 0.5 * bend)
    count = len(voltage)
    for turn in range(40):
        shape, slope, share, tilt = curve.at(math.exp(logarithm))
        value, measured = shape + 0.5 * bend * shape**2, share + 0.5 * bend * share**2
        design = np.column_stack(
            [np.ones(count), change * (1.0 + bend * shape) * slope, value, 0.5 * change * shape**2]
        )
        constraints = np.array(
            [
                [0.0, change * (1.0 + bend * share) * tilt, measured, 0.5 * change * share**2],
                [0.0, 0.0, 0.0, 1.0],
            ]
        )
        constraints[1] -= curvature[2] * constraints[0]
        off = step - change * measured
        left = voltage - level - change * value
        if turn == 0:
            level += float(left.mean())
            left = left - left.mean()
        scatter = math.sqrt(max(float(left @ left), 0.0) / max(count - 2, 1))
        most = 1e6 * math.sqrt(count) * abs(change)
        weights = np.array(
            [
                scatter / deviation if deviation > 0.0 else 1e6 * math.sqrt(count),
                min(scatter / curvature[1], most) if curvature[1] > 0.0 else most,
            ]
        )
        rows = np.vstack([design, weights[:, None] * constraints])
        aim = np.concatenate([left, weights * np.array([off, curvature[0] - bend - curvature[2] * off])])
        moved, *_ = np.linalg.lstsq(rows, aim, rcond=None)
        level += float(moved[0])
        logarithm += float(np.clip(moved[1], -1.0, 1.0))
        change += float(moved[2])
        bend += float(moved[3])
        if not -25.0 < logarithm < 8.0:
            return None
        if abs(moved[1]) < 1e-9 and turn:
            break
    return _Solved(level, logarithm, change, bend, design, constraints)


def _spread(
    solved: _Solved, residual: Floats, step: float, deviation: float, curvature_deviation: float
) -> float | None:
    """Standard deviation of the logarithm; None where the equations do not determine it.

    Readings that are correlated carry less information than their number.
    """
    count = len(residual)
    squares = float(residual @ residual)
    scatter = math.sqrt(squares / (count - 2))
    correlation = float(residual[1:] @ residual[:-1]) / squares if scatter > 0.0 else 0.0
    inflation = (1.0 + correlation) / (1.0 - correlation) if 2.0 / math.sqrt(count) < correlation < 1.0 else 1.0
    matrix = solved.design.T @ solved.design
    for row, known, exact in zip(
        solved.constraints,
        (deviation, curvature_deviation),
        (1e12 * count, 1e12 * count * solved.change**2),
        strict=True,
    ):
        matrix += np.outer(row, row) * ((scatter / known) ** 2 if known > 0.0 and scatter > 0.0 else exact)
    size = np.sqrt(np.diagonal(matrix))
    if not (np.isfinite(size) & (size > 0.0)).all():
        return None
    try:
        inverse = np.linalg.inv(matrix / np.outer(size, size)) / np.outer(size, size)
    except np.linalg.LinAlgError:
        return None
    variance = scatter**2 * inflation * inverse[1, 1] if scatter > 0.0 else 0.0
    if deviation > 0.0 and scatter == 0.0:
        variance = (2.0 * deviation / step) ** 2
    return math.sqrt(variance) if variance >= 0.0 else math.nan


def weppner_huggins(s: Floats, voltage: Floats, step: float, curved: bool = True) -> float:
    """Pulse time over R2/D by the line over the root of time; nan where the potential does not go with the step.

    With `curved`, what a sphere adds to the root of time in first order (a third of the step, whatever D) is taken off.
    """
    root = np.sqrt(s)
    y = voltage - step * s / 3.0 if curved else voltage
    x = root - root.mean()
    slope = float(x @ y) / float(x @ x)
    if not slope * step > 0.0:
        return weppner_huggins(s, voltage, step, False) if curved else math.nan
    return 4.0 / (9.0 * math.pi) * (step / slope) ** 2


@dataclass(frozen=True, eq=False)
class Reading:
    """What a fit of a pulse needs: see `Pulse`; `s` is the time over that of the pulse, `y` the potential."""

    piece: Piece
    switches: Switches
    s: Floats
    y: Floats
    charge: float
    before: float
    after: float
    scatter: float
    deviation: float
    rests: tuple[Floats, Floats]

    @property
    def step(self) -> float:
        """Step of the rest potential, V."""
        return self.after - self.before

    @property
    def good(self) -> bool:
        """Whether there are enough points, and the potential moves with the current."""
        return len(self.s) >= POINTS - 2 and self.step * self.charge > 0.0


def read_pulse(signal: Signal, piece: Piece, switches: Switches, noise: float) -> Reading:
    """Read the potentials of a pulse and of the rests around it."""
    time, voltage = signal.time, signal.voltage
    first, last = piece.pulse
    parts = [end_of_rest(signal, piece.rest), end_of_rest(signal, piece.after)]
    before, after = (float(voltage[part].mean()) for part in parts)
    s = (time[first:last] - piece.begin) / (float(time[last - 1]) - piece.begin)
    kept = s >= SKIPPED
    s, y = s[kept], voltage[first:last][kept]
    scatter = noise if math.isfinite(noise) else noise_of(y)
    deviation = scatter * math.sqrt(sum(1.0 / (part.stop - part.start) for part in parts))
    return Reading(
        piece, switches, s, y, charge_of(signal, piece), before, after, scatter, deviation,
        (time[parts[0]], time[parts[1]]),
    )  # fmt: skip


def fit_pulses(readings: Sequence[Reading]) -> list[Fit | None]:
    """Fit all pulses: first as if the rest potential were straight in each, then with its bend.

    The bend is from the steps of neighbours, which short rests bias: they are taken as they are after full
    relaxation, by the previous fit.
    """
    curvatures = [(0.0, 0.0, 0.0)] * len(readings)
    fits: list[Fit | None] = []
    relaxed = [math.inf] * len(readings)
    for _ in range(TURNS):
        fits = [
            _fit(reading.s, reading.y, reading.step, reading.deviation, reading.switches, reading.rests, curvature)
            if reading.good
            else None
            for reading, curvature in zip(readings, curvatures, strict=True)
        ]
        before, relaxed = relaxed, [1.0 if fit is None else fit.relaxed for fit in fits]
        if max(abs(first - second) for first, second in zip(before, relaxed, strict=True)) < SETTLED:
            break
        curvatures = _curvatures(readings, relaxed)
        if not any(curvature for curvature, *_ in curvatures):
            break
    return fits


def _curvatures(readings: Sequence[Reading], relaxed: Sequence[float]) -> list[tuple[float, float, float]]:
    """Relative change of the slope of the rest potential over the charge of each pulse, as `_fit` takes it.

    From the steps of the pulses before and after it: the potential at the surface is of concentrations beyond those at
    rest, so that it bends with the rest potential. 0 where there is no neighbour.
    """
    changes: list[list[float]] = []
    places: list[float] = []
    for at, reading in enumerate(readings):
        step = reading.step * relaxed[at]
        sides, place = [], 0.0
        for side, other in ((-1.0, at - 1), (1.0, at + 1)):
            if not 0 <= other < len(readings):
                continue
            near = readings[other]
            apart = abs(near.after - reading.before) if side < 0.0 else abs(reading.after - near.before)
            scaled = near.step * relaxed[other] / near.charge * reading.charge
            if near.charge * reading.charge > 0.0 and apart <= NEXT * abs(step) and scaled * step > 0.0:
                # between the middles of both pulses lies half the charge of each
                sides.append(side * (scaled - step) * 2.0 * reading.charge / (reading.charge + near.charge))
                place += side
        changes.append(sides)
        places.append(place)
    apart_both = [abs(sides[0] - sides[1]) for sides in changes if len(sides) == 2]
    usual = float(np.median(apart_both)) if apart_both else 0.0
    curvatures = []
    for reading, factor, sides, place in zip(readings, relaxed, changes, places, strict=True):
        change = sum(sides) / len(sides) if sides else 0.0
        slope = reading.step * factor - 0.5 * change
        if not sides or slope * reading.step <= 0.0 or abs(change) > STEEPER * abs(slope):
            curvatures.append((0.0, 0.0, 0.0))
            continue
        # of readings at the ends of three steps; those of two have the reading between them twice, so that the bend
        # goes with the step
        both = len(sides) == 2
        together = -1.5 * place
        noise = reading.deviation * math.sqrt(0.5 if both else 0.75)
        spread = abs(sides[0] - sides[1]) if both else usual
        spread = math.hypot(noise, 0.25 * max(spread - 4.0 * noise, 0.0))
        curvatures.append((change / slope, abs(spread / slope), together / slope))
    return curvatures
