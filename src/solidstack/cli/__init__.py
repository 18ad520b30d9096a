"""The command line: parse, one library call, write. No physics."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from ..errors import InputError, SolidstackError
from ..version import __version__

COMMANDS = ("run", "evaluate", "check", "map", "thresholds", "materials", "schema")


class Commands(click.Group):
    """Commands that are imported when they are used, so that each starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Name the commands, the main one first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name}").command
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="solidstack")
def cli() -> None:
    """Design high-energy solid-state batteries from particle to pouch.

    A design is one TOML file. Start from an example:

    \b
      solidstack run examples/pouch-0.16Ah.toml
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.

    Returns
    -------
    int
        0 on success, 1 on failure, 2 on bad input, 130 on interrupt.
    """
    try:
        result = cli.main(arguments, prog_name="solidstack", standalone_mode=False)
        sys.stdout.flush()
    except InputError as error:
        click.echo(f"error: {error}", err=True)
        return 2
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    except BrokenPipeError:
        # the reader of a pipe has had enough; Python would complain once more when it closes stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SolidstackError as error:
        click.echo(f"failed: {error}", err=True)
        return 1
    except Exception as error:
        if os.environ.get("SOLIDSTACK_DEBUG"):
            raise
        click.echo(f"failed: {type(error).__name__}: {error} (a defect; SOLIDSTACK_DEBUG=1 shows where)", err=True)
        return 1
    return int(result or 0)
