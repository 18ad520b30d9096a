"""The physics of one voxel, written once: a CPU loop and a CUDA grid call the same functions.

A volume is a network: v is the potential, c the conductance of a face, and at every voxel

    sum over its six faces of c (v of the neighbour - v) + b = 0.

Arrays are flat and padded by one layer of ghost voxels, so that every neighbour exists: p is the index of a voxel,
p - 1 and p + 1 are its neighbours along z, p - sy and p + sy along y, p - sx and p + sx along x. On the finest level a
conductance is looked up by the classes of the two voxels; class 0 does not conduct, which closes a face, and the last
class is a fixed potential. On coarser levels conductances are stored at the lower voxel of each face.

Indices are unsigned: a signed one makes Numba test every access for a count from the end.
"""

import numpy as np

ONE = np.uint64(1)


def faces_by_class(classes, tables, n, v, p, sx, sy):  # type: ignore[no-untyped-def]
    """Sum of c v over the neighbours and sum of c; ``tables``: (3 n n), conductance by axis, class and class."""
    row = np.uint64(classes[p]) * n
    square = n * n
    a = tables[row + np.uint64(classes[p - sx])]
    b = tables[row + np.uint64(classes[p + sx])]
    row += square
    c = tables[row + np.uint64(classes[p - sy])]
    d = tables[row + np.uint64(classes[p + sy])]
    row += square
    e = tables[row + np.uint64(classes[p - ONE])]
    f = tables[row + np.uint64(classes[p + ONE])]
    brought = a * v[p - sx] + b * v[p + sx] + c * v[p - sy] + d * v[p + sy] + e * v[p - ONE] + f * v[p + ONE]
    return brought, a + b + c + d + e + f


def faces_stored(cx, cy, cz, v, p, sx, sy):  # type: ignore[no-untyped-def]
    """Sum of c v over the neighbours and sum of c, with stored conductances."""
    a = cx[p - sx]
    b = cx[p]
    c = cy[p - sy]
    d = cy[p]
    e = cz[p - ONE]
    f = cz[p]
    brought = a * v[p - sx] + b * v[p + sx] + c * v[p - sy] + d * v[p + sy] + e * v[p - ONE] + f * v[p + ONE]
    return brought, a + b + c + d + e + f
