"""`solidstack densify` end to end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
EXAMPLE = "examples/pouch-0.16Ah.toml"
POINTS = """method;pressure (MPa);thickness (µm)
rolls;0;104
rolls;100;90
rolls;300;83,3
isostatic;0;104
isostatic;250;78
isostatic;550;70
cast;0;104
"""


def test_published_processes(run: Run) -> None:
    result = run("densify", EXAMPLE)
    assert result.code == 0
    assert "94:4:2 NCM622/SPE/carbon, 25 mg/cm^2" in result.out
    rows = {line.split()[0]: line.split() for line in result.out.splitlines()[1:4]}
    assert [row[-2] for row in rows.values()] == ["no", "no", "yes"]
    assert rows["warm-isostatic-pressed"] == ["warm-isostatic-pressed", *"1 – – 18.0 3.52 26.0 yes –".split()]
    data = json.loads(run("densify", EXAMPLE, "--json").out)
    assert data["percolation_porosity_pct"] == pytest.approx(25.95, abs=5e-3)
    assert data["percolation_density_g_cm3"] == pytest.approx(0.74048 * data["dense_density_g_cm3"], rel=1e-5)
    assert [row["passes"] for row in data["processes"]] == [False, False, True]
    assert all(row["pressure_needed_MPa"] is None for row in data["processes"])


def test_own_data_with_the_loading_of_the_design(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text(POINTS, encoding="utf-8")
    arguments = ("densify", EXAMPLE, "--data", path, "--set", "positive.loading=25 mg/cm^2")
    result = run(*arguments)
    assert result.code == 0
    assert "(outside the data)" in result.out
    assert "published" not in result.out
    data = json.loads(run(*arguments, "--json").out)
    rolls, isostatic, cast = data["processes"]
    # 25 mg/cm2 in 70 um of 4.289 g/cm3 dense
    assert isostatic["porosity_pct"] == pytest.approx(100 * (1 - 25e-3 / 70e-4 / data["dense_density_g_cm3"]))
    assert (rolls["passes"], isostatic["passes"], cast["passes"]) == (False, True, False)
    assert (rolls["within_data"], isostatic["within_data"], cast["within_data"]) == (False, True, None)
    assert 250 < isostatic["pressure_needed_MPa"] < 300
    assert isostatic["k_per_MPa"]["low"] < isostatic["k_per_MPa"]["value"] < isostatic["k_per_MPa"]["high"]
    assert cast["k_per_MPa"] is None


def test_bad_data(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("method,pressure,porosity (%)\nrolls,100,30\nrolls,300,40\n", encoding="utf-8")
    result = run("densify", EXAMPLE, "--data", path)
    assert result.code == 2
    assert result.err == (
        f"error: {path}: rolls: Heckel's k must be above 0 and A finite, because porosity falls with pressure; "
        "received k = -1.44e-09 1/Pa and A = 1.35. Check the pressures and porosities\n"
    )
    missing = run("densify", EXAMPLE, "--data", tmp_path / "none.csv")
    assert missing.code == 2
    assert missing.err == f"error: {tmp_path / 'none.csv'}: there is no such file; check the path\n"
