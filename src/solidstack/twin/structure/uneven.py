"""Solid electrolyte that covers the particles unevenly, with bare patches, as real coatings do."""

from dataclasses import dataclass

import numpy as np

from ...errors import StructureError
from .additives import random_field
from .coating import Field, Free, Placement, Surroundings

SPREAD = 0.5
"""Standard deviation of the logarithm of the film's thickness where there is one."""
BARE = 1.0
"""m; stands before all distances, so that bare patches are filled last."""


@dataclass(frozen=True)
class Uneven(Placement):
    """A shell with bare patches.

    Patches are where a Gaussian random field on the surfaces is above the quantile of the coverage; elsewhere the
    thickness is log-normal, with `SPREAD` for the standard deviation of its logarithm, and thickest far from the
    patches.

    Parameters
    ----------
    coverage : float
        Share of the surface that no carbon or other particle touches which the electrolyte covers, above 0, at most 1.
    patch : float
        Size of the patches, m.
    """

    coverage: float
    patch: float = 3e-6

    def __post_init__(self) -> None:
        if not 0.0 < self.coverage <= 1.0:
            msg = f"electrolyte, uneven: a coverage of {100 * self.coverage:g} % must be above 0 and at most 100 %"
            raise StructureError(msg)
        if not (np.isfinite(self.patch) and self.patch > 0.0):
            msg = f"electrolyte, uneven: patches of {self.patch} m must have a size above 0"
            raise StructureError(msg)

    def field(self, around: Surroundings, free: Free, share: float, rng: np.random.Generator) -> Field:  # noqa: ARG002
        """Distance to the nearest surface over the local thickness; far beyond all others on bare patches."""
        patches = random_field(around, self.patch, rng)
        surface = free & (around.nearest < max(around.voxel))
        if self.coverage == 1.0 or not surface.any():
            bare = np.zeros(free.shape, bool)
        else:
            bare = patches > np.quantile(patches[surface], self.coverage)
        field = around.nearest * np.exp(np.float32(SPREAD) * patches)
        return np.asarray(np.where(bare, field + np.float32(BARE), field), np.float32)
