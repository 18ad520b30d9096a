"""One renderer of progress: a line that is rewritten on a terminal, a line for each stage elsewhere, or nothing."""

import io
import sys

import pytest

from solidstack.cli.progress import shown_progress
from solidstack.progress import Progress, Teller


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work(listener: object) -> None:
    tell = Teller(listener, of=4)  # type: ignore[arg-type]
    tell(0, "map: porosity")
    tell(1, "map: stack")
    inner = tell.part(2, 2, "figure: ")
    if inner is not None:
        inner(Progress("stack", 1, 2))


def test_a_line_for_each_stage_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress(lines=True) as listener:
        work(listener)
    assert capsys.readouterr().err == "  0 %  map\n 75 %  figure\n"


def test_nothing_where_nobody_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress() as listener:
        assert listener is None
        work(listener)
    assert capsys.readouterr().err == ""


def test_a_line_that_is_rewritten_and_cleared_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with shown_progress() as listener:
        work(listener)
    assert terminal.getvalue() == (
        "\r\033[K  0 %  map: porosity\r\033[K 25 %  map: stack\r\033[K 75 %  figure: stack\r\033[K"
    )
