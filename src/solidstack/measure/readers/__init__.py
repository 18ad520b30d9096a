"""Instrument files to records.

The format is detected from the content of the file, then from its extension. Each format is an entry of `FORMATS`.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from ...errors import MeasurementError
from ...files import open_input
from ...progress import Listener
from ..records import Record
from . import biologic_mpr, biologic_mpt, delimited, excel, gamry, neware

START = 4096
"""Bytes from which the format is detected."""
LARGEST = 2_000_000_000
"""Bytes of a file that is read whole (all formats but text tables)."""


@dataclass(frozen=True)
class File:
    """An open instrument file and how to read it.

    Attributes
    ----------
    source : str
        Path, named in errors.
    stream : BufferedReader
        At its first byte.
    size : int
        Bytes.
    columns : mapping or None
        Columns named by the user.
    sha256 : str
    progress : callable or None
    """

    source: str
    stream: BufferedReader
    size: int
    columns: Mapping[str, str] | None
    sha256: str
    progress: Listener | None


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes
    ----------
    fits : callable
        Whether a file that starts with some bytes and has an extension (in lower case) is of this format.
    read : callable
    in_blocks : bool
        Whether it is read in blocks, so that its size is not limited.
    """

    fits: Callable[[bytes, str], bool]
    read: Callable[[File], Record]
    in_blocks: bool = False


def _is_mpr(start: bytes, extension: str) -> bool:
    return start.startswith(biologic_mpr.MARK) or (extension == ".mpr" and b"\0" in start)


def _is_excel(start: bytes, extension: str) -> bool:
    old = start.startswith(b"\xd0\xcf\x11\xe0") and extension in (".xls", ".xlsx", "")
    return start.startswith(b"PK\x03\x04") or old


FORMATS: dict[str, Format] = {
    "biologic-mpr": Format(
        _is_mpr, lambda file: biologic_mpr.read(file.source, file.stream.read(), file.columns, file.sha256)
    ),
    "biologic-mpt": Format(
        lambda start, _: bool(biologic_mpt.MARK.match(start)),
        lambda file: biologic_mpt.read(file.source, file.stream, file.size, file.columns, file.sha256, file.progress),
        in_blocks=True,
    ),
    "gamry": Format(
        lambda start, _: start.lstrip(b"\xef\xbb\xbf").startswith(b"EXPLAIN"),
        lambda file: gamry.read(file.source, file.stream.read(), file.columns, file.sha256),
    ),
    "neware": Format(
        lambda start, extension: start.startswith(b"NEWARE") or extension in (".nda", ".ndax"),
        lambda file: neware.read(file.source, file.columns, file.sha256),
    ),
    "excel": Format(_is_excel, lambda file: excel.read(file.source, file.columns, file.sha256)),
    "delimited": Format(
        lambda start, _: b"\0" not in start or start[:2] in (b"\xff\xfe", b"\xfe\xff"),
        lambda file: delimited.read(file.source, file.stream, file.size, file.columns, file.sha256, file.progress),
        in_blocks=True,
    ),
}
"""Formats by name, in the order in which they are tried; the last one is any table of text."""
READERS = tuple(FORMATS)
"""Names of the formats, to give where a file is not recognised."""


def read(
    path: str | os.PathLike[str],
    *,
    columns: Mapping[str, str] | None = None,
    reader: str | None = None,
    progress: Listener | None = None,
) -> Record:
    """Read an instrument file.

    Parameters
    ----------
    path : path
        BioLogic .mpr or .mpt, Gamry .DTA, Neware .nda or .ndax, Excel, or a text table.
    columns : mapping, optional
        Label (``"Voltage / V"``) or short name (time, voltage, current, frequency, real impedance, imaginary impedance,
        cycle, step, temperature) to the column of the file, which may have a unit (``"Ewe/mV"``) and a leading minus
        sign.
    reader : str, optional
        One of `READERS`, in place of automatic detection.
    progress : callable, optional
        Progress callback, in bytes; see `solidstack.progress`.

    Returns
    -------
    Record
        Rows in the order of the file. Known columns have their label and SI unit, others keep their name. The area,
        mass and temperature of the sample are set if the file states them.

    Raises
    ------
    MeasurementError
        The file does not exist, is empty, truncated or damaged, is of an unknown format, or has unknown columns.
    """
    source = os.fspath(path)
    file = Path(path)
    if reader is not None and reader not in READERS:
        msg = f'reader "{reader}" is not recognised; choose one of {", ".join(READERS)}'
        raise MeasurementError(msg, source=source)
    with open_input(path, MeasurementError) as stream:
        return _read(stream, source, file.suffix, columns, reader, progress)


def _read(
    stream: BufferedReader,
    source: str,
    extension: str,
    columns: Mapping[str, str] | None,
    reader: str | None,
    progress: Listener | None,
) -> Record:
    start = stream.read(START)
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if not start.strip():
        msg = "is empty; export it again from the software of the instrument"
        raise MeasurementError(msg, source=source)
    kind = FORMATS[reader or detect(start, extension, source)]
    if size > LARGEST and not kind.in_blocks:
        msg = (
            f"has {size / 1e9:.1f} GB; a file of this format is read up to {LARGEST / 1e9:.0f} GB. Export it in "
            "several files"
        )
        raise MeasurementError(msg, source=source)
    sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    stream.seek(0)
    return kind.read(File(source, stream, size, columns, sha256, progress))


def detect(start: bytes, extension: str, source: str) -> str:
    """Name of the format of a file that starts with some bytes.

    Raises
    ------
    MeasurementError
        The format is not supported; the message says what to export instead.

    Examples
    --------
    >>> detect(b"EC-Lab ASCII FILE\\nNb header lines : 3\\n", ".txt", "a.txt")
    'biologic-mpt'
    """
    extension = extension.casefold()
    *binary, text = FORMATS
    kind = next((name for name in binary if FORMATS[name].fits(start, extension)), None)
    if kind is not None:
        return kind
    if b"Standard Jet DB" in start or b"Standard ACE DB" in start or extension == ".res":
        msg = "is an Arbin database (.res), which is not read; export it as CSV or Excel from Arbin's Data Watcher"
        raise MeasurementError(msg, source=source)
    if FORMATS[text].fits(start, extension):
        return text
    if extension.lstrip(".").isdigit() or b"Maccor" in start or b"MACCOR" in start or extension in (".raw", ".mac"):
        msg = "is a Maccor binary file, which is not read; export it as text or Excel from Maccor's MIMS"
    else:
        msg = (
            "is neither a known instrument file (BioLogic .mpr and .mpt, Gamry .DTA, Neware .nda and .ndax) nor a text "
            "table; export it as CSV or Excel"
        )
    raise MeasurementError(msg, source=source)
