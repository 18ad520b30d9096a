"""`solidstack twin compare`: the closed form next to the full field."""

import click

from .. import units
from .common import changes_option, json_option, load_changed, located, number, print_json, range_option, show
from .progress import shown_progress


@click.command("compare")
@click.argument("design")
@click.option("--porosity", "porosities", metavar="LO:HI:N", help="In percent; default 2:24 and up to the threshold.")
@click.option("--core", "cores", type=float, multiple=True, metavar="VOL%", help="Active material of solid, vol%.")
@click.option("--voxels", type=int, default=128, show_default=True, help="Along the edge of a unit cell.")
@click.option("-o", "--output", metavar="FILE", help="Figure (.png, .svg, .pdf).")
@changes_option
@json_option
def compare_command(
    design: str,
    porosities: str | None,
    cores: tuple[float, ...],
    voxels: int,
    output: str | None,
    changes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Compare the closed form of DESIGN's ionic resistance with the full field of the close packing.

    Over porosity, for the design's composition and for the balance threshold (or each --core), with Bruggeman's law.

    \b
    Example:
      solidstack twin compare my-cell.toml -o closed-form.png
    """
    from ..study.comparison import compare

    loaded = load_changed(design, changes)
    with located(design), shown_progress() as progress:
        points = compare(
            loaded,
            None if porosities is None else _range(porosities),
            [value / 100.0 for value in cores] or None,
            voxels=voxels,
            progress=progress,
        )
    if output is not None:
        from ..plot import save
        from ..plot.twin import draw_comparison

        save(draw_comparison(points), output)
    if as_json:
        print_json([point.to_dict() for point in points])
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (
        "AM, vol%",
        "porosity, %",
        "uniaxial",
        "isostatic",
        "closed form",
        "dev., %",
        "Bruggeman",
        "dev., %",
    ):
        table.add_column(heading, justify="right")
    for point in points:
        data = point.to_dict()
        keys = ("core_vol_pct", "porosity_pct", "twin_uniaxial", "twin_isostatic", "closed_form")
        more = ("closed_form_deviation_pct", "bruggeman", "bruggeman_deviation_pct")
        table.add_row(*("–" if data[key] is None else number(data[key]) for key in (*keys, *more)))
    show(table)
    click.echo("conductivity relative to that of the solid electrolyte; deviations from the uniaxial full field")
    if output is not None:
        click.echo(output)


def _range(text: str) -> list[float]:
    low, high, count = range_option(text, "--porosity", units.POROSITY, 100.0)
    return [(low + (high - low) * step / max(1, count - 1)) / 100.0 for step in range(count)]
