"""Measured files to material properties: read a record, analyse it, keep the result.

`read` returns a `Record` of any instrument file; each kind of analysis is a module with a function `analyse` that
returns a `Result`: values with 95 % intervals, window, model and warnings.
"""

from ..faces import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
