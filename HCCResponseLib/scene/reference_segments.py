"""Reference regions as segments: normal liver round a lesion, the lumen of the aorta or portal vein, an even sphere of muscle."""

from ..geometry import LPS_TO_RAS
from ..response.region_types import RegionType
from .lesion_attributes import lesion_segments
from .linked_segments import linked_lesion, set_linked_mask
from .segment_masks import add_segment, set_segment_mask
from .segment_tags import require_segment, set_algorithm
from .segment_types import segments_of_type, set_segment_type
from .segments import segment_mask, union_mask
from .undo import all_or_nothing
from .volumes import volume_array, volume_geometry

__all__ = ["add_liver_ring", "add_sphere", "add_vessel"]


def add_liver_ring(segmentation_node, lesion_segment_id: str, volume_node, *, gap_mm: float = 3.0, width_mm: float = 10.0):
    """Make normal liver round a lesion its own liver reference, in place of the one it had.

    Other lesions and vessels that are segments are left out; where the liver is a segment, nothing outside it is used.

    :return: segment ID and :class:`~HCCResponseLib.lesions.outlining.ReferenceRegion` with the doubts about it.
    :raises InputError: the lesion is empty, or too little even tissue is left; nothing is changed then.
    :raises GeometryError: a parent transform is not linear, or shears the image.
    """
    from ..lesions.outlining import liver_ring

    lesion = segment_mask(segmentation_node, lesion_segment_id, volume_node)
    others = [one for one in lesion_segments(segmentation_node) if one != lesion_segment_id]
    others += segments_of_type(segmentation_node, RegionType.AORTA, RegionType.PORTAL_VEIN)
    found = liver_ring(
        volume_array(volume_node),
        volume_geometry(volume_node, world=True),
        lesion,
        liver=union_mask(segmentation_node, segments_of_type(segmentation_node, RegionType.LIVER), volume_node),
        exclude=union_mask(segmentation_node, others, volume_node),
        gap_mm=gap_mm,
        width_mm=width_mm,
    )
    return set_linked_mask(segmentation_node, lesion_segment_id, RegionType.LIVER_REFERENCE, found.mask, volume_node), found


def add_vessel(segmentation_node, volume_node, point_ras, region_type: RegionType = RegionType.AORTA, *, length_mm: float = 30.0):
    """Make the core of a vessel's lumen round a click the examination's aorta or portal vein, in place of the one it had.

    :param point_ras: the click in world coordinates, RAS mm.
    :return: segment ID and :class:`~HCCResponseLib.lesions.outlining.ReferenceRegion` with the doubts about it.
    :raises InputError: there is no vessel at the click; nothing is changed then.
    :raises GeometryError: a parent transform is not linear, or shears the image.
    """
    from ..lesions.outlining import aorta_region

    geometry = volume_geometry(volume_node, world=True)
    found = aorta_region(volume_array(volume_node), geometry, LPS_TO_RAS[:3, :3] @ point_ras, length_mm=length_mm)
    return _set_common(segmentation_node, region_type, found.mask, volume_node), found


def add_sphere(segmentation_node, volume_node, point_ras, region_type: RegionType = RegionType.MUSCLE, *, radius_mm: float = 7.0):
    """Make the most even sphere near a click the examination's reference of one tissue, in place of the one it had.

    :param point_ras: the click in world coordinates, RAS mm.
    :param region_type: MUSCLE or LIVER_REFERENCE.
    :return: segment ID and :class:`~HCCResponseLib.lesions.outlining.ReferenceRegion` with the doubts about it.
    :raises InputError: no whole sphere fits near the click; nothing is changed then.
    :raises GeometryError: a parent transform is not linear, or shears the image.
    """
    from ..lesions.outlining import sphere_region

    geometry = volume_geometry(volume_node, world=True)
    point_lps = LPS_TO_RAS[:3, :3] @ point_ras
    found = sphere_region(volume_array(volume_node), geometry, point_lps, name=region_type.title.lower(), radius_mm=radius_mm)
    return _set_common(segmentation_node, region_type, found.mask, volume_node), found


def _set_common(segmentation_node, region_type: RegionType, mask, volume_node) -> str:
    """Write the segment of a type that belongs to no lesion, a new one where there is none."""
    ids = segments_of_type(segmentation_node, region_type)
    segment_id = next((one for one in ids if not linked_lesion(segmentation_node, one)), None)
    with all_or_nothing(segmentation_node):
        segment_id = segment_id or add_segment(segmentation_node, region_type.title)
        set_segment_mask(segmentation_node, segment_id, mask, volume_node)
        set_segment_type(segmentation_node, segment_id, region_type)
        set_algorithm(require_segment(segmentation_node, segment_id))
    return segment_id
