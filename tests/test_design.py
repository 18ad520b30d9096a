import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import solidstack as ss
from solidstack.errors import DesignError

Edited = Callable[..., Path]


def test_example_in_si(design: ss.Design) -> None:
    assert design.temperature == pytest.approx(318.15)
    assert design.positive.loading == pytest.approx(0.1909)
    assert design.positive.composition.shares == pytest.approx({"NCM622": 0.93, "SPE": 0.05, "carbon black": 0.02})
    assert design.stack.positive_size == pytest.approx((0.029, 0.0405))
    assert design.rating.one_c == pytest.approx(180.0)


def test_defaults_of_the_smallest_design() -> None:
    design = ss.Design.from_toml(
        """
        negative = { kind = "anode-free" }
        membrane = { material = "Li6PS5Cl", thickness = "30 um" }
        stack = { bilayers = 5, positive_size = ["50 mm", "70 mm"] }
        [positive]
        composition = { NCM811 = "80 wt%", Li6PS5Cl = "20 wt%" }
        loading = "20 mg/cm^2"
        porosity = "10 %"
        """
    )
    assert design.positive.collector.material == "Al"
    assert design.negative.collector.material == "Cu"
    assert design.pouch.laminate.areal_mass == pytest.approx(0.203)
    assert design.rating.c_rate == pytest.approx(0.5)
    assert ss.evaluate(design).cell.energy > 0


def test_volume_shares_become_mass_shares(edited: Edited) -> None:
    path = edited(
        (
            '{ NCM622 = "93 wt%", SPE = "5 wt%", "carbon black" = "2 wt%" }',
            '{ NCM622 = "70 vol%", SPE = "25 vol%", "carbon black" = "5 vol%" }',
        ),
        ('density = "3.5 g/cm^3" ', 'porosity = "10 %" '),
    )
    shares = ss.load(path).positive.composition.shares
    whole = 0.70 * 4.76 + 0.25 * 1.80 + 0.05 * 2.0
    assert shares == pytest.approx(
        {"NCM622": 0.7 * 4.76 / whole, "SPE": 0.25 * 1.8 / whole, "carbon black": 0.1 / whole}
    )


@pytest.mark.parametrize("key", ["porosity", "thickness"])
def test_density_porosity_and_thickness_are_one(design: ss.Design, key: str) -> None:
    own = ss.evaluate(design).positive
    other = ss.evaluate(design.with_(**{f"positive__{key}": getattr(own, key)})).positive
    assert other.density == pytest.approx(own.density, rel=1e-12)
    assert other.thickness == pytest.approx(own.thickness, rel=1e-12)


def test_agreeing_density_and_thickness_are_allowed(edited: Edited) -> None:
    path = edited(('density = "3.5 g/cm^3" ', 'density = "3.5 g/cm^3"\nthickness = "54.5 um"\nporosity = "18.4 %" '))
    assert ss.load(path).positive.thickness == pytest.approx(54.5e-6)


def test_all_problems_of_a_file_at_once(edited: Edited) -> None:
    path = edited(
        ('loading = "19.09 mg/cm^2"            # dry', 'loading = "19.09 mg/cm"\nlodaing = 3            # dry'),
        ('material = "SPE"', 'material = "SPX"'),
        ("bilayers = 2\npositive_size", "bilayers = 0\npositive_size"),
    )
    with pytest.raises(DesignError) as error:
        ss.load(path)
    found = [(problem.key, problem.line) for problem in error.value.problems]
    assert found == [
        ("positive.loading", 9),
        ("positive.lodaing", 10),
        ("membrane.material", 23),
        ("stack.bilayers", 27),
    ]


def test_with_leaves_the_original(design: ss.Design) -> None:
    changed = design.with_(positive__loading=0.3, membrane__thickness="30 um", temperature="25 degC")
    assert (changed.positive.loading, changed.membrane.thickness) == pytest.approx((0.3, 30e-6))
    assert design.positive.loading == pytest.approx(0.1909)


def test_with_balances_a_share(design: ss.Design) -> None:
    shares = design.with_(positive__composition__NCM622=0.9).positive.composition.shares
    assert shares == pytest.approx({"NCM622": 0.9, "SPE": 0.08, "carbon black": 0.02})
    shares = design.with_(positive__composition__SPE="10 wt%").positive.composition.shares
    assert shares == pytest.approx({"NCM622": 0.88, "SPE": 0.10, "carbon black": 0.02})
    shares = design.replaced({("positive", "composition", "Super P"): 0.03}).positive.composition.shares
    assert shares == pytest.approx({"NCM622": 0.93, "SPE": 0.04, "carbon black": 0.03})


def test_with_another_kind_of_negative_starts_afresh(design: ss.Design) -> None:
    assert design.with_(negative__kind="graphite").negative.n_p_ratio == 1.1
    assert design.with_(negative__kind="lithium-foil").negative.thickness == pytest.approx(40e-6)


def test_a_density_of_the_design_replaces_the_materials(design: ss.Design) -> None:
    """1.30 g/cm3 for SPE: the membrane weighs 1.30/1.80 of before, and the balance threshold moves."""
    own, other = (
        ss.evaluate(design),
        ss.evaluate(design.with_(densities={"SPE": "1.30 g/cm^3"}, positive__porosity=0.1)),
    )
    assert other.mass_breakdown["membrane"] == pytest.approx(own.mass_breakdown["membrane"] * 1.30 / 1.80)
    assert other.thresholds.balance_am_of_am_and_se == pytest.approx(
        0.74048 * 4.76 / (0.74048 * 4.76 + 0.25952 * 1.3), rel=1e-5
    )


def test_volume_shares_use_the_densities_of_the_design(edited: Edited) -> None:
    path = edited(
        (
            '{ NCM622 = "93 wt%", SPE = "5 wt%", "carbon black" = "2 wt%" }',
            '{ NCM622 = "70 vol%", SPE = "25 vol%", "carbon black" = "5 vol%" }',
        ),
        ('density = "3.5 g/cm^3" ', 'porosity = "10 %" '),
        ("[membrane]", '[densities]\nSPE = "1.30 g/cm^3"\n[membrane]'),
    )
    positive = ss.evaluate(ss.load(path)).positive
    assert (positive.am_volume_fraction, positive.se_volume_fraction) == pytest.approx((0.70, 0.25))


def test_a_stored_sheet_brings_its_own_materials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = (Path("src/solidstack/materials/data") / "spe.toml").read_text(encoding="utf-8")
    (tmp_path / "spe.toml").write_text(own.replace('value = "1.80 g/cm^3"', 'value = "1.35 g/cm^3"'), encoding="utf-8")
    shipped = ss.evaluate(ss.load("examples/pouch-0.16Ah.toml"))
    monkeypatch.setenv("SOLIDSTACK_MATERIALS", str(tmp_path))
    sheet = ss.evaluate(ss.load("examples/pouch-0.16Ah.toml"))
    (tmp_path / "sheet.json").write_text(sheet.to_json(), encoding="utf-8")
    monkeypatch.delenv("SOLIDSTACK_MATERIALS")
    again = ss.evaluate(ss.load(tmp_path / "sheet.json"))
    assert again.cell.mass == sheet.cell.mass != shipped.cell.mass
    assert again.design.fingerprint() == sheet.design.fingerprint() != shipped.design.fingerprint()
    assert any("material SPE is your own" in text for text in again.warnings)


def test_with_drops_the_other_ways_to_give_density(design: ss.Design) -> None:
    changed = design.with_(positive__porosity=0.1)
    assert (changed.positive.density, changed.positive.porosity) == (None, 0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positive__lodaing": 0.1}, 'positive.lodaing: unknown key; did you mean "loading"?'),
        (
            {"positive__loading": -0.1},
            "positive.loading: -10 mg/cm^2 is out of bounds: areal mass must be above 0 mg/cm^2",
        ),
        (
            {"positive__loading": np.array([0.1, np.nan])},
            "positive.loading: is not finite (nan); every value must be a number",
        ),
        ({"positive__loading": np.array([])}, "positive.loading: is an empty array; it needs at least one value"),
        (
            {"positive__composition__NCM622": 0.99},
            "positive.composition.NCM622: leaves -1 wt% for SPE, which balances it; it can be at most 98 wt%",
        ),
        (
            {"positive__composition__LFP": 0.1},
            "positive.composition.LFP: is not in the composition, which has NCM622, SPE, carbon black",
        ),
        ({"stack__bilayers": 2.5}, "stack.bilayers: 2.5 is not a whole number from 1 to 1000"),
        ({"name__x": 1}, "name: has no key x"),
        (
            {"positive__loading": np.ones(3) * 0.2, "membrane__thickness": np.ones(2) * 1e-5},
            "arrays do not broadcast against each other: positive.loading (3,), membrane.thickness (2,)",
        ),
        ({"positive__loading": np.True_}, "positive.loading: is a bool; use a number or an array of numbers in SI"),
        ({"stack__bilayers": np.array([True])}, "stack.bilayers: is a ndarray; write a whole number from 1 to 1000"),
        (
            {"positive__composition": {"NCM622": 0.5, "NMC622": 0.4, "SPE": 0.1}},
            "positive.composition: NCM622 appears twice, as NCM622 and as NMC622; add the two together",
        ),
    ],
)
def test_with_refuses_what_a_file_would(design: ss.Design, change: dict[str, object], message: str) -> None:
    with pytest.raises(DesignError) as error:
        design.with_(**change)
    assert str(error.value) == message


def test_shape_of_arrays(design: ss.Design) -> None:
    assert design.is_single
    grid = design.with_(positive__loading=np.ones((3, 1)) * 0.2, membrane__thickness=np.ones(4) * 3e-5)
    assert grid.shape == (3, 4)
    with pytest.raises(DesignError, match="only a single design can be written"):
        grid.to_toml()


def test_round_trip_of_the_example(design: ss.Design) -> None:
    assert ss.Design.from_toml(design.to_toml()) == design
    assert ss.Design.from_dict(json.loads(json.dumps(design.to_dict()))) == design


LENGTH = st.floats(1e-3, 0.5)
NEGATIVES = st.one_of(
    st.fixed_dictionaries({"kind": st.just("lithium-foil"), "thickness": st.floats(1e-6, 1e-4)}),
    st.fixed_dictionaries({"kind": st.just("lithium-on-collector"), "thickness": st.floats(1e-6, 1e-4)}),
    st.fixed_dictionaries({"kind": st.just("graphite"), "n_p_ratio": st.floats(0.5, 2.0)}),
    st.fixed_dictionaries({"kind": st.just("silicon"), "porosity": st.floats(0.0, 0.5)}),
    st.fixed_dictionaries({"kind": st.just("anode-free"), "first_cycle_efficiency": st.floats(0.5, 1.0)}),
)


@settings(max_examples=60, deadline=None)
@given(
    active=st.floats(0.5, 0.97),
    loading=st.floats(0.01, 1.0),
    porosity=st.floats(0.0, 0.6),
    thickness=st.floats(1e-6, 1e-3),
    temperature=st.floats(250.0, 400.0),
    size=st.tuples(LENGTH, LENGTH),
    bilayers=st.integers(1, 60),
    negative=NEGATIVES,
)
def test_a_design_survives_file_and_json(
    active: float,
    loading: float,
    porosity: float,
    thickness: float,
    temperature: float,
    size: tuple[float, float],
    bilayers: int,
    negative: dict[str, object],
) -> None:
    """The very same floats come back, and so the very same sheet."""
    design = ss.load("examples/pouch-0.16Ah.toml").with_(
        positive__composition__NCM622=active,
        positive__loading=loading,
        positive__porosity=porosity,
        membrane__thickness=thickness,
        temperature=temperature,
        stack__positive_size=size,
        stack__bilayers=bilayers,
        negative=negative,
    )
    again = ss.Design.from_toml(design.to_toml())
    assert again == design
    assert ss.Design.from_dict(json.loads(json.dumps(design.to_dict()))) == design
    first, second = ss.evaluate(design).to_json(), ss.evaluate(again).to_json()
    assert first == second


def test_design_json_may_be_a_stored_sheet(tmp_path: Path, design: ss.Design) -> None:
    path = tmp_path / "sheet.json"
    path.write_text(ss.evaluate(design).to_json(), encoding="utf-8")
    assert ss.load(path) == design


def test_json_schema_accepts_the_examples_and_refuses_what_we_refuse() -> None:
    schema = ss.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in sorted(Path("examples").glob("*.toml")):
        validator.validate(tomllib.loads(path.read_text(encoding="utf-8")))
    data = tomllib.loads(Path("examples/pouch-0.16Ah.toml").read_text(encoding="utf-8"))
    for change in ({"lodaing": 1}, {"negative": {"kind": "wood"}}, {"stack": {"bilayers": 0}}, {"positive": {}}):
        assert not validator.is_valid(data | change), change


def test_shipped_json_schema_is_current() -> None:
    assert json.loads(Path("examples/design.schema.json").read_text(encoding="utf-8")) == ss.json_schema()


def test_with_material_changes_it_everywhere(design: ss.Design) -> None:
    swapped = design.with_(positive__ionic_conductivity=0.2).with_material("SPE", "LPSCl")
    assert list(swapped.positive.composition.shares) == ["NCM622", "Li6PS5Cl", "carbon black"]
    assert swapped.membrane.material == "Li6PS5Cl"
    assert swapped.positive.ionic_conductivity is None


def test_notebook_display(design: ss.Design) -> None:
    page = design.with_(name="<b>bold</b>")._repr_html_()
    assert "&lt;b&gt;bold" in page
    assert "<b>bold" not in page
    assert "positive.loading" in page
    assert "19.09 mg/cm^2" in page


def test_a_design_prints_as_a_few_lines(design: ss.Design) -> None:
    assert str(design) == repr(design)
    assert str(design).splitlines() == [
        'Design "NCM622 pouch, 2 bilayers"',
        "  positive     NCM622, SPE, carbon black; 19.09 mg/cm^2",
        "  negative     lithium-foil",
        "  membrane     SPE, 82 um",
        "  stack        bilayers: 2; positives of 29 mm x 40.5 mm",
        "  temperature  45 degC",
    ]


def test_an_array_of_designs_prints_its_shape_and_ranges(design: ss.Design) -> None:
    text = str(design.with_(positive__loading=np.array([[0.1], [0.4]]), stack__bilayers=np.array([1, 2, 5])))
    assert text.splitlines()[0] == 'Design "NCM622 pouch, 2 bilayers": array of designs, shape (2, 3)'
    assert "NCM622, SPE, carbon black; 10 to 40 mg/cm^2" in text
    assert "bilayers: 1 to 5;" in text
