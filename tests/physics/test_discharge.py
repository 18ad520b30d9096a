"""Charge and discharge of the voxel solver: closed forms, conservation, orders, limits and symmetries."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq

import solidstack as ss
from solidstack.constants import FARADAY
from solidstack.kernels.electrochemistry import multigrid as coupled_multigrid
from solidstack.kernels.electrochemistry.voxel import ELECTRONIC, STORES
from solidstack.kinetics import CellParameters
from solidstack.outcomes import Outcome
from solidstack.twin.electrochemistry.cycle import discharge as simulate
from solidstack.twin.electrochemistry.domain import prepare
from solidstack.twin.electrochemistry.equations import Equations
from solidstack.twin.electrochemistry.fields import Fields
from solidstack.twin.structure.voxels import Structure
from tests.cells import (
    AM,
    CA,
    DENSITY,
    OTHER,
    SE,
    SITES,
    TEMPERATURE,
    THERMAL,
    UM,
    cell,
    charge,
    columns,
    discharge,
    electrolyte,
    equations,
    hold,
    host,
    layers,
    mixed,
    protocol,
    rest,
    salted,
    solver,
    straight,
    structure,
)

CONSERVED = 1e-6
"""Relative: lithium and current."""
SUMMED = 1e-5
"""V, of the parts of the voltage."""
ASR = 0.01
"""Of a resistance against the closed form of a homogeneous electrode without a face on the membrane."""
EXACT = 1e-5
"""Relative, where a closed form holds on voxels too; what Newton's method leaves over."""
ORDER = 0.3
SAME = 1e-6
"""V, stoichiometry and relative concentration, of the same problem in another order of its voxels."""

Floats = NDArray[np.float64]


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No result depends on the number of threads, and cells this small are fastest with one."""
    monkeypatch.setattr(coupled_multigrid, "COARSEST", 16)  # solves the same, faster where cells are this few
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


def bdf(step: float, *, first: bool) -> tuple[float, float, float]:
    """Weights of the backward formulas of first and second order with constant steps."""
    return (1.0 / step, -1.0 / step, 0.0) if first else (1.5 / step, -2.0 / step, 0.5 / step)


@dataclass
class State:
    """After some time steps of constant length; arrays have the shape of the padded domain."""

    plate: float
    content: Floats
    parts: Floats
    contents: dict[str, float]


def march(
    e: Equations,
    current: Callable[[float], float],
    step: float,
    count: int,
    *,
    tolerance: float = 1e-5,
    second: bool = True,
) -> State:
    """Take time steps of constant length at a given current, A/m2; the parts of the voltage are those of the last."""
    state = None
    for number in range(count):
        first = number == 0 or not second
        e.predict(0.0 if first else 1.0)
        given = current((number + 1) * step)
        outcome = e.solve(bdf(step, first=first), current=given, least_current=1e-3, tolerance=tolerance)
        assert outcome.converged
        contents, _ = e.contents()
        state = State(e.plate, np.array(e.x).reshape(e.shape), e.dissipation() / (given or math.nan), contents)
        e.accept()
    assert state is not None
    return state


def once(e: Equations, current: float, step: float) -> State:
    """One step of first order."""
    return march(e, lambda _: current, step, 1)


# conservation


BLEND = cell(
    host(),
    host("other AM", potential=((0.05, 4.4), (0.4, 3.9), (0.9, 3.6), (1.0, 3.0)), exchange=0.5, diffusivity=1e-15),
)
RESISTANCES = cell(interface_resistance=5e-3, lithium_resistance=2e-3)
BOTH, CLOSED, ONE = (False, True, True), (False, False, False), (True, True, False)
OBLONG = (0.8 * UM, 1.1 * UM, 1.5 * UM)


@pytest.mark.parametrize(
    ("shape", "seed", "fields", "shares", "given"),
    [
        ((7, 6, 5), 0, {"periodic": BOTH}, None, cell()),
        ((7, 6, 5), 1, {"periodic": CLOSED}, None, cell(ideal_electronics=True)),
        ((6, 5, 7), 2, {"periodic": ONE, "voxel": OBLONG}, None, RESISTANCES),
        ((7, 6, 5), 3, {"periodic": BOTH}, (0, 0.5, 0.5, 0, 0), cell(electrolyte=salted(diffusivity=3e-12))),
        ((5, 7, 4), 4, {"periodic": ONE}, None, cell(electrolyte=salted(), ideal_electronics=True)),
        ((6, 6, 5), 5, {"periodic": BOTH}, (0.05, 0.3, 0.35, 0.1, 0.2), BLEND),
        ((6, 3, 1), 27, {"periodic": CLOSED}, (0, 0.5, 0.5, 0, 0), cell(membrane_thickness=0.4 * UM)),
    ],
    ids=["periodic", "closed, ideal", "resistances", "salt", "salt, ideal", "blend", "flat, thin membrane"],
)  # fmt: skip
def test_lithium_and_current_are_conserved_and_the_parts_sum_to_the_voltage(
    design: ss.Design,
    shape: tuple[int, int, int],
    seed: int,
    fields: dict[str, Any],
    shares: tuple[float, ...] | None,
    given: CellParameters,
) -> None:
    made = mixed(seed, shape, **({"shares": shares} if shares else {}), **fields)
    contact = np.random.default_rng(seed).random(shape) > 0.1
    plan = protocol(
        charge("1C", voltage=4.2), hold(4.2, current="C/8", time="1 h"), rest(60.0), discharge("2C", voltage=3.5)
    )
    run = simulate(made, design, parameters=given, protocol=plan, contact=contact, accuracy=6.0)
    assert run.outcome is Outcome.COMPLETE
    assert run.balance["lithium"] < CONSERVED
    assert run.balance["current"] < CONSERVED
    np.testing.assert_allclose(sum(run.split.values()), run.voltage, atol=SUMMED)

    # the same from what the run reports, by independent counts
    loading = np.isin(made.labels, (AM, OTHER)).sum() * DENSITY * np.prod(made.voxel) / (made.size[1] * made.size[2])
    assert run.active_loading == pytest.approx(loading)
    sites = FARADAY * SITES * loading / DENSITY * (1.0 - run.inactive_fraction)
    for step, sign, rate in zip(run.steps, (1, 0, 0, -1), (1.0, 0.0, 0.0, 2.0), strict=True):
        rows = run.rows(step)
        current, x = run.current_density[rows], run.stoichiometry[rows]
        before = run.stoichiometry[step.first - 1] if step.first else 0.9
        taken = -sites * (x - before)
        passed = np.abs(taken) / run.active_loading
        np.testing.assert_allclose(run.capacity[rows], passed, atol=CONSERVED * (max(passed) + 1.0))
        if sign:
            np.testing.assert_allclose(current, sign * rate * 180.0 * loading, rtol=CONSERVED)
            times = np.diff(run.time[rows], prepend=run.time[step.first - 1] if step.first else 0.0)
            np.testing.assert_allclose(np.cumsum(current * times), taken, rtol=CONSERVED)
            for part in ("ionic", "membrane", "electronic", "lithium"):
                assert (sign * run.split[part][rows] >= 0.0).all(), part
        elif step.kind == "rest":
            assert np.abs(current).max() < CONSERVED * 180.0 * loading
        depth = run.profiles["reaction"][rows].sum(axis=1) * made.voxel[0]
        np.testing.assert_allclose(depth, current, atol=CONSERVED * 180.0 * loading)
    assert run.split["electronic"].any() != given.ideal_electronics
    assert run.split["concentration"].any() != given.electrolyte.is_single_ion


# one interface, so that every part of the voltage has a closed form


def test_every_part_of_the_voltage_across_layers() -> None:
    """One plane of interface: Ohm's law in each layer, Butler-Volmer there, its sinh at the lithium."""
    active = host(
        potential=straight(3.8, 1.0), diffusivity=1e-9, exchange=3.0, electronic=0.5, as_made=0.3, transfer=0.3
    )
    given = cell(
        active,
        electrolyte=electrolyte(0.02),
        membrane=electrolyte(0.05, name="M"),
        membrane_thickness=7.3 * UM,
        lithium_exchange=2.0,
        lithium_resistance=4e-4,
        interface_resistance=7e-4,
    )
    reference = 2.0 * 3.0 * 0.3**0.3 * 0.7**0.7

    def potential(current: float) -> float:
        """Overpotential of the interface."""
        return brentq(
            lambda eta: reference * (math.exp(0.3 * eta / THERMAL) - math.exp(-0.7 * eta / THERMAL)) - current, -2, 2
        )

    for current in (1e-2, 20.0, 300.0, -1e-2, -20.0, -300.0):
        e = solver(layers((SE, 3), (AM, 5)), given)
        state = once(e, current, 1e-3)
        ionic, membrane, electronic, transfer, _, salt, lithium, equilibrium = state.parts
        # the face between the two, half an edge on either side, counts as the membrane
        assert ionic + membrane == pytest.approx(current * (3 * UM / 0.02 + 7.3 * UM / 0.05), rel=EXACT)
        assert ionic == pytest.approx(current * 2.5 * UM / 0.02, rel=EXACT)
        assert electronic == pytest.approx(current * 5 * UM / 0.5, rel=EXACT)
        assert transfer == pytest.approx(potential(current) + current * 7e-4, rel=EXACT)
        assert lithium == pytest.approx(2 * THERMAL * math.asinh(current / 4.0) + current * 4e-4, rel=EXACT)
        assert salt == 0.0
        assert equilibrium == pytest.approx(4.0, abs=1e-4)
        assert state.plate == pytest.approx(state.parts.sum(), abs=1e-6)


@pytest.mark.parametrize("ideal", [False, True], ids=["conducting", "ideal"])
@pytest.mark.parametrize(
    ("planes", "conductivity", "exchange", "resistance"),
    [(40, 0.1, 1.0, 0.0), (100, 0.02, 3.0, 0.0), (100, 0.02, 3.0, 0.05), (40, 0.01, 30.0, 0.0)],
)
def test_resistance_of_a_homogeneous_electrode(
    planes: int, conductivity: float, exchange: float, resistance: float, ideal: bool
) -> None:
    """Linear kinetics, one mobile ion, good electrons: sqrt(R_ion R_ct) coth sqrt(R_ion/R_ct) and the rest in series.

    Newman and Tobias, J. Electrochem. Soc. 109 (1962) 1183. With the active material's faces on the membrane, which
    react too, in parallel, what remains is the way across half a column.
    """
    given = cell(
        host(potential=straight(3.8, 1e-3), diffusivity=1e-11, exchange=exchange, electronic=1e6, as_made=0.5),
        electrolyte=electrolyte(conductivity),
        membrane_thickness=2 * UM,
        lithium_exchange=200.0,
        lithium_resistance=1e-5,
        interface_resistance=resistance,
        ideal_electronics=ideal,
    )
    e = solver(columns(planes), given)
    current = 1.0
    found = (once(e, current, 1e-3).plate - 3.8) / current
    length, interface = planes * 0.5 * UM, 1.0 / (0.5 * UM)
    transfer = THERMAL / exchange + resistance
    ionic, reaction = length / (0.5 * conductivity), transfer / (interface * length)
    porous = math.sqrt(ionic * reaction) / math.tanh(math.sqrt(ionic / reaction))
    series = 2 * UM / conductivity + THERMAL / 200.0 + 1e-5
    front = 2.0 * transfer
    assert found == pytest.approx(porous + series, rel=ASR + porous / front)
    across = 0.25 * UM / conductivity
    exact = 1.0 / (1.0 / porous + 1.0 / front) + series
    assert abs(found - exact) < 0.002 * exact + 3.0 * across


# orders


def one_diffusion_step(count: int, *, curved: bool) -> float:
    """Potential at the surface of a layer of 10 um in ``count`` planes after one step, or that of the cell, curved."""
    varying = ((0.0, 0.5e-13), (0.5, 2e-13), (1.0, 1e-13))
    given = cell(
        host(diffusivity=varying, exchange=5.0, electronic=10.0, as_made=0.6)
        if curved
        else host(potential=straight(3.8, 1.0), diffusivity=1e-13, exchange=5.0, electronic=10.0, as_made=0.6),
        membrane_thickness=2 * UM,
    )
    e = solver(layers((SE, count // 5), (AM, count), edge=10 * UM / count), given)
    state = once(e, 2.0, 100.0)
    return state.plate if curved else float(state.parts[4] + state.parts[7])


def test_second_order_in_space() -> None:
    """A backward step of diffusion into a layer has a closed form: x - x0 = -j l/(F c D) coth(L/l), l^2 = D t."""
    length = math.sqrt(1e-13 * 100.0)
    exact = 3.7 + 2.0 * length / (FARADAY * SITES * 1e-13) / math.tanh(10 * UM / length)
    errors = [one_diffusion_step(count, curved=False) - exact for count in (5, 10, 20, 40)]
    assert abs(errors[-1]) < 2e-5
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 2.0, atol=ORDER)


def test_second_order_in_space_with_curved_properties() -> None:
    changes = np.diff([one_diffusion_step(count, curved=True) for count in (5, 10, 20, 40)])
    np.testing.assert_allclose(np.log2(changes[:-1] / changes[1:]), 2.0, atol=ORDER)


def test_second_order_in_time() -> None:
    """Butler-Volmer, curved potential and diffusivity, salt; the current rises smoothly, as a jump has no order."""
    varying = ((0.0, 0.3e-14), (0.5, 2e-14), (1.0, 1e-14))
    active = host(diffusivity=varying, exchange=0.5, transfer=0.4)
    given = cell(active, electrolyte=salted(diffusivity=1e-12))
    made = mixed(3, (5, 4, 3), shares=(0, 0.5, 0.5, 0, 0), periodic=CLOSED)
    time = 200.0

    def at_end(count: int) -> State:
        def current(now: float) -> float:
            return 6.0 * math.sin(math.pi * now / time / 1.5) ** 2

        return march(solver(made, given), current, time / count, count, tolerance=1e-6)

    states = [at_end(count) for count in (20, 40, 80, 160)]
    contents = [math.sqrt(float(np.mean((coarse.content - fine.content) ** 2))) for coarse, fine in pairwise(states)]
    plates = np.diff([state.plate for state in states])
    assert contents[0] > 1e-5
    np.testing.assert_allclose(np.log2(np.divide(contents[:-1], contents[1:])), 2.0, atol=ORDER)
    np.testing.assert_allclose(np.log2(plates[:-1] / plates[1:]), 2.0, atol=ORDER)


# diffusion into a sphere


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["charge", "discharge"])
def test_constant_flux_out_of_a_sphere(design: ss.Design, sign: float) -> None:
    """Crank, The Mathematics of Diffusion, eq. 6.45: x_s - x_mean = j R/(F c D) (1/5 - 2 sum exp(-l^2 D t/R^2)/l^2).

    Voxels at the surface have their middle nearer to it, on average, than the half edge that the model takes along each
    axis; that is the error of a staircase, a tenth of an edge here, however small the voxels. At first the flux goes
    into less than one voxel.
    """
    count = 23
    place = np.arange(count) - 0.5 * (count - 1)
    inside = place[:, None, None] ** 2 + place[:, None] ** 2 + place**2 < 10.2**2
    made = structure(np.where(inside, AM, SE), periodic=CLOSED)
    diffusivity = 1e-14
    given = cell(
        host(potential=straight(3.8, 1.0), diffusivity=diffusivity, exchange=1e3, as_made=0.5),
        electrolyte=electrolyte(100.0),
        ideal_electronics=True,
        lithium_exchange=1e4,
    )
    domain = prepare(made, given)
    volume = inside.sum() * UM**3
    radius = (0.75 * volume / math.pi) ** (1 / 3)
    area = domain.interface * math.prod(made.size)
    assert area == pytest.approx(4 * math.pi * radius**2, rel=0.02)
    steady = 0.03
    flux = steady * 5 * FARADAY * SITES * diffusivity / radius
    per_area = flux * area / domain.area
    kind = "charge" if sign > 0.0 else "discharge"
    step = {"kind": kind, "current": f"{per_area / 10:.12g} mA/cm^2", "until": {"time": 0.5 * radius**2 / diffusivity}}
    run = simulate(made, design, parameters=given, protocol=protocol(step), accuracy=0.1)
    np.testing.assert_allclose(0.5 - run.stoichiometry, sign * flux * area * run.time / (FARADAY * SITES * volume))

    time = run.time * diffusivity / radius**2
    roots = np.array(
        [brentq(lambda z: math.sin(z) - z * math.cos(z), n * math.pi, (n + 0.5) * math.pi) for n in range(1, 300)]
    )
    modes = 2.0 * (np.exp(-np.outer(roots**2, time)) / roots[:, None] ** 2).sum(axis=0)
    found = sign * run.split["diffusion"]  # potential of the surface less that of the mean: slope -1 V
    edge = 5 * steady * UM / radius  # change of x over a voxel at the surface
    settled, early = time > 0.02, time > 0.0005
    assert early.sum() > settled.sum() + 4
    np.testing.assert_allclose(found[settled], 5 * steady * (0.2 - modes[settled]), atol=0.15 * edge)
    np.testing.assert_allclose(found[early], 5 * steady * (0.2 - modes[early]), atol=0.3 * edge)
    assert found[-1] == pytest.approx(steady, rel=0.06)
    # sqrt(t) law: of the surface against the start
    soon = (time > 2.0 * (UM / radius) ** 2) & (time < 0.03)
    surface = found[soon] + sign * (0.5 - run.stoichiometry[soon])
    law = 2.0 * 5 * steady * np.sqrt(time[soon] / math.pi)
    assert soon.sum() >= 2
    np.testing.assert_allclose(surface, law, rtol=0.25)


# equilibrium


def test_very_slow_charge_and_discharge_follow_the_open_circuit_potential(design: ss.Design) -> None:
    active = host(diffusivity=1e-12)
    plan = protocol(charge("C/1000", voltage=4.35), discharge("C/1000", voltage=3.3))
    run = simulate(mixed(1, (5, 3, 3)), design, parameters=cell(active), protocol=plan, accuracy=3.0)
    assert run.outcome is Outcome.COMPLETE
    expected = active.open_circuit_potential(run.stoichiometry, TEMPERATURE)
    assert np.ptp(run.stoichiometry) > 0.6
    np.testing.assert_allclose(run.voltage, expected, rtol=0.0, atol=3e-4)
    assert np.sign(run.voltage - expected)[[5, -5]].tolist() == [1.0, -1.0]


def test_blend_ends_in_one_equilibrium(design: ss.Design) -> None:
    """After a rest both hosts have the potential of the cell, and together the lithium that is left."""
    first, second = BLEND.active.values()
    fast = replace(first, factors={"diffusivity": 100.0}), replace(second, factors={"diffusivity": 1000.0})
    given = cell(*fast)
    made = mixed(8, (6, 4, 4), shares=(0, 0.3, 0.4, 0, 0.3))
    plan = protocol(charge("1C", time="15 min"), rest(30_000.0))
    kept = Fields(step_ends=True)
    run = simulate(made, design, parameters=given, protocol=plan, fields=kept, accuracy=6.0)
    x = kept.taken[-1].stoichiometry
    for label, material in ((AM, fast[0]), (OTHER, fast[1])):
        here = x[(made.labels == label) & np.isfinite(x)]
        assert np.ptp(here) < 1e-3
        assert material.open_circuit_potential(float(here.mean()), TEMPERATURE) == pytest.approx(
            run.voltage[-1], abs=1e-3
        )
    assert run.split["equilibrium"][-1] == pytest.approx(run.voltage[-1], abs=1e-3)
    assert np.nanmean(x) == pytest.approx(run.stoichiometry[-1], abs=1e-6)


# salt


def salt_of(e: Equations, state: State) -> tuple[Floats, float]:
    """Concentration by plane of the membrane, and all salt, relative to the nominal one."""
    inner = state.content[1:-1, 1:-1, 1:-1]
    kind = e.domain.kind[1:-1, 1:-1, 1:-1]
    weight = e.host_storage[kind] * e.geometry.volume[1:-1, None, None] * ((kind & (ELECTRONIC | STORES)) == STORES)
    return inner[: e.domain.membrane_planes].mean(axis=(1, 2)), float((weight * inner).sum() / weight.sum())


@pytest.mark.parametrize("current", [8.0, -8.0], ids=["charge", "discharge"])
def test_salt_of_a_membrane_in_the_steady_state(current: float) -> None:
    """Only lithium crosses the electrodes: dc/dx = (1 - t+) i/(F D), more salt where lithium is stripped.

    The voltage takes 2 (RT/F) (1 - t+) TDF ln of the ratio of the concentrations at the two faces.
    """
    number, factor, diffusivity, nominal, thickness = 0.4, 1.3, 1e-11, 900.0, 20 * UM
    active = host(potential=straight(3.8, 0.5), as_made=0.5, diffusivity=1e-10, exchange=50.0)
    given = cell(
        active,
        electrolyte=salted(0.1, number=number, salt=nominal, diffusivity=diffusivity, factor=factor),
        membrane_thickness=thickness,
        lithium_exchange=1e3,
    )
    e = solver(layers((SE, 1), (AM, 12)), given)
    state = march(e, lambda _: current, 10.0, 20)
    planes, total = salt_of(e, state)
    assert total == pytest.approx(1.0, rel=CONSERVED)
    lengths = e.domain.lengths[1 : e.domain.membrane_planes + 1]
    middle = np.cumsum(lengths) - 0.5 * lengths
    slope = (1.0 - number) * current / (FARADAY * diffusivity * nominal)
    np.testing.assert_allclose(np.diff(planes) / np.diff(middle), slope, rtol=1e-3)
    assert planes[0] < 1.0 < planes[-1] if current > 0.0 else planes[-1] < 1.0 < planes[0]
    half = 0.5 * slope * (thickness + UM)
    expected = 2.0 * THERMAL * (1.0 - number) * factor * math.log((1.0 + half) / (1.0 - half))
    assert state.parts[5] == pytest.approx(expected, rel=0.005)
    assert abs(expected) > 4e-3
    # the conductivity goes with the concentration: the mean of 1/c along a straight line
    inverse = math.log((1.0 + half) / (1.0 - half)) / (2.0 * half)
    assert abs(inverse - 1.0) > 2e-4
    assert state.parts[0] + state.parts[1] == pytest.approx(current * (thickness + UM) * inverse / 0.1, rel=2e-4)


def test_salt_of_one_ion_is_the_single_ion_conductor() -> None:
    """The salt acts on the voltage with (1 - t+)^2: once on its own profile, once through it."""

    def plate(solid: Any) -> float:
        given = cell(electrolyte=solid, membrane_thickness=20 * UM)
        return march(solver(columns(6), given), lambda _: 5.0, 10.0, 20).plate

    single = plate(electrolyte(0.1))
    off = {number: plate(salted(0.1, number=number)) - single for number in (0.6, 0.9, 0.999)}
    assert off[0.6] > 5e-4
    assert off[0.9] == pytest.approx(off[0.6] / 16, rel=0.15)
    assert abs(off[0.999]) < 1e-6


def test_salt_runs_out_above_the_limiting_current(design: ss.Design) -> None:
    """Sand's time: sqrt(t) = F c sqrt(pi D)/(2 (1 - t+) i), as long as t is short against L^2/D."""
    number, diffusivity, current = 0.5, 1e-12, 60.0
    given = cell(
        host(exchange=50.0, diffusivity=1e-12),
        electrolyte=salted(number=number, diffusivity=diffusivity),
        membrane_thickness=20 * UM,
        lithium_exchange=1e3,
    )
    made = layers((SE, 2), (AM, 40), edge=0.25 * UM)
    sand = math.pi * diffusivity * (FARADAY * 1000.0 / (2.0 * (1.0 - number) * current)) ** 2
    run = simulate(made, design, parameters=given, protocol=protocol(charge("6 mA/cm^2", time="100 s")), accuracy=3.0)
    assert run.outcome is Outcome.DEPLETED
    assert "salt depleted" in run.end_reason
    assert "limiting current is below 6 mA/cm^2" in run.end_reason
    assert not run.is_complete
    assert sand < run.time[-1] < 1.25 * sand
    assert run.balance["lithium"] < CONSERVED
    lower = simulate(
        made, design, parameters=given, protocol=protocol(charge("0.5 mA/cm^2", time="100 s")), accuracy=3.0
    )
    assert lower.is_complete


# symmetries


@pytest.mark.parametrize(
    ("given", "periodic"),
    [
        (cell(), BOTH),
        (cell(electrolyte=salted(), ideal_electronics=True), BOTH),
        (cell(electrolyte=salted()), (False, False, True)),
        (cell(interface_resistance=1e-2), CLOSED),
    ],
    ids=["periodic", "salt, ideal", "mixed, salt", "closed, resistance"],
)
def test_order_of_the_voxels_does_not_matter(given: CellParameters, periodic: tuple[bool, bool, bool]) -> None:
    """Swapped axes, mirrored and shifted images of odd counts and oblong voxels: the same voltages and contents."""
    made = mixed(1, (5, 5, 4), periodic=periodic, voxel=(0.9 * UM, 1.2 * UM, 0.7 * UM))
    moves: dict[str, tuple[Callable[[NDArray[Any]], NDArray[Any]], Callable[[NDArray[Any]], NDArray[Any]]]] = {
        "swapped": (lambda a: a.swapaxes(1, 2), lambda a: a.swapaxes(1, 2)),
        "mirrored along y": (lambda a: a[:, ::-1], lambda a: a[:, ::-1]),
        "mirrored along z": (lambda a: a[:, :, ::-1], lambda a: a[:, :, ::-1]),
    }
    if periodic[1]:
        moves["shifted along y"] = lambda a: np.roll(a, 1, 1), lambda a: np.roll(a, -1, 1)
    if periodic[2]:
        moves["shifted along z"] = lambda a: np.roll(a, 3, 2), lambda a: np.roll(a, -3, 2)

    def result(one: Structure) -> tuple[float, Floats]:
        e = solver(one, given)
        state = march(e, lambda _: 4.0, 30.0, 4, tolerance=1e-6)
        return state.plate, state.content[e.domain.composite]

    plate, content = result(made)
    assert np.ptp(content[made.labels == AM]) > 1e-3
    for words, (move, back) in moves.items():
        voxel, wraps = made.voxel, made.periodic
        if words == "swapped":
            voxel, wraps = (voxel[0], voxel[2], voxel[1]), (wraps[0], wraps[2], wraps[1])
        moved_plate, moved = result(structure(move(made.labels), voxel, wraps))
        assert moved_plate == pytest.approx(plate, abs=SAME), words
        np.testing.assert_allclose(back(moved), content, atol=SAME, err_msg=words)


def test_more_of_the_same_beside_it_changes_nothing() -> None:
    """Twice the period has the same voltage; a closed image is half of a periodic one with its mirror image."""
    given = cell(electrolyte=salted())
    made = mixed(2, (5, 3, 4), shares=(0, 0.5, 0.4, 0.1, 0))
    closed = made.changed(periodic=CLOSED)
    mirrored = structure(np.concatenate([made.labels, made.labels[:, ::-1]], axis=1), periodic=(False, True, False))

    def plate(one: Structure) -> float:
        return march(solver(one, given), lambda _: 4.0, 30.0, 4, tolerance=1e-6).plate

    doubled = structure(np.concatenate([made.labels] * 2, axis=2))
    assert plate(doubled) == pytest.approx(plate(made), abs=SAME)
    # the areas of the faces near a closed side are the only thing that knows of it
    domain = prepare(closed, given)
    whole = prepare(mirrored, given)
    for area, one in zip(whole.areas, domain.areas, strict=True):
        area[:, 1:4] = one[:, 1:4]
        area[:, 4:7] = area[:, 3:0:-1]
        area[:, 0], area[:, 7] = area[:, 6], area[:, 1]
    y = whole.areas[1]
    y[:, 0] = y[:, 3] = y[:, 6] = 0.0
    y[:, 4], y[:, 5] = y[:, 2].copy(), y[:, 1].copy()
    once_more = march(equations(whole, given), lambda _: 4.0, 30.0, 4, tolerance=1e-6).plate
    assert once_more == pytest.approx(plate(closed), abs=SAME)


def test_charge_and_discharge_of_a_symmetric_host_are_mirror_images() -> None:
    """Potential, kinetics and start that are symmetric about x = 1/2: the overpotential changes its sign only."""
    given = cell(host(potential=straight(3.8, 1.0), as_made=0.5, diffusivity=1e-14))
    made = mixed(3, (5, 4, 3), shares=(0, 0.5, 0.4, 0.1, 0))
    up = march(solver(made, given), lambda _: 5.0, 30.0, 5, tolerance=1e-6)
    down = march(solver(made, given), lambda _: -5.0, 30.0, 5, tolerance=1e-6)
    assert up.plate - 3.8 > 0.01
    assert up.plate - 3.8 == pytest.approx(3.8 - down.plate, abs=SAME)
    assert CA in made.labels
