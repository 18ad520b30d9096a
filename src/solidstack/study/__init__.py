"""Studies: what calls all of the package to answer a question about a design."""

from ..faces import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__, extra="twin")
