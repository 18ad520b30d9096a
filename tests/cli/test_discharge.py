"""`solidstack twin discharge|simulate|rates|impedance|validate` end to end, on structures of few voxels."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from solidstack.twin import formats
from solidstack.twin.voxels import Phase, Structure

Run = Callable[..., Any]
EXAMPLE = "examples/pouch-0.16Ah.toml"
STEPS = "charge discharge".split()
PROTOCOL = """
[[steps]]
kind = "charge"
current = "1C"
until = { voltage = "4.3 V", capacity = "20 mAh/g" }
[[steps]]
kind = "rest"
until = { time = "10 min" }
[[steps]]
kind = "discharge"
current = "1C"
until = { voltage = "2.7 V" }
"""


@pytest.fixture
def electrode(tmp_path: Path) -> Path:
    """Columns of active material and electrolyte."""
    labels = np.full((8, 4, 4), 2, np.uint8)
    labels[:, :2, :2] = 1
    labels[:, 2:, 2:] = 1
    phases = {
        "pore": Phase(0, "pore"),
        "NCM622": Phase(1, "active-material", density=4760.0),
        "SPE": Phase(2, "solid-electrolyte", density=1800.0),
    }
    path = tmp_path / "electrode.npz"
    formats.save(Structure(labels, phases, (1e-6, 1e-6, 1e-6), (False, True, True)), path)
    return path


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    path = tmp_path / "protocol.toml"
    path.write_text(PROTOCOL)
    return path


def test_discharge(run: Run, electrode: Path, protocol: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cycle"
    result = run(
        "twin", "discharge", electrode, EXAMPLE, "--protocol", protocol, "-o", folder, "--ideal-electronics",
        "--fields", "step-ends, 5 min", "--animation", "--json",
    )  # fmt: skip
    assert result.code == 0, result.err
    data = json.loads(result.out)
    charge, rest, discharge = data["steps"]
    assert charge["capacity_mAh_g"] == pytest.approx(20.0, rel=1e-6)
    assert charge["end_reason"] == "reached 20 mAh/g"
    assert rest["end_reason"] == "time over (10 min)"
    assert (rest["capacity_mAh_g"], discharge["end_reason"]) == (pytest.approx(0.0, abs=1e-6), "reached 2.7 V")
    assert discharge["capacity_mAh_g"] == pytest.approx(20.0, rel=0.1)
    for key in "coulombic_efficiency_pct energy_efficiency_pct inactive_am_pct voxels device parameters".split():
        assert key in data, key
    assert data["lithium_balance_error"] < 1e-6
    assert data["current_balance_error"] < 1e-6
    names = {path.name for path in folder.iterdir()}
    assert {"run.json", "curves.csv", "arrays.npz", "curves.png", "course.png", "split.png", "profiles.png"} <= names
    assert "stoichiometry.gif" in names
    assert "checkpoint.npz" not in names
    assert len(list((folder / "fields").iterdir())) == 4
    table = run("twin", "discharge", electrode, EXAMPLE, "--protocol", protocol)
    assert table.code == 0
    for words in ("charge", "reached 20 mAh/g", "discharge over charge", "128 voxels", "lithium balance to"):
        assert words in table.out, words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("discharge", "none.npz", EXAMPLE), "none.npz"),
        (("discharge", "{electrode}", EXAMPLE, "--protocol", "{bad}"), "did you mean"),
        (("discharge", "{electrode}", EXAMPLE, "--protocol", "{wide}"), "outside of the open-circuit potential"),
        (("discharge", "{electrode}", EXAMPLE, "--accuracy", "0"), "accuracy: 0 is out of bounds"),
        (("discharge", "{electrode}", EXAMPLE, "--device", "cuda"), "no CUDA device"),
        (("discharge", "{electrode}", EXAMPLE, "--fields", "1 h"), "give -o DIR"),
        (("discharge", "{electrode}", EXAMPLE, "--set", "kinetics.transference_number=0"), "transference_number"),
        (("discharge", "{electrode}", EXAMPLE, "--set", "kinetics.transference_number=1.2"), "transference_number"),
        (("impedance", "{electrode}", EXAMPLE, "--frequencies", "0:1:3"), "LO:HI:N"),
        (("impedance", "{electrode}", EXAMPLE, "--stoichiometry", "2"), "out of bounds"),
        (("rates", EXAMPLE, "--rates", "a,b"), "not a list of numbers"),
        (("rates", EXAMPLE, "--loadings", "5"), "LO:HI:N"),
        (("simulate", EXAMPLE, "--structure", "none.zarr"), "none.zarr"),
        (("validate", "none.toml"), "none.toml"),
    ],
)
def test_bad_input(run: Run, electrode: Path, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    bad, wide = tmp_path / "bad.toml", tmp_path / "wide.toml"
    bad.write_text(PROTOCOL.replace("current", "curent", 1))
    wide.write_text(PROTOCOL.replace("2.7 V", "0.5 V"))
    places = {"electrode": str(electrode), "bad": str(bad), "wide": str(wide)}
    result = run("twin", *(text.format(**places) if "{" in text else text for text in arguments))
    assert result.code == 2, (result.out, result.err)
    assert words in result.err
    assert "Traceback" not in result.err


def test_a_structure_without_roles_says_so(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "labels.npy"
    np.save(path, np.ones((4, 4, 4), np.uint8))
    result = run("twin", "discharge", path, EXAMPLE, "--voxel", "1 um")
    assert result.code == 2
    assert "no active material" in result.err or "no solid electrolyte" in result.err


def test_impedance(run: Run, electrode: Path, tmp_path: Path) -> None:
    paths = tmp_path / "z.csv", tmp_path / "z.png"
    result = run(
        "twin", "impedance", electrode, EXAMPLE, "--voltage", "3.8 V", "--frequencies", "0.1:10:3", "-o", paths[0],
        "-o", paths[1], "--ideal-electronics", "--json",
    )  # fmt: skip
    assert result.code == 0, result.err
    data = json.loads(result.out)
    assert len(data["re_ohm_cm2"]) == 3
    assert data["voltage_V"] == pytest.approx(3.8, abs=1e-3)
    assert all(path.exists() for path in paths)
    assert len(paths[0].read_text().splitlines()) == 4
    assert "transmission_line" in data


def test_simulate_and_exports(run: Run, protocol: Path, tmp_path: Path) -> None:
    pytest.importorskip("pybamm")
    result = run(
        "twin", "simulate", EXAMPLE, "--protocol", protocol, "--model", "SPMe", "-o", tmp_path / "out",
        "--export-bpx", tmp_path / "cell.json", "--json",
    )  # fmt: skip
    assert result.code == 0, result.err
    data = json.loads(result.out)
    assert [step["kind"] for step in data["steps"]] == ["charge", "rest", "discharge"]
    assert data["steps"][0]["capacity_mAh_g"] == pytest.approx(20.0, rel=1e-3)
    assert (tmp_path / "cell.json").exists()
    assert (tmp_path / "out" / "curves.png").exists()


def test_rates(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("pybamm")
    path = tmp_path / "rates.png"
    result = run("twin", "rates", EXAMPLE, "--rates", "0.1,1", "--loadings", "5:15:2", "--model", "SPMe", "-o", path)
    assert result.code == 0, result.err
    assert "threshold" in result.out
    assert path.exists()
    data = json.loads(run("twin", "rates", EXAMPLE, "--rates", "0.1,1", "--model", "SPMe", "--json").out)
    assert data["capacity_kept"][0][0] == 1.0
    thresholds = data["loading_threshold_mg_cm2"]
    # L* falls with the square root of the current
    assert thresholds[0] / thresholds[1] == pytest.approx(np.sqrt(10.0), rel=1e-9)


def test_without_the_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pybamm" else real(name))
    for command in ("simulate", "rates", "validate"):
        result = run("twin", command, EXAMPLE)
        assert (result.code, "solidstack[companion]" in result.err) == (2, True), command
