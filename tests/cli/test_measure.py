"""The measure commands end to end, on files of cells whose properties are known."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import solidstack as ss
from tests import measured
from tests.conftest import SHARED

MEASUREMENTS = SHARED / "measurements"
EV = 96485.33212

Run = Callable[..., Any]


def read(run: Run, *arguments: object) -> dict[str, Any]:
    result = run("measure", *arguments, "--json")
    assert result.code == 0, result.err
    data = json.loads(result.out)
    assert isinstance(data, dict)
    return data


def within(fitted: dict[str, float], truth: float, tolerance: float) -> None:
    assert fitted["value"] == pytest.approx(truth, rel=tolerance)
    assert fitted["low"] <= fitted["value"] <= fitted["high"]


def test_blocking_spectrum_to_conductivity_page_and_material(run: Run, tmp_path: Path) -> None:
    # 100 um, 1 cm2, 1.08 mS/cm: 9.259 ohm
    file = measured.blocking(tmp_path / "cell.csv", 0.01 / 1.08e-3)
    folder = tmp_path / "out"
    data = read(
        run, "eis", file, "--area", "1 cm^2", "--thickness", "100 um", "--temperature", "30 degC",
        "-o", folder, "--save-material", "my SPE", "--based-on", "SPE",
    )  # fmt: skip
    within(data["conductivity_mS_cm"], 1.08, 0.01)
    assert data["kind"] == "eis"
    assert data["window"]
    assert data["model"]
    assert len(data["files"][0]["sha256"]) == 64
    names = {path.name for path in folder.iterdir()}
    assert {"eis.html", "eis.pdf", "eis.png", "eis.svg", "eis.json"} <= names
    assert json.loads((folder / "eis.json").read_text()) == data
    assert "Ionic conductivity" in (folder / "eis.html").read_text()
    entry = ss.library()["my SPE"].default("ionic_conductivity")
    assert entry.at(303.15) == pytest.approx(0.108, rel=0.01)
    assert "cell.csv" in entry.source
    text = (Path("examples") / "pouch-0.16Ah.toml").read_text().replace('material = "SPE"', 'material = "my SPE"')
    (tmp_path / "design.toml").write_text(text)
    assert run("check", tmp_path / "design.toml").code == 0


def test_without_a_geometry_the_resistance_is_told_and_nothing_can_be_saved(run: Run, tmp_path: Path) -> None:
    file = measured.blocking(tmp_path / "cell.csv", 12.0)
    data = read(run, "eis", file)
    assert not any(key.startswith("conductivity") for key in data)
    result = run("measure", "eis", file, "--save-material", "SPE")
    assert result.code == 2
    assert "eis: found no property to save as a material" in result.err


def test_all_spectra_of_a_file_side_by_side(run: Run, tmp_path: Path) -> None:
    truth = (100.0, 120.0, 150.0)
    f = measured.FREQUENCY
    columns: list[list[float]] = [[], [], [], []]
    for number, interface in enumerate(truth, 1):
        z = 9.3 + measured.parallel(np.full(f.shape, interface + 0j), measured.cpe(f, 2e-6, 0.92))
        z = z * (1.0 + 2e-3 * np.random.default_rng(number).normal(size=f.size))
        for column, values in zip(columns, (np.full(f.shape, float(number)), f, z.real, -z.imag), strict=True):
            column += values.tolist()
    file = measured.table(tmp_path / "s.csv", "cycle number,freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm", *columns)
    data = read(run, "eis", file, "--spectrum", "all", "-o", tmp_path / "out")
    assert [row["interface_resistance_ohm"] for row in data["over_time"]] == pytest.approx(truth, rel=0.02)
    assert len(data["spectra"]) == 3
    assert (tmp_path / "out" / "eis-over-time.csv").exists()


def test_arrhenius_of_a_table_and_of_spectra(run: Run, tmp_path: Path) -> None:
    data = read(
        run, "arrhenius", measured.arrhenius(tmp_path / "t.csv", 0.108, 0.1 * EV), "-o", tmp_path / "out",
        "--save-material", "SPE",
    )  # fmt: skip
    within(data["activation_energy_eV"], 0.1, 0.03)
    assert ss.library()["SPE"].default("ionic_conductivity").activation_energy == pytest.approx(0.1 * EV, rel=0.03)
    assert (tmp_path / "out" / "arrhenius.pdf").exists()
    kelvin = np.array([298.15, 313.15, 328.15])
    sigma = 0.108 * 303.15 / kelvin * np.exp(-0.1 * EV / 8.314462618 * (1.0 / kelvin - 1.0 / 303.15))
    files = [
        measured.blocking(tmp_path / f"{at}.csv", 1e-4 / one / 1e-4, at) for at, one in enumerate(sigma)
    ]  # 100 um, 1 cm2
    data = read(
        run, "arrhenius", *files, "--area", "1 cm^2", "--thickness", "100 um",
        "--temperatures", "25 degC, 40 degC, 55 degC",
    )  # fmt: skip
    within(data["activation_energy_eV"], 0.1, 0.1)
    result = run("measure", "arrhenius", *files, "--temperatures", "25 degC, 40 degC")
    assert result.code == 2
    assert "--temperatures has 2 values for 3 files" in result.err


def test_transference_of_the_published_electrolyte(run: Run, tmp_path: Path) -> None:
    """10 mV across 9.3 ohm and interfaces of 120 ohm; cations carry 0.9."""
    files = [
        measured.polarisation(tmp_path / "p.csv", 0.01, 9.3, 120.0, 0.9),
        measured.symmetric_spectrum(tmp_path / "before.csv", 9.3, 120.0),
        measured.symmetric_spectrum(tmp_path / "after.csv", 9.3, 120.0, 1),
    ]
    data = read(run, "transference", *files)
    within(data["transference_number"], 0.9, 0.05)
    data = read(run, "transference", files[0], "--before", "120 ohm", "--after", "120 ohm", "-o", tmp_path / "out")
    within(data["transference_number"], 0.9, 0.02)
    assert (tmp_path / "out" / "transference.pdf").exists()
    result = run("measure", "transference", files[0], files[1])
    assert result.code == 2
    assert "needs one polarisation and 2 spectra" in result.err


def test_sweep_and_cycles(run: Run, tmp_path: Path) -> None:
    data = read(run, "lsv", measured.sweep(tmp_path / "s.csv", 4.9), "--area", "1 cm^2", "-o", tmp_path / "lsv")
    # the current goes with the power 1.5 beyond 4.9 V: 10 uA at 4.9 + (0.05)^(2/3)
    at_current = data["oxidation_threshold_V"]
    assert at_current["value"] == pytest.approx(4.9 + 0.05 ** (2.0 / 3.0), abs=0.01)
    assert 4.9 < data["oxidation_onset_V"]["value"] < 5.3
    data = read(run, "cv", measured.cyclic(tmp_path / "c.csv"), "--area", "1 cm^2", "-o", tmp_path / "cv")
    assert data["midpoint_V"]["value"] == pytest.approx(3.8, abs=0.01)


def test_symmetric_cell(run: Run, tmp_path: Path) -> None:
    file = measured.plating(tmp_path / "p.csv", 100.0, 0.6)
    data = read(run, "symmetric", file, "--area", "1 cm^2", "-o", tmp_path / "out")
    critical = data["critical_current_mA_cm2"]
    assert critical["low"] == pytest.approx(0.5)
    assert critical["high"] == pytest.approx(0.6)
    within(data["areal_resistance_ohm_cm2"], 100.0, 0.02)


def test_titration_of_a_sphere(run: Run, tmp_path: Path) -> None:
    file = measured.titration(tmp_path / "g.csv", 1e-15, 2.5e-6)
    data = read(run, "gitt", file, "--radius", "2.5 um", "--temperature", "25 degC", "-o", tmp_path / "out")
    assert data["diffusivity_cm2_s"]["value"] == pytest.approx(1e-11, rel=0.05, abs=0.0)
    assert len(data["pulses"]) == 10


def test_cycling_and_the_loop_closed(run: Run, tmp_path: Path) -> None:
    file = measured.cell_cycles(tmp_path / "c.csv", 0.15 * 3600.0, 3.75, 0.016)
    data = read(run, "cycling", file, "--mass", "850 mg", "--cell-mass", "3.0 g", "-o", tmp_path / "out")
    assert len(data["cycles"]) == 4
    first = data["cycles"][0]
    assert first["discharge_capacity_mAh"] == pytest.approx(150.0, rel=2e-3)
    assert data["first_cycle_efficiency_pct"]["value"] == pytest.approx(88.0, rel=2e-3)
    data = read(
        run, "cycling", file, "--design", "examples/pouch-0.16Ah.toml", "--cell-mass", "3.0 g", "-o", tmp_path / "a"
    )
    assert data["kind"] == "achieved"
    assert data["specific_energy_Wh_kg"]["value"] == pytest.approx(0.15 * 3.7 / 3e-3, rel=2e-3)
    product = np.prod([1.0 + row["effect_pct"] / 100.0 for row in data["reasons"]])
    designed = ss.evaluate(ss.load("examples/pouch-0.16Ah.toml")).cell.specific_energy / 3600.0
    assert product * designed == pytest.approx(data["specific_energy_Wh_kg"]["value"], rel=1e-6)
    assert (tmp_path / "a" / "achieved.html").exists()


def test_sizes_and_modulus(run: Run, tmp_path: Path) -> None:
    data = read(run, "particle-size", measured.sizes(tmp_path / "s.csv", 5.0, 1.5), "-o", tmp_path / "out")
    assert data["d50_um"]["value"] == pytest.approx(5.0, rel=0.01)
    data = read(run, "modulus", measured.tensile(tmp_path / "m.csv", 240e6), "-o", tmp_path / "out")
    within(data["youngs_modulus_GPa"], 0.24, 0.02)
    saved = run("measure", "modulus", tmp_path / "m.csv", "--save-material", "SPE")
    assert saved.code == 0
    assert ss.library()["SPE"].value("youngs_modulus") == pytest.approx(240e6, rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("eis", "none.mpr"), "none.mpr: there is no such file"),
        (("eis", "{table}"), "has no known column"),
        (("eis", "{table}", "--area", "3 kg"), "--area"),
        (("eis", "{table}", "--column", "voltage"), '--column "voltage" is not OURS=THEIRS'),
        (("eis", "{spectrum}", "--spectrum", "2"), "there is no --spectrum 2"),
        (("eis", "{spectrum}", "--spectrum", "first"), '--spectrum "first" must be a number from 1, or all'),
        (("eis", "{spectrum}", "--electrolyte", "SPE"), "--electrolyte and --electrolyte-share belong together"),
        (
            ("eis", "{spectrum}", "--density", "2 g/cm^3"),
            "--density: for a new material; give --save-material NAME too",
        ),
        (("eis", "{spectrum}", "-o", ""), "-o is given an empty name"),
        (("lsv", "{spectrum}"), "Voltage / V"),
        (("arrhenius", "{table}", "--thickness-uncertainty", "5 %"), "--thickness-uncertainty is for spectra"),
        (("gitt", "{spectrum}", "--radius", "2 um"), "is a measurement of impedance"),
        (
            ("cycling", "{spectrum}", "--cycle", "2"),
            "--cycle chooses the cycle to compare with a design; give --design too",
        ),
    ],
)
def test_bad_input_is_told_in_words(run: Run, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    places = {
        "table": measured.arrhenius(tmp_path / "table.csv", 0.1, 1e4),
        "spectrum": measured.blocking(tmp_path / "spectrum.csv", 10.0),
    }
    result = run("measure", *(text.format(**places) for text in arguments))
    assert result.code == 2
    assert words in result.err
    assert "Traceback" not in result.err


def test_help_has_an_example_for_each_kind(run: Run) -> None:
    kinds = (
        "eis", "arrhenius", "transference", "lsv", "cv", "symmetric", "gitt", "cycling", "particle-size", "modulus",
    )  # fmt: skip
    for kind in kinds:
        result = run("measure", kind, "--help")
        assert result.code == 0
        assert f"solidstack measure {kind} " in result.out


def test_the_first_spectrum_of_lithium_on_a_polymer(run: Run) -> None:
    """R0 about 7.25 ohm and R1 about 128 to 130 ohm, the window found."""
    file = MEASUREMENTS / "yadg_geis.mpr"
    if not file.exists():
        pytest.skip("the shared measurements are not on this machine")
    data = read(run, "eis", file)
    resistances = [value["value"] for key, value in data.items() if key.endswith("_ohm") and isinstance(value, dict)]
    assert any(abs(value - 7.25) < 0.2 for value in resistances)
    assert any(126.0 < value < 132.0 for value in resistances)
    assert data["window"]


def test_series_are_written_as_csv(run: Run, tmp_path: Path) -> None:
    file = measured.cell_cycles(tmp_path / "c.csv", 10.0, 3.75, 1e-3)
    assert run("measure", "cycling", file, "-o", tmp_path / "out").code == 0
    rows = list(csv.DictReader((tmp_path / "out" / "cycling-cycles.csv").read_text().splitlines()))
    assert len(rows) == 4
    assert float(rows[0]["discharge_capacity_mAh"]) == pytest.approx(10.0 / 3.6, rel=2e-3)
