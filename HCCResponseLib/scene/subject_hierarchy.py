"""Where a node stands in the subject hierarchy, and which patient, study and series it belongs to.

The application gives every node an item by itself; outside it (slicer-core) nobody does, so items are made when missing.
UIDs and attributes are those that Slicer's own DICOM import sets.
"""

import itertools
import uuid

import slicer
import vtk

from ..errors import InputError
from .escaped_text import escape, unescape

__all__ = [
    "add_folder",
    "ancestor_of",
    "ensure_source_uid",
    "new_uid",
    "patient_id",
    "patient_of",
    "patient_of_segmentation",
    "place_beside",
    "require_one_patient",
    "series_uid",
    "source_uid",
    "study_date",
    "study_item",
    "subject_hierarchy_item",
]

SOURCE_UID_ATTRIBUTE = "HCC.SourceUID"
PATIENT_ID_ATTRIBUTE = "HCC.PatientID"
"""At the item of a patient who has no DICOM ID; it stays when the item is renamed."""


def subject_hierarchy_item(node) -> int:
    """Return the item of a node, made at the top level if it has none yet."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    return hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


def ancestor_of(node, level: str) -> int:
    """Return the item of a level ("Patient", "Study") that a node stands below; 0 where there is none. Looking makes no item."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(node)
    return hierarchy.GetItemAncestorAtLevel(item, level) if item else 0


def study_item(*, patient_id: str, patient_name: str, study_uid: str, study_description: str = "", study_date: str = "") -> int:
    """Return the item of a DICOM study below that of its patient; both are made where missing."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    # Slicer's DICOM import does the same where a header has no patient ID.
    patient_uid = patient_id or f"Patient-{study_uid}"
    patient = hierarchy.GetItemByUID("DICOM", patient_uid)
    if not patient:
        patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), f"{patient_name or 'No name'} ({patient_uid})")
        hierarchy.SetItemUID(patient, "DICOM", patient_uid)
        hierarchy.SetItemAttribute(patient, "DICOM.PatientID", patient_uid)
        hierarchy.SetItemAttribute(patient, "DICOM.PatientName", patient_name)
    study = hierarchy.GetItemByUID("DICOM", study_uid)
    if not study:
        name = f"{study_description or 'No study description'}{f' ({study_date})' if study_date else ''}"
        study = hierarchy.CreateStudyItem(patient, name)
        hierarchy.SetItemUID(study, "DICOM", study_uid)
        hierarchy.SetItemAttribute(study, "DICOM.StudyInstanceUID", study_uid)
        hierarchy.SetItemAttribute(study, "DICOM.StudyDescription", study_description)
        hierarchy.SetItemAttribute(study, "DICOM.StudyDate", study_date.replace("-", ""))
    return study


def add_folder(name: str, nodes=(), *, parent: int | None = None) -> int:
    """Make a folder below the item ``parent`` (the top where None), move ``nodes`` into it, and return its item."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID() if parent is None else parent, name)
    for node in nodes:
        hierarchy.SetItemParent(subject_hierarchy_item(node), folder)
    return folder


def place_beside(node, reference_node) -> None:
    """Move a node to where ``reference_node`` stands: same patient, same study, same folder."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    hierarchy.SetItemParent(subject_hierarchy_item(node), hierarchy.GetItemParent(subject_hierarchy_item(reference_node)))


def patient_of(node) -> str:
    """Return :func:`patient_id` of the patient that a node stands below; empty where there is none."""
    return patient_id(ancestor_of(node, "Patient"))


def patient_id(item: int) -> str:
    """Return the patient ID of a patient item, or of that which an item stands below; empty where there is none.

    A patient without a DICOM ID is called as the item is named now, ever after: measurements must find it again when it is renamed.
    """
    if not item:
        return ""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    patient = item if hierarchy.IsItemLevel(item, "Patient") else hierarchy.GetItemAncestorAtLevel(item, "Patient")
    if not patient:
        return ""
    if not (hierarchy.GetItemAttribute(patient, "DICOM.PatientID") or hierarchy.HasItemAttribute(patient, PATIENT_ID_ATTRIBUTE)):
        hierarchy.SetItemAttribute(patient, PATIENT_ID_ATTRIBUTE, escape(_unused_patient_id(hierarchy.GetItemName(patient))))
    return unescape(hierarchy.GetItemAttribute(patient, "DICOM.PatientID") or hierarchy.GetItemAttribute(patient, PATIENT_ID_ATTRIBUTE))


def _unused_patient_id(name: str) -> str:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    children = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), children, True)
    items = [children.GetId(n) for n in range(children.GetNumberOfIds())]
    taken = {unescape(hierarchy.GetItemAttribute(item, one)) for item in items for one in ("DICOM.PatientID", PATIENT_ID_ATTRIBUTE)}
    name = " ".join(name.split()) or "Patient"
    candidates = (f"{name} ({n})" if n > 1 else name for n in itertools.count(1))
    return next(one for one in candidates if one not in taken)


def study_date(node) -> str:
    """Return the date of the study that a node stands below, ISO 8601 where it is a whole date; empty where there is none."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    study = ancestor_of(node, "Study")
    digits = hierarchy.GetItemAttribute(study, "DICOM.StudyDate") if study else ""
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if len(digits) == 8 else digits


def patient_of_segmentation(segmentation_node) -> str:
    """Return the patient of a segmentation, or of the image that it was drawn on; empty where neither tells."""
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    reference_node = segmentation_node.GetNodeReference(role)
    return patient_of(segmentation_node) or (patient_of(reference_node) if reference_node is not None else "")


def require_one_patient(segmentation_node, image_node) -> None:
    """Raise InputError where outlines and an image are known to be of two patients."""
    of_outlines, of_image = patient_of_segmentation(segmentation_node), patient_of(image_node)
    if of_outlines and of_image and of_outlines != of_image:
        raise InputError(
            f"The outlines '{segmentation_node.GetName()}' are of patient {of_outlines}, '{image_node.GetName()}' is of patient "
            f"{of_image}; choose the outlines of that patient.",
        )


def series_uid(volume_node) -> str:
    """Return the DICOM series instance UID that a volume was loaded from (several joined by a comma), or an empty text."""
    stated = volume_node.GetAttribute("HCC.SeriesInstanceUID")
    if stated:
        return stated
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(volume_node)
    return hierarchy.GetItemUID(item, "DICOM") if item else ""


def source_uid(volume_node) -> str:
    """Return what tells a volume from every other one: its DICOM series UID, else the UID it was given here; empty if it has none."""
    return series_uid(volume_node) or volume_node.GetAttribute(SOURCE_UID_ATTRIBUTE) or ""


def ensure_source_uid(volume_node) -> str:
    """Return :func:`source_uid`; a volume without one gets a new one: names repeat from patient to patient, UIDs do not."""
    if not source_uid(volume_node):
        volume_node.SetAttribute(SOURCE_UID_ATTRIBUTE, new_uid())
    return source_uid(volume_node)


def new_uid() -> str:
    """Return a new UID: a random UUID as an OID below 2.25 (DICOM PS3.5, B.2)."""
    return f"2.25.{uuid.uuid4().int}"
