"""The state of a voxel, one at a time: its content, the properties that follow from it, and its change over a step.

`solidstack.kernels.electrochemistry.voxel` describes the arrays. ``most``: largest content, by material.
"""

import math

from .voxel import CONDUCTION, EXCHANGE, MOBILITY, POTENTIAL, SHIFT, STORES

CALLED = ("look_up", "look_up_slope")


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


def set_properties(kind, x, tables, most, beta, least_slope, sigma, j0, s, im, e, anew, p):  # type: ignore[no-untyped-def]
    """Set the properties of a voxel by its content."""
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


def extrapolate(now, before, ratio, most):  # type: ignore[no-untyped-def]
    """Extrapolated content, at most nine tenths of the way to a bound."""
    return min(max(now + ratio * (now - before), 0.1 * now), now + 0.9 * (most - now))


def correct_voxel(kind, phi, x, dv, dw, im, most, p, largest_v, largest_x):  # type: ignore[no-untyped-def]
    """Take a step of Newton's method; returns the larger of the largest changes so far and those of this voxel."""
    here = kind[p]
    if not here:
        return largest_v, largest_x
    change = dv[p] + 0.0
    phi[p] += change
    largest_v = max(largest_v, abs(change))
    if here & STORES:
        content = x[p]
        change = dw[p] * im[p]
        change = min(max(change, -0.9 * content), 0.9 * (most[(here >> SHIFT) - 1] - content))
        x[p] = content + change
        largest_x = max(largest_x, abs(change))
    return largest_v, largest_x


def settle_voxel(kind, x, bw, storage, a0, volume, i, p):  # type: ignore[no-untyped-def]
    """Put what is left over of the row of the content into it."""
    here = kind[p]
    if here & STORES:
        x[p] += bw[p] / (storage[here] * volume[i] * a0)


def predict_voxel(kind, x, x1, x2, phi, phi1, phi2, ratio, most, p):  # type: ignore[no-untyped-def]
    """Extrapolate content and potential by ``ratio`` times their last change."""
    here = kind[p]
    if here:
        phi[p] = phi1[p] + ratio * (phi1[p] - phi2[p])
        if here & STORES:
            x[p] = extrapolate(x1[p], x2[p], ratio, most[(here >> SHIFT) - 1])


def deviate(kind, x, x1, x2, ratio, most, storage, volume, i, p, total, whole):  # type: ignore[no-untyped-def]
    """Add to the squared distance from `predict_voxel`, by volume of storage, and to that volume."""
    here = kind[p]
    if here & STORES:
        weight = storage[here] * volume[i]
        total += weight * (x[p] - extrapolate(x1[p], x2[p], ratio, most[(here >> SHIFT) - 1])) ** 2
        whole += weight
    return total, whole
