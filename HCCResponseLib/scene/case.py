"""A scene as a plain case, and a plain case as a scene, without loss.

What stands where: the patient and the examinations are items of the subject hierarchy, images are volumes, lesions are segments,
findings stand at the examination, numbers in the measurement table. What a case knows and a scene cannot show as a node (an image
without voxels, a lesion that no examination could hold) is kept as an attribute of its item until a node takes its place.

Reading never fails at one damaged attribute, tag or row: what cannot be read is passed over, and a note says so.
"""

import slicer

from ..errors import InputError
from ..response.case import Case, Lesion, TimePoint
from ..response.finding import Exclusion, Finding, LesionState
from ..response.measurement import Measurement
from .escaped_text import escape, unescape
from .examination_images import images_of_study, keep_images
from .findings import findings, set_finding
from .lesion_attributes import lesion_segments, set_exclusion, set_lesion
from .lesion_identity import lesion_identity
from .measured_outlines import outdated_measurements
from .measurement_table import add_measurements
from .patient_lesions import complete_lesions, keep_lesions, lesions_of_studies, segmentations_of_study, set_lesion_order
from .segment_masks import add_segment
from .segments import segment_ids
from .study_nodes import examination_title
from .subject_hierarchy import PATIENT_ID_ATTRIBUTE, patient_id, subject_hierarchy_item
from .time_points import measurements_of_patient, patients, set_study_date, set_time_points, studies, time_point

__all__ = ["case_and_notes", "case_from_scene", "case_to_scene"]

_NOT_THERE = (LesionState.ABSENT, LesionState.MERGED)


def case_from_scene(patient_item: int | None = None) -> Case:
    """Return everything that the scene knows of a patient. Outlined lesions without an identity get one.

    :param patient_item: None (or 0): the only patient of the scene.
    :raises InputError: no patient was given, and the scene has none or several.
    """
    return case_and_notes(patient_item)[0]


def case_and_notes(patient_item: int | None = None) -> tuple[Case, tuple[str, ...]]:
    """Return :func:`case_from_scene`, and a sentence for everything that could not be taken as it stands, for the user to see."""
    patient_item = patient_item or _only_patient()
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    notes: list[str] = []
    points = _time_points(patient_item, notes)
    images = [one for item, point in points.items() for one in images_of_study(item, point.index, notes)]
    found, excluded = lesions_of_studies(patient_item, points, notes)
    rows, problems = measurements_of_patient(patient_item)
    notes += problems
    said = _findings(points, notes)
    complete_lesions(found, said, rows, notes)
    known = {point.index for point in points.values()}
    notes += _stray(rows, known, found, patient_item)
    notes += [note for item in points for note in _outdated(item)]
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
        _remove_patient(patient_item)
        raise
    return patient_item


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
            notes.append(f"The study '{name}' is no time point yet and is left out; type its date or weeks in HCC Response.")
        elif any(point.index == one.index for one in found.values()):
            notes.append(f"The study '{name}' has the number {point.index} of another study and is left out; give it its own.")
        else:
            found[item] = point
    return dict(sorted(found.items(), key=lambda one: one[1].index))


def _findings(points: dict[int, TimePoint], notes: list[str]) -> list[Finding]:
    found = []
    for item in points:
        try:
            found += findings(item)
        except InputError as error:
            notes.append(str(error))
    return found


def _stray(rows: list[Measurement], known: set[int], found: dict[str, Lesion], patient_item: int) -> list[str]:
    """Say which rows stand under an examination or a lesion that the scene no longer has; they are kept."""
    notes = []
    for index in sorted({row.time_point for row in rows} - known):
        count = sum(row.time_point == index for row in rows)
        notes.append(f"Measurements of time point {index} ({count}) are kept, but no study is this time point.")
    outlined = set(found)
    for node in [one for item in studies(patient_item) for one in segmentations_of_study(item)]:
        outlined |= {identity.uid for one in segment_ids(node) if (identity := lesion_identity(node, one)) is not None}
    names = {row.lesion_uid: row.lesion_name or row.lesion_uid for row in rows if row.lesion_uid not in outlined}
    for uid, name in names.items():
        count = sum(row.lesion_uid == uid for row in rows)
        notes.append(f"Measurements of '{name}' ({count}) are kept, but it has no outline any more.")
    return notes


def _outdated(study_item: int) -> list[str]:
    """Say whose measurements rest on outlines that were changed since; they are kept until they are measured again."""
    notes = []
    for node in segmentations_of_study(study_item):
        for segment_id in lesion_segments(node):
            found = outdated_measurements(node, segment_id)
            if found:
                name, title = node.GetSegmentation().GetSegment(segment_id).GetName(), examination_title(study_item, date=False)
                what = ", ".join(procedure.lower() for procedure in found)
                notes.append(f"'{name}', {title}: the outline was changed since it was measured ({what}); measure it again.")
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


def _remove_patient(patient_item: int) -> None:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    for study_item in studies(patient_item):
        # One by one: the hierarchy's own removal of a whole branch does not come to an end outside the application.
        for node in segmentations_of_study(study_item):
            hierarchy.RemoveItem(hierarchy.GetItemByDataNode(node), False, False)
            slicer.mrmlScene.RemoveNode(node)
        hierarchy.RemoveItem(study_item, False, False)
    hierarchy.RemoveItem(patient_item, False, False)


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
        keep_images(item, [one for one in case.images if one.time_point == point.index])
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
            nowhere.append(lesion)
    keep_lesions(patient_item, nowhere, {one.lesion_uid: one.reason for one in case.exclusions})
    set_lesion_order(patient_item, [lesion.uid for lesion in case.lesions])


def _outlines(study_item: int):
    """Return the segmentation of a new study, made if missing."""
    nodes = segmentations_of_study(study_item)
    if nodes:
        return nodes[0]
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Outlines")
    node.CreateDefaultDisplayNodes()
    slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(node), study_item)
    return node
