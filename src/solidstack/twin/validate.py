"""Three models of one electrode side by side: close packing, random packing, homogeneous medium; and what matters."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import units
from ..design import Design, Protocol
from ..electrode import positive_electrode
from ..errors import SolidstackError, StructureError
from .build import BuildReport, build
from .discharge import discharge
from .effective import Effective
from .parameters import SENSITIVE, CellParameters
from .parameters import parameters as collect
from .results import SPLIT, Run
from .runs import Measured, deviation
from .voxels import Structure

Progress = Callable[[str, float], None]

USUAL_VOXELS = 50_000
"""Of a structure that is only cycled for comparison."""
MOST_VOXELS = 150_000
"""Of such a structure where the electrolyte's film asks for more."""
FILM = 0.8
"""Voxels on the electrolyte's film that suffice for it to connect (98 % of it in the worked example)."""
WIDTH = 1.42
"""Edge in the plane over the diameter of a particle: a cell of the close packing."""
MODELS = ("close-packed", "random", "homogenised")
LARGE_PART = 1e-3
"""V; a difference of a part of the voltage below it is not worth a word."""


@dataclass(frozen=True)
class Model:
    """What one model made of a design.

    Attributes
    ----------
    name : str
    run : Run or None
        None where the model could not be made; the reason is among the notes.
    resistance : mapping of str to float
        Parts of the cell's resistance at half of the last discharge, ohm m2.
    notes : tuple of str
        What to know: voxels on the film, what takes no part, why it stopped.
    seconds : float
    """

    name: str
    run: Run | None
    resistance: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Give plain data with units in the keys."""
        return {
            **({} if self.run is None else self.run.to_dict()),
            "asr_ohm_cm2": None if not self.resistance else 1e4 * sum(self.resistance.values()),
            "asr_parts_ohm_cm2": {name: 1e4 * value for name, value in self.resistance.items()},
            "notes": list(self.notes),
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Validation:
    """The models of one design, and how far they are apart.

    Attributes
    ----------
    design : Design
    models : mapping of str to Model
    measured : tuple of Measured
    effective : Effective or None
        Medium that the homogenised model was given.
    """

    design: Design
    models: Mapping[str, Model]
    measured: tuple[Measured, ...] = ()
    effective: Effective | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Why the models part, in words."""
        found = []
        runs = {name: model for name, model in self.models.items() if model.run is not None}
        names = list(runs)
        for first, second in itertools.pairwise(names):
            one, other = runs[first].resistance, runs[second].resistance
            current = self._current(runs[first])
            if one and other:
                apart = {part: (one.get(part, 0.0) - other.get(part, 0.0)) * current for part in SPLIT}
                part = max(apart, key=lambda key: abs(apart[key]))
                if abs(apart[part]) < LARGE_PART:
                    found.append(f"{first} and {second} agree at half discharge to {1e3 * abs(apart[part]):.2g} mV")
                else:
                    found.append(
                        f"{first} loses {1e3 * abs(apart[part]):.3g} mV {'more' if apart[part] > 0 else 'less'} than "
                        f"{second} to: {SPLIT[part]}"
                    )
            inactive = [runs[name].run.inactive_fraction for name in (first, second)]  # type: ignore[union-attr]
            if abs(inactive[0] - inactive[1]) > 0.01:
                found.append(
                    f"{100 * inactive[0]:.3g} % of the active material takes no part in {first}, "
                    f"{100 * inactive[1]:.3g} % in {second}"
                )
        found += [f"{name}: {note}" for name, model in self.models.items() for note in model.notes]
        return tuple(found)

    @staticmethod
    def _current(model: Model) -> float:
        step = None if model.run is None else model.run.of("discharge")
        if model.run is None or step is None:
            return 0.0
        return float(np.abs(model.run.current_density[step.last]))

    def deviations(self) -> dict[str, dict[str, Any]]:
        """Compare each model with the measured curves; empty without them."""
        return {
            name: {curve.kind: deviation(model.run, curve) for curve in self.measured}
            for name, model in self.models.items()
            if model.run is not None and self.measured
        }

    def to_dict(self) -> dict[str, Any]:
        """Give plain data with units in the keys."""
        return {
            "design": self.design.name,
            "models": {name: model.to_dict() for name, model in self.models.items()},
            "effective": None if self.effective is None else self.effective.to_dict(),
            "against_measured": self.deviations(),
            "why": list(self.words),
        }


def coarse(
    design: Design,
    *,
    size: str | float | None = None,
    voxel: str | float | None = None,
    seed: int | None = None,
    arrangement: str | None = None,
) -> tuple[Structure, tuple[str, ...]]:
    """Build a structure small enough to be cycled in half a minute; and what to know of it.

    It is one cell of the close packing wide and as thick as the coating, in about 50,000 voxels. Where the film of
    electrolyte on the particles would be too thin for its voxels to connect, they are smaller, 0.8 to the film, and the
    piece as thick as 50,000 of them, or one cell, allow.

    Parameters
    ----------
    design : Design
    size, voxel, seed, arrangement
        See `solidstack.twin.build`; with a voxel given the piece is as thick as the coating.

    Raises
    ------
    StructureError
        The film asks for more than 150,000 voxels.
    """
    _, positive = positive_electrode(design)
    coating = thickness = float(positive.thickness)
    diameter = float(design.twin.particle_diameter)
    edge = WIDTH * diameter if size is None else _metres(size)
    film = 0.5 * diameter * (float(positive.core_fraction) ** (-1.0 / 3.0) - 1.0)
    notes: list[str] = []
    step = (thickness * edge**2 / USUAL_VOXELS) ** (1.0 / 3.0) if voxel is None else _metres(voxel)
    if voxel is None and step > film / FILM > 0.0:
        step = film / FILM
        thickness = min(coating, max(edge, USUAL_VOXELS * step**3 / edge**2))
        count = thickness * edge**2 / step**3
        if count > MOST_VOXELS:
            msg = (
                f"the electrolyte is a film of {1e6 * film:.2g} um on the particles: a structure that resolves it has "
                f"{count:.2g} voxels, more than {MOST_VOXELS}; build one with `solidstack twin build` and cycle it "
                f"with `solidstack twin discharge`, or give a voxel"
            )
            raise StructureError(msg)
        if thickness < coating:
            notes.append(
                f"a piece of {1e6 * thickness:.3g} um of the coating's {1e6 * coating:.3g} um, so that voxels are "
                f"small enough for the electrolyte's film of {1e6 * film:.2g} um to connect"
            )
    made = build(design, size=edge, voxel=step, thickness=thickness, seed=seed, arrangement=arrangement)
    return made, (*notes, *BuildReport(made).warnings)


def _metres(length: str | float) -> float:
    return float(units.parse(length, units.THICKNESS)) if isinstance(length, str) else float(length)


def resistance(run: Run) -> dict[str, float]:
    """Parts of the cell's resistance at half of the last discharge with charge, ohm m2; empty without one."""
    step = run.of("discharge") or run.of("charge")
    if step is None or step.capacity == 0.0 or not run.split:
        return {}
    rows = run.rows(step)
    half = 0.5 * step.capacity
    current = float(np.interp(half, run.capacity[rows], run.current_density[rows]))
    parts = {name: float(np.interp(half, run.capacity[rows], values[rows])) for name, values in run.split.items()}
    return {name: value / current for name, value in parts.items() if name != "equilibrium"} if current else {}


def validate(
    design: Design,
    *,
    protocol: Protocol | None = None,
    measured: Sequence[Measured] = (),
    size: str | float | None = None,
    voxel: str | float | None = None,
    seed: int | None = None,
    models: Sequence[str] = MODELS,
    progress: Progress | None = None,
) -> Validation:
    """Run a protocol with several models of the same electrode.

    Parameters
    ----------
    design : Design
        A single one.
    protocol : Protocol, optional
        Default: the design's, else charge at C/10, discharge at C/5.
    measured : sequence of Measured
        Curves to compare with; see `solidstack.twin.runs.read_measured`.
    size, voxel : length, optional
        Of the structures; default: a cell of the close packing wide, about 50,000 voxels.
    seed : int, optional
    models : sequence of str
        Of close-packed, random, homogenised. The medium of the last is that of the random structure.
    progress : callable, optional

    Raises
    ------
    StructureError
        An unknown model.
    """
    for name in models:
        if name not in MODELS:
            msg = f'model "{name}" is unknown; known are {", ".join(MODELS)}'
            raise StructureError(msg)
    given = collect(design)
    found: dict[str, Model] = {}
    effective: Effective | None = None

    def told(name: str, share: float) -> Progress:
        return lambda words, part: progress(f"{name}: {words}", share + part / len(models)) if progress else None

    for number, name in enumerate(models):
        begun = time.perf_counter()
        say = told(name, number / len(models))
        notes: tuple[str, ...] = ()
        try:
            if name == "homogenised":
                effective = _medium(design, given, size, voxel, seed)
                run, more = _homogenised(design, protocol, given, effective)
            else:
                structure, notes = coarse(design, size=size, voxel=voxel, seed=seed, arrangement=name)
                run, more = discharge(structure, design, protocol=protocol, parameters=given, progress=say), ()
                more = () if run.is_complete else (run.outcome,)
            found[name] = Model(name, run, resistance(run), notes + more, time.perf_counter() - begun)
        except SolidstackError as error:
            found[name] = Model(name, None, {}, (*notes, f"not made: {error}"), time.perf_counter() - begun)
    return Validation(design, found, tuple(measured), effective)


def _medium(design: Design, given: CellParameters, size: Any, voxel: Any, seed: int | None) -> Effective:
    structure, _ = coarse(design, size=size, voxel=voxel, seed=seed, arrangement="random")
    return Effective.from_structure(structure, given)


def _homogenised(
    design: Design, protocol: Protocol | None, given: CellParameters, effective: Effective
) -> tuple[Run, tuple[str, ...]]:
    from .homogenised import simulate

    run = simulate(design, protocol, effective=effective, parameters=given)
    return run, () if run.is_complete else (run.outcome,)


def sensitivity(
    design: Design,
    *,
    names: Sequence[str] = SENSITIVE,
    factors: Sequence[float] = (0.5, 2.0),
    protocol: Protocol | None = None,
    effective: Effective | None = None,
    progress: Progress | None = None,
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Scale one parameter at a time and run the homogenised model.

    Parameters
    ----------
    design : Design
    names : sequence of str
        Of `solidstack.twin.parameters.SENSITIVE`.
    factors : sequence of float
        Above 0. A transference number stops at 1.
    protocol : Protocol, optional
    effective : Effective, optional
        Default: the closed form of the design.
    progress : callable, optional

    Returns
    -------
    base : dict
        ``capacity_mAh_g`` and ``average_voltage_V`` of the last discharge, nothing scaled.
    rows : list of dict
        ``name``, ``factor``, and the same figures; a parameter that changes nothing is left out.
    """
    from .homogenised import Companion

    given = collect(design)
    companion = Companion()

    def figures(changed: CellParameters, medium: Effective | None) -> dict[str, float]:
        run = companion.run(design, protocol, effective=medium, parameters=changed)
        step = run.of("discharge") or run.steps[-1]
        return {"capacity_mAh_g": step.capacity / 3600.0, "average_voltage_V": step.average_voltage}

    medium = effective or Effective.from_design(design, given)
    base = figures(given, medium)
    rows: list[dict[str, Any]] = []
    for number, name in enumerate(names):
        for factor in factors:
            if progress is not None:
                progress(f"{name} times {factor:g}", number / len(names))
            used, other = factor, medium
            if name == "transference_number":
                used = min(factor, 1.0 / given.electrolyte.transference_number)
            if name == "ionic_conductivity":  # the medium holds it already
                other = medium.changed(ionic_conductivity=factor * medium.ionic_conductivity)
            try:
                found = figures(given.changed(name, used), other)
            except SolidstackError:
                continue
            rows.append({"name": name, "factor": used, **found})
    moved = {row["name"] for row in rows if abs(row["capacity_mAh_g"] - base["capacity_mAh_g"]) > 1e-3}
    shifted = {row["name"] for row in rows if abs(row["average_voltage_V"] - base["average_voltage_V"]) > 1e-5}
    return base, [row for row in rows if row["name"] in moved | shifted]
