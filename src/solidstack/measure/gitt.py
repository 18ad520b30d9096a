"""Galvanostatic intermittent titration: chemical diffusivity in the active material, pulse by pulse."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from ..errors import MeasurementError
from ..units import CM2_S, DIFFUSIVITY, MA, MAH_G, MV, MV_H, OHM, PERCENT, SECOND, TEMPERATURE, UM, Unit, V, text
from .pulse_checks import FRONT, WORDS, Pulse, check_pulse, goes_with_slope
from .pulse_fit import SKIPPED, fit_pulses, read_pulse
from .pulses import find_pulses, rest_noise, switches_of
from .records import Record
from .result import Fitted, Property, Result, Series
from .signal import signal, thinned

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Gitt(Result):
    """Diffusivity from a titration.

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
        median = self.values["diffusivity"]
        if self.temperature is None or not any(pulse.valid for pulse in self.pulses) or not math.isfinite(median.value):
            return []
        entry = {
            "value": text(float(f"{median.value:.6g}"), DIFFUSIVITY),
            "temperature": text(self.temperature, TEMPERATURE),
        }
        return [Property("diffusivity", entry, median.uncertainty)]

    def data(self) -> dict[str, Series]:
        """Potential over time, and the fitted part of each pulse."""
        fits: dict[str, list[Any]] = {"pulse": [], "time": [], "voltage": [], "fitted": []}
        for pulse in self.pulses:
            at = thinned(len(pulse.time), 60)
            fits["pulse"] += [pulse.number] * len(at)
            for name in ("time", "voltage", "fitted"):
                fits[name] += getattr(pulse, name)[at].tolist()
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

    (`surface`); that of the line over the root of time is given next to it. Rests that are too short for full
    relaxation do not bias it: diffusion is linear, so that what earlier pulses have left to relax is added, to the
    pulse and to the rest potentials at its ends,

    .. math::
        \sum_k \frac{I_k}{I} \left[ f\left(\frac{D (t - t_k)}{R^2}\right)
        - f\left(\frac{D (t - t_k - \tau_k)}{R^2}\right) \right]

    with the time :math:`t_k` at which each began and its length :math:`\tau_k`. Of a rest potential that bends, the
    potential is that of the concentration c at the surface, :math:`c + \kappa c^2/2`, with the change of its slope
    :math:`\kappa` from the steps of the pulses before and after. It holds for particles of one size, a rest potential
    that is a parabola over neighbouring pulses, and particles that all see the same potential. The last is not so in an
    electrode with few ionic paths: then the front of the reaction spreads during the pulse, and the result can be
    orders of magnitude too low. The ionic resistance of the electrode shows this, if given; without it this shows
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
    trace = signal(record, "titration")
    pieces, warnings = find_pulses(trace, record)
    noise = rest_noise(trace, pieces)
    readings = [
        read_pulse(trace, piece, switches, noise)
        for piece, switches in zip(pieces, switches_of(trace, pieces), strict=True)
    ]
    pulses = [
        check_pulse(number, trace, reading, fit, radius, ionic_resistance)
        for number, (reading, fit) in enumerate(zip(readings, fit_pulses(readings), strict=True), 1)
    ]
    if ionic_resistance is None and goes_with_slope(pulses):
        pulses = [replace(pulse, flags=(*pulse.flags, "like a front")) for pulse in pulses]
    valid = [pulse for pulse in pulses if pulse.valid]
    used = valid or [pulse for pulse in pulses if math.isfinite(pulse.diffusivity)]
    stoichiometry = _stoichiometry(pulses, record, theoretical_capacity, initial_stoichiometry)
    warnings = [*trace.warnings, *warnings, *_warnings(pulses, record, radius, ionic_resistance)]
    drawn = thinned(len(trace.time), 4000)
    return Gitt(
        records=(record,),
        values=_values(used, radius),
        model="diffusion in spheres under constant current, step of the rest potential between pulses",
        window={
            "pulses": len(pulses),
            "valid": len(valid),
            "pulse_s": float(f"{np.median([pulse.duration for pulse in pulses]):.6g}"),
            "rest_s": float(f"{np.median([pulse.rested - pulse.end for pulse in pulses]):.6g}"),
            "radius_um": float(f"{UM.of(radius):.6g}"),
            "fitted_from_pct": 100.0 * SKIPPED,
            "noise_of_rest_mV": float(f"{MV.of(noise):.3g}") if math.isfinite(noise) else None,
        },
        warnings=tuple(dict.fromkeys(warnings)),
        series={"pulses": _table(pulses, record, stoichiometry)},
        pulses=tuple(pulses),
        radius=radius,
        temperature=record.temperature,
        time=trace.time[drawn],
        voltage=trace.voltage[drawn],
    )


def _radius(
    record: Record, radius: float | None, area: float | None, molar_mass: float | None, molar_volume: float | None
) -> float:
    sizes: Mapping[str, float | None] = {
        "radius": radius, "area": area, "molar mass": molar_mass, "molar volume": molar_volume
    }  # fmt: skip
    for name, value in sizes.items():
        if value is not None and not (math.isfinite(value) and value > 0.0):
            msg = f"{name}: {value:g} is not above 0; the radius is written for example 2.5 um"
            raise MeasurementError(msg, source=record.source)
    if radius is not None:
        return radius
    if area is not None and molar_mass is not None and molar_volume is not None:
        return 3.0 * record.given("mass") / molar_mass * molar_volume / area
    msg = (
        "has no particle radius, to whose square the diffusivity is proportional; give it, as in "
        '--radius "2.5 um" (half of D50)'
    )
    raise MeasurementError(msg, source=record.source)


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
    nothing = ([math.nan], [math.nan], [math.nan])
    diffusivities = (
        [pulse.diffusivity for pulse in used], [pulse.low for pulse in used], [pulse.high for pulse in used],
    )  # fmt: skip
    value, low, high = _median(*(diffusivities if used else nothing))
    simple = [pulse.simple for pulse in used if math.isfinite(pulse.simple)]
    drops = [pulse.drop / pulse.current for pulse in used]
    values = {
        "diffusivity": Fitted("Diffusivity (median of the pulses)", value, low, high, CM2_S),
    }
    for name, pick in (("lowest", min), ("highest", max)):
        if used:
            extreme = pick(used, key=lambda pulse: pulse.diffusivity)
            label = f"Diffusivity, {name} (at {extreme.after:.3f} V)"
            values[f"diffusivity_{name}"] = Fitted(label, extreme.diffusivity, extreme.low, extreme.high, CM2_S)
    values["diffusivity_weppner_huggins"] = Fitted(
        "Diffusivity by the line over the root of time (median)",
        *(_median(simple, simple, simple) if simple else (math.nan, math.nan, math.nan)), CM2_S,
    )  # fmt: skip
    times = [radius**2 / diffusivity if diffusivity else math.inf for diffusivity in (value, high, low)]
    values["diffusion_time"] = Fitted("R²/D", times[0], times[1], times[2], SECOND)
    values["resistance"] = Fitted(
        "Resistance of the jump (median)",
        *(_median(drops, drops, drops) if drops else (math.nan, math.nan, math.nan)),
        OHM,
    )
    return values


def _stoichiometry(
    pulses: Sequence[Pulse], record: Record, capacity: float | None, initial: float | None
) -> Floats | None:
    if capacity is None or initial is None or record.mass is None:
        return None
    passed = np.cumsum([pulse.charge for pulse in pulses])
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
    columns: dict[str, Any] = {name: [getattr(pulse, attribute) for pulse in pulses] for name, attribute, _ in first}
    columns["doubts"] = [", ".join(pulse.flags) for pulse in pulses]
    units = {name: unit for name, _, unit in (*first, *rest) if unit is not None}
    if stoichiometry is not None:
        columns["stoichiometry"] = stoichiometry.tolist()
    if record.mass is not None:
        columns["specific_charge"] = (np.cumsum([pulse.charge for pulse in pulses]) / record.mass).tolist()
        units["specific_charge"] = MAH_G
    columns |= {name: [getattr(pulse, attribute) for pulse in pulses] for name, attribute, _ in rest}
    return Series("Pulses", columns, units)


def _warnings(pulses: Sequence[Pulse], record: Record, radius: float, ionic_resistance: float | None) -> list[str]:
    warnings = []
    if record.temperature is None:
        warnings.append("the temperature is not known, and the diffusivity depends on it: give it")
    valid = sum(pulse.valid for pulse in pulses)
    for flag, words in WORDS.items():
        count = sum(flag in pulse.flags for pulse in pulses)
        if count:
            warnings.append(f"{flag} ({count} of {len(pulses)} pulses): {words}")
    if not valid:
        warnings.append(
            "no pulse is valid: the values are of all pulses and cannot be trusted; no material property is saved"
        )
    if ionic_resistance is None and valid:
        sound = [pulse for pulse in pulses if pulse.valid]
        resistances = [radius**2 / 9.0 / (FRONT * pulse.diffusivity) * pulse.step / pulse.charge for pulse in sound]
        enough = float(np.median(resistances))
        warnings.append(
            "the rests show only in part whether the reaction front spreads: an ionic resistance of the "
            f"electrode of {enough:.2g} ohm or more would by itself look like this; give it if you know it"
        )
    return warnings
