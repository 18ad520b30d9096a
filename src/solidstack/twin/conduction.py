r"""Effective conductivity and tortuosity factor of a structure: the potential is solved for on every voxel.

.. math:: \nabla \cdot (\sigma \nabla \varphi) = 0

with the conductivity of each voxel's phase, harmonic means on the faces between voxels, a potential of 1 before the
first plane and 0 behind the last one, and the other faces closed or periodic.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError, StructureError
from ..html import table
from ..kernels.conduction.multigrid import Iteration, Network, solve
from ..kernels.geometry.flood import connected_through
from ..outcomes import End, Outcome
from ..progress import Listener, Teller
from .contacts import Contact, Grains, by_class, checked_contacts, coloured
from .memory import require_memory
from .structure.formats import write_field
from .structure.voxels import AXES, Structure

TOLERANCE = 1e-4
MOST_ITERATIONS = 1000
DEVICES = ("auto", "cpu", "cuda")
LATERAL = ("auto", "periodic", "closed")
KINDS = ("ionic", "electronic")
BYTES_PER_VOXEL = 30.0
"""Needed for a solution, besides the labels; `Conduction.peak_bytes_per_voxel` is what it took."""
LARGEST_CONTRAST = 1e12
"""Ratio of the conductivities of two phases beyond which the smaller one is refused: rounding would hide it."""

Report = Callable[[Iteration], None]
Conductivities = Mapping[str, float] | Mapping[int, float] | Mapping[str | int, float] | str


@dataclass(frozen=True)
class Conduction:
    """Conduction along one direction.

    Attributes
    ----------
    direction : str
        x, y or z.
    conductivity : float
        Effective conductivity, S/m. 0 where no cluster connects both faces.
    relative_conductivity : float
        Relative to the most conducting phase.
    tortuosity_factor : float or None
        Volume fraction of the most conducting phase over the relative conductivity; None where nothing is conducted.
    conducting_fraction, connected_fraction : float
        Volume fraction of the conducting phases together, and of the clusters of them that connect both faces.
    inlet_flux, outlet_flux : float
        Mean current density through either face at a mean gradient of 1 V/m, A/m2: two values of the conductivity.
    mean_current : (float, float, float)
        Mean current density along x, y, z at a mean gradient of 1 V/m along the direction: a column of the
        conductivity tensor, S/m.
    iterations : int
    history : tuple of Iteration
        Flux, its spread over all planes, and the change of the last step, by iteration.
    flux_imbalance : float
        Difference of inlet and outlet flux, relative.
    converged : bool
    seconds : float
        Time of the solution, without compilation.
    peak_bytes_per_voxel : float
        All arrays of the solution, labels included.
    device : str
        cpu or cuda.
    potential : array or None
        Shape of the labels, 1 to 0 along the direction, NaN where nothing is conducted; kept if asked for.
    """

    direction: str
    conductivity: float
    relative_conductivity: float
    tortuosity_factor: float | None
    conducting_fraction: float
    connected_fraction: float
    inlet_flux: float
    outlet_flux: float
    mean_current: tuple[float, float, float]
    iterations: int
    history: tuple[Iteration, ...]
    flux_imbalance: float
    converged: bool
    seconds: float
    peak_bytes_per_voxel: float
    device: str
    potential: NDArray[np.float64] | None = field(default=None, repr=False)

    @property
    def percolates(self) -> bool:
        """Whether a cluster of conducting voxels connects both faces."""
        return self.connected_fraction > 0.0

    @property
    def outcome(self) -> Outcome:
        """COMPLETE, DISCONNECTED where nothing conducts through, or NO_SOLUTION where it did not converge."""
        return self._end.outcome

    @property
    def end_reason(self) -> str:
        """The outcome in words."""
        return self._end.reason

    @property
    def _end(self) -> End:
        if self.conducting_fraction == 0.0:
            return End(Outcome.DISCONNECTED, "no voxel conducts")
        if not self.percolates:
            return End(Outcome.DISCONNECTED, "does not percolate: no cluster connects both faces")
        if self.converged:
            return End(Outcome.COMPLETE, "converged")
        spread = f"the flux through the planes still differs by {self.history[-1].spread:.2g}"
        reason = f"not converged in {self.iterations} iterations ({spread}); raise the iterations or the tolerance"
        return End(Outcome.NO_SOLUTION, reason)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain data, with units in the keys."""
        return {
            "conductivity_S_m": self.conductivity,
            "relative_conductivity": self.relative_conductivity,
            "tortuosity_factor": self.tortuosity_factor,
            "conducting_vol_pct": 100.0 * self.conducting_fraction,
            "connected_vol_pct": 100.0 * self.connected_fraction,
            "inlet_flux_A_m2": self.inlet_flux,
            "outlet_flux_A_m2": self.outlet_flux,
            "iterations": self.iterations,
            "flux_imbalance": self.flux_imbalance,
            "converged": self.converged,
            "outcome": self.outcome.value,
            "end_reason": self.end_reason,
            "seconds": self.seconds,
            "peak_bytes_per_voxel": self.peak_bytes_per_voxel,
            "device": self.device,
        }


@dataclass(frozen=True)
class Transport:
    """Effective conduction of a structure along one or several directions, with the phase conductivities used (S/m)."""

    directions: Mapping[str, Conduction]
    phase_conductivity: Mapping[str, float]

    def __getattr__(self, name: str) -> Conduction:
        """Return a direction, as in ``transport.x``."""
        directions: Mapping[str, Conduction] = self.__dict__.get("directions", {})
        if name in directions:
            return directions[name]
        msg = f"transport has no {name!r}; it was solved along {', '.join(directions)}"
        raise AttributeError(msg)

    @property
    def tensor(self) -> NDArray[np.float64]:
        """Conductivity tensor, S/m, shape (3, 3), symmetrised; NaN in the columns that were not solved for.

        Its off-diagonal parts are those of the bulk where the structure is periodic, and slightly less at closed faces.
        """
        columns = np.full((3, 3), np.nan)
        for name, conduction in self.directions.items():
            columns[:, AXES.index(name)] = conduction.mean_current
        return np.asarray((columns + columns.T) / 2.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures of every direction as plain data."""
        return {name: conduction.to_dict() for name, conduction in self.directions.items()}

    def _repr_html_(self) -> str:
        rows = [
            (
                name,
                f"{c.conductivity:.4g}",
                f"{c.relative_conductivity:.4g}",
                _number(c.tortuosity_factor),
                c.end_reason,
            )
            for name, c in self.directions.items()
        ]
        return table("Transport", ("direction", "S/m", "relative", "tortuosity factor", ""), rows)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def transport(
    structure: Structure,
    conductivity: Conductivities = "ionic",
    *,
    direction: str = "all",
    tolerance: float = TOLERANCE,
    device: str = "auto",
    lateral: str = "auto",
    keep_potential: bool = False,
    must_converge: bool = True,
    most_iterations: int = MOST_ITERATIONS,
    contacts: Sequence[Contact] = (),
    grains: Grains | None = None,
    progress: Listener | None = None,
) -> Transport:
    """Effective conductivity of a structure, full field.

    Parameters
    ----------
    structure : Structure
    conductivity : mapping or str
        Conductivity of phases by name or label, S/m; phases that are not named do not conduct. Or "ionic" or
        "electronic": those of the structure's phases.
    direction : str
        x, y, z or all.
    tolerance : float
        Relative, 1e-8 to 0.1: the fluxes through any two planes agree to it, inlet and outlet among them.
    device : str
        auto (CUDA where there is a device, else the CPU), cpu or cuda.
    lateral : str
        The faces beside the direction: auto (as the structure is), periodic or closed.
    keep_potential : bool
        Whether the potential is kept on the result (8 bytes per voxel and direction).
    must_converge : bool
        Whether a solution that does not reach the tolerance is an error.
    most_iterations : int
    contacts : sequence of Contact
        Between phases that both conduct, and between the grains of one; see `solidstack.twin.contacts`.
    grains : array of int, shape of the structure, optional
        Number of the grain of every voxel; `solidstack.twin.contacts.divided` makes some.
    progress : callable, optional
        Progress callback, in directions done.

    Returns
    -------
    Transport

    Raises
    ------
    StructureError
        An unknown phase, an invalid conductivity, too little memory, no CUDA device.
    SolverError
        Not converged, unless ``must_converge`` is false; a result outside the Wiener bounds (series, parallel).

    Examples
    --------
    Layers in series: 1/(0.5/2 + 0.5/1) S/m.

    >>> import numpy as np
    >>> from solidstack import twin
    >>> labels = np.repeat(np.uint8([1, 1, 2, 2]), 16).reshape(4, 4, 4)
    >>> layers = twin.Structure(labels, {}, (1e-6, 1e-6, 1e-6))
    >>> conduction = twin.transport(layers, {1: 2.0, 2: 1.0}, direction="x")
    >>> round(conduction.x.conductivity, 6)
    1.333333
    """
    for name, value, choices in (
        ("direction", direction, (*AXES, "all")),
        ("device", device, DEVICES),
        ("lateral", lateral, LATERAL),
    ):
        if value not in choices:
            msg = f'{name}: "{value}" is not recognised; choose from {", ".join(choices)}'
            raise StructureError(msg)
    if not 1e-8 <= tolerance <= 0.1:
        msg = f"tolerance: {tolerance:g} must be between 1e-8 and 0.1 (1e-4 is usual)"
        raise StructureError(msg)
    phases = phase_conductivities(structure, conductivity)
    loops, where = _loops(device)
    pairs = checked_contacts(structure, contacts, grains)
    colours = coloured(grains, structure.periodic) if grains is not None and pairs else None
    options = _Options(tolerance, loops, where, lateral, keep_potential, most_iterations, pairs, colours)
    require_memory(BYTES_PER_VOXEL, structure.shape, "Solving for the potential")
    directions = AXES if direction == "all" else (direction,)
    conductions = {}
    tell = Teller(progress, of=len(directions))
    for number, name in enumerate(directions):

        def report(state: Iteration, number: int = number, name: str = name) -> None:
            tell(number, f"{name}: iteration {state.iteration}, flux differs by {state.spread:.1e}")

        result = _conduct(structure, phases, name, options, report)
        if must_converge and not result.converged:
            msg = (
                f"the potential along {name} did not reach the tolerance {tolerance:g} in {result.iterations} "
                f"iterations (the flux through the planes differs by {result.history[-1].spread:.2g}); "
                f"raise most_iterations or the tolerance"
            )
            raise SolverError(msg)
        conductions[name] = result
    return Transport(conductions, phases)


def save_field(structure: Structure, solution: Transport, path: str | os.PathLike[str]) -> Path:
    """Write the potential of one direction together with the labels: .vti for ParaView, .zarr or .npz for Python.

    Where nothing is conducted the potential is NaN. Its unit is the applied voltage.

    Raises
    ------
    StructureError
        The potential was not kept (``keep_potential``), or there are several directions.
    OutputError
        Another ending, or a path that cannot be written.
    """
    kept = [conduction for conduction in solution.directions.values() if conduction.potential is not None]
    if len(kept) != 1:
        msg = f"a field has one direction whose potential was kept; there are {len(kept)} (keep_potential=True)"
        raise StructureError(msg)
    potential = np.asarray(kept[0].potential, np.float32)
    return write_field(structure, {f"potential along {kept[0].direction}": potential}, path)


def phase_conductivities(structure: Structure, conductivity: Conductivities) -> dict[str, float]:
    """Conductivity by name of phase, S/m: what was given, or those of the structure's phases."""
    if isinstance(conductivity, str):
        if conductivity not in KINDS:
            msg = f'conductivity: "{conductivity}" is not recognised; name phases, or choose {" or ".join(KINDS)}'
            raise StructureError(msg)
        own = {name: getattr(phase, f"{conductivity}_conductivity") for name, phase in structure.phases.items()}
        values = {name: float(value) for name, value in own.items() if value is not None}
        if not values:
            listed = ", ".join(f"{phase.label} ({name})" for name, phase in structure.phases.items())
            msg = (
                f"no phase of this structure has an {conductivity} conductivity; give the conductivity of the phases "
                f"that conduct, by name or label. The phases are {listed}"
            )
            raise StructureError(msg)
        return values
    values = {}
    for key, value in conductivity.items():
        name = structure.name(structure.label(key))
        number = float(value)
        if not (np.isfinite(number) and number >= 0.0):
            msg = f"conductivity of {name}: {value} S/m must be a finite number, at least 0"
            raise StructureError(msg)
        values[name] = number
    if not values:
        msg = "no conductivity was given; name at least one phase that conducts"
        raise StructureError(msg)
    most = max(values.values())
    for name, number in values.items():
        if 0.0 < number < most / LARGEST_CONTRAST:
            msg = (
                f"conductivity of {name}: {number:g} S/m is less than {1 / LARGEST_CONTRAST:g} of the largest one, "
                f"{most:g} S/m; take 0 for it"
            )
            raise StructureError(msg)
    return values


@dataclass(frozen=True)
class _Options:
    tolerance: float
    loops: ModuleType
    device: str
    lateral: str
    keep_potential: bool
    most_iterations: int
    contacts: Mapping[frozenset[str], float]
    colours: NDArray[np.uint8] | None


def _loops(device: str) -> tuple[ModuleType, str]:
    """Loops for a device, compiled."""
    from ..kernels.conduction import cpu

    if device != "cpu":
        from ..kernels.conduction import cuda

        if cuda.is_available():
            return _compiled(cuda), "cuda"
        if device == "cuda":
            msg = (
                "device: no CUDA device was found; use device cpu, or install the driver and "
                '`pip install "solidstack[gpu]"`'
            )
            raise StructureError(msg)
    return _compiled(cpu), "cpu"


@cache
def _compiled(loops: ModuleType) -> ModuleType:
    """Solve a small volume once, so that the time of a solution is not that of the compiler."""
    classes = np.ones((9, 8, 8), np.uint8)
    conductance = np.zeros((3, 2, 2))
    conductance[:, 1, 1] = 1.0
    solve(Network(classes, conductance, np.array([0.0, 2.0]), (1.0, 1.0, 1.0), True, True), 1e-3, loops)
    return loops


def _conduct(
    structure: Structure,
    conductivities: Mapping[str, float],
    direction: str,
    options: "_Options",
    report: Report | None,
) -> Conduction:
    """Solve along one direction."""
    start = time.perf_counter()
    axis = AXES.index(direction)
    order = (axis, *(other for other in range(3) if other != axis))
    wrap_y, wrap_z = (
        structure.periodic[other] if options.lateral == "auto" else options.lateral == "periodic" for other in order[1:]
    )
    classes, sigma, names = _classes(structure, conductivities, options)
    classes = classes.transpose(order)
    conducting = float(np.count_nonzero(classes)) / classes.size
    classes = classes * connected_through(classes, wrap_y, wrap_z)
    connected = float(np.count_nonzero(classes)) / classes.size
    if connected == 0.0:
        return Conduction(
            direction, 0.0, 0.0, None, conducting, 0.0, 0.0, 0.0, (0.0, 0.0, 0.0), 0, (), 0.0, converged=True,
            seconds=time.perf_counter() - start, peak_bytes_per_voxel=3.0, device=options.device,
        )  # fmt: skip

    spacing = np.array([structure.voxel[other] for other in order])
    edge = float(np.prod(spacing)) ** (1.0 / 3.0)
    network = _network(classes, sigma, spacing, edge, wrap_y, wrap_z)
    if options.contacts:
        most, edges = max(conductivities.values()), dict(enumerate(spacing.tolist()))
        mean = network.conductance[0] / (edge / spacing[0]) ** 2
        joined = by_class(mean, names, most, edges, options.contacts)
        network = replace(network, conductance=joined * ((edge / spacing) ** 2)[:, None, None])
    solution = solve(network, options.tolerance, options.loops, most=options.most_iterations, report=report)

    largest = max(conductivities.values())
    length, volume = structure.size[axis], float(np.prod(structure.size))
    scale = largest * edge * length / volume  # from the sum of a flux over faces, times its path, to a mean
    inlet, outlet = scale * length * solution.inlet, scale * length * solution.outlet
    mean_current = [0.0, 0.0, 0.0]
    mean_current[axis] = effective = (inlet + outlet) / 2.0
    _check_bounds(
        structure, conductivities, direction, effective, options, len(solution.history),
        series=connected == 1.0 and not options.contacts,
    )  # fmt: skip
    for other, flux in zip(order[1:], solution.lateral, strict=True):
        mean_current[other] = scale * structure.voxel[other] * flux
    best = [name for name, value in conductivities.items() if value == largest]
    potential = None
    if options.keep_potential:
        potential = np.where(classes > 0, solution.potential, np.nan).transpose(np.argsort(order))
    return Conduction(
        direction=direction,
        conductivity=effective,
        relative_conductivity=effective / largest,
        tortuosity_factor=structure.fraction(*best) * largest / effective,
        conducting_fraction=conducting,
        connected_fraction=connected,
        inlet_flux=inlet,
        outlet_flux=outlet,
        mean_current=(mean_current[0], mean_current[1], mean_current[2]),
        iterations=len(solution.history),
        history=solution.history,
        flux_imbalance=abs(inlet - outlet) / effective,
        converged=solution.converged,
        seconds=time.perf_counter() - start,
        peak_bytes_per_voxel=(solution.bytes + structure.labels.nbytes + classes.nbytes) / classes.size,
        device=options.device,
        potential=potential,
    )


def _check_bounds(
    structure: Structure,
    conductivities: Mapping[str, float],
    direction: str,
    effective: float,
    options: "_Options",
    iterations: int,
    *,
    series: bool,
) -> None:
    """Refuse a conductivity outside that of the phases as layers in series (0 without ``series``) and in parallel."""
    shares = [(structure.fraction(name), value) for name, value in conductivities.items() if value > 0.0]
    least = 1.0 / sum(share / value for share, value in shares) if series else 0.0
    most = sum(share * value for share, value in shares)
    if least * (1.0 - options.tolerance) <= effective <= most * (1.0 + options.tolerance):
        return
    values = [value for _, value in shares]
    msg = (
        f"the conductivity along {direction} was not found: {effective:.3g} S/m after {iterations} "
        f"iterations is outside the bounds of layers in series and in parallel, {least:.3g} to {most:.3g} S/m. "
        f"The conductivities are a factor of {max(values) / min(values):.0e} apart, too much for this structure; with "
        "a factor of 1e6 or less the result relative to the smallest one is nearly the same"
    )
    raise SolverError(msg)


def _network(
    classes: NDArray[np.uint8],
    sigma: NDArray[np.float64],
    spacing: NDArray[np.float64],
    edge: float,
    wrap_y: bool,
    wrap_z: bool,
) -> Network:
    """Conductances in units of the largest conductivity and of the edge of a cube with the volume of a voxel."""
    weights = (edge / spacing) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.nan_to_num(2.0 * sigma[:, None] * sigma / (sigma[:, None] + sigma))
    return Network(
        classes, weights[:, None, None] * mean, 2.0 * weights[0] * sigma, tuple(spacing.tolist()), wrap_y, wrap_z
    )


def _classes(
    structure: Structure, conductivities: Mapping[str, float], options: "_Options"
) -> tuple[NDArray[np.uint8], NDArray[np.float64], list[str]]:
    """Class of every voxel, 0 for what does not conduct; conductivity of every class, relative to the largest; phases.

    Phases that conduct alike share a class, but where they have contacts; there grains have one for each colour.
    """
    most = max(conductivities.values())
    touching = {name for pair in options.contacts for name in pair}
    class_of = np.zeros(256, np.uint8)
    values, names = [0.0], [""]
    shared: dict[float, int] = {}
    split: list[tuple[str, int]] = []
    for name, value in sorted(conductivities.items(), key=lambda item: item[1]):
        if value <= 0.0:
            continue
        apart = name in touching
        number = len(values) if apart else shared.setdefault(value, len(values))
        class_of[structure.phases[name].label] = number
        if number == len(values):
            values.append(value)
            names.append(name if apart else "")
        if frozenset((name,)) in options.contacts and options.colours is not None:
            more = int(options.colours.max())
            split.append((name, number))
            values += [value] * more
            names += [name] * more
    if len(values) > 255:
        msg = f"contacts: {len(values)} kinds of grains are more than 255; take contacts of fewer phases"
        raise StructureError(msg)
    classes = class_of[structure.labels]
    for name, number in split:
        assert options.colours is not None
        mask = structure.mask(name)
        classes[mask] = number + options.colours[mask]
    return classes, np.array(values) / (most or 1.0), names
