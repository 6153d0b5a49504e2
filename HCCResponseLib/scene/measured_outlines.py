"""Whether measurements of a lesion still hold: each remembers the outlines that it rests on, as a tag of the lesion's segment."""

import hashlib
import json

import numpy as np
import slicer
from vtk.util.numpy_support import vtk_to_numpy

from .segment_tags import get_tag, require_segment, set_tag

__all__ = ["outdated_measurements", "outdated_procedures", "outline_fingerprint", "remember_outlines"]

_TAG = "HCC.MeasuredOutlines"


def remember_outlines(segmentation_node, segment_id: str, procedure: str, reader: str, outline_ids) -> None:
    """Remember how segments are outlined now, for a procedure that measured them; no segments: it rests on none.

    :raises InputError: there is no such segment.
    """
    segment = require_segment(segmentation_node, segment_id)
    known = json.loads(get_tag(segment, _TAG) or "{}")
    readers = known.setdefault(procedure, {})
    readers.pop(reader, None)
    if outline_ids:
        readers[reader] = {one: outline_fingerprint(segmentation_node, one) for one in outline_ids}
    set_tag(segment, _TAG, json.dumps(known, ensure_ascii=False))


def outdated_procedures(segmentation_node, segment_id: str, reader: str = "") -> list[str]:
    """Return the procedures whose measurements by a reader no longer hold, because an outline they rest on was changed since.

    :raises InputError: there is no such segment.
    """
    return [procedure for procedure, readers in outdated_measurements(segmentation_node, segment_id).items() if reader in readers]


def outdated_measurements(segmentation_node, segment_id: str) -> dict[str, list[str]]:
    """Return :func:`outdated_procedures` of all readers: procedure -> whose measurements no longer hold.

    :raises InputError: there is no such segment.
    """
    known = json.loads(get_tag(require_segment(segmentation_node, segment_id), _TAG) or "{}")
    ids = {one for readers in known.values() for outlines in readers.values() for one in outlines}
    present = {one: outline_fingerprint(segmentation_node, one) for one in ids}
    found = {
        procedure: [reader for reader, outlines in readers.items() if any(present[one] != then for one, then in outlines.items())]
        for procedure, readers in known.items()
    }
    return {procedure: readers for procedure, readers in found.items() if readers}


def outline_fingerprint(segmentation_node, segment_id: str) -> str:
    """Return what tells one outline from another: which voxels of the segmentation's grid, or which points of a surface."""
    segmentation = segmentation_node.GetSegmentation()
    segment = segmentation.GetSegment(segment_id)
    if segment is None:
        return "removed"
    source = segment.GetRepresentation(segmentation.GetSourceRepresentationName())
    digest = hashlib.sha1(usedforsecurity=False)
    if isinstance(source, slicer.vtkOrientedImageData):
        scalars = source.GetPointData().GetScalars()
        extent = np.array(source.GetExtent()).reshape(3, 2)
        size = np.maximum(extent[:, 1] - extent[:, 0] + 1, 0)
        if scalars is not None and size.all():
            inside = vtk_to_numpy(scalars).reshape(size[::-1]) == segment.GetLabelValue()
            # Slicer crops labelmaps as it likes, so positions are hashed, not the array.
            for axis, along in enumerate(np.nonzero(inside)):
                digest.update((along.astype(np.int32) + np.int32(extent[2 - axis, 0])).tobytes())
    elif source is not None and source.GetNumberOfPoints():
        digest.update(np.ascontiguousarray(vtk_to_numpy(source.GetPoints().GetData())).tobytes())
    return digest.hexdigest()[:16]
