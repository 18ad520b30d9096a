import io

import numpy as np
import pytest
from numpy.testing import assert_allclose

from solidstack.constants import FARADAY, GAS
from solidstack.errors import MeasurementError
from solidstack.measure import cv, lsv
from solidstack.measure.records import CURRENT, TIME, VOLTAGE, record
from solidstack.plot.electrolyte import draw_cv, draw_lsv

from .test_lsv import AREA, ramp, sweep

# a reversible couple of one electron, by semi-integration (Nicholson and Shain): the peak is 0.4463 at 28.5 mV
DIFFUSIVITY, CONCENTRATION, FORMAL, KELVIN = 1e-9, 1.0, 0.1, 298.15
UNIT = FARADAY / GAS / KELVIN


def voltammogram(rate=0.05, *, cycles=1, points=600, span=0.3, noise=0.0, surface=False):
    one = np.linspace(-span, span, points, endpoint=False)
    E = np.append(np.concatenate([np.concatenate([one, -one]) for _ in range(cycles)]), -span)
    step = 2.0 * span / points / rate
    if surface:
        share = 1.0 / (1.0 + np.exp(-UNIT * E))
        current = 1e-3 * np.gradient(share, step)
    else:
        m = FARADAY * AREA * np.sqrt(DIFFUSIVITY) * CONCENTRATION / (1.0 + np.exp(-UNIT * E))
        weights = np.cumprod(np.append(1.0, (np.arange(1, len(E)) - 1.5) / np.arange(1, len(E))))
        current = np.convolve(m, weights)[: len(E)] / np.sqrt(step)
    current = current + noise * np.random.default_rng(1).standard_normal(len(E))
    return record({TIME: np.arange(len(E)) * step, VOLTAGE: E + FORMAL, CURRENT: current}, source="cv.mpr", area=AREA)


def randles_sevcik(rate):
    return 0.4463 * FARADAY * AREA * CONCENTRATION * np.sqrt(UNIT * rate * DIFFUSIVITY)


def test_reversible_couple():
    result = cv.analyse(voltammogram())
    values = result.values
    assert_allclose(values["anodic_peak"].value, FORMAL + 0.0285, atol=0.0005)
    assert_allclose(values["cathodic_peak"].value, FORMAL - 0.0285, atol=0.0015)
    assert_allclose(values["separation"].value, 0.057, atol=0.0015)
    assert_allclose(values["midpoint"].value, FORMAL, atol=0.001)
    assert_allclose(values["anodic_current"].value, randles_sevcik(0.05), rtol=0.01)
    assert_allclose(values["anodic_current_density"].value, randles_sevcik(0.05) / AREA, rtol=0.01)
    assert_allclose(values["current_ratio"].value, 1.0, atol=0.03)
    assert_allclose(values["scan_rate"].value, 0.05, rtol=1e-6)
    current, t = (result.records[0].values(name) for name in (CURRENT, TIME))
    assert_allclose(values["anodic_charge"].value, np.trapezoid(current[:601], t[:601]), rtol=1e-9)
    assert values["cathodic_charge"].value < 0.0
    assert result.kind == "cv"


def test_noise_stays_within_the_intervals():
    clean, noisy = (cv.analyse(voltammogram(noise=noise)).values for noise in (0.0, 2e-6))
    for name in ("anodic_peak", "cathodic_peak", "anodic_current"):
        wide = 2.0 * (noisy[name].high - noisy[name].low)
        assert abs(noisy[name].value - clean[name].value) < wide, name
        assert noisy[name].high - noisy[name].low > clean[name].high - clean[name].low


@pytest.mark.parametrize(("surface", "exponent"), [(False, 0.5), (True, 1.0)])
def test_exponent_of_scan_rates(surface, exponent):
    rates = (0.01, 0.02, 0.05, 0.1, 0.2)
    result = cv.analyse([voltammogram(rate, surface=surface) for rate in rates])
    assert_allclose(result.values["anodic_exponent"].value, exponent, atol=0.005)
    assert_allclose(result.values["cathodic_exponent"].value, exponent, atol=0.005)
    if not surface:
        assert_allclose(result.values["anodic_slope"].value, randles_sevcik(1.0), rtol=0.01)
    assert len(result.series["cycles"].rows()) == 5


def test_cycles_one_by_one():
    result = cv.analyse(voltammogram(cycles=3))
    rows = result.series["cycles"].rows()
    assert [row["cycle"] for row in rows] == [1, 2, 3]
    assert_allclose([row["midpoint_V"] for row in rows], FORMAL, atol=0.002)
    assert result.window["cycle_of_values"] == 3
    assert rows[0]["file"] == "cv.mpr"


def test_doubtful_cycles():
    E = np.concatenate([np.linspace(0, 1, 200), np.linspace(1, 0, 200)])
    t = np.arange(400.0)
    flat = cv.analyse(record({TIME: t, VOLTAGE: E, CURRENT: 1e-6 * (E - 0.5)}))
    assert any("no peak stands out" in said for said in flat.warnings)
    assert flat.to_dict()["anodic_peak_V"]["value"] is None
    bump = 1e-5 * np.exp(-(((E - 0.5) / 0.05) ** 2)) * (t < 200)
    one = cv.analyse(record({TIME: t, VOLTAGE: E, CURRENT: bump}))
    assert any("only anodic peaks were found" in said for said in one.warnings)
    apart = bump - 1e-5 * np.exp(-(((E - 0.2) / 0.05) ** 2)) * (t >= 200)
    wide = cv.analyse(record({TIME: t, VOLTAGE: E, CURRENT: apart}))
    assert any(said.startswith("the peaks are 301 mV apart") for said in wide.warnings)
    assert_allclose(wide.values["midpoint"].value, 0.35, atol=0.001)
    alike = cv.analyse([voltammogram(0.05), voltammogram(0.06)])
    assert any("no exponent" in said for said in alike.warnings)


def test_a_linear_sweep_is_no_cycle():
    with pytest.raises(MeasurementError, match=r"lsv\.mpr: the potential never reverses: it goes from 3 to 4\.998 V"):
        cv.analyse(sweep(ramp))
    with pytest.raises(MeasurementError, match="cv needs one file or several; none was given"):
        cv.analyse([])


def test_figures():
    for one in (sweep(ramp), sweep(ramp, area=None), sweep(lambda E: 1e-7 * (E - 3.0))):
        figure = draw_lsv(lsv.analyse(one))
        figure.savefig(io.BytesIO(), format="png", dpi=50)
        assert {axes.get_xlabel() for axes in figure.axes} == {"Potential, V"}
    single = draw_cv(cv.analyse(voltammogram(cycles=3)))
    several = draw_cv(cv.analyse([voltammogram(rate) for rate in (0.01, 0.1)]))
    for figure, label in ((single, "Cycle"), (several, "Scan rate, mV s⁻¹")):
        figure.savefig(io.BytesIO(), format="png", dpi=50)
        assert [axes.get_xlabel() for axes in figure.axes] == ["Potential, V", label]
