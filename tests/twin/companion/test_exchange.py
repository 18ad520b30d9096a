"""The homogenised half-cell as a BPX file."""

from pathlib import Path

import numpy as np
import pytest

import solidstack as ss
from solidstack.constants import FARADAY
from solidstack.kinetics import cell_parameters
from solidstack.twin.companion.exchange import export_bpx
from solidstack.twin.effective import Effective

from .helpers import HIGH, active_of


def test_bpx_file_is_valid_and_means_the_cell(tmp_path: Path, design: ss.Design) -> None:
    bpx = pytest.importorskip("bpx")
    path = export_bpx(design, tmp_path / "cell.json")
    read = bpx.parse_bpx_file(path)
    positive = read.parameterisation.positive_electrode
    medium, parameters = Effective.from_design(design), cell_parameters(design)
    active = active_of(parameters)
    assert read.header.model == "Partial"
    assert positive.thickness == medium.thickness
    conductivity, salt = read.parameterisation.electrolyte.conductivity, parameters.electrolyte.salt_concentration
    assert positive.transport_efficiency * conductivity.to_python_function()(salt) == pytest.approx(
        medium.ionic_conductivity
    )
    # BPX: j0 = F K sqrt(x (1 - x)), of sites with a surface of 3 eps / R
    assert positive.surface_area_per_unit_volume == pytest.approx(medium.specific_interface)
    assert FARADAY * positive.reaction_rate_constant * 0.5 == pytest.approx(
        active.exchange_current_density(parameters.temperature)
    )
    table = positive.ocp
    assert np.interp(0.5, table.x, table.y) == pytest.approx(
        active.open_circuit_potential(0.5, parameters.temperature), abs=2e-4
    )
    assert positive.minimum_stoichiometry == pytest.approx(active.stoichiometry(HIGH, parameters.temperature))
    whole = positive.maximum_concentration * medium.active_fraction * medium.thickness * FARADAY
    assert whole == pytest.approx(active.specific_charge * medium.active_loading, rel=2e-3)
