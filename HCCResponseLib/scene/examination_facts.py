"""What a user types of an examination: date, weeks, treatment, dose, AFP."""

import dataclasses
from datetime import date

import slicer

from ..errors import InputError
from ..response.case import TimePoint
from .time_points import (
    propose_time_points,
    propose_weeks,
    set_study_date,
    set_time_point,
    set_time_points,
    studies,
    time_point,
)

__all__ = ["examination_date", "set_examination_fact"]

_TEXTS = ("treatment", "dose")


def examination_date(study_item: int) -> str:
    """Return the date of an examination, ISO 8601; empty where it is not known or no date."""
    digits = slicer.mrmlScene.GetSubjectHierarchyNode().GetItemAttribute(study_item, "DICOM.StudyDate").replace("-", "")
    try:
        return date.fromisoformat(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}").isoformat()
    except ValueError:
        return ""


def set_examination_fact(study_item: int, what: str, text: str) -> str:
    """Keep what was typed of an examination, in place of what it said before.

    Weeks that followed from the dates follow a changed date; weeks that the user typed stay. A study that was not part of the course
    of treatment yet becomes part of it by its date or its weeks, in their order.

    :param what: "date" (2026-03-01), "weeks" (from the baseline), "treatment", "dose" (of radiotherapy, in words) or "afp" (ng/mL).
    :param text: as typed; empty for not known. Numbers have a decimal point.
    :return: what else changed, a sentence; empty where nothing did.
    :raises InputError: it cannot be; nothing is changed.
    """
    if what == "date":
        return _set_date(study_item, text.strip())
    point = time_point(study_item)
    if what == "weeks":
        weeks = _number(text, "weeks from baseline")
        if point is None:
            return "" if weeks is None else _take_in(study_item, weeks)
        changes = {"weeks_from_baseline": weeks}
    elif what == "afp":
        changes = {"afp_ng_ml": _number(text, "ng/mL of AFP")}
    elif what in _TEXTS:
        changes = {what: text.strip()}
    else:
        raise InputError(f"An examination has no '{what}'.")
    if point is None:
        name = slicer.mrmlScene.GetSubjectHierarchyNode().GetItemName(study_item)
        raise InputError(f"'{name}' is not part of the course of treatment yet; type its date or weeks first.")
    changed = dataclasses.replace(point, **changes)
    if changed != point:
        set_time_point(study_item, changed)
    return ""


def _set_date(study_item: int, text: str) -> str:
    before = examination_date(study_item)
    if time_point(study_item) is None and text:
        set_study_date(study_item, text)
        try:
            return _take_in(study_item)
        except InputError:
            set_study_date(study_item, before)
            raise
    if text == before:
        return ""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    patient = hierarchy.GetItemParent(study_item)
    stated = set(propose_weeks(patient))  # those whose weeks are not what the dates say were typed, or are not known
    set_study_date(study_item, text)
    followed = {item: weeks for item, weeks in propose_weeks(patient).items() if item not in stated or _weeks(item) is None}
    for item, weeks in followed.items():
        set_time_point(item, dataclasses.replace(time_point(item), weeks_from_baseline=weeks))
    return f"Weeks from baseline were counted anew in {len(followed)} examination{'s' * (len(followed) != 1)}." if followed else ""


def _take_in(study_item: int, weeks: float | None = None) -> str:
    """Make a study part of the course of treatment, by its weeks or its date; returns what was done, a sentence.

    :raises InputError: it is older than the baseline, which stays what all others are compared with; nothing is changed.
    """
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    patient, name = hierarchy.GetItemParent(study_item), hierarchy.GetItemName(study_item)
    new = propose_time_points(patient)[study_item]
    if weeks is not None:
        new = dataclasses.replace(new, weeks_from_baseline=weeks)
    known = {item: point for item in studies(patient) if (point := time_point(item)) is not None}
    later = [point.index for point in known.values() if _is_before(new, point)]
    if later and min(later) == 0:
        raise InputError(f"'{name}' would be before the baseline, which all others are compared with; correct its date or weeks.")
    index = min(later, default=1 + max((point.index for point in known.values()), default=-1))
    moved = {item: dataclasses.replace(point, index=point.index + 1) for item, point in known.items() if point.index >= index}
    set_time_points(moved | {study_item: dataclasses.replace(new, index=index)})
    return f"'{name}' is part of the course of treatment now."


def _is_before(one: TimePoint, other: TimePoint) -> bool:
    if one.weeks_from_baseline is not None and other.weeks_from_baseline is not None:
        return one.weeks_from_baseline < other.weeks_from_baseline
    return bool(one.date and other.date) and one.date < other.date


def _weeks(study_item: int) -> float | None:
    point = time_point(study_item)
    return None if point is None else point.weeks_from_baseline


def _number(text: str, what: str) -> float | None:
    typed = text.strip()
    if not typed:
        return None
    if "," in typed:
        raise InputError(f"'{typed}' {what}: write the number with a point and without separators, like 4.5.")
    try:
        return float(typed)
    except ValueError:
        raise InputError(f"'{typed}' is not a number of {what}.") from None
