"""What belongs to an examination: its images by role, and the one segmentation with its outlines."""

import slicer
import vtk

from ..errors import InputError
from ..response.case import Lesion
from ..response.roles import Role
from .acquisition import seconds_after_injection
from .dynamic_series import sequence_shown_by
from .lesion_attributes import lesion_of, lesion_segments
from .roles import role
from .segment_masks import reference_volume
from .subject_hierarchy import subject_hierarchy_item
from .time_points import studies, time_point

__all__ = [
    "ANATOMY",
    "examination_title",
    "examinations_of_patient",
    "image_of_study",
    "image_title",
    "lesions_of_patient",
    "lesions_of_study",
    "nodes_of_study",
    "outlined_on",
    "segmentation_of_study",
    "volumes_of_study",
]

PHASES = (Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED, Role.HEPATOBILIARY)
ANATOMY = (
    Role.ARTERIAL,
    Role.PORTAL_VENOUS,
    Role.NATIVE,
    Role.T1_FAT_SUPPRESSED,
    Role.T2_FAT_SUPPRESSED,
    Role.T2,
    Role.T1,
    Role.T1_IN_PHASE,
    Role.HASTE,
    Role.DELAYED,
    Role.HEPATOBILIARY,
)
"""Images that outlines are drawn on, the best suited first."""


def examinations_of_patient(patient_item: int) -> list[int]:
    """Return the study items of a patient in the order of treatment; those that are no time point yet come last."""
    return sorted(studies(patient_item), key=lambda item: (_index(item), item))


def examination_title(study_item: int, *, date: bool = True) -> str:
    """Return what to call an examination: "Baseline · 2026-01-05", "Week 4 · 2026-02-02", "Time point 2"; its name where it is none yet.

    :param date: whether the date is part of it; a blinded reader must not see it.
    """
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    try:
        point = time_point(study_item)
    except InputError:  # a damaged attribute: the panel of the case tells
        point = None
    if point is None:
        return hierarchy.GetItemName(study_item)
    if point.index == 0:
        title = "Baseline"
    elif point.weeks_from_baseline is not None:
        title = f"Week {point.weeks_from_baseline:.1f}".removesuffix(".0")
    else:
        title = f"Time point {point.index}"
    return f"{title} · {point.date}" if date and point.date else title


def nodes_of_study(study_item: int, class_name: str) -> list:
    """Return the nodes of a class below a study, folders included, in the order of the tree."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    items = vtk.vtkIdList()
    hierarchy.GetItemChildren(study_item, items, True)
    nodes = [hierarchy.GetItemDataNode(items.GetId(n)) for n in range(items.GetNumberOfIds())]
    return [node for node in nodes if node is not None and node.IsA(class_name)]


def volumes_of_study(study_item: int, *roles: Role) -> list:
    """Return the volumes and image sequences of a study; neither label maps nor the volumes that only show an image of a sequence.

    :param roles: only these, in this order; without any all of them, in the order of the tree.
    """
    volumes = [one for one in nodes_of_study(study_item, "vtkMRMLScalarVolumeNode") if not one.IsA("vtkMRMLLabelMapVolumeNode")]
    volumes = [one for one in volumes if sequence_shown_by(one) is None]
    nodes = [*volumes, *nodes_of_study(study_item, "vtkMRMLSequenceNode")]
    if not roles:
        return nodes
    return [node for wanted in roles for node in nodes if role(node) == wanted]


def image_of_study(study_item: int, *roles: Role):
    """Return the image of a study with the first of these roles that it has; None where it has none.

    Of several phases of one role that is taken which was acquired nearest to the usual time after the injection, of several native
    images the last before it; where no times are known, the first of the tree.
    """
    for wanted in roles:
        found = volumes_of_study(study_item, wanted)
        if found:
            return min(found, key=lambda node: _away(node, wanted))
    return None


def image_title(node) -> str:
    """Return what to call an image: "Arterial phase · t1_vibe_30s"; its name alone where nobody said what it shows."""
    known = role(node)
    return f"{known.title} · {node.GetName()}" if known else node.GetName()


def segmentation_of_study(study_item: int, *, create: bool = False):
    """Return the segmentation with the outlines of an examination; None where there is none.

    :param create: make one on the image that is best suited for outlines (see :data:`ANATOMY`).
    :raises InputError: there is no such image to make one on.
    """
    nodes = nodes_of_study(study_item, "vtkMRMLSegmentationNode")
    node = next((one for one in nodes if lesion_segments(one)), next(iter(nodes), None))
    if node is not None or not create:
        return node
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    image = image_of_study(study_item, *ANATOMY) or next(iter(nodes_of_study(study_item, "vtkMRMLScalarVolumeNode")), None)
    if image is None:
        raise InputError(f"The examination '{hierarchy.GetItemName(study_item)}' has no image to outline lesions on; import one first.")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Outlines")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(image)
    hierarchy.SetItemParent(subject_hierarchy_item(node), study_item)
    return node


def lesions_of_study(study_item: int) -> dict[str, str]:
    """Return the lesions outlined in an examination: tracking UID -> segment ID, in the order of the segments."""
    node = segmentation_of_study(study_item)
    found = {}
    for segment_id in lesion_segments(node) if node is not None else ():
        lesion = lesion_of(node, segment_id)
        if lesion is not None:
            found.setdefault(lesion.uid, segment_id)
    return found


def lesions_of_patient(patient_item: int) -> dict[str, Lesion]:
    """Return every lesion of a patient by tracking UID, in the order in which the examinations show them first."""
    found: dict[str, Lesion] = {}
    for study in examinations_of_patient(patient_item):
        node = segmentation_of_study(study)
        for uid, segment_id in lesions_of_study(study).items():
            found.setdefault(uid, lesion_of(node, segment_id))
    return found


def _away(node, wanted: Role) -> float:
    """How far an image is from the usual time of its phase, s; after all others where its time is not known."""
    time_s = seconds_after_injection(node)
    if time_s is None:
        return float("inf")
    if wanted is Role.NATIVE:
        return -time_s
    from ..dicom.examination.phases import usual_time_s  # brings pydicom along

    return abs(time_s - usual_time_s(wanted)) if wanted in PHASES else 0.0


def _index(study_item: int) -> float:
    try:
        point = time_point(study_item)
    except InputError:
        point = None
    return float("inf") if point is None else point.index


def outlined_on(study_item: int):
    """Return the image that the outlines of an examination were drawn on; None where there is none."""
    node = segmentation_of_study(study_item)
    return None if node is None else reference_volume(node)
