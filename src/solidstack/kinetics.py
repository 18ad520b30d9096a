"""What charge and discharge of the twin take: properties of the materials, replaced where the design says so."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from . import units
from .constants import FARADAY, GAS, ZERO_CELSIUS
from .design import Design
from .errors import DesignError, MaterialError, Problem
from .materials import (
    Conductivity,
    Diffusivity,
    ElectronicConductivity,
    Entry,
    ExchangeCurrentDensity,
    Material,
    OpenCircuitPotential,
    SaltDiffusivity,
)
from .units import Unit, Values

ACTIVE = "active-material"
ELECTROLYTE = "solid-electrolyte"
ADDITIVE = "conductive-additive"

SENSITIVE = (
    "exchange_current_density",
    "diffusivity",
    "electronic_conductivity",
    "additive_conductivity",
    "ionic_conductivity",
    "membrane_conductivity",
    "transference_number",
    "salt_diffusivity",
    "salt_concentration",
    "thermodynamic_factor",
    "lithium_exchange_current_density",
    "interface_resistance",
    "lithium_resistance",
)
"""What `CellParameters.changed` scales."""

NEAR = 10.0
"""Temperature, K, from that of a value within which it is used without an activation energy and without a word."""

GIVEN = "given in the design"


@dataclass(frozen=True)
class Sourced:
    """A parameter as it is used, and where it is from.

    Attributes
    ----------
    what : str
        Material and property.
    value : float
        SI, at the design's temperature; a curve's at the stoichiometry 1/2.
    unit : Unit
        To show it in.
    quality : str
        measured, derived, assumed, or given (in the design).
    source, note : str
    """

    what: str
    value: float
    unit: Unit
    quality: str
    source: str
    note: str = ""

    @property
    def text(self) -> str:
        """The value with its unit."""
        return f"{self.unit.of(self.value):.4g} {self.unit.label}".strip()


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


@dataclass(frozen=True)
class Electrolyte:
    """A solid electrolyte: of one mobile ion, or of a dissolved binary salt.

    Attributes
    ----------
    name : str
    transference_number : float
        Above 0, at most 1.
    ionic : Conductivity
        At the nominal salt concentration.
    salt_concentration : float or None
        Nominal, mol/m3; None where only lithium moves, or where a value is missing.
    salt_diffusion : SaltDiffusivity or None
    thermodynamic_factor : float
        1 + d ln f / d ln c.
    factors : mapping of str to float
        By which conductivity and salt_diffusivity are multiplied.
    """

    name: str
    transference_number: float
    ionic: Conductivity
    salt_concentration: float | None = None
    salt_diffusion: SaltDiffusivity | None = None
    thermodynamic_factor: float = 1.0
    factors: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_single_ion(self) -> bool:
        """Whether no salt is solved for."""
        return self.transference_number == 1.0 or self.salt_concentration is None or self.salt_diffusion is None

    def conductivity(self, temperature: float) -> float:
        """Ionic conductivity, S/m."""
        return self.factors.get("conductivity", 1.0) * float(self.ionic.at(temperature))

    def salt_diffusivity(self, temperature: float) -> float | None:
        """Diffusivity of the salt, m2/s; None where only lithium moves."""
        if self.salt_diffusion is None:
            return None
        return self.factors.get("salt_diffusivity", 1.0) * self.salt_diffusion.at(temperature)


@dataclass(frozen=True)
class Lithium:
    """The counter electrode: ``j = 2 j0 sinh(F eta / 2 R T)``."""

    exchange: ExchangeCurrentDensity
    factor: float = 1.0

    def exchange_current_density(self, temperature: float) -> float:
        """Exchange current density of plating and stripping, A/m2."""
        return self.factor * self.exchange.at(temperature)


@dataclass(frozen=True)
class CellParameters:
    """Everything but the structure and the protocol.

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
        At the lithium, beside its charge transfer, ohm m2.
    interface_resistance : float
        Between active material and electrolyte, per area of true interface, beside the charge transfer, ohm m2.
    additive_conductivity : mapping of str to float
        Electronic, S/m, by material name, at the design's temperature.
    voltage_window : (float, float)
        Usual cut-off voltages, V.
    ideal_electronics : bool
    temperature : float
        Of the design, K.
    sources : tuple of Sourced
    warnings : tuple of str
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

    def changed(self, name: str, factor: float) -> "CellParameters":
        """Give the parameters with one of them multiplied, for a table of what matters.

        Parameters
        ----------
        name : str
            One of `SENSITIVE`. A resistance that is 0 has nothing to multiply: ``factor - 1`` times the resistance
            of the charge transfer beside it (at half fill) is then added, for a factor above 1. Transference number
            and salt are those of the positive's electrolyte, and of the membrane where it is the same.
        factor : float
            Above 0.

        Returns
        -------
        CellParameters

        Raises
        ------
        MaterialError
            Unknown name, a factor of 0 or less, or a transference number that would be above 1.
        """
        if name not in SENSITIVE:
            close = units.nearest(name, SENSITIVE)
            hint = f"did you mean {close}? Known" if close else "known"
            msg = f'parameter "{name}" is unknown; {hint} are {", ".join(SENSITIVE)}'
            raise MaterialError(msg)
        if not (np.isfinite(factor) and factor > 0.0):
            msg = f"{name}: a factor of {factor:g} is out of bounds; it must be a number above 0"
            raise MaterialError(msg)
        match name:
            case "exchange_current_density" | "diffusivity" | "electronic_conductivity":
                scaled = {
                    key: replace(one, factors=_times(one.factors, name, factor)) for key, one in self.active.items()
                }
                return replace(self, active=scaled)
            case "additive_conductivity":
                conductivity = {key: factor * value for key, value in self.additive_conductivity.items()}
                return replace(self, additive_conductivity=conductivity)
            case "ionic_conductivity":
                return replace(self, electrolyte=_conducting(self.electrolyte, factor))
            case "membrane_conductivity":
                return replace(self, membrane=_conducting(self.membrane, factor))
            case "lithium_exchange_current_density":
                return replace(self, lithium=replace(self.lithium, factor=factor * self.lithium.factor))
            case "interface_resistance":
                first = next(iter(self.active.values()))
                beside = first.exchange_current_density(self.temperature)
                return replace(self, interface_resistance=self._raised(self.interface_resistance, beside, factor))
            case "lithium_resistance":
                beside = self.lithium.exchange_current_density(self.temperature)
                return replace(self, lithium_resistance=self._raised(self.lithium_resistance, beside, factor))
            case _:
                electrolyte = _other_salt(self.electrolyte, name, factor)
                same = self.membrane.name == self.electrolyte.name
                return replace(
                    self,
                    electrolyte=electrolyte,
                    membrane=_other_salt(self.membrane, name, factor) if same else self.membrane,
                )

    def _raised(self, resistance: float, exchange: float, factor: float) -> float:
        if resistance > 0.0:
            return factor * resistance
        return max(0.0, factor - 1.0) * GAS * self.temperature / (FARADAY * exchange)


def _times(factors: Mapping[str, float], name: str, factor: float) -> dict[str, float]:
    return {**factors, name: factor * factors.get(name, 1.0)}


def _conducting(electrolyte: Electrolyte, factor: float) -> Electrolyte:
    return replace(electrolyte, factors=_times(electrolyte.factors, "conductivity", factor))


def _other_salt(electrolyte: Electrolyte, name: str, factor: float) -> Electrolyte:
    match name:
        case "transference_number":
            number = factor * electrolyte.transference_number
            if number > 1.0:
                msg = (
                    f"transference_number: {factor:g} times {electrolyte.transference_number:g} of {electrolyte.name} "
                    f"is {number:g}, above 1; take a factor of at most {1.0 / electrolyte.transference_number:.4g}"
                )
                raise MaterialError(msg)
            return replace(electrolyte, transference_number=number)
        case "salt_diffusivity":
            return replace(electrolyte, factors=_times(electrolyte.factors, name, factor))
        case "salt_concentration":
            concentration = electrolyte.salt_concentration
            return replace(electrolyte, salt_concentration=None if concentration is None else factor * concentration)
        case _:
            return replace(electrolyte, thermodynamic_factor=factor * electrolyte.thermodynamic_factor)


def cell_parameters(design: Design) -> CellParameters:
    """Collect what charge and discharge of a design take.

    The counter electrode is lithium, whatever the design's negative is. Values of the table ``[kinetics]`` go before
    those of the material files.

    Parameters
    ----------
    design : Design
        A single design (no arrays).

    Returns
    -------
    CellParameters

    Raises
    ------
    MaterialError
        A material lacks a property; the message says where to give it.
    DesignError
        The design has arrays, or an initial stoichiometry that its material does not have.

    Examples
    --------
    >>> import solidstack as ss
    >>> found = cell_parameters(ss.load("examples/pouch-0.16Ah.toml"))
    >>> round(found.active["NCM622"].stoichiometry(4.30, 298.15), 2)
    0.3
    """
    if not design.is_single:
        msg = f"has arrays of shape {design.shape}; charge and discharge take a single design"
        raise DesignError(msg)
    return _Collector(design).collect()


class _Collector:
    """Reads the properties one by one and keeps where each is from."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.given = design.kinetics
        self.temperature = float(design.temperature)
        self.sources: list[Sourced] = []
        self.warnings: list[str] = []
        self.far: list[str] = []

    def collect(self) -> CellParameters:
        active = {name: self.active(name) for name in self.present(ACTIVE)}
        electrolyte = self.composite()
        membrane = self.membrane(electrolyte)
        kind = self.design.negative.kind
        resistance = self.design.negative.interface_resistance
        if kind in ("graphite", "silicon"):
            self.warnings.append(
                f"the negative of the design is {kind}, but the counter electrode here is lithium: voltages are those "
                "of the positive against lithium"
            )
            resistance = None
        lithium = Lithium(self.lithium_exchange())
        self.give("lithium, interface resistance", resistance, units.OHM_CM2)
        self.give("active material, interface resistance", self.given.interface_resistance or None, units.OHM_CM2)
        additives = dict(self.additives())
        if self.far:
            self.warnings.append(
                f"no activation energy is known, so the value of another temperature is used: {', '.join(self.far)}"
            )
        return CellParameters(
            active=active,
            electrolyte=electrolyte,
            membrane=membrane,
            membrane_thickness=float(self.design.membrane.thickness),
            lithium=lithium,
            lithium_resistance=float(resistance or 0.0),
            interface_resistance=float(self.given.interface_resistance),
            additive_conductivity=additives,
            voltage_window=self.window(list(active)),
            ideal_electronics=self.given.ideal_electronics,
            temperature=self.temperature,
            sources=tuple(self.sources),
            warnings=tuple(self.warnings),
        )

    def present(self, role: str) -> list[str]:
        """Names of the materials of a role that are in the positive, the largest volume first."""
        shares = self.design.positive.composition.shares
        names = [name for name in self.design.positive_materials(role) if shares[name] > 0.0]
        return sorted(names, key=lambda name: -float(shares[name] / self.design.density_of(name)))

    def entry(self, name: str, prop: str, key: str | None = None) -> Any:
        """Return the default entry of a property; where there is none, say where it can be given."""
        found = self.design.material(name).default(prop)
        if found is None:
            words = prop.replace("_", " ")
            file = f'a material file with [[{prop}]], see "solidstack materials add"'
            cure = f"kinetics.{key} in the design, or {file}" if key else file
            msg = f"{name} has no {words}, which charge and discharge need; give {cure}"
            raise MaterialError(Problem(msg, prop))
        return found

    def note(self, what: str, value: float, unit: Unit, entry: Entry, more: str = "") -> None:
        quality = "given" if entry.source == GIVEN else entry.quality
        text = "; ".join(filter(None, (more, entry.note)))
        self.sources.append(Sourced(what, float(value), unit, quality, entry.source, text))
        reference = getattr(entry, "temperature", None)
        curve = getattr(entry, "curve", None)
        if reference is None or entry.source == GIVEN or getattr(curve, "depends_on_temperature", False):
            return
        if isinstance(entry, Conductivity) and entry.range is not None:
            if not entry.covers(self.temperature):
                here = f"{self.temperature - ZERO_CELSIUS:g} degC"
                self.warnings.append(f"{what} is known at {entry.range_text()}, not at {here}")
        elif getattr(entry, "activation_energy", 0.0) is None and abs(reference - self.temperature) > NEAR:
            self.far.append(f"{what} ({reference - ZERO_CELSIUS:g} degC)")

    def give(self, what: str, value: Any, unit: Unit) -> None:
        if value is not None:
            self.sources.append(Sourced(what, float(value), unit, "given", GIVEN))

    def activation(self, name: str, prop: str) -> dict[str, Any]:
        """How a value given at the design's temperature goes on to others: as the material's own does."""
        own = self.design.material(name).default(prop)
        found = {"value": None, "temperature": self.temperature, "quality": "assumed", "source": GIVEN}
        if own is not None:
            found["activation_energy"] = own.activation_energy
        if isinstance(own, Conductivity):
            found["arrhenius"] = own.arrhenius
        if isinstance(own, ExchangeCurrentDensity):
            found["transfer_coefficient"] = own.transfer_coefficient
        return found

    def replaced(self, name: str, prop: str, kind: type[Any], value: Any, key: str | None = None) -> Any:
        """Return the entry of a property, or one made of the value that the design gives."""
        if value is None:
            return self.entry(name, prop, key or prop)
        return kind(**{**self.activation(name, prop), "value": float(value)})

    def active(self, name: str) -> ActiveMaterial:
        material: Material = self.design.material(name)
        given, at = self.given, self.temperature
        density = float(self.design.density_of(name))
        sites = self.entry(name, "site_concentration")
        # sites are of the mass: another true density in the design takes them along
        concentration = sites.value * density / material.default("density").value
        potential: OpenCircuitPotential = self.entry(name, "open_circuit_potential")
        diffusion = self.replaced(name, "diffusivity", Diffusivity, given.diffusivity)
        exchange = self.replaced(
            name, "exchange_current_density", ExchangeCurrentDensity, given.exchange_current_density
        )
        electronics = None
        if not (given.ideal_electronics and given.electronic_conductivity is None):
            electronics = self.replaced(
                name, "electronic_conductivity", ElectronicConductivity, given.electronic_conductivity
            )
        self.note(f"{name}, lithium sites", concentration, units.KMOL_M3, sites)
        half = "at x = 1/2"
        self.note(f"{name}, open-circuit potential", float(potential.at(0.5, at)), units.V, potential, half)
        curved = half if diffusion.curve is not None else ""
        self.note(f"{name}, diffusivity", float(diffusion.at(0.5, at)), units.CM2_S, diffusion, curved)
        self.note(f"{name}, exchange current density", exchange.at(at), units.MA_CM2, exchange, half)
        if electronics is not None:
            curved = half if electronics.curve is not None else ""
            value = float(electronics.at_stoichiometry(0.5, at))
            self.note(f"{name}, electronic conductivity", value, units.MS_CM, electronics, curved)
        return ActiveMaterial(
            name=name,
            site_concentration=float(concentration),
            density=density,
            as_made_stoichiometry=self.start(name, potential),
            potential=potential,
            diffusion=diffusion,
            exchange=exchange,
            electronics=electronics,
        )

    def start(self, name: str, potential: OpenCircuitPotential) -> float:
        """Stoichiometry at the start."""
        given = self.given.initial_stoichiometry
        low, high = potential.range
        if given is None:
            entry = self.entry(name, "as_made_stoichiometry", "initial_stoichiometry")
            self.note(f"{name}, stoichiometry as made", entry.value, units.ONE, entry)
            given = entry.value
            if not low <= given <= high:
                msg = f"{given:g} of {name} is outside of its open-circuit potential, {low:.4g} to {high:.4g}"
                raise MaterialError(Problem(msg, "as_made_stoichiometry"))
        elif not low <= given <= high:
            msg = (
                f"{given:g} is outside of {low:.4g} to {high:.4g}, where the open-circuit potential of {name} is "
                "known; give one inside"
            )
            raise DesignError(Problem(msg, "kinetics.initial_stoichiometry"))
        else:
            self.give(f"{name}, stoichiometry at the start", given, units.ONE)
        return float(given)

    def composite(self) -> Electrolyte:
        """The solid electrolyte of the positive; of several the one of the largest volume speaks for all."""
        names = self.present(ELECTROLYTE)
        if not names:
            msg = "has 0 wt% of solid electrolyte; without one no ions reach the active material"
            raise DesignError(Problem(msg, "positive.composition"))
        if len(names) > 1:
            self.warnings.append(
                f"the positive mixes {' and '.join(names)}: salt and transference number are those of {names[0]}"
            )
        return self.electrolyte(names[0], self.design.positive.ionic_conductivity, "positive", own=True)

    def membrane(self, composite: Electrolyte) -> Electrolyte:
        """The solid electrolyte of the membrane."""
        name = self.design.membrane.material
        return self.electrolyte(name, self.design.membrane.ionic_conductivity, "membrane", own=name == composite.name)

    def electrolyte(self, name: str, conductivity: Any, where: str, *, own: bool) -> Electrolyte:
        given, label, at = self.given, f"{where}: {name}", self.temperature
        ionic = self.replaced(name, "ionic_conductivity", Conductivity, conductivity)
        self.note(f"{label}, ionic conductivity", float(ionic.at(at)), units.MS_CM, ionic)
        material = self.design.material(name)
        number = self.number(material, "transference_number", given.transference_number if own else None, label)
        if number is None:
            raise MaterialError(
                Problem(
                    f"{name} has no transference number, which charge and discharge need; give "
                    "kinetics.transference_number in the design, or a material file with [[transference_number]]",
                    "transference_number",
                )
            )
        if number == 1.0:
            return Electrolyte(name, number, ionic)
        concentration = self.number(material, "salt_concentration", given.salt_concentration if own else None, label)
        diffusion = None
        value = given.salt_diffusivity if own else None
        if value is not None or material.default("salt_diffusivity") is not None:
            diffusion = self.replaced(name, "salt_diffusivity", SaltDiffusivity, value)
            self.note(f"{label}, salt diffusivity", diffusion.at(at), units.CM2_S, diffusion)
        missing = [
            word
            for word, found in (("salt concentration", concentration), ("salt diffusivity", diffusion))
            if found is None
        ]
        if missing:
            self.warnings.append(
                f"{name} ({where}) has a transference number of {number:g} but no {' and no '.join(missing)}: it is "
                "treated as if only lithium moved; give them in [kinetics] or in its material file"
            )
            return Electrolyte(name, number, ionic)
        factor = self.number(material, "thermodynamic_factor", given.thermodynamic_factor if own else None, label)
        return Electrolyte(name, number, ionic, concentration, diffusion, 1.0 if factor is None else factor)

    def number(self, material: Material, prop: str, given: Any, label: str) -> float | None:
        unit = {"salt_concentration": units.KMOL_M3}.get(prop, units.ONE)
        if given is not None:
            self.give(f"{label}, {prop.replace('_', ' ')}", given, unit)
            return float(given)
        entry = material.default(prop)
        if entry is None:
            return None
        self.note(f"{label}, {prop.replace('_', ' ')}", entry.value, unit, entry)
        return float(entry.value)

    def lithium_exchange(self) -> ExchangeCurrentDensity:
        exchange: ExchangeCurrentDensity = self.replaced(
            "Li",
            "exchange_current_density",
            ExchangeCurrentDensity,
            self.given.lithium_exchange_current_density,
            "lithium_exchange_current_density",
        )
        self.note("lithium, exchange current density", exchange.at(self.temperature), units.MA_CM2, exchange)
        return exchange

    def additives(self) -> Iterator[tuple[str, float]]:
        given = self.given
        for name in self.present(ADDITIVE):
            known = self.design.material(name).default("electronic_conductivity")
            if given.ideal_electronics and known is None and given.additive_conductivity is None:
                continue
            entry = self.replaced(
                name,
                "electronic_conductivity",
                ElectronicConductivity,
                given.additive_conductivity,
                "additive_conductivity",
            )
            value = float(entry.at(self.temperature))
            self.note(f"{name}, electronic conductivity", value, units.MS_CM, entry)
            yield name, value

    def window(self, names: list[str]) -> tuple[float, float]:
        """Voltages that all active materials bear."""
        windows = [self.entry(name, "voltage_window") for name in names]
        lower, upper = max(w.lower for w in windows), min(w.upper for w in windows)
        if lower >= upper:
            msg = f"the voltage windows of {' and '.join(names)} do not overlap; they cannot be charged together"
            raise DesignError(Problem(msg, "positive.composition"))
        return lower, upper
