"""Straight lines, least squares and the intervals of what they give."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from ..units import ONE, Unit
from .result import Fitted

Floats = NDArray[np.float64]
CONFIDENCE = 0.95
BLIND = 1e-7
"""Relative size of a singular value, of differences in double precision, below which a direction is unknown."""


def quantile(degrees: float) -> float:
    """Student's t at the edge of the interval; normal for infinitely many degrees of freedom.

    Examples
    --------
    >>> round(quantile(10), 3), round(quantile(np.inf), 3)
    (2.228, 1.96)
    """
    edge = 0.5 + 0.5 * CONFIDENCE
    if degrees <= 0:
        return float("nan")
    return float(stats.norm.ppf(edge) if np.isinf(degrees) else stats.t.ppf(edge, degrees))


def noise_of(values: ArrayLike, order: int = 2) -> float:
    """Standard deviation of white noise on a smooth curve, from its differences; 0 of too few points.

    Robust: the median of the differences' absolute values, times 1.4826, over the root of the sum of the squares of
    their coefficients, which is that of the binomial :math:`\\binom{2n}{n}`.

    Parameters
    ----------
    values : array, shape (n,)
        At even distances.
    order : int
        Of the differences; a polynomial of one degree less leaves nothing in them.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> x = np.linspace(0.0, 1.0, 20000)
    >>> round(noise_of(np.exp(x) + 1e-2 * random.standard_normal(x.size)), 3)
    0.01
    """
    differences = np.diff(np.asarray(values, float), order)
    if not len(differences):
        return 0.0
    return robust_deviation(differences) / math.sqrt(math.comb(2 * order, order))


def robust_deviation(values: ArrayLike) -> float:
    """Standard deviation of normal values around 0 by the median of their absolute values.

    Examples
    --------
    >>> round(robust_deviation([-1.0, 0.5, 1.0, 100.0]), 4)
    1.4826
    """
    return float(1.4826 * np.median(np.abs(values)))


@dataclass(frozen=True)
class Estimate:
    """Parameters with their covariance.

    Attributes
    ----------
    values : array, shape (p,)
    covariance : array, shape (p, p)
    degrees : float
        Of freedom that the covariance rests on; infinite where errors are known.
    sum_of_squares : float
        Of the weighted residuals.
    """

    values: Floats
    covariance: Floats
    degrees: float
    sum_of_squares: float = float("nan")

    def fitted(
        self, function: Callable[[Floats], float] | int, label: str, unit: Unit = ONE, *, logarithmic: bool = False
    ) -> Fitted:
        """A parameter (by place) or a function of them, with its interval by linear propagation.

        Parameters
        ----------
        function : callable or int
            Of the parameters, to a number in SI.
        label : str
        unit : Unit
        logarithmic : bool
            Whether the interval is symmetric in the logarithm: for a value above 0 of wide interval.
        """
        value, deviation = self.propagate(function)
        half = quantile(self.degrees) * deviation
        if logarithmic and value > 0.0:
            with np.errstate(over="ignore"):
                factor = float(np.exp(half / value))
            return Fitted(label, value, value / factor, value * factor, unit)
        return Fitted(label, value, value - half, value + half, unit)

    def propagate(self, function: Callable[[Floats], float] | int) -> tuple[float, float]:
        """Value and standard deviation of a parameter or a function of them."""
        if isinstance(function, int):
            return float(self.values[function]), float(np.sqrt(self.covariance[function, function]))
        step = 1e-6 * np.maximum(np.abs(self.values), np.sqrt(np.diagonal(self.covariance)))
        step[~np.isfinite(step) | (step == 0.0)] = 1e-12
        slope = np.empty(len(self.values))
        for at, change in enumerate(step):
            up, down = self.values.copy(), self.values.copy()
            up[at] += change
            down[at] -= change
            slope[at] = (function(up) - function(down)) / (2.0 * change)
        variance = float(slope @ self.covariance @ slope)
        return float(function(self.values)), float(np.sqrt(variance)) if variance >= 0.0 else float("nan")


def line(x: ArrayLike, y: ArrayLike, deviations: ArrayLike | None = None) -> Estimate:
    """Fit y = a + b x: `values` are intercept and slope.

    Parameters
    ----------
    x, y : array, shape (n,)
        At least two points of different x; with two and no deviations the interval is nan.
    deviations : array, shape (n,), optional
        Standard deviations of y. Relative weights; where the scatter about the line is wider than they say, the wider
        is taken (with n - 2 degrees of freedom).

    Raises
    ------
    ValueError
        Fewer than two different x, or lengths that differ.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.shape != y.shape or np.unique(x).size < 2:
        msg = f"a line needs two different x and as many y; {np.unique(x).size} and {y.size} were given"
        raise ValueError(msg)
    weight = np.ones_like(y) if deviations is None else 1.0 / np.asarray(deviations, float)
    centre = float(np.average(x, weights=weight**2))
    design = np.column_stack([weight, weight * (x - centre)])
    solution, *_ = np.linalg.lstsq(design, weight * y, rcond=None)
    residual = weight * y - design @ solution
    squares, degrees = float(residual @ residual), float(x.size - 2)
    inverse = np.linalg.inv(design.T @ design)
    scatter = squares / degrees if degrees else np.nan
    if deviations is not None and not scatter > 1.0:
        scatter, degrees = 1.0, np.inf
    shift = np.array([[1.0, -centre], [0.0, 1.0]])
    return Estimate(shift @ solution, shift @ inverse @ shift.T * scatter, degrees, squares)


def least_squares(
    residual: Callable[[Floats], Floats],
    start: ArrayLike,
    *,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
    jacobian: Callable[[Floats], Floats] | None = None,
    loss: str = "linear",
    known: bool = False,
) -> Estimate:
    """Minimise the sum of squares of weighted residuals; covariance from the Jacobian at the minimum.

    Parameters
    ----------
    residual : callable
        Parameters, shape (p,), to residuals, shape (n,).
    start : array, shape (p,)
    lower, upper : array, shape (p,), optional
        Bounds.
    jacobian : callable, optional
        Parameters to the derivatives of the residuals, shape (n, p).
    loss : str
        Of `scipy.optimize.least_squares`: ``soft_l1`` for outliers.
    known : bool
        Whether residuals are in units of their standard deviation; otherwise that is taken from their size.

    Raises
    ------
    RuntimeError
        No minimum was found.
    """
    start = np.asarray(start, float)
    bounds = (
        -np.inf if lower is None else np.asarray(lower, float),
        np.inf if upper is None else np.asarray(upper, float),
    )
    minimum = optimize.least_squares(
        residual, start, bounds=bounds, x_scale="jac", loss=loss, jac="2-point" if jacobian is None else jacobian,
        max_nfev=2000, xtol=1e-12, ftol=1e-12, gtol=1e-12,
    )  # fmt: skip
    if not minimum.success:
        msg = f"no least squares: {minimum.message}"
        raise RuntimeError(msg)
    left = residual(minimum.x)
    squares, degrees = float(left @ left), float(left.size - start.size)
    scatter = 1.0 if known else (squares / degrees if degrees > 0.0 else np.nan)
    inverse, unknown = _inverse(minimum.jac)
    covariance = scatter * inverse
    covariance[unknown, unknown] = np.inf
    return Estimate(minimum.x, covariance, np.inf if known else degrees, squares)


def _inverse(jacobian: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Inverse of J'J within what the data say, and the parameters that they leave open."""
    norms = np.linalg.norm(jacobian, axis=0)
    norms[norms == 0.0] = 1.0
    _, sizes, rows = np.linalg.svd(jacobian / norms, full_matrices=False)
    kept = sizes > BLIND * sizes[0]
    inverse = (rows[kept].T / sizes[kept] ** 2) @ rows[kept]
    return inverse / np.outer(norms, norms), (rows[~kept] ** 2).sum(axis=0) > BLIND


def interval(value: float, deviation: float, label: str, unit: Unit = ONE, degrees: float = np.inf) -> Fitted:
    """A value with the interval of its standard deviation."""
    half = quantile(degrees) * deviation
    return Fitted(label, value, value - half, value + half, unit)
