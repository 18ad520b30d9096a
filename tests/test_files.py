from pathlib import Path

import pytest

from solidstack import files
from solidstack.errors import DesignError, MaterialError, OutputError


def test_lines_of_keys() -> None:
    text = """# comment
name = "x"
[a]
b = 1
c = { d = 2, e = [1,
  2] }
"quoted key" = 3
[a.f]
g.h = 4
[[t]]
v = 1
[[t]]
v = 2
s = '''
[not.a.table]
'''
"""
    document = files.parse_toml(text, "text", DesignError)
    expected = {
        ("name",): 2,
        ("a",): 3,
        ("a", "b"): 4,
        ("a", "c", "d"): 5,
        ("a", "c", "e"): 5,
        ("a", "c", "e", 1): 6,
        ("a", "quoted key"): 7,
        ("a", "f", "g", "h"): 9,
        ("t", 0, "v"): 11,
        ("t", 1): 12,
        ("t", 1, "v"): 13,
        ("t", 1, "missing"): 12,
        ("absent",): None,
    }
    assert {key: document.line(key) for key in expected} == expected


def test_atomic_write_leaves_the_old_file_when_the_new_one_fails(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    files.write_atomic(target, "old")
    # a rename puts a new file in place, so who holds the old one keeps it whole
    (tmp_path / "held").hardlink_to(target)
    files.write_atomic(target, "newer")
    assert (target.read_text(), (tmp_path / "held").read_text()) == ("newer", "old")
    (tmp_path / "held").unlink()
    files.write_atomic(target, "old")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        files.write_with(target, fail)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_staged_folder_keeps_what_was_there_and_takes_nothing_half_made(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report"

    def interrupted() -> None:
        with files.staged_folder(target) as stage:
            (stage / "half.txt").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not (tmp_path / "new").exists()
    target.mkdir(parents=True)
    (target / "own.txt").write_text("mine")
    with files.staged_folder(target) as stage:
        (stage / "sub").mkdir()
        (stage / "sub" / "a.txt").write_text("a")
    assert sorted(p.relative_to(target).as_posix() for p in target.rglob("*")) == ["own.txt", "sub", "sub/a.txt"]


def test_output_places_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(OutputError, match="is a folder; give the path of a file"):
        files.write_atomic(tmp_path, "x")
    with pytest.raises(OutputError, match="is a file; give a folder"), files.staged_folder(file):
        pass
    with pytest.raises(OutputError, match="cannot be written"):
        files.write_atomic(file / "below", "x")
    with pytest.raises(OutputError, match="cannot be written"), files.staged_folder(file / "below"):
        pass


def test_input_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(DesignError) as error:
        files.open_input(tmp_path / "none", DesignError)
    assert str(error.value) == f"{tmp_path / 'none'}: there is no such file; check the path"
    with pytest.raises(MaterialError) as folder:
        files.open_input(tmp_path, MaterialError)
    assert str(folder.value) == f"{tmp_path}: is a folder; give a file in it"
    (tmp_path / "file").write_text("x")
    with pytest.raises(DesignError, match=r"file/below: cannot be read \(Not a directory\)"):
        files.open_input(tmp_path / "file" / "below", DesignError)
