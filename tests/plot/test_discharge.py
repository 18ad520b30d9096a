"""Figures of charge and discharge: what is drawn is the data, labels have units, nothing warns."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from solidstack.plot import discharge as figures
from solidstack.plot import save as save_figure
from solidstack.twin.electrochemistry.fields import Particles
from solidstack.twin.measured_curves import Measured
from solidstack.twin.results import SPLIT

from ..runs import made
from .texts import labels, words


def test_curves_drawn_are_the_data() -> None:
    figure = figures.draw_curves({"a": made(), "b": made("PyBaMM DFN", 0.01)}, [
        Measured("m", "discharge", np.array([0.0, 3600.0, 7200.0]), np.array([4.0, 3.9, 3.8]))
    ])  # fmt: skip
    axes = figure.axes[0]
    assert labels(figure) == ["Capacity per mass of active material, mAh g⁻¹", "Voltage, V"]
    assert [line.get_linestyle() for line in axes.lines[:4]] == ["-", "-", "--", "--"]
    np.testing.assert_array_equal(axes.lines[1].get_xdata(), made().capacity[10:] / 3600.0)
    np.testing.assert_array_equal(axes.lines[3].get_ydata(), made(shift=0.01).voltage[10:])
    np.testing.assert_array_equal(axes.lines[4].get_xdata(), [0.0, 1.0, 2.0])


def rates(
    c_rate: tuple[float, ...] = (0.1, 1.0),
    loading: tuple[float, ...] = (0.1, 0.3),
    kept: Any = ((1.0, 0.83), (1.0, 0.5)),
) -> xr.Dataset:
    capacity = 6e5 * np.array(kept)
    return xr.Dataset(
        {
            "discharge_capacity": (("loading", "c_rate"), capacity),
            "capacity_kept": (("loading", "c_rate"), np.array(kept)),
            "loading_threshold": ("c_rate", 0.1 / np.sqrt(np.array(c_rate))),
            "even_loading_threshold": ("c_rate", 0.1732 / np.sqrt(np.array(c_rate))),
            "salt_limited_loading": ("c_rate", 0.15 / np.sqrt(np.array(c_rate))),
        },
        coords={"loading": list(loading), "c_rate": list(c_rate)},
        attrs={"ir_drop_limit_V": 0.1},
    )


def test_contributions_are_stacked_to_the_overpotential() -> None:
    figure = figures.draw_split(made())
    right = figure.axes[1]
    assert right.get_ylabel() == "Overpotential, mV"
    assert len(right.collections) == 2  # only ions and lithium lose anything
    lowest = min(path.vertices[:, 1].min() for one in right.collections for path in one.get_paths())
    assert lowest == pytest.approx(-80.0)


def test_the_mean_of_a_contribution_is_over_the_charge() -> None:
    # rows are dense where a limit is approached; there the contribution is three times as large
    run = made()
    capacity = run.capacity.copy()
    capacity[10:] = np.concatenate([np.linspace(0.0, 90.0, 2), np.linspace(170.0, 180.0, 8)]) * 3600.0
    ionic = run.split["ionic"].copy()
    ionic[10:] = np.concatenate([np.full(2, -0.02), np.full(8, -0.06)])
    split = dict(run.split) | {"ionic": ionic, "lithium": np.zeros(20)}
    split["equilibrium"] = run.voltage - ionic
    mean = (90.0 * -20.0 + 80.0 * -40.0 + 10.0 * -60.0) / 180.0
    shown = words(figures.draw_split(dataclasses.replace(run, capacity=capacity, split=split)))
    assert f"{SPLIT['ionic']} (−{-mean:.3g} mV)" in shown
    assert f"sum (−{-mean:.3g} mV)" in shown
    assert len(shown) == 4  # equilibrium, cell, ions, sum


def test_contributions_of_nothing() -> None:
    run = made()
    split = dict.fromkeys(SPLIT, np.zeros(20)) | {"equilibrium": run.voltage}
    figure = figures.draw_split(dataclasses.replace(run, split=split))
    assert len(figure.axes[1].collections) == 0


def test_nothing_passed_is_drawn_empty(tmp_path: Path) -> None:
    run = dataclasses.replace(made(), steps=())
    assert save_figure(figures.draw_curves({"a": run}), tmp_path / "a.png").exists()


def test_a_hold_goes_on_where_the_charge_ended() -> None:
    run = made()
    hold = dataclasses.replace(run.steps[1], kind="hold")
    run = dataclasses.replace(run, steps=(run.steps[0], hold), current_density=np.repeat([5.0, 1.0], 10))
    (line,) = figures.draw_curves({"a": run}).axes[0].lines
    assert np.max(line.get_xdata()) == pytest.approx(360.0)


def test_course_in_hours_and_milliamperes() -> None:
    run = made()
    above, below = figures.draw_course(run).axes
    assert (above.get_ylabel(), below.get_xlabel()) == ("Voltage, V", "Time, h")
    assert below.get_ylabel() == "Current density,\nmA cm⁻²"
    np.testing.assert_allclose(above.lines[0].get_xdata(), run.time / 3600.0)
    np.testing.assert_allclose(below.lines[1].get_ydata(), -1.0)  # 10 A/m2, discharge


def test_profiles_at_several_times() -> None:
    run = made()
    figure = figures.draw_profiles(run, times=3)
    left, right = figure.axes
    assert labels(figure)[0] == "Distance from the membrane, µm"
    assert (left.get_ylabel(), right.get_ylabel()) == ("Reaction rate over its mean", "Mean stoichiometry of the plane")
    assert len(right.lines) == 3
    for line in right.lines:
        np.testing.assert_allclose(line.get_xdata(), 1e6 * run.depth)
        np.testing.assert_allclose(line.get_ydata(), run.profiles["stoichiometry"][0])
    # four planes, so the smoothing reaches one neighbour: ends are means of two
    values = run.profiles["reaction"][0] / run.profiles["reaction"][0].mean()
    smooth = [values[:2].mean(), values[:3].mean(), values[1:].mean(), values[2:].mean()]
    np.testing.assert_allclose(left.lines[0].get_ydata(), smooth)
    assert words(figure) == ["20 mAh g⁻¹", "100 mAh g⁻¹", "180 mAh g⁻¹"]
    assert left.get_xlim() == (0.0, pytest.approx(40.0))


def test_utilisation_against_depth() -> None:
    before = Particles(np.array([5e-6, 15e-6]), np.array([1e-16, 3e-16]), np.array([0.9, 0.9]))
    after = Particles(before.depth, before.volume, np.array([0.4, np.nan]))
    np.testing.assert_allclose(after.utilisation(before), [0.5, 0.0])
    figure = figures.draw_utilisation(before, after)
    axes = figure.axes[0]
    assert labels(figure) == ["Distance of the particle's centre from the membrane, µm", "Change of its stoichiometry"]
    (points,) = axes.collections
    np.testing.assert_allclose(np.asarray(points.get_offsets()), [[5.0, 0.5], [15.0, 0.0]])
    sizes = points.get_sizes()  # type: ignore[attr-defined]
    assert sizes[1] / sizes[0] == pytest.approx(3.0)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), 0.125)  # of the volume: 0.5 of a quarter


def test_rate_capability_beside_the_threshold() -> None:
    figure = figures.draw_rates(rates())
    left, right, bar = figure.axes
    assert labels(figure)[:4] == ["C-rate", "Discharge capacity, mAh g⁻¹", "C-rate", "Loading, mg cm⁻²"]
    assert bar.get_ylabel() == "Capacity kept, %"
    np.testing.assert_allclose(left.lines[1].get_ydata(), [6e5 / 3600.0, 3e5 / 3600.0])
    np.testing.assert_allclose(right.lines[0].get_ydata(), [10.0 / np.sqrt(0.1), 10.0])
    lines = {"IR drop 100 mV, whole current", "IR drop 100 mV, even reaction", "salt runs out"}
    assert lines | {"10 mg cm⁻²", "30 mg cm⁻²", "80 % kept"} <= set(words(figure))


def test_rates_in_any_order_and_where_all_is_kept(tmp_path: Path) -> None:
    backwards = figures.draw_rates(rates().isel(c_rate=[1, 0], loading=[1, 0]))
    np.testing.assert_array_equal(backwards.axes[0].lines[0].get_xdata(), [0.1, 1.0])
    np.testing.assert_allclose(backwards.axes[0].lines[1].get_ydata(), [6e5 / 3600.0, 3e5 / 3600.0])
    whole = figures.draw_rates(rates(kept=((1.0, 1.0), (1.0, 1.0))))
    assert "80 % kept" not in words(whole)
    assert save_figure(whole, tmp_path / "whole.png").exists()
    assert save_figure(figures.draw_rates(rates(kept=((0.0, 0.0), (1.0, 0.5)))), tmp_path / "none.png").exists()


def test_one_loading_shows_the_rate_of_its_threshold() -> None:
    # threshold 0.1 / sqrt(C) kg/m2: a loading of 0.2 reaches it at C/4
    figure = figures.draw_rates(rates(loading=(0.2,), kept=((1.0, 0.4),)))
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.lines[1].get_xdata(), 0.25)
    assert "closed-form threshold, 0.25C" in words(figure)
    outside = figures.draw_rates(rates(loading=(0.5,), kept=((1.0, 0.4),)))
    assert len(outside.axes[0].lines) == 1


def test_sensitivity_is_sorted_bars_from_the_base() -> None:
    capacities = {"ionic_conductivity": (100.0, 182.0), "diffusivity": (170.0, 181.0)}
    rows = [
        {"name": name, "factor": factor, "capacity_mAh_g": two[factor > 1.0]}
        for name, two in capacities.items()
        for factor in (0.5, 2.0)
    ]
    figure = figures.draw_sensitivity(rows, 180.0)
    axes = figure.axes[0]
    assert axes.get_xlabel() == "Discharge capacity, mAh g⁻¹"
    assert [text.get_text() for text in axes.get_yticklabels()] == ["diffusivity", "ionic conductivity"]
    bars = [(bar.get_y() + 0.3, bar.get_x(), bar.get_width()) for bar in axes.patches]
    np.testing.assert_allclose(bars, [(0, 180, -10), (1, 180, -80), (0, 180, 1), (1, 180, 2)], atol=1e-9)
    assert words(figure) == ["times 0.5", "times 2"]


def test_resistances_are_stacked_with_their_sum() -> None:
    figure = figures.draw_resistances({"a": {"ionic": 5.0, "membrane": 2.5}, "b": {"ionic": 4.0}})
    axes = figure.axes[0]
    assert axes.get_xlabel() == "Resistance at half discharge, Ω cm²"
    assert [(bar.get_x(), bar.get_width()) for bar in axes.patches] == [(0, 5.0), (0, 4.0), (5.0, 2.5), (4.0, 0.0)]
    assert [text.get_text().strip() for text in axes.texts] == ["7.5", "4"]


def test_every_figure_is_written_without_a_warning(tmp_path: Path) -> None:
    run = made()
    drawn = {
        "profiles": figures.draw_profiles(run),
        "split": figures.draw_split(run, run.steps[0]),
        "course": figures.draw_course(run),
        "rates": figures.draw_rates(rates()),
    }
    for name, figure in drawn.items():
        assert save_figure(figure, tmp_path / f"{name}.png").stat().st_size > 5000, name
        assert figure.get_figwidth() <= 7.2, name
