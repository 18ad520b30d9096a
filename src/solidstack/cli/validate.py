"""`solidstack twin validate`: models of one electrode compared, with measured curves, and their sensitivity."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import units
from ..design import Design
from ..errors import DesignError, SolidstackError, SolverError
from ..files import staged_folder
from .common import changes_option, check_folder, columns, json_option, load_changed, located, print_json, show, warn
from .progress import shown_progress
from .runs import needs_companion, protocol_of, protocol_option

if TYPE_CHECKING:
    from ..study.validation import Validation
    from ..twin.measured_curves import Measured


@click.command("validate")
@click.argument("designs", metavar="DESIGN...", nargs=-1, required=True)
@protocol_option
@click.option("--measured", metavar="FILE", help="CSV with capacity (mAh/g, mAh/cm^2, mAh) and voltage (V).")
@click.option("--measured-mass", metavar="MASS", help='Of its active material, if its capacity is in mAh: "12 mg".')
@click.option("--size", metavar="LENGTH", help="Edge of the structures in the plane.")
@click.option("--voxel", metavar="LENGTH", help="Edge of a voxel; the whole coating is then cycled with it.")
@click.option("--seed", type=int, help="The first one: same seed, same structures.")
@click.option("--seeds", type=int, default=3, show_default=True, help="Structures of each arrangement, for the spread.")
@click.option("--accuracy", type=float, default=2.0, show_default=True, help="Allowed error of the twins' time steps.")
@click.option("--sensitivity/--no-sensitivity", default=True, help="One parameter at a time, homogenised model.")
@click.option("-o", "--output", metavar="DIR", help="Figures, curves and JSON; a folder for each of several designs.")
@changes_option
@json_option
def validate_command(
    designs: tuple[str, ...],
    protocol_file: str | None,
    measured: str | None,
    measured_mass: str | None,
    sensitivity: bool,
    output: str | None,
    changes: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Run three models of each DESIGN: close packing, random packing, homogeneous medium.

    Each at the thickness of the coating, with several seeds: voxel by voxel where that many voxels can be cycled, else
    the medium of a fine piece, scaled. Compares their curves, capacities and resistances, also with --measured;
    explains why they differ; and shows how the discharge capacity changes when one parameter at a time is moved to the
    ends of its range. One design takes a few minutes. A model that cannot be made is a failure (exit code 1).

    \b
    Example:
      solidstack twin validate my-cell.toml -o validation
    """
    needs_companion()
    from ..study import validate

    protocol = protocol_of(protocol_file)
    mass = _mass(measured_mass)
    loaded = [load_changed(path, changes) for path in designs]
    check_folder(output)
    results, failure = [], ""
    for path, design, folder in zip(designs, loaded, _folders(designs, output), strict=True):
        with located(path), shown_progress() as progress:
            curves = _measured(design, measured, mass)
            validation = validate(design, protocol=protocol, measured=curves, progress=progress, **options)
        data = validation.to_dict()
        data["sensitivity"] = _sensitivity(validation, protocol) if sensitivity else {"base": {}, "rows": []}
        runs = [model.run for model in validation.models.values() if model.run is not None]
        for text in runs[0].provenance.get("warnings", ()) if runs else ():
            warn(f"{design.name}: {text}")
        if folder is not None:
            data["folder"] = str(folder)
            _write(validation, data, folder)
        results.append(data)
        if not as_json:
            _show(validation, data)
        for name, model in validation.models.items():
            if model.run is None:
                failure = failure or f"{path}: {name} {'; '.join(model.notes)}"
    if as_json:
        print_json(results[0] if len(results) == 1 else results)
    if failure:
        raise SolverError(failure)


def _mass(text: str | None) -> float | None:
    """Read --measured-mass, kg."""
    if text is None:
        return None
    mass = float(units.parse(text, units.MASS))
    if mass <= 0.0:
        msg = f'--measured-mass "{text}": expected a mass above 0, as in "12 mg"'
        raise DesignError(msg)
    return mass


def _measured(design: Design, path: str | None, mass: float | None) -> "list[Measured]":
    """Read measured curves, per mass of active material."""
    from ..electrode import positive_electrode
    from ..twin.measured_curves import read_measured

    _, positive = positive_electrode(design)
    loading = float(positive.am_mass_fraction * positive.loading)
    return [] if path is None else read_measured(path, active_loading=loading, mass=mass)


def _sensitivity(validation: "Validation", protocol: Any) -> dict[str, Any]:
    """Scale one parameter at a time in the homogenised model of a validation; empty, with a warning, where it fails."""
    from ..study import one_at_a_time

    design = validation.design
    try:
        with shown_progress() as progress:
            base, rows = one_at_a_time(design, protocol=protocol, effective=validation.effective, progress=progress)
    except SolidstackError as error:
        warn(f"{design.name}: no sensitivity: {error}")
        return {"base": {}, "rows": []}
    return {"base": base, "rows": rows}


def _folders(designs: Sequence[str], output: str | None) -> list[Path | None]:
    """Return a folder for each design; files of the same name are numbered."""
    if output is None:
        return [None] * len(designs)
    if len(designs) == 1:
        return [Path(output)]
    stems = [Path(path).stem for path in designs]
    numbered = [
        f"{stem}-{stems[: i + 1].count(stem)}" if stems.count(stem) > 1 else stem for i, stem in enumerate(stems)
    ]
    return [Path(output) / name for name in numbered]


def _write(validation: "Validation", data: dict[str, Any], folder: Path) -> None:
    from .. import plot
    from ..twin.runs import save as save_run

    for name, model in validation.models.items():
        if model.run is not None:
            save_run(model.run, folder / name)
    runs = {name: model.run for name, model in validation.models.items() if model.run is not None}
    if runs:
        plot.save(plot.draw_curves(runs, validation.measured), folder / "curves.png")
    resistances = {
        name: {part: 1e4 * value for part, value in model.resistance.items()}
        for name, model in validation.models.items()
        if model.resistance
    }
    if resistances:
        plot.save(plot.draw_resistances(resistances), folder / "asr.png")
    rows = [row for row in data["sensitivity"]["rows"] if not row["note"]]
    if rows:
        figure = plot.draw_sensitivity(rows, data["sensitivity"]["base"]["capacity_mAh_g"])
        plot.save(figure, folder / "sensitivity.png")
    with staged_folder(folder) as stage:
        text = json.dumps(data, indent=2, allow_nan=False, default=str) + "\n"
        stage.joinpath("validation.json").write_text(text, encoding="utf-8")


def _table(rows: Sequence[tuple[str, ...]]) -> Any:
    """Return a table of text whose first row is the head."""
    from rich.text import Text

    head, *body = rows
    table = columns(*head, right=head[1:])
    for row in body:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _show(validation: "Validation", data: dict[str, Any]) -> None:
    click.secho(data["design"], bold=True)
    show(_table(validation.table()))
    for row in data["apart"]:
        first, second = row["models"]
        for kind in ("charge", "discharge"):
            if row[kind] is not None:
                click.echo(f"{first} against {second}, {_deviation(kind, row[kind])}")
    for name, kinds in data["against_measured"].items():
        for kind, deviation in kinds.items():
            if deviation is not None:
                click.echo(f"{name} against measured, {_deviation(kind, deviation)}")
    for text in data["why"]:
        click.echo(f"- {text}")
    _show_sensitivity(data["sensitivity"]["base"], data["sensitivity"]["rows"])
    if "folder" in data:
        click.echo(data["folder"])


def _show_sensitivity(base: dict[str, float], rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    table = [("one parameter scaled", "quality", "factor", "discharge, mAh/g", "mean V")]
    table.append(("none", "", "", f"{base['capacity_mAh_g']:.1f}", f"{base['average_voltage_V']:.4f}"))
    for row in rows:
        figures = ("–", "–") if row["note"] else (f"{row['capacity_mAh_g']:.1f}", f"{row['average_voltage_V']:.4f}")
        table.append((row["name"].replace("_", " "), row["quality"], f"{row['factor']:.3g}", *figures))
    show(_table(table))
    for row in rows:
        if row["note"]:
            click.echo(f"- {row['name'].replace('_', ' ')} times {row['factor']:.3g}: {row['note']}")


def _deviation(kind: str, deviation: dict[str, float]) -> str:
    volts = f"{deviation['rms_mV']:.3g} mV rms, {deviation['max_mV']:.3g} mV at most"
    return f"{kind}: {volts}, capacity {deviation['capacity_pct']:+.1f} %"
