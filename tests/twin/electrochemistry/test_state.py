"""Where a run stands: frozen, with the charge that has passed in the action under way."""

import dataclasses

import pytest

from solidstack.twin.electrochemistry.state import State


def test_state_is_replaced_and_never_changed() -> None:
    state = State(time=1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        state.time = 2.0  # type: ignore[misc]
    assert dataclasses.replace(state, time=2.0).time == 2.0
    assert state.time == 1.0


@pytest.mark.parametrize(
    ("fields", "is_fresh", "is_first"),
    [
        ({}, True, True),
        ({"rows": 3, "first": 3}, True, True),
        ({"rows": 3, "first": 3, "last": 1.0}, False, True),
        ({"rows": 4, "first": 3}, False, False),
    ],
)
def test_beginning_of_an_action(fields: dict[str, float], is_fresh: bool, is_first: bool) -> None:
    state = State(**fields)  # type: ignore[arg-type]
    assert (state.is_fresh, state.is_first) == (is_fresh, is_first)


@pytest.mark.parametrize("passed", [30.0, -10.0])
def test_charge_moved_in_an_action_has_no_sign(passed: float) -> None:
    """From where the action started, not from the start of the protocol."""
    assert State(passed=passed, start=(5.0, 10.0)).moved == 20.0
