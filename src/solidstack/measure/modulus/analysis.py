"""Elastic modulus: tensile or compressive tests, and dynamic mechanical analysis."""

import os

import numpy as np

from ...errors import MeasurementError
from ...tables import read_table
from ...units import (
    AREA,
    LENGTH,
    text,
)
from .columns import named
from .dynamic import dynamic
from .result import Modulus
from .tensile import tensile


def analyse(path: str | os.PathLike[str], *, area: float | None = None, gauge_length: float | None = None) -> Modulus:
    r"""Young's modulus from stress and strain, or moduli from dynamic mechanical analysis.

    A table with a storage modulus is DMA: its value at 25 degC and 1 Hz is used where it was measured. Any other
    table has stress and strain, or force and displacement, which need `area` and `gauge_length`

    .. math::
        \sigma = F/A, \qquad \epsilon = \Delta l/l_0, \qquad E = d\sigma/d\epsilon .

    The linear part is the longest in strain whose ends (a third each) have the same slope within 3 % or their scatter,
    among those with at least 90 % of the steepest slope and a tenth of the largest stress: the toe, in which the sample
    is pulled straight, and the hardening after yield are excluded. The interval contains the scatter about the line
    and the change of slope towards the ends, but neither the cross-section nor the compliance of the machine.

    Parameters
    ----------
    path : path
        CSV or TXT; columns with their units: stress (MPa), strain (%) or (-), force (N), displacement (mm),
        storage modulus (MPa), loss modulus (MPa), tan delta, temperature (degC), frequency (Hz). Compression may be
        negative.
    area : float, optional
        Cross-section, m2.
    gauge_length : float, optional
        Between the clamps, m.

    Returns
    -------
    Modulus
        Values from stress and strain: `youngs_modulus`, and where reached `yield_strength` (0.2 % offset), `strength`,
        `strain_at_strength`. From DMA: `storage_modulus_25` (or that at the nearest temperature), `loss_modulus`,
        `tan_delta`, `peak_temperature` (of tan delta or loss).

    Raises
    ------
    MeasurementError
        A column, its unit, area or gauge length is missing, too few points, or stress that does not rise.

    Notes
    -----
    Offset yield and slope of the linear part: as in ISO 527-1 and ASTM D638.
    """
    table = read_table(path, 2, MeasurementError)
    if not table.header:
        msg = 'has no column names above the numbers; write for example "strain (%), stress (MPa)"'
        raise MeasurementError(msg, source=table.source)
    for name, value, kind in (("area", area, AREA), ("gauge length", gauge_length, LENGTH)):
        if value is not None and not (np.isfinite(value) and value > 0.0):
            msg = f"{name}: {text(value, kind) if np.isfinite(value) else value} is not above 0"
            raise MeasurementError(msg, source=table.source)
    storage = named(table, r"storage|\be\s*['’′](?!['’′])|\be_?prime\b|\bg\s*['’′](?!['’′])")
    if storage is not None:
        return dynamic(table, storage, path)
    return tensile(table, path, area, gauge_length)
