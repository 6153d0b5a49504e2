"""Reasons to leave a lesion out of the assessment, gathered from the scene; the user decides (:func:`.lesion_attributes.set_exclusion`)."""

import math

from ..errors import InputError
from ..response.rows import edge_result
from .lesion_attributes import lesion_of, lesion_segments
from .measurement_rows import Reading, outside_setting, write_result
from .measurement_table import measurements
from .segment_tags import require_segment
from .segments import segment_mask
from .volumes import volume_array, volume_geometry

__all__ = ["exclusion_flags", "measure_edge"]


def measure_edge(segmentation_node, segment_id: str, volume_node, reading: Reading, *, table_node=None):
    """Measure how sharp and how visible the edge of a lesion is in a volume, as rows.

    :return: :class:`~HCCResponseLib.lesions.edge_sharpness.EdgeSharpness`.
    :raises InputError: the edge cannot be measured, or the outline is only a proposal; nothing is changed then.
    :raises GeometryError: a parent transform is not linear.
    """
    from ..lesions.edge_sharpness import measure_edge_sharpness

    mask = segment_mask(segmentation_node, segment_id, volume_node)
    found = measure_edge_sharpness(volume_array(volume_node), mask, volume_geometry(volume_node, world=True))
    result = edge_result(found, outside_setting(segmentation_node, segment_id, volume_node))
    write_result(segmentation_node, segment_id, result, reading, source_nodes=[volume_node], table_node=table_node)
    return found


def exclusion_flags(segmentation_node, segment_id: str, volume_node, reading: Reading, *, table_node=None):
    """Return the flags that a lesion raises: small and stable, treated before, ill-defined, confluent.

    The edge is measured, as rows. Diameters are the reader's of all examinations up to this one; treatment and proof are the
    lesion's attributes; confluence is with the other lesions of the segmentation.

    :param volume_node: the volume that the lesion was outlined on.
    :return: tuple of :class:`~HCCResponseLib.lesions.exclusions.ExclusionFlag`, each with its numbers.
    :raises InputError: there is no such lesion, or see :func:`measure_edge`.
    :raises GeometryError: a parent transform is not linear.
    """
    from ..lesions import exclusions

    sharpness = measure_edge(segmentation_node, segment_id, volume_node, reading, table_node=table_node)
    lesion = lesion_of(segmentation_node, segment_id)
    mask = segment_mask(segmentation_node, segment_id, volume_node)
    others = {}
    for other_id in lesion_segments(segmentation_node):
        if other_id == segment_id:
            continue
        try:
            others[other_id] = segment_mask(segmentation_node, other_id, volume_node)
        except InputError:
            continue  # empty, or beside this volume: it touches nothing here
    touching = exclusions.find_confluent_lesions(mask, others, volume_geometry(volume_node))
    return exclusions.exclusion_flags(
        diameters_mm=_diameters(lesion.uid, reading, table_node),
        proven=lesion.proven,
        previous_treatment="local treatment before this therapy" if lesion.previously_treated else "",
        sharpness=sharpness,
        confluent_with=[f"'{require_segment(segmentation_node, other_id).GetName()}'" for other_id in touching],
    )


def _diameters(lesion_uid: str, reading: Reading, table_node) -> list[float]:
    """Longest diameters of the reader's examinations up to this one, in order of time; the one measured last of each."""
    rows = measurements(table_node, lesion_uid=lesion_uid, patient=reading.patient, reader=reading.reader, quantity="LONG_AXIS")
    rows = [row for row in rows if row.time_point <= reading.time_point and not math.isnan(row.value)]
    latest = {row.time_point: row.value for row in sorted(rows, key=lambda row: (row.time_point, row.measured_at))}
    return list(latest.values())
