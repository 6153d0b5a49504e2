"""Outlines from DICOM segmentation objects (PS3.3 A.51), binary or fractional."""

from pathlib import Path

import numpy as np
import pydicom

from ..errors import InputError
from ..geometry import Geometry
from .outline import Outline, region_type_of_code

__all__ = ["read_dicom_segmentation"]

SEGMENTATION_STORAGE = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")

_EVEN = 0.01
"""Part of the slice distance by which positions may be off an even grid."""


def read_dicom_segmentation(path: Path) -> list[Outline]:
    """Read every segment of a DICOM segmentation on its own grid, cut to the slices that the object has.

    Fractional segments count where they are half or more.

    :raises InputError: it is no segmentation, or its frames do not lie on one grid; the message names the file.
    """
    path = Path(path)
    dataset = pydicom.dcmread(path)
    if dataset.get("SOPClassUID") not in SEGMENTATION_STORAGE:
        raise InputError(f"'{path.name}' is no DICOM segmentation.")
    frames = dataset.get("PerFrameFunctionalGroupsSequence")
    segments = {int(one.SegmentNumber): one for one in dataset.get("SegmentSequence") or ()}
    if not frames or not segments:
        raise InputError(f"'{path.name}' holds no segment.")
    shared = dataset.SharedFunctionalGroupsSequence[0] if dataset.get("SharedFunctionalGroupsSequence") else pydicom.Dataset()

    def item(frame, name: str):
        for group in (frame, shared):
            if group.get(name):
                return group[name][0]
        raise InputError(f"'{path.name}': a frame lacks {name}, so that its place is not known.")

    positions = np.array([item(frame, "PlanePositionSequence").ImagePositionPatient for frame in frames], float)
    directions = np.array([item(frame, "PlaneOrientationSequence").ImageOrientationPatient for frame in frames], float)
    spacings = np.array([item(frame, "PixelMeasuresSequence").PixelSpacing for frame in frames], float)
    if np.ptp(directions, axis=0).max() > 1e-4 or np.ptp(spacings, axis=0).max() > 1e-4:
        raise InputError(f"'{path.name}': its frames have several orientations or pixel sizes.")
    row, column = directions[0, :3], directions[0, 3:]
    normal = np.cross(row, column)
    along = positions @ normal
    levels = _distinct(along)
    measures = item(frames[0], "PixelMeasuresSequence")
    step = float(np.diff(levels).min()) if len(levels) > 1 else _slice_distance(measures)
    index = np.rint((along - levels[0]) / step).astype(int)
    if np.abs(along - levels[0] - index * step).max() > _EVEN * step:
        raise InputError(f"'{path.name}': its slices are not evenly spaced.")
    first = positions[int(np.argmin(along))]
    if np.abs(positions - first - np.outer(along - levels[0], normal)).max() > _EVEN * step:
        raise InputError(f"'{path.name}': its slices are shifted against each other.")
    shape = (int(index.max()) + 1, int(dataset.Rows), int(dataset.Columns))
    direction = np.stack([row, column, normal], axis=1)
    geometry = Geometry.from_parts(shape, (spacings[0, 1], spacings[0, 0], step), first, direction)

    pixels = dataset.pixel_array.reshape(-1, *shape[1:])
    inside = pixels > 0
    if dataset.get("SegmentationType") == "FRACTIONAL":
        inside = pixels >= 0.5 * float(dataset.get("MaximumFractionalValue") or 255)
    masks = {number: np.zeros(shape, dtype=bool) for number in segments}
    for frame, plane, k in zip(frames, inside, index, strict=True):
        number = int(item(frame, "SegmentIdentificationSequence").ReferencedSegmentNumber)
        if number not in masks:
            raise InputError(f"'{path.name}': a frame belongs to segment {number}, which is not described.")
        masks[number][k] |= plane
    study = str(dataset.get("StudyInstanceUID") or "")
    return [_outline(segment, masks[number], geometry, path, study) for number, segment in segments.items()]


def _outline(segment, mask: np.ndarray, geometry: Geometry, path: Path, study: str) -> Outline:
    kind = segment.get("SegmentedPropertyTypeCodeSequence")
    modifier = kind[0].get("SegmentedPropertyTypeModifierCodeSequence") if kind else None
    return Outline(
        name=str(segment.get("SegmentLabel") or f"segment {segment.SegmentNumber}").strip(),
        mask=mask,
        geometry=geometry,
        path=path,
        region_type=region_type_of_code(_code(kind), _code(modifier)),
        tracking_uid=str(segment.get("TrackingUID") or ""),
        study_uid=study,
    )


def _code(sequence) -> tuple[str, str] | None:
    return (str(sequence[0].CodingSchemeDesignator), str(sequence[0].CodeValue)) if sequence else None


def _distinct(values: np.ndarray) -> np.ndarray:
    values = np.sort(values)
    return values[np.insert(np.diff(values) > 1e-3, 0, True)]


def _slice_distance(measures) -> float:
    for name in ("SpacingBetweenSlices", "SliceThickness"):
        if measures.get(name):
            return float(measures[name].value)
    raise InputError("A segmentation of one slice does not tell how thick the slice is.")
