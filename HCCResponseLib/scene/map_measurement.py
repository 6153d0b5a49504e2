"""Measure a parameter map in lesions and write the numbers into the measurement table."""

import math
from dataclasses import dataclass

from ..errors import InputError
from ..progress import Progress
from ..response.measurement import Measurement, now
from ..response.quantities import COUNTS, QUANTITIES, STATISTICS, canonical_unit
from .lesion_identity import ensure_lesion_identity
from .measurement_table import add_measurements, measurements
from .parameter_maps import map_provenance, map_quantity
from .segment_statistics import SegmentStatistics, segment_statistics

__all__ = ["MeasuredValues", "measure_map", "measured_values"]


@dataclass(frozen=True)
class MeasuredValues:
    """What the measurement table says of one lesion on one map, in the shown unit of the map's quantity; NaN where a row is missing."""

    lesion_uid: str
    lesion_name: str
    n: int
    rejected: int
    volume_ml: float
    mean: float
    median: float
    standard_deviation: float
    percentile_10: float
    percentile_25: float
    percentile_75: float
    percentile_90: float
    minimum: float
    maximum: float


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
    """Measure a map inside segments, and keep every statistic and the volume as rows of the table.

    Segments without an identity get one. A segment that cannot be measured has a ``problem`` in the result and no rows.

    :param chosen_segment_ids: segments to measure; None: those that are visible.
    :param table_node: the scene's measurement table where None.
    :return: what was measured, for showing.
    :raises InputError: nothing to measure, no map, two measurement tables, or two segments with one identity; nothing is written then.
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
            Measurement(
                quantity=quantity.key,
                statistic=key,
                value=getattr(statistics, key),
                unit=canonical_unit(quantity, key).value,
                **common,
            )
            for key in STATISTICS
        ]
        rows.append(Measurement(quantity="VOLUME", value=statistics.volume_ml, unit=QUANTITIES["VOLUME"].unit.value, **common))
    add_measurements(rows, table_node)
    return results


def measured_values(map_node, *, time_point: int = 0, reader: str = "", table_node=None) -> list[MeasuredValues]:
    """Read back what :func:`measure_map` wrote of a map for a time point and reader, a lesion each, in the order of the table.

    :raises InputError: the table is broken; the message names the row.
    """
    quantity, provenance = map_quantity(map_node), map_provenance(map_node)
    if quantity is None:
        return []
    made_from = dict(method=provenance.method, source_series=provenance.source_series)
    lesions = {}
    for row in measurements(table_node, time_point=time_point, reader=reader, **made_from):
        values = lesions.setdefault(row.lesion_uid, {})
        values["lesion_name"] = row.lesion_name
        if row.quantity == quantity.key and row.statistic:
            values[row.statistic] = row.value if row.statistic in COUNTS else row.value * quantity.display_factor
        elif row.quantity == "VOLUME":
            values["volume_ml"] = row.value
    return [_values_of(uid, values) for uid, values in lesions.items() if values.keys() & STATISTICS.keys()]


def _values_of(uid: str, values: dict) -> MeasuredValues:
    return MeasuredValues(
        lesion_uid=uid,
        lesion_name=values["lesion_name"],
        volume_ml=values.get("volume_ml", math.nan),
        **{key: int(values.get(key, 0)) if key in COUNTS else values.get(key, math.nan) for key in STATISTICS},
    )
