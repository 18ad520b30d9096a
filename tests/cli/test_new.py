"""A new user's first file: it loads, it is the published cell, and every key of the schema is in it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

import solidstack as ss
from solidstack.design import Design
from solidstack.design.template import template
from solidstack.quantities import Strict, models

from ..conftest import EXAMPLE

Run = Callable[..., Any]
TEXT = template("my-cell", "my-cell.toml")


def test_new_writes_a_design_that_can_be_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("new", "first cell")
    assert (result.code, result.err) == (0, "")
    assert result.out == "first cell.toml written; run it with: solidstack run 'first cell.toml'\n"
    assert "solidstack run 'first cell.toml'\n" in Path("first cell.toml").read_text(encoding="utf-8")
    assert run("check", "first cell.toml").code == 0
    design = ss.load("first cell.toml")
    assert design.name == "first cell"
    one, other = (ss.evaluate(item).to_dict() for item in (design, ss.load(EXAMPLE)))
    assert (one["cell"], one["mass_breakdown_g"]) == (other["cell"], other["mass_breakdown_g"])


def test_new_has_a_default_name_and_does_not_overwrite(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("new").code == 0
    Path("my-cell.toml").write_text("mine", encoding="utf-8")
    result = run("new", "my-cell.toml")
    assert result.code == 2
    assert result.err == ("error: my-cell.toml: already exists; choose another name, or replace it with --force\n")
    assert Path("my-cell.toml").read_text(encoding="utf-8") == "mine"
    assert run("new", "--force").code == 0
    assert ss.load("my-cell.toml").name == "my-cell"
    result = run("new", "")
    assert (result.code, result.err) == (2, 'error: "" is not a name for a design; write a name such as my-cell\n')


def variants() -> Iterator[tuple[str, str]]:
    """Give the template with one comment after the other turned into what it stands for."""
    lines = TEXT.splitlines()
    table = ""
    for number, line in enumerate(lines):
        if match := re.match(r"(# )?\[([a-z.]+)\]", line):
            table = match[0]
            if match[1]:
                end = next((n for n in range(number, len(lines)) if not lines[n]), len(lines))
                block = [item.removeprefix("# ") for item in lines[number:end]]
                kept = lines[:number] + lines[end:]
                if match[2] == "negative":
                    first = kept.index(next(item for item in kept if item.startswith("[negative]")))
                    last = kept.index("", first)
                    kept = kept[:first] + kept[last:]
                yield f"{match[2]}: {block[1]}", "\n".join(kept + block)
        elif (match := re.match(r"# ([a-z_0-9]+) = ", line)) and not table.startswith("#"):
            kept = list(lines)
            kept[number] = line.removeprefix("# ")
            if match[1] in ("porosity", "thickness"):
                kept = [item for item in kept if not item.startswith('density = "3.5')]
            if match[1] in ("series_cells", "bipolar_foil"):
                kept = [
                    item.removeprefix("# ") if re.match("# (series_cells|bipolar_foil)", item) else item
                    for item in kept
                ]
            yield f"{table} {match[1]}", "\n".join(kept)


def test_every_comment_is_a_valid_key() -> None:
    names = []
    for name, text in variants():
        Design.from_toml(text)
        names.append(name)
    assert len(names) > 15
    assert {'negative: kind = "anode-free"', "[stack] series_cells"} <= {name.split("  ")[0] for name in names}


@pytest.mark.parametrize("table", ["positive", "membrane", "stack", "pouch", "rating", "twin", "kinetics"])
def test_every_key_of_the_schema_is_in_it(table: str) -> None:
    annotation = Design.model_fields[table].annotation
    model = annotation if isinstance(annotation, type) else get_args(annotation)[0]
    assert issubclass(model, Strict)
    body = re.split(rf"(?m)^(?:# )?\[{table}\]", TEXT)[1]
    body = re.split(r"(?m)^(?:# )?\[[a-z]+\]", body)[0]
    missing = [key for key in model.model_fields if not re.search(rf"(?m)^(?:# )?{key} = ", body)]
    assert missing == []


def test_every_table_and_negative_is_in_it() -> None:
    tables = set(re.findall(r"(?m)^(?:# )?\[([a-z]+)\]", TEXT))
    assert set(Design.model_fields) - {"name", "temperature"} <= tables
    for model in models(Design.model_fields["negative"].annotation):
        for kind in get_args(model.model_fields["kind"].annotation):
            assert f'"{kind}"' in TEXT, kind
