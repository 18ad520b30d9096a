"""Published cells, with the source of every value."""

from .energy import BASES as BASES
from .energy import Basis as Basis
from .energy import Known as Known
from .energy import NormalisedEnergy as NormalisedEnergy
from .energy import find as find
from .energy import normalised as normalised
from .energy import specific_energy as specific_energy
from .library import add as add
from .library import load as load
from .library import own_keys as own_keys
from .library import shipped as shipped
from .library import user_folder as user_folder
from .measured import MeasuredCell as MeasuredCell
from .measured import read_measured as read_measured
from .schema import PublishedCell as PublishedCell
from .schema import read as read
