import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from solidstack.errors import MeasurementError
from solidstack.materials.schema import VoltageEntry
from solidstack.measure import cv, lsv
from solidstack.measure.readers import read
from solidstack.measure.records import CURRENT, TIME, VOLTAGE, record

from ..conftest import SHARED

AREA = 1e-4
TRIALS = 500
ONSET, SLOPE = 4.5, 5e-5
LSV = SHARED / "measurements" / "yadg_lsv.mpr"


def sweep(current, *, low=3.0, high=5.0, noise=0.0, seed=0, step=0.002, rate=1e-3, area=AREA, down=False):
    """A sweep whose current (A, above 0 for the reaction) is a function of the potential in its direction."""
    E = np.arange(low, high, step)
    rise = current(E) + noise * np.random.default_rng(seed).standard_normal(len(E))
    volts, amperes = (-E, -rise) if down else (E, rise)
    return record({TIME: (E - low) / rate, VOLTAGE: volts, CURRENT: amperes}, source="lsv.mpr", area=area)


def ramp(E, onset=ONSET, bend=0.005):
    """Leak of 0.1 uA/V and 0.1 uA, and from the onset on a straight rise."""
    return 1e-7 * (E - 3.0) + 1e-7 + SLOPE * bend * np.logaddexp(0.0, (E - onset) / bend)


def test_tangent_and_threshold_of_a_straight_rise():
    result = lsv.analyse(sweep(ramp, noise=2e-8))
    values = result.values
    assert_allclose(values["oxidation_onset"].value, ONSET, atol=0.002)
    # 10 uA/cm2 is 10 uA here: 0.2 V along the rise
    assert_allclose(values["oxidation_threshold"].value, ONSET + 1e-5 / SLOPE, atol=0.001)
    assert_allclose(values["scan_rate"].value, 1e-3, rtol=1e-9)
    assert result.kind == "lsv"
    assert not result.warnings
    (limit,) = result.properties()
    assert limit.name == "oxidation_limit"
    entry = VoltageEntry(**limit.entry, quality="measured", source="test")
    assert_allclose(entry.value, 4.7, atol=0.001)


def test_threshold_moves_with_area_and_current():
    wide = lsv.analyse(sweep(ramp, noise=2e-8), area=2.0 * AREA).values["oxidation_threshold"]
    assert_allclose(wide.value, ONSET + 2e-5 / SLOPE, atol=0.001)
    low = lsv.analyse(sweep(ramp, noise=2e-8), threshold=0.05).values["oxidation_threshold"]
    assert_allclose(low.value, ONSET + 0.5e-5 / SLOPE, atol=0.001)


def test_exponential_rise_at_the_threshold():
    scale, reference = 0.06, 1e-7
    result = lsv.analyse(sweep(lambda E: 1e-7 + reference * np.exp((E - 4.5) / scale), noise=1e-9))
    assert_allclose(result.values["oxidation_threshold"].value, 4.5 + scale * np.log(1e-5 / reference), atol=0.003)
    # the tangent at the end of an exponential cuts the baseline about one scale before the end
    assert_allclose(result.values["oxidation_onset"].value, 4.998 - scale, atol=0.01)
    assert any("the tangent's onset depends on where the sweep ends" in said for said in result.warnings)


@pytest.mark.monte_carlo
def test_coverage_of_the_intervals():
    inside = {"oxidation_onset": 0, "oxidation_threshold": 0}
    truth = {"oxidation_onset": ONSET, "oxidation_threshold": ONSET + 1e-5 / SLOPE}
    for seed in range(TRIALS):
        values = lsv.analyse(sweep(ramp, noise=1e-7, seed=seed, step=0.004)).values
        for name, value in truth.items():
            inside[name] += values[name].low <= value <= values[name].high
    for name, count in inside.items():
        assert 0.92 <= count / TRIALS <= 0.985, name


def test_reduction():
    # falling from -0.5 V; begins at -1.5 V
    values = lsv.analyse(sweep(lambda E: ramp(E + 3.0), low=0.5, high=2.2, noise=2e-8, down=True)).values
    assert_allclose(values["reduction_onset"].value, -1.5, atol=0.002)
    assert_allclose(values["reduction_threshold"].value, -1.7, atol=0.001)


def test_both_directions_give_the_window():
    up = sweep(ramp, low=2.5, high=5.0, noise=2e-8)
    E = np.arange(-4.998, -1.0, 0.002)
    down = -(1e-7 + SLOPE * 0.005 * np.logaddexp(0.0, (E + 1.6) / 0.005))
    volts = np.concatenate([up.values(VOLTAGE), -E])
    amperes = np.concatenate([up.values(CURRENT), down])
    t = np.arange(len(volts)) * 2.0
    result = lsv.analyse(record({TIME: t, VOLTAGE: volts, CURRENT: amperes}, area=AREA))
    values = result.values
    assert_allclose(values["oxidation_threshold"].value, 4.7, atol=0.002)
    assert_allclose(values["reduction_threshold"].value, 1.4, atol=0.002)
    assert_allclose(values["window"].value, 3.3, atol=0.004)
    assert [one.name for one in result.properties()] == ["oxidation_limit", "reduction_limit"]


@pytest.mark.parametrize("noise", [0.0, 5e-9])
def test_no_onset_gives_the_bound(noise):
    result = lsv.analyse(sweep(lambda E: 1e-7 * (E - 3.0), noise=noise))
    assert np.isnan(result.values["oxidation_onset"].value)
    assert np.isnan(result.values["oxidation_threshold"].value)
    assert result.to_dict()["oxidation_onset_V"]["value"] is None
    assert any(
        said.startswith("no onset of oxidation up to 4.998 V") and said.endswith("the limit is above 4.998 V")
        for said in result.warnings
    )
    assert result.properties() == []


def test_rise_below_the_threshold_is_said():
    result = lsv.analyse(sweep(lambda E: 0.02 * ramp(E), noise=5e-10))
    assert_allclose(result.values["oxidation_onset"].value, ONSET, atol=0.01)
    assert np.isnan(result.values["oxidation_threshold"].value)
    assert any("the current stays below 10 uA/cm^2 over the baseline up to 4.998 V" in said for said in result.warnings)
    assert_allclose(float(result.properties()[0].entry["value"].split()[0]), ONSET, atol=0.01)


def test_doubtful_sweeps():
    unknown = lsv.analyse(sweep(ramp, area=None))
    assert "oxidation_threshold" not in unknown.values
    assert any("the area is not known" in said for said in unknown.warnings)
    noisy = lsv.analyse(sweep(ramp, noise=3e-5))
    assert any("10 uA/cm^2 is within the noise of the current" in said for said in noisy.warnings)
    late = lsv.analyse(sweep(lambda E: 1e-5 * np.sqrt(E - 2.999)))
    assert any("no baseline before the oxidation" in said for said in late.warnings)
    assert np.isnan(late.values["oxidation_onset"].value)
    turned = lsv.analyse(sweep(lambda E: -ramp(E)))
    assert any("is a current of oxidation above 0 in this file?" in said for said in turned.warnings)
    timeless = sweep(ramp)
    timeless = dataclasses.replace(timeless, table=timeless.table[[VOLTAGE, CURRENT]])
    assert any("the file has no time" in said for said in lsv.analyse(timeless).warnings)


def table(**columns):
    names = {"t": TIME, "i": CURRENT, "v": VOLTAGE}
    return record({names[key]: values for key, values in columns.items()}, source="lsv.mpr")


MANY = np.linspace(0.0, 1.0, 100)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (table(t=MANY, i=MANY), r'has no column "Voltage / V"; it has "Test Time / s", "Current / A"'),
        (table(t=MANY, v=MANY), r'has no column "Current / A"'),
        (table(t=MANY, i=MANY, v=0.0 * MANY + 0.3), r"the potential stays within 0 mV; expected a sweep"),
        (table(t=MANY[:9], i=MANY[:9], v=MANY[:9]), r"has 9 points; at least 20 are needed"),
        (table(t=MANY[::-1], i=MANY, v=MANY), r"time goes back at point 2: 0\.989899 s after 1 s"),
        (table(t=MANY, i=MANY, v=np.repeat([0.0, 1.0], 50)), r"the potential jumps instead of changing steadily"),
    ],
)
@pytest.mark.parametrize("analysis", [lsv.analyse, cv.analyse])
def test_refused(bad, words, analysis):
    with pytest.raises(MeasurementError, match=words) as caught:
        analysis(bad)
    assert caught.value.source == "lsv.mpr"


def test_refuses_threshold_and_area():
    with pytest.raises(MeasurementError, match=r"threshold: 0 mA/cm\^2 is not above 0; write for example"):
        lsv.analyse(sweep(ramp), threshold=0.0)
    with pytest.raises(MeasurementError, match=r"area: -1 cm\^2 is not above 0"):
        lsv.analyse(sweep(ramp), area=-1e-4)


@pytest.mark.skipif(not LSV.exists(), reason="needs the measured sweep of the shared data")
def test_measured_sweep():
    result = lsv.analyse(read(LSV), area=1e-4)
    # to -4 V at 20 mV/s; a straight, ohmic rise cuts the baseline near -1.6 V
    assert_allclose(result.values["scan_rate"].value, 0.020, rtol=1e-3)
    assert_allclose(result.values["reduction_onset"].value, -1.57, atol=0.05)
    assert np.isnan(result.values["reduction_threshold"].value)
    assert any("within the noise" in said for said in result.warnings)
    assert any("not against lithium" in said for said in result.warnings)
    assert result.properties() == []
