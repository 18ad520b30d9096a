"""Which share of a phase connects two faces of a structure, and which is isolated."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...kernels.geometry import flood
from .voxels import LARGEST_LABEL, Structure

ROLES = ("active-material", "conductive-additive", "binder", "solid-electrolyte", "", "pore")
"""Whose surface gives the normal where two phases meet: the earlier one's, for particles are smooth."""
Which = str | int | Sequence[str | int]


def labels_of(structure: Structure, which: Which) -> list[int]:
    """Labels of a phase, of a role (which no phase may have), or of several of them."""
    if isinstance(which, str) and which in ROLES and which not in structure.phases:
        return sorted(structure.phases[name].label for name in structure.with_role(which))
    if isinstance(which, str | int):
        return [structure.label(which)]
    return sorted({label for item in which for label in labels_of(structure, item)})


def label_table(labels: Sequence[int]) -> NDArray[np.bool_]:
    """Look-up table: which labels are meant."""
    table = np.zeros(LARGEST_LABEL + 1, np.bool_)
    table[list(labels)] = True
    return table


def voxel_count(structure: Structure, labels: Sequence[int]) -> int:
    """Return the number of voxels with any of these labels."""
    return int(structure.counts[list(labels)].sum())


def connected_share(structure: Structure, phase: Which, axis: int) -> float:
    """Share of a phase's voxels in clusters that connect both faces along an axis.

    Voxels are neighbours through faces. Across the other two axes a cluster goes on where the structure is periodic.

    Parameters
    ----------
    structure : Structure
    phase : name, label, role or several
        Taken together: a cluster may use all of them.
    axis : int
        0, 1 or 2 for x, y, z.

    Returns
    -------
    float
        0 to 1; NaN where there is no such voxel.

    Examples
    --------
    >>> import numpy as np
    >>> from solidstack.twin.structure.voxels import Phase, Structure
    >>> labels = np.zeros((4, 4, 4)); labels[:, :2, :] = 1
    >>> half = Structure(labels, {"pore": Phase(0, "pore"), "SE": Phase(1)}, voxel=(1e-6, 1e-6, 1e-6))
    >>> [connected_share(half, "SE", axis) for axis in range(3)]
    [1.0, 0.0, 1.0]
    """
    labels = labels_of(structure, phase)
    total = voxel_count(structure, labels)
    if not total:
        return math.nan
    y, z = (index for index in range(3) if index != axis)
    active = np.moveaxis(label_table(labels)[structure.labels], axis, 0)
    reached = flood.connected_through(active, structure.periodic[y], structure.periodic[z])
    return float(np.count_nonzero(reached) / total)


def isolated_share(
    structure: Structure,
    phase: Which = "active-material",
    *,
    through: Which = ("active-material", "conductive-additive"),
) -> float:
    """Share of a phase without a path to the collector (the last plane of x).

    Parameters
    ----------
    structure : Structure
    phase : name, label, role or several
    through : name, label, role or several
        What a path may use besides the phase: for electrons the active material and the conductive additive.

    Returns
    -------
    float
        0 to 1; NaN where there is no such voxel.
    """
    labels = labels_of(structure, phase)
    total = voxel_count(structure, labels)
    if not total:
        return math.nan
    active = label_table([*labels, *labels_of(structure, through)])[structure.labels]
    reached = flood.touching_face(active, structure.periodic[1], structure.periodic[2], False)
    # plane by plane: the joint mask of a whole volume is not needed
    own = label_table(labels)
    planes = zip(structure.labels, reached.view(np.bool_), strict=True)
    joined = sum(int(np.count_nonzero(own[plane] & there)) for plane, there in planes)
    return float(1.0 - joined / total)
