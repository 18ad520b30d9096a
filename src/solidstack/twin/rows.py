"""How dense the rows of a run are: the interval of its output."""

import math
from collections.abc import Sequence

from ..design import Action
from ..errors import StructureError

MOST_ROWS = 10_000
"""Of one action, by an interval of output."""


def check_interval(
    interval: float | None, actions: Sequence[Action], sites: float, loading: float, one_c: float
) -> None:
    """Refuse an interval of output that is none, or that gives more rows than a run may have.

    Parameters
    ----------
    interval : float or None
        s.
    actions : sequence of Action
    sites : float
        Charge of all sites, per area, A s/m2.
    loading, one_c : float
        Active material per area, kg/m2, and its current at 1C, A/kg.

    Raises
    ------
    StructureError
    """
    if interval is None:
        return
    if not (math.isfinite(interval) and interval > 0.0):
        msg = f"output_interval: {interval:g} s is not a time above 0; give for example 10 s, or leave it out"
        raise StructureError(msg)
    for action in actions:
        duration = action.time_limit
        if duration is None and action.rate is not None:
            duration = sites / action.rate.current_density(loading, one_c)
        if duration is not None and duration > MOST_ROWS * interval:
            msg = (
                f"output_interval: {interval:g} s gives about {duration / interval:.2g} rows in {action.where}, more "
                f"than {MOST_ROWS}; give at least {duration / MOST_ROWS:.3g} s"
            )
            raise StructureError(msg)
