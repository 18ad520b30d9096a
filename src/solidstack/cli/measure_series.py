"""`solidstack measure lsv|cv|symmetric|gitt|cycling`: voltage and current over time."""

from typing import Any

import click

from .. import units
from ..errors import MeasurementError
from .measure_options import measurement, only_file, quantity, read
from .measure_output import CAPTIONS, drawn_by, finish


@click.command("lsv")
@measurement("area", "temperature")
@quantity("--threshold", units.CURRENT_DENSITY, "Of the current at the onset; default 10 uA/cm2.")
def lsv_command(files: tuple[str, ...], threshold: float | None, **options: Any) -> None:
    """Stability window from a linear sweep: onset by tangents and at a current.

    \b
    Example:
      solidstack measure lsv sweep.mpr --area "1.13 cm^2"
    """
    from ..measure import lsv as analysis

    changes = {} if threshold is None else {"threshold": threshold}
    results = [analysis.analyse(record, **changes) for record in read(files, options)]
    finish(results, drawn_by("electrolyte", "draw_lsv"), options, CAPTIONS["lsv"])


@click.command("cv")
@measurement("area", "temperature")
def cv_command(files: tuple[str, ...], **options: Any) -> None:
    """Cyclic voltammetry: peaks, mid-point potential; of several scan rates their exponent.

    \b
    Example:
      solidstack measure cv slow.mpr medium.mpr fast.mpr --area "0.785 cm^2"
    """
    from ..measure import cv as analysis

    finish([analysis.analyse(read(files, options))], drawn_by("electrolyte", "draw_cv"), options, CAPTIONS["cv"])


@click.command("symmetric")
@measurement("area", "thickness", "temperature")
@quantity(
    "--short-drop", units.FRACTION, 'Sudden fall of the overpotential that is a short, as in "30 %"; default 50 %.'
)
def symmetric_command(files: tuple[str, ...], short_drop: float | None, **options: Any) -> None:
    """Symmetric cell: overpotential and resistance by half cycle, critical current density, steady polarisation.

    \b
    Example:
      solidstack measure symmetric plating.mpr --area "1.13 cm^2" -o symmetric
    """
    from ..measure import symmetric

    changes = {} if short_drop is None else {"short_drop": short_drop}
    results = [symmetric.analyse(record, **changes) for record in read(files, options)]
    finish(results, drawn_by("electrolyte", "draw_symmetric"), options, CAPTIONS["symmetric"])


@click.command("gitt")
@measurement("mass", "temperature")
@quantity("--radius", units.THICKNESS, 'Of the particles, as in "2.5 um".')
@quantity("--ionic-resistance", units.RESISTANCE, 'Of the electrode, as in "40 ohm": tells a spreading reaction front.')
def gitt_command(files: tuple[str, ...], radius: float | None, ionic_resistance: float | None, **options: Any) -> None:
    """Diffusivity by GITT, pulse by pulse, with what makes a pulse doubtful.

    \b
    Example:
      solidstack measure gitt titration.mpr --radius "2.5 um" --temperature "25 degC"
    """
    from ..measure import gitt

    results = [
        gitt.analyse(record, radius=radius, ionic_resistance=ionic_resistance) for record in read(files, options)
    ]
    finish(results, drawn_by("cycling", "draw_gitt"), options, CAPTIONS["gitt"])


@click.command("cycling")
@measurement("mass", "area", "temperature")
@quantity("--cell-mass", units.MASS, 'Of the whole cell, as in "2.92 g": specific energy of the cell.')
@click.option("--design", metavar="FILE", help="Design of this cell, to compare with; also gives the active mass.")
@click.option("--cycle", type=int, help="To compare with the design; default: the one with the most discharge energy.")
def cycling_command(
    files: tuple[str, ...], cell_mass: float | None, design: str | None, cycle: int | None, **options: Any
) -> None:
    """Cycling: capacities, efficiencies, average voltages, dQ/dV, retention, specific energy.

    With --design also the predicted and simulated figures next to the achieved ones, with the reasons ranked.

    \b
    Examples:
      solidstack measure cycling cell.mpr --mass "12.3 mg" -o cycling
      solidstack measure cycling pouch.csv --design my-cell.toml --cell-mass "2.98 g"
    """
    if design is not None:
        from ..design import load
        from ..study.achieved import compare_with_measured

        loaded = load(design)
        only_file(files, "cycling --design")
        result = compare_with_measured(loaded, read(files, options)[0], cell_mass=cell_mass, cycle=cycle)
        finish([result], drawn_by("achieved", "draw_achieved"), options, CAPTIONS["achieved"])
        return
    if cycle is not None:
        msg = "--cycle chooses the cycle to compare with a design; give --design too"
        raise MeasurementError(msg)
    from ..measure import cycling

    results = [cycling.analyse(record, cell_mass=cell_mass) for record in read(files, options)]
    finish(results, drawn_by("cycling", "draw_cycling"), options, CAPTIONS["cycling"])
