"""Electrons in a network that is finer than a voxel: one potential for each plane, relative to the collector's.

All electronic voxels of a plane are on it. The potentials u of the planes are a chain of resistors that ends at the
collector, K u + (current from the plane into the electrolyte) = 0; they are unknowns of the conjugate gradients of
`solidstack.kernels.electrochemistry.multigrid` beside those of the voxels, and electronic voxels hold them as their v.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class PlaneNetwork:
    """A chain of planes, the collector behind the last one.

    Parameters
    ----------
    chain : array, shape (padded planes,)
        Conductance from each plane to the next one, over the scale of the currents; 0 where there is none. That of the
        last but one leads to the collector.
    """

    def __init__(self, chain: NDArray[np.float64]) -> None:
        self.chain = chain
        before = np.append(0.0, chain[:-1])
        self.diagonal = chain + before
        self.bands: NDArray[Any] = np.zeros((3, chain.size))

    def product(self, u: NDArray[Any]) -> NDArray[Any]:
        """Current that leaves each plane along the chain; the collector's potential, u of the last plane, is 0."""
        out = self.diagonal * u
        out[:-1] -= self.chain[:-1] * u[1:]
        out[1:] -= self.chain[:-1] * u[:-1]
        out[-1] = 0.0
        return np.asarray(out)

    def prepare(self, links: NDArray[Any]) -> None:
        """Take the conductance of the interfaces of each plane into the preconditioner."""
        diagonal = self.diagonal + links
        diagonal[(diagonal == 0.0)] = 1.0
        diagonal[-1] = 1.0
        self.bands = np.zeros((3, links.size), links.dtype)
        self.bands[1] = diagonal
        self.bands[0, 1:-1] = self.bands[2, :-2] = -self.chain[:-2]

    def precondition(self, rest: NDArray[Any]) -> NDArray[Any]:
        """Solve the chain with its interfaces for what is left over of its rows."""
        from scipy.linalg import solve_banded

        rest = rest.copy()
        rest[-1] = 0.0
        return np.asarray(solve_banded((1, 1), self.bands, rest, check_finite=False))
