"""Why capacity and voltage of a built cell differ from its design: factors that multiply to the difference."""

import math
from dataclasses import dataclass

import numpy as np

from .curves import Curve, Pair

BEGIN, END = 0.2, 0.8
"""Share of the charge over which the gap of charge and discharge is taken: its ends are left to capacity."""
LEAST_LEFT = 0.5
"""Share of the simulated discharge that a resistance in series must leave."""


@dataclass(frozen=True)
class Reason:
    """One reason for the difference between designed and achieved specific energy.

    Attributes
    ----------
    words : str
    factor : float
        By which it multiplies the specific energy; the factors of all reasons multiply to achieved over designed.
    """

    words: str
    factor: float


def series_resistance(measured: Pair, model: Pair, currents: float) -> float:
    """Resistance of the cell beyond the simulation's, ohm.

    By so much the gap between charge and discharge at the same state is wider than simulated, over the sum of both
    currents (A).
    """
    share = np.linspace(BEGIN, END, 100)
    gaps = []
    for pair in (measured, model):
        low, high = pair.shared()
        gaps.append(pair.gap(low + share * (high - low)))
    return float(np.median(gaps[0] - gaps[1])) / currents


def reasons_beyond(
    capacity: float, voltage: float, measured: Curve, model: Pair, shifts: tuple[float, float], resistance: float
) -> list[Reason]:
    """Factors from designed to measured capacity and voltage.

    Parameters
    ----------
    capacity, voltage : float
        Designed, A s and V.
    measured : Curve
        Discharge.
    model : Pair
        Simulated as the cell was cycled.
    shifts : tuple of float
        By which the resistance in series moves the simulated charge up and the discharge down, V.
    resistance : float
        In series, beyond the simulation's, ohm m2; NaN where it is not known.

    Returns
    -------
    list of Reason
        Empty where the resistance would leave less than half of the simulated discharge.
    """
    up, down = model.charge, model.discharge
    # moved apart, the simulated curves meet the ends of charge and discharge earlier
    charged = up.total - up.until(float(up.voltage[-1]) - shifts[0]) if shifts[0] else 0.0
    ended = down.until(float(down.voltage[-1]) + shifts[1]) - charged
    ended = min(ended, down.total)
    if ended < LEAST_LEFT * down.total:
        return []
    cause = f"{abs(resistance) * 1e4:.3g} ohm cm2 {'more' if resistance > 0.0 else 'less'} in series than simulated"
    reasons = [
        _reason(
            down.total / capacity,
            "capacity that the simulation does not reach at this current either",
            "capacity that the simulation, too, has beyond the design",
        ),
        _reason(
            measured.total / ended,
            "active material that is missing or inactive: loading, contact, losses of the first cycles",
            "more active material than simulated: loading, specific capacity",
        ),
        _reason(
            down.mean_voltage / voltage,
            "voltage that the simulation does not reach at this current either",
            "voltage that the simulation, too, has beyond the design",
        ),
    ]
    if math.isfinite(resistance):
        reasons.append(Reason(f"charge and discharge end earlier: {cause}", ended / down.total))
    side = measured.mean_voltage / down.mean_voltage
    if not math.isfinite(resistance) or (resistance > 0.0) != (side < 1.0):
        cause = "another state of charge, or hysteresis"
    return [
        *reasons,
        _reason(side, f"lower voltage than simulated: {cause}", f"higher voltage than simulated: {cause}"),
    ]


def reasons_alone(capacity: float, voltage: float, measured: Curve) -> list[Reason]:
    """Factors from designed to measured capacity (A s) and voltage (V) without a simulation between them."""
    return [
        Reason("capacity: active material, loading and current together", measured.total / capacity),
        Reason("average voltage", measured.mean_voltage / voltage),
    ]


def ranked(reasons: list[Reason]) -> tuple[Reason, ...]:
    """Reasons by size, the largest first."""
    return tuple(sorted(reasons, key=lambda reason: -abs(math.log(reason.factor))))


def _reason(factor: float, less: str, more: str) -> Reason:
    """Choose the words by whether it is a loss."""
    return Reason(less if factor <= 1.0 else more, factor)
