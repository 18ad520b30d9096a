from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import solidstack as ss
from solidstack.errors import DesignError, OutputError
from solidstack.maps import KINDS, kind_of, save


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
    assert grid["positive.loading"].values == pytest.approx([10, 20, 30, 40])
    assert grid["positive.loading"].attrs["units"] == "mg/cm^2"
    for i, membrane in enumerate([20e-6, 50e-6, 80e-6]):
        for j, loading in enumerate([0.1, 0.2, 0.3, 0.4]):
            sheet = ss.evaluate(design.with_(positive__loading=loading, membrane__thickness=membrane))
            for name in ("cell.specific_energy_Wh_kg", "positive.ir_drop_mV", "cell.thickness_mm"):
                group, key = name.split(".")
                assert float(grid[name][i, j]) == pytest.approx(sheet.to_dict()[group][key], rel=1e-12)


def test_axes_of_shares_counts_logs_and_defaults(design: ss.Design) -> None:
    grid = ss.map(
        design, x="positive.composition.NCM622=80:96 wt%:5", y="positive.ionic_conductivity=0.1 mS/cm:10 mS/cm:3:log"
    )
    assert grid["positive.composition.NCM622"].values == pytest.approx([80, 84, 88, 92, 96])
    assert grid["positive.ionic_conductivity"].values == pytest.approx([0.1, 1.0, 10.0])
    assert np.unique(grid["positive.am_wt_pct"].values.round(9)) == pytest.approx([80, 84, 88, 92, 96])
    grid = ss.map(design, x="stack.bilayers=1:4:31", y=("temperature", np.array([300.0, 320.0])))
    assert grid["stack.bilayers"].values.tolist() == [1, 2, 3, 4]
    assert grid["temperature"].values == pytest.approx([26.85, 46.85])
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
    np.testing.assert_allclose(by_thickness["cell.mass_g"], by_density["cell.mass_g"])
    np.testing.assert_allclose(by_thickness["positive.porosity_pct"], by_density["positive.porosity_pct"])


def test_infinite_is_missing(design: ss.Design) -> None:
    grid = ss.map(design, kind="porosity")
    for name in grid.data_vars:
        assert not np.isinf(grid[name].values).any(), name


def test_designs_that_cannot_exist_are_missing(design: ss.Design) -> None:
    grid = ss.map(design, kind="porosity")
    cannot = grid["porosity_or_less"].values < 0
    assert 0.05 < cannot.mean() < 0.7
    for name in ("cell.mass_g", "positive.porosity_pct", "positive.am_wt_pct", "regime.density"):
        np.testing.assert_array_equal(np.isnan(grid[name].values), cannot)


def test_thresholds_of_the_porosity_map(design: ss.Design) -> None:
    """Where the balance and percolation distances change sign is where the closed forms say."""
    grid = ss.map(design, kind="porosity")
    sheet = ss.evaluate(design)
    row = grid["thresholds.composition_distance_wt_pct_points"].isel({"positive.density": 0}).values
    at = np.interp(0.0, row, grid["positive.composition.NCM622"].values)
    assert at == pytest.approx(100 * sheet.thresholds.balance_am_mass_fraction)
    column = grid.sel({"positive.composition.NCM622": 93.0}, method="nearest")
    own = float(column["thresholds.percolation_density_g_cm3"].mean())
    percolated = column["regime.density"].values > 0
    assert grid["positive.density"].values[percolated].min() == pytest.approx(own, abs=0.05)


@pytest.mark.parametrize(
    ("x", "y", "kind", "message"),
    [
        (None, None, None, "a map needs two keys, x and y, or a kind"),
        (None, None, "porsity", '"porsity" is no kind of map; did you mean "porosity"? Known are porosity, ir-drop, '),
        ("positive.loading", "positive.loading", None, "positive.loading: is on both axes; take two different keys"),
        (
            "positive.lodaing",
            "temperature",
            None,
            'positive.lodaing: is no number of a design; did you mean "positive.loading"',
        ),
        (
            "positive.loading=10 um:20 um:5",
            "temperature",
            None,
            'positive.loading: "10 um" is a length; wanted is an areal mass, for example "21 mg/cm^2"',
        ),
        (
            "positive.loading=20:10 mg/cm^2:5",
            "temperature",
            None,
            'positive.loading: "20 mg/cm^2" to "10 mg/cm^2": the first value must be below the second',
        ),
        ("positive.loading=1:2 mg/cm^2:1", "temperature", None, "positive.loading: 1 points; 2 to 10000 make an axis"),
        ("positive.loading=1 mg/cm^2", "temperature", None, "is not an axis; write KEY=LOW:HIGH:N"),
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
            "4000000 points; a map has at most",
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
            "positive.loading: is given 'abc'; an axis is a row of numbers",
        ),
        (
            "negative.composition.Si=1 wt%:2 wt%:3",
            "temperature",
            None,
            "there is no negative.composition in this design",
        ),
        ("densities", "temperature", None, "densities: is no number of a design"),
        ("stack.positive_size", "temperature", None, "stack.positive_size: is no number of a design"),
        ("negative.n_p_ratio", "temperature", None, "negative.n_p_ratio: has no value in the design; give a range"),
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
        assert back["cell.mass_g"].attrs["units"] == "g"
        assert back.attrs["fingerprint"] == design.fingerprint()
    save(grid, tmp_path / "map.csv")
    lines = (tmp_path / "map.csv").read_text(encoding="utf-8").splitlines()
    assert "positive.loading [mg/cm^2]" in lines[0]
    assert "cell.mass_g [g]" in lines[0]
    assert len(lines) == 1 + grid.sizes["stack.bilayers"] * grid.sizes["positive.loading"]
    with pytest.raises(OutputError, match="has no known ending for a map"):
        save(grid, tmp_path / "map.xls")


def test_kind_of_every_number() -> None:
    assert kind_of(("positive", "loading")).name == "areal mass"
    assert kind_of(("pouch", "tabs", "width")).name == "length"
    assert kind_of(("negative", "n_p_ratio")).name == "ratio"
