"""What charge and discharge take of a design: salt, potentials and exchange currents of its materials, with sources."""

from .active_material import ActiveMaterial as ActiveMaterial
from .collect import cell_parameters as cell_parameters
from .collect import electrolytes as electrolytes
from .electrolyte import LEAST_NUMBER as LEAST_NUMBER
from .electrolyte import Electrolyte as Electrolyte
from .network import BRUGGEMAN as BRUGGEMAN
from .network import Percolation as Percolation
from .network import network_conductivity as network_conductivity
from .parameters import SENSITIVE as SENSITIVE
from .parameters import CarbonBinder as CarbonBinder
from .parameters import CellParameters as CellParameters
from .parameters import Lithium as Lithium
from .sources import UNKNOWN as UNKNOWN
from .sources import Sourced as Sourced
