"""Text with units to SI floats and back, and the unit in which each quantity is shown.

Units exist in files, on the command line and in displays only. Everything between is a float or a NumPy
array in SI. `parse` is the way in; `Unit.of` and `text` are the ways out.
"""

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .constants import FARADAY
from .errors import UnitError

if TYPE_CHECKING:
    import pint

Values = float | NDArray[np.float64]
"""A number or an array of numbers, in SI. All functions of the scales broadcast over it."""


@dataclass(frozen=True)
class Unit:
    """A unit that values are shown in: ``si = shown * factor + offset``.

    Parameters
    ----------
    symbol : str
        What `parse` reads, as in ``mg/cm^2``.
    factor : float
        SI units in one of this unit.
    suffix : str
        Ending of a JSON key, as in ``mg_cm2``.
    label : str
        For figures and pages, as in ``mg cm⁻²``.
    offset : float
        Zero of this unit in SI (273.15 for degC).
    """

    symbol: str
    factor: float
    suffix: str
    label: str
    offset: float = 0.0

    def of(self, si: Any) -> Any:
        """Convert an SI value or array to this unit."""
        return (si - self.offset) / self.factor if self.offset else si / self.factor

    def to_si(self, shown: Any) -> Any:
        """Convert a value or array in this unit to SI."""
        return shown * self.factor + self.offset if self.offset else shown * self.factor


ONE = Unit("", 1.0, "", "")
PERCENT = Unit("%", 0.01, "pct", "%")
WT_PERCENT = Unit("wt%", 0.01, "wt_pct", "wt%")
VOL_PERCENT = Unit("vol%", 0.01, "vol_pct", "vol%")
MG_CM2 = Unit("mg/cm^2", 1e-2, "mg_cm2", "mg cm⁻²")
G_M2 = Unit("g/m^2", 1e-3, "g_m2", "g m⁻²")
G_CM3 = Unit("g/cm^3", 1e3, "g_cm3", "g cm⁻³")
UM = Unit("um", 1e-6, "um", "µm")
MM = Unit("mm", 1e-3, "mm", "mm")
CM2 = Unit("cm^2", 1e-4, "cm2", "cm²")
CM3 = Unit("cm^3", 1e-6, "cm3", "cm³")
M2_CM3 = Unit("m^2/cm^3", 1e6, "m2_cm3", "m² cm⁻³")
G = Unit("g", 1e-3, "g", "g")
V = Unit("V", 1.0, "V", "V")
MV = Unit("mV", 1e-3, "mV", "mV")
AH = Unit("Ah", 3600.0, "Ah", "Ah")
MAH = Unit("mAh", 3.6, "mAh", "mAh")
AH_V = Unit("Ah/V", 3600.0, "Ah_V", "Ah V⁻¹")
MAH_V = Unit("mAh/V", 3.6, "mAh_V", "mAh V⁻¹")
WH = Unit("Wh", 3600.0, "Wh", "Wh")
MWH = Unit("mWh", 3.6, "mWh", "mWh")
MAH_G = Unit("mAh/g", 3600.0, "mAh_g", "mAh g⁻¹")
MAH_CM2 = Unit("mAh/cm^2", 36000.0, "mAh_cm2", "mAh cm⁻²")
MA_G = Unit("mA/g", 1.0, "mA_g", "mA g⁻¹")
MA_CM2 = Unit("mA/cm^2", 10.0, "mA_cm2", "mA cm⁻²")
WH_KG = Unit("Wh/kg", 3600.0, "Wh_kg", "Wh kg⁻¹")
MWH_CM2 = Unit("mWh/cm^2", 36000.0, "mWh_cm2", "mWh cm⁻²")
WH_L = Unit("Wh/L", 3.6e6, "Wh_L", "Wh L⁻¹")
OHM_CM2 = Unit("ohm cm^2", 1e-4, "ohm_cm2", "Ω cm²")
MS_CM = Unit("mS/cm", 0.1, "mS_cm", "mS cm⁻¹")
S_CM = Unit("S/cm", 100.0, "S_cm", "S cm⁻¹")
CM2_S = Unit("cm^2/s", 1e-4, "cm2_s", "cm² s⁻¹")
MV_K = Unit("mV/K", 1e-3, "mV_K", "mV K⁻¹")
DEG_C = Unit("degC", 1.0, "degC", "°C", 273.15)
KJ_MOL = Unit("kJ/mol", 1e3, "kJ_mol", "kJ mol⁻¹")
EV = Unit("eV", FARADAY, "eV", "eV")
MPA = Unit("MPa", 1e6, "MPa", "MPa")
GPA = Unit("GPa", 1e9, "GPa", "GPa")
KMOL_M3 = Unit("kmol/m^3", 1e3, "kmol_m3", "kmol m⁻³")
MOL_L = Unit("mol/L", 1e3, "mol_L", "mol L⁻¹")
OHM = Unit("ohm", 1.0, "ohm", "Ω")
HERTZ = Unit("Hz", 1.0, "Hz", "Hz")
SECOND = Unit("s", 1.0, "s", "s")
MA = Unit("mA", 1e-3, "mA", "mA")
UA = Unit("uA", 1e-6, "uA", "µA")
FARAD = Unit("F", 1.0, "F", "F")
HENRY = Unit("H", 1.0, "H", "H")
S_ALPHA = Unit("S s^alpha", 1.0, "S_s_alpha", "S sᵅ")
"""Of a constant-phase element; alpha is its exponent."""
OHM_PER_ROOT_SECOND = Unit("ohm/s^0.5", 1.0, "ohm_s_half", "Ω s⁻⁰·⁵")
HOUR = Unit("h", 3600.0, "h", "h")
KELVIN = Unit("K", 1.0, "K", "K")
S_K_CM = Unit("S K/cm", 100.0, "S_K_cm", "S K cm⁻¹")
MV_HOUR = Unit("mV/h", 1e-3 / 3600.0, "mV_h", "mV h⁻¹")
MILLICOULOMB = Unit("mC", 1e-3, "mC", "mC")
MA_ROOT = Unit("mA/(V/s)^0.5", 1e-3, "mA_s0_5_V0_5", "mA (V s⁻¹)⁻⁰·⁵")
UA_CM2 = Unit("uA/cm^2", 1e-2, "uA_cm2", "µA cm⁻²")
MV_S = Unit("mV/s", 1e-3, "mV_s", "mV s⁻¹")
MV_H = Unit("mV/h", 1e-3 / 3600.0, "mV_h", "mV h⁻¹")
PERCENT_HOUR = Unit("%/h", 0.01 / 3600.0, "pct_h", "% h⁻¹")
USD_KG = Unit("USD/kg", 1.0, "USD_kg", "USD kg⁻¹")
USD_KWH = Unit("USD/kWh", 1 / 3.6e6, "per_kWh", "USD kWh⁻¹")
USD = Unit("USD", 1.0, "USD", "USD")


@dataclass(frozen=True)
class Kind:
    """A kind of quantity: its dimension, the unit it is shown in, and an example to write.

    Parameters
    ----------
    name : str
        The field's word for it, as in "areal mass".
    si : str
        The unit inside, as `parse` reads it.
    shown : Unit
        The unit outside.
    example : str
        A value as a user would write it.
    percent : tuple of str
        The percentages that mean this quantity.
    bare : bool
        Whether a number without a unit is allowed in a file (counts and ratios).
    """

    name: str
    si: str
    shown: Unit
    example: str
    percent: tuple[str, ...] = ()
    bare: bool = False


RATIO = Kind("ratio", "", ONE, "1.1", ("%",), bare=True)
FRACTION = Kind("fraction", "", PERCENT, "90 %", ("%",), bare=True)
POROSITY = Kind("volume fraction", "", PERCENT, "12 %", ("%", "vol%"), bare=True)
SHARE = Kind("share of a composition", "", WT_PERCENT, "93 wt%", ("wt%", "vol%"))
MASS_SHARE = Kind("mass fraction", "", WT_PERCENT, "93 wt%", ("wt%",))
AREA = Kind("area", "m^2", CM2, "11.75 cm^2")
AREAL_MASS = Kind("areal mass", "kg/m^2", MG_CM2, "21 mg/cm^2")
SHEET_MASS = Kind("areal mass", "kg/m^2", G_M2, "203 g/m^2")
DENSITY = Kind("density", "kg/m^3", G_CM3, "3.5 g/cm^3")
THICKNESS = Kind("length", "m", UM, "82 um")
LENGTH = Kind("length", "m", MM, "29.0 mm")
MASS = Kind("mass", "kg", G, "2.92 g")
VOLUME = Kind("volume", "m^3", CM3, "1.37 cm^3")
VOLTAGE = Kind("voltage", "V", V, "3.81 V")
SMALL_VOLTAGE = Kind("voltage", "V", MV, "100 mV")
CAPACITY = Kind("charge", "A*s", AH, "0.16 Ah")
ENERGY = Kind("energy", "J", WH, "0.6 Wh")
SPECIFIC_CAPACITY = Kind("charge per mass", "A*s/kg", MAH_G, "187 mAh/g")
AREAL_CAPACITY = Kind("charge per area", "A*s/m^2", MAH_CM2, "3.3 mAh/cm^2")
SPECIFIC_CURRENT = Kind("current per mass", "A/kg", MA_G, "180 mA/g")
CURRENT_DENSITY = Kind("current per area", "A/m^2", MA_CM2, "0.3 mA/cm^2")
SPECIFIC_ENERGY = Kind("energy per mass", "J/kg", WH_KG, "200 Wh/kg")
ENERGY_DENSITY = Kind("energy per volume", "J/m^3", WH_L, "430 Wh/L")
CONDUCTIVITY = Kind("conductivity", "S/m", MS_CM, "1 mS/cm")
DIFFUSIVITY = Kind("diffusivity", "m^2/s", CM2_S, "1e-9 cm^2/s")
ENTROPIC = Kind("voltage per temperature", "V/K", MV_K, "-0.1 mV/K")
AREAL_RESISTANCE = Kind("resistance times area", "ohm*m^2", OHM_CM2, "10 ohm cm^2")
CURRENT = Kind("current", "A", MA, "0.5 mA")
RESISTANCE = Kind("resistance", "ohm", OHM, "120 ohm")
TEMPERATURE = Kind("temperature", "K", DEG_C, "45 degC")
MOLAR_ENERGY = Kind("molar energy", "J/mol", EV, "0.10 eV")
PRESSURE = Kind("pressure", "Pa", MPA, "240 MPa")
MODULUS = Kind("modulus", "Pa", GPA, "18.5 GPa")
CONCENTRATION = Kind("concentration", "mol/m^3", KMOL_M3, "49.1 kmol/m^3")
DURATION = Kind("time", "s", HOUR, "1 h")
FREQUENCY = Kind("frequency", "1/s", HERTZ, "1000 Hz")
PRICE = Kind("price per mass", "USD/kg", USD_KG, "22 USD/kg")

_ALSO = {"S/m": (S_CM,), "J/mol": (KJ_MOL,), "mol/m^3": (MOL_L,)}
"""More units in which the field writes a dimension, besides those that its kinds are shown in."""

_SI = {
    MWH_CM2: "J/m^2",
    USD_KWH: "USD/J",
    USD: "USD",
    VOL_PERCENT: "",
}
"""SI unit behind a unit in which results are shown and for which there is no `Kind`."""

# Only the units of this field: an unknown one is then refused with a near match instead of read as something exotic.
_DEFINITIONS = f"""
kilo- = 1e3 = k-
mega- = 1e6 = M-
giga- = 1e9 = G-
deci- = 1e-1 = d-
centi- = 1e-2 = c-
milli- = 1e-3 = m-
micro- = 1e-6 = u-
nano- = 1e-9 = n-
pico- = 1e-12 = p-
meter = [length] = m = metre
gram = [mass] = g
second = [time] = s
ampere = [current] = A
kelvin = [temperature]; offset: 0 = K
mole = [substance] = mol
dollar = [currency] = USD
minute = 60 * second = min
hour = 60 * minute = h
degree_Celsius = kelvin; offset: 273.15 = degC = °C
degree_Fahrenheit = 5 / 9 * kelvin; offset: 233.15 + 200 / 9 = degF
inch = 0.0254 * meter = in
micron = 1e-6 * meter
liter = 1e-3 * meter ** 3 = L = l
newton = kilogram * meter / second ** 2 = N
pascal = newton / meter ** 2 = Pa
bar = 1e5 * pascal
psi = 6894.757293168361 * pascal
joule = newton * meter = J
watt = joule / second = W
coulomb = ampere * second = C
volt = joule / coulomb = V
ohm = volt / ampere
siemens = 1 / ohm = S
hertz = 1 / second = Hz
farad = coulomb / volt = F
electron_volt = {FARADAY!r} * joule / mole = eV
"""

_SYMBOLS = (
    "m mm um nm cm g mg kg ug s min h A mA uA K degC mol kmol V mV J kJ W kW C N Pa kPa MPa GPa bar ohm "
    "kohm S mS uS Hz kHz L l mL eV meV USD wt% vol% % g/cm^3 kg/m^3 mg/cm^2 g/m^2 mAh/g mAh/cm^2 mA/g mA/cm^2 "
    "Wh/kg Wh/L mS/cm S/cm S/m ohm cm^2 cm^2/s m^2/s A/m^2 mV/K mol/L Ah Wh kWh Ah/kg USD/kg USD/kWh kJ/mol degF in "
    "psi "
).split()

NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_QUANTITY = re.compile(rf"\s*({NUMBER})\s*(.*?)\s*")
_PERCENT = re.compile(r"(?:(wt|vol|mass|mol)\.?\s*)?%")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


@cache
def _registry() -> "pint.UnitRegistry[Any]":
    import pint

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(None, on_redefinition="raise")
    registry.load_definitions(_DEFINITIONS.strip().splitlines())
    return registry


def _tidy(unit: str) -> str:
    """Rewrite a unit into one spelling, whichever way people write it: µ, Ω, superscripts, cm-2, mAh, middle dots."""
    unit = (
        unit.replace("µ", "u")
        .replace("μ", "u")
        .replace("Ω", "ohm")
        .replace("Ω", "ohm")
        .replace("℃", "degC")
        .replace("°C", "degC")
    )
    unit = unit.replace("$", "USD").replace("·", "*").replace("⋅", "*").replace("**", "^").replace("−", "-")
    unit = unit.translate(_SUPERSCRIPTS)
    unit = re.sub(r"([A-Za-z°])(-?\d)", r"\1^\2", unit)
    return re.sub(r"\b([kmuM]?)(A|W)h\b", r"(\1\2*h)", unit)


@cache
def _usual(si: str) -> dict[str, Unit]:
    """Usual units of a dimension, known without pint, whose import takes longer than the evaluation of a design."""
    shown = [kind.shown for kind in _KINDS if kind.si == si and kind.shown.symbol]
    return {unit.symbol: unit for unit in (*shown, *_ALSO.get(si, ()))}


@cache
def _conversion(unit: str, si: str) -> tuple[float, float]:
    """Factor and offset with ``si = factor * value + offset``; raises pint's errors."""
    registry = _registry()
    at_zero, at_one = (registry.Quantity(value, _tidy(unit)).to(si or "").magnitude for value in (0.0, 1.0))
    # 15 digits, so that pint's product of prefixes is the decimal that is meant (999.9999999999999 is 1000)
    return float(f"{at_one - at_zero:.15g}"), float(f"{at_zero:.15g}")


def article(noun: str) -> str:
    """Return a noun with its article, a or an."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _dimension_words(unit: str) -> str:
    """Describe what a unit measures, in words if a kind has that dimension."""
    registry = _registry()
    dimension = registry.Quantity(1.0, _tidy(unit)).dimensionality
    for kind in _KINDS:
        if registry.Quantity(1.0, kind.si or "").dimensionality == dimension:
            return article(kind.name)
    powers: list[tuple[str, Any]] = sorted((name.strip("[]"), power) for name, power in dimension.items())
    over = [f"{name}^{power:g}" if power != 1 else name for name, power in powers if power > 0]
    under = [f"{name}^{-power:g}" if power != -1 else name for name, power in powers if power < 0]
    return "of dimension " + " / ".join(filter(None, (" ".join(over) or "1", " ".join(under))))


def parse(text: str, kind: Kind) -> float:
    """Read a quantity such as ``"21 mg/cm^2"`` into an SI float.

    Parameters
    ----------
    text : str
        Number and unit. These spellings are understood: ``mg/cm^2``, ``mg/cm2``, ``mg cm-2``, ``mg cm⁻²``,
        ``um``, ``µm``, ``mAh/g``, ``mA h g^-1``, ``degC``, ``wt%``.
    kind : Kind
        What is expected.

    Returns
    -------
    float
        In SI (percentages as fractions).

    Raises
    ------
    UnitError
        No unit, unknown unit, wrong dimension, ambiguous percentage, or no finite number.

    Examples
    --------
    >>> parse("21 mg/cm^2", AREAL_MASS)
    0.21
    >>> parse("45 degC", TEMPERATURE)
    318.15
    """
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2].startswith(","):
        raise UnitError(_number_problem(text, kind))
    number, unit = float(match[1]), match[2]
    if not math.isfinite(number):
        msg = f'"{text}" is not finite; write a number such as "{kind.example}"'
        raise UnitError(msg)
    percent = _PERCENT.fullmatch(unit)
    if percent is not None:
        return _parse_percent(match[1], percent[1] or "", text, kind)
    if not unit:
        if kind.bare:
            return number
        right = " or ".join(f'"{match[1]} {symbol}"' for symbol in kind.percent or (kind.shown.symbol,))
        msg = f'"{text}" has no unit; write for example {right}'
        raise UnitError(msg)
    usual = _usual(kind.si).get(unit)
    if usual is not None:
        return _scaled(match[1], usual.factor, usual.offset)
    import pint

    # pint reads the text of the unit with a tokenizer of expressions, so its errors are many
    try:
        factor, offset = _conversion(unit, kind.si)
    except pint.DimensionalityError:
        msg = f'"{text}" is {_dimension_words(unit)}; {_expected(kind)}'
        raise UnitError(msg) from None
    except Exception:
        raise UnitError(_unknown_unit(text, unit, kind)) from None
    return _scaled(match[1], factor, offset)


def _expected(kind: Kind) -> str:
    return f'expected {article(kind.name)}, for example "{kind.example}"'


def _scaled(number: str, factor: float, offset: float = 0.0) -> float:
    """Scale in decimals and round once: "19.09 mg/cm^2" is 0.1909 kg/m2, not 0.19090000000000001."""
    return float(Decimal(number) * Decimal(repr(factor)) + Decimal(repr(offset)))


def _parse_percent(number: str, word: str, text: str, kind: Kind) -> float:
    percent = f"{'wt' if word == 'mass' else word}%"
    if not kind.percent:
        msg = f'"{text}" is a percentage; {_expected(kind)}'
        raise UnitError(msg)
    if percent not in kind.percent:
        right = " or ".join(f'"{number} {p}"' for p in kind.percent)
        what = "does not say of what (mass or volume)" if percent == "%" else f"is not {article(kind.name)}"
        msg = f'"{text}" {what}; write {right}'
        raise UnitError(msg)
    return _scaled(number, 0.01)


def si_symbol(unit: Unit) -> str:
    """Return the SI unit of what a unit shows, as `parse` reads it; empty for ratios.

    Examples
    --------
    >>> si_symbol(WH_KG)
    'J/kg'
    """
    return _SI[unit] if unit in _SI else next(kind.si for kind in _KINDS if kind.shown == unit)


@cache
def unit_named(symbol: str) -> Unit:
    """Return the unit that results are shown in, by its symbol."""
    return next(value for value in globals().values() if isinstance(value, Unit) and value.symbol == symbol)


def _number_problem(text: str, kind: Kind) -> str:
    if re.match(r"\s*[+-]?(nan|inf)", text, re.IGNORECASE):
        return f'"{text}" is not finite; write a number such as "{kind.example}"'
    if re.match(rf"\s*{NUMBER},\d", text) or re.match(r"\s*\d+,\d", text):
        return f'"{text}" has a comma; write a decimal point, as in "{kind.example}"'
    return f'"{text}" does not start with a number; write for example "{kind.example}"'


def _unknown_unit(text: str, unit: str, kind: Kind) -> str:
    close = nearest(unit, _SYMBOLS)
    hint = f"; did you mean {close}?" if close else ""
    return f'"{text}" has the unknown unit "{unit}"{hint} ({_expected(kind)})'


def nearest(word: str, known: Sequence[str], count: int = 3) -> str:
    """Return the known words nearest to a mistyped one, as ``"a" or "b"``; empty if none is near."""
    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(name.casefold(), name)
    exact = folded.get(word.casefold())
    close = [exact] if exact else [folded[m] for m in difflib.get_close_matches(word.casefold(), folded, count, 0.65)]
    return " or ".join(f'"{name}"' for name in close)


def text(si: float, kind: Kind) -> str:
    """Write an SI value as text that `parse` reads back to the very same float.

    The shown unit is used, or another usual one if that takes fewer digits.

    Examples
    --------
    >>> text(0.21, AREAL_MASS)
    '21 mg/cm^2'
    """
    candidates = []
    choices: dict[str, Unit | None] = {kind.shown.symbol: kind.shown}
    if kind.si:
        choices |= {**_usual(kind.si), kind.si: None}
    for symbol, unit in choices.items():
        exact = Decimal(repr(si))
        if unit is not None:
            exact = (exact - Decimal(repr(unit.offset))) / Decimal(repr(unit.factor))
        for digits in (6, 12, 15, 16, 17):
            number: float | Decimal = exact if digits == 17 else float(exact)
            candidate = f"{number:.{digits}g} {symbol}".strip()
            if parse(candidate, kind) == si:
                # the shown unit unless it needs more digits than another
                candidates.append((digits, symbol != kind.shown.symbol, candidate))
                break
    return min(candidates)[2] if candidates else f"{si!r} {kind.si}".strip()


@dataclass(frozen=True)
class Shown:
    """How a result is shown: words, unit and the key it has in JSON."""

    label: str
    unit: Unit
    key: str = ""


def shown(label: str, unit: Unit = ONE, key: str = "") -> Any:
    """Declare a field of a result: its words, the unit it is shown in, and its JSON key if not the usual one."""
    return field(metadata={"shown": Shown(label, unit, key)})


_KINDS = tuple(value for value in globals().values() if isinstance(value, Kind))
