"""What a user types of an examination: date, weeks, treatment, dose, AFP."""

import dataclasses
from datetime import date

import slicer

from ..errors import InputError
from .time_points import propose_weeks, set_study_date, set_time_point, time_point

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

    Weeks that followed from the dates follow a changed date; weeks that the user typed stay.

    :param what: "date" (2026-03-01), "weeks" (from the baseline), "treatment", "dose" (of radiotherapy, in words) or "afp" (ng/mL).
    :param text: as typed; empty for not known. Numbers have a decimal point.
    :return: what else changed, a sentence; empty where nothing did.
    :raises InputError: it cannot be; nothing is changed.
    """
    if what == "date":
        return _set_date(study_item, text.strip())
    point = time_point(study_item)
    if point is None:
        name = slicer.mrmlScene.GetSubjectHierarchyNode().GetItemName(study_item)
        raise InputError(f"'{name}' is no examination of the course of treatment yet; say which one it is first.")
    if what in _TEXTS:
        changed = dataclasses.replace(point, **{what: text.strip()})
    elif what == "weeks":
        changed = dataclasses.replace(point, weeks_from_baseline=_number(text, "weeks from baseline"))
    elif what == "afp":
        changed = dataclasses.replace(point, afp_ng_ml=_number(text, "ng/mL of AFP"))
    else:
        raise InputError(f"An examination has no '{what}'.")
    if changed != point:
        set_time_point(study_item, changed)
    return ""


def _set_date(study_item: int, text: str) -> str:
    if text == examination_date(study_item):
        return ""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    patient = hierarchy.GetItemParent(study_item)
    stated = set(propose_weeks(patient))  # those whose weeks are not what the dates say were typed, or are not known
    set_study_date(study_item, text)
    followed = {item: weeks for item, weeks in propose_weeks(patient).items() if item not in stated or _weeks(item) is None}
    for item, weeks in followed.items():
        set_time_point(item, dataclasses.replace(time_point(item), weeks_from_baseline=weeks))
    return f"Weeks from baseline were counted anew in {len(followed)} examination{'s' * (len(followed) != 1)}." if followed else ""


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
