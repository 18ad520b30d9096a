"""Size tables of every form give the percentiles and means of the distribution they were written from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from solidstack.errors import MeasurementError
from solidstack.measure.particle_size import ParticleSize, analyse
from solidstack.plot.solids import draw_particle_size
from solidstack.twin.structure.packing import read_size_table

Floats = NDArray[np.float64]

MEDIAN, WIDTH = 5e-6, 0.45
"""Log-normal by volume: median, m, and standard deviation of the logarithm."""
EDGES = MEDIAN * np.exp(np.linspace(-5.0, 5.0, 121) * WIDTH)
BELOW = ndtr(np.log(EDGES / MEDIAN) / WIDTH)
CLASS = 1e-3
"""Relative: of what even classes leave of means and percentiles."""


def write(path: Path, header: str, *columns: Any, mark: str = ",", comma: bool = False, above: str = "") -> Path:
    lines = [mark.join(f"{value:.8g}" for value in row) for row in zip(*columns, strict=True)]
    text = "\n".join([header, *(line.replace(".", ",") if comma else line for line in lines), ""])
    path.write_text(above + text, encoding="utf-8")
    return path


def right(result: ParticleSize) -> None:
    """The numbers of the log-normal distribution in closed form."""
    for share in (10, 50, 90):
        expected = MEDIAN * np.exp(WIDTH * ndtri(share / 100.0))
        value = result.values[f"d{share}"]
        assert value.value == pytest.approx(expected, rel=CLASS)
        assert value.low <= expected <= value.high
    for name, power in (("d43", 0.5), ("d32", -0.5)):
        value = result.values[name]
        assert value.value == pytest.approx(MEDIAN * np.exp(power * WIDTH**2), rel=CLASS)
        assert value.low < value.value < value.high
    span = 2.0 * np.sinh(WIDTH * ndtri(0.9))
    assert result.values["span"].value == pytest.approx(span, rel=CLASS)
    assert result.values["specific_surface"].value == pytest.approx(6.0 / (MEDIAN * np.exp(-0.5 * WIDTH**2)), rel=CLASS)
    assert result.values["log_normal_median"].value == pytest.approx(MEDIAN, rel=CLASS)
    assert result.values["log_normal_deviation"].value == pytest.approx(np.exp(WIDTH), rel=CLASS)
    assert result.warnings == ()


def test_cumulative_under_size(tmp_path: Path) -> None:
    right(analyse(write(tmp_path / "a.csv", "Size (um),Cumulative undersize (%)", 1e6 * EDGES, 100.0 * BELOW)))


def test_fractions_in_nanometres_over_size(tmp_path: Path) -> None:
    right(analyse(write(tmp_path / "a.csv", "Diameter (nm),Oversize (-)", 1e9 * EDGES, 1.0 - BELOW)))


def test_the_case_of_q_tells_cumulative_from_density(tmp_path: Path) -> None:
    """Sympatec's columns: x0 is the upper edge of a class and xm its middle."""
    middle = np.sqrt(EDGES[1:] * EDGES[:-1])
    density = np.diff(BELOW) / np.diff(np.log10(EDGES))
    path = write(
        tmp_path / "s.txt", "x0/µm;Q3/%;xm/µm;q3lg", 1e6 * EDGES[1:], 100.0 * BELOW[1:], 1e6 * middle, density,
        mark=";", comma=True, above="HELOS\nsample;NCM\n",
    )  # fmt: skip
    result = analyse(path)
    right(result)
    assert result.window["columns"] == "x0/µm, Q3/%"
    only = analyse(write(tmp_path / "q.txt", "xm/µm;q3lg", 1e6 * middle, density, mark=";", comma=True))
    right(only)


def test_density_over_the_diameter(tmp_path: Path) -> None:
    """q3 in 1/um: its integral over the diameter is 1."""
    x = np.geomspace(EDGES[0], EDGES[-1], 2001)
    density = np.exp(-0.5 * (np.log(x / MEDIAN) / WIDTH) ** 2) / (WIDTH * np.sqrt(2.0 * np.pi) * 1e6 * x)
    right(analyse(write(tmp_path / "a.csv", "x (um),q3 (1/um)", 1e6 * x, density)))


def test_channels_with_their_edges_and_with_their_middles(tmp_path: Path) -> None:
    share = 100.0 * np.diff(BELOW)
    path = write(
        tmp_path / "m.csv", "Lower size (µm),Upper size (µm),Volume In %", 1e6 * EDGES[:-1], 1e6 * EDGES[1:], share
    )
    right(analyse(path))
    middle = np.sqrt(EDGES[1:] * EDGES[:-1])
    right(analyse(write(tmp_path / "h.txt", "Mean diameter(um)\tq(%)", 1e6 * middle, share, mark="\t")))
    right(analyse(write(tmp_path / "n.csv", "Middle (µm),Volume Density (%)", 1e6 * middle, share)))


@pytest.mark.parametrize("edges", [False, True])
def test_sizes_that_may_be_edges_of_their_channels_are_told(tmp_path: Path, edges: bool) -> None:
    """Without the last edge nothing tells: the sizes are as much too small as is said."""
    size = EDGES[:-1] if edges else np.sqrt(EDGES[1:] * EDGES[:-1])
    result = analyse(write(tmp_path / "m.csv", "Size (µm),% Volume In", 1e6 * size, 100.0 * np.diff(BELOW)))
    (told,) = result.warnings
    assert told.startswith("the sizes are taken as the midpoints of their channels: if they are lower edges")
    larger = 1.0 + 0.01 * float(told.split("all sizes are ")[1].split(" %")[0])
    assert larger == pytest.approx(np.sqrt(EDGES[1] / EDGES[0]), rel=1e-3)
    assert result.values["d50"].value * (larger if edges else 1.0) == pytest.approx(MEDIAN, rel=2e-3)


def test_one_diameter_more_than_channels_makes_them_edges(tmp_path: Path) -> None:
    lines = [f"{1e6 * size:.8g},{share:.8g}" for size, share in zip(EDGES, 100.0 * np.diff(BELOW), strict=False)]
    path = tmp_path / "e.csv"
    path.write_text("\n".join(["Size (µm),Volume In %", *lines, f"{1e6 * EDGES[-1]:.8g},", ""]), encoding="utf-8")
    right(analyse(path))


def test_damaged_files_are_refused_or_read_and_nothing_else(tmp_path: Path) -> None:
    text = write(tmp_path / "a.csv", "Size (um),Cumulative (%)", 1e6 * EDGES, 100.0 * BELOW).read_text()
    random, path, read = np.random.default_rng(0), tmp_path / "b.csv", 0
    refused = []
    for _ in range(150):
        letters = list(text)
        for at in random.integers(0, len(letters), random.integers(1, 6)):
            letters[at] = random.choice([*"0123456789.,-e\n;x", "1e300", "", "nan"])
        path.write_text("".join(letters[: random.integers(1, 3 * len(letters))]), encoding="utf-8")
        try:
            read += analyse(path).values["d50"].value > 0.0
        except MeasurementError as error:
            refused.append(str(error))
    assert read > 10
    assert all(str(path) in words for words in refused)


def test_the_twin_reads_the_same_median(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Size (um),Cumulative (%)", 1e6 * EDGES, 100.0 * BELOW)
    assert analyse(path).values["d50"].value == pytest.approx(read_size_table(path).d50, rel=1e-6)


def test_falling_diameters_and_repeated_rows(tmp_path: Path) -> None:
    size, below = np.repeat(1e6 * EDGES[::-1], 2), np.repeat(100.0 * BELOW[::-1], 2)
    result = analyse(write(tmp_path / "a.csv", "Size (um),Cumulative (%)", size, below))
    assert result.values["d50"].value == pytest.approx(MEDIAN, rel=CLASS)
    assert result.warnings == (f"{len(EDGES)} repeated rows left out",)


def test_even_over_the_logarithm_by_hand(tmp_path: Path) -> None:
    """All volume in one class of 1 to e um: D50 is sqrt(e), D[4,3] e - 1, D[3,2] 1/(1 - 1/e)."""
    path = tmp_path / "a.csv"
    path.write_text(f"size (um),cumulative (%)\n0.5,0\n1,0\n{np.e!r},100\n8,100\n", encoding="utf-8")
    values = analyse(path).values
    assert values["d50"].value == pytest.approx(np.sqrt(np.e) * 1e-6, rel=1e-9)
    assert (values["d50"].low, values["d50"].high) == (pytest.approx(1e-6), pytest.approx(np.e * 1e-6))
    assert values["d43"].value == pytest.approx((np.e - 1.0) * 1e-6, rel=1e-9)
    assert values["d32"].value == pytest.approx(1e-6 / (1.0 - 1.0 / np.e), rel=1e-9)
    assert values["specific_surface"].value == pytest.approx(6.0 / values["d32"].value, rel=1e-12)


def test_two_powders_are_said(tmp_path: Path) -> None:
    both = 0.6 * ndtr(np.log(EDGES / 8e-6) / 0.3) + 0.4 * ndtr(np.log(EDGES / 1.5e-6) / 0.3)
    both = (both - both[0]) / (both[-1] - both[0])
    result = analyse(write(tmp_path / "a.csv", "Size (um),Cumulative (%)", 1e6 * EDGES, 100.0 * both))
    assert any("the distribution is not log-normal" in text for text in result.warnings)
    assert any("the distribution has 2 modes, at 1." in text for text in result.warnings)
    assert result.values["log_normal_distance"].value > 0.05


@pytest.mark.monte_carlo
def test_fit_with_noise_holds_the_median(tmp_path: Path) -> None:
    """Of 200 tables with scatter in the channels, most intervals of the fit hold the median."""
    from solidstack.measure.particle_size.values import _log_normal

    random = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        share = np.diff(BELOW) + 2e-4 * random.normal(size=EDGES.size - 1)
        total = np.concatenate([[0.0], np.cumsum(share)])
        values: dict[str, Any] = {}
        _log_normal(EDGES, total / total[-1], values, [])
        found = values["log_normal_median"]
        hits += found.low <= MEDIAN <= found.high
    assert 0.92 <= hits / 200 <= 0.985


def test_what_is_off_by_little_is_scaled_and_said(tmp_path: Path) -> None:
    share = 97.0 * np.diff(BELOW)
    middle = 1e6 * np.sqrt(EDGES[1:] * EDGES[:-1])
    result = analyse(write(tmp_path / "a.csv", "middle (um),volume (%)", middle, share))
    assert result.warnings == ("volume in the channels adds up to 97 %; scaled to 100 %",)
    assert result.values["d50"].value == pytest.approx(MEDIAN, rel=CLASS)
    cut = MEDIAN * np.exp(2.0 * WIDTH) > EDGES
    result = analyse(write(tmp_path / "b.csv", "size (um),passing (%)", 1e6 * EDGES[cut], 100.0 * BELOW[cut]))
    assert result.warnings[0].startswith("cumulative volume ends at 97.2")


def test_size_without_unit_is_said(tmp_path: Path) -> None:
    result = analyse(write(tmp_path / "a.csv", "size,cumulative (%)", 1e6 * EDGES, 100.0 * BELOW))
    assert result.warnings == ('column "size" has no unit; um is assumed. Write for example "size (um)"',)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("size (um),cumulative (%)\n1,0\n2,60\n4,40\n8,100\n",
         r"line 4: cumulative volume falls from 60 to 40 at 4 um, but should only rise with the diameter"),
        ("size (um),cumulative (%)\n1,0\n2,30\n4,60\n8,80\n",
         "cumulative volume ends at 80 % and not at 100 %; export the whole range"),
        ("size (um),volume (%)\n1,10\n2,30\n4,20\n8,10\n",
         r"volume in the channels \(\"volume \(%\)\"\) adds up to 70 and not to 100 %"),
        ("size (um),volume (%)\n1,10\n2,-30\n4,120\n8,0\n", "line 3: volume .%.: -30 is negative"),
        ("size (um),volume (%)\n1,10\n2,50\n2,40\n8,0\n", "line 4: diameter 2 um occurs twice with different volume"),
        ("size (um),number (%)\n1,10\n2,50\n4,40\n", 'column "number .%." is by number; a powder is described by vol'),
        ("size (m),volume (%)\n1,10\n2,50\n4,40\n", r"line 2: size \(m\): 1e\+06 um is not a particle diameter"),
        ("size (kg),volume (%)\n1,10\n2,50\n4,40\n", r"line 2: size \(kg\): .* is a mass"),
        ("a,b\n1,10\n2,50\n4,40\n", 'has no column of diameters; it has "a", "b"'),
        ("size (um),volume (%)\n1,50\n2,50\n", "has 2 diameters; a distribution needs 3 or more"),
        ("size (um),volume (%)\n1,50\n2,n/a\n4,50\n", 'line 3: volume .%.: "n/a" is not a number'),
        ("size (um),volume (%)\n1,0\n2,0\n4,0\n", "adds up to 0 and not to 100 %"),
        ("nothing\n", "has no row with 2 numbers"),
    ],
)  # fmt: skip
def test_bad_tables(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MeasurementError, match=words) as error:
        analyse(path)
    assert str(path) in str(error.value)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match="there is no such file; check the path"):
        analyse(tmp_path / "none.csv")


def test_material_and_figure(tmp_path: Path) -> None:
    result = analyse(write(tmp_path / "a.csv", "Size (um),Cumulative (%)", 1e6 * EDGES, 100.0 * BELOW))
    (entry,) = result.properties()
    assert entry.name == "particle_diameter"
    assert entry.entry == {"value": "5 um"}
    assert result.to_dict()["d50_um"]["value"] == pytest.approx(5.0, rel=1e-6)
    assert result.records[0].sha256
    axes, other = draw_particle_size(result).axes
    assert axes.get_xlabel() == "Diameter, µm"
    assert other.get_ylabel() == "Cumulative volume, %"
