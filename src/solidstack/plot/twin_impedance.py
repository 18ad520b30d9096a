"""Figures of the impedance of a twin: Nyquist and Bode, next to its transmission line."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .axes import logarithmic
from .discharge import COLOURS
from .style import PAGE, style


def draw_impedance(series: Sequence[tuple[str, NDArray[np.float64], NDArray[np.complex128]]]) -> Figure:
    """Draw impedance spectra: Nyquist and Bode.

    Parameters
    ----------
    series : sequence of (label, frequency, impedance)
        Hz and ohm m2; shown in ohm cm2.
    """
    with style():
        figure = Figure(figsize=(PAGE, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        phase = right.twinx()
        for number, (label, frequency, impedance) in enumerate(series):
            z = 1e4 * impedance
            colour = COLOURS[number % len(COLOURS)]
            mark = "o-" if number == 0 else "--"
            left.plot(z.real, -z.imag, mark, color=colour, markersize=2.5, label=label)
            right.plot(frequency, np.abs(z), mark, color=colour, markersize=2.5)
            phase.plot(frequency, -np.angle(z, deg=True), ":", color=colour)
        left.set_aspect("equal", adjustable="datalim")
        left.margins(0.1)
        left.set_xlabel("Re Z, Ω cm²")
        left.set_ylabel("−Im Z, Ω cm²")
        left.legend(loc="best")
        right.set_xscale("log")
        logarithmic(right.xaxis)
        sizes = np.concatenate([np.abs(impedance) for _, _, impedance in series])
        if sizes.max() > 5.0 * sizes.min():
            right.set_yscale("log")
            logarithmic(right.yaxis)
        right.set_xlabel("Frequency, Hz")
        right.set_ylabel("|Z|, Ω cm²")
        phase.set_ylabel("−phase (dotted), °")
    return figure
