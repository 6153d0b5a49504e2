"""A finished case as a scene for 3D Slicer: images, time points, outlines with their parts, maps and measurements."""

import json
from dataclasses import replace
from pathlib import Path

from ..progress import Progress, subrange
from ..response.quantities import find_quantity
from ..response.region_types import RegionType
from ..response.roles import Role
from ..workflow.image_files import geometry_of_image, read_image
from ..workflow.label_maps import read_regions
from ..workflow.lesion_identities import part_uid
from ..workflow.lesion_steps import PARTS_FILE
from ..workflow.map_files import read_map
from ..workflow.run_case import CaseRun

__all__ = ["gives_the_same_case", "save_case_scene"]

_PARTS = {"viable": RegionType.VIABLE, "necrotic": RegionType.NECROTIC, "haemorrhagic": RegionType.HAEMORRHAGIC}
_MAP_ROLES = {"ADC": Role.ADC, "T1": Role.T1_MAP}


def save_case_scene(job: CaseRun, case_folder: Path, path: Path, *, progress: Progress | None = None) -> Path:
    """Put a case into a new scene and save it. Needs the package slicer-core, or the application; its scene is emptied.

    :param job: what :func:`~..workflow.run_case.run_case` returned.
    :param path: ends with ``.mrb``.
    :raises HCCResponseError: the images cannot be read, or the scene cannot be written.
    :raises Cancelled: ``progress`` returned False.
    """
    from ..scene.standalone import ensure_scene

    ensure_scene()
    import slicer

    from ..scene.case import case_to_scene
    from ..scene.examination_import import import_examinations
    from ..scene.scene_file import save_scene
    from ..scene.study_nodes import segmentation_of_study

    slicer.mrmlScene.Clear(False)
    case_to_scene(job.case)
    import_examinations(case_folder, progress=subrange(progress, 0.0, 0.6))
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    studies = {one.index: hierarchy.GetItemByUID("DICOM", one.study_uid) for one in job.case.time_points}
    for one in job.examinations:
        study = studies[one.index]
        _add_outlines(segmentation_of_study(study, create=True), one)
        _add_maps(study, one)
    return save_scene(path, subrange(progress, 0.7, 1.0))


def gives_the_same_case(path: Path, job: CaseRun) -> bool:
    """Open a saved scene again, and tell whether patient, time points, lesions and measurements are those of the job.

    Images are not compared: a scene has a volume where a case has a series, and the maps besides.
    """
    import slicer

    from ..scene.case import case_from_scene
    from ..scene.scene_file import load_scene

    slicer.mrmlScene.Clear(False)
    load_scene(path)
    found, wanted = (json.loads(replace(case, images=()).to_json()) for case in (case_from_scene(), job.case))
    for content in (found, wanted):
        content["measurements"].sort(key=json.dumps)
    return found == wanted


def _add_outlines(segmentation_node, examination) -> None:
    """Masks of the lesions, whose segments the case made; their parts; the reference regions."""
    from ..scene.lesion_identity import LesionIdentity, segment_of_lesion, set_lesion_identity
    from ..scene.linked_segments import link_segment
    from ..scene.segment_masks import add_segment, set_mask_on_grid
    from ..scene.segment_types import set_segment_type

    for uid, outline in examination.outlines.items():
        set_mask_on_grid(segmentation_node, segment_of_lesion(segmentation_node, uid), outline.mask, outline.geometry)
    for region_type, outline in examination.references.items():
        segment_id = add_segment(segmentation_node, outline.name)
        set_segment_type(segmentation_node, segment_id, region_type)
        set_mask_on_grid(segmentation_node, segment_id, outline.mask, outline.geometry)
    step = examination.steps.get("lesions")
    if step is None or not (step.folder / PARTS_FILE).exists():
        return
    geometry = geometry_of_image(read_image(step.folder / PARTS_FILE))
    for region in read_regions(step.folder / PARTS_FILE, geometry):
        uid, _blank, part = region.name.rpartition(" ")
        if not region.mask.any():
            continue
        lesion_id = segment_of_lesion(segmentation_node, uid)
        name = segmentation_node.GetSegmentation().GetSegment(lesion_id).GetName()
        segment_id = add_segment(segmentation_node, f"{name}: {_PARTS[part].title.lower()}")
        set_mask_on_grid(segmentation_node, segment_id, region.mask, geometry)
        link_segment(segmentation_node, segment_id, lesion_id, _PARTS[part])
        # What was measured in the part stands under this identity in the table.
        identity = LesionIdentity(part_uid(uid, _PARTS[part].value), f"{name}: {_PARTS[part].title.lower()}")
        set_lesion_identity(segmentation_node, segment_id, identity)


def _add_maps(study: int, examination) -> None:
    import numpy as np
    import slicer

    from ..scene.parameter_maps import make_parameter_map
    from ..scene.subject_hierarchy import subject_hierarchy_item

    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    for step in examination.steps.values():
        for entry in step.record.get("maps", ()):
            values, geometry = read_map(step.folder, entry)
            quantity = find_quantity(entry["quantity"])
            name = f"{quantity.label} {entry.get('input', '')}".strip()
            node = make_parameter_map(
                values,
                np.isfinite(values),
                geometry,
                quantity,
                name,
                method=entry["method"],
                role=_MAP_ROLES.get(quantity.key),
            )
            node.SetAttribute("HCC.SourceSeries", entry["source_series"])
            hierarchy.SetItemParent(subject_hierarchy_item(node), study)
