"""A film of a charge or discharge: a slice of the stoichiometry next to the voltage."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from ..errors import OutputError
from ..files import write_with
from ..twin.results import Run
from .discharge import COLOURS
from .style import PAGE, style

if TYPE_CHECKING:
    from ..twin.electrochemistry.fields import Snapshot

SCREEN = 120
"""Dots per inch of an animation; that of print would be tens of MB."""


def animate(run: Run, snapshots: Sequence["Snapshot"], path: str | os.PathLike[str], *, frames: int = 5) -> Path:
    """Write an animation (GIF): a slice of the stoichiometry through the middle next to the voltage.

    Parameters
    ----------
    run : Run
    snapshots : sequence of Snapshot
        Of the same run.
    path : path
        .gif
    frames : int
        Per second.

    Raises
    ------
    OutputError
        Another ending, no snapshots, a place that cannot be written.
    """
    from matplotlib.animation import FuncAnimation, PillowWriter

    if Path(path).suffix.lower() != ".gif":
        msg = "has no ending of an animation; write to a .gif file"
        raise OutputError(msg, source=os.fspath(path))
    if not snapshots or not len(run.depth):
        msg = "an animation needs snapshots of a structure; give --fields step-ends"
        raise OutputError(msg, source=os.fspath(path))
    slices = [snapshot.stoichiometry[:, :, snapshot.stoichiometry.shape[2] // 2].T for snapshot in snapshots]
    low, high = np.nanmin(np.array(slices)), np.nanmax(np.array(slices))
    with style():
        figure = Figure(figsize=(PAGE, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(2, 1))
        depth = 1e6 * float(run.depth[-1] + run.depth[0])
        width = depth * slices[0].shape[0] / slices[0].shape[1]
        left.set_facecolor("0.85")
        picture = left.imshow(
            slices[0], origin="lower", extent=(0.0, depth, 0.0, width), vmin=low, vmax=high, cmap="viridis",
            interpolation="nearest",
        )  # fmt: skip
        left.set_xlabel("Distance from the membrane, µm")
        left.set_ylabel("Across, µm")
        figure.colorbar(picture, ax=left, label="Stoichiometry", location="top", fraction=0.08)
        right.plot(run.time / 3600.0, run.voltage, color="0.7")
        (point,) = right.plot([], [], "o", color=COLOURS[1])
        right.set_xlabel("Time, h")
        right.set_ylabel("Voltage, V")

        # laid out once: the first drawings differ by a pixel, which flickers
        for _ in range(2):
            figure.draw_without_rendering()
        figure.set_layout_engine("none")

        def show(number: int) -> list[Any]:
            picture.set_data(slices[number])
            point.set_data([snapshots[number].time / 3600.0], [snapshots[number].voltage])
            return [picture, point]

        film = FuncAnimation(figure, show, frames=len(slices), blit=False)
        return write_with(path, lambda target: film.save(target, writer=PillowWriter(fps=frames), dpi=SCREEN))
