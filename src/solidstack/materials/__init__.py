"""Materials: one TOML file each, every value with unit, source and quality; shipped ones and the user's own."""

from .curves import Curve as Curve
from .curves import CurveError as CurveError
from .curves import Expression as Expression
from .curves import Table as Table
from .library import Library as Library
from .library import add as add
from .library import default_library as default_library
from .schema import Conductivity as Conductivity
from .schema import Diffusivity as Diffusivity
from .schema import ElectronicConductivity as ElectronicConductivity
from .schema import Entry as Entry
from .schema import ExchangeCurrentDensity as ExchangeCurrentDensity
from .schema import Material as Material
from .schema import OpenCircuitPotential as OpenCircuitPotential
from .schema import SaltDiffusivity as SaltDiffusivity
from .schema import Spread as Spread
from .schema import VoltageWindow as VoltageWindow
from .schema import read as read
