"""`solidstack measure`: instrument files to values with intervals, a figure, a page, and a material."""

from importlib import import_module

import click

from .menu import Entry, Menu

ELECTROLYTE, CELL, POWDER = "Electrolyte", "Cell", "Powders and films"
COMMANDS = {
    "eis": ("measure_spectra", Entry(ELECTROLYTE, "Impedance: circuit, conductivity, relaxation times")),
    "arrhenius": ("measure_spectra", Entry(ELECTROLYTE, "Activation energy from a table or from spectra")),
    "transference": ("measure_spectra", Entry(ELECTROLYTE, "Transference number after Bruce and Vincent")),
    "lsv": ("measure_series", Entry(ELECTROLYTE, "Stability window from a linear sweep")),
    "cv": ("measure_series", Entry(ELECTROLYTE, "Cyclic voltammetry: peaks and their scan-rate exponent")),
    "symmetric": ("measure_series", Entry(CELL, "Symmetric cell: overpotential and critical current density")),
    "gitt": ("measure_series", Entry(CELL, "Diffusivity by GITT, pulse by pulse")),
    "cycling": ("measure_series", Entry(CELL, "Capacities, efficiencies, dQ/dV, retention; comparison with a design")),
    "particle-size": ("measure_solids", Entry(POWDER, "Particle sizes from a laser-diffraction table")),
    "modulus": ("measure_solids", Entry(POWDER, "Young's modulus, or moduli from DMA")),
}


def _load(name: str) -> click.Command:
    """Import a command."""
    module, _ = COMMANDS[name]
    command: click.Command = getattr(import_module(f".{module}", __package__), f"{name.replace('-', '_')}_command")
    return command


@click.group("measure", cls=Menu, entries={name: entry for name, (_, entry) in COMMANDS.items()}, load=_load)
def command() -> None:
    """Instrument files to material properties, with 95 % intervals.

    Reads BioLogic .mpr and .mpt, Gamry .DTA, Neware .nda and .ndax, and CSV, text or Excel files from Arbin, Neware,
    Maccor, Landt, PEC, Novonix, Basytec and others; --column names the columns of any other table. Sample data in the
    file are used; what is missing is asked for.

    \b
    Examples:
      solidstack measure eis cell.mpr --area "1.13 cm^2" --thickness "100 um" --temperature "30 degC"
      solidstack measure arrhenius conductivity.csv --save-material "SPE batch 7" --based-on SPE
      solidstack measure cycling cell.mpr --mass "12.3 mg" -o cycling
    """
