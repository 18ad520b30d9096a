"""Conjugate gradients with a geometric multigrid preconditioner, on a network of voxels.

Aggregates of 2 x 2 x 2 voxels; the conductance between two of them is the sum of the fine ones through their common
face, halved for the doubled distance. Smoothing is red-black Gauss-Seidel, the same number of sweeps before (red first)
and after (black first) the coarse correction, so that the preconditioner is symmetric.

The preconditioner works in float32. Its direction is taken as exact: the operator is applied to it in float64, the
potential is kept in float64, and only the residual, which shrinks, is rounded. So inlet and outlet flux do not
lose digits to the difference of two potentials near 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = Any  # of NumPy, or on a device
Shape = tuple[int, int, int]

SWEEPS = 2
COARSEST = 64
"""Voxels at or below which a level is smoothed to the end instead of coarsened."""
COARSEST_SWEEPS = 8
STRETCH = 1.5
"""An axis whose voxels are longer than this times the shortest is not coarsened yet."""


class Wraps(NamedTuple):
    """Whether an axis leads on to its other end; else it is closed."""

    wrap_y: bool
    wrap_z: bool

    def named(self) -> dict[str, bool]:
        """Return them as arguments of the loops, by name."""
        return self._asdict()


@dataclass(frozen=True)
class Network:
    """A network of voxels by classes.

    Parameters
    ----------
    classes : array of uint8, shape (nx, ny, nz)
        0 does not conduct.
    conductance : array, shape (3, n, n)
        Of the face between two voxels, by axis and classes; symmetric, row and column 0 are zero.
    boundary : array, shape (n,)
        Of half a voxel, between its centre and the fixed potential at either end of axis 0.
    spacing : 3 floats
        Edges of a voxel, in any unit.
    wrap_y, wrap_z : bool
        Whether the axis leads on to its other end; else it is closed.
    """

    classes: NDArray[np.uint8]
    conductance: NDArray[np.float64]
    boundary: NDArray[np.float64]
    spacing: tuple[float, float, float]
    wrap_y: bool
    wrap_z: bool


@dataclass(frozen=True)
class Iteration:
    """State of the solution after an iteration: the flux through every plane, and what the last step changed."""

    iteration: int
    flux: float
    spread: float
    change: float


@dataclass(frozen=True)
class Solution:
    """Potential (1 before the first plane, 0 behind the last) and the fluxes that belong to it."""

    potential: NDArray[np.float64]
    inlet: float
    outlet: float
    lateral: tuple[float, float]
    history: tuple[Iteration, ...]
    converged: bool
    bytes: int


@dataclass
class _Level:
    shape: Shape
    halved: Shape
    cx: Array
    cy: Array
    cz: Array
    b: Array
    v: Array
    step: int

    @property
    def aggregates(self) -> dict[str, Any]:
        """Its relation to the finer level, as arguments of the loops."""
        return {"coarse_shape": self.shape, "halved": self.halved}


def solve(
    network: Network,
    tolerance: float,
    loops: ModuleType,
    *,
    most: int = 100,
    report: Callable[[Iteration], None] | None = None,
) -> Solution:
    """Solve for the potential between a fixed 1 and 0.

    Parameters
    ----------
    network : Network
        Every conducting voxel must be connected to a fixed potential.
    tolerance : float
        Allowed difference of the fluxes through any two planes, and allowed change of the flux (by its energy) in an
        iteration, both relative.
    loops : module
        `solidstack.kernels.conduction.cpu` or `solidstack.kernels.conduction.cuda`.
    most : int
        Iterations.
    report : callable, optional
        Called with the `Iteration` of each iteration.
    """
    solver = _Solver(network, loops)
    history: list[Iteration] = []
    converged = False
    # a second round starts from the true residual; it is needed only if rounding of the residual added up
    for _ in range(3):
        solver.start()
        if converged and solver.spread()[1] <= tolerance:
            break
        converged = False
        while len(history) < most:
            change = solver.iterate()
            flux, spread = solver.spread()
            history.append(Iteration(len(history) + 1, flux, spread, change / flux))
            if report is not None:
                report(history[-1])
            if spread <= tolerance and change <= tolerance * flux:
                converged = True
                break
        if not converged:
            break
    return solver.solution(tuple(history), converged)


class _Solver:
    def __init__(self, network: Network, loops: ModuleType) -> None:
        self.loops = loops
        self.wraps = Wraps(network.wrap_y, network.wrap_z)
        self.named_wraps = self.wraps.named()
        shape = network.classes.shape
        self.shape: Shape = (shape[0] + 2, shape[1] + 2, shape[2] + 2)
        count = self.shape[0] * self.shape[1] * self.shape[2]
        self.n = len(network.boundary) + 1
        self.boundary = network.boundary
        tables = np.zeros((3, self.n, self.n))
        tables[:, :-1, :-1] = network.conductance
        tables[0, -1, :-1] = tables[0, :-1, -1] = network.boundary
        exact = loops.put(tables.ravel())
        rounded = loops.put(tables.astype(np.float32).ravel())

        classes = np.zeros(self.shape, np.uint8)
        classes[1:-1, 1:-1, 1:-1] = network.classes
        classes[0] = classes[-1] = self.n - 1
        if network.wrap_y:
            classes[1:-1, 0], classes[1:-1, -1] = classes[1:-1, -2], classes[1:-1, 1]
        if network.wrap_z:
            classes[1:-1, :, 0], classes[1:-1, :, -1] = classes[1:-1, :, -2], classes[1:-1, :, 1]
        self.ends = classes[1, 1:-1, 1:-1].copy(), classes[-2, 1:-1, 1:-1].copy()
        self.classes = loops.put(classes.ravel())
        # as arguments of the loops: the network in float64, and in float32 for the preconditioner
        self.network = {"classes": self.classes, "tables": exact, "n": self.n}
        self.network32 = {"classes": self.classes, "tables": rounded, "n": self.n}
        x = np.zeros(self.shape)
        x += (1.0 - (np.arange(self.shape[0]) - 0.5) / shape[0])[:, None, None]
        x[0], x[-1] = 1.0, 0.0
        self.x = loops.put(x.ravel())
        del classes, x
        self.r, self.z, self.p = (loops.zeros(count, np.float32) for _ in range(3))
        self.sums = loops.zeros(self.shape[0], np.float64)
        self.rz = 0.0
        self.step = self._step(shape)
        self.levels = self._levels(network)

    def _step(self, shape: Any) -> int:
        """2 where no voxels of one colour are neighbours, 1 where an odd count makes some so across a wrap."""
        return 1 if any(wrap and count % 2 for wrap, count in zip(self.wraps, shape[1:], strict=True)) else 2

    def _levels(self, network: Network) -> list[_Level]:
        loops = self.loops
        levels: list[_Level] = []
        spacing = list(network.spacing)
        shape: Any = network.classes.shape
        while shape[0] * shape[1] * shape[2] > COARSEST:
            least = min(edge for edge, count in zip(spacing, shape, strict=True) if count > 1)
            halved: Any = tuple(
                int(count > 1 and edge < STRETCH * least) for edge, count in zip(spacing, shape, strict=True)
            )
            spacing = [edge * (1 + half) for edge, half in zip(spacing, halved, strict=True)]
            coarse: Any = tuple((count + half) >> half for count, half in zip(shape, halved, strict=True))
            padded: Any = tuple(count + 2 for count in coarse)
            count = padded[0] * padded[1] * padded[2]
            cx, cy, cz, b, v = (loops.zeros(count, np.float32) for _ in range(5))
            aggregates: Any = {"cx": cx, "cy": cy, "cz": cz, "coarse_shape": padded, "halved": halved}
            if levels:
                last = levels[-1]
                loops.coarsen_stored(gx=last.cx, gy=last.cy, gz=last.cz, shape=last.shape, **aggregates)
            else:
                loops.coarsen(**self.network32, shape=self.shape, **aggregates)
            levels.append(_Level(padded, halved, cx, cy, cz, b, v, self._step(coarse)))
            shape = coarse
        return levels

    def start(self) -> None:
        """Take the true residual of the potential and forget the directions."""
        self.loops.wrap(v=self.x, shape=self.shape, **self.named_wraps)
        self.loops.residual(**self.network, x=self.x, r=self.r, sums=self.sums, shape=self.shape)
        self.plane_sums = self.loops.get(self.sums)[1:-1].copy()
        self.rz = 0.0

    def iterate(self) -> float:
        """Do one step of conjugate gradients; return by how much it lowered the energy."""
        loops, sums, shape = self.loops, self.sums, self.shape
        self.precondition()
        loops.dot(a=self.r, b=self.z, sums=sums, shape=shape)
        rz = float(loops.get(self.sums)[1:-1].sum())
        if rz <= 0.0:
            return 0.0
        loops.redirect(p_=self.p, z=self.z, beta=np.float32(rz / self.rz if self.rz else 0.0), shape=shape)
        self.rz = rz
        loops.curvature(**self.network, p_=self.p, sums=sums, shape=shape)
        alpha = rz / float(loops.get(self.sums)[1:-1].sum())
        loops.advance(**self.network, p_=self.p, x=self.x, r=self.r, alpha=alpha, sums=sums, shape=shape)
        self.plane_sums = loops.get(self.sums)[1:-1].copy()
        return alpha * rz

    def precondition(self) -> None:
        """One V-cycle on the residual, into z."""
        loops, shape, wraps = self.loops, self.shape, self.named_wraps
        smooth: Any = {**self.network32, "b": self.r, "v": self.z, "shape": shape}
        loops.fill(self.z, 0.0)
        for _ in range(SWEEPS):
            for colour in (0, 1):
                loops.relax(**smooth, colour=colour, **wraps)
        if self.levels:
            coarse = self.levels[0]
            loops.restrict(**smooth, coarse=coarse.b, **coarse.aggregates, step=self.step)
            self.cycle(0)
            loops.prolong(v=self.z, shape=shape, coarse=coarse.v, **coarse.aggregates, step=self.step, **wraps)
        for _ in range(SWEEPS if self.levels else COARSEST_SWEEPS):
            for colour in (1, 0):
                loops.relax(**smooth, colour=colour, **wraps)

    def cycle(self, index: int) -> None:
        """One V-cycle from a coarser level on."""
        loops, level, wraps = self.loops, self.levels[index], self.named_wraps
        smooth: Any = {
            "cx": level.cx, "cy": level.cy, "cz": level.cz, "b": level.b, "v": level.v, "shape": level.shape
        }  # fmt: skip
        last = index == len(self.levels) - 1
        loops.fill(level.v, 0.0)
        sweeps = COARSEST_SWEEPS if last else SWEEPS
        for _ in range(sweeps):
            for colour in (0, 1):
                loops.relax_stored(**smooth, colour=colour, **wraps)
        if not last:
            coarse = self.levels[index + 1]
            loops.restrict_stored(**smooth, coarse=coarse.b, **coarse.aggregates, step=level.step)
            self.cycle(index + 1)
            loops.prolong(v=level.v, shape=level.shape, coarse=coarse.v, **coarse.aggregates, step=level.step, **wraps)
        for _ in range(sweeps):
            for colour in (1, 0):
                loops.relax_stored(**smooth, colour=colour, **wraps)

    def spread(self) -> tuple[float, float]:
        """Mean flux over the planes, and the largest difference between two of them relative to it."""
        inlet = self.inlet()
        fluxes = inlet - np.concatenate([[0.0], np.cumsum(self.plane_sums)])
        mean = float(fluxes.mean())
        return mean, float(np.ptp(fluxes) / abs(mean)) if mean else 0.0

    def _plane(self, index: int) -> NDArray[np.float64]:
        size = self.shape[1] * self.shape[2]
        plane = self.loops.get(self.x[index * size : (index + 1) * size])
        return np.asarray(plane).reshape(self.shape[1:])[1:-1, 1:-1]

    def inlet(self) -> float:
        """Flux from the fixed 1 into the first plane."""
        return float(np.sum(self.boundary[self.ends[0]] * (1.0 - self._plane(1))))

    def outlet(self) -> float:
        """Flux from the last plane to the fixed 0."""
        return float(np.sum(self.boundary[self.ends[1]] * self._plane(self.shape[0] - 2)))

    def solution(self, history: tuple[Iteration, ...], converged: bool) -> Solution:
        """Collect the potential and the fluxes."""
        loops = self.loops
        loops.wrap(v=self.x, shape=self.shape, **self.named_wraps)
        sums = loops.zeros(2 * self.shape[0], np.float64)
        loops.currents(**self.network, x=self.x, sums=sums, shape=self.shape)
        along_y, along_z = np.asarray(loops.get(sums)).reshape(-1, 2)[1:-1].sum(axis=0)
        arrays = [self.classes, self.x, self.r, self.z, self.p]
        arrays += [array for level in self.levels for array in (level.cx, level.cy, level.cz, level.b, level.v)]
        return Solution(
            potential=np.asarray(loops.get(self.x)).reshape(self.shape)[1:-1, 1:-1, 1:-1],
            inlet=self.inlet(),
            outlet=self.outlet(),
            lateral=(float(along_y), float(along_z)),
            history=history,
            converged=converged,
            bytes=sum(array.nbytes for array in arrays),
        )
