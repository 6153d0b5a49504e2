"""The digital reference patient in the scene: examinations, time points and outlines, as after a day of work.

Its images go through real DICOM files and the same import as a patient's.
"""

import dataclasses
import json
import tempfile
from pathlib import Path

import numpy as np
import slicer

from ..progress import Progress, report_progress, subrange
from ..response.case import Lesion, LesionKind
from ..response.region_types import RegionType
from ..response.roles import Role
from .added_nodes import all_or_none
from .examination_import import import_examinations
from .lesion_attributes import set_lesion
from .outline_display import set_outline_display
from .segment_masks import add_segment, set_mask_on_grid, set_segment_mask
from .segment_types import set_segment_type
from .study_nodes import volumes_of_study
from .subject_hierarchy import subject_hierarchy_item
from .time_points import set_time_point, time_point

__all__ = ["load_sample_patient"]

_OUTLINED_ON = Role.T2_FAT_SUPPRESSED
_LESION_COLORS = ((240, 228, 66), (204, 121, 167), (0, 158, 115))
"""Yellow, purple and green of Okabe and Ito's palette: colour-blind readers tell them apart, and from red and blue of the references."""
_REFERENCES = {
    "liver": RegionType.LIVER_REFERENCE,
    "aorta": RegionType.AORTA,
    "portal vein": RegionType.PORTAL_VEIN,
    "muscle": RegionType.MUSCLE,
}
_REFERENCE_RADIUS_MM = 15.0
_FEWEST_PURE = 10
"""Voxels; the portal vein has fewer in coarse images."""
_MOST_TARGETS = 2
"""Of one organ, in RECIST 1.1 and mRECIST."""


def load_sample_patient(*, small: bool = False, folder=None, progress: Progress | None = None) -> int:
    """Generate the reference patient and put it into the scene; one that is there already is left as it is.

    :param small: coarse images, for tests.
    :param folder: where the DICOM files and their truth are kept, and read from when they are there already; where None, a temporary
        folder that is removed afterwards.
    :return: its patient item.
    :raises Cancelled: ``progress`` returned False; the scene is as it was.
    """
    from ..phantom.reference_patient import reference_patient, write_patient

    patient = reference_patient(small=small)
    present = slicer.mrmlScene.GetSubjectHierarchyNode().GetItemByUID("DICOM", patient.patient_id)
    if present:
        return present
    with tempfile.TemporaryDirectory() as temporary, all_or_none() as added:
        folder = Path(folder or temporary)
        truth = _truth_beside_files(folder, patient)
        if truth is None:
            # one file for each series is quicker than one for each slice
            written = write_patient(patient, folder, enhanced=True, progress=subrange(progress, 0.0, 0.7))
            truth = json.loads(written.truth.read_text(encoding="utf-8"))
        imported = import_examinations(folder, progress=subrange(progress, 0.7, 0.93))
        added += [*imported.volumes, *imported.sequences]
        targets = _targets(truth)
        by_uid = {one["study_uid"]: (n, one) for n, one in enumerate(truth["examinations"])}
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        for done, study in enumerate(imported.studies):
            n, known = by_uid[hierarchy.GetItemUID(study, "DICOM")]
            set_time_point(study, dataclasses.replace(time_point(study), treatment=known["treatment"]))
            added.append(_outline(study, patient.examinations[n], known, targets))
            report_progress(progress, 0.93 + 0.07 * (done + 1) / len(imported.studies))
    return imported.patients[0]


def _truth_beside_files(folder: Path, patient) -> dict | None:
    """Return the truth that was written with the DICOM files of a patient; None where they are not there, or of another patient."""
    from ..phantom.reference_patient import patient_truth

    try:
        truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    # the files add where they are
    known = json.loads(json.dumps(patient_truth(patient)))
    try:
        for own, written in zip(known["examinations"], truth["examinations"], strict=True):
            own |= {name: written[name] for name in ("folder", "study_uid")}
            for key, series in own["series"].items():
                series |= {name: written["series"][key][name] for name in ("folder", "series_uid")}
                if not any((folder / own["folder"] / series["folder"]).iterdir()):
                    return None
    except (KeyError, ValueError, OSError):
        return None
    return truth if truth == known else None


def _targets(truth: dict) -> set[str]:
    """Return the tracking UIDs of the lesions that are targets: the largest at baseline."""
    lesions = sorted(truth["examinations"][0]["lesions"], key=lambda one: -one["longest_diameter_mm"])
    return {one["tracking_uid"] for one in lesions[:_MOST_TARGETS]}


def _outline(study: int, examination, known: dict, targets: set[str]):
    """Add the segmentation of an examination: the true outlines of the lesions, and reference regions."""
    volume = volumes_of_study(study, _OUTLINED_ON)[0]
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"Outlines {examination.name}")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(node), study)
    masks = {one.name: one.mask for one in examination.outlines("anatomy")}
    for lesion, color in zip(known["lesions"], _LESION_COLORS, strict=True):
        segment_id = add_segment(node, lesion["identifier"])
        set_segment_type(node, segment_id, RegionType.HEPATOCELLULAR_CARCINOMA)
        kind = LesionKind.TARGET if lesion["tracking_uid"] in targets else LesionKind.NON_TARGET
        set_lesion(node, segment_id, Lesion(lesion["tracking_uid"], lesion["identifier"], kind, proven=True), site="liver")
        node.GetSegmentation().GetSegment(segment_id).SetColor(*(component / 255 for component in color))
        set_segment_mask(node, segment_id, masks[lesion["identifier"]], volume)
    geometry = examination.geometry("perfusion")
    # voxels of one tissue alone: what is measured in them is not mixed with what is beside
    pure = {one.name: one.mask for one in examination.outlines("perfusion", pure=True)}
    whole = {one.name: one.mask for one in examination.outlines("perfusion")}
    for name, region_type in _REFERENCES.items():
        mask = pure[name] if pure[name].sum() >= _FEWEST_PURE else whole[name]
        if region_type not in (RegionType.AORTA, RegionType.PORTAL_VEIN):
            mask = _middle_of(mask, geometry)
        segment_id = add_segment(node, region_type.title)
        set_segment_type(node, segment_id, region_type)
        set_mask_on_grid(node, segment_id, mask, geometry)
    set_outline_display(node)
    return node


def _middle_of(mask: np.ndarray, geometry) -> np.ndarray:
    """Return the part of a region within a ball around where it is thickest."""
    from scipy import ndimage

    spacing = geometry.spacing_mm[::-1]
    centre = np.unravel_index(np.argmax(ndimage.distance_transform_edt(np.pad(mask, 1), spacing)[1:-1, 1:-1, 1:-1]), mask.shape)
    far = sum(((index - middle) * step) ** 2 for index, middle, step in zip(np.indices(mask.shape), centre, spacing, strict=True))
    return mask & (far <= _REFERENCE_RADIUS_MM**2)
