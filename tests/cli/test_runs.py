"""What the commands that simulate share."""

import pytest

from solidstack.cli.runs import low_high_count
from solidstack.errors import DesignError


def test_low_high_count() -> None:
    assert low_high_count("1e-3:1e3:25", "--frequencies") == (1e-3, 1e3, 25)
    assert low_high_count("5:5:1", "--loadings") == (5.0, 5.0, 1)


@pytest.mark.parametrize(
    "text", ["", "5", "1:2", "1:2:3:4", "2:1:3", "0:1:3", "1:2:0", "1:2:2.5", "1:inf:3", "nan:2:3", "a:b:c"]
)
def test_what_is_not_low_high_count(text: str) -> None:
    with pytest.raises(DesignError) as error:
        low_high_count(text, "--loadings")
    assert str(error.value) == f'--loadings "{text}" is not LO:HI:N with numbers above 0, as in 5:40:8'
