"""Rate capability: discharge capacity over C-rate and loading, next to the loading threshold of the closed form."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..design import Design, Protocol, Rate
from ..electrode import loading_threshold, positive_electrode, rated_one_c
from ..errors import DesignError
from ..kinetics import CellParameters, cell_parameters
from ..progress import Listener, Teller
from ..twin.companion.half_cell import Mesh
from ..twin.companion.half_cell_equations import Model
from ..twin.companion.homogenised import HomogenisedModel
from ..twin.effective import Effective, only_active
from ..twin.results import Step
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
        Over `loading` and `c_rate`: discharge_capacity (A s per kg of active material), capacity_kept (over that at
        the lowest C-rate), average_voltage (V), outcome (values of `solidstack.outcomes.Outcome`), end_reason (in
        words). Over `c_rate`: loading_threshold (kg/m2).

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
    start = only_active(parameters).stoichiometry(high, parameters.temperature)
    base = effective or Effective.from_design(design, parameters)
    tell = Teller(progress, of=coatings.size * rates.size, what="rate capability")
    steps: list[Step] = []
    for coating in coatings:
        medium = base.with_loading(base.active_loading * coating / own)
        for rate in rates:
            tell(len(steps), f"discharge at {rate:g}C, {100.0 * coating:.3g} mg/cm^2")
            run = shared.run(
                design,
                _discharge(float(rate), low),
                effective=medium,
                parameters=parameters,
                initial_stoichiometry=start,
            )
            steps.append(run.steps[0])
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
    return _dataset(rates, coatings, grid, _threshold(design, parameters, base, rates), attrs)


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


def _dataset(
    rates: Array, loadings: Array, grid: dict[str, Any], threshold: Array, attrs: dict[str, Any]
) -> "xr.Dataset":
    import xarray as xr

    capacity = grid["capacity"]
    with np.errstate(invalid="ignore", divide="ignore"):
        kept = capacity / capacity[:, [int(np.argmin(rates))]]
    over = ("loading", "c_rate")
    return xr.Dataset(
        {
            "discharge_capacity": (over, capacity, {"units": "A s/kg"}),
            "capacity_kept": (over, kept, {"units": ""}),
            "average_voltage": (over, grid["average_voltage"], {"units": "V"}),
            "outcome": (over, grid["outcome"]),
            "end_reason": (over, grid["end_reason"]),
            "loading_threshold": (("c_rate",), threshold, {"units": "kg/m^2"}),
        },
        coords={
            "loading": ("loading", loadings, {"units": "kg/m^2"}),
            "c_rate": ("c_rate", rates, {"units": ""}),
        },
        attrs=attrs,
    )
