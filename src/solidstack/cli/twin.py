"""`solidstack twin`: structures from a design, what they conduct, how they look."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from .. import units
from ..errors import OutputError, StructureError
from ..files import staged_folder
from ..twin.conduction import DEVICES, LATERAL, MOST_ITERATIONS, TOLERANCE, Transport, save_field, transport
from ..twin.structure import formats
from ..twin.structure.additives import AtSurfaces, Dispersed
from ..twin.structure.build import build
from ..twin.structure.build_report import BuildReport
from ..twin.structure.coating import Necks, Particles, Placement, Shell
from ..twin.structure.metrics import measure
from ..twin.structure.packing import read_size_table
from ..twin.structure.voxels import AXES
from .common import changes_option, load_changed, located, number, print_json, range_option, show, warn
from .discharge import COMMANDS
from .progress import shown_progress
from .validate import validate_command

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
voxel_option = click.option("--voxel", metavar="LENGTH", help='Edge of a voxel where FILE has none, as in "0.4 um".')
phases_option = click.option("--phases", metavar="NAMES", help='What labels are, as in "0=pore, 1=NCM622, 2=SPE".')


@click.group("twin")
def command() -> None:
    """Build the electrode of a design as a 3D structure, and solve for what it conducts.

    \b
    Example:
      solidstack twin build examples/pouch-0.16Ah.toml -o electrode.zarr
      solidstack twin transport electrode.zarr
    """


for _command in (*COMMANDS, validate_command):
    command.add_command(_command)


@command.command("build")
@click.argument("design")
@click.option("--size", metavar="LENGTH", help='Edge in the plane, as in "40 um".')
@click.option("--voxel", metavar="LENGTH", help='Edge of a voxel, as in "0.1 um".')
@click.option("--thickness", metavar="LENGTH", help="Through the plane; default: that of the coating.")
@click.option("--seed", type=int, help="Same seed, same structure.")
@click.option("--arrangement", type=click.Choice(["random", "close-packed"]))
@click.option("--pressing", type=click.Choice(["isostatic", "uniaxial"]), help="From the percolation threshold on.")
@click.option("--sizes", metavar="FILE", help="Particle sizes as a laser-diffraction table (CSV).")
@click.option("--electrolyte", metavar="HOW", help='shell, necks, or particles of a diameter: "particles 2 um".')
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
    """Build the positive electrode of DESIGN from voxels; report target against reached for each phase.

    Without --size and --voxel: voxels half as thick as the solid electrolyte's film, as many as a few million.
    The [twin] table of the design holds all defaults.

    \b
    Example:
      solidstack twin build examples/pouch-0.16Ah.toml --size 40um --voxel 0.2um -o electrode.zarr --picture it.png
    """
    _check_output(output)
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


@command.command("transport")
@click.argument("file")
@click.option(
    "--conductivity",
    "given",
    metavar="LABEL=VALUE",
    multiple=True,
    help='Conductivity of a phase, by label or name, in S/m or with a unit, as in --conductivity SPE="1 mS/cm". '
    "May be repeated; phases not named do not conduct. Default: the ionic ones that FILE brings.",
)
@click.option("--electronic", is_flag=True, help="Take the electronic conductivities that FILE brings.")
@click.option("--direction", type=click.Choice([*AXES, "all"]), default="all", show_default=True)
@click.option("--tolerance", type=float, default=TOLERANCE, show_default=True, help="Of the flux, relative.")
@click.option("--most-iterations", type=click.IntRange(1), default=MOST_ITERATIONS, show_default=True)
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True)
@click.option("--lateral", type=click.Choice(LATERAL), default="auto", show_default=True, help="Faces beside the flow.")
@click.option("--field", metavar="FILE", help="Write the potential (.vti, .zarr or .npz); of one --direction.")
@voxel_option
@phases_option
@json_option
def transport_command(
    file: str,
    given: tuple[str, ...],
    electronic: bool,
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
        msg = "--field is of one direction; add --direction x, y or z"
        raise OutputError(msg)
    if field is not None:
        formats.check_field_ending(field)
    with located(file), shown_progress() as progress:
        structure = formats.read(file, voxel=voxel, phases=phases)
        found = transport(
            structure,
            _conductivities(given) if given else ("electronic" if electronic else "ionic"),
            direction=direction,
            tolerance=tolerance,
            device=device,
            lateral=lateral,
            keep_potential=field is not None,
            must_converge=False,  # what was found is shown, and the exit code says that it falls short
            most_iterations=most_iterations,
            progress=progress,
        )
    if field is not None:
        save_field(structure, found, field)
    for name, one in found.directions.items():
        if not one.percolates or not one.converged:
            warn(f"{name}: {one.end_reason}")
    code = 0 if all(one.converged for one in found.directions.values()) else 1
    if as_json:
        print_json(found.to_dict())
        return code
    _show_transport(found)
    if field is not None:
        click.echo(field)
    return code


@command.command("measure")
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
        found = measure(formats.read(file, voxel=voxel, phases=phases), sizes=sizes).to_dict()
    if as_json:
        print_json(found)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for label, value in _flat(found):
        table.add_row(Text(label), Text("–" if value is None else number(value)))
    show(table)


@command.command("export")
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


@command.command("picture")
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


@command.command("compare")
@click.argument("design")
@click.option("--porosity", "porosities", metavar="LO:HI:N", help="In percent; default 2:24 and up to the threshold.")
@click.option("--core", "cores", type=float, multiple=True, metavar="VOL%", help="Active material of solid, vol%.")
@click.option("--voxels", type=int, default=128, show_default=True, help="Along the edge of a cell.")
@click.option("-o", "--output", metavar="FILE", help="Figure (.png, .svg, .pdf).")
@changes_option
@json_option
def compare_command(
    design: str,
    porosities: str | None,
    cores: tuple[float, ...],
    voxels: int,
    output: str | None,
    changes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Set the closed form of DESIGN's ionic resistance beside the full field of the close packing.

    Over porosity and for the design's composition and the balance threshold (or each --core), with Bruggeman's law.

    \b
    Example:
      solidstack twin compare examples/pouch-0.16Ah.toml -o closed-form.png
    """
    from ..study.comparison import compare

    loaded = load_changed(design, changes)
    with located(design), shown_progress() as progress:
        points = compare(
            loaded,
            None if porosities is None else _range(porosities),
            [value / 100.0 for value in cores] or None,
            voxels=voxels,
            progress=progress,
        )
    if output is not None:
        from ..plot import save
        from ..plot.twin import draw_comparison

        save(draw_comparison(points), output)
    if as_json:
        print_json([point.to_dict() for point in points])
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (
        "AM, vol%",
        "porosity, %",
        "uniaxial",
        "isostatic",
        "closed form",
        "dev., %",
        "Bruggeman",
        "dev., %",
    ):
        table.add_column(heading, justify="right")
    for point in points:
        data = point.to_dict()
        keys = ("core_vol_pct", "porosity_pct", "twin_uniaxial", "twin_isostatic", "closed_form")
        more = ("closed_form_deviation_pct", "bruggeman", "bruggeman_deviation_pct")
        table.add_row(*("–" if data[key] is None else number(data[key]) for key in (*keys, *more)))
    show(table)
    click.echo("conductivity relative to that of the solid electrolyte; deviations from the uniaxial full field")
    if output is not None:
        click.echo(output)


def _check_output(path: str | None) -> None:
    """Refuse a place that cannot be written before the work is done."""
    if path is not None:
        formats.check_ending(path)
        with staged_folder(Path(path).resolve().parent):
            pass


def _words(text: str) -> tuple[str, float | None]:
    """Split a way and its length, as in ``particles 2 um``."""
    way, _, length = text.strip().partition(" ")
    return way, units.parse(length, units.THICKNESS) if length.strip() else None


def _electrolyte(text: str) -> Placement:
    way, length = _words(text)
    match way:
        case "particles":
            return Particles(length or 2e-6)
        case "shell" | "necks" if length is None:
            return Shell() if way == "shell" else Necks()
    msg = f'--electrolyte "{text}" is unknown; known are shell, necks, particles 2 um'
    raise StructureError(msg)


def _additive(text: str) -> Placement:
    way, length = _words(text)
    match way:
        case "surfaces":
            return AtSurfaces(length or 0.8e-6)
        case "dispersed":
            return Dispersed(length or 0.8e-6)
    msg = f'--additive "{text}" is unknown; known are surfaces 0.8 um, dispersed 0.8 um'
    raise StructureError(msg)


def _conductivities(given: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for item in given:
        name, equals, value = item.rpartition("=")
        if not equals or not name.strip():
            msg = f'--conductivity "{item}" is not LABEL=VALUE, as in --conductivity 1=0.5 or SPE="1 mS/cm"'
            raise StructureError(msg)
        if name.strip() in found:
            msg = f'--conductivity names "{name.strip()}" twice; give one value'
            raise StructureError(msg)
        try:
            found[name.strip()] = float(value)
        except ValueError:
            parsed: Any = units.parse(value, units.CONDUCTIVITY)
            found[name.strip()] = float(parsed)
    return found


def _range(text: str) -> list[float]:
    low, high, count = range_option(text, "--porosity", units.POROSITY, 100.0)
    return [(low + (high - low) * step / max(1, count - 1)) / 100.0 for step in range(count)]


def _flat(data: Any, path: str = "") -> list[tuple[str, Any]]:
    if not isinstance(data, dict):
        return [(path, data)]
    return [row for key, value in data.items() for row in _flat(value, f"{path} {key}".strip())]


def _show_build(data: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Phase", "target, vol%", "reached", "connected x, %", "y", "z"):
        table.add_column(heading, justify="left" if heading == "Phase" else "right")
    for name, phase in data["phases"].items():
        target = phase["target_vol_pct"]
        connected = (number(phase["connected_pct"][axis]) for axis in AXES)
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


def _show_transport(found: Transport) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (
        "", "S/m", "relative", "tortuosity factor", "conducting, vol%", "connected", "iterations", "flux imbalance", "s"
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for name, one in found.directions.items():
        factor = "–" if one.tortuosity_factor is None else number(one.tortuosity_factor)
        table.add_row(
            name,
            number(one.conductivity),
            number(one.relative_conductivity),
            factor,
            f"{100 * one.conducting_fraction:.2f}",
            f"{100 * one.connected_fraction:.2f}",
            str(one.iterations),
            f"{one.flux_imbalance:.1e}",
            f"{one.seconds:.2f}",
        )
    show(table)
    used = ", ".join(f"{name} {value:.4g} S/m" for name, value in found.phase_conductivity.items())
    one = next(iter(found.directions.values()))
    click.echo(f"phases: {used}; device {one.device}, {one.peak_bytes_per_voxel:.0f} bytes per voxel")
