"""Effective transport beside TauFactor and PoreSpy on the same volumes, and beside the machine's memory bandwidth.

    python3 go.py setup
    .venv/bin/python benchmarks/transport.py [--sizes 128 256] [--repeats 3] [--peer taufactor porespy]
    .venv/bin/python benchmarks/transport.py --scaling

Every solve is a process of its own, and the packages take turns, so that ratios hold when the machine's speed drifts:
times are medians, a ratio is the median of the ratios of the turns. The clock runs from the array of labels in memory
to the effective conductivity, islands, equations and multigrid levels included; import, compilation and one small
volume come before. Memory is the growth of the process at its peak, the labels not counted.

All solve the same problem: one conducting phase, a potential difference along axis 0, the lateral faces closed. The
figure compared is the relative conductivity, effective over intrinsic (the tortuosity factor is the volume fraction
over it). PoreSpy fixes the potential in the outer planes of voxels instead of at their faces (see `peer_porespy`). A
difference above 1 % and the flux spreads of the two together, or a solve that fails, ends the run with status 1.

Peers are installed by pip, each in an environment of its own in ``--peer-folder``, which a later run finds again;
without it they are installed anew.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
from volumes import VOLUMES, cores, measured

from solidstack import __version__, twin
from solidstack.kernels.conduction import multigrid

HERE = Path(__file__).resolve().parent
OURS = "solidstack"
PINS = {
    "taufactor": ("taufactor==1.2.1", "torch==2.13.0", "numpy==2.4.6", "scipy==1.17.1"),
    "porespy": (
        "porespy==3.2.0",
        "openpnm==3.6.4",
        "pyamg==5.4.1",
        "pypardiso==0.4.7",
        "numpy==2.4.6",
        "scipy==1.17.1",
    ),
}
CALLS = {
    "taufactor 1e-2": ("taufactor", "--criterion", "1e-2"),
    "taufactor 1e-3": ("taufactor", "--criterion", "1e-3"),
    "porespy 1e-3": ("porespy", "--tolerance", "1e-3"),
}
AGREEMENT = 0.01
SCALING = (64, 128, 256, 512)

# Bytes that the loops of kernels/conduction/cpu.py must at least read and write for each voxel of a level, each array
# once a pass: labels 1; r, z, p, the coarse b, v and a face conductance 4; the potential x 8; a write counts once. The
# fine loops skip what does not conduct, so that besides the labels only cache lines with a conducting voxel count.
EVERY_VOXEL = {
    "fill": 4,
    "relax": 4 * multigrid.SWEEPS,  # two colours, before and after the coarse correction
    "restrict": 1,
    "prolong": 8,
    "dot": 8,
    "redirect": 12,
    "curvature": 1,
    "advance": 1,
}
CONDUCTING_LINES = {"relax": 4 * multigrid.SWEEPS * (4 + 8), "restrict": 4 + 4, "curvature": 4, "advance": 4 + 16 + 8}
LINE = 16
"""Voxels of a float32 array in a cache line."""
COARSE_PASSES = {
    "fill": 4,
    "relax_stored": 4 * multigrid.SWEEPS * (12 + 4 + 8),
    "restrict_stored": 12 + 4 + 4,
    "restrict into it": 4,
    "prolong": 8,
    "prolong from it": 4,
}


def bytes_per_iteration(labels: Any) -> float:
    """Bytes that an iteration of our solver must at least move on a cube of these labels."""
    n = len(labels)
    touched = float((labels.reshape(n, n, -1, LINE).any(axis=3)).mean()) if n % LINE == 0 else 1.0
    total = (sum(EVERY_VOXEL.values()) + touched * sum(CONDUCTING_LINES.values())) * float(n) ** 3
    edge = n
    while edge**3 > multigrid.COARSEST:
        edge = (edge + 1) // 2
        total += sum(COARSE_PASSES.values()) * float(edge) ** 3
    return total


@numba.njit(parallel=True)
def _copy(a, b):  # type: ignore[no-untyped-def]
    for i in numba.prange(len(a)):
        a[i] = b[i]


@numba.njit(parallel=True)
def _triad(a, b, c):  # type: ignore[no-untyped-def]
    for i in numba.prange(len(a)):
        a[i] = b[i] + 3.0 * c[i]


def bandwidth(count: int = 50_000_000, repeats: int = 10) -> dict[str, float]:
    """Bytes per second of a copy and a triad over float64 arrays, all cores; best of the repeats, as STREAM counts."""
    a, b, c = np.zeros(count), np.ones(count), np.ones(count)
    best = {}
    for name, function, arrays in (("copy", _copy, (a, b)), ("triad", _triad, (a, b, c))):
        function(*(array[:8] for array in arrays))
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            function(*arrays)
            times.append(time.perf_counter() - start)
        best[name] = 8.0 * len(arrays) * count / min(times)
    return best


def solve(path: str, tolerance: float, device: str) -> dict[str, Any]:
    """Solve one volume by this package: what a process of its own prints."""
    phases = {"pore": twin.Phase(0), "conductor": twin.Phase(1)}
    marks: list[float] = []

    def conduct(labels: Any) -> twin.Conduction:
        structure = twin.Structure(labels, phases, (1e-6, 1e-6, 1e-6))
        return twin.transport(
            structure,
            {"conductor": 1.0},
            direction="x",
            tolerance=tolerance,
            device=device,
            must_converge=False,
            progress=lambda *_: marks.append(time.perf_counter()),
        ).x

    start = time.perf_counter()
    conduct(VOLUMES["blobs"](32))
    first = time.perf_counter() - start
    labels = np.load(path)
    marks.clear()
    found, seconds, peak = measured(lambda: conduct(labels))
    return {
        "package": OURS,
        "version": __version__,
        "backend": f"numba {numba.__version__}, {found.device}",
        "threads": numba.get_num_threads(),
        "seconds": seconds,
        "first_call_seconds": first,
        "iteration_seconds": statistics.median(np.diff(marks)) if len(marks) > 1 else None,
        "relative_conductivity": found.relative_conductivity,
        "tolerance": tolerance,
        "flux_spread": found.history[-1].spread if found.history else 0.0,
        "flux_imbalance": found.flux_imbalance,
        "iterations": found.iterations,
        "converged": found.converged,
        "peak_bytes": peak,
        "stated_bytes_per_voxel": found.peak_bytes_per_voxel,
    }


def environment(folder: Path, peer: str) -> str:
    """Python of a peer's environment, which is made if it is not there; the pins it has lie in a file beside it."""
    home, wanted = folder / peer, "\n".join(PINS[peer])
    python, pins = home / "bin" / "python", home / "pins.txt"
    if not (pins.exists() and pins.read_text() == wanted):
        print(f"installing {', '.join(PINS[peer])}", file=sys.stderr)
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PINS[peer]], check=True)
        pins.write_text(wanted)
    return str(python)


def result_of(command: list[str], **environ: str) -> dict[str, Any]:
    """Run a solve and read its line of JSON; what went wrong, if it failed."""
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environ})
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return {"failed": lines[-1] if lines else f"ended with {done.returncode}"}
    data: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return data


def commands(arguments: argparse.Namespace, folder: Path) -> dict[str, list[str]]:
    """Command of each package; the path of the volume comes behind it."""
    own = [sys.executable, str(HERE / "transport.py"), "--tolerance", f"{arguments.tolerance:g}"]
    found = {OURS: [*own, "--device", arguments.device, "--volume"]}
    for name, (peer, *options) in CALLS.items():
        if peer in arguments.peer:
            found[name] = [environment(folder, peer), str(HERE / f"peer_{peer}.py"), *options]
    return found


def rows(arguments: argparse.Namespace, calls: dict[str, list[str]], folder: Path) -> Iterator[dict[str, Any]]:
    """Solve every volume by every package in turn; a row each."""
    for n in arguments.sizes:
        for volume, make in VOLUMES.items():
            path = folder / f"{volume}-{n}.npy"
            labels = make(n)
            np.save(path, labels)
            turns: dict[str, list[dict[str, Any]]] = {name: [] for name in calls}
            for _ in range(arguments.repeats):
                for name, command in calls.items():
                    turns[name].append(result_of([*command, str(path)]))
            path.unlink()
            ours = turns[OURS]
            for name, results in turns.items():
                row = {"volume": volume, "n": n, "conducting": float(labels.mean()), "call": name}
                if name == OURS:
                    row["iteration_bytes"] = bytes_per_iteration(labels)
                yield {**row, **summary(results, ours, n)}


def summary(results: list[dict[str, Any]], ours: list[dict[str, Any]], n: int) -> dict[str, Any]:
    """Put the turns of a package into one row, beside ours of the same turns."""
    for result in (*results, *ours):
        if "failed" in result:
            return {"failed": result["failed"]}
    last, own = results[-1], ours[-1]
    times = [result["seconds"] for result in results]
    peaks = [result["peak_bytes"] for result in results]
    difference = last["relative_conductivity"] / own["relative_conductivity"] - 1.0
    allowed = AGREEMENT + last["flux_spread"] + own["flux_spread"]
    return {
        **last,
        "seconds": statistics.median(times),
        "seconds_low": min(times),
        "seconds_high": max(times),
        "ratio": statistics.median(a["seconds"] / b["seconds"] for a, b in zip(results, ours, strict=True)),
        "difference": difference,
        "agrees": abs(difference) <= allowed and last["converged"],
        "bytes_per_voxel": None if None in peaks else max(peaks) / n**3,
    }


def shares(row: dict[str, Any], machine: dict[str, float]) -> dict[str, float]:
    """Of one of our rows: the least rate at which an iteration moves bytes, and its share of the triad's bandwidth."""
    rate = row["iteration_bytes"] / row["iteration_seconds"]
    return {"bytes_per_second": rate, "bandwidth_share": rate / machine["triad"]}


HEADER = (
    f"{'volume':<10} {'n':>4} {'package':<15} {'seconds':>8} {'low':>7} {'high':>7} {'ratio':>6} {'relative':>9} "
    f"{'differs':>8} {'spread':>8} {'iterations':>10} {'B/voxel':>8}"
)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    start = f"{row['volume']:<10} {row['n']:>4} {row['call']:<15}"
    if "failed" in row:
        return f"{start} failed: {row['failed']}"
    return (
        f"{start} {row['seconds']:>8.2f} {row['seconds_low']:>7.2f} {row['seconds_high']:>7.2f} {row['ratio']:>6.1f} "
        f"{row['relative_conductivity']:>9.5f} {100 * row['difference']:>6.2f} % {row['flux_spread']:>8.1e} "
        f"{row['iterations'] or '-':>10} {_number(row['bytes_per_voxel']):>8}"
        + ("" if row["agrees"] else "  does not agree")
        + ("" if row["converged"] else "  not converged")
    )


def main() -> None:
    """Measure and print a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", help="voxels along an edge, 32 to 512; default 128 256")
    parser.add_argument("--repeats", type=int, default=3, help="turns")
    parser.add_argument("--peer", nargs="+", choices=(*PINS, "none"), default=list(PINS), help="packages beside ours")
    parser.add_argument("--peer-folder", type=Path, help="where the peers' environments are kept")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="ours; the peers have those of their names")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="ours; the peers run on the CPU")
    parser.add_argument("--scaling", action="store_true", help="ours alone, at 64 to 512 voxels an edge")
    parser.add_argument("--volume", help="only solve this .npy and print its line of JSON")
    arguments = parser.parse_args()
    if arguments.volume:
        print(json.dumps(solve(arguments.volume, arguments.tolerance, arguments.device)))
        return
    arguments.sizes = arguments.sizes or list(SCALING if arguments.scaling else (128, 256))
    if arguments.scaling:
        arguments.peer = ["none"]

    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        calls = commands(arguments, arguments.peer_folder or scratch)
        np.save(scratch / "small.npy", VOLUMES["blobs"](32))
        compiled = result_of([*calls[OURS], str(scratch / "small.npy")], NUMBA_CACHE_DIR=str(scratch / "cache"))
        machine = bandwidth()
        compiling = compiled.get("first_call_seconds", float("nan"))
        print(
            f"{cores()} cores, copy {machine['copy'] / 1e9:.1f} GB/s, triad {machine['triad'] / 1e9:.1f} GB/s; "
            f"ours compiles once, in {compiling:.1f} s, not counted"
        )
        print(HEADER)
        found = []
        for row in rows(arguments, calls, scratch):
            if row["call"] == OURS and "failed" not in row and row["iteration_seconds"] and arguments.device == "cpu":
                row.update(shares(row, machine))
            found.append(row)
            print(line(row), flush=True)
    for row in found:
        if "bandwidth_share" in row:
            moved = row["iteration_bytes"] / row["n"] ** 3
            print(
                f"{row['volume']} {row['n']}: {row['iteration_seconds'] * 1e3:.3g} ms an iteration, "
                f"at least {moved:.0f} bytes a voxel, {row['bytes_per_second'] / 1e9:.1f} GB/s, "
                f"{100 * row['bandwidth_share']:.0f} % of the triad's"
            )
    result = {
        "machine": f"{platform.processor() or platform.machine()}, {cores()} cores",
        "python": platform.python_version(),
        "bandwidth_bytes_per_second": machine,
        "compile_seconds": compiling,
        "repeats": arguments.repeats,
        "rows": found,
    }
    print(json.dumps(result))
    if not all(row.get("agrees", False) for row in found):
        sys.exit(1)


if __name__ == "__main__":
    main()
