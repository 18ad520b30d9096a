"""The equations of a prepared structure at one time step: state, material tables, Newton's method."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...constants import FARADAY, GAS
from ...kernels.electrochemistry.multigrid import CoupledSolver
from ...kernels.electrochemistry.voxel import CONDUCTION, EXCHANGE, MOBILITY, POTENTIAL, SHIFT
from ...kinetics import ActiveMaterial, CellParameters, Electrolyte
from ..participation import CARBON_BINDER, joined
from .domain import Domain
from .fields import Snapshot

Array = Any

TABLE = 2001
"""Nodes of the tables of the active material's properties over 0 <= x <= 1."""
MOST_SALT = 10.0
"""Largest concentration of the salt, relative to the nominal one."""
LEAST_EXCHANGE = 1e-6
"""Of the reference exchange current density, where a host is full or empty."""
LEAST_SLOPE = 1e-3
"""dy/dx (V) in the Jacobian below which a plateau of the potential is not followed."""
WALL = 3.0
"""V, by which the potential rises towards an empty host and falls towards a full one in the last step of its table."""
MOST_NEWTON = 12
TOLERANCE = 1e-4
"""Of what is left over, its absolute values summed over all voxels, relative to the current."""
CURRENT_TOLERANCE = 5e-7
"""Of the current through all interfaces and through the collector, relative."""
ROUNDING = 6e-8
"""Of the absolute currents through all interfaces: they are float32, and where they are large and cancel (a rest after
a large current), their sum comes no nearer to zero."""


@dataclass(frozen=True)
class Solution:
    """Result of Newton's method over one time step.

    Attributes
    ----------
    converged : bool
    residual : float
        Sum of what is left over in all voxels, relative to the current.
    newton, linear : int
        Iterations.
    current : float
        Through the collector, A/m2.
    interface : float
        From the active material into the electrolyte, A/m2.
    """

    converged: bool
    residual: float
    newton: int
    linear: int
    current: float
    interface: float


class Equations:
    """State and equations of one domain.

    Parameters
    ----------
    domain : Domain
    parameters : CellParameters
    loops : module
        `solidstack.kernels.electrochemistry.cpu` or `solidstack.kernels.electrochemistry.cuda`.
    temperature : float
        K.
    """

    def __init__(self, domain: Domain, parameters: CellParameters, loops: ModuleType, temperature: float) -> None:
        self.domain, self.parameters, self.loops = domain, parameters, loops
        self.ideal = domain.network > 0.0
        self.scale = parameters.electrolyte.conductivity(temperature) * domain.structure.voxel[0]
        self.geometry = domain.geometry(self.scale)
        self.shape = domain.shape
        count = int(np.prod(self.shape))
        self.kind = loops.put(domain.kind.ravel())
        self.areas = tuple(loops.put(area.ravel()) for area in domain.areas)
        self.g = tuple(
            loops.put(part) for part in (self.geometry.gx, self.geometry.gy, self.geometry.gz, self.geometry.volume)
        )
        self.lengths = loops.put(domain.lengths)
        zeros = loops.zeros
        self.x, self.x1, self.x2, self.phi, self.phi1 = (zeros(count, np.float64) for _ in range(5))
        self.phi2, self.sigma, self.j0 = (zeros(count, np.float32) for _ in range(3))
        self.s = zeros(count, np.float64)
        self.solver = CoupledSolver(
            self.kind,
            self.geometry,
            loops,
            ideal=self.ideal,
            planes=domain.membrane_planes,
            clusters=self._clusters(),
            chain=domain.chain(self.scale),
        )
        self.offset, self.offset1, self.offset2 = (np.zeros(self.shape[0]) for _ in range(3))
        # currents of the faces live where the linear solver works: they are read before it starts
        self.jx, self.jy, self.jz = self.solver.pv, self.solver.pw, self.solver.zv
        self.sums = zeros(8 * self.shape[0], np.float64)
        self.plate = self.plate1 = self.plate2 = 0.0
        self.is_first_charge = False
        self.set_temperature(temperature)

    @property
    def bytes(self) -> int:
        """Memory of all arrays of a run."""
        arrays = [
            self.x, self.x1, self.x2, self.phi, self.phi1, self.phi2, self.s, self.sigma, self.j0, self.kind,
            *self.areas,
        ]  # fmt: skip
        return self.solver.bytes + sum(int(array.nbytes) for array in arrays)

    def _clusters(self) -> tuple[Array, Array] | None:
        """Places of the additive's voxels in the padded arrays, cluster by cluster, and where each one starts."""
        kind = self.domain.kind[1:-1, 1:-1, 1:-1]
        additive = (kind & 3 == 1) & (kind >> SHIFT > 0)
        if self.ideal or not additive.any():
            return None
        labels = joined(additive, *self.domain.structure.periodic[1:])
        places = np.ravel_multi_index(tuple(index + 1 for index in np.nonzero(additive)), self.shape)
        own = labels[additive]
        order = np.argsort(own, kind="stable")
        starts = np.append(0, np.cumsum(np.bincount(own)[1:]))
        return self.loops.put(places[order].astype(np.int64)), self.loops.put(starts.astype(np.int64))

    # materials

    def set_first_charge(self, on: bool) -> bool:
        """Say whether the active material is in its first charge; return whether that changed.

        In it the host gives more charge than is lithium that goes back in: its sites count by the inverse of the
        reversible share, at the same diffusivity.
        """
        if on == self.is_first_charge:
            return False
        self.is_first_charge = on
        self.set_temperature(self.temperature)
        return True

    def set_temperature(self, temperature: float) -> None:
        """Make the tables for a temperature, K."""
        names, own = self.domain.materials, self.parameters
        self.temperature = temperature
        self.f = FARADAY / (GAS * temperature)
        tables = np.zeros((len(names), 4, TABLE))
        most = np.ones(len(names))
        beta = np.zeros(len(names))
        alpha = np.full(len(names), 0.5)
        storage = np.zeros(256)
        x = np.linspace(0.0, 1.0, TABLE)
        for number, name in enumerate(names):
            material = self.material(name)
            if isinstance(material, ActiveMaterial):
                tables[number] = active_table(material, x, temperature)
                alpha[number] = material.transfer_coefficient
                sites = 1.0 / material.reversible_share if self.is_first_charge else 1.0
                tables[number, MOBILITY] *= sites
                stored = sites * FARADAY * material.site_concentration
            elif isinstance(material, Electrolyte):
                # of a porous mixture: the share of its volume that stores salt, and what it conducts
                room, ease = self._room(name)
                tables[number, CONDUCTION] = ease * material.conductivity(temperature)
                stored = 0.0
                if not material.is_single_ion:
                    most[number] = MOST_SALT
                    share = 1.0 - material.transference_number
                    beta[number] = 2.0 / self.f * share * material.thermodynamic_factor
                    stored = FARADAY * float(material.salt_concentration or 0.0) / share
                    salt = np.linspace(0.0, MOST_SALT, TABLE)
                    # as an ideal salt's, whose diffusivity is constant: both ends of one assumption
                    tables[number, CONDUCTION] *= np.maximum(salt, 1e-6)
                    diffusion = ease * stored * float(material.salt_diffusivity(temperature) or 0.0)
                    stored *= room
                    tables[number, MOBILITY] = diffusion * np.maximum(salt, 1e-6) / beta[number]
            else:
                tables[number, CONDUCTION] = material
                stored = 0.0
            storage[[number + 1 << SHIFT | bits for bits in range(4)]] = stored
        put = self.loops.put
        self.host_tables, self.host_storage = tables, storage
        self.tables, self.most, self.beta, self.alpha = put(tables), put(most), put(beta), put(alpha)
        self.storage = put(storage)
        self.lithium = (
            own.lithium.exchange_current_density(temperature),
            own.lithium_resistance,
            self.domain.membrane_rest / own.membrane.conductivity(temperature),
        )

    def _room(self, name: str) -> tuple[float, float]:
        """Share of a phase that is electrolyte, and its ionic conductivity over that of electrolyte alone."""
        phase, mixed = self.domain.structure.phases.get(name), self.parameters.carbon_binder
        if phase is None or phase.role != CARBON_BINDER or mixed is None:
            return 1.0, 1.0
        return 1.0 - mixed.solid_fraction, mixed.ionic_share

    def material(self, name: str) -> Any:
        """Properties of a material of the domain: of an active material, an electrolyte, or a conductivity (S/m)."""
        own, structure = self.parameters, self.domain.structure
        if name not in structure.phases:
            return own.membrane
        role = structure.phases[name].role
        if role == "active-material":
            return own.active.get(name) or next(iter(own.active.values()))
        if role in ("solid-electrolyte", CARBON_BINDER):
            return own.electrolyte
        return own.additive_conductivity.get(name) or next(iter(own.additive_conductivity.values()))

    # state

    def start(self, stoichiometry: Mapping[str, float]) -> None:
        """Set uniform contents (salt at its nominal concentration) and no overpotentials."""
        x = np.zeros(self.shape)
        phi = np.zeros(self.shape)
        kind = self.domain.kind
        for number, name in enumerate(self.domain.materials):
            here = kind >> SHIFT == number + 1
            x[here] = stoichiometry.get(name, 1.0)
        x[kind & 2 == 0] = 0.0
        self.plate = max((self.equilibrium(name, value) for name, value in stoichiometry.items()), default=0.0)
        for array in ("x", "x1", "x2"):
            setattr(self, array, self.loops.put(x.ravel().copy()))
        for array, kept in (("phi", np.float64), ("phi1", np.float64), ("phi2", np.float32)):
            setattr(self, array, self.loops.put(phi.ravel().astype(kept)))
        self.plate1 = self.plate2 = self.plate
        self.offset, self.offset1, self.offset2 = (np.zeros(self.shape[0]) for _ in range(3))

    def equilibrium(self, name: str, stoichiometry: float) -> float:
        """Potential of a material by the table that the solver uses, V."""
        table = self.host_tables[self.domain.materials.index(name), POTENTIAL]
        return float(np.interp(stoichiometry, np.linspace(0.0, 1.0, TABLE), table))

    def accept(self) -> None:
        """Make the present state the last one."""
        self.x2, self.x1, self.x = self.x1, self.x, self.x2
        self.loops.copy(self.phi1, self.phi2)
        self.phi1, self.phi = self.phi, self.phi1
        self.plate2, self.plate1 = self.plate1, self.plate
        self.offset2, self.offset1 = self.offset1, self.offset

    def predict(self, ratio: float) -> None:
        """Extrapolate from the last two states by ``ratio`` of the step between them (0: repeat the last one)."""
        self.loops.predict(
            self.kind, self.x, self.x1, self.x2, self.phi, self.phi1, self.phi2, ratio, self.most, self.shape
        )
        self.plate = self.plate1 + ratio * (self.plate1 - self.plate2)
        self._set_offset(self.offset1 + ratio * (self.offset1 - self.offset2))

    def _set_offset(self, offset: NDArray[np.float64]) -> None:
        """Set the potential of each plane of the additives' network, relative to the collector's."""
        if self.solver.chain is not None:
            self.offset = offset
            self.loops.set_planes(kind=self.kind, v=self.phi, values=self.loops.put(offset), shape=self.shape)

    def deviation(self, ratio: float) -> float:
        """Distance of the present contents from those of `predict`, root mean square."""
        self.loops.deviation(
            self.kind, self.x, self.x1, self.x2, ratio, self.most, self.storage, self.g[3], self.sums, self.shape
        )
        total, whole = self._sums(2)
        return float(np.sqrt(total / whole)) if whole > 0.0 else 0.0

    def _sums(self, columns: int) -> NDArray[np.float64]:
        planes = np.asarray(self.loops.get(self.sums[: columns * self.shape[0]]))
        return np.asarray(planes.reshape(-1, columns)[1:-1].sum(axis=0))

    # one time step

    def assemble(self, rate: tuple[float, float, float], *, anew: bool = True) -> NDArray[np.float64]:
        """Coefficients and residual at the present state; ``anew`` as in `loops.nodes`, sums as in `loops.residual`."""
        loops, solver = self.loops, self.solver
        loops.nodes(
            self.kind, self.x, self.tables, self.most, self.beta, LEAST_SLOPE, self.sigma, self.j0, self.s, solver.im,
            solver.e, anew, self.shape,
        )  # fmt: skip
        loops.faces(
            self.kind, self.phi, *self.areas, *self._reactions(), solver.cx, solver.cy, solver.cz, self.jx, self.jy,
            self.jz, *self._conditions(), self.shape,
        )  # fmt: skip
        loops.residual(
            self.kind, self.phi, self.x, self.x1, self.x2, *rate, self.storage, solver.cx, solver.cy, solver.cz,
            self.jx, self.jy, self.jz, self.s, solver.e, solver.rv, solver.rw, self.sums, self.ideal, *self.g,
            self.shape,
        )  # fmt: skip
        planes = np.asarray(loops.get(self.sums[: 6 * self.shape[0]])).reshape(-1, 6)
        self.interfaces = planes[:, 3].copy()
        return np.asarray(planes[1:-1].sum(axis=0))

    def _reactions(self) -> tuple[Any, ...]:
        return self.alpha, self.sigma, self.j0, self.s, self.solver.e

    def _conditions(self) -> tuple[Any, ...]:
        resistance = self.parameters.interface_resistance
        return (
            self.plate, self.lithium, resistance, self.f, self.ideal, self.lengths, *self.domain.edges, self.scale
        )  # fmt: skip

    def solve(
        self,
        rate: tuple[float, float, float],
        *,
        current: float | None = None,
        voltage: float | None = None,
        least_current: float,
        tolerance: float = TOLERANCE,
    ) -> Solution:
        """Solve for the state at the end of a time step, from the present one as a first guess.

        Parameters
        ----------
        rate : three floats
            Weights of the contents now and at the two times before in their rate of change, 1/s.
        current : float, optional
            A/m2, positive charges; or
        voltage : float, optional
            V.
        least_current : float
            A/m2, to which what is left over is related where less flows.
        """
        area = self.domain.area
        target = None if current is None else current * area / self.scale
        if voltage is not None:
            self.plate = voltage
        floor = least_current * area / self.scale
        linear = 0
        best = np.inf
        for newton in range(MOST_NEWTON + 1):
            absolute, electronic, ionic, interface, collector, crossing = self.assemble(rate, anew=newton == 0)
            plate = 0.0 if target is None else target - interface
            size = max(abs(interface if target is None else target), 1e-3 * crossing, floor)
            unwired = self._unwired()
            left = float((absolute + abs(plate) + np.abs(unwired).sum()) / size)
            sums = (plate, ionic) if self.ideal else (plate, ionic, electronic)
            nearest = max(CURRENT_TOLERANCE * size, ROUNDING * crossing)
            met = left <= tolerance and max(map(abs, sums)) <= nearest
            if met or newton == MOST_NEWTON or not np.isfinite(left) or left > 1e3 * max(best, 10.0):
                break
            best = min(best, left)
            self.solver.prepare(np.asarray(self.host_storage * rate[0]), floating=target is not None)
            self.solver.ru = unwired
            correction = self.solver.solve(plate, max(1e-3, min(0.03, 0.1 * tolerance / left)))
            linear += correction.iterations
            if not np.isfinite(correction.residual):
                break
            change = float(np.real(self.solver.plate))
            self.loops.correct(
                self.kind, self.phi, self.x, self.solver.dv, self.solver.dw, self.solver.im, self.most, self.sums,
                self.shape, *self.solver.wraps,
            )  # fmt: skip
            self.plate += change
            self._set_offset(self.offset + np.real(self.solver.du))
        if met:
            loops, solver = self.loops, self.solver
            loops.settle(
                self.kind, self.x, solver.rw, self.storage, rate[0], self.g[3], self.shape, *solver.wraps
            )  # fmt: skip
        per_area = self.scale / area
        return Solution(
            met,
            left,
            newton,
            linear,
            float(interface if self.ideal else collector) * per_area,
            float(interface) * per_area,
        )

    def _unwired(self) -> NDArray[np.float64]:
        """What is left over of the rows of the additives' network."""
        if self.solver.chain is None:
            return np.zeros(self.shape[0])
        crossing = self.interfaces.copy()
        crossing[0] = crossing[-1] = 0.0
        return np.asarray(-(crossing + self.solver.chain.product(self.offset)))

    # what is read off

    def contents(self) -> tuple[dict[str, float], float]:
        """Mean content by material that stores something, and the least salt concentration (relative; 1 without)."""
        loops, count = self.loops, len(self.domain.materials)
        sums = loops.zeros(2 * count * self.shape[0], np.float64)
        loops.contents(self.kind, self.x, self.g[3], sums, self.shape)
        planes = np.asarray(loops.get(sums)).reshape(-1, count, 2)[1:-1]
        means, salt = {}, 1.0
        for number, name in enumerate(self.domain.materials):
            if not self.stored_volume(name):
                continue
            if self.host_tables[number, POTENTIAL].any():
                means[name] = float(planes[:, number, 0].sum() / self.stored_volume(name))
            else:
                salt = min(salt, float(planes[:, number, 1].min()))
        return means, salt

    def profile(self) -> NDArray[np.float64]:
        """Mean stoichiometry of the active material by plane; NaN where a plane has none."""
        loops, count = self.loops, len(self.domain.materials)
        sums = loops.zeros(2 * count * self.shape[0], np.float64)
        loops.contents(self.kind, self.x, self.g[3], sums, self.shape)
        planes = np.asarray(loops.get(sums)).reshape(-1, count, 2)[1:-1, :, 0]
        stored = [number for number, table in enumerate(self.host_tables) if table[POTENTIAL].any()]
        volume = self._plane_volumes()[:, stored].sum(axis=1)
        total = planes[:, stored].sum(axis=1)
        return np.asarray(np.divide(total, volume, out=np.full(len(total), np.nan), where=volume > 0.0))

    def reactions(self) -> NDArray[np.float64]:
        """Current from active material to electrolyte by plane, per volume of the electrode, A/m3."""
        planes = self.interfaces[1:-1]
        volume = self.domain.area * self.domain.lengths[1:-1]
        return np.asarray(planes * self.scale / volume)

    def _plane_volumes(self) -> NDArray[np.float64]:
        """Volume of the voxels that store something, by plane and material, over the scale."""
        known: NDArray[np.float64] | None = self.__dict__.get("_by_plane")
        if known is None:
            inner = self.domain.kind[1:-1, 1:-1, 1:-1]
            counts = [
                np.where(inner & 2, inner >> SHIFT, 0) == number + 1 for number in range(len(self.domain.materials))
            ]
            known = np.stack([one.sum(axis=(1, 2)) for one in counts], axis=1) * self.geometry.volume[1:-1, None]
            self.__dict__["_by_plane"] = known
        return known

    def joint_equilibrium(self, contents: Mapping[str, float]) -> float:
        """Potential at which active materials hold, all in equilibrium, the lithium that they now hold, V."""
        from scipy.optimize import brentq

        x = np.linspace(0.0, 1.0, TABLE)
        tables = {name: self.host_tables[self.domain.materials.index(name), POTENTIAL] for name in contents}
        target = self.charge(contents)

        def excess(potential: float) -> float:
            # tables fall with x
            held = {name: float(np.interp(-potential, -table, x)) for name, table in tables.items()}
            return self.charge(held) - target

        low, high = min(t.min() for t in tables.values()), max(t.max() for t in tables.values())
        return float(brentq(excess, low, high, xtol=1e-10))

    def snapshot(self, time: float) -> Snapshot:
        """Fields of the last accepted state."""
        kind = self.domain.kind[self.domain.composite]

        def inner(array: Array) -> NDArray[np.float64]:
            return np.asarray(self.loops.get(array)).reshape(self.shape)[self.domain.composite]

        x, phi = inner(self.x1), inner(self.phi1)
        number = (kind >> SHIFT).astype(int)
        beta = np.asarray(self.loops.get(self.beta))[np.maximum(number - 1, 0)]
        electronic, ionic, stores = kind & 1 > 0, (kind > 0) & (kind & 1 == 0), kind & 2 > 0
        salted = ionic & stores
        with np.errstate(divide="ignore", invalid="ignore"):
            potential = phi + np.where(salted, beta * np.log(x), 0.0)

        def where(mask: Any, values: Any) -> NDArray[np.float32]:
            return np.where(mask, values, np.nan).astype(np.float32)

        return Snapshot(
            time,
            self.plate1,
            where(electronic & stores, x),
            where(electronic, phi + self.plate1),
            where(ionic, potential),
            where(salted, x) if salted.any() else None,
        )

    def stored_volume(self, name: str) -> float:
        """Volume of the voxels of a material that store something, over the scale."""
        return float(self._plane_volumes()[:, self.domain.materials.index(name)].sum())

    def charge(self, contents: Mapping[str, float]) -> float:
        """Charge that the lithium of the active material comes to, per area, A s/m2."""
        total = 0.0
        for name, content in contents.items():
            stored = self.host_storage[self.domain.materials.index(name) + 1 << SHIFT]
            total += stored * self.stored_volume(name) * self.scale * content
        return total / self.domain.area

    def dissipation(self) -> NDArray[np.float64]:
        """Where the power goes at the present state, W/m2; columns as in `loops.dissipation`."""
        solver = self.solver
        self.loops.dissipation(
            self.kind, self.phi, *self.areas, *self._reactions(), solver.cx, solver.cy, solver.cz, *self._conditions(),
            1 + self.domain.membrane_planes, self.sums, self.shape,
        )  # fmt: skip
        sums = np.asarray(self.loops.get(self.sums)).reshape(-1, 8)[:-1].sum(axis=0)
        if solver.chain is not None:
            sums[2] += float(self.offset @ solver.chain.product(self.offset))
        return np.asarray(sums * self.scale / self.domain.area)


def active_table(material: ActiveMaterial, x: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Properties of an active material over its stoichiometry, as the columns of the loops' tables.

    Beyond the range of its potential the table goes on with its last slope and with the logarithm of an ideal solution
    of lithium and vacancies, so that no host is emptied or filled beyond its sites.
    """
    low, high = material.stoichiometry_range
    inside = np.clip(x, low, high)
    potential = np.array(material.open_circuit_potential(inside, temperature), float)
    step = 1e-4 * (high - low)
    bounded = np.clip(x, 1e-6, 1.0 - 1e-6)

    def mixing(at: Any) -> Any:
        return -GAS * temperature / FARADAY * np.log(at / (1.0 - at))

    for end, towards in ((low, step), (high, -step)):
        beyond = x < low if end == low else x > high
        u = np.asarray(material.open_circuit_potential(np.array([end, end + towards]), temperature))
        at = float(np.clip(end, 1e-6, 1.0 - 1e-6))
        slope = min(float((u[1] - u[0]) / towards), 0.0)
        tangent = -GAS * temperature / FARADAY / (at * (1.0 - at))
        extra = mixing(bounded) - mixing(at) - tangent * (bounded - at)
        potential[beyond] += (slope * (x - end) + extra)[beyond]
    a = material.transfer_coefficient
    table = np.empty((4, x.size))
    table[POTENTIAL] = potential
    diffusion = FARADAY * material.site_concentration * np.asarray(material.diffusivity(inside, temperature))
    # a smooth slope: voltages follow the mobility, and a jump of theirs no step of time could get below
    table[MOBILITY] = diffusion / np.maximum(-np.gradient(potential, x), LEAST_SLOPE)
    conductivity = np.asarray(material.electronic_conductivity(inside, temperature))
    table[CONDUCTION] = np.where(np.isfinite(conductivity), conductivity, 1.0)  # ideal electronics: not used
    reference = material.exchange_current_density(temperature)
    shape = 2.0 * np.clip(x, 0.0, 1.0) ** a * np.clip(1.0 - x, 0.0, 1.0) ** (1.0 - a)
    table[EXCHANGE] = reference * np.maximum(shape, LEAST_EXCHANGE)
    # a cut-off of a blend may be beyond what one of its hosts can follow: there it stays next to empty, or full
    table[POTENTIAL, 0] += WALL if low >= x[1] else 0.0
    table[POTENTIAL, -1] -= WALL if high <= x[-2] else 0.0
    return table
