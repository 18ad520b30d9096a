"""The digital twin: the same electrode as a 3D structure, generated or imaged, with its effective properties."""

from ..kinetics import cell_parameters as cell_parameters
from .conduction import Conduction as Conduction
from .conduction import Transport as Transport
from .conduction import transport as transport
from .electrochemistry.cycle import discharge as discharge
from .electrochemistry.fields import Fields as Fields
from .electrochemistry.fields import particles as particles
from .results import Run as Run
from .structure.additives import AtSurfaces as AtSurfaces
from .structure.additives import Dispersed as Dispersed
from .structure.build import BuildReport as BuildReport
from .structure.build import build as build
from .structure.coating import Necks as Necks
from .structure.coating import Particles as Particles
from .structure.coating import Placement as Placement
from .structure.coating import Shell as Shell
from .structure.voxels import Phase as Phase
from .structure.voxels import Structure as Structure
