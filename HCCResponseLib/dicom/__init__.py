"""What a DICOM series is, in which order its frames are, and how its values become arrays."""

from .diffusion import DiffusionSeries, read_diffusion
from .diffusion_exports import diffusion_exports
from .recognition import Recognition, recognise
from .scan import Scan, Skipped, scan_folder
from .series import Frame, Series

__all__ = [
    "DiffusionSeries",
    "Frame",
    "Recognition",
    "Scan",
    "Series",
    "Skipped",
    "diffusion_exports",
    "read_diffusion",
    "recognise",
    "scan_folder",
]
