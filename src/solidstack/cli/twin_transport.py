"""`solidstack twin transport`: the effective conductivity of a structure."""

import math
from collections.abc import Sequence
from typing import Any

import click

from .. import units
from ..errors import OutputError, StructureError
from ..twin.conduction import DEVICES, LATERAL, MOST_ITERATIONS, TOLERANCE, Transport, save_field, transport
from ..twin.contacts import Contact, divided
from ..twin.structure import formats
from ..twin.structure.voxels import AXES
from .common import json_option, located, number, phases_option, print_json, show, voxel_option, warn
from .progress import shown_progress


@click.command("transport")
@click.argument("file")
@click.option(
    "--conductivity",
    "conductivities",
    metavar="LABEL=VALUE",
    multiple=True,
    help='Conductivity of a phase, by label or name, in S/m or with a unit, as in --conductivity SPE="1 mS/cm". '
    "May be repeated; phases not named do not conduct. Default: the ionic ones stored in FILE.",
)
@click.option("--electronic", is_flag=True, help="Use the electronic conductivities stored in FILE.")
@click.option(
    "--contact",
    "contacts",
    metavar="A:B=VALUE",
    multiple=True,
    help="Conductance per area between two phases, in S/m^2, or between the grains of one (SPE:SPE=1e4). Repeatable.",
)
@click.option("--grains", metavar="LENGTH", help="Divide the volume into grains of this diameter, for --contact A:A.")
@click.option("--direction", type=click.Choice([*AXES, "all"]), default="all", show_default=True)
@click.option("--tolerance", type=float, default=TOLERANCE, show_default=True, help="Of the flux, relative.")
@click.option("--most-iterations", type=click.IntRange(1), default=MOST_ITERATIONS, show_default=True)
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True)
@click.option("--lateral", type=click.Choice(LATERAL), default="auto", show_default=True, help="Faces beside the flow.")
@click.option("--field", metavar="FILE", help="Write the potential (.vti, .zarr or .npz); needs one --direction.")
@voxel_option
@phases_option
@json_option
def transport_command(
    file: str,
    conductivities: tuple[str, ...],
    electronic: bool,
    contacts: tuple[str, ...],
    grains: str | None,
    direction: str,
    tolerance: float,
    most_iterations: int,
    device: str,
    lateral: str,
    field: str | None,
    voxel: str | None,
    phases: str | None,
    as_json: bool,
) -> int:
    """Solve for the effective conductivity and tortuosity factor of FILE: a structure, .npy, .tif or .vti.

    x is axis 0 of the array, through the plane. The tortuosity factor is the volume fraction of the most conducting
    phase over the relative conductivity.

    \b
    Examples:
      solidstack twin transport electrode.zarr
      solidstack twin transport image.tif --voxel "0.4 um" --conductivity 0=1 --direction x
    """
    if field is not None and direction == "all":
        msg = "--field holds one direction; add --direction x, y or z"
        raise OutputError(msg)
    if field is not None:
        formats.check_field_ending(field)
    with located(file), shown_progress() as progress:
        structure = formats.read(file, voxel=voxel, phases=phases)
        result = transport(
            structure,
            _conductivities(conductivities) if conductivities else ("electronic" if electronic else "ionic"),
            direction=direction,
            tolerance=tolerance,
            device=device,
            lateral=lateral,
            keep_potential=field is not None,
            must_converge=False,  # the result is shown, and the exit code is 1
            most_iterations=most_iterations,
            contacts=[_contact(text) for text in contacts],
            grains=None if grains is None else divided(structure, float(units.parse(grains, units.THICKNESS))),
            progress=progress,
        )
    if field is not None:
        save_field(structure, result, field)
    for name, conduction in result.directions.items():
        if not conduction.percolates or not conduction.converged:
            warn(f"{name}: {conduction.end_reason}")
    code = 0 if all(conduction.converged for conduction in result.directions.values()) else 1
    if as_json:
        print_json(result.to_dict())
        return code
    _show_transport(result)
    if field is not None:
        click.echo(field)
    return code


def _contact(text: str) -> Contact:
    pair, equals, value = text.rpartition("=")
    first, colon, second = pair.partition(":")
    try:
        number = float(value.removesuffix("S/m^2"))
    except ValueError:
        number = math.nan
    if not (equals and colon and first.strip() and second.strip()) or math.isnan(number):
        msg = f'--contact "{text}" is not A:B=VALUE, as in --contact SPE:SPE=1e4 or NCM622:SPE="200 S/m^2"'
        raise StructureError(msg)
    return Contact(first.strip(), second.strip(), number)


def _conductivities(conductivities: Sequence[str]) -> dict[str, float]:
    values: dict[str, float] = {}
    for item in conductivities:
        name, equals, value = item.rpartition("=")
        if not equals or not name.strip():
            msg = f'--conductivity "{item}" is not LABEL=VALUE, as in --conductivity 1=0.5 or SPE="1 mS/cm"'
            raise StructureError(msg)
        if name.strip() in values:
            msg = f'--conductivity names "{name.strip()}" twice; give one value'
            raise StructureError(msg)
        try:
            values[name.strip()] = float(value)
        except ValueError:
            parsed: Any = units.parse(value, units.CONDUCTIVITY)
            values[name.strip()] = float(parsed)
    return values


def _show_transport(result: Transport) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (
        "", "S/m", "relative", "tortuosity factor", "conducting, vol%", "connected", "iterations", "flux imbalance", "s"
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for name, conduction in result.directions.items():
        factor = "–" if conduction.tortuosity_factor is None else number(conduction.tortuosity_factor)
        table.add_row(
            name,
            number(conduction.conductivity),
            number(conduction.relative_conductivity),
            factor,
            f"{100 * conduction.conducting_fraction:.2f}",
            f"{100 * conduction.connected_fraction:.2f}",
            str(conduction.iterations),
            f"{conduction.flux_imbalance:.1e}",
            f"{conduction.seconds:.2f}",
        )
    show(table)
    used = ", ".join(f"{name} {value:.4g} S/m" for name, value in result.phase_conductivity.items())
    first = next(iter(result.directions.values()))
    click.echo(f"phases: {used}; device {first.device}, {first.peak_bytes_per_voxel:.0f} bytes per voxel")
