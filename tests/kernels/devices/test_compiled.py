"""Plain functions of one voxel, compiled for a device."""

from types import FunctionType, ModuleType
from typing import Any

import pytest

from solidstack.kernels.conduction import voxel
from solidstack.kernels.devices import padded
from solidstack.kernels.devices.compiled import compiled


def made(name: str, code: str) -> ModuleType:
    module = ModuleType(name)
    exec(code, vars(module))
    return module


def test_functions_call_the_compiled_ones_of_their_own_and_of_earlier_modules() -> None:
    """Each call goes through what the compiler returned, in the order of the modules."""
    calls: list[str] = []

    def compiler(kind: str) -> Any:
        def compile_(function: FunctionType) -> Any:
            def run(*arguments: Any) -> Any:
                calls.append(f"{kind} {function.__name__}")
                return function(*arguments)

            return run

        return compile_

    first = made(
        "first",
        "CALLED = ('double',)\ndef double(x): return 2 * x\ndef quadruple(x): return double(double(x))",
    )
    second = made("second", "def more(x): return quadruple(x) + 1")
    vars(second)["quadruple"] = vars(first)["quadruple"]
    functions = compiled(first, second, inlined=compiler("inlined"), called=compiler("called"))
    assert functions.more(3) == 13
    assert calls == ["inlined more", "inlined quadruple", "called double", "called double"]
    assert sorted(vars(functions)) == ["double", "more", "quadruple"]


def test_a_function_stays_plain_where_it_was_written() -> None:
    """The compiled functions are copies: tests and the simulator call the text as Python."""
    before = voxel.faces_stored
    functions = compiled(padded, voxel, inlined=lambda function: function, called=lambda function: function)
    assert voxel.faces_stored is before
    assert isinstance(before, FunctionType)
    assert functions.faces_stored is not before


@pytest.mark.parametrize(
    ("aggregate", "half", "last", "voxels"),
    [(0, 1, 7, (0, 0)), (1, 1, 7, (1, 2)), (4, 1, 7, (7, 7)), (3, 0, 7, (3, 3)), (0, 0, 7, (0, 0))],
)
def test_voxels_of_an_aggregate(aggregate: int, half: int, last: int, voxels: tuple[int, int]) -> None:
    """Two by two, the last one alone where their number is odd; aggregate 0 is the ghost."""
    assert padded.block(aggregate, half, last) == voxels  # type: ignore[no-untyped-call]
