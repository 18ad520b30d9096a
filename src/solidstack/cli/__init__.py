"""The command line: parse, one library call, write. No physics."""

import io
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from ..errors import InputError, SolidstackError
from ..version import __version__
from .interrupt import Interrupted, interruptible
from .menu import Entry, Menu

COMMANDS = {
    "new": Entry("Design", "Write a commented design file to start from"),
    "check": Entry("Design", "Check design files: every problem with its key, line and cure"),
    "evaluate": Entry("Design", "Print the design sheet; several designs are compared"),
    "map": Entry("Design", "Map any figure of the sheet over two keys of the design"),
    "thresholds": Entry("Design", "Print the balance and percolation thresholds of pairs of materials"),
    "densify": Entry("Design", "Show which process presses a design beyond its percolation threshold"),
    "schema": Entry("Design", "Print the JSON Schema of design files, for editors"),
    "twin": Entry("Twin", "Build the electrode in 3D; conduction, charge and discharge", needs="numba"),
    "image": Entry("Twin", "Turn an image of an electrode into a structure, and analyse it", needs="numba"),
    "measure": Entry("Measure", "Instrument files to material properties, with 95 % intervals"),
    "run": Entry("Study", "Prove a design: sheet, maps, twin and cycle as a report (HTML, PDF, data)"),
    "materials": Entry("Library", "List materials, show their values and sources, or add your own"),
    "literature": Entry("Library", "List published cells, plot designs among them, or add your own"),
}
"""The help page, so that it needs no import; a test holds it to the commands."""


def _load(name: str) -> click.Command:
    """Import a command."""
    command: click.Command = import_module(f"{__name__}.{name}").command
    return command


@click.command(
    cls=Menu,
    entries=COMMANDS,
    load=_load,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="solidstack")
def cli() -> None:
    """Design high-energy solid-state batteries from particle to pouch.

    A design is one TOML file. Write one, then run it:

    \b
      solidstack new my-cell
      solidstack run my-cell.toml
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
        0 on success, 1 on failure, 2 on bad input, 130 on interrupt, 143 on termination.
    """
    received: list[int] = []
    try:
        with interruptible() as received:
            return _main(arguments)
    except (Interrupted, KeyboardInterrupt):
        click.echo("interrupted", err=True)
    except Exception as error:
        # a library may have wrapped the interrupt in an error of its own
        if not received:
            if os.environ.get("SOLIDSTACK_DEBUG"):
                raise
            text = f"{type(error).__name__}: {error}"
            click.echo(f"failed: {text} (this is a bug; SOLIDSTACK_DEBUG=1 shows where)", err=True)
            return 1
        click.echo("interrupted", err=True)
    return 128 + (received[0] if received else signal.SIGINT)


def _main(arguments: Sequence[str] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows a question mark
    try:
        result = cli.main(arguments, prog_name="solidstack", standalone_mode=False)
        sys.stdout.flush()
    except InputError as error:
        click.echo(f"error: {error}", err=True)
        return 2
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except (BrokenPipeError, SystemExit):
        # the reader of a pipe has had enough (click turns that into an exit with 1); Python would complain once
        # more when it closes stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SolidstackError as error:
        click.echo(f"failed: {error}", err=True)
        return 1
    except OSError as error:
        click.echo(f"failed: {error.strerror or error}{f': {error.filename}' if error.filename else ''}", err=True)
        return 1
    return int(result or 0)
