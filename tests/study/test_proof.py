"""The proof: what it has, what it leaves out and why, and its figures on the sheet."""

import pytest

import solidstack as ss
from solidstack.electrode import Simulated
from solidstack.errors import SolidstackError
from solidstack.maps import KINDS
from solidstack.progress import Progress
from solidstack.study.proof import prove
from solidstack.study.simulation import Cycle, simulated_cycle

from ..runs import made


def test_without_a_twin_there_are_a_sheet_and_maps(design: ss.Design) -> None:
    states: list[Progress] = []
    proof = prove(design, twin=False, progress=states.append)
    assert proof.design is design
    assert proof.sheet.to_dict() == ss.evaluate(design).to_dict()
    assert (proof.twin, proof.cycle, list(proof.maps)) == (None, None, list(KINDS))
    assert [state.what for state in states] == ["design sheet", *(f"map: {kind}" for kind in KINDS)]
    assert prove(design, twin=False, maps=False).maps == {}


def test_the_sheet_has_the_conductivity_of_the_twin(design: ss.Design) -> None:
    pytest.importorskip("numba")
    states: list[Progress] = []
    proof = prove(design, size="10 um", voxel="0.5 um", cycle=False, maps=False, progress=states.append)
    assert proof.twin is not None
    assert proof.cycle is None
    corrected = proof.sheet.twin
    assert corrected is not None
    assert corrected.effective_conductivity == proof.twin.transport.x.conductivity
    assert proof.warnings == (*proof.sheet.warnings, *proof.twin.report.warnings)
    assert any(state.what.startswith("digital twin: ") for state in states)
    assert all(0.0 <= state.share <= 0.3 for state in states)


def test_a_cycle_that_is_not_possible_has_the_reason(design: ss.Design, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(design: ss.Design) -> None:
        msg = "no exchange current density"
        raise SolidstackError(msg)

    monkeypatch.setattr("solidstack.study.simulation.cell_parameters", missing)
    structure: object = None
    cycle = simulated_cycle(design, structure)  # type: ignore[arg-type]
    assert cycle == Cycle(None, notes=("no charge and discharge: no exchange current density",))
    assert cycle.runs == {}
    assert cycle.words == ()


def test_words_of_a_cycle() -> None:
    cycle = Cycle(None, homogenised=made(), coarse=made(), differences=("the coarse twin gives more",))
    assert list(cycle.runs) == ["coarse twin, voxel by voxel", "homogenised, of the fine twin"]
    first, second, third = cycle.words
    assert first == "The coarse twin gives more."
    assert "each particle" in second
    assert "20 mg cm⁻² of active material" in third
    assert Cycle(None, coarse=made()).words == ()


def test_simulated_group_only_when_there_is_one(design: ss.Design) -> None:
    assert "simulated" not in ss.evaluate(design).to_dict()
    sheet = ss.evaluate(design, simulated=Simulated(648e3, 72e3, 324e3, 36e3, 3.7, 133.2e3, 0.5, 20.0))
    assert sheet.to_dict()["simulated"] == {
        "slow_capacity_mAh_g": 180.0,
        "slow_areal_capacity_mAh_cm2": 2.0,
        "rated_capacity_mAh_g": 90.0,
        "rated_areal_capacity_mAh_cm2": 1.0,
        "rated_average_voltage_V": 3.7,
        "rated_energy_mWh_cm2": 3.7,
        "capacity_kept_pct": 50.0,
        "salt_limiting_current_mA_cm2": 2.0,
    }
