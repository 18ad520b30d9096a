"""Coarse structures resolve the film of electrolyte, or explain why they cannot."""

import pytest

import solidstack as ss
from solidstack.errors import StructureError
from solidstack.study.coarse import coarse_structure


def test_a_coarse_structure_resolves_the_film_or_explains_why_not(rich: ss.Design, design: ss.Design) -> None:
    structure, notes = coarse_structure(rich)
    assert structure.labels.size < 60_000
    assert structure.size[0] == pytest.approx(float(ss.evaluate(rich).positive.thickness), rel=0.02)
    section, notes = coarse_structure(design)
    assert section.labels.size == pytest.approx(85_000, rel=0.03)
    assert notes[0].startswith("a section of 10.7 um of the 54.5 um coating")
    thin = design.with_(positive__composition__NCM622=0.965)
    with pytest.raises(StructureError, match=r"a structure that resolves it has .* voxels, more than 150000"):
        coarse_structure(thin)
