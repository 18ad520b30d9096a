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
"""Of graphite and silicon composites where none is given: assumed, the densest positive electrode of Ref."""


@dataclass(frozen=True)
class Part:
    """A layer: mass per area, kg/m2, thickness, m, and the mass fractions of its materials."""

    name: str
    areal_mass: Values
    thickness: Values
    contents: Mapping[str, Values] = field(default_factory=dict)


@dataclass(frozen=True)
class NegativeSide:
    """What a negative electrode is to one positive side that it faces.

    Attributes
    ----------
    coating : Part or None
        What each side has of its own.
    foil : Part
        What two sides share inside the stack.
    on_bipolar : Part or None
        What lies on a bipolar foil instead of `foil`, beside the coating.
    average_voltage : array
        Against lithium, V.
    capacity_share : array
        Deliverable capacity over the positive's own discharge capacity, at most 1.
    lithium_capacity : array
        Capacity of the metallic lithium as assembled, per side of an inner foil, A s/m2.
    reversible_capacity : array
        What the negative takes up and gives back, per side; NaN where it is metallic lithium, A s/m2.
    efficiency : array
        Of the first cycle of the negative itself; 1 where a lithium reserve makes it up.
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
    """Whether the positive is made without its lithium, which the negative then has to bring."""
    names = design.positive_materials("active-material")
    return any(design.material(name).as_made == "charged" for name in names)


class NegativeElectrode(ABC):
    """A negative electrode; one final class for each kind of a design file."""

    def __init__(self, design: Design, *, mask_infeasible: bool = False) -> None:
        self.design = design
        self.mask_infeasible = mask_infeasible

    @abstractmethod
    def side(self, positive: Positive) -> NegativeSide:
        """Return what this electrode is to one side of the given positive electrode."""

    def _needs_lithiated(self) -> None:
        """Refuse a positive that is made without lithium: there would be none in the cell."""
        if made_charged(self.design):
            msg = (
                f"{self.design.positive_materials('active-material')[0]} is made without lithium and so is a "
                f"{self.design.negative.kind} negative; take lithium-foil or lithium-on-collector"
            )
            raise DesignError(Problem(msg, "negative.kind"))

    def _capacity_of_lithium(self) -> Values:
        """Charge in a volume of lithium, A s/m3."""
        capacity: float = self.design.material("Li").default("specific_capacity").value
        return capacity * self.design.density_of("Li")

    def _collector(self, given: tables.Collector) -> Part:
        return _foil(self.design, "negative collector", given)

    def _lithium(self, thickness: Values) -> Part:
        return Part("negative lithium", self.design.density_of("Li") * thickness, thickness, {"Li": 1.0})

    def _metal_side(
        self, positive: Positive, lithium: Values, coating: Part | None, foil: Part, on_bipolar: Part | None
    ) -> NegativeSide:
        """Side of an electrode with a lithium reserve; a positive made charged takes its lithium from there."""
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
        """An inner foil serves two sides; where there is none, an outer foil serves one."""
        given: Any = self.design.negative
        foil = self._lithium(given.thickness)
        bilayers = self.design.stack.bilayers
        half = np.where(bilayers > 1, 0.5, 1.0) if np.ndim(bilayers) else 0.5 if bilayers > 1 else 1.0
        return self._metal_side(positive, given.thickness * half, None, foil, foil)


@final
class LithiumOnCollector(NegativeElectrode):
    """Lithium on both sides of a metal foil."""

    def side(self, positive: Positive) -> NegativeSide:
        """The lithium of one side, and half the metal foil."""
        given: Any = self.design.negative
        return self._metal_side(
            positive, given.thickness, self._lithium(given.thickness), self._collector(given.collector), None
        )


@final
class AnodeFree(NegativeElectrode):
    """A bare collector: all lithium is the positive's, and what the first cycle loses is not replaced."""

    def side(self, positive: Positive) -> NegativeSide:
        """Half the metal foil."""
        self._needs_lithiated()
        given: Any = self.design.negative
        return NegativeSide(
            coating=None,
            foil=self._collector(given.collector),
            on_bipolar=None,
            average_voltage=0.0,
            capacity_share=np.minimum(1.0, given.first_cycle_efficiency / positive.first_cycle_efficiency),
            lithium_capacity=0.0,
            reversible_capacity=np.nan,
            efficiency=given.first_cycle_efficiency,
            expansion=positive.charge_capacity / self._capacity_of_lithium(),
        )


@final
class Host(NegativeElectrode):
    """Graphite or silicon composite on a metal foil, sized by the n/p ratio.

    Reversible areal capacity = n/p ratio x discharge capacity of the positive. The lithium that the first
    charge leaves behind is the positive's: the cell delivers the smaller of what the positive takes back and
    what the negative gives back.
    """

    def side(self, positive: Positive) -> NegativeSide:
        """Coating of one side, and half the metal foil."""
        self._needs_lithiated()
        given: Any = self.design.negative
        active, shares = self._composition()
        material = self.design.material(active)
        capacity = self._value(active, "specific_capacity", given.specific_capacity)
        efficiency = self._value(active, "first_cycle_efficiency", given.first_cycle_efficiency)
        reversible = given.n_p_ratio * positive.areal_capacity
        active_mass = reversible / capacity
        loading = active_mass / shares[active]
        dense = self.design.dense_density(shares)
        density = given.density
        if density is None:
            density = dense * (1.0 - (DEFAULT_NEGATIVE_POROSITY if given.porosity is None else given.porosity))
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
            foil=self._collector(given.collector),
            on_bipolar=None,
            average_voltage=self._value(active, "average_voltage", given.average_voltage),
            capacity_share=np.minimum(np.minimum(1.0, given.n_p_ratio), efficiency / positive.first_cycle_efficiency),
            lithium_capacity=0.0,
            reversible_capacity=reversible,
            efficiency=efficiency,
            expansion=active_mass / self.design.density_of(active) * swelling * stored * full,
        )

    def _composition(self) -> tuple[str, Mapping[str, Values]]:
        """Active material and mass fractions: as given, or the balance threshold with the positive's electrolyte."""
        given: Any = self.design.negative
        if given.composition is not None:
            shares = given.composition.shares
            active = [name for name in shares if self.design.material(name).role == "active-material"]
            if len(active) != 1:
                msg = f"has {len(active)} active materials ({', '.join(active)}); one is wanted"
                raise DesignError(Problem(msg, "negative.composition"))
            return active[0], shares
        active_name = {"graphite": "graphite", "silicon": "Si"}[given.kind]
        electrolyte = self.design.positive_materials("solid-electrolyte")[0]
        share = balance_mass_fraction(self.design.density_of(active_name), self.design.density_of(electrolyte))
        return active_name, {active_name: share, electrolyte: 1.0 - share}

    def _value(self, material: str, name: str, given: Values | None) -> Values:
        return needed_value(self.design, material, name, "negative") if given is None else given


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
    """Area-specific resistances at the rated current, and the voltage they take; NaN where not given."""

    positive_ionic: Values = shown("Positive electrode, ionic", units.OHM_CM2)
    membrane: Values = shown("Membrane", units.OHM_CM2)
    charge_transfer: Values = shown("Positive, charge transfer (given)", units.OHM_CM2)
    negative_interface: Values = shown("Negative interface (given)", units.OHM_CM2)
    membrane_ir_drop: Values = shown("IR drop of the membrane", units.MV)
    known_ir_drop: Values = shown("IR drop of all that is known", units.MV)


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
        Layers beside the electrodes' own.
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
    """Put the negative electrode and the membrane to a positive electrode.

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
        No lithium in the cell, or a negative value that no material file gives.
    """
    side = NEGATIVES[type(design.negative)](design, mask_infeasible=mask_infeasible).side(positive)
    foil = _foil(design, "positive collector", design.positive.collector)
    bipolar = None if design.stack.bipolar_foil is None else _foil(design, "bipolar foil", design.stack.bipolar_foil)
    given = design.membrane
    membrane = Part(
        "membrane",
        design.density_of(given.material) * given.thickness,
        given.thickness,
        {given.material: 1.0},
    )
    conductivity = given.ionic_conductivity
    if conductivity is None:
        conductivity = material_conductivity(design, given.material)

    voltage = _voltage(positive, side, mask_infeasible=mask_infeasible)
    capacity = positive.areal_capacity * side.capacity_share
    energy = capacity * voltage
    own = positive.areal_capacity * voltage  # of the positive, whatever the negative lets the cell deliver
    # in a bipolar stack of m cells a side has 1/m of the outer foils and (m-1)/m of a bipolar one, which counts
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
        resistance=_resistance(design, positive, given.thickness / conductivity),
    )


def _foil(design: Design, name: str, given: tables.Collector) -> Part:
    return Part(name, design.density_of(given.material) * given.thickness, given.thickness, {given.material: 1.0})


def _voltage(positive: Positive, side: NegativeSide, *, mask_infeasible: bool) -> Values:
    """Average voltage of the unit cell; it has to be above zero."""
    voltage = positive.average_voltage - side.average_voltage
    impossible = np.asarray(voltage) <= 0.0
    if not impossible.any():
        return voltage
    if mask_infeasible and impossible.ndim:
        return np.where(impossible, np.nan, voltage)
    msg = (
        f"{np.min(positive.average_voltage):.3g} V against Li is not above the negative's "
        f"{np.max(side.average_voltage):.3g} V: the cell would give no energy; check the materials"
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
