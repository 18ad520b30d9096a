"""Simulated figures say how sure they are: range, what it hangs on, why it ended; voxels extrapolated."""

from typing import Any

import pytest

import solidstack as ss
from solidstack.kinetics import CellParameters, cell_parameters
from solidstack.study.certainty import certainty
from solidstack.study.extrapolation import Extrapolated, extrapolated
from solidstack.study.pieces import plan
from solidstack.uncertain import Uncertain
from solidstack.units import MAH_G


def test_a_figure_takes_the_widest_range_of_one_value(design: ss.Design) -> None:
    parameters = cell_parameters(design)

    def figures(changed: CellParameters) -> dict[str, float]:
        number = changed.electrolyte.transference_number
        exchange = changed.lithium.exchange_current_density(300.0) / parameters.lithium.exchange_current_density(300.0)
        return {"capacity": 100.0 - 50.0 * (number - 0.4) + exchange}

    found = certainty(figures, parameters)
    sure = found.of("capacity", end_reason="reached 2.7 V")
    assert sure.value == pytest.approx(101.0)
    assert (sure.low, sure.high) == (pytest.approx(86.0), pytest.approx(111.0))
    assert sure.hinges_on.startswith("positive: SPE, transference number (assumed: 0.4; 0.2 to 0.7")
    assert sure.end_reason == "reached 2.7 V"
    # another value, with an error of its own
    moved = found.of("capacity", 202.0, error=1.0)
    assert (moved.low, moved.high) == (pytest.approx(171.0), pytest.approx(223.0))


def test_a_figure_that_nothing_moves_is_sure(design: ss.Design) -> None:
    found = certainty(lambda _: {"capacity": 7.0}, cell_parameters(design)).of("capacity")
    assert (found.low, found.high, found.hinges_on) == (7.0, 7.0, "")
    assert Uncertain.sure(3600.0).text(MAH_G) == "1"


def test_a_parameter_that_cannot_be_moved_is_left_out(design: ss.Design) -> None:
    from solidstack.errors import StructureError

    def figures(changed: CellParameters) -> dict[str, float]:
        if changed.electrolyte.transference_number != 0.4:
            msg = "no"
            raise StructureError(msg)
        return {"capacity": 1.0}

    assert certainty(figures, cell_parameters(design)).of("capacity").low == 1.0


def test_extrapolation_over_voxels() -> None:
    """In a straight line through two sizes, with the way to the finer one as error."""
    assert extrapolated(0.8, 0.7, 1.5) == Extrapolated(pytest.approx(1.0), pytest.approx(0.2), 0.8)
    assert extrapolated(0.0, 0.0, 1.5) == Extrapolated(0.0, 0.0, 0.0)
    assert extrapolated(0.1, 0.5, 1.5).value == 0.0


def test_a_model_is_made_of_the_whole_coating_or_of_a_fine_piece(design: ss.Design) -> None:
    poor = design.with_(positive__composition={"NCM622": "78.5 wt%", "SPE": "19.5 wt%", "carbon black": "2 wt%"})
    whole = plan(poor, "random")
    assert whole.is_whole
    assert whole.film / whole.voxel >= 1.5
    piece = plan(design, "close-packed")
    assert not piece.is_whole
    assert piece.film / piece.voxel == pytest.approx(2.0)
    assert piece.words.startswith("the medium of a piece of 12.1 um in voxels of 0.0968 um, 2 to the film of")
    assert piece.words.endswith("scaled to the whole coating of 54.5 um")
    assert plan(design, "random", voxel="1 um").is_whole


def test_the_sheet_of_a_proof_carries_ranges(design: ss.Design) -> None:
    from solidstack.electrode import Simulated

    sure = Uncertain(180 * 3600.0, 150 * 3600.0, 185 * 3600.0, "reached 2.7 V", "the salt")
    energy = Uncertain(1e5, 0.5e5, 1.2e5, "reached 2.7 V", "the salt")
    simulated = Simulated(
        648e3, 72e3, 648e3, 120e3, 3.7, 4.4e5, 1.0, 20.0,
        certainty={"rated_capacity": sure, "rated_energy": energy}, method="a model",
    )  # fmt: skip
    sheet = ss.evaluate(design, effective_conductivity=0.001, conductivity_error=0.1, simulated=simulated)
    data: dict[str, Any] = sheet.to_dict()
    assert data["simulated"]["rated_capacity_mAh_g"] == {
        "value": 180.0, "low": 150.0, "high": 185.0, "end_reason": "reached 2.7 V", "hinges_on": "the salt",
    }  # fmt: skip
    rating = data["at_rating"]
    assert set(rating) == {
        "capacity_Ah", "energy_Wh", "average_voltage_V", "specific_energy_Wh_kg", "energy_density_Wh_L", "method",
        "end_reason", "low_Wh_kg", "high_Wh_kg", "hinges_on",
    }  # fmt: skip
    assert rating["low_Wh_kg"] / rating["specific_energy_Wh_kg"] == pytest.approx(0.5)
    assert rating["capacity_Ah"] == pytest.approx(data["cell"]["capacity_Ah"] * 120e3 / sheet.positive.areal_capacity)
    assert (rating["method"], rating["hinges_on"]) == ("a model", "the salt")
    assert ss.evaluate(design).to_dict()["at_rating"] is None
    # the twin's threshold is far from the closed form's: warnings take it
    assert sheet.twin_decides
    assert any("of its digital twin" in text for text in sheet.warnings)
    assert any("180 (150 to 185) mAh g⁻¹ (ended: " in text and "hangs most on the salt" in text for text in sheet.notes)
    near = ss.evaluate(
        design, effective_conductivity=float(sheet.positive.effective_conductivity) * 1.01, conductivity_error=0.1
    )
    assert not near.twin_decides
