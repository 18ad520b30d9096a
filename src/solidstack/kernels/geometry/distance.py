"""Distance of voxels to the surfaces of spheres."""

import numba
import numpy as np

FAR = np.float32(1e30)


@numba.njit(parallel=True, fastmath=True, cache=True)
def sphere_distance(centres, radii, kinds, reach, spacing, box, periodic, nearest, second, kind):  # type: ignore[no-untyped-def]
    """Signed distance to the nearest and to the second nearest sphere surface, and the kind of the nearest sphere.

    Parameters
    ----------
    centres, radii : arrays, shapes (n, 3), (n,)
    kinds : array of uint8, shape (n,)
    reach : float
        Distance from a surface within which voxels are considered; voxels further away keep their values.
    spacing, box, periodic : arrays, shape (3,)
    nearest, second, kind : arrays, shape (nx, ny, nz)
        Initially FAR, FAR and 0. ``second`` may have shape (1, 1, 1); it is then left unchanged.
    """
    nx, ny, nz = nearest.shape
    with_second = second.size > 1
    for i in numba.prange(0, nx):
        for s in range(radii.size):
            outer = radii[s] + reach
            dx = (i + 0.5) * spacing[0] - centres[s, 0]
            if periodic[0]:
                dx -= box[0] * np.rint(dx / box[0])
            rest = outer * outer - dx * dx
            if rest <= 0.0:
                continue
            half = np.sqrt(rest)
            j_first = int(np.ceil((centres[s, 1] - half) / spacing[1] - 0.5))
            j_end = int(np.floor((centres[s, 1] + half) / spacing[1] - 0.5)) + 1
            if periodic[1]:
                if j_end - j_first > ny:
                    j_first = int(np.ceil(centres[s, 1] / spacing[1] - 0.5)) - ny // 2
                    j_end = j_first + ny
            else:
                j_first, j_end = max(j_first, 0), min(j_end, ny)
            for jj in range(j_first, j_end):
                dy = (jj + 0.5) * spacing[1] - centres[s, 1]
                rest = outer * outer - dx * dx - dy * dy
                if rest <= 0.0:
                    continue
                half = np.sqrt(rest)
                k_first = int(np.ceil((centres[s, 2] - half) / spacing[2] - 0.5))
                k_end = int(np.floor((centres[s, 2] + half) / spacing[2] - 0.5)) + 1
                if periodic[2]:
                    if k_end - k_first > nz:
                        k_first = int(np.ceil(centres[s, 2] / spacing[2] - 0.5)) - nz // 2
                        k_end = k_first + nz
                else:
                    k_first, k_end = max(k_first, 0), min(k_end, nz)
                j = jj % ny
                for kk in range(k_first, k_end):
                    dz = (kk + 0.5) * spacing[2] - centres[s, 2]
                    distance = np.float32(np.sqrt(dx * dx + dy * dy + dz * dz) - radii[s])
                    k = kk % nz
                    if distance < nearest[i, j, k]:
                        if with_second:
                            second[i, j, k] = nearest[i, j, k]
                        nearest[i, j, k] = distance
                        kind[i, j, k] = kinds[s]
                    elif with_second and distance < second[i, j, k]:
                        second[i, j, k] = distance
