"""Physical warnings: what an expert would point out about a design that is allowed but unwise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import units
from .cell import Negative, Resistance, UnitCell
from .constants import ZERO_CELSIUS
from .design import Design
from .electrode import PROCESSES, Corrected, Positive, Thresholds
from .pouch import Cell, Pouch, materials_of
from .units import Unit

AL_ALLOYS_BELOW = 0.3
"""V against Li. Aluminium forms LiAl near this potential, so it cannot be the collector of a negative below it."""

CU_DISSOLVES_ABOVE = 3.0
"""V against Li. Copper oxidises near 3.4 V; average positives above this take the collector beyond it."""

THIN_FOIL = 10e-6
"""m. Freestanding lithium thinner than this cannot be handled as a foil."""

SEVERAL_PARTICLES = 3.0
"""Least thickness of a coating, in diameters of its largest particles."""

OWN_SHARE = 1e-9
"""Relative rounding in comparisons of a value with its own limit."""


@dataclass(frozen=True)
class Scales:
    """A design and what each scale computed from it: all that a warning may look at."""

    design: Design
    thresholds: Thresholds
    positive: Positive
    unit: UnitCell
    pouch: Pouch
    twin: Corrected | None = None

    @property
    def negative(self) -> Negative:
        """The negative electrode, per side."""
        return self.unit.negative

    @property
    def resistance(self) -> Resistance:
        """Area-specific resistances."""
        return self.unit.resistance

    @property
    def cell(self) -> Cell:
        """The packaged cell."""
        return self.pouch.cell


def twin_decides(thresholds: Thresholds, twin: Corrected) -> bool:
    """Whether the twin's loading threshold differs from the closed form's by more than its error."""
    apart = np.abs(np.asarray(twin.loading_threshold) - thresholds.loading_threshold)
    return bool(np.all(apart > twin.threshold_error * np.asarray(thresholds.loading_threshold)))


def advise(scales: Scales) -> Iterator[str]:
    """Yield the warnings of a design; for arrays with the number of designs that each applies to."""
    yield from _materials(scales)
    shape = scales.design.shape
    for rule in RULES:
        for mask, message in rule(scales):
            where = np.broadcast_to(mask, shape)
            if not where.any():
                continue
            index = tuple(int(axis[0]) for axis in np.nonzero(np.atleast_1d(where)))[: len(shape)]
            text = message(lambda value, unit=units.ONE, i=index: _show(value, unit, i, shape))
            of = f" (holds for {np.count_nonzero(where)} of {where.size} designs)" if shape else ""
            yield text + of


def _show(value: Any, unit: Unit, index: tuple[int, ...], shape: tuple[int, ...]) -> str:
    number = float(np.broadcast_to(value, shape)[index])
    return f"{unit.of(number):.3g} {unit.symbol}".strip()


Say = Callable[..., str]
Finding = tuple[Any, Callable[[Say], str]]


def _density(scales: Scales) -> Iterator[Finding]:
    positive, thresholds = scales.positive, scales.thresholds
    name = scales.design.positive.process
    process = PROCESSES[name] if name else min(PROCESSES.values(), key=lambda p: p.porosity)
    reach = "can reach" if name else "is known to reach (set positive.process)"
    yield (
        # half a per cent of porosity: the rounding of the published thicknesses
        positive.porosity < process.porosity - 0.005,
        lambda say: (
            f"positive.density {say(positive.density, units.G_CM3)} (porosity {say(positive.porosity, units.PERCENT)}) "
            f"is denser than {process.words} {reach}: porosity {100 * process.porosity:.3g} % ({process.source})"
        ),
    )
    yield (
        np.asarray(thresholds.density_distance) <= 0.0,
        lambda say: (
            f"positive.density {say(positive.density, units.G_CM3)} is below the percolation threshold "
            f"{say(thresholds.percolation_density, units.G_CM3)}: the solid-electrolyte shells do not touch, so the "
            "closed form gives no ionic resistance"
        ),
    )


def _loading(scales: Scales) -> Iterator[Finding]:
    positive, thresholds = scales.positive, scales.thresholds
    percolated = np.asarray(thresholds.density_distance) > 0.0
    limit = scales.design.rating.ir_drop_limit
    threshold, drop, of = thresholds.loading_threshold, positive.ir_drop, ""
    if scales.twin is not None and twin_decides(thresholds, scales.twin):
        threshold, drop, of = scales.twin.loading_threshold, scales.twin.ir_drop, " of its digital twin"
        percolated = np.asarray(scales.twin.effective_conductivity) > 0.0
    yield (
        percolated & (np.asarray(positive.loading) > threshold) & np.isfinite(drop),
        lambda say: (
            f"positive.loading {say(positive.loading, units.MG_CM2)} is above the loading threshold "
            f"{say(threshold, units.MG_CM2)}{of}: the ionic IR drop is "
            f"{say(drop, units.MV)} at {say(scales.design.rating.c_rate)}C, above the limit of "
            f"{say(limit, units.MV)}"
        ),
    )
    yield (
        percolated & np.isinf(positive.ionic_asr),
        lambda say: (  # noqa: ARG005
            "positive.composition has 0 wt% of solid electrolyte: there is no ionic path"
        ),
    )
    yield (
        np.asarray(scales.resistance.membrane_ir_drop) > limit,
        lambda say: (
            f"the IR drop of the membrane alone is {say(scales.resistance.membrane_ir_drop, units.MV)} at the rated "
            "current; make it thinner or more conductive, or lower the rate"
        ),
    )
    largest = _largest_particle(scales)
    if largest is not None:
        yield (
            np.asarray(positive.thickness) < SEVERAL_PARTICLES * largest,
            lambda say: (
                f"the positive is {say(positive.thickness, units.UM)} thick, less than {SEVERAL_PARTICLES:g} diameters "
                f"of its largest particles ({say(largest, units.UM)}): averages over building blocks do not apply"
            ),
        )
        yield (
            np.asarray(scales.design.membrane.thickness) < largest,
            lambda say: (
                f"membrane.thickness {say(scales.design.membrane.thickness, units.UM)} is less than the largest "
                f"particle of the positive ({say(largest, units.UM)}), which can pierce it"
            ),
        )


def _largest_particle(scales: Scales) -> Any:
    diameter = scales.design.positive.largest_particle
    if diameter is not None:
        return diameter
    names = scales.design.positive_materials("active-material")
    sizes = [scales.design.material(name).value("particle_diameter") for name in names]
    return max((size for size in sizes if size is not None), default=None)


def _capacity(scales: Scales) -> Iterator[Finding]:
    design, positive = scales.design, scales.positive
    names = design.positive_materials("active-material")
    limits = [design.material(name).value("theoretical_capacity") for name in names]
    if None not in limits:
        shares = design.positive.composition.shares
        limit = sum(shares[n] * value for n, value in zip(names, limits, strict=True)) / positive.am_mass_fraction
        charge = np.asarray(positive.specific_capacity) / positive.first_cycle_efficiency
        yield (
            charge > limit * (1.0 + OWN_SHARE),
            lambda say: (
                f"the first charge takes {say(charge, units.MAH_G)} from {' and '.join(names)}, more than the "
                f"theoretical capacity {say(limit, units.MAH_G)}; check positive.specific_capacity and "
                "positive.first_cycle_efficiency"
            ),
        )
    if "conductive-additive" not in [design.material(name).role for name in design.positive.composition.shares]:
        yield (
            True,
            lambda say: (  # noqa: ARG005
                "positive.composition has no conductive additive: particles coated with solid electrolyte have no "
                "electronic path"
            ),
        )


def _metal_negative(scales: Scales) -> Iterator[Finding]:
    """Lithium metal, and the lack of it."""
    design, negative = scales.design, scales.negative
    kind = design.negative.kind
    foil: Any = getattr(design.negative, "thickness", None)
    if kind.startswith("lithium"):
        yield (
            np.asarray(negative.lithium_excess) < 1.0,
            lambda say: (
                f"negative.thickness {say(foil, units.UM)}: the lithium has {say(negative.lithium_excess)} times the "
                "capacity of the positive side it faces; for a full reserve it must be thicker"
            ),
        )
    if kind == "lithium-foil":
        yield (
            np.asarray(foil) < THIN_FOIL,
            lambda say: (
                f"negative.thickness {say(foil, units.UM)}: freestanding lithium this thin cannot be handled as a "
                "foil; use lithium-on-collector"
            ),
        )
    if kind == "anode-free":
        yield (
            True,
            lambda say: (
                "anode-free: there is no lithium reserve; after a first cycle of "
                f"{say(scales.unit.side.efficiency, units.PERCENT)} on the collector the cell delivers "
                f"{say(scales.unit.side.capacity_share, units.PERCENT)} of the positive's capacity, and every later "
                "loss of lithium lowers it further"
            ),
        )


def _host_negative(scales: Scales) -> Iterator[Finding]:
    """Graphite and silicon."""
    negative = scales.negative
    reversible = np.asarray(scales.unit.side.reversible_capacity)
    if scales.design.negative.kind in ("graphite", "silicon"):
        yield (
            np.asarray(negative.n_p_ratio) < 1.0,
            lambda say: (
                f"negative.n_p_ratio {say(negative.n_p_ratio)} is below 1: only what the negative takes up counts as "
                "capacity, and charging further would plate lithium on it"
            ),
        )
        yield (
            (np.asarray(negative.n_p_ratio) >= 1.0)
            & (scales.positive.charge_capacity * scales.unit.side.efficiency > reversible * (1.0 + OWN_SHARE)),
            lambda say: (
                f"negative.n_p_ratio {say(negative.n_p_ratio)}: the first charge delivers more lithium "
                f"({say(scales.positive.charge_capacity, units.MAH_CM2)}) than the negative takes up, so lithium plates"
            ),
        )


def _balance(scales: Scales) -> Iterator[Finding]:
    """What a negative of any kind limits, and the thickness it gains."""
    yield (
        (scales.design.negative.kind != "anode-free") & (np.asarray(scales.unit.side.capacity_share) < 1.0 - OWN_SHARE),
        lambda say: (
            f"the negative limits the cell to {say(scales.unit.side.capacity_share, units.PERCENT)} of the positive's "
            "discharge capacity"
        ),
    )
    space = scales.design.pouch.expansion_space
    if space is not None:
        growth = np.asarray(scales.cell.charged_thickness) - scales.cell.thickness
        yield (
            growth > space,
            lambda say: (
                f"at full charge the cell is {say(growth, units.UM)} thicker, more than pouch.expansion_space "
                f"{say(space, units.UM)}"
            ),
        )


def _geometry(scales: Scales) -> Iterator[Finding]:
    stack, tabs = scales.design.stack, scales.design.pouch.tabs
    side = np.maximum(*stack.positive_size)
    yield (
        2.0 * np.asarray(tabs.width) > side,
        lambda say: (
            f"pouch.tabs.width {say(tabs.width, units.MM)}: two tabs do not fit on a side of {say(side, units.MM)}"
        ),
    )
    yield (
        (stack.bipolar_foil is not None) & (np.asarray(stack.series_cells) == 1),
        lambda say: "stack.bipolar_foil has no effect unless stack.series_cells is above 1",  # noqa: ARG005
    )
    yield (
        np.asarray(stack.negative_overhang) <= 0.0,
        lambda say: (
            f"stack.negative_overhang {say(stack.negative_overhang, units.MM)}: the negative does not extend beyond "
            "the edge of the positive, where lithium can then plate"
        ),
    )
    yield (
        np.asarray(stack.membrane_overhang) <= 0.0,
        lambda say: (
            f"stack.membrane_overhang {say(stack.membrane_overhang, units.MM)}: nothing keeps the edges of the "
            "electrodes apart"
        ),
    )


def _materials(scales: Scales) -> Iterator[str]:
    """Warnings that hold for all designs of an array: materials, temperatures, prices."""
    design = scales.design
    materials = materials_of(design, scales.pouch.layers)
    for name, path in design.library.shadowed().items():
        if name in materials:
            yield f"material {name} is your own ({path}), which replaces the shipped one"
    yield from _temperatures(scales)
    yield from _windows(scales)
    voltage = float(np.max(scales.positive.average_voltage))
    if design.positive.collector.material == "Cu" and voltage > CU_DISSOLVES_ABOVE:
        yield f"positive.collector of Cu oxidises at the potential of this positive ({voltage:.3g} V)"
    low = float(np.min(scales.negative.average_voltage))
    collector = getattr(design.negative, "collector", None)
    foils = [] if collector is None else [("negative.collector", collector.material)]
    if np.any(np.asarray(design.stack.series_cells) > 1) and design.stack.bipolar_foil is not None:
        foils.append(("stack.bipolar_foil", design.stack.bipolar_foil.material))
        if design.stack.bipolar_foil.material == "Cu" and voltage > CU_DISSOLVES_ABOVE:
            yield f"stack.bipolar_foil of Cu oxidises at the potential of this positive ({voltage:.3g} V)"
    for key, material in foils:
        if material == "Al" and low < AL_ALLOYS_BELOW:
            yield f"{key} of Al alloys with lithium at the potential of this negative ({low:.3g} V); use Cu or Ni"
    for name in design.positive_materials("active-material"):
        value = design.material(name).value("average_voltage")
        if value is not None and value < 1.5:
            yield f"positive.composition: {name} ({value:.3g} V against Li) is a negative electrode material"
    if scales.pouch.unpriced:
        yield (
            f"no cost: the price of {', '.join(scales.pouch.unpriced)} is unknown; add it to [prices], "
            f'as in "{scales.pouch.unpriced[0]}" = "50 USD/kg"'
        )


def _temperatures(scales: Scales) -> Iterator[str]:
    design = scales.design
    used: dict[str, list[str]] = {}
    if design.positive.ionic_conductivity is None:
        used.setdefault(design.positive_materials("solid-electrolyte")[0], []).append("positive.ionic_conductivity")
    if design.membrane.ionic_conductivity is None:
        used.setdefault(design.membrane.material, []).append("membrane.ionic_conductivity")
    for name, keys in used.items():
        entry = design.material(name).default("ionic_conductivity")
        if entry.covers(design.temperature):
            continue
        shown = ", ".join(
            f"{t - ZERO_CELSIUS:.4g}" for t in sorted({np.min(design.temperature), np.max(design.temperature)})
        )
        how = "used unchanged (no activation energy)" if entry.activation_energy is None else "extrapolated"
        yield (
            f"temperature {shown} degC is outside the range in which the conductivity of {name} is known "
            f"({entry.range_text()}), so it is {how}; set {' and '.join(keys)} if you know it"
        )


def _windows(scales: Scales) -> Iterator[str]:
    """Solid electrolytes against the potentials that they meet."""
    design = scales.design
    high = float(np.max(scales.positive.average_voltage))
    low = float(np.min(scales.negative.average_voltage))
    for name in dict.fromkeys([*design.positive_materials("solid-electrolyte"), design.membrane.material]):
        limit = design.material(name).value("oxidation_limit")
        if limit is not None and limit < high:
            yield (
                f"{name} oxidises at {limit:.3g} V, below the positive's average {high:.3g} V: "
                "coat the active material or use another catholyte"
            )
    coating = scales.unit.side.coating
    inside = [n for n in (coating.contents if coating else ()) if design.material(n).role == "solid-electrolyte"]
    for where, name in [("membrane", design.membrane.material), *(("negative", name) for name in inside)]:
        limit = design.material(name).value("reduction_limit")
        if limit is not None and limit > low:
            yield (
                f"{where}: {name} is reduced below {limit:.3g} V, and the negative is at {low:.3g} V: use an "
                "interlayer or another solid electrolyte"
            )


RULES = (_density, _loading, _capacity, _metal_negative, _host_negative, _balance, _geometry)
