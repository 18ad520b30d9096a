"""What is done to a cell: charge, discharge, hold, rest and pulses, with what ends each step."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from .. import units
from ..errors import DesignError, Problem, UnitError
from ..files import read_toml
from ..outcomes import End, Outcome
from ..quantities import Count, Measure, Strict, problems, reject, reject_all
from ..units import Values

MOST_ACTIONS = 100_000
"""Actions that a protocol may come to; more is a mistake in `repeat`, `times` or `count`."""

Basis = Literal["C", "A/kg", "A/m^2"]

Limit = Literal["voltage", "current", "capacity", "time"]

_RATE_EXAMPLES = '"C/10", "0.1C", "18 mA/g" (of active material) or "0.3 mA/cm^2" (of electrode)'
_C_RATE = re.compile(rf"\s*({units.NUMBER})?\s*C\s*(?:/\s*({units.NUMBER}))?\s*")
_BOUNDS: dict[Basis, tuple[float, units.Kind | None]] = {
    "C": (1e4, None),
    "A/kg": (1e6, units.SPECIFIC_CURRENT),
    "A/m^2": (1e6, units.CURRENT_DENSITY),
}


@dataclass(frozen=True)
class Rate:
    """A current, not negative: whether it charges is said by the step.

    Parameters
    ----------
    value : float
        In units of the basis; above 0, up to 1e4 (C) or 1e6 (A/kg, A/m^2).
    basis : str
        "C" (1C is a current per mass of active material, see `solidstack.electrode.rated_one_c`), "A/kg" of active
        material, or "A/m^2" of electrode.

    Raises
    ------
    ValueError
        Out of bounds, or another basis.
    """

    value: float
    basis: Basis

    def __post_init__(self) -> None:
        if self.basis not in _BOUNDS:
            msg = f'basis "{self.basis}" is unknown; known are {", ".join(_BOUNDS)}'
            raise ValueError(msg)
        most, _ = _BOUNDS[self.basis]
        if not 0.0 < self.value <= most:  # also refuses what is not finite
            msg = f"a current has to be above 0 and at most {most:g} {self.basis}; its direction is the step's kind"
            raise ValueError(msg)

    def current_density(self, active_loading: float, one_c: float) -> float:
        """Current per area of electrode, A/m2.

        Parameters
        ----------
        active_loading : float
            Active material per area of electrode, kg/m2.
        one_c : float
            Current per mass of active material at 1C, A/kg.

        Examples
        --------
        C/10 of 180 mA/g with 20 mg/cm2 of active material is 0.36 mA/cm2.

        >>> round(Rate(0.1, "C").current_density(0.2, 180.0), 6)
        3.6
        """
        per = {"C": one_c * active_loading, "A/kg": active_loading, "A/m^2": 1.0}
        return self.value * per[self.basis]

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read text such as "C/10", "0.1C", "18 mA/g" or "0.3 mA/cm^2".

        C alone is a C-rate here, never a coulomb.

        Raises
        ------
        UnitError
            Another unit, no number, or out of bounds.

        Examples
        --------
        >>> Rate.parse("C/10"), Rate.parse("0.3 mA/cm^2")
        (Rate(value=0.1, basis='C'), Rate(value=3.0, basis='A/m^2'))
        """
        try:
            return cls(*_rate(text))
        except UnitError:
            raise
        except (ValueError, OverflowError) as error:
            msg = f'"{text}" is out of bounds: {error}'
            raise UnitError(msg) from None

    def __str__(self) -> str:
        """Write it as text that `parse` reads back to the very same rate."""
        _, kind = _BOUNDS[self.basis]
        if kind is not None:
            return units.text(self.value, kind)
        whole = round(1.0 / self.value)
        return f"C/{whole}" if 1 < whole < 10_000 and 1.0 / whole == self.value else f"{self.value!r}C"


def _rate(text: str) -> tuple[float, Basis]:
    found = _C_RATE.fullmatch(text)
    if found is not None:
        number, divisor = float(found[1] or 1.0), float(found[2] or 1.0)
        if divisor == 0.0:
            msg = f'"{text}" divides by 0; write for example "C/10"'
            raise UnitError(msg)
        return number / divisor, "C"
    if (close := _C_RATE.fullmatch(text.replace("c", "C"))) and ("cm" not in text) and close:
        msg = f'"{text}" is no current; a C-rate has a capital C, as in "{text.replace("c", "C").strip()}"'
        raise UnitError(msg)
    try:
        return units.parse(text, units.SPECIFIC_CURRENT), "A/kg"
    except UnitError as error:
        try:
            return units.parse(text, units.CURRENT_DENSITY), "A/m^2"
        except UnitError:
            # the first error knows the number and the unit; only what is wanted is wider here
            reason = error.problems[0].message
    for cut in ("; expected ", " (expected ", "; write "):
        reason = reason.partition(cut)[0]
    msg = f"{reason}; write a current such as {_RATE_EXAMPLES}"
    raise UnitError(msg) from None


@dataclass(frozen=True)
class _RateText:
    """A field that holds a `Rate`; in files and in Python it may be text."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.validate,
            # as text in Python as well, where pydantic would take the dataclass apart
            serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="unless-none"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        text = "current: a C-rate, per mass of active material, or per area of electrode; above 0"
        return {"type": "string", "description": text, "examples": ["C/10", "18 mA/g", "0.3 mA/cm^2"]}

    def example(self) -> str:
        """Write an example as it stands in a file."""
        return '"C/10"'

    @staticmethod
    def validate(value: Any) -> Rate:
        if isinstance(value, Rate):
            return value
        if not isinstance(value, str):
            msg = f"is {value!r}, and a number says nothing of its basis; write text such as {_RATE_EXAMPLES}"
            raise reject(msg)
        try:
            return Rate.parse(value)
        except UnitError as error:
            raise reject(error.problems[0].message) from None


@dataclass(frozen=True)
class _One(Measure):
    """A single quantity: a protocol has no arrays."""

    def validate(self, value: Any, info: ValidationInfo) -> Values:
        found = super().validate(value, info)
        if not isinstance(found, float):
            msg = "is an array; a protocol has one number here. Run a protocol for each"
            raise reject(msg)
        return found


@dataclass(frozen=True)
class _OneCount(Count):
    def validate(self, value: Any, info: ValidationInfo) -> Values:
        found = super().validate(value, info)
        if not isinstance(found, float):
            msg = "is a list; a protocol has one number here"
            raise reject(msg)
        return found


Current = Annotated[Rate, _RateText()]
Volts = Annotated[float, _One(units.VOLTAGE, above=0.0, most=10.0)]
Duration = Annotated[float, _One(units.DURATION, above=0.0, most=1e9)]
Charge = Annotated[float, _One(units.SPECIFIC_CAPACITY, above=0.0, most=5000 * 3600.0)]
Temperature = Annotated[float, _One(units.TEMPERATURE, least=100.0, most=2000.0)]
Times = Annotated[float, _OneCount(1, MOST_ACTIONS)]


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
STEP_KINDS = tuple(
    kind
    for member in (CurrentStep, HoldStep, RestStep, PulsesStep, RepeatStep)
    for kind in get_args(member.model_fields["kind"].annotation)
)


@dataclass(frozen=True)
class Action:
    """One thing that a solver does: a step of a protocol without repetitions.

    Attributes
    ----------
    kind : str
        charge, discharge, hold or rest.
    where : str
        Its place in the protocol, as in ``steps.2``, ``steps.4, pulse 3`` or ``steps.0, cycle 2`` (steps are
        counted from 0 as in the keys of a design, pulses and cycles from 1).
    rate : Rate or None
        Of a charge or discharge.
    voltage : float or None
        Of a hold, V.
    voltage_limit : float or None
        A charge ends at or above it, a discharge at or below, V.
    current_limit : Rate or None
        A hold ends when the current, of either sign, is at or below it.
    time_limit : float or None
        s.
    capacity_limit : float or None
        Charge in this action per mass of active material, A s/kg.
    temperature : float or None
        K; None: the design's.
    train : int
        Number that the actions of one step of the protocol share; see `following`.
    """

    kind: Literal["charge", "discharge", "hold", "rest"]
    where: str
    rate: Rate | None = None
    voltage: float | None = None
    voltage_limit: float | None = None
    current_limit: Rate | None = None
    time_limit: float | None = None
    capacity_limit: float | None = None
    temperature: float | None = None
    train: int = 0

    @property
    def sign(self) -> float:
        """Sign of the current: 1 charges, -1 discharges; 0 where the kind does not say."""
        return {"charge": 1.0, "discharge": -1.0}.get(self.kind, 0.0)

    def ended(self, limit: Limit) -> End:
        """Return the end of an action that reached one of its limits.

        Examples
        --------
        >>> end = Action("charge", "steps.0", voltage_limit=4.3, time_limit=1200.0).ended("time")
        >>> end.outcome.value, end.reason
        ('time', 'time over (20 min)')
        """
        match limit:
            case "voltage":
                return End(Outcome.VOLTAGE, f"reached {self.voltage_limit:g} V")
            case "current":
                return End(Outcome.CURRENT, f"reached {self.current_limit}")
            case "capacity":
                assert self.capacity_limit is not None
                return End(Outcome.CAPACITY, f"reached {self.capacity_limit / 3600.0:g} mAh/g")
            case "time":
                assert self.time_limit is not None
                return End(Outcome.TIME, f"time over ({_duration(self.time_limit)})")

    def already_beyond(self, voltage: float) -> End:
        """Return the end of an action that did nothing, because its first voltage is beyond the limit already."""
        return End(
            Outcome.VOLTAGE,
            f"the first instant is already at {voltage:.4g} V, beyond the limit of {self.voltage_limit:g} V",
        )


def _duration(seconds: float) -> str:
    for unit, factor in (("h", 3600.0), ("min", 60.0)):
        if seconds >= factor:
            return f"{seconds / factor:.4g} {unit}"
    return f"{seconds:.4g} s"


def following(actions: Sequence[Action], index: int, *, at_voltage: bool) -> int:
    """Say which action comes next.

    Parameters
    ----------
    actions : sequence of Action
    index : int
        Of the action that has ended.
    at_voltage : bool
        Whether it ended at its voltage limit: a pulse that does is the last one of its train, so that the rests and
        pulses behind it are left out.

    Returns
    -------
    int
        An index; ``len(actions)`` at the end.
    """
    after = index + 1
    while at_voltage and after < len(actions) and actions[after].train == actions[index].train:
        after += 1
    return after


class Protocol(Strict):
    """What is done to the cell, step by step."""

    temperature: Temperature | None = Field(None, description="default: the design's")
    repeat: Times = Field(1.0, description="times that the whole list is run")
    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        total = int(self.repeat) * sum(step.count_actions() for step in self.steps)
        found = [*_order_problems(list(self._in_order()))]
        if total > MOST_ACTIONS:
            msg = f"comes to {total} actions; at most {MOST_ACTIONS} are allowed. Lower repeat, times or count"
            found.append(Problem(msg, "repeat" if self.repeat > 1 else "steps"))
        if found:
            raise reject_all(found)
        return self

    def _in_order(self) -> Iterator[tuple[str, Any]]:
        """Steps with their keys in the order of the first pass."""
        for index, step in enumerate(self.steps):
            if isinstance(step, RepeatStep):
                yield from ((f"steps.{index}.steps.{inner}", one) for inner, one in enumerate(step.steps))
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
        """Give the protocol as a flat list.

        Examples
        --------
        >>> protocol = default_protocol((2.7, 4.3))
        >>> [(action.kind, str(action.rate), action.voltage_limit) for action in protocol.actions()]
        [('charge', 'C/10', 4.3), ('discharge', 'C/5', 2.7)]
        """
        found: list[Action] = []
        train = 0
        for cycle in range(1, int(self.repeat) + 1):
            outer = f", cycle {cycle}" if self.repeat > 1 else ""
            for index, step in enumerate(self.steps):
                if isinstance(step, RepeatStep):
                    for time in range(1, int(step.times) + 1):
                        for inner, one in enumerate(step.steps):
                            train += 1
                            place = f"steps.{index}.steps.{inner}"
                            found += one._actions(place, self.temperature, f"{outer}, repetition {time}", train)
                else:
                    train += 1
                    found += step._actions(f"steps.{index}", self.temperature, outer, train)
        return tuple(found)


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
        found = model.model_validate(document.data, context={"file": True})
    except ValidationError as error:
        raise DesignError(problems(error, model, document), source=document.source) from None
    return found.protocol if isinstance(found, _Around) else found
