"""What several commands share: the design argument, --set, tables."""

import contextlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np

from ..design import Design, key_path, load
from ..errors import DesignError, InputError, OutputError, UnitError
from ..files import staged_folder
from ..ranges import parse_range
from ..sheet import HEADINGS, Sheet
from ..units import Kind

F = TypeVar("F", bound=Callable[..., Any])


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
voxel_option = click.option(
    "--voxel", metavar="LENGTH", help='Edge of a voxel if FILE does not have it, as in "0.4 um".'
)
phases_option = click.option(
    "--phases", metavar="NAMES", help='Meaning of the labels, as in "0=pore, 1=NCM622, 2=SPE".'
)


def changes_option(function: F) -> F:
    """Add ``--set KEY=VALUE``."""
    return click.option(
        "--set",
        "changes",
        metavar="KEY=VALUE",
        multiple=True,
        help='Change a value of the design, as in --set positive.loading="25 mg/cm^2". May be repeated.',
    )(function)


def load_changed(path: str, changes: Sequence[str]) -> Design:
    """Read a design file and apply ``--set`` changes."""
    design = load(path)
    if not changes:
        return design
    replaced: dict[tuple[str, ...], Any] = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals or not key.strip():
            msg = f'--set "{change}" is not KEY=VALUE, as in --set positive.loading="25 mg/cm^2"'
            raise DesignError(msg, source=path)
        where = key_path(key)
        replaced[where] = _value(where, value.strip())
    with located(path):
        return design.replaced(replaced)


@contextlib.contextmanager
def located(path: str) -> Iterator[None]:
    """Put the file before an error that does not name it."""
    try:
        yield
    except InputError as error:
        if error.source:
            raise
        raise type(error)(error.problems, source=path) from None


def _value(path: tuple[str, ...], text: str) -> Any:
    """Return text with a unit as it is, and counts, ratios, true and false as values."""
    from ..axes import kind_of

    try:
        bare = kind_of(path).bare
    except DesignError:
        return {"true": True, "false": False}.get(text, text)
    try:
        return float(text) if bare else text
    except ValueError:
        return text


def range_option(text: str, option: str, kind: Kind, most: float = math.inf) -> tuple[float, float, int]:
    """Read the ``LO:HI:N`` of an option, in the unit in which its kind is shown unless another one is written.

    Parameters
    ----------
    text : str
        What `solidstack.ranges.parse_range` reads.
    option : str
        Its name, for errors.
    kind : Kind
        What is expected; above 0.
    most : float
        Upper bound, exclusive, in the unit shown.

    Returns
    -------
    low, high : float
        In the unit shown.
    count : int
        Number of values.

    Raises
    ------
    UnitError
        Not a range, or an end out of bounds.
    """
    unit = kind.shown
    try:
        span = parse_range(text, kind, unit.symbol)
    except UnitError as error:
        msg = f"{option}: {error.problems[0].message}"
        raise UnitError(msg) from None
    # 12 digits undo the conversion: 7 % is 0.07, and 0.07 / 0.01 is 7.000000000000001
    low, high = (float(f"{unit.of(end):.12g}") for end in (span.low, span.high))
    if span.log or not 0.0 < low <= high < most:
        limit = "" if most == math.inf else f" and below {most:g} {unit.symbol}"
        msg = f'{option}: "{text}" must be LO:HI:N with ends above 0{limit}'
        raise UnitError(msg)
    return low, high, span.count


def notes(sheet: Sheet, *, named: bool = False) -> None:
    """Print the warnings and notes of a sheet on stderr, with the name of the design if there are several."""
    name = f"{sheet.design.name}: " if named else ""
    for text in sheet.warnings:
        click.secho(f"warning: {name}{text}", err=True, fg="yellow")
    for text in sheet.notes:
        click.echo(f"note: {name}{text}", err=True)


def print_json(data: Any) -> None:
    """Print plain data as JSON (never NaN or Infinity)."""
    click.echo(json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> Any:
    """Turn NumPy's numbers into JSON's."""
    return value.item() if isinstance(value, np.generic) else str(value)


def warn(text: str) -> None:
    """Print a warning on stderr."""
    click.secho(f"warning: {text}", err=True, fg="yellow")


def number(value: Any) -> str:
    """Return a number with 4 digits as text, or a dash if it is undefined."""
    return f"{float(value):.4g}" if np.isfinite(value) else "–"


def sheet_table(sheets: Sequence[Sheet]) -> Any:
    """Return the sheets of one or several designs side by side."""
    from rich.text import Text

    table = columns("")
    for sheet in sheets:
        table.add_column(Text(sheet.design.name), justify="right", overflow="fold")
    table.add_column("")
    figures = [list(sheet.figures()) for sheet in sheets]
    group = ""
    defined = {figure.group for column in figures for figure in column if np.isfinite(figure.value).any()}
    for row in zip(*figures, strict=True):
        if row[0].group != group and row[0].group in defined:
            group = row[0].group
            if group != "thresholds":
                table.add_row()
            table.add_row(Text(HEADINGS[group], style="bold"))
            if group == "thresholds":
                for label, name in (("Composition", "composition"), ("Density", "density"), ("Loading", "loading")):
                    words = [Text(str(getattr(sheet.thresholds.regime, name))) for sheet in sheets]
                    table.add_row(Text(f"  Regime, {label.lower()}"), *words, "")
        if any(np.isfinite(figure.value) for figure in row):
            table.add_row(Text(f"  {row[0].label}"), *(f.text for f in row), Text(row[0].unit.label))
    table.add_row()
    table.add_row(Text("Mass", style="bold"))
    names = list(dict.fromkeys(name for sheet in sheets for name in sheet.mass_breakdown))
    for name in names:
        masses = [sheet.mass_breakdown.get(name, np.nan) * 1e3 for sheet in sheets]
        table.add_row(Text(f"  {name}"), *(number(mass) for mass in masses), "g")
    return table


def columns(*headings: str, right: Sequence[str] = (), fold: bool = False) -> Any:
    """Return an empty table for the terminal, in the one style of all commands.

    Parameters
    ----------
    *headings : str
        Of the columns.
    right : sequence of str
        Headings of the columns that are aligned on the right, as numbers are.
    fold : bool
        Whether long cells are wrapped instead of cut.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        overflow: Any = "fold" if fold else "ellipsis"
        table.add_column(heading, justify="right" if heading in right else "left", overflow=overflow)
    return table


def show(renderable: Any) -> None:
    """Print a table, wide enough not to be cut when the output is a file or a pipe."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=160)
    console.print(renderable)


def default_folder(path: str) -> Path:
    """Return the folder of a report when none is given: in the current folder, named after the design file."""
    return Path(f"{Path(path).stem}-report")


def check_folder(output: str | None) -> None:
    """Refuse a folder that cannot be written before the work is done for it."""
    if output == "":
        msg = "-o is given an empty name; give a folder"
        raise OutputError(msg)
    if output is not None:
        with staged_folder(output):
            pass
