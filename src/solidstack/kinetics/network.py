r"""The electronic network of a conductive additive whose particles are much smaller than those of the active material.

.. math::

    \sigma = \sigma_a \left( \frac{v - v_c}{1 - v_c} \right)^t m^{3/2}

beyond the percolation content :math:`v_c`, else 0: v is the additive's share of the matrix, which is additive, solid
electrolyte and binder, and m the matrix's share of the electrode. The first factor is the percolation law of a
composite, which is that of the additive alone at v = 1; the second one is
Bruggeman's for the active material and the pores that are in the way.
"""

from collections.abc import Mapping
from dataclasses import dataclass

BRUGGEMAN = 1.5
"""Exponent of the volume fraction of a phase in a medium."""


@dataclass(frozen=True)
class Percolation:
    """How a conductive additive connects.

    Attributes
    ----------
    content : float
        Share of the matrix from which it connects.
    exponent : float
        t.
    """

    content: float
    exponent: float = 2.0


def network_conductivity(
    conductivities: Mapping[str, float],
    percolation: Mapping[str, Percolation],
    volumes: Mapping[str, float],
    matrix: float,
) -> float:
    """Effective conductivity of the additives' network in an electrode, S/m; 0 where they do not percolate.

    Of several additives the contents over their thresholds add, and conductivity and exponent are means by volume.

    Parameters
    ----------
    conductivities : mapping of str to float
        Of each additive by itself, S/m.
    percolation : mapping of str to Percolation
        Of those additives that form a network finer than a voxel.
    volumes : mapping of str to float
        Of each additive, per volume of electrode.
    matrix : float
        Of additives, solid electrolyte and binder, per volume of electrode.

    Examples
    --------
    10 vol% of 310 S/m in the matrix, which is 40 % of the electrode, with a threshold of 5 vol%.

    >>> law = {"carbon": 310.0}, {"carbon": Percolation(0.05)}
    >>> round(network_conductivity(*law, {"carbon": 0.04}, 0.4), 3)
    0.217
    >>> network_conductivity(*law, {"carbon": 0.01}, 0.4)
    0.0
    """
    known = [name for name in percolation if volumes.get(name, 0.0) > 0.0 and name in conductivities]
    total = sum(volumes[name] for name in known)
    if not known or matrix <= 0.0:
        return 0.0
    share = min(total / matrix, 1.0)
    over = sum(volumes[name] / matrix / percolation[name].content for name in known)
    if over <= 1.0:
        return 0.0
    threshold = share / over
    own = sum(volumes[name] * conductivities[name] for name in known) / total
    exponent = sum(volumes[name] * percolation[name].exponent for name in known) / total
    return float(own * ((share - threshold) / (1.0 - threshold)) ** exponent * matrix**BRUGGEMAN)
