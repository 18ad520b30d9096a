"""Figures; the only importer of matplotlib. Colours are told apart by colour-blind readers and in grey."""

from ..faces import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
