"""What charge and discharge take of a design: salt, potentials and exchange currents of its materials, with sources."""

from .active_material import ActiveMaterial as ActiveMaterial
from .collect import cell_parameters as cell_parameters
from .electrolyte import Electrolyte as Electrolyte
from .parameters import SENSITIVE as SENSITIVE
from .parameters import CellParameters as CellParameters
from .parameters import Lithium as Lithium
from .sources import Sourced as Sourced
