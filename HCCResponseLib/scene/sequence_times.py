"""The times of images that another importer made a sequence or single volumes of, and a copy of them over seconds."""

import re
from collections.abc import Sequence

import numpy as np
import slicer

from ..errors import GeometryError, InputError
from .dynamic_series import INDEX_NAME, INDEX_UNIT, SECONDS, add_dynamic_series, dynamic_geometry, frame_times_s, shown_volume
from .flip_angles import flip_angle_deg, repetition_time_s, set_flip_angle_deg, set_repetition_time_s
from .volumes import volume_array, volume_geometry

__all__ = ["assembled", "copied_from", "copy_with_times", "image_times", "in_seconds", "originals_of", "study_of_series"]

_ORIGINAL = "HCC.Original"
"""Node references from a copy to the sequence or the volumes of the user."""

_TIME_TAGS = ("AcquisitionTime", "TriggerTime", "SeriesTime", "ContentTime", "Time")
"""What the MultiVolumeImporter tells images apart by; echo and repetition times, also in ms, are no times of images."""


_OTHER_TIMES = re.compile(r"echo|repetition|inversion|\bT[ERI]\b", re.IGNORECASE)
"""Index names of times that are none of images."""


def copy_with_times(sequence_node, time_s: Sequence[float], name: str = ""):
    """Copy a sequence into one over the given times, for a sequence whose own index is no time.

    :param time_s: seconds, ascending, one for each image.
    :param name: of the copy; that of the sequence with "(time in s)" where empty.
    :return: the new sequence node, below the same study; its role is DCE.
    :raises InputError: no sequence, images that are no scalar volumes, another number of times, or times that do not ascend.
    :raises GeometryError: the images do not lie on one grid.
    """
    geometry = dynamic_geometry(sequence_node)
    signals = np.stack([volume_array(sequence_node.GetNthDataNode(t)) for t in range(sequence_node.GetNumberOfDataNodes())], axis=-1)
    name = name or f"{sequence_node.GetName()} (time in s)"
    copy = add_dynamic_series(signals, time_s, geometry, name, study_item=study_of_series(sequence_node) or None)
    copy.SetNodeReferenceID(_ORIGINAL, sequence_node.GetID())
    # What a user may have entered for the original holds for the copy.
    set_flip_angle_deg(copy, flip_angle_deg(sequence_node))
    set_repetition_time_s(copy, repetition_time_s(sequence_node))
    transform = sequence_node.GetNthDataNode(0).GetTransformNodeID()
    shown = shown_volume(sequence_node)
    if shown is not None and (transform or shown.GetTransformNodeID()):
        shown_volume(copy).SetAndObserveTransformNodeID(shown.GetTransformNodeID() or transform)
    return copy


def assembled(volumes_by_time: dict, name: str, study_item: int | None):
    """Put single volumes together to a dynamic series, as a copy.

    :param volumes_by_time: seconds -> volume node.
    :raises InputError: fewer than two volumes.
    :raises GeometryError: they do not lie on one grid where their transforms place them, or a transform is not linear.
    """
    times = sorted(volumes_by_time)
    volumes = [volumes_by_time[seconds] for seconds in times]
    first = volumes[0]
    geometry = volume_geometry(first, world=True)
    for volume in volumes:
        if not volume_geometry(volume, world=True).matches(geometry):
            raise GeometryError(f"'{volume.GetName()}' and '{first.GetName()}' do not lie on one grid, so a voxel has no curve.")
    signals = np.stack([volume_array(volume) for volume in volumes], axis=-1)
    copy = add_dynamic_series(signals, times, volume_geometry(first), name, study_item=study_item)
    shown_volume(copy).SetAndObserveTransformNodeID(first.GetTransformNodeID())
    for volume in volumes:
        copy.AddNodeReferenceID(_ORIGINAL, volume.GetID())
    return copy


def image_times(recognition) -> dict[str, set[float]]:
    """Return the times of a dynamic series in seconds by SOP instance UID: one time for each, but for multi-frame files.

    :raises InputError: the headers do not tell them.
    """
    from ..dicom.recognition.time_parts import series_times

    found: dict[str, set[float]] = {}
    if len(recognition.series) == 1:
        series = recognition.series[0]
        times = series_times(series)
        if times.points is None:
            raise InputError(times.fault)
        for frame, t in zip(series.frames, times.points.index, strict=True):
            if t >= 0:
                found.setdefault(frame.sop_instance_uid, set()).add(float(times.points.time_s[t]))
        return found
    starts = [min((frame.acquired for frame in one.frames if frame.acquired is not None), default=None) for one in recognition.series]
    if None in starts or len(set(starts)) < len(starts):
        raise InputError(f"{recognition.series[0].label} and its following series: the headers do not tell their times one by one.")
    for one, start in zip(recognition.series, starts, strict=True):
        for uid in one.sop_instance_uids:
            found.setdefault(uid, set()).add((start - min(starts)).total_seconds())
    return found


def in_seconds(sequence, recognition) -> tuple:
    """Return a sequence whose index is the time in s, a copy where it is something else, and the times in words.

    :param recognition: the :class:`~HCCResponseLib.dicom.Recognition` of its headers; None where there are none.
    :raises InputError, GeometryError: as :func:`copy_with_times`; or nothing tells the times.
    """
    if (sequence.GetIndexName(), sequence.GetIndexUnit()) == (INDEX_NAME, INDEX_UNIT):
        # whoever made that index meant it
        times, source, result = frame_times_s(sequence, fewest=2), "index", sequence
        dynamic_geometry(sequence)
    else:
        times, source = _times(sequence, recognition)
        result = copy_with_times(sequence, times)
    return result, f"{len(times)} images in {times[-1]:.0f} s ({source})"


def _times(sequence, recognition) -> tuple[np.ndarray, str]:
    """Return the times of the images in seconds after the first, and where they are known from."""
    count = sequence.GetNumberOfDataNodes()
    if recognition is not None and len(recognition.series) == 1:
        from ..dicom.recognition.time_parts import series_times

        points = series_times(recognition.series[0]).points
        if points is not None and len(points.time_s) == count:
            return points.time_s, "DICOM header"
    if (sequence.GetIndexUnit() or "").strip().lower() in SECONDS and not _OTHER_TIMES.search(sequence.GetIndexName() or ""):
        return frame_times_s(sequence, fewest=2), "index"
    labels = [text for text in (sequence.GetAttribute("MultiVolume.FrameLabels") or "").split(",") if text.strip()]
    unit = (sequence.GetAttribute("MultiVolume.FrameIdentifyingDICOMTagUnits") or "").strip().lower()
    tag = sequence.GetAttribute("MultiVolume.FrameIdentifyingDICOMTagName") or ""
    if tag in _TIME_TAGS and unit in SECONDS and len(labels) == count:
        try:
            values = np.array([float(text) for text in labels]) * SECONDS[unit]
        except ValueError:
            values = np.zeros(0)
        if values.size == count:
            return values - values[0], f"{tag} of the MultiVolumeImporter"
    raise InputError(
        f"Sequence '{sequence.GetName()}': nothing tells the times of its {count} images; enter them, or import the DICOM folder.",
    )


def copied_from(original) -> str:
    """Return the sentence that explains a copy."""
    index = original.GetIndexName() or "frame number"
    return f" Copied from '{original.GetName()}', whose index is its {index}; that one is unchanged."


def originals_of(sequence_node) -> list:
    """Return what a sequence was copied from, a sequence or single volumes; [] where it is no copy."""
    found = [sequence_node.GetNthNodeReference(_ORIGINAL, n) for n in range(sequence_node.GetNumberOfNodeReferences(_ORIGINAL))]
    return [node for node in found if node is not None]


def study_of_series(node) -> int:
    """Return the study item of a node; of a sequence that of the volume that shows it, where itself has none."""
    shown = shown_volume(node) if node.IsA("vtkMRMLSequenceNode") else None
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    items = [hierarchy.GetItemByDataNode(one) for one in (node, shown) if one is not None]
    return next((study for item in items if item and (study := hierarchy.GetItemAncestorAtLevel(item, "Study"))), 0)
