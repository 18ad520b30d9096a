"""A 3D structure: one label per voxel, what the labels mean, how large a voxel is, and where it came from.

Axis 0 of every array is x, the through-plane direction; axes 1 and 2 lie in the plane.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import StructureError

Labels = NDArray[np.uint8]
Vector = tuple[float, float, float]
PORE = "pore"
AXES = ("x", "y", "z")
LARGEST_LABEL = 255


@dataclass(frozen=True)
class Phase:
    """What a label of a structure stands for.

    Parameters
    ----------
    label : int
        Value of the voxels, 0 to 255.
    role : str
        ``pore``, ``active-material``, ``solid-electrolyte``, ``conductive-additive``, ``binder``, or ``carbon-binder``,
        their porous mixture, which conducts both electrons and ions; empty where unknown.
    density : float or None
        True density, kg/m3.
    ionic_conductivity, electronic_conductivity : float or None
        S/m.
    target : float or None
        Volume fraction that was asked for when the structure was made.
    """

    label: int
    role: str = ""
    density: float | None = None
    ionic_conductivity: float | None = None
    electronic_conductivity: float | None = None
    target: float | None = None


@dataclass(frozen=True)
class Structure:
    """A segmented volume, generated or imaged.

    Parameters
    ----------
    labels : array of uint8, shape (nx, ny, nz)
        Label of every voxel; axis 0 is x, through-plane.
    phases : mapping of str to Phase
        Every label that occurs has a phase; a phase may be empty.
    voxel : (float, float, float)
        Edge lengths of a voxel, m.
    periodic : (bool, bool, bool)
        Along which axes the structure continues at the opposite face.
    provenance : mapping
        Plain data (JSON): how the structure was made.
    """

    labels: Labels
    phases: Mapping[str, Phase]
    voxel: Vector
    periodic: tuple[bool, bool, bool] = (False, False, False)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels)
        if labels.ndim != 3:
            msg = f"a structure has 3 axes (x, y, z); this array has shape {labels.shape}. Use a stack of slices"
            raise StructureError(msg)
        if not labels.size:
            msg = f"a structure needs voxels; this array has shape {labels.shape}"
            raise StructureError(msg)
        if labels.dtype != np.uint8:
            labels = _as_labels(labels)
        object.__setattr__(self, "labels", np.ascontiguousarray(labels))
        voxel = tuple(float(edge) for edge in self.voxel)
        if len(voxel) != 3 or not all(math.isfinite(edge) and edge > 0.0 for edge in voxel):
            msg = f"a voxel needs 3 edge lengths above 0 (m); received {self.voxel}"
            raise StructureError(msg)
        object.__setattr__(self, "voxel", voxel)
        known = {phase.label for phase in self.phases.values()}
        unnamed = sorted(set(np.flatnonzero(self.counts)) - known)
        if unnamed:
            names = {f"label {label}": Phase(int(label)) for label in unnamed}
            object.__setattr__(self, "phases", {**self.phases, **names})

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along x, y, z."""
        nx, ny, nz = self.labels.shape
        return nx, ny, nz

    @property
    def size(self) -> Vector:
        """Edge lengths of the volume, m."""
        x, y, z = (count * edge for count, edge in zip(self.shape, self.voxel, strict=True))
        return x, y, z

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Voxels of each label, shape (256,)."""
        counts = np.zeros(LARGEST_LABEL + 1, np.int64)
        for plane in self.labels:  # plane by plane: bincount makes 8-byte copies
            counts += np.bincount(plane.ravel(), minlength=LARGEST_LABEL + 1)
        return counts

    def label(self, name: str | int) -> int:
        """Label of a phase by its name, by its label, or by its role where one phase alone has it."""
        from ...units import nearest

        if isinstance(name, str) and name in self.phases:
            return self.phases[name].label
        known = {phase.label: key for key, phase in self.phases.items()}
        text = str(name).strip()
        if text.isdecimal() and int(text) in known:
            return int(text)
        with_role = self.with_role(text)
        if len(with_role) == 1:
            return self.phases[with_role[0]].label
        close = nearest(text, list(self.phases))
        hint = f"did you mean {close}? " if close else ""
        listed = ", ".join(f"{label} ({known[label]})" for label in sorted(known))
        msg = f'"{name}" is not a phase of this structure; {hint}The phases are {listed}'
        raise StructureError(msg)

    def name(self, label: int) -> str:
        """Name of a label's phase."""
        return next(key for key, phase in self.phases.items() if phase.label == label)

    def with_role(self, role: str) -> list[str]:
        """Name the phases of a role."""
        return [name for name, phase in self.phases.items() if phase.role == role]

    def mask(self, *names: str | int) -> NDArray[np.bool_]:
        """Where one of the phases is, shape of the labels."""
        chosen = np.zeros(LARGEST_LABEL + 1, bool)
        chosen[[self.label(name) for name in names]] = True
        return chosen[self.labels]

    def fraction(self, *names: str | int) -> float:
        """Volume fraction of one or several phases."""
        return float(sum(self.counts[label] for label in {self.label(name) for name in names}) / self.labels.size)

    @property
    def porosity(self) -> float:
        """Volume fraction of the phases with the role of a pore."""
        return self.fraction(*self.with_role("pore"))

    @property
    def density(self) -> float:
        """Density by the true densities of the phases, kg/m3; NaN where one that is present has none."""
        total = 0.0
        for name, phase in self.phases.items():
            fraction = self.fraction(name)
            if fraction == 0.0 or phase.role == "pore":
                continue
            if phase.density is None:
                return math.nan
            total += fraction * phase.density
        return total

    def changed(self, **fields: Any) -> "Structure":
        """Copy with some fields replaced."""
        return replace(self, **fields)

    def noted(self, step: str, **details: Any) -> dict[str, Any]:
        """Provenance with one more step of the history."""
        return with_step(self.provenance, step, **details)

    def crop(self, *ranges: tuple[int, int]) -> "Structure":
        """Cut out a part by voxel ranges along x, y, z; a cut axis is no longer periodic."""
        part = self.labels[cut(ranges, self.shape)]
        x, y, z = (
            whole and pair == (0, count) for whole, pair, count in zip(self.periodic, ranges, self.shape, strict=True)
        )
        notes = self.noted("crop", ranges=[list(pair) for pair in ranges])
        return self.changed(labels=part.copy(), periodic=(x, y, z), provenance=notes)


def with_step(provenance: Mapping[str, Any], step: str, **details: Any) -> dict[str, Any]:
    """Provenance with one more step of its history."""
    return {**provenance, "history": [*provenance.get("history", []), {"step": step, **details}]}


def cut(ranges: Sequence[tuple[int, int]], shape: Sequence[int]) -> tuple[slice, ...]:
    """Slices of voxel ranges (first, end) along x, y, z; refuses what is not within the shape."""
    if len(ranges) != 3:
        msg = f"crop needs three ranges (first, end) of voxels; received {len(ranges)}"
        raise StructureError(msg)
    for axis, (first, end), count in zip(AXES, ranges, shape, strict=True):
        if not 0 <= first < end <= count:
            msg = f"range {first}:{end} along {axis} is not within 0:{count}, or is empty"
            raise StructureError(msg)
    return tuple(slice(*pair) for pair in ranges)


def _as_labels(values: NDArray[Any]) -> Labels:
    """Turn whole numbers from 0 to 255 into labels; refuse anything else."""
    if values.dtype == bool:
        return values.astype(np.uint8)
    if values.dtype.kind not in "iuf":
        msg = f"labels must be whole numbers from 0 to {LARGEST_LABEL}; received an array of {values.dtype}"
        raise StructureError(msg)
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        msg = "the image holds NaN or infinite grey values; replace them, or crop that region away, first"
        raise StructureError(msg)
    if low < 0 or high > LARGEST_LABEL:
        msg = (
            f"labels must be whole numbers from 0 to {LARGEST_LABEL}; received {low:g} to {high:g}. "
            f"Segment a grey image first (solidstack image segment)"
        )
        raise StructureError(msg)
    labels = values.astype(np.uint8)
    if values.dtype.kind == "f" and not np.array_equal(labels, values):
        msg = (
            "labels must be whole numbers; this array has fractions. "
            "Segment a grey image first (solidstack image segment)"
        )
        raise StructureError(msg)
    return labels
