"""Values of a fitted spectrum: resistances, conductivity, tortuosity factor, parameters, arcs."""

from dataclasses import replace

import numpy as np

from ...units import FARAD, HERTZ, MS_CM, OHM, OHM_CM2, ONE, Unit
from ..circuits import Fit
from ..result import Fitted
from .assignment import Assignment
from .prepared import Prepared
from .spectrum import Floats


def _scaled(quantity: Fitted, label: str, unit: Unit, factor: float, more: float = 0.0) -> Fitted:
    """A value above 0 times a factor with a relative uncertainty of its own (half of the 95 % interval)."""
    half = np.hypot(0.5 * np.log(quantity.high / quantity.low) if quantity.low > 0.0 else np.nan, more)
    value = quantity.value * factor
    with np.errstate(over="ignore"):
        return Fitted(label, value, float(value * np.exp(-half)), float(value * np.exp(half)), unit)


def values_of(prepared: Prepared, fit: Fit, parts: Assignment) -> dict[str, Fitted]:
    """Values by name, the most important first."""
    record, options = prepared.record, prepared.options
    area, thickness = record.area, record.thickness
    geometry = float(np.hypot(options.thickness_uncertainty, options.area_uncertainty))
    values: dict[str, Fitted] = {}

    def areal(name: str, label: str, resistance: Fitted) -> None:
        if area is not None:
            values[name] = _scaled(resistance, label, OHM_CM2, area, options.area_uncertainty)

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
        resistance = fit.fitted(parts.electrolyte, words, OHM)
        if area is not None and thickness is not None:
            inverse = fit.fitted(parts.electrolyte, words, OHM, -1.0)
            values["conductivity"] = _scaled(inverse, "Ionic conductivity", MS_CM, thickness / area, geometry)
        areal("areal_resistance", "Areal resistance of the electrolyte", resistance)
        values["resistance"] = resistance
    if parts.interface and not parts.together:
        interfaces = fit.fitted(parts.interface, "Resistance of the interfaces", OHM)
        areal("areal_interface_resistance", "Areal resistance of the interfaces, both together", interfaces)
        values["interface_resistance"] = interfaces
    for name, parameter in zip(fit.circuit.names, fit.circuit.parameters, strict=True):
        values[name] = fit.fitted(name, f"{name.split('_')[0]}, {parameter.words}", parameter.unit)
    for arc in parts.arcs:
        values |= _arc(fit, *arc)
    return values | _without_interval(values, parts)


def _without_interval(values: dict[str, Fitted], parts: Assignment) -> dict[str, Fitted]:
    """Without intervals, which noise alone would make too narrow: resistances known only as a sum, and their arcs."""
    if len(parts.together) < 2:
        return {}
    elements, ends = set(parts.together), set()
    for resistance, store in parts.arcs:
        if resistance in elements:
            elements.add(store)
            number = resistance.removeprefix("R")
            ends |= {f"frequency_{number}", f"capacitance_{number}"}
    return {
        name: replace(quantity, low=float("nan"), high=float("nan"))
        for name, quantity in values.items()
        if name.split("_")[0] in elements or name in ends
    }


def _inverse(quantity: Fitted) -> Fitted:
    return replace(quantity, value=1.0 / quantity.value, low=1.0 / quantity.high, high=1.0 / quantity.low)


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
