"""One look for all figures: size for a journal column, readable labels, safe colours."""

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ..errors import OutputError
from ..files import write_with

PAGE = 7.2
"""Width of a journal page, inches."""

FORMATS = (".png", ".svg", ".pdf")

RC: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    # names come from users: a dollar sign is a dollar sign
    "text.parse_math": False,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "axes.linewidth": 0.7,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "hatch.linewidth": 0.5,
    "savefig.dpi": 300,
    "figure.dpi": 150,
    # letters as shapes, so that a page looks the same on every machine; fixed names, so that a figure repeats exactly
    "svg.fonttype": "path",
    "svg.hashsalt": "solidstack",
    "pdf.fonttype": 42,
}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Apply the look within a block; letters that are not in the font are drawn as boxes without a warning."""
    with mpl.rc_context(RC), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from", UserWarning)
        warnings.filterwarnings("ignore", r"Matplotlib currently does not support .* natively", UserWarning)
        yield


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure as PNG, SVG or PDF by its ending, whole or not at all, the same bytes every time.

    Raises
    ------
    OutputError
        Another ending, or a place that cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        msg = f"has no known ending for a figure; use {', '.join(FORMATS)}"
        raise OutputError(msg, source=os.fspath(path))
    metadata = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}[suffix]
    with style():
        return write_with(path, lambda target: figure.savefig(target, metadata=metadata))
