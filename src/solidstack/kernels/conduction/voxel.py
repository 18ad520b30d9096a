"""The physics of one voxel, written once: a CPU loop and a CUDA grid call the same functions.

A volume is a network: v is the potential, c the conductance of a face, and at every voxel

    sum over its six faces of c (v of the neighbour - v) + b = 0.

Arrays are flat and padded by one layer of ghost voxels, so that every neighbour exists: p is the index of a voxel,
p - 1 and p + 1 are its neighbours along z, p - sy and p + sy along y, p - sx and p + sx along x. On the finest level a
conductance is looked up by the classes of the two voxels; class 0 does not conduct, which closes a face, and the last
class is a fixed potential. On coarser levels conductances are stored at the lower voxel of each face.

``tables``: shape (3 n n), conductance by axis, class and class. ``shape`` is the padded shape. ``halved`` is 1 for each
axis along which an aggregate takes two voxels, and 0 where it takes one.

Indices are unsigned: a signed one makes Numba test every access for a count from the end.
"""

import numpy as np

from ..devices.padded import block

ONE = np.uint64(1)


def faces_by_class(classes, tables, n, v, p, sx, sy):  # type: ignore[no-untyped-def]
    """Sum of c v over the neighbours, and sum of c."""
    row = np.uint64(classes[p]) * n
    square = n * n
    a = tables[row + np.uint64(classes[p - sx])]
    b = tables[row + np.uint64(classes[p + sx])]
    row += square
    c = tables[row + np.uint64(classes[p - sy])]
    d = tables[row + np.uint64(classes[p + sy])]
    row += square
    e = tables[row + np.uint64(classes[p - ONE])]
    f = tables[row + np.uint64(classes[p + ONE])]
    brought = a * v[p - sx] + b * v[p + sx] + c * v[p - sy] + d * v[p + sy] + e * v[p - ONE] + f * v[p + ONE]
    return brought, a + b + c + d + e + f


def faces_stored(cx, cy, cz, v, p, sx, sy):  # type: ignore[no-untyped-def]
    """Sum of c v over the neighbours, and sum of c, with stored conductances."""
    a = cx[p - sx]
    b = cx[p]
    c = cy[p - sy]
    d = cy[p]
    e = cz[p - ONE]
    f = cz[p]
    brought = a * v[p - sx] + b * v[p + sx] + c * v[p - sy] + d * v[p + sy] + e * v[p - ONE] + f * v[p + ONE]
    return brought, a + b + c + d + e + f


def relax_voxel(classes, tables, n, b, v, p, sx, sy):  # type: ignore[no-untyped-def]
    """Set the potential of a voxel to what its neighbours and b ask for."""
    if classes[p]:
        brought, total = faces_by_class(classes, tables, n, v, p, sx, sy)
        v[p] = (b[p] + brought) / total


def relax_stored_voxel(cx, cy, cz, b, v, p, sx, sy):  # type: ignore[no-untyped-def]
    """As `relax_voxel`, on a coarser level."""
    brought, total = faces_stored(cx, cy, cz, v, p, sx, sy)
    if total > 0.0:
        v[p] = (b[p] + brought) / total


def left_over(classes, tables, n, b, v, p, sx, sy):  # type: ignore[no-untyped-def]
    """Residual of a voxel that conducts."""
    brought, total = faces_by_class(classes, tables, n, v, p, sx, sy)
    return b[p] - (total * v[p] - brought)


def left_over_stored(cx, cy, cz, b, v, p, sx, sy):  # type: ignore[no-untyped-def]
    """As `left_over`, on a coarser level."""
    brought, total = faces_stored(cx, cy, cz, v, p, sx, sy)
    return b[p] - (total * v[p] - brought)


def inflow(classes, tables, n, x, p, sx, sy):  # type: ignore[no-untyped-def]
    """Sum of the currents into a voxel, which is its residual where b is 0."""
    brought, total = faces_by_class(classes, tables, n, x, p, sx, sy)
    return brought - total * x[p]


def energy(classes, tables, n, p_, p, sx, sy):  # type: ignore[no-untyped-def]
    """Share of a voxel in p A p."""
    brought, total = faces_by_class(classes, tables, n, p_, p, sx, sy)
    return p_[p] * (total * p_[p] - brought)


def advance_voxel(classes, tables, n, p_, x, r, alpha, p, sx, sy):  # type: ignore[no-untyped-def]
    """Add alpha p to x and -alpha A p to r; returns r."""
    brought, total = faces_by_class(classes, tables, n, p_, p, sx, sy)
    x[p] += alpha * p_[p]
    value = r[p] - alpha * (total * p_[p] - brought)
    r[p] = value
    return value


def sum_by_class(classes, tables, n, axis, step, start, j_first, j_last, sj, k_first, k_last, sk):  # type: ignore[no-untyped-def]
    """Sum of the conductances to the neighbours ``step`` away along an axis, over a rectangle of voxels."""
    total = 0.0
    for j in range(j_first, j_last + 1):
        for k in range(k_first, k_last + 1):
            p = start + j * sj + k * sk
            total += tables[(axis * n + int(classes[p])) * n + classes[p + step]]
    return total


def sum_stored(c, start, j_first, j_last, sj, k_first, k_last, sk):  # type: ignore[no-untyped-def]
    """Sum of stored conductances over a rectangle of voxels."""
    total = 0.0
    for j in range(j_first, j_last + 1):
        for k in range(k_first, k_last + 1):
            total += c[start + j * sj + k * sk]
    return total


def coarsen_aggregate(classes, tables, n, shape, cx, cy, cz, coarse_shape, halved, ci, cj, ck):  # type: ignore[no-untyped-def]
    """Conductances behind an aggregate: fine ones summed over the common face, over the distance in voxels."""
    mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    sx = my * mz
    q = (ci * cmy + cj) * cmz + ck
    i_first, i_last = block(ci, hx, mx - 2)
    j_first, j_last = block(cj, hy, my - 2)
    k_first, k_last = block(ck, hz, mz - 2)
    if cj and ck:
        start = i_last * sx
        cx[q] = sum_by_class(classes, tables, n, 0, sx, start, j_first, j_last, mz, k_first, k_last, 1) / (1 << hx)
    if ci and ck:
        start = j_last * mz
        cy[q] = sum_by_class(classes, tables, n, 1, mz, start, i_first, i_last, sx, k_first, k_last, 1) / (1 << hy)
    if ci and cj:
        start = k_last
        cz[q] = sum_by_class(classes, tables, n, 2, 1, start, i_first, i_last, sx, j_first, j_last, mz) / (1 << hz)


def coarsen_stored_aggregate(gx, gy, gz, shape, cx, cy, cz, coarse_shape, halved, ci, cj, ck):  # type: ignore[no-untyped-def]
    """As `coarsen_aggregate`, from a coarser level with conductances ``gx``, ``gy``, ``gz``."""
    mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    sx = my * mz
    q = (ci * cmy + cj) * cmz + ck
    i_first, i_last = block(ci, hx, mx - 2)
    j_first, j_last = block(cj, hy, my - 2)
    k_first, k_last = block(ck, hz, mz - 2)
    if cj and ck:
        cx[q] = sum_stored(gx, i_last * sx, j_first, j_last, mz, k_first, k_last, 1) / (1 << hx)
    if ci and ck:
        cy[q] = sum_stored(gy, j_last * mz, i_first, i_last, sx, k_first, k_last, 1) / (1 << hy)
    if ci and cj:
        cz[q] = sum_stored(gz, k_last, i_first, i_last, sx, j_first, j_last, mz) / (1 << hz)
