"""What the measurement commands write and print: tables, JSON, figures, pages, materials."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .common import print_json, show, warn

if TYPE_CHECKING:
    from ..measure.result import Result

ROWS, COLUMNS = 20, 8
"""Of a table on the terminal."""


def finish(results: Sequence["Result"], draw: Callable[[Any], Any], options: Mapping[str, Any], caption: str) -> None:
    """Write, save and print results, each with its figure."""
    from ..report import write_measurement

    folder, paths = options["output"], list[Path]()
    if folder is not None:
        for place, result in zip(_folders(folder, results), results, strict=True):
            paths += write_measurement(result, draw(result), place, caption=caption)
    saved = _save(results, options)
    if options["as_json"]:
        data = [result.to_dict() for result in results]
        print_json(data[0] if len(data) == 1 else data)
    else:
        for result in results:
            _show(result)
        for path in paths:
            if path.suffix in (".html", ".pdf", ".png"):
                click.echo(str(path))
    if saved:
        click.echo(saved, err=options["as_json"])


def _folders(folder: str, results: Sequence["Result"]) -> list[Path]:
    """A folder for each of several results, by file and number."""
    if len(results) == 1:
        return [Path(folder)]
    digits = len(str(len(results)))
    return [
        Path(folder) / f"{at:0{digits}d}-{Path(result.records[0].source).stem if result.records else result.kind}"
        for at, result in enumerate(results, 1)
    ]


def _save(results: Sequence["Result"], options: Mapping[str, Any]) -> str:
    name = options["save_material"]
    if name is None:
        return ""
    from ..measure.material import save_material

    place, found = save_material(
        results, name, based_on=options["based_on"], role=options["role"], density=options["density"]
    )
    return f"{name}: {', '.join(key.replace('_', ' ') for key in found)} saved in {place}"


def _show(result: "Result") -> None:
    """Print values with their intervals, the window, tables that fit, and the warnings on stderr."""
    from rich.table import Table
    from rich.text import Text

    from ..measure.result import words

    sources = list(dict.fromkeys(record.name for record in result.records))
    click.secho(f"{', '.join(sources) or 'values given'}: {result.model}", bold=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, side in (("", "left"), ("value", "right"), ("95 % interval", "right"), ("", "left")):
        table.add_column(heading, justify=side)  # type: ignore[arg-type]
    for fitted in result.values.values():
        table.add_row(Text(fitted.label), *fitted.cells())
    show(table)
    for key, value in result.window.items():
        click.echo(f"{key.replace('_', ' ')}: {words(value)}")
    for series in result.series.values():
        rows = series.rows()
        if not rows:
            continue
        click.echo()
        click.secho(series.title, bold=True)
        grid = Table(box=None, pad_edge=False, header_style="bold")
        headings = series.headings()
        for heading in headings[:COLUMNS]:
            grid.add_column(heading, justify="right")
        for row in rows[:ROWS]:
            grid.add_row(*(Text(words(value)) for value in [*row.values()][:COLUMNS]))
        show(grid)
        if len(rows) > ROWS or len(headings) > COLUMNS:
            click.echo(f"... {len(rows)} rows of {len(headings)} columns; -o and --json give all of them")
    for text in result.to_dict()["warnings"]:
        warn(text)


def drawn_by(module: str, name: str) -> Callable[[Any], Any]:
    """Find a figure when it is drawn."""
    from importlib import import_module

    return lambda result: getattr(import_module(f"..plot.{module}", __package__), name)(result)


CAPTIONS = {
    "eis": "Impedance and the fitted circuit; points that were cut are drawn open. Residuals of the fit and of the "
    "Kramers-Kronig check; distribution of relaxation times.",
    "over-time": "Spectra one after the other, from dark to bright, and their resistances with 95 % intervals.",
    "arrhenius": "Conductivity over inverse temperature, with the fitted line and its 95 % band.",
    "transference": "Current at constant voltage, its beginning and its steady state.",
    "lsv": "Current density over potential, with the onsets.",
    "cv": "Current density over potential, with peaks and baselines.",
    "symmetric": "Voltage and current of the symmetric cell, and what was read from them.",
    "gitt": "Voltage over time with the pulses found, and diffusivity over voltage; doubtful pulses are open.",
    "cycling": "Voltage over capacity, capacity and efficiency over cycles, differential capacity.",
    "achieved": "Measured, simulated and designed discharge, and what makes the difference in specific energy.",
    "particle-size": "Distribution of particle sizes by volume, with the fitted log-normal distribution.",
    "modulus": "Stress over strain, with the part that the modulus is from.",
}
