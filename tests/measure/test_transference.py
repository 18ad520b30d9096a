import dataclasses
import io

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize

from solidstack.errors import MeasurementError
from solidstack.materials.schema import NumberEntry
from solidstack.measure import transference
from solidstack.measure.records import CURRENT, TIME, VOLTAGE, record
from solidstack.measure.result import Fitted, Result
from solidstack.plot.electrolyte import draw_transference
from solidstack.units import OHM

TRIALS = 500
VOLTAGE_STEP, INTERFACES, ELECTROLYTE, DIFFUSION = 0.010, 40.0, 60.0, 600.0
INITIAL = VOLTAGE_STEP / (INTERFACES + ELECTROLYTE)


def polarisation(t, number, *, interfaces=INTERFACES, terms=120):
    """Current of a resistance in series with diffusion between two electrodes, by the poles of its admittance."""
    R, Rd = interfaces + ELECTROLYTE, ELECTROLYTE * (1.0 - number) / number
    current = np.full(len(t), VOLTAGE_STEP / (R + Rd))
    for n in range(terms):
        q = optimize.brentq(lambda q: R * q * np.cos(q) + Rd * np.sin(q), (n + 0.5) * np.pi, (n + 1.0) * np.pi)
        pole = -(q**2) / DIFFUSION
        slope = 0.5 * DIFFUSION * (np.tan(q) / q**3 - 1.0 / (q * np.cos(q)) ** 2)
        current += VOLTAGE_STEP / (pole * Rd * slope) * np.exp(pole * t)
    return current


def measured(number=0.9, *, step=20.0, end=10800.0, capacitive=3.0, noise=0.0, seed=0, volts=VOLTAGE_STEP):
    t = np.arange(0.0, end + step, step)
    current = polarisation(t, number) + capacitive * INITIAL * np.exp(-t / 0.5)
    current = current + noise * INITIAL * np.random.default_rng(seed).standard_normal(len(t))
    return record({TIME: t, CURRENT: current, VOLTAGE: np.full(len(t), volts)}, source="ca.mpr")


@pytest.mark.parametrize("number", [0.2, 0.5, 0.9, 0.99])
def test_recovered_without_noise(number):
    result = transference.analyse(measured(number, step=2.0), INTERFACES, INTERFACES)
    values = result.values
    assert_allclose(values["initial_current"].value, INITIAL, rtol=2e-3)
    assert_allclose(values["transference_number"].value, number, rtol=4e-3)
    assert_allclose(values["electrolyte_resistance"].value, ELECTROLYTE, rtol=4e-3)
    assert_allclose(values["voltage"].value, VOLTAGE_STEP)
    # without the interfaces the share is larger: they take less of the voltage in the end
    assert values["steady_state_factor"].value > values["transference_number"].value - 1e-9
    assert any("charging of the interfaces, or range of the instrument" in said for said in result.warnings)


def test_equation_by_hand():
    # 100 uA, then 80 uA, at 10 mV with 50 and 60 ohm: 80 (10 - 5) / (100 (10 - 4.8))
    assert_allclose(transference.bruce_vincent(100e-6, 80e-6, 0.010, 50.0, 60.0), 80 * 5 / (100 * 5.2))


@pytest.mark.monte_carlo
@pytest.mark.parametrize(("number", "noise", "trials"), [(0.9, 0.002, TRIALS), (0.4, 0.005, 200)])
def test_coverage_of_the_interval(number, noise, trials):
    rng = np.random.default_rng(11)
    clean = measured(number, step=10.0, end=7200.0)
    truth = {
        "transference_number": number,
        "initial_current": INITIAL,
        "steady_current": VOLTAGE_STEP / (INTERFACES + ELECTROLYTE / number),
    }
    inside = dict.fromkeys(truth, 0)
    for _ in range(trials):
        table = clean.table.copy()
        table[CURRENT] += noise * INITIAL * rng.standard_normal(len(table))
        before, after = (
            Fitted("R", value, value - 0.0196 * INTERFACES, value + 0.0196 * INTERFACES, OHM)
            for value in INTERFACES * (1.0 + 0.01 * rng.standard_normal(2))
        )
        values = transference.analyse(dataclasses.replace(clean, table=table), before, after).values
        for name, value in truth.items():
            inside[name] += values[name].low <= value <= values[name].high
    for name, count in inside.items():
        assert 0.92 <= count / trials <= 0.98, name


@pytest.mark.parametrize(("number", "times", "still"), [(0.5, 1.0, 0.007), (0.9, 0.6, 0.007), (0.5, 1.5, 0.0015)])
def test_what_the_current_will_still_lose_is_taken_off(number, times, still):
    end = times * DIFFUSION
    t = np.arange(0.1, end, 1.0)
    clean = polarisation(t, number)
    limit = VOLTAGE_STEP / (INTERFACES + ELECTROLYTE / number)
    # the mean of the tail is off by that, more than its change within the tail
    left = clean[t >= 0.9 * end].mean() / limit - 1.0
    assert left > max(still, 1.2 * (clean[int(0.9 * len(t))] - clean[-1]) / limit)
    rng = np.random.default_rng(5)
    inside, steady, found = 0, 0, []
    for _ in range(40):
        current = clean + 0.002 * INITIAL * rng.standard_normal(len(t))
        polarised = record({TIME: t, CURRENT: current, VOLTAGE: np.full(len(t), VOLTAGE_STEP)})
        result = transference.analyse(polarised, INTERFACES, INTERFACES)
        value = result.values["transference_number"]
        inside += value.low <= number <= value.high
        last = result.values["steady_current"]
        steady += last.low <= limit <= last.high
        found.append(last.value)
        told = any("the current will fall by another" in said for said in result.warnings)
        assert told or result.tail.left <= transference.LEFT * limit
    assert steady >= 38
    assert inside >= 34
    assert abs(np.mean(found) / limit - 1.0) < 0.3 * left


def test_still_to_lose_of_an_exponential():
    t = np.linspace(0.0, 1000.0, 2000)
    for rate in (2.5e-3, 5e-3, 1e-2):
        tail = transference.steady(t, 1e-5 + 1e-4 * np.exp(-rate * t))
        mean = 1e-4 * (np.exp(-900.0 * rate) - np.exp(-1000.0 * rate)) / (100.0 * rate)
        assert_allclose(tail.left, mean, rtol=0.03)
        assert_allclose(tail.limit, 1e-5, rtol=0.03)
    rising = transference.steady(t, 1e-5 - 1e-6 * np.exp(-5e-3 * t))
    assert rising.left < 0.0
    assert_allclose(rising.limit, 1e-5, rtol=1e-3)
    steady = transference.steady(t, 1e-5 * (1.0 + 0.002 * np.random.default_rng(0).standard_normal(len(t))))
    assert steady.left == 0.0


def growing(t, number, before, after, *, time, modes=500):
    """Current where the interfaces grow within a time: the diffusion by its modes, faster ones as a resistance."""
    rates = ((np.arange(1, modes + 1) - 0.5) * np.pi) ** 2
    Rd = ELECTROLYTE * (1.0 - number) / number
    rest = Rd * (1.0 - np.sum(2.0 / rates))
    own = np.concatenate([[0.0], np.geomspace(0.02, t[-1], 1500)])
    interface = after + (before - after) * np.exp(-own / time)
    state, current = np.zeros(modes), np.full(len(own), VOLTAGE_STEP / (ELECTROLYTE + before))
    for at in range(1, len(own)):
        kept = np.exp(-rates * (own[at] - own[at - 1]) / DIFFUSION)
        gained = 2.0 * (1.0 - kept) / rates
        held = VOLTAGE_STEP - Rd * float(state @ kept)
        current[at] = held / (ELECTROLYTE + interface[at] + rest + Rd * float(gained.sum()))
        state = state * kept + gained * current[at]
    return np.interp(t, own, current)


@pytest.mark.parametrize(("number", "time"), [(0.2, 200.0), (0.5, 60.0), (0.9, 200.0)])
def test_growth_of_the_interfaces_widens_the_initial_current(number, time):
    t = np.concatenate([[0.0], np.arange(0.1, 6000.0, 1.0)])
    before, after = 120.0, 140.0
    clean = growing(t, number, before, after, time=time)
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(10):
        current = clean * (1.0 + 0.002 * rng.standard_normal(len(t)))
        polarised = record({TIME: t, CURRENT: current, VOLTAGE: np.full(len(t), VOLTAGE_STEP)})
        result = transference.analyse(
            polarised, before, after, before_deviation=0.002 * before, after_deviation=0.002 * after
        )
        found = result.values["transference_number"]
        inside += found.low <= number <= found.high
        begin = result.values["initial_current"]
        assert begin.low <= VOLTAGE_STEP / (ELECTROLYTE + before) <= begin.high
    assert inside >= 9
    words = (
        "the interfaces changed by +16.7 % during the polarisation: its effect on the current cannot be told "
        "apart from diffusion"
    )
    assert any(said.startswith(words) for said in result.warnings)
    # 1.96 * 0.1 of what 20 ohm take off the current
    half = 0.5 * (begin.high - begin.low) / begin.value
    grown = after - before - 1.96 * 0.002 * np.hypot(before, after)
    assert half > 1.96 * transference.GROWN * begin.value * grown / VOLTAGE_STEP


def test_no_growth_within_its_uncertainty_is_told():
    sure = transference.analyse(measured(step=2.0), INTERFACES, INTERFACES + 1.0)
    unsure = transference.analyse(measured(step=2.0), INTERFACES, INTERFACES + 1.0, after_deviation=1.0)
    wide, narrow = (one.values["initial_current"] for one in (sure, unsure))
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)
    assert not any("the interfaces changed" in said for said in sure.warnings)


def test_no_fall_is_one():
    result = transference.analyse(measured(1.0 - 1e-9, noise=0.001), INTERFACES, INTERFACES)
    assert_allclose(result.values["transference_number"].value, 1.0, rtol=2e-3)
    assert not any("is not a fraction" in said for said in result.warnings)
    (found,) = result.properties()
    assert 0.99 < found.entry["value"] <= 1.0


def test_material_entry():
    (found,) = transference.analyse(measured(), INTERFACES, INTERFACES, before_deviation=0.4).properties()
    assert found.name == "current_fraction"
    entry = NumberEntry(**found.entry, quality="measured", source="test")
    assert_allclose(entry.value, 0.9, rtol=2e-3)
    assert 0.001 < found.uncertainty < 0.05


def test_interval_is_that_of_the_interfaces_when_the_current_has_no_noise():
    result = transference.analyse(measured(step=2.0), INTERFACES, INTERFACES, before_deviation=0.4, after_deviation=0.0)
    found = result.values["transference_number"]
    # dt/dR0 = -I_ss / (dV - I_ss R_ss)
    steady = VOLTAGE_STEP / (INTERFACES + ELECTROLYTE / 0.9)
    half = 1.96 * 0.4 * steady / (VOLTAGE_STEP - steady * INTERFACES)
    assert_allclose(0.5 * (found.high - found.low), half, rtol=0.02)


def test_interval_of_a_fitted_resistance_is_its_deviation():
    given = Fitted("R", INTERFACES, INTERFACES - 1.96 * 0.4, INTERFACES + 1.96 * 0.4, OHM)
    by_interval = transference.analyse(measured(), given, INTERFACES).values["transference_number"]
    by_deviation = transference.analyse(measured(), INTERFACES, INTERFACES, before_deviation=0.4)
    assert_allclose(by_interval.high, by_deviation.values["transference_number"].high, rtol=1e-9)


def test_rest_before_and_after_is_left_out_and_its_voltage_taken_off():
    clean = measured(step=5.0)
    rest = np.arange(0.0, 100.0, 5.0)
    t = np.concatenate([rest, clean.values(TIME) + 100.0, rest + 14600.0])
    flat = np.zeros(len(rest))
    current = np.concatenate([flat, clean.values(CURRENT), flat])
    volts = np.concatenate([flat + 0.0005, clean.values(VOLTAGE) + 0.0005, flat])
    whole = transference.analyse(record({TIME: t, CURRENT: current, VOLTAGE: volts}), INTERFACES, INTERFACES)
    alone = transference.analyse(clean, INTERFACES, INTERFACES)
    for name in ("transference_number", "voltage", "initial_current"):
        assert_allclose(whole.values[name].value, alone.values[name].value, rtol=1e-9)


def test_negative_voltage_is_the_same():
    clean = measured()
    table = clean.table * [1.0, -1.0, -1.0]
    down = transference.analyse(dataclasses.replace(clean, table=table), INTERFACES, INTERFACES)
    up = transference.analyse(clean, INTERFACES, INTERFACES)
    assert_allclose(down.values["transference_number"].value, up.values["transference_number"].value)
    turned = dataclasses.replace(clean, table=clean.table * [1.0, -1.0, 1.0])
    said = transference.analyse(turned, INTERFACES, INTERFACES).warnings
    assert "the current has the sign against the voltage throughout; its sign was reversed" in said


def test_given_values():
    clean = measured()
    without = dataclasses.replace(clean, table=clean.table[[TIME, CURRENT]])
    result = transference.analyse(without, INTERFACES, INTERFACES, voltage=VOLTAGE_STEP, initial_current=INITIAL)
    assert_allclose(result.values["transference_number"].value, 0.9, rtol=1e-3)
    assert result.early is None
    assert any("the initial current was given" in said for said in result.warnings)
    known = transference.analyse(
        clean, INTERFACES, INTERFACES, initial_current=INITIAL, initial_current_deviation=0.01 * INITIAL
    )
    assert not any("the initial current was given" in said for said in known.warnings)
    found = known.values["initial_current"]
    assert_allclose([found.low, found.high], [INITIAL * 0.9804, INITIAL * 1.0196], rtol=1e-4)
    with pytest.raises(MeasurementError, match=r'ca\.mpr: has no column "Voltage / V"'):
        transference.analyse(without, INTERFACES, INTERFACES)
    with pytest.raises(MeasurementError, match=r"voltage: 0 mV is not a voltage step"):
        transference.analyse(without, INTERFACES, INTERFACES, voltage=0.0)


def test_doubtful():
    high = measured(volts=0.05)
    said = transference.analyse(high, INTERFACES, INTERFACES).warnings
    assert any(text.startswith("50 mV is more than 20 mV") for text in said)
    said = transference.analyse(falling(4000.0), INTERFACES, INTERFACES).warnings
    assert any("the current still falls by" in text and "the steady state is doubtful" in text for text in said)
    result = transference.analyse(measured(), 20.0, 55.0)
    assert any("the interfaces changed by +175 %" in text for text in result.warnings)
    assert any("no uncertainty of the interfaces' resistance was given" in text for text in result.warnings)
    result = transference.analyse(measured(), 85.0, 85.0)
    assert any(text.startswith("the interfaces take 85 % of the voltage") for text in result.warnings)
    above = transference.analyse(measured(), 20.0, 60.0)
    assert any("the number is above 1, which is not a fraction" in text for text in above.warnings)
    assert above.properties() == []


def falling(end):
    t = np.linspace(0.0, end, 400)
    return record(
        {TIME: t, CURRENT: 1e-4 * np.exp(-t / 1000.0) + 1e-5, VOLTAGE: np.full(len(t), 0.01)}, source="ca.mpr"
    )


def table(**columns):
    names = {"t": TIME, "i": CURRENT, "v": VOLTAGE}
    return record({names[key]: values for key, values in columns.items()}, source="ca.mpr")


LONG = np.linspace(0.0, 1000.0, 100)
FLAT, SMALL = np.full(100, 0.01), np.full(100, 1e-5)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (falling(2000.0), r"no steady state: the current still falls by 1\d\.\d % over the last tenth of the time"),
        (table(t=LONG, v=FLAT), r'has no column "Current / A"'),
        (table(t=LONG, i=SMALL, v=np.linspace(0, 0.1, 100)), r"the voltage is not constant: .* Expected a"),
        (table(t=LONG, i=SMALL, v=0.0 * FLAT), r"the voltage is 0 throughout"),
        (table(t=LONG, i=SMALL * np.resize([1, -1], 100), v=FLAT), r"\(mixed signs\); give one polarisation"),
        (table(t=LONG[:8], i=SMALL[:8], v=FLAT[:8]), r"has 8 points; at least 20 are needed"),
        (table(t=LONG[::-1], i=SMALL, v=FLAT), r"time goes back at point 2: 989\.899 s after 1000 s"),
        (table(t=LONG, i=SMALL * np.nan, v=FLAT), r'has no column "Current / A"'),
        (measured(step=200.0), r"has too few points before half of the fall|is needed"),
    ],
)  # fmt: skip
def test_refused(bad, words):
    with pytest.raises(MeasurementError, match=words) as caught:
        transference.analyse(bad, INTERFACES, INTERFACES)
    assert caught.value.source == "ca.mpr"


def test_refuses_impossible_interfaces():
    words = r"the interfaces before \(400 ohm\) would take 400(\.\d)? % of the 10 mV at the initial"
    with pytest.raises(MeasurementError, match=words):
        transference.analyse(measured(), 400.0, 40.0)
    with pytest.raises(MeasurementError, match=r"after: -1 ohm is not a resistance of 0 or more; write for example"):
        transference.analyse(measured(), 40.0, -1.0)
    with pytest.raises(MeasurementError, match=r"initial current: nan A is not a current"):
        transference.analyse(measured(), 40.0, 40.0, initial_current=float("nan"))


class Spectrum(Result):
    @property
    def kind(self) -> str:
        return "eis"


def test_interfaces_of_a_spectrum():
    found = Fitted("R", 118.0, 117.0, 119.0, OHM)
    records = (record({}, source="before.mpr"),)
    assert (
        transference.interfaces(Spectrum(records=records, values={"interface_resistance": found}, model="R0")) is found
    )
    with pytest.raises(MeasurementError, match=r"before\.mpr: the spectrum's circuit R0-CPE1 has no interface; take"):
        transference.interfaces(Spectrum(records=records, values={}, model="R0-CPE1"))


def test_result_is_plain_data():
    shown = transference.analyse(measured(), INTERFACES, INTERFACES).to_dict()
    assert shown["kind"] == "transference"
    assert_allclose(shown["voltage_mV"]["value"], 10.0)
    assert shown["window"]["steady_from_s"] == 9720.0
    assert shown["window"]["left_out"] >= 1


@pytest.mark.parametrize("given", [None, INITIAL])
def test_figure(given):
    result = transference.analyse(measured(), INTERFACES, INTERFACES, initial_current=given)
    figure = draw_transference(result)
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    assert [axes.get_xlabel() for axes in figure.axes] == ["Time, h", "Square root of time, √s"]
    assert figure.axes[0].get_ylabel() == "Current, µA"
