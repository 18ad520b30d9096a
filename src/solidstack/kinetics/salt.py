r"""A binary salt in an electrolyte: what is measured of it, and what follows (Balsara and Newman).

.. math:: \rho = \frac{1}{1 + Ne}, \quad Ne = \frac{2\sigma RT (1 - t_0)^2 \Theta}{F^2 D c}

with the conductivity, the concentration c, the salt diffusivity D, the transference number of lithium relative to the
solvent or matrix and the thermodynamic factor. The steady-state current fraction is what a polarisation of Bruce and
Vincent measures; it is the transference number only where the salt is ideal and fully dissociated
(:math:`\Theta = 1`, Nernst-Einstein :math:`D = 2RT\sigma t_0(1 - t_0)/F^2c`).

Source: Balsara and Newman, J. Electrochem. Soc. 162 (2015) A2720; `docs/theory.md`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..constants import FARADAY, GAS
from ..errors import MaterialError

CONSISTENT = 0.1
"""Relative difference of Newman's number from two sides up to which measured values agree."""

WORDS = {
    "transference_number": "transference number",
    "current_fraction": "current fraction",
    "salt_diffusivity": "salt diffusivity",
    "thermodynamic_factor": "thermodynamic factor",
}


@dataclass(frozen=True)
class Salt:
    """The four numbers of a salt that Newman's number ties together, at one temperature.

    Attributes
    ----------
    transference_number, current_fraction : float
        Above 0, below 1.
    salt_diffusivity : float
        m2/s.
    thermodynamic_factor : float
        Above 0.
    derived : str
        Which of the four follows from the others; the empty text where all four are given and agree.
    """

    transference_number: float
    current_fraction: float
    salt_diffusivity: float
    thermodynamic_factor: float
    derived: str


def newman_number(
    conductivity: float,
    temperature: float,
    transference: float,
    factor: float,
    diffusivity: float,
    concentration: float,
) -> float:
    """Return Newman's number Ne.

    Parameters
    ----------
    conductivity : float
        S/m.
    temperature : float
        K.
    transference, factor : float
        Transference number and thermodynamic factor.
    diffusivity : float
        Of the salt, m2/s.
    concentration : float
        mol/m3.
    """
    thermal = 2.0 * conductivity * GAS * temperature / FARADAY**2
    return thermal * (1.0 - transference) ** 2 * factor / (diffusivity * concentration)


def fraction_of(number: float) -> float:
    """Current fraction of a Newman number."""
    return 1.0 / (1.0 + number)


def diffusivity_of(
    conductivity: float, temperature: float, transference: float, factor: float, fraction: float, concentration: float
) -> float:
    """Return the salt diffusivity, m2/s, that goes with a current fraction; units as in `newman_number`.

    Examples
    --------
    A current fraction that is the transference number of an ideal salt gives the diffusivity of Nernst and Einstein.

    >>> f"{diffusivity_of(0.108, 303.15, 0.9, 1.0, 0.9, 1200.0):.2e}"
    '4.39e-12'
    """
    thermal = 2.0 * conductivity * GAS * temperature / FARADAY**2
    number = (1.0 - fraction) / fraction
    return thermal * (1.0 - transference) ** 2 * factor / (number * concentration)


def completed(
    known: Mapping[str, float], conductivity: float, concentration: float, temperature: float, *, of: str
) -> Salt:
    """Complete the numbers of a salt from those that are known.

    The thermodynamic factor is 1 where it is not known and not needed to tie the others together. Of a current fraction
    or a transference number alone, the salt is ideal and fully dissociated: both are the same.

    Parameters
    ----------
    known : mapping of str to float
        Of transference_number, current_fraction, salt_diffusivity (m2/s), thermodynamic_factor: those that are known.
    conductivity : float
        S/m.
    concentration : float
        mol/m3.
    temperature : float
        K.
    of : str
        Whose they are, for messages.

    Raises
    ------
    MaterialError
        Neither a transference number nor a current fraction, or numbers that contradict each other.
    """
    t, fraction = known.get("transference_number"), known.get("current_fraction")
    diffusivity, factor = known.get("salt_diffusivity"), known.get("thermodynamic_factor")
    if fraction is not None and fraction >= 1.0:
        msg = (
            f"{of}: a current fraction of 1 is that of a single-ion conductor, in which no salt moves; "
            "set kinetics.single_ion = true, or give the measured fraction below 1"
        )
        raise MaterialError(msg)
    if t is None and (fraction is None or diffusivity is None):
        t = fraction
    if t is None:
        assert fraction is not None
        assert diffusivity is not None
        factor = 1.0 if factor is None else factor
        squared = (1.0 - fraction) / fraction / newman_number(
            conductivity, temperature, 0.0, factor, diffusivity, concentration
        )  # fmt: skip
        if squared >= 1.0:
            raise _contradiction(of, known, fraction_of(newman_number(
                conductivity, temperature, 0.0, factor, diffusivity, concentration
            )), "even with a transference number of 0")  # fmt: skip
        return Salt(1.0 - math.sqrt(squared), fraction, diffusivity, factor, "transference_number")
    if diffusivity is None:
        fraction = t if fraction is None else fraction
        factor = 1.0 if factor is None else factor
        derived = diffusivity_of(conductivity, temperature, t, factor, fraction, concentration)
        return Salt(t, fraction, derived, factor, "salt_diffusivity")
    if fraction is None:
        factor = 1.0 if factor is None else factor
        number = newman_number(conductivity, temperature, t, factor, diffusivity, concentration)
        return Salt(t, fraction_of(number), diffusivity, factor, "current_fraction")
    measured = (1.0 - fraction) / fraction
    ideal = newman_number(conductivity, temperature, t, 1.0, diffusivity, concentration)
    if factor is None:
        return Salt(t, fraction, diffusivity, measured / ideal, "thermodynamic_factor")
    if abs(math.log(factor * ideal / measured)) > math.log1p(CONSISTENT):
        raise _contradiction(of, known, fraction_of(factor * ideal), "")
    return Salt(t, fraction, diffusivity, factor, "")


@dataclass(frozen=True)
class SaltLayer:
    """A layer that the salt moves through, as numbers.

    Attributes
    ----------
    thickness : float
        m.
    fraction : float
        Volume of the electrolyte per volume of the layer.
    diffusivity : float
        Effective, through the layer, per its whole cross-section, m2/s.
    transference_number : float
    concentration : float
        Nominal, mol/m3.
    """

    thickness: float
    fraction: float
    diffusivity: float
    transference_number: float
    concentration: float

    @property
    def fall(self) -> float:
        """Fall of the concentration over its nominal one, per current density, were it all to pass through, m2/A."""
        per = (1.0 - self.transference_number) / (FARADAY * self.diffusivity * self.concentration)
        return per * self.thickness


def limiting_current(electrode: SaltLayer, membrane: SaltLayer | None, *, charge: bool) -> float:
    r"""Current density at which the salt is used up somewhere in the steady state, A/m2.

    The concentration falls along the membrane in a straight line, by :math:`m i`, and in the electrode, in which the
    reaction is even, in a parabola by :math:`p i/2`, with ``fall`` m and p; the salt of the whole cell stays. On
    discharge it runs out at the collector, on charge at the lithium. Conductivity is taken to follow the concentration,
    the diffusivity not (an ideal salt).

    Parameters
    ----------
    electrode : SaltLayer
    membrane : SaltLayer or None
        None: of a single-ion conductor, which keeps the salt in the electrode.
    charge : bool

    Examples
    --------
    An electrode alone: :math:`i = 6/p`, where the collector's end has lost what the membrane's end has gained.

    >>> layer = SaltLayer(100e-6, 0.2, 1e-12, 0.5, 1000.0)
    >>> round(limiting_current(layer, None, charge=False), 3)
    11.578
    """
    inside = electrode.fall
    stored = electrode.fraction * electrode.thickness * electrode.concentration
    across = held = 0.0
    if membrane is not None:
        across = membrane.fall
        held = membrane.fraction * membrane.thickness * membrane.concentration
    # concentration where membrane and electrode meet, per current of a discharge, over the nominal one
    meeting = (stored * inside / 3.0 - held * across / 2.0) / (held + stored)
    fall = across + meeting if charge else inside / 2.0 - meeting
    return 1.0 / fall if fall > 0.0 else math.inf


def _contradiction(of: str, known: Mapping[str, float], implied: float, more: str) -> MaterialError:
    parts = [
        f"{WORDS[name]} {1e4 * value:.3g} cm^2/s" if name == "salt_diffusivity" else f"{WORDS[name]} {value:.4g}"
        for name, value in known.items()
    ]
    words = ", ".join(parts[:-1]) + f" and {parts[-1]}"
    tail = f" {more}" if more else ""
    return MaterialError(
        f"{of}: {words} contradict each other: from the others follows a current fraction of {implied:.3g}{tail} "
        "(rho = 1/(1 + Ne)). Leave one of them out, and it follows from the rest"
    )
