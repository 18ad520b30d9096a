"""From a design to voxels: every target is hit, phases lie where they should, the same seed repeats."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import solidstack as ss
from solidstack.errors import DesignError, InputError, StructureError
from solidstack.particle import CLOSE_PACKING
from solidstack.study.comparison import packing_unit_cell as cell
from solidstack.twin import BuildReport, Structure
from solidstack.twin.structure import targets
from solidstack.twin.structure.additives import AtSurfaces, Dispersed
from solidstack.twin.structure.build import assemble, build, close_packed
from solidstack.twin.structure.coating import Necks, Particles, Shell, distances
from solidstack.twin.structure.connectivity import connected_share
from solidstack.twin.structure.interfaces import coverage, specific_interface
from solidstack.twin.structure.packing import Isostatic, LogNormal, Packing, Pressing, Uniaxial
from solidstack.twin.structure.targets import ACTIVE, ADDITIVE, ELECTROLYTE
from solidstack.twin.structure.voxels import PORE, Phase

UM = 1e-6
PERCENTAGE_POINT = 0.01
SMALL = {"size": "16 um", "voxel": "0.5 um", "thickness": "16 um"}
Edited = Callable[..., Path]


def small(design: ss.Design, **options: object) -> Structure:
    return build(design, **{**SMALL, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"electrolyte": Necks()},
        {"electrolyte": Particles(2 * UM)},
        {"additive": Dispersed(0.8 * UM)},
        {"additive": AtSurfaces(2 * UM)},
        {"sizes": LogNormal(4 * UM, 8.55 * UM, 14 * UM)},
        {"pressing": "uniaxial"},
        {"arrangement": "close-packed"},
        {"arrangement": "close-packed", "pressing": "uniaxial"},
    ],
    ids=["shell", "necks", "particles", "dispersed", "coarse", "log-normal", "uniaxial", "close", "close uniaxial"],
)
def test_targets_are_hit(design: ss.Design, options: dict[str, object]) -> None:
    structure = small(design, **options)
    assert structure.periodic == (True, True, True)
    assert list(structure.phases) == [PORE, "NCM622", "SPE", "carbon black"]
    for name, phase in structure.phases.items():
        assert phase.target is not None
        assert structure.fraction(name) == pytest.approx(phase.target, abs=0.1 * PERCENTAGE_POINT), name
    sheet = ss.evaluate(design)
    assert structure.porosity == pytest.approx(float(sheet.positive.porosity), abs=0.1 * PERCENTAGE_POINT)
    assert structure.density == pytest.approx(3500.0, rel=1e-3)
    # 93 % of 3.5 g/cm3, over 4.76 g/cm3
    assert structure.phases["NCM622"].target == pytest.approx(0.93 * 3.5 / 4.76, rel=1e-9)


def test_the_report_says_target_and_reached(design: ss.Design) -> None:
    structure = small(design)
    data = BuildReport(structure).to_dict()
    assert data["phases"]["NCM622"]["reached_vol_pct"] == 100 * structure.fraction("NCM622")
    assert data["phases"]["NCM622"]["target_vol_pct"] == pytest.approx(68.382, abs=1e-3)
    assert set(data["phases"]["SPE"]["connected_pct"]) == {"x", "y", "z"}
    assert data["density_g_cm3"] == pytest.approx(data["target_density_g_cm3"], rel=1e-3)
    assert (data["shape"], data["seed"], data["thickness_um"]) == ([32, 32, 32], 0, pytest.approx(16.0))
    film = data["electrolyte_film_um"]
    assert data["warnings"][0] == (
        f"the solid electrolyte is a film of {film:.2g} um on the particles, {film / 0.5:.1f} voxels: its conduction "
        f"is not resolved; use voxels of at most {film / 2:.2g} um"
    )


def test_a_seed_repeats(design: ss.Design) -> None:
    first, again, other = (small(design, voxel="1 um", seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.labels, again.labels)
    assert first.provenance == again.provenance
    assert not np.array_equal(first.labels, other.labels)
    assert first.provenance["fingerprint"] == design.fingerprint()


def test_two_active_materials_share_the_particles(edited: Edited) -> None:
    """By volume, in whole particles; together they hit their target."""
    blend = ss.load(edited(('NCM622 = "93 wt%"', 'NCM622 = "60 wt%", NCM811 = "33 wt%"')))
    structure = small(blend, size="24 um", thickness="24 um", voxel="1 um")
    both = [structure.phases[name].target or 0.0 for name in ("NCM622", "NCM811")]
    assert structure.fraction("NCM622", "NCM811") == pytest.approx(sum(both), abs=0.1 * PERCENTAGE_POINT)
    particle = sum(both) / structure.provenance["particles"]
    for name, target in zip(("NCM622", "NCM811"), both, strict=True):
        assert structure.fraction(name) == pytest.approx(target, abs=1.2 * particle)
        assert structure.fraction(name) > particle


# where phases lie


def test_a_shell_is_conformal() -> None:
    """On one sphere: core and shell end at the radii that their volumes give, to half a voxel's diagonal."""
    edge, step = 20 * UM, 0.5 * UM
    packing = Packing(np.full((1, 3), edge / 2), np.array([6 * UM]), (edge, edge, edge), (True, True, True))
    core, shell = (4 / 3 * math.pi * (radius / 20) ** 3 for radius in (6, 8))
    phases = {
        PORE: Phase(0, PORE, target=1 - shell),
        "core": Phase(1, ACTIVE, target=core),
        "shell": Phase(2, ELECTROLYTE, target=shell - core),
    }
    structure = assemble(
        packing, step, phases, Shell(), Dispersed(UM), np.random.default_rng(0), {"target_thickness_m": edge}
    )
    x = (np.arange(40) + 0.5) * step - edge / 2
    radius = np.sqrt(x[:, None, None] ** 2 + x[:, None] ** 2 + x**2)
    reach = step * math.sqrt(3) / 2
    assert radius[structure.labels == 1].max() == pytest.approx(6 * UM, abs=reach)
    assert radius[structure.labels == 2].min() == pytest.approx(6 * UM, abs=reach)
    assert radius[structure.labels == 2].max() == pytest.approx(8 * UM, abs=reach)
    assert radius[structure.labels == 0].min() > radius[structure.labels == 2].max() - 1e-6 * UM


def test_a_shell_has_one_thickness_in_a_packing() -> None:
    structure = cell(0.74, 0.2, Uniaxial(), voxels=32)
    packing = close_packed(1.0, (1e-9, 1e-9, 1e-9), 0.74 * 0.8, 0.26 * 0.8, Uniaxial())
    nearest = distances(packing, structure.voxel, structure.shape)[0]
    core, shell, pore = (nearest[structure.mask(name)] for name in ("core", "shell", PORE))
    assert core.max() <= shell.min()
    assert shell.max() <= pore.min()


def test_ways_differ_as_they_should(design: ss.Design) -> None:
    shell, necks, grains = (small(design, electrolyte=way) for way in (Shell(), Necks(), Particles(2 * UM)))
    assert coverage(shell) > coverage(necks) > coverage(grains) > 0.1
    spread = small(design, additive=Dispersed(0.8 * UM))
    assert specific_interface(shell, ACTIVE, ADDITIVE) > 1.3 * specific_interface(spread, ACTIVE, ADDITIVE)


@pytest.mark.parametrize("pressing", [Uniaxial(), Isostatic()], ids=["uniaxial", "isostatic"])
def test_close_packed_shells_percolate_below_26_percent(pressing: Pressing) -> None:
    """Above it shells do not touch; 64 voxels to a cell: below, the gap is less than one, and faces meet across it."""
    percolates = {
        porosity: connected_share(cell(0.74, porosity, pressing, voxels=64), "shell", 0) > 0.0
        for porosity in (0.2, 0.25, 0.27, 0.3)
    }
    assert percolates == {0.2: True, 0.25: True, 0.27: False, 0.3: False}


def test_pressing_changes_the_edges_of_the_cell() -> None:
    """Uniaxially by the strain from the percolation threshold on, 1 - e = 0.7405 / 0.9; isostatically all alike."""
    flat, even = (cell(0.74, 0.1, pressing, voxels=48) for pressing in (Uniaxial(), Isostatic()))
    assert flat.size[0] / flat.size[1] == pytest.approx(CLOSE_PACKING / 0.9, rel=1e-9)
    assert flat.size[1] == pytest.approx(flat.size[2], rel=1e-12)
    assert np.ptp(even.size) < 1e-12
    assert np.prod(flat.size) == pytest.approx(np.prod(even.size), rel=1e-9)
    loose = cell(0.74, 0.3, Uniaxial(), voxels=32)
    assert loose.size[0] == pytest.approx(loose.size[1], rel=1e-12)


# what the design says


TABLE = """[twin]
size = "18 um"
thickness = "16 um"
voxel = "1 um"
seed = 7
arrangement = "random"
pressing = "uniaxial"
particle_diameter = "6 um"
particle_d10 = "4 um"
particle_d90 = "9 um"
electrolyte = "particles"
electrolyte_diameter = "3 um"
additive = "dispersed"
additive_size = "2 um"

[rating]"""


def test_the_table_of_the_design_is_used(edited: Edited) -> None:
    structure = build(ss.load(edited(("[rating]", TABLE))))
    assert structure.shape == (16, 18, 18)
    notes = structure.provenance
    assert (notes["seed"], notes["pressing"], notes["arrangement"]) == (7, "uniaxial", "random")
    assert notes["electrolyte"] == repr(Particles(3 * UM))
    assert notes["additive"] == repr(Dispersed(2 * UM))
    assert notes["sizes"] == repr(LogNormal(4 * UM, 6 * UM, 9 * UM))
    changed = build(ss.load(edited(("[rating]", TABLE))), voxel="2 um", seed=1, electrolyte=Shell())
    assert changed.shape == (8, 9, 9)
    assert (changed.provenance["seed"], changed.provenance["electrolyte"]) == (1, "Shell()")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("additive_size", "aditive_size", 'twin.aditive_size: unknown key; did you mean "additive_size" or '),
        ('"uniaxial"', '"rolled"', "twin.pressing: "),
        ('voxel = "1 um"', 'voxel = "1 kg"', "twin.voxel: "),
        ("seed = 7", "seed = 1.5", "twin.seed: "),
    ],
)
def test_bad_keys_are_refused(edited: Edited, old: str, new: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        ss.load(edited(("[rating]", TABLE), (old, new)))
    assert message in str(caught.value)


def test_percentiles_come_in_pairs(edited: Edited) -> None:
    design = ss.load(edited(("[rating]", TABLE.replace('particle_d10 = "4 um"\n', ""))))
    with pytest.raises(DesignError, match="give particle_d10 and particle_d90 together, or neither"):
        build(design)


def test_size_and_voxel_of_their_own(design: ss.Design, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two particles wide at least, and as many voxels as usual where the film would take more."""
    # the package's name of the module is the function
    monkeypatch.setattr(targets, "USUAL_VOXELS", 8e3)
    structure = build(design)
    assert structure.labels.size == pytest.approx(8e3, rel=0.15)
    assert structure.size[1] == pytest.approx(2 * 8.55 * UM, rel=0.05)
    assert len(set(structure.shape)) == 1


def test_the_thickness_is_that_of_the_coating(design: ss.Design) -> None:
    structure = build(design, size="12 um", voxel="1 um")
    assert structure.size[0] == pytest.approx(float(ss.evaluate(design).positive.thickness), abs=0.5 * UM)
    assert structure.shape == (55, 12, 12)
    assert build(design, size=["14 um", 12e-6, "11 um"], voxel=1e-6).shape == (14, 12, 11)


# bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "12 um", "voxel": "40 um"}, "voxel: 40 um is larger than the volume, 12 um; choose a smaller one"),
        ({"arrangement": "fcc"}, 'arrangement: "fcc" is not recognised; choose random or close-packed'),
        ({"pressing": "hot"}, 'pressing: "hot" is not recognised; choose isostatic or uniaxial'),
        ({"seed": -1}, "seed: -1 is not a whole number of 0 or more"),
        ({"seed": True}, "seed: True is not a whole number of 0 or more"),
        ({"size": ["16 um", "16 um"]}, "size: expected one edge or three (x, y, z); received 2"),
        ({"size": 0.0}, 'size: 0.0 is not a length above 0; write for example "40 um"'),
        ({"voxel": math.nan}, 'voxel: nan is not a length above 0; write for example "40 um"'),
        ({"size": "16 kg"}, '"16 kg" is a mass; expected a length, for example "82 um"'),
        ({"voxel": "1 nm"}, "voxel: 16000 x 16000 x 16000 voxels are more than 2147483648; choose larger voxels or a "),
        (
            {"arrangement": "close-packed", "sizes": LogNormal(4 * UM, 8.55 * UM, 14 * UM)},
            "arrangement: close packing needs equal spheres; leave out the size distribution, or choose random",
        ),
        (
            {"electrolyte": Particles(1e-9)},
            "solid electrolyte particles of 0.001 um: ",
        ),
        (
            {"size": "5 um", "thickness": "5 um"},
            "the box has 5 um along x, less than the largest particle, 5.47 um; make it larger",
        ),
    ],
)
def test_bad_input(design: ss.Design, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        small(design, **options)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("size", [0.0, -1e-6, math.nan])
def test_additives_have_a_size(size: float) -> None:
    for kind in (AtSurfaces, Dispersed):
        with pytest.raises(StructureError, match="the cluster size of an additive must be a length above 0; received"):
            kind(size)


def test_too_much_active_material(edited: Edited) -> None:
    full = (
        ('NCM622 = "93 wt%", SPE = "5 wt%", "carbon black" = "2 wt%"', 'NCM622 = "99 wt%", SPE = "1 wt%"'),
        ('density = "3.5 g/cm^3" ', 'density = "4.65 g/cm^3" '),
        ('active_share = "93 wt%"', 'active_share = "99 wt%"'),
    )
    with pytest.raises(StructureError) as caught:
        small(ss.load(edited(*full)), voxel="1 um")
    assert str(caught.value).startswith("spheres that cover 0.967 of the box would have ")
    assert str(caught.value).endswith("Lower the volume fraction, or use a wider size distribution")


def test_one_design_only(design: ss.Design) -> None:
    with pytest.raises(DesignError) as caught:
        small(design.with_(positive__loading=np.array([0.1, 0.2])))
    assert str(caught.value) == "a structure is built from a single design; this one has arrays of shape (2,)"


def test_memory_is_asked_for_before_it_is_taken(design: ss.Design, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solidstack.twin.memory.available_memory", lambda: 26e3)
    with pytest.raises(StructureError) as caught:
        small(design)
    assert str(caught.value).startswith("Building the structure needs 0.000852 GB (32 x 32 x 32 voxels, 26 bytes each)")
    assert "a cube of 10 voxels would fit" in str(caught.value)


@pytest.mark.parametrize("pressing", ["isostatic", "uniaxial"])
def test_progress_never_goes_back(design: ss.Design, pressing: str) -> None:
    shares: list[float] = []
    small(design, pressing=pressing, progress=lambda state: shares.append(state.share))
    assert len(shares) > 10
    assert shares == sorted(shares)
    assert 0.0 <= shares[0] < 0.1
    assert 0.8 < shares[-1] <= 1.0
