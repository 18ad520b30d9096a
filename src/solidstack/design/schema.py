"""The tables of a design file: every key with its quantity, bounds, default and meaning."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

import numpy as np
from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from .. import units
from ..errors import MaterialError
from ..materials import Library, default_library
from ..quantities import Count, Measure, Strict, from_file, reject
from ..units import Values

SUM_TOLERANCE = 1e-6
"""Allowed distance of the sum of mass fractions from 1: rounding, not a missing per cent."""

AGREEMENT = 0.01
"""Relative agreement required of density, porosity and thickness if more than one is given: their rounding."""

ArealMass = Annotated[Values, Measure(units.AREAL_MASS, above=0.0, most=10.0)]
SheetMass = Annotated[Values, Measure(units.SHEET_MASS, above=0.0, most=100.0)]
Density = Annotated[Values, Measure(units.DENSITY, above=0.0, most=3e4)]
Porosity = Annotated[Values, Measure(units.POROSITY, least=0.0, below=1.0)]
Thickness = Annotated[Values, Measure(units.THICKNESS, above=0.0, most=0.1)]
Length = Annotated[Values, Measure(units.LENGTH, above=0.0, most=10.0)]
Overhang = Annotated[Values, Measure(units.LENGTH, least=0.0, most=1.0)]
Width = Annotated[Values, Measure(units.LENGTH, least=0.0, most=1.0)]
SpecificCapacity = Annotated[Values, Measure(units.SPECIFIC_CAPACITY, above=0.0, most=5000 * 3600.0)]
Voltage = Annotated[Values, Measure(units.VOLTAGE, least=0.0, most=10.0)]
Efficiency = Annotated[Values, Measure(units.FRACTION, above=0.0, most=1.0)]
Conductivity = Annotated[Values, Measure(units.CONDUCTIVITY, above=0.0, most=1e4)]
ArealResistance = Annotated[Values, Measure(units.AREAL_RESISTANCE, least=0.0, most=100.0)]
SpecificCurrent = Annotated[Values, Measure(units.SPECIFIC_CURRENT, above=0.0, most=1e5)]
SmallVoltage = Annotated[Values, Measure(units.SMALL_VOLTAGE, above=0.0, most=10.0)]
Ratio = Annotated[Values, Measure(units.RATIO, above=0.0, most=1e4)]
Temperature = Annotated[Values, Measure(units.TEMPERATURE, least=100.0, most=2000.0)]
Price = Annotated[Values, Measure(units.PRICE, least=0.0)]
Number = Annotated[Values, Count(1, 1000)]
Diffusivity = Annotated[Values, Measure(units.DIFFUSIVITY, above=0.0, most=1e-4)]
CurrentDensity = Annotated[Values, Measure(units.CURRENT_DENSITY, above=0.0, most=1e6)]
Concentration = Annotated[Values, Measure(units.CONCENTRATION, above=0.0, most=1e5)]
SiteFraction = Annotated[Values, Measure(units.RATIO, above=0.0, below=1.0)]
Coverage = Annotated[Values, Measure(units.FRACTION, above=0.0, most=1.0)]
ReversibleShare = Annotated[Values, Measure(units.FRACTION, above=0.0, most=1.0)]
ContentShare = Annotated[Values, Measure(units.FRACTION, above=0.0, below=1.0)]
TransferenceNumber = Annotated[Values, Measure(units.RATIO, above=0.0, most=1.0)]
ThermodynamicFactor = Annotated[Values, Measure(units.RATIO, above=0.0, most=100.0)]


def library_of(info: ValidationInfo) -> Library:
    """Return the materials that a design is checked against."""
    library = info.context.get("library") if info.context else None
    return library if library is not None else default_library()


def each_once(value: Any, info: ValidationInfo) -> Any:
    """Refuse a table that names a material twice, by its name and by an alias."""
    library = library_of(info)
    seen: dict[str, str] = {}
    for word in value if isinstance(value, Mapping) else ():
        if isinstance(word, str) and word in library:
            name = library.name_of(word)
            if name in seen:
                msg = f"{name} appears twice, as {seen[name]} and as {word}; add the two together"
                raise reject(msg)
            seen[name] = word
    return value


@dataclass(frozen=True)
class Named:
    """The name of a material in the library, with one of the roles if there are any; aliases become the name."""

    roles: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        role = f" ({' or '.join(self.roles)})" if self.roles else ""
        return {"type": "string", "description": f"a material{role}, see: solidstack materials list"}

    def validate(self, value: Any, info: ValidationInfo) -> str:
        """Look the name up."""
        if not isinstance(value, str):
            msg = f"is {value!r}; write the name of a material in quotes"
            raise reject(msg)
        library = library_of(info)
        try:
            material = library[value]
        except MaterialError as error:
            raise reject(str(error)) from None
        if self.roles and material.role not in self.roles:
            fitting = ", ".join(name for name in library if library[name].role in self.roles)
            role = units.article(" or ".join(self.roles))
            msg = f'"{value}" is {units.article(material.role)}; expected {role}: {fitting}'
            raise reject(msg)
        return material.name


@dataclass(frozen=True)
class _Share:
    value: Values
    basis: str


@dataclass(frozen=True)
class Share:
    """A share of a composition, wt% or vol% (of the solid); in Python a number or array is a mass fraction."""

    _measure = Measure(units.SHARE, least=0.0, most=1.0)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self.validate)

    def validate(self, value: Any, info: ValidationInfo) -> _Share:
        """Read a share and remember whether it is of mass or of volume."""
        volume = isinstance(value, str) and value.replace(".", "").rstrip(" %").endswith("vol")
        return _Share(self._measure.validate(value, info), "vol%" if volume else "wt%")


_MATERIAL = Annotated[str, Named()]
_SOLID_ELECTROLYTE = Annotated[str, Named(("solid-electrolyte",))]
_METAL = Annotated[str, Named(("metal",))]


class Composition(Strict):
    """What the dry coating consists of: material name to mass fraction.

    In a file all shares are wt%, or all vol% of the solid; they are kept as mass fractions. They sum to 1.
    """

    unwritten = "shares"

    shares: dict[_MATERIAL, Annotated[Any, Share()]]

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        share = {"type": "string", "pattern": "(wt|vol)\\.?\\s*%\\s*$", "examples": ["93 wt%", "70 vol%"]}
        text = "material name to share of the dry coating; the shares sum to 100 %"
        return {"type": "object", "additionalProperties": share, "minProperties": 2, "description": text}

    @model_validator(mode="before")
    @classmethod
    def _wrap(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping) or not value:
            example = '{ NCM622 = "93 wt%", SPE = "5 wt%", "carbon black" = "2 wt%" }'
            msg = f"is not a table of shares; write for example {example}"
            raise reject(msg)
        if set(value) == {"shares"} and not from_file(info):
            return value
        return {"shares": each_once(value, info)}

    @model_validator(mode="after")
    def _whole(self, info: ValidationInfo) -> Self:
        library = library_of(info)
        shares: dict[str, _Share] = self.shares
        bases = {share.basis for share in shares.values()}
        if len(bases) > 1:
            by = {basis: ", ".join(n for n, s in shares.items() if s.basis == basis) for basis in sorted(bases)}
            msg = f"mixes vol% ({by['vol%']}) and wt% ({by['wt%']}); write all shares in the same one"
            raise reject(msg)
        basis = bases.pop() if bases else "wt%"
        total = np.asarray(sum(share.value for share in shares.values()))
        off = np.abs(total - 1.0) > SUM_TOLERANCE
        if off.any():
            wrong = float(total[off].flat[0]) if total.ndim else float(total)
            parts = ", ".join(f"{name} {np.asarray(s.value).flat[0] * 100:.6g}" for name, s in shares.items())
            msg = f"the shares sum to {100 * wrong:.6g} {basis}, not 100 {basis} ({parts}); correct one of the shares"
            raise reject(msg)
        values = {name: share.value for name, share in shares.items()}
        if basis == "vol%":
            own = (info.context or {}).get("densities", {})
            masses = {
                name: value * own.get(name, library[name].default("density").value) for name, value in values.items()
            }
            whole = sum(masses.values())
            values = {name: mass / whole for name, mass in masses.items()}
        object.__setattr__(self, "shares", values)
        return self

    @field_serializer("shares", when_used="json")
    def _write(self, shares: dict[str, Values]) -> dict[str, Any]:
        measure = Share._measure
        return {name: measure.write(value) for name, value in shares.items()}


class Collector(Strict):
    """A metal foil that collects current."""

    material: _METAL
    thickness: Thickness


Process = Literal["slurry-cast", "roll-pressed", "warm-isostatic-pressed"]


class Positive(Strict):
    """The positive electrode: composition, loading, and one of density, porosity, thickness."""

    composition: Composition
    loading: ArealMass = Field(description="dry coating, one side")
    density: Density | None = Field(None, description="of the coating; alternatively porosity or thickness")
    porosity: Porosity | None = None
    thickness: Thickness | None = Field(None, description="of the coating, one side")
    process: Process | None = Field(
        None, description="how the coating is densified; the porosity is checked against what it can reach"
    )
    specific_capacity: SpecificCapacity | None = Field(
        None, description="of the active material, discharge; default from the material"
    )
    average_voltage: Voltage | None = Field(None, description="discharge, against Li; default from the material")
    first_cycle_efficiency: Efficiency | None = Field(
        None, description="discharge over charge; default from the material"
    )
    ionic_conductivity: Conductivity | None = Field(
        None, description="of the solid electrolyte at the design's temperature; default from the material"
    )
    charge_transfer_resistance: ArealResistance | None = Field(None, description="measured, per electrode area")
    largest_particle: Thickness | None = Field(None, description="diameter; default from the active material")
    collector: Collector = Collector.model_construct(material="Al", thickness=20e-6)

    @model_validator(mode="after")
    def _one_density(self) -> Self:
        if self.density is None and self.porosity is None and self.thickness is None:
            msg = 'density, porosity or thickness is missing; write for example density = "3.5 g/cm^3"'
            raise reject(msg)
        return self


class LithiumFoil(Strict):
    """Freestanding lithium foil, its own collector; inner foils serve two sides."""

    kind: Literal["lithium-foil"]
    thickness: Thickness = Field(description="of the whole foil")
    interface_resistance: ArealResistance | None = Field(None, description="lithium to membrane, measured")


class LithiumOnCollector(Strict):
    """Lithium on a metal foil."""

    kind: Literal["lithium-on-collector"]
    thickness: Thickness = Field(description="of the lithium on each side of the collector")
    collector: Collector = Collector.model_construct(material="Cu", thickness=10e-6)
    interface_resistance: ArealResistance | None = Field(None, description="lithium to membrane, measured")


class _Host(Strict):
    """A coated negative electrode whose active material hosts the lithium."""

    n_p_ratio: Ratio = Field(1.1, description="reversible areal capacity, negative over positive")
    composition: Composition | None = Field(
        None, description="default: its balance threshold with the solid electrolyte of the positive"
    )
    density: Density | None = Field(None, description="of the coating; alternatively porosity")
    porosity: Porosity | None = Field(None, description="default 18 %, assumed: the densest positive of the reference")
    specific_capacity: SpecificCapacity | None = Field(None, description="default from the material")
    average_voltage: Voltage | None = Field(None, description="against Li; default from the material")
    first_cycle_efficiency: Efficiency | None = Field(None, description="default from the material")
    collector: Collector = Collector.model_construct(material="Cu", thickness=10e-6)
    interface_resistance: ArealResistance | None = Field(None, description="negative to membrane, measured")

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if self.density is not None and self.porosity is not None:
            msg = "has both density and porosity; remove one"
            raise reject(msg)
        return self


class Graphite(_Host):
    """Graphite composite on a metal foil, sized by the n/p ratio."""

    kind: Literal["graphite"]


class Silicon(_Host):
    """Silicon or silicon-carbon composite on a metal foil, sized by the n/p ratio."""

    kind: Literal["silicon"]


class AnodeFree(Strict):
    """A bare collector on which the lithium of the positive is plated."""

    kind: Literal["anode-free"]
    collector: Collector = Collector.model_construct(material="Cu", thickness=10e-6)
    first_cycle_efficiency: Efficiency = Field(
        0.9, description="lithium stripped over plated in the first cycle (assumed)"
    )
    interface_resistance: ArealResistance | None = Field(None, description="lithium to membrane, measured")


Negative = Annotated[LithiumFoil | LithiumOnCollector | Graphite | Silicon | AnodeFree, Field(discriminator="kind")]
NEGATIVE_KINDS = tuple(
    get_args(member.model_fields["kind"].annotation)[0]
    for member in (LithiumFoil, LithiumOnCollector, Graphite, Silicon, AnodeFree)
)


class Membrane(Strict):
    """The solid-electrolyte membrane (separator)."""

    material: _SOLID_ELECTROLYTE
    thickness: Thickness
    ionic_conductivity: Conductivity | None = Field(
        None, description="at the design's temperature; default from the material"
    )


class Stack(Strict):
    """Number of layers, their size and overhangs."""

    bilayers: Number = Field(description="double-sided positive electrodes")
    positive_size: tuple[Length, Length]
    negative_overhang: Overhang = Field(1e-3, description="per edge, beyond the positive")
    membrane_overhang: Overhang = Field(1e-3, description="per edge, beyond the negative")
    series_cells: Number = Field(1.0, description="unit cells in series on each side (bipolar stack); 1: none")
    bipolar_foil: Collector | None = Field(None, description="between the unit cells of a bipolar stack")

    @model_validator(mode="after")
    def _bipolar(self) -> Self:
        if self.bipolar_foil is None and np.any(np.asarray(self.series_cells) > 1):
            msg = 'series_cells is above 1; add bipolar_foil = { material = "...", thickness = "..." }'
            raise reject(msg)
        return self


class Laminate(Strict):
    """The pouch foil."""

    areal_mass: SheetMass = Field(0.203, description="of one sheet")
    thickness: Thickness = 113e-6
    price: Price | None = Field(None, description="default: left out of the cost")


class Tabs(Strict):
    """The two tabs and their sealant films."""

    width: Length = 5e-3
    length: Length = 20e-3
    thickness: Thickness = 0.1e-3
    positive_material: _METAL = "Al"
    negative_material: _METAL = "Ni"
    sealant_material: _MATERIAL = "PP"
    sealant_margin: Width = Field(2e-3, description="of the sealant film beyond the tab, on each edge")
    sealant_thickness: Thickness = Field(0.1e-3, description="of one film; a tab has one on each face")


class Pouch(Strict):
    """The package."""

    laminate: Laminate = Laminate.model_validate({})
    seal_width: Width = Field(3e-3, description="flange on each of the four edges")
    clearance: Width = Field(0.0, description="between membrane and seal, per edge")
    expansion_space: Thickness | None = Field(None, description="thickness reserved for plated lithium, whole cell")
    tabs: Tabs = Tabs.model_validate({})


class Rating(Strict):
    """The rate at which the IR drop and the loading threshold are evaluated."""

    c_rate: Ratio = 0.5
    one_c: SpecificCurrent | None = Field(None, description="current per mass of active material at 1C")
    ir_drop_limit: SmallVoltage = 0.1


class Twin(Strict):
    """The digital twin: the section of the positive electrode that is built from voxels, and how."""

    size: Thickness | None = Field(
        None, description="edge in the plane; default: as large as a few million voxels allow"
    )
    thickness: Thickness | None = Field(None, description="through the plane; default: as the coating, or the size")
    voxel: Thickness | None = Field(None, description="edge; default: half of the solid electrolyte's film")
    seed: Annotated[Values, Count(0, 2**31 - 1)] = 0.0
    arrangement: Literal["random", "close-packed"] = "random"
    pressing: Literal["isostatic", "uniaxial"] = Field(
        "isostatic", description="of the packing, beyond the percolation threshold"
    )
    particle_diameter: Thickness = Field(8.55e-6, description="of the active material; the median by volume")
    particle_d10: Thickness | None = Field(None, description="10 % of the volume is finer; default: all are equal")
    particle_d90: Thickness | None = Field(None, description="90 % of the volume is finer")
    electrolyte: Literal["shell", "necks", "particles", "uneven"] = Field(
        "shell", description="how it is distributed on the particles"
    )
    electrolyte_diameter: Thickness = Field(2e-6, description="of solid electrolyte particles")
    carbon_binder: bool = Field(
        False, strict=True, description="carbon and binder are one porous phase, its pores full of solid electrolyte"
    )
    electrolyte_coverage: Coverage = Field(0.8, description="of the active material, where the electrolyte is uneven")
    electrolyte_patch: Thickness = Field(3e-6, description="size of its bare patches")
    additive: Literal["surfaces", "dispersed"] = Field("surfaces", description="where the carbon is")
    additive_size: Thickness = Field(0.8e-6, description="of a cluster of carbon or binder")


class Kinetics(Strict):
    """Parameters of charge and discharge of the digital twin; each key replaces the value of the material's file.

    Values are at the design's temperature. At another one they change as the material's own values do.
    """

    exchange_current_density: CurrentDensity | None = Field(
        None, description="of every active material, per area of interface, half full"
    )
    diffusivity: Diffusivity | None = Field(
        None, description="of lithium in every active material, at any stoichiometry"
    )
    electronic_conductivity: Conductivity | None = Field(
        None, description="of every active material, at any stoichiometry"
    )
    additive_conductivity: Conductivity | None = Field(None, description="electronic, of every conductive additive")
    percolation_content: ContentShare | None = Field(
        None, description="of every conductive additive: share of the volume of additive, electrolyte and binder"
    )
    carbon_binder_solid_fraction: ContentShare = Field(
        0.5, description="of the porous mixture of carbon and binder in an image (assumed half)"
    )
    carbon_binder_conductivity: Conductivity | None = Field(
        None, description="effective electronic, of that mixture; default by the percolation of its carbon"
    )
    interface_resistance: ArealResistance = Field(
        0.0, description="between active material and solid electrolyte, per area of interface"
    )
    lithium_exchange_current_density: CurrentDensity | None = Field(None, description="of the lithium electrode")
    single_ion: bool = Field(
        False, strict=True, description="only lithium moves in the solid electrolytes; no salt is solved for"
    )
    transference_number: TransferenceNumber | None = Field(
        None, description="of the positive's solid electrolyte, and of the membrane if it is the same"
    )
    current_fraction: TransferenceNumber | None = Field(
        None, description="of the steady state (Bruce and Vincent), of the same electrolytes"
    )
    salt_concentration: Concentration | None = Field(None, description="as made; of the same electrolytes")
    salt_diffusivity: Diffusivity | None = Field(None, description="of the same electrolytes")
    thermodynamic_factor: ThermodynamicFactor | None = Field(None, description="1 + d ln f / d ln c, same electrolytes")
    reversible_share: ReversibleShare | None = Field(
        None, description="of the charge of the first charge as made: what is lithium that goes back in"
    )
    ideal_electronics: bool = Field(
        False, strict=True, description="all active material is at the collector's potential, connected or not"
    )
    initial_stoichiometry: SiteFraction | None = Field(
        None, description="lithium in the active material at the start, 1 is full; default: as made"
    )


@dataclass(frozen=True)
class Stated:
    """A stated figure, kept as the text as written: its digits are its uncertainty."""

    kind: units.Kind

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "description": self.kind.name, "examples": [self.kind.example]}

    def validate(self, value: Any, info: ValidationInfo) -> str:
        """Check that the text is a quantity of the kind, above zero."""
        if not isinstance(value, str):
            msg = f'is {value!r}; write the figure as stated, in quotes, for example "{self.kind.example}"'
            raise reject(msg)
        Measure(self.kind, above=0.0).validate(value, info)
        return value


class Published(Strict):
    """Figures stated elsewhere for this cell; `solidstack check` compares them. Write them exactly as stated.

    The digits of a figure are its uncertainty: "0.16 Ah" stands for 0.155 to 0.165 Ah.
    """

    source: str = ""
    mass: Annotated[str, Stated(units.MASS)] | None = None
    volume: Annotated[str, Stated(units.VOLUME)] | None = None
    capacity: Annotated[str, Stated(units.CAPACITY)] | None = None
    energy: Annotated[str, Stated(units.ENERGY)] | None = None
    average_voltage: Annotated[str, Stated(units.VOLTAGE)] | None = None
    specific_energy: Annotated[str, Stated(units.SPECIFIC_ENERGY)] | None = None
    energy_density: Annotated[str, Stated(units.ENERGY_DENSITY)] | None = None
    areal_capacity: Annotated[str, Stated(units.AREAL_CAPACITY)] | None = Field(None, description="of one side")
    loading: Annotated[str, Stated(units.AREAL_MASS)] | None = Field(None, description="of one side")
    specific_capacity: Annotated[str, Stated(units.SPECIFIC_CAPACITY)] | None = None
    active_share: Annotated[str, Stated(units.MASS_SHARE)] | None = Field(
        None, description="active material in the coating"
    )
    positive_area: Annotated[str, Stated(units.AREA)] | None = Field(None, description="of one coated side")
    loading_threshold: Annotated[str, Stated(units.AREAL_MASS)] | None = Field(None, description="at the rating")
    loading_threshold_thickness: Annotated[str, Stated(units.THICKNESS)] | None = None
    bilayers: Annotated[float, Count(1)] | None = None
    coated_sides: Annotated[float, Count(1)] | None = Field(None, description="positive coatings, each side counted")
