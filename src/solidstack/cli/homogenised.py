"""`solidstack twin simulate|rates`: the homogenised model of an electrode, and its rate capability."""

from typing import TYPE_CHECKING, Any

import click
import numpy as np

from .. import units
from ..errors import DesignError
from ..twin.structure import formats
from .common import (
    changes_option,
    check_folder,
    json_option,
    load_changed,
    located,
    number,
    print_json,
    range_option,
    show,
    warn,
)
from .progress import shown_progress
from .runs import (
    check_figures,
    every_option,
    interval_of,
    needs_companion,
    protocol_of,
    protocol_option,
    report_run,
    write_run,
)

if TYPE_CHECKING:
    import xarray as xr

    from ..kinetics import CellParameters
    from ..twin.effective import Effective

model_option = click.option("--model", type=click.Choice(["DFN", "SPMe"]), default="DFN", show_default=True)
structure_option = click.option("--structure", metavar="FILE", help="Use the effective properties of this structure.")


@click.command("simulate")
@click.argument("design")
@structure_option
@protocol_option
@model_option
@click.option("-o", "--output", metavar="DIR", help="Curves and figures.")
@click.option("--export-bpx", metavar="FILE", help="Write the parameters as BPX (.json).")
@click.option("--export-script", metavar="FILE", help="Write a PyBaMM script (.py) that runs on its own.")
@every_option
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
    output_interval: str | None,
    changes: tuple[str, ...],
    as_json: bool,
) -> int:
    """Charge and discharge DESIGN with the homogenised model (PyBaMM).

    The effective properties are those of --structure, or of the closed form.

    \b
    Example:
      solidstack twin simulate my-cell.toml --structure electrode.zarr -o homogenised
    """
    needs_companion()
    from ..kinetics import cell_parameters
    from ..twin.companion import exchange, script
    from ..twin.companion.homogenised import simulate

    check_folder(output)
    loaded = load_changed(design, changes)
    protocol = protocol_of(protocol_file)
    with located(design), shown_progress() as progress:
        parameters = cell_parameters(loaded)
        medium = _medium_of(structure, parameters)
        paths = []
        if export_bpx is not None:
            paths.append(exchange.export_bpx(loaded, export_bpx, effective=medium, parameters=parameters))
        if export_script is not None:
            paths.append(script.export_script(loaded, export_script, protocol, effective=medium, parameters=parameters))
        run = simulate(
            loaded, protocol, effective=medium, parameters=parameters, model=model,
            output_interval=interval_of(output_interval), progress=progress,
        )  # fmt: skip
    for text in parameters.warnings:
        warn(text)
    if output is not None:
        paths += write_run(run, output)
    return report_run(run, paths, as_json)


@click.command("rates")
@click.argument("design")
@click.option("--rates", default="0.1,0.2,0.5,1,2", show_default=True, metavar="LIST", help="C-rates.")
@click.option("--loadings", metavar="LO:HI:N", help="mg/cm^2; default: the design's.")
@structure_option
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
    """Discharge DESIGN at several C-rates and loadings, and compare with the loading threshold of the closed form.

    \b
    Example:
      solidstack twin rates examples/loading-threshold.toml --loadings 5:40:8 -o rates.png
    """
    needs_companion()
    from ..kinetics import cell_parameters
    from ..study.rates import rate_capability

    check_figures([] if output is None else [output])
    loaded = load_changed(design, changes)
    c_rates = _numbers(rates, "--rates")
    coatings = None if loadings is None else _loadings(loadings)
    with located(design), shown_progress() as progress:
        parameters = cell_parameters(loaded)
        medium = _medium_of(structure, parameters)
        dataset = rate_capability(
            loaded, c_rates, coatings, effective=medium, parameters=parameters, model=model, progress=progress
        )
    if output is not None:
        from ..plot import save
        from ..plot.discharge import draw_rates

        save(draw_rates(dataset), output)
    if as_json:
        print_json({"c_rate": c_rates} | _plain(dataset))
        return
    show(_table(dataset))
    click.echo("discharge capacity, mAh/g; threshold: loading at which the closed form's IR drop is the limit, mg/cm^2")
    if output is not None:
        click.echo(output)


def _medium_of(structure: str | None, parameters: "CellParameters") -> "Effective | None":
    """Medium of the file of a structure; None without one."""
    from ..twin.effective import Effective

    if structure is None:
        return None
    with located(structure):
        return Effective.from_structure(formats.read(structure), parameters)


def _plain(dataset: "xr.Dataset") -> dict[str, Any]:
    """The rate capability in the units of the keys."""
    kept = dataset["capacity_kept"].to_numpy()
    return {
        "loading_mg_cm2": (100.0 * dataset["loading"].to_numpy()).tolist(),
        "discharge_capacity_mAh_g": (dataset["discharge_capacity"].to_numpy() / 3600.0).tolist(),
        "capacity_kept": [[float(value) if np.isfinite(value) else None for value in row] for row in kept],
        "outcome": dataset["outcome"].to_numpy().tolist(),
        "end_reason": dataset["end_reason"].to_numpy().tolist(),
        "loading_threshold_mg_cm2": (100.0 * dataset["loading_threshold"].to_numpy()).tolist(),
    }


def _table(dataset: "xr.Dataset") -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("loading, mg/cm^2", justify="right")
    for rate in dataset["c_rate"].to_numpy():
        table.add_column(f"{rate:g}C", justify="right")
    for loading, row in zip(dataset["loading"].to_numpy(), dataset["discharge_capacity"].to_numpy(), strict=True):
        table.add_row(number(100.0 * loading), *(number(value / 3600.0) for value in row))
    table.add_row("threshold", *(number(100.0 * value) for value in dataset["loading_threshold"].to_numpy()))
    return table


def _loadings(text: str) -> list[float]:
    """Loadings in SI from mg/cm^2."""
    low, high, count = range_option(text, "--loadings", units.AREAL_MASS)
    return [float(value) / 100.0 for value in np.linspace(low, high, count)]


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        msg = f'{option} "{text}" is not a list of numbers, as in 0.1,0.5,1'
        raise DesignError(msg) from None
