"""Electrode, cell and pouch: worked numbers by hand, an independent recomputation, scaling, conservation."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import solidstack as ss
from solidstack.electrode import loading_threshold, pair_thresholds
from solidstack.errors import DesignError
from solidstack.particle import CLOSE_PACKING

MAH_CM2, WH_KG, G = 36000.0, 3600.0, 1e-3
EXAMPLE = ss.load("examples/pouch-0.16Ah.toml")


def base(**changes: Any) -> ss.Design:
    return EXAMPLE.with_(**changes)


# ---- worked numbers ------------------------------------------------------------------------------------------


def test_worked_example(sheet: ss.Sheet) -> None:
    """Areal capacity, capacity, mass and specific energy of the published 0.16 Ah cell."""
    assert sheet.positive.areal_capacity / MAH_CM2 == pytest.approx(3.32, abs=0.005)
    assert sheet.cell.capacity / 3600 == pytest.approx(0.156, abs=0.0005)
    assert sheet.cell.mass / G == pytest.approx(2.92, rel=0.015)
    assert sheet.cell.specific_energy / WH_KG == pytest.approx(203, rel=0.015)


def test_worked_example_package_is_geometry(sheet: ss.Sheet) -> None:
    """Laminate 2 x 39.0 x 50.5 mm x 203 g/m2; an Al and a Ni tab of 5 x 20 x 0.1 mm; four films of 9 x 7 x 0.1 mm."""
    mass = sheet.mass_breakdown
    assert mass["laminate"] / G == pytest.approx(2 * 3.90 * 5.05 * 20.3e-3)
    assert mass["tabs"] / G == pytest.approx(0.01 * (2.70 + 8.9))
    assert mass["tab sealant"] / G == pytest.approx(4 * 0.9 * 0.7 * 0.01 * 0.905)


def test_loading_threshold_of_the_reference() -> None:
    """1 mS/cm, 0.5C, 100 mV, balance threshold, 3.0 g/cm3: 22.2 mg/cm2 and 73.9 um (published: about 21 and 73)."""
    pair = pair_thresholds(4760.0, 1800.0)
    design = base(
        positive__composition={"NCM622": pair.balance_am_mass_fraction, "SPE": 1 - pair.balance_am_mass_fraction},
        positive__density=3000.0,
        positive__ionic_conductivity=0.1,
    )
    found = ss.evaluate(design).thresholds
    assert found.loading_threshold * 100 == pytest.approx(22.2, abs=0.05)
    assert found.loading_threshold_thickness * 1e6 == pytest.approx(73.9, abs=0.05)
    assert found.regime.composition == "balanced"
    assert found.regime.density == "percolated"
    assert 0.9 < 21 / (found.loading_threshold * 100) < 1.0


def test_ir_drop_reaches_its_limit_at_the_loading_threshold() -> None:
    sheet = ss.evaluate(EXAMPLE)
    at = ss.evaluate(base(positive__loading=sheet.thresholds.loading_threshold))
    assert at.positive.ir_drop == pytest.approx(0.1, rel=1e-12)
    assert at.thresholds.loading_distance == pytest.approx(0.0, abs=1e-15)


def test_published_densification_passes_the_threshold_only_when_pressed_warm() -> None:
    """94:4:2 at 25 mg/cm2: 104 um as cast, 83.3 um rolled, 70 um pressed; only the last percolates."""
    shares = {"NCM622": 0.94, "SPE": 0.04, "carbon black": 0.02}
    thickness = np.array([104.0, 83.3, 70.0]) * 1e-6
    sheet = ss.evaluate(base(positive__composition=shares, positive__loading=0.25, positive__thickness=thickness))
    assert list(sheet.thresholds.regime.density) == ["not-percolated", "not-percolated", "percolated"]
    assert np.isinf(sheet.positive.ionic_asr[:2]).all()
    assert sheet.thresholds.loading_threshold[0] == 0.0


# ---- an independent recomputation ----------------------------------------------------------------------------


def by_hand(negative: str, n: int, m: int = 1) -> dict[str, float]:
    """The worked example with another negative, in g, cm, mAh, V: written apart from the package."""
    width, length = 2.9, 4.05
    areas = [(width + 2 * o) * (length + 2 * o) for o in (0.0, 0.1, 0.2, 0.5)]
    positive, other, membrane, outline = areas
    capacity = 0.93 * 19.09e-3 * 187  # mAh/cm2
    charge = capacity / 0.9
    sides = 2 * n * m
    voltage, per_side, foil, grows = 3.81, (0.0, 0.0), (0.0, 0.0), 0.0
    extra = (0.0, 0.0)
    copper = (8.96 * 10e-4, 10e-4)
    if negative == "lithium-foil":
        foil = (0.534 * 40e-4, 40e-4)
        extra = foil
        grows = charge / 3860 / 0.534
    elif negative == "lithium-on-collector":
        per_side, foil, grows = (0.534 * 20e-4, 20e-4), copper, charge / 3860 / 0.534
    elif negative == "anode-free":
        foil, grows = copper, charge / 3860 / 0.534
    else:
        voltage -= 0.17
        active = 1.1 * capacity / 372
        wt = 0.7404805 * 2.24 / (0.7404805 * 2.24 + 0.2595195 * 1.80)
        dense = 1 / (wt / 2.24 + (1 - wt) / 1.80)
        per_side, foil = (active / wt, active / wt / (dense * 0.82)), copper
        stored = min(1.0, charge * 0.94 / (1.1 * capacity))
        grows = active / 2.24 * 0.109 * stored * 372 / 371.9
    energy = 2 * n * positive * capacity * voltage * m / 1000
    mass = (
        sides * positive * 19.09e-3
        + n * positive * 2.70 * 20e-4
        + sides * other * per_side[0]
        + (n + 1) * other * foil[0]
        + sides * membrane * 1.80 * 82e-4
        + 2 * n * (m - 1) * other * extra[0]
        + 2 * outline * 203e-4
        + 0.01 * (2.70 + 8.9)
        + 4 * 0.9 * 0.7 * 0.01 * 0.905
    )
    thick = (
        sides * (19.09e-3 / 3.5 + 82e-4 + per_side[1])
        + n * 20e-4
        + (n + 1) * foil[1]
        + 2 * n * (m - 1) * extra[1]
        + 2 * 113e-4
    )
    return {
        "energy_Wh": energy,
        "mass_g": mass,
        "thickness_mm": 10 * thick,
        "volume_cm3": membrane * thick,
        "charged_thickness_mm": 10 * (thick + sides * grows),
    }


@pytest.mark.parametrize("bilayers", [1, 2, 7])
@pytest.mark.parametrize("negative", ["lithium-foil", "lithium-on-collector", "graphite", "anode-free"])
def test_against_an_independent_sum(negative: str, bilayers: int) -> None:
    table: dict[str, Any] = {"kind": negative}
    if negative.startswith("lithium"):
        table["thickness"] = 40e-6 if negative == "lithium-foil" else 20e-6
    if negative == "graphite":
        table |= {
            "average_voltage": 0.17,
            "first_cycle_efficiency": 0.94,
            "n_p_ratio": 1.1,
            "specific_capacity": "372 mAh/g",
        }
    cell = ss.evaluate(base(negative=table, stack__bilayers=bilayers)).cell
    expected = by_hand(negative, bilayers)
    assert cell.energy / 3600 == pytest.approx(expected["energy_Wh"], rel=1e-6)
    assert cell.mass / G == pytest.approx(expected["mass_g"], rel=1e-6)
    assert cell.thickness * 1e3 == pytest.approx(expected["thickness_mm"], rel=1e-6)
    assert cell.volume * 1e6 == pytest.approx(expected["volume_cm3"], rel=1e-6)
    assert cell.charged_thickness * 1e3 == pytest.approx(expected["charged_thickness_mm"], rel=1e-6)


@pytest.mark.parametrize("series", [2, 3])
def test_bipolar_stack(series: int) -> None:
    """m unit cells in series: m times the voltage, the capacity of one, and the energy of m times the coatings."""
    foil = {"material": "stainless steel", "thickness": 10e-6}
    one = ss.evaluate(EXAMPLE).cell
    cell = ss.evaluate(base(stack__series_cells=series, stack__bipolar_foil=foil)).cell
    assert cell.average_voltage == pytest.approx(series * one.average_voltage)
    assert cell.capacity == pytest.approx(one.capacity)
    assert cell.energy == pytest.approx(series * one.energy)
    steel = 4 * (series - 1) * cell.negative_area * ss.library()["stainless steel"].value("density") * 10e-6
    expected = by_hand("lithium-foil", 2, series)
    assert cell.mass / G == pytest.approx(expected["mass_g"] + steel / G, rel=1e-9)
    steel_mm = 4 * (series - 1) * 0.010
    assert cell.thickness * 1e3 == pytest.approx(expected["thickness_mm"] + steel_mm, rel=1e-9)
    assert cell.charged_thickness * 1e3 == pytest.approx(expected["charged_thickness_mm"] + steel_mm, rel=1e-9)


def test_bipolar_foil_counts_half_for_each_electrode() -> None:
    """Three cells in series: a side has 1/3 of the outer foils and 2/3 of a steel foil and of the lithium on it."""
    foil = {"material": "stainless steel", "thickness": 10e-6}
    found = ss.evaluate(base(stack__series_cells=3, stack__bipolar_foil=foil)).electrode_energy
    steel = ss.library()["stainless steel"].value("density") * 10e-6 * 100  # mg/cm2
    energy = 1e3 * 19.09e-3 * 0.93 * 187 * 3.81
    positive = 19.09 + 5.4 / 2 / 3 + steel / 2 * 2 / 3
    negative = 2.136 / 2 / 3 + steel / 2 * 2 / 3 + 2.136 * 2 / 3
    assert found.positive_only / WH_KG == pytest.approx(energy / positive)
    assert found.with_negative / WH_KG == pytest.approx(energy / (positive + negative))


# ---- negatives -----------------------------------------------------------------------------------------------


def test_lithium_excess_of_inner_and_lone_foils() -> None:
    """20 um of an inner 40 um foil faces a side: 20e-4 x 0.534 x 3860 = 4.12 mAh/cm2 over 3.32."""
    assert ss.evaluate(EXAMPLE).negative.lithium_excess == pytest.approx(4.1225 / 3.31994, rel=1e-4)
    alone = ss.evaluate(base(stack__bilayers=np.array([1.0, 2.0]))).negative.lithium_excess
    assert alone[0] == pytest.approx(2 * alone[1])


def test_plated_lithium_thickness() -> None:
    """3.689 mAh/cm2 of the first charge over 2061 mAh/cm3 is 17.9 um a side."""
    assert ss.evaluate(EXAMPLE).negative.expansion * 1e6 == pytest.approx(3.68882 / (3860 * 0.534) * 1e4, rel=1e-5)


@pytest.mark.parametrize(("efficiency", "share"), [(1.0, 1.0), (0.9, 1.0), (0.81, 0.9), (0.45, 0.5)])
def test_anode_free_loses_its_first_cycle_from_the_positive(efficiency: float, share: float) -> None:
    """The positive takes back 90 % of the first charge; the collector gives back its own share of it."""
    sheet = ss.evaluate(base(negative={"kind": "anode-free", "first_cycle_efficiency": efficiency}))
    assert sheet.cell.capacity == pytest.approx(share * ss.evaluate(EXAMPLE).cell.capacity)


def test_negative_capacity_limits_below_an_n_p_of_one() -> None:
    table = {"kind": "graphite", "n_p_ratio": np.array([0.5, 0.8, 1.0, 1.3])}
    sheet = ss.evaluate(base(negative=table))
    np.testing.assert_allclose(sheet.unit.side.capacity_share, [0.5, 0.8, 1.0, 1.0])
    np.testing.assert_allclose(sheet.negative.n_p_ratio, table["n_p_ratio"])


def test_graphite_at_its_own_balance_threshold() -> None:
    contents = ss.evaluate(base(negative={"kind": "graphite"})).unit.side.coating.contents
    volumes = {name: share / EXAMPLE.density_of(name) for name, share in contents.items()}
    assert volumes["graphite"] / sum(volumes.values()) == pytest.approx(CLOSE_PACKING)
    assert list(contents) == ["graphite", "SPE"]


def test_silicon_is_lighter_and_swells_more_than_graphite() -> None:
    graphite, silicon = (ss.evaluate(base(negative={"kind": kind})) for kind in ("graphite", "silicon"))
    assert silicon.cell.mass < graphite.cell.mass
    assert silicon.negative.expansion > 2 * graphite.negative.expansion
    assert silicon.cell.average_voltage < graphite.cell.average_voltage < 3.81


def test_sulfur_takes_its_lithium_from_the_foil() -> None:
    shares = {"S": 0.5, "SPE": 0.3, "carbon black": 0.2}
    sulfur = {"positive__composition": shares, "positive__loading": 0.08, "positive__porosity": 0.1}
    foil = np.array([1e-6, 1e-3])
    changes = sulfur | {
        "positive__specific_capacity": None,
        "positive__average_voltage": None,
        "positive__first_cycle_efficiency": None,
        "negative": {"kind": "lithium-foil", "thickness": foil},
    }
    sheet = ss.evaluate(base(**changes))
    supply = foil / 2 * 0.534e3 * 3860 * 3600
    expected = np.minimum(0.5 * 0.08 * 1082 * 3600, supply)
    np.testing.assert_allclose(sheet.cell.areal_capacity, expected)
    assert sheet.negative.expansion == 0.0
    with pytest.raises(DesignError, match="negative.kind: S is made without lithium and so is a graphite negative"):
        ss.evaluate(base(**(changes | {"negative": {"kind": "graphite"}})))


def test_blend_of_active_materials() -> None:
    """Capacity by mass, voltage by charge."""
    own = {
        "positive__specific_capacity": None,
        "positive__average_voltage": None,
        "positive__first_cycle_efficiency": None,
    }
    shares = {"NCM622": 0.60, "LFP": 0.30, "SPE": 0.08, "carbon black": 0.02}
    positive = ss.evaluate(base(positive__composition=shares, positive__porosity=0.15, **own)).positive
    charge = 0.60 * 187 + 0.30 * 160
    assert positive.specific_capacity / 3600 * 0.9 == pytest.approx(charge)
    first_charge = 0.60 * 187 / 0.90 + 0.30 * 160 / 0.97
    assert positive.first_cycle_efficiency == pytest.approx(charge / first_charge)
    assert positive.average_voltage == pytest.approx((0.60 * 187 * 3.81 + 0.30 * 160 * 3.375) / charge)


# ---- energies ------------------------------------------------------------------------------------------------


def test_electrode_energies_by_layer_set(sheet: ss.Sheet) -> None:
    """mWh over mg, per cm2 and side: 12.649 over coating 19.09, half Al 2.70, half Li foil 1.068, membrane 14.76."""
    energy = 19.09e-3 * 0.93 * 187 * 3.81
    energies = sheet.electrode_energy
    assert energies.positive_only / WH_KG == pytest.approx(1e3 * energy / (19.09 + 2.70))
    assert energies.with_negative / WH_KG == pytest.approx(1e3 * energy / (19.09 + 2.70 + 1.068))
    assert energies.with_negative_and_membrane / WH_KG == pytest.approx(1e3 * energy / (19.09 + 2.70 + 1.068 + 14.76))
    assert energies.positive_and_membrane / WH_KG == pytest.approx(1e3 * energy / (19.09 + 2.70 + 14.76))
    lithium = 19.09 * 0.93 * 187 / 3860
    assert sheet.normalised.coating_and_membrane / WH_KG == pytest.approx(1e3 * energy / (19.09 + 14.76))
    assert sheet.normalised.coating_membrane_and_lithium / WH_KG == pytest.approx(
        1e3 * energy / (19.09 + 14.76 + lithium)
    )


def test_the_positives_own_energy_does_not_depend_on_what_the_negative_returns(sheet: ss.Sheet) -> None:
    poor = ss.evaluate(base(negative={"kind": "anode-free", "first_cycle_efficiency": 0.5}))
    assert poor.cell.capacity < 0.6 * sheet.cell.capacity
    for name in ("positive_only", "positive_and_membrane"):
        assert getattr(poor.electrode_energy, name) == pytest.approx(getattr(sheet.electrode_energy, name))
    assert poor.normalised.coating_and_membrane == pytest.approx(sheet.normalised.coating_and_membrane)
    assert poor.electrode_energy.with_negative < 0.6 * sheet.electrode_energy.with_negative


def test_resistances_add(sheet: ss.Sheet) -> None:
    more = ss.evaluate(base(positive__charge_transfer_resistance=2e-3, negative__interface_resistance=1e-3))
    assert sheet.resistance.membrane == pytest.approx(82e-6 / sheet.positive.ionic_conductivity)
    extra = (2e-3 + 1e-3) * sheet.positive.current_density
    assert more.resistance.known_ir_drop - sheet.resistance.known_ir_drop == pytest.approx(extra)


# ---- properties ----------------------------------------------------------------------------------------------

LOADING = st.floats(0.01, 1.0)


@settings(max_examples=60, deadline=None)
@given(
    LOADING, st.floats(1e-6, 0.5), st.sampled_from(["lithium-foil", "lithium-on-collector", "anode-free", "graphite"])
)
def test_more_loading_never_lowers_the_energy_of_the_electrode(loading: float, more: float, kind: str) -> None:
    """With a fixed collector, the collector's share of the mass only falls."""
    negative = {"kind": kind} | ({"thickness": 20e-6} if kind.startswith("lithium") else {})
    sheet = ss.evaluate(base(positive__loading=np.array([loading, loading + more]), negative=negative))
    for name in ("positive_only", "with_negative", "with_negative_and_membrane", "positive_and_membrane"):
        first, second = getattr(sheet.electrode_energy, name)
        assert second >= first * (1 - 1e-12)


@settings(max_examples=40, deadline=None)
@given(st.floats(5e-3, 0.3), st.floats(5e-3, 0.3), st.floats(1.0, 8.0), st.integers(1, 20))
def test_areas_and_masses_scale(width: float, length: float, factor: float, bilayers: int) -> None:
    """Without edges everything goes with the area; with them the frame only matters less."""
    flat = {"stack__negative_overhang": 0.0, "stack__membrane_overhang": 0.0, "pouch__seal_width": 0.0}
    sizes = [(width, length), (factor * width, length)]
    small, large = (ss.evaluate(base(stack__positive_size=s, stack__bilayers=bilayers, **flat)) for s in sizes)
    tabs = small.mass_breakdown["tabs"] + small.mass_breakdown["tab sealant"]
    assert large.cell.mass - tabs == pytest.approx(factor * (small.cell.mass - tabs), rel=1e-9)
    assert large.cell.volume == pytest.approx(factor * small.cell.volume, rel=1e-9)
    assert large.cell.capacity == pytest.approx(factor * small.cell.capacity, rel=1e-9)
    framed = [ss.evaluate(base(stack__positive_size=s, stack__bilayers=bilayers)).cell.specific_energy for s in sizes]
    assert framed[1] >= framed[0] * (1 - 1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.7, 0.97),
    LOADING,
    st.floats(0.0, 0.5),
    st.integers(1, 30),
    st.sampled_from(["lithium-foil", "lithium-on-collector", "graphite", "silicon", "anode-free"]),
    st.integers(1, 3),
)
def test_breakdowns_sum_to_the_cell(
    active: float, loading: float, porosity: float, bilayers: int, kind: str, series: int
) -> None:
    negative = {"kind": kind} | ({"thickness": 20e-6} if kind.startswith("lithium") else {})
    sheet = ss.evaluate(
        base(
            positive__composition__NCM622=active,
            positive__loading=loading,
            positive__porosity=porosity,
            negative=negative,
            stack__bilayers=bilayers,
            stack__series_cells=series,
            stack__bipolar_foil={"material": "Ni", "thickness": 1e-5},
        )
    )
    assert sum(sheet.mass_breakdown.values()) == pytest.approx(sheet.cell.mass, rel=1e-12)
    assert sum(sheet.volume_breakdown.values()) == pytest.approx(sheet.cell.volume, rel=1e-12)
    assert min(sheet.volume_breakdown.values()) > -1e-18
    assert sheet.cell.charged_thickness >= sheet.cell.thickness
    assert sheet.cell.outline_volume > sheet.cell.volume


def test_scalar_and_array_paths_agree_to_rounding() -> None:
    """Every number of the sheet, for mixed shapes, against one evaluation at a time."""
    loading, density = np.array([0.05, 0.19, 0.4]), np.array([2.5e3, 3.2e3, 4.1e3, 4.2e3])
    active, membrane = np.array([0.90, 0.95]), np.array([2e-5, 8e-5])
    grid = base(
        positive__loading=loading[:, None, None],
        positive__density=density[None, :, None],
        positive__composition__NCM622=active,
        membrane__thickness=membrane,
        stack__bilayers=np.array([1.0, 2.0, 9.0])[:, None, None],
        temperature=np.array([300.0, 310.0]),
    )
    whole = {
        f"{f.group}.{f.key}": np.broadcast_to(f.value, grid.shape)
        for f in ss.evaluate(grid, mask_infeasible=True).figures()
    }
    for i, j, k in np.ndindex(grid.shape):
        single = base(
            positive__composition__NCM622=active[k],
            positive__loading=loading[i],
            positive__porosity=0.0,
            membrane__thickness=membrane[k],
            stack__bilayers=[1.0, 2.0, 9.0][i],
            temperature=[300.0, 310.0][k],
        )
        if density[j] > single.dense_density():
            assert np.isnan(whole["positive.density_g_cm3"][i, j, k])
            assert np.isnan(whole["cell.specific_energy_Wh_kg"][i, j, k])
            continue
        for figure in ss.evaluate(single.with_(positive__density=density[j])).figures():
            if figure.group == "salt_limit":  # of single designs only
                continue
            expected, found = figure.value, whole[f"{figure.group}.{figure.key}"][i, j, k]
            assert (math.isnan(expected) and math.isnan(found)) or found == pytest.approx(
                expected, rel=1e-12, abs=1e-300
            )


def test_designs_denser_than_dense_are_an_error_unless_masked() -> None:
    grid = base(positive__density=np.array([3.5e3, 5.0e3]))
    with pytest.raises(DesignError, match=r"positive.density: 1 of 2 designs are above their dense density"):
        ss.evaluate(grid)
    assert np.isnan(ss.evaluate(grid, mask_infeasible=True).cell.mass).tolist() == [False, True]


def test_thresholds_do_not_depend_on_what_they_should_not() -> None:
    """The particle size and the stack drop out of the thresholds."""
    own = ss.evaluate(EXAMPLE).thresholds
    other = ss.evaluate(base(stack__bilayers=9, membrane__thickness=2e-5, positive__largest_particle=2e-6)).thresholds
    assert other.loading_threshold == own.loading_threshold
    assert other.balance_am_mass_fraction == own.balance_am_mass_fraction


@given(st.floats(0.05, 5.0), st.floats(0.01, 1.0), st.floats(1.1, 4.0))
def test_loading_threshold_scales(rate: float, conductivity: float, factor: float) -> None:
    """A factor k in conductivity or in 1/rate is a factor sqrt(k) in the loading."""
    own = loading_threshold(0.1, conductivity, 3000.0, 7.0, rate, 180.0, 0.9)
    assert loading_threshold(0.1, conductivity * factor, 3000.0, 7.0, rate, 180.0, 0.9) == pytest.approx(
        own * factor**0.5
    )
    assert loading_threshold(0.1, conductivity, 3000.0, 7.0, rate * factor, 180.0, 0.9) == pytest.approx(
        own / factor**0.5
    )
