"""Loss of the first charge: part of its charge is no lithium that goes back in."""

from dataclasses import replace
from pathlib import Path

import pytest

import solidstack as ss
from solidstack.design.actions import first_charge
from solidstack.kinetics import CellParameters
from solidstack.twin.electrochemistry.cycle import discharge as simulate
from tests.cells import cell, charge, columns, discharge, host, protocol, rest, straight

SHARE = 0.8


@pytest.fixture
def given() -> CellParameters:
    """Fast kinetics, so that capacities are those of the potential."""
    active = host(potential=straight(3.8, 2.0), diffusivity=1e-11, exchange=50.0, as_made=0.9)
    return cell(replace(active, reversible_share=SHARE), ideal_electronics=True)


def test_the_first_charge_takes_more_than_comes_back(design: ss.Design, given: CellParameters) -> None:
    """Between the same potentials: the first charge over the second one is the inverse of the reversible share."""
    plan = protocol(charge("C/5", voltage=4.2), discharge("C/5", voltage=3.4), charge("C/5", voltage=4.2))
    run = simulate(columns(4), design, parameters=given, protocol=plan)
    first, back, again = (step.capacity for step in run.steps)
    assert back == pytest.approx(again, rel=0.01)
    # 0.9 to 0.3 takes 0.6 / 0.8; 0.3 to 0.7 gives 0.4
    assert first / back == pytest.approx(0.6 / SHARE / 0.4, rel=0.01)
    assert run.balance["lithium"] < 1e-6
    full = replace(given, active={name: replace(each, reversible_share=1.0) for name, each in given.active.items()})
    reversible = simulate(columns(4), design, parameters=full, protocol=plan)
    assert first == pytest.approx(reversible.steps[0].capacity / SHARE, rel=0.005)
    assert back == pytest.approx(reversible.steps[1].capacity, rel=0.002)


def test_an_electrode_that_is_not_as_made_loses_nothing(design: ss.Design, given: CellParameters) -> None:
    plan = protocol(charge("C/5", voltage=4.2), discharge("C/5", voltage=3.4))
    run = simulate(columns(4), design, parameters=given, protocol=plan, initial_stoichiometry=0.7)
    assert run.steps[0].capacity == pytest.approx(run.steps[1].capacity, rel=0.01)


def test_it_lasts_until_something_discharges(design: ss.Design) -> None:
    plan = protocol(charge("1C", time="60 s"), rest("60 s"), charge("1C", time="60 s"), discharge("1C", time="60 s"))
    assert first_charge(plan.actions()) == 3
    assert first_charge(protocol(discharge("1C", time="60 s"), charge("1C", time="60 s")).actions()) == 0
    assert first_charge(protocol(rest("60 s")).actions()) == 0


def test_a_checkpoint_knows_whether_the_first_charge_is_over(
    design: ss.Design, given: CellParameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from solidstack.twin.electrochemistry import cycle

    plan = protocol(
        charge("C/2", voltage=4.2),
        discharge("C/2", voltage=3.6),
        charge("C/2", time="300 s"),
        discharge("C/2", time="60 s"),
    )
    whole = simulate(columns(4), design, parameters=given, protocol=plan)
    for stop in (1, 2, 3):
        path = tmp_path / f"{stop}.npz"
        real = cycle.Cycler._act
        done = iter(range(stop))

        def act(self: cycle.Cycler, action: object, real: object = real, done: object = done) -> object:
            if next(done, None) is None:  # type: ignore[call-overload]
                raise KeyboardInterrupt
            return real(self, action)  # type: ignore[operator]

        with monkeypatch.context() as patch:
            patch.setattr(cycle.Cycler, "_act", act)
            with pytest.raises(KeyboardInterrupt):
                simulate(columns(4), design, parameters=given, protocol=plan, checkpoint=path)
        again = simulate(columns(4), design, parameters=given, protocol=plan, checkpoint=path)
        assert [step.capacity for step in again.steps] == [step.capacity for step in whole.steps]
        assert again.balance == whole.balance


def test_both_models_lose_the_same(design: ss.Design) -> None:
    """The shipped NCM622: 92 % of its first charge, with liquid electrolyte."""
    pytest.importorskip("pybamm")
    from solidstack.twin.companion.homogenised import simulate as homogenised

    plan = protocol(charge("C/50", voltage=4.3), discharge("C/50", voltage=3.0))
    run = homogenised(design, plan)
    assert run.coulombic_efficiency == pytest.approx(0.92, abs=0.005)
    assert run.balance["lithium"] < 1e-9
    none = homogenised(
        design.with_(kinetics__reversible_share=1.0),
        protocol(charge("C/50", voltage=4.3), discharge("C/50", voltage=3.0)),
    )
    assert none.steps[0].capacity == pytest.approx(0.92 * run.steps[0].capacity, rel=2e-3)
    assert none.steps[1].capacity == pytest.approx(run.steps[1].capacity, rel=1e-3)
