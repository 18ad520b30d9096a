"""Laws of conductivity over temperature and their fits: Arrhenius, Vogel-Tammann-Fulcher, two Arrhenius lines."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from ..statistics import Estimate, least_squares, line, quantile

Floats = NDArray[np.float64]
ONE_TEMPERATURE = 1.0
"""K: readings that differ by less are at the same temperature."""
VOGEL = 5
"""Number of temperatures from which the three parameters of Vogel-Tammann-Fulcher are fitted."""
SIDE = 3
"""Smallest number of temperatures on each of two lines."""


def _arrhenius(parameters: Floats, temperature: Any) -> Any:
    """Ln sigma of ln A and Ea/R, with sigma T = A exp(-Ea/RT)."""
    return parameters[0] - parameters[1] / temperature - np.log(temperature)


def _vogel(parameters: Floats, temperature: Any) -> Any:
    """Ln sigma of ln A, B and T0, with sigma = A T^-1/2 exp(-B/(T - T0))."""
    return parameters[0] - parameters[1] / (temperature - parameters[2]) - 0.5 * np.log(temperature)


class Law(StrEnum):
    """A law of conductivity over temperature."""

    ARRHENIUS = "arrhenius"
    VOGEL = "vogel-tammann-fulcher"
    TWO_LINES = "two lines"


@dataclass(frozen=True, eq=False)
class Candidate:
    """A law of ln sigma over temperature, fitted.

    Attributes
    ----------
    name : Law
    parts : tuple of Estimate
        One line, one curve, or the lines below and above `change`.
    function : callable
        Parameters of a part and temperature, K, to ln sigma (sigma in S/m).
    parameters : int
        Number of free ones, including the variance of the scatter.
    squares : float
        Sum of squared, weighted residuals of ln sigma.
    criterion : float
        Akaike's, corrected for few points; infinite where there are too few points for the law.
    change : float
        Temperature between two lines, K; nan for one.
    determined : bool
        Whether the data determine all of its parameters.
    """

    name: Law
    parts: tuple[Estimate, ...]
    function: Callable[[Floats, Any], Any]
    parameters: int
    squares: float
    criterion: float
    change: float = float("nan")
    determined: bool = True

    def part(self, temperature: float) -> Estimate:
        """The part that holds at a temperature."""
        return self.parts[-1 if temperature > self.change else 0]

    def at(self, temperature: float) -> tuple[float, float, float]:
        """Conductivity and its 95 % interval (symmetric in the logarithm), S/m."""
        estimate = self.part(temperature)
        value, deviation = estimate.propagate(lambda p: float(self.function(p, temperature)))
        half = quantile(estimate.degrees) * deviation
        with np.errstate(over="ignore"):
            return float(np.exp(value)), float(np.exp(value - half)), float(np.exp(value + half))


def _criterion(squares: float, points: int, parameters: int, spread: Floats | None) -> float:
    """Akaike's information criterion with the correction for few points."""
    if points - parameters - 1 <= 0:
        return float("inf")
    # in data without noise, rounding remains and not scatter
    floor = points * (1e-9 / (1.0 if spread is None else float(np.median(spread)))) ** 2
    size = points * np.log(max(squares, floor) / points)
    return float(size + 2.0 * parameters + 2.0 * parameters * (parameters + 1.0) / (points - parameters - 1.0))


def straight_line(T: Floats, y: Floats, spread: Floats | None) -> Candidate:
    """Fit the Arrhenius line of ln(sigma T) over 1/T."""
    estimate = line(-1.0 / T, y + np.log(T), spread)
    criterion = _criterion(estimate.sum_of_squares, len(T), 3, spread)
    return Candidate(Law.ARRHENIUS, (estimate,), _arrhenius, 3, estimate.sum_of_squares, criterion)


def _distinct(T: Floats) -> int:
    """Number of temperatures; those within `ONE_TEMPERATURE` of each other count once."""
    return 1 + int(np.sum(np.diff(np.sort(T)) >= ONE_TEMPERATURE))


def alternatives(T: Floats, y: Floats, spread: Floats | None) -> list[Candidate]:
    """Fit the laws with more parameters than a line for which there are enough temperatures."""
    candidates = []
    if _distinct(T) >= VOGEL:
        candidates.append(_curve(T, y, spread))
    if _distinct(T) >= 2 * SIDE:
        two = _two_lines(T, y, spread)
        if two is not None:
            candidates.append(two)
    return candidates


def _curve(T: Floats, y: Floats, spread: Floats | None) -> Candidate:
    """Fit Vogel-Tammann-Fulcher: a line for each T0, the best of which is refined."""
    shifted = y + 0.5 * np.log(T)

    weight = np.ones_like(T) if spread is None else 1.0 / spread

    def squares(ideal: Floats | float) -> Any:
        """Sum of squares of the best line over 1/(T - T0), for each T0."""
        x = -1.0 / (T - np.atleast_1d(ideal)[:, None])
        x = x - np.average(x, axis=1, weights=weight**2)[:, None]
        level = shifted - np.average(shifted, weights=weight**2)
        slope = np.sum(weight**2 * x * level, axis=1) / np.sum(weight**2 * x**2, axis=1)
        return np.sum((weight * (level - slope[:, None] * x)) ** 2, axis=1)

    highest = float(T[0]) - 5.0
    grid = np.linspace(0.0, highest, 60)
    best = int(np.argmin(squares(grid)))
    around = (float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)]))
    ideal = float(
        optimize.minimize_scalar(lambda t: squares(t)[0], bounds=around, method="bounded", options={"xatol": 1e-6}).x
    )
    none = Candidate(Law.VOGEL, (), _vogel, 4, float(squares(ideal)[0]), float("inf"), determined=False)
    if not 1.0 < ideal < highest - 1.0:
        return none

    def residual(p: Floats) -> Floats:
        left: Floats = weight * (_vogel(p, T) - y)
        return left

    def jacobian(p: Floats) -> Floats:
        inverse = 1.0 / (T - p[2])
        slopes: Floats = weight[:, None] * np.column_stack([np.ones_like(T), -inverse, -p[1] * inverse**2])
        return slopes

    start = np.array([*line(-1.0 / (T - ideal), shifted, spread).values, ideal])
    try:
        estimate = least_squares(residual, start, jacobian=jacobian)
        if spread is not None and estimate.sum_of_squares <= estimate.degrees:
            estimate = least_squares(residual, estimate.values, jacobian=jacobian, known=True)
    except RuntimeError:
        return none
    if not 0.0 < estimate.values[2] < highest or estimate.values[1] <= 0.0:
        return none
    criterion = _criterion(estimate.sum_of_squares, len(T), 4, spread)
    return Candidate(Law.VOGEL, (estimate,), _vogel, 4, estimate.sum_of_squares, criterion)


def _two_lines(T: Floats, y: Floats, spread: Floats | None) -> Candidate | None:
    """Fit a line below and a line above the temperature that leaves the least scatter."""
    best: tuple[float, Estimate, Estimate, float] | None = None
    for at in range(SIDE, len(T) - SIDE + 1):
        low, high = slice(0, at), slice(at, None)
        if T[at] - T[at - 1] < ONE_TEMPERATURE or min(_distinct(T[low]), _distinct(T[high])) < SIDE:
            continue
        below, above = (
            line(-1.0 / T[part], y[part] + np.log(T[part]), None if spread is None else spread[part])
            for part in (low, high)
        )
        squares = below.sum_of_squares + above.sum_of_squares
        if best is None or squares < best[0]:
            best = squares, below, above, 0.5 * float(T[at] + T[at - 1])
    if best is None:
        return None
    squares, below, above, change = best
    return Candidate(
        Law.TWO_LINES, (below, above), _arrhenius, 6, squares, _criterion(squares, len(T), 6, spread), change
    )
