"""What the commands that simulate a protocol share: options, the files of a run, its table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from .. import units
from ..design import Protocol
from ..design.protocol import read_protocol
from ..errors import OutputError, StructureError
from ..twin.results import Run
from .common import number, print_json, show, warn

protocol_option = click.option("--protocol", "protocol_file", metavar="FILE", help="TOML with the steps to run.")
ideal_option = click.option(
    "--ideal-electronics", is_flag=True, help="All active material is at the potential of the collector."
)

every_option = click.option(
    "--every", "output_interval", metavar="TIME", help='Longest time between two rows, as in "10 s".'
)


def interval_of(text: str | None) -> float | None:
    """Read ``--every``, s; None without one."""
    return None if text is None else float(units.parse(text, units.DURATION))


NOTES = ("voxels", "device", "seconds", "time_steps", "bytes_per_voxel", "inactive", "phases", "warnings", "parameters")
"""What the JSON of a run has of its provenance."""


def needs_companion() -> None:
    """Refuse the homogenised model without its package.

    Raises
    ------
    StructureError
    """
    from importlib.util import find_spec

    if find_spec("pybamm") is None:
        msg = 'the homogenised model needs PyBaMM; install it with `pip install "solidstack[companion]"`'
        raise StructureError(msg)


def protocol_of(path: str | None) -> Protocol | None:
    """Read the file of ``--protocol``; None without one."""
    return None if path is None else read_protocol(path)


def check_figures(paths: Sequence[str]) -> None:
    """Refuse the ending of a file that is not a figure's, before the work is done for it.

    Raises
    ------
    OutputError
    """
    if not paths:
        return
    from ..plot.style import FORMATS

    for path in paths:
        if Path(path).suffix.lower() not in FORMATS:
            msg = f"has no known ending for a figure; take {', '.join(FORMATS)}"
            raise OutputError(msg, source=path)


def write_run(run: Run, folder: str) -> list[Path]:
    """Write a run and its figures into a folder, and return the files."""
    from ..plot import save
    from ..plot.discharge import draw_course, draw_curves, draw_profiles, draw_split
    from ..twin.runs import save as save_run

    place = Path(folder)
    paths = [save_run(run, place)]
    figures: dict[str, Any] = {}
    if any(step.capacity > 0.0 for step in run.steps):
        figures = {"curves": draw_curves({run.model: run}), "course": draw_course(run)}
    step = run.of("discharge") or run.of("charge")
    if step is not None and step.capacity > 0.0 and run.split:
        figures["split"] = draw_split(run, step)
        if run.profiles:
            figures["profiles"] = draw_profiles(run, step)
    return [*paths, *(save(figure, place / f"{name}.png") for name, figure in figures.items())]


def report_run(run: Run, paths: Sequence[Path], as_json: bool) -> int:
    """Print what a run gave, and return the exit code: 0 if its protocol is complete, else 1."""
    notes = run.provenance
    code = 0 if run.is_complete else 1
    if not run.is_complete:
        warn(run.end_reason)
    if as_json:
        print_json(run.to_dict() | {key: notes[key] for key in NOTES if key in notes})
        return code
    show(_steps_table(run))
    if np.isfinite(run.coulombic_efficiency):
        click.echo(
            f"discharge over charge: {100 * run.coulombic_efficiency:.2f} % of the capacity, "
            f"{100 * run.energy_efficiency:.2f} % of the energy"
        )
    if run.inactive_fraction > 0.0:
        reasons = notes.get("inactive", {}).items()
        listed = ", ".join(f"{100 * share:.3g} % {reason}" for reason, share in reasons if share)
        click.echo(
            f"inactive active material: {100 * run.inactive_fraction:.3g} % ({listed or 'according to the structure'})"
        )
    if notes.get("phases"):
        click.echo("phases: " + ", ".join(f"{phase} is {material}" for phase, material in notes["phases"].items()))
    if "voxels" in notes:
        click.echo(
            f"{notes['voxels']} voxels, {notes['time_steps']} time steps, {notes['seconds']:.0f} s on the "
            f"{notes['device']}; lithium balance to {run.balance['lithium']:.0e}"
        )
    for path in paths:
        click.echo(str(path))
    return code


def _steps_table(run: Run) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("step", "mAh/g", "mAh/cm^2", "mWh/cm^2", "mean V", "h", "ended"):
        table.add_column(heading, justify="left" if heading in ("step", "ended") else "right")
    for step in run.steps:
        table.add_row(
            Text(step.kind),
            f"{step.capacity / 3600:.1f}",
            # a rest passes what the solver leaves over
            *("0" if step.kind == "rest" else number(v / 36000) for v in (step.areal_capacity, step.energy)),
            number(step.average_voltage),
            number(step.duration / 3600),
            Text(step.end_reason),
        )
    return table
