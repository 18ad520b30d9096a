"""What makes the figures of a cycled cell doubtful: a reversed current, gaps, breakdowns, cut cycles."""

import itertools

import numpy as np

from ..units import MAH
from .half_cycles import NAN, Cycle, HalfCycle, joint_uncertainty
from .records import CYCLE, STEP, Record

UNSETTLED = 5e-3
"""Share of its charge that lies in gaps above which a half cycle is reported."""
AGAINST = 0.02
"""Share of the voltage window by which a half cycle moves against its current where its sign may be reversed."""
COUNTER = 0.01
"""Relative difference to the instrument's own capacity above which it is reported."""


def reversed_current_reason(cycles: list[Cycle], halves: list[HalfCycle]) -> str:
    """Why the sign of the current looks reversed; empty where it does not.

    A cell gives back its charge at a lower voltage than it took it, and its voltage rises while it is charged.
    """
    means: dict[str, list[float]] = {"charge": [], "discharge": []}
    above = 0
    for cycle in cycles:
        charge, discharge = cycle.of("charge"), cycle.of("discharge")
        # of much different charges the voltages are of different states
        if charge is None or discharge is None or not 0.5 < discharge.charge / charge.charge < 2.0:
            continue
        for half in (charge, discharge):
            means[half.kind].append(half.mean_voltage)
        above += discharge.mean_voltage > charge.mean_voltage
    if above > 0.5 * len(means["charge"]):
        high, low = (float(np.median(means[kind])) for kind in ("discharge", "charge"))
        return f"the mean voltage of the discharges ({high:.4g} V) is above that of the charges ({low:.4g} V)"
    # the voltage of a symmetric cell is of the current alone, and falls as contacts form
    seen = [half for half in halves if half.breakdown is None]
    if not seen or not all(half.mean_voltage > 0.0 for half in seen):
        return ""
    window = max(float(half.voltage.max()) for half in seen) - min(float(half.voltage.min()) for half in seen)
    against = sum(_trend(half) < -AGAINST * window for half in seen)
    if against <= 0.5 * len(seen):
        return ""
    return f"the voltage moves against it in {against} of {len(seen)} half cycles"


def _trend(half: HalfCycle) -> float:
    """Change of the voltage with its current over a half cycle by a line over the charge, V."""
    even = np.linspace(0.0, 1.0, 51)[1:] - 0.5
    voltage = np.interp((even + 0.5) * half.charge, half.capacity, half.voltage)
    slope = float(even @ (voltage - voltage.mean())) / float(even @ even)
    return slope if half.kind == "charge" else -slope


def doubts(cycles: list[Cycle], halves: list[HalfCycle], record: Record, warnings: list[str]) -> None:
    """Say what makes the numbers doubtful."""
    apart = [(abs(half.counter / half.charge - 1.0), half) for half in halves if np.isfinite(half.counter)]
    off = [(size, half) for size, half in apart if size > COUNTER]
    if off:
        size, half = max(off, key=lambda pair: pair[0])
        warnings.append(
            f"the instrument's own capacity differs from current over time by more than {100 * COUNTER:g} % in "
            f"{len(off)} of {len(apart)} half cycles, by {100 * size:.3g} % in the {half.kind} of rows "
            f"{half.first + 1} to {half.last + 1} ({MAH.of(half.counter):.4g} mAh and {MAH.of(half.charge):.4g} mAh): "
            "points are too far apart, or the file is a part of the test"
        )
    late = [half for half in halves if half.gap > UNSETTLED * half.charge]
    if late:
        worst = max(late, key=lambda half: half.gap / half.charge)
        warnings.append(
            f"the first point under current comes late after the switch in {len(late)} of {len(halves)} half cycles: "
            "half of the current times that gap is counted as charge, which may be wrong by as much, "
            f"{100.0 * worst.gap / worst.charge:.2g} % in the {worst.kind} of rows {worst.first + 1} to "
            f"{worst.last + 1}; record a point at each switch, and the rests"
        )
    complete = [cycle for cycle in cycles if cycle.complete]
    if len(halves) == 1:
        warnings.append(f"one {halves[0].kind} only: no efficiency and no retention")
    elif not cycles[-1].complete:
        missing = len(cycles[-1].halves) == 1
        why = f"it has a {cycles[-1].halves[0].kind} only" if missing else "it stops before the voltage of the others"
        warnings.append(f"cycle {cycles[-1].number} is incomplete, {why}; it is left out of efficiency and retention")
    if complete and complete[0].halves[0].kind == "discharge":
        warnings.append(
            "cycles begin with a discharge: the efficiency is that of the charge over the discharge before it"
        )
    many = [
        cycle.number
        for cycle in complete
        if cycle.efficiency * min(1.0 - joint_uncertainty(*cycle.halves), 1.0 / 1.005) > 1.0
    ]
    if many:
        first = ", ".join(map(str, many[:5]))
        warnings.append(
            f"more charge comes out than went in (cycle {first}{', ...' if len(many) > 5 else ''}): a cell that was "
            "charged before, a drift of the current, or cycles that are cut wrongly"
        )
    broken = [half for half in halves if half.breakdown is not None]
    if broken:
        charge, before, after = broken[0].breakdown or (NAN, NAN, NAN)
        warnings.append(
            f"the voltage jumps from {before:.3g} V to {after:.3g} V under steady current, {MAH.of(charge):.3g} mAh "
            f"into the {broken[0].kind} of rows {broken[0].first + 1} to {broken[0].last + 1}"
            f"{f' (and in {len(broken) - 1} more)' if len(broken) > 1 else ''}: a short circuit or a lost contact; "
            "what follows is no capacity"
        )
    if record.has(STEP) and not record.has(CYCLE):
        _steps(record, halves, warnings)
    if min(float(half.mean_voltage) for half in halves) < 0.0:
        warnings.append("the mean voltage is below 0 in a half cycle: a symmetric cell, or leads the wrong way round")


def _steps(record: Record, halves: list[HalfCycle], warnings: list[str]) -> None:
    """Check that no step of the instrument has current of both signs."""
    step = record.values(STEP)
    ends = [(step[before.last], step[after.first]) for before, after in itertools.pairwise(halves)]
    same = sum(bool(before == after) for before, after in ends)
    if same:
        warnings.append(
            f"the current changes its sign within a step of the instrument {same} time{'s' if same > 1 else ''}: half "
            "cycles are split there anyway"
        )
