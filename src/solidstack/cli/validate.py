"""`solidstack twin validate`: models of one electrode side by side, against measured curves, and what matters."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import units
from ..errors import DesignError, SolidstackError, SolverError
from ..files import staged_folder
from .common import changes_option, check_folder, load_changed, located, print_json, show, shown_progress, warn
from .runs import json_option, needs_companion, protocol_of, protocol_option

if TYPE_CHECKING:
    from ..study.validation import Validation


@click.command("validate")
@click.argument("designs", metavar="DESIGN...", nargs=-1, required=True)
@protocol_option
@click.option("--measured", metavar="FILE", help="CSV with capacity (mAh/g, mAh/cm^2, mAh) and voltage (V).")
@click.option("--measured-mass", metavar="MASS", help='Of its active material, where its capacity is in mAh: "12 mg".')
@click.option("--size", metavar="LENGTH", help="Edge of the structures in the plane.")
@click.option("--voxel", metavar="LENGTH", help="Edge of a voxel; default: about 50,000 of them, more for thin films.")
@click.option("--seed", type=int, help="Same seed, same structures.")
@click.option("--accuracy", type=float, default=1.0, show_default=True, help="Allowed error of the twins' time steps.")
@click.option("--sensitivity/--no-sensitivity", default=True, help="One parameter at a time, homogenised model.")
@click.option("-o", "--output", metavar="DIR", help="Figures, curves and JSON; a folder for each of several designs.")
@changes_option
@json_option
def validate_command(
    designs: tuple[str, ...],
    protocol_file: str | None,
    measured: str | None,
    measured_mass: str | None,
    size: str | None,
    voxel: str | None,
    seed: int | None,
    accuracy: float,
    sensitivity: bool,
    output: str | None,
    changes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run three models of each DESIGN side by side: close packing, random packing, homogeneous medium.

    Curves, capacities and resistances beside each other, and against --measured; in words why they part; and how the
    discharge capacity changes when one parameter at a time is halved or doubled. One design takes a few minutes.

    \b
    Example:
      solidstack twin validate examples/pouch-0.16Ah.toml -o validation
    """
    needs_companion()
    from ..electrode import positive_electrode
    from ..study.validation import sensitivity as scaled
    from ..study.validation import validate
    from ..twin.runs import read_measured

    plan = protocol_of(protocol_file)
    mass: Any = None if measured_mass is None else units.parse(measured_mass, units.MASS)
    if mass is not None and mass <= 0.0:
        msg = f'--measured-mass "{measured_mass}" is wanted to be above 0, as in "12 mg"'
        raise DesignError(msg)
    loaded = [load_changed(path, changes) for path in designs]
    check_folder(output)
    folders = _folders(designs, output)
    result, none = [], ""
    for path, design, folder in zip(designs, loaded, folders, strict=True):
        with located(path), shown_progress() as progress:
            _, positive = positive_electrode(design)
            loading = float(positive.am_mass_fraction * positive.loading)
            curves = [] if measured is None else read_measured(measured, active_loading=loading, mass=mass)
            found = validate(
                design, protocol=plan, measured=curves, size=size, voxel=voxel, seed=seed, accuracy=accuracy,
                progress=progress,
            )  # fmt: skip
        base, rows = dict[str, float](), list[dict[str, Any]]()
        if sensitivity:
            try:
                with shown_progress() as progress:
                    base, rows = scaled(design, protocol=plan, effective=found.effective, progress=progress)
            except SolidstackError as error:
                warn(f"{design.name}: no sensitivity: {error}")
        data = found.to_dict() | {"sensitivity": {"base": base, "rows": rows}}
        if folder is not None:
            data["folder"] = str(folder)
            _write(found, data, folder)
        result.append(data)
        if not as_json:
            _show(found, data)
        if all(model.run is None for model in found.models.values()):
            none = none or f"{path}: no model could be run; {found.words[0]}"
    if as_json:
        print_json(result[0] if len(result) == 1 else result)
    if none:
        raise SolverError(none)


def _folders(designs: Sequence[str], output: str | None) -> list[Path | None]:
    """Give each design its folder; files of the same name are numbered."""
    if output is None:
        return [None] * len(designs)
    if len(designs) == 1:
        return [Path(output)]
    stems = [Path(path).stem for path in designs]
    numbered = [
        f"{stem}-{stems[: i + 1].count(stem)}" if stems.count(stem) > 1 else stem for i, stem in enumerate(stems)
    ]
    return [Path(output) / name for name in numbered]


def _write(found: "Validation", data: dict[str, Any], folder: Path) -> None:
    import json

    from ..plot import save
    from ..plot.discharge import draw_curves, draw_resistances, draw_sensitivity
    from ..twin.runs import save as save_run

    for name, model in found.models.items():
        if model.run is not None:
            save_run(model.run, folder / name)
    runs = {name: model.run for name, model in found.models.items() if model.run is not None}
    if runs:
        save(draw_curves(runs, found.measured), folder / "curves.png")
    parts = {name: model.resistance for name, model in found.models.items() if model.resistance}
    if parts:
        shown = {name: {part: 1e4 * value for part, value in one.items()} for name, one in parts.items()}
        save(draw_resistances(shown), folder / "asr.png")
    rows = [row for row in data["sensitivity"]["rows"] if not row["note"]]
    if rows:
        save(draw_sensitivity(rows, data["sensitivity"]["base"]["capacity_mAh_g"]), folder / "sensitivity.png")
    with staged_folder(folder) as stage:
        text = json.dumps(data, indent=2, allow_nan=False, default=str) + "\n"
        stage.joinpath("validation.json").write_text(text, encoding="utf-8")


def _table(rows: Sequence[tuple[str, ...]]) -> Any:
    """Put text in a table whose first row is the head."""
    from rich.table import Table
    from rich.text import Text

    head, *body = rows
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, heading in enumerate(head):
        table.add_column(Text(heading), justify="right" if index else "left")
    for row in body:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _show(found: "Validation", data: dict[str, Any]) -> None:
    click.secho(data["design"], bold=True)
    show(_table(found.table()))
    for row in data["apart"]:
        one, other = row["models"]
        for kind in ("charge", "discharge"):
            if row[kind] is not None:
                click.echo(f"{one} against {other}, {_apart(kind, row[kind])}")
    for name, kinds in data["against_measured"].items():
        for kind, apart in kinds.items():
            if apart is not None:
                click.echo(f"{name} against measured, {_apart(kind, apart)}")
    for text in data["why"]:
        click.echo(f"- {text}")
    base, rows = data["sensitivity"]["base"], data["sensitivity"]["rows"]
    if rows:
        table = [("one parameter scaled", "factor", "discharge, mAh/g", "mean V")]
        table.append(("none", "", f"{base['capacity_mAh_g']:.1f}", f"{base['average_voltage_V']:.4f}"))
        for row in rows:
            figures = ("–", "–") if row["note"] else (f"{row['capacity_mAh_g']:.1f}", f"{row['average_voltage_V']:.4f}")
            table.append((row["name"].replace("_", " "), f"{row['factor']:.3g}", *figures))
        show(_table(table))
        for row in rows:
            if row["note"]:
                click.echo(f"- {row['name'].replace('_', ' ')} times {row['factor']:.3g}: {row['note']}")
    if "folder" in data:
        click.echo(data["folder"])


def _apart(kind: str, found: dict[str, float]) -> str:
    volts = f"{found['rms_mV']:.3g} mV rms, {found['max_mV']:.3g} mV at most"
    return f"{kind}: {volts}, capacity {found['capacity_pct']:+.1f} %"
