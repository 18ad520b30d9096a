"""What all loops on the CPU share: how they are compiled, their arrays, and the ghosts of wrapped axes.

Loops run in parallel over the planes of axis 0 and return sums plane by plane, so that no result depends on the number
of threads.
"""

import numba
import numpy as np

from . import padded
from .compiled import compiled

__all__ = ["called", "fill", "get", "inlined", "loop", "put", "wrap", "wrap_plane", "zeros"]

loop = numba.njit(parallel=True, fastmath=True, cache=True)
"""Compile a loop over planes.

Numba keeps it on disk and compiles it again when the file of the loop changes, but not when only the file of a function
that it calls does: after a change of a voxel function, touch the file of the loops (`cpu.py`).
"""
inlined = numba.njit(inline="always", fastmath=True)
"""Compile a function that becomes part of the loop that calls it."""
called = numba.njit(fastmath=True)
"""Compile a function that stays a call."""

mirror = compiled(padded, inlined=inlined, called=called).mirror


def zeros(count, dtype):  # type: ignore[no-untyped-def]
    """Return an array of zeros where the loops run; ``count``: a number, or a shape."""
    return np.zeros(count, dtype)


def put(array):  # type: ignore[no-untyped-def]
    """Bring an array to where the loops run."""
    return array


def get(array):  # type: ignore[no-untyped-def]
    """Bring an array back."""
    return array


def fill(array, value):  # type: ignore[no-untyped-def]
    """Set all values of an array."""
    array[:] = value


@inlined
def wrap_plane(v, i, my, mz, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Renew the ghosts of one plane, of an array by voxel or by voxel and column."""
    first = i * my * mz
    if wrap_y:
        for k in range(1, mz - 1):
            mirror(v, first + k, first + (my - 1) * mz + k, mz)
    if wrap_z:
        for j in range(1, my - 1):
            mirror(v, first + j * mz, first + j * mz + mz - 1, 1)


@loop
def wrap(v, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Renew the ghosts of the wrapped axes."""
    mx, my, mz = shape
    for i in numba.prange(0, mx):
        wrap_plane(v, i, my, mz, wrap_y, wrap_z)
