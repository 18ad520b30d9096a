"""Packages that only an extra of solidstack installs, imported where they are used."""

from importlib import import_module
from typing import Any

from .errors import StructureError


def need(module: str, extra: str) -> Any:
    """Import a package of an extra; where it is missing, explain how to install it.

    Raises
    ------
    StructureError
        The package is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as reason:
        msg = f'this needs the package {reason.name}, which is not installed; pip install "solidstack[{extra}]"'
        raise StructureError(msg) from None
