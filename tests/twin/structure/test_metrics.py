"""Measures of a structure: closed forms on spheres, planes, sheets; invariance; an independent recomputation."""

import itertools
import json
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy import ndimage

from solidstack.errors import StructureError
from solidstack.kernels.geometry import flood
from solidstack.twin.structure.connectivity import connected_share, isolated_share
from solidstack.twin.structure.distributions import chord_lengths, size_distribution
from solidstack.twin.structure.interfaces import coverage, face_weights, specific_interface
from solidstack.twin.structure.metrics import measure
from solidstack.twin.structure.voxels import Phase, Structure

from ...conftest import SHARED

PHASES = {
    "pore": Phase(0, "pore"),
    "NCM622": Phase(1, "active-material"),
    "SPE": Phase(2, "solid-electrolyte"),
    "carbon black": Phase(3, "conductive-additive"),
}
UM = 1e-6
CUBIC = (UM, UM, UM)
ALL = (True, True, True)


def structure(labels: NDArray, voxel=CUBIC, periodic=(False, False, False)) -> Structure:
    return Structure(np.asarray(labels, np.uint8), PHASES, voxel, periodic)


def distance(shape, centre, voxel=(1.0, 1.0, 1.0)) -> NDArray:
    """Distance of the voxels' centres from a place, in the unit of the voxel."""
    axes = (((np.arange(n) + 0.5) * h - c) ** 2 for n, h, c in zip(shape, voxel, centre, strict=True))
    return np.sqrt(sum(np.ix_(*axes)))


def ball(radius: float, voxel=(1.0, 1.0, 1.0), off=(0.0, 0.0, 0.0)) -> Structure:
    shape = [int(2 * radius / h) + 10 for h in voxel]
    centre = [(n / 2 + o) * h for n, h, o in zip(shape, voxel, off, strict=True)]
    return structure(distance(shape, centre, voxel) < radius, tuple(h * UM for h in voxel))


def blobs(shape, seed: int = 0, periodic=ALL, width: float = 2.0) -> Structure:
    """Three smooth random phases."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), width, mode="wrap")
    return structure(np.digitize(noise, np.quantile(noise, [0.4, 0.8])), periodic=periodic)


def plain_area(volume: Structure, name: str) -> float:
    """Count of the faces that a phase shows, periodic nowhere, m2."""
    mask = volume.mask(name).astype(np.int8)
    return sum(
        np.abs(np.diff(mask, axis=axis)).sum() * math.prod(volume.voxel) / volume.voxel[axis] for axis in range(3)
    )


# connected shares


def clusters(active: NDArray, periodic_y: bool, periodic_z: bool) -> tuple[NDArray, set, set]:
    """Numbers of the clusters, and which of them touch the first and the last plane."""
    numbers, count = ndimage.label(active)
    names = np.arange(count + 1)
    pairs = []
    if periodic_y:
        pairs += list(zip(numbers[:, 0].ravel(), numbers[:, -1].ravel(), strict=True))
    if periodic_z:
        pairs += list(zip(numbers[:, :, 0].ravel(), numbers[:, :, -1].ravel(), strict=True))
    for one, other in pairs:
        if one and other:
            names[names == names[one]] = names[other]
    numbers = names[numbers]
    return numbers, set(numbers[0].flat) - {0}, set(numbers[-1].flat) - {0}


@pytest.mark.parametrize("shape", [(7, 6, 5), (1, 9, 64), (9, 1, 65), (6, 7, 1), (5, 5, 63), (4, 5, 130)])
@pytest.mark.parametrize(("wrap_y", "wrap_z"), [(False, False), (True, False), (False, True), (True, True)])
def test_flood_finds_the_clusters_of_a_labelling(shape, wrap_y: bool, wrap_z: bool) -> None:
    rng = np.random.default_rng(1)
    for share in (0.3, 0.4, 0.6):
        active = (rng.random(shape) < share).astype(np.uint8) * 255
        numbers, first, last = clusters(active, wrap_y, wrap_z)
        through = flood.connected_through(active, wrap_y, wrap_z)
        assert np.array_equal(through, np.isin(numbers, list(first & last)))
        assert np.array_equal(flood.touching_face(active, wrap_y, wrap_z, True), np.isin(numbers, list(first)))
        assert np.array_equal(flood.touching_face(active, wrap_y, wrap_z, False), np.isin(numbers, list(last)))


def test_a_path_that_leaves_one_side_and_enters_the_other_needs_periodicity() -> None:
    labels = np.zeros((4, 6, 3))
    labels[:2, 0, 1] = labels[1:, 5, 1] = 1
    labels[3, 2, 0] = 1  # and one voxel that touches a single face
    assert connected_share(structure(labels), "NCM622", 0) == 0.0
    assert connected_share(structure(labels, periodic=(False, True, False)), "NCM622", 0) == 5 / 6
    assert connected_share(structure(labels, periodic=(True, False, True)), "NCM622", 0) == 0.0


def test_connected_share_by_direction_and_by_role() -> None:
    labels = np.zeros((6, 5, 4))
    labels[:, 0, :] = 1
    labels[:, 1, :2] = 3
    volume = structure(labels)
    assert [connected_share(volume, "active-material", axis) for axis in range(3)] == [1.0, 0.0, 1.0]
    assert [connected_share(volume, "carbon black", axis) for axis in range(3)] == [1.0, 0.0, 0.0]
    assert connected_share(volume, ["NCM622", "carbon black"], 2) == 1.0
    assert math.isnan(connected_share(volume, "SPE", 0))
    assert math.isnan(connected_share(volume, "binder", 0))


def test_active_material_is_isolated_without_a_path_to_the_collector() -> None:
    labels = np.zeros((6, 5, 5))
    labels[5, 0, 0] = 1  # at the collector
    labels[0:3, 2, 2] = 1  # at the membrane, ...
    labels[3:, 2, 2] = 3  # ... through carbon to the collector
    labels[2, 0, 4] = 1  # alone
    labels[0:2, 4, 0] = 1  # at the membrane alone
    labels[3:, 4, 4] = 2  # an electrolyte leads no electrons
    labels[2, 4, 4] = 1
    assert_allclose(isolated_share(structure(labels)), 4 / 8)
    assert isolated_share(structure(labels), through="solid-electrolyte") == 6 / 8
    assert math.isnan(isolated_share(structure(np.zeros((2, 2, 2)))))


# interfaces


@pytest.mark.parametrize("radius", [12.0, 20.0, 30.5])
@pytest.mark.parametrize("off", [(0.0, 0.0, 0.0), (0.31, 0.12, 0.77)])
def test_area_of_a_sphere_within_one_per_cent_where_a_plain_count_is_fifty_over(radius: float, off) -> None:
    volume = ball(radius, off=off)
    exact = 4 * math.pi * (radius * UM) ** 2
    area = specific_interface(volume, "NCM622", "pore") * math.prod(volume.size)
    assert_allclose(area, exact, rtol=0.01)
    assert 1.45 < plain_area(volume, "NCM622") / exact < 1.55


@pytest.mark.parametrize("voxel", [(1.0, 1.0, 2.0), (0.5, 1.0, 1.0), (2.0, 1.0, 1.0)])
def test_area_of_a_sphere_of_voxels_that_are_no_cubes(voxel) -> None:
    volume = ball(20.0, voxel, (0.2, 0.3, 0.4))
    area = specific_interface(volume, "NCM622", "pore") * math.prod(volume.size)
    assert_allclose(area, 4 * math.pi * (20 * UM) ** 2, rtol=0.01)


@pytest.mark.parametrize("normal", [(1, 0, 0), (1, 0.05, 0), (1, 0.2, 0), (1, 0.3, 0.1), (1, 0.5, 0.3), (1, 1, 0)])
def test_area_of_a_tilted_plane(normal) -> None:
    n, margin = 48, 8
    places = np.ix_(*(np.arange(n) - n / 2 + 0.2 for _ in range(3)))
    below = sum(place * part for place, part in zip(places, normal, strict=True)) < 0
    volume = structure(below)
    total = 0.0
    for faces in face_weights(volume, "NCM622", "pore"):
        _, y, z = np.unravel_index(faces.voxel, volume.shape)
        # away from the sides, where the window is cut
        inner = (np.minimum(y, z) >= margin) & (np.maximum(y, z) < n - margin)
        total += faces.area[inner].sum(dtype=float)
    exact = ((n - 2 * margin) * UM) ** 2 * np.linalg.norm(normal) / normal[0]
    assert_allclose(total, exact, rtol=0.018)


def test_the_sides_of_the_volume_bend_no_surface() -> None:
    # where the window is cut, the normal of a slope of 1/2 is nearly the one further in
    below = np.arange(24)[:, None, None] < 6 + np.arange(18)[None, :, None] // 2 + np.zeros((1, 1, 5))
    volume = structure(below)
    x, _, _ = face_weights(volume, "NCM622", "pore")
    column = np.unravel_index(x.voxel, volume.shape)[1]
    side = (column < 2) | (column > 15)
    assert_allclose(x.area[side].mean(dtype=float), 2 / math.sqrt(5) * UM**2, rtol=0.06)
    assert_allclose(x.area[~side].mean(dtype=float), 2 / math.sqrt(5) * UM**2, rtol=0.03)


def test_a_cube_is_rounded_at_its_edges_as_documented() -> None:
    labels = np.zeros((60, 60, 60))
    labels[10:50, 10:50, 10:50] = 1
    volume = structure(labels)
    area = specific_interface(volume, "NCM622", "pore") * math.prod(volume.size) / (6 * (40 * UM) ** 2)
    assert_allclose(area, 0.975, atol=0.002)


def test_an_interface_does_not_know_where_a_periodic_volume_begins_nor_how_it_is_turned() -> None:
    volume = blobs((20, 22, 24))
    area = specific_interface(volume, "NCM622", "SPE")
    assert area > 0.0
    moved = volume.changed(labels=np.roll(volume.labels, (7, 11, 13), axis=(0, 1, 2)))
    assert_allclose(specific_interface(moved, "NCM622", "SPE"), area, rtol=1e-6)
    turned = volume.changed(labels=volume.labels.transpose(2, 0, 1)[::-1])
    assert_allclose(specific_interface(turned, "NCM622", "SPE"), area, rtol=1e-5)
    half = volume.changed(voxel=(UM / 2,) * 3)
    assert_allclose(specific_interface(half, "NCM622", "SPE"), 2 * area, rtol=1e-6)
    assert specific_interface(volume.changed(periodic=(False,) * 3), "NCM622", "SPE") < area


def test_the_list_of_faces_sums_to_the_interface_and_lies_between_the_phases() -> None:
    volume = blobs((9, 11, 8), seed=3, periodic=(False, True, True)).changed(voxel=(UM, 2 * UM, 1.5 * UM))
    lists = face_weights(volume, "NCM622", "SPE")
    total = sum(faces.area.sum(dtype=float) for faces in lists)
    assert_allclose(total, specific_interface(volume, "NCM622", "SPE") * math.prod(volume.size), rtol=1e-5)
    for faces in lists:
        here = volume.labels.ravel()[faces.voxel]
        there = np.roll(volume.labels, -1, axis=faces.axis).ravel()[faces.voxel]
        assert set(zip(here, there, strict=True)) == {(1, 2), (2, 1)}
        assert np.array_equal(here == 1, faces.a_before)
        assert np.all(np.diff(faces.voxel) > 0)
        assert np.all((faces.area >= 0) & (faces.area <= 1.0001 * math.prod(volume.voxel) / volume.voxel[faces.axis]))
    # along x, where nothing is periodic, no face lies behind the last plane
    assert lists[0].voxel.max() < 8 * 11 * 8
    assert not face_weights(volume, "NCM622", "carbon black")[0].voxel.size


def test_coverage_of_a_sphere_that_is_dipped_in_half() -> None:
    volume = ball(15.0)
    labels = volume.labels.copy()
    dipped = labels[:20]
    dipped[dipped == 0] = 2
    assert volume.shape[0] == 40
    half = volume.changed(labels=labels)
    assert_allclose(coverage(half), 0.5, rtol=0.002)
    assert coverage(half, by="pore") == pytest.approx(1.0 - coverage(half))
    assert coverage(volume) == 0.0
    assert coverage(volume, by="pore") == 1.0
    assert math.isnan(coverage(structure(np.ones((3, 3, 3)))))


def test_an_interface_has_two_sides() -> None:
    volume = blobs((6, 6, 6))
    with pytest.raises(StructureError) as told:
        specific_interface(volume, "active-material", ["NCM622", "SPE"])
    assert str(told.value) == ("an interface lies between different phases; NCM622 is on both sides of this one")
    with pytest.raises(StructureError) as told:
        coverage(volume, "NCM6222")
    assert str(told.value).startswith('"NCM6222" is not a phase of this structure; ')


# chords


def runs(line: NDArray, periodic: bool) -> tuple[list[int], int]:
    """Lengths of the runs with both ends inside, and the number of all ends."""
    if line.all():
        return [], 0
    if periodic:
        line = np.roll(line, -int(np.argmin(line)))  # begins outside
    groups = [(inside, len(list(members))) for inside, members in itertools.groupby(line)]
    ends = (len(groups) - 1) if not periodic else 2 * sum(bool(inside) for inside, _ in groups)
    whole = groups if periodic else groups[1:-1]
    return [length for inside, length in whole if inside], ends


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("periodic", [False, True])
def test_chords_are_those_of_a_walk_along_each_line(axis: int, periodic: bool) -> None:
    labels = (np.random.default_rng(2).random((6, 5, 7)) < 0.7).astype(np.uint8)
    volume = structure(labels, (UM, 2 * UM, 3 * UM), (periodic,) * 3)
    found = chord_lengths(volume, "NCM622", axis)
    lengths, ends = [], 0
    for line in np.moveaxis(labels, axis, -1).reshape(-1, labels.shape[axis]):
        some, more = runs(line > 0, periodic)
        lengths += some
        ends += more
    edge = volume.voxel[axis]
    expected, count = np.unique(lengths, return_counts=True)
    assert_allclose(found.length, expected * edge, rtol=1e-12)
    assert np.array_equal(found.count, count)
    assert_allclose(found.mean, 2 * labels.sum() * edge / ends, rtol=1e-12)


def test_mean_chord_of_a_sphere_is_two_thirds_of_its_diameter() -> None:
    volume = ball(20.0)
    for axis in range(3):
        assert_allclose(chord_lengths(volume, "NCM622", axis).mean, 4 / 3 * 20 * UM, rtol=0.005)


def test_mean_chord_is_four_volumes_per_surface() -> None:
    volume = blobs((60, 60, 60), seed=5, width=4.0)
    surface = sum(specific_interface(volume, "NCM622", other) for other in ("pore", "SPE"))
    mean = 3 / sum(1 / chord_lengths(volume, "NCM622", axis).mean for axis in range(3))
    assert_allclose(mean, 4 * volume.fraction("NCM622") / surface, rtol=0.02)


def test_a_line_that_never_ends_is_no_chord() -> None:
    chords = chord_lengths(structure(np.ones((3, 3, 3))), "NCM622", 0)
    assert math.isnan(chords.mean)
    assert not chords.count.size


# sizes


def test_sizes_of_spheres() -> None:
    labels = np.zeros((64, 34, 34), bool)
    for centre, radius in (((17.5, 17.5, 17.5), 14.0), ((48.5, 17.5, 17.5), 7.0)):
        labels |= distance(labels.shape, centre) < radius
    sizes = size_distribution(structure(labels), "NCM622")
    small = 7.0**3 / (7.0**3 + 14.0**3)  # 11 % of the volume
    assert_allclose([sizes.d50, sizes.d90], 28 * UM, atol=UM)
    assert_allclose(sizes.d10, 14 * UM, atol=UM)
    assert_allclose(np.interp(20 * UM, sizes.diameter, sizes.finer), small, atol=0.01)
    assert np.all(np.diff(sizes.finer) >= 0)


@pytest.mark.parametrize("voxel", [CUBIC, (UM, 2 * UM, 0.5 * UM)])
def test_size_of_a_sheet_is_its_thickness(voxel) -> None:
    labels = np.zeros((30, 9, 12))
    labels[10:18] = 2
    sizes = size_distribution(structure(labels, voxel), "SPE")
    assert_allclose([sizes.d10, sizes.d50, sizes.d90], 8 * UM, atol=UM)


@pytest.mark.parametrize("voxel", [CUBIC, (UM, 1.5 * UM, UM)])
def test_sizes_are_those_of_the_largest_balls(voxel) -> None:
    volume = blobs((16, 13, 18), seed=7, periodic=(False,) * 3).changed(voxel=voxel)
    mask = volume.mask("NCM622")
    depth = ndimage.distance_transform_edt(mask, sampling=voxel)[mask]
    places = np.argwhere(mask) * voxel
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    thickness = 2 * np.where(apart < depth - 1e-12, depth, 0.0).max(axis=1)
    sizes = size_distribution(volume, "NCM622")
    for diameter, finer in zip(sizes.diameter, sizes.finer, strict=True):
        assert_allclose(finer, (thickness < diameter * (1 - 1e-9)).mean(), atol=1e-12)
    for percent, found in ((10, sizes.d10), (50, sizes.d50), (90, sizes.d90)):
        assert_allclose(found, np.percentile(thickness, percent), atol=0.5 * min(voxel))


def test_sizes_do_not_know_where_a_periodic_volume_begins() -> None:
    volume = blobs((22, 18, 21), seed=9)
    moved = volume.changed(labels=np.roll(volume.labels, (5, 9, 10), axis=(0, 1, 2)))
    for name in ("pore", "NCM622", "SPE"):
        one, other = size_distribution(volume, name), size_distribution(moved, name)
        assert_allclose([one.d10, one.d50, one.d90], [other.d10, other.d50, other.d90], rtol=1e-12)


# everything


def test_measure_says_what_the_single_functions_say() -> None:
    volume = blobs((20, 18, 16), periodic=(False, True, True))
    found = measure(volume)
    assert_allclose(found.am_se_interface, specific_interface(volume, "NCM622", "SPE"), rtol=1e-12)
    assert_allclose(found.interfaces["NCM622", "pore"], specific_interface(volume, "NCM622", "pore"), rtol=1e-12)
    assert_allclose(found.interfaces["SPE", "pore"], specific_interface(volume, "SPE", "pore"), atol=1e-12)
    assert_allclose(found.am_coverage, coverage(volume), rtol=1e-12)
    assert found.isolated_am == isolated_share(volume)
    shown = found.to_dict()
    assert shown["phases"]["SPE"]["volume_pct"] == pytest.approx(100 * volume.fraction("SPE"))
    assert shown["phases"]["SPE"]["connected_pct"]["y"] == pytest.approx(100 * connected_share(volume, "SPE", 1))
    assert shown["phases"]["SPE"]["mean_chord_um"]["z"] == pytest.approx(1e6 * chord_lengths(volume, "SPE", 2).mean)
    assert shown["phases"]["SPE"]["size_um"]["d50"] == pytest.approx(1e6 * size_distribution(volume, "SPE").d50)
    assert shown["phases"]["carbon black"] == {
        "volume_pct": 0.0,
        "connected_pct": {"x": None, "y": None, "z": None},
        "mean_chord_um": {"x": None, "y": None, "z": None},
        "size_um": {"d10": None, "d50": None, "d90": None},
    }
    assert shown["am_se_interface_m2_per_m3"] == shown["interfaces_m2_per_m3"]["NCM622 | SPE"]
    assert "size_um" not in measure(volume, sizes=False).to_dict()["phases"]["pore"]


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 7, 5), (7, 1, 5), (5, 7, 1), (2, 3, 2)])
@pytest.mark.parametrize("periodic", [(False,) * 3, ALL])
def test_thin_volumes_empty_phases_and_the_last_label_give_json(shape, periodic) -> None:
    labels = np.random.default_rng(4).choice(np.array([0, 1, 255], np.uint8), shape)
    volume = Structure(labels, PHASES, (UM, 2 * UM, 3 * UM), periodic)
    shown = measure(volume).to_dict()
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    assert sum(phase["volume_pct"] for phase in shown["phases"].values()) == pytest.approx(100)


def test_one_phase_alone_has_no_interface() -> None:
    shown = measure(structure(np.ones((4, 4, 4)))).to_dict()
    assert shown["interfaces_m2_per_m3"] == {}
    assert shown["am_se_interface_m2_per_m3"] == 0.0
    assert shown["am_coverage_pct"] is None
    assert shown["isolated_am_pct"] == 0.0


def test_a_real_electrode() -> None:
    path = SHARED / "images" / "nmc-1-cal_generatedCBD_bridge.tif"
    if not path.exists():
        pytest.skip("the shared image of an electrode is not on this machine")
    tifffile = pytest.importorskip("tifffile")
    labels = tifffile.imread(path)[:80, :80, :80]
    phases = {"pore": Phase(0, "pore"), "NMC": Phase(1, "active-material"), "CBD": Phase(2, "conductive-additive")}
    volume = Structure(labels, phases, (0.4 * UM,) * 3)
    found = measure(volume, sizes=False)
    # its particles are round: nearly all of the plain count's excess of a half has to go
    own = sum(area for pair, area in found.interfaces.items() if "NMC" in pair) * math.prod(volume.size)
    assert 0.6 < own / plain_area(volume, "NMC") < 0.75
    assert found.isolated_am < 0.02
    assert found.phases["pore"].connected[0] > 0.95
