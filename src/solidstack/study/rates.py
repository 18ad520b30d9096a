"""Rate capability: discharge capacity over C-rate and loading, next to the thresholds of the closed form."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..design import Design, Protocol, Rate
from ..electrode import EVEN, loading_threshold, positive_electrode, rated_one_c
from ..errors import DesignError
from ..kinetics import CellParameters, cell_parameters
from ..kinetics.salt import limiting_current
from ..progress import Listener, Teller
from ..twin.companion.half_cell import Mesh
from ..twin.companion.half_cell_equations import Model
from ..twin.companion.homogenised import HomogenisedModel
from ..twin.companion.scaling import salt_layers
from ..twin.effective import Effective, only_active
from ..twin.results import Run, Step
from ..version import __version__

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]


def rate_capability(
    design: Design,
    c_rates: Sequence[float] | Array,
    loadings: Sequence[float] | Array | None = None,
    *,
    effective: Effective | None = None,
    parameters: CellParameters | None = None,
    model: Model = "DFN",
    mesh: Mesh | None = None,
    shared: HomogenisedModel | None = None,
    progress: Listener | None = None,
) -> "xr.Dataset":
    """Discharge capacity over C-rate and loading, and next to it the loading threshold of the closed form.

    Every discharge starts in equilibrium at the upper voltage of the usual window and ends at the lower one. At the
    loading threshold the ionic drop of a positive electrode reaches the design's limit (`rating.ir_drop_limit`).

    Parameters
    ----------
    design : Design
        A single design (no arrays).
    c_rates : array, shape (n,)
        Above 0; in units of the design's 1C.
    loadings : array, shape (m,), optional
        Of the coating, one side, kg/m2; default: the design's.
    effective : Effective, optional
        Of the design's loading; another one makes the same medium thicker or thinner.
    parameters, model, mesh, shared
        See `solidstack.twin.companion.homogenised.simulate`.
    progress : callable, optional
        Progress callback, see `solidstack.progress`; counts discharges.

    Returns
    -------
    xarray.Dataset
        Over `loading` and `c_rate`: discharge_capacity (A s per kg of active material), capacity_kept (over the
        largest of all), average_voltage (V), outcome (values of `solidstack.outcomes.Outcome`), end_reason (in
        words). Over `c_rate`, in kg/m2: loading_threshold, where the whole current through the whole thickness loses
        the design's IR drop limit; even_loading_threshold, where a reaction that is even through the thickness does;
        salt_limited_loading, where the salt runs out in the steady state (NaN where only lithium moves).

    Raises
    ------
    DesignError
        A C-rate or a loading that is not above 0.
    """
    rates = _positive("c_rates", c_rates)
    own = float(design.positive.loading) if design.is_single else math.nan
    coatings = _positive("loadings", [own] if loadings is None else loadings)
    shared = shared or HomogenisedModel(model, mesh)
    parameters = parameters or cell_parameters(design)
    low, high = parameters.voltage_window
    base = effective or Effective.from_design(design, parameters)
    tell = Teller(progress, of=coatings.size * rates.size, what="rate capability")
    steps: list[Step] = []
    for coating in coatings:
        medium = base.with_loading(base.active_loading * coating / own)
        for rate in rates:
            tell(len(steps), f"discharge at {rate:g}C, {100.0 * coating:.3g} mg/cm^2")
            steps.append(discharge_run(design, float(rate), medium, parameters, shared).steps[0])
    tell(len(steps))
    grid: dict[str, Any] = {
        name: np.array([getattr(step, name) for step in steps]).reshape(coatings.size, rates.size)
        for name in ("capacity", "average_voltage", "end_reason")
    }
    grid["outcome"] = np.array([step.outcome.value for step in steps]).reshape(coatings.size, rates.size)
    attrs = {
        "design": design.name,
        "fingerprint": design.fingerprint(),
        "version": __version__,
        "model": f"PyBaMM {shared.model}",
        "effective": base.source,
        "upper_voltage_V": high,
        "lower_voltage_V": low,
        "ir_drop_limit_V": float(design.rating.ir_drop_limit),
    }
    threshold = _threshold(design, parameters, base, rates)
    return _dataset(
        rates,
        coatings,
        grid,
        {
            "loading_threshold": threshold,
            "even_loading_threshold": threshold / math.sqrt(EVEN),
            "salt_limited_loading": _salt_limited(design, parameters, base, rates),
        },
        attrs,
    )


def discharge_run(
    design: Design, rate: float, medium: Effective, parameters: CellParameters, shared: HomogenisedModel
) -> Run:
    """Discharge at a C-rate, from equilibrium at the upper voltage of the usual window to the lower one."""
    low, high = parameters.voltage_window
    start = only_active(parameters).stoichiometry(high, parameters.temperature)
    return shared.run(
        design, _discharge(rate, low), effective=medium, parameters=parameters, initial_stoichiometry=start
    )


def simulated_salt_limit(run: Run, parameters: CellParameters) -> float:
    """Salt-limiting current of a simulated discharge, A/m2; infinite where only lithium moves, NaN where none flows.

    The concentration falls in proportion to the current, so that it is the current over the largest fall: that of the
    reaction as it is distributed, where the closed form (`solidstack.salt_limit`) takes it as even.
    """
    if parameters.electrolyte.is_single_ion:
        return math.inf
    fall = 1.0 - float(run.provenance["least_salt"])
    current = float(np.max(np.abs(run.current_density)))
    return current / fall if fall > 0.0 else math.nan


def _positive(name: str, values: Sequence[float] | Array) -> Array:
    array = np.atleast_1d(np.asarray(values, dtype=float))
    if array.ndim != 1 or not array.size or not (np.isfinite(array) & (array > 0.0)).all():
        msg = f"{name}: {array.tolist()} is not a list of numbers above 0"
        raise DesignError(msg)
    return array


def _discharge(rate: float, voltage: float) -> Protocol:
    step = {"kind": "discharge", "current": Rate(rate, "C"), "until": {"voltage": voltage}}
    return Protocol.from_dict({"steps": [step]})


def _threshold(design: Design, parameters: CellParameters, base: Effective, rates: Array) -> Array:
    """Loading at which the ionic drop of the medium reaches the design's limit, kg/m2."""
    _, positive = positive_electrode(design)
    conductivity = parameters.electrolyte.conductivity(parameters.temperature)
    threshold = loading_threshold(
        design.rating.ir_drop_limit,
        conductivity,
        float(design.positive.loading) / base.thickness,
        conductivity / base.ionic_conductivity,
        rates,
        rated_one_c(design),
        positive.am_mass_fraction,
    )
    return np.asarray(threshold)


def _salt_limited(design: Design, parameters: CellParameters, base: Effective, rates: Array) -> Array:
    """Loading of the coating at which the salt runs out at each rate in the steady state, kg/m2 (closed form)."""
    from scipy.optimize import brentq

    if parameters.electrolyte.is_single_ion or parameters.membrane.is_single_ion:
        return np.full(rates.size, math.nan)
    own, per_mass = float(design.positive.loading), float(rated_one_c(design))

    def excess(logarithm: float, rate: float) -> float:
        medium = base.with_loading(base.active_loading * math.exp(logarithm))
        layers = salt_layers(medium, parameters, parameters.temperature)
        return math.log(rate * per_mass * medium.active_loading / limiting_current(*layers, charge=False))

    return np.array([own * math.exp(brentq(excess, -12.0, 12.0, args=(float(rate),))) for rate in rates])


def _dataset(
    rates: Array, loadings: Array, grid: dict[str, Any], limits: dict[str, Array], attrs: dict[str, Any]
) -> "xr.Dataset":
    import xarray as xr

    capacity = grid["capacity"]
    # all loadings hold the same capacity per mass: one that is poor already at the lowest C-rate is seen to be so
    with np.errstate(invalid="ignore", divide="ignore"):
        kept = capacity / np.max(capacity, initial=0.0, where=np.isfinite(capacity))
    over = ("loading", "c_rate")
    return xr.Dataset(
        {
            "discharge_capacity": (over, capacity, {"units": "A s/kg"}),
            "capacity_kept": (over, kept, {"units": ""}),
            "average_voltage": (over, grid["average_voltage"], {"units": "V"}),
            "outcome": (over, grid["outcome"]),
            "end_reason": (over, grid["end_reason"]),
            **{name: (("c_rate",), values, {"units": "kg/m^2"}) for name, values in limits.items()},
        },
        coords={
            "loading": ("loading", loadings, {"units": "kg/m^2"}),
            "c_rate": ("c_rate", rates, {"units": ""}),
        },
        attrs=attrs,
    )
