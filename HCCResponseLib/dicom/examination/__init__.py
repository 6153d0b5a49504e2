"""The series of one examination, judged and read together."""

from .folder import Examination, find_examinations, folder_report
from .missing import choose, missing_images
from .read import Reading, comparable_scaling, read_examination
from .recognise import recognise_examination

__all__ = [
    "Examination",
    "Reading",
    "choose",
    "comparable_scaling",
    "find_examinations",
    "folder_report",
    "missing_images",
    "read_examination",
    "recognise_examination",
]
