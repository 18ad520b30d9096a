"""Sensitivity of the discharge to one parameter at a time."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import units
from ..design import Design, Protocol
from ..electrode import positive_electrode
from ..errors import SolidstackError, StructureError
from ..kinetics import LEAST_NUMBER, SENSITIVE, UNKNOWN, CellParameters, cell_parameters
from ..progress import Listener, Teller
from ..twin.effective import Effective
from ..twin.electrochemistry.cycle import discharge
from ..twin.results import Run
from ..twin.structure.voxels import Structure
from .certainty import BELOW_ONE, ranged
from .coarse import coarse_structure

STRUCTURAL = ("porosity", "particle_diameter")
"""What only the homogenised model can scale, besides `solidstack.kinetics.SENSITIVE`."""
WITH_POROSITY = (
    "thickness", "active_fraction", "electrolyte_fraction", "specific_interface", "ionic_conductivity",
    "electronic_conductivity", "electronic_share",
)  # fmt: skip
SMALLEST = {"capacity_mAh_g": 1e-3, "average_voltage_V": 1e-5}
"""Changes at or below these are none."""


def one_at_a_time(
    design: Design,
    structure: Structure | None = None,
    *,
    names: Sequence[str] | None = None,
    factors: Sequence[float] | None = None,
    model: str = "homogenised",
    protocol: Protocol | None = None,
    effective: Effective | None = None,
    accuracy: float = 2.0,
    progress: Listener | None = None,
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Scale one parameter at a time and run a model.

    Conductivities of electrolyte and additive scale those of the medium in proportion. The porosity changes the medium
    as it changes the closed form of the electrode; particles twice as large leave half the interface.

    Parameters
    ----------
    design : Design
    structure : Structure, optional
        Of the twin; default: a coarse one (`solidstack.study.coarse`).
    names : sequence of str, optional
        Of `solidstack.kinetics.SENSITIVE` and, for the homogenised model, `STRUCTURAL`; default: all.
    factors : sequence of float, optional
        Above 0; default: to the ends of the range of a value that nobody measured and whose range is known, else half
        and twice. A transference number and a current fraction stay below 1.
    model : str
        homogenised, or twin, which takes up to a minute for each row.
    protocol : Protocol, optional
    effective : Effective, optional
        Of the homogenised model; default: that of the structure, else the closed form of the design.
    accuracy : float
        Of the twin's time steps.
    progress : callable, optional
        Progress callback; counts rows.

    Returns
    -------
    base : dict
        ``capacity_mAh_g`` and ``average_voltage_V`` of the last discharge, nothing scaled.
    rows : list of dict
        ``name``, ``factor``, ``quality`` of the value (measured, derived, assumed, given; empty where there are
        several), the same figures, and ``note``: the reason where they are None, else empty. A parameter
        that changes nothing is left out.

    Raises
    ------
    StructureError
        An unknown model or name, or one that the model cannot scale.
    """
    names = _checked(names, model)
    parameters = cell_parameters(design)
    scaled: _Scaled = (
        _Twin(design, parameters, protocol, structure, accuracy)
        if model == "twin"
        else _Medium(design, parameters, protocol, structure, effective)
    )
    doubts = {doubt.parameter: doubt for doubt in parameters.doubtful}
    qualities = {row.parameter: row.quality for row in parameters.sources if row.parameter}
    steps = [
        (name, factor)
        for name in names
        for factor in factors or (ranged(doubts[name], parameters) if name in doubts else UNKNOWN)
    ]
    tell = Teller(progress, of=1 + len(steps))
    tell(0, "nothing scaled")
    base = scaled.figures(None, 1.0)
    rows: list[dict[str, Any]] = []
    for number, (name, factor) in enumerate(steps, 1):
        tell(number, f"{name.replace('_', ' ')} times {factor:g}")
        used = min(factor, _most(parameters, name))
        row = {"name": name, "factor": used, "quality": qualities.get(name, "")}
        try:
            rows.append({**row, **scaled.figures(name, used), "note": ""})
        except SolidstackError as error:
            rows.append({**row, **dict.fromkeys(base), "note": str(error)})
    effective_names = {row["name"] for row in rows if _changed(row, base)}
    return base, [row for row in rows if row["name"] in effective_names]


def _checked(names: Sequence[str] | None, model: str) -> Sequence[str]:
    """Return the parameters to scale; all that the model can scale by default."""
    if model not in ("homogenised", "twin"):
        msg = f'model "{model}" is not recognised; choose homogenised or twin'
        raise StructureError(msg)
    known = (*SENSITIVE, *STRUCTURAL) if model == "homogenised" else SENSITIVE
    names = known if names is None else names
    for name in names:
        if name not in known:
            close = units.nearest(name, known)
            hint = f"did you mean {close}? Choose" if close else "choose"
            msg = f'the {model} model has no parameter "{name}"; {hint} from {", ".join(known)}'
            raise StructureError(msg)
    return names


def _most(parameters: CellParameters, name: str) -> float:
    """Largest factor that a number below 1 can take."""
    if name not in BELOW_ONE:
        return math.inf
    return (1.0 - LEAST_NUMBER) / float(getattr(parameters.electrolyte, name))


def _changed(row: Mapping[str, Any], base: Mapping[str, float]) -> bool:
    return bool(row["note"]) or any(abs(row[key] - base[key]) > value for key, value in SMALLEST.items())


def _figures(run: Run) -> dict[str, float]:
    step = run.of("discharge") or run.steps[-1]
    return {"capacity_mAh_g": step.capacity / 3600.0, "average_voltage_V": step.average_voltage}


class _Scaled(ABC):
    """A model whose parameters are scaled."""

    @abstractmethod
    def figures(self, name: str | None, factor: float) -> dict[str, float]:
        """Return capacity and voltage with one parameter scaled, or with none."""


@dataclass
class _Twin(_Scaled):
    """A structure whose parameters are scaled."""

    design: Design
    parameters: CellParameters
    protocol: Protocol | None
    structure: Structure | None
    accuracy: float

    def figures(self, name: str | None, factor: float) -> dict[str, float]:
        if self.structure is None:
            self.structure, _ = coarse_structure(self.design)
        parameters = self.parameters if name is None else self.parameters.changed(name, factor)
        return _figures(
            discharge(
                self.structure, self.design, protocol=self.protocol, parameters=parameters, accuracy=self.accuracy
            )
        )


class _Medium(_Scaled):
    """A homogeneous medium whose parameters are scaled."""

    def __init__(
        self,
        design: Design,
        parameters: CellParameters,
        protocol: Protocol | None,
        structure: Structure | None,
        effective: Effective | None,
    ) -> None:
        from ..twin.companion.homogenised import HomogenisedModel

        self.design, self.parameters, self.protocol = design, parameters, protocol
        if effective is None and structure is not None:
            effective = Effective.from_structure(structure, parameters)
        self.medium = effective or Effective.from_design(design, parameters)
        self.model = HomogenisedModel()

    def figures(self, name: str | None, factor: float) -> dict[str, float]:
        unscaled = name is None or name in STRUCTURAL
        parameters = self.parameters if unscaled else self.parameters.changed(str(name), factor)
        medium = self._scaled(name, factor) if unscaled and name else self.medium.following(self.parameters, parameters)
        return _figures(self.model.run(self.design, self.protocol, effective=medium, parameters=parameters))

    def _scaled(self, name: str, factor: float) -> Effective:
        medium = self.medium
        match name:
            case "particle_diameter":
                radius = None if medium.particle_radius is None else factor * medium.particle_radius
                interface = medium.specific_interface / factor
                return medium.changed(specific_interface=interface, particle_radius=radius)
            case "porosity":
                return self._at_porosity(factor)
            case _:
                return medium

    def _at_porosity(self, factor: float) -> Effective:
        """Change the medium in proportion to the closed form at another porosity and the same loading."""
        _, positive = positive_electrode(self.design)
        porosity = factor * float(positive.porosity)
        if porosity >= 1.0:
            msg = (
                f"porosity: {factor:g} times {100 * float(positive.porosity):.3g} % is {100 * porosity:.3g} %, and a "
                "porosity must be below 100 %; choose a smaller factor"
            )
            raise StructureError(msg)
        other = self.design.with_(positive__density=float(positive.dense_density) * (1.0 - porosity))
        before, after = (Effective.from_design(design, self.parameters) for design in (self.design, other))
        ratio = {key: getattr(after, key) / getattr(before, key) for key in WITH_POROSITY if getattr(before, key) > 0.0}
        return self.medium.changed(**{key: value * getattr(self.medium, key) for key, value in ratio.items()})
