"""By how much two models of one electrode differ, and why, in words."""

from ..twin.effective import Effective
from ..twin.results import SPLIT
from .model import Model

LARGE_VOLTAGE = 1e-3
"""V; a smaller difference in a contribution to the voltage is not mentioned."""
LARGE_SHARE = 0.01
"""A smaller difference in a share (inactive, connected, capacity) is not mentioned."""

BEHIND = {
    "ionic": ("effective ionic conductivity", "ionic_conductivity", 10.0, "mS/cm"),
    "charge_transfer": ("interface", "specific_interface", 1e-6, "m2/cm3"),
    "diffusion": ("interface", "specific_interface", 1e-6, "m2/cm3"),
    "electronic": ("share of the active material's electronic conductivity", "electronic_share", 1.0, ""),
}
"""The property of a medium behind a contribution to the voltage: words, attribute, factor to the shown unit, unit."""


def differences(first: Model, second: Model) -> list[str]:
    """Explain how the first model differs from the second in capacity, voltage and active material.

    Parameters
    ----------
    first, second : Model

    Returns
    -------
    list of str
        Sentences without a capital and a full stop.
    """
    return [*_capacity(first, second), *_voltage(first, second), *_inactive(first, second)]


def _capacity(first: Model, second: Model) -> list[str]:
    capacity, reference = first.capacity("discharge"), second.capacity("discharge")
    if not abs(capacity - reference) > LARGE_SHARE * max(capacity, reference):
        return []
    sign = "more" if capacity > reference else "less"
    return [f"{first.name} gives {abs(capacity - reference) / 3600:.3g} mAh/g {sign} on discharge than {second.name}"]


def _voltage(first: Model, second: Model) -> list[str]:
    if not (first.resistance and second.resistance):
        return []
    current = second.current
    apart = {part: (first.resistance.get(part, 0.0) - second.resistance.get(part, 0.0)) * current for part in SPLIT}
    part = max(apart, key=lambda key: abs(apart[key]))
    if abs(apart[part]) < LARGE_VOLTAGE:
        return [f"{first.name} and {second.name} agree at half discharge to {1e3 * abs(apart[part]):.2g} mV"]
    sign = "more" if apart[part] > 0 else "less"
    loss = f"{first.name} loses {1e3 * abs(apart[part]):.3g} mV {sign} than {second.name} to: {SPLIT[part]}"
    return [loss + _behind(part, first.effective, second.effective)]


def _behind(part: str, first: Effective | None, second: Effective | None) -> str:
    if part not in BEHIND or first is None or second is None:
        return ""
    words, name, factor, unit = BEHIND[part]
    value, reference = getattr(first, name), getattr(second, name)
    if abs(value - reference) <= LARGE_SHARE * max(value, reference):
        return f" ({words} is the same: its distribution makes the difference)"
    return f" ({words} {factor * value:.3g} against {factor * reference:.3g} {unit}".rstrip() + ")"


def _inactive(first: Model, second: Model) -> list[str]:
    share, reference = (0.0 if model.run is None else model.run.inactive_fraction for model in (first, second))
    if not abs(share - reference) > LARGE_SHARE:
        return []
    text = f"{100 * share:.3g} % of the active material is inactive in {first.name}, {100 * reference:.3g} % in "
    return [text + second.name]
