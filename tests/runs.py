"""A run with round numbers, for the tests of what stores, draws and prints runs."""

import numpy as np

from solidstack.outcomes import Outcome
from solidstack.twin.results import SPLIT, Run, Step


def made(model: str = "twin", shift: float = 0.0) -> Run:
    """A charge and a discharge with round numbers."""
    capacity = np.linspace(0.0, 3600.0 * 180.0, 10)
    down = 4.2 - capacity / 3600.0 / 180.0
    parts = {name: np.full(20, 0.0) for name in SPLIT}
    parts["ionic"] = np.concatenate([np.full(10, 0.03), np.full(10, -0.06)])
    parts["lithium"] = np.concatenate([np.full(10, 0.01), np.full(10, -0.02)])
    voltage = np.concatenate([down[::-1], down]) + shift
    parts["equilibrium"] = voltage - parts["ionic"] - parts["lithium"]
    steps = tuple(
        Step(
            kind,
            f"steps.{n}",
            10 * n,
            10 * n + 9,
            capacity[-1],
            0.2 * capacity[-1],
            1e5,
            3.7,
            3600.0,
            Outcome.VOLTAGE,
            "reached",
            1.0,
        )
        for n, kind in enumerate(("charge", "discharge"))
    )
    profile = np.linspace(0.5, 1.5, 4) * np.ones((20, 1))
    return Run(
        model, np.arange(20) * 360.0, voltage, np.repeat([5.0, -10.0], 10), np.tile(capacity, 2),
        np.concatenate([0.9 - capacity / 1e6, 0.3 + capacity / 1e6]), np.full(20, 318.15), parts, steps, 0.2, 0.01,
        balance={"lithium": 1e-10, "current": 2e-8}, depth=np.arange(4) * 1e-5 + 5e-6,
        profiles={"stoichiometry": profile / 3.0, "reaction": profile}, provenance={"voxels": 8},
    )  # fmt: skip
