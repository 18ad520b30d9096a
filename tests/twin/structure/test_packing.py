"""Packings: sizes against their distribution, overlap against closed forms, random close packing, lattices."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from solidstack.errors import StructureError
from solidstack.kernels.geometry import spheres
from solidstack.particle import CLOSE_PACKING
from solidstack.progress import Progress
from solidstack.twin.structure.packing import (
    Isostatic,
    LogNormal,
    Monodisperse,
    Packing,
    SizeDistribution,
    SizeTable,
    Uniaxial,
    close_packing,
    random_packing,
    read_size_table,
)

UM = 1e-6
NCM = Monodisperse(8.55 * UM)
LASER = LogNormal(4 * UM, 8.55 * UM, 14 * UM)
TABLE = SizeTable([2 * UM, 4 * UM, 8 * UM, 16 * UM], [0.05, 0.3, 0.8, 1.0])
CUBE = (40 * UM, 40 * UM, 40 * UM)


def volume(radii: np.ndarray) -> float:
    return 4 / 3 * math.pi * float(np.sum(radii**3))


def all_distances(packing: Packing) -> np.ndarray:
    """Distances of all pairs and images within one box, the slow way, over r_i + r_j; each pair twice."""
    shifts = np.array(np.meshgrid(*[[-1, 0, 1]] * 3)).reshape(3, -1).T * np.array(packing.box) * packing.periodic
    away = packing.centres[None, :, None] + np.unique(shifts, axis=0) - packing.centres[:, None, None]
    distances = np.linalg.norm(away, axis=-1)
    touch = (packing.radii[:, None] + packing.radii)[..., None]
    return np.where(distances == 0.0, np.inf, distances / touch)


# sizes


@pytest.mark.parametrize("sizes", [NCM, LASER, TABLE], ids=["monodisperse", "log-normal", "table"])
@pytest.mark.parametrize("amount", [1e-14, 3e-13])
def test_drawn_spheres_have_the_volume_asked_for(sizes: SizeDistribution, amount: float) -> None:
    radii = sizes.draw(amount, np.random.default_rng(1))
    assert volume(radii) == pytest.approx(amount, rel=1e-12)


@pytest.mark.parametrize("sizes", [LASER, TABLE], ids=["log-normal", "table"])
def test_drawn_spheres_have_the_percentiles_by_volume(sizes: SizeDistribution) -> None:
    diameters = np.sort(2 * sizes.draw(2e-12, np.random.default_rng(1)))
    below = np.cumsum(diameters**3) / np.sum(diameters**3)
    for share in (0.1, 0.5, 0.9):
        assert np.interp(share, below, diameters) == pytest.approx(float(sizes.percentile(share)), rel=0.03)


def test_log_normal_meets_all_three_percentiles_also_where_they_are_lopsided() -> None:
    assert sizes_of(LASER) == pytest.approx((4, 8.55, 14))
    assert sizes_of(LogNormal(2 * UM, 4 * UM, 8 * UM)) == pytest.approx((2, 4, 8))
    # one deviation above the median of a symmetric one: the width is ln 2 / 1.2816
    one = float(LogNormal(2 * UM, 4 * UM, 8 * UM).percentile(0.8413447460685429))
    assert one == pytest.approx(4 * UM * math.exp(math.log(2) / 1.2815515655446004))


def sizes_of(sizes: SizeDistribution) -> tuple[float, ...]:
    assert sizes.d50 == pytest.approx(float(sizes.percentile(0.5)))
    return tuple(float(sizes.percentile(share)) / UM for share in (0.1, 0.5, 0.9))


def test_a_table_is_linear_in_the_logarithm() -> None:
    assert TABLE.percentile(0.55) == pytest.approx(math.sqrt(32) * UM)
    assert TABLE.percentile(0.01) == pytest.approx(2 * UM)


@pytest.mark.parametrize(
    ("text", "d50"),
    [
        ("Size (µm);Volume (%);Cumulative undersize (%)\n1,0;5,0;5\n2,0;20;25\n4,0;50;75\n8,0;25;100\n", 2.8284),
        ("Instrument\nSample: NCM, third run\n\nsize_um,cum\n1,0.05\n2,0.25\n4,0.75\n8,1\n", 2.8284),
        ("1 5\n2 25\n4 75\n8 100\n", 2.8284),
        ("1,0\t5,0\n2,0\t25,0\n4,0\t75,0\n8,0\t100,0\n", 2.8284),
        ("Volume,Diameter [nm],oversize\n3,8000,0\n3,4000,25\n3,2000,75\n3,1000,95\n", 2.8284),
        # classes: half of the volume lies at the middle of the class of 4 um
        ("Diameter (µm),Volume density (%)\n2,20\n4,60\n8,20\n", 4.0),
        ("2;20\n4;60\n8;20\n", 4.0),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_size_tables_as_instruments_write_them(tmp_path: Path, text: str, d50: float, encoding: str) -> None:
    path = tmp_path / "sizes.csv"
    path.write_text(text, encoding=encoding)
    assert read_size_table(path).d50 == pytest.approx(d50 * UM, rel=1e-4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("d,cum\n1,10\n2,x\n4,90\n", 'line 3: cum: "x" is not a number'),
        (
            "d,cum\n1,10\n2,60\n4,90\n",
            "cumulative volume must rise to 100 % (or 1); this column ends at 90. Export the whole range",
        ),
        (
            "d,cum\n1,10\n1,20\n4,100\n",
            "diameters of a size table must rise and be above 0; sort the table, and remove duplicate rows",
        ),
        (
            "d,vol\n1,10\n2,-20\n4,10\n",
            "volume shares must be 0 or more, and some above 0; use the column of volume in per cent",
        ),
        (
            "size (mV),cum\n1,10\n4,100\n",
            'line 2: size (mV): "1.0 mV" is a voltage; expected a length, for example "82 um"',
        ),
        ("nothing here\n", "has no row with 2 numbers; expected a table with one row per line"),
        ("1,2\0", "is not a text table; export it as CSV or TXT"),
    ],
)
def test_bad_size_tables(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "sizes.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StructureError) as caught:
        read_size_table(path)
    assert str(caught.value) == f"{path}: {message}"


def test_no_such_size_table(tmp_path: Path) -> None:
    with pytest.raises(StructureError, match="there is no such file; check the path"):
        read_size_table(tmp_path / "none.csv")
    with pytest.raises(StructureError, match="is a folder; give a file in it"):
        read_size_table(tmp_path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Monodisperse(0.0), "diameter must be above 0 (m); received 0"),
        (lambda: LogNormal(-1.0, 2.0, 3.0), "D10 must be above 0 (m); received -1"),
        (
            lambda: LogNormal(9 * UM, 8 * UM, 14 * UM),
            "percentiles must rise, D10 < D50 < D90; received 9, 8, 14 um. For one diameter use Monodisperse",
        ),
        (
            lambda: SizeTable([1.0], [1.0]),
            "a size table needs at least 2 diameters and as many shares; received (1,) and (1,)",
        ),
        (
            lambda: SizeTable([1.0, 2.0], [0.0, 95.0]),
            "cumulative volume must rise from 0 or more to 1; received 0 to 95. "
            "Give shares below each diameter, as fractions",
        ),
        (
            lambda: Monodisperse(1e-8).draw(1e-12, np.random.default_rng(0)),
            "the box would hold 1.9e+12 spheres, more than 2e+06; make it smaller, "
            "or cut the fines off the size distribution",
        ),
    ],
)
def test_bad_sizes(make: Callable[[], object], message: str) -> None:
    with pytest.raises(StructureError) as caught:
        make()
    assert str(caught.value) == message


# overlap


def test_lens_of_two_spheres() -> None:
    """Equal spheres of radius 1 at distance 1: lens 5 pi / 12. One within the other: all of the small one."""
    two = Packing(np.array([[5.0, 5.0, 5.0], [6.0, 5.0, 5.0]]), np.ones(2), (10.0, 10.0, 10.0))
    assert two.overlap_volume_fraction == pytest.approx(5 * math.pi / 12 / (8 * math.pi / 3))
    assert two.worst_overlap == pytest.approx(0.5)
    assert two.worst_pair == (0, 1)
    assert two.covered_fraction == pytest.approx((8 * math.pi / 3 - 5 * math.pi / 12) / 1000)
    inside = Packing(np.array([[5.0, 5.0, 5.0], [5.2, 5.0, 5.0]]), np.array([2.0, 0.5]), (10.0, 10.0, 10.0))
    assert inside.covered_fraction == pytest.approx(4 / 3 * math.pi * 8 / 1000)
    # unequal: r 3, s 4 at distance 5, caps of heights 1.2 and 0.8
    unequal = Packing(np.array([[10.0, 10.0, 10.0], [15.0, 10.0, 10.0]]), np.array([3.0, 4.0]), (30.0, 30.0, 30.0))
    caps = math.pi / 3 * (1.2**2 * (9 - 1.2) + 0.8**2 * (12 - 0.8))
    assert unequal.overlap_volume_fraction * unequal.sphere_volume == pytest.approx(caps)


def test_overlap_across_a_periodic_face_and_of_a_sphere_with_its_own_image() -> None:
    apart = np.array([[0.5, 5.0, 5.0], [9.5, 5.0, 5.0]])
    assert Packing(apart, np.ones(2), (10.0, 10.0, 10.0)).worst_overlap == pytest.approx(0.5)
    assert Packing(apart, np.ones(2), (10.0, 10.0, 10.0), (False, True, True)).worst_pair is None
    alone = Packing(np.array([[5.0, 5.0, 5.0]]), np.ones(1), (1.0, 10.0, 10.0))
    # images at distance 1 (two of them, one lens a period); at 2 they only touch
    assert alone.overlap_volume_fraction == pytest.approx(5 * math.pi / 12 / (4 * math.pi / 3))
    assert alone.worst_pair == (0, 0)


@pytest.mark.parametrize("periodic", [(True, True, True), (False, True, False)])
def test_near_pairs_are_those_of_all_pairs(periodic: tuple[bool, bool, bool]) -> None:
    rng = np.random.default_rng(3)
    box = np.array([3.0, 1.0, 2.0])
    radii = np.exp(rng.normal(-3.0, 0.7, 150))
    packing = Packing(rng.uniform(size=(150, 3)) * box, radii, (3.0, 1.0, 2.0), periodic)
    skin = 0.05
    pairs, shifts = spheres.near_pairs(packing.centres, radii, box, np.array(periodic), skin)
    between = np.linalg.norm(packing.centres[pairs[:, 1]] + shifts * box - packing.centres[pairs[:, 0]], axis=1)
    assert (between < radii[pairs].sum(axis=1) + skin).all()
    touch = radii[:, None] + radii
    expected = np.count_nonzero(all_distances(packing) * touch[..., None] < touch[..., None] + skin)
    assert 2 * len(pairs) == expected


# random


@pytest.mark.parametrize("fraction", [0.3, 0.55, 0.62])
def test_no_overlap_below_random_close_packing(fraction: float) -> None:
    packing = random_packing(NCM, (50 * UM, 50 * UM, 50 * UM), fraction, seed=2)
    assert packing.covered_fraction == pytest.approx(fraction, rel=1e-6)
    assert packing.overlap_volume_fraction < 1e-6
    assert all_distances(packing).min() > 1 - 2e-3
    assert packing.worst_overlap == pytest.approx(max(0.0, 1 - all_distances(packing).min()), abs=1e-12)


def test_overlap_sets_in_at_random_close_packing_and_grows() -> None:
    """Equal spheres jam near 0.64; a distribution jams later."""
    found = [random_packing(NCM, (50 * UM, 50 * UM, 50 * UM), fraction) for fraction in (0.62, 0.66, 0.71, 0.80)]
    shares = [packing.overlap_volume_fraction for packing in found]
    assert shares[0] < 1e-6 < 1e-4 < shares[1] < shares[2] < shares[3] < 0.05
    # compressed by a factor g in length, contacts overlap by about 1 - 1/g on average, the worst by a few times that
    for packing in found[1:]:
        growth = (packing.volume_fraction / 0.64) ** (1 / 3)
        assert 1 - 1 / growth < packing.worst_overlap < 5 * (1 - 1 / growth)
    wide = random_packing(LASER, CUBE, 0.71)
    assert wide.overlap_volume_fraction < shares[2]


@pytest.mark.parametrize(("sizes", "fraction"), [(NCM, 0.71), (NCM, 0.80), (LASER, 0.78)])
def test_the_union_covers_what_was_asked_for(sizes: SizeDistribution, fraction: float) -> None:
    """Points of a fine grid that lie in a sphere: an independent count of the union."""
    packing = random_packing(sizes, CUBE, fraction, seed=1)
    count = 64
    cell = CUBE[0] / count
    covered = np.zeros((count, count, count), bool)
    for centre, radius in zip(packing.centres, packing.radii, strict=True):
        reach = math.ceil(radius / cell) + 1
        index = [np.arange(-reach, reach + 1) + round(x / cell) for x in centre]
        away = np.meshgrid(*[i * cell - x for i, x in zip(index, centre, strict=True)], indexing="ij", sparse=True)
        covered[np.ix_(*[i % count for i in index])] |= sum(a**2 for a in away) < radius**2
    assert packing.covered_fraction == pytest.approx(fraction, rel=1e-6)
    assert packing.volume_fraction == pytest.approx(fraction / (1 - packing.overlap_volume_fraction), rel=1e-6)
    assert covered.mean() == pytest.approx(fraction, abs=3e-3)  # of 64^3 points on some hundred surfaces
    # the growth that makes up for the lenses is small
    radii = sizes.draw(fraction * math.prod(CUBE), np.random.default_rng(0))
    assert np.median(packing.radii) == pytest.approx(np.median(radii), rel=0.012)


def test_spheres_stay_within_walls() -> None:
    packing = random_packing(LASER, (30 * UM, 30 * UM, 30 * UM), 0.66, periodic=(False, True, False))
    box = np.array(packing.box)
    for axis in (0, 2):
        assert (packing.centres[:, axis] >= packing.radii * (1 - 1e-12)).all()
        assert (packing.centres[:, axis] <= box[axis] - packing.radii * (1 - 1e-12)).all()
    # along y they do cross the face
    assert (packing.centres[:, 1] < packing.radii).any()
    assert packing.covered_fraction == pytest.approx(0.66, rel=1e-6)


def test_a_seed_repeats_and_another_differs() -> None:
    first, again, other = (random_packing(NCM, CUBE, 0.6, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.centres, again.centres)
    np.testing.assert_array_equal(first.radii, again.radii)
    assert np.abs(first.centres - other.centres).max() > UM
    assert first.seed == 5


def test_a_wide_distribution_packs_to_the_end() -> None:
    """Sizes over a factor of 20 in diameter: the fine ones fill the gaps, no overlap at 0.70."""
    wide = LogNormal(4 * UM, 10 * UM, 18 * UM)
    packing = random_packing(wide, (30 * UM, 30 * UM, 30 * UM), 0.70)
    assert packing.radii.max() / packing.radii.min() > 10
    assert packing.overlap_volume_fraction < 1e-3


def test_progress_is_reported_and_can_end_the_work() -> None:
    heard: list[Progress] = []
    random_packing(NCM, CUBE, 0.6, progress=heard.append)
    assert {state.what for state in heard} == {"growing spheres", "settling spheres", "relaxing spheres"}
    assert all(0 <= state.done <= state.of for state in heard)
    assert heard[-1].done == heard[-1].of

    def stop(state: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        random_packing(NCM, CUBE, 0.6, progress=stop)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: random_packing(NCM, CUBE, 1.0), "a volume fraction must be between 0 and 1; received 1"),
        (
            lambda: random_packing(NCM, (40 * UM, 5 * UM, 40 * UM), 0.6),
            "the box has 5 um along y, less than the largest particle, 8.49 um; make it larger",
        ),
        (
            lambda: random_packing(NCM, (1.0, -1.0, 1.0), 0.6),
            "a box needs 3 edge lengths above 0 (m); received (1.0, -1.0, 1.0)",
        ),
        (
            lambda: close_packing(8.55 * UM, CUBE, 0.6, start_fraction=0.65),
            "start_fraction must be above 0 and at most the share to reach, 0.6, and close packing, 0.7405; "
            "received 0.65. Lower it",
        ),
        (
            lambda: close_packing(1e-8, CUBE, 0.6),
            "the box would hold 7.3e+10 spheres, more than 2e+06; make it smaller",
        ),
        (
            lambda: Packing(np.zeros((2, 3)), np.ones(3), (1.0, 1.0, 1.0)),
            "a packing needs n centres (n, 3) and n radii above 0; received (2, 3) and (3,)",
        ),
        (
            lambda: Packing(np.full((1, 3), 2.0), np.ones(1), (1.0, 1.0, 1.0), (True, True, False)),
            "a centre lies outside the box along an axis that is not periodic; move it, or enlarge the box",
        ),
    ],
)
def test_bad_packings(make: Callable[[], object], message: str) -> None:
    with pytest.raises(StructureError) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize("fraction", [0.90, 0.99])
def test_impossible_shares_are_refused(fraction: float) -> None:
    with pytest.raises(StructureError, match=r"^spheres that cover 0\.9\d? of the box would have .* % of their"):
        random_packing(NCM, CUBE, fraction)


# close packing


def test_touching_close_packing() -> None:
    packing = close_packing(8.55 * UM, CUBE, CLOSE_PACKING)
    assert len(packing) == 4 * 3**3
    assert packing.box == pytest.approx([3 * 8.55 * UM * math.sqrt(2)] * 3)
    assert packing.volume_fraction == pytest.approx(CLOSE_PACKING, rel=1e-9)
    near = all_distances(packing)
    assert near.min() == pytest.approx(1.0, abs=1e-9)
    assert (np.count_nonzero(near < 1.0 + 1e-6, axis=(1, 2)) == 12).all()


def test_one_cell_has_all_its_contacts() -> None:
    """Overlap share of 12 equal lenses a sphere, by the closed form, in a box of one cell."""
    packing = close_packing(8.55 * UM, (UM, UM, UM), 0.80)
    assert len(packing) == 4
    radius, distance = packing.radii[0], packing.box[0] / math.sqrt(2)
    lens = math.pi / 12 * (4 * radius + distance) * (2 * radius - distance) ** 2
    assert packing.overlap_volume_fraction == pytest.approx(6 * lens / (4 / 3 * math.pi * radius**3), rel=1e-9)
    assert packing.covered_fraction == pytest.approx(0.80, rel=1e-6)
    assert packing.worst_overlap == pytest.approx(1 - distance / (2 * radius), rel=1e-9)


def test_pressing_a_lattice() -> None:
    start = 0.74 * CLOSE_PACKING
    loose = close_packing(8.55 * UM, CUBE, start, start_fraction=start)
    even = close_packing(8.55 * UM, CUBE, 0.70, start_fraction=start, pressing=Isostatic())
    flat = close_packing(8.55 * UM, CUBE, 0.70, start_fraction=start, pressing=Uniaxial())
    edge = 8.55 * UM * (4 * math.pi / 6 / start) ** (1 / 3)
    cells = [np.array(p.box) / np.rint(np.array(p.box) / edge) for p in (loose, even)]
    np.testing.assert_allclose(cells[0], edge, rtol=1e-9)
    np.testing.assert_allclose(cells[1], edge * (start / 0.70) ** (1 / 3), rtol=1e-9)
    np.testing.assert_allclose(flat.box[1] / round(flat.box[1] / edge), edge, rtol=1e-9)
    np.testing.assert_allclose(flat.box[0] / round(40 * UM / (edge * start / 0.70)), edge * start / 0.70, rtol=1e-9)
    for packing in (loose, even, flat):
        assert packing.volume_fraction == pytest.approx(packing.covered_fraction, rel=0.01)
        np.testing.assert_allclose(2 * packing.radii, 8.55 * UM, rtol=0.002)
    # pressed evenly cores stay apart below close packing; pressed along x their layers meet first
    assert even.worst_pair is None
    assert flat.worst_overlap > 0
    default = close_packing(8.55 * UM, CUBE, 0.6)
    assert default.volume_fraction == pytest.approx(0.6)
    assert default.worst_pair is None
