"""What is done to a cell: charge, discharge, hold, rest and pulses, with what ends each step."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from .. import units
from ..errors import DesignError, Problem
from ..files import read_toml
from ..quantities import Count, Measure, Strict, problems, reject, reject_all
from ..units import Values
from .actions import Action
from .rate import Current, Rate

MOST_ACTIONS = 100_000
"""Actions that a protocol may come to; more is a mistake in `repeat`, `times` or `count`."""


@dataclass(frozen=True)
class _Single(Measure):
    """A single quantity: a protocol has no arrays."""

    def validate(self, value: Any, info: ValidationInfo) -> Values:
        number = super().validate(value, info)
        if not isinstance(number, float):
            msg = "is an array; a protocol has one number here. Run a protocol for each"
            raise reject(msg)
        return number


@dataclass(frozen=True)
class _SingleCount(Count):
    def validate(self, value: Any, info: ValidationInfo) -> Values:
        number = super().validate(value, info)
        if not isinstance(number, float):
            msg = "is a list; a protocol has one number here"
            raise reject(msg)
        return number


Volts = Annotated[float, _Single(units.VOLTAGE, above=0.0, most=10.0)]
Duration = Annotated[float, _Single(units.DURATION, above=0.0, most=1e9)]
Charge = Annotated[float, _Single(units.SPECIFIC_CAPACITY, above=0.0, most=5000 * 3600.0)]
Temperature = Annotated[float, _Single(units.TEMPERATURE, least=100.0, most=2000.0)]
Times = Annotated[float, _SingleCount(1, MOST_ACTIONS)]


class CurrentUntil(Strict):
    """What ends a charge or a discharge; the first that is reached does."""

    voltage: Volts | None = Field(None, description="of the cell")
    capacity: Charge | None = Field(None, description="in this step, per mass of active material")
    time: Duration | None = None


class HoldUntil(Strict):
    """What ends a hold; the first that is reached does."""

    current: Current | None = Field(None, description="it falls to this, in either direction")
    capacity: Charge | None = Field(None, description="in this step, per mass of active material")
    time: Duration | None = None


class RestUntil(Strict):
    """What ends a rest."""

    time: Duration | None = None


class PulsesUntil(Strict):
    """What ends a pulse train before its count."""

    voltage: Volts | None = Field(None, description="of the cell, in a pulse")


class CurrentStep(Strict):
    """A charge or discharge at constant current."""

    kind: Literal["charge", "discharge"]
    current: Current
    until: CurrentUntil = CurrentUntil()
    temperature: Temperature | None = Field(None, description="of this step; default: the protocol's")

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.until == CurrentUntil():
            voltage = "4.3 V" if self.kind == "charge" else "2.7 V"
            msg = f'can never end; give until = {{ voltage = "{voltage}" }}, or a capacity or time'
            raise reject(msg)
        return self

    def _actions(self, where: str, temperature: float | None, cycle: str, number: int) -> Iterator["Action"]:
        until = self.until
        yield Action(
            self.kind,
            where + cycle,
            rate=self.current,
            voltage_limit=until.voltage,
            time_limit=until.time,
            capacity_limit=until.capacity,
            temperature=self.temperature or temperature,
            train=number,
        )

    def count_actions(self) -> int:
        """Count the actions that the step comes to."""
        return 1


class HoldStep(Strict):
    """Constant voltage."""

    kind: Literal["hold"]
    voltage: Volts
    until: HoldUntil = HoldUntil()
    temperature: Temperature | None = Field(None, description="of this step; default: the protocol's")

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.until.current is None and self.until.time is None:
            # a capacity alone may never be reached: the current of a hold decays to nothing
            msg = 'may never end; give until = { current = "C/50" }, or a time, or both'
            raise reject(msg)
        return self

    def _actions(self, where: str, temperature: float | None, cycle: str, number: int) -> Iterator["Action"]:
        until = self.until
        yield Action(
            self.kind,
            where + cycle,
            voltage=self.voltage,
            current_limit=until.current,
            time_limit=until.time,
            capacity_limit=until.capacity,
            temperature=self.temperature or temperature,
            train=number,
        )

    def count_actions(self) -> int:
        """Count the actions that the step comes to."""
        return 1


class RestStep(Strict):
    """No current."""

    kind: Literal["rest"]
    until: RestUntil = RestUntil()
    temperature: Temperature | None = Field(None, description="of this step; default: the protocol's")

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.until.time is None:
            msg = 'can never end; give until = { time = "1 h" }'
            raise reject(msg)
        return self

    def _actions(self, where: str, temperature: float | None, cycle: str, number: int) -> Iterator["Action"]:
        yield Action(
            self.kind,
            where + cycle,
            time_limit=self.until.time,
            temperature=self.temperature or temperature,
            train=number,
        )

    def count_actions(self) -> int:
        """Count the actions that the step comes to."""
        return 1


class PulsesStep(Strict):
    """Pulses of constant current with a rest after each (GITT). One that reaches the voltage ends the train."""

    kind: Literal["pulses"]
    direction: Literal["charge", "discharge"]
    current: Current
    pulse: Duration = Field(description="time with current")
    rest: Duration = Field(description="time without, after each pulse")
    count: Times = Field(description="pulses at most")
    until: PulsesUntil = PulsesUntil()
    temperature: Temperature | None = Field(None, description="of this step; default: the protocol's")

    def _actions(self, where: str, temperature: float | None, cycle: str, number: int) -> Iterator["Action"]:
        for pulse in range(1, int(self.count) + 1):
            place = f"{where}{cycle}, pulse {pulse}"
            common = {"temperature": self.temperature or temperature, "train": number}
            yield Action(
                self.direction,
                place,
                rate=self.current,
                voltage_limit=self.until.voltage,
                time_limit=self.pulse,
                **common,  # type: ignore[arg-type]
            )
            yield Action("rest", place, time_limit=self.rest, **common)  # type: ignore[arg-type]

    def count_actions(self) -> int:
        """Count the actions that the step comes to."""
        return 2 * int(self.count)


Single = Annotated[CurrentStep | HoldStep | RestStep | PulsesStep, Field(discriminator="kind")]


class RepeatStep(Strict):
    """Some steps, several times."""

    kind: Literal["repeat"]
    times: Times
    steps: tuple[Single, ...] = Field(min_length=1)

    @field_validator("steps", mode="before")
    @classmethod
    def _one_level(cls, value: Any) -> Any:
        for step in value if isinstance(value, Sequence) and not isinstance(value, str) else ():
            kind = step.get("kind") if isinstance(step, dict) else getattr(step, "kind", None)
            if kind == "repeat":
                msg = "has a repeat inside a repeat; write its steps out, or repeat the whole protocol (repeat = ...)"
                raise reject(msg)
        return value

    def count_actions(self) -> int:
        """Count the actions that the step comes to."""
        return int(self.times) * sum(step.count_actions() for step in self.steps)


Step = Annotated[CurrentStep | HoldStep | RestStep | PulsesStep | RepeatStep, Field(discriminator="kind")]


class Protocol(Strict):
    """What is done to the cell, step by step."""

    temperature: Temperature | None = Field(None, description="default: the design's")
    repeat: Times = Field(1.0, description="times that the whole list is run")
    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        total = int(self.repeat) * sum(step.count_actions() for step in self.steps)
        faults = [*_order_problems(list(self._in_order()))]
        if total > MOST_ACTIONS:
            msg = f"comes to {total} actions; at most {MOST_ACTIONS} are allowed. Lower repeat, times or count"
            faults.append(Problem(msg, "repeat" if self.repeat > 1 else "steps"))
        if faults:
            raise reject_all(faults)
        return self

    def _in_order(self) -> Iterator[tuple[str, Any]]:
        """Steps with their keys in the order of the first pass."""
        for index, step in enumerate(self.steps):
            if isinstance(step, RepeatStep):
                yield from ((f"steps.{index}.steps.{inner}", inner_step) for inner, inner_step in enumerate(step.steps))
            else:
                yield f"steps.{index}", step

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Protocol":
        """Make a protocol from a dictionary as a file has it; numbers are SI, text is read with its unit.

        Raises
        ------
        DesignError
            With every problem and its key.

        Examples
        --------
        >>> Protocol.from_dict({"steps": [{"kind": "rest", "until": {"time": "1 h"}}]}).actions()[0].time_limit
        3600.0
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise DesignError(problems(error, cls)) from None

    def actions(self) -> tuple[Action, ...]:
        """Return the protocol as a flat list.

        Examples
        --------
        >>> protocol = default_protocol((2.7, 4.3))
        >>> [(action.kind, str(action.rate), action.voltage_limit) for action in protocol.actions()]
        [('charge', 'C/10', 4.3), ('discharge', 'C/5', 2.7)]
        """
        actions: list[Action] = []
        train = 0
        for cycle in range(1, int(self.repeat) + 1):
            outer = f", cycle {cycle}" if self.repeat > 1 else ""
            for index, step in enumerate(self.steps):
                if isinstance(step, RepeatStep):
                    for time in range(1, int(step.times) + 1):
                        for inner, inner_step in enumerate(step.steps):
                            train += 1
                            place = f"steps.{index}.steps.{inner}"
                            actions += inner_step._actions(
                                place, self.temperature, f"{outer}, repetition {time}", train
                            )
                else:
                    train += 1
                    actions += step._actions(f"steps.{index}", self.temperature, outer, train)
        return tuple(actions)


def _order_problems(steps: list[tuple[str, Any]]) -> Iterator[Problem]:
    """Find steps that would end at once, or run the wrong way, because of the step before."""
    before: Any = None
    rested = False
    for where, step in steps:
        if step.kind == "rest":
            rested = True
            continue
        follows = not (rested and step.kind == "hold")  # a hold after a rest may well turn the current around
        if follows and isinstance(before, CurrentStep) and before.until.voltage is not None:
            yield from _pair_problems(where, before, step)
        before, rested = step, False


def _pair_problems(where: str, before: CurrentStep, step: Any) -> Iterator[Problem]:
    limit = before.until.voltage
    assert limit is not None
    sign = 1.0 if before.kind == "charge" else -1.0
    if isinstance(step, HoldStep):
        if sign * (step.voltage - limit) < 0.0:
            side, other = ("below", "discharge") if sign > 0.0 else ("above", "charge")
            msg = (
                f"{step.voltage:g} V is {side} the {limit:g} V at which the {before.kind} before it ends, so the hold "
                f"would {other} the cell; hold at {limit:g} V"
            )
            yield Problem(msg, f"{where}.voltage")
        least, start = step.until.current, before.current
        if least is not None and least.basis == start.basis and least.value >= start.value:
            msg = f"{least} is not below {start} of the {before.kind} before it: the hold would end at once; lower it"
            yield Problem(msg, f"{where}.until.current")
    elif isinstance(step, CurrentStep) and step.kind != before.kind:
        end = step.until.voltage
        if end is not None and sign * (end - limit) >= 0.0:
            side = "below" if sign > 0.0 else "above"
            msg = (
                f"{end:g} V is not {side} the {limit:g} V at which the {before.kind} before it ends, "
                f"so the {step.kind} would end at once; change one of the two"
            )
            yield Problem(msg, f"{where}.until.voltage")


def default_protocol(window: tuple[float, float]) -> Protocol:
    """Charge at C/10 and discharge at C/5 between two voltages.

    These are the 18 and 36 mA/g of Nat. Commun. 15 (2024), s41467-024-50075-9, where 1C is 180 mA/g.

    Parameters
    ----------
    window : tuple of two floats
        Lower and upper voltage, V.
    """
    low, high = window
    steps = (
        {"kind": "charge", "current": Rate(0.1, "C"), "until": {"voltage": high}},
        {"kind": "discharge", "current": Rate(0.2, "C"), "until": {"voltage": low}},
    )
    return Protocol.from_dict({"steps": steps})


class _Around(Strict):
    """A file with a [protocol] table beside others."""

    model_config = ConfigDict(extra="ignore")

    protocol: Protocol


def read_protocol(path: str | os.PathLike[str]) -> Protocol:
    """Read a protocol from a TOML file.

    Parameters
    ----------
    path : path
        A file whose top level is the protocol (`temperature`, `repeat`, `[[steps]]`), or which has a table
        `[protocol]`, as a design file has.

    Raises
    ------
    DesignError
        With every problem of the protocol, its key and line.
    """
    document = read_toml(path, DesignError)
    model = _Around if "protocol" in document.data else Protocol
    try:
        parsed = model.model_validate(document.data, context={"file": True})
    except ValidationError as error:
        raise DesignError(problems(error, model, document), source=document.source) from None
    return parsed.protocol if isinstance(parsed, _Around) else parsed
