"""Patients and their examinations: subject hierarchy items; a study is a time point and carries what is known of it.

The attributes ``HCC.TimePoint``, ``HCC.WeeksFromBaseline``, ``HCC.Treatment`` and ``HCC.Dose`` stand at the study item.
"""

from datetime import date

import slicer
import vtk

from ..errors import InputError
from ..response.case import TimePoint
from .subject_hierarchy import subject_hierarchy_item

__all__ = ["patients", "propose_time_points", "set_time_point", "studies", "study_of", "time_point", "time_point_of"]

_INDEX, _WEEKS, _TREATMENT, _DOSE = "HCC.TimePoint", "HCC.WeeksFromBaseline", "HCC.Treatment", "HCC.Dose"


def patients() -> list[int]:
    """Return the patient items of the scene, in their order."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    return _of_level(hierarchy.GetSceneItemID(), "Patient")


def studies(patient_item: int) -> list[int]:
    """Return the study items of a patient, in their order."""
    return _of_level(patient_item, "Study")


def study_of(node) -> int:
    """Return the study item that a node stands below; 0 where there is none."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    return hierarchy.GetItemAncestorAtLevel(subject_hierarchy_item(node), "Study")


def time_point(study_item: int) -> TimePoint | None:
    """Return what a study is in the course of treatment; None where nobody said yet.

    :raises InputError: an attribute is damaged; the message names the study.
    """
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    index = hierarchy.GetItemAttribute(study_item, _INDEX)
    if not index:
        return None
    weeks = hierarchy.GetItemAttribute(study_item, _WEEKS)
    name = hierarchy.GetItemName(study_item)
    try:
        number, weeks = int(index), float(weeks) if weeks else None
    except ValueError:
        raise InputError(f"Study '{name}': its time point '{index}' or its weeks '{weeks}' are not numbers; set them again.") from None
    try:
        return TimePoint(
            number,
            hierarchy.GetItemUID(study_item, "DICOM"),
            _study_date(study_item),
            weeks,
            hierarchy.GetItemAttribute(study_item, _TREATMENT),
            hierarchy.GetItemAttribute(study_item, _DOSE),
        )
    except InputError as error:
        raise InputError(f"Study '{name}': {error}") from None


def set_time_point(study_item: int, point: TimePoint | None) -> None:
    """Say what a study is in the course of treatment; None takes it away. UID and date stay those of the study.

    :raises InputError: another study of the patient has this index.
    """
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    if point is None:
        for name in (_INDEX, _WEEKS, _TREATMENT, _DOSE):
            hierarchy.RemoveItemAttribute(study_item, name)
        return
    for other in studies(hierarchy.GetItemParent(study_item)):
        if other != study_item and hierarchy.GetItemAttribute(other, _INDEX) == str(point.index):
            taken = hierarchy.GetItemName(other)
            raise InputError(f"Time point {point.index} is the study '{taken}' already; give that one another number first.")
    hierarchy.SetItemAttribute(study_item, _INDEX, str(point.index))
    weeks = "" if point.weeks_from_baseline is None else repr(float(point.weeks_from_baseline))
    for name, text in ((_WEEKS, weeks), (_TREATMENT, point.treatment), (_DOSE, point.dose)):
        if text:
            hierarchy.SetItemAttribute(study_item, name, text)
        else:
            hierarchy.RemoveItemAttribute(study_item, name)


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

    def weeks(item: int) -> float | None:
        day = _study_date(item)
        return (date.fromisoformat(day) - date.fromisoformat(baseline)).days / 7 if day and baseline else None

    return {item: TimePoint(numbered[item], hierarchy.GetItemUID(item, "DICOM"), _study_date(item), weeks(item)) for item in new}


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
