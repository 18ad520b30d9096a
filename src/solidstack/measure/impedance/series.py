"""Several spectra of a cell: one circuit for all of them, and their values one after the other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...units import PERCENT, SECOND
from ..records import TIME, Record
from ..result import Result, Series
from .analysis import Impedance, analyse, result_of
from .cautions import Concern
from .choice import rank

WORST = 30.0
"""Largest penalty that one spectrum puts on a shared circuit, so that the majority decides."""
SOUGHT = (
    "resistance", "interface_resistance", "resistance_sum", "conductivity", "effective_conductivity",
    "tortuosity_factor", "areal_resistance", "areal_interface_resistance",
)  # fmt: skip
"""What a spectrum is measured for, in the order of tables over several spectra."""


def analyse_all(records: Iterable[Record], **options: Any) -> list[Impedance]:
    """Analyse all spectra of some records with one circuit for all, so that parameters can be compared.

    The circuit is the one with the lowest sum of the information criterion over the spectra.

    Parameters
    ----------
    records : iterable of Record
    **options
        Options of `analyse`.
    """
    results = [analyse(spectrum, **options) for record in records for spectrum in record.spectra()]
    if len(results) < 2:
        return results
    totals: dict[str, float] = {}
    for result in results:
        automatic = result.prepared.automatic
        least = rank(result.fits[0], automatic=automatic)
        for fit in result.fits:
            # a circuit that was not tried on a spectrum gets the largest penalty there: sums count from it
            name = str(fit.circuit).removeprefix("L0-")
            totals[name] = totals.get(name, 0.0) + min(rank(fit, automatic=automatic) - least, WORST) - WORST
    best = min(totals, key=lambda name: totals[name])
    shared = []
    for result in results:
        same = [fit for fit in result.fits if str(fit.circuit).removeprefix("L0-") == best]
        shared.append(result_of(result.prepared, same[0]) if same else result)
    return shared


@dataclass(frozen=True, kw_only=True)
class Spectra(Result):
    """Several spectra of a cell, one after the other.

    Attributes
    ----------
    results : tuple of Impedance
    """

    results: tuple[Impedance, ...]

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "eis"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, with all of each spectrum under ``spectra``."""
        return super().to_dict() | {"spectra": [result.to_dict() for result in self.results]}


def together(results: Sequence[Impedance]) -> Spectra:
    """Put several spectra into one result: a table of their values, and each caution once.

    Cautions that differ only in their numbers are shown with the numbers of the first spectrum.
    """
    cautions: dict[tuple[Concern, str], dict[int, str]] = {}
    for number, result in enumerate(results, 1):
        for caution in result.cautions:
            cautions.setdefault((caution.concern, caution.subject), {})[number] = caution.words
    warnings = tuple(
        f"{_numbered(list(words))}{'' if len(set(words.values())) == 1 else ' (numbers of the first)'}: "
        f"{next(iter(words.values()))}"
        for words in cautions.values()
    )
    models = list(dict.fromkeys(result.model for result in results))
    files = list(dict.fromkeys(result.records[0].name for result in results))
    return Spectra(
        records=tuple({record.source: record for result in results for record in result.records}.values()),
        values={},
        model=models[0] if len(models) == 1 else "a circuit for each spectrum",
        window={"spectra": len(results)} | ({"file": files[0]} if len(files) == 1 else {}),
        warnings=warnings,
        series={"over_time": over_time(results)},
        results=tuple(results),
    )


def _numbered(numbers: list[int]) -> str:
    first = ", ".join(map(str, numbers[:6]))
    return f"spectr{'um' if len(numbers) == 1 else 'a'} {first}{' ...' if len(numbers) > 6 else ''}"


def over_time(results: Sequence[Impedance]) -> Series:
    """Tabulate the values of several spectra: a row per spectrum, nan where a value is missing.

    The quantities of interest come first, each with its interval; what is the same in all spectra, such as the file, is
    left out.
    """
    every = list(dict.fromkeys(name for result in results for name in result.values))
    names = sorted(every, key=lambda name: SOUGHT.index(name) if name in SOUGHT else len(SOUGHT))
    columns: dict[str, list[Any]] = {
        "spectrum": list(range(1, len(results) + 1)),
        "file": [result.records[0].name for result in results],
        "time": [_begin(result.records[0]) for result in results],
    }
    rest: dict[str, list[Any]] = {
        "circuit": [result.model for result in results],
        "deviation": [result.fit.deviation for result in results],
    }
    units = {"time": SECOND, "deviation": PERCENT}
    for name in names:
        unit = next(result.values[name].unit for result in results if name in result.values)
        for part in ("value", "low", "high"):
            column = name if part == "value" else f"{name}_{part}"
            (columns if name in SOUGHT else rest)[column] = [
                float(getattr(result.values[name], part)) if name in result.values else np.nan for result in results
            ]
            units[column] = unit
    shown = {
        column: values
        for column, values in (columns | rest).items()
        if column in ("spectrum", *SOUGHT) or len({str(value) for value in values}) > 1 or len(results) == 1
    }
    return Series("Spectra", shown, {column: unit for column, unit in units.items() if column in shown})


def _begin(record: Record) -> float:
    return float(record.values(TIME).min()) if record.has(TIME) else float("nan")
