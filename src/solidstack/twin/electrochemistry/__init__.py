"""Charge, discharge and impedance of a structure, voxel by voxel."""

from ...faces import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__, extra="twin")
