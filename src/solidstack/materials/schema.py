"""The content of a material file, and the material that it defines."""

import os
from numbers import Real
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError, field_validator, model_validator

from .. import units
from ..constants import GAS, ZERO_CELSIUS
from ..errors import MaterialError
from ..files import TomlDocument, read_toml
from ..quantities import Count, Measure, Strict, problems, reject
from ..units import Values
from .curves import Curve, CurveError, Expression, Table, rise

Quality = Literal["measured", "derived", "assumed"]
Role = Literal["active-material", "solid-electrolyte", "conductive-additive", "binder", "metal", "polymer"]

Temperature = Annotated[float, Measure(units.TEMPERATURE, above=0.0, most=3000.0)]
MolarEnergy = Annotated[float, Measure(units.MOLAR_ENERGY, least=0.0, most=5e5)]
Stoichiometry = Annotated[float, Measure(units.RATIO, least=0.0, most=1.0)]
Number = Annotated[float, Measure(units.RATIO, above=0.0, most=1.0)]


def _bare(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, Real):
        msg = f"is {value!r}; the rows of a table are numbers without units: x, and the value in SI"
        raise reject(msg)
    return value


Row = tuple[Annotated[float, BeforeValidator(_bare)], Annotated[float, BeforeValidator(_bare)]]


def arrhenius(temperature: Values, reference: float, activation_energy: float | None) -> Values:
    r"""Return :math:`\exp(-E_a/R\,(1/T - 1/T_0))`, a rate over that at a reference; 1 without E_a."""
    if activation_energy is None:
        return 1.0 + 0.0 * np.asarray(temperature) if np.ndim(temperature) else 1.0
    factor: Values = np.exp(-activation_energy / GAS * (1.0 / temperature - 1.0 / reference))
    return factor if np.ndim(temperature) else float(factor)


class Entry(Strict):
    """One value of a property: number, origin, and how reliable it is."""

    quality: Quality = Field(description="measured (in an experiment), derived (computed), or assumed")
    source: str = Field(min_length=3, description="DOI, or where the value is stated; for a derived value the formula")
    default: bool = Field(
        False, strict=True, description="the value that is used; a design can replace a density or a price"
    )
    note: str = Field("", description="what to know before trusting it")
    uncertainty: Annotated[float, Measure(units.FRACTION, least=0.0)] | None = Field(
        None, description="half the 95 % interval, of the value"
    )


class DensityEntry(Entry):
    """True density."""

    value: Annotated[float, Measure(units.DENSITY, above=0.0, most=3e4)]


class SpecificCapacityEntry(Entry):
    """Charge per mass of the material."""

    value: Annotated[float, Measure(units.SPECIFIC_CAPACITY, above=0.0, most=5000 * 3600.0)]


class VoltageEntry(Entry):
    """Voltage against lithium."""

    value: Annotated[float, Measure(units.VOLTAGE, least=-1.0, most=10.0)]


class _Bounded(Entry):
    """A pure number, with what it may lie between where nobody measured it."""

    value: float
    between: tuple[float, float] | None = Field(None, description="of a value that was not measured: its range")

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if self.between is not None and not 0.0 < self.between[0] <= self.value <= self.between[1]:
            low, high = self.between
            msg = f"between: {low:g} to {high:g} does not hold the value {self.value:g}; both are numbers above 0"
            raise reject(msg)
        return self


class FractionEntry(_Bounded):
    """A fraction between 0 and 1."""

    value: Annotated[float, Measure(units.FRACTION, above=0.0, most=1.0)]


class NumberEntry(_Bounded):
    """A pure number between 0 and 1."""

    value: Number


class TransferenceEntry(NumberEntry):
    """A transference number of lithium; 1 where nothing else moves."""


class CurrentFractionEntry(NumberEntry):
    """A current fraction of the steady state."""


class ExpansionEntry(Entry):
    """Volume gained between the delithiated and the lithiated state, per delithiated volume."""

    value: Annotated[float, Measure(units.FRACTION, above=-1.0, most=10.0)]


class SiteFractionEntry(Entry):
    """Share of the lithium sites that are filled."""

    value: Annotated[float, Measure(units.RATIO, least=0.0, most=1.0)]


class FactorEntry(_Bounded):
    """A pure number above 0."""

    value: Annotated[float, Measure(units.RATIO, above=0.0, most=100.0)]


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
    activation energy the value is used at every temperature, with a warning if the design's is far from it.
    """

    value: Annotated[float, Measure(units.CONDUCTIVITY, above=0.0)]
    temperature: Temperature
    activation_energy: MolarEnergy | None = None
    arrhenius: Literal["sigma T", "sigma"] = "sigma T"
    range: (
        tuple[
            Annotated[float, Measure(units.TEMPERATURE, above=0.0)],
            Annotated[float, Measure(units.TEMPERATURE, above=0.0)],
        ]
        | None
    ) = Field(None, description="temperatures between which it was measured")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.range is not None and self.range[0] >= self.range[1]:
            msg = "range: the first temperature must be below the second"
            raise reject(msg)
        return self

    def at(self, temperature: Values) -> Values:
        """Return the conductivity, S/m, at a temperature, K."""
        return self.value * self.factor(temperature)

    def factor(self, temperature: Values) -> Values:
        """Return the conductivity at a temperature, K, over `value`."""
        factor = arrhenius(temperature, self.temperature, self.activation_energy)
        if self.activation_energy is not None and self.arrhenius == "sigma T":
            factor = factor * (self.temperature / temperature)
        return factor

    def covers(self, temperature: Values) -> bool:
        """Return whether the conductivity is known at all temperatures (within 10 K of a single known one)."""
        low, high = self.range or (self.temperature - 10.0, self.temperature + 10.0)
        return bool(np.all((np.asarray(temperature) >= low - 1e-6) & (np.asarray(temperature) <= high + 1e-6)))

    def range_text(self) -> str:
        """Return the range of known temperatures in words."""
        if self.range is None:
            return f"{self.temperature - ZERO_CELSIUS:g} degC only"
        return f"{self.range[0] - ZERO_CELSIUS:g} to {self.range[1] - ZERO_CELSIUS:g} degC"


class _Curved(Entry):
    """An entry that may be a curve over the lithium stoichiometry: `table` or `expression`.

    The numbers of a table and the result of an expression have no unit: they are in SI, as described for each entry.
    """

    table: tuple[Row, ...] | None = Field(None, description="rows of stoichiometry x (rising, 1 is full) and value, SI")
    expression: str | None = Field(None, description="formula in x and the temperature T in K, SI; needs x_range")
    x_range: tuple[Stoichiometry, Stoichiometry] | None = Field(
        None, description="of x in which the expression is valid"
    )

    _curve: Curve | None = PrivateAttr(None)

    def _read_curve(self) -> Curve | None:
        """Check table and expression, and keep the curve; None if there is neither."""
        if self.table is not None and self.expression is not None:
            msg = "has both table and expression; remove one"
            raise reject(msg)
        if (self.expression is None) != (self.x_range is None):
            msg = "expression and x_range = [low, high] belong together; add the missing one"
            raise reject(msg)
        try:
            if self.table is not None:
                self._curve = Table(self.table)
            elif self.expression is not None and self.x_range is not None:
                if self.x_range[0] >= self.x_range[1]:
                    msg = "x_range: the first value must be below the second"
                    raise reject(msg)
                self._curve = Expression(self.expression, *self.x_range)
        except CurveError as error:
            msg = f"{'table' if self.expression is None else 'expression'}: {error}"
            raise reject(msg) from None
        if self._curve is not None:
            self._check_curve(self._curve)
        return self._curve

    def _check_curve(self, curve: Curve) -> None:
        """Refuse a curve that is not finite and above 0."""
        x, values = curve.samples()
        if (wrong := ~np.isfinite(values) | (values <= 0.0)).any():
            first = int(np.argmax(wrong))
            msg = f"is {values[first]:g} at x = {x[first]:.4g}; every value must be above 0"
            raise reject(msg)

    @property
    def curve(self) -> Curve | None:
        """The curve; None if the entry is a single value."""
        return self._curve


class OpenCircuitPotential(_Curved):
    """Equilibrium potential against lithium, V, over the lithium stoichiometry: falling throughout.

    At another temperature it changes by the entropic coefficient dU/dT times the difference. Beyond its range it
    continues with the slope at its edge, so that it keeps falling.
    """

    temperature: Temperature = 298.15
    entropic_coefficient: Annotated[float, Measure(units.ENTROPIC, least=-1e-2, most=1e-2)] | None = Field(
        None, description="dU/dT, at every stoichiometry"
    )
    entropic_table: tuple[Row, ...] | None = Field(None, description="rows of stoichiometry and dU/dT in V/K")

    _entropic: Table | None = PrivateAttr(None)
    _edges: tuple[float, float] = PrivateAttr((0.0, 0.0))

    @model_validator(mode="after")
    def _falling(self) -> Self:
        if self._read_curve() is None:
            msg = "table or expression is missing; write for example table = [[0.2, 4.6], [1.0, 2.5]]"
            raise reject(msg)
        if self.entropic_coefficient is not None and self.entropic_table is not None:
            msg = "has both entropic_coefficient and entropic_table; remove one"
            raise reject(msg)
        if self.entropic_table is not None:
            try:
                self._entropic = Table(self.entropic_table)
            except CurveError as error:
                msg = f"entropic_table: {error}"
                raise reject(msg) from None
        if isinstance(self._curve, Expression) and self._curve.depends_on_temperature and self._has_entropy:
            msg = "expression: contains T, and there is an entropic coefficient too; remove one of the two"
            raise reject(msg)
        return self

    @property
    def _has_entropy(self) -> bool:
        return self.entropic_coefficient is not None or self.entropic_table is not None

    def _check_curve(self, curve: Curve) -> None:
        x, values = curve.samples(self.temperature)
        if (wrong := ~np.isfinite(values) | (np.abs(values) > 10.0)).any():
            first = int(np.argmax(wrong))
            msg = f"is {values[first]:g} V at x = {x[first]:.4g}; a potential must be between -10 and 10 V"
            raise reject(msg)
        rising = rise(curve, self.temperature)
        if rising is not None:
            row = int(np.argmin(np.abs(x - rising[0])))
            msg = (
                f"does not fall from x = {x[row]:.6g} ({values[row]:.6g} V) to x = {x[row + 1]:.6g} "
                f"({values[row + 1]:.6g} V); a potential falls as the host fills: smooth the data, or check that x is "
                "1 when it is full"
            )
            raise reject(msg)
        slopes = np.diff(values)[[0, -1]] / np.diff(x)[[0, -1]]
        self._edges = (float(slopes[0]), float(slopes[1]))

    @property
    def range(self) -> tuple[float, float]:
        """Range of the stoichiometry."""
        assert self._curve is not None
        return self._curve.low, self._curve.high

    def at(self, x: Values, temperature: float) -> Values:
        """Return the potential, V, at stoichiometries and a temperature, K."""
        assert self._curve is not None
        low, high = self.range
        first, last = self._edges
        beyond = first * np.minimum(np.asarray(x) - low, 0.0) + last * np.maximum(np.asarray(x) - high, 0.0)
        entropic = self.entropic_coefficient or 0.0 if self._entropic is None else self._entropic(x)
        result: Values = self._curve(x, temperature) + beyond + entropic * (temperature - self.temperature)
        return result if np.ndim(x) else float(result)


class Diffusivity(_Curved):
    """Chemical diffusivity of lithium in the host: one value, or a curve in m2/s, at one temperature."""

    value: Annotated[float, Measure(units.DIFFUSIVITY, above=0.0, most=1e-4)] | None = None
    temperature: Temperature
    activation_energy: MolarEnergy | None = None

    @model_validator(mode="after")
    def _value_or_curve(self) -> Self:
        if (self._read_curve() is None) == (self.value is None):
            msg = 'needs exactly one of value, table and expression, for example value = "1e-9 cm^2/s"'
            raise reject(msg)
        _one_temperature(self, self._curve)
        return self

    def at(self, x: Values, temperature: float) -> Values:
        """Return the diffusivity, m2/s, at stoichiometries and a temperature, K."""
        factor = arrhenius(temperature, self.temperature, self.activation_energy)
        if self._curve is not None:
            return self._curve(x, temperature) * factor
        assert self.value is not None
        return self.value * factor + 0.0 * np.asarray(x) if np.ndim(x) else self.value * factor


class ElectronicConductivity(Conductivity, _Curved):
    """Electronic conductivity, S/m; of a host optionally with its curve over the stoichiometry.

    `value` is used where the stoichiometry is not known: as made.
    """

    @model_validator(mode="after")
    def _with_curve(self) -> Self:
        self._read_curve()
        _one_temperature(self, self._curve)
        return self

    def at_stoichiometry(self, x: Values, temperature: float) -> Values:
        """Return the conductivity, S/m, at stoichiometries and a temperature, K."""
        factor = self.factor(temperature)
        if self._curve is not None:
            return self._curve(x, temperature) * factor
        return self.value * factor + 0.0 * np.asarray(x) if np.ndim(x) else self.value * factor


def _one_temperature(entry: Any, curve: Curve | None) -> None:
    if isinstance(curve, Expression) and curve.depends_on_temperature and entry.activation_energy is not None:
        msg = "expression: contains T, and there is an activation_energy too; remove one of the two"
        raise reject(msg)


class ExchangeCurrentDensity(Entry):
    r"""Exchange current density per area of true interface, at the stoichiometry 1/2 and one temperature.

    Of a host :math:`j_0(x) = 2 j_{ref} x^a (1-x)^{1-a}` with the transfer coefficient a; of lithium metal it is j0.
    """

    value: Annotated[float, Measure(units.CURRENT_DENSITY, above=0.0, most=1e6)]
    temperature: Temperature
    activation_energy: MolarEnergy | None = None
    transfer_coefficient: Annotated[float, Measure(units.RATIO, above=0.0, below=1.0)] = 0.5

    def at(self, temperature: float) -> float:
        """Return the value, A/m2, at a temperature, K."""
        return float(self.value * arrhenius(temperature, self.temperature, self.activation_energy))


class SaltDiffusivity(Entry):
    """Diffusivity of the salt in an electrolyte, at its nominal concentration and one temperature."""

    value: Annotated[float, Measure(units.DIFFUSIVITY, above=0.0, most=1e-4)]
    temperature: Temperature
    activation_energy: MolarEnergy | None = None

    def at(self, temperature: float) -> float:
        """Return the value, m2/s, at a temperature, K."""
        return float(self.value * arrhenius(temperature, self.temperature, self.activation_energy))


class VoltageWindow(Entry):
    """Cut-off voltages in usual operation, against lithium."""

    lower: Annotated[float, Measure(units.VOLTAGE, least=-1.0, most=10.0)]
    upper: Annotated[float, Measure(units.VOLTAGE, least=-1.0, most=10.0)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lower >= self.upper:
            msg = f"lower ({self.lower:g} V) must be below upper ({self.upper:g} V)"
            raise reject(msg)
        return self


class Spread(Strict):
    """Differences between samples and laboratories at room temperature, as a log-normal distribution."""

    count: Annotated[int, Count(2)] = Field(description="number of samples")
    median: Annotated[float, Measure(units.CONDUCTIVITY, above=0.0)]
    low: Annotated[float, Measure(units.CONDUCTIVITY, above=0.0)] = Field(description="lowest value of the samples")
    high: Annotated[float, Measure(units.CONDUCTIVITY, above=0.0)] = Field(description="highest value of the samples")
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
        description="of a positive active material: made with its lithium (discharged) or without (charged)",
    )
    density: tuple[DensityEntry, ...] = Field(min_length=1)
    specific_capacity: tuple[SpecificCapacityEntry, ...] = Field((), description="practical, of the first discharge")
    theoretical_capacity: tuple[SpecificCapacityEntry, ...] = ()
    average_voltage: tuple[VoltageEntry, ...] = Field((), description="mean of the discharge, against lithium")
    first_cycle_efficiency: tuple[FractionEntry, ...] = Field((), description="of cells, discharge over first charge")
    reversible_share: tuple[FractionEntry, ...] = Field(
        (), description="of the charge of the very first charge: what is lithium that goes back in, slowly"
    )
    one_c: tuple[SpecificCurrentEntry, ...] = Field((), description="current per mass called 1C")
    particle_diameter: tuple[LengthEntry, ...] = ()
    lithiation_expansion: tuple[ExpansionEntry, ...] = ()
    site_concentration: tuple[ConcentrationEntry, ...] = Field((), description="lithium sites when full")
    ionic_conductivity: tuple[Conductivity, ...] = ()
    conductivity_spread: Spread | None = None
    electronic_conductivity: tuple[ElectronicConductivity, ...] = ()
    percolation_content: tuple[FractionEntry, ...] = Field(
        (),
        description="of a conductive additive: its share of additive, electrolyte and binder from which it connects",
    )
    percolation_exponent: tuple[FactorEntry, ...] = Field(
        (), description="t of the conductivity ((v - v_c) / (1 - v_c))^t beyond the percolation content v_c"
    )
    transference_number: tuple[TransferenceEntry, ...] = Field(
        (), description="of lithium relative to the solvent or matrix, t0; not what Bruce and Vincent measure"
    )
    current_fraction: tuple[CurrentFractionEntry, ...] = Field(
        (), description="of the steady state (Bruce and Vincent): I_ss (dV - I_0 R_0) / (I_0 (dV - I_ss R_ss))"
    )
    salt_concentration: tuple[ConcentrationEntry, ...] = Field((), description="of the salt, as made")
    salt_diffusivity: tuple[SaltDiffusivity, ...] = ()
    thermodynamic_factor: tuple[FactorEntry, ...] = Field((), description="1 + d ln f / d ln c of the salt")
    open_circuit_potential: tuple[OpenCircuitPotential, ...] = ()
    voltage_window: tuple[VoltageWindow, ...] = ()
    as_made_stoichiometry: tuple[SiteFractionEntry, ...] = Field(
        (), description="lithium in a fresh electrode, 1 is full"
    )
    diffusivity: tuple[Diffusivity, ...] = ()
    exchange_current_density: tuple[ExchangeCurrentDensity, ...] = Field(
        (), description="with the solid electrolyte, per area of interface; of lithium metal: plating and stripping"
    )
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
            msg = f"{units.article(self.role)} needs {' and '.join(missing)}; add a table [[{missing[0]}]]"
            raise reject(msg)
        return self

    def default(self, name: str) -> Any:
        """Return the default entry of a property; None if the file has no value.

        Parameters
        ----------
        name : str
            A property such as ``density`` or ``ionic_conductivity``.
        """
        entries = getattr(self, name)
        return next((entry for entry in entries if entry.default), entries[0] if entries else None)

    def value(self, name: str) -> float | None:
        """Return the default value of a property, SI; None if the file has none."""
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
    """Check the content of a material file and return the material."""
    try:
        return Material.model_validate(document.data, context={"file": True})
    except ValidationError as error:
        raise MaterialError(problems(error, Material, document), source=document.source) from None
