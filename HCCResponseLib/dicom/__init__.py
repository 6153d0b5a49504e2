"""What a DICOM series is, in which order its frames are, and how its values become arrays."""

from .diffusion import DiffusionSeries, read_diffusion
from .diffusion_exports import diffusion_exports
from .dynamic import DynamicSeries, read_dynamic
from .examination import (
    Examination,
    Reading,
    choose,
    find_examinations,
    folder_report,
    missing_images,
    read_examination,
    recognise_examination,
)
from .flip_angles import FlipAngleSeries, read_flip_angles
from .image_kind import split_series
from .recognition import Confidence, Recognition, recognise
from .scan import Scan, Skipped, scan_files, scan_folder, skipped_lines
from .series import Frame, Series
from .volume import ImageSeries, read_volume

__all__ = [
    "Confidence",
    "DiffusionSeries",
    "DynamicSeries",
    "Examination",
    "FlipAngleSeries",
    "Frame",
    "ImageSeries",
    "Reading",
    "Recognition",
    "Scan",
    "Series",
    "Skipped",
    "choose",
    "diffusion_exports",
    "find_examinations",
    "folder_report",
    "missing_images",
    "read_diffusion",
    "read_dynamic",
    "read_examination",
    "read_flip_angles",
    "read_volume",
    "recognise",
    "recognise_examination",
    "scan_files",
    "scan_folder",
    "skipped_lines",
    "split_series",
]
