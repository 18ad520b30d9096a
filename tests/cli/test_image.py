"""`solidstack image` end to end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from solidstack.twin.structure.formats import read

from ..twin.structure.test_image import phantom, truth

Run = Callable[..., Any]


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A grey stack with noise."""
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, phantom(12.0, 0.0).values)
    return path


def test_segment_then_analyse(run: Run, stack: Path, tmp_path: Path) -> None:
    target = tmp_path / "electrode.zarr"
    options = ("--denoise", "median", "--phases", "pore, binder, NCM622", "--voxel", "0.4 um")
    result = run("image", "segment", stack, "-o", target, *options)
    assert result.code == 0, result.err
    assert result.out.endswith(f"{target}\n")
    assert "NCM622: 50" in result.out
    assert result.err == ""
    assert np.mean(read(target).labels == truth()) > 0.95
    folder = tmp_path / "report"
    result = run("image", "analyse", target, "-o", folder, "--json")
    data = json.loads(result.out)
    assert {"phases", "porosity_pct", "connected_pct", "profiles", "representative_volume"} <= set(data)
    assert data["porosity_pct"] == pytest.approx(100 * np.mean(truth() == 0), abs=2)
    assert data["voxel_um"] == [0.4, 0.4, 0.4]
    assert data["segmentation"]["method"] == "multi-otsu"
    names = ["analysis.json", "profile-x.csv", "profile-y.csv", "profile-z.csv", "profiles.png"]
    assert sorted(item.name for item in folder.iterdir()) == [*names, "representative-volume.png", "slices.png"]
    assert json.loads((folder / "analysis.json").read_text()) == data
    assert len((folder / "profile-x.csv").read_text().splitlines()) == 65


def test_thresholds_crop_and_resample(run: Run, stack: Path, tmp_path: Path) -> None:
    options = ("--threshold", "85", "--threshold", "150", "--crop", "0:32, :, 4:", "--resample", "2 um", "--json")
    result = run("image", "segment", stack, "-o", tmp_path / "a.npz", *options)
    data = json.loads(result.out)
    assert data["shape"] == [16, 30, 26]
    assert data["segmentation"]["thresholds"] == [85.0, 150.0]
    assert data["porosity_pct"] is None
    assert result.err.startswith("warning: the voxel size is not known; 1 um is assumed")


def test_analyse_shows_a_table(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", truth())
    result = run("image", "analyse", tmp_path / "a.npy", "--phases", "0=pore, 1=PVDF, 2=NCM622", "--voxel", "0.4 um")
    assert result.code == 0
    assert "64 x 60 x 56 voxels of 0.4 x 0.4 x 0.4 um, 25.6 x 24 x 22.4 um" in result.out
    assert "active-material" in result.out
    assert "porosity 3" in result.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("-o", "a.jpg"),
            "a.jpg: has an unsupported ending for a structure; choose from .zarr, .npz, .tif, .tiff, .vti, .npy, .stl",
        ),
        (("-o", "a.npz", "--crop", "1:2"), '{}: --crop "1:2" is not three ranges of voxels, as in "10:200, :, 0:512"'),
        (("-o", "a.npz", "--crop", "1:2,:,0:99"), "{}: range 0:99 along z is not within 0:56, or is empty"),
        (
            ("-o", "a.npz", "--classes", "2", "--threshold", "80"),
            "{}: --classes and --threshold exclude each other: the thresholds set the number of classes",
        ),
        (("-o", "a.npz", "--threshold", "300"), "{}: thresholds 300 leave a class empty: grey values range over "),
        (("-o", "a.npz", "--voxel", "0.4"), '{}: "0.4" has no unit; write for example "0.4 um"'),
        (("-o", "a.npz", "--phases", "pore, pore"), '{}: phase "pore" appears twice; a name stands for one label'),
    ],
)
def test_bad_input(
    run: Run, stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("image", "segment", stack, *arguments)
    assert result.code == 2
    assert result.err.startswith("error: " + words.format(stack))
    assert sorted(item.name for item in tmp_path.iterdir()) == ["stack.tif"]


def test_a_grey_stack_is_not_analysed(run: Run, stack: Path) -> None:
    result = run("image", "analyse", stack)
    assert result.code == 2
    assert "it is a grey image, not labels. Segment it first" in result.err
