r"""Charge and discharge of a structure: lithium, electrons and ions on every voxel, against a lithium electrode.

.. math::

    \partial_t c = \nabla \cdot (D \nabla c), \quad \nabla \cdot (\sigma \nabla \varphi_s) = 0, \quad
    \nabla \cdot i_e = 0, \quad i_e = -\kappa \nabla \varphi_e + 2 \kappa (RT/F) (1 - t_+) \chi \nabla \ln c_e

in the active material, in it and the additive, and in the solid electrolyte; with Butler-Volmer kinetics on the
area-weighted faces between them, a membrane and a lithium plane before the first plane of x and the collector behind
the last one. Time is stepped by the second-order backward formula with steps that adapt; the steps that a protocol's
limits end are shortened until they end there.

Sources: Newman and Thomas-Alyea, Electrochemical Systems (2004), chapters 8, 12 and 22;
`solidstack.kernels.electrochemistry.voxel` for the discretisation.
"""

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from typing import Protocol as Interface
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ...design import Action, Design, Protocol, default_protocol, following
from ...electrode import rated_one_c
from ...errors import DesignError, OutputError, SolverError, StructureError
from ...files import write_with
from ...kinetics import CellParameters, cell_parameters
from ...version import __version__
from ..memory import require_memory
from ..results import SPLIT, Run, Step
from ..structure.voxels import Structure
from .domain import Domain, prepare
from .equations import Equations, Outcome
from .fields import Snapshot

Progress = Callable[[str, float], None]

BYTES_PER_VOXEL = 200.0
"""What a run takes beside the structure; the provenance of a run says what it took."""
CONTENT_ACCURACY = 4e-3
"""Distance of the contents (root mean square) from their extrapolation that a time step may have."""
VOLTAGE_ACCURACY = 20e-3
"""V, likewise for the voltage."""
FIRST_STEP = 2e-5
"""Of the stoichiometry, at the current's start or change."""
LARGEST_STEP = 0.02
"""Of the stoichiometry."""
FIRST_REST = 1e-2
"""s, first step of a rest or a hold."""
GROWTH = 2.0
LEAST_STEP = 1e-7
"""s."""
EVENT_ACCURACY = 2e-4
"""V, at a voltage limit."""
CURRENT_ACCURACY = 0.01
"""Relative, at a current limit."""
CAPACITY_ACCURACY = 1e-5
"""Relative, at the capacity limit of a hold."""
LEAST_CURRENT = 1e-3
"""C-rate to which what is left over of the equations is related at less current."""
DEPLETED = 0.02
"""Relative concentration of the salt at which a step that fails is called depletion."""
MOST_VOLTAGE = 10.0
"""V, beyond which a step that no voltage ends is ended: nothing of the cell is described there."""
CHECKPOINT_SECONDS = 30.0
MOST_STEPS = 20_000
"""Time steps of one step of a protocol."""


class FieldTaker(Interface):
    """What wants to see the state at chosen times; `solidstack.twin.electrochemistry.fields.Fields` is one."""

    def wanted(self, time: float, *, ended: bool) -> bool:
        """Whether the state at a time is wanted."""

    def take(self, snapshot: Snapshot) -> None:
        """Keep a state."""


def discharge(
    structure: Structure,
    design: Design | None = None,
    *,
    protocol: Protocol | None = None,
    parameters: CellParameters | None = None,
    contact: NDArray[np.bool_] | None = None,
    initial_stoichiometry: float | None = None,
    device: str = "auto",
    accuracy: float = 1.0,
    checkpoint: str | os.PathLike[str] | None = None,
    fields: FieldTaker | None = None,
    progress: Progress | None = None,
) -> Run:
    """Charge and discharge a structure.

    Parameters
    ----------
    structure : Structure
        Its phases have roles; active materials are named as in the design, or there is one of each.
    design : Design, optional
        Materials, temperature, membrane and rate; default: the one that the structure was built from.
    protocol : Protocol, optional
        Default: the design's, else a charge at C/10 and a discharge at C/5 between the usual voltages.
    parameters : CellParameters, optional
        Default: those of the design.
    contact : array of bool, shape of the structure, optional
        False where a voxel has lost its contact: none of its faces reacts.
    initial_stoichiometry : float, optional
        Default: as made.
    device : str
        auto (CUDA where there is a device, else the CPU), cpu or cuda.
    accuracy : float
        Factor on the allowed error of a time step, 0.01 to 10; less takes more steps.
    checkpoint : path, optional
        File that the state is written to, every half minute and after each step of the protocol. Where it exists and
        belongs to the same run, the run goes on from it, and to the same result.
    fields : FieldTaker, optional
        See `solidstack.twin.electrochemistry.fields.Fields`.
    progress : callable, optional
        Is told in words what is done, and the share of the protocol's steps that is.

    Returns
    -------
    Run
        With the outcome in words: a step of time that could not be solved, or depleted salt, ends the run and keeps
        what was found.

    Raises
    ------
    StructureError
        No active material, no electrolyte, too little memory, no design.
    DesignError
        A cut-off outside of the potential of the active material.
    SolverError
        The very first time step could not be solved.
    OutputError
        The checkpoint cannot be written, or belongs to another run.
    """
    if design is None:
        design = design_of(structure)
    given = cell_parameters(design) if parameters is None else parameters
    plan = protocol or design.protocol or default_protocol(given.voltage_window)
    actions = plan.actions()
    check_limits(actions, given)
    if not 0.01 <= accuracy <= 10.0:
        msg = f"accuracy: {accuracy:g} is out of bounds: 0.01 to 10 (1 is usual; less takes more time steps)"
        raise StructureError(msg)
    require_memory(BYTES_PER_VOXEL, structure.shape, "Charge and discharge")
    loops, where = loops_for(device)
    begun = time.perf_counter()
    domain = prepare(structure, given, contact=contact)
    temperature = actions[0].temperature or given.temperature
    one_c = float(np.asarray(rated_one_c(design)))
    start = {
        name: initial_stoichiometry if initial_stoichiometry is not None else material.as_made_stoichiometry
        for name, material in _active(domain, given).items()
    }
    check_start(start, given)
    course = _Course(
        domain, given, loops, actions, temperature, one_c, start, accuracy, fields, progress,
        None if checkpoint is None else Path(checkpoint),
    )  # fmt: skip
    run = course.run()
    notes = {
        "version": __version__,
        "design": design.name,
        "fingerprint": design.fingerprint(),
        "structure": {key: value for key, value in structure.provenance.items() if key != "inputs"},
        "voxels": int(structure.labels.size),
        "device": where,
        "seconds": time.perf_counter() - begun,
        "time_steps": course.count,
        "newton_iterations": course.newton,
        "linear_iterations": course.linear,
        "bytes_per_voxel": course.bytes / structure.labels.size,
        "inactive": dict(domain.reasons),
        "interface_m2_per_m3": domain.interface,
        "warnings": list(given.warnings),
        "parameters": [
            {"what": row.what, "value": row.text, "quality": row.quality, "source": row.source} for row in given.sources
        ],
        "protocol": plan.model_dump(mode="json", exclude_none=True),
    }
    return Run(**{**run.__dict__, "provenance": notes})


def design_of(structure: Structure) -> Design:
    """Give the design that a structure was built from.

    Raises
    ------
    StructureError
        It was not built from one, or by an older version.
    """
    inputs = structure.provenance.get("inputs")
    if not isinstance(inputs, Mapping):
        msg = "does not say which design it was built from; give the design, which has the materials and conditions"
        raise StructureError(msg)
    return Design.from_dict(dict(inputs), source="the structure's design")


def check_limits(actions: Sequence[Action], given: CellParameters) -> None:
    """Refuse voltages that the potential of the active material never has.

    Raises
    ------
    DesignError
    """
    ranges = []
    for material in given.active.values():
        low, high = material.stoichiometry_range
        at = [float(np.asarray(material.open_circuit_potential(x, given.temperature))) for x in (high, low)]
        ranges.append(at)
    least, most = min(low for low, _ in ranges), max(high for _, high in ranges)
    for action in actions:
        for key, value in (("until.voltage", action.voltage_limit), ("voltage", action.voltage)):
            if value is not None and not least <= value <= most:
                msg = (
                    f"{value:g} V is outside of the open-circuit potential of {' and '.join(given.active)}, "
                    f"{least:.3g} to {most:.3g} V; move the cut-off, or give a wider table in a material file"
                )
                raise DesignError(msg, source=f"protocol, {action.where}.{key}")


def check_start(start: Mapping[str, float], given: CellParameters) -> None:
    """Refuse a stoichiometry at the start that the potential of the active material does not have.

    Raises
    ------
    DesignError
    """
    for name, value in start.items():
        material = given.active.get(name) or next(iter(given.active.values()))
        low, high = material.stoichiometry_range
        if not low <= value <= high:
            msg = (
                f"initial_stoichiometry: {value:g} is outside of {low:.4g} to {high:.4g}, where the open-circuit "
                f"potential of {material.name} is known; give one inside"
            )
            raise DesignError(msg)


def loops_for(device: str) -> tuple[ModuleType, str]:
    """Loops of charge and discharge for a device."""
    from ...kernels.electrochemistry import cpu as coupled_cpu

    if device not in ("auto", "cpu", "cuda"):
        msg = f'device: "{device}" is unknown; known are auto, cpu, cuda'
        raise StructureError(msg)
    if device != "cpu":
        from ...kernels.conduction import cuda

        if cuda.is_available():
            from ...kernels.electrochemistry import cuda as coupled_cuda  # type: ignore[attr-defined,unused-ignore]

            return coupled_cuda, "cuda"
        if device == "cuda":
            msg = (
                "device: no CUDA device is found; take device cpu, or install the driver and "
                '`pip install "solidstack[gpu]"`'
            )
            raise StructureError(msg)
    return coupled_cpu, "cpu"


def _active(domain: Domain, given: CellParameters) -> dict[str, Any]:
    names = [name for name in domain.structure.with_role("active-material") if name in domain.materials]
    return {name: given.active.get(name) or next(iter(given.active.values())) for name in names}


@dataclass
class _Row:
    time: float
    voltage: float
    current: float
    passed: float
    stoichiometry: float
    temperature: float
    split: dict[str, float]
    contents: NDArray[np.float64]
    reaction: NDArray[np.float64]


class _Course:
    """A protocol under way."""

    def __init__(
        self,
        domain: Domain,
        given: CellParameters,
        loops: ModuleType,
        actions: Sequence[Action],
        temperature: float,
        one_c: float,
        start: Mapping[str, float],
        accuracy: float,
        fields: FieldTaker | None,
        progress: Progress | None,
        checkpoint: Path | None,
    ) -> None:
        self.domain, self.given, self.actions, self.one_c = domain, given, actions, one_c
        self.accuracy, self.fields, self.progress, self.checkpoint = accuracy, fields, progress, checkpoint
        self.equations = Equations(domain, given, loops, temperature)
        self.equations.start(start)
        self.active = _active(domain, given)
        self.loading = domain.active_loading
        self.least = LEAST_CURRENT * one_c * self.loading
        self.sites = self._sites()
        """Charge of all sites that take part, per area, A s/m2."""
        self.rows: list[_Row] = []
        self.steps: list[Step] = []
        self.index = 0
        self.first = 0
        self.now = self.passed = self.passed_before = self.absolute = 0.0
        self.at_start = (0.0, 0.0)
        self.last: float | None = None
        self.next: float = 0.0
        self.count = self.newton = self.linear = 0
        self.outcome = "complete"
        self.errors = {"lithium": 0.0, "current": 0.0}
        self.lithium = self.equations.charge(self.equations.contents()[0]) if self.sites else 0.0
        self.spent = 0.0
        self.wrote = time.perf_counter()

    @property
    def bytes(self) -> int:
        """All arrays of the run."""
        e = self.equations
        arrays = [e.x, e.x1, e.x2, e.phi, e.phi1, e.phi2, e.s, e.sigma, e.j0, e.kind, *e.areas]
        return e.solver.bytes + sum(int(array.nbytes) for array in arrays)

    def _sites(self) -> float:
        return self.equations.charge(dict.fromkeys(self.equations.contents()[0], 1.0))

    def run(self) -> Run:
        """Run all actions, or go on from the checkpoint."""
        if self.sites == 0.0:
            return self._disconnected()
        key = self._key()
        if self.checkpoint is not None and self.checkpoint.exists():
            self._resume(key)
        else:
            self._save(key)  # a place that cannot be written is said before the work is done
        while self.index < len(self.actions):
            action = self.actions[self.index]
            begun = time.perf_counter()
            self.spent = self.spent if self.last is not None or len(self.rows) > self.first else 0.0
            reason, at_voltage, stop = self._act(action, key, begun)
            self._finish(action, reason, self.spent + time.perf_counter() - begun)
            if stop:
                self.outcome = f"{action.kind} ({action.where}): {reason}"
                break
            self.index = following(self.actions, self.index, at_voltage=at_voltage)
            self.first = len(self.rows)
            self.last, self.spent = None, 0.0
            self._save(key)
        return self._result()

    def _act(self, action: Action, key: str, begun: float) -> tuple[str, bool, bool]:
        """Run one action: in words why it ended, whether at its voltage, and whether the run ends with it."""
        e = self.equations
        temperature = action.temperature or self.given.temperature
        if temperature != e.temperature:
            e.set_temperature(temperature)
        current = None
        if action.kind == "rest":
            current = 0.0
        elif action.rate is not None:
            current = action.sign * action.rate.current_density(self.loading, self.one_c)
        fresh = self.last is None and len(self.rows) == self.first
        if fresh:
            self.at_start = (self.now, self.passed)
            self.next = self._first_step(current)
        for _ in range(MOST_STEPS):
            time_left = math.inf if action.time_limit is None else action.time_limit - (self.now - self.at_start[0])
            if time_left <= 1e-9 * max(1.0, action.time_limit or 0.0):
                return action.ended("time"), False, False
            step = min(self.next, time_left)
            to_capacity = math.inf
            if action.capacity_limit is not None and current:
                left = action.capacity_limit * self.loading - abs(self.passed - self.at_start[1])
                if left <= 1e-9 * action.capacity_limit * self.loading:
                    return action.ended("capacity"), False, False
                to_capacity = left / abs(current)
                step = min(step, to_capacity)
            if step < self.next and time_left < math.inf and 0.3 * time_left < time_left - step < step:
                step = 0.5 * time_left
            step, outcome = self._step(step, current, action.voltage)
            if outcome is None:
                return self._failure(current)
            beyond = self._beyond(action, outcome)
            if beyond is not None and beyond >= 0.0:
                if len(self.rows) == self.first:
                    if action.kind == "hold":
                        self._accept(step, outcome)
                        return action.ended("current"), False, False
                    return action.already_beyond(e.plate), True, False
                step, outcome = self._locate(action, step, outcome, current)
                if outcome is None:
                    return self._failure(current)
                self._accept(step, outcome)
                return (action.ended("current"), False, False) if action.kind == "hold" else (
                    action.ended("voltage"), True, False)  # fmt: skip
            if action.capacity_limit is not None and not current:
                step, outcome = self._to_capacity(action, step, outcome)
                if outcome is None:
                    return self._failure(current)
            used = self._error(step)
            self._accept(step, outcome)
            if not abs(self.rows[-1].voltage) <= MOST_VOLTAGE:
                return self._failure(current)
            if action.capacity_limit is not None and not current:
                moved = abs(self.passed - self.at_start[1]) / self.loading
                if moved >= (1.0 - CAPACITY_ACCURACY) * action.capacity_limit:
                    return action.ended("capacity"), False, False
            if step >= to_capacity:
                return action.ended("capacity"), False, False
            growth = min(GROWTH, max(0.3, 0.9 / math.sqrt(max(used, 1e-6))))
            self.next = min(step * growth, self._largest_step(outcome.current))
            self._tell(action)
            if time.perf_counter() - self.wrote > CHECKPOINT_SECONDS and self.checkpoint is not None:
                self.spent += time.perf_counter() - begun
                begun = time.perf_counter()
                self._save(key)
        return f"not ended after {MOST_STEPS} time steps; raise the accuracy's factor or shorten the step", False, True

    def _first_step(self, current: float | None) -> float:
        if not current:
            return FIRST_REST
        return FIRST_STEP * self.sites / abs(current)

    def _largest_step(self, current: float) -> float:
        return LARGEST_STEP * math.sqrt(self.accuracy) * self.sites / max(abs(current), self.least)

    def _beyond(self, action: Action, outcome: Outcome) -> float | None:
        """How far the state is beyond the limit that ends the action: V, or a ratio; None without one."""
        if action.voltage_limit is not None:
            return action.sign * (self.equations.plate - action.voltage_limit)
        if action.current_limit is not None:
            limit = action.current_limit.current_density(self.loading, self.one_c)
            return math.log(limit / max(abs(outcome.interface), 1e-12 * limit))
        return None

    def _weights(self, step: float) -> tuple[tuple[float, float, float], float]:
        """Weights of the backward formula, 1/s, and the ratio to the last step (0: first order, no extrapolation)."""
        if self.last is None:
            return (1.0 / step, -1.0 / step, 0.0), 0.0
        ratio = step / self.last
        return (
            (1.0 + 2.0 * ratio) / (1.0 + ratio) / step,
            -(1.0 + ratio) / step,
            ratio**2 / (1.0 + ratio) / step,
        ), ratio

    def _try(self, step: float, current: float | None, voltage: float | None) -> Outcome:
        weights, ratio = self._weights(step)
        self.equations.predict(ratio)
        found = self.equations.solve(weights, current=current, voltage=voltage, least_current=self.least)
        self.newton += found.newton
        self.linear += found.linear
        return found

    def _step(self, step: float, current: float | None, voltage: float | None) -> tuple[float, Outcome | None]:
        """Solve one time step, with a shorter one where it fails or is not accurate."""
        while step >= LEAST_STEP:
            found = self._try(step, current, voltage)
            if not found.converged:
                step *= 0.25
                continue
            error = self._error(step)
            if error > 4.0 and step > 1e3 * LEAST_STEP and self.last is not None:
                step *= max(0.2, 0.9 / math.sqrt(error))
                continue
            return step, found
        return step, None

    def _error(self, step: float) -> float:
        """Distance of the state from its extrapolation, relative to what is allowed; a step goes with its root."""
        if self.last is None:
            return 1e-6 if len(self.rows) == self.first else 0.25
        e = self.equations
        ratio = step / self.last
        content = e.deviation(ratio) / (CONTENT_ACCURACY * self.accuracy)
        guess = e.plate1 + ratio * (e.plate1 - e.plate2)
        return max(content, abs(e.plate - guess) / (VOLTAGE_ACCURACY * self.accuracy))

    def _locate(
        self, action: Action, step: float, outcome: Outcome, current: float | None
    ) -> tuple[float, Outcome | None]:
        """Find the step at whose end the limit is reached (Illinois variant of the false position)."""
        width = EVENT_ACCURACY if action.kind != "hold" else CURRENT_ACCURACY
        low, high, found = 0.0, step, outcome
        at_high = float(self._beyond(action, outcome) or 0.0)
        row = self.rows[-1]
        at_low = (
            action.sign * (row.voltage - action.voltage_limit)
            if action.voltage_limit is not None
            else math.log(self._limit(action) / max(abs(row.current), 1e-300))
        )
        side = 0
        for _ in range(12):
            if abs(at_high) <= width or high - low < 1e-6 * step:
                break
            middle = (low * at_high - high * at_low) / (at_high - at_low)
            middle = min(max(middle, low + 0.02 * (high - low)), high - 0.02 * (high - low))
            found = self._try(middle, current, action.voltage)
            if not found.converged:
                return middle, None
            value = float(self._beyond(action, found) or 0.0)
            if abs(value) <= width:
                return middle, found
            if value > 0.0:
                high, at_high = middle, value
                at_low *= 0.5 if side > 0 else 1.0
                side = 1
            else:
                low, at_low = middle, value
                at_high *= 0.5 if side < 0 else 1.0
                side = -1
        return (high, self._try(high, current, action.voltage))

    def _to_capacity(self, action: Action, step: float, outcome: Outcome) -> tuple[float, Outcome | None]:
        """Shorten the step of a hold that goes beyond its capacity limit until it ends there."""
        assert action.capacity_limit is not None
        limit = action.capacity_limit * self.loading
        before = abs(self.passed - self.at_start[1])
        for _ in range(12):
            after = abs(self._passed(step, outcome) - self.at_start[1])
            if after <= (1.0 + CAPACITY_ACCURACY) * limit:
                break
            step *= (limit - before) / (after - before)
            outcome = self._try(step, None, action.voltage)
            if not outcome.converged:
                return step, None
        return step, outcome

    def _passed(self, step: float, outcome: Outcome) -> float:
        """Charge that has passed at the end of a step, by the formula that the contents follow."""
        weights, _ = self._weights(step)
        return (outcome.interface - weights[1] * self.passed - weights[2] * self.passed_before) / weights[0]

    def _limit(self, action: Action) -> float:
        assert action.current_limit is not None
        return action.current_limit.current_density(self.loading, self.one_c)

    def _accept(self, step: float, outcome: Outcome) -> None:
        """Keep the state and a row of it."""
        e = self.equations
        passed = self._passed(step, outcome)
        self.absolute += abs(passed - self.passed)
        self.passed_before, self.passed = self.passed, passed
        self.now += step
        self.count += 1
        contents, _ = e.contents()
        mean, equilibrium = self._mean(contents)
        if self.absolute > 0.0:
            taken = self.lithium - e.charge(contents)
            self.errors["lithium"] = max(self.errors["lithium"], abs(taken - passed) / self.absolute)
        flowing = abs(outcome.current)
        if flowing < self.least:  # a rest: related to what flowed before
            flowing = max([self.least, *(abs(row.current) for row in self.rows)])
        off = abs(outcome.current - outcome.interface) / flowing
        self.errors["current"] = max(self.errors["current"], off)
        planes = self.domain.structure.shape[0]
        self.rows.append(
            _Row(
                self.now,
                e.plate,
                outcome.interface,
                passed,
                mean,
                e.temperature,
                self._split(outcome.interface, equilibrium),
                e.profile()[-planes:],
                e.reactions()[-planes:],
            )
        )
        e.accept()
        self.last = step
        if self.fields is not None and self.fields.wanted(self.now, ended=False):
            self.fields.take(self._snapshot())

    def _mean(self, contents: Mapping[str, float]) -> tuple[float, float]:
        """Mean stoichiometry by charge, and the potential at which all material would be in equilibrium at it."""
        e = self.equations
        charges = {name: e.charge({name: 1.0}) for name in contents}
        total = sum(charges.values())
        mean = sum(charges[name] * value for name, value in contents.items()) / total
        if len(contents) == 1:
            name, value = next(iter(contents.items()))
            return mean, e.equilibrium(name, value)
        return mean, e.joint_equilibrium(contents)

    def _split(self, current: float, equilibrium: float) -> dict[str, float]:
        """Parts of the voltage: power over current, part by part; they sum to it by Tellegen's theorem."""
        found = dict.fromkeys(SPLIT, 0.0)
        found["equilibrium"] = equilibrium
        voltage = self.equations.plate
        if abs(current) < 1e-3 * self.least:
            found["diffusion"] = voltage - equilibrium
            return found
        ionic, membrane, electronic, transfer, diffusion, salt, lithium, potential = (
            self.equations.dissipation() / current
        )
        found["ionic"], found["membrane"], found["electronic"] = float(ionic), float(membrane), float(electronic)
        found["charge_transfer"], found["lithium"], found["concentration"] = (
            float(transfer),
            float(lithium),
            float(salt),
        )
        found["diffusion"] = float(diffusion + potential - equilibrium)
        return found

    def _failure(self, current: float | None) -> tuple[str, bool, bool]:
        """Say why no time step could be solved, and end the run."""
        e = self.equations
        e.predict(0.0)
        _, salt = e.contents()
        if salt < DEPLETED:
            flow, left = abs(current or 0.0), 100.0 * max(salt, 0.0)
            return (
                f"salt depleted (down to {left:.2g} % of its nominal concentration); the limiting current "
                f"is below {flow / 10.0:.3g} mA/cm^2. Lower the current, the loading or the membrane's thickness"
            ), False, True  # fmt: skip
        if not self.rows:
            msg = (
                f"the first time step could not be solved, not even {LEAST_STEP:g} s; "
                f"lower the current, or check the exchange current density and conductivities ([kinetics])"
            )
            raise SolverError(msg)
        if not abs(self.rows[-1].voltage) <= MOST_VOLTAGE:
            return (
                f"the voltage is beyond {MOST_VOLTAGE:g} V; give a voltage limit or lower the current. What was found "
                "before is kept"
            ), False, True  # fmt: skip
        return (
            f"no time step of {LEAST_STEP:g} s or more could be solved; lower the current, or check the exchange "
            f"current density and conductivities ([kinetics]). What was found before is kept"
        ), False, True  # fmt: skip

    def _finish(self, action: Action, reason: str, seconds: float) -> None:
        """Sum up an action."""
        rows = self.rows[self.first :]
        passed = [self.at_start[1], *(row.passed for row in rows)]
        volts = [row.voltage for row in rows[:1] + rows]
        moved = abs(passed[-1] - passed[0])
        energy = abs(float(np.trapezoid(volts, passed))) if rows else 0.0
        if not rows:  # the state is that of before; one row shows it
            self.rows.append(self._still(action))
        self.steps.append(
            Step(
                action.kind,
                action.where,
                self.first,
                len(self.rows) - 1,
                moved / self.loading,
                moved,
                energy,
                energy / moved if moved > 0.0 else math.nan,
                self.now - self.at_start[0],
                reason,
                seconds,
            )
        )
        if self.fields is not None and self.fields.wanted(self.now, ended=True):
            self.fields.take(self._snapshot())

    def _still(self, action: Action) -> _Row:
        """Row of a step in which nothing passed: the voltage of its first instant, which is what ended it."""
        e = self.equations
        voltage = e.plate if action.voltage is None else action.voltage
        e.predict(0.0)
        contents, _ = e.contents()
        mean, equilibrium = self._mean(contents)
        split = {**dict.fromkeys(SPLIT, 0.0), "equilibrium": equilibrium, "diffusion": voltage - equilibrium}
        planes = self.domain.structure.shape[0]
        nothing = np.zeros(planes)
        return _Row(self.now, voltage, 0.0, self.passed, mean, e.temperature, split, e.profile()[-planes:], nothing)

    def _snapshot(self) -> Snapshot:
        return self.equations.snapshot(self.now)

    def _tell(self, action: Action) -> None:
        if self.progress is not None:
            moved = abs(self.passed - self.at_start[1]) / self.loading / 3600.0
            words = f"{action.kind}, {self.equations.plate1:.3f} V, {moved:.1f} mAh/g"
            self.progress(words, self.index / len(self.actions))

    def _disconnected(self) -> Run:
        """All active material is out of reach: no capacity, and said so."""
        reasons = [f"{100 * share:.3g} % has {words}" for words, share in self.domain.reasons.items() if share > 0.0]
        self.outcome = f"the electrode stores no charge: of the active material {', '.join(reasons)}"
        action = self.actions[0]
        split = dict.fromkeys(SPLIT, math.nan)
        planes = self.domain.structure.shape[0]
        empty = np.full(planes, np.nan)
        self.rows = [
            _Row(0.0, math.nan, 0.0, 0.0, math.nan, self.equations.temperature, split, empty, np.zeros(planes))
        ]
        self.steps = [Step(action.kind, action.where, 0, 0, 0.0, 0.0, 0.0, math.nan, 0.0, self.outcome, 0.0)]
        return self._result()

    def _result(self) -> Run:
        rows = self.rows
        starts = np.zeros(len(rows))
        for number, step in enumerate(self.steps):
            before = self.rows[self.steps[number - 1].last].passed if number else 0.0
            starts[step.first : step.last + 1] = before
        passed = np.array([row.passed for row in rows])
        edge, count = self.domain.structure.voxel[0], self.domain.structure.shape[0]
        return Run(
            model="twin",
            time=np.array([row.time for row in rows]),
            voltage=np.array([row.voltage for row in rows]),
            current_density=np.array([row.current for row in rows]),
            capacity=np.abs(passed - starts) / self.loading,
            stoichiometry=np.array([row.stoichiometry for row in rows]),
            temperature=np.array([row.temperature for row in rows]),
            split={name: np.array([row.split[name] for row in rows]) for name in SPLIT},
            steps=tuple(self.steps),
            active_loading=self.loading,
            inactive_fraction=self.domain.inactive_fraction,
            outcome=self.outcome,
            balance=dict(self.errors),
            depth=(np.arange(count, dtype=float) + 0.5) * edge,
            profiles={
                "stoichiometry": np.array([row.contents for row in rows]),
                "reaction": np.array([row.reaction for row in rows]),
            },
        )

    # checkpoint

    def _key(self) -> str:
        """Hash of everything that a run depends on."""
        text = json.dumps(
            [
                __version__,
                repr(self.actions),
                repr(self.given),
                self.one_c,
                self.accuracy,
                self.domain.structure.voxel,
                self.domain.structure.periodic,
                self.lithium,
            ],
            default=str,
        )
        digest = hashlib.sha256(text.encode())
        digest.update(self.domain.kind.tobytes())
        for area in self.domain.areas:
            digest.update(area.tobytes())
        return digest.hexdigest()

    _SCALARS = ("index", "first", "now", "passed", "passed_before", "absolute", "last", "next", "count", "newton",
                "linear", "spent")  # fmt: skip

    def _save(self, key: str) -> None:
        self.wrote = time.perf_counter()
        if self.checkpoint is None:
            return
        e = self.equations
        state = {
            "key": key,
            "scalars": {name: getattr(self, name) for name in self._SCALARS},
            "at_start": self.at_start,
            "errors": self.errors,
            "lithium": self.lithium,
            "plates": (e.plate, e.plate1, e.plate2),
            "temperature": e.temperature,
            "steps": [step.__dict__ for step in self.steps],
            "rows": [{"split": row.split} | {key: getattr(row, key) for key in _ROW} for row in self.rows],
        }
        get = e.loops.get
        arrays = {name: np.asarray(get(getattr(e, name))) for name in ("x1", "x2", "phi1", "phi2")}
        arrays["contents"] = np.array([row.contents for row in self.rows])
        arrays["reaction"] = np.array([row.reaction for row in self.rows])
        text = np.frombuffer(json.dumps(state).encode(), np.uint8)

        def writer(temporary: Path) -> None:
            with temporary.open("wb") as stream:
                np.savez(stream, state=text, **arrays)  # type: ignore[arg-type]

        try:
            write_with(self.checkpoint, writer)
        except OutputError as error:
            reason = error.__cause__
            if not isinstance(reason, OSError):
                raise
            msg = (
                f"the checkpoint cannot be written ({reason.strerror}); make room or name another file, and start the "
                "same command again"
            )
            raise OutputError(msg, source=str(self.checkpoint)) from reason

    def _resume(self, key: str) -> None:
        assert self.checkpoint is not None
        try:
            with self.checkpoint.open("rb") as stream, np.load(stream) as file:
                state = json.loads(bytes(file["state"]).decode())
                found = state["key"]
                arrays = {name: file[name] for name in file.files if name != "state"}
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
            msg = f"is no checkpoint of a run ({error}); remove it, or name another file"
            raise OutputError(msg, source=str(self.checkpoint)) from None
        if found != key:
            msg = (
                "belongs to another structure, design or protocol, or to another version; "
                "remove it to start anew, or name another file"
            )
            raise OutputError(msg, source=str(self.checkpoint))
        e = self.equations
        if state["temperature"] != e.temperature:
            e.set_temperature(state["temperature"])
        for name in ("x1", "x2", "phi1", "phi2"):
            setattr(e, name, e.loops.put(arrays[name]))
        e.plate, e.plate1, e.plate2 = state["plates"]
        for name in self._SCALARS:
            setattr(self, name, state["scalars"][name])
        self.at_start = tuple(state["at_start"])
        self.errors, self.lithium = state["errors"], state["lithium"]
        self.steps = [Step(**step) for step in state["steps"]]
        self.rows = [
            _Row(**row, contents=contents, reaction=reaction)
            for row, contents, reaction in zip(state["rows"], arrays["contents"], arrays["reaction"], strict=True)
        ]


_ROW = ("time", "voltage", "current", "passed", "stoichiometry", "temperature")
