"""Shared by the tests of charge and discharge: constants, and the comparison of two runs bit by bit."""

from collections.abc import Callable

import numpy as np

from solidstack.twin.electrochemistry import cycle as cycle
from solidstack.twin.results import Run

VOLTAGE_LIMIT = 3e-4
"""V, at which a step ends beside its limit."""
EXACT = 1e-6
"""Relative, of time and capacity where they end a step."""
ONE_C = 180.0
"""A/kg, of the example."""
HOUR = 3600.0
CLOSED = (False, False, False)
COARSE = 6.0
"""Accuracy where the size of the time steps does not matter."""

Simulate = Callable[..., Run]


def same(first: Run, second: Run) -> None:
    """Bit by bit, but for the computing time."""
    for name in ("time", "voltage", "current_density", "capacity", "stoichiometry", "temperature", "depth"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)
    for name, part in first.split.items():
        np.testing.assert_array_equal(part, second.split[name], err_msg=name)
    for name, profile in first.profiles.items():
        np.testing.assert_array_equal(profile, second.profiles[name], err_msg=name)
    plain = [[{**step.__dict__, "seconds": 0.0} for step in run.steps] for run in (first, second)]
    assert plain[0] == plain[1]
    assert first.balance == second.balance
    assert (first.outcome, first.end_reason) == (second.outcome, second.end_reason)
    for name in ("time_steps", "newton_iterations", "linear_iterations"):
        assert first.provenance[name] == second.provenance[name], name
