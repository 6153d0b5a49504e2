"""The lesions of a patient as a case has them: one for the segments of all examinations, in the user's order."""

import dataclasses
from collections.abc import Iterable, Mapping

import slicer

from ..errors import InputError
from ..response.case import Lesion
from ..response.finding import Finding
from ..response.measurement import Measurement
from .item_content import item_content, set_item_content
from .lesion_attributes import exclusion, lesion_segments, readable_lesion
from .lesion_identity import ensure_lesion_identity, segment_of_lesion
from .proposals import proposal
from .segment_tags import require_segment
from .study_nodes import nodes_of_study
from .subject_hierarchy import patient_id, patient_of_segmentation
from .time_points import studies, study_of

__all__ = ["complete_lesions", "keep_lesions", "lesions_of_studies", "segmentations_of_study", "set_lesion_order"]

_LESIONS = "HCC.Lesions"
_LESION_ORDER = "HCC.LesionOrder"


def lesions_of_studies(patient_item: int, study_items: Iterable[int], notes: list[str]) -> tuple[dict[str, Lesion], dict[str, str]]:
    """Return the lesions of a patient by UID in the user's order, and why some are left out of the assessment.

    Where examinations say different things of a lesion, the earliest that is not damaged counts: there the targets are chosen.
    Outlined lesions without an identity get one; proposals are none yet.

    :param study_items: the numbered studies, the earliest first; others of the patient come after them.
    :param notes: get a sentence for everything that is passed over or contradicts.
    """
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    found: dict[str, Lesion] = {}
    excluded: dict[str, str] = {}
    damaged: set[str] = set()
    numbered = list(study_items)
    for item in [*numbered, *(one for one in studies(patient_item) if one not in numbered)]:
        where = hierarchy.GetItemName(item)
        for node in segmentations_of_study(item):
            for segment_id in lesion_segments(node):
                if proposal(node, segment_id):
                    continue
                ensure_lesion_identity(node, segment_id)
                lesion, problems = readable_lesion(node, segment_id)
                notes += [f"{problem} Set it again; until then it is passed over." for problem in problems]
                if lesion is None:
                    continue
                name = require_segment(node, segment_id).GetName()
                if segment_of_lesion(node, lesion.uid) != segment_id:
                    notes.append(f"'{name}' of '{node.GetName()}' has the identity of another segment there; give one of them its own.")
                    continue
                if lesion.uid not in found or (lesion.uid in damaged and not problems):
                    found[lesion.uid] = lesion
                    damaged = damaged | {lesion.uid} if problems else damaged - {lesion.uid}
                first = found[lesion.uid]
                differing = [one.name for one in dataclasses.fields(Lesion) if getattr(first, one.name) != getattr(lesion, one.name)]
                if differing and not problems:
                    what = ", ".join(differing).replace("_", " ")
                    label = first.identifier
                    notes.append(f"Lesion '{label}' is another in '{where}' than before ({what}); the earlier counts; set it again.")
                reason = exclusion(node, segment_id)
                if reason.strip() and excluded.setdefault(lesion.uid, reason) != reason:
                    notes.append(f"Lesion '{first.identifier}' is left out for two different reasons; the earlier one counts.")
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        if not study_of(node) and patient_of_segmentation(node) in ("", patient_id(patient_item)) and lesion_segments(node):
            notes.append(f"The segmentation '{node.GetName()}' stands below no study; its lesions are left out. Move it below its study.")
    for content in item_content(patient_item, _LESIONS, notes):
        try:
            lesion = Lesion(**content["lesion"])
        except (KeyError, TypeError, InputError) as error:
            notes.append(f"A lesion kept at the patient is damaged and left out ({error}).")
            continue
        if lesion.uid not in found:
            found[lesion.uid] = lesion
            if content.get("excluded"):
                excluded[lesion.uid] = content["excluded"]
    order = {str(uid): place for place, uid in enumerate(item_content(patient_item, _LESION_ORDER, notes))}
    return dict(sorted(found.items(), key=lambda one: order.get(one[0], len(order)))), excluded


def complete_lesions(found: dict[str, Lesion], said: list[Finding], rows: list[Measurement], notes: list[str]) -> None:
    """Make the lesions whole: what findings and parts refer to without an outline is known by its name only.

    :param found: changed in place; so is ``said``, where a finding refers to what cannot be a lesion.
    """
    names = {row.lesion_uid: row.lesion_name for row in rows}
    for finding in list(said):
        for uid in filter(None, (finding.lesion_uid, finding.merged_with)):
            if uid not in found and not _add_bare(found, uid, names.get(uid, ""), notes):
                said.remove(finding)
                break
    for lesion in list(found.values()):
        above = lesion.split_from
        if above and above not in found and not _add_bare(found, above, names.get(above, ""), notes):
            found[lesion.uid] = dataclasses.replace(lesion, split_from="")
    for uid in list(found):
        above, seen = found[uid].split_from, {uid}
        while above and above not in seen:
            seen.add(above)
            above = found[above].split_from
        if above == uid:
            notes.append(f"Lesion '{found[uid].identifier}' is noted as a part of itself; say again what it was split from.")
            found[uid] = dataclasses.replace(found[uid], split_from="")


def keep_lesions(patient_item: int, lesions: Iterable[Lesion], excluded: Mapping[str, str]) -> None:
    """Keep lesions that stand in no examination at their patient, in place of those kept before.

    :param excluded: why some are left out of the assessment, by UID.
    """
    content = [{"lesion": dataclasses.asdict(one), "excluded": excluded.get(one.uid, "")} for one in lesions]
    set_item_content(patient_item, _LESIONS, content)


def set_lesion_order(patient_item: int, uids: Iterable[str]) -> None:
    """Set in which order the lesions of a patient are listed; others come after them."""
    set_item_content(patient_item, _LESION_ORDER, list(uids))


def segmentations_of_study(study_item: int) -> list:
    """Return the segmentations of a study; outside the application the hierarchy still has what was removed from the scene."""
    return [node for node in nodes_of_study(study_item, "vtkMRMLSegmentationNode") if node.GetScene() is not None]


def _add_bare(found: dict[str, Lesion], uid: str, name: str, notes: list[str]) -> bool:
    """Add a lesion of which nothing is left but its UID and perhaps a name."""
    try:
        found[uid] = Lesion(uid, name or "lesion without outline")
    except InputError as error:
        notes.append(f"A finding or a part refers to a lesion that cannot be and is left out ({error}).")
        return False
    label = found[uid].identifier
    notes.append(f"Lesion '{label}' has no outline any more, but a finding or a part refers to it; what it counted as is lost.")
    return True
