"""What an action of a protocol asks of the half-cell, and which of its limits, or of the cell's, ended it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ...design import Action, Rate
from ...design.actions import Limit
from ...outcomes import End, Outcome
from .half_cell import Section
from .half_cell_equations import CONTROLS, DEPLETED, FREE, Stop
from .scaling import Cell, Inputs

EDGE = 1e-4
"""Stoichiometry from 0 and 1 at which the surface of a particle counts as empty or full."""
LONGEST_HOLD = 1e7
"""s; a hold without a time limit whose current does not fall ends then."""

LIMITS = (Outcome.VOLTAGE, Outcome.DEPLETED, Outcome.SATURATED)
"""Ends after which the rest of a train of pulses is left out: the cell itself has come to a limit."""


@dataclass(frozen=True)
class Before:
    """Where the actions before have left the cell.

    Attributes
    ----------
    charge : float
        That has passed, per area, A s/m2.
    least_surface, most_surface : float
        Stoichiometry at the surface of the particles.
    salt : float
        Least concentration over the nominal one.
    """

    charge: float = 0.0
    least_surface: float = 0.5
    most_surface: float = 0.5
    salt: float = 1.0


@dataclass(frozen=True)
class Control:
    """What an action asks of the half-cell.

    Attributes
    ----------
    inputs : dict of str to float
        By the names of `CONTROLS`.
    duration : float
        Longest, s.
    limit : str or None
        Limit of the action that the duration stands for; None: it is only there to end at all.
    """

    inputs: Inputs
    duration: float
    limit: Limit | None


def control(action: Action, cell: Cell, before: Before) -> Control:
    """Return what an action asks of the half-cell."""
    inputs = (
        dict.fromkeys(CONTROLS, 0.0)
        | FREE
        | {
            "charge before": before.charge,
            # where an action before has ended at an edge, this one goes on from there
            "least surface": min(EDGE, 0.5 * before.least_surface),
            "most surface": max(1.0 - EDGE, 0.5 + 0.5 * before.most_surface),
            # at rest nothing uses the salt up, but it may fall further for a moment
            "least salt": -1.0 if action.kind == "rest" else min(DEPLETED, 0.5 * before.salt),
        }
    )
    return _hold(action, cell, inputs) if action.kind == "hold" else _by_current(action, cell, inputs)


def _hold(action: Action, cell: Cell, inputs: Inputs) -> Control:
    assert action.voltage is not None
    inputs["applied voltage"] = action.voltage
    if action.current_limit is not None:
        inputs["least current"] = _current_density(action.current_limit, cell)
    if action.capacity_limit is not None:
        inputs["most charge"] = action.capacity_limit * cell.effective.active_loading
    if action.time_limit is not None and math.isfinite(action.time_limit):
        return Control(inputs, action.time_limit, "time")
    return Control(inputs, LONGEST_HOLD, None)


def _by_current(action: Action, cell: Cell, inputs: Inputs) -> Control:
    inputs["by current"] = 1.0
    duration = math.inf if action.time_limit is None else action.time_limit
    limit: Limit = "time"
    if action.rate is None:
        return Control(inputs, duration, limit)
    current = _current_density(action.rate, cell)
    inputs["applied current"] = -action.sign * current
    if action.voltage_limit is not None:
        inputs["highest voltage" if action.sign > 0.0 else "lowest voltage"] = action.voltage_limit
    if action.capacity_limit is not None:
        until = action.capacity_limit * cell.effective.active_loading / current
        if until < duration:
            duration, limit = until, "capacity"
    everything = 1.1 * cell.area_charge / current
    return Control(inputs, duration, limit) if duration <= everything else Control(inputs, everything, None)


def _current_density(rate: Rate, cell: Cell) -> float:
    return rate.current_density(cell.effective.active_loading, cell.one_c)


def ended(action: Action, section: Section, limit: Limit | None, cell: Cell, temperature: float) -> End:
    """Return how and why an action ended that was integrated."""
    match section.stop:
        case None:
            return _at_its_duration(action, limit)
        case Stop.LOWEST_VOLTAGE | Stop.HIGHEST_VOLTAGE:
            return action.ended("voltage")
        case Stop.LEAST_CURRENT:
            return action.ended("current")
        case Stop.MOST_CHARGE:
            return action.ended("capacity")
        case Stop.DEPLETED:
            limiting = cell.limiting_current(temperature, charge=section.rows["current"][-1] < 0.0)
            reason = f"salt depleted; the limiting current is about {limiting / 10.0:.3g} mA/cm^2"
            return End(Outcome.DEPLETED, reason)
        case Stop.EMPTY | Stop.FULL:
            return End(Outcome.SATURATED, f"the active material is {section.stop} at its surface")


def _at_its_duration(action: Action, limit: Limit | None) -> End:
    if limit is not None:
        return action.ended(limit)
    if action.kind == "hold":
        hours = f"{LONGEST_HOLD / 3600.0:.0f} h"
        return End(Outcome.TIME, f"the current is still above {action.current_limit} after {hours}")
    return End(Outcome.SATURATED, "all lithium has moved")


def ended_at_once(action: Action, inputs: Inputs, first: Mapping[str, float]) -> End:
    """Return which limit an action passes at its first instant.

    Parameters
    ----------
    action : Action
    inputs : mapping of str to float
        With the limits of the action.
    first : mapping of str to float
        Outputs of the half-cell at the first instant.
    """
    if not inputs["lowest voltage"] < first["voltage"] < inputs["highest voltage"]:
        return action.already_beyond(first["voltage"])
    current = f"{abs(first['current']) / 10.0:.3g} mA/cm^2"
    if abs(first["current"]) <= inputs["least current"]:
        reason = f"the first instant is already at {current}, within the limit of {action.current_limit}"
        return End(Outcome.CURRENT, reason)
    for edge, passed in (
        (Stop.EMPTY, first["least surface"] <= inputs["least surface"]),
        (Stop.FULL, first["most surface"] >= inputs["most surface"]),
    ):
        if passed:
            return End(Outcome.SATURATED, f"at {current} the active material is {edge} at its surface at once")
    return End(Outcome.DEPLETED, f"at {current} the salt is depleted at once")
