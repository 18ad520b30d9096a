"""Time steps: accuracy, and no dependence on the number of threads."""

import numba
import numpy as np
import pytest

from tests.cells import (
    cell,
    charge,
    discharge,
    mixed,
    rest,
    salted,
)

from .helpers import HOUR, Simulate, same

pytestmark = pytest.mark.usefixtures("one_thread")


def test_tighter_accuracy_converges(run_of: Simulate) -> None:
    """The curve depends on the time steps by a millivolt; a tenth of the error takes some three times as many."""
    steps = charge("1C", capacity=60.0 * HOUR), rest(300.0), discharge("2C", capacity=30.0 * HOUR)
    runs = {accuracy: run_of(*steps, accuracy=accuracy) for accuracy in (0.1, 1.0, 10.0)}
    ends = {accuracy: np.array([run.voltage[step.last] for step in run.steps]) for accuracy, run in runs.items()}
    assert np.abs(ends[10.0] - ends[0.1]).max() < 4e-3
    assert np.abs(ends[1.0] - ends[0.1]).max() < 1e-3
    counts = [len(run.time) for run in runs.values()]
    assert counts[2] < counts[1] < 0.6 * counts[0]


def test_results_do_not_depend_on_the_number_of_threads(run_of: Simulate) -> None:
    made = mixed(3, (7, 6, 5))
    parameters = cell(electrolyte=salted())
    steps = charge("1C", time=300.0), discharge("1C", time=100.0)
    single = run_of(*steps, made=made, parameters=parameters)
    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    same(single, run_of(*steps, made=made, parameters=parameters))
