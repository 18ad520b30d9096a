"""The loops of the CPU on a CUDA device, with the same voxel functions and the same names.

As in `solidstack.kernels.conduction.cuda`, a block of threads sums one plane in a fixed order, so that results repeat
exactly; a cluster of additive is summed by a block as well. What needs no sums runs over all voxels at once.
"""

import math
from typing import Any

import numpy as np

from ..conduction.cuda import MOST_BLOCKS, THREADS, _device, _half, _inner, _launch, cuda, get, kernel, put, wrap
from ..conduction.cuda import fill as _fill
from ..conduction.cuda import zeros as _zeros
from . import voxel as coupled
from .voxel import (
    CE,
    COEFFICIENTS,
    CONDUCTION,
    CS,
    DE,
    DS,
    ELECTRONIC,
    EXCHANGE,
    GES,
    GIN,
    GSE,
    KE,
    KS,
    MOBILITY,
    ONE,
    POTENTIAL,
    SHIFT,
    STORES,
)

__all__ = [
    "add", "assign", "cell_coarsen", "cell_prolong", "cell_relax", "cell_restrict", "cluster_links", "coarsen",
    "contents", "copy", "correct", "correct_clusters", "deviation", "dissipation", "dot", "faces", "fill", "get",
    "matvec", "nodes", "predict", "prolong", "prolong_planes", "put", "redirect", "relax", "residual", "restrict",
    "restrict_planes", "set_lithium", "set_lithium_cells", "settle", "step", "subtract", "wrap", "zeros",
]  # fmt: skip

look_up = _device(coupled.look_up)
look_up_slope = _device(coupled.look_up_slope)
react = _device(coupled.react)
exchanges = _device(coupled.exchanges)
row = coupled.make_row(_device, exchanges)  # type: ignore[no-untyped-call]
reaction_at = coupled.make_reaction(_device, react)  # type: ignore[no-untyped-call]
share = coupled.make_share(_device, exchanges)  # type: ignore[no-untyped-call]
harmonic = _device(coupled.harmonic)
left_over = _device(coupled.left_over)
solve_voxel = _device(coupled.solve_voxel)
cell_sums = _device(coupled.cell_sums)
beside = _device(coupled.beside)
extrapolate = _device(coupled.extrapolate)
cell_left_over = _device(coupled.cell_left_over)
solve_cell = _device(coupled.solve_cell)


def zeros(count: Any, dtype: Any) -> Any:
    """Array of zeros on the device; ``count``: a number, or two."""
    if isinstance(count, tuple):
        return _zeros(math.prod(count), dtype).reshape(count)
    return _zeros(count, dtype)


def fill(array: Any, value: float) -> None:
    """Set all of an array."""
    _fill(array.ravel(), value)


def copy(source: Any, target: Any) -> None:
    """Copy an array into one of another precision."""
    _launch(_copy, source.size, source, target)


def add(array: Any, other: Any) -> None:
    """Add an array of another precision."""
    _launch(_add, array.size, array, other)


def subtract(array: Any, other: Any) -> None:
    """Subtract an array of another precision."""
    _launch(_subtract, array.size, array, other)


def assign(array: Any, values: Any) -> None:
    """Fill an array with values from the host."""
    array.copy_to_device(values)


def nodes(kind, *arguments):  # type: ignore[no-untyped-def]
    """Properties of every voxel by its content."""
    _launch(_nodes, kind.size, kind, *arguments)


def faces(*arguments):  # type: ignore[no-untyped-def]
    """Conductances of all faces, and the currents of interfaces."""
    mx, my, mz = arguments[-1]
    _launch(_faces, (mx - 1) * (my - 1) * (mz - 1), *arguments)


def residual(*arguments):  # type: ignore[no-untyped-def]
    """What is left over of both rows, and sums by plane."""
    _residual[arguments[-1][0] - 2, THREADS](*arguments)


def relax(*arguments):  # type: ignore[no-untyped-def]
    """Gauss-Seidel on the voxels of one colour, both rows of a voxel at once."""
    *network, shape, wrap_y, wrap_z = arguments
    v, w = network[9:11]
    _launch(_relax, _half(shape), *network, shape)
    _wrap_both(v, w, shape, wrap_y, wrap_z)


def matvec(*arguments):  # type: ignore[no-untyped-def]
    """Apply the network to (v, w) and the collector's potential; by plane: v av + w aw, and the collector's row."""
    _matvec[arguments[-1][0] - 2, THREADS](*arguments)


def restrict(*arguments):  # type: ignore[no-untyped-def]
    """Sum the residual over aggregates."""
    coarse_shape = arguments[-4]
    _restrict[coarse_shape[0] - 2, THREADS](*arguments)


def restrict_planes(*arguments):  # type: ignore[no-untyped-def]
    """Sum the residual over each of the first planes."""
    *network, planes, sums = arguments
    _restrict_planes[planes, THREADS](*network, sums)


def prolong_planes(v, w, shape, planes, values):  # type: ignore[no-untyped-def]
    """Add a value to each of the first planes."""
    _launch(_prolong_planes, planes * shape[1] * shape[2], v, w, shape, planes, values)


def cluster_links(kind, cx, cy, cz, places, starts, links, shape):  # type: ignore[no-untyped-def]
    """Conductance from each cluster of additive to other electronic conductors."""
    _cluster_links[min(links.size, MOST_BLOCKS), THREADS](kind, cx, cy, cz, places, starts, links, shape)


def correct_clusters(*arguments):  # type: ignore[no-untyped-def]
    """Shift the potential of each cluster of additive so that what is left over of it vanishes in sum."""
    links = arguments[-1]
    _correct_clusters[min(links.size, MOST_BLOCKS), THREADS](*arguments)


def prolong(kind, v, w, shape, coarse, coarse_shape, halved, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Add the correction of its aggregate to each voxel."""
    _launch(_prolong, _inner(shape), kind, v, w, shape, coarse, coarse_shape, halved)
    _wrap_both(v, w, shape, wrap_y, wrap_z)


def coarsen(*arguments):  # type: ignore[no-untyped-def]
    """Coefficients of the aggregates."""
    a = arguments[-3]
    _launch(_coarsen, a.shape[0], *arguments)


def cell_relax(a, b, f, plate, colour, ideal, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """As `relax`, on a coarser level."""
    _launch(_cell_relax, _half(shape), a, b, f, plate, colour, ideal, shape)
    _wrap_cells(f, shape, wrap_y, wrap_z)


def cell_restrict(a, b, f, ideal, shape, coarse, coarse_shape, halved, plates):  # type: ignore[no-untyped-def]
    """As `restrict`, on a coarser level."""
    _cell_restrict[coarse_shape[0] - 2, THREADS](a, b, f, ideal, shape, coarse, coarse_shape, halved, plates)


def cell_prolong(f, shape, coarse, coarse_shape, halved, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """As `prolong`, on a coarser level."""
    _launch(_cell_prolong, _inner(shape), f, shape, coarse, coarse_shape, halved)
    _wrap_cells(f, shape, wrap_y, wrap_z)


def cell_coarsen(fine, shape, a, coarse_shape, halved):  # type: ignore[no-untyped-def]
    """As `coarsen`, from a coarser level."""
    _launch(_cell_coarsen, a.shape[0], fine, shape, a, coarse_shape, halved)


def set_lithium(v, value, shape):  # type: ignore[no-untyped-def]
    """Set the potential behind the first plane, relative to the collector's."""
    _fill(v[: shape[1] * shape[2]], value)


def set_lithium_cells(f, value, shape):  # type: ignore[no-untyped-def]
    """As `set_lithium`, on a coarser level."""
    _launch(_set_first, shape[1] * shape[2], f, value, shape)


def dot(a, b, c, d, sums, shape):  # type: ignore[no-untyped-def]
    """Sums per plane of a b + c d, without the ghosts."""
    _dot[shape[0] - 2, THREADS](a, b, c, d, sums, shape)


def redirect(pv, pw, zv, zw, beta, shape):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Set p to z + beta p, ghosts included."""
    _launch(_redirect, pv.size, pv, pw, zv, zw, beta)


def step(pv, pw, av, aw, dv, dw, rv, rw, alpha, shape):  # type: ignore[no-untyped-def]
    """Step the solution d by alpha p and the residual r by -alpha A p."""
    _launch(_step, (shape[0] - 2) * shape[1] * shape[2], pv, pw, av, aw, dv, dw, rv, rw, alpha, shape)


def correct(kind, phi, x, dv, dw, im, most, sums, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Take a step of Newton's method; contents go at most nine tenths of their way to a bound."""
    _correct[shape[0] - 2, THREADS](kind, phi, x, dv, dw, im, most, sums, shape)
    _wrap_both(phi, x, shape, wrap_y, wrap_z)


def settle(kind, x, bw, storage, a0, volume, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Put what is left over of the rows of content into it: what is stored is then what passed, to rounding."""
    _launch(_settle, _inner(shape), kind, x, bw, storage, a0, volume, shape)
    wrap(x, shape, wrap_y, wrap_z)


def predict(kind, x, x1, x2, phi, phi1, phi2, ratio, most, shape):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Extrapolate content and potential from the two times before, by ``ratio`` times their last change."""
    _launch(_predict, kind.size, kind, x, x1, x2, phi, phi1, phi2, ratio, most)


def deviation(*arguments):  # type: ignore[no-untyped-def]
    """Sums by plane of the squared distance of the content from `predict`, by volume of storage, and of that volume."""
    _deviation[arguments[-1][0] - 2, THREADS](*arguments)


def contents(kind, x, volume, sums, shape):  # type: ignore[no-untyped-def]
    """Sums by plane and material of content times volume, and the least content; materials in columns."""
    _contents[shape[0] - 2, THREADS](kind, x, volume, sums, shape)


def dissipation(*arguments):  # type: ignore[no-untyped-def]
    """Where the power goes, by plane, in V times ``scale``."""
    _dissipation[arguments[-1][0] - 1, THREADS](*arguments)


def _wrap_both(v: Any, w: Any, shape: Any, wrap_y: bool, wrap_z: bool) -> None:
    if wrap_y or wrap_z:
        _launch(_wrap_two, (shape[0] - 2) * (shape[1] + shape[2]), v, w, shape, wrap_y, wrap_z)


def _wrap_cells(f: Any, shape: Any, wrap_y: bool, wrap_z: bool) -> None:
    if wrap_y or wrap_z:
        _launch(_wrap_rows, (shape[0] - 2) * (shape[1] + shape[2]), f, shape, wrap_y, wrap_z)


@_device
def _total(value, like):  # type: ignore[no-untyped-def]
    """Sum of a value of each thread of the block, always in the same order; known to all, in the type of ``like``."""
    shared = cuda.shared.array(THREADS, like.dtype)
    t = cuda.threadIdx.x
    shared[t] = value
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if t < half:
            shared[t] += shared[t + half]
        cuda.syncthreads()
        half //= 2
    found = shared[0]
    cuda.syncthreads()
    return found


@_device
def _sum_block(value, sums, index):  # type: ignore[no-untyped-def]
    """As `_total`, into sums[index]."""
    found = _total(value, sums)
    if cuda.threadIdx.x == 0:
        sums[index] = found


@_device
def _largest_block(value, sums, index):  # type: ignore[no-untyped-def]
    """Largest of the values of the threads of the block, into sums[index]."""
    shared = cuda.shared.array(THREADS, sums.dtype)
    t = cuda.threadIdx.x
    shared[t] = value
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if t < half:
            shared[t] = max(shared[t], shared[t + half])
        cuda.syncthreads()
        half //= 2
    if t == 0:
        sums[index] = shared[0]
    cuda.syncthreads()


@kernel
def _copy(source, target):  # type: ignore[no-untyped-def]
    for q in range(cuda.grid(1), source.size, cuda.gridsize(1)):
        target[q] = source[q]


@kernel
def _add(array, other):  # type: ignore[no-untyped-def]
    for q in range(cuda.grid(1), array.size, cuda.gridsize(1)):
        array[q] += other[q]


@kernel
def _subtract(array, other):  # type: ignore[no-untyped-def]
    for q in range(cuda.grid(1), array.size, cuda.gridsize(1)):
        array[q] -= other[q]


@kernel
def _wrap_two(v, w, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    for q in range(cuda.grid(1), (mx - 2) * (my + mz), cuda.gridsize(1)):
        first = (q // (my + mz) + 1) * my * mz
        k = q % (my + mz)
        j = k - mz
        if wrap_y and 0 < k < mz - 1:
            near, far = first + k, first + (my - 1) * mz + k
            v[near], w[near] = v[far - mz], w[far - mz]
            v[far], w[far] = v[near + mz], w[near + mz]
        if wrap_z and 0 < j < my - 1:
            near, far = first + j * mz, first + j * mz + mz - 1
            v[near], w[near] = v[far - 1], w[far - 1]
            v[far], w[far] = v[near + 1], w[near + 1]


@kernel
def _wrap_rows(f, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    for q in range(cuda.grid(1), (mx - 2) * (my + mz), cuda.gridsize(1)):
        first = (q // (my + mz) + 1) * my * mz
        k = q % (my + mz)
        j = k - mz
        if wrap_y and 0 < k < mz - 1:
            near, far = first + k, first + (my - 1) * mz + k
            for part in range(4):
                f[near, part] = f[far - mz, part]
                f[far, part] = f[near + mz, part]
        if wrap_z and 0 < j < my - 1:
            near, far = first + j * mz, first + j * mz + mz - 1
            for part in range(4):
                f[near, part] = f[far - 1, part]
                f[far, part] = f[near + 1, part]


@kernel
def _nodes(kind, x, tables, most, beta, least_slope, sigma, j0, s, im, e, anew, shape):  # type: ignore[no-untyped-def]  # noqa: ARG001
    for p in range(cuda.grid(1), kind.size, cuda.gridsize(1)):
        here = kind[p]
        if here >> SHIFT:
            m = (here >> SHIFT) - 1
            if anew:
                sigma[p] = look_up(tables[m, CONDUCTION], x[p], most[m])
            if here & STORES:
                if beta[m] > 0.0:
                    bounded = max(x[p], 1e-6)
                    s[p] = beta[m] * math.log(bounded)
                    slope = beta[m] / bounded
                else:
                    value, slope = look_up_slope(tables[m, POTENTIAL], x[p], most[m])
                    s[p] = -value
                    slope = max(-slope, least_slope)
                im[p] = 1.0 / slope
                if anew:
                    e[p] = look_up(tables[m, MOBILITY], x[p], most[m])
                    j0[p] = look_up(tables[m, EXCHANGE], x[p], most[m])


@kernel
def _faces(  # type: ignore[no-untyped-def]
    kind, phi, ax, ay, az, alpha, sigma, j0, s, e, cx, cy, cz, jx, jy, jz, plate, lithium, resistance, f, ideal,
    lengths, hy, hz, scale, shape,
):  # fmt: skip
    mx, my, mz = shape
    for q in range(cuda.grid(1), (mx - 1) * (my - 1) * (mz - 1), cuda.gridsize(1)):
        i = q // ((my - 1) * (mz - 1))
        j = (q // (mz - 1)) % (my - 1)
        k = q % (mz - 1)
        p = (i * my + j) * mz + k
        here = kind[p]
        for axis in range(3):
            if axis == 0:
                if j == 0 or k == 0:
                    continue
                n, la, lb, whole, area = p + my * mz, lengths[i], lengths[i + 1], hy * hz, ax[p]
            elif axis == 1:
                if i == 0 or k == 0:
                    continue
                n, la, lb, whole, area = p + mz, hy, hy, beside(lengths, i, mx) * hz, ay[p]
            else:
                if i == 0 or j == 0:
                    continue
                n, la, lb, whole, area = p + 1, hz, hz, beside(lengths, i, mx) * hy, az[p]
            there = kind[n]
            c = 0.0
            current = 0.0
            if here and there:
                if (here ^ there) & ELECTRONIC:
                    if area > 0.0:
                        found = reaction_at(
                            p, n, la, lb, kind, phi, alpha, sigma, j0, s, e, plate, lithium, resistance, f, ideal
                        )
                        current = found[0] * area / scale
                        c = found[1] * area / scale
                elif not (ideal and here & ELECTRONIC):
                    if here >> SHIFT and there >> SHIFT:
                        c = harmonic(sigma[p], sigma[n], la, lb, whole) / scale
                    elif there >> SHIFT:
                        c = 2.0 * sigma[n] * whole / lb / scale
                    elif here >> SHIFT:
                        c = 2.0 * sigma[p] * whole / la / scale
            if axis == 0:
                cx[p] = c
                jx[p] = current
            elif axis == 1:
                cy[p] = c
                jy[p] = current
            else:
                cz[p] = c
                jz[p] = current


@kernel
def _residual(  # type: ignore[no-untyped-def]
    kind, phi, x, x1, x2, a0, a1, a2, storage, cx, cy, cz, jx, jy, jz, s, e, bv, bw, sums, ideal, gx, gy, gz,
    volume, shape,
):  # fmt: skip
    mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    i = cuda.blockIdx.x + 1
    absolute = electronic = ionic = interface = collector = crossing = 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = np.uint64((i * my + q // (mz - 2) + 1) * mz + q % (mz - 2) + 1)
        here = kind[p]
        if not here:
            continue
        own, content, mobile = phi[p], s[p], e[p]
        n = p - sx
        v1, w1 = share(here, cx[n], jx[n], kind[n], own, phi[n], mobile, e[n], content, s[n], gx[i - 1])
        n = p + sx
        v2, w2 = share(here, cx[p], jx[p], kind[n], own, phi[n], mobile, e[n], content, s[n], gx[i])
        n = p - sy
        v3, w3 = share(here, cy[n], jy[n], kind[n], own, phi[n], mobile, e[n], content, s[n], gy[i])
        n = p + sy
        v4, w4 = share(here, cy[p], jy[p], kind[n], own, phi[n], mobile, e[n], content, s[n], gy[i])
        n = p - ONE
        v5, w5 = share(here, cz[n], jz[n], kind[n], own, phi[n], mobile, e[n], content, s[n], gz[i])
        n = p + ONE
        v6, w6 = share(here, cz[p], jz[p], kind[n], own, phi[n], mobile, e[n], content, s[n], gz[i])
        rv = v1 + v2 + v3 + v4 + v5 + v6
        rw = w1 + w2 + w3 + w4 + w5 + w6
        if here & STORES:
            rw -= storage[here] * volume[i] * (a0 * x[p] + a1 * x1[p] + a2 * x2[p])
        else:
            rw = 0.0
        if here & ELECTRONIC:
            left = jx[p - sx] * ((kind[p - sx] ^ here) & ELECTRONIC)
            left += jx[p] * ((kind[p + sx] ^ here) & ELECTRONIC)
            left += jy[p - sy] * ((kind[p - sy] ^ here) & ELECTRONIC)
            left += jy[p] * ((kind[p + sy] ^ here) & ELECTRONIC)
            left += jz[p - ONE] * ((kind[p - ONE] ^ here) & ELECTRONIC)
            left += jz[p] * ((kind[p + ONE] ^ here) & ELECTRONIC)
            interface += left
            crossing += abs(left)
            electronic += rv
            if ideal:
                rv = 0.0
            if i == mx - 2:
                collector -= cx[p] * own
        else:
            ionic += rv
        bv[p] = rv
        bw[p] = rw
        absolute += abs(rv) + abs(rw)
    _sum_block(absolute, sums, 6 * i)
    _sum_block(electronic, sums, 6 * i + 1)
    _sum_block(ionic, sums, 6 * i + 2)
    _sum_block(interface, sums, 6 * i + 3)
    _sum_block(collector, sums, 6 * i + 4)
    _sum_block(crossing, sums, 6 * i + 5)


@kernel
def _relax(kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, colour, ideal, gx, gy, gz, volume, shape):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    width = (mz - 1) // 2
    for q in range(cuda.grid(1), (mx - 2) * (my - 2) * width, cuda.gridsize(1)):
        i = q // (width * (my - 2)) + 1
        j = (q // width) % (my - 2) + 1
        k = 1 + ((colour + i + j) & 1) + 2 * (q % width)
        if k < mz - 1:
            p = np.uint64((i * my + j) * mz + k)
            here = kind[p]
            if here:
                sums = row(kind, cx, cy, cz, e, v, w, plate, p, sx, sy, gx[i - 1], gx[i], gy[i], gz[i])
                store = storage[here] * volume[i] * im[p]
                v[p], w[p] = solve_voxel(here, store, bv[p], bw[p], sums, ideal)


@kernel
def _matvec(kind, cx, cy, cz, e, im, storage, v, w, plate, av, aw, sums, ideal, gx, gy, gz, volume, shape):  # type: ignore[no-untyped-def]
    _mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    i = cuda.blockIdx.x + 1
    energy = sums[0] - sums[0]  # zeros of its type
    crossing = sums[0] - sums[0]
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = np.uint64((i * my + q // (mz - 2) + 1) * mz + q % (mz - 2) + 1)
        here = kind[p]
        if here:
            found = row(kind, cx, cy, cz, e, v, w, plate, p, sx, sy, gx[i - 1], gx[i], gy[i], gz[i])
            store = storage[here] * volume[i] * im[p]
            zero = v[p] - v[p]
            rv, rw, reaction = left_over(here, store, v[p], w[p], zero, zero, found)
            energy -= v[p] * rv + w[p] * rw
            if here & ELECTRONIC:
                crossing -= reaction
                if ideal:
                    rv = rv - rv
            av[p] = -rv
            aw[p] = -rw
    _sum_block(energy, sums, 2 * i)
    _sum_block(crossing, sums, 2 * i + 1)


@kernel
def _restrict(  # type: ignore[no-untyped-def]
    kind, cx, cy, cz, e, im, storage, bv, bw, v, w, ideal, gx, gy, gz, volume, shape, coarse, coarse_shape,
    halved, first, plates,
):  # fmt: skip
    mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    ci = cuda.blockIdx.x + 1
    zero = v[0] - v[0]
    plate = zero
    for q in range(cuda.threadIdx.x, (cmy - 2) * (cmz - 2), THREADS):
        cj = q // (cmz - 2) + 1
        ck = q % (cmz - 2) + 1
        vs = ws = ve = we = zero
        for i in range(((ci - 1) << hx) + 1, min(ci << hx, mx - 2) + 1):
            for j in range(((cj - 1) << hy) + 1, min(cj << hy, my - 2) + 1):
                for k in range(((ck - 1) << hz) + 1, min(ck << hz, mz - 2) + 1):
                    p = np.uint64((i * my + j) * mz + k)
                    here = kind[p]
                    if not here or (first == 2 and (i + j + k + 1) & 1 and not here & ELECTRONIC):
                        continue
                    found = row(kind, cx, cy, cz, e, v, w, zero, p, sx, sy, gx[i - 1], gx[i], gy[i], gz[i])
                    store = storage[here] * volume[i] * im[p]
                    rv, rw, reaction = left_over(here, store, v[p], w[p], bv[p], bw[p], found)
                    if here & ELECTRONIC:
                        plate += reaction
                        if not ideal:
                            vs += rv
                        ws += rw
                    else:
                        ve += rv
                        we += rw
        above = (ci * cmy + cj) * cmz + ck
        coarse[above, 0], coarse[above, 1], coarse[above, 2], coarse[above, 3] = vs, ws, ve, we
    _sum_block(plate, plates, ci)


@kernel
def _restrict_planes(  # type: ignore[no-untyped-def]
    kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, gx, gy, gz, volume, shape, sums
):
    _mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    i = cuda.blockIdx.x + 1
    total_v = total_w = v[0] - v[0]
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = np.uint64((i * my + q // (mz - 2) + 1) * mz + q % (mz - 2) + 1)
        here = kind[p]
        found = row(kind, cx, cy, cz, e, v, w, plate, p, sx, sy, gx[i - 1], gx[i], gy[i], gz[i])
        store = storage[here] * volume[i] * im[p]
        rv, rw, _reaction = left_over(here, store, v[p], w[p], bv[p], bw[p], found)
        total_v += rv
        total_w += rw
    _sum_block(total_v, sums, 2 * (i - 1))
    _sum_block(total_w, sums, 2 * (i - 1) + 1)


@kernel
def _prolong_planes(v, w, shape, planes, values):  # type: ignore[no-untyped-def]
    _mx, my, mz = shape
    for q in range(cuda.grid(1), planes * my * mz, cuda.gridsize(1)):
        plane = q // (my * mz)
        v[q + my * mz] += values[2 * plane]
        w[q + my * mz] += values[2 * plane + 1]


@kernel
def _cluster_links(kind, cx, cy, cz, places, starts, links, shape):  # type: ignore[no-untyped-def]
    _mx, my, mz = shape
    sx, sy = my * mz, mz
    for cluster in range(cuda.blockIdx.x, links.size, cuda.gridDim.x):
        total = 0.0
        for place in range(starts[cluster] + cuda.threadIdx.x, starts[cluster + 1], THREADS):
            p = places[place]
            here = kind[p]
            for n, c in (
                (p - sx, cx[p - sx]), (p + sx, cx[p]), (p - sy, cy[p - sy]), (p + sy, cy[p]), (p - 1, cz[p - 1]),
                (p + 1, cz[p]),
            ):  # fmt: skip
                if kind[n] != here:
                    total += c
        _sum_block(total, links, cluster)


@kernel
def _correct_clusters(  # type: ignore[no-untyped-def]
    kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, gx, gy, gz, volume, shape, places, starts, links
):
    _mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for cluster in range(cuda.blockIdx.x, links.size, cuda.gridDim.x):
        value = v[0] - v[0]
        for place in range(starts[cluster] + cuda.threadIdx.x, starts[cluster + 1], THREADS):
            p = np.uint64(places[place])
            i = places[place] // (my * mz)
            here = kind[p]
            found = row(kind, cx, cy, cz, e, v, w, plate, p, sx, sy, gx[i - 1], gx[i], gy[i], gz[i])
            rv, _rw, _reaction = left_over(here, storage[here] * volume[i] * im[p], v[p], w[p], bv[p], bw[p], found)
            value += rv
        total = _total(value, v)
        if links[cluster] != 0.0:
            shift = total / links[cluster]
            for place in range(starts[cluster] + cuda.threadIdx.x, starts[cluster + 1], THREADS):
                v[places[place]] += shift


@kernel
def _prolong(kind, v, w, shape, coarse, coarse_shape, halved):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for q in range(cuda.grid(1), (mx - 2) * (my - 2) * (mz - 2), cuda.gridsize(1)):
        i = q // ((my - 2) * (mz - 2)) + 1
        j = (q // (mz - 2)) % (my - 2) + 1
        k = q % (mz - 2) + 1
        p = (i * my + j) * mz + k
        here = kind[p]
        if here:
            above = ((((i - 1) >> hx) + 1) * cmy + ((j - 1) >> hy) + 1) * cmz + ((k - 1) >> hz) + 1
            part = 0 if here & ELECTRONIC else 2
            v[p] += coarse[above, part]
            if here & STORES:
                w[p] += coarse[above, part + 1]


@kernel
def _coarsen(kind, cx, cy, cz, e, im, storage, gx, gy, gz, volume, shape, a, coarse_shape, halved):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    sx, sy = my * mz, mz
    for q in range(cuda.grid(1), cmx * cmy * cmz, cuda.gridsize(1)):
        ci = q // (cmy * cmz)
        cj = (q // cmz) % cmy
        ck = q % cmz
        if ci == cmx - 1 or cj == cmy - 1 or ck == cmz - 1:
            continue
        for column in range(COEFFICIENTS):
            a[q, column] = 0.0
        i_last, j_last, k_last = min(ci << hx, mx - 2), min(cj << hy, my - 2), min(ck << hz, mz - 2)
        i_first = ((ci - 1) << hx) + 1 if ci else 0
        j_first = ((cj - 1) << hy) + 1 if cj else 0
        k_first = ((ck - 1) << hz) + 1 if ck else 0
        for i in range(i_first, i_last + 1):
            for j in range(j_first, j_last + 1):
                for k in range(k_first, k_last + 1):
                    p = i * sx + j * sy + k
                    here = kind[p]
                    if not here:
                        continue
                    if ci and cj and ck and here & STORES:
                        a[q, CS if here & ELECTRONIC else CE] += storage[here] * volume[i] * im[p]
                    for axis in range(3):
                        if axis == 0:
                            if not (cj and ck):
                                continue
                            n, c, g, inner, half = p + sx, cx[p], gx[i], i < i_last, hx
                        elif axis == 1:
                            if not (ci and ck):
                                continue
                            n, c, g, inner, half = p + sy, cy[p], gy[i], j < j_last, hy
                        else:
                            if not (ci and cj):
                                continue
                            n, c, g, inner, half = p + 1, cz[p], gz[i], k < k_last, hz
                        there = kind[n]
                        if (here ^ there) & ELECTRONIC:
                            if inner:
                                a[q, GIN] += c
                            else:
                                a[q, (GSE if here & ELECTRONIC else GES) + axis] += c
                        elif not inner:
                            a[q, (KS if here & ELECTRONIC else KE) + axis] += c / (1 << half)
                            if exchanges(here, there):
                                a[q, (DS if here & ELECTRONIC else DE) + axis] += (e[p] + e[n]) * g / (1 << half)


@kernel
def _cell_relax(a, b, f, plate, colour, ideal, shape):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    width = (mz - 1) // 2
    for q in range(cuda.grid(1), (mx - 2) * (my - 2) * width, cuda.gridsize(1)):
        i = q // (width * (my - 2)) + 1
        j = (q // width) % (my - 2) + 1
        k = 1 + ((colour + i + j) & 1) + 2 * (q % width)
        if k < mz - 1:
            p = np.uint64((i * my + j) * mz + k)
            sums = cell_sums(a, f, plate, p, sx, sy)
            f[p, 0], f[p, 1], f[p, 2], f[p, 3] = solve_cell(a, b, plate, p, sums, ideal)


@kernel
def _cell_restrict(a, b, f, ideal, shape, coarse, coarse_shape, halved, plates):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    ci = cuda.blockIdx.x + 1
    zero = f[0, 0] - f[0, 0]
    plate = zero
    for q in range(cuda.threadIdx.x, (cmy - 2) * (cmz - 2), THREADS):
        cj = q // (cmz - 2) + 1
        ck = q % (cmz - 2) + 1
        vs = ws = ve = we = zero
        for i in range(((ci - 1) << hx) + 1, min(ci << hx, mx - 2) + 1):
            for j in range(((cj - 1) << hy) + 1, min(cj << hy, my - 2) + 1):
                for k in range(((ck - 1) << hz) + 1, min(ck << hz, mz - 2) + 1):
                    p = np.uint64((i * my + j) * mz + k)
                    sums = cell_sums(a, f, zero, p, sx, sy)
                    sv, sw, ev, ew, reaction = cell_left_over(a, f, b, zero, p, sums, ideal)
                    plate += reaction
                    vs += sv
                    ws += sw
                    ve += ev
                    we += ew
        above = (ci * cmy + cj) * cmz + ck
        coarse[above, 0], coarse[above, 1], coarse[above, 2], coarse[above, 3] = vs, ws, ve, we
    _sum_block(plate, plates, ci)


@kernel
def _cell_prolong(f, shape, coarse, coarse_shape, halved):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for q in range(cuda.grid(1), (mx - 2) * (my - 2) * (mz - 2), cuda.gridsize(1)):
        i = q // ((my - 2) * (mz - 2)) + 1
        j = (q // (mz - 2)) % (my - 2) + 1
        k = q % (mz - 2) + 1
        p = (i * my + j) * mz + k
        above = ((((i - 1) >> hx) + 1) * cmy + ((j - 1) >> hy) + 1) * cmz + ((k - 1) >> hz) + 1
        for part in range(4):
            f[p, part] += coarse[above, part]


@kernel
def _cell_coarsen(fine, shape, a, coarse_shape, halved):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for q in range(cuda.grid(1), cmx * cmy * cmz, cuda.gridsize(1)):
        ci = q // (cmy * cmz)
        cj = (q // cmz) % cmy
        ck = q % cmz
        if ci == cmx - 1 or cj == cmy - 1 or ck == cmz - 1:
            continue
        for column in range(COEFFICIENTS):
            a[q, column] = 0.0
        i_last, j_last, k_last = min(ci << hx, mx - 2), min(cj << hy, my - 2), min(ck << hz, mz - 2)
        i_first = ((ci - 1) << hx) + 1 if ci else 0
        j_first = ((cj - 1) << hy) + 1 if cj else 0
        k_first = ((ck - 1) << hz) + 1 if ck else 0
        for i in range(i_first, i_last + 1):
            for j in range(j_first, j_last + 1):
                for k in range(k_first, k_last + 1):
                    p = (i * my + j) * mz + k
                    if ci and cj and ck:
                        a[q, GIN] += fine[p, GIN]
                        a[q, CS] += fine[p, CS]
                        a[q, CE] += fine[p, CE]
                    for axis in range(3):
                        if axis == 0:
                            used, inner, half = cj and ck, i < i_last, hx
                        elif axis == 1:
                            used, inner, half = ci and ck, j < j_last, hy
                        else:
                            used, inner, half = ci and cj, k < k_last, hz
                        if not used:
                            continue
                        if inner:
                            a[q, GIN] += fine[p, GSE + axis] + fine[p, GES + axis]
                        else:
                            a[q, GSE + axis] += fine[p, GSE + axis]
                            a[q, GES + axis] += fine[p, GES + axis]
                            a[q, KS + axis] += fine[p, KS + axis] / (1 << half)
                            a[q, DS + axis] += fine[p, DS + axis] / (1 << half)
                            a[q, KE + axis] += fine[p, KE + axis] / (1 << half)
                            a[q, DE + axis] += fine[p, DE + axis] / (1 << half)


@kernel
def _set_first(f, value, shape):  # type: ignore[no-untyped-def]
    for p in range(cuda.grid(1), shape[1] * shape[2], cuda.gridsize(1)):
        f[p, 0] = value


@kernel
def _dot(a, b, c, d, sums, shape):  # type: ignore[no-untyped-def]
    _mx, my, mz = shape
    i = cuda.blockIdx.x + 1
    value = sums[0] - sums[0]
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = (i * my + q // (mz - 2) + 1) * mz + q % (mz - 2) + 1
        value += a[p] * b[p] + c[p] * d[p]
    _sum_block(value, sums, i)


@kernel
def _redirect(pv, pw, zv, zw, beta):  # type: ignore[no-untyped-def]
    for q in range(cuda.grid(1), pv.size, cuda.gridsize(1)):
        pv[q] = zv[q] + beta * pv[q]
        pw[q] = zw[q] + beta * pw[q]


@kernel
def _step(pv, pw, av, aw, dv, dw, rv, rw, alpha, shape):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    for p in range(my * mz + cuda.grid(1), (mx - 1) * my * mz, cuda.gridsize(1)):
        dv[p] += alpha * pv[p]
        dw[p] += alpha * pw[p]
        rv[p] -= alpha * av[p]
        rw[p] -= alpha * aw[p]


@kernel
def _correct(kind, phi, x, dv, dw, im, most, sums, shape):  # type: ignore[no-untyped-def]
    _mx, my, mz = shape
    i = cuda.blockIdx.x + 1
    largest_v = largest_x = 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = (i * my + q // (mz - 2) + 1) * mz + q % (mz - 2) + 1
        here = kind[p]
        if not here:
            continue
        change = dv[p] + 0.0
        phi[p] += change
        largest_v = max(largest_v, abs(change))
        if here & STORES:
            content = x[p]
            change = dw[p] * im[p]
            change = min(max(change, -0.9 * content), 0.9 * (most[(here >> SHIFT) - 1] - content))
            x[p] = content + change
            largest_x = max(largest_x, abs(change))
    _largest_block(largest_v, sums, 2 * i)
    _largest_block(largest_x, sums, 2 * i + 1)


@kernel
def _settle(kind, x, bw, storage, a0, volume, shape):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    for q in range(cuda.grid(1), (mx - 2) * (my - 2) * (mz - 2), cuda.gridsize(1)):
        i = q // ((my - 2) * (mz - 2)) + 1
        p = (i * my + (q // (mz - 2)) % (my - 2) + 1) * mz + q % (mz - 2) + 1
        here = kind[p]
        if here & STORES:
            x[p] += bw[p] / (storage[here] * volume[i] * a0)


@kernel
def _predict(kind, x, x1, x2, phi, phi1, phi2, ratio, most):  # type: ignore[no-untyped-def]
    for p in range(cuda.grid(1), kind.size, cuda.gridsize(1)):
        here = kind[p]
        if here:
            phi[p] = phi1[p] + ratio * (phi1[p] - phi2[p])
            if here & STORES:
                x[p] = extrapolate(x1[p], x2[p], ratio, most[(here >> SHIFT) - 1])


@kernel
def _deviation(kind, x, x1, x2, ratio, most, storage, volume, sums, shape):  # type: ignore[no-untyped-def]
    _mx, my, mz = shape
    i = cuda.blockIdx.x + 1
    total = whole = 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = (i * my + q // (mz - 2) + 1) * mz + q % (mz - 2) + 1
        here = kind[p]
        if here & STORES:
            weight = storage[here] * volume[i]
            total += weight * (x[p] - extrapolate(x1[p], x2[p], ratio, most[(here >> SHIFT) - 1])) ** 2
            whole += weight
    _sum_block(total, sums, 2 * i)
    _sum_block(whole, sums, 2 * i + 1)


@kernel
def _contents(kind, x, volume, sums, shape):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    i = cuda.blockIdx.x + 1
    count = sums.shape[0] // mx // 2
    for m in range(count):
        total = 0.0
        fewest = 1e30
        for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
            p = (i * my + q // (mz - 2) + 1) * mz + q % (mz - 2) + 1
            here = kind[p]
            if here & STORES and (here >> SHIFT) == m + 1:
                total += x[p] * volume[i]
                fewest = min(fewest, x[p])
        place = 2 * (i * count + m)
        _sum_block(total, sums, place)
        _largest_block(-fewest, sums, place + 1)
        if cuda.threadIdx.x == 0:
            sums[place + 1] = -sums[place + 1]


@kernel
def _dissipation(  # type: ignore[no-untyped-def]
    kind, phi, ax, ay, az, alpha, sigma, j0, s, e, cx, cy, cz, plate, lithium, resistance, f, ideal, lengths,
    hy, hz, scale, membrane, sums, shape,
):  # fmt: skip
    _mx, my, mz = shape
    i = cuda.blockIdx.x
    ionic = inner = electronic = transfer = diffusion = salt = metal = potential = 0.0
    for q in range(cuda.threadIdx.x, (my - 1) * (mz - 1), THREADS):
        j = q // (mz - 1)
        k = q % (mz - 1)
        p = (i * my + j) * mz + k
        here = kind[p]
        if not here:
            continue
        for axis in range(3):
            if axis == 0:
                if j == 0 or k == 0:
                    continue
                n, la, lb, c, area = p + my * mz, lengths[i], lengths[i + 1], cx[p], ax[p]
            elif axis == 1:
                if i == 0 or j == 0 or k == 0:
                    continue
                n, la, lb, c, area = p + mz, hy, hy, cy[p], ay[p]
            else:
                if i == 0 or j == 0 or k == 0:
                    continue
                n, la, lb, c, area = p + 1, hz, hz, cz[p], az[p]
            there = kind[n]
            if not there or c == 0.0:
                continue
            if (here ^ there) & ELECTRONIC:
                found = reaction_at(
                    p, n, la, lb, kind, phi, alpha, sigma, j0, s, e, plate, lithium, resistance, f, ideal
                )
                density, _slope, drop, at_s, at_e, extra, at_x, lithiated, salted = found
                current = density * area / scale
                salt += current * salted
                if i < membrane:
                    inner += current * density * at_e
                else:
                    ionic += current * density * at_e
                electronic += current * density * at_s
                diffusion += current * density * at_x
                if i == 0:
                    metal += current * (drop + density * extra)
                else:
                    transfer += current * (drop + density * extra)
                    potential -= current * lithiated
            else:
                lost = c * (phi[p] - phi[n]) ** 2
                if here & ELECTRONIC:
                    electronic += lost
                elif i < membrane:
                    inner += lost
                else:
                    ionic += lost
    _sum_block(ionic, sums, 8 * i)
    _sum_block(inner, sums, 8 * i + 1)
    _sum_block(electronic, sums, 8 * i + 2)
    _sum_block(transfer, sums, 8 * i + 3)
    _sum_block(diffusion, sums, 8 * i + 4)
    _sum_block(salt, sums, 8 * i + 5)
    _sum_block(metal, sums, 8 * i + 6)
    _sum_block(potential, sums, 8 * i + 7)
