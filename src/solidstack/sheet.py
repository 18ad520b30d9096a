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
from .html import table
from .pouch import Cell, Pouch, pouch
from .units import Shown, Unit, Values
from .version import __version__


@dataclass(frozen=True)
class Sheet:
    """What a design is: thresholds, positive electrode, energies, cell, breakdown (SI; arrays for arrays).

    Attributes
    ----------
    design : Design
        What was evaluated.
    thresholds, positive, electrode_energy, cell, negative, resistance, normalised
        Results of the scales; every field is SI and has its label and shown unit in its metadata.
    pouch : Pouch
        Components and layers.
    twin : Corrected or None
        The positive's ionic figures with the effective conductivity of its digital twin, where that was given.
    simulated : Simulated or None
        Capacities of a simulated discharge, where they were given.
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
        found = {name: getattr(part, column) for name, part in self.pouch.components.items()}
        return {name: value for name, value in found.items() if np.ndim(value) or value != 0.0}

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What an expert would point out. For arrays, each says of how many designs it holds."""
        return tuple(advice.advise(self))

    def figures(self) -> Iterator["Figure"]:
        """Give every number of the sheet with its group, key, label and unit, in the order of the JSON."""
        for group in GROUPS:
            part = getattr(self, group)
            if part is None:
                continue
            for field in dataclasses.fields(part):
                shown: Shown = field.metadata["shown"]
                yield Figure(
                    group,
                    shown.key or _key(field.name, shown.unit),
                    shown.label,
                    shown.unit,
                    getattr(part, field.name),
                )

    def to_dict(self) -> dict[str, Any]:
        """Give the sheet as plain data with units in the keys: None where undefined, lists for arrays.

        ``inputs`` is the design itself and ``own_materials`` the user's materials in it, so that a stored sheet can
        be evaluated, drawn and mapped again, elsewhere as well.
        """
        result: dict[str, Any] = {
            "design": self.design.name,
            "version": __version__,
            "warnings": list(self.warnings),
        }
        for figure in self.figures():
            result.setdefault(_JSON_NAMES.get(figure.group, figure.group), {})[figure.key] = _plain(figure.shown)
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
        """Give `to_dict` as JSON text (never NaN or Infinity)."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False, ensure_ascii=False)

    def materials_used(self) -> dict[str, dict[str, Any]]:
        """Give the values of the materials of this design with quality and source; the design's own are "given"."""
        tabs = self.design.pouch.tabs
        names = [name for part in self.pouch.parts for name in part.contents]
        names += [tabs.positive_material, tabs.negative_material, tabs.sealant_material]
        found: dict[str, dict[str, Any]] = {}
        for name in dict.fromkeys(names):
            found[name] = {}
            for key in MATERIAL_KEYS:
                entry = self.design.material(name).default(key)
                given = self._given(name, key)
                if given is not None:
                    found[name][key] = {"value": given, "quality": "given", "source": "the design"}
                elif entry is not None:
                    text = entry.model_dump(mode="json")["value"]
                    found[name][key] = {"value": text, "quality": entry.quality, "source": entry.source}
        return found

    def _given(self, name: str, key: str) -> str | None:
        """Write the value that the design gives in place of a material's default; None where it gives none."""
        design = self.design
        table = {"density": design.densities, "price": design.prices}.get(key, {})
        value: Any = table.get(name)
        if value is None and name in design.positive_materials("active-material"):
            value = getattr(design.positive, key, None) if key in ACTIVE_KEYS else None
        if value is None:
            return None
        return "varied" if np.ndim(value) else units.text(float(value), MATERIAL_KEYS[key])

    def _repr_html_(self) -> str:
        if not self.design.is_single:
            return table(self.design.name, ("sheet of designs", ""), [("shape", str(self.design.shape))])
        rows = [(HEADINGS[f.group], f.label, *_number_and_unit(f)) for f in self.figures() if _defined(f.value)]
        regime = self.thresholds.regime
        rows.insert(0, ("Regime", f"{regime.composition}, {regime.density}, loading {regime.loading}", "", ""))
        rows += [("Warning", text, "", "") for text in self.warnings]
        return table(self.design.name, ("", "", "", ""), rows)


@dataclass(frozen=True)
class Figure:
    """A number of the sheet."""

    group: str
    key: str
    label: str
    unit: Unit
    value: Values

    @property
    def shown(self) -> Any:
        """The value in the unit shown."""
        return self.unit.of(self.value)


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
_JSON_NAMES = {"electrode_energy": "electrode_energy_Wh_kg"}


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
        Of the solid electrolyte in the positive electrode, through the plane, S/m, as its digital twin has it; the
        sheet then shows the ionic figures with it beside those of the closed form.
    simulated : Simulated, optional
        Capacities of a simulated discharge, which the sheet then shows; `solidstack.report` makes them.

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
        msg = f"evaluate wants a Design, not {type(received).__name__}; read a design file with solidstack.load(path)"
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


def _defined(value: Values) -> bool:
    return bool(np.isfinite(value))


def _number_and_unit(figure: Figure) -> tuple[str, str]:
    return f"{figure.shown:.4g}", figure.unit.label
