r"""Kramers and Kronig's relations: whether a spectrum is that of a linear system that does not change meanwhile.

A sum of relaxations at fixed times obeys the relations whatever its weights, of either sign,

.. math::

    Z(\omega) = R + i\omega L + \frac{1}{i\omega C} + \sum_k \frac{R_k}{1 + i\omega\tau_k},

so what a linear fit of it leaves is noise or a breach [1]_. Too many relaxations fit the noise: their number grows
until :math:`\mu = 1 - \sum_{R_k<0}|R_k| / \sum_{R_k\ge0}|R_k|` falls below 0.85 [2]_ and the residuals have no course
over frequency, or until there are six a decade; it begins at three.

.. [1] Boukamp, J. Electrochem. Soc. 142 (1995) 1885, doi:10.1149/1.2044210
.. [2] Schönleber, Klotz and Ivers-Tiffée, Electrochim. Acta 131 (2014) 20, doi:10.1016/j.electacta.2014.01.034
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

CRITERION = 0.85
LEAST_PER_DECADE, PER_DECADE = 3.0, 6.0
"""Fewest and most relaxations a decade: of fewer, weights below 0 come from what is between them."""
ACCURACY = 0.01
"""Of an impedance meter over most of its range: a residual below it is no breach."""
FIXED = 3
"""Terms of the sum that are no relaxations: resistance, inductance, capacitance."""
RUNS = 3.0
"""Standard deviations of equal signs of neighbouring residuals beyond which they have a course over frequency."""


@dataclass(frozen=True)
class Check:
    """What the relations say of a spectrum.

    Attributes
    ----------
    residuals : array of complex, shape (n,)
        Of the measured less the sum, relative to the modulus.
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
        """Standard deviation of a residual: as `deviation`, by the degrees of freedom that the sum leaves."""
        free = max(2 * self.residuals.size - self.relaxations - FIXED, 1)
        return float(np.sqrt((np.abs(self.residuals) ** 2).sum() / free))

    @property
    def course(self) -> float:
        """Neighbouring residuals of equal sign, in standard deviations more than by chance."""
        signs = np.sign([self.residuals.real, self.residuals.imag])
        return float((signs[:, 1:] * signs[:, :-1]).sum() / np.sqrt(signs[:, 1:].size))

    @property
    def verdict(self) -> str:
        """Empty where the relations hold to the accuracy of a meter; else what they say, in words."""
        if self.deviation <= ACCURACY:
            return ""
        size = f"the spectrum deviates from Kramers and Kronig's relations by {100.0 * self.deviation:.1f} %"
        if self.course > RUNS:
            return f"{size}, and not by noise alone: the cell drifted, or the amplitude was too large to be linear"
        return f"{size}, which looks like noise"


def check(frequency: Floats, impedance: Complex) -> Check:
    """Compare a spectrum with the nearest that obeys the relations.

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
    wanted = _stacked(impedance * weight)
    least = max(min(int(LEAST_PER_DECADE * decades + 1.0), most), 1)
    for count in range(least, max(most, least) + 1):
        tau = np.geomspace(1.0 / omega.max(), 1.0 / omega.min(), count)
        columns = np.column_stack([*fixed, 1.0 / (1.0 + 1j * omega[:, None] * tau)]) * weight[:, None]
        matrix = _stacked(columns.astype(complex))
        length = np.linalg.norm(matrix, axis=0)
        solution = np.linalg.lstsq(matrix / length, wanted, rcond=1e-12)[0]
        left = wanted - (matrix / length) @ solution
        weights = (solution / length)[len(fixed) :]
        above, below = weights[weights >= 0.0].sum(), -weights[weights < 0.0].sum()
        mu = float(1.0 - below / above) if above > 0.0 else 0.0
        n = omega.size
        found = Check(left[:n] + 1j * left[n:], count, mu)
        if mu < CRITERION and found.course < RUNS:
            break
    return found


def _stacked(values: Complex) -> Floats:
    return np.concatenate([values.real, values.imag])
