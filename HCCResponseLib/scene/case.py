"""A scene as a plain case, and a plain case as a scene, without loss.

What stands where: the patient and the examinations are items of the subject hierarchy, images are volumes, lesions are segments,
findings stand at the examination, numbers in the measurement table. What a case knows and a scene cannot show as a node (an image
without voxels, a lesion that no examination could hold) is kept as an attribute of its item until a node takes its place.

Reading never fails at one damaged attribute, tag or row: what cannot be read is passed over, and a note says so.
"""

import dataclasses
import json
from collections.abc import Iterable

import slicer

from ..errors import InputError
from ..response.case import Case, Image, Lesion, TimePoint
from ..response.finding import Exclusion, Finding, LesionState
from ..response.measurement import Measurement
from .acquisition import slice_thickness_mm
from .dynamic_series import sequence_shown_by
from .escaped_text import escape, unescape
from .findings import findings, set_finding
from .lesion_attributes import exclusion, lesion_segments, readable_lesion, set_exclusion, set_lesion
from .lesion_identity import ensure_lesion_identity, lesion_identity, segment_of_lesion
from .measurement_table import add_measurements
from .proposals import proposal
from .roles import role
from .segment_masks import add_segment
from .segment_tags import require_segment
from .segments import segment_ids
from .study_nodes import nodes_of_study, volumes_of_study
from .subject_hierarchy import PATIENT_ID_ATTRIBUTE, patient_id, patient_of_segmentation, source_uid, subject_hierarchy_item
from .time_points import measurements_of_patient, patients, set_study_date, set_time_points, studies, study_of, time_point

__all__ = ["case_and_notes", "case_from_scene", "case_to_scene", "set_lesion_order"]

_IMAGES = "HCC.Images"
_LESIONS = "HCC.Lesions"
_LESION_ORDER = "HCC.LesionOrder"
_NOT_THERE = (LesionState.ABSENT, LesionState.MERGED)


def case_from_scene(patient_item: int | None = None) -> Case:
    """Return everything that the scene knows of a patient. Outlined lesions without an identity get one.

    :param patient_item: None: the only patient of the scene.
    :raises InputError: no patient was given, and the scene has none or several.
    """
    return case_and_notes(patient_item)[0]


def case_and_notes(patient_item: int | None = None) -> tuple[Case, tuple[str, ...]]:
    """Return :func:`case_from_scene`, and a sentence for everything that could not be taken as it stands, for the user to see."""
    patient_item = _only_patient() if patient_item is None else patient_item
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    notes: list[str] = []
    points = _time_points(patient_item, notes)
    images = [one for item, point in points.items() for one in _images(item, point.index, notes)]
    found, excluded = _lesions(patient_item, points, notes)
    rows, problems = measurements_of_patient(patient_item)
    notes += problems
    said = _findings(points, notes)
    _complete(found, said, rows, notes)
    known = {point.index for point in points.values()}
    notes += _stray(rows, known, found, patient_item)
    case = Case(
        patient=patient_id(patient_item),
        name=unescape(hierarchy.GetItemAttribute(patient_item, "DICOM.PatientName")),
        time_points=tuple(points.values()),
        images=tuple(images),
        lesions=tuple(found.values()),
        measurements=tuple(rows),
        findings=tuple(said),
        exclusions=tuple(Exclusion(uid, reason) for uid, reason in excluded.items() if uid in found),
    )
    return case, tuple(notes)


def case_to_scene(case: Case) -> int:
    """Put a case into the scene as a new patient with studies, segmentations and rows of the measurement table.

    A segment of a lesion is empty: a case knows no outlines. It is made in each examination where the lesion was measured or seen,
    in the first one where it never was. Images are kept at their study, and volumes loaded later take their place.

    :return: the patient's item.
    :raises InputError: the scene has this patient already, or a measurement is another patient's; nothing is changed then.
    """
    others = {patient_id(item) for item in patients()}
    if case.patient in others:
        raise InputError(f"The scene has the patient '{case.patient}' already; close the scene or remove the patient first.")
    allowed = {case.patient} if others else {case.patient, ""}
    wrong = next((row for row in case.measurements if row.patient not in allowed), None)
    if wrong is not None:
        raise InputError(f"The case of '{case.patient}' has a measurement of patient '{wrong.patient}' ({wrong.quantity}); correct one.")
    patient_item = _add_patient(case)
    try:
        study_items = _add_studies(patient_item, case)
        _add_lesions(patient_item, study_items, case)
        for finding in case.findings:
            set_finding(study_items[finding.time_point], finding)
        if case.measurements:
            add_measurements(list(case.measurements))
    except BaseException:
        slicer.mrmlScene.GetSubjectHierarchyNode().RemoveItem(patient_item)
        raise
    return patient_item


def set_lesion_order(patient_item: int, uids: Iterable[str]) -> None:
    """Set in which order the lesions of a patient are listed; others come after them."""
    _set_attribute(patient_item, _LESION_ORDER, list(uids))


def _only_patient() -> int:
    items = patients()
    if not items:
        raise InputError("The scene has no patient; import a DICOM folder, or put the images below a patient and a study.")
    if len(items) > 1:
        raise InputError(f"The scene has {len(items)} patients; choose one.")
    return items[0]


def _time_points(patient_item: int, notes: list[str]) -> dict[int, TimePoint]:
    """Return the numbered studies: item -> time point, by number."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    found: dict[int, TimePoint] = {}
    for item in studies(patient_item):
        name = hierarchy.GetItemName(item)
        try:
            point = time_point(item)
        except InputError as error:
            notes.append(f"{error} Until then it is left out.")
            continue
        if point is None:
            notes.append(f"The study '{name}' is no time point yet and is left out; number it.")
        elif any(point.index == one.index for one in found.values()):
            notes.append(f"The study '{name}' has the number {point.index} of another study and is left out; give it its own.")
        else:
            found[item] = point
    return dict(sorted(found.items(), key=lambda one: one[1].index))


def _images(study_item: int, index: int, notes: list[str]) -> list[Image]:
    """Return the image series of a study, then what is only known of.

    Volumes of one series and role (the b-values of a diffusion series) are one image with the name of the first.
    """
    series: dict[tuple, list] = {}
    for node in volumes_of_study(study_item):
        if _is_image(node):
            uid = source_uid(node)
            series.setdefault((uid, role(node)) if uid else node.GetID(), []).append(node)
    images = []
    for nodes in series.values():
        first, thickness = nodes[0], slice_thickness_mm(nodes[0])
        name = first.GetName() or ""
        images.append(Image(index, role(first), source_uid(first), name, thickness if thickness and thickness > 0 else None))
    loaded = {one.series_uid for one in images} - {""}
    for content in _attribute(study_item, _IMAGES, [], notes):
        try:
            image = Image(index, **content)
        except (TypeError, InputError) as error:
            notes.append(f"An image kept at a study of time point {index} is damaged and left out ({error}).")
            continue
        if image.series_uid not in loaded:
            images.append(image)
    return images


def _is_image(node) -> bool:
    # Outside the application the hierarchy still has what was removed from the scene.
    if node.GetScene() is None or node.IsA("vtkMRMLLabelMapVolumeNode"):
        return False
    if sequence_shown_by(node) is not None:
        return False
    return role(node) is not None or not node.GetAttribute("HCC.Quantity")


def _lesions(patient_item: int, points: dict[int, TimePoint], notes: list[str]) -> tuple[dict[str, Lesion], dict[str, str]]:
    """Return the lesions of a patient by UID in the user's order, and why some are left out of the assessment.

    Where examinations say different things of a lesion, the earliest counts: there the targets are chosen.
    """
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    found: dict[str, Lesion] = {}
    excluded: dict[str, str] = {}
    unnumbered = [item for item in studies(patient_item) if item not in points]
    for item in [*points, *unnumbered]:
        where = hierarchy.GetItemName(item)
        for node in _segmentations(item):
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
                first = found.setdefault(lesion.uid, lesion)
                differing = [one.name for one in dataclasses.fields(Lesion) if getattr(first, one.name) != getattr(lesion, one.name)]
                if differing and not problems:
                    notes.append(
                        f"Lesion '{first.identifier}': {', '.join(differing).replace('_', ' ')} differ in '{where}' "
                        "from an earlier examination, which counts; set them again.",
                    )
                reason = exclusion(node, segment_id).strip() and exclusion(node, segment_id)
                if reason and excluded.setdefault(lesion.uid, reason) != reason:
                    notes.append(f"Lesion '{first.identifier}' is left out for two different reasons; the earlier one counts.")
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        if not study_of(node) and patient_of_segmentation(node) in ("", patient_id(patient_item)) and lesion_segments(node):
            notes.append(f"The segmentation '{node.GetName()}' stands below no study; its lesions are left out. Move it below its study.")
    for content in _attribute(patient_item, _LESIONS, [], notes):
        try:
            lesion = Lesion(**content["lesion"])
        except (KeyError, TypeError, InputError) as error:
            notes.append(f"A lesion kept at the patient is damaged and left out ({error}).")
            continue
        if lesion.uid not in found:
            found[lesion.uid] = lesion
            if content.get("excluded"):
                excluded[lesion.uid] = content["excluded"]
    order = {uid: place for place, uid in enumerate(_attribute(patient_item, _LESION_ORDER, [], notes))}
    return dict(sorted(found.items(), key=lambda one: order.get(one[0], len(order)))), excluded


def _segmentations(study_item: int) -> list:
    return [node for node in nodes_of_study(study_item, "vtkMRMLSegmentationNode") if node.GetScene() is not None]


def _findings(points: dict[int, TimePoint], notes: list[str]) -> list[Finding]:
    found = []
    for item in points:
        try:
            found += findings(item)
        except InputError as error:
            notes.append(str(error))
    return found


def _complete(found: dict[str, Lesion], said: list[Finding], rows: list[Measurement], notes: list[str]) -> None:
    """Make the lesions whole: what findings and parts refer to without an outline is known by its name only."""
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


def _stray(rows: list[Measurement], known: set[int], found: dict[str, Lesion], patient_item: int) -> list[str]:
    """Say which rows stand under an examination or a lesion that the scene no longer has; they are kept."""
    notes = []
    for index in sorted({row.time_point for row in rows} - known):
        count = sum(row.time_point == index for row in rows)
        notes.append(f"{count} measurements stand under time point {index}, which no study is; they are kept.")
    outlined = set(found)
    for node in [one for item in studies(patient_item) for one in _segmentations(item)]:
        outlined |= {identity.uid for one in segment_ids(node) if (identity := lesion_identity(node, one)) is not None}
    names = {row.lesion_uid: row.lesion_name or row.lesion_uid for row in rows if row.lesion_uid not in outlined}
    for uid, name in names.items():
        count = sum(row.lesion_uid == uid for row in rows)
        notes.append(f"{count} measurements are of '{name}', which has no outline any more; they are kept.")
    return notes


def _add_patient(case: Case) -> int:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    title = " ".join(f"{case.name or 'No name'} ({case.patient})".split())
    item = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), title)
    hierarchy.SetItemAttribute(item, PATIENT_ID_ATTRIBUTE, escape(case.patient))
    if case.patient:
        hierarchy.SetItemUID(item, "DICOM", escape(case.patient))
        hierarchy.SetItemAttribute(item, "DICOM.PatientID", escape(case.patient))
    hierarchy.SetItemAttribute(item, "DICOM.PatientName", escape(case.name))
    return item


def _add_studies(patient_item: int, case: Case) -> dict[int, int]:
    """Make a study for each time point: index -> item."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    items = {}
    for point in case.time_points:
        title = "Baseline" if point.index == 0 else f"Follow-up {point.index}"
        item = hierarchy.CreateStudyItem(patient_item, f"{title} ({point.date})" if point.date else title)
        if point.study_uid:
            hierarchy.SetItemUID(item, "DICOM", point.study_uid)
            hierarchy.SetItemAttribute(item, "DICOM.StudyInstanceUID", point.study_uid)
        set_study_date(item, point.date)
        images = [dataclasses.asdict(one) for one in case.images if one.time_point == point.index]
        _set_attribute(item, _IMAGES, [{name: value for name, value in one.items() if name != "time_point"} for one in images])
        items[point.index] = item
    set_time_points({items[point.index]: point for point in case.time_points})
    return items


def _add_lesions(patient_item: int, study_items: dict[int, int], case: Case) -> None:
    seen = {(row.lesion_uid, row.time_point) for row in case.measurements}
    seen |= {(one.lesion_uid, one.time_point) for one in case.findings if one.state not in _NOT_THERE}
    first = next(iter(study_items), None)
    nowhere = []
    for lesion in case.lesions:
        where = [index for index in study_items if (lesion.uid, index) in seen] or ([] if first is None else [first])
        reason = case.exclusion(lesion.uid)
        for index in where:
            node = _outlines(study_items[index])
            segment_id = add_segment(node, lesion.identifier or "Lesion")
            set_lesion(node, segment_id, lesion)
            set_exclusion(node, segment_id, reason)
        if not where:
            nowhere.append({"lesion": dataclasses.asdict(lesion), "excluded": reason})
    _set_attribute(patient_item, _LESIONS, nowhere)
    set_lesion_order(patient_item, [lesion.uid for lesion in case.lesions])


def _outlines(study_item: int):
    """Return the segmentation of a new study, made if missing."""
    nodes = _segmentations(study_item)
    if nodes:
        return nodes[0]
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Outlines")
    node.CreateDefaultDisplayNodes()
    slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(node), study_item)
    return node


def _attribute(item: int, name: str, default, notes: list[str]):
    """Return what is kept as JSON at an item."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    text = unescape(hierarchy.GetItemAttribute(item, name))
    try:
        return json.loads(text) if text else default
    except ValueError:
        notes.append(f"What is kept at '{hierarchy.GetItemName(item)}' as {name} is damaged and left out; load an earlier saved scene.")
        return default


def _set_attribute(item: int, name: str, content) -> None:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    if content:
        hierarchy.SetItemAttribute(item, name, escape(json.dumps(content, ensure_ascii=False)))
    else:
        hierarchy.RemoveItemAttribute(item, name)
