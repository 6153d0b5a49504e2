"""A case with everything that was found outside the application, as a new scene: images, outlines with their parts, maps, measurements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import slicer

from ..geometry import Geometry
from ..progress import Progress
from ..response.case import Case
from ..response.quantities import find_quantity
from ..response.region_types import RegionType
from ..response.roles import Role
from .case import case_to_scene
from .examination_import import import_examinations
from .lesion_identity import LesionIdentity, segment_of_lesion, set_lesion_identity
from .linked_segments import link_segment
from .parameter_maps import make_parameter_map
from .outline_display import set_outline_display
from .segment_masks import add_segment, set_mask_on_grid
from .segment_types import set_segment_type
from .study_nodes import segmentation_of_study
from .subject_hierarchy import subject_hierarchy_item

__all__ = ["FoundMap", "FoundPart", "FoundRegion", "StudyResults", "case_with_results"]

_MAP_ROLES = {"ADC": Role.ADC, "T1": Role.T1_MAP}


@dataclass(frozen=True, eq=False)
class FoundRegion:
    """A mask (k, j, i) on its grid."""

    name: str
    mask: np.ndarray
    geometry: Geometry


@dataclass(frozen=True, eq=False)
class FoundPart:
    """A part of a lesion; ``uid``: what its measurements stand under."""

    lesion_uid: str
    uid: str
    region_type: RegionType
    mask: np.ndarray
    geometry: Geometry


@dataclass(frozen=True, eq=False)
class FoundMap:
    """A map: values (k, j, i) in the canonical unit of the quantity, NaN where there is none."""

    name: str
    quantity: str
    values: np.ndarray
    geometry: Geometry
    method: str
    source_series: str


@dataclass(frozen=True, eq=False)
class StudyResults:
    """What was found in one examination.

    :param lesions: by tracking UID.
    :param references: by type.
    """

    lesions: Mapping[str, FoundRegion] = field(default_factory=dict)
    references: Mapping[RegionType, FoundRegion] = field(default_factory=dict)
    parts: Sequence[FoundPart] = ()
    maps: Sequence[FoundMap] = ()


def case_with_results(case: Case, dicom_folder: Path, results: Mapping[str, StudyResults], *, progress: Progress | None = None) -> int:
    """Empty the scene and put a case into it; return the patient's item.

    :param results: by study UID.
    :raises HCCResponseError: the images cannot be read, or the case cannot be.
    :raises Cancelled: ``progress`` returned False.
    """
    slicer.mrmlScene.Clear(False)
    patient_item = case_to_scene(case)
    import_examinations(dicom_folder, progress=progress)
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    for study_uid, found in results.items():
        study = hierarchy.GetItemByUID("DICOM", study_uid)
        if found.lesions or found.references:
            _add_outlines(segmentation_of_study(study, create=True), found)
        for one in found.maps:
            hierarchy.SetItemParent(subject_hierarchy_item(_map_node(one)), study)
    return patient_item


def _add_outlines(segmentation_node, found: StudyResults) -> None:
    """Fill the lesions' segments, which the case made, and add reference regions and parts."""
    for uid, one in found.lesions.items():
        segment_id = segment_of_lesion(segmentation_node, uid)
        if segment_id is not None:
            set_mask_on_grid(segmentation_node, segment_id, one.mask, one.geometry)
    for region_type, one in found.references.items():
        segment_id = add_segment(segmentation_node, one.name)
        set_segment_type(segmentation_node, segment_id, region_type)
        set_mask_on_grid(segmentation_node, segment_id, one.mask, one.geometry)
    for part in found.parts:
        lesion_id = segment_of_lesion(segmentation_node, part.lesion_uid)
        if lesion_id is None or not part.mask.any():
            continue
        name = segmentation_node.GetSegmentation().GetSegment(lesion_id).GetName()
        name = f"{name}: {part.region_type.title.lower()}"
        segment_id = add_segment(segmentation_node, name)
        set_mask_on_grid(segmentation_node, segment_id, part.mask, part.geometry)
        link_segment(segmentation_node, segment_id, lesion_id, part.region_type)
        set_lesion_identity(segmentation_node, segment_id, LesionIdentity(part.uid, name))
    set_outline_display(segmentation_node)


def _map_node(one: FoundMap):
    quantity = find_quantity(one.quantity)
    usable = np.isfinite(one.values)
    node = make_parameter_map(one.values, usable, one.geometry, quantity, one.name, method=one.method, role=_MAP_ROLES.get(quantity.key))
    node.SetAttribute("HCC.SourceSeries", one.source_series)
    return node
