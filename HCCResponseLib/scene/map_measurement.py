"""Measure a parameter map in lesions, write the numbers into the measurement table, and tell whether they still hold."""

import dataclasses
import math
from collections.abc import Collection
from dataclasses import dataclass

import slicer

from ..errors import InputError
from ..lesions.region_statistics import RegionStatistics
from ..progress import Progress
from ..response.change import percent_change
from ..response.measurement import Measurement, now
from ..response.quantities import COUNTS, STATISTICS, Quantity
from ..response.rows import Subject, map_rows, voxel_choice, whole_method
from .lesion_identity import ensure_lesion_identity, lesion_identity
from .measurement_table import add_measurements, measurement_table, measurements, remove_measurements
from .outdated_maps import outdated_map
from .parameter_maps import map_provenance, map_quantity
from .proposals import proposal
from .segment_statistics import SegmentStatistics, segment_statistics
from .segments import segment_ids
from .subject_hierarchy import ensure_source_uid, require_one_patient

__all__ = ["MeasuredValues", "measure_map", "measured_values"]

_SAME = 1e-6
"""Relative difference of equal numbers: maps are float32, and sums may be made in another order on another machine."""


@dataclass(frozen=True)
class MeasuredValues:
    """What the measurement table says of one lesion on one map.

    :param statistics: in the shown unit of the map's quantity; NaN where there is no number.
    :param change_percent: of the median from that of time point 0 (same reader and method); NaN where there is none.
    :param problem: why the lesion cannot be measured on the map now; empty where it can.
    :param note: what is to be said of the numbers; empty where nothing is.
    :param outdated: measuring now would give other numbers, as the outline or the map changed.
    """

    lesion_uid: str
    lesion_name: str
    statistics: RegionStatistics
    change_percent: float = math.nan
    problem: str = ""
    note: str = ""
    outdated: bool = False


def measure_map(
    map_node,
    segmentation_node,
    chosen_segment_ids=None,
    *,
    patient: str = "",
    time_point: int = 0,
    reader: str = "",
    pure: bool = False,
    erode_mm: float = 0.0,
    table_node=None,
    progress: Progress | None = None,
) -> list[SegmentStatistics]:
    """Measure a map inside segments, and keep every statistic and the volume as rows of the table, in place of earlier ones.

    Segments without an identity get one. A segment that cannot be measured has a ``problem`` in the result; where it has an
    identity its rows say "not measurable" (NaN, no voxel). Of a segment that lies partly outside the map the part inside is
    measured: the method of its rows says so, and there is no row of the volume. Of an outline that is only a proposal nothing is written;
    its ``problem`` says so.

    :param chosen_segment_ids: segments to measure; None: those that are visible.
    :param pure: only voxels that lie in the segment with their whole extent (those on its border show a mixture of two tissues, in
        coarse maps up to a tenth off); the method of the rows says so, and there is no row of the volume.
    :param erode_mm: and by this much farther inside.
    :param table_node: the scene's measurement table where None.
    :return: what was measured, for showing.
    :raises InputError: nothing to measure, no map, a map that is out of date, outlines or lesions of another patient, two
        segments with one identity, two measurement tables or a broken one; nothing is written then.
    :raises GeometryError: a parent transform is not linear.
    :raises Cancelled: ``progress`` returned False; nothing is written then.
    """
    require_one_patient(segmentation_node, map_node)
    if reason := outdated_map(map_node):
        raise InputError(reason)
    results = segment_statistics(map_node, segmentation_node, chosen_segment_ids, pure=pure, erode_mm=erode_mm, progress=progress)
    results = [_without_proposal(segmentation_node, result) for result in results]
    lesions = _by_identity(segmentation_node, [result for result in results if not _is_proposed(segmentation_node, result)])
    earlier = measurements(table_node)
    _check_lesions(lesions, earlier, patient)

    ensure_source_uid(map_node)
    provenance = map_provenance(map_node)
    method, when = voxel_choice(provenance.method, pure=pure, erode_mm=erode_mm), now()
    rows = []
    for uid, result in lesions.items():
        subject = Subject(patient, time_point, uid, result.segment_name, when, provenance.source_series, reader)
        rows += map_rows(result.statistics, result.quantity, method, subject, outside=result.outside, with_volume=not pure)
    table_node = table_node or measurement_table()
    with slicer.util.NodeModify(table_node):
        remove_measurements(_replaced(earlier, rows), table_node)
        add_measurements(rows, table_node)
    return results


def measured_values(
    map_node,
    segmentation_node=None,
    *,
    patient: str | None = None,
    lesion_uids: Collection[str] | None = None,
    time_point: int = 0,
    reader: str = "",
    pure: bool = False,
    erode_mm: float = 0.0,
    table_node=None,
) -> list[MeasuredValues]:
    """Read back what :func:`measure_map` wrote of a map for a time point and reader, a lesion each, in the order of the table.

    :param segmentation_node: the outlines: only their lesions, each measured again to tell whether its numbers still hold.
    :param patient: only this patient's lesions; None: those of any.
    :param lesion_uids: only these lesions; None: those of the segmentation where there is one, else all.
    :param pure: what was measured with this choice of voxels, and ``erode_mm``.
    :raises InputError: the table is broken; the message names the row; or the map has lost what is needed to measure it.
    """
    quantity, provenance = map_quantity(map_node), map_provenance(map_node)
    if quantity is None or not provenance.source_series:
        return []
    segments = _segments_of_lesions(segmentation_node) if segmentation_node is not None else {}
    method = voxel_choice(provenance.method, pure=pure, erode_mm=erode_mm)
    if lesion_uids is None and segmentation_node is not None:
        lesion_uids = segments.keys()
    whose = dict(reader=reader) | ({} if patient is None else dict(patient=patient))
    found = [
        row
        for row in measurements(table_node, **whose)
        if (lesion_uids is None or row.lesion_uid in lesion_uids) and whole_method(row.method) == method
    ]
    lesions: dict[str, dict[str, Measurement]] = {}
    for row in found:
        if row.time_point == time_point and row.source_series == provenance.source_series and row.quantity in {quantity.key, "VOLUME"}:
            lesions.setdefault(row.lesion_uid, {})[row.statistic or row.quantity] = row
    lesions = {uid: rows for uid, rows in lesions.items() if rows.keys() & STATISTICS.keys()}
    present_ids = [segments[uid] for uid in lesions if uid in segments]
    now_found = segment_statistics(map_node, segmentation_node, present_ids, pure=pure, erode_mm=erode_mm) if present_ids else []
    measured_now = {result.segment_id: result for result in now_found}
    values = []
    for uid, rows in lesions.items():
        one = MeasuredValues(
            uid,
            next(iter(rows.values())).lesion_name,
            _statistics_of(rows, quantity),
            change_percent=_change(rows, [row for row in found if row.lesion_uid == uid and row.quantity == quantity.key]),
        )
        present = measured_now.get(segments.get(uid))
        if present is not None:
            outdated = not _still_holds(rows, present, with_volume=not pure)
            one = dataclasses.replace(one, problem=present.problem, note=present.note, outdated=outdated)
        values.append(one)
    return values


def _check_lesions(lesions: dict[str, SegmentStatistics], earlier: list[Measurement], patient: str) -> None:
    for row in earlier:
        if row.lesion_uid in lesions and row.patient and patient and row.patient != patient:
            raise InputError(
                f"The lesion '{lesions[row.lesion_uid].segment_name}' was measured as one of patient {row.patient} and cannot be one of "
                f"patient {patient}; a copied outline needs an identity of its own.",
            )


def _is_proposed(segmentation_node, result: SegmentStatistics) -> bool:
    return result.segment_id in segment_ids(segmentation_node) and bool(proposal(segmentation_node, result.segment_id))


def _without_proposal(segmentation_node, result: SegmentStatistics) -> SegmentStatistics:
    if not _is_proposed(segmentation_node, result):
        return result
    problem = f"The outline '{result.segment_name}' is only a proposal; accept it before it is measured."
    return dataclasses.replace(result, statistics=None, problem=problem)


def _by_identity(segmentation_node, results: list[SegmentStatistics]) -> dict[str, SegmentStatistics]:
    """Return the results by tracking UID; a segment that was measured gets one, a segment that never could be has none."""
    lesions: dict[str, SegmentStatistics] = {}
    present = segment_ids(segmentation_node)
    for result in results:
        known = lesion_identity(segmentation_node, result.segment_id) if result.segment_id in present else None
        if known is None and result.statistics is None:
            continue
        uid = (known or ensure_lesion_identity(segmentation_node, result.segment_id)).uid
        if uid in lesions:
            raise InputError(
                f"Segments '{lesions[uid].segment_name}' and '{result.segment_name}' carry the same lesion identity; "
                "choose one of them, or give the copy an identity of its own.",
            )
        lesions[uid] = result
    return lesions


def _replaced(earlier: list[Measurement], rows: list[Measurement]) -> list[Measurement]:
    """Return the earlier rows that the new ones supersede without having their key: volumes, or the part inside the image, of once."""

    def measured(row: Measurement):
        return row.patient, row.time_point, row.lesion_uid, whole_method(row.method), row.source_series, row.reader

    new, keys, quantities = {measured(row) for row in rows}, {row.key for row in rows}, {row.quantity for row in rows} | {"VOLUME"}
    return [row for row in earlier if measured(row) in new and row.quantity in quantities and row.key not in keys]


def _segments_of_lesions(segmentation_node) -> dict[str, str]:
    """Return the segment of each lesion: tracking UID -> segment ID, the first one where several carry one."""
    segments = {}
    for segment_id in segment_ids(segmentation_node):
        identity = lesion_identity(segmentation_node, segment_id)
        if identity is not None:
            segments.setdefault(identity.uid, segment_id)
    return segments


def _still_holds(rows: dict[str, Measurement], present: SegmentStatistics, *, with_volume: bool) -> bool:
    """Tell whether measuring now gives what the rows say."""
    if present.statistics is None:
        return all(key in COUNTS or math.isnan(row.value) for key, row in rows.items())
    now_values = {key: getattr(present.statistics, key) for key in STATISTICS}
    if with_volume and not present.outside:
        now_values["VOLUME"] = present.statistics.volume_ml
    return rows.keys() == now_values.keys() and all(
        math.isclose(row.value, now_values[key], rel_tol=_SAME) or (math.isnan(row.value) and math.isnan(now_values[key]))
        for key, row in rows.items()
    )


def _statistics_of(rows: dict[str, Measurement], quantity: Quantity) -> RegionStatistics:
    """Return the statistics in the shown unit; what was not measured is NaN, and no voxel."""
    shown = {key: rows[key].value * quantity.display_factor if key in rows else math.nan for key in STATISTICS if key not in COUNTS}
    counts = {key: int(rows[key].value) if key in rows and not math.isnan(rows[key].value) else 0 for key in COUNTS}
    return RegionStatistics(**shown, **counts, volume_ml=rows["VOLUME"].value if "VOLUME" in rows else math.nan)


def _change(rows: dict[str, Measurement], found: list[Measurement]) -> float:
    """Return the change of the median from time point 0 in percent, the latest measurement there with the same method."""
    median = rows.get("median")
    if median is None or median.time_point == 0:
        return math.nan
    baseline = [row for row in found if row.time_point == 0 and row.statistic == "median" and row.method == median.method]
    if not baseline:
        return math.nan
    reference = max(baseline, key=lambda row: row.measured_at).value
    return percent_change(reference, median.value) if reference > 0 else math.nan
