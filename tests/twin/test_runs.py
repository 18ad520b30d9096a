"""Runs on disk, measured curves, figures of charge and discharge."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from solidstack.errors import StructureError
from solidstack.plot import discharge as figures
from solidstack.plot import save as save_figure
from solidstack.twin.fields import Particles, Snapshot
from solidstack.twin.results import SPLIT, Run, Step
from solidstack.twin.runs import Measured, curves, deviation, load, read_measured, save


def made(model: str = "twin", shift: float = 0.0) -> Run:
    """A charge and a discharge with round numbers."""
    capacity = np.linspace(0.0, 3600.0 * 180.0, 10)
    down = 4.2 - capacity / 3600.0 / 180.0
    parts = {name: np.full(20, 0.0) for name in SPLIT}
    parts["ionic"] = np.concatenate([np.full(10, 0.03), np.full(10, -0.06)])
    parts["lithium"] = np.concatenate([np.full(10, 0.01), np.full(10, -0.02)])
    voltage = np.concatenate([down[::-1], down]) + shift
    parts["equilibrium"] = voltage - parts["ionic"] - parts["lithium"]
    steps = tuple(
        Step(kind, f"steps.{n}", 10 * n, 10 * n + 9, capacity[-1], 0.2 * capacity[-1], 1e5, 3.7, 3600.0, "reached", 1.0)
        for n, kind in enumerate(("charge", "discharge"))
    )
    profile = np.linspace(0.5, 1.5, 4) * np.ones((20, 1))
    return Run(
        model, np.arange(20) * 360.0, voltage, np.repeat([5.0, -10.0], 10), np.tile(capacity, 2),
        np.concatenate([0.9 - capacity / 1e6, 0.3 + capacity / 1e6]), np.full(20, 318.15), parts, steps, 0.2, 0.01,
        balance={"lithium": 1e-10, "current": 2e-8}, depth=np.arange(4) * 1e-5 + 5e-6,
        profiles={"stoichiometry": profile / 3.0, "reaction": profile}, provenance={"voxels": 8},
    )  # fmt: skip


def test_round_trip(tmp_path: Path) -> None:
    run = made()
    save(run, tmp_path / "run")
    again = load(tmp_path / "run")
    for name in ("time", "voltage", "current_density", "capacity", "stoichiometry", "temperature", "depth"):
        assert np.array_equal(getattr(again, name), getattr(run, name)), name
    assert again.steps == run.steps
    assert (again.outcome, again.active_loading, dict(again.balance)) == ("complete", 0.2, dict(run.balance))
    for name in SPLIT:
        assert np.array_equal(again.split[name], run.split[name])
    assert set(again.profiles) == {"stoichiometry", "reaction"}


def test_torn_runs_are_refused(tmp_path: Path) -> None:
    save(made(), tmp_path / "run")
    whole = (tmp_path / "run" / "arrays.npz").read_bytes()
    (tmp_path / "run" / "arrays.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StructureError, match="holds no whole run"):
        load(tmp_path / "run")
    with pytest.raises(StructureError, match="no such file"):
        load(tmp_path / "other")


def test_curves_in_the_units_shown() -> None:
    lines = curves(made()).splitlines()
    header = lines[0].split(",")
    assert header[:8] == (
        "step kind time_h voltage_V current_density_mA_cm2 capacity_mAh_g stoichiometry temperature_degC".split()
    )
    row = dict(zip(header, lines[20].split(","), strict=True))
    assert (row["kind"], float(row["capacity_mAh_g"]), float(row["current_density_mA_cm2"])) == ("discharge", 180, -1)
    assert float(row["temperature_degC"]) == pytest.approx(45.0)
    assert sum(float(row[f"{name}_V"]) for name in SPLIT) == pytest.approx(float(row["voltage_V"]), abs=1e-8)


@pytest.mark.parametrize(
    ("text", "count", "kinds"),
    [
        ("capacity (mAh/g),voltage (V)\n0,4.2\n50,3.9\n100,3.7\n150,3.4\n", 1, ["discharge"]),
        ("Capacity/mAh/g;Ecell/V\n0;3,5\n90,5;3,8\n180;4,2\n0;4,1\n90;3,8\n170;3,2\n", 2, ["charge", "discharge"]),
        ("step\tvoltage_V\tcapacity_mAh_g\n1\t3.5\t0\n1\t3.9\t80\n1\t4.2\t160\n2\t4\t0\n2\t3.8\t70\n2\t3\t150\n", 2,
         ["charge", "discharge"]),
    ],
)  # fmt: skip
def test_measured_curves(tmp_path: Path, text: str, count: int, kinds: list[str]) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text)
    found = read_measured(path)
    assert [one.kind for one in found] == kinds
    assert len(found) == count
    assert found[0].capacity[-1] >= 150 * 3600.0 * 0.99


def test_measured_per_area_needs_the_loading(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("capacity (mAh/cm^2),voltage (V)\n0,4.2\n1.5,3.9\n3,3.2\n")
    assert read_measured(path, active_loading=0.2)[0].capacity[-1] == pytest.approx(3.0 * 36000.0 / 0.2)
    with pytest.raises(StructureError, match="active material per area is needed"):
        read_measured(path)
    path.write_text("time,current\n0,4\n1,3\n2,2\n")
    with pytest.raises(StructureError, match=r"wants the columns capacity \(mAh/g\) and voltage"):
        read_measured(path)


def test_deviation_is_that_of_a_shifted_curve() -> None:
    run = made()
    rows = run.rows(run.steps[1])
    found = deviation(run, Measured("m", "discharge", run.capacity[rows], run.voltage[rows] + 0.02))
    assert found is not None
    assert found["rms_mV"] == pytest.approx(20.0, rel=1e-6)
    assert found["max_mV"] == pytest.approx(20.0, rel=1e-6)
    assert found["capacity_pct"] == pytest.approx(0.0, abs=1e-9)
    assert deviation(run, Measured("m", "rest", run.capacity[rows], run.voltage[rows])) is None


def labels(figure: Figure) -> list[str]:
    return [text for axes in figure.axes for text in (axes.get_xlabel(), axes.get_ylabel())]


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


def test_parts_are_stacked_to_the_overpotential() -> None:
    figure = figures.draw_split(made())
    right = figure.axes[1]
    assert right.get_ylabel() == "Overpotential, mV"
    assert len(right.collections) == 2  # only ions and lithium lose anything
    lowest = min(path.vertices[:, 1].min() for one in right.collections for path in one.get_paths())
    assert lowest == pytest.approx(-80.0)


def test_profiles_course_utilisation_rates_sensitivity_impedance(tmp_path: Path) -> None:
    run = made()
    one = Particles(np.array([5e-6, 15e-6]), np.array([1e-16, 2e-16]), np.array([0.9, 0.9]))
    two = Particles(one.depth, one.volume, np.array([0.4, np.nan]))
    np.testing.assert_allclose(two.utilisation(one), [0.5, 0.0])
    import xarray as xr

    rates = xr.Dataset(
        {
            "discharge_capacity": (("loading", "c_rate"), np.array([[6e5, 5e5], [6e5, 3e5]])),
            "capacity_kept": (("loading", "c_rate"), np.array([[1.0, 0.83], [1.0, 0.5]])),
            "loading_threshold": ("c_rate", np.array([0.3, 0.15])),
        },
        coords={"loading": [0.1, 0.3], "c_rate": [0.1, 1.0]},
    )
    rows = [{"name": "diffusivity", "factor": f, "capacity_mAh_g": c} for f, c in ((0.5, 170.0), (2.0, 181.0))]
    f = np.array([1.0, 10.0])
    drawn = {
        "profiles": (figures.draw_profiles(run), "Distance from the membrane, µm"),
        "course": (figures.draw_course(run), "Time, h"),
        "utilisation": (figures.draw_utilisation(one, two), "Change of its stoichiometry"),
        "rates": (figures.draw_rates(rates), "Loading, mg cm⁻²"),
        "sensitivity": (figures.draw_sensitivity(rows, 180.0), "Discharge capacity, mAh g⁻¹"),
        "impedance": (figures.draw_impedance([("twin", f, np.array([1 - 1j, 0.5]) * 1e-4)]), "Re Z, Ω cm²"),
        "resistances": (figures.draw_resistances({"a": {"ionic": 5.0}}), "Resistance at half discharge, Ω cm²"),
    }
    for name, (figure, words) in drawn.items():
        assert words in labels(figure), name
        assert save_figure(figure, tmp_path / f"{name}.png").stat().st_size > 5000
    nyquist = drawn["impedance"][0].axes[0].lines[0]
    np.testing.assert_allclose(np.asarray(nyquist.get_xdata()), [1.0, 0.5])
    bars = {round(bar.get_width(), 6) for bar in drawn["sensitivity"][0].axes[0].patches}
    assert bars == {-10.0, 1.0}


def test_animation(tmp_path: Path) -> None:
    from PIL import Image

    field = np.full((4, 3, 3), 0.5, np.float32)
    shots = [Snapshot(t, 4.0, field + t / 1e4, field, field) for t in (0.0, 1000.0, 2000.0)]
    path = figures.animate(made(), shots, tmp_path / "film.gif")
    with Image.open(path) as film:
        assert film.n_frames == 3
