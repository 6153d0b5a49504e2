"""What readers say of lesions in an examination beside the numbers; kept at the study item of the subject hierarchy.

There, because a finding often says that there is nothing to outline (gone, merged), and outlines come and go. Each reader has one
finding of a lesion in an examination. It names the lesion by its tracking UID, and the examination by standing at it.
"""

import dataclasses
import json

import slicer

from ..errors import InputError
from ..response.finding import Finding
from .escaped_text import escape, unescape
from .time_points import studies, time_point

__all__ = [
    "FINDINGS_ATTRIBUTE",
    "finding_of",
    "findings",
    "findings_of_patient",
    "move_findings",
    "remove_finding",
    "set_finding",
]

FINDINGS_ATTRIBUTE = "HCC.Findings"


def set_finding(study_item: int, finding: Finding) -> None:
    """Keep what a reader found, in place of what the same reader found of this lesion in this examination before.

    :raises InputError: the study is not the time point that the finding names.
    """
    _require_time_point(study_item, finding.time_point)
    _write(study_item, _replaced(_stored(study_item), finding))


def remove_finding(study_item: int, lesion_uid: str, reader: str = "") -> bool:
    """Take back what a reader found of a lesion, and return whether there was something."""
    kept = _stored(study_item)
    left = [one for one in kept if (one["lesion_uid"], one["reader"]) != (lesion_uid, reader)]
    _write(study_item, left)
    return len(left) < len(kept)


def finding_of(study_item: int, lesion_uid: str, reader: str = "") -> Finding | None:
    """Return what a reader found of a lesion in an examination, or None."""
    return next(iter(findings(study_item, lesion_uid=lesion_uid, reader=reader)), None)


def findings(study_item: int, **wanted) -> list[Finding]:
    """Return the findings of an examination, in the order in which they were made; none of a study that is no time point.

    :param wanted: only those with these fields, such as ``reader="A"``.
    :raises InputError: what is kept at the study is damaged; the message names it.
    """
    point = time_point(study_item)
    found = [Finding(point.index, **one) for one in _stored(study_item)] if point is not None else []
    return [one for one in found if all(getattr(one, name) == value for name, value in wanted.items())]


def findings_of_patient(patient_item: int, **wanted) -> list[Finding]:
    """Return the findings of all examinations of a patient, see :func:`findings`, by time point."""
    found = [one for item in studies(patient_item) for one in findings(item, **wanted)]
    return sorted(found, key=lambda one: one.time_point)


def move_findings(study_item: int, old_uid: str, new_uid: str) -> None:
    """Let the findings of a lesion in one examination follow when the lesion gets another identity there."""
    kept = _stored(study_item)
    moved = [_with_uid(one, old_uid, new_uid) for one in kept]
    taken = {(one["lesion_uid"], one["reader"]) for one in kept if one["lesion_uid"] != old_uid}
    # What was said under the new identity stays; a lesion is not merged with itself.
    moved = [
        after
        for before, after in zip(kept, moved, strict=True)
        if not (before != after and before["lesion_uid"] == old_uid and (new_uid, before["reader"]) in taken)
        and after["merged_with"] != after["lesion_uid"]
    ]
    if moved != kept:
        _write(study_item, moved)


def _with_uid(one: dict[str, str], old_uid: str, new_uid: str) -> dict[str, str]:
    return {name: new_uid if name in ("lesion_uid", "merged_with") and value == old_uid else value for name, value in one.items()}


def _replaced(kept: list[dict[str, str]], finding: Finding) -> list[dict[str, str]]:
    content = {name: str(value) for name, value in dataclasses.asdict(finding).items() if name != "time_point"}
    place = next(
        (n for n, one in enumerate(kept) if (one["lesion_uid"], one["reader"]) == (finding.lesion_uid, finding.reader)),
        len(kept),
    )
    return [*kept[:place], content, *kept[place + 1 :]]


def _require_time_point(study_item: int, index: int) -> None:
    if not study_item:
        raise InputError(f"A finding of time point {index} stands at its study; put the outlines below a patient and a study first.")
    point = time_point(study_item)
    if point is None or point.index != index:
        name = slicer.mrmlScene.GetSubjectHierarchyNode().GetItemName(study_item)
        raise InputError(f"The study '{name}' is not time point {index}; say which time point it is first.")


def _stored(study_item: int) -> list[dict[str, str]]:
    """Return the findings of a study as plain fields, without the time point."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    text = unescape(hierarchy.GetItemAttribute(study_item, FINDINGS_ATTRIBUTE))
    try:
        kept = [{"merged_with": "", "reader": "", "comment": "", **one} for one in json.loads(text or "[]")]
        for one in kept:
            Finding(0, **one)
    except (TypeError, ValueError) as error:  # also what is no JSON, and a finding that cannot be
        name = hierarchy.GetItemName(study_item)
        raise InputError(f"Study '{name}': the findings kept in it are damaged ({error}); load an earlier saved scene.") from None
    return list({(one["lesion_uid"], one["reader"]): one for one in kept}.values())


def _write(study_item: int, content: list[dict[str, str]]) -> None:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    if content:
        hierarchy.SetItemAttribute(study_item, FINDINGS_ATTRIBUTE, escape(json.dumps(content, ensure_ascii=False)))
    else:
        hierarchy.RemoveItemAttribute(study_item, FINDINGS_ATTRIBUTE)
