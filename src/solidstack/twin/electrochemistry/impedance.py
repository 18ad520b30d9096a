r"""Impedance of a structure: the equations of charge and discharge, linearised about equilibrium.

A small current of angular frequency :math:`\omega` turns the storage of every voxel over the time step into
:math:`i\omega` times it. One linear solution for each frequency.

Between the middle of a voxel and its interface lies half a voxel of diffusion, of resistance :math:`R/2`. Where a
period is shorter than diffusion through a voxel takes, the interface sees less of it. What semi-infinite diffusion has
beyond the ladder of voxels that stands for it is known in closed form and takes the place of :math:`R/2`,

.. math::

    z = Z_W + R/2 - \sqrt{Z_W^2 + R^2/4}, \quad Z_W = (i\omega e C)^{-1/2}, \quad R = h/e

with the edge h of the voxel, the mobility e and the storage C per volume. It tends to :math:`R/2` at low and to the
Warburg impedance :math:`Z_W` at high frequency, so that voxels need not resolve diffusion at high frequency.

A double layer, where one is given, is parallel to charge transfer and diffusion; ohmic half voxels and the resistance
of the contact carry its current too. Its charge counts as lithium of the voxel at the interface: that is off by the
ratio of the two capacitances, below 1e-3 for 1 F/m2 and voxels of 0.2 um.
"""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...constants import FARADAY, GAS
from ...design import Design
from ...errors import SolverError, StructureError
from ...files import write_atomic
from ...kernels.electrochemistry import cpu as coupled_cpu
from ...kernels.electrochemistry.multigrid import CoupledSolver
from ...kernels.electrochemistry.voxel import ELECTRONIC, SHIFT, STORES
from ...kinetics import ActiveMaterial, CellParameters, cell_parameters
from ...units import Kind, Unit
from ..domain import prepare
from ..effective import Effective, only_active
from ..memory import require_memory
from ..structure.voxels import Structure
from .conditions import design_of
from .equations import LEAST_SLOPE, Equations

Complex = NDArray[np.complex128]
Floats = NDArray[np.float64]

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
"""F/m2; what is larger is no double layer, and no longer little beside the lithium of a voxel."""
BYTES_PER_VOXEL = 400.0
SMALL = 0.1
"""Argument below which series replace differences that cancel."""


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
        """Give plain data with units in the keys."""
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
    progress: Callable[[str, float], None] | None = None,
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
        A medium whose `transmission_line` is put beside the spectrum.
    progress : callable, optional
        See `solidstack.twin.electrochemistry.cycle`.

    Raises
    ------
    StructureError
        Nothing takes part; frequencies, a state or a double layer out of bounds.
    SolverError
        A frequency could not be solved.
    """
    if design is None:
        design = design_of(structure)
    given = cell_parameters(design) if parameters is None else parameters
    at = given.temperature
    states = _states(given, stoichiometry, voltage)
    f = _frequencies(frequencies)
    if not 0.0 <= double_layer <= MOST_DOUBLE_LAYER:
        msg = f"double_layer: {double_layer:g} F/m2 is out of bounds; wanted is 0 (none) to {MOST_DOUBLE_LAYER:g} F/m2"
        raise StructureError(msg)
    require_memory(BYTES_PER_VOXEL, structure.shape, "Impedance")
    loops = coupled_cpu
    domain = prepare(structure, given)
    equations = Equations(domain, given, loops, at)
    names = [name for name in structure.with_role("active-material") if name in domain.materials]
    equations.start({name: states[equations.material(name).name] for name in names})
    contents = equations.contents()[0]
    if not contents:
        words = " and ".join(reason for reason, share in domain.reasons.items() if share > 0.0)
        msg = f"the electrode takes up no current: its active material has {words}"
        raise StructureError(msg)
    x = equations.charge(contents) / equations.charge(dict.fromkeys(contents, 1.0))
    equations.assemble((1.0, -1.0, 0.0))
    own = equations.solver
    solver = CoupledSolver(
        equations.kind, equations.geometry, loops, ideal=equations.ideal, planes=own.planes, clusters=own.clusters,
        dtype=np.complex64,
    )  # fmt: skip
    solver.e, solver.im = own.e, own.im
    solver.cx, solver.cy, solver.cz = (c.astype(np.complex64) for c in (own.cx, own.cy, own.cz))
    interfaces = _interfaces(equations, double_layer)
    unit = domain.area / equations.scale
    found, counts = [], []
    for number, frequency in enumerate(f):
        if progress is not None:
            progress(f"{frequency:.3g} Hz", number / f.size)
        omega = 2.0 * math.pi * frequency
        for conductance, faces in zip((solver.cx, solver.cy, solver.cz), interfaces, strict=True):
            conductance[faces.place] = faces.conductance(omega)
        storage = equations.host_storage * (1j * omega)
        solver.prepare(storage, floating=True)
        value, iterations = _solve(solver, storage, unit)
        if value is None:
            msg = f"{frequency:g} Hz could not be solved in {iterations} iterations; leave it out"
            raise SolverError(msg)
        found.append(value)
        counts.append(iterations)
    line = None if effective is None else transmission_line(effective, given, f, x, double_layer=double_layer)
    return Impedance(f, np.array(found), x, equations.plate, at, double_layer, tuple(counts), line)


def _states(given: CellParameters, stoichiometry: float | None, voltage: float | None) -> dict[str, float]:
    """Stoichiometry in equilibrium of each active material."""
    if stoichiometry is not None and voltage is not None:
        msg = "stoichiometry and voltage both say the state; give one of them"
        raise StructureError(msg)
    states = {}
    for material in given.active.values():
        low, high = material.stoichiometry_range
        if voltage is not None:
            most, least = (float(material.open_circuit_potential(x, given.temperature)) for x in (low, high))
            if not least <= voltage <= most:
                bounds = f"{least:.4g} to {most:.4g} V, the potential of {material.name}"
                msg = f"voltage: {voltage:g} V is out of bounds: {bounds}"
                raise StructureError(msg)
            states[material.name] = material.stoichiometry(voltage, given.temperature)
            continue
        if len(given.active) > 1:
            msg = f"{' and '.join(given.active)} are not in equilibrium at the same stoichiometry; give the voltage"
            raise StructureError(msg)
        x = 0.5 if stoichiometry is None else float(stoichiometry)
        if not low <= x <= high:
            msg = f"stoichiometry: {x:g} is out of bounds: {low:.4g} to {high:.4g}, where the potential is known"
            raise StructureError(msg)
        states[material.name] = x
    return states


def _frequencies(frequencies: Sequence[float] | Floats | None) -> Floats:
    if frequencies is None:
        frequencies = np.geomspace(*FREQUENCIES, 25)
    f = np.asarray(frequencies, float).ravel()
    if not (f.size and np.isfinite(f).all() and f.min() >= LEAST and f.max() <= MOST):
        msg = f"frequencies: out of bounds; wanted are numbers from {LEAST:g} to {MOST:g} Hz"
        raise StructureError(msg)
    return f


@dataclass(frozen=True)
class _Half:
    """Half a voxel of diffusion: its resistance, and mobility times storage; 0 and 1 where nothing diffuses."""

    resistance: Floats
    product: Floats

    def impedance(self, omega: float) -> Complex:
        """See the formula of the module, without the difference of large numbers."""
        warburg = 1.0 / np.sqrt(1j * omega * self.product)
        squared = self.resistance**2
        return np.asarray(self.resistance - squared / (warburg + np.sqrt(warburg**2 + squared)))


@dataclass(frozen=True)
class _Interfaces:
    """Reacting faces along one axis. Resistances times area, ohm m2.

    Attributes
    ----------
    place : array of int
        Of the voxel before the face.
    area : array
        m2, over the scale of the conductances.
    outer, transfer : arrays
        Outside of the double layer, and at the charge transfer.
    host, salt : _Half
    double_layer : array
        F/m2.
    """

    place: NDArray[np.int64]
    area: Floats
    outer: Floats
    transfer: Floats
    host: _Half
    salt: _Half
    double_layer: Floats

    def conductance(self, omega: float) -> Complex:
        """Of the faces, over the scale."""
        inner = 1.0 / (1.0 / (self.transfer + self.host.impedance(omega)) + 1j * omega * self.double_layer)
        return np.asarray(self.area / (self.outer + self.salt.impedance(omega) + inner))


def _interfaces(equations: Equations, double_layer: float) -> list[_Interfaces]:
    """Take the series of each reacting face apart."""
    solver, domain = equations.solver, equations.domain
    kind, (_, my, mz) = domain.kind.ravel(), domain.shape
    stored = equations.host_storage[kind] * solver.im
    found = []
    for axis, (c, step) in enumerate(zip((solver.cx, solver.cy, solver.cz), (my * mz, mz, 1), strict=True)):
        place = np.flatnonzero(c)
        place = place[(kind[place] ^ kind[place + step]) & ELECTRONIC > 0]
        electronic = kind[place] & ELECTRONIC > 0
        host = np.where(electronic, place, place + step)
        solid = np.where(electronic, place + step, place)

        def half(at: NDArray[np.int64], axis: int = axis) -> _Half:
            length = domain.lengths[at // (my * mz)] if axis == 0 else domain.edges[axis - 1]
            stores, e = kind[at] & STORES > 0, solver.e[at].astype(float)
            resistance = np.divide(0.5 * length, e, out=np.zeros(at.size), where=stores)
            return _Half(resistance, np.where(stores, e * stored[at], 1.0))

        area = domain.areas[axis].ravel()[place].astype(float) / equations.scale
        sides = half(host), half(solid)
        whole = area / c[place] - sides[0].resistance - sides[1].resistance
        lithium = kind[host] >> SHIFT == 0
        exchange = np.where(lithium, 1.0, equations.j0[host])
        transfer = np.where(lithium, whole, 1.0 / (equations.f * exchange))
        outer = np.maximum(whole - transfer, 0.0)
        layer = np.where(lithium, 0.0, double_layer)
        found.append(_Interfaces(place, area, outer, transfer, *sides, layer))
    return found


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


@dataclass(frozen=True)
class Limits:
    """Ends of the spectrum of a homogeneous medium.

    Attributes
    ----------
    high, low : float
        Real part at high frequency, where nothing diffuses and a double layer shorts the charge transfer, and towards
        zero frequency, where it is that of a direct current without change of the state; ohm m2.
    capacitance : float
        At low frequency the imaginary part is -1 over the angular frequency times this, F/m2.
    """

    high: float
    low: float
    capacitance: float


def limits(
    effective: Effective, parameters: CellParameters, stoichiometry: float, *, double_layer: float = 0.0
) -> Limits:
    """Ends of `transmission_line`, which has the parameters."""
    medium = _Medium.of(effective, parameters, stoichiometry)
    fast = medium.contact if double_layer > 0.0 else medium.contact + medium.transfer
    slow = medium.contact + medium.transfer + medium.spread / 5.0
    return Limits(
        float(medium.electrode(np.array([fast], complex))[0].real) + medium.rest,
        slow + (medium.ionic + medium.electronic) / 3.0 + medium.rest,
        3.0 * medium.time / medium.spread + double_layer * medium.interface,
    )


def transmission_line(
    effective: Effective,
    parameters: CellParameters,
    frequencies: Floats,
    stoichiometry: float,
    *,
    double_layer: float = 0.0,
) -> Complex:
    r"""Closed form of the same cell as a homogeneous medium with spheres, single-ion, ohm m2.

    .. math::

        Z = \frac{R_i R_e}{R_i + R_e} \left(1 + \frac{2}{\nu \sinh \nu}\right)
            + \frac{R_i^2 + R_e^2}{R_i + R_e} \frac{\coth \nu}{\nu} + Z_{rest}, \quad
        \nu = \sqrt{(R_i + R_e) / Z_s}

    with the ionic and electronic resistance of the electrode, the impedance of its interface (the resistance of the
    contact, in series with charge transfer and diffusion into spheres, parallel to the double layer), and membrane and
    lithium in series. With salt, its diffusion is missing.

    Parameters
    ----------
    effective : Effective
        The electrode as a medium.
    parameters : CellParameters
    frequencies : array, shape (n,)
        Hz.
    stoichiometry : float
        Of the active material.
    double_layer : float
        F/m2 of interface.
    """
    medium = _Medium.of(effective, parameters, stoichiometry)
    omega = 2.0 * math.pi * np.asarray(frequencies, float)
    diffusion = medium.spread / _langevin(np.sqrt(1j * omega * medium.time))
    layer = 1j * omega * double_layer * medium.interface
    inner: Complex = np.asarray(1.0 / (1.0 / (medium.transfer + diffusion) + layer), complex)
    return np.asarray(medium.electrode(medium.contact + inner) + medium.rest)


@dataclass(frozen=True)
class _Medium:
    """Resistances of a homogeneous electrode, ohm m2 of electrode.

    Attributes
    ----------
    ionic, electronic : float
        Through the electrode.
    contact, transfer, spread : float
        Of the interface: contact, charge transfer, and scale of the diffusion into spheres.
    time : float
        Radius of the spheres squared over the diffusivity, s.
    interface : float
        Per area of electrode.
    rest : float
        Membrane and lithium.
    """

    ionic: float
    electronic: float
    contact: float
    transfer: float
    spread: float
    time: float
    interface: float
    rest: float

    @classmethod
    def of(cls, effective: Effective, parameters: CellParameters, stoichiometry: float) -> "_Medium":
        material, at, x = only_active(parameters), parameters.temperature, stoichiometry
        ends = np.clip([x - 1e-4, x + 1e-4], *material.stoichiometry_range)
        low, high = np.asarray(material.open_circuit_potential(ends, at))
        slope = max(float((low - high) / (ends[1] - ends[0])), LEAST_SLOPE)
        diffusivity = float(np.asarray(material.diffusivity(np.array([x]), at))[0])
        interface = effective.specific_interface * effective.thickness
        own = 0.0
        if not parameters.ideal_electronics and effective.electronic_share:
            own = effective.electronic_share * float(np.asarray(material.electronic_conductivity(np.array([x]), at))[0])
        rest = parameters.membrane_thickness / parameters.membrane.conductivity(at) + parameters.lithium_resistance
        return cls(
            effective.thickness / effective.ionic_conductivity,
            effective.thickness / (effective.electronic_conductivity + own),
            parameters.interface_resistance / interface,
            GAS * at / (FARADAY * _exchange(material, x, at) * interface),
            slope * effective.radius / (FARADAY * material.site_concentration * diffusivity * interface),
            effective.radius**2 / diffusivity,
            interface,
            rest + GAS * at / (FARADAY * parameters.lithium.exchange_current_density(at)),
        )

    def electrode(self, surface: Complex) -> Complex:
        """Impedance of the electrode with that of its interface, ``surface``."""
        total = self.ionic + self.electronic
        parallel = self.ionic * self.electronic / total
        if not surface.all():
            return np.full(surface.shape, parallel, complex)
        nu = np.sqrt(total / surface)
        # what is left of 1/nu^2 in both terms is the interface by itself
        squares = (self.ionic**2 + self.electronic**2) / total
        more = 2.0 * parallel * _inverse_sinh(nu) + squares * _langevin(nu)
        return np.asarray(surface + parallel + more / nu**2)


def _exchange(material: ActiveMaterial, x: float, temperature: float) -> float:
    """Exchange current density, A/m2."""
    a = material.transfer_coefficient
    return float(2.0 * material.exchange_current_density(temperature) * x**a * (1.0 - x) ** (1.0 - a))


def _langevin(z: Complex) -> Complex:
    """``z coth z - 1``, the real part of z above 0."""
    series = z**2 / 3.0 - z**4 / 45.0 + 2.0 * z**6 / 945.0
    less = np.exp(-2.0 * z)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(np.abs(z) < SMALL, series, z * (1.0 + less) / (1.0 - less) - 1.0))


def _inverse_sinh(z: Complex) -> Complex:
    """``z / sinh z - 1``, the real part of z above 0."""
    series = -(z**2) / 6.0 + 7.0 * z**4 / 360.0 - 31.0 * z**6 / 15120.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(np.abs(z) < SMALL, series, 2.0 * z * np.exp(-z) / (1.0 - np.exp(-2.0 * z)) - 1.0))
