"""Three models of one electrode compared, and with measured curves."""

from dataclasses import replace

import numpy as np
import pytest

import solidstack as ss
from solidstack.design import Protocol
from solidstack.errors import StructureError
from solidstack.outcomes import Outcome
from solidstack.progress import Progress
from solidstack.study.model import Model, resistance
from solidstack.study.validation import Validation, validate
from solidstack.twin.measured_curves import Measured

from ..runs import made

pytest.importorskip("pybamm")


@pytest.fixture(scope="module")
def homogenised(rich: ss.Design, protocol: Protocol) -> Validation:
    return validate(rich, protocol=protocol, voxel="1.2 um", models=("homogenised",))


def test_models_agree_where_all_is_connected(rich: ss.Design, protocol: Protocol) -> None:
    states: list[Progress] = []
    validation = validate(
        rich, protocol=protocol, voxel="1.2 um", models=("random", "homogenised"), progress=states.append
    )
    runs = {name: model.run for name, model in validation.models.items()}
    assert all(run is not None and run.is_complete for run in runs.values())
    volts = [run.of("discharge").average_voltage for run in runs.values()]  # type: ignore[union-attr]
    assert abs(volts[0] - volts[1]) < 5e-3
    resistances = [sum(model.resistance.values()) for model in validation.models.values()]
    assert resistances[0] == pytest.approx(resistances[1], rel=0.1)
    assert validation.effective is not None
    data = validation.to_dict()
    assert set(data["models"]) == {"random", "homogenised"}
    assert [model["outcome"] for model in data["models"].values()] == ["complete", "complete"]
    assert any("agree" in text or "loses" in text for text in validation.words)
    assert {state.what.split(":")[0] for state in states} == {"random", "homogenised"}
    halves = {name: [state.share for state in states if state.what.startswith(f"{name}:")] for name in runs}
    assert max(halves["random"]) <= 0.5 <= min(halves["homogenised"])


def test_measured_curves_are_compared(rich: ss.Design, protocol: Protocol, homogenised: Validation) -> None:
    run = homogenised.models["homogenised"].run
    assert run is not None
    rows = run.rows(run.steps[-1])
    curve = Measured("m", "discharge", run.capacity[rows], run.voltage[rows] - 0.01)
    again = validate(rich, protocol=protocol, voxel="1.2 um", models=("homogenised",), measured=[curve])
    apart = again.deviations()["homogenised"]["discharge"]
    assert apart["rms_mV"] == pytest.approx(10.0, rel=1e-3)


def test_resistance_is_overpotential_over_current(homogenised: Validation) -> None:
    run = homogenised.models["homogenised"].run
    assert run is not None
    step = run.steps[-1]
    rows = run.rows(step)
    over = np.interp(0.5 * step.capacity, run.capacity[rows], (run.voltage - run.split["equilibrium"])[rows])
    current = run.current_density[step.last]
    assert sum(resistance(run).values()) == pytest.approx(over / current, rel=1e-6)


def test_a_model_that_fails_is_named_not_raised(design: ss.Design, protocol: Protocol) -> None:
    """Voxels far above the film: the electrolyte does not connect."""
    validation = validate(design, protocol=protocol, voxel="1.5 um", size="13 um", models=("homogenised",))
    model = validation.models["homogenised"]
    assert model.run is None
    assert model.outcome is Outcome.NO_SOLUTION
    assert "could not be run" in model.notes[-1]
    with pytest.raises(StructureError, match='model "DFN" is not recognised'):
        validate(design, models=("DFN",))


def test_a_step_that_ran_out_of_salt_is_mentioned_by_its_outcome(design: ss.Design) -> None:
    """Its words do not matter."""
    run = made()
    steps = (run.steps[0], replace(run.steps[1], outcome=Outcome.DEPLETED, end_reason="no salt at the collector"))
    words = Validation(design, {"twin": Model("twin", replace(run, steps=steps))}).words
    assert "twin: the discharge ended early, no salt at the collector" in words
    steps = (run.steps[0], replace(run.steps[1], outcome=Outcome.VOLTAGE, end_reason="salt not depleted"))
    words = Validation(design, {"twin": Model("twin", replace(run, steps=steps))}).words
    assert not any("ended early" in text for text in words)


def test_seeds_spread_and_ranges(rich: ss.Design, protocol: Protocol) -> None:
    validation = validate(rich, protocol=protocol, voxel="1.2 um", size="14 um", seeds=2, models=("homogenised",))
    model = validation.models["homogenised"]
    assert len(model.runs) == 2
    data = model.to_dict()
    assert len(data["seeds"]) == 2
    assert data["discharge_mAh_g"]["low"] <= data["discharge_mAh_g"]["value"] <= data["discharge_mAh_g"]["high"]
    assert data["discharge_mAh_g"]["end_reason"]
    assert data["basis"]
    assert data["spread_over_seeds_mAh_g"]["discharge"] is not None
    with pytest.raises(StructureError, match="seeds: 0 is not possible; give a number from 1 to 100"):
        validate(rich, seeds=0)
