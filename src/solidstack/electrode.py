r"""The positive electrode: composition and density, ionic resistance, loading threshold, regime.

Sources: Nat. Commun. 15 (2024), s41467-024-50075-9, and `solidstack.particle`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import units
from .design import Design
from .errors import DesignError, Problem
from .particle import CLOSE_PACKING, Block, balance_mass_fraction, building_block, percolation_density
from .uncertain import Uncertain
from .units import Values, shown

EVEN = 1.0 / 3.0
"""IR drop of a reaction that is even through the thickness, over that of the whole current through all of it: the
current falls in a straight line, and the mean over the reaction of the drop is a third."""


@dataclass(frozen=True)
class Process:
    """A way to densify a coating, and the lowest porosity that it is known to reach."""

    name: str
    words: str
    porosity: float
    source: str


_REF = "Nat. Commun. 15 (2024), s41467-024-50075-9: 94:4:2 NCM622/SPE/carbon, 25 mg/cm^2"

# porosity = 1 - 25 mg/cm2 / (thickness x 4.354 g/cm3), the dense density of that composition
PROCESSES = {
    process.name: process
    for process in (
        Process("slurry-cast", "slurry casting alone", 0.448, f"{_REF}, 104 um as cast"),
        Process("roll-pressed", "roll pressing", 0.311, f"{_REF}, 83.3 um after roll pressing"),
        Process(
            "warm-isostatic-pressed",
            "warm isostatic pressing",
            0.180,
            f"{_REF}, 70 um after 550 MPa at 70 degC",
        ),
    )
}


ROUNDING = 1e-9
"""Negative porosity that is the rounding of a dense coating, not an impossible design."""

BALANCED_WITHIN = 0.005
"""A design whose active material is this close to the balance threshold is called balanced (mass fraction)."""


@dataclass(frozen=True)
class Regime:
    """On which side of each of the three thresholds a design is, in words."""

    composition: Any = shown("Composition")
    density: Any = shown("Density")
    loading: Any = shown("Loading")


@dataclass(frozen=True)
class Thresholds:
    """The three thresholds, the regime, and the distance from each threshold (above 0: the design is above it)."""

    balance_am_mass_fraction: Values = shown(
        "Balance threshold, active material", units.WT_PERCENT, "balance_am_wt_pct"
    )
    percolation_density: Values = shown("Percolation threshold, density", units.G_CM3)
    percolation_porosity: Values = shown("Percolation threshold, porosity", units.PERCENT)
    loading_threshold: Values = shown("Loading threshold", units.MG_CM2)
    loading_threshold_thickness: Values = shown("Thickness at the loading threshold", units.UM)
    even_loading_threshold: Values = shown("Loading threshold, even reaction", units.MG_CM2)
    balance_am_of_am_and_se: Values = shown(
        "Balance threshold, active material of active material and solid electrolyte",
        units.WT_PERCENT,
        "balance_am_of_am_se_wt_pct",
    )
    composition_distance: Values = shown(
        "Active material above balance", units.WT_PERCENT, "composition_distance_wt_pct_points"
    )
    density_distance: Values = shown("Density above percolation", units.G_CM3)
    loading_distance: Values = shown("Loading above threshold", units.MG_CM2)

    @property
    def regime(self) -> Regime:
        """The regime in words; arrays of words for arrays, and empty words where a design is impossible."""
        balance = np.asarray(self.composition_distance)
        words = np.where(balance > 0.0, "am-rich", "am-poor")
        missing = self.density_distance if np.isnan(self.density_distance).any() else balance
        return Regime(
            composition=_words(np.where(np.abs(balance) <= BALANCED_WITHIN, "balanced", words), missing),
            density=_words(
                np.where(self.density_distance > 0.0, "percolated", "not-percolated"), self.density_distance
            ),
            loading=_words(np.where(self.loading_distance > 0.0, "above", "below"), self.loading_distance),
        )


def _words(words: Any, distance: Values) -> Any:
    words = np.where(np.isnan(distance), "", words)
    return str(words) if words.ndim == 0 else words


@dataclass(frozen=True)
class Positive:
    """The positive electrode, one coated side."""

    dense_density: Values = shown("Dense density", units.G_CM3)
    density: Values = shown("Density", units.G_CM3)
    porosity: Values = shown("Porosity", units.PERCENT)
    thickness: Values = shown("Thickness, one side", units.UM)
    am_mass_fraction: Values = shown("Active material", units.WT_PERCENT, "am_wt_pct")
    am_volume_fraction: Values = shown("Active material of the solid", units.VOL_PERCENT, "am_vol_pct")
    areal_capacity: Values = shown("Areal capacity", units.MAH_CM2)
    ionic_asr: Values = shown("Ionic resistance", units.OHM_CM2)
    ir_drop: Values = shown("IR drop at the rated current", units.MV)
    even_ir_drop: Values = shown("IR drop at the rated current, even reaction", units.MV)
    loading: Values = shown("Loading, one side", units.MG_CM2)
    se_volume_fraction: Values = shown("Solid electrolyte of the solid", units.VOL_PERCENT, "se_vol_pct")
    core_fraction: Values = shown(
        "Active material of active material and solid electrolyte", units.VOL_PERCENT, "core_vol_pct"
    )
    ionic_conductivity: Values = shown("Conductivity of the solid electrolyte", units.MS_CM)
    effective_conductivity: Values = shown("Effective ionic conductivity", units.MS_CM)
    current_density: Values = shown("Rated current density", units.MA_CM2)
    specific_capacity: Values = shown("Specific capacity of the active material, discharge", units.MAH_G)
    average_voltage: Values = shown("Average voltage against Li", units.V)
    first_cycle_efficiency: Values = shown("First-cycle efficiency", units.PERCENT)
    charge_capacity: Values = shown("Areal capacity, first charge", units.MAH_CM2)


@dataclass(frozen=True)
class Corrected:
    """Ionic figures of the positive electrode with the effective conductivity of its 3D structure."""

    effective_conductivity: Values = shown("Effective ionic conductivity", units.MS_CM)
    ionic_asr: Values = shown("Ionic resistance", units.OHM_CM2)
    ir_drop: Values = shown("IR drop at the rated current", units.MV)
    loading_threshold: Values = shown("Loading threshold", units.MG_CM2)
    loading_threshold_thickness: Values = shown("Thickness at the loading threshold", units.UM)
    conductivity_deviation: Values = shown("Effective conductivity, deviation from the closed form", units.PERCENT)
    conductivity_error: Values = shown("Effective conductivity, error of the voxel size", units.PERCENT)

    @property
    def threshold_error(self) -> Values:
        """Relative error of the loading threshold, which goes with the root of the conductivity."""
        return 0.5 * self.conductivity_error


@dataclass(frozen=True)
class Simulated:
    """Results of a simulated discharge of the electrode against lithium, at the rated current and at C/10.

    `certainty` has the range of each figure, what it hangs on, and why its discharge ended, by the figure's name.
    """

    slow_capacity: Values = shown("Discharge capacity at C/10", units.MAH_G)
    slow_areal_capacity: Values = shown("Areal capacity at C/10", units.MAH_CM2)
    rated_capacity: Values = shown("Discharge capacity at the rated current", units.MAH_G)
    rated_areal_capacity: Values = shown("Areal capacity at the rated current", units.MAH_CM2)
    rated_average_voltage: Values = shown("Average voltage at the rated current", units.V)
    rated_energy: Values = shown("Energy at the rated current", units.MWH_CM2)
    capacity_kept: Values = shown("Capacity kept at the rated current", units.PERCENT)
    salt_limiting_current: Values = shown("Salt-limiting current", units.MA_CM2)
    certainty: Mapping[str, Uncertain] = field(default_factory=dict)
    method: str = ""


def corrected(design: Design, positive: Positive, effective_conductivity: Values, error: Values = 0.0) -> Corrected:
    """Return the ionic figures of an electrode with an effective conductivity in place of the closed form's.

    Parameters
    ----------
    design : Design
    positive : Positive
        Of the same design.
    effective_conductivity : array
        S/m, at least 0; 0 (no ionic path) makes the resistance infinite and the loading threshold 0.
    error : array
        Of it, relative: what the size of the voxels leaves open.
    """
    effective = np.asarray(effective_conductivity, dtype=float)[()]
    with np.errstate(divide="ignore", invalid="ignore"):
        asr = np.asarray(positive.thickness / effective)[()]
        factor = np.asarray(positive.ionic_conductivity / effective)[()]
        deviation = np.asarray(effective / positive.effective_conductivity - 1.0)[()]
    threshold = loading_threshold(
        design.rating.ir_drop_limit,
        positive.ionic_conductivity,
        positive.density,
        factor,
        design.rating.c_rate,
        rated_one_c(design),
        positive.am_mass_fraction,
    )
    return Corrected(
        effective_conductivity=effective,
        ionic_asr=asr,
        ir_drop=positive.current_density * asr,
        loading_threshold=threshold,
        loading_threshold_thickness=threshold / positive.density,
        conductivity_deviation=deviation,
        conductivity_error=error,
    )


def loading_threshold(
    ir_drop_limit: Values,
    conductivity: Values,
    density: Values,
    resistance_factor: Values,
    c_rate: Values,
    one_c: Values,
    am_mass_fraction: Values,
) -> Values:
    r"""Return the loading at which the ionic IR drop of the positive electrode reaches its limit, kg/m2.

    The current grows with the loading and so does the thickness, hence

    .. math:: L^* = \sqrt{\frac{\Delta V\,\sigma\,\rho}{f\,C\,i_{1C}\,w_{AM}}}.

    Parameters
    ----------
    ir_drop_limit : array
        Allowed IR drop, V.
    conductivity : array
        Of the solid electrolyte, S/m.
    density : array
        Of the electrode, kg/m3.
    resistance_factor : array
        f of `solidstack.particle.resistance_factor`; infinite gives a threshold of 0.
    c_rate : array
        C, 1/h in the sense that 1C is `one_c`.
    one_c : array
        Current per mass of active material at 1C, A/kg.
    am_mass_fraction : array
        w of the active material.

    Examples
    --------
    1 mS/cm, 0.5C of 180 mA/g, 100 mV, NCM622 at the balance threshold, 3.0 g/cm3 (f = 7.68):
    22.2 mg/cm2. Published: about 21 mg/cm2.

    >>> round(100 * float(loading_threshold(0.1, 0.1, 3000.0, 7.676, 0.5, 180.0, 0.88297)), 1)
    22.2
    """
    return np.sqrt(ir_drop_limit * conductivity * density / (resistance_factor * c_rate * one_c * am_mass_fraction))


@dataclass(frozen=True)
class PairThresholds:
    """Thresholds of an active material and a solid electrolyte alone, at their balance threshold."""

    balance_am_mass_fraction: Values
    percolation_density: Values
    percolation_porosity: float
    dense_density: Values


def pair_thresholds(active_density: Values, electrolyte_density: Values) -> PairThresholds:
    """Return the balance threshold of a pair of materials, and the percolation threshold of that composition.

    Parameters
    ----------
    active_density, electrolyte_density : array
        True densities, kg/m3.

    Examples
    --------
    NCM622 with SPE: 88.3 wt% and 2.96 g/cm3.

    >>> pair = pair_thresholds(4760.0, 1800.0)
    >>> f"{100 * pair.balance_am_mass_fraction:.1f} wt%, {pair.percolation_density / 1e3:.2f} g/cm3"
    '88.3 wt%, 2.96 g/cm3'
    """
    balance = balance_mass_fraction(active_density, electrolyte_density)
    dense = 1.0 / (balance / active_density + (1.0 - balance) / electrolyte_density)
    return PairThresholds(balance, percolation_density(dense), 1.0 - CLOSE_PACKING, dense)


def positive_electrode(design: Design, *, mask_infeasible: bool = False) -> tuple[Thresholds, Positive]:
    """Evaluate the positive electrode of a design.

    Parameters
    ----------
    design : Design
        Its arrays broadcast.
    mask_infeasible : bool
        For arrays: whether designs denser than dense become NaN, as in a map, or an error.

    Returns
    -------
    thresholds : Thresholds
    positive : Positive

    Raises
    ------
    DesignError
        A density above the dense density.
    """
    table = design.positive
    shares = table.composition.shares
    dense = design.dense_density()
    loading, density, porosity = _density(design, dense, mask_infeasible=mask_infeasible)
    active, electrolyte = (_sum_of(design, shares, role) for role in ("active-material", "solid-electrolyte"))
    block, active_volume, electrolyte_volume = _block(design, active, electrolyte, dense, porosity)

    capacity = _blend(design, "specific_capacity", table.specific_capacity)
    voltage = _blend(design, "average_voltage", table.average_voltage, weight="specific_capacity")
    efficiency = _blend(
        design, "first_cycle_efficiency", table.first_cycle_efficiency, weight="specific_capacity", inverse=True
    )
    conductivity = electrolyte_conductivity(design)

    current = design.rating.c_rate * rated_one_c(design) * active * loading
    thickness = loading / density
    asr = thickness * block.resistance_factor / conductivity
    areal_capacity = active * loading * capacity
    positive = Positive(
        dense_density=dense,
        density=density,
        porosity=porosity,
        thickness=thickness,
        am_mass_fraction=active,
        am_volume_fraction=active_volume,
        areal_capacity=areal_capacity,
        ionic_asr=asr,
        ir_drop=current * asr,
        even_ir_drop=EVEN * current * asr,
        loading=loading,
        se_volume_fraction=electrolyte_volume,
        core_fraction=block.core_fraction,
        ionic_conductivity=conductivity,
        effective_conductivity=conductivity / block.resistance_factor,
        current_density=current,
        specific_capacity=capacity,
        average_voltage=voltage,
        first_cycle_efficiency=efficiency,
        charge_capacity=areal_capacity / efficiency,
    )
    return _thresholds(design, positive, block), positive


def _block(
    design: Design, active: Values, electrolyte: Values, dense: Values, porosity: Values
) -> tuple[Block, Values, Values]:
    """Return the building block, and the volume fractions of active material and solid electrolyte in the solid."""
    volumes = {name: share / design.density_of(name) for name, share in design.positive.composition.shares.items()}
    active_volume, electrolyte_volume = (
        dense * _sum_of(design, volumes, role) for role in ("active-material", "solid-electrolyte")
    )
    block = building_block(
        active_volume,
        electrolyte_volume,
        _density_of(design, "active-material", active * dense, active_volume),
        _density_of(design, "solid-electrolyte", electrolyte * dense, electrolyte_volume),
        1.0 - active - electrolyte,
        dense,
        porosity,
    )
    return block, active_volume, electrolyte_volume


def _thresholds(design: Design, positive: Positive, block: Block) -> Thresholds:
    threshold = loading_threshold(
        design.rating.ir_drop_limit,
        positive.ionic_conductivity,
        positive.density,
        block.resistance_factor,
        design.rating.c_rate,
        rated_one_c(design),
        positive.am_mass_fraction,
    )
    return Thresholds(
        balance_am_mass_fraction=block.balance_mass_fraction,
        percolation_density=block.percolation_density,
        percolation_porosity=1.0 - CLOSE_PACKING,
        loading_threshold=threshold,
        loading_threshold_thickness=threshold / positive.density,
        even_loading_threshold=threshold / math.sqrt(EVEN),
        balance_am_of_am_and_se=block.balance_of_pair,
        composition_distance=positive.am_mass_fraction - block.balance_mass_fraction,
        density_distance=positive.density - block.percolation_density,
        loading_distance=positive.loading - threshold,
    )


def electrolyte_conductivity(design: Design) -> Values:
    """Return the ionic conductivity of the positive's solid electrolyte at the design's temperature, S/m."""
    own = design.positive.ionic_conductivity
    if own is not None:
        return own
    (name,) = design.positive_materials("solid-electrolyte")
    return material_conductivity(design, name)


def material_conductivity(design: Design, name: str) -> Values:
    """Return the ionic conductivity of a material at the design's temperature, S/m."""
    value: Values = design.material(name).default("ionic_conductivity").at(design.temperature)
    return value


def needed_value(design: Design, material: str, name: str, table: str) -> float:
    """Return the default of a material's property; if its file has none, ask for it in a table of the design."""
    value = design.material(material).value(name)
    if value is None:
        msg = f"{material} has no {name.replace('_', ' ')} in its material file; set {table}.{name}"
        raise DesignError(Problem(msg, f"{table}.{name}"))
    return value


def rated_one_c(design: Design) -> Values:
    """Return the current per mass of active material at 1C, A/kg.

    It is the design's, else the material's, else the capacity of the material in one hour.
    """
    if design.rating.one_c is not None:
        return design.rating.one_c
    shares = design.positive.composition.shares
    active = _sum_of(design, shares, "active-material")
    total: Values = 0.0
    for name in design.positive_materials("active-material"):
        material = design.material(name)
        own = material.value("one_c") or material.default("specific_capacity").value / 3600.0
        total = total + shares[name] / active * own
    return total


def raw_porosity(design: Design, dense: Values) -> Values:
    """Return the porosity that density, porosity or thickness of the positive imply; below 0 if impossible."""
    table = design.positive
    if table.density is not None:
        return 1.0 - table.density / dense
    if table.thickness is not None and table.porosity is None:
        return 1.0 - table.loading / table.thickness / dense
    assert table.porosity is not None
    return table.porosity


def _density(design: Design, dense: Values, *, mask_infeasible: bool) -> tuple[Values, Values, Values]:
    """Return loading, density and porosity."""
    loading = design.positive.loading
    porosity = raw_porosity(design, dense)
    density = design.positive.density if design.positive.density is not None else dense * (1.0 - porosity)
    impossible = np.asarray(porosity) < -ROUNDING
    if impossible.any():
        if not mask_infeasible:
            worst = 100.0 * float(np.min(porosity))
            msg = (
                f"{np.count_nonzero(impossible)} of {impossible.size} designs are above their dense density "
                f"(porosity down to {worst:.1f} %); lower the density, set porosity, or use mask_infeasible=True"
            )
            raise DesignError(Problem(msg, "positive.density"))
        loading, density, porosity = (np.where(impossible, np.nan, value) for value in (loading, density, porosity))
    return loading, density, np.maximum(porosity, 0.0)


def _density_of(design: Design, role: str, mass: Values, volume: Values) -> Values:
    """Return the density of the materials of a role together; of a single one its own, also at share 0."""
    names = design.positive_materials(role)
    return design.density_of(names[0]) if len(names) == 1 else mass / volume


def _sum_of(design: Design, values: Mapping[str, Values], role: str) -> Values:
    total: Values = 0.0
    for name in design.positive_materials(role):
        total = total + values[name]
    return total


def _blend(design: Design, name: str, own: Values | None, *, weight: str = "", inverse: bool = False) -> Values:
    """Return the design's own value, or the mean of a property over the active materials.

    The mean is weighted by mass, or by mass times another property. `inverse` takes the mean of the inverse:
    efficiencies are discharge over charge, and charges add.
    """
    if own is not None:
        return own
    shares = design.positive.composition.shares
    total: Values = 0.0
    weights: Values = 0.0
    materials = design.positive_materials("active-material")
    for material in materials:
        value = needed_value(design, material, name, "positive")
        if len(materials) == 1:
            return value
        by = shares[material] * (design.material(material).default(weight).value if weight else 1.0)
        total, weights = total + by * (1.0 / value if inverse else value), weights + by
    return weights / total if inverse else total / weights
