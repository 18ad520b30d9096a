import dataclasses
import io

import numpy as np
import pytest
from numpy.testing import assert_allclose

from solidstack.errors import MeasurementError
from solidstack.materials.schema import ElectronicConductivity
from solidstack.measure import symmetric
from solidstack.measure.readers import read
from solidstack.measure.records import CURRENT, TIME, VOLTAGE, record
from solidstack.plot.electrolyte import draw_symmetric

from ..conftest import SHARED

AREA, RESISTANCE = 1e-4, 100e-4
"""1 cm2 and 100 ohm cm2, SI."""
HALF, STEP = 3600.0, 30.0
POLARISED = SHARED / "measurements" / "yadg_ca.mpr"


def cell(levels, *, per=1, change=None, noise=1e-4, arc=0.0, seed=0, area=AREA, growth=0.0, rest=0):
    """Half cycles at current densities (A/m2), both signs; `change` makes another overpotential of each."""
    rng = np.random.default_rng(seed)
    t = np.arange(0.0, HALF, STEP)
    columns: dict[str, list] = {TIME: [], VOLTAGE: [], CURRENT: []}
    begin, number = 0.0, 0
    for density in np.repeat(levels, per):
        for sign in (1, -1):
            number += 1
            eta = density * RESISTANCE * (1.0 + growth * number) * (1.0 - 0.5 * np.exp(-t / 10.0))
            eta = eta * (1.0 + arc * (t / HALF) ** 2)
            if change is not None:
                eta = change(number, t, eta)
            columns[TIME].append(begin + t)
            columns[VOLTAGE].append(sign * eta + noise * rng.standard_normal(len(t)))
            columns[CURRENT].append(np.full(len(t), sign * density * 1e-4))
            begin += HALF
            if rest:
                columns[TIME].append(begin + STEP * np.arange(rest))
                columns[VOLTAGE].append(np.zeros(rest))
                columns[CURRENT].append(np.zeros(rest))
                begin += STEP * rest
    return record({name: np.concatenate(values) for name, values in columns.items()}, source="cell.mpr", area=area)


@pytest.mark.parametrize("rest", [0, 10])
def test_resistance_of_steady_cycling(rest):
    result = symmetric.analyse(cell([5.0], per=10, rest=rest))
    values = result.values
    assert result.kind == "symmetric"
    assert len(result.half_cycles) == 20
    assert_allclose(values["areal_resistance"].value, RESISTANCE, rtol=2e-3)
    assert values["areal_resistance"].low < values["areal_resistance"].value < values["areal_resistance"].high
    assert_allclose(values["overpotential"].value, 5.0 * RESISTANCE, rtol=2e-3)
    assert_allclose(values["current"].value, 5.0, rtol=1e-9)
    assert abs(values["asymmetry"].value) < 1e-3
    assert values["growth"].low < 0.0 < values["growth"].high
    assert result.failed is None
    assert not result.warnings
    rows = result.series["half_cycles"].rows()
    assert_allclose(rows[0]["mean_mV"], 50.0, rtol=2e-3)
    assert_allclose(rows[0]["areal_charge_mAh_cm2"], 0.5 * (1.0 - STEP / HALF), rtol=1e-9)
    assert rows[1]["current_mA_cm2"] == pytest.approx(-0.5)


@pytest.mark.monte_carlo
def test_coverage_of_growth():
    # 0.2 % of 50 mV in each hour
    slope, inside = 0.002 * 0.050 / HALF, 0
    trials = 100
    for seed in range(trials):
        found = symmetric.analyse(cell([5.0], per=4, growth=0.002, noise=2e-3, seed=seed)).values["growth"]
        inside += found.low <= slope <= found.high
    assert inside >= 0.9 * trials


def test_arcing_and_asymmetry():
    result = symmetric.analyse(cell([5.0], per=4, arc=0.5, noise=1e-6))
    # from 1.0002 after settling to about 1.5 at the end
    assert_allclose(result.values["arcing"].value, 0.47, atol=0.03)
    tilted = symmetric.analyse(cell([5.0], per=4, change=lambda n, t, eta: eta * (1.1 if n % 2 else 0.9)))
    assert_allclose(tilted.values["asymmetry"].value, 0.2, atol=2e-3)


def short(begin, *, remains=0.1, at=0.5):
    def change(number, t, eta):
        lost = (number > begin) | ((number == begin) & (t > at * HALF))
        return np.where(lost, remains * eta, eta)

    return change


def test_critical_current_by_a_sudden_drop():
    result = symmetric.analyse(cell([1, 2, 3, 4, 5, 6], change=short(9)))
    found = result.values["critical_current"]
    assert (found.low, found.high) == pytest.approx((4.0, 5.0))
    assert found.value == pytest.approx(4.0)
    assert result.failed == 8
    assert any(
        said.startswith("short in half cycle 9: the overpotential drops suddenly by 89") for said in result.warnings
    )
    assert_allclose(result.values["areal_resistance"].value, RESISTANCE, rtol=0.01)
    assert result.to_dict()["critical_current_mA_cm2"] == {
        "value": pytest.approx(0.4), "low": pytest.approx(0.4), "high": pytest.approx(0.5)
    }  # fmt: skip


def test_short_between_half_cycles():
    result = symmetric.analyse(cell([1, 2, 3, 4], change=short(6, at=-1.0)))
    assert result.failed == 5
    assert any("short in half cycle 6: the resistance is 90 % less than in those before" in s for s in result.warnings)
    # half cycle 5 was sound at the same current
    assert (result.values["critical_current"].low, result.values["critical_current"].high) == pytest.approx((2.0, 3.0))


def test_smaller_drop_is_a_short_where_asked():
    soft = cell([1, 2, 3, 4, 5, 6], change=short(9, remains=0.7))
    assert symmetric.analyse(soft).failed is None
    assert symmetric.analyse(soft, short_drop=0.25).failed == 8


def test_no_short_gives_the_bound():
    result = symmetric.analyse(cell([1, 2, 3, 4]))
    assert np.isnan(result.values["critical_current"].value)
    assert "no short up to 0.4 mA/cm^2: the critical current is above that" in result.warnings


def test_lost_contact():
    result = symmetric.analyse(cell([1, 2, 3, 4], change=lambda n, t, eta: eta * (20.0 if n >= 5 else 1.0)))
    assert result.failed == 4
    assert any("no contact from half cycle 5 on: the resistance is 20 times" in said for said in result.warnings)
    rising = symmetric.analyse(cell([1, 2, 3, 4], change=lambda n, t, eta: eta * (1.0 + 6.0 * (n == 5) * t / HALF)))
    assert rising.failed == 4


def test_short_at_one_current_is_of_the_charge():
    result = symmetric.analyse(cell([5.0], per=5, change=short(7)))
    assert result.failed == 6
    assert np.isnan(result.values["critical_current"].low)
    assert any("the cause is the charge passed, so this is not a critical current" in said for said in result.warnings)


def test_soft_short():
    slides = symmetric.analyse(
        cell([5.0], per=4, change=lambda n, t, eta: eta * (1.0 - 0.35 * t / HALF if n == 5 else 1.0))
    )
    assert any(said.startswith("half cycles 5: the overpotential falls by more than 20 %") for said in slides.warnings)
    rng = np.random.default_rng(3)
    rough = symmetric.analyse(
        cell([5.0], per=4, change=lambda n, t, eta: eta + (n == 3) * 0.003 * rng.standard_normal(len(t)))
    )
    assert any(said.startswith("half cycles 3: the voltage is more than 5 times as rough") for said in rough.warnings)
    falling = symmetric.analyse(cell([5.0], per=4, growth=-0.06))
    assert any("the resistance falls by" in said for said in falling.warnings)


def test_signs():
    turned = cell([5.0], per=4)
    turned = dataclasses.replace(turned, table=turned.table * [1.0, -1.0, 1.0])
    result = symmetric.analyse(turned)
    assert_allclose(result.values["areal_resistance"].value, RESISTANCE, rtol=2e-3)
    assert "the voltage has the sign against the current throughout; its sign was reversed" in result.warnings
    mixed = symmetric.analyse(cell([5.0], per=4, change=lambda n, t, eta: -eta if n == 4 else eta))
    assert any(said.startswith("half cycles 4: the mean voltage has the sign against") for said in mixed.warnings)


def test_without_area():
    result = symmetric.analyse(cell([5.0], per=4, area=None))
    assert_allclose(result.values["resistance"].value, RESISTANCE / AREA, rtol=2e-3)
    assert any("the area is not known" in said for said in result.warnings)
    given = symmetric.analyse(cell([5.0], per=4, area=None), area=AREA)
    assert_allclose(given.values["areal_resistance"].value, RESISTANCE, rtol=2e-3)


def polarised(*, end=36000.0, steady=1e-8, noise=0.0, step=30.0, start=1e-6, tau=2000.0, **known):
    t = np.arange(0.0, end, step)
    current = steady + start * np.exp(-t / tau) + noise * np.random.default_rng(0).standard_normal(len(t))
    return record(
        {TIME: t, CURRENT: current, VOLTAGE: np.full(len(t), 0.3)}, source="ca.mpr", temperature=298.15, **known
    )


def test_electronic_conductivity():
    result = symmetric.analyse(polarised(noise=1e-10), area=AREA, thickness=1e-3)
    # I L / (A V): 1e-8 1e-3 / (1e-4 0.3)
    assert_allclose(result.values["electronic_conductivity"].value, 1e-8 * 1e-3 / (AREA * 0.3), rtol=0.01)
    assert_allclose(result.values["resistance"].value, 0.3 / 1e-8, rtol=0.01)
    rows = result.series["current"].rows()
    assert [row["after"] for row in rows] == ["1 min", "10 min", "1 h", "end"]
    assert_allclose(rows[0]["current_uA_cm2"], 1e6 * (1e-8 + 1e-6 * np.exp(-0.03)), rtol=1e-2)
    (found,) = result.properties()
    entry = ElectronicConductivity(**found.entry, quality="measured", source="test")
    assert found.name == "electronic_conductivity"
    assert_allclose(entry.value, 3.333e-7, rtol=0.01)
    assert any("electronic if the electrodes block ions" in said for said in result.warnings)


@pytest.mark.monte_carlo
def test_coverage_of_the_electronic_conductivity():
    inside = 0
    for seed in range(200):
        clean = polarised(end=20000.0, tau=500.0)
        noise = 2e-10 * np.random.default_rng(seed).standard_normal(len(clean.table))
        table = clean.table.assign(**{CURRENT: clean.table[CURRENT] + noise})
        result = symmetric.analyse(dataclasses.replace(clean, table=table), area=AREA, thickness=1e-3)
        found = result.values["electronic_conductivity"]
        inside += found.low <= 1e-8 * 1e-3 / (AREA * 0.3) <= found.high
    assert 0.91 <= inside / 200 <= 0.985


def test_unsteady_polarisation_gives_no_conductivity():
    result = symmetric.analyse(polarised(end=6000.0), area=AREA, thickness=1e-3)
    assert "electronic_conductivity" not in result.values
    assert any(said.startswith("no steady state: the current still falls by") for said in result.warnings)
    result = symmetric.analyse(polarised())
    assert "no conductivity: area and thickness are not known; give --area --thickness" in result.warnings
    assert result.properties() == []


@pytest.mark.skipif(not POLARISED.exists(), reason="needs the measured polarisation of the shared data")
def test_measured_polarisation():
    # molybdenum on both sides, 0.3 V for 12 h, 1.131 cm2 in the file
    result = symmetric.analyse(read(POLARISED), thickness=1e-3)
    assert_allclose(result.values["voltage"].value, 0.2986, rtol=1e-3)
    assert 2e-9 < result.values["steady_current"].value * 1.131e-4 < 5e-9
    assert_allclose(result.values["electronic_conductivity"].value, 1.03e-7, rtol=0.05)
    assert result.window["left_out"] == 1
    # it has not stopped falling after 12 h
    assert any("the current still falls by" in said for said in result.warnings)


def table(**columns):
    names = {"t": TIME, "i": CURRENT, "v": VOLTAGE}
    return record({names[key]: values for key, values in columns.items()}, source="cell.mpr")


TIMES = np.linspace(0.0, 1000.0, 100)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (table(t=TIMES, v=TIMES), r'has no column "Current / A"'),
        (table(t=TIMES, i=0.0 * TIMES, v=TIMES), r"the current is 0 throughout"),
        (table(t=TIMES[::-1], i=TIMES, v=TIMES), r"time goes back at point 2: 989\.899 s after 1000 s"),
        (table(t=TIMES[:6], i=TIMES[:6], v=TIMES[:6]), r"has 6 points; at least 10 are needed"),
        (table(t=TIMES, i=TIMES, v=TIMES), r"neither current nor voltage is constant: the current varies by"),
        (table(t=TIMES, i=np.resize([1.0, -1.0], 100), v=TIMES), r"has no stretch of constant current with 5 points"),
    ],
)
def test_refused(bad, words):
    with pytest.raises(MeasurementError, match=words) as caught:
        symmetric.analyse(bad)
    assert caught.value.source == "cell.mpr"


def test_refuses_options():
    with pytest.raises(MeasurementError, match=r"short_drop: 1\.5 is not between 0 and 1; write for example 0\.5"):
        symmetric.analyse(cell([5.0]), short_drop=1.5)
    with pytest.raises(MeasurementError, match=r"thickness: 0 um is not above 0"):
        symmetric.analyse(cell([5.0]), thickness=0.0)


def test_figures():
    for one in (cell([1, 2, 3, 4], change=short(6)), cell([5.0], per=4, area=None)):
        figure = draw_symmetric(symmetric.analyse(one))
        figure.savefig(io.BytesIO(), format="png", dpi=50)
        assert figure.axes[0].get_ylabel() == "Voltage, mV"
    figure = draw_symmetric(symmetric.analyse(polarised(noise=1e-10), area=AREA, thickness=1e-3))
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    assert [axes.get_ylabel() for axes in figure.axes] == 2 * ["Current density, µA cm⁻²"]
