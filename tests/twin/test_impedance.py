"""Impedance by linearisation against closed forms."""

import json

import numpy as np
import pytest
from scipy.optimize import nnls

import solidstack as ss
from solidstack.constants import FARADAY
from solidstack.errors import StructureError
from solidstack.kernels import coupled_cpu as loops
from solidstack.twin import impedance as module
from solidstack.twin.domain import prepare
from solidstack.twin.effective import Effective
from solidstack.twin.impedance import impedance, limits, transmission_line

from ..cells import (
    AM,
    OTHER,
    SE,
    SITES,
    THERMAL,
    UM,
    cell,
    columns,
    electrolyte,
    host,
    layers,
    mixed,
    protocol,
    salted,
    straight,
    structure,
)

PLANES, EDGE = 60, 0.5 * UM
LENGTH = PLANES * EDGE
SLOPE = 0.8
REST = 6 * UM / 0.1 + THERMAL / 10.0
"""Membrane and lithium, ohm m2."""
TRANSFER = THERMAL / (2.0 * 2.0 * np.sqrt(0.6 * 0.4))
"""Charge transfer at x = 0.6, ohm m2 of interface."""


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
    return ss.load("examples/pouch-0.16Ah.toml")


def spectrum(made, parameters, frequencies, stoichiometry: float | None = 0.6, **fields):
    return impedance(
        made, design(), parameters=parameters, stoichiometry=stoichiometry, frequencies=frequencies, **fields
    )


@pytest.mark.parametrize("double_layer", [0.0, 0.1])
def test_transmission_line_of_a_slab(double_layer: float) -> None:
    """Seven decades within 1 %, real and imaginary part."""
    parameters = given(diffusivity=1e-7, sigma=0.3)
    beside = medium(electronic_conductivity=0.15)
    f = np.geomspace(1e-4, 1e3, 8)
    found = spectrum(columns(PLANES, EDGE), parameters, f, double_layer=double_layer, effective=beside)
    closed = transmission_line(beside, parameters, f, 0.6, double_layer=double_layer)
    np.testing.assert_array_equal(found.transmission_line, closed)
    np.testing.assert_allclose(found.z.real - REST, closed.real - REST, rtol=0.01)
    np.testing.assert_allclose(found.z.imag, closed.imag, rtol=0.01)


@pytest.mark.parametrize("double_layer", [0.0, 0.1])
def test_diffusion_into_a_slab(double_layer: float) -> None:
    """R + coth(s)/s in parallel to the double layer over eleven decades; ten voxels do not resolve it above 10 mHz."""
    diffusivity, count = 1e-14, 10
    length = count * EDGE
    f = np.geomspace(1e-5, 1e6, 12)
    z = spectrum(
        layers((SE, 1), (AM, count), edge=EDGE), given(diffusivity=diffusivity), f, double_layer=double_layer
    ).z - (REST + EDGE / 0.1)  # fmt: skip
    s = length * np.sqrt(2j * np.pi * f / diffusivity)
    diffusion = SLOPE * length / (FARADAY * SITES * diffusivity) / (s * np.tanh(s))
    closed = 1.0 / (1.0 / (TRANSFER + diffusion) + 2j * np.pi * f * double_layer)
    np.testing.assert_allclose(np.abs(z - closed), 0.0, atol=2e-3 * np.abs(closed))
    if not double_layer:
        warburg = z[3:9] - TRANSFER
        np.testing.assert_allclose(-warburg.imag / warburg.real, 1.0, rtol=0.01)
        assert z[0].real == pytest.approx(TRANSFER + SLOPE * length / (3.0 * FARADAY * SITES * diffusivity), rel=5e-3)
        assert z[0].imag == pytest.approx(-SLOPE / (2.0 * np.pi * f[0] * FARADAY * SITES * length), rel=2e-3)


def test_diffusion_into_a_sphere() -> None:
    diffusivity, edge = 1e-14, 0.2 * UM
    place = np.indices((12, 12, 12)) - 5.5
    labels = np.where((place**2).sum(axis=0) < 5.2**2, AM, SE)
    made = structure(labels, (edge, edge, edge))
    active = host(potential=straight(3.8, SLOPE), diffusivity=diffusivity, exchange=100.0)
    parameters = cell(active, electrolyte=electrolyte(100.0), ideal_electronics=True)
    fraction, interface = made.fraction("AM"), prepare(made, parameters).interface
    beside = medium(
        thickness=12 * edge, active_fraction=fraction, electrolyte_fraction=1.0 - fraction,
        specific_interface=interface, ionic_conductivity=100.0 * (1.0 - fraction) ** 1.5,
    )  # fmt: skip
    found = spectrum(made, parameters, np.geomspace(1e-5, 1e3, 9), effective=beside)
    np.testing.assert_allclose(found.z.imag, found.transmission_line.imag, rtol=0.05)
    rest = THERMAL / 10.0 + 6 * UM / 100.0
    np.testing.assert_allclose(found.z.real - rest, found.transmission_line.real - rest, rtol=0.05)
    # all of its volume stores
    ends = limits(beside.changed(particle_radius=3.0 * fraction / interface), parameters, 0.6)
    assert -1.0 / (2e-5 * np.pi * found.z[0].imag) == pytest.approx(ends.capacitance, rel=2e-3)


def test_capacity_at_low_frequency() -> None:
    """-1/(omega C) with C = F c (1 - porosity) L / (-dU/dx)."""
    z = spectrum(columns(PLANES, EDGE), given(), [1e-5]).z[0]
    capacity = FARADAY * SITES * 0.5 * LENGTH / SLOPE
    assert z.imag == pytest.approx(-1.0 / (2e-5 * np.pi * capacity), rel=1e-3)


def test_high_frequency_is_kinetics_and_ohmic() -> None:
    """Without a double layer the charge transfer stays: sqrt(R_ion R_ct) coth sqrt(R_ion/R_ct) + membrane + lithium."""
    contact = 5e-3
    parameters = given(ideal_electronics=True, interface_resistance=contact)
    z = spectrum(columns(PLANES, EDGE), parameters, [1e8], 0.5).z[0]
    ionic = LENGTH / 0.05
    half_voxel = 0.25 * UM / 0.1
    transfer = (THERMAL / 2.0 + contact + half_voxel) / (medium().specific_interface * LENGTH)
    expected = np.sqrt(ionic * transfer) / np.tanh(np.sqrt(ionic / transfer)) + REST
    assert z.real == pytest.approx(expected, rel=2e-3)
    assert abs(z.imag) < 1e-3 * z.real
    assert limits(medium(electronic_conductivity=1e4), parameters, 0.5).high == pytest.approx(expected, rel=2e-3)


def test_high_frequency_with_a_double_layer_is_ohmic() -> None:
    """Ions and electrons side by side, then membrane and lithium; a contact stays as the surface of the line."""
    for contact in (0.0, 5e-3):
        parameters = given(sigma=0.3, interface_resistance=contact)
        z = spectrum(columns(PLANES, EDGE), parameters, [1e9], double_layer=1.0).z[0]
        beside = medium(electronic_conductivity=0.15)
        ends = limits(beside, parameters, 0.6, double_layer=1.0)
        assert z.real - REST == pytest.approx(ends.high - REST, rel=0.02)
        if not contact:
            assert ends.high - REST == pytest.approx(LENGTH / (0.05 + 0.15), rel=1e-9)


def test_closed_form_limits() -> None:
    """At low frequency a third of both resistances, and of diffusion into spheres R/(5 F c D) dU/dx."""
    parameters = given(interface_resistance=3e-3)
    effective = medium(particle_radius=2 * UM, electronic_conductivity=0.05)
    low = transmission_line(effective, parameters, np.array([1e-7]), 0.6)[0]
    transfer = 3e-3 + TRANSFER + SLOPE * 2 * UM / (5.0 * FARADAY * SITES * 1e-12)
    both = 2.0 * LENGTH / 0.05
    expected = transfer / (effective.specific_interface * LENGTH) + both / 3.0
    assert low.real - REST == pytest.approx(expected, rel=1e-6)
    for layer in (0.0, 5.0):
        ends = limits(effective, parameters, 0.6, double_layer=layer)
        low, high = transmission_line(effective, parameters, np.array([1e-6, 1e15]), 0.6, double_layer=layer)
        assert ends.low == pytest.approx(low.real, rel=1e-6)
        assert ends.capacitance == pytest.approx(-1.0 / (2e-6 * np.pi * low.imag), rel=1e-6)
        assert ends.high == pytest.approx(high.real, rel=1e-4)


def network(made, parameters, double_layer: float = 0.0, omega: float = 1.0):
    """Complex network of a structure at x = 0.6, its storage, and the current of 1 A/m2."""
    domain = prepare(made, parameters)
    equations = module.Equations(domain, parameters, loops, parameters.temperature)
    equations.start({"AM": 0.6})
    equations.assemble((1.0, -1.0, 0.0))
    solver = module._network(equations)
    parts = module._interfaces(equations, double_layer)
    for conductance, faces in zip((solver.cx, solver.cy, solver.cz), parts, strict=True):
        conductance[faces.place] = faces.conductance(omega)
    storage = equations.host_storage * (1j * omega)
    solver.prepare(storage, floating=True)
    return solver, storage, domain.area / equations.scale


def dense(solver, storage):
    """Matrix of the network, column by column; the collector last."""
    kind, shape, g = np.asarray(solver.kind), solver.shape, solver.geometry
    inner = np.zeros(shape, bool)
    inner[1:-1, 1:-1, 1:-1] = True
    inner = inner.ravel() & (kind > 0)
    rows = np.flatnonzero(inner & (kind & 1 == 0) if solver.ideal else inner), np.flatnonzero(inner & (kind & 2 > 0))
    size = rows[0].size + rows[1].size + 1
    matrix = np.zeros((size, size), complex)
    for column in range(size):
        unit = np.zeros(size, complex)
        unit[column] = 1.0
        v, w, av, aw = (np.zeros(solver.count, complex) for _ in range(4))
        v[rows[0]], w[rows[1]] = unit[: rows[0].size], unit[rows[0].size : -1]
        loops.set_lithium(v, -unit[-1], shape)
        loops.wrap(v, shape, *solver.wraps)
        loops.wrap(w, shape, *solver.wraps)
        sums = np.zeros(2 * shape[0], complex)
        loops.matvec(
            solver.kind, solver.cx, solver.cy, solver.cz, solver.e, solver.im, storage, v, w, unit[-1], av, aw, sums,
            solver.ideal, g.gx, g.gy, g.gz, g.volume, shape,
        )  # fmt: skip
        matrix[:, column] = [*av[rows[0]], *aw[rows[1]], sums.reshape(-1, 2)[1:-1, 1].sum()]
    return matrix


@pytest.mark.parametrize("ideal", [False, True])
def test_network_is_complex_symmetric_and_solved(ideal: bool) -> None:
    """Against a dense solution, with salt, additive and double layer; the real part is 1e-5 of the whole at 1e-7 Hz."""
    active = host(potential=straight(3.8, SLOPE), diffusivity=1e-14, electronic=0.01)
    parameters = cell(active, electrolyte=salted(), ideal_electronics=ideal)
    made = mixed(3, (5, 4, 4), (0.05, 0.45, 0.4, 0.1, 0.0))
    for f in (1e-7, 1.0, 1e5):
        solver, storage, unit = network(made, parameters, 0.1, 2.0 * np.pi * f)
        z, _ = module._solve(solver, storage, unit)
        matrix = dense(solver, storage)
        np.testing.assert_array_equal(matrix, matrix.T)
        expected = np.linalg.solve(matrix, [0.0] * (len(matrix) - 1) + [unit])[-1]
        assert z.real == pytest.approx(expected.real, rel=2e-6)
        assert z.imag == pytest.approx(expected.imag, rel=2e-6)
        assert spectrum(made, parameters, [f], double_layer=0.1).z[0] == pytest.approx(z, rel=1e-12)


def test_without_frequency_the_interfaces_are_those_of_discharge() -> None:
    """The series that is taken apart is the one of the kernel."""
    made = mixed(3, (5, 4, 4), (0.05, 0.45, 0.4, 0.1, 0.0))
    parameters = cell(host(electronic=0.01), electrolyte=salted(), interface_resistance=2e-3, lithium_resistance=1e-3)
    solver, _, _ = network(made, parameters, 0.1, 1e-20)
    equations = module.Equations(prepare(made, parameters), parameters, loops, parameters.temperature)
    equations.start({"AM": 0.6})
    equations.assemble((1.0, -1.0, 0.0))
    for name in ("cx", "cy", "cz"):
        np.testing.assert_allclose(getattr(solver, name), getattr(equations.solver, name), rtol=1e-6)


def foster(f, tau):
    """Resistance, capacitance and RC elements in series: a passive network, whose parts obey Kramers and Kronig."""
    s = 2j * np.pi * f[:, None]
    return np.hstack([np.ones((f.size, 1)), 1.0 / s, 1.0 / (1.0 + s * tau)])


def test_passive_network_and_step_in_time() -> None:
    """The real part gives the imaginary one, and both the voltage of a small step of current."""
    made = mixed(3, (8, 6, 6), (0.05, 0.45, 0.4, 0.1, 0.0))
    parameters = given(sigma=0.1, diffusivity=1e-14)
    f, tau = np.geomspace(1e-6, 1e2, 33), np.geomspace(1e-4, 1e6, 101)
    found = spectrum(made, parameters, f)
    assert (np.diff(found.z.real) < 1e-6 * found.z.real[0]).all()
    assert (found.z.imag < 0.0).all()
    parts = foster(f, tau)
    weighted = parts / found.z.real[:, None]
    weighted[:, 1] = 0.0  # no real part
    elements, _ = nnls(weighted.real, np.ones(f.size), maxiter=20_000)
    elements[1] = -2.0 * np.pi * f[0] * (found.z - parts @ elements)[0].imag
    np.testing.assert_allclose((parts @ elements).real, found.z.real, rtol=1e-3)
    np.testing.assert_allclose((parts @ elements).imag, found.z.imag, rtol=0.02)
    run = ss.twin.discharge(
        made, design(), parameters=parameters, initial_stoichiometry=0.6, device="cpu", accuracy=0.1,
        protocol=protocol({"kind": "charge", "current": "0.001 mA/cm^2", "until": {"time": "3000 s"}}),
    )  # fmt: skip
    time = run.time[run.time > 400.0, None]  # diffusion through a voxel takes 100 s
    expected = 0.01 * (elements[0] + elements[1] * time[:, 0] + (1.0 - np.exp(-time / tau)) @ elements[2:])
    np.testing.assert_allclose(run.voltage[run.time > 400.0] - found.voltage, expected, rtol=0.01)


def test_several_active_materials() -> None:
    """At one voltage each has its own stoichiometry; both store."""
    labels = np.tile(np.array([AM, SE, OTHER, SE])[None, :, None], (20, 1, 1))
    made = structure(labels, (EDGE, EDGE, EDGE))
    steep = host("other AM", potential=straight(3.8, 2 * SLOPE), diffusivity=1e-12, electronic=1e4)
    parameters = cell(
        host("AM", potential=straight(3.8, SLOPE), diffusivity=1e-12, electronic=1e4), steep, electrolyte=electrolyte()
    )
    found = spectrum(made, parameters, [1e-5], None, voltage=3.84)
    assert found.voltage == pytest.approx(3.84, abs=1e-6)
    assert found.stoichiometry == pytest.approx(0.5 * (0.45 + 0.475), abs=1e-6)
    capacity = FARADAY * SITES * 0.25 * 20 * EDGE * (1.0 / SLOPE + 0.5 / SLOPE)
    assert found.z[0].imag == pytest.approx(-1.0 / (2e-5 * np.pi * capacity), rel=1e-3)
    with pytest.raises(StructureError, match="AM and other AM are not in equilibrium at the same stoichiometry"):
        spectrum(made, parameters, [1.0])


def test_plain_data_and_csv(tmp_path) -> None:
    made = columns(6, EDGE)
    found = spectrum(made, given(), [1.0, 10.0], double_layer=0.1, effective=medium(thickness=6 * EDGE))
    data = json.loads(json.dumps(found.to_dict()))
    assert data["double_layer_uF_cm2"] == pytest.approx(10.0)
    assert data["re_ohm_cm2"] == pytest.approx(1e4 * found.z.real)
    assert data["transmission_line"]["im_ohm_cm2"] == pytest.approx(1e4 * found.transmission_line.imag)
    header, *rows = found.save(tmp_path / "z.csv").read_text().splitlines()
    assert header == ("frequency_Hz,re_ohm_cm2,im_ohm_cm2,transmission_line_re_ohm_cm2,transmission_line_im_ohm_cm2")
    table = np.array([[float(value) for value in row.split(",")] for row in rows])
    line = 1e4 * found.transmission_line
    np.testing.assert_allclose(table.T[1:3], 1e4 * np.array([found.z.real, found.z.imag]), rtol=1e-8)
    np.testing.assert_allclose(table.T[3:], [line.real, line.imag], rtol=1e-8)
    plain = spectrum(made, given(), [1.0])
    assert plain.save(tmp_path / "plain.csv").read_text().startswith("frequency_Hz,re_ohm_cm2,im_ohm_cm2\n")
    assert "transmission_line" not in plain.to_dict()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"stoichiometry": 1.4}, "stoichiometry: 1.4 is out of bounds: 0 to 1, where the potential is known"),
        ({"stoichiometry": 0.5, "voltage": 3.8}, "give one of them"),
        ({"voltage": 5.0}, "voltage: 5 V is out of bounds: 3.4 to 4.2 V, the potential of AM"),
        ({"frequencies": [0.0]}, "frequencies: out of bounds"),
        ({"frequencies": []}, "frequencies: out of bounds"),
        ({"double_layer": -0.1}, r"double_layer: -0.1 F/m2 is out of bounds; wanted is 0 \(none\) to 10 F/m2"),
        ({"double_layer": np.nan}, "double_layer: nan"),
    ],
)
def test_bad_input(wrong, words: str) -> None:
    with pytest.raises(StructureError, match=words):
        impedance(columns(6, EDGE), design(), parameters=given(), **wrong)
