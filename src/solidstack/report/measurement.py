"""One page on a measurement: values with intervals, figure, window, model, warnings and where it is from."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..files import staged_folder
from ..measure.records import SAMPLE, Record
from ..measure.result import Result, Series, words
from ..version import __version__
from .pages import document, keep, page

TILES = 4
ROWS = 24
"""Of a table on the page; the whole of it is in its CSV."""

TITLES = {
    "eis": "Impedance",
    "arrhenius": "Conductivity over temperature",
    "transference": "Transference number",
    "lsv": "Linear sweep voltammetry",
    "cv": "Cyclic voltammetry",
    "symmetric": "Symmetric cell",
    "gitt": "Galvanostatic intermittent titration",
    "cycling": "Cycling",
    "particle-size": "Particle sizes",
    "modulus": "Modulus",
    "achieved": "Predicted and achieved",
}


def write_measurement(result: Result, figure: Any, folder: str | Path, *, caption: str = "") -> list[Path]:
    """Write a result: page (HTML, PDF), figure (PNG, SVG), data (JSON, a CSV for each table).

    Parameters
    ----------
    result : Result
    figure : matplotlib.figure.Figure
    folder : path
        Made when it does not exist. Files of the same name are replaced, others stay; nothing is left half-written.
    caption : str
        Of the figure.

    Returns
    -------
    list of Path
        What was written, the page first.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    name = result.kind
    with staged_folder(folder) as stage:
        drawn = keep(figure, stage, name, caption)
        stage.joinpath(f"{name}.json").write_text(dumped(result) + "\n", encoding="utf-8")
        for key, series in {**result.series, **result.data()}.items():
            stage.joinpath(f"{name}-{key.replace('_', '-')}.csv").write_text(as_csv(series), encoding="utf-8")
        content = _content(result, drawn.name, caption)
        stage.joinpath(f"{name}.html").write_text(page("measurement.html.j2", content, [drawn]), encoding="utf-8")
        document("measurement.typ", content, stage / f"{name}.pdf")
        order = {".html": 0, ".pdf": 1, ".png": 2}
        written = sorted((item.name for item in stage.iterdir()), key=lambda one: (order.get(Path(one).suffix, 3), one))
    return [Path(folder) / one for one in written]


def dumped(result: Result) -> str:
    """JSON of a result, never NaN or Infinity."""
    return json.dumps(result.to_dict(), indent=2, allow_nan=False, ensure_ascii=False)


def as_csv(series: Series) -> str:
    """Write a table with the unit in each column's name."""
    text = io.StringIO()
    rows = series.rows()
    writer = csv.DictWriter(text, list(rows[0]) if rows else list(series.columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _content(result: Result, name: str, caption: str) -> dict[str, Any]:
    """What page and document say, as plain data."""
    sources = ", ".join(dict.fromkeys(one.name for one in result.records)) or "values given"
    values = list(result.values.values())
    told = [one for one in values if np.isfinite(one.value)]
    return {
        "title": TITLES.get(result.kind, result.kind),
        "subtitle": sources,
        "version": __version__,
        "headline": [(one.label, one.cells()[0], one.unit.label) for one in told[:TILES]],
        "values": [(one.label, *one.cells()) for one in values],
        "model": result.model,
        "window": [(key.replace("_", " "), words(value)) for key, value in result.window.items()],
        "warnings": result.to_dict()["warnings"],
        "tables": [_table(series) for series in result.series.values() if series.columns],
        "files": [
            (one.name, one.technique.replace("-", " "), one.instrument, _sample(one), one.sha256)
            for one in _distinct(result.records)
        ],
        "figures": [(name, caption)],
    }


def _distinct(records: Sequence[Record]) -> list[Record]:
    found: dict[tuple[str, str], Record] = {}
    for one in records:
        found.setdefault((one.source, one.sha256), one)
    return list(found.values())


def _table(series: Series) -> dict[str, Any]:
    rows = [[words(value) for value in row.values()] for row in series.rows()]
    more = f"The first {ROWS} of {len(rows)} rows." if len(rows) > ROWS else ""
    return {"title": series.title, "header": series.headings(), "rows": rows[:ROWS], "more": more}


def _sample(record: Record) -> str:
    parts = []
    for name, (kind, _) in SAMPLE.items():
        value = getattr(record, name)
        if value is not None:
            parts.append(f"{name} {kind.shown.of(value):.4g} {kind.shown.label}")
    return ", ".join(parts)
