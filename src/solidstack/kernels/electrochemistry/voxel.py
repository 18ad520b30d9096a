r"""The physics of one voxel during charge and discharge, written once: CPU loops and CUDA grids call the same.

Every voxel has a potential and, where something is stored in it, a content: the lithium of the active material
(stoichiometry x) or the salt of a binary electrolyte (concentration relative to its nominal one). Both enter the
reaction through one electrochemical potential,

    y = phi - U(x)          in the active material,
    y = psi + beta ln x     in the solid electrolyte, psi = phi_e - beta ln x, beta = 2 (RT/F) (1 - t+) TDF,

so that the current through a face between the two depends on the difference of their y alone, and the current within
the electrolyte is -kappa grad psi. With v the change of the potential and w = (dy/dx) dx that of the content's part,
a step of Newton's method is a symmetric positive definite network,

    sum over bulk faces of c (v' - v) + sum over interface faces of g (v' + w' - v - w) + b  = 0
    sum over bulk faces of d (w' - w) + sum over interface faces of g (v' + w' - v - w) - C w + b' = 0,

g the slope of the current against y, d the mobility and C the storage over the time step, both divided by dy/dx.
What is stored diffuses down its part of y, with the mobility D / (dy/dx): Fick's law where dy/dx is that of the place.
The active material and the electrolyte obey the same two rows, which is why hardly a function here asks which it is.

Potentials of electronic voxels, and their changes v, are relative to that of the collector, the ``plate``, which enters
the reaction alone: the electronic potential drops by little and the collector's by much, and float32 has to hold both.

Arrays are flat and padded as in `solidstack.kernels.conduction.voxel`. Behind the first plane lies the lithium, behind
the last
the collector. A kind is a byte: 0 is nothing; bit 0 says that the voxel conducts electrons (else ions), bit 1 that it
stores something, the bits above say which material it is. A face between the two sorts of conductor is an interface.
On the coarser levels a cell has both sorts: four unknowns, v and w of its electronic and of its ionic part.

Currents are in units of ``scale`` (A), potentials in V.
"""

import math

import numpy as np

ELECTRONIC = np.uint8(1)
STORES = np.uint8(2)
SHIFT = 2
"""Bits below the number of the material (from 1) in a kind."""

ONE = np.uint64(1)

# columns of the tables by content: potential (none for salt), mobility (of salt: diffusivity times storage over beta),
# conductivity, j0
POTENTIAL, MOBILITY, CONDUCTION, EXCHANGE = range(4)

# columns of a coarse cell's coefficients; the first five hold one value for the face behind along x, y, z
KS, DS, KE, DE, GSE, GES = (3 * number for number in range(6))
GIN, CS, CE = 18, 19, 20
COEFFICIENTS = 21

LARGEST_EXPONENT = 60.0


def look_up(table, x, most):  # type: ignore[no-untyped-def]
    """Linear interpolation in a table over 0 to `most`; beyond its ends the outermost straight lines go on."""
    last = table.shape[0] - 2
    place = x * ((last + 1) / most)
    low = min(max(int(place), 0), last)
    return table[low] + (place - low) * (table[low + 1] - table[low])


def look_up_slope(table, x, most):  # type: ignore[no-untyped-def]
    """As `look_up`, with the slope."""
    last = table.shape[0] - 2
    place = x * ((last + 1) / most)
    low = min(max(int(place), 0), last)
    step = table[low + 1] - table[low]
    return table[low] + (place - low) * step, step * ((last + 1) / most)


def react(eta, exchange, alpha, f, resistance):  # type: ignore[no-untyped-def]
    """Butler-Volmer with a resistance in series: current density, its slope, and the drop at the charge transfer alone.

    ``f``: F/RT. The drop e solves e + R j(e) = eta. Both starting values are bounds from the side on which Newton's
    method converges without overshooting (for alpha = 1/2; near enough to it else).
    """
    e = eta
    if resistance > 0.0:
        far = 2.0 / f * math.asinh(abs(eta) / (2.0 * exchange * resistance))
        e = math.copysign(min(abs(eta) / (1.0 + resistance * exchange * f), far), eta)
        for _ in range(30):
            up = math.exp(min(alpha * f * e, LARGEST_EXPONENT))
            down = math.exp(min(-(1.0 - alpha) * f * e, LARGEST_EXPONENT))
            slope = exchange * f * (alpha * up + (1.0 - alpha) * down)
            step = (e + resistance * exchange * (up - down) - eta) / (1.0 + resistance * slope)
            e -= step
            if abs(step) < 1e-13:
                break
    up = math.exp(min(alpha * f * e, LARGEST_EXPONENT))
    down = math.exp(min(-(1.0 - alpha) * f * e, LARGEST_EXPONENT))
    slope = exchange * f * (alpha * up + (1.0 - alpha) * down)
    return exchange * (up - down), slope / (1.0 + resistance * slope), e


def beside(lengths, i, planes):  # type: ignore[no-untyped-def]
    """Edge along x of the faces beside the voxels of a plane; 0 in the long voxels of the membrane.

    Those conduct along x alone: were they joined beside as well, that would be the stronger the longer they are, and
    neither smoothing nor coarsening would see what changes from plane to plane.
    """
    return lengths[i] if lengths[i] <= 1.001 * lengths[planes - 1] else 0.0


def extrapolate(now, before, ratio, most):  # type: ignore[no-untyped-def]
    """Extrapolated content, at most nine tenths of the way to a bound."""
    return min(max(now + ratio * (now - before), 0.1 * now), now + 0.9 * (most - now))


def exchanges(here, there):  # type: ignore[no-untyped-def]
    """Whether what is stored passes between two voxels: within one host, or as salt between two electrolytes."""
    return here == there or (here & there & STORES and not here & ELECTRONIC)


def make_row(jit, exchanges):  # type: ignore[no-untyped-def]
    """Compile `row` for a device, with what it calls."""

    @jit
    def face(here, e_here, c, there, e_there, v, w, plate, geometry):  # type: ignore[no-untyped-def]
        """One face of a row: bulk conductance, it times v; interface conductance, it times y; diffusion, it times w."""
        if (here ^ there) & ELECTRONIC:
            return 0.0 * c, 0.0 * v, c, c * (v + w if here & ELECTRONIC else v + w + plate), 0.0 * c, 0.0 * v
        if exchanges(here, there):
            d = (e_here + e_there) * geometry
            return c, c * v, 0.0 * c, 0.0 * v, d, d * w
        return c, c * v, 0.0 * c, 0.0 * v, 0.0 * c, 0.0 * v

    @jit
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

    return row


def harmonic(a, b, da, db, area):  # type: ignore[no-untyped-def]
    """Conductance between the centres of two voxels of lengths da, db."""
    resistance = da * b + db * a
    return 2.0 * area * a * b / resistance if resistance > 0.0 else 0.0


def make_reaction(jit, react):  # type: ignore[no-untyped-def]
    """Compile `reaction_at` for a device, with what it calls."""

    @jit
    def reaction_at(p, n, length_p, length_n, kind, phi, alpha, sigma, j0, s, e, plate, lithium, resistance, f, ideal):  # type: ignore[no-untyped-def]
        """Current density from the electronic to the ionic side of a face, its slope, and the parts of the drop.

        ``lithium``: of the lithium plane, whose kind has no material: exchange current density, resistance of its
        surface, and of the part of the membrane that has no voxels.
        Returns j, slope, drop at the charge transfer, and the resistances of the series: electronic half voxel, ionic
        half voxel, interface, diffusion to the face; and y of the content on the electronic side, in the middle of the
        voxel, and on the ionic side, at the face.
        """
        if kind[p] & ELECTRONIC:
            a, b, half_a, half_b = p, n, 0.5 * length_p, 0.5 * length_n
        else:
            a, b, half_a, half_b = n, p, 0.5 * length_n, 0.5 * length_p
        ye = phi[b] + s[b]
        ionic = half_b / sigma[b]
        salt = half_b / e[b] if kind[b] & STORES else 0.0
        number = kind[a] >> SHIFT
        if number == 0:
            exchange, surface, layer = lithium
            j, slope, drop = react(-ye, exchange, 0.5, f, surface + layer + ionic + salt)
            return j, slope, drop, 0.0, layer + ionic, surface, 0.0, 0.0, s[b] + j * salt
        electronic = 0.0 if ideal else half_a / sigma[a]
        diffusion = half_a / e[a]
        drops = resistance + electronic + ionic + diffusion + salt
        j, slope, drop = react(phi[a] + plate + s[a] - ye, j0[a], alpha[number - 1], f, drops)
        return j, slope, drop, electronic, ionic, resistance, diffusion, s[a], s[b] + j * salt

    return reaction_at


def make_share(jit, exchanges):  # type: ignore[no-untyped-def]
    """Compile `share` for a device, with what it calls."""

    @jit
    def share(here, c, j, there, phi_here, phi, e_here, e, s_here, s, geometry):  # type: ignore[no-untyped-def]
        """What one face brings to the two rows of a voxel."""
        if (here ^ there) & ELECTRONIC:
            brought = -j if here & ELECTRONIC else j
            return brought, brought
        if exchanges(here, there):
            return c * (phi - phi_here), (e_here + e) * geometry * (s - s_here)
        return c * (phi - phi_here), 0.0

    return share


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
    one = zero + 1
    r1 = b[p, 0] + kvs + gys
    r2 = b[p, 1] + dws + gys
    r3 = b[p, 2] + kve + gye
    r4 = b[p, 3] + dwe + gye
    as_ = one / ks if ks != 0.0 and not ideal else zero
    bs = one / ds if ds != 0.0 else zero
    ae = one / ke if ke != 0.0 else zero
    be = one / de if de != 0.0 else zero
    ps = as_ * r1 + bs * r2 + plate
    pe = ae * r3 + be * r4
    ss = as_ + bs
    se = ae + be
    whole = (one + ss * gs) * (one + se * ge) - ss * se * g * g
    ys = (ps * (one + se * ge) + ss * g * pe) / whole
    ye = (pe * (one + ss * gs) + se * g * ps) / whole
    at_s = gs * ys - g * ye
    at_e = ge * ye - g * ys
    return as_ * (r1 - at_s), bs * (r2 - at_s), ae * (r3 - at_e), be * (r4 - at_e)
