"""Filters of grey images, tile by tile, so that memory stays bounded."""

import itertools
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ....errors import StructureError
from ....extras import need
from ....progress import Listener, Teller
from ...memory import require_memory
from .grey import GreyImage, require_finite

Function = Callable[[NDArray[Any]], NDArray[Any]]
DENOISING = ("median", "gaussian", "non-local-means")
TILE = 64
"""Edge of a tile, voxels: with a rim of 8 on each side twice as much is read as is written."""
TILE_MEMORY = 5e7
"""Bytes that tiles may take whatever the size of the volume."""


def _tiles(shape: Sequence[int]) -> list[tuple[slice, ...]]:
    """Cut a volume into tiles."""
    axes = [[slice(first, min(first + TILE, count)) for first in range(0, count, TILE)] for count in shape]
    return list(itertools.product(*axes))


def tiled(
    function: Function,
    values: NDArray[Any],
    result: NDArray[Any],
    rim: int,
    bytes_per_voxel: float,
    tell: Teller,
) -> None:
    """Fill `result` tile by tile with what `function` makes of the tile and its rim."""
    tiles = _tiles(values.shape)
    tell.of = len(tiles)

    def work(tile: tuple[slice, ...]) -> None:
        outer = tuple(slice(max(part.start - rim, 0), part.stop + rim) for part in tile)
        inner = tuple(
            slice(part.start - whole.start, part.stop - whole.start) for part, whole in zip(tile, outer, strict=True)
        )
        result[tile] = function(values[outer])[inner]

    # as many threads as keep the tiles below 0.8 of a volume
    fit = int(max(0.8 * values.nbytes, TILE_MEMORY) / (bytes_per_voxel * (TILE + 2 * rim) ** 3))
    with ThreadPoolExecutor(max(1, min(fit, os.cpu_count() or 1, len(tiles)))) as threads:
        try:
            for done, _ in enumerate(threads.map(work, tiles), start=1):
                tell(done)
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise


def denoise(
    image: GreyImage, method: str = "median", *, scale: float = 1.0, progress: Listener | None = None
) -> GreyImage:
    """Reduce noise.

    Parameters
    ----------
    image : GreyImage
    method : str
        ``median``: of the cube of 2 scale + 1 voxels; keeps edges, takes salt and pepper.
        ``gaussian``: weighted mean with a standard deviation of `scale` voxels; fast, blurs edges.
        ``non-local-means``: mean over similar patches of 3 x 3 x 3 voxels up to 2 voxels away; keeps edges best
        and takes longest. Filter strength 0.8 scale times the noise, which is estimated.
    scale : float
        Above 0; whole for the median, and at most 5 voxels.
    progress : callable, optional
        Progress callback.

    Returns
    -------
    GreyImage
        Of the same type of numbers.

    Raises
    ------
    StructureError
        A method or scale that there is not, grey values that are not finite, or too large for the memory.
    """
    values = image.values
    if not 0.0 < scale <= 5.0 or (method == "median" and scale != round(scale)):
        rule = "1, 2, 3, 4 or 5" if method == "median" else "above 0 and at most 5"
        msg = f"scale of the filter: {scale:g} must be {rule}"
        raise StructureError(msg)
    require_memory(1.8 * values.itemsize, image.shape, "Filtering")
    require_finite(values)
    match method:
        case "median":
            size = 2 * int(scale) + 1
            function, rim, bytes_per_voxel = _median(size), int(scale), 8.0
        case "gaussian":
            function, rim, bytes_per_voxel = _gaussian(scale), math.ceil(4.0 * scale), 16.0
        case "non-local-means":
            function, rim, bytes_per_voxel = _non_local_means(noise_level(image), scale), 4, 48.0
        case _:
            msg = f'filter "{method}" is not recognised; choose from {", ".join(DENOISING)}'
            raise StructureError(msg)
    native = values.dtype.newbyteorder("=")

    def apply(part: NDArray[Any]) -> NDArray[Any]:
        made = function(part.astype(native, copy=False))
        return made if native.kind == "f" else np.asarray(np.rint(made))

    result = np.empty(image.shape, native)
    tiled(apply, values, result, rim, bytes_per_voxel, Teller(progress, what="filter"))
    return GreyImage(result, image.voxel, image.noted("denoise", method=method, scale=scale))


def _median(size: int) -> Function:
    return lambda part: np.asarray(ndimage.median_filter(part, size))


def _gaussian(scale: float) -> Function:
    return lambda part: np.asarray(ndimage.gaussian_filter(part.astype(np.float32), scale))


def _non_local_means(noise: float, scale: float) -> Function:
    filtered = need("skimage.restoration", "twin").denoise_nl_means
    strength = 0.8 * scale * noise
    return lambda part: np.asarray(
        filtered(part.astype(np.float32), 3, 2, h=strength, sigma=noise, preserve_range=True) if noise else part
    )


def noise_level(image: GreyImage) -> float:
    """Standard deviation of the noise, grey values: from second differences, which edges hardly change.

    The median over up to 16 slices of the absolute response to a kernel that cancels planes and edges.

    Source: Immerkaer, Comput. Vis. Image Underst. 64 (1996) 300, doi:10.1006/cviu.1996.0060; with the median in
    place of the mean.
    """
    kernel = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]], np.float32)
    planes = image.values[:: max(1, image.shape[0] // 16)]
    steps = [np.abs(ndimage.convolve(plane.astype(np.float32), kernel)) for plane in planes]
    if min(image.shape[1:]) > 2:  # at the rim the kernel sees mirrored voxels, and less noise
        steps = [step[1:-1, 1:-1] for step in steps]
    # 6 is the root of the sum of squares of the kernel, 0.6745 the median of |noise| at a standard deviation of 1
    return float(np.median(np.stack(steps)) / 6.0 / 0.6745)
