"""The identity of a lesion, carried by its segment as tags: names may change and be reused, the tracking UID may not.

The same lesion has the same tracking UID in the segmentation of every time point (DICOM 112039, 112040).
"""

import uuid
from dataclasses import dataclass

import vtk

from ..errors import InputError

__all__ = ["LesionIdentity", "ensure_lesion_identity", "lesion_identity", "segment_of_lesion", "set_lesion_identity"]

_UID_TAG = "HCC.TrackingUID"
_IDENTIFIER_TAG = "HCC.TrackingIdentifier"


@dataclass(frozen=True)
class LesionIdentity:
    """Tracking UID, unique in the world, and tracking identifier, a label for people that stays when the segment is renamed."""

    uid: str
    identifier: str


def lesion_identity(segmentation_node, segment_id: str) -> LesionIdentity | None:
    """Return the identity of a segment, or None where it has none yet.

    :raises InputError: there is no such segment.
    """
    segment = _segment(segmentation_node, segment_id)
    uid = _tag(segment, _UID_TAG)
    return LesionIdentity(uid, _tag(segment, _IDENTIFIER_TAG)) if uid else None


def ensure_lesion_identity(segmentation_node, segment_id: str) -> LesionIdentity:
    """Return the identity of a segment; where it has none, give it a new one, labelled with its present name.

    :raises InputError: there is no such segment.
    """
    identity = lesion_identity(segmentation_node, segment_id)
    if identity is None:
        # A random UUID as an OID below 2.25 (DICOM PS3.5, B.2).
        uid = f"2.25.{uuid.uuid4().int}"
        identity = LesionIdentity(uid, _segment(segmentation_node, segment_id).GetName() or segment_id)
        set_lesion_identity(segmentation_node, segment_id, identity)
    return identity


def set_lesion_identity(segmentation_node, segment_id: str, identity: LesionIdentity) -> None:
    """Give a segment an identity: that of the same lesion at another time point.

    :raises InputError: there is no such segment, or the UID is not one.
    """
    segment = _segment(segmentation_node, segment_id)
    if not identity.uid or len(identity.uid) > 64 or not identity.uid.replace(".", "").isdigit():
        raise InputError(f"'{identity.uid}' is not a DICOM unique identifier.")
    segment.SetTag(_UID_TAG, identity.uid)
    # The segmentation file joins tags with '|'.
    segment.SetTag(_IDENTIFIER_TAG, identity.identifier.replace("|", "/"))


def segment_of_lesion(segmentation_node, uid: str) -> str | None:
    """Return the ID of the first segment with this tracking UID, or None."""
    segmentation = segmentation_node.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]
    return next((segment_id for segment_id in ids if _tag(segmentation.GetSegment(segment_id), _UID_TAG) == uid), None)


def _segment(segmentation_node, segment_id: str):
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    if segment is None:
        raise InputError(f"Segmentation '{segmentation_node.GetName()}' has no segment '{segment_id}'; it may have been removed.")
    return segment


def _tag(segment, name: str) -> str:
    value = vtk.mutable("")
    return str(value) if segment.GetTag(name, value) else ""
