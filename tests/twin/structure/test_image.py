"""Grey images: filters against the whole, segmentation against a known truth, resampling, representative volumes."""

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_allclose
from scipy import ndimage

from solidstack.errors import StructureError
from solidstack.plot.image import draw_image_profiles, draw_representative_volume
from solidstack.twin import memory
from solidstack.twin.structure.image import (
    GreyImage,
    analyse,
    denoise,
    filters,
    noise_level,
    otsu_thresholds,
    profile,
    read_grey,
    representative_volume,
    resample,
    segment,
)
from solidstack.twin.structure.voxels import Phase, Structure

from ...test_plot import assert_nothing_is_cut, texts

UM = 1e-6
CUBIC = (UM, UM, UM)
LEVELS = np.array([60.0, 110.0, 190.0])
PHASES = {"pore": Phase(0, "pore"), "binder": Phase(1, "binder", 1780.0), "NCM622": Phase(2, "active-material", 4760.0)}


def smooth(seed: int, reach: float, shape: tuple[int, int, int] = (64, 60, 56)) -> np.ndarray:
    """A random field without a scale of its own, rank from 0 to 1."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), reach, mode="wrap")
    return (np.argsort(np.argsort(field, axis=None)) / field.size).reshape(shape)


@cache
def truth() -> np.ndarray:
    """Half active material, an eighth binder, the rest pores."""
    labels = (smooth(0, 3.0) > 0.75).astype(np.uint8)
    labels[smooth(1, 4.0) > 0.5] = 2
    return labels


def phantom(noise: float, blur: float, seed: int = 2) -> GreyImage:
    """8-bit image of the truth."""
    sharp = LEVELS[truth()]
    grey = ndimage.gaussian_filter(sharp, blur) if blur else sharp
    grey = grey + np.random.default_rng(seed).normal(0.0, noise, sharp.shape)
    return GreyImage(np.clip(np.rint(grey), 0, 255).astype(np.uint8), CUBIC)


def grey(values: object, dtype: type = np.float32) -> GreyImage:
    return GreyImage(np.asarray(values, dtype), CUBIC)


# ---- filters


@pytest.mark.parametrize(("method", "scale"), [("median", 1), ("gaussian", 0.8), ("non-local-means", 1)])
def test_tiles_do_not_show(monkeypatch: pytest.MonkeyPatch, method: str, scale: float) -> None:
    """Exactly the same as the whole at once, with any number of threads, and the noise is less."""
    image = phantom(15.0, 0.0).crop((0, 24), (0, 30), (0, 28))
    whole = denoise(image, method, scale=scale).values
    monkeypatch.setattr(filters, "TILE", 10)
    assert np.array_equal(denoise(image, method, scale=scale).values, whole)
    assert whole.dtype == np.uint8
    flat = grey(np.random.default_rng(0).normal(100.0, 15.0, (24, 24, 24)))
    assert noise_level(flat) == pytest.approx(15.0, rel=0.03)
    assert denoise(flat, method, scale=scale).values.std() < 15.0 / 2.0


def test_filters_are_those_of_scipy() -> None:
    image = phantom(15.0, 0.0).crop((0, 20), (0, 20), (0, 70 - 20))
    assert np.array_equal(denoise(image).values, ndimage.median_filter(image.values, 3))
    soft = denoise(grey(image.values), "gaussian", scale=1.5).values
    assert_allclose(soft, ndimage.gaussian_filter(image.values.astype(np.float32), 1.5), rtol=1e-5)


@pytest.mark.parametrize(
    ("method", "scale", "words"),
    [
        ("bilateral", 1.0, 'filter "bilateral" is not recognised; choose from median, gaussian, non-local-means'),
        ("median", 1.5, "scale of the filter: 1.5 must be 1, 2, 3, 4 or 5"),
        ("gaussian", 0.0, "scale of the filter: 0 must be above 0 and at most 5"),
    ],
)
def test_filters_that_there_are_not(method: str, scale: float, words: str) -> None:
    with pytest.raises(StructureError) as error:
        denoise(phantom(1.0, 0.0), method, scale=scale)
    assert str(error.value) == words


def test_grey_values_that_are_not_finite() -> None:
    values = np.zeros((4, 5, 6), np.float32)
    values[2, 3, 1] = np.nan
    values[3, 0, 0] = np.inf
    for work in (denoise, segment, otsu_thresholds, lambda image: resample(image, "2 um")):
        with pytest.raises(StructureError) as error:
            work(grey(values))
        assert str(error.value) == (
            "2 of 120 grey values are NaN or infinite, the first at voxel (x, y, z) = (2, 3, 1); "
            "replace them (numpy.nan_to_num), or crop that region away"
        )
    assert denoise(grey(values).crop((0, 2), (0, 5), (0, 6))).shape == (2, 5, 6)


# ---- segmentation


def test_without_blur_or_noise_the_truth_comes_back() -> None:
    image = phantom(0.0, 0.0)
    assert np.array_equal(segment(image).labels, truth())
    assert np.array_equal(segment(image, method="thresholds", thresholds=(80, 140)).labels, truth())
    # the watershed loses what is thinner than its gradient
    assert np.mean(segment(image, method="watershed", thresholds=(80, 140)).labels == truth()) > 0.96


def test_noise_is_filtered_before() -> None:
    """Contrast 50 and noise 15: after a median the fractions are right to 2 percentage points."""
    found = segment(denoise(phantom(15.0, 0.0)), phases="pore, binder, NCM622")
    assert_allclose(
        [found.fraction(label) for label in range(3)], np.bincount(truth().ravel()) / truth().size, atol=0.02
    )
    assert np.mean(found.labels == truth()) > 0.95
    assert [found.phases[name].role for name in found.phases] == ["pore", "binder", "active-material"]
    steps = found.provenance["history"]
    assert [step["step"] for step in steps] == ["denoise", "segment"]
    assert 60 < steps[1]["thresholds"][0] < 110 < steps[1]["thresholds"][1] < 190


def test_the_watershed_leaves_no_seam_of_binder() -> None:
    """Blur puts the grey of binder between pore and active material; thresholds find 60 % too much of it."""
    image = denoise(phantom(15.0, 0.8))
    true = np.mean(truth() == 1)
    assert segment(image).fraction(1) > 1.4 * true
    flooded = segment(image, method="watershed")
    assert flooded.fraction(1) == pytest.approx(true, abs=0.03)
    assert flooded.fraction(2) == pytest.approx(0.5, abs=0.01)
    assert np.mean(flooded.labels == truth()) > 0.93


def test_tiles_of_the_watershed_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    image = denoise(phantom(15.0, 0.8).crop((0, 40), (0, 40), (0, 40)))
    limits = (90.0, 150.0)
    whole = segment(image, method="watershed", thresholds=limits).labels
    monkeypatch.setattr(filters, "TILE", 16)
    assert np.mean(segment(image, method="watershed", thresholds=limits).labels != whole) < 1e-3


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_thresholds_follow_the_scale_of_the_grey_values(dtype: type) -> None:
    """Shifted and stretched grey values, with hot pixels, give the same phases."""
    image = phantom(8.0, 0.0).values.astype(float)
    stretched = {np.uint8: image, np.int16: 200 * image - 30000, np.uint16: 250 * image}.get(dtype, 1e-3 * image - 0.1)
    values = np.asarray(stretched, dtype)
    if dtype != np.uint8:
        values[0, 0, :2] = values.max() * 1.04 if dtype == np.uint16 else abs(values).max() * 1.05
    found = segment(grey(values, dtype))
    assert np.mean(found.labels == segment(grey(image, np.uint8)).labels) > 0.998


def test_hot_pixels_do_not_move_the_thresholds() -> None:
    values = phantom(8.0, 0.0).values.astype(np.uint16)
    limits = otsu_thresholds(grey(values, np.uint16))
    values[0, 0, :2] = 60000
    assert_allclose(otsu_thresholds(grey(values, np.uint16)), limits, atol=1.0)


def test_a_voxel_at_a_threshold_is_of_the_brighter_class() -> None:
    found = segment(grey([[[0, 9, 10, 11, 20, 30]]], np.uint8), method="thresholds", thresholds=(10, 20))
    assert found.labels.ravel().tolist() == [0, 0, 1, 1, 2, 2]


def test_two_to_five_classes() -> None:
    values = np.repeat([10, 60, 120, 180, 240], 20).reshape(5, 4, 5)
    for classes in (2, 3, 4, 5):
        assert len(np.unique(segment(grey(values, np.uint8), classes=classes).labels)) == classes


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "magic"}, 'method "magic" is not recognised; choose from multi-otsu, watershed, thresholds'),
        ({"method": "thresholds"}, "segmenting by thresholds needs at least one, as in --threshold 80"),
        (
            {"thresholds": (80,)},
            "multi-otsu finds the thresholds itself; leave them out, or segment by thresholds or watershed",
        ),
        (
            {"method": "thresholds", "thresholds": (140, 80)},
            "thresholds 140, 80 must ascend; give each once, from dark to bright",
        ),
        (
            {"method": "thresholds", "thresholds": (80, 300)},
            "thresholds 80, 300 leave a class empty: grey values range over 60 to 190",
        ),
        ({"classes": 6}, "classes: 6 must be 2 to 5; for more, give thresholds"),
        ({"classes": 4}, "the image has 3 different grey values; 4 classes need at least as many"),
        (
            {"phases": "pore, NCM622"},
            "3 classes need as many names, from dark to bright (labels from 0); received pore, NCM622",
        ),
    ],
)
def test_segmentations_that_cannot_be(options: dict[str, object], words: str) -> None:
    with pytest.raises(StructureError) as error:
        segment(phantom(0.0, 0.0), **options)  # type: ignore[arg-type]
    assert str(error.value) == words


def test_work_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    image = phantom(0.0, 0.0)
    monkeypatch.setattr(memory, "available_memory", lambda: 1e5)
    for work, name in (
        (denoise, "Filtering"),
        (segment, "Segmenting"),
        (lambda i: resample(i, "0.5 um"), "Resampling"),
    ):
        with pytest.raises(StructureError, match=f"^{name} needs .* GB .* a cube of [0-9]+ voxels would fit"):
            work(image)


# ---- reading, cropping, resampling


def test_a_stack_stays_on_the_disk(tmp_path: Path) -> None:
    values = phantom(10.0, 0.0).values
    tifffile.imwrite(tmp_path / "a.tif", values)
    np.save(tmp_path / "a.npy", values.astype(np.float32))
    for name in ("a.tif", "a.npy"):
        image = read_grey(tmp_path / name, voxel="0.4 um")
        assert isinstance(image.values, np.memmap)
        assert np.array_equal(image.values, values)
        assert image.voxel == (0.4 * UM, 0.4 * UM, 0.4 * UM)
        assert image.provenance == {"origin": "image", "file": name}
    assert read_grey(tmp_path / "a.npy").provenance["voxel_assumed"]
    np.save(tmp_path / "b.npy", values > 100)
    with pytest.raises(StructureError, match="received an array of bool, which is already segmented$"):
        read_grey(tmp_path / "b.npy")


def test_cropping_a_grey_image() -> None:
    image = phantom(0.0, 0.0)
    assert np.array_equal(image.crop((1, 9), (0, 60), (2, 3)).values, image.values[1:9, :, 2:3])
    with pytest.raises(StructureError, match="^range 5:70 along y is not within 0:60, or is empty$"):
        image.crop((0, 64), (5, 70), (0, 56))


def test_larger_voxels_are_the_mean_of_those_they_cover() -> None:
    values = np.random.default_rng(0).random((6, 8, 10))
    found = resample(grey(values, np.float64), "2 um")
    assert_allclose(found.values, values.reshape(3, 2, 4, 2, 5, 2).mean(axis=(1, 3, 5)), rtol=1e-12)
    # 6 voxels on 4: each covers 1.5
    thirds = resample(grey(values, np.float64), "1.5 um, 8 um, 10 um").values.ravel()
    planes = values.mean(axis=(1, 2))
    assert_allclose(thirds[:2], [(planes[0] + 0.5 * planes[1]) / 1.5, (0.5 * planes[1] + planes[2]) / 1.5], rtol=1e-12)
    assert thirds.mean() == pytest.approx(values.mean(), rel=1e-12)


def test_smaller_voxels_keep_a_gradient() -> None:
    """Linear in x: exact between the first and the last centre."""
    values = np.broadcast_to(np.arange(8.0)[:, None, None], (8, 3, 3))
    found = resample(GreyImage(values, (2 * UM, UM, UM)), "0.5 um, 1 um, 1 um")
    centres = (np.arange(32) + 0.5) * 0.25 - 0.5
    assert_allclose(found.values[:, 1, 1], np.clip(centres, 0.0, 7.0), atol=1e-12)
    assert found.shape == (32, 3, 3)


def test_labels_by_majority_and_back() -> None:
    labels = truth()
    structure = Structure(labels, PHASES, CUBIC, provenance={"seed": 1})
    fine = resample(structure, "0.5 um")
    assert np.array_equal(fine.labels, labels.repeat(2, 0).repeat(2, 1).repeat(2, 2))
    assert np.array_equal(resample(fine, "1 um").labels, labels)
    coarse = resample(structure, "2 um")
    assert_allclose([coarse.fraction(n) for n in PHASES], [structure.fraction(n) for n in PHASES], atol=0.01)
    assert coarse.phases == PHASES
    assert coarse.provenance["history"][0]["step"] == "resample"
    most = Structure(np.array([0, 0, 2, 2, 2, 1, 1, 0]).reshape(8, 1, 1), PHASES, CUBIC)
    assert resample(most, "4 um, 1 um, 1 um").labels.ravel().tolist() == [2, 1]  # ties: the voxel at the centre


def test_a_voxel_larger_than_the_image() -> None:
    with pytest.raises(
        StructureError, match="^voxels of 200 x 200 x 200 um are larger than the image of 64 x 60 x 56 um$"
    ):
        resample(phantom(0.0, 0.0), "200 um")


# ---- analysis


def test_profiles_are_means_over_slices() -> None:
    structure = Structure(truth(), PHASES, (UM, 2 * UM, 3 * UM))
    for axis, others in enumerate(((1, 2), (0, 2), (0, 1))):
        found = profile(structure, axis)
        assert_allclose(found.fractions["NCM622"], np.mean(structure.labels == 2, axis=others), rtol=1e-12)
        assert_allclose(sum(found.fractions.values()), 1.0, rtol=1e-12)
        assert_allclose(np.diff(found.position), structure.voxel[axis], rtol=1e-9)
        assert found.position[0] == structure.voxel[axis] / 2


def test_spread_of_a_structure_without_order() -> None:
    """Independent voxels: the variance is p (1 - p) / voxels of the sub-volume."""
    labels = (np.random.default_rng(3).random((96, 96, 96)) < 0.3).astype(np.uint8)
    structure = Structure(labels, {"pore": Phase(0, "pore"), "SE": Phase(1)}, CUBIC)
    found = representative_volume(structure, "SE", n_sizes=6)
    voxels = np.round(found.edge / UM) ** 3
    expected = np.sqrt(0.3 * 0.7 / voxels)
    # a standard deviation over n is itself known to 1 / sqrt(2 (n - 1))
    assert np.all(np.abs(found.standard_deviation / expected - 1.0) < 4.0 / np.sqrt(2.0 * (found.count - 1.0)))
    assert_allclose(found.mean, 0.3, atol=5e-3)
    # 5 % of 0.3 is met by (0.7 / 0.3 / 0.05^2)^(1/3) voxels
    assert found.sufficient_edge == pytest.approx((0.7 / 0.3 / 0.05**2) ** (1 / 3) * UM, rel=0.05)
    assert np.array_equal(found.mean, representative_volume(structure, "SE", n_sizes=6).mean)
    assert not np.array_equal(found.mean, representative_volume(structure, "SE", n_sizes=6, seed=1).mean)


def test_sub_volumes_are_cubes_in_space() -> None:
    """Voxels twice as long along x: a layer of one voxel in x and two in y and z is a cube."""
    fine = Structure(truth()[:, :56], PHASES, CUBIC)
    flat = Structure(fine.labels[::2], PHASES, (2 * UM, UM, UM))
    edges = representative_volume(flat, "NCM622").edge
    assert edges[0] == pytest.approx(8 * UM)
    assert_allclose(
        representative_volume(flat, "NCM622").count,
        [
            math.prod(int(n // round(edge / own)) for n, own in zip(flat.shape, flat.voxel, strict=True))
            for edge in edges
        ],
    )


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        (
            (6, 6, 6),
            {},
            "a volume of 6 x 6 x 6 voxels is too small for a representative volume: 4 cubes of 5 voxels must fit",
        ),
        (
            (20, 20, 20),
            {"n_sizes": 1},
            "a representative volume needs at least 2 sizes and a tolerance above 0; received 1, 0.05",
        ),
    ],
)
def test_representative_volumes_that_cannot_be(shape: tuple[int, ...], options: dict[str, int], words: str) -> None:
    with pytest.raises(StructureError) as error:
        representative_volume(Structure(np.zeros(shape), {"pore": Phase(0)}, CUBIC), "pore", **options)
    assert str(error.value) == words


def test_the_analysis_of_a_known_structure() -> None:
    """A slab of active material along x, under a slab of pore: connected along x and z, not along y."""
    labels = np.zeros((16, 16, 16), np.uint8)
    labels[:, 4:] = 2
    found = analyse(Structure(labels, PHASES, CUBIC))
    assert found.porosity == 0.25
    assert found.density == pytest.approx(0.75 * 4760.0, rel=1e-12)
    assert found.connected == {"pore": (1.0, 0.0, 1.0), "NCM622": (1.0, 0.0, 1.0)}
    assert found.profiles["y"].fractions["pore"].tolist() == [1.0] * 4 + [0.0] * 12
    data = found.to_json()
    assert {"phases", "porosity_pct", "connected_pct", "profiles", "representative_volume"} <= set(data)
    assert data["porosity_pct"] == 25.0
    assert data["phases"]["NCM622"]["vol_pct"] == 75.0
    assert data["connected_pct"]["NCM622"] == {"x": 100.0, "y": 0.0, "z": 100.0}
    assert data["profiles"]["x"]["position_um"][:2] == [0.5, 1.5]


def test_what_is_not_known_is_null() -> None:
    structure = Structure(np.array([[[0, 1], [1, 1]]]), {}, CUBIC, provenance={"voxel_assumed": True})
    found = analyse(structure)
    data = found.to_json()
    assert data["porosity_pct"] is None
    assert data["density_g_cm3"] is None
    assert data["representative_volume"] == {}
    assert found.warnings == (
        "the voxel size is not known; 1 um is assumed, and lengths scale with it. State the voxel size",
        "no phase is named a pore, so the porosity is not known. Name the phases",
        "a volume of 1 x 2 x 2 voxels is too small for a representative volume: 4 cubes of 5 voxels must fit",
    )


def test_figures_say_what_they_show() -> None:
    analysis = analyse(Structure(truth(), PHASES, CUBIC))
    for figure, words in (
        (draw_image_profiles(analysis), {"x, µm (through-plane)", "Volume fraction, %", "NCM622", "binder"}),
        (draw_representative_volume(analysis), {"Edge of the sub-volume, µm", "allowed 5 %", "pore", "NCM622"}),
    ):
        assert_nothing_is_cut(figure)
        assert words <= set(texts(figure))
