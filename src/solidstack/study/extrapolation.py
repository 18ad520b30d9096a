"""A property of a structure of voxels, extrapolated over their size."""

from dataclasses import dataclass

COARSER = 1.5
"""Edge of a voxel over that of the finer ones, of the two sizes between which a property is extrapolated."""


@dataclass(frozen=True)
class Extrapolated:
    """A value at vanishing voxels, in a straight line through two sizes.

    Attributes
    ----------
    value : float
    error : float
        Relative: the distance from the finer size, of the value. Faces of voxels converge with the first power of
        their edge; contacts of shells more slowly, so that this is an error bar and not a bound.
    fine : float
        The value at the finer size.
    """

    value: float
    error: float
    fine: float


def extrapolated(fine: float, coarse: float, ratio: float) -> Extrapolated:
    """Extrapolate a value that is at least 0 to vanishing voxels.

    Parameters
    ----------
    fine, coarse : float
        At the two sizes.
    ratio : float
        Of the sizes, coarse over fine, above 1.

    Examples
    --------
    >>> found = extrapolated(0.9, 0.85, 1.5)
    >>> round(found.value, 6), round(found.error, 6)
    (1.0, 0.1)
    """
    value = max(fine + (fine - coarse) / (ratio - 1.0), 0.0)
    error = abs(value - fine) / value if value > 0.0 else float(fine > 0.0)
    return Extrapolated(value, error, fine)
