"""Packings of spheres: sizes, relaxation, random and close packing."""

from .packing import Isostatic as Isostatic
from .packing import Packing as Packing
from .packing import Pressing as Pressing
from .packing import Uniaxial as Uniaxial
from .packing import close_packing as close_packing
from .packing import random_packing as random_packing
from .packing import with_vacancies as with_vacancies
from .relaxation import COVERED_WITHIN as COVERED_WITHIN
from .relaxation import LARGEST_OVERLAP as LARGEST_OVERLAP
from .relaxation import STEPS as STEPS
from .relaxation import as_vector as as_vector
from .relaxation import check_room as check_room
from .relaxation import overlaps as overlaps
from .relaxation import relaxed as relaxed
from .relaxation import settled as settled
from .relaxation import total_volume as total_volume
from .relaxation import within_walls as within_walls
from .relaxation import wrapped as wrapped
from .sizes import MOST_SPHERES as MOST_SPHERES
from .sizes import TAILS as TAILS
from .sizes import LogNormal as LogNormal
from .sizes import Monodisperse as Monodisperse
from .sizes import SizeDistribution as SizeDistribution
from .sizes import SizeTable as SizeTable
from .sizes import check_above_zero as check_above_zero
from .sizes import read_size_table as read_size_table
