"""Figures say what they show, in units, and nothing of them is cut off."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

import solidstack as ss
from solidstack import plot
from solidstack.errors import OutputError
from solidstack.maps import KINDS
from solidstack.plot.breakdown import colours
from solidstack.plot.section import layers

NEGATIVES = [
    {"kind": "lithium-foil", "thickness": 40e-6},
    {"kind": "lithium-on-collector", "thickness": 20e-6},
    {"kind": "graphite"},
    {"kind": "silicon"},
    {"kind": "anode-free"},
]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


def assert_nothing_is_cut(figure: Figure) -> None:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    # ticks outside the limits exist but are not drawn
    ticks = {
        id(label)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        for label in (tick.label1, tick.label2)
    }
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text() and id(text) not in ticks:
            box = text.get_window_extent(renderer)
            assert box.x0 >= -1, text.get_text()
            assert box.y0 >= -1, text.get_text()
            assert box.x1 <= figure.bbox.x1 + 1, text.get_text()
            assert box.y1 <= figure.bbox.y1 + 1, text.get_text()


@pytest.mark.parametrize("kind", KINDS)
def test_maps_carry_labels_units_thresholds_and_the_design(design: ss.Design, kind: str) -> None:
    figure = plot.draw_maps([ss.map(design, kind=kind)], [design])
    assert_nothing_is_cut(figure)
    found = texts(figure)
    assert "this design" in found
    assert "loading threshold" in found
    assert any(unit in text for text in found for unit in ("mg cm⁻²", "g cm⁻³"))
    if kind == "porosity":
        assert {"balance threshold", "percolation threshold", "denser than dense"} <= set(found)
        assert "AM-rich\npercolated" in found


def test_the_drawn_thresholds_are_the_computed_ones(design: ss.Design) -> None:
    """The black line of the IR-drop map passes through loading = threshold at every conductivity."""
    figure = plot.draw_maps([ss.map(design, kind="ir-drop")], [design])
    panel = figure.axes[0]
    lines = [c for c in panel.collections if c.get_linewidth()[0] == pytest.approx(1.4)]
    (path,) = [path for line in lines for path in line.get_paths() if len(path.vertices)]
    for loading, conductivity in path.vertices[::12]:
        own = ss.evaluate(design.with_(positive__ionic_conductivity=float(conductivity) * 0.1)).thresholds
        assert 100 * own.loading_threshold == pytest.approx(loading, rel=0.02)


def test_four_electrolytes_side_by_side(design: ss.Design) -> None:
    designs = [design.with_material("SPE", name) for name in ("SPE", "Li6PS5Cl", "Li3InCl6", "LLZO")]
    maps = [ss.map(each, kind="porosity") for each in designs]
    figure = plot.draw_maps(maps, designs, ["SPE", "Li6PS5Cl", "Li3InCl6", "LLZO"])
    assert_nothing_is_cut(figure)
    assert {"(a) SPE", "(b) Li6PS5Cl", "(c) Li3InCl6", "(d) LLZO"} <= set(texts(figure))


def test_map_of_a_constant_and_of_nothing_possible(design: ss.Design) -> None:
    grid = ss.map(design, x="membrane.thickness", y="stack.bilayers=1:5:5")
    grid.attrs["figure"] = "positive.porosity"
    assert_nothing_is_cut(plot.draw_maps([grid], [design]))
    grid = ss.map(design, x="positive.density=5 g/cm^3:6 g/cm^3:5", y="membrane.thickness")
    assert_nothing_is_cut(plot.draw_maps([grid], [design]))


def test_map_without_an_ionic_path(design: ss.Design) -> None:
    """Below percolation the IR drop is nowhere defined: hatched, without a colour bar."""
    loose = design.with_(positive__density=2000.0)
    figure = plot.draw_maps([ss.map(loose, kind="ir-drop")], [loose])
    assert_nothing_is_cut(figure)
    assert "no ionic path" in texts(figure)
    assert len(figure.axes) == 1


def test_names_are_not_mathematics(design: ss.Design) -> None:
    named = design.with_(name="a $x_{ cell")
    grid = ss.map(named, x="membrane.thickness", y="temperature=20 degC:60 degC:5")
    assert "a $x_{ cell" in texts(plot.draw_maps([grid], [named]))
    assert_nothing_is_cut(plot.draw_maps([grid], [named]))


@pytest.mark.parametrize("negative", NEGATIVES, ids=lambda table: str(table["kind"]))
def test_section_is_the_stack(design: ss.Design, negative: dict[str, object]) -> None:
    sheet = ss.evaluate(design.with_(negative=negative, stack__bilayers=3))
    stack = layers(sheet)
    thickness = sum(layer[1] for layer in stack) + 2 * design.pouch.laminate.thickness
    assert thickness == pytest.approx(sheet.cell.thickness, rel=1e-12)
    names = [layer[0] for layer in stack]
    assert names.count("membrane") == 6
    assert names.count("positive") == 6
    assert names == names[::-1]
    figure = plot.draw_section(sheet)
    assert_nothing_is_cut(figure)
    assert any("membrane, 82 µm" in text for text in texts(figure))


def test_section_of_a_bipolar_stack(design: ss.Design) -> None:
    foil = {"material": "Ni", "thickness": 1e-5}
    sheet = ss.evaluate(design.with_(stack__series_cells=3, stack__bipolar_foil=foil))
    stack = layers(sheet)
    thickness = sum(layer[1] for layer in stack) + 2 * design.pouch.laminate.thickness
    assert thickness == pytest.approx(sheet.cell.thickness, rel=1e-12)
    assert [layer[0] for layer in stack].count("bipolar foil") == 8
    assert_nothing_is_cut(plot.draw_section(sheet))


def test_labels_of_a_long_unit_do_not_overlap(design: ss.Design) -> None:
    foil = {"material": "Ni", "thickness": 1e-5}
    changes = {"negative": {"kind": "graphite"}, "stack__series_cells": 4, "stack__bipolar_foil": foil}
    figure = plot.draw_section(ss.evaluate(design.with_(**changes)))
    assert_nothing_is_cut(figure)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = sorted(
        (text.get_window_extent(canvas.get_renderer()) for text in figure.axes[1].texts), key=lambda box: box.y0
    )
    assert len(boxes) == 17
    assert all(lower.y1 <= upper.y0 + 1 for lower, upper in itertools.pairwise(boxes))


def test_section_of_a_thick_stack(design: ss.Design) -> None:
    assert_nothing_is_cut(plot.draw_section(ss.evaluate(design.with_(stack__bilayers=40))))


@pytest.mark.parametrize("negative", NEGATIVES, ids=lambda table: str(table["kind"]))
def test_breakdown_names_all_components(design: ss.Design, negative: dict[str, object]) -> None:
    sheet = ss.evaluate(design.with_(negative=negative))
    figure = plot.draw_breakdown(sheet)
    assert_nothing_is_cut(figure)
    assert set(sheet.mass_breakdown) | set(sheet.volume_breakdown) <= set(texts(figure))
    used = [colour for name, colour in colours(sheet).items() if name in sheet.mass_breakdown]
    assert len(used) == len(set(used))


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_figure_repeats_to_the_byte(sheet: ss.Sheet, tmp_path: Path, suffix: str) -> None:
    first, second = (plot.save(plot.draw_breakdown(sheet), tmp_path / f"{n}{suffix}").read_bytes() for n in "ab")
    assert first == second
    if suffix == ".png":
        with Image.open(tmp_path / f"a{suffix}") as image:
            assert image.width > 1500
            assert np.asarray(image.convert("L")).std() > 20


def test_unknown_ending(sheet: ss.Sheet, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="has no known ending for a figure; use .png, .svg, .pdf"):
        plot.save(plot.draw_breakdown(sheet), tmp_path / "a.bmp")
