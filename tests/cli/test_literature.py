"""`solidstack literature` end to end."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from solidstack import literature

from ..test_literature import written

Run = Callable[..., Any]
ROOT = Path(__file__).resolve().parent.parent.parent


def test_list(run: Run) -> None:
    result = run("literature", "list")
    assert (result.code, result.err) == (0, "")
    for cell in literature.load():
        assert cell.key in result.out
        assert cell.doi in result.out
    assert " cells, 3 with a specific energy over positive coating and membrane" in result.out
    assert run("literature").out == result.out


def test_list_as_json(run: Run) -> None:
    result = run("literature", "list", "--json", "--library-voltage")
    rows = json.loads(result.out)
    assert len(rows) == len(literature.load())
    own = next(row for row in rows if row["key"] == "nat-commun-2024")
    assert own["am_wt_pct"] == pytest.approx(93.0)
    assert own["coating_loading_mg_cm2"] == pytest.approx(19.09)
    assert own["stated_specific_energy_Wh_kg"] == pytest.approx(203.0)
    assert own["normalised"]["specific_energy_Wh_kg"] == pytest.approx(1e3 * 3.32 * 3.81 / (19.09 + 14.76), rel=1e-6)
    assert own["negative"] == "Li metal, 40 um"
    for row in rows:
        for key, value in row.items():
            if key.endswith(("_pct", "_cm2", "_g", "_V", "_um", "_C", "_MPa", "_kg")):
                assert (value is None) == (key not in row["origins"]), (row["key"], key)
        assert row["normalised"]["specific_energy_Wh_kg"] is not None or row["normalised"]["missing"]
        assert row["source"]["read_at"]


@pytest.mark.parametrize(
    ("sort", "value"),
    [
        ("year", lambda row: row["year"]),
        ("share", lambda row: row["am_wt_pct"]),
        ("loading", lambda row: row["coating_loading_mg_cm2"]),
        ("active-loading", lambda row: row["active_loading_mg_cm2"]),
        ("capacity", lambda row: row["areal_capacity_mAh_cm2"]),
        ("energy", lambda row: row["normalised"]["specific_energy_Wh_kg"]),
    ],
)
def test_sorting_puts_gaps_first_and_the_largest_last(run: Run, sort: str, value: Callable[[Any], Any]) -> None:
    rows = json.loads(run("literature", "list", "--json", "--sort", sort).out)
    values = [-math.inf if value(row) is None else value(row) for row in rows]
    assert values == sorted(values)
    assert values[-1] > 0


def test_sorting_by_key(run: Run) -> None:
    keys = [row["key"] for row in json.loads(run("literature", "list", "--json", "--sort", "key").out)]
    assert keys == sorted(keys)


def test_family(run: Run) -> None:
    rows = json.loads(run("literature", "list", "--json", "--family", "halide").out)
    assert rows
    assert {row["family"] for row in rows} == {"halide"}
    wrong = run("literature", "list", "--family", "sulphide")
    assert wrong.code == 2
    assert "'sulphide' is not one of 'sulfide'" in wrong.err


def test_membrane_fills_the_gap_only(run: Run) -> None:
    before = {row["key"]: row for row in json.loads(run("literature", "list", "--json", "--library-voltage").out)}
    after = json.loads(run("literature", "list", "--json", "--library-voltage", "--membrane", "30 um").out)
    gained = []
    for row in after:
        old = before[row["key"]]["normalised"]["specific_energy_Wh_kg"]
        new = row["normalised"]["specific_energy_Wh_kg"]
        assert old is None or new == old
        if old is None and new is not None:
            gained.append(row["key"])
    assert all(
        "membrane_loading_mg_cm2" in before[key] and before[key]["membrane_loading_mg_cm2"] is None for key in gained
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30", 'error: --membrane: "30" has no unit; write for example "30 um"'),
        ("30 mg", 'error: --membrane: "30 mg" is a mass; expected a length'),
        ("-3 um", 'error: --membrane: "-3 um" is out of bounds; it must be above 0 um and at most 10 mm'),
    ],
)
def test_membrane_that_is_none(run: Run, text: str, message: str) -> None:
    result = run("literature", "list", "--membrane", text)
    assert result.code == 2
    assert message in result.err
    assert "Traceback" not in result.err


def test_show(run: Run) -> None:
    result = run("literature", "show", "lee-2020", "--basis", "with-electrodes")
    assert result.code == 0
    assert "https://doi.org/10.1038/s41560-020-0575-z" in result.out
    assert "average voltage" in result.out
    assert (
        "over both electrodes with collectors, and membrane: no specific energy, because the mass of the positive "
        "collector per area is not stated and does not follow from what is; the mass of the negative "
        "electrode per area is not stated"
    ) in result.out
    data = json.loads(run("literature", "show", "lee-2020", "--json").out)
    assert data["origins"]["average_voltage_V"]["origin"] == "stated"
    wrong = run("literature", "show", "lee-2021")
    assert (
        wrong.code,
        wrong.err.startswith('error: there is no published cell "lee-2021"; did you mean "lee-202'),
    ) == (
        2,
        True,
    )


def test_plot(run: Run, tmp_path: Path) -> None:
    measured = tmp_path / "measured.csv"
    measured.write_text("name,active share (wt%),loading (mg/cm^2),areal capacity (mAh/cm^2)\nA-17,88,15,2.6\n")
    place = tmp_path / "literature.png"
    design = ROOT / "examples" / "pouch-0.16Ah.toml"
    result = run("literature", "plot", design, "--measured", measured, "--library-voltage", "-o", place)
    assert result.code == 0
    assert place.read_bytes()[:4] == b"\x89PNG"
    names = ("active_share", "coating_loading")
    drawn = len([cell for cell in literature.load() if all(literature.find(cell, name) for name in names)])
    assert result.out == f"{drawn} published cells, 1 designs, 1 measured cells: {place}\n"
    assert "have no active-material share or loading" in result.err


def test_plot_bad_input(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "literature.gif"
    result = run("literature", "plot", "-o", place)
    assert (result.code, result.err) == (
        2,
        f"error: {place}: has no known ending for a figure; use .png, .svg, .pdf\n",
    )
    missing = run("literature", "plot", tmp_path / "none.toml", "-o", tmp_path / "a.png")
    assert missing.code == 2
    assert "there is no such file; check the path" in missing.err
    assert not (tmp_path / "a.png").exists()
    table = run("literature", "plot", "--measured", tmp_path / "none.csv", "-o", tmp_path / "a.png")
    assert table.code == 2
    assert "there is no such file; check the path" in table.err


def test_add(run: Run, tmp_path: Path) -> None:
    result = run("literature", "add", written(tmp_path, name="mine.toml"))
    assert result.code == 0
    assert result.out == f"1 cell added: {literature.user_folder() / 'mine.toml'}\n  own-2026: A row of the test\n"
    assert "(your own)" in run("literature", "list").out
    again = run("literature", "add", written(tmp_path, name="mine.toml"))
    assert again.out.startswith("1 cell replaced: ")
    shadow = run("literature", "add", written(tmp_path, ("own-2026", "lee-2020"), name="other.toml"))
    assert shadow.err == "warning: lee-2020 replaces the shipped cell of that key\n"
    wrong = run("literature", "add", written(tmp_path, ('"10.1000/own"', '"own"'), name="wrong.toml"))
    assert (wrong.code, wrong.out) == (2, "")
    assert 'wrong.toml: line 3: cell.0.doi: "own" is not a DOI; write it as' in wrong.err


@pytest.mark.parametrize("command", [(), ("list",), ("show",), ("plot",), ("add",)])
def test_help_has_an_example(run: Run, command: tuple[str, ...]) -> None:
    result = run("literature", *command, "--help")
    assert result.code == 0
    assert "Example" in result.out
    assert "solidstack literature" in result.out
