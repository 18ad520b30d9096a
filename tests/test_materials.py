from pathlib import Path

import numpy as np
import pytest

from solidstack import materials, units
from solidstack.constants import GAS
from solidstack.errors import MaterialError
from solidstack.materials.library import SHIPPED

LIBRARY = materials.default_library()

GOOD = """name = "my SE"
role = "solid-electrolyte"
[[density]]
value = "2.1 g/cm^3"
quality = "measured"
source = "lab book 7"
[[ionic_conductivity]]
value = "3 mS/cm"
temperature = "25 degC"
activation_energy = "0.3 eV"
quality = "measured"
source = "lab book 7"
"""


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_files_are_valid_and_say_where_each_value_is_from(path: Path) -> None:
    material = materials.read(path)
    for name in materials.Material.model_fields:
        for entry in getattr(material, name) if isinstance(getattr(material, name), tuple) else ():
            if isinstance(entry, materials.Entry):
                assert len(entry.source) > 3, (name, entry)


def test_no_two_materials_share_a_name_or_alias() -> None:
    names = [n.casefold() for name in LIBRARY for n in (name, *LIBRARY[name].aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "density"),
    [
        ("NCM622", 4.76),
        ("NCM811", 4.79),
        ("SPE", 1.80),
        ("Li6PS5Cl", 1.54),
        ("Li3InCl6", 2.59),
        ("LLZO", 5.01),
        ("Li", 0.534),
        ("Cu", 8.96),
        ("Al", 2.70),
        ("graphite", 2.24),
        ("Si", 2.33),
        ("LCO", 5.1),
        ("LFP", 3.60),
        ("LNMO", 4.45),
    ],
)
def test_default_densities_are_those_of_the_reference(name: str, density: float) -> None:
    assert LIBRARY[name].value("density") == pytest.approx(density * 1e3)


def test_disagreeing_sources_are_all_shipped() -> None:
    """The reference's density of Li6PS5Cl is below the X-ray density; both are there, one is the default."""
    found = [entry.value / 1e3 for entry in LIBRARY["Li6PS5Cl"].density]
    assert found[0] == pytest.approx(1.54)
    assert max(found) == pytest.approx(1.87, abs=0.01)
    assert sum(entry.default for entry in LIBRARY["Li6PS5Cl"].density) == 1


def test_conductivity_spread_over_samples() -> None:
    for name in ("LLZO", "LATP", "Li10GeP2S12"):
        spread = LIBRARY[name].conductivity_spread
        assert spread is not None
        assert spread.low < spread.median < spread.high
        assert 0.1 < spread.decades < 2.5


@pytest.mark.parametrize("convention", ["sigma T", "sigma"])
def test_arrhenius(convention: str) -> None:
    entry = materials.Conductivity(
        value=0.1, temperature=300.0, activation_energy=2e4, arrhenius=convention, quality="assumed", source="test"
    )
    assert entry.at(300.0) == pytest.approx(0.1, rel=1e-14)
    temperatures = np.array([280.0, 300.0, 330.0])
    values = entry.at(temperatures) * (temperatures if convention == "sigma T" else 1.0)
    slopes = np.diff(np.log(values)) / np.diff(1.0 / temperatures)
    np.testing.assert_allclose(slopes, -2e4 / GAS, rtol=1e-10)
    assert [entry.at(float(t)) for t in temperatures] == pytest.approx(entry.at(temperatures).tolist())


def test_conductivity_of_the_polymer_rises_as_published() -> None:
    """1.08 mS/cm at 30 degC with 0.10 eV gives 1.23 mS/cm at 45 degC (sigma T convention)."""
    entry = LIBRARY["SPE"].default("ionic_conductivity")
    assert entry.at(318.15) == pytest.approx(
        0.1 * 1.08 * 303.15 / 318.15 * np.exp(9648.533 / GAS * (1 / 303.15 - 1 / 318.15)), rel=1e-6
    )


def test_without_activation_energy_the_value_stays() -> None:
    entry = LIBRARY["Li6PS5Cl"].default("ionic_conductivity")
    assert entry.activation_energy is None
    np.testing.assert_array_equal(entry.at(np.array([250.0, 350.0])), [entry.value, entry.value])
    assert entry.covers(entry.temperature)
    assert not entry.covers(entry.temperature + 11.0)


def test_unknown_material_offers_the_nearest() -> None:
    with pytest.raises(MaterialError) as error:
        LIBRARY["NCM662"]
    assert str(error.value) == (
        'there is no material "NCM662"; did you mean "NCM622" or "NMC622"? '
        'Add your own with "solidstack materials add FILE"'
    )


def test_alias_and_case_do_not_matter() -> None:
    assert LIBRARY["nmc622"] is LIBRARY["NCM622"]
    assert "lithium" in LIBRARY


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"2.1 g/cm^3"', '"2.1"', 'line 4: density.0.value: "2.1" has no unit; write for example "2.1 g/cm^3"'),
        ('"2.1 g/cm^3"', "2.1", 'line 4: density.0.value: 2.1 has no unit; write for example "2.1 g/cm^3"'),
        (
            '"2.1 g/cm^3"',
            '"-2.1 g/cm^3"',
            'line 4: density.0.value: "-2.1 g/cm^3" is out of bounds: density must be above 0 g/cm^3',
        ),
        (
            '"3 mS/cm"',
            '"3 ohm"',
            'line 8: ionic_conductivity.0.value: "3 ohm" is a resistance; expected a conductivity, for '
            'example "1 mS/cm"',
        ),
        (
            'role = "solid-electrolyte"',
            'role = "electrolyte"',
            'line 2: role: "electrolyte" is not recognised; did you mean "solid-electrolyte"? Choose one of '
            "active-material, solid-electrolyte, conductive-additive, binder, metal, polymer",
        ),
        ('quality = "measured"', "", "line 3: density.0.quality: is missing"),
        ("[[density]]", "[[densty]]", 'line 3: densty: unknown key; did you mean "density"?'),
    ],
)
def test_a_wrong_material_file_is_told_with_key_and_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "m.toml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MaterialError) as error:
        materials.read(path)
    assert message in str(error.value)


def test_two_values_need_one_default(tmp_path: Path) -> None:
    more = '[[density]]\nvalue = "2.2 g/cm^3"\nquality = "assumed"\nsource = "a guess"\n'
    path = tmp_path / "m.toml"
    path.write_text(GOOD + more, encoding="utf-8")
    with pytest.raises(MaterialError, match="density: 2 values and 0 marked default; mark exactly one"):
        materials.read(path)
    path.write_text(GOOD + more + "default = true\n", encoding="utf-8")
    assert materials.read(path).value("density") == pytest.approx(2200.0)


def test_aliases_that_are_no_list_are_told_when_the_material_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.toml").write_text("aliases = 3\n" + GOOD, encoding="utf-8")
    monkeypatch.setenv("SOLIDSTACK_MATERIALS", str(tmp_path))
    assert materials.default_library()["NCM622"].name == "NCM622"
    with pytest.raises(MaterialError, match="line 1: aliases: is a number; expected a list"):
        materials.default_library()["my SE"]


def test_a_role_needs_its_properties(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(GOOD.split("[[ionic")[0], encoding="utf-8")
    with pytest.raises(MaterialError, match="a solid-electrolyte needs ionic_conductivity"):
        materials.read(path)


def test_user_materials_from_folder_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "a.toml").write_text(GOOD, encoding="utf-8")
    single = tmp_path / "b.toml"
    single.write_text(GOOD.replace("my SE", "SPE").replace("2.1 g", "1.3 g"), encoding="utf-8")
    monkeypatch.setenv("SOLIDSTACK_MATERIALS", f"{folder}:{single}")
    library = materials.default_library()
    assert library["my se"].value("density") == pytest.approx(2100.0)
    assert library["SPE"].value("density") == pytest.approx(1300.0)
    assert library.shadowed() == {"SPE": str(single)}
    # a changed file is seen without a restart
    single.write_text(GOOD.replace("my SE", "SPE").replace("2.1 g", "1.45 g"), encoding="utf-8")
    assert materials.default_library()["SPE"].value("density") == pytest.approx(1450.0)


def test_missing_place_of_the_environment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLIDSTACK_MATERIALS", "/nowhere/at/all")
    with pytest.raises(MaterialError, match='SOLIDSTACK_MATERIALS: there is no file or folder "/nowhere/at/all"'):
        materials.default_library()


def test_add_copies_what_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(GOOD, encoding="utf-8")
    ((material, place, replaced),) = materials.add(path)
    assert not replaced
    assert materials.add(path)[0][2]
    assert place.read_text(encoding="utf-8") == GOOD
    assert materials.default_library()["my SE"] == material
    bad = tmp_path / "bad.toml"
    bad.write_text(GOOD.replace("2.1 g/cm^3", "2.1 g"), encoding="utf-8")
    with pytest.raises(MaterialError):
        materials.add(bad)
    assert [p.name for p in place.parent.iterdir()] == [place.name]


def test_add_a_folder_takes_all_or_nothing(tmp_path: Path) -> None:
    with pytest.raises(MaterialError, match="is a folder without .toml files"):
        materials.add(tmp_path)
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(GOOD.replace("my SE", name), encoding="utf-8")
    (tmp_path / "zero.toml").write_text(GOOD.replace("g/cm^3", "g"), encoding="utf-8")
    with pytest.raises(MaterialError):
        materials.add(tmp_path)
    assert "one" not in materials.default_library()
    (tmp_path / "zero.toml").unlink()
    assert [material.name for material, _, _ in materials.add(tmp_path)] == ["one", "two"]
    assert "two" in materials.default_library()


def test_add_keeps_another_material_whose_name_looks_alike(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    for name in ("a b", "a-b", "β-Li₃PS₄", "a b"):
        path.write_text(GOOD.replace("my SE", name), encoding="utf-8")
        materials.add(path)
    library = materials.default_library()
    assert {"a b", "a-b", "β-Li₃PS₄"} <= set(library)
    assert len(list(materials.library.user_folder().iterdir())) == 3


def test_every_property_is_shown_in_a_unit_it_can_be_read_in() -> None:
    """A material survives its own JSON."""
    for name in LIBRARY:
        material = LIBRARY[name]
        data = material.model_dump(mode="json", exclude_none=True)
        assert materials.Material.model_validate(data, context={"file": True}) == material


def test_units_of_conductivity() -> None:
    assert LIBRARY["SPE"].default("ionic_conductivity").value == pytest.approx(units.MS_CM.to_si(1.08))
