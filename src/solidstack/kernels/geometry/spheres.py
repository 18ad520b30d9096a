"""Spheres in a box: neighbouring pairs, soft-sphere relaxation, overlap of pairs.

A pair is (i, j) and the whole boxes (-1, 0, 1, ...) by which j's image is shifted, so that even a box of a single
unit cell has all its contacts.
"""

import math

import numpy as np
from numba import njit

BALANCED = 1e-3
"""Net force over contact force (root mean squares) at which a packing is at rest."""


@njit(cache=True)
def sort_into_cells(centres, box, cells):  # type: ignore[no-untyped-def]
    """Spheres in the order of the cells that their centres lie in, and where each cell starts."""
    n = len(centres)
    starts = np.zeros(cells[0] * cells[1] * cells[2] + 1, np.int64)
    where = np.empty(n, np.int64)
    for i in range(n):
        cell = 0
        for a in range(3):
            cell = cell * cells[a] + min(int(centres[i, a] / box[a] * cells[a]), cells[a] - 1)
        where[i] = cell
        starts[cell + 1] += 1
    for c in range(len(starts) - 1):
        starts[c + 1] += starts[c]
    order = np.empty(n, np.int64)
    filled = starts[:-1].copy()
    for i in range(n):
        order[filled[where[i]]] = i
        filled[where[i]] += 1
    return order, starts


@njit(cache=True)
def near_pairs(centres, radii, box, periodic, skin):  # type: ignore[no-untyped-def]
    """Pairs whose surfaces are nearer than `skin`, each once, with the shift of the second's image.

    Centres lie in the box. The larger of the two looks for the smaller within its own diameter, in cells of the mean
    distance: the work grows with the number of spheres whatever the spread of their sizes.
    """
    n = len(radii)
    edge = (box[0] * box[1] * box[2] / n) ** (1.0 / 3.0)
    cells = np.empty(3, np.int64)
    for a in range(3):
        cells[a] = max(1, min(int(box[a] / edge), 1024))
    order, starts = sort_into_cells(centres, box, cells)

    capacity = 8 * n + 64
    pairs = np.empty((capacity, 2), np.int32)
    shifts = np.empty((capacity, 3), np.int16)
    count = 0
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    for i in range(n):
        reach = 2.0 * radii[i] + skin
        for a in range(3):
            low[a] = math.floor((centres[i, a] - reach) / box[a] * cells[a])
            high[a] = math.floor((centres[i, a] + reach) / box[a] * cells[a])
            if not periodic[a]:
                low[a], high[a] = max(low[a], 0), min(high[a], cells[a] - 1)
        for u in range(low[0], high[0] + 1):
            su = u // cells[0]
            for v in range(low[1], high[1] + 1):
                sv = v // cells[1]
                for w in range(low[2], high[2] + 1):
                    sw = w // cells[2]
                    cell = ((u - su * cells[0]) * cells[1] + v - sv * cells[1]) * cells[2] + w - sw * cells[2]
                    for k in range(starts[cell], starts[cell + 1]):
                        j = order[k]
                        if radii[j] > radii[i] or (radii[j] == radii[i] and j < i):
                            continue
                        if j == i and (su < 0 or (su == 0 and (sv < 0 or (sv == 0 and sw <= 0)))):
                            continue  # itself, or the image opposite to one that is counted
                        x = centres[j, 0] + su * box[0] - centres[i, 0]
                        y = centres[j, 1] + sv * box[1] - centres[i, 1]
                        z = centres[j, 2] + sw * box[2] - centres[i, 2]
                        cut = radii[i] + radii[j] + skin
                        if x * x + y * y + z * z >= cut * cut:
                            continue
                        if count == len(pairs):
                            more_pairs = np.empty((2 * count, 2), np.int32)
                            more_shifts = np.empty((2 * count, 3), np.int16)
                            more_pairs[:count] = pairs
                            more_shifts[:count] = shifts
                            pairs, shifts = more_pairs, more_shifts
                        pairs[count, 0], pairs[count, 1] = i, j
                        shifts[count, 0], shifts[count, 1], shifts[count, 2] = su, sv, sw
                        count += 1
    return pairs[:count].copy(), shifts[:count].copy()


@njit(cache=True)
def push_apart(centres, radii, box, pairs, shifts, mass, grown, push):  # type: ignore[no-untyped-def]
    """Forces of the pairs that overlap, into ``push``; returns the largest overlap and the sum of their squares.

    Squares are over the mass of either sphere; ``grown``: factor of the radii.
    """
    push[:] = 0.0
    worst, contact = 0.0, 0.0
    for p in range(len(pairs)):
        i, j = pairs[p, 0], pairs[p, 1]
        if i == j:
            continue
        x = centres[j, 0] + shifts[p, 0] * box[0] - centres[i, 0]
        y = centres[j, 1] + shifts[p, 1] * box[1] - centres[i, 1]
        z = centres[j, 2] + shifts[p, 2] * box[2] - centres[i, 2]
        touch = (radii[i] + radii[j]) * grown
        square = x * x + y * y + z * z
        if square >= touch * touch or square == 0.0:
            continue
        distance = math.sqrt(square)
        worst = max(worst, 1.0 - distance * grown / touch)
        force = radii[i] * radii[j] / (radii[i] + radii[j]) * (touch - distance)
        contact += force * force * (1.0 / mass[i] + 1.0 / mass[j])
        force /= distance
        push[i, 0] -= force * x
        push[i, 1] -= force * y
        push[i, 2] -= force * z
        push[j, 0] += force * x
        push[j, 1] += force * y
        push[j, 2] += force * z
    return worst, contact


@njit(cache=True)
def balance(centres, velocities, radii, box, periodic, mass, push):  # type: ignore[no-untyped-def]
    """Take off the forces that the walls bear; returns power, twice the kinetic energy, and the sum of net forces.

    Net forces are squared and over the mass.
    """
    n = len(radii)
    power, speed, net = 0.0, 0.0, 0.0
    for i in range(n):
        for a in range(3):
            if mass[i] == 0.0:
                push[i, a] = 0.0
                continue
            if not periodic[a] and (
                (centres[i, a] <= radii[i] and push[i, a] < 0.0)
                or (centres[i, a] >= box[a] - radii[i] and push[i, a] > 0.0)
            ):
                push[i, a] = 0.0  # the wall holds it
            power += push[i, a] * velocities[i, a]
            speed += mass[i] * velocities[i, a] ** 2
            net += push[i, a] ** 2 / mass[i]
    return power, speed, net


@njit(cache=True)
def move(centres, velocities, radii, box, periodic, mass, push, before, time_step, keep, turn):  # type: ignore[no-untyped-def]
    """Do a time step; returns the square of the largest distance from ``before``."""
    n = len(radii)
    moved = 0.0
    for i in range(n):
        if mass[i] == 0.0:
            continue
        square = 0.0
        for a in range(3):
            drive = push[i, a] / mass[i]
            velocities[i, a] = keep * velocities[i, a] + (turn + time_step) * drive
            centres[i, a] += time_step * velocities[i, a]
            if not periodic[a]:
                inside = min(max(centres[i, a], radii[i]), box[a] - radii[i])
                if inside != centres[i, a]:
                    centres[i, a], velocities[i, a] = inside, 0.0
            square += (centres[i, a] - before[i, a]) ** 2
        moved = max(moved, square)
    return moved


@njit(cache=True)
def relax(  # type: ignore[no-untyped-def]
    centres, velocities, radii, box, periodic, pairs, shifts, state, margin, steps, travel
):
    """Push overlapping spheres apart: `steps` of FIRE (Bitzek et al., Phys. Rev. Lett. 97, 170201), in place.

    Energy of a pair: k/2 (r_i + r_j - d)^2 with k the reduced radius, as elastic spheres of one modulus have it, so
    that overlaps are in proportion to size. The mass of a sphere is the sum of its pairs' k: time is then in units of
    the fastest oscillation whatever the sizes. Radii are taken larger by the factor 1 + `margin`.
    `state` is (time step, mixing, steps downhill), kept from call to call. Ends early once a centre has moved by
    `travel`, when no pair overlaps, or when the forces balance.

    Returns (steps done, largest overlap over r_i + r_j without the margin, net force over contact force).
    """
    n = len(radii)
    mass = np.zeros(n)
    for p in range(len(pairs)):
        i, j = pairs[p, 0], pairs[p, 1]
        k = radii[i] * radii[j] / (radii[i] + radii[j])
        mass[i] += k
        mass[j] += k
    push = np.empty((n, 3))
    before = centres.copy()
    grown = 1.0 + margin
    moved, worst, ratio = 0.0, 0.0, 0.0
    for step in range(steps):
        worst, contact = push_apart(centres, radii, box, pairs, shifts, mass, grown, push)
        power, speed, net = balance(centres, velocities, radii, box, periodic, mass, push)
        ratio = math.sqrt(net / contact) if contact > 0.0 else 0.0
        if worst <= 0.0 or ratio < BALANCED:
            return step, worst, ratio
        if moved >= travel * travel:
            return step, worst, ratio
        if power > 0.0:
            state[2] += 1.0
            if state[2] > 5.0:
                state[0] = min(1.1 * state[0], 1.0)
                state[1] *= 0.99
        else:
            state[0], state[1], state[2] = 0.5 * state[0], 0.25, 0.0
            velocities[:] = 0.0
            speed = 0.0
        keep, turn = 1.0 - state[1], state[1] * math.sqrt(speed / net)
        moved = move(centres, velocities, radii, box, periodic, mass, push, before, state[0], keep, turn)
    return steps, worst, ratio


@njit(cache=True)
def overlaps(centres, radii, box, pairs, shifts):  # type: ignore[no-untyped-def]
    """Sum of the lens volumes of all pairs, the largest (r_i + r_j - d)/(r_i + r_j), and its pair (-1 where none)."""
    lenses, worst, first, second = 0.0, 0.0, -1, -1
    for p in range(len(pairs)):
        i, j = pairs[p, 0], pairs[p, 1]
        square = 0.0
        for a in range(3):
            square += (centres[j, a] + shifts[p, a] * box[a] - centres[i, a]) ** 2
        d, r, s = math.sqrt(square), radii[i], radii[j]
        depth = r + s - d
        if depth <= 0.0:
            continue
        if d <= abs(r - s):
            lenses += 4.0 / 3.0 * math.pi * min(r, s) ** 3
        else:
            lenses += math.pi * depth**2 * (d * d + 2.0 * d * (r + s) - 3.0 * (r - s) ** 2) / (12.0 * d)
        if depth > worst * (r + s):
            worst, first, second = depth / (r + s), i, j
    return lenses, worst, first, second
