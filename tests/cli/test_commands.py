"""The commands end to end, as a user types them."""

import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from llvmlite.binding import ExecutionEngine

from solidstack import __version__
from solidstack.cli import COMMANDS, main

Run = Callable[..., Any]
EXAMPLE = "examples/pouch-0.16Ah.toml"


def test_help_of_every_command_has_an_example(run: Run) -> None:
    for name in COMMANDS:
        result = run(name, "--help")
        assert result.code == 0
        assert f"solidstack {name}" in result.out
        assert "Example" in result.out, name
    assert run("--version").out == f"solidstack, version {__version__}\n"


def test_help_lists_every_command_under_its_subject(run: Run) -> None:
    text = run("--help").out
    assert "solidstack new my-cell\n    solidstack run my-cell.toml" in text
    headings = [f"{entry.heading}:" for entry in COMMANDS.values()]
    assert [line for line in text.splitlines() if line in headings] == list(dict.fromkeys(headings))
    flat = " ".join(text.split())
    for name, entry in COMMANDS.items():
        assert f" {name} {entry.words}" in flat
        assert import_module(f"solidstack.cli.{name}").command.name == name


@pytest.mark.parametrize("group", ["twin", "image", "measure", "materials", "literature"])
def test_no_sentence_of_a_help_page_is_cut(run: Run, group: str) -> None:
    assert "..." not in run(group, "--help").out.split("Options:")[1]


def test_help_imports_no_heavy_package() -> None:
    code = "import sys; from solidstack.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Library:" in result.stdout
    assert not {"numba", "scipy", "numpy", "pandas", "matplotlib", "rich"} & set(result.stderr.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evalute"], "Error: No such command 'evalute'. Did you mean 'evaluate'?"),
        (["literature", "plt"], "Error: No such command 'plt'. Did you mean 'plot'?"),
        (["evaluate", "--sett"], "Error: No such option '--sett'. Did you mean '--set'?"),
    ],
)
def test_a_misspelt_command_or_option_is_corrected(run: Run, words: list[str], message: str) -> None:
    result = run(*words)
    assert result.code == 2
    assert result.err.splitlines()[-1] == message


def test_evaluate_prints_the_sheet_and_warns_on_stderr(run: Run) -> None:
    result = run("evaluate", EXAMPLE)
    assert result.code == 0
    for words in ("am-rich", "18.53", "Specific energy", "204", "positive NCM622"):
        assert words in result.out, words
    assert result.err.startswith("warning: positive.loading 19.1 mg/cm^2 is above the loading threshold 18.5 mg/cm^2")


def test_evaluate_json_and_set(run: Run) -> None:
    data = json.loads(run("evaluate", EXAMPLE, "--json").out)
    assert data["cell"]["mass_g"] == pytest.approx(2.9135, abs=1e-3)
    changed = json.loads(
        run("evaluate", EXAMPLE, "--json", "--set", "stack.bilayers=4", "--set", "membrane.thickness=20 um").out
    )
    assert changed["cell"]["capacity_Ah"] == pytest.approx(2 * data["cell"]["capacity_Ah"])
    shares = json.loads(run("evaluate", EXAMPLE, "--json", "--set", "positive.composition.carbon black=3 wt%").out)
    assert shares["inputs"]["positive"]["composition"] == {"NCM622": "93 wt%", "SPE": "4 wt%", "carbon black": "3 wt%"}


def test_several_designs_give_a_comparison(run: Run, edited: Callable[..., Path]) -> None:
    other = edited(
        ('name = "NCM622 pouch, 2 bilayers"', 'name = "graphite cell"'),
        ('kind = "lithium-foil"\nthickness = "40 um"', 'kind = "graphite"'),
    )
    result = run("evaluate", EXAMPLE, other)
    assert "graphite cell" in result.out
    assert "negative lithium" in result.out
    assert len(json.loads(run("evaluate", EXAMPLE, other, "--json").out)) == 2


def test_a_stored_sheet_is_a_design(run: Run, tmp_path: Path) -> None:
    first = run("evaluate", EXAMPLE, "--json").out
    path = tmp_path / "sheet.json"
    path.write_text(first, encoding="utf-8")
    assert run("evaluate", path, "--json").out == first


def test_check_audits_published_figures(run: Run, edited: Callable[..., Path]) -> None:
    assert "the stated figures agree with each other" in run("check", EXAMPLE).out
    result = run("check", edited(('mass = "2.92 g"', 'mass = "2.5 g"')))
    assert result.code == 0
    assert "cannot all be true: mass 2.5 g" in result.out
    assert "Either mass is" in result.out
    data = json.loads(run("check", EXAMPLE, "--json").out)
    assert data["valid"]
    assert data["published"]["agrees"]


def test_check_goes_through_all_files(run: Run, edited: Callable[..., Path]) -> None:
    bad = edited(("bilayers = 2\npositive", "bilayers = 0\npositive"))
    result = run("check", bad, EXAMPLE)
    assert result.code == 2
    assert f"{EXAMPLE}: valid" in result.out
    data = json.loads(run("check", bad, EXAMPLE, "--json").out)
    assert [item["valid"] for item in data] == [False, True]
    assert data[0]["problems"][0]["line"] == 26


@pytest.mark.parametrize("ending", ["png", "svg", "pdf", "nc", "csv"])
def test_map_writes_what_the_ending_says(run: Run, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"map.{ending}"
    result = run("map", "stack", EXAMPLE, "-o", target)
    assert result.out == f"{target}\n"
    heads = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF", "nc": b"CDF", "csv": b"stack.bilayers"}
    assert target.read_bytes().startswith(heads[ending])


def test_map_of_any_two_keys_and_panels(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "map.svg"
    arguments = ("--x", "positive.loading=10:40 mg/cm^2:11", "--y", "temperature=20 degC:80 degC:9")
    assert run("map", "custom", EXAMPLE, *arguments, "--figure", "positive.ir_drop_mV", "-o", target).code == 0
    panels = ("--electrolyte", "SPE", "--electrolyte", "LLZO")
    assert run("map", "porosity", EXAMPLE, *panels, "-o", tmp_path / "two.png").code == 0


def test_thresholds_of_the_published_pairs(run: Run) -> None:
    rows = json.loads(run("thresholds", "--json").out)
    found = {(r["active_material"], r["solid_electrolyte"]): r for r in rows}
    assert len(found) == 8
    assert found["NCM622", "SPE"]["balance_am_wt_pct"] == pytest.approx(88.3, abs=0.05)
    assert found["NCM622", "SPE"]["percolation_density_g_cm3"] == pytest.approx(2.96, abs=0.005)
    assert "88.3" in run("thresholds").out
    assert len(json.loads(run("thresholds", "--all", "--json").out)) == 9 * 11


def test_materials_list_show_add(run: Run, tmp_path: Path) -> None:
    assert "NCM811" in run("materials").out
    assert {"name", "role", "shipped", "file"} <= set(json.loads(run("materials", "list", "--json").out)[0])
    shown = run("materials", "show", "LPSCl").out
    assert "Li6PS5Cl: solid-electrolyte" in shown
    assert "samples at room temperature" in shown
    assert json.loads(run("materials", "show", "SPE", "--json").out)["density"][0]["value"] == "1.8 g/cm^3"
    own = tmp_path / "own.toml"
    own.write_text(
        'name = "own foil"\nrole = "metal"\n[[density]]\nvalue = "3 g/cm^3"\nquality = "measured"\nsource = "scale"\n',
        encoding="utf-8",
    )
    result = run("materials", "add", own)
    assert result.out.startswith("own foil (metal) added: ")
    assert "own foil" in run("materials", "list").out
    assert run("evaluate", EXAMPLE, "--set", "positive.collector.material=own foil").code == 0


def test_schema_is_json(run: Run) -> None:
    assert json.loads(run("schema").out)["title"] == "solidstack design"


def test_run_prints_the_path_of_a_report(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    design = Path(EXAMPLE).resolve()
    monkeypatch.chdir(tmp_path)
    result = run("run", design, "--quick")
    assert result.code == 0
    page = Path(result.out.splitlines()[-1])
    assert page == Path("pouch-0.16Ah-report/report.html")
    assert page.stat().st_size > 100_000
    stages = [line for line in result.err.splitlines() if " %  " in line]
    assert stages[0] == "  0 %  design sheet"
    assert "document (PDF)" in stages[-1]


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "solidstack", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_leaves_nothing(tmp_path: Path, sent: signal.Signals) -> None:
    with start("run", EXAMPLE, "-o", str(tmp_path / "r")) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("  0 %  ")
            time.sleep(0.3)
            process.send_signal(sent)
            _, error = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == (130 if sent == signal.SIGINT else 143), error
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_is_lost_in_a_callback_is_sent_again(
    run: Run, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals
) -> None:
    """Python only reports an exception in a callback from C."""
    returned = []

    def busy(*arguments: object) -> None:
        ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(sent))()
        returned.append(True)
        time.sleep(60)

    before = sys.unraisablehook
    monkeypatch.setattr("solidstack.cli.evaluate.evaluate", busy)
    result = run("evaluate", EXAMPLE)
    assert returned
    assert (result.code, result.err) == (128 + sent, "interrupted\n")
    assert sys.unraisablehook is before


def test_an_interrupt_waits_while_a_kernel_is_loaded(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the compiler half did it may free twice."""
    (tmp_path / "kernel_to_load.py").write_text(
        "import numba\n\n@numba.njit(cache=True)\ndef double(x):\n    return 2.0 * x\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("numba.config.CACHE_DIR", "")
    import_module("kernel_to_load").double(1.0)  # compiles and keeps it
    completed: list[bool] = []

    def interrupt(frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code is ExecutionEngine.add_module.__code__ and not completed:
            if event == "call":
                signal.raise_signal(signal.SIGTERM)
            elif event == "return":
                completed.append(frame.f_locals["module"]._owned)

    def busy(*arguments: object) -> None:
        kernel = importlib.reload(sys.modules["kernel_to_load"])
        sys.setprofile(interrupt)
        try:
            kernel.double(21.0)
        finally:
            sys.setprofile(None)
        time.sleep(60)

    monkeypatch.setattr("solidstack.cli.evaluate.evaluate", busy)
    result = run("evaluate", EXAMPLE)
    assert completed == [True]
    assert (result.code, result.err) == (143, "interrupted\n")


def test_a_closed_pipe_is_no_error() -> None:
    command = f'"{sys.executable}" -m solidstack evaluate {EXAMPLE} --json | head -1'
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("{\n", "")


def test_a_terminal_that_lacks_a_sign_shows_something() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "solidstack", "evaluate", EXAMPLE],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
    )
    assert result.returncode == 0
    assert b"Specific energy" in result.stdout


def test_a_full_disk_is_a_failure_not_a_defect(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("solidstack.report.report.plot.draw_section", full)
    result = run("run", EXAMPLE, "--quick", "-o", tmp_path / "r")
    assert result.code == 1
    assert result.err.endswith("failed: No space left on device\n")
    assert list(tmp_path.iterdir()) == []


def test_a_defect_is_said_in_a_line_with_exit_code_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        msg = "boom"
        raise RuntimeError(msg)

    monkeypatch.setattr("solidstack.cli.evaluate.evaluate", fail)
    result = run("evaluate", EXAMPLE)
    assert result.code == 1
    assert result.err == "failed: RuntimeError: boom (this is a bug; SOLIDSTACK_DEBUG=1 shows where)\n"
    monkeypatch.setenv("SOLIDSTACK_DEBUG", "1")
    with pytest.raises(RuntimeError):
        main(["evaluate", EXAMPLE])


def test_import_is_light() -> None:
    """Heavy libraries are imported where they are used: not for a design and its sheet."""
    code = "import sys, solidstack as ss; ss.evaluate(ss.load('examples/anode-free.toml')); print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"matplotlib", "xarray", "scipy", "pandas", "pint", "rich", "jinja2", "typst"}
    assert not heavy & set(result.stdout.split())


def test_command_of_an_extra_that_is_missing_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> Any:
        if name == "solidstack.cli.twin":
            raise ModuleNotFoundError("No module named 'numba'", name="numba")
        return import_module(name)

    monkeypatch.setattr("solidstack.cli.import_module", refuse)
    monkeypatch.setattr("solidstack.cli.menu.find_spec", lambda name: None if name == "numba" else find_spec(name))
    result = run("twin", "build", EXAMPLE)
    assert result.code == 2
    assert result.err == 'error: `solidstack twin` needs numba; install it with `pip install "solidstack[twin]"`\n'
    assert 'twin Not installed: needs numba; install it with `pip install "solidstack[twin]"`' in " ".join(
        run("--help").out.split()
    )
