"""Rate capability: capacity over C-rate and loading, next to the closed form's threshold."""

import numpy as np
import pytest

import solidstack as ss
from solidstack.errors import DesignError
from solidstack.outcomes import Outcome
from solidstack.progress import Progress
from solidstack.study.rates import rate_capability
from solidstack.twin.companion.homogenised import HomogenisedModel


@pytest.fixture
def single(design: ss.Design) -> ss.Design:
    """The worked example with a single-ion conductor."""
    return design.with_(kinetics__transference_number=1.0)


def test_rate_capability(single: ss.Design) -> None:
    model = HomogenisedModel()
    seen: list[Progress] = []
    rates = rate_capability(single, [0.1, 1.0, 4.0], [0.1, 0.4], shared=model, progress=seen.append)
    assert dict(rates.sizes) == {"loading": 2, "c_rate": 3}
    assert rates.capacity_kept.values[0, 0] == 1.0
    assert rates.capacity_kept.values[1, 0] == pytest.approx(1.0, abs=1e-2)
    assert (np.diff(rates.capacity_kept.values, axis=1) < 0.0).all()
    assert (np.diff(rates.capacity_kept.values, axis=0)[:, 1:] < 0.0).all()
    assert rates.capacity_kept.values[1, 2] < 0.6
    for rate, threshold in zip(rates.c_rate.values, rates.loading_threshold.values, strict=True):
        expected = ss.evaluate(single.with_(rating__c_rate=float(rate))).thresholds.loading_threshold
        assert threshold == pytest.approx(expected, rel=1e-9)
    assert rates.discharge_capacity.attrs["units"] == "A s/kg"
    assert (rates.outcome.values[:, 0] == Outcome.VOLTAGE).all()
    assert (rates.end_reason.values[:, 0] == "reached 2.7 V").all()
    assert set(rates.outcome.values.ravel()) <= set(Outcome)
    assert [state.done for state in seen] == list(range(7))
    assert (seen[0].what, seen[-1].share) == ("discharge at 0.1C, 10 mg/cm^2", 1.0)
    with pytest.raises(DesignError, match="c_rates: .* is not a list of numbers above 0"):
        rate_capability(single, [0.0, 1.0], shared=model)
