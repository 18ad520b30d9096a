"""Curves of known modulus, yield and strength, with toe, noise and unloading, and dynamic analyses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from solidstack.errors import MeasurementError
from solidstack.measure.modulus import Modulus, analyse
from solidstack.plot.solids import draw_modulus

Floats = NDArray[np.float64]

MODULUS = 240e6
YIELD = 0.01


def write(path: Path, header: str, *columns: Any) -> Path:
    rows = [",".join(f"{value:.9g}" for value in row) for row in zip(*columns, strict=True)]
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def bilinear(strain: Floats, hardening: float = 0.0) -> Floats:
    return np.where(strain < YIELD, MODULUS * strain, MODULUS * (YIELD + hardening * (strain - YIELD)))


def tensile(tmp_path: Path, stress: Floats, strain: Floats, noise: float = 0.0, seed: int = 0) -> Modulus:
    noisy = stress + noise * np.random.default_rng(seed).normal(size=stress.size)
    return analyse(write(tmp_path / "t.csv", "strain (%),stress (MPa)", 100.0 * strain, noisy / 1e6))


STRAIN = np.linspace(0.0, 0.05, 1001)


def test_a_straight_line_is_its_slope(tmp_path: Path) -> None:
    strain = np.linspace(0.0, 0.01, 50)
    result = tensile(tmp_path, MODULUS * strain, strain)
    value = result.values["youngs_modulus"]
    assert value.value == pytest.approx(MODULUS, rel=1e-6)
    assert set(result.values) == {"youngs_modulus"}
    assert result.window["from_strain_pct"] == 0.0
    assert result.window["to_strain_pct"] == 1.0
    assert result.window["linearity"] == 1.0


@pytest.mark.parametrize("noise", [0.0, 5e3, 2e4])
def test_linear_part_and_offset_yield_of_a_plastic(tmp_path: Path, noise: float) -> None:
    """Flat after 1 %: the 0.2 % offset meets the plateau at 1.2 %."""
    result = tensile(tmp_path, bilinear(STRAIN), STRAIN, noise)
    value = result.values["youngs_modulus"]
    assert value.low <= MODULUS <= value.high
    assert value.value == pytest.approx(MODULUS, rel=0.01)
    assert result.values["yield_strength"].value == pytest.approx(MODULUS * YIELD, rel=0.02)
    assert result.window["to_strain_pct"] == pytest.approx(1.0, abs=0.08)


def test_hardening_is_not_taken_for_the_linear_part(tmp_path: Path) -> None:
    """The part after the yield is four times as long and just as straight."""
    result = tensile(tmp_path, bilinear(STRAIN, 0.3), STRAIN, 5e3)
    assert result.values["youngs_modulus"].value == pytest.approx(MODULUS, rel=0.01)
    # E (e - 0.002) meets E (0.01 + 0.3 (e - 0.01))
    meets = (0.002 + 0.7 * YIELD) / 0.7
    found = result.values["yield_strength"]
    assert found.value == pytest.approx(MODULUS * (YIELD + 0.3 * (meets - YIELD)), rel=0.01)
    assert found.low <= MODULUS * (YIELD + 0.3 * (meets - YIELD)) <= found.high


@pytest.mark.parametrize("toe", [0.002, 0.004])
def test_the_toe_is_skipped(tmp_path: Path, toe: float) -> None:
    """A parabola up to twice the toe, from where the line comes that meets zero stress at the toe."""
    strain = np.linspace(0.0, 0.05, 2001)
    pulled = np.where(strain < 2.0 * toe, strain**2 / (4.0 * toe), strain - toe)
    result = tensile(tmp_path, bilinear(pulled), strain, 2e3)
    value = result.values["youngs_modulus"]
    assert value.low <= MODULUS <= value.high
    assert value.value == pytest.approx(MODULUS, rel=0.02)
    assert result.window["toe_strain_pct"] == pytest.approx(100.0 * toe, rel=0.05)
    assert result.values["yield_strength"].value == pytest.approx(MODULUS * YIELD, rel=0.02)


@pytest.mark.monte_carlo
def test_intervals_hold_the_truth(tmp_path: Path) -> None:
    """The interval also has the change of the slope in the part, so that it holds more often than 95 %."""
    hits = 0
    for seed in range(60):
        value = tensile(tmp_path, bilinear(STRAIN, 0.2), STRAIN, 1e4, seed).values["youngs_modulus"]
        hits += value.low <= MODULUS <= value.high
    assert hits >= 55


def test_strength_where_it_is_reached(tmp_path: Path) -> None:
    broken = bilinear(STRAIN, 0.1) * np.where(STRAIN > 0.04, 0.3, 1.0)
    result = tensile(tmp_path, broken, STRAIN)
    assert result.values["strength"].value == pytest.approx(MODULUS * (YIELD + 0.1 * 0.03), rel=1e-3)
    assert result.values["strain_at_strength"].value == pytest.approx(0.04, rel=2e-3)
    assert "strength" not in tensile(tmp_path, bilinear(STRAIN, 0.1), STRAIN).values


def test_force_and_displacement(tmp_path: Path) -> None:
    area, length = 0.6e-6, 20e-3
    path = write(
        tmp_path / "f.csv", "time (s),extension (mm),load (N)", STRAIN, 1e3 * length * STRAIN, area * bilinear(STRAIN)
    )
    result = analyse(path, area=area, gauge_length=length)
    assert result.values["youngs_modulus"].value == pytest.approx(MODULUS, rel=0.01)
    assert any("the modulus is a lower bound" in text for text in result.warnings)
    with pytest.raises(MeasurementError, match="has forces: stress needs the cross-section; give it, as in --area"):
        analyse(path, gauge_length=length)
    with pytest.raises(MeasurementError, match="has displacements: strain needs the length between the clamps"):
        analyse(path, area=area)
    with pytest.raises(MeasurementError, match="area: -1 m\\^2 is not above 0|area: -10000 cm\\^2 is not above 0"):
        analyse(path, area=-1.0, gauge_length=length)


def test_units_of_strain(tmp_path: Path) -> None:
    values = [
        analyse(write(tmp_path / "u.csv", header, factor * STRAIN, bilinear(STRAIN) * scale)).values["youngs_modulus"]
        for header, factor, scale in (
            ("strain (-),stress (kPa)", 1.0, 1e-3),
            ("strain [mm/mm],stress [Pa]", 1.0, 1.0),
            ("strain / %,stress / MPa", 100.0, 1e-6),
            ("strain_%,stress_MPa", 100.0, 1e-6),
        )
    ]
    for value in values:
        assert value.value == pytest.approx(MODULUS, rel=0.01)


def test_compression_and_unloading(tmp_path: Path) -> None:
    there = np.concatenate([STRAIN, STRAIN[::-1] * 0.6])
    back = np.concatenate([bilinear(STRAIN), np.linspace(1.0, 0.0, STRAIN.size) * MODULUS * YIELD])
    result = tensile(tmp_path, -back, -there)
    assert result.values["youngs_modulus"].value == pytest.approx(MODULUS, rel=0.01)
    assert any("strain is negative: compression" in text for text in result.warnings)
    words = "strain reverses at 5 %: the first loading is used, unloading and everything after it are left out"
    assert any(words in text for text in result.warnings)


def test_a_curve_without_a_straight_part_is_said(tmp_path: Path) -> None:
    strain = np.linspace(0.0, 0.5, 10)
    result = tensile(tmp_path, 1e6 * strain**3, strain)
    assert any("no part is straight within 3 %" in text or "no part of the curve is straight" in text
               for text in result.warnings)  # fmt: skip
    strain = np.linspace(0.0, 0.5, 400)
    result = tensile(tmp_path, 1e6 * strain**3, strain)
    assert any("of strain: the sample was slack or not straight in the clamps" in text for text in result.warnings)


def test_a_meaningless_modulus_makes_no_material(tmp_path: Path) -> None:
    """No straight part at all; and a scatter in whose interval the modulus is 0."""
    strain = np.linspace(0.0, 0.5, 10)
    result = tensile(tmp_path, 1e6 * strain**3, strain)
    assert result.bent
    assert result.values["youngs_modulus"].low > 0.0
    assert any("no part of the curve is straight" in text and "is not saved as a material property" in text
               for text in result.warnings)  # fmt: skip
    assert result.properties() == []
    strain = np.linspace(0.0, 0.08, 40)
    result = tensile(tmp_path, 1e6 * np.random.default_rng(0).random(strain.size), strain)
    assert not result.bent
    assert result.values["youngs_modulus"].low <= 0.0
    assert any("the interval of the modulus includes 0" in text for text in result.warnings)
    assert result.properties() == []
    straight = tensile(tmp_path, MODULUS * STRAIN, STRAIN)
    assert not straight.bent
    assert [one.name for one in straight.properties()] == ["youngs_modulus"]


def dma(tmp_path: Path, header: str, *columns: Any) -> Modulus:
    return analyse(write(tmp_path / "d.csv", header, *columns))


def test_storage_modulus_at_room_temperature(tmp_path: Path) -> None:
    """Exponential over the temperature: 2 GPa at 25 degC, with a peak of tan delta at -20 degC."""
    celsius = np.linspace(-80.0, 80.0, 81)
    storage = 2000.0 * np.exp(-0.02 * (celsius - 25.0))
    storage *= 1.0 + 3e-3 * np.random.default_rng(0).normal(size=storage.size)
    tangent = 0.05 + np.exp(-(((celsius + 20.0) / 10.0) ** 2))
    result = dma(tmp_path, "Temperature (°C),Storage modulus (MPa),tan delta", celsius, storage, tangent)
    value = result.values["storage_modulus_25"]
    assert value.low <= 2e9 <= value.high
    assert value.value == pytest.approx(2e9, rel=5e-3)
    assert result.values["peak_temperature"].value == pytest.approx(253.15)
    assert result.values["loss_modulus"].value == pytest.approx(0.05 * 2e9, rel=0.02)
    (entry,) = result.properties()
    assert entry.name == "youngs_modulus"
    assert figure_labels(result)[:2] == ["Temperature, °C", "Modulus, MPa"]


def test_storage_modulus_over_frequency(tmp_path: Path) -> None:
    hertz = np.geomspace(0.01, 100.0, 41)
    result = dma(
        tmp_path, "Frequency (Hz),E' (MPa),E'' (MPa),Temperature (degC)",
        hertz, 100.0 * hertz**0.1, 10.0 * hertz**0.1, np.full(41, 25.0),
    )  # fmt: skip
    assert result.axis == "frequency"
    assert result.values["storage_modulus_25"].value == pytest.approx(1e8, rel=1e-3)
    assert result.values["loss_modulus"].value == pytest.approx(1e7, rel=1e-3)
    assert result.values["tan_delta"].value == pytest.approx(0.1, rel=1e-6)
    assert figure_labels(result)[0] == "Frequency, Hz"


def test_frequency_nearest_to_one_hertz_is_taken(tmp_path: Path) -> None:
    celsius = np.repeat(np.linspace(-20.0, 60.0, 41), 3)
    hertz = np.tile([0.1, 1.0, 10.0], 41)
    result = dma(tmp_path, "T (°C),f (Hz),storage modulus (MPa)", celsius, hertz, 100.0 * hertz)
    assert result.values["storage_modulus_25"].value == pytest.approx(1e8, rel=1e-9)
    assert any("several frequencies: 1 Hz is used" in text for text in result.warnings)


def test_moduli_that_are_no_material_property(tmp_path: Path) -> None:
    hot = np.linspace(60.0, 100.0, 21)
    result = dma(tmp_path, "Temperature (degC),storage modulus (MPa)", hot, np.full(21, 50.0))
    assert result.values["storage_modulus"].value == pytest.approx(5e7)
    assert any("25 °C is outside the measured range" in text for text in result.warnings)
    assert result.properties() == []
    cold = np.linspace(0.0, 50.0, 21)
    result = dma(tmp_path, "Temperature (degC),G' (MPa)", cold, np.full(21, 50.0))
    assert result.values["shear_storage_modulus"].value == pytest.approx(5e7)
    assert result.properties() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("strain,stress (MPa)\n" + "1,2\n" * 3,
         'column "strain" has no unit; write for example "strain .%." or "strain .-."'),
        ("strain (%),stress\n" + "1,2\n" * 3, 'column "stress" has no unit; write for example "stress .MPa."'),
        ("strain (%),stress (mm)\n1,2\n2,3\n", r"line 2: stress \(mm\): .* is a length"),
        ("strain (kg),stress (MPa)\n1,2\n2,3\n", r"line 2: strain \(kg\): .* is a mass"),
        ("time (s),stress (MPa)\n1,2\n2,3\n", "has no column of strain or displacement; it has \"time"),
        ("time (s),strain (%)\n1,2\n2,3\n", "has no column of stress or force"),
        ("1,2\n2,3\n", "has no column names above the numbers"),
        ("strain (%),stress (MPa)\n1,2\n2,x\n", 'line 3: stress .MPa.: "x" is not a number'),
        ("strain (%),stress (MPa)\n1,2\n2,3\n", "has 2 points; the linear part needs 8 or more"),
        ("strain (%),stress (MPa)\n" + "".join(f"1,{k}\n" for k in range(20)), "has a single strain"),
        ("strain (%),stress (MPa)\n" + "".join(f"{k},{20 - k}\n" for k in range(20)), "stress does not rise"),
        ("strain (-),stress (MPa)\n" + "".join(f"{k},{k}\n" for k in range(30)), "strain reaches 2900 %; check its"),
        ("storage modulus (MPa),loss modulus (MPa)\n1,2\n2,3\n", "no column of temperature or frequency"),
        ("T (degC),storage modulus (MPa)\n1,2\n2,-3\n", "line 3: storage modulus .MPa.: -3 MPa is not above 0"),
        ("f (Hz),storage modulus (MPa)\n0,2\n2,3\n", "line 2: frequency: 0 Hz is not above 0"),
    ],
)  # fmt: skip
def test_bad_tables(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MeasurementError, match=words) as error:
        analyse(path)
    assert str(path) in str(error.value)


def test_damaged_files_are_refused_or_read_and_nothing_else(tmp_path: Path) -> None:
    strain = STRAIN[::10]
    text = write(tmp_path / "a.csv", "strain (%),stress (MPa)", 100.0 * strain, bilinear(strain) / 1e6).read_text()
    random, path, read = np.random.default_rng(0), tmp_path / "b.csv", 0
    refused = []
    for _ in range(150):
        letters = list(text)
        for at in random.integers(0, len(letters), random.integers(1, 6)):
            letters[at] = random.choice([*"0123456789.,-e\n;x", "1e300", "", "nan"])
        path.write_text("".join(letters[: random.integers(1, 3 * len(letters))]), encoding="utf-8")
        try:
            read += analyse(path).values["youngs_modulus"].value > 0.0
        except MeasurementError as error:
            refused.append(str(error))
    assert read > 10
    assert all(str(path) in words for words in refused)


def figure_labels(result: Modulus) -> list[str]:
    axes = draw_modulus(result).axes[0]
    return [axes.get_xlabel(), axes.get_ylabel()]


def test_material_and_figure(tmp_path: Path) -> None:
    result = tensile(tmp_path, bilinear(STRAIN), STRAIN, 5e3)
    (entry,) = result.properties()
    assert entry.name == "youngs_modulus"
    assert entry.uncertainty is not None
    assert figure_labels(result) == ["Strain, %", "Stress, MPa"]
    assert result.to_dict()["youngs_modulus_GPa"]["value"] == pytest.approx(0.24, rel=0.01)
    assert result.records[0].sha256
