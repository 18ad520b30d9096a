"""Show progress on stderr, for every command in the same way."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace

import click

from ..progress import Listener, Progress


@contextlib.contextmanager
def shown_progress(*, lines: bool = False) -> Iterator[Listener | None]:
    """Give a listener that shows progress: in place on a terminal, cleared at the end.

    Parameters
    ----------
    lines : bool
        Elsewhere than on a terminal, write a line for each stage, which is what stands before a colon in what is done;
        without it nothing is shown there and None is given.
    """
    if sys.stderr.isatty():
        try:
            yield lambda state: click.echo(f"\r\033[K{described(state)}", err=True, nl=False)
        finally:
            click.echo("\r\033[K", err=True, nl=False)
    elif lines:
        last = ""

        def listener(state: Progress) -> None:
            nonlocal last
            stage = state.what.partition(":")[0]
            if stage != last:
                last = stage
                click.echo(described(replace(state, what=stage)), err=True)

        yield listener
    else:
        yield None


def described(state: Progress) -> str:
    """Say how far a piece of work is, in a short line.

    Examples
    --------
    >>> described(Progress("map: porosity", 3, 10))
    ' 30 %  map: porosity'
    """
    share = "     " if state.share != state.share else f"{100 * state.share:3.0f} %"
    return f"{share}  {state.what}"
