"""Gamry Framework text files (.DTA).

Lines of cells separated by tabs: a key, its kind, its value and a remark. A table is a key of kind TABLE, followed by a
line of names, a line of units and the rows, all with an empty first cell. Impedance is in ZCURVE; everything else is in
CURVE, CURVE1 and so on, one per cycle; OCVCURVE is the rest before.
"""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...errors import MeasurementError
from ..records import CYCLE, SPECTRUM, Record
from .finish import finish
from .lines import Layout, table
from .names import assign
from .raw import Raw, technique

TECHNIQUES = {
    "EISPOT": "impedance", "EISGALV": "impedance", "EISMON": "impedance", "HYBRIDEIS": "impedance",
    "GALVEIS": "impedance", "CHRONOA": "chronoamperometry", "CHRONOP": "chronopotentiometry", "LSV": "linear-sweep",
    "CV": "cyclic-voltammetry", "CORPOT": "open-circuit", "PWR800_CHARGE": "cycling", "PWR800_DISCHARGE": "cycling",
    "PWRCHARGE": "cycling", "PWRDISCHARGE": "cycling", "POTDYN": "linear-sweep", "CVLSV": "linear-sweep",
}  # fmt: skip
_TABLE = re.compile(r"(Z?CURVE\d*|OCVCURVE|EISMONCURVE|\w+)\tTABLE(?:\t(\d+))?")
_KEY = re.compile(r"[A-Z]{2}[A-Z0-9_]*(\t|$)")
TEXTS = frozenset({"over", "ierange", "ie range", "imod"})
PLACEHOLDER = 1.0
"""cm2: the area written by the software if the user gave none."""


@dataclass
class _Table:
    name: str
    line: int
    count: int | None
    rows: list[str] = field(default_factory=list)


def read(path: str, raw: bytes, columns: Mapping[str, str] | None, sha: str) -> Record:
    """Read the bytes of a file.

    Raises
    ------
    MeasurementError
        There is no table of points, or a line of one is wrong.
    """
    text = raw.decode("utf-8-sig", errors="replace") if b"\xc3" in raw[:10] else raw.decode("latin-1")
    whole = text.endswith(("\n", "\r"))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    result = Raw({}, path, instrument="Gamry Framework")
    tables = _tables(lines, path)
    _head(lines, result)
    curves = [curve for curve in tables if re.fullmatch(r"Z?CURVE\d*|EISMONCURVE", curve.name)]
    curves = [curve for curve in curves if curve.name.startswith("Z")] or curves
    curves = curves or [curve for curve in tables if curve.name == "OCVCURVE"]
    if not curves:
        there = ", ".join(curve.name for curve in tables) or "no table"
        msg = f"has no table of points (CURVE or ZCURVE); it has {there}"
        raise MeasurementError(msg, source=path)
    _join(curves, result, path, whole_until=None if whole else len(lines))
    return finish(result, columns, sha)


def _tables(lines: list[str], path: str) -> list[_Table]:
    tables: list[_Table] = []
    current: _Table | None = None
    for at, line in enumerate(lines, 1):
        match = _TABLE.match(line)
        if match:
            current = _Table(match[1], at, int(match[2]) if match[2] else None)
            tables.append(current)
        elif current is not None and line.startswith("\t") and line.strip():
            current.rows.append(line)
        elif line.strip():
            if current is not None and not _KEY.match(line):
                msg = f'line {at}: "{line[:40]}" is neither a point of {current.name} nor a key; correct the line'
                raise MeasurementError(msg, source=path)
            current = None
    return tables


def _head(lines: list[str], raw: Raw) -> None:
    for line in lines[:400]:
        cells = [cell.strip() for cell in line.split("\t")]
        key = cells[0]
        if key == "TAG" and len(cells) > 1:
            raw.technique = TECHNIQUES.get(cells[1].upper(), technique(cells[1]))
        elif key == "AREA" and len(cells) > 2:
            area = _float(cells[2])
            if np.isfinite(area) and 0.0 < area < 1e6:
                raw.area = area * 1e-4
                if area == PLACEHOLDER:
                    raw.area = None
                    raw.warnings.append("the area of 1 cm2 is the default of the software and is not used")
        elif key == "NOTES":
            raw.remarks(" ".join(lines[:100]))
        elif key == "FRAMEWORKVERSION" and len(cells) > 2:
            raw.instrument = f"Gamry Framework {cells[2]}"


def _float(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return float("nan")


def _join(curves: list[_Table], raw: Raw, path: str, *, whole_until: int | None) -> None:
    parts, places, numbers = [], [], []
    names: list[str] = []
    for index, curve in enumerate(curves):
        if len(curve.rows) < 3:
            raw.warnings.append(f"line {curve.line}: the table {curve.name} has no points")
            continue
        own = [cell.strip() for cell in curve.rows[0].rstrip("\t").split("\t")][1:]
        units = [cell.strip() for cell in curve.rows[1].rstrip("\t").split("\t")][1:]
        if len(units) > len(own):
            msg = f"line {curve.line + 2}: has {len(units)} units for {len(own)} columns; correct the line"
            raise MeasurementError(msg, source=path)
        if names and own != names:
            msg = f"line {curve.line}: the table {curve.name} has different columns than the first"
            raise MeasurementError(msg, source=path)
        names, raw.units = own, units
        by_name = {column.name: label for label, column in assign(names, units=units, source=path).items()}
        texts = frozenset(at + 1 for at, name in enumerate(names) if name.casefold() in TEXTS)
        rows = curve.rows[2:]
        first = curve.line + 3
        cut = whole_until is not None and first + len(rows) > whole_until
        data = "\n".join(rows) + ("" if cut else "\n")
        decimal = "," if re.search(r"\d,\d", data[:2000]) else "."
        layout = Layout(
            ["", *names], [None, *(by_name.get(name) for name in names)], range(1, len(names) + 1), texts, "\t",
            decimal, first, strict=True,
        )  # fmt: skip
        columns, at = table(io.BytesIO(data.encode()), layout, path, raw.warnings)
        if curve.count is not None and len(at) != curve.count:
            raw.warnings.append(f"line {curve.line}: announces {curve.count} points but has {len(at)}")
        number = columns.get("Pt")
        if number is not None and len(number) > 1 and not bool(np.all(np.diff(number) == 1.0)):
            row = int(np.flatnonzero(np.diff(number) != 1.0)[0]) + 1
            raw.warnings.append(
                f"line {int(at[row])}: the number of the point does not follow the one above; points are missing"
            )
        parts.append(columns)
        places.append(at)
        numbers.append(np.full(len(at), index + 1.0))
    if not parts:
        msg = "has no points in its tables; the measurement was stopped before the first, or the file is truncated"
        raise MeasurementError(msg, source=path)
    raw.columns = {name: np.concatenate([part[name] for part in parts]) for name in names}
    raw.columns = {name: values for name, values in raw.columns.items() if values.dtype != object}
    raw.units = [unit for name, unit in zip(names, raw.units, strict=False) if name in raw.columns]
    raw.lines = np.concatenate(places)
    if len(parts) > 1:
        label = SPECTRUM if curves[0].name.startswith("Z") else CYCLE
        raw.columns[label] = np.concatenate(numbers)
        raw.units.append("")
