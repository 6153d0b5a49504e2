"""Signal grades of lesions: proposals of the software beside what readers grade by eye, and what both may say of haemorrhage.

A proposal has quantities of its own (``T1_GRADE_PROPOSAL``), so that it never passes for a reader's grade.
"""

import math
from dataclasses import dataclass

from ..errors import InputError
from ..response.measurement import Measurement
from ..response.region_types import RegionType
from ..response.roles import Role
from ..response.rows import grade_result
from .lesion_identity import lesion_identity
from .linked_segments import reference_segment
from .measurement_rows import Reading, method_text, outside_setting, rows_of, write_result, write_rows
from .roles import role
from .segment_tags import require_segment
from .segments import segment_mask
from .volumes import volume_array, volume_geometry

__all__ = [
    "SEQUENCES",
    "ReaderGrade",
    "grade_method",
    "grade_timing_hint",
    "propose_grade",
    "reader_grade",
    "sequence_of",
    "set_reader_grade",
]

SEQUENCES = ("T1", "T2")
_ROLES = {
    Role.T1: "T1",
    Role.T1_IN_PHASE: "T1",
    Role.T1_OPPOSED_PHASE: "T1",
    Role.T1_FAT_SUPPRESSED: "T1",
    Role.NATIVE: "T1",
    Role.T2: "T2",
    Role.T2_FAT_SUPPRESSED: "T2",
    Role.HASTE: "T2",
}
_BY_EYE = "by eye"


@dataclass(frozen=True)
class ReaderGrade:
    """What a reader graded by eye: 1 to 5, with a comment."""

    grade: int
    comment: str


def sequence_of(volume_node) -> str:
    """Return "T1" or "T2", as the role of a volume says.

    :raises InputError: the role is none that signal grades are read on.
    """
    found = _ROLES.get(role(volume_node))
    if found is None:
        name = volume_node.GetName()
        raise InputError(f"Signal is graded on T1 and T2 before contrast; volume '{name}' has no such role. Set it, or choose another.")
    return found


def propose_grade(segmentation_node, segment_id: str, volume_node, reading: Reading, *, sequence: str = "", table_node=None, **settings):
    """Propose the signal grade of a lesion against its liver reference, as rows; a reader's grade stays as it is.

    :param volume_node: T1 or T2 before contrast.
    :param sequence: "T1" or "T2"; empty: as the volume's role says.
    :param settings: cut points and others, see :func:`HCCResponseLib.lesions.signal_grade.propose_signal_grade`.
    :return: :class:`~HCCResponseLib.lesions.signal_grade.SignalGradeProposal` with the numbers it rests on.
    :raises InputError: no liver reference, a region that cannot serve, or the outline is only a proposal; nothing is changed then.
    :raises GeometryError: a parent transform is not linear.
    """
    from ..lesions.signal_grade import propose_signal_grade

    sequence = _checked(sequence or sequence_of(volume_node))
    identity = lesion_identity(segmentation_node, segment_id)
    liver_id = reference_segment(segmentation_node, identity.uid if identity else "", RegionType.LIVER_REFERENCE)
    if liver_id is None:
        raise InputError(f"Segmentation '{segmentation_node.GetName()}' has no liver reference; make one first.")
    found = propose_signal_grade(
        volume_array(volume_node),
        segment_mask(segmentation_node, segment_id, volume_node),
        segment_mask(segmentation_node, liver_id, volume_node),
        volume_geometry(volume_node, world=True),
        sequence=sequence,
        **settings,
    )
    write_result(
        segmentation_node,
        segment_id,
        grade_result(found, sequence, outside_setting(segmentation_node, segment_id, volume_node)),
        reading,
        source_nodes=[volume_node],
        outline_ids=[segment_id, liver_id],
        table_node=table_node,
    )
    return found


def set_reader_grade(
    segmentation_node,
    segment_id: str,
    sequence: str,
    grade: int | None,
    reading: Reading,
    *,
    comment: str = "",
    volume_node=None,
    table_node=None,
) -> Measurement | None:
    """Write what a reader grades by eye, in place of the same reader's earlier grade; None for "not gradable".

    :param sequence: "T1" or "T2".
    :param comment: in the reader's words; goes into the row's method.
    :param volume_node: the volume that was looked at.
    :raises InputError: no reader is named, or the grade is not 1 to 5; nothing is changed then.
    """
    sequence = _checked(sequence)
    if not reading.reader:
        raise InputError("A grade by eye needs a reader; enter who grades.")
    if grade is not None and grade not in (1, 2, 3, 4, 5):
        raise InputError(f"A signal grade is 1, 2, 3, 4 or 5; on {sequence} it is {grade}.")
    return write_rows(
        segmentation_node,
        segment_id,
        {f"{sequence}_GRADE": math.nan if grade is None else float(grade)},
        reading,
        grade_method(sequence, comment),
        source_nodes=[volume_node],
        outline_ids=[],
        table_node=table_node,
    )[0]


def grade_method(sequence: str, comment: str = "") -> str:
    """Return how a reader's grade was found: by eye, with the comment."""
    return method_text(f"{sequence} grade", f"{_BY_EYE}, {' '.join(comment.split())}" if comment.strip() else _BY_EYE)


def reader_grade(segmentation_node, segment_id: str, sequence: str, reading: Reading, *, table_node=None) -> ReaderGrade | None:
    """Return what a reader graded by eye; None where nothing was graded, or the lesion was not gradable."""
    rows = rows_of(segmentation_node, segment_id, reading, table_node=table_node, quantity=f"{_checked(sequence)}_GRADE")
    if not rows or math.isnan(rows[-1].value):
        return None
    return ReaderGrade(int(rows[-1].value), rows[-1].method.partition(f"{_BY_EYE}, ")[2])


def grade_timing_hint(segmentation_node, segment_id: str, reading: Reading, *, day: float | None = None, table_node=None):
    """Return what a reader's T1 and T2 grades hint at of the age of haemorrhage, or None where they say nothing.

    :param day: days from the start of therapy to the examination; None where that is not known.
    :return: :class:`~HCCResponseLib.lesions.timing_hint.TimingHint` or None.
    :raises InputError: one of the two is not graded yet.
    """
    from ..lesions.timing_hint import timing_hint

    found = {one: reader_grade(segmentation_node, segment_id, one, reading, table_node=table_node) for one in SEQUENCES}
    missing = " and ".join(one for one, grade in found.items() if grade is None)
    if missing:
        raise InputError(f"'{require_segment(segmentation_node, segment_id).GetName()}' is not graded on {missing} yet.")
    return timing_hint(found["T1"].grade, found["T2"].grade, day)


def _checked(sequence: str) -> str:
    if sequence not in SEQUENCES:
        raise InputError(f"Signal is graded on {' and '.join(SEQUENCES)}, not on '{sequence}'.")
    return sequence
