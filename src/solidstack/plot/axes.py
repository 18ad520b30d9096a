"""Axes of figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def logarithmic(axis: Any, ticks: Sequence[float] | NDArray[np.float64] | None = None) -> None:
    """Plain numbers on a logarithmic axis: powers would need the mathematical text that names are kept free of."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

    axis.set_major_locator(LogLocator(numticks=6) if ticks is None else FixedLocator(list(ticks)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
    if ticks is not None:
        axis.set_minor_locator(NullLocator())
