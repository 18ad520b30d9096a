"""An equivalent circuit as a tree of elements, its impedance and the derivatives by its parameters."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import MeasurementError
from .elements import ELEMENTS, Complex, Floats, Parameter


@dataclass(frozen=True)
class Node:
    """Part of a circuit: an element (`kind` of `ELEMENTS`), or several parts in ``series`` or ``parallel``.

    Attributes
    ----------
    kind, name : str
    children : tuple of Node
    place : slice
        Its parameters among those of the circuit.
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
        """The elements in order."""
        return [self] if not self.children else [leaf for child in self.children for leaf in child.elements()]


@dataclass(frozen=True)
class Circuit:
    """An equivalent circuit.

    Attributes
    ----------
    root : Node
    names : tuple of str
        Of the parameters: the element where it has a single one, else with the parameter, as in ``CPE1_alpha``.
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
        return np.array([parameter.exponent for parameter in self.parameters])

    def logarithm(self, name: str, value: float) -> float:
        """A parameter in SI, converted to the form in which it is fitted."""
        return value if self.parameters[self.names.index(name)].exponent else float(np.log(value))

    def evaluate(self, theta: Floats, frequency: Floats) -> tuple[Complex, Complex]:
        """Impedance and its derivatives for several sets of parameters, in the form in which they are fitted.

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
            Derivatives with respect to the parameters as fitted.
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
        >>> from solidstack.measure.circuits import parse_circuit
        >>> parse_circuit("R0-p(R1,C1)").impedance([0.0001], R0=1.0, R1=2.0, C1=1e-6).round(6)
        array([3.-0.j])
        """
        odd = set(self.names) ^ set(values)
        if odd:
            wrong = ", ".join(sorted(odd))
            msg = f"circuit {self} has the parameters {', '.join(self.names)}; {wrong} is missing or not among them"
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
