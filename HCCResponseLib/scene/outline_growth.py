"""Lesions grown from a click on a volume into a segment, proposed until the user accepts them."""

from ..errors import InputError
from ..geometry import LPS_TO_RAS
from ..response.region_types import RegionType
from .lesion_attributes import lesion_segments
from .lesion_identity import ensure_lesion_identity
from .proposals import mark_proposed, proposal
from .segment_masks import add_segment, is_empty, set_segment_mask
from .segment_tags import require_segment
from .segment_types import segment_type, set_segment_type
from .undo import all_or_nothing
from .volumes import volume_array, volume_geometry

__all__ = ["SegmentGrowth"]


class SegmentGrowth:
    """One click, all strengths: the edge is searched once, then :meth:`write` is fast enough for a slider.

    :param volume_node: image to grow on; taken where its transforms place it.
    :param point_ras: the click in world coordinates, RAS mm, in the middle of the lesion or on its edge.
    :param max_diameter_mm: no outline reaches further than half of this from the lesion's middle.
    :raises InputError: the click is outside the image, or no edge stands out round it.
    :raises GeometryError: a parent transform is not linear, or shears the image.
    """

    def __init__(self, volume_node, point_ras, *, max_diameter_mm: float = 60.0):
        from ..lesions.outlining import LesionGrowth

        geometry = volume_geometry(volume_node, world=True)
        point_lps = LPS_TO_RAS[:3, :3] @ point_ras
        self._volume_node = volume_node
        self._growth = LesionGrowth(volume_array(volume_node), geometry, point_lps, max_diameter_mm=max_diameter_mm)

    def outline(self, strength: float = 0.5):
        """Return an outline without writing it (:class:`~HCCResponseLib.lesions.outlining.GrownOutline`).

        :raises InputError: the strength is not between 0 and 1.
        """
        return self._growth.outline(strength)

    def write(self, segmentation_node, segment_id: str | None = None, *, strength: float = 0.5, name: str = "") -> tuple[str, object]:
        """Write an outline into a segment as a proposal.

        :param segment_id: a proposed or empty segment to write into; None makes a new lesion.
        :param strength: 0 to 1; larger ones hold the smaller ones.
        :param name: of a new segment; "Lesion 1", "Lesion 2", ... where empty.
        :return: ID of the segment, and the outline with its notes for the user.
        :raises InputError: the strength is not between 0 and 1, the segment holds an accepted outline, or see
            :func:`.segment_masks.set_segment_mask`; nothing is changed then.
        :raises GeometryError: a parent transform is not linear; nothing is changed then.
        """
        if segment_id is not None and not is_empty(segmentation_node, segment_id) and not proposal(segmentation_node, segment_id):
            name = require_segment(segmentation_node, segment_id).GetName()
            raise InputError(f"'{name}' is outlined and accepted already; grow into a new segment, or empty this one first.")
        outline = self._growth.outline(strength)
        with all_or_nothing(segmentation_node):
            if segment_id is None:
                segment_id = add_segment(segmentation_node, name or _next_name(segmentation_node))
            set_segment_mask(segmentation_node, segment_id, outline.mask, self._volume_node)
            known = segment_type(segmentation_node, segment_id)
            if known is None or not known.is_lesion:
                set_segment_type(segmentation_node, segment_id, RegionType.LESION)
            ensure_lesion_identity(segmentation_node, segment_id)
            mark_proposed(segmentation_node, segment_id, f"grown from a click on {self._volume_node.GetName()}, strength {strength:.2f}")
        return segment_id, outline


def _next_name(segmentation_node) -> str:
    names = {require_segment(segmentation_node, segment_id).GetName() for segment_id in lesion_segments(segmentation_node)}
    return next(name for number in range(1, len(names) + 2) if (name := f"Lesion {number}") not in names)
