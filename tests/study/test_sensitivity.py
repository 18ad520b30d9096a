"""One parameter at a time: signs, and what is linear."""

import pytest

import solidstack as ss
from solidstack.design import Protocol
from solidstack.errors import StructureError
from solidstack.progress import Progress
from solidstack.study.sensitivity import one_at_a_time

pytest.importorskip("pybamm")


def test_a_better_membrane_gives_more_voltage(rich: ss.Design, protocol: Protocol) -> None:
    states: list[Progress] = []
    base, rows = one_at_a_time(
        rich, names=("membrane_conductivity", "lithium_resistance"), protocol=protocol, progress=states.append
    )
    volts = {(row["name"], row["factor"]): row["average_voltage_V"] for row in rows}
    # discharge: a better membrane gives more voltage; its ohmic part is linear in 1/conductivity
    up = volts["membrane_conductivity", 2.0] - base["average_voltage_V"]
    down = base["average_voltage_V"] - volts["membrane_conductivity", 0.5]
    assert up > 0.0
    assert down == pytest.approx(2.0 * up, rel=0.05)
    assert volts["lithium_resistance", 2.0] < base["average_voltage_V"]
    assert [(state.done, state.of) for state in states] == [(number, 5) for number in range(5)]
    assert states[1].what == "membrane conductivity times 0.5"


def test_unknown_names_are_refused(rich: ss.Design) -> None:
    with pytest.raises(StructureError, match='model "DFN" is not recognised; choose homogenised or twin'):
        one_at_a_time(rich, model="DFN")
    with pytest.raises(StructureError, match='no parameter "porosty"; did you mean "porosity"'):
        one_at_a_time(rich, names=("porosty",))
    with pytest.raises(StructureError, match='the twin model has no parameter "porosity"'):
        one_at_a_time(rich, names=("porosity",), model="twin")
