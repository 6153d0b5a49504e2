"""Statistics of a parameter map inside the segments of a segmentation."""

from dataclasses import dataclass

import numpy as np

from ..errors import GeometryError, InputError
from ..lesions.region_statistics import RegionStatistics, region_statistics
from ..progress import Progress, report_progress
from ..response.quantities import Quantity
from ..response.rows import outside_percent
from .parameter_maps import map_values
from .segment_masks import segment_on_own_grid
from .segments import fraction_outside, segment_ids, segment_mask
from .volumes import volume_geometry

__all__ = ["SegmentStatistics", "segment_statistics"]


@dataclass(frozen=True)
class SegmentStatistics:
    """Statistics of one segment, in the quantity's canonical unit; None with a ``problem`` where the segment could not be measured.

    :param outside: part of the segment's volume, 0 to 1, that lies outside the image: where it is not 0, the statistics are
        those of the part inside, and the volume is not that of the segment.
    """

    segment_id: str
    segment_name: str
    quantity: Quantity
    statistics: RegionStatistics | None
    problem: str = ""
    outside: float = 0.0

    @property
    def outside_percent(self) -> str:
        """``outside`` in words: "12 %"."""
        return outside_percent(self.outside)

    @property
    def note(self) -> str:
        """What is to be said of the statistics; empty where they are of the whole segment."""
        return f"'{self.segment_name}': {self.outside_percent} of it lies outside the image." if self.outside else ""


def segment_statistics(
    map_node,
    segmentation_node,
    chosen_segment_ids=None,
    *,
    pure: bool = False,
    erode_mm: float = 0.0,
    progress: Progress | None = None,
) -> list[SegmentStatistics]:
    """Measure a map inside each segment.

    A segment that cannot be measured (empty, beside the image) has no numbers but a sentence that says why; the others are measured.

    :param chosen_segment_ids: segments to measure; None: those that are visible.
    :param pure: only voxels that lie in the segment with their whole extent, see :mod:`HCCResponseLib.lesions.partial_volume`.
    :param erode_mm: and by this much farther inside.
    :raises InputError: there is no segment to measure, or the volume is not a map with a known quantity and unit.
    :raises GeometryError: a parent transform of the map or the segmentation is not linear.
    """
    values, quantity = map_values(map_node)
    voxel_volume_ml = volume_geometry(map_node, world=True).voxel_volume_ml
    ids = segment_ids(segmentation_node, visible_only=True) if chosen_segment_ids is None else list(chosen_segment_ids)
    if not ids:
        raise InputError(f"Segmentation '{segmentation_node.GetName()}' has no visible segment; show or add one.")
    results = []
    for number, segment_id in enumerate(ids):
        report_progress(progress, number / len(ids))
        segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
        name = segment.GetName() if segment else segment_id
        try:
            mask = segment_mask(segmentation_node, segment_id, map_node)
            if pure:
                mask = _pure_mask(segmentation_node, segment_id, map_node, erode_mm)
        except GeometryError:
            raise
        except InputError as error:
            results.append(SegmentStatistics(segment_id, name, quantity, None, str(error)))
        else:
            statistics = region_statistics(values, mask, voxel_volume_ml=voxel_volume_ml)
            outside = fraction_outside(segmentation_node, segment_id, map_node)
            results.append(SegmentStatistics(segment_id, name, quantity, statistics, outside=outside))
    report_progress(progress, 1.0)
    return results


def _pure_mask(segmentation_node, segment_id: str, map_node, erode_mm: float) -> np.ndarray:
    from ..lesions.partial_volume import pure_voxels

    mask, geometry = segment_on_own_grid(segmentation_node, segment_id, map_node)
    found = pure_voxels(mask, geometry, volume_geometry(map_node, world=True), erode_mm=erode_mm)
    if not found.any():
        name = segmentation_node.GetSegmentation().GetSegment(segment_id).GetName()
        raise InputError(f"No voxel of '{map_node.GetName()}' lies wholly inside '{name}': it is thinner than the voxels of the map.")
    return found
