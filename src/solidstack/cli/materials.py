"""`solidstack materials`: list, show, add."""

import json
from typing import Any

import click

from .. import units
from ..materials import (
    Conductivity,
    Diffusivity,
    Entry,
    ExchangeCurrentDensity,
    Material,
    OpenCircuitPotential,
    VoltageWindow,
    add,
    default_library,
)
from ..quantities import measures
from .common import columns, show
from .menu import Menu


@click.group("materials", cls=Menu, invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """List the materials, show a material, or add your own.

    Your own materials are files or folders named in the environment variable SOLIDSTACK_MATERIALS, and those that
    "add" has copied to your data folder. They replace shipped ones of the same name.

    \b
    Examples:
      solidstack materials list
      solidstack materials show SPE
      solidstack materials add my-electrolyte.toml
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_materials)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_materials(as_json: bool) -> None:
    """List the materials with role, density and the main properties for the role.

    \b
    Example:
      solidstack materials list
    """
    library = default_library()
    rows = [(library[name], library.is_shipped(name)) for name in library]
    if as_json:
        data = [
            {"name": m.name, "role": m.role, "shipped": shipped, "file": library.source(m.name)} for m, shipped in rows
        ]
        click.echo(json.dumps(data, indent=2))
        return
    table = columns("Name", "Role", "Density, g cm⁻³", "", "")
    for material, shipped in sorted(rows, key=lambda row: (row[0].role, row[0].name.casefold())):
        density = material.default("density").value / 1e3
        table.add_row(material.name, material.role, f"{density:.3g}", _gist(material), "" if shipped else "your own")
    show(table)
    _note_shadows()


@command.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_material(name: str, as_json: bool) -> None:
    """Show every value of material NAME with unit, quality and source; * marks the default.

    \b
    Example:
      solidstack materials show SPE
    """
    library = default_library()
    material = library[name]
    if as_json:
        click.echo(json.dumps(material.model_dump(mode="json", exclude_none=True), indent=2, ensure_ascii=False))
        return
    from rich.text import Text

    head = f"{material.name}: {material.role}" + (f", {material.formula}" if material.formula else "")
    click.secho(head, bold=True)
    if material.aliases:
        click.echo(f"also called {', '.join(material.aliases)}")
    if material.note:
        click.echo(material.note)
    click.echo(f"file: {library.source(name)}")
    table = columns("Property", "", "Value", "Quality", "Source", fold=True)
    for key in Material.model_fields:
        entries = getattr(material, key)
        if not (isinstance(entries, tuple) and entries and isinstance(entries[0], Entry)):
            continue
        for index, entry in enumerate(entries):
            mark = "*" if entry is material.default(key) else ""
            source = entry.source + (f" ({entry.note})" if entry.note else "")
            label = key.replace("_", " ") if index == 0 else ""
            table.add_row(label, mark, Text(_value(entry)), entry.quality, Text(source))
    show(table)
    spread = material.conductivity_spread
    if spread is not None:
        click.echo(
            f"conductivity over {spread.count:g} samples at room temperature: median {_shown(spread, 'median')}, "
            f"{_shown(spread, 'low')} to {_shown(spread, 'high')}, {spread.decades:.2g} decades "
            f"(standard deviation of log10); {spread.source}" + (f" ({spread.note})" if spread.note else "")
        )
    _note_shadows(material.name)


@command.command("add")
@click.argument("file")
def add_material(file: str) -> None:
    """Check material FILE, or all of a folder, as strictly as the shipped ones, and copy it to your data folder.

    \b
    Example:
      solidstack materials add my-electrolyte.toml
    """
    for material, place, replaced in add(file):
        what = "replaced" if replaced else "added"
        click.echo(f"{material.name} ({material.role}) {what}: {place}")
        _note_shadows(material.name)


def _note_shadows(name: str | None = None) -> None:
    for shadowed, path in default_library().shadowed().items():
        if name is None or shadowed == name:
            click.secho(f"note: your {shadowed} ({path}) replaces the shipped one", err=True, fg="yellow")


def _shown(table: Any, name: str) -> str:
    measure = next(iter(measures(type(table).model_fields[name])))
    return str(measure.write(getattr(table, name)))


def _value(entry: Any) -> str:
    if isinstance(entry, VoltageWindow):
        return f"{_shown(entry, 'lower')} to {_shown(entry, 'upper')}"
    curve = getattr(entry, "curve", None)
    text = "" if getattr(entry, "value", None) is None else _shown(entry, "value")
    if curve is not None:
        low, high = (_in_unit(entry, float(curve(x, entry.temperature))) for x in (curve.low, curve.high))
        text = "; ".join(filter(None, (text, f"{low} to {high} ({curve.words()})")))
    if hasattr(entry, "temperature"):
        text += f" at {_shown(entry, 'temperature')}"
    if getattr(entry, "activation_energy", None) is not None:
        text += f", Ea {_shown(entry, 'activation_energy')}"
        text += f" ({entry.arrhenius})" if isinstance(entry, Conductivity) else ""
    if isinstance(entry, ExchangeCurrentDensity):
        text += f", a = {entry.transfer_coefficient:g}"
    if isinstance(entry, OpenCircuitPotential):
        if entry.entropic_coefficient is not None:
            text += f", dU/dT {_shown(entry, 'entropic_coefficient')}"
        if entry.entropic_table is not None:
            text += f", dU/dT of {len(entry.entropic_table)} points"
    if isinstance(entry, Conductivity):
        text += f"; {entry.range_text()}"
    if entry.uncertainty is not None:
        text += f"; ± {100.0 * entry.uncertainty:.2g} % (95 % interval)"
    return text


def _in_unit(entry: Entry, value: float) -> str:
    """Return a value of an entry's curve as text in the unit in which the entry is shown."""
    kinds: dict[type[Entry], units.Kind] = {OpenCircuitPotential: units.VOLTAGE, Diffusivity: units.DIFFUSIVITY}
    kind = kinds.get(type(entry), units.CONDUCTIVITY)
    return f"{kind.shown.of(value):.3g} {kind.shown.symbol}"


def _gist(material: Material) -> str:
    """Return the main properties for the role."""
    entries = [material.default(key) for key in ("specific_capacity", "average_voltage", "ionic_conductivity")]
    return ", ".join(_shown(entry, "value") for entry in entries if entry is not None)
