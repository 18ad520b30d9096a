"""Designs per second of the full evaluation, beside a hand-written floor and a peer.

    python3 go.py setup
    .venv/bin/python benchmarks/evaluate.py [--peer]

The floor is the least that any program must do for masses and energies: a closed form in NumPy of the mass,
capacity, energy, specific energy and thickness of the same cell, written for this one design, with nothing
checked and nothing else computed (no thresholds, resistances, volumes, breakdowns, cost). All runs vary four
keys: loading, density, composition and membrane thickness. Times are medians; both are run in turn in one
process, on one core, so the ratio holds when the machine's speed drifts. ``--peer`` also times
steer-opencell-design, installed by uv in an environment of its own, on the same cell.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import solidstack as ss

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "pouch-0.16Ah.toml"


def inputs(count: int, seed: int = 0) -> dict[str, Any]:
    """Draw designs at random: SI values of the four keys."""
    random = np.random.default_rng(seed)
    drawn = {
        "loading": random.uniform(0.10, 0.40, count),
        "density": random.uniform(3.2e3, 3.6e3, count),
        "active": random.uniform(0.88, 0.96, count),
        "membrane": random.uniform(20e-6, 100e-6, count),
    }
    return {key: float(value[0]) for key, value in drawn.items()} if count == 1 else drawn


def floor(loading: Any, density: Any, active: Any, membrane: Any) -> tuple[Any, ...]:
    """Masses and energies of the example cell by hand, with its numbers written out."""
    positive, negative, separator, outline = 0.029 * 0.0405, 0.031 * 0.0425, 0.033 * 0.0445, 0.039 * 0.0505
    coating = 4 * positive * loading
    active_mass = coating * active
    carbon = coating * 0.02
    electrolyte = coating - active_mass - carbon
    membranes = 4 * separator * 1800.0 * membrane
    rest = 2 * positive * 2700.0 * 20e-6 + 3 * negative * 534.0 * 40e-6 + 2 * outline * 0.203 + 0.1388e-3
    mass = active_mass + carbon + electrolyte + membranes + rest
    capacity = active_mass * 187 * 3600
    energy = capacity * 3.81
    thickness = 4 * loading / density + 4 * membrane + 2 * 20e-6 + 3 * 40e-6 + 2 * 113e-6
    areal = active * loading * 187 * 3600 * 3.81
    electrode = areal / (loading + 0.027)
    with_negative = areal / (loading + 0.027 + 0.01068)
    with_membrane = areal / (loading + 0.027 + 0.01068 + 1800.0 * membrane)
    return mass, capacity, energy, energy / mass, thickness, electrode, with_negative, with_membrane


def full(design: ss.Design) -> ss.Sheet:
    """Evaluate everything: thresholds, resistances, masses, volumes, energies, breakdown, cost."""
    return ss.evaluate(design)


def made(values: dict[str, Any]) -> ss.Design:
    """Set the drawn values into the example."""
    return ss.load(EXAMPLE).with_(
        positive__composition__NCM622=values["active"],
        positive__loading=values["loading"],
        positive__density=values["density"],
        membrane__thickness=values["membrane"],
    )


def paired(first: Callable[[], Any], second: Callable[[], Any], seconds: float) -> tuple[float, float, float]:
    """Time two functions in turn; medians, and the median of the ratios second over first."""
    first(), second()
    times: list[tuple[float, float]] = []
    start = time.perf_counter()
    while time.perf_counter() - start < seconds or len(times) < 5:
        marks = [time.perf_counter()]
        for function in (first, second):
            function()
            marks.append(time.perf_counter())
        times.append((marks[1] - marks[0], marks[2] - marks[1]))
    firsts, seconds_ = zip(*times, strict=True)
    return statistics.median(firsts), statistics.median(seconds_), statistics.median(b / a for a, b in times)


def peer() -> dict[str, Any]:
    """Time the peer in its own environment."""
    command = ["uv", "run", "--quiet", "--no-project", "--with", "steer-opencell-design", "python"]
    script = str(ROOT / "benchmarks" / "peer_opencell.py")
    result = subprocess.run([*command, script], capture_output=True, text=True, check=True)
    data: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return data


def main() -> None:
    """Measure and print a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peer", action="store_true", help="also time steer-opencell-design")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    arguments = parser.parse_args()

    rows = []
    for count in (1, 1_000, 1_000_000):
        values = inputs(count)
        design = made(values)
        check = floor(**values), full(design)
        np.testing.assert_allclose(check[0][0], check[1].cell.mass, rtol=1e-3)
        np.testing.assert_allclose(check[0][2], check[1].cell.energy, rtol=1e-9)
        np.testing.assert_allclose(check[0][7], check[1].electrode_energy.with_negative_and_membrane, rtol=1e-9)
        lowest, whole, ratio = paired(lambda v=values: floor(**v), lambda d=design: full(d), arguments.seconds)
        rows.append(
            {"designs": count, "floor_s": lowest, "full_s": whole, "ratio": ratio, "designs_per_second": count / whole}
        )
    # one design from its values, as an optimiser asks for it: the changed copy is checked as well
    base = ss.load(EXAMPLE)
    single = inputs(1)
    _, changed, _ = paired(
        lambda: None, lambda: ss.evaluate(base.with_(positive__loading=single["loading"])), arguments.seconds
    )
    result: dict[str, Any] = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, one used",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "rows": rows,
        "with_and_evaluate_per_second": 1.0 / changed,
    }
    print(f"{'designs':>9} {'floor':>12} {'full':>12} {'full/floor':>11} {'designs/s':>12}")
    for row in rows:
        print(
            f"{row['designs']:>9} {row['floor_s'] * 1e3:>9.3f} ms {row['full_s'] * 1e3:>9.3f} ms "
            f"{row['ratio']:>11.1f} {row['designs_per_second']:>12.3g}"
        )
    print(f"one design changed, checked and evaluated: {1.0 / changed:.3g} a second")
    if arguments.peer:
        result["peer"] = peer()
        ratio = result["with_and_evaluate_per_second"] / result["peer"]["designs_per_second"]
        found = result["peer"]
        print(f"{found['peer']} {found['version']}: {found['designs_per_second']:.3g} a second (ratio {ratio:.3g})")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
