r"""Impedance spectra: resistances and conductivities, from the part of the spectrum that can be trusted.

1. The window. A cell of resistors, capacitors, diffusion and leads has a spectrum that is a sum of relaxations of
   positive weight (`solidstack.measure.relaxation`). From the part that is one best, the window grows point by point to
   both sides, until two points in turn deviate by more than noise: at high frequency leads, the reference electrode
   or the instrument, at low frequency a cell that changes meanwhile. A lone point that deviates is left out.
2. The check of Kramers and Kronig's relations, point by point.
3. Circuits of a blocking cell, of a cell with lithium electrodes, or of a composite are fitted; that of the least
   information criterion is taken, if the data determine all its parameters.
4. The distribution of relaxation times, which assumes no circuit.

Conductivity is :math:`\sigma = L/(RA)`, with the resistance between the electrodes in a blocking cell, and that at high
frequency beside lithium. Its interval has the uncertainty of length and area in it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MeasurementError
from ..units import (
    CONDUCTIVITY,
    FARAD,
    HERTZ,
    MS_CM,
    OHM,
    OHM_CM2,
    ONE,
    PERCENT,
    SECOND,
    TEMPERATURE,
    Unit,
    text,
)
from .circuits import Fit, Node, parse_circuit
from .circuits import fit as fit_circuit
from .kramers_kronig import Check
from .kramers_kronig import check as check_kramers_kronig
from .records import FREQUENCY, IMAGINARY, REAL, TIME, Record
from .relaxation import Distribution
from .relaxation import distribution as relaxation_times
from .result import Fitted, Property, Result, Series
from .window import LEAST_POINTS, NOISE, Window, hertz, select

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
Flags = NDArray[np.bool_]

FREQUENCIES, SIZES = (1e-7, 1e12), (1e-9, 1e15)
"""Hz and ohm: what is beyond is no measurement."""
BARE, VERY_STRONG = 2.0, 10.0
"""Differences of the Bayesian information criterion not worth more than a bare mention, and of very strong evidence
(Kass and Raftery 1995, doi:10.1080/01621459.1995.10476572). For less than the first, the circuit of fewer parameters is
taken; a circuit with parameters that the data do not determine has to be better by the second."""
WORST = 30.0
"""Most that one spectrum says against a circuit that all are to share, so that the many decide."""
BULK_CAPACITANCE = 1e-7 / 1e-4
"""F/m2. An arc of less is the electrolyte's (grains have 1e-12 F/cm, their boundaries 1e-11 to 1e-8 F/cm, in a pellet
of 1 mm), one of more an interface's (1e-7 to 1e-5 F/cm2; Irvine, Sinclair and West 1990,
doi:10.1002/adma.19900020304)."""
MOST_INTERFACE = 1e-3 / 1e-4
"""F/m2. An arc of more is no double layer but a store, such as an electrode or diffusion."""
NEAR = 10.0
"""Factor about the capacitance that divides electrolyte from interface within which an arc may be of either."""
SOUGHT = (
    "resistance", "interface_resistance", "resistance_sum", "conductivity", "effective_conductivity",
    "tortuosity_factor", "areal_resistance", "areal_interface_resistance",
)  # fmt: skip
"""What a spectrum is measured for, in the order of tables over several."""
QUANTITY = re.compile(r"(?<![A-Za-z0-9])[0-9][0-9.]*(e[-+][0-9]+)?( [munpkMG]?(Hz|F|ohm)(/cm2)?)?")
"""A number in words, with its unit: not that of an element."""
LEADS = 1.0
"""ohm, of the size of leads and contacts."""
MISFIT = 1.3
"""Deviation of a circuit over that of the relations of Kramers and Kronig (both by their degrees of freedom), above
which another circuit may be nearer."""
REVERSED = 0.5, 1.2
"""Share of points with an imaginary part above 0 from which the sign may be the other, and how many times more points
of the spectrum a passive cell then has to have."""

FAMILIES: dict[str, tuple[str, ...]] = {
    "blocking": ("R0-CPE1", "p(R0,CPE0)-CPE1", "R0-p(R1,CPE1)-CPE2", "p(R0,CPE0)-p(R1,CPE1)-CPE2"),
    "interface": (
        "R0-p(R1,CPE1)", "R0-p(R1,CPE1)-W2", "R0-p(R1,CPE1)-Ws2", "R0-p(R1,CPE1)-p(R2,CPE2)",
        "p(R0,CPE0)-p(R1,CPE1)", "p(R0,CPE0)-p(R1,CPE1)-Ws2", "R0-p(R1,CPE1)-p(R2,CPE2)-W3",
        "R0-p(R1,CPE1)-p(R2,CPE2)-Ws3",
    ),
    "electrode": (
        "R0-p(R1,CPE1)-CPE2", "R0-p(R1,CPE1)-W2", "R0-p(R1,CPE1)-p(R2,CPE2)-W3", "R0-p(R1,CPE1)-p(R2,CPE2)-CPE3",
        "R0-p(R1,CPE1)-p(R2,CPE2)-p(R3,CPE3)-CPE4",
    ),
    "composite": ("TL1", "R0-TL1", "p(R0,CPE0)-TL1", "R0-p(R1,CPE1)-TL2", "R0-TLR1", "p(R0,CPE0)-TLR1"),
}  # fmt: skip
"""Circuits that are tried, by kind of cell: SS|SE|SS, Li|SE|Li, a cell with an electrode that stores, a composite."""
LINES = ("R0-TL1", "p(R0,CPE0)-TL1")
"""Circuits of a composite that are tried beside others where nothing says the kind of cell."""


@dataclass(frozen=True)
class Options:
    """Of `analyse`."""

    circuit: str | None
    thickness_uncertainty: float
    area_uncertainty: float
    low: float | None
    high: float | None
    electrolyte_conductivity: float | None
    electrolyte_fraction: float | None


@dataclass(frozen=True)
class Prepared:
    """A spectrum with all that does not hang on the circuit that is chosen; whether the kind of cell was found."""

    record: Record
    options: Options
    frequency: Floats
    measured: Complex
    window: Window
    fits: tuple[Fit, ...]
    said: tuple[str, ...]
    check: Check
    automatic: bool


@dataclass(frozen=True, kw_only=True)
class Impedance(Result):
    """What a spectrum says.

    Attributes
    ----------
    frequency : array, shape (n,)
        Hz, falling.
    measured, fitted : array of complex, shape (n,)
        Impedance, ohm; the circuit's at all frequencies.
    used : array of bool, shape (n,)
        Points of the window.
    check : Check
        Kramers and Kronig's relations at the points used.
    distribution : Distribution
        Of relaxation times, of the points used less what blocks in the circuit.
    fit : Fit
        Of the circuit that the values are of.
    fits : tuple of Fit
        Of all circuits that were tried, the best first.
    family : str
        Kind of cell: ``blocking``, ``interface``, ``electrode`` (it blocks and has arcs of interfaces, as a battery
        has) or ``composite``.
    prepared : Prepared
        What does not hang on the circuit.
    """

    frequency: Floats
    measured: Complex
    fitted: Complex
    used: Flags
    check: Check
    distribution: Distribution
    fit: Fit
    fits: tuple[Fit, ...]
    family: str
    prepared: "Prepared" = field(repr=False)

    @property
    def kind(self) -> str:
        """Name of the command."""
        return "eis"

    @property
    def residuals(self) -> Complex:
        """Of the circuit less the measured, relative to the modulus, at all points."""
        return (self.fitted - self.measured) / np.abs(self.measured)

    def data(self) -> dict[str, Series]:
        """The points."""
        return {"points": _residuals(self.prepared, self.fit)}

    def properties(self) -> list[Property]:
        """Ionic conductivity of the electrolyte of a blocking cell, where its temperature is known."""
        temperature = self.records[0].temperature
        if self.family != "blocking" or "conductivity" not in self.values or temperature is None:
            return []
        found = self.values["conductivity"]
        entry = {
            "value": text(float(f"{found.value:.4g}"), CONDUCTIVITY),
            "temperature": text(float(f"{temperature:.6g}"), TEMPERATURE),
        }
        return [Property("ionic_conductivity", entry, found.uncertainty)]


def analyse(
    record: Record,
    *,
    circuit: str | None = None,
    area: float | None = None,
    thickness: float | None = None,
    thickness_uncertainty: float = 0.0,
    area_uncertainty: float = 0.0,
    temperature: float | None = None,
    low: float | None = None,
    high: float | None = None,
    electrolyte_conductivity: float | None = None,
    electrolyte_fraction: float | None = None,
) -> Impedance:
    """Analyse one spectrum.

    Parameters
    ----------
    record : Record
        With `FREQUENCY`, `REAL` and `IMAGINARY`, of one spectrum (`Record.spectra` splits a file).
    circuit : str, optional
        As in `solidstack.measure.circuits`, or a kind of cell whose circuits are to be tried: ``blocking`` (SS|SE|SS),
        ``interface`` (Li|SE|Li), ``composite`` (transmission lines). Default: by the spectrum's course, or
        ``composite`` where something of its electrolyte is given.
    area, thickness, temperature : float, optional
        Of the sample, m2, m (of the electrolyte, or of the composite), K, in place of what the record says.
    thickness_uncertainty, area_uncertainty : float
        Half of their 95 % intervals over their values, 0 to 1.
    low, high : float, optional
        Ends of the window, Hz; an end that is given is not looked for.
    electrolyte_conductivity : float, optional
        Of the electrolyte in a composite, S/m.
    electrolyte_fraction : float, optional
        Its volume fraction in the composite, 0 to 1; with its conductivity the tortuosity factor follows.

    Raises
    ------
    MeasurementError
        No spectrum, too few points, nothing left to trust, a circuit that is none, or an option out of bounds.
    """
    record = record.with_sample(area=area, thickness=thickness, temperature=temperature)
    options = Options(
        circuit, thickness_uncertainty, area_uncertainty, low, high, electrolyte_conductivity, electrolyte_fraction
    )
    _require(options, record.source)
    frequency, measured, said = _points(record)
    _require_sign(frequency, measured, options, record.source)
    names = _candidates(options)
    only = tuple(parse_circuit(name) for name in names)
    inductive = len(only) == 1 and any(one.kind == "L" for one in only[0].root.elements())
    window = select(frequency, measured, low=low, high=high, inductive=inductive, source=record.source)
    if not inductive and window.high and len(only) != 1:
        # more points with an inductance than without: it is that of the leads
        other = select(frequency, measured, low=low, high=high, inductive=True, source=record.source)
        if other.used.sum() >= window.used.sum() + 3:
            window = other
    f, z = frequency[window.used], measured[window.used]
    automatic = not only
    if automatic:
        names = _by_course(f, z)
        only = tuple(parse_circuit(name) for name in names)
    if window.inductive and not inductive:
        only = tuple(parse_circuit(f"L0-{one}") for one in only)
    fits: list[Fit] = []
    for one in only:
        if len(one.names) + 2 <= 2 * f.size:
            # a circuit that has another in it begins there, and so is no worse
            inner = [other for other in fits if set(other.circuit.names) < set(one.names)]
            start = min(inner, key=lambda other: other.bic).values if inner else None
            fits.append(fit_circuit(one, f, z, start=start))
    if not fits:
        msg = f"{f.size} points are left in the window, too few for {only[0]}; give a wider window or another circuit"
        raise MeasurementError(msg, source=record.source)
    fits.sort(key=lambda one: _rank(one, automatic=automatic))
    prepared = Prepared(
        record, options, frequency, measured, window, tuple(fits), said, check_kramers_kronig(f, z), automatic
    )
    return _result(prepared, _choice(prepared))


def analyse_all(records: Iterable[Record], **options: Any) -> list[Impedance]:
    """Analyse all spectra of some records, with one circuit for all, so that parameters can be compared.

    The circuit is the one of the least sum of the information criterion over the spectra.

    Parameters
    ----------
    records : iterable of Record
    **options
        Of `analyse`.
    """
    results = [analyse(one, **options) for record in records for one in record.spectra()]
    if len(results) < 2:
        return results
    totals: dict[str, float] = {}
    for result in results:
        automatic = result.prepared.automatic
        least = _rank(result.fits[0], automatic=automatic)
        for one in result.fits:
            # one that was not tried on a spectrum gets the worst there: sums count from it
            name = str(one.circuit).removeprefix("L0-")
            totals[name] = totals.get(name, 0.0) + min(_rank(one, automatic=automatic) - least, WORST) - WORST
    best = min(totals, key=lambda name: totals[name])
    found = []
    for result in results:
        same = [one for one in result.fits if str(one.circuit).removeprefix("L0-") == best]
        found.append(_result(result.prepared, same[0]) if same else result)
    return found


@dataclass(frozen=True, kw_only=True)
class Spectra(Result):
    """Several spectra of a cell, one after the other.

    Attributes
    ----------
    results : tuple of Impedance
    """

    results: tuple[Impedance, ...]

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "eis"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, with all of each spectrum under ``spectra``."""
        return super().to_dict() | {"spectra": [one.to_dict() for one in self.results]}


def together(results: Sequence[Impedance]) -> Spectra:
    """Put several spectra into one result: a table of their values, and what holds for some of them said once.

    What differs in its numbers only is the same, and has those of the first.
    """
    said: dict[str, dict[int, str]] = {}
    for number, result in enumerate(results, 1):
        for words in result.warnings:
            said.setdefault(QUANTITY.sub("#", words), {})[number] = words
    warnings = tuple(
        f"{_numbered(list(found))}{'' if len(set(found.values())) == 1 else ' (numbers of the first)'}: "
        f"{next(iter(found.values()))}"
        for found in said.values()
    )
    models = list(dict.fromkeys(result.model for result in results))
    files = list(dict.fromkeys(result.records[0].name for result in results))
    return Spectra(
        records=tuple({one.source: one for result in results for one in result.records}.values()),
        values={},
        model=models[0] if len(models) == 1 else "circuits by spectrum",
        window={"spectra": len(results)} | ({"file": files[0]} if len(files) == 1 else {}),
        warnings=warnings,
        series={"over_time": over_time(results)},
        results=tuple(results),
    )


def _numbered(numbers: list[int]) -> str:
    some = ", ".join(map(str, numbers[:6]))
    return f"spectr{'um' if len(numbers) == 1 else 'a'} {some}{' ...' if len(numbers) > 6 else ''}"


def over_time(results: Sequence[Impedance]) -> Series:
    """Tabulate the values of several spectra: a row a spectrum, nan where one lacks a value.

    What is sought comes first, each value with its interval; what is the same in all spectra, such as the file, is left
    out.
    """
    every = list(dict.fromkeys(name for result in results for name in result.values))
    names = sorted(every, key=lambda name: SOUGHT.index(name) if name in SOUGHT else len(SOUGHT))
    columns: dict[str, list[Any]] = {
        "spectrum": list(range(1, len(results) + 1)),
        "file": [result.records[0].name for result in results],
        "time": [_begin(result.records[0]) for result in results],
    }
    rest: dict[str, list[Any]] = {
        "circuit": [result.model for result in results],
        "deviation": [result.fit.deviation for result in results],
    }
    units = {"time": SECOND, "deviation": PERCENT}
    for name in names:
        unit = next(result.values[name].unit for result in results if name in result.values)
        for part in ("value", "low", "high"):
            column = name if part == "value" else f"{name}_{part}"
            (columns if name in SOUGHT else rest)[column] = [
                float(getattr(result.values[name], part)) if name in result.values else np.nan for result in results
            ]
            units[column] = unit
    shown = {
        column: values
        for column, values in (columns | rest).items()
        if column in ("spectrum", *SOUGHT) or len({str(value) for value in values}) > 1 or len(results) == 1
    }
    return Series("Spectra", shown, {column: unit for column, unit in units.items() if column in shown})


def _begin(record: Record) -> float:
    return float(record.values(TIME).min()) if record.has(TIME) else float("nan")


# -- what is given --------------------------------------------------------------------------------------------------


def _require(options: Options, source: str) -> None:
    for name in ("thickness_uncertainty", "area_uncertainty"):
        value = getattr(options, name)
        if not 0.0 <= value < 1.0:
            msg = f"{name}: {100.0 * value:.4g} % is not from 0 to 100 %; it is half the 95 % interval over the value"
            raise MeasurementError(msg, source=source)
    for name in ("low", "high"):
        value = getattr(options, name)
        if value is not None and not (np.isfinite(value) and value > 0.0):
            msg = f"{name}: {value:.4g} Hz is not above 0; write for example 1e5"
            raise MeasurementError(msg, source=source)
    if options.low is not None and options.high is not None and options.low >= options.high:
        msg = f"low: {options.low:.4g} Hz is not below high, {options.high:.4g} Hz; exchange them"
        raise MeasurementError(msg, source=source)
    sigma, fraction = options.electrolyte_conductivity, options.electrolyte_fraction
    if sigma is not None and not (np.isfinite(sigma) and sigma > 0.0):
        msg = f"electrolyte_conductivity: {text(sigma, CONDUCTIVITY)} is not above 0; write for example 1 mS/cm"
        raise MeasurementError(msg, source=source)
    if fraction is not None and not 0.0 < fraction <= 1.0:
        msg = f"electrolyte_fraction: {100.0 * fraction:.4g} % is not above 0 and up to 100 %; it is a volume fraction"
        raise MeasurementError(msg, source=source)


def _points(record: Record) -> tuple[Floats, Complex, tuple[str, ...]]:
    """Frequencies, falling, and impedances, with what was amiss."""
    record.require(FREQUENCY, REAL, IMAGINARY)
    frequency, z = record.values(FREQUENCY), record.impedance
    said = []
    size = np.maximum(np.abs(z.real), np.abs(z.imag))
    sound = (frequency >= FREQUENCIES[0]) & (frequency <= FREQUENCIES[1]) & (size >= SIZES[0]) & (size <= SIZES[1])
    sound &= np.isfinite(z)
    if not sound.all():
        said.append(f"{int((~sound).sum())} of {sound.size} rows have no frequency or no impedance and are left out")
    rows = np.unique(np.column_stack([frequency, z.real, z.imag])[sound], axis=0)[::-1]
    if len(rows) < sound.sum():
        said.append(f"{int(sound.sum()) - len(rows)} rows repeat others and are left out")
    distinct = np.unique(rows[:, 0]).size
    if distinct < LEAST_POINTS:
        msg = (
            f"has {distinct} different frequenc{'y' if distinct == 1 else 'ies'} with an impedance; a spectrum takes "
            f"at least {LEAST_POINTS}. Measure five points a decade or more"
        )
        raise MeasurementError(msg, source=record.source)
    if distinct < len(rows):
        said.append(f"{len(rows) - distinct} frequencies were measured more than once; all are used")
    return rows[:, 0], rows[:, 1] + 1j * rows[:, 2], tuple(said)


def _require_sign(frequency: Floats, measured: Complex, options: Options, source: str) -> None:
    """Refuse a spectrum that only with the other sign of its imaginary part is that of a passive cell."""
    inside = (frequency >= (options.low or 0.0)) & (frequency <= (options.high or np.inf))
    f, z = frequency[inside], measured[inside]
    above = z.imag > 0.0
    if f.size < LEAST_POINTS or above.mean() <= REVERSED[0]:
        return
    reversed_, *as_it_is = (
        _passive_points(f, one, inductive=inductive) for one, inductive in ((z.conj(), False), (z, False), (z, True))
    )
    if reversed_ > REVERSED[1] * max(as_it_is):
        msg = (
            f"the imaginary part is above 0 at {int(above.sum())} of {f.size} points; with the other sign "
            f"{reversed_} points are those of a passive cell, as it is {max(as_it_is)}. The column probably holds -Im: "
            'say so with --column "Imaginary Impedance / ohm=-NAME", NAME as in the file'
        )
        raise MeasurementError(msg, source=source)


def _passive_points(frequency: Floats, measured: Complex, *, inductive: bool) -> int:
    try:
        return int(select(frequency, measured, inductive=inductive).used.sum())
    except MeasurementError:
        return 0


def _candidates(options: Options) -> tuple[str, ...]:
    """Circuits to try; none where the spectrum has to say the kind of cell."""
    if options.circuit is None:
        given = options.electrolyte_conductivity is not None or options.electrolyte_fraction is not None
        return FAMILIES["composite"] if given else ()
    return FAMILIES.get(options.circuit.strip(), (options.circuit,))


def _by_course(frequency: Floats, z: Complex) -> tuple[str, ...]:
    """Blocking or composite, where the low frequencies are capacitive; lithium electrodes, where they are resistive."""
    last = np.argsort(frequency)[: max(3, z.size // 12)]
    phase = -float(np.degrees(np.angle(z[last]).mean()))
    if phase > 60.0:
        return (*FAMILIES["blocking"], *LINES)
    if phase < 20.0:
        return FAMILIES["interface"]
    return tuple(dict.fromkeys([*FAMILIES["interface"][:4], *FAMILIES["blocking"], *FAMILIES["electrode"], *LINES]))


# -- the circuit ----------------------------------------------------------------------------------------------------


def _determined(fit: Fit) -> bool:
    return not fit.undetermined and not fit.at_bound


def _rank(fit: Fit, *, automatic: bool) -> float:
    """Information criterion; what needs strong evidence, lines of a composite that nobody spoke of too, has more."""
    unasked = automatic and _line(fit)
    return fit.bic + VERY_STRONG * ((not _determined(fit)) + unasked)


def _line(fit: Fit) -> bool:
    return any(one.kind in ("TL", "TLR") for one in fit.circuit.root.elements())


def _choice(prepared: Prepared) -> Fit:
    """Of the circuits that are about as good as the best, that of fewest parameters."""
    ranks = [_rank(one, automatic=prepared.automatic) for one in prepared.fits]
    near = [(len(one.circuit.names), rank, at) for at, (one, rank) in enumerate(zip(prepared.fits, ranks, strict=True))]
    return prepared.fits[min(one for one in near if one[1] <= min(ranks) + BARE)[2]]


def blocks(node: Node) -> bool:
    """Whether no direct current passes."""
    if node.kind == "series":
        return any(map(blocks, node.children))
    if node.kind == "parallel":
        return all(map(blocks, node.children))
    return node.kind in ("C", "CPE", "Wo", "TL")


def _blocking(fit: Fit, frequency: Floats) -> Complex:
    """Impedance of what blocks in series, which no sum of resistances tends to at low frequency."""
    root, values = fit.circuit.root, fit.values
    s = 2j * np.pi * frequency
    total = np.zeros(frequency.size, complex)
    for child in root.children if root.kind == "series" else (root,):
        if child.kind == "C":
            total += 1.0 / (s * values[child.name])
        elif child.kind in ("CPE", "TL"):
            total += 1.0 / (values[f"{child.name}_Q"] * s ** values[f"{child.name}_alpha"])
        elif child.kind == "Wo":
            total += values[f"{child.name}_R"] / (s * values[f"{child.name}_tau"])
    return total


@dataclass(frozen=True)
class _Parts:
    """Names of resistances by what they are of, and arcs: names of resistance and storage.

    Slow arcs are of neither: stores, and those whose top is below the window. Of resistances in `together` only the sum
    is known; `doubts` says in words which arcs may be of something else.
    """

    electrolyte: list[str]
    interface: list[str]
    arcs: list[tuple[str, str]]
    rail: str
    family: str
    together: list[str]
    doubts: list[str]


def _parts(fit: Fit, area: float | None, frequency: Floats, tried: str | None) -> _Parts:
    root = fit.circuit.root
    children = root.children if root.kind == "series" else (root,)
    rails = [child.name for child in children if child.kind in ("TL", "TLR")]
    plain = [child.name for child in children if child.kind == "R"]
    electrolyte, interface = list(plain), list[str]()
    together: dict[str, list[str]] = {}
    doubts: list[str] = []
    arcs = []
    limit = BULK_CAPACITANCE * (area or 1e-4)
    for child in children:
        resistors = [one for one in child.elements() if one.kind == "R"] if child.kind == "parallel" else []
        stores = [one for one in child.elements() if one.kind in ("C", "CPE")] if resistors else []
        if len(resistors) != 1 or len(stores) != 1:
            interface += [one.name for one in resistors]
            continue
        arc = resistors[0].name, stores[0].name
        arcs.append(arc)
        capacitance = _capacitance(fit, *arc)
        top = 0.5 / np.pi / (capacitance * fit[arc[0]])
        # the fastest process is the electrolyte's
        fastest = not electrolyte
        if capacitance < limit or fastest:
            electrolyte.append(arc[0])
        elif (area is None or capacitance < MOST_INTERFACE * area) and top >= frequency.min():
            interface.append(arc[0])
        else:
            continue
        clear = not _unknown(fit, arc) and capacitance < limit / NEAR
        doubt = _doubt(arc[0], capacitance, area, interface=arc[0] in interface, fastest=fastest)
        if top > frequency.max() and not clear:
            # what relaxes above the window is seen as a resistance there, whatever it is of
            together[arc[0]] = doubt * (not _unknown(fit, arc))
        elif not _unknown(fit, arc):
            doubts += doubt
    seen = sum(fit[one] for one in interface if one not in together)
    if len(together) == 1 and not plain and seen >= sum(fit[one] for one in together):
        # the interfaces are in the window, so what is before them is the electrolyte as if it were a resistance alone
        doubts += next(iter(together.values()))
        together = {}
    family = "composite" if rails else "blocking" if blocks(root) else "interface"
    if family == "blocking" and tried is None and not {resistance for resistance, _ in arcs} <= set(electrolyte):
        family = "electrode"
    return _Parts(
        electrolyte, interface, arcs, rails[0] if rails else "", family, [*plain, *together] if together else [], doubts
    )


def _unknown(fit: Fit, arc: tuple[str, str]) -> bool:
    """Whether the spectrum does not determine an arc."""
    return any(name.split("_")[0] in arc for name in (*fit.undetermined, *fit.at_bound))


def _doubt(resistance: str, capacitance: float, area: float | None, *, interface: bool, fastest: bool) -> list[str]:
    """Say where an arc is taken as one thing by a capacitance that is near the limit, or of an unknown area."""
    taken, other = ("the interfaces'", "the electrolyte's")[:: 1 if interface else -1]
    limit = f"{_farad(BULK_CAPACITANCE * 1e-4)}/cm2"
    if area is None:
        words = (
            f"the arc of {resistance} is taken as {taken} by its capacitance, {_farad(capacitance)}, as if of "
            f"1 cm2 (the limit is {limit}), since no area is known: give it"
        )
        return [] if fastest else [words]
    own = capacitance / area
    if own <= BULK_CAPACITANCE / NEAR or (own >= BULK_CAPACITANCE * NEAR and not fastest):
        return []
    where = "near" if own < BULK_CAPACITANCE * NEAR else "far above"
    words = (
        f"the arc of {resistance} is taken as {taken}, but its capacitance, {_farad(own * 1e-4)}/cm2, is {where} "
        f"the limit between electrolyte and interfaces, {limit}: it may be {other}"
    )
    return [words]


def _farad(capacitance: float) -> str:
    """Capacitance in words, as 45 uF."""
    for factor, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n")):
        if capacitance >= 0.9995 * factor:
            return f"{capacitance / factor:.3g} {prefix}F"
    return f"{capacitance * 1e12:.3g} pF"


def _capacitance(fit: Fit, resistance: str, store: str) -> float:
    r"""Capacitance of an arc, :math:`Q^{1/\alpha} R^{1/\alpha-1}` (Hsu and Mansfeld 2001, doi:10.5006/1.3280607)."""
    if store in fit.circuit.names:
        return fit[store]
    q, alpha = fit[f"{store}_Q"], fit[f"{store}_alpha"]
    return float(q ** (1.0 / alpha) * fit[resistance] ** (1.0 / alpha - 1.0))


def _result(prepared: Prepared, fit: Fit) -> Impedance:
    record, window = prepared.record, prepared.window
    parts = _parts(fit, record.area, prepared.frequency[window.used], prepared.options.circuit)
    values = _values(prepared, fit, parts)
    frequency, used = prepared.frequency, window.used
    f, z = frequency[used], prepared.measured[used]
    found = relaxation_times(f, z - _blocking(fit, f), modulus=np.abs(z), inductive=window.inductive)
    return Impedance(
        records=(record,),
        values=values,
        model=str(fit.circuit),
        window=_window(prepared),
        warnings=_warnings(prepared, fit, parts, values),
        series=_series(prepared, fit, found),
        frequency=frequency,
        measured=prepared.measured,
        fitted=fit.impedance(frequency),
        used=used,
        check=prepared.check,
        distribution=found,
        fit=fit,
        fits=prepared.fits,
        family=parts.family,
        prepared=prepared,
    )


def _scaled(found: Fitted, label: str, unit: Unit, factor: float, more: float = 0.0) -> Fitted:
    """A value above 0 times a factor of its own relative uncertainty (half of the 95 % interval)."""
    half = np.hypot(0.5 * np.log(found.high / found.low) if found.low > 0.0 else np.nan, more)
    value = found.value * factor
    with np.errstate(over="ignore"):
        return Fitted(label, value, float(value * np.exp(-half)), float(value * np.exp(half)), unit)


def _values(prepared: Prepared, fit: Fit, parts: _Parts) -> dict[str, Fitted]:
    record, options = prepared.record, prepared.options
    area, thickness = record.area, record.thickness
    geometry = float(np.hypot(options.thickness_uncertainty, options.area_uncertainty))
    values: dict[str, Fitted] = {}

    def areal(name: str, label: str, found: Fitted) -> None:
        if area is not None:
            values[name] = _scaled(found, label, OHM_CM2, area, options.area_uncertainty)

    if parts.rail:
        name = parts.rail if parts.rail in fit.circuit.names else f"{parts.rail}_R"
        rail = fit.fitted(name, "Ionic resistance of the composite", OHM)
        if area is not None and thickness is not None:
            sigma = _scaled(_inverse(rail), "Effective ionic conductivity", MS_CM, thickness / area, geometry)
            values["effective_conductivity"] = sigma
            own, fraction = options.electrolyte_conductivity, options.electrolyte_fraction
            if own is not None and fraction is not None:
                values["tortuosity_factor"] = _scaled(_inverse(sigma), "Tortuosity factor", ONE, own * fraction)
        areal("areal_resistance", "Areal ionic resistance of the composite", rail)
        values["resistance"] = rail
    elif parts.together:
        many = len(parts.together) > 1
        words = f"Sum of {' and '.join(parts.together)}" if many else "Resistance of electrolyte and interfaces"
        values["resistance_sum"] = fit.fitted(parts.together, words, OHM)
    elif parts.electrolyte:
        words = "Resistance of the electrolyte"
        found = fit.fitted(parts.electrolyte, words, OHM)
        if area is not None and thickness is not None:
            inverse = fit.fitted(parts.electrolyte, words, OHM, -1.0)
            values["conductivity"] = _scaled(inverse, "Ionic conductivity", MS_CM, thickness / area, geometry)
        areal("areal_resistance", "Areal resistance of the electrolyte", found)
        values["resistance"] = found
    if parts.interface and not parts.together:
        found = fit.fitted(parts.interface, "Resistance of the interfaces", OHM)
        areal("areal_interface_resistance", "Areal resistance of the interfaces, both together", found)
        values["interface_resistance"] = found
    for name, parameter in zip(fit.circuit.names, fit.circuit.parameters, strict=True):
        values[name] = fit.fitted(name, f"{name.split('_')[0]}, {parameter.words}", parameter.unit)
    for resistance, store in parts.arcs:
        values |= _arc(fit, resistance, store)
    return values | _without_interval(values, parts)


def _without_interval(values: dict[str, Fitted], parts: _Parts) -> dict[str, Fitted]:
    """Of resistances whose sum alone is known, and of their arcs: what noise leaves open is the least that is."""
    if len(parts.together) < 2:
        return {}
    elements, ends = set(parts.together), set()
    for resistance, store in parts.arcs:
        if resistance in elements:
            elements.add(store)
            number = resistance.removeprefix("R")
            ends |= {f"frequency_{number}", f"capacitance_{number}"}
    return {
        name: replace(found, low=float("nan"), high=float("nan"))
        for name, found in values.items()
        if name.split("_")[0] in elements or name in ends
    }


def _inverse(found: Fitted) -> Fitted:
    return replace(found, value=1.0 / found.value, low=1.0 / found.high, high=1.0 / found.low)


def _arc(fit: Fit, resistance: str, store: str) -> dict[str, Fitted]:
    """Frequency of the top of an arc, and its capacitance."""
    names = fit.circuit.names
    at = names.index(resistance)
    single = store in names
    q = names.index(store if single else f"{store}_Q")

    def alpha(theta: Floats) -> float:
        return 1.0 if single else float(theta[q + 1])

    def top(theta: Floats) -> float:
        return float(np.exp(-(theta[at] + theta[q]) / alpha(theta)) * 0.5 / np.pi)

    def capacitance(theta: Floats) -> float:
        return float(np.exp((theta[q] + theta[at]) / alpha(theta) - theta[at]))

    number = resistance.removeprefix("R")
    return {
        f"frequency_{number}": fit.of(top, f"Top of the arc of {resistance}", HERTZ),
        f"capacitance_{number}": fit.of(capacitance, f"Capacitance of the arc of {resistance}", FARAD),
    }


def _window(prepared: Prepared) -> dict[str, Any]:
    window, frequency = prepared.window, prepared.frequency
    used = frequency[window.used]
    return {
        "from_Hz": float(used.min()),
        "to_Hz": float(used.max()),
        "points": int(window.used.sum()),
        "points_measured": int(frequency.size),
        "high_frequency_end": window.high or "the spectrum's own",
        "low_frequency_end": window.low or "the spectrum's own",
        "left_out_Hz": frequency[window.lone].tolist(),
    }


def _warnings(prepared: Prepared, fit: Fit, parts: _Parts, values: dict[str, Fitted]) -> tuple[str, ...]:
    window, frequency, record = prepared.window, prepared.frequency, prepared.record
    f, z = frequency[window.used], prepared.measured[window.used]
    said = list(prepared.said)
    for which, reason, cut in (("above", window.high, frequency > f.max()), ("below", window.low, frequency < f.min())):
        if reason and reason != "given":
            edge = hertz(f.max() if which == "above" else f.min())
            said.append(f"{int(cut.sum())} points {which} {edge} are cut: {reason}")
    if window.lone.any():
        lone = ", ".join(hertz(one) for one in frequency[window.lone])
        said.append(f"left out, as they deviate from their neighbours by more than noise: {lone}")
    if window.inductive:
        said.append("the leads' inductance is part of the circuit (L0)")
    if prepared.check.verdict:
        said.append(prepared.check.verdict)
    if fit.deviation > max(MISFIT * prepared.check.scatter, NOISE):
        said.append(
            f"the circuit {fit.circuit} deviates from the spectrum by {100.0 * fit.deviation:.1f} %, "
            f"Kramers and Kronig's relations by {100.0 * prepared.check.scatter:.1f} %: another circuit may be nearer"
        )
    if fit.undetermined or fit.at_bound:
        names = ", ".join(dict.fromkeys([*fit.undetermined, *fit.at_bound]))
        said.append(f"the spectrum does not determine {names}; take a simpler circuit or a wider range of frequency")
    said += _line_said(prepared, fit)
    said += _beyond(fit, parts, values, f)
    said += parts.doubts
    first = (
        []
        if parts.together
        else [name for name in parts.electrolyte if name in [child.name for child in fit.circuit.root.children]]
    )
    if first and z.real.min() > 1.5 * fit[first[0]]:
        said.append(
            f"{first[0]} is extrapolated: the least real part in the window is {z.real.min():.3g} ohm; measure to "
            "higher frequency"
        )
    if parts.family == "blocking":
        if "resistance" in values and values["resistance"].value < LEADS:
            said.append(f"{values['resistance'].value:.2g} ohm is of the size of leads and contacts; subtract a short")
        if "conductivity" in values and record.temperature is None:
            said.append("the temperature is not known: a conductivity without it is no property of the material")
    if "tortuosity_factor" in values and values["tortuosity_factor"].high < 1.0:
        said.append(
            "the tortuosity factor is below 1, which no structure has: check thickness, area, fraction and the "
            "electrolyte's conductivity"
        )
    return tuple(said)


def _line_said(prepared: Prepared, fit: Fit) -> list[str]:
    """Where the kind of cell was found from the spectrum: what is said of a composite's transmission line."""
    others = [one for one in prepared.fits if _line(one) != _line(fit) and _determined(one)]
    if not prepared.automatic or not others:
        return []
    other = min(others, key=lambda one: one.bic)
    if _line(fit):
        words = (
            f"the spectrum looks like the transmission line of a composite: {fit.circuit} has an information criterion "
            f"{other.bic - fit.bic:.0f} lower than {other.circuit}. Take --circuit composite to say so, or --circuit "
            "blocking if it is an electrolyte between blocking electrodes"
        )
        return [words]
    words = (
        f"the spectrum looks somewhat more like the transmission line of a composite, {other.circuit}, than like "
        f"{fit.circuit}; if it is a composite, take --circuit composite"
    )
    return [words] if other.bic < fit.bic - BARE else []


def _beyond(fit: Fit, parts: _Parts, values: dict[str, Fitted], f: Floats) -> list[str]:
    """Arcs whose top is not in the window, of those that the spectrum determines."""
    said = []
    if parts.together:
        arcs = " and ".join(one for one in parts.together if one in dict(parts.arcs))
        whole = " and ".join(parts.together)
        known = f"of {whole} only the sum is known" if len(parts.together) > 1 else "it may be of interfaces as well"
        said.append(
            f"the arc of {arcs} relaxes above {hertz(f.max())}, the end of the window: {known}, so neither resistance "
            "nor conductivity of the electrolyte follows; measure to higher frequency"
        )
    for arc in parts.arcs:
        top = values[f"frequency_{arc[0].removeprefix('R')}"].value
        if arc[0] not in parts.together and not _unknown(fit, arc) and not f.min() <= top <= f.max():
            side = "above" if top > f.max() else "below"
            said.append(f"the arc of {arc[0]} has its top at {hertz(top)}, {side} the window: it is extrapolated")
    return said


def _series(prepared: Prepared, fit: Fit, found: Distribution) -> dict[str, Series]:
    fits, peaks = prepared.fits, found.peaks
    total = sum(peak.resistance for peak in peaks)
    candidates: dict[str, Any] = {
        "circuit": [str(one.circuit) for one in fits],
        "parameters": [len(one.circuit.names) for one in fits],
        "bic": [one.bic for one in fits],
        "aicc": [one.aicc for one in fits],
        "deviation": [one.deviation for one in fits],
        "undetermined": [", ".join(dict.fromkeys([*one.undetermined, *one.at_bound])) for one in fits],
        "chosen": [one is fit for one in fits],
    }
    relaxations = {
        "frequency": [peak.frequency for peak in peaks],
        "tau": [peak.tau for peak in peaks],
        "resistance": [peak.resistance for peak in peaks],
        "share": [peak.resistance / total for peak in peaks],
    }
    return {
        "candidates": Series("Circuits that were tried", candidates, {"deviation": PERCENT}),
        "relaxations": Series(
            "Relaxations", relaxations, {"frequency": HERTZ, "tau": SECOND, "resistance": OHM, "share": PERCENT}
        ),
    }


def _residuals(prepared: Prepared, fit: Fit) -> Series:
    """Give measured and fitted impedance, and what is left, point by point."""
    window, frequency = prepared.window, prepared.frequency
    fitted = fit.impedance(frequency)
    check = np.full(frequency.size, np.nan + 1j * np.nan)
    check[window.used] = prepared.check.residuals
    left = (fitted - prepared.measured) / np.abs(prepared.measured)
    columns: dict[str, Any] = {
        "frequency": frequency.tolist(),
        "real": prepared.measured.real.tolist(),
        "imaginary": prepared.measured.imag.tolist(),
        "fitted_real": fitted.real.tolist(),
        "fitted_imaginary": fitted.imag.tolist(),
        "residual_real": left.real.tolist(),
        "residual_imaginary": left.imag.tolist(),
        "kramers_kronig_real": check.real.tolist(),
        "kramers_kronig_imaginary": check.imag.tolist(),
        "used": window.used.tolist(),
    }
    units = dict.fromkeys(("real", "imaginary", "fitted_real", "fitted_imaginary"), OHM)
    units |= {name: PERCENT for name in columns if name.startswith(("residual", "kramers"))}
    return Series("Points", columns, units | {"frequency": HERTZ})
