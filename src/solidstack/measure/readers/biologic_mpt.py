"""BioLogic EC-Lab and BT-Lab text files (.mpt).

The first line names the program, the second the number of header lines, the last of which has the names of the columns.
The text is Latin-1, separated by tabs, with a decimal point or comma depending on the computer that exported it.
"""

import re
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np

from ...errors import MeasurementError
from ...progress import Listener
from ..records import SPECTRUM, Record
from .biologic_mpr import stated
from .dates import from_dates
from .finish import finish
from .lines import Layout, table
from .names import assign
from .raw import Raw, technique

MARK = re.compile(rb"(?:EC|BT)-Lab ASCII FILE")
HEAD = 1_000_000
"""Bytes within which the header must end."""
_COUNT = re.compile(r"Nb header lines\s*:\s*(\d+)")
_MASS = {"g": 1e-3, "mg": 1e-6, "ug": 1e-9, "kg": 1.0}
_AREA = {"cm": 1e-4, "mm": 1e-6, "m": 1.0, "um": 1e-12}


def read(
    path: str,
    stream: BinaryIO,
    size: int,
    columns: Mapping[str, str] | None,
    sha: str,
    progress: Listener | None = None,
) -> Record:
    """Read a file of `size` bytes in blocks.

    Raises
    ------
    MeasurementError
        The header is truncated or has another length than stated, or a line of numbers is wrong.
    """
    start = stream.read(HEAD)
    ends = [match.end() for match in re.finditer(rb"\r\n|\n|\r", start)]
    try:
        text = start[: ends[-1] if ends else None].decode()
    except UnicodeDecodeError:
        text = start.decode("latin-1")
    lines = re.split(r"\r\n|\n|\r", text)
    count = _COUNT.match(lines[1]) if len(lines) > 1 else None
    if count is None:
        msg = 'line 2: "Nb header lines : N" is expected; the file is truncated or damaged'
        raise MeasurementError(msg, source=path)
    number = int(count[1])
    if not 3 <= number <= len(ends):
        msg = f"line 2: states {number} header lines but there are {len(ends)}; the file is truncated or damaged"
        raise MeasurementError(msg, source=path)
    names = [name.strip() for name in lines[number - 1].rstrip("\t").split("\t")]
    if len(names) < 2:
        msg = f"line {number}: the names of the columns are expected here, where the header ends according to line 2"
        raise MeasurementError(msg, source=path)
    result = Raw({}, path)
    head = lines[2 : number - 1]
    _head(head, lines[0], result)
    first = next((line for line in lines[number:] if line.strip()), "")
    # EC-Lab writes the time as dates if absolute time was selected
    dates = [at for at, cell in enumerate(first.split("\t")[: len(names)]) if re.match(r"\d+/\d+/\d+ \d+:", cell)]
    by_name = {column.name: label for label, column in assign(names, columns, source=path).items()}
    layout = Layout(
        names,
        [by_name.get(name) for name in names],
        range(len(names)),
        frozenset(dates),
        "\t",
        "," if re.search(r"\d,\d", first) else ".",
        number + 1,
        strict=True,
    )
    stream.seek(ends[number - 1])
    result.columns, result.lines = table(stream, layout, path, result.warnings, size=size, progress=progress)
    for at in dates:
        seconds = from_dates(result.columns.pop(names[at]))
        if seconds is None:
            msg = f'"{names[at]}" contains dates that cannot be read; the file is damaged'
            raise MeasurementError(msg, source=path)
        result.columns[names[at]] = seconds
        result.warnings.append("time is counted from the dates of the points")
    _loops(head, result)
    return finish(result, columns, sha)


def _head(lines: list[str], first: str, raw: Raw) -> None:
    """Take technique, program and sample from the header."""
    text = "\n".join(lines)
    raw.technique = next((name for line in lines[:4] if (name := technique(line))), "")
    program = re.search(r"((?:EC|BT)-Lab).* v(\d+[.\d]*)\s*\(software\)", text)
    raw.instrument = f"BioLogic {program[1]} {program[2]}" if program else f"BioLogic {first[:6]}"
    area = re.search(r"Electrode surface area\s*:\s*([-\d.,]+)\s*(cm|mm|um|m)\S?", text)
    if area and stated(_float(area[1])):
        raw.area = _float(area[1]) * _AREA[area[2]]
    for what in ("Mass of active material", "Characteristic mass"):
        mass = re.search(rf"{what}\s*:\s*([-\d.,]+)\s*(kg|mg|g|.g)\s", text + "\n")
        if mass and raw.mass is None and stated(_float(mass[1])):
            raw.mass = _float(mass[1]) * _MASS.get(mass[2], 1e-9)
            if what.startswith("Char"):
                raw.warnings.append(
                    f"mass is the characteristic mass in the file, {mass[1]} {mass[2]}; the file has no active mass"
                )
    remarks = re.search(r"Comments\s*:(.*)(?:\n|$)", text)
    raw.remarks(remarks[1] if remarks else "")


def _float(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return float("nan")


def _loops(head: list[str], raw: Raw) -> None:
    """Number the spectra by cycle or loop, and compare the loops with the number of points."""
    loops = [
        tuple(map(int, match.groups()))
        for line in head
        if (match := re.match(r"Loop (\d+) from point number (\d+) to (\d+)", line.strip()))
    ]
    count = len(next(iter(raw.columns.values()), ()))
    if loops and loops[-1][2] + 1 != count:
        raw.warnings.append(
            f"the header states {loops[-1][2] + 1} points but there are {count}; the file may be truncated"
        )
    if "freq/Hz" not in raw.columns:
        return
    begins = np.zeros(count, bool)
    cycle = raw.columns.pop("cycle number", None)
    if cycle is not None:
        begins[1:] |= np.diff(cycle.astype(float)) != 0.0
    for _, start, _ in loops:
        if 0 < start < count:
            begins[start] = True
    if begins.any():
        raw.columns[SPECTRUM] = 1.0 + np.cumsum(begins)
