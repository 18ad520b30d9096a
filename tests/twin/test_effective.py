"""The electrode as a medium: of the closed form, of a structure, and what conducts electrons in it."""

import math

import numpy as np
import pytest

import solidstack as ss
from solidstack.errors import StructureError
from solidstack.kinetics import cell_parameters
from solidstack.twin import transport
from solidstack.twin.effective import Effective, surface_diameter
from solidstack.twin.structure.voxels import Phase, Structure

from ..cells import AM, CA, SE, cell, host, structure
from .companion.helpers import some_medium

LITTLE, MUCH = 1e-4, 1e3
"""Electronic conductivity of the active material and of the additive, S/m."""


def electrode(columns: bool) -> np.ndarray:
    """Half active material, half electrolyte; in the former, additive in cubes of 2 voxels or in columns of them."""
    labels = np.full((12, 12, 6), SE)
    labels[:, :6] = AM
    for planes in [slice(None)] if columns else [slice(1, 5), slice(7, 11)]:
        labels[planes, 2:4, 2:4] = CA
    return labels


@pytest.mark.parametrize("columns", [False, True])
def test_additive_counts_in_full(columns: bool) -> None:
    """Against the solution at the full contrast, 1e7."""
    made = structure(electrode(columns))
    medium = Effective.from_structure(made, cell(host(electronic=LITTLE), additive_conductivity={"CA": MUCH}))
    conductivity = medium.electronic_conductivity + medium.electronic_share * LITTLE
    exact = transport(made, {"AM": LITTLE, "CA": MUCH}, direction="x", tolerance=1e-5).directions["x"].conductivity
    assert conductivity == pytest.approx(exact, rel=3e-3)
    if columns:
        assert conductivity > MUCH * 4 / 72  # the columns alone


def test_medium_of_the_closed_form(design: ss.Design) -> None:
    sheet = ss.evaluate(design)
    medium = Effective.from_design(design)
    solid = 1.0 - float(sheet.positive.porosity)
    assert medium.thickness == pytest.approx(sheet.positive.thickness)
    assert medium.ionic_conductivity == pytest.approx(sheet.positive.effective_conductivity)
    assert medium.active_fraction == pytest.approx(0.93 * 3500.0 / 4760.0)
    assert medium.electrolyte_fraction == pytest.approx(sheet.positive.se_volume_fraction * solid)
    assert medium.specific_interface == pytest.approx(6.0 * medium.active_fraction / 8.55e-6)
    assert medium.radius == pytest.approx(8.55e-6 / 2.0)
    assert medium.electronic_share == pytest.approx(medium.active_fraction**1.5)
    changed = Effective.from_design(design, cell_parameters(design).changed("ionic_conductivity", 2.0))
    assert changed.ionic_conductivity == pytest.approx(2.0 * medium.ionic_conductivity)
    twice = medium.with_loading(2.0 * medium.active_loading)
    assert twice.thickness == pytest.approx(2.0 * medium.thickness)
    ideal = Effective.from_design(design.with_(kinetics__ideal_electronics=True))
    assert (ideal.electronic_conductivity, ideal.electronic_share) == (1e4, 0.0)


def test_surface_diameter_is_that_of_the_distribution(design: ss.Design) -> None:
    wide = design.with_(twin__particle_d10="5 um", twin__particle_d90="14.6 um")
    spread_of = math.log(14.6 / 5.0) / 2.0 / 1.2815515655
    rng = np.random.default_rng(0)
    by_volume = 8.55e-6 * np.exp(spread_of * rng.standard_normal(400_000))
    assert surface_diameter(wide) == pytest.approx(1.0 / np.mean(1.0 / by_volume), rel=3e-3)


def test_medium_of_a_structure(design: ss.Design) -> None:
    """Sheets along the current: conductivities are shares of the materials', the interface is counted by hand."""
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[:, :4] = 1
    labels[:, 4:7] = 2
    phases = {
        "pore": Phase(0, "pore"),
        "NCM622": Phase(1, "active-material"),
        "SPE": Phase(2, "solid-electrolyte"),
    }
    structure = Structure(labels, phases, (1e-6, 1e-6, 1e-6))
    parameters = cell_parameters(design.with_(kinetics__transference_number=1.0))
    medium = Effective.from_structure(structure, parameters, device="cpu")
    kappa = parameters.electrolyte.conductivity(parameters.temperature)
    assert medium.ionic_conductivity == pytest.approx(3 / 8 * kappa, rel=1e-3)
    assert medium.active_fraction == pytest.approx(0.5)
    assert medium.electrolyte_fraction == pytest.approx(3 / 8)
    assert medium.thickness == pytest.approx(8e-6)
    assert medium.specific_interface == pytest.approx(1.0 / 8e-6, rel=0.02)
    assert medium.electronic_share == pytest.approx(0.5, rel=1e-3)
    assert medium.electronic_conductivity == pytest.approx(0.0, abs=1e-9)
    assert medium.active_loading == pytest.approx(0.5 * 8e-6 * 4760.0)
    assert medium.inactive_fraction == 0.0
    labels[3] = np.where(labels[3] == 2, 0, labels[3])
    with pytest.raises(StructureError, match="no solid electrolyte connects the membrane with the collector"):
        Effective.from_structure(Structure(labels, phases, (1e-6, 1e-6, 1e-6)), parameters, device="cpu")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"thickness": 0.0}, "thickness is 0; it must be a finite number above 0"),
        ({"ionic_conductivity": 0.0}, "ionic_conductivity is 0; .*; without it no lithium gets through"),
        ({"specific_interface": math.nan}, "specific_interface is nan; .*; without it nothing reacts"),
        (
            {"active_fraction": 0.9},
            "active_fraction and electrolyte_fraction sum to 1.1; volume fractions sum to at most 1",
        ),
        ({"electronic_conductivity": 0.0}, "no electrons get through"),
        ({"electronic_conductivity": -1.0}, "electronic_conductivity -1 .* must be at least 0"),
        ({"inactive_fraction": 1.0}, "inactive_fraction is 1; it must be at least 0 and below 1"),
        ({"particle_radius": -1.0}, "particle_radius is -1; it must be a finite number above 0"),
    ],
)
def test_a_medium_that_cannot_be(values: dict[str, float], words: str) -> None:
    with pytest.raises(StructureError, match=words):
        some_medium().changed(**values)
