"""Which voxels are reached from a face: a breadth-first flood through face neighbours, 64 voxels at a time.

Faces are the first and the last plane of axis 0; a periodic axis (1, 2) continues at its opposite end. Voxels are bits,
64 of a row along axis 2 to a word, and the queue holds words. In addition to the input this takes 1 byte per voxel for
the result and about 0.5 byte per voxel for bits and queue (rows shorter than 64 voxels are padded to 64).
"""

import numba
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]

WORD = 64
ONE = np.uint64(1)
TOP = np.uint64(WORD - 1)


def connected_through(active: NDArray[np.uint8] | NDArray[np.bool_], periodic_y: bool, periodic_z: bool) -> Bytes:
    """Mark the active (nonzero) voxels whose cluster touches both the first and the last plane of axis 0.

    Parameters
    ----------
    active : array of uint8 or bool, shape (nx, ny, nz)
        In any memory layout; pass a view with another axis first for that direction.
    periodic_y, periodic_z : bool
        Whether axes 1 and 2 continue at their opposite ends.

    Returns
    -------
    array of uint8, shape (nx, ny, nz)
        1 where connected, else 0, contiguous.
    """
    count = active.shape[2]
    reached = spread(_pack(active), count, 0, periodic_y, periodic_z)
    return _unpack(spread(reached, count, active.shape[0] - 1, periodic_y, periodic_z), count)


def touching_face(
    active: NDArray[np.uint8] | NDArray[np.bool_], periodic_y: bool, periodic_z: bool, first: bool
) -> Bytes:
    """Mark the active (nonzero) voxels whose cluster touches the first (or else the last) plane of axis 0.

    Other parameters and the result are those of `connected_through`.
    """
    count = active.shape[2]
    plane = 0 if first else active.shape[0] - 1
    return _unpack(spread(_pack(active), count, plane, periodic_y, periodic_z), count)


def _pack(active: NDArray[np.uint8] | NDArray[np.bool_]) -> Words:
    nx, ny, nz = active.shape
    packed = np.zeros((nx, ny, -(-nz // WORD) * 8), np.uint8)
    for plane, row in zip(packed, active, strict=True):
        plane[:, : -(-nz // 8)] = np.packbits(row, axis=-1, bitorder="little")
    return packed.view("<u8")


def _unpack(words: Words, count: int) -> Bytes:
    return np.unpackbits(words.view(np.uint8), axis=-1, count=count, bitorder="little")


@numba.njit(cache=True)
def spread(voxels, count, plane, periodic_y, periodic_z):  # type: ignore[no-untyped-def]
    """Keep the clusters that touch a plane of axis 0.

    Parameters
    ----------
    voxels : array of uint64, shape (nx, ny, words)
        Bit b of word w is voxel 64 w + b of a row.
    count : int
        Voxels in a row.
    plane : int
        Index along axis 0.
    periodic_y, periodic_z : bool
        Whether axes 1 and 2 continue at their opposite ends.

    Returns
    -------
    array of uint64, shape (nx, ny, words)
    """
    nx, ny, nw = voxels.shape
    last = np.uint64((count - 1) % WORD)
    reached = np.zeros_like(voxels)
    waiting = np.zeros(voxels.size, np.bool_)
    queue = np.empty(voxels.size, np.int64)  # a ring; a word waits at most once, so it cannot overflow
    head = 0
    length = 0
    for y in range(ny):
        for w in range(nw):
            if voxels[plane, y, w]:
                reached[plane, y, w] = voxels[plane, y, w]
                index = (plane * ny + y) * nw + w
                waiting[index] = True
                queue[length] = index
                length += 1
    while length:
        index = queue[head]
        head = head + 1 if head + 1 < queue.size else 0
        length -= 1
        waiting[index] = False
        w = index % nw
        y = index // nw % ny
        x = index // nw // ny
        filled = _along(reached[x, y, w], voxels[x, y, w])
        reached[x, y, w] = filled
        for side in range(6):
            a, b, c, bits = _next_word(x, y, w, filled, side, nw, last)
            if a < 0 or a == nx:
                continue
            if b < 0 or b == ny:
                if not periodic_y:
                    continue
                b = ny - 1 if b < 0 else 0
            if c < 0 or c == nw:
                if not periodic_z:
                    continue
                c = nw - 1 if c < 0 else 0
            fresh = bits & voxels[a, b, c] & ~reached[a, b, c]
            if fresh:
                reached[a, b, c] |= fresh
                there = (a * ny + b) * nw + c
                if not waiting[there]:
                    waiting[there] = True
                    tail = head + length
                    queue[tail if tail < queue.size else tail - queue.size] = there
                    length += 1
    return reached


@numba.njit(cache=True)
def _along(seeds, voxels):  # type: ignore[no-untyped-def]
    """Spread seed bits over the runs of voxel bits that they lie in, by doubling steps, up and down."""
    up = down = seeds
    open_up = open_down = voxels
    step = ONE
    while step < np.uint64(WORD):
        up |= open_up & (up << step)
        down |= open_down & (down >> step)
        open_up &= open_up << step
        open_down &= open_down >> step
        step <<= ONE
    return up | down


@numba.njit(cache=True)
def _next_word(x, y, w, filled, side, words, last):  # type: ignore[no-untyped-def]
    """Word on one side of a word, and the bits of it that touch the filled ones; ``last``: last bit of a row."""
    if side == 0:
        return x - 1, y, w, filled
    if side == 1:
        return x + 1, y, w, filled
    if side == 2:
        return x, y - 1, w, filled
    if side == 3:
        return x, y + 1, w, filled
    if side == 4:
        return x, y, w - 1, (filled & ONE) << (TOP if w else last)
    return x, y, w + 1, (filled >> (TOP if w + 1 < words else last)) & ONE
