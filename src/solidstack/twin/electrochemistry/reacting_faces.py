r"""Reacting faces in an alternating current: contact, double layer, charge transfer, and half a voxel of diffusion.

Between the middle of a voxel and its interface lies half a voxel of diffusion, of resistance :math:`R/2`. Where a
period is shorter than diffusion through a voxel takes, the interface sees less of it. What semi-infinite diffusion has
beyond the ladder of voxels that stands for it is known in closed form and takes the place of :math:`R/2`,

.. math::

    z = Z_W + R/2 - \sqrt{Z_W^2 + R^2/4}, \quad Z_W = (i\omega e C)^{-1/2}, \quad R = h/e

with the edge h of the voxel, the mobility e and the storage C per volume. It tends to :math:`R/2` at low and to the
Warburg impedance :math:`Z_W` at high frequency, so that voxels need not resolve diffusion at high frequency.

A double layer, where one is given, is parallel to charge transfer and diffusion; ohmic half voxels and the resistance
of the contact carry its current too. Its charge counts as lithium of the voxel at the interface: that is off by the
ratio of the two capacitances, below 1e-3 for 1 F/m2 and voxels of 0.2 um.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...kernels.electrochemistry.voxel import ELECTRONIC, SHIFT, STORES
from .equations import Equations

Complex = NDArray[np.complex128]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class HalfVoxel:
    """Half a voxel of diffusion: its resistance, and mobility times storage; 0 and 1 where nothing diffuses."""

    resistance: Floats
    product: Floats

    def impedance(self, omega: float) -> Complex:
        """The formula of the module, without the difference of large numbers."""
        warburg = 1.0 / np.sqrt(1j * omega * self.product)
        squared = self.resistance**2
        return np.asarray(self.resistance - squared / (warburg + np.sqrt(warburg**2 + squared)))


@dataclass(frozen=True)
class ReactingFaces:
    """Reacting faces along one axis. Resistances times area, ohm m2.

    Attributes
    ----------
    place : array of int
        Of the voxel before the face.
    area : array
        m2, over the scale of the conductances.
    outer, transfer : arrays
        Outside the double layer, and at the charge transfer.
    host, salt : HalfVoxel
    double_layer : array
        F/m2.
    """

    place: NDArray[np.int64]
    area: Floats
    outer: Floats
    transfer: Floats
    host: HalfVoxel
    salt: HalfVoxel
    double_layer: Floats

    def conductance(self, omega: float) -> Complex:
        """Conductance of the faces at an angular frequency, over the scale."""
        inner = 1.0 / (1.0 / (self.transfer + self.host.impedance(omega)) + 1j * omega * self.double_layer)
        return np.asarray(self.area / (self.outer + self.salt.impedance(omega) + inner))


def reacting_faces(equations: Equations, double_layer: float) -> list[ReactingFaces]:
    """Return the reacting faces along each axis, with the resistances in series taken apart."""
    solver, domain = equations.solver, equations.domain
    kind, (_, my, mz) = domain.kind.ravel(), domain.shape
    stored = equations.host_storage[kind] * solver.im
    axes = []
    for axis, (c, step) in enumerate(zip((solver.cx, solver.cy, solver.cz), (my * mz, mz, 1), strict=True)):
        place = np.flatnonzero(c)
        place = place[(kind[place] ^ kind[place + step]) & ELECTRONIC > 0]
        electronic = kind[place] & ELECTRONIC > 0
        host = np.where(electronic, place, place + step)
        solid = np.where(electronic, place + step, place)

        def half(at: NDArray[np.int64], axis: int = axis) -> HalfVoxel:
            length = domain.lengths[at // (my * mz)] if axis == 0 else domain.edges[axis - 1]
            stores, e = kind[at] & STORES > 0, solver.e[at].astype(float)
            resistance = np.divide(0.5 * length, e, out=np.zeros(at.size), where=stores)
            return HalfVoxel(resistance, np.where(stores, e * stored[at], 1.0))

        area = domain.areas[axis].ravel()[place].astype(float) / equations.scale
        sides = half(host), half(solid)
        whole = area / c[place] - sides[0].resistance - sides[1].resistance
        lithium = kind[host] >> SHIFT == 0
        exchange = np.where(lithium, 1.0, equations.j0[host])
        transfer = np.where(lithium, whole, 1.0 / (equations.f * exchange))
        outer = np.maximum(whole - transfer, 0.0)
        layer = np.where(lithium, 0.0, double_layer)
        axes.append(ReactingFaces(place, area, outer, transfer, *sides, layer))
    return axes
