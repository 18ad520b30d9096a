"""A solid electrolyte: of one mobile ion, or of a dissolved binary salt."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..errors import MaterialError
from ..materials import Conductivity, SaltDiffusivity
from . import salt
from .active_material import multiplied

LEAST_NUMBER = 0.01
"""Least transference number, and distance of a current fraction from 1, that a changed electrolyte may have."""


@dataclass(frozen=True)
class Electrolyte:
    """A solid electrolyte: of one mobile ion, or of a dissolved binary salt.

    Of transference number, current fraction, salt diffusivity and thermodynamic factor, one follows from the others
    (`solidstack.kinetics.salt`), and it follows again whenever one of them, the conductivity or the concentration is
    changed.

    Attributes
    ----------
    name : str
    ionic : Conductivity
        At the nominal salt concentration; proportional to the concentration, as an ideal salt's.
    transference_number : float
        Of lithium relative to the solvent or matrix, above 0, at most 1. 1: only lithium moves.
    current_fraction : float
        Of the steady state, above 0, at most 1.
    salt_concentration : float or None
        Nominal, mol/m3; None where only lithium moves.
    salt_diffusion : SaltDiffusivity or None
        As given; None where only lithium moves, and where it is derived.
    thermodynamic_factor : float
        1 + d ln f / d ln c.
    derived : str
        Which of the four is derived.
    reference : float
        Temperature at which it is derived, K.
    transference_range : (float, float) or None
        In which a transference number that nobody measured may lie.
    factors : mapping of str to float
        By which conductivity and a given salt_diffusivity are multiplied.
    """

    name: str
    ionic: Conductivity
    transference_number: float = 1.0
    current_fraction: float = 1.0
    salt_concentration: float | None = None
    salt_diffusion: SaltDiffusivity | None = None
    thermodynamic_factor: float = 1.0
    derived: str = ""
    reference: float = 298.15
    transference_range: tuple[float, float] | None = None
    factors: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_single_ion(self) -> bool:
        """Whether no salt is solved for."""
        return self.salt_concentration is None

    def conductivity(self, temperature: float) -> float:
        """Ionic conductivity at the nominal concentration, S/m."""
        return self.factors.get("conductivity", 1.0) * float(self.ionic.at(temperature))

    def salt_diffusivity(self, temperature: float) -> float | None:
        """Diffusivity of the salt, m2/s; None where only lithium moves. A derived one goes as conductivity times T."""
        if self.salt_concentration is None:
            return None
        if self.salt_diffusion is not None:
            return self.factors.get("salt_diffusivity", 1.0) * self.salt_diffusion.at(temperature)
        return salt.diffusivity_of(
            self.conductivity(temperature),
            temperature,
            self.transference_number,
            self.thermodynamic_factor,
            self.current_fraction,
            self.salt_concentration,
        )

    def scaled(self, name: str, factor: float) -> "Electrolyte":
        """Return the electrolyte with one property multiplied, and what is derived with it.

        A derived salt diffusivity can be multiplied as well: then the current fraction follows from it.

        Parameters
        ----------
        name : str
            conductivity, transference_number, current_fraction, salt_diffusivity, salt_concentration or
            thermodynamic_factor.
        factor : float
            Above 0.

        Raises
        ------
        MaterialError
            A transference number or a current fraction that would not be below 1.
        """
        if name == "conductivity":
            return replace(self, factors=multiplied(self.factors, name, factor))._followed()
        if self.salt_concentration is None:
            return self
        match name:
            case "salt_diffusivity":
                return self._with_diffusivity(factor)
            case "transference_number":
                return replace(self, transference_number=self._below_one(name, factor))._followed(but=name)
            case "current_fraction":
                return replace(self, current_fraction=self._below_one(name, factor))._followed(but=name)
            case "salt_concentration":
                return replace(self, salt_concentration=factor * self.salt_concentration)._followed()
            case _:
                changed = replace(self, thermodynamic_factor=factor * self.thermodynamic_factor)
                return changed._followed(but="thermodynamic_factor")

    def _below_one(self, name: str, factor: float) -> float:
        """A number multiplied that must stay below 1."""
        now = float(getattr(self, name))
        number = factor * now
        if number >= 1.0:
            msg = (
                f"{name}: {factor:g} times {now:g} of {self.name} is {number:g}, which must be below 1; choose a "
                f"factor of at most {(1.0 - LEAST_NUMBER) / now:.4g}"
            )
            raise MaterialError(msg)
        return number

    def _with_diffusivity(self, factor: float) -> "Electrolyte":
        """The salt diffusivity multiplied; of a derived one, the current fraction follows from it."""
        if self.salt_diffusion is not None:
            return replace(self, factors=multiplied(self.factors, "salt_diffusivity", factor))._followed()
        number = (1.0 - self.current_fraction) / self.current_fraction / factor
        return replace(self, current_fraction=salt.fraction_of(number))

    def _followed(self, but: str = "") -> "Electrolyte":
        """Renew what is derived of a given diffusivity; a derived diffusivity is computed when it is asked for.

        ``but``: what was changed; where that was the derived one, the current fraction (or, of that, the
        transference number's partner, the factor) is derived instead.
        """
        if self.salt_diffusion is None or self.salt_concentration is None:
            return self
        derived = self.derived if self.derived not in ("", but) else "current_fraction"
        if derived == but:
            derived = "thermodynamic_factor"
        at = self.reference
        known = {
            "transference_number": self.transference_number,
            "current_fraction": self.current_fraction,
            "salt_diffusivity": float(self.salt_diffusivity(at) or 0.0),
            "thermodynamic_factor": self.thermodynamic_factor,
        }
        del known[derived]
        whole = salt.completed(known, self.conductivity(at), self.salt_concentration, at, of=self.name)
        return replace(
            self,
            transference_number=whole.transference_number,
            current_fraction=whole.current_fraction,
            thermodynamic_factor=whole.thermodynamic_factor,
        )
