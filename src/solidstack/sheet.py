"""The design sheet: one evaluation through the scales, for one design or an array of them."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from . import advice, units
from .cell import ElectrodeEnergy, Negative, Normalised, Resistance, UnitCell, unit_cell
from .design import Design
from .electrode import Corrected, Positive, Simulated, Thresholds, corrected, positive_electrode
from .html import plain_table, table
from .pouch import Cell, Pouch, materials_of, pouch
from .salt_limit import NONE, SaltLimit, salt_limit
from .uncertain import Uncertain
from .units import MA_CM2, Shown, Unit, Values, shown
from .version import __version__


@dataclass(frozen=True)
class AtRating:
    """The cell at its rated current, as simulated against lithium."""

    capacity: Values = shown("Capacity", units.AH)
    energy: Values = shown("Energy", units.WH)
    average_voltage: Values = shown("Average voltage", units.V)
    specific_energy: Values = shown("Specific energy", units.WH_KG)
    energy_density: Values = shown("Energy density", units.WH_L)
    low: Values = shown("Specific energy, low end of its range", units.WH_KG, "low_Wh_kg")
    high: Values = shown("Specific energy, high end of its range", units.WH_KG, "high_Wh_kg")
    method: str = ""
    end_reason: str = ""
    hinges_on: str = ""


@dataclass(frozen=True, repr=False)
class Sheet:
    """What a design is: thresholds, positive electrode, energies, cell, breakdown (SI; arrays for arrays).

    Its `repr`, which `print` shows, is a short table of the headline figures; `to_dict` has them all.

    Attributes
    ----------
    design : Design
        What was evaluated.
    thresholds, positive, electrode_energy, cell, negative, resistance, normalised
        Results of the scales; every field is SI and has its label and shown unit in its metadata.
    pouch : Pouch
        Components and layers.
    salt_limit : SaltLimit
        Current at which the salt of the positive runs out; NaN without salt.
    twin : Corrected or None
        The positive's ionic figures with the effective conductivity of its digital twin, if there is one.
    simulated : Simulated or None
        Capacities of a simulated discharge, if there was one.
    at_rating : AtRating or None
        The cell at its rated current, of a simulated discharge against lithium.
    """

    design: Design
    thresholds: Thresholds
    positive: Positive
    electrode_energy: ElectrodeEnergy
    cell: Cell
    negative: Negative
    resistance: Resistance
    normalised: Normalised
    unit: UnitCell
    pouch: Pouch
    salt_limit: SaltLimit
    twin: Corrected | None = None
    simulated: Simulated | None = None
    at_rating: AtRating | None = None

    @property
    def mass_breakdown(self) -> dict[str, Values]:
        """Mass of each component, kg; they sum to `cell.mass`."""
        return self._breakdown("mass")

    @property
    def volume_breakdown(self) -> dict[str, Values]:
        """Volume of each component on the stack's footprint, m3; they sum to `cell.volume`."""
        return self._breakdown("volume")

    @property
    def cost_breakdown(self) -> dict[str, Values]:
        """Material cost of each component, USD; NaN where a price is unknown."""
        return self._breakdown("cost")

    def _breakdown(self, column: str) -> dict[str, Values]:
        values = {name: getattr(part, column) for name, part in self.pouch.components.items()}
        return {name: value for name, value in values.items() if np.ndim(value) or value != 0.0}

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What an expert would point out. For arrays, each says how many designs it applies to."""
        scales = advice.Scales(self.design, self.thresholds, self.positive, self.unit, self.pouch, self.twin)
        return tuple(advice.advise(scales))

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """How to read the figures, in sentences."""
        if not self.design.is_single:
            return ()
        sentences = [IR_DROPS]
        limit = self.salt_limit
        if np.isfinite(limit.current_density):
            low, value, high = (float(MA_CM2.of(x)) for x in (limit.low, limit.current_density, limit.high))
            words = "" if low == high else f" ({low:.3g} to {high:.3g} over the range of its transference number)"
            sentences.append(
                f"Above {value:.3g} mA cm⁻²{words} the salt of the electrolyte runs out at the collector in a long "
                "discharge, whatever the IR drop."
            )
        sure = {} if self.simulated is None else self.simulated.certainty
        if "rated_capacity" in sure:
            capacity = sure["rated_capacity"]
            words = (
                "Simulated at the rated current, from equilibrium at the upper voltage of the usual window: "
                f"{capacity.text(units.MAH_G)} mAh g⁻¹ (ended: {capacity.end_reason})"
            )
            if capacity.hinges_on:
                words += f", which hangs most on {capacity.hinges_on}"
            sentences.append(f"{words}.")
        if self.twin is not None and self.twin_decides:
            sentences.append(
                "The loading threshold of the digital twin differs from the closed form's by more than its error: "
                "headline and warnings take the twin's."
            )
        return tuple(sentences)

    @property
    def twin_decides(self) -> bool:
        """Whether the twin's loading threshold differs from the closed form's by more than its error."""
        return self.twin is not None and advice.twin_decides(self.thresholds, self.twin)

    def figures(self) -> Iterator["Figure"]:
        """Yield every number of the sheet with its group, name, key, label and unit, in the order of the JSON."""
        certainty = {} if self.simulated is None else self.simulated.certainty
        for group in GROUPS:
            part = getattr(self, group)
            if part is None:
                continue
            for field in dataclasses.fields(part):
                if "shown" not in field.metadata:
                    continue
                shown: Shown = field.metadata["shown"]
                yield Figure(
                    group,
                    field.name,
                    shown.key or _key(field.name, shown.unit),
                    shown.label,
                    shown.unit,
                    getattr(part, field.name),
                    certainty.get(field.name) if group == "simulated" else None,
                )

    def to_dict(self) -> dict[str, Any]:
        """Return the sheet as plain data with units in the keys: None where undefined, lists for arrays.

        ``inputs`` is the design itself and ``own_materials`` the user's materials in it, so that a stored sheet can
        be evaluated, drawn and mapped again, elsewhere as well.
        """
        result: dict[str, Any] = {
            "design": self.design.name,
            "version": __version__,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }
        for figure in self.figures():
            value = _plain(figure.shown) if figure.sure is None else figure.sure.to_dict(figure.unit)
            result.setdefault(JSON_NAMES.get(figure.group, figure.group), {})[figure.key] = value
        if self.salt_limit is NONE:
            result["salt_limit"] = None
        result.setdefault("at_rating", None)
        if self.at_rating is not None:
            words = ("method", "end_reason", "hinges_on")
            result["at_rating"] |= {name: getattr(self.at_rating, name) for name in words}
        regime = self.thresholds.regime
        result["thresholds"]["regime"] = {
            field.name: _plain(getattr(regime, field.name)) for field in dataclasses.fields(regime)
        }
        for key, unit, column in (
            ("mass_breakdown_g", units.G, self.mass_breakdown),
            ("volume_breakdown_cm3", units.CM3, self.volume_breakdown),
            ("cost_breakdown_USD", units.USD, self.cost_breakdown),
        ):
            result[key] = {name: _plain(unit.of(value)) for name, value in column.items()}
        result["materials"] = self.materials_used()
        result["inputs"] = self.design.to_dict()
        result["own_materials"] = self.design.own_materials()
        result["fingerprint"] = self.design.fingerprint()
        return result

    def to_json(self, indent: int | None = 2) -> str:
        """Return `to_dict` as JSON text (never NaN or Infinity)."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False, ensure_ascii=False)

    def materials_used(self) -> dict[str, dict[str, Any]]:
        """Return the values of this design's materials with quality and source; the design's own are "given"."""
        values: dict[str, dict[str, Any]] = {}
        for name in materials_of(self.design, self.pouch.layers):
            values[name] = {}
            for key in MATERIAL_KEYS:
                entry = self.design.material(name).default(key)
                replacement = self._replacement(name, key)
                if replacement is not None:
                    values[name][key] = {"value": replacement, "quality": "given", "source": "the design"}
                elif entry is not None:
                    text = entry.model_dump(mode="json")["value"]
                    values[name][key] = {"value": text, "quality": entry.quality, "source": entry.source}
        return values

    def _replacement(self, name: str, key: str) -> str | None:
        """Return the value that the design puts in place of a material's default, as text; None if there is none."""
        design = self.design
        table = {"density": design.densities, "price": design.prices}.get(key, {})
        value: Any = table.get(name)
        if value is None and name in design.positive_materials("active-material"):
            value = getattr(design.positive, key, None) if key in ACTIVE_KEYS else None
        if value is None:
            return None
        return "varied" if np.ndim(value) else units.text(float(value), MATERIAL_KEYS[key])

    def __repr__(self) -> str:
        """Short table of the headline figures; for arrays their ranges."""
        rows: list[tuple[str, str]] = []
        if self.design.is_single:
            rows.append(("Regime", self._regime()))
        figures = {(figure.group, figure.name): figure for figure in self.figures()}
        for name, label in HEADLINES.items():
            figure = figures.get(name)
            if figure is not None and np.isfinite(figure.value).any():
                rows.append((label, f"{_range(figure.shown)} {figure.unit.label}"))
        if self.warnings:
            rows.append(("Warnings", f"{len(self.warnings)}, see .warnings"))
        size = "" if self.design.is_single else f": array of designs, shape {self.design.shape}"
        return plain_table(f'Sheet of "{self.design.name}"{size}', rows)

    def _regime(self) -> str:
        regime = self.thresholds.regime
        return f"{regime.composition}, {regime.density}, loading {regime.loading}"

    def _repr_html_(self) -> str:
        if not self.design.is_single:
            return table(self.design.name, ("sheet of designs", ""), [("shape", str(self.design.shape))])
        rows = [(HEADINGS[f.group], f.label, *_number_and_unit(f)) for f in self.figures() if _defined(f.value)]
        rows.insert(0, ("Regime", self._regime(), "", ""))
        rows += [("Warning", text, "", "") for text in self.warnings]
        return table(self.design.name, ("", "", "", ""), rows)


def at_rating(cell: Cell, positive: Positive, simulated: Simulated) -> AtRating:
    """Return the cell at its rated current: the designed one with the capacity and voltage of the simulation.

    Parameters
    ----------
    cell : Cell
    positive : Positive
    simulated : Simulated
        Of the same electrode.
    """
    capacity = cell.capacity * simulated.rated_areal_capacity / positive.areal_capacity
    voltage = simulated.rated_average_voltage * cell.average_voltage / positive.average_voltage
    energy = capacity * voltage if capacity > 0.0 else 0.0
    sure = simulated.certainty.get("rated_energy")
    ends = (1.0, 1.0)
    if sure is not None and sure.value > 0.0:
        ends = (sure.low / sure.value, sure.high / sure.value)
    specific = energy / cell.mass
    return AtRating(
        capacity=capacity,
        energy=energy,
        average_voltage=voltage,
        specific_energy=specific,
        energy_density=energy / cell.volume,
        low=ends[0] * specific,
        high=ends[1] * specific,
        method=simulated.method,
        end_reason="" if sure is None else sure.end_reason,
        hinges_on="" if sure is None else sure.hinges_on,
    )


IR_DROPS = (
    "The published IR drop passes the whole current through the whole thickness; a reaction that is even through the "
    "thickness loses a third as much, which simulated discharges come near to."
)
"""Why there are two IR drops on the sheet."""


@dataclass(frozen=True)
class Figure:
    """A number of the sheet.

    Attributes
    ----------
    group, name : str
        Where it is: attribute ``name`` of the sheet's attribute ``group``.
    key : str
        Key in the JSON, with the unit.
    label : str
        In words.
    unit : Unit
        Shown.
    value : array
        SI.
    sure : Uncertain or None
        Its range, of a simulated figure.
    """

    group: str
    name: str
    key: str
    label: str
    unit: Unit
    value: Values

    sure: Uncertain | None = None

    @property
    def shown(self) -> Any:
        """The value in the unit shown."""
        return self.unit.of(self.value)

    @property
    def text(self) -> str:
        """The value in the unit shown, to 4 digits, with its range where it has one; a dash where it is undefined."""
        if not np.isfinite(self.value):
            return "–"
        return f"{self.shown:.4g}" if self.sure is None else self.sure.text(self.unit, ".4g")


HEADLINES: Mapping[tuple[str, str], str] = {
    ("thresholds", "balance_am_mass_fraction"): "Balance threshold, active material",
    ("thresholds", "percolation_density"): "Percolation threshold, density",
    ("thresholds", "loading_threshold"): "Loading threshold",
    ("salt_limit", "current_density"): "Salt-limiting current",
    ("positive", "loading"): "Positive: loading, one side",
    ("positive", "density"): "Positive: density",
    ("positive", "porosity"): "Positive: porosity",
    ("positive", "thickness"): "Positive: thickness, one side",
    ("positive", "areal_capacity"): "Positive: areal capacity",
    ("positive", "ionic_asr"): "Positive: ionic resistance",
    ("positive", "ir_drop"): "Positive: IR drop at the rated current",
    ("twin", "effective_conductivity"): "Digital twin: effective ionic conductivity",
    ("simulated", "rated_capacity"): "Simulated: capacity at the rated current",
    ("electrode_energy", "with_negative_and_membrane"): "Electrodes and membrane: specific energy",
    ("cell", "capacity"): "Cell: capacity",
    ("cell", "energy"): "Cell: energy",
    ("cell", "average_voltage"): "Cell: average voltage",
    ("cell", "mass"): "Cell: mass",
    ("cell", "thickness"): "Cell: thickness",
    ("cell", "specific_energy"): "Cell: specific energy",
    ("cell", "energy_density"): "Cell: energy density",
    ("cell", "cost_per_energy"): "Cell: material cost",
}
"""What `print(sheet)` shows, group and name of each figure, and the words for it there."""

GROUPS = (
    "thresholds",
    "salt_limit",
    "positive",
    "twin",
    "simulated",
    "electrode_energy",
    "cell",
    "at_rating",
    "negative",
    "resistance",
    "normalised",
)
HEADINGS: Mapping[str, str] = {
    "thresholds": "Thresholds",
    "salt_limit": "Salt-limiting current",
    "positive": "Positive electrode",
    "twin": "Positive electrode, by its digital twin",
    "simulated": "Positive electrode, simulated against lithium",
    "electrode_energy": "Specific energy of electrode layers",
    "cell": "Cell",
    "at_rating": "Cell at its rated current, simulated",
    "negative": "Negative electrode",
    "resistance": "Resistance",
    "normalised": "Literature normalisation",
}
ACTIVE_KEYS = ("specific_capacity", "average_voltage", "first_cycle_efficiency")
MATERIAL_KEYS = {
    "density": units.DENSITY,
    "specific_capacity": units.SPECIFIC_CAPACITY,
    "average_voltage": units.VOLTAGE,
    "first_cycle_efficiency": units.FRACTION,
    "ionic_conductivity": units.CONDUCTIVITY,
    "price": units.PRICE,
}
JSON_NAMES = {"electrode_energy": "electrode_energy_Wh_kg"}


def evaluate(
    design: Design,
    *,
    mask_infeasible: bool = False,
    effective_conductivity: Values | None = None,
    conductivity_error: Values = 0.0,
    simulated: Simulated | None = None,
) -> Sheet:
    """Evaluate a design through the scales: particle, electrode, cell, pouch.

    Parameters
    ----------
    design : Design
        One design, or one with arrays: all results then broadcast. The same code serves both.
    mask_infeasible : bool
        For arrays: designs that cannot exist (denser than dense) become NaN instead of an error.
    effective_conductivity : array, optional
        Effective ionic conductivity of the positive electrode through the plane, S/m, computed on its digital twin;
        the sheet then shows the ionic figures that follow from it next to those of the closed form.
    conductivity_error : array
        Of it, relative.
    simulated : Simulated, optional
        Capacities of a simulated discharge, which the sheet then includes.

    Returns
    -------
    Sheet

    Raises
    ------
    DesignError
        The design cannot exist, or a value is missing from a material file.

    Examples
    --------
    >>> import solidstack as ss
    >>> sheet = ss.evaluate(ss.load("examples/pouch-0.16Ah.toml"))
    >>> f"{sheet.cell.specific_energy / 3600:.0f} Wh/kg"
    '204 Wh/kg'
    """
    received: Any = design
    if not isinstance(received, Design):
        msg = f"evaluate takes a Design, not {type(received).__name__}; read a design file with solidstack.load(path)"
        raise TypeError(msg)
    thresholds, positive = positive_electrode(design, mask_infeasible=mask_infeasible)
    unit = unit_cell(design, positive, mask_infeasible=mask_infeasible)
    package = pouch(design, positive, unit)
    twin = None
    if effective_conductivity is not None:
        twin = corrected(design, positive, effective_conductivity, conductivity_error)
    return Sheet(
        design=design,
        thresholds=thresholds,
        positive=positive,
        electrode_energy=unit.energy,
        cell=package.cell,
        negative=unit.negative,
        resistance=unit.resistance,
        normalised=unit.normalised,
        unit=unit,
        pouch=package,
        salt_limit=salt_limit(design, positive, effective_conductivity),
        twin=twin,
        simulated=simulated,
        at_rating=None if simulated is None else at_rating(package.cell, positive, simulated),
    )


def _key(name: str, unit: Unit) -> str:
    return f"{name}_{unit.suffix}" if unit.suffix else name


def _plain(value: Any) -> Any:
    """Turn a number into JSON's: None for NaN and infinity, lists for arrays."""
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.ndim:
        return [_plain(item) for item in array]
    if array.dtype.kind in "US":
        return str(array)
    number = float(array)
    return number if np.isfinite(number) else None


def _range(values: Any) -> str:
    """Write a number, or the range of an array, to 4 digits; NaN and infinity are left out."""
    finite = np.asarray(values)[np.isfinite(values)]
    low, high = f"{finite.min():.4g}", f"{finite.max():.4g}"
    return low if low == high else f"{low} to {high}"


def _defined(value: Values) -> bool:
    return bool(np.isfinite(value))


def _number_and_unit(figure: Figure) -> tuple[str, str]:
    return figure.text, figure.unit.label
