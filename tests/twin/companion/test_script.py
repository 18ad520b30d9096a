"""The homogenised half-cell as a script."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import solidstack as ss
from solidstack.errors import DesignError, OutputError
from solidstack.twin.companion.exchange import export_bpx
from solidstack.twin.companion.homogenised import HomogenisedModel
from solidstack.twin.companion.script import export_script
from solidstack.twin.results import Run

from .helpers import HIGH, SAME, charge, discharge, hold, rest, steps


def compared(run: Run, path: Path) -> None:
    """Compare a run with the curve of a script, but for the last percent of a step, where the voltage plunges."""
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for step in run.steps:
        own = [row for row in rows if row["step"] == step.where]
        time, voltage = (np.array([float(row[key]) for row in own]) for key in ("time_s", "voltage_V"))
        mine = run.rows(step)
        inside = run.time[mine] < run.time[mine][0] + 0.99 * step.duration
        np.testing.assert_allclose(
            np.interp(run.time[mine], time, voltage)[inside], run.voltage[mine][inside], atol=5 * SAME
        )
        assert time[-1] == pytest.approx(run.time[step.last], rel=5e-4)


@pytest.mark.parametrize("resistance", [0.0, 2e-3])
def test_script_stands_alone_and_gives_the_same(
    tmp_path: Path, model: HomogenisedModel, design: ss.Design, resistance: float
) -> None:
    given = design.with_(kinetics__interface_resistance=resistance, name='a "name"\\')
    protocol = steps(charge("C/3"), hold(HIGH, current="C/20"), rest(600.0), discharge("C/10"))
    script = export_script(given, tmp_path / "cell.py", protocol)
    assert "solidstack" not in "".join(
        line for line in script.read_text().splitlines() if line.startswith(("import", "from"))
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", script, tmp_path / "curve.csv"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "steps.3 ended by: event: lowest voltage"
    compared(model.run(given, protocol), tmp_path / "curve.csv")


def test_script_has_one_temperature(tmp_path: Path, single: ss.Design) -> None:
    protocol = steps({**charge(), "temperature": 298.15}, discharge())
    with pytest.raises(DesignError, match=r"several temperatures \(25, 45 degC\); the script has one"):
        export_script(single, tmp_path / "cell.py", protocol)
    with pytest.raises(OutputError, match="does not end in .py"):
        export_script(single, tmp_path / "cell.txt")
    with pytest.raises(OutputError, match="does not end in .json"):
        export_bpx(single, tmp_path / "cell.toml")
