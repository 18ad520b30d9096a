"""Where the voltage goes: contributions that sum to the cell's voltage."""

from collections.abc import Mapping

from ..results import SPLIT
from .equations import Equations


def mean_stoichiometry(equations: Equations, contents: Mapping[str, float]) -> tuple[float, float]:
    """Mean stoichiometry by charge, and the potential at which all material would be in equilibrium at it, V.

    Parameters
    ----------
    equations : Equations
    contents : mapping of str to float
        Mean stoichiometry by active material.
    """
    charges = {name: equations.charge({name: 1.0}) for name in contents}
    total = sum(charges.values())
    mean = sum(charges[name] * value for name, value in contents.items()) / total
    if len(contents) == 1:
        name, value = next(iter(contents.items()))
        return mean, equations.equilibrium(name, value)
    return mean, equations.joint_equilibrium(contents)


def contributions(equations: Equations, current: float, equilibrium: float, least: float) -> dict[str, float]:
    """Contributions to the voltage, V: power over current, one by one; they sum to it by Tellegen's theorem.

    Parameters
    ----------
    equations : Equations
        At an accepted state.
    current : float
        A/m2; below a thousandth of `least` all that is not equilibrium counts as diffusion.
    equilibrium : float
        V, at the mean stoichiometry.
    least : float
        A/m2.
    """
    split = dict.fromkeys(SPLIT, 0.0)
    split["equilibrium"] = equilibrium
    voltage = equations.plate
    if abs(current) < 1e-3 * least:
        split["diffusion"] = voltage - equilibrium
        return split
    ionic, membrane, electronic, transfer, diffusion, salt, lithium, potential = equations.dissipation() / current
    split["ionic"], split["membrane"], split["electronic"] = float(ionic), float(membrane), float(electronic)
    split["charge_transfer"], split["lithium"] = float(transfer), float(lithium)
    split["concentration"] = float(salt)
    split["diffusion"] = float(diffusion + potential - equilibrium)
    return split
