"""The network of charge and discharge: one operator on every level, symmetric; CUDA, simulated, against the CPU."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from solidstack.kernels.electrochemistry import cpu as coupled_cpu
from solidstack.kernels.electrochemistry import multigrid as coupled_multigrid
from solidstack.kernels.electrochemistry.voxel import ELECTRONIC, STORES
from solidstack.twin.electrochemistry.domain import prepare, wrap
from solidstack.twin.electrochemistry.equations import Equations
from tests.cells import TEMPERATURE, UM, cell, electrolyte, host, mixed, salted

ROOT = Path(__file__).parents[3]
OBLONG = (1.0 * UM, 1.3 * UM, 0.8 * UM)
RATE = (1.0, -1.0, 0.0)
"""Of a first time step of 1 s."""
SINGLE = 2e-6
"""Of sums of some hundred terms in float32, relative to their size."""

Floats = NDArray[np.float64]
Vector = tuple[Floats, Floats, float]
"""Change of the potential, of the content's part of y, of the collector's potential."""

CASES = pytest.mark.parametrize(
    ("ideal", "salt", "shape", "periodic"),
    [
        (False, True, (5, 4, 3), (False, True, True)),
        (False, False, (4, 3, 5), (False, False, True)),
        (True, True, (4, 5, 3), (False, True, False)),
        (True, False, (6, 3, 3), (False, True, True)),
    ],
)
"""Odd counts across a wrap put two voxels of one colour beside each other."""


def solved(ideal: bool, salt: bool, shape: tuple[int, int, int], periodic: tuple[bool, bool, bool]) -> Equations:
    """A random structure while it is charged: coefficients differ from voxel to voxel, and none is negligible."""
    solid = salted() if salt else electrolyte()
    parameters = cell(
        host(exchange=2000.0, diffusivity=1e-11, electronic=0.3), electrolyte=solid, ideal_electronics=ideal,
        membrane_thickness=3 * UM, additive_conductivity={"CA": 1.0}, lithium_exchange=1000.0,
    )  # fmt: skip
    equations = Equations(
        prepare(mixed(3, shape, voxel=OBLONG, periodic=periodic), parameters), parameters, coupled_cpu, TEMPERATURE
    )
    equations.start({"AM": 0.6})
    equations.accept()
    assert equations.solve(RATE, current=2.0, least_current=0.1).converged
    equations.assemble(RATE)
    equations.solver.prepare(equations.host_storage * RATE[0], floating=True)
    return equations


def random(equations: Equations, seed: int, *, residual: bool = False) -> Vector:
    """A vector of all unknowns, or of a residual, in padded arrays."""
    kind = equations.domain.kind
    generator = np.random.default_rng(seed)
    v, w = generator.normal(size=(2, *kind.shape)).astype(np.float32).astype(float)
    plate = float(np.float32(generator.normal()))
    v[(kind == 0) | (equations.ideal & (kind & ELECTRONIC > 0))] = 0.0
    w[kind & STORES == 0] = 0.0
    v[0] = 0.0 if residual else -plate  # the lithium's own potential does not change
    v[-1] = w[0] = w[-1] = 0.0
    for part in (v, w):
        wrap(part, *equations.solver.wraps)
    return v, w, plate


def applied(equations: Equations, vector: Vector) -> Vector:
    """The network times a vector."""
    s = equations.solver
    v, w, plate = vector
    av, aw = np.zeros(v.size, np.float32), np.zeros(v.size, np.float32)
    coupled_cpu.matvec(
        **s.network(), v=v.ravel().astype(np.float32), w=w.ravel().astype(np.float32), plate=np.float32(plate), av=av,
        aw=aw, sums=s.sums, ideal=s.ideal,
    )  # fmt: skip
    row = float(np.real(s.sums.reshape(-1, 2)[1:-1, 1].sum()))
    return av.reshape(v.shape).astype(float), aw.reshape(v.shape).astype(float), row


def preconditioned(equations: Equations, vector: Vector) -> Vector:
    """One V-cycle on a residual."""
    s = equations.solver
    v, w, plate = vector
    s.rv[:], s.rw[:] = v.ravel(), w.ravel()
    potential = float(np.real(s.precondition(plate)))
    return s.zv.reshape(v.shape).astype(float), s.zw.reshape(v.shape).astype(float), potential


def product(first: Vector, second: Vector) -> float:
    inner = (slice(1, -1),) * 3
    return float((first[0] * second[0])[inner].sum() + (first[1] * second[1])[inner].sum() + first[2] * second[2])


@CASES
def test_network_is_symmetric_and_positive(ideal: bool, salt: bool, shape: Any, periodic: Any) -> None:
    """With the collector's potential among the unknowns."""
    equations = solved(ideal, salt, shape, periodic)
    a, b = random(equations, 1), random(equations, 2)
    aa, ab = applied(equations, a), applied(equations, b)
    size = np.sqrt(product(a, aa) * product(b, ab))
    assert size > 0.0
    assert abs(product(a, ab) - product(b, aa)) <= SINGLE * size


@CASES
def test_preconditioner_is_symmetric_and_positive(
    ideal: bool, salt: bool, shape: Any, periodic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Smoothing, planes of the membrane, clusters of additive and coarser levels, which conjugate gradients need."""
    monkeypatch.setattr(coupled_multigrid, "COARSEST", 8)
    equations = solved(ideal, salt, shape, periodic)
    assert len(equations.solver.levels) > 1
    a, b = random(equations, 1, residual=True), random(equations, 2, residual=True)
    za, zb = preconditioned(equations, a), preconditioned(equations, b)
    size = np.sqrt(product(a, za) * product(b, zb))
    assert size > 0.0
    assert abs(product(a, zb) - product(b, za)) <= 10 * SINGLE * size


@CASES
def test_level_of_single_voxels_is_the_network(
    ideal: bool, salt: bool, shape: Any, periodic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The matrix of cells, put together face by face, times a vector; it is inverted, so one iteration solves."""
    monkeypatch.setattr(coupled_multigrid, "COARSEST", 1000)
    equations = solved(ideal, salt, shape, periodic)
    assert equations.solver.levels[0].halved == (0, 0, 0)
    vector = random(equations, 1)
    av, aw, row = applied(equations, vector)
    inner = (slice(1, -1),) * 3
    electronic = (equations.domain.kind & ELECTRONIC > 0)[inner].ravel()

    def unknowns(v: Floats, w: Floats, plate: float) -> Floats:
        cells = np.zeros((electronic.size, 4))
        for first, here in ((0, electronic), (2, ~electronic)):
            cells[here, first], cells[here, first + 1] = v[inner].ravel()[here], w[inner].ravel()[here]
        return np.append(cells.ravel(), plate)

    product_of_cells = equations.solver._dense() @ unknowns(*vector)
    product_of_voxels = unknowns(av, aw, row)
    np.testing.assert_allclose(
        product_of_cells, product_of_voxels, rtol=0.0, atol=SINGLE * float(np.abs(product_of_voxels).max())
    )


@CASES
def test_coarsest_matrix_is_symmetric_and_positive(
    ideal: bool, salt: bool, shape: Any, periodic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coupled_multigrid, "COARSEST", 8)
    equations = solved(ideal, salt, shape, periodic)
    matrix = equations.solver._dense()
    np.testing.assert_allclose(matrix, matrix.T, rtol=0.0, atol=1e-12 * np.abs(matrix).max())
    assert np.linalg.eigvalsh(matrix).min() > 0.0


CODE = """
import json
import numpy as np
from solidstack.kernels.electrochemistry import cpu as coupled_cpu, cuda as coupled_cuda, multigrid as coupled_multigrid
from solidstack.twin.electrochemistry.domain import prepare
from solidstack.kinetics import Percolation
from solidstack.twin.electrochemistry.equations import Equations
from tests.cells import TEMPERATURE, UM, cell, electrolyte, mixed, salted

coupled_multigrid.COARSEST = 8
parameters = cell(
    electrolyte=ELECTROLYTE, ideal_electronics=IDEAL, membrane_thickness=2 * UM, interface_resistance=1e-4
)
made = mixed(3, (3, 2, 3), voxel=(UM, 1.3 * UM, 0.8 * UM), periodic=(False, True, False))
domain = prepare(made, parameters)
left = np.random.default_rng(4).normal(size=(2, domain.kind.size)).astype(np.float32)
results_by_device = {}
for loops in (coupled_cpu, coupled_cuda):
    equations = Equations(domain, parameters, loops, TEMPERATURE)
    equations.start({"AM": 0.6})
    equations.accept()

    def host(array):
        return np.asarray(loops.get(array))

    def cycle(solver, unit):
        'A V-cycle and a product, on the same residual.'
        loops.assign(solver.rv, (left[0] * unit).astype(solver.dtype))
        loops.assign(solver.rw, (left[1] * unit * (domain.kind.ravel() & 2 > 0)).astype(solver.dtype))
        plate = solver.precondition(0.3 * unit)
        inner = np.zeros(domain.shape, bool)
        inner[1:-1, 1:-1, 1:-1] = domain.kind[1:-1, 1:-1, 1:-1] > 0
        z = [host(part)[inner.ravel()] for part in (solver.zv, solver.zw)]
        loops.matvec(
            **solver.network(), v=solver.zv, w=solver.zw, plate=solver.dtype(plate), av=solver.pv, aw=solver.pw,
            sums=solver.sums, ideal=solver.ideal,
        )
        sums = host(solver.sums).reshape(-1, 2)[1:-1].sum(axis=0)
        parts = {"potential of a cycle": z[0], "content of a cycle": z[1], "plate of a cycle": np.array([plate]),
                 "energy": sums[:1], "row": sums[1:]}
        return {name: [*part.real.tolist(), *part.imag.tolist()] for name, part in parts.items()}

    results = {}
    if COMPLEX:
        equations.assemble((1.0, -1.0, 0.0))
        solver = coupled_multigrid.CoupledSolver(
            equations.kind, equations.geometry, loops, ideal=equations.ideal, planes=equations.solver.planes,
            clusters=equations.solver.clusters, dtype=np.complex64,
        )
        for name in ("cx", "cy", "cz", "e", "im"):
            setattr(solver, name, getattr(equations.solver, name))
        solver.prepare(equations.host_storage * 0.1j, floating=True)
        results |= cycle(solver, 1.0 + 0.5j)
    else:
        assert equations.solve((1.0, -1.0, 0.0), current=2.0, least_current=0.1).converged
        results |= cycle(equations.solver, 1.0)
        results["potential"] = host(equations.phi).tolist()
        results["content"] = (host(equations.x) - host(equations.x1)).tolist()
        results["plate"] = [equations.plate - equations.plate1]
        results["deviation"] = [equations.deviation(0.5)]
        results["losses"] = equations.dissipation().tolist()
        results["network"] = [1.0, *(1e3 * equations.offset).tolist()]
        results["contents"] = [*equations.contents()[0].values(), equations.contents()[1]]
        equations.accept()
        equations.predict(0.5)
        results["predicted"] = [*host(equations.phi).tolist(), *host(equations.x).tolist()]
    results_by_device[loops.__name__.rsplit(".", 1)[-1]] = results
print(json.dumps(results_by_device))
"""
NEAR, NEAR_OF_THE_NETWORK = 1e-5, 1e-3
"""Of the largest value. The network is that of the last but one iterate, which is as near as Newton's method stops."""


@pytest.mark.parametrize(
    ("ideal", "solid", "complexes"),
    [
        ("False", "salted()", False),
        ("True", "electrolyte()", False),
        ("False", "salted()", True),
        ('False, percolation={"CA": Percolation(0.02)}', "salted()", False),
    ],
    ids=["conducting", "ideal", "complex", "network"],
)
def test_simulated_device_agrees_with_the_cpu(ideal: str, solid: str, complexes: bool) -> None:
    """A step of time, a V-cycle, a product, also of complex numbers; what is read off, and the next prediction."""
    code = CODE.replace("IDEAL", ideal).replace("ELECTROLYTE", solid).replace("COMPLEX", str(complexes))
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    for name, values in results["cpu"].items():
        expected = np.array(values)
        near = NEAR_OF_THE_NETWORK if name.endswith(" of a cycle") or name in ("energy", "row") else NEAR
        tolerance = near * float(np.abs(expected).max())
        np.testing.assert_allclose(np.array(results["cuda"][name]), expected, rtol=0.0, atol=tolerance, err_msg=name)
