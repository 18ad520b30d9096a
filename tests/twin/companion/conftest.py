"""Fixtures: one homogenised model, which builds what it needs once for all tests of a session."""

import pytest

import solidstack as ss
from solidstack.twin.companion.homogenised import HomogenisedModel
from solidstack.twin.effective import Effective

from .helpers import some_medium


@pytest.fixture(scope="session")
def model() -> HomogenisedModel:
    return HomogenisedModel()


@pytest.fixture
def single(design: ss.Design) -> ss.Design:
    """The worked example with a single-ion conductor."""
    return design.with_(kinetics__transference_number=1.0)


@pytest.fixture
def medium() -> Effective:
    return some_medium()
