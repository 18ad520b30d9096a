"""Compile the functions of one voxel for a device.

They are written as plain functions of numbers and arrays, without a decorator, so that one text serves the loops of
the CPU and the grids of CUDA, and Numba's simulator and the tests can call it as Python.
"""

from collections.abc import Callable
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

Compiler = Callable[[FunctionType], Any]


def compiled(*modules: ModuleType, inlined: Compiler, called: Compiler) -> SimpleNamespace:
    """Compile all functions of some modules; each of them calls the compiled others.

    Parameters
    ----------
    *modules : module
        In the order of their imports. A function calls only those above it, and those of the modules before.
    inlined : callable
        Compiler of the functions of which every call becomes part of the loop.
    called : callable
        Compiler of the functions that a module names in its ``CALLED``: long ones, which stay calls.

    Returns
    -------
    SimpleNamespace
        The compiled functions by their names, which no two modules share.
    """
    functions: dict[str, Any] = {}
    for module in modules:
        scope = {**vars(module), **functions}
        apart: tuple[str, ...] = getattr(module, "CALLED", ())
        for name, function in vars(module).items():
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                own = FunctionType(function.__code__, scope, name, function.__defaults__)
                own.__module__, own.__doc__ = function.__module__, function.__doc__
                scope[name] = functions[name] = (called if name in apart else inlined)(own)
    return SimpleNamespace(**functions)
