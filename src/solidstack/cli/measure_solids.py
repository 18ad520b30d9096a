"""`solidstack measure particle-size|modulus`: tables of powders and films."""

from typing import Any

import click

from .. import units
from .measure_options import measurement, quantity
from .measure_output import CAPTIONS, drawn_by, finish


@click.command("particle-size")
@measurement(files=False)
def particle_size_command(files: tuple[str, ...], **options: Any) -> None:
    """Particle sizes from a table of laser diffraction: D10, D50, D90, means, log-normal fit.

    \b
    Example:
      solidstack measure particle-size sizes.csv --save-material "NCM622 lot 3" --based-on NCM622
    """
    from ..measure import particle_size

    results = [particle_size.analyse(path) for path in files]
    finish(results, drawn_by("solids", "draw_particle_size"), options, CAPTIONS["particle-size"])


@click.command("modulus")
@measurement("area", files=False)
@quantity("--gauge-length", units.LENGTH, 'Between the clamps, as in "20 mm", where the table has force and way.')
def modulus_command(files: tuple[str, ...], gauge_length: float | None, **options: Any) -> None:
    """Young's modulus from a table of stress and strain, or moduli from DMA.

    --area is the cross-section, where the table has force and displacement.

    \b
    Example:
      solidstack measure modulus tensile.csv --area "0.6 mm^2" --gauge-length "20 mm"
    """
    from ..measure import modulus

    results = [modulus.analyse(path, area=options["area"], gauge_length=gauge_length) for path in files]
    finish(results, drawn_by("solids", "draw_modulus"), options, CAPTIONS["modulus"])
