"""Figures of charge and discharge: curves, contributions to the voltage, profiles, rate capability, sensitivity."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..twin.measured_curves import branches
from ..twin.results import SPLIT, Run, Step
from .axes import logarithmic
from .style import PAGE, style

if TYPE_CHECKING:
    import xarray as xr

    from ..twin.electrochemistry.fields import Particles
    from ..twin.measured_curves import Measured

# Okabe-Ito, in the order of use
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#59636e", "#000000")
PART_COLOURS = dict(
    zip(
        [name for name in SPLIT if name != "equilibrium"],
        ("#e69f00", "#d55e00", "#0072b2", "#56b4e9", "#59636e", "#009e73", "#cc79a7"),
        strict=True,
    )
)
LEAST_PART = 0.05e-3
"""V; contributions below it are not drawn."""


def draw_curves(runs: Mapping[str, Run], measured: Sequence["Measured"] = ()) -> Figure:
    """Draw voltage against capacity per mass of active material: twins solid, homogenised models dashed, measured dots.

    Parameters
    ----------
    runs : mapping of str to Run
        By the name shown.
    measured : sequence of Measured
    """
    with style():
        figure = Figure(figsize=(0.62 * PAGE, 3.0), layout="constrained")
        axes = figure.subplots()
        for number, (name, run) in enumerate(runs.items()):
            colour = COLOURS[number % len(COLOURS)]
            line = "-" if run.model == "twin" else "--"
            label: str | None = name
            for branch in branches(run):
                axes.plot(branch.capacity / 3600.0, branch.voltage, line, color=colour, label=label)
                label = None
        for number, curve in enumerate(measured):
            axes.plot(
                curve.capacity / 3600.0, curve.voltage, "o", color="0.25", markersize=2.2, markeredgewidth=0.0,
                label="measured" if number == 0 else None,
            )  # fmt: skip
        axes.set_xlabel("Capacity per mass of active material, mAh g⁻¹")
        axes.set_ylabel("Voltage, V")
        axes.set_xlim(left=0.0)
        if axes.lines:
            axes.legend(loc="best")
    return figure


def draw_course(run: Run) -> Figure:
    """Draw voltage and current over time."""
    with style():
        figure = Figure(figsize=(0.62 * PAGE, 3.2), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        hours = run.time / 3600.0
        above.plot(hours, run.voltage, color=COLOURS[0])
        above.set_ylabel("Voltage, V")
        for step in run.steps:
            rows = run.rows(step)
            below.plot(hours[rows], run.current_density[rows] / 10.0, color=COLOURS[1])
        below.axhline(0.0, color="0.6", linewidth=0.6)
        below.set_ylabel("Current density,\nmA cm⁻²")
        below.set_xlabel("Time, h")
    return figure


def draw_split(run: Run, step: Step | None = None) -> Figure:
    """Draw the contributions to the voltage over the capacity of a step, stacked from the equilibrium potential on.

    Parameters
    ----------
    run : Run
    step : Step, optional
        Default: the last discharge, else the last step.
    """
    chosen = step or run.of("discharge") or run.steps[-1]
    rows = run.rows(chosen)
    capacity = run.capacity[rows] / 3600.0
    with style():
        figure = Figure(figsize=(PAGE, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot(capacity, run.split["equilibrium"][rows], "--", color="0.3", label="equilibrium")
        left.plot(capacity, run.voltage[rows], color=COLOURS[0], label="cell")
        left.set_ylabel("Voltage, V")
        left.legend(loc="best")
        low = np.zeros(len(capacity))
        high = np.zeros(len(capacity))
        total = 1e3 * (run.voltage - run.split["equilibrium"])[rows]
        for name, colour in PART_COLOURS.items():
            part = 1e3 * run.split[name][rows]
            if np.abs(part).max(initial=0.0) < 1e3 * LEAST_PART:
                continue
            base = np.where(part < 0.0, low, high)
            label = f"{SPLIT[name]} ({_mean(part, capacity)} mV)"
            right.fill_between(capacity, base, base + part, color=colour, linewidth=0.0, label=label)
            low, high = low + np.minimum(part, 0.0), high + np.maximum(part, 0.0)
        right.plot(capacity, total, color="0.1", linewidth=0.8, label=f"sum ({_mean(total, capacity)} mV)")
        right.axhline(0.0, color="0.5", linewidth=0.5)
        right.set_ylabel("Overpotential, mV")
        # over even capacities: time steps are dense where the voltage drops, and that end would set the scale
        even = np.interp(np.linspace(capacity[0], capacity[-1], 400), capacity, np.abs(total))
        reach = max(1.3 * float(np.quantile(even, 0.97)), 1e3 * LEAST_PART)
        right.set_ylim((-reach, 0.05 * reach) if low.min() < -high.max() else (-0.05 * reach, reach))
        handles, names = right.get_legend_handles_labels()
        figure.legend(
            handles,
            names,
            loc="outside lower center",
            ncols=2,
            title="Contributions, with the mean over the capacity",
        )
        for axes in (left, right):
            axes.set_xlabel("Capacity, mAh g⁻¹")
    return figure


def _mean(values: NDArray[np.float64], capacity: NDArray[np.float64]) -> str:
    """Mean over the charge: the energy of a contribution over the charge; rows are not evenly spaced in it."""
    span = float(capacity[-1] - capacity[0])
    mean = float(np.trapezoid(values, capacity)) / span if span > 0.0 else float(np.mean(values))
    return f"{mean:.3g}".replace("-", "−")


def draw_profiles(run: Run, step: Step | None = None, times: int = 6) -> Figure:
    """Draw reaction and stoichiometry over depth at several times of a step (default: the last discharge)."""
    chosen = step or run.of("discharge") or run.steps[-1]
    charge = np.linspace(0.05, 0.95, times) * float(run.capacity[chosen.last])
    rows = chosen.first + np.searchsorted(run.capacity[run.rows(chosen)], charge)
    depth = 1e6 * run.depth
    with style():
        figure = Figure(figsize=(PAGE, 2.8), layout="constrained")
        left, right = figure.subplots(1, 2)
        colours = mpl.colormaps["viridis"](np.linspace(0.0, 0.9, times))
        for row, colour in zip(np.minimum(rows, chosen.last), colours, strict=True):
            reaction = run.profiles["reaction"][row]
            mean = np.mean(reaction)
            label = f"{run.capacity[row] / 3600:.0f} mAh g⁻¹"
            left.plot(depth, _smooth(reaction / mean if mean else reaction), color=colour, label=label)
            right.plot(depth, run.profiles["stoichiometry"][row], color=colour)
        left.axhline(1.0, color="0.6", linewidth=0.6)
        left.set_ylabel("Reaction rate over its mean")
        right.set_ylabel("Mean stoichiometry of the plane")
        for axes in (left, right):
            axes.set_xlim(0.0, depth[0] + depth[-1])
            axes.set_xlabel("Distance from the membrane, µm")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=times)
    return figure


def _smooth(values: NDArray[np.float64], reach: int = 2) -> NDArray[np.float64]:
    """Mean over neighbouring planes: a single plane of voxels has a random share of interface."""
    kernel = np.ones(2 * min(reach, (len(values) - 1) // 2) + 1)
    return np.asarray(np.convolve(values, kernel, "same") / np.convolve(np.ones_like(values), kernel, "same"))


def draw_utilisation(before: "Particles", after: "Particles") -> Figure:
    """Draw how far each particle was used between two snapshots, against its depth; areas are volumes."""
    used = after.utilisation(before)
    mean = float(np.average(used, weights=after.volume))
    with style():
        figure = Figure(figsize=(0.62 * PAGE, 2.8), layout="constrained")
        axes = figure.subplots()
        area = 60.0 * after.volume / after.volume.max()
        axes.scatter(
            1e6 * after.depth, used, s=area, color=COLOURS[0], alpha=0.7, linewidths=0.0,
            label="a particle; area as its volume",
        )  # fmt: skip
        axes.axhline(mean, color=COLOURS[1], linewidth=0.8, linestyle="--", label=f"mean of the volume, {mean:.3g}")
        axes.set_xlabel("Distance of the particle's centre from the membrane, µm")
        axes.set_ylabel("Change of its stoichiometry")
        axes.set_ylim(0.0, 1.05 * max(float(used.max()), 1e-3))
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


USUAL_KEPT = 80
"""%, the line drawn through a map of the capacity that is kept."""


def draw_rates(dataset: "xr.Dataset") -> Figure:
    """Draw the capacity over C-rate and loading, with the closed form's lines of IR drop and of salt.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of `solidstack.study.rates.rate_capability`.
    """
    dataset = dataset.sortby(["c_rate", "loading"])
    rates = dataset["c_rate"].to_numpy()
    loadings = 100.0 * dataset["loading"].to_numpy()
    kept = 100.0 * dataset["capacity_kept"].to_numpy()
    threshold = 100.0 * dataset["loading_threshold"].to_numpy()
    with style():
        several = len(loadings) > 1 and len(rates) > 1
        figure = Figure(figsize=(PAGE if several else 0.62 * PAGE, 3.2), layout="constrained")
        panels = figure.subplots(1, 2 if several else 1, squeeze=False)[0]
        capacity = dataset["discharge_capacity"].to_numpy() / 3600.0
        colours = mpl.colormaps["viridis"](np.linspace(0.0, 0.9, len(loadings)))
        for number, loading in enumerate(loadings):
            panels[0].plot(
                rates, capacity[number], "o-", color=colours[number], markersize=3, label=f"{loading:.3g} mg cm⁻²"
            )
        panels[0].set_xscale("log")
        logarithmic(panels[0].xaxis, rates)
        panels[0].set_xlabel("C-rate")
        panels[0].set_ylabel("Discharge capacity, mAh g⁻¹")
        panels[0].set_ylim(bottom=0.0)
        if several:
            levels = [50, 60, 70, 80, 90, 95, 99, 100]
            filled = panels[1].contourf(rates, loadings, kept, levels=levels, cmap="cividis", extend="min")
            drop = f"{1e3 * float(dataset.attrs['ir_drop_limit_V']):.3g} mV"
            for name, label, dashes, colour in (
                ("loading_threshold", f"IR drop {drop}, whole current", "--", COLOURS[1]),
                ("even_loading_threshold", f"IR drop {drop}, even reaction", "-.", COLOURS[1]),
                ("salt_limited_loading", "salt runs out", ":", COLOURS[3]),
            ):
                line = 100.0 * dataset[name].to_numpy()
                if np.isfinite(line).any() and (line < loadings.max()).any():
                    panels[1].plot(rates, line, dashes, color=colour, linewidth=1.8, label=label)
            if np.nanmin(kept) < USUAL_KEPT < np.nanmax(kept):
                panels[1].contour(rates, loadings, kept, levels=[USUAL_KEPT], colors="white", linewidths=1.2)
                panels[1].plot([], [], color="white", label=f"{USUAL_KEPT} % kept")
            panels[1].set_xscale("log")
            logarithmic(panels[1].xaxis, rates)
            panels[1].set_ylim(loadings.min(), loadings.max())
            panels[1].set_xlabel("C-rate")
            panels[1].set_ylabel("Loading, mg cm⁻²")
            panels[1].legend(
                loc="lower left", labelcolor="white", facecolor="0.25", edgecolor="none", frameon=True, framealpha=0.8
            )
            figure.colorbar(filled, ax=panels[1], label="Capacity kept, %")
        else:
            # where the closed form says that the ohmic drop sets in, for each loading
            for number, loading in enumerate(loadings):
                if threshold.min() < loading < threshold.max():
                    at = np.exp(np.interp(-np.log(loading), -np.log(threshold), np.log(rates)))
                    panels[0].axvline(
                        at, color=colours[number], linestyle=":", linewidth=1.2,
                        label=f"closed-form threshold, {at:.2g}C",
                    )  # fmt: skip
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, title="Loading")
    return figure


def draw_sensitivity(rows: Sequence[Mapping[str, Any]], base: float) -> Figure:
    """Draw how a capacity changes when one parameter at a time is scaled.

    Parameters
    ----------
    rows : sequence of mapping
        ``name``, ``factor`` (two rows for each name), ``capacity_mAh_g``.
    base : float
        Capacity with all parameters as they are, mAh/g.
    """
    names = list(dict.fromkeys(str(row["name"]) for row in rows))
    reach = {n: max(abs(r["capacity_mAh_g"] - base) for r in rows if r["name"] == n) for n in names}
    names.sort(key=lambda name: reach[name])
    with style():
        figure = Figure(figsize=(0.8 * PAGE, 0.9 + 0.24 * len(names)), layout="constrained")
        axes = figure.subplots()
        factors = sorted({float(row["factor"]) for row in rows})
        for number, factor in enumerate(factors):
            values = {row["name"]: row["capacity_mAh_g"] for row in rows if row["factor"] == factor}
            heights = [i for i, name in enumerate(names) if name in values]
            axes.barh(
                heights, [values[names[i]] - base for i in heights], left=base, height=0.6,
                color=COLOURS[number % len(COLOURS)], label=f"times {factor:g}",
            )  # fmt: skip
        axes.axvline(base, color="0.2", linewidth=0.8)
        axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
        axes.set_xlabel("Discharge capacity, mAh g⁻¹")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(factors))
    return figure


def draw_resistances(models: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the contributions to the cell's resistance of several models as stacked bars, ohm cm2."""
    with style():
        figure = Figure(figsize=(0.8 * PAGE, 0.9 + 0.35 * len(models)), layout="constrained")
        axes = figure.subplots()
        names = list(models)
        left = np.zeros(len(names))
        for part, colour in PART_COLOURS.items():
            values = np.array([max(0.0, models[name].get(part, 0.0)) for name in names])
            if values.max(initial=0.0) > 0.0:
                axes.barh(names, values, left=left, color=colour, height=0.6, label=SPLIT[part])
                left += values
        for number, total in enumerate(left):
            axes.text(total, number, f" {total:.3g}", va="center", fontsize=7)
        axes.set_xlim(right=1.1 * max(float(left.max(initial=0.0)), 1e-9))
        axes.invert_yaxis()
        axes.set_xlabel("Resistance at half discharge, Ω cm²")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
