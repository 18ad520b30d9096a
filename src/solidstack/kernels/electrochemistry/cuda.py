"""The loops of `solidstack.kernels.electrochemistry.cpu` on a CUDA device: same functions, same names and arguments.

A block of threads sums one plane in a fixed order, so that results repeat exactly; a cluster of additive is summed by a
block as well. What needs no sums runs over all voxels at once.
"""

from typing import Any

import numpy as np

from ..devices import padded
from ..devices.compiled import compiled
from ..devices.cuda import (
    MOST_BLOCKS,
    THREADS,
    aggregates_behind,
    behind,
    behind_on_device,
    block_functions,
    by_block,
    coloured_voxel,
    cuda,
    device,
    fill,
    get,
    half,
    half_on_device,
    inner,
    inner_on_device,
    inner_voxel,
    lines,
    over,
    plane_voxel,
    planes,
    put,
    voxel_behind,
    voxels_of,
    wrap,
    wrap_line,
    zeros,
)
from . import balance, cells, reaction, state, voxel
from .cells import COEFFICIENTS
from .voxel import ELECTRONIC, SHIFT, STORES

__all__ = [
    "add", "assign", "cell_coarsen", "cell_prolong", "cell_relax", "cell_restrict", "cluster_links", "coarsen",
    "contents", "copy", "correct", "correct_clusters", "deviation", "dissipation", "dot", "faces", "fill", "get",
    "matvec", "nodes", "plane_links", "predict", "prolong", "prolong_planes", "put", "redirect", "relax", "residual",
    "restrict", "restrict_planes", "set_lithium", "set_lithium_cells", "set_planes", "settle", "step", "subtract",
    "wrap", "zeros",
]  # fmt: skip

total_of_block, sum_block, largest_of_block = block_functions(globals())
_physics = compiled(padded, voxel, state, reaction, balance, cells, inlined=device, called=device)
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


# sizes of grids, and what follows a kernel


def all_voxels(kind: Any) -> int:
    """Voxels with the ghosts."""
    return int(kind.size)


def size(array: Any) -> int:
    """Values of an array."""
    return int(array.size)


def first_planes(planes: int) -> int:
    """Planes of the membrane, a block each."""
    return planes


def planes_behind(shape: Any) -> int:
    """Planes, with the one before them."""
    return int(shape[0] - 1)


def coarse_planes(coarse_shape: Any) -> int:
    """Planes of aggregates without the ghosts."""
    return int(coarse_shape[0] - 2)


def clusters(links: Any) -> int:
    """Clusters of additive; beyond this number a block does several."""
    return min(int(links.size), MOST_BLOCKS)


def wrap_both(v: Any, w: Any, shape: Any, wrap_y: bool, wrap_z: bool) -> None:
    """Renew the ghosts of potential and content."""
    wrap_two(v=v, w=w, shape=shape, wrap_y=wrap_y, wrap_z=wrap_z)


def wrap_state(phi: Any, x: Any, shape: Any, wrap_y: bool, wrap_z: bool) -> None:
    """Renew the ghosts of the state."""
    wrap_two(v=phi, w=x, shape=shape, wrap_y=wrap_y, wrap_z=wrap_z)


def wrap_content(x: Any, shape: Any, wrap_y: bool, wrap_z: bool) -> None:
    """Renew the ghosts of the content."""
    wrap(v=x, shape=shape, wrap_y=wrap_y, wrap_z=wrap_z)


@over(lines)
def wrap_two(v, w, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Renew the ghosts of two arrays at once."""
    for q in range(cuda.grid(1), shape[0] * (shape[1] + shape[2]), cuda.gridsize(1)):
        wrap_line(v, q, shape, wrap_y, wrap_z)
        wrap_line(w, q, shape, wrap_y, wrap_z)


@over(lines)
def wrap_cells(f, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Renew the ghosts of the four unknowns of cells."""
    for q in range(cuda.grid(1), shape[0] * (shape[1] + shape[2]), cuda.gridsize(1)):
        for part in range(4):
            wrap_line(f[:, part], q, shape, wrap_y, wrap_z)


# the state and its equations


@over(all_voxels)
def nodes(kind, x, tables, most, beta, least_slope, sigma, j0, s, im, e, anew, shape):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Properties of every voxel by its content."""
    for p in range(cuda.grid(1), kind.size, cuda.gridsize(1)):
        set_properties(kind, x, tables, most, beta, least_slope, sigma, j0, s, im, e, anew, p)


@over(behind)
def faces(  # type: ignore[no-untyped-def]
    kind, phi, ax, ay, az, alpha, sigma, j0, s, e, cx, cy, cz, jx, jy, jz, plate, lithium, resistance, f, ideal,
    lengths, hy, hz, scale, shape,
):  # fmt: skip
    """Conductances of all faces, and the currents of interfaces."""
    for q in range(cuda.grid(1), behind_on_device(shape), cuda.gridsize(1)):
        i, j, k = voxel_behind(q, shape)
        join_voxel(
            kind, phi, ax, ay, az, alpha, sigma, j0, s, e, cx, cy, cz, jx, jy, jz, plate, lithium, resistance, f,
            ideal, lengths, hy, hz, scale, shape, i, j, k,
        )  # fmt: skip


@by_block(planes)
def residual(  # type: ignore[no-untyped-def]
    kind, phi, x, x1, x2, a0, a1, a2, storage, cx, cy, cz, jx, jy, jz, s, e, bv, bw, sums, ideal, gx, gy, gz,
    volume, shape,
):  # fmt: skip
    """What is left over of both rows, and sums by plane."""
    mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    i = cuda.blockIdx.x + 1
    totals = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        totals = balance_voxel(
            kind, phi, x, x1, x2, a0, a1, a2, storage, cx, cy, cz, jx, jy, jz, s, e, bv, bw, ideal, gx, gy, gz,
            volume, i, np.uint64(plane_voxel(i, q, shape)), sx, sy, mx - 2, totals,
        )  # fmt: skip
    for column in range(6):
        sum_block(totals[column], sums, 6 * i + column)


@by_block(planes, after=wrap_state)
def correct(kind, phi, x, dv, dw, im, most, sums, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Take a step of Newton's method; contents go at most nine tenths of their way to a bound."""
    _mx, my, mz = shape
    i = cuda.blockIdx.x + 1
    largest_v = largest_x = 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = plane_voxel(i, q, shape)
        largest_v, largest_x = correct_voxel(kind, phi, x, dv, dw, im, most, p, largest_v, largest_x)
    largest_of_block(largest_v, sums, 2 * i)
    largest_of_block(largest_x, sums, 2 * i + 1)


@over(inner, after=wrap_content)
def settle(kind, x, bw, storage, a0, volume, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Put what is left over of the rows of content into it: what is stored is then what passed, to rounding."""
    _mx, my, mz = shape
    for q in range(cuda.grid(1), inner_on_device(shape), cuda.gridsize(1)):
        i, j, k = inner_voxel(q, shape)
        settle_voxel(kind, x, bw, storage, a0, volume, i, (i * my + j) * mz + k)


@over(all_voxels)
def predict(kind, x, x1, x2, phi, phi1, phi2, ratio, most, shape):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Extrapolate content and potential from the two times before, by ``ratio`` times their last change."""
    for p in range(cuda.grid(1), kind.size, cuda.gridsize(1)):
        predict_voxel(kind, x, x1, x2, phi, phi1, phi2, ratio, most, p)


@by_block(planes)
def deviation(kind, x, x1, x2, ratio, most, storage, volume, sums, shape):  # type: ignore[no-untyped-def]
    """Sums by plane of the squared distance of the content from `predict`, by volume of storage, and of that volume."""
    _mx, my, mz = shape
    i = cuda.blockIdx.x + 1
    total = whole = 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = plane_voxel(i, q, shape)
        total, whole = deviate(kind, x, x1, x2, ratio, most, storage, volume, i, p, total, whole)
    sum_block(total, sums, 2 * i)
    sum_block(whole, sums, 2 * i + 1)


@by_block(planes)
def contents(kind, x, volume, sums, shape):  # type: ignore[no-untyped-def]
    """Sums by plane and material of content times volume, and the least content; materials in columns."""
    mx, my, mz = shape
    i = cuda.blockIdx.x + 1
    count = sums.shape[0] // mx // 2
    for m in range(count):
        total = 0.0
        fewest = 1e30
        for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
            p = plane_voxel(i, q, shape)
            here = kind[p]
            if here & STORES and (here >> SHIFT) == m + 1:
                total += x[p] * volume[i]
                fewest = min(fewest, x[p])
        place = 2 * (i * count + m)
        sum_block(total, sums, place)
        largest_of_block(-fewest, sums, place + 1)
        if cuda.threadIdx.x == 0:
            sums[place + 1] = -sums[place + 1]


@by_block(planes_behind)
def dissipation(  # type: ignore[no-untyped-def]
    kind, phi, ax, ay, az, alpha, sigma, j0, s, e, cx, cy, cz, plate, lithium, resistance, f, ideal, lengths,
    hy, hz, scale, membrane, sums, shape,
):  # fmt: skip
    """Where the power goes, by plane, in V times ``scale``; the first ``membrane`` planes are the membrane."""
    _mx, my, mz = shape
    i = cuda.blockIdx.x
    totals = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for q in range(cuda.threadIdx.x, (my - 1) * (mz - 1), THREADS):
        totals = dissipate(
            kind, phi, ax, ay, az, alpha, sigma, j0, s, e, cx, cy, cz, plate, lithium, resistance, f, ideal, lengths,
            hy, hz, scale, membrane, shape, i, q // (mz - 1), q % (mz - 1), totals,
        )  # fmt: skip
    for column in range(8):
        sum_block(totals[column], sums, 8 * i + column)


# the linear network on voxels


@over(half, after=wrap_both)
def relax(  # type: ignore[no-untyped-def]
    kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, colour, ideal, gx, gy, gz, volume, shape, wrap_y, wrap_z  # noqa: ARG001
):  # fmt: skip
    """Gauss-Seidel on the voxels of one colour, both rows of a voxel at once."""
    _mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for q in range(cuda.grid(1), half_on_device(shape), cuda.gridsize(1)):
        i, j, k = coloured_voxel(q, colour, shape)
        if k < mz - 1:
            p = np.uint64((i * my + j) * mz + k)
            relax_voxel(kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, ideal, gx, gy, gz, volume, i, p, sx, sy)


@by_block(planes)
def matvec(kind, cx, cy, cz, e, im, storage, v, w, plate, av, aw, sums, ideal, gx, gy, gz, volume, shape):  # type: ignore[no-untyped-def]
    """Apply the network to (v, w) and the collector's potential; by plane: v av + w aw, and the collector's row."""
    _mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    i = cuda.blockIdx.x + 1
    zero = v[0] - v[0]
    energy = sums[0] - sums[0]  # zeros of its type
    crossing = sums[0] - sums[0]
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        energy, crossing = apply_voxel(
            kind, cx, cy, cz, e, im, storage, v, w, plate, av, aw, ideal, gx, gy, gz, volume, i,
            np.uint64(plane_voxel(i, q, shape)), sx, sy, zero, energy, crossing,
        )  # fmt: skip
    sum_block(energy, sums, 2 * i)
    sum_block(crossing, sums, 2 * i + 1)


@by_block(coarse_planes)
def restrict(  # type: ignore[no-untyped-def]
    kind, cx, cy, cz, e, im, storage, bv, bw, v, w, ideal, gx, gy, gz, volume, shape, coarse, coarse_shape,
    halved, first, plates,
):  # fmt: skip
    """Sum the residual over aggregates; ``first`` 2 leaves out the voxels of colour 1, whose residual is 0."""
    _mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    ci = cuda.blockIdx.x + 1
    zero = v[0] - v[0]
    plate = zero
    for q in range(cuda.threadIdx.x, (cmy - 2) * (cmz - 2), THREADS):
        cj, ck = q // (cmz - 2) + 1, q % (cmz - 2) + 1
        along_x, along_y, along_z = voxels_of(ci, cj, ck, shape, halved)
        vs = ws = ve = we = zero
        for i in range(along_x[0], along_x[1] + 1):
            for j in range(along_y[0], along_y[1] + 1):
                for k in range(along_z[0], along_z[1] + 1):
                    p = np.uint64((i * my + j) * mz + k)
                    here = kind[p]
                    if not here or is_relaxed(here, i + j + k + 1, first):
                        continue
                    rv, rw, reaction = left_over_at(
                        kind, cx, cy, cz, e, im, storage, bv, bw, v, w, zero, gx, gy, gz, volume, i, p, sx, sy
                    )
                    if here & ELECTRONIC:
                        plate += reaction
                        if not ideal:
                            vs += rv
                        ws += rw
                    else:
                        ve += rv
                        we += rw
        above = (ci * cmy + cj) * cmz + ck
        coarse[above, 0], coarse[above, 1], coarse[above, 2], coarse[above, 3] = vs, ws, ve, we
    sum_block(plate, plates, ci)


@by_block(first_planes)
def restrict_planes(  # type: ignore[no-untyped-def]
    kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, gx, gy, gz, volume, shape, planes, sums  # noqa: ARG001
):  # fmt: skip
    """Sum the residual over each of the first planes."""
    _mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    i = cuda.blockIdx.x + 1
    total_v = total_w = v[0] - v[0]
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = np.uint64(plane_voxel(i, q, shape))
        rv, rw, _reaction = left_over_at(
            kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, gx, gy, gz, volume, i, p, sx, sy
        )
        total_v += rv
        total_w += rw
    sum_block(total_v, sums, 2 * (i - 1))
    sum_block(total_w, sums, 2 * (i - 1) + 1)


@over(lambda shape, planes: planes * shape[1] * shape[2])
def prolong_planes(v, w, shape, planes, values):  # type: ignore[no-untyped-def]
    """Add a value to each of the first planes."""
    _mx, my, mz = shape
    for q in range(cuda.grid(1), planes * my * mz, cuda.gridsize(1)):
        plane = q // (my * mz)
        v[q + my * mz] += values[2 * plane]
        w[q + my * mz] += values[2 * plane + 1]


@by_block(planes)
def plane_links(kind, cx, cy, cz, sums, shape):  # type: ignore[no-untyped-def]
    """Conductance of the interfaces of the electronic voxels of each plane."""
    _mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    i = cuda.blockIdx.x + 1
    total = 0.0
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        total += interfaces_of(kind, cx, cy, cz, np.uint64(plane_voxel(i, q, shape)), sx, sy)
    sum_block(total, sums, i)


@over(all_voxels)
def set_planes(kind, v, values, shape):  # type: ignore[no-untyped-def]
    """Set the electronic voxels of each plane to a value, ghosts beside included."""
    mx, my, mz = shape
    for p in range(cuda.grid(1), mx * my * mz, cuda.gridsize(1)):
        i = p // (my * mz)
        if 0 < i < mx - 1 and kind[p] & ELECTRONIC:
            v[p] = values[i]


@by_block(clusters)
def cluster_links(kind, cx, cy, cz, places, starts, links, shape):  # type: ignore[no-untyped-def]
    """Conductance from each cluster of additive to other electronic conductors."""
    _mx, my, mz = shape
    for cluster in range(cuda.blockIdx.x, links.size, cuda.gridDim.x):
        total = 0.0
        for place in range(starts[cluster] + cuda.threadIdx.x, starts[cluster + 1], THREADS):
            total = link_outside(kind, cx, cy, cz, places[place], my * mz, mz, total)
        sum_block(total, links, cluster)


@by_block(clusters)
def correct_clusters(  # type: ignore[no-untyped-def]
    kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, gx, gy, gz, volume, shape, places, starts, links
):
    """Shift the potential of each cluster of additive so that what is left over of it vanishes in sum."""
    _mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for cluster in range(cuda.blockIdx.x, links.size, cuda.gridDim.x):
        value = v[0] - v[0]
        for place in range(starts[cluster] + cuda.threadIdx.x, starts[cluster + 1], THREADS):
            p = np.uint64(places[place])
            i = places[place] // (my * mz)
            rv, _rw, _reaction = left_over_at(
                kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, gx, gy, gz, volume, i, p, sx, sy
            )
            value += rv
        total = total_of_block(value, v)
        if links[cluster] != 0.0:
            shift = total / links[cluster]
            for place in range(starts[cluster] + cuda.threadIdx.x, starts[cluster + 1], THREADS):
                v[places[place]] += shift


@over(inner, after=wrap_both)
def prolong(kind, v, w, shape, coarse, coarse_shape, halved, wrap_y, wrap_z):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Add the correction of its aggregate to each voxel."""
    _mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for q in range(cuda.grid(1), inner_on_device(shape), cuda.gridsize(1)):
        i, j, k = inner_voxel(q, shape)
        above = ((((i - 1) >> hx) + 1) * cmy + ((j - 1) >> hy) + 1) * cmz + ((k - 1) >> hz) + 1
        prolong_voxel(kind, v, w, coarse, (i * my + j) * mz + k, above)


@over(aggregates_behind)
def coarsen(kind, cx, cy, cz, e, im, storage, gx, gy, gz, volume, shape, a, coarse_shape, halved):  # type: ignore[no-untyped-def]
    """Coefficients of the aggregates."""
    for q in range(cuda.grid(1), behind_on_device(coarse_shape), cuda.gridsize(1)):
        ci, cj, ck = voxel_behind(q, coarse_shape)
        clear_cell(a, coarse_shape, ci, cj, ck)
        coarsen_cell(kind, cx, cy, cz, e, im, storage, gx, gy, gz, volume, shape, a, coarse_shape, halved, ci, cj, ck)


@device
def clear_cell(a, coarse_shape, ci, cj, ck):  # type: ignore[no-untyped-def]
    """Set the coefficients of a cell to 0."""
    _cmx, cmy, cmz = coarse_shape
    for column in range(COEFFICIENTS):
        a[(ci * cmy + cj) * cmz + ck, column] = 0.0


# the linear network on coarse cells


@over(half, after=wrap_cells)
def cell_relax(a, b, f, plate, colour, ideal, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """As `relax`, on a coarser level."""
    _mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for q in range(cuda.grid(1), half_on_device(shape), cuda.gridsize(1)):
        i, j, k = coloured_voxel(q, colour, shape)
        if k < mz - 1:
            relax_cell(a, b, f, plate, ideal, np.uint64((i * my + j) * mz + k), sx, sy)


@by_block(coarse_planes)
def cell_restrict(a, b, f, ideal, shape, coarse, coarse_shape, halved, plates):  # type: ignore[no-untyped-def]
    """As `restrict`, on a coarser level."""
    _mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    ci = cuda.blockIdx.x + 1
    zero = f[0, 0] - f[0, 0]
    plate = zero
    for q in range(cuda.threadIdx.x, (cmy - 2) * (cmz - 2), THREADS):
        cj, ck = q // (cmz - 2) + 1, q % (cmz - 2) + 1
        along_x, along_y, along_z = voxels_of(ci, cj, ck, shape, halved)
        vs = ws = ve = we = zero
        for i in range(along_x[0], along_x[1] + 1):
            for j in range(along_y[0], along_y[1] + 1):
                for k in range(along_z[0], along_z[1] + 1):
                    p = np.uint64((i * my + j) * mz + k)
                    sv, sw, ev, ew, reaction = cell_left_over_at(a, b, f, zero, ideal, p, sx, sy)
                    plate += reaction
                    vs += sv
                    ws += sw
                    ve += ev
                    we += ew
        above = (ci * cmy + cj) * cmz + ck
        coarse[above, 0], coarse[above, 1], coarse[above, 2], coarse[above, 3] = vs, ws, ve, we
    sum_block(plate, plates, ci)


@over(inner, after=wrap_cells)
def cell_prolong(f, shape, coarse, coarse_shape, halved, wrap_y, wrap_z):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """As `prolong`, on a coarser level; parts that a cell does not have get a value too, which nothing reads."""
    _mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for q in range(cuda.grid(1), inner_on_device(shape), cuda.gridsize(1)):
        i, j, k = inner_voxel(q, shape)
        above = ((((i - 1) >> hx) + 1) * cmy + ((j - 1) >> hy) + 1) * cmz + ((k - 1) >> hz) + 1
        prolong_cell(f, coarse, (i * my + j) * mz + k, above)


@over(aggregates_behind)
def cell_coarsen(fine, shape, a, coarse_shape, halved):  # type: ignore[no-untyped-def]
    """As `coarsen`, from a coarser level."""
    for q in range(cuda.grid(1), behind_on_device(coarse_shape), cuda.gridsize(1)):
        ci, cj, ck = voxel_behind(q, coarse_shape)
        clear_cell(a, coarse_shape, ci, cj, ck)
        coarsen_cells(fine, shape, a, coarse_shape, halved, ci, cj, ck)


# the collector's potential behind the first plane


@over(lambda shape: shape[1] * shape[2])
def set_lithium(v, value, shape):  # type: ignore[no-untyped-def]
    """Set the potential behind the first plane, relative to the collector's."""
    for p in range(cuda.grid(1), shape[1] * shape[2], cuda.gridsize(1)):
        v[p] = value


@over(lambda shape: shape[1] * shape[2])
def set_lithium_cells(f, value, shape):  # type: ignore[no-untyped-def]
    """As `set_lithium`, on a coarser level."""
    for p in range(cuda.grid(1), shape[1] * shape[2], cuda.gridsize(1)):
        f[p, 0] = value


# vectors


@over(lambda source: source.size)
def copy(source, target):  # type: ignore[no-untyped-def]
    """Copy an array into one of another precision."""
    for q in range(cuda.grid(1), source.size, cuda.gridsize(1)):
        target[q] = source[q]


@over(size)
def add(array, other):  # type: ignore[no-untyped-def]
    """Add an array of another precision."""
    for q in range(cuda.grid(1), array.size, cuda.gridsize(1)):
        array[q] += other[q]


@over(size)
def subtract(array, other):  # type: ignore[no-untyped-def]
    """Subtract an array of another precision."""
    for q in range(cuda.grid(1), array.size, cuda.gridsize(1)):
        array[q] -= other[q]


def assign(array: Any, values: Any) -> None:
    """Fill an array with values from the host."""
    array.copy_to_device(values)


@by_block(planes)
def dot(a, b, c, d, sums, shape):  # type: ignore[no-untyped-def]
    """Sums per plane of a b + c d, without the ghosts."""
    _mx, my, mz = shape
    i = cuda.blockIdx.x + 1
    total = sums[0] - sums[0]
    for q in range(cuda.threadIdx.x, (my - 2) * (mz - 2), THREADS):
        p = plane_voxel(i, q, shape)
        total += a[p] * b[p] + c[p] * d[p]
    sum_block(total, sums, i)


@over(lambda pv: pv.size)
def redirect(pv, pw, zv, zw, beta, shape):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Set p to z + beta p, ghosts included."""
    for q in range(cuda.grid(1), pv.size, cuda.gridsize(1)):
        pv[q] = zv[q] + beta * pv[q]
        pw[q] = zw[q] + beta * pw[q]


@over(lambda shape: (shape[0] - 2) * shape[1] * shape[2])
def step(pv, pw, av, aw, dv, dw, rv, rw, alpha, shape):  # type: ignore[no-untyped-def]
    """Step the solution d by alpha p and the residual r by -alpha A p."""
    mx, my, mz = shape
    for p in range(my * mz + cuda.grid(1), (mx - 1) * my * mz, cuda.gridsize(1)):
        dv[p] += alpha * pv[p]
        dw[p] += alpha * pw[p]
        rv[p] -= alpha * av[p]
        rw[p] -= alpha * aw[p]
