"""Loops of charge and discharge on the CPU; `solidstack.kernels.electrochemistry.voxel` says what the arrays are.

As in `solidstack.kernels.conduction.cpu`, loops run in parallel over the planes of axis 0, hand back sums plane by
plane, so that no result depends on the number of threads, and renew the ghosts of what they write.
"""

import math

import numba
import numpy as np

from ..conduction.cpu import fill, get, loop, put, wrap, wrap_plane, zeros
from . import voxel as coupled
from .voxel import (
    CE,
    CONDUCTION,
    CS,
    DE,
    DS,
    ELECTRONIC,
    EXCHANGE,
    GES,
    GIN,
    GSE,
    KE,
    KS,
    MOBILITY,
    POTENTIAL,
    SHIFT,
    STORES,
)

__all__ = [
    "add", "assign", "cell_coarsen", "cell_prolong", "cell_relax", "cell_restrict", "cluster_links", "coarsen",
    "contents", "copy", "correct", "correct_clusters", "deviation", "dissipation", "dot", "faces", "fill", "get",
    "matvec", "nodes", "predict", "prolong", "prolong_planes", "put", "redirect", "relax", "residual", "restrict",
    "restrict_planes", "set_lithium", "set_lithium_cells", "settle", "step", "subtract", "wrap", "zeros",
]  # fmt: skip

_plain = numba.njit(fastmath=True)
_inlined = numba.njit(inline="always", fastmath=True)

look_up = _plain(coupled.look_up)
look_up_slope = _plain(coupled.look_up_slope)
react = _plain(coupled.react)
exchanges = _inlined(coupled.exchanges)
row = coupled.make_row(_inlined, exchanges)  # type: ignore[no-untyped-call]
reaction_at = coupled.make_reaction(_inlined, react)  # type: ignore[no-untyped-call]
share = coupled.make_share(_inlined, exchanges)  # type: ignore[no-untyped-call]
harmonic = _inlined(coupled.harmonic)
left_over = _inlined(coupled.left_over)
solve_voxel = _inlined(coupled.solve_voxel)
cell_sums = _inlined(coupled.cell_sums)
beside = _inlined(coupled.beside)
extrapolate = _inlined(coupled.extrapolate)
cell_left_over = _inlined(coupled.cell_left_over)
solve_cell = _inlined(coupled.solve_cell)


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
            here = kind[p]
            if here >> SHIFT:
                m = (here >> SHIFT) - 1
                if anew:
                    sigma[p] = look_up(tables[m, CONDUCTION], x[p], most[m])
                if here & STORES:
                    if beta[m] > 0.0:
                        bounded = max(x[p], 1e-6)
                        s[p] = beta[m] * math.log(bounded)
                        slope = beta[m] / bounded
                    else:
                        value, slope = look_up_slope(tables[m, POTENTIAL], x[p], most[m])
                        s[p] = -value
                        slope = max(-slope, least_slope)
                    im[p] = 1.0 / slope
                    if anew:
                        e[p] = look_up(tables[m, MOBILITY], x[p], most[m])
                        j0[p] = look_up(tables[m, EXCHANGE], x[p], most[m])


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
        i = behind - 1
        for j in range(my - 1):
            for k in range(mz - 1):
                p = (i * my + j) * mz + k
                here = kind[p]
                for axis in range(3):
                    if axis == 0:
                        if j == 0 or k == 0:
                            continue
                        n, la, lb, whole, area = p + my * mz, lengths[i], lengths[i + 1], hy * hz, ax[p]
                    elif axis == 1:
                        if i == 0 or k == 0:
                            continue
                        n, la, lb, whole, area = p + mz, hy, hy, beside(lengths, i, mx) * hz, ay[p]
                    else:
                        if i == 0 or j == 0:
                            continue
                        n, la, lb, whole, area = p + 1, hz, hz, beside(lengths, i, mx) * hy, az[p]
                    there = kind[n]
                    c = 0.0
                    current = 0.0
                    if here and there:
                        if (here ^ there) & ELECTRONIC:
                            if area > 0.0:
                                found = reaction_at(
                                    p,
                                    n,
                                    la,
                                    lb,
                                    kind,
                                    phi,
                                    alpha,
                                    sigma,
                                    j0,
                                    s,
                                    e,
                                    plate,
                                    lithium,
                                    resistance,
                                    f,
                                    ideal,
                                )
                                current = found[0] * area / scale
                                c = found[1] * area / scale
                        elif not (ideal and here & ELECTRONIC):
                            if here >> SHIFT and there >> SHIFT:
                                c = harmonic(sigma[p], sigma[n], la, lb, whole) / scale
                            elif there >> SHIFT:
                                c = 2.0 * sigma[n] * whole / lb / scale
                            elif here >> SHIFT:
                                c = 2.0 * sigma[p] * whole / la / scale
                    if axis == 0:
                        cx[p] = c
                        jx[p] = current
                    elif axis == 1:
                        cy[p] = c
                        jy[p] = current
                    else:
                        cz[p] = c
                        jz[p] = current


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
    sx, sy = my * mz, mz
    for i in numba.prange(1, mx - 1):
        absolute = electronic = ionic = interface = collector = crossing = 0.0
        for j in range(1, my - 1):
            for k in range(1, mz - 1):
                p = (i * my + j) * mz + k
                here = kind[p]
                if not here:
                    continue
                own, content, mobile = phi[p], s[p], e[p]
                n = p - sx
                v1, w1 = share(here, cx[n], jx[n], kind[n], own, phi[n], mobile, e[n], content, s[n], gx[i - 1])
                n = p + sx
                v2, w2 = share(here, cx[p], jx[p], kind[n], own, phi[n], mobile, e[n], content, s[n], gx[i])
                n = p - sy
                v3, w3 = share(here, cy[n], jy[n], kind[n], own, phi[n], mobile, e[n], content, s[n], gy[i])
                n = p + sy
                v4, w4 = share(here, cy[p], jy[p], kind[n], own, phi[n], mobile, e[n], content, s[n], gy[i])
                n = p - 1
                v5, w5 = share(here, cz[n], jz[n], kind[n], own, phi[n], mobile, e[n], content, s[n], gz[i])
                n = p + 1
                v6, w6 = share(here, cz[p], jz[p], kind[n], own, phi[n], mobile, e[n], content, s[n], gz[i])
                rv = v1 + v2 + v3 + v4 + v5 + v6
                rw = w1 + w2 + w3 + w4 + w5 + w6
                if here & STORES:
                    rw -= storage[here] * volume[i] * (a0 * x[p] + a1 * x1[p] + a2 * x2[p])
                else:
                    rw = 0.0
                if here & ELECTRONIC:
                    left = jx[p - sx] * ((kind[p - sx] ^ here) & ELECTRONIC)
                    left += jx[p] * ((kind[p + sx] ^ here) & ELECTRONIC)
                    left += jy[p - sy] * ((kind[p - sy] ^ here) & ELECTRONIC)
                    left += jy[p] * ((kind[p + sy] ^ here) & ELECTRONIC)
                    left += jz[p - 1] * ((kind[p - 1] ^ here) & ELECTRONIC)
                    left += jz[p] * ((kind[p + 1] ^ here) & ELECTRONIC)
                    interface += left
                    crossing += abs(left)
                    electronic += rv
                    if ideal:
                        rv = 0.0
                    if i == mx - 2:
                        collector -= cx[p] * own
                else:
                    ionic += rv
                bv[p] = rv
                bw[p] = rw
                absolute += abs(rv) + abs(rw)
        sums[6 * i] = absolute
        sums[6 * i + 1] = electronic
        sums[6 * i + 2] = ionic
        sums[6 * i + 3] = interface
        sums[6 * i + 4] = collector
        sums[6 * i + 5] = crossing


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
                here = kind[p]
                if here:
                    sums = row(kind, cx, cy, cz, e, v, w, plate, p, sx, sy, gx[i - 1], gx[i], gy[i], gz[i])
                    store = storage[here] * volume[i] * im[p]
                    v[p], w[p] = solve_voxel(here, store, bv[p], bw[p], sums, ideal)
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
                here = kind[p]
                if here:
                    found = row(kind, cx, cy, cz, e, v, w, plate, p, sx, sy, gx[i - 1], gx[i], gy[i], gz[i])
                    store = storage[here] * volume[i] * im[p]
                    rv, rw, reaction = left_over(here, store, v[p], w[p], v[p] * 0, w[p] * 0, found)
                    energy -= v[p] * rv + w[p] * rw
                    if here & ELECTRONIC:
                        crossing -= reaction
                        if ideal:
                            rv = rv * 0
                    av[p] = -rv
                    aw[p] = -rw
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
                    if not here:
                        continue
                    if first == 2 and (i + j + k + 1) & 1 and not here & ELECTRONIC:
                        continue
                    found = row(kind, cx, cy, cz, e, v, w, v[0] * 0, p, sx, sy, gx[i - 1], gx[i], gy[i], gz[i])
                    store = storage[here] * volume[i] * im[p]
                    rv, rw, reaction = left_over(here, store, v[p], w[p], bv[p], bw[p], found)
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
                here = kind[p]
                found = row(kind, cx, cy, cz, e, v, w, plate, p, sx, sy, gx[i - 1], gx[i], gy[i], gz[i])
                store = storage[here] * volume[i] * im[p]
                rv, rw, _reaction = left_over(here, store, v[p], w[p], bv[p], bw[p], found)
                total_v += rv
                total_w += rw
        sums[2 * (i - 1)] = total_v
        sums[2 * (i - 1) + 1] = total_w


@loop
def cluster_links(kind, cx, cy, cz, places, starts, links, shape):  # type: ignore[no-untyped-def]
    """Conductance from each cluster of additive to other electronic conductors."""
    _mx, my, mz = shape
    sx, sy = my * mz, mz
    for cluster in numba.prange(0, starts.shape[0] - 1):
        total = 0.0
        for place in range(starts[cluster], starts[cluster + 1]):
            p = places[place]
            here = kind[p]
            for n, c in (
                (p - sx, cx[p - sx]), (p + sx, cx[p]), (p - sy, cy[p - sy]), (p + sy, cy[p]), (p - 1, cz[p - 1]),
                (p + 1, cz[p]),
            ):  # fmt: skip
                if kind[n] != here:
                    total += c
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
            here = kind[p]
            found = row(kind, cx, cy, cz, e, v, w, plate, p, sx, sy, gx[i - 1], gx[i], gy[i], gz[i])
            rv, _rw, _reaction = left_over(here, storage[here] * volume[i] * im[p], v[p], w[p], bv[p], bw[p], found)
            total += rv
        if links[cluster] != 0.0:
            shift = total / links[cluster]
            for place in range(starts[cluster], starts[cluster + 1]):
                v[places[place]] += shift


@loop
def prolong_planes(v, w, shape, planes, values):  # type: ignore[no-untyped-def]
    """Add a value to each of the first planes."""
    _mx, my, mz = shape
    for i in numba.prange(1, planes + 1):
        for p in range(i * my * mz, (i + 1) * my * mz):
            v[p] += values[2 * (i - 1)]
            w[p] += values[2 * (i - 1) + 1]


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
                here = kind[start + k]
                if here:
                    q = coarse_row + ((k - 1) >> hz)
                    part = 0 if here & ELECTRONIC else 2
                    v[start + k] += coarse[q, part]
                    if here & STORES:
                        w[start + k] += coarse[q, part + 1]
        wrap_plane(v, i, my, mz, wrap_y, wrap_z)
        wrap_plane(w, i, my, mz, wrap_y, wrap_z)


@loop
def coarsen(kind, cx, cy, cz, e, im, storage, gx, gy, gz, volume, shape, a, coarse_shape, halved):  # type: ignore[no-untyped-def]
    """Coefficients of the aggregates.

    Conductances through the common face of two aggregates are summed and divided by the distance in voxels; those of
    interfaces are summed, in the aggregate where both sides are, else between the two.
    """
    mx, my, mz = shape
    cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    sx, sy = my * mz, mz
    nothing = np.uint8(0)
    for behind in numba.prange(1, cmx):
        ci = behind - 1
        a[ci * cmy * cmz : (ci + 1) * cmy * cmz] = 0.0
        i_last = min(ci << hx, mx - 2)
        i_first = ((ci - 1) << hx) + 1 if ci else 0
        for cj in range(cmy - 1):
            j_last = min(cj << hy, my - 2)
            j_first = ((cj - 1) << hy) + 1 if cj else 0
            for ck in range(cmz - 1):
                k_last = min(ck << hz, mz - 2)
                k_first = ((ck - 1) << hz) + 1 if ck else 0
                q = (ci * cmy + cj) * cmz + ck
                for i in range(i_first, i_last + 1):
                    for j in range(j_first, j_last + 1):
                        for k in range(k_first, k_last + 1):
                            p = i * sx + j * sy + k
                            here = kind[p]
                            if here == nothing:
                                continue
                            if ci and cj and ck and here & STORES:
                                a[q, CS if here & ELECTRONIC else CE] += storage[here] * volume[i] * im[p]
                            for axis in range(3):
                                if axis == 0:
                                    if not (cj and ck):
                                        continue
                                    n, c, g, inner, half = p + sx, cx[p], gx[i], i < i_last, hx
                                elif axis == 1:
                                    if not (ci and ck):
                                        continue
                                    n, c, g, inner, half = p + sy, cy[p], gy[i], j < j_last, hy
                                else:
                                    if not (ci and cj):
                                        continue
                                    n, c, g, inner, half = p + 1, cz[p], gz[i], k < k_last, hz
                                there = kind[n]
                                if (here ^ there) & ELECTRONIC:
                                    if inner:
                                        a[q, GIN] += c
                                    else:
                                        a[q, (GSE if here & ELECTRONIC else GES) + axis] += c
                                elif not inner:
                                    a[q, (KS if here & ELECTRONIC else KE) + axis] += c / (1 << half)
                                    if exchanges(here, there):
                                        d = (e[p] + e[n]) * g / (1 << half)
                                        a[q, (DS if here & ELECTRONIC else DE) + axis] += d


@loop
def cell_relax(a, b, f, plate, colour, ideal, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """As `relax`, on a coarser level."""
    mx, my, mz = shape
    sx, sy = np.uint64(my * mz), np.uint64(mz)
    for i in numba.prange(1, mx - 1):
        for j in range(1, my - 1):
            start = (i * my + j) * mz
            for k in range(1 + ((colour + i + j) & 1), mz - 1, 2):
                p = np.uint64(start + k)
                sums = cell_sums(a, f, plate, p, sx, sy)
                f[p, 0], f[p, 1], f[p, 2], f[p, 3] = solve_cell(a, b, plate, p, sums, ideal)
        _wrap_cells(f, i, my, mz, wrap_y, wrap_z)


@_inlined
def _wrap_cells(f, i, my, mz, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Renew the ghosts of one plane of cells."""
    first = i * my * mz
    if wrap_y:
        for k in range(1, mz - 1):
            f[first + k] = f[first + (my - 2) * mz + k]
            f[first + (my - 1) * mz + k] = f[first + mz + k]
    if wrap_z:
        for j in range(1, my - 1):
            start = first + j * mz
            f[start] = f[start + mz - 2]
            f[start + mz - 1] = f[start + 1]


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
                    p = np.uint64(start + k)
                    zero = f[p, 0] * 0
                    sums = cell_sums(a, f, zero, p, sx, sy)
                    sv, sw, ev, ew, reaction = cell_left_over(a, f, b, zero, p, sums, ideal)
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
                for part in range(4):
                    f[start + k, part] += coarse[coarse_row + ((k - 1) >> hz), part]
        _wrap_cells(f, i, my, mz, wrap_y, wrap_z)


@loop
def cell_coarsen(fine, shape, a, coarse_shape, halved):  # type: ignore[no-untyped-def]
    """As `coarsen`, from a coarser level."""
    mx, my, mz = shape
    cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    for behind in numba.prange(1, cmx):
        ci = behind - 1
        a[ci * cmy * cmz : (ci + 1) * cmy * cmz] = 0.0
        i_last = min(ci << hx, mx - 2)
        i_first = ((ci - 1) << hx) + 1 if ci else 0
        for cj in range(cmy - 1):
            j_last = min(cj << hy, my - 2)
            j_first = ((cj - 1) << hy) + 1 if cj else 0
            for ck in range(cmz - 1):
                k_last = min(ck << hz, mz - 2)
                k_first = ((ck - 1) << hz) + 1 if ck else 0
                q = (ci * cmy + cj) * cmz + ck
                for i in range(i_first, i_last + 1):
                    for j in range(j_first, j_last + 1):
                        for k in range(k_first, k_last + 1):
                            p = (i * my + j) * mz + k
                            if ci and cj and ck:
                                a[q, GIN] += fine[p, GIN]
                                a[q, CS] += fine[p, CS]
                                a[q, CE] += fine[p, CE]
                            for axis in range(3):
                                if axis == 0:
                                    used, inner, half = cj and ck, i < i_last, hx
                                elif axis == 1:
                                    used, inner, half = ci and ck, j < j_last, hy
                                else:
                                    used, inner, half = ci and cj, k < k_last, hz
                                if not used:
                                    continue
                                if inner:
                                    a[q, GIN] += fine[p, GSE + axis] + fine[p, GES + axis]
                                else:
                                    a[q, GSE + axis] += fine[p, GSE + axis]
                                    a[q, GES + axis] += fine[p, GES + axis]
                                    a[q, KS + axis] += fine[p, KS + axis] / (1 << half)
                                    a[q, DS + axis] += fine[p, DS + axis] / (1 << half)
                                    a[q, KE + axis] += fine[p, KE + axis] / (1 << half)
                                    a[q, DE + axis] += fine[p, DE + axis] / (1 << half)


@loop
def set_lithium(v, value, shape):  # type: ignore[no-untyped-def]
    """Set the potential behind the first plane, relative to the collector's."""
    _mx, my, mz = shape
    for p in numba.prange(0, my * mz):
        v[p] = value


def set_lithium_cells(f, value, shape):  # type: ignore[no-untyped-def]
    """As `set_lithium`, on a coarser level."""
    f[: shape[1] * shape[2], 0] = value


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
                here = kind[p]
                if not here:
                    continue
                change = dv[p] + 0.0
                phi[p] += change
                largest_v = max(largest_v, abs(change))
                if here & STORES:
                    content = x[p]
                    change = dw[p] * im[p]
                    change = min(max(change, -0.9 * content), 0.9 * (most[(here >> SHIFT) - 1] - content))
                    x[p] = content + change
                    largest_x = max(largest_x, abs(change))
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
                p = (i * my + j) * mz + k
                here = kind[p]
                if here & STORES:
                    x[p] += bw[p] / (storage[here] * volume[i] * a0)
        wrap_plane(x, i, my, mz, wrap_y, wrap_z)


@loop
def predict(kind, x, x1, x2, phi, phi1, phi2, ratio, most, shape):  # type: ignore[no-untyped-def]
    """Extrapolate content and potential from the two times before, by ``ratio`` times their last change."""
    mx, my, mz = shape
    for i in numba.prange(0, mx):
        for p in range(i * my * mz, (i + 1) * my * mz):
            here = kind[p]
            if here:
                phi[p] = phi1[p] + ratio * (phi1[p] - phi2[p])
                if here & STORES:
                    x[p] = extrapolate(x1[p], x2[p], ratio, most[(here >> SHIFT) - 1])


@loop
def deviation(kind, x, x1, x2, ratio, most, storage, volume, sums, shape):  # type: ignore[no-untyped-def]
    """Sums by plane of the squared distance of the content from `predict`, by volume of storage, and of that volume."""
    mx, my, mz = shape
    for i in numba.prange(1, mx - 1):
        total = whole = 0.0
        for j in range(1, my - 1):
            for k in range(1, mz - 1):
                p = (i * my + j) * mz + k
                here = kind[p]
                if here & STORES:
                    weight = storage[here] * volume[i]
                    total += weight * (x[p] - extrapolate(x1[p], x2[p], ratio, most[(here >> SHIFT) - 1])) ** 2
                    whole += weight
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
        ionic = inner = electronic = transfer = diffusion = salt = metal = potential = 0.0
        for j in range(my - 1):
            for k in range(mz - 1):
                p = (i * my + j) * mz + k
                here = kind[p]
                if not here:
                    continue
                for axis in range(3):
                    if axis == 0:
                        if j == 0 or k == 0:
                            continue
                        n, la, lb, c, area = p + my * mz, lengths[i], lengths[i + 1], cx[p], ax[p]
                    elif axis == 1:
                        if i == 0 or j == 0 or k == 0:
                            continue
                        n, la, lb, c, area = p + mz, hy, hy, cy[p], ay[p]
                    else:
                        if i == 0 or j == 0 or k == 0:
                            continue
                        n, la, lb, c, area = p + 1, hz, hz, cz[p], az[p]
                    there = kind[n]
                    if not there or c == 0.0:
                        continue
                    if (here ^ there) & ELECTRONIC:
                        found = reaction_at(
                            p, n, la, lb, kind, phi, alpha, sigma, j0, s, e, plate, lithium, resistance, f, ideal
                        )
                        density, _slope, drop, at_s, at_e, extra, at_x, lithiated, salted = found
                        current = density * area / scale
                        salt += current * salted
                        if i < membrane:
                            inner += current * density * at_e
                        else:
                            ionic += current * density * at_e
                        electronic += current * density * at_s
                        diffusion += current * density * at_x
                        if i == 0:
                            metal += current * (drop + density * extra)
                        else:
                            transfer += current * (drop + density * extra)
                            potential -= current * lithiated
                    else:
                        lost = c * (phi[p] - phi[n]) ** 2
                        if here & ELECTRONIC:
                            electronic += lost
                        elif i < membrane:
                            inner += lost
                        else:
                            ionic += lost
        sums[8 * i] = ionic
        sums[8 * i + 1] = inner
        sums[8 * i + 2] = electronic
        sums[8 * i + 3] = transfer
        sums[8 * i + 4] = diffusion
        sums[8 * i + 5] = salt
        sums[8 * i + 6] = metal
        sums[8 * i + 7] = potential
