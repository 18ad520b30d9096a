"""The report: whole or not at all, self-contained, and repeatable from its own JSON."""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pypdf import PdfReader

import solidstack as ss
from solidstack.maps import KINDS
from solidstack.report import report, write_report

FIGURES = ["section", "breakdown", *KINDS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("report") / "r"
    write_report(ss.load("examples/pouch-0.16Ah.toml"), place)
    return place


def test_everything_is_there(folder: Path) -> None:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    expected = {"report.html", "report.pdf", "sheet.json", "sheet.csv", "inputs.toml"}
    expected |= {f"figures/{name}.{end}" for name in FIGURES for end in ("svg", "png")}
    expected |= {f"maps/{kind}.csv" for kind in KINDS}
    assert found == expected


class Page(HTMLParser):
    """Collects what a page refers to, and its identifiers."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "data", "action", "srcset"):
                self.references.append(f"{tag}:{value}")
            if name == "id":
                self.ids.append(value or "")


def test_the_page_is_self_contained(folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert all(reference.partition(":")[2].startswith("#") for reference in page.references)
    assert "<script" not in text
    assert not re.search(r"@import|url\((?!#)", text)
    # figures must not take each other's glyphs and clips
    assert len(page.ids) == len(set(page.ids))
    targets = {reference.partition("#")[2] for reference in page.references} | set(re.findall(r"url\(#([^)]+)\)", text))
    assert targets <= set(page.ids)


def test_the_page_says_the_sheet(folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    for words in (
        "NCM622 pouch, 2 bilayers",
        "am-rich",
        "loading threshold",
        "Published figures",
        "agree with each other",
    ):
        assert words in text, words
    assert text.count("<svg") == len(FIGURES)


def test_the_document(folder: Path) -> None:
    reader = PdfReader(folder / "report.pdf")
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert 3 <= len(reader.pages) <= 8
    for words in ("Specific energy", "Percolation threshold", "Material values used", "laminate"):
        assert words in text, words


def test_the_table_is_the_json(folder: Path) -> None:
    data = json.loads((folder / "sheet.json").read_text(encoding="utf-8"))
    with (folder / "sheet.csv").open(encoding="utf-8") as stream:
        rows = {(row["group"], row["key"]): row["value"] for row in csv.DictReader(stream)}
    assert float(rows["cell", "mass_g"]) == data["cell"]["mass_g"]
    assert rows["resistance", "charge_transfer_ohm_cm2"] == ""
    assert float(rows["mass_breakdown", "membrane"]) == data["mass_breakdown_g"]["membrane"]


def test_the_tables_of_the_maps_name_units_where_there_are_some(folder: Path) -> None:
    head = (folder / "maps" / "stack.csv").read_text(encoding="utf-8").splitlines()[0]
    assert head == "stack.bilayers,positive.loading [mg/cm^2],cell.specific_energy_Wh_kg [Wh/kg]"


def test_every_figure_repeats_from_the_json(folder: Path, tmp_path: Path) -> None:
    write_report(ss.load(folder / "sheet.json"), tmp_path / "again")
    names = [f"figures/{name}.{end}" for name in FIGURES for end in ("svg", "png")]
    for name in [*names, "sheet.json", "sheet.csv", "report.html", *(f"maps/{kind}.csv" for kind in KINDS)]:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes(), name


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_interrupted_it_leaves_nothing(
    design: ss.Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: type[BaseException]
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise failure

    monkeypatch.setattr(report, "design_map", fail)
    with pytest.raises(failure):
        write_report(design, tmp_path / "r")
    assert list(tmp_path.iterdir()) == []
    # an earlier report survives whole
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "report.html").write_text("earlier")
    with pytest.raises(failure):
        write_report(design, tmp_path / "r")
    assert [(p.name, p.read_text()) for p in (tmp_path / "r").iterdir()] == [("report.html", "earlier")]


def test_a_place_that_cannot_be_written_is_told_before_the_work(design: ss.Design, tmp_path: Path) -> None:
    steps: list[str] = []
    (tmp_path / "file").write_text("x")
    with pytest.raises(ss.InputError):
        write_report(design, tmp_path / "file" / "r", lambda words, number, count: steps.append(words))
    assert steps == []


def test_a_report_of_a_design_without_an_ionic_path(design: ss.Design, tmp_path: Path) -> None:
    page = write_report(design.with_(positive__density=2000.0), tmp_path / "r")
    assert "not percolated" in page.read_text(encoding="utf-8")


def test_a_folder_in_the_way_is_told_before_anything_moves(design: ss.Design, tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(ss.InputError, match="already has a folder called report.html"):
        write_report(design, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_names_in_a_report_are_text_not_markup(design: ss.Design, tmp_path: Path) -> None:
    """Angle brackets, quotes, and typst's own signs in a name."""
    name = 'a <b>"#x$ *y* [z] & µ 电池'
    page = write_report(design.with_(name=name), tmp_path / "r")
    text = page.read_text(encoding="utf-8")
    assert "<b>&#34;" not in text
    assert "a &lt;b&gt;" in text
    pdf = PdfReader(tmp_path / "r" / "report.pdf").pages[0].extract_text()
    assert "*y*" in pdf
