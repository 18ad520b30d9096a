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
    """Check DESIGN files: every problem with its key, line and cure; exit code 2 if there is a problem.

    A valid file is followed by physical warnings and, if it has a [published] table, by which of the stated
    figures cannot all be true, what would reconcile them, and how the design compares.

    \b
    Example:
      solidstack check my-cell.toml
    """
    results = []
    valid = True
    for path in designs:
        try:
            with located(path):
                design = load_changed(path, changes)
                sheet = evaluate(design)
                published = audit(design)
        except InputError as error:
            valid = False
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
                "published": None if published is None else published.to_dict(),
            }
        )
        if not as_json:
            _print(path, sheet.warnings, published)
    if as_json:
        click.echo(json.dumps(results[0] if len(results) == 1 else results, indent=2, ensure_ascii=False))
    return 0 if valid else 2


def _print(path: str, warnings: tuple[str, ...], published: Audit | None) -> None:
    click.secho(f"{path}: valid", fg="green")
    for text in warnings:
        click.secho(f"  warning: {text}", fg="yellow")
    if published is None:
        return
    click.echo(f"  published figures ({published.source or 'no source stated'}):")
    for conflict in published.conflicts:
        click.secho(f"    {conflict}", fg="red")
    for item in published.comparisons:
        click.secho(f"    {item}", fg="yellow" if item.differs else None)
    if not published.conflicts:
        click.echo("    the stated figures agree with each other")
