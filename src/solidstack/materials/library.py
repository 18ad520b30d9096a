"""The materials that are known: ours, then the user's, which go before ours."""

import itertools
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import tomli_w

from .. import files
from ..errors import MaterialError
from ..files import TomlDocument, parse_toml, read_toml, write_atomic
from ..units import nearest
from .schema import Material, from_document, read

ENVIRONMENT = "SOLIDSTACK_MATERIALS"
"""Environment variable: files or folders of the user's materials, joined by the system's path separator."""

SHIPPED = Path(__file__).parent / "data"


def user_folder() -> Path:
    """Return the folder that `add` fills (the platform's place for a user's data)."""
    return files.user_folder("materials")


@dataclass(frozen=True)
class Source:
    """A material file that was found: parsed as TOML, checked when it is first used."""

    document: TomlDocument
    shipped: bool
    _checked: list[Material] = field(default_factory=list, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Name of the material in the file."""
        return str(self.document.data.get("name", ""))

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names of the material in the file; none where they are no list of texts, which `material` refuses."""
        found = self.document.data.get("aliases", ())
        return tuple(alias for alias in found if isinstance(alias, str)) if isinstance(found, list) else ()

    def material(self) -> Material:
        """Check the file and give the material."""
        if not self._checked:
            self._checked.append(from_document(self.document))
        return self._checked[0]


@dataclass(frozen=True)
class Library(Mapping[str, Material]):
    """Materials by name or alias; upper and lower case do not matter.

    Parameters
    ----------
    sources : tuple of Source
        Files, later ones going before earlier ones of the same name.
    """

    sources: tuple[Source, ...]

    @cached_property
    def _by_name(self) -> dict[str, Source]:
        found: dict[str, Source] = {}
        for source in self.sources:
            for alias in source.aliases:
                found.setdefault(alias.casefold(), source)
        for source in self.sources:
            found[source.name.casefold()] = source
        return found

    @cached_property
    def _named(self) -> dict[str, Source]:
        return {source.name.casefold(): source for source in self.sources}

    def __getitem__(self, name: str) -> Material:
        source = self._by_name.get(name.casefold())
        if source is None:
            raise MaterialError(self.unknown(name))
        return source.material()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.casefold() in self._by_name

    def __iter__(self) -> Iterator[str]:
        return iter(sorted((source.name for source in self._named.values()), key=str.casefold))

    def __len__(self) -> int:
        return len(self._named)

    def unknown(self, name: str) -> str:
        """Say that a name is unknown, and which known names are near."""
        close = nearest(name, [*self, *(alias for source in self.sources for alias in source.aliases)])
        hint = f"did you mean {close}?" if close else f"known are {', '.join(self)}."
        return f'material "{name}" is unknown; {hint} Add your own with "solidstack materials add FILE"'

    def source(self, name: str) -> str:
        """Return the path of the file that a material is from."""
        return self._by_name[name.casefold()].document.source

    def name_of(self, word: str) -> str:
        """Return the name of a material that is called by its name or an alias."""
        return self._by_name[word.casefold()].name

    def data(self, name: str) -> dict[str, Any]:
        """Return the content of a material's file, as TOML has it."""
        return self._by_name[name.casefold()].document.data

    def extended(self, materials: Any, source: str) -> "Library":
        """Return this library with materials that a stored result holds, by name."""
        found = materials.values() if isinstance(materials, Mapping) else ()
        documents = [TomlDocument(data, "", source) for data in found if isinstance(data, dict)]
        return Library((*self.sources, *(Source(document, shipped=False) for document in documents)))

    def is_shipped(self, name: str) -> bool:
        """Whether a material is one of ours."""
        return self._by_name[name.casefold()].shipped

    def shadowed(self) -> dict[str, str]:
        """Return the names of ours that a user's file replaces, with that file."""
        ours = {name.casefold() for source in self.sources if source.shipped for name in (source.name, *source.aliases)}
        return {
            source.name: source.document.source
            for source in self._named.values()
            if not source.shipped and source.name.casefold() in ours
        }


@lru_cache(maxsize=8)
def _load(places: tuple[Path, ...], stamp: tuple[tuple[str, int, int], ...]) -> Library:  # noqa: ARG001 the stamp is the key
    shipped = tuple(Source(read_toml(path, MaterialError), shipped=True) for path in files.toml_files([SHIPPED]))
    own = tuple(Source(read_toml(path, MaterialError), shipped=False) for path in files.toml_files(places))
    for source in own:
        if not source.name:
            source.material()  # raises: every material has a name
    return Library((*shipped, *own))


def default_library() -> Library:
    """Return our materials and the user's: the folder that `add` fills, then what SOLIDSTACK_MATERIALS names.

    Files are read again when they change.

    Raises
    ------
    MaterialError
        A file or folder of the environment variable does not exist, or a file is not TOML.
    """
    places = files.user_places(user_folder(), ENVIRONMENT, MaterialError)
    stats = [(str(path), path.stat()) for path in files.toml_files(places)]
    return _load(tuple(places), tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats))


def add(path: str | os.PathLike[str]) -> list[tuple[Material, Path, bool]]:
    """Check a material file, or all of a folder, and copy them into the user's folder.

    Returns
    -------
    list of (Material, Path, bool)
        What was read, where it is now, and whether it replaced an earlier file of the same material there.

    Raises
    ------
    MaterialError
        A file has problems, or the folder has none; nothing is copied.
    """
    places = sorted(Path(path).glob("*.toml")) if Path(path).is_dir() else [Path(path)]
    if not places:
        msg = "is a folder without .toml files"
        raise MaterialError(msg, source=os.fspath(path))
    checked = [(read(place), place.read_bytes()) for place in places]
    result = []
    for material, raw in checked:
        target = _place_of(material, user_folder())
        replaced = target.exists()
        result.append((material, write_atomic(target, raw), replaced))
    return result


def store(data: dict[str, Any], *, source: str, folder: str | os.PathLike[str] | None = None) -> tuple[Material, Path]:
    """Check the content of a material file and write it into a folder, in place of the same material there.

    Parameters
    ----------
    data : dict
        As TOML has it.
    source : str
        What an error names.
    folder : path, optional
        Default: the user's.

    Raises
    ------
    MaterialError
        With every problem; nothing is written.
    """
    text = tomli_w.dumps(data)
    material = from_document(parse_toml(text, source, MaterialError))
    return material, write_atomic(_place_of(material, user_folder() if folder is None else Path(folder)), text)


def _place_of(material: Material, folder: Path) -> Path:
    """Name the file of a material in a folder: that of the same material is replaced, no other is."""
    slug = re.sub(r"[^\w]+", "-", material.name.casefold()).strip("-") or "material"
    for number in itertools.count(1):
        target = folder / (f"{slug}.toml" if number == 1 else f"{slug}-{number}.toml")
        if not target.exists() or read_toml(target, MaterialError).data.get("name") == material.name:
            return target
    raise AssertionError


library = default_library
"""Its name in the package: `solidstack.library`."""
