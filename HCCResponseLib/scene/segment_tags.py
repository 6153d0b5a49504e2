"""Tags of segments: texts that stay with a segment through renaming, undo, saving and Slicer's own editing."""

import vtk

from ..errors import InputError

__all__ = ["get_tag", "require_segment", "set_tag"]


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
    return str(value) if segment.GetTag(name, value) else ""


def set_tag(segment, name: str, value: str) -> None:
    """Set a tag of a segment; an empty value takes it away."""
    if value:
        # The segmentation file joins tags with '|'.
        segment.SetTag(name, value.replace("|", "/"))
    elif segment.HasTag(name):
        segment.RemoveTag(name)
