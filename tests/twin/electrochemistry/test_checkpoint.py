"""Checkpoints: a run that was killed goes on to the same result; damaged and foreign files are refused."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from solidstack.errors import OutputError
from solidstack.progress import Listener, Progress
from tests.cells import (
    OTHER,
    UM,
    cell,
    charge,
    discharge,
    hold,
    host,
    mixed,
    rest,
    salted,
)

from .helpers import CLOSED, Simulate, cycle, same

pytestmark = pytest.mark.usefixtures("one_thread")


PLAN = (
    charge("1C", voltage=4.1),
    {**hold(4.1, current="C/5"), "temperature": 310.0},
    rest(30.0),
    {**discharge("2C", voltage=3.6), "temperature": 290.0},
)
BLEND = cell(host(), host("other AM", exchange=0.5), electrolyte=salted())
CHECKED = {"made": mixed(5, (5, 4, 3), shares=(0.0, 0.3, 0.4, 0.1, 0.2)), "parameters": BLEND}


class KilledError(Exception):
    pass


def killer(after: int) -> Listener:
    """Progress that ends the run after some time steps, as a kill would."""
    calls = 0

    def listener(_: Progress) -> None:
        nonlocal calls
        calls += 1
        if calls == after:
            raise KilledError

    return listener


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the checkpoint after every time step."""
    monkeypatch.setattr(cycle, "CHECKPOINT_SECONDS", 0.0)


@pytest.mark.usefixtures("every_step")
def test_run_that_was_killed_goes_on_to_the_same_result(run_of: Simulate, tmp_path: Path) -> None:
    whole = run_of(*PLAN, **CHECKED)
    assert whole.is_complete
    path = tmp_path / "run.npz"
    ends = [step.last + 1 for step in whole.steps]
    total = len(whole.time)
    done = 0
    # within steps, on their first time step, on their last; each kill goes on from the one before
    for at in (1, 2, ends[0] // 2, ends[0], ends[0] + 1, ends[1] + 2, ends[2] - 1, (ends[2] + total) // 2):
        if at - done < 1:
            continue
        with pytest.raises(KilledError):
            run_of(*PLAN, checkpoint=path, progress=killer(max(1, at - done)), **CHECKED)
        with np.load(path) as file:
            done = json.loads(bytes(file["content"]).decode())["state"]["time_steps"]
        assert done >= at - 2
    resumed = run_of(*PLAN, checkpoint=path, **CHECKED)
    same(whole, resumed)
    same(whole, run_of(*PLAN, checkpoint=path, progress=killer(1), **CHECKED))  # it is over: no step is taken


def test_checkpoint_is_written_after_each_step_of_the_protocol_and_seldom_between(
    run_of: Simulate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    savez, written = np.savez, []

    def count(stream: Any, **arrays: Any) -> None:
        written.append(json.loads(bytes(arrays["content"]).decode())["state"]["action"])
        savez(stream, **arrays)

    monkeypatch.setattr(np, "savez", count)
    run_of(charge("1C", time=20.0), rest(10.0), rest(10.0), checkpoint=tmp_path / "run.npz")
    assert written == [0, 1, 2, 3]


SCRIPT = """
import os, signal, sys
import numba
import solidstack as ss
from solidstack.kernels.electrochemistry import multigrid
from solidstack.twin.electrochemistry import cycle
from tests.cells import protocol
from tests.twin.electrochemistry.helpers import COARSE
from tests.twin.electrochemistry.test_checkpoint import CHECKED, PLAN

cycle.CHECKPOINT_SECONDS = 0.0
multigrid.COARSEST = 16
numba.set_num_threads(1)
calls = 0

def listener(state):
    global calls
    calls += 1
    if calls == 12:
        os.kill(os.getpid(), signal.SIGKILL)

cycle.discharge(
    CHECKED["made"], ss.load("examples/pouch-0.16Ah.toml"), parameters=CHECKED["parameters"],
    protocol=protocol(*PLAN), accuracy=COARSE, checkpoint=sys.argv[1], progress=listener,
)
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_process_that_was_killed_goes_on_to_the_same_result(run_of: Simulate, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, path], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert path.exists()
    same(run_of(*PLAN, **CHECKED), run_of(*PLAN, checkpoint=path, **CHECKED))


OTHER_RUN = "belongs to another structure, design or protocol, or to another version; remove it to start over"


@pytest.mark.parametrize(
    "other",
    [
        {"parameters": cell(host(), host("other AM", exchange=0.6), electrolyte=salted())},
        {"parameters": cell(host(), host("other AM", exchange=0.5), electrolyte=salted(number=0.51))},
        {"made": mixed(6, (5, 4, 3), shares=(0.0, 0.3, 0.4, 0.1, 0.2))},
        {"made": CHECKED["made"].changed(voxel=(UM, UM, 1.01 * UM))},
        {"made": CHECKED["made"].changed(periodic=CLOSED)},
        {"initial_stoichiometry": 0.8},
        {"accuracy": 5.0},
        {"contact": CHECKED["made"].labels != OTHER},
    ],
    ids=["kinetics", "salt", "image", "voxel", "periodic", "start", "accuracy", "contact"],
)
def test_checkpoint_of_another_run_is_refused(run_of: Simulate, tmp_path: Path, other: dict[str, Any]) -> None:
    path = tmp_path / "run.npz"
    run_of(rest(1.0), checkpoint=path, **CHECKED)
    kept = path.read_bytes()
    with pytest.raises(OutputError, match=OTHER_RUN):
        run_of(rest(1.0), checkpoint=path, **CHECKED | other)
    assert path.read_bytes() == kept


def test_checkpoint_of_another_protocol_is_refused(run_of: Simulate, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    run_of(rest(1.0), checkpoint=path)
    for other in (rest(2.0), {**rest(1.0), "temperature": 310.0}, hold(3.7, time=1.0)):
        with pytest.raises(OutputError, match=OTHER_RUN):
            run_of(other, checkpoint=path)


@pytest.mark.parametrize("damage", ["empty", "head", "cut", "flipped", "text", "array", "other"])
def test_torn_checkpoint_is_refused(run_of: Simulate, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "run.npz"
    run_of(rest(1.0), checkpoint=path)
    whole = path.read_bytes()
    match damage:
        case "array":
            with path.open("wb") as stream:
                np.save(stream, np.ones(3))
        case "other":
            np.savez(path, labels=np.ones(3))
        case _:
            place = whole.index(b"\x93NUMPY") + 140  # in the first array; a date of the zip's own would do no harm
            flipped = whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :]
            torn = {"empty": b"", "head": whole[:10], "cut": whole[:-5], "flipped": flipped, "text": b"soon"}
            path.write_bytes(torn[damage])
    with pytest.raises(
        OutputError, match=r"run.npz: is not a checkpoint file of this version \(.*\); remove it, or name another file"
    ):
        run_of(rest(1.0), checkpoint=path)


def test_place_that_cannot_be_written_is_said_before_the_work(run_of: Simulate, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    heard: list[Progress] = []
    with pytest.raises(OutputError, match="the checkpoint cannot be written .*; make room or name another file"):
        run_of(rest(1.0), checkpoint=tmp_path / "file" / "run.npz", progress=heard.append)
    assert heard == []
    with pytest.raises(OutputError, match="is not a checkpoint file of this version"):
        run_of(rest(1.0), checkpoint=tmp_path)


@pytest.mark.usefixtures("every_step")
def test_full_disk_leaves_the_checkpoint_before(
    run_of: Simulate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.npz"
    savez, calls = np.savez, 0
    last = b""

    def full(stream: Any, **arrays: Any) -> None:
        nonlocal calls, last
        calls += 1
        if calls > 9:
            last = path.read_bytes()
            stream.write(b"half of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        savez(stream, **arrays)

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OutputError, match=r"run.npz: the checkpoint cannot be written \(No space left on device\)"):
        run_of(*PLAN, checkpoint=path, **CHECKED)
    assert path.read_bytes() == last
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.npz"]
    monkeypatch.setattr(np, "savez", savez)
    same(run_of(*PLAN, **CHECKED), run_of(*PLAN, checkpoint=path, **CHECKED))


def test_checkpoint_of_an_earlier_version_is_refused(
    run_of: Simulate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.npz"
    with monkeypatch.context() as earlier:
        earlier.setattr("solidstack.twin.electrochemistry.checkpoint.__version__", "0.0.1")
        run_of(rest(1.0), checkpoint=path)
    with pytest.raises(OutputError, match="or to another version; remove it to start over, or name another file"):
        run_of(rest(1.0), checkpoint=path)
