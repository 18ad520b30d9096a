"""Conductivity over temperature: activation energy, prefactor, and whether one straight line is right."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...constants import GAS
from ...errors import MeasurementError
from ...units import (
    DEG_C,
    EV,
    KELVIN,
    MS_CM,
    PERCENT,
    S_CM,
    S_K_CM,
    Unit,
)
from ..records import Record, record, sha256
from ..result import Fitted, Result, Series
from ..statistics import Estimate, line, quantile
from .laws import Candidate, Floats, Law, alternatives, straight_line
from .points import SPAN, checked
from .result import Arrhenius, wider
from .tables import read_table_of_points

CLEARLY = 2.0
"""By how much the criterion of a law with more parameters has to be lower (Burnham and Anderson,
doi 10.1177/0049124104268644)."""


def analyse(
    temperature: ArrayLike,
    conductivity: ArrayLike,
    *,
    deviations: ArrayLike | None = None,
    common: float = 0.0,
    records: Sequence[Record] = (),
) -> Arrhenius:
    r"""Fit conductivity over temperature with a straight line, and check whether a line is right.

    A line of :math:`\ln \sigma T` over :math:`1/T` holds for hopping with one activation energy. It is compared with
    the Vogel-Tammann-Fulcher equation, for a polymer above its glass transition (from five temperatures), and with two
    lines, for a phase change (three temperatures each). The Akaike criterion, corrected for few points, decides; a law
    with more parameters has to be clearly better.

    .. math::
        \sigma T = A \exp(-E_a/RT), \qquad \sigma = A' \exp(-E_a'/RT), \qquad
        \sigma = A'' T^{-1/2} \exp(-B/(T - T_0))

    The two activation energies differ by about RT (26 meV at 30 degC); material files have that of sigma T.

    Parameters
    ----------
    temperature : array, shape (n,)
        K; at least two different ones.
    conductivity : array, shape (n,)
        S/m, above 0.
    deviations : array, shape (n,), optional
        Relative standard deviations of the conductivity, independent from point to point. Scatter about the line that
        exceeds them widens the intervals.
    common : float, optional
        Relative uncertainty (half of the 95 % interval) of what all points share (area, thickness): it widens
        conductivities and prefactors, but not the activation energy.
    records : sequence of Record
        Where the points come from.

    Returns
    -------
    Arrhenius
        Values: `activation_energy` (of sigma T), `activation_energy_sigma`, `conductivity_25`, `conductivity_30` (of
        the chosen law), prefactors, and those of the other laws where the data determine them.

    Raises
    ------
    MeasurementError
        A single temperature, lengths that differ, or a value that is not above 0.

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
    T, sigma, spread, notes = checked(temperature, conductivity, deviations, source)
    x, y = 1.0 / T, np.log(sigma)
    straight = straight_line(T, y, spread)
    of_sigma = line(x, y, spread)
    candidates = [straight, *alternatives(T, y, spread)]
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
        values[f"conductivity_{degrees}"] = Fitted(label, *wider(*chosen.at(273.15 + degrees), common), MS_CM)
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
        warnings=(*notes, *_warnings(T, energy, spread, candidates, chosen)),
        series={"points": _points(T, sigma, chosen), "candidates": _table(candidates, chosen)},
        temperature=T,
        conductivity=sigma,
        deviations=spread,
        candidates=tuple(candidates),
        chosen=chosen,
        common=common,
    )


def _prefactor(estimate: Estimate, label: str, unit: Unit, common: float) -> Fitted:
    with np.errstate(over="ignore"):
        prefactor = estimate.fitted(lambda p: float(np.exp(p[0])), label, unit, logarithmic=True)
        return Fitted(label, *wider(prefactor.value, prefactor.low, prefactor.high, common), unit)


def _values_of(others: Sequence[Candidate], chosen: Candidate) -> dict[str, Fitted]:
    """Parameters of the curve where the points determine them, and of two lines where they are chosen."""
    values: dict[str, Fitted] = {}
    for law in others:
        if law.name is Law.VOGEL and law.parts:
            for name, at, label, unit, factor in (
                ("vogel_energy", 1, "Pseudo-activation energy (VTF, B R)", EV, GAS),
                ("vogel_b", 1, "B (VTF)", KELVIN, 1.0),
                ("vogel_temperature", 2, "Ideal glass transition T₀ (VTF)", KELVIN, 1.0),
            ):
                own = law.parts[0].fitted(at, label, unit)
                values[name] = Fitted(label, factor * own.value, factor * own.low, factor * own.high, unit)
        elif law is chosen and len(law.parts) == 2:
            for estimate, side in zip(law.parts, ("below", "above"), strict=True):
                label = f"Activation energy {side} {DEG_C.of(law.change):.0f} °C (of σT)"
                values[f"activation_energy_{side}"] = estimate.fitted(lambda p: GAS * p[1], label, EV)
    return values


def _model(chosen: Candidate) -> str:
    return {
        Law.ARRHENIUS: "sigma T = A exp(-Ea/RT)",
        Law.VOGEL: "sigma = A T^-1/2 exp(-B/(T - T0)), and sigma T = A exp(-Ea/RT) for Ea",
        Law.TWO_LINES: f"sigma T = A exp(-Ea/RT), one line below and one above {DEG_C.of(chosen.change):.1f} degC",
    }[chosen.name]


def _points(T: Floats, sigma: Floats, chosen: Candidate) -> Series:
    fitted = np.array([chosen.at(float(at))[0] for at in T])
    columns: dict[str, Any] = {
        "temperature": T, "conductivity": sigma, "fitted": fitted, "deviation": sigma / fitted - 1.0
    }  # fmt: skip
    units = {"temperature": DEG_C, "conductivity": MS_CM, "fitted": MS_CM, "deviation": PERCENT}
    return Series("Conductivity at each temperature", columns, units)


def _table(candidates: Sequence[Candidate], chosen: Candidate) -> Series:
    """Laws with the remaining scatter; the criterion is relative to the lowest."""
    lowest = min(law.criterion for law in candidates)
    above = [law.criterion - lowest if np.isfinite(law.criterion) else float("nan") for law in candidates]
    return Series(
        "Laws, by the Akaike criterion corrected for few points (lowest is best)",
        {
            "model": [law.name.value for law in candidates],
            "parameters": [law.parameters for law in candidates],
            "sum_of_squares": [law.squares for law in candidates],
            "criterion_above_lowest": above,
            "chosen": [law is chosen for law in candidates],
        },
    )


def _warnings(
    T: Floats, energy: Fitted, spread: Floats | None, candidates: Sequence[Candidate], chosen: Candidate
) -> list[str]:
    warnings = []
    span = float(T[-1] - T[0])
    if len(T) == 2:
        rest = "" if spread is None else "; the intervals are from the deviations of the two points alone"
        warnings.append(
            f"two temperatures: the line goes through both, so {'no interval and ' if spread is None else ''}no test "
            f"of the line is possible{rest}"
        )
    if span < SPAN:
        warnings.append(
            f"the temperatures span {span:.3g} K, less than {SPAN:g} K: an error of 1 K in one of them changes the "
            f"activation energy by about {100.0 / span:.0f} %"
        )
    if energy.value <= 0.0:
        warnings.append(
            "conductivity times temperature falls with rising temperature: this is not activated transport, and no "
            "activation energy is saved with a material (did the cell dry, creep or lose contact on heating?)"
        )
    if chosen.name is Law.VOGEL:
        better = candidates[0].criterion - chosen.criterion
        warnings.append(
            f"the points are curved: Vogel-Tammann-Fulcher is preferred (criterion lower by {better:.1f}); the "
            "activation energy is a mean over these temperatures and holds only between them"
        )
    if chosen.name is Law.TWO_LINES:
        low, high = (EV.of(GAS * part.values[1]) for part in chosen.parts)
        warnings.append(
            f"the slope changes at about {DEG_C.of(chosen.change):.0f} degC, from {low:.3g} eV below to {high:.3g} eV "
            "above (melting, glass transition or phase change?); a single activation energy does not hold"
        )
    for degrees in (25.0, 30.0):
        beyond = max(T[0] - 273.15 - degrees, degrees + 273.15 - T[-1])
        if beyond > 0.5:
            warnings.append(
                f"{degrees:g} degC is {beyond:.3g} K outside the measured range, {DEG_C.of(T[0]):.4g} to "
                f"{DEG_C.of(T[-1]):.4g} degC: the conductivity there is extrapolated"
            )
    return warnings


def from_table(path: str | os.PathLike[str], *, area: float | None = None, thickness: float | None = None) -> Arrhenius:
    """Analyse the temperatures and conductivities in a CSV or text file, as read by `read_points`.

    Raises
    ------
    MeasurementError
        As `read_points` and `analyse`.
    """
    T, sigma, deviations, warnings = read_table_of_points(path, area, thickness)
    columns = {"Temperature / K": T, "Conductivity / S/m": sigma}
    measured = record(columns, source=os.fspath(path), area=area, thickness=thickness, sha256=sha256(path))
    result = analyse(T, sigma, deviations=deviations, records=[measured])
    return replace(result, warnings=(*warnings, *result.warnings))


def from_spectra(results: Sequence[Result]) -> Arrhenius:
    """Analyse the conductivities of impedance spectra at several temperatures, one result per spectrum.

    Where each spectrum has an interval, the points are weighted by that of the `resistance`. The additional width of
    the interval of the `conductivity` comes from area and thickness, which all spectra share: it widens conductivities
    and prefactors, but not the activation energy.

    Parameters
    ----------
    results : sequence of Result
        Of `impedance`: each with the values `conductivity` and `resistance`, and the temperature in its record.

    Raises
    ------
    MeasurementError
        A spectrum without temperature or conductivity, or all at the same temperature.
    """
    T, sigma, halves, common = [], [], [], 0.0
    for result in results:
        measured = result.records[0]
        conductivity = result.values.get("conductivity")
        if conductivity is None or not np.isfinite(conductivity.value):
            msg = (
                "has no conductivity; give --area and --thickness, or look at the fit of the spectrum with solidstack "
                "measure eis"
            )
            raise MeasurementError(msg, source=measured.source)
        T.append(measured.given("temperature"))
        sigma.append(conductivity.value)
        whole, own = _half(conductivity), _half(result.values.get("resistance", conductivity))
        halves.append(own if own <= whole or not np.isfinite(whole) else whole)
        geometry = np.sqrt(max(whole**2 - own**2, 0.0))
        if np.isfinite(geometry) and geometry > 1e-3 * whole:
            common = max(common, float(geometry))
    spread = np.array(halves) / quantile(np.inf)
    known = bool(len(spread)) and bool(np.all(np.isfinite(spread) & (spread > 0.0)))
    records = [result.records[0] for result in results]
    return analyse(T, sigma, deviations=spread if known else None, common=common, records=records)


def _half(quantity: Fitted) -> float:
    """Half of an interval in the logarithm; nan where there is none."""
    low, high = quantity.low, quantity.high
    return float(0.5 * np.log(high / low)) if low > 0.0 and high > 0.0 else float("nan")
