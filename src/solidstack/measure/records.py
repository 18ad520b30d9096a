"""A measurement as it was recorded: one table with named columns, and what is known of the sample."""

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import MeasurementError
from ..units import AREA, MASS, TEMPERATURE, THICKNESS, Kind, text

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

# Labels of the Battery Data Format (https://w3id.org/battery-data-alliance/ontology/battery-data-format)
TIME = "Test Time / s"
VOLTAGE = "Voltage / V"
CURRENT = "Current / A"
"""Positive where the cell is charged: oxidation at the working electrode."""
CYCLE = "Cycle Count / 1"
STEP = "Step Count / 1"
CHAMBER = "Ambient Temperature / degC"
CHARGING_CAPACITY = "Charging Capacity / Ah"
DISCHARGING_CAPACITY = "Discharging Capacity / Ah"
# The format has no columns of spectra; these follow its form
FREQUENCY = "Frequency / Hz"
REAL = "Real Impedance / ohm"
IMAGINARY = "Imaginary Impedance / ohm"
"""With its sign: below 0 where the cell is capacitive."""
SPECTRUM = "Spectrum Count / 1"

WILD = 1e12
"""No time in s, voltage or current is larger: thirty thousand years."""


SAMPLE: dict[str, tuple[Kind, str]] = {
    "area": (AREA, "of the electrode"),
    "thickness": (THICKNESS, "of the electrolyte between the electrodes"),
    "mass": (MASS, "of the active material"),
    "temperature": (TEMPERATURE, "of the cell"),
}
"""What is asked about a sample: its kind, and of which part."""


@dataclass(frozen=True)
class Record:
    """A measurement.

    Attributes
    ----------
    table : pandas.DataFrame
        A row a point, in order of time. Columns that are known have the labels of the Battery Data Format
        (`TIME`, `VOLTAGE`, `CURRENT`, ...) and its units; others keep the instrument's name.
    source : str
        The file.
    technique : str
        ``impedance``, ``chronoamperometry``, ``chronopotentiometry``, ``linear-sweep``, ``cyclic-voltammetry``,
        ``cycling``, ``open-circuit``, or empty where the file does not say.
    instrument : str
        Maker or program, as the file says.
    area, thickness, mass, temperature : float or None
        Of the sample, where the file or the user says: m2, m, kg (active material), K.
    sha256 : str
        Of the file; empty where the record is not from one.
    warnings : tuple of str
        What the reader noticed.
    """

    table: pd.DataFrame
    source: str = ""
    technique: str = ""
    instrument: str = ""
    area: float | None = None
    thickness: float | None = None
    mass: float | None = None
    temperature: float | None = None
    sha256: str = ""
    warnings: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return Path(self.source).name or "record"

    def has(self, *columns: str) -> bool:
        """Whether it has all of the columns, with a number in each."""
        return all(column in self.table and bool(self.table[column].notna().any()) for column in columns)

    def values(self, column: str) -> Floats:
        """A column as numbers."""
        self.require(column)
        values: Floats = self.table[column].to_numpy(np.float64)
        return values

    def require(self, *columns: str) -> None:
        """Refuse a record without these columns.

        Raises
        ------
        MeasurementError
            Names the missing columns and those that are there.
        """
        missing = [column for column in columns if not self.has(column)]
        if missing:
            there = ", ".join(f'"{name}"' for name in self.table.columns) or "none"
            what = f" (a measurement of {self.technique.replace('-', ' ')})" if self.technique else ""
            names = " and ".join(f'"{name}"' for name in missing)
            msg = (
                f"has no column {names}{what}; it has {there}. Use a file of the right technique, or name its "
                'columns, as in --column "Voltage / V=Ewe"'
            )
            raise MeasurementError(msg, source=self.source)

    def given(self, name: str) -> float:
        """What is known of the sample: `area`, `thickness`, `mass` or `temperature`, SI.

        Raises
        ------
        MeasurementError
            It is not known; the message asks for it.
        """
        value: float | None = getattr(self, name)
        if value is None:
            kind, of = SAMPLE[name]
            msg = f'does not say the {name} {of}; give it, as in --{name} "{kind.example}"'
            raise MeasurementError(msg, source=self.source)
        return value

    def with_sample(
        self,
        *,
        area: float | None = None,
        thickness: float | None = None,
        mass: float | None = None,
        temperature: float | None = None,
    ) -> "Record":
        """Copy with what the user says of the sample, SI, in place of what the file says.

        Raises
        ------
        MeasurementError
            A value that is not above 0 or not finite.
        """
        sample = {"area": area, "thickness": thickness, "mass": mass, "temperature": temperature}
        changes: dict[str, Any] = {name: value for name, value in sample.items() if value is not None}
        for name, value in changes.items():
            if not (np.isfinite(value) and value > 0.0):
                kind, _ = SAMPLE[name]
                msg = f"{name}: {text(value, kind)} is not above 0; write for example {kind.example}"
                raise MeasurementError(msg, source=self.source)
        return replace(self, **changes)

    def part(self, rows: Any) -> "Record":
        """Copy with some of the rows, numbered from 0 again."""
        return replace(self, table=self.table[rows].reset_index(drop=True))

    def in_order(self, *columns: str, least: int = 2) -> "Record":
        """Copy with the rows that have a number in each of the columns, without repeated rows.

        Raises
        ------
        MeasurementError
            A column is missing, fewer than `least` rows are left, or time goes back.
        """
        self.require(*columns)
        finite = np.all(np.isfinite(self.table[list(columns)].to_numpy(np.float64)), axis=1)
        table = self.table[finite].reset_index(drop=True)
        warnings = list(self.warnings)
        if not finite.all():
            warnings.append(f"{int((~finite).sum())} rows without a number in each column were left out")
        repeated = table.duplicated(list(columns), keep="first").to_numpy() if TIME in columns else np.zeros(0, bool)
        if repeated.any():
            warnings.append(f"{int(repeated.sum())} repeated rows were left out")
            table = table[~repeated].reset_index(drop=True)
        if len(table) < least:
            msg = f"has {len(table)} points; at least {least} are needed. Record more often, or give the whole file"
            raise MeasurementError(msg, source=self.source)
        for column in columns:
            wild = np.flatnonzero(np.abs(table[column].to_numpy(np.float64)) > WILD)
            if len(wild):
                value = float(table[column].iloc[wild[0]])
                msg = f"{column} of point {wild[0] + 1} is {value:g}, which no instrument records; is the column right?"
                raise MeasurementError(msg, source=self.source)
        if TIME in columns:
            time = table[TIME].to_numpy(np.float64)
            back = np.flatnonzero(np.diff(time) < 0.0)
            if len(back):
                at = int(back[0])
                msg = (
                    f"time goes back at point {at + 2}: {time[at + 1]:g} s after {time[at]:g} s. Give one measurement "
                    "in the order in which it was recorded"
                )
                raise MeasurementError(msg, source=self.source)
        return replace(self, table=table, warnings=tuple(warnings))

    def spectra(self) -> list["Record"]:
        """Split impedance into its spectra, each a record.

        A new spectrum begins where `SPECTRUM` changes, or else where the frequency jumps back to its beginning.

        Raises
        ------
        MeasurementError
            It has no spectrum.
        """
        self.require(FREQUENCY, REAL, IMAGINARY)
        table = self.table[self.table[FREQUENCY] > 0.0]
        frequency = table[FREQUENCY].to_numpy(np.float64)
        if SPECTRUM in table:
            number = table[SPECTRUM].to_numpy()
        else:
            step = np.diff(np.log(frequency))
            against = np.sign(step) * np.sign(np.median(step)) < 0.0 if len(step) else np.zeros(0, bool)
            number = np.concatenate([[0], np.cumsum(against & (np.abs(step) > 2.0))])
        spectra = [replace(self, table=table[number == count].reset_index(drop=True)) for count in pd.unique(number)]
        spectra = [spectrum for spectrum in spectra if len(spectrum.table) > 1]
        if not spectra:
            msg = "has no impedance spectrum in it"
            raise MeasurementError(msg, source=self.source)
        return spectra

    @property
    def impedance(self) -> Complex:
        """Complex impedance of the rows, ohm."""
        return self.values(REAL) + 1j * self.values(IMAGINARY)


def record(columns: dict[str, Any], **known: Any) -> Record:
    """Make a record from arrays; `columns` are by the labels of the Battery Data Format.

    Examples
    --------
    >>> record({TIME: [0.0, 1.0], VOLTAGE: [3.0, 3.1]}, area=1e-4).values(VOLTAGE)
    array([3. , 3.1])
    """
    return Record(pd.DataFrame({name: np.asarray(values) for name, values in columns.items()}), **known)


def sha256(path: str | os.PathLike[str]) -> str:
    """Hash a file, whatever its size."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
