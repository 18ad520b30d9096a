"""Stack and package: counts, areas, mass, volume, cost of the whole cell."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from . import units
from .cell import UnitCell
from .design import Design
from .electrode import Positive
from .layer import Layer
from .units import Values, shown

PACKAGE = ("laminate", "tabs", "tab sealant")
"""Components of the package."""

EDGES = "space at the edges"
"""Volume on the stack's footprint that the overhangs leave next to the smaller layers."""


@dataclass(frozen=True)
class Component:
    """One line of the breakdown.

    Mass, kg; share of the volume on the stack's footprint, m3 (flanges and tabs are outside it); cost, USD (NaN
    if a price is unknown).
    """

    mass: Values
    volume: Values
    cost: Values


@dataclass(frozen=True)
class Cell:
    """The packaged cell. Volumes are as assembled; at full charge lithium has been plated."""

    capacity: Values = shown("Capacity", units.AH)
    energy: Values = shown("Energy", units.WH)
    average_voltage: Values = shown("Average voltage", units.V)
    mass: Values = shown("Mass", units.G)
    specific_energy: Values = shown("Specific energy", units.WH_KG)
    volume: Values = shown("Volume on the stack's footprint", units.CM3)
    energy_density: Values = shown("Energy density on the stack's footprint", units.WH_L)
    outline_volume: Values = shown("Volume of the outline with flanges", units.CM3)
    outline_energy_density: Values = shown("Energy density of the outline", units.WH_L)
    thickness: Values = shown("Thickness", units.MM)
    charged_thickness: Values = shown("Thickness at full charge", units.MM)
    charged_energy_density: Values = shown("Energy density at full charge", units.WH_L)
    am_mass_fraction: Values = shown("Active material of the cell's mass", units.WT_PERCENT, "am_mass_fraction_pct")
    cost_per_energy: Values = shown("Material cost (laminate where priced)", units.USD_KWH, "cost_per_kWh")
    areal_capacity: Values = shown("Deliverable areal capacity, one side", units.MAH_CM2)
    charge_capacity: Values = shown("Capacity, first charge", units.AH)
    packaging_mass: Values = shown("Mass of the package", units.G)
    positive_area: Values = shown("Area of one positive side", units.CM2)
    negative_area: Values = shown("Area of a negative electrode", units.CM2)
    membrane_area: Values = shown("Area of a membrane, the stack's footprint", units.CM2)
    outline_area: Values = shown("Area of the outline", units.CM2)
    coated_sides: Values = shown("Coated positive sides")


@dataclass(frozen=True)
class Pouch:
    """The cell, its components, the layers stacked in it, and the materials whose price is unknown."""

    cell: Cell
    components: Mapping[str, Component]
    layers: tuple[Layer, ...]
    unpriced: tuple[str, ...]


def pouch(design: Design, positive: Positive, unit: UnitCell) -> Pouch:
    """Stack unit cells into a pouch.

    n bilayers (double-sided positives) have n + 1 negatives, of which the outer two face a single side, and 2 n
    membranes. In a bipolar stack each of the 2 n sides carries m unit cells in series on bipolar foils, so
    there are 2 n m positive coatings and membranes, and the voltage is m times that of a unit cell.
    Each layer is weighed on its own area; the capacity is the positive's.

    Parameters
    ----------
    design : Design
        Its arrays broadcast.
    positive : Positive
    unit : UnitCell

    Returns
    -------
    Pouch
    """
    n, m = design.stack.bilayers, design.stack.series_cells
    positive_area, negative_area, membrane_area, outline_area = _areas(design)
    sides = 2.0 * n * m
    layers = _layers(design, positive, unit)

    tally = Tally(design)
    stack_thickness: Values = 0.0
    for layer, count, area in layers:
        tally.add(layer, count * area)
        stack_thickness = stack_thickness + count * layer.thickness
    thickness = stack_thickness + 2.0 * design.pouch.laminate.thickness
    _package(design, outline_area, membrane_area, tally)

    mass = tally.total()
    capacity = 2.0 * n * positive_area * unit.areal_capacity
    voltage = m * unit.voltage
    energy = capacity * voltage
    volume = membrane_area * thickness
    tally.put(EDGES, 0.0, volume - tally.total(what="volume"), 0.0)
    outline_volume = outline_area * thickness
    charged = thickness + sides * unit.side.expansion
    active = sides * positive_area * positive.loading * positive.am_mass_fraction
    cell = Cell(
        capacity=capacity,
        energy=energy,
        average_voltage=voltage,
        mass=mass,
        specific_energy=energy / mass,
        volume=volume,
        energy_density=energy / volume,
        outline_volume=outline_volume,
        outline_energy_density=energy / outline_volume,
        thickness=thickness,
        charged_thickness=charged,
        charged_energy_density=energy / (membrane_area * charged),
        am_mass_fraction=active / mass,
        cost_per_energy=tally.total(what="cost") / energy,
        areal_capacity=unit.areal_capacity,
        charge_capacity=2.0 * n * positive_area * unit.charge_capacity,
        packaging_mass=tally.total(PACKAGE),
        positive_area=positive_area,
        negative_area=negative_area,
        membrane_area=membrane_area,
        outline_area=outline_area,
        coated_sides=sides,
    )
    return Pouch(cell, tally.components, tuple(layer for layer, _, _ in layers), tuple(sorted(tally.unpriced)))


def _areas(design: Design) -> tuple[Values, Values, Values, Values]:
    """Return the areas of a positive side, a negative, a membrane and the outline with flanges, m2."""
    stack, package = design.stack, design.pouch
    width, length = stack.positive_size
    positive = width * length
    wide, long = width + 2.0 * stack.negative_overhang, length + 2.0 * stack.negative_overhang
    negative = wide * long
    wide, long = wide + 2.0 * stack.membrane_overhang, long + 2.0 * stack.membrane_overhang
    margin = 2.0 * (package.seal_width + package.clearance)
    return positive, negative, wide * long, (wide + margin) * (long + margin)


def _layers(design: Design, positive: Positive, unit: UnitCell) -> list[tuple[Layer, Values, Values]]:
    """Return the layers of the stack: what each is, how many there are, and the area of one, m2."""
    n, m = design.stack.bilayers, design.stack.series_cells
    positive_area, negative_area, membrane_area, _ = _areas(design)
    sides = 2.0 * n * m
    side = unit.side
    coating = Layer("positive", positive.loading, positive.thickness, design.positive.composition.shares)
    layers: list[tuple[Layer, Values, Values]] = [
        (coating, sides, positive_area),
        (unit.positive_foil, n, positive_area),
        (side.foil, n + 1.0, negative_area),
        (unit.membrane, sides, membrane_area),
    ]
    if side.coating is not None:
        layers.append((side.coating, sides, negative_area))
    if np.any(np.asarray(m) > 1):
        assert unit.bipolar_foil is not None  # the schema requires it
        bipolar = 2.0 * n * (m - 1.0)
        layers.append((unit.bipolar_foil, bipolar, negative_area))
        if side.on_bipolar is not None:
            layers.append((side.on_bipolar, bipolar, negative_area))
    return layers


def materials_of(design: Design, layers: Iterable[Layer]) -> tuple[str, ...]:
    """Return the names of the materials in a cell, each once: those of its layers, then of its tabs."""
    tabs = design.pouch.tabs
    names = [name for layer in layers for name in layer.contents]
    return tuple(dict.fromkeys([*names, tabs.positive_material, tabs.negative_material, tabs.sealant_material]))


class Tally:
    """Collects mass, volume and cost of components; a coating is split into its materials and pores."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.components: dict[str, Component] = {}
        self.unpriced: set[str] = set()

    def add(self, layer: Layer, area: Values) -> None:
        """Add a layer of a total area."""
        whole = area * layer.areal_mass
        if len(layer.contents) == 1:
            (material,) = layer.contents
            self.put(layer.name, whole, area * layer.thickness, self.price(material))
            return
        electrode = layer.name.removesuffix(" coating")
        pores = area * layer.thickness
        for material, share in layer.contents.items():
            mass = whole * share
            volume = mass / self.design.density_of(material)
            pores = pores - volume
            self.put(f"{electrode} {material}", mass, volume, self.price(material))
        self.put(f"{electrode} pores", 0.0, pores, 0.0)

    def put(self, name: str, mass: Values, volume: Values, price: Values) -> None:
        """Add a component; those of the same name are summed."""
        cost = mass * price
        old = self.components.get(name)
        if old is not None:
            mass, volume, cost = old.mass + mass, old.volume + volume, old.cost + cost
        self.components[name] = Component(mass, volume, cost)

    def price(self, material: str) -> Values:
        """Return the price of a material, USD/kg; NaN if it is unknown, which `unpriced` then lists."""
        if material in self.design.prices:
            return self.design.prices[material]
        price = self.design.material(material).value("price")
        if price is None:
            self.unpriced.add(material)
            return float("nan")
        return price

    def total(self, names: Iterable[str] | None = None, what: str = "mass") -> Values:
        """Return the sum of a column over the named components, or over all."""
        total: Values = 0.0
        for name in self.components if names is None else names:
            total = total + getattr(self.components[name], what)
        return total


def _package(design: Design, outline_area: Values, membrane_area: Values, tally: Tally) -> None:
    """Add the laminate on both faces out to the flanges, two tabs, and a sealant film on each face of a tab."""
    laminate, tabs = design.pouch.laminate, design.pouch.tabs
    area = 2.0 * outline_area
    price = 0.0 if laminate.price is None else laminate.price
    tally.put("laminate", area * laminate.areal_mass, 2.0 * membrane_area * laminate.thickness, price)
    tab = tabs.width * tabs.length * tabs.thickness
    for material in (tabs.positive_material, tabs.negative_material):
        tally.put("tabs", tab * design.density_of(material), 0.0, tally.price(material))
    film = (tabs.width + 2.0 * tabs.sealant_margin) * (design.pouch.seal_width + 2.0 * tabs.sealant_margin)
    volume = 4.0 * film * tabs.sealant_thickness
    sealant = tabs.sealant_material
    tally.put("tab sealant", volume * design.density_of(sealant), 0.0, tally.price(sealant))
