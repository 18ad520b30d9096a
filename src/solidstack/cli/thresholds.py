"""`solidstack thresholds`: balance and percolation of pairs of materials."""

import itertools
import json

import click

from ..electrode import pair_thresholds
from ..errors import MaterialError
from ..materials import default_library
from ..units import article
from .common import columns, show


@click.command("thresholds")
@click.option("--active", "actives", metavar="NAME", multiple=True, help="Active material; default: NCM622 and NCM811.")
@click.option(
    "--electrolyte",
    "electrolytes",
    metavar="NAME",
    multiple=True,
    help="Solid electrolyte; default: SPE, Li6PS5Cl, Li3InCl6, LLZO.",
)
@click.option("--all", "everything", is_flag=True, help="All pairs of the library.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(actives: tuple[str, ...], electrolytes: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Print the balance and percolation thresholds of active materials with solid electrolytes.

    The balance threshold is the wt% of active material at which its particles fill the close packing (74:26 by
    volume); the percolation threshold is the density at which building blocks of that composition touch.

    \b
    Example:
      solidstack thresholds --active NCM622 --electrolyte SPE --electrolyte Li6PS5Cl
    """
    library = default_library()
    chosen = []
    for names, role, usual in (
        (actives, "active-material", ("NCM622", "NCM811")),
        (electrolytes, "solid-electrolyte", ("SPE", "Li6PS5Cl", "Li3InCl6", "LLZO")),
    ):
        choice = [name for name in library if library[name].role == role]
        materials = [library[name] for name in (choice if everything else names or usual)]
        for material in materials:
            if material.role != role:
                msg = f"{material.name} is {article(material.role)}; expected {article(role)}: {', '.join(choice)}"
                raise MaterialError(msg)
        chosen.append(materials)
    rows = []
    for active, electrolyte in itertools.product(*chosen):
        pair = pair_thresholds(active.default("density").value, electrolyte.default("density").value)
        rows.append(
            {
                "active_material": active.name,
                "solid_electrolyte": electrolyte.name,
                "balance_am_wt_pct": 100.0 * pair.balance_am_mass_fraction,
                "percolation_density_g_cm3": pair.percolation_density / 1e3,
                "dense_density_g_cm3": pair.dense_density / 1e3,
                "percolation_porosity_pct": 100.0 * pair.percolation_porosity,
            }
        )
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    numbers = ("Balance, wt% AM", "Percolation, g cm⁻³", "Dense, g cm⁻³")
    table = columns("Active material", "Solid electrolyte", *numbers, right=numbers)
    for row in rows:
        table.add_row(
            str(row["active_material"]),
            str(row["solid_electrolyte"]),
            f"{row['balance_am_wt_pct']:.1f}",
            f"{row['percolation_density_g_cm3']:.2f}",
            f"{row['dense_density_g_cm3']:.2f}",
        )
    show(table)
