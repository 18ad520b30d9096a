"""The loops of `solidstack.kernels.conduction.cpu` on a CUDA device: same voxel functions, same names and arguments."""

import numpy as np

from ..devices import padded
from ..devices.compiled import compiled
from ..devices.cuda import (
    THREADS,
    aggregates,
    aggregates_behind,
    behind_on_device,
    block_functions,
    by_block,
    coloured_voxel,
    cuda,
    device,
    fill,
    get,
    half,
    half_on_device,
    inner,
    inner_on_device,
    inner_voxel,
    is_available,
    over,
    plane_voxel,
    planes,
    put,
    voxel_behind,
    voxels_of,
    wrap,
    zeros,
)
from . import voxel

__all__ = [
    "advance", "coarsen", "coarsen_stored", "currents", "curvature", "dot", "fill", "get", "is_available", "prolong",
    "put", "redirect", "relax", "relax_stored", "residual", "restrict", "restrict_stored", "wrap", "zeros",
]  # fmt: skip

total_of_block, sum_block, largest_of_block = block_functions(globals())
_physics = compiled(padded, voxel, inlined=device, called=device)
relax_voxel = _physics.relax_voxel
relax_stored_voxel = _physics.relax_stored_voxel
left_over = _physics.left_over
left_over_stored = _physics.left_over_stored
inflow = _physics.inflow
energy = _physics.energy
advance_voxel = _physics.advance_voxel
coarsen_aggregate = _physics.coarsen_aggregate
coarsen_stored_aggregate = _physics.coarsen_stored_aggregate


@over(half, after=wrap)
def relax(classes, tables, n, b, v, shape, colour, wrap_y, wrap_z):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Gauss-Seidel on the voxels of one colour."""
    _mx, my, mz = shape
    sx, sy, n = np.uint64(my * mz), np.uint64(mz), np.uint64(n)
    for q in range(cuda.grid(1), half_on_device(shape), cuda.gridsize(1)):
        i, j, k = coloured_voxel(q, colour, shape)
        if k < mz - 1:
            relax_voxel(classes, tables, n, b, v, np.uint64((i * my + j) * mz + k), sx, sy)


@over(half, after=wrap)
def relax_stored(cx, cy, cz, b, v, shape, colour, wrap_y, wrap_z):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """As `relax`, on a coarser level."""
    _mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for q in range(cuda.grid(1), half_on_device(shape), cuda.gridsize(1)):
        i, j, k = coloured_voxel(q, colour, shape)
        if k < mz - 1:
            relax_stored_voxel(cx, cy, cz, b, v, np.uint64((i * my + j) * mz + k), sx, sy)


@over(aggregates)
def restrict(classes, tables, n, b, v, shape, coarse, coarse_shape, halved, step):  # type: ignore[no-untyped-def]
    """Sum the residual over aggregates; ``step`` 2 leaves out the voxels of colour 1, whose residual is 0."""
    _mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    sx, sy, n = np.uint64(my * mz), np.uint64(mz), np.uint64(n)
    for q in range(cuda.grid(1), inner_on_device(coarse_shape), cuda.gridsize(1)):
        ci, cj, ck = inner_voxel(q, coarse_shape)
        along_x, along_y, along_z = voxels_of(ci, cj, ck, shape, halved)
        value = b[0] - b[0]  # a zero of its type
        for i in range(along_x[0], along_x[1] + 1):
            for j in range(along_y[0], along_y[1] + 1):
                for k in range(along_z[0], along_z[1] + 1):
                    p = np.uint64((i * my + j) * mz + k)
                    if classes[p] and (step == 1 or not (i + j + k + 1) & 1):
                        value += left_over(classes, tables, n, b, v, p, sx, sy)
        coarse[(ci * cmy + cj) * cmz + ck] = value


@over(aggregates)
def restrict_stored(cx, cy, cz, b, v, shape, coarse, coarse_shape, halved, step):  # type: ignore[no-untyped-def]
    """As `restrict`, on a coarser level."""
    _mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for q in range(cuda.grid(1), inner_on_device(coarse_shape), cuda.gridsize(1)):
        ci, cj, ck = inner_voxel(q, coarse_shape)
        along_x, along_y, along_z = voxels_of(ci, cj, ck, shape, halved)
        value = b[0] - b[0]
        for i in range(along_x[0], along_x[1] + 1):
            for j in range(along_y[0], along_y[1] + 1):
                for k in range(along_z[0], along_z[1] + 1):
                    if step == 1 or not (i + j + k + 1) & 1:
                        value += left_over_stored(cx, cy, cz, b, v, np.uint64((i * my + j) * mz + k), sx, sy)
        coarse[(ci * cmy + cj) * cmz + ck] = value


@over(inner, after=wrap)
def prolong(v, shape, coarse, coarse_shape, halved, step, wrap_y, wrap_z):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Add the correction of its aggregate to each voxel; ``step`` as in `restrict`."""
    _mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for q in range(cuda.grid(1), inner_on_device(shape), cuda.gridsize(1)):
        i, j, k = inner_voxel(q, shape)
        if step == 1 or not (i + j + k + 1) & 1:
            above = ((((i - 1) >> hx) + 1) * cmy + ((j - 1) >> hy) + 1) * cmz + ((k - 1) >> hz) + 1
            v[(i * my + j) * mz + k] += coarse[above]


@over(aggregates_behind)
def coarsen(classes, tables, n, shape, cx, cy, cz, coarse_shape, halved):  # type: ignore[no-untyped-def]
    """Conductances between aggregates."""
    for q in range(cuda.grid(1), behind_on_device(coarse_shape), cuda.gridsize(1)):
        ci, cj, ck = voxel_behind(q, coarse_shape)
        coarsen_aggregate(classes, tables, n, shape, cx, cy, cz, coarse_shape, halved, ci, cj, ck)


@over(aggregates_behind)
def coarsen_stored(gx, gy, gz, shape, cx, cy, cz, coarse_shape, halved):  # type: ignore[no-untyped-def]
    """As `coarsen`, from a coarser level."""
    for q in range(cuda.grid(1), behind_on_device(coarse_shape), cuda.gridsize(1)):
        ci, cj, ck = voxel_behind(q, coarse_shape)
        coarsen_stored_aggregate(gx, gy, gz, shape, cx, cy, cz, coarse_shape, halved, ci, cj, ck)


@by_block(planes)
def residual(classes, tables, n, x, r, sums, shape):  # type: ignore[no-untyped-def]
    """Residual r of the potential x (with its ghosts); its sum per plane."""
    _mx, my, mz = shape
    sx, sy, n = np.uint64(my * mz), np.uint64(mz), np.uint64(n)
    i = cuda.blockIdx.x + 1
    total = 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = np.uint64(plane_voxel(i, q, shape))
        if classes[p]:
            value = inflow(classes, tables, n, x, p, sx, sy)
            r[p] = value
            total += value
    sum_block(total, sums, i)


@by_block(planes)
def curvature(classes, tables, n, p_, sums, shape):  # type: ignore[no-untyped-def]
    """Sums per plane of p A p, A in the precision of the tables."""
    _mx, my, mz = shape
    sx, sy, n = np.uint64(my * mz), np.uint64(mz), np.uint64(n)
    i = cuda.blockIdx.x + 1
    total = 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = np.uint64(plane_voxel(i, q, shape))
        if classes[p]:
            total += energy(classes, tables, n, p_, p, sx, sy)
    sum_block(total, sums, i)


@by_block(planes)
def advance(classes, tables, n, p_, x, r, alpha, sums, shape):  # type: ignore[no-untyped-def]
    """Step x by alpha p and r by -alpha A p; sums per plane of r."""
    _mx, my, mz = shape
    sx, sy, n = np.uint64(my * mz), np.uint64(mz), np.uint64(n)
    i = cuda.blockIdx.x + 1
    total = 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = np.uint64(plane_voxel(i, q, shape))
        if classes[p]:
            total += advance_voxel(classes, tables, n, p_, x, r, alpha, p, sx, sy)
    sum_block(total, sums, i)


@by_block(planes)
def dot(a, b, sums, shape):  # type: ignore[no-untyped-def]
    """Sums per plane of a b, without the ghosts."""
    _mx, my, mz = shape
    i = cuda.blockIdx.x + 1
    total = 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = plane_voxel(i, q, shape)
        total += a[p] * b[p]
    sum_block(total, sums, i)


@over(lambda p_: p_.size)
def redirect(p_, z, beta, shape):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Set p to z + beta p, ghosts included."""
    for q in range(cuda.grid(1), p_.size, cuda.gridsize(1)):
        p_[q] = z[q] + beta * p_[q]


@by_block(planes)
def currents(classes, tables, n, x, sums, shape):  # type: ignore[no-untyped-def]
    """Sums per plane of the currents through the faces behind each voxel along y and z, in pairs."""
    _mx, my, mz = shape
    n = np.uint64(n)
    i = cuda.blockIdx.x + 1
    along_y, along_z = 0.0, 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = plane_voxel(i, q, shape)
        c = np.uint64(classes[p]) * n
        if c:
            along_y += tables[n * n + c + np.uint64(classes[p + mz])] * (x[p] - x[p + mz])
            along_z += tables[(n + n) * n + c + np.uint64(classes[p + 1])] * (x[p] - x[p + 1])
    sum_block(along_y, sums, 2 * i)
    sum_block(along_z, sums, 2 * i + 1)
