"""Files in and out: TOML with line numbers, and writes that are whole or not at all."""

import contextlib
import json
import os
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BufferedReader
from pathlib import Path
from typing import Any

import platformdirs

from .errors import InputError, OutputError, Problem

Location = Sequence[str | int]

SIZE_LIMIT = 1_000_000
"""Bytes. Design and material files are a few kB; a larger file is a mistake that is worth reporting at once."""


@dataclass(frozen=True)
class TomlDocument:
    """The content of a TOML file: its values, and the line of each key."""

    data: dict[str, Any]
    text: str
    source: str

    @cached_property
    def _lines(self) -> dict[tuple[str | int, ...], int]:
        try:
            return _key_lines(self.text)
        except RecursionError:
            return {}  # a message without line numbers is better than none

    def line(self, location: Location) -> int | None:
        """Line of a key, or of the nearest table around it; None if not even the table is in the file."""
        keys = tuple(location)
        while keys:
            if keys in self._lines:
                return self._lines[keys]
            keys = keys[:-1]
        return None


def missing(path: str | os.PathLike[str], error: type[InputError], cure: str = "check the path") -> InputError:
    """Return the error for a file that does not exist.

    Parameters
    ----------
    path : path
        The file.
    error : type of InputError
        What to return.
    cure : str
        What the user can do.

    Examples
    --------
    >>> str(missing("cell.toml", InputError))
    'cell.toml: there is no such file; check the path'
    """
    return error(f"there is no such file; {cure}", source=os.fspath(path))


def open_input(path: str | os.PathLike[str], error: type[InputError]) -> BufferedReader:
    """Open a user's file for reading bytes.

    Raises
    ------
    InputError
        Of the type in `error`: there is no such file, it is a folder, or it cannot be read.
    """
    try:
        return Path(path).open("rb")
    except FileNotFoundError:
        raise missing(path, error) from None
    except IsADirectoryError:
        msg = "is a folder; give a file in it"
        raise error(msg, source=os.fspath(path)) from None
    except OSError as reason:
        msg = f"cannot be read ({reason.strerror})"
        raise error(msg, source=os.fspath(path)) from None


def read_toml(path: str | os.PathLike[str], error: type[InputError]) -> TomlDocument:
    """Read a TOML file, with a clear error for everything that is not one.

    Parameters
    ----------
    path : path
        The file.
    error : type of InputError
        What to raise.
    """
    return parse_toml(_read_text(path, error), os.fspath(path), error)


def read_json(path: str | os.PathLike[str], error: type[InputError]) -> dict[str, Any]:
    """Read a JSON file that contains an object, with a clear error for everything else."""
    source = os.fspath(path)
    text = _read_text(path, error)
    try:
        data = json.loads(text)
    except json.JSONDecodeError as reason:
        msg = f"is not JSON: {reason.msg} (column {reason.colno})"
        raise error(Problem(msg, line=reason.lineno), source=source) from None
    except RecursionError:
        msg = "is not a usable JSON file: it is nested too deeply"
        raise error(msg, source=source) from None
    if not isinstance(data, dict):
        msg = "does not contain a JSON object"
        raise error(msg, source=source)
    return data


def _read_text(path: str | os.PathLike[str], error: type[InputError]) -> str:
    source = os.fspath(path)
    with open_input(path, error) as stream:
        raw = stream.read(SIZE_LIMIT + 1)
        size = os.fstat(stream.fileno()).st_size
    if len(raw) > SIZE_LIMIT:
        msg = f"has {size / 1e6:.1f} MB; such a file has a few kB, and at most {SIZE_LIMIT / 1e6:g} MB are read"
        raise error(msg, source=source)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        line = raw.count(b"\n", 0, reason.start) + 1
        msg = f"is not UTF-8 text (byte 0x{raw[reason.start]:02x}); save it as UTF-8"
        raise error(Problem(msg, line=line), source=source) from None
    if not text.strip():
        msg = "is empty"
        raise error(msg, source=source)
    return text


def parse_toml(text: str, source: str, error: type[InputError]) -> TomlDocument:
    """Read TOML text; `source` names it in messages."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as reason:
        msg = f"is not TOML: {reason}"
        raise error(msg, source=source) from None
    except RecursionError:
        msg = "is not a usable TOML file: tables are nested too deeply"
        raise error(msg, source=source) from None
    return TomlDocument(data, text, source)


def _key_lines(text: str) -> dict[tuple[str | int, ...], int]:
    """Map each key path of a TOML text to its line, by the syntax tree (tomllib keeps no positions)."""
    import tree_sitter
    import tree_sitter_toml

    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))
    root = parser.parse(text.encode()).root_node
    lines: dict[tuple[str | int, ...], int] = {}
    counts: dict[tuple[str | int, ...], int] = {}

    def keys_of(node: Any) -> tuple[str, ...]:
        if node.type == "dotted_key":
            return tuple(part for child in node.named_children for part in keys_of(child))
        word = node.text.decode()
        return (next(iter(tomllib.loads(f"{word} = 0"))),)

    def walk_value(node: Any, path: tuple[str | int, ...]) -> None:
        if node.type == "inline_table":
            for child in node.named_children:
                walk_pair(child, path)
        elif node.type == "array":
            values = [child for child in node.named_children if child.type != "comment"]
            for index, child in enumerate(values):
                lines[(*path, index)] = child.start_point[0] + 1
                walk_value(child, (*path, index))

    def walk_pair(node: Any, path: tuple[str | int, ...]) -> None:
        if node.type != "pair":
            return
        key, value = [child for child in node.named_children if child.type != "comment"][:2]
        for part in keys_of(key):
            path = (*path, part)
            lines.setdefault(path, key.start_point[0] + 1)
        walk_value(value, path)

    for node in root.named_children:
        if node.type == "pair":
            walk_pair(node, ())
        elif node.type in ("table", "table_array_element"):
            head, *pairs = [child for child in node.named_children if child.type != "comment"]
            path: tuple[str | int, ...] = ()
            *outer, last = keys_of(head)
            for part in outer:
                path = (*path, part)
                if path in counts:
                    path = (*path, counts[path])
            path = (*path, last)
            if node.type == "table_array_element":
                lines.setdefault(path, head.start_point[0] + 1)
                counts[path] = counts.get(path, -1) + 1
                path = (*path, counts[path])
            lines.setdefault(path, head.start_point[0] + 1)
            for pair in pairs:
                walk_pair(pair, path)
    return lines


def user_folder(name: str) -> Path:
    """Return a folder of the user's own files (the platform's place for a user's data)."""
    return Path(platformdirs.user_data_dir("solidstack", appauthor=False)) / name


def user_places(folder: Path, variable: str, error: type[InputError]) -> list[Path]:
    """Return the user's files and folders: a folder, if it exists, then what an environment variable names.

    Raises
    ------
    InputError
        Of the type in `error`: what the variable names does not exist.
    """
    places = [folder] if folder.is_dir() else []
    for word in filter(None, os.environ.get(variable, "").split(os.pathsep)):
        path = Path(word).expanduser()
        if not path.exists():
            msg = f'{variable}: there is no file or folder "{word}"; correct or unset the variable'
            raise error(msg)
        places.append(path)
    return places


def toml_files(places: Iterable[Path]) -> Iterator[Path]:
    """Yield files, and the TOML files of folders sorted by name."""
    for place in places:
        if place.is_dir():
            yield from sorted(place.glob("*.toml"))
        else:
            yield place


def write_atomic(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write a whole file or nothing: into a temporary file next to it, which is then renamed."""
    data = content.encode() if isinstance(content, str) else content
    return write_with(path, lambda temporary: temporary.write_bytes(data))


def write_with(path: str | os.PathLike[str], writer: Callable[[Path], object]) -> Path:
    """Let `writer` fill a temporary file next to `path` (same ending), then rename it to `path`."""
    target = Path(path)
    if target.is_dir():
        msg = "is a folder; give the path of a file"
        raise OutputError(msg, source=str(target))
    with _writable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            writer(temporary)
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    return target


@contextlib.contextmanager
def staged_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder whose files move to `path` if the block succeeds, and are deleted if it fails.

    The place is tested before the block runs, so that long work is not done for a folder that cannot be
    written. Files of the same name in `path` are replaced one by one; others stay.
    """
    target = Path(path)
    if target.exists() and not target.is_dir():
        msg = "is a file; give a folder"
        raise OutputError(msg, source=str(target))
    with _writable(target):
        made = [p for p in (target, *target.parents) if not p.exists()]
        target.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".partial-", dir=target))
    try:
        yield stage
        with _writable(target):
            moves = [(item, target / item.relative_to(stage)) for item in sorted(stage.rglob("*"))]
            for item, goal in moves:
                if goal.exists() and item.is_dir() != goal.is_dir():
                    existing = "a file" if item.is_dir() else "a folder"
                    msg = f"already has {existing} called {goal.name}; choose another place with -o"
                    raise OutputError(msg, source=str(target))
            for item, goal in moves:
                if item.is_dir():
                    goal.mkdir(exist_ok=True)
                else:
                    item.replace(goal)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()


@contextlib.contextmanager
def _writable(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as reason:
        msg = f"cannot be written ({reason.strerror}); choose another place with -o"
        raise OutputError(msg, source=str(target)) from reason


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
