"""The digital twin: the same electrode as a 3D structure, generated or imaged, with its effective properties."""

from .additives import AtSurfaces as AtSurfaces
from .additives import Dispersed as Dispersed
from .build import BuildReport as BuildReport
from .build import build as build
from .coating import Necks as Necks
from .coating import Particles as Particles
from .coating import Placement as Placement
from .coating import Shell as Shell
from .discharge import discharge as discharge
from .fields import Fields as Fields
from .fields import particles as particles
from .parameters import parameters as parameters
from .results import Run as Run
from .transport import Conduction as Conduction
from .transport import Transport as Transport
from .transport import transport as transport
from .voxels import Phase as Phase
from .voxels import Structure as Structure
