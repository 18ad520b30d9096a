"""The command line: parse, one library call, write. No physics."""

import _thread
import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from types import FrameType

import click

from ..errors import InputError, SolidstackError
from ..version import __version__

COMMANDS = (
    "run",
    "evaluate",
    "check",
    "map",
    "thresholds",
    "densify",
    "twin",
    "image",
    "measure",
    "literature",
    "materials",
    "schema",
)


COMPILER = "llvmlite.binding"
"""Owns memory of C and calls back from it; interrupted there, it may crash."""


class Commands(click.Group):
    """Commands that are imported when they are used, so that each starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Name the commands, the main one first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        try:
            command: click.Command = import_module(f"{__name__}.{cmd_name}").command
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("solidstack"):
                raise
            return _not_installed(cmd_name, error.name)
        return command


def _not_installed(name: str, package: str | None) -> click.Command:
    """Stand in for a command whose extra is not installed: it is listed, and says what to do when it is used."""
    cure = f'needs {package}; install it with `pip install "solidstack[twin]"`'

    @click.command(
        name,
        help=f"Not installed: {cure}.",
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    def stand_in() -> None:
        msg = f"`solidstack {name}` {cure}"
        raise InputError(msg)

    return stand_in


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="solidstack")
def cli() -> None:
    """Design high-energy solid-state batteries from particle to pouch.

    A design is one TOML file. Start from an example:

    \b
      solidstack run examples/pouch-0.16Ah.toml
    """


class Interrupted(BaseException):
    """A signal asks to leave.

    Not KeyboardInterrupt: Python remembers one that passed through `exec`, which libraries use, and then ends itself
    by the signal whatever the exit code is.
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
    repeats: list[threading.Timer] = []

    def leave(number: int, frame: FrameType | None) -> None:
        """Leave by an exception, so that half-made files are removed on the way out."""
        received.append(number)
        if _within(frame, COMPILER):
            later()
        else:
            raise Interrupted

    def later() -> None:
        """Send the last signal once more a moment later."""
        repeats.append(threading.Timer(0.02, _send, (received[-1],)))
        repeats[-1].start()

    with _handled(leave), _insistent(later):
        try:
            return _main(arguments)
        except (Interrupted, KeyboardInterrupt):
            click.echo("interrupted", err=True)
        except Exception as error:
            # a library may have wrapped the interrupt in an error of its own
            if not received:
                if os.environ.get("SOLIDSTACK_DEBUG"):
                    raise
                text = f"{type(error).__name__}: {error}"
                click.echo(f"failed: {text} (a defect; SOLIDSTACK_DEBUG=1 shows where)", err=True)
                return 1
            click.echo("interrupted", err=True)
        finally:
            for repeat in repeats:
                repeat.cancel()
                repeat.join()
        return 128 + (received[0] if received else signal.SIGINT)


def _within(frame: FrameType | None, package: str) -> bool:
    """Tell whether a function of a package is being called."""
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(package):
            return True
        frame = frame.f_back
    return False


def _send(number: int) -> None:
    """Send a signal to the main thread."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(signal.Signals(number))


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle SIGINT (unless the caller ignores it) and SIGTERM within a block, in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signals.append(signal.SIGINT)
    before = {number: signal.signal(number, handler) for number in signals}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextlib.contextmanager
def _insistent(later: Callable[[], None]) -> Iterator[None]:
    """Repeat a signal whose exception was lost.

    Python drops an exception that is raised where nobody can catch it, as in a finaliser or a callback from C, and
    only reports it.
    """
    before = sys.unraisablehook

    def hook(lost: "sys.UnraisableHookArgs") -> None:
        if issubclass(lost.exc_type, Interrupted):
            later()
        else:
            before(lost)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _main(arguments: Sequence[str] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign shows a question mark
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
