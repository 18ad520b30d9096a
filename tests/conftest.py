"""Fixtures: the example design, a clean user library, the command line in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import solidstack as ss
from solidstack.cli import main

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "pouch-0.16Ah.toml"
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def _clean_user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the materials of whoever runs the tests out, and what tests add out of theirs."""
    monkeypatch.delenv("SOLIDSTACK_MATERIALS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
    monkeypatch.chdir(ROOT)


@pytest.fixture
def design() -> ss.Design:
    """The worked example."""
    return ss.load(EXAMPLE)


@pytest.fixture
def sheet(design: ss.Design) -> ss.Sheet:
    """Its sheet."""
    return ss.evaluate(design)


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run a command in this process."""

    def call(*arguments: object) -> Result:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., Path]:
    """Write the example with some text replaced; each text to replace has to be there."""

    def write(*changes: tuple[str, str], name: str = "design.toml") -> Path:
        text = EXAMPLE.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write
