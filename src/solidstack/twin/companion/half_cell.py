"""The half-cell that PyBaMM solves: built once, integrated from a state until an event or the end of a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import StructureError
from .half_cell_equations import (
    CONTROLS,
    OUTPUTS,
    Model,
    Stop,
    events,
    load_pybamm,
    output_symbols,
    parameter_values,
    pybamm_model,
)
from .scaling import INPUTS, Array, Content, Inputs

LEAST_ROWS = 300
"""Rows of an action that are even in time, at least; see `_refined`."""
INSTANT = 1e-6
"""s; for how long the first instant is looked at."""


@dataclass(frozen=True)
class Mesh:
    """Numbers of finite volumes.

    Attributes
    ----------
    electrode, membrane : int
        Through the thickness. The membrane matters with salt only.
    particle : int
        Along the radius.
    """

    electrode: int = 20
    membrane: int = 10
    particle: int = 20

    def __post_init__(self) -> None:
        for name in ("electrode", "membrane", "particle"):
            value = getattr(self, name)
            if not (isinstance(value, int) and 2 <= value <= 1000):
                msg = f"mesh: {name} is {value}; expected a whole number from 2 to 1000 (20 is usual)"
                raise StructureError(msg)


class NoSolutionError(Exception):
    """PyBaMM found no solution."""


class PassedAtOnceError(NoSolutionError):
    """A limit is already passed at the first instant, so that PyBaMM does not start."""


@dataclass(frozen=True)
class Section:
    """What an integration gave.

    Attributes
    ----------
    state : object
        PyBaMM's, at the end.
    time : array, shape (n,)
        s, from the start of the protocol.
    rows : mapping of str to array, shape (n,)
        By the names of `OUTPUTS`.
    stop : Stop or None
        None: it went to the end of its time.
    """

    state: Any
    time: Array
    rows: Mapping[str, Array]
    stop: Stop | None


class HalfCell:
    """A discretised PyBaMM model with everything but the geometry and the curves as inputs.

    Parameters
    ----------
    model : str
        DFN or SPMe.
    mesh : Mesh
    tolerance : float
        Relative, of the integration in time.
    content : Content
    """

    def __init__(self, model: Model, mesh: Mesh, tolerance: float, content: Content) -> None:
        pybamm = load_pybamm()
        source = pybamm_model(model, content)
        inputs = {name: pybamm.InputParameter(name) for name in INPUTS}
        values = pybamm.ParameterValues(parameter_values(content, inputs))
        outputs = output_symbols(source)
        source.events = events(outputs)
        processed = values.process_model(source, inplace=False)
        geometry = source.default_geometry
        values.process_geometry(geometry)
        points = {"x_n": 1, "x_s": mesh.membrane, "x_p": mesh.electrode, "r_n": 1, "r_p": mesh.particle}
        # finer at the two faces, where the reaction starts and where salt runs out: 20 cells are then as good as 40
        kinds = {**source.default_submesh_types, "positive electrode": pybamm.Chebyshev1DSubMesh}
        grid = pybamm.Mesh(geometry, kinds, points)
        discretisation = pybamm.Discretisation(grid, source.default_spatial_methods)
        self.model = discretisation.process_model(processed, inplace=False)
        # With a film the current of the interface is a state, to resolve which takes thousands of steps; voltages are
        # then right to 0.3 mV, else to 0.1 mV (at 1e-5, against 1e-6).
        self.solver = pybamm.IDAKLUSolver(
            rtol=tolerance,
            atol=(0.1 if content.film else 1.0) * tolerance,
            options={"suppress_algebraic_error": content.film, "silence_sundials_errors": True},
        )
        self._observe = self._function(
            [discretisation.process_symbol(values.process_symbol(outputs[name])) for name in OUTPUTS]
        )

    def _function(self, symbols: list[Any]) -> Callable[[Array, Array, Inputs], Array]:
        """Compile the outputs into one function of the states."""
        import casadi

        size = self.model.len_rhs_and_alg
        names = (*INPUTS, *CONTROLS)
        t, y = casadi.MX.sym("t"), casadi.MX.sym("y", size)
        p = {name: casadi.MX.sym(f"p{number}") for number, name in enumerate(names)}
        rows = casadi.vertcat(*(symbol.to_casadi(t, y, inputs=p) for symbol in symbols))
        function = casadi.Function("outputs", [t, y, casadi.vertcat(*p.values())], [rows])

        def observe(times: Array, states: Array, inputs: Inputs) -> Array:
            stacked = np.array([inputs[name] for name in names])
            values = function(times[None, :], states, np.repeat(stacked[:, None], times.size, axis=1))
            return np.asarray(values.full())

        return observe

    def advance(self, state: Any, inputs: Inputs, duration: float, interval: float | None = None) -> Section:
        """Integrate from a state until an event or to the end, and observe the outputs.

        Parameters
        ----------
        state : object or None
            `Section.state`; None: the start.
        inputs : dict of str to float
            By the names of `INPUTS` and `CONTROLS`.
        duration : float
            s.
        interval : float, optional
            Longest between two rows, s.

        Raises
        ------
        PassedAtOnceError
            A limit is passed at the first instant.
        NoSolutionError
            PyBaMM finds no solution.
        """
        solution = self.moved(state, inputs, duration)
        stop = STOPS.get(solution.termination)
        # a state at which an event was found is not stepped on otherwise
        solution.termination = "final time"
        times, states = _refined(solution, interval)
        rows = dict(zip(OUTPUTS, self._observe(times, states, inputs), strict=True))
        return Section(solution, times, rows, stop)

    def moved(self, state: Any, inputs: Inputs, duration: float) -> Any:
        """Integrate as `advance` does, but return only the state, with PyBaMM's name of its end."""
        try:
            return self.solver.step(state, self.model, duration, inputs=inputs, save=False)
        except load_pybamm().SolverError as error:
            raise _typed(error) from error


STOPS = {f"event: {stop.value}": stop for stop in Stop}
"""By what PyBaMM calls the end of a solution."""


def _typed(error: Exception) -> NoSolutionError:
    """Return the error that PyBaMM means.

    PyBaMM (26.10) has one type of error for all failures of a solver. A limit that is passed at the first instant is
    told from the rest only by its message, which PyBaMM itself searches for these words (`pybamm.Simulation.solve`).
    """
    text = str(error)
    return PassedAtOnceError(text) if "non-positive at initial" in text else NoSolutionError(text)


def _refined(solution: Any, interval: float | None = None) -> tuple[Array, Array]:
    """Times and states of a solution; within long steps, states on the cubics through values and slopes.

    The integrator takes long steps where all is smooth, too long for an energy by the trapezoidal rule: the mean
    voltage of a discharge came out 12 mV off.
    """
    times = np.asarray(solution.t, dtype=float)
    states = solution.y.full() if hasattr(solution.y, "full") else np.asarray(solution.y)
    width = np.diff(times)
    longest = max(float(times[-1] - times[0]), INSTANT) / LEAST_ROWS
    shares = np.ceil(width / (longest if interval is None else min(interval, longest))).astype(int)
    if times.size < 2 or solution.all_yps is None or solution.all_yps[0] is None or shares.max() < 2:
        return times, states
    slopes = np.concatenate([np.asarray(values) for values in solution.all_yps], axis=1)
    if slopes.shape != states.shape:
        return times, states
    shares = np.maximum(shares, 1)
    index = np.repeat(np.arange(shares.size), shares)
    first = np.repeat(np.cumsum(shares) - shares, shares)
    u = (np.arange(index.size) - first) / shares[index]
    between = (
        states[:, index] * ((1.0 + 2.0 * u) * (1.0 - u) ** 2)
        + slopes[:, index] * (width[index] * u * (1.0 - u) ** 2)
        + states[:, index + 1] * (u**2 * (3.0 - 2.0 * u))
        + slopes[:, index + 1] * (width[index] * u**2 * (u - 1.0))
    )
    return np.append(times[index] + width[index] * u, times[-1]), np.append(between, states[:, -1:], axis=1)
