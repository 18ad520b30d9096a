"""Everything that charge and discharge take but the structure and the protocol."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from .. import units
from ..constants import FARADAY, GAS
from ..errors import MaterialError
from ..materials import ExchangeCurrentDensity
from .active_material import ActiveMaterial
from .electrolyte import Electrolyte
from .network import Percolation, network_conductivity
from .sources import Sourced

SENSITIVE = (
    "exchange_current_density",
    "diffusivity",
    "electronic_conductivity",
    "irreversible_share",
    "additive_conductivity",
    "percolation_content",
    "ionic_conductivity",
    "membrane_conductivity",
    "transference_number",
    "current_fraction",
    "salt_diffusivity",
    "salt_concentration",
    "thermodynamic_factor",
    "lithium_exchange_current_density",
    "interface_resistance",
    "lithium_resistance",
)
"""What `CellParameters.changed` scales."""


@dataclass(frozen=True)
class Lithium:
    """The counter electrode: ``j = 2 j0 sinh(F eta / 2 R T)``."""

    exchange: ExchangeCurrentDensity
    factor: float = 1.0

    def exchange_current_density(self, temperature: float) -> float:
        """Exchange current density of plating and stripping, A/m2."""
        return self.factor * self.exchange.at(temperature)


@dataclass(frozen=True)
class CarbonBinder:
    """The porous mixture of carbon and binder, its pores filled with solid electrolyte.

    Attributes
    ----------
    solid_fraction : float
        Of its volume, above 0, below 1.
    electronic_conductivity : float
        Effective, S/m.
    ionic_share : float
        Effective ionic conductivity and salt diffusivity over those of the electrolyte; default by Bruggeman,
        :math:`(1 - s)^{3/2}`.
    """

    solid_fraction: float
    electronic_conductivity: float
    ionic_share: float


@dataclass(frozen=True)
class CellParameters:
    """Everything that charge and discharge take but the structure and the protocol.

    Attributes
    ----------
    active : mapping of str to ActiveMaterial
        By material name: those in the positive with a share above 0.
    electrolyte, membrane : Electrolyte
        Of the positive and of the membrane.
    membrane_thickness : float
        m.
    lithium : Lithium
    lithium_resistance : float
        At the lithium, in addition to its charge transfer, ohm m2.
    interface_resistance : float
        Between active material and electrolyte, per area of true interface, in addition to the charge transfer, ohm m2.
    additive_conductivity : mapping of str to float
        Electronic, S/m, by material name, at the design's temperature.
    voltage_window : (float, float)
        Usual cut-off voltages, V.
    ideal_electronics : bool
    temperature : float
        Of the design, K.
    sources : tuple of Sourced
    warnings : tuple of str
    percolation : mapping of str to Percolation
        Of the additives that connect in a network finer than a voxel.
    carbon_binder : CarbonBinder or None
        Of a structure that has such a phase.
    """

    active: Mapping[str, ActiveMaterial]
    electrolyte: Electrolyte
    membrane: Electrolyte
    membrane_thickness: float
    lithium: Lithium
    lithium_resistance: float
    interface_resistance: float
    additive_conductivity: Mapping[str, float]
    voltage_window: tuple[float, float]
    ideal_electronics: bool
    temperature: float
    sources: tuple[Sourced, ...] = ()
    warnings: tuple[str, ...] = ()
    percolation: Mapping[str, Percolation] = field(default_factory=dict)
    carbon_binder: CarbonBinder | None = None

    @property
    def doubtful(self) -> tuple[Sourced, ...]:
        """What nobody measured and `changed` scales, each once."""
        return tuple({row.parameter: row for row in reversed(self.sources) if row.is_doubtful}.values())[::-1]

    def network(self, volumes: Mapping[str, float], matrix: float) -> float:
        """Conductivity of the additives' network, S/m; see `network_conductivity`. Infinite with ideal electronics."""
        if self.ideal_electronics:
            return math.inf
        return network_conductivity(self.additive_conductivity, self.percolation, volumes, matrix)

    def changed(self, name: str, factor: float) -> "CellParameters":
        """Return the parameters with one of them multiplied, for a sensitivity analysis.

        Parameters
        ----------
        name : str
            One of `SENSITIVE`. A resistance that is 0 has nothing to multiply: ``factor - 1`` times the resistance
            of the charge transfer in series (at x = 1/2) is then added, for a factor above 1. Transference number and
            salt are those of the positive's electrolyte, and of the membrane where it is the same.
        factor : float
            Above 0.

        Returns
        -------
        CellParameters

        Raises
        ------
        MaterialError
            Unknown name, a factor of 0 or less, or a transference number or current fraction that would
            not be below 1.
        """
        if name not in SENSITIVE:
            close = units.nearest(name, SENSITIVE)
            hint = f"did you mean {close}? Choose" if close else "choose"
            msg = f'parameter "{name}" is not recognised; {hint} one of {", ".join(SENSITIVE)}'
            raise MaterialError(msg)
        if not (np.isfinite(factor) and factor > 0.0):
            msg = f"{name}: a factor of {factor:g} is not possible; it must be a number above 0"
            raise MaterialError(msg)
        match name:
            case "exchange_current_density" | "diffusivity" | "electronic_conductivity" | "irreversible_share":
                active = {key: material.scaled(name, factor) for key, material in self.active.items()}
                return replace(self, active=active)
            case "additive_conductivity":
                conductivity = {key: factor * value for key, value in self.additive_conductivity.items()}
                return replace(self, additive_conductivity=conductivity)
            case "percolation_content":
                contents = {key: min(factor * law.content, 0.999) for key, law in self.percolation.items()}
                laws = {key: replace(law, content=contents[key]) for key, law in self.percolation.items()}
                return replace(self, percolation=laws)
            case "ionic_conductivity":
                return replace(self, electrolyte=self.electrolyte.scaled("conductivity", factor))
            case "membrane_conductivity":
                return replace(self, membrane=self.membrane.scaled("conductivity", factor))
            case "lithium_exchange_current_density":
                return replace(self, lithium=replace(self.lithium, factor=factor * self.lithium.factor))
            case "interface_resistance":
                exchange = next(iter(self.active.values())).exchange_current_density(self.temperature)
                return replace(self, interface_resistance=self._raised(self.interface_resistance, exchange, factor))
            case "lithium_resistance":
                exchange = self.lithium.exchange_current_density(self.temperature)
                return replace(self, lithium_resistance=self._raised(self.lithium_resistance, exchange, factor))
            case _:
                same = self.membrane.name == self.electrolyte.name
                return replace(
                    self,
                    electrolyte=self.electrolyte.scaled(name, factor),
                    membrane=self.membrane.scaled(name, factor) if same else self.membrane,
                )

    def _raised(self, resistance: float, exchange: float, factor: float) -> float:
        if resistance > 0.0:
            return factor * resistance
        return max(0.0, factor - 1.0) * GAS * self.temperature / (FARADAY * exchange)
