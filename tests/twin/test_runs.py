"""Runs on disk."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from solidstack.errors import OutputError, StructureError
from solidstack.outcomes import Outcome
from solidstack.twin.results import SPLIT
from solidstack.twin.runs import curves, load, save

from ..runs import made


def test_round_trip(tmp_path: Path) -> None:
    run = made()
    save(run, tmp_path / "run")
    again = load(tmp_path / "run")
    for name in ("time", "voltage", "current_density", "capacity", "stoichiometry", "temperature", "depth"):
        assert np.array_equal(getattr(again, name), getattr(run, name)), name
    assert again.steps == run.steps
    assert (again.outcome, again.end_reason) == (run.outcome, run.end_reason) == (Outcome.COMPLETE, "complete")
    assert (again.active_loading, dict(again.balance)) == (0.2, dict(run.balance))
    for name in SPLIT:
        assert np.array_equal(again.split[name], run.split[name])
    assert set(again.profiles) == {"stoichiometry", "reaction"}


def test_what_is_no_number_does_not_cost_a_run(tmp_path: Path) -> None:
    step = dataclasses.replace(made().steps[0], average_voltage=np.nan)
    notes = {"inactive": {"no path": np.float32(0.25)}, "energy": np.inf}
    run = dataclasses.replace(made(), steps=(step,), balance={"lithium": np.nan}, provenance=notes)
    save(run, tmp_path)
    data = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert (data["lithium_balance_error"], data["steps"][0]["average_voltage_V"]) == (None, None)
    assert data["provenance"] == {"inactive": {"no path": 0.25}, "energy": None}
    again = load(tmp_path)
    assert np.isnan(again.balance["lithium"])
    assert again.provenance["energy"] == np.inf


def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    save(made(), tmp_path)
    save(made(shift=0.5), tmp_path)
    assert np.array_equal(load(tmp_path).voltage, made(shift=0.5).voltage)
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "curves.csv", "arrays.npz"}
    with pytest.raises(OutputError, match="is a file"):
        save(made(), tmp_path / "run.json")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"voltage": np.zeros(19)}, r"voltage has the shape \(19,\), time has 20 rows"),
        ({"profiles": {"reaction": np.zeros((20, 3))}}, "the profile of reaction has the shape"),
        ({"steps": (dataclasses.replace(made().steps[1], last=20),)}, r"steps\.1 has the rows 10 to 20, of 20"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(tmp_path: Path, changes: Any, words: str) -> None:
    run = made()
    save(run, tmp_path)
    with np.load(tmp_path / "arrays.npz") as file:
        arrays = dict(file)
    if "steps" in changes:
        exact = json.loads(bytes(arrays["exact"]).decode())
        exact["steps"] = [step.__dict__ for step in changes["steps"]]
        arrays["exact"] = np.frombuffer(json.dumps(exact).encode(), np.uint8)
    elif "profiles" in changes:
        arrays["profile reaction"] = changes["profiles"]["reaction"]
    else:
        arrays |= changes
    np.savez(tmp_path / "arrays.npz", **arrays)
    with pytest.raises(StructureError, match=words):
        load(tmp_path)


def test_torn_runs_are_refused(tmp_path: Path) -> None:
    save(made(), tmp_path / "run")
    whole = (tmp_path / "run" / "arrays.npz").read_bytes()
    (tmp_path / "run" / "arrays.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StructureError, match="is not a complete run"):
        load(tmp_path / "run")
    with pytest.raises(StructureError, match="no such file"):
        load(tmp_path / "other")


def test_curves_in_the_units_shown() -> None:
    lines = curves(made()).splitlines()
    header = lines[0].split(",")
    assert header[:8] == (
        "step kind time_h voltage_V current_density_mA_cm2 capacity_mAh_g stoichiometry temperature_degC".split()
    )
    row = dict(zip(header, lines[20].split(","), strict=True))
    assert (row["kind"], float(row["capacity_mAh_g"]), float(row["current_density_mA_cm2"])) == ("discharge", 180, -1)
    assert float(row["temperature_degC"]) == pytest.approx(45.0)
    assert float(row["time_h"]) == pytest.approx(1.9)
    assert sum(float(row[f"{name}_V"]) for name in SPLIT) == pytest.approx(float(row["voltage_V"]), abs=1e-8)


@pytest.mark.parametrize(
    ("stored", "outcome"), [("complete", Outcome.COMPLETE), ("salt depleted (down to 1 %)", Outcome.NO_SOLUTION)]
)
def test_run_of_an_earlier_version_is_read(tmp_path: Path, stored: str, outcome: Outcome) -> None:
    """Its outcome was a sentence, and its steps had none."""
    save(made(), tmp_path / "run")
    path = tmp_path / "run" / "arrays.npz"
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    exact = json.loads(bytes(arrays.pop("exact")).decode())
    del exact["end_reason"]
    exact["outcome"] = stored
    for step in exact["steps"]:
        del step["outcome"]
    np.savez_compressed(path, exact=np.frombuffer(json.dumps(exact).encode(), np.uint8), **arrays)
    run = load(tmp_path / "run")
    assert (run.outcome, run.end_reason) == (outcome, stored)
    assert {step.outcome for step in run.steps} == {Outcome.COMPLETE}
    assert [step.end_reason for step in run.steps] == [step.end_reason for step in made().steps]
