"""Carbon's network finer than a voxel: its law, its resistance in 3D, and that three models agree on it."""

import math
from dataclasses import replace

import numpy as np
import pytest

import solidstack as ss
from solidstack.kernels.electrochemistry import cpu as coupled_cpu
from solidstack.kinetics import CarbonBinder, CellParameters, Percolation, cell_parameters, network_conductivity
from solidstack.twin.effective import Effective
from solidstack.twin.electrochemistry.cycle import discharge as simulate
from solidstack.twin.electrochemistry.domain import prepare
from solidstack.twin.electrochemistry.equations import Equations
from solidstack.twin.electrochemistry.impedance import impedance
from solidstack.twin.participation import Participation
from solidstack.twin.structure.voxels import Phase, Structure
from tests.cells import (
    AM,
    CA,
    PORE,
    SE,
    TEMPERATURE,
    THERMAL,
    UM,
    cell,
    charge,
    discharge,
    electrolyte,
    host,
    protocol,
    salted,
    straight,
    structure,
)

LAW = {"CA": Percolation(0.05)}


def wired(conductivity: float, **fields: object) -> CellParameters:
    """Parameters of an electrode in which carbon is half of the matrix, with a network of this conductivity."""
    per = network_conductivity({"CA": 1.0}, LAW, {"CA": 1.0 / 3.0}, 2.0 / 3.0)
    return cell(
        host(potential=straight(3.8, 1e-3), diffusivity=1e-11, exchange=3.0, electronic=1e-9, as_made=0.5),
        additive_conductivity={"CA": conductivity / per},
        percolation=LAW,
        membrane_thickness=2 * UM,
        lithium_exchange=200.0,
        **fields,
    )


def columns(planes: int, edge: float = 0.5 * UM) -> Structure:
    """Columns of carbon, active material and electrolyte in turn; closed, so that each interface is there once."""
    labels = np.empty((planes, 3, 1))
    labels[:, 0], labels[:, 1], labels[:, 2] = CA, AM, SE
    return structure(labels, (edge, 0.5 * UM, 0.5 * UM), periodic=(False, False, False))


def resistance(electronic: float, planes: int, ions: float) -> float:
    """Of a cell of columns at the first instant, ohm m2; the first plane has no active material on the membrane."""
    given = wired(electronic, electrolyte=electrolyte(ions))
    whole = columns(planes + 1)
    labels = whole.labels.copy()
    labels[0, 1] = PORE
    domain = prepare(Structure(labels, whole.phases, whole.voxel), given)
    assert domain.network == pytest.approx(electronic, rel=1e-12)
    e = Equations(domain, given, coupled_cpu, TEMPERATURE)
    e.start({"AM": 0.5})
    e.accept()
    step, current = 1e-3, 1.0
    assert e.solve((1.0 / step, -1.0 / step, 0.0), current=current, least_current=1e-3, tolerance=1e-5).converged
    # all of the current comes to the collector through the network
    assert e.solver.chain is not None
    out = e.solver.chain.product(e.offset)
    assert -out.sum() == pytest.approx(current * domain.area / e.scale, rel=1e-4)
    return (e.plate - 3.8) / current


@pytest.mark.parametrize("electronic", [0.02, 0.003])
def test_resistance_of_a_network_beside_ions(electronic: float) -> None:
    """Both conductors resist: (Ri Re/(Ri + Re)) (1 + (2 + (Ri/Re + Re/Ri) cosh v)/(v sinh v)), v^2 = (Ri + Re)/Rct.

    Newman and Tobias, J. Electrochem. Soc. 109 (1962) 1183. What a perfect network leaves, the narrowing from the
    membrane into the columns among it, is the same in both.
    """
    planes, ions, per = 120, 0.02, 1.0 / 3.0
    length = planes * 0.5 * UM
    rct = THERMAL / 3.0 / (per / (0.5 * UM) * length)
    ri = length / (per * ions)

    def porous(re: float) -> float:
        v = math.sqrt((ri + re) / rct)
        return ri * re / (ri + re) * (1.0 + (2.0 + (ri / re + re / ri) * math.cosh(v)) / (v * math.sinh(v)))

    found = resistance(electronic, planes, ions) - resistance(1e4, planes, ions)
    assert found == pytest.approx(porous(length / electronic) - porous(length / 1e4), rel=0.02)


def test_the_split_of_the_voltage_has_the_network(design: ss.Design) -> None:
    given = wired(0.01, electrolyte=electrolyte(0.05))
    run = simulate(columns(20), design, parameters=given, protocol=protocol(charge("1C", time="20 s")))
    np.testing.assert_allclose(sum(run.split.values()), run.voltage, atol=1e-5)
    assert run.split["electronic"][-1] > 1e-4
    assert run.balance["lithium"] < 1e-6
    assert run.balance["current"] < 1e-6


@pytest.mark.parametrize("salt", [False, True])
def test_a_network_that_conducts_well_is_ideal_electronics(design: ss.Design, salt: bool) -> None:
    solid = salted(0.05) if salt else electrolyte(0.05)
    given = wired(1e4, electrolyte=solid)
    plan = protocol(charge("2C", time="60 s"), discharge("2C", time="30 s"))
    network = simulate(columns(12), design, parameters=given, protocol=plan)
    ideal = simulate(columns(12), design, parameters=replace(given, ideal_electronics=True), protocol=plan)
    np.testing.assert_allclose(network.voltage[-1], ideal.voltage[-1], atol=2e-6)


def test_below_its_threshold_carbon_does_not_wire(design: ss.Design) -> None:
    """Then electrons go through the active material, which here conducts nothing to speak of."""
    given = replace(wired(1.0, electrolyte=electrolyte(0.05)), percolation={"CA": Percolation(0.6)})
    part = Participation.of(columns(8), given)
    assert part.network == 0.0
    alone = columns(8)
    apart = Structure(np.roll(alone.labels, 1, axis=2), alone.phases, alone.voxel)
    assert Participation.of(apart, given).inactive_fraction == 0.0  # columns reach the collector themselves
    cut = alone.labels.copy()
    cut[-1] = PORE
    hanging = Structure(cut, alone.phases, alone.voxel)
    assert Participation.of(hanging, given).inactive_fraction == 1.0
    assert Participation.of(hanging, wired(1.0, electrolyte=electrolyte(0.05))).inactive_fraction == 0.0


def test_closed_form_medium_and_structure_have_the_same_network(design: ss.Design) -> None:
    parameters = cell_parameters(design)
    closed = Effective.from_design(design, parameters)
    built = ss.twin.build(design, size="12 um", thickness="12 um", voxel="0.4 um", seed=0)
    part = Participation.of(built, parameters)
    assert closed.electronic_conductivity > 0.1
    assert part.network == pytest.approx(closed.electronic_conductivity, rel=0.03)
    # without carbon nothing is left of it
    none = design.with_(positive__composition={"NCM622": "95 wt%", "SPE": "5 wt%"})
    assert Effective.from_design(none).electronic_conductivity == 0.0


def test_a_medium_follows_its_carbon(design: ss.Design) -> None:
    parameters = cell_parameters(design)
    medium = Effective.from_design(design, parameters)
    for name, factor in (("additive_conductivity", 3.0), ("percolation_content", 1.5), ("ionic_conductivity", 0.5)):
        changed = parameters.changed(name, factor)
        again = Effective.from_design(design, changed)
        followed = medium.following(parameters, changed)
        assert followed.electronic_conductivity == pytest.approx(again.electronic_conductivity, rel=1e-9)
        assert followed.ionic_conductivity == pytest.approx(again.ionic_conductivity, rel=1e-9)


def test_impedance_has_the_network(design: ss.Design) -> None:
    """At high frequency with no storage in between it is the resistance of both conductors."""
    given = wired(0.01, electrolyte=electrolyte(0.05))
    found = impedance(columns(20), design, parameters=given, stoichiometry=0.5, frequencies=[1e3]).z[0].real
    better = impedance(
        columns(20), design, parameters=wired(1e3, electrolyte=electrolyte(0.05)), stoichiometry=0.5, frequencies=[1e3]
    ).z[0].real  # fmt: skip
    assert found > better + 1e-5
    step = Equations(prepare(columns(20), given), given, coupled_cpu, TEMPERATURE)
    step.start({"AM": 0.5})
    step.accept()
    assert step.solve((1e3, -1e3, 0.0), current=1e-2, least_current=1e-5, tolerance=1e-4).converged
    assert found == pytest.approx((step.plate - 3.8) / 1e-2, rel=0.02)


def test_a_porous_mixture_conducts_both(design: ss.Design) -> None:
    """Ions go through it as through a worse electrolyte, and it wires the active material that touches it."""
    phases = {
        "pore": Phase(PORE, "pore"),
        "AM": Phase(AM, "active-material"),
        "SE": Phase(SE, "solid-electrolyte"),
        "carbon-binder": Phase(CA, "carbon-binder"),
    }
    labels = np.full((12, 3, 1), CA)
    labels[:, 1], labels[:, 2] = AM, SE
    mixed = structure(labels, (0.5 * UM, 0.5 * UM, 0.5 * UM), periodic=(False, False, False), phases=phases)
    given = wired(1.0, electrolyte=salted(0.05))
    with_binder = replace(given, carbon_binder=CarbonBinder(0.5, 2.0, 0.35))
    medium = Effective.from_structure(mixed, with_binder)
    assert medium.ionic_conductivity == pytest.approx(0.05 * (1.0 + 0.35) / 3.0, rel=1e-3)
    assert medium.electrolyte_fraction == pytest.approx((1.0 + 0.5) / 3.0)
    assert medium.electronic_conductivity == pytest.approx(2.0 / 3.0**1.5, rel=1e-6)
    run = simulate(mixed, design, parameters=with_binder, protocol=protocol(charge("1C", time="60 s")))
    assert run.is_complete
    assert run.inactive_fraction == 0.0
    assert run.balance["lithium"] < 1e-6


def test_a_generated_structure_has_the_porous_mixture(design: ss.Design) -> None:
    """Carbon and its pores are one phase; all that the design has is there, and it wires the active material."""
    mixed = design.with_(
        twin__carbon_binder=True,
        positive__composition={"NCM622": "88 wt%", "SPE": "9 wt%", "carbon black": "3 wt%"},
    )
    built = ss.twin.build(mixed, size="12 um", thickness="12 um", voxel="0.4 um", seed=0)
    plain = ss.twin.build(
        mixed.with_(twin__carbon_binder=False), size="12 um", thickness="12 um", voxel="0.4 um", seed=0
    )
    carbon = built.fraction("carbon-binder")
    assert carbon == pytest.approx(2.0 * plain.fraction("carbon black"), rel=1e-3)
    assert built.fraction("SPE") + 0.5 * carbon == pytest.approx(plain.fraction("SPE"), abs=1e-4)
    assert built.density == pytest.approx(plain.density, rel=1e-3)
    parameters = cell_parameters(mixed)
    part = Participation.of(built, parameters)
    assert part.network > 0.0
    medium = Effective.from_structure(built, parameters)
    assert medium.electrolyte_fraction == pytest.approx(plain.fraction("SPE"), abs=1e-3)
    with pytest.raises(ss.errors.DesignError, match=r"twin.carbon_binder: the pores of carbon and binder take"):
        ss.twin.build(design.with_(twin__carbon_binder=True, kinetics__carbon_binder_solid_fraction=0.1), size="9 um")
    bare = design.with_(twin__carbon_binder=True, positive__composition={"NCM622": "95 wt%", "SPE": "5 wt%"})
    with pytest.raises(ss.errors.DesignError, match="twin.carbon_binder: is true, but the positive has no carbon"):
        ss.twin.build(bare, size="9 um")
