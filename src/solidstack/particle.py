r"""The core-shell building block: active-material core, solid-electrolyte shell.

Building blocks in cubic close packing set two thresholds and one resistance:

* composition: at the balance threshold the cores fill the close packing and the solid electrolyte the rest;
* density: blocks touch only above the percolation threshold, porosity :math:`1-\varphi`;
* resistance: blocks pressed from there to the actual density conduct through their flattened contacts.

Source: Nat. Commun. 15 (2024), s41467-024-50075-9.
"""

import math
from dataclasses import dataclass

import numpy as np

from .units import Values

CLOSE_PACKING = math.pi / (3.0 * math.sqrt(2.0))
"""Volume share of equal spheres in cubic close packing, 0.74048."""


@dataclass(frozen=True)
class Block:
    """The building block of an electrode (arrays broadcast).

    Attributes
    ----------
    core_fraction : array
        Volume of active material over that of active material and solid electrolyte, 0 to 1.
    balance_mass_fraction : array
        Mass fraction of active material in the whole composition at the balance threshold, the other components
        keeping their shares.
    balance_of_pair : array
        The same for active material and solid electrolyte alone.
    percolation_density : array
        Density at which the blocks touch, kg/m3.
    resistance_factor : array
        Conductivity of the solid electrolyte over the effective one; infinite at and below percolation.
    """

    core_fraction: Values
    balance_mass_fraction: Values
    balance_of_pair: Values
    percolation_density: Values
    resistance_factor: Values


def balance_mass_fraction(active_density: Values, electrolyte_density: Values, others: Values = 0.0) -> Values:
    r"""Return the mass fraction of active material at the balance threshold.

    .. math:: w = (1 - w_o)\,\frac{\varphi\rho_{AM}}{\varphi\rho_{AM} + (1-\varphi)\rho_{SE}}

    Parameters
    ----------
    active_density, electrolyte_density : array
        True densities, kg/m3, above 0.
    others : array
        Mass fraction :math:`w_o` of everything else (conductive additive, binder), 0 to 1.

    Returns
    -------
    array
        Mass fraction, 0 to 1.

    Examples
    --------
    NCM622 (4.76 g/cm3) with a polymer electrolyte of 1.80 g/cm3:

    >>> round(balance_mass_fraction(4760.0, 1800.0), 3)
    0.883
    """
    active = CLOSE_PACKING * active_density
    return (1.0 - others) * active / (active + (1.0 - CLOSE_PACKING) * electrolyte_density)


def percolation_density(dense_density: Values) -> Values:
    """Return the density of a composition at which close-packed building blocks touch, kg/m3.

    Examples
    --------
    >>> round(percolation_density(3992.0))
    2956
    """
    return CLOSE_PACKING * dense_density


def resistance_factor(core_fraction: Values, porosity: Values) -> Values:
    r"""Return the conductivity of the solid electrolyte over the effective one of pressed building blocks.

    A core of radius R in a shell of radius :math:`R_o`, :math:`(R/R_o)^3 = s`, is pressed along the current
    from the percolation density to the actual one; each pole is cut at
    :math:`z_c = R_o\,\varphi/(1-\varepsilon)`. Slices in series across the shell, in a column of area
    :math:`(2R_o)^2` and height :math:`2 z_c`, with :math:`r = R/R_o` and :math:`z = z_c/R_o`:

    .. math::

        f = \frac{4}{\pi z}\left[\frac{r}{1-r^2} + \operatorname{artanh} z - \operatorname{artanh} r\right]
        \quad (z > r), \qquad f = \frac{4}{\pi (1-r^2)} \quad (z \le r).

    The second line is the same integral when the cut lies below the top of the core. The size of the particle
    drops out. Slices in series are a lower bound for one isolated block and an approximation for the packing: it
    does not tend to 1 without core and pores (4/(pi z) artanh z stays above it), and full-field solutions of the
    close packing differ from it.

    Parameters
    ----------
    core_fraction : array
        s, volume of active material over that of active material and solid electrolyte, 0 to 1.
    porosity : array
        Pore volume fraction, 0 to 1.

    Returns
    -------
    array
        f, infinite where the porosity is at or above the percolation threshold (point contact) or the core
        fills the block.

    Examples
    --------
    At the balance threshold and 20 % porosity, a seventh of the electrolyte's conductivity remains.

    >>> round(1 / resistance_factor(CLOSE_PACKING, 0.20), 3)
    0.142
    """
    r = np.cbrt(core_fraction)
    z = CLOSE_PACKING / (1.0 - np.asarray(porosity, dtype=float))
    with np.errstate(divide="ignore", invalid="ignore"):
        # below r the poles are cut inside the core and only the annulus of height z is left; continuous at z = r
        cut = np.minimum(z, r)
        poles = np.arctanh(np.minimum(np.maximum(z, r), 1.0)) - np.arctanh(r)
        factor = 4.0 / (np.pi * z) * (cut / (1.0 - r * r) + poles)
    # z at 1 is the point contact; rounding must not turn it into a large number
    factor = np.where((z >= 1.0 - 1e-12) | (r >= 1.0), np.inf, factor)
    factor = np.where(np.isnan(z) | np.isnan(r), np.nan, factor)
    return float(factor) if factor.ndim == 0 else factor


def building_block(
    active_volume: Values,
    electrolyte_volume: Values,
    active_density: Values,
    electrolyte_density: Values,
    others: Values,
    dense_density: Values,
    porosity: Values,
) -> Block:
    """Return the building block of a composition at a porosity.

    Parameters
    ----------
    active_volume, electrolyte_volume : array
        Solid volume fractions.
    active_density, electrolyte_density, dense_density : array
        Densities of active material, solid electrolyte and the whole solid, kg/m3.
    others : array
        Mass fraction of everything else.
    porosity : array
        Pore volume fraction.

    Returns
    -------
    Block
    """
    core = active_volume / (active_volume + electrolyte_volume)
    pair = balance_mass_fraction(active_density, electrolyte_density)
    return Block(
        core_fraction=core,
        balance_mass_fraction=(1.0 - others) * pair,
        balance_of_pair=pair,
        percolation_density=percolation_density(dense_density),
        resistance_factor=resistance_factor(core, porosity),
    )
