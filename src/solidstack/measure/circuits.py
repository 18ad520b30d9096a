r"""Equivalent circuits: a small language, impedance with its derivatives, and fits with intervals.

Circuits are written as ``R0-p(R1,CPE1)-W2``: ``-`` in series, ``p(,)`` in parallel, each element with a name of its
own. With the angular frequency :math:`\omega` and :math:`s = i\omega`:

=======  ==============================================================  =============================
element  impedance                                                       parameters
=======  ==============================================================  =============================
R        :math:`R`                                                       R
C        :math:`1/(sC)`                                                  C
L        :math:`sL`                                                      L
CPE      :math:`1/(Q s^\alpha)`                                          Q, alpha
W        :math:`A(1-i)/\sqrt\omega`, semi-infinite diffusion             A
Ws       :math:`R\tanh(q)/q,\ q=\sqrt{s\tau}`, layer with open end       R, tau
Wo       :math:`R\coth(q)/q,\ q=\sqrt{s\tau}`, layer with blocked end    R, tau
TL       :math:`R\coth(q)/q,\ q^2 = R Q s^\alpha`                        R, Q, alpha
TLR      the same, :math:`q^2 = R(1/R_{ct} + Q s^\alpha)`                R, Rct, Q, alpha
=======  ==============================================================  =============================

TL is the transmission line of a porous electrode or composite between an ion source and a collector that blocks ions:
R is the resistance of the ionic rail, Q of all its inner surface [1]_. TLR has charge transfer at that surface.

Parameters are fitted as logarithms, exponents as they are, since scales differ by many decades.

.. [1] Bisquert, J. Phys. Chem. B 106 (2002) 325, doi:10.1021/jp011941g
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MeasurementError
from ..units import FARAD, HENRY, OHM, OHM_PER_ROOT_SECOND, ONE, S_ALPHA, SECOND, Unit, nearest
from .result import Fitted
from .statistics import Estimate

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
Terms = tuple[Complex, list[Complex]]

LONGEST, MOST_ELEMENTS, DEEPEST = 400, 16, 8
"""Letters of a circuit, elements in it, parentheses within each other."""
LEAST_EXPONENT = 0.3
"""Of a constant-phase element; below it is neither capacitor nor diffusion."""
WITH_START = 12
"""Starts that have the parameters that are given."""
BEYOND = 0.3
"""Decades beyond the spectrum in which an arc may have its top at the start."""
ROUNDS = 60
"""Most steps of the last least squares."""
UNDETERMINED = 1.0
"""Standard deviation of a logarithm above which the data say nothing of the parameter: a factor of 50 over the
interval."""


@dataclass(frozen=True)
class Parameter:
    """Of an element: its name, unit, words, and whether it is fitted as it is instead of as its logarithm."""

    name: str
    unit: Unit
    words: str
    exponent: bool = False


@dataclass(frozen=True)
class Element:
    """A kind of element.

    Attributes
    ----------
    parameters : tuple of Parameter
    function : callable
        Parameters as fitted, each of shape (b, 1), s of shape (n,) and its logarithm, to the impedance (b, n) and its
        derivatives, one for each parameter.
    """

    parameters: tuple[Parameter, ...]
    function: Callable[[Sequence[Floats], Complex, Complex], Terms]


def _resistor(p: Sequence[Floats], s: Complex, log: Complex) -> Terms:
    del log
    z = np.exp(p[0]) * np.ones_like(s)
    return z, [z]


def _capacitor(p: Sequence[Floats], s: Complex, log: Complex) -> Terms:
    del log
    z = np.exp(-p[0]) / s
    return z, [-z]


def _inductor(p: Sequence[Floats], s: Complex, log: Complex) -> Terms:
    del log
    z = np.exp(p[0]) * s
    return z, [z]


def _constant_phase(p: Sequence[Floats], s: Complex, log: Complex) -> Terms:
    del s
    z = np.exp(-p[0] - p[1] * log)
    return z, [-z, -log * z]


def _warburg(p: Sequence[Floats], s: Complex, log: Complex) -> Terms:
    del s
    z = np.sqrt(2.0) * np.exp(p[0] - 0.5 * log)
    return z, [z]


def _short(p: Sequence[Floats], s: Complex, log: Complex) -> Terms:
    del s
    q = np.exp(0.5 * (p[1] + log))
    less = np.exp(-2.0 * q)
    tanh: Any = -np.expm1(-2.0 * q) / (1.0 + less)
    r = np.exp(p[0])
    z = r * tanh / q
    return z, [z, 0.5 * (r * 4.0 * less / (1.0 + less) ** 2 - z)]


def _coth(r: Any, q: Complex) -> tuple[Complex, Complex]:
    """``r coth(q)/q``, and its derivative by the logarithm of the square of q."""
    less, gap = np.exp(-2.0 * q), -np.expm1(-2.0 * q)
    z = r * (1.0 + less) / (gap * q)
    return z, -0.5 * (r * 4.0 * less / gap**2 + z)


def _open(p: Sequence[Floats], s: Complex, log: Complex) -> Terms:
    del s
    z, slope = _coth(np.exp(p[0]), np.exp(0.5 * (p[1] + log)))
    return z, [z, slope]


def _line(p: Sequence[Floats], s: Complex, log: Complex) -> Terms:
    del s
    z, slope = _coth(np.exp(p[0]), np.exp(0.5 * (p[0] + p[1] + p[2] * log)))
    return z, [z + slope, slope, slope * log]


def _leaky_line(p: Sequence[Floats], s: Complex, log: Complex) -> Terms:
    del s
    transfer, storage = np.exp(-p[1]), np.exp(p[2] + p[3] * log)
    y = transfer + storage
    z, slope = _coth(np.exp(p[0]), np.sqrt(np.exp(p[0]) * y))
    return z, [z + slope, -slope * transfer / y, slope * storage / y, slope * storage / y * log]


_R = Parameter("R", OHM, "resistance")
_Q = Parameter("Q", S_ALPHA, "constant-phase coefficient")
_ALPHA = Parameter("alpha", ONE, "constant-phase exponent", exponent=True)
_TAU = Parameter("tau", SECOND, "diffusion time")
_RAIL = Parameter("R", OHM, "ionic resistance of the line")

ELEMENTS: dict[str, Element] = {
    "R": Element((_R,), _resistor),
    "C": Element((Parameter("C", FARAD, "capacitance"),), _capacitor),
    "L": Element((Parameter("L", HENRY, "inductance"),), _inductor),
    "CPE": Element((_Q, _ALPHA), _constant_phase),
    "W": Element((Parameter("A", OHM_PER_ROOT_SECOND, "Warburg coefficient"),), _warburg),
    "Ws": Element((Parameter("R", OHM, "diffusion resistance"), _TAU), _short),
    "Wo": Element((Parameter("R", OHM, "diffusion resistance"), _TAU), _open),
    "TL": Element((_RAIL, _Q, _ALPHA), _line),
    "TLR": Element((_RAIL, Parameter("Rct", OHM, "charge-transfer resistance"), _Q, _ALPHA), _leaky_line),
}


@dataclass(frozen=True)
class Node:
    """Part of a circuit: an element (`kind` of `ELEMENTS`), or parts in ``series`` or ``parallel``.

    Attributes
    ----------
    kind, name : str
    children : tuple of Node
    place : slice
        Of its parameters among those of the circuit.
    """

    kind: str
    name: str
    children: tuple["Node", ...]
    place: slice

    def __str__(self) -> str:
        if self.kind == "series":
            return "-".join(map(str, self.children))
        return f"p({','.join(map(str, self.children))})" if self.kind == "parallel" else self.name

    @property
    def shape(self) -> str:
        """The circuit without numbers."""
        return re.sub(r"\d+", "", str(self))

    def elements(self) -> list["Node"]:
        """Its elements in order."""
        return [self] if not self.children else [one for child in self.children for one in child.elements()]


@dataclass(frozen=True)
class Circuit:
    """An equivalent circuit.

    Attributes
    ----------
    root : Node
    names : tuple of str
        Of the parameters: that of the element where it has one, else with the parameter's, as in ``CPE1_alpha``.
    parameters : tuple of Parameter
    """

    root: Node
    names: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    def __str__(self) -> str:
        return str(self.root)

    @property
    def exponents(self) -> NDArray[np.bool_]:
        """Which parameters are exponents, fitted as they are."""
        return np.array([one.exponent for one in self.parameters])

    def logarithm(self, name: str, value: float) -> float:
        """Parameter in SI as it is fitted."""
        return value if self.parameters[self.names.index(name)].exponent else float(np.log(value))

    def evaluate(self, theta: Floats, frequency: Floats) -> tuple[Complex, Complex]:
        """Impedance and its derivatives for several sets of parameters as fitted.

        Parameters
        ----------
        theta : array, shape (b, p)
        frequency : array, shape (n,)
            Hz.

        Returns
        -------
        array of complex, shape (b, n)
            ohm.
        array of complex, shape (b, p, n)
            Derivatives by the parameters as fitted.
        """
        s = 2j * np.pi * np.asarray(frequency, float)
        slopes = np.empty((*theta.shape, s.size), complex)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            z = _evaluate(self.root, theta, s, np.log(s), slopes)
        return z, slopes

    def impedance(self, frequency: Any, **values: float) -> Complex:
        """Impedance in ohm at frequencies in Hz; `values` are the parameters by name, SI.

        Examples
        --------
        >>> parse_circuit("R0-p(R1,C1)").impedance([0.0001], R0=1.0, R1=2.0, C1=1e-6).round(6)
        array([3.-0.j])
        """
        missing = set(self.names) ^ set(values)
        if missing:
            wrong = ", ".join(sorted(missing))
            msg = f"circuit {self} has the parameters {', '.join(self.names)}; {wrong} is missing or is none of them"
            raise MeasurementError(msg)
        theta = np.array([self.logarithm(name, values[name]) for name in self.names])
        z: Complex = self.evaluate(theta[None, :], np.asarray(frequency, float))[0][0]
        return z


def _evaluate(node: Node, theta: Floats, s: Complex, log: Complex, slopes: Complex) -> Complex:
    if node.kind == "series":
        total = _evaluate(node.children[0], theta, s, log, slopes)
        for child in node.children[1:]:
            total = total + _evaluate(child, theta, s, log, slopes)
        return total
    if node.kind == "parallel":
        parts = [_evaluate(child, theta, s, log, slopes) for child in node.children]
        z = 1.0 / np.sum([1.0 / part for part in parts], axis=0)
        for child, part in zip(node.children, parts, strict=True):
            slopes[:, child.place] *= ((z / part) ** 2)[:, None, :]
        return np.asarray(z)
    columns = [theta[:, at, None] for at in range(node.place.start, node.place.stop)]
    z, changes = ELEMENTS[node.kind].function(columns, s, log)
    for at, change in zip(range(node.place.start, node.place.stop), changes, strict=True):
        slopes[:, at] = change
    return z


# -- the language ---------------------------------------------------------------------------------------------------

_TOKEN = re.compile(r"\s*(p\s*\(|[A-Za-z]+\d*|[-,)])")
EXAMPLE = "R0-p(R1,CPE1)-CPE2"


@lru_cache(maxsize=256)
def parse_circuit(text: str) -> Circuit:
    """Read a circuit such as ``R0-p(R1,CPE1)-W2``.

    Raises
    ------
    MeasurementError
        Not a circuit; the message says where and shows one.
    """
    if len(text) > LONGEST:
        msg = f"circuit: has {len(text)} letters, at most {LONGEST} are read; write for example {EXAMPLE}"
        raise MeasurementError(msg)
    tokens: list[tuple[str, int]] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise _refused(
                text, f'"{text[at:].strip()[0]}" at letter {len(text) - len(text[at:].lstrip()) + 1} is no part of one'
            )
        tokens.append((re.sub(r"\s", "", match[1]), match.start(1) + 1))
        at = match.end()
    if not tokens:
        raise _refused(text, "it is empty")
    reader = _Reader(text, tokens)
    root = reader.series(0)
    if reader.at < len(tokens):
        token, place = tokens[reader.at]
        raise _refused(text, f'"{token}" at letter {place} is not expected')
    return Circuit(root, tuple(reader.names), tuple(reader.parameters))


def _refused(text: str, reason: str) -> MeasurementError:
    msg = f'circuit: "{text}" is not a circuit: {reason}; write for example {EXAMPLE}, of {", ".join(ELEMENTS)}'
    return MeasurementError(msg)


@dataclass
class _Reader:
    text: str
    tokens: list[tuple[str, int]]
    at: int = 0
    names: list[str] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def series(self, depth: int) -> Node:
        start = len(self.names)
        parts = [self.part(depth)]
        while self.peek() == "-":
            self.at += 1
            parts.append(self.part(depth))
        return parts[0] if len(parts) == 1 else Node("series", "", tuple(parts), slice(start, len(self.names)))

    def part(self, depth: int) -> Node:
        if self.at >= len(self.tokens):
            raise _refused(self.text, "it ends where an element should follow")
        token, place = self.tokens[self.at]
        self.at += 1
        if token == "p(":
            return self.parallel(depth, place)
        if not token[0].isalpha():
            raise _refused(self.text, f'"{token}" at letter {place} stands where an element should')
        return self.element(token)

    def parallel(self, depth: int, place: int) -> Node:
        if depth >= DEEPEST:
            raise _refused(self.text, f"more than {DEEPEST} parentheses stand within each other")
        start = len(self.names)
        parts = [self.series(depth + 1)]
        while self.peek() == ",":
            self.at += 1
            parts.append(self.series(depth + 1))
        if self.peek() != ")":
            raise _refused(self.text, f"the parenthesis at letter {place + 1} is not closed")
        self.at += 1
        if len(parts) < 2:
            raise _refused(self.text, f"the parenthesis at letter {place + 1} has one branch; parallel are two or more")
        return Node("parallel", "", tuple(parts), slice(start, len(self.names)))

    def element(self, name: str) -> Node:
        kind = name.rstrip("0123456789")
        if kind not in ELEMENTS:
            close = nearest(kind, list(ELEMENTS))
            hint = f", did you mean {close}?" if close else ""
            raise _refused(self.text, f'"{kind}" is no known element{hint}')
        if name in self.seen:
            raise _refused(self.text, f'"{name}" stands in it twice, number the elements')
        if len(self.seen) >= MOST_ELEMENTS:
            raise _refused(self.text, f"it has more than {MOST_ELEMENTS} elements")
        self.seen.append(name)
        start = len(self.names)
        parameters = ELEMENTS[kind].parameters
        for one in parameters:
            self.names.append(name if len(parameters) == 1 else f"{name}_{one.name}")
            self.parameters.append(one)
        return Node(kind, name, (), slice(start, len(self.names)))


# -- fits -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """A circuit fitted to a spectrum.

    Attributes
    ----------
    circuit : Circuit
    estimate : Estimate
        Of the parameters as fitted (logarithms, exponents as they are), from residuals relative to the modulus.
    points : int
    at_bound : tuple of str
        Parameters that stopped at the end of what is allowed.
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
        """Parameters that the data say nothing of."""
        deviations = np.sqrt(np.abs(np.diagonal(self.estimate.covariance)))
        wide = ~(deviations < np.where(self.circuit.exponents, 0.25, UNDETERMINED))
        return tuple(name for name, is_wide in zip(self.circuit.names, wide, strict=True) if is_wide)

    def fitted(self, names: str | Sequence[str], label: str, unit: Unit, power: float = 1.0) -> Fitted:
        """A parameter, or a sum of some, to a power, with its interval.

        The interval of what is above 0 is symmetric in the logarithm, in which the fit is; a parameter at the end of
        what is allowed has none.
        """
        places = [self.circuit.names.index(name) for name in ([names] if isinstance(names, str) else names)]
        if not self.estimate.covariance[np.ix_(places, places)].any():
            # held at an end of what is allowed
            value = self.values[self.circuit.names[places[0]]]
            return Fitted(label, value**power, float("nan"), float("nan"), unit)
        if len(places) == 1 and self.circuit.parameters[places[0]].exponent:
            return self.estimate.fitted(places[0], label, unit)
        return self.of(lambda theta: float(np.exp(theta[places]).sum() ** power), label, unit)

    def of(self, function: Callable[[Floats], float], label: str, unit: Unit) -> Fitted:
        """A function above 0 of the parameters as fitted, with its interval; nan where it has none."""
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
        """Bayesian information criterion (Schwarz), less what is common to all circuits."""
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

    From several starts, the better ones on with outliers weighted down, the best then by least squares proper. The
    noise is taken from the residuals; intervals are from the covariance in logarithms.

    Parameters
    ----------
    circuit : Circuit or str
    frequency : array, shape (n,)
        Hz.
    impedance : array of complex, shape (n,)
        ohm; more numbers than the circuit has parameters.
    start : dict of str to float, optional
        Some parameters by name, SI, to begin from beside the other starts.

    Raises
    ------
    MeasurementError
        Not a circuit, or fewer points than it needs.
    """
    circuit = parse_circuit(circuit) if isinstance(circuit, str) else circuit
    p, n = len(circuit.names), len(frequency)
    if 2 * n <= p:
        msg = f"circuit: {circuit} has {p} parameters, {n} points are too few; give more points or fewer elements"
        raise MeasurementError(msg)
    lower, upper = bounds(circuit, frequency, impedance)
    trial = np.clip(_starts(circuit, frequency, impedance), lower, upper)
    if start:
        known = [circuit.names.index(name) for name in start]
        own = trial[: 1 if len(known) == p else WITH_START].copy()
        own[:, known] = [circuit.logarithm(name, value) for name, value in start.items()]
        trial = np.vstack([np.clip(own, lower, upper), trial])
    problem = _Problem(circuit, np.asarray(frequency, float), np.asarray(impedance, complex), lower, upper)
    # most starts end in the same place, so only the best go on
    trial = problem.descend(trial, 10, robust=False)[: max(8, p)]
    trial = problem.descend(trial, 15, robust=True)[:4]
    best = problem.descend(trial, ROUNDS, robust=False)[0]
    return problem.conclude(_ordered(circuit, best))


def bounds(circuit: Circuit, frequency: Floats, impedance: Complex) -> tuple[Floats, Floats]:
    """Widest parameters, as fitted, that a spectrum can say something of: far beyond its own scales."""
    size = np.abs(impedance)
    least, most = np.log(size.min()) - 12.0, np.log(size.max()) + 9.0
    slow, fast = np.log(2.0 * np.pi * frequency.min()), np.log(2.0 * np.pi * frequency.max())
    ends = {
        "R": (least, most), "Rct": (least, most), "A": (least + 0.5 * slow, most + 0.5 * fast),
        "C": (-most - fast - 5.0, -least - slow + 5.0), "Q": (-most - fast - 5.0, -least - slow + 5.0),
        "L": (least - fast - 5.0, most - slow), "tau": (-fast - 7.0, -slow + 9.0), "alpha": (LEAST_EXPONENT, 1.0),
    }  # fmt: skip
    found = np.array([ends[one.name] for one in circuit.parameters])
    return found[:, 0], found[:, 1]


@dataclass(frozen=True)
class _Problem:
    """Least squares of many sets of parameters at once, by Levenberg's and Marquardt's method within bounds."""

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
            held = ((theta[at] <= self.lower) & (gradient > 0.0)) | ((theta[at] >= self.upper) & (gradient < 0.0))
            gradient[held] = 0.0
            curvature[held[:, :, None] | held[:, None, :]] = 0.0
            diagonal = np.einsum("bpp->bp", curvature)
            scale = np.maximum(diagonal, 1e-14 * diagonal.max(axis=1, keepdims=True) + 1e-300)
            # a little more than damping, so that what the data do not hang on stays where it is
            added = damping[at, None] * scale + 1e-12 * diagonal.max(axis=1, keepdims=True) + held + 1e-100
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
        # the middle of the residuals says which start is near, whatever the outliers
        order = np.argsort(np.median(np.abs(residual), axis=1) if robust else cost, kind="stable")
        return theta[order]

    def weights(self, residual: Complex, *, robust: bool) -> Floats:
        """One, or Cauchy's weights by the median deviation."""
        if not robust:
            return np.ones(residual.shape)
        size = np.abs(residual)
        middle = np.maximum(np.median(size, axis=1, keepdims=True), 1e-4)
        return np.asarray(1.0 / (1.0 + (size / (4.0 * middle)) ** 2))

    def conclude(self, theta: Floats) -> Fit:
        """Fit with its covariance; directions at a bound count as known."""
        residual, slopes = self.residuals(theta[None, :])
        squares, degrees = _cost(residual, np.ones(residual.shape))[0], 2.0 * self.frequency.size - theta.size
        jacobian = np.concatenate([slopes[0].real, slopes[0].imag], axis=1).T
        margin = 1e-6 * (self.upper - self.lower)
        ends = (theta <= self.lower + margin) | (theta >= self.upper - margin)
        covariance = np.zeros((theta.size, theta.size))
        free = np.flatnonzero(~ends)
        if free.size:
            # in columns of length one, so that "no information" does not hang on units
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


def _starts(circuit: Circuit, frequency: Floats, impedance: Complex) -> Floats:
    """Sets of parameters of the scales that the spectrum has, shape (b, p): the same for the same spectrum."""
    size = np.abs(impedance)
    least = float(np.clip(impedance.real.min(), 0.02 * size.min(), None))
    log_of = np.log(2.0 * np.pi * frequency)
    falling = np.argsort(-log_of, kind="stable")
    fast, slow = float(log_of.max()), float(log_of.min())
    beyond = BEYOND * np.log(10.0)
    count = 16 + 5 * len(circuit.names)
    # low discrepancy (additive recurrence on the generalised golden ratio): no generator, no seed
    groups = _groups(circuit.root)
    dimensions = 3 * len(groups)
    ratio = 2.0
    for _ in range(30):
        ratio = (1.0 + ratio) ** (1.0 / (dimensions + 1.0))
    draws = np.modf(0.5 + np.outer(np.arange(1, count + 1), ratio ** -np.arange(1.0, dimensions + 1.0)))[0]
    theta = np.empty((count, len(circuit.names)))
    timed = [group for group, in_parallel in groups if in_parallel or any(one.kind[0] in "WT" for one in group)]
    for number, (group, in_parallel) in enumerate(groups):
        first, second, third = draws[:, 3 * number : 3 * number + 3].T
        if group in timed:
            # in order, the fastest first, each with a share of the decades, which overlap
            place = timed.index(group)
            first = (place + 1.6 * first - 0.3) / len(timed)
        log_omega = np.clip(fast + (slow - fast) * first, slow - beyond, fast + beyond)
        near = np.interp(-log_omega, -log_of[falling], np.log(size)[falling])
        resistance = near + 0.35 - 4.0 * second**2
        for one in group:
            theta[:, one.place] = _start_of(one.kind, in_parallel, log_omega, resistance, near, third, least, fast)
    return theta


def _start_of(
    kind: str, in_parallel: bool, log_omega: Floats, resistance: Floats, near: Floats, third: Floats, least: float,
    fast: float,
) -> Floats:  # fmt: skip
    alpha = 0.65 + 0.35 * third
    if kind == "R":
        return (resistance if in_parallel else np.log(least) - 2.0 * third**2)[:, None]
    size = resistance if in_parallel else near
    if kind == "C":
        return (-size - log_omega)[:, None]
    if kind == "L":
        return (near - fast - 4.0 * third)[:, None]
    if kind == "CPE":
        return np.column_stack([-size - alpha * log_omega, alpha])
    if kind == "W":
        return (near + 0.5 * log_omega - 1.0 * third)[:, None]
    if kind in ("Ws", "Wo"):
        return np.column_stack([resistance, -log_omega])
    if kind == "TL":
        return np.column_stack([resistance, -resistance - alpha * log_omega, alpha])
    return np.column_stack([resistance, resistance + 2.0 * third - 1.0, -resistance - alpha * log_omega, alpha])


def _groups(node: Node, *, in_parallel: bool = False) -> list[tuple[list[Node], bool]]:
    """Elements that share a time, in order; and whether they stand in parallel."""
    if node.kind == "series":
        return [group for child in node.children for group in _groups(child, in_parallel=in_parallel)]
    if node.kind == "parallel":
        own = [child for child in node.children if not child.children]
        deeper = [group for child in node.children if child.children for group in _groups(child, in_parallel=True)]
        return ([(own, True)] if own else []) + deeper
    return [([node], in_parallel)]


def _ordered(circuit: Circuit, theta: Floats) -> Floats:
    """Parallel parts of the same form in series, sorted by their time, the fastest first: their names are arbitrary."""
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
    """Logarithm of the time constant of a resistance beside a constant-phase element."""
    return float((block[0] + block[1]) / (block[2] if block.size == 3 else 1.0))
