"""`solidstack new`: a commented design file to start from."""

import shlex
from pathlib import Path

import click

from ..design.template import template
from ..errors import OutputError
from ..files import write_atomic


@click.command("new")
@click.argument("name", default="my-cell")
@click.option("--force", is_flag=True, help="Replace a file of this name.")
def command(name: str, force: bool) -> None:
    """Write NAME.toml, a commented design file to start from (default: my-cell.toml).

    It describes a published 0.16 Ah pouch cell, so that it can be run as it is; every other key is there as a comment.

    \b
    Example:
      solidstack new my-cell
      solidstack evaluate my-cell.toml
      solidstack run my-cell.toml
    """
    path = Path(name if name.endswith(".toml") else f"{name}.toml")
    if not path.stem or path.name == ".toml":
        msg = f'"{name}" is not a name for a design; write a name such as my-cell'
        raise OutputError(msg)
    if path.exists() and not force:
        msg = "already exists; choose another name, or replace it with --force"
        raise OutputError(msg, source=str(path))
    shown = shlex.quote(str(path))
    write_atomic(path, template(path.stem, shown))
    click.echo(f"{path} written; run it with: solidstack run {shown}")
