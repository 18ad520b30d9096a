"""What an analysis found: values with their intervals, the window and model they are from, and warnings."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..units import ONE, Unit
from ..version import __version__
from .records import Record


@dataclass(frozen=True)
class Fitted:
    """A value with its 95 % interval.

    Attributes
    ----------
    label : str
        In the field's words, as a table shows it.
    value, low, high : float
        SI; nan where not defined. `low` and `high` are nan where no interval can be given.
    unit : Unit
        What it is shown in.
    """

    label: str
    value: float
    low: float
    high: float
    unit: Unit = ONE

    def key(self, name: str) -> str:
        """JSON key: the name with the unit's suffix."""
        return f"{name}_{self.unit.suffix}" if self.unit.suffix else name

    def to_dict(self) -> dict[str, float | None]:
        """Value and interval in the unit shown; None where undefined."""
        shown = {name: float(self.unit.of(getattr(self, name))) for name in ("value", "low", "high")}
        return {name: value if np.isfinite(value) else None for name, value in shown.items()}

    @property
    def uncertainty(self) -> float | None:
        """Half the interval over the value; None where there is none."""
        relative = 0.5 * (self.high - self.low) / abs(self.value) if self.value else np.nan
        return float(relative) if np.isfinite(relative) else None

    def cells(self) -> tuple[str, str, str]:
        """Value, interval and unit as a table shows them."""
        value, low, high = (float(self.unit.of(number)) for number in (self.value, self.low, self.high))
        known = np.isfinite(low) and np.isfinite(high)
        return words(value), f"{words(low)} to {words(high)}" if known else "–", self.unit.label

    def __str__(self) -> str:
        value, interval, unit = self.cells()
        return " ".join(filter(None, (value, "" if interval == "–" else f"({interval})", unit)))


@dataclass(frozen=True)
class Series:
    """A table of a result, such as one row a cycle: columns of equal length by label, in SI."""

    title: str
    columns: Mapping[str, Sequence[Any]]
    units: Mapping[str, Unit] = field(default_factory=dict)

    def headings(self) -> list[str]:
        """Names of the columns in words, with their units."""
        headings = []
        for name in self.columns:
            unit = self.units.get(name, ONE)
            headings.append(f"{name.replace('_', ' ')}{f', {unit.label}' if unit.label else ''}")
        return headings

    def rows(self) -> list[dict[str, Any]]:
        """Rows as plain data: the key is the column with its unit's suffix, None where undefined."""
        shown = {}
        for name, values in self.columns.items():
            unit = self.units.get(name, ONE)
            key = f"{name}_{unit.suffix}" if unit.suffix else name
            shown[key] = [_plain(value, unit) for value in values]
        return [dict(zip(shown, row, strict=True)) for row in zip(*shown.values(), strict=True)]


def _plain(value: Any, unit: Unit) -> Any:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value) if unit.factor == 1.0 and not unit.offset else float(unit.of(value))
    if isinstance(value, float | np.floating):
        return float(unit.of(value)) if np.isfinite(value) else None
    return value


def words(value: Any) -> str:
    """A plain value as a table shows it: 4 digits, a dash where undefined.

    Examples
    --------
    >>> words(1.23456), words(None), words([1.0, True])
    ('1.235', '–', '1, yes')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if np.isfinite(value) else "–"
    if isinstance(value, list | tuple):
        return ", ".join(words(item) for item in value)
    return str(value)


@dataclass(frozen=True)
class Property:
    """A material property that a result gives.

    Attributes
    ----------
    name : str
        Of the material's schema, as ``ionic_conductivity``.
    entry : mapping
        Keys and values of the entry as a material file has them (text with units), without source and quality.
    uncertainty : float or None
        Half the 95 % interval over the value.
    """

    name: str
    entry: Mapping[str, Any]
    uncertainty: float | None = None


@dataclass(frozen=True, kw_only=True)
class Result(ABC):
    """What an analysis of one or several files found.

    Attributes
    ----------
    records : tuple of Record
        What was analysed.
    values : mapping of str to Fitted
        By name without unit, the most important first.
    model : str
        The model that the values are of, in words or as a circuit.
    window : mapping of str to object
        The part of the data that was used, and why: plain values with the unit in the key.
    warnings : tuple of str
        What to know before trusting it.
    series : mapping of str to Series
        Tables by name.
    """

    records: tuple[Record, ...]
    values: Mapping[str, Fitted]
    model: str
    window: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    series: Mapping[str, Series] = field(default_factory=dict)

    @property
    @abstractmethod
    def kind(self) -> str:
        """Name of the analysis, as the command has it."""

    def properties(self) -> list[Property]:
        """Properties of a material; nothing unless the analysis gives a property."""
        return []

    def data(self) -> Mapping[str, Series]:
        """What its figure shows, as tables by name, for other programs."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Plain data: every value with its interval, the unit in its key."""
        return {
            "kind": self.kind,
            "version": __version__,
            "files": [{"name": record.name, "sha256": record.sha256} for record in self.records],
            **{fitted.key(name): fitted.to_dict() for name, fitted in self.values.items()},
            "model": self.model,
            "window": dict(self.window),
            "warnings": [*dict.fromkeys(text for record in self.records for text in record.warnings), *self.warnings],
            **{name: series.rows() for name, series in self.series.items()},
        }
