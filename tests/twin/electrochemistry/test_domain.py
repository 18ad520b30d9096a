"""What of a structure takes part in charge and discharge: paths, faces, contact, membrane, names."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from solidstack.errors import StructureError
from solidstack.kernels.electrochemistry.voxel import ELECTRONIC, SHIFT, STORES
from solidstack.kinetics import CellParameters
from solidstack.twin.electrochemistry.domain import MEMBRANE, MEMBRANE_VOXELS, Domain, prepare, wrap
from solidstack.twin.participation import joined
from solidstack.twin.structure.voxels import Phase, Structure
from tests.cells import AM, CA, DENSITY, OTHER, PHASES, PORE, SE, UM, cell, electrolyte, host, mixed, salted, structure

NO_WIRE, DRY = "no electronic path to the collector", "no face on connected solid electrolyte"
CLOSED = (False, False, False)
IDEAL = cell(ideal_electronics=True)


def lines(*rows: str, **fields: Any) -> Structure:
    """One plane of z from a line for each y, membrane on the left: pore ., active A, electrolyte s, carbon c."""
    letters = {".": PORE, "A": AM, "B": OTHER, "s": SE, "c": CA}
    labels = np.array([[letters[letter] for letter in row] for row in rows])
    return structure(labels.T[:, :, None], **{"periodic": CLOSED, **fields})


def kinds(domain: Domain) -> NDArray[np.uint8]:
    """Kinds of the structure's voxels, as its lines."""
    return domain.kind[domain.composite][:, :, 0].T


def area_of(domain: Domain) -> float:
    """All area of the interface between active material and electrolyte, m2."""
    x, y, z = domain.structure.size
    return domain.interface * x * y * z


# what takes part


ISLANDS = (
    "sssAAA",  # wired and wetted
    "ssA...",  # no wire
    "ssAcc.",  # no wire either: the carbon ends in a pore
    "......",
    "..AAcc",  # wired through carbon, and dry
    "......",
    ".ss.AA",  # this electrolyte is out of reach of the membrane
)


def test_bare_active_material_and_electrolyte_without_a_path_are_left_out() -> None:
    domain = prepare(lines(*ISLANDS), cell())
    assert domain.reasons == {NO_WIRE: pytest.approx(2 / 9), DRY: pytest.approx(4 / 9)}
    assert domain.inactive_fraction == pytest.approx(6 / 9)
    found = kinds(domain)
    assert (found[0, 3:] & 3 == ELECTRONIC | STORES).all()
    assert (found[0, :3] & 3 == 0).all()
    assert (found[0, :3] > 0).all()
    assert (found[1, 2], *found[2, 2:]) == (0, 0, 0, 0, 0)
    assert (found[4, 2:4] & 3 == ELECTRONIC).all(), "dry: conducts, and stores nothing"
    assert (found[4, 4:] & 3 == ELECTRONIC).all()
    assert (found[6, 1:3] == 0).all()
    assert area_of(domain) == pytest.approx(UM**2, rel=0.5)  # the one face, by the slope of the surface around it
    assert domain.active_loading == pytest.approx(9 * DENSITY * UM / 7), "of all active material"


def test_ideal_electronics_needs_no_wire() -> None:
    domain = prepare(lines(*ISLANDS), IDEAL)
    assert domain.reasons == {NO_WIRE: 0.0, DRY: pytest.approx(4 / 9)}
    found = kinds(domain)
    assert (found[1:3, 2] & 3 == ELECTRONIC | STORES).all()
    assert (found[2, 3:5] == 0).all(), "additive has nothing to do"
    assert (found[4] == 0).all()


def test_materials_have_numbers_in_the_order_of_the_domain() -> None:
    blend = cell(host(), host("other AM"))
    domain = prepare(lines("ssABc", "ssABc"), blend)
    assert domain.materials == ("AM", "other AM", "CA", "SE", MEMBRANE)
    assert (kinds(domain)[0] >> SHIFT).tolist() == [4, 4, 1, 2, 3]
    assert (domain.kind[1 : 1 + domain.membrane_planes, 1:-1, 1:-1] >> SHIFT == 5).all()
    assert (domain.kind[[0, -1]] == ELECTRONIC).all(), "lithium and collector"


def test_paths_go_around_a_periodic_axis() -> None:
    """Wired, or reached by ions, across the wrap along y alone."""
    wired = (".A..", "ss..", "....", ".AAA")
    assert prepare(lines(*wired), cell()).reasons == {NO_WIRE: 0.25, DRY: 0.75}
    around = (False, True, False)
    assert prepare(lines(*wired, periodic=around), cell()).inactive_fraction == 0.0
    reached = (".ss.", "..AA", "....", "ss..")
    assert prepare(lines(*reached), cell()).reasons == {NO_WIRE: 0.0, DRY: 1.0}
    assert prepare(lines(*reached, periodic=around), cell()).inactive_fraction == 0.0


def test_clusters_are_joined_across_wrapped_axes_only() -> None:
    mask = lines("A..A", "....", "..AA").labels == AM
    assert joined(mask, False, False).max() == 3
    assert joined(mask, True, False).max() == 2
    assert joined(mask, True, False)[3, 0, 0] == joined(mask, True, False)[2, 2, 0]
    assert joined(np.zeros((2, 2, 2), bool), True, True).max() == 0


def test_active_material_on_the_membrane_needs_no_other_electrolyte() -> None:
    domain = prepare(lines("AAAA", "....", "ss.."), cell())
    assert domain.inactive_fraction == 0.0
    assert area_of(domain) == pytest.approx(UM**2), "its face on the membrane reacts"
    face = domain.areas[0][domain.membrane_planes, 1:-1, 1]
    np.testing.assert_allclose(face, [UM**2, 0.0, 0.0])


# faces


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_area_of_a_plane(axis: int) -> None:
    """Each face of a plane counts in full, in either order of the phases, in oblong voxels."""
    edges = (0.5 * UM, UM, 2.0 * UM)
    labels = np.full((8, 8, 8), SE)
    np.moveaxis(labels, axis, 0)[4:] = AM
    if axis == 0:
        expected = 64 * edges[1] * edges[2]
    else:
        face = edges[0] * edges[2] if axis == 1 else edges[0] * edges[1]
        expected = 64 * face + 32 * edges[1] * edges[2]  # and half of the membrane
    domain = prepare(structure(labels, edges, CLOSED), cell())
    assert area_of(domain) == pytest.approx(expected)
    inside = [area[1:-1, 1:-1, 1:-1] for area in domain.areas]
    assert sum(int(np.count_nonzero(area)) for area in inside) == (64 if axis == 0 else 96)
    # behind the collector's plane and in the electrolyte nothing reacts; at the lithium all of it does
    assert not domain.areas[0][-2:].any()
    np.testing.assert_allclose(domain.areas[0][0, 1:-1, 1:-1], edges[1] * edges[2])


def test_lost_contact_takes_the_faces_of_a_voxel_on_either_side() -> None:
    made = lines("ssAA", "ssAA", "ssAA", "ssAA")
    whole = area_of(prepare(made, cell()))
    assert whole == pytest.approx(4 * UM**2)
    for place in ((2, 1, 0), (1, 1, 0)):  # of the active material, of the electrolyte
        contact = np.ones(made.shape, bool)
        contact[place] = False
        domain = prepare(made, cell(), contact=contact)
        assert area_of(domain) == pytest.approx(0.75 * whole)
        assert domain.inactive_fraction == 0.0, "its neighbours keep it"
    contact[1] = False
    lost = prepare(made, cell(), contact=contact)
    assert lost.reasons == {NO_WIRE: 0.0, DRY: 1.0}
    assert area_of(lost) == 0.0


def test_lost_contact_on_the_membrane() -> None:
    made = lines("AAAA", "ssss")
    contact = np.ones(made.shape, bool)
    contact[:, 0] = False
    domain = prepare(made, cell(), contact=contact)
    assert not domain.areas[0][domain.membrane_planes].any()
    assert domain.inactive_fraction == 1.0
    contact[3, 0] = True
    assert prepare(made, cell(), contact=contact).inactive_fraction == 0.0


def test_lost_contact_across_a_wrap() -> None:
    made = lines("AAAA", "AAAA", "....", "ssss", periodic=(False, True, False))
    contact = np.ones(made.shape, bool)
    contact[:, 3] = False
    domain = prepare(made, cell(), contact=contact)
    assert not domain.areas[1].any()
    assert prepare(made, cell()).areas[1][:, -2].any()


def test_contact_of_another_shape_is_refused() -> None:
    with pytest.raises(StructureError, match=r"contact has shape \(4, 2, 2\), the structure \(4, 2, 1\)"):
        prepare(lines("ssAA", "ssAA"), cell(), contact=np.ones((4, 2, 2), bool))


# membrane


@pytest.mark.parametrize("thickness", [0.3, 1.0, 2.5, 4.0, 7.7, 300.0])
@pytest.mark.parametrize("solid", [electrolyte(), salted()], ids=["single ion", "salt"])
def test_membrane_has_its_thickness(solid: Any, thickness: float) -> None:
    domain = prepare(lines("ssAA", "ssAA"), cell(electrolyte=solid, membrane_thickness=thickness * UM))
    planes = domain.lengths[1 : 1 + domain.membrane_planes]
    assert planes.sum() + domain.membrane_rest == pytest.approx(thickness * UM)
    assert domain.kind.shape[0] == 2 + domain.membrane_planes + 4
    np.testing.assert_allclose(domain.lengths[1 + domain.membrane_planes :], UM)
    assert planes[-1] <= 1.01 * UM
    if solid.is_single_ion:
        assert domain.membrane_planes == min(MEMBRANE_VOXELS, max(1, int(thickness)))
        assert domain.membrane_rest == pytest.approx(max(0.0, thickness - MEMBRANE_VOXELS) * UM, abs=0.7 * UM)
    else:
        assert domain.membrane_rest == 0.0
        assert planes[0] <= 1.01 * UM
        assert (np.maximum(planes[1:] / planes[:-1], planes[:-1] / planes[1:]) < 2.0).all()
    salt = domain.kind[1 : 1 + domain.membrane_planes, 1:-1, 1:-1] & STORES
    assert salt.all() != solid.is_single_ion


def test_geometry_is_area_over_distance() -> None:
    edges = (0.5 * UM, UM, 2.0 * UM)
    domain = prepare(structure(np.array([SE, SE, AM, AM])[:, None, None], edges, CLOSED), cell(membrane_thickness=UM))
    found = domain.geometry(3.0)
    np.testing.assert_allclose(found.gx[2:-1], 0.5 * 2.0 * UM**2 / (0.5 * UM) / 3.0)
    np.testing.assert_allclose(found.gy[3:], 0.5 * 0.5 * 2.0 * UM / 3.0)
    np.testing.assert_allclose(found.gz[3:], 0.5 * 0.5 * UM * UM / (2.0 * UM) / 3.0)
    np.testing.assert_allclose(found.volume[3:], UM**3 / 3.0)
    assert domain.area == pytest.approx(2.0 * UM**2)


def test_ghosts_are_the_other_end() -> None:
    padded = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    wrapped = padded.copy()
    wrap(wrapped, True, False)
    np.testing.assert_array_equal(wrapped[:, 0], padded[:, 3])
    np.testing.assert_array_equal(wrapped[:, 4], padded[:, 1])
    np.testing.assert_array_equal(wrapped[:, 1:4], padded[:, 1:4])
    wrap(wrapped, False, True)
    np.testing.assert_array_equal(wrapped[:, :, 0], wrapped[:, :, 4])


# names


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.full((3, 3, 3), SE), "has no active material, so it stores no charge; its phases are 0 "),
        (np.full((3, 3, 3), AM), "has no solid electrolyte, so it stores no charge"),
    ],
)
def test_roles_that_are_needed(labels: NDArray[Any], words: str) -> None:
    with pytest.raises(StructureError, match=words):
        prepare(structure(labels), cell())


def test_image_without_roles_says_how_to_give_them() -> None:
    bare = Structure(mixed(0).labels, {}, (UM, UM, UM))
    with pytest.raises(StructureError, match=r"no active material.*1 \(label 1\).*Name the phase with --phases"):
        prepare(bare, cell())


def test_the_only_active_material_may_have_another_name() -> None:
    phases = {"NMC": Phase(AM, "active-material"), "ceramic": Phase(SE, "solid-electrolyte"), "pore": PHASES["pore"]}
    made = lines("ssAA", "ssAA", phases=phases)
    assert prepare(made, cell(host("NCM622"))).materials == ("NMC", "ceramic", MEMBRANE)


@pytest.mark.parametrize("given", [cell(), cell(host(), host("third")), cell(host("third"))])
def test_an_active_material_that_the_design_does_not_have_is_refused(given: CellParameters) -> None:
    with pytest.raises(StructureError, match=r"phase \d .* stands for no material of the design, .*name it after one"):
        prepare(lines("ssAB", "ssAB"), given)


def test_phases_without_voxels_do_not_matter() -> None:
    domain = prepare(lines("ssAA", "ssAA"), cell())
    assert "other AM" not in domain.materials
    assert "CA" not in domain.materials
