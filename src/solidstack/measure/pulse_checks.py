"""Whether a pulse measures diffusion: its flags, and what they rest on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .pulse_fit import SKIPPED, Fit, Reading, weppner_huggins
from .pulses import NODES, POINTS, Piece, Switches, end_of_rest
from .signal import Floats, Signal
from .sphere import surface
from .statistics import line, noise_of, quantile

LONG = 0.2
"""Pulse time over R2/D from which the front of the diffusion has met itself in the middle: the potential then hardly
depends on D. Weppner and Huggins ask for much less than 1."""
UNRESTED = 0.05
"""Share of the step of the rest potential that may be left to relax."""
BENT = 0.05
"""Residual over the rise of the potential in a pulse from which it is not that of diffusion."""
FAINT = 5.0
"""Least step of the rest potential, in its standard deviations."""
UNSTEADY = 0.02
"""Relative spread of the current within a pulse."""
TAIL = 0.4
"""Last part of the relaxation, from which its time scale is found."""
SLOWER, FASTER = 0.4, 1.3
"""Diffusivity of the end of the relaxation over that of the pulse within which both say the same. In a slab, as when a
reaction front spreads through the electrode, it is 2 to 4: the first eigenvalue is pi2 in place of 20.19/9."""
FRONT = 3.0
"""The ionic resistance of the electrode has to allow this many times the diffusivity of the pulse."""
VARIED = 1.5
"""By how much the slope of the rest potential has to vary between pulses to see whether D goes with it."""
PROPORTIONAL, EVEN = 0.2, 0.05
"""By how much the exponent may miss 1, and the scatter about it, where D is in proportion to that slope."""
SEARCH = np.linspace(-2.5, 2.5, 41)
"""Natural logarithms of the ratio of diffusivities that are tried on a rest."""
WORDS: dict[str, str] = {
    "long pulse": f"the pulse is longer than {LONG:g} R²/D: shorten it, or the potential says little about D",
    "short rest": f"more than {100 * UNRESTED:g} % of the step is left to relax at the end of a rest: rest longer",
    "not diffusion": f"the potential is not that of diffusion within {100 * BENT:g} % of its rise: a plateau or step "
    "of the potential, charge transfer, or a side reaction",
    "faint step": "the step of the rest potential is within its noise: pass more charge in a pulse",
    "unsteady current": "the current is not constant",
    "wrong way": "the rest potential moved against the current: a drift, self-discharge or a wrong sign",
    "other relaxation": "the rest relaxes on another time scale than diffusion in spheres of the D of the pulse: the "
    "reaction front spreads through the electrode (few or long ionic paths), or sizes differ widely",
    "like a front": "from pulse to pulse the diffusivity is in proportion to the slope of the rest potential over the "
    "charge, as where a resistance along the electrode charges its capacity and the reaction front spreads (and as a "
    "thermodynamic factor alone would make it): give the ionic resistance of the electrode to decide",
    "reaction front": "the ionic resistance of the electrode alone makes the potential move like that: the pulse "
    "measures the spreading of the reaction front and not diffusion in the particles",
}
"""Flags of a pulse, and what each means."""


@dataclass(frozen=True, eq=False)
class Pulse:
    """A pulse of current with the rests around it.

    Attributes
    ----------
    number : int
    begin, end, rested : float
        Times at which current begins and ends, and the end of the rest, s.
    charge : float
        A s, above 0 where the cell is charged.
    before, after : float
        Rest potentials, V.
    step, step_deviation : float
        Of the rest potential, V.
    drop : float
        What the potential jumps at once, V: ohmic, and charge transfer that is settled before the fitted part.
    rise : float
        Of the potential in the pulse without the jump, V.
    diffusivity, low, high : float
        With 95 % interval, m2/s; nan where there is none.
    simple : float
        After Weppner and Huggins by the line over the root of time, m2/s.
    reduced : float
        Pulse time over R2/D.
    misfit : float
        Residual over rise.
    drift : float
        Of the potential at the end of the rest, V/s.
    unrested : float
        Share of the step that is left to relax; nan where it is not known.
    relaxation : float
        Diffusivity of the rest over that of the pulse; nan where the rest does not say.
    flags : tuple of str
        From `WORDS`: why it is not valid.
    time, voltage, fitted : array, shape (n,)
        Of the fitted part: s since the pulse began, V.
    """

    number: int
    begin: float
    end: float
    rested: float
    charge: float
    before: float
    after: float
    step: float
    step_deviation: float
    drop: float
    rise: float
    diffusivity: float
    low: float
    high: float
    simple: float
    reduced: float
    misfit: float
    drift: float
    unrested: float
    relaxation: float
    flags: tuple[str, ...]
    time: Floats
    voltage: Floats
    fitted: Floats

    @property
    def duration(self) -> float:
        """Of the current, s."""
        return self.end - self.begin

    @property
    def current(self) -> float:
        """Mean of the pulse, A."""
        return self.charge / self.duration

    @property
    def valid(self) -> bool:
        """Whether it has a diffusivity and no flag."""
        return not self.flags and math.isfinite(self.diffusivity)


def check_pulse(
    number: int, signal: Signal, reading: Reading, fit: Fit | None, radius: float, ionic_resistance: float | None
) -> Pulse:
    """Return a pulse with its diffusivity and with the flags that make it invalid."""
    time, current = signal.time, signal.current
    piece, switches = reading.piece, reading.switches
    first, last = piece.pulse
    end = float(time[last - 1])
    duration = end - piece.begin
    charge, before, after, step = reading.charge, reading.before, reading.after, reading.step
    s, y, scatter, deviation, good = reading.s, reading.y, reading.scatter, reading.deviation, reading.good
    sign = 1.0 if charge > 0.0 else -1.0
    flags = []
    simple = weppner_huggins(s, y, step, False) * radius**2 / duration if good else math.nan
    drift, unrested = _rest(signal, piece.after, step, scatter)
    size = np.abs(current[first:last])
    if float(np.std(size[1:])) > UNSTEADY * float(size.mean()):
        flags.append("unsteady current")
    if step * sign <= 0.0:
        flags.append("wrong way")
    if abs(step) < FAINT * deviation:
        flags.append("faint step")
    if math.isfinite(unrested) and unrested > UNRESTED:
        flags.append("short rest")
    diffusivity = low = high = reduced = misfit = relaxation = math.nan
    drop, rise, fitted = math.nan, math.nan, np.full(len(s), math.nan)
    if fit is not None:
        reduced = math.exp(fit.logarithm)
        diffusivity = reduced * radius**2 / duration
        half = quantile(fit.degrees) * fit.deviation
        low, high = (diffusivity * math.exp(min(max(side * half, -300.0), 300.0)) for side in (-1.0, 1.0))
        drop = fit.level - before
        rise = fit.step * float(surface(reduced)) / (3.0 * reduced)
        fitted = y - fit.residual
        # the noise of a reading is not a misfit
        structure = math.sqrt(max(float(np.mean(_smooth(fit.residual) ** 2)), 0.0))
        misfit = structure / abs(rise)
        relaxation, slowest, fastest = _relaxation(signal, piece, switches, reduced, fit.bend, scatter)
        if reduced > LONG:
            flags.append("long pulse")
        if misfit > BENT:
            flags.append("not diffusion")
        if fastest < SLOWER or slowest > FASTER:
            flags.append("other relaxation")
        if ionic_resistance is not None:
            spreading = ionic_resistance * abs(charge / step)
            if radius**2 / 9.0 / spreading < FRONT * diffusivity:
                flags.append("reaction front")
    elif good:
        flags.append("not diffusion")
    return Pulse(
        number=number, begin=piece.begin, end=end, rested=float(time[piece.after[1] - 1]), charge=charge, before=before,
        after=after, step=step, step_deviation=deviation, drop=drop, rise=rise, diffusivity=diffusivity, low=low,
        high=high, simple=simple, reduced=reduced, misfit=misfit, drift=drift, unrested=unrested, relaxation=relaxation,
        flags=tuple(flags), time=s * duration, voltage=y, fitted=fitted,
    )  # fmt: skip


def goes_with_slope(pulses: Sequence[Pulse]) -> bool:
    """Whether D is in proportion to the slope of the rest potential over the charge.

    A front spreads by R = ionic resistance and C = charge per potential: R C takes the place of (R/3)2/D, so that
    the D that seems to be is in proportion to 1/C.
    """
    known = [pulse for pulse in pulses if math.isfinite(pulse.diffusivity) and "faint step" not in pulse.flags]
    if len(known) < 4:
        return False
    slope = np.log([abs(pulse.step / pulse.charge) for pulse in known])
    if float(np.ptp(slope)) < math.log(VARIED):
        return False
    fit = line(slope, np.log([pulse.diffusivity for pulse in known]))
    exponent, deviation = fit.propagate(1)
    scatter = math.sqrt(fit.sum_of_squares / fit.degrees)
    return abs(exponent - 1.0) <= PROPORTIONAL and scatter <= EVEN and quantile(fit.degrees) * deviation < 0.5


def _smooth(left: Floats) -> Floats:
    """Means over a tenth of the points, less what noise would leave of them if they are independent."""
    width = max(len(left) // 10, 1)
    count = len(left) // width
    means = left[: count * width].reshape(count, width).mean(axis=1)
    noise = noise_of(left) ** 2 / width
    size = float(np.mean(means**2))
    smooth: Floats = means * math.sqrt(max(size - noise, 0.0) / size) if size > 0.0 else means
    return smooth


def _rest(signal: Signal, rest: tuple[int, int], step: float, noise: float) -> tuple[float, float]:
    """Drift at the end of a rest, V/s, and the share of the step that is left, as if it fell off exponentially."""
    time, voltage = signal.time[rest[0] : rest[1]], signal.voltage[rest[0] : rest[1]]
    length = float(time[-1] - time[0])
    if not length > 0.0 or step == 0.0:
        return math.nan, math.nan
    x = (time - time[0]) / length
    late = x >= 0.75
    drift = math.nan
    if late.sum() >= 2 and np.ptp(x[late]) > 0.0:
        z = x[late] - x[late].mean()
        drift = float(z @ voltage[late]) / float(z @ z) / length
    levels, errors = [], []
    for low, high in ((0.45, 0.55), (0.70, 0.80), (0.90, 1.00)):
        near = (x >= low) & (x <= high)
        if not near.any():
            return drift, math.nan
        levels.append(float(voltage[near].mean()))
        errors.append(noise**2 / int(near.sum()))
    earlier, later = levels[0] - levels[1], levels[1] - levels[2]
    if abs(later) <= 3.0 * math.sqrt(errors[1] + errors[2]) or abs(later) < 1e-3 * abs(step):
        return drift, 0.0
    ratio = later / earlier if earlier * later > 0.0 else 1.0
    return drift, abs(later * ratio / (1.0 - ratio) / step) if ratio < 0.97 else math.inf


def _relaxation(
    signal: Signal, piece: Piece, switches: Switches, reduced: float, bend: float, noise: float
) -> tuple[float, float, float]:
    """Diffusivity by which the end of the relaxation falls off over that of the pulse, with its interval.

    Level and size are left free. The beginning of a relaxation goes with roots of time in any geometry; only its last
    part, from `TAIL` of it on, distinguishes a sphere from a slab.
    """
    first, last = piece.after
    end = float(signal.time[piece.pulse[1] - 1])
    duration = end - piece.begin
    u, y = (signal.time[first:last] - end) / duration, signal.voltage[first:last]
    level = float(signal.voltage[end_of_rest(signal, piece.after)].mean())
    kept = u >= SKIPPED
    if kept.sum() < POINTS:
        return math.nan, math.nan, math.nan
    u, y = u[kept], y[kept] - level
    late = np.flatnonzero(np.abs(y) < TAIL * abs(y[0]))
    begin = int(late[0]) if len(late) else len(y)
    if len(y) - begin < POINTS or not abs(y[begin]) > 10.0 * noise:
        return math.nan, math.nan, math.nan
    u, y = u[begin:], y[begin:]
    # even over the root of time, so that the end does not outweigh the beginning
    root = np.sqrt(u)
    even = np.unique(np.searchsorted(root, np.linspace(root[0], root[-1], 80)).clip(0, len(u) - 1))
    u, y = u[even], y[even] - y[even].mean()
    if len(u) < POINTS:
        return math.nan, math.nan, math.nan
    T = reduced * np.exp(SEARCH)[:, None]
    shape = (surface(T * (1.0 + u)) - surface(T * u)) / (3.0 * T)
    earlier = switches.earlier()
    if len(earlier.time):
        nodes = np.linspace(float(u[0]), float(u[-1]), NODES // 2)
        times = np.concatenate([[piece.begin], end + nodes * duration])
        left = np.array([earlier.potential(float(ratio), times) for ratio in T[:, 0]])
        shape = shape + np.array([np.interp(u, nodes, curve[1:] - curve[0]) for curve in left])
    shape = shape + 0.5 * bend * shape**2
    shape = shape - shape.mean(axis=1, keepdims=True)
    weight = np.sum(shape**2, axis=1)
    size = np.divide(shape @ y, weight, out=np.zeros(len(SEARCH)), where=weight > 0.0)
    squares = np.sum((y - size[:, None] * shape) ** 2, axis=1)
    best = int(np.argmin(squares))
    scatter = max(noise**2, float(squares[best]) / (len(u) - 3))
    width = float(SEARCH[1] - SEARCH[0])
    if 0 < best < len(SEARCH) - 1:
        before, middle, after = squares[best - 1 : best + 2]
        bend = float(before - 2.0 * middle + after)
        lowest = float(SEARCH[best]) + 0.5 * float(before - after) / bend * width if bend > 0.0 else float(SEARCH[best])
        half = 2.0 * width * math.sqrt(2.0 * scatter / bend) if bend > 0.0 else math.inf
        if half > 1.0:
            return math.nan, math.nan, math.nan
        return math.exp(lowest), math.exp(lowest - half), math.exp(lowest + half)
    other = len(SEARCH) // 2
    if squares[other] - squares[best] < 10.0 * scatter:
        return math.nan, math.nan, math.nan
    edge = math.exp(float(SEARCH[best]))
    return edge, (0.0 if best == 0 else edge), (edge if best == 0 else math.inf)
