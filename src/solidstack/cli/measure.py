"""`solidstack measure`: instrument files to values with intervals, a figure, a page, and a material."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .. import units
from ..errors import InputError, MeasurementError
from .common import check_folder, print_json, show, warn
from .menu import Menu
from .progress import shown_progress

if TYPE_CHECKING:
    from ..measure.records import Record
    from ..measure.result import Result

F = TypeVar("F", bound=Callable[..., Any])

SAMPLE_OPTIONS = {
    "area": (units.AREA, 'Of the electrode, as in "1.13 cm^2"; default: what the file says.'),
    "thickness": (units.THICKNESS, 'Of the electrolyte between the electrodes, as in "100 um".'),
    "mass": (units.MASS, 'Of the active material, as in "12.3 mg".'),
    "temperature": (units.TEMPERATURE, 'Of the cell, as in "25 degC".'),
}


ROWS, COLUMNS = 20, 8
"""Of a table on the terminal."""


class Quantity(click.ParamType):  # type: ignore[type-arg]
    """Text with a unit, to SI."""

    def __init__(self, kind: units.Kind) -> None:
        self.kind, self.name = kind, kind.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ARG002
        """Read a quantity."""
        if not isinstance(value, str):
            return float(value)
        try:
            return units.parse(value, self.kind)
        except InputError as error:
            msg = f"{param.opts[0] if param else ''}: {error}"
            raise MeasurementError(msg) from None


def quantity(name: str, kind: units.Kind, words: str) -> Callable[[F], F]:
    """Add an option that is a quantity with its unit."""
    return click.option(name, type=Quantity(kind), metavar="QUANTITY", help=words)


def measurement(*sample: str, files: bool = True) -> Callable[[F], F]:
    """Add the files, what is asked of the sample, how to read them, and what to do with the result."""

    def decorate(function: F) -> F:
        options: list[Callable[[Any], Any]] = [quantity(f"--{name}", *SAMPLE_OPTIONS[name]) for name in sample]
        if files:
            options.append(
                click.option(
                    "--column", "columns", metavar="OURS=THEIRS", multiple=True,
                    help='Name a column of the file, as in --column "voltage=U/mV". May be repeated.',
                )
            )  # fmt: skip
        options += [
            click.option("-o", "--output", metavar="DIR", help="Page (HTML, PDF), figure, data."),
            click.option("--save-material", metavar="NAME", help="Put the values into this material of your library."),
            click.option("--based-on", metavar="NAME", help="Known material that a new one starts from."),
            click.option("--role", help="Of a new material, as in solid-electrolyte."),
            quantity("--density", units.DENSITY, "True density of a new material."),
            click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        ]

        @functools.wraps(function)
        def checked(**given: Any) -> Any:
            """Refuse what could not be kept before the work is done for it."""
            check_folder(given["output"])
            unused = [f"--{key.replace('_', '-')}" for key in ("based_on", "role", "density") if given[key] is not None]
            if unused and given["save_material"] is None:
                msg = f"{' and '.join(unused)}: of a material; give --save-material NAME too"
                raise MeasurementError(msg)
            return function(**given)

        wrapped: Any = checked
        for option in reversed(options):
            wrapped = option(wrapped)
        done: F = click.argument("files", metavar="FILES...", nargs=-1, required=True)(wrapped)
        return done

    return decorate


@click.group("measure", cls=Menu)
def command() -> None:
    """Instrument files to material properties, with 95 % intervals.

    Reads BioLogic .mpr and .mpt, Gamry .DTA, Neware .nda and .ndax, and CSV, text or Excel files of Arbin, Neware,
    Maccor, Landt, PEC, Novonix, Basytec and others; --column names the columns of any other table. What the file
    says of the sample is taken; what it does not say is asked for.

    \b
    Examples:
      solidstack measure eis cell.mpr --area "1.13 cm^2" --thickness "100 um" --temperature "30 degC"
      solidstack measure arrhenius conductivity.csv --save-material "SPE batch 7" --based-on SPE
      solidstack measure cycling cell.mpr --mass "12.3 mg" -o cycling
    """


def read(files: Sequence[str], given: Mapping[str, Any]) -> list["Record"]:
    """Read the files, with what the options say of the sample and of the columns."""
    from ..measure.readers import read as read_file

    columns = {}
    for text in given.get("columns", ()):
        ours, equals, theirs = text.partition("=")
        if not equals or not ours.strip() or not theirs.strip():
            msg = f'--column "{text}" is not OURS=THEIRS, as in --column "voltage=U/mV"'
            raise MeasurementError(msg)
        columns[ours.strip()] = theirs.strip()
    sample = {name: given[name] for name in SAMPLE_OPTIONS if given.get(name) is not None}
    with shown_progress() as progress:
        return [read_file(path, columns=columns or None, progress=progress).with_sample(**sample) for path in files]


def only_file(files: Sequence[str], kind: str) -> None:
    """Refuse several files for an analysis of one."""
    if len(files) != 1:
        msg = f"measure {kind} takes one file; {len(files)} were given"
        raise MeasurementError(msg)


def finish(results: Sequence["Result"], draw: Callable[[Any], Any], given: Mapping[str, Any], caption: str) -> None:
    """Write, save and print results, each with its figure."""
    from ..report import write_measurement

    folder, paths = given["output"], list[Path]()
    if folder is not None:
        for place, result in zip(_folders(folder, results), results, strict=True):
            paths += write_measurement(result, draw(result), place, caption=caption)
    saved = _save(results, given)
    if given["as_json"]:
        data = [result.to_dict() for result in results]
        print_json(data[0] if len(data) == 1 else data)
    else:
        for result in results:
            _show(result)
        for path in paths:
            if path.suffix in (".html", ".pdf", ".png"):
                click.echo(str(path))
    if saved:
        click.echo(saved, err=given["as_json"])


def _folders(folder: str, results: Sequence["Result"]) -> list[Path]:
    """A folder for each of several results, by file and number."""
    if len(results) == 1:
        return [Path(folder)]
    digits = len(str(len(results)))
    return [
        Path(folder) / f"{at:0{digits}d}-{Path(result.records[0].source).stem if result.records else result.kind}"
        for at, result in enumerate(results, 1)
    ]


def _save(results: Sequence["Result"], given: Mapping[str, Any]) -> str:
    name = given["save_material"]
    if name is None:
        return ""
    from ..measure.material import save_material

    place, found = save_material(
        results, name, based_on=given["based_on"], role=given["role"], density=given["density"]
    )
    return f"{name}: {', '.join(key.replace('_', ' ') for key in found)} saved in {place}"


def _show(result: "Result") -> None:
    """Print values with their intervals, the window, tables that fit, and the warnings on stderr."""
    from rich.table import Table
    from rich.text import Text

    from ..measure.result import words

    sources = list(dict.fromkeys(one.name for one in result.records))
    click.secho(f"{', '.join(sources) or 'values given'}: {result.model}", bold=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, side in (("", "left"), ("value", "right"), ("95 % interval", "right"), ("", "left")):
        table.add_column(heading, justify=side)  # type: ignore[arg-type]
    for fitted in result.values.values():
        table.add_row(Text(fitted.label), *fitted.cells())
    show(table)
    for key, value in result.window.items():
        click.echo(f"{key.replace('_', ' ')}: {words(value)}")
    for series in result.series.values():
        rows = series.rows()
        if not rows:
            continue
        click.echo()
        click.secho(series.title, bold=True)
        grid = Table(box=None, pad_edge=False, header_style="bold")
        headings = series.headings()
        for heading in headings[:COLUMNS]:
            grid.add_column(heading, justify="right")
        for row in rows[:ROWS]:
            grid.add_row(*(Text(words(value)) for value in [*row.values()][:COLUMNS]))
        show(grid)
        if len(rows) > ROWS or len(headings) > COLUMNS:
            click.echo(f"... {len(rows)} rows of {len(headings)} columns; -o and --json give all of them")
    for text in result.to_dict()["warnings"]:
        warn(text)


def _draw(module: str, name: str) -> Callable[[Any], Any]:
    """Find a figure when it is drawn."""
    from importlib import import_module

    return lambda result: getattr(import_module(f"..plot.{module}", __package__), name)(result)


@command.command("eis")
@measurement("area", "thickness", "temperature")
@click.option(
    "--circuit",
    help='As in "R0-p(R1,CPE1)-CPE2", or blocking, interface, electrode, composite; default: the best of all that fit.',
)
@click.option("--low", type=float, metavar="HZ", help="Use no lower frequency.")
@click.option("--high", type=float, metavar="HZ", help="Use no higher frequency; default: found, with the reason.")
@click.option("--spectrum", default="1", show_default=True, help="Of a file with several: its number, or all.")
@quantity("--area-uncertainty", units.FRACTION, 'Half its 95 % interval, as in "2 %".')
@quantity("--thickness-uncertainty", units.FRACTION, 'Half its 95 % interval, as in "5 %".')
@click.option("--electrolyte", metavar="MATERIAL", help="Of a composite: gives its tortuosity factor.")
@quantity("--electrolyte-share", units.POROSITY, 'Volume fraction of it in the composite, as in "25 vol%".')
def eis_command(files: tuple[str, ...], **given: Any) -> None:
    """Impedance: window, Kramers-Kronig check, equivalent circuit, conductivity, relaxation times.

    \b
    Example:
      solidstack measure eis cell.mpr --thickness "100 um" --temperature "30 degC" -o impedance
    """
    records = read(files, given)
    if given["spectrum"] == "all":
        from ..measure.impedance import analyse_all, together

        found = together([result for one in records for result in analyse_all([one], **_fitting(one, given))])
        finish([found], _draw("spectra", "draw_over_time"), given, CAPTIONS["over-time"])
        return
    finish(_spectra(records, given), _draw("spectra", "draw_spectrum"), given, CAPTIONS["eis"])


def _spectra(records: Sequence["Record"], given: Mapping[str, Any]) -> list["Result"]:
    """Analyse the wanted spectrum of each file."""
    from ..measure import impedance

    wanted = given.get("spectrum", "1")
    if not (wanted.isascii() and wanted.isdecimal() and int(wanted) > 0):
        msg = f'--spectrum "{wanted}" is neither a number from 1 nor all'
        raise MeasurementError(msg)
    results: list[Result] = []
    for record in records:
        found = record.spectra()
        if int(wanted) > len(found):
            msg = f"has {len(found)} spectra; --spectrum {wanted} is none of them"
            raise MeasurementError(msg, source=record.source)
        if wanted == "1" and len(found) > 1:
            warn(f"{record.name} has {len(found)} spectra; this is the first (--spectrum N or all)")
        results.append(impedance.analyse(found[int(wanted) - 1], **_fitting(record, given)))
    return results


def _fitting(record: "Record", given: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the analysis of a spectrum."""
    from ..materials import default_library

    material, share = given.get("electrolyte"), given.get("electrolyte_share")
    if (material is None) != (share is None):
        msg = "--electrolyte and --electrolyte-share belong together: the tortuosity factor needs both"
        raise MeasurementError(msg)
    conductivity = None
    if material is not None:
        entry = default_library()[material].default("ionic_conductivity")
        if entry is None:
            msg = f"{material}: has no ionic conductivity; take a solid electrolyte"
            raise MeasurementError(msg)
        conductivity = float(entry.at(record.given("temperature")))
    return {
        "circuit": given.get("circuit"),
        "low": given.get("low"),
        "high": given.get("high"),
        "area_uncertainty": given.get("area_uncertainty") or 0.0,
        "thickness_uncertainty": given.get("thickness_uncertainty") or 0.0,
        "electrolyte_conductivity": conductivity,
        "electrolyte_fraction": share,
    }


@command.command("arrhenius")
@measurement("area", "thickness")
@quantity("--area-uncertainty", units.FRACTION, 'Half its 95 % interval, as in "2 %", of spectra.')
@quantity("--thickness-uncertainty", units.FRACTION, 'Half its 95 % interval, as in "5 %", of spectra.')
@click.option("--temperatures", metavar="LIST", help='Of the spectra, file by file: "30 degC, 45 degC, 60 degC".')
def arrhenius_command(files: tuple[str, ...], temperatures: str | None, **given: Any) -> None:
    """Activation energy: one table of temperature and conductivity, or spectra at several temperatures.

    A table has columns such as temperature (degC) and conductivity (mS/cm), or resistance (ohm) with --area and
    --thickness; with a third column of standard deviations if they are known.

    \b
    Examples:
      solidstack measure arrhenius conductivity.csv --save-material "SPE batch 7" --based-on SPE
      solidstack measure arrhenius 30.mpr 45.mpr 60.mpr --thickness "100 um" --temperatures "30 degC, 45 degC, 60 degC"
    """
    from ..measure import arrhenius

    if len(files) == 1 and temperatures is None:
        if given["columns"]:
            msg = "--column is of instrument files; name a table's columns temperature (degC), conductivity (mS/cm)"
            raise MeasurementError(msg)
        for name in ("area", "thickness"):
            if given[f"{name}_uncertainty"] is not None:
                msg = f"--{name}-uncertainty is of spectra; a table has standard deviations in a third column"
                raise MeasurementError(msg)
        result = arrhenius.from_table(files[0], area=given["area"], thickness=given["thickness"])
    else:
        records = read(files, given)
        if temperatures is not None:
            kelvin = [units.parse(text.strip(), units.TEMPERATURE) for text in temperatures.split(",")]
            if len(kelvin) != len(records):
                msg = f"--temperatures has {len(kelvin)} and there are {len(records)} files; give one for each file"
                raise MeasurementError(msg)
            records = [one.with_sample(temperature=value) for one, value in zip(records, kelvin, strict=True)]
        fitting = {key: given[key] for key in ("area_uncertainty", "thickness_uncertainty")}
        result = arrhenius.from_spectra(_spectra(records, fitting))
    finish([result], _draw("electrolyte", "draw_arrhenius"), given, CAPTIONS["arrhenius"])


@command.command("transference")
@measurement("area", "temperature")
@quantity("--voltage", units.SMALL_VOLTAGE, 'Applied, as in "10 mV"; default: that of the file.')
@quantity("--before", units.RESISTANCE, 'Of the interfaces before the polarisation, as in "120 ohm", for its spectrum.')
@quantity("--after", units.RESISTANCE, "And after it.")
@quantity("--initial-current", units.CURRENT, 'As in "58.8 uA"; default: found from the first part of the current.')
def transference_command(
    files: tuple[str, ...],
    voltage: float | None,
    before: float | None,
    after: float | None,
    initial_current: float | None,
    **given: Any,
) -> None:
    """Transference number after Bruce and Vincent: polarisation at constant voltage, and the spectra around it.

    FILES are the polarisation, the spectrum before and the spectrum after it, or the polarisation alone with --before
    and --after.

    \b
    Examples:
      solidstack measure transference polarisation.mpr before.mpr after.mpr
      solidstack measure transference polarisation.csv --before "118 ohm" --after "131 ohm" --voltage "10 mV"
    """
    from ..measure import transference
    from ..measure.records import FREQUENCY

    records = read(files, given)
    spectra = [one for one in records if one.has(FREQUENCY)]
    others = [one for one in records if not one.has(FREQUENCY)]
    wanted = 2 - (before is not None) - (after is not None)
    if len(others) != 1 or len(spectra) != wanted:
        msg = (
            f"wants one polarisation and {wanted} spectra (before, after; or --before and --after in their place); "
            f"{len(others)} and {len(spectra)} were given"
        )
        raise MeasurementError(msg)
    fits = iter(_spectra(spectra, {}))
    ends = [transference.interfaces(next(fits)) if value is None else value for value in (before, after)]
    result = transference.analyse(others[0], *ends, voltage=voltage, initial_current=initial_current)
    finish([result], _draw("electrolyte", "draw_transference"), given, CAPTIONS["transference"])


@command.command("lsv")
@measurement("area", "temperature")
@quantity("--threshold", units.CURRENT_DENSITY, "Of the current at the onset; default 10 uA/cm2.")
def lsv_command(files: tuple[str, ...], threshold: float | None, **given: Any) -> None:
    """Stability window from a linear sweep: onset by tangents and at a current.

    \b
    Example:
      solidstack measure lsv sweep.mpr --area "1.13 cm^2"
    """
    from ..measure import lsv as analysis

    changes = {} if threshold is None else {"threshold": threshold}
    results = [analysis.analyse(one, **changes) for one in read(files, given)]
    finish(results, _draw("electrolyte", "draw_lsv"), given, CAPTIONS["lsv"])


@command.command("cv")
@measurement("area", "temperature")
def cv_command(files: tuple[str, ...], **given: Any) -> None:
    """Cyclic voltammetry: peaks, mid-point potential; of several scan rates their exponent.

    \b
    Example:
      solidstack measure cv slow.mpr medium.mpr fast.mpr --area "0.785 cm^2"
    """
    from ..measure import cv as analysis

    finish([analysis.analyse(read(files, given))], _draw("electrolyte", "draw_cv"), given, CAPTIONS["cv"])


@command.command("symmetric")
@measurement("area", "thickness", "temperature")
@quantity(
    "--short-drop", units.FRACTION, 'Sudden fall of the overpotential that is a short, as in "30 %"; default 50 %.'
)
def symmetric_command(files: tuple[str, ...], short_drop: float | None, **given: Any) -> None:
    """Symmetric cell: overpotential and resistance by half cycle, critical current density, steady polarisation.

    \b
    Example:
      solidstack measure symmetric plating.mpr --area "1.13 cm^2" -o symmetric
    """
    from ..measure import symmetric

    changes = {} if short_drop is None else {"short_drop": short_drop}
    results = [symmetric.analyse(one, **changes) for one in read(files, given)]
    finish(results, _draw("electrolyte", "draw_symmetric"), given, CAPTIONS["symmetric"])


@command.command("gitt")
@measurement("mass", "temperature")
@quantity("--radius", units.THICKNESS, 'Of the particles, as in "2.5 um".')
@quantity("--ionic-resistance", units.RESISTANCE, 'Of the electrode, as in "40 ohm": tells a spreading reaction front.')
def gitt_command(files: tuple[str, ...], radius: float | None, ionic_resistance: float | None, **given: Any) -> None:
    """Diffusivity by GITT, pulse by pulse, with what makes each doubtful.

    \b
    Example:
      solidstack measure gitt titration.mpr --radius "2.5 um" --temperature "25 degC"
    """
    from ..measure import gitt

    results = [gitt.analyse(one, radius=radius, ionic_resistance=ionic_resistance) for one in read(files, given)]
    finish(results, _draw("cycling", "draw_gitt"), given, CAPTIONS["gitt"])


@command.command("cycling")
@measurement("mass", "area", "temperature")
@quantity("--cell-mass", units.MASS, 'Of the whole cell, as in "2.92 g": specific energy of the cell.')
@click.option("--design", metavar="FILE", help="Design of this cell, to compare with; also gives the active mass.")
@click.option("--cycle", type=int, help="Compared with the design; default: the one of most discharge energy.")
def cycling_command(
    files: tuple[str, ...], cell_mass: float | None, design: str | None, cycle: int | None, **given: Any
) -> None:
    """Cycling: capacities, efficiencies, average voltages, dQ/dV, retention, specific energy.

    With --design also what was predicted and simulated beside what was achieved, with the reasons ranked.

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
        result = compare_with_measured(loaded, read(files, given)[0], cell_mass=cell_mass, cycle=cycle)
        finish([result], _draw("achieved", "draw_achieved"), given, CAPTIONS["achieved"])
        return
    if cycle is not None:
        msg = "--cycle is what is compared with a design; give --design too"
        raise MeasurementError(msg)
    from ..measure import cycling

    results = [cycling.analyse(one, cell_mass=cell_mass) for one in read(files, given)]
    finish(results, _draw("cycling", "draw_cycling"), given, CAPTIONS["cycling"])


@command.command("particle-size")
@measurement(files=False)
def particle_size_command(files: tuple[str, ...], **given: Any) -> None:
    """Particle sizes from a table of laser diffraction: D10, D50, D90, means, log-normal fit.

    \b
    Example:
      solidstack measure particle-size sizes.csv --save-material "NCM622 lot 3" --based-on NCM622
    """
    from ..measure import particle_size

    results = [particle_size.analyse(path) for path in files]
    finish(results, _draw("solids", "draw_particle_size"), given, CAPTIONS["particle-size"])


@command.command("modulus")
@measurement("area", files=False)
@quantity("--gauge-length", units.LENGTH, 'Between the clamps, as in "20 mm", where the table has force and way.')
def modulus_command(files: tuple[str, ...], gauge_length: float | None, **given: Any) -> None:
    """Young's modulus from a table of stress and strain, or moduli from DMA.

    --area is the cross-section, where the table has force and displacement.

    \b
    Example:
      solidstack measure modulus tensile.csv --area "0.6 mm^2" --gauge-length "20 mm"
    """
    from ..measure import modulus

    results = [modulus.analyse(path, area=given["area"], gauge_length=gauge_length) for path in files]
    finish(results, _draw("solids", "draw_modulus"), given, CAPTIONS["modulus"])


CAPTIONS = {
    "eis": "Impedance and the fitted circuit; points that were cut are drawn open. Residuals of the fit and of the "
    "Kramers-Kronig check; distribution of relaxation times.",
    "over-time": "Spectra one after the other, from dark to bright, and their resistances with 95 % intervals.",
    "arrhenius": "Conductivity over inverse temperature, with the fitted line and its 95 % band.",
    "transference": "Current at constant voltage, its beginning and its steady state.",
    "lsv": "Current density over potential, with the onsets.",
    "cv": "Current density over potential, with peaks and baselines.",
    "symmetric": "Voltage and current of the symmetric cell, and what was read from them.",
    "gitt": "Voltage over time with the pulses found, and diffusivity over voltage; doubtful pulses are open.",
    "cycling": "Voltage over capacity, capacity and efficiency over cycles, differential capacity.",
    "achieved": "Measured, simulated and designed discharge, and what makes the difference in specific energy.",
    "particle-size": "Distribution of particle sizes by volume, with the fitted log-normal distribution.",
    "modulus": "Stress over strain, with the part that the modulus is from.",
}
