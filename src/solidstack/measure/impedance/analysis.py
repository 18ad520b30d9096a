"""The analysis of a spectrum: window, circuit, values and what to know before they are trusted."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...units import CONDUCTIVITY, HERTZ, OHM, PERCENT, SECOND, TEMPERATURE, text
from ..circuits import Fit
from ..kramers_kronig import Check
from ..records import Record
from ..relaxation import Distribution
from ..relaxation import distribution as relaxation_times
from ..result import Property, Result, Series
from .assignment import assign, blocking
from .cautions import Caution
from .choice import choose
from .prepared import Prepared, prepare
from .review import review
from .spectrum import Complex, Flags, Floats, Options
from .values import values_of


@dataclass(frozen=True, kw_only=True)
class Impedance(Result):
    """Result of the analysis of a spectrum.

    Attributes
    ----------
    frequency : array, shape (n,)
        Hz, falling.
    measured, fitted : array of complex, shape (n,)
        Impedance, ohm; that of the circuit at all frequencies.
    used : array of bool, shape (n,)
        Points of the window.
    check : Check
        Kramers-Kronig relations at the points used.
    distribution : Distribution
        Relaxation times of the points used, without the blocking elements of the circuit.
    fit : Fit
        The circuit that the values belong to.
    fits : tuple of Fit
        All circuits that were tried, the best first.
    family : str
        Kind of cell: ``blocking``, ``interface``, ``electrode`` (blocking, with arcs of interfaces, as in a battery)
        or ``composite``.
    prepared : Prepared
        What does not depend on the circuit.
    cautions : tuple of Caution
        The warnings as values.
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
    prepared: Prepared = field(repr=False)
    cautions: tuple[Caution, ...] = ()

    @property
    def kind(self) -> str:
        """Name of the command."""
        return "eis"

    @property
    def residuals(self) -> Complex:
        """Circuit minus measured, relative to the modulus, at all points."""
        return (self.fitted - self.measured) / np.abs(self.measured)

    def data(self) -> dict[str, Series]:
        """The points."""
        return {"points": _residuals(self.prepared, self.fit)}

    def properties(self) -> list[Property]:
        """Ionic conductivity of the electrolyte of a blocking cell, where its temperature is known."""
        temperature = self.records[0].temperature
        if self.family != "blocking" or "conductivity" not in self.values or temperature is None:
            return []
        conductivity = self.values["conductivity"]
        entry = {
            "value": text(float(f"{conductivity.value:.4g}"), CONDUCTIVITY),
            "temperature": text(float(f"{temperature:.6g}"), TEMPERATURE),
        }
        return [Property("ionic_conductivity", entry, conductivity.uncertainty)]


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
        One spectrum with `FREQUENCY`, `REAL` and `IMAGINARY` (`Record.spectra` splits a file).
    circuit : str, optional
        As in `solidstack.measure.circuits`, or a kind of cell whose circuits are to be tried: ``blocking`` (SS|SE|SS),
        ``interface`` (Li|SE|Li), ``composite`` (transmission lines). Default: from the shape of the spectrum, or
        ``composite`` where its electrolyte is given.
    area, thickness, temperature : float, optional
        Sample area, m2, thickness of electrolyte or composite, m, and temperature, K, in place of those in the record.
    thickness_uncertainty, area_uncertainty : float
        Half of the 95 % interval over the value, 0 to 1.
    low, high : float, optional
        Ends of the window, Hz; where not given they are found from the spectrum.
    electrolyte_conductivity : float, optional
        Of the electrolyte in a composite, S/m.
    electrolyte_fraction : float, optional
        Its volume fraction in the composite, 0 to 1; with its conductivity the tortuosity factor follows.

    Raises
    ------
    MeasurementError
        No spectrum, too few points, nothing that can be trusted, not a circuit, or an option out of bounds.
    """
    record = record.with_sample(area=area, thickness=thickness, temperature=temperature)
    options = Options(
        circuit, thickness_uncertainty, area_uncertainty, low, high, electrolyte_conductivity, electrolyte_fraction
    )
    prepared = prepare(record, options)
    return result_of(prepared, choose(prepared.fits, automatic=prepared.automatic))


def result_of(prepared: Prepared, fit: Fit) -> Impedance:
    """The result for one of the circuits that were tried."""
    record, window = prepared.record, prepared.window
    parts = assign(fit, record.area, prepared.frequency[window.used], prepared.options.circuit)
    values = values_of(prepared, fit, parts)
    frequency, used = prepared.frequency, window.used
    f, z = prepared.inside
    cautions = review(prepared, fit, parts, values)
    relaxations = relaxation_times(f, z - blocking(fit, f), modulus=np.abs(z), inductive=window.inductive)
    return Impedance(
        records=(record,),
        values=values,
        model=str(fit.circuit),
        window=_window(prepared),
        warnings=tuple(caution.words for caution in cautions),
        series=_series(prepared, fit, relaxations),
        frequency=frequency,
        measured=prepared.measured,
        fitted=fit.impedance(frequency),
        used=used,
        check=prepared.check,
        distribution=relaxations,
        fit=fit,
        fits=prepared.fits,
        family=parts.family,
        prepared=prepared,
        cautions=cautions,
    )


def _window(prepared: Prepared) -> dict[str, Any]:
    window, frequency = prepared.window, prepared.frequency
    used = frequency[window.used]
    return {
        "from_Hz": float(used.min()),
        "to_Hz": float(used.max()),
        "points": int(window.used.sum()),
        "points_measured": int(frequency.size),
        "high_frequency_end": window.high.words or "the spectrum's own",
        "low_frequency_end": window.low.words or "the spectrum's own",
        "left_out_Hz": frequency[window.lone].tolist(),
    }


def _series(prepared: Prepared, fit: Fit, distribution: Distribution) -> dict[str, Series]:
    fits, peaks = prepared.fits, distribution.peaks
    total = sum(peak.resistance for peak in peaks)
    candidates: dict[str, Any] = {
        "circuit": [str(each.circuit) for each in fits],
        "parameters": [len(each.circuit.names) for each in fits],
        "bic": [each.bic for each in fits],
        "aicc": [each.aicc for each in fits],
        "deviation": [each.deviation for each in fits],
        "undetermined": [", ".join(dict.fromkeys([*each.undetermined, *each.at_bound])) for each in fits],
        "chosen": [each is fit for each in fits],
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
    """Measured and fitted impedance and the residuals, point by point."""
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
