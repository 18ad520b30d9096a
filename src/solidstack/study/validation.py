"""Three models of one electrode side by side: close packing, random packing, homogeneous medium; and what matters."""

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import units
from ..design import Design, Protocol
from ..electrode import positive_electrode
from ..errors import SolidstackError, StructureError
from ..html import table
from ..kinetics import SENSITIVE, CellParameters, cell_parameters
from ..twin.effective import Effective
from ..twin.electrochemistry.cycle import discharge
from ..twin.results import SPLIT, Run
from ..twin.runs import Measured, deviation
from ..twin.structure.build import BuildReport, build
from ..twin.structure.metrics import connected_share
from ..twin.structure.voxels import Structure

Progress = Callable[[str, float], None]

USUAL_VOXELS = 50_000
"""Of a structure that is only cycled for comparison."""
MOST_VOXELS = 150_000
"""Of such a structure where the electrolyte's film asks for more."""
FILM = 0.8
"""Voxels on the electrolyte's film that suffice for it to connect (98 % of it in the worked example)."""
WIDTHS = {"close-packed": 1.42, "random": 1.158}
"""Edge in the plane over the diameter of a particle: a cell of the close packing (4 particles), and what two particles
take where they fill 0.68 of the volume. In the worked example (0.68, voxels of 0.242 um) pieces of two and of four
particles conduct 2.4 and 1.9 mS/m, have 0.35 and 0.37 m2/cm3 of interface, and spread by 4 and 10 % over seeds."""
MODELS = ("close-packed", "random", "homogenised")
STRUCTURAL = ("porosity", "particle_diameter")
"""What `sensitivity` scales beside `solidstack.kinetics.SENSITIVE`; the homogenised model alone takes it."""
WITH_POROSITY = (
    "thickness", "active_fraction", "electrolyte_fraction", "specific_interface", "ionic_conductivity",
    "electronic_conductivity", "electronic_share",
)  # fmt: skip
LARGE_PART = 1e-3
"""V; a difference of a part of the voltage below it is not worth a word."""
LARGE_SHARE = 0.01
"""A difference of a share (inactive, connected, capacity) below it is not worth a word."""
NEAR_PERCOLATION = 0.1
"""Relative distance of the density to the percolation threshold within which, or below which, it is worth a word."""


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
        Of computing, the structure and its medium included.
    effective : Effective or None
        The structure as a medium; of the homogenised model the one that it was given. None where nothing conducts.
    connected : float
        Share of the solid electrolyte that connects membrane and collector; NaN without a structure.
    own_conductivity : float
        Electronic, of the active material itself at half fill, S/m.
    """

    name: str
    run: Run | None
    resistance: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    effective: Effective | None = None
    connected: float = math.nan
    own_conductivity: float = 0.0

    def capacity(self, kind: str) -> float:
        """Charge of the last step of a kind per mass of active material, A s/kg; NaN without one."""
        step = None if self.run is None else self.run.of(kind)
        return math.nan if step is None else step.capacity

    @property
    def average_voltage(self) -> float:
        """Of the last discharge, V; NaN without one."""
        step = None if self.run is None else self.run.of("discharge")
        return math.nan if step is None else step.average_voltage

    def to_dict(self) -> dict[str, Any]:
        """Give plain data with units in the keys."""
        medium = self.effective
        return {
            **({} if self.run is None else self.run.to_dict()),
            "asr_ohm_cm2": None if not self.resistance else 1e4 * sum(self.resistance.values()),
            "asr_parts_ohm_cm2": {name: 1e4 * value for name, value in self.resistance.items()},
            "effective_ionic_conductivity_mS_cm": None if medium is None else 10.0 * medium.ionic_conductivity,
            "effective_electronic_conductivity_mS_cm": None if medium is None else 10.0 * self.electronic_conductivity,
            "am_se_interface_m2_per_m3": None if medium is None else medium.specific_interface,
            "connected_se_pct": _finite(100.0 * self.connected),
            "voxels": None if self.run is None else self.run.provenance.get("voxels"),
            "notes": list(self.notes),
            "seconds": self.seconds,
        }

    @property
    def electronic_conductivity(self) -> float:
        """Effective, with the active material half full, S/m; NaN without a medium."""
        if self.effective is None:
            return math.nan
        return self.effective.electronic_conductivity + self.effective.electronic_share * self.own_conductivity


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
    def pairs(self) -> list[tuple[Model, Model]]:
        """Neighbours among the models that ran."""
        return list(itertools.pairwise(model for model in self.models.values() if model.run is not None))

    @property
    def words(self) -> tuple[str, ...]:
        """Why the models part, in words."""
        found: list[str] = []
        for one, other in self.pairs:
            found += why(one, other)
        for name, model in self.models.items():
            if 1.0 - model.connected > LARGE_SHARE:
                found.append(
                    f"{name}: {100 * (1 - model.connected):.3g} % of the solid electrolyte is cut off from membrane or "
                    "collector and conducts nothing"
                )
            if model.run is not None:
                found += [
                    f"{name}: the {step.kind} ended early, {step.end_reason}"
                    for step in model.run.steps
                    if "depleted" in step.end_reason
                ]
            found += [f"{name}: {note}" for note in model.notes]
        return tuple(found + self._percolation())

    def _percolation(self) -> list[str]:
        """Say how near the density is to the threshold below which shells of electrolyte do not touch."""
        thresholds, _ = positive_electrode(self.design)
        threshold, above = float(thresholds.percolation_density), float(thresholds.density_distance)
        if above > NEAR_PERCOLATION * threshold:
            return []
        side = "above" if above > 0.0 else "below"
        hangs = "; the electrolyte conducts through few contacts, and which ones hangs on the packing"
        return [f"the density is {abs(above) / 1e3:.2g} g/cm^3 {side} the percolation threshold{hangs}"]

    def deviations(self) -> dict[str, dict[str, Any]]:
        """Compare each model's last charge and discharge with the last measured ones; empty without them."""
        return {
            name: {curve.kind: deviation(model.run, curve) for curve in self.measured}
            for name, model in self.models.items()
            if model.run is not None and self.measured
        }

    def apart(self) -> list[dict[str, Any]]:
        """Compare neighbouring models: voltages over capacity, capacities, resistance (first against second)."""
        found = []
        for one, other in self.pairs:
            row: dict[str, Any] = {"models": [one.name, other.name]}
            for kind in ("charge", "discharge"):
                curve = _curve(other, kind)
                row[kind] = None if curve is None or one.run is None else deviation(one.run, curve)
            row["average_voltage_mV"] = _finite(1e3 * (one.average_voltage - other.average_voltage))
            both = one.resistance and other.resistance
            row["asr_ohm_cm2"] = 1e4 * (sum(one.resistance.values()) - sum(other.resistance.values())) if both else None
            found.append(row)
        return found

    def table(self) -> list[tuple[str, ...]]:
        """Give a head and a row for each model, as text."""
        head = (
            "model", "charge, mAh/g", "discharge", "mean V", "ASR, ohm cm^2", "ions, mS/cm", "electrons, mS/cm",
            "interface, m2/cm3", "inactive, %", "s",
        )  # fmt: skip
        rows: list[tuple[str, ...]] = [head]
        for name, model in self.models.items():
            medium, parts = model.effective, 1e4 * sum(model.resistance.values())
            rows.append(
                (
                    name,
                    _text(model.capacity("charge") / 3600.0, ".1f"),
                    _text(model.capacity("discharge") / 3600.0, ".1f"),
                    _text(model.average_voltage, ".4f"),
                    _text(parts if model.resistance else math.nan, ".4g"),
                    _text(math.nan if medium is None else 10.0 * medium.ionic_conductivity, ".3g"),
                    _text(10.0 * model.electronic_conductivity, ".3g"),
                    _text(math.nan if medium is None else 1e-6 * medium.specific_interface, ".3g"),
                    _text(math.nan if model.run is None else 100.0 * model.run.inactive_fraction, ".3g"),
                    f"{model.seconds:.0f}",
                )
            )
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Give plain data with units in the keys."""
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


def why(one: Model, other: Model) -> list[str]:
    """Say by what two models part, and what is behind it.

    Parameters
    ----------
    one, other : Model
        The first is compared with the second.
    """
    found = []
    first, second = one.capacity("discharge"), other.capacity("discharge")
    if abs(first - second) > LARGE_SHARE * max(first, second):
        found.append(
            f"{one.name} gives {abs(first - second) / 3600:.3g} mAh/g {'more' if first > second else 'less'} on "
            f"discharge than {other.name}"
        )
    if one.resistance and other.resistance:
        current = _current(other)
        apart = {part: (one.resistance.get(part, 0.0) - other.resistance.get(part, 0.0)) * current for part in SPLIT}
        part = max(apart, key=lambda key: abs(apart[key]))
        if abs(apart[part]) < LARGE_PART:
            found.append(f"{one.name} and {other.name} agree at half discharge to {1e3 * abs(apart[part]):.2g} mV")
        else:
            found.append(
                f"{one.name} loses {1e3 * abs(apart[part]):.3g} mV {'more' if apart[part] > 0 else 'less'} than "
                f"{other.name} to: {SPLIT[part]}{_behind(part, one.effective, other.effective)}"
            )
    inactive = [0.0 if model.run is None else model.run.inactive_fraction for model in (one, other)]
    if abs(inactive[0] - inactive[1]) > LARGE_SHARE:
        found.append(
            f"{100 * inactive[0]:.3g} % of the active material takes no part in {one.name}, "
            f"{100 * inactive[1]:.3g} % in {other.name}"
        )
    return found


BEHIND = {
    "ionic": ("effective ionic conductivity", "ionic_conductivity", 10.0, "mS/cm"),
    "charge_transfer": ("interface", "specific_interface", 1e-6, "m2/cm3"),
    "diffusion": ("interface", "specific_interface", 1e-6, "m2/cm3"),
    "electronic": ("share of the active material's electronic conductivity", "electronic_share", 1.0, ""),
}
"""The number of a medium that stands behind a part of the voltage: words, attribute, factor to the unit shown, unit."""


def _behind(part: str, one: Effective | None, other: Effective | None) -> str:
    if part not in BEHIND or one is None or other is None:
        return ""
    words, name, factor, unit = BEHIND[part]
    here, there = getattr(one, name), getattr(other, name)
    if abs(here - there) <= LARGE_SHARE * max(here, there):
        return f" ({words} is the same: how it is spread makes the difference)"
    return f" ({words} {factor * here:.3g} against {factor * there:.3g} {unit}".rstrip() + ")"


def _current(model: Model) -> float:
    """Of the last discharge, else of the last charge, A/m2."""
    run = model.run
    step = None if run is None else run.of("discharge") or run.of("charge")
    return 0.0 if run is None or step is None else float(np.abs(run.current_density[step.last]))


def _curve(model: Model, kind: str) -> Measured | None:
    """The last step of a kind as a curve to compare with."""
    run = model.run
    step = None if run is None else run.of(kind)
    if run is None or step is None or step.capacity == 0.0:
        return None
    return Measured(model.name, kind, run.capacity[run.rows(step)], run.voltage[run.rows(step)])


def _text(value: float, digits: str) -> str:
    return f"{value:{digits}}" if math.isfinite(value) else "–"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def coarse(
    design: Design,
    *,
    size: str | float | None = None,
    voxel: str | float | None = None,
    seed: int | None = None,
    arrangement: str | None = None,
) -> tuple[Structure, tuple[str, ...]]:
    """Build a structure small enough to be cycled in half a minute; and what to know of it.

    It is one cell of the packing wide and as thick as the coating, in about 50,000 voxels. Where the film of
    electrolyte on the particles would be too thin for its voxels to connect, they are smaller, 0.8 to the film, and the
    piece as thick as 50,000 of them, or one cell, allow.

    Parameters
    ----------
    design : Design
    size, voxel, seed, arrangement
        See `solidstack.twin.structure.build`; with a voxel given the piece is as thick as the coating.

    Raises
    ------
    StructureError
        The film asks for more than 150,000 voxels.
    """
    _, positive = positive_electrode(design)
    coating = thickness = float(positive.thickness)
    diameter = float(design.twin.particle_diameter)
    kind = arrangement or design.twin.arrangement
    edge = WIDTHS.get(kind, max(WIDTHS.values())) * diameter if size is None else _metres(size)
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
    accuracy: float = 1.0,
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
        Of the structures; default: a cell of the close packing wide, about 50,000 voxels, more where the film of
        electrolyte asks for it; see `coarse`.
    seed : int, optional
    models : sequence of str
        Of close-packed, random, homogenised. The medium of the last is that of the random structure.
    accuracy : float
        Of the twins' time steps, see `solidstack.twin.electrochemistry.cycle`.
    progress : callable, optional

    Returns
    -------
    Validation
        A model that could not be made is there without a run, and its notes say why.

    Raises
    ------
    StructureError
        An unknown model, or none.
    """
    if not models:
        msg = f"models: none is named; known are {', '.join(MODELS)}"
        raise StructureError(msg)
    for name in models:
        if name not in MODELS:
            msg = f'model "{name}" is unknown; known are {", ".join(MODELS)}'
            raise StructureError(msg)
    given = cell_parameters(design)
    bench = _Bench(design, protocol, given, size, voxel, seed, accuracy)
    found: dict[str, Model] = {}
    for number, name in enumerate(models):

        def say(words: str, part: float, name: str = name, number: int = number) -> None:
            if progress is not None:
                progress(f"{name}: {words}", (number + part) / len(models))

        found[name] = bench.model(name, say)
    homogenised = found.get("homogenised")
    return Validation(design, found, tuple(measured), None if homogenised is None else homogenised.effective)


@dataclass
class _Bench:
    """What the models of one design share; each structure is built and measured once."""

    design: Design
    protocol: Protocol | None
    given: CellParameters
    size: str | float | None
    voxel: str | float | None
    seed: int | None
    accuracy: float
    media: dict[str, Effective] = field(default_factory=dict)

    def model(self, name: str, say: Progress) -> Model:
        begun = time.perf_counter()
        notes: tuple[str, ...] = ()
        run: Run | None = None
        connected = math.nan
        try:
            if name == "homogenised":
                from ..twin.companion.homogenised import simulate

                if "random" not in self.media:
                    say("its medium", 0.0)
                    self.medium("random", self.structure("random")[0])
                run = simulate(self.design, self.protocol, effective=self.media["random"], parameters=self.given)
            else:
                say("building", 0.0)
                structure, notes = self.structure(name)
                connected = connected_share(structure, "solid-electrolyte", 0)
                try:
                    self.medium(name, structure)
                except SolidstackError as error:  # the twin may run without: blends, for one
                    notes = (*notes, f"no medium: {error}")
                run = discharge(
                    structure, self.design, protocol=self.protocol, parameters=self.given, accuracy=self.accuracy,
                    progress=say,
                )  # fmt: skip
            if not run.is_complete:
                notes = (*notes, run.outcome)
        except SolidstackError as error:
            notes = (*notes, f"not made: {error}")
        medium = self.media.get("random" if name == "homogenised" else name)
        seconds = time.perf_counter() - begun
        parts = {} if run is None else resistance(run)
        return Model(name, run, parts, notes, seconds, medium, connected, _own(self.given))

    def structure(self, arrangement: str) -> tuple[Structure, tuple[str, ...]]:
        return coarse(self.design, size=self.size, voxel=self.voxel, seed=self.seed, arrangement=arrangement)

    def medium(self, arrangement: str, structure: Structure) -> None:
        self.media[arrangement] = Effective.from_structure(structure, self.given)


def _own(given: CellParameters) -> float:
    """Electronic conductivity of the (first) active material at half fill, S/m; 0 where it is ideal."""
    value = float(next(iter(given.active.values())).electronic_conductivity(0.5, given.temperature))
    return value if math.isfinite(value) else 0.0


def sensitivity(
    design: Design,
    structure: Structure | None = None,
    *,
    names: Sequence[str] | None = None,
    factors: Sequence[float] = (0.5, 2.0),
    model: str = "homogenised",
    protocol: Protocol | None = None,
    effective: Effective | None = None,
    accuracy: float = 2.0,
    progress: Progress | None = None,
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Scale one parameter at a time and run a model.

    Conductivities of electrolyte and additive scale those of the medium in proportion. The porosity changes the medium
    as it changes the closed form of the electrode; of particles twice as large, half the interface is left.

    Parameters
    ----------
    design : Design
    structure : Structure, optional
        Of the twin; default: a coarse one (`coarse`).
    names : sequence of str, optional
        Of `solidstack.kinetics.SENSITIVE` and, for the homogenised model, `STRUCTURAL`; default: all.
    factors : sequence of float
        Above 0. A transference number stops at 1.
    model : str
        homogenised, or twin, which takes up to a minute for each row.
    protocol : Protocol, optional
    effective : Effective, optional
        Of the homogenised model; default: that of the structure, else the closed form of the design.
    accuracy : float
        Of the twin's time steps.
    progress : callable, optional

    Returns
    -------
    base : dict
        ``capacity_mAh_g`` and ``average_voltage_V`` of the last discharge, nothing scaled.
    rows : list of dict
        ``name``, ``factor``, the same figures, and ``note``: why there are none (then None), else empty. A parameter
        that changes nothing is left out.

    Raises
    ------
    StructureError
        An unknown model or name, or one that the model does not take.
    """
    known = (*SENSITIVE, *STRUCTURAL) if model == "homogenised" else SENSITIVE
    if model not in ("homogenised", "twin"):
        msg = f'model "{model}" is unknown; known are homogenised, twin'
        raise StructureError(msg)
    names = known if names is None else names
    for name in names:
        if name not in known:
            close = units.nearest(name, known)
            hint = f"did you mean {close}? Known" if close else "known"
            msg = f'parameter "{name}" is unknown to the {model} model; {hint} are {", ".join(known)}'
            raise StructureError(msg)
    given = cell_parameters(design)
    scaled = (
        _Twin(design, given, protocol, structure, accuracy)
        if model == "twin"
        else _Medium(design, given, protocol, structure, effective)
    )
    base = scaled.figures(None, 1.0)
    rows: list[dict[str, Any]] = []
    for number, (name, factor) in enumerate(itertools.product(names, factors)):
        if progress is not None:
            progress(f"{name.replace('_', ' ')} times {factor:g}", number / (len(names) * len(factors)))
        used = min(factor, 1.0 / given.electrolyte.transference_number) if name == "transference_number" else factor
        try:
            rows.append({"name": name, "factor": used, **scaled.figures(name, used), "note": ""})
        except SolidstackError as error:
            rows.append({"name": name, "factor": used, **dict.fromkeys(base), "note": str(error)})
    return base, [row for row in rows if row["name"] in {row["name"] for row in rows if _moved(row, base)}]


def _moved(row: Mapping[str, Any], base: Mapping[str, float]) -> bool:
    if row["note"]:
        return True
    least = {"capacity_mAh_g": 1e-3, "average_voltage_V": 1e-5}
    return any(abs(row[key] - base[key]) > value for key, value in least.items())


def _figures(run: Run) -> dict[str, float]:
    step = run.of("discharge") or run.steps[-1]
    return {"capacity_mAh_g": step.capacity / 3600.0, "average_voltage_V": step.average_voltage}


@dataclass
class _Twin:
    """A structure whose parameters are scaled."""

    design: Design
    given: CellParameters
    protocol: Protocol | None
    structure: Structure | None
    accuracy: float

    def figures(self, name: str | None, factor: float) -> dict[str, float]:
        if self.structure is None:
            self.structure, _ = coarse(self.design)
        used = self.given if name is None else self.given.changed(name, factor)
        return _figures(
            discharge(self.structure, self.design, protocol=self.protocol, parameters=used, accuracy=self.accuracy)
        )


class _Medium:
    """A homogeneous medium whose parameters are scaled."""

    def __init__(
        self,
        design: Design,
        given: CellParameters,
        protocol: Protocol | None,
        structure: Structure | None,
        effective: Effective | None,
    ) -> None:
        from ..twin.companion.homogenised import HomogenisedModel

        self.design, self.given, self.protocol = design, given, protocol
        if effective is None and structure is not None:
            effective = Effective.from_structure(structure, given)
        self.medium = effective or Effective.from_design(design, given)
        self.companion = HomogenisedModel()

    def figures(self, name: str | None, factor: float) -> dict[str, float]:
        given = self.given if name is None or name in STRUCTURAL else self.given.changed(name, factor)
        medium = self.medium if name is None else self._scaled(name, factor)
        return _figures(self.companion.run(self.design, self.protocol, effective=medium, parameters=given))

    def _scaled(self, name: str, factor: float) -> Effective:
        medium = self.medium
        match name:
            case "ionic_conductivity":  # the medium holds it already, and so the additive's
                return medium.changed(ionic_conductivity=factor * medium.ionic_conductivity)
            case "additive_conductivity":
                return medium.changed(electronic_conductivity=factor * medium.electronic_conductivity)
            case "particle_diameter":
                radius = None if medium.particle_radius is None else factor * medium.particle_radius
                interface = medium.specific_interface / factor
                return medium.changed(specific_interface=interface, particle_radius=radius)
            case "porosity":
                return self._looser(factor)
            case _:
                return medium

    def _looser(self, factor: float) -> Effective:
        """Change the medium in proportion to the closed form at another porosity and the same loading."""
        _, positive = positive_electrode(self.design)
        porosity = factor * float(positive.porosity)
        if porosity >= 1.0:
            msg = f"porosity: {factor:g} times {100 * float(positive.porosity):.3g} % is no porosity"
            raise StructureError(msg)
        other = self.design.with_(positive__density=float(positive.dense_density) * (1.0 - porosity))
        before, after = (Effective.from_design(one, self.given) for one in (self.design, other))
        ratio = {key: getattr(after, key) / getattr(before, key) for key in WITH_POROSITY if getattr(before, key) > 0.0}
        return self.medium.changed(**{key: value * getattr(self.medium, key) for key, value in ratio.items()})
