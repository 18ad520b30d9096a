r"""Densification: pressing a packing of spheres, and porosity against pressure by Heckel's law.

Heckel: the pores close at a rate in proportion to what is left of them, :math:`\ln(1/\varepsilon) = k P + A`. The
percolation threshold is the porosity at which close-packed building blocks touch, 25.95 % (`solidstack.particle`).
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ... import units
from ...errors import Problem, StructureError
from ...particle import CLOSE_PACKING
from ...progress import Listener, Teller
from ...tables import read_table
from ...units import Values
from .packing import STEPS, Packing, Pressing, as_vector, check_room, relaxed, settled

PERCOLATION_POROSITY = 1.0 - CLOSE_PACKING

STRAIN = 0.01
"""Loss of volume in one step of pressing; spheres then move by a small part of their size between relaxations."""


def press(packing: Packing, volume_fraction: float, pressing: Pressing, *, progress: Listener | None = None) -> Packing:
    """Press a packing until its spheres cover a share of the box.

    Step by step the box shrinks with all centres in it, and the spheres push each other apart again. Their number and
    the volume that they cover stay: the volume lost in overlaps is made up for by growth, as in
    `solidstack.twin.structure.packing.random_packing`. Nothing here is random. Spheres slide without friction: even
    pressed along x alone, their contacts end up with hardly any preferred direction (mean square of the direction
    cosine to x 0.34 instead of 1/3), so that what remains of the direction of pressing is the shape of the box.

    Parameters
    ----------
    packing : Packing
        What is pressed.
    volume_fraction : float
        Share of the box to cover, from that of the packing up to what
        `solidstack.twin.structure.packing.LARGEST_OVERLAP` allows.
    pressing : Pressing
        `Uniaxial` or `Isostatic`.
    progress : callable, optional
        Progress callback.

    Raises
    ------
    StructureError
        A share below that of the packing or out of reach, or a box pressed below the largest sphere.
    """
    covered = packing.covered_fraction
    if not covered * (1.0 - 1e-6) <= volume_fraction < 1.0:
        msg = (
            f"pressing only makes a packing denser: the spheres cover {covered:.4g} of the box; "
            f"received {volume_fraction:.4g}. Choose a share between that and 1, or start from a looser packing"
        )
        raise StructureError(msg)
    box, periodic = np.array(packing.box), np.array(packing.periodic, bool)
    centres, radii = packing.centres, packing.radii
    ratio = covered / volume_fraction
    count = max(1, math.ceil(-math.log(ratio) / STRAIN))
    stretch = pressing.stretch(ratio ** (1.0 / count))
    tell = Teller(progress, of=2 * count, what="pressing")
    for step in range(count):
        tell(step)
        box = box * stretch
        check_room(radii, box)
        centres, _ = relaxed(centres * stretch, radii, box, periodic, STEPS)
    centres, radii = settled(centres, radii, box, periodic, volume_fraction, tell.part(count, count))
    return Packing(centres, radii, as_vector(box), packing.periodic, packing.seed)


@dataclass(frozen=True)
class Heckel:
    r"""Porosity against pressure, :math:`\ln(1/\varepsilon) = k P + A`.

    Parameters
    ----------
    k : float
        1/Pa, above 0: how easily the material yields.
    a : float
        0 or more: the value without pressure, set by the arrangement.

    Examples
    --------
    >>> heckel = Heckel(k=2e-9, a=0.8)
    >>> round(float(heckel.porosity(300e6)), 4)
    0.2466
    >>> round(float(heckel.pressure(0.2466)) / 1e6)
    300
    """

    k: float
    a: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.k) and self.k > 0.0 and math.isfinite(self.a)):
            msg = (
                f"Heckel's k must be above 0 and A finite, because porosity falls with pressure; "
                f"received k = {self.k:.3g} 1/Pa and A = {self.a:.3g}. Check the pressures and porosities"
            )
            raise StructureError(msg)

    def porosity(self, pressure: Values) -> Values:
        """Porosity at a pressure (Pa, array); at most 1."""
        return np.minimum(np.exp(-(self.k * np.asarray(pressure) + self.a)), 1.0)[()]

    def pressure(self, porosity: Values) -> Values:
        """Pressure for a porosity (0 to 1, array), Pa; 0 where it is reached without, infinite for a porosity of 0."""
        with np.errstate(divide="ignore"):
            return np.maximum((-np.log(porosity) - self.a) / self.k, 0.0)[()]


@dataclass(frozen=True)
class HeckelFit:
    """Heckel's law through measured points.

    Attributes
    ----------
    model : Heckel
    k_interval, a_interval : (float, float) or None
        95 % confidence intervals; None for two points, through which any line passes.
    residual : float
        Root mean square deviation in ln(1/porosity).
    points : int
        Measured points.
    pressures : (float, float)
        Lowest and highest measured, Pa.
    """

    model: Heckel
    k_interval: tuple[float, float] | None
    a_interval: tuple[float, float] | None
    residual: float
    points: int
    pressures: tuple[float, float]


def fit_heckel(pressure: ArrayLike, porosity: ArrayLike) -> HeckelFit:
    """Fit Heckel's law by least squares in ln(1/porosity).

    Parameters
    ----------
    pressure : array, shape (n,)
        Pa, 0 or more, of at least 2 different values.
    porosity : array, shape (n,)
        Above 0, below 1.

    Raises
    ------
    StructureError
        Too few points, values out of bounds, or a porosity that rises with pressure.
    """
    p, eps = np.atleast_1d(np.asarray(pressure, float)), np.atleast_1d(np.asarray(porosity, float))
    if p.ndim != 1 or p.shape != eps.shape:
        msg = f"a fit needs as many pressures as porosities; received {p.shape} and {eps.shape}"
        raise StructureError(msg)
    if not (np.isfinite(p).all() and (p >= 0.0).all() and ((eps > 0.0) & (eps < 1.0)).all()):
        msg = "pressures must be 0 or more and porosities between 0 and 1; remove or correct the others"
        raise StructureError(msg)
    if len(np.unique(p)) < 2:
        msg = f"a fit needs at least 2 different pressures; received {len(np.unique(p))}. Measure at another pressure"
        raise StructureError(msg)
    y = -np.log(eps)
    spread = p - p.mean()
    square = float(spread @ spread)
    k = float(spread @ y) / square
    a = float(y.mean() - k * p.mean())
    off = y - (k * p + a)
    k_interval = a_interval = None
    if len(p) > 2:
        from scipy.special import stdtrit

        wide = float(stdtrit(len(p) - 2, 0.975)) * math.sqrt(float(off @ off) / (len(p) - 2))
        of_k, of_a = wide / math.sqrt(square), wide * math.sqrt(1.0 / len(p) + p.mean() ** 2 / square)
        k_interval, a_interval = (k - of_k, k + of_k), (a - of_a, a + of_a)
    return HeckelFit(
        Heckel(k, a),
        k_interval,
        a_interval,
        math.sqrt(float(off @ off) / len(p)),
        len(p),
        (float(p.min()), float(p.max())),
    )


@dataclass(frozen=True)
class Measured:
    """Porosities that a process reached.

    Parameters
    ----------
    porosity : array, shape (n,)
        0 to 1.
    pressure : array, shape (n,), or None
        Pa; None where only the porosity is known.
    """

    porosity: Any
    pressure: Any = None


@dataclass(frozen=True)
class Verdict:
    """Whether a process passes the percolation threshold.

    Attributes
    ----------
    process : str
    points : int
        Measured points.
    porosity : float
        Lowest that was reached.
    threshold : float
        Porosity below which building blocks connect.
    fit : HeckelFit or None
        None where fewer than two pressures are known.
    pressure : float or None
        Needed for the threshold by the fit, Pa; None without a fit.
    within_data : bool or None
        Whether that pressure lies within the measured ones; None without a fit.
    """

    process: str
    points: int
    porosity: float
    threshold: float
    fit: HeckelFit | None
    pressure: float | None
    within_data: bool | None

    @property
    def passes(self) -> bool:
        """Whether a porosity below the threshold was reached, as measured."""
        return self.porosity < self.threshold


def passes_percolation(
    processes: Mapping[str, Measured], threshold: float = PERCOLATION_POROSITY
) -> tuple[Verdict, ...]:
    """Return for each process whether it passes the percolation threshold, and the pressure that this needs.

    Parameters
    ----------
    processes : mapping of str to Measured
        Points of each process.
    threshold : float
        Porosity; default :math:`1 - \\pi/(3\\sqrt 2) = 0.2595`, whatever the composition.

    Raises
    ------
    StructureError
        Points that cannot be fitted, with the name of the process.
    """
    verdicts = []
    for name, measured in processes.items():
        porosity = np.atleast_1d(np.asarray(measured.porosity, float))
        fit = pressure = within = None
        if measured.pressure is not None and len(np.unique(measured.pressure)) > 1:
            try:
                fit = fit_heckel(measured.pressure, porosity)
            except StructureError as error:
                raise StructureError([Problem(problem.message, name) for problem in error.problems]) from None
            pressure = float(fit.model.pressure(threshold))
            within = bool(fit.pressures[0] <= pressure <= fit.pressures[1])
        verdicts.append(Verdict(name, len(porosity), float(porosity.min()), threshold, fit, pressure, within))
    return tuple(verdicts)


def read_processes(path: str | os.PathLike[str], dense_density: float, loading: float) -> dict[str, Measured]:
    """Read porosities of processes from a table.

    Columns, by their names: method (or process); pressure, in MPa unless the name has a unit; and one of porosity,
    density and thickness, with the unit in the name: ``porosity (%)``, ``density (g/cm^3)``, ``thickness (um)``. A
    porosity without a unit is a fraction.

    Parameters
    ----------
    path : path
        CSV or TXT of any delimiter.
    dense_density : float
        Of the composition, kg/m3: turns density and thickness into porosity.
    loading : float
        One side, kg/m2: turns thickness (of that coating, without collector) into density.

    Raises
    ------
    StructureError
        A column that is missing, or a value out of bounds, with its line.
    """
    table = read_table(path, 2)
    kinds = {"porosity": units.POROSITY, "density": units.DENSITY, "thickness": units.THICKNESS}
    method, at = table.column("method|process"), table.column("pressure")
    measures = [(name, column) for name in kinds if (column := table.column(name)) is not None]
    if method is None or at is None or not measures:
        msg = (
            f"expected the columns method, pressure (MPa), and porosity (%), density (g/cm^3) or thickness (um); "
            f"this header has {', '.join(table.header) or 'no names'}"
        )
        raise StructureError(msg, source=table.source)
    name, column = measures[0]
    points: dict[str, list[tuple[float, float]]] = {}
    for row in table.rows:
        pressure = table.value(row, at, units.PRESSURE, "MPa")
        value = table.value(row, column, kinds[name])
        match name:
            case "porosity":
                porosity = value
            case "density":
                porosity = 1.0 - value / dense_density
            case _:
                porosity = 1.0 - loading / value / dense_density if value > 0.0 else -math.inf
        if pressure < 0.0 or not 0.0 < porosity < 1.0:
            what = f"porosity is {100.0 * porosity:.3g} %, pressure {pressure / 1e6:.3g} MPa"
            cure = "expected a porosity above 0 and below 100 % and a pressure of 0 or more"
            if name != "porosity":
                cure += f"; the dense density of this composition is {dense_density / 1e3:.4g} g/cm^3"
            elif porosity >= 1.0:
                cure += '; for per cent, write "porosity (%)" in the header'
            raise StructureError(Problem(f"{what}; {cure}", line=row[0]), source=table.source)
        points.setdefault(row[1][method], []).append((pressure, porosity))
    return {
        process: Measured(np.array([p for _, p in pairs]), np.array([p for p, _ in pairs]))
        for process, pairs in points.items()
    }
