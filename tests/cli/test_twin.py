"""`solidstack twin` end to end, and the twin of `solidstack run`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Run = Callable[..., Any]
EXAMPLE = "examples/pouch-0.16Ah.toml"
SMALL = ("--size", "16um", "--voxel", "1um", "--thickness", "16um")
BUILT = (
    "phases porosity_pct density_g_cm3 thickness_um overlap_vol_pct am_se_interface_m2_per_m3 am_coverage_pct shape "
    "voxel_um seed"
)
CONDUCTED = (
    "conductivity_S_m relative_conductivity tortuosity_factor conducting_vol_pct connected_vol_pct iterations "
    "flux_imbalance converged seconds peak_bytes_per_voxel device"
)

SHORT = """
[kinetics]
ideal_electronics = true

[[protocol.steps]]
kind = "charge"
current = "C/2"
until = { voltage = "4.3 V", capacity = "5 mAh/g" }
[[protocol.steps]]
kind = "discharge"
current = "1C"
until = { voltage = "2.7 V", capacity = "3 mAh/g" }
"""
"""A cycle of a few time steps, for the twin of the report."""


@pytest.fixture
def built(run: Run, tmp_path: Path) -> Path:
    path = tmp_path / "electrode.zarr"
    assert run("twin", "build", EXAMPLE, *SMALL, "--seed", "1", "-o", path).code == 0
    return path


def test_build(run: Run, tmp_path: Path) -> None:
    result = run("twin", "build", EXAMPLE, *SMALL, "--json", "-o", tmp_path / "e.npz")
    assert result.code == 0
    assert result.err.startswith("warning: the solid electrolyte is a film of 0.29 um on the particles, 0.3 voxels: ")
    data = json.loads(result.out)
    assert set(BUILT.split()) <= set(data)
    assert list(data["phases"]) == ["pore", "NCM622", "SPE", "carbon black"]
    for phase in data["phases"].values():
        assert phase["reached_vol_pct"] == pytest.approx(phase["target_vol_pct"], abs=0.1)
        assert set(phase["connected_pct"]) == {"x", "y", "z"}
    assert (data["shape"], data["seed"]) == ([16, 16, 16], 0)
    text = run("twin", "build", EXAMPLE, *SMALL, "--electrolyte", "particles 3 um", "--additive", "dispersed 2 um")
    assert text.code == 0
    for words in ("NCM622", "68.38", "16 x 16 x 16 voxels of 1 um", "density 3.5 g/cm^3 (target 3.5)"):
        assert words in text.out, words
    ways = ("--arrangement", "close-packed", "--pressing", "uniaxial", "--set", "positive.density=3.6 g/cm^3")
    pressed = json.loads(run("twin", "build", EXAMPLE, *SMALL, *ways, "--json").out)
    assert pressed["density_g_cm3"] == pytest.approx(3.6, rel=5e-3)


def test_transport(run: Run, built: Path, tmp_path: Path) -> None:
    arguments = ("twin", "transport", built, "--device", "cpu")
    result = run(*arguments, "--conductivity", "NCM622=10 mS/cm", "--conductivity", "0=0.5", "--json")
    assert result.code == 0
    data = json.loads(result.out)
    assert list(data) == ["x", "y", "z"]
    for one in data.values():
        assert set(CONDUCTED.split()) <= set(one)
        assert one["converged"]
        assert one["device"] == "cpu"
        assert 0.5 < one["conductivity_S_m"] < 1.0
        assert one["relative_conductivity"] == pytest.approx(one["conductivity_S_m"])
        assert one["flux_imbalance"] < 1e-4
    one = data["x"]
    assert one["tortuosity_factor"] == pytest.approx(0.6838 / one["relative_conductivity"], rel=1e-3)
    field = tmp_path / "field.npz"
    text = run(*arguments, "--conductivity", "1=1", "--direction", "x", "--field", field)
    assert text.code == 0
    assert "phases: NCM622 1 S/m; device cpu" in text.out
    assert text.out.splitlines()[-1] == str(field)
    assert field.is_file()


def test_what_does_not_percolate_is_said(run: Run, built: Path) -> None:
    """The film of solid electrolyte is a third of a voxel."""
    result = run("twin", "transport", built, "--direction", "y", "--json", "--device", "cpu")
    assert result.code == 0
    assert result.err == "warning: y: does not percolate: no cluster connects both faces\n"
    one = json.loads(result.out)["y"]
    assert (one["conductivity_S_m"], one["tortuosity_factor"]) == (0.0, None)


def test_measure_export_picture(run: Run, built: Path, tmp_path: Path) -> None:
    data = json.loads(run("twin", "measure", built, "--no-sizes", "--json").out)
    assert "NCM622" in json.dumps(data)
    assert "NCM622" in run("twin", "measure", built, "--no-sizes").out
    for ending in ("tif", "npy", "npz"):
        path = tmp_path / f"out.{ending}"
        result = run("twin", "export", built, path)
        assert (result.code, result.out) == (0, f"{path}\n"), result.err
        assert path.stat().st_size > 0
    exported = ("--voxel", "1 um", "--phases", "0=pore, 1=NCM622, 2=SPE, 3=carbon black")
    words = ("--conductivity", "NCM622=1", "--direction", "x", "--json", "--device", "cpu")
    again = json.loads(run("twin", "transport", tmp_path / "out.npy", *exported, "--lateral", "periodic", *words).out)
    first = json.loads(run("twin", "transport", built, *words).out)
    assert again["x"]["conductivity_S_m"] == pytest.approx(first["x"]["conductivity_S_m"], rel=1e-9)
    picture = tmp_path / "slices.png"
    assert run("twin", "picture", built, picture, "--slices").out == f"{picture}\n"
    assert picture.read_bytes().startswith(b"\x89PNG")
    pytest.importorskip("pyvista", reason="a 3D picture needs pyvista")
    solid = tmp_path / "solid.png"
    assert run("twin", "picture", built, solid).code == 0
    assert solid.read_bytes().startswith(b"\x89PNG")


def test_compare(run: Run, tmp_path: Path) -> None:
    figure = tmp_path / "closed-form.png"
    words = ("--porosity", "10:20:2", "--core", "74", "--voxels", "24")
    result = run("twin", "compare", EXAMPLE, *words, "-o", figure)
    assert result.code == 0
    assert result.out.splitlines()[-1] == str(figure)
    assert figure.read_bytes().startswith(b"\x89PNG")
    points = json.loads(run("twin", "compare", EXAMPLE, *words, "--json").out)
    assert [point["porosity_pct"] for point in points] == pytest.approx([10.0, 20.0])
    assert {"closed_form", "twin_uniaxial", "twin_isostatic", "closed_form_deviation_pct"} <= set(points[0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("transport", "BUILT", "--conductivity", "NCM62=1"),
            'BUILT: "NCM62" is not a phase of this structure; did you mean "NCM622"? '
            "The phases are 0 (pore), 1 (NCM622), ",
        ),
        (
            ("transport", "BUILT", "--conductivity", "NCM622"),
            '--conductivity "NCM622" is not LABEL=VALUE, as in --conductivity 1=0.5 or SPE="1 mS/cm"',
        ),
        (
            ("transport", "BUILT", "--conductivity", "1=1", "--conductivity", "1=2"),
            '--conductivity names "1" twice; give one value',
        ),
        (("transport", "BUILT", "--conductivity", "1=-1"), "conductivity of NCM622: -1.0 S/m must be a finite number"),
        (("transport", "BUILT", "--conductivity", "1=1 kg"), "is a mass; expected a conductivity"),
        (("transport", "BUILT", "--tolerance", "1"), "tolerance: 1 must be between 1e-8 and 0.1 (1e-4 is usual)"),
        (("transport", "BUILT", "--field", "OUT/f.vti"), "--field holds one direction; add --direction x, y or z"),
        (
            ("transport", "BUILT", "--direction", "x", "--field", "OUT/f.abc"),
            "f.abc: has an unsupported ending for a field; choose from .vti, .zarr, .npz",
        ),
        (("transport", "OUT/none.zarr"), "none.zarr: there is no such file; check the path"),
        (("transport", "OUT/slice.tif", "--voxel", "1 um"), "slice.tif: is a single slice (4 x 5); a structure has "),
        (("transport", "OUT/notes.txt"), 'notes.txt: has the unsupported ending ".txt"; give a file that ends in '),
        (("build", "OUT/none.toml"), "none.toml: there is no such file; check the path"),
        (
            ("build", EXAMPLE, *SMALL, "-o", "OUT/e.abc"),
            "e.abc: has an unsupported ending for a structure; choose from .zarr, .npz",
        ),
        (("build", EXAMPLE, *SMALL, "--size", "16"), '"16" has no unit'),
        (
            ("build", EXAMPLE, *SMALL, "--electrolyte", "shall"),
            '--electrolyte "shall" is not recognised; choose from shell, ',
        ),
        (
            ("build", EXAMPLE, *SMALL, "--additive", "inside"),
            '--additive "inside" is not recognised; choose from surfaces 0.8',
        ),
        (("build", EXAMPLE, *SMALL, "--sizes", "OUT/none.csv"), "none.csv"),
        (
            ("export", "BUILT", "OUT/e.abc"),
            "e.abc: has an unsupported ending for a structure; choose from .zarr, .npz, .tif",
        ),
        (
            ("export", "BUILT", "OUT/e.stl"),
            "e.stl: is the surface of one phase; name it with --phase (phase= in Python)",
        ),
        (("picture", "BUILT", "OUT/e.abc", "--slices"), "has no known ending for a figure"),
        (("compare", EXAMPLE, "--porosity", "2"), '--porosity: "2" is not a range; write LO:HI:N, as in'),
        (("compare", EXAMPLE, "--voxels", "4"), "voxels: 4 along a unit cell are too few; choose at least 16"),
    ],
)
def test_bad_input(
    run: Run, tmp_path: Path, request: pytest.FixtureRequest, words: tuple[str, ...], message: str
) -> None:
    from tifffile import imwrite

    built = str(request.getfixturevalue("built")) if "BUILT" in words else ""
    imwrite(tmp_path / "slice.tif", np.zeros((4, 5), np.uint8))
    (tmp_path / "notes.txt").write_text("mine")
    before = sorted(tmp_path.iterdir())
    result = run("twin", *(word.replace("OUT", str(tmp_path)).replace("BUILT", built) for word in words))
    assert result.code == 2, result.err
    assert message.replace("BUILT", built) in result.err
    assert result.err.startswith("error: ")
    assert "Traceback" not in result.err
    assert sorted(tmp_path.iterdir()) == before


def test_run_with_and_without_a_twin(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solidstack.study.coarse.USUAL_VOXELS", 5_000)  # of the structure that is cycled
    assert run("run", EXAMPLE, "--quick", "-o", tmp_path / "quick").code == 0
    assert not (tmp_path / "quick" / "twin").exists()
    short = tmp_path / "short.toml"
    short.write_text(Path(EXAMPLE).read_text(encoding="utf-8") + SHORT, encoding="utf-8")
    result = run("run", short, "-o", tmp_path / "full", "--twin-size", "16um", "--twin-voxel", "1um")
    assert result.code == 0
    assert "digital twin" in result.err
    folder = tmp_path / "full" / "twin"
    assert {path.name for path in folder.iterdir()} == {"discharge", "structure.npz", "twin.json"}
    data = json.loads((folder / "twin.json").read_text(encoding="utf-8"))
    assert set(data["transport"]) == {"x", "y", "z"}
    assert data["structure"]["shape"] == [55, 16, 16]
    assert "twin" in (tmp_path / "full" / "report.html").read_text(encoding="utf-8").lower()
