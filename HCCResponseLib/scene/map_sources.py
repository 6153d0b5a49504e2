"""Images of an examination that maps are computed from: diffusion series, volumes with different flip angles, dynamic series.

An examination is a study item; 0 stands for images that belong to none.
"""

import slicer

from ..errors import InputError
from ..response.roles import Role
from .diffusion_groups import DiffusionGroup, diffusion_groups
from .dynamic_series import sequence_shown_by
from .flip_angles import flip_angle_deg
from .parameter_maps import map_quantity
from .roles import role
from .time_points import study_of, time_point

__all__ = ["diffusion_series", "dynamic_series", "flip_angle_volumes", "is_time_point", "other_volumes"]


def diffusion_series(study_item: int) -> list[DiffusionGroup]:
    """Return the diffusion series of an examination, then those of studies that are no time point of anybody's course."""
    groups = diffusion_groups()
    own = [group for group in groups if study_of(group.volumes[0]) == study_item]
    return own + [group for group in groups if group not in own and not is_time_point(study_of(group.volumes[0]))]


def flip_angle_volumes(study_item: int) -> list:
    """Return the volumes of an examination with the role of a flip angle series, or with a flip angle and no other role; by angle."""
    found = [node for node in _images(study_item) if role(node) is Role.VFA or (role(node) is None and flip_angle_deg(node) is not None)]
    return sorted(found, key=lambda node: flip_angle_deg(node) or 0.0)


def other_volumes(study_item: int) -> list:
    """Return the volumes of an examination that could be of a flip angle series: no role, no flip angle yet."""
    return [node for node in _images(study_item) if role(node) is None and flip_angle_deg(node) is None]


def dynamic_series(study_item: int) -> list:
    """Return the dynamic series of an examination: image sequences with their role, or with no role."""
    sequences = [node for node in slicer.util.getNodesByClass("vtkMRMLSequenceNode") if study_of(node) == study_item]
    found = [node for node in sequences if role(node) in (Role.DCE, None) and _holds_images(node)]
    return sorted(found, key=lambda node: role(node) is not Role.DCE)


def is_time_point(study_item: int) -> bool:
    """Tell whether a study is a time point of a course of treatment; one whose attributes are damaged is."""
    try:
        return bool(study_item) and time_point(study_item) is not None
    except InputError:
        return True


def _images(study_item: int) -> list:
    """Return the plain volumes below a study, or below none: neither maps nor what shows a sequence."""
    volumes = [one for one in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if one.GetClassName() == "vtkMRMLScalarVolumeNode"]
    return [
        node
        for node in volumes
        if study_of(node) == study_item
        and map_quantity(node) is None
        and not node.GetHideFromEditors()
        and sequence_shown_by(node) is None
    ]


def _holds_images(sequence_node) -> bool:
    first = sequence_node.GetNthDataNode(0) if sequence_node.GetNumberOfDataNodes() else None
    return first is not None and first.IsA("vtkMRMLScalarVolumeNode")
