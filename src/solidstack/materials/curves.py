"""Curves over the lithium stoichiometry of a host: tables and expressions in a material file.

An expression is arithmetic on the stoichiometry ``x`` and the temperature ``T`` (K). It is read as a syntax tree in
which only the nodes named here are allowed, and is never executed as a program.
"""

import ast
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from ..units import Values, nearest

Array = NDArray[np.float64]

LONGEST = 2000
"""Most characters of an expression."""
DEEPEST = 60
"""Most nested operations of an expression."""
LARGEST_POWER = 100.0
"""Largest magnitude of an exponent that is a number."""
LARGEST_NUMBER = 1e100
"""Largest magnitude of a number that is written, or that follows from numbers alone."""
SAMPLES = 2001
"""Stoichiometries at which an expression is checked."""
VARIABLES = ("x", "T")
CONSTANTS = {"pi": math.pi, "e": math.e}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "sin": np.sin,
    "cos": np.cos,
    "arctan": np.arctan,
    "abs": np.abs,
}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}

KNOWN = f"use only x, T, numbers, + - * / **, brackets, {', '.join(CONSTANTS)} and {', '.join(FUNCTIONS)}"


class CurveError(ValueError):
    """A table or an expression is not a curve; the message says where and why."""


class Curve(ABC):
    """A property over the stoichiometry; one final class for each way to define it."""

    low: float
    high: float

    @abstractmethod
    def inside(self, x: Array, temperature: float) -> Array:
        """Return the value at stoichiometries within the range."""

    def __call__(self, x: Values, temperature: float = 298.15) -> Values:
        """Return the value at a stoichiometry.

        Beyond the range it is the value at the edge.

        Parameters
        ----------
        x : float or array, shape (...)
            Lithium stoichiometry of the host, 1 when it is full.
        temperature : float
            K; only expressions depend on it.

        Returns
        -------
        float or array, shape (...)
            In SI.
        """
        array = np.asarray(x, dtype=float)
        result = self.inside(np.clip(array, self.low, self.high), temperature)
        return result if np.ndim(x) else float(result)

    @abstractmethod
    def samples(self, temperature: float = 298.15) -> tuple[Array, Array]:
        """Return stoichiometries and values to check the curve by: the points of a table, many of an expression."""

    @abstractmethod
    def words(self) -> str:
        """Return in a few words what defines the curve."""

    @abstractmethod
    def content(self) -> tuple[Any, ...]:
        """Return what defines the curve: two curves of the same content are equal."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Curve) and self.content() == other.content()

    def __hash__(self) -> int:
        return hash(self.content())


@final
class Table(Curve):
    """Points, joined by monotone piecewise cubics (PCHIP): no overshoot, and exact at the points.

    Parameters
    ----------
    points : sequence of (float, float)
        Stoichiometry, strictly rising, 0 to 1, and value, SI. At least two.

    Raises
    ------
    CurveError

    Examples
    --------
    >>> Table([(0.2, 4.0), (0.6, 3.8), (1.0, 3.0)])(0.6)
    3.8
    """

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        array = np.asarray(points, dtype=float)
        if array.ndim != 2 or array.shape[0] < 2:
            msg = f"has {len(points)} point(s); expected at least two, as in [[0.2, 4.4], [1.0, 2.5]]"
            raise CurveError(msg)
        self.x, self.values = array.T
        if not np.isfinite(array).all():
            row = int(np.argmin(np.isfinite(array).all(axis=1)))
            msg = f"row {row + 1} [{self.x[row]:g}, {self.values[row]:g}] is not finite"
            raise CurveError(msg)
        if (wrong := (self.x < 0.0) | (self.x > 1.0)).any():
            row = int(np.argmax(wrong))
            msg = f"row {row + 1} has stoichiometry {self.x[row]:g}; it must be between 0 and 1"
            raise CurveError(msg)
        if (wrong := np.diff(self.x) <= 0.0).any():
            row = int(np.argmax(wrong))
            msg = (
                f"row {row + 2} has stoichiometry {self.x[row + 1]:g}, not above {self.x[row]:g} of the row before; "
                "sort the rows by rising stoichiometry and remove duplicates"
            )
            raise CurveError(msg)
        self.low, self.high = float(self.x[0]), float(self.x[-1])

    @cached_property
    def _interpolator(self) -> Any:
        from scipy.interpolate import PchipInterpolator

        return PchipInterpolator(self.x, self.values)

    def inside(self, x: Array, temperature: float) -> Array:  # noqa: ARG002 a table is for one temperature
        """Return the value at stoichiometries within the range."""
        result: Array = self._interpolator(x)
        return result

    def samples(self, temperature: float = 298.15) -> tuple[Array, Array]:  # noqa: ARG002 as above
        """The points; between them the curve is monotone."""
        return self.x, self.values

    def words(self) -> str:
        """Return the number of points and the range of the stoichiometry."""
        return f"{self.x.size} points, x {self.low:.4g} to {self.high:.4g}"

    def content(self) -> tuple[Any, ...]:
        """The points."""
        return (*self.x.tolist(), *self.values.tolist())


class _Node(NamedTuple):
    """A part of an expression: what computes it, and the variables in it."""

    value: Callable[[dict[str, Any]], Any]
    variables: frozenset[str]


@final
class Expression(Curve):
    """A formula in the stoichiometry x and perhaps the temperature T, K.

    Parameters
    ----------
    text : str
        Arithmetic with ``+ - * / **``, brackets, numbers, x, T, pi, e and the functions of `FUNCTIONS`.
    low, high : float
        Range of the stoichiometry in which it is valid.

    Raises
    ------
    CurveError
        With the position of what is not allowed.

    Examples
    --------
    >>> Expression("4.5 - 0.8*x - 0.04*tanh(18*(x - 0.5))", 0.2, 1.0)(0.5)
    4.1
    """

    def __init__(self, text: str, low: float, high: float) -> None:
        if len(text) > LONGEST:
            msg = f"has {len(text)} characters; at most {LONGEST} are allowed; use a table instead"
            raise CurveError(msg)
        self.text, self.low, self.high = text, low, high
        try:
            body = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            where = f" at position {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
            msg = f'"{_short(text)}" is not an expression{where}; {KNOWN}'
            raise CurveError(msg) from None
        try:
            self._node = self._read(body, 0)
        except RecursionError:  # pragma: no cover the depth is bounded before
            raise CurveError(_too_deep()) from None
        self.depends_on_temperature = "T" in self._node.variables

    def _read(self, node: ast.expr, depth: int) -> _Node:
        if depth > DEEPEST:
            raise CurveError(_too_deep())
        match node:
            case ast.Constant(value=value) if isinstance(value, (int, float)) and not isinstance(value, bool):
                return _constant(self._number(value, node))
            case ast.Name(id=name) if name in VARIABLES:
                return _Node(lambda variables: variables[name], frozenset({name}))
            case ast.Name(id=name) if name in CONSTANTS:
                return _constant(CONSTANTS[name])
            case ast.Name(id=name):
                close = nearest(name, [*VARIABLES, *CONSTANTS, *FUNCTIONS])
                raise self._unknown(node, f"did you mean {close}? {KNOWN}" if close else KNOWN)
            case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _UNARY:
                return self._apply(_UNARY[type(sign)], node, self._read(operand, depth + 1))
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
                first, second = self._read(left, depth + 1), self._read(right, depth + 1)
                if isinstance(sign, ast.Pow):
                    self._check_power(second, node)
                return self._apply(_BINARY[type(sign)], node, first, second)
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
                return self._apply(FUNCTIONS[name], node, self._read(argument, depth + 1))
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                raise self._unknown(node, f"{name} takes one value")
            case ast.Call(func=ast.Name(id=name)):
                close = nearest(name, list(FUNCTIONS))
                raise self._unknown(node, f"did you mean {close}? {KNOWN}" if close else KNOWN)
            case ast.BinOp(op=ast.BitXor()):
                raise self._unknown(node, "write a power with **")
            case _:
                raise self._unknown(node, KNOWN)

    def _apply(self, function: Callable[..., Any], where: ast.expr, *parts: _Node) -> _Node:
        """Join parts; what consists of numbers alone is computed at once, so that it cannot grow without limit."""
        names = frozenset().union(*(part.variables for part in parts))

        def value(variables: dict[str, Any]) -> Any:
            return function(*(part.value(variables) for part in parts))

        if names:
            return _Node(value, names)
        try:
            with np.errstate(all="ignore"):
                number = value({})
        except (OverflowError, ZeroDivisionError):
            number = math.inf
        return _constant(self._number(number, where))

    def _number(self, value: Any, where: ast.expr) -> float:
        # a number is a float from the start: a power of whole numbers would be computed to all of its digits
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not abs(number) <= LARGEST_NUMBER:
            raise self._unknown(where, f"numbers must be finite and at most {LARGEST_NUMBER:g}")
        return number

    def _check_power(self, exponent: _Node, where: ast.expr) -> None:
        if not exponent.variables and abs(exponent.value({})) > LARGEST_POWER:
            raise self._unknown(where, f"an exponent must be at most {LARGEST_POWER:g}")

    def _unknown(self, node: ast.expr, why: str) -> CurveError:
        part = ast.get_source_segment(self.text.strip(), node) or ""
        return CurveError(f'"{_short(part)}" at position {node.col_offset + 1} cannot be used; {why}')

    def inside(self, x: Array, temperature: float) -> Array:
        """Return the value at stoichiometries within the range; NaN or infinity where the formula is undefined."""
        with np.errstate(all="ignore"):
            result: Array = np.asarray(self._node.value({"x": x, "T": np.float64(temperature)}), dtype=float)
        return result + np.zeros_like(x)

    def samples(self, temperature: float = 298.15) -> tuple[Array, Array]:
        """Return equally spaced ones in the range."""
        x = np.linspace(self.low, self.high, SAMPLES)
        return x, self.inside(x, temperature)

    def words(self) -> str:
        """Return the formula, shortened, and its range of the stoichiometry."""
        return f"{_short(self.text)}, x {self.low:.4g} to {self.high:.4g}"

    def content(self) -> tuple[Any, ...]:
        """The text and the range."""
        return self.text, self.low, self.high

    def __reduce__(self) -> tuple[Any, ...]:
        # the tree of functions cannot be pickled, its text can
        return Expression, self.content()


def _constant(number: float) -> _Node:
    value = np.float64(number)
    return _Node(lambda _: value, frozenset())


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _too_deep() -> str:
    return f"nests more than {DEEPEST} operations; use a table instead"


def rise(curve: Curve, temperature: float = 298.15) -> tuple[float, float] | None:
    """Return where a curve does not fall.

    Parameters
    ----------
    curve : Curve
    temperature : float
        K.

    Returns
    -------
    (float, float) or None
        Stoichiometries between which it first stays or rises; None if it falls throughout.
    """
    x, values = curve.samples(temperature)
    up = np.diff(values) >= 0.0
    if not up.any():
        return None
    first = int(np.argmax(up))
    return float(x[first]), float(x[first + 1])
