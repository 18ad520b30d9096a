"""Fixtures of the twin and of the homogenised model."""

import pytest

import solidstack as ss


@pytest.fixture
def single(design: ss.Design) -> ss.Design:
    """The worked example with a single-ion conductor."""
    return design.with_(kinetics__transference_number=1.0)
