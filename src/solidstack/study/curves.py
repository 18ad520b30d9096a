"""Voltage of a charge and a discharge over the charge of the cell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Voltage of a discharge or charge over the charge of the cell.

    Attributes
    ----------
    capacity : array, shape (n,)
        A s of the whole cell, from 0.
    voltage : array, shape (n,)
        V.
    """

    capacity: Floats
    voltage: Floats

    @property
    def total(self) -> float:
        """Capacity, A s."""
        return float(self.capacity[-1])

    @property
    def mean_voltage(self) -> float:
        """Energy over capacity, V."""
        return float(np.trapezoid(self.voltage, self.capacity)) / self.total

    @property
    def energy(self) -> float:
        """Capacity times mean voltage, J."""
        return self.total * self.mean_voltage

    def until(self, voltage: float) -> float:
        """Charge at which the curve last crosses a voltage on its way to its end, A s; all of it where it does not."""
        rising = self.voltage[-1] > self.voltage[0]
        inside = self.voltage < voltage if rising else self.voltage > voltage
        at = np.flatnonzero(inside)
        if len(at) == 0:
            return 0.0
        if at[-1] + 1 >= len(self.voltage):
            return self.total
        v0, v1 = self.voltage[at[-1] : at[-1] + 2]
        q0, q1 = self.capacity[at[-1] : at[-1] + 2]
        return float(q0 + (q1 - q0) * (voltage - v0) / (v1 - v0))


def joined(curves: Sequence[Curve]) -> Curve:
    """Return one curve of several that follow each other."""
    begin = np.cumsum([0.0, *(curve.total for curve in curves[:-1])])
    capacity = np.concatenate([curve.capacity + at for curve, at in zip(curves, begin, strict=True)])
    return Curve(capacity, np.concatenate([curve.voltage for curve in curves]))


@dataclass(frozen=True)
class Pair:
    """A charge and the discharge after it.

    Attributes
    ----------
    charge, discharge : Curve
    steady : tuple of float
        Charge that passes in each before its voltage is held, A s.
    """

    charge: Curve
    discharge: Curve
    steady: tuple[float, float]

    def gap(self, state: Floats) -> Floats:
        """Voltage of the charge above that of the discharge, V, at charges since the charge began."""
        up, down = self.charge, self.discharge
        return np.interp(state, up.capacity, up.voltage) - np.interp(up.total - state, down.capacity, down.voltage)

    def shared(self) -> tuple[float, float]:
        """Between which states both are at steady current."""
        return self.charge.total - self.steady[1], self.steady[0]
