"""Three models of one electrode side by side, one parameter at a time, and the simulated group of the sheet."""

import numpy as np
import pytest

import solidstack as ss
from solidstack.design import Protocol
from solidstack.electrode import Simulated
from solidstack.errors import StructureError
from solidstack.study.validation import coarse, resistance, sensitivity, validate
from solidstack.twin.runs import Measured

pytest.importorskip("pybamm")

PROTOCOL = Protocol.from_dict(
    {
        "steps": [
            {"kind": "charge", "current": "1C", "until": {"capacity": "10 mAh/g", "voltage": "4.3 V"}},
            {"kind": "discharge", "current": "0.5C", "until": {"capacity": "6 mAh/g", "voltage": "2.7 V"}},
        ]
    }
)


@pytest.fixture
def rich() -> ss.Design:
    """Much electrolyte, so that few voxels resolve it."""
    return ss.Design.from_dict(
        {
            "name": "rich in electrolyte",
            "temperature": "45 degC",
            "positive": {
                "composition": {"NCM622": "70 wt%", "SPE": "30 wt%"},
                "loading": "4 mg/cm^2",
                "porosity": "10 %",
            },
            "negative": {"kind": "lithium-foil", "thickness": "40 um"},
            "membrane": {"material": "SPE", "thickness": "30 um"},
            "stack": {"bilayers": 1, "positive_size": ["20 mm", "20 mm"]},
            "kinetics": {"ideal_electronics": True, "transference_number": 1.0},
        }
    )


def test_models_agree_where_all_is_connected(rich: ss.Design) -> None:
    found = validate(rich, protocol=PROTOCOL, voxel="1.2 um", models=("random", "homogenised"))
    runs = {name: model.run for name, model in found.models.items()}
    assert all(run is not None and run.is_complete for run in runs.values())
    volts = [run.of("discharge").average_voltage for run in runs.values()]  # type: ignore[union-attr]
    assert abs(volts[0] - volts[1]) < 5e-3
    parts = [sum(model.resistance.values()) for model in found.models.values()]
    assert parts[0] == pytest.approx(parts[1], rel=0.1)
    assert found.effective is not None
    data = found.to_dict()
    assert set(data["models"]) == {"random", "homogenised"}
    assert any("agree" in text or "loses" in text for text in found.words)


def test_measured_curves_are_compared(rich: ss.Design) -> None:
    first = validate(rich, protocol=PROTOCOL, voxel="1.2 um", models=("homogenised",))
    run = first.models["homogenised"].run
    assert run is not None
    rows = run.rows(run.steps[-1])
    curve = Measured("m", "discharge", run.capacity[rows], run.voltage[rows] - 0.01)
    again = validate(rich, protocol=PROTOCOL, voxel="1.2 um", models=("homogenised",), measured=[curve])
    apart = again.deviations()["homogenised"]["discharge"]
    assert apart["rms_mV"] == pytest.approx(10.0, rel=1e-3)


def test_resistance_is_overpotential_over_current(rich: ss.Design) -> None:
    run = validate(rich, protocol=PROTOCOL, voxel="1.2 um", models=("homogenised",)).models["homogenised"].run
    assert run is not None
    step = run.steps[-1]
    rows = run.rows(step)
    over = np.interp(0.5 * step.capacity, run.capacity[rows], (run.voltage - run.split["equilibrium"])[rows])
    current = run.current_density[step.last]
    assert sum(resistance(run).values()) == pytest.approx(over / current, rel=1e-6)


def test_coarse_structure_resolves_the_film_or_says_why_not(rich: ss.Design, design: ss.Design) -> None:
    made, notes = coarse(rich)
    assert made.labels.size < 60_000
    assert made.size[0] == pytest.approx(float(ss.evaluate(rich).positive.thickness), rel=0.02)
    piece, notes = coarse(design)
    assert piece.labels.size == pytest.approx(68_000, rel=0.03)
    assert notes[0].startswith("a piece of 9.9 um of the coating's 54.5 um")
    thin = design.with_(positive__composition__NCM622=0.965)
    with pytest.raises(StructureError, match=r"a structure that resolves it has .* voxels, more than 150000"):
        coarse(thin)


def test_a_failing_model_is_told_not_raised(design: ss.Design) -> None:
    """Voxels far above the film: the electrolyte does not connect."""
    found = validate(design, protocol=PROTOCOL, voxel="1.5 um", size="13 um", models=("homogenised",))
    assert found.models["homogenised"].run is None
    assert "not made" in found.models["homogenised"].notes[-1]
    with pytest.raises(StructureError, match='model "DFN" is unknown'):
        validate(design, models=("DFN",))


def test_sensitivity(rich: ss.Design) -> None:
    base, rows = sensitivity(rich, names=("membrane_conductivity", "lithium_resistance"), protocol=PROTOCOL)
    found = {(row["name"], row["factor"]): row["average_voltage_V"] for row in rows}
    # discharge: a better membrane gives more voltage; its ohmic part is linear in 1/conductivity
    up = found["membrane_conductivity", 2.0] - base["average_voltage_V"]
    down = base["average_voltage_V"] - found["membrane_conductivity", 0.5]
    assert up > 0.0
    assert down == pytest.approx(2.0 * up, rel=0.05)
    assert found["lithium_resistance", 2.0] < base["average_voltage_V"]


def test_simulated_group_only_when_given(design: ss.Design) -> None:
    assert "simulated" not in ss.evaluate(design).to_dict()
    sheet = ss.evaluate(design, simulated=Simulated(648e3, 72e3, 324e3, 36e3, 3.7, 133.2e3, 0.5))
    assert sheet.to_dict()["simulated"] == {
        "slow_capacity_mAh_g": 180.0,
        "slow_areal_capacity_mAh_cm2": 2.0,
        "rated_capacity_mAh_g": 90.0,
        "rated_areal_capacity_mAh_cm2": 1.0,
        "rated_average_voltage_V": 3.7,
        "rated_energy_mWh_cm2": 3.7,
        "capacity_kept_pct": 50.0,
    }
