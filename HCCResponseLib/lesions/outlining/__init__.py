"""Outlines with help: growing from a click, carrying to other slices and examinations, matching, cleaning, reference regions."""

from .cleaning import CleanedOutline, fill_between_slices, fill_holes, remove_islands, smooth_outline
from .growth import GrownOutline, LesionGrowth, grow_lesion

__all__ = [
    "CleanedOutline",
    "GrownOutline",
    "LesionGrowth",
    "fill_between_slices",
    "fill_holes",
    "grow_lesion",
    "remove_islands",
    "smooth_outline",
]
