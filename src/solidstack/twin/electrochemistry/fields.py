"""Fields of a discharge at chosen times: contents, potentials, reaction."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import StructureError
from ..structure.formats import check_field_ending, write_field
from ..structure.voxels import Structure

Field = NDArray[np.float32]


@dataclass(frozen=True)
class Snapshot:
    """State of a structure at one time; arrays have its shape and are NaN where the quantity does not exist.

    Attributes
    ----------
    time : float
        s.
    voltage : float
        Of the cell, V.
    stoichiometry : array
        Of the active material that is not inactive.
    electronic_potential : array
        Against the lithium, V.
    ionic_potential : array
        Of the solid electrolyte against the lithium, V.
    salt : array or None
        Concentration relative to the nominal one; None for a single-ion conductor.
    """

    time: float
    voltage: float
    stoichiometry: Field = field(repr=False)
    electronic_potential: Field = field(repr=False)
    ionic_potential: Field = field(repr=False)
    salt: Field | None = field(repr=False, default=None)

    def fields(self) -> Mapping[str, Field]:
        """Return the arrays by name."""
        fields = {
            "stoichiometry": self.stoichiometry,
            "electronic potential (V)": self.electronic_potential,
            "ionic potential (V)": self.ionic_potential,
        }
        return fields if self.salt is None else {**fields, "salt concentration": self.salt}


@dataclass
class Fields:
    """Snapshots to take, and those that were taken.

    Parameters
    ----------
    times : sequence of float
        s from the start of the protocol; the first state at or after each is taken.
    step_ends : bool
        Whether the end of each step of the protocol is taken.
    folder : path, optional
        Where each snapshot is written at once, so that none is lost when the run is interrupted; without it they are
        kept in ``taken``.
    structure : Structure, optional
        Whose fields they are, for the files.
    ending : str
        .vti for ParaView, .zarr or .npz for work.
    keep : bool
        Whether they are kept in ``taken`` as well when they are written.
    """

    times: Sequence[float] = ()
    step_ends: bool = True
    folder: str | os.PathLike[str] | None = None
    structure: Structure | None = None
    ending: str = ".vti"
    keep: bool = False
    taken: list[Snapshot] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    _last: float = -np.inf

    def __post_init__(self) -> None:
        if self.folder is not None:
            check_field_ending(f"fields{self.ending}")
            if self.structure is None:
                msg = "a folder for fields needs the structure that they belong to; give structure"
                raise StructureError(msg)

    def is_due(self, time: float, *, ended: bool) -> bool:
        """Return whether to take the state at a time; ``ended``: a step of the protocol ends there."""
        passed = any(self._last < chosen <= time for chosen in self.times)
        self._last = max(self._last, time)
        return (ended and self.step_ends) or passed

    def take(self, snapshot: Snapshot) -> None:
        """Keep a state, or write it.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        if self.keep or self.folder is None:
            self.taken.append(snapshot)
        if self.folder is None or self.structure is None:
            return
        path = Path(self.folder) / f"fields-{snapshot.time:09.0f}s{self.ending}"
        self.paths.append(write_field(self.structure, snapshot.fields(), path))


@dataclass(frozen=True)
class Particles:
    """How far each particle of the active material was used.

    Attributes
    ----------
    depth : array, shape (n,)
        Of its centre from the membrane, m.
    volume : array, shape (n,)
        m3; particles of a periodic structure that continue at the opposite face count as two parts.
    stoichiometry : array, shape (n,)
        Mean over its voxels that are not inactive; NaN for an inactive particle.
    """

    depth: NDArray[np.float64]
    volume: NDArray[np.float64]
    stoichiometry: NDArray[np.float64]

    def utilisation(self, before: "Particles") -> NDArray[np.float64]:
        """Change of the stoichiometry of each particle since another snapshot; 0 for inactive particles."""
        return np.nan_to_num(np.abs(self.stoichiometry - before.stoichiometry))


def particles(structure: Structure, snapshot: Snapshot) -> Particles:
    """Split the active material into particles (watershed of the distance to its surface) and average over each."""
    from scipy import ndimage
    from skimage.feature import peak_local_max
    from skimage.segmentation import watershed

    active = structure.mask(*structure.with_role("active-material"))
    inner = ndimage.distance_transform_edt(active, sampling=structure.voxel)
    # bumps of one voxel on the surface are not particles of their own
    smooth = ndimage.gaussian_filter(inner, 1.0)
    peaks = peak_local_max(  # type: ignore[no-untyped-call]
        smooth, min_distance=3, labels=ndimage.label(active)[0], exclude_border=False
    )
    markers = np.zeros(active.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = watershed(-smooth, markers, mask=active)  # type: ignore[no-untyped-call]
    volume = np.bincount(labels.ravel(), minlength=len(peaks) + 1)[1:] * float(np.prod(structure.voxel))
    index = np.arange(1, len(peaks) + 1)
    plane = np.arange(structure.shape[0], dtype=float)[:, None, None] + 0.5
    depth = ndimage.mean(np.broadcast_to(plane, active.shape), labels, index) * structure.voxel[0]
    known = np.isfinite(snapshot.stoichiometry)
    total = ndimage.sum(np.where(known, snapshot.stoichiometry, 0.0), labels, index)
    parts = ndimage.sum(known, labels, index)
    mean = np.divide(total, parts, out=np.full(len(index), np.nan), where=parts > 0)
    return Particles(np.asarray(depth), np.asarray(volume, np.float64), mean)
