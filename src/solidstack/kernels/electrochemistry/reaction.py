"""The faces of voxels, one at a time: the reaction at an interface, conductances, and where the power goes.

`solidstack.kernels.electrochemistry.voxel` describes the arrays. ``f`` is F/RT; ``resistance`` is that of the
interfaces, ohm m2; ``lithium`` is of the lithium plane: exchange current density, resistance of its surface, and
resistance of the part of the membrane that has no voxels.
"""

import math

from .voxel import ELECTRONIC, SHIFT, STORES

CALLED = ("react",)

LARGEST_EXPONENT = 60.0


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


def harmonic(a, b, da, db, area):  # type: ignore[no-untyped-def]
    """Conductance between the centres of two voxels of lengths da, db."""
    resistance = da * b + db * a
    return 2.0 * area * a * b / resistance if resistance > 0.0 else 0.0


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


def join_voxel(  # type: ignore[no-untyped-def]
    kind, phi, ax, ay, az, alpha, sigma, j0, s, e, cx, cy, cz, jx, jy, jz, plate, lithium, resistance, f, ideal,
    lengths, hy, hz, scale, shape, i, j, k,
):  # fmt: skip
    """Set the conductances of the three faces behind a voxel (of interfaces: g), and the currents of interfaces."""
    mx, my, mz = shape
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
                    reaction = reaction_at(
                        p, n, la, lb, kind, phi, alpha, sigma, j0, s, e, plate, lithium, resistance, f, ideal
                    )
                    current = reaction[0] * area / scale
                    c = reaction[1] * area / scale
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


def dissipate(  # type: ignore[no-untyped-def]
    kind, phi, ax, ay, az, alpha, sigma, j0, s, e, cx, cy, cz, plate, lithium, resistance, f, ideal, lengths,
    hy, hz, scale, membrane, shape, i, j, k, totals,
):  # fmt: skip
    """Add the power lost in the three faces behind a voxel to totals by cause (those of the loop `dissipation`)."""
    ionic, inner, electronic, transfer, diffusion, salt, metal, potential = totals
    _mx, my, mz = shape
    p = (i * my + j) * mz + k
    here = kind[p]
    if not here:
        return totals
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
            reaction = reaction_at(
                p, n, la, lb, kind, phi, alpha, sigma, j0, s, e, plate, lithium, resistance, f, ideal
            )
            density, _slope, drop, at_s, at_e, extra, at_x, lithiated, salted = reaction
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
    return ionic, inner, electronic, transfer, diffusion, salt, metal, potential
