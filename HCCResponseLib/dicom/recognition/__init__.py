"""What one series is, and why. What a series is among the others of its examination is told in ``examination``."""

from .diffusion import B0_LIMIT, FrameKind, frame_kinds, is_source
from .one_series import recognise, recognise_part
from .result import Confidence, Recognition

__all__ = [
    "B0_LIMIT",
    "Confidence",
    "FrameKind",
    "Recognition",
    "frame_kinds",
    "is_source",
    "recognise",
    "recognise_part",
]
