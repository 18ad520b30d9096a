"""The parameters of a simulation, collected from the materials of a design; its table [kinetics] replaces values."""

from collections.abc import Iterator
from typing import Any

from .. import units
from ..design import Design
from ..errors import DesignError, MaterialError, Problem
from ..materials import (
    Conductivity,
    Diffusivity,
    ElectronicConductivity,
    Entry,
    ExchangeCurrentDensity,
    Material,
    OpenCircuitPotential,
    SaltDiffusivity,
)
from .active_material import ActiveMaterial
from .electrolyte import Electrolyte
from .parameters import CellParameters, Lithium
from .sources import GIVEN, Ledger

ACTIVE = "active-material"
ELECTROLYTE = "solid-electrolyte"
ADDITIVE = "conductive-additive"


def cell_parameters(design: Design) -> CellParameters:
    """Collect what charge and discharge of a design take.

    The counter electrode is lithium, whatever the design's negative is. Values of the table ``[kinetics]`` take
    precedence over those of the material files.

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
        A material has no value of a property; the message says where to give it.
    DesignError
        The design has arrays, or an initial stoichiometry that its material does not have.

    Examples
    --------
    >>> import solidstack as ss
    >>> parameters = cell_parameters(ss.load("examples/pouch-0.16Ah.toml"))
    >>> round(parameters.active["NCM622"].stoichiometry(4.30, 298.15), 2)
    0.3
    """
    if not design.is_single:
        msg = f"has arrays of shape {design.shape}; charge and discharge take a single design"
        raise DesignError(msg)
    return _Collector(design).collect()


class _Collector:
    """Reads the properties one by one, and notes the source of each."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.table = design.kinetics
        self.temperature = float(design.temperature)
        self.ledger = Ledger(self.temperature)

    def collect(self) -> CellParameters:
        """All parameters; the order of the calls is the order of the sources."""
        active = {name: self.active(name) for name in self.present(ACTIVE)}
        electrolyte = self.composite()
        membrane = self.membrane(electrolyte)
        kind = self.design.negative.kind
        resistance = self.design.negative.interface_resistance
        if kind in ("graphite", "silicon"):
            self.ledger.warnings.append(
                f"the negative of the design is {kind}, but the counter electrode here is lithium: voltages are those "
                "of the positive against lithium"
            )
            resistance = None
        lithium = Lithium(self.lithium_exchange())
        self.ledger.design("lithium, interface resistance", resistance, units.OHM_CM2)
        interface = self.table.interface_resistance
        self.ledger.design("active material, interface resistance", interface or None, units.OHM_CM2)
        additives = dict(self.additives())
        if self.ledger.far:
            names = ", ".join(self.ledger.far)
            self.ledger.warnings.append(
                f"no activation energy is known, so the value at another temperature is used: {names}"
            )
        return CellParameters(
            active=active,
            electrolyte=electrolyte,
            membrane=membrane,
            membrane_thickness=float(self.design.membrane.thickness),
            lithium=lithium,
            lithium_resistance=float(resistance or 0.0),
            interface_resistance=float(interface),
            additive_conductivity=additives,
            voltage_window=self.window(list(active)),
            ideal_electronics=self.table.ideal_electronics,
            temperature=self.temperature,
            sources=tuple(self.ledger.sources),
            warnings=tuple(self.ledger.warnings),
        )

    def present(self, role: str) -> list[str]:
        """Names of the materials of a role that are in the positive, the largest volume first."""
        shares = self.design.positive.composition.shares
        names = [name for name in self.design.positive_materials(role) if shares[name] > 0.0]
        return sorted(names, key=lambda name: -float(shares[name] / self.design.density_of(name)))

    def entry(self, name: str, prop: str, key: str | None = None) -> Any:
        """Return the default entry of a property; without one, an error says where it can be given."""
        entry = self.design.material(name).default(prop)
        if entry is None:
            words = prop.replace("_", " ")
            file = f'a material file with [[{prop}]], see "solidstack materials add"'
            cure = f"kinetics.{key} in the design, or {file}" if key else file
            msg = f"{name} has no {words}, which charge and discharge need; give {cure}"
            raise MaterialError(Problem(msg, prop))
        return entry

    def activation(self, name: str, prop: str) -> dict[str, Any]:
        """How a value of the design, at its temperature, changes with temperature: as the material's own does."""
        own = self.design.material(name).default(prop)
        fields = {"value": None, "temperature": self.temperature, "quality": "assumed", "source": GIVEN}
        if own is not None:
            fields["activation_energy"] = own.activation_energy
        if isinstance(own, Conductivity):
            fields["arrhenius"] = own.arrhenius
        if isinstance(own, ExchangeCurrentDensity):
            fields["transfer_coefficient"] = own.transfer_coefficient
        return fields

    def replaced(self, name: str, prop: str, kind: type[Any], value: Any, key: str | None = None) -> Any:
        """Return the entry of a property, or one made of the value that the design gives."""
        if value is None:
            return self.entry(name, prop, key or prop)
        return kind(**{**self.activation(name, prop), "value": float(value)})

    def active(self, name: str) -> ActiveMaterial:
        """An active material of the positive."""
        material: Material = self.design.material(name)
        table = self.table
        density = float(self.design.density_of(name))
        sites = self.entry(name, "site_concentration")
        # sites are of the mass: another true density in the design takes them along
        concentration = sites.value * density / material.default("density").value
        potential: OpenCircuitPotential = self.entry(name, "open_circuit_potential")
        diffusion = self.replaced(name, "diffusivity", Diffusivity, table.diffusivity)
        exchange = self.replaced(
            name, "exchange_current_density", ExchangeCurrentDensity, table.exchange_current_density
        )
        electronics = None
        if not (table.ideal_electronics and table.electronic_conductivity is None):
            electronics = self.replaced(
                name, "electronic_conductivity", ElectronicConductivity, table.electronic_conductivity
            )
        self.note_active(name, concentration, sites, potential, diffusion, exchange, electronics)
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

    def note_active(
        self,
        name: str,
        concentration: float,
        sites: Entry,
        potential: OpenCircuitPotential,
        diffusion: Diffusivity,
        exchange: ExchangeCurrentDensity,
        electronics: ElectronicConductivity | None,
    ) -> None:
        """Note where the properties of an active material are from."""
        at = self.temperature
        self.ledger.entry(f"{name}, lithium sites", concentration, units.KMOL_M3, sites)
        half = "at x = 1/2"
        self.ledger.entry(f"{name}, open-circuit potential", float(potential.at(0.5, at)), units.V, potential, half)
        curved = half if diffusion.curve is not None else ""
        self.ledger.entry(f"{name}, diffusivity", float(diffusion.at(0.5, at)), units.CM2_S, diffusion, curved)
        self.ledger.entry(f"{name}, exchange current density", exchange.at(at), units.MA_CM2, exchange, half)
        if electronics is not None:
            curved = half if electronics.curve is not None else ""
            value = float(electronics.at_stoichiometry(0.5, at))
            self.ledger.entry(f"{name}, electronic conductivity", value, units.MS_CM, electronics, curved)

    def start(self, name: str, potential: OpenCircuitPotential) -> float:
        """Stoichiometry at the start."""
        start = self.table.initial_stoichiometry
        low, high = potential.range
        if start is None:
            entry = self.entry(name, "as_made_stoichiometry", "initial_stoichiometry")
            self.ledger.entry(f"{name}, stoichiometry as made", entry.value, units.ONE, entry)
            start = entry.value
            if not low <= start <= high:
                msg = f"{start:g} of {name} is outside the range of its open-circuit potential, {low:.4g} to {high:.4g}"
                raise MaterialError(Problem(msg, "as_made_stoichiometry"))
        elif not low <= start <= high:
            msg = (
                f"{start:g} is outside the range {low:.4g} to {high:.4g} in which the open-circuit potential of {name} "
                "is known; give a value inside it"
            )
            raise DesignError(Problem(msg, "kinetics.initial_stoichiometry"))
        else:
            self.ledger.design(f"{name}, stoichiometry at the start", start, units.ONE)
        return float(start)

    def composite(self) -> Electrolyte:
        """The solid electrolyte of the positive; of several, that of the largest volume."""
        names = self.present(ELECTROLYTE)
        if not names:
            msg = "has 0 wt% of solid electrolyte; without it no ions reach the active material"
            raise DesignError(Problem(msg, "positive.composition"))
        if len(names) > 1:
            self.ledger.warnings.append(
                f"the positive mixes {' and '.join(names)}: salt and transference number are those of {names[0]}"
            )
        return self.electrolyte(names[0], self.design.positive.ionic_conductivity, "positive", own=True)

    def membrane(self, composite: Electrolyte) -> Electrolyte:
        """The solid electrolyte of the membrane."""
        name = self.design.membrane.material
        return self.electrolyte(name, self.design.membrane.ionic_conductivity, "membrane", own=name == composite.name)

    def electrolyte(self, name: str, conductivity: Any, where: str, *, own: bool) -> Electrolyte:
        """A solid electrolyte; `own`: the values of the design's table are meant for it."""
        table, label, at = self.table if own else None, f"{where}: {name}", self.temperature
        ionic = self.replaced(name, "ionic_conductivity", Conductivity, conductivity)
        self.ledger.entry(f"{label}, ionic conductivity", float(ionic.at(at)), units.MS_CM, ionic)
        material = self.design.material(name)
        number = self.number(material, "transference_number", table and table.transference_number, label)
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
        concentration = self.number(material, "salt_concentration", table and table.salt_concentration, label)
        diffusion = None
        value = table.salt_diffusivity if table else None
        if value is not None or material.default("salt_diffusivity") is not None:
            diffusion = self.replaced(name, "salt_diffusivity", SaltDiffusivity, value)
            self.ledger.entry(f"{label}, salt diffusivity", diffusion.at(at), units.CM2_S, diffusion)
        missing = [
            words
            for words, value in (("salt concentration", concentration), ("salt diffusivity", diffusion))
            if value is None
        ]
        if missing:
            self.ledger.warnings.append(
                f"{name} ({where}) has a transference number of {number:g} but no {' and no '.join(missing)}: it is "
                "treated as if only lithium moved; give them in [kinetics] or in its material file"
            )
            return Electrolyte(name, number, ionic)
        factor = self.number(material, "thermodynamic_factor", table and table.thermodynamic_factor, label)
        return Electrolyte(name, number, ionic, concentration, diffusion, 1.0 if factor is None else factor)

    def number(self, material: Material, prop: str, value: Any, label: str) -> float | None:
        """The value of the design, else of the material; None without either."""
        unit = {"salt_concentration": units.KMOL_M3}.get(prop, units.ONE)
        if value is not None:
            self.ledger.design(f"{label}, {prop.replace('_', ' ')}", value, unit)
            return float(value)
        entry = material.default(prop)
        if entry is None:
            return None
        self.ledger.entry(f"{label}, {prop.replace('_', ' ')}", entry.value, unit, entry)
        return float(entry.value)

    def lithium_exchange(self) -> ExchangeCurrentDensity:
        """Plating and stripping of the counter electrode."""
        exchange: ExchangeCurrentDensity = self.replaced(
            "Li",
            "exchange_current_density",
            ExchangeCurrentDensity,
            self.table.lithium_exchange_current_density,
            "lithium_exchange_current_density",
        )
        self.ledger.entry("lithium, exchange current density", exchange.at(self.temperature), units.MA_CM2, exchange)
        return exchange

    def additives(self) -> Iterator[tuple[str, float]]:
        """Electronic conductivities of the conductive additives, S/m, by name."""
        table = self.table
        for name in self.present(ADDITIVE):
            known = self.design.material(name).default("electronic_conductivity")
            if table.ideal_electronics and known is None and table.additive_conductivity is None:
                continue
            entry = self.replaced(
                name,
                "electronic_conductivity",
                ElectronicConductivity,
                table.additive_conductivity,
                "additive_conductivity",
            )
            value = float(entry.at(self.temperature))
            self.ledger.entry(f"{name}, electronic conductivity", value, units.MS_CM, entry)
            yield name, value

    def window(self, names: list[str]) -> tuple[float, float]:
        """Voltages that suit all active materials."""
        windows = [self.entry(name, "voltage_window") for name in names]
        lower, upper = max(w.lower for w in windows), min(w.upper for w in windows)
        if lower >= upper:
            msg = f"the voltage windows of {' and '.join(names)} do not overlap; they cannot be charged together"
            raise DesignError(Problem(msg, "positive.composition"))
        return lower, upper
