"""Runs on disk: the curves of a charge and discharge, and measured curves to compare them with."""

import csv
import io
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StructureError
from ..files import read_json, staged_folder
from ..units import AREAL_CAPACITY, SPECIFIC_CAPACITY, VOLTAGE
from .results import SPLIT, Run, Step
from .tables import read_table

Array = NDArray[np.float64]

ARRAYS = ("time", "voltage", "current_density", "capacity", "stoichiometry", "temperature")


def save(run: Run, folder: str | os.PathLike[str]) -> Path:
    """Write a run: run.json (figures and provenance), curves.csv, arrays.npz (all of it, exactly).

    Raises
    ------
    OutputError
        The folder cannot be written; nothing is left half-written.
    """
    with staged_folder(folder) as stage:
        data = run.to_dict() | {"balance": dict(run.balance), "provenance": dict(run.provenance)}
        text = json.dumps(data, indent=2, allow_nan=False, default=_plain) + "\n"
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
            "outcome": run.outcome,
        }
        arrays["exact"] = np.frombuffer(json.dumps(exact, default=_plain).encode(), np.uint8)
        np.savez_compressed(stage / "arrays.npz", **arrays)
    return Path(folder) / "run.json"


def load(folder: str | os.PathLike[str]) -> Run:
    """Read a run that `save` wrote.

    Raises
    ------
    StructureError
        The folder has no run, or a torn one.
    """
    place = Path(folder)
    notes = read_json(place / "run.json", StructureError)
    try:
        with (place / "arrays.npz").open("rb") as stream, np.load(stream) as file:
            arrays = {name: file[name] for name in file.files}
        exact = json.loads(bytes(arrays.pop("exact")).decode())
        return Run(
            **{name: arrays[name] for name in ARRAYS},
            model=exact["model"],
            steps=tuple(Step(**step) for step in exact["steps"]),
            active_loading=exact["active_loading"],
            inactive_fraction=exact["inactive_fraction"],
            outcome=exact["outcome"],
            split={name: arrays[f"split {name}"] for name in SPLIT if f"split {name}" in arrays},
            depth=arrays["depth"],
            profiles={key.removeprefix("profile "): v for key, v in arrays.items() if key.startswith("profile ")},
            balance=notes["balance"],
            provenance=notes["provenance"],
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        msg = f"holds no whole run ({error}); run it again"
        raise StructureError(msg, source=os.fspath(folder)) from None


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


@dataclass(frozen=True)
class Measured:
    """A measured curve: voltage against capacity.

    Attributes
    ----------
    source : str
        File.
    kind : str
        charge or discharge, by whether the voltage rises.
    capacity : array, shape (n,)
        Per mass of active material, A s/kg.
    voltage : array, shape (n,)
        V.
    """

    source: str
    kind: str
    capacity: Array
    voltage: Array


def read_measured(path: str | os.PathLike[str], *, active_loading: float | None = None) -> list[Measured]:
    """Read measured curves from a CSV with the columns capacity and voltage, and perhaps step or cycle.

    Parameters
    ----------
    path : path
        Capacity in mAh/g of active material, or per area with the unit in the column's name, as in
        ``capacity (mAh/cm^2)``. A new curve begins where the column step or cycle changes, or, without one, where the
        capacity falls back.
    active_loading : float, optional
        Active material per area of electrode, kg/m2; needed for capacities per area.

    Raises
    ------
    StructureError
        Missing columns, what is no number, too few rows.
    """
    table = read_table(path, 2)
    capacity_at, voltage_at = table.column("capacity|mah|^q"), table.column("volt|potential|ewe|^u|^e$|ecell")
    if capacity_at is None or voltage_at is None:
        msg = f"wants the columns capacity (mAh/g) and voltage (V); it has {', '.join(table.header) or 'no header'}"
        raise StructureError(msg, source=table.source)
    per_area = "cm" in table.name(capacity_at).casefold() and "cm3" not in table.name(capacity_at).casefold()
    if per_area and active_loading is None:
        msg = "has its capacity per area; the active material per area is needed to compare it"
        raise StructureError(msg, source=table.source)
    step_at = table.column("step|cycle|half")
    kind, unit = (AREAL_CAPACITY, "mAh/cm^2") if per_area else (SPECIFIC_CAPACITY, "mAh/g")
    found: list[tuple[list[float], list[float]]] = []
    last: tuple[str, float] | None = None
    for row in table.rows:
        charge = table.value(row, capacity_at, kind, unit) / (active_loading if per_area and active_loading else 1.0)
        volts = table.value(row, voltage_at, VOLTAGE, "V")
        mark = row[1][step_at] if step_at is not None and step_at < len(row[1]) else ""
        fell = step_at is None and last is not None and charge < 0.5 * last[1]
        if last is None or mark != last[0] or fell:
            found.append(([], []))
        found[-1][0].append(charge)
        found[-1][1].append(volts)
        last = mark, charge
    result = []
    for charges, voltages in found:
        if len(charges) < 3:
            continue
        order = np.argsort(charges, kind="stable")
        capacity, voltage = np.array(charges)[order], np.array(voltages)[order]
        quarter = max(1, len(order) // 4)
        rises = voltage[-quarter:].mean() > voltage[:quarter].mean()
        result.append(Measured(table.source, "charge" if rises else "discharge", capacity, voltage))
    if not result:
        msg = "has no curve of three points or more"
        raise StructureError(msg, source=table.source)
    return result


def deviation(run: Run, measured: Measured) -> dict[str, float] | None:
    """Compare the last step of the same kind with a measured curve: voltages over capacity, and the capacities.

    Returns
    -------
    dict or None
        ``rms_mV``, ``max_mV`` (over the capacity that both reach, its first and last 2 % left out),
        ``capacity_pct`` (simulated against measured); None where the run has no such step with charge.
    """
    step = run.of(measured.kind)
    if step is None or step.capacity == 0.0:
        return None
    rows = run.rows(step)
    end = min(step.capacity, float(measured.capacity[-1]))
    at = np.linspace(0.02, 0.98, 200) * end
    apart = np.interp(at, run.capacity[rows], run.voltage[rows]) - np.interp(at, measured.capacity, measured.voltage)
    return {
        "rms_mV": 1e3 * float(np.sqrt(np.mean(apart**2))),
        "max_mV": 1e3 * float(np.abs(apart).max()),
        "capacity_pct": 100.0 * (step.capacity / float(measured.capacity[-1]) - 1.0),
    }
