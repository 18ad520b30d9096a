import subprocess
import sys

import pytest

import solidstack as ss


def test_public_names_are_all_there() -> None:
    assert set(ss.__all__) <= set(dir(ss))
    for name in ss.__all__:
        assert getattr(ss, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'lod'"):
        ss.lod  # noqa: B018


@pytest.mark.parametrize("first", ["solidstack.published", "solidstack.maps", "solidstack.cli.check"])
def test_a_name_is_the_same_whatever_was_imported_before(first: str) -> None:
    code = f"import {first}, solidstack as ss; print(callable(ss.audit), callable(ss.map), callable(ss.library))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "True True True\n"
