"""Contacts between grains and phases: exact in layers, gone where they do not resist, and refused in words."""

import json

import numpy as np
import pytest

from solidstack.errors import StructureError
from solidstack.twin import Contact, Structure, divided, transport
from solidstack.twin.contacts import coloured, contact_factor, contact_share
from tests.cells import UM

EXACT = 1e-6


def layers(*labels: int, across: int = 4) -> Structure:
    return Structure(np.broadcast_to(np.array(labels)[:, None, None], (len(labels), across, across)), {}, (UM, UM, UM))


def test_a_contact_between_two_layers_is_in_series() -> None:
    made = layers(1, 1, 1, 2, 2, 2)
    for conductance in (1e4, 1e6, 1e9):
        found = transport(made, {1: 2.0, 2: 0.5}, direction="x", contacts=[Contact("label 1", "label 2", conductance)])
        expected = 6 * UM / (3 * UM / 2.0 + 3 * UM / 0.5 + 1.0 / conductance)
        assert found.x.conductivity == pytest.approx(expected, rel=1e-5)
    # beside the contact nothing changes
    beside = transport(made, {1: 2.0, 2: 0.5}, direction="y", contacts=[Contact("label 1", "label 2", 1e3)])
    assert beside.y.conductivity == pytest.approx(1.25, rel=EXACT)


def test_grains_in_series_and_the_limits() -> None:
    made = layers(*[1] * 12)
    grains = np.broadcast_to((np.arange(12) // 3)[:, None, None], made.shape).astype(np.int32)
    boundary = [Contact("label 1", "label 1", 2e5)]
    found = transport(made, {1: 0.3}, direction="x", contacts=boundary, grains=grains).x.conductivity
    assert found == pytest.approx(12 * UM / (12 * UM / 0.3 + 3 / 2e5), rel=1e-5)
    good = [Contact("label 1", "label 1", 1e15)]
    assert transport(made, {1: 0.3}, direction="x", contacts=good, grains=grains).x.conductivity == pytest.approx(
        transport(made, {1: 0.3}, direction="x").x.conductivity, rel=EXACT
    )
    bad = [Contact("label 1", "label 1", 1e-2)]
    assert transport(made, {1: 0.3}, direction="x", contacts=bad, grains=grains).x.conductivity < 1e-7


def test_voxels_do_not_change_what_a_contact_resists() -> None:
    values = []
    for fine in (1, 2, 4):
        labels = np.repeat([1, 2], 3 * fine)[:, None, None] * np.ones((1, 4, 4), int)
        made = Structure(labels, {}, (UM / fine, UM, UM))
        values.append(
            transport(made, {1: 1.0, 2: 1.0}, direction="x", contacts=[Contact("1", "2", 1e5)]).x.conductivity
        )
    np.testing.assert_allclose(values, values[0], rtol=1e-4)


def test_neighbours_have_different_colours_and_grains_fill_space() -> None:
    made = Structure(np.ones((20, 16, 12), np.uint8), {}, (UM, UM, UM), (False, True, True))
    grains = divided(made, 6 * UM, seed=2)
    assert grains.max() + 1 == round(20 * 16 * 12 / (np.pi / 6 * 6**3))
    np.testing.assert_array_equal(grains, divided(made, 6 * UM, seed=2))
    colours = coloured(grains, made.periodic)
    for axis in range(3):
        here, there = colours, np.roll(colours, -1, axis)
        other = grains != np.roll(grains, -1, axis)
        if not made.periodic[axis]:
            here, there, other = (np.delete(part, -1, axis) for part in (here, there, other))
        assert (here[other] != there[other]).all()


def test_more_contact_resistance_conducts_less() -> None:
    made = Structure(np.random.default_rng(0).choice(2, (16, 16, 16), p=(0.3, 0.7)), {}, (UM, UM, UM))
    grains = divided(made, 4 * UM)
    values = [
        transport(made, {1: 1.0}, direction="x", contacts=[Contact("1", "1", g)], grains=grains).x.conductivity
        for g in (1e7, 1e6, 1e5)
    ]
    assert values[0] > values[1] > values[2] > 0.0
    assert values[0] < transport(made, {1: 1.0}, direction="x").x.conductivity


def test_pressed_grains_touch_by_geometry() -> None:
    """Two spheres whose centres come nearer by a share e: the contact has 1 - (1 - e)^2 of the cross-section."""
    density = 0.64 / (1.0 - 0.05) ** 3
    assert contact_share(density) == pytest.approx(1.0 - 0.95**2, rel=1e-12)
    assert contact_share(0.64) == 0.0
    assert contact_factor(0.88, 0.12, 0.88) == 1.0
    assert 0.0 < contact_factor(0.5, 0.15, 0.88) < 1.0
    with pytest.raises(StructureError, match="no denser than 0.64"):
        contact_factor(0.5, 0.1, 0.6)
    with pytest.raises(StructureError, match="must be above 0"):
        contact_factor(0.0, 0.1, 0.9)


@pytest.mark.parametrize(
    ("contacts", "grains", "message"),
    [
        ([("1", "1", 1e3)], None, "is the boundary of its grains, and there are none; give their size"),
        ([("1", "9", 1e3)], None, "9"),
        ([("1", "2", 1e3), ("2", "1", 1e4)], None, "is given twice; leave one out"),
        ([("1", "1", 1e3)], np.zeros((2, 2, 2), int), r"grains have shape \(2, 2, 2\), the structure"),
    ],
)
def test_contacts_that_make_no_sense_are_refused(contacts: list[tuple[str, str, float]], grains, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(StructureError, match=message):
        transport(layers(1, 2), {1: 1.0, 2: 1.0}, contacts=[Contact(*each) for each in contacts], grains=grains)


@pytest.mark.parametrize("conductance", [0.0, -1.0, float("nan"), float("inf")])
def test_a_conductance_that_is_none_is_refused(conductance: float) -> None:
    with pytest.raises(StructureError, match="must be a number above 0; leave the contact out"):
        Contact("a", "b", conductance)


def test_the_command_takes_contacts(run, tmp_path) -> None:  # type: ignore[no-untyped-def]
    np.save(tmp_path / "s.npy", np.ones((12, 8, 8), np.uint8))
    common = ("twin", "transport", tmp_path / "s.npy", "--voxel", "1 um", "--conductivity", "1=1", "--direction", "x")
    found = run(*common, "--contact", "1:1=1e5", "--grains", "4 um", "--json")
    assert found.code == 0
    assert 0.0 < json.loads(found.out)["x"]["conductivity_S_m"] < 0.9
    wrong = run(*common, "--contact", "1=1e5")
    assert wrong.code == 2
    assert '--contact "1=1e5" is not A:B=VALUE, as in' in wrong.err
    none = run(*common, "--contact", "1:1=1e5")
    assert none.code == 2
    assert "(--grains)" in none.err
