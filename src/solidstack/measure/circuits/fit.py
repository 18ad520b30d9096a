"""Fits of a circuit to a spectrum by complex least squares, from several starts, with intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import MeasurementError
from ...units import Unit
from ..result import Fitted
from ..statistics import Estimate
from .circuit import Circuit, Node
from .elements import Complex, Floats
from .language import parse_circuit
from .starts import initial_values

LEAST_EXPONENT = 0.3
"""Of a constant-phase element; a smaller one is neither a capacitor nor diffusion."""
WITH_START = 12
"""Starts that use the given parameters."""
ROUNDS = 60
"""Most iterations of the last least-squares fit."""
UNDETERMINED = 1.0
"""Standard deviation of a logarithm above which the data do not determine the parameter: a factor of 50 over the
interval."""


@dataclass(frozen=True)
class Fit:
    """A circuit fitted to a spectrum.

    Attributes
    ----------
    circuit : Circuit
    estimate : Estimate
        Parameters as fitted (logarithms, exponents as they are), from residuals relative to the modulus.
    points : int
    at_bound : tuple of str
        Parameters that stopped at a bound.
    """

    circuit: Circuit
    estimate: Estimate
    points: int
    at_bound: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> float:
        """A parameter by name, SI."""
        return self.values[name]

    @property
    def values(self) -> dict[str, float]:
        """Parameters by name, SI."""
        theta = self.estimate.values
        values = np.where(self.circuit.exponents, theta, np.exp(np.where(self.circuit.exponents, 0.0, theta)))
        return dict(zip(self.circuit.names, values.tolist(), strict=True))

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Parameters that the data do not determine."""
        deviations = np.sqrt(np.abs(np.diagonal(self.estimate.covariance)))
        wide = ~(deviations < np.where(self.circuit.exponents, 0.25, UNDETERMINED))
        return tuple(name for name, is_wide in zip(self.circuit.names, wide, strict=True) if is_wide)

    def fitted(self, names: str | Sequence[str], label: str, unit: Unit, power: float = 1.0) -> Fitted:
        """A parameter, or a sum of several, to a power, with its interval.

        The interval of a positive parameter is symmetric in the logarithm, as the fit is; a parameter at a bound has
        none.
        """
        places = [self.circuit.names.index(name) for name in ([names] if isinstance(names, str) else names)]
        if not self.estimate.covariance[np.ix_(places, places)].any():
            # at a bound
            value = self.values[self.circuit.names[places[0]]]
            return Fitted(label, value**power, float("nan"), float("nan"), unit)
        if len(places) == 1 and self.circuit.parameters[places[0]].exponent:
            return self.estimate.fitted(places[0], label, unit)
        return self.of(lambda theta: float(np.exp(theta[places]).sum() ** power), label, unit)

    def of(self, function: Callable[[Floats], float], label: str, unit: Unit) -> Fitted:
        """A positive function of the parameters as fitted, with its interval; nan where it has none."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.estimate.fitted(function, label, unit, logarithmic=True)

    def impedance(self, frequency: Floats) -> Complex:
        """Impedance of the fitted circuit, ohm."""
        z: Complex = self.circuit.evaluate(self.estimate.values[None, :], frequency)[0][0]
        return z

    @property
    def deviation(self) -> float:
        """Standard deviation of real and imaginary part relative to the modulus."""
        degrees = self.estimate.degrees
        return float(np.sqrt(self.estimate.sum_of_squares / degrees)) if degrees > 0 else float("nan")

    @property
    def bic(self) -> float:
        """Bayesian information criterion (Schwarz), without the terms common to all circuits."""
        n = 2 * self.points
        return float(n * np.log(max(self.estimate.sum_of_squares, 1e-30) / n) + len(self.circuit.names) * np.log(n))

    @property
    def aicc(self) -> float:
        """Akaike's information criterion, corrected for few points."""
        n, p = 2 * self.points, len(self.circuit.names) + 1
        if n - p - 1 <= 0:
            return float("inf")
        own = n * np.log(max(self.estimate.sum_of_squares, 1e-30) / n)
        return float(own + 2.0 * p + 2.0 * p * (p + 1) / (n - p - 1))


def fit(circuit: Circuit | str, frequency: Floats, impedance: Complex, *, start: dict[str, float] | None = None) -> Fit:
    """Fit a circuit by complex least squares, residuals relative to the measured modulus.

    Several starts are refined; the better ones continue with outliers weighted down, and the best one ends with plain
    least squares. The noise is estimated from the residuals; intervals follow from the covariance in logarithms.

    Parameters
    ----------
    circuit : Circuit or str
    frequency : array, shape (n,)
        Hz.
    impedance : array of complex, shape (n,)
        ohm; more values than the circuit has parameters.
    start : dict of str to float, optional
        Some parameters by name, SI, to start from in addition to the other starts.

    Raises
    ------
    MeasurementError
        Not a circuit, or fewer points than it needs.
    """
    circuit = parse_circuit(circuit) if isinstance(circuit, str) else circuit
    p, n = len(circuit.names), len(frequency)
    if 2 * n <= p:
        msg = f"circuit: {circuit} has {p} parameters, too many for {n} points; use more points or fewer elements"
        raise MeasurementError(msg)
    lower, upper = bounds(circuit, frequency, impedance)
    trial = np.clip(initial_values(circuit, frequency, impedance), lower, upper)
    if start:
        known = [circuit.names.index(name) for name in start]
        own = trial[: 1 if len(known) == p else WITH_START].copy()
        own[:, known] = [circuit.logarithm(name, value) for name, value in start.items()]
        trial = np.vstack([np.clip(own, lower, upper), trial])
    problem = _Problem(circuit, np.asarray(frequency, float), np.asarray(impedance, complex), lower, upper)
    # most starts end in the same place, so only the best continue
    trial = problem.descend(trial, 10, robust=False)[: max(8, p)]
    trial = problem.descend(trial, 15, robust=True)[:4]
    best = problem.descend(trial, ROUNDS, robust=False)[0]
    return problem.conclude(_ordered(circuit, best))


def bounds(circuit: Circuit, frequency: Floats, impedance: Complex) -> tuple[Floats, Floats]:
    """Bounds of the parameters as fitted, far beyond the scales of the spectrum."""
    size = np.abs(impedance)
    least, most = np.log(size.min()) - 12.0, np.log(size.max()) + 9.0
    slow, fast = np.log(2.0 * np.pi * frequency.min()), np.log(2.0 * np.pi * frequency.max())
    ends = {
        "R": (least, most), "Rct": (least, most), "A": (least + 0.5 * slow, most + 0.5 * fast),
        "C": (-most - fast - 5.0, -least - slow + 5.0), "Q": (-most - fast - 5.0, -least - slow + 5.0),
        "L": (least - fast - 5.0, most - slow), "tau": (-fast - 7.0, -slow + 9.0), "alpha": (LEAST_EXPONENT, 1.0),
    }  # fmt: skip
    limits = np.array([ends[parameter.name] for parameter in circuit.parameters])
    return limits[:, 0], limits[:, 1]


@dataclass(frozen=True)
class _Problem:
    """Least squares of many sets of parameters at once, by the Levenberg-Marquardt method within bounds."""

    circuit: Circuit
    frequency: Floats
    measured: Complex
    lower: Floats
    upper: Floats

    def residuals(self, theta: Floats) -> tuple[Complex, Complex]:
        scale = 1.0 / np.abs(self.measured)
        z, slopes = self.circuit.evaluate(theta, self.frequency)
        return (z - self.measured) * scale, slopes * scale

    def descend(self, theta: Floats, rounds: int, *, robust: bool) -> Floats:
        """Improved sets, the best first."""
        residual, slopes = self.residuals(theta)
        weight = self.weights(residual, robust=robust)
        cost = _cost(residual, weight)
        damping = np.full(len(theta), 1e-2)
        active = np.ones(len(theta), bool)
        identity = np.eye(theta.shape[1])
        for _ in range(rounds):
            at = np.flatnonzero(active)
            if not at.size:
                break
            w = weight[at, None, :] * slopes[at]
            gradient = (w.conj() @ residual[at][:, :, None])[:, :, 0].real
            curvature = w.real @ slopes[at].real.transpose(0, 2, 1) + w.imag @ slopes[at].imag.transpose(0, 2, 1)
            stopped = ((theta[at] <= self.lower) & (gradient > 0.0)) | ((theta[at] >= self.upper) & (gradient < 0.0))
            gradient[stopped] = 0.0
            curvature[stopped[:, :, None] | stopped[:, None, :]] = 0.0
            diagonal = np.einsum("bpp->bp", curvature)
            scale = np.maximum(diagonal, 1e-14 * diagonal.max(axis=1, keepdims=True) + 1e-300)
            # a little more than damping, so that a parameter that the data do not depend on stays where it is
            added = damping[at, None] * scale + 1e-12 * diagonal.max(axis=1, keepdims=True) + stopped + 1e-100
            step = -np.linalg.solve(curvature + identity * added[:, :, None], gradient[:, :, None])[:, :, 0]
            trial = np.clip(theta[at] + np.clip(step, -3.0, 3.0), self.lower, self.upper)
            new_residual, new_slopes = self.residuals(trial)
            new_cost = _cost(new_residual, weight[at])
            better = new_cost <= cost[at]
            taken = at[better]
            active[taken] = cost[taken] - new_cost[better] > 1e-11 * cost[taken]
            theta = theta.copy()
            theta[taken], residual[taken], slopes[taken] = trial[better], new_residual[better], new_slopes[better]
            cost[taken] = new_cost[better]
            damping[at] = np.where(better, damping[at] / 7.0, damping[at] * 5.0)
            active[at[damping[at] > 1e10]] = False
            if robust:
                weight[taken] = self.weights(residual[taken], robust=True)
                cost[taken] = _cost(residual[taken], weight[taken])
        # the median residual shows which start is close, whatever the outliers
        order = np.argsort(np.median(np.abs(residual), axis=1) if robust else cost, kind="stable")
        return theta[order]

    def weights(self, residual: Complex, *, robust: bool) -> Floats:
        """1, or Cauchy weights scaled by the median deviation."""
        if not robust:
            return np.ones(residual.shape)
        size = np.abs(residual)
        middle = np.maximum(np.median(size, axis=1, keepdims=True), 1e-4)
        return np.asarray(1.0 / (1.0 + (size / (4.0 * middle)) ** 2))

    def conclude(self, theta: Floats) -> Fit:
        """The fit with its covariance; parameters at a bound count as known."""
        residual, slopes = self.residuals(theta[None, :])
        squares, degrees = _cost(residual, np.ones(residual.shape))[0], 2.0 * self.frequency.size - theta.size
        jacobian = np.concatenate([slopes[0].real, slopes[0].imag], axis=1).T
        margin = 1e-6 * (self.upper - self.lower)
        ends = (theta <= self.lower + margin) | (theta >= self.upper - margin)
        covariance = np.zeros((theta.size, theta.size))
        free = np.flatnonzero(~ends)
        if free.size:
            # in columns of length one, so that "no information" does not depend on units
            length = np.linalg.norm(jacobian[:, free], axis=0)
            length[length == 0.0] = 1e-300
            _, sizes, rows = np.linalg.svd(jacobian[:, free] / length, full_matrices=False)
            sizes = np.maximum(sizes, 1e-10 * sizes[0])
            inner = (rows.T / sizes**2) @ rows / np.outer(length, length)
            covariance[np.ix_(free, free)] = inner * (squares / degrees if degrees > 0 else np.nan)
        names = tuple(name for name, is_end in zip(self.circuit.names, ends, strict=True) if is_end)
        # an exponent of 1 is a capacitor, which is a result
        names = tuple(name for name in names if not (name.endswith("alpha") and theta[self._at(name)] > 0.99))
        return Fit(self.circuit, Estimate(theta, covariance, degrees, float(squares)), self.frequency.size, names)

    def _at(self, name: str) -> int:
        return self.circuit.names.index(name)


def _cost(residual: Complex, weight: Floats) -> Floats:
    cost = np.asarray((weight * (residual.real**2 + residual.imag**2)).sum(axis=1))
    cost[~np.isfinite(cost)] = np.inf
    return cost


def _ordered(circuit: Circuit, theta: Floats) -> Floats:
    """Sort parallel parts of the same form in series by their time constant, fastest first: names are arbitrary."""
    if circuit.root.kind != "series":
        return theta
    by_shape: dict[str, list[Node]] = {}
    for child in circuit.root.children:
        if child.kind == "parallel" and child.shape in ("p(R,CPE)", "p(R,C)"):
            by_shape.setdefault(child.shape, []).append(child)
    theta = theta.copy()
    for nodes in by_shape.values():
        blocks = sorted((theta[node.place].copy() for node in nodes), key=_time)
        for node, block in zip(nodes, blocks, strict=True):
            theta[node.place] = block
    return theta


def _time(block: Floats) -> float:
    """Logarithm of the time constant of a resistance parallel to a constant-phase element."""
    return float((block[0] + block[1]) / (block[2] if block.size == 3 else 1.0))
