"""The report of a design: one self-contained page, a PDF, the figures and the data."""

from ..faces import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
