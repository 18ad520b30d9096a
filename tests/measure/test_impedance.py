"""Impedance: windows, checks, circuits and what follows from them, on spectra whose truth is known and on real ones."""

import time
from functools import cache

import numpy as np
import pytest

from solidstack.errors import MeasurementError
from solidstack.measure.circuits import fit, parse_circuit
from solidstack.measure.impedance import Impedance, analyse, analyse_all, over_time, together
from solidstack.measure.impedance import choice as module
from solidstack.measure.impedance.assignment import is_open
from solidstack.measure.impedance.cautions import Concern
from solidstack.measure.kramers_kronig import check
from solidstack.measure.readers import read
from solidstack.measure.records import FREQUENCY, IMAGINARY, REAL, SPECTRUM, TIME, Record, record
from solidstack.measure.relaxation import distribution, passive
from solidstack.measure.window import Edge, select
from solidstack.plot.spectra import draw_over_time, draw_spectrum
from solidstack.plot.style import save
from solidstack.units import CONDUCTIVITY, OHM, TEMPERATURE, parse

from ..cells import THERMAL, UM, cell, electrolyte, host, straight
from ..conftest import SHARED

MEASUREMENTS = SHARED / "measurements"
AREA, LENGTH = 1.13e-4, 100e-6
F = np.logspace(6.0, -1.0, 57)


def spectrum(circuit, f=F, *, noise=0.01, seed=0, change=None, **values) -> Record:
    z = parse_circuit(circuit).impedance(f, **values)
    rng = np.random.default_rng(seed)
    z = z + np.abs(z) * noise * (rng.standard_normal(z.size) + 1j * rng.standard_normal(z.size))
    if change is not None:
        z = change(f, z)
    return record({FREQUENCY: f, REAL: z.real, IMAGINARY: z.imag}, source="cell.mpr", technique="impedance")


LITHIUM = {"R0": 20.0, "R1": 100.0, "CPE1_Q": 1e-5, "CPE1_alpha": 0.85}
MEMBRANE = {"R0": LENGTH / (0.108 * AREA), "CPE1_Q": 1e-5, "CPE1_alpha": 0.92}
"""1.08 mS/cm."""


def real(name: str) -> Record:
    path = MEASUREMENTS / name
    if not path.exists():
        pytest.skip(f"{name} is not there")
    return read(path)


# -- real spectra


@pytest.mark.parametrize("name", ["yadg_geis.mpt", "yadg_geis.mpr"])
def test_lithium_and_polymer(name):
    """R0 about 7.25 and R1 about 128 to 130 ohm, once the artefact that nobody pointed at is cut."""
    first = real(name).spectra()[0]
    found = analyse(first)
    assert found.family == "interface"
    assert found.values["R0"].value == pytest.approx(7.25, rel=0.03)
    assert found.values["R0"].low < 7.25 < found.values["R0"].high
    assert 127.5 < found.values["R1"].value < 130.5
    assert found.window["from_Hz"] == pytest.approx(0.1998, rel=1e-3)
    assert 2e4 < found.window["to_Hz"] < 5e4
    assert found.window["high_frequency_end"] == (
        "the real part is below 0 at 1 MHz and above; the real part rises with frequency, which a passive cell does "
        "not show"
    )
    assert found.warnings[0].startswith("8 points above 45.7 kHz were cut: the real part is below 0")
    assert first.area == pytest.approx(1.13e-4)
    assert found.values["areal_resistance"].value == pytest.approx(1.13e-4 * found.values["R0"].value, rel=1e-9)
    # with all points the fit is another: the cut is what gives the values
    uncut = analyse(first, circuit=found.model, low=0.1, high=2e6)
    assert uncut.fit.deviation > 10.0 * found.fit.deviation


def test_lithium_and_polymer_over_time():
    """One circuit for all: the resistances change step by step, as the cell ages."""
    spectra = real("yadg_geis.mpr").spectra()[:12:3]
    found = analyse_all(spectra)
    assert len({result.model.removeprefix("L0-") for result in found}) == 1
    rows = over_time(found).rows()
    assert all(abs(row["resistance_ohm"] - 8.0) < 1.0 for row in rows)
    assert all(abs(row["interface_resistance_ohm"] - 130.0) < 5.0 for row in rows)
    assert [row["spectrum"] for row in rows] == [1, 2, 3, 4]
    assert (np.diff([row["time_s"] for row in rows]) > 0.0).all()
    r0, r1 = (np.array([row[name] for row in rows]) for name in ("R0_ohm", "R1_ohm"))
    assert ((r0 > 7.0) & (r0 < 9.0)).all()
    assert ((r1 > 126.0) & (r1 < 134.0)).all()
    assert all(row["R0_low_ohm"] < row["R0_ohm"] < row["R0_high_ohm"] for row in rows)


def test_battery():
    """A cell with a storing electrode: no conductivity of an electrolyte is made of it."""
    found = analyse(real("bdf_PEIS-0.mpr"), thickness=50e-6, temperature=298.15)
    assert found.family == "electrode"
    assert found.fit.deviation < 0.006
    assert found.used.all()
    assert found.properties() == []


def test_scattered_spectrum():
    """The example of the package impedance.py: two points scatter and are named."""
    found = analyse(real("impedancepy_exampleDataBioLogic.mpt"))
    assert found.model == "R0-p(R1,CPE1)"
    assert found.window["left_out_Hz"] == pytest.approx([56.24, 5.336], rel=1e-3)
    assert "left out, because they deviate from their neighbours by more than noise: 56.2 Hz, 5.34 Hz" in found.warnings
    assert any("the Kramers-Kronig relations by 1.3 %, which looks like noise" in said for said in found.warnings)
    assert found.values["R0"].value == pytest.approx(64.1, abs=0.5)


@pytest.mark.parametrize("name", ["yadg_geis.mpt", "bdf_PEIS-0.mpr", "impedancepy_exampleDataBioLogic.mpt"])
def test_figure_of_real_spectra(name):
    figure = draw_spectrum(analyse(real(name).spectra()[0]))
    figure.canvas.draw()
    nyquist, modulus, phase, residuals, relaxations = figure.axes
    assert nyquist.get_aspect() == 1.0
    assert modulus.get_ylabel().startswith("Modulus")
    assert phase.get_ylabel() == "−Phase, °"
    assert residuals.get_ylabel() == "Model less measured, % of modulus"
    assert relaxations.get_ylabel().startswith("Distribution of relaxation times")


# -- the publication's electrolyte


def test_published_electrolyte():
    """1.08 mS/cm at 30 degC of a membrane between steel, with 1 % noise and 3 % on its thickness; five spectra."""
    held = 0
    for seed in range(5):
        found = analyse(
            spectrum("R0-CPE1", seed=seed, **MEMBRANE), area=AREA, thickness=LENGTH, temperature=303.15,
            thickness_uncertainty=0.03,
        )  # fmt: skip
        assert found.model == "R0-CPE1"
        assert found.family == "blocking"
        sigma = found.values["conductivity"]
        assert sigma.value == pytest.approx(0.108, rel=0.02)
        held += sigma.low < 0.108 < sigma.high
        assert sigma.uncertainty == pytest.approx(np.hypot(0.03, 0.0045), rel=0.1)
        assert sigma.key("conductivity") == "conductivity_mS_cm"
    assert held == 5
    (one,) = found.properties()
    assert one.name == "ionic_conductivity"
    assert parse(one.entry["value"], CONDUCTIVITY) == pytest.approx(sigma.value, rel=1e-3)
    assert parse(one.entry["temperature"], TEMPERATURE) == pytest.approx(303.15)
    assert one.uncertainty == sigma.uncertainty
    assert not found.warnings


def test_leads_do_not_move_the_conductivity():
    """1 uH of leads makes the cell inductive at 1 MHz: it is fitted, and no point is lost."""
    found = analyse(spectrum("L0-R0-CPE1", L0=1e-6, **MEMBRANE), area=AREA, thickness=LENGTH, temperature=303.15)
    assert found.model == "L0-R0-CPE1"
    assert found.values["conductivity"].value == pytest.approx(0.108, rel=0.01)
    assert found.values["L0"].value == pytest.approx(1e-6, rel=0.02)
    assert found.used.all()
    assert "the inductance of the leads is part of the circuit (L0)" in found.warnings


def test_grains_and_boundaries():
    """An oxide pellet: both arcs are the electrolyte's."""
    truth = {
        "R0": 2000.0, "CPE0_Q": 2e-10, "CPE0_alpha": 0.98, "R1": 3000.0, "CPE1_Q": 2e-8, "CPE1_alpha": 0.9,
        "CPE2_Q": 1e-6, "CPE2_alpha": 0.85,
    }  # fmt: skip
    one = spectrum("p(R0,CPE0)-p(R1,CPE1)-CPE2", **truth)
    found = analyse(one, area=AREA, thickness=1e-3, temperature=298.15)
    assert found.model == "p(R0,CPE0)-p(R1,CPE1)-CPE2"
    assert found.values["conductivity"].value == pytest.approx(1e-3 / (5000.0 * AREA), rel=0.02)
    assert found.values["R1"].value == pytest.approx(3000.0, rel=0.05)
    assert found.properties()


def test_lithium_cell():
    found = analyse(spectrum("R0-p(R1,CPE1)", **LITHIUM), area=AREA, area_uncertainty=0.05)
    assert found.model == "R0-p(R1,CPE1)"
    assert found.family == "interface"
    assert found.properties() == []
    assert "conductivity" not in found.values
    areal = found.values["areal_interface_resistance"]
    assert areal.value == pytest.approx(100.0 * AREA, rel=0.01)
    assert areal.key("areal_interface_resistance") == "areal_interface_resistance_ohm_cm2"
    assert areal.uncertainty == pytest.approx(0.05, rel=0.02)
    # Hsu and Mansfeld: Q^(1/a) R^(1/a - 1), and the top of the arc at 1/(2 pi R C)
    capacitance = 1e-5 ** (1 / 0.85) * 100.0 ** (1 / 0.85 - 1.0)
    assert found.values["capacitance_1"].value == pytest.approx(capacitance, rel=0.05)
    assert found.values["frequency_1"].value == pytest.approx(0.5 / np.pi / (100.0 * capacitance), rel=0.05)


def test_without_geometry_in_ohm():
    found = analyse(spectrum("R0-p(R1,CPE1)", **LITHIUM))
    assert {"conductivity", "areal_resistance"}.isdisjoint(found.values)
    assert found.values["resistance"].unit == OHM
    assert list(found.to_dict())[3:5] == ["resistance_ohm", "interface_resistance_ohm"]


# -- composites


def composite() -> Record:
    return spectrum("R0-TL1", np.logspace(5.0, -2.0, 57), R0=5.0, TL1_R=80.0, TL1_Q=5e-4, TL1_alpha=0.93)


def test_composite_gives_tortuosity():
    """sigma_eff = L/(R A), tortuosity factor = fraction sigma / sigma_eff."""
    found = analyse(composite(), area=AREA, thickness=LENGTH, electrolyte_conductivity=0.108, electrolyte_fraction=0.3)
    assert found.family == "composite"
    expected = LENGTH / (80.0 * AREA)
    assert found.values["effective_conductivity"].value == pytest.approx(expected, rel=0.03)
    tortuosity = found.values["tortuosity_factor"]
    assert tortuosity.value == pytest.approx(0.3 * 0.108 / found.values["effective_conductivity"].value, rel=1e-9)
    assert tortuosity.low < 0.3 * 0.108 / expected < tortuosity.high
    assert found.properties() == []


def test_composite_by_name():
    found = analyse(composite(), circuit="composite", area=AREA, thickness=LENGTH)
    assert found.model == "R0-TL1"
    assert "tortuosity_factor" not in found.values


def test_tortuosity_below_one_is_doubted():
    found = analyse(composite(), area=AREA, thickness=LENGTH, electrolyte_conductivity=0.01, electrolyte_fraction=0.3)
    assert any("the tortuosity factor is below 1, which no structure has" in said for said in found.warnings)


def test_composite_of_the_twin():
    """The closed form of a simulated cell, with charge transfer: its ionic conductivity comes back."""
    from solidstack.twin.effective import Effective
    from solidstack.twin.electrochemistry.impedance import transmission_line

    length, sigma = 80 * UM, 0.02
    # fast diffusion, and so flat a potential that the surface is charge transfer and double layer only
    active = host(potential=straight(3.8, 1e-6), diffusivity=1e-8, exchange=0.05, electronic=1e6)
    medium = Effective(
        thickness=length, active_loading=1.0, active_fraction=0.6, electrolyte_fraction=0.3, specific_interface=4e5,
        ionic_conductivity=sigma, electronic_conductivity=1e6,
    )  # fmt: skip
    given = cell(active, electrolyte=electrolyte(0.1))
    f = np.logspace(5.0, -1.0, 49)
    z = transmission_line(medium, given, f, 0.6, double_layer=0.1) / AREA
    rng = np.random.default_rng(0)
    z = z + 0.005 * np.abs(z) * (rng.standard_normal(z.size) + 1j * rng.standard_normal(z.size))
    one = record({FREQUENCY: f, REAL: z.real, IMAGINARY: z.imag})
    found = analyse(one, circuit="R0-TLR1", area=AREA, thickness=length)
    effective = found.values["effective_conductivity"]
    assert effective.low < sigma < effective.high
    assert effective.value == pytest.approx(sigma, rel=0.05)
    transfer = THERMAL / (2.0 * 0.05 * np.sqrt(0.6 * 0.4)) / (4e5 * length)
    assert found.values["TLR1_Rct"].value == pytest.approx(transfer / AREA, rel=0.1)


LINE = {"R0": 5.0, "TL1_R": 50.0, "TL1_Q": 2e-3, "TL1_alpha": 0.9}


def test_line_of_a_composite_is_found():
    """Nobody said composite: no conductivity of an electrolyte, and its 0.1 mS/cm in place of ten times as much."""
    for seed in range(4):
        found = analyse(spectrum("R0-TL1", seed=seed, **LINE), area=1e-4, thickness=50e-6, temperature=300.0)
        assert found.model == "R0-TL1"
        assert found.family == "composite"
        effective = found.values["effective_conductivity"]
        assert effective.value == pytest.approx(0.01, rel=0.03)
        assert "conductivity" not in found.values
        assert found.properties() == []
        (said,) = (one for one in found.warnings if one.startswith("the spectrum looks like the transmission line of"))
        assert "Confirm with --circuit composite" in said
    several = analyse_all([spectrum("R0-TL1", seed=seed, **LINE) for seed in range(2)])
    assert [one.model for one in several] == ["R0-TL1"] * 2


def test_lines_of_composites_are_not_seen_everywhere():
    """Blocking cells of all kinds keep their circuit."""
    for seed in range(3):
        for name, values in (
            ("R0-CPE1", {"R0": 100.0, "CPE1_Q": 1e-5, "CPE1_alpha": 0.7}),
            ("p(R0,CPE0)-CPE1", {"R0": 1e4, "CPE0_Q": 1e-10, "CPE0_alpha": 0.95, "CPE1_Q": 1e-6, "CPE1_alpha": 0.85}),
        ):
            found = analyse(spectrum(name, seed=seed, **values), area=1e-4, thickness=1e-3)
            assert found.model == name
            assert "conductivity" in found.values


def test_circuit_that_is_only_near_is_said():
    """A composite's spectrum, fitted as an electrolyte's: 1.4 times the noise is no good fit."""
    found = analyse(spectrum("R0-TL1", **LINE), circuit="R0-p(R1,CPE1)-CPE2")
    assert found.fit.deviation < 2.0 * found.check.scatter
    assert any("another circuit may be closer" in said for said in found.warnings)
    right = analyse(spectrum("R0-TL1", **LINE), circuit="R0-TL1")
    assert not any("another circuit may be closer" in said for said in right.warnings)
    assert right.check.scatter == pytest.approx(0.01, rel=0.15)


# -- what the window leaves open


ARC = {"R0": 10.0, "R1": 130.0, "CPE1_Q": 1e-6, "CPE1_alpha": 0.8}


@pytest.mark.parametrize(("low", "high"), [(1.0, 100.0), (1.0, 1e3), (None, 1e4)])
def test_window_below_the_arc(low, high):
    """Of electrolyte and interfaces the sum is known, 140 ohm, and nothing else."""
    held = 0
    for seed in range(4):
        one = spectrum("R0-p(R1,CPE1)", seed=seed, **ARC)
        found = analyse(one, area=1e-4, thickness=1e-3, temperature=300.0, low=low, high=high)
        assert {"conductivity", "resistance", "interface_resistance", "areal_resistance"}.isdisjoint(found.values)
        total = found.values["resistance_sum"]
        assert total.value == pytest.approx(140.0, rel=0.03)
        held += total.low < 140.0 < total.high
        if found.model == "R0-p(R1,CPE1)":
            for name in ("R0", "R1", "CPE1_Q", "frequency_1", "capacitance_1"):
                assert np.isnan(found.values[name].low)
                assert np.isnan(found.values[name].high)
            edge = {100.0: "100 Hz", 1e3: "1 kHz", 1e4: "10 kHz"}[high]
            assert (
                f"the arc of R1 relaxes above {edge}, the end of the window: only the sum of R0 and R1 is known, so "
                "neither resistance nor conductivity of the electrolyte can be determined; measure to higher frequency"
            ) in found.warnings
    assert held >= 3


def test_arc_in_the_window_has_both():
    found = analyse(spectrum("R0-p(R1,CPE1)", **ARC), area=1e-4, thickness=1e-3, low=1e4)
    assert found.values["R0"].low < 10.0 < found.values["R0"].high
    assert "resistance_sum" not in found.values


@pytest.mark.parametrize(
    ("capacitance", "area", "words"),
    [
        (2e-7, 1e-4, "the arc of R1 is assigned to the interfaces, but its capacitance, 200 nF/cm2, is near the limit "
                     "between electrolyte and interfaces, 100 nF/cm2: it may belong to the electrolyte"),
        (5e-8, 1e-4, "the arc of R1 is assigned to the electrolyte, but its capacitance, 50 nF/cm2, is near the limit "
                     "between electrolyte and interfaces, 100 nF/cm2: it may belong to the interfaces"),
        (2e-6, 1e-4, ""),
        (5e-9, 1e-4, ""),
        (2e-6, None, "the arc of R1 is assigned to the interfaces by its capacitance, 2 uF, as if the area were "
                     "1 cm2 (the limit is 100 nF/cm2), since the area is not known; give it with --area"),
        (1e-9, None, "the arc of R1 is assigned to the electrolyte by its capacitance, 1 nF, as if the area were "
                     "1 cm2 (the limit is 100 nF/cm2), since the area is not known; give it with --area"),
    ],
)  # fmt: skip
def test_what_an_arc_is_taken_for_is_said(capacitance, area, words):
    one = spectrum("R0-p(R1,C1)", noise=1e-4, R0=500.0, R1=2000.0, C1=capacitance)
    cautions = analyse(one, circuit="R0-p(R1,C1)", area=area).cautions
    assert [caution.words for caution in cautions if caution.concern is Concern.ASSIGNMENT] == [words] * bool(words)


def test_fastest_arc_with_the_capacitance_of_an_interface():
    """It is assigned to the electrolyte, as nothing is faster, with a caution."""
    one = spectrum("p(R0,C0)-p(R1,C1)", noise=1e-4, R0=100.0, R1=200.0, C0=3e-6, C1=1e-3)
    said = analyse(one, circuit="p(R0,C0)-p(R1,C1)", area=1e-4).warnings
    assert any(
        "the arc of R0 is assigned to the electrolyte, but its capacitance, 3 uF/cm2, is far above" in x for x in said
    )


@pytest.mark.parametrize(
    ("name", "values", "circuit", "ends"),
    [
        ("R0", {"R0": 50.0}, "R0-p(R1,CPE1)", (1e8, 1e9)),
        ("R0-CPE1", MEMBRANE, "R0-p(R1,CPE1)-CPE2", (1e-4, 1e-2)),
    ],
)
def test_arcs_that_are_not_determined_have_no_top(name, values, circuit, ends):
    """No "top at 2.9e+33 MHz"."""
    seed = 1 if name == "R0" else 0
    found = analyse(spectrum(name, seed=seed, **values), circuit=circuit)
    assert "R1" in found.fit.undetermined
    assert ends[0] < found.values["frequency_1"].value < ends[1]
    assert not any("has its top at" in said for said in found.warnings)
    assert any(said.startswith("the spectrum does not determine") for said in found.warnings)


@pytest.mark.parametrize(("name", "values"), [("R0-CPE1", MEMBRANE), ("R0-p(R1,CPE1)", LITHIUM)])
@pytest.mark.parametrize("window", [{}, {"low": 1.0, "high": 1e5}])
def test_reversed_sign_is_refused(name, values, window):
    """The sign of the imaginary part is the other: the spectrum is not analysed."""
    one = spectrum(name, change=lambda f, z: z.conj(), **values)
    with pytest.raises(MeasurementError) as caught:
        analyse(one, **window)
    n = 41 if window else 57
    above = str(caught.value).removeprefix("cell.mpr: the imaginary part is above 0 at ")
    assert above.split()[1:4] == ["of", f"{n}", "points;"]
    assert f"points; {n} points are consistent with a passive cell if the sign is reversed, " in above
    assert str(caught.value).endswith(
        'The column probably contains -Im: reverse it with --column "Imaginary Impedance / ohm=-NAME", with NAME '
        "as in the file"
    )


def test_inductive_cells_are_no_reversed_ones():
    """A low resistance behind long leads: above 0 at most points, and rightly so."""
    values = {"L0": 1e-5, "R0": 0.5, "R1": 0.5, "CPE1_Q": 0.1, "CPE1_alpha": 0.9}
    one = spectrum("L0-R0-p(R1,CPE1)", np.logspace(6.0, 1.0, 41), **values)
    assert (one.impedance.imag > 0.0).mean() > 0.5
    assert analyse(one).values["L0"].value == pytest.approx(1e-5, rel=0.02)


# -- the window


def artefact(f, z):
    """Leads and reference electrode: the real part falls below 0 at the highest frequencies."""
    return z - 60.0 * (f / 1e6) ** 2 * (1.0 + 1j) + 20.0 * (f / 3e5) * (f < 6e5) * (f > 7e4)


def test_negative_real_part_is_cut():
    found = analyse(spectrum("R0-p(R1,CPE1)", change=artefact, **LITHIUM))
    assert found.model == "R0-p(R1,CPE1)"
    assert found.window["to_Hz"] < 8e4
    assert found.values["R0"].value == pytest.approx(20.0, rel=0.02)
    assert found.values["R1"].value == pytest.approx(100.0, rel=0.02)
    assert "below 0 at" in found.window["high_frequency_end"]
    left = found.frequency[~found.used]
    assert left.min() > found.window["to_Hz"]


def test_drift_at_low_frequency_is_cut():
    found = analyse(spectrum("R0-p(R1,CPE1)", change=lambda f, z: z + 30.0 * np.log10(np.minimum(f, 1.0)), **LITHIUM))
    assert found.values["R1"].value == pytest.approx(100.0, rel=0.02)
    assert found.window["from_Hz"] > 0.5
    assert found.window["low_frequency_end"] == (
        "the real part falls towards low frequency, which a passive cell does not show: the cell drifted"
    )


def test_sound_spectra_lose_no_point():
    """1 % noise, twenty spectra: at most one in a thousand points."""
    lost = 0
    for seed in range(20):
        one = spectrum("R0-p(R1,CPE1)-Ws2", noise=0.01, seed=seed, Ws2_R=50.0, Ws2_tau=1.0, **LITHIUM)
        window = select(F, one.impedance)
        lost += int((~window.used).sum())
        assert window.high == window.low == Edge()
    assert lost <= 1


def test_lone_point():
    def change(f, z):
        z = z.copy()
        z[30] *= 1.15
        return z

    found = analyse(spectrum("R0-p(R1,CPE1)", change=change, **LITHIUM))
    assert np.flatnonzero(~found.used).tolist() == [30]
    assert found.window["left_out_Hz"] == pytest.approx([F[30]])


def test_two_points_in_turn_end_the_window():
    """What is beyond them is not used, though it would fit."""

    def change(f, z):
        z = z.copy()
        z[5:7] *= 1.3
        return z

    found = analyse(spectrum("R0-p(R1,CPE1)", change=change, **LITHIUM))
    assert np.flatnonzero(found.used)[0] == 7
    assert found.window["left_out_Hz"] == []


def test_window_that_is_given():
    """Its ends stand, whatever is in it; the rest is looked for."""
    one = spectrum("R0-p(R1,CPE1)", change=artefact, **LITHIUM)
    found = analyse(one, high=1e4, low=10.0)
    assert found.window["to_Hz"] <= 1e4
    assert found.window["from_Hz"] >= 10.0
    assert found.window["high_frequency_end"] == found.window["low_frequency_end"] == "given"
    assert analyse(one, low=10.0).window["to_Hz"] < 8e4


# -- the check


def test_relations_hold_for_circuits():
    for text, values in (
        ("R0-p(R1,CPE1)", LITHIUM),
        ("L0-R0-CPE1", {"L0": 1e-6} | MEMBRANE),
        ("R0-TL1", {"R0": 5.0, "TL1_R": 80.0, "TL1_Q": 5e-4, "TL1_alpha": 1.0}),
    ):
        found = check(F, parse_circuit(text).impedance(F, **values))
        assert found.deviation < 2e-3
        assert found.verdict == ""


def test_breach_of_the_relations():
    """A resistance that changes while it is measured."""
    z = parse_circuit("R0-p(R1,CPE1)").impedance(F, **LITHIUM)
    drifted = np.array(
        [
            parse_circuit("R0-p(R1,CPE1)").impedance([f], **(LITHIUM | {"R1": 100.0 * (1.0 + 1.5 * share)}))[0]
            for f, share in zip(F, np.linspace(0.0, 1.0, F.size) ** 8, strict=True)
        ]
    )
    assert check(F, drifted).deviation > 5.0 * check(F, z).deviation
    conjugated = check(F, z.conj())
    assert conjugated.verdict.endswith(
        "and not by noise alone: the cell drifted, or the amplitude was too large to be linear"
    )


def test_noise_is_no_breach():
    one = spectrum("R0-p(R1,CPE1)", noise=0.03, **LITHIUM)
    found = check(F, one.impedance)
    assert found.deviation == pytest.approx(0.03, rel=0.2)
    assert found.verdict == (
        f"the spectrum deviates from the Kramers-Kronig relations by {100 * found.deviation:.1f} %, "
        "which looks like noise"
    )


# -- relaxation times


def test_relaxation_times():
    """Two arcs, their resistances within 3 % and their times within 5 %."""
    f = np.logspace(6.0, -1.0, 71)
    z = parse_circuit("R0-p(R1,C1)-p(R2,C2)").impedance(f, R0=10.0, R1=50.0, C1=1e-6, R2=80.0, C2=1e-3)
    rng = np.random.default_rng(0)
    z = z * (1.0 + 0.002 * (rng.standard_normal(z.size) + 1j * rng.standard_normal(z.size)))
    peaks = distribution(f, z).peaks
    assert len(peaks) == 2
    assert [peak.resistance for peak in peaks] == pytest.approx([50.0, 80.0], rel=0.03)
    assert [peak.tau for peak in peaks] == pytest.approx([5e-5, 8e-2], rel=0.05)
    assert peaks[0].frequency == pytest.approx(0.5 / np.pi / 5e-5, rel=0.05)


def test_relaxations_beyond_the_spectrum_are_not_listed():
    """An arc whose top is a decade below the spectrum is seen by its flank only."""
    z = parse_circuit("R0-p(R1,C1)-p(R2,C2)").impedance(F, R0=10.0, R1=50.0, C1=1e-5, R2=80.0, C2=0.2)
    peaks = distribution(F, z).peaks
    assert [peak.resistance for peak in peaks] == pytest.approx([50.0], rel=0.05)


def test_constant_phase_element_is_wide():
    """Cole and Cole's distribution: its height over that at a decade from the top."""
    f, alpha = np.logspace(6.0, -2.0, 81), 0.7
    z = parse_circuit("R0-p(R1,CPE1)").impedance(f, R0=10.0, R1=100.0, CPE1_Q=1e-4, CPE1_alpha=alpha)
    found = distribution(f, z)
    tau = (100.0 * 1e-4) ** (1.0 / alpha)
    angle, x = (1.0 - alpha) * np.pi, np.log(np.array([1.0, 10.0]))
    exact = 100.0 * np.sin(angle) / (2.0 * np.pi * (np.cosh(alpha * x) - np.cos(angle)))
    ours = np.interp(np.log(tau) + x, np.log(found.tau), found.gamma)
    np.testing.assert_allclose(ours, exact, rtol=0.1)


def test_passive_sum_refuses_what_no_cell_has():
    """Noise of 1 % is left; a real part that rises with frequency, or an inductive cell, is not taken up."""
    z = parse_circuit("R0-p(R1,CPE1)").impedance(F, **LITHIUM)
    assert np.sqrt(passive(F, z).sum_of_squares / F.size / 2.0) < 0.005
    rising = z + 20.0 * (F / 1e6)
    assert np.abs(passive(F, rising).residuals).max() > 0.2
    inductive = z + 2j * np.pi * F * 1e-5
    assert np.abs(passive(F, inductive).residuals).max() > 0.5
    assert np.abs(passive(F, inductive, inductive=True).residuals).max() < 0.02


# -- the choice


def test_candidates_are_listed():
    found = analyse(spectrum("R0-p(R1,CPE1)", **LITHIUM))
    rows = found.series["candidates"].rows()
    assert {row["circuit"] for row in rows} == set(module.FAMILIES["interface"])
    assert [row["circuit"] for row in rows if row["chosen"]] == [found.model]
    chosen = next(row for row in rows if row["chosen"])
    assert chosen["parameters"] == 4
    assert chosen["deviation_pct"] == pytest.approx(1.0, rel=0.3)
    assert chosen["bic"] <= min(row["bic"] for row in rows if not row["undetermined"]) + module.BARE


def test_a_circuit_that_has_another_in_it_is_no_worse():
    found = analyse(spectrum("R0-p(R1,CPE1)-Ws2", Ws2_R=50.0, Ws2_tau=1.0, **LITHIUM))
    squares = {str(one.circuit): one.estimate.sum_of_squares for one in found.fits}
    for name in ("R0-p(R1,CPE1)-Ws2", "R0-p(R1,CPE1)-p(R2,CPE2)"):
        assert squares[name] <= squares["R0-p(R1,CPE1)"] * (1.0 + 1e-6)


def test_circuit_that_is_given():
    found = analyse(spectrum("R0-p(R1,CPE1)", **LITHIUM), circuit="R0-p(R1,C1)")
    assert found.model == "R0-p(R1,C1)"
    assert any(said.startswith("the circuit R0-p(R1,C1) deviates from the spectrum by") for said in found.warnings)
    with pytest.raises(MeasurementError, match='"Q" is not an element'):
        analyse(spectrum("R0-p(R1,CPE1)", **LITHIUM), circuit="R0-Q1")


def test_more_than_the_data_say():
    found = analyse(spectrum("R0-p(R1,CPE1)", **LITHIUM), circuit="R0-p(R1,CPE1)-p(R2,CPE2)-p(R3,CPE3)")
    assert any(said.startswith("the spectrum does not determine") for said in found.warnings)


def test_what_is_open():
    for text, expected in (
        ("R0-CPE1", True), ("R0-p(R1,CPE1)", False), ("p(R0,CPE0)-TL1", True), ("R0-TLR1", False),
        ("p(C1,CPE1)", True), ("R0-Wo1", True), ("R0-Ws1", False),
    ):  # fmt: skip
        assert is_open(parse_circuit(text).root) == expected


def test_extrapolated_arc_is_said():
    one = spectrum("p(R0,CPE0)-CPE1", R0=500.0, CPE0_Q=3e-11, CPE0_alpha=1.0, CPE1_Q=1e-6, CPE1_alpha=0.9)
    found = analyse(one, circuit="p(R0,CPE0)-CPE1")
    assert any("the arc of R0 has its top at" in said and "above the window" in said for said in found.warnings)


def test_small_resistance_is_doubted():
    found = analyse(spectrum("R0-CPE1", R0=0.4, CPE1_Q=1e-3, CPE1_alpha=0.9), area=AREA, thickness=LENGTH)
    assert "0.4 ohm is about the resistance of leads and contacts; subtract that of a short circuit" in found.warnings
    assert any(said.startswith("the temperature is not known") for said in found.warnings)
    assert found.properties() == []


# -- bad input


def test_rows_that_are_none():
    """Unsorted, repeated, without a number: the same values."""
    one = spectrum("R0-p(R1,CPE1)", **LITHIUM)
    table = one.table.sample(frac=1.0, random_state=0)
    mixed = {name: [*table[name], table[name].iloc[3], np.nan] for name in table}
    mixed[FREQUENCY][-1] = 5.0
    found = analyse(record(mixed))
    assert found.values["R1"].value == pytest.approx(analyse(one).values["R1"].value, rel=1e-9)
    assert "1 of 59 rows have no frequency or no impedance and were left out" in found.warnings
    assert "1 rows repeat others and were left out" in found.warnings


def test_frequency_measured_twice():
    one = spectrum("R0-p(R1,CPE1)", **LITHIUM)
    twice = {
        name: [*one.table[name], one.table[name].iloc[3] * (1.0 if name == FREQUENCY else 1.001)] for name in one.table
    }
    found = analyse(record(twice))
    assert "1 frequencies were measured more than once; all are used" in found.warnings
    assert found.used.size == F.size + 1


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (
            record({TIME: [0.0, 1.0], "Voltage / V": [1.0, 2.0]}, source="x.mpr", technique="cycling"),
            'x.mpr: has no column "Frequency / Hz" and "Real Impedance / ohm" and "Imaginary Impedance / ohm" '
            "(a measurement of cycling)",
        ),
        (
            record({FREQUENCY: [1e3, 1e2, 1e2, 10.0], REAL: [1.0] * 4, IMAGINARY: [-1.0] * 4}, source="x.mpr"),
            "x.mpr: has 3 different frequencies with an impedance; a spectrum needs at least 6. Measure five points "
            "per decade or more",
        ),
        (
            record({FREQUENCY: [1e3] * 7, REAL: range(1, 8), IMAGINARY: [-1.0] * 7}, source="x.mpr"),
            "x.mpr: has 1 different frequency with an impedance; a spectrum needs at least 6",
        ),
        (
            record({FREQUENCY: F, REAL: -np.ones(F.size), IMAGINARY: np.ones(F.size)}, source="x.mpr"),
            "x.mpr: no part of the spectrum is consistent with a passive cell: the best one deviates by",
        ),
    ],
)  # fmt: skip
def test_refused(one, words):
    with pytest.raises(MeasurementError) as caught:
        analyse(one)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"low": 10.0, "high": 1.0}, "low: 10 Hz is not below high, 1 Hz; swap them"),
        (
            {"low": 1e5, "high": 1.5e5},
            "the window contains 2 points; at least 6 are needed. The spectrum runs from 100 mHz to 1 MHz",
        ),
        ({"low": 0.0}, "low: 0 Hz is not above 0"),
        ({"thickness_uncertainty": 1.5}, "thickness_uncertainty: 150 % must be between 0 and 100 %"),
        ({"area_uncertainty": -0.1}, "area_uncertainty: -10 % must be between 0 and 100 %"),
        ({"electrolyte_fraction": 1.2}, "electrolyte_fraction: 120 % must be a volume fraction above 0 and up to 100"),
        ({"electrolyte_conductivity": 0.0}, "electrolyte_conductivity: 0 mS/cm is not above 0"),
        ({"area": -1.0}, "area: "),
        ({"circuit": "R0-p(R1,CPE1)-p(R2,CPE2)-p(R3,CPE3)-p(R4,CPE4)", "low": 1e5, "high": 3e5}, "is wrong"),
    ],
)  # fmt: skip
def test_options_refused(options, words):
    if "is wrong" in words:
        words = "points, too few for R0-p(R1,CPE1)"
        options = options | {"high": 5e5}
    with pytest.raises(MeasurementError) as caught:
        analyse(spectrum("R0-p(R1,CPE1)", **LITHIUM), **options)
    assert words in str(caught.value)
    assert str(caught.value).startswith("cell.mpr: ")


@pytest.mark.monte_carlo
def test_any_numbers_give_a_result_or_an_error():
    """Noise of all sizes: no other exception, no warning of NumPy's, and plain numbers."""
    rng = np.random.default_rng(3)
    refused = 0
    for trial in range(30):
        n = int(rng.integers(1, 30))
        f = 10.0 ** rng.uniform(-3.0, 7.0, n)
        z = (rng.standard_normal(n) + 1j * rng.standard_normal(n)) * 10.0 ** rng.uniform(-200.0, 200.0)
        if trial % 3:
            z = (z.real / np.abs(z).max() + 3.0) * 10.0 ** rng.uniform(-6.0, 9.0) + 0j
        if trial % 5 == 0:
            z[rng.random(n) < 0.3] = np.nan
        try:
            found = analyse(record({FREQUENCY: f, REAL: z.real, IMAGINARY: z.imag}))
        except MeasurementError:
            refused += 1
            continue
        assert isinstance(found, Impedance)
        assert found.to_dict()["kind"] == "eis"
    assert 0 < refused < 30


def test_several_spectra_in_a_file():
    """Split where their number says, analysed with one circuit."""
    parts = [spectrum("R0-p(R1,CPE1)", seed=seed, **(LITHIUM | {"R1": 100.0 + 10.0 * seed})) for seed in range(3)]
    columns = {name: np.concatenate([part.table[name] for part in parts]) for name in parts[0].table}
    whole = record(columns | {SPECTRUM: np.repeat([1, 2, 3], F.size), TIME: np.arange(3.0 * F.size)})
    found = analyse_all([whole])
    assert [result.model for result in found] == ["R0-p(R1,CPE1)"] * 3
    rows = over_time(found).rows()
    assert [row["R1_ohm"] for row in rows] == pytest.approx([100.0, 110.0, 120.0], rel=0.02)
    assert [row["time_s"] for row in rows] == [0.0, 57.0, 114.0]
    assert analyse_all([parts[0]])[0].model == "R0-p(R1,CPE1)"
    whole = together(found)
    assert whole.window == {"spectra": 3, "file": found[0].records[0].name}
    assert whole.model == "R0-p(R1,CPE1)"
    assert list(rows[0])[:8] == [
        "spectrum", "time_s", "resistance_ohm", "resistance_low_ohm", "resistance_high_ohm", "interface_resistance_ohm",
        "interface_resistance_low_ohm", "interface_resistance_high_ohm",
    ]  # fmt: skip
    assert {"file", "circuit"}.isdisjoint(rows[0])
    figure = draw_over_time(whole)
    figure.canvas.draw()
    assert [axes.get_ylabel() for axes in figure.axes][1:] == ["Resistance, Ω", "Time, h"]
    assert np.ptp([line.get_color()[0] for line in figure.axes[0].lines]) > 0.3


def test_what_is_said_of_several_spectra():
    """Once for those of which it is true, though the numbers differ; what one says alone is said too."""
    usual = [analyse(spectrum("R0-p(R1,CPE1)", noise=1e-4, **(ARC | {"R1": value}))) for value in (130.0, 150.0)]
    other = analyse(spectrum("R0-CPE1", R0=0.4, CPE1_Q=1e-3, CPE1_alpha=0.9))
    taken, small = together([*usual, other]).warnings
    first = usual[0].warnings[0]
    assert first.startswith(
        "the arc of R1 is assigned to the interfaces by its capacitance, 107 nF, as if the area were 1 cm2"
    )
    assert usual[1].warnings[0].startswith("the arc of R1 is assigned to the interfaces by its capacitance, 111 nF")
    assert taken == f"spectra 1, 2 (numbers of the first): {first}"
    assert (
        small == "spectrum 3: 0.4 ohm is about the resistance of leads and contacts; subtract that of a short circuit"
    )


def test_table_over_files():
    """What differs stays, and so does what is sought where it does not differ."""
    one = analyse(spectrum("R0-p(R1,CPE1)", **LITHIUM))
    other = analyse(spectrum("R0-p(R1,CPE1)", **LITHIUM), circuit="R0-p(R1,C1)")
    assert {"file", "time_s", "R0_ohm"}.isdisjoint(over_time([one, one]).rows()[0])
    assert over_time([one, one]).rows()[1]["resistance_ohm"] == one.values["resistance"].value
    assert [row["circuit"] for row in over_time([one, other]).rows()] == ["R0-p(R1,CPE1)", "R0-p(R1,C1)"]
    assert over_time([one, other]).rows()[1]["CPE1_alpha"] is None


def test_file_name_that_the_font_lacks(tmp_path):
    """Warnings are errors here."""
    one = spectrum("R0-p(R1,CPE1)", **LITHIUM)
    figure = draw_spectrum(analyse(record(dict(one.table), source="測定.mpr")))
    assert save(figure, tmp_path / "figure.png").exists()


# -- an established package


@cache
def established():
    return pytest.importorskip("impedance.models.circuits").CustomCircuit


def test_parameters_agree_with_the_established_package():
    """Same spectrum, same weights: values within a tenth of the intervals, deviations alike."""
    z = spectrum("R0-p(R1,CPE1)", seed=4, **LITHIUM).impedance
    ours = fit("R0-p(R1,CPE1)", F, z)
    theirs = established()("R0-p(R1,CPE1)", initial_guess=[10.0, 60.0, 1e-6, 0.9])
    theirs.fit(F, z, weight_by_modulus=True)
    for name, value, deviation in zip(ours.circuit.names, theirs.parameters_, theirs.conf_, strict=True):
        one = ours.fitted(name, name, OHM)
        assert value == pytest.approx(one.value, abs=0.05 * (one.high - one.low))
        assert deviation == pytest.approx(0.25 * (one.high - one.low), rel=0.1)


def test_not_slower_than_the_established_package():
    """Ours has to find its start as well; the median of ten, in turn."""
    z = spectrum("R0-p(R1,CPE1)", seed=4, **LITHIUM).impedance
    make, ratios = established(), []
    for _ in range(10):
        begin = time.process_time()
        fit("R0-p(R1,CPE1)", F, z)
        middle = time.process_time()
        make("R0-p(R1,CPE1)", initial_guess=[10.0, 60.0, 1e-6, 0.9]).fit(F, z, weight_by_modulus=True)
        ratios.append((time.process_time() - middle) / (middle - begin))
    assert np.median(ratios) > 1.0


def test_figure_of_a_cut_spectrum():
    """Points that were cut are drawn apart, and the frequencies are written."""
    figure = draw_spectrum(analyse(spectrum("R0-p(R1,CPE1)", change=artefact, **LITHIUM)))
    nyquist = figure.axes[0]
    assert [text.get_text() for text in nyquist.get_legend().get_texts()] == ["Cut", "Measured", "Circuit"]
    assert {"1 kHz", "100 Hz"} & {text.get_text() for text in nyquist.texts}
    assert "cut" in {text.get_text() for text in figure.axes[3].texts}
