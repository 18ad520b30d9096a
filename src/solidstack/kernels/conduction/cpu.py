"""Loops over a network of voxels on the CPU; `solidstack.kernels.conduction.voxel` says what the arrays are.

``shape`` is the padded shape. Loops run in parallel over the planes of axis 0 and hand back sums plane by plane, so
that no result depends on the number of threads. Whoever writes v renews the ghosts of the wrapped axes afterwards:
within a pass all voxels of a plane see the same ghosts, which keeps a pass symmetric also where an odd count puts two
voxels of one colour beside each other across the wrap.
"""

import numba
import numpy as np

from . import voxel

loop = numba.njit(parallel=True, fastmath=True, cache=True)
_inlined = numba.njit(inline="always", fastmath=True)

faces_by_class = _inlined(voxel.faces_by_class)
faces_stored = _inlined(voxel.faces_stored)


def zeros(count, dtype):  # type: ignore[no-untyped-def]
    """Array of zeros where the loops run."""
    return np.zeros(count, dtype)


def put(array):  # type: ignore[no-untyped-def]
    """Bring an array to where the loops run."""
    return array


def get(array):  # type: ignore[no-untyped-def]
    """Bring an array back."""
    return array


def fill(array, value):  # type: ignore[no-untyped-def]
    """Set all of an array."""
    array[:] = value


@_inlined
def wrap_plane(v, i, my, mz, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Renew the ghosts of one plane."""
    first = i * my * mz
    if wrap_y:
        for k in range(1, mz - 1):
            v[first + k] = v[first + (my - 2) * mz + k]
            v[first + (my - 1) * mz + k] = v[first + mz + k]
    if wrap_z:
        for j in range(1, my - 1):
            row = first + j * mz
            v[row] = v[row + mz - 2]
            v[row + mz - 1] = v[row + 1]


@loop
def wrap(v, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Renew the ghosts of the wrapped axes."""
    mx, my, mz = shape
    for i in numba.prange(0, mx):
        wrap_plane(v, i, my, mz, wrap_y, wrap_z)


@loop
def relax(classes, tables, n, b, v, shape, colour, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Gauss-Seidel on the voxels of one colour (the parity of i + j + k)."""
    mx, my, mz = shape
    sx, sy, n = np.uint64(my * mz), np.uint64(mz), np.uint64(n)
    for i in numba.prange(1, mx - 1):
        for j in range(1, my - 1):
            row = (i * my + j) * mz
            for k in range(1 + ((colour + i + j) & 1), mz - 1, 2):
                p = np.uint64(row + k)
                if classes[p]:
                    brought, total = faces_by_class(classes, tables, n, v, p, sx, sy)
                    v[p] = (b[p] + brought) / total
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
                p = np.uint64(row + k)
                brought, total = faces_stored(cx, cy, cz, v, p, sx, sy)
                if total > 0.0:
                    v[p] = (b[p] + brought) / total
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
                        brought, total = faces_by_class(classes, tables, n, v, p, sx, sy)
                        coarse[coarse_row + ((k - 1) >> hz)] += b[p] - (total * v[p] - brought)


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
                    brought, total = faces_stored(cx, cy, cz, v, p, sx, sy)
                    coarse[coarse_row + ((k - 1) >> hz)] += b[p] - (total * v[p] - brought)


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
    """Conductances between aggregates: fine ones summed over their face, over the distance in voxels.

    ``halved`` says of each axis whether an aggregate takes two voxels along it (1) or one (0).
    """
    mx, my, mz = shape
    cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    sx, sy = my * mz, mz
    for behind in numba.prange(1, cmx):
        ci = behind - 1  # a range from 0 has an unsigned index, which does not mix with signed ones
        i_last = min(ci << hx, mx - 2)
        i_first = ((ci - 1) << hx) + 1 if ci else 0
        for cj in range(cmy - 1):
            j_last = min(cj << hy, my - 2)
            j_first = ((cj - 1) << hy) + 1 if cj else 0
            for ck in range(cmz - 1):
                k_last = min(ck << hz, mz - 2)
                k_first = ((ck - 1) << hz) + 1 if ck else 0
                cp = (ci * cmy + cj) * cmz + ck
                if cj and ck:
                    total = 0.0
                    for j in range(j_first, j_last + 1):
                        for k in range(k_first, k_last + 1):
                            p = i_last * sx + j * sy + k
                            total += tables[int(classes[p]) * n + classes[p + sx]]
                    cx[cp] = total / (1 << hx)
                if ci and ck:
                    total = 0.0
                    for i in range(i_first, i_last + 1):
                        for k in range(k_first, k_last + 1):
                            p = i * sx + j_last * sy + k
                            total += tables[n * n + int(classes[p]) * n + classes[p + sy]]
                    cy[cp] = total / (1 << hy)
                if ci and cj:
                    total = 0.0
                    for i in range(i_first, i_last + 1):
                        for j in range(j_first, j_last + 1):
                            p = i * sx + j * sy + k_last
                            total += tables[2 * n * n + int(classes[p]) * n + classes[p + 1]]
                    cz[cp] = total / (1 << hz)


@loop
def coarsen_stored(gx, gy, gz, shape, cx, cy, cz, coarse_shape, halved):  # type: ignore[no-untyped-def]
    """As `coarsen`, from a coarser level."""
    mx, my, mz = shape
    cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    sx, sy = my * mz, mz
    for behind in numba.prange(1, cmx):
        ci = behind - 1  # a range from 0 has an unsigned index, which does not mix with signed ones
        i_last = min(ci << hx, mx - 2)
        i_first = ((ci - 1) << hx) + 1 if ci else 0
        for cj in range(cmy - 1):
            j_last = min(cj << hy, my - 2)
            j_first = ((cj - 1) << hy) + 1 if cj else 0
            for ck in range(cmz - 1):
                k_last = min(ck << hz, mz - 2)
                k_first = ((ck - 1) << hz) + 1 if ck else 0
                cp = (ci * cmy + cj) * cmz + ck
                if cj and ck:
                    total = 0.0
                    for j in range(j_first, j_last + 1):
                        for k in range(k_first, k_last + 1):
                            total += gx[i_last * sx + j * sy + k]
                    cx[cp] = total / (1 << hx)
                if ci and ck:
                    total = 0.0
                    for i in range(i_first, i_last + 1):
                        for k in range(k_first, k_last + 1):
                            total += gy[i * sx + j_last * sy + k]
                    cy[cp] = total / (1 << hy)
                if ci and cj:
                    total = 0.0
                    for i in range(i_first, i_last + 1):
                        for j in range(j_first, j_last + 1):
                            total += gz[i * sx + j * sy + k_last]
                    cz[cp] = total / (1 << hz)


@loop
def residual(classes, tables, n, x, r, sums, shape):  # type: ignore[no-untyped-def]
    """Residual r of the potential x (with its ghosts); its sum per plane."""
    mx, my, mz = shape
    sx, sy, n = np.uint64(my * mz), np.uint64(mz), np.uint64(n)
    for i in numba.prange(1, mx - 1):
        total_of_plane = 0.0
        for j in range(1, my - 1):
            row = (i * my + j) * mz
            for k in range(1, mz - 1):
                p = np.uint64(row + k)
                if classes[p]:
                    brought, total = faces_by_class(classes, tables, n, x, p, sx, sy)
                    value = brought - total * x[p]
                    r[p] = value
                    total_of_plane += value
        sums[i] = total_of_plane


@loop
def curvature(classes, tables, n, p_, sums, shape):  # type: ignore[no-untyped-def]
    """Sums per plane of p A p, A in the precision of the tables."""
    mx, my, mz = shape
    sx, sy, n = np.uint64(my * mz), np.uint64(mz), np.uint64(n)
    for i in numba.prange(1, mx - 1):
        total_of_plane = 0.0
        for j in range(1, my - 1):
            row = (i * my + j) * mz
            for k in range(1, mz - 1):
                p = np.uint64(row + k)
                if classes[p]:
                    brought, total = faces_by_class(classes, tables, n, p_, p, sx, sy)
                    total_of_plane += p_[p] * (total * p_[p] - brought)
        sums[i] = total_of_plane


@loop
def advance(classes, tables, n, p_, x, r, alpha, sums, shape):  # type: ignore[no-untyped-def]
    """Step x by alpha p and r by -alpha A p; sums per plane of r.

    A p is computed again, not stored: reading p and the classes twice costs less than writing and reading A p.
    """
    mx, my, mz = shape
    sx, sy, n = np.uint64(my * mz), np.uint64(mz), np.uint64(n)
    for i in numba.prange(1, mx - 1):
        total_of_plane = 0.0
        for j in range(1, my - 1):
            row = (i * my + j) * mz
            for k in range(1, mz - 1):
                p = np.uint64(row + k)
                if classes[p]:
                    brought, total = faces_by_class(classes, tables, n, p_, p, sx, sy)
                    x[p] += alpha * p_[p]
                    value = r[p] - alpha * (total * p_[p] - brought)
                    r[p] = value
                    total_of_plane += value
        sums[i] = total_of_plane


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
