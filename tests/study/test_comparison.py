"""The closed form against the full field: limits, order of the two pressings, bad input."""

import pytest

import solidstack as ss
from solidstack.errors import StructureError
from solidstack.particle import CLOSE_PACKING, resistance_factor
from solidstack.progress import Progress
from solidstack.study.comparison import Point, compare, packing_unit_cell
from solidstack.twin.structure.packing import Isostatic, Uniaxial


def test_points(design: ss.Design) -> None:
    states: list[Progress] = []
    points = compare(design, [0.1, 0.2], [0.74], voxels=96, progress=states.append)
    assert [(state.done, state.of) for state in states] == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert states[1].what == "core 0.740, porosity 0.100, isostatic"
    assert [(point.core_fraction, point.porosity) for point in points] == [(0.74, 0.1), (0.74, 0.2)]
    for point in points:
        shell = 0.26 * (1 - point.porosity)
        assert point.closed_form == pytest.approx(1 / float(resistance_factor(0.74, point.porosity)), rel=1e-12)
        assert point.bruggeman == pytest.approx(shell**1.5, rel=1e-12)
        # the upper bound of Hashin and Shtrikman for an insulating rest
        for value in (point.uniaxial, point.isostatic):
            assert 0.05 < value < 2 * shell / (3 - shell)
    # 0.149 and 0.116 were computed elsewhere with 256 voxels; 96 give 0.145 and 0.119
    assert points[0].uniaxial == pytest.approx(0.149, rel=0.04)
    assert points[1].uniaxial == pytest.approx(0.116, rel=0.04)
    assert points[0].uniaxial > points[1].uniaxial


def test_the_composition_of_the_design_is_the_default(design: ss.Design) -> None:
    points = compare(design, [0.3], voxels=64)
    assert [point.core_fraction for point in points] == pytest.approx([CLOSE_PACKING, 0.87552], abs=1e-4)
    for point in points:
        assert (point.uniaxial, point.isostatic, point.closed_form) == (0.0, 0.0, 0.0)
        assert point.to_dict()["closed_form_deviation_pct"] is None


def test_deviations() -> None:
    data = Point(0.74, 0.1, 0.12, 0.08, 0.1, 0.11).to_dict()
    assert data["core_vol_pct"] == 74.0
    assert data["closed_form_deviation_pct"] == pytest.approx(20.0)
    assert data["bruggeman_deviation_pct"] == pytest.approx(-20.0)


def test_a_unit_cell_has_its_fractions() -> None:
    for pressing in (Uniaxial(), Isostatic()):
        structure = packing_unit_cell(0.8, 0.12, pressing, voxels=32)
        for name, target in (("pore", 0.12), ("core", 0.8 * 0.88), ("shell", 0.2 * 0.88)):
            assert structure.fraction(name) == pytest.approx(target, abs=1e-4)
        assert structure.periodic == (True, True, True)


@pytest.mark.parametrize(
    ("arguments", "voxels", "message"),
    [
        ((1.0, 0.1), 32, "core_fraction: must be above 0 and below 1, not 1"),
        ((0.7, 0.0), 32, "porosity: must be above 0 and below 1, not 0"),
        ((0.7, 1.2), 32, "porosity: must be above 0 and below 1, not 1.2"),
        ((0.7, 0.1), 8, "voxels: 8 along a unit cell are too few; choose at least 16"),
    ],
)
def test_bad_input(arguments: tuple[float, float], voxels: int, message: str) -> None:
    with pytest.raises(StructureError) as caught:
        packing_unit_cell(*arguments, Isostatic(), voxels=voxels)
    assert str(caught.value) == message
