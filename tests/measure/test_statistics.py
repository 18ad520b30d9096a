import numpy as np
import pytest
from scipy import stats

from solidstack.measure.statistics import (
    CONFIDENCE,
    Estimate,
    interval,
    least_squares,
    line,
    noise_of,
    quantile,
    robust_deviation,
)

TRIALS = 500
EDGES = (0.92, 0.98)


def test_a_line_through_points_on_it_is_exact() -> None:
    found = line([1.0, 2.0, 4.0], [3.0, 5.0, 9.0])
    np.testing.assert_allclose(found.values, [1.0, 2.0], rtol=1e-12)
    np.testing.assert_allclose(found.covariance, 0.0, atol=1e-20)


def test_the_slope_s_deviation_is_that_of_the_textbook() -> None:
    x, y = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.1, 0.9, 2.2, 2.9])
    found = line(x, y)
    slope, intercept = np.polyfit(x, y, 1)
    left = y - intercept - slope * x
    expected = np.sqrt(left @ left / 2.0 / np.sum((x - 1.5) ** 2))
    assert found.propagate(1)[1] == pytest.approx(expected, rel=1e-12)
    assert found.fitted(1, "slope").high - found.values[1] == pytest.approx(4.302653 * expected, rel=1e-6)


def test_two_points_have_a_line_and_no_interval() -> None:
    found = line([1.0, 2.0], [1.0, 3.0])
    assert found.values[1] == pytest.approx(2.0)
    assert np.isnan(found.fitted(1, "slope").low)
    with pytest.raises(ValueError, match="two different x"):
        line([1.0, 1.0], [1.0, 2.0])


def test_known_deviations_weigh_and_give_normal_intervals() -> None:
    x, y, deviations = np.arange(4.0), np.array([0.0, 1.0, 2.0, 9.0]), np.array([0.1, 0.1, 0.1, 1e6])
    found = line(x, y, deviations)
    assert found.values[1] == pytest.approx(1.0, abs=1e-6)
    assert found.degrees == np.inf
    assert found.propagate(1)[1] == pytest.approx(0.1 / np.sqrt(2.0), rel=1e-6)


@pytest.mark.parametrize("known", [False, True])
def test_intervals_of_a_line_cover_the_truth_as_often_as_they_say(known: bool) -> None:
    random = np.random.default_rng(8)
    x = np.linspace(0.0, 1.0, 6)
    covered = 0
    for _ in range(TRIALS):
        y = 1.0 + 2.0 * x + random.normal(0.0, 0.1, x.size)
        found = line(x, y, np.full(x.size, 0.1) if known else None).fitted(1, "slope")
        covered += found.low <= 2.0 <= found.high
    assert EDGES[0] <= covered / TRIALS <= EDGES[1]


def test_least_squares_recovers_a_decay_and_its_intervals_cover() -> None:
    random = np.random.default_rng(5)
    t = np.linspace(0.0, 3.0, 25)
    covered = 0
    for _ in range(200):
        y = 2.0 * np.exp(-1.5 * t) + random.normal(0.0, 0.02, t.size)
        found = least_squares(lambda p, y=y: p[0] * np.exp(-p[1] * t) - y, [1.0, 1.0])
        rate = found.fitted(1, "rate")
        covered += rate.low <= 1.5 <= rate.high
    assert 0.91 <= covered / 200 <= 0.985


def test_a_parameter_that_the_data_say_nothing_of_has_no_interval() -> None:
    x = np.linspace(0.0, 1.0, 9)
    found = least_squares(lambda p: (p[0] + p[1]) * x - x, [0.3, 0.3])
    assert np.isinf(found.propagate(0)[1])


def test_propagation_is_that_of_the_product_rule() -> None:
    found = Estimate(np.array([2.0, 5.0]), np.diag([0.01, 0.04]), np.inf)
    value, deviation = found.propagate(lambda p: float(p[0] * p[1]))
    assert value == pytest.approx(10.0)
    assert deviation == pytest.approx(np.hypot(5.0 * 0.1, 2.0 * 0.2), rel=1e-6)
    wide = found.fitted(0, "x", logarithmic=True)
    assert wide.high / wide.value == pytest.approx(wide.value / wide.low)


def test_the_interval_is_of_95_percent() -> None:
    assert CONFIDENCE == 0.95
    assert interval(1.0, 0.1, "x").high == pytest.approx(1.0 + 1.959964 * 0.1, rel=1e-6)
    assert np.isnan(quantile(0))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_noise_on_a_polynomial_is_found_whatever_its_size_and_spikes(order: int) -> None:
    random = np.random.default_rng(3)
    x = np.linspace(0.0, 1.0, 20001)
    smooth = np.polynomial.Polynomial([1.0, -2.0, 3.0][:order])(x)
    values = smooth + 0.05 * random.standard_normal(x.size)
    # the median of n values has a relative deviation of about 1.2 / sqrt(n); neighbours are correlated
    assert noise_of(values, order) == pytest.approx(0.05, rel=0.03)
    assert noise_of(1e-6 * values, order) == pytest.approx(1e-6 * noise_of(values, order), rel=1e-9)
    values[:: len(values) // 20] += 100.0
    assert noise_of(values, order) == pytest.approx(0.05, rel=0.03)


def test_a_polynomial_alone_has_no_noise_and_too_few_points_give_none() -> None:
    x = np.arange(30.0)
    assert noise_of(2.0 + 3.0 * x) == 0.0
    assert noise_of(x**2, 3) == 0.0
    assert noise_of(x**2) > 0.0
    assert noise_of([1.0, 5.0]) == 0.0


def test_the_robust_deviation_is_that_of_normal_values_without_their_outliers() -> None:
    values = 0.2 * stats.norm.ppf((np.arange(1000) + 0.5) / 1000.0)
    assert robust_deviation(values) == pytest.approx(0.2, rel=2e-3)
    values[-20:] = 1e3
    assert robust_deviation(values) == pytest.approx(0.2, rel=2e-3)
