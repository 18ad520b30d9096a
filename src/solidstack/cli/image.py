"""`solidstack image`: segment a grey stack, and analyse a segmented volume."""

import json
from pathlib import Path
from typing import Any

import click

from ..errors import StructureError
from ..files import staged_folder
from ..twin.structure import formats
from ..twin.structure import image as images
from ..twin.structure.voxels import AXES, Structure
from .common import json_option, located, number, show
from .menu import Menu
from .progress import shown_progress

voxel_option = click.option(
    "--voxel", metavar="SIZE", help='Edges of a voxel, as in "0.4 um" or "1 um, 0.4 um, 0.4 um" for x, y, z.'
)
seed_option = click.option("--seed", default=0, show_default=True, help="For the places of sub-volumes.")


@click.group("image", cls=Menu)
def command() -> None:
    """Bring an image of an electrode into the twin: segment grey values, analyse phases.

    FILE is a TIFF stack (also OME and ImageJ), .npy, .npz, .zarr or .vti. x is axis 0 of the array, or the pages of
    a TIFF stack, and through-plane.

    \b
    Examples:
      solidstack image segment stack.tif -o electrode.zarr --denoise median --phases "pore, binder, NCM622"
      solidstack image analyse electrode.zarr -o electrode-image
    """


@command.command("segment")
@click.argument("file")
@click.option("-o", "--output", metavar="OUT", required=True, help=".zarr, .npz, .tif, .vti or .npy.")
@click.option("--classes", type=int, default=None, help="Phases to find, 2 to 5; default 3, or as many as names.")
@click.option(
    "--threshold",
    "thresholds",
    type=float,
    multiple=True,
    metavar="GREY",
    help="Lowest grey value of a brighter phase.",
)
@click.option(
    "--method", type=click.Choice(images.SEGMENTATION), help="Default: multi-otsu, or thresholds where some are given."
)
@click.option("--denoise", "filtered", type=click.Choice(images.DENOISING), help="Filter to apply first.")
@click.option(
    "--scale", default=1.0, show_default=True, help="Reach (median, gaussian: voxels) or strength of the filter."
)
@click.option("--phases", metavar="NAMES", help='From dark to bright, as in "pore, binder, NCM622".')
@voxel_option
@click.option("--crop", metavar="X,Y,Z", help='Voxels to keep along each axis, as in "10:200, :, 0:512".')
@click.option("--resample", metavar="SIZE", help='Edges of new voxels, as in "0.8 um".')
@seed_option
@json_option
def segment_command(
    file: str,
    output: str,
    classes: int | None,
    thresholds: tuple[float, ...],
    method: str | None,
    filtered: str | None,
    scale: float,
    phases: str | None,
    voxel: str | None,
    crop: str | None,
    resample: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Turn the grey values of FILE into phases, label 0 the darkest, and write them to OUT.

    Cropping comes first, then resampling, the filter, and the segmentation.

    \b
    Examples:
      solidstack image segment stack.tif -o electrode.zarr --denoise median --phases "pore, binder, NCM622"
      solidstack image segment stack.tif -o electrode.zarr --threshold 80 --threshold 140 --method watershed
      solidstack image segment stack.tif -o electrode.zarr --voxel "0.4 um" --crop "10:200, :, :" --resample "0.8 um"
    """
    formats.check_ending(output)
    with located(file):
        names = formats.as_phases(phases) if phases else None
        if classes and thresholds:
            msg = "--classes and --threshold exclude each other: the thresholds set the number of classes"
            raise StructureError(msg)
        image = images.read_grey(file, voxel=voxel)
        if crop:
            image = image.crop(*_ranges(crop, image.shape))
        if resample:
            image = images.resample(image, resample)
        if filtered:
            with shown_progress() as progress:
                image = images.denoise(image, filtered, scale=scale, progress=progress)
        with shown_progress() as progress:
            structure = images.segment(
                image,
                method=method or ("thresholds" if thresholds else "multi-otsu"),
                classes=classes or (len(names) if names else 3),
                thresholds=thresholds,
                phases=names,
                progress=progress,
            )
        del image  # the grey values are not needed any more, and may be large
    formats.write(structure, output)
    if as_json:
        _print_json(_analysed(structure, file, seed))
        return
    limits = ", ".join(f"{limit:.4g}" for limit in structure.provenance["history"][-1]["thresholds"])
    click.echo(f"thresholds {limits}")
    for name in structure.phases:
        click.echo(f"{name}: {100.0 * structure.fraction(name):.4g} vol%")
    if formats.assumes_voxel(structure):
        _warn("the voxel size is not known; 1 um is assumed. Give --voxel")
    click.echo(output)


@command.command("analyse")
@click.argument("file")
@voxel_option
@click.option("--phases", metavar="NAMES", help='What labels are, as in "0=pore, 1=NCM622, 2=carbon-binder".')
@click.option("-o", "--output", metavar="DIR", help="Folder for figures (PNG) and data (JSON, CSV).")
@seed_option
@json_option
def analyse_command(
    file: str, voxel: str | None, phases: str | None, output: str | None, seed: int, as_json: bool
) -> None:
    """Analyse the labels of FILE: fractions, porosity, connected shares, profiles, representative volume.

    A phase named after a material takes its role and true density.

    \b
    Examples:
      solidstack image analyse electrode.zarr
      solidstack image analyse labels.tif --voxel "0.4 um" --phases "0=pore, 1=NCM622, 2=carbon-binder" -o electrode
    """
    with located(file):
        structure = formats.read(file, voxel=voxel, phases=phases)
    if output is None:
        analysis = _analysed(structure, file, seed)
    else:
        with staged_folder(output) as stage:
            analysis = _analysed(structure, file, seed)
            _write(analysis, stage)
    if as_json:
        _print_json(analysis)
        return
    _show(analysis)
    if output is not None:
        click.echo(output)


def _analysed(structure: Structure, file: str, seed: int) -> images.ImageAnalysis:
    with located(file), shown_progress() as progress:
        return images.analyse(structure, seed=seed, progress=progress)


def _ranges(text: str, shape: tuple[int, int, int]) -> list[tuple[int, int]]:
    """Read ranges of voxels, as in "10:200, :, 0:512"; an end left out is that of the image."""
    parts = [part.strip() for part in text.split(",")]
    ranges = []
    for part, count in zip(parts, shape, strict=False):
        first, colon, end = part.partition(":")
        if not colon or not all(not word.strip() or word.strip().isdecimal() for word in (first, end)):
            break
        ranges.append((int(first.strip() or 0), int(end.strip() or count)))
    if len(ranges) != len(AXES) or len(parts) != len(AXES):
        msg = f'--crop "{text}" is not three ranges of voxels, as in "10:200, :, 0:512"'
        raise StructureError(msg)
    return ranges


def _write(analysis: images.ImageAnalysis, folder: Path) -> None:
    from ..plot.image import draw_image_profiles, draw_representative_volume
    from ..plot.structure import slices
    from ..plot.style import save

    save(slices(analysis.structure), folder / "slices.png")
    save(draw_image_profiles(analysis), folder / "profiles.png")
    if analysis.representative_volume:
        save(draw_representative_volume(analysis), folder / "representative-volume.png")
    (folder / "analysis.json").write_text(json.dumps(analysis.to_json(), indent=2) + "\n", encoding="utf-8")
    for axis, profile in analysis.profiles.items():
        names = list(profile.fractions)
        # names are the user's, and may hold a comma
        rows = [[f"{axis}_um", *('"' + f"{name} vol%".replace('"', '""') + '"' for name in names)]]
        for index, place in enumerate(profile.position):
            values = (100.0 * profile.fractions[name][index] for name in names)
            rows.append([f"{place * 1e6:.6g}", *(f"{value:.6g}" for value in values)])
        text = "".join(",".join(row) + "\n" for row in rows)
        (folder / f"profile-{axis}.csv").write_text(text, encoding="utf-8")


def _print_json(analysis: images.ImageAnalysis) -> None:
    for text in analysis.warnings:
        _warn(text)
    click.echo(json.dumps(analysis.to_json(), indent=2, ensure_ascii=False))


def _warn(text: str) -> None:
    click.secho(f"warning: {text}", err=True, fg="yellow")


def _show(analysis: images.ImageAnalysis) -> None:
    from rich.table import Table

    structure = analysis.structure
    size, edges = (" x ".join(number(edge * 1e6) for edge in three) for three in (structure.size, structure.voxel))
    click.echo(f"{' x '.join(str(count) for count in structure.shape)} voxels of {edges} um, {size} um")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Phase", "Role", "vol%", "connected x", "y", "z, %", "representative edge, µm"):
        table.add_column(heading, justify="left" if heading in ("Phase", "Role") else "right")
    for name, shares in analysis.connected.items():
        volume = analysis.representative_volume.get(name)
        edge = number(volume.sufficient_edge * 1e6) if volume else "–"
        connected = [number(100.0 * share) for share in shares]
        values: list[Any] = [name, structure.phases[name].role, number(100.0 * structure.fraction(name))]
        table.add_row(*values, *connected, edge)
    show(table)
    click.echo(f"porosity {number(100.0 * analysis.porosity)} %, density {number(analysis.density / 1e3)} g/cm^3")
    for text in analysis.warnings:
        _warn(text)
