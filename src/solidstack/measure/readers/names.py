"""Names and units of columns, as manufacturers write them, and the label that each becomes.

A name is split into the quantity (``Test_Time``) and its unit (``s``): ``Test_Time(s)``, ``Ewe/V``,
``Voltage / V``, ``frequency_Hz``, ``Current [mA]`` and ``voltage_volt`` are all read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...errors import MeasurementError
from ..records import (
    CHAMBER,
    CHARGING_CAPACITY,
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    FREQUENCY,
    IMAGINARY,
    REAL,
    SPECTRUM,
    STEP,
    TIME,
    VOLTAGE,
)

# Read only to derive one of the labels
MODULUS = "|Z|"
PHASE = "phase"
STATE = "state"
STEP_TIME = "step time"
DATE = "date"
CAPACITY = "capacity"

SHORT = {
    "time": TIME,
    "voltage": VOLTAGE,
    "current": CURRENT,
    "frequency": FREQUENCY,
    "real impedance": REAL,
    "imaginary impedance": IMAGINARY,
    "cycle": CYCLE,
    "step": STEP,
    "temperature": CHAMBER,
    "spectrum": SPECTRUM,
    "charging capacity": CHARGING_CAPACITY,
    "discharging capacity": DISCHARGING_CAPACITY,
}
"""Short names that a user may write in place of a label."""

_SECONDS = {
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "min": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0, "hours": 3600.0, "d": 86400.0, "day": 86400.0,
    "days": 86400.0, "ms": 1e-3, "us": 1e-6, "hms": 1.0, "hmins": 1.0, "hminsms": 1.0, "hhmmss": 1.0, "hmsms": 1.0,
    "hhmmssms": 1.0,
}  # fmt: skip
_VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "kV": 1e3, "volt": 1.0, "volts": 1.0, "Vvs": 1.0}
_AMPERES = {
    "A": 1.0, "mA": 1e-3, "uA": 1e-6, "nA": 1e-9, "pA": 1e-12, "ampere": 1.0, "amps": 1.0, "amp": 1.0,
}  # fmt: skip
_HERTZ = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "mHz": 1e-3, "hertz": 1.0}
_OHM = {"ohm": 1.0, "kohm": 1e3, "Mohm": 1e6, "mohm": 1e-3, "uohm": 1e-6, "ohms": 1.0}
AREAL = {"ohmcm2": 1.0, "kohmcm2": 1e3, "mohmcm2": 1e-3, "ohmm2": 1e4}
"""Resistance times area; taken as that of 1 cm2."""
_AMPERE_HOURS = {"Ah": 1.0, "mAh": 1e-3, "uAh": 1e-6, "C": 1 / 3600.0, "As": 1 / 3600.0, "mAs": 1e-3 / 3600.0,
                 "Ahr": 1.0, "mAhr": 1e-3, "amperehour": 1.0, "coulomb": 1 / 3600.0, "Amphr": 1.0}  # fmt: skip
_DEGREES = {"degC": 1.0, "C": 1.0, "degreec": 1.0, "celsius": 1.0, "degreecelsius": 1.0, "K": 1.0, "kelvin": 1.0}
_ANGLE = {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "rad": 57.29577951308232}
_COUNT = {"1": 1.0, "#": 1.0}

UNITS: dict[str, dict[str, float]] = {
    TIME: _SECONDS,
    STEP_TIME: _SECONDS,
    VOLTAGE: _VOLTS,
    CURRENT: _AMPERES,
    FREQUENCY: _HERTZ,
    REAL: _OHM | AREAL,
    IMAGINARY: _OHM | AREAL,
    MODULUS: _OHM | AREAL,
    PHASE: _ANGLE,
    CHAMBER: _DEGREES,
    CHARGING_CAPACITY: _AMPERE_HOURS,
    DISCHARGING_CAPACITY: _AMPERE_HOURS,
    CAPACITY: _AMPERE_HOURS,
    CYCLE: _COUNT,
    STEP: _COUNT,
    SPECTRUM: _COUNT,
}
"""Units that a column of each label may have, and their size in the unit of the label."""
_KNOWN = {unit for units in UNITS.values() for unit in units}
_FOLDED = {label: {unit.casefold(): unit for unit in units if unit[0] != "M"} for label, units in UNITS.items()}

# Folded names; the first one in a file is used. Names of manufacturers: BioLogic EC-Lab, Gamry, Arbin, Neware, Maccor,
# Autolab Nova, CH Instruments, Zview, Landt, Novonix, Basytec, PEC, Battery Data Format.
NAMES: dict[str, tuple[str, ...]] = {
    TIME: (
        "testtime", "totaltime", "elapsedtime", "cumulativetime", "runtime", "testsec", "test", "time", "t", "timesec",
        "correctedtime", "zeit", "recordtime",
    ),
    STEP_TIME: ("steptime", "relativetime", "step"),
    DATE: ("datetime", "date", "realtime", "absolutetime", "timestamp", "systemtime", "dpttime", "unixtime"),
    VOLTAGE: (
        "ewe-ece", "<ewe-ece>", "ewe", "<ewe>", "<ewe/v>", "ecell", "<ecell>", "voltage", "cellvoltage", "volts",
        "volt", "we(1)potential", "workingelectrode", "potential", "vf", "u", "e", "v", "spannung", "voltageavg",
    ),
    CURRENT: (
        "<i>", "i", "current", "cellcurrent", "amps", "amp", "we(1)current", "im", "strom", "currentavg", "<i>avg",
        "cur",
    ),
    FREQUENCY: ("freq", "frequency", "f", "frequenz"),
    REAL: (
        "re(z)", "realimpedance", "z'", "zreal", "zre", "rez", "re", "real", "zr", "z'(a)", "impedancereal", "realz",
    ),
    IMAGINARY: (
        "im(z)", "imaginaryimpedance", 'z"', "zimag", "zim", "imz", "im", "imag", "imaginary", "zi", 'z"(b)', "imagz",
        "impedanceimag", "impedanceimaginary", "imaginaryz",
    ),
    MODULUS: ("|z|", "zmod", "zabs", "absz", "modulus", "impedance", "z", "magnitude", "|impedance|", "zmagnitude"),
    PHASE: ("phase(z)", "zphz", "phase", "theta", "phaseangle", "phi", "phasez", "zphase", "zphi"),
    CYCLE: (
        "cyclecount", "cyclenumber", "cycleindex", "cycleid", "cycle", "cyc#", "cyc", "cyclec", "cyclep", "cyc-count",
    ),
    STEP: ("stepcount", "stepindex", "stepid", "stepnumber", "step", "ns", "stepno", "step#"),
    SPECTRUM: ("spectrumcount", "spectrum", "spectrumnumber"),
    CHAMBER: ("ambienttemperature", "temperature", "chambertemperature", "auxtemperature1", "temp", "temp1", "t1"),
    CHARGING_CAPACITY: (
        "chargingcapacity", "chargecapacity", "chgcap", "qcharge", "chargecap", "chargecapacityah", "ah-cyc-charge",
    ),
    DISCHARGING_CAPACITY: (
        "dischargingcapacity", "dischargecapacity", "dchgcap", "qdischarge", "dischargecap", "ah-cyc-discharge",
    ),
    STATE: ("state", "md", "steptype", "status", "stepstate", "stepname"),
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Where the values of a label come from.

    Attributes
    ----------
    name : str
        Column in the file.
    unit : str
        Its unit; empty if not stated, and then that of the label is used.
    factor : float
        Size of its unit in the unit of the label, with the sign.
    """

    name: str
    unit: str = ""
    factor: float = 1.0


def tidy(unit: str) -> str:
    """A unit in a uniform spelling.

    Examples
    --------
    >>> tidy("Ω·cm²"), tidy("mA.h"), tidy("°C"), tidy("Ohm"), tidy("µA"), tidy("h:min:s.ms")
    ('ohmcm2', 'mAh', 'degC', 'ohm', 'uA', 'hminsms')
    """
    unit = unit.strip().replace("Ω", "ohm").replace("Ω", "ohm").replace("µ", "u").replace("μ", "u").replace("²", "2")
    unit = unit.replace("°", "deg").replace("º", "deg").replace("Ohm", "ohm").replace("OHM", "ohm")
    unit = unit.removesuffix("vs. Ref.").removesuffix("vs Ref").replace("oC", "degC")
    return re.sub(r"[\s.·⋅*^_:\-]", "", unit)


def known_unit(text: str, label: str | None = None) -> str | None:
    """The spelling of a unit in `UNITS`; None if it is not a unit, or not one of the label."""
    unit = tidy(text)
    if label is None:
        return (
            unit
            if unit in _KNOWN
            else next((f[unit.casefold()] for f in _FOLDED.values() if unit.casefold() in f), None)
        )
    units = UNITS.get(label, {})
    return unit if unit in units else _FOLDED.get(label, {}).get(unit.casefold())


def split(name: str) -> tuple[str, str]:
    """The name of a column without its unit, and the unit; empty if it has none.

    Examples
    --------
    >>> split("Test_Time(s)"), split("Voltage / V"), split("re_ohm_cm2"), split("Q charge/discharge/mA.h")
    (('Test_Time', 's'), ('Voltage', 'V'), ('re', 'ohm_cm2'), ('Q charge/discharge', 'mA.h'))
    >>> split("WE(1).Potential (V)"), split("Cycle_Index"), split("voltage_volt")
    (('WE(1).Potential', 'V'), ('Cycle_Index', ''), ('voltage', 'volt'))
    """
    name = " ".join(name.split())
    match = re.fullmatch(r"(.*\S)\s*[(\[{]([^()\[\]{}]*)[)\]}]", name) or re.fullmatch(
        r"(.*\S)\s*[/,]\s*([^/,]+)", name
    )
    if match and (known_unit(match[2]) or ":" in match[2]):
        return match[1].strip(), match[2].strip()
    words = re.split(r"[_ ]", name)
    for count in (3, 2, 1):
        unit = "_".join(words[-count:])
        if len(words) > count and known_unit(unit):
            return name[: -len(unit) - 1], unit
    return name, ""


def folded(name: str) -> str:
    """A name in lower case without what differs between manufacturers.

    Examples
    --------
    >>> folded("Cycle_Index"), folded("Z''"), folded("Cyc#"), folded("−Im(Z)")
    ('cycleindex', 'z"', 'cyc#', '-im(z)')
    """
    name = name.casefold().replace("''", '"').replace("″", '"').replace("”", '"').replace("′", "'").replace("’", "'")
    name = (
        name.replace("−", "-").replace("–", "-").replace("minus ", "-").replace("neg.", "-").replace("negative ", "-")
    )
    return re.sub(r"[\s_.~]", "", name)


@lru_cache(maxsize=1000)
def label_of(name: str) -> tuple[str, int, Source] | None:
    """The label of a column, the rank of its name among those of the label, and how it is converted."""
    stem, unit = split(name)
    sign = 1.0
    key = folded(stem)
    if key.startswith("-") and folded(key[1:]) in {*NAMES[IMAGINARY], *NAMES[PHASE]}:
        key, sign = key[1:], -1.0
    whole = folded(name)
    for label, names in NAMES.items():
        if whole in names and label in (REAL, IMAGINARY, CYCLE, CHAMBER):
            # what looks like a unit in them is not one: Z'(a), Cycle C, Temp 1
            return label, names.index(whole), Source(name, "", sign)
        if key not in names:
            continue
        known = known_unit(unit, label) if unit else ""
        if unit and label not in (STATE, DATE) and known is None and ":" not in unit:
            continue
        if not unit and (label, key) in ((STEP_TIME, "step"), (CURRENT, "im")):
            continue
        return label, names.index(key), Source(name, known or "", sign * factor(label, known or ""))
    # a header of units alone
    bare = next((label for label in (TIME, VOLTAGE, CURRENT, FREQUENCY) if tidy(name) in UNITS[label]), None)
    return None if bare is None or unit else (bare, 99, Source(name, tidy(name), factor(bare, tidy(name))))


def factor(label: str, unit: str) -> float:
    """Size of `unit` in the unit of the label."""
    return UNITS.get(label, {}).get(unit, 1.0)


def assign(
    names: Sequence[str],
    columns: Mapping[str, str] | None = None,
    *,
    source: str = "",
    units: Sequence[str] | None = None,
) -> dict[str, Source]:
    """Find the column of each label.

    Parameters
    ----------
    names : sequence of str
        Columns of the file.
    columns : mapping, optional
        Label or short name to the name of the column, which may have a unit that replaces its own
        (``{"voltage": "Ewe/mV"}``) and a leading minus sign that reverses the sign.
    units : sequence of str, optional
        Units by column, if the file has them in a line of their own.

    Raises
    ------
    MeasurementError
        An unknown label, a column that is not in the file, a unit that does not fit the label, or two columns of the
        same name.
    """
    best: dict[str, tuple[int, Source]] = {}
    for index, name in enumerate(names):
        unit = units[index] if units and index < len(units) else ""
        match = label_of(f"{name} ({unit})" if unit.strip() and known_unit(unit) else name)
        if match is None:
            continue
        label, rank, column = match
        if label not in best or rank < best[label][0]:
            best[label] = rank, Source(name, column.unit, column.factor)
    chosen = {label: column for label, (_, column) in best.items()}
    for short, name in (columns or {}).items():
        label = SHORT.get(short.casefold().strip(), short)
        if label not in SHORT.values():
            msg = f'"{short}" is not a known quantity; choose one of {", ".join(SHORT)}'
            raise MeasurementError(msg, source=source)
        chosen[label] = _source_of(names, label, name, source)
    for label, column in chosen.items():
        if list(names).count(column.name) > 1:
            msg = f'has two columns "{column.name}", either of which could be "{label}"; rename one'
            raise MeasurementError(msg, source=source)
    return chosen


def _source_of(names: Sequence[str], label: str, column: str, source: str) -> Source:
    """Where the values of a label come from, by the column that the user names."""
    column = column.strip()
    for text, sign in ((column, 1.0), (column.removeprefix("-"), -1.0)):
        if text in names:
            match = label_of(text)
            unit = match[2].unit if match and match[0] == label else known_unit(split(text)[1], label) or ""
            own = -1.0 if label == IMAGINARY and folded(text).startswith("-") else 1.0
            return Source(text, unit, sign * own * factor(label, unit))
        stem, slash, unit = text.rpartition("/")
        bare = {name: split(name)[0] for name in names}
        matches = [name for name in names if slash and stem.strip() in (name, bare[name])]
        matches = matches or [name for name in names if text == bare[name]]
        if matches:
            spelled = known_unit(
                unit if slash and stem.strip() in (matches[0], bare[matches[0]]) else split(matches[0])[1], label
            )
            if spelled is None and (unit if slash else split(matches[0])[1]):
                msg = f'{column}: "{unit}" is not a unit of {label}; choose one of {", ".join(UNITS[label])}'
                raise MeasurementError(msg, source=source)
            own = -1.0 if label == IMAGINARY and folded(matches[0]).startswith("-") else 1.0
            return Source(matches[0], spelled or "", sign * own * factor(label, spelled or ""))
    there = ", ".join(f'"{name}"' for name in names) or "none"
    msg = f'has no column "{column}" for {label}; it has {there}'
    raise MeasurementError(msg, source=source)
