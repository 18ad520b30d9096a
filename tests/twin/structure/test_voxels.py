"""Structures: fractions, names, densities, cropping, and what is no structure."""

import math

import numpy as np
import pytest

from solidstack.errors import StructureError
from solidstack.twin.structure.voxels import Phase, Structure

UM = 1e-6
PHASES = {
    "pore": Phase(0, "pore"),
    "NCM622": Phase(1, "active-material", density=4760.0),
    "SPE": Phase(2, "solid-electrolyte", density=1800.0),
}


def layered() -> Structure:
    """Ten planes: 1 of pores, 7 of active material, 2 of electrolyte."""
    labels = np.ones((10, 4, 5), np.uint8)
    labels[0], labels[8:] = 0, 2
    return Structure(labels, PHASES, (UM, 2 * UM, 3 * UM), (True, True, False))


def test_fractions_and_density_are_those_of_the_planes() -> None:
    structure = layered()
    assert [structure.fraction(name) for name in structure.phases] == [0.1, 0.7, 0.2]
    assert structure.porosity == 0.1
    assert structure.density == pytest.approx(0.7 * 4760.0 + 0.2 * 1800.0, rel=1e-12)
    assert structure.size == pytest.approx((10 * UM, 8 * UM, 15 * UM), rel=1e-12)
    assert structure.counts.sum() == structure.labels.size
    assert structure.mask("pore", "SPE").mean() == pytest.approx(0.3)
    assert math.isnan(structure.changed(phases={**PHASES, "SPE": Phase(2)}).density)


def test_a_phase_is_called_by_name_label_or_role() -> None:
    structure = layered()
    assert [structure.label(word) for word in ("SPE", 2, "2", "solid-electrolyte")] == [2, 2, 2, 2]
    assert structure.name(1) == "NCM622"
    with pytest.raises(StructureError) as error:
        structure.label("NMC622")
    assert str(error.value) == (
        '"NMC622" is not a phase of this structure; did you mean "NCM622"? The phases are 0 (pore), 1 (NCM622), 2 (SPE)'
    )


def test_labels_without_a_name_get_one() -> None:
    assert list(Structure(np.array([[[0, 3]]]), {"pore": Phase(0)}, (UM, UM, UM)).phases) == ["pore", "label 3"]


def test_a_crop_keeps_the_voxels_and_ends_the_period() -> None:
    structure = layered()
    part = structure.crop((1, 9), (0, 4), (0, 5))
    assert np.array_equal(part.labels, structure.labels[1:9])
    assert part.periodic == (False, True, False)
    assert part.provenance["history"] == [{"step": "crop", "ranges": [[1, 9], [0, 4], [0, 5]]}]
    with pytest.raises(StructureError, match="^range 3:11 along x is not within 0:10, or is empty$"):
        structure.crop((3, 11), (0, 4), (0, 5))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((3, 3)), "a structure has 3 axes (x, y, z); this array has shape (3, 3). Use a stack of slices"),
        (np.zeros((0, 3, 3)), "a structure needs voxels; this array has shape (0, 3, 3)"),
        (
            np.full((2, 2, 2), np.nan),
            "the image holds NaN or infinite grey values; replace them, or crop that region away, first",
        ),
        (
            np.full((2, 2, 2), 0.5),
            "labels must be whole numbers; this array has fractions. "
            "Segment a grey image first (solidstack image segment)",
        ),
        (
            np.full((2, 2, 2), 300),
            "labels must be whole numbers from 0 to 255; received 300 to 300. Segment a grey image first "
            "(solidstack image segment)",
        ),
        (np.full((2, 2, 2), 1j), "labels must be whole numbers from 0 to 255; received an array of complex128"),
    ],
    ids=["slice", "empty", "nan", "fractions", "large", "complex"],
)
def test_what_is_no_structure(values: np.ndarray, words: str) -> None:
    with pytest.raises(StructureError) as error:
        Structure(values, {}, (UM, UM, UM))
    assert str(error.value) == words


def test_voxel_edges_are_above_zero() -> None:
    with pytest.raises(
        StructureError, match=r"^a voxel needs 3 edge lengths above 0 \(m\); received \(1e-06, 0.0, 1e-06\)$"
    ):
        Structure(np.zeros((2, 2, 2)), {}, (UM, 0.0, UM))
