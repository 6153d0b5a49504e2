"""Which patient, examination and lesion all panels work with: one selection, kept in the scene.

Kept as UIDs, so that it survives renaming, saving and loading. Patients and studies without a DICOM UID get one of ours.
"""

import slicer

from .study_nodes import examinations_of_patient
from .subject_hierarchy import new_uid
from .time_points import patients

__all__ = [
    "item_uid",
    "select_lesion",
    "select_patient",
    "select_study",
    "selected_lesion",
    "selected_patient",
    "selected_study",
    "selection_node",
]

_TAG = "HCCResponseSelection"
_PATIENT, _STUDY, _LESION = "Patient", "Study", "Lesion"


def selection_node():
    """Return the node that holds the selection, made if missing; it is modified when the selection changes."""
    node = slicer.mrmlScene.GetSingletonNode(_TAG, "vtkMRMLScriptedModuleNode")
    if node is None:
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        node.SetSingletonTag(_TAG)
        node.SetName("HCCResponse selection")
        node.SetHideFromEditors(True)
        node = slicer.mrmlScene.AddNode(node)
    return node


def selected_patient() -> int:
    """Return the item of the selected patient: the first of the scene where none is selected or it is gone; 0 without patients."""
    known = patients()
    item = _item(_PATIENT)
    return item if item in known else next(iter(known), 0)


def selected_study() -> int:
    """Return the item of the selected examination: the earliest of the patient where none is selected or it is gone; 0 without any."""
    patient = selected_patient()
    known = examinations_of_patient(patient) if patient else []
    item = _item(_STUDY)
    return item if item in known else next(iter(known), 0)


def selected_lesion() -> str:
    """Return the tracking UID of the selected lesion; empty where none is."""
    return selection_node().GetParameter(_LESION) or ""


def select_patient(patient_item: int) -> None:
    """Work with a patient; examination and lesion of another one are no longer selected."""
    if patient_item == selected_patient() and _item(_PATIENT):
        return
    _set({_PATIENT: item_uid(patient_item), _STUDY: "", _LESION: ""})


def select_study(study_item: int) -> None:
    """Work with an examination, and with its patient."""
    patient = slicer.mrmlScene.GetSubjectHierarchyNode().GetItemParent(study_item)
    other = patient != selected_patient()
    _set({_PATIENT: item_uid(patient), _STUDY: item_uid(study_item)} | ({_LESION: ""} if other else {}))


def select_lesion(lesion_uid: str) -> None:
    """Work with a lesion, told by its tracking UID; with none where that is empty."""
    _set({_LESION: lesion_uid})


def _set(values: dict[str, str]) -> None:
    """Change the selection with one event, and with none where it is the same."""
    node = selection_node()
    if any((node.GetParameter(name) or "") != value for name, value in values.items()):
        with slicer.util.NodeModify(node):
            for name, value in values.items():
                node.SetParameter(name, value)


def item_uid(item: int) -> str:
    """Return a UID that tells a patient or an examination, however it is numbered, as ``kind:value``; made where it has none."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    for kind in ("DICOM", "HCC"):
        if hierarchy.GetItemUID(item, kind):
            return f"{kind}:{hierarchy.GetItemUID(item, kind)}"
    hierarchy.SetItemUID(item, "HCC", new_uid())
    return f"HCC:{hierarchy.GetItemUID(item, 'HCC')}"


def _item(name: str) -> int:
    """Return the item whose UID is kept under a name; 0 where there is none."""
    kind, _colon, uid = (selection_node().GetParameter(name) or "").partition(":")
    return slicer.mrmlScene.GetSubjectHierarchyNode().GetItemByUID(kind, uid) if uid else 0
