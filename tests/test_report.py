"""The report: whole or not at all, self-contained, and repeatable from its own JSON."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pypdf import PdfReader

import solidstack as ss
from solidstack.maps import KINDS
from solidstack.progress import Progress
from solidstack.report import Report, report, write_report
from solidstack.study import Cycle, Proof, prove
from solidstack.study.proof import build_twin

from .runs import made

FIGURES = ["section", "breakdown", *KINDS]


@pytest.fixture(scope="session")
def proof() -> Proof:
    return prove(ss.load("examples/pouch-0.16Ah.toml"), twin=False)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, proof: Proof) -> Report:
    return write_report(proof, tmp_path_factory.mktemp("report") / "r")


@pytest.fixture(scope="session")
def folder(written: Report) -> Path:
    return written.page.parent


@pytest.fixture(scope="session")
def bare(proof: Proof) -> Proof:
    """Without maps, which takes less to write."""
    return replace(proof, maps={})


def test_the_report_names_its_files_and_returns_what_it_shows(written: Report, folder: Path, proof: Proof) -> None:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert written.paths == files
    assert (written.sheet, written.twin, written.cycle) == (proof.sheet, None, None)
    assert written.page == folder / "report.html"


def test_everything_is_there(folder: Path) -> None:
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    expected = {"report.html", "report.pdf", "sheet.json", "sheet.csv", "inputs.toml"}
    expected |= {f"figures/{name}.{end}" for name in FIGURES for end in ("svg", "png")}
    expected |= {f"maps/{kind}.csv" for kind in KINDS}
    assert files == expected


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
    write_report(prove(ss.load(folder / "sheet.json"), twin=False), tmp_path / "again")
    names = [f"figures/{name}.{end}" for name in FIGURES for end in ("svg", "png")]
    for name in [*names, "sheet.json", "sheet.csv", "report.html", *(f"maps/{kind}.csv" for kind in KINDS)]:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes(), name


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_interrupted_it_leaves_nothing(
    bare: Proof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: type[BaseException]
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise failure

    monkeypatch.setattr(report.plot, "draw_breakdown", fail)
    with pytest.raises(failure):
        write_report(bare, tmp_path / "r")
    assert list(tmp_path.iterdir()) == []
    # an earlier report survives whole
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "report.html").write_text("earlier")
    with pytest.raises(failure):
        write_report(bare, tmp_path / "r")
    assert [(p.name, p.read_text()) for p in (tmp_path / "r").iterdir()] == [("report.html", "earlier")]


def test_a_place_that_cannot_be_written_is_refused_before_the_work(bare: Proof, tmp_path: Path) -> None:
    states: list[Progress] = []
    (tmp_path / "file").write_text("x")
    with pytest.raises(ss.InputError):
        write_report(bare, tmp_path / "file" / "r", progress=states.append)
    assert states == []


def test_progress_counts_figures_and_documents(bare: Proof, tmp_path: Path) -> None:
    states: list[Progress] = []
    write_report(bare, tmp_path / "r", progress=states.append)
    assert [state.what for state in states[:-1]] == ["cross-section and breakdown", "page (HTML)", "document (PDF)"]
    assert [state.share for state in states] == pytest.approx([0.0, 1 / 3, 2 / 3, 1.0])


def test_twin_and_cycle_have_their_files_and_words(
    design: ss.Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr(report, "find_spec", lambda name: None)  # PyVista takes longer than all the rest
    built = build_twin(design, size="10 um", voxel="0.5 um")
    cycle = Cycle(
        None,
        homogenised=made("PyBaMM DFN"),
        coarse=made(),
        notes=("coarse twin: reached",),
        differences=("the coarse twin loses 3 mV more",),
    )
    written = write_report(Proof(ss.evaluate(design), twin=built, cycle=cycle), tmp_path / "r")
    assert (written.twin, written.cycle) == (built, cycle)
    folders = {"discharge", "homogenised"}
    assert {
        name.split("/")[1] for name in written.paths if name.startswith("twin/") and name.count("/") == 2
    } == folders
    names = {name.removeprefix("figures/") for name in written.paths if name.startswith("figures/")}
    assert {f"cycle-{what}.svg" for what in ("curves", "split", "profiles")} | {"twin-slices.svg"} <= names
    data = json.loads(written.paths["twin/twin.json"].read_text(encoding="utf-8"))
    assert data["structure"]["shape"] == list(built.structure.shape)
    text = written.page.read_text(encoding="utf-8")
    for words in (
        "The coarse twin loses 3 mV more.",
        "coarse twin: reached",
        "homogenised, of the fine twin",
        "(through-plane)",
        built.transport.x.end_reason,
    ):
        assert words in text, words


def test_a_report_of_a_design_without_an_ionic_path(design: ss.Design, tmp_path: Path) -> None:
    proof = prove(design.with_(positive__density=2000.0), twin=False)
    page = write_report(proof, tmp_path / "r").page
    assert "not percolated" in page.read_text(encoding="utf-8")


def test_a_folder_in_the_way_is_refused_before_anything_moves(bare: Proof, tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(ss.InputError, match="already has a folder called report.html"):
        write_report(bare, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_names_in_a_report_are_text_not_markup(design: ss.Design, tmp_path: Path) -> None:
    """Angle brackets, quotes, and typst's own signs in a name."""
    name = 'a <b>"#x$ *y* [z] & µ 电池'
    page = write_report(prove(design.with_(name=name), twin=False, maps=False), tmp_path / "r").page
    text = page.read_text(encoding="utf-8")
    assert "<b>&#34;" not in text
    assert "a &lt;b&gt;" in text
    pdf = PdfReader(tmp_path / "r" / "report.pdf").pages[0].extract_text()
    assert "*y*" in pdf
