import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solidstack import units
from solidstack.errors import UnitError

KINDS = [value for value in vars(units).values() if isinstance(value, units.Kind)]


@pytest.mark.parametrize(
    ("text", "kind", "si"),
    [
        ("21 mg/cm^2", units.AREAL_MASS, 0.21),
        ("21 mg/cm2", units.AREAL_MASS, 0.21),
        ("21 mg cm-2", units.AREAL_MASS, 0.21),
        ("21 mg cm⁻²", units.AREAL_MASS, 0.21),
        ("21mg·cm^-2", units.AREAL_MASS, 0.21),
        ("0.21 kg/m**2", units.AREAL_MASS, 0.21),
        ("82 um", units.THICKNESS, 82e-6),
        ("82 µm", units.THICKNESS, 82e-6),
        ("82 μm", units.THICKNESS, 82e-6),
        ("187 mAh/g", units.SPECIFIC_CAPACITY, 673200.0),
        ("187 mA h g^-1", units.SPECIFIC_CAPACITY, 673200.0),
        ("187 Ah/kg", units.SPECIFIC_CAPACITY, 673200.0),
        ("1 mS/cm", units.CONDUCTIVITY, 0.1),
        ("1e-3 S/cm", units.CONDUCTIVITY, 0.1),
        ("45 degC", units.TEMPERATURE, 318.15),
        ("45 °C", units.TEMPERATURE, 318.15),
        ("318.15 K", units.TEMPERATURE, 318.15),
        ("113 degF", units.TEMPERATURE, 318.15),
        ("0.1 eV", units.MOLAR_ENERGY, 9648.533212331),
        ("9.648533212331 kJ/mol", units.MOLAR_ENERGY, 9648.533212331),
        ("10 Ω·cm²", units.AREAL_RESISTANCE, 1e-3),
        ("93 wt%", units.SHARE, 0.93),
        ("93 wt.%", units.SHARE, 0.93),
        ("93 mass%", units.SHARE, 0.93),
        ("12 %", units.POROSITY, 0.12),
        ("12 vol%", units.POROSITY, 0.12),
        ("22 $/kg", units.PRICE, 22.0),
        ("1.1", units.RATIO, 1.1),
        ("0.6 Wh", units.ENERGY, 2160.0),
        ("430 Wh/L", units.ENERGY_DENSITY, 1.548e9),
    ],
)
def test_parse(text: str, kind: units.Kind, si: float) -> None:
    assert units.parse(text, kind) == pytest.approx(si, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("21", units.AREAL_MASS, '"21" has no unit; write for example "21 mg/cm^2"'),
        (
            "21 mg/cm^3",
            units.AREAL_MASS,
            '"21 mg/cm^3" is a density; expected an areal mass, for example "21 mg/cm^2"',
        ),
        (
            "21 mah/g",
            units.SPECIFIC_CAPACITY,
            '"21 mah/g" has the unknown unit "mah/g"; did you mean "mAh/g"? '
            '(expected a charge per mass, for example "187 mAh/g")',
        ),
        ("5 %", units.SHARE, '"5 %" does not say of what (mass or volume); write "5 wt%" or "5 vol%"'),
        ("5 wt%", units.POROSITY, '"5 wt%" is not a volume fraction; write "5 %" or "5 vol%"'),
        ("90 vol%", units.FRACTION, '"90 vol%" is not a fraction; write "90 %"'),
        ("5 %", units.THICKNESS, '"5 %" is a percentage; expected a length, for example "82 um"'),
        ("nan um", units.THICKNESS, '"nan um" is not finite; write a number such as "82 um"'),
        ("-inf um", units.THICKNESS, '"-inf um" is not finite; write a number such as "82 um"'),
        ("1e999 um", units.THICKNESS, '"1e999 um" is not finite; write a number such as "82 um"'),
        ("21,5 um", units.THICKNESS, '"21,5 um" has a comma; write a decimal point, as in "82 um"'),
        ("thick", units.THICKNESS, '"thick" does not start with a number; write for example "82 um"'),
    ],
)
def test_parse_says_what_would_be_right(text: str, kind: units.Kind, message: str) -> None:
    with pytest.raises(UnitError) as error:
        units.parse(text, kind)
    assert str(error.value) == message


@pytest.mark.parametrize("text", ["3 __import__('os')", "3 m/0", "3 m^9999", "3 (um", "3 um um um", "3 **", "3 [m]"])
def test_parse_refuses_rubbish(text: str) -> None:
    with pytest.raises(UnitError):
        units.parse(text, units.THICKNESS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.si], ids=lambda kind: kind.name)
def test_shown_units_are_what_pint_says(kind: units.Kind) -> None:
    """The table of factors and the registry are two sources of the same numbers."""
    factor, offset = units._conversion(kind.shown.symbol, kind.si)
    assert kind.shown.factor == pytest.approx(factor, rel=1e-14)
    assert kind.shown.offset == pytest.approx(offset, rel=1e-14)


def test_registry_agrees_with_pints_own() -> None:
    full = pint.UnitRegistry()
    for text, si in [("1 mAh/g", "C/kg"), ("1 psi", "Pa"), ("1 in", "m"), ("1 mS/cm", "S/m"), ("1 Wh/L", "J/m^3")]:
        number, unit = text.split(" ")
        ours = units._conversion(unit, si)[0]
        theirs = full.Quantity(float(number), unit.replace("Ah", "A*h").replace("Wh", "W*h")).to(si).magnitude
        assert ours == pytest.approx(theirs, rel=1e-12)


@given(st.sampled_from(KINDS), st.floats(min_value=1e-9, max_value=1e9, allow_nan=False))
def test_text_reads_back_to_the_very_same_float(kind: units.Kind, value: float) -> None:
    if not kind.si:
        value = min(value, 1.0)
    assert units.parse(units.text(value, kind), kind) == value


def test_text_takes_the_unit_of_the_field() -> None:
    assert units.text(units.parse("19.09 mg/cm^2", units.AREAL_MASS), units.AREAL_MASS) == "19.09 mg/cm^2"
    assert units.text(318.15, units.TEMPERATURE) == "45 degC"
    assert units.text(1e-4, units.THICKNESS) == "100 um"


def test_nearest() -> None:
    assert units.nearest("NCM62", ["NCM622", "NCM811", "Li"]) == '"NCM622"'
    assert units.nearest("NCM6", ["NCM622", "NCM61", "Li"]) == '"NCM61" or "NCM622"'
    assert units.nearest("ncm622", ["NCM622", "NCM811"]) == '"NCM622"'
    assert units.nearest("quux", ["NCM622"]) == ""
