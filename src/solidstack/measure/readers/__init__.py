"""Instrument files to records.

The format is found from what the file holds, then from its ending.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from io import BufferedReader
from pathlib import Path

from ...errors import MeasurementError
from ...files import open_input
from ..records import Record
from . import biologic_mpr, biologic_mpt, delimited, gamry, neware

Progress = Callable[[str, float], None]

READERS = ("biologic-mpr", "biologic-mpt", "gamry", "neware", "excel", "delimited")
"""Names of the formats, to give where one is not found from the file."""
START = 4096
LARGEST = 2_000_000_000
"""Bytes of a file that is read whole (all but tables of text)."""


def read(
    path: str | os.PathLike[str],
    *,
    columns: Mapping[str, str] | None = None,
    reader: str | None = None,
    progress: Progress | None = None,
) -> Record:
    """Read an instrument's file.

    Parameters
    ----------
    path : path
        BioLogic .mpr or .mpt, Gamry .DTA, Neware .nda or .ndax, Excel, or a table of text.
    columns : mapping, optional
        Label (``"Voltage / V"``) or short name (time, voltage, current, frequency, real impedance, imaginary impedance,
        cycle, step, temperature) to the file's column, which may have a unit (``"Ewe/mV"``) and a minus sign before it.
    reader : str, optional
        One of `READERS`, in place of what the file looks like.
    progress : callable, optional
        Called with what is done and how much of it, 0 to 1.

    Returns
    -------
    Record
        Rows in the order of the file. Columns that are known have their label and SI unit, others keep their name. The
        sample's area, mass and temperature are set where the file states them.

    Raises
    ------
    MeasurementError
        There is no such file, it is empty, cut off or damaged, no reader knows it, or its columns are not known.
    """
    source = os.fspath(path)
    file = Path(path)
    if reader is not None and reader not in READERS:
        msg = f'reader "{reader}" is not known; give one of {", ".join(READERS)}'
        raise MeasurementError(msg, source=source)
    with open_input(path, MeasurementError) as stream:
        return _read(stream, source, file.suffix, columns, reader, progress)


def _read(
    stream: BufferedReader,
    source: str,
    ending: str,
    columns: Mapping[str, str] | None,
    reader: str | None,
    progress: Progress | None,
) -> Record:
    start = stream.read(START)
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if not start.strip():
        msg = "is empty; export it again from the instrument's program"
        raise MeasurementError(msg, source=source)
    kind = reader or found(start, ending, source)
    if kind in ("delimited", "biologic-mpt"):
        sha = hashlib.file_digest(stream, "sha256").hexdigest()
        stream.seek(0)
        if kind == "delimited":
            return delimited.read(source, stream, size, columns, sha, progress)
        return biologic_mpt.read(source, stream, size, columns, sha, progress)
    if size > LARGEST:
        msg = f"has {size / 1e9:.1f} GB; a file of this kind is read up to {LARGEST / 1e9:.0f} GB. Export it in parts"
        raise MeasurementError(msg, source=source)
    raw = stream.read()
    sha = hashlib.sha256(raw).hexdigest()
    if kind == "excel":
        return delimited.read_excel(source, columns, sha)
    if kind == "neware":
        return neware.read(source, columns, sha)
    return (biologic_mpr.read if kind == "biologic-mpr" else gamry.read)(source, raw, columns, sha)


def found(start: bytes, ending: str, source: str) -> str:
    """Name of the reader for a file that begins with `start`.

    Raises
    ------
    MeasurementError
        It is of a kind that is not read; the message says what to export instead.

    Examples
    --------
    >>> found(b"EC-Lab ASCII FILE\\nNb header lines : 3\\n", ".txt", "a.txt")
    'biologic-mpt'
    """
    ending = ending.casefold()
    if start.startswith(biologic_mpr.MARK) or (ending == ".mpr" and b"\0" in start):
        return "biologic-mpr"
    if biologic_mpt.MARK.match(start):
        return "biologic-mpt"
    if start.lstrip(b"\xef\xbb\xbf").startswith(b"EXPLAIN"):
        return "gamry"
    if start.startswith(b"NEWARE") or ending in (".nda", ".ndax"):
        return "neware"
    if start.startswith(b"PK\x03\x04") or (start.startswith(b"\xd0\xcf\x11\xe0") and ending in (".xls", ".xlsx", "")):
        return "excel"
    if b"Standard Jet DB" in start or b"Standard ACE DB" in start or ending == ".res":
        msg = "is an Arbin database (.res), which is not read; export it as CSV or Excel from Arbin's Data Watcher"
        raise MeasurementError(msg, source=source)
    if b"\0" in start and start[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        if ending.lstrip(".").isdigit() or b"Maccor" in start or b"MACCOR" in start or ending in (".raw", ".mac"):
            msg = "is a Maccor binary file, which is not read; export it as text or Excel from Maccor's MIMS"
        else:
            msg = (
                "is no instrument file that is known (BioLogic .mpr and .mpt, Gamry .DTA, Neware .nda and .ndax) and "
                "no table of text; export it as CSV or Excel"
            )
        raise MeasurementError(msg, source=source)
    return "delimited"
