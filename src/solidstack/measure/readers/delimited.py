"""Tables of text: Arbin, Neware, Maccor, Landt, Novonix, PEC, Basytec, Battery Data Format, Zview, others."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...errors import MeasurementError
from ...progress import Listener
from ..records import Record
from . import layered
from .dates import by_dates, scale, time_from_dates
from .finish import finish
from .header import (
    Header,
    cells_of,
    columns_to_read,
    decimal_of,
    describe,
    distinct,
    find_header,
    refuse_unknown,
    trimmed,
)
from .lines import Layout, table
from .names import assign
from .raw import Raw, no_points

HEAD = 200_000
"""Bytes within which the header is searched."""


def read(
    path: str,
    stream: BinaryIO,
    size: int,
    columns: Mapping[str, str] | None,
    sha: str,
    progress: Listener | None = None,
) -> Record:
    """Read a table of text of `size` bytes in blocks.

    Raises
    ------
    MeasurementError
        There is no table with known columns, or a line in it is wrong.
    """
    start = stream.read(HEAD)
    stream.seek(0)
    encoding = _encoding(start, path)
    text = start.decode(encoding, errors="replace").lstrip("﻿").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if len(start) == HEAD and len(lines) > 1:
        lines.pop()
    layers = layered.levels(lines)
    header = find_header(lines, columns, path) if layers is None else _flat(lines, layers, path)
    chosen = assign(header.names, columns, source=path, units=header.units)
    refuse_unknown(header, chosen, path)
    kept, labels, texts = columns_to_read(header, chosen)
    dated = by_dates(header, chosen, (cells_of(line, header.mark) for line in lines[header.line - 1 :]))
    warnings: list[str] = []
    layout = Layout(header.names, labels, kept, texts, header.mark, header.decimal, header.line)
    if encoding == "utf-16":
        stream = io.BytesIO(stream.read().decode("utf-16", errors="replace").encode())
    _skip(stream, header.line - 1)
    points = stream if layers is None else layered.Flat(stream, layers, path)
    values, places = table(points, layout, path, warnings, size=size, progress=progress)
    raw = Raw(values, path, lines=places, units=[header.units[index] for index in kept] if header.units else [])
    raw.warnings += warnings
    _leave_out_empty(raw)
    scale(raw, dated)
    time_from_dates(raw, chosen)
    describe(raw, header)
    return finish(raw, columns, sha)


def _flat(lines: Sequence[str], layers: layered.Levels, source: str) -> Header:
    """The header of a layered table, whose points start below its last line of names."""
    names = cells_of(layered.flat_names(lines, layers), layers.mark)
    points = [line for line in lines[layers.line :] if line.startswith(2 * layers.mark)]
    if not points:
        raise no_points(source)
    decimal = decimal_of(points[:50], layers.mark)
    above = "\n".join(lines[: layers.line])
    return Header(distinct(trimmed(names)), [], layers.mark, decimal, layers.line + 1, above)


def _leave_out_empty(raw: Raw) -> None:
    """Leave out rows without a number: exports may end with lines of separators alone."""
    empty: NDArray[np.bool_] | None = None
    for values in raw.columns.values():
        if values.dtype.kind == "f":
            empty = np.isnan(values) if empty is None else empty & np.isnan(values)
            if not empty.any():
                return
    if empty is not None and raw.lines is not None:
        raw.columns = {name: values[~empty] for name, values in raw.columns.items()}
        raw.lines = raw.lines[~empty]


def _encoding(start: bytes, source: str) -> str:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if b"\0" in start:
        msg = "is neither a text table nor a known instrument file; export it as CSV or Excel"
        raise MeasurementError(msg, source=source)
    try:
        start[: len(start) - 4].decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _skip(stream: BinaryIO, lines: int) -> None:
    """Go to a line, whatever the line endings are."""
    if not lines:
        if stream.read(3) != b"\xef\xbb\xbf":
            stream.seek(0)
        return
    start = stream.read(HEAD * 4)
    ends = [match.end() for match, _ in zip(re.finditer(rb"\r\n|\n|\r", start), range(lines), strict=False)]
    stream.seek(ends[lines - 1])
