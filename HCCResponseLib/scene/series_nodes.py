"""The nodes of a DICOM series that was recognised and read: volumes or a sequence, with all that is known of them."""

import numpy as np
import slicer

from ..response.roles import Role
from .acquisition import acquisition_facts, set_acquisition
from .b_values import b_value, set_b_value
from .diffusion_import import PHILIPS_PRIVATE, SCALING_ATTRIBUTE
from .display_window import set_display_window
from .dynamic_series import add_dynamic_series
from .flip_angles import flip_angle_deg, set_flip_angle_deg, set_told_by_header
from .roles import set_role
from .subject_hierarchy import add_folder, subject_hierarchy_item
from .volumes import add_volume

__all__ = [
    "CONFIDENCE_ATTRIBUTE",
    "PART_ATTRIBUTE",
    "SERIES_ATTRIBUTE",
    "add_reading",
    "nodes_of_series",
    "series_key",
    "volumes_expected",
]

SERIES_ATTRIBUTE = "HCC.SeriesInstanceUID"
PART_ATTRIBUTE = "HCC.SeriesPart"
CONFIDENCE_ATTRIBUTE = "HCC.RoleConfidence"
_SAME_VALUE = 0.025
"""Relative difference of b-values or flip angles that are one nominal value."""


def nodes_of_series(recognition) -> list:
    """Return the nodes that the series of a recognition were imported to before."""
    key = series_key(recognition.series)
    nodes = [*slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"), *slicer.util.getNodesByClass("vtkMRMLSequenceNode")]
    return [node for node in nodes if (node.GetAttribute(SERIES_ATTRIBUTE), node.GetAttribute(PART_ATTRIBUTE) or "") == key]


def volumes_expected(recognition) -> int:
    """Return how many volumes a set has at most; 1 for what is no set."""
    name = {Role.DWI: "b_value", Role.VFA: "flip_angle_deg"}.get(recognition.role)
    if name is None:
        return 1
    return len({getattr(frame, name) for one in recognition.series for frame in one.frames} - {None})


def series_key(series) -> tuple[str, str]:
    """Return what tells images by the DICOM series they come from: series UIDs, and the part of the series."""
    return ", ".join(dict.fromkeys(one.series_uid for one in series)), series[0].part if len(series) == 1 else ""


def add_reading(reading, study: int, added: list) -> list:
    """Put the images of a recognition into the scene, below their study.

    :param reading: a :class:`HCCResponseLib.dicom.Reading` with images.
    :param added: a list of nodes that grows as they are added, for :func:`.added_nodes.all_or_none`.
    :return: the nodes that were not there: volumes, or the one sequence.
    """
    images, recognition = reading.images, reading.recognition
    add = {Role.DWI: _add_diffusion, Role.VFA: _add_flip_angles, Role.DCE: _add_dynamic}.get(recognition.role, _add_image)
    nodes = add(images, recognition, study, added)
    series = recognition.series
    uids, part = series_key(series)
    for node in nodes:
        set_role(node, recognition.role, recognition.reason)
        node.SetAttribute(CONFIDENCE_ATTRIBUTE, str(recognition.confidence))
        node.SetAttribute(SERIES_ATTRIBUTE, uids)
        node.SetAttribute(PART_ATTRIBUTE, part or None)
        node.SetAttribute(SCALING_ATTRIBUTE, images.scaling)
        set_acquisition(node, seconds_after_injection=recognition.time_s)
    return nodes


def _add_image(images, recognition, study: int, added: list) -> list:
    series = images.series
    node = add_volume(images.array, images.geometry, _name([series], images.scaling))
    added.append(node)
    _place(node, study)
    normal = np.cross(*images.geometry.direction_lps.T[:2]) * np.sign(np.linalg.det(images.geometry.direction_lps))
    frames = sorted(series.frames, key=lambda frame: float(np.dot(normal, frame.position_lps)))
    # as Slicer's own DICOM import does, for its exports
    node.SetAttribute("DICOM.instanceUIDs", " ".join(dict.fromkeys(frame.sop_instance_uid for frame in frames)))
    _describe(node, [series], images, frames[len(frames) // 2])
    return [node]


def _add_diffusion(images, recognition, study: int, added: list) -> list:
    nodes, name = [], _name(images.series, images.scaling)
    known = [b_value(node) for node in nodes_of_series(recognition)]
    for n, b in enumerate(images.b_values):
        if any(one is not None and abs(one - b) <= _SAME_VALUE * b for one in known):
            continue
        node = _add_member(images, n, f"{name} b{b:g}", added)
        set_b_value(node, float(b))
        near = [frame for one in images.series for frame in one.frames if frame.b_value is not None]
        _describe(node, images.series, images, min(near, key=lambda frame: abs(frame.b_value - b), default=None))
        nodes.append(node)
    if nodes:
        add_folder(name, nodes, parent=study)
    return nodes


def _add_flip_angles(images, recognition, study: int, added: list) -> list:
    nodes = []
    frames = [(one, frame) for one in images.series for frame in one.frames]
    known = [flip_angle_deg(node) for node in nodes_of_series(recognition)]
    for n, angle in enumerate(images.flip_angles_deg):
        if any(one is not None and abs(one - angle) <= _SAME_VALUE * angle for one in known):
            continue
        series, frame = min(frames, key=lambda pair: abs((pair[1].flip_angle_deg or 0.0) - angle))
        name = _name([series], images.scaling)
        node = _add_member(images, n, name if len(images.series) > 1 else f"{name} {angle:g}°", added)
        _describe(node, [series], images, frame)
        set_flip_angle_deg(node, float(angle))
        nodes.append(node)
    angles = ", ".join(f"{angle:g}" for angle in images.flip_angles_deg)
    if nodes:
        add_folder(f"Flip angles {angles}°", nodes, parent=study)
    return nodes


def _add_member(images, n: int, name: str, added: list):
    node = add_volume(np.ascontiguousarray(images.signals[..., n]), images.geometry, name)
    added.append(node)
    return node


def _add_dynamic(images, recognition, study: int, added: list) -> list:
    frames = images.series[0].frames
    frame = frames[len(frames) // 2] if images.scaling != PHILIPS_PRIVATE else None
    name = _name(images.series[:1], images.scaling)
    node = add_dynamic_series(images.signals, images.time_s, images.geometry, name, study_item=study, frame=frame)
    added.append(node)
    _describe(node, images.series, images, None)
    set_acquisition(node, injection_s=images.injection_s, acquired=images.start)
    return [node]


def _describe(node, series, images, frame) -> None:
    """Write down how the images were acquired; ``frame`` is one that is like the others."""
    first = frame or series[0].frames[0]
    if not node.IsA("vtkMRMLSequenceNode"):
        set_display_window(node, frame if images.scaling != PHILIPS_PRIVATE else None)
    set_told_by_header(node, first.flip_angle_deg, first.repetition_time_s)
    set_acquisition(node, **acquisition_facts(series, [one for each in series for one in each.frames]))


def _place(node, study: int) -> None:
    slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(node), study)


def _name(series, scaling: str) -> str:
    one = series[0]
    name = one.description or one.protocol or one.label
    name = f"{name} ({one.part})" if one.part else name
    return f"{name} (Philips scaling)" if scaling == PHILIPS_PRIVATE else name
