"""Where the voltage of the half-cell goes: the contributions of `solidstack.twin.results.SPLIT`."""

from collections.abc import Mapping

import numpy as np

from ...constants import FARADAY, GAS
from ..results import SPLIT
from .scaling import Array, Cell

NO_CURRENT = 1e-9
"""A/m2; below it is rest."""


def split_voltage(rows: Mapping[str, Array], cell: Cell, temperature: float) -> dict[str, Array]:
    """Split the voltage into the contributions of `SPLIT`: power over current, each for itself.

    Integrated by parts, the power that is lost in electrons, ions and salt is the reaction times the distance of their
    potential from its value at the end where all of the current flows. At rest there is no current to divide by, and
    the difference between the voltage and the equilibrium is called diffusion.

    Parameters
    ----------
    rows : mapping of str to array, shape (n,)
        By the names of `solidstack.twin.companion.half_cell_equations.OUTPUTS`.
    cell : Cell
    temperature : float
        K.

    Returns
    -------
    dict of str to array, shape (n,)
        V; they sum to the voltage.
    """
    parameters, current = cell.parameters, -rows["current"]
    factor = 0.0
    excess = 0.0
    if cell.salt:
        thermal = GAS * temperature / FARADAY
        factor = 2.0 * (1.0 - cell.transference) * parameters.electrolyte.thermodynamic_factor * thermal
        # the membrane's resistance in excess of its salt's is in series in the model, but does not belong to lithium
        membrane = parameters.membrane.conductivity(temperature)
        electrolyte = parameters.electrolyte.conductivity(temperature)
        ease = cell.membrane_ease(temperature)
        excess = parameters.membrane_thickness * (1.0 / membrane - 1.0 / (ease * electrolyte))
    inside = factor * (rows["salt inside"] - rows["salt at membrane"])
    within = factor * (rows["salt at membrane"] - rows["salt at lithium"])
    split = {
        "equilibrium": rows["equilibrium"],
        "diffusion": rows["host"] - rows["equilibrium"],
        "charge_transfer": rows["electrons"] - rows["ions"] - rows["host"],
        "ionic": rows["ions"] - rows["ions at membrane"] - inside,
        "concentration": inside + within,
        "electronic": rows["electrons at collector"] - rows["electrons"],
        "membrane": rows["ions at membrane"] - rows["ions at lithium"] - within + current * excess,
        "lithium": rows["ions at lithium"] + rows["voltage"] - rows["electrons at collector"] - current * excess,
    }
    still = np.abs(current) < NO_CURRENT
    at_rest = {"equilibrium": rows["equilibrium"], "diffusion": rows["voltage"] - rows["equilibrium"]}
    return {name: np.where(still, at_rest.get(name, 0.0), split[name]) for name in SPLIT}
