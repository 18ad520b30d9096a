"""Fields of a run, in memory and in a folder, and the particles in them."""

import math
from pathlib import Path

import numpy as np
import pytest

from solidstack.errors import StructureError
from solidstack.twin.electrochemistry.fields import Fields, Particles, Snapshot, particles
from tests.cells import (
    AM,
    CA,
    SE,
    UM,
    cell,
    charge,
    columns,
    rest,
    salted,
    structure,
)

from .helpers import CLOSED, Simulate

pytestmark = pytest.mark.usefixtures("one_thread")


def test_fields_of_a_run(run_of: Simulate) -> None:
    """At the wished times, the ends of steps; NaN where a quantity does not exist; potentials that fit the voltage."""
    labels = columns(6).labels.copy()
    labels[4, 0] = CA
    made = columns(6).changed(labels=labels)
    parameters = cell(electrolyte=salted(0.01), membrane_thickness=20 * UM)
    kept = Fields(times=(10.0, 40.0), step_ends=True)
    run = run_of(charge("1C", time=60.0), rest(30.0), made=made, parameters=parameters, fields=kept)
    times = [snapshot.time for snapshot in kept.taken]
    assert times[0] >= 10.0
    assert times[1] >= 40.0
    assert times[2:] == pytest.approx([60.0, 90.0])
    rows = [int(np.argmin(np.abs(run.time - time))) for time in times]
    assert rows[0] == int(np.argmax(run.time >= 10.0)), "the first state at or after"
    for row, snapshot in zip(rows, kept.taken, strict=True):
        assert snapshot.voltage == run.voltage[row]
        assert set(snapshot.fields()) == {
            "stoichiometry",
            "electronic potential (V)",
            "ionic potential (V)",
            "salt concentration",
        }
        for name, labels_with in (
            ("stoichiometry", (AM,)),
            ("electronic_potential", (AM, CA)),
            ("ionic_potential", (SE,)),
            ("salt", (SE,)),
        ):
            found = getattr(snapshot, name)
            np.testing.assert_array_equal(np.isfinite(found), np.isin(made.labels, labels_with), err_msg=name)
        assert np.nanmean(snapshot.stoichiometry) == pytest.approx(run.stoichiometry[row], abs=1e-6)
    during, after = kept.taken[2], kept.taken[3]
    # electrons leave through the collector, ions through the membrane
    assert (np.diff(during.electronic_potential[:, 0, 0]) > 0.0).all()
    assert during.electronic_potential[-1, 0, 0] == pytest.approx(during.voltage, abs=1e-3)
    assert (np.diff(during.ionic_potential[:, 1, 0]) > 0.0).all()
    assert during.salt is not None
    assert (np.diff(during.salt[:, 1, 0]) > 0.0).all()
    assert np.nanmax(during.salt) > 1.0
    assert np.nanmax(np.abs(after.electronic_potential - after.voltage)) < 1e-3


def test_single_ion_has_no_salt(run_of: Simulate) -> None:
    kept = Fields()
    run_of(rest(1.0), fields=kept)
    assert kept.taken[0].salt is None
    assert "salt concentration" not in kept.taken[0].fields()


def test_fields_in_a_folder(run_of: Simulate, tmp_path: Path) -> None:
    made = columns(6)
    kept = Fields(times=(5.0,), folder=tmp_path / "fields", structure=made, ending=".npz")
    run_of(charge("1C", time=20.0), made=made, fields=kept)
    assert kept.taken == []
    assert [path.name for path in kept.paths] == sorted(path.name for path in (tmp_path / "fields").iterdir())
    assert kept.paths[-1].name == "fields-000000020s.npz"
    with pytest.raises(StructureError, match="a folder for fields needs the structure"):
        Fields(folder=tmp_path)


def test_particles_of_a_packing() -> None:
    """Two spheres that touch: two particles, with their centres, volumes and means; one of them takes no part."""
    x, y, z = np.indices((40, 24, 24)) + 0.5
    first = (x - 11) ** 2 + (y - 12) ** 2 + (z - 12) ** 2 < 9.5**2
    second = (x - 28) ** 2 + (y - 12) ** 2 + (z - 12) ** 2 < 8.0**2
    assert (first[:-1] & second[1:]).any(), "they touch"
    made = structure(np.where(first | second, AM, SE), (UM, UM, UM), CLOSED)
    content = np.where(first, 0.3 + 0.002 * (x - 11), np.where(second, 0.8, np.nan)).astype(np.float32)
    nothing = np.full_like(content, np.nan)
    found = particles(made, Snapshot(0.0, 4.0, content, nothing, nothing))
    order = np.argsort(found.depth)
    np.testing.assert_allclose(found.depth[order], [11 * UM, 28 * UM], atol=0.2 * UM)
    np.testing.assert_allclose(found.volume[order], [first.sum() * UM**3, second.sum() * UM**3], rtol=0.01)
    np.testing.assert_allclose(found.stoichiometry[order], [0.3, 0.8], atol=2e-3)
    bare = np.where(first, content, np.nan).astype(np.float32)
    lone = particles(made, Snapshot(0.0, 4.0, bare - 0.1, nothing, nothing))
    order = np.argsort(lone.depth)
    assert math.isnan(lone.stoichiometry[order][1])
    np.testing.assert_allclose(lone.utilisation(found)[order], [0.1, 0.0], atol=2e-3)
    assert isinstance(lone, Particles)
