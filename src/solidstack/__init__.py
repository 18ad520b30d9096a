"""solidstack: design high-energy solid-state batteries from particle to pouch."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__ as __version__

if TYPE_CHECKING:
    from . import literature as literature
    from . import measure as measure
    from . import twin as twin
    from .design import Design as Design
    from .design import json_schema as json_schema
    from .design import load as load
    from .errors import InputError as InputError
    from .errors import SolidstackError as SolidstackError
    from .maps import design_map as map
    from .materials import default_library as library
    from .published import audit as audit
    from .sheet import Sheet as Sheet
    from .sheet import evaluate as evaluate

__all__ = [
    "Design",
    "InputError",
    "Sheet",
    "SolidstackError",
    "__version__",
    "audit",
    "evaluate",
    "json_schema",
    "library",
    "literature",
    "load",
    "map",
    "measure",
    "twin",
]

# The public names and where each is; imported when first used, so that a program that names the package starts at once
_HOMES = {
    "Design": ("design", "Design"),
    "InputError": ("errors", "InputError"),
    "Sheet": ("sheet", "Sheet"),
    "SolidstackError": ("errors", "SolidstackError"),
    "audit": ("published", "audit"),
    "evaluate": ("sheet", "evaluate"),
    "json_schema": ("design", "json_schema"),
    "library": ("materials", "default_library"),
    "load": ("design", "load"),
    "map": ("maps", "design_map"),
}
# twin needs the extra of the same name
_PARTS = ("literature", "measure", "twin")


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in (*_HOMES, *_PARTS):
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    if name in _PARTS:
        return import_module(f".{name}", __name__)
    module, attribute = _HOMES[name]
    value = getattr(import_module(f".{module}", __name__), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name the public names, also those not imported yet."""
    return sorted(__all__)
