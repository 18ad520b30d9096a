"""The homogenised model as a whole: DFN and SPMe, mesh, many designs, defaults, bad input."""

import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import solidstack as ss
from solidstack.errors import DesignError, StructureError
from solidstack.twin.companion.half_cell import Mesh
from solidstack.twin.companion.homogenised import HomogenisedModel, simulate, simulate_many, spread
from solidstack.twin.effective import Effective

from .helpers import charge, discharge, steps


def test_single_particles_agree_where_the_reaction_is_even(model: HomogenisedModel, single: ss.Design) -> None:
    medium = Effective.from_design(single.with_(positive__loading=0.02))
    protocol = steps(charge("C/5"), discharge("C/5"))
    runs = [
        model.run(single, protocol, effective=medium),
        simulate(single, protocol, effective=medium, model="SPMe"),
    ]
    assert runs[1].model == "PyBaMM SPMe"
    for first, other in zip(runs[0].steps, runs[1].steps, strict=True):
        assert first.capacity == pytest.approx(other.capacity, rel=1e-3)
        assert first.average_voltage == pytest.approx(other.average_voltage, abs=1e-3)
    np.testing.assert_allclose(sum(runs[1].split.values()), runs[1].voltage, atol=1e-9)


def test_finer_mesh_and_tolerance_change_little(model: HomogenisedModel, single: ss.Design) -> None:
    fine = HomogenisedModel(mesh=Mesh(40, 10, 40), tolerance=1e-6)
    runs = [each.run(single, steps(charge("C/2"), discharge("C/2"))) for each in (model, fine)]
    for first, other in zip(runs[0].steps, runs[1].steps, strict=True):
        assert first.capacity == pytest.approx(other.capacity, rel=1e-3)
        assert first.average_voltage == pytest.approx(other.average_voltage, abs=1e-3)


def test_many_designs_share_one_model(single: ss.Design) -> None:
    shared = HomogenisedModel("SPMe")
    designs = single.with_(
        positive__loading=np.array([0.1, 0.2])[:, None], positive__composition__NCM622=np.array([0.9, 0.92, 0.93])
    )
    runs = list(simulate_many(spread(designs), steps(discharge("C/2")), shared=shared))
    assert len(runs) == 6
    assert shared.models == 1
    alone = simulate(
        single.with_(positive__loading=0.2, positive__composition__NCM622=0.9), steps(discharge("C/2")), model="SPMe"
    )
    np.testing.assert_allclose(runs[3].voltage, alone.voltage, atol=1e-9)
    assert [each.positive.loading for each in spread(designs)] == [0.1] * 3 + [0.2] * 3


def test_default_protocol_and_that_of_the_design(model: HomogenisedModel, single: ss.Design) -> None:
    run = model.run(single)
    assert [(step.kind, step.end_reason) for step in run.steps] == [
        ("charge", "reached 4.3 V"),
        ("discharge", "reached 2.7 V"),
    ]
    own = model.run(single.with_(protocol={"steps": [charge("1C", time=60.0)]}))
    assert [step.end_reason for step in own.steps] == ["time over (1 min)"]
    assert json.dumps(own.provenance)
    assert own.provenance["effective"]["source"] == "closed form"
    assert os.environ["PYBAMM_DISABLE_TELEMETRY"] == "true"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda d: HomogenisedModel("P2D"), 'model "P2D" is not recognised; choose from DFN, SPMe'),
        (lambda d: HomogenisedModel(tolerance=0.5), "tolerance: 0.5 must be between 1e-10 and 1e-2"),
        (lambda d: Mesh(electrode=1), "mesh: electrode is 1; expected a whole number from 2 to 1000"),
        (
            lambda d: simulate(d, initial_stoichiometry=1.0),
            "initial_stoichiometry is 1; it must be between 0.0001 and 0.9999",
        ),
        (lambda d: simulate(d.with_(positive__loading=np.array([0.1, 0.2]))), "has arrays of shape"),
        (
            lambda d: simulate(d.with_(kinetics__interface_resistance="5 ohm cm^2"), model="SPMe"),
            "SPMe has no resistance of the interface",
        ),
        (
            lambda d: simulate(d.with_(membrane__material="Li6PS5Cl")),
            "the positive has a salt electrolyte, SPE, and the membrane is of Li6PS5Cl",
        ),
        (
            lambda d: simulate(
                d.with_(positive__composition={"NCM622": 0.4, "NCM811": 0.53, "SPE": 0.05, "carbon black": 0.02})
            ),
            "the homogenised model takes one active material; this electrode has NCM",
        ),
    ],
)
def test_bad_input(design: ss.Design, call: Callable[[ss.Design], Any], words: str) -> None:
    with pytest.raises((DesignError, StructureError), match=words):
        call(design)
