"""Charge and discharge of a design: the homogenised model of its twin, and a coarse twin voxel by voxel."""

from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..design import Design
from ..electrode import Simulated, positive_electrode
from ..errors import SolidstackError
from ..kinetics import CellParameters, cell_parameters
from ..progress import Listener, Teller
from ..units import MG_CM2
from .certainty import Certainty, certainty
from .extrapolation import Extrapolated

if TYPE_CHECKING:  # numba and xarray
    import xarray as xr

    from ..twin.companion.homogenised import HomogenisedModel
    from ..twin.effective import Effective
    from ..twin.results import Run
    from ..twin.structure.voxels import Structure

SLOW = 0.1
"""C-rate of the capacity that the sheet shows next to the one at the rated current."""
RATES = (SLOW, 0.2, 0.5, 1.0, 2.0)
LOADINGS = (0.5, 1.0, 1.5)
"""Of the design's loading, for the rate capability."""
ACCURACY = 3.0
"""Of the time steps of the coarse twin: a third fewer of them, for 0.7 of 180 mAh/g and 2 mV of its mean voltage."""
NO_PYBAMM = 'no homogenised model: it needs PyBaMM, `pip install "solidstack[companion]"`'


@dataclass(frozen=True)
class Cycle:
    """Simulated charge and discharge of a design.

    Attributes
    ----------
    parameters : CellParameters or None
        With sources; None where a material has no value for one.
    homogenised : Run or None
        Homogenised model of the whole coating; None without PyBaMM or where the electrode does not conduct.
    coarse : Run or None
        A small structure, voxel by voxel.
    coarse_homogenised : Run or None
        Homogenised model of that same structure.
    simulated : Simulated or None
        Figures for the sheet.
    rates : xarray.Dataset or None
        Rate capability.
    notes : tuple of str
        What to know of them, and what is missing and why.
    differences : tuple of str
        How far the coarse twin and the homogenised model of the same structure differ, and why.
    """

    parameters: CellParameters | None
    homogenised: "Run | None" = None
    coarse: "Run | None" = None
    coarse_homogenised: "Run | None" = None
    simulated: Simulated | None = None
    rates: "xr.Dataset | None" = None
    notes: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()

    @property
    def runs(self) -> dict[str, "Run"]:
        """Runs by what was run, without those that are missing."""
        runs = {
            "coarse twin, voxel by voxel": self.coarse,
            "homogenised, of the coarse twin": self.coarse_homogenised,
            "homogenised, of the fine twin": self.homogenised,
        }
        return {name: run for name, run in runs.items() if run is not None}

    @property
    def words(self) -> tuple[str, ...]:
        """How the runs differ, and why, in sentences."""
        sentences = [f"{text[0].upper()}{text[1:]}." for text in self.differences]
        if sentences:
            sentences.append(
                "In the homogenised model all particles at one depth have the same access to ions and electrons; the "
                "twin resolves the access of each particle."
            )
        if self.coarse is not None and self.homogenised is not None:
            section, whole = (MG_CM2.of(run.active_loading) for run in (self.coarse, self.homogenised))
            sentences.append(
                f"The coarse twin is a section with {section:.3g} mg cm⁻² of active material; the homogenised model of "
                f"the fine twin represents the whole coating with {whole:.3g} mg cm⁻², through which ions and "
                "electrons have further to go."
            )
        return tuple(sentences)


def simulated_cycle(
    design: Design,
    structure: "Structure",
    *,
    conductivity: Extrapolated | None = None,
    progress: Listener | None = None,
) -> Cycle:
    """Cycle a design: the homogenised model with the effective properties of a structure, and a coarse twin.

    What cannot be made is left out, and the notes give the reason.

    Parameters
    ----------
    design : Design
    structure : Structure
        Its twin, whose effective properties the homogenised model uses.
    conductivity : Extrapolated, optional
        Effective ionic conductivity of the twin at vanishing voxels; default: that at its own.
    progress : callable, optional
        Progress callback.
    """
    try:
        parameters = cell_parameters(design)
    except SolidstackError as error:
        return Cycle(None, notes=(f"no charge and discharge: {error}",))
    cycle = Cycle(parameters, notes=parameters.warnings)
    tell = Teller(progress)
    if find_spec("pybamm"):
        cycle = _homogenised(
            cycle, design, structure, parameters, conductivity, tell.part(0.0, 0.4, "homogenised model: ")
        )
    else:
        cycle = replace(cycle, notes=(*cycle.notes, NO_PYBAMM))
    return _coarse(cycle, design, parameters, tell.part(0.4, 0.6, "coarse twin: "))


def _homogenised(
    cycle: Cycle,
    design: Design,
    structure: "Structure",
    parameters: CellParameters,
    conductivity: Extrapolated | None,
    progress: Listener | None,
) -> Cycle:
    """Add the homogenised model of the whole coating, its rate capability, and the sheet's figures."""
    from ..twin.companion.homogenised import HomogenisedModel
    from ..twin.effective import Effective
    from .rates import rate_capability

    tell = Teller(progress)
    try:
        tell(0.0, "effective properties")
        medium = Effective.from_structure(structure, parameters, tolerance=1e-3)
        _, positive = positive_electrode(design)
        medium = medium.with_loading(float(positive.am_mass_fraction * positive.loading))
        if conductivity is not None and conductivity.value > 0.0:
            medium = medium.changed(ionic_conductivity=conductivity.value)
        model = HomogenisedModel()
        tell(0.2, "charge and discharge")
        run = model.run(design, None, effective=medium, parameters=parameters)
        rates = rate_capability(
            design,
            sorted({*RATES, float(design.rating.c_rate)}),
            [share * float(design.positive.loading) for share in LOADINGS],
            effective=medium,
            parameters=parameters,
            shared=model,
            progress=tell.part(0.4, 0.3),
        )
        sure = rated_certainty(design, medium, parameters, model, tell.part(0.7, 0.3))
    except SolidstackError as error:
        return replace(cycle, notes=(*cycle.notes, f"no homogenised model: {error}"))
    return replace(cycle, homogenised=run, simulated=_figures(design, medium, rates, sure, run), rates=rates)


def _figures(design: Design, medium: "Effective", rates: "xr.Dataset", sure: Certainty, run: "Run") -> Simulated:
    """Read the sheet's figures off the rate capability at the design's own loading, and give them their ranges."""
    own = rates.isel(loading=LOADINGS.index(1.0))
    at_rated, at_slow = own.sel(c_rate=float(design.rating.c_rate)), own.sel(c_rate=SLOW)
    slow, capacity = float(at_slow["discharge_capacity"]), float(at_rated["discharge_capacity"])
    voltage, areal = float(at_rated["average_voltage"]), capacity * medium.active_loading
    values = {
        "slow_capacity": slow,
        "slow_areal_capacity": slow * medium.active_loading,
        "rated_capacity": capacity,
        "rated_areal_capacity": areal,
        "rated_average_voltage": voltage,
        "rated_energy": areal * voltage if capacity > 0.0 else 0.0,
        "capacity_kept": capacity / slow if slow > 0.0 else float("nan"),
        "salt_limiting_current": sure.base["salt_limiting_current"],
    }
    ends = {name: str((at_slow if name.startswith("slow") else at_rated)["end_reason"].item()) for name in values}
    ends["salt_limiting_current"] = "from the largest fall of the salt's concentration at the rated current"
    certain = {name: sure.of(name, value, ends[name]) for name, value in values.items() if name in sure.base}
    return Simulated(
        **values, certainty=certain, method=f"{run.model} of the digital twin's effective properties, against lithium"
    )


def rated_certainty(
    design: Design,
    medium: "Effective",
    parameters: CellParameters,
    model: "HomogenisedModel",
    progress: Listener | None = None,
) -> Certainty:
    """Return the figures of the sheet's discharges with their ranges over what nobody measured."""
    from .rates import discharge_run, simulated_salt_limit

    def figures(changed: CellParameters) -> dict[str, float]:
        followed = medium.following(parameters, changed)
        runs = [discharge_run(design, rate, followed, changed, model) for rate in (SLOW, float(design.rating.c_rate))]
        slow, rated = (run.steps[0] for run in runs)
        areal = rated.capacity * followed.active_loading
        return {
            "slow_capacity": slow.capacity,
            "slow_areal_capacity": slow.capacity * followed.active_loading,
            "rated_capacity": rated.capacity,
            "rated_areal_capacity": areal,
            "rated_average_voltage": rated.average_voltage,
            "rated_energy": areal * rated.average_voltage if rated.capacity > 0.0 else 0.0,
            "capacity_kept": rated.capacity / slow.capacity if slow.capacity > 0.0 else 0.0,
            "salt_limiting_current": simulated_salt_limit(runs[1], changed),
        }

    return certainty(figures, parameters, progress)


def _coarse(cycle: Cycle, design: Design, parameters: CellParameters, progress: Listener | None) -> Cycle:
    """Add the small structure, cycled voxel by voxel, and its homogenised model."""
    from ..twin import discharge
    from .coarse import coarse_structure

    notes = list(cycle.notes)
    tell = Teller(progress)
    try:
        structure, remarks = coarse_structure(design, progress=tell.part(0.0, 0.1))
        notes += [f"coarse twin: {text}" for text in remarks]
        listener = tell.part(0.1, 0.8, what="charge and discharge")
        run = discharge(structure, design, parameters=parameters, accuracy=ACCURACY, progress=listener)
    except SolidstackError as error:
        return replace(cycle, notes=(*notes, f"no coarse twin: {error}"))
    if not run.is_complete:
        notes.append(f"coarse twin: {run.end_reason}")
    cycle = replace(cycle, coarse=run, notes=tuple(notes))
    if not find_spec("pybamm"):
        return cycle
    tell(0.9, "its homogenised model")
    return _beside(cycle, design, parameters, structure, run)


def _beside(cycle: Cycle, design: Design, parameters: CellParameters, structure: "Structure", run: "Run") -> Cycle:
    """Add the homogenised model of the coarse structure, and how the two differ."""
    from ..twin.companion.homogenised import simulate
    from ..twin.effective import Effective
    from .differences import differences
    from .model import Model, resistance

    try:
        medium = Effective.from_structure(structure, parameters)
        homogenised = simulate(design, effective=medium, parameters=parameters)
    except SolidstackError as error:
        return replace(cycle, notes=(*cycle.notes, f"no homogenised model of the coarse twin: {error}"))
    names: dict[str, Any] = {"the coarse twin": run, "the homogenised model of the same structure": homogenised}
    first, second = (Model(name, each, resistance(each), effective=medium) for name, each in names.items())
    return replace(cycle, coarse_homogenised=homogenised, differences=tuple(differences(first, second)))
