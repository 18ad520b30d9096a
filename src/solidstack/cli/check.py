"""`solidstack check`: problems of a design file, and contradictions among its published figures."""

import json

import click

from ..errors import InputError
from ..published import Audit, audit
from ..sheet import evaluate
from .common import changes_option, load_changed, located


@click.command("check")
@click.argument("designs", metavar="DESIGN...", nargs=-1, required=True)
@changes_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(designs: tuple[str, ...], changes: tuple[str, ...], as_json: bool) -> int:
    """Check DESIGN files: every problem with its key, line and cure; exit code 2 where there is one.

    Then the physical warnings, and, where the file has a [published] table, which of the stated figures
    cannot all be true, what would reconcile them, and how the design compares.

    \b
    Example:
      solidstack check examples/pouch-0.16Ah.toml
    """
    results = []
    wrong = False
    for path in designs:
        try:
            with located(path):
                design = load_changed(path, changes)
                sheet = evaluate(design)
                found = audit(design)
        except InputError as error:
            wrong = True
            results.append(
                {
                    "file": path,
                    "valid": False,
                    "problems": [{"key": p.key, "line": p.line, "message": p.message} for p in error.problems],
                }
            )
            click.echo(f"error: {error}", err=True)
            continue
        results.append(
            {
                "file": path,
                "valid": True,
                "warnings": list(sheet.warnings),
                "published": None if found is None else found.to_dict(),
            }
        )
        if not as_json:
            _print(path, sheet.warnings, found)
    if as_json:
        click.echo(json.dumps(results[0] if len(results) == 1 else results, indent=2, ensure_ascii=False))
    return 2 if wrong else 0


def _print(path: str, warnings: tuple[str, ...], found: Audit | None) -> None:
    click.secho(f"{path}: valid", fg="green")
    for text in warnings:
        click.secho(f"  warning: {text}", fg="yellow")
    if found is None:
        return
    click.echo(f"  published figures ({found.source or 'source not given'}):")
    for conflict in found.conflicts:
        click.secho(f"    {conflict}", fg="red")
    for item in found.comparisons:
        click.secho(f"    {item}", fg="yellow" if item.differs else None)
    if not found.conflicts:
        click.echo("    the stated figures agree with each other")
