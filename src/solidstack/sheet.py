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
from .units import Shown, Unit, Values
from .version import __version__


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
    twin : Corrected or None
        The positive's ionic figures with the effective conductivity of its digital twin, if there is one.
    simulated : Simulated or None
        Capacities of a simulated discharge, if there was one.
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
    twin: Corrected | None = None
    simulated: Simulated | None = None

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
        scales = advice.Scales(self.design, self.thresholds, self.positive, self.unit, self.pouch)
        return tuple(advice.advise(scales))

    def figures(self) -> Iterator["Figure"]:
        """Yield every number of the sheet with its group, name, key, label and unit, in the order of the JSON."""
        for group in GROUPS:
            part = getattr(self, group)
            if part is None:
                continue
            for field in dataclasses.fields(part):
                shown: Shown = field.metadata["shown"]
                yield Figure(
                    group,
                    field.name,
                    shown.key or _key(field.name, shown.unit),
                    shown.label,
                    shown.unit,
                    getattr(part, field.name),
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
        }
        for figure in self.figures():
            result.setdefault(JSON_NAMES.get(figure.group, figure.group), {})[figure.key] = _plain(figure.shown)
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
    """

    group: str
    name: str
    key: str
    label: str
    unit: Unit
    value: Values

    @property
    def shown(self) -> Any:
        """The value in the unit shown."""
        return self.unit.of(self.value)


HEADLINES: Mapping[tuple[str, str], str] = {
    ("thresholds", "balance_am_mass_fraction"): "Balance threshold, active material",
    ("thresholds", "percolation_density"): "Percolation threshold, density",
    ("thresholds", "loading_threshold"): "Loading threshold",
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
    "positive",
    "twin",
    "simulated",
    "electrode_energy",
    "cell",
    "negative",
    "resistance",
    "normalised",
)
HEADINGS: Mapping[str, str] = {
    "thresholds": "Thresholds",
    "positive": "Positive electrode",
    "twin": "Positive electrode, by its digital twin",
    "simulated": "Positive electrode, simulated against lithium",
    "electrode_energy": "Specific energy of electrode layers",
    "cell": "Cell",
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
        twin=None if effective_conductivity is None else corrected(design, positive, effective_conductivity),
        simulated=simulated,
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
    return f"{figure.shown:.4g}", figure.unit.label
