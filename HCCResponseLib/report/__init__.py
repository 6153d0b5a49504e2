"""Figures and documents of a case; everything optional is imported where it is used."""

from .lesion_picture import LesionPicture, Overlay, field_of_view_mm, lesion_picture, reference_window
from .picture_files import load_pictures, save_pictures
from .tables import read_measurements
from .write import ReportFiles, write_report

__all__ = [
    "LesionPicture",
    "Overlay",
    "ReportFiles",
    "field_of_view_mm",
    "lesion_picture",
    "load_pictures",
    "read_measurements",
    "reference_window",
    "save_pictures",
    "write_report",
]
