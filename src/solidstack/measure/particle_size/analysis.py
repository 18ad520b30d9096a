"""Particle sizes: a table of laser diffraction to percentiles, means and a log-normal distribution."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from ...errors import MeasurementError
from ...tables import read_table
from ...units import PERCENT, THICKNESS, UM, text
from ..records import Record, sha256
from ..result import Property, Result, Series
from .tables import Floats, read_distribution
from .values import percentile_of, values_of


@dataclass(frozen=True, kw_only=True, eq=False)
class ParticleSize(Result):
    """Sizes of a powder by volume.

    Attributes
    ----------
    edges : array, shape (n + 1,)
        Diameters between the classes, m, rising.
    cumulative : array, shape (n + 1,)
        Share of the volume below each, 0 to 1.
    median, deviation : float
        Fitted log-normal distribution: diameter, m, and standard deviation of its logarithm.
    """

    edges: Floats
    cumulative: Floats
    median: float
    deviation: float

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "particle-size"

    @property
    def density(self) -> Floats:
        """Share of the volume per natural logarithm of the diameter in each class, shape (n,)."""
        density: Floats = np.diff(self.cumulative) / np.diff(np.log(self.edges))
        return density

    def percentile(self, share: float) -> float:
        """Diameter below which a share of the volume lies, interpolated in its logarithm between the edges, m."""
        return percentile_of(self.edges, self.cumulative, share)[0]

    def properties(self) -> list[Property]:
        """The diameter of a material: D50."""
        median = self.values["d50"]
        value = text(float(f"{median.value:.6g}"), THICKNESS)
        return [Property("particle_diameter", {"value": value}, median.uncertainty)]

    def data(self) -> dict[str, Series]:
        """The distribution as drawn."""
        columns: dict[str, Any] = {
            "from": self.edges[:-1],
            "to": self.edges[1:],
            "volume": np.diff(self.cumulative),
            "cumulative": self.cumulative[1:],
            "log_normal": np.diff(ndtr(np.log(self.edges / self.median) / self.deviation)),
        }
        units = {"from": UM, "to": UM, "volume": PERCENT, "cumulative": PERCENT, "log_normal": PERCENT}
        return {"classes": Series("Classes", columns, units)}


def analyse(path: str | os.PathLike[str]) -> ParticleSize:
    r"""Percentiles, means and a log-normal fit of a size distribution by volume.

    The table is the export of a laser-diffraction instrument, or any table of diameter and one of: cumulative share
    below (or above: "oversize"), share in each channel, density over the diameter (q3) or over its decimal logarithm
    (q3lg). The names of the columns decide; without names they are diameter and share, cumulative where it rises to
    100 %. A channel extends around its diameter, half-way to its neighbours in the logarithm; two columns of diameters
    are the lower and upper edges.

    .. math::
        D_{4,3} = \sum_i p_i \bar d_i, \qquad D_{3,2} = 1 \Big/ \sum_i p_i / \bar d_i, \qquad
        \frac{S}{V} = \frac{6}{D_{3,2}}, \qquad \mathrm{span} = \frac{D_{90} - D_{10}}{D_{50}}

    with the share p of each class and its mean diameters, volume uniform over the logarithm within a class. Intervals
    of percentiles and means are the widths of the classes, since a table does not tell where within a class the volume
    lies. They do not include the instrument (sampling, optical model), and spheres are assumed. Those of the log-normal
    distribution come from the scatter of the classes about it.

    Parameters
    ----------
    path : path
        CSV or TXT of any delimiter, with decimal points or commas; lines above the header are skipped. Diameters
        have the unit in the header (um, nm, mm).

    Returns
    -------
    ParticleSize
        Values: `d10`, `d50`, `d90`, `span`, `d43`, `d32`, `specific_surface`, `log_normal_median`,
        `log_normal_deviation` (geometric).

    Raises
    ------
    MeasurementError
        No such file, no diameters, sizes by number, a cumulative share that falls, or a total volume that is not 100 %.

    Notes
    -----
    Means: ISO 9276-2. For a log-normal distribution D[4,3] = D50 exp(s2/2) and D[3,2] = D50 exp(-s2/2).
    """
    table = read_table(path, 2, MeasurementError)
    warnings: list[str] = []
    edges, cumulative, form = read_distribution(table, warnings)
    record = Record(_frame(edges, cumulative), source=table.source, technique="particle size", sha256=sha256(path))
    values, median, deviation = values_of(edges, cumulative, warnings)
    inner = np.flatnonzero((cumulative > 1e-6) & (cumulative < 1.0 - 1e-6))
    window = {
        "columns": form,
        "classes": len(edges) - 1,
        "smallest_um": float(f"{UM.of(edges[max(int(inner[0]) - 1, 0)] if len(inner) else edges[0]):.5g}"),
        "largest_um": float(f"{UM.of(edges[int(inner[-1]) + 1] if len(inner) else edges[-1]):.5g}"),
    }
    return ParticleSize(
        records=(record,),
        values=values,
        model="distribution by volume, uniform over the logarithm of the diameter within a class",
        window=window,
        warnings=tuple(warnings),
        series={"percentiles": _table(edges, cumulative)},
        edges=edges,
        cumulative=cumulative,
        median=median,
        deviation=deviation,
    )


def _frame(edges: Floats, cumulative: Floats) -> Any:
    import pandas as pd

    return pd.DataFrame({"Diameter / m": edges, "Cumulative Volume / 1": cumulative})


def _table(edges: Floats, cumulative: Floats) -> Series:
    shares = (0.05, 0.10, 0.16, 0.25, 0.50, 0.75, 0.84, 0.90, 0.95)
    rows = [percentile_of(edges, cumulative, share) for share in shares]
    columns: dict[str, Any] = {"volume_below": list(shares)}
    columns |= {name: [row[at] for row in rows] for at, name in enumerate(("diameter", "low", "high"))}
    return Series("Percentiles by volume", columns, {"volume_below": PERCENT, "diameter": UM, "low": UM, "high": UM})
