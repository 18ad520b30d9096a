"""Elastic modulus: tensile or compressive tests, and dynamic mechanical analysis."""

from .analysis import analyse as analyse
from .result import Modulus as Modulus

__all__ = ["Modulus", "analyse"]
