"""The content of a table of published cells, and the cells that it defines."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, field_validator, model_validator

from .. import units
from ..errors import LiteratureError, Problem
from ..files import TomlDocument, read_toml
from ..quantities import Measure, Strict, problems, reject, reject_all
from ..units import Kind

Family = Literal["sulfide", "halide", "oxide", "polymer", "other"]
Quality = Literal["stated", "derived", "figure"]

AGREEMENT = 0.10
"""Largest relative difference between a value and the one that follows from others of the same cell.

Papers round, and state nominal as well as delivered capacities; a larger difference is a slip.
"""

_DOI = re.compile(r"10\.\d{4,9}/\S+")
_KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Value(Strict):
    """One value of a cell: number, whether the source states it, and where it is stated or how it follows."""

    kind_: ClassVar[Kind]

    quality: Quality = Field(description="stated in the text, derived from what is stated, or read from a figure")
    how: str = Field(
        min_length=3, description="where it is stated; the formula, if derived; which figure, if read from one"
    )

    value: Any
    """SI; each final class has its bounds."""


class MassShare(Value):
    """A mass fraction."""

    kind_ = units.MASS_SHARE
    value: Annotated[float, Measure(units.MASS_SHARE, above=0.0, most=1.0)]


class Loading(Value):
    """A mass per area of one coated side."""

    kind_ = units.AREAL_MASS
    value: Annotated[float, Measure(units.AREAL_MASS, above=0.0, most=20.0)]


class ArealCapacity(Value):
    """A charge per area."""

    kind_ = units.AREAL_CAPACITY
    value: Annotated[float, Measure(units.AREAL_CAPACITY, above=0.0, most=100 * 36000.0)]


class SpecificCapacity(Value):
    """A charge per mass of active material."""

    kind_ = units.SPECIFIC_CAPACITY
    value: Annotated[float, Measure(units.SPECIFIC_CAPACITY, above=0.0, most=4000 * 3600.0)]


class AverageVoltage(Value):
    """An average discharge voltage."""

    kind_ = units.VOLTAGE
    value: Annotated[float, Measure(units.VOLTAGE, above=0.0, most=6.0)]
    against: Literal["negative", "lithium"] = Field(description="of the cell, or of the positive against lithium")


class Thickness(Value):
    """A thickness."""

    kind_ = units.THICKNESS
    value: Annotated[float, Measure(units.THICKNESS, above=0.0, most=1e-2)]


class Density(Value):
    """A density, including pores."""

    kind_ = units.DENSITY
    value: Annotated[float, Measure(units.DENSITY, above=0.0, most=1e4)]


class Rate(Value):
    """A C-rate."""

    kind_ = units.RATIO
    value: Annotated[float, Measure(units.RATIO, above=0.0, most=1000.0)]


class CurrentDensity(Value):
    """A current per area."""

    kind_ = units.CURRENT_DENSITY
    value: Annotated[float, Measure(units.CURRENT_DENSITY, above=0.0, most=1e4)]


class Temperature(Value):
    """A temperature."""

    kind_ = units.TEMPERATURE
    value: Annotated[float, Measure(units.TEMPERATURE, above=100.0, most=1000.0)]


class Pressure(Value):
    """The stack pressure while the cell is cycled."""

    kind_ = units.PRESSURE
    value: Annotated[float, Measure(units.PRESSURE, least=0.0, most=2e9)]


class SpecificEnergy(Value):
    """A specific energy as in the source, with the mass it is over."""

    kind_ = units.SPECIFIC_ENERGY
    value: Annotated[float, Measure(units.SPECIFIC_ENERGY, above=0.0, most=2000 * 3600.0)]
    basis: str = Field(min_length=3, description="the mass it is over, in words")


class PublishedCell(Strict):
    """A solid-state cell of a publication: one row of the table, with gaps where the source states nothing.

    All values are SI and for one coated side, each marked as stated, derived or read from a figure.
    """

    key: str = Field(description="short unique name, as in lee-2020")
    doi: str = Field(description="as in 10.1038/s41560-020-0575-z")
    year: Any = Field(description="of publication")
    authors: str = Field("", description="first author, as in Lee et al.")
    title: str = Field(min_length=3, max_length=90, description="what the cell is, in a few words of your own")
    family: Family = Field(description="of the solid electrolyte in the positive electrode")
    active_material: str = Field(min_length=1, description="of the positive electrode")
    catholyte: str = Field(min_length=1, description="solid electrolyte in the positive electrode")
    membrane: str = Field(min_length=1, description="solid electrolyte between the electrodes")
    negative: str = Field(min_length=1, description="negative electrode")
    active_library: str | None = Field(None, description="the active material's name in the material library")
    membrane_library: str | None = Field(None, description="the membrane material's name in the material library")

    active_share: MassShare | None = Field(None, description="active material of the dry coating")
    active_loading: Loading | None = Field(None, description="active material per area")
    coating_loading: Loading | None = Field(None, description="dry coating per area")
    areal_capacity: ArealCapacity | None = Field(None, description="discharge")
    specific_capacity: SpecificCapacity | None = Field(None, description="discharge, per active material")
    average_voltage: AverageVoltage | None = Field(None, description="discharge")
    membrane_thickness: Thickness | None = None
    membrane_density: Density | None = None
    membrane_loading: Loading | None = Field(None, description="membrane per area, all of its layers")
    negative_loading: Loading | None = Field(None, description="negative electrode per area, with its collector")
    collector_loading: Loading | None = Field(None, description="positive collector per coated side")
    c_rate: Rate | None = None
    current_density: CurrentDensity | None = None
    temperature: Temperature | None = None
    pressure: Pressure | None = None
    specific_energy: SpecificEnergy | None = None

    reading: Literal["paper", "abstract", "digest"] = Field(
        description="what was read: the paper, its abstract, or a digest of the paper by others"
    )
    read_at: str = Field(min_length=8, description="address where it was read")
    evidence: str = Field(min_length=20, description="what is stated there, in your own words")

    @field_validator("key")
    @classmethod
    def _plain_key(cls, value: str) -> str:
        if not _KEY.fullmatch(value):
            msg = f'"{value}" is not a key; use lower-case letters, digits and hyphens, as in lee-2020'
            raise reject(msg)
        return value

    @field_validator("doi")
    @classmethod
    def _plain_doi(cls, value: str) -> str:
        if not _DOI.fullmatch(value):
            msg = f'"{value}" is not a DOI; write it as 10.1038/s41560-020-0575-z, without https://doi.org/'
            raise reject(msg)
        return value

    @field_validator("year")
    @classmethod
    def _whole_year(cls, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1970 <= value <= 2100:
            msg = f"is {value!r}; write a year, 1970 to 2100, without quotes"
            raise reject(msg)
        return value

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse values that contradict each other: one of them is a slip."""
        several: list[Problem] = []
        for name, words, factors in RELATIONS:
            entry = getattr(self, name)
            others = [(getattr(self, factor), power) for factor, power in factors]
            if entry is None or any(other is None for other, _ in others):
                continue
            follows = float(np.prod([other.value**power for other, power in others]))
            if abs(entry.value / follows - 1.0) > AGREEMENT:
                unit = entry.kind_.shown
                msg = (
                    f"{unit.of(entry.value):.4g} {unit.symbol} contradicts {words}, which is "
                    f"{unit.of(follows):.4g} {unit.symbol}; correct a value, or remove those of another cell"
                )
                several.append(Problem(msg, name))
                break  # the others would repeat it
        if self.membrane_density is not None and self.membrane_thickness is None:
            several.append(Problem("is useless without membrane_thickness; add that too", "membrane_density"))
        if several:
            raise reject_all(several)
        return self

    def values(self) -> "Iterator[tuple[str, Value]]":
        """Yield the values in the row, by name."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Value):
                yield name, value

    @property
    def label(self) -> str:
        """First author and year, or title and year if no author is given."""
        return f"{self.authors} {self.year}" if self.authors else f"{self.title} ({self.year})"

    @property
    def url(self) -> str:
        """Address of the publication."""
        return f"https://doi.org/{self.doi}"


RELATIONS: tuple[tuple[str, str, tuple[tuple[str, int], ...]], ...] = (
    ("active_loading", "coating_loading * active_share", (("coating_loading", 1), ("active_share", 1))),
    ("areal_capacity", "active_loading * specific_capacity", (("active_loading", 1), ("specific_capacity", 1))),
    (
        "areal_capacity",
        "coating_loading * active_share * specific_capacity",
        (("coating_loading", 1), ("active_share", 1), ("specific_capacity", 1)),
    ),
    (
        "membrane_loading",
        "membrane_thickness * membrane_density",
        (("membrane_thickness", 1), ("membrane_density", 1)),
    ),
)
"""Values that follow from others: name, formula in words, factors with powers. A value in the row must agree."""


class Table(Strict):
    """A file: one table ``[[cell]]`` for each cell."""

    cell: tuple[PublishedCell, ...] = Field(min_length=1)

    @field_validator("cell")
    @classmethod
    def _unique(cls, value: tuple[PublishedCell, ...]) -> tuple[PublishedCell, ...]:
        first: dict[str, int] = {}
        several = []
        for index, cell in enumerate(value):
            if cell.key in first:
                msg = f'"{cell.key}" is also the key of cell {first[cell.key] + 1}; give each cell its own'
                several.append(Problem(msg, f"{index}.key"))
            first.setdefault(cell.key, index)
        if several:
            raise reject_all(several)
        return value


def read(path: str | os.PathLike[str]) -> tuple[PublishedCell, ...]:
    """Read and check a table of published cells.

    Raises
    ------
    LiteratureError
        With every problem of the file, its key and line.
    """
    return from_document(read_toml(path, LiteratureError))


def from_document(document: TomlDocument) -> tuple[PublishedCell, ...]:
    """Check the content of a table and return its cells."""
    try:
        return Table.model_validate(document.data, context={"file": True}).cell
    except ValidationError as error:
        raise LiteratureError(problems(error, Table, document), source=document.source) from None


SHIPPED = Path(__file__).parent / "cells.toml"
