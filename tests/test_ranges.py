import pytest

from solidstack import units
from solidstack.errors import UnitError
from solidstack.ranges import Range, parse_range


def test_ranges() -> None:
    span = parse_range("10:40 mg/cm^2:4", units.AREAL_MASS)
    assert span == parse_range(" 0.1 kg/m^2 : 40 mg/cm^2 : 4 : lin ", units.AREAL_MASS)
    assert span.values == pytest.approx([0.1, 0.2, 0.3, 0.4], rel=1e-15)
    assert parse_range("0.1:10 mS/cm:3:log", units.CONDUCTIVITY).values == pytest.approx([0.01, 0.1, 1.0])
    assert parse_range("2:26:9", units.POROSITY, "%") == Range(0.02, 0.26, 9)
    assert parse_range("1e-3:1e3:25", units.FREQUENCY, "Hz") == Range(1e-3, 1e3, 25)
    assert parse_range("5:5:1", units.POROSITY, "%").values.tolist() == [0.05]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10:40 mg/cm^2", '"10:40 mg/cm^2" is not a range; write LO:HI:N, as in "10:40 mg/cm^2:61"'),
        ("10:40:5", '"10" has no unit; write for example "10 mg/cm^2"'),
        ("10:40 um:5", '"10 um" is a length; expected an areal mass, for example "21 mg/cm^2"'),
        ("40:10 mg/cm^2:5", '"40 mg/cm^2" to "10 mg/cm^2": the first value must be below the second'),
        ("0:10 mg/cm^2:5:log", '"0 mg/cm^2" to "10 mg/cm^2": the first value must be below the second and above 0'),
        ("10:40 mg/cm^2:0", '"10:40 mg/cm^2:0" has no values; write LO:HI:N, as in "10:40 mg/cm^2:61"'),
    ],
)
def test_what_is_not_a_range(text: str, message: str) -> None:
    with pytest.raises(UnitError) as error:
        parse_range(text, units.AREAL_MASS)
    assert str(error.value) == message
