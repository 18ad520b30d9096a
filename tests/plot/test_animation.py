"""The film of a charge or discharge."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from solidstack.errors import OutputError
from solidstack.plot import animation as figures
from solidstack.twin.electrochemistry.fields import Snapshot

from ..runs import made


def snapshots() -> list[Snapshot]:
    field = np.full((4, 3, 3), 0.5, np.float32)
    field[0] = np.nan
    return [Snapshot(t, 4.0 - t / 1e4, field + np.float32(t / 1e4), field, field) for t in (0.0, 1000.0, 2000.0)]


def test_animation(tmp_path: Path) -> None:
    path = figures.animate(made(), snapshots(), tmp_path / "film.gif")
    with Image.open(path) as film:
        assert film.n_frames == 3  # type: ignore[attr-defined]
        frames = []
        for number in range(3):
            film.seek(number)
            frames.append(np.asarray(film.convert("RGB")))
    slices = [frame[:, : frame.shape[1] // 2] for frame in frames]  # the curve, which has a point that moves, is right
    # by more than the colours of a film, which differ a little between frames
    assert (np.abs(slices[0].astype(int) - slices[2].astype(int)).max(axis=2) > 60).mean() > 0.1
    assert [entry.name for entry in tmp_path.iterdir()] == ["film.gif"]


def test_animations_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"write to a \.gif file"):
        figures.animate(made(), snapshots(), tmp_path / "film.mp4")
    with pytest.raises(OutputError, match="needs snapshots"):
        figures.animate(made(), [], tmp_path / "film.gif")
    with pytest.raises(OutputError, match="needs snapshots"):
        figures.animate(dataclasses.replace(made(), depth=np.zeros(0)), snapshots(), tmp_path / "film.gif")
