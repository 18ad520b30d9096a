r"""Elements of equivalent circuits: impedance and its derivatives.

With the angular frequency :math:`\omega` and :math:`s = i\omega`:

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
R is the resistance of the ionic rail, Q belongs to its whole inner surface [1]_. TLR has charge transfer at that
surface.

.. [1] Bisquert, J. Phys. Chem. B 106 (2002) 325, doi:10.1021/jp011941g
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...units import FARAD, HENRY, OHM, OHM_PER_ROOT_SECOND, ONE, S_ALPHA, SECOND, Unit

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
Terms = tuple[Complex, list[Complex]]


@dataclass(frozen=True)
class Parameter:
    """A parameter of an element: name, unit, words, and whether it is fitted as it is instead of as its logarithm."""

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
    """``r coth(q)/q`` and its derivative with respect to the logarithm of q squared."""
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
