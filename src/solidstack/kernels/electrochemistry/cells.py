"""The four rows of a coarse cell, one cell at a time: its coefficients, its residual, its solution.

A cell has a potential and a content for its electronic and for its ionic part (vs, ws, ve, we), coupled by the
interfaces in it. ``a`` holds the coefficients of each cell, ``f`` its four unknowns, ``b`` its four right-hand sides;
``p``: place of the cell, unsigned. `solidstack.kernels.electrochemistry.voxel` describes the other arrays; ``halved``
is 1 for each axis along which an aggregate takes two, and 0 where it takes one.
"""

import numpy as np

from ..devices.padded import block
from .voxel import ELECTRONIC, STORES, exchanges

ONE = np.uint64(1)

# columns of a coarse cell's coefficients; the first five hold one value for the face behind along x, y, z
KS, DS, KE, DE, GSE, GES = (3 * number for number in range(6))
GIN, CS, CE = 18, 19, 20
COEFFICIENTS = 21


def cell_sums(a, f, plate, p, sx, sy):  # type: ignore[no-untyped-def]
    """Sums over the faces of a coarse cell, with coefficients ``a`` and fields ``f`` (vs, ws, ve, we).

    Returns for the electronic part and then for the ionic one: c, c v, d, d w, g, g y of the other part next door.
    """
    zero = a[p, GIN] - a[p, GIN]
    ks = kvs = ds = dws = gs = gys = zero
    ke = kve = de = dwe = ge = gye = zero
    for axis in range(3):
        step = sx if axis == 0 else sy if axis == 1 else ONE
        for side in range(2):
            n = p + step if side else p - step
            q = p if side else n
            vs, ws, ve, we = f[n, 0], f[n, 1], f[n, 2], f[n, 3]
            c = a[q, KS + axis]
            ks += c
            kvs += c * vs
            c = a[q, DS + axis]
            ds += c
            dws += c * ws
            c = a[q, KE + axis]
            ke += c
            kve += c * ve
            c = a[q, DE + axis]
            de += c
            dwe += c * we
            # the electronic part here with the ionic part there, and the other way round
            c = a[q, (GSE if side else GES) + axis]
            gs += c
            gys += c * (ve + we)
            c = a[q, (GES if side else GSE) + axis]
            ge += c
            gye += c * (vs + ws + plate)
    return ks, kvs, ds + a[p, CS], dws, gs + a[p, GIN], gys, ke, kve, de + a[p, CE], dwe, ge + a[p, GIN], gye


def cell_left_over(a, f, b, plate, p, sums, ideal):  # type: ignore[no-untyped-def]
    """Residuals of the four rows of a coarse cell, and the reaction in those of the electronic part."""
    ks, kvs, ds, dws, gs, gys, ke, kve, de, dwe, ge, gye = sums
    vs, ws, ve, we = f[p, 0], f[p, 1], f[p, 2], f[p, 3]
    g = a[p, GIN]
    at_s = gys + g * (ve + we) - gs * (vs + ws + plate)
    at_e = gye + g * (vs + ws + plate) - ge * (ve + we)
    return (
        0.0 * vs if ideal else b[p, 0] + kvs - ks * vs + at_s,
        b[p, 1] + dws - ds * ws + at_s if ds != 0.0 else 0.0 * ws,
        b[p, 2] + kve - ke * ve + at_e,
        b[p, 3] + dwe - de * we + at_e if de != 0.0 else 0.0 * we,
        at_s,
    )


def solve_cell(a, b, plate, p, sums, ideal):  # type: ignore[no-untyped-def]
    """The four unknowns that solve the rows of a coarse cell."""
    ks, kvs, ds, dws, gs, gys, ke, kve, de, dwe, ge, gye = sums
    g = a[p, GIN]
    zero = g - g
    unit = zero + 1
    r1 = b[p, 0] + kvs + gys
    r2 = b[p, 1] + dws + gys
    r3 = b[p, 2] + kve + gye
    r4 = b[p, 3] + dwe + gye
    as_ = unit / ks if ks != 0.0 and not ideal else zero
    bs = unit / ds if ds != 0.0 else zero
    ae = unit / ke if ke != 0.0 else zero
    be = unit / de if de != 0.0 else zero
    ps = as_ * r1 + bs * r2 + plate
    pe = ae * r3 + be * r4
    ss = as_ + bs
    se = ae + be
    whole = (unit + ss * gs) * (unit + se * ge) - ss * se * g * g
    ys = (ps * (unit + se * ge) + ss * g * pe) / whole
    ye = (pe * (unit + ss * gs) + se * g * ps) / whole
    at_s = gs * ys - g * ye
    at_e = ge * ye - g * ys
    return as_ * (r1 - at_s), bs * (r2 - at_s), ae * (r3 - at_e), be * (r4 - at_e)


def relax_cell(a, b, f, plate, ideal, p, sx, sy):  # type: ignore[no-untyped-def]
    """Solve the rows of a cell."""
    sums = cell_sums(a, f, plate, p, sx, sy)
    f[p, 0], f[p, 1], f[p, 2], f[p, 3] = solve_cell(a, b, plate, p, sums, ideal)


def cell_left_over_at(a, b, f, plate, ideal, p, sx, sy):  # type: ignore[no-untyped-def]
    """Residuals of the rows of a cell, and the reaction in those of its electronic part."""
    sums = cell_sums(a, f, plate, p, sx, sy)
    return cell_left_over(a, f, b, plate, p, sums, ideal)


def coarsen_cell(  # type: ignore[no-untyped-def]
    kind, cx, cy, cz, e, im, storage, gx, gy, gz, volume, shape, a, coarse_shape, halved, ci, cj, ck
):
    """Add up the coefficients of an aggregate of voxels.

    Conductances through the common face of two aggregates are summed and divided by the distance in voxels; those of
    interfaces are summed, in the aggregate where both sides are, else between the two.
    """
    mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    sx, sy = my * mz, mz
    q = (ci * cmy + cj) * cmz + ck
    i_first, i_last = block(ci, hx, mx - 2)
    j_first, j_last = block(cj, hy, my - 2)
    k_first, k_last = block(ck, hz, mz - 2)
    for i in range(i_first, i_last + 1):
        for j in range(j_first, j_last + 1):
            for k in range(k_first, k_last + 1):
                p = i * sx + j * sy + k
                here = kind[p]
                if not here:
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


def coarsen_cells(fine, shape, a, coarse_shape, halved, ci, cj, ck):  # type: ignore[no-untyped-def]
    """As `coarsen_cell`, from the coefficients ``fine`` of a coarser level."""
    mx, my, mz = shape
    _cmx, cmy, cmz = coarse_shape
    hx, hy, hz = halved
    q = (ci * cmy + cj) * cmz + ck
    i_first, i_last = block(ci, hx, mx - 2)
    j_first, j_last = block(cj, hy, my - 2)
    k_first, k_last = block(ck, hz, mz - 2)
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


def prolong_cell(f, coarse, p, q):  # type: ignore[no-untyped-def]
    """Add the correction of its aggregate ``q`` to a cell."""
    for part in range(4):
        f[p, part] += coarse[q, part]
