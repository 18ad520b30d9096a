"""Fits of equivalent circuits per second, beside those of the package impedance.py in the same run.

    .venv/bin/python benchmarks/peer_impedance.py                # 30 spectra of each circuit
    .venv/bin/python benchmarks/peer_impedance.py --spectra 100

Spectra have 57 points from 1 MHz to 0.1 Hz and 1 % noise. The peer (MIT) is given a start within a factor of two of the
truth, without which it does not fit; ours finds its own. Both have the same weights (relative to the modulus). They fit
each spectrum in turn, on one core; the ratio is the median of the pairs. A fit is right if all parameters are within 6
standard deviations of the truth.
"""

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import platform
import statistics
import time
import warnings

import numpy as np
from impedance.models.circuits import CustomCircuit

from solidstack.measure.circuits import fit, parse_circuit
from solidstack.measure.impedance import analyse
from solidstack.measure.records import FREQUENCY, IMAGINARY, REAL, record

FREQUENCIES = np.logspace(6.0, -1.0, 57)
TRUTHS = {
    "R0-CPE1": [8.0, 1e-5, 0.92],
    "R0-p(R1,CPE1)": [20.0, 100.0, 1e-5, 0.85],
    "R0-p(R1,CPE1)-Ws2": [20.0, 100.0, 1e-5, 0.85, 50.0, 1.0],
    "R0-p(R1,CPE1)-p(R2,CPE2)": [20.0, 100.0, 1e-6, 0.85, 60.0, 1e-3, 0.9],
    "p(R0,CPE0)-p(R1,CPE1)-CPE2": [500.0, 1e-9, 0.95, 500.0, 1e-7, 0.9, 1e-5, 0.9],
}


def spectra(circuit, count):
    parsed, rng = parse_circuit(circuit), np.random.default_rng(0)
    z = parsed.impedance(FREQUENCIES, **dict(zip(parsed.names, TRUTHS[circuit], strict=True)))
    for _ in range(count):
        yield z + 0.01 * np.abs(z) * (rng.standard_normal(z.size) + 1j * rng.standard_normal(z.size))


def guess(circuit, rng):
    """Within a factor of two of the truth, exponents within 0.1."""
    names = parse_circuit(circuit).names
    return [
        min(value + rng.uniform(-0.1, 0.1), 1.0) if name.endswith("alpha") else value * 2.0 ** rng.uniform(-1.0, 1.0)
        for name, value in zip(names, TRUTHS[circuit], strict=True)
    ]


def right(values, deviations, circuit):
    return bool(np.all(np.abs(np.asarray(values) - TRUTHS[circuit]) < 6.0 * np.asarray(deviations)))


def compare(circuit, count):
    """Seconds of both, and how many were right."""
    ours, theirs, good, their_good = [], [], 0, 0
    rng = np.random.default_rng(1)
    for z in spectra(circuit, count):
        begin = time.process_time()
        found = fit(circuit, FREQUENCIES, z)
        ours.append(time.process_time() - begin)
        values = np.array(list(found.values.values()))
        deviations = np.sqrt(np.diagonal(found.estimate.covariance)) * np.where(found.circuit.exponents, 1.0, values)
        good += right(values, deviations, circuit)
        start = guess(circuit, rng)
        begin = time.process_time()
        try:
            peer = CustomCircuit(circuit, initial_guess=start).fit(FREQUENCIES, z, weight_by_modulus=True)
            their_good += right(peer.parameters_, peer.conf_, circuit)
        except RuntimeError:
            pass
        theirs.append(time.process_time() - begin)
    return ours, theirs, good, their_good


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--spectra", type=int, default=30)
    count = options.parse_args().spectra
    warnings.simplefilter("ignore")
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {count} spectra each\n")
    print("| circuit | parameters | ours | right | impedance.py | right | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for circuit, truth in TRUTHS.items():
        ours, theirs, good, their_good = compare(circuit, count)
        ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
        print(
            f"| {circuit} | {len(truth)} | {1e3 * statistics.median(ours):.1f} ms | {good} | "
            f"{1e3 * statistics.median(theirs):.1f} ms | {their_good} | {ratio:.1f} |"
        )
    seconds = []
    for z in spectra("R0-p(R1,CPE1)-Ws2", count):
        one = record({FREQUENCY: FREQUENCIES, REAL: z.real, IMAGINARY: z.imag})
        begin = time.process_time()
        analyse(one)
        seconds.append(time.process_time() - begin)
    print(f"\nAnalysis of a spectrum with everything: {1e3 * statistics.median(seconds):.0f} ms")


if __name__ == "__main__":
    main()
