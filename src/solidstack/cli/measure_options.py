"""Options that the measurement commands share: the files, the sample, and what to do with the result."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .. import units
from ..errors import InputError, MeasurementError
from .common import check_folder
from .progress import shown_progress

if TYPE_CHECKING:
    from ..measure.records import Record

F = TypeVar("F", bound=Callable[..., Any])
SAMPLE_OPTIONS = {
    "area": (units.AREA, 'Of the electrode, as in "1.13 cm^2"; default: what the file says.'),
    "thickness": (units.THICKNESS, 'Of the electrolyte between the electrodes, as in "100 um".'),
    "mass": (units.MASS, 'Of the active material, as in "12.3 mg".'),
    "temperature": (units.TEMPERATURE, 'Of the cell, as in "25 degC".'),
}


class Quantity(click.ParamType):  # type: ignore[type-arg]
    """Text with a unit, to SI."""

    def __init__(self, kind: units.Kind) -> None:
        self.kind, self.name = kind, kind.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ARG002
        """Read a quantity."""
        if not isinstance(value, str):
            return float(value)
        try:
            return units.parse(value, self.kind)
        except InputError as error:
            msg = f"{param.opts[0] if param else ''}: {error}"
            raise MeasurementError(msg) from None


def quantity(name: str, kind: units.Kind, words: str) -> Callable[[F], F]:
    """Add an option that is a quantity with its unit."""
    return click.option(name, type=Quantity(kind), metavar="QUANTITY", help=words)


def measurement(*sample: str, files: bool = True) -> Callable[[F], F]:
    """Add the files, the sample, how to read them, and what to do with the result."""

    def decorate(function: F) -> F:
        decorators: list[Callable[[Any], Any]] = [quantity(f"--{name}", *SAMPLE_OPTIONS[name]) for name in sample]
        if files:
            decorators.append(
                click.option(
                    "--column", "columns", metavar="OURS=THEIRS", multiple=True,
                    help='Name a column of the file, as in --column "voltage=U/mV". May be repeated.',
                )
            )  # fmt: skip
        decorators += [
            click.option("-o", "--output", metavar="DIR", help="Page (HTML, PDF), figure, data."),
            click.option("--save-material", metavar="NAME", help="Put the values into this material of your library."),
            click.option("--based-on", metavar="NAME", help="Known material that a new one starts from."),
            click.option("--role", help="Of a new material, as in solid-electrolyte."),
            quantity("--density", units.DENSITY, "True density of a new material."),
            click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        ]

        @functools.wraps(function)
        def checked(**options: Any) -> Any:
            """Refuse what cannot be written before the work is done."""
            check_folder(options["output"])
            unused = [
                f"--{key.replace('_', '-')}" for key in ("based_on", "role", "density") if options[key] is not None
            ]
            if unused and options["save_material"] is None:
                msg = f"{' and '.join(unused)}: for a new material; give --save-material NAME too"
                raise MeasurementError(msg)
            return function(**options)

        wrapped: Any = checked
        for decorator in reversed(decorators):
            wrapped = decorator(wrapped)
        done: F = click.argument("files", metavar="FILES...", nargs=-1, required=True)(wrapped)
        return done

    return decorate


def read(files: Sequence[str], options: Mapping[str, Any]) -> list["Record"]:
    """Read the files, with what the options say of the sample and of the columns."""
    from ..measure.readers import read as read_file

    columns = {}
    for text in options.get("columns", ()):
        ours, equals, theirs = text.partition("=")
        if not equals or not ours.strip() or not theirs.strip():
            msg = f'--column "{text}" is not OURS=THEIRS, as in --column "voltage=U/mV"'
            raise MeasurementError(msg)
        columns[ours.strip()] = theirs.strip()
    sample = {name: options[name] for name in SAMPLE_OPTIONS if options.get(name) is not None}
    with shown_progress() as progress:
        return [read_file(path, columns=columns or None, progress=progress).with_sample(**sample) for path in files]


def only_file(files: Sequence[str], kind: str) -> None:
    """Refuse several files for an analysis of one."""
    if len(files) != 1:
        msg = f"measure {kind} takes one file; {len(files)} were given"
        raise MeasurementError(msg)
