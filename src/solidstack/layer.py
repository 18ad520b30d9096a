"""A layer of the stack: what scales and breakdowns are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .design import Design
from .design.schema import Collector
from .units import Values


@dataclass(frozen=True)
class Layer:
    """A layer: mass per area, kg/m2, thickness, m, and the mass fractions of its materials."""

    name: str
    areal_mass: Values
    thickness: Values
    contents: Mapping[str, Values] = field(default_factory=dict)


def foil_layer(design: Design, name: str, foil: Collector) -> Layer:
    """Return the layer of a metal foil."""
    return Layer(name, design.density_of(foil.material) * foil.thickness, foil.thickness, {foil.material: 1.0})
