"""`solidstack twin discharge`: charging and discharging a structure."""

from pathlib import Path

import click

from .. import units
from ..errors import DesignError, OutputError
from ..twin.structure import formats
from .common import changes_option, check_folder, json_option, load_changed, located, phases_option, voxel_option, warn
from .progress import shown_progress
from .runs import (
    every_option,
    ideal_option,
    interval_of,
    protocol_of,
    protocol_option,
    report_run,
    write_run,
)


@click.command("discharge")
@click.argument("file")
@click.argument("design")
@protocol_option
@click.option("-o", "--output", metavar="DIR", help="Curves, figures and a checkpoint; the same command resumes.")
@click.option("--fields", metavar="WHEN", help='3D fields into DIR: "step-ends", or times as in "1 h, 2 h".')
@click.option("--animation", is_flag=True, help="Animate the stoichiometry, at the times of --fields, into DIR.")
@click.option("--resume/--restart", default=True, help="Resume from the checkpoint in DIR, or start over.")
@ideal_option
@click.option("--accuracy", type=float, default=1.0, show_default=True, help="Allowed error of a time step, relative.")
@every_option
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@voxel_option
@phases_option
@changes_option
@json_option
def discharge_command(
    file: str,
    design: str,
    protocol_file: str | None,
    output: str | None,
    fields: str | None,
    animation: bool,
    resume: bool,
    ideal_electronics: bool,
    accuracy: float,
    output_interval: str | None,
    device: str,
    voxel: str | None,
    phases: str | None,
    changes: tuple[str, ...],
    as_json: bool,
) -> int:
    """Charge and discharge the structure FILE against lithium, with the materials and conditions of DESIGN.

    Without --protocol and without a [protocol] table in DESIGN: charge at C/10, discharge at C/5. DIR gets run.json,
    curves.csv and figures. An interrupted run resumes from the checkpoint in DIR, to the same result.

    \b
    Example:
      solidstack twin discharge electrode.zarr my-cell.toml -o cycle --fields step-ends
    """
    from ..twin.electrochemistry.cycle import discharge
    from ..twin.electrochemistry.fields import Fields

    check_folder(output)
    if (fields is not None or animation) and output is None:
        msg = "--fields and --animation need a folder; give -o DIR"
        raise OutputError(msg)
    loaded = load_changed(design, changes)
    if ideal_electronics:
        loaded = loaded.with_(kinetics__ideal_electronics=True)
    protocol = protocol_of(protocol_file)
    with located(file):
        structure = formats.read(file, voxel=voxel, phases=phases)
    taker = checkpoint = None
    if output is not None:
        checkpoint = Path(output) / "checkpoint.npz"
        if not resume:
            checkpoint.unlink(missing_ok=True)
        if fields is not None or animation:
            times, ends = _when(fields or "step-ends")
            taker = Fields(times, ends, folder=Path(output) / "fields", structure=structure, keep=animation)
    with located(design), shown_progress() as progress:
        run = discharge(
            structure, loaded, protocol=protocol, accuracy=accuracy, output_interval=interval_of(output_interval),
            device=device, checkpoint=checkpoint, fields=taker, progress=progress,
        )  # fmt: skip
    for text in run.provenance["warnings"]:
        warn(text)
    paths = [] if output is None else write_run(run, output)
    if output is not None and taker is not None:
        paths += taker.paths
        if animation and len(taker.taken) > 1:
            from ..plot.animation import animate

            paths.append(animate(run, taker.taken, Path(output) / "stoichiometry.gif"))
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return report_run(run, paths, as_json)


def _when(text: str) -> tuple[list[float], bool]:
    """Times (s) at which fields are taken, and whether they are taken at the ends of steps."""
    times, ends = [], False
    for word in filter(None, (part.strip() for part in text.split(","))):
        if word == "step-ends":
            ends = True
        else:
            times.append(float(units.parse(word, units.DURATION)))
    if not (times or ends) or any(time < 0.0 for time in times):
        msg = f'--fields "{text}" has no valid time; give "step-ends", or times from 0 on, as in "step-ends, 30 min"'
        raise DesignError(msg)
    return times, ends
