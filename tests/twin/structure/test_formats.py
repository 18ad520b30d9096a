"""Files of structures: round trips, voxel sizes of other programs, damaged and hostile files."""

import io
import json
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_allclose

from solidstack.errors import OutputError, StructureError, UnitError
from solidstack.twin import memory
from solidstack.twin.structure import formats
from solidstack.twin.structure.formats import as_phases, as_voxel, assumes_voxel, export, read, save, write
from solidstack.twin.structure.image import representative_volume
from solidstack.twin.structure.voxels import Phase, Structure

from ...conftest import SHARED

UM = 1e-6
LABELS = np.random.default_rng(0).integers(0, 3, (5, 7, 9)).astype(np.uint8)
PHASES = {
    "pore": Phase(0, "pore"),
    "NCM622, coated": Phase(1, "active-material", 4760.0, None, 1e-3, 0.33),
    "µ": Phase(2),
}
STRUCTURE = Structure(
    LABELS,
    PHASES,
    (1.0 * UM, 0.4 * UM, 0.5 * UM),
    (False, True, True),
    {"seed": np.int64(3), "history": [{"step": "a"}]},
)


def message(path: Path, **options: object) -> str:
    """Error of reading a file, after its name."""
    with pytest.raises(StructureError) as error:
        read(path, **options)  # type: ignore[arg-type]
    assert error.value.source == str(path)
    return str(error.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("ending", [".zarr", ".npz", ".tif", ".vti"])
def test_a_round_trip_keeps_everything(tmp_path: Path, ending: str) -> None:
    if ending == ".vti":
        pytest.importorskip("pyvista", reason="the extra view is not installed")
    path = tmp_path / "a" / f"structure{ending}"
    assert write(STRUCTURE, path) == path
    write(STRUCTURE, path)  # over the first
    found = read(path)
    assert np.array_equal(found.labels, LABELS)
    assert found.labels.dtype == np.uint8
    assert_allclose(found.voxel, STRUCTURE.voxel, rtol=1e-12)
    assert dict(found.phases) == PHASES
    assert found.periodic == STRUCTURE.periodic
    assert found.provenance == {"seed": 3, "history": [{"step": "a"}]}
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    other = read(path, voxel="2 um", phases={0: "a", 1: "b", 2: "c"})
    assert other.voxel == (2 * UM, 2 * UM, 2 * UM)
    assert list(other.phases) == ["a", "b", "c"]


def test_a_numpy_array_has_no_voxel_size(tmp_path: Path) -> None:
    export(STRUCTURE, tmp_path / "a.npy")
    found = read(tmp_path / "a.npy")
    assert np.array_equal(found.labels, LABELS)
    assert found.voxel == (UM, UM, UM)
    assert assumes_voxel(found)
    assert assumes_voxel(read(save(found, tmp_path / "a.npz")))
    assert not assumes_voxel(read(tmp_path / "a.npz", voxel="1 um"))


def test_pages_of_a_tiff_stack_are_x(tmp_path: Path) -> None:
    """As ImageJ and OME write them: z is the page."""
    pixels = (1 / 0.5, 1 / 0.4)  # along columns, along rows
    tifffile.imwrite(
        tmp_path / "a.tif", LABELS, imagej=True, resolution=pixels, metadata={"spacing": 2.0, "unit": "micron"}
    )
    found = read(tmp_path / "a.tif")
    assert np.array_equal(found.labels, LABELS)
    assert_allclose(found.voxel, (2.0 * UM, 0.4 * UM, 0.5 * UM), rtol=1e-6)
    sizes = {"PhysicalSizeZ": 200, "PhysicalSizeY": 0.4, "PhysicalSizeX": 5e-4}
    kinds = {"PhysicalSizeZUnit": "nm", "PhysicalSizeXUnit": "mm"}
    tifffile.imwrite(tmp_path / "b.tif", LABELS, ome=True, metadata={"axes": "ZYX", **sizes, **kinds})
    assert_allclose(read(tmp_path / "b.tif").voxel, (0.2 * UM, 0.4 * UM, 0.5 * UM), rtol=1e-6)
    tifffile.imwrite(tmp_path / "c.tif", LABELS, resolution=(72, 72), resolutionunit="INCH")
    assert assumes_voxel(read(tmp_path / "c.tif"))


def test_other_tiffs(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "one by one.tif") as writer:
        for plane in LABELS:
            writer.write(plane, contiguous=False)
    assert np.array_equal(read(tmp_path / "one by one.tif").labels, LABELS)
    for name, options in (("big", {"bigtiff": True}), ("16", {"byteorder": ">"}), ("zip", {"compression": "zlib"})):
        values = LABELS.astype(">u2") if name == "16" else LABELS
        tifffile.imwrite(tmp_path / f"{name}.tif", values, **options)  # type: ignore[arg-type]
        assert np.array_equal(read(tmp_path / f"{name}.tif").labels, LABELS)


def test_x_of_a_vtk_image_is_axis_0(tmp_path: Path) -> None:
    pyvista = pytest.importorskip("pyvista", reason="the extra view is not installed")
    grid = pyvista.read(export(STRUCTURE, tmp_path / "a.vti"))
    assert grid.dimensions == (6, 8, 10)
    for place in ((0, 0, 0), (4, 0, 2), (1, 6, 8)):
        point = [(index + 0.5) * edge for index, edge in zip(place, STRUCTURE.voxel, strict=True)]
        assert grid.cell_data["labels"][grid.find_containing_cell(point)] == LABELS[place]
    points = pyvista.ImageData(dimensions=LABELS.shape)
    points.point_data["phase"] = LABELS.ravel(order="F")
    points.save(tmp_path / "b.vti")
    assert np.array_equal(read(tmp_path / "b.vti").labels, LABELS)
    assert assumes_voxel(read(tmp_path / "b.vti"))


def facets(path: Path) -> np.ndarray:
    raw = path.read_bytes()
    (count,) = struct.unpack("<I", raw[80:84])
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    assert len(raw) == 84 + 50 * count
    return np.frombuffer(raw[84:], record)


def test_the_surface_encloses_the_phase(tmp_path: Path) -> None:
    """By Gauss: the volume inside is the sum of corner . (edge x edge) / 6, positive where normals point outwards."""
    places = np.stack(np.meshgrid(*[np.arange(24) - 11.5] * 3, indexing="ij"))
    ball = Structure((np.sum(places**2, axis=0) < 100.0).astype(np.uint8), as_phases("pore, NCM622"), (UM, UM, 2 * UM))
    found = facets(export(ball, tmp_path / "a.stl", phase="NCM622"))
    a, b, c = np.moveaxis(found["corners"].astype(float), 1, 0)
    volume = np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0
    assert volume == pytest.approx(2.0 * ball.counts[1], rel=0.025)  # smoothing takes 2 %
    assert np.einsum("ij,ij->i", found["normal"], (a + b + c) / 3 - (12.0, 12.0, 24.0)).min() > 0.0
    block = Structure(np.ones((4, 5, 6)), {"solid": Phase(1)}, (UM, UM, UM))  # closed at the faces of the volume
    corners = facets(export(block, tmp_path / "b.stl", phase="solid"))["corners"].reshape(-1, 3)
    assert_allclose([corners.min(0), corners.max(0)], [(0, 0, 0), (4, 5, 6)], atol=1e-5)


def test_the_surface_of_what_is_not_there(tmp_path: Path) -> None:
    empty = STRUCTURE.changed(phases={**PHASES, "SPE": Phase(9)})
    with pytest.raises(StructureError, match='^there is no voxel of the phase "SPE", so it has no surface$'):
        export(empty, tmp_path / "a.stl", phase="SPE")


def edit(path: Path, change: Callable[[bytes], bytes]) -> Path:
    path.write_bytes(change(path.read_bytes()))
    return path


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.97])
@pytest.mark.parametrize("kind", ["plain", "imagej", "ome", "pages"])
def test_a_tiff_that_is_cut_short(tmp_path: Path, kind: str, share: float) -> None:
    """It never becomes a shorter stack; the last bytes of some kinds are no part of the image."""
    path = tmp_path / "a.tif"
    if kind == "ome":
        export(STRUCTURE, path)
    elif kind == "pages":
        with tifffile.TiffWriter(path) as writer:
            for plane in LABELS:
                writer.write(plane, contiguous=False)
    else:
        tifffile.imwrite(path, LABELS, imagej=kind == "imagej")
    edit(path, lambda raw: raw[: int(share * len(raw))])
    try:
        assert np.array_equal(read(path).labels, LABELS)
        assert share > 0.9
    except StructureError as error:
        assert str(error).startswith(f"{path}: is not a readable TIFF file, or is cut short (")  # noqa: PT017


@pytest.mark.parametrize("ending", [".npz", ".npy", ".vti"])
def test_a_file_that_is_cut_short(tmp_path: Path, ending: str) -> None:
    if ending == ".vti":
        pytest.importorskip("pyvista", reason="the extra view is not installed")
    kind = {".npz": "NumPy archive", ".npy": "NumPy array", ".vti": "VTK image"}[ending]
    path = edit(write(STRUCTURE, tmp_path / f"a{ending}"), lambda raw: raw[: len(raw) // 2])
    assert message(path).startswith(f"is not a readable {kind}, or is cut short (")
    path.write_bytes(b"")
    assert "is not a " in message(path)


def test_a_zarr_store_that_lacks_a_chunk(tmp_path: Path) -> None:
    path = save(STRUCTURE, tmp_path / "a.zarr")
    (chunk,) = (item for item in (path / "c").rglob("*") if item.is_file())
    edit(chunk, lambda raw: raw[: len(raw) // 2])
    assert message(path).startswith("is not a readable zarr store, or is cut short (")
    chunk.unlink()
    assert message(path) == "is missing 1 of its 1 chunks; copy it again"


def test_labels_beside_fields_are_read(tmp_path: Path) -> None:
    fields = {"potential along x": np.zeros(LABELS.shape, np.float32)}
    for ending in (".zarr", ".npz"):
        found = read(formats.write_field(STRUCTURE, fields, tmp_path / f"a{ending}"))
        assert np.array_equal(found.labels, LABELS)
        assert dict(found.phases) == PHASES


def test_a_damaged_description(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, labels=LABELS, meta=np.array('{"format": "solidstack structure", "phases": {"a": {"label": "x"}}}'))
    assert message(path).startswith("its description of phases is damaged (TypeError: ")
    twice = '{"a": {"label": 0}, "b": {"label": 0}}'
    np.savez(path, labels=LABELS, meta=np.array(f'{{"format": "solidstack structure", "phases": {twice}}}'))
    assert 'label 0 has two names, "a" and "b"; leave one out' in message(path)


def test_python_objects_are_not_read(tmp_path: Path) -> None:
    words = "holds Python objects, which could run code when read; save the array as numbers"
    objects = np.array([[[{}]]])
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    assert message(tmp_path / "a.npy") == words
    np.savez(tmp_path / "a.npz", labels=objects)
    assert message(tmp_path / "a.npz") == words


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads that promise 8 GB on a machine with 1 GB."""
    monkeypatch.setattr(memory, "available_memory", lambda: 1e9)
    words = (
        "Reading a.{} needs 8 GB (2000 x 2000 x 2000 voxels, 1 bytes each), and 1 GB are available; "
        "a cube of 1000 voxels would fit. Crop the volume, or take larger voxels"
    )
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": (2000,) * 3})
    (tmp_path / "a.npy").write_bytes(stream.getvalue())
    assert message(tmp_path / "a.npy") == words.format("npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("labels.npy", stream.getvalue())
    assert message(tmp_path / "a.npz") == words.format("npz")
    path = save(STRUCTURE, tmp_path / "a.zarr")
    head = json.loads((path / "zarr.json").read_text())
    (path / "zarr.json").write_text(json.dumps({**head, "shape": [2000, 2000, 2000]}))
    assert message(path) == words.format("zarr")


def test_vtk_images_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyvista", reason="the extra view is not installed")
    path = tmp_path / "a.vti"
    path.write_text("hello")
    assert message(path) == "is not a VTK image (.vti): it has no ImageData with an extent"
    monkeypatch.setattr(memory, "available_memory", lambda: 1e9)
    path.write_text('<VTKFile type="ImageData"><ImageData WholeExtent="0 2000 0 2000 0 2000">')
    assert "needs 16 GB (2000 x 2000 x 2000 voxels, 2 bytes each)" in message(path)


def test_what_is_no_image(tmp_path: Path) -> None:
    known = "give a file that ends in .zarr, .npz, .npy, .tif, .tiff, .vti (slices: make one TIFF stack of them)"
    assert message(tmp_path / "none.tif") == "there is no such file; check the path"
    assert message(tmp_path) == f"is a folder; {known}"
    (tmp_path / "a.tif").mkdir()
    assert message(tmp_path / "a.tif") == "is a folder; give a file"
    (tmp_path / "a.zarr").write_text("hello")
    assert message(tmp_path / "a.zarr") == "is a file; a zarr store is a folder"
    (tmp_path / "a.jpg").write_text("hello")
    assert message(tmp_path / "a.jpg") == f'has the unsupported ending ".jpg"; {known}'
    (tmp_path / "b.tif").write_text("hello")
    assert message(tmp_path / "b.tif").startswith("is not a readable TIFF file, or is cut short (not a TIFF file")
    np.savez(tmp_path / "b.npz", a=LABELS, b=LABELS)
    assert message(tmp_path / "b.npz") == 'has 2 arrays (a, b); call the array of the voxels "labels"'


def test_pages_that_are_no_stack(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((5, 6), np.uint8))
    assert message(path) == "is a single slice (5 x 6); a structure has three axes. Use a stack of slices"
    tifffile.imwrite(path, np.zeros((4, 5, 6, 3), np.uint8), photometric="rgb")
    words = "has 3 colour channels; make it one grey channel first (ImageJ: Image > Type > 8-bit)"
    assert message(path) == words
    tifffile.imwrite(path, np.zeros((2, 4, 5, 6), np.uint8), ome=True, metadata={"axes": "CZYX"})
    assert message(path) == "has 4 axes (2 x 4 x 5 x 6); a structure has three. Extract one channel at one time"
    with tifffile.TiffWriter(path) as writer:
        writer.write(np.zeros((16, 16), np.uint8))
        writer.write(np.zeros((17, 16), np.uint8))
    assert message(path) == "has pages of different sizes (16 x 16, 17 x 16); a stack has pages of one size"


def test_a_grey_image_is_no_structure(tmp_path: Path) -> None:
    grey = np.arange(125).reshape(5, 5, 5)
    np.save(tmp_path / "a.npy", grey.astype(np.uint8))
    assert message(tmp_path / "a.npy") == (
        "holds 125 different values and no phase names: it is a grey image, not labels. "
        "Segment it first (solidstack image segment), or name its phases"
    )
    np.save(tmp_path / "a.npy", 10 * grey)
    assert message(tmp_path / "a.npy").startswith("labels must be whole numbers from 0 to 255; received 0 to 1240. ")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.vti").write_text("x")
    monkeypatch.setitem(sys.modules, "pyvista", None)
    words = 'this needs the package pyvista, which is not installed; pip install "solidstack[view]"'
    assert message(tmp_path / "a.vti") == words
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(StructureError, match=r"package zarr, .*solidstack\[twin\]"):
        save(STRUCTURE, tmp_path / "a.zarr")


def test_places_that_are_not_written(tmp_path: Path) -> None:
    cases = {
        "a.jpg": "has an unsupported ending for a structure; choose from .zarr, .npz, .tif, .tiff, .vti, .npy, .stl",
        "a.stl": "is the surface of one phase; name it with --phase (phase= in Python)",
        "folder.zarr": "is a folder, not a zarr store, so it is not replaced; choose another place with -o",
        "file.zarr": "is a file, not a zarr store, so it is not replaced; choose another place with -o",
        "file.zarr/a.zarr": "cannot be written (File exists); choose another place with -o",
    }
    (tmp_path / "folder.zarr").mkdir()
    (tmp_path / "file.zarr").write_text("mine")
    for name, words in cases.items():
        with pytest.raises(OutputError) as error:
            write(STRUCTURE, tmp_path / name)
        assert str(error.value) == f"{tmp_path / name}: {words}"
    with pytest.raises(StructureError, match=r'^"a.tif" ends in neither .zarr nor .npz; use one of these$'):
        save(STRUCTURE, tmp_path / "a.tif")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file.zarr", "folder.zarr"]


def test_a_write_that_fails_leaves_the_old_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import zarr

    path = save(STRUCTURE, tmp_path / "a.zarr")

    def fail(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zarr, "create_array", fail)
    with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\); choose another place"):
        save(STRUCTURE, path)
    monkeypatch.undo()
    assert np.array_equal(read(path).labels, LABELS)
    assert [item.name for item in tmp_path.iterdir()] == ["a.zarr"]


def test_voxel_sizes() -> None:
    assert as_voxel("0.4 um, 1 µm,2e-3 mm") == (0.4 * UM, UM, 2 * UM)
    assert as_voxel(UM) == as_voxel([UM]) == (UM, UM, UM)
    for text in ("1 um, 2 um", "0 um", "-1 um"):
        with pytest.raises(StructureError) as error:
            as_voxel(text)
        assert str(error.value) == (
            f'voxel size "{text}" is not one edge or three edges (x, y, z) above 0; '
            'write "0.4 um" or "1 um, 0.4 um, 0.4 um"'
        )
    with pytest.raises(UnitError, match='^"0.4" has no unit; write for example "0.4 um"$'):
        as_voxel("0.4")


def test_names_bring_roles_and_densities() -> None:
    found = as_phases("0=Pores, 3=NMC622, 4=SPE, 5=carbon-binder, 6=dust, 7=binder")
    assert found["Pores"] == Phase(0, "pore")
    assert found["NMC622"] == Phase(3, "active-material", 4760.0)
    assert found["SPE"] == Phase(4, "solid-electrolyte", 1800.0)
    assert [found[name].role for name in ("carbon-binder", "dust", "binder")] == ["carbon-binder", "", "binder"]
    assert [phase.label for phase in as_phases("a, b, c").values()] == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "a, 0=b",
            'phases "a, 0=b" mixes LABEL=NAME with bare names; write "0=pore, 1=NCM622", or "pore, NCM622" for 0, 1',
        ),
        ("0=a, 0=b", 'label 0 has two names, "a" and "b"; leave one out'),
        ("0=a, 1=a", 'phase "a" appears twice; a name stands for one label'),
        ("300=a", 'label 300 of phase "a" is not within 0 to 255'),
        ("x=a", 'label "x" of phase "a" is not a whole number from 0 to 255'),
        ("0=", 'label 0 has an empty name; write for example "0=pore, 1=NCM622"'),
    ],
)
def test_names_that_are_wrong(text: str, words: str) -> None:
    with pytest.raises(StructureError) as error:
        as_phases(text)
    assert str(error.value) == words


def test_memory_that_fits_and_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 8e9)
    memory.require_memory(8.0, (1000, 1000, 1000), "This")
    with pytest.raises(StructureError, match=r"^This needs 8.01 GB .* a cube of 1000 voxels would fit\."):
        memory.require_memory(8.0, (1001, 1000, 1000), "This")
    monkeypatch.undo()
    assert memory.available_memory() > 0.0


def test_a_tomogram_of_a_positive_electrode() -> None:
    path = SHARED / "images" / "nmc-1-cal_generatedCBD_bridge.tif"
    if not path.exists():
        pytest.skip("the tomogram is not here")
    found = formats.read(path, voxel="398 nm", phases="pore, NCM622, carbon-binder")
    assert found.shape == (251, 301, 301)
    # 10 % of the volume were generated as carbon-binder
    assert found.fraction("carbon-binder") == pytest.approx(0.1, abs=1e-6)
    part = found.crop((0, 100), (0, 100), (0, 100))
    sizes = representative_volume(part, "NCM622")
    assert np.all(np.diff(sizes.standard_deviation / sizes.mean) < 0.0)
    assert 0.3 < part.porosity < 0.5
