"""`solidstack run`: the main job, from a design file to a report."""

import json
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import click

from ..errors import OutputError
from .common import changes_option, default_folder, load_changed, located, notes


@click.command("run")
@click.argument("design")
@click.option("-o", "--output", metavar="DIR", help="Folder of the report; default: NAME-report here.")
@click.option("--quick", is_flag=True, help="Leave out the digital twin.")
@click.option("--twin-size", metavar="LENGTH", help='Edge of the twin, as in "40 um"; default: a few million voxels.')
@click.option("--twin-voxel", metavar="LENGTH", help='Edge of its voxels, as in "0.1 um".')
@changes_option
def command(
    design: str,
    output: str | None,
    quick: bool,
    twin_size: str | None,
    twin_voxel: str | None,
    changes: tuple[str, ...],
) -> None:
    """Evaluate DESIGN and write its report: sheet, maps, breakdown, cross-section, digital twin, charge and discharge.

    DIR then holds report.html (one page that works offline), report.pdf, sheet.json and sheet.csv, inputs.toml, the
    figures and maps one by one, and the twin's structure with what it conducts. Interrupted or failing, it leaves
    nothing half-written.

    \b
    Example:
      solidstack run examples/pouch-0.16Ah.toml -o my-report
    """
    loaded = load_changed(design, changes)
    if output == "":
        msg = "-o is given an empty name; give a folder"
        raise OutputError(msg)
    folder = default_folder(design) if output is None else output

    from ..report import simulated_cycle, small_twin, write_report
    from ..sheet import evaluate

    twin = not quick and loaded.is_single
    if twin and find_spec("numba") is None:
        click.secho('no digital twin: it needs `pip install "solidstack[twin]"`', err=True, fg="yellow")
        twin = False
    with located(design):
        make = partial(small_twin, size=twin_size, voxel=twin_voxel) if twin else None
        page = write_report(loaded, folder, _progress(), make, simulated_cycle if twin else None)
    sheet = evaluate(loaded)
    notes(sheet)
    cell, regime = sheet.cell, sheet.thresholds.regime
    click.echo(
        f"{loaded.name}: {cell.specific_energy / 3600:.0f} Wh/kg, {cell.energy_density / 3.6e6:.0f} Wh/L, "
        f"{cell.capacity / 3600:.3g} Ah; {regime.composition}, {regime.density}, loading {regime.loading} threshold"
    )
    stored = json.loads((page.parent / "sheet.json").read_text(encoding="utf-8")).get("twin")
    if stored is not None:
        click.echo(
            f"digital twin: effective ionic conductivity {stored['effective_conductivity_mS_cm']:.3g} mS/cm "
            f"({stored['conductivity_deviation_pct']:+.0f} % against the closed form), "
            f"loading threshold {stored['loading_threshold_mg_cm2']:.3g} mg/cm^2"
        )
    found = json.loads((page.parent / "sheet.json").read_text(encoding="utf-8")).get("simulated")
    if found is not None:
        click.echo(
            f"simulated against lithium: {found['slow_capacity_mAh_g']:.0f} mAh/g at C/10, "
            f"{found['rated_capacity_mAh_g']:.0f} mAh/g at the rated current"
        )
    click.echo(str(page))


def _progress() -> Callable[[str, int, int], None]:
    """Show the steps on stderr: in place on a terminal, a line each elsewhere."""
    terminal = sys.stderr.isatty()

    def step(words: str, number: int, count: int) -> None:
        text = f"[{number}/{count}] {words}"
        click.echo(f"\r\033[K{text}" if terminal else text, err=True, nl=not terminal)
        if terminal and number == count:
            click.echo("\r\033[K", err=True, nl=False)

    return step
