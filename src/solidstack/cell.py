r"""Layers facing each other: positive side, membrane, negative side; areal energy and resistances.

Everything is per area of one coated positive side. A foil that two sides share counts half on each.
"""

from dataclasses import dataclass

import numpy as np

from . import units
from .design import Design
from .electrode import Positive, material_conductivity
from .errors import DesignError, Problem
from .layer import Layer, foil_layer
from .negative import NEGATIVES, NegativeSide, made_charged
from .units import Values, shown


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
    membrane, positive_foil : Layer
        Layers besides those of the electrodes.
    bipolar_foil : Layer or None
        Between the unit cells of a bipolar stack.
    """

    voltage: Values
    areal_capacity: Values
    charge_capacity: Values
    positive_foil: Layer
    membrane: Layer
    bipolar_foil: Layer | None
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
    foil = foil_layer(design, "positive collector", design.positive.collector)
    table = design.stack.bipolar_foil
    bipolar = None if table is None else foil_layer(design, "bipolar foil", table)
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


def _membrane(design: Design) -> tuple[Layer, Values]:
    """Return the layer, and its area-specific resistance, ohm m2."""
    table = design.membrane
    conductivity = table.ionic_conductivity
    if conductivity is None:
        conductivity = material_conductivity(design, table.material)
    layer = Layer(
        "membrane", design.density_of(table.material) * table.thickness, table.thickness, {table.material: 1.0}
    )
    return layer, table.thickness / conductivity


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
