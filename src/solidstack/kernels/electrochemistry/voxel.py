r"""The physics of one voxel during charge and discharge, written once: CPU loops and CUDA grids call the same.

Every voxel has a potential and, where something is stored in it, a content: the lithium of the active material
(stoichiometry x) or the salt of a binary electrolyte (concentration relative to its nominal one). Both enter the
reaction through one electrochemical potential,

    y = phi - U(x)          in the active material,
    y = psi + beta ln x     in the solid electrolyte, psi = phi_e - beta ln x, beta = 2 (RT/F) (1 - t+) TDF,

so that the current through a face between the two depends on the difference of their y alone, and the current within
the electrolyte is -kappa grad psi. With v the change of the potential and w = (dy/dx) dx that of the content's part,
a step of Newton's method is a symmetric positive definite network,

    sum over bulk faces of c (v' - v) + sum over interface faces of g (v' + w' - v - w) + b  = 0
    sum over bulk faces of d (w' - w) + sum over interface faces of g (v' + w' - v - w) - C w + b' = 0,

g the slope of the current against y, d the mobility and C the storage over the time step, both divided by dy/dx.
What is stored diffuses down its part of y, with the mobility D / (dy/dx): Fick's law where dy/dx is that of the place.
The active material and the electrolyte obey the same two rows, which is why hardly a function here asks which it is.

Potentials of electronic voxels, and their changes v, are relative to that of the collector, the ``plate``, which enters
the reaction alone: the electronic potential drops by little and the collector's by much, and float32 has to hold both.

Arrays are flat and padded as in `solidstack.kernels.conduction.voxel`. Behind the first plane lies the lithium, behind
the last one the collector. A kind is a byte: 0 is nothing; bit 0 says that the voxel conducts electrons (else ions),
bit 1 that it stores something, the bits above say which material it is. A face between the two sorts of conductor is
an interface. On the coarser levels a cell has both sorts: four unknowns, v and w of its electronic and of its ionic
part.

Currents are in units of ``scale`` (A), potentials in V.

The functions are in `state` (contents and the properties that follow from them), `reaction` (faces and their
currents), `balance` (the two rows of a voxel) and `cells` (the four rows of a coarse cell). The names of their
arguments are those of the arrays of a solver:

kind
    Kind of each voxel.
phi, x, x1, x2
    Potential and content now; contents at the two times before.
s, im
    The content's part of y, and dx/dy.
sigma, j0, e
    Conductivity, exchange current density and mobility.
ax, ay, az
    Area of the interface in the face behind each voxel, m2.
cx, cy, cz
    Conductance of the face behind each voxel; of an interface, g.
jx, jy, jz
    Current of the interface behind each voxel, from its electronic to its ionic side.
v, w, bv, bw
    Changes of the potential and of the content's part of y; what is left over of the rows, b and b'.
gx, gy, gz, volume
    By plane: half the area over the distance, of the faces behind it and beside it; volume of a voxel.
storage
    By kind: charge per volume and content, over ``scale`` (in a linear network also over the time step).
ideal
    Whether all electronic voxels have the collector's potential.
"""

import numpy as np

ELECTRONIC = np.uint8(1)
STORES = np.uint8(2)
SHIFT = 2
"""Bits below the number of the material (from 1) in a kind."""

ONE = np.uint64(1)

# columns of the tables by content: potential (none for salt), mobility (of salt: diffusivity times storage over beta),
# conductivity, j0
POTENTIAL, MOBILITY, CONDUCTION, EXCHANGE = range(4)


def exchanges(here, there):  # type: ignore[no-untyped-def]
    """Whether what is stored passes between two voxels: within one host, or as salt between two electrolytes."""
    return here == there or (here & there & STORES and not here & ELECTRONIC)
