"""Where a node stands in the subject hierarchy, and which patient, study and series it belongs to.

The application gives every node an item by itself; outside it (slicer-core) nobody does, so items are made when missing.
UIDs and attributes are those that Slicer's own DICOM import sets.
"""

import slicer

__all__ = ["add_folder", "patient_of", "place_beside", "series_uid", "study_item", "subject_hierarchy_item"]


def subject_hierarchy_item(node) -> int:
    """Return the item of a node, made at the top level if it has none yet."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    return hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


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
    """Return the patient ID of the patient that a node stands below, or that item's name; empty where there is none."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    patient = hierarchy.GetItemAncestorAtLevel(subject_hierarchy_item(node), "Patient")
    if not patient:
        return ""
    return hierarchy.GetItemAttribute(patient, "DICOM.PatientID") or hierarchy.GetItemName(patient)


def series_uid(volume_node) -> str:
    """Return the DICOM series instance UID that a volume was loaded from (several joined by a comma), or an empty text."""
    stated = volume_node.GetAttribute("HCC.SeriesInstanceUID")
    if stated:
        return stated
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(volume_node)
    return hierarchy.GetItemUID(item, "DICOM") if item else ""
