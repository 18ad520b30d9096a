"""Titrations of known spheres give their diffusivity; those of electrodes that are no spheres are flagged."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from solidstack.errors import MeasurementError
from solidstack.measure.gitt import Gitt, analyse
from solidstack.measure.pulses import POINTS
from solidstack.measure.records import CURRENT, FREQUENCY, TIME, VOLTAGE, Record, record
from solidstack.measure.sphere import surface
from solidstack.plot.cycling import draw_gitt

Floats = NDArray[np.float64]

RADIUS = 2.5e-6
AMPS = 1e-4
TRIALS = 500


def shells(T: Floats, count: int = 400) -> Floats:
    """Surface of a sphere under constant flux by finite volumes of equal thickness, an independent solution; units of
    j R/D."""
    faces = np.linspace(0.0, 1.0, count + 1)
    volume = (faces[1:] ** 3 - faces[:-1] ** 3) / 3.0
    conductance = faces[1:-1] ** 2 * count
    matrix = np.zeros((count, count))
    inner = np.arange(count - 1)
    matrix[inner, inner] += conductance
    matrix[inner + 1, inner + 1] += conductance
    matrix[inner, inner + 1] -= conductance
    matrix[inner + 1, inner] -= conductance
    # modes of the symmetric form: exact in time
    root = np.sqrt(volume)
    rates, modes = np.linalg.eigh(matrix / np.outer(root, root))
    source = modes[-1] / root[-1]
    found = np.empty(T.size)
    for at, time in enumerate(T):
        with np.errstate(divide="ignore", invalid="ignore"):
            grown = np.where(rates > 1e-9, -np.expm1(-rates * time) / rates, time)
        found[at] = float(modes[-1] @ (grown * source)) / root[-1] + 0.5 / count
    return found


def titration(
    diffusivity: float, *, pulses: int = 2, pulse: float = 600.0, rest: float = 7200.0, step: float = 0.02,
    jump: float = 0.01, sign: float = -1.0, drift: float = 0.0, interval: float = 5.0, relaxing: bool = True,
) -> dict[str, Floats]:  # fmt: skip
    """Potential of spheres of one size with a straight rest potential, V: sums of the answers to each switch."""
    rate, total = diffusivity / RADIUS**2, diffusivity / RADIUS**2 * pulse
    time, current = [np.linspace(0.0, 600.0, 60)], [np.zeros(60)]
    begins, clock = [], 600.0
    for _ in range(pulses):
        on = clock + np.arange(interval, pulse + 0.1 * interval, interval)
        clock = on[-1]
        begins.append((clock - pulse, clock))
        off = clock + np.concatenate([np.arange(5.0, 600.0, 5.0), np.arange(600.0, rest + 0.1, 60.0)])
        clock = off[-1] if relaxing else clock
        time += [on, off] if relaxing else [on]
        current += [np.full(on.size, sign * AMPS)] + ([np.zeros(off.size)] if relaxing else [])
    t, amps = np.concatenate(time), np.concatenate(current)
    volts = 4.0 + jump * amps / AMPS + drift * t
    for begin, end in begins:
        answer = surface(np.maximum(t - begin, 0.0) * rate) - surface(np.maximum(t - end, 0.0) * rate)
        volts = volts + sign * step / (3.0 * total) * answer
    return {TIME: t, VOLTAGE: volts, CURRENT: amps}


def measured(columns: dict[str, Floats], noise: float = 0.0, seed: int = 0, **known: Any) -> Record:
    random = np.random.default_rng(seed)
    volts = columns[VOLTAGE] + noise * random.normal(size=columns[VOLTAGE].size)
    return record(columns | {VOLTAGE: volts}, source="g.mpr", **{"temperature": 298.15} | known)


def porous(
    diffusivity: float, ionic: float, *, nodes: int = 20, pulses: int = 3, pulse: float = 1200.0, rest: float = 7200.0,
    capacity: float = 10.0, amps: float = 5e-4, contact: float = 5.0, terms: int = 40,
) -> dict[str, Floats]:  # fmt: skip
    """Electrode of spheres along an ionic resistance (ohm): potential of a discharge, straight rest potential.

    At each node the sphere is a sum of modes that are exact in a step of constant current; the currents of the nodes
    share the total by the ionic resistance, the contact of each and the potential at its surface.
    """
    beta = (np.arange(1, terms + 1) + 0.5) * np.pi
    beta = beta - 1.0 / beta
    for _ in range(8):
        beta = beta - (np.sin(beta) - beta * np.cos(beta)) / (beta * np.sin(beta))
    decay, size = beta**2 * diffusivity / RADIUS**2, 2.0 / 3.0 * RADIUS**2 / diffusivity / beta**2
    fast = 2.0 / 3.0 * RADIUS**2 / diffusivity * (0.1 - np.sum(1.0 / beta**2))
    places = np.arange(nodes)
    ladder = ionic / nodes * (np.minimum(places[:, None], places[None, :]) + 0.5)
    mean, modes = np.full(nodes, 0.3), np.zeros((nodes, terms))
    time, volts, current, clock = [0.0], [4.3], [0.0], 0.0
    for _ in range(pulses):
        for length, on in ((pulse, 1.0), (rest, 0.0)):
            last = 0.0
            for at in np.concatenate([np.geomspace(0.5, 20.0, 12), np.linspace(25.0, length, 150)]):
                dt, last = at - last, at
                left = np.exp(-decay * dt)
                base = 4.6 - (mean + (modes * left).sum(axis=1))
                grown = (dt + np.sum(size * (1.0 - left)) + fast) / (capacity / nodes)
                matrix = np.linalg.inv((grown + contact * nodes) * np.eye(nodes) + ladder)
                level = (float((matrix @ base).sum()) - on * amps) / float(matrix.sum())
                rates = matrix @ (base - level) / (capacity / nodes)
                aim = size * rates[:, None]
                modes = aim + (modes - aim) * left
                mean = mean + rates * dt
                time.append(clock + at)
                volts.append(level)
                current.append(-on * amps)
            clock += length
    return {TIME: np.array(time), VOLTAGE: np.array(volts), CURRENT: np.array(current)}


def only(result: Gitt, flag: str) -> bool:
    return all(flag in one.flags for one in result.pulses)


def test_surface_of_the_sphere_against_finite_volumes_and_limits() -> None:
    T = np.array([0.01, 0.04, 0.049999, 0.050001, 0.1, 0.5, 2.0])
    np.testing.assert_allclose(surface(T), shells(T), rtol=2e-3)
    assert surface(0.05 - 1e-12) == pytest.approx(float(surface(0.05 + 1e-12)), rel=1e-8)
    assert surface(1e-8) == pytest.approx(2.0 * np.sqrt(1e-8 / np.pi), abs=0.0, rel=1e-4)
    assert surface(50.0) == pytest.approx(150.2, rel=1e-12)


@pytest.mark.parametrize("diffusivity", [1e-17, 1e-16, 1e-15])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_diffusivity_of_spheres(diffusivity: float, sign: float) -> None:
    """tau D/R2 from 1e-3 to 0.1, charged and discharged."""
    rest = 7200.0 if diffusivity > 1e-16 else 2e5
    columns = titration(diffusivity, rest=rest, sign=sign)
    result = analyse(measured(columns, noise=1e-6), radius=RADIUS)
    pulse = result.pulses[1]
    # of the slowest a thousandth is left to relax even then
    assert pulse.diffusivity == pytest.approx(diffusivity, abs=0.0, rel=0.05 if diffusivity == 1e-17 else 2e-3)
    assert pulse.reduced == pytest.approx(600.0 * pulse.diffusivity / RADIUS**2, rel=1e-9)
    assert pulse.drop == pytest.approx(sign * 0.01, abs=2e-3 if diffusivity == 1e-17 else 1e-4)
    assert pulse.current == pytest.approx(sign * AMPS, rel=1e-9)
    if diffusivity > 1e-17:
        assert pulse.flags == ()
        assert pulse.relaxation == pytest.approx(1.0, abs=0.1)
        assert result.values["resistance"].value == pytest.approx(100.0, rel=0.02)
        assert result.values["diffusion_time"].value == pytest.approx(RADIUS**2 / diffusivity, rel=0.05)


def test_weppner_and_huggins_is_the_limit_of_short_pulses() -> None:
    """At tau D/R2 of 1e-3 both agree within a tenth; at 0.1 the line is at less than half."""
    short = analyse(measured(titration(1e-15, pulse=6.0, interval=0.2, step=2e-3)), radius=RADIUS).pulses[1]
    assert short.simple == pytest.approx(1e-15, abs=0.0, rel=0.1)
    long = analyse(measured(titration(1e-15)), radius=RADIUS).pulses[1]
    assert long.simple < 0.5e-15
    # by hand: D = 4/(pi tau) (R/3)2 (dEs/dEt)2 with the line of the fitted part
    root = np.sqrt(long.time)
    slope = np.polyfit(root, long.voltage, 1)[0]
    change = slope * np.sqrt(long.duration)
    by_hand = 4.0 / (np.pi * long.duration) * (RADIUS / 3.0) ** 2 * (long.step / change) ** 2
    assert long.simple == pytest.approx(by_hand, abs=0.0, rel=1e-9)


def test_radius_from_volume_and_area() -> None:
    """A third of the radius is volume over area; D goes with the square of the radius."""
    one = measured(titration(1e-15), mass=9.6e-6)
    # 9.6 mg of 96 g/mol at 20 cm3/mol: 2 mm3, on 2.4e-3 m2
    volume = 9.6e-6 / 96e-3 * 20e-6
    result = analyse(one, area=3.0 * volume / RADIUS, molar_mass=96e-3, molar_volume=20e-6)
    assert result.radius == pytest.approx(RADIUS, abs=0.0, rel=1e-12)
    assert result.values["diffusivity"].value == pytest.approx(1e-15, abs=0.0, rel=1e-3)
    twice = analyse(one, radius=2.0 * RADIUS)
    assert twice.values["diffusivity"].value == pytest.approx(
        4.0 * result.values["diffusivity"].value, abs=0.0, rel=1e-9
    )


def test_stoichiometry_falls_with_the_charge() -> None:
    one = measured(titration(1e-15, sign=1.0, pulses=3), mass=1e-6)
    result = analyse(one, radius=RADIUS, theoretical_capacity=1e6, initial_stoichiometry=0.9)
    found = result.series["pulses"].columns["stoichiometry"]
    np.testing.assert_allclose(found, 0.9 - 0.06 * np.arange(1, 4), rtol=1e-9)


@pytest.mark.monte_carlo
def test_intervals_hold_the_truth() -> None:
    """Of 500 titrations with noise, 92 to 98 % of the intervals hold the diffusivity."""
    diffusivity, noise = 1e-15, 2e-4
    columns = titration(diffusivity, interval=10.0)
    hits = 0
    for seed in range(TRIALS):
        pulse = analyse(measured(columns, noise, seed), radius=RADIUS).pulses[1]
        hits += pulse.low <= diffusivity <= pulse.high
    assert 0.92 <= hits / TRIALS <= 0.98


def test_a_pulse_longer_than_diffusion_is_flagged() -> None:
    result = analyse(measured(titration(2e-14), noise=1e-4), radius=RADIUS)
    assert only(result, "long pulse")
    assert any("no pulse is valid" in text for text in result.warnings)
    assert any("long pulse (2 of 2 pulses): the pulse is longer than 0.2 R²/D" in text for text in result.warnings)
    assert result.properties() == []


def test_the_spreading_of_a_reaction_front_is_flagged() -> None:
    """Spheres of 1e-13 m2/s along 800 ohm look like 1e-16; the rest tells, and the resistance does."""
    one = measured(porous(1e-13, 800.0), noise=2e-5)
    result = analyse(one, radius=RADIUS)
    assert all(5e-17 < pulse.diffusivity < 3e-16 for pulse in result.pulses)
    assert only(result, "other relaxation")
    assert result.properties() == []
    assert any("the reaction front spreads through the electrode" in text for text in result.warnings)
    assert only(analyse(one, radius=RADIUS, ionic_resistance=800.0), "reaction front")


def test_spheres_that_all_see_one_potential_are_not_flagged() -> None:
    """The same electrode with hardly any ionic resistance, known or not, is one of spheres."""
    one = measured(porous(4e-16, 0.1), noise=2e-5)
    for known in (None, 0.1):
        result = analyse(one, radius=RADIUS, ionic_resistance=known)
        assert all(pulse.valid for pulse in result.pulses)
        assert result.values["diffusivity"].value == pytest.approx(4e-16, abs=0.0, rel=0.03)
    # what resistance would do is told: it is flagged from there on
    text = next(text for text in analyse(one, radius=RADIUS).warnings if "would by itself look like this" in text)
    ohm = float(text.split(" electrode of ")[1].split(" ohm")[0])
    assert only(analyse(one, radius=RADIUS, ionic_resistance=1.1 * ohm), "reaction front")
    assert not only(analyse(one, radius=RADIUS, ionic_resistance=0.8 * ohm), "reaction front")


def bent(columns: dict[str, Floats], by: float) -> dict[str, Floats]:
    """A rest potential that is a parabola of the charge, 1/V; without the jump."""
    change = columns[VOLTAGE] - 4.0
    return columns | {VOLTAGE: 4.0 + change + by * change**2}


def test_a_constant_diffusivity_does_not_go_with_the_slope_of_the_potential() -> None:
    """Steps of 19 to 5 mV along a bent rest potential: of spheres D is the same in all pulses."""
    columns = bent(titration(1e-15, pulses=10, jump=0.0), 2.0)
    result = analyse(measured(columns, 1e-6), radius=RADIUS)
    steps = [abs(one.step) for one in result.pulses]
    assert max(steps) > 3.5 * min(steps)
    assert [one.flags for one in result.pulses] == [()] * 10
    assert [one.diffusivity for one in result.pulses] == pytest.approx([1e-15] * 10, abs=0.0, rel=5e-3)


@pytest.mark.parametrize("by", [-1.0, 1.0, 2.0])
def test_a_bent_rest_potential_is_no_bias_even_with_short_rests(by: float) -> None:
    """Straight in each pulse it would be up to two thirds too much, or a third too little."""
    columns = bent(titration(1e-15, pulses=9, rest=900.0, jump=0.0), by)
    found = [one.diffusivity for one in analyse(measured(columns, 1e-6), radius=RADIUS).pulses]
    assert found == pytest.approx([1e-15] * 9, abs=0.0, rel=1e-2)


def test_titration_of_a_simulated_cell_finds_a_hundredth_and_says_so() -> None:
    """1e-13 m2/s in an electrode with 10 vol% of electrolyte: the model of the whole cell gives about 1e-15."""
    pytest.importorskip("pybamm")
    import solidstack as ss
    from solidstack.design import Protocol, Rate
    from solidstack.twin.companion.homogenised import simulate
    from solidstack.twin.effective import Effective

    design = ss.load("examples/pouch-0.16Ah.toml")
    medium = Effective.from_design(design)
    steps = (
        {"kind": "charge", "current": Rate(0.1, "C"), "until": {"voltage": 3.85}},
        {"kind": "rest", "until": {"time": 7.2e4}},
        {"kind": "pulses", "direction": "discharge", "current": Rate(0.1, "C"), "pulse": 1200.0, "rest": 2.16e4,
         "count": 4},
    )  # fmt: skip
    run = simulate(design, Protocol.from_dict({"steps": steps}))
    rows = slice(run.steps[1].first, None)
    columns = {TIME: run.time[rows], VOLTAGE: run.voltage[rows], CURRENT: 1e-4 * run.current_density[rows]}
    radius = 3.0 * medium.active_fraction / medium.specific_interface
    one = measured(columns)
    result = analyse(one, radius=radius)
    assert all(5e-16 < pulse.simple < 2e-15 for pulse in result.pulses)
    assert all(1e-15 < pulse.diffusivity < 5e-15 for pulse in result.pulses)
    assert only(result, "like a front")
    assert result.properties() == []
    ionic = medium.thickness / medium.ionic_conductivity / 1e-4
    assert only(analyse(one, radius=radius, ionic_resistance=ionic), "reaction front")


def test_a_rest_that_is_too_short_is_flagged() -> None:
    result = analyse(measured(titration(1e-16, rest=1200.0), noise=1e-5), radius=RADIUS)
    assert only(result, "short rest")
    left = result.pulses[0].unrested
    assert left > 0.05


@pytest.mark.parametrize(("diffusivity", "rest"), [(1e-15, 300.0), (1e-15, 600.0), (1e-16, 1200.0), (1e-17, 7200.0)])
def test_what_earlier_pulses_have_left_to_relax_is_no_bias(diffusivity: float, rest: float) -> None:
    """Rests of 0.5 to 2 pulses and of 1/90 of R2/D; where much is left it is flagged, and as that only."""
    result = analyse(measured(titration(diffusivity, pulses=8, rest=rest), noise=1e-6), radius=RADIUS)
    found = [pulse.diffusivity for pulse in result.pulses]
    assert found == pytest.approx([diffusivity] * 8, abs=0.0, rel=3e-3)
    assert [pulse.drop for pulse in result.pulses] == pytest.approx([-0.01] * 8, rel=2e-3)
    assert {flag for pulse in result.pulses for flag in pulse.flags} <= {"short rest"}
    assert all(pulse.relaxation == pytest.approx(1.0, abs=0.1) for pulse in result.pulses)
    if diffusivity == 1e-15:
        assert all(pulse.valid for pulse in result.pulses)


def test_earlier_pulses_may_be_of_other_currents_and_lengths() -> None:
    """Pulses of 1 and 1/2 of the current, 600 and 300 s, after a charge of an hour that is no pulse."""
    rate, clock = 1e-15 / RADIUS**2, 600.0
    time, amps, runs = [np.linspace(0.0, 600.0, 60)], [np.zeros(60)], []
    for size, length in ((-1.0, 3600.0), (1.0, 600.0), (0.5, 300.0), (1.0, 600.0), (0.5, 300.0), (1.0, 600.0)):
        runs.append((clock, clock + length, size))
        time += [clock + np.arange(5.0, length + 1.0, 5.0), clock + length + np.arange(5.0, 901.0, 5.0)]
        amps += [np.full(time[-2].size, -AMPS * size), np.zeros(time[-1].size)]
        clock += length + 900.0
    t = np.concatenate(time)
    volts = 4.0 + 100.0 * np.concatenate(amps)
    for begin, end, size in runs:
        answer = surface(np.maximum(t - begin, 0.0) * rate) - surface(np.maximum(t - end, 0.0) * rate)
        volts = volts - 0.02 * size / (3.0 * 600.0 * rate) * answer
    result = analyse(measured({TIME: t, VOLTAGE: volts, CURRENT: np.concatenate(amps)}, 1e-6), radius=RADIUS)
    assert [pulse.duration for pulse in result.pulses] == pytest.approx([600.0, 300.0, 600.0, 300.0, 600.0])
    assert [pulse.diffusivity for pulse in result.pulses] == pytest.approx([1e-15] * 5, abs=0.0, rel=5e-3)


def test_the_table_of_pulses_begins_with_what_says_most() -> None:
    series = analyse(measured(titration(1e-15), mass=1e-6), radius=RADIUS).series["pulses"]
    assert list(series.columns)[:8] == [
        "pulse", "voltage", "diffusivity", "low", "high", "valid", "doubts", "pulse_over_diffusion_time"
    ]  # fmt: skip
    assert series.rows()[0]["diffusivity_cm2_s"] == pytest.approx(1e-11, abs=0.0, rel=2e-3)
    assert series.rows()[0]["doubts"] == ""
    assert "specific_charge" in series.columns


def test_steps_within_the_noise_are_flagged() -> None:
    result = analyse(measured(titration(1e-15, step=2e-4), noise=5e-4), radius=RADIUS)
    assert any({"faint step", "wrong way"} & set(one.flags) for one in result.pulses)
    assert not any(one.valid for one in result.pulses)


def test_a_step_of_the_potential_is_no_diffusion() -> None:
    columns = titration(1e-15)
    pulse = columns[CURRENT] != 0.0
    since = np.where(pulse, (columns[TIME] - 600.0) % 7800.0, 0.0)
    columns[VOLTAGE] = columns[VOLTAGE] - 0.02 * (since > 300.0)
    assert only(analyse(measured(columns, noise=1e-5), radius=RADIUS), "not diffusion")


def test_current_that_is_not_constant_is_flagged() -> None:
    columns = titration(1e-15)
    pulse = columns[CURRENT] != 0.0
    columns[CURRENT] = columns[CURRENT] * np.where(pulse, 1.0 + 0.1 * np.sin(columns[TIME] / 50.0), 1.0)
    assert only(analyse(measured(columns), radius=RADIUS), "unsteady current")


def test_median_with_its_range_and_the_material() -> None:
    result = analyse(measured(titration(1e-15, pulses=8), noise=1e-4), radius=RADIUS)
    found = result.values["diffusivity"]
    assert found.low <= found.value <= found.high
    assert result.values["diffusivity_lowest"].value <= found.low
    assert result.values["diffusivity_highest"].value >= found.high
    (entry,) = result.properties()
    assert entry.name == "diffusivity"
    assert entry.entry["temperature"] == "25 degC"
    assert result.to_dict()["diffusivity_cm2_s"]["value"] == pytest.approx(1e-11, abs=0.0, rel=0.02)
    assert analyse(measured(titration(1e-15), temperature=None), radius=RADIUS).properties() == []


def test_a_long_charge_among_the_pulses_is_left_out() -> None:
    columns = titration(1e-15)
    end, volts = columns[TIME][-1], columns[VOLTAGE][-1]
    time = end + np.concatenate([np.linspace(60.0, 36000.0, 400), np.linspace(36060.0, 39600.0, 50)])
    amps = np.where(time <= end + 36000.0, -AMPS, 0.0)
    longer = {
        TIME: np.concatenate([columns[TIME], time]),
        VOLTAGE: np.concatenate([columns[VOLTAGE], np.linspace(volts, volts - 0.5, time.size)]),
        CURRENT: np.concatenate([columns[CURRENT], amps]),
    }
    result = analyse(measured(longer), radius=RADIUS)
    assert len(result.pulses) == 2
    assert any("current that flows 5 times longer than the usual pulse (600 s) was left out 1 time" in text
               for text in result.warnings)  # fmt: skip


def test_pulses_without_rest() -> None:
    with pytest.raises(MeasurementError, match="has current but no rest after it: a titration is pulses of current"):
        analyse(measured(titration(1e-15, relaxing=False)), radius=RADIUS)
    columns = titration(1e-15, pulses=3)
    last = int(np.flatnonzero(columns[CURRENT])[-1]) + 1
    result = analyse(measured({name: values[:last] for name, values in columns.items()}), radius=RADIUS)
    assert len(result.pulses) == 2
    assert "1 pulse without a rest on both sides left out" in result.warnings


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"radius": None}, 'g.mpr: has no particle radius, .* as in --radius "2.5 um"'),
        ({"radius": -1e-6}, "radius: -1e-06 is not above 0"),
        ({"ionic_resistance": 0.0}, "ionic resistance: 0 is not above 0"),
    ],
)
def test_what_is_given(change: dict[str, Any], words: str) -> None:
    with pytest.raises(MeasurementError, match=words):
        analyse(measured(titration(1e-15)), **{"radius": RADIUS} | change)


def test_bad_records() -> None:
    columns = titration(1e-15)
    with pytest.raises(MeasurementError, match="has no current: all of its .* points are at rest"):
        analyse(measured(columns | {CURRENT: np.zeros(columns[TIME].size)}), radius=RADIUS)
    with pytest.raises(MeasurementError, match='has no column "Current / A"'):
        analyse(record({TIME: columns[TIME], VOLTAGE: columns[VOLTAGE]}), radius=RADIUS)
    with pytest.raises(MeasurementError, match="is a measurement of impedance; titration needs a cell under constant"):
        analyse(record({FREQUENCY: [1.0, 2.0]}, technique="impedance"), radius=RADIUS)
    back = columns[TIME].copy()
    back[200:] -= 900.0
    with pytest.raises(MeasurementError, match="time goes back from"):
        analyse(measured(columns | {TIME: back}), radius=RADIUS)
    coarse = np.concatenate([np.arange(60), np.flatnonzero(columns[CURRENT])[[2, 50, 100]], np.arange(190, 300)])
    with pytest.raises(MeasurementError, match=f"has 1 pulse, none of {POINTS} points or more"):
        analyse(measured({name: values[np.sort(coarse)] for name, values in columns.items()}), radius=RADIUS)


def test_repeated_rows_change_nothing() -> None:
    columns = titration(1e-15)
    twice = {name: np.repeat(values, 2) for name, values in columns.items()}
    once, again = (analyse(measured(one), radius=RADIUS) for one in (columns, twice))
    assert again.values["diffusivity"].value == pytest.approx(once.values["diffusivity"].value, abs=0.0, rel=1e-12)
    assert any("rows left out as a repeat of the row before" in text for text in again.warnings)


def test_the_figure_shows_pulses_and_diffusivity() -> None:
    for diffusivity in (1e-15, 2e-14):
        figure = draw_gitt(analyse(measured(titration(diffusivity), noise=1e-4), radius=RADIUS))
        above, left, right = figure.axes
        assert above.get_ylabel() == "Potential, V"
        assert left.get_ylabel() == "Diffusivity, cm² s⁻¹"
        assert right.get_xlabel() == "√time, s⁰·⁵"
