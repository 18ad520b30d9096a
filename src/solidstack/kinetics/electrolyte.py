"""A solid electrolyte: of one mobile ion, or of a dissolved binary salt."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..errors import MaterialError
from ..materials import Conductivity, SaltDiffusivity
from .active_material import multiplied


@dataclass(frozen=True)
class Electrolyte:
    """A solid electrolyte: of one mobile ion, or of a dissolved binary salt.

    Attributes
    ----------
    name : str
    transference_number : float
        Above 0, at most 1.
    ionic : Conductivity
        At the nominal salt concentration.
    salt_concentration : float or None
        Nominal, mol/m3; None where only lithium moves, or where a value is missing.
    salt_diffusion : SaltDiffusivity or None
    thermodynamic_factor : float
        1 + d ln f / d ln c.
    factors : mapping of str to float
        By which conductivity and salt_diffusivity are multiplied.
    """

    name: str
    transference_number: float
    ionic: Conductivity
    salt_concentration: float | None = None
    salt_diffusion: SaltDiffusivity | None = None
    thermodynamic_factor: float = 1.0
    factors: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_single_ion(self) -> bool:
        """Whether no salt is solved for."""
        return self.transference_number == 1.0 or self.salt_concentration is None or self.salt_diffusion is None

    def conductivity(self, temperature: float) -> float:
        """Ionic conductivity, S/m."""
        return self.factors.get("conductivity", 1.0) * float(self.ionic.at(temperature))

    def salt_diffusivity(self, temperature: float) -> float | None:
        """Diffusivity of the salt, m2/s; None where only lithium moves."""
        if self.salt_diffusion is None:
            return None
        return self.factors.get("salt_diffusivity", 1.0) * self.salt_diffusion.at(temperature)

    def scaled(self, name: str, factor: float) -> "Electrolyte":
        """Return the electrolyte with one property multiplied.

        Parameters
        ----------
        name : str
            conductivity, transference_number, salt_diffusivity, salt_concentration or thermodynamic_factor.
        factor : float
            Above 0.

        Raises
        ------
        MaterialError
            A transference number that would be above 1.
        """
        match name:
            case "conductivity" | "salt_diffusivity":
                return replace(self, factors=multiplied(self.factors, name, factor))
            case "transference_number":
                number = factor * self.transference_number
                if number > 1.0:
                    msg = (
                        f"transference_number: {factor:g} times {self.transference_number:g} of {self.name} is "
                        f"{number:g}, above 1; choose a factor of at most {1.0 / self.transference_number:.4g}"
                    )
                    raise MaterialError(msg)
                return replace(self, transference_number=number)
            case "salt_concentration":
                concentration = self.salt_concentration
                return replace(self, salt_concentration=None if concentration is None else factor * concentration)
            case _:
                return replace(self, thermodynamic_factor=factor * self.thermodynamic_factor)
