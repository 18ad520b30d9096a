"""`solidstack evaluate`: the design sheet."""

import json

import click

from ..sheet import evaluate
from .common import changes_option, load_changed, located, notes, sheet_table, show


@click.command("evaluate")
@click.argument("designs", metavar="DESIGN...", nargs=-1, required=True)
@changes_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON (a list for several designs).")
def command(designs: tuple[str, ...], changes: tuple[str, ...], as_json: bool) -> None:
    """Print the design sheet of DESIGN; several designs are shown side by side.

    It has thresholds, regime, positive electrode, energies, cell, and the mass of each component.

    \b
    Example:
      solidstack evaluate my-cell.toml --set positive.loading="25 mg/cm^2"
    """
    sheets = []
    for path in designs:
        with located(path):
            sheets.append(evaluate(load_changed(path, changes)))
    if as_json:
        data = [sheet.to_dict() for sheet in sheets]
        click.echo(json.dumps(data[0] if len(data) == 1 else data, indent=2, allow_nan=False, ensure_ascii=False))
        return
    show(sheet_table(sheets))
    for sheet in sheets:
        notes(sheet, named=len(sheets) > 1)
