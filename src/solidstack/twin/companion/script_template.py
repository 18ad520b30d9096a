"""Text of the script that `solidstack.twin.companion.script` fills in."""

TEMPLATE = '''"""{name}: the positive electrode against lithium as a homogeneous medium, in PyBaMM.

Written by solidstack {version}; effective properties: {source}. SI units throughout, per m2 of electrode.
It needs PyBaMM 26.10 or newer and writes a CSV file: python SCRIPT [CURVE.csv]
"""

import csv
import os
import sys

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

import numpy as np
import pybamm

# Of the active material, over its lithium stoichiometry (1: full)
{tables}

VALUES = {values}

# place, number of the step, current (positive discharges; None: hold), voltage of a hold, longest duration,
# lowest and highest voltage, least current, most charge, and what of the charge is lithium that goes back in: in the
# first charge, the active material counts for more (its inverse), of which the rest is lost
ACTIONS = {actions}

OPTIONS = {options}
{film}
SALT = {salt}
FILM = {has_film}


def curve(x, y):
    return lambda sto: pybamm.Interpolant(np.array(x), np.array(y), sto, interpolator="linear")


def exchange_current_density(_, c, most, __):
    share = parameter("reversible share")
    return {exchange} * share * (c / most) ** {transfer} * (1.0 - c / most) ** (1.0 - {transfer})


def parameter(name):
    return pybamm.InputParameter(name)


def control(variables):
    """Residual that sets the current or the voltage."""
    by_current = parameter("by current")
    current = variables["Current [A]"] - parameter("applied current")
    return by_current * current + (1.0 - by_current) * (variables["Voltage [V]"] - parameter("applied voltage"))


class Conduction(pybamm.electrolyte_conductivity.Full):
    """With a harmonic mean of the conductivity where it jumps, between membrane and electrode."""

    def get_coupled_variables(self, variables):
        temperature, c = variables["Cell temperature [K]"], variables["Electrolyte concentration [mol.m-3]"]
        kappa = self.param.kappa_e(c, temperature) * variables["Electrolyte transport efficiency"]
        by_salt = (kappa * self.param.chiRT_over_Fc(c, temperature)) * pybamm.grad(c)
        current = by_salt - kappa * pybamm.grad(variables["Electrolyte potential [V]"])
        variables.update(self._get_standard_current_variables(current))
        variables.update(self._get_electrolyte_overpotentials(variables))
        return variables


class HalfCell(pybamm.lithium_ion.DFN):
    def set_electrolyte_potential_submodel(self):
        super().set_electrolyte_potential_submodel()
        self.submodels["electrolyte conductivity"] = Conduction(self.param, self.options)

    def set_electrolyte_concentration_submodel(self):
        super().set_electrolyte_concentration_submodel()
        if not SALT:  # only lithium moves
            diffusion = pybamm.electrolyte_diffusion.ConstantConcentration(self.param, self.options)
            self.submodels["electrolyte diffusion"] = diffusion


def build():
    model = HalfCell({{**OPTIONS, "operating mode": control}})
    values = dict(VALUES)
    values["Positive electrode active material volume fraction"] = {active_fraction} / parameter("reversible share")
    values["Positive electrode OCP [V]"] = curve(POTENTIAL_X, POTENTIAL)
    values["Positive particle diffusivity [m2.s-1]"] = {diffusivity}
    values["Positive electrode conductivity [S.m-1]"] = {electronic}
    values["Positive electrode exchange-current density [A.m-2]"] = exchange_current_density
    if SALT:  # an ideal salt: conductivity in proportion to its concentration, diffusivity constant
        per_salt = VALUES["Electrolyte conductivity [S.m-1]"] / VALUES["Initial concentration in electrolyte [mol.m-3]"]
        values["Electrolyte conductivity [S.m-1]"] = lambda c, _: per_salt * c
    if FILM:
        for prefix in ("", "Positive "):
            values[prefix + "Initial SEI thickness [m]"] = 1.0
            values[prefix + "SEI resistivity [Ohm.m]"] = INTERFACE_RESISTANCE / parameter("reversible share")
        values["SEI partial molar volume [m3.mol-1]"] = 1e-5
        values["Ratio of lithium moles to SEI moles"] = 2.0
    values = pybamm.ParameterValues(values)
    voltage, current = model.variables["Voltage [V]"], model.variables["Current [A]"]
    charge = model.variables["Discharge capacity [A.h]"] * 3600.0 - parameter("charge before")
    surface = model.variables["Positive particle surface stoichiometry"]
    nominal = VALUES["Initial concentration in electrolyte [mol.m-3]"]
    salt = model.variables["Electrolyte concentration [mol.m-3]"] / nominal
    model.events = [
        pybamm.Event("lowest voltage", voltage - parameter("lowest voltage")),
        pybamm.Event("highest voltage", parameter("highest voltage") - voltage),
        pybamm.Event("least current", pybamm.AbsoluteValue(current) - parameter("least current")),
        pybamm.Event("most charge", parameter("most charge") - pybamm.AbsoluteValue(charge)),
        pybamm.Event("empty", pybamm.min(surface) - {edge}),
        pybamm.Event("full", 1.0 - {edge} - pybamm.max(surface)),
        pybamm.Event("salt used up", pybamm.min(salt) - parameter("least salt")),
    ]
    geometry = model.default_geometry
    processed = values.process_model(model, inplace=False)
    values.process_geometry(geometry)
    kinds = {{**model.default_submesh_types, "positive electrode": pybamm.Chebyshev1DSubMesh}}
    points = {{"x_n": 1, "x_s": {membrane}, "x_p": {electrode}, "r_n": 1, "r_p": {particle}}}
    mesh = pybamm.Mesh(geometry, kinds, points)
    discretised = pybamm.Discretisation(mesh, model.default_spatial_methods).process_model(processed, inplace=False)
    options = {{"suppress_algebraic_error": FILM, "silence_sundials_errors": True}}
    return discretised, pybamm.IDAKLUSolver(rtol={tolerance}, atol={absolute}, options=options)


def main(path):
    model, solver = build()
    state, charge, index = None, 0.0, 0
    with open(path, "w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["step", "time_s", "current_density_A_m2", "voltage_V"])
        while index < len(ACTIONS):
            where, step, current, voltage, longest, low, high, least, most, share = ACTIONS[index]
            inputs = {{
                "by current": float(current is not None),
                "applied current": current or 0.0,
                "applied voltage": voltage or 0.0,
                "lowest voltage": -1e6 if low is None else low,
                "highest voltage": 1e6 if high is None else high,
                "least current": -1.0 if least is None else least,
                "most charge": 1e12 if most is None else most,
                "charge before": charge,
                "reversible share": share,
                "least salt": -1.0 if current == 0.0 else 1e-3,
            }}
            try:
                state = solver.step(state, model, longest, inputs=inputs, save=False)
                reason = state.termination
            except pybamm.SolverError as error:
                if "non-positive at initial" not in str(error):
                    raise
                reason = "event at the first instant"
            print(where, "ended by:", reason)
            if "first instant" not in reason:
                state.termination = "final time"
                names = ("Current [A]", "Voltage [V]", "Discharge capacity [A.h]")
                i, v, q = (state[name].entries for name in names)
                charge = 3600.0 * q[-1]
                for row in zip(state.t, -i, v):
                    table.writerow([where, *(repr(float(value)) for value in row)])
            index += 1
            if "event" in reason and "least current" not in reason and "most charge" not in reason:
                while index < len(ACTIONS) and ACTIONS[index][1] == step:
                    index += 1  # the rest of a train of pulses


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "curve.csv")
'''
