"""The notation of circuits: ``R0-p(R1,CPE1)-W2``, with ``-`` in series and ``p(,)`` in parallel."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from ...errors import MeasurementError
from ...units import nearest
from .circuit import Circuit, Node
from .elements import ELEMENTS, Parameter

LONGEST, MOST_ELEMENTS, DEEPEST = 400, 16, 8
"""Limits: characters of a circuit, elements in it, nested parentheses."""
_TOKEN = re.compile(r"\s*(p\s*\(|[A-Za-z]+\d*|[-,)])")
EXAMPLE = "R0-p(R1,CPE1)-CPE2"


@lru_cache(maxsize=256)
def parse_circuit(text: str) -> Circuit:
    """Read a circuit such as ``R0-p(R1,CPE1)-W2``.

    Raises
    ------
    MeasurementError
        Not a circuit; the message says where and shows one.
    """
    if len(text) > LONGEST:
        msg = f"circuit: has {len(text)} characters, the limit is {LONGEST}; write for example {EXAMPLE}"
        raise MeasurementError(msg)
    tokens: list[tuple[str, int]] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise _refused(
                text, f'"{text[at:].strip()[0]}" at character {len(text) - len(text[at:].lstrip()) + 1} is not allowed'
            )
        tokens.append((re.sub(r"\s", "", match[1]), match.start(1) + 1))
        at = match.end()
    if not tokens:
        raise _refused(text, "it is empty")
    reader = _Reader(text, tokens)
    root = reader.series(0)
    if reader.at < len(tokens):
        token, place = tokens[reader.at]
        raise _refused(text, f'"{token}" at character {place} is not expected')
    return Circuit(root, tuple(reader.names), tuple(reader.parameters))


def _refused(text: str, reason: str) -> MeasurementError:
    msg = (
        f'circuit: "{text}" is not a circuit: {reason}; write for example {EXAMPLE}, with the elements '
        f"{', '.join(ELEMENTS)}"
    )
    return MeasurementError(msg)


@dataclass
class _Reader:
    """A recursive-descent parser: a series of parts, each an element or a parenthesis of series."""

    text: str
    tokens: list[tuple[str, int]]
    at: int = 0
    names: list[str] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def series(self, depth: int) -> Node:
        start = len(self.names)
        parts = [self.part(depth)]
        while self.peek() == "-":
            self.at += 1
            parts.append(self.part(depth))
        return parts[0] if len(parts) == 1 else Node("series", "", tuple(parts), slice(start, len(self.names)))

    def part(self, depth: int) -> Node:
        if self.at >= len(self.tokens):
            raise _refused(self.text, "an element is missing at the end")
        token, place = self.tokens[self.at]
        self.at += 1
        if token == "p(":
            return self.parallel(depth, place)
        if not token[0].isalpha():
            raise _refused(self.text, f'an element is expected at character {place}, not "{token}"')
        return self.element(token)

    def parallel(self, depth: int, place: int) -> Node:
        if depth >= DEEPEST:
            raise _refused(self.text, f"more than {DEEPEST} parentheses are nested")
        start = len(self.names)
        parts = [self.series(depth + 1)]
        while self.peek() == ",":
            self.at += 1
            parts.append(self.series(depth + 1))
        if self.peek() != ")":
            raise _refused(self.text, f"the parenthesis at character {place + 1} is not closed")
        self.at += 1
        if len(parts) < 2:
            raise _refused(
                self.text, f"the parenthesis at character {place + 1} has one branch; parallel needs two or more"
            )
        return Node("parallel", "", tuple(parts), slice(start, len(self.names)))

    def element(self, name: str) -> Node:
        kind = name.rstrip("0123456789")
        if kind not in ELEMENTS:
            close = nearest(kind, list(ELEMENTS))
            hint = f", did you mean {close}?" if close else ""
            raise _refused(self.text, f'"{kind}" is not an element{hint}')
        if name in self.seen:
            raise _refused(self.text, f'"{name}" occurs twice; number the elements')
        if len(self.seen) >= MOST_ELEMENTS:
            raise _refused(self.text, f"it has more than {MOST_ELEMENTS} elements")
        self.seen.append(name)
        start = len(self.names)
        parameters = ELEMENTS[kind].parameters
        for parameter in parameters:
            self.names.append(name if len(parameters) == 1 else f"{name}_{parameter.name}")
            self.parameters.append(parameter)
        return Node(kind, name, (), slice(start, len(self.names)))
