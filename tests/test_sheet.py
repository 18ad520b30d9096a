import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import solidstack as ss
from solidstack.electrode import Simulated
from solidstack.sheet import GROUPS

INTERFACE = {
    "thresholds": {
        "balance_am_wt_pct",
        "percolation_density_g_cm3",
        "percolation_porosity_pct",
        "loading_threshold_mg_cm2",
        "loading_threshold_thickness_um",
        "regime",
    },
    "positive": {
        "dense_density_g_cm3",
        "density_g_cm3",
        "porosity_pct",
        "thickness_um",
        "am_wt_pct",
        "am_vol_pct",
        "areal_capacity_mAh_cm2",
        "ionic_asr_ohm_cm2",
        "ir_drop_mV",
    },
    "electrode_energy_Wh_kg": {
        "positive_only",
        "with_negative",
        "with_negative_and_membrane",
        "positive_and_membrane",
    },
    "cell": {
        "capacity_Ah",
        "energy_Wh",
        "average_voltage_V",
        "mass_g",
        "specific_energy_Wh_kg",
        "volume_cm3",
        "energy_density_Wh_L",
        "outline_volume_cm3",
        "outline_energy_density_Wh_L",
        "thickness_mm",
        "charged_thickness_mm",
        "charged_energy_density_Wh_L",
        "am_mass_fraction_pct",
        "cost_per_kWh",
    },
}


def test_json_has_the_names_of_the_interface(sheet: ss.Sheet) -> None:
    data = json.loads(sheet.to_json())
    assert {"design", "version", "warnings", "mass_breakdown_g"} <= set(data)
    for group, names in INTERFACE.items():
        assert names <= set(data[group]), group
    assert data["thresholds"]["regime"] == {"composition": "am-rich", "density": "percolated", "loading": "above"}
    assert sum(data["mass_breakdown_g"].values()) == pytest.approx(data["cell"]["mass_g"], rel=1e-12)


def test_json_is_the_sheet_in_the_units_of_its_keys(sheet: ss.Sheet) -> None:
    data = sheet.to_dict()
    assert data["positive"]["density_g_cm3"] == pytest.approx(sheet.positive.density / 1e3)
    assert data["positive"]["ionic_asr_ohm_cm2"] == pytest.approx(sheet.positive.ionic_asr * 1e4)
    assert data["cell"]["energy_density_Wh_L"] == pytest.approx(sheet.cell.energy_density / 3.6e6)
    assert data["cell"]["cost_per_kWh"] == pytest.approx(
        sum(sheet.cost_breakdown.values()) / (sheet.cell.energy / 3.6e6)
    )
    assert data["cell"]["thickness_mm"] == pytest.approx(sheet.cell.thickness * 1e3)


def test_undefined_numbers_are_null(design: ss.Design) -> None:
    text = ss.evaluate(design.with_(positive__density=2000.0)).to_json()
    data = json.loads(text)
    assert data["positive"]["ionic_asr_ohm_cm2"] is None
    assert data["positive"]["ir_drop_mV"] is None
    assert data["thresholds"]["loading_threshold_mg_cm2"] == 0.0
    assert data["thresholds"]["regime"]["density"] == "not-percolated"
    assert "NaN" not in text
    assert "Infinity" not in text


def test_unknown_price_gives_no_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, design: ss.Design) -> None:
    source = Path(ss.library().source("SPE")).read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_text(source.split("[[price]]")[0].replace('"SPE"', '"own"', 1), encoding="utf-8")
    text = (tmp_path / "own.toml").read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_text("\n".join(line for line in text.splitlines() if "aliases" not in line))
    monkeypatch.setenv("SOLIDSTACK_MATERIALS", str(tmp_path))
    own = ss.load("examples/pouch-0.16Ah.toml").with_material("SPE", "own")
    sheet = ss.evaluate(own)
    assert sheet.to_dict()["cell"]["cost_per_kWh"] is None
    assert any(text.startswith("no cost: the price of own is unknown") for text in sheet.warnings)
    assert ss.evaluate(own.with_(prices={"own": 50.0})).to_dict()["cell"]["cost_per_kWh"] > 0


def test_a_given_price_replaces_the_materials(design: ss.Design) -> None:
    sheet = ss.evaluate(design.with_(prices={"SPE": "0 USD/kg", "Al": 1e3}))
    assert sheet.cost_breakdown.get("membrane", 0.0) == 0.0
    assert sheet.cost_breakdown["positive collector"] == pytest.approx(1e3 * sheet.mass_breakdown["positive collector"])


def test_arrays_go_to_json_as_lists(design: ss.Design) -> None:
    data = json.loads(ss.evaluate(design.with_(positive__loading=np.array([0.1, 0.3]))).to_json())
    assert len(data["cell"]["mass_g"]) == 2
    assert data["thresholds"]["regime"]["loading"] == ["below", "above"]
    assert isinstance(data["positive"]["porosity_pct"], float)


def test_a_path_is_no_design() -> None:
    with pytest.raises(TypeError, match=r"read a design file with solidstack\.load"):
        ss.evaluate("examples/pouch-0.16Ah.toml")


def test_every_figure_has_its_own_key(design: ss.Design) -> None:
    simulated = Simulated(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
    sheet = ss.evaluate(design, effective_conductivity=0.004, simulated=simulated)
    keys = [(figure.group, figure.key) for figure in sheet.figures()]
    assert len(keys) == len(set(keys))
    assert {group for group, _ in keys} == set(GROUPS)


def test_materials_used_name_value_quality_and_source(sheet: ss.Sheet) -> None:
    used = sheet.materials_used()
    assert set(used) == {"NCM622", "SPE", "carbon black", "Li", "Al", "Ni", "PP"}
    assert used["SPE"]["density"]["value"] == "1.8 g/cm^3"
    assert used["SPE"]["density"]["quality"] == "measured"
    assert "s41467-024-50075-9" in used["SPE"]["density"]["source"]


def test_values_that_the_design_gives_are_said_to_be_given(design: ss.Design) -> None:
    used = ss.evaluate(design.with_(densities={"SPE": 1300.0}, prices={"Li": 90.0})).materials_used()
    assert used["SPE"]["density"] == {"value": "1.3 g/cm^3", "quality": "given", "source": "the design"}
    assert used["Li"]["price"]["value"] == "90 USD/kg"
    assert used["NCM622"]["specific_capacity"] == {"value": "187 mAh/g", "quality": "given", "source": "the design"}
    assert used["NCM622"]["density"]["quality"] == "measured"


def test_notebook_display(sheet: ss.Sheet, design: ss.Design) -> None:
    page = sheet._repr_html_()
    for words in ("am-rich, percolated, loading above", "Specific energy", "204", "Wh kg⁻¹", "loading threshold 18.5"):
        assert words in page, words
    assert "(2,)" in ss.evaluate(design.with_(positive__loading=np.array([0.1, 0.2])))._repr_html_()


def test_twin_replaces_the_conductivity_and_nothing_else(design: ss.Design) -> None:
    sheet = ss.evaluate(design)
    assert sheet.twin is None
    same = ss.evaluate(design, effective_conductivity=sheet.positive.effective_conductivity).twin
    assert same is not None
    assert_allclose(same.ionic_asr, sheet.positive.ionic_asr, rtol=1e-12)
    assert_allclose(same.ir_drop, sheet.positive.ir_drop, rtol=1e-12)
    assert_allclose(same.loading_threshold, sheet.thresholds.loading_threshold, rtol=1e-12)
    assert abs(float(same.conductivity_deviation)) < 1e-12
    quarter = ss.evaluate(design, effective_conductivity=0.25 * sheet.positive.effective_conductivity).twin
    assert quarter is not None
    assert_allclose(quarter.ionic_asr, 4.0 * sheet.positive.ionic_asr, rtol=1e-12)
    assert_allclose(quarter.loading_threshold, 0.5 * sheet.thresholds.loading_threshold, rtol=1e-12)
    assert_allclose(quarter.conductivity_deviation, -0.75, rtol=1e-12)


def test_twin_that_does_not_conduct_has_no_resistance_to_show(design: ss.Design) -> None:
    data = ss.evaluate(design, effective_conductivity=0.0).to_dict()["twin"]
    assert data["ionic_asr_ohm_cm2"] is None
    assert data["loading_threshold_mg_cm2"] == 0.0
    assert data["conductivity_deviation_pct"] == -100.0


def test_a_sheet_prints_as_a_short_table(sheet: ss.Sheet, design: ss.Design) -> None:
    lines = str(sheet).splitlines()
    assert str(sheet) == repr(sheet)
    assert len(lines) < 25
    assert max(map(len, lines)) <= 80
    assert lines[0] == f'Sheet of "{design.name}"'
    rows = {line[:44].strip(): line[44:].strip() for line in lines[1:]}
    assert rows["Regime"] == "am-rich, percolated, loading above"
    assert rows["Cell: specific energy"] == "204 Wh kg⁻¹"
    assert rows["Positive: ionic resistance"] == "66.43 Ω cm²"
    assert rows["Warnings"] == "1, see .warnings"


def test_a_sheet_of_arrays_prints_its_shape_and_ranges(design: ss.Design) -> None:
    density = np.array([[2500.0], [3500.0]])  # below and above percolation
    text = str(ss.evaluate(design.with_(positive__density=density, stack__bilayers=np.array([1, 2, 4]))))
    rows = dict(line.strip().split("  ", 1) for line in text.splitlines()[1:])
    assert text.splitlines()[0] == f'Sheet of "{design.name}": array of designs, shape (2, 3)'
    assert len(text.splitlines()) < 26
    assert "Regime" not in rows
    assert rows["Positive: density"].strip() == "2.5 to 3.5 g cm⁻³"
    assert rows["Positive: ionic resistance"].strip() == "66.43 Ω cm²"  # infinite without an ionic path
    assert rows["Positive: loading, one side"].strip() == "19.09 mg cm⁻²"


def test_a_sheet_with_twin_and_simulation_is_still_short(design: ss.Design) -> None:
    simulated = Simulated(1.0, 2.0, 3600.0, 4.0, 5.0, 6.0, 7.0, 8.0)
    text = str(ss.evaluate(design, effective_conductivity=0.004, simulated=simulated))
    assert len(text.splitlines()) < 26
    rows = {label: value.strip() for label, value in (line.strip().split("  ", 1) for line in text.splitlines()[1:])}
    assert rows["Digital twin: effective ionic conductivity"] == "0.04 mS cm⁻¹"
    assert rows["Simulated: capacity at the rated current"] == "1 mAh g⁻¹"
