"""A measured value becomes an entry of a material, with where it is from."""

import copy
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import units
from ..errors import MaterialError, MeasurementError
from ..materials import default_library
from ..materials.library import store
from ..version import __version__
from .result import Property, Result

ROLES = {
    "eis": "solid-electrolyte",
    "arrhenius": "solid-electrolyte",
    "transference": "solid-electrolyte",
    "lsv": "solid-electrolyte",
    "modulus": "solid-electrolyte",
}
"""Role of a new material unless one is given; the other analyses are of active materials."""
WITH_ACTIVATION = ("ionic_conductivity", "diffusivity")
"""Properties measured at one temperature; they keep the activation energy of the value before."""


def save_material(
    results: Sequence[Result],
    name: str,
    *,
    based_on: str | None = None,
    role: str | None = None,
    density: float | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> tuple[Path, list[str]]:
    """Put measured values into the material of that name in the user's library.

    A known material of that name (also a shipped one) keeps its other values, and the measured ones become its
    defaults. A new one needs the values of its role: take them from `based_on`, or give `density` and measure what is
    missing.

    Parameters
    ----------
    results : sequence of Result
        Each property is taken from the last result that has it.
    name : str
    based_on : str, optional
        Known material whose values a new one starts with.
    role : str, optional
        Of a new material; default: by the analysis.
    density : float, optional
        True density, kg/m3, of a new material, or in place of the known one.
    folder : path, optional
        Of the file; default: the user's library. Others are found where SOLIDSTACK_MATERIALS names them.

    Returns
    -------
    Path, list of str
        The file, and the properties that it now has from the results.

    Raises
    ------
    MeasurementError
        The results have no property of a material.
    MaterialError
        The material would be incomplete, or there is no material `based_on`.
    """
    properties: dict[str, tuple[Result, Property]] = {}
    for result in results:
        for item in result.properties():
            properties[item.name] = result, item
    if not properties:
        kinds = ", ".join(dict.fromkeys(result.kind for result in results))
        msg = f"{kinds}: found no property to save as a material{_why_none(results)}"
        raise MeasurementError(msg)
    data = _base(name, based_on, role or ROLES.get(results[0].kind, "active-material"))
    if density is not None:
        _put(data, "density", {"value": units.text(density, units.DENSITY)}, None, "given by the user", "")
    for key, (result, item) in properties.items():
        _put(data, key, dict(item.entry), item.uncertainty, _source(result), "; ".join(result.warnings))
    try:
        _, place = store(data, source=f'material "{name}"', folder=folder)
    except MaterialError as error:
        if based_on is None and name not in default_library():
            msg = (
                f"{error}. A new material needs this too: give --density and --role, or start from a known "
                "material with --based-on NAME"
            )
            raise MaterialError(msg) from None
        raise
    return place, list(properties)


def _base(name: str, based_on: str | None, role: str) -> dict[str, Any]:
    library = default_library()
    if based_on is not None:
        if based_on not in library:
            raise MaterialError(library.unknown(based_on))
        data = copy.deepcopy(library.data(based_on))
        if library.name_of(based_on).casefold() == name.casefold():
            return data
        data.pop("aliases", None)
        data["note"] = f"started from {library.name_of(based_on)}; {data.get('note', '')}".rstrip("; ")
        return {**data, "name": name}
    if name in library:
        return copy.deepcopy(library.data(name))
    return {"name": name, "role": role}


def _put(
    data: dict[str, Any], key: str, entry: dict[str, Any], uncertainty: float | None, source: str, note: str
) -> None:
    """Make an entry the default of a property; an earlier one from the very same source is replaced."""
    others = [
        {k: v for k, v in other.items() if k != "default"} for other in data.get(key, []) if other["source"] != source
    ]
    if "activation_energy" not in entry and key in WITH_ACTIVATION:
        entries: list[dict[str, Any]] = data.get(key, [])
        known = next((earlier for earlier in entries if earlier.get("default") or len(entries) == 1), {})
        names = ("activation_energy", "arrhenius", "range")
        kept: dict[str, Any] = {name: known[name] for name in names if name in known}
        if "activation_energy" in kept:
            entry |= kept
            note = "; ".join(filter(None, (note, f"activation energy and range kept from: {known['source']}")))
    entry |= {"quality": "measured", "source": source}
    if note:
        entry["note"] = note
    if uncertainty is not None:
        entry["uncertainty"] = f"{100.0 * uncertainty:.3g} %"
    data[key] = [*others, entry | {"default": True}]


def _source(result: Result) -> str:
    """Files with their hash, window and model, in one line."""
    files = (
        ", ".join(f"{record.name} (sha256 {record.sha256 or 'none'})" for record in result.records) or "values given"
    )
    window = ", ".join(f"{key} {_short(value)}" for key, value in result.window.items())
    parts = [f"solidstack {__version__} {result.kind} of {files}", f"model {result.model}"]
    return "; ".join([*parts, *([f"window {window}"] if window else [])])


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _why_none(results: Sequence[Result]) -> str:
    warnings = [text for result in results for text in result.warnings]
    return f": {warnings[0]}" if warnings else "; give --area, --thickness or --temperature if the file has none"
