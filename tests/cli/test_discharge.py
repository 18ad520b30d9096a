"""`solidstack twin discharge|simulate|rates|impedance|validate` end to end, on structures of few voxels."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from solidstack.design import load as load_design
from solidstack.design.protocol import read_protocol
from solidstack.outcomes import Outcome
from solidstack.progress import Progress
from solidstack.twin.electrochemistry.cycle import discharge as cycle
from solidstack.twin.runs import load
from solidstack.twin.structure import formats
from solidstack.twin.structure.voxels import Phase, Structure

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
    assert set(charge) >= {
        "kind", "capacity_mAh_g", "areal_capacity_mAh_cm2", "energy_mWh_cm2", "average_voltage_V", "end_reason",
        "seconds",
    }  # fmt: skip
    given, taken = discharge["capacity_mAh_g"], charge["capacity_mAh_g"]
    assert data["coulombic_efficiency_pct"] == pytest.approx(100.0 * given / taken)
    energies = discharge["energy_mWh_cm2"], charge["energy_mWh_cm2"]
    assert data["energy_efficiency_pct"] == pytest.approx(100.0 * energies[0] / energies[1])
    assert (data["model"], data["outcome"], data["inactive_am_pct"]) == ("twin", "complete", 0.0)
    assert (data["voxels"], data["device"] in ("cpu", "cuda")) == (128, True)
    assert {row["quality"] for row in data["parameters"]} <= {"measured", "derived", "assumed", "given"}
    assert any(row["what"].endswith("diffusivity") and row["source"] for row in data["parameters"])
    loaded = load(folder)
    assert loaded.to_dict() == {key: data[key] for key in loaded.to_dict()}
    curve = (folder / "curves.csv").read_text().splitlines()
    assert len(curve) == len(loaded.time) + 1
    assert data["lithium_balance_error"] < 1e-6
    assert data["current_balance_error"] < 1e-6
    names = {path.name for path in folder.iterdir()}
    assert {"run.json", "curves.csv", "arrays.npz", "curves.png", "course.png", "split.png", "profiles.png"} <= names
    assert "stoichiometry.gif" in names
    assert "checkpoint.npz" not in names
    assert len(list((folder / "fields").iterdir())) == 4


class KilledError(Exception):
    """In the middle of a run."""


SHORT = """
[[steps]]
kind = "charge"
current = "1C"
until = { capacity = "4 mAh/g" }
[[steps]]
kind = "rest"
until = { time = "1 min" }
"""


def test_a_run_that_was_killed_goes_on_from_its_checkpoint(run: Run, electrode: Path, tmp_path: Path) -> None:
    protocol = tmp_path / "short.toml"
    protocol.write_text(SHORT)
    folder = tmp_path / "cycle"
    folder.mkdir()
    checkpoint = folder / "checkpoint.npz"

    def kill(state: Progress) -> None:
        if state.share >= 0.5:  # the charge is done and saved
            raise KilledError

    design = load_design(EXAMPLE).with_(kinetics__ideal_electronics=True)
    arguments = ("twin", "discharge", electrode, EXAMPLE, "--protocol", protocol, "--ideal-electronics", "--json")
    with pytest.raises(KilledError):
        cycle(formats.read(electrode), design, protocol=read_protocol(protocol), checkpoint=checkpoint, progress=kill)
    kept = checkpoint.read_bytes()
    whole = json.loads(run(*arguments).out)
    resumed = run(*arguments, "-o", folder)
    assert resumed.code == 0, resumed.err
    data = json.loads(resumed.out)
    # the same figures; the charge was not run again, so its computing time is the killed run's
    for one, other in zip(data["steps"], whole["steps"], strict=True):
        seconds = one.pop("seconds"), other.pop("seconds")
        assert one == other
        assert seconds[0] != seconds[1]
    assert not checkpoint.exists()

    checkpoint.write_bytes(kept)
    other_design = (*arguments, "--set", "temperature=60 degC", "-o", folder)
    refused = run(*other_design)
    assert refused.code == 2
    assert "checkpoint.npz: belongs to another structure, design or protocol" in refused.err
    assert checkpoint.read_bytes() == kept
    table = run(*(word for word in other_design if word != "--json"), "--restart")
    assert table.code == 0, table.err
    for words in ("charge", "reached 4 mAh/g", "time over (1 min)", "128 voxels", "lithium balance to", "run.json"):
        assert words in table.out, words
    assert not checkpoint.exists()


def test_what_stores_no_charge_gives_the_reason_and_fails(run: Run, electrode: Path, tmp_path: Path) -> None:
    structure = formats.read(electrode)
    labels = structure.labels.copy()
    labels[-2:] = 2  # no active material on the collector
    formats.save(Structure(labels, structure.phases, structure.voxel, structure.periodic), tmp_path / "off.npz")
    result = run("twin", "discharge", tmp_path / "off.npz", EXAMPLE, "-o", tmp_path / "out")
    assert result.code == 1
    assert "the electrode stores no charge: of the active material 100 % has no electronic path" in result.err
    assert "inactive active material: 100 %" in result.out
    loaded = load(tmp_path / "out")
    assert loaded.outcome is Outcome.DISCONNECTED
    assert loaded.end_reason.startswith("the electrode stores no charge")
    data = json.loads(run("twin", "discharge", tmp_path / "off.npz", EXAMPLE, "--json").out)
    assert (data["inactive_am_pct"], data["steps"][0]["average_voltage_V"]) == (100.0, None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("discharge", "{electrode}", EXAMPLE, "-o", ""), "-o is given an empty name"),
        (("discharge", "{electrode}", EXAMPLE, "-o", "{wide}"), "is a file; give a folder"),
        (("discharge", "{electrode}", EXAMPLE, "-o", "{out}", "--fields", ","), "has no valid time"),
        (("discharge", "{electrode}", EXAMPLE, "-o", "{out}", "--fields", "2 um"), '"2 um" is a length'),
        (("discharge", "{electrode}", EXAMPLE, "--animation"), "give -o DIR"),
        (("discharge", "{electrode}", EXAMPLE, "--protocol", "none.toml"), "none.toml"),
        (("discharge", EXAMPLE, EXAMPLE), 'has the unsupported ending ".toml"'),
        (("impedance", "{electrode}", EXAMPLE, "-o", "z.tif"), "has no known ending for a figure"),
        (("rates", EXAMPLE, "-o", "rates.tif"), "has no known ending for a figure"),
        (("rates", EXAMPLE, "--rates", "0"), "numbers above 0"),
        (("simulate", EXAMPLE, "-o", ""), "-o is given an empty name"),
        (("simulate", EXAMPLE, "--protocol", "{bad}"), "did you mean"),
        (("simulate", EXAMPLE, "--export-bpx", "cell.txt"), "does not end in .json"),
        (("validate", EXAMPLE, "--measured", "none.csv"), "none.csv"),
        (("validate", EXAMPLE, "--measured-mass", "0 mg"), "expected a mass above 0"),
        (("validate", EXAMPLE, "-o", "{wide}"), "is a file; give a folder"),
        (("discharge", "none.npz", EXAMPLE), "none.npz"),
        (("discharge", "{electrode}", EXAMPLE, "--protocol", "{bad}"), "did you mean"),
        (("discharge", "{electrode}", EXAMPLE, "--protocol", "{wide}"), "outside the open-circuit potential"),
        (("discharge", "{electrode}", EXAMPLE, "--accuracy", "0"), "accuracy: 0 must be between 0.01 and 10"),
        (("discharge", "{electrode}", EXAMPLE, "--device", "cuda"), "no CUDA device"),
        (("discharge", "{electrode}", EXAMPLE, "--fields", "1 h"), "give -o DIR"),
        (("discharge", "{electrode}", EXAMPLE, "--set", "kinetics.transference_number=0"), "transference_number"),
        (("discharge", "{electrode}", EXAMPLE, "--set", "kinetics.transference_number=1.2"), "transference_number"),
        (("impedance", "{electrode}", EXAMPLE, "--frequencies", "0:1:3"), "LO:HI:N"),
        (("impedance", "{electrode}", EXAMPLE, "--stoichiometry", "2"), "2 must be between 0.1998 and 1"),
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
    places = {"electrode": str(electrode), "bad": str(bad), "wide": str(wide), "out": str(tmp_path / "out")}
    result = run("twin", *(text.format(**places) if "{" in text else text for text in arguments))
    assert result.code == 2, (result.out, result.err)
    assert words in result.err
    assert "Traceback" not in result.err
    assert not (tmp_path / "out").exists()


def test_a_structure_without_roles_is_refused(run: Run, tmp_path: Path) -> None:
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
    assert data["model"] == "PyBaMM SPMe"
    assert (tmp_path / "cell.json").exists()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "run.json", "curves.csv", "arrays.npz", "curves.png", "course.png", "split.png"
    }  # fmt: skip
    table = run("twin", "simulate", EXAMPLE, "--protocol", protocol, "--model", "SPMe")
    lines = {line.split()[0]: line for line in table.out.splitlines() if "over charge" not in line}
    assert lines["charge"].split()[1] == "20.0"
    assert data["steps"][2]["end_reason"] in lines["discharge"]
    assert "discharge over charge: " in table.out
    assert lines["rest"].split()[1:4] == ["0.0", "0", "0"]
    wired = run(
        "twin", "simulate", EXAMPLE, "--protocol", protocol, "--model", "SPMe", "--json",
        "--set", "kinetics.ideal_electronics=true",
    )  # fmt: skip
    assert wired.code == 0, wired.err
    assert json.loads(wired.out)["steps"][0]["average_voltage_V"] < data["steps"][0]["average_voltage_V"] - 1e-4


def test_rates(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("pybamm")
    path = tmp_path / "rates.png"
    result = run("twin", "rates", EXAMPLE, "--rates", "0.1,1", "--loadings", "5:15:2", "--model", "SPMe", "-o", path)
    assert result.code == 0, result.err
    assert "threshold" in result.out
    assert path.exists()
    data = json.loads(run("twin", "rates", EXAMPLE, "--rates", "0.1,1", "--model", "SPMe", "--json").out)
    assert data["outcome"][0][0] == Outcome.VOLTAGE
    assert data["end_reason"][0][0] == "reached 2.7 V"
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
