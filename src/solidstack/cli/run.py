"""`solidstack run`: the main job, from a design file to a report."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from ..progress import Teller
from ..uncertain import Uncertain
from ..units import AH, MAH_G, MG_CM2, MS_CM, PERCENT, WH_KG, WH_L
from .common import changes_option, check_folder, default_folder, load_changed, located, notes
from .progress import shown_progress

if TYPE_CHECKING:
    from ..report import Report


@click.command("run")
@click.argument("design")
@click.option("-o", "--output", metavar="DIR", help="Folder of the report; default: NAME-report here.")
@click.option("--quick", is_flag=True, help="Leave out the digital twin.")
@click.option("--twin-size", metavar="LENGTH", help='Edge of the twin, as in "40 um"; default: a few million voxels.')
@click.option("--twin-voxel", metavar="LENGTH", help='Edge of its voxels, as in "0.1 um".')
@changes_option
def command(
    design: str,
    output: str | None,
    quick: bool,
    twin_size: str | None,
    twin_voxel: str | None,
    changes: tuple[str, ...],
) -> None:
    """Evaluate DESIGN and write its report: sheet, maps, breakdown, cross-section, digital twin, charge and discharge.

    DIR then holds report.html (one page that works offline), report.pdf, sheet.json and sheet.csv, inputs.toml, the
    figures and maps one by one, and the twin's structure with what it conducts. When it fails or is
    interrupted, nothing half-written is left.

    \b
    Example:
      solidstack run my-cell.toml -o my-report
    """
    loaded = load_changed(design, changes)
    folder = default_folder(design) if output is None else output
    check_folder(str(folder))
    twin = not quick and loaded.is_single
    if twin and find_spec("numba") is None:
        click.secho('no digital twin: it needs `pip install "solidstack[twin]"`', err=True, fg="yellow")
        twin = False
    from ..report import write_report
    from ..study import prove

    with located(design), shown_progress(lines=True) as progress:
        tell = Teller(progress)
        share = PROVING if twin else QUICK
        proof = prove(loaded, size=twin_size, voxel=twin_voxel, twin=twin, progress=tell.part(0.0, share))
        report = write_report(proof, folder, progress=tell.part(share, 1.0 - share))
    notes(report.sheet)
    for line in _summary(report):
        click.echo(line)
    click.echo(str(report.page))


PROVING, QUICK = 0.9, 0.2
"""Share of the progress that computing takes, with and without a twin; writing takes the rest."""


def _summary(report: "Report") -> Iterator[str]:
    """Yield what the report found, a line each for the cell, the twin and the simulated discharge."""
    sheet = report.sheet
    cell, regime = sheet.cell, sheet.thresholds.regime
    yield (
        f"{sheet.design.name}: {WH_KG.of(cell.specific_energy):.0f} Wh/kg, {WH_L.of(cell.energy_density):.0f} Wh/L, "
        f"{AH.of(cell.capacity):.3g} Ah; {regime.composition}, {regime.density}, loading {regime.loading} threshold"
    )
    twin, simulated = sheet.twin, sheet.simulated
    if twin is not None:
        yield (
            f"digital twin: effective ionic conductivity {MS_CM.of(twin.effective_conductivity):.3g} mS/cm "
            f"({PERCENT.of(twin.conductivity_deviation):+.0f} % against the closed form, "
            f"give or take {PERCENT.of(twin.conductivity_error):.0f} % for the size of its voxels), "
            f"loading threshold {MG_CM2.of(twin.loading_threshold):.3g} mg/cm^2"
        )
    if simulated is not None:
        slow, rated = (
            simulated.certainty.get(name, Uncertain.sure(getattr(simulated, name))).text(MAH_G)
            for name in ("slow_capacity", "rated_capacity")
        )
        yield f"simulated against lithium: {slow} mAh/g at C/10, {rated} mAh/g at the rated current"
