r"""An electrode, a membrane and lithium as numbers, scaled to the geometry for which PyBaMM's half-cell is built.

**One model for all thicknesses.** Geometry is fixed when PyBaMM discretises, everything else may be an input. So the
model is built once, for a thickness :math:`L_0` and a particle radius :math:`R_0`, and an electrode of thickness
:math:`L = sL_0` is solved in the coordinate :math:`X = x/s`. The equations keep their form with

.. math::

    \sigma' = \sigma/s, \quad \kappa' = \kappa/s, \quad D_e' = D_e/s, \quad
    a' = sa, \quad \varepsilon_{AM}' = s\varepsilon_{AM}, \quad \varepsilon_e' = s\varepsilon_e,

currents, potentials and concentrations being the same: :math:`\partial_x(\kappa\,\partial_x\phi) = aj` becomes
:math:`\partial_X(\kappa/s\,\partial_X\phi) = saj`, and a flux :math:`-\kappa\,\partial_x\phi` is
:math:`-\kappa/s\,\partial_X\phi`. This is exact, with salt as well. The membrane is scaled in the same way by its own
thickness. Within the particles :math:`D_s' = D_s(R_0/R)^2`, and as PyBaMM takes the interface as
:math:`3\varepsilon_{AM}'/R_0`, the exchange current density is multiplied by :math:`g = saR_0/3\varepsilon_{AM}'` and
the resistance of the interface divided by it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...constants import FARADAY
from ...errors import DesignError
from ...kinetics import ActiveMaterial, CellParameters, Electrolyte
from ...kinetics.salt import SaltLayer, limiting_current
from ..effective import Effective

Array = NDArray[np.float64]
Inputs = dict[str, float]

L0, R0 = 50e-6, 5e-6
"""Thickness of electrode and membrane and radius of the particles for which the model is built, m."""
C0 = 1000.0
"""Salt concentration of the built model, mol/m3; another one is scaled to it."""

TABLE_TOLERANCE = 1e-4
"""V; distance of the tables from the curve of the potential. Diffusivities and conductivities: as a ratio, times 10."""

INPUTS = (
    "temperature", "active fraction", "porosity", "membrane porosity", "tortuosity", "membrane tortuosity",
    "electronic tortuosity", "electronic conductivity", "electronic share", "ionic conductivity", "salt diffusivity",
    "transference number", "thermodynamic factor", "diffusivity", "exchange current density", "interface resistance",
    "lithium exchange current density", "series resistance", "start",
)  # fmt: skip
"""What `Cell.inputs` returns."""


@dataclass(frozen=True)
class Content:
    """What is fixed in a built model.

    Attributes
    ----------
    salt : bool
        Whether a salt concentration is solved for.
    film : bool
        Whether the interface of the active material has a resistance.
    transfer : float
        Transfer coefficient.
    sites : float
        Lithium sites per volume of active material, mol/m3.
    potential, diffusivity, conductivity : (array, array) or None
        Stoichiometry and value, SI; None where the value is constant, and then an input.
    """

    salt: bool
    film: bool
    transfer: float
    sites: float
    potential: tuple[Array, Array]
    diffusivity: tuple[Array, Array] | None
    conductivity: tuple[Array, Array] | None

    @property
    def key(self) -> Any:
        """What tells contents apart."""
        tables = [self.potential, self.diffusivity, self.conductivity]
        values = [None if table is None else (table[0].tobytes(), table[1].tobytes()) for table in tables]
        return (self.salt, self.film, self.transfer, self.sites, *values)


@dataclass
class Cell:
    """An electrode, a membrane and lithium, as numbers for a built model.

    Attributes
    ----------
    effective : Effective
    parameters : CellParameters
    active : ActiveMaterial
        The only one of the parameters.
    start : float
        Stoichiometry.
    one_c : float
        Current per mass of active material at 1C, A/kg.
    as_made : bool
        Whether the start is a fresh electrode, which loses charge in its first charge.

    Raises
    ------
    DesignError
        Salt in the positive and a membrane of another electrolyte.
    """

    effective: Effective
    parameters: CellParameters
    active: ActiveMaterial
    start: float
    one_c: float
    as_made: bool = True

    def __post_init__(self) -> None:
        self._contents: dict[float, Content] = {}
        electrolyte, membrane = self.parameters.electrolyte, self.parameters.membrane
        self.salt = not electrolyte.is_single_ion
        self.warnings: list[str] = []
        if self.salt and membrane.name != electrolyte.name:
            msg = (
                f"the positive has a salt electrolyte, {electrolyte.name}, and the membrane is of {membrane.name}; the "
                "homogenised model has one salt throughout. Set kinetics.transference_number = 1, or use the twin"
            )
            raise DesignError(msg)
        if not self.salt and not membrane.is_single_ion:
            self.warnings.append(
                f"the salt in the membrane of {membrane.name} is not solved for: the homogenised model has one "
                "electrolyte throughout, and that of the positive is a single-ion conductor"
            )

    @property
    def transference(self) -> float:
        """Transference number of the electrolyte that is solved for."""
        return self.parameters.electrolyte.transference_number if self.salt else 1.0

    @property
    def reversible_share(self) -> float:
        """Of the charge of the first charge, what is lithium that goes back in."""
        return self.active.reversible_share if self.as_made else 1.0

    @property
    def area_charge(self) -> float:
        """Charge of all active sites, per area, A s/m2."""
        return FARADAY * self.active.site_concentration * self.effective.active_fraction * self.effective.thickness

    def content(self, temperature: float) -> Content:
        """Return the curves of the active material at a temperature."""
        if temperature not in self._contents:
            active = self.active
            conductivity = None
            if self.effective.electronic_share > 0.0:
                conductivity = sampled(lambda x: active.electronic_conductivity(x, temperature), ratio=True)
            self._contents[temperature] = Content(
                self.salt,
                self.parameters.interface_resistance > 0.0,
                active.transfer_coefficient,
                active.site_concentration,
                sampled(lambda x: active.open_circuit_potential(x, temperature)),
                sampled(lambda x: active.diffusivity(x, temperature), ratio=True),
                conductivity,
            )
        return self._contents[temperature]

    def inputs(self, temperature: float, *, first: bool = False) -> Inputs:
        """Return the inputs of the built model; the scaling is derived at the top of this module.

        ``first``: of the first charge, in which the host gives more charge than lithium that it takes back.
        """
        effective, parameters, active = self.effective, self.parameters, self.active
        kappa = parameters.electrolyte.conductivity(temperature)
        membrane = parameters.membrane.conductivity(temperature)
        by, across = effective.thickness / L0, parameters.membrane_thickness / L0
        through = effective.ionic_conductivity / parameters.electrolyte.conductivity(effective.temperature) / by
        porosity, membrane_porosity, salt_diffusivity = 0.5, 0.5, 1e-12
        series = parameters.lithium_resistance
        if self.salt:
            concentration, diffusivity = self._salt(temperature)
            salt_diffusivity = diffusivity * concentration / C0
            porosity = by * effective.electrolyte_fraction * concentration / C0
            if abs(1.0 - porosity) < 1e-6:
                porosity += 2e-6  # PyBaMM divides by 1 - porosity for the electrons
            membrane_porosity = across * concentration / C0
            # salt and ions share the tortuosity: the salt's is right, what is left of the resistance is in series
            ease = self.membrane_ease(temperature)
            beyond = ease / across
            series += parameters.membrane_thickness * (1.0 / membrane - 1.0 / (ease * kappa))
        else:
            beyond = membrane / kappa / across
        active_fraction = by * effective.active_fraction / (self.reversible_share if first else 1.0)
        interface = by * effective.specific_interface * R0 / (3.0 * active_fraction)
        content = self.content(temperature)
        own = 1.0 if content.conductivity else float(active.electronic_conductivity(0.5, temperature))
        constant = 1.0 if content.diffusivity else float(active.diffusivity(0.5, temperature))
        return {
            "temperature": temperature,
            "active fraction": active_fraction,
            "porosity": porosity,
            "membrane porosity": membrane_porosity,
            "tortuosity": porosity / through,
            "membrane tortuosity": membrane_porosity / beyond,
            "electronic tortuosity": (1.0 - porosity) * by,
            "electronic conductivity": effective.electronic_conductivity,
            "electronic share": effective.electronic_share * (own if effective.electronic_share > 0.0 else 0.0),
            "ionic conductivity": kappa,
            "salt diffusivity": salt_diffusivity,
            "transference number": self.transference,
            "thermodynamic factor": parameters.electrolyte.thermodynamic_factor if self.salt else 1.0,
            "diffusivity": constant * (R0 / effective.radius) ** 2,
            "exchange current density": active.exchange_current_density(temperature) * interface,
            "interface resistance": parameters.interface_resistance / interface,
            "lithium exchange current density": parameters.lithium.exchange_current_density(temperature),
            "series resistance": series,
            "start": self.start,
        }

    def membrane_ease(self, temperature: float) -> float:
        """Salt diffusivity of the membrane over that of the positive's electrolyte, with salt."""
        own, other = self.parameters.electrolyte, self.parameters.membrane
        return float((other.salt_diffusivity(temperature) or 0.0) / (own.salt_diffusivity(temperature) or 1.0))

    def _salt(self, temperature: float) -> tuple[float, float]:
        """Concentration (mol/m3) and diffusivity (m2/s) of the salt, which there is."""
        electrolyte = self.parameters.electrolyte
        concentration, diffusivity = electrolyte.salt_concentration, electrolyte.salt_diffusivity(temperature)
        assert concentration is not None
        assert diffusivity is not None
        return concentration, diffusivity

    def limiting_current(self, temperature: float, *, charge: bool) -> float:
        """Current density at which the salt is used up somewhere in the steady state, A/m2; see `kinetics.salt`."""
        electrode, membrane = salt_layers(self.effective, self.parameters, temperature)
        return limiting_current(electrode, membrane, charge=charge)


def salt_layers(effective: Effective, parameters: CellParameters, temperature: float) -> tuple[SaltLayer, SaltLayer]:
    """Return positive and membrane as the salt sees them; there is a salt."""
    electrolyte, membrane = parameters.electrolyte, parameters.membrane
    through = effective.ionic_conductivity / electrolyte.conductivity(effective.temperature)

    def layer(of: Electrolyte, thickness: float, fraction: float, through: float) -> SaltLayer:
        diffusivity, concentration = of.salt_diffusivity(temperature), of.salt_concentration
        assert diffusivity is not None
        assert concentration is not None
        return SaltLayer(thickness, fraction, through * diffusivity, of.transference_number, concentration)

    return (
        layer(electrolyte, effective.thickness, effective.electrolyte_fraction, through),
        layer(membrane, parameters.membrane_thickness, 1.0, 1.0),
    )


def sampled(curve: Callable[[Any], Any], *, ratio: bool = False) -> Any:
    """Sample a curve over 0 to 1 so that straight lines between the points are close enough to it.

    With `ratio` the curve is positive and the distance is relative; a curve that is constant gives None.
    """
    view = np.log if ratio else np.asarray
    tolerance = 10.0 * TABLE_TOLERANCE if ratio else TABLE_TOLERANCE
    x = np.linspace(0.0, 1.0, 65)
    values = np.asarray(curve(x), dtype=float)
    if ratio and np.ptp(view(values)) < 1e-12:
        return None
    for _ in range(10):
        middle = 0.5 * (x[1:] + x[:-1])
        between = np.asarray(curve(middle), dtype=float)
        off = np.abs(view(between) - view(0.5 * (values[1:] + values[:-1]))) > tolerance
        if not off.any():
            break
        x = np.concatenate([x, middle[off]])
        values = np.concatenate([values, between[off]])
        order = np.argsort(x)
        x, values = x[order], values[order]
    return x, values
