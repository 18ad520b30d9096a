"""Closed form of the impedance: the cell as a homogeneous medium, a transmission line of ions and electrons."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...constants import FARADAY, GAS
from ...kinetics import ActiveMaterial, CellParameters
from ..effective import Effective, only_active
from .equations import LEAST_SLOPE

Complex = NDArray[np.complex128]
Floats = NDArray[np.float64]

SMALL = 0.1
"""Argument below which series replace differences that cancel."""


@dataclass(frozen=True)
class Limits:
    """Ends of the spectrum of a homogeneous medium.

    Attributes
    ----------
    high, low : float
        Real part at high frequency, where nothing diffuses and a double layer shorts the charge transfer, and towards
        zero frequency, where it is that of a direct current without change of the state; ohm m2.
    capacitance : float
        At low frequency the imaginary part is -1 over the angular frequency times this, F/m2.
    """

    high: float
    low: float
    capacitance: float


def limits(
    effective: Effective, parameters: CellParameters, stoichiometry: float, *, double_layer: float = 0.0
) -> Limits:
    """Return the ends of `transmission_line`; see there for the parameters."""
    medium = _Medium.of(effective, parameters, stoichiometry)
    fast = medium.contact if double_layer > 0.0 else medium.contact + medium.transfer
    slow = medium.contact + medium.transfer + medium.spread / 5.0
    return Limits(
        float(medium.electrode(np.array([fast], complex))[0].real) + medium.rest,
        slow + (medium.ionic + medium.electronic) / 3.0 + medium.rest,
        3.0 * medium.time / medium.spread + double_layer * medium.interface,
    )


def transmission_line(
    effective: Effective,
    parameters: CellParameters,
    frequencies: Floats,
    stoichiometry: float,
    *,
    double_layer: float = 0.0,
) -> Complex:
    r"""Return the impedance of the same cell as a homogeneous medium with spheres, single-ion, ohm m2.

    .. math::

        Z = \frac{R_i R_e}{R_i + R_e} \left(1 + \frac{2}{\nu \sinh \nu}\right)
            + \frac{R_i^2 + R_e^2}{R_i + R_e} \frac{\coth \nu}{\nu} + Z_{rest}, \quad
        \nu = \sqrt{(R_i + R_e) / Z_s}

    with the ionic and electronic resistance of the electrode, the impedance of its interface (the resistance of the
    contact, in series with charge transfer and diffusion into spheres, parallel to the double layer), and membrane and
    lithium in series. The diffusion of a salt is not included.

    Parameters
    ----------
    effective : Effective
        The electrode as a medium.
    parameters : CellParameters
    frequencies : array, shape (n,)
        Hz.
    stoichiometry : float
        Of the active material.
    double_layer : float
        F/m2 of interface.
    """
    medium = _Medium.of(effective, parameters, stoichiometry)
    omega = 2.0 * math.pi * np.asarray(frequencies, float)
    diffusion = medium.spread / _langevin(np.sqrt(1j * omega * medium.time))
    layer = 1j * omega * double_layer * medium.interface
    inner: Complex = np.asarray(1.0 / (1.0 / (medium.transfer + diffusion) + layer), complex)
    return np.asarray(medium.electrode(medium.contact + inner) + medium.rest)


@dataclass(frozen=True)
class _Medium:
    """Resistances of a homogeneous electrode, ohm m2 of electrode.

    Attributes
    ----------
    ionic, electronic : float
        Through the electrode.
    contact, transfer, spread : float
        Of the interface: contact, charge transfer, and scale of the diffusion into spheres.
    time : float
        Radius of the spheres squared over the diffusivity, s.
    interface : float
        Per area of electrode.
    rest : float
        Membrane and lithium.
    """

    ionic: float
    electronic: float
    contact: float
    transfer: float
    spread: float
    time: float
    interface: float
    rest: float

    @classmethod
    def of(cls, effective: Effective, parameters: CellParameters, stoichiometry: float) -> "_Medium":
        material, at, x = only_active(parameters), parameters.temperature, stoichiometry
        ends = np.clip([x - 1e-4, x + 1e-4], *material.stoichiometry_range)
        low, high = np.asarray(material.open_circuit_potential(ends, at))
        slope = max(float((low - high) / (ends[1] - ends[0])), LEAST_SLOPE)
        diffusivity = float(np.asarray(material.diffusivity(np.array([x]), at))[0])
        interface = effective.specific_interface * effective.thickness
        own = 0.0
        if not parameters.ideal_electronics and effective.electronic_share:
            own = effective.electronic_share * float(np.asarray(material.electronic_conductivity(np.array([x]), at))[0])
        rest = parameters.membrane_thickness / parameters.membrane.conductivity(at) + parameters.lithium_resistance
        return cls(
            effective.thickness / effective.ionic_conductivity,
            effective.thickness / (effective.electronic_conductivity + own),
            parameters.interface_resistance / interface,
            GAS * at / (FARADAY * _exchange(material, x, at) * interface),
            slope * effective.radius / (FARADAY * material.site_concentration * diffusivity * interface),
            effective.radius**2 / diffusivity,
            interface,
            rest + GAS * at / (FARADAY * parameters.lithium.exchange_current_density(at)),
        )

    def electrode(self, surface: Complex) -> Complex:
        """Impedance of the electrode for that of its interface, ``surface``."""
        total = self.ionic + self.electronic
        parallel = self.ionic * self.electronic / total
        if not surface.all():
            return np.full(surface.shape, parallel, complex)
        nu = np.sqrt(total / surface)
        # what is left of 1/nu^2 in both terms is the interface by itself
        squares = (self.ionic**2 + self.electronic**2) / total
        more = 2.0 * parallel * _inverse_sinh(nu) + squares * _langevin(nu)
        return np.asarray(surface + parallel + more / nu**2)


def _exchange(material: ActiveMaterial, x: float, temperature: float) -> float:
    """Exchange current density, A/m2."""
    a = material.transfer_coefficient
    return float(2.0 * material.exchange_current_density(temperature) * x**a * (1.0 - x) ** (1.0 - a))


def _langevin(z: Complex) -> Complex:
    """``z coth z - 1``, the real part of z above 0."""
    series = z**2 / 3.0 - z**4 / 45.0 + 2.0 * z**6 / 945.0
    less = np.exp(-2.0 * z)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(np.abs(z) < SMALL, series, z * (1.0 + less) / (1.0 - less) - 1.0))


def _inverse_sinh(z: Complex) -> Complex:
    """``z / sinh z - 1``, the real part of z above 0."""
    series = -(z**2) / 6.0 + 7.0 * z**4 / 360.0 - 31.0 * z**6 / 15120.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(np.abs(z) < SMALL, series, 2.0 * z * np.exp(-z) / (1.0 - np.exp(-2.0 * z)) - 1.0))
