"""Conductivity over temperature: activation energy, prefactor, and whether one straight line is right."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from ..constants import GAS
from ..errors import MeasurementError, Problem, UnitError
from ..tables import Table, read_table, unit_of
from ..units import (
    CONDUCTIVITY,
    DEG_C,
    EV,
    KELVIN,
    MOLAR_ENERGY,
    MS_CM,
    PERCENT,
    RESISTANCE,
    S_CM,
    S_K_CM,
    TEMPERATURE,
    Kind,
    Unit,
    parse,
    text,
)
from .records import Record, record, sha256
from .result import Fitted, Property, Result, Series
from .statistics import Estimate, least_squares, line, quantile

Floats = NDArray[np.float64]

ONE_TEMPERATURE = 1.0
"""K: readings within it are of one temperature."""
SPAN = 20.0
"""K that a line should cover: a temperature that is wrong by 1 K then changes the slope by up to 5 %."""
COLDEST = 150.0
"""K: below it the numbers are more likely degC than a measurement of an ion conductor."""
KELVIN_READ, KELVIN_SPAN = (250.0, 420.0), 150.0
"""degC, and K: temperatures that all lie there are more likely K (-23 to 147 degC) than those of a furnace."""
LIMITS = {"temperature": (1.0, 5000.0), "conductivity": (1e-30, 1e10), "relative deviation": (1e-12, 1e6)}
"""SI, beyond which a number is a mistake."""
VOGEL = 5
"""Temperatures from which the three parameters of Vogel, Tammann and Fulcher are fitted."""
CLEARLY = 2.0
"""By how much the criterion of a model with more parameters has to be lower (Burnham and Anderson,
doi 10.1177/0049124104268644)."""
SIDE = 3
"""Temperatures that each of two lines has at least."""

_RELATIVE = Kind("relative deviation", "", PERCENT, "2 %", ("%",), bare=True)


def _arrhenius(parameters: Floats, temperature: Any) -> Any:
    """Ln sigma of ln A and Ea/R, with sigma T = A exp(-Ea/RT)."""
    return parameters[0] - parameters[1] / temperature - np.log(temperature)


def _vogel(parameters: Floats, temperature: Any) -> Any:
    """Ln sigma of ln A, B and T0, with sigma = A T^-1/2 exp(-B/(T - T0))."""
    return parameters[0] - parameters[1] / (temperature - parameters[2]) - 0.5 * np.log(temperature)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model of ln sigma over temperature, fitted.

    Attributes
    ----------
    name : str
        ``arrhenius``, ``vogel-tammann-fulcher`` or ``two lines``.
    parts : tuple of Estimate
        Of one line, one curve, or the lines below and above `change`.
    function : callable
        Parameters of a part and temperature, K, to ln sigma (sigma in S/m).
    parameters : int
        Free ones, with the variance of the scatter.
    squares : float
        Sum of squared, weighted residuals of ln sigma.
    criterion : float
        Akaike's, corrected for few points; infinite where there are too few points for the model.
    change : float
        Temperature between two lines, K; nan for one.
    determined : bool
        Whether the data set all of its parameters.
    """

    name: str
    parts: tuple[Estimate, ...]
    function: Callable[[Floats, Any], Any]
    parameters: int
    squares: float
    criterion: float
    change: float = float("nan")
    determined: bool = True

    def part(self, temperature: float) -> Estimate:
        """Which part holds at a temperature."""
        return self.parts[-1 if temperature > self.change else 0]

    def at(self, temperature: float) -> tuple[float, float, float]:
        """Conductivity and its 95 % interval (symmetric in the logarithm), S/m."""
        estimate = self.part(temperature)
        value, deviation = estimate.propagate(lambda p: float(self.function(p, temperature)))
        half = quantile(estimate.degrees) * deviation
        with np.errstate(over="ignore"):
            return float(np.exp(value)), float(np.exp(value - half)), float(np.exp(value + half))


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrhenius(Result):
    """Conductivity over temperature.

    Attributes
    ----------
    temperature, conductivity : array, shape (n,)
        K and S/m, in order of temperature.
    deviations : array, shape (n,), or None
        Relative standard deviations of the conductivity.
    candidates : tuple of Candidate
        Models, of which the first is the line.
    chosen : Candidate
        The one that the data ask for.
    common : float
        Half of the 95 % interval, in the logarithm, of a factor that all conductivities have in common (area over
        thickness). It is in the intervals of conductivities and prefactors, not in those of energies.
    """

    temperature: Floats
    conductivity: Floats
    deviations: Floats | None
    candidates: tuple[Candidate, ...]
    chosen: Candidate
    common: float = 0.0

    def at(self, temperature: float) -> tuple[float, float, float]:
        """Conductivity of the chosen model and its 95 % interval, with what all points have in common, S/m."""
        return _wider(*self.chosen.at(temperature), self.common)

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "arrhenius"

    @property
    def reference(self) -> float:
        """Temperature of the value that a material is given, K: the lowest measured from 25 degC on, or nearest 30."""
        warm = self.temperature[self.temperature >= 298.15 - 0.05]
        if len(warm):
            return float(warm.min())
        return float(self.temperature[np.argmin(np.abs(self.temperature - 303.15))])

    def properties(self) -> list[Property]:
        """Ionic conductivity with its activation energy (of sigma T) and range."""
        at = round(self.reference, 2)
        value, low, high = self.at(at)
        measured = self.temperature
        energy = float(self.candidates[0].parts[0].values[1]) * GAS
        if self.chosen.name == "two lines":
            above = at > self.chosen.change
            measured = measured[(measured > self.chosen.change) == above]
            energy = float(self.chosen.part(at).values[1]) * GAS
        entry: dict[str, Any] = {"value": text(_rounded(value), CONDUCTIVITY), "temperature": text(at, TEMPERATURE)}
        if 0.0 < energy <= MAXIMUM_ENERGY:
            entry |= {
                "activation_energy": text(EV.to_si(_rounded(EV.of(energy))), MOLAR_ENERGY),
                "arrhenius": "sigma T",
                "range": [text(round(float(end), 2), TEMPERATURE) for end in (measured.min(), measured.max())],
            }
        uncertainty = 0.5 * (high - low) / value
        return [Property("ionic_conductivity", entry, uncertainty if np.isfinite(uncertainty) else None)]

    def data(self) -> dict[str, Series]:
        """The chosen curve with its interval, as drawn."""
        grid = np.linspace(self.temperature.min(), self.temperature.max(), 61)
        value, low, high = np.array([self.at(float(at)) for at in grid]).T
        columns: dict[str, Any] = {"temperature": grid, "conductivity": value, "low": low, "high": high}
        units = {"temperature": DEG_C, "conductivity": MS_CM, "low": MS_CM, "high": MS_CM}
        return {"curve": Series("Fitted conductivity", columns, units)}


MAXIMUM_ENERGY = 5e5
"""J/mol, as the library takes it."""


def _wider(value: float, low: float, high: float, common: float) -> tuple[float, float, float]:
    """An interval, symmetric in the logarithm, with half an interval more that is independent of it."""
    if not (common > 0.0 and low > 0.0 and np.isfinite(high)):
        return value, low, high
    half = float(np.hypot(0.5 * np.log(high / low), common))
    with np.errstate(over="ignore"):
        return value, float(value * np.exp(-half)), float(value * np.exp(half))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def analyse(
    temperature: ArrayLike,
    conductivity: ArrayLike,
    *,
    deviations: ArrayLike | None = None,
    common: float = 0.0,
    records: Sequence[Record] = (),
) -> Arrhenius:
    r"""Fit conductivity over temperature with a straight line, and see whether a line is right.

    A line of :math:`\ln \sigma T` over :math:`1/T` holds for hopping with one activation energy. Beside it stand the
    equation of Vogel, Tammann and Fulcher, for a polymer above its glass transition (from five temperatures on), and
    two lines, for a change of phase (three temperatures each). The criterion of Akaike, corrected for few points,
    chooses; a model of more parameters has to be clearly better.

    .. math::
        \sigma T = A \exp(-E_a/RT), \qquad \sigma = A' \exp(-E_a'/RT), \qquad
        \sigma = A'' T^{-1/2} \exp(-B/(T - T_0))

    The two activation energies differ by about RT (26 meV at 30 degC); material files have that of sigma T.

    Parameters
    ----------
    temperature : array, shape (n,)
        K; at least two that differ.
    conductivity : array, shape (n,)
        S/m, above 0.
    deviations : array, shape (n,), optional
        Relative standard deviations of the conductivity, independent from point to point. Scatter about the line that
        is wider than they say widens the intervals.
    common : float, optional
        Relative uncertainty (half of the 95 % interval) of what is common to all points (area, thickness): it widens
        conductivities and prefactors, and not the activation energy.
    records : sequence of Record
        What the points are from.

    Returns
    -------
    Arrhenius
        Values: `activation_energy` (of sigma T), `activation_energy_sigma`, `conductivity_25`, `conductivity_30` (of
        the chosen model), prefactors, and those of the other models where the data set them.

    Raises
    ------
    MeasurementError
        One temperature only, lengths that differ, a value that is not above 0.

    Notes
    -----
    Corrected criterion: Hurvich and Tsai, Biometrika 76 (1989) 297, doi 10.1093/biomet/76.2.297.

    Examples
    --------
    >>> import numpy as np
    >>> T = np.array([303.15, 323.15, 343.15])
    >>> result = analyse(T, 0.1 * 303.15 / T * np.exp(9648.5 / 8.314463 * (1 / 303.15 - 1 / T)))
    >>> round(float(EV.of(result.values["activation_energy"].value)), 4)
    0.1
    """
    source = records[0].source if records else ""
    T, sigma, spread, said = _checked(temperature, conductivity, deviations, source)
    x, y = 1.0 / T, np.log(sigma)
    straight = _line(T, y, spread)
    of_sigma = line(x, y, spread)
    candidates = [straight, *_others(T, y, spread)]
    chosen = straight
    for other in candidates[1:]:
        rival = chosen.criterion - (CLEARLY if other.parameters > chosen.parameters else 0.0)
        if other.determined and other.criterion < rival:
            chosen = other
    energy = straight.parts[0].fitted(lambda p: GAS * p[1], "Activation energy (of σT)", EV)
    values = {
        "activation_energy": energy,
        "activation_energy_sigma": of_sigma.fitted(lambda p: -GAS * p[1], "Activation energy (of σ)", EV),
    }
    for degrees in (25, 30):
        label = f"Conductivity at {degrees} °C"
        values[f"conductivity_{degrees}"] = Fitted(label, *_wider(*chosen.at(273.15 + degrees), common), MS_CM)
    values["prefactor"] = _prefactor(straight.parts[0], "Prefactor (of σT)", S_K_CM, common)
    values["prefactor_sigma"] = _prefactor(of_sigma, "Prefactor (of σ)", S_CM, common)
    values |= _values_of(candidates[1:], chosen)
    return Arrhenius(
        records=tuple(records),
        values=values,
        model=_model(chosen),
        window={
            "lowest_degC": round(float(DEG_C.of(T.min())), 2),
            "highest_degC": round(float(DEG_C.of(T.max())), 2),
            "points": len(T),
        },
        warnings=(*said, *_warnings(T, energy, spread, candidates, chosen)),
        series={"points": _points(T, sigma, chosen), "candidates": _table(candidates, chosen)},
        temperature=T,
        conductivity=sigma,
        deviations=spread,
        candidates=tuple(candidates),
        chosen=chosen,
        common=common,
    )


def _checked(
    temperature: ArrayLike, conductivity: ArrayLike, deviations: ArrayLike | None, source: str
) -> tuple[Floats, Floats, Floats | None, list[str]]:
    """Arrays in order of temperature without repeated rows, and what to say of them."""
    T, sigma = (np.atleast_1d(np.asarray(values, np.float64)) for values in (temperature, conductivity))
    spread = None if deviations is None else np.atleast_1d(np.asarray(deviations, np.float64))
    if T.ndim != 1 or T.shape != sigma.shape or (spread is not None and spread.shape != T.shape):
        msg = f"{T.size} temperatures and {sigma.size} conductivities were given; give as many of each, and deviations"
        raise MeasurementError(msg, source=source)
    wanted = (
        ("temperature", T, TEMPERATURE),
        ("conductivity", sigma, CONDUCTIVITY),
        *((("deviation", spread, _RELATIVE),) if spread is not None else ()),
    )
    for name, values, kind in wanted:
        wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0.0)))
        if len(wrong):
            value = float(values[wrong[0]])
            shown = text(value, kind) if np.isfinite(value) else "no number"
            rule = "0 K" if kind is TEMPERATURE else "0"
            msg = f"{name} of point {wrong[0] + 1}: {shown} is not above {rule}; leave the point out or correct it"
            raise MeasurementError(msg, source=source)
    for name, values, kind in wanted:
        low, high = LIMITS[kind.name]
        wrong = np.flatnonzero((values < low) | (values > high))
        if len(wrong):
            shown = f"{kind.shown.of(float(values[wrong[0]])):.4g} {kind.shown.symbol}"
            msg = f"{name} of point {wrong[0] + 1}: {shown} is no measured value; check number and unit"
            raise MeasurementError(msg, source=source)
    said = []
    rows = np.column_stack([T, sigma])
    _, first = np.unique(rows, axis=0, return_index=True)
    if len(first) < len(T):
        said.append(f"{len(T) - len(first)} repeated rows were left out: the same temperature and conductivity twice")
    order = first[np.argsort(T[first], kind="stable")]
    T, sigma, spread = T[order], sigma[order], None if spread is None else spread[order]
    if not len(T) or T[-1] - T[0] < ONE_TEMPERATURE:
        where = f"{DEG_C.of(T[0]):.1f} degC" if len(T) else "none"
        msg = (
            f"one temperature only ({where}); an activation energy needs conductivities at two temperatures or more, "
            f"better at five over {SPAN:g} K or more"
        )
        raise MeasurementError(msg, source=source)
    if T[0] < COLDEST:
        said.append(
            f"the lowest temperature is {T[0]:.4g} K, unusual for an ion conductor: are the temperatures in degC and "
            "not in K?"
        )
    return T, sigma, spread, said


def _criterion(squares: float, points: int, parameters: int, spread: Floats | None) -> float:
    """Akaike's information criterion with the correction for few points."""
    if points - parameters - 1 <= 0:
        return float("inf")
    # rounding of the numbers, not their scatter, is what is left of data without noise
    floor = points * (1e-9 / (1.0 if spread is None else float(np.median(spread)))) ** 2
    size = points * np.log(max(squares, floor) / points)
    return float(size + 2.0 * parameters + 2.0 * parameters * (parameters + 1.0) / (points - parameters - 1.0))


def _line(T: Floats, y: Floats, spread: Floats | None) -> Candidate:
    estimate = line(-1.0 / T, y + np.log(T), spread)
    criterion = _criterion(estimate.sum_of_squares, len(T), 3, spread)
    return Candidate("arrhenius", (estimate,), _arrhenius, 3, estimate.sum_of_squares, criterion)


def _distinct(T: Floats) -> int:
    """How many temperatures there are, those within `ONE_TEMPERATURE` of each other taken as one."""
    return 1 + int(np.sum(np.diff(np.sort(T)) >= ONE_TEMPERATURE))


def _others(T: Floats, y: Floats, spread: Floats | None) -> list[Candidate]:
    found = []
    if _distinct(T) >= VOGEL:
        found.append(_curve(T, y, spread))
    if _distinct(T) >= 2 * SIDE:
        two = _two_lines(T, y, spread)
        if two is not None:
            found.append(two)
    return found


def _curve(T: Floats, y: Floats, spread: Floats | None) -> Candidate:
    """Fit Vogel-Tammann-Fulcher: a line for each T0, of which the best is refined."""
    shifted = y + 0.5 * np.log(T)

    weight = np.ones_like(T) if spread is None else 1.0 / spread

    def squares(ideal: Floats | float) -> Any:
        """Of the best line over 1/(T - T0), for each T0."""
        x = -1.0 / (T - np.atleast_1d(ideal)[:, None])
        x = x - np.average(x, axis=1, weights=weight**2)[:, None]
        level = shifted - np.average(shifted, weights=weight**2)
        slope = np.sum(weight**2 * x * level, axis=1) / np.sum(weight**2 * x**2, axis=1)
        return np.sum((weight * (level - slope[:, None] * x)) ** 2, axis=1)

    highest = float(T[0]) - 5.0
    grid = np.linspace(0.0, highest, 60)
    best = int(np.argmin(squares(grid)))
    around = (float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)]))
    ideal = float(
        optimize.minimize_scalar(lambda t: squares(t)[0], bounds=around, method="bounded", options={"xatol": 1e-6}).x
    )
    none = Candidate("vogel-tammann-fulcher", (), _vogel, 4, float(squares(ideal)[0]), float("inf"), determined=False)
    if not 1.0 < ideal < highest - 1.0:
        return none

    def residual(p: Floats) -> Floats:
        left: Floats = weight * (_vogel(p, T) - y)
        return left

    def jacobian(p: Floats) -> Floats:
        inverse = 1.0 / (T - p[2])
        slopes: Floats = weight[:, None] * np.column_stack([np.ones_like(T), -inverse, -p[1] * inverse**2])
        return slopes

    start = np.array([*line(-1.0 / (T - ideal), shifted, spread).values, ideal])
    try:
        estimate = least_squares(residual, start, jacobian=jacobian)
        if spread is not None and estimate.sum_of_squares <= estimate.degrees:
            estimate = least_squares(residual, estimate.values, jacobian=jacobian, known=True)
    except RuntimeError:
        return none
    if not 0.0 < estimate.values[2] < highest or estimate.values[1] <= 0.0:
        return none
    criterion = _criterion(estimate.sum_of_squares, len(T), 4, spread)
    return Candidate("vogel-tammann-fulcher", (estimate,), _vogel, 4, estimate.sum_of_squares, criterion)


def _two_lines(T: Floats, y: Floats, spread: Floats | None) -> Candidate | None:
    """Fit a line below and a line above the temperature between points that leaves the least scatter."""
    best: tuple[float, Estimate, Estimate, float] | None = None
    for at in range(SIDE, len(T) - SIDE + 1):
        low, high = slice(0, at), slice(at, None)
        if T[at] - T[at - 1] < ONE_TEMPERATURE or min(_distinct(T[low]), _distinct(T[high])) < SIDE:
            continue
        below, above = (
            line(-1.0 / T[part], y[part] + np.log(T[part]), None if spread is None else spread[part])
            for part in (low, high)
        )
        squares = below.sum_of_squares + above.sum_of_squares
        if best is None or squares < best[0]:
            best = squares, below, above, 0.5 * float(T[at] + T[at - 1])
    if best is None:
        return None
    squares, below, above, change = best
    return Candidate(
        "two lines", (below, above), _arrhenius, 6, squares, _criterion(squares, len(T), 6, spread), change
    )


def _prefactor(estimate: Estimate, label: str, unit: Unit, common: float) -> Fitted:
    with np.errstate(over="ignore"):
        found = estimate.fitted(lambda p: float(np.exp(p[0])), label, unit, logarithmic=True)
        return Fitted(label, *_wider(found.value, found.low, found.high, common), unit)


def _values_of(others: Sequence[Candidate], chosen: Candidate) -> dict[str, Fitted]:
    """Parameters of the curve where the points set them, and of two lines where they are chosen."""
    values: dict[str, Fitted] = {}
    for one in others:
        if one.name == "vogel-tammann-fulcher" and one.parts:
            for name, at, label, unit, factor in (
                ("vogel_energy", 1, "Pseudo-activation energy (VTF, B R)", EV, GAS),
                ("vogel_b", 1, "B (VTF)", KELVIN, 1.0),
                ("vogel_temperature", 2, "Ideal glass transition T₀ (VTF)", KELVIN, 1.0),
            ):
                found = one.parts[0].fitted(at, label, unit)
                values[name] = Fitted(label, factor * found.value, factor * found.low, factor * found.high, unit)
        elif one is chosen and len(one.parts) == 2:
            for estimate, side in zip(one.parts, ("below", "above"), strict=True):
                label = f"Activation energy {side} {DEG_C.of(one.change):.0f} °C (of σT)"
                values[f"activation_energy_{side}"] = estimate.fitted(lambda p: GAS * p[1], label, EV)
    return values


def _model(chosen: Candidate) -> str:
    return {
        "arrhenius": "sigma T = A exp(-Ea/RT)",
        "vogel-tammann-fulcher": "sigma = A T^-1/2 exp(-B/(T - T0)), and sigma T = A exp(-Ea/RT) for Ea",
        "two lines": f"sigma T = A exp(-Ea/RT), one line below and one above {DEG_C.of(chosen.change):.1f} degC",
    }[chosen.name]


def _points(T: Floats, sigma: Floats, chosen: Candidate) -> Series:
    fitted = np.array([chosen.at(float(at))[0] for at in T])
    columns: dict[str, Any] = {
        "temperature": T, "conductivity": sigma, "fitted": fitted, "deviation": sigma / fitted - 1.0
    }  # fmt: skip
    units = {"temperature": DEG_C, "conductivity": MS_CM, "fitted": MS_CM, "deviation": PERCENT}
    return Series("Conductivity at each temperature", columns, units)


def _table(candidates: Sequence[Candidate], chosen: Candidate) -> Series:
    """Models with what is left of the scatter; the criterion is against the lowest."""
    lowest = min(one.criterion for one in candidates)
    above = [one.criterion - lowest if np.isfinite(one.criterion) else float("nan") for one in candidates]
    return Series(
        "Models, by the criterion of Akaike for few points (lowest is best)",
        {
            "model": [one.name for one in candidates],
            "parameters": [one.parameters for one in candidates],
            "sum_of_squares": [one.squares for one in candidates],
            "criterion_above_lowest": above,
            "chosen": [one is chosen for one in candidates],
        },
    )


def _warnings(
    T: Floats, energy: Fitted, spread: Floats | None, candidates: Sequence[Candidate], chosen: Candidate
) -> list[str]:
    said = []
    span = float(T[-1] - T[0])
    if len(T) == 2:
        rest = "" if spread is None else "; the intervals are from the deviations of the two points alone"
        said.append(
            f"two temperatures: the line goes through both, so {'no interval and ' if spread is None else ''}no test "
            f"of the line is possible{rest}"
        )
    if span < SPAN:
        said.append(
            f"the temperatures span {span:.3g} K, less than {SPAN:g} K: an error of 1 K in one of them changes the "
            f"activation energy by about {100.0 / span:.0f} %"
        )
    if energy.value <= 0.0:
        said.append(
            "the conductivity times temperature falls as temperature rises: this is no activated transport, and a "
            "material is given no activation energy (did the cell dry, creep or lose contact on heating?)"
        )
    if chosen.name == "vogel-tammann-fulcher":
        better = candidates[0].criterion - chosen.criterion
        said.append(
            f"the points are curved: Vogel-Tammann-Fulcher is preferred (criterion lower by {better:.1f}); the "
            "activation energy is a mean over these temperatures and holds between them only"
        )
    if chosen.name == "two lines":
        low, high = (EV.of(GAS * part.values[1]) for part in chosen.parts)
        said.append(
            f"the slope changes at about {DEG_C.of(chosen.change):.0f} degC, from {low:.3g} eV below to {high:.3g} eV "
            "above (melting, glass transition or a change of phase?); one activation energy does not hold"
        )
    for degrees in (25.0, 30.0):
        beyond = max(T[0] - 273.15 - degrees, degrees + 273.15 - T[-1])
        if beyond > 0.5:
            said.append(
                f"{degrees:g} degC is {beyond:.3g} K outside of the measured {DEG_C.of(T[0]):.4g} to "
                f"{DEG_C.of(T[-1]):.4g} degC: the conductivity there is extrapolated"
            )
    return said


def from_table(path: str | os.PathLike[str], *, area: float | None = None, thickness: float | None = None) -> Arrhenius:
    """Analyse the temperatures and conductivities of a CSV or text file, as `read_points` reads them.

    Raises
    ------
    MeasurementError
        As `read_points` and `analyse`.
    """
    T, sigma, deviations, said = _read(path, area, thickness)
    columns = {"Temperature / K": T, "Conductivity / S/m": sigma}
    found = record(columns, source=os.fspath(path), area=area, thickness=thickness, sha256=sha256(path))
    result = analyse(T, sigma, deviations=deviations, records=[found])
    return replace(result, warnings=(*said, *result.warnings))


def read_points(
    path: str | os.PathLike[str], *, area: float | None = None, thickness: float | None = None
) -> tuple[Floats, Floats, Floats | None]:
    """Read temperatures and conductivities from a CSV or text file.

    Parameters
    ----------
    path : path
        A row a temperature. Columns are found by their names, with the unit in them: temperature (degC or K) and
        conductivity (as in ``conductivity (mS/cm)``), or resistance (as in ``R / ohm``), and perhaps a standard
        deviation (in % or in the unit of the column it is of).
    area, thickness : float, optional
        Of the electrolyte, m2 and m: with a resistance only.

    Returns
    -------
    temperature, conductivity : array
        K, S/m.
    deviations : array or None
        Relative standard deviations.

    Raises
    ------
    MeasurementError
        A column is missing, has no unit or another unit, a cell is no number, or area or thickness is asked for.
    """
    T, sigma, deviations, _ = _read(path, area, thickness)
    return T, sigma, deviations


def _read(
    path: str | os.PathLike[str], area: float | None, thickness: float | None
) -> tuple[Floats, Floats, Floats | None, list[str]]:
    """Read the points, and what to say of them first."""
    table = read_table(path, 2, MeasurementError)
    if not table.header:
        msg = 'has no line of names above the numbers; wanted is for example "temperature (degC), conductivity (mS/cm)"'
        raise MeasurementError(msg, source=table.source)
    temperature = table.column(r"temp|^\s*t\b|^\s*°c|^\s*degc|^\s*k\s*$")
    inverse = table.column(r"^\s*1000?\s*/\s*t|1/t\b|inverse|reciprocal")
    sigma = table.column(r"conductiv|sigma|σ|κ|kappa")
    resistance = table.column(r"resist|^\s*r\b|^\s*r_|ohm")
    if temperature is None and inverse is not None:
        msg = f'column "{table.name(inverse)}" is 1/T; write the temperature itself, as in "temperature (degC)"'
        raise MeasurementError(msg, source=table.source)
    measured = sigma if sigma is not None else resistance
    if temperature is None or measured is None:
        missing = "temperature" if temperature is None else "conductivity or resistance"
        there = ", ".join(f'"{name}"' for name in table.header)
        msg = (
            f"has no column of {missing}; it has {there}. Name the columns with their units, as in "
            '"temperature (degC), conductivity (mS/cm)"'
        )
        raise MeasurementError(msg, source=table.source)
    if re.match(r"\s*(log|lg|ln)", table.name(measured).casefold()):
        msg = f'column "{table.name(measured)}" is a logarithm; write the conductivity itself, as in "sigma (S/cm)"'
        raise MeasurementError(msg, source=table.source)
    T = _column(table, temperature, TEMPERATURE)
    if sigma is not None:
        values = _column(table, sigma, CONDUCTIVITY)
        kind = CONDUCTIVITY
    else:
        values, kind = _column(table, measured, RESISTANCE), RESISTANCE
    wrong = np.flatnonzero(~(values > 0.0))
    if len(wrong):
        line_number = table.rows[wrong[0]][0]
        msg = f"{table.name(measured)}: {text(float(values[wrong[0]]), kind)} is not above 0"
        raise MeasurementError(Problem(msg, line=line_number), source=table.source)
    deviations = _deviations(table, measured, values, kind)
    if kind is RESISTANCE:
        for name, given, example in (("area", area, "1.13 cm^2"), ("thickness", thickness, "100 um")):
            if given is None:
                msg = f'has resistances: their conductivity needs the {name}; give it, as in --{name} "{example}"'
                raise MeasurementError(msg, source=table.source)
            if not (np.isfinite(given) and given > 0.0):
                msg = f"{name}: {given:g} is not above 0; write for example {example}"
                raise MeasurementError(msg, source=table.source)
        assert area is not None
        assert thickness is not None
        values = thickness / (values * area)
    said = []
    celsius = DEG_C.of(T)
    low, high = KELVIN_READ
    read_as_celsius = _unit(table.name(temperature), TEMPERATURE) == "degC"
    if read_as_celsius and low <= celsius.min() and celsius.max() <= high and np.ptp(T) < KELVIN_SPAN:
        said.append(
            f'are the temperatures in K? column "{table.name(temperature)}" is read as degC and has '
            f'{celsius.min():.4g} to {celsius.max():.4g}; if they are K, name it "temperature (K)": the activation '
            "energy is several times too large otherwise"
        )
    return T, values, deviations, said


def _unit(name: str, kind: Kind) -> str:
    """Unit in a column's name, also of several words as in ``conductivity / S cm-1``, and C or °C for degC."""
    several = re.search(r"\s/\s+(\S.*?)\s*$", name)
    unit = several[1] if several else unit_of(name, kind)
    if not unit and kind is TEMPERATURE:
        whole = re.fullmatch(r"(?:.*[_\s])?(°?C|degC|K)", name.strip())
        unit = whole[1] if whole else ""
    if kind is TEMPERATURE and unit.casefold() in ("c", "deg c", "°c", "celsius"):
        return "degC"
    return unit


def _column(table: Table, column: int, kind: Kind, unit: str | None = None) -> Floats:
    """Read a column in SI."""
    name = table.name(column)
    unit = _unit(name, kind) if unit is None else unit
    if kind is TEMPERATURE and unit.casefold() in ("f", "°f", "deg f", "fahrenheit"):
        msg = (
            f'column "{name}": "{unit}" is not read as a temperature; write degC or K, as in "temperature (degC)", '
            'or "temperature (degF)" where it is Fahrenheit'
        )
        raise MeasurementError(msg, source=table.source)
    found = np.empty(len(table.rows))
    for at, row in enumerate(table.rows):
        try:
            found[at] = parse(f"{table.number(row, column)!r} {unit}".strip(), kind)
        except UnitError as reason:
            raise MeasurementError(Problem(f"{name}: {reason}", line=row[0]), source=table.source) from None
    return found


def _deviations(table: Table, measured: int, values: Floats, kind: Kind) -> Floats | None:
    column = table.column(r"deviat|\bstd|error|uncert|±|\bsd\b", besides=measured)
    if column is None:
        return None
    unit = _unit(table.name(column), _RELATIVE)
    if unit in ("", "%"):
        if not unit and not re.search("rel", table.name(column).casefold()):
            unit = _unit(table.name(measured), kind)
        else:
            return _column(table, column, _RELATIVE, unit)
    return _column(table, column, kind, unit) / values


def from_spectra(results: Sequence[Result]) -> Arrhenius:
    """Analyse the conductivities of impedance spectra at several temperatures, one result a spectrum.

    Where each spectrum gives an interval, the points are weighted by that of the `resistance`. What the interval of the
    `conductivity` has more is of area and thickness, which all spectra have in common: it widens conductivities and
    prefactors, and not the activation energy.

    Parameters
    ----------
    results : sequence of Result
        Of `eis`: each has the values `conductivity` and `resistance`, and the temperature in its record.

    Raises
    ------
    MeasurementError
        A spectrum without temperature or conductivity, or all of one temperature.
    """
    T, sigma, halves, common = [], [], [], 0.0
    for result in results:
        measured = result.records[0]
        found = result.values.get("conductivity")
        if found is None or not np.isfinite(found.value):
            msg = "gave no conductivity; give --area and --thickness, or look at its fit with solidstack measure eis"
            raise MeasurementError(msg, source=measured.source)
        T.append(measured.given("temperature"))
        sigma.append(found.value)
        whole, own = _half(found), _half(result.values.get("resistance", found))
        halves.append(own if own <= whole or not np.isfinite(whole) else whole)
        geometry = np.sqrt(max(whole**2 - own**2, 0.0))
        if np.isfinite(geometry) and geometry > 1e-3 * whole:
            common = max(common, float(geometry))
    spread = np.array(halves) / quantile(np.inf)
    known = bool(len(spread)) and bool(np.all(np.isfinite(spread) & (spread > 0.0)))
    records = [result.records[0] for result in results]
    return analyse(T, sigma, deviations=spread if known else None, common=common, records=records)


def _half(found: Fitted) -> float:
    """Half of an interval in the logarithm; nan where there is none."""
    return float(0.5 * np.log(found.high / found.low)) if found.low > 0.0 and found.high > 0.0 else float("nan")
