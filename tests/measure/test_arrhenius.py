import io
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from solidstack.constants import FARADAY, GAS
from solidstack.errors import MeasurementError
from solidstack.materials.schema import Conductivity
from solidstack.measure import arrhenius, impedance
from solidstack.measure.records import FREQUENCY, IMAGINARY, REAL, record
from solidstack.measure.result import Fitted, Result
from solidstack.plot.electrolyte import draw_arrhenius
from solidstack.units import MS_CM, OHM

ROUNDING = 1e-9
TRIALS = 500
# solid polymer electrolyte of the publication: 1.08 mS/cm at 30 degC, 100 meV
WARM, SPE, ENERGY = 303.15, 0.108, 0.100 * FARADAY


def conductivity(T, *, energy=ENERGY, value=SPE, at=WARM):
    """Of sigma T = A exp(-Ea/RT)."""
    return value * at / T * np.exp(energy / GAS * (1.0 / at - 1.0 / T))


def vogel(T, *, B=800.0, ideal=200.0, A=100.0):
    return A * T**-0.5 * np.exp(-B / (T - ideal))


def test_spe_of_the_publication():
    T = np.linspace(293.15, 353.15, 7)
    result = arrhenius.analyse(T, conductivity(T))
    values = result.values
    assert_allclose(values["activation_energy"].value, ENERGY, rtol=1e-7)
    assert_allclose(values["conductivity_30"].value, SPE, rtol=ROUNDING)
    assert_allclose(values["conductivity_25"].value, conductivity(298.15), rtol=ROUNDING)
    assert_allclose(values["prefactor"].value, SPE * WARM * np.exp(ENERGY / GAS / WARM), rtol=1e-7)
    # of sigma: ln sigma has the slope -(Ea - R T)/R at some T within the range
    lower = values["activation_energy_sigma"].value
    assert ENERGY - GAS * T[-1] < lower < ENERGY - GAS * T[0]
    assert result.kind == "arrhenius"
    assert result.chosen.name == "arrhenius"
    assert not result.warnings
    shown = result.to_dict()
    assert_allclose(shown["activation_energy_eV"]["value"], 0.1, rtol=1e-7)
    assert_allclose(shown["conductivity_30_mS_cm"]["value"], 1.08, rtol=ROUNDING)
    assert shown["window"] == {"lowest_degC": 20.0, "highest_degC": 80.0, "points": 7}


def test_both_conventions_by_hand():
    # two points: the slopes can be written down
    T, sigma = np.array([300.0, 400.0]), np.array([0.1, 1.0])
    values = arrhenius.analyse(T, sigma).values
    per = GAS / (1 / 300.0 - 1 / 400.0)
    assert_allclose(values["activation_energy_sigma"].value, per * np.log(10.0), rtol=ROUNDING)
    assert_allclose(values["activation_energy"].value, per * np.log(10.0 * 400.0 / 300.0), rtol=ROUNDING)


@pytest.mark.monte_carlo
@pytest.mark.parametrize("known", [False, True])
def test_coverage_of_intervals(known):
    rng = np.random.default_rng(7)
    T = np.linspace(293.15, 343.15, 6)
    truth = {
        "activation_energy": ENERGY,
        "conductivity_25": conductivity(298.15),
        "conductivity_30": SPE,
        "prefactor": SPE * WARM * np.exp(ENERGY / GAS / WARM),
    }
    inside = dict.fromkeys(truth, 0)
    for _ in range(TRIALS):
        sigma = conductivity(T) * np.exp(0.02 * rng.standard_normal(len(T)))
        deviations = np.full(len(T), 0.02) if known else None
        values = arrhenius.analyse(T, sigma, deviations=deviations).values
        for name, value in truth.items():
            inside[name] += values[name].low <= value <= values[name].high
    for name, count in inside.items():
        assert 0.92 <= count / TRIALS <= 0.98, name


@pytest.mark.monte_carlo
def test_coverage_of_the_curve():
    rng = np.random.default_rng(2)
    T = np.linspace(293.15, 353.15, 8)
    inside, chosen = 0, 0
    for _ in range(TRIALS):
        result = arrhenius.analyse(T, vogel(T) * np.exp(0.01 * rng.standard_normal(len(T))))
        found = result.values["vogel_temperature"]
        inside += found.low <= 200.0 <= found.high
        chosen += result.chosen.name == "vogel-tammann-fulcher"
    assert 0.92 <= inside / TRIALS <= 0.98
    assert chosen == TRIALS


def test_curve_is_preferred_where_points_are_curved():
    T = np.linspace(283.15, 353.15, 8)
    result = arrhenius.analyse(T, vogel(T))
    assert result.chosen.name == "vogel-tammann-fulcher"
    assert_allclose(result.values["vogel_temperature"].value, 200.0, rtol=1e-6)
    assert_allclose(result.values["vogel_b"].value, 800.0, rtol=1e-6)
    assert_allclose(result.values["vogel_energy"].value, 800.0 * GAS, rtol=1e-6)
    assert_allclose(result.values["conductivity_30"].value, vogel(303.15), rtol=1e-6)
    assert any("Vogel-Tammann-Fulcher is preferred" in said for said in result.warnings)
    table = {row["model"]: row for row in result.series["candidates"].rows()}
    assert table["vogel-tammann-fulcher"]["criterion_above_lowest"] == 0.0
    assert table["vogel-tammann-fulcher"]["chosen"]
    assert table["arrhenius"]["criterion_above_lowest"] > 10.0


def test_straight_points_are_not_called_curved():
    rng = np.random.default_rng(3)
    T = np.linspace(293.15, 353.15, 9)
    other = sum(
        arrhenius.analyse(T, conductivity(T) * np.exp(0.02 * rng.standard_normal(len(T)))).chosen.name != "arrhenius"
        for _ in range(100)
    )
    assert other <= 5


def test_change_of_slope():
    T = np.arange(293.15, 364.0, 10.0 / 3.0)
    melting = 333.15
    sigma = np.where(
        melting > T,
        conductivity(T, energy=1.0 * FARADAY, at=melting, value=0.1),
        conductivity(T, energy=0.3 * FARADAY, at=melting, value=0.1),
    )
    sigma = sigma * np.exp(0.01 * np.random.default_rng(0).standard_normal(len(T)))
    result = arrhenius.analyse(T, sigma)
    assert result.chosen.name == "two lines"
    assert abs(result.chosen.change - melting) < 5.0
    assert_allclose(result.values["activation_energy_below"].value, FARADAY, rtol=0.02)
    assert_allclose(result.values["activation_energy_above"].value, 0.3 * FARADAY, rtol=0.05)
    assert any(
        re.search(r"the slope changes at about (58|62) degC, from 0\.99\d eV below to 0\.3\d* eV", said)
        for said in result.warnings
    )
    (found,) = result.properties()
    assert found.entry["range"][1] in ("56.67 degC", "60 degC")  # the last that is below the change


def test_deviations_weigh_points():
    T = np.array([300.0, 320.0, 340.0, 360.0])
    sigma = conductivity(T)
    sigma[3] *= 2.0  # a bad point, said to be bad
    values = arrhenius.analyse(T, sigma, deviations=[0.001, 0.001, 0.001, 10.0]).values
    assert_allclose(values["activation_energy"].value, ENERGY, rtol=1e-5)


def test_material_entry():
    T = np.linspace(293.15, 353.15, 7)
    (found,) = arrhenius.analyse(T, conductivity(T)).properties()
    assert found.name == "ionic_conductivity"
    entry = Conductivity(**found.entry, quality="measured", source="test")
    assert entry.temperature == 303.15  # the lowest measured from 25 degC on
    assert_allclose(entry.at(343.15), conductivity(343.15), rtol=1e-4)
    assert entry.covers(293.15)
    assert not entry.covers(290.0)


def test_material_is_given_no_negative_energy():
    T = np.linspace(293.15, 353.15, 7)
    result = arrhenius.analyse(T, conductivity(T, energy=-ENERGY))
    (found,) = result.properties()
    assert "activation_energy" not in found.entry
    assert any("falls with rising temperature" in said for said in result.warnings)


def test_two_temperatures_have_no_interval():
    T = np.array([298.15, 348.15])
    result = arrhenius.analyse(T, conductivity(T))
    assert_allclose(result.values["activation_energy"].value, ENERGY, rtol=ROUNDING)
    assert result.to_dict()["activation_energy_eV"]["low"] is None
    assert result.warnings == (
        "two temperatures: the line goes through both, so no interval and no test of the line is possible",
    )
    known = arrhenius.analyse(T, conductivity(T), deviations=[0.02, 0.02]).values["activation_energy"]
    half = 1.959964 * 0.02 * np.sqrt(2.0) * GAS / (1 / 298.15 - 1 / 348.15)
    assert_allclose([known.low, known.high], [ENERGY - half, ENERGY + half], rtol=1e-6)


def test_doubtful_spans():
    T = np.array([298.15, 303.15, 308.15])
    said = arrhenius.analyse(T, conductivity(T)).warnings
    assert any(text.startswith("the temperatures span 10 K, less than 20 K") for text in said)
    hot = np.array([323.15, 343.15, 363.15])
    said = arrhenius.analyse(hot, conductivity(hot)).warnings
    assert "25 degC is 25 K outside the measured range, 50 to 90 degC: the conductivity there is extrapolated" in said
    celsius = np.array([20.0, 50.0, 80.0])
    said = arrhenius.analyse(celsius, np.array([0.1, 0.2, 0.3])).warnings
    assert any("are the temperatures in degC rather than K?" in text for text in said)


@pytest.mark.parametrize(
    ("T", "sigma", "words"),
    [
        ([303.15], [0.1], r"has a single temperature \(30\.0 degC\); an activation energy needs"),
        ([303.15, 303.45], [0.1, 0.11], r"has a single temperature \(30\.0 degC\)"),
        ([], [], r"has a single temperature \(none\)"),
        ([300.0, 320.0], [0.1], r"2 temperatures and 1 conductivities do not match; give as many of each"),
        ([300.0, 320.0], [0.1, -0.1], r"conductivity of point 2: -1 mS/cm is not above 0; leave the point out"),
        ([300.0, 320.0], [0.1, np.nan], r"conductivity of point 2: not a number; leave the point out"),
        ([0.0, 320.0], [0.1, 0.1], r"temperature of point 1: -273\.15 degC is not above 0 K"),
    ],
)
def test_refused(T, sigma, words):
    with pytest.raises(MeasurementError, match=words):
        arrhenius.analyse(T, sigma)


def test_refuses_deviation_of_nothing():
    with pytest.raises(MeasurementError, match=r"deviation of point 1: 0 % is not above 0"):
        arrhenius.analyse([300.0, 320.0], [0.1, 0.2], deviations=[0.0, 0.1])


def test_repeated_rows_do_not_count_twice():
    T = np.repeat(np.linspace(293.15, 333.15, 5), 2)
    sigma = conductivity(T) * np.repeat(1.0 + 0.02 * np.array([1, -1, 1, -1, 1]), 2)
    result = arrhenius.analyse(T, sigma)
    once = arrhenius.analyse(T[::2], sigma[::2])
    assert result.values["activation_energy"].high == once.values["activation_energy"].high
    assert any("5 repeated rows were left out" in said for said in result.warnings)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("header", "celsius", "scale"),
    [
        ("temperature (degC),conductivity (mS/cm)", True, 10.0),
        ("T / degC,sigma / S cm-1", True, 0.01),
        ("T (°C),σ (S/m)", True, 1.0),
        ("T [K],sigma [S/cm]", False, 0.01),
        ("temperature_degC,conductivity_mS_cm", True, 10.0),
        ("Temp (C),Conductivity / mS cm⁻¹", True, 10.0),
    ],
)
def test_table(tmp_path, header, celsius, scale):
    T = np.array([293.15, 303.15, 313.15, 333.15])
    rows = [f"{t - 273.15 if celsius else t},{s * scale}" for t, s in zip(T, conductivity(T), strict=True)]
    path = write(tmp_path / "a.csv", "\n".join([header, *rows]))
    found, sigma, deviations = arrhenius.read_points(path)
    assert_allclose(found, T, rtol=ROUNDING)
    assert_allclose(sigma, conductivity(T), rtol=ROUNDING)
    assert deviations is None
    result = arrhenius.from_table(path)
    assert_allclose(result.values["activation_energy"].value, ENERGY, rtol=1e-7)
    assert len(result.to_dict()["files"][0]["sha256"]) == 64


def test_table_of_resistances_with_deviations(tmp_path):
    path = write(tmp_path / "r.txt", "T (degC);R (ohm);std (%)\n20,0;120,5;2\n40,0;60;2\n60;30,1;3\n")
    T, sigma, deviations = arrhenius.read_points(path, area=1.13e-4, thickness=1e-4)
    assert_allclose(T, [293.15, 313.15, 333.15])
    assert_allclose(sigma, 1e-4 / 1.13e-4 / np.array([120.5, 60.0, 30.1]))
    assert_allclose(deviations, [0.02, 0.02, 0.03])
    with pytest.raises(MeasurementError, match=r'conductivity needs the area; give it, as in --area "1.13 cm\^2"'):
        arrhenius.from_table(path, thickness=1e-4)
    with pytest.raises(MeasurementError, match=r"thickness: -1 is not above 0; write for example 100 um"):
        arrhenius.from_table(path, area=1e-4, thickness=-1.0)


def test_table_with_deviations_in_the_unit_of_the_values(tmp_path):
    path = write(tmp_path / "s.csv", "T (degC),sigma (mS/cm),error (mS/cm)\n20,1,0.02\n40,2,0.1\n")
    assert_allclose(arrhenius.read_points(path)[2], [0.02, 0.05])
    path = write(tmp_path / "t.csv", "T (degC),sigma (mS/cm),error\n20,1,0.02\n40,2,0.1\n")
    assert_allclose(arrhenius.read_points(path)[2], [0.02, 0.05])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("T (degC),R0\n20,1\n", r'R0: "1.0" has no unit|no column of conductivity'),
        ("T (degC),voltage (V)\n20,1\n", r'has no column of conductivity or resistance; it has "T \(degC\)", "volt'),
        ("conductivity (mS/cm),x\n20,1\n", r"has no column of temperature"),
        ("T,conductivity (mS/cm)\n20,1\n", r'line 2: T: "20\.0" has no unit; write for example "20\.0 degC"'),
        ("T (degC),conductivity\n20,1\n", r'line 2: conductivity: "1\.0" has no unit'),
        ("T (degC),conductivity (mV)\n20,1\n", r'line 2: conductivity \(mV\): "1\.0 mV" is a voltage; expected a con'),
        ("1000/T (1/K),sigma (mS/cm)\n3.3,1\n", r'column "1000/T \(1/K\)" is 1/T; give the temperature itself'),
        ("T (degC),log sigma (S/cm)\n20,-3\n", r'column "log sigma \(S/cm\)" is a logarithm'),
        ("T (degC),sigma (mS/cm)\n20,1\n30,bad\n", r'line 3: sigma \(mS/cm\): "bad" is not a number'),
        ("T (degC),sigma (mS/cm)\n20,1\n30,-1\n", r"line 3: sigma \(mS/cm\): -1 mS/cm is not above 0"),
        ("20,1\n30,2\n", r"has no column names above the numbers"),
        ("T (degC),sigma (mS/cm)\n20,1\n", r"has a single temperature \(20\.0 degC\)"),
        ("nothing here", r"has no row with 2 numbers"),
    ],
)
def test_table_refused(tmp_path, text, words):
    path = write(tmp_path / "bad.csv", text)
    with pytest.raises(MeasurementError, match=words) as caught:
        arrhenius.from_table(path)
    assert caught.value.source == str(path)


def test_no_file(tmp_path):
    with pytest.raises(MeasurementError, match="there is no such file"):
        arrhenius.from_table(tmp_path / "none.csv")


class Spectrum(Result):
    @property
    def kind(self) -> str:
        return "eis"


def spectrum(T, sigma, half=0.02, geometry=0.0):
    found = {}
    if sigma is not None:
        whole = np.exp(np.hypot(half, geometry))
        R = 1.0 / sigma
        found = {
            "conductivity": Fitted("Conductivity", sigma, sigma / whole, sigma * whole, MS_CM),
            "resistance": Fitted("Resistance", R, R * np.exp(-half), R * np.exp(half), OHM),
        }
    return Spectrum(records=(record({}, source="a.mpr", temperature=T),), values=found, model="R0-p(R1,CPE1)")


def test_spectra():
    T = np.array([298.15, 313.15, 333.15])
    result = arrhenius.from_spectra([spectrum(t, s) for t, s in zip(T, conductivity(T), strict=True)])
    assert_allclose(result.values["activation_energy"].value, ENERGY, rtol=1e-7)
    assert_allclose(result.deviations, 0.02 / 1.959964, rtol=1e-6)
    assert len(result.records) == 3
    assert result.common == 0.0
    with pytest.raises(MeasurementError, match=r"a\.mpr: does not say the temperature of the cell; give it"):
        arrhenius.from_spectra([spectrum(None, 0.1)])
    with pytest.raises(MeasurementError, match=r"a\.mpr: has no conductivity; give --area and --thickness"):
        arrhenius.from_spectra([spectrum(300.0, None)])
    with pytest.raises(MeasurementError, match=r"has a single temperature \(25\.0 degC\)"):
        arrhenius.from_spectra([spectrum(298.15, 0.1)])


def test_geometry_is_common_to_all_spectra():
    T = np.linspace(298.15, 348.15, 6)
    scatter = np.exp(0.004 * np.array([1, -1, 0, 1, -1, 0]))
    sure, unsure = (
        arrhenius.from_spectra(
            [spectrum(t, s, 0.01, geometry) for t, s in zip(T, conductivity(T) * scatter, strict=True)]
        )
        for geometry in (0.0, 0.10)
    )
    assert_allclose(unsure.common, 0.10, rtol=1e-6)
    for name in ("activation_energy", "activation_energy_sigma"):
        one, other = sure.values[name], unsure.values[name]
        assert_allclose([other.value, other.low, other.high], [one.value, one.low, one.high], rtol=1e-9)
    for name in ("conductivity_25", "conductivity_30", "prefactor", "prefactor_sigma"):
        one, other = sure.values[name], unsure.values[name]
        half, wide = (0.5 * np.log(found.high / found.low) for found in (one, other))
        assert_allclose(wide, np.hypot(half, 0.10), rtol=1e-6)
    (entry,) = unsure.properties()
    assert 0.10 < entry.uncertainty < 0.11
    curve = unsure.data()["curve"].columns
    assert np.all(np.log(curve["high"] / curve["low"]) > 0.2)


@pytest.mark.parametrize("uncertainty", [0.0, 0.10])
def test_geometry_of_fitted_spectra(uncertainty):
    rng = np.random.default_rng(0)
    frequency = np.logspace(6, -1, 40)
    results = []
    for T in (298.15, 318.15, 338.15):
        z = 1.0 / conductivity(T) + 1.0 / (1e-5 * (2j * np.pi * frequency) ** 0.9)
        z = z * (1.0 + 0.005 * (rng.standard_normal(40) + 1j * rng.standard_normal(40)))
        measured = record(
            {FREQUENCY: frequency, REAL: z.real, IMAGINARY: z.imag}, area=1e-4, thickness=1e-4, temperature=T
        )
        results.append(impedance.analyse(measured, thickness_uncertainty=uncertainty))
    found = arrhenius.from_spectra(results)
    assert_allclose(found.common, uncertainty, atol=1e-6)
    energy = found.values["activation_energy"]
    assert energy.low < ENERGY < energy.high
    assert energy.high - energy.low < 0.1 * ENERGY


def test_kelvin_read_as_degrees_is_told_first(tmp_path):
    kelvin = np.array([298.15, 313.15, 333.15, 348.15])

    def analysed(header, T):
        rows = [f"{t},{10.0 * s}" for t, s in zip(T, conductivity(kelvin), strict=True)]
        return arrhenius.from_table(write(tmp_path / "k.csv", "\n".join([header, *rows]))).warnings

    said = analysed("temperature (degC),conductivity (mS/cm)", kelvin)
    assert said[0].startswith(
        'are the temperatures in K? Column "temperature (degC)" is read as degC and ranges from 298.1 to 348.1'
    )
    assert len(analysed("T C,conductivity (mS/cm)", kelvin)) == len(said)
    for header, T in (
        ("temperature (degC),conductivity (mS/cm)", kelvin - 273.15),
        ("temperature (K),conductivity (mS/cm)", kelvin),
        ("temperature (K),conductivity (mS/cm)", kelvin + 273.15),
        ("temperature (degC),conductivity (mS/cm)", np.array([200.0, 300.0, 350.0, 400.0])),
        ("temperature (degC),conductivity (mS/cm)", np.array([255.0, 300.0, 350.0, 415.0])),
    ):
        assert not any("are the temperatures in K?" in one for one in analysed(header, T))


def test_fahrenheit(tmp_path):
    for header in ("temperature (F)", "T / °F"):
        path = write(tmp_path / "f.csv", f"{header},conductivity (mS/cm)\n77,1\n113,2\n")
        words = (
            r'" is not read as a temperature; write degC or K, as in "temperature \(degC\)", or "temperature \(degF\)"'
        )
        with pytest.raises(MeasurementError, match=words):
            arrhenius.from_table(path)
    path = write(tmp_path / "f.csv", "temperature (degF),conductivity (mS/cm)\n77,1\n113,2\n")
    assert_allclose(arrhenius.read_points(path)[0], [298.15, 318.15])


def test_figure_of_spectra_with_geometry():
    T = np.linspace(298.15, 348.15, 6)
    result = arrhenius.from_spectra([spectrum(t, s, 0.01, 0.1) for t, s in zip(T, conductivity(T), strict=True)])
    figure = draw_arrhenius(result)
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    words = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert "95 % interval, with geometry" in words


@pytest.mark.parametrize(("law", "deviations"), [(conductivity, None), (conductivity, 0.02), (vogel, None)])
def test_figure(law, deviations):
    T = np.linspace(283.15, 353.15, 8)
    spread = None if deviations is None else np.full(len(T), deviations)
    figure = draw_arrhenius(arrhenius.analyse(T, law(T), deviations=spread))
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    left, right = figure.axes
    assert left.get_ylabel() == "Ionic conductivity, mS cm⁻¹"
    assert right.get_ylabel() == "Measured against fitted, %"
    assert "Measured" in [text.get_text() for text in left.get_legend().get_texts()]
