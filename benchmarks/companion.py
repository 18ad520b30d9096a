"""Designs per second of the homogenised model: built once and solved again, against built for each design.

    .venv/bin/python benchmarks/companion.py               # 200 designs
    .venv/bin/python benchmarks/companion.py --designs 1000

Loading, composition (and with it the effective conductivity), density, membrane and C-rate differ between designs. Each
is one discharge from equilibrium at 4.3 V to 2.7 V. Times are of the processor, on one core.
"""

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"

import platform
import statistics
import time

import numpy as np

import solidstack as ss
from solidstack.design import Protocol
from solidstack.kinetics import cell_parameters
from solidstack.outcomes import Outcome
from solidstack.twin.companion.homogenised import HomogenisedModel
from solidstack.twin.effective import only_active


def designs(count, transference):
    """Designs of a random sample, with a rate for each."""
    base = ss.load("examples/pouch-0.16Ah.toml").with_(kinetics__transference_number=transference)
    rng = np.random.default_rng(0)
    for _ in range(count):
        active = rng.uniform(0.80, 0.94)
        yield (
            base.with_(
                positive__composition={"NCM622": active, "SPE": 0.98 - active, "carbon black": 0.02},
                positive__porosity=rng.uniform(0.05, 0.25),
                positive__loading=rng.uniform(0.05, 0.5),
                membrane__thickness=rng.uniform(20e-6, 100e-6),
            ),
            float(np.exp(rng.uniform(np.log(0.05), np.log(2.0)))),
        )


def discharge(rate):
    return Protocol.from_dict({"steps": [{"kind": "discharge", "current": f"{rate:.6g}C", "until": {"voltage": 2.7}}]})


def timed(sample, shared, *, rebuild):
    """Seconds of each design, and how many did not end at 2.7 V."""
    seconds, others = [], 0
    for design, rate in sample:
        start = time.process_time()
        parameters = cell_parameters(design)
        full = only_active(parameters).stoichiometry(4.3, parameters.temperature)
        model = HomogenisedModel(shared.model) if rebuild else shared
        run = model.run(design, discharge(rate), parameters=parameters, initial_stoichiometry=full)
        seconds.append(time.process_time() - start)
        others += run.steps[0].outcome is not Outcome.VOLTAGE or not run.is_complete
    return seconds, others


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--designs", type=int, default=200)
    count = parser.parse_args().designs
    print(f"Python {platform.python_version()}, {count} designs, processor seconds for each (median; all)")
    for transference, words in ((1.0, "single-ion"), (0.9, "with salt")):
        for model in ("DFN", "SPMe"):
            shared = HomogenisedModel(model)
            sample = list(designs(count, transference))
            timed(sample[:1], shared, rebuild=False)
            again, others = timed(sample, shared, rebuild=False)
            rebuilt, _ = timed(sample[: max(10, count // 20)], shared, rebuild=True)
            print(
                f"{words:10} {model:4}  again {statistics.median(again):.3f} s ({sum(again):6.1f} s)   "
                f"rebuilt {statistics.median(rebuilt):.3f} s   other ends: {others}"
            )


if __name__ == "__main__":
    main()
