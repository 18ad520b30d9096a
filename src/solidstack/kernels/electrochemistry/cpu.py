"""Loops of charge and discharge on the CPU; `solidstack.kernels.electrochemistry.voxel` describes the arrays.

As in `solidstack.kernels.conduction.cpu`, loops run in parallel over the planes of axis 0, return sums plane by plane,
so that no result depends on the number of threads, and renew the ghosts of what they write.
"""

import numba
import numpy as np

from ..devices import padded
from ..devices.compiled import compiled
from ..devices.cpu import called, fill, get, inlined, loop, put, wrap, wrap_plane, zeros
from . import balance, cells, reaction, state, voxel
from .voxel import ELECTRONIC, SHIFT, STORES

__all__ = [
    "add", "assign", "cell_coarsen", "cell_prolong", "cell_relax", "cell_restrict", "cluster_links", "coarsen",
    "contents", "copy", "correct", "correct_clusters", "deviation", "dissipation", "dot", "faces", "fill", "get",
    "matvec", "nodes", "plane_links", "predict", "prolong", "prolong_planes", "put", "redirect", "relax", "residual",
    "restrict", "restrict_planes", "set_lithium", "set_lithium_cells", "set_planes", "settle", "step", "subtract",
    "wrap", "zeros",
]  # fmt: skip

_physics = compiled(padded, voxel, state, reaction, balance, cells, inlined=inlined, called=called)
set_properties = _physics.set_properties
correct_voxel = _physics.correct_voxel
settle_voxel = _physics.settle_voxel
predict_voxel = _physics.predict_voxel
deviate = _physics.deviate
join_voxel = _physics.join_voxel
dissipate = _physics.dissipate
balance_voxel = _physics.balance_voxel
relax_voxel = _physics.relax_voxel
left_over_at = _physics.left_over_at
apply_voxel = _physics.apply_voxel
is_relaxed = _physics.is_relaxed
prolong_voxel = _physics.prolong_voxel
link_outside = _physics.link_outside
interfaces_of = _physics.interfaces_of
relax_cell = _physics.relax_cell
cell_left_over_at = _physics.cell_left_over_at
coarsen_cell = _physics.coarsen_cell
coarsen_cells = _physics.coarsen_cells
prolong_cell = _physics.prolong_cell


# the state and its equations


@loop
def nodes(kind, x, tables, most, beta, least_slope, sigma, j0, s, im, e, anew, shape):  # type: ignore[no-untyped-def]
    """Properties of every voxel by its content: the content's part s of y and dx/dy; conductivity, j0 and mobility.

    ``beta`` (by material) above 0 marks an electrolyte with salt, where s is beta ln x. ``anew``: the last three too,
    which a time step takes at the contents that were predicted for it. They may change by decades with the content,
    and with them held every row is the gradient of one energy, so that the network is symmetric.
    """
    mx, my, mz = shape
    for i in numba.prange(0, mx):
        for p in range(i * my * mz, (i + 1) * my * mz):
            set_properties(kind, x, tables, most, beta, least_slope, sigma, j0, s, im, e, anew, p)


@loop
def faces(  # type: ignore[no-untyped-def]
    kind, phi, ax, ay, az, alpha, sigma, j0, s, e, cx, cy, cz, jx, jy, jz, plate, lithium, resistance, f, ideal,
    lengths, hy, hz, scale, shape,
):  # fmt: skip
    """Conductances of all faces (of interfaces: the slope of their current), and the currents of interfaces.

    ``ax``, ``ay``, ``az``: area of the interface in the face behind each voxel, m2. ``lengths``: edge of the voxels of
    each plane along x. A current counts from the electronic to the ionic side.
    """
    mx, my, mz = shape
    for behind in numba.prange(1, mx):
        i = behind - 1  # a range from 0 has an unsigned index, which does not mix with signed ones
        for j in range(my - 1):
            for k in range(mz - 1):
                join_voxel(
                    kind, phi, ax, ay, az, alpha, sigma, j0, s, e, cx, cy, cz, jx, jy, jz, plate, lithium, resistance,
                    f, ideal, lengths, hy, hz, scale, shape, i, j, k,
                )  # fmt: skip


@loop
def residual(  # type: ignore[no-untyped-def]
    kind, phi, x, x1, x2, a0, a1, a2, storage, cx, cy, cz, jx, jy, jz, s, e, bv, bw, sums, ideal, gx, gy, gz,
    volume, shape,
):  # fmt: skip
    """What is left over of both rows, and sums by plane.

    ``a0``, ``a1``, ``a2``: weights of the content now and at the two times before in its rate of change (1/s).
    ``storage``: charge per volume by kind over ``scale``. ``sums``: columns absolute residuals, residuals of the
    potential rows in electronic and in ionic voxels, current from active material to electrolyte, from the collector,
    absolute current of interfaces.
    """
    mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for i in numba.prange(1, mx - 1):
        totals = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(1, my - 1):
            for k in range(1, mz - 1):
                totals = balance_voxel(
                    kind, phi, x, x1, x2, a0, a1, a2, storage, cx, cy, cz, jx, jy, jz, s, e, bv, bw, ideal, gx, gy, gz,
                    volume, i, np.uint64((i * my + j) * mz + k), sx, sy, mx - 2, totals,
                )  # fmt: skip
        for column in range(6):
            sums[6 * i + column] = totals[column]


@loop
def correct(kind, phi, x, dv, dw, im, most, sums, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Take a step of Newton's method; contents go at most nine tenths of their way to a bound.

    ``sums``: by plane the largest change of a potential and of a content.
    """
    mx, my, mz = shape
    for i in numba.prange(1, mx - 1):
        largest_v = largest_x = 0.0
        for j in range(1, my - 1):
            for k in range(1, mz - 1):
                p = (i * my + j) * mz + k
                largest_v, largest_x = correct_voxel(kind, phi, x, dv, dw, im, most, p, largest_v, largest_x)
        wrap_plane(phi, i, my, mz, wrap_y, wrap_z)
        wrap_plane(x, i, my, mz, wrap_y, wrap_z)
        sums[2 * i] = largest_v
        sums[2 * i + 1] = largest_x


@loop
def settle(kind, x, bw, storage, a0, volume, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Put what is left over of the rows of content into it: what is stored is then what passed, to rounding."""
    mx, my, mz = shape
    for i in numba.prange(1, mx - 1):
        for j in range(1, my - 1):
            for k in range(1, mz - 1):
                settle_voxel(kind, x, bw, storage, a0, volume, i, (i * my + j) * mz + k)
        wrap_plane(x, i, my, mz, wrap_y, wrap_z)


@loop
def predict(kind, x, x1, x2, phi, phi1, phi2, ratio, most, shape):  # type: ignore[no-untyped-def]
    """Extrapolate content and potential from the two times before, by ``ratio`` times their last change."""
    mx, my, mz = shape
    for i in numba.prange(0, mx):
        for p in range(i * my * mz, (i + 1) * my * mz):
            predict_voxel(kind, x, x1, x2, phi, phi1, phi2, ratio, most, p)


@loop
def deviation(kind, x, x1, x2, ratio, most, storage, volume, sums, shape):  # type: ignore[no-untyped-def]
    """Sums by plane of the squared distance of the content from `predict`, by volume of storage, and of that volume."""
    mx, my, mz = shape
    for i in numba.prange(1, mx - 1):
        total = whole = 0.0
        for j in range(1, my - 1):
            for k in range(1, mz - 1):
                p = (i * my + j) * mz + k
                total, whole = deviate(kind, x, x1, x2, ratio, most, storage, volume, i, p, total, whole)
        sums[2 * i] = total
        sums[2 * i + 1] = whole


@loop
def contents(kind, x, volume, sums, shape):  # type: ignore[no-untyped-def]
    """Sums by plane and material of content times volume, and the least content; materials in columns."""
    mx, my, mz = shape
    count = sums.shape[0] // mx // 2
    for i in numba.prange(1, mx - 1):
        for m in range(count):
            sums[2 * (i * count + m)] = 0.0
            sums[2 * (i * count + m) + 1] = 1e30
        for j in range(1, my - 1):
            for k in range(1, mz - 1):
                p = (i * my + j) * mz + k
                here = kind[p]
                if here & STORES:
                    q = 2 * (i * count + (here >> SHIFT) - 1)
                    sums[q] += x[p] * volume[i]
                    sums[q + 1] = min(sums[q + 1], x[p])


@loop
def dissipation(  # type: ignore[no-untyped-def]
    kind, phi, ax, ay, az, alpha, sigma, j0, s, e, cx, cy, cz, plate, lithium, resistance, f, ideal, lengths,
    hy, hz, scale, membrane, sums, shape,
):  # fmt: skip
    """Where the power goes, by plane, in V times ``scale``; the first ``membrane`` planes are the membrane.

    Columns: ions in the composite, ions in the membrane, electrons, charge transfer, diffusion to the face, salt,
    lithium, current times equilibrium potential at the surface.
    """
    mx, my, mz = shape
    for behind in numba.prange(1, mx):
        i = behind - 1
        totals = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(my - 1):
            for k in range(mz - 1):
                totals = dissipate(
                    kind, phi, ax, ay, az, alpha, sigma, j0, s, e, cx, cy, cz, plate, lithium, resistance, f, ideal,
                    lengths, hy, hz, scale, membrane, shape, i, j, k, totals,
                )  # fmt: skip
        for column in range(8):
            sums[8 * i + column] = totals[column]


# the linear network on voxels


@loop
def relax(  # type: ignore[no-untyped-def]
    kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, colour, ideal, gx, gy, gz, volume, shape, wrap_y, wrap_z
):
    """Gauss-Seidel on the voxels of one colour (the parity of i + j + k), both rows of a voxel at once."""
    mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for i in numba.prange(1, mx - 1):
        for j in range(1, my - 1):
            start = (i * my + j) * mz
            for k in range(1 + ((colour + i + j) & 1), mz - 1, 2):
                p = np.uint64(start + k)
                relax_voxel(
                    kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, ideal, gx, gy, gz, volume, i, p, sx, sy
                )
        wrap_plane(v, i, my, mz, wrap_y, wrap_z)
        wrap_plane(w, i, my, mz, wrap_y, wrap_z)


@loop
def matvec(kind, cx, cy, cz, e, im, storage, v, w, plate, av, aw, sums, ideal, gx, gy, gz, volume, shape):  # type: ignore[no-untyped-def]
    """Apply the network to (v, w) and the collector's potential; by plane: v av + w aw, and the collector's row."""
    mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for i in numba.prange(1, mx - 1):
        energy = sums[0] * 0.0
        crossing = sums[0] * 0.0
        for j in range(1, my - 1):
            start = (i * my + j) * mz
            for k in range(1, mz - 1):
                p = np.uint64(start + k)
                energy, crossing = apply_voxel(
                    kind, cx, cy, cz, e, im, storage, v, w, plate, av, aw, ideal, gx, gy, gz, volume, i, p, sx, sy,
                    0, energy, crossing,
                )  # fmt: skip
        sums[2 * i] = energy
        sums[2 * i + 1] = crossing


@loop
def restrict(  # type: ignore[no-untyped-def]
    kind, cx, cy, cz, e, im, storage, bv, bw, v, w, ideal, gx, gy, gz, volume, shape, coarse, coarse_shape,
    halved, first, plates,
):  # fmt: skip
    """Sum the residual over aggregates; ``first`` 2 leaves out the voxels of colour 1, whose residual is 0.

    ``plates``: by coarse plane, what remains of the collector's row (its potential being 0).
    """
    mx, my, mz = shape
    cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for ci in numba.prange(1, cmx - 1):
        coarse[ci * cmy * cmz : (ci + 1) * cmy * cmz] = 0.0
        plate = v[0] * 0
        for i in range(((ci - 1) << hx) + 1, min(ci << hx, mx - 2) + 1):
            for j in range(1, my - 1):
                start = (i * my + j) * mz
                coarse_row = (ci * cmy + ((j - 1) >> hy) + 1) * cmz + 1
                for k in range(1, mz - 1):
                    p = np.uint64(start + k)
                    here = kind[p]
                    if not here or is_relaxed(here, i + j + k + 1, first):
                        continue
                    rv, rw, reaction = left_over_at(
                        kind, cx, cy, cz, e, im, storage, bv, bw, v, w, v[0] * 0, gx, gy, gz, volume, i, p, sx, sy
                    )
                    q = coarse_row + ((k - 1) >> hz)
                    if here & ELECTRONIC:
                        plate += reaction
                        if not ideal:
                            coarse[q, 0] += rv
                        coarse[q, 1] += rw
                    else:
                        coarse[q, 2] += rv
                        coarse[q, 3] += rw
        plates[ci] = plate


@loop
def restrict_planes(kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, gx, gy, gz, volume, shape, planes, sums):  # type: ignore[no-untyped-def]
    """Sum the residual over each of the first planes."""
    _mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for i in numba.prange(1, planes + 1):
        total_v = v[0] * 0
        total_w = v[0] * 0
        for j in range(1, my - 1):
            start = (i * my + j) * mz
            for k in range(1, mz - 1):
                p = np.uint64(start + k)
                rv, rw, _reaction = left_over_at(
                    kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, gx, gy, gz, volume, i, p, sx, sy
                )
                total_v += rv
                total_w += rw
        sums[2 * (i - 1)] = total_v
        sums[2 * (i - 1) + 1] = total_w


@loop
def prolong_planes(v, w, shape, planes, values):  # type: ignore[no-untyped-def]
    """Add a value to each of the first planes."""
    _mx, my, mz = shape
    for i in numba.prange(1, planes + 1):
        for p in range(i * my * mz, (i + 1) * my * mz):
            v[p] += values[2 * (i - 1)]
            w[p] += values[2 * (i - 1) + 1]


@loop
def plane_links(kind, cx, cy, cz, sums, shape):  # type: ignore[no-untyped-def]
    """Conductance of the interfaces of the electronic voxels of each plane."""
    mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for i in numba.prange(1, mx - 1):
        total = sums[0] * 0.0
        for j in range(1, my - 1):
            for k in range(1, mz - 1):
                total += interfaces_of(kind, cx, cy, cz, np.uint64((i * my + j) * mz + k), sx, sy)
        sums[i] = total


@loop
def set_planes(kind, v, values, shape):  # type: ignore[no-untyped-def]
    """Set the electronic voxels of each plane to a value, ghosts beside included."""
    mx, my, mz = shape
    for i in numba.prange(1, mx - 1):
        for p in range(i * my * mz, (i + 1) * my * mz):
            if kind[p] & ELECTRONIC:
                v[p] = values[i]


@loop
def cluster_links(kind, cx, cy, cz, places, starts, links, shape):  # type: ignore[no-untyped-def]
    """Conductance from each cluster of additive to other electronic conductors."""
    _mx, my, mz = shape
    for cluster in numba.prange(0, starts.shape[0] - 1):
        total = 0.0
        for place in range(starts[cluster], starts[cluster + 1]):
            total = link_outside(kind, cx, cy, cz, places[place], my * mz, mz, total)
        links[cluster] = total


@loop
def correct_clusters(  # type: ignore[no-untyped-def]
    kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, gx, gy, gz, volume, shape, places, starts, links
):
    """Shift the potential of each cluster of additive so that what is left over of it vanishes in sum.

    Clusters do not touch each other, so that each is solved by itself.
    """
    _mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for cluster in numba.prange(0, starts.shape[0] - 1):
        total = v[0] * 0
        for place in range(starts[cluster], starts[cluster + 1]):
            p = np.uint64(places[place])
            i = places[place] // (my * mz)
            rv, _rw, _reaction = left_over_at(
                kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, gx, gy, gz, volume, i, p, sx, sy
            )
            total += rv
        if links[cluster] != 0.0:
            shift = total / links[cluster]
            for place in range(starts[cluster], starts[cluster + 1]):
                v[places[place]] += shift


@loop
def prolong(kind, v, w, shape, coarse, coarse_shape, halved, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Add the correction of its aggregate to each voxel."""
    mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for i in numba.prange(1, mx - 1):
        for j in range(1, my - 1):
            start = (i * my + j) * mz
            coarse_row = ((((i - 1) >> hx) + 1) * cmy + ((j - 1) >> hy) + 1) * cmz + 1
            for k in range(1, mz - 1):
                prolong_voxel(kind, v, w, coarse, start + k, coarse_row + ((k - 1) >> hz))
        wrap_plane(v, i, my, mz, wrap_y, wrap_z)
        wrap_plane(w, i, my, mz, wrap_y, wrap_z)


@loop
def coarsen(kind, cx, cy, cz, e, im, storage, gx, gy, gz, volume, shape, a, coarse_shape, halved):  # type: ignore[no-untyped-def]
    """Coefficients of the aggregates."""
    cmx, cmy, cmz = coarse_shape
    for behind in numba.prange(1, cmx):
        ci = behind - 1
        a[ci * cmy * cmz : (ci + 1) * cmy * cmz] = 0.0
        for cj in range(cmy - 1):
            for ck in range(cmz - 1):
                coarsen_cell(
                    kind, cx, cy, cz, e, im, storage, gx, gy, gz, volume, shape, a, coarse_shape, halved, ci, cj, ck
                )


# the linear network on coarse cells


@loop
def cell_relax(a, b, f, plate, colour, ideal, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """As `relax`, on a coarser level."""
    mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for i in numba.prange(1, mx - 1):
        for j in range(1, my - 1):
            start = (i * my + j) * mz
            for k in range(1 + ((colour + i + j) & 1), mz - 1, 2):
                relax_cell(a, b, f, plate, ideal, np.uint64(start + k), sx, sy)
        wrap_plane(f, i, my, mz, wrap_y, wrap_z)


@loop
def cell_restrict(a, b, f, ideal, shape, coarse, coarse_shape, halved, plates):  # type: ignore[no-untyped-def]
    """As `restrict`, on a coarser level."""
    mx, my, mz = shape
    cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for ci in numba.prange(1, cmx - 1):
        coarse[ci * cmy * cmz : (ci + 1) * cmy * cmz] = 0.0
        plate = f[0, 0] * 0
        for i in range(((ci - 1) << hx) + 1, min(ci << hx, mx - 2) + 1):
            for j in range(1, my - 1):
                start = (i * my + j) * mz
                coarse_row = (ci * cmy + ((j - 1) >> hy) + 1) * cmz + 1
                for k in range(1, mz - 1):
                    sv, sw, ev, ew, reaction = cell_left_over_at(
                        a, b, f, f[0, 0] * 0, ideal, np.uint64(start + k), sx, sy
                    )
                    q = coarse_row + ((k - 1) >> hz)
                    plate += reaction
                    coarse[q, 0] += sv
                    coarse[q, 1] += sw
                    coarse[q, 2] += ev
                    coarse[q, 3] += ew
        plates[ci] = plate


@loop
def cell_prolong(f, shape, coarse, coarse_shape, halved, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """As `prolong`, on a coarser level; parts that a cell does not have get a value too, which nothing reads."""
    mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for i in numba.prange(1, mx - 1):
        for j in range(1, my - 1):
            start = (i * my + j) * mz
            coarse_row = ((((i - 1) >> hx) + 1) * cmy + ((j - 1) >> hy) + 1) * cmz + 1
            for k in range(1, mz - 1):
                prolong_cell(f, coarse, start + k, coarse_row + ((k - 1) >> hz))
        wrap_plane(f, i, my, mz, wrap_y, wrap_z)


@loop
def cell_coarsen(fine, shape, a, coarse_shape, halved):  # type: ignore[no-untyped-def]
    """As `coarsen`, from a coarser level."""
    cmx, cmy, cmz = coarse_shape
    for behind in numba.prange(1, cmx):
        ci = behind - 1
        a[ci * cmy * cmz : (ci + 1) * cmy * cmz] = 0.0
        for cj in range(cmy - 1):
            for ck in range(cmz - 1):
                coarsen_cells(fine, shape, a, coarse_shape, halved, ci, cj, ck)


# the collector's potential behind the first plane


@loop
def set_lithium(v, value, shape):  # type: ignore[no-untyped-def]
    """Set the potential behind the first plane, relative to the collector's."""
    _mx, my, mz = shape
    for p in numba.prange(0, my * mz):
        v[p] = value


def set_lithium_cells(f, value, shape):  # type: ignore[no-untyped-def]
    """As `set_lithium`, on a coarser level."""
    f[: shape[1] * shape[2], 0] = value


# vectors


def copy(source, target):  # type: ignore[no-untyped-def]
    """Copy an array into one of another precision."""
    target[:] = source


def add(array, other):  # type: ignore[no-untyped-def]
    """Add an array of another precision."""
    array += other


def subtract(array, other):  # type: ignore[no-untyped-def]
    """Subtract an array of another precision."""
    array -= other.astype(array.dtype)


def assign(array, values):  # type: ignore[no-untyped-def]
    """Fill an array with values from the host."""
    array[:] = values


@loop
def dot(a, b, c, d, sums, shape):  # type: ignore[no-untyped-def]
    """Sums per plane of a b + c d, without the ghosts."""
    mx, my, mz = shape
    for i in numba.prange(1, mx - 1):
        total = sums[0] * 0.0
        for j in range(1, my - 1):
            start = (i * my + j) * mz
            for k in range(1, mz - 1):
                total += a[start + k] * b[start + k] + c[start + k] * d[start + k]
        sums[i] = total


@loop
def redirect(pv, pw, zv, zw, beta, shape):  # type: ignore[no-untyped-def]
    """Set p to z + beta p, ghosts included."""
    mx, my, mz = shape
    for i in numba.prange(0, mx):
        for q in range(i * my * mz, (i + 1) * my * mz):
            pv[q] = zv[q] + beta * pv[q]
            pw[q] = zw[q] + beta * pw[q]


@loop
def step(pv, pw, av, aw, dv, dw, rv, rw, alpha, shape):  # type: ignore[no-untyped-def]
    """Step the solution d by alpha p and the residual r by -alpha A p."""
    mx, my, mz = shape
    for i in numba.prange(1, mx - 1):
        for q in range(i * my * mz, (i + 1) * my * mz):
            dv[q] += alpha * pv[q]
            dw[q] += alpha * pw[q]
            rv[q] -= alpha * av[q]
            rw[q] -= alpha * aw[q]
