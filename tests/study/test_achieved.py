"""A cell that was simulated, then changed in known ways: the comparison names the change."""

import math
from typing import Any

import numpy as np
import pytest

import solidstack as ss
from solidstack.errors import MeasurementError
from solidstack.measure.records import CURRENT, TIME, VOLTAGE, Record, record
from solidstack.study.achieved import Achieved, active_mass, compare_with_measured

pytest.importorskip("pybamm")

RATE = 3.0
"""A/m2."""


@pytest.fixture(scope="module")
def design() -> ss.Design:
    return ss.load("examples/pouch-0.16Ah.toml")


@pytest.fixture(scope="module")
def ideal(design: ss.Design) -> Any:
    from solidstack.design import Protocol, Rate
    from solidstack.twin.companion.homogenised import simulate

    steps = (
        {"kind": "charge", "current": Rate(RATE, "A/m^2"), "until": {"voltage": 4.3}},
        {"kind": "discharge", "current": Rate(RATE, "A/m^2"), "until": {"voltage": 2.7}},
    )
    return simulate(design, Protocol.from_dict({"steps": steps}))


def built(design: ss.Design, ideal: Any, *, share: float = 1.0, resistance: float = 0.0) -> Record:
    """Cycle a cell with a share of the active material and ohm m2 more in series, to the same cut-off."""
    sheet = ss.evaluate(design)
    area = float(sheet.cell.positive_area) * 2.0 * design.stack.bilayers
    time, volts, amps, clock, lost = [], [], [], 0.0, 0.0
    for step, sign in zip(ideal.steps, (1.0, -1.0), strict=True):
        rows = ideal.rows(step)
        passed, voltage = (
            ideal.capacity[rows] * share * active_mass(design),
            ideal.voltage[rows] + sign * RATE * resistance,
        )
        if sign > 0.0:
            kept = voltage <= 4.3
            lost = passed[-1] - passed[kept][-1]
            passed, voltage = passed[kept], voltage[kept]
        else:
            kept = (voltage >= 2.7) & (passed >= lost)
            passed, voltage = passed[kept] - lost, voltage[kept]
        current = RATE * area
        time += [*(clock + 1.0 + passed / current)]
        volts += [*voltage]
        amps += [sign * current] * len(passed)
        clock = time[-1]
    return record({TIME: time, VOLTAGE: volts, CURRENT: amps}, source="cell.csv")


def effect(result: Achieved, words: str) -> float:
    return math.prod(reason.factor for reason in result.reasons if words in reason.words) - 1.0


def test_the_simulated_cell_itself_differs_by_the_current_alone(design: ss.Design, ideal: Any) -> None:
    mass = float(ss.evaluate(design).cell.mass)
    result = compare_with_measured(design, built(design, ideal), cell_mass=mass)
    assert abs(effect(result, "active material")) < 2e-3
    assert abs(effect(result, "lower voltage than simulated")) < 1e-3
    assert abs(result.values["extra_resistance"].value) < 1e-4
    assert effect(result, "heavier") == 0.0


@pytest.mark.parametrize("share", [0.2, 1.0])
def test_a_charge_with_a_hold_is_simulated_with_it(design: ss.Design, share: float) -> None:
    """The model itself, charged to 4.3 V and held there: nothing is lost beside what the current costs."""
    from solidstack.design import Protocol, Rate
    from solidstack.twin.companion.homogenised import simulate

    rate = 5.0 * RATE * share
    steps = (
        {"kind": "charge", "current": Rate(rate, "A/m^2"), "until": {"voltage": 4.3}},
        {"kind": "hold", "voltage": 4.3, "until": {"current": Rate(0.1 * rate, "A/m^2")}},
        {"kind": "discharge", "current": Rate(rate, "A/m^2"), "until": {"voltage": 3.0}},
    )
    run = simulate(design, Protocol.from_dict({"steps": steps}))
    area = float(ss.evaluate(design).cell.positive_area) * 2.0 * design.stack.bilayers
    time = run.time + 1e-3 * np.arange(run.time.size)
    measured = record({TIME: time, VOLTAGE: run.voltage, CURRENT: run.current_density * area}, source="cell.csv")
    result = compare_with_measured(design, measured)
    assert abs(result.values["extra_resistance"].value) < 2e-4
    assert abs(effect(result, "active material")) < 5e-3
    assert abs(effect(result, "end earlier")) < 5e-3


def test_reasons_multiply_to_the_difference(design: ss.Design, ideal: Any) -> None:
    result = compare_with_measured(design, built(design, ideal, share=0.93, resistance=4e-3), cell_mass=3.2e-3)
    product = math.prod(reason.factor for reason in result.reasons)
    assert product == pytest.approx(result.measured / result.designed, rel=1e-12)
    sizes = [abs(math.log(reason.factor)) for reason in result.reasons]
    assert sizes == sorted(sizes, reverse=True)


def test_missing_active_material_is_a_reason(design: ss.Design, ideal: Any) -> None:
    result = compare_with_measured(
        design, built(design, ideal, share=0.9), cell_mass=float(ss.evaluate(design).cell.mass)
    )
    lost = effect(result, "missing or inactive") + effect(result, "ends earlier")
    assert lost == pytest.approx(-0.1, abs=0.02)


def test_resistance_in_series_is_a_reason(design: ss.Design, ideal: Any) -> None:
    result = compare_with_measured(design, built(design, ideal, resistance=5e-3))
    assert result.values["extra_resistance"].value == pytest.approx(5e-3, rel=0.05)
    assert abs(effect(result, "active material")) < 0.01
    # 15 mV of 3.75 V, and the part of highest voltage is not charged
    assert -0.006 < effect(result, "lower voltage") < -5e-3 * RATE / 3.75


def test_a_heavier_cell_is_a_reason(design: ss.Design, ideal: Any) -> None:
    mass = float(ss.evaluate(design).cell.mass)
    result = compare_with_measured(design, built(design, ideal), cell_mass=1.1 * mass)
    assert effect(result, "heavier than designed") == pytest.approx(1.0 / 1.1 - 1.0)
    unweighed = compare_with_measured(design, built(design, ideal))
    assert "no cell mass was given" in unweighed.warnings[0]


def test_without_a_simulation_capacity_and_voltage_stand_alone(design: ss.Design, ideal: Any) -> None:
    result = compare_with_measured(design, built(design, ideal), simulated=False)
    assert {reason.words.split(":")[0] for reason in result.reasons} == {"capacity", "average voltage"}
    graphite = ss.load("examples/sulfide-graphite.toml")
    against_graphite = compare_with_measured(graphite, built(design, ideal))
    assert "no simulation: it is against lithium" in " ".join(against_graphite.warnings)


def test_cycles_are_per_mass_of_the_design_and_their_warnings_are_kept(design: ss.Design, ideal: Any) -> None:
    measured = built(design, ideal)
    result = compare_with_measured(design, measured, simulated=False)
    row = result.series["cycles"].rows()[0]
    capacity = result.measured_discharge.total / active_mass(design) / 3600.0
    assert row["specific_discharge_capacity_mAh_g"] == pytest.approx(capacity, rel=1e-3)
    heavy = compare_with_measured(design, measured.with_sample(mass=2.0 * active_mass(design)), simulated=False)
    row = heavy.series["cycles"].rows()[0]
    assert row["specific_discharge_capacity_mAh_g"] == pytest.approx(capacity / 2.0, rel=1e-3)
    table = measured.table.assign(**{CURRENT: -measured.table[CURRENT]})
    turned = compare_with_measured(design, Record(table, source="cell.csv"), simulated=False)
    assert any("sign of the current looks reversed" in text for text in turned.warnings)


def test_bad_input(design: ss.Design, ideal: Any) -> None:
    measured = built(design, ideal)
    with pytest.raises(
        MeasurementError, match="cell.csv: has 1 discharge; there is no cycle 2; choose --cycle from 1 to 1"
    ):
        compare_with_measured(design, measured, cycle=2)
    with pytest.raises(MeasurementError, match="cell mass: 0 g is not above 0"):
        compare_with_measured(design, measured, cell_mass=0.0)
    charge = measured.part(measured.table[CURRENT] > 0.0)
    with pytest.raises(MeasurementError, match="cell.csv: has no discharge"):
        compare_with_measured(design, charge)
    many = design.with_(positive__loading=np.array([0.1, 0.2]))
    with pytest.raises(MeasurementError, match="with a single design"):
        compare_with_measured(many, measured)


def test_the_figure_shows_every_reason(design: ss.Design, ideal: Any) -> None:
    from solidstack.plot.achieved import draw_achieved

    result = compare_with_measured(design, built(design, ideal, share=0.95, resistance=3e-3), cell_mass=3.1e-3)
    figure = draw_achieved(result)
    assert len(figure.axes[1].get_yticklabels()) == len(result.reasons) + 2
    assert figure.axes[0].get_xlabel() == "Capacity, Ah"
