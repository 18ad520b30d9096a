"""Equivalent circuits: a small language, impedance with its derivatives, and fits with intervals.

Circuits are written as ``R0-p(R1,CPE1)-W2``: ``-`` in series, ``p(,)`` in parallel, each element with a name of its
own; `solidstack.measure.circuits.elements` lists the elements with their equations. Parameters are fitted as
logarithms, exponents as they are, since scales differ by many decades.
"""

from .circuit import Circuit as Circuit
from .circuit import Node as Node
from .elements import ELEMENTS as ELEMENTS
from .fit import Fit as Fit
from .fit import fit as fit
from .language import parse_circuit as parse_circuit

__all__ = ["ELEMENTS", "Circuit", "Fit", "Node", "fit", "parse_circuit"]
