"""Sizes of particles: one size, a log-normal distribution, or the table of an instrument."""

import math
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from .... import units
from ....errors import StructureError
from ....tables import read_table

Floats = NDArray[np.float64]
MOST_SPHERES = 2_000_000
"""A packing of that many takes an hour: 50,000 equal spheres at 0.64 took 90 s, in proportion to their number."""
TAILS = 0.005
"""Share of the volume at either end of a distribution that is left out: no instrument resolves it, and the finest
spheres would be the most numerous by far."""


class SizeDistribution(ABC):
    """How the volume of particles is spread over their diameters.

    Attributes
    ----------
    d50 : float
        Median diameter by volume, m.
    """

    d50: float

    @abstractmethod
    def percentile(self, share: Any) -> Floats:
        """Diameter below which a share (0 to 1, array) of the volume lies, m."""

    def draw(self, volume: float, rng: np.random.Generator) -> Floats:
        """Take spheres of a total volume from the distribution.

        The count is the whole number nearest to that of the distribution. Sizes are not random: the spheres are
        sorted into as many equally numerous classes as there are spheres, and each has the mean volume of its class.
        A box holds few large particles, and their random number would scatter its volume.

        Parameters
        ----------
        volume : float
            Sum of the sphere volumes, m3, above 0.
        rng : numpy.random.Generator
            Shuffles the order.

        Returns
        -------
        array, shape (n,)
            Radii, m. The sum of the volumes is `volume` to rounding.

        Raises
        ------
        StructureError
            More than `MOST_SPHERES`.
        """
        edges = np.linspace(TAILS, 1.0 - TAILS, 4097)
        by_volume = (edges - TAILS) / (1.0 - 2.0 * TAILS)
        mean = np.asarray(self.percentile(0.5 * (edges[1:] + edges[:-1])), float)
        by_number = np.concatenate(([0.0], np.cumsum(mean**-3.0)))
        expected = volume / (math.pi / 6.0) * by_number[-1] / len(mean)
        if expected > MOST_SPHERES:
            msg = (
                f"the box would hold {expected:.2g} spheres, more than {MOST_SPHERES:.2g}; "
                f"make it smaller, or cut the fines off the size distribution"
            )
            raise StructureError(msg)
        count = max(1, round(expected))
        volumes = volume * np.diff(np.interp(np.arange(count + 1) / count, by_number / by_number[-1], by_volume))
        return rng.permutation((volumes * 0.75 / math.pi) ** (1.0 / 3.0))


@dataclass(frozen=True)
class Monodisperse(SizeDistribution):
    """Spheres of one diameter.

    In a small box the diameter is adjusted so that a whole number of spheres has the required volume.

    Parameters
    ----------
    diameter : float
        m, above 0.
    """

    diameter: float
    d50: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_above_zero("diameter", self.diameter)
        object.__setattr__(self, "d50", self.diameter)

    def percentile(self, share: Any) -> Floats:
        """Return the diameter, in the shape of `share`."""
        return np.full(np.shape(share), self.diameter)


@dataclass(frozen=True)
class LogNormal(SizeDistribution):
    """Log-normal by the volume-weighted percentiles D10, D50, D90.

    A log-normal has D50/D10 = D90/D50. Measured percentiles rarely do: below D50 the width is then that of D10 and
    above D50 that of D90, so that all three percentiles are met.

    Parameters
    ----------
    d10, d50, d90 : float
        Diameters, m, 0 < d10 < d50 < d90.
    """

    d10: float
    d50: float
    d90: float

    def __post_init__(self) -> None:
        for name, value in (("D10", self.d10), ("D50", self.d50), ("D90", self.d90)):
            check_above_zero(name, value)
        if not self.d10 < self.d50 < self.d90:
            percentiles = ", ".join(f"{units.UM.of(value):g}" for value in (self.d10, self.d50, self.d90))
            msg = (
                f"percentiles must rise, D10 < D50 < D90; received {percentiles} um. For one diameter use Monodisperse"
            )
            raise StructureError(msg)

    def percentile(self, share: Any) -> Floats:
        """Diameter below which a share of the volume lies, m."""
        from scipy.special import ndtri

        deviation = ndtri(share) / ndtri(0.9)
        width = np.where(deviation < 0.0, math.log(self.d50 / self.d10), math.log(self.d90 / self.d50))
        return cast(Floats, self.d50 * np.exp(deviation * width))


@dataclass(frozen=True, eq=False)
class SizeTable(SizeDistribution):
    """Cumulative distribution as a laser-diffraction instrument exports it, linear in log diameter between points.

    Parameters
    ----------
    diameters : array, shape (n,)
        m, above 0, rising, at least 2.
    cumulative_volume : array, shape (n,)
        Share of the volume below each diameter, 0 to 1, not falling, 1 at the end. What lies below the first diameter
        is given that diameter.
    """

    diameters: Sequence[float] | Floats
    cumulative_volume: Sequence[float] | Floats
    d50: float = field(init=False)

    def __post_init__(self) -> None:
        sizes, shares = np.array(self.diameters, float), np.array(self.cumulative_volume, float)
        if sizes.ndim != 1 or sizes.shape != shares.shape or len(sizes) < 2:
            msg = (
                f"a size table needs at least 2 diameters and as many shares; received {sizes.shape} and {shares.shape}"
            )
            raise StructureError(msg)
        if not (np.isfinite(sizes).all() and sizes[0] > 0.0 and (np.diff(sizes) > 0.0).all()):
            msg = "diameters of a size table must rise and be above 0; sort the table, and remove duplicate rows"
            raise StructureError(msg)
        if not (shares[0] >= 0.0 and (np.diff(shares) >= 0.0).all() and abs(shares[-1] - 1.0) <= 1e-6):
            msg = (
                f"cumulative volume must rise from 0 or more to 1; received {shares[0]:g} to {shares[-1]:g}. "
                f"Give shares below each diameter, as fractions"
            )
            raise StructureError(msg)
        object.__setattr__(self, "diameters", sizes)
        object.__setattr__(self, "cumulative_volume", shares)
        object.__setattr__(self, "d50", float(self.percentile(0.5)))

    def percentile(self, share: Any) -> Floats:
        """Diameter below which a share of the volume lies, m."""
        return cast(Floats, np.exp(np.interp(share, self.cumulative_volume, np.log(self.diameters))))


def read_size_table(path: str | os.PathLike[str]) -> SizeTable:
    """Read the export of a laser-diffraction instrument.

    Two columns are used, diameter and volume share; named in the header, or else the first two. Diameters
    are in um unless the header has a unit. Shares are cumulative (below, or above where the header says "oversize")
    or by class; without a header they are cumulative if they rise to 100 % (or 1). A class lies around its diameter,
    half-way to its neighbours in the logarithm.

    Parameters
    ----------
    path : path
        CSV or TXT of any delimiter, with decimal points or commas; lines above the header are skipped.

    Raises
    ------
    StructureError
        With the line, where it has one.
    """
    table = read_table(path, 2)
    at = table.column(r"diam|(?<!over)(?<!under)size|channel|[µμ]m|\bum\b") or 0
    cumulative = table.column("cum|under|pass|finer|over|retain|coarser|<|>", besides=at)
    share = cumulative
    if share is None:
        share = table.column("vol|diff|freq|dens|%", besides=at)
    if share is None:
        share = 1 if at == 0 else 0
    named = table.header[share].casefold() if share < len(table.header) else ""
    sizes = np.array([table.value(row, at, units.THICKNESS, "um") for row in table.rows])
    shares = np.array([table.number(row, share) for row in table.rows])
    order = np.argsort(sizes, kind="stable")
    sizes, shares = sizes[order], shares[order]
    if (shares < 0.0).any() or shares.max() <= 0.0:
        msg = "volume shares must be 0 or more, and some above 0; use the column of volume in per cent"
        raise StructureError(msg, source=table.source)
    if re.search("over|retain|coarser|>", named):
        shares = (100.0 if shares.max() > 1.0 else 1.0) - shares
    rising = bool((np.diff(shares) >= 0.0).all()) and min(abs(shares[-1] / whole - 1.0) for whole in (1, 100)) < 0.01
    try:
        if cumulative is None and (not rising or re.search("diff|freq|dens", named)):
            return _from_classes(sizes, shares)
        if not rising:
            msg = (
                f"cumulative volume must rise to 100 % (or 1); this column ends at {shares[-1]:g}. "
                f"Export the whole range"
            )
            raise StructureError(msg)
        return SizeTable(sizes, shares / shares[-1])
    except StructureError as error:
        raise StructureError(error.problems, source=table.source) from None


def _from_classes(sizes: Floats, shares: Floats) -> SizeTable:
    if len(sizes) < 2 or sizes[0] <= 0.0 or not (np.diff(sizes) > 0.0).all():
        return SizeTable(sizes, np.linspace(0.0, 1.0, len(sizes)))  # raises with what is wrong with the diameters
    logarithm = np.log(sizes)
    middles = 0.5 * (logarithm[1:] + logarithm[:-1])
    edges = np.concatenate(([2.0 * logarithm[0] - middles[0]], middles, [2.0 * logarithm[-1] - middles[-1]]))
    total = np.concatenate(([0.0], np.cumsum(shares)))
    return SizeTable(np.exp(edges), total / total[-1])


def check_above_zero(name: str, value: float) -> None:
    """Refuse a length that is not above 0."""
    if not (math.isfinite(value) and value > 0.0):
        msg = f"{name} must be above 0 (m); received {value:g}"
        raise StructureError(msg)
