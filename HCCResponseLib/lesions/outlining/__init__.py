"""Outlines with help: growing from a click, carrying to other slices and examinations, matching, cleaning, reference regions."""

from .growth import GrownOutline, LesionGrowth, grow_lesion

__all__ = ["GrownOutline", "LesionGrowth", "grow_lesion"]
