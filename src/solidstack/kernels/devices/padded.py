"""Places in flat arrays that are padded by one layer of ghost voxels; ``shape`` is the padded shape.

The ghosts of a wrapped axis repeat the voxels at its other end. Aggregates take one or two voxels along each axis.
"""


def mirror(v, near, far, stride):  # type: ignore[no-untyped-def]
    """Renew the two ghosts of one line of voxels, of which ``near`` and ``far`` are the ends."""
    v[near] = v[far - stride]
    v[far] = v[near + stride]


def wrap_line(v, q, shape, wrap_y, wrap_z):  # type: ignore[no-untyped-def]
    """Renew the ghosts of line ``q`` of all planes: in each, the lines along y by their k, then those along z by j."""
    _mx, my, mz = shape
    first = (q // (my + mz)) * my * mz
    k = q % (my + mz)
    j = k - mz
    if wrap_y and 0 < k < mz - 1:
        mirror(v, first + k, first + (my - 1) * mz + k, mz)
    if wrap_z and 0 < j < my - 1:
        mirror(v, first + j * mz, first + j * mz + mz - 1, 1)


def block(aggregate, half, last):  # type: ignore[no-untyped-def]
    """First and last voxel of an aggregate along an axis that ends at ``last``; ``half``: whether it takes two.

    Aggregate 0 is a ghost and has the ghost voxel alone.
    """
    return ((aggregate - 1) << half) + 1 if aggregate else 0, min(aggregate << half, last)
