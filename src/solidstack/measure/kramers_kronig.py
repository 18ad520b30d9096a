r"""The Kramers-Kronig relations: whether a spectrum is that of a linear system that does not change while measured.

A sum of relaxations at fixed times obeys the relations whatever its weights, of either sign,

.. math::

    Z(\omega) = R + i\omega L + \frac{1}{i\omega C} + \sum_k \frac{R_k}{1 + i\omega\tau_k},

so what remains after a linear fit is noise or a violation [1]_. Too many relaxations fit the noise: their number grows
until :math:`\mu = 1 - \sum_{R_k<0}|R_k| / \sum_{R_k\ge0}|R_k|` falls below 0.85 [2]_ and the residuals show no trend
over frequency, or until there are six per decade; it starts at three.

.. [1] Boukamp, J. Electrochem. Soc. 142 (1995) 1885, doi:10.1149/1.2044210
.. [2] Schönleber, Klotz and Ivers-Tiffée, Electrochim. Acta 131 (2014) 20, doi:10.1016/j.electacta.2014.01.034
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

CRITERION = 0.85
LEAST_PER_DECADE, PER_DECADE = 3.0, 6.0
"""Fewest and most relaxations per decade: with fewer, negative weights come from what lies between them."""
ACCURACY = 0.01
"""Of an impedance meter over most of its range: a smaller residual is no violation."""
FIXED = 3
"""Terms of the sum that are not relaxations: resistance, inductance, capacitance."""
RUNS = 3.0
"""Standard deviations of equal signs of neighbouring residuals above which they show a trend over frequency."""


class Breach(StrEnum):
    """In what way a spectrum violates the relations."""

    NOISE = "noise"
    TREND = "trend"


@dataclass(frozen=True)
class Check:
    """Result of the check of a spectrum.

    Attributes
    ----------
    residuals : array of complex, shape (n,)
        Measured minus sum, relative to the modulus.
    relaxations : int
    mu : float
    """

    residuals: Complex
    relaxations: int
    mu: float

    @property
    def deviation(self) -> float:
        """Root mean square of real and imaginary residuals."""
        return float(np.sqrt((np.abs(self.residuals) ** 2).mean() / 2.0))

    @property
    def scatter(self) -> float:
        """Standard deviation of a residual: as `deviation`, with the degrees of freedom that remain."""
        free = max(2 * self.residuals.size - self.relaxations - FIXED, 1)
        return float(np.sqrt((np.abs(self.residuals) ** 2).sum() / free))

    @property
    def trend(self) -> float:
        """Neighbouring residuals of equal sign, in standard deviations above chance."""
        signs = np.sign([self.residuals.real, self.residuals.imag])
        return float((signs[:, 1:] * signs[:, :-1]).sum() / np.sqrt(signs[:, 1:].size))

    @property
    def breach(self) -> Breach | None:
        """None where the relations hold to the accuracy of a meter."""
        if self.deviation <= ACCURACY:
            return None
        return Breach.TREND if self.trend > RUNS else Breach.NOISE

    @property
    def verdict(self) -> str:
        """The breach in words; empty where there is none."""
        size = f"the spectrum deviates from the Kramers-Kronig relations by {100.0 * self.deviation:.1f} %"
        if self.breach is Breach.TREND:
            return f"{size}, and not by noise alone: the cell drifted, or the amplitude was too large to be linear"
        return f"{size}, which looks like noise" if self.breach is Breach.NOISE else ""


def check(frequency: Floats, impedance: Complex) -> Check:
    """Compare a spectrum with the closest one that obeys the relations.

    Parameters
    ----------
    frequency : array, shape (n,)
        Hz.
    impedance : array of complex, shape (n,)
        ohm, none 0.

    Examples
    --------
    >>> frequency = np.logspace(4, 0, 30)
    >>> z = 5.0 + 10.0 / (1.0 + 2j * np.pi * frequency * 1e-3)
    >>> check(frequency, z).deviation < 1e-3
    True
    """
    omega = 2.0 * np.pi * frequency
    weight = 1.0 / np.abs(impedance)
    fixed = [np.ones(omega.size, complex), omega.min() / (1j * omega), 1j * omega / omega.max()]
    decades = float(np.log10(omega.max() / omega.min()))
    most = int(min(PER_DECADE * decades + 1.0, 2 * omega.size - len(fixed) - 2))
    target = _stacked(impedance * weight)
    least = max(min(int(LEAST_PER_DECADE * decades + 1.0), most), 1)
    for count in range(least, max(most, least) + 1):
        tau = np.geomspace(1.0 / omega.max(), 1.0 / omega.min(), count)
        columns = np.column_stack([*fixed, 1.0 / (1.0 + 1j * omega[:, None] * tau)]) * weight[:, None]
        matrix = _stacked(columns.astype(complex))
        length = np.linalg.norm(matrix, axis=0)
        solution = np.linalg.lstsq(matrix / length, target, rcond=1e-12)[0]
        left = target - (matrix / length) @ solution
        weights = (solution / length)[len(fixed) :]
        above, below = weights[weights >= 0.0].sum(), -weights[weights < 0.0].sum()
        mu = float(1.0 - below / above) if above > 0.0 else 0.0
        n = omega.size
        result = Check(left[:n] + 1j * left[n:], count, mu)
        if mu < CRITERION and result.trend < RUNS:
            break
    return result


def _stacked(values: Complex) -> Floats:
    return np.concatenate([values.real, values.imag])
