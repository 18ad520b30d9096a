"""`solidstack twin build`: a structure from a design."""

import re
from pathlib import Path
from typing import Any

import click

from .. import units
from ..errors import StructureError
from ..files import staged_folder
from ..twin.structure import formats
from ..twin.structure.additives import AtSurfaces, Dispersed
from ..twin.structure.build import build
from ..twin.structure.build_report import BuildReport
from ..twin.structure.coating import Necks, Particles, Placement, Shell
from ..twin.structure.packing import read_size_table
from ..twin.structure.uneven import Uneven
from ..twin.structure.voxels import AXES
from .common import changes_option, json_option, load_changed, located, number, print_json, show, warn
from .progress import shown_progress


@click.command("build")
@click.argument("design")
@click.option("--size", metavar="LENGTH", help='Edge in the plane, as in "40 um".')
@click.option("--voxel", metavar="LENGTH", help='Edge of a voxel, as in "0.1 um".')
@click.option("--thickness", metavar="LENGTH", help="Through the plane; default: that of the coating.")
@click.option("--seed", type=int, help="Same seed, same structure.")
@click.option("--arrangement", type=click.Choice(["random", "close-packed"]))
@click.option("--pressing", type=click.Choice(["isostatic", "uniaxial"]), help="From the percolation threshold on.")
@click.option("--sizes", metavar="FILE", help="Particle sizes as a laser-diffraction table (CSV).")
@click.option("--electrolyte", metavar="HOW", help='shell, necks, "particles 2 um", or "uneven 80 % 3 um".')
@click.option("--additive", metavar="HOW", help='Carbon, with its cluster size: "surfaces 0.8 um", "dispersed 0.5 um".')
@click.option("-o", "--output", metavar="FILE", help=".zarr or .npz; .tif, .vti, .npy for other programs.")
@click.option("--picture", metavar="FILE", help="3D view (.png, .svg, .pdf).")
@changes_option
@json_option
def build_command(
    design: str,
    size: str | None,
    voxel: str | None,
    thickness: str | None,
    seed: int | None,
    arrangement: str | None,
    pressing: str | None,
    sizes: str | None,
    electrolyte: str | None,
    additive: str | None,
    output: str | None,
    picture: str | None,
    changes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Build the positive electrode of DESIGN from voxels; report the target and the result for each phase.

    Without --size and --voxel: voxels half as thick as the solid electrolyte's film, as many as a few million.
    The [twin] table of the design holds all defaults.

    \b
    Example:
      solidstack twin build my-cell.toml --size 40um --voxel 0.2um -o electrode.zarr --picture it.png
    """
    check_output(output)
    loaded = load_changed(design, changes)
    with located(design), shown_progress() as progress:
        structure = build(
            loaded,
            size=size,
            voxel=voxel,
            thickness=thickness,
            seed=seed,
            arrangement=arrangement,
            pressing=pressing,
            sizes=None if sizes is None else read_size_table(sizes),
            electrolyte=None if electrolyte is None else _electrolyte(electrolyte),
            additive=None if additive is None else _additive(additive),
            progress=progress,
        )
    report = BuildReport(structure)
    if output is not None:
        formats.write(structure, output)
    if picture is not None:
        from ..plot.structure import render

        render(structure, picture)
    data = report.to_dict()
    for text in report.warnings:
        warn(text)
    if as_json:
        print_json(data)
        return
    _show_build(data)
    for path in (output, picture):
        if path is not None:
            click.echo(path)


def check_output(path: str | None) -> None:
    """Refuse a path that cannot be written before the work is done."""
    if path is not None:
        formats.check_ending(path)
        with staged_folder(Path(path).resolve().parent):
            pass


def _words(text: str) -> tuple[str, float | None]:
    """Split a placement and its length, as in ``particles 2 um``."""
    way, _, length = text.strip().partition(" ")
    return way, units.parse(length, units.THICKNESS) if length.strip() else None


def _electrolyte(text: str) -> Placement:
    uneven = re.fullmatch(r"\s*uneven\s+([\d.]+\s*%)\s*(.*)", text)
    if uneven is not None:
        coverage = float(units.parse(uneven[1], units.FRACTION))
        return Uneven(coverage, units.parse(uneven[2], units.THICKNESS) if uneven[2] else 3e-6)
    way, length = _words(text)
    match way:
        case "particles":
            return Particles(length or 2e-6)
        case "shell" | "necks" if length is None:
            return Shell() if way == "shell" else Necks()
    msg = f'--electrolyte "{text}" is not recognised; choose from shell, necks, particles 2 um, uneven 80 % 3 um'
    raise StructureError(msg)


def _additive(text: str) -> Placement:
    way, length = _words(text)
    match way:
        case "surfaces":
            return AtSurfaces(length or 0.8e-6)
        case "dispersed":
            return Dispersed(length or 0.8e-6)
    msg = f'--additive "{text}" is not recognised; choose from surfaces 0.8 um, dispersed 0.8 um'
    raise StructureError(msg)


def _show_build(data: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (
        "Phase",
        "target, vol%",
        "reached",
        "connected x, %",
        "y",
        "z",
        "std of planes x",
        "y",
        "z",
        "slabs",
    ):
        table.add_column(heading, justify="left" if heading == "Phase" else "right")
    for name, phase in data["phases"].items():
        target = phase["target_vol_pct"]
        connected = [number(phase["connected_pct"][axis]) for axis in AXES]
        connected += [f"{share:.2g}" for share in phase["standard_deviation_vol_pct"].values()]
        table.add_row(
            Text(name), "–" if target is None else f"{target:.2f}", f"{phase['reached_vol_pct']:.2f}", *connected
        )
    show(table)
    shape, size = " x ".join(map(str, data["shape"])), " x ".join(f"{edge:.3g}" for edge in data["size_um"])
    click.echo(f"{shape} voxels of {data['voxel_um'][0]:.3g} um, {size} um, {data['particles']} particles")
    click.echo(
        f"density {data['density_g_cm3']:.4g} g/cm^3 (target {data['target_density_g_cm3']:.4g}), "
        f"thickness {data['thickness_um']:.4g} um (target {data['target_thickness_um']:.4g})"
    )
    rows = (
        ("overlap of particles", "overlap_vol_pct", "vol%"),
        ("interface of active material and solid electrolyte", "am_se_interface_m2_per_m3", "m^2/m^3"),
        ("coverage of the active material by solid electrolyte", "am_coverage_pct", "%"),
        ("film of solid electrolyte", "electrolyte_film_um", "um"),
    )
    for words, key, unit in rows:
        if data[key] is not None:
            click.echo(f"{words}: {data[key]:.4g} {unit}")
