"""`solidstack twin impedance`: the impedance of a structure, and of the transmission line of the same medium."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from .. import units
from ..errors import DesignError, StructureError
from ..twin.structure import formats
from .common import (
    changes_option,
    json_option,
    load_changed,
    located,
    number,
    phases_option,
    print_json,
    range_option,
    show,
    voxel_option,
    warn,
)
from .progress import shown_progress
from .runs import check_figures, ideal_option

if TYPE_CHECKING:
    from ..kinetics import CellParameters
    from ..twin.effective import Effective
    from ..twin.electrochemistry.impedance import Impedance
    from ..twin.structure.voxels import Structure


@click.command("impedance")
@click.argument("file")
@click.argument("design")
@click.option("--stoichiometry", type=float, help="Of the active material; default 0.5.")
@click.option("--voltage", metavar="VOLTAGE", help='In equilibrium, as in "3.8 V".')
@click.option("--frequencies", metavar="LO:HI:N", default="1e-3:1e3:25", show_default=True, help="Hz, logarithmic.")
@click.option(
    "--double-layer", metavar="CAPACITANCE", help='Of the interfaces of the active material, as in "10 uF/cm^2".'
)
@click.option("-o", "--output", metavar="FILE", multiple=True, help="Spectrum (.csv) or figure; may be repeated.")
@ideal_option
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
    """Impedance of the structure FILE with membrane and lithium, compared with a transmission line of the same medium.

    \b
    Example:
      solidstack twin impedance electrode.zarr my-cell.toml --voltage "3.8 V" -o z.png -o z.csv
    """
    from ..kinetics import cell_parameters
    from ..twin.electrochemistry.impedance import CAPACITANCE, impedance

    check_figures([path for path in output if not _is_spectrum(path)])
    loaded = load_changed(design, changes)
    if ideal_electronics:
        loaded = loaded.with_(kinetics__ideal_electronics=True)
    low, high, count = range_option(frequencies, "--frequencies", units.FREQUENCY)
    volts: Any = None if voltage is None else units.parse(voltage, units.VOLTAGE)
    layer: Any = 0.0 if double_layer is None else units.parse(double_layer, CAPACITANCE)
    with located(file):
        structure = formats.read(file, voxel=voxel, phases=phases)
    with located(design), shown_progress() as progress:
        parameters = cell_parameters(loaded)
        spectrum = impedance(
            structure, loaded, parameters=parameters, stoichiometry=stoichiometry, voltage=volts,
            frequencies=np.logspace(np.log10(low), np.log10(high), count), double_layer=layer,
            effective=_medium(structure, parameters), progress=progress,
        )  # fmt: skip
    _write(spectrum, output)
    if as_json:
        print_json(spectrum.to_dict())
        return
    show(_table(spectrum))
    click.echo(f"x = {spectrum.stoichiometry:.3g}, {spectrum.voltage:.4g} V")
    for path in output:
        click.echo(path)


def _is_spectrum(path: str) -> bool:
    return Path(path).suffix.lower() == ".csv"


def _medium(structure: "Structure", parameters: "CellParameters") -> "Effective | None":
    """Medium of the transmission line; None, with a warning, where the structure has none."""
    from ..twin.effective import Effective

    try:
        return Effective.from_structure(structure, parameters)
    except (StructureError, DesignError) as error:
        warn(f"without a transmission line: {error}")
        return None


def _write(spectrum: "Impedance", paths: tuple[str, ...]) -> None:
    series = [("twin", spectrum.frequency, spectrum.z)]
    if spectrum.transmission_line is not None:
        series.append(("transmission line", spectrum.frequency, spectrum.transmission_line))
    for path in paths:
        if _is_spectrum(path):
            spectrum.save(path)
        else:
            from ..plot import save
            from ..plot.twin_impedance import draw_impedance

            save(draw_impedance(series), path)


def _table(spectrum: "Impedance") -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("frequency, Hz", "Re Z, ohm cm^2", "-Im Z", "transmission line: Re Z", "-Im Z"):
        table.add_column(heading, justify="right")
    for row, (frequency, z) in enumerate(zip(spectrum.frequency, spectrum.z, strict=True)):
        line = ("", "")
        if spectrum.transmission_line is not None:
            there = spectrum.transmission_line[row]
            line = (number(1e4 * there.real), number(-1e4 * there.imag))
        table.add_row(f"{frequency:.3g}", number(1e4 * z.real), number(-1e4 * z.imag), *line)
    return table
