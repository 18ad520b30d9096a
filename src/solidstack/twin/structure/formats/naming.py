"""What the labels of a volume are, and how large its voxels: words to phases, lengths to edges."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .... import units
from ....errors import StructureError
from ....materials import default_library
from ..voxels import LARGEST_LABEL, PORE, Phase, Vector

ASSUMED_VOXEL = (1e-6, 1e-6, 1e-6)
"""Edges of a voxel where neither the file nor the user gives them, m."""
MOST_PHASES = 32
"""An image of more labels, none of them named, is a grey image."""
ROLES = ("active-material", "solid-electrolyte", "conductive-additive", "binder", "carbon-binder")
PORES = (PORE, "pores", "void", "voids")
CARBON_BINDERS = ("carbon-binder", "carbon binder", "carbon-binder domain", "carbon binder domain", "cbd")
"""The mixture that tomography cannot separate: porous, it conducts electrons, and ions in its pores."""
VoxelSize = str | float | Sequence[float]
Naming = str | Mapping[str, Phase] | Mapping[int, str]


def as_voxel(size: VoxelSize) -> Vector:
    """Read the edges of a voxel: one for all axes, or three for x, y, z.

    Parameters
    ----------
    size : str, float, or sequence of float
        Text with units, as in ``"0.4 um"`` or ``"1 um, 0.4 um, 0.4 um"``; numbers are metres.

    Raises
    ------
    StructureError
        Neither one nor three edges, or one that is not above 0.

    Examples
    --------
    >>> as_voxel("0.4 um")
    (4e-07, 4e-07, 4e-07)
    """
    if isinstance(size, str):
        edges = [units.parse(part, units.THICKNESS) for part in size.split(",")]
    else:
        edges = [float(edge) for edge in np.atleast_1d(np.asarray(size, float))]
    if len(edges) == 1:
        edges *= 3
    if len(edges) != 3 or not all(0.0 < edge < np.inf for edge in edges):
        msg = (
            f'voxel size "{size}" is not one edge or three edges (x, y, z) above 0; '
            f'write "0.4 um" or "1 um, 0.4 um, 0.4 um"'
        )
        raise StructureError(msg)
    return edges[0], edges[1], edges[2]


def as_phases(names: Naming) -> dict[str, Phase]:
    """Read what labels stand for; role and density come from the materials where a name is one.

    Parameters
    ----------
    names : str or mapping
        ``"pore, NCM622, binder"`` names the labels 0, 1, 2; ``"0=pore, 2=NCM622"`` names some; or a mapping of labels
        to names, or of names to phases.

    Raises
    ------
    StructureError
        A label or name that occurs twice, a label out of 0 to 255, or no name.

    Examples
    --------
    >>> phase = as_phases("0=pore, 1=NCM622")["NCM622"]
    >>> phase.label, phase.role, phase.density
    (1, 'active-material', 4760.0)
    """
    pairs: list[tuple[Any, Any]]
    if isinstance(names, str):
        parts = [part.strip() for part in names.split(",")]
        named = ["=" in part for part in parts]
        if any(named) and not all(named):
            msg = (
                f'phases "{names}" mixes LABEL=NAME with bare names; '
                f'write "0=pore, 1=NCM622", or "pore, NCM622" for 0, 1'
            )
            raise StructureError(msg)
        pairs = (
            [(a, b) for a, _, b in (part.partition("=") for part in parts)] if all(named) else list(enumerate(parts))
        )
    else:
        pairs = list(names.items())
    phases: dict[str, Phase] = {}
    for key, value in pairs:
        name, phase = (key, value) if isinstance(value, Phase) else (str(value).strip(), None)
        if phase is None:
            text = str(key).strip()
            if not text.isdecimal():
                msg = f'label "{text}" of phase "{name}" is not a whole number from 0 to {LARGEST_LABEL}'
                raise StructureError(msg)
            phase = phase_named(int(text), name)
        if not name:
            msg = f'label {phase.label} has an empty name; write for example "0=pore, 1=NCM622"'
            raise StructureError(msg)
        if name in phases:
            msg = f'phase "{name}" appears twice; a name stands for one label'
            raise StructureError(msg)
        phases[name] = phase
    check_phases(phases)
    return phases


def phase_named(label: int, name: str) -> Phase:
    """Fill a phase from its name: a pore, a role, carbon with binder, or a material."""
    word = name.casefold()
    if word in PORES:
        return Phase(label, PORE)
    if word in ROLES or word in CARBON_BINDERS:
        return Phase(label, word if word in ROLES else "carbon-binder")
    library = default_library()
    if name not in library:
        return Phase(label)
    material = library[name]
    role = material.role if material.role in ROLES else ""
    return Phase(label, role, float(material.default("density").value))


def check_phases(phases: Mapping[str, Phase]) -> None:
    """Refuse two phases of one label, and labels that do not fit into a byte."""
    by_label: dict[int, str] = {}
    for name, phase in phases.items():
        if not 0 <= phase.label <= LARGEST_LABEL:
            msg = f'label {phase.label} of phase "{name}" is not within 0 to {LARGEST_LABEL}'
            raise StructureError(msg)
        if phase.label in by_label:
            msg = f'label {phase.label} has two names, "{by_label[phase.label]}" and "{name}"; leave one out'
            raise StructureError(msg)
        by_label[phase.label] = name


def assumes_voxel(structure: Any) -> bool:
    """Whether the voxel size of a structure or grey image is an assumption, because nobody gave it."""
    return bool(structure.provenance.get("voxel_assumed", False))
