r"""Impedance spectra: resistances and conductivities, from the part of the spectrum that can be trusted.

1. The window. A cell of resistors, capacitors, diffusion and leads has a spectrum that is a sum of relaxations of
   positive weight (`solidstack.measure.relaxation`). From the part that fits this best, the window grows point by
   point to both sides, until two points in a row deviate by more than noise: at high frequency because of the leads,
   the reference electrode or the instrument, at low frequency because the cell changes during the measurement. A
   single point that deviates is left out.
2. The Kramers-Kronig check, point by point.
3. Circuits of a blocking cell, of a cell with lithium electrodes, or of a composite are fitted; the one with the
   lowest information criterion is chosen, provided the data determine all its parameters.
4. The distribution of relaxation times, which assumes no circuit.

Conductivity is :math:`\sigma = L/(RA)`, with the resistance between the electrodes in a blocking cell, and the
high-frequency resistance in a cell with lithium electrodes. Its interval includes the uncertainty of thickness and
area.
"""

from .analysis import Impedance as Impedance
from .analysis import analyse as analyse
from .series import Spectra as Spectra
from .series import analyse_all as analyse_all
from .series import over_time as over_time
from .series import together as together

__all__ = ["Impedance", "Spectra", "analyse", "analyse_all", "over_time", "together"]
