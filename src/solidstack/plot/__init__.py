"""Figures; the only importer of matplotlib. Colours are told apart by colour-blind readers and in grey."""

from .breakdown import draw_breakdown as draw_breakdown
from .maps import draw_maps as draw_maps
from .section import draw_section as draw_section
from .style import save as save
