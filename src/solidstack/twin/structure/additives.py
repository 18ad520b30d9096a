"""Where carbon black and other fine solids lie: clusters at the surfaces of the particles, or dispersed."""

from dataclasses import dataclass

import numpy as np

from ...errors import StructureError
from .coating import Field, Free, Placement, Surroundings


def random_field(around: Surroundings, size: float, rng: np.random.Generator) -> Field:
    """Gaussian random field of mean 0 and variance 1, blobs about ``size`` (m) across, periodic as the packing is."""
    from scipy.ndimage import gaussian_filter

    noise = rng.standard_normal(around.nearest.shape, np.float32)
    # the correlation length of white noise smoothed with s is sqrt(2) s; half a blob is taken for it
    sigma = [size / 2.0 / np.sqrt(2.0) / edge for edge in around.voxel]
    modes = ["wrap" if wrap else "nearest" for wrap in around.packing.periodic]
    smooth = gaussian_filter(noise, sigma, mode=modes, truncate=3.0)
    smooth /= float(np.sqrt(np.mean(np.square(smooth, dtype=np.float64)))) or 1.0
    return np.asarray(smooth, np.float32)


@dataclass(frozen=True)
class Clusters(Placement):
    """Clusters of a size, by a random field.

    Parameters
    ----------
    size : float
        Of a cluster, m.
    """

    size: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.size) and self.size > 0.0):
            msg = f"the cluster size of an additive must be a length above 0; received {self.size} m"
            raise StructureError(msg)

    def field(self, around: Surroundings, free: Free, share: float, rng: np.random.Generator) -> Field:  # noqa: ARG002
        """Random field."""
        return random_field(around, self.size, rng)


@dataclass(frozen=True)
class Dispersed(Clusters):
    """Clusters anywhere between the particles."""


@dataclass(frozen=True)
class AtSurfaces(Clusters):
    """Clusters at the surfaces of the particles."""

    def field(self, around: Surroundings, free: Free, share: float, rng: np.random.Generator) -> Field:
        """Random field plus the distance to the nearest surface in cluster sizes, so that clusters begin there."""
        field = super().field(around, free, share, rng)
        field += around.nearest / np.float32(self.size)
        return field
