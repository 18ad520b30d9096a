"""The two rows of a voxel, one voxel at a time: their residual, and the linear network of a step of Newton's method.

`solidstack.kernels.electrochemistry.voxel` describes the arrays and derives the rows. ``p``: place of the voxel in the
arrays, unsigned; ``i``: its plane; ``sx``, ``sy``: places from one voxel to the next along x and y, unsigned.
"""

import numpy as np

from .voxel import ELECTRONIC, STORES, exchanges

ONE = np.uint64(1)


def share(here, c, j, there, phi_here, phi, e_here, e, s_here, s, geometry):  # type: ignore[no-untyped-def]
    """What one face brings to the two rows of a voxel."""
    if (here ^ there) & ELECTRONIC:
        brought = -j if here & ELECTRONIC else j
        return brought, brought
    if exchanges(here, there):
        return c * (phi - phi_here), (e_here + e) * geometry * (s - s_here)
    return c * (phi - phi_here), 0.0


def balance_voxel(  # type: ignore[no-untyped-def]
    kind, phi, x, x1, x2, a0, a1, a2, storage, cx, cy, cz, jx, jy, jz, s, e, bv, bw, ideal, gx, gy, gz, volume,
    i, p, sx, sy, last, totals,
):  # fmt: skip
    """Set what is left over of both rows of a voxel; adds to totals (those of the loop `residual`).

    ``last``: the plane next to the collector.
    """
    absolute, electronic, ionic, interface, collector, crossing = totals
    here = kind[p]
    if not here:
        return totals
    own, content, mobile = phi[p], s[p], e[p]
    n = p - sx
    v1, w1 = share(here, cx[n], jx[n], kind[n], own, phi[n], mobile, e[n], content, s[n], gx[i - 1])
    n = p + sx
    v2, w2 = share(here, cx[p], jx[p], kind[n], own, phi[n], mobile, e[n], content, s[n], gx[i])
    n = p - sy
    v3, w3 = share(here, cy[n], jy[n], kind[n], own, phi[n], mobile, e[n], content, s[n], gy[i])
    n = p + sy
    v4, w4 = share(here, cy[p], jy[p], kind[n], own, phi[n], mobile, e[n], content, s[n], gy[i])
    n = p - ONE
    v5, w5 = share(here, cz[n], jz[n], kind[n], own, phi[n], mobile, e[n], content, s[n], gz[i])
    n = p + ONE
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
        left += jz[p - ONE] * ((kind[p - ONE] ^ here) & ELECTRONIC)
        left += jz[p] * ((kind[p + ONE] ^ here) & ELECTRONIC)
        interface += left
        crossing += abs(left)
        electronic += rv
        if ideal:
            rv = 0.0
        if i == last:
            collector -= cx[p] * own
    else:
        ionic += rv
    bv[p] = rv
    bw[p] = rw
    absolute += abs(rv) + abs(rw)
    return absolute, electronic, ionic, interface, collector, crossing


def face(here, e_here, c, there, e_there, v, w, plate, geometry):  # type: ignore[no-untyped-def]
    """One face of a row: bulk conductance, it times v; interface conductance, it times y; diffusion, it times w."""
    if (here ^ there) & ELECTRONIC:
        return 0.0 * c, 0.0 * v, c, c * (v + w if here & ELECTRONIC else v + w + plate), 0.0 * c, 0.0 * v
    if exchanges(here, there):
        d = (e_here + e_there) * geometry
        return c, c * v, 0.0 * c, 0.0 * v, d, d * w
    return c, c * v, 0.0 * c, 0.0 * v, 0.0 * c, 0.0 * v


def row(kind, cx, cy, cz, e, v, w, plate, p, sx, sy, before, behind, gy, gz):  # type: ignore[no-untyped-def]
    """Sums over the six faces of a voxel: c, c v, g, g y (relative to the collector's share of its own y), d, d w.

    ``before``, ``behind``, ``gy``, ``gz``: half the area over the distance, of the faces along x, y and z.
    """
    here = kind[p]
    own = e[p]
    n = p - sx
    k1, q1, g1, y1, d1, w1 = face(here, own, cx[n], kind[n], e[n], v[n], w[n], plate, before)
    n = p + sx
    k2, q2, g2, y2, d2, w2 = face(here, own, cx[p], kind[n], e[n], v[n], w[n], plate, behind)
    n = p - sy
    k3, q3, g3, y3, d3, w3 = face(here, own, cy[n], kind[n], e[n], v[n], w[n], plate, gy)
    n = p + sy
    k4, q4, g4, y4, d4, w4 = face(here, own, cy[p], kind[n], e[n], v[n], w[n], plate, gy)
    n = p - ONE
    k5, q5, g5, y5, d5, w5 = face(here, own, cz[n], kind[n], e[n], v[n], w[n], plate, gz)
    n = p + ONE
    k6, q6, g6, y6, d6, w6 = face(here, own, cz[p], kind[n], e[n], v[n], w[n], plate, gz)
    g = g1 + g2 + g3 + g4 + g5 + g6
    y = y1 + y2 + y3 + y4 + y5 + y6
    if here & ELECTRONIC:
        y -= g * plate
    return (
        k1 + k2 + k3 + k4 + k5 + k6,
        q1 + q2 + q3 + q4 + q5 + q6,
        g,
        y,
        d1 + d2 + d3 + d4 + d5 + d6,
        w1 + w2 + w3 + w4 + w5 + w6,
    )


def left_over(here, store, v, w, bv, bw, sums):  # type: ignore[no-untyped-def]
    """Residuals of the two rows of a voxel, from the sums of `row` and its storage C, and the reaction in them."""
    k, kv, g, gy, d, dw = sums
    reaction = gy - g * (v + w)
    rv = bv + kv - k * v + reaction
    if here & STORES:
        return rv, bw + dw - (d + store) * w + reaction, reaction
    return rv, 0.0 * rv, reaction


def solve_voxel(here, store, bv, bw, sums, ideal):  # type: ignore[no-untyped-def]
    """V and w that solve the two rows of a voxel; ``ideal``: all electronic voxels have the collector's potential."""
    k, kv, g, gy, d, dw = sums
    d += store
    first = bv + kv + gy
    second = bw + dw + gy
    if ideal and here & ELECTRONIC:
        return 0.0 * first, second / (d + g) if here & STORES else 0.0 * first
    if here & STORES:
        whole = k * d + g * (k + d)
        return ((d + g) * first - g * second) / whole, ((k + g) * second - g * first) / whole
    return first / (k + g), 0.0 * first


def relax_voxel(kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, ideal, gx, gy, gz, volume, i, p, sx, sy):  # type: ignore[no-untyped-def]
    """Solve the two rows of a voxel."""
    here = kind[p]
    if here:
        sums = row(kind, cx, cy, cz, e, v, w, plate, p, sx, sy, gx[i - 1], gx[i], gy[i], gz[i])
        store = storage[here] * volume[i] * im[p]
        v[p], w[p] = solve_voxel(here, store, bv[p], bw[p], sums, ideal)


def left_over_at(kind, cx, cy, cz, e, im, storage, bv, bw, v, w, plate, gx, gy, gz, volume, i, p, sx, sy):  # type: ignore[no-untyped-def]
    """Residuals of the two rows of a voxel, and the reaction in them."""
    here = kind[p]
    sums = row(kind, cx, cy, cz, e, v, w, plate, p, sx, sy, gx[i - 1], gx[i], gy[i], gz[i])
    store = storage[here] * volume[i] * im[p]
    return left_over(here, store, v[p], w[p], bv[p], bw[p], sums)


def apply_voxel(  # type: ignore[no-untyped-def]
    kind, cx, cy, cz, e, im, storage, v, w, plate, av, aw, ideal, gx, gy, gz, volume, i, p, sx, sy, zero, energy,
    crossing,
):  # fmt: skip
    """Apply the network to (v, w) at a voxel; adds to v av + w aw and to the collector's row.

    ``zero``: 0; a row is summed in the precision of its product with v.
    """
    here = kind[p]
    if here:
        sums = row(kind, cx, cy, cz, e, v, w, plate, p, sx, sy, gx[i - 1], gx[i], gy[i], gz[i])
        store = storage[here] * volume[i] * im[p]
        rv, rw, reaction = left_over(here, store, v[p], w[p], v[p] * zero, w[p] * zero, sums)
        energy -= v[p] * rv + w[p] * rw
        if here & ELECTRONIC:
            crossing -= reaction
            if ideal:
                rv = rv * zero
        av[p] = -rv
        aw[p] = -rw
    return energy, crossing


def is_relaxed(here, colour, first):  # type: ignore[no-untyped-def]
    """Whether a voxel's residual is 0 after the voxels of colour 1: ``first`` 2, and no electrons conducted."""
    return first == 2 and colour & 1 and not here & ELECTRONIC


def prolong_voxel(kind, v, w, coarse, p, q):  # type: ignore[no-untyped-def]
    """Add the correction of its aggregate ``q`` to a voxel."""
    here = kind[p]
    if here:
        part = 0 if here & ELECTRONIC else 2
        v[p] += coarse[q, part]
        if here & STORES:
            w[p] += coarse[q, part + 1]


def interfaces_of(kind, cx, cy, cz, p, sx, sy):  # type: ignore[no-untyped-def]
    """Conductance of the interfaces of an electronic voxel; 0 of another one."""
    here = kind[p]
    total = cx[p] * 0.0
    if here & ELECTRONIC:
        total += cx[p - sx] * ((kind[p - sx] ^ here) & ELECTRONIC)
        total += cx[p] * ((kind[p + sx] ^ here) & ELECTRONIC)
        total += cy[p - sy] * ((kind[p - sy] ^ here) & ELECTRONIC)
        total += cy[p] * ((kind[p + sy] ^ here) & ELECTRONIC)
        total += cz[p - ONE] * ((kind[p - ONE] ^ here) & ELECTRONIC)
        total += cz[p] * ((kind[p + ONE] ^ here) & ELECTRONIC)
    return total


def link_outside(kind, cx, cy, cz, p, sx, sy, total):  # type: ignore[no-untyped-def]
    """Add the conductances from a voxel of additive to other kinds; indices are signed here."""
    here = kind[p]
    for n, c in (
        (p - sx, cx[p - sx]), (p + sx, cx[p]), (p - sy, cy[p - sy]), (p + sy, cy[p]), (p - 1, cz[p - 1]), (p + 1, cz[p])
    ):  # fmt: skip
        if kind[n] != here:
            total += c
    return total
