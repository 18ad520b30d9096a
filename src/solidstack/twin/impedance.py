r"""Impedance of a structure: the equations of charge and discharge, linearised about equilibrium.

A small current of angular frequency :math:`\omega` turns the storage of every voxel over the time step into
:math:`i\omega` times it; conductances of bulk and interfaces stay real. One linear solution for each frequency.
There is no double layer: its arc, at frequencies above that of the charge transfer, is missing.
"""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..constants import FARADAY, GAS
from ..design import Design
from ..errors import SolverError, StructureError
from ..files import write_atomic
from ..kernels.coupled_multigrid import CoupledSolver
from .discharge import design_of, loops_for
from .domain import prepare
from .effective import Effective, only_active
from .equations import Equations
from .memory import require_memory
from .parameters import CellParameters
from .parameters import parameters as collect
from .voxels import Structure

Complex = NDArray[np.complex128]

FREQUENCIES = (1e-3, 1e3)
"""Hz, usual ends of a spectrum."""
LEAST, MOST = 1e-7, 1e9
"""Hz, allowed."""
TOLERANCE = 1e-4
"""Of a solution in single precision."""
ACCURACY, ACCURACY_REAL = 1e-4, 1e-3
"""Last change of the impedance and of its real part, relative."""
MOST_ROUNDS = 8
BYTES_PER_VOXEL = 330.0


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
        Of the active material.
    voltage : float
        In equilibrium there, V.
    temperature : float
        K.
    iterations : tuple of int
        Of the linear solver, by frequency.
    """

    frequency: NDArray[np.float64]
    z: Complex
    stoichiometry: float
    voltage: float
    temperature: float
    iterations: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain data with units in the keys."""
        return {
            "frequency_Hz": self.frequency.tolist(),
            "re_ohm_cm2": (1e4 * self.z.real).tolist(),
            "im_ohm_cm2": (1e4 * self.z.imag).tolist(),
            "stoichiometry": self.stoichiometry,
            "voltage_V": self.voltage,
            "temperature_degC": self.temperature - 273.15,
            "iterations": list(self.iterations),
        }

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the spectrum as CSV."""
        rows = zip(self.frequency, 1e4 * self.z.real, 1e4 * self.z.imag, strict=True)
        lines = [f"{f:.9g},{re:.9g},{im:.9g}" for f, re, im in rows]
        return write_atomic(path, "\n".join(["frequency_Hz,re_ohm_cm2,im_ohm_cm2", *lines, ""]))


def impedance(
    structure: Structure,
    design: Design | None = None,
    *,
    parameters: CellParameters | None = None,
    stoichiometry: float | None = None,
    voltage: float | None = None,
    frequencies: Sequence[float] | NDArray[np.float64] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Impedance:
    """Impedance of a structure with membrane and lithium, in equilibrium.

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
        In equilibrium, V. Default: the stoichiometry 1/2.
    frequencies : array, optional
        Hz, 1e-7 to 1e9; default: four a decade from 1 mHz to 1 kHz.
    progress : callable, optional
        See `solidstack.twin.discharge`.

    Raises
    ------
    StructureError
        Nothing takes part; frequencies or a state out of bounds.
    SolverError
        A frequency could not be solved.
    """
    if design is None:
        design = design_of(structure)
    given = collect(design) if parameters is None else parameters
    material = only_active(given)
    at = given.temperature
    if stoichiometry is not None and voltage is not None:
        msg = "stoichiometry and voltage both say the state; give one of them"
        raise StructureError(msg)
    if voltage is not None:
        stoichiometry = material.stoichiometry(voltage, at)
    x = 0.5 if stoichiometry is None else float(stoichiometry)
    low, high = material.stoichiometry_range
    if not low <= x <= high:
        msg = f"stoichiometry: {x:g} is out of bounds: {low:.4g} to {high:.4g}, where the potential is known"
        raise StructureError(msg)
    if frequencies is None:
        frequencies = np.geomspace(*FREQUENCIES, 25)
    f = np.asarray(frequencies, float).ravel()
    if not (f.size and np.isfinite(f).all() and f.min() >= LEAST and f.max() <= MOST):
        msg = f"frequencies: out of bounds; wanted are numbers from {LEAST:g} to {MOST:g} Hz"
        raise StructureError(msg)
    require_memory(BYTES_PER_VOXEL, structure.shape, "Impedance")
    loops, _ = loops_for("cpu")
    domain = prepare(structure, given)
    equations = Equations(domain, given, loops, at)
    names = [name for name in structure.with_role("active-material") if name in domain.materials]
    equations.start(dict.fromkeys(names, x))
    if not equations.contents()[0]:
        words = " and ".join(reason for reason, share in domain.reasons.items() if share > 0.0)
        msg = f"the electrode takes up no current: its active material has {words}"
        raise StructureError(msg)
    equations.assemble((1.0, -1.0, 0.0))
    own = equations.solver
    solver = CoupledSolver(
        equations.kind, equations.geometry, loops, ideal=equations.ideal, planes=own.planes, clusters=own.clusters,
        dtype=np.complex64,
    )  # fmt: skip
    solver.cx, solver.cy, solver.cz, solver.e, solver.im = own.cx, own.cy, own.cz, own.e, own.im
    unit = domain.area / equations.scale
    found, counts = [], []
    for number, frequency in enumerate(f):
        if progress is not None:
            progress(f"{frequency:.3g} Hz", number / f.size)
        solver.prepare(equations.host_storage * (2j * math.pi * frequency), floating=True)
        value, iterations = _solve(solver, equations.host_storage * (2j * math.pi * frequency), unit)
        if value is None:
            msg = f"{frequency:g} Hz could not be solved in {iterations} iterations; leave it out"
            raise SolverError(msg)
        found.append(value)
        counts.append(iterations)
    return Impedance(f, np.array(found), x, equations.plate, at, tuple(counts))


def _solve(solver: CoupledSolver, storage: Complex, unit: float) -> tuple[complex | None, int]:
    """Potential of the collector at a unit current: solutions in single precision, what is left over in double.

    Without the second, the real part would drown in the rounding of the imaginary one at low frequency.
    """
    loops, shape = solver.loops, solver.shape
    xv, xw, av, aw = (loops.zeros(solver.count, np.complex128) for _ in range(4))
    held = loops.put(storage)
    exact = tuple(loops.put(part) for part in (solver.geometry.gx, solver.geometry.gy, solver.geometry.gz))
    volume = loops.put(solver.geometry.volume)
    loops.fill(solver.rv, 0.0)
    loops.fill(solver.rw, 0.0)
    left, plate, iterations = complex(unit), 0j, 0
    for _ in range(MOST_ROUNDS):
        outcome = solver.solve(left, TOLERANCE, 200)
        iterations += outcome.iterations
        if not np.isfinite(outcome.residual):
            break
        loops.add(xv, solver.dv)
        loops.add(xw, solver.dw)
        step = complex(solver.plate)
        plate += step
        if abs(step) <= ACCURACY * abs(plate) and abs(step.real) <= ACCURACY_REAL * abs(plate.real):
            return plate, iterations
        loops.set_lithium(xv, -plate, shape)
        loops.wrap(xv, shape, *solver.wraps)
        loops.wrap(xw, shape, *solver.wraps)
        loops.matvec(
            solver.kind, solver.cx, solver.cy, solver.cz, solver.e, solver.im, held, xv, xw, plate, av, aw, solver.sums,
            solver.ideal, *exact, volume, shape,
        )  # fmt: skip
        row = complex(np.asarray(loops.get(solver.sums)).reshape(-1, 2)[1:-1, 1].sum())
        loops.fill(solver.rv, 0.0)
        loops.fill(solver.rw, 0.0)
        loops.subtract(solver.rv, av)
        loops.subtract(solver.rw, aw)
        left = unit - row
    return None, iterations


def transmission_line(
    effective: Effective, parameters: CellParameters, frequencies: NDArray[np.float64], stoichiometry: float
) -> Complex:
    r"""Closed form of the same cell as a homogeneous medium with spheres, single-ion, ohm m2.

    .. math::

        Z = \frac{R_i R_e}{R_i + R_e} \left(1 + \frac{2}{\nu \sinh \nu}\right)
            + \frac{R_i^2 + R_e^2}{R_i + R_e} \frac{\coth \nu}{\nu} + Z_{rest}, \quad
        \nu = \sqrt{(R_i + R_e) / Z_s}

    with the ionic and electronic resistance of the electrode, the impedance of its interface (charge transfer, contact,
    and diffusion into spheres), and membrane and lithium in series. With salt, its diffusion is missing.

    Parameters
    ----------
    effective : Effective
        The electrode as a medium.
    parameters : CellParameters
    frequencies : array, shape (n,)
        Hz.
    stoichiometry : float
        Of the active material.
    """
    material, at, x = only_active(parameters), parameters.temperature, stoichiometry
    omega = 2.0 * math.pi * np.asarray(frequencies, float)
    step = 1e-4
    ends = np.clip([x - step, x + step], *material.stoichiometry_range)
    low, high = np.asarray(material.open_circuit_potential(ends, at))
    slope = float((low - high) / (ends[1] - ends[0]))
    a = material.transfer_coefficient
    exchange = 2.0 * material.exchange_current_density(at) * x**a * (1.0 - x) ** (1.0 - a)
    transfer = GAS * at / (FARADAY * exchange) + parameters.interface_resistance
    diffusivity = float(np.asarray(material.diffusivity(np.array([x]), at))[0])
    radius = effective.radius
    s = radius * np.sqrt(1j * omega / diffusivity)
    # s coth s - 1 without overflow
    shape = s * (1.0 + np.exp(-2.0 * s)) / (1.0 - np.exp(-2.0 * s)) - 1.0
    diffusion = slope * radius / (FARADAY * material.site_concentration * diffusivity) / shape
    interface = (transfer + diffusion) / (effective.specific_interface * effective.thickness)
    ionic = effective.thickness / effective.ionic_conductivity
    own = 0.0
    if not parameters.ideal_electronics and effective.electronic_share:
        own = effective.electronic_share * float(np.asarray(material.electronic_conductivity(np.array([x]), at))[0])
    electronic = effective.thickness / (effective.electronic_conductivity + own)
    total = ionic + electronic
    nu = np.sqrt(total / interface)
    coth = (1.0 + np.exp(-2.0 * nu)) / (1.0 - np.exp(-2.0 * nu))
    inverse_sinh = 2.0 * np.exp(-nu) / (1.0 - np.exp(-2.0 * nu))
    electrode = ionic * electronic / total * (1.0 + 2.0 * inverse_sinh / nu)
    electrode = electrode + (ionic**2 + electronic**2) / total * coth / nu
    rest = parameters.membrane_thickness / parameters.membrane.conductivity(at) + parameters.lithium_resistance
    rest += GAS * at / (FARADAY * parameters.lithium.exchange_current_density(at))
    return np.asarray(electrode + rest)
