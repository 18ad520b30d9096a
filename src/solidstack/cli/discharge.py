"""`solidstack twin discharge|simulate|rates|impedance`: cycling a structure, and its homogenised companion."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from .. import units
from ..design import Protocol
from ..design.protocol import read_protocol
from ..errors import DesignError, OutputError, StructureError
from ..twin.results import Run
from ..twin.structure import formats
from .common import changes_option, check_folder, load_changed, located, number, print_json, show, shown_progress, warn

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
protocol_option = click.option("--protocol", "protocol_file", metavar="FILE", help="TOML with the steps to run.")
model_option = click.option("--model", type=click.Choice(["DFN", "SPMe"]), default="DFN", show_default=True)
voxel_option = click.option("--voxel", metavar="LENGTH", help='Edge of a voxel where FILE has none, as in "0.4 um".')
phases_option = click.option("--phases", metavar="NAMES", help='What labels are, as in "0=pore, 1=NCM622, 2=SPE".')


@click.command("discharge")
@click.argument("file")
@click.argument("design")
@protocol_option
@click.option("-o", "--output", metavar="DIR", help="Curves, figures and a checkpoint; the same command resumes.")
@click.option("--fields", metavar="WHEN", help='3D fields into DIR: "step-ends", or times as in "1 h, 2 h".')
@click.option("--animation", is_flag=True, help="A film of the stoichiometry into DIR, of the times of --fields.")
@click.option("--resume/--restart", default=True, help="Go on from the checkpoint in DIR, or start anew.")
@click.option("--ideal-electronics", is_flag=True, help="All active material has the collector's potential.")
@click.option("--accuracy", type=float, default=1.0, show_default=True, help="Allowed error of a time step, relative.")
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
    device: str,
    voxel: str | None,
    phases: str | None,
    changes: tuple[str, ...],
    as_json: bool,
) -> int:
    """Charge and discharge the structure FILE against lithium, with the materials and conditions of DESIGN.

    Without --protocol and without a [protocol] table in DESIGN: charge at C/10, discharge at C/5. DIR gets run.json,
    curves.csv and figures. A run that was interrupted goes on from the checkpoint in DIR, to the same result.

    \b
    Example:
      solidstack twin discharge electrode.zarr examples/pouch-0.16Ah.toml -o cycle --fields step-ends
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
    plan = protocol_of(protocol_file)
    with located(file):
        structure = formats.read(file, voxel=voxel, phases=phases)
    wanted = None if fields is None and not animation else _fields(fields or "step-ends")
    taker = None
    if wanted is not None and output is not None:
        taker = Fields(*wanted, folder=Path(output) / "fields", structure=structure, keep=animation)
    checkpoint = None if output is None else Path(output) / "checkpoint.npz"
    if checkpoint is not None and not resume:
        checkpoint.unlink(missing_ok=True)
    with located(design), shown_progress() as progress:
        run = discharge(
            structure, loaded, protocol=plan, accuracy=accuracy, device=device, checkpoint=checkpoint, fields=taker,
            progress=progress,
        )  # fmt: skip
    for text in run.provenance["warnings"]:
        warn(text)
    paths = []
    if output is not None:
        paths = _write(run, output)
        if taker is not None:
            paths += taker.paths
            if animation and len(taker.taken) > 1:
                from ..plot.discharge import animate

                paths.append(animate(run, taker.taken, Path(output) / "stoichiometry.gif"))
        if checkpoint is not None:
            checkpoint.unlink(missing_ok=True)
    return _report(run, paths, as_json)


@click.command("simulate")
@click.argument("design")
@click.option("--structure", metavar="FILE", help="Take the effective properties of this structure.")
@protocol_option
@model_option
@click.option("-o", "--output", metavar="DIR", help="Curves and figures.")
@click.option("--export-bpx", metavar="FILE", help="Write the parameters as BPX (.json).")
@click.option("--export-script", metavar="FILE", help="Write a PyBaMM script (.py) that runs by itself.")
@changes_option
@json_option
def simulate_command(
    design: str,
    structure: str | None,
    protocol_file: str | None,
    model: Any,
    output: str | None,
    export_bpx: str | None,
    export_script: str | None,
    changes: tuple[str, ...],
    as_json: bool,
) -> int:
    """Charge and discharge DESIGN as a homogeneous medium (PyBaMM): the companion of the twin.

    Its effective properties are those of --structure, or of the closed form.

    \b
    Example:
      solidstack twin simulate examples/pouch-0.16Ah.toml --structure electrode.zarr -o companion
    """
    needs_companion()
    from ..kinetics import cell_parameters
    from ..twin.companion import exchange
    from ..twin.companion.homogenised import simulate
    from ..twin.effective import Effective

    check_folder(output)
    loaded = load_changed(design, changes)
    plan = protocol_of(protocol_file)
    with located(design):
        given = cell_parameters(loaded)
        if structure is None:
            effective = Effective.from_design(loaded, given)
        else:
            with located(structure):
                effective = Effective.from_structure(formats.read(structure), given)
        paths = []
        if export_bpx is not None:
            paths.append(exchange.export_bpx(loaded, export_bpx, effective=effective, parameters=given))
        if export_script is not None:
            paths.append(
                exchange.export_script(loaded, export_script, protocol=plan, effective=effective, parameters=given)
            )
        run = simulate(loaded, plan, effective=effective, parameters=given, model=model)
    for text in given.warnings:
        warn(text)
    if output is not None:
        paths += _write(run, output)
    return _report(run, paths, as_json)


@click.command("rates")
@click.argument("design")
@click.option("--rates", default="0.1,0.2,0.5,1,2", show_default=True, metavar="LIST", help="C-rates.")
@click.option("--loadings", metavar="LO:HI:N", help="mg/cm^2; default: the design's.")
@click.option("--structure", metavar="FILE", help="Take the effective properties of this structure.")
@model_option
@click.option("-o", "--output", metavar="FILE", help="Figure (.png, .svg, .pdf).")
@changes_option
@json_option
def rates_command(
    design: str,
    rates: str,
    loadings: str | None,
    structure: str | None,
    model: Any,
    output: str | None,
    changes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Discharge DESIGN at several C-rates and loadings, beside the loading threshold of the closed form.

    \b
    Example:
      solidstack twin rates examples/loading-threshold.toml --loadings 5:40:8 -o rates.png
    """
    needs_companion()
    from ..kinetics import cell_parameters
    from ..twin.companion.homogenised import rate_capability
    from ..twin.effective import Effective

    _check_figures([] if output is None else [output])
    loaded = load_changed(design, changes)
    wanted = _numbers(rates, "--rates")
    with located(design):
        given = cell_parameters(loaded)
        effective = None
        if structure is not None:
            with located(structure):
                effective = Effective.from_structure(formats.read(structure), given)
        found = rate_capability(
            loaded, wanted, None if loadings is None else _range(loadings), effective=effective, parameters=given,
            model=model,
        )  # fmt: skip
    if output is not None:
        from ..plot import save
        from ..plot.discharge import draw_rates

        save(draw_rates(found), output)
    if as_json:
        print_json(
            {
                "c_rate": wanted,
                "loading_mg_cm2": (100.0 * found["loading"].to_numpy()).tolist(),
                "discharge_capacity_mAh_g": (found["discharge_capacity"].to_numpy() / 3600.0).tolist(),
                "capacity_kept": [
                    [float(v) if np.isfinite(v) else None for v in row] for row in found["capacity_kept"].to_numpy()
                ],
                "end_reason": found["end_reason"].to_numpy().tolist(),
                "loading_threshold_mg_cm2": (100.0 * found["loading_threshold"].to_numpy()).tolist(),
            }
        )
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("loading, mg/cm^2", justify="right")
    for rate in wanted:
        table.add_column(f"{rate:g}C", justify="right")
    for loading, row in zip(found["loading"].to_numpy(), found["discharge_capacity"].to_numpy(), strict=True):
        table.add_row(number(100.0 * loading), *(number(value / 3600.0) for value in row))
    table.add_row("threshold", *(number(100.0 * value) for value in found["loading_threshold"].to_numpy()))
    show(table)
    click.echo("discharge capacity, mAh/g; threshold: loading at which the closed form's IR drop is the limit, mg/cm^2")
    if output is not None:
        click.echo(output)


@click.command("impedance")
@click.argument("file")
@click.argument("design")
@click.option("--stoichiometry", type=float, help="Of the active material; default 0.5.")
@click.option("--voltage", metavar="VOLTAGE", help='In equilibrium, as in "3.8 V".')
@click.option("--frequencies", metavar="LO:HI:N", default="1e-3:1e3:25", show_default=True, help="Hz, logarithmic.")
@click.option("--double-layer", metavar="CAPACITANCE", help='Of the active material\'s interfaces, as in "10 uF/cm^2".')
@click.option("-o", "--output", metavar="FILE", multiple=True, help="Spectrum (.csv) or figure; may be repeated.")
@click.option("--ideal-electronics", is_flag=True, help="All active material has the collector's potential.")
@voxel_option
@phases_option
@changes_option
@json_option
def impedance_command(
    file: str,
    design: str,
    stoichiometry: float | None,
    voltage: str | None,
    frequencies: str,
    double_layer: str | None,
    output: tuple[str, ...],
    ideal_electronics: bool,
    voxel: str | None,
    phases: str | None,
    changes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Impedance of the structure FILE with membrane and lithium, beside the transmission line of the same medium.

    \b
    Example:
      solidstack twin impedance electrode.zarr examples/pouch-0.16Ah.toml --voltage "3.8 V" -o z.png -o z.csv
    """
    from ..kinetics import cell_parameters
    from ..twin.effective import Effective
    from ..twin.electrochemistry.impedance import CAPACITANCE, impedance

    _check_figures([path for path in output if not path.lower().endswith(".csv")])
    loaded = load_changed(design, changes)
    if ideal_electronics:
        loaded = loaded.with_(kinetics__ideal_electronics=True)
    low, high, count = _triple(frequencies, "--frequencies")
    volts: Any = None if voltage is None else units.parse(voltage, units.VOLTAGE)
    layer: Any = 0.0 if double_layer is None else units.parse(double_layer, CAPACITANCE)
    with located(file):
        structure = formats.read(file, voxel=voxel, phases=phases)
    with located(design), shown_progress() as progress:
        given = cell_parameters(loaded)
        try:
            medium = Effective.from_structure(structure, given)
        except (StructureError, DesignError) as error:
            warn(f"no transmission line beside it: {error}")
            medium = None
        found = impedance(
            structure, loaded, parameters=given, stoichiometry=stoichiometry, voltage=volts,
            frequencies=np.logspace(np.log10(low), np.log10(high), count), double_layer=layer, effective=medium,
            progress=progress,
        )  # fmt: skip
    series = [("twin", found.frequency, found.z)]
    if found.transmission_line is not None:
        series.append(("transmission line", found.frequency, found.transmission_line))
    for path in output:
        if path.lower().endswith(".csv"):
            found.save(path)
        else:
            from ..plot import save
            from ..plot.discharge import draw_impedance

            save(draw_impedance(series), path)
    if as_json:
        print_json(found.to_dict())
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("frequency, Hz", "Re Z, ohm cm^2", "-Im Z", "transmission line: Re Z", "-Im Z"):
        table.add_column(heading, justify="right")
    for row, (frequency, z) in enumerate(zip(found.frequency, found.z, strict=True)):
        beside = (
            ("", "")
            if len(series) < 2
            else (number(1e4 * series[1][2][row].real), number(-1e4 * series[1][2][row].imag))
        )
        table.add_row(f"{frequency:.3g}", number(1e4 * z.real), number(-1e4 * z.imag), *beside)
    show(table)
    click.echo(f"x = {found.stoichiometry:.3g}, {found.voltage:.4g} V")
    for path in output:
        click.echo(path)


def needs_companion() -> None:
    """Say what to install where the homogenised model's package is missing."""
    from importlib.util import find_spec

    if find_spec("pybamm") is None:
        msg = 'the homogenised model needs PyBaMM; install it with `pip install "solidstack[companion]"`'
        raise StructureError(msg)


def protocol_of(path: str | None) -> Protocol | None:
    """Read the file of ``--protocol``; None without one."""
    return None if path is None else read_protocol(path)


def _fields(text: str) -> tuple[list[float], bool]:
    """Times (s) and whether the ends of steps are wanted."""
    times, ends = [], False
    for word in filter(None, (part.strip() for part in text.split(","))):
        if word == "step-ends":
            ends = True
        else:
            times.append(float(units.parse(word, units.DURATION)))
    if not (times or ends) or any(time < 0.0 for time in times):
        msg = f'--fields "{text}" names no time; give "step-ends", or times from 0 on, as in "step-ends, 30 min, 2 h"'
        raise DesignError(msg)
    return times, ends


def _triple(text: str, option: str) -> tuple[float, float, int]:
    parts = text.split(":")
    try:
        low, high, count = float(parts[0]), float(parts[1]), int(parts[2])
        if len(parts) != 3 or count < 1 or not 0.0 < low <= high < float("inf"):
            raise ValueError
    except (ValueError, IndexError):
        msg = f'{option} "{text}" is not LO:HI:N with numbers above 0, as in 5:40:8'
        raise DesignError(msg) from None
    return low, high, count


def _range(text: str) -> list[float]:
    """Loadings in SI from mg/cm^2."""
    low, high, count = _triple(text, "--loadings")
    return [float(value) / 100.0 for value in np.linspace(low, high, count)]


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        msg = f'{option} "{text}" is not a list of numbers, as in 0.1,0.5,1'
        raise DesignError(msg) from None


def _check_figures(paths: Sequence[str]) -> None:
    """Refuse an ending that no figure has before the work is done for it."""
    if not paths:
        return
    from ..plot.style import FORMATS

    for path in paths:
        if Path(path).suffix.lower() not in FORMATS:
            msg = f"has no known ending for a figure; take {', '.join(FORMATS)}"
            raise OutputError(msg, source=path)


def _write(run: Run, folder: str) -> list[Path]:
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


def _report(run: Run, paths: Sequence[Path], as_json: bool) -> int:
    """Say what a run gave; the exit code says whether it went to the end of its protocol."""
    notes = run.provenance
    code = 0 if run.is_complete else 1
    if not run.is_complete:
        warn(run.outcome)
    if as_json:
        keys = ("voxels", "device", "seconds", "time_steps", "bytes_per_voxel", "inactive", "warnings", "parameters")
        print_json(run.to_dict() | {key: notes[key] for key in keys if key in notes})
        return code
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
    show(table)
    if np.isfinite(run.coulombic_efficiency):
        click.echo(
            f"discharge over charge: {100 * run.coulombic_efficiency:.2f} % of the capacity, "
            f"{100 * run.energy_efficiency:.2f} % of the energy"
        )
    if run.inactive_fraction > 0.0:
        why = ", ".join(f"{100 * share:.3g} % {reason}" for reason, share in notes.get("inactive", {}).items() if share)
        click.echo(f"inactive active material: {100 * run.inactive_fraction:.3g} % ({why or 'by the structure'})")
    if "voxels" in notes:
        click.echo(
            f"{notes['voxels']} voxels, {notes['time_steps']} time steps, {notes['seconds']:.0f} s on the "
            f"{notes['device']}; lithium balance to {run.balance['lithium']:.0e}"
        )
    for path in paths:
        click.echo(str(path))
    return code


COMMANDS = (discharge_command, simulate_command, rates_command, impedance_command)
