"""`solidstack schema`: the JSON Schema of a design file."""

import json

import click

from ..design import json_schema
from ..files import write_atomic


@click.command("schema")
@click.option("-o", "--output", metavar="FILE", help="Write to a file instead of the screen.")
def command(output: str | None) -> None:
    """Print the JSON Schema of a design file, with which an editor can complete and check it.

    The line "#:schema design.schema.json" at the top of a design file tells editors for TOML where it is.

    \b
    Example:
      solidstack schema -o design.schema.json
    """
    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        click.echo(str(write_atomic(output, text)))
