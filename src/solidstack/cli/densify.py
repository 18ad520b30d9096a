"""`solidstack densify`: which process passes the percolation threshold."""

import json

import click

from ..electrode import PROCESSES
from ..particle import percolation_density
from ..twin.structure.densify import Measured, Verdict, passes_percolation, read_processes
from .common import changes_option, load_changed, located, show


@click.command("densify")
@click.argument("design", metavar="DESIGN")
@click.option(
    "--data",
    metavar="FILE",
    help="Your own table: method, pressure (MPa), and porosity (%), density (g/cm^3) or thickness (um).",
)
@changes_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(design: str, data: str | None, changes: tuple[str, ...], as_json: bool) -> None:
    """Show which process presses DESIGN beyond its percolation threshold.

    Without --data, by the lowest porosity published for each process. With two or more pressures of a method,
    Heckel's law ln(1/porosity) = k P + A is fitted and gives the pressure that the threshold needs.

    \b
    Example:
      solidstack densify my-cell.toml --data pressings.csv
    """
    loaded = load_changed(design, changes)
    with located(design):
        dense = float(loaded.dense_density())
    if data is None:
        processes = {process.name: Measured(process.porosity) for process in PROCESSES.values()}
    else:
        processes = read_processes(data, dense, float(loaded.positive.loading))
    with located(data or design):
        verdicts = passes_percolation(processes)
    if as_json:
        rows = {
            "design": loaded.name,
            "data": data or {process.name: process.source for process in PROCESSES.values()},
            "dense_density_g_cm3": dense / 1e3,
            "percolation_porosity_pct": 100.0 * verdicts[0].threshold,
            "percolation_density_g_cm3": percolation_density(dense) / 1e3,
            "processes": [_row(verdict) for verdict in verdicts],
        }
        click.echo(json.dumps(rows, indent=2, allow_nan=False, ensure_ascii=False))
        return
    _table(verdicts, dense)
    if data is None:
        source = next(iter(PROCESSES.values())).source.rpartition(",")[0]
        click.echo(
            f"\nLowest porosities published ({source}), taken as they are for {loaded.name}. "
            "--data FILE uses your own; with two pressures of a method it gives the pressure needed."
        )


def _row(verdict: Verdict) -> dict[str, object]:
    """One process in JSON: MPa and per cent."""
    fit = verdict.fit
    return {
        "process": verdict.process,
        "points": verdict.points,
        "k_per_MPa": _fitted(fit.model.k * 1e6, fit.k_interval, 1e6) if fit else None,
        "a": _fitted(fit.model.a, fit.a_interval) if fit else None,
        "residual": fit.residual if fit else None,
        "porosity_pct": 100.0 * verdict.porosity,
        "passes": verdict.passes,
        "pressure_needed_MPa": verdict.pressure / 1e6 if verdict.pressure is not None else None,
        "within_data": verdict.within_data,
    }


def _fitted(value: float, interval: tuple[float, float] | None, factor: float = 1.0) -> dict[str, float | None]:
    """Return a fitted value with its 95 % interval, null where two points leave none."""
    low, high = (edge * factor for edge in interval) if interval else (None, None)
    return {"value": value, "low": low, "high": high}


def _table(verdicts: tuple[Verdict, ...], dense: float) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Process")
    for heading in (
        "Points",
        "k, GPa⁻¹",
        "A",
        "Porosity, %",
        "Density, g cm⁻³",
        "Threshold, %",
        "Passes",
        "Needed, MPa",
    ):
        table.add_column(heading, justify="right")
    for verdict in verdicts:
        fit = verdict.fit
        needed = "–" if verdict.pressure is None else f"{verdict.pressure / 1e6:.0f}"
        if verdict.within_data is False:
            needed += " (outside the data)"
        table.add_row(
            Text(verdict.process),
            str(verdict.points),
            f"{fit.model.k * 1e9:.3g}" if fit else "–",
            f"{fit.model.a:.3g}" if fit else "–",
            f"{100.0 * verdict.porosity:.1f}",
            f"{dense * (1.0 - verdict.porosity) / 1e3:.2f}",
            f"{100.0 * verdict.threshold:.1f}",
            "yes" if verdict.passes else "no",
            needed,
        )
    show(table)
