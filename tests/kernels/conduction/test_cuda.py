"""The CUDA loops, in Numba's simulator, against those of the CPU."""

import json
import os
import subprocess
import sys

import pytest

CODE = """
import json
import numpy as np
from solidstack.twin import Structure, transport

labels = np.random.default_rng(3).integers(0, 3, SHAPE, np.uint8)
structure = Structure(labels, {}, (1e-6, 1.3e-6, 2e-6), PERIODIC)
results = {}
for device in ("cpu", "cuda"):
    x = transport(structure, {0: 1.0, 1: 20.0, 2: 0.3}, direction="DIRECTION", tolerance=1e-4, device=device)
    solved = x.directions["DIRECTION"]
    results[device] = [solved.device, solved.iterations, solved.conductivity, solved.outlet_flux, *solved.mean_current]
print(json.dumps(results))
"""


@pytest.mark.parametrize(
    ("shape", "direction", "periodic"), [("(6, 5, 6)", "x", "(True,) * 3"), ("(4, 5, 3)", "y", "(False,) * 3")]
)
def test_simulated_device_agrees_with_the_cpu(shape: str, direction: str, periodic: str) -> None:
    """Odd periodic axes, closed ones, oblong voxels, three phases; floats are summed in another order."""
    code = CODE.replace("SHAPE", shape).replace("DIRECTION", direction).replace("PERIODIC", periodic)
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert (results["cpu"][0], results["cuda"][0]) == ("cpu", "cuda")
    assert results["cpu"][1] == results["cuda"][1] > 1
    assert results["cuda"][2:] == pytest.approx(results["cpu"][2:], rel=1e-6, abs=1e-7 * results["cpu"][2])
