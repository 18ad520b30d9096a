"""Fixtures of charge and discharge: steps on a small cell, with one thread."""

from collections.abc import Iterator
from typing import Any

import numba
import pytest

import solidstack as ss
from solidstack.kernels.electrochemistry import multigrid as coupled_multigrid
from solidstack.kinetics import CellParameters
from solidstack.twin.electrochemistry.cycle import discharge as simulate
from solidstack.twin.results import Run
from solidstack.twin.structure.voxels import Structure
from tests.cells import (
    cell,
    columns,
    protocol,
)

from .helpers import COARSE, Simulate


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No result depends on the number of threads, and cells this small are fastest with one."""
    monkeypatch.setattr(coupled_multigrid, "COARSEST", 16)  # solves the same, faster where cells are this few
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


@pytest.fixture
def run_of(design: ss.Design) -> Simulate:
    """Run steps on a small cell."""

    def call(
        *steps: dict[str, Any], made: Structure | None = None, parameters: CellParameters | None = None, **options: Any
    ) -> Run:
        fields = {key: options.pop(key) for key in ("repeat", "temperature") if key in options}
        return simulate(
            made or columns(6),
            design,
            parameters=parameters or cell(),
            **{"accuracy": COARSE, "protocol": protocol(*steps, **fields)} | options,
        )

    return call
