"""Equations of the half-cell in PyBaMM: model, parameter values, outputs, and the events that end an integration."""

import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Literal

from ...errors import StructureError
from ...extras import need
from . import scaling
from .scaling import C0, Array, Content

Model = Literal["DFN", "SPMe"]
MODELS = ("DFN", "SPMe")

LITHIUM_CONDUCTIVITY = 1e10
"""S/m; the lithium has no ohmic drop."""
DEPLETED = 1e-3
"""Salt concentration over the nominal one that counts as depleted."""
FAR = 1e6
"""Stands for no limit."""

CONTROLS = (
    "by current", "applied current", "applied voltage", "lowest voltage", "highest voltage", "least current",
    "most charge", "charge before", "least surface", "most surface", "least salt",
)  # fmt: skip
"""Inputs that an action sets: current or voltage, and the limits that end it."""
FREE = {
    "lowest voltage": -FAR, "highest voltage": FAR, "least current": -1.0, "most charge": FAR * FAR,
    "least surface": -1.0, "most surface": 2.0, "least salt": -1.0,
}  # fmt: skip
"""Controls without a limit."""

OUTPUTS = (
    "voltage", "current", "charge", "stoichiometry", "least surface", "most surface", "salt", "reaction",
    "equilibrium", "host", "electrons", "ions", "electrons at collector", "ions at membrane", "ions at lithium",
    "salt inside", "salt at membrane", "salt at lithium",
)  # fmt: skip
"""Rows of a solution: "host", "electrons", "ions" and "salt inside" (the potential of the host, of electrons and ions,
and the logarithm of the salt concentration) are means over the reaction, the others are what they say."""


class Stop(StrEnum):
    """Event that ends an integration before its time."""

    LOWEST_VOLTAGE = "lowest voltage"
    HIGHEST_VOLTAGE = "highest voltage"
    LEAST_CURRENT = "least current"
    MOST_CHARGE = "most charge"
    EMPTY = "empty"
    FULL = "full"
    DEPLETED = "depleted"


def load_pybamm() -> Any:
    """Import PyBaMM, which then reports nothing to anyone."""
    os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")
    return need("pybamm", "companion")


def controlled(variables: Mapping[str, Any]) -> Any:
    """Residual that sets the current, or the voltage."""
    parameter = load_pybamm().InputParameter
    by_current = parameter("by current")
    current = variables["Current [A]"] - parameter("applied current")
    return by_current * current + (1.0 - by_current) * (variables["Voltage [V]"] - parameter("applied voltage"))


def options(content: Content) -> dict[str, Any]:
    """Options of PyBaMM's models, without the operating mode."""
    chosen: dict[str, Any] = {
        "working electrode": "positive",
        "transport efficiency": "tortuosity factor",
        "contact resistance": "true",
    }
    if content.transfer != 0.5:
        chosen["intercalation kinetics"] = ("symmetric Butler-Volmer", "asymmetric Butler-Volmer")
    if content.film:
        chosen |= {"SEI": ("none", "constant"), "SEI film resistance": "distributed"}
    return chosen


def pybamm_model(model: Model, content: Content) -> Any:
    """Return PyBaMM's half-cell, with current or voltage as `controlled` sets it.

    Raises
    ------
    StructureError
        SPMe and a resistance of the interface.
    """
    pybamm = load_pybamm()
    chosen = options(content) | {"operating mode": controlled}
    if model == "SPMe":
        if content.film:
            msg = "SPMe has no resistance of the interface (kinetics.interface_resistance); choose model DFN"
            raise StructureError(msg)
        return pybamm.lithium_ion.SPMe(chosen)
    conductivity = pybamm.electrolyte_conductivity.Full

    class Conduction(conductivity):  # type: ignore[misc, valid-type]
        """PyBaMM's Ohm's law of the electrolyte, with a sharp edge between membrane and electrode.

        PyBaMM multiplies the conductivity with the sum of the two gradients and then takes its arithmetic mean at the
        edge, where it jumps by an order of magnitude: an error of the first order in the mesh, 10 % of the membrane's
        resistance at 20 cells. With each gradient for itself it takes the harmonic mean, which is right.
        """

        def get_coupled_variables(self, variables: dict[str, Any]) -> dict[str, Any]:
            # not on top of the parent's: PyBaMM may call this twice and hand the current of the first call on
            temperature, c = variables["Cell temperature [K]"], variables["Electrolyte concentration [mol.m-3]"]
            kappa = self.param.kappa_e(c, temperature) * variables["Electrolyte transport efficiency"]
            by_salt = (kappa * self.param.chiRT_over_Fc(c, temperature)) * pybamm.grad(c)
            current = by_salt - kappa * pybamm.grad(variables["Electrolyte potential [V]"])
            variables.update(self._get_standard_current_variables(current))
            variables.update(self._get_electrolyte_overpotentials(variables))
            return variables

    class SolidHalfCell(pybamm.lithium_ion.DFN):  # type: ignore[misc, name-defined]
        def set_electrolyte_potential_submodel(self) -> None:
            super().set_electrolyte_potential_submodel()
            self.submodels["electrolyte conductivity"] = Conduction(self.param, self.options)

        def set_electrolyte_concentration_submodel(self) -> None:
            super().set_electrolyte_concentration_submodel()
            if not content.salt:
                # when only lithium moves, the concentration does not change
                name, diffusion = "electrolyte diffusion", pybamm.electrolyte_diffusion
                self.submodels[name] = diffusion.ConstantConcentration(self.param, self.options)

    return SolidHalfCell(chosen)


def square_metre(temperature: Any, reference: float, capacity: float, resistance: Any) -> dict[str, Any]:
    """Parameter values of a half-cell of 1 m2 that do not depend on its electrode.

    Parameters
    ----------
    temperature : number or symbol
        K.
    reference : float
        Reference temperature, K.
    capacity : float
        Nominal, A h.
    resistance : number or symbol
        In series, ohm.
    """
    return {
        "Ambient temperature [K]": temperature,
        "Initial temperature [K]": temperature,
        "Reference temperature [K]": reference,
        "Electrode height [m]": 1.0,
        "Electrode width [m]": 1.0,
        "Nominal cell capacity [A.h]": capacity,
        "Number of cells connected in series to make a battery": 1.0,
        "Number of electrodes connected in parallel to make a cell": 1.0,
        "Lower voltage cut-off [V]": -FAR,
        "Upper voltage cut-off [V]": FAR,
        "Contact resistance [Ohm]": resistance,
        "Negative electrode thickness [m]": 1e-4,
        "Negative electrode conductivity [S.m-1]": LITHIUM_CONDUCTIVITY,
        "Negative electrode OCP [V]": 0.0,
        "Negative electrode OCP entropic change [V.K-1]": 0.0,
    }


def parameter_values(content: Content, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Parameter values of PyBaMM's models for the built geometry.

    Parameters
    ----------
    content : Content
    inputs : mapping
        Symbols or numbers by the names of `solidstack.twin.companion.scaling.INPUTS`.
    """
    values = square_metre(inputs["temperature"], 298.15, 10.0, inputs["series resistance"]) | {
        "Exchange-current density for lithium metal electrode [A.m-2]": inputs["lithium exchange current density"],
        "Separator thickness [m]": scaling.L0,
        "Separator porosity": inputs["membrane porosity"],
        "Separator tortuosity factor (electrolyte)": inputs["membrane tortuosity"],
        "Electrolyte conductivity [S.m-1]": _conductivity(content, inputs),
        "Electrolyte diffusivity [m2.s-1]": inputs["salt diffusivity"],
        "Cation transference number": inputs["transference number"],
        "Thermodynamic factor": inputs["thermodynamic factor"],
        "Initial concentration in electrolyte [mol.m-3]": C0,
        "Positive electrode thickness [m]": scaling.L0,
        "Positive electrode porosity": inputs["porosity"],
        "Positive electrode tortuosity factor (electrolyte)": inputs["tortuosity"],
        "Positive electrode tortuosity factor (electrode)": inputs["electronic tortuosity"],
        "Positive electrode active material volume fraction": inputs["active fraction"],
        "Positive electrode OCP entropic change [V.K-1]": 0.0,
        "Positive particle radius [m]": scaling.R0,
        "Maximum concentration in positive electrode [mol.m-3]": content.sites,
        "Initial concentration in positive electrode [mol.m-3]": inputs["start"] * content.sites,
    }
    values |= _active_material(content, inputs)
    if content.film:
        values |= film_values(inputs["interface resistance"])
    return values


def _conductivity(content: Content, inputs: Mapping[str, Any]) -> Any:
    """Ionic conductivity: with salt in proportion to its concentration, as an ideal salt's."""
    kappa = inputs["ionic conductivity"]
    return (lambda c, _: kappa * c / C0) if content.salt else kappa


def _active_material(content: Content, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Curves and kinetics of the active material."""
    pybamm = load_pybamm()
    transfer = content.transfer

    def curve(table: tuple[Array, Array] | None, name: str) -> Callable[[Any], Any]:
        if table is None:
            return lambda _: pybamm.Scalar(1.0)
        return lambda sto: pybamm.Interpolant(*table, sto, name=name, interpolator="linear")

    diffusivity, conductivity = curve(content.diffusivity, "diffusivity"), curve(content.conductivity, "conductivity")

    def exchange_current_density(_: Any, c: Any, most: Any, __: Any) -> Any:
        fill = c / most
        return 2.0 * inputs["exchange current density"] * fill**transfer * (1.0 - fill) ** (1.0 - transfer)

    return {
        "Positive electrode conductivity [S.m-1]": (
            lambda sto, _: inputs["electronic conductivity"] + inputs["electronic share"] * conductivity(sto)
        ),
        "Positive electrode OCP [V]": curve(content.potential, "potential"),
        "Positive electrode exchange-current density [A.m-2]": exchange_current_density,
        "Positive electrode Butler-Volmer transfer coefficient": transfer,
        "Positive particle diffusivity [m2.s-1]": lambda sto, _: inputs["diffusivity"] * diffusivity(sto),
    }


def film_values(resistance: Any) -> dict[str, Any]:
    """A film of thickness 1 m, so that its resistivity is the resistance of the interface (ohm m2)."""
    film = {"Initial SEI thickness [m]": 1.0, "SEI resistivity [Ohm.m]": resistance}
    values = {f"{prefix}{name}": value for name, value in film.items() for prefix in ("", "Positive ")}
    return values | {"SEI partial molar volume [m3.mol-1]": 1e-5, "Ratio of lithium moles to SEI moles": 2.0}


def output_symbols(model: Any) -> dict[str, Any]:
    """Return the symbols of `OUTPUTS`."""
    pybamm = load_pybamm()
    variables, positive = model.variables, model.param.p.prim
    temperature = variables["X-averaged cell temperature [K]"]
    stoichiometry = variables["Average positive particle stoichiometry"]
    surface = variables["Positive particle surface stoichiometry"]
    inside, membrane = (variables[f"{name} electrolyte concentration [mol.m-3]"] for name in ("Positive", "Separator"))
    electrons, ions = (variables[f"Positive {name} potential [V]"] for name in ("electrode", "electrolyte"))
    reaction = variables["Positive electrode volumetric interfacial current density [A.m-3]"]
    # a little is added, so that there is a mean at rest as well, of no use as it is
    total = pybamm.x_average(reaction) + 1e-12

    def mean(symbol: Any) -> Any:
        return pybamm.x_average(reaction * symbol) / total

    def at_left(symbol: Any) -> Any:
        # extrapolated to a face, the concentration may be below 0 where the salt has run out
        return pybamm.log(pybamm.maximum(pybamm.boundary_value(symbol, "left"), DEPLETED * C0))

    return {
        "voltage": variables["Voltage [V]"],
        "current": variables["Current [A]"],
        "charge": variables["Discharge capacity [A.h]"] * 3600.0,
        "stoichiometry": stoichiometry,
        "least surface": pybamm.min(surface),
        "most surface": pybamm.max(surface),
        "salt": pybamm.min(variables["Electrolyte concentration [mol.m-3]"] / C0),
        "reaction": scaling.L0 * pybamm.x_average(reaction),
        "equilibrium": positive.U(stoichiometry, temperature),
        "host": mean(variables["Positive electrode open-circuit potential [V]"]),
        "electrons": mean(electrons),
        "ions": mean(ions),
        "electrons at collector": pybamm.boundary_value(electrons, "right"),
        "ions at membrane": pybamm.boundary_value(ions, "left"),
        "ions at lithium": variables["Lithium metal interface electrolyte potential [V]"],
        "salt inside": mean(pybamm.log(inside)),
        "salt at membrane": at_left(inside),
        "salt at lithium": at_left(membrane),
    }


def events(outputs: Mapping[str, Any]) -> list[Any]:
    """Return PyBaMM's events, named by `Stop`: each is passed where its expression falls to 0."""
    pybamm = load_pybamm()
    limit = pybamm.InputParameter
    expressions = {
        Stop.LOWEST_VOLTAGE: outputs["voltage"] - limit("lowest voltage"),
        Stop.HIGHEST_VOLTAGE: limit("highest voltage") - outputs["voltage"],
        Stop.LEAST_CURRENT: pybamm.AbsoluteValue(outputs["current"]) - limit("least current"),
        Stop.MOST_CHARGE: limit("most charge") - pybamm.AbsoluteValue(outputs["charge"] - limit("charge before")),
        Stop.EMPTY: outputs["least surface"] - limit("least surface"),
        Stop.FULL: limit("most surface") - outputs["most surface"],
        Stop.DEPLETED: outputs["salt"] - limit("least salt"),
    }
    return [pybamm.Event(stop.value, expression) for stop, expression in expressions.items()]
