"""Collect what a report says once, and write it as HTML, PDF, figures, tables and JSON."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import plot
from ..design import Design
from ..electrode import Simulated, positive_electrode
from ..files import staged_folder
from ..maps import KINDS, as_csv, design_map
from ..published import audit
from ..sheet import HEADINGS, Sheet, evaluate
from ..units import CM3, G_CM3, MG_CM2, UM, USD, WT_PERCENT, G
from ..version import __version__
from .pages import Drawn, document, keep, page

if TYPE_CHECKING:  # extras
    from ..kinetics import CellParameters
    from ..twin import BuildReport, Run, Structure, Transport

Step = Callable[[str, int, int], None]
"""Told before each step of the work: what it is, its number, and how many there are."""

HEADLINE = (
    ("cell", "specific_energy_Wh_kg"),
    ("cell", "energy_density_Wh_L"),
    ("cell", "capacity_Ah"),
    ("cell", "energy_Wh"),
    ("cell", "mass_g"),
    ("cell", "cost_per_kWh"),
    ("positive", "areal_capacity_mAh_cm2"),
    ("thresholds", "loading_threshold_mg_cm2"),
)

CAPTIONS = {
    "section": "The cell in cross-section. (a) Widths to scale, thickness drawn larger by the factor given; "
    "(b) from a positive collector to the next negative, thickness to scale.",
    "breakdown": "Shares of mass, of the volume on the stack's footprint, and of material cost (prices with their "
    "quality and source stand below).",
    "porosity": "Porosity over composition and density. The balance threshold (close-packed active material, "
    "74:26 by volume) and the percolation threshold (touching core-shell blocks) cut four regimes.",
    "ir-drop": "Ionic IR drop of the positive electrode at the rated current over loading and conductivity of the "
    "solid electrolyte. The loading threshold is where it reaches the allowed drop.",
    "electrode-energy": "Specific energy of the positive electrode (coating and half the collector) over composition "
    "and loading, at the design's density.",
    "membrane": "Specific energy of both electrodes and the membrane over loading and membrane thickness.",
    "twin-slices": "The digital twin of the positive electrode: slices through its middle.",
    "twin-3d": "The digital twin in 3D, a corner cut out.",
    "cycle-curves": "Voltage against lithium: the coarse twin cycled voxel by voxel, and the homogenised model with "
    "the properties of the coarse and of the fine twin.",
    "cycle-split": "Where the voltage goes on discharge (homogenised model): power over current, part by part.",
    "cycle-profiles": "Reaction and stoichiometry over depth in the coarse twin on discharge.",
    "cycle-rates": "Discharge capacity over C-rate and loading (homogenised model), and the closed form's loading "
    "threshold.",
    "stack": "Specific energy of the packaged cell over loading and number of bilayers.",
}


def _silent(words: str, number: int, count: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Twin:
    """A digital twin for the report: the structure, what was reached, and what it conducts."""

    structure: "Structure"
    report: "BuildReport"
    transport: "Transport"


@dataclass(frozen=True)
class Cycle:
    """Simulated charge and discharge for the report.

    Attributes
    ----------
    parameters : CellParameters or None
        With sources; None where a material lacks one.
    companion : Run or None
        Of the homogenised model; None without its package or where the electrode does not conduct.
    coarse : Run or None
        Of a small structure, voxel by voxel.
    piece : Run or None
        Of the homogenised model of that same structure.
    simulated : Simulated or None
        For the sheet.
    rates : xarray.Dataset or None
    notes : tuple of str
        What to know of them, and what could not be made.
    words : tuple of str
        How far the coarse twin and the homogenised model of the same structure are apart, and why.
    """

    parameters: "CellParameters | None"
    companion: "Run | None" = None
    coarse: "Run | None" = None
    piece: "Run | None" = None
    simulated: Simulated | None = None
    rates: Any = None
    notes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


SLOW = 0.1
"""C-rate of the capacity that the sheet shows beside the one at the rated current."""
RATES = (SLOW, 0.2, 0.5, 1.0, 2.0)
LOADINGS = (0.5, 1.0, 1.5)
"""Of the design's loading, for the rate capability."""
ACCURACY = 3.0
"""Of the time steps of the coarse twin: a third fewer of them, for 0.7 of 180 mAh/g and 2 mV of its mean voltage."""
COMPANION = 'no homogenised model: it needs PyBaMM, `pip install "solidstack[companion]"`'


def simulated_cycle(design: Design, twin: Twin) -> Cycle:
    """Cycle a design: the homogenised model with the effective properties of its twin, and a coarse twin.

    What cannot be made is left out, and the notes say why.

    Parameters
    ----------
    design : Design
    twin : Twin
        Whose structure gives the effective properties.
    """
    from ..errors import SolidstackError
    from ..kinetics import cell_parameters

    try:
        given = cell_parameters(design)
    except SolidstackError as error:
        return Cycle(None, notes=(f"no charge and discharge: {error}",))
    found = Cycle(given, notes=given.warnings)
    found = _fine(found, design, twin) if find_spec("pybamm") else replace(found, notes=(*found.notes, COMPANION))
    return _coarse(found, design)


def _fine(cycle: Cycle, design: Design, twin: Twin) -> Cycle:
    """Add the homogenised model of the whole coating, its rate capability, and the sheet's figures."""
    from ..errors import SolidstackError
    from ..study.rates import rate_capability
    from ..twin.companion.homogenised import HomogenisedModel
    from ..twin.effective import Effective

    given: Any = cycle.parameters
    try:
        medium = Effective.from_structure(twin.structure, given, tolerance=1e-3)
        _, positive = positive_electrode(design)
        medium = medium.with_loading(float(positive.am_mass_fraction * positive.loading))
        model = HomogenisedModel()
        run = model.run(design, None, effective=medium, parameters=given)
        rated = float(design.rating.c_rate)
        loadings = [share * float(design.positive.loading) for share in LOADINGS]
        rates = rate_capability(
            design, sorted({*RATES, rated}), loadings, effective=medium, parameters=given, companion=model
        )
    except SolidstackError as error:
        return replace(cycle, notes=(*cycle.notes, f"no homogenised model: {error}"))
    own = rates.isel(loading=LOADINGS.index(1.0))
    at_rated, at_slow = own.sel(c_rate=rated), own.sel(c_rate=SLOW)
    slow, capacity = float(at_slow["discharge_capacity"]), float(at_rated["discharge_capacity"])
    volts, areal = float(at_rated["average_voltage"]), capacity * medium.active_loading
    simulated = Simulated(
        slow,
        slow * medium.active_loading,
        capacity,
        areal,
        volts,
        areal * volts if capacity > 0.0 else 0.0,
        capacity / slow if slow > 0.0 else float("nan"),
    )
    return replace(cycle, companion=run, simulated=simulated, rates=rates)


def _coarse(cycle: Cycle, design: Design) -> Cycle:
    """Add the small structure, cycled voxel by voxel, and its homogenised model."""
    from ..errors import SolidstackError
    from ..study.validation import Model, coarse, resistance, why
    from ..twin import discharge
    from ..twin.effective import Effective

    given: Any = cycle.parameters
    notes = list(cycle.notes)
    try:
        structure, words = coarse(design)
        notes += [f"coarse twin: {text}" for text in words]
        run = discharge(structure, design, parameters=given, accuracy=ACCURACY)
    except SolidstackError as error:
        return replace(cycle, notes=(*notes, f"no coarse twin: {error}"))
    if not run.is_complete:
        notes.append(f"coarse twin: {run.outcome}")
    cycle = replace(cycle, coarse=run, notes=tuple(notes))
    if not find_spec("pybamm"):
        return cycle
    from ..twin.companion.homogenised import simulate

    try:
        medium = Effective.from_structure(structure, given)
        piece = simulate(design, effective=medium, parameters=given)
    except SolidstackError as error:
        return replace(cycle, notes=(*notes, f"no homogenised model of the coarse twin: {error}"))
    models = [
        Model(name, one, resistance(one), effective=medium)
        for name, one in (("the coarse twin", run), ("the homogenised model of the same structure", piece))
    ]
    return replace(cycle, piece=piece, words=tuple(why(*models)))


def small_twin(design: Design, *, size: str | None = None, voxel: str | None = None) -> Twin:
    """Build the twin of a design and solve for its ionic conduction in all directions.

    Parameters
    ----------
    design : Design
    size, voxel : str, optional
        As in `solidstack.twin.structure.build`; default: what the design's [twin] table says, else a few million
        voxels.
    """
    from ..twin import BuildReport, build, transport

    structure = build(design, size=size, voxel=voxel)
    return Twin(structure, BuildReport(structure), transport(structure))


def write_report(
    design: Design,
    folder: str | Path,
    step: Step = _silent,
    make_twin: Callable[[Design], Twin] | None = None,
    make_cycle: Callable[[Design, Twin], Cycle] | None = None,
) -> Path:
    """Evaluate a design and write its report.

    Parameters
    ----------
    design : Design
        A single design.
    folder : path
        Where to; made when it does not exist. Files of an earlier report are replaced, others stay. Nothing is
        left there when the work fails or is interrupted.
    step : callable
        Told of the progress.
    make_twin : callable, optional
        Makes the digital twin, as `small_twin` does; none is made without.
    make_cycle : callable, optional
        Charges and discharges it, as `simulated_cycle` does.

    Returns
    -------
    Path
        ``report.html``. Beside it ``report.pdf``, ``sheet.json`` (which every solidstack command takes in
        place of the design file), ``sheet.csv``, ``inputs.toml``, ``figures/*.svg|png`` and ``maps/*.csv``.

    Raises
    ------
    OutputError
        The folder cannot be written; said before the work starts.
    """
    with staged_folder(folder) as stage:
        figures, tables = stage / "figures", stage / "maps"
        figures.mkdir()
        tables.mkdir()
        count = len(KINDS) + 4 + (make_twin is not None) + (make_twin is not None and make_cycle is not None)
        step("design sheet", 1, count)
        sheet, twin, cycle = evaluate(design), None, None
        if make_twin is not None:
            step("digital twin", 2, count)
            twin = make_twin(design)
            if make_cycle is not None:
                step("charge and discharge", 3, count)
                cycle = make_cycle(design, twin)
            sheet = evaluate(
                design,
                effective_conductivity=twin.transport.x.conductivity,
                simulated=None if cycle is None else cycle.simulated,
            )
        stage.joinpath("sheet.json").write_text(sheet.to_json() + "\n", encoding="utf-8")
        stage.joinpath("sheet.csv").write_text(_sheet_csv(sheet), encoding="utf-8")
        stage.joinpath("inputs.toml").write_text(design.to_toml(), encoding="utf-8")
        drawn = []
        first = 2 + (twin is not None) + (cycle is not None)
        step("cross-section and breakdown", first, count)
        for name, figure in (("section", plot.draw_section(sheet)), ("breakdown", plot.draw_breakdown(sheet))):
            drawn.append(_keep(figures, name, figure))
        for number, kind in enumerate(KINDS, first + 1):
            step(f"map: {kind}", number, count)
            dataset = design_map(design, kind=kind)
            drawn.append(_keep(figures, kind, plot.draw_maps([dataset], [design])))
            tables.joinpath(f"{kind}.csv").write_text(as_csv(dataset[[dataset.attrs["figure"]]]), encoding="utf-8")
        if twin is not None:
            drawn += _keep_twin(stage, twin)
        if cycle is not None:
            drawn += _keep_cycle(stage, cycle)
        step("page (HTML)", count - 1, count)
        content = _content(sheet, drawn, twin, cycle)
        stage.joinpath("report.html").write_text(page("report.html.j2", content, drawn), encoding="utf-8")
        step("document (PDF)", count, count)
        document("report.typ", content, stage / "report.pdf")
    return Path(folder) / "report.html"


def _keep(folder: Path, name: str, figure: Any) -> Drawn:
    return keep(figure, folder, name, CAPTIONS[name])


def _keep_twin(stage: Path, twin: Twin) -> list[Drawn]:
    """Write the structure, its figures and what it conducts."""
    from ..plot.structure import render, slices
    from ..twin.structure.formats import save

    folder = stage / "twin"
    folder.mkdir()
    save(twin.structure, folder / "structure.npz")
    data = {"structure": twin.report.to_dict(), "transport": twin.transport.to_dict()}
    folder.joinpath("twin.json").write_text(json.dumps(data, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    drawn = [_keep(stage / "figures", "twin-slices", slices(twin.structure))]
    if find_spec("pyvista") is not None:
        path = render(twin.structure, stage / "figures" / "twin-3d.svg")
        render(twin.structure, stage / "figures" / "twin-3d.png")
        svg = path.read_text(encoding="utf-8")
        drawn.append(Drawn("twin-3d", CAPTIONS["twin-3d"], svg[svg.index("<svg") :]))
    return drawn


def _keep_cycle(stage: Path, cycle: Cycle) -> list[Drawn]:
    """Write the runs and their figures."""
    from ..plot import discharge as figures
    from ..twin.runs import save

    runs = _runs(cycle)
    made = {name: run for name, run in runs.items() if run is not None}
    for folder, run in (("discharge", cycle.coarse), ("companion", cycle.companion)):
        if run is not None:
            save(run, stage / "twin" / folder)
    drawn = []
    if made:
        drawn.append(_keep(stage / "figures", "cycle-curves", figures.draw_curves(made)))
    shown = cycle.companion or cycle.coarse
    if shown is not None and shown.split and any(step.capacity > 0.0 for step in shown.steps):
        drawn.append(_keep(stage / "figures", "cycle-split", figures.draw_split(shown)))
    run = cycle.coarse
    if run is not None and any(step.capacity > 0.0 and step.kind == "discharge" for step in run.steps):
        drawn.append(_keep(stage / "figures", "cycle-profiles", figures.draw_profiles(run)))
    if cycle.rates is not None:
        drawn.append(_keep(stage / "figures", "cycle-rates", figures.draw_rates(cycle.rates)))
    return drawn


def _runs(cycle: Cycle) -> dict[str, "Run | None"]:
    return {
        "coarse twin, voxel by voxel": cycle.coarse,
        "homogenised, of the coarse twin": cycle.piece,
        "homogenised, of the fine twin": cycle.companion,
    }


def _cycle_content(cycle: Cycle) -> dict[str, Any]:
    rows = []
    for name, run in _runs(cycle).items():
        for step in run.steps if run is not None else ():
            volts = f"{step.average_voltage:.3f}" if np.isfinite(step.average_voltage) else "–"
            figures = f"{step.capacity / 3600:.1f}", f"{step.areal_capacity / 36000:.3g}", volts
            rows.append((name, step.kind, *figures, step.end_reason))
    return {
        "words": _sentences(cycle),
        "steps": rows,
        "notes": list(cycle.notes),
        "parameters": []
        if cycle.parameters is None
        else [(row.what, row.text, row.quality, row.source) for row in cycle.parameters.sources],
    }


def _sentences(cycle: Cycle) -> str:
    """Say how the models differ, and why."""
    found = [f"{text[0].upper()}{text[1:]}." for text in cycle.words]
    if found:
        found.append(
            "The homogenised model gives all particles of a depth the same access to ions and electrons; the twin "
            "resolves that of each."
        )
    if cycle.coarse is not None and cycle.companion is not None:
        here, there = (MG_CM2.of(run.active_loading) for run in (cycle.coarse, cycle.companion))
        found.append(
            f"The coarse twin is a piece with {here:.3g} mg cm⁻² of active material; the fine twin's homogenised "
            f"model stands for the whole coating with {there:.3g} mg cm⁻², through which ions and electrons have "
            "further to go."
        )
    return " ".join(found)


def _twin_content(twin: Twin) -> dict[str, Any]:
    data = twin.report.to_dict()
    size = " × ".join(f"{edge:.3g}" for edge in data["size_um"])
    return {
        "words": f"{' × '.join(map(str, data['shape']))} voxels of {data['voxel_um'][0]:.3g} µm ({size} µm), "
        f"{data['particles']} particles, seed {data['seed']}. Density {data['density_g_cm3']:.4g} g cm⁻³ "
        f"(design {data['target_density_g_cm3']:.4g}).",
        "phases": [
            (
                name,
                f"{phase['target_vol_pct']:.2f}",
                f"{phase['reached_vol_pct']:.2f}",
                *(f"{phase['connected_pct'][axis]:.1f}" for axis in "xyz"),
            )
            for name, phase in data["phases"].items()
        ],
        "transport": [
            (
                f"{name} (through-plane)" if name == "x" else name,
                f"{one.conductivity * 10.0:.4g}",
                f"{one.relative_conductivity:.4g}",
                "–" if one.tortuosity_factor is None else f"{one.tortuosity_factor:.3g}",
                one.outcome,
            )
            for name, one in twin.transport.directions.items()
        ],
    }


def _content(sheet: Sheet, drawn: list[Drawn], twin: Twin | None, cycle: Cycle | None = None) -> dict[str, Any]:
    """Everything that the page and the document say, as plain data."""
    shown = {(figure.group, figure.key): figure for figure in sheet.figures()}
    groups = []
    for group, heading in HEADINGS.items():
        rows = [
            (figure.label, f"{figure.shown:.4g}", figure.unit.label)
            for figure in shown.values()
            if figure.group == group and np.isfinite(figure.value)
        ]
        if rows:
            groups.append({"heading": heading, "rows": rows})
    found = audit(sheet.design)
    return {
        "name": sheet.design.name,
        "version": __version__,
        "fingerprint": sheet.design.fingerprint(),
        "headline": [
            (shown[key].label, f"{shown[key].shown:.4g}", shown[key].unit.label)
            for key in HEADLINE
            if np.isfinite(shown[key].value)
        ],
        "regime": list(_regime(sheet)),
        "warnings": [*sheet.warnings, *(() if twin is None else twin.report.warnings)],
        "groups": groups,
        "twin": None if twin is None else _twin_content(twin),
        "cycle": None if cycle is None else _cycle_content(cycle),
        "components": list(_components(sheet)),
        "audit": None
        if found is None
        else {
            "source": found.source,
            "conflicts": [str(item) for item in found.conflicts],
            "comparisons": [
                (
                    item.claim.name.replace("_", " "),
                    item.claim.text,
                    item.claim.show(item.design),
                    f"{100 * item.deviation:+.1f} %" if abs(item.deviation) > 5e-4 else "agrees",
                )
                for item in found.comparisons
            ],
        },
        "materials": [
            (material, key.replace("_", " "), str(entry["value"]), entry["quality"], entry["source"])
            for material, entries in sheet.materials_used().items()
            for key, entry in entries.items()
        ],
        "figures": [(item.name, item.caption) for item in drawn],
        "inputs": sheet.design.to_toml(),
    }


def _regime(sheet: Sheet) -> Iterator[tuple[str, str, str]]:
    """Say the regime in words, with the distance to each threshold."""
    thresholds, regime = sheet.thresholds, sheet.thresholds.regime

    def side(value: Any, unit: Any) -> str:
        shown = float(unit.of(value))
        return f"{abs(shown):.3g} {unit.label} {'above' if shown > 0 else 'below'}"

    balance = f"{WT_PERCENT.of(thresholds.balance_am_mass_fraction):.1f} wt% active material"
    distance = float(WT_PERCENT.of(thresholds.composition_distance))
    where = "above" if distance > 0 else "below"
    yield "Composition", regime.composition, f"{abs(distance):.3g} percentage points {where} balance at {balance}"
    density = f"{G_CM3.of(thresholds.percolation_density):.2f} g cm⁻³"
    words = regime.density.replace("-", " ")
    yield "Density", words, f"{side(thresholds.density_distance, G_CM3)} percolation at {density}"
    thickness = UM.of(thresholds.loading_threshold_thickness)
    threshold = f"{MG_CM2.of(thresholds.loading_threshold):.1f} mg cm⁻² ({thickness:.0f} µm)"
    words = f"{regime.loading} threshold"
    yield "Loading", words, f"{side(thresholds.loading_distance, MG_CM2)} the loading threshold of {threshold}"


def _components(sheet: Sheet) -> Iterator[tuple[str, str, str, str, str]]:
    def show(value: Any, digits: str) -> str:
        return f"{float(value):{digits}}" if value and np.isfinite(value) else ""

    whole: Any = sheet.cell.mass
    for name, part in sheet.pouch.components.items():
        numbers = (
            show(G.of(part.mass), ".4g"),
            show(100.0 * part.mass / whole, ".1f"),
            show(CM3.of(part.volume), ".3g"),
        )
        yield name, *numbers, show(USD.of(part.cost), ".2g")


def _sheet_csv(sheet: Sheet) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("group", "key", "label", "value", "unit"))
    for figure in sheet.figures():
        value = repr(float(figure.shown)) if np.isfinite(figure.value) else ""
        writer.writerow((figure.group, figure.key, figure.label, value, figure.unit.symbol))
    for name, mass in sheet.mass_breakdown.items():
        writer.writerow(("mass_breakdown", name, name, repr(float(G.of(mass))), "g"))
    return text.getvalue()
