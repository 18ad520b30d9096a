"""Consistency of a BioLogic file, which records much of its content twice: columns, charge, power, steps."""

import numpy as np
from numpy.typing import NDArray

from .raw import Raw
from .soundness import AGREEMENT

WITH_CURRENT = {"impedance", "chronoamperometry", "linear-sweep", "cyclic-voltammetry"}
SPECTRUM_COLUMNS = {"freq/Hz", "Re(Z)/Ohm", "-Im(Z)/Ohm", "|Z|/Ohm", "Phase(Z)/deg"}


def all_there(raw: Raw) -> None:
    """Check that the columns of a group are complete: if not, or if two of the same differ, a name is damaged."""
    names = set(raw.columns)
    voltage, current = names & {"Ewe/V", "<Ewe>/V", "Ewe-Ece/V"}, names & {"I/mA", "<I>/mA", "dq/mA.h", "control/mA"}
    missing = [] if "time/s" in names else ["time/s"]
    if raw.technique == "impedance":
        missing += sorted(SPECTRUM_COLUMNS - names)
    if raw.technique in WITH_CURRENT:
        missing += [name for name, group in (("Ewe/V", voltage), ("I/mA", current)) if not group]
    if missing:
        which = ", ".join(f'"{name}"' for name in missing)
        raw.warnings.append(
            f"has no column {which}, which is usual in such a file; the names of its columns may be damaged"
        )
    for name, other in (("Ewe/V", "<Ewe>/V"), ("I/mA", "<I>/mA")):
        if name in names and other in names:
            with np.errstate(all="ignore"):
                off = np.abs(raw.columns[name] - raw.columns[other])
                alike = bool(np.nanmedian(off) <= 0.2 * np.nanmedian(np.abs(raw.columns[name])) + 1e-9)
            if not alike:
                raw.warnings.append(f'has "{name}" and "{other}", which differ; one of the names may be damaged')


def current_from_charge(raw: Raw) -> None:
    """Derive the current from the charge between points, if the file has nothing else (as in GCPL)."""
    columns = raw.columns
    charge = "dq/mA.h"
    if not {charge, "time/s"} <= set(columns) or {"I/mA", "<I>/mA"} & set(columns) or len(columns["time/s"]) < 2:
        return
    step = np.diff(columns["time/s"])
    with np.errstate(all="ignore"):
        mean = columns[charge][1:] * 3600.0 / step
    control = next((name for name in ("control/mA", "control/V/mA") if name in columns), None)
    applied = columns[control][1:] if control and "mode" in columns else np.full_like(step, np.nan)
    galvanostatic = columns.get("mode", np.zeros(len(step) + 1))[1:] == 1.0
    mean = np.where(step > 0.0, mean, np.where(galvanostatic, applied, np.nan))
    columns["<I>/mA"] = np.concatenate([[0.0], mean])
    raw.warnings.append(
        "current is the charge between two points divided by the time between them; the file has no current"
    )


def compare(raw: Raw) -> None:
    """Compare charge with its increments, step numbers with their marks, and power with voltage and current."""
    columns = raw.columns
    if {"dq/mA.h", "(Q-Qo)/mA.h"} <= set(columns):
        total = columns["(Q-Qo)/mA.h"]
        _agree(raw, np.diff(total), columns["dq/mA.h"][1:], "(Q-Qo)/mA.h", "dq/mA.h", total)
    if {"Ns", "Ns changes"} <= set(columns):
        off = np.flatnonzero((np.diff(columns["Ns"]) != 0.0) != (columns["Ns changes"][1:] == 1.0))
        if off.size:
            raw.warnings.append(f"the step number and its change mark disagree, first at point {off[0] + 2}")
    if {"P/W", "I/mA", "Ewe/V"} <= set(columns):
        _agree(
            raw, columns["P/W"], columns["Ewe/V"] * columns["I/mA"] * 1e-3, "P/W", "Ewe/V times I/mA", columns["P/W"]
        )


def _agree(
    raw: Raw, one: NDArray[np.float64], other: NDArray[np.float64], name: str, of: str, size: NDArray[np.float64]
) -> None:
    with np.errstate(all="ignore"):
        scale = float(np.nanmax(np.abs(size[np.isfinite(size)]), initial=0.0))
        off = ~(np.abs(one - other) <= AGREEMENT * np.maximum(np.abs(other), 1e-3 * scale))
    if off.any() and scale > 0.0:
        row = int(np.flatnonzero(off)[0])
        raw.warnings.append(
            f'"{name}" disagrees with "{of}" at {int(off.sum())} of {len(off)} points, first at point {row + 1}; '
            "one of them is damaged"
        )
