"""What the models of one design share, and how each of them is made: structures, their media, and runs."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ..design import Design, Protocol
from ..electrode import positive_electrode
from ..errors import SolidstackError
from ..kinetics import CellParameters
from ..progress import Listener, Teller
from ..twin.effective import Effective
from ..twin.electrochemistry.cycle import discharge
from ..twin.results import Run
from ..twin.structure.build_report import BuildReport
from ..twin.structure.connectivity import connected_share
from ..twin.structure.voxels import Structure
from ..uncertain import Uncertain
from .certainty import Certainty, certainty
from .extrapolation import COARSER, extrapolated
from .model import Model, own_conductivity, resistance
from .pieces import Plan, is_loose, plan

BUILDING = 0.2
"""Share of a model's progress that its structure takes."""
SAME = "the homogenised model takes this very medium here, and is no check of it"
LOOSE = (
    "below the percolation threshold a lattice of building blocks falls apart; here they touch, and the lattice has "
    "vacancies instead"
)


@dataclass(frozen=True)
class Medium:
    """A structure as a medium of the whole coating.

    Attributes
    ----------
    at_voxels : Effective
        With its ionic conductivity at the size of its voxels.
    extrapolated : Effective
        With that at vanishing voxels.
    """

    at_voxels: Effective
    extrapolated: Effective


@dataclass(frozen=True)
class Sample:
    """One structure and its run."""

    run: Run
    medium: Medium | None
    connected: float
    notes: tuple[str, ...]
    shift: Mapping[str, float]


@dataclass
class Bench:
    """What the models of one design share; each structure is built and measured once.

    Attributes
    ----------
    design : Design
    protocol : Protocol or None
    parameters : CellParameters
    size, voxel
        See `solidstack.study.pieces.plan`.
    seeds : sequence of int
    accuracy : float
    """

    design: Design
    protocol: Protocol | None
    parameters: CellParameters
    size: str | float | None
    voxel: str | float | None
    seeds: Sequence[int]
    accuracy: float
    media: dict[tuple[str, int], Medium] = field(default_factory=dict)

    def model(self, name: str, progress: Listener | None) -> Model:
        """Run one model with all seeds; where it cannot be run, its notes give the reason."""
        begun = time.perf_counter()
        samples: list[Sample] = []
        failures: list[str] = []
        own = plan(self.design, "random" if name == "homogenised" else name, size=self.size, voxel=self.voxel)
        tell = Teller(progress, of=len(self.seeds))
        for number, seed in enumerate(self.seeds):
            try:
                listener = tell.part(number, 1.0, f"seed {seed}: ")
                make = self._homogenised if name == "homogenised" else self._structured
                samples.append(make(own, seed, listener))
            except SolidstackError as error:
                failures.append(f"could not be run with seed {seed}: {error}")
        model = Model(
            name=name,
            run=None,
            notes=tuple(failures),
            seconds=time.perf_counter() - begun,
            own_conductivity=own_conductivity(self.parameters),
            basis="the random structures as a medium, extrapolated over the size of their voxels"
            if name == "homogenised"
            else own.words,
        )
        if failures or not samples:
            return model
        first = samples[0]
        notes = dict.fromkeys(note for sample in samples for note in sample.notes)
        medium = first.medium
        model = replace(
            model,
            run=first.run,
            others=tuple(sample.run for sample in samples[1:]),
            resistance=resistance(first.run),
            notes=tuple(notes),
            effective=None if medium is None else medium.extrapolated if name == "homogenised" else medium.at_voxels,
            connected=first.connected,
        )
        return replace(model, sure=self._sure(samples), seconds=time.perf_counter() - begun)

    def _structured(self, own: Plan, seed: int, progress: Listener | None) -> Sample:
        """Cycle a structure voxel by voxel, or its medium where it is a piece."""
        tell = Teller(progress, what="building")
        structure = own.build(self.design, seed, progress=tell.part(0.0, BUILDING))
        notes = [*BuildReport(structure).warnings]
        if own.arrangement == "close-packed" and is_loose(self.design):
            notes.append(LOOSE)
        connected = connected_share(structure, "solid-electrolyte", 0)
        listener = tell.part(BUILDING, 1.0 - BUILDING, what="cycling")
        if not own.is_whole:
            medium = self._medium(own, seed, structure)
            if own.arrangement == "random":
                notes.append(SAME)
            return Sample(self._simulate(medium.extrapolated, listener), medium, connected, tuple(notes), {})
        found: Medium | None
        try:
            found = self._medium(own, seed, structure)
        except SolidstackError as error:  # the twin may run without: blends, for one
            notes.append(f"no medium: {error}")
            found = None
        run = discharge(
            structure, self.design, protocol=self.protocol, parameters=self.parameters, accuracy=self.accuracy,
            progress=listener,
        )  # fmt: skip
        if not run.is_complete:
            notes.append(run.end_reason)
        return Sample(run, found, connected, tuple(notes), {} if found is None else self._shift(found))

    def _homogenised(self, own: Plan, seed: int, progress: Listener | None) -> Sample:
        tell = Teller(progress, what="medium of the random packing")
        tell(0.0)
        medium = self._medium(own, seed, None)
        run = self._simulate(medium.extrapolated, tell.part(BUILDING, 1.0 - BUILDING))
        return Sample(run, medium, math.nan, () if run.is_complete else (run.end_reason,), {})

    def _medium(self, own: Plan, seed: int, structure: Structure | None) -> Medium:
        """Medium of a structure, scaled to the coating; its ionic conductivity at two sizes of voxels."""
        key = own.arrangement, seed
        if key not in self.media:
            _, positive = positive_electrode(self.design)
            loading = float(positive.am_mass_fraction * positive.loading)
            structure = own.build(self.design, seed) if structure is None else structure
            fine = Effective.from_structure(structure, self.parameters).with_loading(loading)
            coarse = Effective.from_structure(own.build(self.design, seed, fine=COARSER), self.parameters)
            found = extrapolated(fine.ionic_conductivity, coarse.ionic_conductivity, COARSER)
            self.media[key] = Medium(fine, fine.changed(ionic_conductivity=found.value))
        return self.media[key]

    def _simulate(self, medium: Effective, progress: Listener | None = None) -> Run:
        return self._run(medium, self.parameters, progress)

    @cached_property
    def _run(self) -> Callable[[Effective, CellParameters, Listener | None], Run]:
        from ..twin.companion.homogenised import HomogenisedModel

        model = HomogenisedModel()

        def run(medium: Effective, parameters: CellParameters, progress: Listener | None = None) -> Run:
            return model.run(self.design, self.protocol, effective=medium, parameters=parameters, progress=progress)

        return run

    def _shift(self, medium: Medium) -> dict[str, float]:
        """By how much vanishing voxels change the figures: of the medium, which the voxels are of."""
        before, after = (_figures(self._simulate(each)) for each in (medium.at_voxels, medium.extrapolated))
        return {name: after[name] - before[name] for name in before if name in after}

    def _certainty(self) -> Certainty | None:
        """Range of the figures over what nobody measured, with the medium of the first random structure."""
        known: Certainty | None = self.__dict__.get("_ranges")
        if known is None and self.media:
            medium = self.media.get(("random", self.seeds[0])) or next(iter(self.media.values()))

            def figures(parameters: CellParameters) -> Mapping[str, float]:
                followed = medium.extrapolated.following(self.parameters, parameters)
                return _figures(self._run(followed, parameters, None))

            known = self.__dict__["_ranges"] = certainty(figures, self.parameters)
        return known

    def _sure(self, samples: Sequence[Sample]) -> dict[str, Uncertain]:
        """Figures of a model: mean over the seeds, extrapolated over voxels, with their range."""
        ranges = self._certainty()
        found = [_figures(sample.run) for sample in samples]
        last = samples[0].run.of("discharge") or samples[0].run.steps[-1]
        result = {}
        for name in found[0]:
            shifts = [sample.shift.get(name, 0.0) for sample in samples]
            values = [figures[name] + shift for figures, shift in zip(found, shifts, strict=True) if name in figures]
            value = float(np.mean(values))
            spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
            error = math.hypot(spread, float(np.mean(np.abs(shifts))))
            if ranges is None or name not in ranges.base:
                result[name] = Uncertain(value, value - error, value + error, last.end_reason)
            else:
                result[name] = ranges.of(name, value, last.end_reason, error=error)
        return result


def _figures(run: Run) -> dict[str, float]:
    """Capacities of the last charge and discharge (A s/kg), mean voltage of the discharge (V)."""
    figures = {}
    for kind in ("charge", "discharge"):
        step = run.of(kind)
        if step is not None:
            figures[f"{kind}_mAh_g"] = step.capacity
            if kind == "discharge" and math.isfinite(step.average_voltage):
                figures["average_voltage_V"] = step.average_voltage
    return figures
