"""Input that cannot be run: limits, accuracy, device, structure, design."""

import math
from typing import Any

import numpy as np
import pytest

import solidstack as ss
from solidstack.errors import DesignError, StructureError
from solidstack.twin.electrochemistry.cycle import discharge as simulate
from solidstack.twin.structure.voxels import Structure
from tests.cells import (
    AM,
    SE,
    UM,
    charge,
    columns,
    discharge,
    hold,
    mixed,
    protocol,
    rest,
    structure,
)

from .helpers import Simulate

pytestmark = pytest.mark.usefixtures("one_thread")


def test_cut_off_that_the_active_material_never_has(run_of: Simulate) -> None:
    expected = (
        "protocol, steps.1.until.voltage: 2.5 V is outside the open-circuit potential of AM, 2.6 to 4.6 V; change the "
        "cut-off, or give a wider table in a material file"
    )
    with pytest.raises(DesignError) as caught:
        run_of(charge("1C", voltage=4.3), discharge("1C", voltage=2.5))
    assert str(caught.value) == expected
    with pytest.raises(DesignError, match=r"protocol, steps.0.voltage: 4.7 V is outside the open-circuit potential"):
        run_of(hold(4.7, time=1.0))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"accuracy": 0.0}, StructureError, "accuracy: 0 must be between 0.01 and 10"),
        ({"accuracy": 100.0}, StructureError, "accuracy: 100 must be between 0.01 and 10"),
        ({"accuracy": math.nan}, StructureError, "accuracy: nan must be between 0.01 and 10"),
        ({"device": "tpu"}, StructureError, 'device: "tpu" is not recognised; choose auto, cpu or cuda'),
        ({"initial_stoichiometry": 1.2}, DesignError, r"initial_stoichiometry: 1.2 is outside 0 to 1"),
        ({"initial_stoichiometry": math.nan}, DesignError, "initial_stoichiometry: nan is outside"),
        ({"contact": np.ones((2, 2, 2), bool)}, StructureError, r"contact has shape \(2, 2, 2\)"),
        ({"made": structure(np.full((3, 3, 3), SE))}, StructureError, "has no active material, so it stores no charge"),
        ({"made": structure(np.full((3, 3, 3), AM))}, StructureError, "has no solid electrolyte"),
        ({"made": Structure(mixed(0).labels, {}, (UM,) * 3)}, StructureError, "Name the phase with --phases"),
    ],
)
def test_bad_input(run_of: Simulate, options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        run_of(rest(1.0), **options)


def test_device_that_is_not_there(run_of: Simulate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solidstack.kernels.conduction.cuda.is_available", lambda: False)
    with pytest.raises(StructureError, match="device: no CUDA device was found; choose cpu"):
        run_of(rest(1.0), device="cuda")


def test_structure_knows_its_design(design: ss.Design) -> None:
    plan = protocol(rest(1.0))
    with pytest.raises(StructureError, match="does not record the design it was built from; give the design"):
        simulate(columns(4), protocol=plan)
    made = columns(4).changed(provenance={"inputs": design.to_dict()})
    run = simulate(made, protocol=plan)
    assert run.provenance["fingerprint"] == design.fingerprint()
    assert "inputs" not in run.provenance["structure"]
    assert run.temperature[-1] == pytest.approx(318.15)
    assert run.stoichiometry[-1] == pytest.approx(0.995)
