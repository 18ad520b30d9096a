"""The homogenised model of the same electrode (PyBaMM), and its exchange with other programs (BPX)."""

from ...faces import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__, extra="companion")
