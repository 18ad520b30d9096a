r"""Impedance of a structure: the equations of charge and discharge, linearised about equilibrium.

A small current of angular frequency :math:`\omega` turns the storage of every voxel over the time step into
:math:`i\omega` times it. One linear solution for each frequency.

Reacting faces are described in `reacting_faces`, the closed form of a homogeneous medium in `transmission_line`.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...design import Design
from ...errors import SolverError, StructureError
from ...files import write_atomic
from ...kernels.electrochemistry import cpu as coupled_cpu
from ...kernels.electrochemistry.multigrid import CoupledSolver
from ...kinetics import CellParameters, cell_parameters
from ...progress import Listener, Teller
from ...units import Kind, Unit
from ..effective import Effective
from ..memory import require_memory
from ..structure.voxels import Structure
from .conditions import design_of
from .domain import prepare
from .equations import Equations
from .reacting_faces import Complex, Floats, reacting_faces
from .transmission_line import transmission_line

CAPACITANCE = Kind("capacitance per area", "F/m^2", Unit("uF/cm^2", 1e-2, "uF_cm2", "µF cm⁻²"), "10 uF/cm^2")
"""Of a double layer."""

FREQUENCIES = (1e-3, 1e3)
"""Hz, usual ends of a spectrum."""
LEAST, MOST = 1e-7, 1e9
"""Hz, allowed."""
TOLERANCE = 1e-4
"""Of a solution in single precision."""
ACCURACY, ACCURACY_REAL = 1e-4, 1e-3
"""Last change of the impedance and of its real part, relative."""
MOST_ROUNDS = 8
MOST_DOUBLE_LAYER = 10.0
"""F/m2; a larger one is not a double layer, and no longer small compared with the lithium of a voxel."""
BYTES_PER_VOXEL = 400.0


@dataclass(frozen=True)
class Impedance:
    """Spectrum of a cell against lithium.

    Attributes
    ----------
    frequency : array, shape (n,)
        Hz.
    z : array of complex, shape (n,)
        Impedance times area, ohm m2.
    stoichiometry : float
        Of the active material; of several, the mean by sites.
    voltage : float
        In equilibrium there, V.
    temperature : float
        K.
    double_layer : float
        Capacitance per area of the interfaces of the active material, F/m2.
    iterations : tuple of int
        Of the linear solver, by frequency.
    transmission_line : array of complex, shape (n,), or None
        Of a homogeneous medium, if one was given; ohm m2.
    """

    frequency: Floats
    z: Complex
    stoichiometry: float
    voltage: float
    temperature: float
    double_layer: float
    iterations: tuple[int, ...]
    transmission_line: Complex | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data with units in the keys."""
        data = {
            "frequency_Hz": self.frequency.tolist(),
            **_columns(self.z),
            "stoichiometry": self.stoichiometry,
            "voltage_V": self.voltage,
            "temperature_degC": self.temperature - 273.15,
            "double_layer_uF_cm2": self.double_layer / CAPACITANCE.shown.factor,
            "iterations": list(self.iterations),
        }
        return (
            data if self.transmission_line is None else data | {"transmission_line": _columns(self.transmission_line)}
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the spectrum as CSV, with that of the transmission line where there is one."""
        columns = {"frequency_Hz": self.frequency.tolist(), **_columns(self.z)}
        if self.transmission_line is not None:
            columns |= {f"transmission_line_{key}": values for key, values in _columns(self.transmission_line).items()}
        rows = [",".join(f"{value:.9g}" for value in row) for row in zip(*columns.values(), strict=True)]
        return write_atomic(path, "\n".join([",".join(columns), *rows, ""]))


def _columns(z: Complex) -> dict[str, list[float]]:
    return {"re_ohm_cm2": (1e4 * z.real).tolist(), "im_ohm_cm2": (1e4 * z.imag).tolist()}


def impedance(
    structure: Structure,
    design: Design | None = None,
    *,
    parameters: CellParameters | None = None,
    stoichiometry: float | None = None,
    voltage: float | None = None,
    frequencies: Sequence[float] | Floats | None = None,
    double_layer: float = 0.0,
    effective: Effective | None = None,
    progress: Listener | None = None,
) -> Impedance:
    """Impedance of a structure with membrane and lithium, in equilibrium, on the CPU.

    Parameters
    ----------
    structure : Structure
    design : Design, optional
        Default: the one that the structure was built from.
    parameters : CellParameters, optional
        Default: those of the design.
    stoichiometry : float, optional
        Of the active material; or
    voltage : float, optional
        In equilibrium, V; of several active materials each then has its own stoichiometry. Default: the
        stoichiometry 1/2.
    frequencies : array, optional
        Hz, 1e-7 to 1e9; default: four a decade from 1 mHz to 1 kHz.
    double_layer : float
        Capacitance per area of the interfaces of the active material, F/m2, 0 (none) to 10.
    effective : Effective, optional
        A medium whose `transmission_line` is put next to the spectrum.
    progress : callable, optional
        Callback; what is done is the number of frequencies.

    Raises
    ------
    StructureError
        All active material is inactive; frequencies, a state or a double layer out of bounds.
    SolverError
        A frequency could not be solved.
    """
    if design is None:
        design = design_of(structure)
    parameters = cell_parameters(design) if parameters is None else parameters
    temperature = parameters.temperature
    states = _states(parameters, stoichiometry, voltage)
    f = _frequencies(frequencies)
    if not 0.0 <= double_layer <= MOST_DOUBLE_LAYER:
        msg = f"double_layer: {double_layer:g} F/m2 must be between 0 (none) and {MOST_DOUBLE_LAYER:g} F/m2"
        raise StructureError(msg)
    require_memory(BYTES_PER_VOXEL, structure.shape, "Impedance")
    domain = prepare(structure, parameters)
    equations = Equations(domain, parameters, coupled_cpu, temperature)
    names = [name for name in structure.with_role("active-material") if name in domain.materials]
    equations.start({name: states[equations.material(name).name] for name in names})
    contents = equations.contents()[0]
    if not contents:
        words = " and ".join(reason for reason, share in domain.reasons.items() if share > 0.0)
        msg = f"the electrode takes up no current: its active material has {words}"
        raise StructureError(msg)
    x = equations.charge(contents) / equations.charge(dict.fromkeys(contents, 1.0))
    equations.assemble((1.0, -1.0, 0.0))
    z, iterations = _spectrum(equations, f, double_layer, progress)
    line = None if effective is None else transmission_line(effective, parameters, f, x, double_layer=double_layer)
    return Impedance(f, z, x, equations.plate, temperature, double_layer, iterations, line)


def _spectrum(
    equations: Equations, frequencies: Floats, double_layer: float, progress: Listener | None
) -> tuple[Complex, tuple[int, ...]]:
    """Impedance about the assembled state, ohm m2, and the iterations, by frequency."""
    own = equations.solver
    solver = CoupledSolver(
        equations.kind, equations.geometry, equations.loops, ideal=equations.ideal, planes=own.planes,
        clusters=own.clusters, chain=equations.domain.chain(equations.scale), dtype=np.complex64,
    )  # fmt: skip
    solver.e, solver.im = own.e, own.im
    solver.cx, solver.cy, solver.cz = (c.astype(np.complex64) for c in (own.cx, own.cy, own.cz))
    faces = reacting_faces(equations, double_layer)
    unit = equations.domain.area / equations.scale
    tell = Teller(progress, of=frequencies.size)
    z, counts = [], []
    for number, frequency in enumerate(frequencies):
        tell(number, f"{frequency:.3g} Hz")
        omega = 2.0 * math.pi * frequency
        for conductance, along in zip((solver.cx, solver.cy, solver.cz), faces, strict=True):
            conductance[along.place] = along.conductance(omega)
        storage = equations.host_storage * (1j * omega)
        solver.prepare(storage, floating=True)
        value, iterations = _solve(solver, storage, unit)
        if value is None:
            msg = f"{frequency:g} Hz could not be solved in {iterations} iterations; leave it out"
            raise SolverError(msg)
        z.append(value)
        counts.append(iterations)
    return np.array(z), tuple(counts)


def _states(parameters: CellParameters, stoichiometry: float | None, voltage: float | None) -> dict[str, float]:
    """Stoichiometry in equilibrium of each active material."""
    if stoichiometry is not None and voltage is not None:
        msg = "stoichiometry and voltage both set the state; give one of them"
        raise StructureError(msg)
    states = {}
    for material in parameters.active.values():
        low, high = material.stoichiometry_range
        if voltage is not None:
            most, least = (float(material.open_circuit_potential(x, parameters.temperature)) for x in (low, high))
            if not least <= voltage <= most:
                bounds = f"between {least:.4g} and {most:.4g} V, the potential of {material.name}"
                msg = f"voltage: {voltage:g} V must be {bounds}"
                raise StructureError(msg)
            states[material.name] = material.stoichiometry(voltage, parameters.temperature)
            continue
        if len(parameters.active) > 1:
            msg = (
                f"{' and '.join(parameters.active)} are not in equilibrium at the same stoichiometry; give the voltage"
            )
            raise StructureError(msg)
        x = 0.5 if stoichiometry is None else float(stoichiometry)
        if not low <= x <= high:
            msg = f"stoichiometry: {x:g} must be between {low:.4g} and {high:.4g}, where the potential is known"
            raise StructureError(msg)
        states[material.name] = x
    return states


def _frequencies(frequencies: Sequence[float] | Floats | None) -> Floats:
    if frequencies is None:
        frequencies = np.geomspace(*FREQUENCIES, 25)
    f = np.asarray(frequencies, float).ravel()
    if not (f.size and np.isfinite(f).all() and f.min() >= LEAST and f.max() <= MOST):
        msg = f"frequencies: expected numbers between {LEAST:g} and {MOST:g} Hz"
        raise StructureError(msg)
    return f


def _solve(solver: CoupledSolver, storage: Complex, unit: float) -> tuple[complex | None, int]:
    """Potential of the collector at a unit current: solutions in single precision, residuals in double.

    Without the second, the real part would drown in the rounding of the imaginary one at low frequency.
    """
    loops, shape = solver.loops, solver.shape
    xv, xw, av, aw = (loops.zeros(solver.count, np.complex128) for _ in range(4))
    stored = loops.put(storage)
    exact = tuple(loops.put(part) for part in (solver.geometry.gx, solver.geometry.gy, solver.geometry.gz))
    volume = loops.put(solver.geometry.volume)
    loops.fill(solver.rv, 0.0)
    loops.fill(solver.rw, 0.0)
    left, plate, iterations = complex(unit), 0j, 0
    offset = solver.ru = np.zeros_like(solver.ru)
    for _ in range(MOST_ROUNDS):
        outcome = solver.solve(left, TOLERANCE, 200)
        iterations += outcome.iterations
        if not np.isfinite(outcome.residual):
            break
        loops.add(xv, solver.dv)
        loops.add(xw, solver.dw)
        step = complex(solver.plate)
        plate += step
        offset = offset + solver.du
        if abs(step) <= ACCURACY * abs(plate) and abs(step.real) <= ACCURACY_REAL * abs(plate.real):
            return plate, iterations
        loops.set_lithium(xv, -plate, shape)
        loops.wrap(xv, shape, *solver.wraps)
        loops.wrap(xw, shape, *solver.wraps)
        loops.matvec(
            solver.kind, solver.cx, solver.cy, solver.cz, solver.e, solver.im, stored, xv, xw, plate, av, aw,
            solver.sums, solver.ideal, *exact, volume, shape,
        )  # fmt: skip
        planes = np.asarray(loops.get(solver.sums)).reshape(-1, 2)
        row = complex(planes[1:-1, 1].sum())
        if solver.chain is not None:
            solver.ru = -(solver.rows(planes) + solver.chain.product(offset))
        loops.fill(solver.rv, 0.0)
        loops.fill(solver.rw, 0.0)
        loops.subtract(solver.rv, av)
        loops.subtract(solver.rw, aw)
        left = unit - row
    return None, iterations
