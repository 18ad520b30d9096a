"""Loops over a network of voxels on the CPU; `solidstack.kernels.conduction.voxel` describes the arrays.

Loops run in parallel over the planes of axis 0 and return sums plane by plane (`solidstack.kernels.devices.cpu`). A
loop that writes v renews the ghosts of the wrapped axes afterwards: within a pass all voxels of a plane see the same
ghosts, which keeps a pass symmetric also where an odd count puts two voxels of one colour next to each other across
the wrap.
"""

import numba
import numpy as np

from ..devices import padded
from ..devices.compiled import compiled
from ..devices.cpu import called, fill, get, inlined, loop, put, wrap, wrap_plane, zeros
from . import voxel

__all__ = [
    "advance", "coarsen", "coarsen_stored", "currents", "curvature", "dot", "fill", "get", "prolong", "put",
    "redirect", "relax", "relax_stored", "residual", "restrict", "restrict_stored", "wrap", "zeros",
]  # fmt: skip

_physics = compiled(padded, voxel, inlined=inlined, called=called)
relax_voxel = _physics.relax_voxel
relax_stored_voxel = _physics.relax_stored_voxel
left_over = _physics.left_over
left_over_stored = _physics.left_over_stored
inflow = _physics.inflow
energy = _physics.energy
advance_voxel = _physics.advance_voxel
coarsen_aggregate = _physics.coarsen_aggregate
coarsen_stored_aggregate = _physics.coarsen_stored_aggregate


@loop
def relax(classes, tables, n, b, v, shape, colour, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Gauss-Seidel on the voxels of one colour (the parity of i + j + k)."""
    mx, my, mz = shape
    sx, sy, n = np.uint64(my * mz), np.uint64(mz), np.uint64(n)
    for i in numba.prange(1, mx - 1):
        for j in range(1, my - 1):
            row = (i * my + j) * mz
            for k in range(1 + ((colour + i + j) & 1), mz - 1, 2):
                relax_voxel(classes, tables, n, b, v, np.uint64(row + k), sx, sy)
        wrap_plane(v, i, my, mz, wrap_y, wrap_z)


@loop
def relax_stored(cx, cy, cz, b, v, shape, colour, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """As `relax`, on a coarser level."""
    mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for i in numba.prange(1, mx - 1):
        for j in range(1, my - 1):
            row = (i * my + j) * mz
            for k in range(1 + ((colour + i + j) & 1), mz - 1, 2):
                relax_stored_voxel(cx, cy, cz, b, v, np.uint64(row + k), sx, sy)
        wrap_plane(v, i, my, mz, wrap_y, wrap_z)


@loop
def restrict(classes, tables, n, b, v, shape, coarse, coarse_shape, halved, step):  # type: ignore[no-untyped-def]
    """Sum the residual over aggregates; ``step`` 2 leaves out the voxels of colour 1, whose residual is 0."""
    mx, my, mz = shape
    cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    sx, sy, n = np.uint64(my * mz), np.uint64(mz), np.uint64(n)
    for ci in numba.prange(1, cmx - 1):
        coarse[ci * cmy * cmz : (ci + 1) * cmy * cmz] = 0.0
        for i in range(((ci - 1) << hx) + 1, min(ci << hx, mx - 2) + 1):
            for j in range(1, my - 1):
                row = (i * my + j) * mz
                coarse_row = (ci * cmy + ((j - 1) >> hy) + 1) * cmz + 1
                for k in range(1 + ((i + j) & 1) * (step - 1), mz - 1, step):
                    p = np.uint64(row + k)
                    if classes[p]:
                        coarse[coarse_row + ((k - 1) >> hz)] += left_over(classes, tables, n, b, v, p, sx, sy)


@loop
def restrict_stored(cx, cy, cz, b, v, shape, coarse, coarse_shape, halved, step):  # type: ignore[no-untyped-def]
    """As `restrict`, on a coarser level."""
    mx, my, mz = shape
    cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for ci in numba.prange(1, cmx - 1):
        coarse[ci * cmy * cmz : (ci + 1) * cmy * cmz] = 0.0
        for i in range(((ci - 1) << hx) + 1, min(ci << hx, mx - 2) + 1):
            for j in range(1, my - 1):
                row = (i * my + j) * mz
                coarse_row = (ci * cmy + ((j - 1) >> hy) + 1) * cmz + 1
                for k in range(1 + ((i + j) & 1) * (step - 1), mz - 1, step):
                    p = np.uint64(row + k)
                    coarse[coarse_row + ((k - 1) >> hz)] += left_over_stored(cx, cy, cz, b, v, p, sx, sy)


@loop
def prolong(v, shape, coarse, coarse_shape, halved, step, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Add the correction of its aggregate to each voxel; ``step`` as in `restrict`.

    Voxels that do not conduct get one as well: no face leads to them, so it is never read.
    """
    mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for i in numba.prange(1, mx - 1):
        for j in range(1, my - 1):
            row = (i * my + j) * mz
            coarse_row = ((((i - 1) >> hx) + 1) * cmy + ((j - 1) >> hy) + 1) * cmz + 1
            for k in range(1 + ((i + j) & 1) * (step - 1), mz - 1, step):
                v[row + k] += coarse[coarse_row + ((k - 1) >> hz)]
        wrap_plane(v, i, my, mz, wrap_y, wrap_z)


@loop
def coarsen(classes, tables, n, shape, cx, cy, cz, coarse_shape, halved):  # type: ignore[no-untyped-def]
    """Conductances between aggregates."""
    cmx, cmy, cmz = coarse_shape
    for behind in numba.prange(1, cmx):
        ci = behind - 1  # a range from 0 has an unsigned index, which does not mix with signed ones
        for cj in range(cmy - 1):
            for ck in range(cmz - 1):
                coarsen_aggregate(classes, tables, n, shape, cx, cy, cz, coarse_shape, halved, ci, cj, ck)


@loop
def coarsen_stored(gx, gy, gz, shape, cx, cy, cz, coarse_shape, halved):  # type: ignore[no-untyped-def]
    """As `coarsen`, from a coarser level."""
    cmx, cmy, cmz = coarse_shape
    for behind in numba.prange(1, cmx):
        ci = behind - 1
        for cj in range(cmy - 1):
            for ck in range(cmz - 1):
                coarsen_stored_aggregate(gx, gy, gz, shape, cx, cy, cz, coarse_shape, halved, ci, cj, ck)


@loop
def residual(classes, tables, n, x, r, sums, shape):  # type: ignore[no-untyped-def]
    """Residual r of the potential x (with its ghosts); its sum per plane."""
    mx, my, mz = shape
    sx, sy, n = np.uint64(my * mz), np.uint64(mz), np.uint64(n)
    for i in numba.prange(1, mx - 1):
        total = 0.0
        for j in range(1, my - 1):
            row = (i * my + j) * mz
            for k in range(1, mz - 1):
                p = np.uint64(row + k)
                if classes[p]:
                    value = inflow(classes, tables, n, x, p, sx, sy)
                    r[p] = value
                    total += value
        sums[i] = total


@loop
def curvature(classes, tables, n, p_, sums, shape):  # type: ignore[no-untyped-def]
    """Sums per plane of p A p, A in the precision of the tables."""
    mx, my, mz = shape
    sx, sy, n = np.uint64(my * mz), np.uint64(mz), np.uint64(n)
    for i in numba.prange(1, mx - 1):
        total = 0.0
        for j in range(1, my - 1):
            row = (i * my + j) * mz
            for k in range(1, mz - 1):
                p = np.uint64(row + k)
                if classes[p]:
                    total += energy(classes, tables, n, p_, p, sx, sy)
        sums[i] = total


@loop
def advance(classes, tables, n, p_, x, r, alpha, sums, shape):  # type: ignore[no-untyped-def]
    """Step x by alpha p and r by -alpha A p; sums per plane of r.

    A p is computed again, not stored: reading p and the classes twice costs less than writing and reading A p.
    """
    mx, my, mz = shape
    sx, sy, n = np.uint64(my * mz), np.uint64(mz), np.uint64(n)
    for i in numba.prange(1, mx - 1):
        total = 0.0
        for j in range(1, my - 1):
            row = (i * my + j) * mz
            for k in range(1, mz - 1):
                p = np.uint64(row + k)
                if classes[p]:
                    total += advance_voxel(classes, tables, n, p_, x, r, alpha, p, sx, sy)
        sums[i] = total


@loop
def dot(a, b, sums, shape):  # type: ignore[no-untyped-def]
    """Sums per plane of a b, without the ghosts."""
    mx, my, mz = shape
    for i in numba.prange(1, mx - 1):
        total = 0.0
        for j in range(1, my - 1):
            row = (i * my + j) * mz
            for k in range(1, mz - 1):
                total += a[row + k] * b[row + k]
        sums[i] = total


@loop
def redirect(p_, z, beta, shape):  # type: ignore[no-untyped-def]
    """Set p to z + beta p, ghosts included."""
    mx, my, mz = shape
    for i in numba.prange(0, mx):
        for q in range(i * my * mz, (i + 1) * my * mz):
            p_[q] = z[q] + beta * p_[q]


@loop
def currents(classes, tables, n, x, sums, shape):  # type: ignore[no-untyped-def]
    """Sums per plane of the currents through the faces behind each voxel along y and z, in pairs."""
    mx, my, mz = shape
    sy = mz
    for i in numba.prange(1, mx - 1):
        along_y = 0.0
        along_z = 0.0
        for j in range(1, my - 1):
            row = (i * my + j) * mz
            for k in range(1, mz - 1):
                p = row + k
                c = int(classes[p]) * n
                if c:
                    along_y += tables[n * n + c + classes[p + sy]] * (x[p] - x[p + sy])
                    along_z += tables[2 * n * n + c + classes[p + 1]] * (x[p] - x[p + 1])
        sums[2 * i] = along_y
        sums[2 * i + 1] = along_z
