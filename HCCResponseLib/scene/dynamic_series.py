"""A dynamic series in the scene: a sequence node of volumes over the time in seconds, and what shows it in the views.

The sequence has the index ``time`` in ``s``, counted from its first image. Its role and everything else known of the series are
attributes of the sequence node. A sequence browser shows one image after the other in a proxy volume, which has no role:
computations read the sequence, wherever the browser stands.
"""

import hashlib

import numpy as np
import slicer

from ..errors import GeometryError, InputError
from ..geometry import Geometry
from ..response.roles import Role
from .added_nodes import all_or_none
from .display_window import set_display_window
from .escaped_text import safe_node_name
from .roles import set_role
from .subject_hierarchy import subject_hierarchy_item
from .volumes import add_volume, update_volume, volume_array, volume_geometry

__all__ = [
    "add_dynamic_series",
    "browser_of",
    "dynamic_geometry",
    "dynamic_signals",
    "frame_times_s",
    "sequence_shown_by",
    "shown_volume",
    "times_fingerprint",
]

INDEX_NAME, INDEX_UNIT = "time", "s"
SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "min": 60.0, "minute": 60.0, "minutes": 60.0}
"""What the units of an index are in seconds."""


def add_dynamic_series(signals, time_s, geometry: Geometry, name: str, *, study_item: int | None = None, frame=None):
    """Put a dynamic series into the scene; its role is DCE.

    :param signals: (k, j, i, t), any real type; float32 stays float32.
    :param time_s: seconds, ascending, one for each image; those of the first image are taken off.
    :param study_item: what it stands below; the top of the tree where None.
    :param frame: a :class:`~HCCResponseLib.dicom.Frame` that tells the display window.
    :return: the sequence node; :func:`shown_volume` is what the views show of it.
    :raises InputError: the number of images is not that of the times, fewer than two, times not ascending, or an image's shape is
        not that of the geometry; the scene is as it was.
    """
    signals, times = np.asarray(signals), np.asarray(time_s, dtype=float)
    if signals.ndim != 4 or times.shape != signals.shape[3:]:
        raise InputError(f"'{name}': images of shape {signals.shape} do not fit {times.size} times.")
    _check_times(times, name, fewest=2)
    with all_or_none() as added:
        frame_node = add_volume(np.ascontiguousarray(signals[..., 0]), geometry, name)
        added.append(frame_node)
        sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", safe_node_name(name))
        added.append(sequence)
        sequence.SetIndexName(INDEX_NAME)
        sequence.SetIndexUnit(INDEX_UNIT)
        sequence.SetIndexType(sequence.NumericIndex)
        for t, seconds in enumerate(times - times[0]):
            if t:
                update_volume(frame_node, np.ascontiguousarray(signals[..., t]))
            sequence.SetDataNodeAtValue(frame_node, f"{seconds:.9g}")
        update_volume(frame_node, np.ascontiguousarray(signals[..., 0]))
        set_display_window(frame_node, frame)
        set_role(sequence, Role.DCE)
        browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", safe_node_name(f"{name} browser"))
        # the volume that the images were copied from shows them from now on
        browser.AddProxyNode(frame_node, sequence, False)
        browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
        browser.SetSelectedItemNumber(0)
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        if study_item is not None:
            for node in (sequence, frame_node):
                hierarchy.SetItemParent(subject_hierarchy_item(node), study_item)
    return sequence


def dynamic_signals(sequence_node, *, fewest: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Read a dynamic series, without touching what the views show.

    :param fewest: images it must have.
    :return: signals (k, j, i, t), float32, with t contiguous; and seconds after the first image (t,), float64.
    :raises InputError: no sequence, fewer than ``fewest`` images, images that are no scalar volumes, or times that are not ascending
        numbers in s, ms or min.
    :raises GeometryError: the images do not lie on one grid.
    """
    times = frame_times_s(sequence_node, fewest=fewest)
    geometry = dynamic_geometry(sequence_node)
    signals = np.empty((*geometry.shape, len(times)), dtype=np.float32)
    for t in range(len(times)):
        signals[..., t] = volume_array(sequence_node.GetNthDataNode(t))
    return signals, times


def dynamic_geometry(sequence_node) -> Geometry:
    """Return the grid of all images of a sequence, in its own coordinates.

    :raises InputError: no sequence, it is empty, or an image is no scalar volume.
    :raises GeometryError: the images do not lie on one grid.
    """
    name = _require_sequence(sequence_node)
    first = None
    for t in range(sequence_node.GetNumberOfDataNodes()):
        node = sequence_node.GetNthDataNode(t)
        if not node.IsA("vtkMRMLScalarVolumeNode"):
            raise InputError(f"Sequence '{name}': item {t + 1} is no image with one value per voxel; choose a series of images.")
        geometry = volume_geometry(node)
        first = first or geometry
        if not geometry.matches(first):
            raise GeometryError(
                f"Sequence '{name}': image {t + 1} lies on another grid than the first, so a voxel has no curve. "
                "Leave that image out, or resample the images onto one grid.",
            )
    if first is None:
        raise InputError(f"Sequence '{name}' holds no images; load the series again.")
    return first


def frame_times_s(sequence_node, *, fewest: int = 1) -> np.ndarray:
    """Return the times of the images of a sequence in seconds after the first, float64 (t,).

    :raises InputError: as :func:`dynamic_signals`.
    """
    name = _require_sequence(sequence_node)
    unit = (sequence_node.GetIndexUnit() or "").strip()
    if unit.lower() not in SECONDS:
        told = f"the unit '{unit}'" if unit else "no unit"
        index = sequence_node.GetIndexName() or "index"
        raise InputError(f"Sequence '{name}': its {index} has {told}; times in s, ms or min are needed. Enter the times of the images.")
    texts = [sequence_node.GetNthIndexValue(t) for t in range(sequence_node.GetNumberOfDataNodes())]
    try:
        values = np.array([float(text) for text in texts])
    except ValueError:
        wrong = next(text for text in texts if not _is_number(text))
        raise InputError(f"Sequence '{name}': '{wrong}' is not a time; enter the times of the images.") from None
    times = values * SECONDS[unit.lower()]
    _check_times(times, name, fewest=fewest)
    return times - times[0]


def times_fingerprint(sequence_node) -> str:
    """Return what changes when the times of the images do; empty where it has no times."""
    try:
        times = frame_times_s(sequence_node)
    except InputError:
        return ""
    return hashlib.blake2b(times.tobytes(), digest_size=8).hexdigest()


def browser_of(sequence_node):
    """Return the sequence browser that shows a sequence; None where there is none."""
    browsers = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
    return next((one for one in browsers if one.IsSynchronizedSequenceNode(sequence_node, True)), None)


def shown_volume(sequence_node):
    """Return the volume in which the views show a sequence (its browser's proxy); None where there is none."""
    browser = browser_of(sequence_node)
    return None if browser is None else browser.GetProxyNode(sequence_node)


def sequence_shown_by(volume_node):
    """Return the sequence whose images a volume shows; None where the volume is one by itself."""
    for browser in slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode"):
        sequence = browser.GetSequenceNode(volume_node)
        if sequence is not None:
            return sequence
    return None


def _require_sequence(sequence_node) -> str:
    if sequence_node is None or not sequence_node.IsA("vtkMRMLSequenceNode"):
        raise InputError("No dynamic series was chosen.")
    return sequence_node.GetName()


def _check_times(times: np.ndarray, name: str, *, fewest: int) -> None:
    if times.size < fewest:
        raise InputError(f"Series '{name}' has {times.size} images; {fewest} or more are needed.")
    if not np.isfinite(times).all():
        raise InputError(f"Series '{name}': the time of image {int(np.flatnonzero(~np.isfinite(times))[0]) + 1} is not a number; enter it.")
    wrong = np.flatnonzero(np.diff(times) <= 0)
    if wrong.size:
        n = int(wrong[0])
        raise InputError(
            f"Series '{name}': image {n + 2} at {times[n + 1]:g} s is not later than the one before it at {times[n]:g} s; "
            "correct the times.",
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
