"""A host of lithium: potential, diffusivity, exchange current, electronic conductivity over its stoichiometry."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..constants import FARADAY
from ..materials import Diffusivity, ElectronicConductivity, ExchangeCurrentDensity, OpenCircuitPotential
from ..units import Values


@dataclass(frozen=True)
class ActiveMaterial:
    """A host of lithium. Stoichiometry x: 1 where it is full.

    Attributes
    ----------
    name : str
    site_concentration : float
        Lithium sites per volume of the solid, mol/m3.
    density : float
        True density, kg/m3.
    as_made_stoichiometry : float
        Where a fresh electrode starts.
    potential, diffusion, exchange, electronics
        Entries of the material; no `electronics` means a perfect conductor.
    reversible_share : float
        Of the charge of the very first charge, as made, above 0, at most 1: what is lithium that goes back in.
    factors : mapping of str to float
        By which diffusivity, exchange_current_density and electronic_conductivity are multiplied.
    """

    name: str
    site_concentration: float
    density: float
    as_made_stoichiometry: float
    potential: OpenCircuitPotential
    diffusion: Diffusivity
    exchange: ExchangeCurrentDensity
    electronics: ElectronicConductivity | None
    reversible_share: float = 1.0
    factors: Mapping[str, float] = field(default_factory=dict)

    @property
    def stoichiometry_range(self) -> tuple[float, float]:
        """Range of the potential's curve, charged to discharged."""
        return self.potential.range

    @property
    def transfer_coefficient(self) -> float:
        """Transfer coefficient a of ``j0(x) = 2 j_ref x^a (1 - x)^(1 - a)``."""
        return self.exchange.transfer_coefficient

    @property
    def specific_charge(self) -> float:
        """Charge of all sites per mass, A s/kg."""
        return FARADAY * self.site_concentration / self.density

    def open_circuit_potential(self, x: Values, temperature: float) -> Values:
        """Potential against lithium, V; falls with x, beyond the range with the slope at its edge."""
        return self.potential.at(x, temperature)

    def stoichiometry(self, voltage: float, temperature: float) -> float:
        """Stoichiometry in equilibrium at a voltage, V; the end of the range where the voltage is beyond it."""
        from scipy.optimize import brentq

        low, high = self.stoichiometry_range
        if voltage >= self.open_circuit_potential(low, temperature):
            return low
        if voltage <= self.open_circuit_potential(high, temperature):
            return high
        return float(
            brentq(lambda x: float(self.open_circuit_potential(x, temperature)) - voltage, low, high, xtol=1e-12)
        )

    def diffusivity(self, x: Values, temperature: float) -> Values:
        """Chemical diffusivity, m2/s."""
        return self.factors.get("diffusivity", 1.0) * self.diffusion.at(x, temperature)

    def exchange_current_density(self, temperature: float) -> float:
        """Exchange current density at x = 1/2 per area of interface, A/m2."""
        return self.factors.get("exchange_current_density", 1.0) * self.exchange.at(temperature)

    def electronic_conductivity(self, x: Values, temperature: float) -> Values:
        """Electronic conductivity, S/m; infinite without a value (ideal electronics)."""
        if self.electronics is None:
            return np.full(np.shape(x), np.inf) if np.ndim(x) else np.inf
        return self.factors.get("electronic_conductivity", 1.0) * self.electronics.at_stoichiometry(x, temperature)

    def scaled(self, name: str, factor: float) -> "ActiveMaterial":
        """Return the material with one of the properties of `factors`, or the irreversible share, multiplied."""
        if name == "irreversible_share":
            return replace(self, reversible_share=max(1.0 - factor * (1.0 - self.reversible_share), 0.01))
        return replace(self, factors=multiplied(self.factors, name, factor))


def multiplied(factors: Mapping[str, float], name: str, factor: float) -> dict[str, float]:
    """Return factors of which one is multiplied by another; one that is not there is 1."""
    return {**factors, name: factor * factors.get(name, 1.0)}
