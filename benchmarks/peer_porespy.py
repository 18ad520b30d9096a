"""Effective conductivity of a volume by the peer package PoreSpy, on the CPU.

`transport.py` makes an environment for it and runs it there::

    python benchmarks/peer_porespy.py VOLUME.npy [--solver default] [--tolerance 1e-3]

``porespy.simulations.tortuosity_fd``: the voxels as a network (OpenPNM), solved in float64, no flux through the lateral
faces. The concentration is fixed in the first and last plane of voxels themselves, so the length between them is one
voxel shorter and the first plane conducts sideways without loss; PoreSpy divides by that length. The difference from
potentials fixed at the outer faces is of the order of 1/n. The clock runs from the array to the result; import and one
small volume come before. Prints one line of JSON.

Solvers: ``default`` is PoreSpy's own (algebraic multigrid of Ruge and Stueben, tightened until inlet and outlet flux
agree to the tolerance); the others are given to it as objects: ``amg-cg`` the same multigrid as preconditioner of
conjugate gradients, ``sa-cg`` smoothed aggregation likewise, ``cg`` SciPy's conjugate gradients with the diagonal as
preconditioner, ``pardiso`` the direct solver of MKL. These get a thousandth of the tolerance as that of the residual; a
hundredth left the multigrid ones short of the tolerance of the flux. At 128^3 ``default`` and ``amg-cg`` tie, since
building the multigrid takes most of the time, and the others take up to three times as long.
"""

import argparse
import importlib.metadata
import json
import logging
import time
from typing import Any

import numpy as np
import openpnm
import porespy
import pyamg
from scipy.sparse import diags
from scipy.sparse.linalg import cg
from volumes import blobs, cores, measured

PEER = "porespy"


class Given:
    """A solver as `tortuosity_fd` takes it, which counts its iterations."""

    def __init__(self, name: str, tolerance: float) -> None:
        self.name, self.tolerance, self.iterations = name, tolerance, 0

    def count(self, _: Any) -> None:
        """Count an iteration."""
        self.iterations += 1

    def solve(self, a: Any, b: Any) -> tuple[Any, int]:
        """Solve a x = b; the second value is 0 on success."""
        a = a.tocsr()
        match self.name:
            case "pardiso":
                return openpnm.solvers.PardisoSpsolve().solve(a, b)
            case "cg":
                inverse = diags(1.0 / a.diagonal())
                return cg(a, b, rtol=self.tolerance, maxiter=20_000, M=inverse, callback=self.count)
            case "amg-cg":
                levels = pyamg.ruge_stuben_solver(a)
            case "sa-cg":
                levels = pyamg.smoothed_aggregation_solver(a)
        return levels.solve(b, tol=self.tolerance, maxiter=500, accel="cg", callback=self.count, return_info=True)


def solve(volume: Any, name: str, tolerance: float) -> tuple[Any, int]:
    """Call the peer; its result, and iterations (0 where it does not say)."""
    if name == "default":
        return porespy.simulations.tortuosity_fd(volume == 1, axis=0, ftol=tolerance), 0
    solver = Given(name, tolerance / 1000.0)
    return porespy.simulations.tortuosity_fd(volume == 1, axis=0, solver=solver, ftol=tolerance), solver.iterations


def main() -> None:
    """Time the peer and print one line of JSON."""
    parser = argparse.ArgumentParser(description=f"Effective conductivity by {PEER}.")
    parser.add_argument("volume", help=".npy of 0 and 1; the current flows along axis 0")
    parser.add_argument("--solver", default="default", choices=("default", "amg-cg", "sa-cg", "cg", "pardiso"))
    parser.add_argument("--tolerance", type=float, default=1e-3, help="allowed relative difference of in- and outflow")
    arguments = parser.parse_args()

    logging.disable(logging.WARNING)
    porespy.settings.tqdm["disable"] = True
    start = time.perf_counter()
    solve(blobs(32), arguments.solver, arguments.tolerance)
    first = time.perf_counter() - start
    volume = np.load(arguments.volume)
    (result, iterations), seconds, peak = measured(lambda: solve(volume, arguments.solver, arguments.tolerance))
    fluxes = porespy.beta.flux(result.im_conc, axis=0, k=result.im).sum(axis=(1, 2))
    report = {
        "package": PEER,
        "version": importlib.metadata.version(PEER),
        "backend": f"openpnm {openpnm.__version__}, pyamg {pyamg.__version__}, solver {arguments.solver}",
        "threads": cores(),
        "seconds": seconds,
        "equations_seconds": result.time,
        "first_call_seconds": first,
        "relative_conductivity": 1.0 / float(result.formation_factor),
        "tolerance": arguments.tolerance,
        "flux_spread": float(np.ptp(fluxes) / abs(fluxes).max()),
        "iterations": iterations or None,
        "converged": bool(result.converged),
        "peak_bytes": peak,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
