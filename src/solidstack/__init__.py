"""solidstack: design high-energy solid-state batteries from particle to pouch."""

from .audit import audit as audit
from .design import Design as Design
from .design import json_schema as json_schema
from .design import load as load
from .errors import InputError as InputError
from .errors import SolidstackError as SolidstackError
from .maps import design_map as map
from .materials import default_library as library
from .sheet import Sheet as Sheet
from .sheet import evaluate as evaluate
from .version import __version__ as __version__

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
    "load",
    "map",
]
