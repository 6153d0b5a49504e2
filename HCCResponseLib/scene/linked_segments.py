"""Segments that belong to a lesion: its viable, necrotic and haemorrhagic parts, and its own liver reference.

They stand in the lesion's segmentation, know it by its tracking UID, and each other by their codes; names are free.
"""

from ..response.region_types import RegionType
from .diameter_lines import diameter_lines, remove_line
from .lesion_identity import ensure_lesion_identity, lesion_identity
from .segment_masks import add_segment, set_segment_mask
from .segment_tags import get_tag, require_segment, set_algorithm, set_tag
from .segment_types import segment_type, segments_of_type, set_segment_type
from .segments import segment_ids
from .undo import all_or_nothing

__all__ = [
    "link_segment",
    "linked_lesion",
    "linked_segment",
    "linked_segments",
    "reference_segment",
    "remove_lesion",
    "set_linked_mask",
]

_TAG = "HCC.BelongsTo"


def linked_lesion(segmentation_node, segment_id: str) -> str:
    """Return the tracking UID of the lesion that a segment belongs to; empty where it belongs to none.

    :raises InputError: there is no such segment.
    """
    return get_tag(require_segment(segmentation_node, segment_id), _TAG)


def linked_segments(segmentation_node, lesion_uid: str) -> list[str]:
    """Return the IDs of the segments that belong to a lesion."""
    return [one for one in segment_ids(segmentation_node) if linked_lesion(segmentation_node, one) == lesion_uid]


def linked_segment(segmentation_node, lesion_uid: str, region_type: RegionType) -> str | None:
    """Return the ID of the segment of one type that belongs to a lesion, or None."""
    ids = linked_segments(segmentation_node, lesion_uid)
    return next((one for one in ids if segment_type(segmentation_node, one) == region_type), None)


def reference_segment(segmentation_node, lesion_uid: str, region_type: RegionType) -> str | None:
    """Return the ID of a lesion's own reference region, or of one that belongs to no lesion, or None."""
    own = linked_segment(segmentation_node, lesion_uid, region_type)
    common = (one for one in segments_of_type(segmentation_node, region_type) if not linked_lesion(segmentation_node, one))
    return own or next(common, None)


def link_segment(segmentation_node, segment_id: str, lesion_segment_id: str, region_type: RegionType) -> None:
    """Make a segment, drawn by hand perhaps, a part or reference region of a lesion.

    :raises InputError: there is no such segment.
    """
    segment = require_segment(segmentation_node, segment_id)
    uid = ensure_lesion_identity(segmentation_node, lesion_segment_id).uid
    set_segment_type(segmentation_node, segment_id, region_type)
    set_tag(segment, _TAG, uid)


def set_linked_mask(segmentation_node, lesion_segment_id: str, region_type: RegionType, mask, volume_node) -> str:
    """Write a part or reference region of a lesion, in place of the one it had, and return its segment's ID.

    :param mask: boolean (k, j, i) on the grid of ``volume_node``; may be all False: looked for, and none found.
    :raises InputError: see :func:`.segment_masks.set_segment_mask`; nothing is changed then.
    :raises GeometryError: a parent transform is not linear.
    """
    identity = lesion_identity(segmentation_node, lesion_segment_id)
    segment_id = linked_segment(segmentation_node, identity.uid, region_type) if identity else None
    if segment_id is not None:
        set_segment_mask(segmentation_node, segment_id, mask, volume_node)
        return segment_id
    name = require_segment(segmentation_node, lesion_segment_id).GetName() or lesion_segment_id
    with all_or_nothing(segmentation_node):
        segment_id = add_segment(segmentation_node, f"{name}: {region_type.title.lower()}")
        set_segment_mask(segmentation_node, segment_id, mask, volume_node)
        link_segment(segmentation_node, segment_id, lesion_segment_id, region_type)
        set_algorithm(require_segment(segmentation_node, segment_id))
    return segment_id


def remove_lesion(segmentation_node, segment_id: str) -> None:
    """Remove a lesion from an examination: its segment, what belongs to it, and its lines. Measurements stay in the table.

    :raises InputError: there is no such segment.
    """
    identity = lesion_identity(segmentation_node, segment_id)
    segmentation = segmentation_node.GetSegmentation()
    if identity is not None:
        for line_node in diameter_lines(segmentation_node, identity.uid):
            remove_line(line_node)
        for other in linked_segments(segmentation_node, identity.uid):
            segmentation.RemoveSegment(other)
    segmentation.RemoveSegment(segment_id)
