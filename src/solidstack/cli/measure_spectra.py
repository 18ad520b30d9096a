"""`solidstack measure eis|arrhenius|transference`: what is read off spectra."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from .. import units
from ..errors import MeasurementError
from .common import warn
from .measure_options import measurement, quantity, read
from .measure_output import CAPTIONS, drawn_by, finish

if TYPE_CHECKING:
    from ..measure.records import Record
    from ..measure.result import Result


@click.command("eis")
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
def eis_command(files: tuple[str, ...], **options: Any) -> None:
    """Impedance: window, Kramers-Kronig check, equivalent circuit, conductivity, relaxation times.

    \b
    Example:
      solidstack measure eis cell.mpr --thickness "100 um" --temperature "30 degC" -o impedance
    """
    records = read(files, options)
    if options["spectrum"] == "all":
        from ..measure.impedance import analyse_all, together

        spectra = [result for record in records for result in analyse_all([record], **_fitting(record, options))]
        finish([together(spectra)], drawn_by("spectra", "draw_over_time"), options, CAPTIONS["over-time"])
        return
    finish(_spectra(records, options), drawn_by("spectra", "draw_spectrum"), options, CAPTIONS["eis"])


def _spectra(records: Sequence["Record"], options: Mapping[str, Any]) -> list["Result"]:
    """Analyse the chosen spectrum of each file."""
    from ..measure import impedance

    number = options.get("spectrum", "1")
    if not (number.isascii() and number.isdecimal() and int(number) > 0):
        msg = f'--spectrum "{number}" must be a number from 1, or all'
        raise MeasurementError(msg)
    results: list[Result] = []
    for record in records:
        spectra = record.spectra()
        if int(number) > len(spectra):
            msg = f"has {len(spectra)} spectra; there is no --spectrum {number}"
            raise MeasurementError(msg, source=record.source)
        if number == "1" and len(spectra) > 1:
            warn(f"{record.name} has {len(spectra)} spectra; this is the first (--spectrum N or all)")
        results.append(impedance.analyse(spectra[int(number) - 1], **_fitting(record, options)))
    return results


def _fitting(record: "Record", options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the analysis of a spectrum."""
    from ..materials import default_library

    material, share = options.get("electrolyte"), options.get("electrolyte_share")
    if (material is None) != (share is None):
        msg = "--electrolyte and --electrolyte-share belong together: the tortuosity factor needs both"
        raise MeasurementError(msg)
    conductivity = None
    if material is not None:
        entry = default_library()[material].default("ionic_conductivity")
        if entry is None:
            msg = f"{material}: has no ionic conductivity; choose a solid electrolyte"
            raise MeasurementError(msg)
        conductivity = float(entry.at(record.given("temperature")))
    return {
        "circuit": options.get("circuit"),
        "low": options.get("low"),
        "high": options.get("high"),
        "area_uncertainty": options.get("area_uncertainty") or 0.0,
        "thickness_uncertainty": options.get("thickness_uncertainty") or 0.0,
        "electrolyte_conductivity": conductivity,
        "electrolyte_fraction": share,
    }


@click.command("arrhenius")
@measurement("area", "thickness")
@quantity("--area-uncertainty", units.FRACTION, 'Half its 95 % interval, as in "2 %", of spectra.')
@quantity("--thickness-uncertainty", units.FRACTION, 'Half its 95 % interval, as in "5 %", of spectra.')
@click.option("--temperatures", metavar="LIST", help='Of the spectra, file by file: "30 degC, 45 degC, 60 degC".')
def arrhenius_command(files: tuple[str, ...], temperatures: str | None, **options: Any) -> None:
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
        if options["columns"]:
            msg = (
                "--column is for instrument files; name the columns of a table temperature (degC), conductivity (mS/cm)"
            )
            raise MeasurementError(msg)
        for name in ("area", "thickness"):
            if options[f"{name}_uncertainty"] is not None:
                msg = f"--{name}-uncertainty is for spectra; a table has standard deviations in a third column"
                raise MeasurementError(msg)
        result = arrhenius.from_table(files[0], area=options["area"], thickness=options["thickness"])
    else:
        records = read(files, options)
        if temperatures is not None:
            kelvin = [units.parse(text.strip(), units.TEMPERATURE) for text in temperatures.split(",")]
            if len(kelvin) != len(records):
                msg = f"--temperatures has {len(kelvin)} values for {len(records)} files; give one for each file"
                raise MeasurementError(msg)
            records = [record.with_sample(temperature=value) for record, value in zip(records, kelvin, strict=True)]
        fitting = {key: options[key] for key in ("area_uncertainty", "thickness_uncertainty")}
        result = arrhenius.from_spectra(_spectra(records, fitting))
    finish([result], drawn_by("electrolyte", "draw_arrhenius"), options, CAPTIONS["arrhenius"])


@click.command("transference")
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
    **options: Any,
) -> None:
    """Transference number after Bruce and Vincent: polarisation at constant voltage, and the spectra before and after.

    FILES are the polarisation, the spectrum before and the spectrum after it, or the polarisation alone with --before
    and --after.

    \b
    Examples:
      solidstack measure transference polarisation.mpr before.mpr after.mpr
      solidstack measure transference polarisation.csv --before "118 ohm" --after "131 ohm" --voltage "10 mV"
    """
    from ..measure import transference
    from ..measure.records import FREQUENCY

    records = read(files, options)
    spectra = [record for record in records if record.has(FREQUENCY)]
    polarisations = [record for record in records if not record.has(FREQUENCY)]
    missing = 2 - (before is not None) - (after is not None)
    if len(polarisations) != 1 or len(spectra) != missing:
        msg = (
            f"needs one polarisation and {missing} spectra (before, after; or --before and --after instead); received "
            f"{len(polarisations)} and {len(spectra)}"
        )
        raise MeasurementError(msg)
    fits = iter(_spectra(spectra, {}))
    ends = [transference.interfaces(next(fits)) if value is None else value for value in (before, after)]
    result = transference.analyse(polarisations[0], *ends, voltage=voltage, initial_current=initial_current)
    finish([result], drawn_by("electrolyte", "draw_transference"), options, CAPTIONS["transference"])
