"""BioLogic EC-Lab and BT-Lab text files (.mpt).

A first line says the program, a second how many lines the head has; its last line has the names of the columns. The
text is Latin-1, parted by tabs, with a decimal point or comma after the settings of the computer it was exported on.
"""

import io
import re
from collections.abc import Mapping

import numpy as np

from ...errors import MeasurementError
from ..record import SPECTRUM, Record
from .biologic_mpr import stated
from .finish import Raw, finish, technique, temperature_in
from .lines import Layout, Progress, table
from .names import assign

MARK = re.compile(rb"(?:EC|BT)-Lab ASCII FILE")
_COUNT = re.compile(r"Nb header lines\s*:\s*(\d+)")
_MASS = {"g": 1e-3, "mg": 1e-6, "ug": 1e-9, "kg": 1.0}
_AREA = {"cm": 1e-4, "mm": 1e-6, "m": 1.0, "um": 1e-12}


def read(
    path: str, raw: bytes, columns: Mapping[str, str] | None, sha: str, progress: Progress | None = None
) -> Record:
    """Read a file's bytes.

    Raises
    ------
    MeasurementError
        The head is cut off or says another length than it has, or a line of numbers is wrong.
    """
    text = raw.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n", 20_000)
    count = _COUNT.match(lines[1]) if len(lines) > 1 else None
    if count is None:
        msg = 'line 2: "Nb header lines : N" is expected; the file is cut off or damaged'
        raise MeasurementError(msg, source=path)
    number = int(count[1])
    if not 3 <= number < len(lines):
        msg = f"line 2: says {number} lines of head and the file has {len(lines)} lines; it is cut off or damaged"
        raise MeasurementError(msg, source=path)
    head = lines[2 : number - 1]
    names = [name.strip() for name in lines[number - 1].rstrip("\t").split("\t")]
    if len(names) < 2:
        msg = f"line {number}: the columns' names are expected here, after {number - 1} lines of head as line 2 says"
        raise MeasurementError(msg, source=path)
    result = Raw({}, path)
    _head(head, lines[0], result)
    rows = "\n".join(lines[number:])
    first = next((line for line in lines[number:] if line.strip()), "")
    decimal = "," if re.search(r"\d,\d", first) else "."
    by_name = {one.name: label for label, one in assign(names, columns, source=path).items()}
    layout = Layout(
        names, [by_name.get(name) for name in names], range(len(names)), frozenset(), "\t", decimal, number + 1,
        strict=True,
    )  # fmt: skip
    stream = io.BytesIO(rows.encode("utf-8"))
    found, result.lines = table(stream, layout, path, result.warnings, size=len(raw), progress=progress)
    result.columns = found
    _loops(head, result)
    return finish(result, columns, sha)


def _head(lines: list[str], first: str, raw: Raw) -> None:
    """Technique, program, and what the head says of the sample."""
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
                    f"mass is the characteristic mass of the file, {mass[1]} {mass[2]}; it gives no active mass"
                )
    remarks = re.search(r"Comments\s*:(.*)(?:\n|$)", text)
    raw.temperature = temperature_in(remarks[1]) if remarks else None


def _float(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return float("nan")


def _loops(head: list[str], raw: Raw) -> None:
    """Number the spectra, by cycle or loop, and compare the loops with the points that are there."""
    loops = [
        tuple(map(int, match.groups()))
        for line in head
        if (match := re.match(r"Loop (\d+) from point number (\d+) to (\d+)", line.strip()))
    ]
    count = len(next(iter(raw.columns.values()), ()))
    if loops and loops[-1][2] + 1 != count:
        raw.warnings.append(
            f"the head tells of {loops[-1][2] + 1} points and {count} are there; the file may be cut off"
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
