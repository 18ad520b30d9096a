"""The public faces: every name is there, listed, loaded when first used, and one thing only."""

import subprocess
import sys
from importlib import import_module, resources
from importlib.util import find_spec
from types import ModuleType

import pytest

import solidstack as ss


def names(package: ModuleType) -> list[str]:
    """Public names of a package: those of its stub, or what it imports at once."""
    return getattr(package, "__all__", None) or [name for name in vars(package) if not name.startswith("_")]


FACES = [
    "",
    ".twin",
    ".twin.structure",
    ".twin.electrochemistry",
    ".twin.companion",
    ".measure",
    ".study",
    ".plot",
    ".report",
    ".literature",
    ".materials",
    ".design",
]


@pytest.mark.parametrize("face", FACES)
def test_every_public_name_is_there_and_listed(face: str) -> None:
    package = import_module(f"solidstack{face}")
    assert len(names(package)) > 1
    assert set(names(package)) <= set(dir(package))
    for name in names(package):
        assert getattr(package, name) is not None, name


@pytest.mark.parametrize("face", FACES)
def test_no_name_is_a_module_and_something_else_at_once(face: str) -> None:
    package = import_module(f"solidstack{face}")
    for name in names(package):
        if not isinstance(getattr(package, name), ModuleType):
            assert find_spec(f"{package.__name__}.{name}") is None, name


PATHS = (
    "twin.build", "twin.transport", "twin.discharge", "twin.structure", "measure.read", "study.validate",
    "plot.draw_section", "report.write_report", "map", "literature.load",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_everything_is_reached_from_the_package_alone(path: str) -> None:
    code = f"import solidstack as ss; print(ss.{path})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert path.split(".")[-1].split("_")[-1] in result.stdout


@pytest.mark.parametrize("name", ["lod", "twin.bild", "plot.draw", "study.x"])
def test_an_unknown_name_is_an_error_that_python_can_mend(name: str) -> None:
    *parents, last = name.split(".")
    package = import_module(".".join(["solidstack", *parents]))
    with pytest.raises(AttributeError, match=rf"^module '{package.__name__}' has no attribute '{last}'$") as caught:
        getattr(package, last)
    assert (caught.value.name, caught.value.obj) == (last, package)


def test_a_missing_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "import solidstack as ss\n"
        "try: ss.twin.transport\n"
        "except ImportError as error: print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == 'solidstack.twin.transport needs numba; install it with `pip install "solidstack[twin]"`\n'


@pytest.mark.parametrize("first", ["solidstack.published", "solidstack.maps", "solidstack.cli.check"])
def test_a_name_is_the_same_whatever_was_imported_before(first: str) -> None:
    code = f"import {first}, solidstack as ss; print(callable(ss.audit), callable(ss.map), callable(ss.library))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "True True True\n"


def test_import_of_the_package_loads_no_library() -> None:
    code = "import sys, solidstack; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pydantic", "click", "numba"} & set(result.stdout.split())
    assert ss.__version__


def test_type_checkers_of_users_read_the_stubs() -> None:
    assert resources.files(ss).joinpath("py.typed").is_file()
    assert resources.files(ss).joinpath("__init__.pyi").is_file()
