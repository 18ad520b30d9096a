"""Impedance by linearisation against closed forms."""

import numpy as np
import pytest

from solidstack.constants import FARADAY
from solidstack.errors import StructureError
from solidstack.twin.effective import Effective
from solidstack.twin.electrochemistry.impedance import impedance, transmission_line

from ...cells import SITES, THERMAL, UM, cell, columns, electrolyte, host, mixed, straight

PLANES, EDGE = 60, 0.5 * UM
LENGTH = PLANES * EDGE
SLOPE = 0.8


def given(**fields):
    fast = fields.pop("diffusivity", 1e-12)
    active = host(potential=straight(3.8, SLOPE), diffusivity=fast, exchange=2.0, electronic=fields.pop("sigma", 1e4))
    return cell(active, electrolyte=electrolyte(0.1), **fields)


def medium(**fields):
    """Columns of both, half and half, one voxel wide: an interface in every second face along y, both ways."""
    usual = {
        "thickness": LENGTH, "active_loading": 1.0, "active_fraction": 0.5, "electrolyte_fraction": 0.5,
        "specific_interface": 2.0 / (2 * EDGE), "ionic_conductivity": 0.05, "electronic_conductivity": 5e3,
    }  # fmt: skip
    return Effective(**(usual | fields))


def design():
    import solidstack as ss

    return ss.load("examples/pouch-0.16Ah.toml")


def test_transmission_line_of_a_slab() -> None:
    """Six decades within 1 %."""
    found = impedance(
        columns(PLANES, EDGE), design(), parameters=given(), stoichiometry=0.6, frequencies=np.geomspace(1e-3, 1e3, 7)
    )
    closed = transmission_line(medium(), given(), found.frequency, 0.6)
    np.testing.assert_allclose(found.z.real, closed.real, rtol=0.01)
    np.testing.assert_allclose(found.z.imag[:2], closed.imag[:2], rtol=0.01)


def test_capacity_at_low_frequency() -> None:
    """-1/(omega C) with C = F c (1 - porosity) L / (-dU/dx)."""
    f = np.array([1e-5])
    z = impedance(columns(PLANES, EDGE), design(), parameters=given(), stoichiometry=0.6, frequencies=f).z[0]
    capacity = FARADAY * SITES * 0.5 * LENGTH / SLOPE
    assert z.imag == pytest.approx(-1.0 / (2.0 * np.pi * f[0] * capacity), rel=1e-3)


def test_high_frequency_is_kinetics_and_ohmic() -> None:
    """Without a double layer the charge transfer stays: sqrt(R_ion R_ct) coth sqrt(R_ion/R_ct) + membrane + lithium."""
    parameters = given(ideal_electronics=True)
    z = impedance(columns(PLANES, EDGE), design(), parameters=parameters, stoichiometry=0.5, frequencies=[1e8]).z[0]
    ionic = LENGTH / 0.05
    half_voxel = 0.25 * UM / 0.1
    transfer = (THERMAL / 2.0 + half_voxel) / (medium().specific_interface * LENGTH)
    rest = 6 * UM / 0.1 + THERMAL / 10.0
    expected = np.sqrt(ionic * transfer) / np.tanh(np.sqrt(ionic / transfer)) + rest
    assert z.real == pytest.approx(expected, rel=0.01)
    assert abs(z.imag) < 1e-3 * z.real


def test_closed_form_limits() -> None:
    """At low frequency a third of both resistances, and of diffusion into spheres R/(5 F c D) dU/dx."""
    parameters = given()
    effective = medium(particle_radius=2 * UM, electronic_conductivity=0.05)
    low = transmission_line(effective, parameters, np.array([1e-7]), 0.6)[0]
    exchange = 2.0 * 2.0 * np.sqrt(0.6 * 0.4)
    transfer = THERMAL / exchange + SLOPE * 2 * UM / (5.0 * FARADAY * SITES * 1e-12)
    both = 2.0 * LENGTH / 0.05
    expected = transfer / (effective.specific_interface * LENGTH) + both / 3.0
    rest = 6 * UM / 0.1 + THERMAL / 10.0
    assert low.real - rest == pytest.approx(expected, rel=1e-3)


def test_real_part_falls_with_frequency() -> None:
    made = mixed(3, (8, 6, 6), (0.0, 0.5, 0.5, 0.0, 0.0))
    z = impedance(made, design(), parameters=given(sigma=10.0), frequencies=np.geomspace(1e-5, 1e2, 12)).z
    assert (np.diff(z.real) < 1e-6 * z.real[0]).all()
    assert (z.imag < 0.0).all()


def test_bad_input() -> None:
    made = columns(6, EDGE)
    for wrong, words in (
        ({"stoichiometry": 1.4}, "stoichiometry: 1.4 must be between 0 and 1"),
        ({"stoichiometry": 0.5, "voltage": 3.8}, "give one of them"),
        ({"frequencies": [0.0]}, "frequencies: expected numbers between 1e-07 and 1e\\+09 Hz"),
        ({"frequencies": []}, "frequencies: expected numbers between 1e-07 and 1e\\+09 Hz"),
    ):
        with pytest.raises(StructureError, match=words):
            impedance(made, design(), parameters=given(), **wrong)
