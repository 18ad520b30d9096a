"""Measured files to material properties: read a record, analyse it, keep the result.

`read` gives a `Record` of any instrument file; each kind of analysis is a module with a function `analyse` (of
voltammetry: `lsv` and `cv`) that gives a `Result`: values with 95 % intervals, window, model and warnings.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .records import Record as Record
from .records import record as record
from .result import Fitted as Fitted
from .result import Result as Result

if TYPE_CHECKING:
    from .material import save_material as save_material
    from .readers import read as read

MODULES = (
    "arrhenius",
    "cycling",
    "gitt",
    "impedance",
    "modulus",
    "particle_size",
    "symmetric",
    "transference",
    "voltammetry",
)

__all__ = ["Fitted", "Record", "Result", "read", "record", "save_material", *MODULES]


def __getattr__(name: str) -> Any:
    """Import a module or function when it is first used."""
    if name in MODULES:
        return import_module(f".{name}", __name__)
    homes = {"read": "readers", "save_material": "material"}
    if name in homes:
        return getattr(import_module(f".{homes[name]}", __name__), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
