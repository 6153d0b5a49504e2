"""A finished case as a scene for 3D Slicer. Needs the package slicer-core, which need not be there."""

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from ..progress import Progress, subrange
from ..response.case import Case
from ..response.quantities import find_quantity
from ..response.region_types import RegionType
from ..workflow.image_files import geometry_of_image, read_image
from ..workflow.label_maps import read_regions
from ..workflow.lesion_identities import part_uid
from ..workflow.lesion_steps import PARTS_FILE
from ..workflow.map_files import read_map
from ..workflow.run_case import CaseRun, ExaminationRun

__all__ = ["can_make_scenes", "save_case_scene"]

_PARTS = {"viable": RegionType.VIABLE, "necrotic": RegionType.NECROTIC, "haemorrhagic": RegionType.HAEMORRHAGIC}


def can_make_scenes() -> bool:
    """Whether slicer-core is installed."""
    return find_spec("slicer") is not None


def save_case_scene(job: CaseRun, case_folder: Path, path: Path, *, progress: Progress | None = None) -> bool:
    """Put a case into a new scene, save it, and open it again; what the scene held before is gone.

    :param job: what :func:`~..workflow.run_case.run_case` returned.
    :param path: ends with ``.mrb``.
    :return: whether the scene, opened again, has the patient, time points, lesions and measurements of the job. (Images are not
        compared: a scene has a volume where a case has a series, and the maps besides.)
    :raises HCCResponseError: the images cannot be read, or the scene cannot be written.
    :raises Cancelled: ``progress`` returned False.
    """
    from ..scene.standalone import ensure_scene

    ensure_scene()
    from ..scene.case import case_from_scene
    from ..scene.case_results import case_with_results
    from ..scene.scene_file import load_scene, save_scene

    study_of = {one.index: one.study_uid for one in job.case.time_points}
    results = {study_of[one.index]: _results(one) for one in job.examinations}
    case_with_results(job.case, case_folder, results, progress=subrange(progress, 0.0, 0.6))
    save_scene(path, subrange(progress, 0.6, 0.9))
    load_scene(path, subrange(progress, 0.9, 1.0))
    return _plain(case_from_scene()) == _plain(job.case)


def _plain(case: Case) -> dict:
    content = json.loads(replace(case, images=()).to_json())
    content["measurements"].sort(key=json.dumps)
    return content


def _results(one: ExaminationRun):
    from ..scene.case_results import FoundMap, FoundPart, FoundRegion, StudyResults

    parts = []
    step = one.steps.get("lesions")
    if step is not None and (step.folder / PARTS_FILE).exists():
        geometry = geometry_of_image(read_image(step.folder / PARTS_FILE))
        for region in read_regions(step.folder / PARTS_FILE, geometry):
            uid, _blank, part = region.name.rpartition(" ")
            parts.append(FoundPart(uid, part_uid(uid, _PARTS[part].value), _PARTS[part], region.mask, geometry))
    maps = []
    for step in one.steps.values():
        for entry in step.record.get("maps", ()):
            values, geometry = read_map(step.folder, entry)
            name = f"{find_quantity(entry['quantity']).label} {entry.get('input', '')}".strip()
            maps.append(FoundMap(name, entry["quantity"], values, geometry, entry["method"], entry["source_series"]))
    return StudyResults(
        lesions={uid: FoundRegion(outline.name, outline.mask, outline.geometry) for uid, outline in one.outlines.items()},
        references={kind: FoundRegion(outline.name, outline.mask, outline.geometry) for kind, outline in one.references.items()},
        parts=parts,
        maps=maps,
    )
