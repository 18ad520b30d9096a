"""The library of published cells: the shipped table, and the user's own rows."""

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from .. import files
from ..errors import LiteratureError, Problem
from ..files import read_toml, write_atomic
from .schema import SHIPPED, PublishedCell, from_document, read

ENVIRONMENT = "SOLIDSTACK_LITERATURE"
"""Environment variable: files or folders of the user's rows, joined by the system's path separator."""


def user_folder() -> Path:
    """Return the folder to which `add` copies (the platform's place for a user's data)."""
    return files.user_folder("literature")


def shipped() -> tuple[PublishedCell, ...]:
    """Return the shipped rows, oldest first."""
    return _read(SHIPPED, _stamp(SHIPPED))


def load() -> tuple[PublishedCell, ...]:
    """Return the shipped rows and the user's: the folder of `add`, then what SOLIDSTACK_LITERATURE names.

    A user's row replaces the shipped one of the same key. Rows are sorted by year, then key.

    Returns
    -------
    tuple of PublishedCell

    Raises
    ------
    LiteratureError
        A file is wrong, a file or folder of the environment variable does not exist, or two of the user's files
        have a row of the same key.

    Examples
    --------
    >>> any(cell.doi == "10.1038/s41467-024-50075-9" for cell in load())
    True
    """
    rows = {cell.key: cell for cell in shipped()}
    own: dict[str, Path] = {}
    for path in _own_files():
        for cell in _read(path, _stamp(path)):
            if cell.key in own:
                msg = f'"{cell.key}" is also the key of a cell in {own[cell.key]}; change one of the two'
                raise LiteratureError(Problem(msg, "cell.key"), source=str(path))
            own[cell.key] = path
            rows[cell.key] = cell
    return tuple(sorted(rows.values(), key=lambda cell: (cell.year, cell.key)))


def own_keys() -> frozenset[str]:
    """Return the keys of the user's own rows."""
    return frozenset(cell.key for path in _own_files() for cell in _read(path, _stamp(path)))


def add(path: str | os.PathLike[str]) -> tuple[tuple[PublishedCell, ...], Path, bool]:
    """Check a file of rows and copy it whole into the user's folder.

    Parameters
    ----------
    path : path
        A TOML file with one table ``[[cell]]`` for each cell.

    Returns
    -------
    tuple of (tuple of PublishedCell, Path, bool)
        The cells, where the file is now, and whether it replaced an earlier file of the same name there.

    Raises
    ------
    LiteratureError
        The file has problems, or a key of another of the user's files; nothing is copied.
    OutputError
        The user's folder cannot be written.
    """
    cells = read(path)
    target = user_folder() / f"{Path(path).stem}.toml"
    taken = {cell.key: other for other in _own_files() if other != target for cell in _read(other, _stamp(other))}
    repeated = [
        Problem(f'"{cell.key}" is also the key of a cell in {taken[cell.key]}; change one of the two', f"cell.{i}.key")
        for i, cell in enumerate(cells)
        if cell.key in taken and taken[cell.key].resolve() != Path(path).resolve()
    ]
    if repeated:
        raise LiteratureError(repeated, source=os.fspath(path))
    replaced = target.exists()
    raw = Path(path).read_bytes()
    return cells, write_atomic(target, raw), replaced


def _own_files() -> Iterator[Path]:
    return files.toml_files(files.user_places(user_folder(), ENVIRONMENT, LiteratureError))


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=16)
def _read(path: Path, stamp: tuple[int, int]) -> tuple[PublishedCell, ...]:  # noqa: ARG001 read again when it changes
    return from_document(read_toml(path, LiteratureError))
