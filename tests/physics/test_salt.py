"""Salt: what a simulated polarisation gives back, where it runs out, and that both models agree."""

import math

import numpy as np
import pytest

import solidstack as ss
from solidstack.constants import FARADAY, GAS
from solidstack.errors import DesignError
from solidstack.kinetics import cell_parameters
from solidstack.kinetics.salt import SaltLayer, limiting_current
from solidstack.measure import records, transference
from solidstack.twin.electrochemistry.cycle import discharge as simulate
from tests.cells import AM, SE, TEMPERATURE, THERMAL, UM, cell, columns, host, layers, protocol, salted, straight


def test_a_simulated_polarisation_gives_back_the_current_fraction(design: ss.Design) -> None:
    """Lithium, membrane and a host that takes any lithium: 1 mV, held, analysed as a measurement is."""
    number, factor, diffusivity, salt, conductivity, thickness = 0.3, 1.4, 4e-12, 1000.0, 0.05, 60 * UM
    solid = salted(conductivity, number=number, salt=salt, diffusivity=diffusivity, factor=factor)
    given = cell(
        host(potential=straight(0.0, 4e-3), diffusivity=1e-7, exchange=1e4, electronic=1e6, as_made=0.5),
        electrolyte=solid, membrane_thickness=thickness, lithium_exchange=1e4, voltage_window=(-1.0, 1.0),
    )  # fmt: skip
    made = layers((SE, 1), (AM, 200))
    hold = {"kind": "hold", "voltage": 1e-3, "until": {"time": "15 min"}}
    run = simulate(made, design, parameters=given, protocol=protocol(hold), accuracy=0.03)
    # the interfaces: both charge transfers
    interfaces = 2.0 * THERMAL / 1e4
    first = 1e-3 / ((thickness + UM) / conductivity + interfaces)
    steady = float(run.current_density[-1])
    fraction = steady * (1e-3 - first * interfaces) / (first * (1e-3 - steady * interfaces))
    expected = 1.0 / (
        1.0 + 2.0 * conductivity * GAS * TEMPERATURE * (1.0 - number) ** 2 * factor / (FARADAY**2 * diffusivity * salt)
    )
    assert solid.current_fraction == pytest.approx(expected)
    assert fraction == pytest.approx(expected, rel=0.01)
    # as an instrument records 1 cm2, with equal intervals
    times = np.arange(0.05, 900.0, 0.1)
    current = np.interp(times, run.time, run.current_density) * 1e-4
    record = records.record(
        {records.TIME: times, records.CURRENT: current, records.VOLTAGE: np.full(times.size, 1e-3)}, source="ca.mpr"
    )
    found = transference.analyse(record, interfaces * 1e4, interfaces * 1e4)
    assert found.values["transference_number"].value == pytest.approx(expected, rel=0.05)
    given_current = transference.analyse(record, interfaces * 1e4, interfaces * 1e4, initial_current=first * 1e-4)
    assert given_current.values["transference_number"].value == pytest.approx(expected, rel=0.01)
    (saved,) = found.properties()
    assert saved.name == "current_fraction"


def test_the_salt_limit_is_where_the_concentration_reaches_zero() -> None:
    """Along the membrane in a straight line, in the electrode in a parabola; the salt of both stays."""
    electrode = SaltLayer(80e-6, 0.3, 4e-12, 0.4, 1200.0)
    membrane = SaltLayer(50e-6, 1.0, 2e-11, 0.4, 1200.0)
    for charge in (False, True):
        current = limiting_current(electrode, membrane, charge=charge)
        sign = -1.0 if charge else 1.0
        x = np.linspace(0.0, 1.0, 20001)
        fall_membrane = sign * 0.6 * current * 50e-6 / (FARADAY * 2e-11 * 1200.0)
        fall_electrode = sign * 0.6 * current * 80e-6 / (FARADAY * 4e-12 * 1200.0)
        in_membrane = fall_membrane * (1.0 - x)
        in_electrode = -fall_electrode * (x - 0.5 * x**2)
        held = 50e-6 + 0.3 * 80e-6
        mean = (50e-6 * np.trapezoid(in_membrane, x) + 0.3 * 80e-6 * np.trapezoid(in_electrode, x)) / held
        least = min(in_membrane.min(), in_electrode.min()) - mean
        assert least == pytest.approx(-1.0, rel=1e-6)


def test_the_ideal_salt_runs_out_at_four_thermal_voltages() -> None:
    """Of an electrode beside a membrane that holds the salt: 98.7 mV at 45 degC, t+ = 0.9; near 100 by chance."""
    temperature, number, salt, conductivity, length = 318.15, 0.9, 1200.0, 0.01, 70e-6
    diffusivity = 2.0 * GAS * temperature * conductivity * number * (1.0 - number) / (FARADAY**2 * salt)
    electrode = SaltLayer(length, 1e-9, diffusivity, number, salt)
    reservoir = SaltLayer(1e-3, 1.0, 1e3, number, salt)
    current = limiting_current(electrode, reservoir, charge=False)
    assert current * length / conductivity == pytest.approx(4.0 * GAS * temperature * number / FARADAY, rel=1e-4)
    assert 4e3 * GAS * temperature * number / FARADAY == pytest.approx(98.7, abs=0.05)


def test_the_sheet_has_the_salt_limit(design: ss.Design) -> None:
    data = ss.evaluate(design).to_dict()
    limit = data["salt_limit"]
    assert set(limit) == {"current_density_mA_cm2", "low", "high", "c_rate"}
    assert limit["low"] < limit["current_density_mA_cm2"] < limit["high"]
    # (1 - t0) at the measured current fraction
    assert limit["high"] / limit["low"] == pytest.approx((1.0 - 0.2) / (1.0 - 0.7), rel=1e-9)
    sheet = ss.evaluate(design)
    per_rate = float(sheet.positive.current_density) / float(design.rating.c_rate)
    assert limit["c_rate"] == pytest.approx(10.0 * limit["current_density_mA_cm2"] / per_rate, rel=1e-9)
    assert ss.evaluate(design.with_(kinetics__single_ion=True)).to_dict()["salt_limit"] is None
    assert ss.evaluate(design.with_material("SPE", "Li6PS5Cl")).to_dict()["salt_limit"] is None
    assert any("the salt of the electrolyte runs out" in text for text in sheet.notes)
    many = ss.evaluate(design.with_(positive__loading=np.array([0.1, 0.2]))).to_dict()
    assert many["salt_limit"] is None


def test_both_ir_drops_are_on_the_sheet(design: ss.Design) -> None:
    sheet = ss.evaluate(design)
    assert sheet.positive.even_ir_drop == pytest.approx(sheet.positive.ir_drop / 3.0)
    assert sheet.thresholds.even_loading_threshold == pytest.approx(math.sqrt(3.0) * sheet.thresholds.loading_threshold)
    assert any(text.startswith("The published IR drop passes the whole current") for text in sheet.notes)


def test_an_even_reaction_loses_a_third(design: ss.Design) -> None:
    """Slow kinetics make it even: the ionic part of the voltage is a third of current times resistance."""
    given = cell(
        host(potential=straight(3.8, 1e-3), diffusivity=1e-9, exchange=0.01, electronic=1e6, as_made=0.5),
        ideal_electronics=True, lithium_exchange=1e3,
    )  # fmt: skip
    made = columns(60)
    step = {"kind": "charge", "current": "0.1 mA/cm^2", "until": {"time": "1 s"}}
    run = simulate(made, design, parameters=given, protocol=protocol(step))
    whole = float(run.current_density[-1]) * 30 * UM / (0.5 * 0.1)
    assert run.split["ionic"][-1] == pytest.approx(whole / 3.0, rel=0.05)


@pytest.mark.parametrize(
    ("key", "value"), [("transference_number", 0.0), ("current_fraction", 0.0), ("current_fraction", 1.2)]
)
def test_the_command_refuses_salt_out_of_bounds(run, edited, key: str, value: float) -> None:  # type: ignore[no-untyped-def]
    path = edited(("[rating]", f"[kinetics]\n{key} = {value}\n\n[rating]"))
    result = run("evaluate", path)
    assert result.code == 2
    assert f"kinetics.{key}" in result.err
    assert "Traceback" not in result.err


def test_contradicting_salt_ends_the_command_in_words(run, edited) -> None:  # type: ignore[no-untyped-def]
    path = edited(("[rating]", '[kinetics]\nsalt_diffusivity = "1e-4 cm^2/s"\n\n[rating]'))
    result = run("twin", "simulate", path)
    assert result.code == 2
    assert "contradict each other" in result.err


def test_salt_range_reaches_the_parameters(design: ss.Design) -> None:
    doubt = next(row for row in cell_parameters(design).doubtful if row.parameter == "transference_number")
    assert doubt.between == (0.2, 0.7)
    with pytest.raises(DesignError):
        design.with_(kinetics__current_fraction=0.0)
