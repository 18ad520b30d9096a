"""What is shipped as an example runs, and what the README says holds."""

import re
import runpy
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import solidstack as ss

README = Path("README.md").read_text(encoding="utf-8")
GUIDE = Path("docs/guide.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(Path("examples").glob("*.toml")), ids=lambda path: path.stem)
def test_designs(path: Path) -> None:
    sheet = ss.evaluate(ss.load(path))
    assert 100 < sheet.cell.specific_energy / 3600 < 600
    assert sheet.thresholds.regime.density == "percolated"


@pytest.mark.parametrize("path", sorted(Path("examples").glob("*.py")), ids=lambda path: path.stem)
def test_scripts(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(path))
    assert "Wh/kg" in capsys.readouterr().out


@pytest.mark.parametrize(
    "path", ["README.md", "docs/guide.md", "docs/theory.md", "docs/measure.md", "docs/literature.md", "CONTRIBUTING.md"]
)
def test_links_lead_somewhere(path: str) -> None:
    text = Path(path).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith("http"):
            assert (Path(path).parent / target).exists(), target


def commands(text: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("solidstack ")]


# the report has tests of its own
@pytest.mark.parametrize("line", [line for line in commands(GUIDE) if not line.startswith("solidstack run")])
def test_commands_of_the_guide(
    line: str, run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = shlex.split(line, comments=True)[1:]
    examples = Path("examples").resolve()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(examples)
    (tmp_path / "my-electrolyte.toml").write_text(re.findall(r"```toml\n(name = .*?)```", GUIDE, re.DOTALL)[1])
    result = run(*arguments)
    assert (result.code, "error" in result.err) == (0, False), result.err


def test_python_of_the_guide(capsys: pytest.CaptureFixture[str]) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL))
    exec(compile(code, "docs/guide.md", "exec"), {})
    assert capsys.readouterr().out


def test_the_readme_shows_two_commands_and_a_picture() -> None:
    block = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)[0]
    assert [line.split("#")[0].strip() for line in block.strip().splitlines()] == [
        "python3 go.py run examples/pouch-0.16Ah.toml",
        "python3 go.py test",
    ]
    assert Path(re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)[0]).stat().st_size > 20_000


def test_version_is_in_the_changelog() -> None:
    version = ss.__version__
    assert f"## [{version}]" in Path("CHANGELOG.md").read_text(encoding="utf-8")
    assert "version" in tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]["dynamic"]
