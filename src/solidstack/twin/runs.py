"""Runs on disk: figures and provenance, curves to look at, and every array exactly."""

import csv
import io
import json
import math
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import StructureError
from ..files import missing, staged_folder
from ..outcomes import Outcome
from .results import SPLIT, Run, Step

ARRAYS = ("time", "voltage", "current_density", "capacity", "stoichiometry", "temperature")


def save(run: Run, folder: str | os.PathLike[str]) -> Path:
    """Write a run: run.json (figures and provenance) and curves.csv to look at, arrays.npz (all of it, exactly).

    Raises
    ------
    OutputError
        The folder cannot be written; nothing is left half-written.
    """
    with staged_folder(folder) as stage:
        notes = {"balance": dict(run.balance), "provenance": dict(run.provenance)}
        # plain first: JSON has no NaN or infinity, which must not cost a run that took hours
        data = _finite(json.loads(json.dumps(run.to_dict() | notes, default=_plain)))
        text = json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        stage.joinpath("run.json").write_text(text, encoding="utf-8")
        stage.joinpath("curves.csv").write_text(curves(run), encoding="utf-8")
        arrays: dict[str, Any] = {name: getattr(run, name) for name in ARRAYS}
        arrays |= {f"split {name}": values for name, values in run.split.items()}
        arrays |= {f"profile {name}": values for name, values in run.profiles.items()}
        arrays["depth"] = run.depth
        exact = {
            "model": run.model,
            "steps": [step.__dict__ for step in run.steps],
            "active_loading": run.active_loading,
            "inactive_fraction": run.inactive_fraction,
            "outcome": run.outcome.value,
            "end_reason": run.end_reason,
            **notes,
        }
        arrays["exact"] = np.frombuffer(json.dumps(exact, default=_plain).encode(), np.uint8)
        np.savez_compressed(stage / "arrays.npz", **arrays)
    return Path(folder) / "run.json"


def load(folder: str | os.PathLike[str]) -> Run:
    """Read a run that `save` wrote.

    Raises
    ------
    StructureError
        The folder has no run, or an incomplete one.
    """
    path = Path(folder) / "arrays.npz"
    if not path.exists():
        raise missing(path, StructureError, "give the folder of a saved run, which has run.json and arrays.npz")
    try:
        with path.open("rb") as stream, np.load(stream) as file:  # np.load leaves a torn file open
            arrays = {name: file[name] for name in file.files}
        exact = json.loads(bytes(arrays.pop("exact")).decode())
        run = Run(
            **{name: arrays[name] for name in ARRAYS},
            model=exact["model"],
            steps=tuple(_step(step) for step in exact["steps"]),
            active_loading=exact["active_loading"],
            inactive_fraction=exact["inactive_fraction"],
            **_end(exact),
            split={name: arrays[f"split {name}"] for name in SPLIT if f"split {name}" in arrays},
            depth=arrays["depth"],
            profiles={key.removeprefix("profile "): v for key, v in arrays.items() if key.startswith("profile ")},
            balance=exact["balance"],
            provenance=exact["provenance"],
        )
        _check(run)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        msg = f"is not a complete run ({error}); run it again"
        raise StructureError(msg, source=os.fspath(folder)) from None
    return run


def _step(stored: dict[str, Any]) -> Step:
    """Step of a stored run; before version 0.5 it had no outcome: in a run that went on, it ended at a limit.

    Which one is only in the words, and those are not searched: `Outcome.COMPLETE` stands for any of them.
    """
    return Step(**{**stored, "outcome": Outcome(stored.get("outcome", Outcome.COMPLETE))})


def _end(stored: dict[str, Any]) -> dict[str, Any]:
    """Outcome and end reason of a stored run.

    Earlier versions stored one sentence as the outcome, "complete" or why the run stopped. Which kind of stop it was is
    not read out of the words: `Outcome.NO_SOLUTION` stands for all of them.
    """
    if "end_reason" in stored:
        return {"outcome": Outcome(stored["outcome"]), "end_reason": stored["end_reason"]}
    complete = stored["outcome"] == Outcome.COMPLETE.value
    return {"outcome": Outcome.COMPLETE if complete else Outcome.NO_SOLUTION, "end_reason": stored["outcome"]}


def _check(run: Run) -> None:
    """Refuse arrays whose shapes do not match."""
    size = len(run.time)
    rows = {name: getattr(run, name) for name in ARRAYS} | {f"split {k}": v for k, v in run.split.items()}
    for name, values in rows.items():
        if values.shape != (size,):
            msg = f"{name} has the shape {values.shape}, time has {size} rows"
            raise ValueError(msg)
    for name, values in run.profiles.items():
        if values.shape != (size, len(run.depth)):
            msg = f"the profile of {name} has the shape {values.shape}, not {(size, len(run.depth))}"
            raise ValueError(msg)
    for step in run.steps:
        if not 0 <= step.first <= step.last + 1 <= size:
            msg = f"{step.where} has the rows {step.first} to {step.last}, of {size}"
            raise ValueError(msg)


def _finite(value: Any) -> Any:
    """Write null for NaN and infinity."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    """Turn NumPy's numbers into JSON's."""
    return value.item() if isinstance(value, np.generic) else str(value)


def curves(run: Run) -> str:
    """Write the curves as CSV, a row for each time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [name for name in SPLIT if name in run.split]
    columns = "step kind time_h voltage_V current_density_mA_cm2 capacity_mAh_g stoichiometry temperature_degC".split()
    writer.writerow([*columns, *(f"{name}_V" for name in names)])
    for number, step in enumerate(run.steps):
        for row in range(step.first, step.last + 1):
            values = (
                run.time[row] / 3600.0,
                run.voltage[row],
                run.current_density[row] / 10.0,
                run.capacity[row] / 3600.0,
                run.stoichiometry[row],
                run.temperature[row] - 273.15,
                *(run.split[name][row] for name in names),
            )
            writer.writerow([number, step.kind, *(f"{float(value):.9g}" for value in values)])
    return text.getvalue()
