r"""Distribution of relaxation times, and what a passive, capacitive circuit can and cannot show.

The impedance of resistors, capacitors, constant-phase elements, diffusion and transmission lines in series and
parallel is a sum of relaxations with weights of one sign,

.. math::

    Z(\omega) = R_\infty + \frac{1}{i\omega C} + i\omega L + \int \frac{\gamma(\ln\tau)}{1 + i\omega\tau} d\ln\tau,
    \quad \gamma \ge 0,

as long as nothing but the leads (L) is inductive. `passive` fits such a sum without smoothing: the residual is noise
or artefact. `distribution` smooths and returns the processes.

Sources: Macutkevic et al., Rev. Sci. Instrum. 75 (2004) 3229 (doi:10.1063/1.1782314), non-negative Tikhonov; Golub,
Heath and Wahba, Technometrics 21 (1979) 215 (doi:10.1080/00401706.1979.10489751), generalised cross-validation.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

PER_DECADE = 6
"""Relaxation times of `passive`: two neighbours represent one between them to 0.7 %."""
SMOOTH_PER_DECADE = 12
FASTER, SLOWER = 0.5, 2.0
"""Decades of relaxation times beyond the ends of the spectrum: the onset of slower ones is still visible."""
MARGIN = 0.3
"""Decades beyond the spectrum within which a peak counts."""
REGULARISATIONS = (-1.5, 3.0)
"""Range of powers of ten that is tried."""
ENOUGH = 1.05
"""Multiple of the lowest cross-validation score up to which the smoothest distribution is taken."""
SEEN = 3.0
"""Smallest resistance of a peak, in standard deviations of a residual at its frequency."""
LEAST_SHARE = 0.01
"""Share of the total resistance below which a peak is noise."""


@dataclass(frozen=True)
class Passive:
    """The best-fitting sum of relaxations of positive weight.

    Attributes
    ----------
    residuals : array of complex, shape (n,)
        Sum minus measured, relative to the modulus.
    used : int
        Number of terms with a weight above 0.
    """

    residuals: Complex
    used: int

    @property
    def sum_of_squares(self) -> float:
        """Of the residuals."""
        return float((np.abs(self.residuals) ** 2).sum())


def times(frequency: Floats, per_decade: int, faster: float = FASTER, slower: float = SLOWER) -> Floats:
    """Relaxation times, s, equally spaced in the logarithm, from before the first of the spectrum to after its last."""
    ends = np.log10(0.5 / np.pi / np.array([frequency.max(), frequency.min()]))
    return np.asarray(10.0 ** np.arange(ends[0] - faster, ends[1] + slower, 1.0 / per_decade))


def _columns(frequency: Floats, tau: Floats, *, inductive: bool) -> Complex:
    """Resistance, series capacitance, inductance and relaxations, scaled to the same size."""
    omega = 2.0 * np.pi * frequency
    first = [np.ones(omega.size, complex), omega.min() / (1j * omega)]
    if inductive:
        first.append(1j * omega / omega.max())
    return np.column_stack([*first, 1.0 / (1.0 + 1j * omega[:, None] * tau)])


def passive(frequency: Floats, impedance: Complex, *, inductive: bool = False) -> Passive:
    """Fit a sum of relaxations of positive weight, residuals relative to the modulus.

    Parameters
    ----------
    frequency : array, shape (n,)
        Hz.
    impedance : array of complex, shape (n,)
        ohm, without zeros.
    inductive : bool
        Whether an inductance may be in series.
    """
    columns = _columns(frequency, times(frequency, PER_DECADE), inductive=inductive)
    weight = 1.0 / np.abs(impedance)
    matrix, target = _stacked(columns * weight[:, None]), _stacked(impedance * weight)
    solution, _ = optimize.nnls(matrix, target, maxiter=30 * matrix.shape[1])
    left = matrix @ solution - target
    n = frequency.size
    return Passive(left[:n] + 1j * left[n:], int((solution > 0.0).sum()))


def _stacked(values: Complex) -> Floats:
    return np.concatenate([values.real, values.imag])


@dataclass(frozen=True)
class Distribution:
    r"""Distribution of relaxation times.

    Attributes
    ----------
    tau : array, shape (m,)
        s.
    gamma : array, shape (m,)
        Resistance per unit of the natural logarithm of the time, ohm.
    regularisation : float
        The parameter :math:`\lambda`, relative residuals against relative weights.
    peaks : tuple of Peak
        The fastest first.
    """

    tau: Floats
    gamma: Floats
    regularisation: float
    peaks: tuple["Peak", ...]


@dataclass(frozen=True)
class Peak:
    """A process: its relaxation time, s, and its resistance, ohm, integrated between the adjacent minima."""

    tau: float
    resistance: float

    @property
    def frequency(self) -> float:
        """Of its relaxation, Hz."""
        return 0.5 / np.pi / self.tau


def distribution(
    frequency: Floats,
    impedance: Complex,
    *,
    modulus: Floats | None = None,
    inductive: bool = False,
    regularisation: float | None = None,
) -> Distribution:
    r"""Distribution of relaxation times by Tikhonov's method with non-negative weights.

    Minimises :math:`\|r\|^2 + \lambda\|D x\|^2`, with relative residuals r, and the second differences D of the weights
    x. The regularisation is the largest whose generalised cross-validation (without the sign) is within 5 % of the
    lowest: residuals with a trend would otherwise make it too small.

    Parameters
    ----------
    frequency : array, shape (n,)
        Hz.
    impedance : array of complex, shape (n,)
        ohm; for a blocking cell without the blocking elements, which no distribution can represent.
    modulus : array, shape (n,), optional
        Scale of the residuals, ohm; default: the modulus of the impedance.
    inductive : bool
        Whether an inductance may be in series.
    regularisation : float, optional
        In place of the automatic one.
    """
    tau = times(frequency, SMOOTH_PER_DECADE)
    modulus = np.abs(impedance) if modulus is None else modulus
    weight = 1.0 / modulus
    # relative to the middle of the spectrum, so that a regularisation means the same in all
    size = float(np.exp(np.log(modulus).mean()))
    columns = _columns(frequency, tau, inductive=inductive) * size
    matrix, target = _stacked(columns * weight[:, None]), _stacked(impedance * weight)
    first = columns.shape[1] - tau.size
    curvature = np.zeros((tau.size, columns.shape[1]))
    at = np.arange(tau.size)
    curvature[at, first + at] = -2.0
    curvature[at[1:], first + at[:-1]] = 1.0
    curvature[at[:-1], first + at[1:]] = 1.0
    if regularisation is None:
        regularisation = _cross_validated(matrix, target, curvature)
    stacked = np.vstack([matrix, np.sqrt(regularisation) * curvature])
    solution, _ = optimize.nnls(stacked, np.concatenate([target, np.zeros(tau.size)]), maxiter=50 * stacked.shape[1])
    left = matrix @ solution - target
    step = np.log(10.0) / SMOOTH_PER_DECADE
    weights = solution[first:] * size
    order = np.argsort(frequency)
    noise = np.interp(0.5 / np.pi / tau, frequency[order], modulus[order]) * np.sqrt((left**2).mean())
    return Distribution(tau, weights / step, regularisation, _peaks(tau, weights, frequency, SEEN * noise))


def _cross_validated(matrix: Floats, target: Floats, curvature: Floats) -> float:
    """Regularisation by generalised cross-validation, n squares / (n - trace)^2, all from one decomposition."""
    n = target.size
    penalty = curvature.T @ curvature
    penalty[np.diag_indices_from(penalty)] += 1e-9
    # in the basis that makes both matrices diagonal, a regularisation only divides
    values, vectors = linalg.eigh(matrix.T @ matrix, penalty)
    values = np.maximum(values, 0.0)
    images = matrix @ vectors
    parts = images.T @ target
    choices = np.logspace(*REGULARISATIONS, 16)
    scores = np.array([
        n * float(((images @ (parts / (values + choice)) - target) ** 2).sum())
        / (n - float((values / (values + choice)).sum())) ** 2
        for choice in choices
    ])  # fmt: skip
    return float(choices[np.flatnonzero(scores <= ENOUGH * scores.min())[-1]])


def _peaks(tau: Floats, weights: Floats, frequency: Floats, least: Floats) -> tuple[Peak, ...]:
    ends = 0.5 / np.pi / np.array([frequency.max(), frequency.min()]) * np.array([10.0**-MARGIN, 10.0**MARGIN])
    padded = np.concatenate([[0.0], weights, [0.0]])
    tops = np.flatnonzero((padded[1:-1] > padded[:-2]) & (padded[1:-1] >= padded[2:]) & (weights > 0.0))
    if not tops.size:
        return ()
    valleys = [0, *(a + int(np.argmin(weights[a : b + 1])) for a, b in pairwise(tops)), tau.size]
    peaks = []
    for top, (low, high) in zip(tops, pairwise(valleys), strict=True):
        part = weights[low:high]
        if ends[0] <= tau[top] <= ends[1] and part.sum() > least[top]:
            centre = float(np.exp((part * np.log(tau[low:high])).sum() / part.sum()))
            peaks.append(Peak(centre, float(part.sum())))
    total = sum(peak.resistance for peak in peaks)
    return tuple(peak for peak in peaks if peak.resistance >= LEAST_SHARE * total)
