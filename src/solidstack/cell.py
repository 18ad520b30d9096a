r"""Layers facing each other: the negative electrodes, the membrane, areal energy.

Everything is per area of one coated positive side. A foil that two sides share counts half on each.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from . import units
from .design import Design
from .design import schema as tables
from .electrode import ROUNDING, Positive, material_conductivity, needed_value
from .errors import DesignError, Problem
from .particle import balance_mass_fraction
from .units import Values, shown

DEFAULT_NEGATIVE_POROSITY = 0.18
"""Of graphite and silicon composites without one: assumed, that of the densest positive electrode of Ref."""


@dataclass(frozen=True)
class Part:
    """A layer: mass per area, kg/m2, thickness, m, and the mass fractions of its materials."""

    name: str
    areal_mass: Values
    thickness: Values
    contents: Mapping[str, Values] = field(default_factory=dict)


@dataclass(frozen=True)
class NegativeSide:
    """A negative electrode as seen from one positive side that it faces.

    Attributes
    ----------
    coating : Part or None
        What belongs to one side alone.
    foil : Part
        What two sides share inside the stack.
    on_bipolar : Part or None
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

    coating: Part | None
    foil: Part
    on_bipolar: Part | None
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

    def _collector(self, collector: tables.Collector) -> Part:
        return _foil(self.design, "negative collector", collector)

    def _lithium(self, thickness: Values) -> Part:
        return Part("negative lithium", self.design.density_of("Li") * thickness, thickness, {"Li": 1.0})

    def _metal_side(
        self, positive: Positive, lithium: Values, coating: Part | None, foil: Part, on_bipolar: Part | None
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
            coating=Part("negative coating", loading, thickness, shares),
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


@dataclass(frozen=True)
class ElectrodeEnergy:
    """Specific energy of one coated side over the mass of the layers counted (a shared foil counts half)."""

    positive_only: Values = shown("Positive electrode (coating, half collector)", units.WH_KG, "positive_only")
    with_negative: Values = shown("with negative electrode", units.WH_KG, "with_negative")
    with_negative_and_membrane: Values = shown(
        "with negative electrode and membrane", units.WH_KG, "with_negative_and_membrane"
    )
    positive_and_membrane: Values = shown("Positive electrode and membrane", units.WH_KG, "positive_and_membrane")


@dataclass(frozen=True)
class Normalised:
    """Specific energy as literature comparisons normalise it: no collector, and lithium by stoichiometry."""

    coating_and_membrane: Values = shown("Positive coating and membrane", units.WH_KG)
    coating_membrane_and_lithium: Values = shown("Positive coating, membrane and stoichiometric lithium", units.WH_KG)
    am_loading: Values = shown("Active-material loading", units.MG_CM2)


@dataclass(frozen=True)
class Negative:
    """The negative electrode, per side."""

    areal_mass: Values = shown("Mass per positive side (shared foil half)", units.MG_CM2)
    thickness: Values = shown("Thickness of one side's own coating", units.UM)
    foil_thickness: Values = shown("Thickness of the shared foil", units.UM)
    average_voltage: Values = shown("Average voltage against Li", units.V)
    lithium_excess: Values = shown("Metallic lithium over positive capacity", units.ONE, "lithium_excess")
    n_p_ratio: Values = shown("n/p ratio", units.ONE, "n_p_ratio")
    expansion: Values = shown("Thickness gained at full charge, per side", units.UM)


@dataclass(frozen=True)
class Resistance:
    """Area-specific resistances at the rated current, and their IR drops; NaN for those that were not given."""

    positive_ionic: Values = shown("Positive electrode, ionic", units.OHM_CM2)
    membrane: Values = shown("Membrane", units.OHM_CM2)
    charge_transfer: Values = shown("Positive, charge transfer (given)", units.OHM_CM2)
    negative_interface: Values = shown("Negative interface (given)", units.OHM_CM2)
    membrane_ir_drop: Values = shown("IR drop of the membrane", units.MV)
    known_ir_drop: Values = shown("IR drop of all known resistances", units.MV)


@dataclass(frozen=True)
class UnitCell:
    """Positive side, membrane, negative side.

    Attributes
    ----------
    voltage : array
        Average discharge voltage, V.
    areal_capacity : array
        Deliverable, per side, A s/m2.
    charge_capacity : array
        Of the first charge, per side; NaN for a positive that is made charged, A s/m2.
    membrane, positive_foil : Part
        Layers besides those of the electrodes.
    bipolar_foil : Part or None
        Between the unit cells of a bipolar stack.
    """

    voltage: Values
    areal_capacity: Values
    charge_capacity: Values
    positive_foil: Part
    membrane: Part
    bipolar_foil: Part | None
    side: NegativeSide
    energy: ElectrodeEnergy
    normalised: Normalised
    negative: Negative
    resistance: Resistance


def unit_cell(design: Design, positive: Positive, *, mask_infeasible: bool = False) -> UnitCell:
    """Combine a positive electrode with the negative electrode and the membrane.

    Parameters
    ----------
    design : Design
        Its arrays broadcast.
    positive : Positive
        Of `solidstack.electrode.positive_electrode`.
    mask_infeasible : bool
        For arrays: whether designs that cannot exist become NaN, or an error.

    Returns
    -------
    UnitCell

    Raises
    ------
    DesignError
        No lithium in the cell, or a value of the negative that its material file does not have.
    """
    side = NEGATIVES[type(design.negative)](design, mask_infeasible=mask_infeasible).side(positive)
    foil = _foil(design, "positive collector", design.positive.collector)
    bipolar = None if design.stack.bipolar_foil is None else _foil(design, "bipolar foil", design.stack.bipolar_foil)
    membrane, membrane_resistance = _membrane(design)

    voltage = _voltage(positive, side, mask_infeasible=mask_infeasible)
    capacity = positive.areal_capacity * side.capacity_share
    energy = capacity * voltage
    own = positive.areal_capacity * voltage  # of the positive alone, even if the negative limits the cell
    # in a bipolar stack of m cells a side has 1/m of the outer foils and (m-1)/m of a bipolar foil, which counts
    # half for each electrode
    outer = 1.0 / design.stack.series_cells
    shared: Values = 0.0 if bipolar is None else (1.0 - outer) * bipolar.areal_mass / 2.0
    negative_mass = (
        (0.0 if side.coating is None else side.coating.areal_mass)
        + outer * side.foil.areal_mass / 2.0
        + shared
        + (0.0 if side.on_bipolar is None else (1.0 - outer) * side.on_bipolar.areal_mass)
    )
    positive_mass = positive.loading + outer * foil.areal_mass / 2.0 + shared
    coating_membrane = positive.loading + membrane.areal_mass
    stoichiometric = positive.areal_capacity / design.material("Li").default("specific_capacity").value
    return UnitCell(
        voltage=voltage,
        areal_capacity=capacity,
        charge_capacity=np.nan if made_charged(design) else positive.charge_capacity,
        positive_foil=foil,
        membrane=membrane,
        bipolar_foil=bipolar,
        side=side,
        energy=ElectrodeEnergy(
            positive_only=own / positive_mass,
            with_negative=energy / (positive_mass + negative_mass),
            with_negative_and_membrane=energy / (positive_mass + negative_mass + membrane.areal_mass),
            positive_and_membrane=own / (positive_mass + membrane.areal_mass),
        ),
        normalised=Normalised(
            coating_and_membrane=own / coating_membrane,
            coating_membrane_and_lithium=own / (coating_membrane + stoichiometric),
            am_loading=positive.loading * positive.am_mass_fraction,
        ),
        negative=Negative(
            areal_mass=negative_mass,
            thickness=0.0 if side.coating is None else side.coating.thickness,
            foil_thickness=side.foil.thickness,
            average_voltage=side.average_voltage,
            lithium_excess=side.lithium_capacity / positive.areal_capacity,
            n_p_ratio=side.reversible_capacity / positive.areal_capacity,
            expansion=side.expansion,
        ),
        resistance=_resistance(design, positive, membrane_resistance),
    )


def _membrane(design: Design) -> tuple[Part, Values]:
    """Return the layer, and its area-specific resistance, ohm m2."""
    table = design.membrane
    conductivity = table.ionic_conductivity
    if conductivity is None:
        conductivity = material_conductivity(design, table.material)
    layer = Part(
        "membrane", design.density_of(table.material) * table.thickness, table.thickness, {table.material: 1.0}
    )
    return layer, table.thickness / conductivity


def _foil(design: Design, name: str, foil: tables.Collector) -> Part:
    return Part(name, design.density_of(foil.material) * foil.thickness, foil.thickness, {foil.material: 1.0})


def _voltage(positive: Positive, side: NegativeSide, *, mask_infeasible: bool) -> Values:
    """Return the average voltage of the unit cell, which must be above 0."""
    voltage = positive.average_voltage - side.average_voltage
    impossible = np.asarray(voltage) <= 0.0
    if not impossible.any():
        return voltage
    if mask_infeasible and impossible.ndim:
        return np.where(impossible, np.nan, voltage)
    msg = (
        f"{np.min(positive.average_voltage):.3g} V against Li is not above the negative's "
        f"{np.max(side.average_voltage):.3g} V: the cell would have no energy; check the materials"
    )
    raise DesignError(Problem(msg, "positive.average_voltage"))


def _resistance(design: Design, positive: Positive, membrane: Values) -> Resistance:
    transfer = design.positive.charge_transfer_resistance
    interface = design.negative.interface_resistance
    known = positive.ionic_asr + membrane
    for resistance in (transfer, interface):
        known = known if resistance is None else known + resistance
    return Resistance(
        positive_ionic=positive.ionic_asr,
        membrane=membrane,
        charge_transfer=np.nan if transfer is None else transfer,
        negative_interface=np.nan if interface is None else interface,
        membrane_ir_drop=positive.current_density * membrane,
        known_ir_drop=positive.current_density * known,
    )
