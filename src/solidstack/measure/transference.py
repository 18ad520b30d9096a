"""Steady-state current fraction after Bruce and Vincent, from the polarisation of a symmetric cell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import MeasurementError
from ..units import MV, OHM, PERCENT_HOUR, SMALL_VOLTAGE, UA, Unit, text
from .initial_current import GROWN, GROWTH, SHARE, ampere, initial, is_wavy, lack_of_fit
from .records import CURRENT, TIME, VOLTAGE, Record
from .result import Fitted, Property, Result, Series
from .statistics import Estimate, quantile
from .steady import FALLING, LEAST, LEFT, STEADY, Floats, Steady, constant_voltage, steady

SMALL = 0.020
"""V: below kT/e (26 mV at 30 degC) the current is proportional to the voltage, as the equation takes it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Transference(Result):
    """Transference number after Bruce and Vincent.

    Attributes
    ----------
    time, current : array, shape (n,)
        Of the polarisation, s from its start and A along the voltage.
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
        """Current fraction of the steady state, which is what is measured; of 1, nothing but lithium moves."""
        number = self.values["transference_number"]
        if _beyond(number):
            return []
        value = float(f"{min(number.value, 1.0):.4g}")
        name = "current_fraction" if value < 1.0 else "transference_number"
        return [Property(name, {"value": value}, number.uncertainty)]

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
    resistance = result.values.get("interface_resistance")
    if resistance is None or not np.isfinite(resistance.value):
        msg = (
            f"the spectrum's circuit {result.model} has no interface; take the spectrum of the cell with lithium "
            'electrodes, or give the resistance, as in --before "118 ohm" --after "131 ohm"'
        )
        raise MeasurementError(msg, source=result.records[0].source if result.records else "")
    return resistance


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
        A, and its standard deviation; default: from the early current, and 0 where the current is given.
    before_deviation, after_deviation : float, optional
        Standard deviations of `before` and `after`, ohm; default: those of their intervals, or 0.

    Returns
    -------
    Transference
        Values: `transference_number`, `steady_state_factor` (I_ss/I_0, after Watanabe: without the interfaces),
        currents, voltage, resistances, `electrolyte_resistance` (what is left of the voltage at the start, over the
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
    t, current, applied, warnings = _polarised(record, voltage)
    tail = steady(t, current, record.source)
    if tail.value <= 0.0:
        msg = f"the steady current is {ampere(tail.value)}: not above 0 along the voltage; check the file's signs"
        raise MeasurementError(msg, source=record.source)
    _require_steady(tail, record)
    final, final_deviation = tail.limit, tail.limit_deviation
    early: Estimate | None = None
    degrees = np.inf
    window: dict[str, Any] = {"applied_mV": 1e3 * applied}
    if initial_current is None:
        grown = max(0.0, abs(Rss - R0) - 1.96 * float(np.hypot(R0_deviation, Rss_deviation)))
        early, I0_deviation, extent, doubts = _extrapolated(t, current, tail, record, GROWN * grown / applied)
        I0, _ = early.propagate(0)
        degrees = early.degrees
        window |= extent
        warnings += doubts
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
    fraction = estimate.fitted(number, "Transference number of lithium")
    values = {
        "transference_number": fraction,
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
    warnings += _warnings(fraction, applied, tail, (I0, I0_deviation, R0, R0_deviation), (Rss, Rss_deviation), early)
    return Transference(
        records=(polarisation,),
        values=values,
        model="t+ = I_ss (dV - I_0 R_0) / (I_0 (dV - I_ss R_ss))",
        window=window,
        warnings=(*(text for text in record.warnings if text not in polarisation.warnings), *warnings),
        time=t,
        current=current,
        early=early,
        tail=tail,
    )


def _extrapolated(
    t: Floats, current: Floats, tail: Steady, record: Record, growth: float
) -> tuple[Estimate, float, dict[str, Any], list[str]]:
    """Extrapolate the initial current: the fit, its deviation (A), the window used, and doubts.

    What is taken for diffusion in the electrode may be growth of the interfaces; `growth`, 1/A, is how much of it the
    resistances allow.
    """
    early, used = initial(t, current, tail, record)
    I0, fitted_deviation = early.propagate(0)
    root = np.sqrt(np.maximum(t, 0.0))
    deviation = float(np.linalg.norm([fitted_deviation, lack_of_fit(root, current, (early, used)), growth * I0**2]))
    doubts = []
    if is_wavy(np.sqrt(t), current, (early, used)):
        doubts.append(
            "the early current swings about the curve of diffusion: the initial current is less certain than its "
            "interval suggests"
        )
    if used[0] > 0:
        doubts.append(
            f"the first {used[0]} point{'s' if used[0] > 1 else ''} (to {t[used[0] - 1]:.3g} s) lie off the curve "
            "of the later ones (charging of the interfaces, or range of the instrument) and were left out of the "
            "initial current"
        )
    window = {"initial_from_s": float(t[used[0]]), "initial_to_s": float(t[used[-1]]), "left_out": int(used[0])}
    return early, deviation, window, doubts


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


def _resistance(resistance: Fitted | float, deviation: float | None, name: str, record: Record) -> tuple[float, float]:
    if isinstance(resistance, Fitted):
        value, spread = resistance.value, 0.5 * (resistance.high - resistance.low) / 1.96
    else:
        value, spread = resistance, 0.0
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
    warnings: list[str] = []
    if voltage is None:
        first, last, applied = constant_voltage(record)
        kept = slice(first, last + 1)
        # the step lies between the last point at rest and the first at the voltage
        begin = time[first]
        time, current = time[kept], current[kept]
    else:
        if not (np.isfinite(voltage) and voltage != 0.0):
            msg = f"voltage: {text(float(voltage), SMALL_VOLTAGE)} is not a voltage step; give what was applied"
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
        warnings.append("the current has the sign against the voltage throughout; its sign was reversed")
        current = -current
    elif np.mean(against) > 0.05:
        msg = (
            f"the current runs against the voltage at {int(against.sum())} of {len(current)} points (mixed signs); "
            "give one polarisation in one direction"
        )
        raise MeasurementError(msg, source=record.source)
    return time - begin, current, abs(applied), warnings


def _require_steady(tail: Steady, record: Record) -> None:
    if tail.certain > FALLING:
        way = "falls" if tail.drift < 0.0 else "rises"
        msg = (
            f"no steady state: the current still {way} by {100.0 * abs(tail.drift):.3g} % over the last tenth of the "
            f"time; at most {100.0 * FALLING:g} % is accepted. Polarise for longer"
        )
        raise MeasurementError(msg, source=record.source)
    if tail.limit <= 0.0:
        msg = (
            f"no steady state: the current of {ampere(tail.value)} will still lose {ampere(tail.left)}, by the "
            "exponential through the last 60 % of the time. Polarise for longer"
        )
        raise MeasurementError(msg, source=record.source)


def _require_share(current: float, resistance: float, applied: float, record: Record, when: str, word: str) -> None:
    share = current * resistance / applied
    if share >= 1.0:
        msg = (
            f"the interfaces {word} ({resistance:.4g} ohm) would take {100.0 * share:.4g} % of the {1e3 * applied:.4g} "
            f"mV at the {when} current of {ampere(current)}, more than there is. Check voltage, current and "
            "resistance (of one cell, in ohm, without the electrolyte's)"
        )
        raise MeasurementError(msg, source=record.source)


def _beyond(fraction: Fitted) -> bool:
    """Whether a share is below 0 or above 1 by more than its interval."""
    low, high = (fraction.low, fraction.high) if np.isfinite(fraction.low) else (fraction.value, fraction.value)
    return low > 1.0 or fraction.value <= 0.0 or high < 0.0


def _warnings(
    fraction: Fitted,
    applied: float,
    tail: Steady,
    begin: tuple[float, float, float, float],
    end: tuple[float, float],
    early: Estimate | None,
) -> list[str]:
    I0, I0_deviation, R0, R0_deviation = begin
    Rss, Rss_deviation = end
    warnings = []
    if applied > SMALL:
        warnings.append(
            f"{1e3 * applied:.4g} mV is more than {1e3 * SMALL:g} mV: the current is then not proportional to the "
            "voltage, as the equation takes it"
        )
    if tail.certain > STEADY:
        way = "falls" if tail.drift < 0.0 else "rises"
        warnings.append(
            f"the current still {way} by {100.0 * abs(tail.drift):.2g} % over the last tenth of the time "
            f"({PERCENT_HOUR.of(abs(tail.per_hour)):.2g} % per hour): the steady state is doubtful"
            + (f", and {_words(tail)}" if abs(tail.left) > LEFT * tail.limit else "")
        )
    elif abs(tail.left) > LEFT * tail.limit:
        warnings.append(f"the state is not quite steady: {_words(tail)}")
    if _beyond(fraction):
        side = "above 1" if fraction.value > 1.0 else "below 0"
        warnings.append(
            f"the number is {side}, which is not a fraction: the interfaces changed, the state is not steady, or "
            "lithium is not the only thing that reacts"
        )
    share = max(I0 * R0, tail.limit * Rss) / applied
    if share > SHARE:
        warnings.append(
            f"the interfaces take {100.0 * share:.3g} % of the voltage: 1 % of their resistance is "
            f"{share / (1.0 - share):.2g} % of the number. A thicker electrolyte or better contacts would make "
            "it more certain"
        )
    if R0 > 0.0 and abs(Rss / R0 - 1.0) > GROWTH:
        words = f"the interfaces changed by {100.0 * (Rss / R0 - 1.0):+.3g} % during the polarisation"
        if early is not None:
            words += (
                ": its effect on the current cannot be told apart from diffusion, and widens the interval of the "
                "initial current"
            )
        warnings.append(words)
    if max(R0, Rss) > 0.0 and R0_deviation == 0.0 and Rss_deviation == 0.0:
        warnings.append(
            "no uncertainty of the interfaces' resistance was given: the interval is that of the currents only"
        )
    if early is None and I0_deviation == 0.0:
        warnings.append("the initial current was given: the interval does not include its uncertainty")
    return warnings


def _words(tail: Steady) -> str:
    way = "fall" if tail.left > 0.0 else "rise"
    return (
        f"the current will {way} by another {100.0 * abs(tail.left) / tail.limit:.2g} %, by an exponential through the "
        "last 60 % of the time; the steady current is corrected for it, with an interval of the same "
        "size. Polarise for longer"
    )
