"""Groups of commands: listed by subject from a table, and imported when they are used."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import click

from ..errors import InputError


@dataclass(frozen=True)
class Entry:
    """A command as a help page lists it.

    Attributes
    ----------
    heading : str
        The group of commands it is listed under.
    words : str
        What it does, in one short sentence that is never cut.
    needs : str
        Package without which it cannot work; empty where there is none.
    extra : str
        The extra of solidstack that brings it.
    """

    heading: str
    words: str
    needs: str = ""
    extra: str = "twin"

    @property
    def is_installed(self) -> bool:
        """Whether the package that the command needs can be found; nothing is imported."""
        return not self.needs or find_spec(self.needs) is not None

    @property
    def cure(self) -> str:
        """What to do where the package is missing."""
        return f'needs {self.needs}; install it with `pip install "solidstack[{self.extra}]"`'


class Menu(click.Group):
    """A group of commands whose help shows whole sentences, under headings.

    With a table of entries, the help page is written from it and a command is imported only when it is used.
    """

    def __init__(
        self,
        *arguments: Any,
        entries: Mapping[str, Entry] | None = None,
        load: Callable[[str], click.Command] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self.entries = dict(entries or {})
        self.load = load

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Name the commands in the order of the table, else in the order in which they were added."""
        return list(self.entries) or list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported if need be; a stand-in where its extra is not installed."""
        entry = self.entries.get(cmd_name)
        if entry is None or self.load is None:
            return super().get_command(ctx, cmd_name)
        try:
            return self.load(cmd_name)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("solidstack"):
                raise
            missing = Entry(entry.heading, entry.words, error.name or entry.needs, entry.extra)
            return _not_installed(cmd_name, missing)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first argument names.

        Raises
        ------
        click.exceptions.NoSuchCommand
            There is none; names similar ones, also of commands that are not imported yet.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            names = self.list_commands(ctx)
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=names, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under their headings, each with a whole sentence."""
        rows = list(self._rows(ctx))
        for heading in dict.fromkeys(heading for heading, _, _ in rows):
            with formatter.section(heading):
                formatter.write_dl([(name, words) for row, name, words in rows if row == heading])

    def _rows(self, ctx: click.Context) -> Iterator[tuple[str, str, str]]:
        for name in self.list_commands(ctx):
            entry = self.entries.get(name)
            if entry is None:
                command = super().get_command(ctx, name)
                assert command is not None
                yield "Commands", name, command.get_short_help_str(limit=1000).rstrip(".")
            else:
                yield entry.heading, name, entry.words if entry.is_installed else f"Not installed: {entry.cure}"


def _not_installed(name: str, entry: Entry) -> click.Command:
    """Stand in for a command whose extra is not installed: it is listed, and explains itself when it is used."""

    @click.command(
        name,
        help=f"Not installed: {entry.cure}.",
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    def stand_in() -> None:
        msg = f"`solidstack {name}` {entry.cure}"
        raise InputError(msg)

    return stand_in
