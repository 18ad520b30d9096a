"""Three models of one electrode compared: close packing, random packing, homogeneous medium; and measured curves."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..design import Design, Protocol
from ..electrode import positive_electrode
from ..errors import StructureError
from ..html import table
from ..kinetics import cell_parameters
from ..outcomes import Outcome
from ..progress import Listener, Teller
from ..twin.effective import Effective
from ..twin.measured_curves import Measured, deviation
from ..units import MAH_G
from .bench import Bench
from .differences import LARGE_SHARE, differences
from .model import Model, finite

MODELS = ("close-packed", "random", "homogenised")
MOST_SEEDS = 100
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
            sentences += [f"{name}: {note}" for note in (model.basis, *model.notes) if note]
        return tuple(self._hinge() + sentences + self._percolation())

    def _hinge(self) -> list[str]:
        """What the discharge hangs on."""
        for model in self.models.values():
            sure = model.sure.get("discharge_mAh_g")
            if sure is not None and sure.hinges_on:
                low, high = MAH_G.of(sure.low), MAH_G.of(sure.high)
                return [f"{low:.3g} to {high:.3g} mAh/g on discharge, decided most by {sure.hinges_on}"]
        return []

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
            "model", "charge, mAh/g", "discharge (range)", "mean V", "ASR, ohm cm^2", "ions, mS/cm", "electrons, mS/cm",
            "interface, m2/cm3", "inactive, %", "s",
        )  # fmt: skip
        rows: list[tuple[str, ...]] = [head]
        for name, model in self.models.items():
            medium = model.effective
            rows.append(
                (
                    name,
                    _text(model.capacity("charge") / 3600.0, ".1f"),
                    _sure(model),
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


def _sure(model: Model) -> str:
    """Capacity of the discharge with its error over seeds and voxels, and its range over what nobody measured."""
    sure = model.sure.get("discharge_mAh_g")
    if sure is None:
        return _text(model.capacity("discharge") / 3600.0, ".1f")
    return sure.text(MAH_G, ".1f")


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
    seeds: int = 3,
    models: Sequence[str] = MODELS,
    accuracy: float = 2.0,
    progress: Listener | None = None,
) -> Validation:
    """Run a protocol with several models of the same electrode, at the thickness of its coating.

    Where voxels that resolve the film of electrolyte are few enough, the whole coating is cycled voxel by voxel. Where
    not, the effective properties of a fine piece are scaled to the whole coating, which is cycled as a homogeneous
    medium; `Model.basis` says which. Either way they are extrapolated over the size of the voxels.

    Parameters
    ----------
    design : Design
        A single one.
    protocol : Protocol, optional
        Default: the design's, else charge at C/10, discharge at C/5.
    measured : sequence of Measured
        Curves to compare with; see `solidstack.twin.measured_curves.read_measured`.
    size, voxel : length, optional
        Of the structures; default: a unit cell of the packing wide, and about 110,000 voxels of the whole coating, or
        2,000,000 of a piece; see `solidstack.study.pieces`.
    seed : int, optional
        The first one.
    seeds : int
        How many structures of each arrangement, 1 to 100.
    models : sequence of str
        Of close-packed, random, homogenised. The medium of the last is that of the random structures.
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
        An unknown model, or none; a number of seeds out of bounds.
    """
    if not models:
        msg = f"models: no model is named; choose from {', '.join(MODELS)}"
        raise StructureError(msg)
    for name in models:
        if name not in MODELS:
            msg = f'model "{name}" is not recognised; choose from {", ".join(MODELS)}'
            raise StructureError(msg)
    if not 1 <= seeds <= MOST_SEEDS:
        msg = f"seeds: {seeds} is not possible; give a number from 1 to {MOST_SEEDS} (3 is usual)"
        raise StructureError(msg)
    first = int(design.twin.seed) if seed is None else seed
    bench = Bench(design, protocol, cell_parameters(design), size, voxel, range(first, first + seeds), accuracy)
    tell = Teller(progress, of=len(models))
    results = {name: bench.model(name, tell.part(at, 1.0, f"{name}: ")) for at, name in enumerate(models)}
    homogenised = results.get("homogenised")
    return Validation(design, results, tuple(measured), None if homogenised is None else homogenised.effective)
