import pytest

from solidstack import units
from solidstack.cli.common import range_option
from solidstack.errors import UnitError


def test_a_range_of_an_option_is_in_the_unit_shown() -> None:
    """The very numbers that were written, although they are parsed in SI."""
    assert range_option("2:7:9", "--porosity", units.POROSITY, 100.0) == (2.0, 7.0, 9)
    assert range_option("7:14:3", "--loadings", units.AREAL_MASS) == (7.0, 14.0, 3)
    assert range_option("0.05:0.4 kg/m^2:3", "--loadings", units.AREAL_MASS) == (5.0, 40.0, 3)
    assert range_option("1e-3:1e3:25", "--frequencies", units.FREQUENCY) == (1e-3, 1e3, 25)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2", '--porosity: "2" is not a range; write LO:HI:N, as in "10:40 mg/cm^2:61"'),
        ("0:26:9", '--porosity: "0:26:9" must be LO:HI:N with ends above 0 and below 100 %'),
        ("2:100:9", '--porosity: "2:100:9" must be LO:HI:N with ends above 0 and below 100 %'),
        ("2:26:9:log", '--porosity: "2:26:9:log" must be LO:HI:N with ends above 0 and below 100 %'),
        ("2:26 um:9", '--porosity: "2 um" is a length; expected a volume fraction, for example "12 %"'),
    ],
)
def test_ranges_of_an_option_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(UnitError) as error:
        range_option(text, "--porosity", units.POROSITY, 100.0)
    assert str(error.value) == message
