"""An electrode as a homogeneous medium: the few numbers of its structure that a porous-electrode model takes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..design import Design
from ..electrode import positive_electrode
from ..errors import DesignError, StructureError
from ..kinetics import BRUGGEMAN, CellParameters, cell_parameters
from .conduction import LARGEST_CONTRAST, transport
from .structure.connectivity import connected_share
from .structure.voxels import Structure

ACTIVE, ELECTROLYTE, ADDITIVE = "active-material", "solid-electrolyte", "conductive-additive"
CARBON_BINDER = "carbon-binder"

SATURATED = 1e4
"""Contrast at which clusters of additive that connect nothing by themselves conduct almost perfectly: a larger one
changes the effective conductivity by 0.2 % in the worked example, and takes three times the iterations (1e6: 595, not
192)."""

IDEAL = 1e4
"""S/m; stands for a perfect electronic conductor, in which an electrode loses microvolts."""

DECILE = 1.2815515655446004
"""Standard deviations from the median to the 90 % point of a normal distribution."""


@dataclass(frozen=True)
class Effective:
    r"""The positive electrode as a homogeneous medium.

    Attributes
    ----------
    thickness : float
        m.
    active_loading : float
        Active material per area of electrode, inactive material included, kg/m2.
    active_fraction : float
        Volume of the active material that is not inactive, per volume of electrode.
    electrolyte_fraction : float
        Volume of the solid electrolyte per volume of electrode: the "porosity" of a porous-electrode model.
    specific_interface : float
        Area between this active material and solid electrolyte, per volume of electrode, m2/m3.
    ionic_conductivity : float
        Effective, through the plane, at `temperature`, S/m.
    electronic_conductivity : float
        Effective, through the plane, of what conducts apart from the active material, S/m.
    electronic_share : float
        What the active material adds to it, over its own conductivity: the effective electronic conductivity is
        ``electronic_conductivity + electronic_share * own conductivity(x)``.
    temperature : float
        K.
    inactive_fraction : float
        Share of the active material that is inactive.
    particle_radius : float or None
        Of the spheres into which lithium diffuses, m. None: `radius` is that of spheres with this volume and interface.
    additives : mapping of str to float
        Volume of the conductive additives whose network is finer than a voxel, per volume of electrode, by name.
    matrix : float
        Volume of additives, solid electrolyte and binder, per volume of electrode.
    source : str
        Where the values are from.

    Raises
    ------
    StructureError
        A value that is out of bounds.
    """

    thickness: float
    active_loading: float
    active_fraction: float
    electrolyte_fraction: float
    specific_interface: float
    ionic_conductivity: float
    electronic_conductivity: float
    electronic_share: float = 0.0
    temperature: float = 298.15
    inactive_fraction: float = 0.0
    particle_radius: float | None = None
    additives: Mapping[str, float] = field(default_factory=dict)
    matrix: float = 0.0
    source: str = "given"

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in UNCHECKED:
                continue
            if value is None and item.name == "particle_radius":
                continue
            if not (math.isfinite(value) and value > 0.0):
                msg = f"{item.name} is {value:g}; it must be a finite number above 0{_REASONS.get(item.name, '')}"
                raise StructureError(msg)
        if self.active_fraction + self.electrolyte_fraction > 1.0 + 1e-6:
            total = self.active_fraction + self.electrolyte_fraction
            msg = f"active_fraction and electrolyte_fraction sum to {total:.4g}; volume fractions sum to at most 1"
            raise StructureError(msg)
        if not (self.electronic_conductivity >= 0.0 and self.electronic_share >= 0.0):
            msg = (
                f"electronic_conductivity {self.electronic_conductivity:g} and electronic_share "
                f"{self.electronic_share:g} must be at least 0"
            )
            raise StructureError(msg)
        if self.electronic_conductivity + self.electronic_share == 0.0:
            msg = "no electrons get through: electronic_conductivity and electronic_share are 0; one must be above 0"
            raise StructureError(msg)
        if not 0.0 <= self.inactive_fraction < 1.0:
            msg = f"inactive_fraction is {self.inactive_fraction:g}; it must be at least 0 and below 1"
            raise StructureError(msg)

    @property
    def radius(self) -> float:
        r"""Radius of the spheres, m: as given, else :math:`3\varepsilon_{AM}/a` of spheres with that interface."""
        if self.particle_radius is not None:
            return self.particle_radius
        return 3.0 * self.active_fraction / self.specific_interface

    def changed(self, **values: Any) -> "Effective":
        """Return a copy with other values."""
        return replace(self, **values)

    def following(self, before: CellParameters, after: CellParameters) -> "Effective":
        """Return the same medium with other conductivities of its phases.

        Parameters
        ----------
        before : CellParameters
            Those that the medium was derived with.
        after : CellParameters
            Of which conductivity of the electrolyte and of the additives, and their percolation, may differ.
        """
        kappa = [each.electrolyte.conductivity(self.temperature) for each in (before, after)]
        network = [each.network(self.additives, self.matrix) for each in (before, after)]
        electronic = self.electronic_conductivity
        if self.additives and math.isfinite(network[0]):
            electronic = max(electronic - network[0], 0.0) + network[1]
        elif before.additive_conductivity:
            name = next(iter(before.additive_conductivity))
            electronic *= after.additive_conductivity[name] / before.additive_conductivity[name]
        ionic = self.ionic_conductivity * kappa[1] / kappa[0]
        return replace(self, ionic_conductivity=ionic, electronic_conductivity=electronic)

    def with_loading(self, active_loading: float) -> "Effective":
        """Return the same medium at another loading (kg/m2 of active material), with the thickness that it takes."""
        factor = active_loading / self.active_loading
        return replace(self, active_loading=active_loading, thickness=self.thickness * factor)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, SI."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_structure(
        cls,
        structure: Structure,
        parameters: CellParameters,
        *,
        tolerance: float = 1e-3,
        device: str = "auto",
    ) -> "Effective":
        """Derive the medium of a 3D structure.

        Active material without an electronic path to the collector or without solid electrolyte that is connected to
        the membrane does not count, exactly as in the voxel solver (`solidstack.twin.participation`).
        Effective conductivities are full-field solutions through the plane; the electronic one is solved for the most
        and the least conducting state of the active material and is linear in its conductivity in between.

        Parameters
        ----------
        structure : Structure
        parameters : CellParameters
            With one active material.
        tolerance, device
            See `solidstack.twin.conduction`.

        Raises
        ------
        StructureError
            Nothing conducts from the membrane to the collector, or all active material is inactive.
        """
        from .participation import Participation

        active = only_active(parameters)
        part = Participation.of(structure, parameters)
        names = {role: structure.with_role(role) for role in (ACTIVE, ELECTROLYTE, ADDITIVE)}
        kappa = parameters.electrolyte.conductivity(parameters.temperature)

        def through(conductivity: dict[str, float]) -> float:
            most = max(conductivity.values())
            conducting = {
                name: value if value > most / LARGEST_CONTRAST else 0.0 for name, value in conductivity.items()
            }
            solved = transport(structure, conducting, direction="x", tolerance=tolerance, device=device)
            return solved.directions["x"].conductivity

        mixed = parameters.carbon_binder
        porous = dict.fromkeys(structure.with_role(CARBON_BINDER), 0.0 if mixed is None else mixed.ionic_share * kappa)
        ionic = through(dict.fromkeys(names[ELECTROLYTE], kappa) | porous)
        if ionic == 0.0:
            msg = "no solid electrolyte connects the membrane with the collector; it has no homogeneous medium"
            raise StructureError(msg)
        low, high = active.stoichiometry_range
        own = [float(active.electronic_conductivity(x, parameters.temperature)) for x in (low, high)]
        if part.network == math.inf or not all(math.isfinite(value) for value in own):
            electronic, share = IDEAL, 0.0
        elif part.network > 0.0:
            electronic, share = part.network, through(dict.fromkeys(names[ACTIVE], own[0])) / own[0]
        else:
            additive = {name: _additive(parameters, name) for name in names[ADDITIVE]}
            alone = bool(additive) and connected_share(structure, tuple(additive), 0) > 0.0
            ends = [through(_saturated(additive, value, alone) | dict.fromkeys(names[ACTIVE], value)) for value in own]
            share = (ends[0] - ends[1]) / (own[0] - own[1]) if own[0] != own[1] else ends[0] / own[0]
            share = max(share, 0.0)
            # an effective conductivity is concave in that of a phase, so that what is left is not negative
            electronic = max(ends[0] - share * own[0], 0.0)
        fraction = structure.fraction(*names[ACTIVE]) * (1.0 - part.inactive_fraction)
        return cls(
            thickness=structure.size[0],
            active_loading=float(part.active_loading),
            active_fraction=fraction,
            electrolyte_fraction=structure.fraction(*names[ELECTROLYTE])
            + sum((1.0 - (mixed.solid_fraction if mixed else 0.0)) * structure.fraction(name) for name in porous),
            specific_interface=part.inner_interface,
            ionic_conductivity=ionic,
            electronic_conductivity=electronic,
            electronic_share=share,
            temperature=parameters.temperature,
            inactive_fraction=part.inactive_fraction,
            additives=part.additives,
            matrix=part.matrix,
            source="3D structure",
        )

    @classmethod
    def from_design(cls, design: Design, parameters: CellParameters | None = None) -> "Effective":
        r"""Derive the medium of the closed form of the electrode.

        The ionic conductivity is that of `solidstack.electrode`. No active material is inactive: it consists of spheres
        of the design's diameter (of a distribution, of the diameter :math:`d_{32}` with its surface per volume) that
        are covered with solid electrolyte, :math:`a = 6 v/d`. Electrons go through the network of the conductive
        additive (`solidstack.kinetics.network`), and beside it through the active material with its volume fraction to
        the power 1.5, an assumption that a 3D structure replaces.

        Parameters
        ----------
        design : Design
            A single design (no arrays).
        parameters : CellParameters, optional
            Default: those of the design.

        Raises
        ------
        DesignError
            A design with arrays, or one that cannot exist.
        """
        parameters = parameters or cell_parameters(design)
        active = only_active(parameters)
        _, positive = positive_electrode(design)
        solid = 1.0 - float(positive.porosity)
        fraction = float(positive.am_volume_fraction) * solid
        dense = float(positive.dense_density)
        shares = design.positive.composition.shares
        electronic, share, matrix = IDEAL, 0.0, 0.0
        additives: dict[str, float] = {}
        if not (
            parameters.ideal_electronics
            or math.isinf(float(active.electronic_conductivity(0.5, parameters.temperature)))
        ):
            volumes = {
                name: float(share) * dense * solid / float(design.density_of(name)) for name, share in shares.items()
            }
            matrix = sum(volumes.values()) - fraction
            electronic = parameters.network(volumes, matrix)
            if electronic > 0.0:
                additives = {name: volumes[name] for name in parameters.percolation if name in volumes}
            share = fraction**BRUGGEMAN
        # with the conductivity of the parameters, which may have been changed
        kappa = parameters.electrolyte.conductivity(parameters.temperature)
        return cls(
            thickness=float(positive.thickness),
            active_loading=float(positive.am_mass_fraction) * float(positive.loading),
            active_fraction=fraction,
            electrolyte_fraction=float(positive.se_volume_fraction) * solid,
            specific_interface=6.0 * fraction / surface_diameter(design),
            ionic_conductivity=kappa * float(positive.effective_conductivity) / float(positive.ionic_conductivity),
            electronic_conductivity=electronic,
            electronic_share=share,
            temperature=parameters.temperature,
            additives=additives,
            matrix=matrix,
            source="closed form",
        )


UNCHECKED = ("source", "electronic_conductivity", "electronic_share", "inactive_fraction", "additives", "matrix")
"""Of a medium: checked otherwise, or not at all."""

_REASONS = {
    "ionic_conductivity": "; without it no lithium gets through",
    "specific_interface": "; without it nothing reacts",
}


def surface_diameter(design: Design) -> float:
    r"""Diameter of equal spheres with the surface per volume of the design's particles, m.

    Of a log-normal distribution by volume, :math:`d_{32} = d_{50} \exp(-s^2/2)`.

    Examples
    --------
    >>> import solidstack as ss
    >>> design = ss.load("examples/pouch-0.16Ah.toml")
    >>> wide = design.with_(twin__particle_d10="5 um", twin__particle_d90="14 um")
    >>> [round(1e6 * surface_diameter(each), 2) for each in (design, wide)]
    [8.55, 7.89]
    """
    twin = design.twin
    if twin.particle_d10 is None or twin.particle_d90 is None:
        return float(twin.particle_diameter)
    spread = math.log(float(twin.particle_d90) / float(twin.particle_d10)) / (2.0 * DECILE)
    return float(twin.particle_diameter) * math.exp(-0.5 * spread**2)


def only_active(parameters: CellParameters) -> Any:
    """Return the active material, of which a homogenised model takes one.

    Raises
    ------
    DesignError
        There are several.
    """
    if len(parameters.active) != 1:
        msg = (
            f"the homogenised model takes one active material; this electrode has {' and '.join(parameters.active)}. "
            "Use the twin, which takes several"
        )
        raise DesignError(msg)
    return next(iter(parameters.active.values()))


def _saturated(additive: dict[str, float], own: float, alone: bool) -> dict[str, float]:
    """Limit the contrast to the active material where the additive does not connect through by itself."""
    return additive if alone else {name: min(value, SATURATED * own) for name, value in additive.items()}


def _additive(parameters: CellParameters, name: str) -> float:
    """Conductivity of an additive of a structure: by name, or of the only one."""
    known = parameters.additive_conductivity
    if name in known:
        return known[name]
    if len(known) == 1:
        return next(iter(known.values()))
    msg = f"{name} is not a conductive additive of the design, which has {', '.join(known) or 'none'}; rename the phase"
    raise StructureError(msg)
