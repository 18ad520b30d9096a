"""`solidstack twin`: structures from a design, what they conduct, how they cycle; commands in modules of their own."""

from importlib import import_module

import click

from .menu import Entry, Menu

COMMANDS = {
    "build": ("twin_build", Entry("Structure", "Build the positive electrode of a design from voxels")),
    "measure": ("twin_files", Entry("Structure", "Measure the phases: connectivity, interfaces, sizes")),
    "export": ("twin_files", Entry("Structure", "Write a structure for other programs (.tif, .vti, .npy, .stl)")),
    "picture": ("twin_files", Entry("Structure", "Draw a structure in 3D or as slices")),
    "transport": ("twin_transport", Entry("Conduction", "Effective conductivity and tortuosity factor of a structure")),
    "compare": ("twin_compare", Entry("Conduction", "The closed-form ionic resistance next to the full field")),
    "discharge": ("discharge", Entry("Cycling", "Charge and discharge a structure, voxel by voxel")),
    "impedance": (
        "twin_impedance",
        Entry("Cycling", "Impedance of a structure, beside its transmission line"),
    ),
    "simulate": (
        "homogenised",
        Entry("Cycling", "Charge and discharge as a homogenised model", needs="pybamm", extra="companion"),
    ),
    "rates": (
        "homogenised",
        Entry("Cycling", "Rate capability over loading (homogenised model)", needs="pybamm", extra="companion"),
    ),
    "validate": ("validate", Entry("Cycling", "Close-packed, random and homogenised models side by side")),
}


def _load(name: str) -> click.Command:
    """Import a command."""
    module, _ = COMMANDS[name]
    command: click.Command = getattr(import_module(f".{module}", __package__), f"{name}_command")
    return command


@click.group("twin", cls=Menu, entries={name: entry for name, (_, entry) in COMMANDS.items()}, load=_load)
def command() -> None:
    """Build the electrode of a design as a 3D structure, solve for what it conducts, charge and discharge it.

    \b
    Example:
      solidstack twin build my-cell.toml -o electrode.zarr
      solidstack twin transport electrode.zarr
      solidstack twin discharge electrode.zarr my-cell.toml -o cycle
    """
