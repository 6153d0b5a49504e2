"""Measure a parameter map in lesions and write the numbers into the measurement table."""

from ..errors import InputError
from ..progress import Progress
from ..response.measurement import Measurement, now
from ..response.quantities import QUANTITIES, STATISTICS
from .lesion_identity import ensure_lesion_identity
from .measurement_table import add_measurements
from .parameter_maps import map_provenance
from .segment_statistics import SegmentStatistics, segment_statistics

__all__ = ["measure_map"]


def measure_map(
    map_node,
    segmentation_node,
    chosen_segment_ids=None,
    *,
    patient: str = "",
    time_point: int = 0,
    reader: str = "",
    table_node=None,
    progress: Progress | None = None,
) -> list[SegmentStatistics]:
    """Measure a map inside segments, and keep every statistic, the volume and the numbers of voxels as rows of the table.

    Segments without an identity get one. A segment that cannot be measured has a ``problem`` in the result and no rows.

    :param chosen_segment_ids: segments to measure; None: those that are visible.
    :param table_node: the scene's measurement table where None.
    :return: what was measured, for showing.
    :raises InputError: nothing to measure, no map, a broken table, or two segments with one identity; nothing is written then.
    :raises GeometryError: a parent transform is not linear.
    :raises Cancelled: ``progress`` returned False; nothing is written then.
    """
    results = segment_statistics(map_node, segmentation_node, chosen_segment_ids, progress=progress)
    measured = [result for result in results if result.statistics is not None]
    identities = {}
    for result in measured:
        identity = ensure_lesion_identity(segmentation_node, result.segment_id)
        if identity.uid in identities:
            raise InputError(
                f"Segments '{identities[identity.uid].segment_name}' and '{result.segment_name}' carry the same lesion identity; "
                "choose one of them, or give the copy an identity of its own.",
            )
        identities[identity.uid] = result

    provenance = map_provenance(map_node)
    when = now()
    rows = []
    for uid, result in identities.items():
        common = dict(
            patient=patient,
            time_point=time_point,
            lesion_uid=uid,
            lesion_name=result.segment_name,
            datetime=when,
            method=provenance.method,
            source_series=provenance.source_series,
            reader=reader,
        )
        quantity, statistics = result.quantity, result.statistics
        rows += [
            Measurement(quantity=quantity.key, statistic=key, value=getattr(statistics, key), unit=quantity.unit.value, **common)
            for key in STATISTICS
        ]
        for key, value in (("VOLUME", statistics.volume_ml), ("VOXEL_COUNT", statistics.n), ("REJECTED_COUNT", statistics.rejected)):
            rows.append(Measurement(quantity=key, value=value, unit=QUANTITIES[key].unit.value, **common))
    add_measurements(rows, table_node)
    return results
