"""Pressing of packings, Heckel's law against data made from it, and the percolation threshold."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import linregress
from scipy.stats import t as student

from solidstack.electrode import PROCESSES
from solidstack.errors import StructureError
from solidstack.kernels.geometry import spheres
from solidstack.progress import Progress
from solidstack.twin.structure.densify import (
    PERCOLATION_POROSITY,
    Heckel,
    Measured,
    fit_heckel,
    passes_percolation,
    press,
    read_processes,
)
from solidstack.twin.structure.packing import Isostatic, Monodisperse, Packing, Pressing, Uniaxial, random_packing

MPA = 1e6
BOX = (50e-6, 50e-6, 50e-6)


@pytest.fixture(scope="module")
def loose() -> Packing:
    return random_packing(Monodisperse(8.55e-6), BOX, 0.55, seed=4)


@pytest.mark.parametrize("pressing", [Uniaxial(), Isostatic()])
@pytest.mark.parametrize("fraction", [0.60, 0.71])
def test_pressing_keeps_number_and_volume(loose: Packing, pressing: Pressing, fraction: float) -> None:
    packing = press(loose, fraction, pressing)
    assert len(packing) == len(loose)
    before, after = (p.covered_fraction * math.prod(p.box) for p in (loose, packing))
    assert after == pytest.approx(before, rel=1e-5)
    assert packing.covered_fraction == pytest.approx(fraction, rel=1e-5)
    assert math.prod(packing.box) == pytest.approx(math.prod(loose.box) * 0.55 / fraction, rel=1e-5)
    # the growth that makes up for the lenses
    np.testing.assert_allclose(packing.radii, loose.radii, rtol=1e-9 if fraction == 0.60 else 0.003)
    assert packing.seed == 4


def test_uniaxial_pressing_takes_thickness_only(loose: Packing) -> None:
    flat, even = press(loose, 0.66, Uniaxial()), press(loose, 0.66, Isostatic())
    assert flat.box == pytest.approx((50e-6 * 0.55 / 0.66, 50e-6, 50e-6), rel=1e-5)
    assert even.box == pytest.approx([50e-6 * (0.55 / 0.66) ** (1 / 3)] * 3, rel=1e-5)


def steepness(packing: Packing) -> float:
    """Mean square of the contacts' direction cosine to x, weighted by overlap: 1/3 where no direction is preferred."""
    box, periodic = np.array(packing.box), np.array(packing.periodic)
    pairs, shifts = spheres.near_pairs(packing.centres, packing.radii, box, periodic, 0.0)
    away = packing.centres[pairs[:, 1]] + shifts * box - packing.centres[pairs[:, 0]]
    distance = np.linalg.norm(away, axis=1)
    overlap = packing.radii[pairs].sum(axis=1) - distance
    return float(np.average((away[:, 0] / distance) ** 2, weights=overlap))


@pytest.mark.parametrize("pressing", [Uniaxial(), Isostatic()])
def test_spheres_slide_so_that_contacts_have_no_direction(loose: Packing, pressing: Pressing) -> None:
    assert steepness(press(loose, 0.72, pressing)) == pytest.approx(1 / 3, abs=0.03)


def test_overlap_grows_with_density_and_pressing_repeats(loose: Packing) -> None:
    shares = [press(loose, fraction, Uniaxial()).overlap_volume_fraction for fraction in (0.60, 0.67, 0.71, 0.76)]
    assert shares[0] < 1e-6
    assert shares == sorted(shares)
    np.testing.assert_array_equal(press(loose, 0.6, Uniaxial()).centres, press(loose, 0.6, Uniaxial()).centres)


def test_pressing_within_walls() -> None:
    start = random_packing(Monodisperse(8.55e-6), BOX, 0.5, periodic=(False, True, True))
    packing = press(start, 0.64, Uniaxial())
    assert (packing.centres[:, 0] >= packing.radii * (1 - 1e-12)).all()
    assert (packing.centres[:, 0] <= packing.box[0] - packing.radii * (1 - 1e-12)).all()
    assert packing.covered_fraction == pytest.approx(0.64, rel=1e-5)


@pytest.mark.parametrize(
    ("fraction", "message"),
    [
        (
            0.50,
            "pressing only makes a packing denser: the spheres cover 0.55 of the box; received 0.5. "
            "Choose a share between that and 1, or start from a looser packing",
        ),
        (
            1.0,
            "pressing only makes a packing denser: the spheres cover 0.55 of the box; received 1. "
            "Choose a share between that and 1, or start from a looser packing",
        ),
    ],
)
def test_bad_goals(loose: Packing, fraction: float, message: str) -> None:
    with pytest.raises(StructureError) as caught:
        press(loose, fraction, Uniaxial())
    assert str(caught.value) == message
    with pytest.raises(StructureError, match="of their volume in overlaps; up to 5 % is allowed"):
        press(loose, 0.95, Isostatic())


# Heckel


def test_heckel_there_and_back() -> None:
    heckel = Heckel(k=2.5e-9, a=0.9)
    porosity = np.array([0.40, 0.2595, 0.05])
    np.testing.assert_allclose(heckel.porosity(heckel.pressure(porosity)), porosity, rtol=1e-12)
    assert heckel.porosity(0.0) == pytest.approx(math.exp(-0.9))
    # each 1/k of pressure takes the porosity down by e
    assert heckel.porosity(500e6) / heckel.porosity(100e6) == pytest.approx(math.exp(-1.0))
    assert heckel.pressure(0.9) == 0.0
    assert heckel.pressure(0.0) == math.inf


def test_fit_finds_what_the_data_were_made_from() -> None:
    pressure = np.array([50.0, 100.0, 200.0, 400.0]) * MPA
    fit = fit_heckel(pressure, np.exp(-(1.7e-9 * pressure + 0.75)))
    assert fit.model.k == pytest.approx(1.7e-9)
    assert fit.model.a == pytest.approx(0.75)
    assert fit.residual < 1e-12
    assert fit.points == 4
    assert fit.pressures == (50e6, 400e6)


def test_intervals_are_those_of_a_linear_regression() -> None:
    pressure = np.array([0.0, 80.0, 150.0, 300.0, 500.0]) * MPA
    porosity = np.array([0.44, 0.40, 0.33, 0.27, 0.17])
    fit = fit_heckel(pressure, porosity)
    line = linregress(pressure, -np.log(porosity))
    wide = student.ppf(0.975, 3)
    assert fit.model.k == pytest.approx(line.slope)
    assert fit.k_interval == pytest.approx((line.slope - wide * line.stderr, line.slope + wide * line.stderr))
    assert fit.a_interval == pytest.approx(
        (line.intercept - wide * line.intercept_stderr, line.intercept + wide * line.intercept_stderr)
    )


def test_intervals_hold_the_truth_19_times_of_20() -> None:
    rng = np.random.default_rng(0)
    pressure = np.linspace(50, 500, 6) * MPA
    held = 0
    for _ in range(1000):
        fit = fit_heckel(pressure, np.exp(-(1.7e-9 * pressure + 0.75 + rng.normal(0.0, 0.03, 6))))
        assert fit.k_interval is not None
        held += fit.k_interval[0] < 1.7e-9 < fit.k_interval[1]
    assert held == pytest.approx(950, abs=25)


def test_two_points_give_a_line_without_intervals() -> None:
    fit = fit_heckel([0.0, 300e6], [0.45, 0.25])
    assert fit.model.k == pytest.approx(math.log(0.45 / 0.25) / 300e6)
    assert fit.model.a == pytest.approx(math.log(1 / 0.45))
    assert fit.k_interval is None
    assert fit.a_interval is None


@pytest.mark.parametrize(
    ("pressure", "porosity", "message"),
    [
        ([1e8], [0.3], "a fit needs at least 2 different pressures; received 1. Measure at another pressure"),
        (
            [1e8, 1e8],
            [0.3, 0.31],
            "a fit needs at least 2 different pressures; received 1. Measure at another pressure",
        ),
        ([1e8, 2e8], [0.3], "a fit needs as many pressures as porosities; received (2,) and (1,)"),
        (
            [1e8, 2e8],
            [0.3, 0.0],
            "pressures must be 0 or more and porosities between 0 and 1; remove or correct the others",
        ),
        (
            [1e8, 2e8],
            [0.3, 0.4],
            "Heckel's k must be above 0 and A finite, because porosity falls with pressure; "
            "received k = -2.88e-09 1/Pa and A = 1.49. Check the pressures and porosities",
        ),
    ],
)
def test_bad_fits(pressure: list[float], porosity: list[float], message: str) -> None:
    with pytest.raises(StructureError) as caught:
        fit_heckel(pressure, porosity)
    assert str(caught.value) == message


# percolation


def test_only_warm_isostatic_pressing_passes_as_published() -> None:
    verdicts = passes_percolation({name: Measured(process.porosity) for name, process in PROCESSES.items()})
    assert {v.process: v.passes for v in verdicts} == {
        "slurry-cast": False,
        "roll-pressed": False,
        "warm-isostatic-pressed": True,
    }
    assert all(v.threshold == pytest.approx(0.2595, abs=5e-5) and v.pressure is None for v in verdicts)


def test_pressure_needed_lies_within_the_data_or_not() -> None:
    heckel = Heckel(k=2e-9, a=0.9)
    needed = (math.log(1 / PERCOLATION_POROSITY) - 0.9) / 2e-9  # 224 MPa

    def verdict(*pressures: float) -> tuple[bool, float | None, bool | None]:
        pressure = np.array(pressures) * MPA
        (found,) = passes_percolation({"rolls": Measured(heckel.porosity(pressure), pressure)})
        return found.passes, found.pressure, found.within_data

    assert verdict(0, 100, 400) == (True, pytest.approx(needed), True)
    assert verdict(0, 100, 200) == (False, pytest.approx(needed), False)
    assert verdict(300, 400) == (True, pytest.approx(needed), False)
    assert verdict(400) == (True, None, None)


def test_a_bad_process_is_named() -> None:
    with pytest.raises(StructureError, match="^rolls: Heckel's k must be above 0 and A finite"):
        passes_percolation({"rolls": Measured([0.3, 0.4], [1e8, 2e8])})


@pytest.mark.parametrize(
    "text",
    [
        "method,pressure (MPa),porosity (%)\nrolls,0,44\nrolls,300,31\n",
        "pressure_MPa;method;porosity\n0;rolls;0,44\n300;rolls;0,31\n",
        "method\tpressure / bar\tdensity (g/cm^3)\nrolls\t0\t2,24\nrolls\t3000\t2,76\n",
        "# pressed in May\nProcess,P pressure,Thickness [um]\nrolls,0,111.607142857\nrolls,300,90.579710145\n",
    ],
)
def test_tables_of_processes(tmp_path: Path, text: str) -> None:
    """Dense density 4 g/cm3, loading 25 mg/cm2: 2.24 g/cm3 is 44 %, 111.6 um too."""
    path = tmp_path / "data.csv"
    path.write_text(text, encoding="utf-8")
    found = read_processes(path, 4000.0, 0.25)
    assert list(found) == ["rolls"]
    np.testing.assert_allclose(found["rolls"].pressure, [0.0, 300e6], rtol=1e-12)
    np.testing.assert_allclose(found["rolls"].porosity, [0.44, 0.31], rtol=1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "method,pressure,thickness\nrolls,0,104\n",
            'line 2: thickness: "104.0" has no unit; write for example "104.0 um"',
        ),
        (
            "method,pressure,porosity\nrolls,0,44\n",
            "line 2: porosity is 4.4e+03 %, pressure 0 MPa; expected a porosity above 0 and below 100 % and a "
            'pressure of 0 or more; for per cent, write "porosity (%)" in the header',
        ),
        (
            "method,pressure,density (g/cm^3)\nrolls,0,4.3\n",
            "line 2: porosity is -7.5 %, pressure 0 MPa; expected a porosity above 0 and below 100 % and a pressure "
            "of 0 or more; the dense density of this composition is 4 g/cm^3",
        ),
        (
            "method,p,eps\nrolls,0,44\n",
            "expected the columns method, pressure (MPa), and porosity (%), density (g/cm^3) or thickness (um); "
            "this header has method, p, eps",
        ),
        ("method,pressure,porosity\nrolls,0,0.4\nrolls,high,0.3\n", 'line 3: pressure: "high" is not a number'),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StructureError) as caught:
        read_processes(path, 4000.0, 0.25)
    assert str(caught.value) == f"{path}: {message}"


def test_progress_is_reported(loose: Packing) -> None:
    heard: list[Progress] = []
    press(loose, 0.6, Uniaxial(), progress=heard.append)
    assert (heard[0].what, heard[0].done) == ("pressing", 0)
    assert heard[0].of == 2 * math.ceil(math.log(0.6 / 0.55) / 0.01)
    assert heard[-1].done == heard[-1].of
