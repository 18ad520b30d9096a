"""3D structures, generated or imaged: packing, coating, pressing, files, images, metrics."""

from ...faces import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__, extra="twin")
