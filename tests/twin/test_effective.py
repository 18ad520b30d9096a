"""The electronic conductivity of a medium: additive in clusters, and additive that connects through."""

import numpy as np
import pytest

from solidstack.twin import transport
from solidstack.twin.effective import Effective

from ..cells import AM, CA, SE, cell, host, structure

LITTLE, MUCH = 1e-4, 1e3
"""Electronic conductivity of the active material and of the additive, S/m."""


def electrode(columns: bool) -> np.ndarray:
    """Half active material, half electrolyte; in the former, additive in cubes of 2 voxels or in columns of them."""
    labels = np.full((12, 12, 6), SE)
    labels[:, :6] = AM
    for planes in [slice(None)] if columns else [slice(1, 5), slice(7, 11)]:
        labels[planes, 2:4, 2:4] = CA
    return labels


@pytest.mark.parametrize("columns", [False, True])
def test_additive_counts_in_full(columns: bool) -> None:
    """Against the solution at the full contrast, 1e7."""
    made = structure(electrode(columns))
    medium = Effective.from_structure(made, cell(host(electronic=LITTLE), additive_conductivity={"CA": MUCH}))
    found = medium.electronic_conductivity + medium.electronic_share * LITTLE
    exact = transport(made, {"AM": LITTLE, "CA": MUCH}, direction="x", tolerance=1e-5).directions["x"].conductivity
    assert found == pytest.approx(exact, rel=3e-3)
    if columns:
        assert found > MUCH * 4 / 72  # the columns alone
