"""Loops of the CPU and of a CUDA device, in Numba's simulator: the same names, and arguments that are known by name."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

CODE = """
import inspect
import json
from importlib import import_module

answers = {}
for room in ("conduction", "electrochemistry"):
    cpu, cuda = (import_module(f"solidstack.kernels.{room}.{device}") for device in ("cpu", "cuda"))
    answers[room] = {"missing on the device": sorted(set(cpu.__all__) - set(cuda.__all__))}
    for name in cpu.__all__:
        function, launcher = getattr(cpu, name), getattr(cuda, name)
        names = list(inspect.signature(getattr(function, "py_func", function)).parameters)
        answer = answers[room][name] = {"cpu": names, "cuda": list(inspect.signature(launcher).parameters)}
        for device, called in (("cpu", function), ("cuda", launcher)):
            for case, wrong in (
                ("without the last", names[:-1]),
                ("without the first", names[1:]),
                ("with an unknown name", [*names[:-1], "unknown"]),
                ("with one too many", [*names, "unknown"]),
            ):
                try:
                    called(**dict.fromkeys(wrong))
                except TypeError as error:
                    answer[f"{device} {case}"] = str(error)
                else:
                    answer[f"{device} {case}"] = None
print(json.dumps(answers))
"""
FEWEST = {"conduction": 18, "electrochemistry": 34}
"""Loops of each room, with `fill`, `get`, `put`, `zeros`."""


@pytest.fixture(scope="module")
def answers() -> Any:
    """Parameters of all loops on both devices, and what they answer to wrong names."""
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("room", FEWEST)
def test_both_devices_have_the_same_loops_with_the_same_arguments(answers: Any, room: str) -> None:
    """The solvers take either module and call its loops by the names of the arguments."""
    assert answers[room].pop("missing on the device") == []
    assert len(answers[room]) >= FEWEST[room]
    for name, answer in answers[room].items():
        assert answer["cpu"] == answer["cuda"], name


@pytest.mark.parametrize("case", ["without the last", "without the first", "with an unknown name", "with one too many"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("room", FEWEST)
def test_a_loop_refuses_arguments_that_it_does_not_have(answers: Any, room: str, device: str, case: str) -> None:
    """A missing or unknown name is an error on either device; nothing is decoded by its position."""
    for name, answer in answers[room].items():
        if isinstance(answer, dict):
            assert answer[f"{device} {case}"], f"{name} of {room} on {device} ran {case}"


def test_a_loop_names_the_argument_that_is_missing(answers: Any) -> None:
    """Numba counts the arguments of a loop on the CPU first."""
    relax = answers["electrochemistry"]["relax"]
    assert "expected 21, got 20" in relax["cpu without the last"]
    assert "wrap_z" in relax["cpu with an unknown name"]
    assert "wrap_z" in relax["cuda without the last"]
    assert "kind" in relax["cuda without the first"]
    assert "unknown" in relax["cuda with one too many"]
