"""solidstack: design high-energy solid-state batteries from particle to pouch.

The names of this package are in its stub, ``__init__.pyi``; each is loaded when it is first used.
"""

from .faces import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
