"""BioLogic EC-Lab and BT-Lab binary files (.mpr).

A file is a mark of 52 bytes and modules. A module is ``MODULE``, a short and a long name (10 and 25 bytes), its length,
version and date, and its bytes. EC-Lab 11.50 put a maximum length of ffffffff before the length.

============  ====================================================================================================
VMP settings  technique, remarks, mass, electrolyte, area
VMP data      number of points, ids of the columns, zeros, and the points: one after another, all of one size
VMP LOG       start, program's version, file name
============  ====================================================================================================

The file has no check sum. What it says twice is compared: lengths of modules with the size of the file, points and ids
of columns with the length of their module, |Z| and phase with the parts, charge with its increments, power with voltage
and current, steps with their marks, dates with dates. A damaged byte that none of these shows changes that one value,
and the current beside it where the file has no current and it is made from charge and time; a damaged id of a column
gives its numbers another name.
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
from .finish import AGREEMENT, Columns, Raw, finish

MAGIC = b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + b"\0\0\0\0"
MARK = b"BIO-LOGIC MODULAR FILE"
_MODULE = b"MODULE"

# Flags share one byte, at the place of the first of them: mask
FLAGS = {1: 0x03, 2: 0x04, 3: 0x08, 21: 0x10, 31: 0x20, 65: 0x80}
FLAG_NAMES = {
    1: "mode", 2: "ox/red", 3: "error", 21: "control changes", 31: "Ns changes", 65: "counter inc.",
}  # fmt: skip

_F4 = {
    5: "control/V/mA", 6: "Ewe/V", 8: "I/mA", 9: "Ece/V", 16: "Analog IN 1/V", 17: "Analog IN 2/V", 18: "Analog IN 3/V",
    19: "control/V", 20: "control/mA", 26: "Rapp/Ohm", 27: "Ewe-Ece/V", 32: "freq/Hz", 33: "|Ewe|/V", 34: "|I|/A",
    35: "Phase(Z)/deg", 36: "|Z|/Ohm", 37: "Re(Z)/Ohm", 38: "-Im(Z)/Ohm", 69: "R/Ohm", 70: "P/W", 75: "Analog OUT/V",
    76: "<I>/mA", 77: "<Ewe>/V", 78: "Cs-2/µF-2", 96: "|Ece|/V", 97: "|Ece|/V", 98: "Phase(Zce)/deg", 99: "|Zce|/Ohm",
    100: "Re(Zce)/Ohm", 101: "-Im(Zce)/Ohm", 163: "|Estack|/V", 168: "Rcmp/Ohm", 169: "Cs/µF", 172: "Cp/µF",
    173: "Cp-2/µF-2", 174: "<Ewe>/V", 241: "|E1|/V", 242: "|E2|/V", 271: "Phase(Z1)/deg", 272: "Phase(Z2)/deg",
    301: "|Z1|/Ohm", 302: "|Z2|/Ohm", 331: "Re(Z1)/Ohm", 332: "Re(Z2)/Ohm", 361: "-Im(Z1)/Ohm", 362: "-Im(Z2)/Ohm",
    391: "<E1>/V", 392: "<E2>/V", 422: "Phase(Zstack)/deg", 423: "|Zstack|/Ohm", 424: "Re(Zstack)/Ohm",
    425: "-Im(Zstack)/Ohm", 426: "<Estack>/V", 430: "Phase(Zwe-ce)/deg", 431: "|Zwe-ce|/Ohm", 432: "Re(Zwe-ce)/Ohm",
    433: "-Im(Zwe-ce)/Ohm", 434: "(Q-Qo)/C", 435: "dQ/C", 436: "Ewe/V", 441: "<Ecv>/V", 462: "Temperature/°C",
    471: "<Ece>/V", 473: "THD Ewe/%", 474: "THD I/%", 475: "THD Ece/%", 476: "NSD Ewe/%", 477: "NSD I/%",
    478: "NSD Ece/%", 479: "NSR Ewe/%", 480: "NSR I/%", 481: "NSR Ece/%", 505: "Rdc/Ohm",
    **{484 + order: f"|Ewe h{order}|/V" for order in range(2, 8)},
    **{490 + order: f"|I h{order}|/A" for order in range(2, 8)},
    **{496 + order: f"|Ece h{order}|/V" for order in range(2, 8)},
}  # fmt: skip
_F8 = {
    4: "time/s", 7: "dq/mA.h", 11: "<I>/mA", 13: "(Q-Qo)/mA.h", 23: "dQ/mA.h", 24: "cycle number", 74: "|Energy|/W.h",
    110: "Energy ce/W.h", 112: "Energy we/W.h", 115: "Energy ce charge/W.h", 116: "Energy ce discharge/W.h",
    123: "Energy charge/W.h", 124: "Energy discharge/W.h", 125: "Capacitance charge/µF",
    126: "Capacitance discharge/µF", 438: "step time/s", 467: "Q charge/discharge/mA.h",
}  # fmt: skip
COLUMNS: dict[int, tuple[str, str]] = (
    {number: (name, "<f4") for number, name in _F4.items()}
    | {number: (name, "<f8") for number, name in _F8.items()}
    | {39: ("I Range", "<u2"), 131: ("Ns", "<u2"), 468: ("half cycle", "<u4"), 469: ("z cycle", "<u4")}
    | {509: ("Acir/Dcir Control", "u1")}
)
"""Name and type of a column by its id."""
OTHERWISE: dict[int, tuple[str, str]] = {
    498: ("Q charge/mA.h", "<f8"), 499: ("Q discharge/mA.h", "<f8"), 500: ("step time/s", "<f8"),
    501: ("Efficiency/%", "<f8"), 502: ("Capacity/mA.h", "<f8"),
}  # fmt: skip
"""Ids that BT-Lab has for other columns than EC-Lab; the size of a point tells which."""
FIRST_BYTE = {2: 405, 3: 406}
"""Where the points begin in the data module by its version; 1007 in the form since EC-Lab 11.50, 100 in the first."""

TECHNIQUES = {
    0x04: "cycling", 0x06: "cyclic-voltammetry", 0x07: "cyclic-voltammetry", 0x0B: "open-circuit",
    0x18: "chronoamperometry", 0x19: "chronopotentiometry", 0x1D: "impedance", 0x1E: "impedance", 0x6C: "linear-sweep",
    0x7F: "cycling",
}  # fmt: skip
_WITH_CURRENT = {"impedance", "chronoamperometry", "linear-sweep", "cyclic-voltammetry"}
_SPECTRUM = {"freq/Hz", "Re(Z)/Ohm", "-Im(Z)/Ohm", "|Z|/Ohm", "Phase(Z)/deg"}
NOT_STATED = 0.001
"""What the program has where the user gave no area (cm2) or mass (mg)."""
MOST_UNKNOWN = 5
_SIZES = ("<f4", "<f8", "<u2", "u1")
"""What an unknown column may be."""


@dataclass(frozen=True)
class Module:
    """A module's name, version and bytes; `late` in the form since EC-Lab 11.50."""

    name: str
    version: int
    date: bytes
    late: bool
    data: bytes


def read(path: str, raw: bytes, columns: Mapping[str, str] | None, sha: str) -> Record:
    """Read a file's bytes.

    Raises
    ------
    MeasurementError
        It is cut off, damaged, or has columns whose size cannot be known.
    """
    modules = _modules(raw, path)
    names = [module.name for module in modules]
    for wanted in ("VMP Set", "VMP data"):
        if names.count(wanted) != 1:
            msg = f'has {names.count(wanted)} modules "{wanted}" where one is expected; it is cut off or damaged'
            raise MeasurementError(msg, source=path)
    found = {module.name: module for module in modules}
    values, unknown = _points(found["VMP data"], path)
    result = Raw(values, path, instrument="BioLogic")
    if unknown:
        which = ", ".join(map(str, unknown))
        result.warnings.append(f"columns of ids that are not known are read as numbers of their size: {which}")
    _settings(found["VMP Set"], result)
    log = found.get("VMP LOG")
    if log is None:
        result.warnings.append("has no log at its end and may be cut off")
    else:
        _log(log, found["VMP Set"], result)
    _spectra(found.get("VMP loop"), result)
    _all_there(result)
    _current(result)
    _twice(result)
    return finish(result, columns, sha)


def _modules(raw: bytes, source: str) -> list[Module]:
    if raw[: len(MAGIC)] != MAGIC:
        msg = "begins as a BioLogic file but its first 52 bytes are damaged or cut off; copy it again"
        raise MeasurementError(msg, source=source)
    at, found = len(MAGIC), []
    while at < len(raw):
        head = raw[at : at + 65]
        if head[:6] != _MODULE:
            msg = f"byte {at}: a module is expected to begin here; the file is damaged"
            raise MeasurementError(msg, source=source)
        late = head[41:45] == b"\xff\xff\xff\xff"
        size = 65 if late else 57
        if len(head) < size:
            msg = f"byte {len(raw)}: ends within the head of a module; the file is cut off, copy it again"
            raise MeasurementError(msg, source=source)
        length, old = struct.unpack_from("<II", head, 45 if late else 41)
        new = struct.unpack_from("<I", head, 53)[0] if late else 0
        begin = at + size
        if begin + length > len(raw):
            name = head[6:16].decode("latin-1").strip()
            msg = (
                f'the module "{name}" has {length} bytes by its head and {len(raw) - begin} are there; '
                "the file is cut off or damaged, copy it again"
            )
            raise MeasurementError(msg, source=source)
        name = head[6:16].decode("latin-1").strip()
        if late and (old or new not in (10, 11)):
            msg = f'module "{name}" has version {old}.{new}, which is not known; export the file as text (.mpt)'
            raise MeasurementError(msg, source=source)
        found.append(Module(name, new if late else old, head[size - 8 : size], late, raw[begin : begin + length]))
        at = begin + length
    return found


def _points(module: Module, source: str) -> tuple[Columns, list[int]]:
    data = module.data
    head = 6 if module.late else 5
    if len(data) < head:
        msg = "the module of the points is cut off; copy the file again"
        raise MeasurementError(msg, source=source)
    count = struct.unpack_from("<I", data)[0]
    number = struct.unpack_from("<H", data, 4)[0] if module.late else data[4]
    wide = module.late or module.version in FIRST_BYTE
    first = 1007 if module.late else FIRST_BYTE.get(module.version, 100)
    if not module.late and module.version not in (0, *FIRST_BYTE):
        msg = f"the points are in the form {module.version}, which is not known; export the file as text (.mpt)"
        raise MeasurementError(msg, source=source)
    end = head + number * (2 if wide else 1)
    if end > first - 1 or len(data) < first or any(data[end : first - 1]):
        msg = f"{number} columns and what follows their list do not agree; the file is damaged"
        raise MeasurementError(msg, source=source)
    ids = struct.unpack_from(f"<{number}{'H' if wide else 'B'}", data, head)
    room = len(data) - first
    if not count:
        msg = f"says 0 points of {number} columns; the measurement was stopped before its first, or the file is damaged"
        raise MeasurementError(msg, source=source)
    if not number or room % count:
        msg = f"says {count} points of {number} columns in {room} bytes, which do not agree; the file is damaged"
        raise MeasurementError(msg, source=source)
    layout, unknown = _layout(ids, room // count, source)
    points = np.frombuffer(data, layout.dtype, count, first)
    return _columns(points, layout.flags), unknown


@dataclass(frozen=True)
class _Layout:
    """What a point is made of."""

    names: list[str]
    formats: list[str]
    offsets: list[int]
    size: int
    flags: list[int]

    @property
    def dtype(self) -> np.dtype[np.void]:
        return np.dtype({"names": self.names, "formats": self.formats, "offsets": self.offsets, "itemsize": self.size})


def _layout(ids: tuple[int, ...], size: int, source: str) -> tuple[_Layout, list[int]]:
    """Names, types and places of what a point is made of, from the ids and a point's size; and the unknown ids.

    Sizes of unknown columns are those that sum up to the size of a point. Where several do, a column is read if its
    place is the same in all.
    """
    if len(set(ids)) != len(ids):
        msg = "lists a column twice; the file is damaged"
        raise MeasurementError(msg, source=source)
    flags = [one for one in ids if one in FLAGS]
    own = [one for index, one in enumerate(ids) if one not in FLAGS or one == flags[0]]
    choices = [_choices(one, bool(flags) and one == flags[0]) for one in own]
    unknown = [one for one, choice in zip(own, choices, strict=True) if len(choice) == len(_SIZES)]
    if len(unknown) > MOST_UNKNOWN:
        msg = f"has {len(unknown)} columns that are not known (ids {unknown[:8]}); export the file as text (.mpt)"
        raise MeasurementError(msg, source=source)
    fits = [
        fields for fields in itertools.product(*choices) if sum(np.dtype(kind).itemsize for _, kind in fields) == size
    ]
    begins = [tuple(itertools.accumulate([0, *(np.dtype(kind).itemsize for _, kind in fields)])) for fields in fits]
    unclear = [
        len({(one[at], fields[at]) for one, fields in zip(begins, fits, strict=True)}) > 1 for at in range(len(own))
    ]
    if not fits or any(one and name not in unknown for one, name in zip(unclear, own, strict=True)):
        what = f"among them unknown ones (ids {', '.join(map(str, unknown))})" if unknown else "all of them known"
        msg = (
            f"a point has {size} bytes, which {'does not tell the places of' if fits else 'does not fit'} its "
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
    # the first programs kept the lower byte of an id only
    for known in (number, number + 256, number % 256):
        if known in COLUMNS:
            return (COLUMNS[known], OTHERWISE[known]) if known in OTHERWISE else (COLUMNS[known],)
    name = f"column {number}"
    return tuple((name, kind) for kind in _SIZES)


def _columns(points: NDArray[np.void], flags: list[int]) -> Columns:
    found: Columns = {}
    for name in points.dtype.names or ():
        if name == "flags":
            for number in flags:
                mask = FLAGS[number]
                found[FLAG_NAMES[number]] = ((points["flags"] & mask) // (mask & -mask)).astype(np.float64)
        else:
            with np.errstate(invalid="ignore"):  # of a damaged number that is none
                found[name] = points[name].astype(np.float64)
    return found


def _text(data: bytes, at: int) -> str:
    """Text whose first byte is its length."""
    if at >= len(data):
        return ""
    return data[at + 1 : at + 1 + data[at]].decode("latin-1").strip("\0 ")


def _number(data: bytes, at: int) -> float:
    # by way of its text: 1.13 in single precision is 1.13 again
    return float(str(np.frombuffer(data, "<f4", 1, at)[0])) if at + 4 <= len(data) else float("nan")


def stated(value: float) -> bool:
    """Whether an area or mass is the user's: above 0, and not what the program puts where none is given."""
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
        raw.warnings.append(f"mass is the characteristic mass of the file, {other:.4g} mg; it gives no active mass")


def _log(module: Module, settings: Module, raw: Raw) -> None:
    data = module.data
    version = _text(data, 0x3B7)
    if re.fullmatch(r"\d+\.\d+", version):
        # BT-Lab's versions are 1.x, those of EC-Lab had come to 9 when the form began
        raw.instrument = f"BioLogic {'BT-Lab' if version.startswith('1.') else 'EC-Lab'} {version}"
    begun = struct.unpack_from("<d", data, 0x249)[0] if len(data) >= 0x251 else float("nan")
    day = _day(settings.date)
    if not 20000.0 < begun < 80000.0:
        return
    start = datetime(1899, 12, 30, tzinfo=UTC) + timedelta(days=begun)
    if day is not None and abs((start - day).days) > 1:
        raw.warnings.append(f"says two days of its beginning, {start:%Y-%m-%d} and {day:%Y-%m-%d}; it may be damaged")


def _day(text: bytes) -> datetime | None:
    for form in ("%m/%d/%y", "%m-%d-%y", "%m.%d.%y"):
        try:
            return datetime.strptime(text.decode("latin-1"), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _spectra(loops: Module | None, raw: Raw) -> None:
    """Number the spectra: where the cycle number changes, or a loop begins."""
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


def _all_there(raw: Raw) -> None:
    """Columns come in groups: one without the others, or two of the same that differ, has a damaged name."""
    names = set(raw.columns)
    voltage, current = names & {"Ewe/V", "<Ewe>/V", "Ewe-Ece/V"}, names & {"I/mA", "<I>/mA", "dq/mA.h", "control/mA"}
    lacking = [] if "time/s" in names else ["time/s"]
    if raw.technique == "impedance":
        lacking += sorted(_SPECTRUM - names)
    if raw.technique in _WITH_CURRENT:
        lacking += [name for name, some in (("Ewe/V", voltage), ("I/mA", current)) if not some]
    if lacking:
        which = ", ".join(f'"{name}"' for name in lacking)
        raw.warnings.append(f"has no column {which}, which such a file has; the names of its columns may be damaged")
    for one, other in (("Ewe/V", "<Ewe>/V"), ("I/mA", "<I>/mA")):
        if one in names and other in names:
            with np.errstate(all="ignore"):
                off = np.abs(raw.columns[one] - raw.columns[other])
                alike = bool(np.nanmedian(off) <= 0.2 * np.nanmedian(np.abs(raw.columns[one])) + 1e-9)
            if not alike:
                raw.warnings.append(f'has "{one}" and "{other}", which differ; the name of one may be damaged')


def _current(raw: Raw) -> None:
    """Current from the charge between points, where the file has only that (as in GCPL)."""
    columns = raw.columns
    charge = "dq/mA.h"
    if not {charge, "time/s"} <= set(columns) or {"I/mA", "<I>/mA"} & set(columns) or len(columns["time/s"]) < 2:
        return
    step = np.diff(columns["time/s"])
    with np.errstate(all="ignore"):
        mean = columns[charge][1:] * 3600.0 / step
    control = next((name for name in ("control/mA", "control/V/mA") if name in columns), None)
    held = columns[control][1:] if control and "mode" in columns else np.full_like(step, np.nan)
    galvanostatic = columns.get("mode", np.zeros(len(step) + 1))[1:] == 1.0
    mean = np.where(step > 0.0, mean, np.where(galvanostatic, held, np.nan))
    columns["<I>/mA"] = np.concatenate([[0.0], mean])
    raw.warnings.append("current is the charge between two points over their time; the file has no current")


def _twice(raw: Raw) -> None:
    """Compare what the file says twice, beside the impedance: charge with its increments, power with its factors."""
    columns = raw.columns
    if {"dq/mA.h", "(Q-Qo)/mA.h"} <= set(columns):
        total = columns["(Q-Qo)/mA.h"]
        _agree(raw, np.diff(total), columns["dq/mA.h"][1:], "(Q-Qo)/mA.h", "dq/mA.h", total)
    if {"Ns", "Ns changes"} <= set(columns):
        off = np.flatnonzero((np.diff(columns["Ns"]) != 0.0) != (columns["Ns changes"][1:] == 1.0))
        if off.size:
            raw.warnings.append(f"the step number and its mark of changes do not agree, first at point {off[0] + 2}")
    if {"P/W", "I/mA", "Ewe/V"} <= set(columns):
        _agree(
            raw, columns["P/W"], columns["Ewe/V"] * columns["I/mA"] * 1e-3, "P/W", "Ewe/V times I/mA", columns["P/W"]
        )


def _agree(
    raw: Raw, one: NDArray[np.float64], other: NDArray[np.float64], name: str, of: str, size: NDArray[np.float64]
) -> None:
    with np.errstate(all="ignore"):
        scale = float(np.nanmax(np.abs(size[np.isfinite(size)]), initial=0.0))
        off = ~(np.abs(one - other) <= AGREEMENT * np.maximum(np.abs(other), 1e-3 * scale))
    if off.any() and scale > 0.0:
        row = int(np.flatnonzero(off)[0])
        raw.warnings.append(
            f'"{name}" is not what "{of}" gives at {int(off.sum())} of {len(off)} points, first at point {row + 1}; '
            "one of them is damaged"
        )
