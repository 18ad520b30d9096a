"""Materials: one TOML file each, every value with unit, source and quality; the user's own beside ours."""

from .library import Library as Library
from .library import add as add
from .library import default_library as default_library
from .schema import Conductivity as Conductivity
from .schema import Entry as Entry
from .schema import Material as Material
from .schema import Spread as Spread
from .schema import read as read
