"""What a material file may say, and the material it becomes."""

import os
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, field_validator, model_validator

from .. import units
from ..constants import GAS, ZERO_CELSIUS
from ..errors import MaterialError
from ..fields import Count, Measure, Strict, problems, reject
from ..files import TomlDocument, read_toml
from ..units import Values

Quality = Literal["measured", "derived", "assumed"]
Role = Literal["active-material", "solid-electrolyte", "conductive-additive", "binder", "metal", "polymer"]


class Entry(Strict):
    """One value of a property: number, where it is from, how far to trust it."""

    quality: Quality = Field(description="measured (seen in an experiment), derived (computed), or assumed")
    source: str = Field(min_length=3, description="DOI, or where the value stands; for a derived value the formula")
    default: bool = Field(False, strict=True, description="the value used; a design can replace a density or a price")
    note: str = Field("", description="what to know before trusting it")


class DensityEntry(Entry):
    """True density."""

    value: Annotated[float, Measure(units.DENSITY, above=0.0, most=3e4)]


class SpecificCapacityEntry(Entry):
    """Charge per mass of the material."""

    value: Annotated[float, Measure(units.SPECIFIC_CAPACITY, above=0.0, most=5000 * 3600.0)]


class VoltageEntry(Entry):
    """Voltage against lithium."""

    value: Annotated[float, Measure(units.VOLTAGE, least=-1.0, most=10.0)]


class FractionEntry(Entry):
    """A fraction between 0 and 1."""

    value: Annotated[float, Measure(units.FRACTION, above=0.0, most=1.0)]


class NumberEntry(Entry):
    """A pure number between 0 and 1."""

    value: Annotated[float, Measure(units.RATIO, above=0.0, most=1.0)]


class ExpansionEntry(Entry):
    """Volume gained between the delithiated and the lithiated state, per delithiated volume."""

    value: Annotated[float, Measure(units.FRACTION, above=-1.0, most=10.0)]


class SpecificCurrentEntry(Entry):
    """Current per mass."""

    value: Annotated[float, Measure(units.SPECIFIC_CURRENT, above=0.0)]


class LengthEntry(Entry):
    """A particle size."""

    value: Annotated[float, Measure(units.THICKNESS, above=0.0, most=1e-2)]


class ModulusEntry(Entry):
    """A modulus."""

    value: Annotated[float, Measure(units.MODULUS, above=0.0)]


class PriceEntry(Entry):
    """Price per mass."""

    value: Annotated[float, Measure(units.PRICE, least=0.0)]


class ConcentrationEntry(Entry):
    """Lithium sites per volume."""

    value: Annotated[float, Measure(units.CONCENTRATION, above=0.0)]


class Conductivity(Entry):
    r"""A conductivity at one temperature, and how it changes with temperature.

    With ``arrhenius = "sigma T"``: :math:`\sigma T = A \exp(-E_a/RT)`; with ``"sigma"``:
    :math:`\sigma = A \exp(-E_a/RT)`. The prefactor A follows from `value` at `temperature`. Without an
    activation energy the value is used at every temperature and a design far from it is warned.
    """

    value: Annotated[float, Measure(units.CONDUCTIVITY, above=0.0)]
    temperature: Annotated[float, Measure(units.TEMPERATURE, above=0.0, most=3000.0)]
    activation_energy: Annotated[float, Measure(units.MOLAR_ENERGY, least=0.0, most=5e5)] | None = None
    arrhenius: Literal["sigma T", "sigma"] = "sigma T"
    range: (
        tuple[
            Annotated[float, Measure(units.TEMPERATURE, above=0.0)],
            Annotated[float, Measure(units.TEMPERATURE, above=0.0)],
        ]
        | None
    ) = Field(None, description="temperatures between which the line was measured")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.range is not None and self.range[0] >= self.range[1]:
            msg = "range: the first temperature must be below the second"
            raise reject(msg)
        return self

    def at(self, temperature: Values) -> Values:
        """Conductivity, S/m, at a temperature, K."""
        if self.activation_energy is None:
            return self.value + 0.0 * np.asarray(temperature) if np.ndim(temperature) else self.value
        exponent = -self.activation_energy / GAS * (1.0 / temperature - 1.0 / self.temperature)
        factor: Values = np.exp(exponent)
        if self.arrhenius == "sigma T":
            factor = factor * (self.temperature / temperature)
        return self.value * factor if np.ndim(temperature) else float(self.value * factor)

    def covers(self, temperature: Values) -> bool:
        """Whether the line is known at all of the temperatures (10 K around a single known one)."""
        low, high = self.range or (self.temperature - 10.0, self.temperature + 10.0)
        return bool(np.all((np.asarray(temperature) >= low - 1e-6) & (np.asarray(temperature) <= high + 1e-6)))

    def range_text(self) -> str:
        """Say the known temperatures in words."""
        if self.range is None:
            return f"{self.temperature - ZERO_CELSIUS:g} degC only"
        return f"{self.range[0] - ZERO_CELSIUS:g} to {self.range[1] - ZERO_CELSIUS:g} degC"


class Spread(Strict):
    """How far samples and laboratories differ at room temperature, as a log-normal distribution."""

    count: Annotated[int, Count(2)] = Field(description="number of samples")
    median: Annotated[float, Measure(units.CONDUCTIVITY, above=0.0)]
    low: Annotated[float, Measure(units.CONDUCTIVITY, above=0.0)] = Field(description="lowest of them")
    high: Annotated[float, Measure(units.CONDUCTIVITY, above=0.0)] = Field(description="highest of them")
    decades: Annotated[float, Measure(units.RATIO, least=0.0)] = Field(description="standard deviation of log10")
    source: str = Field(min_length=3)
    note: str = ""


class Material(Strict):
    """A material. Every property is a list of entries, one of them the default."""

    name: str = Field(min_length=1, max_length=80)
    role: Role
    formula: str = ""
    aliases: tuple[str, ...] = ()
    note: str = ""
    as_made: Literal["discharged", "charged"] = Field(
        "discharged",
        description="of a positive active material: whether it brings its lithium (discharged) or not",
    )
    density: tuple[DensityEntry, ...] = Field(min_length=1)
    specific_capacity: tuple[SpecificCapacityEntry, ...] = Field((), description="practical, of the first discharge")
    theoretical_capacity: tuple[SpecificCapacityEntry, ...] = ()
    average_voltage: tuple[VoltageEntry, ...] = Field((), description="mean of the discharge, against lithium")
    first_cycle_efficiency: tuple[FractionEntry, ...] = ()
    one_c: tuple[SpecificCurrentEntry, ...] = Field((), description="current per mass called 1C")
    particle_diameter: tuple[LengthEntry, ...] = ()
    lithiation_expansion: tuple[ExpansionEntry, ...] = ()
    site_concentration: tuple[ConcentrationEntry, ...] = Field((), description="lithium sites when full")
    ionic_conductivity: tuple[Conductivity, ...] = ()
    conductivity_spread: Spread | None = None
    electronic_conductivity: tuple[Conductivity, ...] = ()
    transference_number: tuple[NumberEntry, ...] = ()
    reduction_limit: tuple[VoltageEntry, ...] = ()
    oxidation_limit: tuple[VoltageEntry, ...] = ()
    youngs_modulus: tuple[ModulusEntry, ...] = ()
    price: tuple[PriceEntry, ...] = ()

    @field_validator("*", mode="after")
    @classmethod
    def _one_default(cls, value: Any) -> Any:
        if not (isinstance(value, tuple) and value and isinstance(value[0], Entry)):
            return value
        defaults = sum(entry.default for entry in value)
        if defaults > 1 or (defaults == 0 and len(value) > 1):
            msg = f"{len(value)} values and {defaults} marked default; mark exactly one with default = true"
            raise reject(msg)
        return value

    @model_validator(mode="after")
    def _role_has(self) -> Self:
        needed = {
            "active-material": ("specific_capacity", "average_voltage"),
            "solid-electrolyte": ("ionic_conductivity",),
        }.get(self.role, ())
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            msg = f"{'an' if self.role[0] in 'aeiou' else 'a'} {self.role} needs {' and '.join(missing)}"
            raise reject(msg)
        return self

    def default(self, name: str) -> Any:
        """Return the default entry of a property; None where the file has no value.

        Parameters
        ----------
        name : str
            A property such as ``density`` or ``ionic_conductivity``.
        """
        entries = getattr(self, name)
        return next((entry for entry in entries if entry.default), entries[0] if entries else None)

    def value(self, name: str) -> float | None:
        """Return the default value of a property, SI; None where the file has none."""
        entry = self.default(name)
        return None if entry is None else entry.value


def read(path: str | os.PathLike[str]) -> Material:
    """Read and check a material file.

    Raises
    ------
    MaterialError
        With every problem of the file, its key and line.
    """
    document = read_toml(path, MaterialError)
    return from_document(document)


def from_document(document: TomlDocument) -> Material:
    """Check a material that was read."""
    try:
        return Material.model_validate(document.data, context={"file": True})
    except ValidationError as error:
        raise MaterialError(problems(error, Material, document), source=document.source) from None
