"""Measured curves of voltage against capacity, and how far the branches of a run lie from them."""

import os
import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..errors import Problem, StructureError, UnitError
from ..tables import Table, read_table, unit_of
from ..units import AREAL_CAPACITY, CAPACITY, SPECIFIC_CAPACITY, VOLTAGE, Kind, parse
from .results import Run

Array = NDArray[np.float64]

LEAST_POINTS = 3
FLAT = 5e-3
"""V, over which a measured voltage moves less in a rest or a hold."""
NOISE = 0.02
"""Of the span of a measured capacity; it turns where it goes back by more."""
FALL = 0.3
"""Of the span, by which a measured capacity falls back in one row where its counter starts again."""


@dataclass(frozen=True)
class Branch:
    """Steps in one direction, one after the other: a charge and its hold, the pulses of a titration and their rests.

    Attributes
    ----------
    kind : str
        charge or discharge.
    capacity : array, shape (n,)
        Since the branch began, per mass of active material, A s/kg.
    voltage : array, shape (n,)
        V.
    """

    kind: str
    capacity: Array
    voltage: Array


def branches(run: Run) -> list[Branch]:
    """Join the steps of a run that go on in the same direction; rests between them belong to them, others do not."""
    joined: list[Branch] = []
    rests: list[Array] = []
    for step in run.steps:
        rows = run.rows(step)
        total = float(np.sum(run.current_density[rows]))
        if step.kind == "rest" or step.capacity == 0.0 or total == 0.0:
            rests.append(run.voltage[rows])
            continue
        kind = "charge" if total > 0.0 else "discharge"
        capacity, voltage = run.capacity[rows], run.voltage[rows]
        if joined and joined[-1].kind == kind:
            last = joined.pop()
            reached = last.capacity[-1]
            waited = np.full(sum(map(len, rests)), reached)
            capacity = np.concatenate([last.capacity, waited, reached + capacity])
            voltage = np.concatenate([last.voltage, *rests, voltage])
        joined.append(Branch(kind, capacity, voltage))
        rests = []
    return joined


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
        Per mass of active material, A s/kg; rising.
    voltage : array, shape (n,)
        V.
    """

    source: str
    kind: str
    capacity: Array
    voltage: Array


def read_measured(
    path: str | os.PathLike[str], *, active_loading: float | None = None, mass: float | None = None
) -> list[Measured]:
    """Read measured curves from a CSV with the columns capacity and voltage, and perhaps step or cycle.

    Parameters
    ----------
    path : path
        The unit is part of the column's name, as in ``capacity (mAh/cm^2)``, ``Capacity/mA.h`` or ``capacity_mAh_g``;
        without one it is mAh/g of active material, and V. Charge and discharge may have a column each. A new curve
        begins where a column step or cycle changes, and where the capacity turns or falls back.
    active_loading : float, optional
        Active material per area of electrode, kg/m2; needed for capacities per area.
    mass : float, optional
        Of the active material, kg; needed for capacities that are charges.

    Returns
    -------
    list of Measured
        In the order of the file. Rests and holds (voltage within 5 mV) are left out.

    Raises
    ------
    StructureError
        Missing columns, an unknown unit, a value that is not a number, too few rows.
    """
    table = read_table(path, 2)
    columns, factor = _capacities(table, active_loading, mass)
    voltage_at = table.column(r"volt|potential|ewe|ecell|^u|^e\b", besides=columns[0])
    if voltage_at is None:
        raise _missing_columns(table)
    _, volt = _unit(table, voltage_at, (VOLTAGE,), "V")
    marks = [
        at
        for at, name in enumerate(table.header)
        if re.search("step|cycle|half|^ns$", name.casefold())
        # not the time in a step, nor the capacity of a cycle
        and not re.search("time|cap|energy|volt|curr|effic", name.casefold())
    ]
    charge = factor * np.array([[table.number(row, at) for at in columns] for row in table.rows])
    passed = charge[:, 0] - (charge[:, 1] if len(columns) > 1 else 0.0)
    voltage = volt * np.array([table.number(row, voltage_at) for row in table.rows])
    keys = [tuple(row[1][at] if at < len(row[1]) else "" for at in marks) for row in table.rows]
    result = []
    for rows, start in _sections(passed, keys):
        capacity = np.abs(passed[rows] - start)
        # waiting before and after the current does not belong to the curve
        first = int(np.flatnonzero(capacity == capacity[0])[-1])
        at = rows[first : int(np.argmax(capacity)) + 1]
        if len(at) < LEAST_POINTS or np.ptp(voltage[at]) < FLAT:
            continue
        capacity = np.abs(passed[at] - start)
        order = np.argsort(capacity, kind="stable")
        capacity, volts = capacity[order], voltage[at][order]
        quarter = max(1, len(order) // 4)
        rises = volts[-quarter:].mean() > volts[:quarter].mean()
        result.append(Measured(table.source, "charge" if rises else "discharge", capacity, volts))
    if not result:
        msg = f"has no curve of {LEAST_POINTS} points or more"
        raise StructureError(msg, source=table.source)
    return result


def _capacities(table: Table, active_loading: float | None, mass: float | None) -> tuple[list[int], float]:
    """Columns of the capacity, that of the charge before that of the discharge, and the factor to A s/kg."""
    named = [at for at, name in enumerate(table.header) if re.search(r"capa|\bcap\b|m?a\.?h\b|^\(?q", name.casefold())]
    if not named:
        raise _missing_columns(table)
    kinds = (SPECIFIC_CAPACITY, AREAL_CAPACITY, CAPACITY)
    read = {at: _unit(table, at, kinds, "mAh/g") for at in named}
    per = {SPECIFIC_CAPACITY.name: 1.0, AREAL_CAPACITY.name: active_loading, CAPACITY.name: mass}
    usable = [at for kind in kinds for at in named if read[at][0] is kind and per[kind.name] is not None]
    if not usable:
        kind = read[named[0]][0]
        what = "per area; the active material per area" if kind is AREAL_CAPACITY else "as a charge; the active mass"
        msg = f"has its capacity {what} is needed to compare it (or give the capacity in mAh/g)"
        raise StructureError(Problem(msg, key=table.name(named[0])), source=table.source)
    kind, factor = read[usable[0]]
    same = [at for at in usable if read[at][0] is kind]
    down = [at for at in same if re.search(r"dis|dchg", table.name(at).casefold())]
    up = [at for at in same if at not in down and re.search(r"charge|chg", table.name(at).casefold())]
    columns = [up[0], down[0]] if up and down else same[:1]
    return columns, factor / float(per[kind.name] or 1.0)


def _unit(table: Table, column: int, kinds: tuple[Kind, ...], usual: str) -> tuple[Kind, float]:
    """Find what a column is by the unit in its name, and the SI value of that unit."""
    name = table.name(column)
    suffix = re.search(r"_([mµu]?(?:V|Ah))(?:_(g|kg|cm2|m2))?$", name)
    unit = unit_of(name, kinds[0])
    if suffix:
        unit = suffix[1] + (f"/{suffix[2].replace('2', '^2')}" if suffix[2] else "")
    for kind in kinds:
        try:
            return kind, float(parse(f"1 {unit or usual}", kind))
        except UnitError:
            continue
    expected = " or ".join(kind.shown.symbol for kind in kinds)
    msg = f'"{unit}" is not a unit for this column; expected {expected}, as in {kinds[0].name.split()[0]} ({usual})'
    raise StructureError(Problem(msg, key=name), source=table.source)


def _missing_columns(table: Table) -> StructureError:
    has = ", ".join(table.header) or "no header"
    msg = f"must have the columns capacity (mAh/g) and voltage (V); it has {has}"
    return StructureError(msg, source=table.source)


def _sections(passed: Array, keys: list[tuple[str, ...]]) -> list[tuple[NDArray[np.int64], float]]:
    """Split rows where a key changes, where the charge falls back to its beginning and where it turns.

    Returns the rows of each section, and the charge from which its capacity counts.
    """
    least = NOISE * float(np.ptp(passed))
    if least == 0.0:
        return []
    change = np.diff(passed)
    groups: list[list[int]] = []
    for row in range(len(passed)):
        jump = 0.0 if row == 0 else change[row - 1]
        # falls back in one row, against the direction before and after
        around = [change[at] for at in (row - 2, row) if 0 <= at < len(change)]
        back = abs(jump) > FALL * np.ptp(passed) and all(jump * neighbour <= 0.0 for neighbour in around)
        if row == 0 or keys[row] != keys[row - 1] or back:
            groups.append([])
        groups[-1].append(row)
    sections = []
    before: float | None = None
    for group in groups:
        cuts = _turns(passed[group], least)
        edges = [0, *(cut + 1 for cut in cuts), len(group)]
        for begin, end in pairwise(edges):
            rows = np.array(group[begin:end])
            start, stop = float(passed[rows[0]]), float(passed[rows[-1]])
            if before is not None and (begin > 0 or abs(start - before) <= least):
                origin = before  # the column goes on counting
            else:
                origin = min(start, 0.0) if stop >= start else start
            sections.append((rows, origin))
            before = stop
    return sections


def _turns(values: Array, least: float) -> list[int]:
    """Places at which values turn by more than `least`."""
    turns, extreme, direction = [], 0, 0
    for at in range(1, len(values)):
        moved = values[at] - values[extreme]
        if direction == 0:
            if abs(moved) > least:
                direction, extreme = (1 if moved > 0.0 else -1), at
        elif moved * direction >= 0.0:
            extreme = at if moved else extreme
        elif abs(moved) > least:
            turns.append(extreme)
            direction, extreme = -direction, at
    return turns


def deviation(run: Run, measured: Measured) -> dict[str, float] | None:
    """Compare the last branch of the same kind with a measured curve: voltages over capacity, and the capacities.

    Returns
    -------
    dict or None
        ``rms_mV``, ``max_mV`` (over the capacity that both have, its first and last 2 % left out),
        ``capacity_pct`` (simulated against measured); None where the run has no such branch, or they share nothing.
    """
    branch = next((branch for branch in reversed(branches(run)) if branch.kind == measured.kind), None)
    if branch is None:
        return None
    begin = max(float(branch.capacity[0]), float(measured.capacity[0]))
    end = min(float(branch.capacity[-1]), float(measured.capacity[-1]))
    if end <= begin:
        return None
    at = begin + np.linspace(0.02, 0.98, 200) * (end - begin)
    apart = np.interp(at, branch.capacity, branch.voltage) - np.interp(at, measured.capacity, measured.voltage)
    return {
        "rms_mV": 1e3 * float(np.sqrt(np.mean(apart**2))),
        "max_mV": 1e3 * float(np.abs(apart).max()),
        "capacity_pct": 100.0 * (float(branch.capacity[-1] / measured.capacity[-1]) - 1.0),
    }
