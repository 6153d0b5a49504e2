"""How outlines look: lesions and reference regions as lines that leave the image free, the parts of a lesion tinted."""

from ..report.colours import PART_COLOURS
from ..response.region_types import RegionType
from .segment_types import segment_type
from .segments import segment_ids

__all__ = ["set_outline_display"]

_PARTS = {RegionType.VIABLE: "viable", RegionType.NECROTIC: "necrotic", RegionType.HAEMORRHAGIC: "haemorrhagic"}
_PART_FILL, _LESION_FILL, _REFERENCE_FILL = 0.35, 0.15, 0.0


def set_outline_display(segmentation_node, *ids: str) -> None:
    """Give segments the look of what they are; their visibility stays.

    :param ids: of segments; all where none is given.
    """
    display = segmentation_node.GetDisplayNode()
    if display is None:
        segmentation_node.CreateDefaultDisplayNodes()
        display = segmentation_node.GetDisplayNode()
    for segment_id in ids or segment_ids(segmentation_node):
        kind = segment_type(segmentation_node, segment_id)
        if kind in _PARTS:
            color = PART_COLOURS[_PARTS[kind]]
            rgb = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
            segmentation_node.GetSegmentation().GetSegment(segment_id).SetColor(*rgb)
            fill = _PART_FILL
        else:
            fill = _LESION_FILL if kind is not None and kind.is_lesion else _REFERENCE_FILL
        display.SetSegmentOpacity2DFill(segment_id, fill)
