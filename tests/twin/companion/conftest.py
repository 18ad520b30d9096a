"""Fixtures: one homogenised model, which builds what it needs once for all tests of a session."""

import pytest

from solidstack.twin.companion.homogenised import HomogenisedModel
from solidstack.twin.effective import Effective

from .helpers import some_medium


@pytest.fixture(scope="session")
def model() -> HomogenisedModel:
    return HomogenisedModel()


@pytest.fixture
def medium() -> Effective:
    return some_medium()
