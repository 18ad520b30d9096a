"""What a page and a document show of a proof, as plain data."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..published import Audit, audit
from ..sheet import HEADINGS, Sheet
from ..units import CM3, G_CM3, MG_CM2, UM, USD, WT_PERCENT, G, Unit, Values
from ..version import __version__
from .pages import Drawn

if TYPE_CHECKING:  # numba and xarray
    from ..study.proof import Proof, Twin
    from ..study.simulation import Cycle

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


def plain_content(proof: "Proof", drawn: list[Drawn]) -> dict[str, Any]:
    """Return everything that the page and the document show, as plain data."""
    sheet, design = proof.sheet, proof.design
    published = audit(design)
    return {
        "name": design.name,
        "version": __version__,
        "fingerprint": design.fingerprint(),
        "headline": _headline(sheet),
        "regime": list(_regime(sheet)),
        "warnings": list(proof.warnings),
        "notes": list(sheet.notes),
        "groups": _groups(sheet),
        "twin": None if proof.twin is None else _twin(proof.twin),
        "cycle": None if proof.cycle is None else _cycle(proof.cycle),
        "components": list(_components(sheet)),
        "audit": None if published is None else _audit(published),
        "materials": [
            (material, key.replace("_", " "), str(entry["value"]), entry["quality"], entry["source"])
            for material, entries in sheet.materials_used().items()
            for key, entry in entries.items()
        ],
        "figures": [(item.name, item.caption) for item in drawn],
        "inputs": design.to_toml(),
    }


def _headline(sheet: Sheet) -> list[tuple[str, str, str]]:
    figures = {(figure.group, figure.key): figure for figure in sheet.figures()}
    if sheet.twin_decides:
        figures["thresholds", "loading_threshold_mg_cm2"] = figures["twin", "loading_threshold_mg_cm2"]
    return [
        (figures[key].label, f"{figures[key].shown:.4g}", figures[key].unit.label)
        for key in HEADLINE
        if np.isfinite(figures[key].value)
    ]


def _groups(sheet: Sheet) -> list[dict[str, Any]]:
    """Figures of the sheet under their headings; what is undefined is left out."""
    groups = []
    for group, heading in HEADINGS.items():
        rows = [
            (figure.label, figure.text, figure.unit.label)
            for figure in sheet.figures()
            if figure.group == group and np.isfinite(figure.value)
        ]
        if rows:
            groups.append({"heading": heading, "rows": rows})
    return groups


def _regime(sheet: Sheet) -> Iterator[tuple[str, str, str]]:
    """Yield the regime in words, with the distance to each threshold."""
    thresholds, regime = sheet.thresholds, sheet.thresholds.regime

    def side(value: Any, unit: Unit) -> str:
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
    def show(value: Values, digits: str) -> str:
        return f"{float(value):{digits}}" if value and np.isfinite(value) else ""

    for name, part in sheet.pouch.components.items():
        numbers = (
            show(G.of(part.mass), ".4g"),
            show(100.0 * part.mass / sheet.cell.mass, ".1f"),
            show(CM3.of(part.volume), ".3g"),
        )
        yield name, *numbers, show(USD.of(part.cost), ".2g")


def _twin(twin: "Twin") -> dict[str, Any]:
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
                f"{conduction.conductivity * 10.0:.4g}",
                f"{conduction.relative_conductivity:.4g}",
                "–" if conduction.tortuosity_factor is None else f"{conduction.tortuosity_factor:.3g}",
                conduction.end_reason,
            )
            for name, conduction in twin.transport.directions.items()
        ],
    }


def _cycle(cycle: "Cycle") -> dict[str, Any]:
    rows = []
    for name, run in cycle.runs.items():
        for step in run.steps:
            volts = f"{step.average_voltage:.3f}" if np.isfinite(step.average_voltage) else "–"
            figures = f"{step.capacity / 3600:.1f}", f"{step.areal_capacity / 36000:.3g}", volts
            rows.append((name, step.kind, *figures, step.end_reason))
    return {
        "words": " ".join(cycle.words),
        "steps": rows,
        "notes": list(cycle.notes),
        "parameters": []
        if cycle.parameters is None
        else [(row.what, row.text, row.quality, row.source) for row in cycle.parameters.sources],
    }


def _audit(published: Audit) -> dict[str, Any]:
    return {
        "source": published.source,
        "conflicts": [str(item) for item in published.conflicts],
        "comparisons": [
            (
                item.claim.name.replace("_", " "),
                item.claim.text,
                item.claim.show(item.design),
                f"{100 * item.deviation:+.1f} %" if abs(item.deviation) > 5e-4 else "agrees",
            )
            for item in published.comparisons
        ],
    }
