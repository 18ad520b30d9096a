"""Fixtures: a design that few voxels resolve, and a short protocol."""

import pytest

import solidstack as ss
from solidstack.design import Protocol


@pytest.fixture(scope="session")
def protocol() -> Protocol:
    """A tenth of a charge, and less of a discharge."""
    return Protocol.from_dict(
        {
            "steps": [
                {"kind": "charge", "current": "1C", "until": {"capacity": "10 mAh/g", "voltage": "4.3 V"}},
                {"kind": "discharge", "current": "0.5C", "until": {"capacity": "6 mAh/g", "voltage": "2.7 V"}},
            ]
        }
    )


@pytest.fixture(scope="session")
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
