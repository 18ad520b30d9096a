"""Particle sizes: a table of laser diffraction to percentiles, means and a log-normal distribution."""

from .analysis import ParticleSize as ParticleSize
from .analysis import analyse as analyse

__all__ = ["ParticleSize", "analyse"]
