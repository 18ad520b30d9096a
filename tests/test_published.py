from typing import Any

import pytest

import solidstack as ss
from solidstack.published import claims


def published(design: ss.Design, **figures: Any) -> ss.Design:
    return design.with_(published=figures)


def test_the_example_agrees_with_itself_and_the_design(design: ss.Design) -> None:
    found = ss.audit(design)
    assert found is not None
    assert found.agrees
    assert not found.conflicts
    assert {item.claim.name for item in found.comparisons} >= {"mass", "capacity", "specific_energy", "bilayers"}


def test_the_published_loading_threshold_stands_beside_the_closed_form() -> None:
    """22.2 mg/cm2 and 73.9 um against about 21 and 73."""
    found = ss.audit(ss.load("examples/loading-threshold.toml"))
    assert found is not None
    own = {item.claim.name: (item.design, item.claim.text) for item in found.comparisons}
    assert own["loading_threshold"] == (pytest.approx(0.2218, abs=5e-4), "21 mg/cm^2")
    assert own["loading_threshold_thickness"] == (pytest.approx(73.9e-6, abs=5e-8), "73 um")


def test_no_table_no_audit(design: ss.Design) -> None:
    assert ss.audit(design.with_(published=None)) is None


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0.16 Ah", 0.155, 0.165),
        ("0.160 Ah", 0.1595, 0.1605),
        ("156 mAh", 0.1555, 0.1565),
        ("200 mAh", 0.195, 0.205),
        ("2e2 mAh", 0.15, 0.25),
        ("200. mAh", 0.1995, 0.2005),
        ("20 mAh", 0.0195, 0.0205),
        ("1500 mAh", 1.495, 1.505),
        ("2.0e2 mAh", 0.195, 0.205),
        ("1.00 Ah", 0.995, 1.005),
    ],
)
def test_digits_are_the_uncertainty(design: ss.Design, text: str, low: float, high: float) -> None:
    claim = claims(published(design, capacity=text).published)["capacity"]
    assert (claim.low / 3600, claim.high / 3600) == pytest.approx((low, high))


def test_rounding_alone_is_no_contradiction(design: ss.Design) -> None:
    """0.16 Ah x 3.8 V over 3 g is 203 Wh/kg; 190 is within what the digits allow, 150 is not."""
    figures = {"capacity": "0.16 Ah", "average_voltage": "3.8 V", "mass": "3 g"}
    for stated, conflicts in (("203 Wh/kg", 0), ("190 Wh/kg", 0), ("150 Wh/kg", 1)):
        found = ss.audit(published(design, specific_energy=stated, **figures))
        assert found is not None
        assert len(found.conflicts) == conflicts, stated


def test_a_contradiction_names_the_smallest_set_and_the_cures(design: ss.Design) -> None:
    found = ss.audit(
        published(
            design,
            mass="2.5 g",
            capacity="0.156 Ah",
            average_voltage="3.81 V",
            specific_energy="203 Wh/kg",
            loading="19 mg/cm^2",
        )
    )
    assert found is not None
    (conflict,) = found.conflicts
    assert {claim.name for claim in conflict.claims} == {"mass", "capacity", "average_voltage", "specific_energy"}
    assert str(conflict) == (
        "cannot all be true: mass 2.5 g, capacity 0.156 Ah, average voltage 3.81 V, specific energy 203 Wh/kg "
        "(energy = capacity x average voltage; specific energy = energy / mass). "
        "Either mass is 2.908 g to 2.948 g, or capacity is 0.13 Ah to 0.1364 Ah, "
        "or average voltage is 3.17 V to 3.337 V, or specific energy is 232 Wh/kg to 243.7 Wh/kg."
    )


def test_each_cure_cures(design: ss.Design) -> None:
    figures = {"mass": "2.5 g", "capacity": "0.156 Ah", "average_voltage": "3.81 V", "specific_energy": "203 Wh/kg"}
    for name, cured in (
        ("mass", "2.93 g"),
        ("capacity", "0.133 Ah"),
        ("average_voltage", "3.25 V"),
        ("specific_energy", "238 Wh/kg"),
    ):
        found = ss.audit(published(design, **(figures | {name: cured})))
        assert found is not None
        assert not found.conflicts


def test_counts_contradict_and_chains_are_followed(design: ss.Design) -> None:
    found = ss.audit(published(design, bilayers=3, coated_sides=4))
    assert found is not None
    assert str(found.conflicts[0]).endswith("Either bilayers is 2, or coated sides is 6.")
    # capacity from loading, share, specific capacity, area and bilayers, through two figures that are not stated
    figures = {"loading": "19.09 mg/cm^2", "active_share": "93 wt%", "specific_capacity": "187 mAh/g"}
    chain = figures | {"positive_area": "11.75 cm^2", "bilayers": 2}
    for capacity, conflicts in (("0.156 Ah", 0), ("0.170 Ah", 1)):
        found = ss.audit(published(design, capacity=capacity, **chain))
        assert found is not None
        assert len(found.conflicts) == conflicts


def test_contradictions_that_share_a_figure_are_all_told(design: ss.Design) -> None:
    """20 Wh is neither 5 Ah x 2.2 V nor 300 Wh/kg x 100 g; no single figure settles both but the energy's own."""
    figures = {"mass": "100 g", "capacity": "5.0 Ah", "energy": "20 Wh", "specific_energy": "300 Wh/kg"}
    found = ss.audit(published(design, average_voltage="2.2 V", **figures))
    assert found is not None
    cores = [{claim.name for claim in conflict.claims} for conflict in found.conflicts]
    assert {"energy", "capacity", "average_voltage"} in cores
    assert {"energy", "mass", "specific_energy"} in cores
    assert {"capacity", "average_voltage", "mass", "specific_energy"} in cores
    assert not any(conflict.settles for conflict in found.conflicts)
    assert str(found.conflicts[0]).endswith("(which settles this contradiction but not the others).")


def test_two_separate_contradictions(design: ss.Design) -> None:
    found = ss.audit(
        published(design, bilayers=3, coated_sides=4, energy="0.60 Wh", volume="2.00 cm^3", energy_density="434 Wh/L")
    )
    assert found is not None
    assert len(found.conflicts) == 2


def test_a_difference_from_the_design_is_told(design: ss.Design) -> None:
    found = ss.audit(published(design, mass="2.5 g", specific_energy="205 Wh/kg"))
    assert found is not None
    assert not found.agrees
    mass, energy = found.comparisons
    assert mass.differs
    assert str(mass) == "mass: stated 2.5 g, the design has 2.914 g (+14.3 % beyond rounding)"
    assert not energy.differs
    assert found.to_dict()["comparisons"][0]["differs"]


def test_a_cell_limited_by_its_negative_may_state_either_areal_capacity(design: ss.Design) -> None:
    """Silicon returns less than the positive has: capacity over area is then below the positive's areal capacity."""
    silicon = design.with_(negative={"kind": "silicon", "first_cycle_efficiency": 0.72})
    sheet = ss.evaluate(silicon)
    figures = {"capacity": f"{sheet.cell.capacity / 3600:.4f} Ah", "positive_area": "11.745 cm^2", "bilayers": 2}
    for areal in (sheet.positive.areal_capacity, sheet.cell.areal_capacity):
        found = ss.audit(published(silicon, areal_capacity=f"{areal / 36000:.3f} mAh/cm^2", **figures))
        assert found is not None
        assert not found.conflicts
    found = ss.audit(published(silicon, areal_capacity="3.9 mAh/cm^2", **figures))
    assert found is not None
    assert len(found.conflicts) == 1


def test_bipolar_counts(design: ss.Design) -> None:
    stacked = design.with_(stack__series_cells=3, stack__bipolar_foil={"material": "Ni", "thickness": 1e-5})
    found = ss.audit(
        published(
            stacked,
            bilayers=2,
            coated_sides=12,
            areal_capacity="3.32 mAh/cm^2",
            positive_area="11.75 cm^2",
            capacity="0.156 Ah",
        )
    )
    assert found is not None
    assert found.agrees


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ({"mass": "2.9 cm"}, 'published.mass: "2.9 cm" is a length; expected a mass, for example "2.92 g"'),
        ({"mass": 2.9}, 'published.mass: is 2.9; write the figure as stated, in quotes, for example "2.92 g"'),
        ({"mass": "0 g"}, 'published.mass: "0 g" is out of bounds: mass must be above 0 g'),
        ({"masss": "2 g"}, 'published.masss: unknown key; did you mean "mass"?'),
    ],
)
def test_wrong_published_figures_are_told(design: ss.Design, figure: dict[str, Any], message: str) -> None:
    with pytest.raises(ss.InputError) as error:
        published(design, **figure)
    assert str(error.value) == message
