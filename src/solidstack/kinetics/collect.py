"""The parameters of a simulation, collected from the materials of a design; its table [kinetics] replaces values."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from .. import units
from ..design import Design
from ..design.schema import Kinetics
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
from . import salt
from .active_material import ActiveMaterial
from .electrolyte import Electrolyte
from .network import BRUGGEMAN, Percolation, network_conductivity
from .parameters import SENSITIVE, CarbonBinder, CellParameters, Lithium
from .sources import GIVEN, Ledger, Sourced

ACTIVE = "active-material"
ELECTROLYTE = "solid-electrolyte"
ADDITIVE = "conductive-additive"
BINDER_SHARE = 0.5
"""Of the solid of the mixture of carbon and binder, by volume; assumed."""


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


def drop_assumed(known: dict[str, float], qualities: dict[str, str]) -> None:
    """Of four numbers of a salt, of which three fix the last, leave out one that nobody measured.

    What a design gives takes precedence over what its material has: three that it gives stand without the fourth.
    """
    if len(known) < len(salt.WORDS):
        return
    replaced = list(qualities.values()).count("given") == len(known) - 1
    for quality in ("assumed", "derived", *(("measured",) if replaced else ())):
        for name in ("transference_number", "thermodynamic_factor", "salt_diffusivity", "current_fraction"):
            if qualities[name] == quality:
                del known[name]
                return


def electrolytes(design: Design) -> tuple[Electrolyte, Electrolyte]:
    """Collect the electrolyte of the positive and of the membrane, which `cell_parameters` has among the rest.

    Raises
    ------
    MaterialError, DesignError
        As `cell_parameters`.
    """
    collector = _Collector(design)
    composite = collector.composite()
    return composite, collector.membrane(composite)


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
        percolation = {} if self.table.ideal_electronics else dict(self.percolation(list(additives)))
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
            percolation=percolation,
            carbon_binder=self.carbon_binder(additives, percolation),
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
            reversible_share=self.reversible_share(name),
        )

    def reversible_share(self, name: str) -> float:
        """Of the charge of the first charge, what is lithium that goes back in; 1 where the start is not as made."""
        material = self.design.material(name)
        if material.as_made == "charged" or self.table.initial_stoichiometry is not None:
            return 1.0
        prop, unit = "reversible_share", units.PERCENT
        label = f"{name}, reversible share of the first charge"
        if self.table.reversible_share is not None:
            self.ledger.design(label, self.table.reversible_share, unit)
            return float(self.table.reversible_share)
        entry = material.default(prop)
        if entry is None:
            self.ledger.warnings.append(
                f"{name}: no loss of the first cycle is known, so its first charge is all lithium that goes back in; "
                "give kinetics.reversible_share"
            )
            return 1.0
        self.ledger.entry(label, entry.value, unit, entry, parameter="irreversible_share")
        return float(entry.value)

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
        self.ledger.entry(
            f"{name}, diffusivity",
            float(diffusion.at(0.5, at)),
            units.CM2_S,
            diffusion,
            curved,
            parameter="diffusivity",
        )
        self.ledger.entry(
            f"{name}, exchange current density",
            exchange.at(at),
            units.MA_CM2,
            exchange,
            half,
            parameter="exchange_current_density",
        )
        if electronics is not None:
            curved = half if electronics.curve is not None else ""
            value = float(electronics.at_stoichiometry(0.5, at))
            self.ledger.entry(
                f"{name}, electronic conductivity",
                value,
                units.MS_CM,
                electronics,
                curved,
                parameter="electronic_conductivity",
            )

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
        scale = "ionic_conductivity" if where == "positive" else "membrane_conductivity"
        ionic = self.replaced(name, "ionic_conductivity", Conductivity, conductivity)
        self.ledger.entry(f"{label}, ionic conductivity", float(ionic.at(at)), units.MS_CM, ionic, parameter=scale)
        if self.table.single_ion:
            return Electrolyte(name, ionic)
        material = self.design.material(name)
        known, qualities = self.known_of_salt(material, table, label)
        if not known.keys() & {"transference_number", "current_fraction"}:
            raise MaterialError(
                Problem(
                    f"{name} has no transference number and no current fraction, of which charge and discharge need "
                    "one; give kinetics.transference_number or kinetics.current_fraction in the design, set "
                    "kinetics.single_ion = true, or add a material file with [[transference_number]]",
                    "transference_number",
                )
            )
        if known.get("transference_number") == 1.0:
            return Electrolyte(name, ionic)
        concentration = self.number(material, "salt_concentration", table and table.salt_concentration, label)
        if concentration is None:
            self.ledger.warnings.append(
                f"{name} ({where}) has no salt concentration: it is treated as if only lithium moved; give "
                "kinetics.salt_concentration or [[salt_concentration]] in its material file"
            )
            return Electrolyte(name, ionic)
        diffusion = None
        value = table.salt_diffusivity if table else None
        if "salt_diffusivity" in known:
            diffusion = self.replaced(name, "salt_diffusivity", SaltDiffusivity, value)
        drop_assumed(known, qualities)
        whole = salt.completed(known, float(ionic.at(at)), concentration, at, of=label)
        self.note_salt(whole, label, diffusion)
        return Electrolyte(
            name=name,
            ionic=ionic,
            transference_number=whole.transference_number,
            current_fraction=whole.current_fraction,
            salt_concentration=concentration,
            salt_diffusion=diffusion,
            thermodynamic_factor=whole.thermodynamic_factor,
            derived=whole.derived,
            reference=at,
            transference_range=self.span(material, qualities) if whole.derived != "transference_number" else None,
        )

    def span(self, material: Material, qualities: dict[str, str]) -> tuple[float, float] | None:
        """In which an assumed transference number may lie."""
        entry = material.default("transference_number")
        return entry.between if entry is not None and qualities.get("transference_number") == "assumed" else None

    def known_of_salt(
        self, material: Material, table: Kinetics | None, label: str
    ) -> tuple[dict[str, float], dict[str, str]]:
        """What the design, else the material, has of the four numbers of a salt, and the quality of each."""
        known: dict[str, float] = {}
        qualities: dict[str, str] = {}
        for prop in salt.WORDS:
            given = None if table is None else getattr(table, prop)
            entry = material.default(prop)
            if given is not None:
                known[prop], qualities[prop] = float(given), "given"
                unit = units.CM2_S if prop == "salt_diffusivity" else units.ONE
                self.ledger.design(f"{label}, {salt.WORDS[prop]}", given, unit)
            elif entry is not None:
                value = entry.at(self.temperature) if prop == "salt_diffusivity" else entry.value
                known[prop], qualities[prop] = float(value), entry.quality
                unit = units.CM2_S if prop == "salt_diffusivity" else units.ONE
                parameter = prop if label.startswith("positive") else ""
                self.ledger.entry(f"{label}, {salt.WORDS[prop]}", value, unit, entry, parameter=parameter)
        return known, qualities

    def note_salt(self, whole: salt.Salt, label: str, diffusion: SaltDiffusivity | None) -> None:
        """Note what follows of a salt, and warn where a current fraction stands alone."""
        if not whole.derived:
            return
        what = f"{label}, {salt.WORDS[whole.derived]}"
        self.ledger.sources[:] = [row for row in self.ledger.sources if row.what != what]
        unit = units.CM2_S if whole.derived == "salt_diffusivity" else units.ONE
        source = (
            "rho = 1/(1 + Ne), Ne = 2 sigma R T (1 - t0)^2 Theta / (F^2 D c); J. Electrochem. Soc. 162 (2015) A2720"
        )
        note = "" if diffusion is not None or whole.derived != "salt_diffusivity" else "goes with conductivity times T"
        self.ledger.sources.append(Sourced(what, getattr(whole, whole.derived), unit, "derived", source, note))
        if whole.derived == "salt_diffusivity" and math.isclose(whole.transference_number, whole.current_fraction):
            self.ledger.warnings.append(
                f"{label}: transference number and current fraction are both taken as {whole.current_fraction:g}, as "
                "of an ideal, fully dissociated salt. Real salts differ, and the current at which it runs out hangs on "
                "it: give both (kinetics.transference_number, kinetics.current_fraction)"
            )

    def number(self, material: Material, prop: str, value: Any, label: str) -> float | None:
        """The value of the design, else of the material; None without either."""
        unit = {"salt_concentration": units.KMOL_M3, "percolation_content": units.VOL_PERCENT}.get(prop, units.ONE)
        if value is not None:
            self.ledger.design(f"{label}, {prop.replace('_', ' ')}", value, unit)
            return float(value)
        entry = material.default(prop)
        if entry is None:
            return None
        parameter = prop if prop in SENSITIVE and not label.startswith("membrane") else ""
        self.ledger.entry(f"{label}, {prop.replace('_', ' ')}", entry.value, unit, entry, parameter=parameter)
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
        self.ledger.entry(
            "lithium, exchange current density",
            exchange.at(self.temperature),
            units.MA_CM2,
            exchange,
            parameter="lithium_exchange_current_density",
        )
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
            self.ledger.entry(
                f"{name}, electronic conductivity", value, units.MS_CM, entry, parameter="additive_conductivity"
            )
            yield name, value

    def carbon_binder(
        self, conductivities: Mapping[str, float], percolation: Mapping[str, Percolation]
    ) -> CarbonBinder | None:
        """The porous mixture of carbon and binder; None of a design without carbon."""
        name = next(iter(conductivities), None)
        if name is None:
            return None
        solid = float(self.table.carbon_binder_solid_fraction)
        own = self.table.carbon_binder_conductivity
        if own is None:
            volumes = {name: solid * (1.0 - BINDER_SHARE)}
            own = network_conductivity(conductivities, percolation, volumes, 1.0)
        return CarbonBinder(solid, float(own), (1.0 - solid) ** BRUGGEMAN)

    def percolation(self, names: list[str]) -> Iterator[tuple[str, Percolation]]:
        """How the conductive additives connect, by name: those of which it is known."""
        table = self.table
        for name in names:
            material = self.design.material(name)
            label = f"{name}, percolation"
            content = self.number(material, "percolation_content", table.percolation_content, name)
            if content is None:
                continue
            exponent = self.number(material, "percolation_exponent", None, label)
            yield name, Percolation(content, 2.0 if exponent is None else exponent)

    def window(self, names: list[str]) -> tuple[float, float]:
        """Voltages that suit all active materials."""
        windows = [self.entry(name, "voltage_window") for name in names]
        lower, upper = max(w.lower for w in windows), min(w.upper for w in windows)
        if lower >= upper:
            msg = f"the voltage windows of {' and '.join(names)} do not overlap; they cannot be charged together"
            raise DesignError(Problem(msg, "positive.composition"))
        return lower, upper
