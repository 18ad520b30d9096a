"""Memory: refuse work that will not fit before it is allocated, and name a size that would."""

import math
import os
from pathlib import Path

from ..errors import StructureError

GIGABYTE = 1e9


def available_memory() -> float:
    """Return the bytes that a new allocation may take; infinite where the system does not report them.

    Linux: what the kernel counts as available, or what the container still may take if that is less.
    macOS: the memory that is installed.
    """
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        return min(1024.0 * float(lines["MemAvailable"].split()[0]), _container_memory())
    except (OSError, KeyError, ValueError):
        pass
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * float(os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return math.inf


def _container_memory() -> float:
    """Bytes that the control group leaves; cached files count as free, as they do for the kernel."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = float((folder / "memory.max").read_text())
        used = float((folder / "memory.current").read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return limit - used + float(stat["inactive_file"]) + float(stat["active_file"])
    except (OSError, KeyError, ValueError):  # no control group, or no limit ("max")
        return math.inf


def require_memory(bytes_per_voxel: float, shape: tuple[int, ...], what: str) -> None:
    """Refuse work whose arrays would not fit into memory.

    Parameters
    ----------
    bytes_per_voxel : float
        Peak of all arrays of the work, without those that exist already.
    shape : tuple of int
        Voxels along each axis.
    what : str
        The work, as the start of a sentence: ``"Reading stack.tif"``.

    Raises
    ------
    StructureError
        With what is needed, what is available, and the edge of the cube that would fit.
    """
    voxels = math.prod(int(count) for count in shape)
    needed, available = bytes_per_voxel * voxels, available_memory()
    if needed <= available:
        return
    edge = math.floor((max(available, 0.0) / bytes_per_voxel) ** (1.0 / 3.0) + 1e-9)
    listed = " x ".join(str(count) for count in shape)
    msg = (
        f"{what} needs {needed / GIGABYTE:.3g} GB ({listed} voxels, {bytes_per_voxel:.3g} bytes each), and "
        f"{available / GIGABYTE:.3g} GB are available; a cube of {edge} voxels would fit. "
        f"Crop the volume, or take larger voxels"
    )
    raise StructureError(msg)
