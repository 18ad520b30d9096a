"""Time charge and discharge of the twin: growth with the size, against the machine's limit, and a full cycle.

    python benchmarks/discharge.py [--widths 32 64 100] [--steps 12] [--cycle WIDTH] [--device cpu|cuda]

The structure is NCM622 with a solid polymer electrolyte at the balance threshold and 3.0 g/cm3, 73 um thick, in voxels
of 0.4 um. For each width the first time steps of a charge at C/10 from half charge are solved; then, where asked for,
a whole cycle (C/10, C/5) of a single width is run. No open package cycles solid-state composites on images, so there is
no peer; the machine's limit is the bandwidth of a triad over large arrays, measured in the same run.
"""

import argparse
import statistics
import time

import numba
import numpy as np

import solidstack as ss
from solidstack.kinetics import cell_parameters
from solidstack.twin.domain import prepare
from solidstack.twin.electrochemistry.conditions import loops_for
from solidstack.twin.electrochemistry.cycle import discharge
from solidstack.twin.electrochemistry.equations import Equations

THICKNESS, VOXEL = 73.2e-6, 0.4e-6

BYTES_PER_ITERATION = 430
"""Moved per voxel and iteration of the linear solver, by count: 4 passes of smoothing (45 each), matrix (53),
restriction (45), prolongation (21), dot (16), redirection (24), step (40), fills (16), coarser levels (about 35)."""


@numba.njit(parallel=True)
def triad(a, b, c):
    for i in numba.prange(a.size):
        c[i] = a[i] + 2.0 * b[i]


def bandwidth():
    """GB/s of a triad, best of 7."""
    a, b, c = (np.ones(20_000_000) for _ in range(3))
    times = []
    for _ in range(8):
        start = time.perf_counter()
        triad(a, b, c)
        times.append(time.perf_counter() - start)
    return 24e-9 * a.size / min(times[1:])


def build(design, width):
    edge = width * VOXEL
    return ss.twin.build(design, size=[THICKNESS, edge, edge], voxel=VOXEL, seed=0)


def time_steps(design, width, count, device):
    """Solve the first time steps; return their number of iterations and their times."""
    structure = build(design, width)
    parameters = cell_parameters(design)
    loops, _ = loops_for(device)
    start = time.perf_counter()
    domain = prepare(structure, parameters)
    equations = Equations(domain, parameters, loops, parameters.temperature)
    prepared = time.perf_counter() - start
    equations.start(dict.fromkeys(parameters.active, 0.6))
    current = 18.0 * domain.active_loading
    last, step, seconds, linear, newton = None, 100.0, [], 0, 0
    for number in range(count):
        ratio = 0.0 if last is None else step / last
        first = (1.0 + 2.0 * ratio) / (1.0 + ratio), -(1.0 + ratio), ratio**2 / (1.0 + ratio)
        begun = time.perf_counter()
        equations.predict(ratio)
        outcome = equations.solve(tuple(w / step for w in first), current=current, least_current=1e-3 * current)
        assert outcome.converged, f"step {number} of width {width} did not converge"
        equations.accept()
        seconds.append(time.perf_counter() - begun)
        linear, newton, last, step = linear + outcome.linear, newton + outcome.newton, step, min(2.0 * step, 700.0)
    voxels = structure.labels.size
    busy = sum(seconds[1:])
    return {
        "width": width,
        "voxels": voxels,
        "prepare_s": prepared,
        "step_s": statistics.median(seconds[1:]),
        "newton_per_step": newton / count,
        "linear_per_newton": linear / newton,
        "ns_per_voxel_and_iteration": busy / (linear * (count - 1) / count) / voxels * 1e9,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="*", default=[32, 64, 100])
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--cycle", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--single-ion", action="store_true", help="t+ = 1: no salt")
    options = parser.parse_args()
    design = ss.load("examples/loading-threshold.toml").with_(temperature=318.15)
    if options.single_ion:
        design = design.with_(kinetics__transference_number=1.0)
    time_steps(design, 32, 2, options.device)  # compiles
    limit = bandwidth()
    salt = "single-ion" if options.single_ion else "with salt"
    print(f"triad {limit:.1f} GB/s on {numba.get_num_threads()} threads; {salt}, electrons resolved")
    for width in options.widths:
        figures = time_steps(design, width, options.steps, options.device)
        reached = BYTES_PER_ITERATION / figures["ns_per_voxel_and_iteration"]
        print(
            f"{width:4d} wide, {figures['voxels']:8d} voxels: {figures['step_s']:6.2f} s a step, "
            f"{figures['newton_per_step']:.1f} Newton, {figures['linear_per_newton']:.1f} linear each, "
            f"{figures['ns_per_voxel_and_iteration']:.0f} ns per voxel and linear iteration "
            f"({reached:.1f} GB/s by count, {100 * reached / limit:.0f} % of the triad), "
            f"prepared in {figures['prepare_s']:.1f} s"
        )
    if options.cycle:
        structure = build(design, options.cycle)
        start = time.perf_counter()
        run = discharge(structure, design, device=options.device)
        seconds = time.perf_counter() - start
        notes = run.provenance
        print(
            f"cycle, {options.cycle} wide, {structure.labels.size} voxels: {seconds:.0f} s, {notes['time_steps']} time "
            f"steps, {notes['newton_iterations']} Newton, {notes['linear_iterations']} linear iterations, "
            f"{notes['bytes_per_voxel']:.0f} bytes per voxel, {run.outcome}; "
            + ", ".join(f"{s.kind} {s.capacity / 3600:.1f} mAh/g at {s.average_voltage:.3f} V" for s in run.steps)
        )


if __name__ == "__main__":
    main()
