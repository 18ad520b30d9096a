"""The result: values, the curve as drawn, and the material property."""

from dataclasses import dataclass
from typing import Any

from ...units import (
    DEG_C,
    HERTZ,
    MODULUS,
    MPA,
    PERCENT,
    Unit,
    text,
)
from ..result import Property, Result, Series
from .columns import Floats

NAN = float("nan")


@dataclass(frozen=True, kw_only=True, eq=False)
class Modulus(Result):
    """Modulus of a solid.

    Attributes
    ----------
    form : str
        ``stress-strain`` or ``dma``.
    x : array, shape (n,)
        Strain; for DMA temperature, K, or frequency, Hz, according to `axis`.
    y : array, shape (n,)
        Stress, or storage modulus, Pa.
    axis : str
        ``strain``, ``temperature`` or ``frequency``.
    loss, tangent : array, shape (n,), or None
        For DMA: loss modulus, Pa; tan delta.
    straight : (float, float, float, float), or None
        For stress and strain: begin and end of the linear part, its intercept, Pa, and its slope, Pa.
    offset_yield : (float, float), or None
        Strain and stress.
    strength : (float, float), or None
        Strain and stress of the maximum, if it is reached.
    bent : bool
        Whether no part of the curve is straight.
    """

    form: str
    x: Floats
    y: Floats
    axis: str
    loss: Floats | None = None
    tangent: Floats | None = None
    straight: tuple[float, float, float, float] | None = None
    offset_yield: tuple[float, float] | None = None
    strength: tuple[float, float] | None = None
    bent: bool = False

    @property
    def kind(self) -> str:
        """Name of the analysis."""
        return "modulus"

    def properties(self) -> list[Property]:
        """Young's modulus: of the linear part, or the storage modulus measured at room temperature.

        None where no part is straight or the interval includes 0.
        """
        modulus = self.values.get("youngs_modulus") or self.values.get("storage_modulus_25")
        # the ends are nan where there is no interval
        if modulus is None or self.bent or not modulus.value > 0.0 or modulus.low <= 0.0:
            return []
        value = text(float(f"{modulus.value:.6g}"), MODULUS)
        return [Property("youngs_modulus", {"value": value}, modulus.uncertainty)]

    def data(self) -> dict[str, Series]:
        """The curve as drawn."""
        units: dict[str, Unit] = {"strain": PERCENT, "temperature": DEG_C, "frequency": HERTZ}
        columns: dict[str, Any] = {self.axis: self.x}
        name = "stress" if self.form == "stress-strain" else "storage_modulus"
        columns[name] = self.y
        if self.loss is not None:
            columns["loss_modulus"] = self.loss
        if self.tangent is not None:
            columns["tan_delta"] = self.tangent
        shown = {self.axis: units[self.axis], name: MPA, "loss_modulus": MPA}
        return {"curve": Series("Curve", columns, {key: unit for key, unit in shown.items() if key in columns})}
