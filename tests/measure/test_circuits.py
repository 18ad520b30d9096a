"""Circuits: their language, closed forms, derivatives, and fits whose intervals hold the truth as often as they say."""

import numpy as np
import pytest

from solidstack.errors import MeasurementError
from solidstack.measure.circuits import ELEMENTS, fit, parse_circuit
from solidstack.units import ONE

F = np.logspace(5.0, -1.0, 43)
OMEGA = 2.0 * np.pi * F


def noisy(z, share, rng):
    return z + np.abs(z) * share * (rng.standard_normal(z.size) + 1j * rng.standard_normal(z.size))


# -- the language


@pytest.mark.parametrize(
    "text",
    ["R0", "R0-p(R1,CPE1)-W2", "p(R0,CPE0)-TLR1", "p(R1-Wo1,CPE1)-C3", "R0-p(R1,p(R2-W1,C2),C1)-L4", "TL1-Ws2"],
)
def test_written_as_read(text):
    assert str(parse_circuit(text)) == text
    assert str(parse_circuit(" " + text.replace(",", " , ").replace("p(", "p (") + " ")) == text


def test_names_of_parameters():
    circuit = parse_circuit("L0-R0-p(R1,CPE1)-TLR2-Ws3")
    assert circuit.names == (
        "L0", "R0", "R1", "CPE1_Q", "CPE1_alpha", "TLR2_R", "TLR2_Rct", "TLR2_Q", "TLR2_alpha", "Ws3_R", "Ws3_tau",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "",
            'circuit: "" is not a circuit: it is empty; write for example R0-p(R1,CPE1)-CPE2, with '
            "the elements R, C, L, CPE, W,",
        ),
        ("R0-", "an element is missing at the end"),
        ("R0-X1", '"X" is not an element'),
        ("R0-cpe1", '"cpe" is not an element, did you mean "CPE"?'),
        ("R0-R0", '"R0" occurs twice; number the elements'),
        ("R0-p(R1,C1", "the parenthesis at character 5 is not closed"),
        ("R0-p(R1)", "the parenthesis at character 5 has one branch; parallel needs two or more"),
        ("R0)", '")" at character 3 is not expected'),
        ("R0 R1", '"R1" at character 4 is not expected'),
        ("R0+C1", '"+" at character 3 is not allowed'),
        ("R0--C1", 'an element is expected at character 4, not "-"'),
        ("p(" * 9 + "R0", "more than 8 parentheses are nested"),
        ("-".join(f"R{n}" for n in range(17)), "it has more than 16 elements"),
        ("R" * 401, "circuit: has 401 characters, the limit is 400"),
        ("__import__('os').system('ls')", '"_" at character 1 is not allowed'),
    ],
)
def test_what_is_no_circuit(text, words):
    with pytest.raises(MeasurementError) as caught:
        parse_circuit(text)
    assert words in str(caught.value)


def test_parameters_that_lack():
    with pytest.raises(MeasurementError, match="has the parameters R0, C1; C1, Q is missing or not among them"):
        parse_circuit("R0-C1").impedance(F, R0=1.0, Q=2.0)


# -- closed forms


def test_elements():
    s = 1j * OMEGA
    for text, values, expected in (
        ("R0", {"R0": 3.0}, np.full(F.size, 3.0)),
        ("C0", {"C0": 2e-6}, 1.0 / (s * 2e-6)),
        ("L0", {"L0": 1e-6}, s * 1e-6),
        ("CPE0", {"CPE0_Q": 1e-5, "CPE0_alpha": 0.8}, 1.0 / (1e-5 * s**0.8)),
        ("W0", {"W0": 7.0}, 7.0 * (1.0 - 1j) / np.sqrt(OMEGA)),
        ("Ws0", {"Ws0_R": 5.0, "Ws0_tau": 0.2}, 5.0 * np.tanh(np.sqrt(0.2 * s)) / np.sqrt(0.2 * s)),
        ("Wo0", {"Wo0_R": 5.0, "Wo0_tau": 2e-4}, 5.0 / np.tanh(np.sqrt(2e-4 * s)) / np.sqrt(2e-4 * s)),
    ):
        np.testing.assert_allclose(parse_circuit(text).impedance(F, **values), expected, rtol=1e-12)


def test_series_and_parallel():
    z = parse_circuit("R0-p(R1,C1,R2-C2)").impedance(F, R0=1.0, R1=10.0, C1=1e-6, R2=3.0, C2=1e-5)
    s = 1j * OMEGA
    expected = 1.0 + 1.0 / (0.1 + s * 1e-6 + 1.0 / (3.0 + 1.0 / (s * 1e-5)))
    np.testing.assert_allclose(z, expected, rtol=1e-12)


def test_ends_of_the_transmission_lines():
    """A third of the rail at low frequency before the storage; all of it and the surface with charge transfer."""
    blocking = parse_circuit("TL0").impedance([1e-6], TL0_R=90.0, TL0_Q=1e-3, TL0_alpha=1.0)[0]
    assert blocking.real == pytest.approx(30.0, rel=1e-6)
    assert blocking.imag == pytest.approx(-1.0 / (2.0 * np.pi * 1e-6 * 1e-3), rel=1e-6)
    direct = parse_circuit("TLR0").impedance([1e-9], TLR0_R=90.0, TLR0_Rct=40.0, TLR0_Q=1e-3, TLR0_alpha=1.0)[0]
    assert direct.real == pytest.approx(np.sqrt(90.0 * 40.0) / np.tanh(np.sqrt(90.0 / 40.0)), rel=1e-6)
    fast = parse_circuit("TL0").impedance([1e6], TL0_R=90.0, TL0_Q=1e-3, TL0_alpha=1.0)[0]
    assert np.degrees(np.angle(fast)) == pytest.approx(-45.0, abs=1e-6)


def test_line_is_a_ladder():
    """500 rungs of resistance and capacitance."""
    rungs, f = 500, np.array([0.3, 3.0, 30.0])
    rail, rung = 90.0 / rungs, 1.0 / (2j * np.pi * f * 1e-3 / rungs)
    z = rung + 0.5 * rail
    for _ in range(rungs - 1):
        z = 0.5 * rail + 1.0 / (1.0 / rung + 1.0 / (z + 0.5 * rail))
    line = parse_circuit("TL0").impedance(f, TL0_R=90.0, TL0_Q=1e-3, TL0_alpha=1.0)
    np.testing.assert_allclose(z, line, rtol=1e-4)


@pytest.mark.parametrize(
    "text", ["R0-p(R1,CPE1)-W2", "p(L0,R0)-p(R1,C1)-Ws2", "R0-TL1", "p(R0,CPE0)-TLR1", "p(R1-Wo1,CPE1)-C3"]
)
def test_derivatives(text):
    """Against central differences."""
    circuit, f = parse_circuit(text), np.logspace(1.0, -3.0, 20)
    theta = np.where(circuit.exponents, 0.8, np.linspace(-2.0, 0.0, len(circuit.names)))
    z, slopes = circuit.evaluate(theta[None, :], f)
    for at in range(theta.size):
        step = np.zeros(theta.size)
        step[at] = 1e-5
        up, down = (circuit.evaluate((theta + sign * step)[None, :], f)[0][0] for sign in (1.0, -1.0))
        scale = np.abs(slopes[0, at]).max() + 1e-4 * np.abs(z).max()
        np.testing.assert_allclose((up - down) / 2e-5, slopes[0, at], atol=1e-6 * scale, rtol=1e-6)


def test_agrees_with_the_established_package():
    """Elements of the same name mean the same."""
    circuits = pytest.importorskip("impedance.models.circuits")
    f = np.logspace(4.0, -1.0, 20)
    for text, values in (
        ("R0-p(R1,CPE1)-W2", [5.0, 80.0, 1e-5, 0.85, 12.0]),
        ("L0-R0-p(R1-Wo1,C1)", [1e-6, 5.0, 80.0, 30.0, 0.4, 1e-5]),
        ("R0-p(R1,C1)-Ws2", [5.0, 80.0, 1e-5, 30.0, 0.4]),
    ):
        circuit = parse_circuit(text)
        ours = circuit.impedance(f, **dict(zip(circuit.names, values, strict=True)))
        with pytest.warns(UserWarning, match="initial parameters"):
            theirs = circuits.CustomCircuit(text, initial_guess=values).predict(f, use_initial=True)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


# -- fits

RANDLES = {"R0": 10.0, "R1": 100.0, "CPE1_Q": 1e-5, "CPE1_alpha": 0.9}


def test_exact_data():
    found = fit("R0-p(R1,CPE1)", F, parse_circuit("R0-p(R1,CPE1)").impedance(F, **RANDLES))
    for name, value in RANDLES.items():
        assert found[name] == pytest.approx(value, rel=1e-6)
    assert found.deviation < 1e-7
    assert found.undetermined == found.at_bound == ()


def test_order_of_frequencies_does_not_matter():
    z = noisy(parse_circuit("R0-p(R1,CPE1)").impedance(F, **RANDLES), 0.01, np.random.default_rng(0))
    one, other = fit("R0-p(R1,CPE1)", F, z), fit("R0-p(R1,CPE1)", F[::-1], z[::-1])
    assert one["R1"] == pytest.approx(other["R1"], rel=1e-6)


def test_scale_does_not_matter():
    """A cell of 1e6 times the resistance: the parameters scale, their relative intervals stay."""
    z = noisy(parse_circuit("R0-p(R1,CPE1)").impedance(F, **RANDLES), 0.01, np.random.default_rng(0))
    one, other = fit("R0-p(R1,CPE1)", F, z), fit("R0-p(R1,CPE1)", F, 1e6 * z)
    assert other["R1"] == pytest.approx(1e6 * one["R1"], rel=1e-6)
    assert other["CPE1_Q"] == pytest.approx(1e-6 * one["CPE1_Q"], rel=1e-5)
    ours, theirs = (found.fitted("R0", "", ONE).uncertainty for found in (one, other))
    assert ours == pytest.approx(theirs, rel=1e-4)


def test_noise_is_found():
    """Standard deviation of the residuals is that of the noise, within three of its own."""
    z = noisy(parse_circuit("R0-p(R1,CPE1)").impedance(F, **RANDLES), 0.01, np.random.default_rng(2))
    found = fit("R0-p(R1,CPE1)", F, z)
    assert found.deviation == pytest.approx(0.01, rel=3.0 / np.sqrt(2.0 * found.estimate.degrees))


@pytest.mark.monte_carlo
def test_coverage_of_the_intervals():
    """500 spectra with 1 % noise: 95 % intervals hold the truth in 92 to 98 % of them, for each parameter."""
    rng, circuit = np.random.default_rng(1), parse_circuit("R0-p(R1,CPE1)")
    z, trials = circuit.impedance(F, **RANDLES), 500
    held = dict.fromkeys(RANDLES, 0)
    total = 0
    for _ in range(trials):
        found = fit(circuit, F, noisy(z, 0.01, rng))
        for name, value in RANDLES.items():
            one = found.fitted(name, name, ONE)
            held[name] += one.low <= value <= one.high
        both = found.fitted(["R0", "R1"], "", ONE)
        total += both.low <= 110.0 <= both.high
    for name, count in (held | {"sum": total}).items():
        assert 0.92 <= count / trials <= 0.98, (name, count / trials)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        (
            "R0-p(R1,CPE1)-p(R2,CPE2)-Ws3",
            {
                "R0": 5.0, "R1": 50.0, "CPE1_Q": 1e-6, "CPE1_alpha": 0.85, "R2": 40.0, "CPE2_Q": 1e-3,
                "CPE2_alpha": 0.8, "Ws3_R": 20.0, "Ws3_tau": 10.0,
            },
        ),
        (
            "p(R0,CPE0)-p(R1,CPE1)-CPE2",
            {
                "R0": 500.0, "CPE0_Q": 1e-9, "CPE0_alpha": 0.95, "R1": 500.0, "CPE1_Q": 1e-7, "CPE1_alpha": 0.9,
                "CPE2_Q": 1e-5, "CPE2_alpha": 0.9,
            },
        ),
        (
            "p(R0,CPE0)-TL1",
            {"R0": 50.0, "CPE0_Q": 1e-8, "CPE0_alpha": 0.9, "TL1_R": 100.0, "TL1_Q": 1e-3, "TL1_alpha": 0.9},
        ),
        ("L0-R0-p(R1,CPE1)-W2", {"L0": 1e-6, "R0": 5.0, "R1": 50.0, "CPE1_Q": 1e-6, "CPE1_alpha": 0.85, "W2": 10.0}),
        (
            "p(R1-Wo1,CPE1)-R0",
            {"R1": 40.0, "Wo1_R": 30.0, "Wo1_tau": 5.0, "CPE1_Q": 1e-5, "CPE1_alpha": 0.9, "R0": 4.0},
        ),
    ],
)  # fmt: skip
def test_found_without_a_guess(text, truth):
    """Four standard deviations about the truth, from no start."""
    f, rng = np.logspace(6.0, -2.0, 65), np.random.default_rng(7)
    circuit = parse_circuit(text)
    for _ in range(3):
        found = fit(circuit, f, noisy(circuit.impedance(f, **truth), 0.01, rng))
        assert found.deviation < 0.0125
        deviations = np.sqrt(np.diagonal(found.estimate.covariance))
        expected = [circuit.logarithm(name, truth[name]) for name in circuit.names]
        assert (np.abs(found.estimate.values - expected) < 4.0 * deviations).all()


def test_parallel_parts_are_ordered_by_time():
    truth = {"R0": 5.0, "R1": 40.0, "CPE1_Q": 1e-3, "CPE1_alpha": 0.9, "R2": 50.0, "CPE2_Q": 1e-6, "CPE2_alpha": 0.9}
    circuit = parse_circuit("R0-p(R1,CPE1)-p(R2,CPE2)")
    found = fit(circuit, F, circuit.impedance(F, **truth))
    assert found["R1"] == pytest.approx(50.0, rel=1e-4)
    assert found["R2"] == pytest.approx(40.0, rel=1e-4)


def test_start_that_is_given():
    """All or some of the parameters."""
    z = parse_circuit("R0-p(R1,CPE1)").impedance(F, **RANDLES)
    for start in (RANDLES, {"R0": 12.0}):
        assert fit("R0-p(R1,CPE1)", F, z, start=start)["R1"] == pytest.approx(100.0, rel=1e-6)


def test_what_the_data_do_not_say():
    """Two resistances in series are one: neither is determined, their sum is."""
    z = noisy(parse_circuit("R0-p(R1,CPE1)").impedance(F, **RANDLES), 0.01, np.random.default_rng(0))
    found = fit("R0-R2-p(R1,CPE1)", F, z)
    assert set(found.undetermined) >= {"R0", "R2"} or set(found.at_bound) & {"R0", "R2"}
    assert found["R0"] + found["R2"] == pytest.approx(10.0, rel=0.02)


def test_a_capacitor_is_a_result():
    """Exponent 1 is a bound, but no failure."""
    z = parse_circuit("R0-p(R1,C1)").impedance(F, R0=10.0, R1=100.0, C1=1e-5)
    found = fit("R0-p(R1,CPE1)", F, z)
    assert found["CPE1_alpha"] == pytest.approx(1.0, abs=1e-6)
    assert found.at_bound == ()


def test_criteria_take_the_true_circuit():
    rng, f = np.random.default_rng(3), np.logspace(5.0, -1.0, 43)
    right = 0
    for _ in range(20):
        z = noisy(parse_circuit("R0-p(R1,CPE1)").impedance(f, **RANDLES), 0.01, rng)
        fits = [fit(text, f, z) for text in ("R0-CPE1", "R0-p(R1,CPE1)", "R0-p(R1,CPE1)-p(R2,CPE2)")]
        right += min(fits, key=lambda one: one.bic) is fits[1]
        assert fits[1].aicc < fits[0].aicc
    assert right >= 18


def test_too_few_points():
    with pytest.raises(MeasurementError, match=r"R0-p\(R1,CPE1\) has 4 parameters, too many for 2 points"):
        fit("R0-p(R1,CPE1)", F[:2], np.ones(2) + 0j)


def test_every_element_has_words():
    for element in ELEMENTS.values():
        assert all(parameter.words and parameter.name for parameter in element.parameters)
