"""Conductivity over temperature: activation energy, prefactor, and whether a single straight line is right."""

from .analysis import analyse as analyse
from .analysis import from_spectra as from_spectra
from .analysis import from_table as from_table
from .laws import Candidate as Candidate
from .laws import Law as Law
from .result import Arrhenius as Arrhenius
from .tables import read_points as read_points

__all__ = ["Arrhenius", "Candidate", "Law", "analyse", "from_spectra", "from_table", "read_points"]
