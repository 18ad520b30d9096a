"""`solidstack twin measure|export|picture`: the phases of a structure, and files of it."""

from typing import Any

import click

from ..twin.structure import formats
from ..twin.structure.metrics import measure
from .common import json_option, located, number, phases_option, print_json, show, voxel_option


@click.command("measure")
@click.argument("file")
@click.option("--sizes/--no-sizes", default=True, help="Size distributions too, which take most of the time.")
@voxel_option
@phases_option
@json_option
def measure_command(file: str, sizes: bool, voxel: str | None, phases: str | None, as_json: bool) -> None:
    """Measure the phases of FILE: connected and isolated shares, interfaces, coverage, chords, sizes.

    \b
    Example:
      solidstack twin measure electrode.zarr --json
    """
    with located(file):
        metrics = measure(formats.read(file, voxel=voxel, phases=phases), sizes=sizes).to_dict()
    if as_json:
        print_json(metrics)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for label, value in _flat(metrics):
        table.add_row(Text(label), Text("–" if value is None else number(value)))
    show(table)


@click.command("export")
@click.argument("file")
@click.argument("output")
@click.option("--phase", metavar="NAME", help="Whose surface, for .stl.")
@voxel_option
@phases_option
def export_command(file: str, output: str, phase: str | None, voxel: str | None, phases: str | None) -> None:
    """Write FILE for other programs: .tif (OME), .vti (ParaView), .npy, .stl of a phase; or as .zarr, .npz.

    \b
    Example:
      solidstack twin export electrode.zarr electrode.vti
    """
    formats.check_ending(output, phase=phase)
    with located(file):
        structure = formats.read(file, voxel=voxel, phases=phases)
    click.echo(str(formats.write(structure, output, phase=phase)))


@click.command("picture")
@click.argument("file")
@click.argument("output")
@click.option("--slices", "flat", is_flag=True, help="Three orthogonal slices in place of the 3D view.")
@click.option("--phase", "shown", metavar="NAME", multiple=True, help="Draw this phase only. May be repeated.")
@click.option("--whole", is_flag=True, help="Without the corner cut out.")
@voxel_option
@phases_option
def picture_command(
    file: str, output: str, flat: bool, shown: tuple[str, ...], whole: bool, voxel: str | None, phases: str | None
) -> None:
    """Draw FILE in 3D, or as slices, without a screen: .png, .svg or .pdf.

    \b
    Example:
      solidstack twin picture electrode.zarr electrode.png
    """
    from ..plot import save
    from ..plot.structure import render, slices

    with located(file):
        structure = formats.read(file, voxel=voxel, phases=phases)
        if flat:
            save(slices(structure), output)
        else:
            render(structure, output, phases=shown or None, cut=not whole)
    click.echo(output)


def _flat(data: Any, path: str = "") -> list[tuple[str, Any]]:
    if not isinstance(data, dict):
        return [(path, data)]
    return [row for key, value in data.items() for row in _flat(value, f"{path} {key}".strip())]
