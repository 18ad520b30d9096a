"""Measured curves as instruments write them, the branches of a run, and the deviation between the two."""

from pathlib import Path

import numpy as np
import pytest

from solidstack.errors import StructureError
from solidstack.outcomes import Outcome
from solidstack.twin.measured_curves import Measured, branches, deviation, read_measured
from solidstack.twin.results import Run, Step
from solidstack.twin.runs import curves

from ..runs import made


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
    with pytest.raises(StructureError, match=r"must have the columns capacity \(mAh/g\) and voltage"):
        read_measured(path)


TWO = """Cycle ID,Step ID,Step Time(h),Voltage(V),Capacity(mAh),Spec. Cap.(mAh/g)
1,1,0,3.5,0,0
1,1,1,3.9,0.5,60
1,1,2,4.2,1,120
1,2,0,4.25,0,0
1,2,1,4.25,0,0
1,2,2,4.24,0,0
1,3,0,4.1,0,0
1,3,1,3.9,0.4,50
1,3,2,3.2,0.9,110
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # mAh/g before mAh; a time in the step is no step; rests are no curves
        (TWO, [("charge", 120.0, 4.2), ("discharge", 110.0, 3.2)]),
        # one counter that goes up and down
        ("Q-Qo/mAh/g\tEwe/V\n0\t3.5\n50\t3.8\n100\t4.2\n90\t4.0\n40\t3.6\n10\t3.0\n",
         [("charge", 100.0, 4.2), ("discharge", 90.0, 3.0)]),
        # a counter that goes on in the next step
        ("step,capacity (mAh/g),voltage (V)\n1,0,3.5\n1,50,3.8\n1,100,4.2\n2,100,4.1\n2,150,3.6\n2,190,3.0\n",
         [("charge", 100.0, 4.2), ("discharge", 90.0, 3.0)]),
        # charge and discharge of a cycle in a column each
        ("cycle,charge capacity (mAh/g),discharge capacity (mAh/g),voltage (V)\n1,0,0,3.5\n1,50,0,3.8\n1,100,0,4.2\n"
         "1,100,10,4.0\n1,100,60,3.6\n1,100,95,3.0\n2,0,0,3.5\n2,50,0,3.8\n2,98,0,4.2\n",
         [("charge", 100.0, 4.2), ("discharge", 95.0, 3.0), ("charge", 98.0, 4.2)]),
        # a cycle's charge and discharge, each from 0
        ("cycle,capacity (mAh/g),voltage (V)\n1,0,3.5\n1,80,3.8\n1,160,4.2\n1,0,4.1\n1,80,3.8\n1,150,3.0\n",
         [("charge", 160.0, 4.2), ("discharge", 150.0, 3.0)]),
        # drawn from right to left
        ("capacity (mAh/g),voltage (V)\n150,4.2\n80,3.8\n0,3.1\n", [("discharge", 150.0, 3.1)]),
        # begins late: the scale stays
        ("capacity (mAh/g),voltage (V)\n20,4.1\n80,3.8\n150,3.1\n", [("discharge", 150.0, 3.1)]),
        # a hold is no curve
        ("step,capacity (mAh/g),voltage (V)\n1,0,3.5\n1,50,3.8\n1,100,4.3\n2,0,4.3\n2,3,4.301\n2,5,4.3\n",
         [("charge", 100.0, 4.3)]),
        ("capacity_mAh_g;voltage_mV\n0;4200\n50;3900,5\n150,5;3200\n", [("discharge", 150.5, 3.2)]),
        ("capacity [Ah/kg],E [V]\n0,4.2\n50,3.9\n150,3.2\n", [("discharge", 150.0, 3.2)]),
        ("Capacity/mA.h,Ecell/V\n0,4.2\n0.5,3.9\n1.5,3.2\n", [("discharge", 150.0, 3.2)]),
        ("Capacity_Ah,Voltage_V\n0,4.2\n0.0005,3.9\n0.0015,3.2\n", [("discharge", 150.0, 3.2)]),
        ("capacity (mAh cm⁻²),voltage (V)\n0,4.2\n1,3.9\n3,3.2\n", [("discharge", 150.0, 3.2)]),
        ("capacity_mAh_cm2,voltage (V)\n0,4.2\n1,3.9\n3,3.2\n", [("discharge", 150.0, 3.2)]),
    ],
)  # fmt: skip
def test_measured_as_instruments_write_them(tmp_path: Path, text: str, found: list[tuple[str, float, float]]) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text, encoding="utf-8")
    read = read_measured(path, active_loading=0.2, mass=1e-5)
    assert [(m.kind, round(m.capacity[-1] / 3600.0, 9), m.voltage[-1]) for m in read] == found
    for one in read:
        assert (np.diff(one.capacity) > 0.0).all()


def test_our_own_curves_are_read_as_measured(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    path.write_text(curves(made()))
    for one, branch in zip(read_measured(path), branches(made()), strict=True):
        assert one.kind == branch.kind
        np.testing.assert_allclose(one.capacity, branch.capacity, rtol=1e-8)
        np.testing.assert_allclose(one.voltage, branch.voltage, rtol=1e-8)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("capacity (mAh),voltage (V)\n0,4\n1,3\n2,2\n", "the active mass is needed"),
        ("capacity_mAh,voltage (V)\n0,4\n1,3\n2,2\n", "the active mass is needed"),
        (
            "capacity (banana),voltage (V)\n0,4\n1,3\n2,2\n",
            '"banana" is not a unit for this column; expected mAh/g or mAh/cm',
        ),
        ("capacity (mAh/g),voltage (mA)\n0,4\n1,3\n2,2\n", '"mA" is not a unit for this column; expected V'),
        ("capacity (mAh/g),voltage (V)\n0,4\n1,n.a.\n2,2\n", 'line 3: voltage .V.: "n.a." is not a number'),
        ("capacity (mAh/g),voltage (V)\n0,4\n1,3\n", "no curve of 3 points"),
        ("capacity (mAh/g),voltage (V)\n1,4\n1,3\n1,2\n", "no curve of 3 points"),
        ("0,4\n1,3\n2,2\n", "it has no header"),
        ("", "has no row"),
    ],
)
def test_measured_that_cannot_be_read(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(StructureError, match=words) as caught:
        read_measured(path)
    assert "m.csv" in str(caught.value)


def joined(*steps: tuple[str, float, float, float, float]) -> Run:
    """Steps of three rows: kind, current, capacity, voltage at their begin and end."""
    kinds, current, capacity, begin, end = (list(one) for one in zip(*steps, strict=True))
    size = 3 * len(steps)
    rows = np.concatenate([np.linspace(0.0, c, 3) for c in capacity])
    volts = np.concatenate([np.linspace(v, w, 3) for v, w in zip(begin, end, strict=True)])
    made_of = tuple(
        Step(kind, f"steps.{n}", 3 * n, 3 * n + 2, capacity[n], 0.0, 0.0, 3.7, 1.0, Outcome.VOLTAGE, "", 0.0)
        for n, kind in enumerate(kinds)
    )
    flat = np.zeros(size)
    return Run("twin", np.arange(size) * 1.0, volts, np.repeat(current, 3), rows, flat, flat + 300.0, {}, made_of, 0.2)


def test_steps_that_go_on_in_a_direction_are_one_branch() -> None:
    run = joined(
        ("charge", 1.0, 100.0, 3.5, 4.3), ("hold", 0.5, 20.0, 4.3, 4.3), ("rest", -1e-12, 1e-9, 4.3, 4.25),
        ("discharge", -1.0, 40.0, 4.2, 3.9), ("rest", 0.0, 0.0, 3.9, 3.95), ("discharge", -1.0, 60.0, 3.9, 3.0),
    )  # fmt: skip
    up, down = branches(run)
    assert (up.kind, down.kind) == ("charge", "discharge")
    np.testing.assert_allclose(up.capacity, [0, 50, 100, 100, 110, 120])
    # the rest between the pulses stands where the first one ended; that after the charge is in neither
    np.testing.assert_allclose(down.capacity, [0, 20, 40, 40, 40, 40, 40, 70, 100])
    np.testing.assert_allclose(down.voltage, [4.2, 4.05, 3.9, 3.9, 3.925, 3.95, 3.9, 3.45, 3.0])
    assert branches(joined(("rest", 0.0, 0.0, 4.0, 4.0))) == []


def test_deviation_covers_what_both_have() -> None:
    run = made()
    branch = branches(run)[1]
    late = slice(3, None)  # a measured curve that begins at 60 mAh/g
    measured = Measured("m", "discharge", branch.capacity[late], branch.voltage[late] - 0.01)
    found = deviation(run, measured)
    assert found is not None
    assert found["max_mV"] == pytest.approx(10.0, rel=1e-6)
    beyond = Measured("m", "discharge", branch.capacity[-1] + np.arange(3.0), np.arange(3.0))
    assert deviation(run, beyond) is None


def test_deviation_is_that_of_a_shifted_curve() -> None:
    run = made()
    rows = run.rows(run.steps[1])
    found = deviation(run, Measured("m", "discharge", run.capacity[rows], run.voltage[rows] + 0.02))
    assert found is not None
    assert found["rms_mV"] == pytest.approx(20.0, rel=1e-6)
    assert found["max_mV"] == pytest.approx(20.0, rel=1e-6)
    assert found["capacity_pct"] == pytest.approx(0.0, abs=1e-9)
    assert deviation(run, Measured("m", "rest", run.capacity[rows], run.voltage[rows])) is None
