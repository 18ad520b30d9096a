"""`solidstack map`: a number of the sheet over two keys."""

from pathlib import Path

import click

from ..errors import DesignError
from ..maps import design_map, save, variable
from ..materials import default_library
from ..units import article
from .common import changes_option, load_changed, located


@click.command("map")
@click.argument("kind")
@click.argument("designs", metavar="DESIGN...", nargs=-1, required=True)
@click.option("-o", "--output", metavar="FILE", help="netCDF (.nc), table (.csv) or figure (.png, .svg, .pdf).")
@click.option("--x", metavar="KEY=LO:HI:N", help='Axis, as in positive.loading="10:40 mg/cm^2:61"; end with :log.')
@click.option("--y", metavar="KEY=LO:HI:N", help="Axis.")
@click.option("--figure", metavar="GROUP.KEY", help="What to draw, as in cell.energy_density or as in the JSON.")
@click.option(
    "--electrolyte",
    "electrolytes",
    metavar="NAME",
    multiple=True,
    help="Add a panel with this solid electrolyte in place of the design's. May be repeated.",
)
@changes_option
def command(
    kind: str,
    designs: tuple[str, ...],
    output: str | None,
    x: str | None,
    y: str | None,
    figure: str | None,
    electrolytes: tuple[str, ...],
    changes: tuple[str, ...],
) -> None:
    """Map the sheet of DESIGN over two keys.

    KIND is porosity, ir-drop, electrode-energy, membrane or stack, each with its own axes; or "custom" with
    --x and --y. The figure shows the balance, percolation and loading thresholds and the design's own point.
    Several designs or electrolytes give panels side by side on one colour scale.

    \b
    Examples:
      solidstack map porosity my-cell.toml -o porosity.png
      solidstack map porosity my-cell.toml -o four.svg \\
          --electrolyte SPE --electrolyte Li6PS5Cl --electrolyte Li3InCl6 --electrolyte LLZO
      solidstack map custom my-cell.toml -o map.nc \\
          --x positive.loading="10:40 mg/cm^2:61" --y temperature="20 degC:80 degC:31"
    """
    bases = [load_changed(path, changes) for path in designs]
    titles = [design.name for design in bases]
    if electrolytes:
        for name in electrolytes:
            if (material := default_library()[name]).role != "solid-electrolyte":
                msg = f"--electrolyte {name} is {article(material.role)}; name a solid-electrolyte"
                raise DesignError(msg)
        pairs = [(base, name) for base in bases for name in electrolytes]
        bases = [base.with_material(base.positive_materials("solid-electrolyte")[0], name) for base, name in pairs]
        several = len(designs) > 1
        titles = [f"{base.name}, {name}" if several else name for base, (_, name) in zip(bases, pairs, strict=True)]
    named = None if kind == "custom" else kind
    maps = []
    for index, base in enumerate(bases):
        with located(designs[index // max(len(electrolytes), 1)]):
            maps.append(design_map(base, x, y, kind=named))
    for dataset in maps:
        if figure is not None:
            name = variable(dataset, figure)
            dataset.attrs["figure"] = name
            dataset.attrs["title"] = dataset[name].attrs["long_name"]
    path = Path(output or f"{kind}.png")
    if path.suffix.lower() in (".nc", ".csv"):
        if len(maps) > 1:
            msg = f"{len(maps)} maps do not fit into one {path.suffix} file; write them one by one, or draw a figure"
            raise DesignError(msg)
        save(maps[0], path)
    else:
        from ..plot import draw_maps
        from ..plot import save as save_figure

        save_figure(draw_maps(maps, bases, titles if len(maps) > 1 else None), path)
    click.echo(str(path))
