"""Packings without cracks, blocks with vacancies, uneven coatings, and the report that says how even they are."""

import numpy as np
import pytest

import solidstack as ss
from solidstack.errors import DesignError, StructureError
from solidstack.twin.structure.build_report import BuildReport
from solidstack.twin.structure.connectivity import connected_share
from solidstack.twin.structure.interfaces import coverage
from solidstack.twin.structure.packing import Monodisperse, random_packing, with_vacancies
from solidstack.twin.structure.voxels import Phase, Structure
from tests.cells import UM


def poor(porosity: float) -> ss.Design:
    """78.5 wt% of active material: 48 or 40 vol% of the coating."""
    design = ss.load("examples/pouch-0.16Ah.toml")
    return design.with_(
        positive={
            "composition": {"NCM622": "78.5 wt%", "SPE": "19.5 wt%", "carbon black": "2 wt%"},
            "loading": "25 mg/cm^2",
            "porosity": porosity,
        }
    )


@pytest.mark.parametrize("porosity", [0.18, 0.311])
@pytest.mark.parametrize("seed", [0, 1])
def test_random_packings_of_few_particles_do_not_crack(porosity: float, seed: int) -> None:
    """At 40 to 48 vol% they had slabs of 5 um with a porosity of 0.87, and the electrolyte did not connect."""
    built = ss.twin.build(poor(porosity), size="17 um", voxel="0.6 um", seed=seed, arrangement="random")
    report = BuildReport(built)
    assert report.variation["NCM622"]["slabs"] < 0.08
    pores = (built.labels == 0).mean(axis=(1, 2))
    count = round(5 * UM / built.voxel[0])
    assert max(pores[start : start + count].mean() for start in range(len(pores) - count)) < porosity + 0.3
    assert connected_share(built, "solid-electrolyte", 0) > 0.95
    data = report.to_dict()["phases"]["NCM622"]["standard_deviation_vol_pct"]
    assert set(data) == {"x", "y", "z", "slabs"}
    assert data["slabs"] == pytest.approx(100.0 * report.variation["NCM622"]["slabs"])


def test_the_variation_is_that_of_the_planes() -> None:
    labels = np.zeros((10, 4, 4), np.uint8)
    labels[::2] = 1
    made = Structure(labels, {"pore": Phase(0, "pore"), "AM": Phase(1, "active-material")}, (UM, UM, UM))
    report = BuildReport(made)
    assert report.variation["AM"]["x"] == pytest.approx(0.5)
    assert report.variation["AM"]["y"] == pytest.approx(0.0)
    # slabs of five planes hold two or three of them
    assert report.variation["AM"]["slabs"] == pytest.approx(0.1)


def test_a_crack_is_refused_with_its_cure() -> None:
    labels = np.ones((10, 4, 4), np.uint8)
    labels[4] = 0
    made = Structure(labels, {"pore": Phase(0, "pore"), "AM": Phase(1, "active-material")}, (UM, UM, UM))
    with pytest.raises(StructureError) as error:
        BuildReport(made).refuse_cracks()
    assert str(error.value) == (
        "the plane at x = 4.5 um is empty: the packing has a crack; nothing conducts through it. Make it wider "
        "(--size, several particles), or take another seed"
    )


def test_electrolyte_that_is_cut_although_it_should_connect_is_refused() -> None:
    labels = np.full((12, 8, 8), 2, np.uint8)
    labels[:, :4] = 1
    labels[6, 4:] = 1
    phases = {
        "pore": Phase(0, "pore"), "AM": Phase(1, "active-material"), "SE": Phase(2, "solid-electrolyte"),
    }  # fmt: skip
    with pytest.raises(
        StructureError, match="does not connect from the membrane to the collector, although the density"
    ):
        BuildReport(Structure(labels, phases, (UM, UM, UM))).refuse_cracks()
    labels[6, 4:] = 2
    BuildReport(Structure(labels, phases, (UM, UM, UM))).refuse_cracks()


def test_random_packings_repeat_and_cover_their_share() -> None:
    box = (40e-6, 30e-6, 30e-6)
    packings = [random_packing(Monodisperse(8e-6), box, 0.45, block_fraction=0.7, seed=3) for _ in range(2)]
    np.testing.assert_array_equal(packings[0].centres, packings[1].centres)
    assert packings[0].covered_fraction == pytest.approx(0.45, rel=1e-4)
    assert packings[0].overlap_volume_fraction == 0.0


def test_a_loose_close_packing_with_vacancies_connects() -> None:
    """Blocks of 0.67 touch: close packing of all of them would have them apart."""
    design = poor(0.311)
    size = {"size": "24 um", "thickness": "24 um", "voxel": "0.2 um", "arrangement": "close-packed"}
    apart = ss.twin.build(design, **size)
    touching = ss.twin.build(design, vacancies=True, **size)
    assert connected_share(apart, "solid-electrolyte", 0) == 0.0
    assert connected_share(touching, "solid-electrolyte", 0) > 0.95
    assert touching.porosity == pytest.approx(0.311, abs=1e-3)
    packing = with_vacancies(8.55e-6, (24e-6, 24e-6, 24e-6), 0.40, 0.26, seed=0)
    assert len(packing) == 28  # of 32 sites, 0.64/0.7405
    assert packing.covered_fraction == pytest.approx(0.40, rel=1e-3)


@pytest.mark.parametrize("share", [0.9, 0.6])
def test_uneven_electrolyte_covers_less(share: float, design: ss.Design) -> None:
    size = {"size": "17 um", "thickness": "17 um", "voxel": "0.2 um", "seed": 0}
    even = ss.twin.build(design, **size)
    uneven = ss.twin.build(design, electrolyte=ss.twin.Uneven(share, 3e-6), **size)
    assert uneven.fraction("SPE") == pytest.approx(even.fraction("SPE"), abs=1e-4)
    assert coverage(uneven) == pytest.approx(share * coverage(even), abs=0.06)


@pytest.mark.parametrize("share", [0.0, 1.2, -0.1])
def test_a_coverage_out_of_bounds_is_refused(share: float, design: ss.Design) -> None:
    with pytest.raises(StructureError, match="electrolyte, uneven: a coverage of .* must be above 0 and at most 100 %"):
        ss.twin.Uneven(share)
    with pytest.raises(DesignError, match="twin.electrolyte_coverage"):
        design.with_(twin__electrolyte_coverage=share)


def test_the_command_builds_uneven_coatings(run, tmp_path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "s.npz"
    common = (
        "twin",
        "build",
        "examples/pouch-0.16Ah.toml",
        "--size",
        "12um",
        "--thickness",
        "12um",
        "--voxel",
        "0.6um",
    )
    result = run(*common, "--electrolyte", "uneven 70 % 2 um", "-o", out)
    assert result.code == 0
    assert "std of planes x" in result.out
    wrong = run(*common, "--electrolyte", "uneven", "-o", out)
    assert wrong.code == 2
    assert "choose from shell, necks, particles 2 um, uneven 80 % 3 um" in wrong.err
