"""Outlines that are proposed until the user accepts them: what was grown, or carried over from another examination.

A proposal says where it comes from and shows as "in progress" in Slicer's lists of segments. Nothing is measured in it.
"""

import slicer

from ..errors import InputError
from .linked_segments import remove_lesion
from .segment_tags import get_tag, require_segment, set_algorithm, set_tag
from .segments import segment_ids

__all__ = ["accept_proposal", "mark_proposed", "proposal", "proposals", "reject_proposal"]

_TAG = "HCC.Proposal"


def proposal(segmentation_node, segment_id: str) -> str:
    """Return where a proposed outline comes from, in words; empty for an outline that is not proposed.

    :raises InputError: there is no such segment.
    """
    return get_tag(require_segment(segmentation_node, segment_id), _TAG)


def proposals(segmentation_node) -> list[str]:
    """Return the IDs of the segments that wait for a decision."""
    return [segment_id for segment_id in segment_ids(segmentation_node) if proposal(segmentation_node, segment_id)]


def mark_proposed(segmentation_node, segment_id: str, source: str) -> None:
    """Mark an outline as proposed.

    :param source: where it comes from ("grown from a click on T1, strength 0.5").
    :raises InputError: there is no such segment.
    """
    segment = require_segment(segmentation_node, segment_id)
    set_tag(segment, _TAG, source or "proposed")
    set_algorithm(segment)
    slicer.vtkSlicerSegmentationsModuleLogic.SetSegmentStatus(segment, slicer.vtkSlicerSegmentationsModuleLogic.InProgress)


def accept_proposal(segmentation_node, segment_id: str) -> None:
    """Make a proposed outline the user's own; one that is not proposed stays as it is.

    :raises InputError: there is no such segment.
    """
    segment = require_segment(segmentation_node, segment_id)
    if get_tag(segment, _TAG):
        set_tag(segment, _TAG, "")
        slicer.vtkSlicerSegmentationsModuleLogic.SetSegmentStatus(segment, slicer.vtkSlicerSegmentationsModuleLogic.Completed)


def reject_proposal(segmentation_node, segment_id: str) -> None:
    """Remove a proposed outline from its examination.

    :raises InputError: there is no such segment, or it is not proposed: what the user drew or accepted is not removed here.
    """
    if not proposal(segmentation_node, segment_id):
        name = require_segment(segmentation_node, segment_id).GetName()
        raise InputError(f"'{name}' is not a proposal but an accepted outline; delete it in the Segment Editor if it is not wanted.")
    remove_lesion(segmentation_node, segment_id)
