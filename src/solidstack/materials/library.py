"""The library of materials: shipped ones, and the user's own, which replace shipped ones of the same name."""

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
    """Return the folder to which `add` copies (the platform's place for a user's data)."""
    return files.user_folder("materials")


@dataclass(frozen=True)
class Source:
    """A material file, parsed as TOML; it is checked when it is first used."""

    document: TomlDocument
    shipped: bool
    _checked: list[Material] = field(default_factory=list, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Name of the material in the file."""
        return str(self.document.data.get("name", ""))

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names of the material in the file; none if they are not a list of texts, which `material` refuses."""
        aliases = self.document.data.get("aliases", ())
        return tuple(alias for alias in aliases if isinstance(alias, str)) if isinstance(aliases, list) else ()

    def material(self) -> Material:
        """Check the file and return the material."""
        if not self._checked:
            self._checked.append(from_document(self.document))
        return self._checked[0]


@dataclass(frozen=True)
class Library(Mapping[str, Material]):
    """Materials by name or alias, whatever the case.

    Parameters
    ----------
    sources : tuple of Source
        Files; later ones replace earlier ones of the same name.
    """

    sources: tuple[Source, ...]

    @cached_property
    def _by_name(self) -> dict[str, Source]:
        sources: dict[str, Source] = {}
        for source in self.sources:
            for alias in source.aliases:
                sources.setdefault(alias.casefold(), source)
        for source in self.sources:
            sources[source.name.casefold()] = source
        return sources

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
        """Return the message for a name that is not in the library, with the nearest names."""
        close = nearest(name, [*self, *(alias for source in self.sources for alias in source.aliases)])
        hint = f"did you mean {close}?" if close else f"choose from {', '.join(self)}."
        return f'there is no material "{name}"; {hint} Add your own with "solidstack materials add FILE"'

    def source(self, name: str) -> str:
        """Return the path of a material's file."""
        return self._by_name[name.casefold()].document.source

    def name_of(self, word: str) -> str:
        """Return the name of a material, which may be given by an alias."""
        return self._by_name[word.casefold()].name

    def data(self, name: str) -> dict[str, Any]:
        """Return the content of a material's file, as in TOML."""
        return self._by_name[name.casefold()].document.data

    def extended(self, materials: Any, source: str) -> "Library":
        """Return this library with the materials of a stored result, by name."""
        contents = materials.values() if isinstance(materials, Mapping) else ()
        documents = [TomlDocument(data, "", source) for data in contents if isinstance(data, dict)]
        return Library((*self.sources, *(Source(document, shipped=False) for document in documents)))

    def is_shipped(self, name: str) -> bool:
        """Return whether a material is a shipped one."""
        return self._by_name[name.casefold()].shipped

    def shadowed(self) -> dict[str, str]:
        """Return the names of shipped materials that a user's file replaces, with that file."""
        shipped = [source for source in self.sources if source.shipped]
        names = {name.casefold() for source in shipped for name in (source.name, *source.aliases)}
        return {
            source.name: source.document.source
            for source in self._named.values()
            if not source.shipped and source.name.casefold() in names
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
    """Return shipped materials and the user's: the folder of `add`, then what SOLIDSTACK_MATERIALS names.

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
        The material, where it is now, and whether it replaced an earlier file of the same material there.

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
    """Check the content of a material file and write it into a folder, where it replaces the same material.

    Parameters
    ----------
    data : dict
        As in TOML.
    source : str
        Name of the content in errors.
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
    """Return the file of a material in a folder: that of the same material, or a new one."""
    slug = re.sub(r"[^\w]+", "-", material.name.casefold()).strip("-") or "material"
    for number in itertools.count(1):
        target = folder / (f"{slug}.toml" if number == 1 else f"{slug}-{number}.toml")
        if not target.exists() or read_toml(target, MaterialError).data.get("name") == material.name:
            return target
    raise AssertionError


library = default_library
"""Its name in the package: `solidstack.library`."""
