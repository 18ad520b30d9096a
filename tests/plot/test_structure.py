"""Pictures of a structure: safe colours, slices in um, a 3D view that needs no screen."""

import builtins
import itertools
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.offsetbox import TextArea
from matplotlib.text import Text
from PIL import Image

from solidstack.errors import OutputError, StructureError
from solidstack.plot.structure import draw_slice, phase_colours, render, slices
from solidstack.twin.structure.voxels import Phase, Structure

from ..test_plot import assert_nothing_is_cut, texts

PHASES = {
    "pore": Phase(0, "pore"),
    "NCM622": Phase(1, "active-material"),
    "SPE": Phase(2, "solid-electrolyte"),
    "carbon black": Phase(3, "conductive-additive"),
}


@pytest.fixture
def sphere() -> Structure:
    """A coated sphere and a lump of carbon, 10 x 12 x 14 um."""
    x, y, z = np.ogrid[:20, :24, :28]
    radius = np.sqrt((x - 9.5) ** 2 + (y - 11.5) ** 2 + (z - 13.5) ** 2)
    labels = np.select([radius < 7, radius < 9], [1, 2], 0).astype(np.uint8)
    labels[:3, :4, :5] = 3
    return Structure(labels, PHASES, (0.5e-6, 0.5e-6, 0.5e-6))


def colour_counts(pixels: np.ndarray) -> dict[str, int]:
    """How many pixels are nearest in hue to the phase colours (shades of them included)."""
    values = pixels.reshape(-1, 3).astype(float)
    return {
        "blue": int(((values[:, 2] > 1.4 * values[:, 0]) & (values[:, 2] > 60)).sum()),
        "orange": int(((values[:, 0] > 1.4 * values[:, 2]) & (values[:, 0] > 60)).sum()),
    }


def test_colours_differ_in_grey_and_none_is_given_twice() -> None:
    main = phase_colours(Structure(np.zeros((1, 1, 1)), PHASES, (1e-6,) * 3))
    grey = sorted(np.array([0.2126, 0.7152, 0.0722]) @ to_rgb(colour) for colour in main.values())
    assert min(later - sooner for sooner, later in itertools.pairwise(grey)) > 0.15
    assert max(grey) == pytest.approx(np.array([0.2126, 0.7152, 0.0722]) @ to_rgb(main["pore"]))
    many = Structure(np.arange(256).reshape(8, 8, 4), {"NCM622": Phase(255, "active-material")}, (1e-6,) * 3)
    colours = phase_colours(many)
    assert len(set(colours.values())) == 256
    assert colours["NCM622"] == main["NCM622"]


def test_a_slice_shows_the_labels_where_they_are(sphere: Structure) -> None:
    figure = Figure()
    for axis, axes in enumerate(figure.subplots(1, 3)):
        draw_slice(axes, sphere, axis, 1)
        (image,) = axes.images
        right, up = (other for other in range(3) if other != axis)
        assert image.get_extent() == pytest.approx((0, sphere.size[right] * 1e6, 0, sphere.size[up] * 1e6))
        pixels = np.asarray(image.get_array())
        black = np.round(255 * np.array(to_rgb(phase_colours(sphere)["carbon black"])))
        inside = np.s_[: (3, 4, 5)[up], : (3, 4, 5)[right]]
        assert (pixels[inside] == black).all()
        assert (pixels == black).all(axis=-1).sum() == pixels[inside][..., 0].size
        assert axes.get_title() == f"{'xyz'[axis]} = 0.75 µm"


def test_slices_carry_legend_and_scale_bar_and_nothing_is_cut(sphere: Structure) -> None:
    figure = slices(sphere, at=(3, 12, 14))
    assert_nothing_is_cut(figure)
    found = texts(figure)
    share = 100 * sphere.fraction("NCM622")
    assert f"NCM622, {share:.3g} vol%" in found
    assert "x = 1.75 µm" in found
    bars = [text.get_text() for text in figure.findobj(TextArea) if text.get_text().endswith("µm")]
    assert bars == ["2 µm"] * 3


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 30, 30), (30, 1, 30), (200, 3, 3), (4, 90, 5)])
def test_thin_volumes_can_be_drawn(shape) -> None:
    labels = np.random.default_rng(0).integers(0, 3, shape, np.uint8)
    figure = slices(Structure(labels, PHASES, (1e-7, 1e-7, 1e-7)))
    assert_nothing_is_cut(figure)
    assert len(figure.axes) == 3


def test_a_dollar_in_a_name_is_a_dollar(sphere: Structure) -> None:
    phases = {("a$b$" if name == "SPE" else name): phase for name, phase in PHASES.items()}
    figure = slices(sphere.changed(phases=phases))
    legend = [text for text in figure.findobj(Text) if text.get_text().startswith("a$b$")]
    assert legend
    assert not legend[0].get_parse_math()


def test_a_slice_outside_is_refused(sphere: Structure) -> None:
    with pytest.raises(StructureError) as told:
        draw_slice(Figure().subplots(), sphere, 1, 24)
    assert str(told.value) == "there is no slice 24 along y; the structure has 0 to 23"


def test_the_view_shows_phases_and_cuts_a_corner(sphere: Structure, tmp_path: Path, capfd) -> None:
    pytest.importorskip("pyvista", reason="a 3D picture needs pyvista")
    whole = np.asarray(Image.open(render(sphere, tmp_path / "whole.png", cut=False)).convert("RGB"))
    inside = np.asarray(Image.open(render(sphere, tmp_path / "cut.png")).convert("RGB"))
    assert capfd.readouterr() == ("", "")  # vtk is silent where there is no screen
    # the shell hides the core until the corner is cut (the legend's patch is blue in both)
    assert colour_counts(inside)["blue"] > colour_counts(whole)["blue"] + 10_000
    assert colour_counts(whole)["orange"] > 50_000
    assert inside.shape[1] > 1000


def test_the_view_of_one_phase_leaves_the_others_out(sphere: Structure, tmp_path: Path) -> None:
    pytest.importorskip("pyvista", reason="a 3D picture needs pyvista")
    pixels = np.asarray(Image.open(render(sphere, tmp_path / "core.png", phases=["NCM622"])).convert("RGB"))
    counts = colour_counts(pixels)
    assert counts["blue"] > 20_000
    assert counts["orange"] == 0


def test_what_cannot_be_viewed_is_told(sphere: Structure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StructureError) as told:
        render(Structure(np.zeros((2, 2, 2)), PHASES, (1e-6,) * 3), tmp_path / "a.png")
    assert str(told.value) == "has no voxel of NCM622, SPE, carbon black; there is nothing to draw"
    with pytest.raises(OutputError) as wrong:
        render(sphere, tmp_path / "a.jpg")
    assert str(wrong.value).endswith("a.jpg: has no known ending for a figure; use .png, .svg, .pdf")

    real = builtins.__import__

    def missing(name: str, *arguments: object, **more: object) -> object:
        if name == "pyvista":
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(StructureError) as told:
        render(sphere, tmp_path / "a.png")
    assert str(told.value) == 'a 3D picture needs pyvista; install it with: pip install "solidstack[view]"'
    assert not list(tmp_path.iterdir())
    assert mpl.rcParams["text.parse_math"]  # the look of figures stays theirs
