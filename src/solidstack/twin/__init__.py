"""The digital twin: the same electrode as a 3D structure, generated or imaged, what it conducts, and how it cycles."""

from ..faces import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__, extra="twin")
