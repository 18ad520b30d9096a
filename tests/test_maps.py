from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import solidstack as ss
from solidstack import units
from solidstack.axes import kind_of
from solidstack.electrode import Simulated
from solidstack.errors import DesignError, OutputError
from solidstack.maps import KINDS, save, shown, variable


@pytest.mark.parametrize("kind", KINDS)
def test_the_named_maps_hold_the_whole_sheet(design: ss.Design, kind: str) -> None:
    grid = ss.map(design, kind=kind)
    assert KINDS[kind].figure in grid
    assert grid.attrs["fingerprint"] == design.fingerprint()
    assert ss.Design.from_toml(grid.attrs["design"]) == design
    for name in grid.variables:
        assert "units" in grid[name].attrs, name
    for key in ("x", "y"):
        assert (np.diff(grid[grid.attrs[key]].values) > 0).all()


def test_a_map_is_evaluate_on_a_grid(design: ss.Design) -> None:
    grid = ss.map(design, x="positive.loading=10 mg/cm^2:40 mg/cm^2:4", y="membrane.thickness=20:80 um:3")
    assert grid["positive.loading"].values == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert grid["positive.loading"].attrs["units"] == "kg/m^2"
    assert shown(grid["positive.loading"]) == pytest.approx([10, 20, 30, 40])
    assert grid["positive.loading"].attrs["shown_units"] == "mg/cm^2"
    for i, membrane in enumerate([20e-6, 50e-6, 80e-6]):
        for j, loading in enumerate([0.1, 0.2, 0.3, 0.4]):
            sheet = ss.evaluate(design.with_(positive__loading=loading, membrane__thickness=membrane))
            for name in ("cell.specific_energy", "positive.ir_drop", "cell.thickness", "sheet.positive.loading"):
                group, attribute = name.removeprefix("sheet.").split(".")
                value = getattr(getattr(sheet, group), attribute)
                assert float(grid[name][i, j]) == pytest.approx(value, rel=1e-12)
                group, key = grid[name].attrs["key"].split(".")
                assert float(shown(grid[name])[i, j]) == pytest.approx(sheet.to_dict()[group][key], rel=1e-12)


def test_axes_of_shares_counts_logs_and_defaults(design: ss.Design) -> None:
    grid = ss.map(
        design, x="positive.composition.NCM622=80:96 wt%:5", y="positive.ionic_conductivity=0.1 mS/cm:10 mS/cm:3:log"
    )
    assert grid["positive.composition.NCM622"].values == pytest.approx([0.80, 0.84, 0.88, 0.92, 0.96])
    assert grid["positive.ionic_conductivity"].values == pytest.approx([0.01, 0.1, 1.0])
    assert shown(grid["positive.ionic_conductivity"]) == pytest.approx([0.1, 1.0, 10.0])
    fractions = np.unique(grid["positive.am_mass_fraction"].values.round(9))
    assert fractions == pytest.approx([0.80, 0.84, 0.88, 0.92, 0.96])
    grid = ss.map(design, x="stack.bilayers=1:4:31", y=("temperature", np.array([300.0, 320.0])))
    assert grid["stack.bilayers"].values.tolist() == [1, 2, 3, 4]
    assert grid["temperature"].values == pytest.approx([300.0, 320.0])
    assert shown(grid["temperature"]) == pytest.approx([26.85, 46.85])
    grid = ss.map(design, x="rating.c_rate", y="membrane.thickness")
    assert grid["rating.c_rate"].values[[0, -1]] == pytest.approx([0.25, 1.0])


def test_a_key_may_be_an_axis_and_a_number_of_the_sheet(design: ss.Design) -> None:
    grid = ss.map(
        design.with_(negative__kind="graphite"), x="negative.n_p_ratio=0.8:1.4:4", y="negative.porosity=1 %:30 %:3"
    )
    assert grid["negative.n_p_ratio"].values == pytest.approx([0.8, 1.0, 1.2, 1.4])


def test_a_design_given_by_thickness_is_mapped_at_its_density(design: ss.Design) -> None:
    own = ss.evaluate(design).positive
    by_thickness = ss.map(design.with_(positive__thickness=own.thickness), kind="stack")
    by_density = ss.map(design, kind="stack")
    np.testing.assert_allclose(by_thickness["cell.mass"], by_density["cell.mass"])
    np.testing.assert_allclose(by_thickness["positive.porosity"], by_density["positive.porosity"])


def test_infinite_is_missing(design: ss.Design) -> None:
    grid = ss.map(design, kind="porosity")
    for name in grid.data_vars:
        assert not np.isinf(grid[name].values).any(), name


def test_designs_that_cannot_exist_are_missing(design: ss.Design) -> None:
    grid = ss.map(design, kind="porosity")
    cannot = grid["porosity_or_less"].values < 0
    assert 0.05 < cannot.mean() < 0.7
    for name in ("cell.mass", "positive.porosity", "positive.am_mass_fraction", "regime.density"):
        np.testing.assert_array_equal(np.isnan(grid[name].values), cannot)


def test_thresholds_of_the_porosity_map(design: ss.Design) -> None:
    """Where the balance and percolation distances change sign is where the closed forms say."""
    grid = ss.map(design, kind="porosity")
    sheet = ss.evaluate(design)
    row = grid["thresholds.composition_distance"].isel({"positive.density": 0}).values
    at = np.interp(0.0, row, grid["positive.composition.NCM622"].values)
    assert at == pytest.approx(sheet.thresholds.balance_am_mass_fraction)
    column = grid.sel({"positive.composition.NCM622": 0.93}, method="nearest")
    own = float(column["thresholds.percolation_density"].mean())
    percolated = column["regime.density"].values > 0
    assert grid["positive.density"].values[percolated].min() == pytest.approx(own, abs=50.0)


@pytest.mark.parametrize(
    ("x", "y", "kind", "message"),
    [
        (None, None, None, "a map needs two keys, x and y, or a kind"),
        (
            None,
            None,
            "porsity",
            '"porsity" is not a kind of map; did you mean "porosity"? Choose from porosity, ir-drop, ',
        ),
        ("positive.loading", "positive.loading", None, "positive.loading: is on both axes; use two different keys"),
        (
            "positive.lodaing",
            "temperature",
            None,
            'positive.lodaing: is not a number of a design; did you mean "positive.loading"',
        ),
        (
            "positive.loading=10 um:20 um:5",
            "temperature",
            None,
            'positive.loading: "10 um" is a length; expected an areal mass, for example "21 mg/cm^2"',
        ),
        (
            "positive.loading=20:10 mg/cm^2:5",
            "temperature",
            None,
            'positive.loading: "20 mg/cm^2" to "10 mg/cm^2": the first value must be below the second',
        ),
        (
            "positive.loading=1:2 mg/cm^2:1",
            "temperature",
            None,
            "positive.loading: an axis must have 2 to 10000 points, not 1",
        ),
        (
            "positive.loading=1 mg/cm^2",
            "temperature",
            None,
            'positive.loading: "1 mg/cm^2" is not a range; write LO:HI:N',
        ),
        ("=1:2:3", "temperature", None, '"=1:2:3" is not an axis; write KEY=LO:HI:N, as in "positive.loading='),
        (
            "positive.loading=2:2 mg/cm^2:5",
            "temperature",
            None,
            'positive.loading: "2:2 mg/cm^2:5" starts and ends at the same value; write LO:HI:N with LO below HI',
        ),
        (
            "positive.composition.NCM622=80:99 wt%:5",
            "temperature",
            None,
            "positive.composition.NCM622: goes up to 99 wt%, but the components that stay leave 98 wt%",
        ),
        (
            "positive.loading=1:2 mg/cm^2:2000",
            "temperature=20 degC:30 degC:2000",
            None,
            "a map has at most 1000000 points, not 4000000",
        ),
        (
            "positive.density=2:4 g/cm^3:5",
            "positive.porosity=1 %:30 %:4",
            None,
            "positive.porosity: contradicts positive.density",
        ),
        (
            ("positive.loading", "abc"),
            "temperature",
            None,
            "positive.loading: 'abc' is not an axis; expected a row of numbers in SI (kg/m^2)",
        ),
        (
            "negative.composition.Si=1 wt%:2 wt%:3",
            "temperature",
            None,
            "there is no negative.composition in this design",
        ),
        ("densities", "temperature", None, "densities: is not a number of a design"),
        ("stack.positive_size", "temperature", None, "stack.positive_size: is not a number of a design"),
        ("negative.n_p_ratio", "temperature", None, "negative.n_p_ratio: has no value in the design; write a range"),
    ],
)
def test_wrong_axes_are_told(design: ss.Design, x: str | None, y: str | None, kind: str | None, message: str) -> None:
    with pytest.raises(DesignError) as error:
        ss.map(design, x, y, kind=kind)
    assert message in str(error.value)


def test_an_array_of_designs_has_no_map(design: ss.Design) -> None:
    with pytest.raises(DesignError, match="a map starts from a single design"):
        ss.map(design.with_(positive__loading=np.array([0.1, 0.2])), kind="porosity")


def test_save_as_netcdf_and_table(design: ss.Design, tmp_path: Path) -> None:
    grid = ss.map(design, kind="stack")
    save(grid, tmp_path / "map.nc")
    with xr.open_dataset(tmp_path / "map.nc", engine="scipy") as back:
        xr.testing.assert_equal(back.load(), grid)
        assert back["cell.mass"].attrs["units"] == "kg"
        assert back.attrs["fingerprint"] == design.fingerprint()
    save(grid, tmp_path / "map.csv")
    lines = (tmp_path / "map.csv").read_text(encoding="utf-8").splitlines()
    assert "positive.loading [mg/cm^2]" in lines[0]
    assert "cell.mass_g [g]" in lines[0]
    assert len(lines) == 1 + grid.sizes["stack.bilayers"] * grid.sizes["positive.loading"]
    with pytest.raises(OutputError, match=r"has no known ending for a map; use \.nc or \.csv"):
        save(grid, tmp_path / "map.xls")


def test_a_variable_goes_by_its_name_or_its_key(design: ss.Design) -> None:
    grid = ss.map(design, x="positive.porosity=1 %:30 %:3", y="temperature=20 degC:30 degC:2")
    assert variable(grid, "cell.mass") == variable(grid, "cell.mass_g") == "cell.mass"
    # an axis has the name of a number of the sheet
    assert variable(grid, "positive.porosity") == variable(grid, "positive.porosity_pct") == "sheet.positive.porosity"
    with pytest.raises(DesignError) as error:
        variable(grid, "cell.mas_g")
    assert str(error.value).startswith('"cell.mas_g" is not a number of the sheet; did you mean "cell.mass_g"')


def test_a_table_is_in_the_units_shown(design: ss.Design, tmp_path: Path) -> None:
    grid = ss.map(design, x="positive.porosity=1 %:30 %:3", y="temperature=20 degC:30 degC:2")
    save(grid, tmp_path / "map.csv")
    table = pd.read_csv(tmp_path / "map.csv")
    assert sorted(set(table["temperature [degC]"].round(9))) == [20.0, 30.0]
    assert table["positive.porosity_pct [%]"].to_numpy() == pytest.approx(table["positive.porosity [%]"].to_numpy())
    mass = grid["cell.mass"].to_series().reset_index(drop=True)
    assert table["cell.mass_g [g]"].to_numpy() == pytest.approx(1e3 * mass.to_numpy())


def test_every_number_is_in_the_si_unit_that_it_names(design: ss.Design) -> None:
    """Pint converts from the unit shown to the one in ``units`` by the factor that we use."""
    sheet = ss.evaluate(
        design, effective_conductivity=0.004, simulated=Simulated(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
    )
    for unit in {figure.unit for figure in sheet.figures()}:
        assert units.unit_named(unit.symbol) == unit
        if unit.symbol.endswith("%"):  # which pint does not know
            assert (units.si_symbol(unit), unit.factor, unit.offset) == ("", 0.01, 0.0)
            continue
        factor, offset = units._conversion(unit.symbol, units.si_symbol(unit))
        assert (factor, offset) == pytest.approx((unit.factor, unit.offset), rel=1e-14), unit


def test_kind_of_every_number() -> None:
    assert kind_of(("positive", "loading")).name == "areal mass"
    assert kind_of(("pouch", "tabs", "width")).name == "length"
    assert kind_of(("negative", "n_p_ratio")).name == "ratio"
