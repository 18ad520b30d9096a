"""Diffusion in a sphere under constant flux: the rise of its surface concentration."""

from typing import Any

import numpy as np
from scipy.special import erf

from .signal import Floats


def _roots(count: int) -> Floats:
    """Solve tan b = b above 0, by Newton's method from the asymptotic value."""
    b: Any = (np.arange(1, count + 1) + 0.5) * np.pi
    b = b - 1.0 / b
    for _ in range(8):
        b = b - (np.sin(b) - b * np.cos(b)) / (b * np.sin(b))
    roots: Floats = b
    return roots


_EARLY = 0.05
# the ninth term at the border is e^-44
_SQUARES = _roots(8) ** 2


def surface(T: Any) -> Floats:
    r"""Rise of the surface concentration of a sphere under constant flux from T = 0 on, in units of j R/D.

    .. math::
        f(T) = 3T + \frac{1}{5} - 2 \sum_n \frac{e^{-\beta_n^2 T}}{\beta_n^2}, \quad \tan \beta_n = \beta_n
        \qquad f \to e^T (1 + \mathrm{erf} \sqrt{T}) - 1 \approx 2 \sqrt{T/\pi} + T \; (T \ll 1)

    Parameters
    ----------
    T : array
        D t/R2, 0 or more.

    Notes
    -----
    Carslaw and Jaeger, Conduction of Heat in Solids (1959), section 9.7. Both forms agree to 1e-8 at their border.

    Examples
    --------
    >>> float(surface(0.0)), round(float(surface(10.0)), 6)
    (0.0, 30.2)
    """
    T = np.asarray(T, float)
    early = np.minimum(T, _EARLY)
    short = np.exp(early) * (1.0 + erf(np.sqrt(early))) - 1.0
    late = np.maximum(T, _EARLY)[..., None]
    full = 3.0 * late[..., 0] + 0.2 - 2.0 * np.sum(np.exp(-_SQUARES * late) / _SQUARES, axis=-1)
    rise: Floats = np.where(_EARLY > T, short, full)
    return rise


def surface_rate(T: Floats) -> Floats:
    """Derivative of `surface`; T above 0."""
    early = np.minimum(T, _EARLY)
    short = np.exp(early) * (1.0 + erf(np.sqrt(early))) + 1.0 / np.sqrt(np.pi * early)
    late = np.maximum(T, _EARLY)[..., None]
    full = 3.0 + 2.0 * np.sum(np.exp(-_SQUARES * late), axis=-1)
    rate: Floats = np.where(_EARLY > T, short, full)
    return rate
