r"""Specific energy of published cells on a common mass basis, with the origin of every value in it.

The specific energy that a paper reports is over the mass that its authors chose. The literature is compared by

.. math:: e = \frac{Q_A V}{L + m_{membrane}\,(+\,m_{Li} \text{ or electrodes})}

with the areal capacity Q_A, the average discharge voltage V, the dry positive coating L and the membrane, all per area
of one coated side. `solidstack.cell.Normalised` is the same for a design.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .. import units
from ..errors import LiteratureError
from ..materials import Material, default_library
from ..quantities import models
from ..units import Kind, Values
from .schema import RELATIONS, PublishedCell

Basis = Literal["coating-membrane", "with-lithium", "with-electrodes"]

BASES: dict[Basis, str] = {
    "coating-membrane": "positive coating and membrane",
    "with-lithium": "positive coating, membrane and stoichiometric lithium",
    "with-electrodes": "both electrodes with collectors, and membrane",
}

Origin = Literal["stated", "derived", "figure", "library", "given"]


@dataclass(frozen=True)
class Known:
    """A value of a cell, SI.

    Attributes
    ----------
    name : str
        Field of `PublishedCell`.
    value : float
        SI.
    kind : Kind
        What it is, and the unit in which it is shown.
    origin : str
        stated, derived or figure as in the row; library for a value of the material library; given by the caller.
    how : str
        Where it is stated, or the formula.
    """

    name: str
    value: float
    kind: Kind
    origin: Origin
    how: str

    def text(self) -> str:
        """Return the value as text in the unit shown, to 4 digits."""
        unit = self.kind.shown
        return f"{unit.of(self.value):.4g} {unit.symbol}".strip()


@dataclass(frozen=True)
class NormalisedEnergy:
    """Specific energy of a published cell on one of the mass bases.

    Attributes
    ----------
    basis : str
        Key of `BASES`.
    value : float
        J/kg; NaN if a value is missing.
    inputs : tuple of Known
        Values from which it was computed.
    missing : tuple of str
        Why there is no number; empty if there is one.
    notes : tuple of str
        What to consider before comparing it.
    """

    basis: Basis
    value: float
    inputs: tuple[Known, ...]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def assumed(self) -> bool:
        """Whether it contains a voltage of the material library or of the caller, not of the source."""
        return any(known.origin in ("library", "given") for known in self.inputs if known.name == "average_voltage")


def specific_energy(areal_capacity: Values, voltage: Values, *areal_masses: Values) -> Values:
    """Return the energy of one coated side over the masses counted.

    Parameters
    ----------
    areal_capacity : array
        Discharge, A s/m2.
    voltage : array
        Average discharge voltage, V.
    *areal_masses : array
        Of the layers counted, kg/m2.

    Returns
    -------
    array
        J/kg.

    Examples
    --------
    3.32 mAh/cm2 at 3.81 V over 19.09 mg/cm2 of coating and 14.76 mg/cm2 of membrane:

    >>> round(specific_energy(3.32 * 36000, 3.81, 0.1909, 0.1476) / 3600)
    374
    """
    return areal_capacity * voltage / sum(areal_masses)


def find(cell: PublishedCell, name: str) -> Known | None:
    """Return a value of a cell, or derive it from the others in the row.

    A value in the row takes precedence over one that follows from others. These can follow: active-material and
    coating loading and their ratio, areal and specific capacity, the membrane's mass per area.

    Parameters
    ----------
    cell : PublishedCell
        One row.
    name : str
        Field of `PublishedCell`, as in ``areal_capacity``.

    Returns
    -------
    Known or None
        None if it is not in the row and does not follow from it.

    Examples
    --------
    >>> from solidstack.literature import load
    >>> cell = next(cell for cell in load() if cell.key == "lee-2020")
    >>> find(cell, "coating_loading").text()
    '38.9 mg/cm^2'
    """
    return _find(cell, name, frozenset())


def _find(cell: PublishedCell, name: str, tried: frozenset[str]) -> Known | None:
    entry = getattr(cell, name)
    if entry is not None:
        return Known(name, entry.value, entry.kind_, entry.quality, entry.how)
    for formula, factors in _ways(name):
        if any(factor in tried or factor == name for factor, _ in factors):
            continue
        parts = [(_find(cell, factor, tried | {name}), power) for factor, power in factors]
        if any(part is None for part, _ in parts):
            continue
        value = float(np.prod([part.value**power for part, power in parts if part is not None]))
        if name == "active_share" and value > 1.0:
            continue  # rounding in the source; a share above 1 means nothing
        return Known(name, value, _kind(name), "derived", formula)
    return None


def _ways(name: str) -> Iterator[tuple[str, tuple[tuple[str, int], ...]]]:
    """Yield the formulas from which a value follows: each relation, solved for it."""
    for result, formula, factors in RELATIONS:
        if result == name:
            yield formula, factors
        elif name in dict(factors) and len(factors) == 2:
            others = [factor for factor, _ in factors if factor != name]
            yield f"{result} / {' / '.join(others)}", ((result, 1), *((other, -1) for other in others))


def _kind(name: str) -> Kind:
    kind: Kind = models(PublishedCell.model_fields[name].annotation)[0].kind_  # type: ignore[attr-defined]
    return kind


def normalised(
    cell: PublishedCell,
    basis: Basis = "coating-membrane",
    *,
    membrane_thickness: float | None = None,
    average_voltage: float | None = None,
    library_voltage: bool = False,
) -> NormalisedEnergy:
    """Return the specific energy of a published cell on a common mass basis.

    Values that are missing from the row are not guessed: the result is then NaN and lists what is missing. A caller
    can supply the missing value, which the result then marks as given.

    Parameters
    ----------
    cell : PublishedCell
        One row.
    basis : str
        ``coating-membrane`` (default): dry positive coating and membrane. ``with-lithium``: and the lithium that the
        areal capacity needs, by Faraday's law. ``with-electrodes``: both electrodes with their collectors, and the
        membrane.
    membrane_thickness : float, optional
        m; used if the row has neither the membrane's thickness nor its mass.
    average_voltage : float, optional
        V; used if the row has none.
    library_voltage : bool
        If the row has no voltage and none is given, use the active material's average voltage against lithium from
        the material library.

    Returns
    -------
    NormalisedEnergy

    Raises
    ------
    LiteratureError
        Unknown basis, or a value out of bounds.

    Examples
    --------
    >>> from solidstack.literature import load
    >>> cell = next(cell for cell in load() if cell.key == "nat-commun-2024")
    >>> f"{normalised(cell).value / 3600:.0f} Wh/kg"
    '374 Wh/kg'
    """
    if basis not in BASES:
        msg = f'basis "{basis}" is not recognised; choose one of {", ".join(BASES)}'
        raise LiteratureError(msg)
    for name, number in (("membrane_thickness", membrane_thickness), ("average_voltage", average_voltage)):
        if number is not None and not (np.isfinite(number) and number > 0.0):
            msg = f"{name} is {number}; it must be a finite number above 0, in SI"
            raise LiteratureError(msg)
    inputs: list[Known] = []
    missing: list[str] = []
    notes: list[str] = []

    capacity = _take(cell, "areal_capacity", inputs, missing)
    voltage = _voltage(cell, average_voltage, library_voltage, inputs, missing, notes)
    masses = [
        _take(cell, "coating_loading", inputs, missing),
        _membrane(cell, membrane_thickness, inputs, missing),
    ]
    if basis == "with-lithium":
        masses.append(_lithium(capacity, inputs))
    if basis == "with-electrodes":
        masses += [_take(cell, name, inputs, missing) for name in ("collector_loading", "negative_loading")]
    value = float("nan") if missing else float(specific_energy(capacity, voltage, *masses))
    return NormalisedEnergy(basis, value, tuple(inputs), tuple(missing), tuple(notes))


NAMES = {
    "active_share": "active-material share",
    "active_loading": "active-material loading",
    "coating_loading": "coating loading",
    "areal_capacity": "areal capacity",
    "specific_capacity": "specific capacity",
    "average_voltage": "average voltage",
    "membrane_thickness": "membrane thickness",
    "membrane_density": "membrane density",
    "membrane_loading": "membrane mass per area",
    "negative_loading": "mass of the negative electrode per area",
    "collector_loading": "mass of the positive collector per area",
    "c_rate": "C-rate",
    "current_density": "current density",
    "temperature": "temperature",
    "pressure": "stack pressure",
    "specific_energy": "specific energy in the source",
}
"""Values of a row in words."""


def _take(cell: PublishedCell, name: str, inputs: list[Known], missing: list[str]) -> float:
    known = find(cell, name)
    if known is None:
        missing.append(f"the {NAMES[name]} is not stated and does not follow from what is")
        return float("nan")
    inputs.append(known)
    return known.value


def _voltage(
    cell: PublishedCell,
    supplied: float | None,
    library: bool,
    inputs: list[Known],
    missing: list[str],
    notes: list[str],
) -> float:
    known = find(cell, "average_voltage")
    against = None if cell.average_voltage is None else cell.average_voltage.against
    if known is None and supplied is not None:
        known = Known("average_voltage", supplied, units.VOLTAGE, "given", "given by the caller")
    if known is None and library and cell.active_library is not None:
        value = _material(cell.active_library, cell.key, "active_library").value("average_voltage")
        if value is not None:
            how = f"average voltage of {cell.active_library} against lithium, material library"
            known = Known("average_voltage", value, units.VOLTAGE, "library", how)
            against = "lithium"
    if known is None:
        missing.append("the average voltage is not stated")
        return float("nan")
    if against == "lithium" and "Li metal" not in cell.negative:
        notes.append(f"the voltage is against lithium; the cell has {cell.negative}")
    inputs.append(known)
    return known.value


def _membrane(
    cell: PublishedCell,
    supplied: float | None,
    inputs: list[Known],
    missing: list[str],
) -> float:
    known = find(cell, "membrane_loading")
    if known is None:
        thickness = find(cell, "membrane_thickness")
        if thickness is None and supplied is not None:
            thickness = Known("membrane_thickness", supplied, units.THICKNESS, "given", "given by the caller")
        if thickness is None:
            missing.append("neither the thickness nor the mass of the membrane is stated")
            return float("nan")
        density = find(cell, "membrane_density")
        if density is None and cell.membrane_library is not None:
            value = _material(cell.membrane_library, cell.key, "membrane_library").value("density")
            if value is not None:
                how = f"true density of {cell.membrane_library}, material library: a membrane without pores"
                density = Known("membrane_density", value, units.DENSITY, "library", how)
        if density is None:
            missing.append(f"the density of the membrane ({cell.membrane}) is not stated nor in the material library")
            return float("nan")
        inputs += [thickness, density]
        known = Known(
            "membrane_loading",
            thickness.value * density.value,
            units.AREAL_MASS,
            "derived",
            "membrane_thickness * membrane_density",
        )
    inputs.append(known)
    return known.value


def _lithium(capacity: float, inputs: list[Known]) -> float:
    specific = default_library()["Li"].value("specific_capacity")
    mass = capacity / specific if specific else float("nan")
    if np.isfinite(mass):
        how = f"areal_capacity / {units.MAH_G.of(specific):.0f} mAh/g of lithium, material library"
        inputs.append(Known("lithium_loading", mass, units.AREAL_MASS, "derived", how))
    return mass


def _material(name: str, key: str, field: str) -> Material:
    library = default_library()
    if name not in library:
        msg = f'{field} "{name}" is not in the material library; correct the name or remove it'
        raise LiteratureError(msg, source=f"cell {key}")
    return library[name]
