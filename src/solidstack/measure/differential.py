"""Differential capacity of half cycles: charge per voltage, and its peaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ..units import MAH_V, V
from .half_cycles import Cycle, HalfCycle
from .result import Series
from .signal import Floats
from .statistics import noise_of, robust_deviation

GRID = 250
"""Voltage steps of the differential capacity."""
SMOOTHED, WIDEST = 25.0, 3.0
"""Width of its smoothing over the noise of the voltage; at least one step of the grid, and this many at most."""
OUTSTANDING = 6.0
"""Prominence of a peak over the noise of the differential capacity."""
PROMINENCE = 0.05
"""Of a peak in the differential capacity, as a share of the largest value."""
BLOCKS = 4000
"""Points that a half cycle is averaged to before its differential capacity is taken."""


@dataclass(frozen=True, eq=False)
class Differential:
    """Differential capacity of a half cycle.

    Attributes
    ----------
    cycle : int
    kind : str
        ``charge`` or ``discharge``.
    voltage, density : array, shape (n,)
        V, A s/V (above 0 for both kinds). Its integral is the charge outside of the hold.
    peaks : tuple of (float, float)
        Voltage and density of each.
    """

    cycle: int
    kind: str
    voltage: Floats
    density: Floats
    peaks: tuple[tuple[float, float], ...]


def differentials(cycles: list[Cycle]) -> list[Differential]:
    """Return the differential capacity of the first two complete cycles and of the last one."""
    complete = [cycle for cycle in cycles if cycle.complete] or cycles[:1]
    drawn = dict.fromkeys([*complete[:2], complete[-1]])
    curves = []
    for cycle in drawn:
        for half in cycle.halves:
            curve = differential_capacity(half)
            if curve is not None:
                curves.append(Differential(cycle.number, half.kind, *curve))
    return curves


def differential_capacity(half: HalfCycle) -> tuple[Floats, Floats, tuple[tuple[float, float], ...]] | None:
    """Charge per voltage on an even grid of voltages, and its peaks.

    The charge between two points is spread evenly over the voltages between them, whichever way the voltage went, so
    that noise does not divide by zero and the integral is the charge. What passes while the voltage is held at the end
    or after a breakdown is left out. `GRID` steps, smoothed by a Gaussian whose standard deviation is a step, or up to
    `WIDEST` steps where the voltage is noisy. Peaks stand out of the noise.

    Returns
    -------
    (array, array, tuple of (float, float)) or None
        Voltage, V; charge per voltage, A s/V, above 0; voltage and height of each peak. None where the half cycle has
        too few points or no range of voltage.
    """
    count = half.hold_begin
    if half.breakdown is not None:
        count = min(count, int(np.searchsorted(half.capacity, half.breakdown[0], side="right")))
    voltage, capacity = half.voltage[:count], half.capacity[:count]
    if count > BLOCKS:
        begins = np.linspace(0, count, BLOCKS + 1).astype(np.int64)[:-1]
        points = np.diff(np.concatenate([begins, [count]]))
        voltage = np.add.reduceat(voltage, begins) / points
        capacity = np.add.reduceat(capacity, begins) / points
    if len(voltage) < 10 or np.ptp(voltage) < 1e-3:
        return None
    edges: Floats = np.linspace(float(voltage.min()), float(voltage.max()), GRID + 1)
    low, high = np.minimum(voltage[1:], voltage[:-1]), np.maximum(voltage[1:], voltage[:-1])
    charge = np.diff(capacity)
    width = np.maximum(high - low, 1e-9)
    below = np.array([float(charge @ np.clip((edge - low) / width, 0.0, 1.0)) for edge in edges])
    step = float(edges[1] - edges[0])
    middle: Floats = 0.5 * (edges[1:] + edges[:-1])
    noise = noise_of(voltage)
    smoothing = float(np.clip(SMOOTHED * noise / step, 1.0, WIDEST))
    density: Floats = gaussian_filter1d(np.diff(below) / step, smoothing, mode="nearest")
    rest = density - gaussian_filter1d(density, 4.0 * smoothing, mode="nearest")
    least = max(PROMINENCE * float(density.max()), OUTSTANDING * robust_deviation(rest))
    places, _ = find_peaks(density, prominence=least)
    return middle, density, tuple((float(middle[at]), float(density[at])) for at in places)


def peak_table(curves: Sequence[Differential]) -> Series:
    """Return the peaks of all half cycles as a table."""
    rows = [(curve.cycle, curve.kind, volts, height) for curve in curves for volts, height in curve.peaks]
    columns: dict[str, Any] = {
        name: [row[at] for row in rows] for at, name in enumerate(("cycle", "half_cycle", "voltage", "height"))
    }
    return Series("Peaks of the differential capacity", columns, {"voltage": V, "height": MAH_V})
