"""The images of an examination as a case has them: volumes and sequences of the scene, and images known without their voxels."""

import dataclasses
import math
from collections.abc import Iterable

from ..errors import InputError
from ..response.case import Image
from .acquisition import slice_thickness_mm
from .dynamic_series import sequence_shown_by
from .item_content import item_content, set_item_content
from .roles import role
from .study_nodes import volumes_of_study
from .subject_hierarchy import source_uid

__all__ = ["images_of_study", "keep_images"]

_IMAGES = "HCC.Images"


def images_of_study(study_item: int, index: int, notes: list[str]) -> list[Image]:
    """Return the image series of a study, then what is only known of.

    Volumes of one series and role (the b-values of a diffusion series) are one image with the name of the first. What was kept
    by :func:`keep_images` is left out where a volume of the same series is there now.

    :param index: of the examination.
    :param notes: get a sentence for what is damaged and passed over.
    """
    series: dict[tuple, list] = {}
    for node in volumes_of_study(study_item):
        if _is_image(node):
            uid = source_uid(node)
            series.setdefault((uid, role(node)) if uid else node.GetID(), []).append(node)
    images = []
    for nodes in series.values():
        first, thickness = nodes[0], slice_thickness_mm(nodes[0])
        name = first.GetName() or ""
        images.append(Image(index, role(first), source_uid(first), name, thickness if thickness and 0 < thickness < math.inf else None))
    loaded = {one.series_uid for one in images} - {""}
    for content in item_content(study_item, _IMAGES, notes):
        try:
            image = Image(index, **content)
        except (TypeError, InputError) as error:
            notes.append(f"An image kept at a study of time point {index} is damaged and left out ({error}).")
            continue
        if image.series_uid not in loaded:
            images.append(image)
    return images


def keep_images(study_item: int, images: Iterable[Image]) -> None:
    """Keep images of which there are no voxels at their study, in place of those kept before."""
    fields = [dataclasses.asdict(one) for one in images]
    set_item_content(study_item, _IMAGES, [{name: value for name, value in one.items() if name != "time_point"} for one in fields])


def _is_image(node) -> bool:
    # Outside the application the hierarchy still has what was removed from the scene.
    if node.GetScene() is None or node.IsA("vtkMRMLLabelMapVolumeNode"):
        return False
    if sequence_shown_by(node) is not None:
        return False
    return role(node) is not None or not node.GetAttribute("HCC.Quantity")
