"""Small signals in time: holds, rests and pulses are resolved to their own size; rows at an interval."""

import numpy as np
import pytest

import solidstack as ss
from solidstack.errors import StructureError
from solidstack.twin.electrochemistry.cycle import discharge as simulate
from tests.cells import TEMPERATURE, UM, cell, charge, columns, discharge, host, protocol, rest, salted

HALF = float(host().open_circuit_potential(0.5, TEMPERATURE))


@pytest.fixture
def given():  # type: ignore[no-untyped-def]
    """Slow host and salt, so that every signal has a transient."""
    return cell(
        host(diffusivity=1e-15, exchange=2.0), electrolyte=salted(0.02, diffusivity=1e-12), membrane_thickness=30 * UM
    )


@pytest.mark.parametrize(
    ("plan", "what"),
    [
        (protocol({"kind": "hold", "voltage": HALF + 0.01, "until": {"time": "1 h"}}), "current_density"),
        (protocol(charge("C/10", time="20 min"), rest("1 h")), "voltage"),
    ],
    ids=["hold of 10 mV", "pulse and rest"],
)
def test_a_small_signal_is_resolved_to_its_own_size(design: ss.Design, given, plan, what: str) -> None:  # type: ignore[no-untyped-def]
    """A hold of 10 mV was 0.8 % off in its charge, and a pulse of titration had 9 points."""
    usual, fine = (
        simulate(columns(24), design, parameters=given, protocol=plan, accuracy=accuracy, initial_stoichiometry=0.5)
        for accuracy in (1.0, 0.05)
    )
    step = usual.steps[0]
    assert step.last - step.first > 25
    rows = usual.rows(step)
    found, exact = getattr(usual, what)[rows][3:], np.interp(usual.time[rows][3:], fine.time, getattr(fine, what))
    assert np.max(np.abs(found - exact)) < 2e-3 * np.ptp(exact)
    assert step.capacity == pytest.approx(fine.steps[0].capacity, rel=1e-3)


def test_rows_come_at_an_interval(design: ss.Design, given) -> None:  # type: ignore[no-untyped-def]
    plan = protocol(charge("1C", time="95 s"), rest("30 s"))
    run = simulate(columns(8), design, parameters=given, protocol=plan, output_interval=10.0)
    first = run.time[run.rows(run.steps[0])]
    for multiple in range(10, 91, 10):
        assert np.min(np.abs(first - multiple)) < 1e-6
    assert first[-1] == pytest.approx(95.0)
    rested = run.time[run.rows(run.steps[1])] - 95.0
    assert np.min(np.abs(rested - 20.0)) < 1e-6


@pytest.mark.parametrize(
    ("interval", "message"),
    [
        (0.0, "output_interval: 0 s is not a time above 0"),
        (-1.0, "output_interval: -1 s is not a time above 0"),
        (float("nan"), "output_interval: nan s is not a time above 0"),
        (1e-3, "gives about 6e.04 rows in steps.0, more than 10000; give at least 0.006 s"),
    ],
)
def test_an_interval_that_makes_no_sense_is_refused(design: ss.Design, given, interval: float, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(StructureError, match=message):
        simulate(
            columns(4), design, parameters=given, protocol=protocol(charge("1C", time="60 s")), output_interval=interval
        )


def test_the_homogenised_model_takes_the_interval_too(design: ss.Design) -> None:
    pytest.importorskip("pybamm")
    from solidstack.twin.companion.homogenised import simulate as homogenised

    run = homogenised(design, protocol(discharge("C/2", time="3600 s")), initial_stoichiometry=0.4, output_interval=2.0)
    assert np.max(np.diff(run.time)) < 2.0 + 1e-6


def test_the_command_takes_an_interval(run) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("pybamm")
    wrong = run("twin", "simulate", "examples/pouch-0.16Ah.toml", "--every", "0 s")
    assert wrong.code == 2
    assert "output_interval: 0 s is not a time above 0" in wrong.err
