"""Conduction: closed forms, bounds, duality, an independent dense solution, conservation, bad input."""

import math
from dataclasses import replace
from importlib import import_module
from itertools import pairwise, product
from typing import Any

import numba
import numpy as np
import pytest

from solidstack.errors import InputError, SolverError, StructureError
from solidstack.outcomes import Outcome
from solidstack.progress import Progress
from solidstack.study.comparison import packing_unit_cell as cell
from solidstack.twin.conduction import Transport, save_field, transport
from solidstack.twin.structure.packing import Isostatic, Pressing, Uniaxial
from solidstack.twin.structure.voxels import AXES, Phase, Structure

UM = 1e-6
OBLONG = (1 * UM, 2 * UM, 0.5 * UM)
CLOSED, PERIODIC = (False, False, False), (True, True, True)
EXACT = 1e-6
"""Of a solution with a tolerance of 1e-8, against closed forms that hold on voxels too."""


def solved(structure: Structure, conductivity: dict[int, float] | dict[str, float], **options: object) -> Transport:
    return transport(structure, conductivity, **{"device": "cpu", "tolerance": 1e-8, **options})  # type: ignore


def laminate(axis: int, shape: tuple[int, int, int] = (8, 6, 10), **fields: object) -> Structure:
    """Half of label 0, half of label 1 along an axis."""
    labels = np.zeros(shape, np.uint8)
    np.moveaxis(labels, axis, 0)[shape[axis] // 2 :] = 1
    return Structure(labels, **{"phases": {}, "voxel": OBLONG, **fields})  # type: ignore[arg-type]


def blobs(seed: int, fraction: float, edge: int = 20) -> Structure:
    """Two phases, periodic and statistically isotropic: smoothed noise, cut at a level."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).standard_normal((edge, edge, edge)), 1.5, mode="wrap")
    labels = (noise < np.quantile(noise, fraction)).astype(np.uint8)
    return Structure(labels, {}, (UM, UM, UM), PERIODIC)


def spheres(edge: int, fraction: float = 0.3) -> Structure:
    """One sphere (label 1) in a cubic cell."""
    x = (np.arange(edge) + 0.5) / edge - 0.5
    radius = (3.0 * fraction / (4.0 * math.pi)) ** (1 / 3)
    inside = x[:, None, None] ** 2 + x[:, None] ** 2 + x**2 < radius**2
    return Structure(inside.astype(np.uint8), {}, (1 / edge,) * 3, PERIODIC)  # type: ignore[arg-type]


def simple_cubic(ratio: float, f: float) -> float:
    """Series of Sangani and Acrivos, Proc. R. Soc. Lond. A 386 (1983) 263; spheres conduct ``ratio`` times as much."""
    one, three, five, seven, nine = ((ratio - 1) / (ratio + (n + 1) / n) for n in (1, 3, 5, 7, 9))
    pair = 1.3047 * three * f ** (10 / 3) * (1 + 0.2305 * five * f ** (11 / 3)) / (1 - 0.4054 * three * f ** (7 / 3))
    rest = 0.07231 * five * f ** (14 / 3) + 0.1526 * seven * f**6 + 0.0105 * nine * f ** (22 / 3)
    return 1 - 3 * f / (f - 1 / one + pair + rest)


def dense(structure: Structure, sigma: dict[int, float], axis: int, periodic: bool) -> float:
    """The same equations, written down voxel by voxel and solved with a dense matrix."""
    labels = np.moveaxis(structure.labels, axis, 0)
    spacing = np.array(structure.voxel)[[axis, *(other for other in range(3) if other != axis)]]
    area = spacing.prod() / spacing
    number = np.arange(labels.size).reshape(labels.shape)
    matrix, right = np.zeros((labels.size, labels.size)), np.zeros(labels.size)
    inlet = []
    for here in product(*map(range, labels.shape)):
        p, own = number[here], sigma[int(labels[here])]
        for along in range(3):
            there = list(here)
            there[along] += 1
            if there[along] == labels.shape[along]:
                if along == 0 or not periodic:
                    continue
                there[along] = 0
            q, other = number[tuple(there)], sigma[int(labels[tuple(there)])]
            c = area[along] / spacing[along] * 2 * own * other / (own + other)
            matrix[p, p] += c
            matrix[q, q] += c
            matrix[p, q] -= c
            matrix[q, p] -= c
        end = 2 * own * area[0] / spacing[0]
        if here[0] == 0:
            matrix[p, p] += end
            right[p] += end
            inlet.append((p, end))
        if here[0] == labels.shape[0] - 1:
            matrix[p, p] += end
    v = np.linalg.solve(matrix, right)
    length, section = labels.shape[0] * spacing[0], labels[0].size * area[0]
    return float(sum(c * (1 - v[p]) for p, c in inlet) * length / section)


# closed forms


@pytest.mark.parametrize("periodic", [CLOSED, PERIODIC], ids=["closed", "periodic"])
@pytest.mark.parametrize("axis", range(3))
def test_layers(axis: int, periodic: tuple[bool, bool, bool]) -> None:
    found = solved(laminate(axis, periodic=periodic), {0: 2.0, 1: 1e-3})
    series, parallel = 1 / (0.5 / 2.0 + 0.5 / 1e-3), 0.5 * (2.0 + 1e-3)
    for index, name in enumerate(AXES):
        one = found.directions[name]
        expected = series if index == axis else parallel
        assert one.conductivity == pytest.approx(expected, rel=EXACT)
        assert one.relative_conductivity == pytest.approx(expected / 2.0, rel=EXACT)
        assert one.tortuosity_factor == pytest.approx(0.5 / (expected / 2.0), rel=EXACT)
        assert (one.outcome, one.end_reason) == (Outcome.COMPLETE, "converged")
    expected_tensor = np.diag([series if index == axis else parallel for index in range(3)])
    np.testing.assert_allclose(found.tensor, expected_tensor, atol=EXACT)


def test_tilted_layers_turn_the_current() -> None:
    """Layers with the normal (1, 1, 0): along them 2, across them 1.5 S/m; the current follows the layers."""
    x, y = np.indices((96, 32))
    labels = ((x + y) // 16 % 2).astype(np.uint8)[:, :, None]
    found = solved(Structure(labels, {}, (UM, UM, UM), PERIODIC), {0: 1.0, 1: 3.0}, direction="x").x
    along_x, along_y, along_z = found.mean_current
    assert along_x == pytest.approx((2 + 1.5) / 2, rel=0.01)
    # -0.224 found, -0.213 with voxels twice as large: faces are stairs, and both ends hold the potential level
    assert along_y == pytest.approx((1.5 - 2) / 2, rel=0.12)
    assert along_z == 0.0
    tensor = Transport({"x": found}, {}).tensor
    assert np.isnan(tensor[1:, 1:]).all()


@pytest.mark.parametrize(("ratio", "published"), [(0.0, 0.60567), (1e3, 2.32656)], ids=["insulating", "conducting"])
def test_spheres_approach_the_published_series(ratio: float, published: float) -> None:
    assert simple_cubic(ratio, 0.3) == pytest.approx(published, abs=1e-5)
    errors = []
    for edge in (16, 32, 64):
        structure = spheres(edge)
        conductivity = {0: 1.0, 1: ratio} if ratio else {0: 1.0}
        found = solved(structure, conductivity, direction="x", tolerance=1e-5).x.conductivity
        # the series at the share that the voxels have leaves the error of the faces alone
        errors.append(abs(found - simple_cubic(ratio, structure.fraction(1))))
        if edge == 64:
            assert found == pytest.approx({0.0: 0.59837, 1e3: 2.33925}[ratio], abs=2e-5)
    assert errors[0] > errors[1] > errors[2]
    # over both refinements: how a sphere falls on the voxels changes, so that single ones give 0.70 to 1.40
    assert 0.7 < math.log(errors[0] / errors[2], 4) < 1.3, errors


@pytest.mark.parametrize("seed", range(3))
def test_duality_in_two_dimensions(seed: int) -> None:
    """Keller 1964, Dykhne 1970: sigma_x(a, b) sigma_y(b, a) = a b for any medium of a rectangle with closed sides.

    (Not with periodic sides: the dual of a fixed potential is a closed face.) Voxels have it up to their error at
    corners, where four blocks meet.
    """
    tiles = np.random.default_rng(seed).permutation(np.arange(64) % 2).reshape(8, 8).astype(np.uint8)
    errors = []
    for fine in (2, 4, 8):
        labels = np.kron(tiles, np.ones((fine, fine), np.uint8))[:, :, None]
        structure = Structure(labels, {}, (UM, UM, UM))
        x = solved(structure, {0: 1.0, 1: 4.0}, direction="x", tolerance=1e-6).x.conductivity
        y = solved(structure, {0: 4.0, 1: 1.0}, direction="y", tolerance=1e-6).y.conductivity
        errors.append(abs(x * y / 4.0 - 1.0))
    assert errors[-1] < 0.02
    assert all(fine < 0.6 * coarse for coarse, fine in pairwise(errors)), errors


@pytest.mark.parametrize("contrast", [3.0, 100.0])
@pytest.mark.parametrize("seed", range(3))
def test_bounds(seed: int, contrast: float) -> None:
    structure = blobs(seed, (0.3, 0.5, 0.7)[seed])
    f = structure.fraction(1)
    found = solved(structure, {0: 1.0, 1: contrast}, tolerance=1e-5)
    values = [one.conductivity for one in found.directions.values()]
    wiener = 1 / (1 - f + f / contrast), 1 - f + f * contrast
    hashin = (
        1 + f / (1 / (contrast - 1) + (1 - f) / 3),
        contrast + (1 - f) / (1 / (1 - contrast) + f / (3 * contrast)),
    )
    assert all(wiener[0] < value < wiener[1] for value in values)
    assert hashin[0] < np.mean(values) < hashin[1]
    assert np.linalg.eigvalsh(found.tensor).min() > wiener[0]


# against another solution, and itself


@pytest.mark.parametrize("periodic", [False, True], ids=["closed", "periodic"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 3), (5, 1, 1), (7, 5, 3), (9, 1, 3), (3, 11, 2), (4, 4, 4)])
def test_any_shape_agrees_with_a_dense_solution(shape: tuple[int, int, int], periodic: bool) -> None:
    labels = np.random.default_rng(1).integers(0, 3, shape, np.uint8)
    labels.flat[0] = 1
    phases = {"a": Phase(0), "b": Phase(1), "c": Phase(2)}
    structure = Structure(labels, phases, (1 * UM, 3 * UM, 0.4 * UM), (periodic,) * 3)
    sigma = {0: 1.0, 1: 10.0, 2: 0.1}
    found = solved(structure, sigma)
    for axis, name in enumerate(AXES):
        one = found.directions[name]
        assert one.conductivity == pytest.approx(dense(structure, sigma, axis, periodic), rel=EXACT)
        assert one.flux_imbalance <= 1e-8


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6])
def test_inlet_is_outlet_to_the_tolerance(tolerance: float) -> None:
    found = solved(blobs(1, 0.5), {0: 1.0, 1: 1e3}, direction="x", tolerance=tolerance).x
    assert found.inlet_flux == pytest.approx(found.outlet_flux, rel=tolerance)
    assert found.flux_imbalance == abs(found.inlet_flux - found.outlet_flux) / found.conductivity
    assert found.history[-1].spread <= tolerance
    assert found.history[-1].change <= tolerance
    assert len(found.history) == found.iterations


def test_lateral_faces() -> None:
    """Tilted layers conduct more where they go on than where the faces beside the flow cut them off."""
    x, y = np.indices((16, 16))
    structure = Structure(((x + y) // 4 % 2).astype(np.uint8)[:, :, None], {}, (UM, UM, UM), PERIODIC)
    given = {0: 1.0, 1: 10.0}
    auto, periodic, closed = (
        solved(structure, given, direction="x", lateral=lateral).x for lateral in ("auto", "periodic", "closed")
    )
    assert auto.conductivity == periodic.conductivity
    assert closed.conductivity < 0.95 * periodic.conductivity
    cut = structure.changed(periodic=CLOSED)
    assert solved(cut, given, direction="x").x.conductivity == closed.conductivity


@pytest.mark.parametrize("pressing", [Uniaxial(), Isostatic()], ids=["uniaxial", "isostatic"])
def test_iterations_do_not_grow_with_the_voxels(pressing: Pressing) -> None:
    counts = []
    for voxels in (32, 64, 96):
        structure = cell(0.74, 0.15, pressing, voxels=voxels)
        counts.append(solved(structure, {"shell": 1.0}, direction="x", tolerance=1e-4).x.iterations)
    assert max(counts) <= 15
    assert counts[-1] <= counts[0] + 2


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread only")
def test_threads_do_not_change_the_result() -> None:
    before = numba.get_num_threads()
    structure = blobs(2, 0.6)
    try:
        results = []
        for threads in (1, 2):
            numba.set_num_threads(threads)
            results.append(solved(structure, {1: 1.0, 0: 0.01}, direction="y", tolerance=1e-5, keep_potential=True).y)
    finally:
        numba.set_num_threads(before)
    assert results[0].conductivity == results[1].conductivity
    assert results[0].history == results[1].history
    np.testing.assert_array_equal(results[0].potential, results[1].potential)


# the potential


def test_potential(tmp_path: object) -> None:
    even = Structure(np.ones((6, 2, 2), np.uint8), {}, OBLONG)
    found = solved(even, {1: 3.0}, direction="x", keep_potential=True).x
    assert found.potential is not None
    np.testing.assert_allclose(found.potential[:, 0, 0], 1 - (np.arange(6) + 0.5) / 6, atol=1e-7)
    structure = blobs(0, 0.6)
    kept = solved(structure, {1: 1.0}, direction="z", keep_potential=True, tolerance=1e-5)
    potential = kept.z.potential
    assert potential is not None
    assert potential.shape == structure.shape
    assert np.isnan(potential[structure.labels == 0]).all()
    assert np.isfinite(potential).mean() == pytest.approx(kept.z.connected_fraction, abs=1e-12)
    assert 0.0 < np.nanmin(potential) < 0.2
    assert 0.8 < np.nanmax(potential) < 1.0
    assert np.nanmean(potential[:, :, 0]) > np.nanmean(potential[:, :, -1])
    assert solved(structure, {1: 1.0}, direction="z", tolerance=1e-3).z.potential is None


def test_a_field_is_of_one_direction() -> None:
    found = solved(laminate(0), {0: 1.0})
    with pytest.raises(StructureError, match="a field has one direction whose potential was kept; there are 0"):
        save_field(laminate(0), found, "field.vti")


# what does not conduct


def test_not_percolating() -> None:
    found = solved(laminate(0), {0: 1.0})
    assert not found.x.percolates
    assert (found.x.conductivity, found.x.tortuosity_factor) == (0.0, None)
    assert (found.x.conducting_fraction, found.x.connected_fraction) == (0.5, 0.0)
    assert found.x.end_reason == "does not percolate: no cluster connects both faces"
    assert found.x.converged
    assert found.y.conductivity == pytest.approx(0.5, rel=EXACT)
    assert found.tensor[0, 0] == 0.0


def test_islands_are_left_out() -> None:
    labels = np.zeros((6, 5, 5), np.uint8)
    labels[:, 0, 0] = 1
    labels[2:4, 3, 3] = 1
    labels[0, 2, 2] = 1
    found = solved(Structure(labels, {}, (UM, UM, UM)), {1: 2.0}, direction="x").x
    assert found.conductivity == pytest.approx(2.0 / 25, rel=EXACT)
    assert found.connected_fraction == 6 / 150
    assert found.conducting_fraction == 9 / 150


def test_a_way_round_the_side_counts_where_the_structure_goes_on() -> None:
    labels = np.zeros((4, 5, 3), np.uint8)
    labels[:2, 0, 1] = 1
    labels[1:, 4, 1] = 1
    structure = Structure(labels, {}, (UM, UM, UM), (False, True, False))
    assert solved(structure, {1: 1.0}, direction="x").x.conductivity > 0.0
    closed = solved(structure, {1: 1.0}, direction="x", lateral="closed").x
    assert closed.end_reason == "does not percolate: no cluster connects both faces"


def test_empty_phase() -> None:
    phases = {"pore": Phase(0), "solid": Phase(1)}
    structure = Structure(np.zeros((3, 4, 5), np.uint8), phases, (UM, UM, UM))
    for given in ({"solid": 1.0}, {"pore": 0.0}):
        found = solved(structure, given)
        for one in found.directions.values():
            assert (one.conductivity, one.relative_conductivity, one.end_reason) == (0.0, 0.0, "no voxel conducts")
    both = solved(structure, {"solid": 5.0, "pore": 1.0}, direction="x").x
    assert both.conductivity == pytest.approx(1.0, rel=EXACT)


def test_plain_data_has_the_documented_keys() -> None:
    data = solved(laminate(1), {0: 1.0}).to_dict()
    assert list(data) == ["x", "y", "z"]
    keys = "conductivity_S_m relative_conductivity tortuosity_factor conducting_vol_pct connected_vol_pct iterations "
    keys += "flux_imbalance converged seconds peak_bytes_per_voxel device"
    assert set(keys.split()) <= set(data["x"])
    assert data["x"]["device"] == "cpu"
    assert data["y"]["tortuosity_factor"] is None


def test_conductivities_of_the_phases() -> None:
    phases = {
        "pore": Phase(0, "pore"),
        "SPE": Phase(1, "solid-electrolyte", ionic_conductivity=0.2, electronic_conductivity=0.0),
    }
    structure = laminate(1, phases=phases)
    assert transport(structure, direction="x", device="cpu").x.conductivity == pytest.approx(0.1, rel=1e-4)
    assert transport(structure, "electronic", direction="x", device="cpu").x.end_reason == "no voxel conducts"
    by_label = transport(structure, {"1": 0.2}, direction="x", device="cpu")
    assert by_label.phase_conductivity == {"SPE": 0.2}


# bad input


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ({"shel": 1.0}, {}, '"shel" is not a phase of this structure; did you mean "shell"? The phases are 0 (pore), '),
        ({7: 1.0}, {}, '"7" is not a phase of this structure; '),
        ({"shell": -1.0}, {}, "conductivity of shell: -1.0 S/m must be a finite number, at least 0"),
        ({2: math.nan}, {}, "conductivity of shell: nan S/m must be a finite number, at least 0"),
        ({2: math.inf}, {}, "conductivity of shell: inf S/m must be a finite number, at least 0"),
        (
            {"shell": 1.0, "core": 1e-13},
            {},
            "conductivity of core: 1e-13 S/m is less than 1e-12 of the largest one, 1 S/m; take 0 for it",
        ),
        ({}, {}, "no conductivity was given; name at least one phase that conducts"),
        ("thermal", {}, 'conductivity: "thermal" is not recognised; name phases, or choose ionic or electronic'),
        (
            "electronic",
            {},
            "no phase of this structure has an electronic conductivity; give the conductivity of the phases that "
            "conduct, by name or label. The phases are 0 (pore), 1 (core), 2 (shell)",
        ),
        ({2: 1.0}, {"direction": "w"}, 'direction: "w" is not recognised; choose from x, y, z, all'),
        ({2: 1.0}, {"device": "tpu"}, 'device: "tpu" is not recognised; choose from auto, cpu, cuda'),
        ({2: 1.0}, {"lateral": "open"}, 'lateral: "open" is not recognised; choose from auto, periodic, closed'),
        ({2: 1.0}, {"tolerance": 1e-9}, "tolerance: 1e-09 must be between 1e-8 and 0.1 (1e-4 is usual)"),
        ({2: 1.0}, {"tolerance": math.nan}, "tolerance: nan must be between 1e-8 and 0.1 (1e-4 is usual)"),
    ],
)
def test_bad_input(given: object, options: dict[str, object], message: str) -> None:
    structure = cell(0.74, 0.2, Isostatic(), voxels=16)
    with pytest.raises(InputError) as caught:
        transport(structure, given, **{"device": "cpu", **options})  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


def test_not_converged() -> None:
    structure = blobs(0, 0.5)
    options = {"direction": "x", "most_iterations": 1, "tolerance": 1e-4}
    with pytest.raises(SolverError) as caught:
        solved(structure, {0: 1.0, 1: 1e3}, **options)
    message = str(caught.value)
    assert message.startswith("the potential along x did not reach the tolerance 0.0001 in 1 iterations (the flux ")
    assert message.endswith("raise most_iterations or the tolerance")
    found = solved(structure, {0: 1.0, 1: 1e3}, must_converge=False, **options).x
    assert (found.converged, found.iterations) == (False, 1)
    assert found.end_reason.startswith("not converged in 1 iterations (the flux through the planes still differs by ")


@pytest.mark.parametrize("factor", [-1.0, 0.1, 10.0])
def test_a_result_outside_the_wiener_bounds_is_never_shown(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    structure = blobs(0, 0.5)
    module = import_module("solidstack.twin.conduction")  # the package's name of it is the function
    right = module.solve

    def wrong(*args: Any, **options: Any) -> Any:
        found = right(*args, **options)
        return replace(found, inlet=factor * found.inlet, outlet=factor * found.outlet)

    given = {0: 1.0, 1: 2.0}
    solved(structure, given, direction="x")
    monkeypatch.setattr(module, "solve", wrong)
    with pytest.raises(SolverError, match=r"along x was not found: .* is outside the bounds of layers in series and"):
        solved(structure, given, direction="x", must_converge=False)


def test_memory_is_asked_for_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    structure = blobs(0, 0.5)
    monkeypatch.setattr("solidstack.twin.memory.available_memory", lambda: 1e3)
    module = import_module("solidstack.twin.conduction")  # the package's name of it is the function
    monkeypatch.setattr(module, "_conduct", lambda *_: pytest.fail("work was begun"))
    with pytest.raises(StructureError) as caught:
        solved(structure, {0: 1.0})
    assert str(caught.value) == (
        "Solving for the potential needs 0.00024 GB (20 x 20 x 20 voxels, 30 bytes each), and 1e-06 GB are available; "
        "a cube of 3 voxels would fit. Crop the volume, or take larger voxels"
    )


def test_no_cuda_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solidstack.kernels.conduction.cuda.is_available", lambda: False)
    with pytest.raises(StructureError) as caught:
        transport(laminate(0), {0: 1.0}, device="cuda")
    assert str(caught.value) == (
        'device: no CUDA device was found; use device cpu, or install the driver and `pip install "solidstack[gpu]"`'
    )
    assert transport(laminate(0), {0: 1.0}, direction="y", device="auto").y.device == "cpu"


def test_progress_and_unknown_direction_of_a_result() -> None:
    heard: list[Progress] = []
    found = solved(blobs(0, 0.5), {0: 1.0, 1: 5.0}, direction="y", progress=heard.append)
    iterations = [state.what.partition(",")[0] for state in heard]
    assert iterations == [f"y: iteration {number + 1}" for number in range(found.y.iterations)]
    with pytest.raises(AttributeError, match="transport has no 'x'; it was solved along y"):
        _ = found.x
