"""BioLogic EC-Lab and BT-Lab binary files (.mpr).

A file consists of a mark of 52 bytes and modules. A module is ``MODULE``, a short and a long name (10 and 25 bytes),
its length, version and date, and its bytes. EC-Lab 11.50 added a maximum length of ffffffff before the length.

============  ====================================================================================================
VMP settings  technique, remarks, mass, electrolyte, area
VMP data      number of points, ids of the columns, zeros, and the points one after another, all of the same size
VMP LOG       start, software version, file name
============  ====================================================================================================

The file has no checksum. What it records twice is compared: lengths of modules with the size of the file, points and
ids of columns with the length of their module, |Z| and phase with real and imaginary part, charge with its increments,
power with voltage and current, steps with their marks, dates with dates. A damaged byte that none of these reveals
changes a single value, and the current of that point if it is derived from charge and time; a damaged column id gives
its numbers another name.
"""

import itertools
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ...errors import MeasurementError
from ..records import SPECTRUM, Record
from .biologic_checks import all_there, compare, current_from_charge
from .biologic_columns import COLUMNS, FLAG_NAMES, FLAGS, OTHERWISE
from .finish import finish
from .raw import Columns, Raw

MAGIC = b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + b"\0\0\0\0"
MARK = b"BIO-LOGIC MODULAR FILE"
_MODULE = b"MODULE"
FIRST_BYTE = {2: 405, 3: 406}
"""Start of the points in the data module by version; 1007 in the form since EC-Lab 11.50, 100 in the first."""
TECHNIQUES = {
    0x04: "cycling", 0x06: "cyclic-voltammetry", 0x07: "cyclic-voltammetry", 0x0B: "open-circuit",
    0x18: "chronoamperometry", 0x19: "chronopotentiometry", 0x1D: "impedance", 0x1E: "impedance", 0x6C: "linear-sweep",
    0x7F: "cycling",
}  # fmt: skip
NOT_STATED = 0.001
"""Value written by the software if the user gave no area (cm2) or mass (mg)."""
MOST_UNKNOWN = 5
_SIZES = ("<f4", "<f8", "<u2", "u1")
"""Possible types of an unknown column."""


@dataclass(frozen=True)
class Module:
    """Name, version and bytes of a module; `late` for the form since EC-Lab 11.50."""

    name: str
    version: int
    date: bytes
    late: bool
    data: bytes


def read(path: str, raw: bytes, columns: Mapping[str, str] | None, sha: str) -> Record:
    """Read the bytes of a file.

    Raises
    ------
    MeasurementError
        It is truncated, damaged, or has columns of unknown size.
    """
    modules = _modules(raw, path)
    names = [module.name for module in modules]
    for name in ("VMP Set", "VMP data"):
        if names.count(name) != 1:
            msg = f'has {names.count(name)} modules "{name}" instead of one; it is truncated or damaged'
            raise MeasurementError(msg, source=path)
    by_name = {module.name: module for module in modules}
    values, unknown = _points(by_name["VMP data"], path)
    result = Raw(values, path, instrument="BioLogic")
    if unknown:
        which = ", ".join(map(str, unknown))
        result.warnings.append(f"columns with unknown ids are read as numbers of their size: {which}")
    _settings(by_name["VMP Set"], result)
    log = by_name.get("VMP LOG")
    if log is None:
        result.warnings.append("has no log at its end and may be truncated")
    else:
        _log(log, by_name["VMP Set"], result)
    _spectra(by_name.get("VMP loop"), result)
    all_there(result)
    current_from_charge(result)
    compare(result)
    return finish(result, columns, sha)


def _modules(raw: bytes, source: str) -> list[Module]:
    if raw[: len(MAGIC)] != MAGIC:
        msg = "starts as a BioLogic file but its first 52 bytes are damaged or truncated; copy it again"
        raise MeasurementError(msg, source=source)
    at, modules = len(MAGIC), list[Module]()
    while at < len(raw):
        head = raw[at : at + 65]
        if head[:6] != _MODULE:
            msg = f"byte {at}: the start of a module is expected here; the file is damaged"
            raise MeasurementError(msg, source=source)
        late = head[41:45] == b"\xff\xff\xff\xff"
        size = 65 if late else 57
        if len(head) < size:
            msg = f"byte {len(raw)}: ends within the header of a module; the file is truncated, copy it again"
            raise MeasurementError(msg, source=source)
        length, old = struct.unpack_from("<II", head, 45 if late else 41)
        new = struct.unpack_from("<I", head, 53)[0] if late else 0
        begin = at + size
        if begin + length > len(raw):
            name = head[6:16].decode("latin-1").strip()
            msg = (
                f'module "{name}" should have {length} bytes according to its header but has {len(raw) - begin}; '
                "the file is truncated or damaged, copy it again"
            )
            raise MeasurementError(msg, source=source)
        name = head[6:16].decode("latin-1").strip()
        if late and (old or new not in (10, 11)):
            msg = f'module "{name}" has the unknown version {old}.{new}; export the file as text (.mpt)'
            raise MeasurementError(msg, source=source)
        modules.append(Module(name, new if late else old, head[size - 8 : size], late, raw[begin : begin + length]))
        at = begin + length
    return modules


def _points(module: Module, source: str) -> tuple[Columns, list[int]]:
    data = module.data
    head = 6 if module.late else 5
    if len(data) < head:
        msg = "the module of the points is truncated; copy the file again"
        raise MeasurementError(msg, source=source)
    count = struct.unpack_from("<I", data)[0]
    number = struct.unpack_from("<H", data, 4)[0] if module.late else data[4]
    wide = module.late or module.version in FIRST_BYTE
    first = 1007 if module.late else FIRST_BYTE.get(module.version, 100)
    if not module.late and module.version not in (0, *FIRST_BYTE):
        msg = f"the points are in the unknown form {module.version}; export the file as text (.mpt)"
        raise MeasurementError(msg, source=source)
    end = head + number * (2 if wide else 1)
    if end > first - 1 or len(data) < first or any(data[end : first - 1]):
        msg = f"{number} columns and what follows their list do not agree; the file is damaged"
        raise MeasurementError(msg, source=source)
    ids = struct.unpack_from(f"<{number}{'H' if wide else 'B'}", data, head)
    room = len(data) - first
    if not count:
        msg = f"states 0 points of {number} columns; the measurement was stopped before the first, or it is damaged"
        raise MeasurementError(msg, source=source)
    if not number or room % count:
        msg = f"states {count} points of {number} columns in {room} bytes, which is inconsistent; the file is damaged"
        raise MeasurementError(msg, source=source)
    layout, unknown = _layout(ids, room // count, source)
    points = np.frombuffer(data, layout.dtype, count, first)
    return _columns(points, layout.flags), unknown


@dataclass(frozen=True)
class _Layout:
    """The columns of a point and their places."""

    names: list[str]
    formats: list[str]
    offsets: list[int]
    size: int
    flags: list[int]

    @property
    def dtype(self) -> np.dtype[np.void]:
        return np.dtype({"names": self.names, "formats": self.formats, "offsets": self.offsets, "itemsize": self.size})


def _layout(ids: tuple[int, ...], size: int, source: str) -> tuple[_Layout, list[int]]:
    """Names, types and places of the columns of a point, from their ids and the size of a point; and the unknown ids.

    Unknown columns have sizes that add up to the size of a point. If several combinations do, a column is read if its
    place is the same in all of them.
    """
    if len(set(ids)) != len(ids):
        msg = "lists a column twice; the file is damaged"
        raise MeasurementError(msg, source=source)
    flags = [number for number in ids if number in FLAGS]
    own = [number for number in ids if number not in FLAGS or number == flags[0]]
    choices = [_choices(number, bool(flags) and number == flags[0]) for number in own]
    unknown = [number for number, choice in zip(own, choices, strict=True) if len(choice) == len(_SIZES)]
    if len(unknown) > MOST_UNKNOWN:
        msg = f"has {len(unknown)} unknown columns (ids {unknown[:8]}); export the file as text (.mpt)"
        raise MeasurementError(msg, source=source)
    fits = [
        fields for fields in itertools.product(*choices) if sum(np.dtype(kind).itemsize for _, kind in fields) == size
    ]
    begins = [tuple(itertools.accumulate([0, *(np.dtype(kind).itemsize for _, kind in fields)])) for fields in fits]
    unclear = [
        len({(places[at], fields[at]) for places, fields in zip(begins, fits, strict=True)}) > 1
        for at in range(len(own))
    ]
    if not fits or any(vague and number not in unknown for vague, number in zip(unclear, own, strict=True)):
        what = f"including unknown ones (ids {', '.join(map(str, unknown))})" if unknown else "all of them known"
        msg = (
            f"a point has {size} bytes, which {'leaves open the places of' if fits else 'does not fit'} its "
            f"{len(ids)} columns, {what}; the file is damaged or of a newer program: export it as text (.mpt)"
        )
        raise MeasurementError(msg, source=source)
    seen: dict[str, int] = {}
    layout = _Layout([], [], [], size, flags)
    for (name, kind), begin, skipped in zip(fits[0], begins[0][:-1], unclear, strict=True):
        if skipped:
            continue
        seen[name] = seen.get(name, 0) + 1
        layout.names.append(f"{name} {seen[name]}" if seen[name] > 1 else name)
        layout.formats.append(kind)
        layout.offsets.append(begin)
    return layout, unknown


def _choices(number: int, flags: bool) -> tuple[tuple[str, str], ...]:
    if flags:
        return (("flags", "u1"),)
    # the first versions kept only the lower byte of an id
    for known in (number, number + 256, number % 256):
        if known in COLUMNS:
            return (COLUMNS[known], OTHERWISE[known]) if known in OTHERWISE else (COLUMNS[known],)
    name = f"column {number}"
    return tuple((name, kind) for kind in _SIZES)


def _columns(points: NDArray[np.void], flags: list[int]) -> Columns:
    columns: Columns = {}
    for name in points.dtype.names or ():
        if name == "flags":
            for number in flags:
                mask = FLAGS[number]
                columns[FLAG_NAMES[number]] = ((points["flags"] & mask) // (mask & -mask)).astype(np.float64)
        else:
            with np.errstate(invalid="ignore"):  # from damaged numbers
                columns[name] = points[name].astype(np.float64)
    return columns


def _text(data: bytes, at: int) -> str:
    """Text preceded by its length in a byte."""
    if at >= len(data):
        return ""
    return data[at + 1 : at + 1 + data[at]].decode("latin-1").strip("\0 ")


def _number(data: bytes, at: int) -> float:
    # through its text, so that 1.13 in single precision stays 1.13
    return float(str(np.frombuffer(data, "<f4", 1, at)[0])) if at + 4 <= len(data) else float("nan")


def stated(value: float) -> bool:
    """Whether an area or mass was given by the user: positive, and not the placeholder of the software."""
    return bool(np.isfinite(value)) and 0.0 < value < 1e6 and abs(value - NOT_STATED) > 1e-6


def _settings(module: Module, raw: Raw) -> None:
    data = module.data
    raw.technique = TECHNIQUES.get(data[0], "") if data else ""
    raw.remarks(_text(data, 0x07))
    area, mass, other = _number(data, 0x211), _number(data, 0x107), _number(data, 0x24C)
    raw.area = area * 1e-4 if stated(area) else None
    if stated(mass):
        raw.mass = mass * 1e-6
    elif stated(other):
        raw.mass = other * 1e-6
        raw.warnings.append(f"mass is the characteristic mass in the file, {other:.4g} mg; the file has no active mass")


def _log(module: Module, settings: Module, raw: Raw) -> None:
    data = module.data
    version = _text(data, 0x3B7)
    if re.fullmatch(r"\d+\.\d+", version):
        # versions of BT-Lab are 1.x; EC-Lab had reached 9 when the form was introduced
        raw.instrument = f"BioLogic {'BT-Lab' if version.startswith('1.') else 'EC-Lab'} {version}"
    begun = struct.unpack_from("<d", data, 0x249)[0] if len(data) >= 0x251 else float("nan")
    day = _day(settings.date)
    if not 20000.0 < begun < 80000.0:
        return
    start = datetime(1899, 12, 30, tzinfo=UTC) + timedelta(days=begun)
    if day is not None and abs((start - day).days) > 1:
        raw.warnings.append(f"states two start dates, {start:%Y-%m-%d} and {day:%Y-%m-%d}; it may be damaged")


def _day(text: bytes) -> datetime | None:
    for form in ("%m/%d/%y", "%m-%d-%y", "%m.%d.%y"):
        try:
            return datetime.strptime(text.decode("latin-1"), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _spectra(loops: Module | None, raw: Raw) -> None:
    """Number the spectra: a new one where the cycle number changes or a loop starts."""
    columns = raw.columns
    if "freq/Hz" not in columns:
        return
    count = len(columns["freq/Hz"])
    begins = np.zeros(count, bool)
    cycle = columns.pop("cycle number", None)
    if cycle is not None:
        step = np.diff(cycle)
        begins[1:] |= step != 0.0
        odd = np.flatnonzero((step != 0.0) & (step != 1.0))
        if odd.size:
            raw.warnings.append(
                f"the cycle number goes from {cycle[odd[0]]:g} to {cycle[odd[0] + 1]:g} at point {odd[0] + 2}"
            )
    if loops is not None and len(loops.data) >= 4:
        number = min(struct.unpack_from("<I", loops.data)[0], (len(loops.data) - 4) // 4)
        starts = np.frombuffer(loops.data, "<u4", number, 4).astype(np.int64)
        begins[starts[(starts > 0) & (starts < count)]] = True
    if begins.any():
        columns[SPECTRUM] = 1.0 + np.cumsum(begins)
