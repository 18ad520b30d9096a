"""The result: values with intervals, the chosen law, and what it gives a material."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...constants import GAS
from ...units import (
    CONDUCTIVITY,
    DEG_C,
    EV,
    MOLAR_ENERGY,
    MS_CM,
    TEMPERATURE,
    text,
)
from ..result import Property, Result, Series
from .laws import Candidate, Floats, Law


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
        Laws; the first is the Arrhenius line.
    chosen : Candidate
        The law that the data call for.
    common : float
        Half of the 95 % interval, in the logarithm, of a factor common to all conductivities (area over thickness).
        The intervals of conductivities and prefactors include it, those of energies do not.
    """

    temperature: Floats
    conductivity: Floats
    deviations: Floats | None
    candidates: tuple[Candidate, ...]
    chosen: Candidate
    common: float = 0.0

    def at(self, temperature: float) -> tuple[float, float, float]:
        """Conductivity of the chosen law and its 95 % interval, including the common factor, S/m."""
        return wider(*self.chosen.at(temperature), self.common)

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "arrhenius"

    @property
    def reference(self) -> float:
        """Temperature of the value for a material, K: the lowest measured from 25 degC up, or that nearest 30."""
        warm = self.temperature[self.temperature >= 298.15 - 0.05]
        if len(warm):
            return float(warm.min())
        return float(self.temperature[np.argmin(np.abs(self.temperature - 303.15))])

    def properties(self) -> list[Property]:
        """Ionic conductivity with its activation energy (of sigma T) and temperature range."""
        at = round(self.reference, 2)
        value, low, high = self.at(at)
        measured = self.temperature
        energy = float(self.candidates[0].parts[0].values[1]) * GAS
        if self.chosen.name is Law.TWO_LINES:
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
"""J/mol, the upper bound in the materials library."""


def wider(value: float, low: float, high: float, common: float) -> tuple[float, float, float]:
    """Widen an interval that is symmetric in the logarithm by an independent half interval."""
    if not (common > 0.0 and low > 0.0 and np.isfinite(high)):
        return value, low, high
    half = float(np.hypot(0.5 * np.log(high / low), common))
    with np.errstate(over="ignore"):
        return value, float(value * np.exp(-half)), float(value * np.exp(half))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
