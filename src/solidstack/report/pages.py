"""A page (HTML) and a document (PDF) from a template and plain data, with the figures inside."""

import json
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from .. import plot


@dataclass(frozen=True)
class Drawn:
    """A figure of a report, with its caption and as SVG."""

    name: str
    caption: str
    svg: str


def keep(figure: Any, folder: Path, name: str, caption: str) -> Drawn:
    """Save a figure as PNG and SVG, and keep it for a page."""
    plot.save(figure, folder / f"{name}.png")
    path = plot.save(figure, folder / f"{name}.svg")
    svg = path.read_text(encoding="utf-8")
    return Drawn(name, caption, svg[svg.index("<svg") :])


def page(template: str, content: dict[str, Any], drawn: list[Drawn]) -> str:
    """Return a filled template of this package; figures are inline."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(_text),
    )
    # names are made unique to each figure, so that no inline figure uses the glyphs and clips of another
    svgs = {item.name: _own_names(item.svg, item.name) for item in drawn}
    return environment.get_template(template).render(content, svgs=svgs)


def _own_names(svg: str, name: str) -> str:
    for mark in ('id="', 'href="#', "url(#"):
        svg = svg.replace(mark, f"{mark}{name}-")
    return svg


def document(template: str, content: dict[str, Any], target: Path) -> None:
    """Typeset a template of this package as PDF; its figures are in ``figures`` next to it."""
    import typst

    folder = target.parent
    with tempfile.TemporaryDirectory(prefix=".typeset-", dir=folder) as name:
        source, data = Path(name) / template, Path(name) / "content.json"
        source.write_text(_text(template), encoding="utf-8")
        data.write_text(json.dumps(content), encoding="utf-8")
        typst.compile(str(source), output=str(target), root=str(folder))


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
