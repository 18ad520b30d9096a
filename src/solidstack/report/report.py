"""Write a proof as HTML, PDF, figures, tables and JSON, whole or not at all."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import plot
from ..files import staged_folder
from ..maps import as_csv
from ..progress import Listener, Teller
from ..sheet import Sheet
from ..units import G
from .content import plain_content
from .pages import Drawn, document, keep, page

if TYPE_CHECKING:  # numba and xarray
    from ..study.proof import Proof, Twin
    from ..study.simulation import Cycle

CAPTIONS = {
    "section": "The cell in cross-section. (a) Widths to scale, thickness magnified by the factor shown; "
    "(b) from a positive collector to the next negative one, thickness to scale.",
    "breakdown": "Shares of mass, of the volume on the stack's footprint, and of material cost (prices with their "
    "quality and source are listed below).",
    "porosity": "Porosity over composition and density. The balance threshold (close-packed active material, "
    "74:26 by volume) and the percolation threshold (touching core-shell blocks) separate four regimes.",
    "ir-drop": "Ionic IR drop of the positive electrode at the rated current over loading and conductivity of the "
    "solid electrolyte. The loading threshold is where it reaches the allowed drop.",
    "electrode-energy": "Specific energy of the positive electrode (coating and half the collector) over composition "
    "and loading, at the design's density.",
    "membrane": "Specific energy of both electrodes and the membrane over loading and membrane thickness.",
    "stack": "Specific energy of the packaged cell over loading and number of bilayers.",
    "twin-slices": "The digital twin of the positive electrode: slices through its middle.",
    "twin-3d": "The digital twin in 3D, with a corner cut out.",
    "cycle-curves": "Voltage against lithium: the coarse twin cycled voxel by voxel, and the homogenised model with "
    "the properties of the coarse and of the fine twin.",
    "cycle-split": "Contributions to the voltage loss on discharge (homogenised model): power over current.",
    "cycle-profiles": "Reaction and stoichiometry over depth in the coarse twin on discharge.",
    "cycle-rates": "Discharge capacity over C-rate and loading (homogenised model, from equilibrium at the upper "
    "voltage), and lines of the closed form: the IR drop limit of the whole current and of an even reaction, and where "
    "the salt runs out.",
}


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes
    ----------
    sheet : Sheet
    twin : Twin or None
    cycle : Cycle or None
        As in the proof.
    paths : mapping of str to Path
        Every file, by its place in the folder, as in ``figures/section.svg``.
    """

    sheet: Sheet
    twin: "Twin | None"
    cycle: "Cycle | None"
    paths: Mapping[str, Path]

    @property
    def page(self) -> Path:
        """``report.html``."""
        return self.paths["report.html"]


def write_report(proof: "Proof", folder: str | Path, *, progress: Listener | None = None) -> Report:
    """Write the report of a proof.

    Parameters
    ----------
    proof : Proof
        See `solidstack.study.prove`.
    folder : path
        Created if it does not exist. Files of an earlier report are replaced, others stay. Nothing is left there when
        the work fails or is interrupted.
    progress : callable, optional
        Progress callback; counts figures and documents.

    Returns
    -------
    Report
        With ``report.html``, ``report.pdf``, ``sheet.json`` (which every solidstack command accepts in place of the
        design file), ``sheet.csv``, ``inputs.toml``, ``figures/*.svg|png``, ``maps/*.csv`` and, where there is a twin,
        ``twin/``.

    Raises
    ------
    OutputError
        The folder cannot be written; raised before the work starts.
    """
    with staged_folder(folder) as stage:
        writer = _Writer(proof, stage, progress)
        writer.data()
        writer.figures()
        writer.documents()
        names = [path.relative_to(stage).as_posix() for path in sorted(stage.rglob("*")) if path.is_file()]
    return Report(proof.sheet, proof.twin, proof.cycle, {name: Path(folder) / name for name in names})


class _Writer:
    """Writes the files of a report into a folder."""

    def __init__(self, proof: "Proof", folder: Path, progress: Listener | None) -> None:
        self.proof, self.folder = proof, folder
        self.drawn: list[Drawn] = []
        count = 3 + len(proof.maps) + (proof.twin is not None) + (proof.cycle is not None)
        self.done, self.tell = 0, Teller(progress, of=count)

    def begin(self, what: str) -> None:
        self.tell(self.done, what)
        self.done += 1

    def data(self) -> None:
        """Write sheet, inputs, maps, structure and runs."""
        sheet = self.proof.sheet
        for name, text in (
            ("sheet.json", sheet.to_json() + "\n"),
            ("sheet.csv", _sheet_csv(sheet)),
            ("inputs.toml", self.proof.design.to_toml()),
            *((f"maps/{kind}.csv", as_csv(grid[[grid.attrs["figure"]]])) for kind, grid in self.proof.maps.items()),
        ):
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if self.proof.twin is not None:
            self._twin_data(self.proof.twin)
        if self.proof.cycle is not None:
            self._cycle_data(self.proof.cycle)

    def _twin_data(self, twin: "Twin") -> None:
        from ..twin.structure.formats import save

        folder = self.folder / "twin"
        folder.mkdir()
        save(twin.structure, folder / "structure.npz")
        data = {"structure": twin.report.to_dict(), "transport": twin.transport.to_dict()}
        folder.joinpath("twin.json").write_text(json.dumps(data, indent=2, allow_nan=False) + "\n", encoding="utf-8")

    def _cycle_data(self, cycle: "Cycle") -> None:
        from ..twin.runs import save

        for name, run in (("discharge", cycle.coarse), ("homogenised", cycle.homogenised)):
            if run is not None:
                save(run, self.folder / "twin" / name)

    def figures(self) -> None:
        """Draw everything."""
        (self.folder / "figures").mkdir()
        self.begin("cross-section and breakdown")
        self.keep("section", plot.draw_section(self.proof.sheet))
        self.keep("breakdown", plot.draw_breakdown(self.proof.sheet))
        for kind, grid in self.proof.maps.items():
            self.begin(f"figure: {kind}")
            self.keep(kind, plot.draw_maps([grid], [self.proof.design]))
        if self.proof.twin is not None:
            self.begin("figures of the digital twin")
            self._twin_figures(self.proof.twin)
        if self.proof.cycle is not None:
            self.begin("figures of charge and discharge")
            self._cycle_figures(self.proof.cycle)

    def keep(self, name: str, figure: Any) -> None:
        """Save a figure, and keep it for the page."""
        self.drawn.append(keep(figure, self.folder / "figures", name, CAPTIONS[name]))

    def _twin_figures(self, twin: "Twin") -> None:
        self.keep("twin-slices", plot.slices(twin.structure))
        if find_spec("pyvista") is not None:
            path = plot.render(twin.structure, self.folder / "figures" / "twin-3d.svg")
            plot.render(twin.structure, self.folder / "figures" / "twin-3d.png")
            svg = path.read_text(encoding="utf-8")
            self.drawn.append(Drawn("twin-3d", CAPTIONS["twin-3d"], svg[svg.index("<svg") :]))

    def _cycle_figures(self, cycle: "Cycle") -> None:
        if cycle.runs:
            self.keep("cycle-curves", plot.draw_curves(cycle.runs))
        run = cycle.homogenised or cycle.coarse
        if run is not None and run.split and any(step.capacity > 0.0 for step in run.steps):
            self.keep("cycle-split", plot.draw_split(run))
        run = cycle.coarse
        if run is not None and any(step.capacity > 0.0 and step.kind == "discharge" for step in run.steps):
            self.keep("cycle-profiles", plot.draw_profiles(run))
        if cycle.rates is not None:
            self.keep("cycle-rates", plot.draw_rates(cycle.rates))

    def documents(self) -> None:
        """Write the page and the document."""
        self.begin("page (HTML)")
        data = plain_content(self.proof, self.drawn)
        self.folder.joinpath("report.html").write_text(page("report.html.j2", data, self.drawn), encoding="utf-8")
        self.begin("document (PDF)")
        document("report.typ", data, self.folder / "report.pdf")
        self.tell(self.done, "document (PDF)")


def _sheet_csv(sheet: Sheet) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("group", "key", "label", "value", "unit"))
    for figure in sheet.figures():
        value = repr(float(figure.shown)) if np.isfinite(figure.value) else ""
        writer.writerow((figure.group, figure.key, figure.label, value, figure.unit.symbol))
    for name, mass in sheet.mass_breakdown.items():
        writer.writerow(("mass_breakdown", name, name, repr(float(G.of(mass))), "g"))
    return text.getvalue()
