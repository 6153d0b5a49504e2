"""Outlines with help: growing from a click, carrying to other slices and examinations, matching, cleaning, reference regions."""

from .carry_examination import CarriedOutline, carry_outlines
from .carry_slices import CarriedSlices, SliceStop, carry_slices
from .cleaning import CleanedOutline, fill_between_slices, fill_holes, remove_islands, smooth_outline
from .growth import GrownOutline, LesionGrowth, grow_lesion
from .matching import LesionMatch, LesionMatching, LesionPair, match_lesions
from .reference_regions import ReferenceRegion, aorta_region, liver_ring, sphere_region
from .registration import Registration, register_examinations

__all__ = [
    "CarriedOutline",
    "CarriedSlices",
    "CleanedOutline",
    "GrownOutline",
    "LesionGrowth",
    "LesionMatch",
    "LesionMatching",
    "LesionPair",
    "ReferenceRegion",
    "Registration",
    "SliceStop",
    "aorta_region",
    "carry_outlines",
    "carry_slices",
    "fill_between_slices",
    "fill_holes",
    "grow_lesion",
    "liver_ring",
    "match_lesions",
    "register_examinations",
    "remove_islands",
    "smooth_outline",
    "sphere_region",
]
