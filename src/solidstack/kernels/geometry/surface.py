"""Surfaces, chords and distances of voxel volumes.

A face between two voxels counts with |n . e| of its area: n is the normal there, e the face's direction. A plane of
normal n has |n_i| faces per area along each axis, so the sum is n . n = 1 where a plain count gives up to sqrt(3). An
error d of the normal's angle changes the sum by d^2 / 2 only. The normal is the slope of the straight line, fitted by
Gaussian-weighted least squares over a window around the face, through the indicator of one of the two classes.
"""

import numba
import numpy as np
from numpy.typing import NDArray

REACH = 3
"""Voxels that a window reaches to either side."""

WIDTH = 2.0
"""Standard deviation of the window's weight, voxels."""

IGNORED = 255


def windows(
    count: int, periodic: bool, on_face: bool
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Tabulate, along one axis, what a window around each voxel (or the face behind it) reads.

    Parameters
    ----------
    count : int
        Voxels along the axis.
    periodic : bool
        Whether the axis continues at its other end; else the window is cut there.
    on_face : bool
        Centred on the face to the next voxel instead of on the voxel.

    Returns
    -------
    index, weight, slope : arrays, shape (count, 2 REACH + 1)
        Voxel to read; its weight in a mean, and in the slope of a fitted straight line.
    """
    offset = np.arange(-REACH, REACH + 1)
    index = np.arange(count)[:, None] + offset
    place = np.broadcast_to(offset - 0.5 if on_face else offset + 0.0, index.shape)
    weight = np.exp(-0.5 * (place / WIDTH) ** 2) * (np.abs(place) <= REACH)
    if periodic:
        index %= count
    else:
        weight *= (index >= 0) & (index < count)
        index = index.clip(0, count - 1)
    weight /= weight.sum(axis=1, keepdims=True)
    away = place - (weight * place).sum(axis=1, keepdims=True)
    spread = (weight * away**2).sum(axis=1, keepdims=True)
    slope = np.divide(weight * away, spread, out=np.zeros_like(weight), where=spread > 1e-9)
    return index, weight.astype(np.float32), slope.astype(np.float32)


@numba.njit(cache=True)
def _facing(labels, kind, inside, axis, x, y, z, index, weight, slope, edges):  # type: ignore[no-untyped-def]
    """|n . e| of the face behind voxel (x, y, z) along an axis, n the normal of the class `inside`; see `interface`."""
    taps = index.shape[2]
    along_x = along_y = along_z = 0.0
    for i in range(taps):
        weight_x = weight[0, x, i]
        if weight_x == 0.0:
            continue
        slope_x = slope[0, x, i]
        a = index[0, x, i]
        for j in range(taps):
            weight_y = weight[1, y, j]
            if weight_y == 0.0:
                continue
            slope_y = slope[1, y, j]
            row = labels[a, index[1, y, j]]
            mean = tilt = np.float32(0.0)
            for k in range(taps):
                if kind[row[index[2, z, k]]] == inside:
                    mean += weight[2, z, k]
                    tilt += slope[2, z, k]
            along_x += slope_x * weight_y * mean
            along_y += weight_x * slope_y * mean
            along_z += weight_x * weight_y * tilt
    along_x /= edges[0]
    along_y /= edges[1]
    along_z /= edges[2]
    steepest = np.sqrt(along_x**2 + along_y**2 + along_z**2)
    if steepest == 0.0:
        return 1.0
    return abs(along_x if axis == 0 else along_y if axis == 1 else along_z) / steepest


@numba.njit(cache=True)
def _behind(labels, kind, axis, wrap, x, y, z):  # type: ignore[no-untyped-def]
    """Class of the next voxel along an axis, IGNORED where there is none."""
    a = x + (axis == 0)
    b = y + (axis == 1)
    c = z + (axis == 2)
    if a == labels.shape[0] or b == labels.shape[1] or c == labels.shape[2]:
        if not wrap:
            return IGNORED
        if axis == 0:
            a = 0
        elif axis == 1:
            b = 0
        else:
            c = 0
    return np.int64(kind[labels[a, b, c]])


@numba.njit(cache=True, parallel=True)
def interface(labels, kind, kinds, axis, wrap, index, weight, slope, edges):  # type: ignore[no-untyped-def]
    """Sum |n . e| over the faces along an axis between different classes, for each pair of classes.

    Parameters
    ----------
    labels : array of uint8, shape (nx, ny, nz)
    kind : array of uint8, shape (256,)
        Class of each label, below `kinds`, or IGNORED.
    kinds : int
    axis : int
    wrap : bool
        Whether the last voxel along the axis meets the first.
    index, weight, slope : arrays, shape (3, at least nx, ny and nz, taps)
        `windows` along x, y, z, centred on the face along `axis`.
    edges : array, shape (3,)
        Edge lengths of a voxel, in any unit.

    Returns
    -------
    array, shape (kinds, kinds)
        At [lower class, higher class], faces. The normal is that of the lower class.
    """
    nx, ny, nz = labels.shape
    sums = np.zeros((nx, kinds, kinds))
    for x in numba.prange(nx):
        for y in range(ny):
            for z in range(nz):
                here = np.int64(kind[labels[x, y, z]])
                there = _behind(labels, kind, axis, wrap, x, y, z)
                if here == there or max(here, there) == IGNORED:
                    continue
                inside = min(here, there)
                sums[x, inside, max(here, there)] += _facing(
                    labels, kind, inside, axis, x, y, z, index, weight, slope, edges
                )
    total = np.zeros((kinds, kinds))
    for x in range(nx):  # in order, so that the sum is the same with any number of threads
        total += sums[x]
    return total


@numba.njit(cache=True, parallel=True)
def faces(labels, kind, axis, wrap, index, weight, slope, edges, start, voxel, first, share):  # type: ignore[no-untyped-def]
    """List the faces along an axis between class 0 and class 1; with an empty list only count them.

    Parameters other than these are those of `interface`.

    Parameters
    ----------
    start : array of int64, shape (nx,)
        Place in the list of the first face of each plane.
    voxel : array of int64, shape (n,) or (0,)
        Receives the flat index of the voxel before the face.
    first : array of bool, same shape
        Receives whether that voxel is the one of class 0.
    share : array of float32, same shape
        Receives |n . e|.

    Returns
    -------
    array of int64, shape (nx,)
        Faces of each plane.
    """
    nx, ny, nz = labels.shape
    count = np.zeros(nx, np.int64)
    for x in numba.prange(nx):
        n = 0
        for y in range(ny):
            for z in range(nz):
                here = np.int64(kind[labels[x, y, z]])
                there = _behind(labels, kind, axis, wrap, x, y, z)
                if here + there != 1:
                    continue
                if voxel.size:
                    place = start[x] + n
                    voxel[place] = (x * ny + y) * nz + z
                    first[place] = here == 0
                    share[place] = _facing(labels, kind, 0, axis, x, y, z, index, weight, slope, edges)
                n += 1
        count[x] = n
    return count


@numba.njit(cache=True, parallel=True)
def chords(labels, counted, periodic):  # type: ignore[no-untyped-def]
    """Measure the runs of the counted labels along axis 0.

    Parameters
    ----------
    labels : array of uint8, shape (n, rows, columns)
    counted : array of bool, shape (256,)
    periodic : bool
        Whether a run goes on at the other end of its line.

    Returns
    -------
    counts : array of int64, shape (rows, n + 1)
        Runs by length that have both ends inside.
    ends : array of int64, shape (rows,)
        Ends of runs.
    """
    n, rows, columns = labels.shape
    counts = np.zeros((rows, n + 1), np.int64)
    ends = np.zeros(rows, np.int64)
    for row in numba.prange(rows):
        # first: length of the run at the line's beginning, -1 once it is over; run: of the run that is open
        first = np.zeros(columns, np.int64)
        run = np.zeros(columns, np.int64)
        closed = np.zeros(columns, np.bool_)
        for i in range(n):
            for column in range(columns):
                if counted[labels[i, row, column]]:
                    if run[column] == 0 and i > 0:
                        ends[row] += 1
                        closed[column] = True
                    run[column] += 1
                elif run[column]:
                    ends[row] += 1
                    if closed[column]:
                        counts[row, run[column]] += 1
                    else:
                        first[column] = run[column]
                    run[column] = 0
                    closed[column] = True
        if not periodic:
            continue
        for column in range(columns):
            whole = run[column] + first[column]
            if run[column] == n or whole == 0:
                continue
            counts[row, whole] += 1
            # a run that stops exactly at the line's end has an end there that no change inside shows
            ends[row] += (run[column] == 0) + (first[column] == 0)
    return counts, ends


@numba.njit(cache=True, parallel=True)
def nearer(squared, edge, periodic):  # type: ignore[no-untyped-def]
    """Take the least squared distance over the lines of axis 0, in place: one axis of a Euclidean distance transform.

    Parameters
    ----------
    squared : array of float32, shape (n, rows, columns)
        Squared distance so far, not negative: 0 at the goals (or a head start), elsewhere a limit.
    edge : float
        Length of a voxel along axis 0.
    periodic : bool
        Whether a line goes on at its other end.
    """
    n, rows, columns = squared.shape
    far = n // 2 if periodic else n - 1
    step = np.empty(n + 1, np.float32)
    for i in range(n + 1):
        step[i] = (edge * i) ** 2
    for row in numba.prange(rows):
        line = np.empty(n, np.float32)
        for column in range(columns):
            highest = np.float32(0.0)
            for i in range(n):
                line[i] = squared[i, row, column]
                highest = max(highest, line[i])
            if highest == 0.0:
                continue
            for i in range(n):
                best = line[i]
                for d in range(1, far + 1):
                    if step[d] >= best:
                        break
                    before = i - d
                    after = i + d
                    if before < 0 and periodic:
                        before += n
                    if after >= n and periodic:
                        after -= n
                    if before >= 0:
                        best = min(best, line[before] + step[d])
                    if after < n:
                        best = min(best, line[after] + step[d])
                squared[i, row, column] = best
