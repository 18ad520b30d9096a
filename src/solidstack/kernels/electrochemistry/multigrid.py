"""One step of Newton's method for charge and discharge: conjugate gradients with a geometric multigrid.

The network of `solidstack.kernels.electrochemistry.voxel`: on the finest level a voxel has a potential and a content;
on coarser levels a cell of 2 x 2 x 2 has both for its electronic and for its ionic part, coupled by the summed
conductance of the interfaces in it, so that the coarsest level is a porous-electrode model. That one is solved
directly, together with the collector's potential where the current is given.

Smoothing as in `solidstack.kernels.conduction.multigrid`. All is float32 (complex64 for impedance): what is solved for
are increments, and the residual of the state is taken in float64 by the caller, so no digits are lost.
"""

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..conduction.multigrid import COARSEST, STRETCH, Array, Shape, Wraps
from .cells import CE, COEFFICIENTS, CS, DE, DS, GES, GIN, GSE, KE, KS
from .plane_network import PlaneNetwork

SWEEPS = 1
"""Before and after the coarse correction, each of both colours; 2 take fewer iterations and more time."""


@dataclass(frozen=True)
class Geometry:
    """A padded volume as the loops take it; all of it over the scale of the currents.

    Parameters
    ----------
    shape : 3 ints
        Padded.
    spacing : 3 floats
        Edges of a voxel of the composite, in any unit.
    gx, gy, gz : arrays, shape (padded planes,)
        Half the area over the distance, for the faces of each plane: behind it along x, beside it along y and z.
    volume : array, shape (padded planes,)
        Of a voxel of each plane.
    wrap_y, wrap_z : bool
        Whether the axis leads on to its other end; else it is closed.
    """

    shape: Shape
    spacing: tuple[float, float, float]
    gx: NDArray[np.float64]
    gy: NDArray[np.float64]
    gz: NDArray[np.float64]
    volume: NDArray[np.float64]
    wrap_y: bool
    wrap_z: bool


class Grid(NamedTuple):
    """The arrays of a `Geometry` where the loops run."""

    gx: Array
    gy: Array
    gz: Array
    volume: Array


@dataclass(frozen=True)
class Linear:
    """Effort and success of a solution."""

    iterations: int
    residual: float
    converged: bool


@dataclass
class _Level:
    shape: Shape
    halved: Shape
    a: Array
    b: Array
    f: Array
    plates: Array

    @property
    def aggregates(self) -> dict[str, Any]:
        """Its relation to the finer level, as arguments of the loops."""
        return {"coarse_shape": self.shape, "halved": self.halved}

    @property
    def smooth(self) -> dict[str, Any]:
        """Its network, right-hand side and unknowns, as arguments of the loops."""
        return {"a": self.a, "b": self.b, "f": self.f, "shape": self.shape}


class CoupledSolver:
    """The network of one structure, with coefficients that change from step to step.

    The caller fills ``cx``, ``cy``, ``cz`` (conductances of faces), ``e`` and ``im`` (`loops.nodes`, `loops.faces`)
    and the right-hand side ``rv``, ``rw``, calls `prepare` and then `solve`, and reads ``dv``, ``dw``.
    """

    def __init__(
        self,
        kind: Array,
        geometry: Geometry,
        loops: ModuleType,
        *,
        ideal: bool,
        planes: int = 0,
        clusters: tuple[Array, Array] | None = None,
        chain: NDArray[np.float64] | None = None,
        dtype: type = np.float32,
    ) -> None:
        self.planes = planes
        self.clusters = clusters
        self.chain = None if chain is None else PlaneNetwork(chain)
        self.kind, self.loops, self.ideal, self.geometry = kind, loops, ideal, geometry
        self.shape = geometry.shape
        self.wraps = Wraps(geometry.wrap_y, geometry.wrap_z)
        self.named_wraps = self.wraps.named()
        self.dtype = dtype
        self.summed = np.complex128 if np.issubdtype(dtype, np.complexfloating) else np.float64
        self.real: Any = (np.zeros(0, dtype).real).dtype.type
        count = self.shape[0] * self.shape[1] * self.shape[2]
        self.count = count
        zeros = loops.zeros
        self.cx, self.cy, self.cz = (zeros(count, self.real) for _ in range(3))
        self.e, self.im = (zeros(count, self.real) for _ in range(2))
        self.rv, self.rw, self.zv, self.zw, self.pv, self.pw, self.dv, self.dw = (zeros(count, dtype) for _ in range(8))
        self.g = Grid(
            *(loops.put(part.astype(self.real)) for part in (geometry.gx, geometry.gy, geometry.gz, geometry.volume))
        )
        self.sums = zeros(2 * self.shape[0], self.summed)
        self.ru, self.du = (np.zeros(self.shape[0], self.summed) for _ in range(2))
        self.storage: Array = None
        self.plate = self.pplate = 0.0
        self.levels = self._levels()
        self.first = self._first(tuple(edge - 2 for edge in self.shape))
        self.inverse: NDArray[Any] = np.zeros((0, 0))
        self.pattern: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]] | None = None
        self.plane_sums = zeros(2 * max(planes, 1), self.dtype)

    def _first(self, shape: Any) -> int:
        """2 where no voxels of one colour are neighbours, 1 where an odd count makes some so across a wrap."""
        return 1 if any(wrap and count % 2 for wrap, count in zip(self.wraps, shape[1:], strict=True)) else 2

    def _levels(self) -> list[_Level]:
        levels: list[_Level] = []
        spacing = list(self.geometry.spacing)
        shape: Any = tuple(edge - 2 for edge in self.shape)
        while not levels or shape[0] * shape[1] * shape[2] > COARSEST:
            wide = [edge for edge, count in zip(spacing, shape, strict=True) if count > 1]
            least = min(wide, default=0.0)
            halved: Any = tuple(
                int(count > 1 and edge < STRETCH * least and shape[0] * shape[1] * shape[2] > COARSEST)
                for edge, count in zip(spacing, shape, strict=True)
            )
            spacing = [edge * (1 + half) for edge, half in zip(spacing, halved, strict=True)]
            coarse: Any = tuple((count + half) >> half for count, half in zip(shape, halved, strict=True))
            padded: Any = tuple(count + 2 for count in coarse)
            count = padded[0] * padded[1] * padded[2]
            levels.append(
                _Level(
                    padded,
                    halved,
                    self.loops.zeros((count, COEFFICIENTS), self.dtype),
                    self.loops.zeros((count, 4), self.dtype),
                    self.loops.zeros((count, 4), self.dtype),
                    self.loops.zeros(padded[0], self.dtype),
                )
            )
            shape = coarse
        return levels

    @property
    def bytes(self) -> int:
        """All arrays of the solver."""
        arrays = [self.cx, self.cy, self.cz, self.e, self.im]
        arrays += [self.rv, self.rw, self.zv, self.zw, self.pv, self.pw, self.dv, self.dw]
        arrays += [array for level in self.levels for array in (level.a, level.b, level.f)]
        return sum(int(array.nbytes) for array in arrays)

    def prepare(self, storage: NDArray[Any], *, floating: bool) -> None:
        """Make the coarse levels for the present coefficients.

        Parameters
        ----------
        storage : array, shape (256,)
            By kind: what a unit of volume and of content stores, over the time step.
        floating : bool
            Whether the collector's potential is an unknown (its current is given).
        """
        loops = self.loops
        self.storage = loops.put(np.asarray(storage).astype(self.dtype))
        self.floating = floating
        first = self.levels[0]
        loops.coarsen(**self.network(), a=first.a, **first.aggregates)
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            loops.cell_coarsen(fine=fine.a, shape=fine.shape, a=coarse.a, **coarse.aggregates)
        self.inverse = np.linalg.inv(self._dense())
        if self.clusters is not None:
            self.links = loops.zeros(self.clusters[1].shape[0] - 1, self.cx.dtype)
            conductances: Any = {"cx": self.cx, "cy": self.cy, "cz": self.cz}
            places, starts = self.clusters
            loops.cluster_links(
                kind=self.kind, **conductances, places=places, starts=starts, links=self.links, shape=self.shape
            )
        if self.planes:
            self.plane_inverse = np.linalg.inv(self._plane_matrix())
        if self.chain is not None:
            loops.plane_links(
                kind=self.kind, cx=self.cx, cy=self.cy, cz=self.cz, sums=self.sums[: self.shape[0]], shape=self.shape
            )
            links = np.asarray(loops.get(self.sums[: self.shape[0]])).copy()
            links[0] = links[-1] = 0.0
            self.chain.prepare(links)

    def _plane_matrix(self) -> NDArray[Any]:
        """Matrix for corrections that are constant over each plane of the membrane: potential, content by plane."""
        count, size = self.planes, self.shape[1] * self.shape[2]

        def inner(array: Array, first: int, number: int) -> NDArray[Any]:
            part = np.asarray(self.loops.get(array[first * size : (first + number) * size]))
            return part.reshape(number, *self.shape[1:])[:, 1:-1, 1:-1].astype(self.summed)

        kind = np.real(inner(self.kind, 0, count + 2)).astype(np.uint8)
        c, e, im = inner(self.cx, 0, count + 1), inner(self.e, 0, count + 2), inner(self.im, 0, count + 2)
        crossing = ((kind[:-1] ^ kind[1:]) & 1).astype(bool)
        both = (kind[:-1] & kind[1:] & 2).astype(bool) & ~crossing
        gx, volume = self.geometry.gx[: count + 1, None, None], self.geometry.volume[: count + 2, None, None]
        stores = (kind & 2).astype(bool)
        bulk = np.where(crossing, 0.0, c).sum(axis=(1, 2))
        reaction = np.where(crossing, c, 0.0).sum(axis=(1, 2))
        mobile = np.where(both, (e[:-1] + e[1:]) * gx, 0.0).sum(axis=(1, 2))
        stored = np.asarray(self.loops.get(self.storage))[kind] * volume * im
        matrix = np.zeros((2 * count, 2 * count), self.summed)
        for face in range(count + 1):
            ends = [after - 1 for after in (face, face + 1) if 1 <= after <= count]
            for plane in ends:
                salt = stores[plane + 1].any()
                matrix[2 * plane, 2 * plane] += bulk[face] + reaction[face]
                if salt:
                    matrix[2 * plane + 1, 2 * plane + 1] += mobile[face] + reaction[face]
                    matrix[2 * plane, 2 * plane + 1] += reaction[face]
                    matrix[2 * plane + 1, 2 * plane] += reaction[face]
                for other in ends:
                    if other != plane:
                        matrix[2 * plane, 2 * other] -= bulk[face]
                        if salt:
                            matrix[2 * plane + 1, 2 * other + 1] -= mobile[face]
        for plane in range(count):
            if stores[plane + 1].any():
                matrix[2 * plane + 1, 2 * plane + 1] += stored[plane + 1].sum()
            else:
                matrix[2 * plane + 1, 2 * plane + 1] = 1.0
        return matrix

    def _correct_clusters(self, potential: Any) -> None:
        """Correct by a constant over each cluster of additive.

        It conducts up to a million times better than the active material around it, so that neither smoothing nor the
        aggregates, which take several clusters and active material together, see the potential of one by itself.
        """
        if self.clusters is None or self.ideal:
            return
        places, starts = self.clusters
        self.loops.correct_clusters(**self.smooth(), plate=potential, places=places, starts=starts, links=self.links)
        self.loops.wrap(v=self.zv, shape=self.shape, **self.named_wraps)

    def _correct_planes(self, potential: Any) -> None:
        """Correct by a constant over each plane of the membrane.

        Its planes grow away from the composite, so that voxels there are much longer than wide and neither smoothing
        nor coarsening along x sees what is constant over a plane and changes from plane to plane.
        """
        if not self.planes:
            return
        loops, planes = self.loops, self.planes
        loops.restrict_planes(**self.smooth(), plate=potential, planes=planes, sums=self.plane_sums)
        values = self.plane_inverse @ np.asarray(loops.get(self.plane_sums)).astype(self.summed)
        values = loops.put(values.astype(self.dtype))
        loops.prolong_planes(v=self.zv, w=self.zw, shape=self.shape, planes=planes, values=values)

    def _dense(self) -> NDArray[Any]:
        """Matrix of the coarsest level, the collector's potential last."""
        level = self.levels[-1]
        a = np.asarray(self.loops.get(level.a)).astype(self.summed).reshape(-1)
        if self.pattern is None:
            self.pattern = self._pattern(a)
        place, sign, coefficient = self.pattern
        edge = 4 * math.prod(count - 2 for count in level.shape) + 1
        matrix = np.zeros((edge, edge), self.summed)
        np.add.at(matrix.reshape(-1), place, sign * a[coefficient])
        if not self.floating:
            matrix[-1, :] = matrix[:, -1] = 0.0
        empty = np.flatnonzero(matrix.diagonal() == 0.0)
        matrix[empty, empty] = 1.0
        return matrix

    def _pattern(self, a: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Which coefficient goes where in the matrix of the coarsest level, and with which sign; it stays the same."""
        level = self.levels[-1]
        inner: Any = tuple(edge - 2 for edge in level.shape)
        cells = int(np.prod(inner))
        number = np.full(level.shape, -1)
        number[1:-1, 1:-1, 1:-1] = np.arange(cells).reshape(inner)
        for axis, wrap in ((1, self.wraps[0]), (2, self.wraps[1])):
            if wrap:
                ends = np.moveaxis(number, axis, 0)
                ends[0], ends[-1] = ends[-2].copy(), ends[1].copy()
        first = np.arange(a.size // COEFFICIENTS).reshape(level.shape) * COEFFICIENTS
        own = first[1:-1, 1:-1, 1:-1].ravel()
        plate = 4 * cells
        entries: list[tuple[int, float, int]] = []

        def parts(cell: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
            """Unknowns of a cell: electronic potential and content, ionic potential and content."""
            if cell < 0:
                return (), (), (), ()
            unknown = 4 * cell
            content = (unknown + 1,) if a[own[cell] + CS] != 0.0 else ()
            salt = (unknown + 3,) if a[own[cell] + CE] != 0.0 else ()
            return () if self.ideal else (unknown,), content, (unknown + 2,), salt

        def link(here: tuple[int, ...], there: tuple[int, ...], coefficient: int) -> None:
            """Put a conductance between two sums of unknowns; an empty sum is fixed at 0."""
            signed = [(unknown, 1.0) for unknown in here] + [(unknown, -1.0) for unknown in there]
            for own_row, sign in signed:
                for other, opposite in signed:
                    entries.append((own_row * (plate + 1) + other, sign * opposite, coefficient))

        for cell in range(cells):
            s, d, e, f = parts(cell)
            link((*s, *d, plate), (*e, *f), own[cell] + GIN)
            link(d, (), own[cell] + CS)
            link(f, (), own[cell] + CE)
        for axis in range(3):
            faces: Any = tuple(slice(0 if other == axis else 1, -1) for other in range(3))
            for offset in np.ndindex(number[faces].shape):
                index = tuple(place + (other != axis) for other, place in enumerate(offset))
                after = tuple(place + (other == axis) for other, place in enumerate(index))
                if axis > 0 and index[axis] == 0:
                    continue  # the same face as the one at the other end
                s0, d0, e0, f0 = parts(int(number[index]))
                s1, d1, e1, f1 = parts(int(number[after]))
                here = int(first[index])
                link(s0, s1, here + KS + axis)
                link(d0, d1, here + DS + axis)
                link(e0, e1, here + KE + axis)
                link(f0, f1, here + DE + axis)
                lithium = index[0] == 0  # its potential is 0, not relative to the collector's
                link((*s0, *d0) if lithium else (*s0, *d0, plate), (*e1, *f1), here + GSE + axis)
                link((*e0, *f0), (*s1, *d1, plate), here + GES + axis)
        place, sign, coefficient = zip(*entries, strict=True)
        return np.array(place, np.int64), np.array(sign), np.array(coefficient, np.int64)

    def solve(self, plate: Any, tolerance: float, most: int = 60) -> Linear:
        """Solve for the increments that remove the residual rv, rw, and ru of a network of planes (it is used up).

        Parameters
        ----------
        plate : number
            Residual of the collector's row: the current set less the current that crosses the interfaces; 0 where
            the collector's potential is fixed.
        tolerance : float
            Of the residual in the norm of the preconditioner, relative to the start.
        most : int
            Iterations.
        """
        loops, shape = self.loops, self.shape
        directions: Any = {"pv": self.pv, "pw": self.pw}
        product: Any = {"av": self.zv, "aw": self.zw}  # where the preconditioned residual is no longer needed
        loops.fill(self.dv, 0.0)
        loops.fill(self.dw, 0.0)
        loops.fill(self.pv, 0.0)
        loops.fill(self.pw, 0.0)
        self.plate = self.pplate = 0.0 * plate
        pu = np.zeros_like(self.ru)
        self.du = np.zeros_like(self.ru)
        left = plate
        rz = start = 0.0
        iterations = 0
        for iterations in range(most + 1):
            zplate = self.precondition(left)
            loops.dot(a=self.rv, b=self.zv, c=self.rw, d=self.zw, sums=self.sums[: shape[0]], shape=shape)
            now = self._sum(self.sums[: shape[0]]) + left * zplate
            zu = self._join_planes()
            now = now + (self.ru * zu).sum()
            start = start or abs(now)
            if not np.isfinite(now) or abs(now) <= tolerance**2 * start or now == 0.0:
                break
            if iterations == most:
                break
            beta = now / rz if rz else 0.0 * now
            rz = now
            loops.redirect(**directions, zv=self.zv, zw=self.zw, beta=self.dtype(beta), shape=shape)
            self.pplate = zplate + beta * self.pplate
            pu = zu + beta * pu
            loops.matvec(
                **self.network(), v=self.pv, w=self.pw, plate=self.dtype(self.pplate), **product, sums=self.sums,
                ideal=self.ideal,
            )  # fmt: skip
            planes = np.asarray(loops.get(self.sums)).reshape(-1, 2)
            energy, row = planes[1:-1].sum(axis=0)
            along = pu if self.chain is None else self.chain.product(pu)
            curvature = energy + self.pplate * row + (pu * along).sum()
            if curvature == 0.0 or not np.isfinite(curvature):
                now = np.nan  # nothing conducts, or the state is no longer one
                break
            alpha = rz / curvature
            loops.step(
                **directions, **product, dv=self.dv, dw=self.dw, rv=self.rv, rw=self.rw, alpha=self.dtype(alpha),
                shape=shape,
            )  # fmt: skip
            self.plate = self.plate + alpha * self.pplate
            if self.chain is not None:
                self.du = self.du + alpha * pu
                self.ru = self.ru - alpha * (self.rows(planes) + along)
            if self.floating:
                left = left - alpha * row
        relative = float(np.sqrt(abs(now) / start)) if start else 0.0
        return Linear(iterations, relative, bool(np.isfinite(now)) and relative <= tolerance)

    @staticmethod
    def rows(planes: NDArray[Any]) -> NDArray[Any]:
        """Current from each plane into the electrolyte, of the sums of `loops.matvec`; none of the lithium's."""
        crossing = planes[:, 1].copy()
        crossing[0] = crossing[-1] = 0.0
        return crossing

    def _join_planes(self) -> NDArray[Any]:
        """Precondition the rows of a network of planes, and put the result on the electronic voxels of zv."""
        if self.chain is None:
            return np.zeros_like(self.ru)
        zu = self.chain.precondition(self.ru)
        self.loops.set_planes(kind=self.kind, v=self.zv, values=self.loops.put(zu.astype(self.dtype)), shape=self.shape)
        return zu

    def _sum(self, sums: Array) -> Any:
        return np.asarray(self.loops.get(sums))[1:-1].sum()

    def network(self) -> dict[str, Any]:
        """Return the coefficients on the finest level and its geometry, as arguments of the loops."""
        return {
            "kind": self.kind, "cx": self.cx, "cy": self.cy, "cz": self.cz, "e": self.e, "im": self.im,
            "storage": self.storage, **self.g._asdict(), "shape": self.shape,
        }  # fmt: skip

    def smooth(self) -> dict[str, Any]:
        """Return the network, the residual and the increments that are to remove it, as arguments of the loops."""
        return {**self.network(), "bv": self.rv, "bw": self.rw, "v": self.zv, "w": self.zw}

    def precondition(self, plate: Any) -> Any:
        """One V-cycle on the residual, into zv, zw; returns the collector's part."""
        loops, wraps = self.loops, self.named_wraps
        smooth = {**self.smooth(), "ideal": self.ideal}
        loops.fill(self.zv, 0.0)
        loops.fill(self.zw, 0.0)
        for _ in range(SWEEPS):
            for colour in (0, 1):
                loops.relax(**smooth, plate=self.dtype(0.0), colour=colour, **wraps)
        self._correct_planes(self.dtype(0.0))
        self._correct_clusters(self.dtype(0.0))
        coarse = self.levels[0]
        first = 1 if self.planes or self.clusters is not None else self.first
        loops.restrict(**smooth, coarse=coarse.b, **coarse.aggregates, first=first, plates=coarse.plates)
        correction = self.cycle(0, plate + self._sum(coarse.plates))
        potential = self.dtype(correction)
        loops.prolong(
            kind=self.kind, v=self.zv, w=self.zw, shape=self.shape, coarse=coarse.f, **coarse.aggregates, **wraps
        )
        loops.set_lithium(v=self.zv, value=-potential, shape=self.shape)
        self._correct_clusters(potential)
        self._correct_planes(potential)
        for _ in range(SWEEPS):
            for colour in (1, 0):
                loops.relax(**smooth, plate=potential, colour=colour, **wraps)
        return correction

    def cycle(self, index: int, plate: Any) -> Any:
        """One V-cycle from a coarser level on; returns the collector's part."""
        loops, level, wraps = self.loops, self.levels[index], self.named_wraps
        if index == len(self.levels) - 1:
            return self.direct(level, plate)
        smooth = {**level.smooth, "ideal": self.ideal}
        loops.fill(level.f, 0.0)
        for _ in range(SWEEPS):
            for colour in (0, 1):
                loops.cell_relax(**smooth, plate=self.dtype(0.0), colour=colour, **wraps)
        coarse = self.levels[index + 1]
        loops.cell_restrict(**smooth, coarse=coarse.b, **coarse.aggregates, plates=coarse.plates)
        correction = self.cycle(index + 1, plate + self._sum(coarse.plates))
        potential = self.dtype(correction)
        loops.cell_prolong(f=level.f, shape=level.shape, coarse=coarse.f, **coarse.aggregates, **wraps)
        loops.set_lithium_cells(f=level.f, value=-potential, shape=level.shape)
        for _ in range(SWEEPS):
            for colour in (1, 0):
                loops.cell_relax(**smooth, plate=potential, colour=colour, **wraps)
        return correction

    def direct(self, level: _Level, plate: Any) -> Any:
        """Solve the coarsest level; returns the collector's potential."""
        inner = (slice(1, -1),) * 3
        b = np.asarray(self.loops.get(level.b)).reshape(*level.shape, 4)[inner]
        right = np.append(b.astype(self.summed).ravel(), plate if self.floating else 0.0)
        solution = self.inverse @ right
        f: NDArray[Any] = np.zeros((*level.shape, 4), self.dtype)
        f[inner] = solution[:-1].reshape(b.shape)
        for axis, wrap in ((1, self.wraps[0]), (2, self.wraps[1])):
            if wrap:
                ends = np.moveaxis(f, axis, 0)
                ends[0], ends[-1] = ends[-2].copy(), ends[1].copy()
        self.loops.assign(level.f, f.reshape(-1, 4))
        return solution[-1] if self.floating else 0.0
