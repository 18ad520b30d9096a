"""`solidstack literature`: list, show, plot, add."""

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar, get_args

import click

from .. import units
from ..errors import LiteratureError, UnitError
from ..literature import (
    BASES,
    NormalisedEnergy,
    PublishedCell,
    add,
    find,
    load,
    normalised,
    own_keys,
    read_measured,
)
from ..literature.energy import NAMES
from ..literature.schema import Family
from ..units import nearest, parse
from .common import columns, number, print_json, show, warn
from .menu import Menu

F = TypeVar("F", bound=Callable[..., Any])

SHOWN: dict[str, units.Unit] = {
    "active_share": units.WT_PERCENT,
    "coating_loading": units.MG_CM2,
    "active_loading": units.MG_CM2,
    "areal_capacity": units.MAH_CM2,
    "specific_capacity": units.MAH_G,
    "average_voltage": units.V,
    "membrane_thickness": units.UM,
    "membrane_loading": units.MG_CM2,
    "c_rate": units.ONE,
    "current_density": units.MA_CM2,
    "temperature": units.DEG_C,
    "pressure": units.MPA,
    "specific_energy": units.WH_KG,
}
"""Values of a row in JSON, and the unit of each, which is the suffix of its key."""

JSON_NAMES = {"active_share": "am", "specific_energy": "stated_specific_energy"}
"""Names in JSON that differ from those in the row: `am_wt_pct` as in the sheet of a design."""

SORTS: dict[str, str] = {
    "year": "",
    "key": "",
    "share": "active_share",
    "loading": "coating_loading",
    "active-loading": "active_loading",
    "capacity": "areal_capacity",
    "energy": "",
}


def _basis_options(function: F) -> F:
    """Add the options of the normalised specific energy."""
    for option in (
        click.option(
            "--membrane",
            metavar="THICKNESS",
            help='For cells whose membrane is not stated, as in --membrane "30 um"; else they have no specific energy.',
        ),
        click.option(
            "--library-voltage",
            is_flag=True,
            help="For cells whose voltage is not stated, use the active material's against lithium from the material "
            "library; else they have no specific energy.",
        ),
        click.option(
            "--basis",
            type=click.Choice(list(BASES)),
            default="coating-membrane",
            show_default=True,
            help="Mass that the specific energy is over.",
        ),
    ):
        function = option(function)
    return function


def _thickness(membrane: str | None) -> float | None:
    return None if membrane is None else _parsed(membrane)


def _parsed(membrane: str) -> float:
    try:
        value = parse(membrane, units.THICKNESS)
    except UnitError as reason:
        msg = f"--membrane: {reason}"
        raise LiteratureError(msg) from None
    if not (0.0 < value <= 1e-2):
        msg = f'--membrane: "{membrane}" is out of bounds; it must be above 0 um and at most 10 mm'
        raise LiteratureError(msg)
    return value


@click.group("literature", cls=Menu, invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Published solid-state cells: list them, plot designs among them, or add your own rows.

    Every value is marked as stated, derived or read from a figure, with where it was read. Your own rows are files or
    folders named in the environment variable SOLIDSTACK_LITERATURE, and those that "add" has copied to your data
    folder; they replace shipped ones of the same key.

    \b
    Examples:
      solidstack literature list --sort energy
      solidstack literature show lee-2020
      solidstack literature plot my-cell.toml -o literature.png
      solidstack literature add my-cells.toml
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_cells)


@command.command("list")
@click.option("--family", type=click.Choice(get_args(Family)), help="Only cells with this electrolyte in the positive.")
@click.option("--sort", type=click.Choice(list(SORTS)), default="year", show_default=True, help="Largest last.")
@_basis_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the origin of every value.")
def list_cells(
    family: str | None = None,
    sort: str = "year",
    basis: Any = "coating-membrane",
    library_voltage: bool = False,
    membrane: str | None = None,
    as_json: bool = False,
) -> None:
    """List the published cells with loading, share of active material, capacity and normalised specific energy.

    Values that follow from others in the row are marked ', those read from a figure ~. A dash is a gap.

    \b
    Example:
      solidstack literature list --family sulfide --sort capacity
    """
    thickness = _thickness(membrane)
    rows = [
        (cell, normalised(cell, basis, library_voltage=library_voltage, membrane_thickness=thickness))
        for cell in load()
        if family is None or cell.family == family
    ]
    rows = sorted(rows, key=lambda row: _order(row, sort))
    own = own_keys()
    if as_json:
        print_json([as_data(cell, energy, own=cell.key in own) for cell, energy in rows])
        return
    show(_table(rows, own))
    finite = sum(math.isfinite(energy.value) for _, energy in rows)
    click.echo(f"{len(rows)} cells, {finite} with a specific energy over {BASES[basis]}")
    if any(energy.assumed and math.isfinite(energy.value) for _, energy in rows):
        click.echo("* with the voltage of the material library, against lithium")


def _table(rows: Sequence[tuple[PublishedCell, NormalisedEnergy]], own: Collection[str]) -> Any:
    from rich.text import Text

    numbers = ("Active\nwt%", "Coating\nmg cm⁻²", "Capacity\nmAh cm⁻²", "mAh g⁻¹", "Normalised\nWh kg⁻¹")
    table = columns("Key", "Electrolyte", *numbers, "Cell", "DOI", right=numbers, fold=True)
    for cell, energy in rows:
        names = ("active_share", "coating_loading", "areal_capacity", "specific_capacity")
        mark = "*" if energy.assumed and math.isfinite(energy.value) else ""
        table.add_row(
            cell.key,
            cell.family,
            *(_cell_text(cell, name) for name in names),
            number(units.WH_KG.of(energy.value)) + mark,
            Text(cell.title + (" (your own)" if cell.key in own else "")),
            cell.doi,
        )
    return table


def _order(row: tuple[PublishedCell, NormalisedEnergy], sort: str) -> tuple[Any, ...]:
    """Sort by a value, gaps first, then by year and key."""
    cell, energy = row
    if sort == "key":
        return (cell.key,)
    value: float = 0.0
    if sort == "energy":
        value = energy.value if math.isfinite(energy.value) else -1.0
    elif SORTS[sort]:
        known = find(cell, SORTS[sort])
        value = -1.0 if known is None else known.value
    return value, cell.year, cell.key


def _cell_text(cell: PublishedCell, name: str) -> str:
    known = find(cell, name)
    if known is None:
        return "–"
    mark = {"derived": "'", "figure": "~"}.get(known.origin, "")
    return f"{known.kind.shown.of(known.value):.4g}{mark}"


def as_data(cell: PublishedCell, energy: NormalisedEnergy, *, own: bool) -> dict[str, Any]:
    """Return a row as plain data: values in the unit of the key's suffix, null if unknown, and their origins."""
    data: dict[str, Any] = {
        "key": cell.key,
        "doi": cell.doi,
        "year": cell.year,
        "authors": cell.authors,
        "title": cell.title,
        "family": cell.family,
        "active_material": cell.active_material,
        "catholyte": cell.catholyte,
        "membrane": cell.membrane,
        "negative": cell.negative,
        "own": own,
    }
    origins: dict[str, Any] = {}
    for name, unit in SHOWN.items():
        key = JSON_NAMES.get(name, name) + (f"_{unit.suffix}" if unit.suffix else "")
        known = find(cell, name)
        data[key] = None if known is None else unit.of(known.value)
        if known is not None:
            origins[key] = {"origin": known.origin, "how": known.how}
    if cell.specific_energy is not None:
        data["stated_specific_energy_basis"] = cell.specific_energy.basis
    data["normalised"] = {
        "basis": energy.basis,
        "specific_energy_Wh_kg": units.WH_KG.of(energy.value) if math.isfinite(energy.value) else None,
        "inputs": [
            {"name": known.name, "value": known.text(), "origin": known.origin, "how": known.how}
            for known in energy.inputs
        ],
        "missing": list(energy.missing),
        "notes": list(energy.notes),
    }
    data["origins"] = origins
    data["source"] = {"reading": cell.reading, "read_at": cell.read_at, "evidence": cell.evidence}
    return data


@command.command("show")
@click.argument("key")
@_basis_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_cell(key: str, basis: Any, library_voltage: bool, membrane: str | None, as_json: bool) -> None:
    """Show every value of cell KEY with its origin, and how the normalised specific energy is computed.

    \b
    Example:
      solidstack literature show nat-commun-2024 --basis with-electrodes
    """
    cells = {cell.key: cell for cell in load()}
    cell = cells.get(key)
    if cell is None:
        close = nearest(key, list(cells))
        hint = f"did you mean {close}?" if close else 'see "solidstack literature list"'
        msg = f'there is no published cell "{key}"; {hint}'
        raise LiteratureError(msg)
    energy = normalised(cell, basis, library_voltage=library_voltage, membrane_thickness=_thickness(membrane))
    if as_json:
        print_json(as_data(cell, energy, own=key in own_keys()))
        return
    from rich.text import Text

    click.secho(f"{cell.label}: {cell.title}" if cell.authors else cell.label, bold=True)
    click.echo(f"{cell.active_material} with {cell.catholyte} | {cell.membrane} | {cell.negative}")
    click.echo(f"{cell.url}, read ({cell.reading}) at {cell.read_at}")
    click.echo(cell.evidence)
    table = columns("Value", "", "Origin", "Where, or how", fold=True)
    for name in NAMES:
        known = find(cell, name)
        if known is not None:
            table.add_row(NAMES[name], known.text(), known.origin, Text(known.how))
    show(table)
    if cell.specific_energy is not None:
        click.echo(f"the specific energy in the source is over {cell.specific_energy.basis}")
    if energy.missing:
        click.echo(f"over {BASES[basis]}: no specific energy, because {'; '.join(energy.missing)}")
    else:
        click.echo(f"over {BASES[basis]}: {units.WH_KG.of(energy.value):.4g} Wh/kg")
        for known in energy.inputs:
            click.echo(f"  {known.name.replace('_', ' ')} {known.text()} ({known.origin}: {known.how})")
    for note in energy.notes:
        click.echo(f"  note: {note}")


@command.command("plot")
@click.argument("designs", nargs=-1, metavar="[DESIGN]...")
@click.option("-o", "output", metavar="FILE", default="literature.png", show_default=True, help="PNG, SVG or PDF.")
@click.option(
    "--measured",
    metavar="CSV",
    help="Table of your measured cells: name, active share (wt%), loading (mg/cm^2), areal capacity (mAh/cm^2) and, "
    "if known, specific energy (Wh/kg) over positive coating and membrane.",
)
@click.option("--family", type=click.Choice(get_args(Family)), help="Only cells with this electrolyte in the positive.")
@_basis_options
def plot_cells(
    designs: Sequence[str],
    output: str,
    measured: str | None,
    family: str | None,
    basis: Any,
    library_voltage: bool,
    membrane: str | None,
) -> None:
    """Draw loading over share of active material for the published cells, your designs and measured cells.

    The area of a mark is its areal capacity, its colour the normalised specific energy, its shape the electrolyte;
    lines join equal loadings of active material.

    \b
    Example:
      solidstack literature plot my-cell.toml --library-voltage -o literature.pdf
    """
    from ..design import load as load_design
    from ..plot.literature import draw_literature, points
    from ..plot.style import save
    from ..sheet import evaluate

    thickness = _thickness(membrane)
    sheets = []
    for path in designs:
        design = load_design(path)
        if not design.is_single:
            msg = "is an array of designs; give a file for each design"
            raise LiteratureError(msg, source=path)
        sheets.append(evaluate(design))
    crosses = () if measured is None else read_measured(measured)
    cells = [cell for cell in load() if family is None or cell.family == family]
    figure = draw_literature(
        cells, sheets, crosses, basis=basis, library_voltage=library_voltage, membrane_thickness=thickness
    )
    place = save(figure, output)
    drawn = len(points(cells))
    click.echo(f"{drawn} published cells, {len(sheets)} designs, {len(crosses)} measured cells: {place}")
    if drawn < len(cells):
        warn(f"{len(cells) - drawn} of {len(cells)} published cells have no active-material share or loading")


@command.command("add")
@click.argument("file")
def add_cells(file: str) -> None:
    """Check the rows of FILE as strictly as the shipped ones, and copy it to your data folder.

    \b
    Example:
      solidstack literature add my-cells.toml
    """
    from ..literature import shipped

    keys = {cell.key for cell in shipped()}
    cells, place, replaced = add(file)
    click.echo(f"{len(cells)} cell{'s' if len(cells) > 1 else ''} {'replaced' if replaced else 'added'}: {place}")
    for cell in cells:
        click.echo(f"  {cell.key}: {cell.title}")
        if cell.key in keys:
            warn(f"{cell.key} replaces the shipped cell of that key")
