"""Quantities as fields of pydantic models: text with a unit in files, SI floats or arrays in Python."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from . import units
from .errors import Problem, UnitError
from .files import TomlDocument
from .units import Kind, Values


class Strict(BaseModel):
    """A table of a file: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, str_strip_whitespace=True)

    unwritten: ClassVar[str] = ""
    """Name of the only field, if a file writes its content in place of the table."""


def reject(message: str) -> PydanticCustomError:
    """Return the error that a validator raises; its message is shown as it is."""
    return PydanticCustomError("solidstack", "{message}", {"message": message})


def reject_all(several: list[Problem]) -> PydanticCustomError:
    """Return the error of a validator of several keys; each problem has its own key, relative to the table checked."""
    pairs = [(problem.key, problem.message) for problem in several]
    return PydanticCustomError("solidstack_many", "several problems", {"problems": pairs})


def from_file(info: ValidationInfo) -> bool:
    """Return whether the values come from a file, where units must be written, or from Python, where floats are SI."""
    return bool(info.context and info.context.get("file"))


@dataclass(frozen=True)
class Measure:
    """What a field measures, and its bounds.

    In files a value is text with a unit; a bare number is allowed for counts and ratios only. In Python a
    number or an array is SI, and text is read as in a file. Every element has to be finite and in bounds.

    Parameters
    ----------
    kind : Kind
        The quantity.
    above, least, below, most : float, optional
        Exclusive lower, inclusive lower, exclusive upper, inclusive upper bound, SI.
    """

    kind: Kind
    above: float | None = None
    least: float | None = None
    below: float | None = None
    most: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self.validate,
            serialization=core_schema.plain_serializer_function_ser_schema(self.write, when_used="json-unless-none"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        text = {
            "type": "string",
            "description": f"{self.kind.name}{self.bounds()}",
            "examples": [self.kind.example],
        }
        if not self.kind.bare:
            return text
        return {"anyOf": [{"type": "number"}, text], "description": f"{self.kind.name}{self.bounds()}"}

    def example(self) -> str:
        """Return an example as it is written in a file."""
        return f'"{self.kind.example}"' if self.kind.shown is not units.ONE else self.kind.example

    def bounds(self) -> str:
        """Return the bounds in words, in the unit shown; empty if there are none."""
        words = [
            f"{word} {self.show(bound)}"
            for word, bound in (
                ("above", self.above),
                ("at least", self.least),
                ("below", self.below),
                ("at most", self.most),
            )
            if bound is not None
        ]
        return f", {' and '.join(words)}" if words else ""

    def show(self, si: float) -> str:
        """Write an SI value in the unit shown, to 6 digits."""
        return f"{self.kind.shown.of(si):.6g} {self.kind.shown.symbol}".strip()

    def write(self, value: Values) -> Any:
        """Write a value for a file; arrays become lists of texts."""
        if np.ndim(value) == 0:
            return float(value) if self.kind.shown is units.ONE else units.text(float(value), self.kind)
        return [self.write(item) for item in np.asarray(value)]

    def validate(self, value: Any, info: ValidationInfo) -> Values:
        """Read a value and check it."""
        result = self._read(value, from_file(info))
        self._check(result, value)
        return result

    def _read(self, value: Any, file: bool) -> Values:
        if isinstance(value, str):
            try:
                return units.parse(value, self.kind)
            except UnitError as error:
                raise reject(error.problems[0].message) from None
        if isinstance(value, bool) or not isinstance(value, (int, float, np.ndarray, np.generic, list, tuple)):
            msg = f'is {_what(value)}; write text with a unit, for example "{self.kind.example}"'
            raise reject(msg)
        if file:
            if isinstance(value, (list, tuple)):
                msg = f'is a list; write one value, for example "{self.kind.example}"'
                raise reject(msg)
            if not math.isfinite(value):
                msg = f'is {value}, not finite; write a number such as "{self.kind.example}"'
                raise reject(msg)
            if not self.kind.bare:
                symbols = self.kind.percent or (self.kind.shown.symbol,)
                right = " or ".join(f'"{value} {symbol}"' for symbol in symbols)
                msg = f"{value} has no unit; write for example {right}"
                raise reject(msg)
        array = _array(value, "use a number or an array of numbers in SI")
        return float(array) if array.ndim == 0 else array

    def _check(self, result: Values, received: Any) -> None:
        array = np.asarray(result)
        if array.size == 0:
            msg = "is an empty array; it needs at least one value"
            raise reject(msg)
        if not np.isfinite(array).all():
            msg = f"is not finite ({_first(array, ~np.isfinite(array))}); every value must be a number"
            raise reject(msg)
        for bound, compare, rule in (
            (self.above, np.less_equal, "must be above"),
            (self.least, np.less, "must be at least"),
            (self.below, np.greater_equal, "must be below"),
            (self.most, np.greater, "must be at most"),
        ):
            if bound is None or not (bad := compare(array, bound)).any():
                continue
            shown = f'"{received}"' if isinstance(received, str) else self.show(float(array[bad].flat[0]))
            msg = f"{shown} is out of bounds: {self.kind.name} {rule} {self.show(bound)}"
            if self.kind.bare and self.kind.percent and isinstance(received, (int, float)) and 1.0 < received <= 100.0:
                msg += f'; did you mean "{received} {self.kind.percent[0]}"?'
            raise reject(msg)


def _array(value: Any, cure: str) -> NDArray[np.float64]:
    """Return numbers as an array of floats; booleans, complex numbers and objects are refused."""
    try:
        array = np.asarray(value)
        if array.dtype.kind in "iuf":
            return array.astype(float)
    except (TypeError, ValueError, OverflowError):
        pass
    msg = f"is {_what(value)}; {cure}"
    raise reject(msg)


def _first(array: Any, mask: Any) -> float:
    return float(np.atleast_1d(array)[np.atleast_1d(mask)][0])


def _what(value: Any) -> str:
    names = {bool: "true or false", dict: "a table", list: "a list", str: "text", int: "a number", float: "a number"}
    return names.get(type(value), units.article(type(value).__name__))


@dataclass(frozen=True)
class Count:
    """A whole number from `least` to `most`; in Python also an array of whole numbers."""

    least: int = 1
    most: int = 10_000

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self.validate,
            serialization=core_schema.plain_serializer_function_ser_schema(self.write, when_used="json-unless-none"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def example(self) -> str:
        """Return an example as it is written in a file."""
        return str(max(self.least, 2))

    def _words(self) -> str:
        return f"a whole number from {self.least} to {self.most}"

    @staticmethod
    def write(value: Values) -> Any:
        """Write a count, or a list of counts."""
        return np.asarray(value).astype(int).tolist()

    def validate(self, value: Any, info: ValidationInfo) -> Values:
        """Read a count and check it."""
        if isinstance(value, (str, bool, dict)) or (from_file(info) and isinstance(value, (list, tuple))):
            msg = f"is {_what(value)}; write {self._words()}, without quotes"
            raise reject(msg)
        array = _array(value, f"write {self._words()}")
        bad = ~np.isfinite(array) | (array != np.round(array)) | (array < self.least) | (array > self.most)
        if bad.any():
            msg = f"{_first(array, bad):g} is not {self._words()}"
            raise reject(msg)
        return float(array) if array.ndim == 0 else array


def problems(error: ValidationError, model: type[Strict], document: TomlDocument | None = None) -> list[Problem]:
    """Turn pydantic's errors into ours: dotted key, line, rule, value, and the nearest known key."""
    result = []
    items = error.errors(include_url=False)
    for item in items:
        if item["type"] == "too_short" and any(_inside(other["loc"], item["loc"]) for other in items):
            continue  # the list is short only because its items were refused
        if item["type"] == "solidstack_many":
            around, _ = _walk(model, item["loc"])
            for key, message in item["ctx"]["problems"]:
                keys = (*around, *(int(part) if part.isdigit() else part for part in key.split(".")))
                dotted = ".".join(map(str, keys))
                result.append(Problem(message, dotted, document.line(keys) if document else None))
            continue
        keys, table = _walk(model, item["loc"])
        line = document.line(keys) if document is not None else None
        result.append(Problem(_message(item, table), ".".join(str(key) for key in keys), line))
    return sorted(result, key=lambda problem: problem.line or 0)


def _inside(location: tuple[str | int, ...], outer: tuple[str | int, ...]) -> bool:
    return len(location) > len(outer) and location[: len(outer)] == outer


def known_keys(model: type[Strict]) -> list[str]:
    """Return the keys that a table may have in a file."""
    return list(model.model_fields)


def _walk(model: type[Strict], location: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], type[Strict]]:
    """Follow one of pydantic's locations through the models.

    Returns the keys as they are in the file (without the tags that pydantic adds for the members of a
    union) and the innermost table around the last key.
    """
    keys: list[str | int] = []
    current: Any = model
    table = model
    for key in location:
        if key == "[key]":
            continue
        members = models(current)
        if len(members) == 1 and key == members[0].unwritten:
            current = None
            continue
        tagged = [m for m in members if "kind" in m.model_fields and key in get_args(m.model_fields["kind"].annotation)]
        if len(members) > 1 and tagged:
            current = table = tagged[0]
            continue
        keys.append(key)
        if isinstance(key, str) and members:
            table = members[0]
            field = table.model_fields.get(key)
            current = None if field is None else field.annotation
    return tuple(keys), table


def models(annotation: Any) -> list[type[Strict]]:
    """Return the tables that an annotation allows."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models(argument)]


def annotations(info: FieldInfo) -> list[Any]:
    """Return everything in the annotation of a field, at any depth."""

    def dig(annotation: Any) -> Iterator[Any]:
        yield annotation
        for argument in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
            yield from dig(argument)

    return [*info.metadata, *dig(info.annotation)]


def measures(info: FieldInfo) -> "list[Measure | Count]":
    """Return what a field measures; empty if it is not a number."""
    return [part for part in annotations(info) if isinstance(part, (Measure, Count))]


def _message(item: Any, table: type[Strict]) -> str:
    value = item["input"]
    match item["type"]:
        case "solidstack":
            return str(item["msg"])
        case "extra_forbidden":
            known = known_keys(table)
            close = units.nearest(str(item["loc"][-1]), known)
            return f"unknown key; {f'did you mean {close}?' if close else 'choose from ' + ', '.join(known)}"
        case "missing" if isinstance(item["loc"][-1], int):
            return f"value {item['loc'][-1] + 1} of the list is missing"
        case "missing":
            return f"is missing{_example(table, str(item['loc'][-1]))}"
        case "tuple_type" | "list_type":
            key = item["loc"][-1]
            tables = f" of tables: write [[{key}]] instead of [{key}]" if isinstance(value, dict) else ""
            return f"is {_what(value)}; expected a list{tables}"
        case "too_long":
            return f"has {item['ctx']['actual_length']} values; expected {item['ctx']['max_length']}"
        case "too_short":
            return "is empty; expected at least one value"
        case "string_too_short" | "string_too_long":
            limits = item["ctx"]
            return f'"{value}" is too {"short" if "min_length" in limits else "long"}'
        case "bool_type":
            return f"is {_what(value)}; write true or false, without quotes"
        case "string_type":
            return f'is {_what(value)}; write text, as in "name"'
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"is {_what(value)}; expected a table"
        case "union_tag_invalid":
            return _unknown_word(str(item["ctx"]["tag"]), item["ctx"]["expected_tags"])
        case "union_tag_not_found":
            return f"kind is missing; choose one of {', '.join(_kinds(table, item['loc']))}"
        case "literal_error" | "enum":
            return _unknown_word(str(value), item["ctx"]["expected"])
        case _:
            return f"{item['msg']} (received {value!r})"


def _example(table: type[Strict], key: str) -> str:
    """Explain how a missing value or table is written."""
    info = table.model_fields[key]
    if quantity := next((part for part in annotations(info) if hasattr(part, "example")), None):
        return f"; write for example {key} = {quantity.example()}"
    if inner := models(info.annotation):
        required = [name for name, field in inner[0].model_fields.items() if field.is_required()]
        return f"; add a table [{key}] with {', '.join(required)}"
    return ""


def _kinds(table: type[Strict], location: tuple[str | int, ...]) -> Iterator[str]:
    """Yield the kinds of the tables that a key at a location may be."""
    key = next(str(part) for part in reversed(location) if part in table.model_fields)
    for model in models(table.model_fields[key].annotation):
        yield from get_args(model.model_fields["kind"].annotation)


def _unknown_word(word: str, expected: str) -> str:
    known = re.findall(r"'([^']*)'", expected)
    close = units.nearest(word, known)
    hint = f"did you mean {close}? Choose" if close else "choose"
    return f'"{word}" is not recognised; {hint} one of {", ".join(known)}'
