"""Arterial input: population curves, the curve measured in an artery with its quality, and the portal vein's.

Every input that a model takes is **plasma** concentration [mM]; whole-blood curves say so in their names.
"""

from .alignment import align_to_artery
from .measured import InputQuality, InputWarning, MeasuredInput, Vessel, from_region
from .population import georgiou, georgiou_blood, parker, parker_blood, weinmann
from .portal_vein import portal_from_arterial

__all__ = [
    "InputQuality",
    "InputWarning",
    "MeasuredInput",
    "Vessel",
    "align_to_artery",
    "from_region",
    "georgiou",
    "georgiou_blood",
    "parker",
    "parker_blood",
    "portal_from_arterial",
    "weinmann",
]
