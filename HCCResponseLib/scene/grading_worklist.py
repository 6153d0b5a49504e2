"""Which lesions a reader grades, in which order, and what has been graded: read from the scene, never kept.

A blinded reading mixes the lesions of all examinations. The order follows from a seed and the identities of reader, lesion and
examination alone, so it is the same after saving and loading, and a lesion added later does not shuffle the others.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..response.criteria.grades import grade_of
from ..response.measurement import Measurement
from ..response.roles import Role
from .measurement_rows import Reading
from .measurement_table import add_measurements, remove_measurements
from .proposals import proposals
from .signal_grades import SEQUENCES, grade_method
from .study_nodes import examinations_of_patient, lesions_of_study, segmentation_of_study, volumes_of_study
from .time_points import measurements_of_patient, time_point

__all__ = [
    "GRADED_ON",
    "GivenGrade",
    "GradedLesion",
    "GradingItem",
    "clear_grade",
    "given_grades",
    "grades_over_time",
    "grading_volumes",
    "grading_worklist",
    "set_comment",
    "therapy_day",
]

GRADED_ON = {
    "T1": (Role.T1, Role.T1_IN_PHASE, Role.T1_FAT_SUPPRESSED, Role.NATIVE, Role.T1_OPPOSED_PHASE),
    "T2": (Role.T2_FAT_SUPPRESSED, Role.T2, Role.HASTE),
}
"""Roles of the images that each sequence is graded on, the best suited first."""
_COMMENT_AFTER = ": by eye, "
"""As :func:`.signal_grades.grade_method` writes it."""


@dataclass(frozen=True)
class GradingItem:
    """A lesion in an examination.

    :param segment_id: its segment in the segmentation of that examination.
    """

    study_item: int
    lesion_uid: str
    segment_id: str


@dataclass(frozen=True)
class GivenGrade:
    """What a reader said of one sequence: 1 to 5, or None for "not gradable"."""

    grade: int | None
    comment: str


@dataclass(frozen=True)
class GradedLesion:
    """What one reader gave a lesion at one time point, by sequence; a sequence that was not read is missing."""

    time_point: int
    reader: str
    grades: Mapping[str, GivenGrade]


Grades = dict[tuple[int, str, str, str], GivenGrade]


def grading_worklist(study_items: Iterable[int], *, seed: int | None = None, reader: str = "") -> list[GradingItem]:
    """Return the lesions to grade: outlined and accepted, in examinations that are time points.

    :param seed: mix all of them (a blinded reading), for each reader otherwise; None: examination by examination.
    """
    found = []
    numbers = {}
    for study in study_items:
        point = time_point(study)
        if point is None:
            continue
        numbers[study] = point.index
        node = segmentation_of_study(study)
        undecided = set(proposals(node)) if node is not None else set()
        found += [GradingItem(study, uid, one) for uid, one in lesions_of_study(study).items() if one not in undecided]
    if seed is None:
        return found

    def place(item: GradingItem) -> str:
        identity = f"{seed}|{reader}|{item.lesion_uid}|{numbers[item.study_item]}"
        return hashlib.sha1(identity.encode(), usedforsecurity=False).hexdigest()

    return sorted(found, key=place)


def grading_volumes(study_item: int, sequence: str) -> list:
    """Return the volumes of an examination that a sequence ("T1", "T2") is graded on, the best suited first."""
    return [node for node in volumes_of_study(study_item, *GRADED_ON[sequence]) if node.IsA("vtkMRMLScalarVolumeNode")]


def given_grades(patient_item: int) -> tuple[Grades, list[str]]:
    """Return what all readers graded of a patient, and what is wrong with rows that cannot be read.

    Of several grades of one reader, of a table that came from elsewhere, the latest counts, as in the report.

    :return: (time point, lesion UID, sequence, reader) -> grade; and sentences.
    """
    rows, problems = measurements_of_patient(patient_item)
    found: Grades = {}
    for row in sorted(rows, key=lambda one: one.measured_at):
        sequence = _sequence(row)
        if sequence is None:
            continue
        if grade_of(row) is None and not math.isnan(row.value):
            who = row.reader or "nobody"
            problems.append(f"The {sequence} grade {row.value:g} of '{row.lesion_name}' by {who} is not 1 to 5 and left out.")
            continue
        found[row.time_point, row.lesion_uid, sequence, row.reader] = _given(row)
    return found, problems


def grades_over_time(grades: Grades, lesion_uid: str) -> list[GradedLesion]:
    """Return what readers gave one lesion, by time point and reader; ``grades`` from :func:`given_grades`."""
    found: dict[tuple[int, str], dict[str, GivenGrade]] = {}
    for (index, uid, sequence, reader), given in grades.items():
        if uid == lesion_uid:
            found.setdefault((index, reader), {})[sequence] = given
    return [GradedLesion(index, reader, found[index, reader]) for index, reader in sorted(found)]


def clear_grade(patient_item: int, lesion_uid: str, sequence: str, reading: Reading) -> bool:
    """Take a reader's grade of a lesion out of the table; returns whether there was one. Other readers' grades stay."""
    rows = _rows_of_grade(patient_item, lesion_uid, sequence, reading)
    if rows:
        remove_measurements(rows)
    return bool(rows)


def set_comment(patient_item: int, lesion_uid: str, sequence: str, reading: Reading, comment: str) -> bool:
    """Change the comment of a reader's grade; the grade, its image and its time stay. Returns whether there is a grade."""
    rows = _rows_of_grade(patient_item, lesion_uid, sequence, reading)
    if rows:
        latest = max(rows, key=lambda one: one.measured_at)
        remove_measurements(rows)
        add_measurements([replace(latest, method=grade_method(sequence, comment))])
    return bool(rows)


def _rows_of_grade(patient_item: int, lesion_uid: str, sequence: str, reading: Reading) -> list[Measurement]:
    return [
        row
        for row in measurements_of_patient(patient_item)[0]
        if _sequence(row) == sequence and (row.lesion_uid, row.time_point, row.reader) == (lesion_uid, reading.time_point, reading.reader)
    ]


def therapy_day(patient_item: int, study_item: int) -> float | None:
    """Return the days from baseline to an examination, for the timing hint; None where they are not known.

    The scene does not hold the day on which therapy began. It begins after the baseline, which is why that itself has the day -1.
    """
    point = time_point(study_item)
    if point is None:
        return None
    first = next(iter(examinations_of_patient(patient_item)), 0)
    if study_item == first or point.index == 0:
        return -1.0
    return None if point.weeks_from_baseline is None else 7.0 * point.weeks_from_baseline


def _sequence(row: Measurement) -> str | None:
    return next((one for one in SEQUENCES if row.quantity == f"{one}_GRADE"), None)


def _given(row: Measurement) -> GivenGrade:
    return GivenGrade(grade_of(row), row.method.partition(_COMMENT_AFTER)[2])
