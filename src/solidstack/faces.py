"""Public faces of packages: named in a stub, typed by it, and loaded when first used."""

import sys
from collections.abc import Callable
from typing import Any

import lazy_loader

Face = tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]
"""``__getattr__``, ``__dir__`` and ``__all__`` of a package."""


def attach(package: str, file: str, *, extra: str = "") -> Face:
    """Return the face of a package: what its stub (``__init__.pyi``) imports, loaded when first used.

    Parameters
    ----------
    package, file : str
        ``__name__`` and ``__file__`` of the package.
    extra : str
        The extra of solidstack that brings what the package needs; named where a library is missing.

    Raises
    ------
    AttributeError
        By the face, for a name that the stub does not have.
    ImportError
        By the face, where a library is not installed; names the extra that brings it.
    """
    load, _, names = lazy_loader.attach_stub(package, file)

    def getter(name: str) -> Any:
        if name not in names:
            msg = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(msg, name=name, obj=sys.modules[package])
        try:
            return load(name)
        except ModuleNotFoundError as error:
            if not extra or (error.name or "").startswith("solidstack"):
                raise
            msg = f'{package}.{name} needs {error.name}; install it with `pip install "solidstack[{extra}]"`'
            raise ImportError(msg, name=error.name) from error

    def lister() -> list[str]:
        return sorted(names)

    return getter, lister, names
