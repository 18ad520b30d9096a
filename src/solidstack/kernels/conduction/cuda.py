"""The loops of `solidstack.kernels.conduction.cpu` on a CUDA device, with the same voxel functions and the same names.

A block of threads sums one plane in a fixed order, so that results repeat exactly. Without a device Numba's simulator
(NUMBA_ENABLE_CUDASIM=1) runs all this, slowly, for tests.
"""

import os
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import cuda as _cuda

from . import voxel

cuda: Any = _cuda  # its functions are known only where a kernel is compiled
SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
THREADS = 2 if SIMULATED else 256
"""Threads of a block; in the simulator each is a thread of Python."""
MOST_BLOCKS = 1 if SIMULATED else 2**20

kernel = cuda.jit(fastmath=True)
_device: Any = cuda.jit(device=True)

faces_by_class = _device(voxel.faces_by_class)
faces_stored = _device(voxel.faces_stored)


def is_available() -> bool:
    """Whether a device, or the simulator, is there."""
    return bool(cuda.is_available())


def zeros(count: int, dtype: Any) -> Any:
    """Array of zeros on the device."""
    array = cuda.device_array(count, dtype)
    fill(array, 0)
    return array


def put(array: Any) -> Any:
    """Bring an array to the device."""
    return cuda.to_device(array)


def get(array: Any) -> Any:
    """Bring an array back."""
    return array.copy_to_host()


def fill(array: Any, value: float) -> None:
    """Set all of an array."""
    _launch(_fill, array.size, array, value)


def wrap(v: Any, shape: Any, wrap_y: bool, wrap_z: bool) -> None:
    """Renew the ghosts of the wrapped axes."""
    if wrap_y:
        _launch(_wrap_y, shape[0] * shape[2], v, shape)
    if wrap_z:
        _launch(_wrap_z, shape[0] * shape[1], v, shape)


def relax(classes: Any, tables: Any, n: int, b: Any, v: Any, shape: Any, colour: int, *wraps: bool) -> None:
    """Gauss-Seidel on the voxels of one colour."""
    _launch(_relax, _half(shape), classes, tables, np.uint64(n), b, v, shape, colour)
    wrap(v, shape, *wraps)


def relax_stored(cx: Any, cy: Any, cz: Any, b: Any, v: Any, shape: Any, colour: int, *wraps: bool) -> None:
    """As `relax`, on a coarser level."""
    _launch(_relax_stored, _half(shape), cx, cy, cz, b, v, shape, colour)
    wrap(v, shape, *wraps)


def restrict(classes: Any, tables: Any, n: int, b: Any, v: Any, shape: Any, *coarse: Any) -> None:
    """Sum the residual over aggregates."""
    _launch(_restrict, _inner(coarse[1]), classes, tables, np.uint64(n), b, v, shape, *coarse)


def restrict_stored(cx: Any, cy: Any, cz: Any, b: Any, v: Any, shape: Any, *coarse: Any) -> None:
    """As `restrict`, on a coarser level."""
    _launch(_restrict_stored, _inner(coarse[1]), cx, cy, cz, b, v, shape, *coarse)


def prolong(v: Any, shape: Any, coarse: Any, coarse_shape: Any, halved: Any, step: int, *wraps: bool) -> None:
    """Add the correction of its aggregate to each voxel."""
    _launch(_prolong, _inner(shape), v, shape, coarse, coarse_shape, halved, step)
    wrap(v, shape, *wraps)


def coarsen(classes: Any, tables: Any, n: int, shape: Any, cx: Any, cy: Any, cz: Any, *coarse: Any) -> None:
    """Conductances between aggregates."""
    _launch(_coarsen, cx.size, classes, tables, np.uint64(n), shape, cx, cy, cz, *coarse)


def coarsen_stored(gx: Any, gy: Any, gz: Any, shape: Any, cx: Any, cy: Any, cz: Any, *coarse: Any) -> None:
    """As `coarsen`, from a coarser level."""
    _launch(_coarsen_stored, cx.size, gx, gy, gz, shape, cx, cy, cz, *coarse)


def residual(classes: Any, tables: Any, n: int, x: Any, r: Any, sums: Any, shape: Any) -> None:
    """Residual r of the potential x; its sum per plane."""
    _residual[shape[0] - 2, THREADS](classes, tables, np.uint64(n), x, r, sums, shape)


def curvature(classes: Any, tables: Any, n: int, p_: Any, sums: Any, shape: Any) -> None:
    """Sums per plane of p A p."""
    _curvature[shape[0] - 2, THREADS](classes, tables, np.uint64(n), p_, sums, shape)


def advance(classes: Any, tables: Any, n: int, p_: Any, x: Any, r: Any, alpha: float, sums: Any, shape: Any) -> None:
    """Step x by alpha p and r by -alpha A p; sums per plane of r."""
    _advance[shape[0] - 2, THREADS](classes, tables, np.uint64(n), p_, x, r, alpha, sums, shape)


def dot(a: Any, b: Any, sums: Any, shape: Any) -> None:
    """Sums per plane of a b."""
    _dot[shape[0] - 2, THREADS](a, b, sums, shape)


def redirect(p_: Any, z: Any, beta: float, shape: Any) -> None:  # noqa: ARG001
    """Set p to z + beta p."""
    _launch(_redirect, p_.size, p_, z, beta)


def currents(classes: Any, tables: Any, n: int, x: Any, sums: Any, shape: Any) -> None:
    """Sums per plane of the currents along y and z, in pairs."""
    _currents[shape[0] - 2, THREADS](classes, tables, np.uint64(n), x, sums, shape)


def _launch(function: Callable[..., Any], count: int, *arguments: Any) -> None:
    """Run a kernel over ``count`` items."""
    launcher: Any = function
    launcher[min(-(-count // THREADS), MOST_BLOCKS), THREADS](*arguments)


def _inner(shape: Any) -> int:
    return int((shape[0] - 2) * (shape[1] - 2) * (shape[2] - 2))


def _half(shape: Any) -> int:
    return int((shape[0] - 2) * (shape[1] - 2) * ((shape[2] - 1) // 2))


@_device
def _sum_block(value, sums, index):  # type: ignore[no-untyped-def]
    """Add up a value of each thread of the block, always in the same order, into sums[index]."""
    shared = cuda.shared.array(THREADS, numba.float64)
    t = cuda.threadIdx.x
    shared[t] = value
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if t < half:
            shared[t] += shared[t + half]
        cuda.syncthreads()
        half //= 2
    if t == 0:
        sums[index] = shared[0]
    cuda.syncthreads()


@kernel
def _fill(array, value):  # type: ignore[no-untyped-def]
    for q in range(cuda.grid(1), array.size, cuda.gridsize(1)):
        array[q] = value


@kernel
def _wrap_y(v, shape):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    for q in range(cuda.grid(1), mx * mz, cuda.gridsize(1)):
        first = (q // mz) * my * mz
        k = q % mz
        if 0 < k < mz - 1:
            v[first + k] = v[first + (my - 2) * mz + k]
            v[first + (my - 1) * mz + k] = v[first + mz + k]


@kernel
def _wrap_z(v, shape):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    for q in range(cuda.grid(1), mx * my, cuda.gridsize(1)):
        if 0 < q % my < my - 1:
            v[q * mz] = v[q * mz + mz - 2]
            v[q * mz + mz - 1] = v[q * mz + 1]


@kernel
def _relax(classes, tables, n, b, v, shape, colour):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    width = (mz - 1) // 2
    for q in range(cuda.grid(1), (mx - 2) * (my - 2) * width, cuda.gridsize(1)):
        i = q // (width * (my - 2)) + 1
        j = (q // width) % (my - 2) + 1
        k = 1 + ((colour + i + j) & 1) + 2 * (q % width)
        if k < mz - 1:
            p = np.uint64((i * my + j) * mz + k)
            if classes[p]:
                brought, total = faces_by_class(classes, tables, n, v, p, np.uint64(my * mz), np.uint64(mz))
                v[p] = (b[p] + brought) / total


@kernel
def _relax_stored(cx, cy, cz, b, v, shape, colour):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    width = (mz - 1) // 2
    for q in range(cuda.grid(1), (mx - 2) * (my - 2) * width, cuda.gridsize(1)):
        i = q // (width * (my - 2)) + 1
        j = (q // width) % (my - 2) + 1
        k = 1 + ((colour + i + j) & 1) + 2 * (q % width)
        if k < mz - 1:
            p = np.uint64((i * my + j) * mz + k)
            brought, total = faces_stored(cx, cy, cz, v, p, np.uint64(my * mz), np.uint64(mz))
            if total > 0.0:
                v[p] = (b[p] + brought) / total


@kernel
def _restrict(classes, tables, n, b, v, shape, coarse, coarse_shape, halved, step):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for q in range(cuda.grid(1), (cmx - 2) * (cmy - 2) * (cmz - 2), cuda.gridsize(1)):
        ci = q // ((cmy - 2) * (cmz - 2)) + 1
        cj = (q // (cmz - 2)) % (cmy - 2) + 1
        ck = q % (cmz - 2) + 1
        value = b[0] - b[0]  # a zero of its type
        for i in range(((ci - 1) << hx) + 1, min(ci << hx, mx - 2) + 1):
            for j in range(((cj - 1) << hy) + 1, min(cj << hy, my - 2) + 1):
                for k in range(((ck - 1) << hz) + 1, min(ck << hz, mz - 2) + 1):
                    p = np.uint64((i * my + j) * mz + k)
                    if classes[p] and (step == 1 or not (i + j + k + 1) & 1):
                        brought, total = faces_by_class(classes, tables, n, v, p, np.uint64(my * mz), np.uint64(mz))
                        value += b[p] - (total * v[p] - brought)
        coarse[(ci * cmy + cj) * cmz + ck] = value


@kernel
def _restrict_stored(cx, cy, cz, b, v, shape, coarse, coarse_shape, halved, step):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for q in range(cuda.grid(1), (cmx - 2) * (cmy - 2) * (cmz - 2), cuda.gridsize(1)):
        ci = q // ((cmy - 2) * (cmz - 2)) + 1
        cj = (q // (cmz - 2)) % (cmy - 2) + 1
        ck = q % (cmz - 2) + 1
        value = b[0] - b[0]  # a zero of its type
        for i in range(((ci - 1) << hx) + 1, min(ci << hx, mx - 2) + 1):
            for j in range(((cj - 1) << hy) + 1, min(cj << hy, my - 2) + 1):
                for k in range(((ck - 1) << hz) + 1, min(ck << hz, mz - 2) + 1):
                    if step == 1 or not (i + j + k + 1) & 1:
                        p = np.uint64((i * my + j) * mz + k)
                        brought, total = faces_stored(cx, cy, cz, v, p, np.uint64(my * mz), np.uint64(mz))
                        value += b[p] - (total * v[p] - brought)
        coarse[(ci * cmy + cj) * cmz + ck] = value


@kernel
def _prolong(v, shape, coarse, coarse_shape, halved, step):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for q in range(cuda.grid(1), (mx - 2) * (my - 2) * (mz - 2), cuda.gridsize(1)):
        i = q // ((my - 2) * (mz - 2)) + 1
        j = (q // (mz - 2)) % (my - 2) + 1
        k = q % (mz - 2) + 1
        if step == 1 or not (i + j + k + 1) & 1:
            above = ((((i - 1) >> hx) + 1) * cmy + ((j - 1) >> hy) + 1) * cmz + ((k - 1) >> hz) + 1
            v[(i * my + j) * mz + k] += coarse[above]


@kernel
def _coarsen(classes, tables, n, shape, cx, cy, cz, coarse_shape, halved):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for q in range(cuda.grid(1), cmx * cmy * cmz, cuda.gridsize(1)):
        ci = q // (cmy * cmz)
        cj = (q // cmz) % cmy
        ck = q % cmz
        if ci < cmx - 1 and cj < cmy - 1 and ck < cmz - 1:
            along_x, along_y, along_z = 0.0, 0.0, 0.0
            i_last, j_last, k_last = min(ci << hx, mx - 2), min(cj << hy, my - 2), min(ck << hz, mz - 2)
            i_first, j_first, k_first = ((ci - 1) << hx) + 1, ((cj - 1) << hy) + 1, ((ck - 1) << hz) + 1
            sx, sy = my * mz, mz
            if cj and ck:
                for j in range(j_first, j_last + 1):
                    for k in range(k_first, k_last + 1):
                        p = i_last * sx + j * sy + k
                        along_x += tables[np.uint64(classes[p]) * n + np.uint64(classes[p + sx])]
            if ci and ck:
                for i in range(i_first, i_last + 1):
                    for k in range(k_first, k_last + 1):
                        p = i * sx + j_last * sy + k
                        along_y += tables[n * n + np.uint64(classes[p]) * n + np.uint64(classes[p + sy])]
            if ci and cj:
                two = n + n
                for i in range(i_first, i_last + 1):
                    for j in range(j_first, j_last + 1):
                        p = i * sx + j * sy + k_last
                        along_z += tables[two * n + np.uint64(classes[p]) * n + np.uint64(classes[p + 1])]
            cx[q], cy[q], cz[q] = along_x / (1 << hx), along_y / (1 << hy), along_z / (1 << hz)


@kernel
def _coarsen_stored(gx, gy, gz, shape, cx, cy, cz, coarse_shape, halved):  # type: ignore[no-untyped-def]
    mx, my, mz = shape
    cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for q in range(cuda.grid(1), cmx * cmy * cmz, cuda.gridsize(1)):
        ci = q // (cmy * cmz)
        cj = (q // cmz) % cmy
        ck = q % cmz
        if ci < cmx - 1 and cj < cmy - 1 and ck < cmz - 1:
            along_x, along_y, along_z = 0.0, 0.0, 0.0
            i_last, j_last, k_last = min(ci << hx, mx - 2), min(cj << hy, my - 2), min(ck << hz, mz - 2)
            i_first, j_first, k_first = ((ci - 1) << hx) + 1, ((cj - 1) << hy) + 1, ((ck - 1) << hz) + 1
            if cj and ck:
                for j in range(j_first, j_last + 1):
                    for k in range(k_first, k_last + 1):
                        along_x += gx[(i_last * my + j) * mz + k]
            if ci and ck:
                for i in range(i_first, i_last + 1):
                    for k in range(k_first, k_last + 1):
                        along_y += gy[(i * my + j_last) * mz + k]
            if ci and cj:
                for i in range(i_first, i_last + 1):
                    for j in range(j_first, j_last + 1):
                        along_z += gz[(i * my + j) * mz + k_last]
            cx[q], cy[q], cz[q] = along_x / (1 << hx), along_y / (1 << hy), along_z / (1 << hz)


@kernel
def _residual(classes, tables, n, x, r, sums, shape):  # type: ignore[no-untyped-def]
    _mx, my, mz = shape
    i = cuda.blockIdx.x + 1
    value = 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = np.uint64((i * my + q // (mz - 2) + 1) * mz + q % (mz - 2) + 1)
        if classes[p]:
            brought, total = faces_by_class(classes, tables, n, x, p, np.uint64(my * mz), np.uint64(mz))
            r[p] = brought - total * x[p]
            value += brought - total * x[p]
    _sum_block(value, sums, i)


@kernel
def _curvature(classes, tables, n, p_, sums, shape):  # type: ignore[no-untyped-def]
    _mx, my, mz = shape
    i = cuda.blockIdx.x + 1
    value = 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = np.uint64((i * my + q // (mz - 2) + 1) * mz + q % (mz - 2) + 1)
        if classes[p]:
            brought, total = faces_by_class(classes, tables, n, p_, p, np.uint64(my * mz), np.uint64(mz))
            value += p_[p] * (total * p_[p] - brought)
    _sum_block(value, sums, i)


@kernel
def _advance(classes, tables, n, p_, x, r, alpha, sums, shape):  # type: ignore[no-untyped-def]
    _mx, my, mz = shape
    i = cuda.blockIdx.x + 1
    value = 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = np.uint64((i * my + q // (mz - 2) + 1) * mz + q % (mz - 2) + 1)
        if classes[p]:
            brought, total = faces_by_class(classes, tables, n, p_, p, np.uint64(my * mz), np.uint64(mz))
            x[p] += alpha * p_[p]
            left = r[p] - alpha * (total * p_[p] - brought)
            r[p] = left
            value += left
    _sum_block(value, sums, i)


@kernel
def _dot(a, b, sums, shape):  # type: ignore[no-untyped-def]
    _mx, my, mz = shape
    i = cuda.blockIdx.x + 1
    value = 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = (i * my + q // (mz - 2) + 1) * mz + q % (mz - 2) + 1
        value += a[p] * b[p]
    _sum_block(value, sums, i)


@kernel
def _redirect(p_, z, beta):  # type: ignore[no-untyped-def]
    for q in range(cuda.grid(1), p_.size, cuda.gridsize(1)):
        p_[q] = z[q] + beta * p_[q]


@kernel
def _currents(classes, tables, n, x, sums, shape):  # type: ignore[no-untyped-def]
    _mx, my, mz = shape
    i = cuda.blockIdx.x + 1
    along_y, along_z = 0.0, 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = (i * my + q // (mz - 2) + 1) * mz + q % (mz - 2) + 1
        c = np.uint64(classes[p]) * n
        if c:
            along_y += tables[n * n + c + np.uint64(classes[p + mz])] * (x[p] - x[p + mz])
            along_z += tables[(n + n) * n + c + np.uint64(classes[p + 1])] * (x[p] - x[p + 1])
    _sum_block(along_y, sums, 2 * i)
    _sum_block(along_z, sums, 2 * i + 1)
