"""Pictures of every lesion at every examination of a patient, for the report."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ..errors import GeometryError, InputError
from ..progress import Progress, report_progress
from ..report.lesion_picture import LesionPicture, field_of_view_mm, lesion_picture, reference_window
from ..response.region_types import RegionType
from ..response.roles import Role
from .examination_volumes import array_on_grid_of
from .linked_segments import linked_segment, reference_segment
from .parameter_maps import map_quantity, map_values
from .proposals import proposal
from .segment_masks import segment_on_own_grid
from .segments import segment_mask
from .study_nodes import examinations_of_patient, image_of_study, lesions_of_study, nodes_of_study, segmentation_of_study
from .time_points import time_point
from .volumes import volume_array, volume_geometry

__all__ = ["case_pictures"]

_T1 = (Role.T1_FAT_SUPPRESSED, Role.NATIVE, Role.T1, Role.T1_IN_PHASE, Role.T1_OPPOSED_PHASE)
_T2 = (Role.T2_FAT_SUPPRESSED, Role.T2, Role.HASTE)
_AFTER_CONTRAST = (Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED)
_MAPS = ("ADC", "KTRANS")
_PARTS = {"viable": RegionType.VIABLE, "necrotic": RegionType.NECROTIC, "haemorrhagic": RegionType.HAEMORRHAGIC}


@dataclass(frozen=True)
class _Image:
    """What a picture is cut out of, on the grid of a node."""

    title: str
    node: object
    values: np.ndarray
    quantity: str = ""
    with_parts: bool = False
    signal: bool = False


def case_pictures(patient_item: int, *, progress: Progress | None = None) -> tuple[list[LesionPicture], list[str]]:
    """Return T1, T2, subtraction with viable and necrotic parts, ADC and Ktrans of every lesion at every time point.

    Outlines that are only proposed have no picture.

    :return: the pictures, all of a lesion with one field of view; and a sentence for each that could not be made.
    :raises Cancelled: ``progress`` returned False.
    """
    points = {study: point.index for study in examinations_of_patient(patient_item) if (point := time_point(study)) is not None}
    found = {study: _outlined(study) for study in points}
    fields = _fields_of_view(found)
    pictures, problems = [], []
    for done, (study, index) in enumerate(points.items()):
        node = segmentation_of_study(study)
        for image in _images(study, problems) if found[study] else ():
            for uid, segment_id in found[study].items():
                if uid not in fields:
                    continue
                try:
                    pictures.append(_picture(image, node, segment_id, uid, index, fields[uid]))
                except (InputError, GeometryError) as error:
                    problems.append(f"Picture {image.title} of time point {index}: {error}")
        report_progress(progress, (done + 1) / len(points))
    return pictures, problems


def _outlined(study: int) -> dict[str, str]:
    node = segmentation_of_study(study)
    return {uid: segment_id for uid, segment_id in lesions_of_study(study).items() if not proposal(node, segment_id)}


def _fields_of_view(found: dict[int, dict[str, str]]) -> dict[str, float]:
    outlines: dict[str, list] = {}
    for study, lesions in found.items():
        for uid, segment_id in lesions.items():
            with suppress(InputError, GeometryError):  # an empty outline has no extent
                outlines.setdefault(uid, []).append(segment_on_own_grid(segmentation_of_study(study), segment_id))
    fields = {}
    for uid, masks in outlines.items():
        with suppress(InputError):
            fields[uid] = field_of_view_mm(masks)
    return fields


def _images(study: int, problems: list[str]) -> Iterator[_Image]:
    for title, roles in (("T1", _T1), ("T2", _T2)):
        node = image_of_study(study, *roles)
        if node is not None:
            yield _Image(title, node, volume_array(node), signal=True)
    subtraction = _subtraction(study, problems)
    if subtraction is not None:
        yield subtraction
    for node in nodes_of_study(study, "vtkMRMLScalarVolumeNode"):
        quantity = map_quantity(node)
        if quantity is not None and quantity.key in _MAPS:
            try:
                yield _Image(quantity.label, node, map_values(node)[0], quantity=quantity.key)
            except (InputError, GeometryError) as error:
                problems.append(str(error))


def _subtraction(study: int, problems: list[str]) -> _Image | None:
    """The subtraction that the scanner made, else that of the best phase after contrast and the image before it."""
    made = image_of_study(study, Role.SUBTRACTION)
    if made is not None:
        return _Image("Subtraction", made, volume_array(made), with_parts=True)
    native, after = image_of_study(study, Role.NATIVE), image_of_study(study, *_AFTER_CONTRAST)
    if native is None or after is None:
        return None
    try:
        values = volume_array(after).astype(np.float32) - array_on_grid_of(native, after)
    except (InputError, GeometryError) as error:
        problems.append(f"Subtraction: {error}")
        return None
    return _Image("Subtraction", after, values, with_parts=True)


def _picture(image: _Image, node, segment_id: str, uid: str, index: int, field_mm: float) -> LesionPicture:
    parts = []
    if image.with_parts:
        for label, kind in _PARTS.items():
            part = linked_segment(node, uid, kind)
            with suppress(InputError):  # a part that is empty
                if part is not None:
                    parts.append((label, segment_mask(node, part, image.node)))
    window = None
    if image.signal:
        liver = reference_segment(node, uid, RegionType.LIVER_REFERENCE)
        with suppress(InputError):  # no reference region: the picture takes a window of its own
            if liver is not None:
                window = reference_window(image.values, segment_mask(node, liver, image.node))
    return lesion_picture(
        image.values,
        volume_geometry(image.node, world=True),
        segment_mask(node, segment_id, image.node),
        lesion_uid=uid,
        time_point=index,
        title=image.title,
        field_mm=field_mm,
        parts=parts,
        quantity=image.quantity,
        window=window,
    )
