"""Results of measuring a lesion as rows of the measurement table.

What a row says is decided in :mod:`HCCResponseLib.response.rows`, for files as well; here it finds its place in the scene's table. A
second run of a procedure by the same reader replaces all rows of the first, whatever its settings were: the table holds what is shown
in the scene, not the way there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import slicer

from ..errors import InputError
from ..response.measurement import Measurement, now
from ..response.rows import ProcedureResult, Subject, method_text, procedure_of, result_rows
from .lesion_identity import ensure_lesion_identity, lesion_identity, segment_of_lesion
from .measured_outlines import remember_outlines
from .measurement_table import add_measurements, measurement_table, measurements, remove_measurements
from .proposals import proposal
from .segment_tags import require_segment
from .segments import fraction_outside
from .subject_hierarchy import ensure_source_uid, patient_of, patient_of_segmentation
from .time_points import time_point_of

__all__ = ["Reading", "method_text", "outside_setting", "procedure_of", "reading_of", "rows_of", "write_result", "write_rows"]


@dataclass(frozen=True)
class Reading:
    """Who reads which examination of which patient.

    :param patient: patient identifier; may be empty where the images do not tell.
    :param time_point: 0 for baseline, 1, 2, ... for follow-ups.
    :param reader: who; empty where nobody is named.
    """

    patient: str = ""
    time_point: int = 0
    reader: str = ""


def reading_of(segmentation_node, reader: str = "") -> Reading:
    """Return the reading of the examination that a segmentation stands below in the subject hierarchy.

    :raises InputError: its study has no time point yet: a follow-up must not pass for the baseline.
    """
    index = time_point_of(segmentation_node)
    if index is None:
        raise InputError(f"Segmentation '{segmentation_node.GetName()}' belongs to no time point yet; say which examination it is.")
    return Reading(patient_of_segmentation(segmentation_node), index, reader)


def write_result(segmentation_node, segment_id: str, result: ProcedureResult, reading: Reading, **options) -> list[Measurement]:
    """Write what a procedure found of a lesion; options and errors are those of :func:`write_rows`."""
    return write_rows(segmentation_node, segment_id, result.values, reading, result.method, **options)


def write_rows(
    segmentation_node,
    segment_id: str,
    values: Mapping[str, float],
    reading: Reading,
    method: str,
    *,
    source_nodes=(),
    outline_ids=None,
    partial: bool = False,
    table_node=None,
) -> list[Measurement]:
    """Write what one procedure found of a lesion, in place of what it found before.

    :param values: by key of :data:`~HCCResponseLib.response.quantities.QUANTITIES`, in canonical units; NaN for "not measurable".
    :param method: from :func:`method_text`.
    :param source_nodes: volumes that the values come from.
    :param outline_ids: segments that the values rest on, to tell later whether they still hold; None: the lesion's own.
    :param partial: replace only rows of the same quantities, not all of the procedure; what the others rest on stays.
    :param table_node: the scene's measurement table where None.
    :raises InputError: the outline is only a proposal, another segment carries its identity, the lesion or a volume is another
        patient's, a value is none, or the table is broken; nothing is written then.
    """
    segment = require_segment(segmentation_node, segment_id)
    if proposal(segmentation_node, segment_id):
        raise InputError(f"The outline '{segment.GetName()}' is only a proposal; accept it before it is measured.")
    identity = lesion_identity(segmentation_node, segment_id)
    if identity is not None and segment_of_lesion(segmentation_node, identity.uid) != segment_id:
        raise InputError(f"Another segment carries the lesion identity of '{segment.GetName()}' too; give one of them its own.")
    source_nodes = [node for node in source_nodes if node is not None]
    earlier = measurements(table_node, lesion_uid=identity.uid) if identity is not None else []
    _check_patient(segmentation_node, segment.GetName(), reading, source_nodes, earlier)
    uid = ensure_lesion_identity(segmentation_node, segment_id).uid
    series = ", ".join(dict.fromkeys(ensure_source_uid(node) for node in source_nodes))
    subject = Subject(reading.patient, reading.time_point, uid, segment.GetName() or segment_id, now(), series, reading.reader)
    rows = list(result_rows(ProcedureResult(values, method), subject))
    new = {row.key for row in rows}
    procedure = procedure_of(method)
    outdated = [
        row
        for row in earlier
        if Reading(row.patient, row.time_point, row.reader) == reading
        and procedure_of(row.method) == procedure
        and (row.quantity in values or not partial)
        and row.key not in new
    ]
    table_node = table_node or measurement_table()
    with slicer.util.NodeModify(table_node):
        if outdated:
            remove_measurements(outdated, table_node)
        add_measurements(rows, table_node)
    if not partial:
        outline_ids = [segment_id] if outline_ids is None else outline_ids
        remember_outlines(segmentation_node, segment_id, procedure, reading.reader, outline_ids)
    return rows


def rows_of(segmentation_node, segment_id: str, reading: Reading, *, table_node=None, **wanted) -> list[Measurement]:
    """Return the rows of a lesion that a reader wrote of an examination, in the order of the table.

    :param wanted: only those with these fields, such as ``quantity="LONG_AXIS"``.
    :raises InputError: the table is broken; the message names the row.
    """
    identity = lesion_identity(segmentation_node, segment_id)
    if identity is None:
        return []
    whose = dict(patient=reading.patient, time_point=reading.time_point, reader=reading.reader)
    return measurements(table_node, lesion_uid=identity.uid, **whose, **wanted)


def outside_setting(segmentation_node, segment_id: str, volume_node) -> dict[str, str]:
    """Return, for :func:`method_text`, how much of a segment lies beyond a volume, where it was not measured; nothing if none does."""
    outside = fraction_outside(segmentation_node, segment_id, volume_node)
    return {"outside_the_image": f"{max(round(100 * outside), 1)} %"} if outside > 0 else {}


def _check_patient(segmentation_node, name: str, reading: Reading, source_nodes, earlier: list[Measurement]) -> None:
    patients = {patient_of(node) for node in source_nodes} | {patient_of_segmentation(segmentation_node), reading.patient}
    if len(patients - {""}) > 1:
        raise InputError(f"'{name}', the volume or the examination are of different patients ({', '.join(sorted(patients - {''}))}).")
    other = next((row.patient for row in earlier if row.patient and reading.patient and row.patient != reading.patient), None)
    if other is not None:
        raise InputError(
            f"'{name}' was measured as a lesion of patient {other} and cannot be one of patient {reading.patient}; "
            "a copied outline needs an identity of its own.",
        )
