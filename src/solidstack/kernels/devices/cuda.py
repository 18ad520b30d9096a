"""What all loops on a CUDA device share: how kernels are compiled and launched, their arrays, sums over a block.

A block of threads sums one plane in a fixed order, so that results repeat exactly. Without a device Numba's simulator
(NUMBA_ENABLE_CUDASIM=1) runs all of this, slowly, for tests.

A kernel is called as the loop of the same name on the CPU is, by position or by the names of its arguments.
"""

import inspect
import math
import os
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any

from numba import cuda as _cuda

from . import padded
from .compiled import compiled

cuda: Any = _cuda  # its functions are known only where a kernel is compiled
SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
THREADS = 2 if SIMULATED else 256
"""Threads of a block; in the simulator each is a thread of Python."""
MOST_BLOCKS = 1 if SIMULATED else 2**20

Launcher = Callable[..., None]

kernel = cuda.jit(fastmath=True)
device: Any = cuda.jit(device=True)
"""Compile a function that kernels call."""

_places = compiled(padded, inlined=device, called=device)
wrap_line = _places.wrap_line
block = _places.block


def over(count: Callable[..., int], after: Launcher | None = None) -> Callable[[Callable[..., Any]], Launcher]:
    """Compile a kernel, and launch it over a number of items; a thread does every so many of them.

    Parameters
    ----------
    count : callable
        Takes some of the kernel's arguments, by their names; returns the number of items.
    after : callable, optional
        Takes some of the kernel's arguments, by their names; called after each launch.
    """

    def blocks(**named: Any) -> int:
        return min(-(-count(**named) // THREADS), MOST_BLOCKS)

    return lambda function: _launcher(function, blocks, _names(count), after)


def by_block(count: Callable[..., int], after: Launcher | None = None) -> Callable[[Callable[..., Any]], Launcher]:
    """Compile a kernel of which each block does one plane, or every so many clusters; ``count``: of the blocks."""
    return lambda function: _launcher(function, count, _names(count), after)


def _names(function: Callable[..., Any] | None) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters) if function else ()


def _launcher(
    function: Callable[..., Any], blocks: Callable[..., int], sizes: tuple[str, ...], after: Launcher | None
) -> Launcher:
    """Return a function with the parameters of a kernel that launches it; the size of the grid follows from some."""
    signature = inspect.signature(function)
    names, last = tuple(signature.parameters), _names(after)
    grid: Any = kernel(function)

    @wraps(function)
    def launch(*arguments: Any, **named: Any) -> None:
        values = signature.bind(*arguments, **named).arguments
        count = blocks(**{name: values[name] for name in sizes})
        if count > 0:
            grid[count, THREADS](*(values[name] for name in names))
        if after is not None:
            after(**{name: values[name] for name in last})

    return launch


# sizes of grids


def planes(shape: Any) -> int:
    """Planes without the ghosts."""
    return int(shape[0] - 2)


def inner(shape: Any) -> int:
    """Voxels without the ghosts."""
    return int((shape[0] - 2) * (shape[1] - 2) * (shape[2] - 2))


def half(shape: Any) -> int:
    """Voxels of one colour, and some that are none."""
    return int((shape[0] - 2) * (shape[1] - 2) * ((shape[2] - 1) // 2))


def behind(shape: Any) -> int:
    """Voxels, with the ghosts before them: each has the faces behind it."""
    return int((shape[0] - 1) * (shape[1] - 1) * (shape[2] - 1))


def aggregates(coarse_shape: Any) -> int:
    """Aggregates without the ghosts."""
    return inner(coarse_shape)


def aggregates_behind(coarse_shape: Any) -> int:
    """Aggregates, with the ghosts before them."""
    return behind(coarse_shape)


inner_on_device, half_on_device, behind_on_device = device(inner), device(half), device(behind)


# which voxel a thread does


@device
def inner_voxel(q, shape):  # type: ignore[no-untyped-def]
    """Indices of voxel ``q`` of those without the ghosts."""
    _mx, my, mz = shape
    return q // ((my - 2) * (mz - 2)) + 1, (q // (mz - 2)) % (my - 2) + 1, q % (mz - 2) + 1


@device
def plane_voxel(i, q, shape):  # type: ignore[no-untyped-def]
    """Place in the array of voxel ``q`` of a plane without its ghosts."""
    _mx, my, mz = shape
    return (i * my + q // (mz - 2) + 1) * mz + q % (mz - 2) + 1


@device
def coloured_voxel(q, colour, shape):  # type: ignore[no-untyped-def]
    """Indices of voxel ``q`` of a colour (the parity of i + j + k); the last k of a line may be one too high."""
    _mx, my, mz = shape
    width = (mz - 1) // 2
    i = q // (width * (my - 2)) + 1
    j = (q // width) % (my - 2) + 1
    return i, j, 1 + ((colour + i + j) & 1) + 2 * (q % width)


@device
def voxel_behind(q, shape):  # type: ignore[no-untyped-def]
    """Indices of voxel ``q`` of those with the ghosts before them."""
    _mx, my, mz = shape
    return q // ((my - 1) * (mz - 1)), (q // (mz - 1)) % (my - 1), q % (mz - 1)


@device
def voxels_of(ci, cj, ck, shape, halved):  # type: ignore[no-untyped-def]
    """First and last voxel of an aggregate along each axis."""
    mx, my, mz = shape
    hx, hy, hz = halved
    return block(ci, hx, mx - 2), block(cj, hy, my - 2), block(ck, hz, mz - 2)


# sums over a block


def block_functions(scope: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Compile `total_of_block`, `sum_block` and `largest_of_block` for the kernels of a module.

    Parameters
    ----------
    scope : dict
        The globals of that module, which has `cuda`, `THREADS` and the three functions by their names: Numba's
        simulator shows a function the threads of a block only in the module of the kernel that runs.
    """
    first, second, third = (
        device(FunctionType(function.__code__, scope, function.__name__))
        for function in (total_of_block, sum_block, largest_of_block)
    )
    return first, second, third


def total_of_block(value, like):  # type: ignore[no-untyped-def]
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
    total = shared[0]
    cuda.syncthreads()
    return total


def sum_block(value, sums, index):  # type: ignore[no-untyped-def]
    """Add up a value of each thread of the block, always in the same order, into sums[index]."""
    total = total_of_block(value, sums)
    if cuda.threadIdx.x == 0:
        sums[index] = total


def largest_of_block(value, sums, index):  # type: ignore[no-untyped-def]
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


# arrays


def is_available() -> bool:
    """Whether there is a device, or the simulator."""
    return bool(cuda.is_available())


def zeros(count: Any, dtype: Any) -> Any:
    """Return an array of zeros on the device; ``count``: a number, or a shape."""
    array = cuda.device_array(math.prod(count) if isinstance(count, tuple) else count, dtype)
    fill(array, 0)
    return array.reshape(count) if isinstance(count, tuple) else array


def put(array: Any) -> Any:
    """Bring an array to the device."""
    return cuda.to_device(array)


def get(array: Any) -> Any:
    """Bring an array back."""
    return array.copy_to_host()


def fill(array: Any, value: float) -> None:
    """Set all values of an array."""
    fill_flat(array.ravel(), value)


@over(lambda array: array.size)
def fill_flat(array, value):  # type: ignore[no-untyped-def]
    """Set all values of a flat array."""
    for q in range(cuda.grid(1), array.size, cuda.gridsize(1)):
        array[q] = value


def lines(shape: Any, wrap_y: bool, wrap_z: bool) -> int:
    """Lines that end in ghosts, of all planes along both axes; none where nothing is wrapped."""
    return int(shape[0] * (shape[1] + shape[2])) if wrap_y or wrap_z else 0


@over(lines)
def wrap(v, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Renew the ghosts of the wrapped axes."""
    for q in range(cuda.grid(1), shape[0] * (shape[1] + shape[2]), cuda.gridsize(1)):
        wrap_line(v, q, shape, wrap_y, wrap_z)
