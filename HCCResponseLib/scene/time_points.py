"""Patients and their examinations: subject hierarchy items; a study is a time point and carries what is known of it.

The attributes ``HCC.TimePoint``, ``HCC.WeeksFromBaseline``, ``HCC.Treatment``, ``HCC.Dose`` and ``HCC.AFP`` stand at the study
item. Measurements name their examination by its number, so they follow when a study gets another number.
"""

import dataclasses
from collections import Counter
from datetime import date

import slicer
import vtk

from ..errors import InputError
from ..response.case import TimePoint
from ..response.measurement import Measurement
from .escaped_text import escape, unescape
from .measurement_table import readable_measurements, replace_measurements
from .subject_hierarchy import ancestor_of, patient_id

__all__ = [
    "TIME_POINT_ATTRIBUTES",
    "measurements_of_patient",
    "patients",
    "propose_time_points",
    "propose_weeks",
    "set_study_date",
    "set_time_point",
    "set_time_points",
    "studies",
    "study_at",
    "study_of",
    "time_point",
    "time_point_of",
]

_INDEX, _WEEKS, _TREATMENT, _DOSE, _AFP = "HCC.TimePoint", "HCC.WeeksFromBaseline", "HCC.Treatment", "HCC.Dose", "HCC.AFP"
_FORMER_INDEX = "HCC.FormerTimePoint"
"""At a study that is no time point any more: the number under which its measurements stand."""
TIME_POINT_ATTRIBUTES = (_INDEX, _FORMER_INDEX)
"""What belongs to the numbers that measurements carry: undone together with them."""


def patients() -> list[int]:
    """Return the patient items of the scene, in their order."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    return _of_level(hierarchy.GetSceneItemID(), "Patient")


def studies(patient_item: int) -> list[int]:
    """Return the study items of a patient, in their order."""
    return _of_level(patient_item, "Study")


def study_of(node) -> int:
    """Return the study item that a node stands below; 0 where there is none."""
    return ancestor_of(node, "Study")


def time_point(study_item: int) -> TimePoint | None:
    """Return what a study is in the course of treatment; None where nobody said yet.

    :raises InputError: an attribute is damaged; the message names the study.
    """
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    index, weeks, afp = (hierarchy.GetItemAttribute(study_item, name) for name in (_INDEX, _WEEKS, _AFP))
    if not index:
        return None
    name = hierarchy.GetItemName(study_item)
    try:
        number, weeks, afp = int(index), float(weeks) if weeks else None, float(afp) if afp else None
    except ValueError:
        raise InputError(
            f"Study '{name}': its time point '{index}', its weeks '{weeks}' or its AFP '{afp}' are not numbers; set them again.",
        ) from None
    try:
        return TimePoint(
            number,
            hierarchy.GetItemUID(study_item, "DICOM"),
            _study_date(study_item),
            weeks,
            unescape(hierarchy.GetItemAttribute(study_item, _TREATMENT)),
            unescape(hierarchy.GetItemAttribute(study_item, _DOSE)),
            afp,
        )
    except InputError as error:
        raise InputError(f"Study '{name}': {error}") from None


def set_time_point(study_item: int, point: TimePoint | None) -> None:
    """Say what a study is in the course of treatment; None takes it away. UID and date stay those of the study.

    Measurements of the study follow its number; those of a study that loses its number wait for it under the old one.

    :raises InputError: another study of the patient has this number, or measurements of another examination stand under it;
        nothing is changed then.
    """
    set_time_points({study_item: point})


def set_time_points(points: dict[int, TimePoint | None]) -> None:
    """Do :func:`set_time_point` for several studies of one patient at once, so that they may exchange their numbers.

    :param points: by study item.
    :raises InputError: as there; or the studies are not of one patient.
    """
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    parents = {hierarchy.GetItemParent(item) for item in points}
    if len(parents) > 1:
        raise InputError("The examinations to be numbered are of several patients; number those of one patient at a time.")
    for patient_item in parents:
        old = {item: _whole(hierarchy.GetItemAttribute(item, _INDEX)) for item in studies(patient_item)}
        new = {**old, **{item: None if point is None else point.index for item, point in points.items()}}
        for item in points:
            other = next((one for one, index in new.items() if one != item and index == new[item]), None)
            if new[item] is not None and other is not None:
                name = hierarchy.GetItemName(other)
                raise InputError(f"Time point {new[item]} is the study '{name}' already; give that one another number first.")
        _move_measurements(patient_item, old, new)
    for item, point in points.items():
        _write(item, point)


def study_at(patient_item: int, index: int) -> int:
    """Return the study item of a patient's time point; 0 where there is none."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    return next((item for item in studies(patient_item) if _whole(hierarchy.GetItemAttribute(item, _INDEX)) == index), 0)


def measurements_of_patient(patient_item: int) -> tuple[list[Measurement], list[str]]:
    """Return the measurements of a patient, and what is wrong with the table: rows that cannot be read, or are nobody's.

    Rows that name no patient are those of the only one in the scene; with several patients they are nobody's.
    """
    rows, problems = readable_measurements()
    known = {patient_id(item) for item in patients()}
    only = {""} if len(patients()) == 1 else set()
    strange = Counter(row.patient for row in rows if row.patient not in known | only)
    for name, count in strange.items():
        problems.append(f"Measurements of patient '{name}' ({count}) are kept, but the scene has no such patient.")
    return [row for row in rows if row.patient in {patient_id(patient_item)} | only], problems


def time_point_of(node) -> int | None:
    """Return the time point of the study that a node stands below; None where there is none."""
    study = study_of(node)
    point = time_point(study) if study else None
    return None if point is None else point.index


def propose_time_points(patient_item: int) -> dict[int, TimePoint]:
    """Number the studies of a patient that have no time point yet by date, after those that have one.

    Weeks are counted from the date of time point 0. A study without a date comes last, with its weeks unknown.

    :return: study item -> proposed time point, for the user to confirm; nothing is changed.
    """
    known = {item: point for item in studies(patient_item) if (point := time_point(item)) is not None}
    new = sorted((item for item in studies(patient_item) if item not in known), key=lambda item: (_study_date(item) or "9", item))
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    numbered = {item: point.index for item, point in known.items()}
    for item in new:
        numbered[item] = max(numbered.values(), default=-1) + 1
    baseline = next((_study_date(item) for item, index in numbered.items() if index == 0), "")
    days = {item: _study_date(item) for item in new}
    return {
        item: TimePoint(numbered[item], hierarchy.GetItemUID(item, "DICOM"), day, _weeks_between(baseline, day))
        for item, day in days.items()
    }


def set_study_date(study_item: int, day: str) -> None:
    """Set the date of a study, where its images do not tell or tell wrongly.

    :param day: ISO 8601 ("2026-03-01"); empty for not known.
    :raises InputError: it is no date.
    """
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    checked = TimePoint(0, date=day).date
    hierarchy.SetItemAttribute(study_item, "DICOM.StudyDate", checked.replace("-", ""))


def propose_weeks(patient_item: int) -> dict[int, float]:
    """Return the weeks that follow from the dates, for the time points whose weeks are others (half a day or more) or missing.

    :return: study item -> weeks from the date of time point 0, for the user to confirm; nothing is changed.
    """
    points = {item: point for item in studies(patient_item) if (point := _readable(item)) is not None}
    baseline = next((point.date for point in points.values() if point.index == 0), "")
    found = {}
    for item, point in points.items():
        weeks = _weeks_between(baseline, point.date)
        if weeks is not None and (point.weeks_from_baseline is None or abs(point.weeks_from_baseline - weeks) * 7 >= 0.5):
            found[item] = weeks
    return found


def _readable(study_item: int) -> TimePoint | None:
    try:
        return time_point(study_item)
    except InputError:
        return None


def _weeks_between(first: str, second: str) -> float | None:
    return (date.fromisoformat(second) - date.fromisoformat(first)).days / 7 if first and second else None


def _write(study_item: int, point: TimePoint | None) -> None:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    if point is None:
        content = {_FORMER_INDEX: hierarchy.GetItemAttribute(study_item, _INDEX) or hierarchy.GetItemAttribute(study_item, _FORMER_INDEX)}
    else:
        content = {
            _INDEX: str(point.index),
            _WEEKS: _number_text(point.weeks_from_baseline),
            _TREATMENT: escape(point.treatment),
            _DOSE: escape(point.dose),
            _AFP: _number_text(point.afp_ng_ml),
        }
        for other in studies(hierarchy.GetItemParent(study_item)):
            if hierarchy.GetItemAttribute(other, _FORMER_INDEX) == str(point.index):
                hierarchy.RemoveItemAttribute(other, _FORMER_INDEX)
    for name in (_INDEX, _WEEKS, _TREATMENT, _DOSE, _AFP, _FORMER_INDEX):
        if content.get(name):
            hierarchy.SetItemAttribute(study_item, name, content[name])
        else:
            hierarchy.RemoveItemAttribute(study_item, name)


def _move_measurements(patient_item: int, old: dict[int, int | None], new: dict[int, int | None]) -> None:
    """Let measurements follow the numbers of their studies, all at once.

    :param old: study item -> its number, None for none; so is ``new``.
    :raises InputError: measurements would pass for those of another examination; nothing is changed then.
    """
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    home = {_whole(hierarchy.GetItemAttribute(item, _FORMER_INDEX)): item for item, index in old.items() if index is None}
    home.pop(None, None)
    home |= {index: item for item, index in old.items() if index is not None}
    rows = measurements_of_patient(patient_item)[0]
    moves = {}
    for number in {row.time_point for row in rows}:
        owner = home.get(number)
        moves[number] = number if owner is None or new[owner] is None else new[owner]
        taker = next((item for item, index in new.items() if index == moves[number]), None)
        # What stands under a number without an examination belongs to the one that comes and gets this number.
        if taker in (None, owner) or (owner is None and taker not in home.values()):
            continue
        of = f"the study '{hierarchy.GetItemName(owner)}'" if owner is not None else "an examination that is no longer in the scene"
        raise InputError(f"Measurements of {of} stand under time point {moves[number]}; choose another number, or delete them first.")
    moved = {row.key: dataclasses.replace(row, time_point=moves[row.time_point]) for row in rows if moves[row.time_point] != row.time_point}
    if moved:
        replace_measurements(moved)


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _number_text(value: float | None) -> str:
    return "" if value is None else repr(float(value))


def _of_level(parent: int, level: str) -> list[int]:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    children = vtk.vtkIdList()
    hierarchy.GetItemChildren(parent, children, False)
    items = [children.GetId(n) for n in range(children.GetNumberOfIds())]
    return [item for item in items if hierarchy.IsItemLevel(item, level)]


def _study_date(study_item: int) -> str:
    """Date of a study, ISO 8601; empty where it is not known or no date."""
    digits = slicer.mrmlScene.GetSubjectHierarchyNode().GetItemAttribute(study_item, "DICOM.StudyDate").replace("-", "")
    try:
        return date.fromisoformat(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}").isoformat()
    except ValueError:
        return ""
