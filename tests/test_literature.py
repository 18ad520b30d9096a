"""Published cells: the shipped table, its schema, the user's own rows, the common mass basis, the figure."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

import solidstack as ss
from solidstack import literature, units
from solidstack.errors import InputError, LiteratureError
from solidstack.literature import MeasuredCell, find, normalised, read, read_measured
from solidstack.literature.schema import SHIPPED, PublishedCell, Value
from solidstack.plot.literature import MARKERS, design_point, draw_literature, points

ROW = """[[cell]]
key = "own-2026"
doi = "10.1000/own"
year = 2026
authors = "Own et al."
title = "A row of the test"
family = "sulfide"
active_material = "LiNi0.8Mn0.1Co0.1O2"
catholyte = "Li6PS5Cl"
membrane = "Li6PS5Cl"
negative = "Li-In"
active_library = "NCM811"
membrane_library = "Li6PS5Cl"
active_share = { value = "80 wt%", quality = "stated", how = "methods" }
coating_loading = { value = "25 mg/cm^2", quality = "stated", how = "methods" }
specific_capacity = { value = "180 mAh/g", quality = "figure", how = "figure 3" }
average_voltage = { value = "3.2 V", quality = "figure", how = "figure 3", against = "negative" }
membrane_thickness = { value = "100 um", quality = "stated", how = "methods" }
membrane_density = { value = "1.5 g/cm^3", quality = "stated", how = "methods" }
reading = "paper"
read_at = "https://example.org/own"
evidence = "Loading, share and membrane are in the methods section."
"""


def written(folder: Path, *changes: tuple[str, str], name: str = "cells.toml", row: str = ROW) -> Path:
    text = row
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / name
    path.write_text(text)
    return path


def cell_of(folder: Path, *changes: tuple[str, str]) -> PublishedCell:
    return read(written(folder, *changes))[0]


# the shipped table


def test_the_shipped_table_is_sound() -> None:
    cells = literature.shipped()
    assert len(cells) >= 30
    keys = [cell.key for cell in cells]
    assert len(set(keys)) == len(keys)
    for cell in cells:
        assert re.fullmatch(r"10\.\d{4,9}/\S+", cell.doi), cell.key
        assert 2010 <= cell.year <= 2026, cell.key
        assert len(cell.evidence) > 40, cell.key
        assert any(cell.values()), cell.key


def test_every_shipped_value_has_its_origin() -> None:
    for cell in literature.shipped():
        for name, value in cell.values():
            assert isinstance(value, Value)
            assert value.quality in ("stated", "derived", "figure"), (cell.key, name)
            assert len(value.how) >= 3, (cell.key, name)
            assert math.isfinite(value.value), (cell.key, name)
            if value.quality == "figure":
                assert "figure" in value.how, (cell.key, name)


def test_library_names_of_the_shipped_table_exist() -> None:
    from solidstack.materials import default_library

    library = default_library()
    for cell in literature.shipped():
        for name in (cell.active_library, cell.membrane_library):
            assert name is None or name in library, (cell.key, name)


def test_each_family_has_a_shape() -> None:
    assert {cell.family for cell in literature.shipped()} <= set(MARKERS)


def test_masses_of_pellets_are_mass_over_area() -> None:
    cells = {cell.key: cell for cell in literature.shipped()}
    for key, name, mass, diameter in (
        ("shi-2020", "coating_loading", 5.0, 8.0),
        ("shi-2020", "membrane_loading", 35.0, 8.0),
        ("wang-2023", "membrane_loading", 80.0, 10.0),
        ("wang-2023", "coating_loading", 5.0, 10.0),
        ("xu-2024", "membrane_loading", 120.0, 10.0),
        ("zhou-2024", "membrane_loading", 240.0, 13.0),
        ("yanev-2024", "membrane_loading", 150.0, 10.0),
        ("yanev-2024", "coating_loading", 15.0, 10.0),
        ("oh-2025", "membrane_loading", 150.0, 13.0),
    ):
        area = math.pi / 4.0 * (diameter / 10.0) ** 2
        assert units.MG_CM2.of(getattr(cells[key], name).value) == pytest.approx(mass / area, rel=5e-3), (key, name)


# normalised specific energy


def test_normalised_by_hand() -> None:
    """0.93 * 19.09 mg/cm2 * 187 mAh/g = 3.32 mAh/cm2; times 3.81 V = 12.65 mWh/cm2; over 19.09 + 8.2e-3 * 1800 mg."""
    cell = next(cell for cell in literature.load() if cell.key == "nat-commun-2024")
    energy = 3.32 * 3.81  # mWh/cm2
    membrane = 82e-4 * 1.80e3  # mg/cm2
    assert normalised(cell).value / 3600.0 == pytest.approx(1e3 * energy / (19.09 + membrane), rel=1e-9)
    lithium = 1e3 * 3.32 / 3860.0  # mg/cm2
    with_lithium = normalised(cell, "with-lithium")
    assert with_lithium.value / 3600.0 == pytest.approx(1e3 * energy / (19.09 + membrane + lithium), rel=1e-9)
    electrodes = normalised(cell, "with-electrodes")
    assert electrodes.value / 3600.0 == pytest.approx(1e3 * energy / (19.09 + membrane + 2.70 + 1.07), rel=1e-9)


def test_normalised_agrees_with_the_sheet_of_the_same_cell(sheet: ss.Sheet) -> None:
    cell = next(cell for cell in literature.load() if cell.key == "nat-commun-2024")
    for basis, name in (
        ("coating-membrane", "coating_and_membrane"),
        ("with-lithium", "coating_membrane_and_lithium"),
    ):
        assert normalised(cell, basis).value == pytest.approx(getattr(sheet.normalised, name), rel=2e-3)
    own = sheet.electrode_energy.with_negative_and_membrane
    assert normalised(cell, "with-electrodes").value == pytest.approx(own, rel=2e-3)


def test_the_formula_is_that_of_designs(sheet: ss.Sheet) -> None:
    value = literature.specific_energy(
        sheet.positive.areal_capacity, sheet.unit.voltage, sheet.positive.loading, sheet.unit.membrane.areal_mass
    )
    assert value == pytest.approx(sheet.normalised.coating_and_membrane, rel=1e-12)


def test_derived_values_say_how(tmp_path: Path) -> None:
    cell = cell_of(tmp_path)
    active = find(cell, "active_loading")
    assert active is not None
    assert (active.origin, active.how) == ("derived", "coating_loading * active_share")
    assert active.value == pytest.approx(0.2)
    capacity = find(cell, "areal_capacity")
    assert capacity is not None
    assert capacity.text() == "3.6 mAh/cm^2"
    share = find(cell, "active_share")
    assert share is not None
    assert share.origin == "stated"
    assert find(cell, "negative_loading") is None


def test_missing_values_are_named_not_guessed(tmp_path: Path) -> None:
    voltage = 'average_voltage = { value = "3.2 V", quality = "figure", how = "figure 3", against = "negative" }\n'
    membrane = (
        'membrane_thickness = { value = "100 um", quality = "stated", how = "methods" }\n'
        'membrane_density = { value = "1.5 g/cm^3", quality = "stated", how = "methods" }\n'
    )
    cell = cell_of(tmp_path, (voltage, ""), (membrane, ""))
    energy = normalised(cell)
    assert math.isnan(energy.value)
    assert energy.missing == (
        "the average voltage is not stated",
        "neither the thickness nor the mass of the membrane is stated",
    )

    given = normalised(cell, membrane_thickness=30e-6, average_voltage=3.5)
    density = 1540.0  # the library's default of Li6PS5Cl
    assert given.value == pytest.approx(3.6 * 36000 * 3.5 / (0.25 + 30e-6 * density), rel=1e-9)
    assert given.assumed
    assert {known.origin for known in given.inputs} == {"stated", "derived", "given", "library"}

    library = normalised(cell, membrane_thickness=30e-6, library_voltage=True)
    assert library.value / given.value == pytest.approx(3.86 / 3.5, rel=2e-2)
    assert library.notes == ("the voltage is against lithium; the cell has Li-In",)


def test_what_the_row_has_goes_before_what_is_given(tmp_path: Path) -> None:
    cell = cell_of(tmp_path)
    same = normalised(cell, membrane_thickness=1e-6, average_voltage=9.0, library_voltage=True)
    assert same.value == normalised(cell).value
    assert not same.assumed


def test_membrane_of_a_material_that_nobody_knows(tmp_path: Path) -> None:
    density = 'membrane_density = { value = "1.5 g/cm^3", quality = "stated", how = "methods" }\n'
    cell = cell_of(tmp_path, (density, ""), ('membrane_library = "Li6PS5Cl"\n', ""))
    assert normalised(cell).missing == (
        "the density of the membrane (Li6PS5Cl) is not stated nor in the material library",
    )


def test_basis_and_given_values_are_checked(tmp_path: Path) -> None:
    cell = cell_of(tmp_path)
    unknown: str = "everything"
    with pytest.raises(
        LiteratureError,
        match=r'basis "everything" is not recognised; choose one of coating-membrane, with-lithium, with-electrodes',
    ):
        normalised(cell, unknown)  # type: ignore[arg-type]
    with pytest.raises(LiteratureError, match=r"membrane_thickness is -1.0; it must be a finite number above 0, in SI"):
        normalised(cell, membrane_thickness=-1.0)
    wrong = cell_of(tmp_path, ('"NCM811"', '"NCM999"'), ("average_voltage = {", "# average_voltage = {"))
    with pytest.raises(
        LiteratureError,
        match=r'cell own-2026: active_library "NCM999" is not in the material library; correct the name',
    ):
        normalised(wrong, library_voltage=True)


# the schema

PROBLEMS = {
    "doi": (
        ('"10.1000/own"', '"https://doi.org/10.1000/own"'),
        'line 3: cell.0.doi: "https://doi.org/10.1000/own" is not a DOI; write it as 10.1038/s41560-020-0575-z, '
        "without https://doi.org/",
    ),
    "key": (
        ('"own-2026"', '"Own 2026"'),
        'line 2: cell.0.key: "Own 2026" is not a key; use lower-case letters, digits and hyphens, as in lee-2020',
    ),
    "year": (("2026\nauthors", '"2026"\nauthors'), "line 4: cell.0.year: is '2026'; write a year, 1970 to 2100"),
    "family": (
        ('"sulfide"', '"sulphide"'),
        'line 7: cell.0.family: "sulphide" is not recognised; did you mean "sulfide"? Choose one of sulfide, halide, '
        "oxide, polymer, other",
    ),
    "unknown key": (
        ("active_share", "active_shares"),
        'line 14: cell.0.active_shares: unknown key; did you mean "active_share" or "active_library"?',
    ),
    "no unit": (('"25 mg/cm^2"', "25"), 'line 15: cell.0.coating_loading.value: 25 has no unit; write for example "25'),
    "wrong unit": (
        ('"180 mAh/g"', '"180 mAh"'),
        'line 16: cell.0.specific_capacity.value: "180 mAh" is a charge; expected a charge per mass, for example',
    ),
    "out of bounds": (
        ('"80 wt%"', '"180 wt%"'),
        'line 14: cell.0.active_share.value: "180 wt%" is out of bounds: mass fraction must be at most 100 wt%',
    ),
    "no origin": (
        ('value = "80 wt%", quality = "stated", how = "methods"', 'value = "80 wt%", how = "methods"'),
        "line 14: cell.0.active_share.quality: is missing",
    ),
    "unknown origin": (
        ('"80 wt%", quality = "stated"', '"80 wt%", quality = "remembered"'),
        'line 14: cell.0.active_share.quality: "remembered" is not recognised; choose one of stated, derived, figure',
    ),
    "against": (
        (', against = "negative"', ""),
        "line 17: cell.0.average_voltage.against: is missing",
    ),
    "contradiction": (
        (
            'reading = "paper"',
            'areal_capacity = { value = "5 mAh/cm^2", quality = "stated", how = "abstract" }\nreading = "paper"',
        ),
        "line 20: cell.0.areal_capacity: 5 mAh/cm^2 contradicts coating_loading * active_share * specific_capacity, "
        "which is 3.6 mAh/cm^2; correct a value, or remove those of another cell",
    ),
    "density alone": (
        ('membrane_thickness = { value = "100 um", quality = "stated", how = "methods" }\n', ""),
        "line 18: cell.0.membrane_density: is useless without membrane_thickness; add that too",
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_of_a_row(tmp_path: Path, name: str) -> None:
    change, message = PROBLEMS[name]
    path = written(tmp_path, change)
    with pytest.raises(LiteratureError) as error:
        read(path)
    assert f"{path}: {message}" in str(error.value)


def test_all_problems_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, ('"10.1000/own"', '"own"'), ('"25 mg/cm^2"', '"25 um"'), ("year = 2026", "year = 26"))
    with pytest.raises(LiteratureError) as error:
        read(path)
    assert [problem.line for problem in error.value.problems] == [3, 4, 15]


def test_rounding_is_no_contradiction(tmp_path: Path) -> None:
    capacity = 'areal_capacity = { value = "3.8 mAh/cm^2", quality = "stated", how = "abstract" }\n'
    cell = cell_of(tmp_path, ('reading = "paper"', f'{capacity}reading = "paper"'))
    known = find(cell, "areal_capacity")
    assert known is not None
    assert known.text() == "3.8 mAh/cm^2"


def test_a_key_twice(tmp_path: Path) -> None:
    path = written(tmp_path, row=ROW + ROW)
    with pytest.raises(LiteratureError) as error:
        read(path)
    assert str(error.value) == (
        f'{path}: line 24: cell.1.key: "own-2026" is also the key of cell 1; give each cell its own'
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("cell = 3", "line 1: cell: is a number; expected a list"),
        ("cell = []", "line 1: cell: is empty; expected at least one value"),
        (
            "[cell]\nkey = 'a'",
            "is a table; expected a list of tables: write [[cell]] instead of [cell]",
        ),
        ("[[cell", "is not TOML"),
        ("[[cells]]\n", 'line 1: cells: unknown key; did you mean "cell"?'),
    ],
)
def test_files_that_are_no_table_of_cells(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "cells.toml"
    path.write_text(text)
    with pytest.raises(LiteratureError) as error:
        read(path)
    assert message in str(error.value)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file; check the path"):
        read(tmp_path / "none.toml")


# the user's own rows


def test_add_copies_the_file_and_loads_it(tmp_path: Path) -> None:
    before = len(literature.load())
    cells, place, replaced = literature.add(written(tmp_path, name="mine.toml"))
    assert [cell.key for cell in cells] == ["own-2026"]
    assert place == literature.user_folder() / "mine.toml"
    assert not replaced
    assert len(literature.load()) == before + 1
    assert literature.own_keys() == {"own-2026"}
    _, _, again = literature.add(written(tmp_path, ("25 mg", "26 mg"), name="mine.toml"))
    assert again
    own = next(cell for cell in literature.load() if cell.key == "own-2026")
    assert own.coating_loading is not None
    assert own.coating_loading.value == pytest.approx(0.26)


def test_a_wrong_file_is_not_added(tmp_path: Path) -> None:
    with pytest.raises(LiteratureError):
        literature.add(written(tmp_path, ('"10.1000/own"', '"own"')))
    assert not literature.user_folder().exists()


def test_an_own_row_goes_before_the_shipped_one(tmp_path: Path) -> None:
    literature.add(written(tmp_path, ("own-2026", "lee-2020")))
    found = [cell for cell in literature.load() if cell.key == "lee-2020"]
    assert [cell.doi for cell in found] == ["10.1000/own"]


def test_the_environment_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLIDSTACK_LITERATURE", str(written(tmp_path)))
    assert "own-2026" in {cell.key for cell in literature.load()}
    monkeypatch.setenv("SOLIDSTACK_LITERATURE", str(tmp_path))
    assert "own-2026" in {cell.key for cell in literature.load()}
    monkeypatch.setenv("SOLIDSTACK_LITERATURE", str(tmp_path / "none"))
    with pytest.raises(
        LiteratureError, match=r'SOLIDSTACK_LITERATURE: there is no file or folder ".*none"; correct or'
    ):
        literature.load()


def test_a_key_in_two_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = written(tmp_path, name="a.toml"), written(tmp_path, name="b.toml")
    literature.add(first)
    with pytest.raises(
        LiteratureError, match=r'cell.0.key: "own-2026" is also the key of a cell in .*a.toml; change one'
    ):
        literature.add(second)
    monkeypatch.setenv("SOLIDSTACK_LITERATURE", str(second))
    with pytest.raises(
        LiteratureError, match=r'"own-2026" is also the key of a cell in .*a.toml; change one of the two'
    ):
        literature.load()


def test_load_is_sorted_by_year() -> None:
    years = [cell.year for cell in literature.load()]
    assert years == sorted(years)
    assert SHIPPED.is_file()


# measured cells


def test_measured_cells(tmp_path: Path) -> None:
    path = tmp_path / "measured.csv"
    path.write_text(
        "name;active share (wt%);loading (mg/cm^2);areal capacity (mAh/cm^2);specific energy (Wh/kg)\n"
        "A-17;80;25;3,6;210\n;90;20;3;\n"
    )
    first, second = read_measured(path)
    assert (first.name, second.name) == ("A-17", "cell 2")
    assert first.active_share == pytest.approx(0.8)
    assert first.coating_loading == pytest.approx(0.25)
    assert first.areal_capacity == pytest.approx(3.6 * 36000)
    assert first.specific_energy == pytest.approx(210 * 3600)
    assert math.isnan(second.specific_energy)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "name,loading (mg/cm^2),thickness (um),areal capacity (mAh/cm^2)\nA,20,80,3\n",
            'has no column "active share (wt%)"; its columns are: name, loading (mg/cm^2), thickness (um), areal '
            "capacity (mAh/cm^2). Name them in the first line",
        ),
        (
            "name,active share (wt%),loading (mg/cm^2),areal capacity (mAh/cm^2)\nA,0,20,3\n",
            "line 2: active share (wt%): 0 wt% is impossible; it must be above 0 wt% and at most 100 wt%",
        ),
        (
            "name,active share (wt%),loading (mg/cm^2),areal capacity (mAh/cm^2)\nA,80,-20,3\n",
            "line 2: loading (mg/cm^2): -20 mg/cm^2 is impossible; it must be above 0",
        ),
        (
            "name,active share (wt%),loading (um),areal capacity (mAh/cm^2)\nA,80,20,3\n",
            'line 2: loading (um): "20.0 um" is a length; expected an areal mass',
        ),
        ("nothing here\n", "has no row with 3 numbers; expected a table with one row per line"),
    ],
)
def test_measured_cells_that_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "measured.csv"
    path.write_text(text)
    with pytest.raises(LiteratureError) as error:
        read_measured(path)
    assert f"{path}: {message}" in str(error.value)


# the figure


def test_points_are_those_with_share_and_loading(tmp_path: Path) -> None:
    whole = cell_of(tmp_path)
    gap = cell_of(tmp_path, ('key = "own-2026"', 'key = "gap-2026"'), ("active_share = {", "# active_share = {"))
    found = points([whole, gap])
    assert [point.name for point in found] == ["own-2026"]
    point = found[0]
    assert (point.share, point.loading, point.capacity) == pytest.approx((80.0, 25.0, 3.6))
    assert point.energy == pytest.approx(1e3 * 3.6 * 3.2 / (25.0 + 15.0))
    assert (point.marker, point.assumed) == ("o", False)


def test_figure_has_the_points_labels_and_key(sheet: ss.Sheet) -> None:
    cells = literature.load()
    crosses = [MeasuredCell("A-17", 0.88, 0.15, 2.6 * 36000.0)]
    figure = draw_literature(cells, [sheet], crosses, library_voltage=True)
    axes = figure.axes[0]
    drawn = {str(item.get_label()): item for item in axes.collections}
    placed = points(cells, library_voltage=True)
    assert set(drawn) == {point.name for point in placed} | {sheet.design.name, "A-17"}
    for point in placed:
        assert np.asarray(drawn[point.name].get_offsets())[0] == pytest.approx((point.share, point.loading))
    # area is proportional to the areal capacity
    sizes = {point.name: drawn[point.name].get_sizes()[0] for point in placed}  # type: ignore[attr-defined]
    capacity = {point.name: point.capacity for point in placed}
    assert sizes["liu-2024"] / sizes["nat-commun-2024"] == pytest.approx(
        capacity["liu-2024"] / capacity["nat-commun-2024"]
    )
    words = [text.get_text() for text in axes.texts]
    assert {str(number) for number in range(1, len(placed) + 1)} <= set(words)
    assert {"5 mg cm⁻² active", sheet.design.name, "A-17"} <= set(words)
    key = " ".join(text.get_text() for text in figure.axes[-1].texts)
    assert "Nam et al. 2018" in key
    left_out = len(cells) - len(placed)
    assert left_out > 0
    assert f"{left_out} of {len(cells)} published cells are left out" in key


def test_a_design_of_the_same_cell_is_where_the_published_one_is(sheet: ss.Sheet) -> None:
    own = design_point(sheet)
    published = next(point for point in points(literature.load()) if point.name == "nat-commun-2024")
    assert (own.share, own.loading) == pytest.approx((published.share, published.loading))
    assert own.capacity == pytest.approx(published.capacity, rel=2e-3)
    assert own.energy == pytest.approx(published.energy, rel=2e-3)


def test_figure_of_nothing_and_of_designs_alone(sheet: ss.Sheet) -> None:
    assert len(draw_literature([]).axes) >= 4
    figure = draw_literature([], [sheet])
    assert [item.get_label() for item in figure.axes[0].collections] == [sheet.design.name]


def test_lines_join_equal_loadings_of_active_material() -> None:
    axes = draw_literature(literature.load()).axes[0]
    for line in axes.lines:
        share, loading = (np.asarray(values, dtype=float) for values in line.get_data())
        active = share / 100.0 * loading
        assert active == pytest.approx(np.full_like(active, active[0]), rel=1e-9)


@pytest.mark.parametrize("basis", literature.BASES)
def test_the_figure_follows_the_basis(sheet: ss.Sheet, basis: literature.Basis) -> None:
    cells = [cell for cell in literature.load() if cell.key == "nat-commun-2024"]
    (point,) = points(cells, basis=basis)
    assert design_point(sheet, basis).energy == pytest.approx(point.energy, rel=2e-3)
    figure = draw_literature(cells, [sheet], basis=basis)
    assert len(figure.axes[0].collections) == 2


def test_mutated_files_are_read_or_refused(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    path = tmp_path / "cells.toml"
    refused = 0
    for _ in range(300):
        raw = bytearray(ROW.encode())
        for _ in range(int(generator.integers(1, 5))):
            at = int(generator.integers(len(raw)))
            if generator.random() < 0.5:
                raw[at] = int(generator.integers(256))
            else:
                del raw[at : at + int(generator.integers(1, 10))]
        path.write_bytes(bytes(raw))
        try:
            read(path)
        except LiteratureError:
            refused += 1
    assert refused > 200
