"""Effective conductivity of a volume by the peer package TauFactor, on the CPU.

`transport.py` makes an environment for it and runs it there::

    python benchmarks/peer_taufactor.py VOLUME.npy [--criterion 1e-2]

``taufactor.Solver``: successive over-relaxation in float32 between fixed potentials half a voxel outside of the first
and last plane, no flux through the lateral faces. It stops where the fluxes through two planes differ by no more than
the criterion (its default is 1e-2), looked at every 100 iterations. The clock runs from the array to the result; import
and one small volume come before. Prints one line of JSON.
"""

import argparse
import contextlib
import importlib.metadata
import io
import json
import time
from typing import Any

import numpy as np
import taufactor
import torch
from volumes import blobs, measured

PEER = "taufactor"
MOST = 50_000


def solve(volume: Any, criterion: float) -> Any:
    """Solve and return the solver, which keeps its results as attributes."""
    solver = taufactor.Solver(volume, device="cpu")
    with contextlib.redirect_stdout(io.StringIO()):
        solver.solve(iter_limit=MOST, verbose=False, conv_crit=criterion)
    return solver


def main() -> None:
    """Time the peer and print one line of JSON."""
    parser = argparse.ArgumentParser(description=f"Effective conductivity by {PEER}.")
    parser.add_argument("volume", help=".npy of 0 and 1; the current flows along axis 0")
    parser.add_argument("--criterion", type=float, default=1e-2, help="allowed relative difference of plane fluxes")
    arguments = parser.parse_args()

    start = time.perf_counter()
    solve(blobs(32), 1e-2)
    first = time.perf_counter() - start
    volume = np.load(arguments.volume)
    solver, seconds, peak = measured(lambda: solve(volume, arguments.criterion))
    fluxes = solver.flux_1d[0]
    report = {
        "package": PEER,
        "version": importlib.metadata.version(PEER),
        "backend": f"torch {torch.__version__}",
        "threads": torch.get_num_threads(),
        "seconds": seconds,
        "first_call_seconds": first,
        "relative_conductivity": float(solver.D_rel[0]),
        "tolerance": arguments.criterion,
        "flux_spread": float(np.ptp(fluxes) / fluxes.max()),
        "iterations": solver.iter,
        "converged": bool(solver.converged),
        "peak_bytes": peak,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
