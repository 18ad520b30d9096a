"""Galvanostatic intermittent titration: chemical diffusivity in the active material, pulse by pulse."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf
from scipy.stats import binom

from ..errors import MeasurementError
from ..units import (
    CM2_S,
    DIFFUSIVITY,
    MA,
    MAH_G,
    MV,
    MV_H,
    OHM,
    PERCENT,
    SECOND,
    TEMPERATURE,
    UM,
    Unit,
    V,
    text,
)
from .cycling import EDGE, Signal, signal, thinned
from .records import Record
from .result import Fitted, Property, Result, Series
from .statistics import line, quantile

Floats = NDArray[np.float64]
NAN = math.nan

POINTS = 8
"""That a pulse has at least; fewer are a spike or too coarse for a line."""
RESTED = 3
"""Points of a rest."""
LATER = 5.0
"""Current that flows this many times longer than the usual pulse is none of them."""
REMEMBERED = 20
"""Runs of current before a pulse whose relaxation is in its fit; what older ones have left is a constant."""
NEXT = 0.2
"""Share of its step by which a pulse may begin off the end of the one before it and still be next to it."""
TURNS, SETTLED = 5, 1e-3
"""Of the fits of all pulses with the bend of the rest potential, and the change of its steps at which it is found."""
STEEPER = 2.0
"""Relative change of the slope of the rest potential over a pulse beyond which it is a step or a plateau."""
NODES = 48
"""Points of the pulse at which that relaxation is worked out."""
SKIPPED = 0.05
"""Share of the pulse that is left out at its beginning: double layers and charge transfer settle."""
END = 0.1
"""Share of a rest, at its end, over which the potential is taken."""
LONG = 0.2
"""Pulse time over R2/D from which the front of the diffusion has met itself in the middle: the potential then hardly
depends on D. Weppner and Huggins ask for much less than 1."""
UNRESTED = 0.05
"""Share of the step of the rest potential that may be left to relax."""
BENT = 0.05
"""Residual over the rise of the potential in a pulse from which it is not that of diffusion."""
FAINT = 5.0
"""Standard deviations that a step of the rest potential has to be."""
UNSTEADY = 0.02
"""Relative spread of the current within a pulse."""
TAIL = 0.4
"""Of the relaxation, the part that its time scale is told from."""
SLOWER, FASTER = 0.4, 1.3
"""Diffusivity of the end of the relaxation over that of the pulse within which both say the same. In a slab, as when a
reaction front spreads through the electrode, it is 2 to 4: the first eigenvalue is pi2 in place of 20.19/9."""
FRONT = 3.0
"""The ionic resistance of the electrode has to allow this many times the diffusivity found."""
VARIED = 1.5
"""By how much the slope of the rest potential has to vary between pulses to see whether D goes with it."""
PROPORTIONAL, EVEN = 0.2, 0.05
"""By how much the exponent may miss 1, and the scatter about it, where D is in proportion to that slope."""
SEARCH = np.linspace(-2.5, 2.5, 41)
"""Natural logarithms of the ratio of diffusivities that are tried on a rest."""

WORDS: dict[str, str] = {
    "long pulse": f"the pulse is longer than {LONG:g} R²/D: shorten it, or the potential says little of D",
    "short rest": f"more than {100 * UNRESTED:g} % of the step is left to relax at the end of a rest: rest longer",
    "not diffusion": f"the potential is not that of diffusion within {100 * BENT:g} % of its rise: a plateau or step "
    "of the potential, charge transfer, or a side reaction",
    "faint step": "the step of the rest potential is within its noise: pass more charge in a pulse",
    "unsteady current": "the current is not constant",
    "wrong way": "the rest potential moved against the current: a drift, self-discharge or a wrong sign",
    "other relaxation": "the rest relaxes on another time scale than diffusion in spheres of the D of the pulse: the "
    "reaction front spreads through the electrode (few or long ionic paths), or sizes differ widely",
    "like a front": "from pulse to pulse the diffusivity is in proportion to the slope of the rest potential over the "
    "charge, as where a resistance along the electrode charges its capacity and the reaction front spreads (and as a "
    "thermodynamic factor alone would make it): give the ionic resistance of the electrode to tell",
    "reaction front": "the ionic resistance of the electrode alone makes the potential move like that: the pulse "
    "measures the spreading of the reaction front and not diffusion in the particles",
}
"""Flags of a pulse, and what each means."""


def _roots(count: int) -> Floats:
    """Solve tan b = b above 0, by Newton's method from the asymptotic value."""
    b: Any = (np.arange(1, count + 1) + 0.5) * np.pi
    b = b - 1.0 / b
    for _ in range(8):
        b = b - (np.sin(b) - b * np.cos(b)) / (b * np.sin(b))
    found: Floats = b
    return found


_EARLY = 0.05
# the ninth term at the border is e^-44
_SQUARES = _roots(8) ** 2


def surface(T: Any) -> Floats:
    r"""Rise of the surface concentration of a sphere under constant flux from T = 0 on, in units of j R/D.

    .. math::
        f(T) = 3T + \frac{1}{5} - 2 \sum_n \frac{e^{-\beta_n^2 T}}{\beta_n^2}, \quad \tan \beta_n = \beta_n
        \qquad f \to e^T (1 + \mathrm{erf} \sqrt{T}) - 1 \approx 2 \sqrt{T/\pi} + T \; (T \ll 1)

    Parameters
    ----------
    T : array
        D t/R2, 0 or more.

    Notes
    -----
    Carslaw and Jaeger, Conduction of Heat in Solids (1959), section 9.7. Both forms agree to 1e-8 at their border.

    Examples
    --------
    >>> float(surface(0.0)), round(float(surface(10.0)), 6)
    (0.0, 30.2)
    """
    T = np.asarray(T, float)
    early = np.minimum(T, _EARLY)
    short = np.exp(early) * (1.0 + erf(np.sqrt(early))) - 1.0
    late = np.maximum(T, _EARLY)[..., None]
    full = 3.0 * late[..., 0] + 0.2 - 2.0 * np.sum(np.exp(-_SQUARES * late) / _SQUARES, axis=-1)
    found: Floats = np.where(_EARLY > T, short, full)
    return found


def _surface_rate(T: Floats) -> Floats:
    """Derivative of `surface`; T above 0."""
    early = np.minimum(T, _EARLY)
    short = np.exp(early) * (1.0 + erf(np.sqrt(early))) + 1.0 / np.sqrt(np.pi * early)
    late = np.maximum(T, _EARLY)[..., None]
    full = 3.0 + 2.0 * np.sum(np.exp(-_SQUARES * late), axis=-1)
    found: Floats = np.where(_EARLY > T, short, full)
    return found


@dataclass(frozen=True, eq=False)
class Pulse:
    """A pulse of current with the rests around it.

    Attributes
    ----------
    number : int
    begin, end, rested : float
        Times at which current begins and ends, and the end of the rest, s.
    charge : float
        A s, above 0 where the cell is charged.
    before, after : float
        Rest potentials, V.
    step, step_deviation : float
        Of the rest potential, V.
    drop : float
        What the potential jumps at once, V: ohmic, and charge transfer that is settled before the fitted part.
    rise : float
        Of the potential in the pulse without the jump, V.
    diffusivity, low, high : float
        With 95 % interval, m2/s; nan where there is none.
    simple : float
        After Weppner and Huggins by the line over the root of time, m2/s.
    reduced : float
        Pulse time over R2/D.
    misfit : float
        Residual over rise.
    drift : float
        Of the potential at the end of the rest, V/s.
    unrested : float
        Share of the step that is left to relax; nan where it cannot be told.
    relaxation : float
        Diffusivity of the rest over that of the pulse; nan where the rest does not say.
    flags : tuple of str
        Of `WORDS`: why it is not valid.
    time, voltage, fitted : array, shape (n,)
        Of the fitted part: s since the pulse began, V.
    """

    number: int
    begin: float
    end: float
    rested: float
    charge: float
    before: float
    after: float
    step: float
    step_deviation: float
    drop: float
    rise: float
    diffusivity: float
    low: float
    high: float
    simple: float
    reduced: float
    misfit: float
    drift: float
    unrested: float
    relaxation: float
    flags: tuple[str, ...]
    time: Floats
    voltage: Floats
    fitted: Floats

    @property
    def duration(self) -> float:
        """Of the current, s."""
        return self.end - self.begin

    @property
    def current(self) -> float:
        """Mean of the pulse, A."""
        return self.charge / self.duration

    @property
    def valid(self) -> bool:
        """Whether it has a diffusivity and no flag."""
        return not self.flags and math.isfinite(self.diffusivity)


@dataclass(frozen=True, kw_only=True, eq=False)
class Gitt(Result):
    """Diffusivity by titration.

    Attributes
    ----------
    pulses : tuple of Pulse
    radius : float
        m.
    temperature : float or None
        K.
    time, voltage : array, shape (n,)
        Of the record, thinned for a figure: s, V.
    """

    pulses: tuple[Pulse, ...]
    radius: float
    temperature: float | None
    time: Floats
    voltage: Floats

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "gitt"

    def properties(self) -> list[Property]:
        """Median diffusivity of the valid pulses at the temperature of the cell."""
        found = self.values["diffusivity"]
        if self.temperature is None or not any(one.valid for one in self.pulses) or not math.isfinite(found.value):
            return []
        entry = {
            "value": text(float(f"{found.value:.6g}"), DIFFUSIVITY),
            "temperature": text(self.temperature, TEMPERATURE),
        }
        return [Property("diffusivity", entry, found.uncertainty)]

    def data(self) -> dict[str, Series]:
        """Potential over time, and the fitted part of each pulse."""
        fits: dict[str, list[Any]] = {"pulse": [], "time": [], "voltage": [], "fitted": []}
        for one in self.pulses:
            at = thinned(len(one.time), 60)
            fits["pulse"] += [one.number] * len(at)
            for name in ("time", "voltage", "fitted"):
                fits[name] += getattr(one, name)[at].tolist()
        return {
            "voltage": Series(
                "Potential over time",
                {"time": self.time.tolist(), "voltage": self.voltage.tolist()},
                {"time": SECOND, "voltage": V},
            ),
            "fits": Series("Fitted parts of the pulses", fits, {"time": SECOND, "voltage": V, "fitted": V}),
        }


def analyse(
    record: Record,
    *,
    radius: float | None = None,
    area: float | None = None,
    mass: float | None = None,
    molar_mass: float | None = None,
    molar_volume: float | None = None,
    theoretical_capacity: float | None = None,
    initial_stoichiometry: float | None = None,
    ionic_resistance: float | None = None,
) -> Gitt:
    r"""Diffusivity from the pulses and rests of a titration.

    Pulses are found from the current. While a pulse is short against R2/D, its potential without the jump at its
    beginning goes with the root of time, and with the step of the rest potential (Weppner and Huggins; a sphere has
    the volume R/3 per area)

    .. math::
        D = \frac{4}{\pi \tau} \left(\frac{R}{3}\right)^2 \left(\frac{\Delta E_s}{\Delta E_t}\right)^2,
        \qquad \Delta E_t = \sqrt{\tau} \frac{dE}{d\sqrt{t}} .

    That is the short-time limit of the sphere: at :math:`\tau D/R^2 = 0.05` it is off by a third. The diffusivity
    given here is of the whole solution, with the same measured quantities and the same limit

    .. math::
        E(t) = E_0 + \Delta E_s \frac{f(Dt/R^2)}{3 D \tau/R^2}

    (`surface`); that of the line over the root of time stands beside it. Rests that are too short for all to relax do
    not bias it: diffusion is linear, so that what earlier pulses have left to relax is added, to the pulse and to the
    rest potentials at its ends,

    .. math::
        \sum_k \frac{I_k}{I} \left[ f\left(\frac{D (t - t_k)}{R^2}\right)
        - f\left(\frac{D (t - t_k - \tau_k)}{R^2}\right) \right]

    with the time :math:`t_k` at which each began and its length :math:`\tau_k`. Of a rest potential that bends, the
    potential is that of the concentration c at the surface, :math:`c + \kappa c^2/2`, with the change of its slope
    :math:`\kappa` from the steps of the pulses before and after. It holds for particles of one size, a rest potential
    that is a parabola over neighbouring pulses, and particles that all see the same potential. The last is not so in an
    electrode with few ionic paths: then the front of the reaction spreads during the pulse, and the result can be
    orders of magnitude too low. That is told by the ionic resistance of the electrode, where it is given; without it
    only in part: by a rest that relaxes as in a slab and not as in a sphere, and by a D that goes with the slope of the
    potential from pulse to pulse.

    Parameters
    ----------
    record : Record
        Time, voltage and current, with rests between pulses.
    radius : float, optional
        Of the particles, m (half of D50). Without it `area`, `mass`, `molar_mass` and `molar_volume` give three times
        volume over area.
    area : float, optional
        Of the interface of the active material, m2 (not of the electrode).
    mass : float, optional
        Of the active material, kg; default: what the record says.
    molar_mass, molar_volume : float, optional
        kg/mol and m3/mol.
    theoretical_capacity : float, optional
        A s/kg; with `mass` and `initial_stoichiometry` it gives the stoichiometry after each pulse.
    initial_stoichiometry : float, optional
        At the beginning of the record; falls on charge.
    ionic_resistance : float, optional
        Of the whole electrode, ohm, as from a transmission line: whether its reaction front can be what is measured.

    Returns
    -------
    Gitt
        Values: `diffusivity`, the median of the valid pulses with its interval, lowest and highest, and more.

    Raises
    ------
    MeasurementError
        Another technique, no current, no pulse, no rest after any pulse, no radius, or a value that is not above 0.

    Notes
    -----
    Weppner and Huggins, J. Electrochem. Soc. 124 (1977) 1569, doi 10.1149/1.2133112.
    """
    record = record.with_sample(mass=mass)
    radius = _radius(record, radius, area, molar_mass, molar_volume)
    for name, value in (
        ("theoretical capacity", theoretical_capacity),
        ("initial stoichiometry", initial_stoichiometry),
        ("ionic resistance", ionic_resistance),
    ):
        if value is not None and not (math.isfinite(value) and value > 0.0):
            msg = f"{name}: {value:g} is not above 0"
            raise MeasurementError(msg, source=record.source)
    found = signal(record, "titration")
    pieces, said = _pieces(found, record)
    noise = _noise(found, pieces)
    readings = [
        _reading(found, piece, switches, noise)
        for piece, switches in zip(pieces, _switches(found, pieces), strict=True)
    ]
    pulses = [
        _pulse(number, found, reading, fit, radius, ionic_resistance)
        for number, (reading, fit) in enumerate(zip(readings, _fits(readings), strict=True), 1)
    ]
    if ionic_resistance is None and _goes_with_slope(pulses):
        pulses = [replace(one, flags=(*one.flags, "like a front")) for one in pulses]
    valid = [one for one in pulses if one.valid]
    used = valid or [one for one in pulses if math.isfinite(one.diffusivity)]
    stoichiometry = _stoichiometry(pulses, record, theoretical_capacity, initial_stoichiometry)
    drawn = thinned(len(found.time), 4000)
    return Gitt(
        records=(record,),
        values=_values(used, radius),
        model="diffusion in spheres under constant current, step of the rest potential between pulses",
        window={
            "pulses": len(pulses),
            "valid": len(valid),
            "pulse_s": float(f"{np.median([one.duration for one in pulses]):.6g}"),
            "rest_s": float(f"{np.median([one.rested - one.end for one in pulses]):.6g}"),
            "radius_um": float(f"{UM.of(radius):.6g}"),
            "fitted_from_pct": 100.0 * SKIPPED,
            "noise_of_rest_mV": float(f"{MV.of(noise):.3g}") if math.isfinite(noise) else None,
        },
        warnings=tuple(dict.fromkeys([*found.warnings, *said, *_warnings(pulses, record, radius, ionic_resistance)])),
        series={"pulses": _table(pulses, record, stoichiometry)},
        pulses=tuple(pulses),
        radius=radius,
        temperature=record.temperature,
        time=found.time[drawn],
        voltage=found.voltage[drawn],
    )


def _radius(
    record: Record, radius: float | None, area: float | None, molar_mass: float | None, molar_volume: float | None
) -> float:
    given: Mapping[str, float | None] = {
        "radius": radius, "area": area, "molar mass": molar_mass, "molar volume": molar_volume
    }  # fmt: skip
    for name, value in given.items():
        if value is not None and not (math.isfinite(value) and value > 0.0):
            msg = f"{name}: {value:g} is not above 0; the radius is written for example 2.5 um"
            raise MeasurementError(msg, source=record.source)
    if radius is not None:
        return radius
    if area is not None and molar_mass is not None and molar_volume is not None:
        return 3.0 * record.given("mass") / molar_mass * molar_volume / area
    msg = (
        "does not say the radius of the particles, which a diffusivity goes with the square of; give it, as in "
        '--radius "2.5 um" (half of D50)'
    )
    raise MeasurementError(msg, source=record.source)


@dataclass(frozen=True)
class _Piece:
    """Places of a pulse and of the rests around it: first and one after the last."""

    rest: tuple[int, int]
    pulse: tuple[int, int]
    after: tuple[int, int]
    begin: float


def _pieces(found: Signal, record: Record) -> tuple[list[_Piece], list[str]]:
    """Find the pulses: current of one sign between two rests."""
    sign, time = found.sign, found.time
    edges = np.flatnonzero(np.diff(sign)) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(sign)]])
    runs = list(zip(starts.tolist(), ends.tolist(), sign[starts].tolist(), strict=True))
    pieces, loose, coarse = [], 0, 0
    for at, (start, end, kind) in enumerate(runs):
        if kind == 0 or end - start < 2:
            continue
        before = runs[at - 1] if at else None
        after = runs[at + 1] if at + 1 < len(runs) else None
        if before is None or before[2] != 0 or after is None or after[2] != 0 or after[1] - after[0] < RESTED:
            loose += 1
            continue
        if end - start < POINTS or not time[end - 1] > time[start]:
            coarse += 1
            continue
        gap, step = time[start] - time[start - 1], time[start + 1] - time[start]
        begin = float(time[start - 1] if gap <= EDGE * step else time[start] - step)
        pieces.append(_Piece((before[0], before[1]), (start, end), (after[0], after[1]), begin))
    if not pieces:
        _no_pulses(record, loose, coarse)
    length = np.array([time[one.pulse[1] - 1] - one.begin for one in pieces])
    usual = float(np.median(length))
    longer = length > LATER * usual
    said = []
    if longer.any():
        said.append(
            f"current that flows {LATER:g} times longer than the usual pulse ({usual:.4g} s) was left out "
            f"{int(longer.sum())} time{'s' if longer.sum() > 1 else ''}"
        )
        pieces = [one for one, wrong in zip(pieces, longer, strict=True) if not wrong]
    if loose:
        said.append(f"{loose} pulse{'s' if loose > 1 else ''} without a rest on both sides left out")
    if coarse:
        said.append(f"{coarse} pulse{'s' if coarse > 1 else ''} of fewer than {POINTS} points left out")
    return pieces, said


def _no_pulses(record: Record, loose: int, coarse: int) -> None:
    if coarse:
        msg = (
            f"has {coarse} pulse{'s' if coarse > 1 else ''}, none of {POINTS} points or more; record the potential in "
            "a pulse more often"
        )
    elif loose:
        msg = (
            "has current but no rest after it: a titration is pulses of current, each with a rest before and after it. "
            "For charges and discharges take solidstack measure cycling"
        )
    else:
        msg = "has no pulse of current that lasts longer than one point; take the file with all of its points"
    raise MeasurementError(msg, source=record.source)


def _ending(found: Signal, rest: tuple[int, int]) -> slice:
    """Points at the end of a rest."""
    time = found.time[rest[0] : rest[1]]
    begin = time[-1] - END * (time[-1] - time[0])
    return slice(rest[0] + int(np.searchsorted(time, begin)), rest[1])


def _noise(found: Signal, pieces: Sequence[_Piece]) -> float:
    """Standard deviation of a reading of the potential, from the ends of all rests; nan where they have few points."""
    squares, degrees = 0.0, 0
    for rest in [pieces[0].rest, *(one.after for one in pieces)]:
        part = _ending(found, rest)
        x, y = found.time[part], found.voltage[part]
        if len(x) < 4 or x[-1] <= x[0]:
            continue
        x = x - x.mean()
        left = y - y.mean() - x * (x @ y) / (x @ x)
        squares += float(left @ left)
        degrees += len(x) - 2
    return math.sqrt(squares / degrees) if degrees else NAN


@dataclass(frozen=True, eq=False)
class _Switches:
    """Every switch of the current up to the end of a rest, relative to one pulse.

    Attributes
    ----------
    time : array, shape (n,)
        s.
    change : array, shape (n,)
        Change of the current over that of the pulse.
    begin, duration : float
        Of the pulse, s.
    """

    time: Floats
    change: Floats
    begin: float
    duration: float

    def earlier(self) -> "_Switches":
        """Those before the pulse."""
        return _Switches(self.time[:-2], self.change[:-2], self.begin, self.duration)

    def _since(self, time: Floats) -> Floats:
        """Time since each switch over that of the pulse, shape (m, n)."""
        found: Floats = np.maximum((time[:, None] - self.time) / self.duration, 1e-12)
        return found

    def potential(self, T: float, time: Floats) -> Floats:
        """Potential in units of the pulse's own step at full rest, shape (m,).

        Diffusion in a sphere is linear: the answers to all switches add up, so that what earlier pulses have left to
        relax is in it. The slope of the rest potential is that of this pulse.
        """
        found: Floats = surface(T * self._since(time)) / (3.0 * T) @ self.change
        return found

    def answer(self, T: float, time: Floats) -> tuple[Floats, Floats]:
        """That potential and its derivative after ln T, each of shape (m,)."""
        since = self._since(time)
        value = surface(T * since) / (3.0 * T)
        return value @ self.change, (since * _surface_rate(T * since) / 3.0 - value) @ self.change


def _switches(found: Signal, pieces: Sequence[_Piece]) -> list[_Switches]:
    """For each pulse the switches of the current before and in it; of the last `REMEMBERED` runs of current."""
    sign, time, current = found.sign, found.time, found.current
    edges = np.flatnonzero(np.diff(sign)) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(sign)]])
    known = {piece.pulse: piece.begin for piece in pieces}
    runs = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if sign[start] == 0 or end - start < 2 or not time[end - 1] > time[start]:
            continue
        begin, last = known.get((start, end), float(time[start])), float(time[end - 1])
        amps = float(np.trapezoid(current[start:end], time[start:end])) / (last - float(time[start]))
        runs.append((start, begin, last, amps))
    places = {start: at for at, (start, *_) in enumerate(runs)}
    switches = []
    for piece in pieces:
        at = places[piece.pulse[0]]
        _, begin, end, amps = runs[at]
        kept = runs[max(at - REMEMBERED, 0) : at + 1]
        times = np.array([[one[1], one[2]] for one in kept]).ravel()
        changes = np.array([[one[3], -one[3]] for one in kept]).ravel() / amps
        switches.append(_Switches(times, changes, begin, end - begin))
    return switches


@dataclass(frozen=True)
class _Fit:
    """Potential of a pulse: level, V; logarithm of the pulse time over R2/D, with its deviation; slope, V a pulse.

    `bend` is the relative change of that slope over the pulse, `relaxed` the step of the rest potential over the
    measured one when all has relaxed.
    """

    level: float
    logarithm: float
    deviation: float
    degrees: float
    step: float
    bend: float
    relaxed: float
    residual: Floats


def _fit(
    s: Floats,
    voltage: Floats,
    step: float,
    deviation: float,
    switches: _Switches,
    rests: tuple[Floats, Floats],
    curvature: tuple[float, float, float],
) -> _Fit | None:
    """Fit a pulse.

    Parameters
    ----------
    s : array, shape (n,)
        Time over pulse time.
    voltage : array, shape (n,)
        V.
    step, deviation : float
        Of the rest potential, as measured, V.
    switches : _Switches
    rests : (array, array)
        Times over which the rest potential before and after is taken, s.
    curvature : (float, float, float)
        Relative change of the slope of the rest potential over the pulse, its deviation at a given step, and by how
        much it goes with the reading of the step, 1/V.

    Returns
    -------
    _Fit or None
        None where the potential does not rise with the step.
    """
    start = _simple(s, voltage, step)
    if not start > 0.0:
        return None
    # what earlier pulses have left, and the ends of rests, are so smooth that few points say all
    nodes = np.linspace(float(s[0]), float(s[-1]), NODES)
    earlier = switches.earlier()
    before, after = (one[thinned(len(one), NODES // 4)] for one in rests)

    def answer(T: float) -> tuple[Floats, Floats, float, float]:
        """Potential in the pulse above the rest before it, its derivative, and both of the measured step."""
        value = surface(T * s) / (3.0 * T)
        found = [value, s * _surface_rate(T * s) / 3.0 - value]
        steps = []
        for at, (left, start, end) in enumerate(
            zip(
                earlier.answer(T, switches.begin + nodes * switches.duration),
                earlier.answer(T, before),
                switches.answer(T, after),
                strict=True,
            )
        ):
            found[at] = found[at] + np.interp(s, nodes, left) - float(start.mean())
            steps.append(float(end.mean() - start.mean()))
        return found[0], found[1], steps[0], steps[1]

    # the slope and its change are parameters too, held by what is measured, so that their uncertainty goes into the
    # interval
    level, logarithm, bend = float(voltage[0]), math.log(min(max(start, 1e-8), 10.0)), curvature[0]
    change = step / (1.0 + 0.5 * bend)
    count = len(s)
    for turn in range(40):
        shape, slope, share, tilt = answer(math.exp(logarithm))
        value, measured = shape + 0.5 * bend * shape**2, share + 0.5 * bend * share**2
        design = np.column_stack(
            [np.ones(count), change * (1.0 + bend * shape) * slope, value, 0.5 * change * shape**2]
        )
        held = np.array(
            [
                [0.0, change * (1.0 + bend * share) * tilt, measured, 0.5 * change * share**2],
                [0.0, 0.0, 0.0, 1.0],
            ]
        )
        held[1] -= curvature[2] * held[0]
        off = step - change * measured
        left = voltage - level - change * value
        if turn == 0:
            level += float(left.mean())
            left = left - left.mean()
        scatter = math.sqrt(max(float(left @ left), 0.0) / max(count - 2, 1))
        most = 1e6 * math.sqrt(count) * abs(change)
        weights = np.array(
            [
                scatter / deviation if deviation > 0.0 else 1e6 * math.sqrt(count),
                min(scatter / curvature[1], most) if curvature[1] > 0.0 else most,
            ]
        )
        rows = np.vstack([design, weights[:, None] * held])
        aim = np.concatenate([left, weights * np.array([off, curvature[0] - bend - curvature[2] * off])])
        moved, *_ = np.linalg.lstsq(rows, aim, rcond=None)
        level += float(moved[0])
        logarithm += float(np.clip(moved[1], -1.0, 1.0))
        change += float(moved[2])
        bend += float(moved[3])
        if not -25.0 < logarithm < 8.0:
            return None
        if abs(moved[1]) < 1e-9 and turn:
            break
    shape, slope, share, tilt = answer(math.exp(logarithm))
    if not share > 0.0:
        return None
    relaxed = (1.0 + 0.5 * bend) / (share + 0.5 * bend * share**2)
    if not 0.0 < relaxed < math.inf:
        return None
    shape = shape + 0.5 * bend * shape**2
    left = voltage - level - change * shape
    degrees = count - 2
    scatter = math.sqrt(float(left @ left) / degrees)
    # readings that hang together say less than their number
    hanging = float(left[1:] @ left[:-1]) / float(left @ left) if scatter > 0.0 else 0.0
    inflation = (1.0 + hanging) / (1.0 - hanging) if 2.0 / math.sqrt(count) < hanging < 1.0 else 1.0
    matrix = design.T @ design
    for row, known, exact in zip(
        held, (deviation, curvature[1]), (1e12 * count, 1e12 * count * change**2), strict=True
    ):
        matrix += np.outer(row, row) * ((scatter / known) ** 2 if known > 0.0 and scatter > 0.0 else exact)
    size = np.sqrt(np.diagonal(matrix))
    if not (np.isfinite(size) & (size > 0.0)).all():
        return None
    try:
        inverse = np.linalg.inv(matrix / np.outer(size, size)) / np.outer(size, size)
    except np.linalg.LinAlgError:
        return None
    variance = scatter**2 * inflation * inverse[1, 1] if scatter > 0.0 else 0.0
    if deviation > 0.0 and scatter == 0.0:
        variance = (2.0 * deviation / step) ** 2
    spread = math.sqrt(variance) if variance >= 0.0 else NAN
    return _Fit(level, logarithm, spread, float(degrees), change, bend, relaxed, left)


def _simple(s: Floats, voltage: Floats, step: float, curved: bool = True) -> float:
    """Pulse time over R2/D by the line over the root of time; nan where the potential does not go with the step.

    With `curved`, what a sphere adds to the root of time in first order (a third of the step, whatever D) is taken off.
    """
    root = np.sqrt(s)
    y = voltage - step * s / 3.0 if curved else voltage
    x = root - root.mean()
    slope = float(x @ y) / float(x @ x)
    if not slope * step > 0.0:
        return _simple(s, voltage, step, False) if curved else NAN
    return 4.0 / (9.0 * math.pi) * (step / slope) ** 2


@dataclass(frozen=True, eq=False)
class _Reading:
    """What a fit of a pulse needs: see `Pulse`; `s` is the time over that of the pulse, `y` the potential."""

    piece: _Piece
    switches: _Switches
    s: Floats
    y: Floats
    charge: float
    before: float
    after: float
    scatter: float
    deviation: float
    rests: tuple[Floats, Floats]

    @property
    def step(self) -> float:
        return self.after - self.before

    @property
    def good(self) -> bool:
        return len(self.s) >= POINTS - 2 and self.step * self.charge > 0.0


def _reading(found: Signal, piece: _Piece, switches: _Switches, noise: float) -> _Reading:
    time, voltage = found.time, found.voltage
    first, last = piece.pulse
    parts = [_ending(found, piece.rest), _ending(found, piece.after)]
    before, after = (float(voltage[part].mean()) for part in parts)
    s = (time[first:last] - piece.begin) / (float(time[last - 1]) - piece.begin)
    kept = s >= SKIPPED
    s, y = s[kept], voltage[first:last][kept]
    scatter = noise if math.isfinite(noise) else _rough(y)
    deviation = scatter * math.sqrt(sum(1.0 / (part.stop - part.start) for part in parts))
    return _Reading(
        piece, switches, s, y, _charge(found, piece), before, after, scatter, deviation,
        (time[parts[0]], time[parts[1]]),
    )  # fmt: skip


def _fits(readings: Sequence[_Reading]) -> list[_Fit | None]:
    """Fit all pulses: first as if the rest potential were straight in each, then with its bend.

    The bend is from the steps of neighbours, which short rests bias, each another: they are taken as they are when all
    has relaxed, by the fit before.
    """
    curvatures = [(0.0, 0.0, 0.0)] * len(readings)
    fits: list[_Fit | None] = []
    relaxed = [math.inf] * len(readings)
    for _ in range(TURNS):
        fits = [
            _fit(one.s, one.y, one.step, one.deviation, one.switches, one.rests, curvature) if one.good else None
            for one, curvature in zip(readings, curvatures, strict=True)
        ]
        before, relaxed = relaxed, [1.0 if fit is None else fit.relaxed for fit in fits]
        if max(abs(one - other) for one, other in zip(before, relaxed, strict=True)) < SETTLED:
            break
        curvatures = _curvatures(readings, relaxed)
        if not any(curvature for curvature, *_ in curvatures):
            break
    return fits


def _curvatures(readings: Sequence[_Reading], relaxed: Sequence[float]) -> list[tuple[float, float, float]]:
    """Relative change of the slope of the rest potential over the charge of each pulse, as `_fit` takes it.

    From the steps of the pulses before and after it: the potential at the surface is of concentrations beyond those at
    rest, so that it bends with the rest potential. 0 where there is no neighbour.
    """
    changes: list[list[float]] = []
    places: list[float] = []
    for at, one in enumerate(readings):
        step = one.step * relaxed[at]
        sides, place = [], 0.0
        for side, other in ((-1.0, at - 1), (1.0, at + 1)):
            if not 0 <= other < len(readings):
                continue
            near = readings[other]
            apart = abs(near.after - one.before) if side < 0.0 else abs(one.after - near.before)
            scaled = near.step * relaxed[other] / near.charge * one.charge
            if near.charge * one.charge > 0.0 and apart <= NEXT * abs(step) and scaled * step > 0.0:
                # between the middles of both pulses lies half the charge of each
                sides.append(side * (scaled - step) * 2.0 * one.charge / (one.charge + near.charge))
                place += side
        changes.append(sides)
        places.append(place)
    apart_both = [abs(sides[0] - sides[1]) for sides in changes if len(sides) == 2]
    usual = float(np.median(apart_both)) if apart_both else 0.0
    curvatures = []
    for one, factor, sides, place in zip(readings, relaxed, changes, places, strict=True):
        change = sum(sides) / len(sides) if sides else 0.0
        slope = one.step * factor - 0.5 * change
        if not sides or slope * one.step <= 0.0 or abs(change) > STEEPER * abs(slope):
            curvatures.append((0.0, 0.0, 0.0))
            continue
        # of readings at the ends of three steps; those of two have the reading between them twice, so that the bend
        # goes with the step
        both = len(sides) == 2
        together = -1.5 * place
        noise = one.deviation * math.sqrt(0.5 if both else 0.75)
        spread = abs(sides[0] - sides[1]) if both else usual
        spread = math.hypot(noise, 0.25 * max(spread - 4.0 * noise, 0.0))
        curvatures.append((change / slope, abs(spread / slope), together / slope))
    return curvatures


def _pulse(
    number: int, found: Signal, reading: _Reading, fit: _Fit | None, radius: float, ionic_resistance: float | None
) -> Pulse:
    time, current = found.time, found.current
    piece, switches = reading.piece, reading.switches
    first, last = piece.pulse
    end = float(time[last - 1])
    duration = end - piece.begin
    charge, before, after, step = reading.charge, reading.before, reading.after, reading.step
    s, y, scatter, deviation, good = reading.s, reading.y, reading.scatter, reading.deviation, reading.good
    sign = 1.0 if charge > 0.0 else -1.0
    flags = []
    simple = _simple(s, y, step, False) * radius**2 / duration if good else NAN
    drift, unrested = _rest(found, piece.after, step, scatter)
    size = np.abs(current[first:last])
    if float(np.std(size[1:])) > UNSTEADY * float(size.mean()):
        flags.append("unsteady current")
    if step * sign <= 0.0:
        flags.append("wrong way")
    if abs(step) < FAINT * deviation:
        flags.append("faint step")
    if math.isfinite(unrested) and unrested > UNRESTED:
        flags.append("short rest")
    diffusivity = low = high = reduced = misfit = relaxation = NAN
    drop, rise, fitted = NAN, NAN, np.full(len(s), NAN)
    if fit is not None:
        reduced = math.exp(fit.logarithm)
        diffusivity = reduced * radius**2 / duration
        half = quantile(fit.degrees) * fit.deviation
        low, high = (diffusivity * math.exp(min(max(side * half, -300.0), 300.0)) for side in (-1.0, 1.0))
        drop = fit.level - before
        rise = fit.step * float(surface(reduced)) / (3.0 * reduced)
        fitted = y - fit.residual
        # the noise of a reading is no misfit
        structure = math.sqrt(max(float(np.mean(_smooth(fit.residual) ** 2)), 0.0))
        misfit = structure / abs(rise)
        relaxation, slowest, fastest = _relaxation(found, piece, switches, reduced, fit.bend, scatter)
        if reduced > LONG:
            flags.append("long pulse")
        if misfit > BENT:
            flags.append("not diffusion")
        if fastest < SLOWER or slowest > FASTER:
            flags.append("other relaxation")
        if ionic_resistance is not None:
            spreading = ionic_resistance * abs(charge / step)
            if radius**2 / 9.0 / spreading < FRONT * diffusivity:
                flags.append("reaction front")
    elif good:
        flags.append("not diffusion")
    return Pulse(
        number=number, begin=piece.begin, end=end, rested=float(time[piece.after[1] - 1]), charge=charge, before=before,
        after=after, step=step, step_deviation=deviation, drop=drop, rise=rise, diffusivity=diffusivity, low=low,
        high=high, simple=simple, reduced=reduced, misfit=misfit, drift=drift, unrested=unrested, relaxation=relaxation,
        flags=tuple(flags), time=s * duration, voltage=y, fitted=fitted,
    )  # fmt: skip


def _goes_with_slope(pulses: Sequence[Pulse]) -> bool:
    """Whether D is in proportion to the slope of the rest potential over the charge.

    A front spreads by R = ionic resistance and C = charge per potential: R C takes the place of (R/3)2/D, so that
    the D that seems to be is in proportion to 1/C.
    """
    known = [one for one in pulses if math.isfinite(one.diffusivity) and "faint step" not in one.flags]
    if len(known) < 4:
        return False
    slope = np.log([abs(one.step / one.charge) for one in known])
    if float(np.ptp(slope)) < math.log(VARIED):
        return False
    fit = line(slope, np.log([one.diffusivity for one in known]))
    exponent, deviation = fit.propagate(1)
    scatter = math.sqrt(fit.sum_of_squares / fit.degrees)
    return abs(exponent - 1.0) <= PROPORTIONAL and scatter <= EVEN and quantile(fit.degrees) * deviation < 0.5


def _charge(found: Signal, piece: _Piece) -> float:
    """Charge of a pulse, A s, from where it begins."""
    first, last = piece.pulse
    time, current = found.time[first:last], found.current[first:last]
    return float(np.trapezoid(current, time)) + float(current[0]) * float(time[0] - piece.begin)


def _rough(y: Floats) -> float:
    """Noise from second differences, which smooth curves hardly have."""
    second = np.diff(y, 2)
    return float(1.4826 * np.median(np.abs(second))) / math.sqrt(6.0) if len(second) else 0.0


def _smooth(left: Floats) -> Floats:
    """Means over a tenth of the points, and as long as they are independent what noise leaves of them is taken off."""
    width = max(len(left) // 10, 1)
    count = len(left) // width
    means = left[: count * width].reshape(count, width).mean(axis=1)
    noise = _rough(left) ** 2 / width
    size = float(np.mean(means**2))
    found: Floats = means * math.sqrt(max(size - noise, 0.0) / size) if size > 0.0 else means
    return found


def _rest(found: Signal, rest: tuple[int, int], step: float, noise: float) -> tuple[float, float]:
    """Drift at the end of a rest, V/s, and the share of the step that is left, as if it fell off exponentially."""
    time, voltage = found.time[rest[0] : rest[1]], found.voltage[rest[0] : rest[1]]
    length = float(time[-1] - time[0])
    if not length > 0.0 or step == 0.0:
        return NAN, NAN
    x = (time - time[0]) / length
    late = x >= 0.75
    drift = NAN
    if late.sum() >= 2 and np.ptp(x[late]) > 0.0:
        z = x[late] - x[late].mean()
        drift = float(z @ voltage[late]) / float(z @ z) / length
    levels, errors = [], []
    for low, high in ((0.45, 0.55), (0.70, 0.80), (0.90, 1.00)):
        near = (x >= low) & (x <= high)
        if not near.any():
            return drift, NAN
        levels.append(float(voltage[near].mean()))
        errors.append(noise**2 / int(near.sum()))
    earlier, later = levels[0] - levels[1], levels[1] - levels[2]
    if abs(later) <= 3.0 * math.sqrt(errors[1] + errors[2]) or abs(later) < 1e-3 * abs(step):
        return drift, 0.0
    ratio = later / earlier if earlier * later > 0.0 else 1.0
    return drift, abs(later * ratio / (1.0 - ratio) / step) if ratio < 0.97 else math.inf


def _relaxation(
    found: Signal, piece: _Piece, switches: _Switches, reduced: float, bend: float, noise: float
) -> tuple[float, float, float]:
    """Diffusivity by which the end of the relaxation falls off over that of the pulse, with its interval.

    Level and size are left free. The beginning of a relaxation goes with roots of time in any geometry; only its last
    part, from `TAIL` of it on, tells a sphere from a slab.
    """
    first, last = piece.after
    end = float(found.time[piece.pulse[1] - 1])
    duration = end - piece.begin
    u, y = (found.time[first:last] - end) / duration, found.voltage[first:last]
    level = float(found.voltage[_ending(found, piece.after)].mean())
    kept = u >= SKIPPED
    if kept.sum() < POINTS:
        return NAN, NAN, NAN
    u, y = u[kept], y[kept] - level
    late = np.flatnonzero(np.abs(y) < TAIL * abs(y[0]))
    begin = int(late[0]) if len(late) else len(y)
    if len(y) - begin < POINTS or not abs(y[begin]) > 10.0 * noise:
        return NAN, NAN, NAN
    u, y = u[begin:], y[begin:]
    # even over the root of time, so that the end does not outweigh the beginning
    root = np.sqrt(u)
    even = np.unique(np.searchsorted(root, np.linspace(root[0], root[-1], 80)).clip(0, len(u) - 1))
    u, y = u[even], y[even] - y[even].mean()
    if len(u) < POINTS:
        return NAN, NAN, NAN
    T = reduced * np.exp(SEARCH)[:, None]
    shape = (surface(T * (1.0 + u)) - surface(T * u)) / (3.0 * T)
    earlier = switches.earlier()
    if len(earlier.time):
        nodes = np.linspace(float(u[0]), float(u[-1]), NODES // 2)
        times = np.concatenate([[piece.begin], end + nodes * duration])
        left = np.array([earlier.potential(float(one), times) for one in T[:, 0]])
        shape = shape + np.array([np.interp(u, nodes, one[1:] - one[0]) for one in left])
    shape = shape + 0.5 * bend * shape**2
    shape = shape - shape.mean(axis=1, keepdims=True)
    weight = np.sum(shape**2, axis=1)
    size = np.divide(shape @ y, weight, out=np.zeros(len(SEARCH)), where=weight > 0.0)
    squares = np.sum((y - size[:, None] * shape) ** 2, axis=1)
    best = int(np.argmin(squares))
    scatter = max(noise**2, float(squares[best]) / (len(u) - 3))
    width = float(SEARCH[1] - SEARCH[0])
    if 0 < best < len(SEARCH) - 1:
        before, middle, after = squares[best - 1 : best + 2]
        bend = float(before - 2.0 * middle + after)
        lowest = float(SEARCH[best]) + 0.5 * float(before - after) / bend * width if bend > 0.0 else float(SEARCH[best])
        half = 2.0 * width * math.sqrt(2.0 * scatter / bend) if bend > 0.0 else math.inf
        if half > 1.0:
            return NAN, NAN, NAN
        return math.exp(lowest), math.exp(lowest - half), math.exp(lowest + half)
    other = len(SEARCH) // 2
    if squares[other] - squares[best] < 10.0 * scatter:
        return NAN, NAN, NAN
    edge = math.exp(float(SEARCH[best]))
    return edge, (0.0 if best == 0 else edge), (edge if best == 0 else math.inf)


def _median(values: Sequence[float], lows: Sequence[float], highs: Sequence[float]) -> tuple[float, float, float]:
    """Median with its 95 % interval by order (binomial); of fewer than six the whole range of the single intervals."""
    order = np.sort(np.asarray(values, float))
    count = len(order)
    middle = float(np.median(order))
    if count < 6:
        return middle, float(np.min(lows)), float(np.max(highs))
    below = int(binom.ppf(0.025, count, 0.5))
    return middle, float(order[max(below - 1, 0)]), float(order[min(count - below, count - 1)])


def _values(used: Sequence[Pulse], radius: float) -> dict[str, Fitted]:
    nothing = ([NAN], [NAN], [NAN])
    found = [one.diffusivity for one in used], [one.low for one in used], [one.high for one in used]
    value, low, high = _median(*(found if used else nothing))
    simple = [one.simple for one in used if math.isfinite(one.simple)]
    drops = [(one.drop / one.current) for one in used]
    values = {
        "diffusivity": Fitted("Diffusivity (median of the pulses)", value, low, high, CM2_S),
    }
    for name, pick in (("lowest", min), ("highest", max)):
        if used:
            one = pick(used, key=lambda pulse: pulse.diffusivity)
            label = f"Diffusivity, {name} (at {one.after:.3f} V)"
            values[f"diffusivity_{name}"] = Fitted(label, one.diffusivity, one.low, one.high, CM2_S)
    values["diffusivity_weppner_huggins"] = Fitted(
        "Diffusivity by the line over the root of time (median)",
        *(_median(simple, simple, simple) if simple else (NAN, NAN, NAN)), CM2_S,
    )  # fmt: skip
    times = [radius**2 / one if one else math.inf for one in (value, high, low)]
    values["diffusion_time"] = Fitted("R²/D", times[0], times[1], times[2], SECOND)
    values["resistance"] = Fitted(
        "Resistance of the jump (median)", *(_median(drops, drops, drops) if drops else (NAN, NAN, NAN)), OHM
    )
    return values


def _stoichiometry(
    pulses: Sequence[Pulse], record: Record, capacity: float | None, initial: float | None
) -> Floats | None:
    if capacity is None or initial is None or record.mass is None:
        return None
    passed = np.cumsum([one.charge for one in pulses])
    return initial - passed / (record.mass * capacity)


def _table(pulses: Sequence[Pulse], record: Record, stoichiometry: Floats | None) -> Series:
    # a table on a page shows its first columns
    first: tuple[tuple[str, str, Unit | None], ...] = (
        ("pulse", "number", None), ("voltage", "after", V), ("diffusivity", "diffusivity", CM2_S),
        ("low", "low", CM2_S), ("high", "high", CM2_S), ("valid", "valid", None), ("doubts", "flags", None),
        ("pulse_over_diffusion_time", "reduced", None),
    )  # fmt: skip
    rest: tuple[tuple[str, str, Unit | None], ...] = (
        ("weppner_huggins", "simple", CM2_S), ("current", "current", MA), ("pulse_time", "duration", SECOND),
        ("jump", "drop", MV), ("rise", "rise", MV), ("rest_step", "step", MV), ("misfit", "misfit", PERCENT),
        ("drift_of_rest", "drift", MV_H), ("left_to_relax", "unrested", PERCENT),
        ("rest_over_pulse_diffusivity", "relaxation", None),
    )  # fmt: skip
    columns: dict[str, Any] = {name: [getattr(one, attribute) for one in pulses] for name, attribute, _ in first}
    columns["doubts"] = [", ".join(one.flags) for one in pulses]
    units = {name: unit for name, _, unit in (*first, *rest) if unit is not None}
    if stoichiometry is not None:
        columns["stoichiometry"] = stoichiometry.tolist()
    if record.mass is not None:
        columns["specific_charge"] = (np.cumsum([one.charge for one in pulses]) / record.mass).tolist()
        units["specific_charge"] = MAH_G
    columns |= {name: [getattr(one, attribute) for one in pulses] for name, attribute, _ in rest}
    return Series("Pulses", columns, units)


def _warnings(pulses: Sequence[Pulse], record: Record, radius: float, ionic_resistance: float | None) -> list[str]:
    said = []
    if record.temperature is None:
        said.append("the temperature is not known, and a diffusivity holds at one: give it")
    valid = sum(one.valid for one in pulses)
    for flag, words in WORDS.items():
        count = sum(flag in one.flags for one in pulses)
        if count:
            said.append(f"{flag} ({count} of {len(pulses)} pulses): {words}")
    if not valid:
        said.append("no pulse is valid: the values are of all pulses and not to be trusted, and no material is made")
    if ionic_resistance is None and valid:
        enough = float(
            np.median(
                [radius**2 / 9.0 / (FRONT * one.diffusivity) * one.step / one.charge for one in pulses if one.valid]
            )
        )
        said.append(
            "that the reaction front does not spread is seen from the rests only in part: an ionic resistance of the "
            f"electrode of {enough:.2g} ohm or more would by itself look like this; give it where it is known"
        )
    return said
