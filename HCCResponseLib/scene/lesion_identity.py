"""The identity of a lesion, carried by its segment as tags: names may change and be reused, the tracking UID may not.

The same lesion has the same tracking UID in the segmentation of every time point (DICOM 112039, 112040).
"""

from dataclasses import dataclass

from ..errors import InputError
from .segment_tags import get_tag, require_segment, set_tag
from .segments import segment_ids
from .subject_hierarchy import new_uid

__all__ = [
    "LesionIdentity",
    "ensure_lesion_identity",
    "lesion_identity",
    "new_lesion_identity",
    "segment_of_lesion",
    "set_lesion_identity",
]

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
    segment = require_segment(segmentation_node, segment_id)
    uid = get_tag(segment, _UID_TAG)
    return LesionIdentity(uid, get_tag(segment, _IDENTIFIER_TAG)) if uid else None


def new_lesion_identity(identifier: str) -> LesionIdentity:
    """Return an identity that no lesion has yet."""
    return LesionIdentity(new_uid(), identifier)


def ensure_lesion_identity(segmentation_node, segment_id: str) -> LesionIdentity:
    """Return the identity of a segment; where it has none, give it a new one, labelled with its present name.

    :raises InputError: there is no such segment.
    """
    identity = lesion_identity(segmentation_node, segment_id)
    if identity is None:
        identity = new_lesion_identity(require_segment(segmentation_node, segment_id).GetName() or segment_id)
        set_lesion_identity(segmentation_node, segment_id, identity)
    return identity


def set_lesion_identity(segmentation_node, segment_id: str, identity: LesionIdentity) -> None:
    """Give a segment an identity: that of the same lesion at another time point.

    :raises InputError: there is no such segment, or the UID is not one.
    """
    segment = require_segment(segmentation_node, segment_id)
    if not identity.uid or len(identity.uid) > 64 or not identity.uid.replace(".", "").isdigit():
        raise InputError(f"'{identity.uid}' is not a DICOM unique identifier.")
    set_tag(segment, _UID_TAG, identity.uid)
    set_tag(segment, _IDENTIFIER_TAG, identity.identifier)


def segment_of_lesion(segmentation_node, uid: str) -> str | None:
    """Return the ID of the first segment with this tracking UID, or None."""
    segmentation = segmentation_node.GetSegmentation()
    ids = segment_ids(segmentation_node)
    return next((segment_id for segment_id in ids if get_tag(segmentation.GetSegment(segment_id), _UID_TAG) == uid), None)
