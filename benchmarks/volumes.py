"""The volumes that every package of `transport.py` gets, and the clock and the memory meter around its solve.

A peer's environment runs this file as well: NumPy and SciPy only. Voxels are uint8, 1 conducts; axis 0 is the
direction of the current. Both volumes repeat exactly from their seed.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Volume = NDArray[np.uint8]

CELL = 60.0
"""Voxels along a cubic cell of `core_shell`; no power of two, so that cells and coarse voxels do not coincide."""
CORE, SHELL = 0.3303, 0.3650
"""Radii of core and shell in cells: spheres touch at 1/sqrt(8) = 0.3536, so the shells overlap in necks."""
LATTICE = ((0.0, 0.0, 0.0), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0))


def core_shell(n: int, seed: int = 0) -> Volume:
    """Conformal shells, two voxels thick, of spheres in cubic close packing: 20 % conducts, all of it connected.

    A voxel conducts if its centre is within `SHELL` of the nearest sphere's centre and outside of `CORE`. The origin
    of the lattice is drawn at random. Larger volumes hold more spheres of the same size.
    """
    origin = np.random.default_rng(seed).random(3)
    centres = (np.arange(n) + 0.5) / CELL
    squares = np.empty((4, 3, n))  # along one axis, to the nearest sphere of each of the four sublattices
    for lattice, corner in enumerate(LATTICE):
        for axis in range(3):
            away = centres - origin[axis] - corner[axis]
            squares[lattice, axis] = (away - np.round(away)) ** 2
    labels = np.empty((n, n, n), np.uint8)
    for i in range(n):
        planes = squares[:, 0, i, None, None] + squares[:, 1, :, None] + squares[:, 2, None, :]
        nearest = planes.min(axis=0)
        labels[i] = (nearest < SHELL**2) & (nearest >= CORE**2)
    return labels


def blobs(n: int, seed: int = 0) -> Volume:
    """Random blobs: white noise smoothed over n/40 voxels, cut at its median; PoreSpy's ``blobs`` smooths as far."""
    noise = np.random.default_rng(seed).standard_normal((n, n, n), dtype=np.float32)
    smooth = gaussian_filter(noise, n / 40.0, mode="wrap")
    return (smooth > np.median(smooth)).astype(np.uint8)


VOLUMES = {"core-shell": core_shell, "blobs": blobs}


def measured(work: Callable[[], Any]) -> tuple[Any, float, int | None]:
    """Do the work; return its result, the seconds, and by how many bytes the process grew at its peak.

    The bytes are None where the system cannot forget earlier peaks (it can on Linux). ``getrusage`` will not do: its
    peak starts at that of the process which started this one, and is never forgotten.
    """
    before = _resident_peak(forget=True)
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    return result, seconds, None if before is None else (_resident_peak() or before) - before


def _resident_peak(*, forget: bool = False) -> int | None:
    """Bytes of memory held at most, since they were last forgotten."""
    try:
        if forget:
            Path("/proc/self/clear_refs").write_text("5")
        lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return 1024 * int(lines["VmHWM"].split()[0])
    except (OSError, KeyError):
        return None


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
