"""Transference number of lithium from a polarisation at constant voltage and the interfaces before and after it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from ..errors import MeasurementError
from ..units import MV, OHM, PERCENT_HOUR, SMALL_VOLTAGE, UA, Unit, text
from .records import CURRENT, TIME, VOLTAGE, Record
from .result import Fitted, Property, Result, Series
from .statistics import Estimate, line, quantile

Floats = NDArray[np.float64]

LEAST = 20
"""Points of a polarisation."""
LEAST_EARLY = 5
"""Points of it before half of the fall."""
FASTEST = 1.0 / 1000.0
"""Share of the time before which no half of the fall is looked for: hours of polarisation, seconds of charging."""
TAIL = 0.1
"""Share of the time whose mean is the steady current."""
STEADY, FALLING = 0.01, 0.10
"""Change of the current over that share from which it is doubtful, and from which it is refused."""
LEFT = 0.005
"""Share of the current that it will still lose, from which that is worth a remark."""
LATE = 0.6
"""Share of the time, at its end, through which an exponential is fitted: it tells what the current will still lose."""
RATES = 1.0, 30.0
"""Exponents of it over that time. Slower ones are a line: they tell no end. Faster ones leave nothing to lose."""
BLOCKS = 50
"""Medians that it is fitted to."""
CERTAIN = 0.995
"""Level at which a constant is rejected for it."""
SMALL = 0.020
"""V: below kT/e (26 mV at 30 degC) the current is proportional to the voltage, as the equation takes it."""
CONSTANT = 0.10
"""Share of the voltage within which it counts as constant."""
EARLY = 0.5
"""Share of the fall of the current within which it follows the square root of time."""
LATEST = 0.65
"""The same where the electrolyte takes so much of the voltage at last that the current falls before that."""
REACH = 0.2
"""Share of the diffusion time (square of half the thickness over the diffusivity) up to which a half space holds: the
other electrode then changes the current by exp(-1/0.2), under 1 %."""
SPIKE = 5.0
"""Standard deviations from a line at which a point of the tail is a spike."""
WAVY = 1.0
"""Squared difference of neighbours over the variance, 2 for scatter, below which points swing about the curve."""
OUTLIER = 4.5
"""Standard deviations from the curve of later points at which an early point is capacitive or of the instrument."""
SHARE = 0.8
"""Of the voltage that the interfaces may take: beyond it a small error of their resistance is a large one of t."""
GROWTH = 0.05
"""Relative change of the interfaces during the polarisation that is worth a remark."""
GROWN = 0.1
"""Standard deviation of the initial current, as a share of what the growth of the interfaces takes off the current. An
exact cell whose interfaces grow in 1/30 to 3 times the diffusion time has errors of 0 to 0.19."""


@dataclass(frozen=True)
class Steady:
    """The end of a current at constant voltage.

    Attributes
    ----------
    value, deviation : float
        Mean of the last tenth of the time, and its standard deviation as a steady current (with `left`), A.
    left, left_deviation : float
        What that mean will still lose, by an exponential through the last 60 % of the time, A; below 0 where the
        current rises, 0 where the scatter shows none. Its standard deviation is half of it at least: the approach may
        be slower than an exponential.
    begin : float
        Where the tail begins, s.
    points : int
        In it.
    drift : float
        Change of the current over the tail, over its mean; below 0 where its size falls.
    drift_deviation : float
        Standard deviation of that.
    per_hour : float
        Relative change per time, 1/s.
    scatter : float
        Standard deviation of a point, A.
    """

    value: float
    deviation: float
    left: float
    left_deviation: float
    begin: float
    points: int
    drift: float
    drift_deviation: float
    per_hour: float
    scatter: float

    @property
    def certain(self) -> float:
        """Size of the drift that is beyond its own 95 % interval."""
        return max(0.0, abs(self.drift) - 1.96 * self.drift_deviation)

    @property
    def limit(self) -> float:
        """Current that it comes to, A."""
        return self.value - self.left

    @property
    def limit_deviation(self) -> float:
        """Standard deviation of `limit`, A."""
        return float(np.hypot(self.scatter / np.sqrt(self.points), self.left_deviation))


def steady(time: Floats, current: Floats, source: str = "") -> Steady:
    """Mean current of the last tenth of the time, and how much it still changes there.

    Parameters
    ----------
    time, current : array, shape (n,)
        s and A; at least 5 points in the last tenth, or else the last 5 are taken.
    source : str
        The file, for an error.

    Raises
    ------
    MeasurementError
        Time stands still there.
    """
    begin = min(time[-1] - TAIL * (time[-1] - time[0]), time[-5])
    tail = time >= begin
    t, values = time[tail], current[tail]
    if np.unique(t).size < 3:
        msg = f"time stands still at {t[-1]:g} s in the last tenth of the current; give the times of the points"
        raise MeasurementError(msg, source=source)
    kept = _with_others(t, values)
    t, values = t[kept], values[kept]
    mean = float(values.mean())
    fitted = line(t, values)
    slope, slope_deviation = fitted.propagate(1)
    scatter = float(np.sqrt(fitted.sum_of_squares / fitted.degrees))
    span = float(t[-1] - t[0])
    size = abs(mean) or float("nan")
    drift = slope * span / size * np.sign(mean)
    left, left_deviation = _still_to_lose(time, current, float(begin))
    lost = max(0.0, abs(slope) - 1.96 * slope_deviation) * span / np.sqrt(3.0)
    left_deviation = max(left_deviation, 0.5 * abs(left), lost)
    deviation = float(np.linalg.norm([scatter / np.sqrt(len(t)), left, left_deviation]))
    return Steady(
        mean, deviation, left, left_deviation, float(begin), len(t), float(drift), slope_deviation * span / size,
        float(drift / span) if span else float("nan"), scatter,
    )  # fmt: skip


def _still_to_lose(time: Floats, current: Floats, begin: float) -> tuple[float, float]:
    r"""What the mean from `begin` on is above the end of an exponential, and its standard deviation, A.

    Late in a polarisation its slowest term is left: :math:`I = I_\infty + C \exp(-kt)`, fitted to medians of the last
    60 % of the time. A loss L within the tail of length s leaves L/ks above the end, several times L where k s is
    small. Over k, which the scatter may leave open, the fits are averaged by their likelihood.
    """
    late = time >= time[-1] - LATE * (time[-1] - time[0])
    t, values = time[late], current[late]
    count = min(BLOCKS, len(t))
    t, values = (np.array([np.median(part) for part in np.array_split(of, count)]) for of in (t, values))
    degrees = count - 3.0
    first, span = t[0], t[-1] - t[0]
    if degrees < 2.0 or np.unique(t).size < 5:
        return 0.0, 0.0
    rates = np.geomspace(*RATES, 200)[:, None]
    decay = np.exp(-rates * (t - first) / span)
    above = decay - decay.mean(axis=1, keepdims=True)
    centred = values - values.mean()
    squared = np.sum(above**2, axis=1)
    size = above @ centred / squared
    squares = np.sum((centred - size[:, None] * above) ** 2, axis=1)
    # rounding is no scatter
    floor = (1e-9 * float(np.max(np.abs(values)))) ** 2
    variance = float(squares.min()) / degrees + floor
    if (float(centred @ centred) - float(squares.min())) / (2.0 * variance) < stats.f.ppf(CERTAIN, 2.0, degrees):
        return 0.0, 0.0
    ends = np.exp(-rates * (np.array([begin, time[-1]]) - first) / span)
    mean = (ends[:, 0] - ends[:, 1]) / (rates[:, 0] * (time[-1] - begin) / span)
    likely = np.exp(-0.5 * (squares - squares.min()) / variance)
    likely /= likely.sum()
    left = float(likely @ (size * mean))
    return left, float(np.sqrt(likely @ ((size * mean - left) ** 2 + variance / squared * mean**2)))


def _with_others(t: Floats, values: Floats) -> Any:
    """Which points lie with the others about a line: spikes of the instrument hide a drift."""
    kept = np.ones(len(t), bool)
    for _ in range(3):
        if kept.sum() < 5 or np.unique(t[kept]).size < 3:
            return np.ones(len(t), bool)
        intercept, slope = line(t[kept], values[kept]).values
        off = np.abs(values - intercept - slope * t)
        scatter = 1.4826 * float(np.median(off[kept]))
        kept = off <= SPIKE * max(scatter, 1e-6 * float(np.max(np.abs(values))))
    return kept if kept.sum() >= 5 and np.unique(t[kept]).size >= 3 else np.ones(len(t), bool)


@dataclass(frozen=True, kw_only=True, eq=False)
class Transference(Result):
    """Transference number after Bruce and Vincent.

    Attributes
    ----------
    time, current : array, shape (n,)
        Of the polarisation, s from its begin and A along the voltage.
    early : Estimate or None
        Initial current, A, and rate, s^-1/2, of `half_space`; None where the initial current was given.
    window : mapping
        Of the early points and of the tail.
    tail : Steady
    """

    time: Floats
    current: Floats
    early: Estimate | None
    tail: Steady

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "transference"

    def properties(self) -> list[Property]:
        """Transference number, where it is one."""
        found = self.values["transference_number"]
        if _beyond(found):
            return []
        return [Property("transference_number", {"value": float(f"{min(found.value, 1.0):.4g}")}, found.uncertainty)]

    def data(self) -> Mapping[str, Series]:
        """The polarisation, as drawn."""
        columns: dict[str, Any] = {"time_s": self.time, "current": self.current}
        return {"polarisation": Series("Current at constant voltage", columns, {"current": UA})}


def interfaces(result: Result) -> Fitted:
    """Take the resistance of the interfaces from a fitted spectrum.

    Parameters
    ----------
    result : Result
        Of `eis`, of a cell with an arc of the electrodes.

    Raises
    ------
    MeasurementError
        Its circuit has no interface.
    """
    found = result.values.get("interface_resistance")
    if found is None or not np.isfinite(found.value):
        msg = (
            f"the spectrum's circuit {result.model} has no interface; take the spectrum of the cell with lithium "
            'electrodes, or give the resistance, as in --before "118 ohm" --after "131 ohm"'
        )
        raise MeasurementError(msg, source=result.records[0].source if result.records else "")
    return found


def analyse(
    polarisation: Record,
    before: Fitted | float,
    after: Fitted | float,
    *,
    voltage: float | None = None,
    initial_current: float | None = None,
    initial_current_deviation: float | None = None,
    before_deviation: float | None = None,
    after_deviation: float | None = None,
) -> Transference:
    r"""Transference number of lithium in a symmetric cell, after Bruce and Vincent.

    Holds for a small voltage (below kT/e), a steady state, electrodes that exchange lithium ions only, and an
    electrolyte whose ions do not associate; in a concentrated one it is the share of the current that is steady
    ("current fraction") and not the transference number of Stefan and Maxwell.

    .. math::
        t_+ = \frac{I_{ss} (\Delta V - I_0 R_0)}{I_0 (\Delta V - I_{ss} R_{ss})}

    The initial current is that at time 0 of the curve on which the concentrations polarise (see `initial`), through
    the points of the first half of the fall. Earlier points that lie off it (charging of the interfaces, range of the
    instrument) are left out. Growth of the interfaces widens the interval: the fall of the current that it causes is
    taken for that of diffusion. Where points are too few for the curve, the initial current can be given, as
    :math:`\Delta V / (R_0 + R_{bulk})` of the spectrum before. The steady current is the mean of the last tenth of the
    time, less what it will still lose by an exponential through the last 60 %.

    Parameters
    ----------
    polarisation : Record
        Current over time at constant voltage. Rest before and after is left out.
    before, after : Fitted or float
        Resistance of the interfaces (both, without the electrolyte's) before the polarisation and in the steady
        state, ohm.
    voltage : float, optional
        Applied, V; default: the median of the record, less that of the rest before.
    initial_current, initial_current_deviation : float, optional
        A, and its standard deviation; default: found, and 0 where the current is given.
    before_deviation, after_deviation : float, optional
        Standard deviations of `before` and `after`, ohm; default: those of their intervals, or 0.

    Returns
    -------
    Transference
        Values: `transference_number`, `steady_state_factor` (I_ss/I_0, after Watanabe: without the interfaces),
        currents, voltage, resistances, `electrolyte_resistance` (what is left of the voltage at the begin, over the
        current: compare with the spectrum), drift.

    Raises
    ------
    MeasurementError
        No constant voltage, too few points, no steady state, mixed signs of the current, interfaces that would take
        more than the voltage.

    Notes
    -----
    Evans, Vincent and Bruce, Polymer 28 (1987) 2324, doi 10.1016/0032-3861(87)90394-6. Meaning in concentrated
    electrolytes: Balsara and Newman, J. Electrochem. Soc. 162 (2015) A2720, doi 10.1149/2.0651514jes.

    Examples
    --------
    With no interfaces the number is I_ss/I_0: 90 uA after 100 uA at 10 mV is 0.9.

    >>> float(round(bruce_vincent(100e-6, 90e-6, 0.010, 0.0, 0.0), 3))
    0.9
    """
    record = polarisation.in_order(TIME, CURRENT, *((VOLTAGE,) if voltage is None else ()), least=LEAST)
    R0, R0_deviation = _resistance(before, before_deviation, "before", record)
    Rss, Rss_deviation = _resistance(after, after_deviation, "after", record)
    t, current, applied, said = _polarised(record, voltage)
    tail = steady(t, current, record.source)
    if tail.value <= 0.0:
        msg = f"the steady current is {_ampere(tail.value)}: not above 0 along the voltage; check the file's signs"
        raise MeasurementError(msg, source=record.source)
    _require_steady(tail, record)
    final, final_deviation = tail.limit, tail.limit_deviation
    grown = max(0.0, abs(Rss - R0) - 1.96 * float(np.hypot(R0_deviation, Rss_deviation)))
    early: Estimate | None = None
    degrees = np.inf
    window: dict[str, Any] = {"applied_mV": 1e3 * applied}
    if initial_current is None:
        early, used = initial(t, current, tail, record)
        I0, I0_deviation = early.propagate(0)
        # what is taken for diffusion in the electrolyte may be growth of the interfaces
        apart = _apart(np.sqrt(np.maximum(t, 0.0)), current, (early, used))
        I0_deviation = float(np.linalg.norm([I0_deviation, apart, GROWN * I0**2 * grown / applied]))
        if _wavy(np.sqrt(t), current, (early, used)):
            said.append(
                "the early current swings about the curve of diffusion: the initial current is less certain than its "
                "interval says"
            )
        degrees = early.degrees
        window |= {"initial_from_s": float(t[used[0]]), "initial_to_s": float(t[used[-1]]), "left_out": int(used[0])}
        if used[0] > 0:
            said.append(
                f"the first {used[0]} point{'s' if used[0] > 1 else ''} (to {t[used[0] - 1]:.3g} s) lie off the curve "
                "of the later ones (charging of the interfaces, or range of the instrument) and were left out of the "
                "initial current"
            )
    else:
        I0, I0_deviation = _sign(initial_current, record), _spread(initial_current_deviation)
    window |= {"steady_from_s": tail.begin, "steady_to_s": float(t[-1])}
    _require_share(I0, R0, applied, record, "initial", "before")
    _require_share(final, Rss, applied, record, "steady", "after")
    covariance = np.diag(np.square([I0_deviation, final_deviation, R0_deviation, Rss_deviation]))

    def number(p: Floats) -> float:
        return bruce_vincent(p[0], p[1], applied, p[2], p[3])

    estimate = Estimate(np.array([I0, final, R0, Rss]), covariance, np.inf)
    estimate = replace(estimate, degrees=_degrees(estimate, number, (degrees, tail.points - 1.0, np.inf, np.inf)))
    found = estimate.fitted(number, "Transference number of lithium")
    values = {
        "transference_number": found,
        "steady_state_factor": estimate.fitted(lambda p: float(p[1] / p[0]), "Steady over initial current"),
        "initial_current": _fitted("Initial current", I0, I0_deviation, UA, degrees),
        "steady_current": _fitted("Steady current", final, final_deviation, UA, tail.points - 1.0),
        "voltage": Fitted("Applied voltage", applied, float("nan"), float("nan"), MV),
        "interface_before": _fitted("Resistance of the interfaces before", R0, R0_deviation, OHM),
        "interface_after": _fitted("Resistance of the interfaces after", Rss, Rss_deviation, OHM),
        "electrolyte_resistance": estimate.fitted(
            lambda p: float(applied / p[0] - p[2]), "Resistance of the electrolyte, from the initial current", OHM
        ),
        "drift": _fitted(
            "Change of the steady current", tail.per_hour,
            tail.drift_deviation * abs(tail.per_hour / tail.drift) if tail.drift else float("nan"), PERCENT_HOUR,
        ),
    }  # fmt: skip
    said += _warnings(found, applied, tail, (I0, I0_deviation, R0, R0_deviation), (Rss, Rss_deviation), early)
    return Transference(
        records=(polarisation,),
        values=values,
        model="t+ = I_ss (dV - I_0 R_0) / (I_0 (dV - I_ss R_ss))",
        window=window,
        warnings=(*(text for text in record.warnings if text not in polarisation.warnings), *said),
        time=t,
        current=current,
        early=early,
        tail=tail,
    )


def bruce_vincent(initial: float, final: float, voltage: float, before: float, after: float) -> float:
    """Transference number of initial and steady current (A), voltage (V) and resistances of the interfaces (ohm)."""
    return float(final * (voltage - initial * before) / (initial * (voltage - final * after)))


def _degrees(estimate: Estimate, function: Callable[[Floats], float], degrees: Sequence[float]) -> float:
    """Degrees of freedom of a function of independent values (Welch and Satterthwaite)."""
    parts = np.empty(len(estimate.values))
    for at in range(len(parts)):
        alone = np.zeros_like(estimate.covariance)
        alone[at, at] = estimate.covariance[at, at]
        parts[at] = replace(estimate, covariance=alone).propagate(function)[1] ** 2
    below = float(np.sum(parts**2 / np.asarray(degrees)))
    return float(parts.sum() ** 2 / below) if below > 0.0 else float("inf")


def _fitted(label: str, value: float, deviation: float, unit: Unit, degrees: float = np.inf) -> Fitted:
    half = quantile(degrees) * deviation if deviation > 0.0 else float("nan")
    return Fitted(label, value, value - half, value + half, unit)


def _ampere(value: float) -> str:
    return f"{UA.of(value):.4g} {UA.symbol}"


def _resistance(given: Fitted | float, deviation: float | None, name: str, record: Record) -> tuple[float, float]:
    value, spread = (given.value, 0.5 * (given.high - given.low) / 1.96) if isinstance(given, Fitted) else (given, 0.0)
    if deviation is not None:
        spread = deviation
    if not (np.isfinite(value) and value >= 0.0):
        msg = f'{name}: {value:g} ohm is not a resistance of 0 or more; write for example --{name} "120 ohm"'
        raise MeasurementError(msg, source=record.source)
    return float(value), _spread(spread)


def _spread(deviation: float | None) -> float:
    return float(deviation) if deviation is not None and np.isfinite(deviation) and deviation >= 0.0 else 0.0


def _sign(initial: float, record: Record) -> float:
    if not (np.isfinite(initial) and initial != 0.0):
        msg = f"initial current: {initial:g} A is not a current"
        raise MeasurementError(msg, source=record.source)
    return abs(initial)


def _polarised(record: Record, voltage: float | None) -> tuple[Floats, Floats, float, list[str]]:
    """Time from the step, current along the voltage, and the voltage applied."""
    time, current = record.values(TIME), record.values(CURRENT)
    said: list[str] = []
    if voltage is None:
        first, last, applied = constant_voltage(record)
        kept = slice(first, last + 1)
        # the step lies between the last point at rest and the first at the voltage
        begin = time[first]
        time, current = time[kept], current[kept]
    else:
        if not (np.isfinite(voltage) and voltage != 0.0):
            msg = f"voltage: {text(float(voltage), SMALL_VOLTAGE)} is not applied to anything; give that of the step"
            raise MeasurementError(msg, source=record.source)
        applied, begin = float(voltage), time[0]
    if len(time) < LEAST:
        msg = f"has {len(time)} points at the voltage; at least {LEAST} are needed. Record more often, or for longer"
        raise MeasurementError(msg, source=record.source)
    if voltage is not None:
        applied *= float(np.sign(np.median(current))) * float(np.sign(voltage))
    current = current * np.sign(applied)
    size = float(np.median(np.abs(current)))
    against = (current < 0.0) & (np.abs(current) > 0.1 * size)
    if np.mean(against) > 0.95:
        said.append("the current has the sign against the voltage throughout; it was turned")
        current = -current
    elif np.mean(against) > 0.05:
        msg = (
            f"the current runs against the voltage at {int(against.sum())} of {len(current)} points (mixed signs); "
            "give one polarisation in one direction"
        )
        raise MeasurementError(msg, source=record.source)
    return time - begin, current, abs(applied), said


def constant_voltage(record: Record) -> tuple[int, int, float]:
    """Find the first and last point at constant voltage, and what was applied (less the rest before), V.

    Raises
    ------
    MeasurementError
        The voltage is not constant.
    """
    E = record.values(VOLTAGE)
    high = np.abs(E) > 0.5 * np.max(np.abs(E))
    level = float(np.median(E[high])) if high.any() else 0.0
    if level == 0.0:
        msg = "the voltage is 0 throughout; wanted is a polarisation at constant voltage"
        raise MeasurementError(msg, source=record.source)
    held = np.abs(E - level) <= CONSTANT * abs(level)
    first, last = int(np.argmax(held)), len(E) - 1 - int(np.argmax(held[::-1]))
    share = float(np.mean(held[first : last + 1]))
    if share < 0.9 or np.sum(held) < 0.5 * np.sum(high):
        inside = E[first : last + 1]
        msg = (
            f"the voltage is not constant: {1e3 * inside.min():.4g} to {1e3 * inside.max():.4g} mV. Wanted is a "
            "polarisation at constant voltage (chronoamperometry)"
        )
        raise MeasurementError(msg, source=record.source)
    before = E[:first]
    quiet = before[np.abs(before) < 0.1 * abs(level)]
    return first, last, float(level - (np.median(quiet) if len(quiet) >= 3 else 0.0))


def _require_steady(tail: Steady, record: Record) -> None:
    if tail.certain > FALLING:
        way = "falls" if tail.drift < 0.0 else "rises"
        msg = (
            f"no steady state: the current still {way} by {100.0 * abs(tail.drift):.3g} % over the last tenth of the "
            f"time; at most {100.0 * FALLING:g} % is taken. Polarise for longer"
        )
        raise MeasurementError(msg, source=record.source)
    if tail.limit <= 0.0:
        msg = (
            f"no steady state: the current of {_ampere(tail.value)} will still lose {_ampere(tail.left)}, by the "
            "exponential through the last 60 % of the time. Polarise for longer"
        )
        raise MeasurementError(msg, source=record.source)


def _require_share(current: float, resistance: float, applied: float, record: Record, when: str, word: str) -> None:
    share = current * resistance / applied
    if share >= 1.0:
        msg = (
            f"the interfaces {word} ({resistance:.4g} ohm) would take {100.0 * share:.4g} % of the {1e3 * applied:.4g} "
            f"mV at the {when} current of {_ampere(current)}, more than there is. Check voltage, current and "
            "resistance (of one cell, in ohm, without the electrolyte's)"
        )
        raise MeasurementError(msg, source=record.source)


def initial(t: Floats, current: Floats, tail: Steady, record: Record) -> tuple[Estimate, Any]:
    r"""Find the current at time 0 of the polarisation of concentrations.

    A resistance in series with diffusion into a half space takes the current

    .. math::
        I(t) = I_0 \exp(a^2 t) \operatorname{erfc}(a \sqrt t)

    which is fitted to the first half of the fall, before the other electrode is felt. From later points to earlier
    ones, the first that lies off the curve ends it (charging of the interfaces, range of the instrument), and as much
    time again is left out, for what is left of it within the scatter.

    Returns
    -------
    Estimate
        I_0 in A and a in s^-1/2.
    array of int
        Which points were taken.

    Raises
    ------
    MeasurementError
        Too few points before half of the fall.
    """
    root = np.sqrt(np.maximum(t, 0.0))
    times, means, level = _smoothed(t, current)
    guess, deviation = _guess(times, means, level, tail)
    found: tuple[Estimate, Any] | None = None
    last = float("inf")
    count = 0
    for _ in range(8):
        end = _fallen(times, level, guess, deviation, tail, EARLY)
        count = int(np.searchsorted(t, end, side="right"))
        if count < LEAST_EARLY + 1:
            # few points: as many as it takes, if they are not too late
            count = LEAST_EARLY + 1
            if t[count] > _fallen(times, level, guess, deviation, tail, LATEST):
                found = None
                break
        found = _backwards(root[:count], current[:count])
        again, deviation = found[0].propagate(0)
        change, guess = abs(again - guess), again
        if change < 1e-3 * abs(again) or change >= last:
            break
        last = change
    if found is not None and guess > tail.limit:
        # the other electrode is felt from a fifth of the diffusion time on, also where that is later
        reached = REACH * ((guess / tail.limit - 1.0) / max(float(found[0].values[1]), 1e-12)) ** 2
        end = min(reached, _fallen(times, level, guess, deviation, tail, LATEST))
        longer = int(np.searchsorted(t, end, side="right"))
        if longer > count:
            found = _backwards(root[:longer], current[:longer])
    while found is not None and _wavy(root, current, found):
        # the curve does not hold as long as that
        count = int(0.7 * (found[1][-1] + 1))
        if count < LEAST_EARLY + 1:
            break
        found = _backwards(root[:count], current[:count])
    if found is None or not found[0].values[0] > 0.0:
        msg = (
            "has too few points before half of the fall of the current to find the initial current from; record the "
            "first minutes more often, or give it, as dV/(R_0 + R_bulk) of the spectrum before"
        )
        raise MeasurementError(msg, source=record.source)
    return found


def _wavy(root: Floats, current: Floats, found: tuple[Estimate, Any]) -> bool:
    """Whether neighbours lie off the curve on the same side."""
    fitted, used = found
    left = current[used] - half_space(root[used], float(fitted.values[0]), float(fitted.values[1]))
    return len(left) >= 8 and bool(np.mean(np.diff(left) ** 2) < WAVY * np.var(left))


def _apart(root: Floats, current: Floats, found: tuple[Estimate, Any]) -> float:
    """How far the current at time 0 by the first third of the points is from that by all, beyond the scatter."""
    fitted, used = found
    first = used[: max(int(np.searchsorted(root[used], root[used[-1]] / np.sqrt(3.0))), LEAST_EARLY)]
    if len(first) >= len(used):
        return 0.0
    other, deviation = _fit(root[first], current[first]).propagate(0)
    value, known = fitted.propagate(0)
    # of one part of the points and all of them, the difference has the difference of the variances
    scatter = quantile(len(first) - 2.0) * np.sqrt(max(deviation**2 - known**2, 0.0))
    return max(0.0, abs(other - value) - float(scatter))


def _smoothed(t: Floats, current: Floats) -> tuple[Floats, Floats, Floats]:
    """Times that are even in the logarithm, means about them, and the nearest curve that never rises."""
    edges = np.geomspace(max(t[-1] * FASTEST / 10.0, 0.5 * float(t[t > 0.0][0])), t[-1], 150)
    begin = np.flatnonzero(np.diff(np.searchsorted(edges, t), prepend=-1))
    counts = np.diff(begin, append=len(t))
    times, means = np.add.reduceat(t, begin) / counts, np.add.reduceat(current, begin) / counts
    return times, means, np.asarray(optimize.isotonic_regression(means, weights=counts, increasing=False).x)


def _guess(times: Floats, means: Floats, level: Floats, tail: Steady) -> tuple[float, float]:
    """Find about where the last fall of the current begins: from later times to earlier ones; and how well."""
    root = np.sqrt(np.maximum(times, 0.0))
    end = float(times[-1])
    while end > times[-1] * FASTEST:
        count = int(np.searchsorted(times, end))
        if count < LEAST_EARLY + 2:
            break
        fitted, _ = _backwards(root[:count], means[:count], 4)
        value, deviation = fitted.propagate(0)
        fall = value - tail.limit
        if (
            fall > 4.0 * np.hypot(deviation, tail.limit_deviation)
            and level[count - 1] - tail.limit >= (1.0 - EARLY) * fall
        ):
            return value, deviation
        end /= 1.8
    return tail.limit, tail.limit_deviation


def _fallen(times: Floats, level: Floats, initial: float, deviation: float, tail: Steady, share: float) -> float:
    """Time at which the current has lost a share of what it loses."""
    fall = initial - tail.limit
    if fall < 3.0 * np.hypot(deviation, tail.limit_deviation):
        return float(times[-1]) / 10.0  # no fall to speak of
    below = level < tail.limit + (1.0 - share) * fall
    return float(times[np.argmax(below)] if below.any() else times[-1])


def half_space(root: Floats, initial: float, rate: float) -> Floats:
    """Current over the root of time (s^1/2): I_0 (A) times exp(a^2 t) erfc(a t^1/2), a in s^-1/2."""
    values: Floats = initial * special.erfcx(rate * root)
    return values


def _backwards(root: Floats, current: Floats, most: int = 12) -> tuple[Estimate, Any]:
    """Fit the later points, then take earlier ones (in `most` steps) as long as they lie on the curve."""
    # the very first point is taken only where it lies on the curve of the others
    begin = max(1, min(int(np.searchsorted(root, root[-1] / 3.0)), len(root) - LEAST_EARLY))
    blocks = np.array_split(np.arange(begin), min(begin, most))
    fitted = _fit(root[begin:], current[begin:])
    for block in reversed(blocks):
        predicted, spread = _predicted(fitted, root[block])
        off = float(np.max(np.abs(current[block] - predicted) / spread))
        if off > OUTLIER * (1.0 + 2.0 / fitted.degrees):
            last = int(block[np.flatnonzero(np.abs(current[block] - predicted) / spread > OUTLIER)[-1]])
            begin = max(last + 2, int(np.searchsorted(root, np.sqrt(2.0) * root[last])))
            begin = min(begin, len(root) - LEAST_EARLY)
            fitted = _fit(root[begin:], current[begin:])
            break
        begin = int(block[0])
        fitted = _fit(root[begin:], current[begin:], fitted)
    return fitted, np.arange(begin, len(root))


def _slopes(p: Floats, root: Floats) -> Floats:
    """Derivatives of the curve by I_0 and a."""
    z = p[1] * root
    curve = special.erfcx(z)
    slopes: Floats = np.column_stack([curve, p[0] * root * (2.0 * z * curve - 2.0 / np.sqrt(np.pi))])
    return slopes


def _fit(root: Floats, current: Floats, start: Estimate | None = None) -> Estimate:
    """Least squares by Gauss and Newton: the curve is nearly a line in the root of time."""
    if start is None:
        x, y = root - root.mean(), current - current.mean()
        slope = float(x @ y) / (float(x @ x) or 1.0)
        intercept = float(current.mean()) - slope * float(root.mean())
        p = np.array([intercept, max(-0.5 * np.sqrt(np.pi) * slope / intercept, 0.0) if intercept > 0.0 else 0.0])
    else:
        p = start.values.copy()
    for _ in range(20):
        slopes = _slopes(p, root)
        scale = np.sqrt(np.einsum("ij,ij->j", slopes, slopes))
        scale[scale == 0.0] = 1.0
        slopes = slopes / scale
        # with a trifle on the diagonal, for two directions that are one
        square = slopes.T @ slopes + 1e-15 * np.eye(2)
        change = np.linalg.solve(square, slopes.T @ (current - half_space(root, p[0], p[1]))) / scale
        # far below 0 the curve grows without bound
        change[1] = max(change[1], -0.5 * abs(p[1]) - 0.05 / root[-1])
        p = p + change
        p[1] = min(max(p[1], -0.5 / root[-1]), 1e3 / root[-1])
        if np.all(np.abs(change) <= 1e-7 * np.abs(p)):
            break
    left = current - half_space(root, p[0], p[1])
    degrees = len(root) - 2.0
    squares = float(left @ left)
    slopes = _slopes(p, root)
    scale = np.linalg.norm(slopes, axis=0)
    scale[scale == 0.0] = 1.0
    square = (slopes / scale).T @ (slopes / scale) + 1e-15 * np.eye(2)
    inverse = np.linalg.inv(square) / np.outer(scale, scale)
    return Estimate(p, inverse * squares / degrees, degrees, squares)


def _predicted(fitted: Estimate, root: Floats) -> tuple[Floats, Floats]:
    """Curve and the standard deviation of a new point about it."""
    p = fitted.values
    slopes = _slopes(p, root)
    variance = np.einsum("ij,jk,ik->i", slopes, fitted.covariance, slopes) + fitted.sum_of_squares / fitted.degrees
    predicted = half_space(root, float(p[0]), float(p[1]))
    # rounding of numbers without scatter is no outlier
    return predicted, np.maximum(np.sqrt(variance), 1e-4 * np.abs(predicted))


def _beyond(found: Fitted) -> bool:
    """Whether a share is below 0 or above 1 by more than its interval."""
    low, high = (found.low, found.high) if np.isfinite(found.low) else (found.value, found.value)
    return low > 1.0 or found.value <= 0.0 or high < 0.0


def _warnings(
    found: Fitted,
    applied: float,
    tail: Steady,
    begin: tuple[float, float, float, float],
    end: tuple[float, float],
    early: Estimate | None,
) -> list[str]:
    I0, given_deviation, R0, R0_deviation = begin
    Rss, Rss_deviation = end
    said = []
    if applied > SMALL:
        said.append(
            f"{1e3 * applied:.4g} mV is more than {1e3 * SMALL:g} mV: the current is then not proportional to the "
            "voltage, as the equation takes it"
        )
    if tail.certain > STEADY:
        way = "falls" if tail.drift < 0.0 else "rises"
        said.append(
            f"the current still {way} by {100.0 * abs(tail.drift):.2g} % over the last tenth of the time "
            f"({PERCENT_HOUR.of(abs(tail.per_hour)):.2g} % per hour): the steady state is doubtful"
            + (f", and {_words(tail)}" if abs(tail.left) > LEFT * tail.limit else "")
        )
    elif abs(tail.left) > LEFT * tail.limit:
        said.append(f"the state is not quite steady: {_words(tail)}")
    if _beyond(found):
        side = "above 1" if found.value > 1.0 else "below 0"
        said.append(
            f"the number is {side}, which is no share: the interfaces changed, the state is not steady, or lithium is "
            "not the only thing that reacts"
        )
    share = max(I0 * R0, tail.limit * Rss) / applied
    if share > SHARE:
        said.append(
            f"the interfaces take {100.0 * share:.3g} % of the voltage: 1 % of their resistance is "
            f"{share / (1.0 - share):.2g} % of the number. A thicker electrolyte or better contacts would tell more"
        )
    if R0 > 0.0 and abs(Rss / R0 - 1.0) > GROWTH:
        words = f"the interfaces changed by {100.0 * (Rss / R0 - 1.0):+.3g} % during the polarisation"
        if early is not None:
            words += (
                ": what that takes off the current is not told from diffusion, and widens the interval of the initial "
                "current"
            )
        said.append(words)
    if max(R0, Rss) > 0.0 and R0_deviation == 0.0 and Rss_deviation == 0.0:
        said.append("no uncertainty of the interfaces' resistance was given: the interval is that of the currents only")
    if early is None and given_deviation == 0.0:
        said.append("the initial current was given: the interval has no share of it")
    return said


def _words(tail: Steady) -> str:
    way = "fall" if tail.left > 0.0 else "rise"
    return (
        f"the current will {way} by another {100.0 * abs(tail.left) / tail.limit:.2g} %, by an exponential through the "
        "last 60 % of the time; the steady current has that, and an interval of as much. Polarise for longer"
    )
