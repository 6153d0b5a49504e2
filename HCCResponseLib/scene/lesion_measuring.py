"""Measuring the size of a lesion in one go: diameters, volume, and what the reader should know of them."""

import json

from ..errors import InputError
from .lesion_diameters import measure_diameters
from .lesion_exclusions import exclusion_flags
from .lesion_volume import measure_volume
from .measurement_rows import Reading
from .segment_masks import reference_volume
from .segment_tags import get_tag, require_segment, set_tag
from .undo import all_or_nothing

__all__ = ["measure_lesion", "remarks_of"]

_TAG = "HCC.Remarks"


def measure_lesion(
    segmentation_node,
    segment_id: str,
    reading: Reading,
    *,
    volume_node=None,
    plane: str = "acquisition",
    replace_moved: bool = False,
) -> tuple[str, ...]:
    """Measure diameters, volume and edge of a lesion, as lines and rows; returns remarks for the reader, kept with the lesion.

    Remarks are warnings about the numbers, and reasons that may speak for leaving the lesion out; the reader decides.

    :param volume_node: image whose edge is measured, and grid for a lesion kept as a surface; the segmentation's reference volume
        where None.
    :param plane, replace_moved: see :func:`.lesion_diameters.measure_diameters`.
    :raises InputError: the lesion is empty, or only a proposal; nothing is changed then.
    :raises GeometryError: a parent transform is not linear.
    """
    volume_node = volume_node or reference_volume(segmentation_node)
    with all_or_nothing(segmentation_node):
        diameters = measure_diameters(
            segmentation_node,
            segment_id,
            reading,
            plane=plane,
            replace_moved=replace_moved,
            volume_node=volume_node,
        )
        volume = measure_volume(segmentation_node, segment_id, reading, volume_node=volume_node)
        remarks = list(volume.warnings)
        if diameters.measured is not None and diameters.measured.pieces > 1:
            remarks.append(f"The outline is in {diameters.measured.pieces} pieces on that slice; the diameter spans them.")
        if volume_node is not None:
            try:
                remarks += [flag.sentence for flag in exclusion_flags(segmentation_node, segment_id, volume_node, reading)]
            except InputError as error:  # an edge that cannot be measured does not take the size away
                remarks.append(str(error))
        _keep(segmentation_node, segment_id, reading.reader, remarks)
    return tuple(remarks)


def remarks_of(segmentation_node, segment_id: str, reader: str = "") -> tuple[str, ...]:
    """Return the remarks of a reader's last measurement of a lesion.

    :raises InputError: there is no such segment.
    """
    known = json.loads(get_tag(require_segment(segmentation_node, segment_id), _TAG) or "{}")
    return tuple(known.get(reader, ()))


def _keep(segmentation_node, segment_id: str, reader: str, remarks: list[str]) -> None:
    segment = require_segment(segmentation_node, segment_id)
    known = json.loads(get_tag(segment, _TAG) or "{}")
    known.pop(reader, None)
    if remarks:
        known[reader] = remarks
    set_tag(segment, _TAG, json.dumps(known, ensure_ascii=False) if known else "")
