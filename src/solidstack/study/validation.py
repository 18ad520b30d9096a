"""Three models of one electrode compared: close packing, random packing, homogeneous medium; and measured curves."""

import itertools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..design import Design, Protocol
from ..electrode import positive_electrode
from ..errors import SolidstackError, StructureError
from ..html import table
from ..kinetics import CellParameters, cell_parameters
from ..outcomes import Outcome
from ..progress import Listener, Teller
from ..twin.effective import Effective
from ..twin.electrochemistry.cycle import discharge
from ..twin.measured_curves import Measured, deviation
from ..twin.results import Run
from ..twin.structure.connectivity import connected_share
from ..twin.structure.voxels import Structure
from .coarse import coarse_structure
from .differences import LARGE_SHARE, differences
from .model import Model, finite, own_conductivity, resistance

MODELS = ("close-packed", "random", "homogenised")
NEAR_PERCOLATION = 0.1
"""Relative distance of the density to the percolation threshold within which, or below which, it is mentioned."""


@dataclass(frozen=True)
class Validation:
    """The models of one design, and how far they differ.

    Attributes
    ----------
    design : Design
    models : mapping of str to Model
    measured : tuple of Measured
    effective : Effective or None
        Medium that the homogenised model used.
    """

    design: Design
    models: Mapping[str, Model]
    measured: tuple[Measured, ...] = ()
    effective: Effective | None = None

    @property
    def pairs(self) -> list[tuple[Model, Model]]:
        """Neighbours among the models that ran."""
        return list(itertools.pairwise(model for model in self.models.values() if model.run is not None))

    @property
    def words(self) -> tuple[str, ...]:
        """Why the models differ, in words."""
        sentences: list[str] = []
        for first, second in self.pairs:
            sentences += differences(first, second)
        for name, model in self.models.items():
            if 1.0 - model.connected > LARGE_SHARE:
                sentences.append(
                    f"{name}: {100 * (1 - model.connected):.3g} % of the solid electrolyte is cut off from membrane or "
                    "collector and conducts nothing"
                )
            if model.run is not None:
                sentences += [
                    f"{name}: the {step.kind} ended early, {step.end_reason}"
                    for step in model.run.steps
                    if step.outcome is Outcome.DEPLETED
                ]
            sentences += [f"{name}: {note}" for note in model.notes]
        return tuple(sentences + self._percolation())

    def _percolation(self) -> list[str]:
        """Explain what a density near the threshold means, below which shells of electrolyte do not touch."""
        thresholds, _ = positive_electrode(self.design)
        threshold, above = float(thresholds.percolation_density), float(thresholds.density_distance)
        if above > NEAR_PERCOLATION * threshold:
            return []
        side = "above" if above > 0.0 else "below"
        cause = "; the electrolyte conducts through few contacts, and which ones depends on the packing"
        return [f"the density is {abs(above) / 1e3:.2g} g/cm^3 {side} the percolation threshold{cause}"]

    def deviations(self) -> dict[str, dict[str, Any]]:
        """Compare each model's last charge and discharge with the last measured ones; empty without them."""
        return {
            name: {curve.kind: deviation(model.run, curve) for curve in self.measured}
            for name, model in self.models.items()
            if model.run is not None and self.measured
        }

    def apart(self) -> list[dict[str, Any]]:
        """Compare neighbouring models: voltages over capacity, capacities, resistance (first against second)."""
        rows = []
        for first, second in self.pairs:
            row: dict[str, Any] = {"models": [first.name, second.name]}
            for kind in ("charge", "discharge"):
                curve = second.curve(kind)
                row[kind] = None if curve is None or first.run is None else deviation(first.run, curve)
            row["average_voltage_mV"] = finite(1e3 * (first.average_voltage - second.average_voltage))
            row["asr_ohm_cm2"] = finite(1e4 * (first.area_resistance - second.area_resistance))
            rows.append(row)
        return rows

    def table(self) -> list[tuple[str, ...]]:
        """Return a heading and a row for each model, as text."""
        head = (
            "model", "charge, mAh/g", "discharge", "mean V", "ASR, ohm cm^2", "ions, mS/cm", "electrons, mS/cm",
            "interface, m2/cm3", "inactive, %", "s",
        )  # fmt: skip
        rows: list[tuple[str, ...]] = [head]
        for name, model in self.models.items():
            medium = model.effective
            rows.append(
                (
                    name,
                    _text(model.capacity("charge") / 3600.0, ".1f"),
                    _text(model.capacity("discharge") / 3600.0, ".1f"),
                    _text(model.average_voltage, ".4f"),
                    _text(1e4 * model.area_resistance, ".4g"),
                    _text(math.nan if medium is None else 10.0 * medium.ionic_conductivity, ".3g"),
                    _text(10.0 * model.electronic_conductivity, ".3g"),
                    _text(math.nan if medium is None else 1e-6 * medium.specific_interface, ".3g"),
                    _text(math.nan if model.run is None else 100.0 * model.run.inactive_fraction, ".3g"),
                    f"{model.seconds:.0f}",
                )
            )
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return plain data with units in the keys."""
        return {
            "design": self.design.name,
            "models": {name: model.to_dict() for name, model in self.models.items()},
            "effective": None if self.effective is None else self.effective.to_dict(),
            "apart": self.apart(),
            "against_measured": self.deviations(),
            "why": list(self.words),
        }

    def _repr_html_(self) -> str:
        head, *rows = self.table()
        return table(self.design.name, head, [*rows, *((text,) for text in self.words)])


def _text(value: float, digits: str) -> str:
    return f"{value:{digits}}" if math.isfinite(value) else "–"


def validate(
    design: Design,
    *,
    protocol: Protocol | None = None,
    measured: Sequence[Measured] = (),
    size: str | float | None = None,
    voxel: str | float | None = None,
    seed: int | None = None,
    models: Sequence[str] = MODELS,
    accuracy: float = 1.0,
    progress: Listener | None = None,
) -> Validation:
    """Run a protocol with several models of the same electrode.

    Parameters
    ----------
    design : Design
        A single one.
    protocol : Protocol, optional
        Default: the design's, else charge at C/10, discharge at C/5.
    measured : sequence of Measured
        Curves to compare with; see `solidstack.twin.measured_curves.read_measured`.
    size, voxel : length, optional
        Of the structures; default: a unit cell of the close packing wide, about 50,000 voxels, more where a thin film
        of electrolyte needs them; see `solidstack.study.coarse`.
    seed : int, optional
    models : sequence of str
        Of close-packed, random, homogenised. The medium of the last is that of the random structure.
    accuracy : float
        Of the twins' time steps, see `solidstack.twin.electrochemistry.cycle`.
    progress : callable, optional
        Progress callback; counts models.

    Returns
    -------
    Validation
        A model that could not be run is there without a run, and its notes give the reason.

    Raises
    ------
    StructureError
        An unknown model, or none.
    """
    if not models:
        msg = f"models: no model is named; choose from {', '.join(MODELS)}"
        raise StructureError(msg)
    for name in models:
        if name not in MODELS:
            msg = f'model "{name}" is not recognised; choose from {", ".join(MODELS)}'
            raise StructureError(msg)
    bench = _Bench(design, protocol, cell_parameters(design), size, voxel, seed, accuracy)
    tell = Teller(progress, of=len(models))
    results = {name: bench.model(name, tell.part(at, 1.0, f"{name}: ")) for at, name in enumerate(models)}
    homogenised = results.get("homogenised")
    return Validation(design, results, tuple(measured), None if homogenised is None else homogenised.effective)


BUILDING = 0.2
"""Share of a model's progress that its structure takes."""


@dataclass
class _Bench:
    """What the models of one design share; each structure is built and measured once."""

    design: Design
    protocol: Protocol | None
    parameters: CellParameters
    size: str | float | None
    voxel: str | float | None
    seed: int | None
    accuracy: float
    media: dict[str, Effective] = field(default_factory=dict)

    def model(self, name: str, progress: Listener | None) -> Model:
        """Run one model; where it cannot be run, its notes give the reason."""
        begun = time.perf_counter()
        notes = list[str]()
        run, connected = None, math.nan
        try:
            if name == "homogenised":
                run = self._homogenised(progress)
            else:
                structure = self._structure(name, progress, notes)
                connected = connected_share(structure, "solid-electrolyte", 0)
                run = self._twin(name, structure, progress, notes)
            if not run.is_complete:
                notes.append(run.end_reason)
        except SolidstackError as error:
            notes.append(f"could not be run: {error}")
        return Model(
            name=name,
            run=run,
            resistance={} if run is None else resistance(run),
            notes=tuple(notes),
            seconds=time.perf_counter() - begun,
            effective=self.media.get("random" if name == "homogenised" else name),
            connected=connected,
            own_conductivity=own_conductivity(self.parameters),
        )

    def _homogenised(self, progress: Listener | None) -> Run:
        from ..twin.companion.homogenised import simulate

        tell = Teller(progress, what="medium of the random packing")
        if "random" not in self.media:
            tell(0.0)
            self._medium("random", self._structure("random", progress, []))
        return simulate(
            self.design, self.protocol, effective=self.media["random"], parameters=self.parameters,
            progress=tell.part(BUILDING, 1.0 - BUILDING),
        )  # fmt: skip

    def _twin(self, name: str, structure: Structure, progress: Listener | None, notes: list[str]) -> Run:
        try:
            self._medium(name, structure)
        except SolidstackError as error:  # the twin may run without: blends, for one
            notes.append(f"no medium: {error}")
        return discharge(
            structure, self.design, protocol=self.protocol, parameters=self.parameters, accuracy=self.accuracy,
            progress=Teller(progress).part(BUILDING, 1.0 - BUILDING),
        )  # fmt: skip

    def _structure(self, arrangement: str, progress: Listener | None, notes: list[str]) -> Structure:
        tell = Teller(progress, what="building")
        tell(0.0)
        structure, remarks = coarse_structure(
            self.design, size=self.size, voxel=self.voxel, seed=self.seed, arrangement=arrangement,
            progress=tell.part(0.0, BUILDING),
        )  # fmt: skip
        notes += remarks
        return structure

    def _medium(self, arrangement: str, structure: Structure) -> None:
        self.media[arrangement] = Effective.from_structure(structure, self.parameters)
