r"""The negative electrodes, as seen from one coated positive side.

Everything is per area of one coated positive side. A foil that two sides share counts half on each. A new kind of
negative electrode is a table in `solidstack.design.schema` and a final class here, joined in `NEGATIVES`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from .design import Design
from .design import schema as tables
from .electrode import ROUNDING, Positive, needed_value
from .errors import DesignError, Problem
from .layer import Layer, foil_layer
from .particle import balance_mass_fraction
from .units import Values

DEFAULT_NEGATIVE_POROSITY = 0.18
"""Of graphite and silicon composites without one: assumed, that of the densest positive electrode of Ref."""


@dataclass(frozen=True)
class NegativeSide:
    """A negative electrode as seen from one positive side that it faces.

    Attributes
    ----------
    coating : Layer or None
        What belongs to one side alone.
    foil : Layer
        What two sides share inside the stack.
    on_bipolar : Layer or None
        What is on a bipolar foil instead of `foil`, besides the coating.
    average_voltage : array
        Against lithium, V.
    capacity_share : array
        Deliverable capacity over the positive's own discharge capacity, at most 1.
    lithium_capacity : array
        Capacity of the metallic lithium as assembled, per side of an inner foil, A s/m2.
    reversible_capacity : array
        What the negative takes up and releases, per side; NaN for metallic lithium, A s/m2.
    efficiency : array
        Of the first cycle of the negative itself; 1 if a lithium reserve makes up for the loss.
    expansion : array
        Thickness gained per side at full charge, m.
    """

    coating: Layer | None
    foil: Layer
    on_bipolar: Layer | None
    average_voltage: Values
    capacity_share: Values
    lithium_capacity: Values
    reversible_capacity: Values
    efficiency: Values
    expansion: Values


def made_charged(design: Design) -> bool:
    """Return whether the positive is made without its lithium, which the negative then has to supply."""
    names = design.positive_materials("active-material")
    return any(design.material(name).as_made == "charged" for name in names)


class NegativeElectrode(ABC):
    """A negative electrode; one final class for each kind of a design file."""

    def __init__(self, design: Design, *, mask_infeasible: bool = False) -> None:
        self.design = design
        self.mask_infeasible = mask_infeasible

    @abstractmethod
    def side(self, positive: Positive) -> NegativeSide:
        """Return this electrode as seen from one side of a positive electrode."""

    def _needs_lithiated(self) -> None:
        """Refuse a positive that is made without lithium: there would be no lithium in the cell."""
        if made_charged(self.design):
            msg = (
                f"{self.design.positive_materials('active-material')[0]} is made without lithium and so is a "
                f"{self.design.negative.kind} negative; use lithium-foil or lithium-on-collector"
            )
            raise DesignError(Problem(msg, "negative.kind"))

    def _capacity_of_lithium(self) -> Values:
        """Return the charge in a volume of lithium, A s/m3."""
        capacity: float = self.design.material("Li").default("specific_capacity").value
        return capacity * self.design.density_of("Li")

    def _collector(self, collector: tables.Collector) -> Layer:
        return foil_layer(self.design, "negative collector", collector)

    def _lithium(self, thickness: Values) -> Layer:
        return Layer("negative lithium", self.design.density_of("Li") * thickness, thickness, {"Li": 1.0})

    def _metal_side(
        self, positive: Positive, lithium: Values, coating: Layer | None, foil: Layer, on_bipolar: Layer | None
    ) -> NegativeSide:
        """Return a side with a lithium reserve, from which a positive made charged takes its lithium."""
        supply = lithium * self._capacity_of_lithium()
        charged = made_charged(self.design)
        return NegativeSide(
            coating=coating,
            foil=foil,
            on_bipolar=on_bipolar,
            average_voltage=0.0,
            capacity_share=np.minimum(1.0, supply / positive.areal_capacity) if charged else 1.0,
            lithium_capacity=supply,
            reversible_capacity=np.nan,
            efficiency=1.0,
            expansion=0.0 if charged else positive.charge_capacity / self._capacity_of_lithium(),
        )


@final
class LithiumFoil(NegativeElectrode):
    """Freestanding lithium foil: collector and lithium reserve in one."""

    def side(self, positive: Positive) -> NegativeSide:
        """An inner foil serves two sides; in a cell without inner foils, an outer foil serves one."""
        table: Any = self.design.negative
        foil = self._lithium(table.thickness)
        bilayers = self.design.stack.bilayers
        half = np.where(bilayers > 1, 0.5, 1.0) if np.ndim(bilayers) else 0.5 if bilayers > 1 else 1.0
        return self._metal_side(positive, table.thickness * half, None, foil, foil)


@final
class LithiumOnCollector(NegativeElectrode):
    """Lithium on both sides of a metal foil."""

    def side(self, positive: Positive) -> NegativeSide:
        """The lithium of one side, and half the metal foil."""
        table: Any = self.design.negative
        return self._metal_side(
            positive, table.thickness, self._lithium(table.thickness), self._collector(table.collector), None
        )


@final
class AnodeFree(NegativeElectrode):
    """A bare collector: all lithium is from the positive, and the loss of the first cycle is not replaced."""

    def side(self, positive: Positive) -> NegativeSide:
        """Half the metal foil."""
        self._needs_lithiated()
        table: Any = self.design.negative
        return NegativeSide(
            coating=None,
            foil=self._collector(table.collector),
            on_bipolar=None,
            average_voltage=0.0,
            capacity_share=np.minimum(1.0, table.first_cycle_efficiency / positive.first_cycle_efficiency),
            lithium_capacity=0.0,
            reversible_capacity=np.nan,
            efficiency=table.first_cycle_efficiency,
            expansion=positive.charge_capacity / self._capacity_of_lithium(),
        )


@final
class Host(NegativeElectrode):
    """Graphite or silicon composite on a metal foil, sized by the n/p ratio.

    Reversible areal capacity = n/p ratio x discharge capacity of the positive. The lithium lost in the first
    charge is from the positive: the cell delivers the smaller of what the positive takes back and what the
    negative releases.
    """

    def side(self, positive: Positive) -> NegativeSide:
        """Coating of one side, and half the metal foil."""
        self._needs_lithiated()
        table: Any = self.design.negative
        active, shares = self._composition()
        material = self.design.material(active)
        capacity = self._value(active, "specific_capacity", table.specific_capacity)
        efficiency = self._value(active, "first_cycle_efficiency", table.first_cycle_efficiency)
        reversible = table.n_p_ratio * positive.areal_capacity
        active_mass = reversible / capacity
        loading = active_mass / shares[active]
        dense = self.design.dense_density(shares)
        density = table.density
        if density is None:
            density = dense * (1.0 - (DEFAULT_NEGATIVE_POROSITY if table.porosity is None else table.porosity))
        elif self.mask_infeasible:
            density = np.where(np.asarray(density) > dense * (1.0 + ROUNDING), np.nan, density)
        elif np.any(np.asarray(density) > dense * (1.0 + ROUNDING)):
            msg = (
                f"{np.max(density) / 1e3:.3g} g/cm^3 is above the dense density {np.min(dense) / 1e3:.3g} g/cm^3 of "
                "this composition; lower it, or give porosity instead"
            )
            raise DesignError(Problem(msg, "negative.density"))
        thickness = loading / density
        stored = np.minimum(1.0, positive.charge_capacity * efficiency / reversible)
        swelling = material.value("lithiation_expansion") or 0.0
        full = capacity / (material.value("theoretical_capacity") or capacity)
        return NegativeSide(
            coating=Layer("negative coating", loading, thickness, shares),
            foil=self._collector(table.collector),
            on_bipolar=None,
            average_voltage=self._value(active, "average_voltage", table.average_voltage),
            capacity_share=np.minimum(np.minimum(1.0, table.n_p_ratio), efficiency / positive.first_cycle_efficiency),
            lithium_capacity=0.0,
            reversible_capacity=reversible,
            efficiency=efficiency,
            expansion=active_mass / self.design.density_of(active) * swelling * stored * full,
        )

    def _composition(self) -> tuple[str, Mapping[str, Values]]:
        """Return active material and mass fractions: the design's, or balance with the positive's electrolyte."""
        table: Any = self.design.negative
        if table.composition is not None:
            shares = table.composition.shares
            active = [name for name in shares if self.design.material(name).role == "active-material"]
            if len(active) != 1:
                msg = f"has {len(active)} active materials ({', '.join(active)}); expected one"
                raise DesignError(Problem(msg, "negative.composition"))
            return active[0], shares
        active_name = {"graphite": "graphite", "silicon": "Si"}[table.kind]
        electrolyte = self.design.positive_materials("solid-electrolyte")[0]
        share = balance_mass_fraction(self.design.density_of(active_name), self.design.density_of(electrolyte))
        return active_name, {active_name: share, electrolyte: 1.0 - share}

    def _value(self, material: str, name: str, own: Values | None) -> Values:
        return needed_value(self.design, material, name, "negative") if own is None else own


NEGATIVES: dict[type, type[NegativeElectrode]] = {
    tables.LithiumFoil: LithiumFoil,
    tables.LithiumOnCollector: LithiumOnCollector,
    tables.Graphite: Host,
    tables.Silicon: Host,
    tables.AnodeFree: AnodeFree,
}
