"""Initial values of a fit, from the scales of the spectrum itself."""

import numpy as np

from .circuit import Circuit, Node
from .elements import Complex, Floats

BEYOND = 0.3
"""Decades beyond the spectrum within which the top of an arc may start."""


def initial_values(circuit: Circuit, frequency: Floats, impedance: Complex) -> Floats:
    """Sets of parameters with the scales of the spectrum, shape (b, p): the same for the same spectrum."""
    size = np.abs(impedance)
    least = float(np.clip(impedance.real.min(), 0.02 * size.min(), None))
    log_of = np.log(2.0 * np.pi * frequency)
    falling = np.argsort(-log_of, kind="stable")
    fast, slow = float(log_of.max()), float(log_of.min())
    beyond = BEYOND * np.log(10.0)
    count = 16 + 5 * len(circuit.names)
    # low discrepancy (additive recurrence on the generalised golden ratio): no generator, no seed
    groups = _groups(circuit.root)
    dimensions = 3 * len(groups)
    ratio = 2.0
    for _ in range(30):
        ratio = (1.0 + ratio) ** (1.0 / (dimensions + 1.0))
    draws = np.modf(0.5 + np.outer(np.arange(1, count + 1), ratio ** -np.arange(1.0, dimensions + 1.0)))[0]
    theta = np.empty((count, len(circuit.names)))
    timed = [group for group, in_parallel in groups if in_parallel or any(element.kind[0] in "WT" for element in group)]
    for number, (group, in_parallel) in enumerate(groups):
        first, second, third = draws[:, 3 * number : 3 * number + 3].T
        if group in timed:
            # in order, the fastest first, each with its share of the decades; the shares overlap
            place = timed.index(group)
            first = (place + 1.6 * first - 0.3) / len(timed)
        log_omega = np.clip(fast + (slow - fast) * first, slow - beyond, fast + beyond)
        near = np.interp(-log_omega, -log_of[falling], np.log(size)[falling])
        resistance = near + 0.35 - 4.0 * second**2
        for element in group:
            theta[:, element.place] = _start_of(
                element.kind, in_parallel, log_omega, resistance, near, third, least, fast
            )
    return theta


def _start_of(
    kind: str, in_parallel: bool, log_omega: Floats, resistance: Floats, near: Floats, third: Floats, least: float,
    fast: float,
) -> Floats:  # fmt: skip
    alpha = 0.65 + 0.35 * third
    if kind == "R":
        return (resistance if in_parallel else np.log(least) - 2.0 * third**2)[:, None]
    size = resistance if in_parallel else near
    if kind == "C":
        return (-size - log_omega)[:, None]
    if kind == "L":
        return (near - fast - 4.0 * third)[:, None]
    if kind == "CPE":
        return np.column_stack([-size - alpha * log_omega, alpha])
    if kind == "W":
        return (near + 0.5 * log_omega - 1.0 * third)[:, None]
    if kind in ("Ws", "Wo"):
        return np.column_stack([resistance, -log_omega])
    if kind == "TL":
        return np.column_stack([resistance, -resistance - alpha * log_omega, alpha])
    return np.column_stack([resistance, resistance + 2.0 * third - 1.0, -resistance - alpha * log_omega, alpha])


def _groups(node: Node, *, in_parallel: bool = False) -> list[tuple[list[Node], bool]]:
    """Elements that share a time constant, in order, and whether they are in parallel."""
    if node.kind == "series":
        return [group for child in node.children for group in _groups(child, in_parallel=in_parallel)]
    if node.kind == "parallel":
        own = [child for child in node.children if not child.children]
        deeper = [group for child in node.children if child.children for group in _groups(child, in_parallel=True)]
        return ([(own, True)] if own else []) + deeper
    return [([node], in_parallel)]
