"""The salt-limiting current: where a binary salt runs out in the positive electrode on discharge (closed form)."""

from dataclasses import dataclass

import numpy as np

from .design import Design
from .electrode import Positive, rated_one_c
from .errors import SolidstackError
from .kinetics import Electrolyte, electrolytes
from .kinetics.salt import SaltLayer, limiting_current
from .units import MA_CM2, ONE, Values, shown


@dataclass(frozen=True)
class SaltLimit:
    """Current density at which the salt runs out at the collector on discharge, in the steady state.

    NaN where only lithium moves in the positive, where a property is missing, and for arrays of designs. `low` and
    `high` are its ends over what is not measured: the range of the transference number.
    """

    current_density: Values = shown("Salt-limiting current", MA_CM2)
    low: Values = shown("Salt-limiting current, lowest over what is not measured", MA_CM2, "low")
    high: Values = shown("Salt-limiting current, highest over what is not measured", MA_CM2, "high")
    c_rate: Values = shown("C-rate at the salt-limiting current", ONE, "c_rate")


NONE = SaltLimit(np.nan, np.nan, np.nan, np.nan)
"""Of a design that has none."""


def salt_limit(design: Design, positive: Positive, effective_conductivity: Values | None = None) -> SaltLimit:
    r"""Return the salt-limiting current of a design.

    For an ideal, fully dissociated salt it is where the ohmic drop of the whole current through the whole thickness
    is :math:`4RTt_+/F`, but for what the membrane holds: a limit on the ionic IR drop of 100 mV at 45 degC and
    :math:`t_+ = 0.9` (98.7 mV) is the same line by coincidence. In real electrolytes it goes as
    :math:`(1 - t_0)\Theta` at the current fraction that was measured (`solidstack.kinetics.salt`).

    Parameters
    ----------
    design : Design
    positive : Positive
        Of the same design.
    effective_conductivity : float, optional
        Of the positive, S/m; default: the closed form's.

    Returns
    -------
    SaltLimit
    """
    if not design.is_single:
        return NONE
    try:
        electrolyte, membrane = electrolytes(design)
    except SolidstackError:
        return NONE
    if electrolyte.is_single_ion:
        return NONE
    effective = float(positive.effective_conductivity if effective_conductivity is None else effective_conductivity)
    through = effective / float(positive.ionic_conductivity)
    fraction = float(positive.se_volume_fraction) * (1.0 - float(positive.porosity))

    def at(factor: float) -> float:
        if through <= 0.0:
            return 0.0
        same = membrane.name == electrolyte.name
        own = electrolyte.scaled("transference_number", factor)
        other = membrane.scaled("transference_number", factor) if same else membrane
        layer = _layer(own, float(positive.thickness), fraction, through, float(design.temperature))
        beside = None
        if not other.is_single_ion:
            beside = _layer(other, float(design.membrane.thickness), 1.0, 1.0, float(design.temperature))
        return limiting_current(layer, beside, charge=False)

    current = at(1.0)
    between = electrolyte.transference_range or (electrolyte.transference_number,) * 2
    ends = [at(number / electrolyte.transference_number) for number in between]
    one_c = float(np.asarray(rated_one_c(design))) * float(positive.am_mass_fraction) * float(positive.loading)
    return SaltLimit(current, min(current, *ends), max(current, *ends), current / one_c)


def _layer(of: Electrolyte, thickness: float, fraction: float, through: float, temperature: float) -> SaltLayer:
    diffusivity, concentration = of.salt_diffusivity(temperature), of.salt_concentration
    assert diffusivity is not None
    assert concentration is not None
    return SaltLayer(thickness, fraction, through * diffusivity, of.transference_number, concentration)
