"""Tags of segments: texts that stay with a segment through renaming, undo, saving and Slicer's own editing."""

import vtk

from ..errors import InputError
from ..version import __version__
from .escaped_text import escape, unescape

__all__ = ["get_tag", "require_segment", "set_algorithm", "set_tag"]

_OWN = "HCC."


def require_segment(segmentation_node, segment_id: str):
    """Return a segment.

    :raises InputError: there is no such segment.
    """
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    if segment is None:
        raise InputError(f"Segmentation '{segmentation_node.GetName()}' has no segment '{segment_id}'; it may have been removed.")
    return segment


def get_tag(segment, name: str) -> str:
    """Return a tag of a segment; empty where it has none."""
    value = vtk.mutable("")
    text = str(value) if segment.GetTag(name, value) else ""
    return unescape(text) if name.startswith(_OWN) else text


def set_tag(segment, name: str, value: str) -> None:
    """Set a tag of a segment; an empty value takes it away."""
    if value:
        # The segmentation file joins tags with '|'; tags that other programs read have no escaped form.
        segment.SetTag(name, escape(value) if name.startswith(_OWN) else value.replace("|", "/"))
    elif segment.HasTag(name):
        segment.RemoveTag(name)


def set_algorithm(segment) -> None:
    """Say that a segment was made with this program's help; Slicer's DICOM SEG export writes it into the file."""
    set_tag(segment, "DICOM.SegmentAlgorithmType", "SEMIAUTOMATIC")
    set_tag(segment, "DICOM.SegmentAlgorithmName", f"HCCResponse {__version__}")
